"""What a stage costs. Engines compute in threads of their own, so processor time is seen for the process as a whole."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from jobs.timeline import Seconds


@dataclass(slots=True)
class Cost:
    """What one stage has cost so far."""

    wall_s: Seconds = 0.0
    cpu_s: Seconds = 0.0


class Meter:
    """Shares the processor time of this process and its ended children among the stages that run at the same time."""

    def __init__(self) -> None:
        self._running: list[Cost] = []
        self._seen = _cpu_s()
        self._alone = threading.Lock()

    @contextmanager
    def running(self) -> Iterator[Cost]:
        """Count for one stage until the block ends."""
        cost, started = Cost(), monotonic()
        with self._alone:
            self._share()
            self._running.append(cost)
        try:
            yield cost
        finally:
            with self._alone:
                self._share()
                # By identity: two costs may well be equal.
                self._running = [other for other in self._running if other is not cost]
            cost.wall_s = monotonic() - started

    def _share(self) -> None:
        now = _cpu_s()
        for cost in self._running:
            cost.cpu_s += (now - self._seen) / len(self._running)
        self._seen = now


def _cpu_s() -> Seconds:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
