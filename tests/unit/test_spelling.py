"""Names put right: what is nearly a name of the programme becomes it, and nothing else does."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wordfreq import top_n_list

from jobs.phonetics import cologne
from jobs.programme import Guest, Talk
from jobs.spelling import repaired
from jobs.timeline import Span
from jobs.transcript import Doubt, Transcript, Utterance, Word

FIXTURES = Path(__file__).parents[1] / "fixtures"
#: Thirty people and eight terms, all invented.
NAMES = (
    "Thorben Frevert", "Anneke Wiebusch", "Jorinde Kallweit", "Malte Overbeck", "Svantje Petersen-Kroll",
    "Ruprecht Zollikofer", "Katinka Dürrschnabel", "Levin Osterkamp", "Gesine Vollbrecht", "Ottokar Brinkschulte",
    "Mareile Tönnsing", "Cord Haverbeck", "Amadou Diarra", "Zeynep Kılıçarslan", "Wiebke Aschenbrenner",
    "Henrik Schlottmann", "Philine Rautenberg", "Justus Grotjahn", "Birthe Ehlerding", "Tjark Wollenhaupt",
    "Ylva Sundermann", "Bertram Kessenich", "Nele Quistorp", "Fiete Lührsen", "Gundula Pfannenschmidt",
    "Roderich Hasselbach", "Imke Staffhorst", "Konrad Bleibtreu", "Solveig Thormählen", "Emil Wackernagel",
)  # fmt: skip
TERMS = ("Elbkurier", "Zeitzeichner", "Funkwiese", "Nordlichtpreis", "Redaktionsradar", "Blattwerkstatt", "Querhall")
TALK = Talk(guests=tuple(Guest(name) for name in NAMES), terms=TERMS)

SAID = st.lists(
    st.sampled_from(["Frewert", "El", "Kurier,", "der", "Tönsing", "4,9", "-", "…", "’s", "Anna", "„Zoli", "Kofa“"]),
    max_size=12,
)
#: How names come to be written by ear.
CONFUSIONS = (
    ("v", "w"), ("ck", "k"), ("nn", "n"), ("th", "t"), ("ie", "i"), ("sch", "sh"), ("tz", "z"), ("ll", "l"),
    ("f", "v"), ("ö", "oe"), ("hr", "r"), ("tt", "t"), ("ei", "ai"), ("ss", "s"), ("d", "t"), ("b", "p"),
)  # fmt: skip


def heard(text, *, probability=0.9, doubt=None):
    words = tuple(Word(word, Span(n, n + 1), probability, "SPEAKER_00") for n, word in enumerate(text.split()))
    said = (Utterance("u0001", words, "SPEAKER_00", "de", doubt),) if words else ()
    return Transcript("r-1", float(len(words)), "de", said)


def told(text, talk=TALK, **more):
    return " ".join(one.text for one in repaired(heard(text, **more), talk).utterances)


def changes(text, talk=TALK, **more):
    found = repaired(heard(text, **more), talk)
    return [(word.heard, word.text) for one in found.utterances for word in one.words if word.heard is not None]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Torben Fräwert spricht.", "Thorben Frevert spricht."),
        ("Das ist Frewerts Buch.", "Das ist Freverts Buch."),
        ("Der El Kurier schreibt.", "Der Elbkurier schreibt."),
        ("die Elbkurjer-Redaktion,", "die Elbkurier-Redaktion,"),
        ("die „Elb-Kuria“.", "die „Elbkurier“."),
        ("Zoli Kofa kommt.", "Zollikofer kommt."),
        ("That is Wiebush's idea.", "That is Wiebusch's idea."),
        ("Frau Tönsing, bitte.", "Frau Tönnsing, bitte."),
        ("Query Hall wächst.", "Querhall wächst."),
    ],
)
def test_near_misses_are_put_right_and_all_around_them_stays(said, meant):
    assert told(said) == meant


def test_what_was_heard_stays_beside_it():
    (word, _) = repaired(heard("El Kurier. schreibt"), TALK).utterances[0].words[:2]
    assert (word.text, word.heard, word.span) == ("Elbkurier.", "El Kurier.", Span(0, 2))
    assert changes("Frewert sagt") == [("Frewert", "Frevert")]


@pytest.mark.parametrize(
    ("guest", "said"),
    [
        ("Anna Bürger", "Frau Berger und Herr Berger"),
        ("Jan Lindner", "unter den linden Lindern Linden"),
        ("Eva Bauer", "Die Bäuerin und die Mauer"),
        ("Jonas Brandt", "Die Brände und der Brand"),
    ],
)
def test_words_that_everybody_knows_stay(guest, said):
    assert not changes(said, Talk(guests=(Guest(guest),)), probability=0.2)


def test_a_first_name_beside_it_says_who_is_meant():
    talk = Talk(guests=(Guest("Jonas Brandt"), Guest("Dr. Anna von Bürger")))
    assert told("Jonas Brand ist da, Anna von Burger auch.", talk) == "Jonas Brandt ist da, Anna von Bürger auch."


@pytest.mark.parametrize(
    "said", ["Freverts", "Nordlichtpreises und Nordlichtpreise", "Elbkurier-Leser", "Zeitzeichnern"]
)
def test_forms_of_a_name_are_right_as_they_are(said):
    assert not changes(said)


def test_what_could_be_two_names_stays():
    talk = Talk(guests=(Guest("Ida Frevert"), Guest("Ole Frewart")))
    assert not changes("Frewert", talk)


def test_doubtful_utterances_stay():
    assert not changes("Frewert", doubt=Doubt.LOOP)


def test_names_with_figures_and_signs_between_words_stay():
    assert not changes("Elb, Kurier Frewert3")


@given(SAID)
def test_without_a_programme_nothing_is_repaired(words):
    before = heard(" ".join(words))
    assert repaired(before, Talk(title="Frevert und der Elbkurier")) == before


@given(SAID)
def test_repairing_keeps_times_and_settles(words):
    before = heard(" ".join(words))
    after = repaired(before, TALK)
    assert repaired(after, TALK) == after
    assert [one.span for one in after.utterances] == [one.span for one in before.utterances]
    original = " ".join(word.heard or word.text for one in after.utterances for word in one.words)
    assert original == " ".join(one.text for one in before.utterances)
    starts = [word.span.start for one in after.utterances for word in one.words]
    assert starts == sorted(starts)


def test_names_written_by_ear_are_mostly_put_right():
    long = [word for name in NAMES for word in name.split() if len(word) > 6] + list(TERMS)
    cases = [(name[0] + name[1:].replace(old, new, 1), name) for name in long for old, new in CONFUSIONS]
    cases = [(wrong, name) for wrong, name in cases if wrong != name]
    missed = [wrong for wrong, name in cases if told(f"Hier spricht {wrong} heute.") != f"Hier spricht {name} heute."]
    assert len(cases) > 50
    assert len(missed) <= 0.1 * len(cases), missed


@pytest.mark.parametrize("probability", [0.95, 0.3])
def test_ordinary_words_are_hardly_ever_taken_for_names(probability):
    texts = [path.read_text() for path in sorted(FIXTURES.glob("*.txt")) if path.stem != "namen"]
    # Every word with a capital letter, as if it were a noun: harder than any text.
    texts.append(" ".join(word.capitalize() for word in (*top_n_list("de", 3000), *top_n_list("de", 30000)[3000::18])))
    words = sum(len(text.split()) for text in texts)
    wrong = [change for text in texts for change in changes(text, probability=probability)]
    assert len(wrong) <= words / 1000, wrong


@pytest.mark.parametrize(
    ("word", "code"), [("Müller-Lüdenscheidt", "65752682"), ("Wikipedia", "3412"), ("Breschnew", "17863"), ("", "")]
)
def test_the_cologne_code_is_that_of_its_published_examples(word, code):
    assert cologne(word) == code


@given(st.text())
def test_any_text_has_a_code_of_digits_without_twins(text):
    code = cologne(text)
    assert set(code) <= set("012345678")
    assert "0" not in code[1:]


def test_repair_leaves_the_rest_of_a_transcript_alone():
    before = replace(heard("Frewert"), names={"SPEAKER_00": "X"}, duration_s=9.0)
    after = repaired(before, TALK)
    assert replace(after, utterances=before.utterances) == before
