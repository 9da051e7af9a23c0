"""Adapters: each makes one engine speak the protocols of `jobs`; heavy libraries are imported when one is made.

Importing this package tames those libraries, and every adapter lies within it: none can be loaded untamed.
"""

from dataclasses import dataclass
from functools import lru_cache

from config.settings import Settings, tame_libraries
from jobs.diarize import Diarizer
from jobs.recap import Writer
from jobs.transcribe import Recognizer

tame_libraries()

#: Setting of `transcribe.model` and `diarize.pipeline` that takes the engine without weights, for tests of plumbing.
FAKE = "fake"


@dataclass(frozen=True, slots=True)
class Engines:
    """What a process needs for one recording after another; models stay in memory between them."""

    recognizer: Recognizer
    diarizer: Diarizer
    writer: Writer


@lru_cache(maxsize=1)
def engines(settings: Settings) -> Engines:
    """The engines that the settings name, made once for each process.

    Raises:
        SetupError: weights are missing, or aren't the ones the lock names.
    """
    from worker.engines.extractive import ExtractiveWriter  # noqa: PLC0415

    return Engines(_recognizer(settings), _diarizer(settings), ExtractiveWriter())


def _recognizer(settings: Settings) -> Recognizer:
    if settings.transcribe.model == FAKE:
        from worker.engines.fake import FakeRecognizer  # noqa: PLC0415

        return FakeRecognizer()
    from worker.engines.faster_whisper import FasterWhisperRecognizer  # noqa: PLC0415

    return FasterWhisperRecognizer(settings)


def _diarizer(settings: Settings) -> Diarizer:
    if settings.diarize.pipeline == FAKE:
        from worker.engines.fake import FakeDiarizer  # noqa: PLC0415

        return FakeDiarizer()
    from worker.engines.pyannote import PyannoteDiarizer  # noqa: PLC0415

    return PyannoteDiarizer(settings)
