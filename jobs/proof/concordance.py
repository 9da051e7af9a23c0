"""Which utterances of a transcript hold which telling words."""

from collections.abc import Mapping, Sequence

from jobs.proof.content import Term, likeness, terms
from jobs.transcript import Utterance


class Concordance:
    """The telling words of a transcript, each with the utterances it stands in."""

    def __init__(self, utterances: Sequence[Utterance]) -> None:
        self._places: dict[str, set[str]] = {}
        for utterance in utterances:
            for term in terms(utterance.text, language=utterance.language):
                self._places.setdefault(term.stem, set()).add(utterance.id)

    def hits(self, wanted: Sequence[Term]) -> Mapping[str, tuple[float, ...]]:
        """For each utterance that holds any of the words: how alike its likest one is to each, 0.0 to 1.0."""
        found: dict[str, list[float]] = {}
        for index, term in enumerate(wanted):
            for stem, places in self._places.items():
                alike = likeness(term.stem, stem)
                for place in places if alike else ():
                    row = found.setdefault(place, [0.0] * len(wanted))
                    row[index] = max(row[index], alike)
        return {place: tuple(row) for place, row in found.items()}


def share(wanted: Sequence[Term], rows: Sequence[Sequence[float]]) -> float:
    """Share of the words' weight that is found in any of the rows, 0.0 to 1.0; 1.0 for no words."""
    whole = sum(term.weight for term in wanted)
    best = [max((row[index] for row in rows), default=0.0) for index in range(len(wanted))]
    return sum(term.weight * one for term, one in zip(wanted, best, strict=True)) / whole if whole else 1.0
