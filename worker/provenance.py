"""Signs a result: which engine, weights and options made it, and when."""

import importlib.metadata
from datetime import UTC, datetime

from jobs.artifacts import digest
from jobs.recording import Provenance


def app_version() -> str:
    """Our own version; "0+source" where the project runs without being installed."""
    try:
        return importlib.metadata.version("nachlese")
    except importlib.metadata.PackageNotFoundError:
        return "0+source"


def provenance(engine: str, version: str, *, weights_sha256: str | None, options: object) -> Provenance:
    """Sign a result now."""
    return Provenance(engine, version, weights_sha256, digest(options), app_version(), datetime.now(UTC))
