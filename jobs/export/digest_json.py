"""`digest.json`: the whole look back over many talks, for programs."""

from jobs.artifacts import Artifact
from jobs.digest import Digest
from jobs.export.document import document
from jobs.export.labels import Labels

SCHEMA = "nachlese/digest/1"


def write(digest: Digest, labels: Labels) -> Artifact:
    """Write every field of the digest; `config/schema/digest.schema.json` describes it."""
    return Artifact("digest.json", "application/json", document(SCHEMA, digest, labels))
