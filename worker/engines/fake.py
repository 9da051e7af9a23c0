"""Engines without weights: they answer at once and the same every time. For tests of everything around them."""

import math

from jobs.audio import Audio
from jobs.diarize import Diarization, DiarizeOptions
from jobs.timeline import Span
from jobs.transcribe import Progress, Recognition, Segment, TranscribeOptions
from jobs.transcript import Turn, Word
from worker.provenance import provenance

_SENTENCE = ("Heute", "reden", "wir", "über", "Zeitungen.")
_WORD_S = 0.5
_SENTENCE_S = len(_SENTENCE) * _WORD_S
_EVERY_S = 5


class FakeRecognizer:
    """Hears the same short sentence every five seconds of any sound."""

    def digest(self) -> str:
        """Name engine and version."""
        return "fake-recognizer-1"

    def load(self) -> None:
        """There is nothing to load."""

    def speech(self, audio: Audio) -> tuple[Span, ...]:
        """Where the sentences are."""
        starts = range(0, math.floor(audio.duration - _SENTENCE_S) + 1, _EVERY_S)
        return tuple(Span(float(start), start + _SENTENCE_S) for start in starts)

    def recognize(self, audio: Audio, options: TranscribeOptions, progress: Progress) -> Recognition:
        """Words follow each other every half second."""
        language, speech = options.language or "de", self.speech(audio)
        segments = tuple(Segment(_words(span.start), language, -0.1, 1.0, 0.0) for span in speech)
        progress(audio.duration, audio.duration)
        signed = provenance("fake", "1", weights_sha256=None, options=options)
        return Recognition(segments, language if segments else "und", speech, signed)


class FakeDiarizer:
    """Two voices take turns every ten seconds."""

    def digest(self) -> str:
        """Name engine and version."""
        return "fake-diarizer-1"

    def load(self) -> None:
        """There is nothing to load."""

    def diarize(self, audio: Audio, options: DiarizeOptions, progress: Progress) -> Diarization:
        """Turns cover all of the sound."""
        starts = range(0, max(1, int(audio.duration)), 10)
        turns = tuple(
            Turn(Span(float(start), min(float(start) + 10.0, audio.duration)), f"SPEAKER_{place % 2:02d}")
            for place, start in enumerate(starts)
        )
        progress(audio.duration, audio.duration)
        return Diarization(turns, turns, provenance("fake", "1", weights_sha256=None, options=options))


def _words(start: float) -> tuple[Word, ...]:
    spans = (Span(start + i * _WORD_S, start + (i + 1) * _WORD_S) for i in range(len(_SENTENCE)))
    return tuple(Word(text, span, 0.9) for text, span in zip(_SENTENCE, spans, strict=True))
