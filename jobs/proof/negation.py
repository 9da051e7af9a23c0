"""Whether a sentence denies what was said, or says what was denied, clause by clause."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from jobs.proof.backing import Backing, backing
from jobs.proof.content import Term, is_opposite, likeness, terms
from jobs.proof.denials import (
    ALWAYS,
    BUT,
    COMPARED,
    CONDITION,
    DENIES,
    ENDED,
    ENDS,
    GOVERNED,
    MORE_THAN,
    NO_MORE,
    NOT_AT_MOST,
    OFTEN_TWICE,
    OPENS_WHAT_IS_DENIED,
    OR_ELSE,
    PERHAPS,
    RESTATES,
    SHORT_ANSWER,
    STRONG,
    TAKES_UP,
    TELLS_NOT,
    TURNED,
    denies,
    left_out,
    signs,
    stated,
    undenied,
)
from jobs.proof.denials import clauses as clauses_of
from jobs.proof.quantities import Quantity, quantities

#: Share of a clause's weight that must be found in a clause that was said, for the two to be about the same.
SAME_CLAUSE = 0.6
#: From this share on a clause may be what was meant, if it fits better than any other by the margin.
_FITS, _MARGIN = 0.25, 0.1
#: A clause lighter than this that begins with "das" is about what was said before.
_LIGHT = 0.5
#: A clause this light tells too little to be known by.
_LEAST_WEIGHT = 0.15
#: How many of the words around a "nicht" are looked at to tell what it denies.
_SCOPE = 2

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
    #: Denied by the meaning of its words, and perhaps denied.
    strongly: bool
    perhaps: bool

    @property
    def without(self) -> bool:
        """Whether something is only left out of it."""
        return re.search(r"\b(?:ohne|without)\b", self.text, re.IGNORECASE) is not None

    @property
    def is_plain(self) -> bool:
        """Whether it surely affirms."""
        return not (self.denied or self.strongly or self.perhaps)

    @property
    def weight(self) -> float:
        """How much it tells."""
        return sum(term.weight for term in self.terms) + _NUMBER_WEIGHT * len(self.quantities)


@dataclass(frozen=True, slots=True)
class Denial:
    """A clause that was said, of which the sentence says the opposite."""

    said: str
    #: Whether the two clauses are surely about the same.
    certain: bool


@dataclass(frozen=True, slots=True)
class Said:
    """Some words and their language, German or English."""

    text: str
    language: str = "de"


def denial(claim: str, said: Sequence[Said], *, telling: Telling = terms) -> Denial | None:
    """Where a sentence has another polarity than what was said; None if it has the same or nothing can be told.

    Args:
        claim: a German sentence.
        said: the utterances that it rests on. Of English ones only numbers and names can be found in the sentence.
        telling: finds the words by which two clauses are known to be about the same.
    """
    heard = [clause for one in said for clause in _clauses(stated(one.text), telling, one.language)]
    claimed = _clauses(claim, telling)
    if any(one.language == "en" for one in said):
        found = _added_abroad(claimed, heard) or _dropped_abroad(claimed, heard)
    else:
        found = _added(claimed, heard) or _dropped(claimed, heard)
    found = (
        found
        or _misused(claim, said)
        or _turned(claim, said)
        or _uneven(claimed, heard)
        or _answered(claim, said, heard)
    )
    return found or _all_denied(claimed, heard)


def _clauses(text: str, telling: Telling, language: str = "") -> list[_Clause]:
    """The clauses of a claim, or with a language of what was said."""
    clauses: list[_Clause] = []
    before = ""
    parts = clauses_of(text)
    for index, part in enumerate(parts):
        if language and SHORT_ANSWER.fullmatch(part):
            continue
        # "… , nicht aber für …", "Nein, …": what tells nothing belongs to what follows.
        joined = f"{before} {part}".strip()
        clause = _clause(joined, telling, language)
        follows = index + 1 < len(parts) and OPENS_WHAT_IS_DENIED.match(parts[index + 1])
        if (clause.terms or clause.quantities) and not (clause.denied and follows and len(clause.terms) < _SCOPE):
            clauses.append(clause)
            before = ""
        else:
            before = joined
    # "… , doch das kommt nie vor" tells nothing that could be compared.
    if before and clauses and (language or not TAKES_UP.match(before)):
        clauses[-1] = _clause(f"{clauses[-1].text} {before}", telling, language)
    return clauses if language else _governed(clauses)


def _governed(clauses: Sequence[_Clause]) -> list[_Clause]:
    """Clauses of which those that depend on a denial are perhaps denied: "zu wohnen, komme nicht infrage"."""
    beside = [[*clauses[max(0, place - 1) : place], *clauses[place + 1 : place + 2]] for place in range(len(clauses))]
    return [
        replace(one, perhaps=True) if GOVERNED.match(one.text) and any(c.denied or c.strongly for c in near) else one
        for one, near in zip(clauses, beside, strict=True)
    ]


def _clause(text: str, telling: Telling, language: str) -> _Clause:
    words_that_deny = [match.span() for match in DENIES.finditer(text)]
    words = terms(text, language="en") if language == "en" else telling(text)
    told = tuple(t for t in words if t.text != "gar" and not any(a <= t.start < b for a, b in words_that_deny))
    places = [start for start, _ in signs(text)]
    compared = not language and COMPARED.search(text) is not None
    return _Clause(
        text=text,
        terms=told,
        quantities=quantities(text, language=language or "de", spoken=bool(language)),
        denied=()
        if compared
        else tuple(tuple(sorted(told, key=lambda term: abs(term.start - place))[:_SCOPE]) for place in places),
        strongly=STRONG.search(text) is not None,
        perhaps=PERHAPS.search(text) is not None
        or (compared and bool(places))
        or (not language and RESTATES.search(text) is not None),
    )


def _added(claimed: Sequence[_Clause], heard: Sequence[_Clause]) -> Denial | None:
    """A denial of what nobody denied."""
    for clause in claimed:
        twice = clause.denied and not clause.without and (clause.strongly or OFTEN_TWICE.search(clause.text))
        if twice and _is_undenied(heard):
            return Denial(next(c.text for c in heard if c.denied or c.strongly), certain=False)
        # "nicht verzichten" affirms.
        if clause.strongly or not heard:
            continue
        for scope in clause.denied:
            if any(_accounts_for(c, scope, clause) for c in heard) or _is_aside(clause, scope, heard):
                continue
            plain = [index for index, c in enumerate(heard) if c.is_plain]
            best = max(plain, key=lambda index: _overlap(clause, heard[index]), default=None)
            if best is None:
                continue
            fit = _overlap(clause, heard[best])
            other = max((_overlap(clause, c) for c in heard if not c.is_plain), default=0.0)
            # "Null, das ist die Zahl": a word that denies what follows.
            led_in = best > 0 and not heard[best - 1].terms and not heard[best - 1].is_plain
            taken_up = led_in or (best + 1 < len(heard) and _takes_up(heard[best + 1]))
            ends = ENDS.search(clause.text) is not None
            if ends and any(ENDED.search(c.text) for c in heard):
                continue
            if len(plain) == len(heard) or (not ends and fit >= _FITS and fit >= other + _MARGIN and not taken_up):
                return Denial(heard[best].text, certain=fit >= SAME_CLAUSE and not ends)
    flipped = next((other for one in claimed for other in heard if _flips(one, other)), None)
    return None if flipped is None else Denial(flipped.text, certain=False)


def _is_aside(clause: _Clause, scope: Sequence[Term], heard: Sequence[_Clause]) -> bool:
    """Whether a denial tells nothing that can be compared: "ohne Pause" for "am Stück", or "das kommt nie vor".

    Nor does what would have to be, or else: "falls sie keine Stelle bekomme" for "ich will eine, sonst gehe ich".
    """
    if CONDITION.match(clause.text) and any(OR_ELSE.search(c.text) for c in heard):
        return True
    if clause.without:
        return not any(_shares(scope[:1], c.terms) for c in heard)
    light = clause.weight < _LIGHT and TAKES_UP.match(clause.text) is not None
    return light and any(not c.is_plain for c in heard)


def _is_undenied(heard: Sequence[_Clause]) -> bool:
    """Whether something was denied once, and nothing twice, as by a clause that affirms so."""
    once = [c for c in heard if bool(c.denied) != c.strongly]
    twice = [c for c in heard if c.denied and c.strongly]
    return not twice and bool(once)


def _takes_up(clause: _Clause) -> bool:
    return not clause.is_plain and TAKES_UP.match(clause.text) is not None


def _dropped(claimed: Sequence[_Clause], heard: Sequence[_Clause]) -> Denial | None:
    """Something told as a fact that was denied."""
    if sum(len(c.denied) for c in claimed) >= sum(len(c.denied) for c in heard):
        # "Was das ist, wisse er nicht": what is denied stands beside it.
        return None
    for clause in heard:
        if clause.strongly:
            continue
        for scope in clause.denied:
            if any(_accounts_for(c, scope, clause) for c in claimed):
                continue
            about = [c for c in claimed if c.is_plain and _is_about(c, scope, clause)]
            best = max(about, key=lambda c: _fit(c, clause), default=None)
            if best is None:
                continue
            whole = bool(scope) and all(_shares((term,), best.terms) for term in scope)
            if not _is_explained(best, scope, clause, [c for c in heard if not c.denied], whole=whole):
                return Denial(clause.text, certain=whole and _overlap(best, clause) >= SAME_CLAUSE)
    return None


def _added_abroad(claimed: Sequence[_Clause], heard: Sequence[_Clause]) -> Denial | None:
    """Where English words deny as well, only numbers tell which clause is which."""
    if all(c.is_plain for c in heard):
        return _added(claimed, heard)
    for clause in claimed:
        told = [c for c in heard if _counts_alike(clause, c)]
        if clause.denied and not clause.strongly and told and all(c.is_plain for c in told):
            return Denial(told[0].text, certain=False)
    return None


def _counts_alike(clause: _Clause, other: _Clause) -> bool:
    return any(backing(one, other.quantities)[0] is Backing.SAID for one in clause.quantities)


def _uneven(claimed: Sequence[_Clause], heard: Sequence[_Clause]) -> Denial | None:
    """One denial where two were said, or two for one: "not without" is with."""
    if len(claimed) != 1 or len(heard) != 1 or claimed[0].strongly or heard[0].strongly:
        return None
    one, other = len(claimed[0].denied), len(heard[0].denied)
    if not (claimed[0].without or heard[0].without):
        return None
    return Denial(heard[0].text, certain=False) if one and other and (one - other) % 2 else None


def _dropped_abroad(claimed: Sequence[_Clause], heard: Sequence[_Clause]) -> Denial | None:
    """A claim that affirms all, where what is left over of the English words is a denial."""
    denied = [c for c in heard if c.denied]
    if not denied or not all(c.is_plain for c in claimed):
        return None
    plain = [c for c in heard if c.is_plain]
    told = [c for c in claimed if c.weight >= _LEAST_WEIGHT and not any(_overlap(c, one) > 0 for one in plain)]
    open_yet = [c for c in plain if c.weight >= _LEAST_WEIGHT and not any(_overlap(c, one) > 0 for one in claimed)]
    return Denial(denied[0].text, certain=False) if told and not open_yet else None


def _all_denied(claimed: Sequence[_Clause], heard: Sequence[_Clause]) -> Denial | None:
    """A claim that affirms all, where nothing was said that wasn't denied."""
    denied = [c for c in heard if c.denied]
    if not denied or any(c.is_plain for c in heard) or not all(c.is_plain for c in claimed):
        return None
    return Denial(denied[0].text, certain=False)


def _answered(claim: str, said: Sequence[Said], heard: Sequence[_Clause]) -> Denial | None:
    """A claim that affirms what was denied in a word or the other way round: "So wie er ist, nicht."."""
    answers = [one.text for one in said if stated(one.text)]
    denied = [text for text in answers if denies(text)]
    if heard or not answers or bool(denied) == denies(claim):
        return None
    return Denial((denied or answers)[0], certain=False)


def _is_about(claim: _Clause, scope: Sequence[Term], denied: _Clause) -> bool:
    """Whether a clause tells of what another denies."""
    return _shares(scope, claim.terms) or _counts_alike(claim, denied)


def _fit(claim: _Clause, denied: _Clause) -> float:
    """How well a clause fits one that was denied: either way, because a short one may be a part of the other."""
    back = _overlap(denied, claim) if denied.weight >= _LEAST_WEIGHT else 0.0
    return max(_overlap(claim, denied), back)


def _turned(claim: str, said: Sequence[Said]) -> Denial | None:
    """A word turned round: "jemand" where "niemand" was said."""
    untold = None if any(TELLS_NOT.search(one.text) for one in said) else TELLS_NOT.search(claim)
    if untold is not None:
        return Denial(said[0].text, certain=False)
    limit = next((one.text for one in said if NO_MORE.search(one.text)), None)
    plain = clauses_of(undenied(claim))
    if limit is not None and any(MORE_THAN.search(part) for part in plain):
        return Denial(limit, certain=False)
    without = left_out(claim, " ".join(one.text for one in said))
    if without is not None:
        return Denial(without, certain=False)
    for some, none in TURNED:
        heard = next((one.text for one in said if none.search(one.text)), None)
        parts = () if some is ALWAYS and denies(claim) else plain
        turned = any(some.search(part) for part in parts) and not any(some.search(one.text) for one in said)
        if heard is not None and turned:
            return Denial(heard, certain=False)
    return None


def _misused(claim: str, said: Sequence[Said]) -> Denial | None:
    """Words that stand beside a denial, or never do: "sondern" without one, "nicht höchstens"."""
    but = BUT.search(claim)
    alone = but is not None and not denies(claim[: but.start()])
    unheard = NOT_AT_MOST.search(claim) and not any(NOT_AT_MOST.search(one.text) for one in said)
    return Denial(said[0].text, certain=False) if alone or unheard else None


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
        nearer = any(_overlap(claim, c) + _MARGIN > _overlap(claim, denied) for c in affirmed)
        return (counted and nearer) or any(
            {term.stem for term in scope} <= {term.stem for term in c.terms} for c in affirmed
        )
    fit = _fit(claim, denied)
    return counted or fit < _FITS or fit < max((_fit(claim, c) for c in affirmed), default=0.0) + _MARGIN / 2


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
