"""Whether chapters begin where they should."""

from collections.abc import Sequence

from jobs.scoring.measure import Errors, Measure
from jobs.timeline import Seconds

#: A chapter is found where one begins this near.
NEAR_S: Seconds = 20.0


def chapter_errors(reference: Sequence[Seconds], hypothesis: Sequence[Seconds]) -> tuple[Measure, Measure]:
    """Chapters that nobody found, of those there are, and extra ones, of those found.

    Each finds one at most, taken in order of time, which finds as many as can be. A unit is a chapter.
    """
    there, found = sorted(reference), sorted(hypothesis)
    hits = [False] * len(there)
    right = [False] * len(found)
    at = 0
    for place, start in enumerate(there):
        while at < len(found) and found[at] < start - NEAR_S:
            at += 1
        if at < len(found) and found[at] <= start + NEAR_S:
            hits[place] = right[at] = True
            at += 1
    missed = Measure(tuple(Errors(missed=0 if hit else 1, of=1) for hit in hits))
    return missed, Measure(tuple(Errors(added=0 if one else 1, of=1) for one in right))
