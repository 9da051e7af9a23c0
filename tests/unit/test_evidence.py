from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.programme import Guest, Talk
from jobs.proof.checks import Check, Flaw, Verdict
from jobs.proof.evidence import Finding, proven, verify
from jobs.recap import Basis, Chapter, Question, Quote, Recap, Sentence
from jobs.recording import Provenance
from jobs.timeline import Span
from jobs.transcript import Doubt, Transcript, Utterance, Word

NOBODY = Provenance("test", "1", None, "0" * 16, "0", datetime(2026, 1, 1, tzinfo=UTC))
A, B = "SPEAKER_00", "SPEAKER_01"


def words(text, start, speaker):
    return tuple(Word(t, Span(start + i, start + i + 0.5), 0.9, speaker) for i, t in enumerate(text.split()))


def utterance(number, text, start, speaker=A, doubt=None):
    return Utterance(f"u{number:04}", words(text, start, speaker), speaker, "de", doubt)


TRANSCRIPT = Transcript(
    "r-test",
    725.0,
    "de",
    (
        utterance(1, "Wir haben 140.000 Abonnenten gewonnen,", 0.0),
        utterance(2, "Stimmt.", 4.2, speaker=B),
        utterance(3, "und zwar in zwölf Jahren.", 5.0),
        utterance(4, "Untertitel im Auftrag des Senders.", 20.0, doubt=Doubt.BOILERPLATE),
        utterance(5, "Das ist kein Fehler.", 30.0, speaker=B),
        utterance(6, "Das ist kein Fehler.", 40.0),
    ),
    names={A: "Studio 54"},
)


def recap(**parts):
    empty = {"headline": None, "lead": (), "quotes": (), "chapters": (), "open_questions": ()}
    return Recap(recording_id="r-test", provenance=NOBODY, **(empty | parts))


def quote(text, speaker, start, end, *evidence, translation=None):
    return Quote(text, speaker, Span(start, end), "de", evidence, translation)


GOOD = quote("gewonnen, und zwar in zwölf Jahren.", A, 4.0, 9.5, "u0001", "u0003")


def flaws(part, talk=None):
    place = {Sentence: "lead", Quote: "quotes", Chapter: "chapters", Question: "open_questions"}[type(part)]
    findings = verify(recap(**{place: (part,)}), TRANSCRIPT, talk)
    assert all(finding.part == part for finding in findings)
    return [finding.flaw for finding in findings]


def test_a_quote_over_an_interjection_is_borne_out():
    assert flaws(GOOD) == []


@pytest.mark.parametrize(
    ("bad", "flaw"),
    [
        (replace(GOOD, text="gewonnen, und zwar in elf Jahren."), Flaw.NOT_SAID),
        (replace(GOOD, text="gewonnen, zwar in zwölf Jahren."), Flaw.NOT_SAID),
        (replace(GOOD, text="gewonnen, und zwar in zwölf Jahren"), Flaw.NOT_SAID),
        (quote("Abonnenten gewonnen", A, 3.0, 4.5, "u0001"), Flaw.NOT_SAID),
        (Sentence("Wir haben 140.000", ("u0003",)), Flaw.NOT_SAID),
        (replace(GOOD, text=""), Flaw.NOT_SAID),
        (replace(GOOD, evidence=("u0001", "u0002")), Flaw.NOT_SAID),
        (replace(GOOD, evidence=("u0003",)), Flaw.NOT_SAID),
        (replace(GOOD, speaker=B), Flaw.WRONG_SPEAKER),
        (replace(GOOD, speaker=None), Flaw.WRONG_SPEAKER),
        (replace(GOOD, span=Span(4.0, 9.6)), Flaw.WRONG_SPAN),
        (replace(GOOD, span=Span(3.0, 9.5)), Flaw.WRONG_SPAN),
        (replace(GOOD, evidence=("u0001", "u0099")), Flaw.UNKNOWN_EVIDENCE),
        (replace(GOOD, translation="won, in 13 years"), Flaw.UNBACKED_NUMBER),
        (quote("Untertitel im Auftrag", A, 20.0, 22.5, "u0004"), Flaw.DOUBTFUL_EVIDENCE),
        (Sentence("Das ist ein Fehler.", ("u0005",)), Flaw.NOT_SAID),
        (Sentence("Das ist kein Fehler. Das ist kein Fehler.", ("u0005", "u0006")), Flaw.NOT_SAID),
        (Sentence("Sie gewannen 240.000 Abonnenten.", ("u0001",), Basis.WRITTEN), Flaw.UNBACKED_NUMBER),
        (Sentence("Das waren 13 Jahre.", ("u0003",), Basis.WRITTEN), Flaw.UNBACKED_NUMBER),
        (Sentence("Sie gewannen 140.000 Abonnenten.", ("u0004",), Basis.WRITTEN), Flaw.DOUBTFUL_EVIDENCE),
        (Sentence("Drei Stimmen sprechen.", ("u0001",), Basis.FRAME), Flaw.UNBACKED_NUMBER),
        (Chapter("Dreizehn Jahre", Span(0, 1), ("u0003",)), Flaw.UNBACKED_NUMBER),
        (Chapter("Jahre", Span(0, 1), ("u0004",)), Flaw.DOUBTFUL_EVIDENCE),
        (Question("much-doubt", {}, ("u0099",)), Flaw.UNKNOWN_EVIDENCE),
    ],
)
def test_what_is_not_borne_out_is_found(bad, flaw):
    assert flaws(bad) == [flaw]


@pytest.mark.parametrize(
    "good",
    [
        Sentence("Das ist kein Fehler", ("u0005",)),
        # A headline may break off at a comma.
        Sentence("140.000 Abonnenten gewonnen", ("u0001",)),
        Sentence("Sie gewannen 140.000 Abonnenten in 12 Jahren.", ("u0001", "u0003"), Basis.WRITTEN),
        Sentence("Die Aufnahme dauert zwölf Minuten, zwei Stimmen.", ("u0001",), Basis.FRAME),
        Sentence("Im Gespräch: Studio 54.", ("u0001",), Basis.FRAME),
        Chapter("Zwölf Jahre", Span(0, 1), ("u0003",)),
        Question("much-doubt", {}, ("u0004",)),
    ],
)
def test_what_is_borne_out_is_left_alone(good):
    assert flaws(good) == []


def test_numbers_in_announced_names_are_facts():
    part = Sentence("Laut Programm: Radio 7.", ("u0001",), Basis.FRAME)
    assert flaws(part) == [Flaw.UNBACKED_NUMBER]
    assert flaws(part, Talk(guests=(Guest("Radio 7"),))) == []


@given(st.data())
def test_one_changed_word_in_a_quote_is_always_caught(data):
    tokens = data.draw(st.lists(st.sampled_from(["ein", "kein", "Fehler", "240.000", "140.000", "ist."]), min_size=1))
    start = data.draw(st.integers(0, len(tokens) - 1))
    stop = data.draw(st.integers(start + 1, len(tokens)))
    source = utterance(1, " ".join(tokens), 0.0)
    transcript = Transcript("r-test", 500.0, "de", (source,))
    true = quote(" ".join(tokens[start:stop]), A, float(start), stop - 0.5, "u0001")
    assert verify(recap(quotes=(true,)), transcript) == ()
    place = data.draw(st.integers(start, stop - 1))
    other = data.draw(
        st.sampled_from(["ein", "kein", "Fehler", "240.000", "140.000", "ist.", ""]).filter(
            lambda t: t != tokens[place]
        )
    )
    false = replace(true, text=" ".join([*tokens[start:place], other, *tokens[place + 1 : stop]]))
    findings = verify(recap(quotes=(false,)), transcript)
    assert [finding.part for finding in findings] == [false]


def test_what_fails_is_dropped_and_chapters_stay_without_a_gap():
    good, bad = Sentence("Das ist kein Fehler.", ("u0005",)), Sentence("Das ist ein Fehler.", ("u0005",))
    chapters = (
        Chapter("Titel", Span(0, 10), ("u0099",), (good,)),
        Chapter("Abonnenten", Span(10, 20), ("u0001",), (bad, good)),
        Chapter("99 Fehler", Span(20, 30), ("u0005",), (good,)),
    )
    draft = recap(headline=bad, lead=(bad, good), quotes=(GOOD, replace(GOOD, speaker=B)), chapters=chapters)
    assert proven(draft, TRANSCRIPT) == recap(
        lead=(good,),
        quotes=(GOOD,),
        chapters=(Chapter("Abonnenten", Span(0, 30), ("u0001",), (good, good, good)),),
    )
    assert verify(proven(draft, TRANSCRIPT), TRANSCRIPT) == ()


def test_findings_name_the_part():
    bad = Sentence("Das ist ein Fehler.", ("u0005",))
    assert verify(recap(headline=bad), TRANSCRIPT) == (Finding(bad, Check(Flaw.NOT_SAID, Verdict.FAIL)),)


def test_what_is_only_doubted_stays():
    doubted = Sentence("Laut Sabine Kröger gewannen sie 140.000 Abonnenten.", ("u0001",), Basis.WRITTEN)
    draft = recap(lead=(doubted,))
    assert [finding.verdict for finding in verify(draft, TRANSCRIPT)] == [Verdict.WARNING]
    assert proven(draft, TRANSCRIPT) == draft


ENGLISH = Transcript(
    "r-test",
    100.0,
    "en",
    (
        replace(utterance(1, "Welcome to the stage, Paula Rieger.", 0.0, speaker=B), language="en"),
        replace(
            utterance(2, "We sell coffee to 140,000 readers. We will never sell their data to Google.", 10.0),
            language="en",
        ),
    ),
)
NEVER = Quote("We will never sell their data to Google.", A, Span(16.0, 23.5), "en", ("u0002",))
COFFEE = Quote("We sell coffee to 140,000 readers.", A, Span(10.0, 15.5), "en", ("u0002",))


@pytest.mark.parametrize(
    ("said", "translation", "flaw"),
    [
        (NEVER, "Wir werden ihre Daten immer an Google verkaufen.", Flaw.NEGATION),
        (NEVER, "Wir werden ihre Daten an Google verkaufen.", Flaw.NEGATION),
        (NEVER, "Wir werden ihre Daten nie an Facebook verkaufen.", Flaw.UNBACKED_NAME),
        (COFFEE, "Wir verkaufen Kaffee an 240.000 Leserinnen und Leser.", Flaw.UNBACKED_NUMBER),
        # Said in the same utterance, but not in what is quoted.
        (NEVER, "Wir werden die Daten von 140.000 Menschen nie an Google verkaufen.", Flaw.UNBACKED_NUMBER),
        (COFFEE, "Wir verkaufen nie Kaffee an 140.000 Leserinnen und Leser.", Flaw.NEGATION),
    ],
)
def test_a_translation_says_what_the_quote_says(said, translation, flaw):
    draft = recap(quotes=(replace(said, translation=translation),))
    assert [finding.flaw for finding in verify(draft, ENGLISH)] == [flaw]
    assert verify(recap(quotes=(said,)), ENGLISH) == ()


@pytest.mark.parametrize(
    ("said", "translation"),
    [
        (NEVER, "Wir werden ihre Daten niemals an Google verkaufen."),
        (NEVER, "An Google verkaufen wir ihre Daten nie."),
        (COFFEE, "Wir verkaufen Kaffee an 140.000 Leserinnen und Leser."),
        (COFFEE, "Wir verkaufen Kaffee an hundertvierzigtausend Leser."),
    ],
)
def test_a_true_translation_is_left_alone(said, translation):
    assert verify(recap(quotes=(replace(said, translation=translation),)), ENGLISH) == ()


@pytest.mark.parametrize(
    ("said", "translation", "flaw"),
    [
        ("Readers do not pay for noise.", "Leser zahlen für Lärm.", Flaw.NEGATION),
        ("Readers pay for reporting, they do not pay for noise.", "Sie zahlen für Berichte und Lärm.", Flaw.NEGATION),
        ("Local news is dead.", "Lokalnachrichten sind nicht tot.", Flaw.NEGATION),
        ("Nobody reads what does not matter.", "Niemand liest, was wichtig ist.", Flaw.NEGATION),
        ("You can't run it without people.", "Das lässt sich ohne Menschen machen.", Flaw.NEGATION),
        ("You can't run it without people.", "Das lässt sich ohne Menschen nicht machen.", None),
        ("They failed to ask.", "Sie haben nicht gefragt.", None),
        ("We neither sell nor rent it.", "Wir verkaufen und vermieten es nicht.", None),
        ("Not only readers pay.", "Nicht nur Leser zahlen.", None),
        ("Paula Rieger told me so.", "Das sagte mir Paula Rieger.", None),
        ("A guest told me so.", "Das sagte mir Paula Rieger.", Flaw.UNBACKED_NAME),
    ],
)
def test_a_translation_denies_as_often_as_the_quote(said, translation, flaw):
    spoken = replace(utterance(2, said, 10.0), language="en")
    transcript = replace(ENGLISH, utterances=(ENGLISH.utterances[0], spoken), names={B: "Paula Rieger"})
    one = Quote(said, A, spoken.span, "en", ("u0002",), translation)
    assert [finding.flaw for finding in verify(recap(quotes=(one,)), transcript)] == [flaw] * (flaw is not None)
