"""Chapters as players know them: a time and a title each."""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.export.heading import recap_heading
from jobs.export.labels import Labels
from jobs.export.readable import clean
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.timeline import Span
from jobs.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Mark:
    """One chapter; the title is cleaned, not escaped."""

    span: Span
    title: str


@dataclass(frozen=True, slots=True)
class ChapterMarks:
    """All chapters in time order, may be none, and what is said of them."""

    title: str
    #: That a machine made them and nobody checked them, or who answers for them; the same for programs, see `origin`.
    label: str
    origin: str
    known: Mapping[str, str | bool]
    marks: tuple[Mark, ...]


def chapter_marks(recap: Recap, transcript: Transcript, talk: Talk, labels: Labels) -> ChapterMarks:
    """Take the chapters out of a recap."""
    heading = recap_heading(recap, transcript, talk, labels)
    marks = (Mark(chapter.span, clean(chapter.title)) for chapter in recap.chapters)
    return ChapterMarks(heading.title, heading.label, heading.origin, heading.marks, tuple(marks))
