from collections import Counter
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jobs.timeline import Span
from jobs.transcribe import Segment, in_time_order
from jobs.transcript import Word

words = st.builds(
    lambda text, start, length: Word(text, Span(start / 10, (start + length) / 10), 0.9),
    st.sampled_from(["ja", "nein", "doch"]), st.integers(0, 100), st.integers(0, 10),
)  # fmt: skip
segments = st.lists(
    st.builds(
        lambda some, language, logprob: Segment(tuple(sorted(some, key=lambda w: w.span)), language, logprob, 1.0, 0.0),
        st.lists(words, max_size=6), st.sampled_from(["de", "en"]), st.floats(-2, 0),
    ),
    max_size=6,
)  # fmt: skip


def counted(some):
    """Every word together with what its segment says of it."""
    return Counter((word, replace(segment, words=())) for segment in some for word in segment.words)


@given(segments)
def test_every_word_stays_with_what_is_known_of_it(some):
    assert counted(in_time_order(some)) == counted(some)


@given(segments)
def test_words_end_up_in_time_order(some):
    spans = [word.span for segment in in_time_order(some) for word in segment.words]
    assert spans == sorted(spans)


@given(segments)
def test_no_segment_is_empty_and_a_second_time_changes_nothing(some):
    once = in_time_order(some)
    assert all(segment.words for segment in once)
    assert in_time_order(once) == once


@given(segments)
def test_segments_are_split_only_where_another_falls_in(some):
    apart = [segment for segment in some if segment.words]
    spans = [Span(s.words[0].span.start, max(w.span.end for w in s.words)) for s in apart]
    ordered = sorted(spans)
    if all(one.end < other.start for one, other in pairwise(ordered)):
        assert len(in_time_order(some)) == len(apart)
