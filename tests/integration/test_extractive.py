"""The writer with its real models, on a talk long enough to have topics."""

import os
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from jobs.german import Spoken, is_sentence_end
from jobs.programme import Talk
from jobs.proof.evidence import verify
from jobs.recap import Basis
from jobs.timeline import Span
from jobs.transcript import Transcript, Utterance, Word
from jobs.writing.worth import Kind, dangling, read
from worker.engines.extractive import ExtractiveWriter, _frequency, _tag

#: Four topics of 75 to 80 seconds each, made up for this test; no cue says where one ends.
TOPICS = (
    """Ein Bienenvolk zählt im Sommer etwa vierzigtausend Tiere. Die Königin legt jeden Tag über tausend Eier.
    Imkerinnen kontrollieren die Waben alle neun Tage. Der Honig reift erst, wenn die Bienen ihm das
    Wasser entziehen. Milben sind die größte Gefahr für jedes Volk. Blühende Wiesen helfen den Bienen
    mehr als jedes Insektenhotel. Ein gesundes Volk überwintert als dichte Traube rund um die Königin.""",
    """Die Straßenbahn fährt seit hundert Jahren durch diese Stadt. Neue Schienen liegen auf dicken Matten aus
    Gummi. Fahrgäste wünschen sich vor allem pünktliche Anschlüsse. Ein einziger falsch geparkter
    Lieferwagen hält die ganze Linie auf. Die Werkstatt prüft jede Bremse nach zehntausend Kilometern.
    Nachts laden die Busse im Depot ihre Batterien. Wer Fahrpläne schreibt, muss an Schulen und Schichten
    denken.""",
    """Guter Brotteig braucht vor allem Zeit. Der Sauerteig ruht bei uns sechzehn Stunden. Roggenmehl bindet
    mehr Wasser als Weizenmehl. Die Kruste entsteht durch Dampf und große Hitze. Ein Lehrling lernt
    zuerst, den Teig mit den Händen zu fühlen. Industriebrötchen enthalten oft mehr Hefe als Geschmack.
    Jede Bäckerei hütet ihren Sauerteig wie einen Schatz.""",
    """Der Chor probt jeden Dienstag in der alten Kirche. Sopran und Alt sitzen vorne, Tenor und Bass hinten.
    Niemand muss Noten lesen können, um hier zu singen. Eine gute Dirigentin hört jede falsche Stimme
    heraus. Das Konzert im Advent ist immer ausverkauft. Singen macht nachweislich glücklicher als
    Schweigen. Die Orgel wird im Sommer gründlich gestimmt.""",
)


def talk_of(topics):
    utterances, edges, time = [], [], 0.5
    for topic in topics:
        edges.append(time)
        words, sentence = topic.split(), []
        spoken = [Word(token, Span(0, 0), 0.9, "SPEAKER_00") for token in words]
        for index, token in enumerate(words):
            sentence.append(Word(token, Span(time, time + 1.2), 0.9, "SPEAKER_00"))
            time += 1.25
            if is_sentence_end(spoken, index):
                utterances.append(Utterance(f"u{len(utterances):04}", tuple(sentence), "SPEAKER_00", "de"))
                sentence = []
    return Transcript("r-test", time, "de", tuple(utterances)), edges


@pytest.fixture(scope="module")
def writer():
    return ExtractiveWriter()


def test_topics_become_chapters_and_every_word_is_borne_out(writer):
    transcript, edges = talk_of(TOPICS)
    before = os.environ.get("OMP_NUM_THREADS")
    recap = writer.write(transcript, Talk())
    assert os.environ.get("OMP_NUM_THREADS") == before
    assert verify(recap, transcript) == ()
    starts = [chapter.span.start for chapter in recap.chapters]
    assert all(min(abs(edge - start) for start in starts) <= 15 for edge in edges)
    assert len(starts) <= len(edges) + 1
    assert all(one.span.end == two.span.start for one, two in pairwise(recap.chapters))
    assert len(recap.quotes) >= 3
    assert recap.headline is not None
    assert recap.headline.basis is Basis.VERBATIM
    assert replace(writer.write(transcript, Talk()), provenance=recap.provenance) == recap


def test_meaning_crosses_languages(writer):
    writer.load()
    bees, hives, trams = writer._embed(
        ["Die Biene sammelt Honig.", "The bee gathers honey.", "Der Zug hat Verspätung."]
    )
    assert bees @ hives > bees @ trams
    assert np.linalg.norm(bees) == pytest.approx(1.0, abs=1e-3)


def test_broken_text_is_no_reason_to_fail(writer):
    words = tuple(
        Word(t, Span(i, i + 0.5), 0.9, None)
        for i, t in enumerate(["Nul\0l", "\ud800", "🐝" * 50, "a" * 100_000, "", "Ende."])
    )
    transcript = Transcript("r-test", 10.0, "und", (Utterance("u0001", words, None, "und"),))
    recap = writer.write(transcript, Talk())
    assert verify(recap, transcript) == ()
    assert len(recap.chapters) == 1


def test_parts_of_speech_and_base_forms():
    assert _tag(["Kommen", "wir", "zur", "künstlichen", "Intelligenz."], "de") == [
        (Kind.VERB, "kommen"), (Kind.PRONOUN, "wir"), (Kind.PREPOSITION, "zu"), (Kind.ADJECTIVE, "künstlich"),
        (Kind.NOUN, "Intelligenz"),
    ]  # fmt: skip
    assert [kind for kind, _ in _tag(["The", "biggest", "change", "in", "London."], "en")] == [
        Kind.DETERMINER, Kind.ADJECTIVE, Kind.NOUN, Kind.PREPOSITION, Kind.NAME,
    ]  # fmt: skip
    assert [kind for kind, _ in _tag(["Man", "muss", "dem", "Vertrauen", "vertrauen."], "de")] == [
        Kind.OTHER, Kind.AUXILIARY, Kind.DETERMINER, Kind.NOUN, Kind.VERB,
    ]  # fmt: skip


def reading(text):
    words = tuple(Word(token, Span(i, i + 0.5), 0.9, "SPEAKER_00") for i, token in enumerate(text.split()))
    return read(Spoken(words, ("u0001",), "SPEAKER_00", "de"), tag=_tag, frequency=_frequency)


@pytest.mark.parametrize(
    ("said", "alone"),
    [
        ("So ist es in vielen Landkreisen.", "Landkreise"),
        ("So ist es in den Medienhäusern.", "Medienhäuser"),
        ("So ist es mit den Zeitungen.", "Zeitungen"),
        ("So ist es mit den Leserinnen.", "Leserinnen"),
        ("So ist es mit den Kollegen.", "Kollegen"),
        ("So ist das Ende des Abonnements.", "Abonnement"),
        ("So sind alle Abonnements.", "Abonnements"),
    ],
)
def test_nouns_lose_the_ending_of_their_case_where_it_is_certain(said, alone):
    nouns = [base for base, kind in zip(reading(said).bases, reading(said).kinds, strict=True) if kind is Kind.NOUN]
    assert nouns[-1] == alone


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("Das Wetter darf sie gern sprechen.", 1),
        ("Wir erklären den Haushalt so, wie man ihn einer Freundin am Küchentisch erklärt.", 0),
        ("Ein anderer Gast sagte, dass er keine Zahlen mehr lesen will, weil sie ihn nur ablenken.", 0),
        ("Vertrauen entsteht nur, wenn ein Mensch mit seinem Namen unterschreibt.", 0),
        ("Das hat uns die Hälfte unserer Leser gekostet.", 1),
        ("Das Publikum hat sich verändert.", 0),
    ],
)
def test_pronouns_are_matched_with_nouns_of_their_gender(said, count):
    assert dangling(reading(said)) == count


def test_digest_is_stable_and_needs_no_model():
    assert ExtractiveWriter().digest() == ExtractiveWriter().digest()
