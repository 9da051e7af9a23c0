"""The words that carry what a sentence says, and how alike those of two sentences are."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz
from wordfreq import zipf_frequency

from jobs.german import numeral
from jobs.proof.tokens import tokens

#: Words as common as this (Zipf frequency: log10 of occurrences in a billion words) carry nothing; each step below
#: makes a word weigh more, up to `_FULL_STEPS`.
_COMMON = 6.0
_FULL_STEPS = 3.0
#: Words that weigh less than this aren't looked at: "Leute", "gehen".
_LEAST_WEIGHT = 0.1
#: Parts of compounds and other forms of a verb count for a little less than the same word.
_KIN = 0.8
#: Likeness of two stems (rapidfuzz's `ratio`, 0 to 100) from which they may be forms of one word: "sproch", "sprech".
_SAME_WORD = 80.0
#: A stem of so many letters within another is a part of it: "weihnacht" of "vorweihnachtszeit".
LONG_PART = 7
_MAX_WORD = 60


@dataclass(frozen=True, slots=True)
class Term:
    """One telling word."""

    text: str
    stem: str
    #: How much it tells, 0.1 to 1.0.
    weight: float
    #: Place of its first character in the text.
    start: int


def terms(text: str, *, language: str = "de") -> tuple[Term, ...]:
    """The telling words of a text in order; numbers aren't among them.

    Examples:
        >>> [term.text for term in terms("Das Vertrauen der Leser ist unser einziges Kapital.")]
        ['Vertrauen', 'Leser', 'unser', 'einziges', 'Kapital']
    """
    found = []
    for token in tokens(text):
        if token.is_word and len(token.text) > 1 and numeral(token.text) is None:
            word = token.text[:_MAX_WORD]
            weight = weight_of(word, language)
            if weight >= _LEAST_WEIGHT:
                found.append(Term(word, stem(word), weight, token.start))
    return tuple(found)


@lru_cache(maxsize=1 << 15)
def weight_of(word: str, language: str = "de") -> float:
    """How much a word tells, 0.0 for those that stand everywhere to 1.0 for rare ones."""
    frequency = float(zipf_frequency(word[:_MAX_WORD].lower(), "en" if language == "en" else "de"))
    return min(1.0, max(0.0, (_COMMON - frequency) / _FULL_STEPS))


@lru_cache(maxsize=1 << 15)
def stem(word: str) -> str:
    """Cut a German word down to its stem.

    CISTEM in its case-insensitive form: Weißweiler and Fraser, "Developing a Stemmer for German Based on a
    Comparative Analysis of Publicly Available Stemmers", GSCL 2017.

    Examples:
        >>> stem("stört") == stem("störe"), stem("gekauft"), stem("Zeitungen")
        (True, 'kauf', 'zeitung')
    """
    word = word.lower().replace("ü", "u").replace("ö", "o").replace("ä", "a").replace("ß", "ss")
    word = re.sub(r"^ge(?=.{4})", "", word)
    # Two letters that are spoken as one keep each other from being cut.
    for letters, sign in (("sch", "$"), ("ei", "%"), ("ie", "&")):
        word = word.replace(letters, sign)
    word = re.sub(r"(.)\1", r"\1*", word)
    while len(word) > 3:
        if len(word) > 5 and word.endswith(("em", "er", "nd")):
            word = word[:-2]
        elif word.endswith(("e", "s", "n", "t")):
            word = word[:-1]
        else:
            break
    word = re.sub(r"(.)\*", r"\1\1", word)
    for letters, sign in (("sch", "$"), ("ei", "%"), ("ie", "&")):
        word = word.replace(sign, letters)
    return word


def stems(texts: Iterable[str]) -> frozenset[str]:
    """The stems of all words of some texts."""
    return frozenset(stem(token.text) for text in texts for token in tokens(text) if token.is_word)


@lru_cache(maxsize=1 << 18)
def likeness(one: str, other: str) -> float:
    """How alike two stems are: 1.0 for the same, 0.8 for kin such as part and compound, else 0.0.

    Examples:
        >>> likeness("zeitung", "lokalzeitung"), likeness("verkauf", "verkauft"), likeness("haus", "maus")
        (0.8, 0.8, 0.0)
    """
    if one == other:
        return 1.0
    short, long = sorted((one, other), key=len)
    if len(short) < 4:
        return 0.0
    within = (
        long.startswith(short)
        or (long.endswith(short) and len(short) > 4)
        or (short in long and len(short) >= LONG_PART)
        or short == long.removeprefix("un")
    )
    alike = len(short) > 4 and one[0] == other[0] and fuzz.ratio(one, other) >= _SAME_WORD
    return _KIN if within or alike else 0.0


def is_common_noun(word: str) -> bool:
    """Whether a word ends as nouns do that name nobody: "Gründung", "Radfahrende"."""
    return _NO_NAME.fullmatch(word.lower()) is not None


_NO_NAME = re.compile(
    r".*(?:ung|heit|keit|schaft|tion|sion|tät|ismus|ik|nis|tum|tur|enz|anz|ment|age|ling|chen|innen|ende[rn]?|en)s?|.{3,}(?:er|or|ent|ant|ist|eur|log)in"
)


@lru_cache(maxsize=1 << 15)
def is_unheard(word: str) -> bool:
    """Whether a word is rare, no compound and no form of a word that is known: most likely a name.

    Examples:
        >>> is_unheard("Kröger"), is_unheard("Schwachhausen"), is_unheard("Investoren"), is_unheard("Treibstoffs")
        (True, True, False, False)
    """
    low = word[:_MAX_WORD].lower()
    if _PLACE.fullmatch(low) is not None:
        return True
    if _frequency(low) >= _UNHEARD or _DERIVED.fullmatch(low) is not None:
        return False
    bases = {low.removesuffix(ending) for ending in _ENDINGS} | {f"{low.removesuffix('in')}e"} - {low + "e"}
    known = any(_frequency(one) >= _KNOWN for base in bases - {low} for one in (base, base.translate(_PLAIN)))
    return not known and not any(_is_compound(one) for one in bases)


def _is_compound(low: str) -> bool:
    places = range(_SHORTEST_PART, len(low) - _SHORTEST_PART)
    # "Saatgut": what is short must be known well.
    first, last = low[:-_SHORTEST_PART], low[-_SHORTEST_PART:]
    short = len(first) > _SHORTEST_PART and _frequency(first) >= _HEAD and _frequency(last) >= _SHORT_HEAD
    return short or any(_frequency(low[at:]) >= _HEAD and _is_first_part(low[:at]) for at in places)


#: What German nouns end in when they are bent, and vowels as they are in the singular.
_ENDINGS = ("", "en", "n", "e", "er", "s", "es", "in", "innen")
_PLAIN = str.maketrans("äöü", "aou")


def is_rival(one: str, other: str) -> bool:
    """Whether two compounds end alike and begin otherwise: "Suezkanal" and "Panamakanal".

    Args:
        one: a stem.
        other: another.
    """
    shared = 0
    while shared < min(len(one), len(other)) and one[-1 - shared] == other[-1 - shared]:
        shared += 1
    firsts = (one[: len(one) - shared], other[: len(other) - shared])
    named = all(len(first) >= _SHORTEST_PART and first not in _PARTICLES for first in firsts)
    return named and any(_frequency(one[-size:]) >= _HEAD for size in range(_LONG_HEAD, shared + 1))


def _is_first_part(low: str) -> bool:
    return any(_frequency(one) >= _KNOWN for one in (low, low.removesuffix("s"), low.removesuffix("n"), low + "e"))


def _frequency(low: str) -> float:
    return float(zipf_frequency(low, "de"))


#: Zipf frequencies: of what is hardly heard, of a word that is known, of one that compounds end in, of a short one.
_UNHEARD, _KNOWN, _HEAD, _SHORT_HEAD = 3.7, 2.3, 3.3, 4.5
#: Stems of what stands before verbs and nouns without naming anything: "Aufstieg", "Abstieg".
_PARTICLES = frozenset(
    word
    for words in ("auf aus ein vor nach uber unt mit hin her bei", "fest weit zuruck wied zusamm umm gross klein")
    for word in words.split()
)
#: Letters of the shortest last part that two rivals share.
_LONG_HEAD = 5
#: Ends of places' names that no other noun has.
_PLACE = re.compile(r".{3,}(?:hausen|haven|stedt|büttel|hofen|weiler|kirchen|rode)s?")
#: Ends of nouns that are made of other words.
_DERIVED = re.compile(
    r".*(?:ung|ungen|heit|keit|heiten|keiten|schaft|schaften|tion|tionen|sion|tät|ismus|nis|tum|enz|anz|ment|ling|chen"
    r"|innen|ende[rn]?|ier|eur|ist|isten|logie|ieren)s?"
)


def is_made_of(word: str, parts: frozenset[str]) -> bool:
    """Whether a compound is made of two stems: "Theaterparkhaus" of "theater" and "parkhaus"; or is one of them.

    Examples:
        >>> is_made_of("Lehrerzimmer", frozenset({"lehr", "zimm"})), is_made_of("Zimmer", frozenset({"lehr"}))
        (True, False)
    """
    whole = stem(word)
    if whole in parts:
        return True
    heads = (size for size in range(_SHORTEST_PART, len(whole) - _SHORTEST_PART + 1) if stem(word[:size]) in parts)
    return any(stem(word[size:]) in parts or stem(word[size + 1 :]) in parts for size in heads)


#: Letters of the shortest part of a compound.
_SHORTEST_PART = 3


def is_opposite(one: str, other: str) -> bool:
    """Whether two stems are each other's denial by "un": "wichtig" and "unwichtig"."""
    return one != other and (one == "un" + other or other == "un" + one)
