"""`transcript.docx`: the transcript to be corrected in Word: a paragraph for each speech, with name and time."""

from docx.text.paragraph import Paragraph as WordParagraph

from jobs.artifacts import Artifact
from jobs.export.labels import Labels
from jobs.export.said import plainly
from jobs.export.transcript_view import Paragraph, view_transcript
from jobs.export.word_document import DOUBT, MEDIA_TYPE, TIME, TURN, VOICE, begin, pack, paragraph, say
from jobs.programme import Talk
from jobs.transcript import Transcript


def write(transcript: Transcript, talk: Talk, labels: Labels) -> Artifact:
    """Write the document; doubtful speech stands in brackets with its reason, in a style of its own."""
    view = view_transcript(transcript, talk, labels)
    document = begin(view.heading, labels, labels["export.transcript"])
    for speech in view.paragraphs:
        _speech(paragraph(document, TURN), speech, labels)
    return Artifact("transcript.docx", MEDIA_TYPE, pack(document, view.heading))


def _speech(target: WordParagraph, speech: Paragraph, labels: Labels) -> None:
    say(target, speech.voice, style=VOICE)
    say(target, " ")
    say(target, f"[{speech.time}]", style=TIME).add_break()
    for index, passage in enumerate(speech.passages):
        said = passage.said
        text = (" " if index else "") + plainly(said, labels)
        say(target, text, style=None if said.doubt is None else DOUBT, language=said.language)
