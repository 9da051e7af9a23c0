from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from config.settings import load
from jobs.audio import SAMPLE_RATE, Audio
from jobs.errors import EngineError
from jobs.speech import Clip
from jobs.timeline import Span
from jobs.transcribe import Segment, TranscribeOptions
from jobs.transcript import Word
from worker.engines.encoder import Encoder
from worker.engines.faster_whisper import FasterWhisperRecognizer, _asked, _Ear, _failed, _segments, _words


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


#: As CTranslate2 puts it: src/cuda/utils.h.
SHORT = ("CUDA failed with error out of memory", "cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED")
#: Ten clips: the pauses between them are too long for one.
SPEECH = tuple(Span(10.0 * place, 10.0 * place + 4.0) for place in range(10))
TALK = Audio(np.zeros(100 * SAMPLE_RATE, np.float32))
SILENCE = Encoder(None, TALK, (), ())
GERMAN = TranscribeOptions(language="de")


class Tight(_Ear):
    """A model on a card that has room for so many clips at once; it hears one word for each clip."""

    def __init__(self, device, room, text=SHORT[0]):
        super().__init__(None, device)
        self.room, self.text, self.asked = room, text, []

    def _heard(self, encoder, batch, options, language):  # noqa: ARG002  # the real one's signature
        self.asked.append(len(batch))
        if len(batch) > self.room:
            raise RuntimeError(self.text)
        return [[Segment((Word("ja", clip.span, 0.9),), language, -0.1, 1.0, 0.0)] for clip in batch]


class Placed(FasterWhisperRecognizer):
    """A recognizer whose models are `Tight`: the first is in place, others are made when it asks for them."""

    def __init__(self, ear, *others, device="auto"):
        self._settings = load().but(transcribe={"device": device})
        self._weights_sha256 = "0" * 64
        self._ear, self.others, self.read = ear, list(others), []

    def speech(self, audio):  # noqa: ARG002  # the same
        return SPEECH

    def _read(self, device, index):  # noqa: ARG002  # the same
        self.read.append(device)
        return self.others.pop()


def spoken(recognition):
    return [word.span for word in recognition.words]


@pytest.mark.parametrize("text", SHORT)
@pytest.mark.parametrize(
    ("room", "asked"), [(8, [8, 2]), (4, [8, 4, 4, 2]), (3, [8, 4, 2, 2, 2, 2, 2]), (1, [8, 4, 2] + [1] * 10)]
)
def test_where_memory_is_short_fewer_clips_are_decoded_at_once_and_none_is_lost(text, room, asked):
    ear = Tight("cuda", room, text)
    with capture_logs() as logs:
        found = Placed(ear).recognize(TALK, GERMAN, lambda *_: None)
    assert spoken(found) == list(SPEECH)
    assert ear.asked == asked
    smaller = [size // 2 for size in (8, 4, 2) if size > room]
    assert logs == [
        {"event": "engine.fell_back", "log_level": "warning", "device": "cuda", "batch": batch} for batch in smaller
    ]


def test_a_smaller_batch_is_remembered():
    ear = Tight("cuda", 2)
    recognizer = Placed(ear)
    recognizer.recognize(TALK, GERMAN, lambda *_: None)
    ear.asked.clear()
    recognizer.recognize(TALK, GERMAN, lambda *_: None)
    assert ear.asked == [2] * 5


def test_what_no_card_can_hold_is_left_to_the_cpu_for_this_recording():
    ear, cpu = Tight("cuda", 0), Tight("cpu", 8)
    recognizer = Placed(ear, cpu)
    with capture_logs() as logs:
        found = recognizer.recognize(TALK, GERMAN, lambda *_: None)
    assert spoken(found) == list(SPEECH)
    assert (recognizer.read, ear.asked, cpu.asked) == (["cpu"], [8, 4, 2, 1], [8, 2])
    assert logs[-1] == {"event": "engine.fell_back", "log_level": "warning", "device": "cpu", "batch": 8}
    ear.room = 8
    recognizer.recognize(TALK, GERMAN, lambda *_: None)
    assert recognizer.read == ["cpu"]


@pytest.mark.parametrize(("ear", "device"), [(Tight("cuda", 0), "cuda:1"), (Tight("cpu", 0), "auto")])
def test_where_there_is_nothing_to_fall_back_to_it_is_an_error_worth_another_try(ear, device):
    with pytest.raises(EngineError) as caught:
        Placed(ear, device=device).recognize(TALK, GERMAN, lambda *_: None)
    assert (caught.value.code, caught.value.retryable) == ("out-of-memory", True)
    assert len(ear.asked) == 4


def test_any_other_failure_is_not_tried_again():
    ear = Tight("cuda", 0, "cuBLAS failed with status CUBLAS_STATUS_EXECUTION_FAILED")
    with pytest.raises(EngineError) as caught:
        Placed(ear, Tight("cpu", 8)).recognize(TALK, GERMAN, lambda *_: None)
    assert (caught.value.code, ear.asked) == ("transcription-failed", [8])


class Circling(_Ear):
    """A model whose text goes round in circles unless it is told not to, or even then."""

    def __init__(self, *ratios):
        super().__init__(None, "cpu")
        self.ratios, self.asked = list(ratios), []

    def _alone(self, encoder, clip, options, *, straight):  # noqa: ARG002  # the real one's signature
        self.asked.append(straight)
        return [Segment((Word(f"{len(self.asked)}.", clip.span, 0.9),), "de", -0.1, self.ratios.pop(0), 0.0)]


@pytest.mark.parametrize(
    ("ratios", "kept", "asked"),
    [((1.3,), "1.", 1), ((2.5, 1.3), "2.", 2), ((2.5, 2.6), "1.", 2), ((2.6, 2.5), "2.", 2)],
)
def test_a_text_that_goes_round_in_circles_is_decoded_once_more_without_repetitions(ratios, kept, asked):
    ear = Circling(*ratios)
    (segment,) = ear._again(TALK, Clip(SPEECH[0], "de"), GERMAN)
    assert segment.words[0].text == kept
    assert ear.asked == [False, True][:asked]


class Bilingual(_Ear):
    """A model that is so sure of its words in each language."""

    def __init__(self, **sure):
        super().__init__(None, "cpu")
        self.sure, self.batches = sure, []

    def _heard(self, encoder, batch, options, language):  # noqa: ARG002  # the real one's signature
        self.batches.append((language, len(batch)))
        return [self._said(clip.span, language) for clip in batch]

    def _alone(self, encoder, clip, options, *, straight):  # noqa: ARG002  # the same
        return self._said(clip.span, clip.language)

    def _said(self, span, language):
        return [Segment((Word(language, span, self.sure[language]),), language, -0.1, 1.0, 0.0)]


@pytest.mark.parametrize(
    ("sure", "stands"), [({"de": 0.8, "en": 0.5}, "de"), ({"de": 0.6, "en": 0.7}, "en"), ({"de": 0.3, "en": 0.6}, "de")]
)
def test_a_clip_whose_language_is_contested_is_decoded_in_each_and_the_surest_stands(sure, stands):
    clips = (Clip(Span(0, 2), "de"), Clip(Span(2, 4), "de", contested=True))
    speech = [clip.span for clip in clips]
    found = list(Bilingual(**sure)._decode(SILENCE, clips, speech, TranscribeOptions(), lambda *_: None))
    assert [segment.language for segment in found] == ["de", stands]


def test_clips_of_one_language_are_decoded_together_however_they_lie():
    clips = [Clip(span, "de" if place % 2 else "en") for place, span in enumerate(SPEECH)]
    ear, done = Bilingual(de=0.9, en=0.9), []
    options = TranscribeOptions(batch_size=4)
    found = list(ear._decode(SILENCE, clips, SPEECH, options, lambda *told: done.append(told)))
    assert ear.batches == [("en", 4), ("en", 1), ("de", 4), ("de", 1)]
    assert sorted((segment.words[0].span, segment.language) for segment in found) == [
        (clip.span, clip.language) for clip in clips
    ]
    assert done == sorted(done)
    assert done[-1] == (pytest.approx(TALK.duration), TALK.duration)


def test_nothing_is_left_to_chance():
    """Sampling gives other words each time; stretches must be heard alike by all."""
    assert _asked(TranscribeOptions(), "de")["temperature"] == 0.0
