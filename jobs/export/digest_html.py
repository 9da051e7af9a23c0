"""`digest.html`: the look back over many talks, to be checked, printed and linked from."""

from jobs.artifacts import Artifact
from jobs.export.digest_view import DigestView
from jobs.export.labels import Labels
from jobs.export.pages import render


def write(view: DigestView, labels: Labels) -> Artifact:
    """Write the page; its links are relative, from the digest's folder to those of the talks."""
    data = render("digest.html.j2", view=view, heading=view.heading, labels=labels)
    return Artifact("digest.html", "text/html; charset=utf-8", data)
