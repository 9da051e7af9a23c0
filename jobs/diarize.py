"""From audio to turns: what a diarizer is asked and what it answers."""

from dataclasses import dataclass
from typing import Protocol

from jobs.audio import Audio
from jobs.recording import Provenance
from jobs.transcribe import Progress
from jobs.transcript import Turn


@dataclass(frozen=True, slots=True)
class DiarizeOptions:
    """How to diarize. The only home of these defaults; part of the stage's name."""

    #: Bounds on the number of voices; None leaves that side open.
    min_speakers: int | None = None
    max_speakers: int | None = None


@dataclass(frozen=True, slots=True)
class Diarization:
    """Who spoke when."""

    #: In time order; overlaps kept.
    turns: tuple[Turn, ...]
    #: In time order, at most one speaker at a time, slivers merged: what words are matched with.
    exclusive: tuple[Turn, ...]
    provenance: Provenance


class Diarizer(Protocol):
    """Whatever tells voices apart."""

    def diarize(self, audio: Audio, options: DiarizeOptions, progress: Progress) -> Diarization:
        """Find the turns in all of `audio`; silence and noise give none.

        Raises:
            EngineError: the engine failed.
        """
        ...

    def digest(self) -> str:
        """Name engine, version and weights in one short string: part of the stage's name."""
        ...
