"""`transcript.txt`: the transcript to be read or pasted anywhere; one line a paragraph, UTF-8."""

from jobs.artifacts import Artifact
from jobs.export.labels import Labels
from jobs.export.said import plainly
from jobs.export.transcript_view import Paragraph, Passage, view_transcript
from jobs.programme import Talk
from jobs.transcript import Transcript


def write(transcript: Transcript, talk: Talk, labels: Labels) -> Artifact:
    """Write label, title, notices, then a paragraph for each speech with time and voice."""
    view = view_transcript(transcript, talk, labels)
    heading = view.heading
    notices = (f"{labels['export.notice']}: {notice}" for notice in heading.notices)
    paragraphs = (_paragraph(paragraph, labels) for paragraph in view.paragraphs)
    blocks = (heading.label, heading.title, *notices, *paragraphs, heading.made)
    return Artifact(
        "transcript.txt", "text/plain; charset=utf-8", ("\n\n".join(block for block in blocks if block) + "\n").encode()
    )


def _paragraph(paragraph: Paragraph, labels: Labels) -> str:
    text = " ".join(_passage(passage, labels) for passage in paragraph.passages)
    return f"[{paragraph.time}] {paragraph.voice}\n{text}"


def _passage(passage: Passage, labels: Labels) -> str:
    return plainly(passage.said, labels) + (f" [{passage.together}]" if passage.together else "")
