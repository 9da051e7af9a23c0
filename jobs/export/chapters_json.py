"""`chapters.json`: chapter marks for podcast players (Podcasting 2.0, JSON Chapters 1.2.0)."""

from jobs.artifacts import Artifact, canonical_json
from jobs.export.labels import Labels
from jobs.export.readable import clean
from jobs.export.view import view_recap
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.transcript import Transcript

VERSION = "1.2.0"


def write(recap: Recap, transcript: Transcript, talk: Talk, labels: Labels) -> Artifact:
    """Write the chapters in time order; without chapters the list is empty.

    `label` and `machine_generated` are no fields of the format; players pass over them.
    """
    heading = view_recap(recap, transcript, talk, labels).heading
    chapters = [
        {"startTime": chapter.span.start, "title": clean(chapter.title), "endTime": chapter.span.end}
        for chapter in recap.chapters
    ]
    marks = {
        "version": VERSION,
        "title": heading.title,
        "label": heading.label,
        "machine_generated": True,
        "chapters": chapters,
    }
    return Artifact("chapters.json", "application/json+chapters", canonical_json(marks))
