"""`transcript.podcast.json`: the transcript for podcast players (Podcasting 2.0, transcript format 1.0.0)."""

from jobs.artifacts import Artifact, canonical_json
from jobs.export.cues import Layout, cues
from jobs.export.heading import transcript_heading
from jobs.export.labels import Labels
from jobs.export.voices import voices_of
from jobs.programme import Talk
from jobs.transcript import Transcript

VERSION = "1.0.0"


def write(transcript: Transcript, talk: Talk, labels: Labels, layout: Layout) -> Artifact:
    """Write what subtitles show, a segment each.

    `label`, `digital_source_type` and the marks of `origin` are no fields of the format; players pass over them.
    """
    voices = voices_of(transcript, labels)
    heading = transcript_heading(transcript, talk, labels)
    segments = [
        {
            "speaker": voices.name(cue.speaker),
            "startTime": cue.span.start,
            "endTime": cue.span.end,
            "body": " ".join(cue.lines),
        }
        for cue in cues(transcript, layout)
    ]
    document = {
        "version": VERSION,
        "label": heading.label,
        **heading.marks,
        "digital_source_type": heading.origin,
        "segments": segments,
    }
    return Artifact("transcript.podcast.json", "application/json", canonical_json(document))
