"""`transcript.json`: the whole transcript, for programs."""

from jobs.artifacts import Artifact
from jobs.export.document import document
from jobs.export.labels import Labels
from jobs.programme import Talk
from jobs.transcript import Transcript

SCHEMA = "nachlese/transcript/1"


def write(transcript: Transcript, _talk: Talk, labels: Labels) -> Artifact:
    """Write every field of the transcript; `config/schema/transcript.schema.json` describes it."""
    return Artifact("transcript.json", "application/json", document(SCHEMA, transcript, labels))
