"""What a spoken sentence is worth to an editor, judged by its words alone.

Each measure lies between 0.0 and 1.0 and can be read for itself; a writer multiplies those that matter to it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from jobs import phrases
from jobs.german import Spoken, bare, is_finished, numeral


class Kind(Enum):
    """Part of speech, as coarse as titles and measures need it."""

    NOUN = auto()
    NAME = auto()
    ADJECTIVE = auto()
    DETERMINER = auto()
    NUMBER = auto()
    PREPOSITION = auto()
    VERB = auto()
    PRONOUN = auto()
    OTHER = auto()


#: Texts → their meaning: float32 of shape (n, dim), rows of length 1. Takes any language.
Embed = Callable[[Sequence[str]], NDArray[np.float32]]
#: The words of one sentence (punctuation attached) and its language → one kind a word.
Tag = Callable[[Sequence[str], str], Sequence[Kind]]
#: A word and its language → Zipf frequency: log10 of its occurrences in a billion words, 0.0 if never seen.
Frequency = Callable[[str, str], float]


@dataclass(frozen=True, slots=True)
class Instruments:
    """What sentences are measured with."""

    embed: Embed
    tag: Tag
    frequency: Frequency


@dataclass(frozen=True, slots=True)
class Reading:
    """A sentence, looked at word by word."""

    spoken: Spoken
    text: str
    kinds: tuple[Kind, ...]
    #: How much each word tells, 0.0 to 1.0; 0.0 for anything but nouns, names, adjectives, numbers and verbs.
    rarity: tuple[float, ...]
    #: Words that nobody ever wrote and that aren't nouns: most nouns unheard of are compounds, these are slips.
    unheard: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Worth:
    """Measures of one sentence, each 0.0 to 1.0."""

    #: How much it tells: number and density of rare words.
    information: float
    #: Whether it can be understood without the sentence before.
    independence: float
    #: Whether somebody judges, demands, contrasts or sums up.
    stance: float
    #: How sure the recognizer was, where it was least sure.
    confidence: float
    #: 0.0 for greetings, thanks and housekeeping, else 1.0.
    matter: float
    #: Lower for what happened once ("Damals saß ich …") than for what holds.
    general: float


_TELLING = frozenset({Kind.NOUN, Kind.NAME, Kind.ADJECTIVE, Kind.NUMBER, Kind.VERB})
#: Verbs and adjectives carry less of the topic than nouns do.
_WEIGHT = {Kind.VERB: 0.5, Kind.ADJECTIVE: 0.7, Kind.NUMBER: 0.6}

_THIRD_PERSON = frozenset({"er", "sie", "ihn", "ihm", "ihnen", "he", "she", "him", "they", "them"})
#: What a reader would have to ask back for, and what is left of a sentence's independence then.
_PRICES = ((phrases.ITEM, 0.75), (phrases.META, 0.2), (phrases.OPENS_TOPIC, 0.25))


def read(sentence: Spoken, *, tag: Tag, frequency: Frequency) -> Reading:
    """Look up every word of a sentence."""
    words = [word.text for word in sentence.words]
    kinds = tuple(tag(words, sentence.language))
    rarity = tuple(
        _rarity(bare(word), kind, sentence.language, frequency) for word, kind in zip(words, kinds, strict=True)
    )
    unheard = tuple(
        bare(word)
        for word in words
        if bare(word).isalpha() and bare(word).islower() and frequency(bare(word), sentence.language) == 0
    )
    return Reading(spoken=sentence, text=sentence.text, kinds=kinds, rarity=rarity, unheard=unheard)


def worth(reading: Reading) -> Worth:
    """Judge a sentence by its words."""
    return Worth(
        information=_information(reading),
        independence=_independence(reading),
        stance=min(1.0, sum(bool(pattern.search(reading.text)) for pattern in phrases.STANCES) / 3),
        confidence=_confidence(reading),
        matter=0.0 if phrases.is_chatter(reading.text) else 1.0,
        general=0.6 if phrases.ONCE.search(reading.text) else 1.0,
    )


def names_something(reading: Reading) -> bool:
    """Whether a sentence holds a noun or name that isn't about the talk itself."""
    return any(
        kind in (Kind.NOUN, Kind.NAME) and rarity > 0.1
        for kind, rarity in zip(reading.kinds, reading.rarity, strict=True)
    )


def _rarity(word: str, kind: Kind, language: str, frequency: Frequency) -> float:
    """0.0 for what everybody says all the time (Zipf 6.5), 1.0 for what is hardly ever said (Zipf 2.5).

    A word that was never seen may be a long German compound or a slip of the recognizer: it counts half.
    """
    if kind not in _TELLING or not word or word.lower() in phrases.EMPTY:
        return 0.0
    if kind is Kind.NUMBER or numeral(word) is not None or word[0].isdigit():
        return 0.3
    zipf = frequency(word, language)
    return 0.5 if zipf == 0 else _WEIGHT.get(kind, 1.0) * min(1.0, max(0.0, (6.5 - zipf) / 4))


def _information(reading: Reading) -> float:
    amount = sum(reading.rarity)
    density = amount / max(6, len(reading.rarity))
    return float(0.6 * (1 - np.exp(-amount / 2.0)) + 0.4 * min(1.0, density / 0.2))


def _independence(reading: Reading) -> float:
    """Each thing that a reader would have to ask back for costs its share."""
    text, score = reading.text, 1.0
    article = reading.kinds[0] is Kind.DETERMINER and not phrases.POINTS_BACK.match(text)
    if phrases.leans(text) and not article:
        score *= 0.8 if phrases.STANDS_ANYWAY.match(text) else 0.35
    if _refers_back(reading):
        score *= 0.6
    if phrases.SAYS_WHAT.search(text) is None:
        score *= 0.55 ** len(phrases.POINTS_BACK.findall(text)) * (0.5 if phrases.IT_AS_OBJECT.search(text) else 1.0)
    for pattern, price in _PRICES:
        score *= price if pattern.search(text) else 1.0
    # A small letter at the start: the diarizer gave the beginning to somebody else.
    whole = is_finished(text) and not text[:1].islower()
    return score if whole else 0.3 * score


def _refers_back(reading: Reading) -> bool:
    """Whether a third-person pronoun or a "das" comes before any noun or clause that it could stand for."""
    for word, kind in zip(reading.spoken.words, reading.kinds, strict=True):
        if kind in (Kind.NOUN, Kind.NAME):
            return False
        if bare(word.text) in _THIRD_PERSON or (kind is Kind.PRONOUN and bare(word.text) == "das"):
            return True
        if word.text.endswith(","):
            return False
    return False


def _confidence(reading: Reading) -> float:
    """Mean probability of the worst fifth of the words; 0.6 is as good as it gets with small models.

    A recognizer is often sure of words that don't exist: each leaves a third of it.
    """
    worst = sorted(word.probability for word in reading.spoken.words)[: max(1, len(reading.spoken.words) // 5)]
    return min(1.0, max(0.0, sum(worst) / len(worst)) / 0.6) * 0.3 ** len(reading.unheard)
