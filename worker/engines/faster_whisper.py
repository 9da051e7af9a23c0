"""What was said, by faster-whisper: find speech, decide its language stretch by stretch, decode in batches.

faster-whisper is given arrays and clip times, never a path: it would open whatever a file points at.
"""

import importlib.metadata
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from config.settings import Settings
from jobs.artifacts import digest
from jobs.audio import SAMPLE_RATE, Audio
from jobs.errors import EngineError, SetupError
from jobs.hotwords import SEPARATOR, fit
from jobs.languages import told_apart
from jobs.speech import MAX_CLIP_S, Clip, in_clips, in_pieces, most_spoken, pack, unbroken, unheard
from jobs.timeline import Span
from jobs.transcribe import Progress, Recognition, Segment, TranscribeOptions, in_time_order
from jobs.transcript import Word
from worker import weights
from worker.engines.device import (
    OUT_OF_MEMORY,
    ctranslate2_device,
    failure,
    free_memory,
    load_cuda_libraries,
    out_of_memory,
    threads,
)
from worker.engines.encoder import Encoder
from worker.provenance import provenance

log = structlog.get_logger()

VERSION = importlib.metadata.version("faster-whisper")

# Whisper's own limits for a failed decoding and for silence (arXiv:2212.04356, section 4.5).
_MAX_COMPRESSION_RATIO = 2.4
_MIN_LOGPROB = -1.0
_NO_SPEECH = 0.6
# Speech that decoding skipped is taken in only when it is clear: the detector may have heard music.
_MIN_SKIPPED_LOGPROB = -0.7
# Words of the right language are at least this sure on average: to each of 32 sentences of 2 to 12 words whisper-base
# gave 0.69 to 0.96 in its own language, and at least 0.07 less in the other; to garbled ones 0.2 to 0.6.
_SURE_OF_WORDS = 0.65
# Once a text went round in circles, so many tokens may not follow each other twice.
_CIRCLE_TOKENS = 5
# Part of the digest: how the model is asked.
_METHOD = "clips/4"

# Silero's answer is cut at every breath, so that a change of language falls between two stretches.
_VAD = {"threshold": 0.5, "min_speech_duration_ms": 100, "min_silence_duration_ms": 160, "speech_pad_ms": 200}
# What a library's error means.
_failure = partial(failure, engine="faster-whisper", code="transcription-failed")


class FasterWhisperRecognizer:
    """A warm model on one device.

    On a CPU the same samples give the same words, times and probabilities to the last bit, whatever the number of
    threads (1, 2, 3 tried) and whatever is decoded beside a clip (batches of 8, 4 and 1 tried). Other instruction sets
    and GPUs compute in another order; the digest doesn't tell them apart.
    """

    def __init__(self, settings: Settings) -> None:
        """Check the weights; they are read into memory by the first call.

        Raises:
            SetupError: weights are missing or not the ones the lock names.
        """
        self._settings = settings
        self._ear: _Ear | None = None
        self._path, self._weights_sha256 = _weights(settings)

    def digest(self) -> str:
        """Name engine, version and weights."""
        wanted = self._settings.transcribe
        return digest("faster-whisper", VERSION, self._weights_sha256, wanted.compute_type, _VAD, _METHOD)

    def load(self) -> None:
        """Read the weights into memory now rather than with the first recording.

        Raises:
            EngineError: they don't fit.
            SetupError: a CUDA device is asked for and isn't there.
        """
        self._warm()

    def _warm(self) -> "_Ear":
        if self._ear is None:
            self._ear = self._read(*ctranslate2_device(self._settings.transcribe.device))
        return self._ear

    def _read(self, device: str, index: int) -> "_Ear":
        from faster_whisper import WhisperModel  # noqa: PLC0415

        if device == "cuda":
            load_cuda_libraries()
        wanted = self._settings.transcribe
        compute_type = wanted.compute_type if wanted.compute_type != "auto" else {"cpu": "int8"}.get(device, "float16")
        try:
            model = WhisperModel(
                str(self._path), device=device, device_index=index, compute_type=compute_type,
                cpu_threads=threads(wanted.threads), local_files_only=True,
            )  # fmt: skip
        except (RuntimeError, MemoryError) as error:
            raise _failure(error) from error
        return _Ear(model, device)

    def speech(self, audio: Audio) -> tuple[Span, ...]:
        """Where Silero's voice activity detector hears speech, cut at every breath; no stretch longer than a clip.

        Raises:
            EngineError: the detector failed.
        """
        try:
            return tuple(_within(span, audio) for span in in_pieces(audio.samples, _detected))
        except (RuntimeError, ValueError, MemoryError) as error:
            raise _failure(error) from error

    def recognize(self, audio: Audio, options: TranscribeOptions, progress: Progress) -> Recognition:
        """Transcribe all of `audio`; silence gives no segments.

        Where a GPU is short of memory, batches become smaller for as long as this process lives; if even one clip
        doesn't fit, and the device is "auto", this recording is left to the CPU.

        Raises:
            EngineError: the engine failed.
            SetupError: a CUDA device is asked for and isn't there.
        """
        speech = self.speech(audio)
        try:
            language, segments = self._warm().hear(audio, speech, options, progress)
        except EngineError as error:
            if error.code != OUT_OF_MEMORY or not self._may_leave_gpu():
                raise
            free_memory()
            log.warning("engine.fell_back", device="cpu", batch=options.batch_size)
            language, segments = self._read("cpu", 0).hear(audio, speech, options, progress)
        progress(audio.duration, audio.duration)
        signed = provenance("faster-whisper", VERSION, weights_sha256=self._weights_sha256, options=options)
        return Recognition(segments, language, unbroken(speech), signed)

    def _may_leave_gpu(self) -> bool:
        on_cpu = self._ear is not None and self._ear.device == "cpu"
        return self._settings.transcribe.device == "auto" and not on_cpu


class _Ear:
    """A loaded model, and how many clips it decodes at once."""

    def __init__(self, model: Any, device: str) -> None:
        self._model = model
        self.device = device
        # Shrinks where memory is short, and stays so.
        self._most = sys.maxsize

    def hear(
        self, audio: Audio, speech: Sequence[Span], options: TranscribeOptions, progress: Progress
    ) -> tuple[str, tuple[Segment, ...]]:
        """Language of most of the speech, and all segments in time order.

        Raises:
            EngineError: the engine failed.
        """
        options = replace(options, hotwords=fit(options.hotwords, self._tokens))
        clips = tuple(pack(speech, [options.language or "en"] * len(speech)))
        encoder = Encoder(self._model, audio, [clip.span for clip in clips], options.languages)
        try:
            if options.language is None and self._model.model.is_multilingual:
                pieces = told_apart(audio.samples, speech, encoder.glimpse, encoder.alone)
                clips = tuple(in_clips([clip.span for clip in clips], pieces))
            found = in_time_order(self._decode(encoder, clips, unbroken(speech), options, progress))
        except (RuntimeError, ValueError, MemoryError) as error:
            raise _failure(error) from error
        return most_spoken(clips), found

    def _tokens(self, text: str) -> int:
        return len(self._model.hf_tokenizer.encode(f" {text}", add_special_tokens=False).ids)

    def _decode(
        self,
        encoder: Encoder,
        clips: Sequence[Clip],
        speech: Sequence[Span],
        options: TranscribeOptions,
        progress: Progress,
    ) -> Iterator[Segment]:
        done, all_s, duration = 0.0, sum(clip.span.duration for clip in clips), encoder.audio.duration
        for language in dict.fromkeys(clip.language for clip in clips):
            own = [clip for clip in clips if clip.language == language]
            for first in range(0, len(own), options.batch_size):
                batch = own[first : first + options.batch_size]
                for clip, heard in zip(batch, self._fitting(encoder, batch, options, language), strict=True):
                    settled, final = self._final(encoder, clip, heard, options)
                    yield from final
                    yield from self._skipped(encoder, settled, speech, final, options)
                done += sum(clip.span.duration for clip in batch)
                progress(min(duration, duration * done / all_s), duration)

    def _final(
        self, encoder: Encoder, clip: Clip, heard: list[Segment], options: TranscribeOptions
    ) -> tuple[Clip, list[Segment]]:
        """Decode again what failed, and what may be in another language in each: the surest stands.

        A model that is told the wrong language guesses or translates, and never does so as surely as it writes down.
        """
        best = self._again(encoder, clip, options) if _failed(heard) else heard
        for language in options.languages if clip.contested else ():
            if language != clip.language:
                other = self._again(encoder, Clip(clip.span, language), options)
                if _sureness(other) > max(_sureness(best), _SURE_OF_WORDS):
                    clip, best = Clip(clip.span, language), other
        return clip, best

    def _skipped(
        self, encoder: Encoder, clip: Clip, speech: Sequence[Span], heard: Sequence[Segment], options: TranscribeOptions
    ) -> Iterator[Segment]:
        """Decode what lies in the clip's speech without a word; what comes back must be beyond doubt."""
        words = [word for segment in heard for word in segment.words]
        for span in unheard(clip.span, speech, words):
            again = self._again(encoder, Clip(span, clip.language), options)
            yield from (segment for segment in again if segment.average_logprob >= _MIN_SKIPPED_LOGPROB)

    def _fitting(
        self, encoder: Encoder, batch: Sequence[Clip], options: TranscribeOptions, language: str
    ) -> list[list[Segment]]:
        """Decode clips of one language, as many at once as fit into memory."""
        heard: list[list[Segment]] = []
        while len(heard) < len(batch):
            part = batch[len(heard) : len(heard) + self._most]
            try:
                heard += self._heard(encoder, part, options, language)
            except (RuntimeError, MemoryError) as error:
                if len(part) == 1 or not out_of_memory(error):
                    raise
                self._most = len(part) // 2
                log.warning("engine.fell_back", device=self.device, batch=self._most)
            else:
                continue
            free_memory()
        return heard

    def _heard(
        self, encoder: Encoder, batch: Sequence[Clip], options: TranscribeOptions, language: str
    ) -> list[list[Segment]]:
        """Decode clips of one language at once; a list of segments for each clip."""
        from faster_whisper import BatchedInferencePipeline  # noqa: PLC0415

        # Where languages were told apart, the encoder has answered already.
        model = self._model if options.language else encoder.answering([clip.span for clip in batch])
        found, _ = BatchedInferencePipeline(model).transcribe(
            encoder.audio.samples,
            clip_timestamps=[{"start": clip.span.start, "end": clip.span.end} for clip in batch],
            batch_size=options.batch_size, vad_filter=False, without_timestamps=True, multilingual=False,
            **_asked(options, language),
        )  # fmt: skip
        heard: list[list[Segment]] = [[] for _ in batch]
        for segment in found:
            middle = (segment.start + segment.end) / 2
            place = next((i for i, clip in enumerate(batch) if middle < clip.span.end), len(batch) - 1)
            heard[place].extend(_segments([segment], language, batch[place].span, 0.0))
        return heard

    def _again(self, encoder: Encoder, clip: Clip, options: TranscribeOptions) -> list[Segment]:
        """Decode one clip on its own, and once more without repetitions where the text goes round in circles.

        Whisper's own way out of circles, sampling at higher temperatures (arXiv:2212.04356, section 4.5), gives other
        words each time: CTranslate2's seed is set once in the life of a thread.
        """
        plain = self._alone(encoder, clip, options, straight=False)
        if _repetition(plain) <= _MAX_COMPRESSION_RATIO:
            return plain
        return min(plain, self._alone(encoder, clip, options, straight=True), key=_repetition)

    def _alone(self, encoder: Encoder, clip: Clip, options: TranscribeOptions, *, straight: bool) -> list[Segment]:
        # Times within the text, which are never the same, would hide that it repeats itself.
        found, _ = self._model.transcribe(
            encoder.samples(clip.span), vad_filter=False, without_timestamps=straight, condition_on_previous_text=False,
            clip_timestamps="0", no_repeat_ngram_size=_CIRCLE_TOKENS if straight else 0,
            **_asked(options, clip.language),
        )  # fmt: skip
        return list(_segments(found, clip.language, clip.span, clip.span.start))


def _asked(options: TranscribeOptions, language: str) -> dict[str, Any]:
    """What both ways of decoding are asked alike: their defaults differ, so nothing is left to them."""
    return {
        "language": language, "task": "transcribe", "beam_size": options.beam_size, "word_timestamps": True,
        "temperature": 0.0,
        "hotwords": SEPARATOR.join(options.hotwords) or None, "no_speech_threshold": _NO_SPEECH,
        "log_prob_threshold": _MIN_LOGPROB, "compression_ratio_threshold": _MAX_COMPRESSION_RATIO,
    }  # fmt: skip


def _sureness(heard: Sequence[Segment]) -> float:
    """Mean probability of the words; 0.0 where there are none."""
    words = [word.probability for segment in heard for word in segment.words]
    return sum(words) / len(words) if words else 0.0


def _failed(heard: Sequence[Segment]) -> bool:
    return _repetition(heard) > _MAX_COMPRESSION_RATIO or any(s.average_logprob < _MIN_LOGPROB for s in heard)


def _repetition(heard: Sequence[Segment]) -> float:
    """How much of a text repeats itself: its length over its compressed length, in the worst segment."""
    return max((segment.compression_ratio for segment in heard), default=0.0)


def _segments(found: Iterable[Any], language: str, within: Span, shift: float) -> Iterator[Segment]:
    """faster-whisper's segments as ours: times from the recording's start, plain floats, empty words left out."""
    for segment in found:
        if segment.no_speech_prob > _NO_SPEECH and segment.avg_logprob < _MIN_LOGPROB:
            continue  # Whisper's own rule for silence, which batched decoding leaves out
        words = tuple(_words(segment.words or (), within, shift))
        if words:
            yield Segment(
                words,
                language,
                float(segment.avg_logprob),
                float(segment.compression_ratio),
                float(segment.no_speech_prob),
            )


def _words(found: Iterable[Any], within: Span, shift: float) -> Iterator[Word]:
    """One word for each stretch without a space: faster-whisper parts "ill-disposed" at the hyphen."""
    pending: Word | None = None
    latest = within.start
    for word in found:
        text = word.word.strip()
        if not text:
            continue
        start = min(max(float(word.start) + shift, latest), within.end)
        span = Span(start, min(max(float(word.end) + shift, start), within.end))
        latest = start
        if pending is not None and not word.word.startswith(" "):
            probability = min(pending.probability, float(word.probability))
            pending = Word(pending.text + text, pending.span.hull(span), probability)
            continue
        if pending is not None:
            yield pending
        pending = Word(text, span, float(word.probability))
    if pending is not None:
        yield pending


def _detected(samples: NDArray[np.float32]) -> tuple[Span, ...]:
    from faster_whisper.vad import VadOptions, get_speech_timestamps  # noqa: PLC0415

    found = get_speech_timestamps(samples, VadOptions(max_speech_duration_s=MAX_CLIP_S, **_VAD))
    return tuple(Span(s["start"] / SAMPLE_RATE, s["end"] / SAMPLE_RATE) for s in found)


def _within(span: Span, audio: Audio) -> Span:
    return Span(span.start, min(span.end, audio.duration))


def _weights(settings: Settings) -> tuple[Path, str]:
    """Folder and digest of the model: of the lock, of a folder of the user's, or of a hub repository."""
    wanted = settings.transcribe.model
    if wanted in weights.lock():
        return weights.locate(wanted, settings), weights.lock()[wanted].sha256
    own = Path(wanted).expanduser()
    if (own / "model.bin").is_file():
        return own, weights.folder_digest(own)
    if "/" in wanted and "@" in wanted:
        fetched = weights.hub_folder(wanted, settings)
        return fetched, digest(wanted)
    raise SetupError(
        "weights-unknown",
        f"transcribe.model {wanted!r} is no name of weights.lock.toml ({', '.join(weights.lock())}), no folder with a "
        "model.bin, and no hub repository at a commit (org/repo@commit)",
    )
