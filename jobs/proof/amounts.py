"""Numbers as they are read from a text, in digits or words, with what multiplies and measures them.

"zwölf Komma neun Millionen Euro" is 12.9, scaled by a million, of euros.
"""

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from jobs.german import decimal, numeral
from jobs.proof.tokens import Token, joined
from jobs.proof.units import Unit, scale, unit


@dataclass(frozen=True, slots=True)
class Text:
    """A text that numbers are read from."""

    tokens: tuple[Token, ...]
    #: "en" reads "140,000" and "billion" as English does.
    language: str
    #: Whether it is evidence, in which "ein" and "beide" count.
    spoken: bool

    def low(self, index: int) -> str:
        """A token in small letters; "" behind the end."""
        return self.tokens[index].low if 0 <= index < len(self.tokens) else ""

    def is_part_of_name(self, index: int) -> bool:
        """Whether digits hang on letters: "CO2", "MP3"."""
        token, before = self.tokens[index], self.tokens[index - 1] if index else None
        return token.is_figure and before is not None and before.is_word and before.end == token.start

    def cut(self, start: int, stop: int) -> str:
        """The tokens as they stand in the text."""
        return joined(self.tokens[start:stop])


PARTS = {
    "hälfte": Decimal("0.5"), "drittel": Decimal(1) / 3, "dritteln": Decimal(1) / 3, "viertel": Decimal("0.25"),
    "vierteln": Decimal("0.25"), "fünftel": Decimal("0.2"), "fünfteln": Decimal("0.2"), "sechstel": Decimal(1) / 6,
    "siebtel": Decimal(1) / 7, "achtel": Decimal("0.125"), "neuntel": Decimal(1) / 9, "zehntel": Decimal("0.1"),
    "hundertstel": Decimal("0.01"), "½": Decimal("0.5"), "¼": Decimal("0.25"), "¾": Decimal("0.75"),
    "dreiviertel": Decimal("0.75"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as far as it has been read."""

    value: Decimal
    stop: int
    scaled: Decimal = Decimal(1)
    unit: Unit | None = None
    #: Nothing but "ein", which may be an article.
    article: bool = False

    @property
    def total(self) -> Decimal:
        """The value, multiplied."""
        return self.value * self.scaled


def number(text: Text, index: int) -> Amount | None:
    """The number that begins with a token, with its scale and its unit; None if none does."""
    found = _adjective(text, index) or cardinal(text, index)
    if found is None or found.unit is not None:
        return found
    found = _scaled(text, found)
    stop = found.stop
    if text.low(stop) in {"-", "us"} and unit(text.low(stop + 1)) is not None:
        stop += 1
    elif text.low(stop) == "us" and text.low(stop + 1) == "-":
        stop += 2
    measured = unit(text.low(stop), after_digits=text.tokens[found.stop - 1].is_figure)
    return found if measured is None else replace(found, unit=measured, stop=stop + 1)


def cardinal(text: Text, index: int) -> Amount | None:
    """A number in digits or words, with a decimal part that may be spoken ("null Komma acht")."""
    if not 0 <= index < len(text.tokens):
        return None
    token = text.tokens[index]
    low, article = token.low, is_article(token.low)
    value: Decimal | int | None
    if token.is_figure:
        value = decimal(token.text, language=text.language)
    elif low in {"halbe", "halben", "halber", "halbes"} and is_part_of_measure(text, index):
        value = Decimal("0.5")
    elif article and text.low(index + 1) in {"halbe", "halben", "halber", "halbes", "viertel", "dreiviertel"}:
        part = cardinal(text, index + 1) if text.low(index + 1).startswith("halb") else None
        quarter = PARTS.get(text.low(index + 1)) if is_part_of_measure(text, index + 1) else None
        value = quarter if quarter is not None else None if part is None else part.value
        if value is not None:
            return Amount(Decimal(value), index + 2)
        value = 1
    else:
        value = 1 if article else word_value(text, index)
    if value is None:
        return None
    found = Amount(Decimal(value), index + 1, article=article)
    return found if token.is_figure else _with_decimals(text, found)


def word_value(text: Text, index: int) -> Decimal | int | None:
    """The value of a numeral in letters; halves included."""
    token = text.tokens[index]
    low = token.low
    if not token.is_word or (low == "acht" and text.low(index - 1) in {"außer", "in"} and token.text[0].isupper()):
        return None
    if low.startswith("anderthalb"):
        return Decimal("1.5")
    half = re.fullmatch(r"(\w+)(?:und)?einhalb", low)
    if half is not None:
        whole = 1 if half.group(1) == "ein" else numeral(half.group(1).removesuffix("und"))
        return None if whole is None else whole + Decimal("0.5")
    if text.spoken and re.fullmatch(r"beide[nrms]?", low):
        return 2
    joined = numeral(low)
    tens = text.low(index + 1) == "-" and text.language == "en" and joined is not None and joined >= 20
    return numeral(f"{low}-{text.low(index + 2)}") if tens else joined


def is_article(low: str) -> bool:
    """Whether a word may be an article as well as a number."""
    return low in {"ein", "eine", "einen", "einem", "einer", "eines", "one"}


def _with_decimals(text: Text, found: Amount) -> Amount:
    """Join "zwölf" with "Komma neun"; people say digits one by one, or as one number."""
    if text.low(found.stop) not in {"komma", "point"}:
        return found
    digits, stop = "", found.stop + 1
    while stop < len(text.tokens):
        token = text.tokens[stop]
        value = int(token.text) if token.text.isdecimal() else numeral(token.text) if token.is_word else None
        if value is None or (digits and value > 9):
            break
        digits, stop = digits + str(value), stop + 1
    return replace(found, value=Decimal(f"{found.value}.{digits}"), stop=stop, article=False) if digits else found


def _scaled(text: Text, found: Amount) -> Amount:
    """Multiply by "Millionen", "Mio." and the like; "zwei Millionen dreihunderttausend" adds up."""
    size = scale(text.low(found.stop), text.language)
    while size is not None:
        stop = found.stop + 1
        if text.low(stop) == "." and text.low(found.stop) in {"mio", "mrd", "tsd"}:
            stop += 1
        found = replace(found, scaled=found.scaled * size, stop=stop, article=False)
        size = scale(text.low(found.stop), text.language)
    if found.scaled >= 10**6:
        rest = cardinal(text, found.stop)
        rest = None if rest is None else _scaled(text, rest)
        if rest is not None and not rest.article and 100 <= rest.total < found.scaled:
            return Amount(found.total + rest.total, rest.stop, Decimal(1))
    return found


_ADJECTIVE = re.compile(
    r"(\w+?)(jährig|tägig|stündig|minütig|wöchig|monatig|prozentig|köpfig|stellig|teilig|stufig|seitig|sprachig|fach|mal)"
    r"(?:e[nrsm]?|s)?"
)
_QUARTER_HOUR = re.compile(r"(halb|viertel|dreiviertel)(stunden?|jahre?s?|monate?|stündig\w*|jährig\w*)")
_HALVES = {"halb": Decimal("0.5"), "viertel": Decimal("0.25"), "dreiviertel": Decimal("0.75")}


def _adjective(text: Text, index: int) -> Amount | None:
    """As in "zehnjährig", "dreitägigen", "dreimal", "Viertelstunde"; in "40-jährig" the second part is a unit."""
    if not 0 <= index < len(text.tokens):
        return None
    low = text.low(index)
    part = _QUARTER_HOUR.fullmatch(low)
    if part is not None:
        return Amount(_HALVES[part.group(1)], index + 1, unit=unit(part.group(2)))
    match = _ADJECTIVE.fullmatch(low)
    value = numeral(match.group(1)) if match is not None else None
    if match is None or value is None:
        return None
    return Amount(Decimal(value), index + 1, unit=unit(match.group(2)))


def is_part_of_measure(text: Text, index: int) -> bool:
    """Whether a part belongs to a number or a unit behind it: "eine dreiviertel Stunde"."""
    return unit(text.low(index + 1)) is not None or scale(text.low(index + 1), text.language) is not None
