"""`chapters.youtube.txt`: chapters to be pasted under a video.

YouTube takes times for chapters where the first is 0:00, there are three or more, and each lasts ten seconds or more
(support.google.com/youtube/answer/9884579); so chapters that are shorter join the one before.
"""

from collections.abc import Sequence

from jobs.artifacts import Artifact
from jobs.export.chapter_marks import ChapterMarks, Mark
from jobs.german import time_code
from jobs.timeline import Seconds, Span

MIN_CHAPTERS = 3
MIN_LENGTH_S: Seconds = 10.0
#: What YouTube itself takes for markup in a description.
_HARMLESS = str.maketrans("<>", "‹›")


def write(chapters: ChapterMarks) -> Artifact:
    """Write label and chapters; where there are too few for YouTube, the label alone."""
    kept = _joined(chapters.marks)
    lines = [f"{time_code(mark.span.start)} {mark.title}".translate(_HARMLESS) for mark in kept]
    blocks = [chapters.label, "\n".join(lines)] if len(kept) >= MIN_CHAPTERS else [chapters.label]
    return Artifact("chapters.youtube.txt", "text/plain; charset=utf-8", ("\n\n".join(blocks) + "\n").encode())


def _joined(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """The same chapters from the recording's start, none shorter than YouTube allows.

    YouTube reads whole seconds: they are what must lie apart.
    """
    kept: list[Mark] = []
    for mark in marks:
        start = float(int(mark.span.start)) if kept else 0.0
        if kept and start - kept[-1].span.start < MIN_LENGTH_S:
            continue
        kept.append(Mark(Span(start, max(start, mark.span.end)), mark.title))
    while len(kept) > 1 and kept[-1].span.end - kept[-1].span.start < MIN_LENGTH_S:
        kept.pop()
    return tuple(kept)
