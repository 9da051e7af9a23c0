"""The worker process: takes one job after the other from its queue, and has an engine process do it.

    worker (this) ──run──► engine process ──► worker.tasks ──► engines, ffmpeg
       │ heartbeat every 3 s      │ dies with the worker
       └── housekeeping           └── is killed and replaced when it hangs, takes too long or is told to stop

The worker itself never imports an engine and never touches a GPU, so whatever happens there, it lives on. RQ keeps
the books in the broker; a broker that is away stops nobody in mid-work.
"""

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from redis.exceptions import RedisError
from rq import worker_registration
from rq.exceptions import DequeueTimeout
from rq.suspension import is_suspended
from rq.utils import now
from rq.worker import BaseWorker, WorkerStatus

from config.settings import Settings
from jobs.errors import NachleseError, SetupError
from worker import tasks
from worker.bucket.storage import S3Storage, probe, s3_storage
from worker.engines.host import Role
from worker.fleet.keeper import COMMAND, Keeper
from worker.fleet.shift import Broken, Shift
from worker.fleet.signals import Asked, counted
from worker.logs import told
from worker.queue.dispatch import RUN, Errand, JobQueue, Kind, NachleseJob, NachleseQueue, again, job_queue
from worker.sound.scratch import clean_scratch
from worker.tasks import End, Ending
from worker.watch import metrics
from worker.watch.health import Health

log = structlog.get_logger()

# A worker that was killed is replaced after _JOB_TTL_S + _BEAT_EVERY_S at most, and the moment in which an idle one
# looks at its queue; with RQ's own values that took 803 s. The first leaves room for a missed beat.
_BEAT_EVERY_S = 3.0
_JOB_TTL_S = 7
#: A worker that hasn't been heard of for so long counts no more.
_WORKER_TTL_S = 20
#: How long one look at an empty queue takes, in whole seconds.
_LOOK_S = 1
#: How long the broker may take for an answer.
_ANSWER_S = 5
#: How often a worker that has nothing to do looks around.
_TURN_S = 0.2
#: Whoever is asked a second time, or does nothing, leaves within this, even if broker or bucket hang.
_AT_ONCE_S = 3.0
_LONGEST_PAUSE_S = 10.0
#: Code of a try that ended with its engine process.
_DIED = "engine-died"

# A worker that waits for something else than the queue holds would never find a job.
if f"{tasks.__name__}.{tasks.run.__name__}" != RUN:
    message = f"the queue asks for {RUN}, which isn't there"
    raise ImportError(message)


@dataclass(frozen=True, slots=True)
class Crew:
    """All that a worker works with, besides its queue."""

    settings: Settings
    storage: S3Storage
    keeper: Keeper
    asked: Asked
    health: Health


class NachleseWorker(BaseWorker):  # type: ignore[misc]  # rq is not typed
    """RQ's bookkeeping, for one queue and our jobs only. Its main thread does nothing that can't be interrupted."""

    job_class = NachleseJob
    queue_class = NachleseQueue
    #: RQ's entry for the job that is being worked on.
    execution: Any

    def __init__(self, queues: Any, *, ours: JobQueue | None = None, crew: Crew | None = None, **options: Any) -> None:
        if ours is None or crew is None:
            raise SetupError("foreign-worker", "start workers with `nachlese worker`, never with `rq worker`")
        # RQ would ask the broker for our address already.
        super().__init__(queues, prepare_for_work=False, **options)
        self.hostname, self.pid, self.birth_date = socket.gethostname(), os.getpid(), now()
        ours.rq.owner = self.name
        self._ours, self._crew = ours, crew
        self._shift: Shift | None = None
        self._suspended = False
        self._house_kept_at = -_BEAT_EVERY_S
        self._pause_s = 0.0

    # --- what RQ asks of a worker ---

    @property
    def connection_timeout(self) -> int:
        """Seconds that the broker may take for an answer."""
        return _ANSWER_S

    @property
    def horse_pid(self) -> int:
        """The process that works on the current job; 0 while there is none."""
        return (self._crew.keeper.pid or 0) if self.busy else 0

    def get_heartbeat_ttl(self, job: Any) -> int:  # noqa: ARG002  # the same for every job
        """Seconds without a heartbeat after which a job is another worker's."""
        return _JOB_TTL_S

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:  # noqa: ARG002  # RQ's signature
        """Stop the current job: RQ's commands end here, in the thread that listens for them."""
        if self._shift is not None:
            self._shift.stopped = True

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:  # noqa: ARG002  # RQ's signature
        """Say that we live, also to a broker that was wiped meanwhile."""
        self.last_heartbeat = now()
        connection = self.connection if pipeline is None else pipeline
        connection.hset(self.key, mapping=self.serialize())
        connection.expire(self.key, _WORKER_TTL_S)
        worker_registration.register(self, pipeline)

    # --- the loop ---

    @property
    def busy(self) -> bool:
        """Whether a job is being worked on."""
        return self._shift is not None

    def work_on(self, *, burst: bool) -> None:
        """Work until asked to leave; with `burst` until the queue is empty. Outlives the broker's restarts.

        Raises:
            SetupError: this machine isn't ready, and `burst` leaves no time to wait for it.
        """
        threading.Thread(target=self._listen, name="commands", daemon=True).start()
        while not self._crew.asked.times and self._turn(burst=burst):
            pass
        self._crew.health.ready("leaving")
        self._crew.keeper.close()
        with suppress(RedisError):
            self.register_death()

    def _turn(self, *, burst: bool) -> bool:
        """Look around once; False when there is nothing left to do."""
        keeper, health = self._crew.keeper, self._crew.health
        keeper.tend()
        health.beat()
        health.ready(keeper.obstacle)
        if burst and keeper.fault is not None:
            raise keeper.fault
        try:
            self._keep_house()
            if keeper.engine is None or self._suspended:
                time.sleep(_TURN_S)
                return True
            taken = self._take(burst=burst)
            # Who was asked to leave meanwhile leaves the job where other workers look for what was never begun.
            if taken is not None and not self._crew.asked.times:
                self._do(*taken)
        except RedisError as error:
            log.warning("broker.lost", error=type(error).__name__, pause_s=self._next_pause_s())
            self._pause()
        except Exception as error:  # RQ's books are no reason to stop working
            log.error("worker.crashed", **told(error))  # noqa: TRY400  # `told` leaves its text out
            self._next_pause_s()
            self._pause()
        else:
            self._pause_s = 0.0
            return taken is not None or not burst
        return True

    def _next_pause_s(self) -> float:
        self._pause_s = min(max(1.0, 2 * self._pause_s), _LONGEST_PAUSE_S)
        return self._pause_s

    def _pause(self) -> None:
        until = time.monotonic() + self._pause_s
        while time.monotonic() < until and not self._crew.asked.times:
            time.sleep(_TURN_S)
            self._crew.keeper.tend()
            self._crew.health.beat()

    def _keep_house(self) -> None:
        """Now and then, say that we live, take over what dead workers left, and queue what has paused long enough."""
        if time.monotonic() - self._house_kept_at < _BEAT_EVERY_S:
            return
        self._suspended = bool(is_suspended(self.connection, self))
        metrics.beat()
        self.clean_registries()
        self._ours.enqueue_due()
        self._house_kept_at = time.monotonic()

    def _take(self, *, burst: bool) -> tuple[Any, Any] | None:
        try:
            options = {"connection": self.connection, "serializer": self.serializer}
            return NachleseQueue.dequeue_any([self._ours.rq], None if burst else _LOOK_S, **options)
        except DequeueTimeout:
            return None

    def _do(self, job: Any, queue: Any) -> None:
        """Have one job done, and write down how it ended."""
        errand, keeper = Errand.parse(job.id), self._crew.keeper
        if errand is None or keeper.engine is None:
            message = f"no errand, or nobody to do it: {job.id}"
            raise AssertionError(message)
        self.prepare_execution(job)
        self.prepare_job_execution(job, remove_from_intermediate_queue=True)
        self._shift = shift = Shift(errand, keeper.engine, self._crew.asked, self._crew.settings)
        metrics.busy(True)
        try:
            with self._beating(job, shift):
                found = shift.watch(self._crew.health.beat)
                ending = found if isinstance(found, Ending) else self._clear_up(shift, found)
            self._count(ending, shift)
            self._book(job, queue, ending)
        finally:
            metrics.busy(False)
            self._shift = None
        if isinstance(found, Ending):
            keeper.after(ending)

    def _clear_up(self, shift: Shift, broken: Broken) -> Ending:
        """Kill an engine process that comes to no end, and hand its job back."""
        keeper = self._crew.keeper
        log.warning("errand.broken_off", job_id=shift.errand.id, why=broken.value, wall_s=round(shift.wall_s, 1))
        if broken is Broken.LEFT:
            keeper.close()
        else:
            reasons = {Broken.STOPPED: "stopped", Broken.CRASHED: "crashed"}
            keeper.replace(reasons.get(broken, "timeout"))
        try:
            if broken is Broken.LEFT and shift.begun:
                tasks.give_back(shift.errand, self._crew.storage)
            if broken is Broken.OVERDUE:
                return tasks.took_too_long(shift.errand, self._crew.storage, self._crew.settings)
        except NachleseError as error:
            log.warning("errand.not_handed_back", job_id=shift.errand.id, code=error.code)
        if broken is Broken.LEFT:
            return Ending(End.HANDED_BACK, 0)
        # Nobody counts the tries of a stretch: its recording's own job hears what others don't.
        return Ending(End.NOTHING) if shift.errand.kind is Kind.STRETCH else Ending(End.LATER, 0, _DIED)

    # --- the books ---

    def _book(self, job: Any, queue: Any, ending: Ending) -> None:
        """Tell the broker; without it the bucket knows enough."""
        job.ended_at = now()
        try:
            if self._stopped_job_id == job.id:
                self.handle_job_failure(job, queue, exc_string="stopped")
            elif ending.pause_s is None:
                self.handle_job_success(job, queue, queue.started_job_registry)
            else:
                pause = again(ending.pause_s)
                self.handle_job_retry(job, queue, pause, queue.started_job_registry, execution=self.execution)
            if ending.end is End.DONE and ending.at_once and self._shift is not None:
                self._ours.learn(ending.audio_s, self._shift.wall_s)
            self.set_state(WorkerStatus.IDLE)
        except RedisError as error:
            self.execution = None
            log.warning("broker.silent", job_id=job.id, error=type(error).__name__)

    def _count(self, ending: Ending, shift: Shift) -> None:
        if ending.end is End.DONE:
            # A resumed recording says nothing about how fast this machine is.
            metrics.finished(ending.audio_s, shift.wall_s if ending.at_once else None)
        elif ending.end is End.FAILED:
            metrics.failed(ending.code)
        elif ending.end is End.LATER:
            metrics.retried(ending.code)

    @contextmanager
    def _beating(self, job: Any, shift: Shift) -> Iterator[None]:
        """Say every few seconds that the job is being worked on."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(_BEAT_EVERY_S):
                try:
                    self._beat(job, shift)
                except RedisError as error:
                    log.warning("broker.silent", job_id=job.id, error=type(error).__name__)

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(_ANSWER_S)

    def _beat(self, job: Any, shift: Shift) -> None:
        execution, registry = self.execution, job.started_job_registry
        with self.connection.pipeline() as pipeline:
            self.heartbeat(pipeline=pipeline)
            execution.heartbeat(registry, _JOB_TTL_S, pipeline)
            # RQ renews only what is still there, and in a broker that was wiped it isn't.
            registry.add_execution(execution, pipeline, ttl=_JOB_TTL_S)
            pipeline.execute()
        metrics.beat()
        if shift.reached is not None:
            self._ours.tell(job.id, shift.reached)
        shift.next = self._ours.reserve(self.name) if shift.has_hands_free else None

    def _listen(self) -> None:
        """Listen for RQ's commands as long as we live; what strangers send there is left alone."""
        while True:
            try:
                with self.connection.pubsub() as channel:
                    channel.subscribe(**{self.pubsub_channel_name: self.handle_payload})
                    while True:
                        channel.get_message(timeout=_BEAT_EVERY_S)
            except Exception as error:  # see above
                log.debug("commands.unheard", error=type(error).__name__)
                time.sleep(1.0)


def serve(
    settings: Settings, *, role: Role = "speech", burst: bool = False, command: tuple[str, ...] = COMMAND
) -> None:
    """Work until SIGTERM or Ctrl-C; with `burst` until the queue is empty.

    Args:
        settings: Everything there is to set.
        role: Which queue to work for.
        burst: Leave when the queue is empty.
        command: Starts an engine process.

    Raises:
        SetupError: the settings can't work, or `burst` finds that this machine isn't ready.
    """
    if role == "recap" and not settings.recap.queue:
        raise SetupError(
            "no-recap-queue", "recaps have no queue of their own: set recap.queue, or leave them to speech"
        )
    queue = job_queue(settings, settings.recap.queue if role == "recap" else None)
    storage = s3_storage(settings)
    health = Health({"broker": queue.ping, "store": storage.clock})
    metrics.serve(settings.metrics, "worker", health, metrics.ScratchNumbers(settings))
    # RQ tells every job's whole way.
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    log.info("worker.started", queue=queue.rq.name, role=role, scratch_removed=clean_scratch(settings))
    threading.Thread(target=_probe, args=(storage,), name="probe", daemon=True).start()
    with counted() as asked, closing(Keeper(settings, role, command)) as keeper:
        crew = Crew(settings, storage, keeper, asked, health)
        worker = NachleseWorker(
            [queue.rq], ours=queue, crew=crew, connection=queue.redis, serializer=queue.rq.serializer
        )
        threading.Thread(target=_see_off, args=(worker, crew), name="see-off", daemon=True).start()
        worker.work_on(burst=burst)
    log.info("worker.stopped")


def _probe(storage: S3Storage) -> None:
    """Find out whether two workers on one recording are safe from each other."""
    try:
        obeyed = probe(storage)
    except NachleseError as error:
        log.warning("store.unprobed", code=error.code)
        return
    metrics.conditional_writes(obeyed)
    if not obeyed:
        log.warning("store.unconditional")


def _see_off(worker: NachleseWorker, crew: Crew) -> None:
    """End the process when it was asked to leave and can't: whatever hangs, others have waited long enough."""
    while crew.asked.since is None or crew.asked.last is None:
        time.sleep(_TURN_S)
    patience_s = _AT_ONCE_S
    while time.monotonic() < crew.asked.since + patience_s:
        time.sleep(_TURN_S)
        if worker.busy:
            patience_s = max(_AT_ONCE_S, crew.settings.worker.drain_s)
        if crew.asked.times > 1 and time.monotonic() > crew.asked.last + _AT_ONCE_S:
            break
    log.warning("worker.forced_out")
    if crew.keeper.pid is not None:
        with suppress(ProcessLookupError):
            os.killpg(crew.keeper.pid, signal.SIGKILL)
    sys.stderr.flush()
    os._exit(0)
