"""`chapters.ffmetadata`: chapter marks that ffmpeg copies into a file (`ffmpeg -i IN -i THIS -map_chapters 1 …`)."""

import re

from jobs.artifacts import Artifact
from jobs.export.chapter_marks import ChapterMarks, Mark


def write(chapters: ChapterMarks) -> Artifact:
    """Write title, label and chapters, times in milliseconds."""
    head = f";FFMETADATA1\ntitle={_escaped(chapters.title)}\ncomment={_escaped(chapters.label)}\n"
    text = head + "".join(map(_block, chapters.marks))
    return Artifact("chapters.ffmetadata", "text/plain; charset=utf-8", text.encode())


def _block(mark: Mark) -> str:
    start, end = (round(seconds * 1000) for seconds in (mark.span.start, mark.span.end))
    return f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\ntitle={_escaped(mark.title)}\n"


def _escaped(text: str) -> str:
    """Text within a line (ffmpeg's manual, formats, "Metadata")."""
    return re.sub(r"([=;#\\])", r"\\\1", text)
