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
    "dreiviertel": Decimal("0.75"), "third": Decimal(1) / 3, "thirds": Decimal(1) / 3, "quarter": Decimal("0.25"),
    "quarters": Decimal("0.25"), "fifth": Decimal("0.2"), "fifths": Decimal("0.2"), "tenth": Decimal("0.1"),
    "tenths": Decimal("0.1"),
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
    found = _adjective(text, index) or _every(text, index) or _english(text, index) or cardinal(text, index)
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
    article = is_article(token.low)
    value: Decimal | int | None
    if token.is_figure:
        value = decimal(token.text, language=text.language)
    elif _part_of_measure(text, index + article) is not None:
        return Amount(_part_of_measure(text, index + article) or Decimal(0), index + 1 + article)
    else:
        value = 1 if article else word_value(text, index)
    if value is None:
        return None
    found = Amount(Decimal(value), index + (3 if _is_hyphened(text, index) else 1), article=article)
    return found if token.is_figure else _with_decimals(text, found)


def _part_of_measure(text: Text, index: int) -> Decimal | None:
    """As in "halbe Million", "viertel Stunde"."""
    low = text.low(index)
    value = Decimal("0.5") if low in {"halbe", "halben", "halber", "halbes"} else PARTS.get(low)
    return value if low in _BEFORE_MEASURES and is_part_of_measure(text, index) else None


_BEFORE_MEASURES = frozenset({"halbe", "halben", "halber", "halbes", "viertel", "dreiviertel"})


def word_value(text: Text, index: int) -> Decimal | int | None:
    """The value of a numeral in letters; halves included."""
    token = text.tokens[index]
    low = token.low
    if not token.is_word or (low == "acht" and text.low(index - 1) in {"außer", "in"} and token.text[0].isupper()):
        return None
    if low.startswith("anderthalb"):
        return Decimal("1.5")
    half = re.fullmatch(r"(\w+)(?:und)?einhalb(hundert|tausend)?", low)
    if half is not None:
        whole = 1 if half.group(1) == "ein" else numeral(half.group(1).removesuffix("und"))
        scaled = numeral(half.group(2)) if half.group(2) else 1
        return None if whole is None else (whole + Decimal("0.5")) * (scaled or 1)
    if low in _TOGETHER and text.low(index - 1) == "zu":
        return _TOGETHER[low]
    if text.spoken and re.fullmatch(r"beide[nrms]?", low):
        return 2
    return numeral(f"{low}-{text.low(index + 2)}") if _is_hyphened(text, index) else numeral(low)


def _is_hyphened(text: Text, index: int) -> bool:
    """As in "forty-one", which is three tokens."""
    tens, ones = numeral(text.low(index)), numeral(text.low(index + 2))
    joined = text.language == "en" and text.low(index + 1) == "-"
    return joined and tens is not None and tens >= 20 and ones is not None and ones < 10


#: "zu dritt"
_TOGETHER = {"zweit": 2, "dritt": 3, "viert": 4, "fünft": 5, "sechst": 6, "siebt": 7, "acht": 8, "zehnt": 10}


def is_article(low: str) -> bool:
    """Whether a word may be an article as well as a number."""
    return low in {"ein", "eine", "einen", "einem", "einer", "eines", "one"}


def _every(text: Text, index: int) -> Amount | None:
    """What is said to happen every month happens once in one; read in evidence only."""
    if not text.spoken or text.low(index) not in {"jeder", "jede", "jedes", "jeden", "jedem", "every", "each", "per"}:
        return None
    measured = unit(text.low(index + 1))
    return None if measured is None else Amount(Decimal(1), index + 2, unit=measured)


def _english(text: Text, index: int) -> Amount | None:
    """As in "a hundred and twenty thousand", "half a million", "two and a half million", "three hundred forty"."""
    if text.language != "en" or not 0 <= index < len(text.tokens):
        return None
    if text.low(index) == "half" and text.low(index + 1) in {"a", "an"} and is_part_of_measure(text, index + 1):
        return Amount(Decimal("0.5"), index + 2)
    article = text.low(index) in {"a", "an"}
    found = Amount(Decimal(1), index + 1, article=True) if article else cardinal(text, index)
    if found is None:
        return None
    if text.low(found.stop) == "and" and text.low(found.stop + 1) == "a" and text.low(found.stop + 2) == "half":
        return replace(found, value=found.value + Decimal("0.5"), stop=found.stop + 3, article=False)
    if text.low(found.stop) == "hundred" and found.value < 100:
        return _with_rest(text, Amount(found.value * 100, found.stop + 1))
    # An article before anything but a scale or a unit is one.
    return found if not article or is_part_of_measure(text, index) else None


def _with_rest(text: Text, hundreds: Amount) -> Amount:
    """Hundreds with the tens behind them: "and twenty"."""
    stop = hundreds.stop + (text.low(hundreds.stop) == "and")
    value = word_value(text, stop) if stop < len(text.tokens) else None
    if value is None or is_article(text.low(stop)) or not 0 < value < 100:
        return hundreds
    return Amount(hundreds.value + value, stop + (3 if _is_hyphened(text, stop) else 1))


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
    # "bis 2030 hundert Kilometer" are two numbers.
    while size is not None and (found.total < size or size > 10**3):
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
_HALF = {
    f"{word}einhalb": Decimal(numeral(word) or 0) + Decimal("0.5") for word in ("zwei", "drei", "vier", "fünf", "sechs")
}
#: "nicht einmal", "noch einmal" count nothing.
_NOT_COUNTED = frozenset({"nicht", "noch", "auf", "erst", "schon", "wieder", "gar"})
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
    value = None if match is None else _HALF.get(match.group(1)) or numeral(match.group(1))
    if match is None or value is None or (low == "einmal" and text.low(index - 1) in _NOT_COUNTED):
        return None
    return Amount(Decimal(value), index + 1, unit=unit(match.group(2)))


def is_part_of_measure(text: Text, index: int) -> bool:
    """Whether a part belongs to a number or a unit behind it: "eine dreiviertel Stunde"."""
    return unit(text.low(index + 1)) is not None or scale(text.low(index + 1), text.language) is not None
