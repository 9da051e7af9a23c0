"""What whoever runs a job has to say in it, and wants to hear of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from jobs.timeline import Seconds


# Like KeyboardInterrupt, these are no Exceptions: nothing is wrong, and only the job's boundary may catch them.
class HandedBack(BaseException):
    """The worker is leaving: what is stored is kept, the rest is another's."""


class Superseded(BaseException):
    """The upload isn't there any more as it was: whatever is still to be made of it, nobody wants."""


class Others(Protocol):
    """Other workers, as far as stretches of one recording go."""

    def offer(self, recording_id: str, index: int, seconds: Seconds) -> None:
        """Let another worker hear a stretch; nothing happens when one does already."""
        ...

    def take(self, recording_id: str, indices: Sequence[int]) -> int | None:
        """The first of these stretches that no worker has begun: it is the caller's now. None when all are begun."""
        ...


@dataclass(frozen=True, slots=True)
class Measure:
    """What a finished stage has cost."""

    #: Its name, as in the key of its result: "words".
    stage: str
    wall_s: Seconds
    #: Of the threads and children that worked for it.
    cpu_s: Seconds
    gpu_s: Seconds
    #: Length of the sound that it worked on.
    audio_s: Seconds


def _never() -> bool:
    return False


def _unheard(_measure: Measure) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Control:
    """Where a job is run, seen from inside it."""

    #: Asked after every stored stage: whether to raise `HandedBack` now. From any thread.
    draining: Callable[[], bool] = _never
    #: Told of every finished stage. From any thread.
    observe: Callable[[Measure], None] = _unheard
    #: Other workers that may take stretches of a long recording; None where there are none.
    spread: Others | None = None
    #: Leave the recap out: earlier tries have ended in it, and it must not cost the transcript.
    plain: bool = False


#: One machine, nobody else, and it stays until the end.
ALONE = Control()
