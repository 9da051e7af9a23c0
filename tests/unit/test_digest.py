"""A look back over many talks: nothing in it that isn't borne out, themes of two talks at least, hints, no claims."""

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, time
from html.parser import HTMLParser
from itertools import permutations
from zlib import crc32

import numpy as np
import pytest
from docx import Document
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from config.settings import labels
from jobs.artifacts import is_own_output
from jobs.digest import (
    FOLDER,
    Absence,
    Comparison,
    Contribution,
    Digest,
    Frame,
    Missing,
    Passage,
    Said,
    Source,
    Stand,
    Theme,
)
from jobs.export import digest_docx, digest_html, digest_json, digest_md
from jobs.export.digest_view import view_digest
from jobs.export.readable import markdown
from jobs.german import bare
from jobs.programme import Guest, Talk
from jobs.proof.assembly import borne_out
from jobs.recap import Approval, Question, Quote, Recap, Sentence
from jobs.recording import Provenance, recording_id
from jobs.signoff import approved
from jobs.timeline import Span
from jobs.transcript import Doubt, Notice, Transcript, Utterance, Word
from jobs.writing.contrasts import pairs
from jobs.writing.overview import Event, write_digest
from jobs.writing.statements import Speech, measured
from jobs.writing.themes import Day, topics
from jobs.writing.worth import Instruments, Kind

NOBODY = Provenance("digest", "rules 1", None, "0" * 16, "0", datetime(2026, 9, 12, tzinfo=UTC))
EVENT = Event("day/")
SOURCE = Source("ab" * 32)
FUNCTION_WORDS = {"die", "das", "der", "ein", "eine", "wer", "wir", "ich", "ohne", "jede", "keine", "nobody", "the"}


def embed(texts):
    """A bag of words, hashed into 64 places."""
    rows = np.full((len(texts), 64), 1e-3, dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for token in text.lower().split():
            if len(token) > 3:
                row[crc32(bare(token).encode()) % 64] += 1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def tag(words, language):  # noqa: ARG001
    """Capital letters are nouns, as German has it."""
    return [(_kind(bare(word)), bare(word)) for word in words]


def _kind(word):
    if word.lower() in FUNCTION_WORDS:
        return Kind.DETERMINER
    if word in {"in", "im", "für"}:
        return Kind.PREPOSITION
    if word.lower() == "künstliche":
        return Kind.ADJECTIVE
    return Kind.NOUN if word[:1].isupper() else Kind.VERB


def frequency(word, language):  # noqa: ARG001
    """Long words are rare."""
    return 7.0 - min(5, len(word) / 2)


INSTRUMENTS = Instruments(embed=embed, tag=tag, frequency=frequency)


def talk(key, *said, names=None, about=None, recap=None):
    """One talk of (voice, text) or (voice, text, doubt or language), a word in 0.4 seconds."""
    utterances, at = [], 1.0
    for number, (voice, text, *more) in enumerate(said, start=1):
        words = []
        for token in text.split():
            words.append(Word(token, Span(round(at, 3), round(at + 0.35, 3)), 0.9, voice))
            at += 0.4
        at += 0.5
        doubt = next((one for one in more if isinstance(one, Doubt)), None)
        language = next((one for one in more if not isinstance(one, Doubt)), "de")
        utterances.append(Utterance(f"u{number:04}", tuple(words), voice, language, doubt))
    known = {"A": f"Ada {key[:1].upper()}"} if names is None else names
    transcript = Transcript(recording_id(f"s3://b/{key}", "1"), round(at, 3), "de", tuple(utterances), names=known)
    return Contribution(key, about or Talk(), transcript, recap, SOURCE)


def speeches(talks):
    people = {name for one in talks for name in one.transcript.names.values()}
    return [measured(one.transcript, instruments=INSTRUMENTS, people=people) for one in talks]


def look_back(talks, event=EVENT):
    return write_digest(talks, speeches(talks), event, frequency=frequency, labels=labels(), provenance=NOBODY)


KEYNOTE = talk(
    "day/a.mp3",
    ("A", "Künstliche Intelligenz ersetzt keine Redaktion in unserer Stadt."),
    ("A", "Die Leserinnen bezahlen nur für Recherche, die niemand sonst macht."),
    ("A", "Vertrauen gewinnt eine Redaktion immer durch offene Korrekturen."),
    ("A", "Die Druckerei schließt im Dezember nach hundert Jahren für immer."),
)
PANEL = talk(
    "day/b.mp3",
    ("A", "Künstliche Intelligenz ersetzt die Redaktion in unserer Stadt."),
    ("B", "Vertrauen verliert eine Redaktion immer durch versteckte Fehler."),
    ("B", "Die Orgel im Dom braucht jeden Winter eine neue Stimmung."),
    names={"A": "Jon Feld", "B": "Mia Kraus"},
)
BEES = talk(
    "day/c.mp3",
    ("A", "Die Bienen auf dem Dach sammeln niemals im Regen."),
    ("A", "Ein Imker braucht Geduld und immer einen guten Nachbarn."),
)
DAY = (KEYNOTE, PANEL, BEES)


def quotes_of(digest):
    """Every verbatim sentence of a digest."""
    return [
        *(one for theme in digest.themes for one in theme.said),
        *(one for comparison in digest.comparisons for one in comparison.said),
        *digest.quotes,
    ]


def is_said(said, talks):
    """Whether these words stand in the utterances named, one after the other, by that voice and at that time."""
    (transcript,) = (one.transcript for one in talks if one.transcript.recording_id == said.recording_id)
    known = {one.id: one for one in transcript.utterances}
    evidence = [known[one] for one in said.quote.evidence]
    words = [word for one in evidence for word in one.words]
    inside = [w for w in words if said.quote.span.start <= w.span.start and w.span.end <= said.quote.span.end]
    same_voice = {one.speaker for one in evidence} == {said.quote.speaker}
    sure = all(one.doubt is None for one in evidence)
    return " ".join(word.text for word in inside) == said.quote.text and same_voice and sure


def test_what_several_talks_speak_of_is_a_theme_and_opposite_statements_stand_side_by_side():
    digest = look_back(DAY)
    titles = [theme.title.text for theme in digest.themes]
    assert titles[0] in {"Künstliche Intelligenz", "Redaktion"}
    assert not {"Bienen", "Dach", "Orgel"} & set(titles)
    (opposed,) = (one for one in digest.comparisons if one.stand is Stand.OPPOSED)
    assert [one.quote.text.split()[2] for one in opposed.said] == ["ersetzt", "ersetzt"]
    assert {one.recording_id for one in opposed.said} == {
        KEYNOTE.transcript.recording_id,
        PANEL.transcript.recording_id,
    }
    assert digest.headline.text.startswith("Rückblick auf drei Talks: ")
    assert digest.lead[0].text == "Der Rückblick umfasst drei Talks."
    assert digest.lead[1].text == "Zu Wort kommen Ada D, Jon Feld und Mia Kraus."
    assert [entry.key for entry in digest.talks] == ["day/a.mp3", "day/b.mp3", "day/c.mp3"]
    assert all(is_said(one, DAY) for one in quotes_of(digest))


def test_one_talk_has_no_themes_and_nothing_to_compare():
    digest = look_back((KEYNOTE,))
    assert (digest.themes, digest.comparisons) == ((), ())
    assert digest.headline.text == "Rückblick auf einen Talk"
    assert digest.quotes


def test_the_order_in_which_talks_are_found_changes_nothing():
    wanted = look_back(DAY)
    assert all(look_back(order) == wanted for order in permutations(DAY))


NOUNS = st.sampled_from(["Redaktion", "Werbung", "Podcast", "Vertrauen", "Bühne", "Orgel", "Biene", "Honig"])
SENTENCES = st.builds(
    lambda one, verb, deny, other: f"Die {one} {verb} immer {deny} {other} für unsere Stadt.",
    NOUNS,
    st.sampled_from(["ersetzt", "braucht", "verliert", "stärkt", "schadet"]),
    st.sampled_from(["keine", "jede", "die"]),
    NOUNS,
)
SAID = st.tuples(st.sampled_from("ABC"), SENTENCES, st.sampled_from([None, None, None, Doubt.LOOP, "en"])).map(
    lambda one: tuple(part for part in one if part is not None)
)
DAYS = st.lists(st.lists(SAID, min_size=1, max_size=8), min_size=1, max_size=5)


@settings(max_examples=25)
@given(DAYS)
def test_whatever_was_said_the_digest_says_nothing_else(said):
    talks = tuple(talk(f"day/{place}.mp3", ("A", "Guten Tag zusammen."), *one) for place, one in enumerate(said))
    digest = look_back(talks)
    assert all(is_said(one, talks) for one in quotes_of(digest))
    assert all(len({one.recording_id for one in theme.said}) > 1 for theme in digest.themes)
    assert all(len({one.recording_id for one in both.said}) == 2 for both in digest.comparisons)
    shown = [(one.recording_id, one.quote.span) for theme in digest.themes for one in theme.said]
    assert len(shown) == len(set(shown))
    assert not set(shown) & {(one.recording_id, one.quote.span) for one in digest.quotes}
    assert borne_out(digest, talks) == digest
    assert TypeAdapter(Digest).validate_json(digest_json.write(digest, labels()).data) == digest


def changed(said, **fields):
    return replace(said, quote=replace(said.quote, **fields))


DIGEST = look_back(DAY)
QUOTE = DIGEST.quotes[0]
FALSE = {
    "a word": changed(QUOTE, text=QUOTE.quote.text.replace("immer", "nie").replace("niemand", "jemand")),
    "a word left out": changed(QUOTE, text=" ".join(QUOTE.quote.text.split()[1:])),
    "the voice": changed(QUOTE, speaker="Z"),
    "the time": changed(QUOTE, span=Span(QUOTE.quote.span.start, QUOTE.quote.span.end + 1)),
    "the place": changed(QUOTE, evidence=("u0099",)),
    "the talk": replace(QUOTE, recording_id=BEES.transcript.recording_id),
    "no talk": replace(QUOTE, recording_id="r-0"),
}


@pytest.mark.parametrize("what", FALSE)
def test_a_quote_that_fails_falls_and_what_rests_on_it_alone_with_it(what):
    false, (one, other) = FALSE[what], DIGEST.comparisons[0].said
    theme = Theme(DIGEST.themes[0].title, (false, *DIGEST.themes[0].said))
    lonely = Theme(DIGEST.themes[0].title, (false, DIGEST.themes[0].said[0]))
    compared = Comparison(DIGEST.comparisons[0].title, Stand.ALIKE, (one, false))
    told = replace(DIGEST, quotes=(false, QUOTE), themes=(theme, lonely), comparisons=(compared,))
    kept = borne_out(told, DAY)
    assert kept.quotes == (QUOTE,)
    assert kept.themes == (DIGEST.themes[0],)
    assert kept.comparisons == ()
    assert other in DIGEST.comparisons[0].said


def test_what_an_editor_has_put_in_doubt_since_falls():
    (place,) = QUOTE.quote.evidence
    (owner,) = (one for one in DAY if one.transcript.recording_id == QUOTE.recording_id)
    utterances = tuple(
        replace(one, doubt=Doubt.LOW_CONFIDENCE) if one.id == place else one for one in owner.transcript.utterances
    )
    doubted = replace(owner, transcript=replace(owner.transcript, utterances=utterances))
    assert QUOTE not in borne_out(DIGEST, [doubted if one is owner else one for one in DAY]).quotes


@pytest.mark.parametrize(
    ("title", "stands"),
    [("Redaktion", True), ("Künstliche Intelligenz", True), ("Künstliche Dummheit", False), ("Vertrauen", False)],
)
def test_a_title_s_words_stand_in_its_evidence(title, stands):
    frame = Frame(title, (Passage(KEYNOTE.transcript.recording_id, ("u0001",)),))
    told = replace(DIGEST, themes=(Theme(frame, DIGEST.themes[0].said),), comparisons=())
    assert bool(borne_out(told, DAY).themes) is stands


@pytest.mark.parametrize(
    ("text", "stands"), [("Der Rückblick umfasst drei Talks.", True), ("Der Rückblick umfasst vier Talks.", False)]
)
def test_frames_hold_no_number_that_the_talks_don_t_give(text, stands):
    frame = Frame(text, (Passage(KEYNOTE.transcript.recording_id, ("u0001",)),))
    assert bool(borne_out(replace(DIGEST, lead=(frame,)), DAY).lead) is stands
    unknown = replace(frame, evidence=(Passage(KEYNOTE.transcript.recording_id, ("u0077",)),))
    assert borne_out(replace(DIGEST, lead=(unknown,)), DAY).lead == ()


def test_a_headline_that_the_transcript_doesn_t_bear_out_any_more_is_left_out():
    sentence = "Die Leserinnen bezahlen nur für Recherche, die niemand sonst macht."
    recap = Recap(KEYNOTE.transcript.recording_id, Sentence(sentence, ("u0002",)), (), (), (), (), NOBODY)
    kept = look_back((replace(KEYNOTE, recap=recap), PANEL))
    assert kept.talks[0].headline == recap.headline
    older = replace(recap, headline=Sentence("Die Leserinnen bezahlen für alles.", ("u0002",)))
    assert look_back((replace(KEYNOTE, recap=older), PANEL)).talks[0].headline is None


def test_evidence_can_t_be_left_out():
    with pytest.raises(ValueError, match="evidence"):
        Frame("Alle waren begeistert.", ())
    with pytest.raises(ValueError, match="evidence"):
        Passage("r-1", ())


def test_talks_stand_in_the_order_of_the_programme_and_unknown_ones_last():
    def at(key, day=None, begins=None, stage=None):
        about = Talk(day=None if day is None else date(2026, 9, day), begins=begins, stage=stage)
        return talk(key, ("A", "Die Redaktion braucht immer gute Werbung."), about=about)

    talks = (
        at("day/z.mp3"), at("day/y.mp3"), at("day/x.mp3", 13, time(9)), at("day/w.mp3", 12, time(10), "Studio"),
        at("day/v.mp3", 12, time(10), "Halle"), at("day/u.mp3", 12, time(9), "Studio"), at("day/t.mp3", 12),
    )  # fmt: skip
    digest = look_back(talks)
    assert [entry.key[4] for entry in digest.talks] == ["u", "v", "w", "t", "x", "y", "z"]
    assert digest.lead[0].text == (
        "Der Rückblick umfasst sieben Talks vom 12.9.2026 bis zum 13.9.2026 (Bühnen: Studio und Halle)."
    )


def compared(one, other, *, alike=1.0, voices=("x", "y"), after="", language="de"):
    """How two statements stand to each other that are `alike` in meaning; the fillers keep the middle at zero."""
    filler = "Die Orgel braucht jeden Winter Stimmung."
    told = [
        talk("a", ("A", one), *([("A", after)] if after else []), ("B", filler)),
        talk("b", ("A", other, language), ("B", filler)),
    ]
    measures = speeches(told)
    angle = np.arccos(alike)
    meant = [np.array([1.0, 0.0]), np.array([np.cos(angle), np.sin(angle)])]
    exact = []
    for speech, meaning in zip(measures, meant, strict=True):
        rows = [meaning if s.text in {one, other} else -meaning for s in speech.statements]
        exact.append(Speech(speech.recording_id, speech.statements, np.array(rows, dtype=np.float32), {}, 10))
    day = Day(exact)
    names = [
        voices[int(place)] if s.text in {one, other} else "z"
        for s, place in zip(day.statements, day.talks, strict=True)
    ]
    return [pair.stand for pair in pairs(day, voices=names)]


KEINE = "Künstliche Intelligenz ersetzt keine Redaktion in unserer Stadt."
DIE = "Künstliche Intelligenz ersetzt die Redaktion in unserer Stadt."


def test_who_denies_what_another_says_is_found():
    assert compared(KEINE, DIE) == [Stand.OPPOSED]
    assert compared(DIE, KEINE) == [Stand.OPPOSED]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Podcasts sind immer eine Chance für Verlage.", "Podcasts sind immer eine Gefahr für Verlage."),
        ("Streaming wird die kleinen Theater töten.", "Streaming rettet die kleinen Theater auf dem Land."),
        (
            "Ein Interview dauert niemals kürzer als eine Stunde.",
            "Ein Interview dauert nie länger als eine Viertelstunde.",
        ),
    ],
)
def test_contrary_words_on_one_thing_are_found(one, other):
    assert compared(one, other, alike=0.7) == [Stand.OPPOSED]
    assert compared(one, other, alike=0.3) == []


def test_what_is_said_alike_in_one_language_shares_its_words():
    one = "Kein Theater überlebt ohne Förderung durch die Stadt."
    other = "Ohne Förderung durch die Stadt überlebt kein einziges Theater."
    assert compared(one, other) == [Stand.ALIKE]
    assert compared(one, "Kein Theater feiert ohne Applaus durch die Stadt.") == []


def test_what_is_said_alike_is_found_over_languages():
    english = "Podcast advertising never helps a small newsroom."
    german = "Werbung im Podcast hilft niemals einer kleinen Redaktion."
    assert compared(german, english, alike=0.7, language="en") == [Stand.ALIKE]
    affirmed = "Podcast advertising always helps a small newsroom."
    assert compared(german, affirmed, alike=0.7, language="en") == []


@pytest.mark.parametrize(
    ("one", "other", "more"),
    [
        (KEINE, DIE, {"voices": ("x", "x")}),  # nobody contradicts himself
        (KEINE, DIE, {"alike": 0.1}),  # other things are meant
        ("Viele sagen, künstliche Intelligenz ersetzt keine Redaktion.", DIE, {}),  # somebody else's opinion
        (KEINE, DIE, {"after": "Das stimmt nicht."}),  # taken back
        (KEINE, "Künstliche Intelligenz ersetzt die Redaktion, falls niemand widerspricht.", {}),  # under a condition
        (
            "Die Orgel kostet im Winter zwei Mark.",
            "Die Werbung lohnt immer für alle.",
            {"alike": 0.5},
        ),  # no word shared
    ],
)
def test_rather_no_contrast_than_a_wrong_one(one, other, more):
    assert compared(one, other, **more) == []


def test_a_noun_that_two_talks_happen_to_say_is_no_theme():
    one = talk(
        "day/a.mp3", ("A", "Die Bienen sammeln im Winter niemals Honig."), ("A", "Ein Imker liebt immer Geduld.")
    )
    two = talk("day/b.mp3", ("A", "Der Chor probt jeden Winter neue Lieder."), ("A", "Die Orgel braucht immer Pflege."))
    assert [topic.title for topic in topics(Day(speeches((one, two))), frequency=frequency)] == []


def test_a_day_without_a_single_statement_has_a_line_for_each_talk():
    digest = look_back((talk("day/a.mp3", ("A", "Ja.")), talk("day/b.mp3", ("A", "Nein, genau."))))
    assert (digest.themes, digest.comparisons, digest.quotes) == ((), (), ())
    assert len(digest.talks) == 2


HOSTILE = '<script>alert(1)</script> "x" & [y](http://z) \u202eexe'
MISSING = (
    Missing("day/d.mp3", "Der Bus", Absence.UNDER_WAY), Missing("day/e.mp3", None, Absence.UNDER_WAY),
    Missing("day/f.mp3", HOSTILE, Absence.FAILED),
)  # fmt: skip


def hostile():
    """A day in which every text that strangers write is hostile."""
    asked = Question("guest-not-heard", {"guest": HOSTILE})
    recap = Recap(KEYNOTE.transcript.recording_id, None, (), (), (), (asked,), NOBODY)
    about = Talk(title=HOSTILE, stage=HOSTILE, day=date(2026, 9, 12), begins=time(9, 30), sensitive=True)
    names = {"A": HOSTILE}
    first = replace(KEYNOTE, talk=about, recap=recap, transcript=replace(KEYNOTE.transcript, names=names))
    second = replace(PANEL, key='day/main stage/b #1?"><b>.mp3')
    return (first, second, BEES), Event("day/", MISSING, withheld=2)


class Page(HTMLParser):
    """Links, texts and tags of a page; fails where tags aren't closed in order."""

    def __init__(self, data):
        super().__init__()
        self.links, self.tags, self.text, self._open = [], set(), "", []
        self.meta = {}
        self.feed(data.decode())
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href"]
        if tag == "meta":
            self.meta[dict(attrs).get("name")] = dict(attrs).get("content")
        else:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_page_is_closed_to_markup_and_says_what_it_is_and_what_is_missing():
    talks, event = hostile()
    digest = look_back(talks, event)
    page = Page(digest_html.write(view_digest(digest, talks, labels()), labels()).data)
    assert "script" not in page.tags
    assert "b" in page.tags  # the notices' own
    assert page.meta["machine-generated"] == "true"
    assert labels()["draft.label"] in page.text
    assert "Noch in Arbeit: „Der Bus“ und „e.mp3“." in page.text
    assert "Zwei vertrauliche Talks sind nicht enthalten." in page.text
    assert "Dieser Rückblick enthält Vertrauliches" in page.text
    assert "\u202e" not in page.text
    assert all(link.startswith("../") and '"' not in link and "<" not in link for link in page.links)
    assert any(
        link.startswith("../main%20stage/b%20%231%3F%22%3E%3Cb%3E.mp3.nachlese/transcript.html#t=")
        for link in page.links
    )


def test_links_of_files_that_are_fetched_lead_to_folders_beside_them():
    talks, event = hostile()
    view = view_digest(look_back(talks, event), talks, labels(), flat=True)
    assert {said.at.link.count("/") for said in view.quotes} == {2}
    assert all(talk.transcript.startswith("../") and talk.transcript.count("/") == 2 for talk in view.talks)


def test_markdown_and_word_hold_the_same_and_are_the_same_each_time():
    talks, event = hostile()
    digest = look_back(talks, event)
    view = view_digest(digest, talks, labels())
    text = digest_md.write(view, labels()).data.decode()
    assert "<script>" not in text
    assert text.startswith("---\n")
    assert "machine_generated: true" in text
    word = digest_docx.write(view, labels()).data
    assert word == digest_docx.write(view_digest(look_back(talks, event), talks, labels()), labels()).data
    paragraphs = "\n".join(one.text for one in Document(io.BytesIO(word)).paragraphs)
    for said in quotes_of(digest):
        assert said.quote.text in paragraphs
        assert said.quote.text in text
    assert labels()["draft.label"] in paragraphs


def test_english_words_are_marked_as_still_to_be_translated():
    english = talk("day/d.mp3", ("A", "Nobody pays for a newsroom that never checks facts.", "en"))
    digest = look_back((english, BEES))
    view = view_digest(digest, (english, BEES), labels())
    marks = [said.language for said in view.quotes if said.at.talk == "d.mp3"]
    assert marks == ["en"]
    assert "Übersetzung nötig \\(en\\)" in digest_md.write(view, labels()).data.decode().replace("(en)", "\\(en\\)")


def test_the_version_that_an_editor_made_is_named():
    corrected = replace(KEYNOTE, source=Source("cd" * 32, 2, "ef" * 32))
    digest = look_back((corrected, PANEL))
    sources = [talk.source for talk in view_digest(digest, (corrected, PANEL), labels()).talks]
    assert sources[0] == f"a.mp3: Transkript (Fassung 2, berichtigt) {'cd' * 32}; Entwurf {'ef' * 32}"
    assert sources[1] == f"b.mp3: Transkript (wie erkannt) {'ab' * 32}; Entwurf liegt noch nicht vor"


def test_whoever_nobody_has_confirmed_is_marked_as_such():
    said = (
        ("A", "Ich begrüße Sie, mein Name ist Rosa Meier."),
        ("A", "Die Redaktion braucht immer mehr Zeit für Recherche."),
    )
    guest = Talk(guests=(Guest("Rosa Meier"),))
    digest = look_back((talk("day/a.mp3", *said, names={}, about=guest), BEES))
    assert digest.lead[1].text == "Zu Wort kommen Rosa Meier (?) und Ada D."
    unheard = (("A", "Die Redaktion braucht immer mehr Zeit für Recherche."), ("B", "Die Bienen sammeln immer Honig."))
    guests = Talk(guests=(Guest("Rosa Meier"), Guest("Leo Falk")))
    told = look_back((talk("day/a.mp3", *unheard, names={}, about=guests),))
    assert told.lead[1].text == "Laut Programm: Rosa Meier und Leo Falk."


def test_recaps_quotes_come_first_and_keep_their_translation():
    english = talk("day/d.mp3", ("A", "Nobody pays for a newsroom that never checks facts.", "en"))
    spoken = english.transcript.utterances[0]
    quote = Quote(spoken.text, "A", spoken.span, "en", (spoken.id,), "Niemand bezahlt für eine solche Redaktion.")
    recap = Recap(english.transcript.recording_id, None, (), (quote,), (), (), NOBODY)
    told = look_back((replace(english, recap=recap), BEES))
    assert Said(english.transcript.recording_id, quote) in told.quotes


def test_what_somebody_has_approved_is_marked_as_such():
    said = ("A", "Die Redaktion braucht immer mehr Zeit für Recherche.")
    contribution = talk("day/d.mp3", said, names={"A": "Rosa Meier"})
    spoken = contribution.transcript.utterances[0]
    quote = Quote(spoken.text, "A", spoken.span, "de", (spoken.id,))
    recap = Recap(contribution.transcript.recording_id, None, (), (quote,), (), (), NOBODY)
    approval = Approval("Kim <Ott>", datetime(2026, 11, 3, 14, 5, tzinfo=UTC), 2)
    signed = replace(
        contribution, recap=approved(recap, approval), source=replace(SOURCE, recap_sha256="ef" * 32, approval=approval)
    )
    for talks, marked in (((signed, BEES), True), ((replace(contribution, recap=recap), BEES), False)):
        view = view_digest(look_back(talks), talks, labels())
        found = [one.approved for one in view.quotes if one.at.talk == "d.mp3"]
        assert found == ["freigegeben von Kim <Ott> am 3. November 2026" if marked else None]
        page, text = digest_html.write(view, labels()).data.decode(), digest_md.write(view, labels()).data.decode()
        word = Document(io.BytesIO(digest_docx.write(view, labels()).data))
        shown = "\n".join(paragraph.text for paragraph in word.paragraphs)
        # The quote, and the talk's own line.
        assert page.count("freigegeben von Kim &lt;Ott&gt; am 3. November 2026") == 2 * marked
        assert text.count(markdown("freigegeben von Kim <Ott> am 3. November 2026")) == 2 * marked
        assert shown.count("freigegeben von Kim <Ott> am 3. November 2026") == 2 * marked
        for document in (page, text):
            assert ("../d.mp3.nachlese/signed-0002.recap.html" in document) is marked
            assert ("freigegebener Text" in document) is marked
        assert (f"Freigabe 2 {'ef' * 32}" in text) is marked
        # A look back is a draft, whatever it rests on.
        assert labels()["draft.label"] in shown


def test_of_an_approved_talk_nothing_is_quoted_that_its_recap_does_not_quote():
    lines = ("Die Redaktion braucht immer mehr Zeit für Recherche.", "Ein Archiv rettet jede Zeitung.")
    contribution = talk("day/d.mp3", *zip("AC", lines, strict=True))
    chosen = contribution.transcript.utterances[1]
    quote = Quote(chosen.text, "C", chosen.span, "de", (chosen.id,))
    draft = Recap(contribution.transcript.recording_id, None, (), (quote,), (), (), NOBODY)
    signed = approved(draft, Approval("Kim Ott", datetime(2026, 11, 3, 14, 5, tzinfo=UTC), 1))
    for recap, texts in ((draft, set(lines)), (signed, {lines[1]})):
        told = look_back((replace(contribution, recap=recap), BEES)).quotes
        assert {one.quote.text for one in told if one.recording_id == recap.recording_id} == texts


def test_the_json_says_what_it_is():
    document = json.loads(digest_json.write(DIGEST, labels()).data)
    assert document["schema"] == "nachlese/digest/1"
    assert document["machine_generated"] is True
    assert document["label"] == labels()["draft.label"]


def test_the_folder_is_never_taken_for_an_upload():
    assert is_own_output(f"day/{FOLDER}digest.html")
    assert is_own_output(f"{FOLDER}digest.mp3")


def test_every_reason_why_a_talk_is_missing_has_a_sentence():
    for why in Absence:
        assert "{talks}" in labels()[f"digest.{why.value}"]
        assert ". " in labels()[f"digest.{why.value}"]
    assert Notice("corrected", {"version": 2}).fields["version"] == 2
