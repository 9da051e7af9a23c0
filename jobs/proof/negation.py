"""Whether a sentence denies what was said, or says what was denied, clause by clause."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jobs.proof.backing import Backing, backing
from jobs.proof.content import Term, is_opposite, likeness, terms
from jobs.proof.quantities import Quantity, quantities

#: Share of a clause's weight that must be found in a clause that was said, for the two to be about the same.
SAME_CLAUSE = 0.6
#: So much better than any clause of the same polarity must the contradicted one fit.
_MARGIN = 0.15
#: How many of the words around a "nicht" are looked at to tell what it denies.
_SCOPE = 2

#: Where one clause ends and another begins. "nicht" after "und" denies only what follows.
_BORDER = re.compile(r"\s*[,;:.!?–—]+\s+|\s+(?=(?:und|sondern|oder)\b)", re.IGNORECASE)
_DENIES = re.compile(
    r"\b(?:nicht|nie|niemals|kein\w*|niemand\w*|nichts|nirgend\w*|weder|ohne)\b",
    re.IGNORECASE,
)
#: A denial that denies nothing: "nicht nur …, sondern auch", "nicht zuletzt".
_DENIES_NOTHING = re.compile(
    r"\bnicht (?:nur|allein|bloß|zuletzt|wahr|umsonst)\b|\bnichts anderes als\b|\bohne (?:zweifel|frage|weiteres)\b"
    r"|\bkein (?:zweifel|wunder|geheimnis)\b|\bmehr nicht\b|\bwie (?:noch )?nie\b",
    re.IGNORECASE,
)
#: Other words for a denial: next to one of these, "nicht" on the other side proves nothing.
_DENIES_OTHERWISE = re.compile(
    r"\b(?:un(?!ser|ter|gefähr|ten|ion|iv|s\b|d\b)[a-zäöüß]{4,}|verbot\w*|verbiet\w*|untersag\w*|fehl\w*|mangel\w*"
    r"|verzicht\w*|weiger\w*|ablehn\w*|abgelehnt|lehn\w*|kaum|selten\w*|ausgeschlossen|ausschl\w*|verhinder\w*"
    r"|vermeid\w*|vermied\w*|statt|anstatt|weniger|aufhör\w*|scheiter\w*|bestreit\w*|bestritt\w*|leugn\w*|verneint\w*"
    r"|zweifel\w*|bezweif\w*|vermiss\w*|frei von|\w{3,}los(?:e[nrsm]?)?|gegenteil|absag\w*|abgesagt"
    r"|mehr nicht|ausgenommen|außer|entfäll\w*|entfiel\w*|falsch\w*|irrt\w*|egal|gleichgültig"
    r"|warnt\w* (?:\w+ )?(?:da)?vor)\b",
    re.IGNORECASE,
)
#: "kein Verlust mehr" tells of an end: there was one.
_ENDS = re.compile(r"\b(?:nicht|nichts|kein\w*|niemand)\b(?:\s+\S+){0,2}\s+mehr\b", re.IGNORECASE)
#: What a number that both clauses hold weighs beside telling words, which weigh 0.1 to 1.0.
_NUMBER_WEIGHT = 0.5

#: The telling words of a text.
Telling = Callable[[str], Sequence[Term]]


@dataclass(frozen=True, slots=True)
class _Clause:
    text: str
    terms: tuple[Term, ...]
    quantities: tuple[Quantity, ...]
    #: What its denials deny: for each the telling words nearest to it.
    denied: tuple[tuple[Term, ...], ...]
    #: Denied in other words, perhaps.
    hedged: bool

    @property
    def is_plain(self) -> bool:
        """Whether it surely affirms."""
        return not self.denied and not self.hedged


@dataclass(frozen=True, slots=True)
class Denial:
    """A clause that was said, of which the sentence says the opposite."""

    said: str
    #: Whether the two clauses are surely about the same.
    certain: bool


def denial(claim: str, said: Sequence[str], *, telling: Telling = terms) -> Denial | None:
    """Where a sentence has another polarity than what was said; None if it has the same or nothing can be told.

    Args:
        claim: a German sentence.
        said: the German utterances that it rests on.
        telling: finds the words by which two clauses are known to be about the same.
    """
    # "Bestellen die nicht alles im Internet?" denies nothing.
    heard = [clause for text in said if "?" not in text for clause in _clauses(text, telling, spoken=True)]
    claimed = _clauses(claim, telling)
    return _added(claimed, heard) or _dropped(claimed, heard)


def _clauses(text: str, telling: Telling, *, spoken: bool = False) -> list[_Clause]:
    clauses: list[_Clause] = []
    before = ""
    for part in _BORDER.split(text):
        # "… , nicht aber für …", "Nein, …": what tells nothing belongs to what follows.
        joined = f"{before} {part}".strip()
        clause = _clause(joined, telling, spoken=spoken)
        if clause.terms or clause.quantities:
            clauses.append(clause)
            before = ""
        else:
            before = joined
    if before and clauses:
        clauses[-1] = _clause(f"{clauses[-1].text} {before}", telling, spoken=spoken)
    return clauses


def _clause(text: str, telling: Telling, *, spoken: bool) -> _Clause:
    signs = [match.span() for match in _DENIES.finditer(text)]
    told = tuple(t for t in telling(text) if t.text != "gar" and not any(a <= t.start < b for a, b in signs))
    nothing = [match.span() for match in _DENIES_NOTHING.finditer(text)]
    places = [start for start, _ in signs if not any(a <= start < b for a, b in nothing)]
    return _Clause(
        text=text,
        terms=told,
        quantities=quantities(text, spoken=spoken),
        denied=tuple(tuple(sorted(told, key=lambda term: abs(term.start - place))[:_SCOPE]) for place in places),
        hedged=_DENIES_OTHERWISE.search(text) is not None,
    )


def _added(claimed: Sequence[_Clause], heard: Sequence[_Clause]) -> Denial | None:
    """A denial of what nobody denied."""
    for clause in claimed:
        # "nicht verzichten" affirms.
        if clause.hedged or not heard:
            continue
        for scope in clause.denied:
            if any(_accounts_for(c, scope, clause) for c in heard):
                continue
            best = max(heard, key=lambda c: _overlap(clause, c))
            certain = best.is_plain and not _ENDS.search(clause.text) and _overlap(clause, best) >= SAME_CLAUSE
            if certain or all(c.is_plain for c in heard):
                return Denial(best.text, certain)
    flipped = next((other for one in claimed for other in heard if _flips(one, other)), None)
    return None if flipped is None else Denial(flipped.text, certain=False)


def _dropped(claimed: Sequence[_Clause], heard: Sequence[_Clause]) -> Denial | None:
    """Something told as a fact that was denied."""
    for clause in heard:
        if clause.hedged:
            continue
        for scope in clause.denied:
            if any(_accounts_for(c, scope, clause) for c in claimed):
                continue
            about = [c for c in claimed if c.is_plain and _shares(scope, c.terms)]
            best = max(about, key=lambda c: _overlap(c, clause), default=None)
            if best is None:
                continue
            whole = all(_shares((term,), best.terms) for term in scope)
            if not _is_explained(best, scope, clause, [c for c in heard if not c.denied], whole=whole):
                return Denial(clause.text, certain=whole and _overlap(best, clause) >= SAME_CLAUSE)
    return None


def _accounts_for(clause: _Clause, scope: Sequence[Term], other: _Clause) -> bool:
    """Whether a clause denies what the other denies of `scope`, in whatever words."""
    near = _shares(scope, clause.terms) or any(_shares(one, other.terms) for one in clause.denied)
    return not clause.is_plain and (near or _overlap(other, clause) >= SAME_CLAUSE)


def _is_explained(
    claim: _Clause, scope: Sequence[Term], denied: _Clause, affirmed: Sequence[_Clause], *, whole: bool
) -> bool:
    """Whether a clause doesn't say what was denied but what was affirmed beside it, in like words."""
    counted = any(
        backing(one, c.quantities)[0] is Backing.SAID and backing(one, denied.quantities)[0] is not Backing.SAID
        for c in affirmed
        for one in claim.quantities
    )
    if whole:
        return counted or any({term.stem for term in scope} <= {term.stem for term in c.terms} for c in affirmed)
    fit = _overlap(claim, denied)
    return fit < SAME_CLAUSE / 2 or fit < max((_overlap(claim, c) for c in affirmed), default=0.0) + _MARGIN


def _shares(scope: Sequence[Term], others: Sequence[Term]) -> bool:
    return any(likeness(one.stem, other.stem) for one in scope for other in others)


def _flips(clause: _Clause, other: _Clause) -> bool:
    """Whether "wichtig" was made of "unwichtig", or the other way round, with as many denials beside it."""
    flips = sum(is_opposite(one.stem, two.stem) for one in clause.terms for two in other.terms)
    return flips % 2 == 1 and len(clause.denied) == len(other.denied)


def _overlap(wanted: _Clause, other: _Clause) -> float:
    """Share of a clause's words and numbers that the other holds, 0.0 to 1.0."""
    whole = sum(term.weight for term in wanted.terms) + _NUMBER_WEIGHT * len(wanted.quantities)
    found = sum(
        term.weight * max((likeness(term.stem, one.stem) for one in other.terms), default=0.0) for term in wanted.terms
    )
    numbers = sum(backing(one, other.quantities)[0] is Backing.SAID for one in wanted.quantities)
    return (found + _NUMBER_WEIGHT * numbers) / whole if whole else 0.0
