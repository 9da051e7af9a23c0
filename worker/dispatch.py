"""The queue of recordings: what waits, what runs, how far it is. It may be wiped at any moment.

A job is the id of a recording and nothing else. Whatever else lies in the broker is never run: see `NachleseJob`.
Every method that asks the broker may raise redis.exceptions.RedisError.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog
from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import LockError
from redis.retry import Retry as Reconnect
from rq import Queue
from rq.exceptions import DuplicateJobError, InvalidJobOperation, NoSuchJobError
from rq.job import Job, Retry
from rq.serializers import JSONSerializer

from config.settings import Settings
from jobs.errors import SetupError
from jobs.timeline import Seconds

log = structlog.get_logger()

#: The one function that a job may name. Jobs in the broker hold it as text: never rename it.
RUN = "worker.tasks.run"
#: Pause before the second, third, … try of a recording, in seconds.
PAUSES_S = (30, 120, 600)
#: How long a job's traces stay in the broker after it, in seconds: the bucket remembers, not the broker.
_TRACES_S = 600
_ID = re.compile(r"r-[0-9a-f]{20}")
_STAGE = re.compile(r"[a-z][a-z-]{0,31}")


class NachleseJob(Job):  # type: ignore[misc]  # rq is not typed
    """A job that can only be ours: `worker.tasks.run` with a recording's id, no callbacks, no webhooks.

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
        if not _ID.fullmatch(self.id) or list(self.args) != [self.id] or self.kwargs:
            return "arguments"
        if self._success_callback_name or self._failure_callback_name or self._stopped_callback_name:
            return "callback"
        return "webhook" if self.webhooks else None


class NachleseQueue(Queue):  # type: ignore[misc]  # rq is not typed
    """A queue whose housekeeping goes on soon after the worker that did it was killed."""

    job_class = NachleseJob

    def acquire_maintenance_lock(self) -> bool:
        """RQ holds this lock for 15 minutes; whoever dies with it would stop the takeover of lost jobs for as long."""
        return bool(self.connection.set(self.registry_cleaning_key, 1, nx=True, ex=30))


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
class JobQueue:
    """The recordings that wait for a worker."""

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

    def enqueue(self, recording_id: str) -> bool:
        """Queue a recording; False when it waits or runs already."""
        with self._alone_with(recording_id) as alone:
            if not alone or recording_id in self.standing():
                return False
            # What an earlier job of this id left (finished, failed, half wiped) must not pass for a live one.
            self.redis.delete(NachleseJob.key_for(recording_id))
            try:
                self.rq.enqueue_call(
                    RUN,
                    args=(recording_id,),
                    job_id=recording_id,
                    unique=True,
                    timeout=self.job_timeout_s,
                    result_ttl=_TRACES_S,
                    failure_ttl=_TRACES_S,
                    # For workers that die; errors that are told decide for themselves (worker.tasks).
                    retry=Retry(max=self.max_tries),
                )
            except DuplicateJobError:
                return False
            return True

    def enqueue_due(self) -> int:
        """Queue what has paused long enough; returns how many."""
        paused = self.rq.scheduled_job_registry
        queued = 0
        for recording_id in paused.get_jobs_to_schedule():
            with self._alone_with(recording_id) as alone:
                try:
                    if alone:
                        paused.requeue(recording_id)
                        queued += 1
                except InvalidJobOperation:
                    continue
                except NoSuchJobError:
                    self.redis.zrem(paused.key, recording_id)
        return queued

    def standing(self) -> Mapping[str, Standing]:
        """Where every recording is that the broker knows to be under way."""
        with self.redis.pipeline(transaction=True) as snapshot:
            snapshot.lrange(self.rq.key, 0, -1)
            # A job just taken from the queue and not yet registered as running.
            snapshot.lrange(self.rq.intermediate_queue_key, 0, -1)
            snapshot.zrange(self.rq.started_job_registry.key, 0, -1)
            snapshot.zrange(self.rq.scheduled_job_registry.key, 0, -1)
            waiting, taken, running, paused = snapshot.execute()
        known = {_text(entry): Standing.PAUSED for entry in paused}
        known |= {_text(entry): Standing.WAITING for entry in (*waiting, *taken)}
        return known | {_text(entry).partition(":")[0]: Standing.RUNNING for entry in running}

    def position(self, recording_id: str) -> int | None:
        """Place among those that wait, from 1; None when it doesn't wait."""
        place = self.rq.get_job_position(recording_id)
        return None if place is None else int(place) + 1

    def reached(self, recording_id: str) -> Reached | None:
        """How far a running job is; None when it hasn't told."""
        told = self.redis.hget(NachleseJob.key_for(recording_id), "meta")
        try:
            meta = json.loads(told) if isinstance(told, (bytes, str)) else {}
            stage = str(meta["stage"])
            reached = Reached(stage, float(meta["done_s"]), float(meta["total_s"]))
        except (KeyError, TypeError, ValueError):
            return None
        return reached if _STAGE.fullmatch(stage) else None

    def tell(self, recording_id: str, reached: Reached) -> None:
        """Say how far a running job is: a stage's name and seconds, nothing of what is said in it."""
        meta = {"stage": reached.stage, "done_s": round(reached.done_s, 1), "total_s": round(reached.total_s, 1)}
        self.redis.hset(NachleseJob.key_for(recording_id), "meta", json.dumps(meta))

    def forget(self, recording_id: str) -> None:
        """Remove every trace of a recording that isn't being worked on."""
        self.rq.remove(recording_id)
        for registry in (self.rq.scheduled_job_registry, self.rq.failed_job_registry, self.rq.finished_job_registry):
            self.redis.zrem(registry.key, recording_id)
        self.redis.delete(NachleseJob.key_for(recording_id), f"rq:results:{recording_id}")

    @contextmanager
    def _alone_with(self, recording_id: str) -> Iterator[bool]:
        lock = self.redis.lock(f"nachlese:queueing:{recording_id}", timeout=10, blocking=False)
        alone = bool(lock.acquire())
        try:
            yield alone
        finally:
            if alone:
                try:
                    lock.release()
                except LockError:
                    # It took longer than the lock lives: the next one already has it.
                    log.warning("queue.slow", recording_id=recording_id)


def job_queue(settings: Settings) -> JobQueue:
    """Open the queue that the settings name. Nothing is asked of the network yet.

    Raises:
        SetupError: "bad-broker" when `broker.url` can't be read.
    """
    try:
        connection = Redis.from_url(
            settings.broker.url.get_secret_value(),
            socket_connect_timeout=5,
            socket_keepalive=True,
            health_check_interval=30,
            retry=Reconnect(ExponentialBackoff(cap=2, base=0.2), 4),
        )
    except ValueError:
        # Its text may hold the password.
        raise SetupError("bad-broker", "broker.url can't be read: redis://[:password@]host:port/0") from None
    queue = NachleseQueue(settings.broker.queue, connection=connection, serializer=JSONSerializer)
    return JobQueue(queue, round(settings.worker.job_hours * 3600), settings.worker.max_tries)


def again(pause_s: int) -> Any:
    """What a task returns to be run again after a pause: how often is counted in the ticket, not here."""
    return Retry(max=1_000_000, interval=pause_s)


def pause_s(tries: int) -> int:
    """Seconds to wait after that many tries, at least one."""
    return PAUSES_S[min(max(tries, 1), len(PAUSES_S)) - 1]


def _text(entry: Any) -> str:
    return entry.decode(errors="replace") if isinstance(entry, bytes) else str(entry)
