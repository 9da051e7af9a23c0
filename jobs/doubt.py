"""What gives a passage away as unreliable. It is marked, kept and shown, and never becomes evidence."""

from collections.abc import Sequence

from jobs.timeline import Seconds, Span
from jobs.transcribe import Segment
from jobs.transcript import Doubt, Turn, Word

#: Whisper's own limits for a failed decoding (arXiv:2212.04356, section 4.5).
MAX_COMPRESSION_RATIO = 2.4
MIN_LOGPROB = -1.0
#: Mean word probability below which base to large models are wrong more often than right; read off whisper-base on
#: clean and reverberant German.
MIN_PROBABILITY = 0.3
#: Nobody says more words than this in a second: fast German talk has about six.
MAX_WORDS_PER_S = 9.0
#: An utterance of fewer words says too little of its own rate.
MIN_RATED_WORDS = 6
#: How far from every turn an utterance lies before it counts as text over music or noise.
MAX_TURN_GAP_S: Seconds = 1.0


def doubt_of(words: Sequence[Word], origin: Sequence[Segment], turns: Sequence[Turn]) -> Doubt | None:
    """Why an utterance shouldn't be trusted, or None.

    `origin` holds the recognizer's segment of each word; `turns` is everything the diarizer found.
    """
    span = Span(words[0].span.start, max(word.span.end for word in words))
    if not any(turn.span.gap(span) <= MAX_TURN_GAP_S for turn in turns):
        return Doubt.NO_SPEECH
    if any(segment.compression_ratio > MAX_COMPRESSION_RATIO for segment in origin):
        return Doubt.LOOP
    if len(words) >= MIN_RATED_WORDS and len(words) > MAX_WORDS_PER_S * max(span.duration, 0.001):
        return Doubt.IMPOSSIBLE_RATE
    mean = sum(word.probability for word in words) / len(words)
    if mean < MIN_PROBABILITY or any(segment.average_logprob < MIN_LOGPROB for segment in origin):
        return Doubt.LOW_CONFIDENCE
    return None
