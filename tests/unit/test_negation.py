import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.proof.denials import left_out, signs, stated, undenied
from jobs.proof.negation import Said, denial
from jobs.proof.opposites import opposite

SAID = "Die Brücke ist nicht fertig, und die Fischer warten auf die Fähre."
#: Said, and two sentences: one says the same, the other the opposite.
PAIRS = (
    (SAID, "Fertig sei die Brücke nicht.", "Fertig sei die Brücke."),
    (SAID, "Die Fischer warteten auf die Fähre.", "Die Fischer warteten nicht auf die Fähre."),
    ("Wir nehmen kein Geld, da steht eine Spardose.", "Geld nehme der Verein nicht.", "Geld nehme der Verein."),
    ("Das hat am Ende niemand gemerkt.", "Gemerkt habe das am Ende niemand.", "Gemerkt habe das am Ende jemand."),
    ("Auf den Brief habe ich nie eine Antwort bekommen.", "Eine Antwort blieb aus.",
     "Auf den Brief bekam er immer eine Antwort."),
    ("Sachbücher über Politik verkaufe ich kaum.", "Sachbücher über Politik verkaufe er selten.",
     "Sachbücher über Politik verkaufe er oft."),
    ("Wir haben Schulen ohne Noten untersucht.", "Untersucht wurden Schulen ohne Noten.",
     "Untersucht wurden Schulen mit Noten."),
    ("Eine Schließung lehne ich ab.", "Eine Schließung werde es nicht geben.", "Eine Schließung lehne er nicht ab."),
    ("Mehr trägt die Achse nicht als zweitausend Bücher.", "Mehr als 2.000 Bücher trage die Achse nicht.",
     "Mehr als 2.000 Bücher trage die Achse."),
    ("Er hat 18.400 Unterschriften gesammelt, was fordert er?", "18.400 Unterschriften hat er gesammelt.",
     "18.400 Unterschriften hat er nicht gesammelt."),
    ("Wir fahren die Kreuzung nicht mehr an.", "Die Kreuzung meidet er.", "Die Kreuzung meidet er nicht."),
    ("Bei Sturm fliegt der Hubschrauber nicht.", "Bei Sturm bleibe der Hubschrauber am Boden.",
     "Bei Sturm fliege der Hubschrauber."),
    ("Schuld ist nicht der Käfer, schuld sind wir.", "Schuld sei nicht der Käfer, sondern der Mensch.",
     "Schuld sei der Käfer, sondern der Mensch."),
)  # fmt: skip
ENGLISH = (
    ("A machine has never sat in a courtroom.", "Eine Maschine habe nie in einem Gericht gesessen.",
     "Eine Maschine habe oft in einem Gericht gesessen."),
    ("Printing ate sixty percent of the budget, but nobody left.", "Der Druck verschlang 60 Prozent.",
     "Der Druck verschlang nicht 60 Prozent."),
    ("The paper made a profit in 2023.", "2023 machte die Zeitung Gewinn.", "2023 machte die Zeitung keinen Gewinn."),
    ("We could not have done it without the fund.", "Ohne den Fonds wäre es nicht gegangen.",
     "Ohne den Fonds wäre es gegangen."),
)  # fmt: skip


@pytest.mark.parametrize(("said", "same", "_"), PAIRS)
def test_what_denies_the_same_is_left_alone(said, same, _):
    assert denial(same, [Said(said)]) is None


@pytest.mark.parametrize(("said", "_", "turned"), PAIRS)
def test_what_is_turned_round_is_found(said, _, turned):
    assert denial(turned, [Said(said)]) is not None


@pytest.mark.parametrize(("said", "same", "turned"), ENGLISH)
def test_english_denials_are_read_as_well(said, same, turned):
    assert denial(same, [Said(said, "en")]) is None
    assert denial(turned, [Said(said, "en")]) is not None


@pytest.mark.parametrize("said", [
    "Bestellen die Leute nicht alles im Internet?",
    "Die Zahl der Unfälle ist gesunken.",
    "Nicht nur die Fischer warten, sondern auch die Bauern.",
])  # fmt: skip
def test_what_denies_nothing(said):
    assert (
        denial("Die Leute bestellten alles im Internet, und die Zahl der Unfälle sei gesunken.", [Said(said)]) is None
    )


def test_a_number_behind_keine_is_a_limit():
    assert signs("Vorher waren es keine dreitausend.") == []
    assert signs("Keine Straße war gesperrt.") == [(0, 5)]


def test_a_question_says_nothing_but_what_stands_before_it():
    assert stated("Sie haben 18 Stimmen, was fordern Sie? Nichts.") == "Sie haben 18 Stimmen Nichts."
    assert stated("Bestellen die nicht alles im Internet?") == ""


def test_a_thing_left_out_is_denied_and_nothing_else():
    assert undenied("Ohne Zaun ist es gestiegen, nicht aber im Tal.") == "Ohne Zaun ist es gestiegen"
    assert left_out("mit dem Zaun", "ohne einen Zaun") == "ohne einen Zaun"
    assert left_out("mit dem Zaun", "mit oder ohne einen Zaun, mit dem Zaun") is None


@pytest.mark.parametrize(("claim", "said", "found"), [
    ("Der Preis sei gestiegen.", "Der Preis ist gefallen.", True),
    ("Der Preis sei gefallen.", "Der Preis ist gestiegen.", True),
    ("Der Preis sei gefallen.", "Erst fiel der Preis, dann ist er gestiegen.", False),
    ("Das Bad bleibe geschlossen.", "Das Bad wird nicht öffnen.", False),
    ("Die Sanierung wäre teurer gewesen.", "Der Neubau ist billiger als die Sanierung.", False),
    ("Lyrik laufe schlechter als Krimis.", "Lyrik läuft besser als Krimis.", True),
    ("Der Lärm stieg um ein Drittel.", "The noise fell by a third.", True),
    ("Zwölf Prozent weniger als im Vorjahr.", "Zwölf Prozent mehr als im Vorjahr.", True),
])  # fmt: skip
def test_opposites(claim, said, found):
    assert (opposite(claim, said) is not None) is found


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_is_too_strange(claim, said):
    assert denial(claim, [Said(claim)]) is None or claim
    denial(claim, [Said(said), Said(claim, "en")])
    opposite(claim, said)


@given(st.sampled_from([pair[0] for pair in PAIRS]))
def test_nobody_contradicts_himself(said):
    assert denial(said, [Said(said)]) is None
    assert opposite(said, said) is None
