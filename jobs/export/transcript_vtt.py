"""`transcript.vtt`: subtitles for the web, with voices (W3C WebVTT).

Written here, not by a library: webvtt-py and pysubs2 escape neither text nor voice names, and both read what this
writes in the tests.
"""

from jobs.artifacts import Artifact
from jobs.export.cues import Cue, Layout, cues, stamp
from jobs.export.heading import transcript_heading
from jobs.export.labels import Labels
from jobs.export.readable import language_tag
from jobs.export.voices import voices_of
from jobs.programme import Talk
from jobs.transcript import Transcript


def write(transcript: Transcript, talk: Talk, labels: Labels, layout: Layout) -> Artifact:
    """Write subtitles; label, title and notices stand in NOTE blocks that players don't show."""
    heading = transcript_heading(transcript, talk, labels)
    voices = voices_of(transcript, labels)
    notes = [note(text) for text in (heading.label, heading.title, *heading.notices)]
    blocks = ["WEBVTT", *notes, *(_block(cue, voices.name(cue.speaker)) for cue in cues(transcript, layout))]
    return Artifact("transcript.vtt", "text/vtt; charset=utf-8", ("\n\n".join(blocks) + "\n").encode())


def note(text: str) -> str:
    """A comment; it may hold no arrow (WebVTT, 4.1): that would end it."""
    return "NOTE " + text.replace("-->", "→")


def escaped(text: str) -> str:
    """Text that no player takes for tags or entities (WebVTT, 4.2.2)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _block(cue: Cue, name: str) -> str:
    text = escaped("\n".join(cue.lines))
    language = language_tag(cue.language)
    if language not in ("de", "und"):
        text = f"<lang {language}>{text}</lang>"
    if cue.doubt is not None:
        text = f"<c.doubt.{cue.doubt.value}>{text}</c>"
    times = f"{stamp(cue.span.start, '.')} --> {stamp(cue.span.end, '.')}"
    return f"{times}\n<v {_annotation(name)}>{text}</v>"


def _annotation(name: str) -> str:
    """A name that ends in "--" would make an arrow of the bracket that closes its tag."""
    return escaped(name.replace("--", "–"))
