"""`chapters.psc.xml`: chapter marks for podcast feeds (Podlove Simple Chapters 1.2)."""

from jobs.artifacts import Artifact
from jobs.export.chapter_marks import ChapterMarks
from jobs.export.cues import stamp
from jobs.export.pages import fill


def write(chapters: ChapterMarks) -> Artifact:
    """Write the chapters; the label stands in a comment."""
    marks = tuple((stamp(mark.span.start, "."), mark.title) for mark in chapters.marks)
    # Two hyphens would end the comment.
    label = chapters.label.replace("--", "–").rstrip("-")
    return Artifact("chapters.psc.xml", "application/xml", fill("chapters.psc.xml.j2", label=label, marks=marks))
