"""The queue of recordings: what waits, what runs, how far it is. It may be wiped at any moment.

A job is an errand's id and nothing else. Whatever else lies in the broker is never run: see `NachleseJob`.
Every method that asks the broker may raise redis.exceptions.RedisError.
"""

import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

import structlog
from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ResponseError
from redis.retry import Retry as Reconnect
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job, Retry
from rq.serializers import JSONSerializer
from rq.utils import now

from config.settings import Settings
from jobs.errors import SetupError
from jobs.timeline import Seconds
from worker.queue.waiting import RANK, SECONDS, SINCE, URGENT, Waiting, WaitingLine, number, text

log = structlog.get_logger()

#: The one function that a job may name. Jobs in the broker hold it as text: never rename it.
RUN = "worker.tasks.run"
#: Pause before the second, third, … try of a recording, in seconds.
PAUSES_S = (30, 120, 600, 1800, 3600)
#: How long a job's traces stay in the broker after it, in seconds: the bucket remembers, not the broker.
_TRACES_S = 600
#: A job that was taken from the list and hasn't begun after this is another worker's: its own was killed in between.
_UNBEGUN_S = 5.0
#: Cleaning up takes milliseconds; whoever is killed in the middle of it holds the others up no longer than this.
_CLEANING_S = 3
#: How much of what was known of the fleet's pace the next recording leaves.
_MEMORY = 0.9
_ID = re.compile(r"(r-[0-9a-f]{20})(?:-(?:s([0-9]{3})|(draft)))?")
_LEARN = """
for at, field in ipairs({'audio_s', 'wall_s'}) do
  local before = tonumber(redis.call('HGET', KEYS[1], field)) or 0
  redis.call('HSET', KEYS[1], field, string.format('%.6f', before * ARGV[1] + ARGV[at + 1]))
end
"""
_STAGE = re.compile(r"[a-z][a-z-]{0,31}")


class Kind(StrEnum):
    """What a worker can be asked for."""

    #: The whole recording.
    RECORDING = "recording"
    #: The words of one stretch of a long one.
    STRETCH = "stretch"
    #: The recap of one that has been transcribed.
    DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class Errand:
    """What one job asks for. Its id says it all: no key, no title, nothing to believe a stranger."""

    recording_id: str
    kind: Kind = Kind.RECORDING
    #: Which stretch, from 0 to 999; None for other kinds.
    index: int | None = None

    def __post_init__(self) -> None:
        if (self.kind is Kind.STRETCH) is (self.index is None) or not _ID.fullmatch(self.id):
            message = f"no such errand: {self.recording_id!r} {self.kind} {self.index}"
            raise ValueError(message)

    @property
    def id(self) -> str:
        """The job's id.

        Examples:
            >>> Errand("r-bfd2b073e3eaa6f7876c", Kind.STRETCH, 7).id
            'r-bfd2b073e3eaa6f7876c-s007'
        """
        tail = {Kind.RECORDING: "", Kind.STRETCH: f"-s{self.index or 0:03}", Kind.DRAFT: "-draft"}
        return self.recording_id + tail[self.kind]

    @classmethod
    def parse(cls, job_id: str) -> Self | None:
        """The errand of that id; None where it is none.

        Examples:
            >>> Errand.parse("r-bfd2b073e3eaa6f7876c-draft").kind
            <Kind.DRAFT: 'draft'>
        """
        found = _ID.fullmatch(job_id)
        if found is None:
            return None
        recording_id, index, draft = found.groups()
        if index is not None:
            return cls(recording_id, Kind.STRETCH, int(index))
        return cls(recording_id, Kind.DRAFT if draft else Kind.RECORDING)


class NachleseJob(Job):  # type: ignore[misc]  # rq is not typed
    """A job that can only be ours: `worker.tasks.run` with an errand's id, no callbacks, no webhooks.

    RQ calls whatever function a job in the broker names. Here such a job doesn't exist.
    """

    def restore(self, raw_data: Any) -> None:
        """Read a job from the broker, or refuse it.

        Raises:
            NoSuchJobError: this isn't a job of ours.
        """
        try:
            super().restore(raw_data)
            reason = self._foreign()
        except NoSuchJobError:
            raise
        except Exception as error:  # whatever a stranger wrote must not stop the worker
            reason = type(error).__name__
        if reason:
            log.warning("job.refused", reason=reason)
            message = "not a job of ours"
            raise NoSuchJobError(message)

    def _foreign(self) -> str | None:
        if self.func_name != RUN or self.instance is not None:
            return "function"
        if Errand.parse(self.id) is None or list(self.args) != [self.id] or self.kwargs:
            return "arguments"
        if self._success_callback_name or self._failure_callback_name or self._stopped_callback_name:
            return "callback"
        return "webhook" if self.webhooks else None


class _Unbegun(IntermediateQueue):  # type: ignore[misc]  # rq is not typed
    """Jobs between the list and their beginning; RQ waits a minute before it gives them to another worker."""

    def get_job_ids(self) -> list[str]:
        """Those of our jobs that are there, whatever strangers put beside them."""
        entries = map(text, self.connection.lrange(self.key, 0, -1))
        return [entry for entry in entries if Errand.parse(entry) is not None]

    def should_be_cleaned_up(self, job_id: str) -> bool:
        """Whether a job's worker must be gone."""
        seen = self.get_first_seen(job_id)
        return seen is not None and now() - seen > timedelta(seconds=_UNBEGUN_S)

    def set_first_seen(self, job_id: str) -> bool:
        """Note the time, unless it is noted; not for a day as RQ does, because the same job may come here again."""
        key, ends_s = self.get_first_seen_key(job_id), round(4 * _UNBEGUN_S)
        return bool(self.connection.set(key, now().timestamp(), nx=True, ex=ends_s))


class NachleseQueue(Queue):  # type: ignore[misc]  # rq is not typed
    """A queue in order of rank, whose housekeeping goes on soon after the worker that did it was killed."""

    job_class = NachleseJob
    #: Whose reservations its dequeuing prefers; see `JobQueue.reserve`.
    owner = ""

    @property
    def line(self) -> WaitingLine:
        """Those that wait, in order."""
        return WaitingLine(self.connection, self.name)

    @property
    def intermediate_queue(self) -> IntermediateQueue:
        """See `_Unbegun`."""
        return _Unbegun(self.key, connection=self.connection)

    def acquire_maintenance_lock(self) -> bool:
        """RQ holds this lock for 15 minutes; whoever dies with it would stop the takeover of lost jobs for as long."""
        return bool(self.connection.set(self.registry_cleaning_key, 1, nx=True, ex=_CLEANING_S))

    def push_job_id(self, job_id: str, pipeline: Any = None, at_front: bool = False) -> None:  # noqa: ARG002  # RQ's signature
        """Let a job wait at its rank, wherever RQ would put it."""
        self.line.push(job_id, pipeline)

    @classmethod
    def dequeue_any(
        cls, queues: Iterable["NachleseQueue"], timeout: int | None, connection: Redis, **options: Any
    ) -> "tuple[NachleseJob, NachleseQueue] | None":
        """Take the next job of one queue, waiting up to `timeout` seconds for it; None doesn't wait.

        Raises:
            rq.exceptions.DequeueTimeout: none came.
        """
        (queue,) = queues
        while True:
            entry = queue.line.pop(queue.owner)
            if entry is None:
                # The list was empty a moment ago: whatever comes first is the next, and RQ may wait for it.
                moved = cls.lmove(connection, queue.key, timeout)
                if moved is None:
                    return None
                entry = moved[1]
                queue.line.popped(entry)
            try:
                job = NachleseJob.fetch(text(entry), connection=connection, serializer=options.get("serializer"))
            except (NoSuchJobError, ResponseError, ValueError):
                # A stranger's: no job, not even a hash, or no id.
                queue.intermediate_queue.remove(entry)
            else:
                return job, queue


class Standing(StrEnum):
    """Where in the queue a recording is."""

    WAITING = "waiting"
    RUNNING = "running"
    #: It waits for its next try.
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a running job is."""

    stage: str
    done_s: Seconds
    total_s: Seconds


@dataclass(frozen=True, slots=True)
class Running:
    """One job that a worker has begun."""

    job_id: str
    #: Seconds of sound; 0.0 where unknown.
    seconds: Seconds
    #: When it was begun, this time; None where unknown.
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class Load:
    """How much there is to do, and how many do it."""

    waiting: int
    #: Seconds of sound, as far as known.
    waiting_s: Seconds
    running: int
    running_s: Seconds
    #: When the oldest of those that wait arrived; None when nobody waits, or nobody knows.
    oldest_since: datetime | None
    #: Workers alive.
    workers: int


@dataclass(frozen=True, slots=True)
class JobQueue:
    """The errands that wait for a worker."""

    rq: Any
    #: A job that runs longer is stopped and tried again.
    job_timeout_s: int
    max_tries: int

    @property
    def redis(self) -> "Redis":
        """The connection to the broker."""
        return self.rq.connection  # type: ignore[no-any-return]

    def ping(self) -> None:
        """Ask whether the broker is there."""
        self.redis.ping()

    def enqueue(
        self,
        job_id: str,
        *,
        rank: float = 0.0,
        seconds: Seconds = 0.0,
        since: datetime | None = None,
        urgent: bool = False,
    ) -> bool:
        """Queue an errand; False when it waits, pauses or runs already.

        Args:
            job_id: `Errand.id`
            rank: Smaller goes first, see `tickets.rank_of`; it keeps its rank whenever it is queued again.
            seconds: Its sound's length, for whoever wants to know how much there is to do.
            since: When it arrived.
            urgent: Told to whoever asks; `rank` alone decides.
        """
        job = self.rq.create_job(
            RUN,
            args=(job_id,),
            job_id=job_id,
            timeout=self.job_timeout_s,
            result_ttl=_TRACES_S,
            failure_ttl=_TRACES_S,
            # For workers that die; errors that are told decide for themselves (worker.tasks).
            retry=Retry(max=self.max_tries),
            status="queued",
        )
        job.origin, job.enqueued_at = self.rq.name, now()
        # What an earlier job of this id left (finished, failed, half wiped) is replaced whole.
        fields = job.to_dict() | _facts(rank, seconds, urgent)
        if since is not None:
            fields[SINCE] = since.timestamp()
        return self._line.enqueue(job_id, rank=rank, fields=fields)

    def move(self, job_id: str, *, rank: float, seconds: Seconds, urgent: bool = False) -> bool:
        """Give an errand that waits another rank, because more is known of it; False when it doesn't wait."""
        return self._line.move(job_id, rank=rank, fields=_facts(rank, seconds, urgent))

    def take_back(self, job_id: str) -> bool:
        """Take an errand that still waits out of the line; True: no worker will get it, it is the caller's now."""
        return self._line.take_back(job_id)

    def reserve(self, owner: str) -> str | None:
        """Hold for half a minute what `owner` will probably do next: the first recording that nobody else holds.

        Called again it holds the same one for another half minute. From now on, dequeuing from this very queue
        prefers what `owner` holds; others leave it alone as long as they find something else.

        Args:
            owner: A worker's name.
        """
        self.rq.owner = owner
        return self._line.reserve(owner)

    def enqueue_due(self) -> int:
        """Queue what has paused long enough, each at its rank; returns how many."""
        return self._line.enqueue_due(time.time())

    def standing(self) -> Mapping[str, Standing]:
        """Where every errand is that the broker knows to be under way, by its id."""
        with self.redis.pipeline(transaction=True) as snapshot:
            snapshot.lrange(self.rq.key, 0, -1)
            # A job just taken from the queue and not yet registered as running.
            snapshot.lrange(self.rq.intermediate_queue_key, 0, -1)
            snapshot.zrange(self.rq.started_job_registry.key, 0, -1)
            snapshot.zrange(self.rq.scheduled_job_registry.key, 0, -1)
            waiting, taken, running, paused = snapshot.execute()
        known = {text(entry): Standing.PAUSED for entry in paused}
        known |= {text(entry): Standing.WAITING for entry in (*waiting, *taken)}
        return known | {_begun_id(entry): Standing.RUNNING for entry in running}

    def waiting(self) -> tuple[Waiting, ...]:
        """All that wait, in the order in which workers will take them."""
        return self._line.all()

    def running(self) -> tuple[Running, ...]:
        """All that workers have begun."""
        begun = [_begun_id(entry) for entry in self.redis.zrange(self.rq.started_job_registry.key, 0, -1)]
        with self.redis.pipeline(transaction=False) as ask:
            for job_id in begun:
                ask.hmget(NachleseJob.key_for(job_id), SECONDS, "started_at")
            told = ask.execute(raise_on_error=False)
        known = ((each if isinstance(each, list) else (None, None)) for each in told)
        return tuple(
            Running(job_id, number(seconds) or 0.0, _moment(started))
            for job_id, (seconds, started) in zip(begun, known, strict=True)
        )

    def load(self) -> Load:
        """How much there is to do, and how many do it."""
        waiting, running = self.waiting(), self.running()
        since = [each.since for each in waiting if each.since is not None]
        return Load(
            waiting=len(waiting),
            waiting_s=sum(each.seconds for each in waiting),
            running=len(running),
            running_s=sum(each.seconds for each in running),
            oldest_since=datetime.fromtimestamp(min(since), UTC) if since else None,
            workers=self.workers(),
        )

    def workers(self) -> int:
        """How many workers of this queue are alive."""
        keys = list(self.redis.smembers(f"rq:workers:{self.rq.name}"))
        # Those that were killed are members until somebody cleans up; their own keys expire.
        return int(self.redis.exists(*keys)) if keys else 0

    def pace(self) -> float | None:
        """Seconds a worker takes for a second of sound, from recordings finished lately; None when none is known."""
        audio_s, wall_s = map(number, self.redis.hmget(self._pace_key, "audio_s", "wall_s"))
        return wall_s / audio_s if audio_s and wall_s else None

    def learn(self, audio_s: Seconds, wall_s: Seconds) -> None:
        """Tell how long a worker took for a whole recording. Long ones count for more, old ones for less and less."""
        if audio_s > 0 and wall_s > 0:
            self.redis.eval(_LEARN, 1, self._pace_key, _MEMORY, audio_s, wall_s)

    def position(self, job_id: str) -> int | None:
        """Place among those that wait, from 1; None when it doesn't wait."""
        place = self.rq.get_job_position(job_id)
        return None if place is None else int(place) + 1

    def reached(self, job_id: str) -> Reached | None:
        """How far a running job is; None when it hasn't told."""
        told = self.redis.hget(NachleseJob.key_for(job_id), "meta")
        try:
            meta = json.loads(told) if isinstance(told, (bytes, str)) else {}
            stage = str(meta["stage"])
            reached = Reached(stage, float(meta["done_s"]), float(meta["total_s"]))
        except (KeyError, TypeError, ValueError):
            return None
        return reached if _STAGE.fullmatch(stage) else None

    def tell(self, job_id: str, reached: Reached) -> None:
        """Say how far a running job is: a stage's name and seconds, nothing of what is said in it."""
        meta = {"stage": reached.stage, "done_s": round(reached.done_s, 1), "total_s": round(reached.total_s, 1)}
        self.redis.hset(NachleseJob.key_for(job_id), "meta", json.dumps(meta))

    def forget(self, job_id: str) -> None:
        """Remove every trace of an errand that isn't being worked on."""
        self.take_back(job_id)
        for registry in (self.rq.scheduled_job_registry, self.rq.failed_job_registry, self.rq.finished_job_registry):
            self.redis.zrem(registry.key, job_id)
        self.redis.delete(NachleseJob.key_for(job_id), f"rq:results:{job_id}")

    @property
    def _line(self) -> WaitingLine:
        return self.rq.line  # type: ignore[no-any-return]

    @property
    def _pace_key(self) -> str:
        return f"nachlese:{self.rq.name}:pace"


def job_queue(settings: Settings, name: str | None = None) -> JobQueue:
    """Open a queue. Nothing is asked of the network yet.

    Args:
        settings: Where the broker is.
        name: The queue's name; None takes `broker.queue`, that of recordings and stretches.

    Raises:
        SetupError: "bad-broker" when `broker.url` can't be read.
    """
    try:
        connection = Redis.from_url(
            settings.broker.url.get_secret_value(),
            socket_connect_timeout=5,
            # A broker that hangs mustn't hang whoever asks it. Longer than workers wait for a job.
            socket_timeout=5,
            socket_keepalive=True,
            health_check_interval=30,
            retry=Reconnect(ExponentialBackoff(cap=2, base=0.2), 4),
        )
    except ValueError:
        # Its text may hold the password.
        raise SetupError("bad-broker", "broker.url can't be read: redis://[:password@]host:port/0") from None
    queue = NachleseQueue(name or settings.broker.queue, connection=connection, serializer=JSONSerializer)
    return JobQueue(queue, round(settings.worker.job_hours * 3600), settings.worker.max_tries)


def again(pause_s: int) -> Any:
    """What a task returns to be run again after a pause: how often is counted in the ticket, not here."""
    return Retry(max=1_000_000, interval=pause_s)


def pause_s(tries: int) -> int:
    """Seconds to wait after that many tries, at least one."""
    return PAUSES_S[min(max(tries, 1), len(PAUSES_S)) - 1]


def _facts(rank: float, seconds: Seconds, urgent: bool) -> dict[str, float | int | str]:
    return {RANK: repr(rank), SECONDS: round(seconds, 3), URGENT: int(urgent)}


def _begun_id(entry: Any) -> str:
    """The job of an entry in RQ's registry of running ones: "job:execution"."""
    return text(entry).partition(":")[0]


def _moment(told: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text(told)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
