import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.timeline import Span

points = st.floats(0, 1e6, allow_nan=False)
spans = st.tuples(points, points).map(lambda pair: Span(min(pair), max(pair)))


@given(spans, spans)
def test_overlap_is_symmetric_and_never_longer_than_either(one, other):
    overlap = one.overlap(other)
    assert overlap == other.overlap(one)
    assert 0 <= overlap <= min(one.duration, other.duration)


@given(spans)
def test_a_span_overlaps_itself_by_all_of_it(one):
    assert one.overlap(one) == one.duration
    assert one.gap(one) == 0
    assert one.hull(one) == one


@given(spans, spans)
def test_spans_either_overlap_or_have_a_gap(one, other):
    assert one.gap(other) == other.gap(one) >= 0
    assert one.overlap(other) * one.gap(other) == 0


@given(spans, spans)
def test_the_hull_is_the_smallest_cover(one, other):
    hull = one.hull(other)
    assert hull == other.hull(one)
    for part in (one, other):
        assert hull.start <= part.start
        assert part.end <= hull.end
        assert hull.overlap(part) == part.duration
    assert hull.start in {one.start, other.start}
    assert hull.end in {one.end, other.end}


@given(spans, spans)
def test_two_spans_and_their_gap_fill_the_hull(one, other):
    filled = one.duration + other.duration - one.overlap(other) + one.gap(other)
    assert one.hull(other).duration == pytest.approx(filled, abs=1e-6)


@given(spans, st.floats(0, 1e6))
def test_shifting_moves_and_keeps_the_length(one, by):
    moved = one.shift(by)
    assert moved.start == one.start + by
    assert moved.duration == pytest.approx(one.duration, abs=1e-6)


@given(spans)
def test_the_middle_is_inside(one):
    assert one.start <= one.middle <= one.end


@given(spans, spans)
def test_spans_sort_by_start_then_end(one, other):
    assert (one < other) == ((one.start, one.end) < (other.start, other.end))


@pytest.mark.parametrize(("start", "end"), [(2.0, 1.0), (-0.1, 1.0), (math.nan, 1.0), (0.0, math.nan), (0.0, math.inf)])
def test_what_is_no_stretch_of_time_is_refused_with_its_values(start, end):
    with pytest.raises(ValueError, match=rf"start={start}, end={end}"):
        Span(start, end)
