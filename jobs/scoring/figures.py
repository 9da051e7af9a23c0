"""One number of a report, with its interval and what it counts; the same for a recording and for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jobs.scoring.bootstrap import ENOUGH_FILES, by_file, interval
from jobs.scoring.measure import Errors, Measure
from jobs.scoring.scores import MEASURES, Scores
from jobs.timeline import Seconds

#: By how much words count as errors because of their speaker: the cpWER less the WER of the same recordings.
SPEAKER_COST = "cpwer_minus_wer"


@dataclass(frozen=True, slots=True)
class Figure:
    """A rate of errors, or the difference of two."""

    #: None where there was nothing to get right.
    rate: float | None
    #: The 95 % interval; None where there is too little to draw from.
    low: float | None
    high: float | None
    errors: Errors

    @property
    def right(self) -> "Figure":
        """The same as a share of what is right."""
        rate, low, high = (None if value is None else 1 - value for value in (self.rate, self.high, self.low))
        return Figure(rate, low, high, self.errors)


@dataclass(frozen=True, slots=True)
class Offsets:
    """By how much the times of words are off."""

    median_s: Seconds
    percentile_95_s: Seconds
    number: int


def figure(name: str, several: Sequence[Scores]) -> Figure | None:
    """The figure of that name (of `MEASURES`, or `SPEAKER_COST`) of recordings pooled; None where none was scored."""
    if name == SPEAKER_COST:
        return _speaker_cost(several)
    measures = [found for found in (getattr(one, name) for one in several) if found is not None]
    if not measures:
        return None
    drawn = by_file(measures)
    low, high = interval(drawn) or (None, None)
    return Figure(drawn.rate, low, high, drawn.total)


def figures(several: Sequence[Scores], names: Sequence[str] = (*MEASURES, SPEAKER_COST)) -> dict[str, Figure]:
    """The figures of these names, as far as there are any."""
    named = {name: figure(name, several) for name in names}
    return {name: found for name, found in named.items() if found is not None}


def offsets(several: Sequence[Scores]) -> Offsets | None:
    """Errors of the times of all words together; None where none are known."""
    off = [one for scores in several for one in scores.word_times or ()]
    if not off:
        return None
    median, most = np.quantile(off, (0.5, 0.95))
    return Offsets(float(median), float(most), len(off))


def drawn_by(several: Sequence[Scores]) -> str:
    """What is drawn for the intervals of recordings together."""
    return "recordings" if len(several) >= ENOUGH_FILES else "segments of all recordings"


def _speaker_cost(several: Sequence[Scores]) -> Figure | None:
    pairs: list[tuple[Measure, Measure]] = [
        (one.cpwer, one.wer) for one in several if one.cpwer is not None and one.wer is not None
    ]
    if not pairs:
        return None
    with_speakers, without = by_file([cpwer for cpwer, _ in pairs]), by_file([wer for _, wer in pairs])
    if with_speakers.rate is None or without.rate is None:
        return None
    low, high = interval(with_speakers, minus=without) or (None, None)
    more = with_speakers.total.count - without.total.count
    return Figure(with_speakers.rate - without.rate, low, high, Errors(confused=more, of=without.total.of))
