import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.scoring.normalizer import basic, tokens


def forms(text, **options):
    return [token.text for token in tokens(text.split(), **options)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Das kostet 40 %.", "das kostet vierzig Prozent"),
        ("12,9 Mio. Euro", "zwölf Komma neun Millionen Euro"),
        ("12.900.000 €", "zwölf Komma neun Millionen Euro"),
        ("140.000 Abonnenten", "140 000 Abonnenten"),
        ("140 Tausend Abonnenten", "hundertvierzigtausend Abonnenten"),
        ("im Jahr 1989", "im Jahr neunzehnhundertneunundachtzig"),
        ("im Jahr 2024", "im Jahr zweitausendvierundzwanzig"),
        ("am 3. Mai", "am dritten Mai"),
        ("im 21. Jahrhundert", "im einundzwanzigsten Jahrhundert"),
        ("um 20.15 Uhr", "um zwanzig Uhr fünfzehn"),
        ("um 20:15 Uhr", "um 20 Uhr 15"),
        ("um 9:00 Uhr", "um neun Uhr"),
        ("12,90 Euro", "zwölf Euro neunzig"),
        ("12,90 €", "zwölf Euro neunzig"),
        ("1 Million", "eine Million"),
        ("1 Euro", "ein Euro"),
        ("§ 5", "Paragraph fünf"),
        ("Müller & Söhne", "Müller und Söhne"),
        ("Äh, das ist, ähm, gut. Mhm.", "Das ist gut"),
        ("Das ist (lacht laut) gut [Applaus] heute <Musik>", "das ist gut heute"),
        ("„Gut“, sagt sie – wirklich?!", "gut sagt sie wirklich"),
        ("ﬁnden", "finden"),
    ],
)
def test_spelling_costs_nothing(one, other):
    assert forms(one) == forms(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ein Problem", "kein Problem"),
        ("fünfzehn Leute", "fünfzig Leute"),
        ("12,9 Prozent", "129 Prozent"),
        ("240.000 Euro", "140.000 Euro"),
        ("2024", "2025"),
        ("20.15 Uhr", "20.50 Uhr"),
        ("40 Prozent", "40 Promille"),
        ("12,90 Euro", "12 Euro 19"),
        ("drei Millionen", "drei Milliarden"),
        ("Maße", "Masse"),
        ("schon", "schön"),
        ("eine Minute", "keine Minute"),
        ("dritten Mai", "vierten Mai"),
    ],
)
def test_mishearing_does(one, other):
    assert forms(one) != forms(other)


def test_an_article_is_a_word():
    assert forms("Ein Mann und eine Frau") == ["ein", "mann", "und", "eine", "frau"]


def test_english_groups_and_counts_as_english_does():
    assert forms("140,000 readers", language="en") == ["140000", "readers"]
    assert forms("two billion", language="en") == ["2000000000"]
    assert forms("zwei Billionen") == ["2000000000000"]


def test_a_token_knows_the_words_it_was_read_from():
    said = "Es sind zwölf Komma neun Millionen Euro (hört, hört) am Ende-Anfang"
    read = tokens(said.split())
    assert [(token.text, token.first, token.last) for token in read] == [
        ("es", 0, 0), ("sind", 1, 1), ("12900000", 2, 5), ("euro", 6, 6), ("am", 9, 9), ("ende", 10, 10),
        ("anfang", 10, 10),
    ]  # fmt: skip


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12), max_size=12))
def test_every_token_comes_from_words_that_are_there(words):
    for token in tokens(words):
        assert 0 <= token.first <= token.last < len(words)
        assert token.text
        assert token.text == token.text.strip()


@given(st.lists(st.text("äbcüXYZ", min_size=1, max_size=9), max_size=9))
def test_case_and_punctuation_change_nothing_about_words(words):
    shouted = [f"„{word.upper()}“," for word in words]
    assert [token.text for token in tokens(shouted)] == [token.text for token in tokens(words)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # The steps of appendix C, one by one: brackets, parentheses, NFKC, symbols and punctuation, case, blanks.
        ("[Musik] Hallo <eng> da", "hallo da"),
        ("Hallo (lacht) da", "hallo da"),
        ("½ ﬁn", "1 2 fin"),
        ("40 % + 3 €", "40 3"),
        ("Ja–nein, E-Mail; geht's?", "ja nein e mail geht s"),
        ("STRASSE Straße", "strasse straße"),
        ("a \t\n b", "a b"),
        ("vier (offen", "vier offen"),
    ],
)
def test_the_basic_form_follows_the_published_rules(text, words):
    assert list(basic(text)) == words.split()
