"""`transcript.vtt`: subtitles for the web, with voices (W3C WebVTT).

Written here, not by a library: webvtt-py and pysubs2 escape neither text nor voice names, and both read what this
writes in the tests.
"""

from jobs.artifacts import Artifact
from jobs.export.cues import Cue, cues, stamp
from jobs.export.labels import Labels
from jobs.export.view import view_transcript
from jobs.export.voices import voices_of
from jobs.programme import Talk
from jobs.transcript import Transcript

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def write(transcript: Transcript, talk: Talk, labels: Labels) -> Artifact:
    """Write subtitles; label, title and notices stand in NOTE blocks that players don't show."""
    heading = view_transcript(transcript, talk, labels).heading
    voices = voices_of(transcript, labels)
    notes = [_note(text) for text in (heading.label, heading.title, *heading.notices)]
    blocks = ["WEBVTT", *notes, *(_block(cue, voices.name(cue.speaker)) for cue in cues(transcript))]
    return Artifact("transcript.vtt", "text/vtt; charset=utf-8", ("\n\n".join(blocks) + "\n").encode())


def _note(text: str) -> str:
    """A comment may hold no arrow (WebVTT, 4.1): it would end it."""
    return "NOTE " + text.replace("-->", "→")


def _block(cue: Cue, name: str) -> str:
    text = "\n".join(cue.lines).translate(_ESCAPES)
    if cue.doubt is not None:
        text = f"<c.doubt.{cue.doubt.value}>{text}</c>"
    times = f"{stamp(cue.span.start, '.')} --> {stamp(cue.span.end, '.')}"
    return f"{times}\n<v {_annotation(name)}>{text}</v>"


def _annotation(name: str) -> str:
    """A name that ends in "--" would make an arrow of the bracket that closes its tag."""
    return name.replace("--", "–").translate(_ESCAPES)
