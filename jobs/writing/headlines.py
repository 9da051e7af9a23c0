"""Headlines out of what was said: a short statement, the announced topic, or the question a talk sets out to answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto

from jobs.german import is_finished
from jobs.writing.material import Candidate, Material, clauses
from jobs.writing.phrases import ADDRESSES, CONNECTS, FIRST_PERSON, SPEAKS_ABOUT, any_of
from jobs.writing.titles import announced_topic, plain_question
from jobs.writing.worth import Worth, worth

HEADLINE_WORDS = range(4, 17)
#: What the announced topic is worth, against theses of 0.0 to about 0.5: most say more than it does.
ANNOUNCED = 0.12
#: A word that the recognizer was less sure of leaves half of what a statement is worth.
SURE_WORD = 0.3
#: From so many sentences on it counts how close one is to the middle of all.
MANY_SENTENCES = 20
#: What the first sentences of somebody are worth who makes a short statement, alone.
POINT_FIRST, POINT_SENTENCES = 1.4, 4

_ADDS = any_of("sogar|auch|ebenso|ebenfalls|zudem|(?:ist|sind|war|waren) es|also|too|even")


class Form(Enum):
    """What a headline is."""

    #: Somebody says so: it needs quotation marks.
    STATEMENT = auto()
    TOPIC = auto()
    QUESTION = auto()


@dataclass(frozen=True, slots=True)
class Headline:
    """Words of one sentence that stand above everything."""

    index: int
    text: str
    form: Form
    score: float


def best_headline(material: Material, *, max_chars: int, allowed: Callable[[str], bool]) -> Headline | None:
    """A short statement in the middle of what the talk is about, or the question that it sets out to answer.

    Args:
        material: all sentences.
        max_chars: its length, quotation marks included.
        allowed: what the house style allows.
    """
    found = [
        headline
        for candidate in material.candidates
        for headline in (*_statements(material, candidate), *_questions(material, candidate))
    ]
    found += _announcements(material)
    fitting = [
        one
        for one in found
        if len(one.text.split()) in (HEADLINE_WORDS if one.form is not Form.TOPIC else range(2, 17))
        and len(one.text) + 2 <= max_chars
        and not one.text[:1].islower()
        and allowed(one.text)
    ]
    best = max(fitting, key=lambda one: one.score, default=None)
    return None if best is None or best.score <= 0 else replace(best, text=best.text.removesuffix("."))


def _statements(material: Material, candidate: Candidate) -> Iterator[Headline]:
    if not is_finished(candidate.reading.text):
        return
    # An answer leans on its question, however whole it sounds; a short statement comes to the point at once.
    place = 0.7 if material.question(candidate.index) == candidate.index - 1 else 1.0
    # "In der Bahnhofstraße sind es sogar …": more than where?
    place *= 0.7 if _ADDS.search(candidate.reading.text) else 1.0
    place *= POINT_FIRST if candidate.index < POINT_SENTENCES and material.is_statement else 1.0
    for reading in clauses(candidate.statement):
        w = worth(reading)
        sure = min(word.probability for word in reading.spoken.words) >= SURE_WORD
        score = place * w.independence**2 * _promise(material, candidate, reading.text, w) * (1.0 if sure else 0.5)
        yield Headline(candidate.index, reading.text, Form.STATEMENT, score)


def _questions(material: Material, candidate: Candidate) -> Iterator[Headline]:
    """The question that somebody says at the beginning the talk is about."""
    text = candidate.reading.text
    if not candidate.asks or candidate.index > 0.12 * len(material.candidates):
        return
    question = plain_question(text)
    before = text if question != text else material.candidates[max(0, candidate.index - 1)].reading.text
    if "frage" in before.lower().split()[:8] and not ADDRESSES.search(question):
        # "Die Frage lautet: Was bleibt …?" asked at the beginning is what the talk is about, whoever asks.
        w = replace(candidate.worth, stance=max(candidate.worth.stance, 0.6))
        yield Headline(candidate.index, question, Form.QUESTION, 4.0 * _promise(material, candidate, question, w))


def _announcements(material: Material) -> Iterator[Headline]:
    """Topics that are announced at the beginning, in the words they are announced in."""
    for candidate in material.candidates:
        early = candidate.spoken.span.start <= material.opening_s
        if not early or not SPEAKS_ABOUT.search(candidate.reading.text):
            continue
        topic = announced_topic(candidate.reading) or ""
        if len(topic.split()) >= 2 and topic.lower() in candidate.reading.text.lower():
            yield Headline(candidate.index, topic[:1].upper() + topic[1:], Form.TOPIC, ANNOUNCED)


def _promise(material: Material, candidate: Candidate, text: str, w: Worth) -> float:
    """How much a headline tells, in how few words, and whether a reader knows who speaks."""
    # A few sentences have no middle.
    enough = min(1.0, len(material.candidates) / MANY_SENTENCES)
    central = enough * (0.2 + candidate.central) + (1 - enough) * 0.7
    score = w.matter * w.confidence * w.general * (0.3 + w.information) * central * (0.4 + w.stance)
    words = text.split()
    score *= 0.45 if len(words) < 6 else 1.0 if len(words) <= 12 else 0.8 if len(words) <= 14 else 0.5
    score *= 0.5 if FIRST_PERSON.search(text) else 1.0
    score *= 0.6 if ADDRESSES.search(text) or words[0].lower() in {"wenn", "if"} else 1.0
    # "Trotzdem": in spite of what?
    score *= 0.5 if CONNECTS.search(text) else 1.0
    return score * (0.6 if candidate.by_host else 1.0)
