import re
from datetime import UTC, datetime
from itertools import pairwise
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import labels, prompt
from jobs.german import bare
from jobs.programme import Guest, Talk
from jobs.proof.evidence import verify
from jobs.recap import Basis, Status
from jobs.recording import Provenance
from jobs.timeline import Span
from jobs.transcript import Doubt, Transcript, Utterance, Word
from jobs.writing.extractive import Office, most_sentences, write_recap
from jobs.writing.house_style import parse_style
from jobs.writing.worth import Instruments, Kind

NOBODY = Provenance("test", "1", None, "0" * 16, "0", datetime(2026, 1, 1, tzinfo=UTC))
HOST, ONE, TWO = "SPEAKER_00", "SPEAKER_01", "SPEAKER_02"
ARTICLES = {"der", "die", "das", "ein", "eine", "the", "a"}


def embed(texts):
    """A bag of words, hashed into 32 places."""
    rows = np.full((len(texts), 32), 1e-3, dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for token in text.lower().split():
            row[crc32(bare(token).encode()) % 32] += 1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def tag(words, language):  # noqa: ARG001
    """Capital letters are nouns, as German has it."""
    return [(_kind(bare(word)), bare(word)) for word in words]


def _kind(word):
    if word.lower() in ARTICLES:
        return Kind.DETERMINER
    if word in {"über", "zu", "zur", "in"}:
        return Kind.PREPOSITION
    return Kind.NOUN if word[:1].isupper() else Kind.VERB


def frequency(word, language):  # noqa: ARG001
    """Long words are rare."""
    return 7.0 - min(5, len(word) / 2)


INSTRUMENTS = Instruments(embed=embed, tag=tag, frequency=frequency)


def write(transcript, talk=None, style=None):
    return write_recap(transcript, talk or Talk(), Office(INSTRUMENTS, labels(), NOBODY, style))


def conversation(*said, names=None, duration_s=None):
    """A transcript of (speaker, text) or (speaker, text, doubt or language), five words in two seconds."""
    utterances, time = [], 1.0
    for number, (speaker, text, *more) in enumerate(said, start=1):
        words = []
        for token in text.split():
            words.append(Word(token, Span(time, time + 0.35), 0.9, speaker))
            time += 0.4
        time += 0.5
        doubt = more[0] if more and isinstance(more[0], Doubt) else None
        language = more[0] if more and not isinstance(more[0], Doubt) else "de"
        utterances.append(Utterance(f"u{number:04}", tuple(words), speaker, language, doubt))
    return Transcript("r-test", duration_s or time, "de", tuple(utterances), names=names or {})


TALK = conversation(
    (HOST, "Guten Abend und herzlich willkommen hier im Saal."),
    (HOST, "Ich spreche heute mit zwei Gästen über die Zukunft der Lokalzeitung."),
    (HOST, "Warum lesen so wenige Menschen noch eine Zeitung?"),
    (ONE, "Ich glaube, dass Zeitungen ihren Leserinnen zu selten etwas erklären."),
    (ONE, "Das ist schade."),
    (ONE, "Wer Vertrauen gewinnen will, muss jeden Tag offen über Fehler sprechen."),
    (TWO, "Eine Redaktion ohne Reporterinnen ist wie ein Orchester ohne Geigen."),
    (TWO, "Deshalb zahlen wir sie besser als die Konkurrenz."),
    (HOST, "Kommen wir zur künstlichen Intelligenz."),
    (HOST, "Wird die Maschine bald den Bericht schreiben?"),
    (TWO, "Keine Maschine kennt den Bürgermeister und seine Schwester persönlich."),
    (ONE, "Untertitel im Auftrag des Fernsehens für niemanden.", Doubt.BOILERPLATE),
    (ONE, "We never publish a sentence that nobody in the newsroom has checked before.", "en"),
    (HOST, "Vielen Dank für das Gespräch und kommen Sie gut nach Hause."),
)


TALK_LINES = (
    (ONE, "Wer Vertrauen gewinnen will, muss jeden Tag offen über Fehler sprechen."),
    (TWO, "Eine Redaktion ohne Reporterinnen ist wie ein Orchester ohne Geigen."),
    (ONE, "Zeitungen müssen ihren Leserinnen viel mehr erklären."),
    (TWO, "Keine Maschine kennt den Bürgermeister und seine Schwester persönlich."),
    (ONE, "Recherche kostet Geld und Geduld."),
    (TWO, "Junge Reporterinnen brauchen endlich ein faires Gehalt."),
)


def test_a_conversation_becomes_a_draft_an_editor_can_use():
    recap = write(TALK)
    assert recap.status is Status.DRAFT
    assert recap.headline is not None
    assert recap.lead[0].text == (
        "Stimme 1 zu Beginn: „Ich spreche heute mit zwei Gästen über die Zukunft der Lokalzeitung.“"
    )
    assert {quote.speaker for quote in recap.quotes} <= {ONE, TWO}
    assert recap.chapters[0].title == "Die Zukunft der Lokalzeitung"
    assert recap.chapters[0].span.start == 0.0
    assert recap.chapters[-1].span.end == TALK.duration_s
    assert verify(recap, TALK) == ()


def texts(recap):
    sentences = [*recap.lead, *(s for c in recap.chapters for s in c.sentences), *recap.quotes]
    return [s.text for s in (sentences if recap.headline is None else [recap.headline, *sentences])]


def test_nothing_doubtful_polite_or_dangling_is_chosen():
    recap = write(TALK)
    chosen = " ".join(texts(recap))
    for unwanted in ("Untertitel", "willkommen", "Dank", "Das ist schade.", "Deshalb zahlen"):
        assert unwanted not in chosen
    assert not {"u0012"} & {one for quote in recap.quotes for one in quote.evidence}


def test_other_languages_stay_and_are_marked():
    english = conversation(
        *(
            (one, text, "en")
            for one, text in (
                (ONE, "We never publish a sentence that nobody in the newsroom has checked before."),
                (ONE, "Readers always pay for honest reporting, and nobody pays for noise."),
            )
        )
    )
    recap = write(english)
    assert {part.language for part in (recap.headline, *recap.quotes, *recap.chapters)} == {"en"}
    assert [s.language for s in recap.lead if s.basis is Basis.FRAME] == ["de"]


def test_voices_are_named_only_where_they_are_known():
    frames = [s.text for s in write(TALK).lead if s.basis is Basis.FRAME]
    assert frames == ["Die Aufnahme dauert 56 Sekunden; zu hören: drei Stimmen."]
    named = conversation((ONE, "Zeitungen erklären ihren Leserinnen sehr wenig."), names={ONE: "Ada Weiß"})
    assert write(named).lead[-1].text == "Die Aufnahme dauert vier Sekunden; zu hören: Ada Weiß."
    announced = write(TALK, Talk(guests=(Guest("Ada Weiß"), Guest("Studio 7"))))
    assert announced.lead[0].text == "Laut Programm sprechen Ada Weiß und Studio 7."


def test_guests_who_are_introduced_by_name_are_there_and_others_are_told_apart():
    guests = Talk(guests=(Guest("Ada Weiß", "Verlegerin"), Guest("Jo Lang"), Guest("Kim Roth")))
    line = "Bei mir sind Ada Weiß, sie leitet eine Zeitung, und Jo Lang, der einen Sender leitet."
    said = [(HOST, line), *((one.speaker, one.text) for one in TALK.utterances[2:11])]
    lead = write(conversation(*said), guests).lead
    assert lead[0].text == "Ada Weiß (Verlegerin) und Jo Lang sprechen."
    assert lead[0].evidence == ("u0001",)
    assert lead[1].text == "Laut Programm außerdem: Kim Roth."
    assert not any(line in sentence.text for sentence in lead)


def test_three_quotes_are_found_wherever_there_is_enough_speech():
    lines = [
        (ONE, "Zeitungen erklären ihren Leserinnen sehr wenig von der Stadt."),
        (TWO, "Reporterinnen gehen jeden Abend durch die Straßen."),
        (ONE, "Das Publikum zahlt gerne Geld an kleine Redaktionen."),
        (TWO, "Die Bürgermeisterin liest morgens unsere Nachrichten."),
    ]
    fillers = [(HOST, "Ja und was noch?")] * 40
    recap = write(conversation(*lines[:2], *fillers, *lines[2:]))
    assert len(recap.quotes) >= 3
    assert {quote.speaker for quote in recap.quotes} == {ONE, TWO}
    assert not any(quote.text.endswith("?") for quote in recap.quotes)


def test_key_sentences_repeat_nothing_that_stands_above():
    said = [(one.speaker, one.text) for one in TALK.utterances if one.doubt is None and one.language == "de"]
    recap = write(conversation(*said, (ONE, "Kleine Redaktionen brauchen große Leserinnen und Mitglieder.")))
    quoted = {one for quote in recap.quotes for one in quote.evidence}
    for chapter in recap.chapters:
        assert len(chapter.sentences) <= 2
        told = [s for s in chapter.sentences if s.basis is not Basis.FRAME]
        assert not quoted & {one for s in told for one in s.evidence}
        assert {one for s in chapter.sentences if s.basis is Basis.FRAME for one in s.evidence} <= quoted


def test_an_aber_in_front_stays_away_from_running_text_but_not_from_quotes():
    line = "Aber allein von Werbung muss niemand eine Redaktion in dieser Stadt bezahlen."
    recap = write(conversation((ONE, line)))
    assert recap.headline.text == f"„{line[5:6].upper()}{line[6:-1]}“"
    assert [quote.text for quote in recap.quotes] in ([], [line])


def test_forbidden_phrases_stand_neither_in_headline_nor_in_running_text():
    style = parse_style(prompt("house_style"))
    line = "Eine spannende Redaktion muss jeden Tag offen über ihre Fehler sprechen."
    others = [(TWO, "Keine Maschine kennt den Bürgermeister und seine Schwester persönlich."), (ONE, line)]
    with_style, without = write(conversation(*others), style=style), write(conversation(*others))
    assert "spannend" in " ".join(texts(without))
    sentences = [*with_style.lead, *(s for c in with_style.chapters for s in c.sentences)]
    assert "spannend" not in " ".join(s.text for s in (with_style.headline, *sentences))


def test_open_questions_name_what_an_editor_must_settle():
    questions = write(TALK, Talk(guests=(Guest("Ada Weiß"),))).open_questions
    assert [(q.code, dict(q.fields)) for q in questions] == [
        ("unnamed-speaker", {"number": 1, "time": "0:01"}),
        ("unnamed-speaker", {"number": 2, "time": "0:13"}),
        ("unnamed-speaker", {"number": 3, "time": "0:24"}),
        ("guest-not-heard", {"guest": "Ada Weiß"}),
        ("much-doubt", {"percent": 6, "count": 1, "time": "0:42"}),
    ]
    assert all(f"question.{q.code}" in labels() for q in questions)


@pytest.mark.parametrize("said", [(), ((ONE, "Untertitel im Auftrag.", Doubt.BOILERPLATE),)])
def test_without_a_sound_sentence_the_draft_is_empty(said):
    recap = write(conversation(*said, duration_s=60.0))
    assert (recap.headline, recap.lead, recap.quotes, recap.chapters) == (None, (), (), ())


def test_one_word_is_no_reason_to_fail():
    recap = write(conversation((None, "Test")))
    assert (recap.headline, recap.quotes) == (None, ())
    assert [chapter.title for chapter in recap.chapters] == ["Test"]


def test_what_is_said_twice_is_told_once():
    line = "Wer Vertrauen gewinnen will, muss jeden Tag offen über Fehler sprechen."
    other = "Keine Maschine kennt den Bürgermeister und seine Schwester persönlich."
    recap = write(conversation((ONE, line), (TWO, other), (ONE, line), (TWO, other), (TWO, line)))
    below = [s.text for s in recap.lead if s.basis is Basis.ATTRIBUTED] + [quote.text for quote in recap.quotes]
    for said in (line, other):
        assert sum(said[:-1] in text for text in below) == 1


def test_a_sentence_that_starts_with_another_voice_is_no_quote():
    recap = write(conversation((ONE, "Von der Werbung"), (TWO, "kann niemand ohne Vertrauen der Leserinnen leben.")))
    assert recap.quotes == ()


TOKENS = st.sampled_from(
    [
        "Ich",
        "glaube",
        "Vertrauen",
        "ist",
        "wie",
        "Brot.",
        "niemand",
        "Fehler,",
        "muss",
        "Redaktion.",
        "Warum?",
        "3.",
        "Mai",
        "140.000",
        "Danke",
        "und",
        "das",
        "Er",
        "über",
        "die",
    ]
)
PASSAGES = st.tuples(
    st.sampled_from([HOST, ONE, TWO, None]),
    st.lists(TOKENS, min_size=1, max_size=25).map(" ".join),
    st.sampled_from(["de", "de", "en", "und", Doubt.LOOP]),
)


@settings(deadline=None)
@given(st.lists(PASSAGES, max_size=40))
def test_every_draft_is_borne_out_and_its_chapters_tile(said):
    transcript = conversation(*said)
    recap = write(transcript)
    assert verify(recap, transcript) == ()
    assert len(recap.quotes) <= 5
    if recap.chapters:
        edges = [(chapter.span.start, chapter.span.end) for chapter in recap.chapters]
        assert edges[0][0] == 0.0
        assert edges[-1][1] >= transcript.duration_s
        assert all(one[1] == two[0] for one, two in pairwise(edges))
    spoken = {u.id: {bare(w.text).lower() for w in u.words} for u in transcript.utterances}
    for chapter in recap.chapters:
        heard = set().union(*(spoken[one] for one in chapter.evidence))
        assert {bare(token).lower() for token in chapter.title.split()} <= heard | {"und", "and"}


def test_the_house_style_binds_all_that_is_chosen():
    style = parse_style(prompt("house_style"))
    talk = conversation(
        (HOST, "Ich spreche heute mit zwei Gästen über die spannende Lokalzeitung."),
        *TALK_LINES,
    )
    before = write(talk)
    strict = style.model_copy(update={"sentence_words": 9, "forbidden": ("spannend", "Orchester", "Maschine")})
    recap = write(talk, style=strict)
    shown = [*texts(recap), *(chapter.title for chapter in recap.chapters)]
    assert any("Orchester" in text for text in texts(before))
    assert not [text for text in shown if any(word in text for word in ("spannend", "Orchester", "Maschine"))]
    told = [s for s in (*recap.lead, *(s for c in recap.chapters for s in c.sentences)) if s.basis is not Basis.FRAME]
    said = [len(piece.split()) for s in told for piece in re.findall("„([^“]*)“", s.text)]
    assert said
    assert max(said) <= strict.sentence_words


@pytest.mark.parametrize(
    ("length_s", "limit", "most"),
    [(30, 4, 1), (60, 4, 2), (200, 4, 3), (400, 4, 4), (3000, 4, 4), (400, 1, 1), (400, 2, 2)],
)
def test_a_chapter_is_told_in_as_many_sentences_as_it_is_long_for_and_the_style_allows(length_s, limit, most):
    assert most_sentences(length_s, limit) == most
