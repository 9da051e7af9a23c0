"""Who speaks over whom: what is said at once goes to one voice, so that readers must be told of the other."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from jobs.export.scored import turns
from jobs.timeline import Seconds, Span
from jobs.transcript import Transcript, Turn

#: Less than this is how people take turns.
MIN_TOGETHER_S: Seconds = 0.3


def together(transcript: Transcript) -> Mapping[str, tuple[str, ...]]:
    """Utterances over which somebody else speaks: their ids, and the labels of the others in order of appearance."""
    shared = sorted(_shared(sorted(turns(transcript))), key=lambda turn: turn[0].end)
    ends = [span.end for span, _ in shared]
    longest = max((span.duration for span, _ in shared), default=0.0)
    found: dict[str, tuple[str, ...]] = {}
    for utterance in transcript.utterances:
        if utterance.speaker is None:
            continue
        seconds: dict[str, Seconds] = {}
        for span, voices in shared[bisect_left(ends, utterance.span.start) :]:
            if span.end > utterance.span.end + longest:
                break
            if utterance.speaker in voices:
                (other,) = voices - {utterance.speaker}
                seconds[other] = seconds.get(other, 0.0) + span.overlap(utterance.span)
        over = tuple(voice for voice in transcript.speakers if seconds.get(voice, 0.0) >= MIN_TOGETHER_S)
        if over:
            found[utterance.id] = over
    return found


def _shared(ordered: Sequence[Turn]) -> Iterator[tuple[Span, frozenset[str]]]:
    """Stretches in which two voices speak, and which two; `ordered` by start."""
    begun: list[Turn] = []
    for turn in ordered:
        begun = [one for one in begun if one.span.end > turn.span.start]
        for one in begun:
            if one.speaker != turn.speaker:
                end = min(one.span.end, turn.span.end)
                yield Span(turn.span.start, end), frozenset((one.speaker, turn.speaker))
        begun.append(turn)
