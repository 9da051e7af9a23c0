"""Dates, clock times, months, weekdays, seasons and decades, in digits and words.

A moment is told by a dimension and numbers: ("date", month * 100 + day), ("clock", minutes since midnight),
("month", 1 to 12), ("weekday", 1 for Monday), ("season", 1 for spring), ("decade", its first year).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.german import numeral, ordinal
from jobs.proof.tokens import Token

DATE, CLOCK, MONTH, WEEKDAY, SEASON, DECADE = "date", "clock", "calendar month", "weekday", "season", "decade"
DIMENSIONS = frozenset({DATE, CLOCK, MONTH, WEEKDAY, SEASON, DECADE})


@dataclass(frozen=True, slots=True)
class Moment:
    """A point of the calendar or the clock, as far as it was said."""

    dimension: str
    #: What it may be: "acht Uhr" is 480 or 1200.
    values: tuple[int, ...]
    #: Index of the first token behind it.
    stop: int
    #: The year, where it is part of the figures: "3.5.2024".
    year: int | None = None


def _numbered(*words: str) -> dict[str, int]:
    return {word: number for number, names in enumerate(words, start=1) for word in names.split()}


_MONTHS = _numbered(
    "januar jänner january", "februar february", "märz march", "april", "mai", "juni june", "juli july", "august",
    "september", "oktober october", "november", "dezember december",
)  # fmt: skip
_WEEKDAYS = _numbered(
    "montag monday", "dienstag tuesday", "mittwoch wednesday", "donnerstag thursday", "freitag friday",
    "samstag sonnabend saturday", "sonntag sunday",
)  # fmt: skip
_SEASONS = _numbered("frühling frühjahr spring", "sommer summer", "herbst autumn", "winter")
#: "Montagabend", "montags", but no "Sommerfest": that has a name of its own.
WEEKDAY_NAME = re.compile(
    rf"({'|'.join(_WEEKDAYS)})(?:s|e|en|früh|morgens?|vormittags?|mittags?|nachmittags?|abends?)?"
)
_SEASON = re.compile(rf"({'|'.join(_SEASONS)})s?")
_FIGURES = re.compile(r"(\d{1,2})\.(\d{1,2})(?:\.(\d{4}|\d{2}))?")
_TIME = re.compile(r"(\d{1,2})[.:](\d{2})")
_DECADE = re.compile(r"(\w+er)(?:n|jahren?)?")
_QUARTERS = {"viertel": 15, "dreiviertel": 45}


def moment(tokens: Sequence[Token], index: int) -> Moment | None:
    """The moment that begins with `tokens[index]`; None if none does.

    Examples:
        >>> from jobs.proof.tokens import tokens
        >>> moment(tokens("3. Mai 2024"), 0)
        Moment(dimension='date', values=(503,), stop=3, year=None)
        >>> moment(tokens("halb neun"), 0).values, moment(tokens("20.15 Uhr"), 0).values
        ((510, 1230), (1215,))
    """
    for read in (_date, _clock, _decade, _named):
        found = read(tokens, index)
        if found is not None:
            return found
    return None


def _date(tokens: Sequence[Token], index: int) -> Moment | None:
    token = tokens[index]
    figures = _FIGURES.fullmatch(token.text)
    after = _low(tokens, index + 1)
    # "3.5 Prozent" is no date, "3.5." and "3.5.2024" are.
    if figures and (figures.group(3) or after == ".") and after not in {"uhr", "%"}:
        year = figures.group(3)
        found = _dated(int(figures.group(1)), int(figures.group(2)), index + (1 if year else 2))
        return None if found is None else Moment(DATE, found.values, found.stop, _full_year(year))
    day, place = _day(tokens, index)
    if day is None:
        return None
    month, stop = _MONTHS.get(_low(tokens, place)), place + 1
    if month is None and ordinal(token.text) is not None:
        # "am dritten fünften", as people say dates
        month = ordinal(_low(tokens, place))
    elif month is None and token.is_figure and _low(tokens, place + 1) == ".":
        month, stop = int(tokens[place].text) if re.fullmatch(r"\d{1,2}", _low(tokens, place)) else None, place + 2
    return None if month is None else _dated(day, month, stop)


def _day(tokens: Sequence[Token], index: int) -> tuple[int | None, int]:
    """A day of the month as an ordinal ("3.", "dritten"), and the index behind it."""
    token = tokens[index]
    if re.fullmatch(r"\d{1,2}", token.text):
        dot = _low(tokens, index + 1) == "."
        bare = _low(tokens, index + 1) in _MONTHS
        return (int(token.text) if dot or bare else None), index + 1 + dot
    return ordinal(token.text), index + 1


def _dated(day: int, month: int, stop: int) -> Moment | None:
    return Moment(DATE, (month * 100 + day,), stop) if 1 <= day <= 31 and 1 <= month <= 12 else None


def _full_year(digits: str | None) -> int | None:
    return None if digits is None else int(digits) + (2000 if len(digits) == 2 else 0)


def _clock(tokens: Sequence[Token], index: int) -> Moment | None:
    return _time_in_figures(tokens, index) or _full_hour(tokens, index) or _time_in_words(tokens, index)


def _time_in_figures(tokens: Sequence[Token], index: int) -> Moment | None:
    time = _TIME.fullmatch(tokens[index].text)
    has_hour = _low(tokens, index + 1) in {"uhr", "h"}
    if time is None or not (has_hour or ":" in time.group()):
        return None
    return _timed(int(time.group(1)), int(time.group(2)), index + 1 + has_hour)


def _full_hour(tokens: Sequence[Token], index: int) -> Moment | None:
    """As in "acht Uhr", "20 Uhr 15"."""
    hour = _number(tokens, index)
    if hour is None or _low(tokens, index + 1) != "uhr":
        return None
    minute = _number(tokens, index + 2)
    if minute is None or minute > 59:
        return _timed(hour, 0, index + 2, or_evening=True)
    return _timed(hour, minute, index + 3, or_evening=True)


def _time_in_words(tokens: Sequence[Token], index: int) -> Moment | None:
    """As in "halb neun", "viertel nach acht", "Viertel vor neun", "drei viertel acht", "fünf vor halb acht"."""
    low, after = tokens[index].low, _low(tokens, index + 1)
    if low == "halb":
        hour = _number(tokens, index + 1)
        return None if hour is None or hour > 12 else _twelve(hour * 60 - 30, index + 2)
    minutes = _QUARTERS.get(low, _number(tokens, index))
    if minutes is None or minutes > 45:
        return None
    if after in {"vor", "nach"}:
        base = _hour(tokens, index + 2)
        # "zwölf vor zwei Jahren" is none.
        if base is None or (
            base[1] < len(tokens) and tokens[base[1]].text[:1].isupper() and tokens[base[1]].low != "uhr"
        ):
            return None
        return _twelve(base[0] + (minutes if after == "nach" else -minutes), base[1])
    hour = _number(tokens, index + 1)
    # "viertel neun" is a quarter past eight.
    if low in _QUARTERS and hour is not None and hour <= 12:
        return _twelve((hour - 1) * 60 + minutes, index + 2)
    return None


def _hour(tokens: Sequence[Token], index: int) -> tuple[int, int] | None:
    """Minutes of "acht" or "halb acht", and the index behind it."""
    half = _low(tokens, index) == "halb"
    hour = _number(tokens, index + half)
    if hour is None or not 1 <= hour <= 12:
        return None
    return hour * 60 - 30 * half, index + 1 + half


def _twelve(minutes: int, stop: int) -> Moment:
    """A time on a dial: morning or evening."""
    morning = minutes % 720
    return Moment(CLOCK, (morning, morning + 720), stop)


def _timed(hour: int, minute: int, stop: int, *, or_evening: bool = False) -> Moment | None:
    if hour > 24 or minute > 59:
        return None
    minutes = (hour % 24) * 60 + minute
    return _twelve(minutes, stop) if or_evening and 1 <= hour <= 12 else Moment(CLOCK, (minutes,), stop)


def _decade(tokens: Sequence[Token], index: int) -> Moment | None:
    """As in "Neunziger", "neunziger Jahre", "90er", "1990er-Jahre"."""
    token = tokens[index]
    if token.is_figure and re.fullmatch(r"er[n]?", _low(tokens, index + 1)) and tokens[index + 1].start == token.end:
        value, stop = (int(token.text), index + 2) if token.text.isdecimal() else (None, index)
    else:
        match = _DECADE.fullmatch(token.low)
        value = numeral(match.group(1).removesuffix("er")) if match else None
        stop = index + 1
    if value is None or value % 10 or not (20 <= value <= 90 or 1000 <= value <= 2090):
        return None
    years = (value,) if value > 99 else (1900 + value, 2000 + value)
    return Moment(DECADE, years, stop)


def _named(tokens: Sequence[Token], index: int) -> Moment | None:
    """A month, a weekday or a season by its name."""
    token = tokens[index]
    if token.text[:1].isupper() and token.low in _MONTHS:
        return Moment(MONTH, (_MONTHS[token.low],), index + 1)
    for dimension, pattern, numbers in ((WEEKDAY, WEEKDAY_NAME, _WEEKDAYS), (SEASON, _SEASON, _SEASONS)):
        match = pattern.fullmatch(token.low)
        if match is not None:
            return Moment(dimension, (numbers[match.group(1)],), index + 1)
    return None


def _number(tokens: Sequence[Token], index: int) -> int | None:
    if index >= len(tokens):
        return None
    token = tokens[index]
    if re.fullmatch(r"\d{1,2}", token.text):
        return int(token.text)
    return numeral(token.text) if token.is_word else None


def _low(tokens: Sequence[Token], index: int) -> str:
    return tokens[index].low if index < len(tokens) else ""
