"""The writer with its real models, on a talk long enough to have topics and on talks of eight genres."""

import os
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml

from config.settings import labels, prompt, shapes
from jobs.german import Spoken, is_sentence_end
from jobs.programme import Talk, parse_talk
from jobs.proof.evidence import verify
from jobs.recap import Basis, Quote
from jobs.shapes import parse_shapes, shaped
from jobs.timeline import Span
from jobs.transcript import Doubt, Transcript, Utterance, Word
from jobs.writing.house_style import breaches, parse_style
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
    assert recap.headline.basis in {Basis.VERBATIM, Basis.ATTRIBUTED}
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


def reading(text, **more):
    words = tuple(Word(token, Span(i, i + 0.5), 0.9, "SPEAKER_00") for i, token in enumerate(text.split()))
    return read(Spoken(words, ("u0001",), "SPEAKER_00", "de"), tag=_tag, frequency=_frequency, **more)


@pytest.mark.parametrize(
    ("said", "slips"),
    [
        ("Er sitzt am Küchentisch.", ()),
        ("Er sitzt an einem Püchentisch.", ("Püchentisch",)),
        ("Die Bewährtung war gut.", ("Bewährtung",)),
        ("Die Buchbusfahrerin liest den Ratssitzungsmitschnitt.", ()),
        ("Wir reden über Wärmepumpenförderung und Haushaltsplanberatung.", ()),
        ("Das ist günstlich für alle.", ("günstlich",)),
    ],
)
def test_a_word_that_nobody_wrote_is_a_slip_unless_it_is_made_of_words(said, slips):
    assert reading(said).unheard == slips
    assert reading(said, spelt=frozenset(slip.casefold() for slip in slips)).unheard == ()


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


GENRES = yaml.safe_load((Path(__file__).parents[1] / "fixtures" / "genres.yaml").read_text("utf-8"))
STYLE = parse_style(prompt("house_style"))
DOUBTS = {doubt.value for doubt in Doubt}


def spoken(genre):
    """A talk of `genres.yaml`: five words in two seconds, half a second between sentences."""
    utterances, time = [], 0.5
    for number, (voice, text, *more) in enumerate(GENRES[genre]["said"], start=1):
        mark = more[0] if more else "de"
        words = []
        for token in text.split():
            words.append(
                Word(token, Span(time, time + 0.35), mark if isinstance(mark, float) else 0.9, label_of(voice))
            )
            time += 0.4
        time += 0.5
        language = mark if isinstance(mark, str) and mark not in DOUBTS else "de"
        doubt = Doubt(mark) if mark in DOUBTS else None
        utterances.append(Utterance(f"u{number:04}", tuple(words), label_of(voice), language, doubt))
    names = {label_of(voice): name for voice, name in GENRES[genre].get("names", {}).items()}
    return Transcript("r-test", time, utterances[0].language, tuple(utterances), names=names)


def label_of(voice):
    return f"SPEAKER_{ord(voice) - ord('A'):02}"


def announced(genre):
    given = GENRES[genre]
    return replace(parse_talk(given["talk"]), stage=given.get("stage"), day=given.get("day"))


@pytest.fixture(scope="module")
def drafts():
    writer = ExtractiveWriter(STYLE)
    return {genre: writer.write(spoken(genre), announced(genre)) for genre in GENRES}


def told(recap):
    headline = () if recap.headline is None else (recap.headline,)
    return (*headline, *recap.lead, *recap.quotes, *(s for c in recap.chapters for s in c.sentences))


@pytest.mark.parametrize("genre", GENRES)
@pytest.mark.parametrize("shape", [None, *shapes()])
def test_every_sentence_of_every_genre_and_shape_is_borne_out(genre, shape, drafts):
    transcript, talk, recap = spoken(genre), announced(genre), drafts[genre]
    if shape is not None:
        recap = shaped(recap, parse_shapes(shapes())[shape], transcript, talk, labels()).whole
    assert verify(recap, transcript, talk) == ()


@pytest.mark.parametrize("genre", GENRES)
def test_every_quotation_mark_holds_words_of_the_transcript(genre, drafts):
    """Looked up without the checks of the project: letters and digits of the whole speech of one voice."""
    transcript = spoken(genre)
    voices = {u.speaker for u in transcript.utterances}
    speech = {v: plain(" ".join(u.text for u in transcript.utterances if u.speaker == v)) for v in voices}
    title = announced(genre).title or "\0"
    pieces = [q.text for q in drafts[genre].quotes]
    pieces += [p for s in told(drafts[genre]) for p in re.findall(r"„([^“]*)“", s.text) if p != title]
    assert pieces
    for piece in pieces:
        assert any(plain(piece) in said for said in speech.values()), piece


def plain(text):
    return re.sub(r"\W+", " ", text).strip().lower()


@pytest.mark.parametrize("genre", GENRES)
def test_a_draft_tells_who_and_what_and_repeats_nothing(genre, drafts):
    recap = drafts[genre]
    assert recap.headline is not None
    assert len(recap.headline.text) <= STYLE.headline_chars
    assert recap.quotes
    own = [
        s for s in told(recap) if not isinstance(s, Quote) and s.basis is not Basis.FRAME and s is not recap.headline
    ]
    quoted = {one for quote in recap.quotes for one in quote.evidence}
    for sentence in own:
        assert not quoted & set(sentence.evidence[-1:])
    frames = [s.text for s in told(recap) if not isinstance(s, Quote) and s.basis is Basis.FRAME]
    frames += [re.sub(r"„[^“]*“", "", s.text) for s in own]
    for text in frames:
        assert not [key for key, _ in breaches(text, STYLE) if key in {"forbidden", "address", "gender"}]


#: What an editor would miss first: parts of the lead.
LEADS = {
    "panel": ("Ilka Brandes (Stadtbaurätin)", "am 12. September 2026 auf der Mainstage", "Moderation: Maren Vogt"),
    "interview": ("Nils Aker (Polarforscher)", "Moderation: Greta Holm", "sagt Nils Aker"),
    "keynote": ("Sinje Kolbe (Gründerin einer Werkstatt)", "in Halle 3", "sagt Sinje Kolbe (?)"),
    "banter": ("über Flohmärkte",),
    "english": ("Dana Whitlock (Informatikerin) spricht unter dem Titel „The honest machine“",),
    "statement": ("Holger Timm (Oberbürgermeister) sprach am 5. März 2026", "sagt Holger Timm"),
    "clip": ("acht Sekunden",),
    "badly": ("Rieke Janssen (Gärtnerin)", "sagt Rieke Janssen (?)"),
}


@pytest.mark.parametrize("genre", GENRES)
def test_the_lead_says_who_where_when_and_what(genre, drafts):
    lead = " ".join(sentence.text for sentence in drafts[genre].lead)
    for part in LEADS[genre]:
        assert part in lead


def test_what_was_heard_badly_is_nowhere(drafts):
    text = " ".join(s.text for s in told(drafts["badly"]))
    for slip in ("Grosen", "Untertitel", "Vielen Dank", "dann hm", "so die die"):
        assert slip not in text


def test_an_english_talk_has_a_german_frame_around_marked_originals(drafts):
    recap = drafts["english"]
    said = [s for s in told(recap) if isinstance(s, Quote) or s.basis is not Basis.FRAME]
    assert {s.language for s in said} == {"en"}
    assert {s.language for s in recap.lead if s.basis is Basis.FRAME} == {"de"}


def test_answers_are_told_with_their_questions(drafts):
    sentences = [s.text for c in drafts["panel"].chapters for s in c.sentences]
    assert any(re.match(r"(?:Auf die Frage „[^“]*\?“ antwortet )?Ilka Brandes \(\?\)", text) for text in sentences)
