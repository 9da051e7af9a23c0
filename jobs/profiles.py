"""Voice profiles: whom a voice sounds like, of those who have agreed to be recognised.

    a recording whose editor confirmed the name ──(worker: embed its clear speech)──► Profile
    clear speech of every other recording's voices ──(worker: embed)──► likenesses ──► a suggested name, with evidence

A profile is biometric data (GDPR, article 9). It exists by consent, ends by date, and is compared, never passed on.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.timeline import Seconds, Span
from jobs.transcript import Likeness, Transcript

Embedding = NDArray[np.floating[Any]]

#: Where profiles lie in the bucket; their names there tell nothing.
VOICES = ".nachlese/voices/"

#: Which pieces are heard, and how they are put together: voices heard in another way aren't alike.
METHOD = "voice/1"
#: Clear speech from which a voice may be compared, and from which a profile may be made.
MIN_HEARD_S: Seconds = 8.0
MIN_ENROLLED_S: Seconds = 15.0
#: More than this says nothing new; pieces are taken from all over the recording.
MOST_HEARD_S: Seconds = 60.0
#: Pieces of speech that are embedded one by one.
PIECE_S: Seconds = 2.0
#: Left out at both ends of an utterance: another voice may still be heard there.
_EDGE_S: Seconds = 0.1

# What a vector's length may lose or gain by being written down.
_ROUNDING = 0.02
#: A voice is one of a profile from this cosine on. Measured on 14 synthetic voices in other rooms, noise and codecs: of
#: 70 pairs of one voice none is below it with 16 seconds of speech, two are with eight; of 1198 pairs of two voices
#: none is above 0.64.
SAME_PERSON = 0.72
#: … and this far ahead of every other person's profile, and of every other voice of the recording.
AHEAD = 0.1


@dataclass(frozen=True, slots=True)
class Profile:
    """One person's voice, from one recording."""

    #: Random; also its name in the bucket.
    id: str
    name: str
    #: Unit vector.
    embedding: tuple[float, ...]
    #: Digest of what embedded it: voices are compared only with what the same network made.
    engine: str
    #: All three aware.
    enrolled_at: datetime
    expires_at: datetime
    #: How and when the person agreed.
    consent: str
    schema: str = "nachlese/voice/1"

    def __post_init__(self) -> None:
        if self.enrolled_at.tzinfo is None or self.expires_at.tzinfo is None:
            message = "a profile's times need a time zone"
            raise ValueError(message)
        if not abs(float(np.linalg.norm(self.embedding)) - 1) < _ROUNDING:
            message = "a profile's embedding is a unit vector"
            raise ValueError(message)

    def expired(self, now: datetime) -> bool:
        """Whether it may not be used any more."""
        return now >= self.expires_at


def clear_speech(transcript: Transcript, speaker: str) -> tuple[Span, ...]:
    """Pieces of at most `PIECE_S` in which one voice alone is heard, in time order, `MOST_HEARD_S` in all.

    From what nobody doubts, as an editor has left it. Empty where there isn't `MIN_HEARD_S` of it.
    """
    others = [turn.span for turn in transcript.turns if turn.speaker != speaker]
    own = (u.span for u in transcript.utterances if u.speaker == speaker and u.doubt is None)
    free = [part for span in own for part in _without(span, others)]
    pieces = [piece for span in free for piece in _pieces(span)]
    if heard_s(pieces) < MIN_HEARD_S:
        return ()
    number = min(len(pieces), round(MOST_HEARD_S / PIECE_S))
    return tuple(pieces[place] for place in np.linspace(0, len(pieces) - 1, number).round().astype(int))


def heard_s(pieces: Sequence[Span]) -> Seconds:
    """How long all pieces are together."""
    return sum(piece.duration for piece in pieces)


def _without(span: Span, others: Sequence[Span]) -> list[Span]:
    """What is left of a span where none of the others is."""
    inside = sorted(other for other in others if other.overlap(span) > 0)
    edges = [span.start]
    for other in inside:
        edges += [max(edges[-1], min(other.start, span.end)), max(edges[-1], min(other.end, span.end))]
    edges.append(max(edges[-1], span.end))
    return [Span(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if end > start]


def _pieces(span: Span) -> list[Span]:
    """Equal pieces of a span, without its ends; none where it is too short to tell a voice."""
    start, end = span.start + _EDGE_S, span.end - _EDGE_S
    if end - start < PIECE_S / 2:
        return []
    edges = np.linspace(start, end, math.ceil((end - start) / PIECE_S) + 1)
    return [Span(float(left), float(right)) for left, right in pairwise(edges)]


def mean_voice(embeddings: Embedding) -> Embedding:
    """The voice that pieces have in common: their embeddings (pieces, dimension) to a unit vector (dimension,)."""
    mean = embeddings.mean(axis=0)
    unit: Embedding = mean / np.linalg.norm(mean)
    return unit


def likenesses(
    voices: Mapping[str, Embedding], profiles: Sequence[Profile], *, engine: str, now: datetime
) -> tuple[Likeness, ...]:
    """Which voices of one recording sound like which people, by label.

    A person is suggested for one voice at most, and a voice for one person, each only where it is well ahead of the
    others. Expired profiles and those of another engine are never compared.

    Args:
        voices: Diarization label → unit vector.
        profiles: Of any number of people, any number of each.
        engine: Digest of what embedded `voices`.
        now: Aware.
    """
    sizes = {voice.size for voice in voices.values()}
    comparable = (one for one in profiles if one.engine == engine and {len(one.embedding)} == sizes)
    valid = [profile for profile in comparable if not profile.expired(now)]
    people = sorted({profile.name for profile in valid})
    if not people:
        return ()
    labels = sorted(voices)
    best = {person: [_nearest(voices[label], person, valid) for label in labels] for person in people}
    table = np.array([[best[person][place][0] for person in people] for place in range(len(labels))])
    found = []
    for place, label in enumerate(labels):
        person = int(table[place].argmax())
        others = (*np.delete(table[place], person), *np.delete(table[:, person], place))
        similarity = float(table[place, person])
        if similarity >= max((SAME_PERSON, *(other + AHEAD for other in others))):
            enrolled_at = best[people[person]][place][1].enrolled_at
            found.append(Likeness(label, people[person], min(1.0, round(similarity, 2)), enrolled_at))
    return tuple(found)


def _nearest(voice: Embedding, person: str, profiles: Sequence[Profile]) -> tuple[float, Profile]:
    """The most alike of a person's profiles, and its cosine."""
    own = ((float(voice @ np.array(profile.embedding)), profile) for profile in profiles if profile.name == person)
    return max(own, key=lambda pair: pair[0])
