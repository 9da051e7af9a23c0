"""The signatures of a recording's recaps, in its folder: numbered over all its uploads, none ever overwritten."""

import re
from collections.abc import Iterator
from hashlib import sha256

from jobs.artifacts import SIGNED, canonical_json, signed_name
from jobs.errors import StorageError
from jobs.recap import Recap
from jobs.signoff import Signature, content
from jobs.transcript import Transcript
from worker.bucket.place import Place
from worker.bucket.reading import bytes_at, parsed
from worker.bucket.storage import Storage

RECAP, TRANSCRIPT = "recap.json", "transcript.json"
_NUMBER = re.compile(rf"{SIGNED}(\d{{4}})\.json")


def keep(place: Place, signature: Signature) -> bool:
    """Store a signature; False where somebody else has already given its number away."""
    return place.write(signed_name(signature.approval.number, "json"), canonical_json(signature), if_absent=True)


def latest(place: Place) -> Signature | None:
    """The last signature of a recording, whatever was made of it since; None where nobody has signed.

    Raises:
        StorageError: "signature-unreadable" when it can't be read: a person's word isn't passed over.
    """
    return latest_in(place.folder, place.storage)


def latest_in(folder: str, storage: Storage) -> Signature | None:
    """The same for a recording's folder, which ends in "/"."""
    number = max(_numbers(folder, storage), default=0)
    if number == 0:
        return None
    found = parsed(bytes_at(storage, folder + signed_name(number, "json")), Signature)
    if found is None:
        raise StorageError("signature-unreadable", "a signature can't be read")
    return found


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
    drafted, said = parsed(recap, Recap), parsed(transcript, Transcript)
    return drafted is None or said is None or content(drafted, said) != signature.origin.content


def _numbers(folder: str, storage: Storage) -> Iterator[int]:
    for stored in storage.list(folder + SIGNED):
        found = _NUMBER.fullmatch(stored.key.removeprefix(folder))
        if found is not None:
            yield int(found[1])
