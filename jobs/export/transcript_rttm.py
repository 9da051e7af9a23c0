"""`transcript.rttm`: who spoke when, for scoring (Rich Transcription Time Marked, NIST RT-09 evaluation plan)."""

from jobs.artifacts import Artifact
from jobs.export.labels import Labels
from jobs.export.scored import field, session, turns
from jobs.programme import Talk
from jobs.transcript import Transcript


def write(transcript: Transcript, _talk: Talk, _labels: Labels) -> Artifact:
    """Write the turns, overlaps kept, by diarization label; turns of under a millisecond are left out."""
    head = f"SPEAKER {session(transcript)} 1"
    lines = (
        f"{head} {turn.span.start:.3f} {turn.span.duration:.3f} <NA> <NA> {field(turn.speaker)} <NA> <NA>\n"
        for turn in turns(transcript)
        if turn.span.duration >= 0.001
    )
    return Artifact("transcript.rttm", "text/plain; charset=utf-8", "".join(lines).encode())
