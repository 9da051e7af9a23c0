import numpy as np
import pytest
from ctranslate2 import StorageView

from jobs.audio import SAMPLE_RATE, Audio
from jobs.timeline import Span
from worker.engines import encoder as module
from worker.engines.encoder import Encoder

#: Every sample holds its second.
TALK = Audio(np.repeat(np.arange(60, dtype=np.float32), SAMPLE_RATE))
CLIPS = (Span(2.0, 20.0), Span(30.0, 58.0))


class Model:
    """faster-whisper's model as far as its encoder goes; a frame is as loud as the sound that it stands for."""

    beam = "its own"

    def __init__(self):
        self.model, self.asked, self.voted = self, [], []
        self.feature_extractor = FeatureExtractor()

    def encode(self, features):
        self.asked.append(features.shape[-1])
        frames = features[0, 0 : features.shape[-1] // 2 * 2 : 2]
        return StorageView.from_array(np.ascontiguousarray(frames[None, :, None]))

    def detect_language(self, encoded):
        heard = np.array(encoded)
        self.voted.append((heard.shape[1], float(heard.min()), float(heard.max())))
        return [[("<|fr|>", 0.6), ("<|de|>", 0.3), ("<|en|>", 0.1)]]


class FeatureExtractor:
    nb_max_frames = 3000

    def __call__(self, samples):
        frames = samples[:: SAMPLE_RATE // 100]
        return np.tile(np.append(frames, 0), (80, 1)).astype(np.float32)


@pytest.fixture
def model():
    return Model()


def test_a_glimpse_hears_its_part_of_the_clip_which_is_encoded_once(model):
    encoder = Encoder(model, TALK, CLIPS, ("de", "en"))
    assert encoder.glimpse(Span(5.0, 7.0)) == {"de": 0.3, "en": 0.1}
    encoder.glimpse(Span(18.0, 20.0))
    encoder.glimpse(Span(30.0, 32.0))
    encoder.answering(CLIPS)
    assert model.asked == [3000, 3000]
    assert model.voted == [(100, 5.0, 6.0), (100, 18.0, 19.0), (100, 30.0, 31.0)]


@pytest.mark.parametrize(("length", "frames"), [(2.0, 1000), (11.0, 1100), (11.01, 1102)])
def test_alone_means_silence_after_a_short_span_and_never_cuts_a_long_one(model, length, frames):
    vote = Encoder(model, TALK, CLIPS, ("de", "en")).alone(Span(1.0, 1.0 + length))
    assert model.asked == [frames]
    assert vote == {"de": 0.3, "en": 0.1}


def test_a_batch_is_given_the_answers_in_its_order_and_all_else_is_the_models_own(model):
    answering = Encoder(model, TALK, CLIPS, ("de",)).answering([CLIPS[1], CLIPS[0]])
    assert answering.beam == "its own"
    given = np.array(answering.encode(np.zeros((2, 80, 3000), np.float32)))
    assert given.shape == (2, 1500, 1)
    assert given[:, 0, 0].tolist() == [30.0, 2.0]
    with pytest.raises(ValueError, match="instead of the 2"):
        answering.encode(np.zeros((1, 80, 3000), np.float32))


def test_what_is_kept_is_bounded_and_the_rest_encoded_anew(model, monkeypatch):
    monkeypatch.setattr(module, "_KEPT_BYTES", 1500 * 4)
    encoder = Encoder(model, TALK, CLIPS, ("de",))
    for span in (Span(3, 4), Span(31, 32), Span(33, 34), Span(4, 5)):
        encoder.glimpse(span)
    assert len(model.asked) == 2, "the latest is at hand"
    encoder.answering(CLIPS[:1])
    assert len(model.asked) == 2
    encoder.encoded(Span(40.0, 50.0))
    encoder.answering(CLIPS)
    assert len(model.asked) == 4


def test_a_span_before_the_first_clip_or_of_no_length_gets_an_answer(model):
    encoder = Encoder(model, TALK, CLIPS, ("de", "en"))
    encoder.glimpse(Span(2.0, 2.0))
    assert model.voted[-1][0] == 1
