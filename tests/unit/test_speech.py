from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.audio import SAMPLE_RATE
from jobs.languages import Piece
from jobs.speech import (
    MAX_CLIP_S,
    MAX_PAUSE_S,
    MIN_UNHEARD_S,
    WORD_MARGIN_S,
    Clip,
    in_clips,
    in_pieces,
    most_spoken,
    pack,
    unbroken,
    unheard,
)
from jobs.timeline import Span
from jobs.transcript import Word

LANGUAGES = ("de", "en")
EVEN = 1e-9


@st.composite
def stretches(draw, longest=400):
    """Speech as a detector gives it: disjoint, in time order, on a grid of 100 ms."""
    at, found = 0, []
    for _ in range(draw(st.integers(0, 30))):
        at += draw(st.integers(1, 40))
        end = at + draw(st.integers(1, longest))
        found.append(Span(at / 10, end / 10))
        at = end
    return tuple(found)


@st.composite
def speech_and_languages(draw):
    speech = draw(stretches())
    language = st.sampled_from(LANGUAGES)
    return speech, draw(st.lists(language, min_size=len(speech), max_size=len(speech)))


@st.composite
def speech_and_words(draw):
    speech = draw(stretches(longest=120))
    starts = sorted(draw(st.lists(st.integers(0, 1200), max_size=20)))
    words = [Word("ja", Span(start / 10, (start + draw(st.integers(0, 9))) / 10), 1.0) for start in starts]
    return speech, words


@given(speech_and_languages())
def test_clips_hold_every_stretch_once_and_in_its_language(both):
    speech, languages = both
    clips = list(pack(speech, languages))
    holders = [
        [clip for clip in clips if clip.span.start <= span.start and span.end <= clip.span.end] for span in speech
    ]
    assert [len(held) for held in holders] == [1] * len(speech)
    assert [held[0].language for held in holders] == languages


@given(speech_and_languages())
def test_clips_follow_each_other_and_begin_and_end_with_speech(both):
    speech, languages = both
    clips = list(pack(speech, languages))
    assert all(one.span.end <= other.span.start for one, other in pairwise(clips))
    assert {clip.span.start for clip in clips} <= {span.start for span in speech}
    assert {clip.span.end for clip in clips} <= {span.end for span in speech}


@given(speech_and_languages())
def test_a_clip_can_be_heard_in_one_go_and_holds_no_long_pause(both):
    speech, languages = both
    for clip in pack(speech, languages):
        held = [span for span in speech if span.overlap(clip.span) > 0]
        assert clip.span.duration <= MAX_CLIP_S or len(held) == 1
        assert all(one.gap(other) <= MAX_PAUSE_S + EVEN for one, other in pairwise(held))


@pytest.mark.parametrize(
    ("heard", "clips"),
    [
        ("de de de de de", [Clip(Span(0, 4.9), "de")]),
        ("de de en en de", [Clip(Span(0, 1.9), "de"), Clip(Span(2, 3.9), "en"), Clip(Span(4, 4.9), "de")]),
        ("de de ? de ?", [
            Clip(Span(0, 1.9), "de"), Clip(Span(2, 2.9), "de", contested=True), Clip(Span(3, 3.9), "de"),
            Clip(Span(4, 4.9), "de", contested=True),
        ]),
    ],
)  # fmt: skip
def test_a_clip_stays_whole_unless_its_pieces_differ_and_what_is_contested_is_one_of_its_own(heard, clips):
    pieces = [
        Piece(Span(at, at + 0.9), "de" if language == "?" else language, contested=language == "?")
        for at, language in enumerate(heard.split())
    ]
    after = Piece(Span(9, 11), "en")
    assert list(in_clips([Span(0, 4.9), Span(9, 11)], [*pieces, after])) == [*clips, Clip(Span(9, 11), "en")]


def test_a_full_clip_is_cut_at_the_longest_pause_of_its_second_half():
    speech = (Span(0, 8), Span(9.2, 16), Span(16.3, 20), Span(21, 25), Span(25.2, 27), Span(27.3, 33))
    assert [clip.span for clip in pack(speech, ["de"] * 6)] == [Span(0, 20), Span(21, 33)]


@given(speech_and_words())
def test_what_is_unheard_is_speech_without_a_word(both):
    speech, words = both
    within = Span(5, 100)
    for span in unheard(within, speech, words):
        assert span.duration >= MIN_UNHEARD_S - EVEN
        assert within.start <= span.start
        assert span.end <= within.end
        assert not [w for w in words if w.span.overlap(span) > EVEN or span.start < w.span.middle < span.end]
        pieces = [piece for piece in speech if piece.overlap(span) > 0]
        assert pieces[0].start <= span.start
        assert span.end <= pieces[-1].end
        assert all(one.gap(other) <= MAX_PAUSE_S + EVEN for one, other in pairwise(pieces))


@given(speech_and_words())
def test_no_long_silence_of_the_recognizer_goes_unnoticed(both):
    speech, words = both
    found = unheard(Span(0, 1000), speech, words)
    reach = WORD_MARGIN_S + EVEN
    for piece in speech:
        inside = [word for word in words if word.span.gap(piece) <= reach]
        if piece.duration >= MIN_UNHEARD_S and not inside:
            assert any(span.overlap(piece) == pytest.approx(piece.duration) for span in found)


def test_a_word_between_two_silences_is_not_decoded_again():
    word = Word("ja", Span(2.2, 2.4), 1.0)
    assert unheard(Span(0, 5), [Span(0, 5)], [word]) == (Span(0, 2.2 - WORD_MARGIN_S), Span(2.4 + WORD_MARGIN_S, 5))


@given(stretches(longest=120))
def test_spans_that_touch_are_joined_and_cover_the_same_time(speech):
    halves = [half for span in speech for half in (Span(span.start, span.middle), Span(span.middle, span.end))]
    found = unbroken(halves)
    assert sum(span.duration for span in found) == pytest.approx(sum(span.duration for span in speech))
    assert [span for span in speech if span.duration <= MAX_CLIP_S] == list(found)
    assert all(one.end < other.start for one, other in pairwise(found))


def test_nothing_is_joined_beyond_a_clip():
    assert unbroken((Span(0, 20), Span(20, 40), Span(40, 45))) == (Span(0, 20), Span(20, 45))


def test_most_spoken_counts_seconds_not_clips():
    clips = (Clip(Span(0, 2), "en"), Clip(Span(3, 5), "en"), Clip(Span(6, 11), "de"))
    assert most_spoken(clips) == "de"
    assert most_spoken(()) == "und"


def _sounding(samples):
    """A detector that takes every sample but 0 for speech."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], samples != 0, [0]))))
    return [Span(start / SAMPLE_RATE, end / SAMPLE_RATE) for start, end in edges.reshape(-1, 2).tolist()]


@given(stretches(longest=25), st.integers(50, 200))
@example((Span(6.5, 9.0), Span(10.0, 10.1)), 100).via("ends with a piece's last second, in the middle of a frame")
@example(
    tuple(
        Span(start / 10, end / 10)
        for start, end in (
            (15, 26),
            (66, 91),
            (131, 146),
            (178, 203),
            (243, 268),
            (308, 333),
            (373, 392),
            (415, 440),
            (480, 481),
            (488, 513),
            (553, 578),
            (588, 589),
        )
    ),
    108,
).via("a known stretch ends a rounding error later when the next piece hears its last frame again")
def test_speech_is_the_same_in_pieces_and_in_one(speech, piece_tenths):
    samples = np.zeros(round((speech[-1].end if speech else 3) * SAMPLE_RATE) + 4000, np.float32)
    for span in speech:
        samples[round(span.start * SAMPLE_RATE) : round(span.end * SAMPLE_RATE)] = 1
    sizes = []

    def detect(piece):
        sizes.append(len(piece))
        return _sounding(piece)

    found = in_pieces(samples, detect, piece_s=piece_tenths / 10)
    whole = _sounding(samples)
    assert len(found) == len(whole)
    for one, other in zip(found, whole, strict=True):
        assert (one.start, one.end) == pytest.approx((other.start, other.end), abs=1e-6)
    assert max(sizes) <= piece_tenths / 10 * SAMPLE_RATE


def test_speech_that_never_pauses_comes_to_an_end():
    samples = np.ones(100 * SAMPLE_RATE, np.float32)
    found = in_pieces(samples, _sounding, piece_s=10)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert found[-1].end == pytest.approx(100)
