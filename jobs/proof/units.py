"""Units that people say after a number, and what they are made of."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Unit:
    """What is counted. Amounts of one dimension can be compared once each is multiplied by its factor."""

    #: "EUR", "m", "s", "%", …
    dimension: str
    factor: Decimal = Decimal(1)


#: Shares and percentages; "ein Drittel" is one of these as well.
SHARE = "share"
CURRENCIES = frozenset({"EUR", "USD", "CHF", "GBP", "DEM"})

# Dimension → factor → words. Months and years are no number of days, so that time has two dimensions.
_TABLE = {
    SHARE: {"0.01": "prozent prozents percent % prozentig prozentige prozentigen prozentiger prozentiges"},
    "per mille": {"1": "promille ‰"},
    "percentage points": {"1": "prozentpunkt prozentpunkte prozentpunkten"},
    "EUR": {"1": "euro euros eur €", "0.01": "cent cents"},
    "USD": {"1": "dollar dollars usd $ us-dollar"},
    "CHF": {"1": "franken chf"},
    "GBP": {"1": "pfund pound pounds gbp £"},
    "DEM": {"1": "mark d-mark"},
    "s": {
        "1": "sekunde sekunden second seconds",
        "60": "minute minuten minutes minütig minütige minütigen minütiger minütiges",
        "3600": "stunde stunden hour hours h stündig stündige stündigen stündiger stündiges",
        "86400": "tag tage tagen tages day days tägig tägige tägigen tägiger tägiges tägigem",
        "604800": "woche wochen week weeks wöchig wöchige wöchigen wöchiger wöchiges",
    },
    "month": {
        "1": "monat monate monaten monats month months monatig monatige monatigen monatiger monatiges",
        "3": "quartal quartale quartalen",
        "6": "halbjahr halbjahre halbjahren",
        "12": "jahr jahre jahren jahres year years jährig jährige jährigen jähriger jähriges",
        "120": "jahrzehnt jahrzehnte jahrzehnten decade decades",
        "1200": "jahrhundert jahrhunderte jahrhunderten century centuries",
    },
    "m": {
        "0.001": "millimeter millimetern mm",
        "0.01": "zentimeter zentimetern centimetres centimeters cm",
        "1": "meter metern meters metre metres m",
        "1000": "kilometer kilometern kilometers kilometre kilometres km",
        "1609": "meile meilen mile miles",
    },
    "m²": {
        "1": "quadratmeter quadratmetern qm m²",
        "10000": "hektar hectare hectares ha",
        "1000000": "quadratkilometer quadratkilometern km²",
    },
    "l": {
        "0.001": "milliliter millilitern ml",
        "1": "liter litern litre litres liters",
        "100": "hektoliter",
        "1000": "kubikmeter",
    },
    "g": {
        "1": "gramm grams g",
        "1000": "kilo kilos kilogramm kilograms kilogrammes kg",
        "1000000": "tonne tonnen ton tons tonnes",
    },
    "W": {
        "1": "watt w",
        "1000": "kilowatt kilowatts kw",
        "1000000": "megawatt megawatts mw",
        "1000000000": "gigawatt gigawatts gw",
    },
    "Wh": {
        "1000": "kilowattstunde kilowattstunden kwh",
        "1000000": "megawattstunde megawattstunden mwh",
        "1000000000": "gigawattstunde gigawattstunden gwh",
        "1000000000000": "terawattstunde terawattstunden twh",
    },
    "B": {
        "1000000": "megabyte megabytes mb",
        "1000000000": "gigabyte gigabytes gb",
        "1000000000000": "terabyte terabytes tb",
    },
    "times": {"1": "mal fach times"},
    "°C": {"1": "grad degree degrees celsius °c °"},
}
_UNITS = {
    word: Unit(dimension, Decimal(factor))
    for dimension, sizes in _TABLE.items()
    for factor, words in sizes.items()
    for word in words.split()
}
#: Too short to be a unit anywhere but right after digits.
_ONLY_AFTER_DIGITS = frozenset({"m", "h", "g", "w", "ha", "mb", "gb", "tb", "mw", "gw", "kw", "mm", "cm", "ml"})


def unit(word: str, *, after_digits: bool = False) -> Unit | None:
    """The unit that a word or a sign means; None for any other.

    Examples:
        >>> unit("Kilometern")
        Unit(dimension='m', factor=Decimal('1000'))
        >>> unit("m"), unit("m", after_digits=True)
        (None, Unit(dimension='m', factor=Decimal('1')))
    """
    word = word.lower()
    return None if word in _ONLY_AFTER_DIGITS and not after_digits else _UNITS.get(word)


#: Words that stand behind a number and multiply it, German and English; a billion is "Milliarde".
_SCALES = {
    10**2: "hundert hundred",
    10**3: "tausend tsd thousand",
    10**6: "million millionen mio",
    10**9: "milliarde milliarden mrd",
    10**12: "billion billionen",
}
_GERMAN_SCALES = {word: Decimal(size) for size, words in _SCALES.items() for word in words.split()} | {
    "dutzend": Decimal(12)
}
_ENGLISH_SCALES = _GERMAN_SCALES | {"billion": Decimal(10**9), "trillion": Decimal(10**12), "dozen": Decimal(12)}


def scale(word: str, language: str) -> Decimal | None:
    """What a word behind a number multiplies it by; None for any other word.

    Examples:
        >>> scale("Mrd", "de") == scale("billion", "en") == 10**9
        True
    """
    return (_ENGLISH_SCALES if language == "en" else _GERMAN_SCALES).get(word.lower())
