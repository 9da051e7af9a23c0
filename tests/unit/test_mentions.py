import pytest

from jobs.programme import Guest, Talk
from jobs.proof.checks import Flaw, Verdict
from jobs.proof.claims import check_sentence
from jobs.proof.content import is_rival, is_unheard
from jobs.proof.gazetteer import english_name, is_proper
from jobs.proof.mentions import mentions, strangers
from jobs.proof.record import Record
from jobs.timeline import Span
from jobs.transcript import Transcript, Utterance, Word

HOST, TREASURER, MAYOR = "SPEAKER_00", "SPEAKER_01", "SPEAKER_02"
SAID = (
    (HOST, "de", "Herr Krüger, wie groß ist das Loch im Haushalt von Oderwitz?"),
    (TREASURER, "de", "Uns fehlen 23 Millionen, der Bau eines Parkhauses am Theater war teuer."),
    (MAYOR, "de", "Die Bahnhofstraße in Drebkow ist gesperrt, das regeln die in Potsdam."),
    (HOST, "de", "Das nehmen wir so mit."),
    (HOST, "de", "Und nun zum Bad."),
    (TREASURER, "de", "Wir sparen beim Strom."),
    (MAYOR, "en", "We built it with money from Norway and from the Danish fund."),
)
NAMES = {HOST: "Henriette Lohse", TREASURER: "Manfred Krüger", MAYOR: "Frank O'Neill"}
GUESTS = (
    Guest("Henriette Lohse", "Moderation"),
    Guest("Dr. Manfred Krüger", "Kämmerer"),
    Guest("Frank O'Neill", "Bürgermeister"),
)


def record():
    said, start = [], 0.0
    for number, (speaker, language, text) in enumerate(SAID, start=1):
        words = tuple(Word(t, Span(start + i, start + i + 0.5), 0.9, speaker) for i, t in enumerate(text.split()))
        said.append(Utterance(f"u{number}", words, speaker, language))
        start = words[-1].span.end + 1
    return Record(Transcript("r", start, "de", tuple(said), names=NAMES), Talk(title="Geld", guests=GUESTS))


RECORD = record()


def found(text, *ids):
    return {(check.flaw, check.verdict) for check in check_sentence(text, ids, RECORD)}


def test_a_degree_makes_nobody_another():
    assert [person.name for person in RECORD.people] == ["Henriette Lohse", "Manfred Krüger", "Frank O'Neill"]


@pytest.mark.parametrize(("text", "people", "is_source"), [
    ("Laut Krüger fehlen 23 Millionen.", ["Manfred Krüger"], True),
    ("Krügers Rechnung geht auf.", ["Manfred Krüger"], False),
    ("Frank O'Neill beklagte die Sperrung.", ["Frank O'Neill"], True),
    ("Uns fehle Geld, klagte der Kämmerer.", ["Manfred Krüger"], True),
    ("Die Moderatorin fragte nach dem Bad.", ["Henriette Lohse"], True),
    ("Lohse begrüßte den Kämmerer Manfred Krüger.", ["Henriette Lohse", "Manfred Krüger"], None),
    ("Der Haushalt hat ein Loch.", [], None),
])  # fmt: skip
def test_whom_a_sentence_names(text, people, is_source):
    heard = list(mentions(text, RECORD))
    assert [person.name for mention in heard for person in mention.people] == people
    assert is_source is None or [mention.is_source for mention in heard] == [is_source] * len(heard)


def test_the_small_words_of_a_name_name_nobody():
    one = Record(Transcript("r", 1.0, "de", ()), Talk(guests=(Guest("Ute von der Heide"),)))
    assert list(mentions("Der Preis sei gestiegen, die Zeit von gestern vorbei.", one)) == []
    assert [m.text for m in mentions("Das sagte Ute von der Heide.", one)] == ["Ute von der Heide"]


def test_a_host_who_greets_somebody_is_the_one_who_speaks():
    assert [mention.is_source for mention in mentions("Lohse begrüßte den Kämmerer Manfred Krüger.", RECORD)] == [
        True, False,
    ]  # fmt: skip


@pytest.mark.parametrize("text", [
    "Frank Krüger beklagte, dass 23 Millionen fehlten.",
    "Es fehlten 23 Millionen, sagte Manfred O'Neill.",
])  # fmt: skip
def test_a_name_made_of_two_is_nobodys(text):
    assert (Flaw.UNBACKED_NAME, Verdict.FAIL) in found(text, "u2")


@pytest.mark.parametrize(("text", "ids"), [
    ("Der Bürgermeister klagte, dass 23 Millionen fehlten.", ("u2",)),
    ("Die Straße sei gesperrt, sagte der Kämmerer.", ("u3",)),
])  # fmt: skip
def test_a_role_is_its_holder(text, ids):
    assert (Flaw.WRONG_SPEAKER, Verdict.FAIL) in found(text, *ids)


@pytest.mark.parametrize(("text", "name"), [
    ("Kröger befürchtet, dass Geld fehle.", "Kröger"),
    ("Krögers Rechnung geht nicht auf.", "Krögers Rechnung"),
    ("Nach Krögers Angaben fehlen 23 Millionen.", "Krögers Angaben"),
    ("Es fehle Geld, sagte Sabine Kröger.", "Sabine Kröger"),
    ("Es fehle Geld, ärgert sich Kröger.", "Kröger"),
    ("Kröger zufolge fehlt Geld.", "Kröger"),
    ("Das Geld kommt aus Schweden.", "Schweden"),
    ("Gegeben wird ein Kleist-Stück.", "Kleist"),
    ("Das meldete die ARD.", "ARD"),
])  # fmt: skip
def test_strangers_are_noticed(text, name):
    assert list(strangers(text, RECORD, frozenset())) == [name]


@pytest.mark.parametrize("text", [
    "Gesprächsbereit zeigte sich die Stadt.",
    "Im Theaterparkhaus war der Bau teuer.",
    "Radfahrende kauften häufiger ein.",
    "Nach Angaben der Stadt fehlt Geld.",
    "Zum Auftakt gab es Kritik: Im Haushalt klaffe ein Loch.",
    "Vertrauen entstehe durch Zeit.",
])  # fmt: skip
def test_the_writers_own_nouns_are_no_names(text):
    given = frozenset({"theat", "parkhau", "bau"})
    assert list(strangers(text, RECORD, given)) == []


def test_what_was_said_elsewhere_is_a_name_there_only():
    assert (Flaw.UNBACKED_NAME, Verdict.FAIL) in found("Beim Strom wird in Drebkow gespart.", "u6")
    assert (Flaw.UNBACKED_NAME, Verdict.FAIL) not in found("Die Bahnhofstraße in Drebkow sei gesperrt.", "u3")


def test_places_are_known_in_two_languages_and_by_their_people():
    assert found("Das Geld kam aus Norwegen und Dänemark.", "u7") == set()
    assert (Flaw.UNBACKED_NAME, Verdict.WARNING) in found("Das Geld kam aus Schweden.", "u7")
    assert is_proper("Norwegens")
    assert not is_proper("Essen")
    assert english_name("Köln") == "cologne"


@pytest.mark.parametrize(("word", "unheard"), [
    ("Kröger", True), ("Schwachhausen", True), ("Investoren", False), ("Treibstoffs", False), ("Saatgut", False),
])  # fmt: skip
def test_a_rare_word_that_is_made_of_no_others_is_most_likely_a_name(word, unheard):
    assert is_unheard(word) is unheard


def test_compounds_that_begin_otherwise_are_rivals():
    assert is_rival("panamakanal", "suezkanal")
    assert not is_rival("aufstieg", "abstieg")
    assert not is_rival("kanal", "suezkanal")
