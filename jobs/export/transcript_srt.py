"""`transcript.srt`: subtitles for players and editing programs (SubRip).

Written here, not with pysubs2: that takes "{…}" out of what people said. SubRip knows no comments, and whatever
stands in it is shown over the picture, so label and notices are left to the other files; only a recording without
speech gets one subtitle that says so. SubRip has no escapes either: "<", ">", "{" and "}", which players take for
markup, become their likenesses.
"""

from jobs.artifacts import Artifact
from jobs.export.cues import Cue, Layout, stamp
from jobs.export.introduced import introduced_cues
from jobs.export.labels import Labels
from jobs.programme import Talk
from jobs.transcript import Transcript

_HARMLESS = str.maketrans("<>{}", "‹›()")


def write(transcript: Transcript, talk: Talk, labels: Labels, layout: Layout) -> Artifact:
    """Write subtitles; a name stands before the words where the speaker changes."""
    shown = introduced_cues(transcript, talk, labels, layout)
    blocks = [_block(number, cue) for number, cue in enumerate(shown, start=1)]
    return Artifact("transcript.srt", "application/x-subrip; charset=utf-8", ("\n\n".join(blocks) + "\n").encode())


def _block(number: int, cue: Cue) -> str:
    times = f"{stamp(cue.span.start, ',')} --> {stamp(cue.span.end, ',')}"
    return f"{number}\n{times}\n" + "\n".join(cue.lines).translate(_HARMLESS)
