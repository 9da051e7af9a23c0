"""The versions of a transcript that people have corrected.

They lie in the recording's folder under `edits/`, numbered, none ever overwritten; 0 is the machine's.
"""

from jobs.artifacts import canonical_json
from jobs.edits import Edit, applied
from jobs.errors import StorageError
from jobs.transcript import Transcript
from worker.bucket.place import Place
from worker.bucket.reading import parsed

#: Within the recording's folder.
FOLDER = "edits/"


def versions(place: Place) -> tuple[Edit, ...]:
    """All versions of the recording's transcript, in order; none where nobody has corrected it.

    Raises:
        StorageError: "version-unreadable" when one can't be read: a person's work isn't passed over.
    """
    found = []
    for key in _keys(place):
        edit = parsed(place.storage.read(key), Edit)
        if edit is None:
            raise StorageError("version-unreadable", "a version of the transcript can't be read")
        found.append(edit)
    return tuple(sorted(found, key=lambda edit: edit.number))


def keep(place: Place, edit: Edit) -> bool:
    """Store a version; False where somebody else has already given its number away."""
    return place.write(f"{_folder(place)}{edit.number:04}.json", canonical_json(edit), if_absent=True)


def latest(place: Place, transcript: Transcript) -> Transcript:
    """The machine's transcript as the last editor has left it."""
    return applied(transcript, versions(place))


def last_number(place: Place) -> int:
    """The number of the last version, by the names alone; 0 where nobody has corrected anything."""
    names = (key.rpartition("/")[2].removesuffix(".json") for key in _keys(place))
    return max((int(name) for name in names if name.isascii() and name.isdecimal()), default=0)


def _keys(place: Place) -> list[str]:
    return sorted(stored.key for stored in place.list(_folder(place)))


def _folder(place: Place) -> str:
    return f"{FOLDER}{place.recording.id}/"
