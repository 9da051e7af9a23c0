"""How many voices there are and which one speaks when, from voice embeddings a tenth of a second apart.

    Activity ──cells──► Cells ──(worker: embed each window)──► embeddings ──group──► voices ──follow──► labels ──► turns

Segmentation networks hear well that somebody speaks, and often that another begins; but within ten seconds they take
two like voices for one. So identity comes from embeddings alone here, and segmentation only says where changes are
likely.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.timeline import Seconds, Span
from jobs.transcript import Turn

Embeddings = NDArray[np.floating[Any]]

#: Step at which the voice is looked at: less than the shortest answer, a few frames of the network.
CELL_S: Seconds = 0.1
#: An embedding hears at most this much around its cell: longer blurs quick turns, shorter mistakes voices.
WINDOW_S: Seconds = 1.0
#: A window with less than this says too little about a voice to found a group.
CLEAR_S: Seconds = 0.8

#: Two large groups are one person when their similarity, noise taken out, is above this: 1.0 for equal voices by
#: definition. Measured on synthetic voices, a minute or more in each group: halves of one voice 0.91 and more, also
#: when room or microphone change in between; the most alike pairs that are two 0.74 to 0.84.
SAME_VOICE = 0.87
#: How much less is asked of smaller groups: 3.6 over the smaller one's windows and four. A group that clustering has
#: picked out of one voice's spread lies apart from the rest just because it was picked.
SMALL_GROUP_BONUS = 3.6
_BONUS_FADES = 4.0
#: Windows (half a second apart) that make a group a person rather than a cough or a blend at a change of speaker.
MIN_WINDOWS = 4
# Windows grouped together in one go: a matrix of this size squared; longer recordings go in two levels.
_BLOCK = 1000
# Pairs of windows that a group's own similarity is taken to rest on beforehand, so that small groups aren't believed.
_PRIOR_PAIRS = 6.0

# Log-likelihood of a voice per second and unit of cosine: windows of the same and of other speakers differ by about 0.3
# with a standard deviation of 0.07, and normal distributions then give 0.3 / 0.07² ≈ 60.
_EVIDENCE = 60.0
# Cost (nats) of a change of speaker: every third border or pause brings one, else one cell in twenty (a turn of 2 s).
_EASY_CHANGE = 1.0
_HARD_CHANGE = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """What segmentation hears, frame by frame."""

    #: How many speak at once: int, shape (frames,).
    count: NDArray[np.int_]
    #: Whether another voice begins or ends with this frame: bool, shape (frames,).
    border: NDArray[np.bool_]
    #: Length of a frame.
    frame_s: Seconds
    #: Where the first frame starts.
    start_s: Seconds = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """All speech in steps of at most `CELL_S`, in time order; every array has shape (cells,) or (cells, 2)."""

    #: Start and end of each cell, seconds.
    spans: NDArray[np.float64]
    #: Start and end of what its embedding hears, seconds: never across a border.
    windows: NDArray[np.float64]
    #: Voices at once: 1 or more.
    count: NDArray[np.int_]
    #: Whether a change of speaker before this cell is likely.
    easy: NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of cells."""
        return len(self.spans)


def cells(activity: Activity) -> Cells:
    """Cut all speech into cells, at every border and at least every `CELL_S`."""
    spans: list[tuple[float, float]] = []
    windows: list[tuple[float, float]] = []
    count: list[int] = []
    easy: list[bool] = []
    for first, last in _runs(activity):
        start, end = (activity.start_s + place * activity.frame_s for place in (first, last))
        edges = np.linspace(start, end, max(1, round((end - start) / CELL_S)) + 1)
        for left, right in pairwise(edges):
            middle = (left + right) / 2
            spans.append((left, right))
            windows.append((max(start, middle - WINDOW_S / 2), min(end, middle + WINDOW_S / 2)))
            count.append(int(activity.count[first]))
            easy.append(bool(left == start))
    shape = (len(spans), 2)
    return Cells(
        np.array(spans).reshape(shape), np.array(windows).reshape(shape), np.array(count, int), np.array(easy, bool)
    )


def _runs(activity: Activity) -> Iterator[tuple[int, int]]:
    """Runs of speech between borders, as first frame and the frame after the last."""
    count = activity.count
    if len(count) == 0:
        return
    cuts = np.flatnonzero((count[1:] != count[:-1]) | activity.border[1:]) + 1
    edges = np.concatenate(([0], cuts, [len(count)]))
    for first, last in pairwise(edges):
        if count[first] > 0:
            yield int(first), int(last)


def group(
    speech: Cells, embeddings: Embeddings, *, at_least: int = 1, at_most: int | None = None
) -> tuple[Embeddings, tuple[Seconds, ...]]:
    """Find the voices: unit vectors, shape (voices, dimension), at least one where there is speech.

    Besides, when each is first heard that is like none of them and speaks too briefly to be followed, in order.

    `embeddings` are unit vectors, shape (cells, dimension). The bounds are obeyed as far as there is speech to do so.

    Average-linkage clustering, but on similarity with the noise taken out: the mean cosine between two groups over the
    geometric mean of the mean cosines within each (the correction for attenuation, C. Spearman, "The proof and
    measurement of association between two things", 1904). It doesn't depend on how long the windows are, how good the
    sound is or how much each speaks, so that one threshold serves like and unlike voices.
    """
    clear = _clear(speech)
    if len(clear) == 0:
        longest = np.argmax(np.diff(speech.windows)[:, 0])
        return embeddings[longest : longest + 1], ()
    found = embeddings[clear].astype(np.float64)
    alike = _own_similarity(found)
    groups = _Groups(found, np.ones(len(found)), speech.spans[clear, 0])
    if len(found) > _BLOCK:
        blocks = [groups.part(slice(at, at + _BLOCK)) for at in range(0, len(found), _BLOCK)]
        merged = [_merged(block, alike, at_least, None) for block in blocks]
        groups = _Groups(*(np.concatenate([getattr(block, name) for block in merged]) for name in _Groups.__slots__))
    groups = _merged(groups, alike, at_least, at_most)
    large = groups.sizes >= MIN_WINDOWS
    if not large.any():
        large[np.argmax(groups.sizes)] = True
    chosen = groups.part(large).sums
    unit: Embeddings = chosen / np.linalg.norm(chosen, axis=1, keepdims=True)
    # Where bounds ask for more voices than there are, merges are left out: what is small then is like another.
    alone = _margins(groups, alike).max(axis=1) < 0
    return unit, tuple(sorted(map(float, groups.starts[~large & alone])))


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """Groups of windows: all that their similarities depend on."""

    #: Sum of the unit vectors in each, shape (groups, dimension).
    sums: Embeddings
    #: Number of windows in each, shape (groups,).
    sizes: Embeddings
    #: When each is first heard, seconds, shape (groups,).
    starts: Embeddings

    def part(self, places: Any) -> "_Groups":
        return _Groups(self.sums[places], self.sizes[places], self.starts[places])


def _clear(speech: Cells) -> NDArray[np.int_]:
    """Cells half a window apart in which one voice alone is heard for long enough."""
    lengths = np.diff(speech.windows)[:, 0]
    usable = np.flatnonzero((lengths >= CLEAR_S) & (speech.count == 1))
    step = round(WINDOW_S / 2 / CELL_S)
    return usable[::step]


def _own_similarity(found: Embeddings) -> float:
    """Mean cosine of neighbours that don't overlap: how alike one voice's windows are in this recording."""
    if len(found) < 3:
        return 1.0
    return max(0.1, float(np.median(np.sum(found[:-2] * found[2:], axis=1))))


def _merged(groups: _Groups, alike: float, at_least: int, at_most: int | None) -> _Groups:
    """Merge groups until those that are left differ, or their number is within the bounds."""
    merges, margin = _dendrogram(groups, alike)
    number = groups.sizes.copy()
    alive = np.ones(len(number), bool)
    large = [int((number >= MIN_WINDOWS).sum())]
    for into, other in merges:
        number[into] += number[other]
        alive[other] = False
        large.append(int((alive & (number >= MIN_WINDOWS)).sum()))
    sums, sizes, starts = groups.sums.copy(), groups.sizes.copy(), groups.starts.copy()
    for into, other in merges[: _cut(margin, large, at_least, at_most)]:
        sums[into] += sums[other]
        sizes[into] += sizes[other]
        starts[into] = min(starts[into], starts[other])
        sizes[other] = 0
    return _Groups(sums, sizes, starts).part(sizes > 0)


def _cut(margin: list[float], large: list[int], at_least: int, at_most: int | None) -> int:
    """How many merges to make: all above the threshold, then fewer or more for the bounds on large groups."""
    done = next((place for place, value in enumerate(margin) if value < 0), len(margin))
    if large[done] < at_least:
        enough = [place for place in range(done) if large[place] >= at_least]
        most = max(large[: done + 1])
        return max(enough or [place for place in range(done + 1) if large[place] == most])
    while at_most is not None and large[done] > at_most:
        done += 1
    return done


def _dendrogram(groups: _Groups, alike: float) -> tuple[list[tuple[int, int]], list[float]]:
    """All merges from many groups to one, the most similar first, and by how much each is above the threshold."""
    total = groups.sums @ groups.sums.T  # sum of cosines over all pairs of windows, between groups and within
    size = groups.sizes.copy()
    within = _within(total.diagonal(), size, alike)
    scale = size * np.sqrt(within)
    value = _margins(groups, alike)
    best = value.argmax(axis=1)
    top = value.max(axis=1)
    merges: list[tuple[int, int]] = []
    margin: list[float] = []
    for _ in range(len(size) - 1):
        into = int(top.argmax())
        other = int(best[into])
        merges.append((into, other))
        margin.append(float(top[into]))
        total[into] += total[other]
        total[:, into] += total[:, other]
        size[into] += size[other]
        scale[into] = size[into] * np.sqrt(_within(total[into, into], size[into], alike))
        value[other], value[:, other], top[other] = -np.inf, -np.inf, -np.inf
        row = total[into] / (scale[into] * scale) - _threshold(size[into], size)
        row[np.isneginf(value[into])] = -np.inf
        value[into] = value[:, into] = row
        stale = np.flatnonzero(((best == into) | (best == other) | (row > top)) & ~np.isneginf(top))
        stale = np.union1d(stale, [into])
        best[stale] = value[stale].argmax(axis=1)
        top[stale] = value[stale].max(axis=1)
    return merges, margin


def _margins(groups: _Groups, alike: float) -> Embeddings:
    """By how much any two groups are more alike than two voices, shape (groups, groups); nothing is like itself."""
    total = groups.sums @ groups.sums.T
    scale = groups.sizes * np.sqrt(_within(total.diagonal(), groups.sizes, alike))
    margins: Embeddings = total / np.outer(scale, scale) - _threshold(groups.sizes[:, None], groups.sizes)
    np.fill_diagonal(margins, -np.inf)
    return margins


def _threshold(one: Embeddings, other: Embeddings) -> Embeddings:
    return SAME_VOICE - SMALL_GROUP_BONUS / (np.minimum(one, other) + _BONUS_FADES)


def _within(total: Embeddings, size: Embeddings, alike: float) -> Embeddings:
    """Mean cosine of a group's windows with each other, pulled towards the recording's own where they are few."""
    pairs = size * (size - 1) / 2
    inside = (total - size) / 2
    return np.maximum((inside + _PRIOR_PAIRS * alike) / (pairs + _PRIOR_PAIRS), 0.05)


def follow(speech: Cells, embeddings: Embeddings, voices: Embeddings) -> NDArray[np.int_]:
    """Which voice speaks in each cell, shape (cells,): the likeliest path (A. Viterbi, 1967) through the evidence.

    A short window counts for less than a long one, so that a blip goes with its neighbours.
    """
    length = np.diff(speech.windows)[:, 0]
    weight = _EVIDENCE * np.diff(speech.spans)[:, 0] * np.minimum(1.0, length / WINDOW_S)
    evidence = (embeddings @ voices.T.astype(embeddings.dtype)) * weight[:, None]
    change = np.where(speech.easy, _EASY_CHANGE, _HARD_CHANGE)
    came_from = np.zeros(evidence.shape, np.int16)
    stay = np.arange(len(voices))
    score = evidence[0]
    for place in range(1, len(evidence)):
        best = int(score.argmax())
        switched = score[best] - change[place]
        came_from[place] = np.where(score >= switched, stay, best)
        score = np.maximum(score, switched) + evidence[place]
        score = score - score.max()
    labels = np.zeros(len(evidence), int)
    labels[-1] = int(score.argmax())
    for place in range(len(evidence) - 1, 0, -1):
        labels[place - 1] = came_from[place, labels[place]]
    return labels


def turns(speech: Cells, labels: NDArray[np.int_]) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """Turns with overlaps, and exclusive turns; both in time order, one for each stretch of a voice.

    Where two speak at once, the second is whoever else spoke or speaks nearest in time (S. Otterson and M. Ostendorf,
    "Efficient use of overlap information in speaker diarization", ASRU 2007).
    """
    alone = _stretches(speech.spans, labels)
    second = _nearest_other(labels)
    both = (speech.count > 1) & (second >= 0)
    overlapping = _stretches(speech.spans[both], second[both])
    everything = [*alone, *overlapping]
    joined = [turn for voice in range(labels.max(initial=-1) + 1) for turn in _joined(everything, _name(voice))]
    return tuple(sorted(joined)), tuple(alone)


def _nearest_other(labels: NDArray[np.int_]) -> NDArray[np.int_]:
    """For each cell the voice of the nearest cell that has another; -1 where there is none."""
    place = np.arange(len(labels))
    if len(labels) == 0:
        return labels
    changes = np.flatnonzero(np.diff(labels)) + 1
    run = np.searchsorted(changes, place, side="right")
    edges = np.concatenate(([0], changes, [len(labels)]))
    before, after = edges[run] - 1, edges[run + 1]
    to_before = np.where(before >= 0, place - before, len(labels) + 1)
    to_after = np.where(after < len(labels), after - place, len(labels) + 1)
    nearest = np.where(to_before <= to_after, before, np.minimum(after, len(labels) - 1))
    return np.where(np.minimum(to_before, to_after) > len(labels), -1, labels[nearest])


def _name(voice: int) -> str:
    return f"SPEAKER_{voice:02d}"


def _stretches(spans: NDArray[np.float64], labels: NDArray[np.int_]) -> list[Turn]:
    """Cells of one voice that touch, as turns."""
    if len(spans) == 0:
        return []
    apart = (labels[1:] != labels[:-1]) | (spans[1:, 0] - spans[:-1, 1] > 1e-6)
    edges = np.concatenate(([0], np.flatnonzero(apart) + 1, [len(spans)]))
    return [
        Turn(Span(float(spans[first, 0]), float(spans[last - 1, 1])), _name(int(labels[first])))
        for first, last in pairwise(edges)
    ]


def _joined(everything: list[Turn], speaker: str) -> list[Turn]:
    """One speaker's turns, those that touch made one."""
    found: list[Turn] = []
    for turn in sorted(one for one in everything if one.speaker == speaker):
        if found and turn.span.start - found[-1].span.end <= 1e-6:
            found[-1] = Turn(found[-1].span.hull(turn.span), speaker)
        else:
            found.append(turn)
    return found
