"""`recap.json`: the whole recap draft, for programs."""

from jobs.artifacts import Artifact
from jobs.export.checking import checks
from jobs.export.document import document
from jobs.export.labels import Labels
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.shapes import WHOLE, Shape
from jobs.transcript import Transcript

SCHEMA = "nachlese/recap/1"


def write(recap: Recap, transcript: Transcript, talk: Talk, labels: Labels, _shape: Shape = WHOLE) -> Artifact:
    """Write every field of the recap, whatever its shape, and how each part stands; see `config/schema/`."""
    checked = {"checks": checks(recap, transcript, talk, labels)}
    return Artifact("recap.json", "application/json", document(SCHEMA, recap, labels, checked))
