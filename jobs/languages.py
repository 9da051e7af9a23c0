"""Which language is spoken when: speech in pieces, a recognizer's vote on each, and how seldom languages change."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.audio import SAMPLE_RATE
from jobs.timeline import Seconds, Span

#: Probability of each language in a span. They add up to less than 1 where it sounds like none of them.
Vote = Callable[[Span], Mapping[str, float]]

#: A longer piece may well hold two languages: it is divided where it is quietest.
LONGEST_PIECE_S: Seconds = 5.0
#: Nobody tells a language from less, nor says much in it.
SHORTEST_PIECE_S: Seconds = 1.2
#: How much a recognizer is given to hear where a piece is heard alone. Whisper is used to 30 s; of 170 sentences of 1
#: to 5 s in two languages whisper-base took 8 for the other with 4 s, 5 with 6 s, 4 with 8 s, and none of 51 with 10 s.
#: The time it takes grows in proportion.
CAREFUL_S: Seconds = 10.0
#: Of a vote, this share is clear. A glimpse is believed where it is clear for the language of most of the recording.
SURE = 0.9
#: A piece may be in another language than its neighbours where that is twice as likely as anything else.
_CONTESTED = 0.65
#: How unlikely a change of language is between two pieces, as a log probability.
_SWITCH_LOGPROB = math.log(0.1)
#: A piece shorter than this says little of its language: its vote counts in proportion.
_FULL_VOTE_S: Seconds = 1.0
#: No vote is so sure that its neighbours don't count.
_LEAST = 1e-3
#: How long it has to be quiet where a piece is divided, and the grid on which that is looked for.
_QUIET_S: Seconds = 0.1
_GRID_S: Seconds = 0.02


@dataclass(frozen=True, slots=True)
class Piece:
    """A short stretch of speech, in one language as far as can be heard."""

    span: Span
    #: ISO 639-1
    language: str
    #: By itself it sounds like another language than what stands around it.
    contested: bool = False


def told_apart(samples: NDArray[np.float32], speech: Sequence[Span], glimpse: Vote, alone: Vote) -> tuple[Piece, ...]:
    """Divide speech into pieces and say which language each is in.

    The language of most of the recording is believed at a glimpse; any other claim is heard alone as well, and a piece
    that stays unclear is halved. Either way of hearing errs where the other doesn't, so that both votes count alike.

    Args:
        samples: shape (n,) at 16 kHz.
        speech: in time order, disjoint.
        glimpse: asks a recognizer that hears all around a piece.
        alone: asks one that hears nothing else.
    """
    ballots = [(piece, glimpse(piece)) for span in speech for piece in divided(samples, span, LONGEST_PIECE_S)]
    if not ballots:
        return ()
    most = _leading(ballots)

    def both(piece: Span, seen: Mapping[str, float]) -> Mapping[str, float]:
        heard = alone(piece)
        return {language: (seen[language] + heard[language]) / 2 for language in seen}

    def with_care(piece: Span, seen: Mapping[str, float]) -> Iterator[tuple[Span, Mapping[str, float]]]:
        ballot = both(piece, seen)
        parts = (piece,) if max(ballot.values()) >= SURE else divided(samples, piece, 2 * SHORTEST_PIECE_S)
        yield from ((part, ballot if len(parts) == 1 else both(part, glimpse(part))) for part in parts)

    votes = [
        ballot
        for piece, seen in ballots
        for ballot in (((piece, seen),) if _is_sure(seen, most) else with_care(piece, seen))
    ]
    found = smooth_languages([ballot for _, ballot in votes], [piece.duration for piece, _ in votes])
    return tuple(
        Piece(piece, language, contested=_is_contested(piece, ballot, language))
        for (piece, ballot), language in zip(votes, found, strict=True)
    )


def _is_contested(piece: Span, ballot: Mapping[str, float], language: str) -> bool:
    heard = max(ballot, key=ballot.__getitem__)
    return heard != language and ballot[heard] >= _CONTESTED and piece.duration >= SHORTEST_PIECE_S


def _is_sure(ballot: Mapping[str, float], language: str) -> bool:
    return ballot[language] >= SURE * sum(ballot.values())


def _leading(ballots: Sequence[tuple[Span, Mapping[str, float]]]) -> str:
    seconds: defaultdict[str, Seconds] = defaultdict(float)
    for piece, ballot in ballots:
        for language, share in ballot.items():
            seconds[language] += share * piece.duration
    return max(seconds, key=seconds.__getitem__)


def divided(samples: NDArray[np.float32], span: Span, longest: Seconds) -> tuple[Span, ...]:
    """Cut a span where it is quietest until no part is longer than `longest`; no part is below `SHORTEST_PIECE_S`.

    `longest` is at least twice `SHORTEST_PIECE_S`.
    """
    if span.duration <= longest:
        return (span,)
    cut = _quietest(samples, Span(span.start + SHORTEST_PIECE_S, span.end - SHORTEST_PIECE_S))
    return divided(samples, Span(span.start, cut), longest) + divided(samples, Span(cut, span.end), longest)


def _quietest(samples: NDArray[np.float32], within: Span) -> Seconds:
    """The middle of the tenth of a second with the least energy."""
    grid, size = round(_GRID_S * SAMPLE_RATE), round(_QUIET_S / _GRID_S)
    start = round(within.start * SAMPLE_RATE)
    sound = samples[start : round(within.end * SAMPLE_RATE)]
    count = len(sound) // grid
    if count < size:
        return within.middle
    energy = np.square(sound[: count * grid].reshape(count, grid)).mean(axis=1, dtype=np.float64)
    quiet = int(np.argmin(np.convolve(energy, np.ones(size), "valid")))
    return min(max(within.start, (start + (quiet + size / 2) * grid) / SAMPLE_RATE), within.end)


def smooth_languages(votes: Sequence[Mapping[str, float]], durations: Sequence[Seconds]) -> tuple[str, ...]:
    """The likeliest language of each piece, given that languages seldom change (Viterbi's algorithm).

    `votes` holds each piece's probability by language; a short piece's vote counts less, and so does that on a piece
    which sounds like none of them.
    """
    if not votes:
        return ()
    languages = sorted(votes[0])
    score = dict.fromkeys(languages, 0.0)
    back: list[dict[str, str]] = []
    for vote, duration in zip(votes, durations, strict=True):
        known = sum(vote.values()) or 1.0
        weight = min(1.0, duration / _FULL_VOTE_S, known)
        came = {to: max(languages, key=lambda at: score[at] + _change(at, to)) for to in languages}
        score = {
            to: score[came[to]] + _change(came[to], to) + weight * math.log(max(vote[to] / known, _LEAST))
            for to in languages
        }
        back.append(came)
    path = [max(languages, key=score.__getitem__)]
    for came in reversed(back[1:]):
        path.append(came[path[-1]])
    return tuple(reversed(path))


def _change(one: str, other: str) -> float:
    return 0.0 if one == other else _SWITCH_LOGPROB
