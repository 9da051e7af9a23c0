"""One job while the engine process does it: watched from outside, and broken off when it must be."""

import time
from collections.abc import Callable
from enum import StrEnum

from config.settings import Settings
from jobs.timeline import Seconds
from worker.engines import host
from worker.fleet.keeper import SILENT_S, EngineProcess
from worker.fleet.signals import Asked
from worker.queue.dispatch import Errand, Kind, Reached
from worker.tasks import Ending
from worker.watch import metrics

#: How often what happens around the job is looked at, in seconds.
_TURN_S = 0.2
#: A job that is broken off because the worker leaves is handed back within this part of `worker.drain_s`, …
_FAREWELL = 0.2
#: … but no longer than this.
_LONGEST_FAREWELL_S = 5.0
#: While this goes on, the next recording's upload would only be in the way.
_DECODING = "decode"


class Broken(StrEnum):
    """Why a job came to no end of its own; the engine process is to be killed."""

    #: The engine process is gone.
    CRASHED = "crashed"
    #: It never took the job up: a C call keeps Python from running in it.
    HUNG = "hung"
    #: It has taken longer than a job may.
    OVERDUE = "overdue"
    #: Somebody wants it to stop.
    STOPPED = "stopped"
    #: The worker has to leave.
    LEFT = "left"


class Shift:
    """One job. What is set from outside may be set from any thread."""

    def __init__(self, errand: Errand, engine: EngineProcess, asked: Asked, settings: Settings) -> None:
        self.errand = errand
        self._engine, self._asked, self._settings = engine, asked, settings
        self._started_at = time.monotonic()
        self._taken = False
        self._draining = False
        self._ahead: str | None = None
        #: Whether a try is counted by now.
        self.begun = False
        #: How far it is; None where that isn't known.
        self.reached: Reached | None = None
        #: Set it to break the job off.
        self.stopped = False
        #: Set it to have that recording's upload got ready; None: no more.
        self.next: str | None = None

    @property
    def wall_s(self) -> Seconds:
        """Seconds since its beginning."""
        return time.monotonic() - self._started_at

    @property
    def has_hands_free(self) -> bool:
        """Whether the next recording's upload may be got ready meanwhile."""
        decoded = self.reached is not None and self.reached.stage != _DECODING
        return self._settings.worker.prefetch and self.errand.kind is Kind.RECORDING and decoded and not self._draining

    def watch(self, turned: Callable[[], None]) -> Ending | Broken:
        """Have the job done; how it ended, or why it didn't. `turned` is called several times a second meanwhile."""
        self._engine.ask(run=self.errand.id)
        while True:
            turned()
            for told in self._engine.listen(_TURN_S):
                if isinstance(told, host.Ended):
                    return told.ending
                self._hear(told)
            broken = self._broken()
            if broken is not None:
                return broken
            self._pass_on()

    def _hear(self, told: host.Told) -> None:
        if isinstance(told, host.Taken):
            self._taken = True
        elif isinstance(told, host.Begun):
            self.begun = True
        elif isinstance(told, host.Reached):
            self.reached = Reached(told.stage, told.done_s, told.total_s)
        elif isinstance(told, host.Measured):
            metrics.stage(told.measure)

    def _broken(self) -> Broken | None:
        reasons = {
            Broken.CRASHED: self._engine.gone,
            Broken.STOPPED: self.stopped,
            Broken.HUNG: not self._taken and self.wall_s > SILENT_S,
            Broken.OVERDUE: self.wall_s > self._settings.worker.job_hours * 3600,
            Broken.LEFT: self._must_leave(),
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    def _must_leave(self) -> bool:
        if self._asked.since is None:
            return False
        drain_s = self._settings.worker.drain_s
        patience_s = drain_s - min(_FAREWELL * drain_s, _LONGEST_FAREWELL_S)
        return self._asked.times > 1 or time.monotonic() - self._asked.since > patience_s

    def _pass_on(self) -> None:
        if self._asked.times and not self._draining:
            self._draining = True
            self._engine.ask(drain=True)
        if self.next != self._ahead:
            self._ahead = self.next
            self._engine.ask(prefetch=self.next)
