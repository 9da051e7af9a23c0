"""`transcript.srt`: subtitles for players and editing programs (SubRip).

Written here, not with pysubs2: that takes "{…}" out of what people said. SubRip knows no comments, and whatever
stands in it is shown over the picture, so label and notices are left to the other files; only a recording without
speech gets one subtitle that says so. SubRip has no escapes either: "<", ">", "{" and "}", which players take for
markup, become their likenesses.
"""

from jobs.artifacts import Artifact
from jobs.export.cues import Cue, cues, stamp
from jobs.export.labels import Labels
from jobs.export.readable import shorten
from jobs.export.view import view_transcript
from jobs.export.voices import voices_of
from jobs.programme import Talk
from jobs.timeline import Seconds
from jobs.transcript import Transcript

#: A longer name would leave no room for speech.
MAX_NAME_LENGTH = 30  # characters
#: How long a recording without speech says so.
NOTICE_SHOWN_S: Seconds = 5.0

_HARMLESS = str.maketrans("<>{}", "‹›()")


def write(transcript: Transcript, talk: Talk, labels: Labels) -> Artifact:
    """Write subtitles; a name stands before the words where the speaker changes."""
    voices = voices_of(transcript, labels)
    shown = cues(transcript, lambda speaker: f"{shorten(voices.name(speaker), MAX_NAME_LENGTH)}:")
    blocks = [_block(number, cue) for number, cue in enumerate(shown, start=1)]
    if not blocks:
        notices = view_transcript(transcript, talk, labels).heading.notices
        blocks = [f"1\n{stamp(0.0, ',')} --> {stamp(NOTICE_SHOWN_S, ',')}\n" + "\n".join(notices).translate(_HARMLESS)]
    return Artifact("transcript.srt", "application/x-subrip; charset=utf-8", ("\n\n".join(blocks) + "\n").encode())


def _block(number: int, cue: Cue) -> str:
    times = f"{stamp(cue.span.start, ',')} --> {stamp(cue.span.end, ',')}"
    return f"{number}\n{times}\n" + "\n".join(cue.lines).translate(_HARMLESS)
