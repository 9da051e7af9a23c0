"""All formats together: golden files, labels, silence, and text that means harm. `golden/regenerate.py` renews."""

import json
import re
from dataclasses import replace
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import get_args

import pysubs2
import pytest
import webvtt
import yaml
from docx import Document
from markdown_it import MarkdownIt

from config.settings import ExportFormat, load
from jobs.artifacts import Artifact
from jobs.export import (
    ALWAYS,
    CHAPTER_FORMATS,
    DEFAULT,
    FORMATS,
    RECAP_FORMATS,
    SUBTITLE_FORMATS,
    TRANSCRIPT_FORMATS,
    Export,
    Layout,
    recap_files,
    transcript_files,
    transcript_rttm,
)
from jobs.export.chapter_marks import chapter_marks
from jobs.export.readable import clean
from jobs.programme import Talk
from jobs.recap import Basis, Recap, Sentence
from jobs.transcript import Doubt, Notice, Transcript

GOLDEN = Path(__file__).parents[1] / "golden"
LABEL = "ENTWURF – maschinell erstellt, redaktionell ungeprüft"
#: Formats without a place for it, whose every line is shown or scored.
UNLABELLED = {"transcript.srt", "transcript.rttm", "transcript.stm", "transcript.seglst.json", "chapters.mp4chaps.txt"}
COMPOSED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
WRITTEN = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
#: They keep every character, escaped: they are the data.
WHOLE = ("transcript.json", "recap.json")
READABLE = ("transcript.txt", "transcript.md", "transcript.html", "recap.md", "recap.html")


@pytest.fixture
def files(
    sample_transcript: Transcript, sample_recap: Recap, sample_talk: Talk, sample_labels: dict[str, str]
) -> dict[str, Artifact]:
    return written(sample_transcript, sample_recap, sample_talk, sample_labels)


def written(transcript: Transcript, recap: Recap, talk: Talk, labels: dict[str, str]) -> dict[str, Artifact]:
    everything = Export(FORMATS)
    artifacts = (
        *transcript_files(transcript, talk, labels, everything),
        *recap_files(recap, transcript, talk, labels, everything),
    )
    return {artifact.name: artifact for artifact in artifacts}


def text_of(artifact: Artifact) -> str:
    return unescape(artifact.data.decode())


def test_the_registries_name_the_files(files: dict[str, Artifact]) -> None:
    assert list(files) == list(FORMATS)
    assert {file.name for file in files.values()} == set(FORMATS)


@pytest.mark.parametrize("name", [name for name in FORMATS if not name.endswith(".docx")])
def test_files_are_as_they_were_read_by_a_person(name: str, files: dict[str, Artifact]) -> None:
    assert files[name].data.decode() == (GOLDEN / name).read_text("utf-8")


@pytest.mark.parametrize("name", [name for name in FORMATS if not name.endswith(".docx")])
def test_every_file_says_that_a_machine_made_it(name: str, files: dict[str, Artifact]) -> None:
    assert (LABEL in text_of(files[name])) == (name not in UNLABELLED)


def test_programs_can_tell_that_a_machine_made_it(files: dict[str, Artifact], sample_recap: Recap) -> None:
    origins = {"transcript": COMPOSED, "recap": WRITTEN, "chapters": WRITTEN}  # the sample's lead was written
    for name in ("transcript.json", "transcript.podcast.json", "recap.json", "chapters.json"):
        document = json.loads(files[name].data)
        assert (document["label"], document["machine_generated"]) == (LABEL, True)
        assert document["digital_source_type"] == origins[name.partition(".")[0]]
    for name in ("transcript.md", "recap.md"):
        _, matter, _ = files[name].data.decode().split("---\n", 2)
        assert yaml.safe_load(matter) == {
            "title": "Lokaljournalismus & seine Zukunft", "label": LABEL, "machine_generated": True,
            "digital_source_type": origins[name.partition(".")[0]],
        } | ({"draft": sample_recap.draft} if name == "recap.md" else {})  # fmt: skip


def test_notices_stand_above_what_was_said(files: dict[str, Artifact]) -> None:
    for name in READABLE:
        text = text_of(files[name])
        assert 0 < text.index("20 Sekunden fehlen") < text.index("Das Vertrauen der Leserinnen")
    assert "20 Sekunden fehlen" in webvtt.from_string(files["transcript.vtt"].data.decode()).header_comments[2]


def test_all_doubts_and_notices_have_german_words(
    sample_transcript: Transcript, sample_talk: Talk, sample_labels: dict[str, str]
) -> None:
    assert {f"doubt.{doubt}" for doubt in Doubt} <= set(sample_labels)
    notices = (
        Notice("no-speech"),
        Notice("incomplete", {"decoded": "0:50", "claimed": "1:10", "missing": 20}),
        Notice("other-tracks", {"track": 1, "others": "2 und 3"}),
        Notice("brief-voice", {"count": 1, "time": "0:14"}),
        Notice("brief-voices", {"count": 2, "time": "0:14"}),
        Notice("from-the-future"),
    )
    transcript = replace(sample_transcript, notices=notices)
    text = next(
        a for a in transcript_files(transcript, sample_talk, sample_labels) if a.name.endswith(".txt")
    ).data.decode()
    assert text.count("Hinweis: ") == len(notices)
    assert "from-the-future" in text
    assert not re.search(r"[{}…]", text)


def test_the_title_is_the_programmes_else_the_proposed_else_none(
    sample_transcript: Transcript, sample_recap: Recap, empty_recap: Recap, sample_labels: dict[str, str]
) -> None:
    def title(recap: Recap, talk: Talk) -> str:
        return json.loads(written(sample_transcript, recap, talk, sample_labels)["chapters.json"].data)["title"]

    assert title(sample_recap, Talk(title="Ein  Titel\n")) == "Ein Titel"
    assert title(sample_recap, Talk(title=" ")) == "Das Vertrauen der Leserinnen und Leser ist unser einziges Kapital."
    assert title(empty_recap, Talk()) == "Aufnahme ohne Titel"


def test_silence_gives_valid_files_that_say_so(
    empty_transcript: Transcript, empty_recap: Recap, sample_labels: dict[str, str]
) -> None:
    for transcript in (empty_transcript, replace(empty_transcript, notices=())):
        files = written(transcript, empty_recap, Talk(), sample_labels)
        for name in (*READABLE, "transcript.vtt", "transcript.srt"):
            assert text_of(files[name]).count("keine Sprache gefunden") == 1
        assert webvtt.from_string(files["transcript.vtt"].data.decode(), strict=True).captions == []
        for form in ("srt", "ttml"):
            (event,) = pysubs2.SSAFile.from_string(files[f"transcript.{form}"].data.decode(), format_=form)
            assert "keine Sprache gefunden" in event.plaintext
        assert json.loads(files["chapters.json"].data)["chapters"] == []
        assert "#" not in files["recap.md"].data.decode().replace("# Aufnahme ohne Titel", "")


def test_evidence_that_isnt_there_is_told(
    sample_transcript: Transcript, sample_recap: Recap, sample_talk: Talk, sample_labels: dict[str, str]
) -> None:
    recap = replace(sample_recap, lead=(Sentence("Frei erfunden.", ("u9999",)),))
    files = written(sample_transcript, recap, sample_talk, sample_labels)
    for name in ("recap.md", "recap.html"):
        assert "Der Beleg u9999 steht nicht im Transkript" in text_of(files[name])


HOSTILE = (
    "<script>alert(1)</script>", "<i>x</i>", "-->", "--", "00:00:00.000 --> 00:00:01.000", "a\n\nb", "\u202etxt.exe",
    "x\x00\x1b[1m", "NOTE x", "{\\an8}oben", "[x](javascript:alert(1))", "![x](https://x.y/z.png)", "# x", "---",
    "&amp;", "**x**", "2",
)  # fmt: skip


@pytest.mark.parametrize("attack", HOSTILE)
def test_foreign_text_stays_text_in_every_format(
    attack: str, sample_transcript: Transcript, sample_recap: Recap, sample_labels: dict[str, str]
) -> None:
    first, *others = sample_transcript.utterances
    spoken = replace(first, words=tuple(replace(word, text=attack) for word in first.words))
    transcript = replace(
        sample_transcript, utterances=(spoken, *others), names={"SPEAKER_01": attack},
        notices=(Notice("other-tracks", {"track": attack, "others": attack}),),
    )  # fmt: skip
    recap = replace(sample_recap, lead=(Sentence(attack, ("u0001",)),))
    files = written(transcript, recap, Talk(title=attack), sample_labels)
    one = clean(attack)
    captions = webvtt.from_string(files["transcript.vtt"].data.decode(), strict=True).captions
    assert unescape(captions[0].voice) == (one.replace("--", "–") or "Stimme 1")
    assert unescape(" ".join(c.text for c in captions)).replace("\n", " ").startswith(" ".join([one] * 12).strip())
    assert not re.search(r"<(?!/?(?:[cv]|lang)[ .>])", "".join(c.raw_text for c in captions))
    assert not re.search(r"[<>{}]", files["transcript.srt"].data.decode().replace(" --> ", ""))
    for name in ("transcript.md", "recap.md"):
        body = files[name].data.decode().split("---\n", 2)[2]
        rendered = MarkdownIt("gfm-like", {"linkify": False}).render(body)
        assert not re.search(r"<(script|img|i|h[4-6])\b|href=\"(?!transcript\.html)", rendered)
        assert rendered.count("<h1>") == 1
        assert rendered.count("<hr") == 1
    for file in files.values():
        if file.name not in WHOLE and not file.name.endswith(".docx"):
            assert not re.search("[\x00\x1b\u202e]", file.data.decode())


def test_what_speaks_against_a_sentence_is_told_beside_it(
    sample_transcript: Transcript, sample_recap: Recap, sample_talk: Talk, sample_labels: dict[str, str]
) -> None:
    said = "Es geht um Zeitungen mit 150.000 Abonnenten."
    recap = replace(sample_recap, lead=(Sentence(said, ("u0002",), Basis.WRITTEN),))
    files = written(sample_transcript, recap, sample_talk, sample_labels)
    reason = "„150.000“ kommt im Beleg nicht vor"
    document = Document(BytesIO(files["recap.docx"].data))
    texts = {
        "md": text_of(files["recap.md"]),
        "html": text_of(files["recap.html"]),
        "docx": "\n".join(paragraph.text for paragraph in document.paragraphs),
        "comments": "\n".join(comment.text for comment in document.comments),
    }
    assert {name: text.count(reason) for name, text in texts.items()} == dict.fromkeys(texts, 1)
    right = written(sample_transcript, sample_recap, sample_talk, sample_labels)
    assert "kommt im Beleg nicht vor" not in text_of(right["recap.html"])


def test_what_later_jobs_read_is_written_whatever_is_wanted(
    sample_transcript: Transcript, sample_recap: Recap, sample_talk: Talk, sample_labels: dict[str, str]
) -> None:
    def names(export: Export) -> set[str]:
        made = transcript_files(sample_transcript, sample_talk, sample_labels, export)
        return {
            a.name for a in (*made, *recap_files(sample_recap, sample_transcript, sample_talk, sample_labels, export))
        }

    assert names(Export(())) == ALWAYS
    assert names(Export(("transcript.stm",))) == {*ALWAYS, "transcript.stm"}
    assert names(Export()) == {*ALWAYS, *DEFAULT}
    assert {"transcript.vtt", "recap.html", "chapters.json"} <= set(DEFAULT) <= set(FORMATS)


def test_what_no_encoding_knows_is_left_out(
    sample_transcript: Transcript, sample_recap: Recap, sample_labels: dict[str, str]
) -> None:
    first, *others = sample_transcript.utterances
    spoken = replace(first, words=(replace(first.words[0], text="a\ud800\ufffe"), *first.words[1:]))
    transcript = replace(sample_transcript, utterances=(spoken, *others), names={"SPEAKER_01": "\udfff"})
    recap = replace(sample_recap, lead=(Sentence("\ud800", ("u0001",)),))
    talk, labels, layout = Talk(title="\ud800"), sample_labels, Layout()
    # The edge keeps such text out of the documents that hold all data.
    made = [write(transcript, talk, labels) for name, write in TRANSCRIPT_FORMATS.items() if name not in WHOLE]
    made += [write(transcript, talk, labels, layout) for write in SUBTITLE_FORMATS.values()]
    made += [write(recap, transcript, talk, labels) for name, write in RECAP_FORMATS.items() if name not in WHOLE]
    made += [write(chapter_marks(recap, transcript, talk, labels)) for write in CHAPTER_FORMATS.values()]
    assert {file.name for file in made} == {*FORMATS} - {*WHOLE}


def test_the_settings_know_the_formats_and_start_from_the_defaults() -> None:
    assert set(get_args(ExportFormat)) == set(FORMATS) - ALWAYS
    preset = load().export
    assert preset.formats == DEFAULT
    assert Layout(preset.line_length, preset.lines, preset.reading_speed) == Layout()


def test_a_corrected_transcript_is_scored_by_its_words(
    sample_transcript: Transcript, sample_labels: dict[str, str]
) -> None:
    def turns(transcript: Transcript) -> list[tuple[str, ...]]:
        written = transcript_rttm.write(transcript, Talk(), sample_labels).data.decode().splitlines()
        return [(line.split()[3], line.split()[4], line.split()[7]) for line in written]

    moved = replace(sample_transcript.utterances[0], speaker="SPEAKER_07")
    corrected = replace(sample_transcript, utterances=(moved, *sample_transcript.utterances[1:]))
    assert turns(corrected) == turns(sample_transcript), "nobody has corrected anything"
    corrected = replace(corrected, notices=(Notice("corrected", {"version": 1}),))
    found = turns(corrected)
    assert found[0] == ("0.400", "4.200", "SPEAKER_07")
    assert found[1] == ("4.900", "5.300", "SPEAKER_01"), "a silence of 0.3 s parts two turns"
    assert [begin for begin, _, _ in found] == sorted((begin for begin, _, _ in found), key=float)
    said = {(u.speaker, word.span) for u in corrected.utterances if u.speaker is not None for word in u.words}
    for speaker, span in said:
        assert any(
            who == speaker and float(begin) <= span.start + 0.001 and span.end <= float(begin) + float(length) + 0.002
            for begin, length, who in found
        )


def test_what_was_misheard_is_told_beside_the_name_it_was_put_right_to(
    sample_transcript: Transcript, sample_talk: Talk, sample_labels: dict[str, str]
) -> None:
    first = sample_transcript.utterances[0]
    words = tuple(replace(word, heard="<Ziel>\nreich") if word.text == "zahlreich" else word for word in first.words)
    named = tuple(replace(first, id=name, words=words) for name in ("u0001", "u0001b"))
    transcript = replace(sample_transcript, utterances=(*named, *sample_transcript.utterances[1:]))
    files = {file.name: file for file in transcript_files(transcript, sample_talk, sample_labels)}
    written = MarkdownIt("commonmark").render(files["transcript.md"].data.decode().split("---\n", 2)[2])
    assert unescape(re.sub("<[^>]+>", "", written)).count("zahlreich [gehört: <Ziel> reich]") == 1
    assert text_of(files["transcript.html"]).count('title="gehört: <Ziel> reich">zahlreich</span>') == 2
    document = Document(BytesIO(files["transcript.docx"].data))
    assert [comment.text for comment in document.comments] == ["gehört: <Ziel> reich"]
    assert "gehört" not in "".join(paragraph.text for paragraph in document.paragraphs)
    assert "gehört" not in text_of(files["transcript.vtt"])
