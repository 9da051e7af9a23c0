"""What stands above the chapters of a recap: headline, introduction, theses and quotes, as they were said.

Each sentence serves once, and so does what says the same.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from jobs.german import bare, is_finished
from jobs.timeline import Seconds
from jobs.writing.headlines import Form, Headline, best_headline
from jobs.writing.material import SELF_CONTAINED, Candidate, Material, Taste, chosen
from jobs.writing.phrases import (
    ADDRESSES,
    FIRST_PERSON,
    INTRODUCES,
    PRESENTS,
    SPEAKS_ABOUT,
    is_chatter,
    leans,
    opens_topic,
)
from jobs.writing.worth import Kind, Reading, names_something

#: Quotes an editor can use: long enough to stand, short enough to print.
QUOTE_WORDS = range(8, 31)
#: Rather one of these than fewer quotes than an editor needs.
ANY_QUOTE_WORDS = range(5, 46)
#: So many quotes an editor needs of any recording with as much speech as this.
LEAST_QUOTES = 3
SPEECH_FOR_QUOTES_S: Seconds = 45.0
THESIS_WORDS = range(7, 31)

#: "Du, ich habe gestern …"
_DU = re.compile(r"Du\b")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the house and the programme ask of a choice."""

    #: Longest headline in characters.
    headline_chars: int
    #: Most quotes, and most words of one.
    quotes: int
    quote_words: int
    #: Most sentences of the lead, ours aside.
    lead_sentences: int
    #: Whether the house style allows a sentence in running text, and in a quote.
    allowed: Callable[[str], bool]
    quotable: Callable[[str], bool]
    #: Whether the programme names those who speak, and what about: then nobody need say so at the beginning.
    people_known: bool
    topic_known: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """What stands above the chapters, as indices of sentences."""

    headline: Headline | None
    #: Sentences that tell who is here and what it is about.
    introduction: tuple[int, ...]
    theses: tuple[int, ...]
    quotes: tuple[tuple[int, ...], ...]

    @property
    def used(self) -> list[int]:
        """All sentences that are spoken for."""
        top = [] if self.headline is None else [self.headline.index]
        return [*top, *self.introduction, *self.theses, *(index for quote in self.quotes for index in quote)]


def choose(material: Material, duration_s: Seconds, wishes: Wishes) -> Choice:
    """Headline, introduction, theses, quotes, in this order.

    Where quotes would be too few, a thesis is quoted instead, then whatever a quote may be made of, then the headline.
    The lead never goes without a thesis: with none left, it is the headline's whole sentence.
    """
    headline = best_headline(material, max_chars=wishes.headline_chars, allowed=wishes.allowed)
    own = [] if headline is None else [headline.index]
    top = material.twins(own)
    introduction = _introduction(material, wishes)
    said = material.twins(introduction)
    theses = _theses(material, top | said, duration_s, wishes, beside=len(introduction))
    above = material.twins(theses)
    speech_s = sum(c.spoken.span.duration for c in material.candidates)
    long = speech_s >= SPEECH_FOR_QUOTES_S
    least = LEAST_QUOTES if long else 1
    quotes: list[tuple[int, ...]] = []
    for strict, taken in ((True, top | said | above), (True, top | said), (not long, top | said), (not long, said)):
        quotes = _quotes(material, taken, duration_s, wishes, strict=strict)
        if len(quotes) >= min(least, wishes.quotes):
            break
    quoted = material.twins([index for indices in quotes for index in indices])
    if quoted & above:
        theses = _theses(material, top | said | quoted, duration_s, wishes, beside=len(introduction))
    if not theses and headline is not None and headline.form is Form.STATEMENT and not quoted & set(own):
        theses = own
    return Choice(headline, tuple(introduction), tuple(theses), tuple(quotes))


def _introduction(material: Material, wishes: Wishes) -> list[int]:
    """Who is here and what it is about, as somebody says it at the beginning: no, one or two sentences."""
    early = [
        c
        for c in material.candidates
        if c.spoken.span.start <= material.opening_s and _tells(c) and wishes.allowed(c.reading.text)
    ]
    good = {c.index: c.worth.confidence * (0.3 + c.worth.information) * (0.6 + 0.4 * c.worth.matter) for c in early}
    who = [] if wishes.people_known else [c.index for c in early if presents(c.reading, material.people)]
    what = [c.index for c in early if _introduces(c.reading.text) and names_something(c.reading)]
    what = [] if wishes.topic_known else [i for i in what if not material.candidates[i].reading.unheard]
    if wishes.people_known:
        # The greeting of those who are named above tells nothing new; what they talk about does.
        what = [i for i in what if SPEAKS_ABOUT.search(material.candidates[i].reading.text)]
    first = max(who, key=good.__getitem__, default=None)
    if first is not None and SPEAKS_ABOUT.search(material.candidates[first].reading.text):
        return [first]
    second = max((index for index in what if index != first), key=good.__getitem__, default=None)
    return [index for index in (first, second) if index is not None]


def _introduces(text: str) -> bool:
    """Whether it is said what the talk is about, rather than what comes next."""
    about = SPEAKS_ABOUT.search(text) and not (opens_topic(text) or is_chatter(text) or ADDRESSES.search(text))
    return INTRODUCES.search(text) is not None or bool(about)


def _tells(candidate: Candidate) -> bool:
    text = candidate.reading.text
    asked = candidate.asks and ": " not in text
    return len(candidate.spoken.words) in range(6, 41) and is_finished(text) and not asked


def presents(reading: Reading, people: frozenset[str]) -> bool:
    """Whether a host says who is here, by name; the tagger may take a known name for a noun."""
    named = Kind.NAME in reading.kinds or any(bare(word.text) in people for word in reading.spoken.words)
    return named and PRESENTS.search(reading.text) is not None


def _theses(material: Material, taken: set[int], duration_s: Seconds, wishes: Wishes, *, beside: int) -> list[int]:
    """Statements that are closest to the middle of the talk and stand without their speaker; one or two, in time order.

    Args:
        material: all sentences.
        taken: those that are spoken for.
        duration_s: length of the recording.
        wishes: what the house asks.
        beside: how many sentences introduce the lead already.
    """
    scores = {}
    for c in material.candidates:
        fits = len(c.spoken.words) in THESIS_WORDS and not c.asks and not c.by_host and c.clear
        # Said to somebody in the room.
        fits = fits and ADDRESSES.search(c.reading.text) is None and not _DU.match(c.reading.text)
        score = fits * c.usable * c.worth.general * c.worth.independence * c.worth.information * (0.3 + c.central)
        score *= (0.2 + c.worth.stance) * wishes.allowed(c.statement.text)
        score *= _without_question(material, c)
        # Said of oneself: that makes a better quote.
        scores[c.index] = score * (0.5 if FIRST_PERSON.search(c.reading.text) else 1.0)
    floor = (0.2 if beside else 0.1) * max(scores.values(), default=0.0)
    scores = {index: score for index, score in scores.items() if score >= floor and index not in taken}
    count = 1 if beside and len(material.candidates) < 60 else min(2, max(1, len(material.candidates) // 4))
    count = max(0, min(count, wishes.lead_sentences - beside))
    taste = Taste(count=count, variety=0.7, spread_s=duration_s / 4, voices=0.3)
    return sorted(chosen(material, scores, taste))


def _quotes(
    material: Material, taken: set[int], duration_s: Seconds, wishes: Wishes, *, strict: bool
) -> list[tuple[int, ...]]:
    """Sentences, or two in a row, that somebody stands for; spread over voices and time; in time order.

    `strict` asks of each that it stands alone, has a good length and isn't far behind the best.
    """
    forms: dict[int, tuple[int, ...]] = {}
    scores: dict[int, float] = {}
    for candidate in material.candidates:
        for indices in ((candidate.index,), _pair(material, candidate.index)):
            score = 0.0 if set(indices) & taken else _quotable(material, indices, wishes, strict=strict)
            if score > scores.get(candidate.index, 0.0):
                scores[candidate.index], forms[candidate.index] = score, indices
    floor = 0.3 * max(scores.values(), default=0.0) if strict else 0.0
    scores = {index: score for index, score in scores.items() if score >= floor}
    count = min(wishes.quotes, max(LEAST_QUOTES, round(duration_s / 180)), max(LEAST_QUOTES, len(scores) // 3))
    taste = Taste(count=2 * count, variety=0.6, spread_s=duration_s / (count + 1), voices=0.5)
    picked: list[tuple[int, ...]] = []
    for index in chosen(material, scores, taste):
        if len(picked) < count and not {i for indices in picked for i in indices} & set(forms[index]):
            picked.append(forms[index])
    return sorted(picked)


def _without_question(material: Material, candidate: Candidate) -> float:
    """What is left of an answer that is told without its question; "Weil zehn Jahre genug sind" is hardly anything."""
    if material.question(candidate.index) != candidate.index - 1:
        return 1.0
    return 0.3 if leans(candidate.reading.text) else 0.8


def _pair(material: Material, index: int) -> tuple[int, ...]:
    """The sentence and the next one of the same speaker, if nothing but a breath lies between; else nothing."""
    if index + 1 >= len(material.candidates):
        return ()
    one, two = material.candidates[index], material.candidates[index + 1]
    follows = one.spoken.speaker == two.spoken.speaker and one.spoken.language == two.spoken.language
    close = two.spoken.span.start - one.spoken.span.end < 1.5
    return (index, index + 1) if follows and close and one.chapter == two.chapter else ()


def _quotable(material: Material, indices: tuple[int, ...], wishes: Wishes, *, strict: bool) -> float:
    """How good a quote the sentences make; 0.0 for none at all."""
    parts = [material.candidates[i] for i in indices]
    words = sum(len(p.spoken.words) for p in parts)
    if not parts or words not in (QUOTE_WORDS if strict else ANY_QUOTE_WORDS) or words > wishes.quote_words:
        return 0.0
    if any(p.asks or not is_finished(p.reading.text) or not wishes.quotable(p.reading.text) for p in parts):
        return 0.0
    if len(parts) > 1 and any(len(p.spoken.words) > 18 for p in parts):
        return 0.0
    first = parts[0]
    if strict and not (first.worth.independence >= SELF_CONTAINED and all(p.well_heard for p in parts)):
        return 0.0
    confidence = min(p.worth.confidence for p in parts) * min(p.worth.matter for p in parts)
    stance = max(p.worth.stance for p in parts)
    information = sum(p.worth.information for p in parts) / len(parts)
    # Where quotes must be made of what is there, standing alone counts twice.
    alone = first.worth.independence if strict else first.worth.independence**2
    score = alone * confidence * (0.25 + stance) * (0.25 + information)
    # Two sentences that lean on each other make one thought, two that don't make two.
    score *= 1.0 if len(parts) == 1 else 0.95
    # A quote keeps its first word, and with it the question what went before.
    score *= 0.7 if first.statement is not first.reading else 1.0
    score *= _without_question(material, first)
    # Said to somebody in the room.
    score *= 0.6 if any(ADDRESSES.search(p.reading.text) for p in parts) else 1.0
    return score * first.worth.general * (0.25 if first.by_host else 1.0)
