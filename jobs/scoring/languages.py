"""Whether each utterance is taken for the language that is spoken there."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from jobs.scoring.measure import Errors, Measure
from jobs.scoring.reference import Segment


def language_errors(reference: Sequence[Segment], hypothesis: Sequence[Segment]) -> tuple[Measure, Measure] | None:
    """Utterances, and seconds, that are taken for another language than the one spoken there.

    What is spoken during an utterance is the language of which it covers most. Where it covers no speech of a known
    language it isn't counted: that is no fault of the language. None where no languages or times are known on either
    side. A unit is an utterance of the hypothesis.
    """
    spoken = [(one.language, one.span) for one in reference if one.language and one.span is not None]
    starts, ends = (np.array([getattr(span, side) for _, span in spoken]) for side in ("start", "end"))
    utterances, seconds = [], []
    for segment in hypothesis:
        if segment.language is None or segment.span is None or not spoken:
            continue
        covered: defaultdict[str, float] = defaultdict(float)
        shared = np.minimum(ends, segment.span.end) - np.maximum(starts, segment.span.start)
        for place in np.flatnonzero(shared > 0):
            covered[spoken[place][0]] += float(shared[place])
        if not covered:
            continue
        most, whole = max(covered, key=covered.__getitem__), sum(covered.values())
        utterances.append(Errors(confused=0 if most == segment.language else 1, of=1))
        seconds.append(Errors(confused=whole - covered.get(segment.language, 0.0), of=whole))
    return (Measure(tuple(utterances)), Measure(tuple(seconds))) if utterances else None
