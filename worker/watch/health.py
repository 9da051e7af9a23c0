"""Whether a process lives and is ready: told by its loop, asked over HTTP by whoever restarts it or sends it work."""

import re
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

from redis.exceptions import RedisError

from jobs.errors import NachleseError
from jobs.timeline import Seconds

#: A loop that hasn't turned for so long hangs.
SILENT_S = 30.0
#: Whoever asks over HTTP waits no longer for the broker or the store.
PATIENCE_S = 2.0
#: A reason is a code, never a sentence: it is shown to anybody who asks.
_CODE = re.compile(r"[a-z][a-z0-9-]{0,31}")

T = TypeVar("T")


class Question(Generic[T]):
    """Something that is asked in a thread of its own: an answer is waited for `PATIENCE_S` at most.

    While an answer is outstanding nobody asks again: a broker that hangs costs one thread, not one a scrape.
    """

    def __init__(self, ask: Callable[[], T], *, patience_s: Seconds = PATIENCE_S) -> None:
        self._ask = ask
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._answer: T | None = None

    def answer(self) -> T | None:
        """What was answered; None where it failed or took too long."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._answer = None
                self._thread = threading.Thread(target=self._run, name="question", daemon=True)
                self._thread.start()
            thread = self._thread
        thread.join(self._patience_s)
        return None if thread.is_alive() else self._answer

    def _run(self) -> None:
        try:
            self._answer = self._ask()
        except (NachleseError, RedisError, OSError, ValueError, ArithmeticError):
            # The last two: what a stranger wrote into the broker. In any case, no answer.
            self._answer = None


class Health:
    """What a loop says of itself, and what answers when it is asked."""

    def __init__(
        self,
        checks: Mapping[str, Callable[[], object]] = MappingProxyType({}),
        *,
        silent_s: Seconds = SILENT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """See `reasons` for the checks: name → what is called, and raises where something is wrong.

        A loop that takes longer than `SILENT_S` for one turn, like a sweep of a large bucket, says so by `silent_s`.
        """
        self._checks = {name: Question(_asked(check)) for name, check in checks.items()}
        self._silent_s = silent_s
        self._clock = clock
        self._beaten_at = clock()
        self._reason: str | None = "starting"

    def beat(self) -> None:
        """Say that the loop turns. From any thread that can only get here while it does."""
        self._beaten_at = self._clock()

    def ready(self, reason: str | None) -> None:
        """Say what stands in the way of work as a kebab-case code ("engine-cold"), or None: nothing does."""
        self._reason = reason if reason is None or _CODE.fullmatch(reason) else "other"

    @property
    def alive(self) -> bool:
        """Whether the loop has turned lately."""
        return self._clock() - self._beaten_at < self._silent_s

    @property
    def told_ready(self) -> bool:
        """Whether the loop lives and says that it is ready, as far as can be known without asking anybody else."""
        return self.alive and self._reason is None

    def reasons(self) -> tuple[str, ...]:
        """Why this process isn't ready, as codes; nobody is asked while it isn't ready by its own account.

        A check that fails or keeps silent gives "broker-silent", where "broker" is its name.
        """
        if not self.alive:
            return ("loop-silent",)
        if self._reason is not None:
            return (self._reason,)
        return tuple(f"{name}-silent" for name, check in self._checks.items() if not check.answer())


def _asked(check: Callable[[], object]) -> Callable[[], bool]:
    """The same check, with an answer that can't be taken for none."""

    def ask() -> bool:
        check()
        return True

    return ask
