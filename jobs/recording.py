"""A recording as it lies in the bucket or on disk, and where a result came from."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

_ID = re.compile(r"[a-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Recording:
    """One upload. Replacing the file (a new etag) makes a new recording."""

    #: Digest of `uri` and `etag`: safe in RQ ids, logs and metrics, tells nothing of the title.
    id: str
    #: `s3://bucket/key` or `file:///absolute/path`.
    uri: str
    #: The store's version tag, or `sha256:…` of a local file.
    etag: str
    size_bytes: int
    #: When the upload was last changed; aware.
    recorded_at: datetime

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            message = f"a recording id holds only a-z, 0-9 and '-': {self.id!r}"
            raise ValueError(message)
        if self.recorded_at.tzinfo is None:
            message = f"recorded_at needs a time zone: {self.recorded_at!r}"
            raise ValueError(message)

    @property
    def name(self) -> str:
        """The file name, without its folders."""
        return self.uri.rsplit("/", 1)[-1]


def recording_id(uri: str, etag: str) -> str:
    """Name a recording by what it is: the same upload always gets the same id.

    Examples:
        >>> recording_id("s3://stage/talk.mp3", "abc")
        'r-bfd2b073e3eaa6f7876c'
    """
    digest = hashlib.sha256(f"{uri}\n{etag}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"r-{digest[:20]}"


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made a result: enough to make it again, and to say who is to blame."""

    #: "faster-whisper", "pyannote.audio", "extractive", …
    engine: str
    version: str
    #: SHA-256 over the weights' own digests; None where an engine has no weights.
    weights_sha256: str | None
    #: Digest of the options the engine ran with.
    options_digest: str
    app_version: str
    created_at: datetime

    def __post_init__(self) -> None:
        if self.created_at.tzinfo is None:
            message = f"created_at needs a time zone: {self.created_at!r}"
            raise ValueError(message)
