"""What a spoken sentence is worth to an editor, judged by its words alone.

Each measure lies between 0.0 and 1.0 and can be read for itself; a writer multiplies those that matter to it.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from jobs.german import Spoken, bare, is_finished, numeral
from jobs.writing import phrases


class Kind(Enum):
    """Part of speech, as coarse as titles and measures need it."""

    NOUN = auto()
    NAME = auto()
    ADJECTIVE = auto()
    DETERMINER = auto()
    NUMBER = auto()
    PREPOSITION = auto()
    VERB = auto()
    #: "haben", "werden", "können", "be", "do".
    AUXILIARY = auto()
    PRONOUN = auto()
    OTHER = auto()


#: Texts → their meaning: float32 of shape (n, dim), rows of length 1. Takes any language.
Embed = Callable[[Sequence[str]], NDArray[np.float32]]
#: The words of one sentence (punctuation attached) and its language → kind and base form of each.
Tag = Callable[[Sequence[str], str], Sequence[tuple[Kind, str]]]
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
    #: Each noun as it stands alone, "Landkreisen" as "Landkreise"; any other word as it was said, without punctuation.
    bases: tuple[str, ...]
    #: How much each word tells, 0.0 to 1.0; 0.0 for anything but nouns, names, adjectives, numbers and verbs.
    rarity: tuple[float, ...]
    #: Words that nobody ever wrote, nor made of words that somebody did: slips of the recognizer. Names only where it
    #: was unsure.
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
_VERBS = (Kind.VERB, Kind.AUXILIARY)
#: What is left of a sentence for a word that carries its meaning, by the recognizer's probability up to which that
#: holds. Of 1,300 words of four letters or more that whisper-base heard on five stage recordings, 45 % of those below
#: 0.6 were wrong, 27 % of those below 0.8, and 2 % of the rest.
_DOUBTED = ((0.6, 0.67), (0.8, 0.85))
#: A name below may be a slip.
_SURE = 0.6
#: Parts of a compound are written at least this often (Zipf scale), by their letters: nearly any three are a word.
_PARTS = {3: 4.5}
_LONG_PART = 2.5
#: What may stand between two of them.
_LINKS = ("", "s", "es", "n", "en", "er", "e")
#: Verbs and adjectives carry less of the topic than nouns do.
_WEIGHT = {Kind.VERB: 0.5, Kind.ADJECTIVE: 0.7, Kind.NUMBER: 0.6}

_MASCULINE, _FEMININE, _NEUTER, _PLURAL = 1, 2, 4, 8
_ANY = _MASCULINE | _FEMININE | _NEUTER | _PLURAL
#: What a pronoun can stand for. "Es" is left out: it mostly stands for nothing ("es gibt"). "Das", "dies" and the
#: like stand for whole clauses.
_STANDS_FOR = {
    "er": _MASCULINE, "ihn": _MASCULINE, "ihm": _MASCULINE | _NEUTER, "sie": _FEMININE | _PLURAL, "ihnen": _PLURAL,
    "sein": _MASCULINE | _NEUTER, "ihr": _FEMININE | _PLURAL,
    **dict.fromkeys(("he", "him", "she", "they", "them", "das", "dies", "die", "der", "den", "dem"), _ANY),
}  # fmt: skip
#: What a word before a noun tells of its gender; "kein", "mein" and so on end like "ein".
_ARTICLES = {
    "der": _MASCULINE | _FEMININE | _PLURAL, "die": _FEMININE | _PLURAL, "das": _NEUTER, "den": _MASCULINE | _PLURAL,
    "dem": _MASCULINE | _NEUTER, "des": _MASCULINE | _NEUTER, "zur": _FEMININE,
    **dict.fromkeys(("zum", "im", "am", "beim", "vom"), _MASCULINE | _NEUTER), **dict.fromkeys(("ins", "ans"), _NEUTER),
}  # fmt: skip
_ARTICLE_ENDINGS = (
    ("eine", _FEMININE | _PLURAL), ("einen", _MASCULINE | _PLURAL), ("einem", _MASCULINE | _NEUTER),
    ("einer", _FEMININE | _PLURAL), ("eines", _MASCULINE | _NEUTER), ("ein", _MASCULINE | _NEUTER),
)  # fmt: skip
#: Somebody, without a noun: "Wer schreibt, braucht seine Leser."
_SOMEBODY = frozenset(
    word
    for words in (
        "wer jede jeder jeden jedem jemand jemanden niemand niemanden man keiner keine alle viele einige manche beide",
        "who everybody everyone nobody somebody someone people ich wir i we you",
    )
    for word in words.split()
)
_POSSESSIVE = re.compile(r"(sein|ihr)(?:e[rsmn]?)?")
#: What a reader would have to ask back for, and what is left of a sentence's independence then.
_PRICES = (
    (phrases.ELLIPTIC, 0.5),
    (phrases.ITEM, 0.75),
    (phrases.CONNECTS, 0.93),
    (phrases.META, 0.2),
    (phrases.OPENS_TOPIC, 0.25),
)


def read(sentence: Spoken, *, tag: Tag, frequency: Frequency, spelt: frozenset[str] = frozenset()) -> Reading:
    """Look up every word of a sentence; `spelt` are words, in small letters, that a person has spelt for this talk."""
    words = [word.text for word in sentence.words]
    tagged = tag(words, sentence.language)
    kinds = tuple(kind for kind, _ in tagged)
    bases = tuple(
        _alone(words, i, lemma, lambda form: frequency(form, sentence.language))
        if kind is Kind.NOUN
        else bare(words[i])
        for i, (kind, lemma) in enumerate(tagged)
    )
    rarity = tuple(
        _rarity(bare(word), kind, sentence.language, frequency) for word, kind in zip(words, kinds, strict=True)
    )
    unheard = tuple(
        bare(word.text)
        for word, kind in zip(sentence.words, kinds, strict=True)
        if word.heard is None
        and bare(word.text).casefold() not in spelt
        and (kind is not Kind.NAME or word.probability < _SURE)
        and _is_slip(bare(word.text), kind, lambda form: frequency(form, sentence.language))
    )
    return Reading(spoken=sentence, text=sentence.text, kinds=kinds, bases=bases, rarity=rarity, unheard=unheard)


def _is_slip(word: str, kind: Kind, frequency: Callable[[str], float]) -> bool:
    """Whether nobody ever wrote a word. Nouns unheard of are mostly compounds: those are looked up by their parts."""
    if not word.isalpha() or frequency(word) > 0:
        return False
    return word.islower() or (kind in (Kind.NOUN, Kind.NAME) and not _is_compound(word.lower(), frequency))


def _is_compound(word: str, frequency: Callable[[str], float]) -> bool:
    """Whether a word is put together of known ones, with or without a linking sound: "Buchbusfahrerin"."""
    reached = {0}
    for end in range(1, len(word) + 1):
        links = _LINKS if end < len(word) else ("",)
        parts = (word[start:end].removesuffix(link) for start in reached for link in links)
        if any(_is_part(part, frequency) for part in parts):
            reached.add(end)
    return len(word) in reached


def _is_part(part: str, frequency: Callable[[str], float]) -> bool:
    return len(part) >= min(_PARTS) and frequency(part) >= _PARTS.get(len(part), _LONG_PART)


def part(reading: Reading, within: range) -> Reading:
    """Some words of a sentence that stand next to each other, read as a sentence of their own.

    Its text starts with a capital letter and ends with a full stop where it broke off at a comma.

    Args:
        reading: the whole sentence.
        within: places of the words to keep, at least one.
    """
    cut = slice(within.start, within.stop)
    words = reading.spoken.words[cut]
    said = {bare(word.text) for word in words}
    text = re.sub(r",$", ".", " ".join(word.text for word in words))
    return Reading(
        spoken=replace(reading.spoken, words=words),
        text=text[:1].upper() + text[1:],
        kinds=reading.kinds[cut],
        bases=reading.bases[cut],
        rarity=reading.rarity[cut],
        unheard=tuple(word for word in reading.unheard if word in said),
    )


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


def _alone(words: Sequence[str], index: int, lemma: str, frequency: Callable[[str], float]) -> str:
    """A noun without the ending that its place in the sentence gave it, where that is certain.

    Dative plural adds an n to "Landkreise" and none to "Zeitungen": without it "Zeitunge" is left, which nobody says.
    A genitive is one for certain after "des" and its like; else the s may be a plural's ("Podcasts").
    """
    form = bare(words[index])
    stem = form[:-1]
    if form.endswith("n") and lemma not in (form, stem) and frequency(stem) > max(0.0, frequency(form) - 1.0):
        return stem
    owner = any(bare(word).lower().endswith(("des", "nes", "res")) for word in words[max(0, index - 2) : index])
    if owner and form in (lemma + "s", lemma + "es"):
        return lemma
    return form


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
    joins = phrases.JOINS.match(text) is not None
    if phrases.leans(text) and not article:
        score *= 0.8 if phrases.STANDS_ANYWAY.match(text) else 0.6 if joins else 0.35
    score *= 0.45 ** dangling(reading)
    # "Null, das ist die Zahl der Handys": how many what?
    score *= 0.5 if _begins_without_verb(reading) else 1.0
    # "Die Frau am Würstchenstand zum Beispiel."
    score *= 1.0 if any(kind in (Kind.VERB, Kind.AUXILIARY) for kind in reading.kinds) else 0.3
    for back in phrases.POINTS_BACK.finditer(text):
        if phrases.SAYS_WHAT.search(text, back.end()) is None:
            score *= 0.85 if _explained(reading, text[: back.start()]) else 0.55
    if phrases.IT_AS_OBJECT.search(text) and phrases.SAYS_WHAT.search(text) is None:
        score *= 0.5
    for pattern, price in _PRICES:
        score *= price if pattern.search(text) else 1.0
    # A small letter at the start: the diarizer gave the beginning to somebody else.
    whole = is_finished(text) and not text[:1].islower()
    return score if whole else 0.3 * score


def _begins_without_verb(reading: Reading) -> bool:
    """Whether the words before the first comma are no clause, and what follows neither belongs to them nor goes on.

    "Ein Eigentümer, der …, lässt" begins with a whole; so do "In kleinen Städten, sagt er, gibt es …" and "Presse, Funk
    und Bühne leben …".
    """
    words = [word.text for word in reading.spoken.words]
    comma = next((i for i, word in enumerate(words[:-1]) if word.endswith(",")), None)
    if comma is None or any(kind in _VERBS for kind in reading.kinds[: comma + 1]):
        return False
    follower = bare(words[comma + 1]).lower()
    if follower in {"und", "and"}:
        # "Acht von neun, und im Team ist es …"
        return True
    verb = next((i for i, kind in enumerate(reading.kinds) if kind in _VERBS), len(words))
    if any(bare(word) in {"und", "oder", "and", "or"} for word in words[comma + 1 : verb]):
        return False
    # "Null, das ist …" is no relative clause; "Noch, muss man sagen, …" no parenthesis.
    begins = follower == "das" and verb == comma + 2
    return (comma == 0 or verb != comma + 1) and (begins or not phrases.CARRIES_ON.match(follower))


def _explained(reading: Reading, before: str) -> bool:
    """Whether an earlier clause holds a noun: "Wenn jemand ein Produkt lobt, glaubt niemand mehr daran"."""
    clauses = before.rpartition(",")[0]
    return any(kind in (Kind.NOUN, Kind.NAME) for kind in reading.kinds[: len(clauses.split())])


def dangling(reading: Reading) -> int:
    """How many pronouns stand for nobody and nothing that the sentence named before.

    A noun stands behind a pronoun if its article allows for the pronoun's gender: in "Das Wetter darf sie sprechen"
    nothing does.
    """
    named, missing, clauses = 0, 0, 0
    for index, (word, kind) in enumerate(zip(reading.spoken.words, reading.kinds, strict=True)):
        token = bare(word.text)
        needs = _needs(token, kind, first=index == 0)
        if needs and not (needs & named or (needs == _ANY and clauses)):
            missing += 1
        if kind in (Kind.NOUN, Kind.NAME):
            named |= _gender(reading, index)
        elif token.lower() in _SOMEBODY:
            named |= _ANY
        clauses += word.text.endswith((",", ":", "–"))
    return missing


def _needs(token: str, kind: Kind, *, first: bool) -> int:
    """The genders that a pronoun asks for; 0 for any other word, and for words of address."""
    word = token.lower() if first else token
    owned = _POSSESSIVE.fullmatch(word)
    if owned is not None and kind is Kind.DETERMINER:
        return _STANDS_FOR[owned.group(1)]
    demonstrative = word in {"das", "dies", "die", "der", "den", "dem", "sein", "ihr"}
    return 0 if demonstrative and kind is not Kind.PRONOUN else _STANDS_FOR.get(word, 0)


def _gender(reading: Reading, index: int) -> int:
    """What the words before a noun tell of its gender and number."""
    for place in range(index - 1, max(-1, index - 4), -1):
        before = bare(reading.spoken.words[place].text).lower()
        if before in _ARTICLES:
            return _ARTICLES[before]
        if reading.kinds[place] is Kind.DETERMINER:
            return next((gender for ending, gender in _ARTICLE_ENDINGS if before.endswith(ending)), _ANY)
        if reading.kinds[place] not in (Kind.ADJECTIVE, Kind.NUMBER, Kind.NAME):
            break
    return _ANY


def _confidence(reading: Reading) -> float:
    """Mean probability of the worst fifth of the words; 0.6 is as good as it gets with small models.

    A recognizer is often sure of words that don't exist: each leaves a third of it, and so does broken grammar. Words
    that carry the meaning and that it doubts itself ("verspielen", heard as "versuchen") cost less.
    """
    words = reading.spoken.words
    worst = sorted(word.probability for word in words)[: max(1, len(words) // 5)]
    telling = [word.probability for word, kind in zip(words, reading.kinds, strict=True) if kind in _TELLING]
    doubted = math.prod(next((left for below, left in _DOUBTED if one < below), 1.0) for one in telling)
    mean = sum(worst) / len(worst)
    slips = len(reading.unheard) + (phrases.MISHEARD.match(reading.text) is not None)
    # "Jeden, äh, jeden Mittwoch": nobody wants to read it so.
    stammers = 0.45 if phrases.STAMMERS.search(reading.text) else 1.0
    return min(1.0, max(0.0, mean) / 0.6) * 0.3**slips * doubted * stammers
