"""Puts what was made of a recording where everybody reads it, the manifest last.

The names are the same for every upload of a name, and for every worker on it: so a file is only written over the one
that was seen while the upload was still current. Who finds another there looks again. What workers on one recording
write is the same to the byte; a slow one, whose upload was replaced meanwhile, overwrites nothing of the newer one's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from jobs.artifacts import FAILURE, MANIFEST, Artifact, Entry, Failure, Manifest, canonical_json
from jobs.errors import StorageError
from worker.bucket.place import JSON, Place
from worker.bucket.reading import parsed
from worker.bucket.tickets import mark_of
from worker.control import Superseded
from worker.provenance import app_version

log = structlog.get_logger()

#: Each of them means that somebody else has written here meanwhile.
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class _Seen:
    """What lay in the folder while the upload was still current."""

    #: Name → etag.
    etags: Mapping[str, str]
    #: Keys of markers that other uploads of this name have left.
    foreign_marks: tuple[str, ...]


def publish(place: Place, made: tuple[Artifact, ...], failure: Failure | None, *, complete: bool) -> Manifest | None:
    """Write the files made of a recording, and with `complete` the manifest that lists them.

    Args:
        place: The recording's folder.
        made: All its files.
        failure: What the producer is told of a damaged recording; None removes what was told before.
        complete: False where more files will follow; there is no manifest then.

    Returns:
        The manifest that lies there now: also another worker's, if it lists all of `made`.

    Raises:
        Superseded: the upload was replaced.
        StorageError: the storage failed, or somebody else writes here all the time.
    """
    told = () if failure is None else (Artifact(FAILURE, JSON, canonical_json(failure)),)
    for _ in range(_ATTEMPTS):
        seen = _look(place)
        # Their work doesn't lie here any more: should such an upload come back, it has to be done again.
        for key in seen.foreign_marks:
            place.storage.delete(key)
        if not all(_put(place, file, seen.etags.get(file.name)) for file in (*made, *told)):
            continue
        if failure is None:
            _remove(place, FAILURE, seen)
        if not complete:
            _retract(place, seen)
            return None
        manifest = _seal(place, made, seen)
        if manifest is not None:
            return manifest
    raise StorageError("object-changed", f"others have changed the recording's files {_ATTEMPTS} times in a row")


def _look(place: Place) -> _Seen:
    etags, foreign = {}, []
    for stored in place.list():
        mark = mark_of(stored.key)
        if mark is not None and mark[0] != place.recording.id:
            foreign.append(stored.key)
        name = stored.key.removeprefix(place.folder)
        if "/" not in name:
            etags[name] = stored.etag
    # Asked after the listing: whoever works on a newer upload can't have written what the listing shows.
    if not place.is_current():
        raise Superseded
    return _Seen(etags, tuple(foreign))


def _put(place: Place, file: Artifact, etag: str | None) -> bool:
    """Write a file over the one that was seen; whether it lies there now."""
    if place.write(file.name, file.data, file.media_type, if_absent=etag is None, if_match=etag):
        return True
    return place.read(file.name) == file.data


def _seal(place: Place, made: tuple[Artifact, ...], seen: _Seen) -> Manifest | None:
    """Write the manifest, and remove what an older one lists and this one doesn't; None when it has changed."""
    entries = tuple(Entry(file.name, file.media_type, len(file.data), file.sha256) for file in made)
    older = _manifest(place)
    if older is not None and older.recording.id == place.recording.id and set(entries) <= set(older.artifacts):
        return older
    manifest = Manifest(place.recording, app_version(), datetime.now(UTC), entries)
    if not _put(place, Artifact(MANIFEST, JSON, canonical_json(manifest)), seen.etags.get(MANIFEST)):
        return None
    names = {entry.name for entry in entries}
    for entry in older.artifacts if older is not None else ():
        if entry.name not in names:
            _remove(place, entry.name, seen)
    return manifest


def _retract(place: Place, seen: _Seen) -> None:
    """Remove the manifest of an earlier upload: the files that it lists aren't all there any more."""
    older = _manifest(place)
    if older is not None and older.recording.id != place.recording.id:
        _remove(place, MANIFEST, seen)


def _manifest(place: Place) -> Manifest | None:
    data = place.read(MANIFEST)
    manifest = parsed(data, Manifest)
    if manifest is None and data is not None:
        log.warning("manifest.unreadable", recording_id=place.recording.id)
    return manifest


def _remove(place: Place, name: str, seen: _Seen) -> None:
    """Delete a file that is still the one that was seen."""
    found = place.storage.head(place.folder + name) if name in seen.etags else None
    if found is not None and found.etag == seen.etags[name]:
        place.storage.delete(found.key)
