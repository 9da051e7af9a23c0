from datetime import date

import pytest

from config.settings import labels
from jobs.programme import Guest, Talk
from jobs.proof.evidence import verify
from jobs.recap import Basis, Recap
from jobs.timeline import Span
from jobs.transcript import Transcript, Utterance, Word
from jobs.writing.framing import namings
from jobs.writing.house_style import HouseStyle, breaches
from jobs.writing.occasion import length, occasion

HOST, ONE = "SPEAKER_00", "SPEAKER_01"
DAY = date(2026, 3, 5)


def conversation(*said, names=None):
    utterances = []
    for number, (speaker, text) in enumerate(said, start=1):
        start = 10.0 * number
        words = tuple(
            Word(t, Span(start + i / 2, start + i / 2 + 0.4), 0.9, speaker) for i, t in enumerate(text.split())
        )
        utterances.append(Utterance(f"u{number:04}", words, speaker, "de"))
    return Transcript("r-test", 600.0, "de", tuple(utterances), names=names or {})


PLAIN = conversation((HOST, "Guten Abend."), (ONE, "Zeitungen brauchen Leser."))


def told(transcript, talk, presented=()):
    named = namings(transcript, talk, labels())
    return occasion(transcript, talk, named, presented=presented, labels=labels())


@pytest.mark.parametrize(
    ("talk", "names", "expected"),
    [
        (Talk(), {}, []),
        (Talk(title="Wer liest?"), {}, ["Titel laut Programm: „Wer liest?“."]),
        (
            Talk(title="Wer liest?", day=DAY, stage="Saal 2"),
            {},
            ["Titel laut Programm: „Wer liest?“ (am 5. März 2026 in Saal 2)."],
        ),
        (
            Talk(title="Wer liest?", guests=(Guest("Ada Weiß", "Verlegerin"),), day=DAY, stage="Mainstage"),
            {ONE: "Ada Weiß"},
            ["Ada Weiß (Verlegerin) sprach am 5. März 2026 auf der Mainstage unter dem Titel „Wer liest?“."],
        ),
        (
            Talk(guests=(Guest("Ada Weiß"), Guest("Jo Ott", "Moderation"))),
            {ONE: "Ada Weiß", HOST: "Jo Ott"},
            ["Ada Weiß spricht; Moderation: Jo Ott."],
        ),
        (
            Talk(guests=(Guest("Ada Weiß"), Guest("Kim Roth", "Ärztin"))),
            {ONE: "Ada Weiß"},
            ["Ada Weiß spricht.", "Laut Programm außerdem: Kim Roth (Ärztin)."],
        ),
        (
            Talk(title="Wer liest?", guests=(Guest("Kim Roth"), Guest("Lou Ott"), Guest("Jo Ott", "Host"))),
            {},
            ["Laut Programm sprechen Kim Roth und Lou Ott unter dem Titel „Wer liest?“; Moderation: Jo Ott."],
        ),
        # Without a programme the length says whose voices these are.
        (Talk(), {ONE: "Ada Weiß"}, []),
    ],
)
def test_who_speaks_when_where_and_under_which_title(talk, names, expected):
    transcript = conversation((HOST, "Guten Abend."), (ONE, "Zeitungen brauchen Leser."), names=names)
    sentences = told(transcript, talk)
    assert [sentence.text for sentence in sentences] == expected
    assert all(sentence.basis is Basis.FRAME for sentence in sentences)
    recap = Recap("r-test", None, sentences, (), (), (), provenance=None)
    assert verify(recap, transcript, talk) == ()


def test_whoever_is_announced_and_presented_but_has_no_voice_left_does_not_speak():
    alone = conversation((HOST, "Zu Gast sind heute Ada Weiß und Kim Roth vom Radio."))
    talk = Talk(guests=(Guest("Ada Weiß"), Guest("Kim Roth")))
    assert [s.text for s in told(alone, talk, presented=("u0001",))] == [
        "Laut Programm sprechen Ada Weiß und Kim Roth."
    ]


@pytest.mark.parametrize(
    ("stage", "where"),
    [
        ("Mainstage", "auf der Mainstage"),
        ("Große Bühne", "auf der Großen Bühne"),
        ("Kleiner Saal", "im Kleinen Saal"),
        ("Bühne 1", "auf Bühne 1"),
        ("Halle B", "in Halle B"),
        ("Messehalle", "in der Messehalle"),
        ("Kinosaal", "im Kinosaal"),
        ("Open Air", "(Ort: Open Air)"),
    ],
)
def test_places_have_their_prepositions(stage, where):
    (sentence,) = told(PLAIN, Talk(title="T", guests=(Guest("Ada Weiß"),), stage=stage))
    assert sentence.text == f"Laut Programm spricht Ada Weiß {where} unter dem Titel „T“."


def test_the_length_names_the_voices_where_no_programme_does():
    named = conversation((HOST, "Guten Abend."), (ONE, "Zeitungen brauchen Leser."), names={ONE: "Ada Weiß"})
    assert length(named, Talk(), namings(named, Talk(), labels()), labels()).text == (
        "Die Aufnahme dauert zehn Minuten; zu hören: Ada Weiß und eine weitere Stimme."
    )
    assert length(PLAIN, Talk(), namings(PLAIN, Talk(), labels()), labels()).text == (
        "Die Aufnahme dauert zehn Minuten; zu hören: zwei Stimmen."
    )


@pytest.mark.parametrize("gender", ["paar", "doppelpunkt", "stern", "unterstrich", "binnen-i"])
@pytest.mark.parametrize("address", ["sie", "du"])
def test_our_own_words_suit_every_house(gender, address):
    style = HouseStyle(
        headline_chars=110, sentence_words=40, lead_sentences=3, chapter_sentences=4, quote_words=45, quotes=5,
        address=address, gender=gender, forbidden=("spannend", "in diesem Talk"), text="",
    )  # fmt: skip
    ours = {key: text for key, text in labels().items() if key.startswith(("recap.", "shape."))}
    for text in ours.values():
        plain = text.replace("{", "").replace("}", "")
        assert [key for key, _ in breaches(plain, style) if key != "not-german"] == []
