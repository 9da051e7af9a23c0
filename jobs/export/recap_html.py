"""`recap.html`: the recap draft to be checked, printed and linked from.

Under every sentence its evidence can be opened: who said it, when, and in which words, linked to `transcript.html`.
"""

from jobs.artifacts import Artifact
from jobs.export.labels import Labels
from jobs.export.pages import render
from jobs.export.recap_view import LISTS, view_recap
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.shapes import WHOLE, Shape
from jobs.transcript import Transcript


def write(recap: Recap, transcript: Transcript, talk: Talk, labels: Labels, shape: Shape = WHOLE) -> Artifact:
    """Write the page, in a shape."""
    view = view_recap(recap, transcript, talk, labels, shape)
    data = render("recap.html.j2", view=view, lists=LISTS, heading=view.heading, labels=labels)
    return Artifact("recap.html", "text/html; charset=utf-8", data)
