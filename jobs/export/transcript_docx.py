"""`transcript.docx`: the transcript to be corrected in Word: a paragraph for each speech, with name and time."""

from collections.abc import Iterator

from docx.text.paragraph import Paragraph as WordParagraph
from docx.text.run import Run

from jobs.artifacts import Artifact
from jobs.export.labels import Labels
from jobs.export.said import Spelt, plainly
from jobs.export.transcript_view import Paragraph, view_transcript
from jobs.export.word_document import DOUBT, MEDIA_TYPE, TIME, TURN, VOICE, begin, pack, paragraph, remark, say
from jobs.programme import Talk
from jobs.transcript import Transcript


def write(transcript: Transcript, talk: Talk, labels: Labels) -> Artifact:
    """Write the document; doubtful speech stands in brackets with its reason, in a style of its own.

    What was heard instead of a name is told in a comment, once for each way it was misheard; so is who speaks over an
    utterance.
    """
    view = view_transcript(transcript, talk, labels)
    document = begin(view.heading, labels, labels["export.transcript"])
    told: set[Spelt] = set()
    for speech in view.paragraphs:
        target = paragraph(document, TURN)
        for run, piece, over in _speech(target, speech, labels):
            if piece.heard is not None and piece not in told:
                told.add(piece)
                remark(document, run, labels["export.heard"].format(text=piece.heard))
            if over:
                remark(document, run, over)
    return Artifact("transcript.docx", MEDIA_TYPE, pack(document, view.heading))


def _speech(target: WordParagraph, speech: Paragraph, labels: Labels) -> Iterator[tuple[Run, Spelt, str]]:
    """Write a speech; gives the pieces of what was said where they stand, and with the first who speaks over it."""
    say(target, speech.voice, style=VOICE)
    say(target, " ")
    say(target, f"[{speech.time}]", style=TIME).add_break()
    blank = ""
    for passage in speech.passages:
        said = passage.said
        doubted = None if said.doubt is None else DOUBT
        over = passage.together
        for piece in said.pieces if doubted is None else (Spelt(plainly(said, labels)),):
            yield say(target, blank + piece.text, style=doubted, language=said.language), piece, over
            blank, over = " ", ""
