"""Chapter marks: every format says the same, YouTube's rules hold, and titles stay titles."""

import json
import re
from dataclasses import replace
from html import unescape
from itertools import pairwise

import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from jobs.export import CHAPTER_FORMATS
from jobs.export.chapter_marks import ChapterMarks, Mark
from jobs.export.readable import clean
from jobs.timeline import Span

PSC = "{http://podlove.org/simple-chapters}"
NAMES = sorted(CHAPTER_FORMATS)


def marks_of(borders: list[float], titles: list[str]) -> ChapterMarks:
    marks = tuple(Mark(Span(a, b), clean(t)) for (a, b), t in zip(pairwise(borders), titles, strict=False))
    return ChapterMarks(
        "Titel", "ENTWURF", "http://cv.iptc.org/newscodes/digitalsourcetype/x", {"machine_generated": True}, marks
    )


@st.composite
def chapters(draw: st.DrawFn) -> ChapterMarks:
    borders = draw(st.lists(st.integers(0, 4 * 3600_000), min_size=1, max_size=8, unique=True).map(sorted))
    titles = draw(st.lists(st.text(min_size=1, max_size=30).filter(clean), min_size=8, max_size=8))
    return marks_of([ms / 1000 for ms in borders], titles)


def seconds(stamp: str) -> float:
    total = 0.0
    for part in stamp.split(":"):
        total = total * 60 + float(part)
    return round(total, 3)


def text(name: str, chapters: ChapterMarks) -> str:
    return CHAPTER_FORMATS[name](chapters).data.decode()


def unescaped_metadata(line: str) -> str:
    return re.sub(r"\\(.)", r"\1", line.removeprefix("title="))


def read(name: str, chapters: ChapterMarks) -> list[tuple[float, str]]:
    """Start and title of every chapter, by means that aren't ours."""
    data = CHAPTER_FORMATS[name](chapters).data
    if name == "chapters.json":
        return [(one["startTime"], one["title"]) for one in json.loads(data)["chapters"]]
    if name == "chapters.psc.xml":
        return [(seconds(one.get("start")), one.get("title")) for one in etree.fromstring(data).iter(f"{PSC}chapter")]
    if name == "chapters.vtt":
        found = webvtt.from_string(data.decode(), strict=True).captions
        return [(seconds(one.start), unescape(one.text)) for one in found]
    if name == "chapters.mp4chaps.txt":
        lines = [re.fullmatch(r"(\d\d:\d\d:\d\d\.\d{3}) (.+)", line) for line in data.decode().splitlines()]
        return [(seconds(line[1]), line[2]) for line in lines if line]
    blocks = data.decode().split("[CHAPTER]\n")[1:]
    fields = [block.splitlines() for block in blocks]
    assert all(lines[0] == "TIMEBASE=1/1000" for lines in fields)
    return [(int(lines[1].removeprefix("START=")) / 1000, unescaped_metadata(lines[3])) for lines in fields]


@given(chapters())
def test_every_format_says_the_same(chapters: ChapterMarks) -> None:
    told = [(mark.span.start, mark.title) for mark in chapters.marks]
    for name in NAMES:
        if name != "chapters.youtube.txt":
            assert read(name, chapters) == told


@given(chapters())
def test_what_youtube_gets_it_takes_for_chapters(chapters: ChapterMarks) -> None:
    label, *rest = text("chapters.youtube.txt", chapters).rstrip("\n").split("\n\n")
    assert label == "ENTWURF"
    if not rest:
        return
    (block,) = rest
    times = [seconds(line.partition(" ")[0]) for line in block.split("\n")]
    assert times[0] == 0
    assert len(times) >= 3
    assert all(b - a >= 10 for a, b in pairwise(times))
    assert chapters.marks[-1].span.end - times[-1] >= 10


def test_youtubes_chapters_begin_at_the_start_and_short_ones_join_the_one_before() -> None:
    chapters = marks_of([4.0, 30.0, 35.9, 60.0, 3700.0, 3705.0], ["A", "B <b>", "C", "D", "E"])
    assert text("chapters.youtube.txt", chapters) == "ENTWURF\n\n0:00 A\n0:30 B ‹b›\n1:00 D\n"
    few = replace(chapters, marks=chapters.marks[:2])
    assert text("chapters.youtube.txt", few) == "ENTWURF\n"


@pytest.mark.parametrize("name", NAMES)
def test_no_chapters_give_a_valid_file(name: str) -> None:
    none = marks_of([0.0], [])
    assert name == "chapters.youtube.txt" or read(name, none) == []


ATTACKS = ('"/><x a="', "--> 00:01", "a\n[CHAPTER]\nTIMEBASE=1/1", "x=y;#\\", "]]>", "<b>&amp;", "\u202egpj.exe")


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_title_stays_a_title(attack: str) -> None:
    chapters = marks_of([0.0, 20.0, 40.0, 60.0], [attack, "B", "C"])
    chapters = replace(chapters, title=clean(attack), label=f"ENTWURF {clean(attack)}")
    for name in NAMES:
        if name == "chapters.youtube.txt":
            assert len(text(name, chapters).splitlines()) == 5
        else:
            assert [title for _, title in read(name, chapters)] == [clean(attack), "B", "C"]
