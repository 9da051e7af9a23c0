import pytest

from jobs.programme import Guest, Talk
from jobs.proof.checks import Flaw, Verdict, verdict_of
from jobs.proof.claims import check_sentence
from jobs.proof.record import Record
from jobs.timeline import Span
from jobs.transcript import Doubt, Transcript, Utterance, Word

A, B, C = "SPEAKER_00", "SPEAKER_01", "SPEAKER_02"
SAID = (
    (A, "de", "Frau Voss, wie weit ist die Brücke über die Eider?"),
    (B, "de", "Wir haben zwölf Millionen Euro verbaut, und die Brücke ist trotzdem nicht fertig."),
    (B, "de", "Der Beton ist unwichtig, entscheidend ist der Stahl aus Rendsburg."),
    (C, "de", "Die Fischer haben nie geklagt, sie warten auf die Fähre."),
    (C, "en", "We lost forty percent of our boats."),
    (B, "de", "Untertitel im Auftrag des Senders."),
    (A, "de", "In Flensburg wartet niemand auf uns."),
)


def record():
    said, start = [], 0.0
    for number, (speaker, language, text) in enumerate(SAID, start=1):
        words = tuple(Word(t, Span(start + i, start + i + 0.5), 0.9, speaker) for i, t in enumerate(text.split()))
        doubt = Doubt.BOILERPLATE if "Untertitel" in text else None
        said.append(Utterance(f"u{number}", words, speaker, language, doubt))
        start = words[-1].span.end + 1
    talk = Talk(title="Die Brücke", guests=(Guest("Inga Voss", "Bauamt"), Guest("Ole Petersen", "Fischer")))
    return Record(Transcript("r", start, "de", tuple(said), names={B: "Inga Voss", C: "Ole Petersen"}), talk)


RECORD = record()


def found(text, *ids):
    return [(check.flaw, check.verdict) for check in check_sentence(text, ids, RECORD)]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Laut Inga Voss sind 12 Mio. Euro verbaut, die Brücke ist aber nicht fertig.", ("u2",)),
        ("Nicht der Beton sei wichtig, sondern der Stahl, sagte Voss.", ("u3",)),
        ("Ole Petersen zufolge haben die Fischer nie geklagt.", ("u4",)),
        ("40 Prozent der Boote gingen verloren.", ("u5",)),
        ("Die Brücke sei trotz zwölf Millionen Euro noch unfertig.", ("u2",)),
    ],
)
def test_what_is_borne_out_passes(text, ids):
    assert found(text, *ids) == []


@pytest.mark.parametrize(
    ("text", "ids", "flaw"),
    [
        ("Laut Voss sind 13 Mio. Euro in der Brücke verbaut.", ("u2",), Flaw.UNBACKED_NUMBER),
        ("Laut Voss sind 12 Mio. Dollar in der Brücke verbaut.", ("u2",), Flaw.WRONG_UNIT),
        ("Die Brücke ist trotzdem fertig, sagte Voss.", ("u2",), Flaw.NEGATION),
        ("Die Fischer haben immer geklagt.", ("u4",), Flaw.NEGATION),
        ("Ole Petersen sagte, die Brücke sei nicht fertig.", ("u2",), Flaw.WRONG_SPEAKER),
        ("Der Stahl kommt in Flensburg an.", ("u3",), Flaw.UNBACKED_NAME),
        ("Die Fischer warten auf die Fähre, so Petersen.", ("u2",), Flaw.WRONG_SPEAKER),
        ("Die Fischer warten auf die Fähre.", ("u2",), Flaw.UNRELATED_EVIDENCE),
        ("Der Stahl ist entscheidend, und die Fischer warten auf die Fähre.", ("u3",), Flaw.UNRELATED_EVIDENCE),
        ("50 Prozent der Boote gingen verloren.", ("u5",), Flaw.UNBACKED_NUMBER),
        ("Untertitel im Auftrag.", ("u6",), Flaw.DOUBTFUL_EVIDENCE),
        ("Die Brücke ist nicht fertig.", ("u2", "u6"), Flaw.DOUBTFUL_EVIDENCE),
        ("Die Brücke ist nicht fertig.", ("u99",), Flaw.UNKNOWN_EVIDENCE),
        ("Die Brücke ist nicht fertig.", (), Flaw.UNKNOWN_EVIDENCE),
    ],
)
def test_what_is_not_borne_out_fails(text, ids, flaw):
    assert (flaw, Verdict.FAIL) in found(text, *ids)


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("Laut Sabine Kröger ist die Brücke nicht fertig.", Flaw.UNBACKED_NAME),
        ("Die Brücke über den Fluss bei der NordBau ist nicht fertig.", Flaw.UNBACKED_NAME),
    ],
)
def test_names_that_nobody_knows_are_marked(text, flaw):
    assert found(text, "u2") == [(flaw, Verdict.WARNING)]


def test_the_gravest_verdict_counts():
    checks = check_sentence("Laut Sabine Kröger sind 13 Millionen Euro verbaut.", ("u2",), RECORD)
    assert {check.verdict for check in checks} == {Verdict.WARNING, Verdict.FAIL}
    assert verdict_of(checks) is Verdict.FAIL
    assert verdict_of(()) is Verdict.PASS


def test_every_flaw_has_a_german_reason_that_its_fields_fill(sample_labels):
    for flaw in Flaw:
        assert f"check.{flaw.value}" in sample_labels
    for text in (
        "Voss sagte 13.",
        "12 Mio. Dollar",
        "Die Brücke ist fertig.",
        "Laut Sabine Kröger",
        "Fähre und Fischer",
    ):
        for check in check_sentence(text, ("u2",), RECORD):
            assert sample_labels[f"check.{check.flaw.value}"].format(**check.fields)
