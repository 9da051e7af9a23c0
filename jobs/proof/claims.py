"""Whether a written sentence is borne out by the utterances it cites: numbers, polarity, names, speaker, matter.

The checks know words and figures, not meaning: a false sentence made of what was said in its evidence passes.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise

from jobs.proof.backing import Backing, backing
from jobs.proof.checks import Check, Flaw, Verdict
from jobs.proof.concordance import share
from jobs.proof.content import Term, stems, terms
from jobs.proof.mentions import Mention, is_elsewhere, is_given, mentions, strangers
from jobs.proof.negation import Said, denial
from jobs.proof.opposites import opposite
from jobs.proof.quantities import Measure, Quantity, quantities
from jobs.proof.record import Record, said_quantities
from jobs.proof.tokens import tokens
from jobs.proof.units import SHARE
from jobs.transcript import Utterance

#: Share of a sentence's telling words found in its evidence. Below the first it isn't what was said there, below the
#: second it is if nothing else in the recording fits better by `_BETTER`. Measured on the planted-error suite.
_UNRELATED, _HARDLY, _WEAK = 0.18, 0.09, 0.40
_BETTER, _PART_BETTER = 0.30, 0.50
#: Few words are alike in two languages; so many of them must be found elsewhere to tell that they belong there.
_FOREIGN = 0.38
#: A part of a sentence with telling words of this weight must be found in the evidence on its own.
_PART_WEIGHT = 0.5
#: A sentence lighter than this may well say in other words what fits nowhere.
_FULL_WEIGHT = 2.0
#: What a number weighs beside telling words, which weigh 0.1 to 1.0.
_NUMBER_WEIGHT = 0.5
_PART = re.compile(
    r"\s*[,;–]\s+(?:und|während|wobei|sowie|außerdem)\s+|\s+und\s+|\s*;\s+|\s*,\s+während\s+", re.IGNORECASE
)
#: Verbs and nouns that tell of the telling.
_TELLING = frozenset(
    word
    for words in (
        "sagt sagte erklärt erklärte betont betonte berichtet berichtete erzählt erzählte schildert schilderte meint",
        "meinte findet fand glaubt kritisiert warnt fordert forderte fragt fragte antwortet verweist erinnert nennt",
        "nannte sieht hält beschreibt räumt ergänzt bestätigt widerspricht plädiert behauptet erläutert ansicht worten",
        "angaben moderator moderatorin gast gäste gespräch podcast panel bühne diskussion publikum rednerin redner",
        "moderators moderatoren gästen gastes fragten forderten erklärten berichteten erzählten sagten räumte gab",
        "laut zufolge demnach zudem dabei dagegen hingegen jedoch allerdings seien habe hätten werde würden könne",
        "müsse solle dürfe wolle gebe sei wäre wären hätte würde könnte müsste sollte komme gehe lasse bleibe",
    )
    for word in words.split()
)


def check_sentence(text: str, ids: Sequence[str], record: Record) -> tuple[Check, ...]:
    """Check one German sentence that somebody wrote against the utterances `ids` it rests on; none: it is borne out.

    Compared with these utterances only, never with the rest of the talk; doubtful ones bear nothing out. Evidence in
    English is compared by numbers, names, denials and words that both languages have; any other by numbers and names.
    """
    if not ids or any(one not in record.utterances for one in ids):
        return (Check(Flaw.UNKNOWN_EVIDENCE, Verdict.FAIL),)
    claim = _Claim(text, record.sound(ids), record)
    doubtful = (Check(Flaw.DOUBTFUL_EVIDENCE, Verdict.FAIL),) if len(claim.evidence) < len(set(ids)) else ()
    if not claim.evidence:
        return doubtful
    found = (
        *doubtful,
        *check_quantities(text, claim.quantities, measured=claim.units),
        *_polarity(claim),
        *_names(claim),
        *_subject_matter(claim),
    )
    return tuple(check for index, check in enumerate(found) if check.flaw not in {one.flaw for one in found[:index]})


def check_quantities(
    text: str, said: Sequence[Quantity], *, measured: Collection[Measure] | None = None
) -> Iterator[Check]:
    """Check the numbers and moments of a German text against those that were said.

    Args:
        text: what claims them.
        said: what its evidence holds.
        measured: units that may be added to a number which was said without one: "eine halbe Million" is one of euros
            where euros are spoken of. Years are always allowed, for ages; None allows any.
    """
    claims = quantities(text)
    shared = {each for pair in pairwise(claims) if _is_share(*pair, text, said) for each in pair}
    for claimed in claims:
        found, by = backing(claimed, said)
        if claimed in shared:
            continue
        if found is Backing.NOT_SAID or by is None:
            yield Check(Flaw.UNBACKED_NUMBER, Verdict.FAIL, {"what": claimed.text})
        elif found is Backing.OTHER_UNIT:
            yield Check(Flaw.WRONG_UNIT, Verdict.FAIL, {"what": claimed.text, "said": by.text})
        elif not by.measures and not _may_be_added(claimed, measured):
            yield Check(Flaw.WRONG_UNIT, Verdict.WARNING, {"what": claimed.text, "said": by.text})


def _is_share(part: Quantity, whole: Quantity, text: str, said: Sequence[Quantity]) -> bool:
    """Whether two numbers are a share that was said: "zwei von fünf" for "vierzig Prozent"."""
    if f"{part.text} von {whole.text}" not in text:
        return False
    shares = frozenset((SHARE, one / other) for one in part.values for other in whole.values if other)
    return backing(Quantity(text, measures=shares), [one for one in said if one.measures])[0] is Backing.SAID


def _may_be_added(claimed: Quantity, measured: Collection[Measure] | None) -> bool:
    years = re.search("j[aä]hr", claimed.text.lower()) is not None
    return measured is None or not claimed.units or years or not claimed.units.isdisjoint(measured)


@dataclass(frozen=True)
class _Claim:
    text: str
    #: Not empty, nothing doubtful.
    evidence: tuple[Utterance, ...]
    record: Record

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """All numbers and moments of the evidence, and those within names: somebody may be called Sommer."""
        named = (one for person in self.record.people for one in quantities(person.name))
        return (*said_quantities(self.evidence), *named)

    @cached_property
    def units(self) -> frozenset[Measure]:
        """What is measured around the evidence, and the money of the whole recording."""
        near = said_quantities(self.record.around([u.id for u in self.evidence], before=2, after=1))
        return frozenset(unit for one in near for unit in one.units) | self.record.currencies

    @property
    def german(self) -> tuple[Utterance, ...]:
        return tuple(u for u in self.evidence if u.language in {"de", "und"})

    @property
    def readable(self) -> tuple[Utterance, ...]:
        return tuple(u for u in self.evidence if u.language in {"de", "und", "en"})

    @cached_property
    def others(self) -> frozenset[str]:
        """Ids of what isn't cited and could have been meant: it is in one of the evidence's languages."""
        languages = {u.language for u in self.evidence}
        alike = frozenset(u.id for u in self.record.transcript.utterances if u.language in languages)
        return alike - {u.id for u in self.evidence}

    @cached_property
    def answered(self) -> frozenset[str]:
        """Ids of the evidence and of what somebody else asked right before: an answer takes its words from there."""
        cited = [u.id for u in self.evidence]
        asked = (u.id for u in self.record.around(cited, before=1, after=0) if u.text.rstrip().endswith("?"))
        return frozenset((*cited, *asked))

    @property
    def speakers(self) -> frozenset[str]:
        return frozenset(u.speaker for u in self.evidence if u.speaker is not None)


def _polarity(claim: _Claim) -> Iterator[Check]:
    said = [Said(u.text, "en" if u.language == "en" else "de") for u in claim.readable]
    found = denial(claim.text, said, telling=partial(_telling, record=claim.record))
    if found is not None:
        yield Check(Flaw.NEGATION, Verdict.FAIL if found.certain else Verdict.WARNING, {"said": found.said})
        return
    turned = opposite(claim.text, " ".join(one.text for one in said))
    if turned is not None:
        yield Check(Flaw.OPPOSITE, Verdict.WARNING, {"what": turned.claimed, "said": turned.said})


def _names(claim: _Claim) -> Iterator[Check]:
    ids = [u.id for u in claim.evidence]
    said = stems(u.text for u in claim.evidence)
    # "dort" is told by what was said before, and the programme may be known to whoever writes.
    given = said | claim.record.programme | stems(u.text for u in claim.record.around(ids, before=2, after=0))
    for mention in mentions(claim.text, claim.record):
        if mention.is_mixed:
            yield Check(Flaw.UNBACKED_NAME, Verdict.FAIL, {"name": mention.text})
        else:
            yield from _person(mention, claim, said)
    for name in strangers(claim.text, claim.record, given, native=len(claim.german) == len(claim.evidence)):
        certain = all(is_elsewhere(token.text, claim.record) for token in tokens(name) if token.is_word)
        yield Check(Flaw.UNBACKED_NAME, Verdict.FAIL if certain else Verdict.WARNING, {"name": name})


def _person(mention: Mention, claim: _Claim, said: frozenset[str]) -> Iterator[Check]:
    """Somebody known: as the source of a sentence they must have said it, else they must occur."""
    voices = frozenset(label for person in mention.people for label in person.voices)
    if voices & claim.speakers:
        return
    occurs = any(is_given(token.text, said) for token in tokens(mention.text) if token.is_word)
    if mention.is_source or mention.is_first:
        known = frozenset(label for person in claim.record.people for label in person.voices)
        if not mention.is_source and occurs:
            return
        if voices or claim.speakers <= known:
            yield Check(Flaw.WRONG_SPEAKER, Verdict.FAIL, {"name": mention.text})
        else:
            yield Check(Flaw.UNCLEAR_SPEAKER, Verdict.WARNING, {"name": mention.text})
    elif not occurs:
        if not voices & _neighbours(claim):
            yield Check(Flaw.UNBACKED_NAME, Verdict.FAIL, {"name": mention.text})
        elif not _names_speaker(claim):
            yield Check(Flaw.UNCLEAR_SPEAKER, Verdict.WARNING, {"name": mention.text})


def _names_speaker(claim: _Claim) -> bool:
    """Whether the sentence names one of those who speak in its evidence."""
    named = (label for m in mentions(claim.text, claim.record) for person in m.people for label in person.voices)
    return not claim.speakers.isdisjoint(named)


def _neighbours(claim: _Claim) -> frozenset[str]:
    """Who speaks right before or after the evidence: whom it is said to, or whom it answers."""
    near = claim.record.around([u.id for u in claim.evidence], before=1, after=1)
    return frozenset(u.speaker for u in near if u.speaker is not None)


def _subject_matter(claim: _Claim) -> Iterator[Check]:
    """Whether the sentence, and each part of it, is about what was said there."""
    if len(claim.german) < len(claim.evidence):
        yield from _foreign_matter(claim)
        return
    whole = _measured(claim.text, claim)
    if whole is None:
        return
    if whole.cited < _UNRELATED or (whole.cited < _WEAK and whole.elsewhere >= whole.cited + _BETTER):
        certain = whole.elsewhere > whole.cited
        if not certain and (whole.weight < _FULL_WEIGHT or whole.numbers or whole.cited >= _HARDLY):
            return
        yield Check(Flaw.UNRELATED_EVIDENCE, Verdict.FAIL if certain else Verdict.WARNING, {"what": claim.text})
        return
    for part in _PART.split(claim.text):
        found = _measured(part, claim)
        if found is None or part == claim.text or found.weight < _PART_WEIGHT:
            continue
        if found.cited < _UNRELATED and found.elsewhere >= found.cited + _PART_BETTER:
            yield Check(Flaw.UNRELATED_EVIDENCE, Verdict.FAIL, {"what": part})


def _foreign_matter(claim: _Claim) -> Iterator[Check]:
    """Whether a German sentence, or a part of it, shares words such as "Newsletter" with other utterances alone."""
    for part in dict.fromkeys((claim.text, *_PART.split(claim.text))):
        found = _measured(part, claim)
        if found is not None and found.cited == 0.0 and found.elsewhere >= _FOREIGN:
            yield Check(Flaw.UNRELATED_EVIDENCE, Verdict.WARNING, {"what": part})
            return


@dataclass(frozen=True, slots=True)
class _Measured:
    """How much of a text's telling words is found."""

    weight: float
    #: How many of its numbers were said there.
    numbers: int
    #: In the evidence, 0.0 to 1.0.
    cited: float
    #: In the best utterance elsewhere that has one of the evidence's languages.
    elsewhere: float


def _measured(text: str, claim: _Claim) -> _Measured | None:
    wanted = _telling(text, claim.record)
    counted = quantities(text)
    if len(wanted) + len(counted) < 2:
        return None
    hits = claim.record.concordance.hits(wanted)
    cited = claim.answered
    weight = sum(term.weight for term in wanted)
    found = weight * share(wanted, [row for one, row in hits.items() if one in cited])
    numbers = sum(backing(one, claim.quantities)[0] is Backing.SAID for one in counted)
    whole = weight + _NUMBER_WEIGHT * len(counted)
    return _Measured(
        weight=whole,
        numbers=numbers,
        cited=(found + _NUMBER_WEIGHT * numbers) / whole,
        elsewhere=max((weight * share(wanted, [row]) for one, row in hits.items() if one in claim.others), default=0.0)
        / whole,
    )


def _telling(text: str, record: Record) -> list[Term]:
    """The telling words that evidence must hold: no names of speakers, nothing about the telling."""
    return [term for term in terms(text) if term.text.lower() not in _TELLING and not record.introduces(term.text)]
