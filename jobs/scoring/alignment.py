"""What was said beside what was heard, word by word (Levenshtein), and the word error rate that follows from it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rapidfuzz.distance import Levenshtein

from jobs.scoring.measure import Errors, Measure
from jobs.scoring.normalizer import basic, tokens
from jobs.scoring.reference import Segment

#: A segment of a reference that is longer is drawn in pieces of this many words when intervals are worked out.
UNIT_WORDS = 20

#: Index of a segment, and of its piece of `UNIT_WORDS`.
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Spot:
    """A word in comparable form, and where it stands."""

    text: str
    #: Index of its segment.
    segment: int
    #: Indices of the first and the last word of that segment that it was read from.
    first: int
    last: int

    @property
    def place(self) -> Place:
        """The part of the text that it is drawn with when intervals are worked out."""
        return self.segment, self.first // UNIT_WORDS


@dataclass(frozen=True, slots=True)
class Step:
    """A word of the reference beside a word of the hypothesis, as indices; None where either has no counterpart."""

    said: int | None
    heard: int | None
    matched: bool = False

    @property
    def errors(self) -> Errors:
        """What it counts in a word error rate."""
        if self.said is None:
            return Errors(added=1)
        if self.heard is None:
            return Errors(missed=1, of=1)
        return Errors(confused=0 if self.matched else 1, of=1)


@dataclass(frozen=True, slots=True)
class Alignment:
    """Both texts side by side, with as few errors as can be."""

    said: tuple[Spot, ...]
    heard: tuple[Spot, ...]
    #: Each word of either text occurs once, in order.
    steps: tuple[Step, ...]

    @property
    def measure(self) -> Measure:
        """The word error rate; a unit is what `by_place` tells apart."""
        return Measure(tuple(self.by_place.values()))

    @property
    def by_place(self) -> dict[Place, Errors]:
        """Errors by segment of the reference, a long one in pieces; inserted words belong with the word before them."""
        found = {spot.place: Errors() for spot in self.said} or {(0, 0): Errors()}
        at = next(iter(found))
        for step in self.steps:
            if step.said is not None:
                at = self.said[step.said].place
            found[at] += step.errors
        return found


def spots(segments: Sequence[Segment]) -> tuple[Spot, ...]:
    """All words of segments in comparable form, in order; numbers are read within a segment."""
    return tuple(
        Spot(token.text, index, token.first, token.last)
        for index, segment in enumerate(segments)
        for token in tokens(segment.texts, language=segment.language)
    )


def basic_spots(segments: Sequence[Segment]) -> tuple[Spot, ...]:
    """The same by the published rules alone; `first` and `last` count comparable words."""
    return tuple(
        Spot(text, index, place, place)
        for index, segment in enumerate(segments)
        for place, text in enumerate(basic(" ".join(segment.texts)))
    )


def align(
    reference: Sequence[Segment], hypothesis: Sequence[Segment],
    read: Callable[[Sequence[Segment]], tuple[Spot, ...]] = spots,
) -> Alignment:  # fmt: skip
    """Lay the words of a hypothesis beside those of a reference, both in the order of their segments."""
    said, heard = read(reference), read(hypothesis)
    steps: list[Step] = []
    for part in Levenshtein.opcodes([spot.text for spot in said], [spot.text for spot in heard]):
        left, right = range(part.src_start, part.src_end), range(part.dest_start, part.dest_end)
        if part.tag in {"equal", "replace"}:
            steps += [Step(i, j, part.tag == "equal") for i, j in zip(left, right, strict=True)]
        else:
            steps += [Step(i, None) for i in left] + [Step(None, j) for j in right]
    return Alignment(said, heard, tuple(steps))


def by_segment(some: Sequence[Spot]) -> Iterator[tuple[int, range]]:
    """Each segment that has words in comparable form, and which ones these are, as indices into `some`."""
    places = range(len(some))
    for segment, group in groupby(places, key=lambda place: some[place].segment):
        members = list(group)
        yield segment, range(members[0], members[-1] + 1)
