"""Where what is made of a recording goes, and how its producer is told what is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from config.settings import labels
from jobs.artifacts import FAILURE, Failure, canonical_json
from jobs.errors import NachleseError
from jobs.export.labels import sentence
from jobs.recording import Recording
from worker.bucket.reading import bytes_at, parsed
from worker.bucket.storage import Storage, Stored
from worker.provenance import app_version

log = structlog.get_logger()

T = TypeVar("T")

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
    #: Where in the storage the upload itself lies; None where it lies elsewhere, and is nobody's to replace.
    key: str | None = None

    def write(
        self, name: str, data: bytes, media_type: str = JSON, *, if_absent: bool = False, if_match: str | None = None
    ) -> bool:
        """Write one file into the folder; False where the condition doesn't hold, see `Storage.write`."""
        return self.storage.write(self.folder + name, data, media_type, if_absent=if_absent, if_match=if_match)

    def read(self, name: str) -> bytes | None:
        """One file of the folder; None where there is none."""
        return bytes_at(self.storage, self.folder + name)

    def parsed(self, name: str, kind: type[T]) -> T | None:
        """One file of the folder as a value of that type; None where there is none that can be read as one."""
        return parsed(self.read(name), kind)

    def list(self, start: str = "") -> Iterator[Stored]:
        """The folder's files whose names begin so; keys are whole."""
        return self.storage.list(self.folder + start)

    def is_current(self) -> bool:
        """Whether the upload still lies there as it was."""
        if self.key is None:
            return True
        found = self.storage.head(self.key)
        return found is not None and found.etag == self.recording.etag

    def failure(self, error: NachleseError, *, partial: bool = False) -> Failure:
        """What the producer is told of an error; `partial` when files are made of a part all the same."""
        log.warning("recording.failed", recording_id=self.recording.id, code=error.code, partial=partial)
        return Failure(
            recording_id=self.recording.id,
            code=error.code,
            message=sentence(labels(), "error", error.code, {**error.fields, "name": self.name}),
            detail=error.detail,
            retryable=error.retryable,
            partial=partial,
            app_version=app_version(),
            created_at=datetime.now(UTC),
        )

    def fail(self, error: NachleseError) -> Failure:
        """Tell the producer what is wrong, in `failure.json`: there is nothing else."""
        failure = self.failure(error)
        self.write(FAILURE, canonical_json(failure))
        return failure
