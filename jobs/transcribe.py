"""From audio to words: what a recognizer is asked and what it answers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Protocol

from jobs.audio import Audio
from jobs.recording import Provenance
from jobs.timeline import Seconds, Span
from jobs.transcript import Word

#: Called with the seconds of audio done so far and the seconds in all. May be called from any thread.
Progress = Callable[[Seconds, Seconds], None]


@dataclass(frozen=True, slots=True)
class TranscribeOptions:
    """How to transcribe. The only home of these defaults; part of the stage's name."""

    #: ISO 639-1; None detects it per stretch of speech.
    language: str | None = None
    #: What detection chooses from.
    languages: tuple[str, ...] = ("de", "en")
    #: Words to prefer, most useful first.
    hotwords: tuple[str, ...] = ()
    #: Width of the beam search (arXiv:2212.04356, section 4.5 uses 5).
    beam_size: int = 5
    #: Stretches decoded at once; 1 is sequential.
    batch_size: int = 8


@dataclass(frozen=True, slots=True)
class Segment:
    """What the recognizer heard in one go, with its own measures of doubt."""

    words: tuple[Word, ...]
    #: ISO 639-1 of this segment.
    language: str
    #: Mean log probability of the tokens; below about -1.0 Whisper calls it failed (arXiv:2212.04356, 4.5).
    average_logprob: float
    #: Text length over its zlib-compressed length; above 2.4 Whisper calls it a loop (ibid.).
    compression_ratio: float
    #: Probability of Whisper's no-speech token, 0.0 to 1.0.
    no_speech_probability: float


def in_time_order(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """The same words, sorted by start; a segment that another one falls into is split around it.

    Examples:
        >>> def said(*starts):
        ...     return Segment(tuple(Word(str(s), Span(s, s + 1), 1.0) for s in starts), "de", 0.0, 1.0, 0.0)
        >>> [segment.words[0].text for segment in in_time_order([said(0, 5), said(2)])]
        ['0', '2', '5']
    """
    words = sorted(((word, segment) for segment in segments for word in segment.words), key=lambda pair: pair[0].span)
    runs = groupby(words, key=lambda pair: id(pair[1]))
    return tuple(_part([word for word, _ in run], run[0][1]) for run in (list(run) for _, run in runs))


def _part(words: Sequence[Word], segment: Segment) -> Segment:
    return replace(segment, words=tuple(words))


@dataclass(frozen=True, slots=True)
class Recognition:
    """All segments in time order, words not yet assigned to speakers."""

    segments: tuple[Segment, ...]
    #: ISO 639-1 of most of the speech; "und" where nothing was heard.
    language: str
    #: Where the voice activity detector heard speech; in time order, disjoint.
    speech: tuple[Span, ...]
    provenance: Provenance

    @property
    def words(self) -> tuple[Word, ...]:
        """All words in time order."""
        return tuple(word for segment in self.segments for word in segment.words)


class Recognizer(Protocol):
    """Whatever turns audio into words."""

    def load(self) -> None:
        """Read the weights into memory now rather than with the first recording.

        Raises:
            EngineError: they don't fit.
            SetupError: this machine isn't ready.
        """
        ...

    def speech(self, audio: Audio) -> tuple[Span, ...]:
        """Where somebody speaks: in time order, disjoint. Cheap beside `recognize`, also for hours.

        Raises:
            EngineError: the engine failed.
        """
        ...

    def recognize(self, audio: Audio, options: TranscribeOptions, progress: Progress) -> Recognition:
        """Transcribe all of `audio`; silence gives no segments. The same samples give the same words.

        Raises:
            EngineError: the engine failed.
        """
        ...

    def digest(self) -> str:
        """Name engine, version and weights in one short string: part of the stage's name."""
        ...
