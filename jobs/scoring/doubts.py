"""Words that nobody said, and whether doubt stands where it is deserved."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from jobs.scoring.alignment import Alignment, Spot, by_segment, spots
from jobs.scoring.measure import Errors, Measure
from jobs.scoring.reference import Hypothesis, Segment
from jobs.timeline import Seconds, Span

#: Words this near to speech are no inventions: recognizers stretch the first and the last word over a pause.
NEAR_SPEECH_S: Seconds = 0.5
#: From this share of wrong words on, or of time in passages labelled so, an utterance deserves doubt.
DESERVED = 0.5


def invented(speech: Sequence[Span], hypothesis: Hypothesis) -> tuple[Measure, Measure]:
    """Words where nobody speaks, and those of them without a mark of doubt.

    Both are counted against all words of the hypothesis; a unit is an utterance.
    """
    near = merged(Span(max(0.0, span.start - NEAR_SPEECH_S), span.end + NEAR_SPEECH_S) for span in speech)
    heard = spots(hypothesis.segments)
    everything, unmarked = [], []
    for index, places in by_segment(heard):
        segment = hypothesis.segments[index]
        number = sum(not _touches(_time(segment, heard[place]), near) for place in places)
        everything.append(Errors(added=number, of=len(places)))
        unmarked.append(Errors(added=0 if segment.doubtful else number, of=len(places)))
    return Measure(tuple(everything)), Measure(tuple(unmarked))


def doubt(
    alignment: Alignment | None, labelled: Sequence[Span] | None, hypothesis: Hypothesis
) -> tuple[Measure, Measure]:
    """Marks of doubt that weren't deserved, of all marks, and missing ones, of all that are deserved.

    An utterance deserves doubt where at least half of its words are wrong, or half of its time lies in passages that
    are labelled so. A unit is an utterance.
    """
    wrong = {} if alignment is None else _share_wrong(alignment)
    bad = merged(labelled or ())
    undeserved, missing = [], []
    for index, segment in enumerate(hypothesis.segments):
        deserved = max(wrong.get(index, 0.0), _share_within(segment.span, bad)) >= DESERVED
        if segment.doubtful:
            undeserved.append(Errors(confused=0 if deserved else 1, of=1))
        if deserved:
            missing.append(Errors(missed=0 if segment.doubtful else 1, of=1))
    return Measure(tuple(undeserved)), Measure(tuple(missing))


def doubt_cost(alignment: Alignment, hypothesis: Sequence[Segment]) -> Measure:
    """Rightly heard words in doubtful utterances, of all rightly heard words; a unit is an utterance."""
    right = [0] * len(hypothesis)
    for step in alignment.steps:
        if step.matched and step.heard is not None:
            right[alignment.heard[step.heard].segment] += 1
    pairs = zip(hypothesis, right, strict=True)
    return Measure(
        tuple(Errors(confused=number if segment.doubtful else 0, of=number) for segment, number in pairs if number)
    )


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same stretches of time, in order and without overlaps.

    Examples:
        >>> merged([Span(4, 5), Span(0, 2), Span(1, 3)])
        (Span(start=0, end=3), Span(start=4, end=5))
    """
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start <= joined[-1].end:
            joined[-1] = joined[-1].hull(span)
        else:
            joined.append(span)
    return tuple(joined)


def _time(segment: Segment, spot: Spot) -> Span | None:
    if segment.words:
        return segment.words[spot.first].span.hull(segment.words[spot.last].span)
    return segment.span


def _touches(span: Span | None, near: Sequence[Span]) -> bool:
    """Whether a word may be speech; without a time it may wherever there is any."""
    if span is None:
        return bool(near)
    before = bisect_right(near, span.end, key=lambda one: one.start) - 1
    return before >= 0 and near[before].end > span.start


def _share_wrong(alignment: Alignment) -> dict[int, float]:
    """Of each utterance with words, which share of them isn't in the reference."""
    right = {step.heard for step in alignment.steps if step.matched}
    return {
        index: sum(place not in right for place in places) / len(places)
        for index, places in by_segment(alignment.heard)
    }  # fmt: skip


def _share_within(span: Span | None, bad: Sequence[Span]) -> float:
    if span is None or not span.duration:
        return 0.0
    return sum(span.overlap(one) for one in bad) / span.duration
