"""The engine process: one for each worker, in which all work of a job is done by models that stay loaded.

    worker ──run · prefetch · drain──────────────────► engine process ──► ffmpeg
       ◄──here · warm · taken · begun · reached · measured · ended──┘

It is a session of its own, and ends with its worker. The worker asks it in pickles and JSON, for it may trust the
worker; it answers in JSON only, for the worker shouldn't trust what handles strangers' recordings.
"""

import ctypes
import gc
import json
import os
import queue
import signal
import sys
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Annotated, Any, Literal

import structlog
from pydantic import Field, TypeAdapter

from config.settings import Settings
from jobs.errors import NachleseError, SetupError
from jobs.timeline import Seconds
from worker import logs, tasks
from worker.bucket.storage import S3Storage, s3_storage
from worker.control import Control, Measure
from worker.fleet.prefetch import Prefetch
from worker.queue.dispatch import Errand, job_queue

log = structlog.get_logger()

#: What a worker does: recordings and stretches, or drafts only.
Role = Literal["speech", "recap"]

#: The engine says that it lives this often, in seconds.
HERE_EVERY_S = 2.0
#: How far a job is, is told at most this often: it is for people.
_REACHED_EVERY_S = 2.0
# linux/prctl.h
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Here:
    """The engine process lives, and no C call keeps Python from running in it."""

    kind: Literal["here"] = "here"


@dataclass(frozen=True, slots=True)
class Warm:
    """The models are loaded: jobs may come."""

    kind: Literal["warm"] = "warm"


@dataclass(frozen=True, slots=True)
class Unready:
    """The models can't be loaded; the process ends."""

    code: str
    #: For ops.
    detail: str
    kind: Literal["unready"] = "unready"


@dataclass(frozen=True, slots=True)
class Taken:
    """It has heard that it is to do a job."""

    kind: Literal["taken"] = "taken"


@dataclass(frozen=True, slots=True)
class Begun:
    """The ticket says that a try has begun."""

    kind: Literal["begun"] = "begun"


@dataclass(frozen=True, slots=True)
class Reached:
    """How far the job is."""

    stage: str
    done_s: Seconds
    total_s: Seconds
    kind: Literal["reached"] = "reached"


@dataclass(frozen=True, slots=True)
class Measured:
    """A stage is finished."""

    measure: Measure
    kind: Literal["measured"] = "measured"


@dataclass(frozen=True, slots=True)
class Ended:
    """A job has ended."""

    job_id: str
    ending: tasks.Ending
    kind: Literal["ended"] = "ended"


#: What an engine process says.
Told = Here | Warm | Unready | Taken | Begun | Reached | Measured | Ended
TOLD: TypeAdapter[Told] = TypeAdapter(Annotated[Told, Field(discriminator="kind")])


def main(handle: int) -> None:
    """Serve the worker at the other end of an inherited socket, until it is gone.

    Args:
        handle: The socket's descriptor.
    """
    _leave_the_leaving_to_the_worker()
    os.set_inheritable(handle, False)
    pipe = Connection(handle)
    try:
        settings, role = pipe.recv()
    except (EOFError, OSError):
        return
    logs.configure(settings.log)
    _Engine(pipe, settings, role).work()


class _Engine:
    """One thread works, another listens: the worker is heard while a job runs."""

    def __init__(self, pipe: Connection, settings: Settings, role: Role) -> None:
        self._pipe, self._settings, self._role = pipe, settings, role
        self._queue = job_queue(settings)
        self._storage: S3Storage | None = None
        self._prefetch: Prefetch | None = None
        self._orders: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._draining = threading.Event()
        self._mouth = threading.Lock()

    def work(self) -> None:
        """Load the models, then do one job after the other."""
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        try:
            craft = self._warm_up()
        except NachleseError as error:
            self._tell(Unready(error.code, error.detail))
            return
        self._tell(Warm())
        while True:
            job_id = self._orders.get()
            self._tell(Ended(job_id, self._run(job_id, craft)))

    def _warm_up(self) -> tasks.Craft:
        self._storage = s3_storage(self._settings)
        self._prefetch = Prefetch(self._storage, self._settings)
        craft = tasks.craft()
        from worker.engines import engines  # noqa: PLC0415  # heavy

        crew = engines(self._settings)
        if self._role == "speech":
            crew.load()
        else:
            crew.writer.load()
        # The models stay: looking through them for garbage after each job took a tenth of a second.
        gc.freeze()
        return craft

    def _run(self, job_id: str, craft: tasks.Craft) -> tasks.Ending:
        errand = Errand.parse(job_id)
        if errand is None or self._storage is None or self._prefetch is None:
            raise SetupError("foreign-job", "the worker asked for something that is no errand")
        bench = tasks.Bench(
            self._storage,
            self._settings,
            craft,
            _Reporter(self._tell),
            Control(self._draining.is_set, lambda measure: self._tell(Measured(measure))),
            self._queue,
            self._prefetch.source,
            lambda: self._tell(Begun()),
        )
        ending = tasks.work(errand, bench)
        self._release()
        return ending

    def _release(self) -> None:
        """Give back what the last job needed and the next may not."""
        from worker.engines import engines  # noqa: PLC0415  # heavy

        engines(self._settings).release()

    def _listen(self) -> None:
        """Hear the worker, and say that we live; end with everything that we started when it is gone."""
        try:
            while True:
                if self._pipe.poll(HERE_EVERY_S):
                    self._hear(json.loads(self._pipe.recv_bytes()))
                self._tell(Here())
        except (EOFError, OSError):
            os.killpg(os.getpid(), signal.SIGKILL)

    def _hear(self, order: dict[str, Any]) -> None:
        if "run" in order:
            self._orders.put(str(order["run"]))
            self._tell(Taken())
        if "drain" in order:
            self._draining.set()
        if "prefetch" in order and self._prefetch is not None:
            self._prefetch.want(order["prefetch"])

    def _tell(self, told: Told) -> None:
        with self._mouth:
            self._pipe.send_bytes(TOLD.dump_json(told))


class _Reporter:
    """Tells how far a job is, now and then. From any thread."""

    def __init__(self, tell: Any) -> None:
        self._tell = tell
        self._last: dict[str, float] = {}

    def __call__(self, stage: str, done_s: float, total_s: float) -> None:
        now = time.monotonic()
        if now - self._last.get(stage, -_REACHED_EVERY_S) < _REACHED_EVERY_S and done_s < total_s:
            return
        self._last[stage] = now
        self._tell(Reached(stage, float(done_s), float(total_s)))


def _leave_the_leaving_to_the_worker() -> None:
    """End when the worker ends, but not when somebody asks all processes of a service to: it is the worker who drains.

    A handler, not SIG_IGN: that would be inherited by ffmpeg.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    if sys.platform == "linux":
        # Even while a C call keeps the thread that listens from running.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
