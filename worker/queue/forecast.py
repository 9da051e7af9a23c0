"""When a recording will probably be finished: what is ahead of it, at the pace that the workers have shown lately."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.timeline import Seconds
from worker.queue.dispatch import JobQueue, Running
from worker.queue.waiting import Waiting

#: Of what runs longer than the pace allows, this much of its time is still expected: it is late, not done.
_LATE = 0.1


@dataclass(frozen=True, slots=True)
class Forecast:
    """What can be said of one recording that waits or runs."""

    #: Place among those that wait, from 1; None for one that runs.
    position: int | None
    #: Seconds of sound that workers have before them until it is its turn.
    seconds_ahead: Seconds
    #: None where nobody can know: no worker, no pace, or an unknown length ahead.
    expected_at: datetime | None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Fleet:
    """The workers of one queue and their work, at one moment."""

    waiting: Sequence[Waiting]
    running: Sequence[Running]
    workers: int
    #: Seconds a worker takes for a second of sound; None where none is known yet.
    pace: float | None


#: Nobody works, or nobody can be asked.
NOBODY = Fleet((), (), 0, None)


def fleet_of(queue: JobQueue) -> Fleet:
    """How a queue stands now.

    Raises:
        redis.exceptions.RedisError: the broker doesn't answer.
    """
    return Fleet(queue.waiting(), queue.running(), queue.workers(), queue.pace())


def forecasts(fleet: Fleet, now: datetime) -> Mapping[str, Forecast]:
    """What can be said of every job that waits or runs, by its id.

    As in a list schedule: whoever is first in line goes to the worker that is free first. Long recordings that several
    workers share, and what arrives later and goes first, are left out: the former come sooner, the latter costs time.
    """
    remaining = {job.job_id: _remaining(job, fleet.pace, now) for job in fleet.running}
    found = {job_id: Forecast(None, 0.0, _after(now, left)) for job_id, left in remaining.items()}
    ahead = sum(_sound_left(job, remaining[job.job_id], fleet.pace) for job in fleet.running)
    free = _free_workers(fleet, tuple(remaining.values()))
    for position, job in enumerate(fleet.waiting, start=1):
        left = None
        if free is not None and fleet.pace is not None and job.seconds > 0:
            left = free[0] + job.seconds * fleet.pace
            heapq.heapreplace(free, left)
        else:
            # Whatever comes after something of unknown length can't be foretold either.
            free = None
        found[job.job_id] = Forecast(position, ahead, _after(now, left), job.urgent)
        ahead += job.seconds
    return found


def _free_workers(fleet: Fleet, remaining: tuple[Seconds | None, ...]) -> list[Seconds] | None:
    """In how many seconds each worker is free, as a heap; None where that can't be known."""
    known = [left for left in remaining if left is not None]
    if fleet.workers == 0 or fleet.pace is None or len(known) < len(remaining):
        return None
    free = [0.0] * fleet.workers
    # More may be registered as running than workers live: what somebody just killed had is another's in a moment.
    for left in sorted(known):
        heapq.heapreplace(free, free[0] + left)
    return free


def _remaining(job: Running, pace: float | None, now: datetime) -> Seconds | None:
    if pace is None or job.started_at is None or job.seconds <= 0:
        return None
    whole = job.seconds * pace
    return max(whole - (now - job.started_at).total_seconds(), whole * _LATE)


def _sound_left(job: Running, left: Seconds | None, pace: float | None) -> Seconds:
    return job.seconds if left is None or pace is None else left / pace


def _after(now: datetime, seconds: Seconds | None) -> datetime | None:
    return None if seconds is None else now + timedelta(seconds=seconds)
