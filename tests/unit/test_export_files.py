"""All formats together: golden files, labels, silence, and text that means harm. `golden/regenerate.py` renews."""

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pysubs2
import pytest
import webvtt
import yaml
from markdown_it import MarkdownIt

from jobs.artifacts import Artifact
from jobs.export import RECAP_FORMATS, TRANSCRIPT_FORMATS, recap_files, transcript_files
from jobs.export.readable import clean
from jobs.programme import Talk
from jobs.recap import Recap, Sentence
from jobs.transcript import Doubt, Notice, Transcript

GOLDEN = Path(__file__).parents[1] / "golden"
LABEL = "ENTWURF – maschinell erstellt, redaktionell ungeprüft"
READABLE = ("transcript.txt", "transcript.md", "transcript.html", "recap.md", "recap.html")


@pytest.fixture
def files(
    sample_transcript: Transcript, sample_recap: Recap, sample_talk: Talk, sample_labels: dict[str, str]
) -> dict[str, Artifact]:
    return written(sample_transcript, sample_recap, sample_talk, sample_labels)


def written(transcript: Transcript, recap: Recap, talk: Talk, labels: dict[str, str]) -> dict[str, Artifact]:
    artifacts = (*transcript_files(transcript, talk, labels), *recap_files(recap, transcript, talk, labels))
    return {artifact.name: artifact for artifact in artifacts}


def text_of(artifact: Artifact) -> str:
    return unescape(artifact.data.decode())


def test_the_registries_name_the_files(files: dict[str, Artifact]) -> None:
    assert list(files) == [*TRANSCRIPT_FORMATS, *RECAP_FORMATS]


@pytest.mark.parametrize("name", [*TRANSCRIPT_FORMATS, *RECAP_FORMATS])
def test_files_are_as_they_were_read_by_a_person(name: str, files: dict[str, Artifact]) -> None:
    assert files[name].data.decode() == (GOLDEN / name).read_text("utf-8")


@pytest.mark.parametrize("name", [*TRANSCRIPT_FORMATS, *RECAP_FORMATS])
def test_every_file_says_that_a_machine_made_it(name: str, files: dict[str, Artifact]) -> None:
    assert (LABEL in text_of(files[name])) == (name != "transcript.srt")


def test_programs_can_tell_that_a_machine_made_it(files: dict[str, Artifact]) -> None:
    for name in ("transcript.json", "recap.json", "chapters.json"):
        document = json.loads(files[name].data)
        assert (document["label"], document["machine_generated"]) == (LABEL, True)
    for name in ("transcript.md", "recap.md"):
        _, matter, _ = files[name].data.decode().split("---\n", 2)
        assert yaml.safe_load(matter) == {
            "title": "Lokaljournalismus & seine Zukunft", "label": LABEL, "machine_generated": True
        }  # fmt: skip


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
        Notice("few-words"),
        Notice("incomplete", {"decoded": "0:50", "claimed": "1:10", "missing": 20}),
        Notice("other-tracks", {"track": 1, "others": "2 und 3"}),
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
        assert len(pysubs2.SSAFile.from_string(files["transcript.srt"].data.decode(), format_="srt")) == 1
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
    "&amp;", "\ud800", "**x**", "2",
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
    if attack == "\ud800":  # the edge keeps lone surrogates out of JSON documents
        files = {a.name: a for a in readable_files(transcript, recap, Talk(title=attack), sample_labels)}
    else:
        files = written(transcript, recap, Talk(title=attack), sample_labels)
    one = clean(attack)
    captions = webvtt.from_string(files["transcript.vtt"].data.decode(), strict=True).captions
    assert unescape(captions[0].voice) == (one.replace("--", "–") or "Stimme 1")
    assert unescape(" ".join(c.text for c in captions)).replace("\n", " ").startswith(" ".join([one] * 12).strip())
    assert not re.search(r"<(?!/?[cv][ .>])", "".join(c.raw_text for c in captions))
    assert not re.search(r"[<>{}]", files["transcript.srt"].data.decode().replace(" --> ", ""))
    for name in ("transcript.md", "recap.md"):
        body = files[name].data.decode().split("---\n", 2)[2]
        rendered = MarkdownIt("gfm-like", {"linkify": False}).render(body)
        assert not re.search(r"<(script|img|i|h[4-6])\b|href=\"(?!transcript\.html)", rendered)
        assert rendered.count("<h1>") == 1
        assert rendered.count("<hr") == 1
    for file in files.values():
        assert not re.search("[\x00\x1b\u202e]", file.data.decode()) or file.name.endswith(".json")


def readable_files(transcript: Transcript, recap: Recap, talk: Talk, labels: dict[str, str]) -> list[Artifact]:
    return [
        *(write(transcript, talk, labels) for name, write in TRANSCRIPT_FORMATS.items() if not name.endswith(".json")),
        *(
            write(recap, transcript, talk, labels)
            for name, write in RECAP_FORMATS.items()
            if not name.endswith(".json")
        ),
    ]
