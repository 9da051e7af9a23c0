"""By how much the times of words are off."""

from collections.abc import Sequence

from jobs.scoring.alignment import Alignment, Spot, by_segment
from jobs.scoring.reference import Segment
from jobs.timeline import Seconds


def time_errors(
    alignment: Alignment, reference: Sequence[Segment], hypothesis: Sequence[Segment]
) -> tuple[Seconds, ...] | None:
    """By how much known starts and ends of rightly heard words are off, unsigned; None where none are known.

    Known are the times of the reference's words, or else those of its segments, for the first and the last word each.
    """
    starts, ends = _known(alignment.said, reference)
    off = []
    for step in alignment.steps:
        if not step.matched or step.said is None or step.heard is None:
            continue
        heard = alignment.heard[step.heard]
        words = hypothesis[heard.segment].words
        if words and step.said in starts:
            off.append(abs(words[heard.first].span.start - starts[step.said]))
        if words and step.said in ends:
            off.append(abs(words[heard.last].span.end - ends[step.said]))
    return tuple(off) if off else None


def _known(said: Sequence[Spot], reference: Sequence[Segment]) -> tuple[dict[int, Seconds], dict[int, Seconds]]:
    """Known starts and known ends, by index of the word in comparable form."""
    starts: dict[int, Seconds] = {}
    ends: dict[int, Seconds] = {}
    for index, places in by_segment(said):
        segment = reference[index]
        for place in places if segment.words else ():
            starts[place] = segment.words[said[place].first].span.start
            ends[place] = segment.words[said[place].last].span.end
        if segment.words or segment.span is None:
            continue
        if said[places[0]].first == 0:
            starts[places[0]] = segment.span.start
        if said[places[-1]].last == len(segment.texts) - 1:
            ends[places[-1]] = segment.span.end
    return starts, ends
