"""`chapters.vtt`: chapter marks for `<track kind="chapters">` on the web (W3C WebVTT)."""

from jobs.artifacts import Artifact
from jobs.export.chapter_marks import ChapterMarks, Mark
from jobs.export.cues import stamp
from jobs.export.transcript_vtt import escaped, note


def write(chapters: ChapterMarks) -> Artifact:
    """Write the chapters; the label stands in a comment. Chapters of no length are left out, as players do."""
    blocks = ("WEBVTT", note(chapters.label), *(_block(mark) for mark in chapters.marks if mark.span.duration >= 0.001))
    return Artifact("chapters.vtt", "text/vtt; charset=utf-8", ("\n\n".join(blocks) + "\n").encode())


def _block(mark: Mark) -> str:
    return f"{stamp(mark.span.start, '.')} --> {stamp(mark.span.end, '.')}\n{escaped(mark.title)}"
