"""The worker process: takes one recording after the other from the queue, each in a process of its own.

    worker (this) ──fork──► work horse ──► worker.tasks.run ──► engines, ffmpeg
       │ heartbeat every 5 s     │ dies with the worker, and takes its children along
       └── housekeeping ◄────────┘

The worker itself never imports an engine: a process that has touched CUDA can't be forked.
"""

import os
import signal
import threading
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from redis.exceptions import RedisError
from rq import Worker
from rq.exceptions import StopRequested
from rq.utils import now

from config.settings import Settings
from jobs.errors import NachleseError, SetupError
from worker import tasks
from worker.dispatch import RUN, JobQueue, NachleseJob, NachleseQueue, job_queue
from worker.scratch import clean_scratch
from worker.storage import s3_storage

log = structlog.get_logger()

# A worker that was killed is replaced after _HEARTBEAT_TTL_S + _HOUSEKEEPING_S at most; with RQ's own values
# that took 803 s. The first must leave room for a missed beat.
_HEARTBEAT_EVERY_S = 5
_HEARTBEAT_TTL_S = 11
_HOUSEKEEPING_S = 5
#: RQ waits for a new job 15 s less than this before it does its housekeeping.
_WORKER_TTL_S = 20
#: A work horse that was asked to hand its recording back has about this long; containers are killed after 10 s.
_GRACE_S = 4
_LONGEST_PAUSE_S = 10.0

# RQ would find the task by its path in every work horse anew, and hide why if it can't be imported.
if f"{tasks.__name__}.{tasks.run.__name__}" != RUN:
    message = f"the queue asks for {RUN}, which isn't there"
    raise ImportError(message)


class NachleseWorker(Worker):  # type: ignore[misc]  # rq is not typed
    """RQ's forking worker, for one queue and our jobs only."""

    job_class = NachleseJob
    queue_class = NachleseQueue
    max_connection_wait_time = _LONGEST_PAUSE_S

    def __init__(
        self, queues: Any, *, ours: JobQueue | None = None, settings: Settings | None = None, **options: Any
    ) -> None:
        if ours is None or settings is None:
            raise SetupError("foreign-worker", "start workers with `nachlese worker`, never with `rq worker`")
        self._ours = ours
        self._settings = settings
        self._interrupted_pid = 0
        self._hurried = False
        super().__init__(queues, **options)

    @property
    def leaving(self) -> bool:
        """Whether it was asked to stop."""
        return self._shutdown_requested_date is not None

    def get_heartbeat_ttl(self, job: Any) -> int:  # noqa: ARG002  # the same for every job
        """Seconds without a heartbeat after which a job is another worker's."""
        return _HEARTBEAT_TTL_S

    def maintain_heartbeats(self, job: Any) -> None:
        """Say that we live; a broker that is away for a moment must not cost hours of work."""
        if self.leaving:
            self._hurry()
        try:
            super().maintain_heartbeats(job)
        except RedisError as error:
            log.warning("broker.silent", recording_id=job.id, error=type(error).__name__)

    def set_current_job_working_time(self, current_job_working_time: float, pipeline: Any = None) -> None:
        """RQ's bookkeeping; see `maintain_heartbeats`."""
        try:
            super().set_current_job_working_time(current_job_working_time, pipeline)
        except RedisError as error:
            log.warning("broker.silent", error=type(error).__name__)

    def run_maintenance_tasks(self) -> None:
        """Take over what dead workers left, and queue what has paused long enough."""
        super().run_maintenance_tasks()
        self._ours.enqueue_due()

    def handle_warm_shutdown_request(self) -> None:
        """Ask the work horse to hand its recording back: a stage may take hours, and every stage is kept."""
        log.info("worker.leaving", busy=bool(self.horse_pid))
        self.job_monitoring_interval = 1
        self._interrupt()

    def setup_work_horse_signals(self) -> None:
        """In the work horse: end with the worker, and hand the recording back when asked to."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        threading.Thread(target=_die_with, args=(self.pid,), name="die-with-worker", daemon=True).start()

    def monitor_work_horse(self, job: Any, queue: Any) -> None:
        """Wait for the work horse, then end what it left running."""
        group = self.horse_pid
        try:
            super().monitor_work_horse(job, queue)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        if self._hurried:
            self._give_back(job.id)

    def _hurry(self) -> None:
        asked = self._shutdown_requested_date
        if asked is not None and now() - asked > timedelta(seconds=_GRACE_S):
            self._hurried = True
            self.kill_horse()
        else:
            self._interrupt()

    def _give_back(self, recording_id: str) -> None:
        try:
            tasks.give_back(recording_id, s3_storage(self._settings))
        except NachleseError as error:
            log.warning("recording.not_handed_back", recording_id=recording_id, code=error.code)

    def _interrupt(self) -> None:
        if self.horse_pid not in (0, self._interrupted_pid):
            self._interrupted_pid = self.horse_pid
            with suppress(ProcessLookupError):
                os.kill(self.horse_pid, signal.SIGTERM)


def serve(settings: Settings, *, burst: bool = False) -> None:
    """Work until SIGTERM or Ctrl-C; with `burst` until the queue is empty. Outlives the broker's restarts.

    Raises:
        SetupError: `broker.url` can't be read.
    """
    queue = job_queue(settings)
    log.info("worker.started", queue=settings.broker.queue, scratch_removed=clean_scratch(settings))
    pause_s = 0.0
    while True:
        worker = _worker(queue, settings)
        try:
            # In here, because until the new worker has set its own handlers, those of the last one raise StopRequested.
            time.sleep(pause_s)
            worker.work(burst=burst, logging_level="WARNING")
            lost = None
        except RedisError as error:
            lost = error
        except StopRequested:
            return
        # Also when the broker went first, and there was nobody to say goodbye to.
        if worker.leaving or (burst and lost is None):
            log.info("worker.stopped")
            return
        pause_s = min(max(1.0, pause_s * 2), _LONGEST_PAUSE_S)
        log.warning("broker.lost", error=type(lost).__name__, pause_s=pause_s)


def _worker(queue: JobQueue, settings: Settings) -> NachleseWorker:
    return NachleseWorker(
        [queue.rq],
        ours=queue,
        settings=settings,
        connection=queue.redis,
        serializer=queue.rq.serializer,
        worker_ttl=_WORKER_TTL_S,
        job_monitoring_interval=_HEARTBEAT_EVERY_S,
        maintenance_interval=_HOUSEKEEPING_S,
        log_job_description=False,
    )


def _die_with(worker_pid: int) -> None:
    """Kill this process group once the worker is gone: nobody would hear of what it still does."""
    while os.getppid() == worker_pid:
        time.sleep(1.0)
    os.killpg(0, signal.SIGKILL)
