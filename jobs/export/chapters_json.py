"""`chapters.json`: chapter marks for podcast players (Podcasting 2.0, JSON Chapters 1.2.0)."""

from jobs.artifacts import Artifact, canonical_json
from jobs.export.chapter_marks import ChapterMarks

VERSION = "1.2.0"


def write(chapters: ChapterMarks) -> Artifact:
    """Write the chapters.

    `label`, `digital_source_type` and the marks of `origin` are no fields of the format; players pass over them.
    """
    document = {
        "version": VERSION,
        "title": chapters.title,
        "label": chapters.label,
        **chapters.known,
        "digital_source_type": chapters.origin,
        "chapters": [
            {"startTime": mark.span.start, "title": mark.title, "endTime": mark.span.end} for mark in chapters.marks
        ],
    }
    return Artifact("chapters.json", "application/json+chapters", canonical_json(document))
