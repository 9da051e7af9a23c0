"""Subtitles for formats that have no place for voices: names stand before the words."""

from jobs.export.cues import Cue, Layout, cues
from jobs.export.heading import transcript_heading
from jobs.export.labels import Labels
from jobs.export.readable import shorten
from jobs.export.voices import voices_of
from jobs.programme import Talk
from jobs.timeline import Seconds, Span
from jobs.transcript import Transcript

#: A longer name would leave no room for speech.
MAX_NAME_LENGTH = 30  # characters
#: How long a recording without speech says so.
NOTICE_SHOWN_S: Seconds = 5.0


def introduced_cues(transcript: Transcript, talk: Talk, labels: Labels, layout: Layout) -> tuple[Cue, ...]:
    """Set a transcript as subtitles, with a name where the speaker changes; never empty.

    A recording without speech has one subtitle that says so.
    """
    voices = voices_of(transcript, labels)
    longest = min(MAX_NAME_LENGTH, layout.line_length - 3)
    shown = cues(transcript, layout, lambda speaker: f"{shorten(voices.name(speaker), longest)}:")
    notices = transcript_heading(transcript, talk, labels).notices
    return shown or (Cue(Span(0.0, NOTICE_SHOWN_S), notices, None, "de", None),)
