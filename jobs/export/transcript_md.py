"""`transcript.md`: the transcript for editors' tools that read Markdown (CommonMark)."""

from jobs.artifacts import Artifact
from jobs.export.labels import Labels
from jobs.export.matter import head
from jobs.export.readable import markdown
from jobs.export.said import Said, Spelt
from jobs.export.transcript_view import Paragraph, Passage, view_transcript
from jobs.programme import Talk
from jobs.transcript import Transcript


def write(transcript: Transcript, talk: Talk, labels: Labels) -> Artifact:
    """Write front matter, label, notices, then a paragraph for each speech with time and voice."""
    view = view_transcript(transcript, talk, labels)
    told: set[Spelt] = set()
    blocks = [*head(view.heading, labels), *(_paragraph(paragraph, labels, told) for paragraph in view.paragraphs)]
    if view.heading.made:
        blocks += ["---", f"*{markdown(view.heading.made)}*"]
    return Artifact("transcript.md", "text/markdown; charset=utf-8", ("\n\n".join(blocks) + "\n").encode())


def _paragraph(paragraph: Paragraph, labels: Labels, told: set[Spelt]) -> str:
    text = " ".join(_passage(passage, labels, told) for passage in paragraph.passages)
    return f"**{markdown(paragraph.voice)}** ({paragraph.time})  \n{text}"


def _passage(passage: Passage, labels: Labels, told: set[Spelt]) -> str:
    """A passage, and who speaks over it."""
    over = f" \\[*{markdown(passage.together)}*\\]" if passage.together else ""
    return _words(passage.said, labels, told) + over


def _words(said: Said, labels: Labels, told: set[Spelt]) -> str:
    """What was said; what was heard instead of a name is told once for each way it was misheard."""
    if said.doubt is None:
        return " ".join(_piece(piece, labels, told) for piece in said.pieces)
    return f"\\[*{markdown(labels['export.doubtful'])}, {markdown(said.doubt)}:* {markdown(said.text)}\\]"


def _piece(piece: Spelt, labels: Labels, told: set[Spelt]) -> str:
    if piece.heard is None or piece in told:
        return markdown(piece.text)
    told.add(piece)
    return f"{markdown(piece.text)} \\[*{markdown(labels['export.heard'].format(text=piece.heard))}*\\]"
