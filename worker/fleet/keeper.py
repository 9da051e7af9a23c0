"""Keeps one warm engine process at hand: starts it, looks after it, and replaces it when it is gone or worn out."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import psutil
import structlog
from pydantic import ValidationError

from config.settings import Settings
from jobs.errors import SetupError
from jobs.timeline import Seconds
from worker.engines.host import TOLD, Role, Told, Unready, Warm
from worker.sound.scratch import clean_scratch
from worker.tasks import End, Ending
from worker.watch import metrics

log = structlog.get_logger()

#: How an engine process is started; its socket's descriptor is added.
COMMAND = (sys.executable, "-m", "worker.engines.host")
#: An engine that should be listening, and says nothing for so long, hangs. Busy machines pause for seconds.
SILENT_S = 15.0
#: Weights may have to come from a slow disk, but not slower than this.
_WARM_UP_S = 900.0
#: A machine that isn't ready is tried again after so many seconds, then after twice as many, …
_FIRST_REST_S, _LONGEST_REST_S = 5.0, 300.0
#: An engine says nothing longer than this.
_LONGEST_WORD = 1 << 16


class EngineProcess:
    """An engine process, seen from its worker.

    It ends with the thread that makes it: the kernel takes that for its parent.
    """

    def __init__(self, settings: Settings, role: Role, command: tuple[str, ...]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._pipe = Connection(ours.detach())
        self.gone = False
        self.heard_at = time.monotonic()
        with suppress(OSError):
            self._pipe.send((settings, role))

    @property
    def pid(self) -> int:
        """Its process id, and the number of its group."""
        return self._process.pid

    def ask(self, **order: Any) -> None:
        """Tell it what to do: `run`, `prefetch` or `drain`. If it is gone, `listen` will show it."""
        with suppress(OSError):
            self._pipe.send_bytes(json.dumps(order).encode())

    def listen(self, wait_s: Seconds) -> tuple[Told, ...]:
        """What it has said; waits for a first word as long as that."""
        heard: list[Told] = []
        try:
            while not self.gone and self._pipe.poll(wait_s):
                heard.append(TOLD.validate_json(self._pipe.recv_bytes(_LONGEST_WORD)))
                self.heard_at, wait_s = time.monotonic(), 0.0
        except (EOFError, OSError, ValidationError):
            self.gone = True
        return tuple(heard)

    def silent_s(self) -> Seconds:
        """Seconds since it last said anything, as far as `listen` has heard."""
        return time.monotonic() - self.heard_at

    def memory_bytes(self) -> int:
        """What it and its children hold in memory; 0 when it is gone."""
        try:
            process = psutil.Process(self.pid)
            return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))
        except psutil.Error:
            return 0

    def kill(self) -> None:
        """End it and what it has started, at once. Programs inside a fence end by themselves."""
        # It isn't waited for before: as long as it is a zombie nobody else gets its number.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._pipe.close()
        self.gone = True


class Keeper:
    """One worker's engine process. All of it is for the worker's main thread."""

    def __init__(self, settings: Settings, role: Role, command: tuple[str, ...] = COMMAND) -> None:
        self._settings, self._role, self._command = settings, role, command
        self._engine: EngineProcess | None = None
        self._warm = False
        self._jobs = 0
        self._why = "first"
        self._started_at = self._rested_at = time.monotonic()
        self._rest_s = _FIRST_REST_S
        #: Why this machine can't work; None while nothing is known against it.
        self.fault: SetupError | None = None

    @property
    def engine(self) -> EngineProcess | None:
        """The engine process; None while there is none that could take a job."""
        rested = time.monotonic() >= self._rested_at
        return self._engine if self._warm and rested and self._engine and not self._engine.gone else None

    @property
    def obstacle(self) -> str | None:
        """What stands in the way of work, as a code; None: nothing does."""
        if self.fault is not None:
            return self.fault.code
        return None if self._warm else "engine-cold"

    @property
    def pid(self) -> int | None:
        """Of the engine process, warm or not; None while there is none."""
        return self._engine.pid if self._engine is not None else None

    def tend(self) -> None:
        """Look after the engine process while no job runs. Call it every second or so."""
        if self._engine is None:
            if time.monotonic() >= self._rested_at:
                self._start()
            return
        for told in self._engine.listen(0.0):
            self._hear(told)
        hangs = self._engine.silent_s() > SILENT_S if self._warm else time.monotonic() - self._started_at > _WARM_UP_S
        if self._engine.gone or hangs:
            self._lost("timeout" if hangs else "crashed")

    def replace(self, why: str) -> None:
        """End the engine process and start another, for one of the reasons in `worker.watch.metrics`."""
        self.close()
        self._why = why
        self._start()

    def after(self, ending: Ending) -> None:
        """See whether the engine process is good for another job, and this machine for any."""
        self._jobs += 1
        if ending.end is End.UNREADY:
            self._rest(SetupError(ending.code, "a job found that this machine isn't ready"))
        else:
            self.fault, self._rest_s = None, _FIRST_REST_S
        if ending.spoiled or self._worn():
            self.replace("recycled")

    def close(self) -> None:
        """End the engine process."""
        if self._engine is not None:
            self._engine.kill()
            clean_scratch(self._settings)
        self._engine, self._warm = None, False

    def _start(self) -> None:
        self._engine = EngineProcess(self._settings, self._role, self._command)
        self._warm, self._jobs, self._started_at = False, 0, time.monotonic()
        metrics.engine_started(self._why)
        log.info("engine.started", why=self._why)

    def _hear(self, told: Told) -> None:
        if isinstance(told, Warm):
            self._warm, self.fault, self._rest_s = True, None, _FIRST_REST_S
            log.info("engine.warm", wall_s=round(time.monotonic() - self._started_at, 2))
        elif isinstance(told, Unready):
            log.error("worker.not_ready", code=told.code, detail=told.detail)
            self._rest(SetupError(told.code, told.detail))

    def _lost(self, why: str) -> None:
        """It is gone or hangs; one that never became warm isn't tried again at once."""
        if not self._warm and time.monotonic() >= self._rested_at:
            self._rest(SetupError("engine-crashed", "the engine process ended before it was ready: see its last words"))
        log.warning("engine.lost", why=why)
        self.close()
        self._why = why

    def _rest(self, fault: SetupError) -> None:
        self.fault = fault
        self._rested_at = time.monotonic() + self._rest_s
        log.warning("worker.rests", code=fault.code, pause_s=self._rest_s)
        self._rest_s = min(2 * self._rest_s, _LONGEST_REST_S)

    def _worn(self) -> bool:
        """Whether it has done its jobs, or holds too much memory between two of them."""
        worker = self._settings.worker
        most = (worker.engine_memory_mb << 20) or psutil.virtual_memory().total // 2
        if self._engine is None or self._engine.gone:
            return False
        held = self._engine.memory_bytes()
        return bool(worker.engine_jobs and self._jobs >= worker.engine_jobs) or held > most
