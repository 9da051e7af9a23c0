"""How sure a rate is: bootstrap intervals (Bisani and Ney 2004, doi:10.1109/ICASSP.2004.1326009)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jobs.scoring.measure import Measure

#: Drawn so often. Percentiles at 2.5 and 97.5 % move by less than a tenth of the interval's width.
DRAWS = 2000
#: Of more units than this, neighbours are drawn together: that is as good, and quicker for hours of speech.
MOST = 400
#: The same figures every time.
SEED = 20260912
#: Fewer units say nothing about others.
FEWEST = 5
#: With as many files or more, files are drawn; with fewer, the segments of all files.
ENOUGH_FILES = 10

Interval = tuple[float, float]


def interval(measure: Measure, minus: Measure | None = None) -> Interval | None:
    """The 95 % interval of a measure's rate, its units drawn with replacement.

    With `minus`, of the difference of both rates: both are drawn alike, so they must hold the same units. None where
    there are fewer than `FEWEST` units, nothing to get right in most draws, or no difference between draws: that no
    error was seen doesn't say how sure that is.
    """
    if len(measure.units) < FEWEST:
        return None
    drawn = _rates(measure)
    if minus is not None:
        drawn = drawn - _rates(minus)
    drawn = drawn[np.isfinite(drawn)]
    if drawn.size < DRAWS / 2:
        return None
    low, high = np.quantile(drawn, (0.025, 0.975))
    return (float(low), float(high)) if high > low else None


def by_file(measures: Sequence[Measure]) -> Measure:
    """One unit a file where there are files enough, else the units of all of them."""
    units = tuple(unit for measure in measures for unit in measure.units)
    return Measure(tuple(measure.total for measure in measures) if len(measures) >= ENOUGH_FILES else units)


def _rates(measure: Measure) -> NDArray[np.float64]:
    """The rate in every draw, shape (DRAWS,); not a number where a draw holds nothing to get right."""
    counts = np.array([(unit.count, unit.of) for unit in measure.units])
    number = min(len(counts), MOST)
    counts = np.add.reduceat(counts, np.arange(number) * len(counts) // number)
    random = np.random.default_rng(SEED)
    # How often each unit is drawn tells as much as which ones are.
    drawn = random.multinomial(number, np.full(number, 1 / number), size=DRAWS) @ counts
    rates = np.full(DRAWS, np.nan)
    np.divide(drawn[:, 0], drawn[:, 1], out=rates, where=drawn[:, 1] > 0)
    return rates
