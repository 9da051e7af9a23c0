"""`recap.json`: the whole recap draft, for programs."""

from jobs.artifacts import Artifact
from jobs.export.document import document
from jobs.export.labels import Labels
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.shapes import WHOLE, Shape
from jobs.transcript import Transcript

SCHEMA = "nachlese/recap/1"


def write(recap: Recap, _transcript: Transcript, _talk: Talk, labels: Labels, _shape: Shape = WHOLE) -> Artifact:
    """Write every field of the recap, whatever its shape; `config/schema/recap.schema.json` describes it."""
    return Artifact("recap.json", "application/json", document(SCHEMA, recap, labels))
