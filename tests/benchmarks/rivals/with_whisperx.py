"""WhisperX as its command line runs it with `--diarize --no_align --compute_type int8`, models kept warm.

Its aligner for German needs a download, so words have no times, and a stretch of up to half a minute gets the speaker
who speaks most in it. For a second reading, which costs WhisperX no time, Whisper's own attention gives the words times
(faster-whisper's `find_alignment`), and WhisperX assigns them one by one.
"""

import os
import warnings
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from drive import Heard, Said, Watch, by_speaker, drive
from faster_whisper.tokenizer import Tokenizer
from stock import stock_pipeline

from config.settings import load
from worker import weights
from worker.engines import pyannote as engine
from worker.engines.device import threads

engine._import_pyannote()  # before WhisperX does, without the compiled part of a torchaudio that fits another torch
from whisperx.asr import load_model  # noqa: E402
from whisperx.audio import N_SAMPLES, SAMPLE_RATE, load_audio, log_mel_spectrogram  # noqa: E402
from whisperx.diarize import DiarizationPipeline, assign_word_speakers  # noqa: E402

_FRAMES_A_SECOND = 100


class WhisperX:
    def __init__(self) -> None:
        settings = load()
        asked, cores = settings.transcribe, threads(settings.transcribe.threads)
        torch.set_num_threads(cores)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its detector's checkpoint was made with an older lightning
            self._recognizer = load_model(
                str(weights.locate(asked.model, settings)), asked.device, compute_type=asked.compute_type,
                threads=cores, local_files_only=True, asr_options={"beam_size": asked.beam_size},
            )  # fmt: skip
        self._batch_size = asked.batch_size
        # Its constructor would ask a hub for the gated community-1.
        self._diarizer = DiarizationPipeline.__new__(DiarizationPipeline)
        self._diarizer.model = stock_pipeline(settings, os.environ["RIVALS_EMBEDDING"])

    def hear(self, path: Path) -> Heard:
        watch, beside = Watch(), Watch()
        with watch.stage("decode"):
            samples = load_audio(str(path))
        with watch.stage("transcribe"):
            result = self._recognizer.transcribe(samples, batch_size=self._batch_size)
        with watch.stage("diarize"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            turns = self._diarizer(samples)
        with beside.stage("word times"):
            timed = deepcopy(result)
            for segment in timed["segments"]:
                segment["words"] = list(self._words(samples, segment, result["language"]))
        with watch.stage("assign"):
            assigned = assign_word_speakers(turns, result)
        language = result["language"]
        by_word = assign_word_speakers(turns, timed)
        words = [word for segment in by_word["segments"] for word in segment["words"]]
        readings = {
            "whisperx": tuple(_said(segment["text"], segment, language) for segment in assigned["segments"]),
            "whisperx-words": by_speaker([_said(word["word"], word, language) for word in words]),
        }
        return Heard(readings, tuple(_turns(turns)), watch.spent, beside.spent)

    def _words(self, samples: Any, segment: dict[str, Any], language: str) -> Iterator[dict[str, Any]]:
        """The words of a segment with times from the recording's start."""
        model = self._recognizer.model
        tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language)
        clip = samples[int(segment["start"] * SAMPLE_RATE) : int(segment["end"] * SAMPLE_RATE)]
        bins = model.feat_kwargs.get("feature_size") or 80
        features = log_mel_spectrogram(clip, n_mels=bins, padding=N_SAMPLES - len(clip))
        frames = len(clip) * _FRAMES_A_SECOND // SAMPLE_RATE
        tokens = tokenizer.encode(segment["text"])
        (found,) = model.find_alignment(tokenizer, [tokens], model.encode(features), [frames])
        for word in found:
            start, end = (segment["start"] + word[edge] for edge in ("start", "end"))
            yield {"word": word["word"], "start": start, "end": end}


def _said(text: str, timed: dict[str, Any], language: str) -> Said:
    return Said(text, float(timed["start"]), float(timed["end"]), timed.get("speaker"), language)


def _turns(frame: Any) -> Sequence[tuple[float, float, str]]:
    return [(float(row.start), float(row.end), str(row.speaker)) for row in frame.itertuples()]


if __name__ == "__main__":
    drive(WhisperX)
