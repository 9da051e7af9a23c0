"""A transcript and its programme, laid out for checking: who said what after what, and who can be meant by a name."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from jobs.names import suggestions
from jobs.programme import Talk
from jobs.proof.concordance import Concordance
from jobs.proof.content import is_common_noun, is_unheard, stem, stems, weight_of
from jobs.proof.quantities import Measure, Quantity, quantities
from jobs.proof.tokens import Token, tokens
from jobs.proof.units import CURRENCIES, unit
from jobs.transcript import Transcript, Utterance, Word

#: Words within a name by which nobody is called.
_NO_NAMES = frozenset(
    {"dr", "prof", "med", "phil", "frau", "herr", "von", "van", "der", "den", "de", "zu", "del", "la"}
)


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
        self._order = {utterance.id: place for place, utterance in enumerate(transcript.utterances)}
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
    def names_said(self) -> frozenset[str]:
        """Stems of what was said like a name: a capitalised word within a sentence that never has an article."""
        told: dict[str, bool] = {}
        for utterance in self.transcript.utterances:
            cut = tokens(utterance.text)
            for before, token in pairwise(cut):
                if token.is_word and token.text[0].isupper() and before.text not in _ENDS:
                    bare = _is_bare(before, token, utterance.language) or _STREET.fullmatch(token.low) is not None
                    told[stem(token.text)] = told.get(stem(token.text), True) and bare
        return frozenset(one for one, bare in told.items() if bare)

    @cached_property
    def second_names(self) -> frozenset[str]:
        """Stems of what was said behind a word that is most likely a name: "lund" of "Frieda Lund"."""
        told = set()
        for utterance in self.transcript.utterances:
            for before, token in pairwise(tokens(utterance.text)):
                named = before.is_word and token.is_word and before.text[0].isupper() and token.text[0].isupper()
                if named and is_unheard(before.text) and not is_common_noun(token.text):
                    told.add(stem(token.text))
        return frozenset(told)

    @cached_property
    def programme(self) -> frozenset[str]:
        """All words of what the programme says, as stems."""
        guests = (f"{guest.name} {guest.role or ''}" for guest in self.talk.guests)
        return stems((self.talk.title or "", *self.talk.terms, *guests))

    @cached_property
    def currencies(self) -> frozenset[Measure]:
        """The money that is spoken of anywhere in the recording."""
        said = (u for u in self.transcript.utterances if u.doubt is None and any(map(_is_money, u.words)))
        return frozenset(measure for one in said_quantities(said) for measure in one.units if measure[0] in CURRENCIES)

    def around(self, ids: Sequence[str], *, before: int, after: int) -> tuple[Utterance, ...]:
        """The utterances and so many before and after each of them, in time order."""
        order = self.transcript.utterances
        places = [self._order[one] for one in ids if one in self._order]
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
        # "Dr. Aylin Demir" and "Aylin Demir" are one.
        known = {_words_of(name) for name in voices}
        for guest in self.talk.guests:
            if _words_of(guest.name) not in known:
                voices.setdefault(guest.name, [])
        return tuple(Person(name, tuple(labels)) for name, labels in voices.items())

    @cached_property
    def name_words(self) -> frozenset[str]:
        """Every word of the names of people who are known, in small letters."""
        return frozenset[str]().union(*map(self.words_of, self.people))

    def words_of(self, person: Person) -> frozenset[str]:
        """The words of somebody's name in small letters, without degrees and the like."""
        return _words_of(person.name)

    def office_of(self, person: Person) -> frozenset[str]:
        """Stems of what somebody is, as far as the programme says: "moderator", "moderatorin" for "Moderation"."""
        role = next((g.role or "" for g in self.talk.guests if _words_of(g.name) == _words_of(person.name)), "")
        first = next((token.text for token in tokens(role) if token.is_word and token.text[0].isupper()), "")
        low = first.lower()
        forms = {low, low.removesuffix("in"), f"{low}in"} | (
            {"moderator", "moderatorin"} if "moderat" in low else set()
        )
        return frozenset(stem(form) for form in forms if first)

    def introduces(self, word: str) -> bool:
        """Whether a word belongs to the name or the role of somebody who is known; a genitive s aside."""
        low = word.lower()
        return bool({low, low.removesuffix("s")} & (self.name_words | self._roles))

    @cached_property
    def _roles(self) -> frozenset[str]:
        return frozenset(word.lower() for guest in self.talk.guests for word in re.findall(r"\w+", guest.role or ""))


def _is_money(word: Word) -> bool:
    found = unit(word.text.strip(".,;:!?0123456789"))
    return found is not None and found.dimension in CURRENCIES


def _words_of(name: str) -> frozenset[str]:
    return frozenset(token.low for token in tokens(name) if token.is_word and token.low not in _NO_NAMES)


_ENDS = frozenset('.?!:„“"»–-')
#: Behind these a German name stands without an article; a common noun mostly has one.
_BEFORE_NAMES = frozenset({"in", "nach", "aus", "bei", "von", "bis", "frau", "herr", "herrn"})


def _is_bare(before: Token, token: Token, language: str) -> bool:
    named = language == "en" or before.low in _BEFORE_NAMES
    return named and not is_common_noun(token.text) and weight_of(token.text) >= _LEAST_NAME


_STREET = re.compile(r".{3,}(?:straße|gasse|allee|chaussee|platz|brücke)")
#: Words that weigh less (see `content`) are hardly names.
_LEAST_NAME = 0.4


def said_quantities(evidence: Iterable[Utterance]) -> tuple[Quantity, ...]:
    """All numbers and moments that were said in some utterances."""
    return tuple(q for u in evidence for q in quantities(u.text, language=u.language, spoken=True))
