"""A rate that knows what it is made of: counts that are pooled before anything is divided."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors by kind, and what they are counted against: words, seconds, or whatever a measure counts."""

    #: There, but not in the reference: inserted words, false alarms.
    added: float = 0.0
    #: In the reference, but not there: deleted words, missed speech.
    missed: float = 0.0
    #: There, but wrong: substituted words, the wrong speaker.
    confused: float = 0.0
    #: How many could have been right.
    of: float = 0.0

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(
            self.added + other.added, self.missed + other.missed, self.confused + other.confused, self.of + other.of
        )

    @property
    def count(self) -> float:
        """Errors of all kinds."""
        return self.added + self.missed + self.confused

    @property
    def rate(self) -> float | None:
        """Errors by what they are counted against, may exceed 1; None where there was nothing to get right."""
        return self.count / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Measure:
    """Errors unit by unit, a unit being what can be drawn again at random: a segment, an utterance, a file."""

    units: tuple[Errors, ...]

    @property
    def total(self) -> Errors:
        """All units together."""
        return reduce(Errors.__add__, self.units, Errors())

    @property
    def rate(self) -> float | None:
        """Errors of all units by what all of them are counted against."""
        return self.total.rate

    def __add__(self, other: "Measure") -> "Measure":
        return Measure(self.units + other.units)


def pooled(measures: Iterable[Measure | None]) -> Measure | None:
    """All units of several recordings; what wasn't scored is left out, None where nothing was.

    Examples:
        >>> long, short = Measure((Errors(missed=10, of=100),)), Measure((Errors(missed=1, of=1),))
        >>> pooled([long, None, short]).total
        Errors(added=0.0, missed=11.0, confused=0.0, of=101.0)
    """
    scored = [measure for measure in measures if measure is not None]
    return reduce(Measure.__add__, scored) if scored else None
