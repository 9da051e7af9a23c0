"""What was really said, and what a system says was said: the two sides of every score."""

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.timeline import Seconds, Span
from jobs.transcript import Turn, Word


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech, of a reference or of a hypothesis: a line, a sentence, an utterance."""

    text: str
    #: When it is said; None where nobody knows.
    span: Span | None = None
    speaker: str | None = None
    #: ISO 639-1, e.g. "de".
    language: str | None = None
    #: The words of `text` with their times, where these are known.
    words: tuple[Word, ...] = ()
    #: Whether the system itself says that it isn't to be trusted; never so in a reference.
    doubtful: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """The words as they are written."""
        return tuple(word.text for word in self.words) if self.words else tuple(self.text.split())


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known of a recording. Whatever is None isn't known, and isn't scored."""

    #: In the order in which they begin; empty where nobody says anything.
    segments: tuple[Segment, ...] | None
    #: Overlaps kept.
    turns: tuple[Turn, ...] | None = None
    #: Names and terms, whose spelling is scored wherever they stand in the text.
    names: tuple[str, ...] = ()
    #: Where chapters begin.
    chapters: tuple[Seconds, ...] | None = None
    #: Where whatever is written deserves doubt.
    doubtful: tuple[Span, ...] | None = None

    @property
    def is_silent(self) -> bool:
        """Whether it is known that nobody says anything."""
        return self.segments is not None and not any(segment.text.strip() for segment in self.segments)

    @property
    def speech(self) -> tuple[Span, ...] | None:
        """Where somebody speaks, overlaps kept; None where that isn't known."""
        if self.is_silent:
            return ()
        if self.turns is not None:
            return tuple(turn.span for turn in self.turns)
        return None if self.segments is None else spans(self.segments)


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What a system makes of a recording, ours or a rival's."""

    #: In time order.
    segments: tuple[Segment, ...]
    #: Overlaps kept; None where the system tells no voices apart.
    turns: tuple[Turn, ...] | None = None
    #: Where chapters begin; None where the system makes none.
    chapters: tuple[Seconds, ...] | None = None


def spans(segments: Sequence[Segment]) -> tuple[Span, ...] | None:
    """When each segment is said; None unless that is known of all of them."""
    known = tuple(segment.span for segment in segments if segment.span is not None)
    return known if len(known) == len(segments) else None
