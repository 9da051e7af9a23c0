"""Which utterances of a transcript hold which telling words."""

from collections.abc import Mapping, Sequence

from jobs.proof.content import LONG_PART, Term, likeness, terms
from jobs.transcript import Utterance

#: Letters at the end by which a compound and its last part are looked up.
_TAIL = 4


class Concordance:
    """The telling words of a transcript, each with the utterances it stands in."""

    def __init__(self, utterances: Sequence[Utterance]) -> None:
        self._places: dict[str, set[str]] = {}
        for utterance in utterances:
            for term in terms(utterance.text, language=utterance.language):
                self._places.setdefault(term.stem, set()).add(utterance.id)
        #: Only words that begin or end alike, or have so much in common within, are alike at all.
        self._heads: dict[str, list[str]] = {}
        self._tails: dict[str, list[str]] = {}
        self._parts: dict[str, list[str]] = {}
        for stem in self._places:
            self._heads.setdefault(stem[:1], []).append(stem)
            self._tails.setdefault(stem[-_TAIL:], []).append(stem)
            for part in _parts_of(stem):
                self._parts.setdefault(part, []).append(stem)
        self._found: dict[str, Mapping[str, float]] = {}

    def hits(self, wanted: Sequence[Term]) -> Mapping[str, tuple[float, ...]]:
        """For each utterance that holds any of the words: how alike its likest one is to each, 0.0 to 1.0."""
        found: dict[str, list[float]] = {}
        for index, term in enumerate(wanted):
            for place, alike in self._alike(term.stem).items():
                found.setdefault(place, [0.0] * len(wanted))[index] = alike
        return {place: tuple(row) for place, row in found.items()}

    def _alike(self, stem: str) -> Mapping[str, float]:
        """The utterances that hold a word like this one, and how alike it is."""
        if stem not in self._found:
            found: dict[str, float] = {}
            beside = (other for part in _parts_of(stem) for other in self._parts.get(part, ()))
            for other in {*self._heads.get(stem[:1], ()), *self._tails.get(stem[-_TAIL:], ()), *beside}:
                alike = likeness(stem, other)
                for place in self._places[other] if alike else ():
                    found[place] = max(found.get(place, 0.0), alike)
            self._found[stem] = found
        return self._found[stem]


def _parts_of(stem: str) -> frozenset[str]:
    """All stretches of a stem that are as long as what a longer word is known by."""
    return frozenset(stem[start : start + LONG_PART] for start in range(len(stem) - LONG_PART + 1))


def share(wanted: Sequence[Term], rows: Sequence[Sequence[float]]) -> float:
    """Share of the words' weight that is found in any of the rows, 0.0 to 1.0; 1.0 for no words."""
    whole = sum(term.weight for term in wanted)
    best = [max((row[index] for row in rows), default=0.0) for index in range(len(wanted))]
    return sum(term.weight * one for term, one in zip(wanted, best, strict=True)) / whole if whole else 1.0
