import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import load, prompt
from jobs.errors import SetupError
from jobs.writing.house_style import allows, breaches, is_german, parse_style
from worker.style import house_style

STYLE = parse_style(prompt("house_style"))


def keys(text, style=STYLE, **how):
    return [key for key, _ in breaches(text, style, **how)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Berg sagt, der Verlag habe im Mai mehr digitale Ausgaben verkauft.", []),
        ("Das sei eine spannende Entwicklung, sagt Berg.", ["forbidden"]),
        ("Sie gab WERTVOLLE  Einblicke.", ["forbidden"]),
        ("Die Spannung sei groß gewesen, sagt Berg.", []),
        ("Berg sagt: „Nein.“", ["quotation-marks"]),
        ('Berg nennt das "neu".', ["quotation-marks"]),
        ("<script>alert(1)</script>", ["forbidden"]),
        ("Was das für dich heißt, sagt Berg nicht.", ["address"]),
        ("Die Leser:innen zahlten, sagt Berg.", ["gender"]),
        ("Die Leser*innen zahlten, sagt Berg.", ["gender"]),
        ("Die LeserInnen zahlten, sagt Berg.", ["gender"]),
        ("Um 12:30 Uhr habe es im Inneren gebrannt.", []),
        ("The paper has sold more digital copies than it did in print.", ["not-german"]),
        ("Wort " * 33, ["too-many-words"]),
    ],
)
def test_our_own_words_are_held_against_the_style(text, found):
    assert keys(text) == found


def test_the_limit_itself_is_allowed_one_more_is_not():
    assert keys("wort " * STYLE.sentence_words) == []
    assert keys("x" * STYLE.headline_chars, title=True) == []
    assert keys("x" * (STYLE.headline_chars + 1), title=True) == ["too-long"]


def test_a_newsroom_has_its_own_form_and_address():
    style = STYLE.model_copy(update={"gender": "doppelpunkt", "address": "du"})
    assert keys("Die Leser:innen zahlten, sagt Berg.", style) == []
    assert keys("Die Leser*innen zahlten, sagt Berg.", style) == ["gender"]
    assert keys("Was das für dich heißt, sagt Berg nicht.", style) == []
    assert keys("Was das für Ihre Zeitung heißt, sagt Berg nicht.", style) == ["address"]


@given(st.sampled_from(STYLE.forbidden), st.sampled_from(["", "e", "en", "es"]), st.text("abc äöü.,", max_size=20))
def test_every_forbidden_phrase_is_found_wherever_it_stands_and_however_it_ends(phrase, ending, around):
    assert "forbidden" in keys(f"{around} {phrase}{ending} {around}")


def test_no_forbidden_phrases_forbid_nothing():
    assert keys("Das sei spannend, sagt Berg.", STYLE.model_copy(update={"forbidden": ()})) == []


def test_the_model_is_told_every_value():
    for told in ("32", "110", "spannend", "gesiezt", "Leserinnen und Leser"):
        assert told in STYLE.rules
    assert "$" not in STYLE.rules


@pytest.mark.parametrize(
    "text", ["Die Zukunft der Lokalzeitung", "Elbkurier", "40 %", "", "Podcast, Newsletter, Paywall"]
)
def test_short_titles_are_given_the_benefit_of_the_doubt(text):
    assert is_german(text)


VALUES = prompt("house_style").partition("\n+++\n")[0]


@pytest.mark.parametrize("text", [
    "", "headline_chars = 3", "+++\n+++\n", f"{VALUES}\nneu = 1\n+++\nText", f"{VALUES}\naddress = 'euch'\n+++\nText",
    "+++\nkein toml\n+++\nText", VALUES,
])  # fmt: skip
def test_a_style_of_another_form_is_an_error(text, tmp_path):
    with pytest.raises(ValueError):  # noqa: PT011  # any of its kind
        parse_style(text)
    path = tmp_path / "style.md"
    path.write_text(text)
    with pytest.raises(SetupError) as error:
        house_style(load().recap.model_copy(update={"house_style": str(path)}))
    assert error.value.code == "bad-house-style"


def test_a_style_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(SetupError):
        house_style(load().recap.model_copy(update={"house_style": str(tmp_path / "nowhere")}))


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("Das ist eine spannende Frage.", False),
        ("Wir geben wertvolle Einblicke.", False),
        ("Die Spannung war groß.", True),
        ("Das Vertrauen der Leserinnen und Leser ist unser einziges Kapital.", True),
    ],
)
def test_what_the_house_would_never_print_is_not_taken_over(text, allowed):
    assert allows(text, STYLE) is allowed
