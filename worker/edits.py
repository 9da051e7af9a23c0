"""The versions of a transcript that people have corrected.

They lie in the recording's folder under `edits/`, numbered, none ever overwritten; 0 is the machine's.
"""

from pydantic import TypeAdapter, ValidationError

from jobs.artifacts import canonical_json
from jobs.edits import Edit, applied
from jobs.errors import StorageError
from jobs.transcript import Transcript
from worker.place import Place


def versions(place: Place) -> tuple[Edit, ...]:
    """All versions of the recording's transcript, in order; none where nobody has corrected it.

    Raises:
        StorageError: "version-unreadable" when one can't be read: a person's work isn't passed over.
    """
    found = []
    for key in sorted(stored.key for stored in place.list(_folder(place))):
        try:
            found.append(TypeAdapter(Edit).validate_json(place.storage.read(key)))
        except ValidationError:
            raise StorageError("version-unreadable", "a version of the transcript can't be read") from None
    return tuple(sorted(found, key=lambda edit: edit.number))


def keep(place: Place, edit: Edit) -> bool:
    """Store a version; False where somebody else has already given its number away."""
    return place.write(f"{_folder(place)}{edit.number:04}.json", canonical_json(edit), if_absent=True)


def latest(place: Place, transcript: Transcript) -> Transcript:
    """The machine's transcript as the last editor has left it."""
    return applied(transcript, versions(place))


def _folder(place: Place) -> str:
    return f"edits/{place.recording.id}/"
