"""Numbers, sums, shares, measures and moments in a text, in digits or words.

"zwölf Komma neun Millionen Euro", "12,9 Mio. Euro" and "12.900.000 €" are the same; so are "ein Drittel" and
"33 Prozent", "anderthalb Stunden" and "90 Minuten", "halb neun" and "20:30 Uhr".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum, auto
from functools import lru_cache

from jobs.german import decimal, numeral, ordinal
from jobs.proof.amounts import PARTS, Amount, Text, cardinal, is_article, is_part_of_measure, number, word_value
from jobs.proof.moments import CLOCK, DATE, MONTH, WEEKDAY_NAME, moment
from jobs.proof.tokens import tokens
from jobs.proof.units import CURRENCIES, SHARE, unit

Measure = tuple[str, Decimal]


class Hedge(Enum):
    """How exactly a number is meant."""

    ABOUT = auto()
    #: "mehr als", "über", "gut"
    ABOVE = auto()
    #: "weniger als", "unter", "knapp"
    BELOW = auto()
    #: "keine tausend", "nicht einmal tausend"
    FEWER = auto()


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number or moment, with everything that it may mean."""

    #: As it is written.
    text: str
    #: The number before its unit, scaled: 12.9 million is 12900000. None for moments.
    values: frozenset[Decimal] = frozenset()
    #: (dimension, amount) in the dimension's basic unit; see `units` and `moments`.
    measures: frozenset[Measure] = frozenset()
    hedge: Hedge | None = None

    @property
    def units(self) -> frozenset[Measure]:
        """What it is measured in: dimension, and how many of its basic unit."""
        return frozenset((name, size / value) for name, size in self.measures for value in self.values if value)


@lru_cache(maxsize=1 << 12)
def quantities(text: str, *, language: str = "de", spoken: bool = False) -> tuple[Quantity, ...]:
    """All quantities of a text, in order.

    Args:
        text: German or English.
        language: "en" reads "140,000" and "billion" as English does.
        spoken: for evidence: "ein" and "beide" count as numbers, and whatever else may bear a number out.

    Examples:
        >>> [(q.text, sorted(q.values)) for q in quantities("Zwölf von 1.500 Euro")]
        [('Zwölf', [Decimal('12')]), ('1.500 Euro', [Decimal('1500')])]
    """
    found = tuple(_scan(Text(tokens(text), language, spoken)))
    return _continued(found) if spoken else found


def _continued(found: tuple[Quantity, ...]) -> tuple[Quantity, ...]:
    """In "1,1 Millionen, im zweiten Jahr 3,7" the second number leaves out what multiplies it."""
    read: list[Quantity] = []
    for one in found:
        size = max((_scale_of(value) for before in read[-2:] for value in before.values), default=Decimal(0))
        broken = not one.measures and any(0 < value < _THOUSAND and value % 1 for value in one.values)
        values = one.values | ({value * size for value in one.values} if size and broken else set())
        read.append(replace(one, values=values))
    return tuple(read)


_THOUSAND = Decimal(1000)


def _scale_of(value: Decimal) -> Decimal:
    """The million or the milliard that a number holds; 0 if it is smaller."""
    return next((size for size in (_THOUSAND**3, _THOUSAND**2) if value >= size), Decimal(0))


_Found = tuple[tuple[Quantity, ...], int]


def _scan(text: Text) -> Iterator[Quantity]:
    index = 0
    while index < len(text.tokens):
        if text.is_part_of_name(index):
            index += 1
            continue
        for read in (_moment, _share, _amount, _multiple, _ordinal, _figures):
            found = read(text, index)
            if found is not None:
                yield from found[0]
                index = found[1]
                break
        else:
            index += 1


def _moment(text: Text, index: int) -> _Found | None:
    found = moment(text.tokens, index)
    if found is None:
        return None
    cut = text.cut(index, found.stop)
    measures = frozenset((found.dimension, Decimal(value)) for value in found.values)
    values: frozenset[Decimal] = frozenset()
    if found.dimension == CLOCK:
        values = frozenset(Decimal(value) / 60 for value in found.values if not value % 60)
    elif found.dimension == DATE and text.spoken:
        # A month alone, or the day, may be taken up from a date.
        month, day = divmod(found.values[0], 100)
        measures |= {(MONTH, Decimal(month))}
        values = frozenset({Decimal(day)})
    told = (Quantity(cut, values, measures),)
    year = () if found.year is None else (Quantity(str(found.year), frozenset({Decimal(found.year)})),)
    return (*told, *year), found.stop


def _share(text: Text, index: int) -> _Found | None:
    """As in "zwei Drittel", "die Hälfte", "halbiert", "jeder Dritte"."""
    low = text.low(index)
    if low.startswith("halbier") or low in {"hälfte", "half"}:
        return None if text.low(index + 1) in {"a", "an"} else _shared(text, index, index + 1, Decimal("0.5"))
    if re.fullmatch(r"jede[rsnm]?|every", low):
        nth = _nth(text, index + 1)
        if nth is None:
            return None
        found, stop = _shared(text, index, index + 2, Decimal(1) / nth)
        each = found[0]
        # "jeden zweiten Freitag" is every two weeks.
        repeated = (*_span_of(text.low(stop)), *each.measures) if text.spoken else each.measures
        measures = frozenset((name, size if name == SHARE else size * nth) for name, size in repeated)
        return (replace(each, values=frozenset({Decimal(nth)}), measures=measures),), stop
    many = numeral(low) if text.tokens[index].is_word else decimal(low) if text.tokens[index].is_figure else None
    many = 1 if is_article(low) or (text.language == "en" and low in {"a", "an"}) else many
    # "ein gutes Viertel"
    place = index + 1 + (text.low(index + 1) in _ROUGHLY)
    part = PARTS.get(text.low(place)) if text.low(place) != "hälfte" else None
    if many is not None and part is not None and not is_part_of_measure(text, place):
        shared, stop = _shared(text, index, place + 1, many * part)
        return tuple(replace(one, hedge=one.hedge or _ROUGHLY.get(text.low(place - 1))) for one in shared), stop
    return None


_ROUGHLY = {
    "gutes": Hedge.ABOVE, "guten": Hedge.ABOVE, "good": Hedge.ABOVE, "knappes": Hedge.BELOW, "knappen": Hedge.BELOW,
    "ganzes": None, "volles": None, "full": None,
}  # fmt: skip


def _span_of(low: str) -> Iterator[Measure]:
    """How long it takes until the next week, month or Friday."""
    day = WEEKDAY_NAME.fullmatch(low)
    measured = unit("woche") if day is not None else unit(low)
    if measured is not None:
        yield measured.dimension, measured.factor


def _nth(text: Text, index: int) -> int | None:
    low = text.low(index)
    return _ENGLISH_ORDINALS.get(low) if text.language == "en" else ordinal(low)


_ENGLISH_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12,
}  # fmt: skip


def _shared(text: Text, start: int, stop: int, value: Decimal) -> _Found:
    measures = frozenset({(SHARE, value)})
    return (Quantity(text.cut(start, stop), measures=measures, hedge=_hedge(text, start, stop)),), stop


_SIGNS = {"€": "€", "$": "$", "£": "£", "eur": "€", "usd": "$"}
_JOINS = frozenset({"bis", "oder", "und", "-", "–", "to", "or", "and"})
#: Units that nobody uses with an article alone: "ein Prozent" is a number, "ein Jahr" often isn't.
_COUNTED = CURRENCIES | {SHARE, "percentage points"}


def _amount(text: Text, index: int) -> _Found | None:
    """A number with whatever multiplies and measures it; in a range the first takes from the second."""
    first = index
    sign = _SIGNS.get(text.low(index))
    if sign is not None and index + 1 < len(text.tokens) and text.tokens[index + 1].is_figure:
        index += 1
    found = number(text, index)
    if found is None:
        return None
    if sign is not None and index > first and found.unit is None:
        found = replace(found, unit=unit(sign))
    if found.article and not text.spoken and not _is_counted(found):
        return None
    values = {found.total}
    follower = number(text, found.stop + 1) if text.low(found.stop) in _JOINS else None
    measured = found.unit
    if follower is not None and not follower.article and measured is None:
        measured = follower.unit
        if found.scaled == 1 < follower.scaled:
            values = {found.value * follower.scaled} | (values if text.low(found.stop) in {"und", "and"} else set())
    if text.spoken:
        values |= _also(text, index, found)
    if text.low(first - 1) == "minus":
        values = {-value for value in values}
    measures = {(measured.dimension, value * measured.factor) for value in values} if measured is not None else set()
    if not text.spoken and _REST.fullmatch(text.low(first - 1)):
        # "die übrigen 70 Prozent", where 30 were said
        measures |= {(name, 1 - size) for name, size in measures if name == SHARE}
    if text.spoken:
        measures |= _ratio(text, found)
    if text.spoken and text.low(first - 1) == "um" and measured is None:
        # "um acht beginnt der Film"
        measures |= {(CLOCK, (value + half) % 24 * 60) for value in values if 1 <= value <= 12 for half in (0, 12)}
    cut = text.cut(first, found.stop)
    return (Quantity(cut, frozenset(values), frozenset(measures), _hedge(text, first, found.stop)),), found.stop


_REST = re.compile(r"(?:übrige|restliche|verbleibende|andere)[nr]?")


def _is_counted(amount: Amount) -> bool:
    return amount.scaled > 1 or (amount.unit is not None and amount.unit.dimension in _COUNTED)


def _also(text: Text, index: int, found: Amount) -> set[Decimal]:
    """What else was meant: a year that is spoken as two numbers ("zwanzig vierundzwanzig"), or "drei Euro fünfzig"."""
    after = word_value(text, found.stop) if found.stop < len(text.tokens) else None
    if after is not None and 10 <= after <= 99 and found.unit is not None and found.unit.dimension in CURRENCIES:
        return {found.total + Decimal(after) / 100}
    year = found.value in {19, 20} and found.scaled == 1 and after is not None and 10 <= after <= 99
    return {found.value * 100 + Decimal(after or 0)} if year and index >= 0 else set()


def _ratio(text: Text, found: Amount) -> set[Measure]:
    """As in "drei von vier" is a share."""
    joins = {"von"} if text.language != "en" else {"of", "in"}
    stop = found.stop + (text.language == "en" and text.low(found.stop) == "out")
    whole = cardinal(text, stop + 1) if text.low(stop) in joins else None
    return {(SHARE, found.total / whole.value)} if whole is not None and whole.value > 0 else set()


_MULTIPLES = (
    (re.compile(r"doppelt\w{0,2}|verdoppel\w*|doubl(?:e[sd]?|ing)|twice"), 2),
    (re.compile(r"verdreifach\w*|tripled?"), 3),
    (re.compile(r"vervierfach\w*|quadrupled?"), 4),
    (re.compile(r"verfünffach\w*"), 5),
    (re.compile(r"verzehnfach\w*"), 10),
)


def _multiple(text: Text, index: int) -> _Found | None:
    """As in "verdoppelt", "doppelt so viele"."""
    low = text.low(index)
    found = next((value for pattern, value in _MULTIPLES if pattern.fullmatch(low)), None)
    if found is None:
        return None
    value = Decimal(found)
    return (Quantity(text.cut(index, index + 1), frozenset({value}), frozenset({("times", value)})),), index + 1


def _ordinal(text: Text, index: int) -> _Found | None:
    """As in "zum dritten Mal"; "Dritte" are others, "er achte" is a verb, and a "first" is rarely counted."""
    token = text.tokens[index]
    value = _nth(text, index) if token.is_word else None
    if value is None or value == 1:
        return None
    doubtful = token.text[0].isupper() or token.low in {"achte", "achten"}
    if (
        doubtful
        and not text.spoken
        and text.low(index - 1) not in {"der", "die", "das", "den", "dem", "am", "im", "zum"}
    ):
        return None
    # A third time isn't three times.
    measures = frozenset({("ordinal", Decimal(value))}) if text.spoken else frozenset()
    return (Quantity(token.text, frozenset({Decimal(value)}), measures),), index + 1


def _figures(text: Text, index: int) -> _Found | None:
    """Digits that are neither a number nor a time ("28:30"): the same must have been said."""
    token = text.tokens[index]
    if not token.is_figure:
        return None
    digits = Decimal("".join(filter(str.isdecimal, token.text)))
    return (Quantity(token.text, measures=frozenset({("figures", digits)})),), index + 1


_HEDGES = {
    Hedge.ABOUT: "rund etwa circa ca ungefähr annähernd about around roughly approximately some",
    Hedge.ABOVE: "über mindestens wenigstens gut over",
    Hedge.BELOW: "unter höchstens maximal knapp fast beinahe nahezu almost nearly under",
    Hedge.FEWER: "keine kein keinen",
}
_HEDGE_OF = {word: hedge for hedge, words in _HEDGES.items() for word in words.split()}
_COMPARATIVES = {
    word: hedge
    for hedge, words in (
        (Hedge.ABOVE, "mehr more älter länger höher größer teurer schwerer older longer higher larger"),
        (Hedge.BELOW, "weniger less fewer jünger kürzer niedriger kleiner billiger leichter younger shorter lower"),
    )
    for word in words.split()
}
#: Two words before or behind a number.
_AT = {("at", "least"): Hedge.ABOVE, ("at", "most"): Hedge.BELOW, ("or", "more"): Hedge.ABOVE,
       ("oder", "mehr"): Hedge.ABOVE, ("oder", "weniger"): Hedge.BELOW, ("or", "less"): Hedge.BELOW,
       ("up", "to"): Hedge.BELOW}  # fmt: skip
_OPPOSITE = {Hedge.ABOVE: Hedge.BELOW, Hedge.BELOW: Hedge.ABOVE}
_DENIAL = re.compile(
    r"nicht|kein\w*|nie|niemand|kaum|ohne|weder|verboten|untersagt|unzulässig|unmöglich|ausgeschlossen|tabu"
    r"|not|never|nobody|without"
)


def _hedge(text: Text, start: int, stop: int) -> Hedge | None:
    """How exactly the number between two tokens is meant."""
    before = text.low(start - 1)
    if before == "." and text.low(start - 2) == "ca":
        return Hedge.ABOUT
    if before in {"einmal", "mal"} and text.low(start - 2) == "nicht":
        return Hedge.FEWER
    if before in {"als", "than"}:
        compared = _COMPARATIVES.get(text.low(start - 2))
        return compared and (_OPPOSITE[compared] if _is_denied(text, start - 2, stop) else compared)
    beside = _AT.get((text.low(start - 2), before)) or _AT.get((text.low(stop), text.low(stop + 1)))
    return beside or _HEDGE_OF.get(before)


def _is_denied(text: Text, start: int, stop: int) -> bool:
    """Whether the clause around a comparison holds a denial: "mehr als drei kann sie nicht zahlen"."""
    first, last = start, stop
    while first > 0 and _is_inside(text, first - 1):
        first -= 1
    while last < len(text.tokens) and _is_inside(text, last):
        last += 1
    return any(_DENIAL.fullmatch(text.low(index)) for index in (*range(first, start), *range(stop, last)))


def _is_inside(text: Text, index: int) -> bool:
    within = text.tokens[index].is_word or text.tokens[index].is_figure or text.low(index) in {"-", "%", "€"}
    return within and text.low(index) not in {"und", "oder", "aber", "sondern", "and", "or", "but"}
