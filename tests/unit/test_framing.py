from zlib import crc32

import numpy as np
import pytest

from config.settings import labels
from jobs.german import bare, spoken_sentences
from jobs.programme import Guest, Talk
from jobs.proof.evidence import verify
from jobs.recap import Basis, Recap
from jobs.timeline import Span
from jobs.transcript import Transcript, Utterance, Word
from jobs.writing.framing import Framing, Heading, namings
from jobs.writing.material import measured
from jobs.writing.worth import Instruments, Kind

HOST, ONE, TWO = "SPEAKER_00", "SPEAKER_01", "SPEAKER_02"
NAMES = {HOST: "Jo Ott", ONE: "Ada Weiß", TWO: "Kim Roth"}
SAID = (
    (HOST, "Frau Weiß, warum lesen so wenige Menschen noch eine Zeitung?"),
    (ONE, "Redaktionen erklären ihren Leserinnen die Stadt viel zu selten."),
    (ONE, "Unsere Reporterinnen gehen jeden Abend durch die Straßen."),
    (HOST, "Kommen wir zum Geld, womit bezahlen Redaktionen ihre Reporterinnen?"),
    (TWO, "Das ist schwierig."),
    (TWO, "Allein von Werbung kann man nicht leben."),
    (ONE, "Die Mitglieder zahlen jeden Monat einen Beitrag, und mit ihnen zahlen auch ihre Freundinnen, ihre Nachbarn, "
          "ihre Vereine und ein paar Fremde, die das Blatt nie gelesen haben."),
)  # fmt: skip


def embed(texts):
    rows = np.full((len(texts), 32), 1e-3, dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for token in text.lower().split():
            row[crc32(bare(token).encode()) % 32] += 1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def tag(words, language):  # noqa: ARG001
    verbs = {"kann": Kind.AUXILIARY, "ist": Kind.AUXILIARY, "von": Kind.PREPOSITION}
    verbs |= dict.fromkeys(("leben", "lesen", "erklären", "gehen", "bezahlen", "zahlen"), Kind.VERB)
    plain = [bare(word) for word in words]
    return [(verbs.get(w.lower(), Kind.NOUN if w[:1].isupper() and i else Kind.OTHER), w) for i, w in enumerate(plain)]


INSTRUMENTS = Instruments(embed=embed, tag=tag, frequency=lambda word, _: 7.0 - min(5, len(word) / 2))


def framed(names=NAMES, said=SAID):
    utterances, time = [], 1.0
    for number, (speaker, text) in enumerate(said, start=1):
        words = []
        for token in text.split():
            words.append(Word(token, Span(time, time + 0.35), 0.9, speaker))
            time += 0.4
        time += 0.5
        utterances.append(Utterance(f"u{number:04}", tuple(words), speaker, "de"))
    transcript = Transcript("r-test", time, "de", tuple(utterances), names=names)
    material = measured(spoken_sentences(transcript), time, INSTRUMENTS, people=())
    return transcript, Framing(material, namings(transcript, Talk(), labels()), labels(), "de")


def chapter(framing, *indices, title="Geld", evidence=("u0099",), taken=frozenset()):
    return [sentence.text for sentence in framing.chapter(indices, Heading(title, evidence, taken))]


def test_an_answer_is_told_with_its_question():
    _, framing = framed()
    assert chapter(framing, 1) == [
        "Auf die Frage „Warum lesen so wenige Menschen noch eine Zeitung?“ antwortet Ada Weiß: „Redaktionen erklären "
        "ihren Leserinnen die Stadt viel zu selten.“"
    ]


def test_a_question_that_the_heading_asks_is_not_asked_again():
    _, framing = framed()
    title = "Warum lesen so wenige Menschen noch eine Zeitung?"
    assert chapter(framing, 1, title=title, evidence=("u0001",)) == [
        "Ada Weiß antwortet: „Redaktionen erklären ihren Leserinnen die Stadt viel zu selten.“"
    ]


def test_an_answer_is_told_from_its_beginning_unless_that_stands_elsewhere():
    _, framing = framed()
    (whole,) = chapter(framing, 5)
    assert whole.endswith("„Das ist schwierig. Allein von Werbung kann man nicht leben.“")
    assert chapter(framing, 5, taken={4}) == ["Allein von Werbung könne man nicht leben, sagt Kim Roth."]


def test_the_same_voice_goes_on_by_its_surname():
    _, framing = framed()
    assert chapter(framing, 1, 2)[1] == "Weiß weiter: „Unsere Reporterinnen gehen jeden Abend durch die Straßen.“"


def test_what_is_too_long_to_wait_for_its_verb_is_told_behind_a_colon_with_its_time():
    transcript, framing = framed()
    (text,) = chapter(framing, 6)
    start = int(transcript.utterances[6].span.start)
    assert text.startswith(f"Ada Weiß bei 0:{start}: „Die Mitglieder zahlen")


def test_a_plain_statement_is_told_in_the_subjunctive():
    _, framing = framed()
    assert framing.says(5).text == "Allein von Werbung könne man nicht leben, sagt Kim Roth."


def test_every_frame_is_borne_out():
    transcript, framing = framed()
    sentences = [framing.says(i) for i in range(1, 7)] + [framing.opens(i) for i in range(1, 7)]
    for i in range(1, 7):
        sentences += framing.chapter((i,), Heading("Geld", (), frozenset()))
    assert {sentence.basis for sentence in sentences} == {Basis.ATTRIBUTED}
    recap = Recap("r-test", None, tuple(sentences), (), (), (), provenance=None)
    assert verify(recap, transcript) == ()


def test_a_single_voice_without_a_name_is_not_called_voice_one():
    _, framing = framed(names={}, said=[(ONE, text) for _, text in SAID[1:3]])
    assert framing.says(0).text == "„Redaktionen erklären ihren Leserinnen die Stadt viel zu selten“, heißt es."
    assert chapter(framing, 1) == ["„Unsere Reporterinnen gehen jeden Abend durch die Straßen.“"]


@pytest.mark.parametrize(
    ("names", "guests", "expected"),
    [
        ({}, (), ("Stimme 1", "Stimme 1")),
        ({ONE: "Ada Weiß"}, (), ("Ada Weiß", "Weiß")),
        ({ONE: "Timo"}, (), ("Timo", "Timo")),
        ({}, (Guest("Ada Weiß"),), ("Ada Weiß (?)", "Weiß (?)")),
    ],
)
def test_a_name_that_nobody_has_confirmed_is_marked(names, guests, expected):
    transcript, _ = framed(names=names, said=[(ONE, text) for _, text in SAID[1:3]])
    naming = namings(transcript, Talk(guests=guests), labels())[ONE]
    assert (naming.name, naming.short) == expected


def test_a_surname_that_two_share_is_no_short_name():
    transcript, _ = framed(names={HOST: "Jo Weiß", ONE: "Ada Weiß"})
    named = namings(transcript, Talk(), labels())
    assert named[ONE].short == "Ada Weiß"
