"""The form in which words are compared, so that spelling costs nothing and hearing does.

`basic` is what Radford et al. 2023 (arXiv:2212.04356, appendix C) use for every language but English, known as
Whisper's BasicTextNormalizer: small letters, nothing in brackets, no symbols, single blanks.

`tokens` is the same, and besides, on both sides: numbers stand in digits ("zwölf Komma neun Millionen" is "12,9 Mio."
and "12.900.000"), prices and clock times alike ("12,90 Euro" is "zwölf Euro neunzig", "20.15 Uhr" is "zwanzig Uhr
fünfzehn"), ordinals without ending ("dritten Mai" is "3. Mai"); signs and abbreviations of units are words ("40 %" is
"vierzig Prozent"), and so are "§" and "&"; "äh", "hm" and the like aren't. "Ein" and its forms are 1 before a unit and
words elsewhere; a number within a word ("zehnjährig") stays there.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from jobs.german import ordinal
from jobs.proof import tokens as signs
from jobs.proof.amounts import Amount, Text, cardinal, number
from jobs.proof.units import CURRENCIES

_FILLERS = frozenset(("äh", "ähh", "ähm", "eh", "ehm", "hm", "hmm", "mh", "mhm", "öh", "öhm", "uhm"))
_SPELLED = {
    "§": "paragraf", "paragraph": "paragraf", "&": "und", "%": "prozent", "‰": "promille", "€": "euro", "$": "dollar",
    "£": "pfund", "°": "grad", "kg": "kilogramm", "km": "kilometer", "cm": "zentimeter", "mm": "millimeter",
}  # fmt: skip
_CLOSES = {"(": ")", "[": "]", "<": ">"}
_CLOCK = re.compile(r"(\d{1,2})[.:](\d\d)")


@dataclass(frozen=True, slots=True)
class Token:
    """One word in the form in which it is compared."""

    text: str
    #: Indices of the first and the last of the words that it was read from.
    first: int
    last: int


def basic(text: str) -> tuple[str, ...]:
    """The words of a text by Whisper's published rules alone.

    Examples:
        >>> basic("Gut (lacht), 40 % – geht's?")
        ('gut', '40', 'geht', 's')
    """
    text = re.sub(r"[<\[][^>\]]*[>\]]", "", text.lower())
    text = unicodedata.normalize("NFKC", re.sub(r"\([^)]+?\)", "", text))
    return tuple("".join(" " if unicodedata.category(one)[0] in "MSP" else one for one in text).lower().split())


def tokens(words: Sequence[str], *, language: str | None = None) -> tuple[Token, ...]:
    """Words in the form in which they are compared, each with where it came from.

    `language` "en" reads "140,000" and "billion" as English does; anything else reads German.

    Examples:
        >>> [token.text for token in tokens("Äh, zwölf Komma neun Millionen am dritten Mai.".split())]
        ['12900000', 'am', '3', 'mai']
        >>> [(token.text, token.first, token.last) for token in tokens(["um", "20.15", "Uhr"])]
        [('um', 0, 0), ('20', 1, 1), ('uhr', 2, 2), ('15', 1, 1)]
    """
    words = [unicodedata.normalize("NFKC", word).replace("_", "-") for word in words]
    found = signs.tokens(" ".join(words))
    ends = list(accumulate(len("".join(word.split())) for word in words))
    begins = list(accumulate((len(token.text) for token in found), initial=0))
    owners = [bisect_right(ends, begin) for begin in begins[:-1]]
    text = Text(found, "en" if language == "en" else "de", spoken=False)
    return tuple(
        Token(form, owners[start], owners[stop - 1]) for form, start, stop in _forms(text) if form not in _FILLERS
    )


#: A comparable word with the range of tokens that it was read from.
_Form = tuple[str, int, int]


def _forms(text: Text) -> Iterator[_Form]:
    """The comparable words of a text."""
    index = 0
    while index < len(text.tokens):
        behind = _bracket(text, index)
        forms: tuple[_Form, ...] = ()
        if behind is None:
            forms, behind = _clock(text, index) or _number(text, index) or _word(text, index)
        yield from forms
        index = behind


def _bracket(text: Text, index: int) -> int | None:
    """The token behind a bracket that begins here; None where none does."""
    closing = _CLOSES.get(text.low(index))
    if closing is None:
        return None
    rest = (place for place in range(index + 1, len(text.tokens)) if text.low(place) == closing)
    close = next(rest, None)
    return None if close is None else close + 1


def _clock(text: Text, index: int) -> tuple[tuple[_Form, ...], int] | None:
    """A clock time in digits, as it is spoken, and the token behind it."""
    clock = _CLOCK.fullmatch(text.low(index)) if text.low(index + 1) == "uhr" else None
    if clock is None:
        return None
    hour, minute = (str(int(part)) for part in clock.groups())
    forms = ((hour, index, index + 1), ("uhr", index + 1, index + 2))
    return (forms if minute == "0" else (*forms, (minute, index, index + 1))), index + 2


def _number(text: Text, index: int) -> tuple[tuple[_Form, ...], int] | None:
    """A number in digits, with its unit as it is written; behind a price its cents are part of it."""
    amount = _amount(text, index)
    if amount is None:
        return None
    value, behind = amount.total, amount.stop
    if amount.unit is None:
        return ((f"{value.normalize():f}", index, behind),), behind
    cents = _amount(text, behind) if amount.unit.dimension in CURRENCIES and value == int(value) else None
    if cents is not None and cents.unit is None and 0 < cents.total < 100:
        value, behind = value + cents.total / 100, cents.stop
    unit, _ = _word(text, amount.stop - 1)
    return ((f"{value.normalize():f}", index, amount.stop - 1), *unit), behind


def _amount(text: Text, index: int) -> Amount | None:
    """The number that begins here in a word or a figure of its own; None for an article that counts nothing."""
    if cardinal(text, index) is None:
        return None
    amount = number(text, index)
    return None if amount is None or (amount.article and amount.unit is None) else amount


def _word(text: Text, index: int) -> tuple[tuple[_Form, ...], int]:
    """A word as the published rules leave it, with the digits that hang on it ("CO2"); signs leave nothing."""
    low, behind = text.low(index), index + 1
    rank = ordinal(low) if low.endswith(("e", "en", "er", "es", "em")) else None
    if rank is not None:
        low = str(rank)
    elif behind < len(text.tokens) and text.is_part_of_name(behind):
        low, behind = low + text.low(behind), behind + 1
    return tuple((form, index, behind) for form in basic(_SPELLED.get(low, low))), behind
