"""`transcript.html`: the transcript to be read, printed and linked to.

Every utterance is an anchor by its id (`transcript.html#u0007`), the first one of a second also by its time
(`transcript.html#t=424`).
"""

from jobs.artifacts import Artifact
from jobs.export.labels import Labels
from jobs.export.pages import render
from jobs.export.transcript_view import view_transcript
from jobs.programme import Talk
from jobs.transcript import Transcript


def write(transcript: Transcript, talk: Talk, labels: Labels) -> Artifact:
    """Write the page."""
    view = view_transcript(transcript, talk, labels)
    data = render("transcript.html.j2", view=view, heading=view.heading, labels=labels)
    return Artifact("transcript.html", "text/html; charset=utf-8", data)
