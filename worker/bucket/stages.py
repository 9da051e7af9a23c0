"""The results of a recording's stages, kept beside it under names made of what they depend on.

Whoever stores a result first has made it for all: the others take it over, so that everything made of it is the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from pydantic import TypeAdapter, ValidationError

from jobs.artifacts import canonical_json
from jobs.errors import StorageError
from jobs.timeline import Seconds
from worker.bucket.place import Place
from worker.control import Control, HandedBack, Measure
from worker.watch.meter import Meter

log = structlog.get_logger()

T = TypeVar("T")

#: Called with a stage's name, the seconds of sound done and the seconds in all. From any thread.
Report = Callable[[str, float, float], None]

#: A result that can't be read is replaced; so often at most, should it be written again and again meanwhile.
_ATTEMPTS = 5


def quiet(_stage: str, _done: float, _total: float) -> None:
    """Report to nobody."""


@dataclass(frozen=True, slots=True)
class Stages:
    """What is kept of the work on one recording, and who hears how far it is and what it costs."""

    place: Place
    control: Control
    report: Report
    meter: Meter = field(default_factory=Meter)

    def find(self, name: str, kind: type[T]) -> T | None:
        """The result of that name; None where there is none, or nothing that can be read as one."""
        data = self.place.read(name)
        try:
            return None if data is None else TypeAdapter(kind).validate_json(data)
        except ValidationError:
            log.warning("stage.unreadable", recording_id=self.place.recording.id, stage=_stage(name))
            return None

    def keep(self, name: str, value: T) -> T:
        """Store a result unless somebody else has; gives the one that is stored.

        Raises:
            StorageError: "object-changed" when what lies there can't be read, and always changes.
        """
        data, kind = canonical_json(value), type(value)
        for _ in range(_ATTEMPTS):
            if self.place.write(name, data, if_absent=True):
                break
            # The etag first: what is read afterwards is at least as new.
            unreadable = self.place.storage.head(self.place.folder + name)
            stored = self.find(name, kind)
            if stored is not None:
                return stored
            if unreadable is not None and self.place.write(name, data, if_match=unreadable.etag):
                break
        else:
            raise StorageError("object-changed", f"the result of stage {_stage(name)} can't be settled")
        return TypeAdapter(kind).validate_json(data)

    def measured(self, stage: str, make: Callable[[], T], *, audio_s: Callable[[T], Seconds], gpu: bool = False) -> T:
        """Do the work of a stage, and tell what it cost.

        Args:
            stage: Its name, as in the name of its result.
            make: Does the work.
            audio_s: Tells from the result how long the sound is that it was made of.
            gpu: Whether it holds a GPU meanwhile.
        """
        with self.meter.running() as cost:
            made = make()
        wall_s, cpu_s = round(cost.wall_s, 2), round(cost.cpu_s, 2)
        log.info("stage.finished", recording_id=self.place.recording.id, stage=stage, wall_s=wall_s, cpu_s=cpu_s)
        self.control.observe(Measure(stage, wall_s, cpu_s, wall_s if gpu else 0.0, round(audio_s(made), 3)))
        return made

    def made(self, name: str, make: Callable[[], T], *, audio_s: Callable[[T], Seconds], gpu: bool = False) -> T:
        """Do the work of a stage, and store its result under this name.

        Raises:
            HandedBack: the result is stored, and the worker has to leave.
        """
        # A stretch is a piece of the words.
        stage = _stage(name).replace("stretch", "words")
        kept = self.keep(name, self.measured(stage, make, audio_s=audio_s, gpu=gpu))
        self.rest()
        return kept

    def rest(self) -> None:
        """Between two stages, ask whether the worker has to leave.

        Raises:
            HandedBack: it has.
        """
        if self.control.draining():
            raise HandedBack


def _stage(name: str) -> str:
    """The stage of a result's name.

    Examples:
        >>> _stage("stages/r-1/words-0123456789abcdef.json")
        'words'
    """
    return name.rpartition("/")[2].partition("-")[0]
