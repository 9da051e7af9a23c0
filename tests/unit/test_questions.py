from dataclasses import replace
from datetime import UTC, datetime

import pytest

from config.settings import labels
from jobs.programme import Guest, Talk
from jobs.timeline import Span
from jobs.transcript import Doubt, Likeness, Transcript, Utterance, Word
from jobs.writing.questions import MAX_QUESTIONS, open_questions

HOST = "SPEAKER_00"


def conversation(*said, names=None):
    """A transcript of (speaker, text) or (speaker, text, doubt), an utterance every five seconds."""
    utterances = []
    for number, (speaker, text, *doubt) in enumerate(said):
        times = [5.0 * number + place / 4 for place in range(len(text.split()))]
        words = tuple(Word(t, Span(at, at + 0.2), 0.9, speaker) for t, at in zip(text.split(), times, strict=True))
        utterances.append(Utterance(f"u{number:04}", words, speaker, "de", *doubt))
    return Transcript("r-test", 5.0 * len(said), "de", tuple(utterances), names=names or {})


def asked(transcript, talk=None):
    """The German sentences as an editor reads them."""
    sentences = labels()
    return [
        sentences[f"question.{question.code}"].format(**question.fields)
        for question in open_questions(transcript, talk or Talk())
    ]


def test_a_voice_named_in_the_recording_is_asked_about_by_its_name():
    guests = Talk(guests=(Guest("Jonas Brandt"), Guest("Lena Hartmann"), Guest("Anna Lindner")))
    said = conversation(
        (HOST, "Ich bin Jonas Brandt."),
        (HOST, "Frau Hartmann, wer hört Ihnen zu?"),
        ("SPEAKER_01", "Es sind vierhundert Menschen."),
        ("SPEAKER_02", "Das ist viel."),
    )
    assert asked(said, guests) == [
        "Stimme 1 ist vermutlich Jonas Brandt: stellt sich bei 0:00 vor. Bitte bestätigen.",
        "Stimme 2 ist vermutlich Lena Hartmann: wird bei 0:05 als „Frau Hartmann“ angesprochen. Bitte bestätigen.",
        "Wer ist Stimme 3? Zu hören ab 0:15; bitte den Namen nachtragen.",
        "Anna Lindner steht im Programm, ließ sich aber keiner Stimme zuordnen; "
        "bitte anhören und zuordnen oder streichen.",
    ]


def test_a_guest_alone_is_probably_the_only_voice():
    (question,) = asked(conversation((HOST, "Zeitungen kosten Geld.")), Talk(guests=(Guest("Jonas Brandt"),)))
    assert question == "Stimme 1 ist vermutlich Jonas Brandt: nur dieser Gast steht im Programm. Bitte bestätigen."


def test_nothing_is_asked_about_voices_with_names():
    said = conversation((HOST, "Ich bin Jonas Brandt."), names={HOST: "Jonas Brandt"})
    assert asked(said, Talk(guests=(Guest("Jonas Brandt"),))) == []


@pytest.mark.parametrize("introduced", [0, 1, 5, 9])
@pytest.mark.parametrize("announced", [0, 1, 9])
def test_a_big_panel_asks_few_questions_and_forgets_nobody(introduced, announced):
    people = [f"{name} {name}mann" for name in ("Ada", "Bea", "Cem", "Dora", "Elsa", "Finn", "Gesa", "Hugo", "Ida")]
    voices = [f"SPEAKER_{number:02}" for number in range(9)]
    said = conversation(
        *((voice, f"Mein Name ist {name}.") for voice, name in zip(voices[:introduced], people, strict=False)),
        *((voice, "Das ist schade um die Zeitung.") for voice in voices[introduced:]),
        (HOST, "Untertitel im Auftrag von niemandem, den man kennt.", Doubt.BOILERPLATE),
    )
    guests = tuple(Guest(name) for name in people[:announced])
    questions = asked(said, Talk(guests=guests))
    assert len(questions) <= MAX_QUESTIONS
    text = " ".join(questions)
    known = introduced if not announced else min(introduced, announced)
    assert all(name in text for name in people[: max(known, announced)])
    assert all(str(number) in text for number in range(1, 10))
    assert "zweifelhaft" in text


def test_voices_that_may_be_the_same_guest_are_asked_about_together():
    transcript = conversation((HOST, "Ich heiße Anna Lindner."), ("SPEAKER_01", "Mein Name ist Anna Lindner."))
    (question,) = open_questions(transcript, Talk(guests=(Guest("Anna Lindner"),)))
    assert (question.code, question.evidence) == ("speakers-share-name", ("u0000", "u0001"))
    assert question.fields == {"number": "1 und 2", "name": "Anna Lindner"}


def test_a_voice_that_sounds_like_a_profile_is_asked_about_with_day_and_likeness():
    said = conversation((HOST, "Guten Abend."), ("SPEAKER_01", "Zeitungen kosten Geld."))
    alike = Likeness("SPEAKER_01", "Anna Berg", 0.84, datetime(2026, 11, 3, tzinfo=UTC))
    assert asked(replace(said, likenesses=(alike,)))[0] == (
        "Stimme 2 klingt ab 0:05 wie Anna Berg (Stimmprofil vom 3. November 2026), Ähnlichkeit 0,84. "
        "Bitte anhören und bestätigen."
    )
