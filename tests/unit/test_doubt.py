import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.doubt import doubt_of
from jobs.timeline import Span
from jobs.transcribe import Segment
from jobs.transcript import Doubt, Turn, Word

TURNS = (Turn(Span(0, 10), "SPEAKER_00"),)


def said(count, *, start=1.0, pace=0.3, probability=0.9):
    return [Word("so", Span(start + i * pace, start + (i + 1) * pace), probability) for i in range(count)]


def heard(words, *, logprob=-0.2, ratio=1.3):
    return [Segment(tuple(words), "de", logprob, ratio, 0.0)] * len(words)


def doubt(words, turns=TURNS, **measures):
    return doubt_of(words, heard(words, **measures), turns)


def test_plain_speech_is_beyond_doubt():
    assert doubt(said(8)) is None


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (doubt(said(8, start=11.5)), Doubt.NO_SPEECH),
        (doubt(said(8), turns=()), Doubt.NO_SPEECH),
        (doubt(said(8, start=10.5)), None),
        (doubt(said(8), ratio=2.5), Doubt.LOOP),
        (doubt(said(8), ratio=2.4), None),
        (doubt(said(8, pace=0.1)), Doubt.IMPOSSIBLE_RATE),
        (doubt(said(8, pace=0.0)), Doubt.IMPOSSIBLE_RATE),
        (doubt(said(4, pace=0.01)), None),
        (doubt(said(8, probability=0.25)), Doubt.LOW_CONFIDENCE),
        (doubt(said(8), logprob=-1.1), Doubt.LOW_CONFIDENCE),
    ],
)
def test_each_sign_gives_its_reason(found, reason):
    assert found is reason


def test_one_failed_segment_is_enough():
    words = said(8)
    origin = [*heard(words[:4]), *heard(words[4:], ratio=3.0)]
    assert doubt_of(words, origin, TURNS) is Doubt.LOOP


@given(st.integers(1, 30), st.floats(0, 20), st.floats(0, 1), st.floats(0, 1), st.floats(-3, 0), st.floats(0, 4))
def test_text_where_nobody_speaks_is_always_in_doubt(count, start, pace, probability, logprob, ratio):
    words = said(count, start=start, pace=pace, probability=probability)
    assert doubt(words, turns=(), logprob=logprob, ratio=ratio) is Doubt.NO_SPEECH
