from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.timeline import Span
from jobs.timing import LONGEST_BREATH_S, LONGEST_SYLLABLE_S, TICK_S, settled, shared
from jobs.transcribe import Segment
from jobs.transcript import Word

NUMBERS = ("4,9", "2024", "12,90", "§", "5", "20.15", "Euro", "Uhr", "das", "Zeitungssterben.")


def heard(*words):
    """A segment of words given as text, start and end."""
    return Segment(tuple(Word(text, Span(start, end), 0.9) for text, start, end in words), "de", -0.2, 1.0, 0.0)


def times(segment):
    return [(round(word.span.start, 2), round(word.span.end, 2)) for word in segment.words]


THROUGHOUT = (Span(0, 100),)


def settle(*words, speech=THROUGHOUT):
    (segment,) = settled([heard(*words)], speech)
    return segment


def test_times_that_can_be_true_are_left_alone():
    words = (("Das", 1.0, 1.2), ("kostet", 1.2, 1.6), ("12,90", 1.7, 3.0), ("Euro.", 3.0, 3.4))
    assert settle(*words) == heard(*words)


def test_a_figure_without_a_time_gets_the_gap_it_stands_in():
    segment = settle(("rund", 1.0, 1.3), ("4,9", 1.3, 1.3), ("Prozent", 2.1, 2.6))
    assert times(segment) == [(1.0, 1.3), (1.3, 1.97), (2.1, 2.6)]
    assert [word.estimated for word in segment.words] == [False, True, False]


def test_where_there_is_no_gap_a_neighbour_lends_its_time_by_what_is_said():
    segment = settle(("§", 1.0, 2.2), ("5", 2.2, 2.2), ("gilt", 2.2, 2.4))
    (first, second, third) = segment.words
    assert first.span.start == 1.0
    assert first.span.end == second.span.start < second.span.end <= third.span.start == 2.2
    assert [word.estimated for word in segment.words] == [True, True, False]


def test_a_word_ends_where_the_pause_begins():
    segment = settle(("Pause", 1.0, 4.0), ("danach", 4.0, 4.4), speech=(Span(0.5, 1.6), Span(3.9, 6.0)))
    assert times(segment) == [(1.0, 1.6), (4.0, 4.4)]


def test_a_word_begins_where_the_pause_ends():
    segment = settle(("Schluss.", 0.5, 1.0), ("Danach", 1.0, 4.6), speech=(Span(0.2, 1.2), Span(4.1, 6.0)))
    assert times(segment) == [(0.5, 1.0), (4.2, 4.6)]


def test_the_first_word_begins_with_its_sound_and_not_with_the_silence_before_it():
    segment = settle(("Guten", 2.0, 2.6), ("Abend.", 2.6, 3.0), ("Ja.", 9.0, 9.1), speech=(Span(2, 4), Span(9, 10)))
    assert times(segment) == [(2.1, 2.6), (2.6, 3.0), (9.0, 9.1)]


@pytest.mark.parametrize(("before", "kept_end"), [("gut,", False), ("gut.", True)])
def test_nobody_drawls_a_word_for_seconds(before, kept_end):
    word = settle((before, 0.0, 0.4), ("und", 0.4, 8.0)).words[1]
    assert word.span.duration == pytest.approx(LONGEST_BREATH_S + LONGEST_SYLLABLE_S)
    assert (word.span.end == 8.0) is kept_end
    assert word.estimated


def test_words_alone_without_any_time_keep_their_place():
    assert times(settle(("so", 3.0, 3.0))) == [(3.0, 3.0)]


@st.composite
def segments(draw):
    at = draw(st.floats(0, 9 * 3600))
    words = []
    for text in draw(st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=9)):
        start = at + draw(st.sampled_from((0.0, 0.0, 0.1, 3.0)))
        end = start + draw(st.sampled_from((0.0, 0.0, 0.01, 0.3, 0.8, 9.0)))
        words.append((text, start, end))
        at = draw(st.sampled_from((start, end)))
    return heard(*words)


@given(segments(), st.lists(st.tuples(st.floats(0, 40), st.floats(0.1, 9)), max_size=4))
def test_every_word_keeps_its_text_its_order_and_a_time_within_its_segment(segment, pauses):
    begun = segment.words[0].span.start
    speech = []
    for pause, length in pauses:
        start = (speech[-1].end if speech else max(0.0, begun - 5)) + pause
        speech.append(Span(start, start + length))
    (found,) = settled([segment], speech)
    assert [word.text for word in found.words] == [word.text for word in segment.words]
    starts = [word.span.start for word in found.words]
    assert starts == sorted(starts)
    assert starts[0] >= begun
    assert max(word.span.end for word in found.words) <= max(word.span.end for word in segment.words) + 1e-9
    longest = max(w.span.duration - LONGEST_BREATH_S - 8 * LONGEST_SYLLABLE_S for w in found.words)
    assert longest <= 1e-6


@given(segments())
def test_no_word_is_empty_where_there_is_time(segment):
    (found,) = settled([segment], ())
    whole = Span(segment.words[0].span.start, max(word.span.end for word in segment.words))
    if any(word.span.duration >= 10 * TICK_S for word in segment.words):
        assert whole.duration > 0
        assert all(word.span.duration > 0 for word in found.words)


@given(st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=9), st.floats(0, 40_000), st.floats(0, 60))
def test_shared_time_follows_what_is_said(texts, start, length):
    room = Span(start, start + length)
    words = list(shared([Word(text, Span(0, 0), 0.9) for text in texts], room))
    assert [word.text for word in words] == texts
    assert words[0].span.start == start
    assert all(a.span.end == b.span.start for a, b in pairwise(words))
    assert words[-1].span.end <= room.end
    assert words[-1].span.end == pytest.approx(room.end)
    assert all(word.estimated for word in words)
