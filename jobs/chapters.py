"""Where one topic ends and the next begins.

Sentences → meaning (vectors), cues (what is said, pauses, who asks) → the cheapest way to cut the whole recording.
"""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jobs.german import Spoken
from jobs.timeline import Seconds
from jobs.writing.phrases import is_chatter, leans, opens_topic

#: No chapter is shorter, unless the recording is.
MIN_CHAPTER_S: Seconds = 30.0
#: One that somebody announces ("Kommen wir zum Geld") may be: it is there, however short its answer is.
MIN_ANNOUNCED_S: Seconds = 18.0
#: Editors want few chapters on a clip and not hundreds on a day: the usual length grows with the root of the
#: duration (90 s: 28 s; 20 min: 104 s; 1 h: 3 min) and stays below this.
MAX_USUAL_S: Seconds = 420.0

#: What a boundary must explain to be worth it, in units of one sentence's share of the whole spread of meaning:
#: cutting pure noise at any place already explains about one.
_PRICE = 1.6
#: How much a chapter may be longer or shorter than usual: price of a length e times off.
_LENGTH_PRICE = 1.2
#: Looked back from each sentence at most; bounds the time spent on a day of short interjections.
_MAX_SENTENCES = 600


def usual_length(duration_s: Seconds) -> Seconds:
    """How long a chapter usually is in a recording of this length; see `MAX_USUAL_S`.

    Examples:
        >>> [round(duration / usual_length(duration)) for duration in (90, 1200, 3600)]
        [3, 12, 20]
    """
    return min(MAX_USUAL_S, max(MIN_CHAPTER_S, 3.0 * math.sqrt(max(duration_s, 0.0))))


def moderator(sentences: Sequence[Spoken]) -> str | None:
    """The voice that asks, greets and thanks: more than all others together, and in one sentence of five or more."""
    voices = {s.speaker for s in sentences if s.speaker is not None}
    signs = Counter(s.speaker for s in sentences if s.text.endswith("?") or is_chatter(s.text))
    del signs[None]
    if len(voices) < 2 or not signs:
        return None
    voice, count = signs.most_common(1)[0]
    own = sum(s.speaker == voice for s in sentences)
    return voice if count >= 2 and count * 2 > signs.total() and count * 5 > own else None


def chapter_starts(
    sentences: Sequence[Spoken], vectors: NDArray[np.float32], *, duration_s: Seconds, host: str | None
) -> tuple[int, ...]:
    """Indices of the sentences that open a chapter, ascending; the first is 0, none without sentences.

    Minimises, over all ways to cut, the spread of meaning within chapters (the objective of Alemi and Ginsparg,
    arXiv:1503.05543) plus the price of each chapter and of an unusual length, less what cues speak for a cut.

    Args:
        sentences: ordered by start.
        vectors: meaning of each, shape (n, dim), centred.
        duration_s: length of the recording.
        host: the moderator's label, if there is one.
    """
    if not sentences:
        return ()
    starts = np.array([s.span.start for s in sentences] + [max(duration_s, sentences[-1].span.end)])
    starts[0] = 0.0
    shortest = np.array([MIN_ANNOUNCED_S if opens_topic(s.text) else MIN_CHAPTER_S for s in sentences])
    shortest = np.minimum(shortest, duration_s / 3)
    spread = _Spread(sentences, vectors)
    gain = cues(sentences, host=host)
    usual = usual_length(duration_s)
    best, origin = np.full(len(sentences) + 1, np.inf), np.zeros(len(sentences) + 1, dtype=int)
    best[0] = 0.0
    for end in range(1, len(sentences) + 1):
        first = max(0, end - _MAX_SENTENCES)
        lengths = np.maximum(starts[end] - starts[first:end], 1e-3)
        price = _PRICE - gain[first:end] + _LENGTH_PRICE * np.log(lengths / usual) ** 2
        total = best[first:end] + spread.within(first, end) + price
        if end < len(sentences) or first > 0:
            total[lengths < shortest[first:end]] = np.inf
        else:
            total[1:][lengths[1:] < shortest[1:end]] = np.inf
        origin[end] = first + int(np.argmin(total))
        best[end] = total[origin[end] - first]
    return _trace(origin)


def cues(sentences: Sequence[Spoken], *, host: str | None) -> NDArray[np.float64]:
    """What speaks for a new chapter at each sentence beside its meaning; shape (n,), about -1 to 4."""
    gaps = _silences(sentences)
    usual_gap = max(0.3, float(np.quantile(gaps, 0.75)))
    gain = 0.5 * np.clip(np.log2(np.maximum(gaps, 1e-3) / usual_gap), 0.0, 2.0)
    for index, sentence in enumerate(sentences):
        text = sentence.text
        opens = index == 0 or sentences[index - 1].speaker != sentence.speaker
        opening = opens_topic(text)
        gain[index] += 2.0 * opening
        if opens and sentence.speaker is not None and sentence.speaker == host:
            # No price for leaning: a host opens with "Sie haben gesagt, …" or "Das ist ein guter Punkt."
            gain[index] += 1.5 if _asks(sentences, index) else 0.3
        else:
            gain[index] += 0.5 * (host is None and text.endswith("?")) - 1.0 * (leans(text) and not opening)
    return gain


class _Spread:
    """Weighted sums over sentences, so that the spread within any stretch is a difference."""

    def __init__(self, sentences: Sequence[Spoken], vectors: NDArray[np.float32]) -> None:
        # "Ja, genau." says little about the topic.
        weights = np.array([min(1.0, len(s.words) / 8) for s in sentences])
        squares = (vectors.astype(np.float64) ** 2).sum(axis=1)
        unit = max(float((weights * squares).sum() / weights.sum()), 1e-12)
        zero = np.zeros((1, vectors.shape[1]))
        self._sums = np.concatenate([zero, np.cumsum(vectors * weights[:, None] / unit**0.5, axis=0)])
        self._squares = np.concatenate([[0.0], np.cumsum(weights * squares / unit)])
        self._weights = np.concatenate([[0.0], np.cumsum(weights)])

    def within(self, first: int, end: int) -> NDArray[np.float64]:
        """Spread of the stretches [i, end) for i from `first` to `end - 1`."""
        sums = self._sums[end] - self._sums[first:end]
        weight = self._weights[end] - self._weights[first:end]
        whole: NDArray[np.float64] = self._squares[end] - self._squares[first:end] - (sums**2).sum(axis=1) / weight
        return whole


def _silences(sentences: Sequence[Spoken]) -> NDArray[np.float64]:
    """Seconds in which nobody speaks before each sentence; 0.0 before the first."""
    silences, spoken_until = [], sentences[0].span.start
    for sentence in sentences:
        silences.append(max(0.0, sentence.span.start - spoken_until))
        spoken_until = max(spoken_until, sentence.span.end)
    return np.array(silences)


def _asks(sentences: Sequence[Spoken], index: int) -> bool:
    """Whether the turn that starts at `index` holds a question."""
    for sentence in sentences[index : index + 8]:
        if sentence.speaker != sentences[index].speaker:
            return False
        if sentence.text.endswith("?"):
            return True
    return False


def _trace(origin: NDArray[np.int_]) -> tuple[int, ...]:
    starts, end = [], len(origin) - 1
    while end > 0:
        end = int(origin[end])
        starts.append(end)
    return tuple(reversed(starts))
