from dataclasses import replace
from datetime import UTC, datetime

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.settings import labels, load, shapes
from jobs.errors import InputError
from jobs.export import RECAP_FORMATS, Export, recap_files, shaped_files
from jobs.programme import Guest, Talk, merged, parse_talk
from jobs.proof.evidence import verify
from jobs.recap import Basis, Chapter, Question, Quote, Recap, Sentence
from jobs.recording import Provenance
from jobs.schedule import match, parse_schedule
from jobs.shapes import WHOLE, Section, Shape, parse_shapes, shape_name, shaped
from jobs.timeline import Span
from jobs.transcript import Transcript, Utterance, Word
from worker.bucket import sidecar

SHAPES = parse_shapes(shapes())
HOST, ANNA, JO = "SPEAKER_00", "SPEAKER_01", "SPEAKER_02"
SAID = (
    (HOST, "Ich begrüße Anna Lindner und Jo Ott vom NDR."),
    (HOST, "Warum lesen so wenige Menschen eine Zeitung?"),
    (ANNA, "Redaktionen erklären die Stadt zu selten."),
    (ANNA, "Allein von Werbung kann man nicht leben."),
    (JO, "Ein Podcast ist wie eine Verabredung."),
    (JO, "Auf TikTok findet uns niemand."),
    (ANNA, "Vertrauen braucht einen Namen."),
)
TALK = Talk(
    title="Wer liest noch Zeitung?",
    guests=(Guest("Kim Roth", "Moderation"), Guest("Anna Lindner", "Verlegerin"), Guest("Jo Ott")),
    terms=("Podcast", "Lokalzeitung"),
)


def transcript_of(said):
    utterances, time = [], 0.0
    for number, (speaker, text) in enumerate(said, start=1):
        words = []
        for token in text.split():
            words.append(Word(token, Span(time, time + 0.4), 0.9, speaker))
            time += 0.5
        utterances.append(Utterance(f"u{number:04}", tuple(words), speaker, "de"))
    return Transcript("r-test", time, "de", tuple(utterances), names={ANNA: "Anna Lindner", JO: "Jo Ott"})


TRANSCRIPT = transcript_of(SAID)


def quote(number, speaker):
    utterance = TRANSCRIPT.utterances[number - 1]
    return Quote(utterance.text, speaker, utterance.span, "de", (utterance.id,))


def attributed(text, *evidence):
    return Sentence(text, evidence, Basis.ATTRIBUTED)


RECAP = Recap(
    recording_id="r-test",
    headline=attributed("„Allein von Werbung kann man nicht leben“", "u0004"),
    lead=(
        Sentence("Anna Lindner (Verlegerin) und Jo Ott sprechen.", ("u0003", "u0005"), Basis.FRAME),
        attributed("Allein von Werbung könne man nicht leben, sagt Anna Lindner.", "u0004"),
        attributed("„Vertrauen braucht einen Namen“, sagt Lindner.", "u0007"),
        Sentence("Die Aufnahme dauert 22 Sekunden; zu hören: drei Stimmen.", ("u0001",), Basis.FRAME),
    ),
    quotes=(quote(3, ANNA), quote(4, ANNA), quote(5, JO)),
    chapters=(
        Chapter("Warum lesen so wenige Menschen eine Zeitung?", Span(0.0, 11.0), ("u0002",), (
            attributed("Anna Lindner antwortet: „Redaktionen erklären die Stadt zu selten.“", "u0003"),
            attributed("„Allein von Werbung kann man nicht leben“, sagt Anna Lindner.", "u0004"),
        )),
        Chapter("Podcast", Span(11.0, 15.0), ("u0005",), (
            Sentence("Jo Ott: siehe Zitat oben.", ("u0005",), Basis.FRAME),
        )),
        Chapter("TikTok", Span(15.0, 22.0), ("u0006",), (
            attributed("„Auf TikTok findet uns niemand“, sagt Jo Ott.", "u0006"),
        )),
    ),
    open_questions=(Question("unnamed-speaker", {"number": 1, "time": "0:00"}, ("u0001",)),),
    provenance=Provenance("extractive", "1", None, "0" * 16, "0", datetime(2026, 1, 1, tzinfo=UTC)),
)  # fmt: skip


def lay(name, recap=RECAP, talk=TALK):
    return shaped(recap, SHAPES[name], TRANSCRIPT, talk, labels())


def parts(laid):
    cut = laid.whole
    headline = () if cut.headline is None else (cut.headline,)
    return (*headline, *cut.lead, *cut.quotes, *(s for c in cut.chapters for s in c.sentences))


def test_the_sample_is_sound():
    assert verify(RECAP, TRANSCRIPT, TALK) == ()


@pytest.mark.parametrize("name", SHAPES)
def test_every_sentence_of_every_shape_is_borne_out(name):
    laid = lay(name)
    assert verify(laid.whole, TRANSCRIPT, TALK) == ()
    assert all(part.evidence for part in parts(laid))


@pytest.mark.parametrize("name", SHAPES)
def test_nothing_is_invented(name):
    """What isn't our frame stands in the draft already, or is a quote of it with who says so."""
    known = {part.text for part in parts(shaped(RECAP, WHOLE, TRANSCRIPT, TALK, labels()))}
    words = {word for text in known for word in text.split()} | {w for _, text in SAID for w in text.split()}
    for part in parts(lay(name)):
        if isinstance(part, Quote) or part.basis is Basis.FRAME or part.text in known:
            continue
        inner = [piece.partition("“")[0] for piece in part.text.split("„")[1:]]
        assert inner
        assert {w.strip(".?") for piece in inner for w in piece.split()} <= {w.strip(".?„“,") for w in words}


def test_the_whole_is_the_draft_as_it_is():
    assert lay("rueckblick").recap == RECAP
    assert shaped(RECAP, WHOLE, TRANSCRIPT, TALK, labels()).recap == RECAP


def test_a_news_item_tells_answers_with_their_questions_and_quotes_once():
    laid = lay("meldung")
    assert [s.text for s in laid.recap.lead] == [RECAP.lead[0].text, RECAP.lead[1].text]
    assert len(laid.recap.quotes) == 1
    assert laid.body[0].text == (
        "Auf die Frage „Warum lesen so wenige Menschen eine Zeitung?“ antwortet Anna Lindner: „Redaktionen erklären "
        "die Stadt zu selten.“"
    )
    assert laid.body[0].evidence == ("u0002", "u0003")
    assert [s.text for s in laid.body[1:]] == [
        "„Ein Podcast ist wie eine Verabredung“, sagt Jo Ott.",
        "„Auf TikTok findet uns niemand“, sagt Jo Ott.",
    ]
    assert laid.recap.chapters == ()


def test_show_notes_hold_guests_chapters_and_places_for_links():
    laid = lay("shownotes")
    assert [s.text for s in laid.guests] == ["Kim Roth, Moderation", "Anna Lindner, Verlegerin", "Jo Ott"]
    assert [s.evidence for s in laid.guests] == [("u0001",), ("u0003",), ("u0005",)]
    links = [s.text.removeprefix("Link ergänzen: ") for s in laid.links]
    # Announced, but nobody spoke of it: "Lokalzeitung".
    assert links == ["Kim Roth", "Anna Lindner", "Jo Ott", "NDR", "Podcast", "TikTok"]
    assert [c.span for c in laid.recap.chapters] == [c.span for c in RECAP.chapters]
    assert laid.recap.chapters[1].sentences[0].text == "„Ein Podcast ist wie eine Verabredung“, sagt Jo Ott."
    assert laid.recap.quotes == ()


def test_a_newsletter_is_short():
    laid = lay("newsletter")
    assert len(laid.recap.lead) == 2
    assert len(laid.recap.quotes) == 1
    assert all(len(chapter.sentences) <= 1 for chapter in laid.recap.chapters)
    assert len(laid.links) == 3


def test_posts_keep_their_lengths_and_say_who_says_so():
    laid = lay("social")
    assert laid.recap.headline is None
    assert 1 <= len(laid.posts) <= 2
    for post, most in zip(laid.posts, (280, 500), strict=False):
        assert len(post.text) <= most
        assert "sagt Anna Lindner" in post.text
        assert TALK.title in post.text


@given(st.lists(st.integers(min_value=20, max_value=600), min_size=1, max_size=4))
def test_no_post_is_longer_than_it_may_be(lengths):
    shape = Shape(title="Post", sections=(Section.POSTS,), post_chars=tuple(lengths))
    posts = shaped(RECAP, shape, TRANSCRIPT, TALK, labels()).posts
    assert all(len(post.text) <= max(lengths) for post in posts)
    assert len({post.text for post in posts}) == len(posts)


@given(
    st.integers(min_value=1, max_value=6), st.integers(min_value=0, max_value=6), st.integers(min_value=1, max_value=6)
)
def test_limits_hold_and_order_stays(lead, quotes, chapters):
    shape = WHOLE.model_copy(update={"lead_sentences": lead, "quotes": quotes, "chapters": chapters})
    cut = shaped(RECAP, shape, TRANSCRIPT, TALK, labels()).recap
    assert len(cut.lead) <= max(lead, 1)
    assert any(s.basis is not Basis.FRAME for s in cut.lead)
    assert len(cut.quotes) <= quotes
    assert len(cut.chapters) <= chapters
    assert list(cut.quotes) == sorted(cut.quotes, key=lambda q: q.span)
    assert [c.span for c in cut.chapters] == sorted(c.span for c in cut.chapters)


def test_an_empty_draft_is_empty_in_every_shape(empty_recap, empty_transcript):
    for shape in SHAPES.values():
        laid = shaped(empty_recap, shape, empty_transcript, Talk(guests=(Guest("Ada Weiß"),)), labels())
        assert parts(laid) == ()


def test_files_carry_the_shape_and_the_json_everything():
    export = Export(tuple(RECAP_FORMATS), shapes=SHAPES, shape="rueckblick")
    made = {one.name: one.data.decode(errors="ignore") for one in recap_files(
        RECAP, TRANSCRIPT, replace(TALK, shape="social"), labels(), export)}  # fmt: skip
    assert '"shape": "social"' in made["recap.json"]
    assert "Verabredung" in made["recap.json"]
    assert "## Vorschläge für Posts" in made["recap.md"]
    assert "## Kapitel" not in made["recap.md"]
    assert "Vorschläge für Posts" in made["recap.html"]


def test_another_shape_has_files_of_its_own_name():
    made = shaped_files(RECAP, TRANSCRIPT, TALK, labels(), ("meldung", SHAPES["meldung"]))
    assert [one.name for one in made] == ["recap.meldung.md", "recap.meldung.html", "recap.meldung.docx"]
    assert "## Im Einzelnen" in made[0].data.decode()
    assert "ENTWURF" in made[0].data.decode()


@pytest.mark.parametrize(("given_name", "name"), [("Rückblick", "rueckblick"), (" SOCIAL ", "social")])
def test_names_are_read_as_people_write_them(given_name, name):
    assert shape_name(given_name) == name


@pytest.mark.parametrize("key", ["form", "shape", "Form"])
def test_a_sidecar_may_choose_the_shape(key):
    talk = sidecar.parse(yaml.safe_dump({key: "Rückblick"}, allow_unicode=True).encode())
    assert talk.shape == "rueckblick"


def test_a_shape_that_is_not_there_is_told_to_the_producer():
    with pytest.raises(InputError) as raised:
        sidecar.parse(b"form: gedicht")
    assert "gedicht" in str(raised.value.fields["what"])
    assert "newsletter" in str(raised.value.fields["what"])


def test_the_sidecar_s_shape_goes_before_the_programme_s():
    schedule = parse_schedule({"form": "newsletter", "datum": "5.3.2026", "talks": [{"datei": "a", "bühne": "Saal 1"}]})
    found = match(schedule, "a.mp3", "programme.yaml")
    assert (found.shape, found.stage, str(found.day)) == ("newsletter", "Saal 1", "2026-03-05")
    assert merged(parse_talk({"form": "social"}), found).shape == "social"
    assert merged(Talk(), found).shape == "newsletter"


def test_shapes_are_data():
    assert load().recap.shape in SHAPES
    assert set(SHAPES) == {"rueckblick", "meldung", "shownotes", "newsletter", "social"}
    for name, shape in SHAPES.items():
        assert name == shape_name(name)
        assert all(f"export.{section}" in labels() for section in shape.sections)
    with pytest.raises(ValueError, match="sections"):
        parse_shapes({"leer": {"title": "Leer", "sections": []}})
    with pytest.raises(ValueError, match="poem"):
        parse_shapes({"gedicht": {"title": "Gedicht", "sections": ["lead"], "poem": True}})


def test_the_settings_refuse_a_shape_that_is_not_there(monkeypatch):
    monkeypatch.setenv("NACHLESE_RECAP__SHAPE", "gedicht")
    with pytest.raises(ValueError, match="shape"):
        load()
