"""The signatures of a recording's recaps, in its folder: numbered over all its uploads, none ever overwritten."""

import re
from collections.abc import Iterator
from hashlib import sha256

from pydantic import TypeAdapter, ValidationError

from jobs.artifacts import canonical_json
from jobs.errors import StorageError
from jobs.recap import Recap
from jobs.signoff import Signature, content
from jobs.transcript import Transcript
from worker.bucket.place import Place

RECAP, TRANSCRIPT = "recap.json", "transcript.json"
#: How the names of all that belongs to a signature begin.
SIGNED = "signed-"
_NUMBER = re.compile(rf"{SIGNED}(\d{{4}})\.json")


def name_of(number: int, name: str) -> str:
    """Name of a file that belongs to a signature."""
    return f"{SIGNED}{number:04}.{name}"


def keep(place: Place, signature: Signature) -> bool:
    """Store a signature; False where somebody else has already given its number away."""
    return place.write(name_of(signature.approval.number, "json"), canonical_json(signature), if_absent=True)


def latest(place: Place) -> Signature | None:
    """The last signature of a recording, whatever was made of it since; None where nobody has signed.

    Raises:
        StorageError: "signature-unreadable" when it can't be read: a person's word isn't passed over.
    """
    number = max(_numbers(place), default=0)
    return None if number == 0 else _signature(place, number)


def outdated(signature: Signature, place: Place) -> bool:
    """Whether draft or transcript say something else by now than when it was signed, or another upload lies there."""
    if signature.recording_id != place.recording.id:
        return True
    recap, transcript = place.read(RECAP), place.read(TRANSCRIPT)
    if recap is None or transcript is None:
        return True
    digests = (sha256(recap).hexdigest(), sha256(transcript).hexdigest())
    if digests == (signature.origin.draft_sha256, signature.origin.transcript_sha256):
        return False
    try:
        read = TypeAdapter(Recap).validate_json(recap), TypeAdapter(Transcript).validate_json(transcript)
    except ValidationError:
        return True
    return content(*read) != signature.origin.content


def _numbers(place: Place) -> Iterator[int]:
    for stored in place.list(SIGNED):
        found = _NUMBER.fullmatch(stored.key.removeprefix(place.folder))
        if found is not None:
            yield int(found[1])


def _signature(place: Place, number: int) -> Signature:
    data = place.read(name_of(number, "json"))
    try:
        return TypeAdapter(Signature).validate_json(data or b"")
    except ValidationError:
        raise StorageError("signature-unreadable", "a signature can't be read") from None
