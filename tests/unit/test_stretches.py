import itertools
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.audio import SAMPLE_RATE, Audio
from jobs.recording import Provenance
from jobs.stretches import from_pcm, joined, plan, samples_of, to_pcm
from jobs.timeline import Span
from jobs.transcribe import Recognition, Segment
from jobs.transcript import Word

SIGNED = Provenance("engine", "1", None, "0" * 16, "0.1.0", datetime(2026, 11, 3, tzinfo=UTC))
lengths = st.floats(0.1, 40_000, allow_nan=False)


@st.composite
def speech_in(draw, duration_s):
    borders = sorted(draw(st.lists(st.floats(0, duration_s), max_size=40, unique=True)))
    return tuple(Span(start, end) for start, end in zip(borders[::2], borders[1::2], strict=False))


@st.composite
def recordings(draw):
    duration_s = draw(lengths)
    return duration_s, draw(speech_in(duration_s)), max(draw(st.floats(1, 1800)), duration_s / 60)


@given(recordings())
def test_stretches_follow_each_other_and_cover_the_recording(given):
    duration_s, speech, target_s = given
    spans = plan(duration_s, speech, target_s)
    assert (spans[0].start, spans[-1].end) == (0.0, duration_s)
    assert all(one.end == other.start for one, other in itertools.pairwise(spans))


@given(recordings())
def test_no_stretch_is_half_or_half_as_long_again(given):
    duration_s, speech, target_s = given
    slack = 0.001 + 1e-9 * duration_s
    for span in plan(duration_s, speech, target_s):
        assert span.duration <= 1.5 * target_s + slack
        assert span.duration >= min(0.5 * target_s, duration_s) - slack


@given(recordings())
def test_the_same_sound_is_always_cut_alike(given):
    assert plan(*given) == plan(*given)


@given(st.integers(2, 30), st.data())
def test_a_cut_never_falls_on_speech_where_there_is_a_pause_in_reach(minutes, data):
    """Somebody speaks all the time, but for one pause a minute that lasts ten to 600 ms."""
    pauses = [(60 * minute + data.draw(st.floats(0, 50)), data.draw(st.floats(0.01, 0.6))) for minute in range(minutes)]
    borders = [0.0, *(each for start, length in pauses for each in (start, start + length)), 60.0 * minutes]
    speech = [Span(start, end) for start, end in zip(borders[::2], borders[1::2], strict=True)]
    for span in plan(60.0 * minutes, speech, 120)[:-1]:
        assert any(start - 0.001 <= span.end <= start + length + 0.001 for start, length in pauses)


@pytest.mark.parametrize(
    ("duration_s", "speech", "cuts"),
    [
        (89, [], []),  # one and a half stretches aren't worth a cut
        (120, [Span(0, 120)], [60]),  # nobody ever pauses
        (120, [Span(0, 120 / 2 - 1), Span(61, 70), Span(71, 120)], [60]),  # the longer pause near the middle
        (120, [Span(0, 50), Span(50.2, 70), Span(71, 120)], [70.5]),
        (120, [Span(0, 34), Span(36, 120)], [35]),  # a pause farther off is better than a word cut in two
        (120, [Span(0, 20), Span(28, 120)], [60]),  # but not one that leaves a stretch too short
        (180, [Span(0, 59), Span(60, 121), Span(122, 180)], [59.5, 121.5]),
        (120, [], [60]),  # silence everywhere: the middle
    ],
)
def test_cuts(duration_s, speech, cuts):
    assert [span.end for span in plan(duration_s, speech, 60)][:-1] == cuts


# --- sound ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-2, 2 - 2**-14, width=32), max_size=300))
def test_sound_keeps_its_shape_through_16_bits(samples):
    sound = np.array(samples, dtype=np.float32)
    read = from_pcm(to_pcm(sound)).samples
    assert read.dtype == np.float32
    assert np.abs(read - sound).max(initial=0) <= 2**-15
    assert to_pcm(read) == to_pcm(sound)


def test_sound_beyond_full_scale_is_clipped_and_never_wraps():
    read = from_pcm(to_pcm(np.array([5, -5, 0], dtype=np.float32))).samples
    assert read.tolist() == [pytest.approx(2, abs=1e-3), -2, 0]


def test_half_a_sample_is_no_sound():
    with pytest.raises(ValueError, match="buffer size"):
        from_pcm(b"abc")


@given(recordings())
def test_every_sample_is_in_exactly_one_stretch(given):
    duration_s, speech, target_s = given
    count = math.floor(min(duration_s, 30) * SAMPLE_RATE)
    audio = Audio(np.zeros(count, dtype=np.float32))
    spans = plan(audio.duration, speech, max(target_s, audio.duration / 20)) if count else ()
    assert sum(len(samples_of(audio, span)) for span in spans) == count


def test_a_long_stretch_is_cut_without_a_copy():
    audio = Audio(np.zeros(SAMPLE_RATE * 100, dtype=np.float32))
    assert np.shares_memory(samples_of(audio, Span(10, 90)), audio.samples)


# --- joined -----------------------------------------------------------------------------------------------------------


@st.composite
def heard(draw, span, at=0):
    count = draw(st.integers(0, 8))
    times = sorted(draw(st.lists(st.floats(0, span.duration + 0.0005), min_size=2 * count, max_size=2 * count)))
    words = tuple(Word(f"w{at}-{n}", Span(times[2 * n], times[2 * n + 1]), draw(st.floats(0, 1))) for n in range(count))
    borders = sorted({0, count, *draw(st.lists(st.integers(0, count), max_size=3))})
    segments = tuple(
        Segment(words[a:b], draw(st.sampled_from(["de", "en"])), -0.1, 1.0, 0.0)
        for a, b in itertools.pairwise(borders)
        if b > a
    )
    spoken = (Span(words[0].span.start, words[-1].span.end),) if words else ()
    signed = replace(SIGNED, created_at=SIGNED.created_at + timedelta(seconds=draw(st.integers(0, 9))))
    return Recognition(segments, segments[0].language if segments else "und", spoken, signed)


@st.composite
def parts(draw):
    borders = [0.0, *itertools.accumulate(draw(st.lists(st.floats(1, 900), min_size=1, max_size=6)))]
    spans = [Span(start, end) for start, end in itertools.pairwise(borders)]
    return [(span, draw(heard(span, at=place))) for place, span in enumerate(spans)]


@given(parts())
def test_no_word_is_lost_doubled_or_moved_to_another_place(given):
    whole = joined(given)
    assert [w.text for w in whole.words] == [w.text for _, part in given for w in part.words]
    assert [w.probability for w in whole.words] == [w.probability for _, part in given for w in part.words]
    assert [len(s.words) for s in whole.segments] == [len(s.words) for _, part in given for s in part.segments]


@given(parts())
def test_words_and_speech_lie_in_their_stretch_and_in_order(given):
    whole, at = iter(joined(given).words), 0.0
    for span, part in given:
        for word in part.words:
            moved = next(whole).span
            assert span.start <= moved.start <= moved.end <= span.end
            assert math.isclose(moved.start, span.start + word.span.start, abs_tol=0.001)
            assert moved.start >= at
            at = moved.start
    spoken = joined(given).speech
    assert all(one.end <= other.start for one, other in itertools.pairwise(spoken))


@given(parts())
def test_the_language_is_that_of_most_words(given):
    whole = joined(given)
    words = [segment.language for segment in whole.segments for _ in segment.words]
    assert whole.language == "und" if not words else words.count(whole.language) >= len(words) / 2


def test_provenance_is_of_most_words_and_of_the_last_minute():
    def part(version, words, minute):
        said = tuple(Word("ja", Span(n, n + 1), 1.0) for n in range(words))
        signed = replace(SIGNED, app_version=version, created_at=SIGNED.created_at + timedelta(minutes=minute))
        return Span(0, 10), Recognition((Segment(said, "de", 0, 1, 0),) if said else (), "de", (), signed)

    signed = joined([part("0.1", 2, 9), part("0.2", 3, 1), part("0.1", 2, 2)]).provenance
    assert signed == replace(SIGNED, app_version="0.1", created_at=SIGNED.created_at + timedelta(minutes=9))
    assert joined([part("0.1", 0, 0), part("0.2", 0, 5)]).provenance.app_version == "0.1"


def test_silence_joined_with_silence_is_silence():
    silent = Recognition((), "und", (), SIGNED)
    assert joined([(Span(0, 10), silent), (Span(10, 20), silent)]) == silent
