"""Bare faster-whisper and stock pyannote.audio, one after the other; a word goes to whom it overlaps most."""

import os
import warnings
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from drive import Heard, Said, Watch, by_speaker, drive
from faster_whisper import BatchedInferencePipeline, WhisperModel, decode_audio
from stock import stock_pipeline

from config.settings import load
from worker import weights
from worker.engines.device import threads


class Bare:
    def __init__(self) -> None:
        settings = load()
        asked, cores = settings.transcribe, threads(settings.transcribe.threads)
        torch.set_num_threads(cores)
        model = WhisperModel(
            str(weights.locate(asked.model, settings)), asked.device, compute_type=asked.compute_type,
            cpu_threads=cores, local_files_only=True,
        )  # fmt: skip
        self._recognizer = BatchedInferencePipeline(model)
        self._options = {"batch_size": asked.batch_size, "beam_size": asked.beam_size}
        self._diarizer = stock_pipeline(settings, os.environ["RIVALS_EMBEDDING"])

    def hear(self, path: Path) -> Heard:
        watch = Watch()
        with watch.stage("decode"):
            samples = decode_audio(str(path))
        with watch.stage("transcribe"):
            segments, info = self._recognizer.transcribe(
                samples, word_timestamps=True, vad_filter=True, **self._options
            )
            words = [word for segment in segments for word in segment.words]
        with watch.stage("diarize"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            output = self._diarizer({"waveform": torch.from_numpy(samples)[None], "sample_rate": 16_000})
        with watch.stage("assign"):
            turns = tuple(
                (float(segment.start), float(segment.end), str(label))
                for segment, _, label in output.speaker_diarization.itertracks(yield_label=True)
            )
            said = tuple(_said(word, turns, info.language) for word in words)
        return Heard({"bare": by_speaker(said)}, turns, watch.spent)


def _said(word: Any, turns: Sequence[tuple[float, float, str]], language: str) -> Said:
    overlap: defaultdict[str, float] = defaultdict(float)
    for start, end, speaker in turns:
        overlap[speaker] += max(0.0, min(end, word.end) - max(start, word.start))
    most = max(overlap, key=overlap.__getitem__, default=None)
    speaker = most if most is not None and overlap[most] > 0 else None
    return Said(word.word, float(word.start), float(word.end), speaker, language)


if __name__ == "__main__":
    drive(Bare)
