import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.scoring.bootstrap import ENOUGH_FILES, FEWEST, by_file, interval
from jobs.scoring.figures import SPEAKER_COST, figure, figures, offsets
from jobs.scoring.measure import Errors, Measure, pooled
from jobs.scoring.scores import MEASURES, Scores, together

_ERRORS = st.builds(Errors, *[st.integers(0, 20)] * 3, of=st.integers(0, 50))
_MEASURES = st.lists(_ERRORS, max_size=8).map(lambda units: Measure(tuple(units)))


def flips(wrong, right):
    """So many units of one word, wrong or right, the wrong ones evenly among them."""
    number = wrong + right
    errors = ((place + 1) * wrong // number - place * wrong // number for place in range(number))
    return Measure(tuple(Errors(confused=error, of=1) for error in errors))


@given(st.lists(st.one_of(st.none(), _MEASURES), max_size=5))
def test_pooling_adds_counts_and_never_averages_rates(measures):
    whole, known = pooled(measures), [one for one in measures if one is not None]
    if whole is None:
        assert not known
        return
    assert whole.total.count == sum(one.total.count for one in known)
    assert whole.total.of == sum(one.total.of for one in known)
    assert whole.rate == (None if not whole.total.of else whole.total.count / whole.total.of)


def test_a_rate_of_nothing_is_unknown():
    assert Errors(added=3).rate is None
    assert Errors(added=3, of=2).rate == 1.5


@pytest.mark.parametrize(("wrong", "right"), [(40, 360), (200, 200), (15, 985)])
def test_an_interval_is_that_of_the_binomial_where_units_are_single_words(wrong, right):
    number = wrong + right
    rate = wrong / number
    half = 1.96 * math.sqrt(rate * (1 - rate) / number)
    spread = random.Random(7).sample(flips(wrong, right).units, number)  # noqa: S311  # no secret
    low, high = interval(Measure(tuple(spread)))
    assert low == pytest.approx(rate - half, abs=0.2 * half)
    assert high == pytest.approx(rate + half, abs=0.2 * half)


@given(st.lists(_ERRORS, min_size=FEWEST, max_size=12))
def test_an_interval_lies_within_what_units_have_and_is_the_same_every_time(units):
    measure = Measure(tuple(units))
    found = interval(measure)
    assert found == interval(measure)
    if found is not None:
        rates = [unit.rate for unit in units if unit.rate is not None]
        assert found[0] < found[1]
        if all(unit.of for unit in units):
            assert min(rates) <= found[0] <= found[1] <= max(rates)


def test_there_is_no_interval_of_too_little():
    assert interval(flips(FEWEST - 2, 1)) is None
    assert interval(flips(0, 100)) is None
    assert interval(Measure((Errors(added=1),) * 9)) is None


def test_a_difference_is_drawn_alike_on_both_sides():
    wer = Measure(flips(40, 0).units + flips(0, 60).units)
    more = Measure((*wer.units[:-20], *(Errors(confused=1, of=1),) * 20))
    low, high = interval(more, minus=wer)
    assert low < 0.2 < high
    # Drawn apart, chance alone would make it wider than this.
    assert high - low < 0.2
    assert interval(wer, minus=wer) is None


def test_neighbours_are_drawn_together_where_there_are_many():
    """Errors that come in runs are less sure than as many alone."""
    alone, in_runs = flips(500, 4500), Measure(flips(500, 0).units + flips(0, 4500).units)
    (low, high), (wide_low, wide_high) = interval(alone), interval(in_runs)
    assert wide_high - wide_low > 2 * (high - low)


def test_files_are_drawn_where_there_are_enough():
    one = flips(1, 2)
    assert by_file([one] * (ENOUGH_FILES - 1)).units == one.units * (ENOUGH_FILES - 1)
    assert by_file([one] * ENOUGH_FILES).units == (Errors(confused=1, of=3),) * ENOUGH_FILES


def test_the_cost_of_speakers_counts_recordings_that_have_both():
    both = Scores(wer=flips(1, 9), cpwer=flips(3, 7))
    found = figure(SPEAKER_COST, [both, Scores(wer=flips(50, 0))])
    assert found.rate == pytest.approx(0.2)
    assert (found.errors.confused, found.errors.of) == (2, 10)
    assert figure(SPEAKER_COST, [Scores(wer=flips(1, 1))]) is None


def test_what_is_right_is_the_rest():
    wrong = figure("languages", [Scores(languages=flips(10, 90))])
    right = wrong.right
    assert right.rate == pytest.approx(0.9)
    assert (right.low, right.high) == (1 - wrong.high, 1 - wrong.low)
    assert figure("languages", [Scores(languages=flips(0, 3))]).right.high is None


def test_only_what_was_scored_has_figures():
    assert figures([Scores()]) == {}
    assert list(figures([Scores(wer=flips(1, 1), der=flips(1, 1)), Scores()])) == ["wer", "der"]


def test_recordings_together_hold_the_units_of_all():
    one, other = Scores(wer=flips(1, 2), word_times=(0.1,)), Scores(wer=flips(0, 3), der=flips(1, 0), word_times=(0.3,))
    whole = together([one, Scores(), other])
    assert whole.wer == flips(1, 2) + flips(0, 3)
    assert whole.der == flips(1, 0)
    assert whole.word_times == (0.1, 0.3)
    assert all(getattr(whole, name) is None for name in MEASURES if name not in {"wer", "der"})
    assert together([Scores()]) == Scores()


def test_offsets_are_quantiles_of_all_words():
    found = offsets([Scores(word_times=tuple(n / 100 for n in range(51))), Scores(),
                     Scores(word_times=tuple(n / 100 for n in range(51, 101)))])  # fmt: skip
    assert (found.median_s, found.percentile_95_s, found.number) == (pytest.approx(0.5), pytest.approx(0.95), 101)
    assert offsets([Scores()]) is None
