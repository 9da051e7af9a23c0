"""Questions that somebody asks on a stage, and what answers them."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import replace

from jobs.writing.material import SELF_CONTAINED, Material
from jobs.writing.phrases import AGREES, ASKS, is_chatter
from jobs.writing.titles import plain_question
from jobs.writing.worth import Kind, Reading, part, worth

ASKED_WORDS = range(3, 17)

#: A question that begins so has its verb behind a comma, and the question with it.
_DEPENDS = re.compile(r"(?:wenn|falls|weil|ob|obwohl|während|nachdem|bevor|sobald|if|when|while)\b", re.IGNORECASE)
_ADDRESSED = re.compile(r"\b(?:sie|ihnen|ihr(?:e[nmrs]?)?)\b")


def is_answer(material: Material, index: int, taken: AbstractSet[int]) -> bool:
    """Whether a sentence answers a question that can be told, and says more than that it does."""
    asked = answered(material, index, taken)
    text = material.candidates[index].reading.text
    return asked is not None and asked_as(material, asked) is not None and not (AGREES.match(text) or is_chatter(text))


def answered(material: Material, index: int, taken: AbstractSet[int]) -> int | None:
    """The question that a sentence answers, and that the reader can be told it does.

    Where the answer's first sentence is among `taken`, which stand elsewhere, the second one alone is no answer.
    """
    asked = material.question(index)
    begun = asked is not None and index - 1 != asked and index - 1 in taken
    return None if begun else asked


def asked_as(material: Material, index: int) -> Reading | None:
    """A question as it can be told to somebody who has heard nothing before; None where that can't be."""
    reading = material.candidates[index].reading
    words = [word.text for word in reading.spoken.words]
    # "Kommen wir zum Geld, womit verdienen Sie das?", "Frau Lindner, darf eine Maschine sprechen?"
    verbs = (Kind.VERB, Kind.AUXILIARY) if not _DEPENDS.match(reading.text) else ()
    anew = [
        i
        for i in range(1, len(words))
        if words[i - 1].endswith(",") and (ASKS.match(words[i]) or reading.kinds[i] in verbs)
    ]
    start = anew[-1] if anew else len(words) - len(plain_question(reading.text).split())
    if len(words) - max(0, start) not in ASKED_WORDS:
        return None
    alone = part(reading, range(max(0, start), len(words)))
    w = worth(_addressed(alone))
    told = w.independence >= SELF_CONTAINED and w.confidence >= 0.5 and w.matter > 0 and not alone.unheard
    return alone if told else None


def _addressed(question: Reading) -> Reading:
    """A question with its "ihnen" written large: whom it is put to is there, and recognizers can't hear capitals."""
    words = tuple(replace(word, text=_ADDRESSED.sub(_capital, word.text)) for word in question.spoken.words)
    return replace(question, text=_ADDRESSED.sub(_capital, question.text), spoken=replace(question.spoken, words=words))


def _capital(found: re.Match[str]) -> str:
    return found.group().capitalize()
