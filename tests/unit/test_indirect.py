import pytest

from jobs.german import Spoken
from jobs.timeline import Span
from jobs.transcript import Word
from jobs.writing.indirect import SUBJUNCTIVE, reported
from jobs.writing.worth import Kind, read

#: What a tagger of German would say of the words below; any other is a noun if it begins with a capital.
TAGS = {
    Kind.AUXILIARY: "ist sind hat haben wird werden kann können muss müssen darf soll will",
    Kind.VERB: "geht gibt kostet sinkt leben retten verkauft zahlen finden gestiegen reden schreiben steht beginnt",
    Kind.PREPOSITION: "von in im mit ohne auf um",
    Kind.DETERMINER: "der die das den dem ein eine einen keine kein jede",
    Kind.ADJECTIVE: "alte digitale kleine große",
}
KIND_OF = {word: kind for kind, words in TAGS.items() for word in words.split()}


def tag(words, language):  # noqa: ARG001
    plain = [word.strip(".,;:!?„“") for word in words]
    return [
        (KIND_OF.get(w.lower(), Kind.NOUN if w[:1].isupper() and i else Kind.OTHER), w) for i, w in enumerate(plain)
    ]


def reading(text, language="de"):
    words = tuple(Word(token, Span(i, i + 0.5), 0.9, "SPEAKER_00") for i, token in enumerate(text.split()))
    return read(Spoken(words, ("u0001",), "SPEAKER_00", language), tag=tag, frequency=lambda *_: 3.0)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Allein von Werbung kann man nicht leben.", "Allein von Werbung könne man nicht leben"),
        ("Die Zahl der Leser ist um zwölf Prozent gestiegen.", "Die Zahl der Leser sei um zwölf Prozent gestiegen"),
        ("Ein Neubau der Brücke kostet 62 Millionen Euro.", "Ein Neubau der Brücke koste 62 Millionen Euro"),
        ("Kleine Redaktionen haben keine Zeit.", "Kleine Redaktionen hätten keine Zeit"),
        ("Die Verlage und Sender müssen Leser finden.", "Die Verlage und Sender müssten Leser finden"),
    ],
)
def test_a_plain_statement_is_told_in_the_subjunctive(said, told):
    assert reported(reading(said)) == told


@pytest.mark.parametrize(
    "said",
    [
        "Wir müssen jeden Tag neue Leser finden.",  # who is we?
        "Sie müssen den Lesern die Stadt erklären.",  # said to somebody
        "Heute ist die Auflage der Zeitung klein.",  # which day?
        "Das ist für die Redaktion ein Gewinn.",  # what is?
        "Seine Zeitung hat viele junge Leser.",  # whose?
        "Der Verlag ist klein, aber die Redaktion ist groß.",  # two clauses
        "Der Verlag wächst und die Redaktion ist zu klein.",  # two verbs, one unknown
        "Ist die Auflage der Zeitung noch zu retten?",
        "Die Auflage sank und sinkt im Jahr.",  # past
        "Redaktionen zahlen Reporterinnen einen guten Lohn.",  # no form of its own
        "Der Verlag ist „am Ende der Straße“.",
        "Viele Verlage sind klein und arm.",  # joins something, and who knows what
        "Die Auflage ist klein",  # broken off
        "Sie ist groß.",
    ],
)
def test_what_is_not_safe_is_left_to_be_quoted(said):
    assert reported(reading(said)) is None


def test_other_languages_are_not_told_in_german():
    assert reported(reading("The paper will die without readers.", "en")) is None


def test_one_word_changes_and_no_other():
    said = "Ein Platz ohne Bänke ist nur eine Straße ohne Autos."
    told = reported(reading(said))
    assert told is not None
    changed = [(a, b) for a, b in zip(said.rstrip(".").split(), told.split(), strict=True) if a != b]
    assert changed == [("ist", "sei")]


def test_no_form_of_the_subjunctive_looks_like_the_present():
    assert not set(SUBJUNCTIVE.values()) & set(SUBJUNCTIVE)
