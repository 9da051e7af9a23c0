from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.timeline import Span
from jobs.transcribe import TranscribeOptions
from worker.engines.faster_whisper import _asked, _failed, _segments, _words


@dataclass
class Heard:
    """A word as faster-whisper gives it: a blank in front where a new one begins, numpy's numbers."""

    word: str
    start: float
    end: float
    probability: float


@dataclass
class Passage:
    """A segment as faster-whisper gives it."""

    words: list[Heard] | None
    avg_logprob: float = -0.2
    compression_ratio: float = 1.3
    no_speech_prob: float = 0.0


WITHIN = Span(10.0, 38.0)
times = st.floats(-5, 45).map(np.float64)
heard = st.lists(
    st.builds(Heard, st.sampled_from([" ill", "-disposed", " Haus", ",", " ", "", " 9", ".000"]), times, times,
              st.floats(0, 1).map(np.float64)),
    max_size=12,
)  # fmt: skip


@given(heard, st.floats(0, 20))
def test_no_letter_is_lost_and_a_word_holds_no_blank(some, shift):
    words = list(_words(some, WITHIN, shift))
    assert "".join(word.text for word in words) == "".join(word.word.strip() for word in some)
    assert all(word.text == word.text.strip() and " " not in word.text and word.text for word in words)


@given(heard, st.floats(0, 20))
def test_times_stay_inside_the_clip_and_never_run_backwards(some, shift):
    words = list(_words(some, WITHIN, shift))
    assert all(WITHIN.start <= word.span.start <= word.span.end <= WITHIN.end for word in words)
    assert all(one.span.start <= other.span.start for one, other in pairwise(words))
    assert all(type(number) is float for w in words for number in (w.span.start, w.span.end, w.probability))


def test_a_hyphenated_word_is_one_word_as_sure_as_its_weakest_part():
    parts = [
        Heard(" ill", 11.0, 11.2, 0.9), Heard("-dis", 11.2, 11.5, 0.4), Heard("posed", 11.5, 12.0, 0.7),
        Heard(" man.", 12.1, 12.5, 0.8),
    ]  # fmt: skip
    found = list(_words(parts, WITHIN, 0.0))
    assert [(word.text, word.span, word.probability) for word in found] == [
        ("ill-disposed", Span(11.0, 12.0), 0.4),
        ("man.", Span(12.1, 12.5), 0.8),
    ]


def test_a_piece_decoded_on_its_own_is_moved_to_its_place():
    (word,) = _words([Heard(" ja", 1.0, 1.5, 0.9)], WITHIN, 10.0)
    assert word.span == Span(11.0, 11.5)


def test_silence_by_whispers_own_rule_and_empty_passages_are_left_out():
    said = [Heard(" ja", 11, 12, 0.9)]
    some = [
        Passage(said), Passage(said, avg_logprob=-1.2, no_speech_prob=0.7), Passage(said, no_speech_prob=0.7),
        Passage(said, avg_logprob=-1.2), Passage([]), Passage(None),
    ]  # fmt: skip
    found = list(_segments(some, "de", WITHIN, 0.0))
    assert [(segment.average_logprob, segment.no_speech_probability) for segment in found] == [
        (-0.2, 0.0), (-0.2, 0.7), (-1.2, 0.0),
    ]  # fmt: skip
    assert {segment.language for segment in found} == {"de"}


@pytest.mark.parametrize(("logprob", "ratio", "failed"), [(-0.2, 1.3, False), (-1.1, 1.3, True), (-0.2, 2.5, True)])
def test_a_passage_that_whisper_calls_failed_is_decoded_again(logprob, ratio, failed):
    passage = Passage([Heard(" ja", 11, 12, 0.9)], avg_logprob=logprob, compression_ratio=ratio)
    assert _failed(list(_segments([passage], "de", WITHIN, 0.0))) is failed


def test_hotwords_language_and_beam_reach_the_engine():
    asked = _asked(TranscribeOptions(hotwords=("Anna Berg", "Elbkurier"), beam_size=3), "de")
    assert asked["hotwords"] == "Anna Berg, Elbkurier"
    assert (asked["language"], asked["task"], asked["beam_size"]) == ("de", "transcribe", 3)
    assert _asked(TranscribeOptions(), "en")["hotwords"] is None
