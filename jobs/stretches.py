"""A long recording in stretches: where it is cut, what sound each one is, and how their words are joined again.

    Audio ──plan──► Spans ──to_pcm──► bytes ──from_pcm──► Audio ──Recognizer──► Recognition ┐ one a stretch
                                                                    Recognition ◄──joined───┘

Cuts lie in silence, so that no word falls on one. Each stretch is recognized on its own, wherever it may be.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jobs.audio import SAMPLE_RATE, Audio
from jobs.recording import Provenance
from jobs.timeline import Seconds, Span
from jobs.transcribe import Recognition, Segment, TranscribeOptions
from jobs.transcript import Word

#: A cut lies at most this share of a stretch's length off the place it was meant for, where there is silence so near.
NEAR = 0.25
#: No stretch is shorter or longer than these shares of the length that was asked for.
SHORTEST, LONGEST = 0.5, 1.5
#: Sound at full scale of 16 bits: decoding lets peaks of up to twice the usual ±1 pass.
_FULL_SCALE = 2.0
_BLOCK = 60 * SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Plan:
    """What everybody who works on a stretch of a recording has to know."""

    #: They follow each other without a gap and cover the recording.
    spans: tuple[Span, ...]
    options: TranscribeOptions
    #: `Recognizer.digest` of the engine that all of them are to be heard by.
    recognizer: str
    #: Digest that the names of all stretches' results hold.
    depends_on: str


def plan(duration_s: Seconds, speech: Sequence[Span], target_s: Seconds) -> tuple[Span, ...]:
    """Cut a recording into stretches of about `target_s` that follow each other without a gap.

    Each cut lies in the middle of the longest silence near the place that would leave equal stretches; where nobody
    pauses there, in the longest silence farther off; where nobody pauses at all, at that very place. No stretch is
    shorter than half of `target_s` or longer than one and a half, unless all of the recording is shorter than half.

    Args:
        duration_s: Length of the recording.
        speech: Where somebody speaks; in time order, disjoint.
        target_s: Length asked for, above 0.

    Examples:
        >>> [(span.start, span.end) for span in plan(100, [Span(0, 46), Span(50, 100)], 50)]
        [(0.0, 48.0), (48.0, 100)]
    """
    silences = tuple(_silences(duration_s, speech))
    spans: list[Span] = []
    start = 0.0
    while (count := round((duration_s - start) / target_s)) > 1:
        cut = _cut(start, duration_s, count, silences, target_s)
        spans.append(Span(start, cut))
        start = cut
    return (*spans, Span(start, duration_s))


def _silences(duration_s: Seconds, speech: Sequence[Span]) -> Iterator[Span]:
    at = 0.0
    for span in speech:
        if span.start > at:
            yield Span(at, span.start)
        at = max(at, span.end)
    if at < duration_s:
        yield Span(at, duration_s)


def _cut(start: Seconds, end: Seconds, count: int, silences: Sequence[Span], target_s: Seconds) -> Seconds:
    """Where the first of `count` stretches between `start` and `end` ends."""
    meant = start + (end - start) / count
    within = Span(start + SHORTEST * target_s, min(start + LONGEST * target_s, end - SHORTEST * target_s))
    near = Span(max(within.start, meant - NEAR * target_s), min(within.end, meant + NEAR * target_s))
    for window in (near, within):
        pauses = [
            Span(max(pause.start, window.start), min(pause.end, window.end))
            for pause in silences
            if pause.overlap(window) > 0
        ]
        if pauses:
            best = max(pauses, key=lambda pause: (pause.duration, -abs(pause.middle - meant)))
            # To the millisecond: what is stored is rounded to it.
            return min(max(round(best.middle, 3), within.start), within.end)
    return min(max(round(meant, 3), within.start), within.end)


def samples_of(audio: Audio, span: Span) -> NDArray[np.float32]:
    """The samples of one stretch, shape (n,): a view, nothing is copied."""
    return audio.samples[round(span.start * SAMPLE_RATE) : round(span.end * SAMPLE_RATE)]


def to_pcm(samples: NDArray[np.float32]) -> bytes:
    """Sound as it is kept for whoever hears the stretch: 16 bits, little-endian, mono, 16 kHz, full scale ±2.

    Quantizing adds noise at -96 dB, far below what any microphone on a stage adds.

    Args:
        samples: shape (n,), about -1.0 to 1.0; beyond ±2 they are clipped.
    """
    sound = np.empty(len(samples), dtype="<i2")
    for at in range(0, len(samples), _BLOCK):
        scaled = samples[at : at + _BLOCK] * np.float32(32768 / _FULL_SCALE)
        sound[at : at + _BLOCK] = np.clip(np.rint(scaled), -32768, 32767)
    return sound.tobytes()


def from_pcm(data: bytes) -> Audio:
    """The sound that `to_pcm` wrote, exactly as everybody else reads it.

    Raises:
        ValueError: it is cut off in the middle of a sample.
    """
    return Audio(np.frombuffer(data, dtype="<i2").astype(np.float32) * np.float32(_FULL_SCALE / 32768))


def joined(parts: Sequence[tuple[Span, Recognition]]) -> Recognition:
    """What was heard in each stretch, as if it had been heard in one go.

    Every word is kept, in order, and lies within its stretch. The language is that of most words; the provenance is
    that of most words too, made when the last stretch was.

    Args:
        parts: At least one stretch and what was heard in it, in time order.
    """
    segments = tuple(_moved(segment, span) for span, heard in parts for segment in heard.segments)
    speech = tuple(_within(part, span) for span, heard in parts for part in heard.speech)
    languages: Counter[str] = Counter()
    for segment in segments:
        languages[segment.language] += len(segment.words)
    language = max(languages, key=languages.__getitem__) if languages else "und"
    return Recognition(segments, language, speech, _signed([heard for _, heard in parts]))


def _signed(heard: Sequence[Recognition]) -> Provenance:
    latest = max(part.provenance.created_at for part in heard)
    words: Counter[Provenance] = Counter()
    for part in heard:
        words[replace(part.provenance, created_at=latest)] += len(part.words)
    return max(words, key=words.__getitem__)


def _moved(segment: Segment, into: Span) -> Segment:
    return replace(segment, words=tuple(_moved_word(word, into) for word in segment.words))


def _moved_word(word: Word, into: Span) -> Word:
    return replace(word, span=_within(word.span, into))


def _within(span: Span, into: Span) -> Span:
    """A span of a stretch as one of the recording; rounded times may reach a little beyond the stretch's end."""
    return Span(min(into.start + span.start, into.end), min(into.start + span.end, into.end))
