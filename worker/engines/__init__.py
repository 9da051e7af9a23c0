"""Adapters: each makes one engine speak the protocols of `jobs`; heavy libraries are imported when one is made.

Importing this package tames those libraries, and every adapter lies within it: none can be loaded untamed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import structlog

from config.settings import Settings, tame_libraries
from jobs.diarize import Diarizer
from jobs.errors import EngineError
from jobs.recap import Writer
from jobs.transcribe import Recognizer
from worker.engines.device import free_memory, side_by_side
from worker.style import house_style

tame_libraries()

log = structlog.get_logger()

#: Setting of `transcribe.model` and `diarize.pipeline` that takes the engine without weights, for tests of plumbing.
FAKE = "fake"


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Engines:
    """What a process needs for one recording after another; models stay in memory between them."""

    recognizer: Recognizer
    diarizer: Diarizer
    writer: Writer
    #: Whether recognizer and diarizer may compute at once; ask in the process that holds them, before each recording.
    side_by_side: Callable[[], bool] = _always

    def load(self) -> None:
        """Read all weights into memory now. What doesn't fit yet is tried again with the first recording.

        Raises:
            SetupError: this machine isn't ready.
        """
        for engine in (self.recognizer, self.diarizer, self.writer):
            try:
                engine.load()
            except EngineError as error:
                log.warning("engine.not_warm", engine=type(engine).__name__, code=error.code)

    def release(self) -> None:
        """Between two jobs: give back what the libraries keep for later; the models stay."""
        free_memory()


@lru_cache(maxsize=1)
def engines(settings: Settings) -> Engines:
    """The engines that the settings name, made once for each process.

    Raises:
        SetupError: weights are missing, or aren't the ones the lock names.
    """
    fake = FAKE in {settings.transcribe.model, settings.diarize.pipeline}
    room = _always if fake else partial(side_by_side, settings)
    return Engines(_recognizer(settings), _diarizer(settings), _writer(settings), room)


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


def _writer(settings: Settings) -> Writer:
    from worker.engines.extractive import ExtractiveWriter  # noqa: PLC0415

    extractive = ExtractiveWriter(house_style(settings.recap))
    if settings.recap.writer == "extractive":
        return extractive
    from worker.engines.llm import LlmWriter  # noqa: PLC0415

    return LlmWriter(settings.recap, extractive)
