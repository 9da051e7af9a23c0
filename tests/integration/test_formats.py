"""Every file, accepted by a reader that isn't ours, and what can come back comes back: words, voices, times."""

import json
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import meeteval
import pysubs2
import pytest
import webvtt
import yaml
from docx import Document
from lxml import etree
from markdown_it import MarkdownIt

from jobs.artifacts import Artifact
from jobs.export import FORMATS, Export, recap_files, transcript_files
from jobs.export.readable import clean
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.timeline import Span
from jobs.transcript import Transcript, Utterance, Word
from worker.desk.correction import read

TT = "{http://www.w3.org/ns/ttml}"
TTS = "{http://www.w3.org/ns/ttml#styling}"
TTP = "{http://www.w3.org/ns/ttml#parameter}"
EBUTTS = "{urn:ebu:tt:style}"
EBUTTM = "{urn:ebu:tt:metadata}"
XML = "{http://www.w3.org/XML/1998/namespace}"


@pytest.fixture
def files(
    sample_transcript: Transcript, sample_recap: Recap, sample_talk: Talk, sample_labels: dict[str, str]
) -> dict[str, Artifact]:
    everything = Export(FORMATS)
    made = (
        *transcript_files(sample_transcript, sample_talk, sample_labels, everything),
        *recap_files(sample_recap, sample_transcript, sample_talk, sample_labels, everything),
    )
    return {artifact.name: artifact for artifact in made}


def html_parts(data: bytes) -> int:
    seen: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, _: seen.append(tag)  # type: ignore[method-assign]
    parser.feed(data.decode())
    parser.close()
    return seen.count("p")


def markdown_parts(data: bytes) -> int:
    _, front, body = data.decode().split("---\n", 2)
    assert yaml.safe_load(front)["machine_generated"] is True
    return MarkdownIt("commonmark").render(body).count("<p>")


def json_parts(*path: str) -> Callable[[bytes], int]:
    def count(data: bytes) -> int:
        document = json.loads(data)
        for key in path:
            document = document[key]
        return len(document)

    return count


def docx_parts(data: bytes) -> int:
    return len(Document(BytesIO(data)).paragraphs)


def subtitles(form: str) -> Callable[[bytes], int]:
    return lambda data: len(pysubs2.SSAFile.from_string(data.decode(), format_=form))


def scored(kind: str) -> Callable[[bytes], int]:
    return lambda data: len(getattr(meeteval.io, kind).parse(data.decode()))


def xml_parts(tag: str) -> Callable[[bytes], int]:
    return lambda data: sum(1 for _ in etree.fromstring(data).iter(tag))


def ffmpeg_chapters(data: bytes) -> int:
    return len(probed(data, "ffmetadata", "-show_chapters")["chapters"])


def probed(data: bytes, form: str, what: str) -> dict[str, Any]:
    command = ["ffprobe", "-v", "error", "-f", form, "-of", "json", what, "-"]
    read = subprocess.run(command, input=data, capture_output=True, check=True)
    assert read.stderr == b""
    return dict(json.loads(read.stdout))


#: Format → a reader that isn't ours, giving the number of parts, and how many the sample has (None: one or more).
READERS: dict[str, tuple[Callable[[bytes], int], int | None]] = {
    "transcript.json": (json_parts("utterances"), 11),
    "transcript.txt": (lambda data: len(re.findall(r"(?m)^\[[\d:]+\d\d\] ", data.decode("utf-8", "strict"))), 8),
    "transcript.md": (markdown_parts, None),
    "transcript.html": (html_parts, None),
    "transcript.docx": (docx_parts, None),
    "transcript.rttm": (scored("RTTM"), 10),
    "transcript.stm": (scored("STM"), 11),
    "transcript.seglst.json": (lambda data: len(meeteval.io.SegLST(json.loads(data))), 11),
    "transcript.vtt": (lambda data: len(webvtt.from_string(data.decode(), strict=True).captions), None),
    "transcript.srt": (subtitles("srt"), None),
    "transcript.ttml": (subtitles("ttml"), None),
    "transcript.podcast.json": (json_parts("segments"), None),
    "recap.json": (json_parts("lead"), 3),
    "recap.md": (markdown_parts, None),
    "recap.html": (html_parts, None),
    "recap.docx": (docx_parts, None),
    "chapters.json": (json_parts("chapters"), 2),
    "chapters.psc.xml": (xml_parts("{http://podlove.org/simple-chapters}chapter"), 2),
    "chapters.vtt": (lambda data: len(webvtt.from_string(data.decode(), strict=True).captions), 2),
    "chapters.youtube.txt": (lambda data: len(data.decode("utf-8", "strict").splitlines()), 1),
    "chapters.mp4chaps.txt": (lambda data: len(re.findall(rb"(?m)^\d\d:\d\d:\d\d\.\d{3} \S", data)), 2),
    "chapters.ffmetadata": (ffmpeg_chapters, 2),
}


def test_every_format_has_a_reader() -> None:
    assert set(READERS) == set(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_every_file_is_accepted(name: str, files: dict[str, Artifact]) -> None:
    read, expected = READERS[name]
    found = read(files[name].data)
    assert found == expected if expected is not None else found >= 1


@pytest.mark.parametrize(("name", "form"), [("transcript.vtt", "webvtt"), ("transcript.srt", "srt")])
def test_ffmpeg_reads_the_subtitles(name: str, form: str, files: dict[str, Artifact]) -> None:
    packets = probed(files[name].data, form, "-show_packets")["packets"]
    blocks = files[name].data.decode().count(" --> ")
    assert len(packets) == blocks > 0
    assert all(float(one["duration_time"]) > 0 for one in packets)


def test_ffmpeg_reads_titles_and_times_of_chapters(files: dict[str, Artifact]) -> None:
    read = probed(files["chapters.ffmetadata"].data, "ffmetadata", "-show_chapters")["chapters"]
    assert [(one["start_time"], one["end_time"], one["tags"]["title"]) for one in read] == [
        ("0.000000", "33.000000", "Wie ist die Lage bei Ihnen?"),
        ("33.000000", "50.000000", "Claire, what about London?"),
    ]  # fmt: skip


def test_scorers_read_words_voices_and_times(files: dict[str, Artifact], sample_transcript: Transcript) -> None:
    spoken = [
        (sample_transcript.recording_id, u.speaker or "unknown", u.span.start, u.span.end, u.text)
        for u in sample_transcript.utterances
    ]
    stm = meeteval.io.STM.parse(files["transcript.stm"].data.decode())
    assert [(one.filename, one.speaker_id, float(one.begin_time), float(one.end_time), one.transcript)
            for one in stm.lines] == spoken  # fmt: skip
    segments = json.loads(files["transcript.seglst.json"].data)
    assert [tuple(one.values()) for one in segments] == spoken
    rate = meeteval.wer.cpwer(reference=stm, hypothesis=meeteval.io.SegLST(segments))
    assert {one.error_rate for one in rate.values()} == {0.0}


def test_pyannote_and_meeteval_read_the_same_turns(
    files: dict[str, Artifact], sample_transcript: Transcript, tmp_path: Path
) -> None:
    turns = [(turn.span.start, round(turn.span.duration, 3), turn.speaker) for turn in sample_transcript.turns]
    data = files["transcript.rttm"].data.decode()
    lines = meeteval.io.RTTM.parse(data).lines
    assert [(float(one.begin_time), float(one.duration), one.speaker_id) for one in lines] == turns
    path = tmp_path / "transcript.rttm"
    path.write_text(data, "utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its dependencies warn of isn't ours
        from pyannote.database.util import load_rttm  # noqa: PLC0415

        annotation = load_rttm(str(path))[sample_transcript.recording_id]
    read = [(round(s.start, 3), round(s.duration, 3), label) for s, _, label in annotation.itertracks(yield_label=True)]
    assert sorted(read) == sorted(turns)


def test_subtitles_of_all_formats_show_the_same_words(
    files: dict[str, Artifact], sample_transcript: Transcript
) -> None:
    said = [word.text for utterance in sample_transcript.utterances for word in utterance.words]

    def words(text: str) -> list[str]:
        return text.replace("[", "").replace("]", "").split()

    captions = webvtt.from_string(files["transcript.vtt"].data.decode(), strict=True).captions
    assert words(" ".join(unescape(one.text) for one in captions)) == said
    segments = json.loads(files["transcript.podcast.json"].data)["segments"]
    assert words(" ".join(one["body"] for one in segments)) == said
    assert [one["speaker"] for one in segments] == [one.voice for one in captions]
    srt = pysubs2.SSAFile.from_string(files["transcript.srt"].data.decode(), format_="srt")
    names = r"(Anna Berg|Claire Dunn|Stimme 2|Stimme nicht zugeordnet): "
    assert words(re.sub(names, "", " ".join(one.plaintext.replace("\n", " ") for one in srt))) == said
    document = etree.fromstring(files["transcript.ttml"].data)
    shown = [" ".join(span.text or "" for span in p.iter(f"{TT}span")) for p in document.iter(f"{TT}p")]
    assert shown == [one.plaintext.replace("\n", " ") for one in srt]


def test_ttml_is_read_by_the_sandflow_imsc_reader(files: dict[str, Artifact]) -> None:
    from ttconv.imsc.reader import to_model  # noqa: PLC0415

    document = to_model(etree.ElementTree(etree.fromstring(files["transcript.ttml"].data)))
    assert document is not None
    assert document.get_lang() == "de"


#: EBU Tech 3380 1.0.1, section 3: what may stand in a document, and where.
ELEMENTS = {"tt", "head", "metadata", "styling", "style", "layout", "region", "body", "div", "p", "span", "br"}


def test_ttml_keeps_the_rules_of_ebu_tt_d(files: dict[str, Artifact]) -> None:
    root = etree.fromstring(files["transcript.ttml"].data)
    assert root.tag == f"{TT}tt"
    assert root.get(f"{TTP}timeBase") == "media"
    assert re.fullmatch(r"\d+ \d+", root.get(f"{TTP}cellResolution"))
    assert root.get(f"{XML}lang") == "de"
    standards = [one.text for one in root.iter(f"{EBUTTM}conformsToStandard")]
    assert "urn:ebu:tt:distribution:2018-04" in standards
    assert {one.tag.removeprefix(TT) for one in root.iter(f"{TT}*")} == ELEMENTS
    styles = {one.get(f"{XML}id"): one for one in root.iter(f"{TT}style")}
    regions = {one.get(f"{XML}id"): one for one in root.iter(f"{TT}region")}
    for style in styles.values():
        assert all(re.fullmatch(r"#[0-9A-F]{6}", style.get(f"{TTS}{name}", "#000000"))
                   for name in ("color", "backgroundColor"))  # fmt: skip
        assert re.fullmatch(r"\d+%", style.get(f"{TTS}fontSize", "100%"))
        assert re.fullmatch(r"[\d.]+c", style.get(f"{EBUTTS}linePadding", "0.5c"))
    for region in regions.values():
        for name in ("origin", "extent"):
            assert re.fullmatch(r"[\d.]+% [\d.]+%", region.get(f"{TTS}{name}"))
    paragraphs = list(root.iter(f"{TT}p"))
    ids = [one.get(f"{XML}id") for one in root.iter() if one.get(f"{XML}id")]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[A-Za-z_][\w.-]*", one) for one in ids)
    before = ""
    for one in paragraphs:
        begin, end = one.get("begin"), one.get("end")
        assert all(re.fullmatch(r"\d\d:[0-5]\d:[0-5]\d\.\d{3}", time) for time in (begin, end))
        assert before <= begin < end
        before = end
        assert one.get("region") in regions
        used = {name for node in (one, *one.iter(f"{TT}span")) for name in (node.get("style") or "").split()}
        assert used <= set(styles)
        assert not (one.text or "").strip()
    assert [one.get(f"{XML}lang") for one in paragraphs].count("en") >= 2
    assert not any(name.startswith(TTS) for one in root.iter(f"{TT}p", f"{TT}span") for name in one.attrib)


def test_another_process_makes_the_same_bytes(files: dict[str, Artifact]) -> None:
    """Another hash seed, another time: what two workers make of one recording must be one thing."""
    root = Path(__file__).parents[2]
    script = (
        "import hashlib, runpy, sys; sys.path.insert(0, sys.argv[1]);"
        "s = runpy.run_path(sys.argv[1] + '/tests/conftest.py');"
        "from jobs.export import *;"
        "t, k, l, e = s['build_transcript'](), s['build_talk'](), s['build_labels'](), Export(FORMATS);"
        "a = (*transcript_files(t, k, l, e), *recap_files(s['build_recap'](), t, k, l, e));"
        "print(*(f'{x.name} {x.sha256}' for x in a), sep=chr(10))"
    )
    command = [sys.executable, "-c", script, str(root)]
    environment = {"PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo", "PATH": "/usr/bin:/bin"}
    made = subprocess.run(command, capture_output=True, check=True, text=True, env=environment)
    assert dict(line.split() for line in made.stdout.splitlines()) == {n: f.sha256 for n, f in files.items()}


#: What people say, and what recognizers and strangers make of it: markup, two directions of reading, joined signs,
#: words wider than a line, numbers that look like those of subtitles.
NASTY = (
    '"Zitat", sagte sie: „Nein!“', "<b>fett</b> & <v Eve>Falsch</v> --> {\\an8}", "مرحبا بالعالم שלום",
    "Applaus 👩\u200d👩\u200d👧 🏳️\u200d🌈 e\u0301", "X" * 200, "1", "00:00:01,000 --> 00:00:02,000",
    "NOTE STYLE WEBVTT", "[zweifelhaft] ]]> <!-- -->", "&lt;i&gt; &#60;",
    "Ein ganz gewöhnlicher Satz, der am Ende steht und etwas länger ist, damit er umbrochen werden muss.",
)  # fmt: skip


def nasty(sample: Transcript, *, begin: float, length: float) -> Transcript:
    """Each of them `length` seconds after `begin`, by changing voices; with 0.0 everything is said at once."""
    utterances = []
    for number, text in enumerate(NASTY):
        start, tokens = begin + number * length, text.split()
        step = length / len(tokens)
        words = tuple(
            Word(token, Span(start + i * step, start + (i + 1) * step), 0.5, heard="<x>" if i == 0 else None)
            for i, token in enumerate(tokens)
        )
        speaker = (None, "SPEAKER_00", "SPEAKER_01")[number % 3]
        utterances.append(Utterance(f"u{number:04}", words, speaker, ("de", "en", "ar")[number % 3]))
    names = {"SPEAKER_00": '<Eve> "--> & \u202eevE', "SPEAKER_01": "ليلى --"}
    return replace(sample, utterances=tuple(utterances), names=names, duration_s=begin + 1000.0, turns=(), notices=())


@pytest.mark.parametrize("begin", [0.0, 35_990.0], ids=["first second", "tenth hour"])
@pytest.mark.parametrize("length", [0.0, 0.05, 9.0], ids=["at once", "hurried", "calm"])
def test_every_reader_takes_what_means_harm(
    begin: float, length: float, sample_transcript: Transcript, sample_talk: Talk, sample_labels: dict[str, str]
) -> None:
    transcript = nasty(sample_transcript, begin=begin, length=length)
    files = {one.name: one for one in transcript_files(transcript, sample_talk, sample_labels, Export(FORMATS))}
    for name, file in files.items():
        assert READERS[name][0](file.data) >= (0 if name == "transcript.rttm" else 1), name

    def letters(texts: list[str]) -> str:
        return "".join("".join(texts).split())

    said = letters([clean(text) for text in NASTY])
    captions = webvtt.from_string(files["transcript.vtt"].data.decode(), strict=True).captions
    assert letters([unescape(one.text) for one in captions]) == said
    assert {unescape(one.voice) for one in captions} == {'<Eve> "–> & evE', "ليلى –", "Stimme nicht zugeordnet"}
    segments = json.loads(files["transcript.podcast.json"].data)["segments"]
    assert letters([one["body"] for one in segments]) == said
    assert all(before["endTime"] <= after["startTime"] for before, after in pairwise(segments))
    assert all(one["startTime"] < one["endTime"] for one in segments)
    root = etree.fromstring(files["transcript.ttml"].data)
    shown = [[span.text or "" for span in p.iter(f"{TT}span")] for p in root.iter(f"{TT}p")]
    assert all(len(lines) <= 2 and max(map(len, lines)) <= 42 for lines in shown)
    assert "X" * 40 in letters(["".join(lines) for lines in shown])
    for p in root.iter(f"{TT}p"):
        assert all(re.fullmatch(r"\d\d:[0-5]\d:[0-5]\d\.\d{3}", p.get(name)) for name in ("begin", "end"))
        assert p.get("begin") < p.get("end")
    for name, form in (("transcript.vtt", "webvtt"), ("transcript.srt", "srt")):
        packets = probed(files[name].data, form, "-show_packets")["packets"]
        assert len(packets) == files[name].data.decode().count(" --> ")
        assert all(float(one["duration_time"]) > 0 for one in packets)
    texts = [p.text for p in Document(BytesIO(files["transcript.docx"].data)).paragraphs]
    assert all(any(clean(text) in one for one in texts) for text in NASTY)


def test_what_means_harm_comes_back_from_word_and_subtitles_as_it_was_said(
    sample_transcript: Transcript, sample_talk: Talk, sample_labels: dict[str, str], tmp_path: Path
) -> None:
    transcript = nasty(sample_transcript, begin=0.0, length=9.0)
    said = [clean(word.text) for utterance in transcript.utterances for word in utterance.words]
    for file in transcript_files(transcript, sample_talk, sample_labels):
        if file.name in {"transcript.docx", "transcript.json"}:
            (tmp_path / file.name).write_bytes(file.data)
            lines = read(tmp_path / file.name).lines
            assert " ".join(line.text for line in lines).split() == said
