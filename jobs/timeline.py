"""Time within a recording: float seconds from its start, spans half-open."""

import math
from dataclasses import dataclass

#: A point or a length of time within a recording, in seconds.
Seconds = float


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The half-open stretch of time `[start, end)`, in seconds from the recording's start.

    Examples:
        >>> Span(1.0, 3.0).overlap(Span(2.0, 5.0))
        1.0
        >>> Span(1.0, 3.0).gap(Span(4.5, 5.0))
        1.5
    """

    start: Seconds
    end: Seconds

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and math.isfinite(self.end) and 0 <= self.start <= self.end):
            message = f"a span needs 0 <= start <= end, both finite: start={self.start}, end={self.end}"
            raise ValueError(message)

    @property
    def duration(self) -> Seconds:
        """Length in seconds, never negative."""
        return self.end - self.start

    @property
    def middle(self) -> Seconds:
        """The point halfway between start and end."""
        return (self.start + self.end) / 2

    def overlap(self, other: "Span") -> Seconds:
        """Seconds that both spans cover; 0.0 where they only touch or are apart."""
        return max(0.0, min(self.end, other.end) - max(self.start, other.start))

    def gap(self, other: "Span") -> Seconds:
        """Seconds of nothing between the two spans; 0.0 where they touch or overlap."""
        return max(0.0, max(self.start, other.start) - min(self.end, other.end))

    def hull(self, other: "Span") -> "Span":
        """The smallest span that covers both."""
        return Span(min(self.start, other.start), max(self.end, other.end))

    def shift(self, by: Seconds) -> "Span":
        """The same span `by` seconds later."""
        return Span(self.start + by, self.end + by)
