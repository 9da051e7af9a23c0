"""SIGTERM and Ctrl-C: counted by one that looks around now and then, or as an event that a loop can wait for."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_NUMBERS = (signal.SIGTERM, signal.SIGINT)


class Asked:
    """How often this process was asked to leave. A signal's handler can wait for nothing, not even for a lock."""

    def __init__(self) -> None:
        self.times = 0
        #: Monotonic seconds of the first and of the last time; None before.
        self.since: float | None = None
        self.last: float | None = None

    def again(self) -> None:
        """Be asked once more."""
        self.last = time.monotonic()
        self.since = self.last if self.since is None else self.since
        self.times += 1


@contextmanager
def counted() -> Iterator[Asked]:
    """Counts every SIGTERM and SIGINT; the handlers before are put back at the end."""
    asked = Asked()
    with _handled(lambda _number, _frame: asked.again()):
        yield asked


@contextmanager
def until_told() -> Iterator[threading.Event]:
    """An event that the first SIGTERM or SIGINT sets; the handlers before are put back at the end."""
    stop = threading.Event()

    def told(_number: int, _frame: FrameType | None) -> None:
        # Not here: what is interrupted may be `stop.wait`, which holds the lock that `set` needs.
        threading.Thread(target=stop.set, name="told", daemon=True).start()

    with _handled(told):
        yield stop


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _NUMBERS}
    try:
        yield
    finally:
        for number, one in before.items():
            signal.signal(number, one)
