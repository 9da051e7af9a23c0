"""`chapters.mp4chaps.txt`: chapter marks for `mp4chaps` and Auphonic, which write them into sound files.

Every line is a chapter, so the label is left to the other files.
"""

from jobs.artifacts import Artifact
from jobs.export.chapter_marks import ChapterMarks
from jobs.export.cues import stamp


def write(chapters: ChapterMarks) -> Artifact:
    """Write a chapter a line."""
    lines = (f"{stamp(mark.span.start, '.')} {mark.title}\n" for mark in chapters.marks)
    return Artifact("chapters.mp4chaps.txt", "text/plain; charset=utf-8", "".join(lines).encode())
