"""A transcript and its programme, laid out for checking: who said what after what, and who can be meant by a name."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from jobs.names import suggestions
from jobs.programme import Talk
from jobs.proof.concordance import Concordance
from jobs.proof.content import stems
from jobs.proof.quantities import Quantity, quantities
from jobs.proof.units import CURRENCIES
from jobs.transcript import Transcript, Utterance, Word


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody a sentence may be ascribed to."""

    name: str
    #: Diarization labels, confirmed or suggested; none where the name belongs to no voice yet.
    voices: tuple[str, ...] = ()


class Record:
    """What sentences are checked against. Made once for a transcript, then asked often."""

    def __init__(self, transcript: Transcript, talk: Talk | None = None) -> None:
        self.transcript = transcript
        self.talk = talk or Talk()
        self.utterances: dict[str, Utterance] = {}
        self._place: dict[str, int] = {}
        spoken: dict[str | None, int] = {}
        for utterance in transcript.utterances:
            self.utterances[utterance.id] = utterance
            self._place[utterance.id] = spoken[utterance.speaker] = spoken.get(utterance.speaker, -1) + 1

    def passage(self, ids: Sequence[str]) -> tuple[Word, ...]:
        """The words of utterances that follow each other in one speaker's speech; none if they don't.

        Raises:
            KeyError: one of them isn't there.
        """
        chosen = [self.utterances[one] for one in sorted(set(ids), key=self._place.__getitem__)]
        places = [self._place[utterance.id] for utterance in chosen]
        together = places == list(range(places[0], places[0] + len(places))) if places else False
        if not together or len({utterance.speaker for utterance in chosen}) > 1:
            return ()
        return tuple(word for utterance in chosen for word in utterance.words)

    def sound(self, ids: Sequence[str]) -> tuple[Utterance, ...]:
        """Those of the utterances that are there and that nobody doubts, in time order."""
        found = (self.utterances[one] for one in dict.fromkeys(ids) if one in self.utterances)
        return tuple(sorted((u for u in found if u.doubt is None), key=lambda u: (u.span.start, u.id)))

    @cached_property
    def concordance(self) -> Concordance:
        """The telling words of all utterances that nobody doubts."""
        return Concordance([u for u in self.transcript.utterances if u.doubt is None])

    @cached_property
    def stems(self) -> frozenset[str]:
        """All words of the recording, as stems."""
        return stems(u.text for u in self.transcript.utterances)

    @cached_property
    def programme(self) -> frozenset[str]:
        """All words of what the programme says, as stems."""
        guests = (f"{guest.name} {guest.role or ''}" for guest in self.talk.guests)
        return stems((self.talk.title or "", *self.talk.terms, *guests))

    @cached_property
    def currencies(self) -> frozenset[str]:
        """The money that is spoken of anywhere in the recording."""
        said = (u for u in self.transcript.utterances if u.doubt is None)
        return frozenset(dimension for one in said_quantities(said) for dimension, _ in one.measures) & CURRENCIES

    def around(self, ids: Sequence[str], *, before: int, after: int) -> tuple[Utterance, ...]:
        """The utterances and so many before and after each of them, in time order."""
        order = self.transcript.utterances
        places = [place for place, utterance in enumerate(order) if utterance.id in ids]
        near = {n for place in places for n in range(place - before, place + after + 1) if 0 <= n < len(order)}
        return tuple(order[place] for place in sorted(near))

    @cached_property
    def people(self) -> tuple[Person, ...]:
        """Everybody who is known by name: voices with a confirmed or suggested name, then guests without a voice."""
        voices: dict[str, list[str]] = {}
        for label, name in self.transcript.names.items():
            voices.setdefault(name, []).append(label)
        for one in suggestions(self.transcript, self.talk):
            voices.setdefault(one.name, []).append(one.speaker)
        for guest in self.talk.guests:
            voices.setdefault(guest.name, [])
        return tuple(Person(name, tuple(labels)) for name, labels in voices.items())

    @cached_property
    def name_words(self) -> frozenset[str]:
        """Every word of the names of people who are known, in small letters."""
        return frozenset(word.lower() for person in self.people for word in re.findall(r"\w+", person.name))

    def introduces(self, word: str) -> bool:
        """Whether a word belongs to the name or the role of somebody who is known; a genitive s aside."""
        low = word.lower()
        return bool({low, low.removesuffix("s")} & (self.name_words | self._roles))

    @cached_property
    def _roles(self) -> frozenset[str]:
        return frozenset(word.lower() for guest in self.talk.guests for word in re.findall(r"\w+", guest.role or ""))


def said_quantities(evidence: Iterable[Utterance]) -> tuple[Quantity, ...]:
    """All numbers and moments that were said in some utterances."""
    return tuple(q for u in evidence for q in quantities(u.text, language=u.language, spoken=True))
