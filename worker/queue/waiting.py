"""The line in front of the workers: RQ's list of waiting jobs, kept in order of rank; the smallest rank goes first.

    push ──► list (RQ's own, in order) ──► pop ──► RQ's intermediate list ──► a worker that has begun
             ranks (sorted set, the same ids)

RQ itself pushes to the end of its list and blocks on its head; strangers may do what they like. Whenever list and
ranks don't hold the same number of ids, the next of our scripts puts both right: what a job hash knows is its rank
again, and what has none goes first, so that a worker takes and refuses it. Every script is atomic.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

#: A job's own facts stand in its hash, under names that RQ has no use for, and go when it goes.
RANK, SECONDS, SINCE, URGENT = "our_rank", "our_seconds", "our_since", "our_urgent"
#: Seconds that a reservation holds without being renewed.
RESERVED_S = 30
#: How far from the head a reservation is looked for: more than there are workers.
_LOOK_AHEAD = 64

_PRELUDE = f"""
local list, ranks, reserved, reserves = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local function known_rank(id)
  local told = redis.pcall('HGET', 'rq:job:' .. id, '{RANK}')
  local rank = type(told) == 'string' and tonumber(told) or 0
  return rank == rank and rank or 0
end

local function repair()
  local there = {{}}
  for _, id in ipairs(redis.call('LRANGE', list, 0, -1)) do
    there[id] = true
    if not redis.call('ZSCORE', ranks, id) then redis.call('ZADD', ranks, known_rank(id), id) end
  end
  redis.call('DEL', list)
  local kept = {{}}
  for _, id in ipairs(redis.call('ZRANGE', ranks, 0, -1)) do
    if there[id] then kept[#kept + 1] = id else redis.call('ZREM', ranks, id) end
  end
  for first = 1, #kept, 1000 do
    redis.call('RPUSH', list, unpack(kept, first, math.min(first + 999, #kept)))
  end
end

local function settle()
  if redis.call('LLEN', list) ~= redis.call('ZCARD', ranks) then repair() end
end

local function place(id, rank)
  settle()
  if redis.call('ZSCORE', ranks, id) then redis.call('LREM', list, 1, id) end
  redis.call('ZADD', ranks, rank, id)
  local at = redis.call('ZRANK', ranks, id)
  local after = redis.call('ZRANGE', ranks, at + 1, at + 1)[1]
  if not after then
    redis.call('RPUSH', list, id)
  elseif redis.call('LINSERT', list, 'BEFORE', after, id) < 1 then
    redis.call('RPUSH', list, id)
    repair()
  end
end

local function remove(id)
  redis.call('ZREM', ranks, id)
  return redis.call('LREM', list, 1, id)
end
"""

_PUSH = """
place(ARGV[1], known_rank(ARGV[1]))
return 1
"""

#: KEYS beyond the four: intermediate list, running, paused, RQ's set of queues. ARGV: id, rank, fields of the job.
_ENQUEUE = """
local id, job = ARGV[1], 'rq:job:' .. ARGV[1]
settle()
if redis.call('ZSCORE', ranks, id) or redis.call('ZSCORE', KEYS[7], id) then return 0 end
for _, taken in ipairs(redis.call('LRANGE', KEYS[5], 0, -1)) do
  if taken == id then return 0 end
end
for _, running in ipairs(redis.call('ZRANGE', KEYS[6], 0, -1)) do
  if running == id or string.sub(running, 1, #id + 1) == id .. ':' then return 0 end
end
redis.call('DEL', job)
redis.call('HSET', job, unpack(ARGV, 3))
redis.call('SADD', KEYS[8], list)
place(id, ARGV[2])
return 1
"""

#: ARGV: id, rank, then fields of the job.
_MOVE = """
settle()
if not redis.call('ZSCORE', ranks, ARGV[1]) then return 0 end
redis.call('HSET', 'rq:job:' .. ARGV[1], unpack(ARGV, 3))
place(ARGV[1], ARGV[2])
return 1
"""

#: KEYS[5]: intermediate list. ARGV: owner, how far to look.
_POP = """
settle()
local owner = ARGV[1]
local chosen = owner ~= '' and redis.call('GET', reserves .. owner)
if not chosen or not redis.call('ZSCORE', ranks, chosen) then
  chosen = nil
  for _, id in ipairs(redis.call('LRANGE', list, 0, ARGV[2] - 1)) do
    local holder = redis.call('GET', reserved .. id)
    if not holder or holder == owner then chosen = id break end
  end
  chosen = chosen or redis.call('LINDEX', list, 0)
end
if not chosen then return false end
if remove(chosen) == 0 then
  repair()
  chosen = redis.call('LINDEX', list, 0)
  if not chosen then return false end
  remove(chosen)
end
redis.call('DEL', reserved .. chosen, reserves .. owner)
redis.call('RPUSH', KEYS[5], chosen)
return chosen
"""

#: ARGV: owner, how far to look, seconds to hold.
_RESERVE = """
settle()
local owner = ARGV[1]
local function hold(id)
  redis.call('SET', reserved .. id, owner, 'EX', ARGV[3])
  redis.call('SET', reserves .. owner, id, 'EX', ARGV[3])
  return id
end
local mine = redis.call('GET', reserves .. owner)
if mine and redis.call('ZSCORE', ranks, mine) then
  local holder = redis.call('GET', reserved .. mine)
  if not holder or holder == owner then return hold(mine) end
end
for _, id in ipairs(redis.call('LRANGE', list, 0, ARGV[2] - 1)) do
  if string.find(id, '^r%-%x+$') and redis.call('EXISTS', reserved .. id) == 0 then return hold(id) end
end
return false
"""

_TAKE_BACK = """
if remove(ARGV[1]) == 0 then return 0 end
redis.call('DEL', 'rq:job:' .. ARGV[1], reserved .. ARGV[1])
return 1
"""

#: KEYS[5]: paused, by the time when their pause is over. ARGV: now.
_DUE = """
local queued = 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], 0, ARGV[1])) do
  redis.call('ZREM', KEYS[5], id)
  local job = 'rq:job:' .. id
  if redis.call('EXISTS', job) == 1 then
    redis.call('HSET', job, 'status', 'queued', 'started_at', '', 'ended_at', '')
    place(id, known_rank(id))
    queued = queued + 1
  end
end
return queued
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One job in the line."""

    job_id: str
    #: Seconds of sound; 0.0 where unknown.
    seconds: float
    #: Epoch seconds of its arrival; None where unknown.
    since: float | None
    urgent: bool


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """The line of one queue. Every method may raise redis.exceptions.RedisError."""

    redis: "Redis"
    #: RQ's name of the queue.
    name: str

    @property
    def key(self) -> str:
        """RQ's list."""
        return f"rq:queue:{self.name}"

    def enqueue(self, job_id: str, *, rank: float, fields: Mapping[str, Any]) -> bool:
        """Let a new job wait, with the fields of its hash; False when it waits, pauses or runs already."""
        registries = (self._intermediate, f"rq:wip:{self.name}", self._paused, "rq:queues")
        return bool(self._run(_ENQUEUE, job_id, repr(rank), *_flat(fields), more=registries))

    def push(self, job_id: str, pipeline: Any = None) -> None:
        """Let a job wait again, at the rank that it has."""
        self._run(_PUSH, job_id, client=pipeline)

    def move(self, job_id: str, *, rank: float, fields: Mapping[str, Any]) -> bool:
        """Give a waiting job another rank, and change fields of its hash; False when it doesn't wait."""
        return bool(self._run(_MOVE, job_id, repr(rank), *_flat(fields)))

    def pop(self, owner: str) -> bytes | None:
        """Move a job to RQ's intermediate list; None when nobody waits.

        What `owner` reserved goes first, then the first that nobody else has reserved, then the first.
        """
        popped: bytes | None = self._run(_POP, owner, _LOOK_AHEAD, more=[self._intermediate])
        return popped

    def popped(self, entry: bytes) -> None:
        """Forget the place of what RQ took from its list by itself."""
        self.redis.zrem(self._keys[1], entry)

    def reserve(self, owner: str) -> str | None:
        """Hold, or go on holding, the first recording that nobody else has reserved."""
        held = self._run(_RESERVE, owner, _LOOK_AHEAD, RESERVED_S)
        return None if held is None else text(held)

    def take_back(self, job_id: str) -> bool:
        """Remove a job, with its hash; False when it doesn't wait."""
        return bool(self._run(_TAKE_BACK, job_id))

    def enqueue_due(self, now: float) -> int:
        """Let those wait again whose pause is over at `now`, in epoch seconds; returns how many."""
        return int(self._run(_DUE, now, more=[self._paused]))

    def all(self) -> tuple[Waiting, ...]:
        """The whole line, first come first."""
        wanted = ["#", *(f"rq:job:*->{field}" for field in (SECONDS, SINCE, URGENT))]
        rows: Any = self.redis.sort(self.key, by="nosort", get=wanted, groups=True)
        return tuple(
            Waiting(text(job_id), number(seconds) or 0.0, number(since), urgent == b"1")
            for job_id, seconds, since, urgent in rows
        )

    @property
    def _keys(self) -> tuple[str, ...]:
        """The list, its ranks, and what the names of reservations begin with: by job, by owner."""
        ours = f"nachlese:{self.name}"
        return self.key, f"{ours}:ranks", f"{ours}:reserved:", f"{ours}:reserves:"

    @property
    def _intermediate(self) -> str:
        return f"{self.key}:intermediate"

    @property
    def _paused(self) -> str:
        return f"rq:scheduled:{self.name}"

    def _run(self, script: str, *args: Any, more: Sequence[str] = (), client: Any = None) -> Any:
        return self.redis.register_script(_PRELUDE + script)(keys=[*self._keys, *more], args=args, client=client)


def number(told: Any) -> float | None:
    """A finite number that the broker holds; None for anything else."""
    try:
        found = float(told)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def text(entry: Any) -> str:
    """What the broker holds, as text."""
    return entry.decode(errors="replace") if isinstance(entry, bytes) else str(entry)


def _flat(fields: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(each for pair in fields.items() for each in pair)
