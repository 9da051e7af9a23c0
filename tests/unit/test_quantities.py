from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.proof.backing import Backing, backing
from jobs.proof.quantities import quantities

SAME = (
    ("vierzig Prozent", "40 %", "40 Prozent", "40-prozentig", "vierzigprozentige"),
    ("zwölf Komma neun Millionen Euro", "12,9 Mio. Euro", "12.900.000 €", "€ 12,9 Mio.", "12 900 000 Euro"),
    ("anderthalb Stunden", "90 Minuten", "1,5 Stunden", "eineinhalb Stunden"),
    ("ein Drittel", "33 Prozent"),
    ("drei Viertel", "75 Prozent", "75 %"),
    ("drei von vier Lesern", "75 Prozent", "drei Viertel"),
    ("die Hälfte", "50 Prozent", "halbiert"),
    ("der dritte Mai", "3. Mai", "3.5.", "am dritten fünften", "03.05."),
    ("halb neun", "8:30 Uhr"),
    ("halb neun", "20:30 Uhr", "20.30 Uhr"),
    ("zwanzig Uhr fünfzehn", "20:15 Uhr", "20.15 Uhr"),
    ("fünf vor halb acht", "7:25 Uhr"),
    ("neunzehnhundertneunundachtzig", "1989"),
    ("Ende der Neunziger", "1990er-Jahre", "90er Jahre"),
    ("eine halbe Million", "500.000"),
    ("eine Viertelstunde", "15 Minuten"),
    ("ein halbes Jahr", "sechs Monate"),
    ("zwei Millionen dreihunderttausend", "2,3 Mio.", "2.300.000"),
    ("zehnjährige", "10-jährige", "zehn Jahre"),
    ("zweieinhalb Kilometer", "2.500 Meter", "2,5 km"),
    ("dreimal", "3-mal", "drei Mal"),
    ("am Montagabend", "Montag", "montags"),
    ("minus sechs Grad", "minus 6 Grad"),
    ("null Komma acht", "0,8"),
    ("einundzwanzigsten Jahrhundert", "21. Jahrhundert"),
)
DIFFERENT = (
    ("240.000 Euro", "140.000 Euro"), ("12 Kilometer", "12 Meter"), ("3 Millionen", "3 Milliarden"),
    ("5 Euro", "5 Dollar"), ("4 Prozent", "4 Prozentpunkte"), ("halb neun", "9:30 Uhr"), ("3. Mai", "3. Juni"),
    ("3. Mai", "13. Mai"), ("zwei Drittel", "ein Drittel"), ("vierzehn", "vierzig"), ("Montag", "Dienstag"),
    ("1989", "1998"), ("Achtziger", "Neunziger"), ("0,8", "8"), ("zwei Monate", "zwei Jahre"), ("Herbst", "Sommer"),
    ("mehr als 400", "weniger als 400"), ("minus 6 Grad", "6 Grad"), ("28:30 Uhr", "18:30 Uhr"), ("1.500", "1,5"),
    ("doppelt", "dreifach"), ("fünf Tage", "fünf Wochen"),
)  # fmt: skip


def verdicts(claim, said, *, language="de"):
    heard = quantities(said, language=language, spoken=True)
    return [backing(one, heard)[0] for one in quantities(claim)]


@pytest.mark.parametrize("forms", SAME, ids=lambda forms: forms[0])
def test_one_quantity_may_be_written_in_many_ways(forms):
    for form in forms:
        found = verdicts(form, forms[0])
        assert found
        assert set(found) == {Backing.SAID}, form


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_quantities_never_bear_each_other_out(one, other):
    for claim, said in ((one, other), (other, one)):
        assert verdicts(claim, said)
        assert Backing.SAID not in verdicts(claim, said)


def test_another_unit_is_told_from_another_number():
    assert verdicts("12 Kilometer", "zwölf Meter") == [Backing.OTHER_UNIT]
    assert verdicts("13 Kilometer", "zwölf Meter") == [Backing.NOT_SAID]


def test_ranges_share_scale_and_unit():
    said = "zwei bis drei Millionen Euro"
    assert verdicts("2 bis 3 Mio. Euro", said) == verdicts("zwei Millionen Euro", said) * 2 == [Backing.SAID] * 2
    assert Backing.SAID not in verdicts("zwei Euro", said)


@pytest.mark.parametrize(
    ("claim", "said", "true"),
    [
        ("rund 13 Millionen", "12,9 Millionen", True), ("13 Millionen", "12,9 Millionen", False),
        ("mehr als 400", "412", True), ("mehr als 400", "388", False), ("knapp 13 Prozent", "12,9 Prozent", True),
        ("rund 400", "300", False), ("über 80", "81", True), ("fast 100", "97", True),
        ("rund 400", "vierhundert", True), ("ca. 5000", "5.012", True),
    ],
)  # fmt: skip
def test_rounding_must_be_owned_up_to(claim, said, true):
    assert verdicts(claim, said) == [Backing.SAID if true else Backing.NOT_SAID]


def test_articles_are_numbers_only_in_what_was_said():
    assert quantities("Ein Mann und eine Frau gehen in einem Jahr.") == ()
    assert verdicts("1 Euro", "ein Euro") == [Backing.SAID]
    assert verdicts("zwei Gäste", "beide Gäste") == [Backing.SAID]


@pytest.mark.parametrize(
    "text",
    ["Er achte auf Dritte.", "Das Labor prüft CO2 und MP3.", "Die beste Zeit heute", "außer Acht lassen", "Leute"],
)
def test_what_looks_like_a_number_and_is_none(text):
    assert quantities(text) == ()


def test_english_evidence_is_read_as_english():
    assert verdicts("140.000", "140,000 subscribers", language="en") == [Backing.SAID]
    assert verdicts("1,2 Milliarden Dollar", "one point two billion dollars", language="en") == [Backing.SAID]
    assert verdicts("41", "forty-one", language="en") == [Backing.SAID]


@pytest.mark.parametrize(("claim", "said"), [
    ("120.000", "a hundred and twenty thousand people"), ("1.100", "eleven hundred subscribers"),
    ("500.000 Euro", "half a million euros"), ("2,5 Milliarden Dollar", "two and a half billion dollars"),
    ("75 Prozent", "three quarters of our income"), ("ein Fünftel", "a fifth"), ("ein Drittel", "one in three"),
    ("40 Prozent", "two out of five"), ("jeder zweite", "every second patient"), ("alle zehn Jahre", "every decade"),
    ("41 Prozent", "forty-one percent"), ("1998", "nineteen ninety-eight"), ("zum dritten Mal", "the third time"),
    ("1.900 Meter", "1,900 metres"), ("viereinhalbmal", "four and a half times"), ("eine Stunde", "an hour"),
])  # fmt: skip
def test_english_counts_in_its_own_way(claim, said):
    assert set(verdicts(claim, said, language="en")) <= {Backing.SAID}
    assert Backing.SAID not in verdicts("17 Liter", said, language="en")


@pytest.mark.parametrize(("claim", "said", "true"), [
    ("höchstens 14 Zuhörer", "mehr als 14 Zuhörer", False), ("mehr als 2.000 trage sie nicht", "höchstens 2.000", True),
    ("niemand zahle mehr als 20", "keiner zahlt mehr als 20", True), ("weniger als 3.000", "keine dreitausend", True),
    ("mehr als 3.000", "keine dreitausend", False), ("3.000 Häuser", "keine dreitausend Häuser", False),
    ("jünger als 40", "unter 40", True), ("älter als 40", "unter 40", False), ("34.000", "34.000 at most", True),
    ("mehr als 25 Prozent", "ein gutes Viertel", True), ("weniger als 25 Prozent", "ein gutes Viertel", False),
    ("bis 2030 100 Kilometer", "bis 2030 hundert Kilometer", True), ("5.500 Euro", "fünfeinhalbtausend Euro", True),
    ("fünf Leute", "wir waren zu fünft", True), ("zweimal so viel", "der Zweite hatte mehr", False),
])  # fmt: skip
def test_limits_and_odd_ways_of_counting(claim, said, true):
    assert (set(verdicts(claim, said)) == {Backing.SAID}) is true


def test_not_even_once_counts_nothing():
    assert quantities("Nicht einmal in Rotterdam, und noch einmal von vorn.") == ()


def test_a_decade_holds_its_years():
    assert verdicts("in den Neunzigern", "1994") == [Backing.SAID]
    assert verdicts("in den Neunzigern", "1989") == [Backing.NOT_SAID]
    assert verdicts("1994", "in den Neunzigern") == [Backing.NOT_SAID]


UNITS = ["ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"]
TEENS = ["zehn", "elf", "zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"]
TENS = ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"]


def spelled(value):
    """A number from 2 to 999,999 in German words."""
    if value >= 1000:
        thousands, rest = divmod(value, 1000)
        return f"{spelled(thousands)}tausend{spelled(rest) if rest else ''}"
    if value >= 100:
        hundreds, rest = divmod(value, 100)
        return f"{UNITS[hundreds - 1]}hundert{spelled(rest) if rest else ''}"
    if value >= 20:
        tens, unit = divmod(value, 10)
        return f"{UNITS[unit - 1]}und{TENS[tens - 2]}" if unit else TENS[tens - 2]
    return TEENS[value - 10] if value >= 10 else UNITS[value - 1]


@given(st.integers(2, 10**6 - 1), st.integers(2, 10**6 - 1))
def test_words_and_digits_mean_the_same_number_and_no_other(one, other):
    said = f"Es waren {spelled(one)} Menschen"
    expected = [Backing.SAID if one == other else Backing.NOT_SAID]
    assert verdicts(f"{one:,} Menschen".replace(",", "."), said) == [Backing.SAID]
    assert verdicts(f"{other} Menschen", said) == expected


@given(st.decimals(min_value=Decimal("0.1"), max_value=999, places=1), st.sampled_from(["Mio.", "Millionen"]))
def test_scales_multiply(value, scale):
    figure = f"{value:f}".replace(".", ",")
    (one,) = quantities(f"{figure} {scale} Euro")
    assert one.values == {value * 10**6}


@given(st.text(max_size=200))
def test_no_text_is_too_strange(text):
    for one in quantities(text, spoken=True):
        assert one.values or one.measures
    quantities(text, language="en")


@pytest.mark.parametrize(("claim", "said"), [
    ("15,40 Euro", "Fünfzehn Euro vierzig die Stunde"),
    ("3,7 Millionen Euro", "Im ersten Jahr 1,1 Millionen Euro, im zweiten waren es 3,7."),
    ("alle zwei Wochen", "Wir üben jeden zweiten Freitag."),
    ("die übrigen 70 Prozent", "nur zu dreißig Prozent"),
    ("nicht einmal 4.000 Kilometer", "keine 4.000 Kilometer"),
    ("um 20 Uhr", "Um acht beginnt der Film."),
])  # fmt: skip
def test_what_is_left_out_when_speaking_is_understood(claim, said):
    (one,) = quantities(claim)
    assert backing(one, quantities(said, spoken=True))[0] is Backing.SAID
