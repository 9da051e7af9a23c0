import pytest

from jobs.programme import Guest, Talk
from jobs.proof.checks import Flaw
from jobs.proof.evidence import verify
from jobs.recap import Basis, Recap, Sentence
from jobs.timeline import Span
from jobs.transcript import Doubt, Transcript, Utterance, Word

HOST, ANNA, JO = "SPEAKER_00", "SPEAKER_01", "SPEAKER_02"
SAID = (
    (HOST, "Frau Lindner, was bleibt übrig?"),
    (ANNA, "Allein von Werbung kann man nicht leben."),
    (ANNA, "Wir haben 140.000 Leser verloren."),
    (JO, "Ein Podcast ist wie eine Verabredung."),
    (JO, "Das hört niemand.", Doubt.LOW_CONFIDENCE),
    (ANNA, "Vertrauen braucht einen Namen."),
)


@pytest.fixture(scope="module")
def transcript():
    utterances, time = [], 12.0
    for number, (speaker, text, *doubt) in enumerate(SAID, start=1):
        words = []
        for token in text.split():
            words.append(Word(token, Span(time, time + 0.4), 0.9, speaker))
            time += 0.5
        utterances.append(Utterance(f"u{number:04}", tuple(words), speaker, "de", doubt[0] if doubt else None))
        time += 1.0
    names = {ANNA: "Anna Lindner", JO: "Jo Ott"}
    return Transcript("r-test", time, "de", tuple(utterances), names=names)


def flaws(text, evidence, transcript):
    sentence = Sentence(text, evidence, Basis.ATTRIBUTED)
    talk = Talk(title="Medien 2030", guests=(Guest("Anna Lindner"), Guest("Jo Ott")))
    recap = Recap("r-test", None, (sentence,), (), (), (), provenance=None)
    return [finding.flaw for finding in verify(recap, transcript, talk)]


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("„Allein von Werbung kann man nicht leben“, sagt Anna Lindner.", ("u0002",)),
        ("„Allein von Werbung kann man nicht leben“, sagt Lindner (?).", ("u0002",)),
        ("„Allein von Werbung kann man nicht leben“, sagt Stimme 2.", ("u0002",)),
        ("Stimme 2 bei 0:15: „Allein von Werbung kann man nicht leben.“", ("u0002",)),
        ("Allein von Werbung könne man nicht leben, sagt Anna Lindner.", ("u0002",)),
        ("Ein Podcast sei wie eine Verabredung, heißt es.", ("u0004",)),
        ("Auf die Frage „Was bleibt übrig?“ antwortet Anna Lindner: „Allein von Werbung kann man nicht leben.“",
         ("u0001", "u0002")),
        ("„Vertrauen braucht einen Namen“, sagt Anna Lindner. „Ein Podcast ist wie eine Verabredung“, sagt Jo Ott. "
         "Medien 2030 – Zur Nachlese", ("u0004", "u0006")),
        ("„Allein von Werbung kann man nicht leben“", ("u0002",)),
    ],
)  # fmt: skip
def test_words_that_were_said_by_those_who_are_named_hold(text, evidence, transcript):
    assert flaws(text, evidence, transcript) == []


@pytest.mark.parametrize(
    ("text", "evidence", "flaw"),
    [
        ("„Allein von Werbung kann man leben“, sagt Anna Lindner.", ("u0002",), Flaw.NOT_SAID),
        ("„Wir haben 240.000 Leser verloren“, sagt Anna Lindner.", ("u0003",), Flaw.NOT_SAID),
        ("Allein von Werbung könne man leben, sagt Anna Lindner.", ("u0002",), Flaw.NOT_SAID),
        ("Allein von Werbung müsse man nicht leben, sagt Anna Lindner.", ("u0002",), Flaw.NOT_SAID),
        ("Allein von Werbung kann man nicht leben, sagt Anna Lindner.", ("u0002",), Flaw.NOT_SAID),
        ("„Allein von Werbung kann man nicht leben“, sagt Jo Ott.", ("u0002",), Flaw.WRONG_SPEAKER),
        ("„Allein von Werbung kann man nicht leben“, sagt Stimme 3.", ("u0002",), Flaw.WRONG_SPEAKER),
        ("Auf die Frage „Was bleibt übrig?“ antwortet Jo Ott: „Allein von Werbung kann man nicht leben.“",
         ("u0001", "u0002"), Flaw.WRONG_SPEAKER),
        ("Stimme 2 bei 0:59: „Allein von Werbung kann man nicht leben.“", ("u0002",), Flaw.WRONG_SPAN),
        ("„Allein von Werbung kann man nicht leben“, sagen 70 Prozent.", ("u0002",), Flaw.UNBACKED_NUMBER),
        ("„Vertrauen braucht einen Namen“, sagt Anna Lindner.", ("u0002",), Flaw.NOT_SAID),
        # Two sentences that don't follow each other are no quotation.
        ("„Allein von Werbung kann man nicht leben. Vertrauen braucht einen Namen“, sagt Anna Lindner.",
         ("u0002", "u0006"), Flaw.NOT_SAID),
        ("„Das hört niemand“, sagt Jo Ott.", ("u0005",), Flaw.DOUBTFUL_EVIDENCE),
        ("„Allein von Werbung kann man nicht leben“, sagt Anna Lindner.", ("u0099",), Flaw.UNKNOWN_EVIDENCE),
    ],
)  # fmt: skip
def test_what_was_not_said_so_or_not_by_them_fails(text, evidence, flaw, transcript):
    assert flaw in flaws(text, evidence, transcript)
