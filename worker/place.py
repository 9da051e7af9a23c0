"""Where what is made of a recording goes, and how its producer is told what is wrong."""

from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from config.settings import labels
from jobs.artifacts import FAILURE, Failure, canonical_json
from jobs.errors import NachleseError
from jobs.export.labels import sentence
from jobs.recording import Recording
from worker.provenance import app_version
from worker.storage import Storage

log = structlog.get_logger()

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Place:
    """A recording's folder in a storage."""

    recording: Recording
    storage: Storage
    #: Ends in "/".
    folder: str
    #: What the producer calls the recording; shown to nobody else.
    name: str

    def write(self, name: str, data: bytes, media_type: str = JSON) -> None:
        """Write one file into the folder."""
        self.storage.write(self.folder + name, data, media_type)

    def fail(self, error: NachleseError, *, partial: bool = False) -> Failure:
        """Tell the producer what is wrong, in `failure.json`; `partial` when files were made of a part all the same."""
        failure = Failure(
            recording_id=self.recording.id,
            code=error.code,
            message=sentence(labels(), "error", error.code, {**error.fields, "name": self.name}),
            detail=error.detail,
            retryable=error.retryable,
            partial=partial,
            app_version=app_version(),
            created_at=datetime.now(UTC),
        )
        self.write(FAILURE, canonical_json(failure))
        log.warning("recording.failed", recording_id=self.recording.id, code=error.code, partial=partial)
        return failure
