"""From audio to turns: what a diarizer is asked and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from jobs.audio import Audio
from jobs.recording import Provenance
from jobs.timeline import Seconds
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
    #: When each voice is first heard that was left out because it speaks too briefly; in order.
    ghosts: tuple[Seconds, ...] = ()


class Diarizer(Protocol):
    """Whatever tells voices apart."""

    def load(self) -> None:
        """Read the weights into memory now rather than with the first recording.

        Raises:
            EngineError: they don't fit.
            SetupError: this machine isn't ready.
        """
        ...

    def diarize(self, audio: Audio, options: DiarizeOptions, progress: Progress) -> Diarization:
        """Find the turns in all of `audio`; silence and noise give none.

        Raises:
            EngineError: the engine failed.
        """
        ...

    def digest(self) -> str:
        """Name engine, version and weights in one short string: part of the stage's name."""
        ...


#: A speaker without a single turn of this length is an echo of somebody else's voice.
GHOST_S: Seconds = 0.5
#: A turn shorter than this, in a hand-over or inside another's turn, is an artefact of frame borders.
SLIVER_S: Seconds = 0.1
#: Turns of one speaker that are less than this apart are one turn.
MERGE_GAP_S: Seconds = 0.3


def without_ghosts(turns: Sequence[Turn], exclusive: Sequence[Turn]) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """Leave out speakers who never say anything longer than a blip, and number the others by first appearance.

    Gives both lists back in time order; when all speakers are ghosts, the one who speaks longest stays.
    """
    real = _real(turns)
    heard = dict.fromkeys(turn.speaker for turn in sorted(turns) if turn.speaker in real)
    number = {speaker: f"SPEAKER_{place:02d}" for place, speaker in enumerate(heard)}

    def renamed(some: Sequence[Turn]) -> tuple[Turn, ...]:
        return tuple(Turn(turn.span, number[turn.speaker]) for turn in sorted(some) if turn.speaker in number)

    return renamed(turns), renamed(exclusive)


def ghosts(turns: Sequence[Turn]) -> tuple[Seconds, ...]:
    """When each speaker whom `without_ghosts` leaves out is first heard, in order."""
    real, first = _real(turns), dict[str, Seconds]()
    for turn in sorted(turns):
        if turn.speaker not in real:
            first.setdefault(turn.speaker, turn.span.start)
    return tuple(first.values())


def _real(turns: Sequence[Turn]) -> set[str]:
    longest: dict[str, Seconds] = {}
    for turn in turns:
        longest[turn.speaker] = max(longest.get(turn.speaker, 0.0), turn.span.duration)
    real = {speaker for speaker, seconds in longest.items() if seconds >= GHOST_S}
    return real or ({max(longest, key=longest.__getitem__)} if longest else set())


def exclusive_turns(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Clean up turns that don't overlap: drop slivers, join one speaker's turns in a row.

    Examples:
        >>> from jobs.timeline import Span
        >>> a, b = "SPEAKER_00", "SPEAKER_01"
        >>> turns = (Turn(Span(0, 2), a), Turn(Span(2, 2.02), b), Turn(Span(2.02, 5), a))
        >>> [(turn.span.start, turn.span.end) for turn in exclusive_turns(turns)]
        [(0, 5)]
    """
    kept = [turn for turn in sorted(turns) if turn.span.duration >= SLIVER_S]
    joined: list[Turn] = []
    for turn in kept:
        if joined and joined[-1].speaker == turn.speaker and joined[-1].span.gap(turn.span) < MERGE_GAP_S:
            joined[-1] = Turn(joined[-1].span.hull(turn.span), turn.speaker)
        else:
            joined.append(turn)
    return tuple(joined)
