"""Where statements of different talks say the same, or one denies what the other says.

Words and likeness of meaning are all that is known here: what is found is a hint to an editor, and better none than a
wrong one.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import nsmallest

import numpy as np

from jobs.digest import Stand
from jobs.proof.content import Term, likeness, stems, terms
from jobs.proof.negation import Said, denial
from jobs.writing.phrases import any_of
from jobs.writing.statements import Statement
from jobs.writing.themes import Day

#: Pairs of each kind that are shown.
MOST = 4
#: Cosine of centred meanings (see `jobs.writing.themes`). Less alike, two statements with the same nouns aren't about
#: the same; …
_RELATED = 0.2
#: … alike in this measure, one noun in common is enough; …
_CLOSE = 0.5
#: … and in two languages these say the same: 0.73 for a pair of German and English statements that does, 0.50 for the
#: likest that don't.
_SAME = 0.65
#: In one language meaning isn't enough: "Streaming rettet das Theater" and "Streaming tötet das Theater" are alike.
#: Of both statements this share of the telling words must stand in the other one.
_SAME_WORDS = 0.7
_RATHER_CLOSE = 0.45
#: Memory of one step, in rows of the matrix of all pairs.
_BLOCK = 512
#: The likeliest pairs are looked at in words, no more: bounds the time on a congress.
_SHORTLIST = 4000

#: What would be, or is under a condition, contradicts nothing.
_PERHAPS = any_of(
    "wenn|falls|sofern|solange|ob|würden?|könnten?|wäre\\w*|hätten?|vielleicht|if|when|unless|would|might|could|whether",
)
#: Words that say the contrary of each other; their beginnings, in small letters.
_CONTRARIES = tuple(
    tuple(tuple(side.split()) for side in pair.split(" / "))
    for pair in (
        "chance möglichkeit segen gewinn opportunit blessing / gefahr risik bedroh fluch katastroph threat danger",
        "stirbt sterben tot tote toten verschwind untergang dead dying / lebt lebendig wächst boomt alive thrive",
        "steigt steigen wächst wachsen zunehm grows rises / sinkt sinken schrumpf abnehm shrinks falls",
        "hilft helfen nützt fördert stärkt rettet retten helps / schadet zerstör schwäch gefährd tötet töten harms",
        "richtig sinnvoll notwendig unverzichtbar nötig / falsch unsinn überflüssig verzichtbar unnötig wrong",
        "überschätz overrat overestimat / unterschätz underrat underestimat",
        "teuer teure expensive costly / billig günstig kostenlos cheap free",
        "erlaub zulassen allow permit / verbiet verbot untersag forbid banned",
        "leicht einfach easy simple / schwer schwierig kompliziert hard difficult",
        "erfolg gelungen gelingt success succeed / scheiter misserfolg gescheitert failed failure",
        "gut gute guten besser good better / schlecht schlimm bad worse",
        "schnell fast quick / langsam slow",
        "kürzer shorter / länger longer",
        "früher earlier / später later",
        "nie niemals never / immer always",
    )
)
_DENIES = re.compile(
    r"\b(?:nicht|nie|niemals|kein\w*|niemand\w*|nichts|weder|ohne|not|never|no|nobody|nothing|without|\w+n't)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two statements, as places in `Day.statements`, the earlier talk's first."""

    one: int
    other: int
    stand: Stand
    #: Stems of nouns that both hold; may be empty where they are of two languages.
    about: frozenset[str]


def pairs(day: Day, *, voices: Sequence[str]) -> tuple[Pair, ...]:
    """The surest pairs of each kind; each statement stands in one pair only.

    Args:
        day: all statements.
        voices: who says each of them, by name or else by a name of its own: nobody agrees with himself.
    """
    if not day.statements:
        return ()
    found: list[Pair] = []
    used: set[int] = set()
    counts = dict.fromkeys(Stand, 0)
    for one, other, alike in _related(day, voices):
        if all(count == MOST for count in counts.values()):
            break
        if {one, other} & used:
            continue
        stand = _stand(day.statements[one], day.statements[other], alike)
        if stand is not None and counts[stand] < MOST:
            counts[stand] += 1
            used |= {one, other}
            about = frozenset(day.statements[one].nouns) & frozenset(day.statements[other].nouns)
            found.append(Pair(one, other, stand, about))
    return tuple(found)


def _related(day: Day, voices: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """Statements of different talks and voices that are about the same, the likest first."""
    own = np.array([one.own and not one.by_host for one in day.statements])
    places = np.arange(len(own))
    best: list[tuple[float, int, int]] = []
    for start in range(0, len(own), _BLOCK):
        rows = places[start : start + _BLOCK]
        alike = day.units[rows] @ day.units.T
        fits = own[rows][:, None] & own & (places > rows[:, None]) & (day.talks != day.talks[rows][:, None])
        found = zip(*np.nonzero(fits & (alike >= _RELATED)), strict=True)
        near = ((-round(float(alike[row, other]), 6), int(rows[row]), int(other)) for row, other in found)
        best = nsmallest(_SHORTLIST, (*best, *(one for one in near if _is_about_the_same(day, voices, one))))
    yield from ((one, other, -cosine) for cosine, one, other in best)


def _is_about_the_same(day: Day, voices: Sequence[str], pair: tuple[float, int, int]) -> bool:
    cosine, one, other = -pair[0], pair[1], pair[2]
    common = len(day.statements[one].nouns.keys() & day.statements[other].nouns.keys())
    near = common > 1 or (common and cosine >= _CLOSE) or cosine >= _SAME
    return bool(near) and voices[one] != voices[other]


def _stand(one: Statement, other: Statement, alike: float) -> Stand | None:
    """How two statements on one thing stand to each other; None where nothing can be told."""
    languages = {one.reading.spoken.language, other.reading.spoken.language}
    perhaps = any(_PERHAPS.search(text) for text in (one.text, other.text))
    if languages <= {"de", "und"}:
        denials = [denial(one.text, [Said(other.text)]), denial(other.text, [Said(one.text)])]
        if any(found is not None and found.certain for found in denials):
            return None if perhaps else Stand.OPPOSED
        if any(denials):
            return None
    if _odd(one.text) != _odd(other.text):
        return None
    if _contrary(one.text, other.text):
        return Stand.OPPOSED if alike >= _RATHER_CLOSE and not perhaps else None
    if len(languages) > 1:
        return Stand.ALIKE if alike >= _SAME else None
    same = alike >= _RATHER_CLOSE and min(_overlap(one, other), _overlap(other, one)) >= _SAME_WORDS
    return Stand.ALIKE if same else None


def _odd(text: str) -> bool:
    """Whether a text denies, taken as a whole: two denials make none."""
    return len(_DENIES.findall(text)) % 2 == 1


def _contrary(one: str, other: str) -> bool:
    """Whether one text holds a word and the other its contrary, and neither holds both."""
    sides, others = _sides(one), _sides(other)
    return any(
        (pair, not side) in others and (pair, side) not in others and (pair, not side) not in sides
        for pair, side in sides
    )


@lru_cache(maxsize=1 << 14)
def _sides(text: str) -> frozenset[tuple[int, bool]]:
    """Which sides of which contraries a text holds."""
    words = re.findall(r"\w+", text.lower())
    return frozenset(
        (pair, bool(side))
        for pair, sides in enumerate(_CONTRARIES)
        for side, beginnings in enumerate(sides)
        if _holds(words, beginnings)
    )


def _holds(words: Sequence[str], beginnings: Sequence[str]) -> bool:
    # Short ones are whole words: "tot" isn't "total".
    return any(word == one or (len(one) > 4 and word.startswith(one)) for word in words for one in beginnings)


def _overlap(one: Statement, other: Statement) -> float:
    """Share of a statement's telling words that the other one holds, 0.0 to 1.0."""
    wanted = _terms(one.text, one.reading.spoken.language)
    held = stems([other.text])
    whole = sum(term.weight for term in wanted)
    found = sum(term.weight * max((likeness(term.stem, one) for one in held), default=0.0) for term in wanted)
    return found / whole if whole else 0.0


@lru_cache(maxsize=1 << 12)
def _terms(text: str, language: str) -> tuple[Term, ...]:
    return terms(text, language=language)
