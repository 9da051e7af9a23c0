"""One recording as Whisper's encoder hears it: each clip once, first for its languages and then for its words."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.audio import SAMPLE_RATE, Audio
from jobs.languages import CAREFUL_S
from jobs.timeline import Span

#: Shape (1, frames, width).
Encoded = NDArray[np.float32]

# The encoder's frames (arXiv:2212.04356, section 2.2): two of the features each.
_FRAMES_A_SECOND = 50
# What is kept of one recording, for a base model a good half an hour of speech; clips beyond are encoded once more.
_KEPT_BYTES = 256 * 2**20


class Encoder:
    """A model's encoder on the clips of one recording."""

    def __init__(self, model: Any, audio: Audio, clips: Sequence[Span], candidates: Sequence[str]) -> None:
        """`clips` are disjoint, in time order and at most 30 s long; languages are chosen from `candidates`."""
        self._model, self.audio, self._candidates = model, audio, tuple(candidates)
        self._clips = tuple(clips)
        self._starts = [clip.start for clip in clips]
        self._kept: dict[Span, Encoded] = {}
        self._room = _KEPT_BYTES
        self._latest: tuple[Span, Encoded] | None = None

    def glimpse(self, span: Span) -> dict[str, float]:
        """Probability of each candidate in a span that lies within a clip, heard together with all of the clip."""
        clip = self._clips[max(0, bisect_right(self._starts, span.middle) - 1)]
        first, last = (round((time - clip.start) * _FRAMES_A_SECOND) for time in (span.start, span.end))
        return self._detected(self.encoded(clip)[:, max(0, first) : max(last, first + 1)])

    def alone(self, span: Span) -> dict[str, float]:
        """Probability of each candidate in a span, heard with nothing but silence around it.

        Encoding takes time in proportion, where `WhisperModel.detect_language` always takes that of 30 s.
        """
        sound = self.samples(span)
        silence = max(0, round(CAREFUL_S * SAMPLE_RATE) - len(sound))
        features = self._model.feature_extractor(np.pad(sound, (0, silence)))
        even = features.shape[-1] // 2 * 2  # the encoder halves them
        return self._detected(self._encode(features[..., :even]))

    def answering(self, clips: Sequence[Span]) -> Any:
        """The model for a batch of these clips, with the encoder's answer to them at hand."""
        return _Answering(self._model, np.concatenate([self.encoded(clip) for clip in clips]))

    def encoded(self, clip: Span) -> Encoded:
        """The encoder's answer to a clip, as `BatchedInferencePipeline` would ask for it."""
        if clip in self._kept:
            return self._kept[clip]
        if self._latest is None or self._latest[0] != clip:
            features = self._model.feature_extractor(self.samples(clip))[..., :-1]
            room = self._model.feature_extractor.nb_max_frames
            features = np.pad(features, ((0, 0), (0, max(0, room - features.shape[-1]))))[..., :room]
            self._latest = clip, self._encode(features)
        answer = self._latest[1]
        if answer.nbytes <= self._room:
            self._kept[clip] = answer
            self._room -= answer.nbytes
        return answer

    def samples(self, span: Span) -> NDArray[np.float32]:
        """The sound of a span, shape (n,) at 16 kHz."""
        return self.audio.samples[int(span.start * SAMPLE_RATE) : int(span.end * SAMPLE_RATE)]

    def _encode(self, features: NDArray[np.float32]) -> Encoded:
        from ctranslate2 import DataType, Device  # noqa: PLC0415

        return np.array(self._model.encode(features).to_device(Device.cpu).to(DataType.float32))

    def _detected(self, encoded: Encoded) -> dict[str, float]:
        everything = self._model.model.detect_language(_view(np.ascontiguousarray(encoded)))[0]
        found = {token[2:-2]: float(probability) for token, probability in everything}
        return {language: found.get(language, 0.0) for language in self._candidates}


class _Answering:
    """A model whose encoder has answered already."""

    def __init__(self, model: Any, answer: Encoded) -> None:
        self._model, self._answer = model, answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode(self, features: NDArray[np.float32]) -> Any:
        if len(features) != len(self._answer):
            message = f"asked for {len(features)} clips instead of the {len(self._answer)} of the batch"
            raise ValueError(message)
        return _view(self._answer)


def _view(encoded: Encoded) -> Any:
    """CTranslate2's view on an array, which must live as long; it moves what it is given to its own device."""
    from ctranslate2 import StorageView  # noqa: PLC0415

    return StorageView.from_array(encoded)
