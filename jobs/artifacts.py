"""The files that are made of a recording: their names, their bytes, and the manifest that lists them."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum

from jobs.recording import Recording
from jobs.timeline import Span

#: What is made of `talk.mp3` lies in the folder `talk.mp3.nachlese/`.
SUFFIX = ".nachlese"
#: The bucket's own folder for tickets; listed by nobody but us.
TICKETS = ".nachlese/tickets/"
#: A path component may hold 255 bytes on most disks and on SeaweedFS.
MAX_COMPONENT_BYTES = 255

MANIFEST = "manifest.json"
FAILURE = "failure.json"
#: How the names of all that belongs to a sign-off begin.
SIGNED = "signed-"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file that stands beside a recording."""

    #: Name within the recording's folder, e.g. "transcript.vtt".
    name: str
    #: e.g. "text/vtt; charset=utf-8"
    media_type: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of `data`."""
        return hashlib.sha256(self.data).hexdigest()


def canonical_json(value: object) -> bytes:
    """Write dataclasses, enums, dates and plain values as UTF-8 JSON that is the same every time.

    Keys keep the order in which the types declare them; times are rounded to a millisecond.
    """
    return (json.dumps(plain(value), ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def plain(value: object) -> object:  # noqa: PLR0911  # one return for each kind of value
    """Break a value of ours down into what JSON knows."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, float):
        return round(float(value), 3)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def digest(*values: object) -> str:
    """A short name for a set of values: 16 hexadecimal characters of SHA-256.

    Examples:
        >>> digest("a", 1) == digest("a", 1) != digest("a", 2)
        True
    """
    return hashlib.sha256(canonical_json(list(values))).hexdigest()[:16]


def folder_of(key: str) -> str:
    """The folder, ending in "/", where everything made of the recording at `key` lies.

    A file name too long for the suffix is cut and told apart by a digest.

    Examples:
        >>> folder_of("main/0930-panel.mp4")
        'main/0930-panel.mp4.nachlese/'
    """
    head, slash, name = key.rpartition("/")
    if len(f"{name}{SUFFIX}".encode()) > MAX_COMPONENT_BYTES:
        tail = "~" + hashlib.sha256(name.encode()).hexdigest()[:12]
        room = MAX_COMPONENT_BYTES - len(tail) - len(SUFFIX)
        name = name.encode()[:room].decode(errors="ignore") + tail
    return f"{head}{slash}{name}{SUFFIX}/"


def stages_folder(recording_id: str) -> str:
    """Where the results of a recording's stages lie within its folder; ends in "/"."""
    return f"stages/{recording_id}/"


def stage_key(recording_id: str, stage: str, depends_on: str) -> str:
    """Name of a stage's result within the recording's folder; `depends_on` is a `digest`."""
    return f"{stages_folder(recording_id)}{stage}-{depends_on}.json"


def stretch_key(recording_id: str, depends_on: str, index: int) -> str:
    """Name of what was heard in one stretch of a recording, counted from 0."""
    return stage_key(recording_id, "stretch", f"{depends_on}-{index:03}")


def sound_key(recording_id: str, depends_on: str, span: Span) -> str:
    """Name of a stretch's sound: by its place, because who hears speech elsewhere cuts elsewhere."""
    place = f"{round(span.start * 1000)}-{round(span.end * 1000)}"
    return f"{stages_folder(recording_id)}sound-{depends_on}-{place}.pcm"


def signed_name(number: int, name: str) -> str:
    """Name of a file that belongs to a sign-off, within the recording's folder.

    Examples:
        >>> signed_name(1, "recap.md")
        'signed-0001.recap.md'
    """
    return f"{SIGNED}{number:04}.{name}"


def is_own_output(key: str) -> bool:
    """Whether a key is something we wrote: it must never be taken for an upload."""
    return re.search(r"(^|/)[^/]*\.nachlese/", key) is not None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a manifest."""

    name: str
    media_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Written last: everything it lists is there, and the recording is done."""

    recording: Recording
    app_version: str
    created_at: datetime
    artifacts: tuple[Entry, ...]
    schema: str = "nachlese/manifest/1"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no transcript, or why it covers only a part of the recording."""

    recording_id: str
    #: `NachleseError.code`
    code: str
    #: One German sentence for the producer: what is wrong and what to do.
    message: str
    #: English, for ops.
    detail: str
    #: Whether trying again without a new upload can help.
    retryable: bool
    #: Whether files were made of the part that could be read.
    partial: bool
    app_version: str
    created_at: datetime
    schema: str = "nachlese/failure/1"
