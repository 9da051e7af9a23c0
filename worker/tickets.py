"""What the bucket itself remembers of a recording's way: a ticket while it waits, a marker when it is through.

A ticket lies under the recording's id, so that the broker never needs to know a key. Markers are empty
objects beside the results; a listing alone tells what is finished. Both belong to one upload: a new etag
is a new id, and starts afresh.
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from pydantic import TypeAdapter, ValidationError

from jobs.artifacts import TICKETS, canonical_json, folder_of
from jobs.errors import StorageError
from jobs.recording import Recording, recording_id
from worker.storage import Storage, Stored

JSON = "application/json"
_TICKET_KEY = re.compile(re.escape(TICKETS) + r"(r-[0-9a-f]{20})\.json")
_MARK_KEY = re.compile(r"\.nachlese/stages/(r-[0-9a-f]{20})/(done|failed)", re.DOTALL)


class Mark(StrEnum):
    """How a recording's work ended; also the marker's name."""

    #: manifest.json is there; with a failure.json beside it a part of the recording was unreadable.
    DONE = "done"
    #: failure.json is there, and nothing else will come.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ticket:
    """One upload that waits for its turn or has it."""

    recording: Recording
    key: str
    #: Runs that have begun. One that ends without an answer (killed, out of memory) is counted too.
    tries: int = 0

    @property
    def name(self) -> str:
        """The file name, without its folders."""
        return self.key.rpartition("/")[2]


_TICKET = TypeAdapter(Ticket)


def recording_at(storage: Storage, stored: Stored) -> Recording:
    """The recording that lies in `storage` as `stored`."""
    uri = storage.uri(stored.key)
    return Recording(recording_id(uri, stored.etag), uri, stored.etag, stored.size_bytes, stored.modified)


def write_ticket(storage: Storage, ticket: Ticket) -> None:
    """Write a ticket, over an older one of the same id."""
    storage.write(ticket_key(ticket.recording.id), canonical_json(ticket), JSON)


def read_ticket(storage: Storage, recording_id: str) -> Ticket | None:
    """The ticket of that id; None where there is none, or nothing that can be read as one."""
    try:
        return _TICKET.validate_json(storage.read(ticket_key(recording_id)))
    except ValidationError:
        return None
    except StorageError as error:
        if error.code != "object-missing":
            raise
        return None


def remove_ticket(storage: Storage, recording_id: str) -> None:
    """Remove the ticket of that id, if there is one."""
    storage.delete(ticket_key(recording_id))


def counted(ticket: Ticket, by: int) -> Ticket:
    """The same ticket with `by` more (or fewer) tries, never below none."""
    return replace(ticket, tries=max(0, ticket.tries + by))


def ticket_key(recording_id: str) -> str:
    """Where the ticket of that id lies.

    Examples:
        >>> ticket_key("r-bfd2b073e3eaa6f7876c")
        '.nachlese/tickets/r-bfd2b073e3eaa6f7876c.json'
    """
    return f"{TICKETS}{recording_id}.json"


def id_of_ticket(key: str) -> str | None:
    """The recording whose ticket lies at `key`; None where that is no ticket."""
    found = _TICKET_KEY.fullmatch(key)
    return found.group(1) if found else None


def mark_key(key: str, recording_id: str, mark: Mark) -> str:
    """Where the marker of the recording at `key` lies.

    Examples:
        >>> mark_key("a/talk.mp3", "r-bfd2b073e3eaa6f7876c", Mark.DONE)
        'a/talk.mp3.nachlese/stages/r-bfd2b073e3eaa6f7876c/done'
    """
    return f"{folder_of(key)}stages/{recording_id}/{mark.value}"


def mark_of(key: str) -> tuple[str, Mark] | None:
    """The recording that the marker at `key` speaks of, and what it says; None where that is no marker.

    Examples:
        >>> mark_of("a/talk.mp3.nachlese/stages/r-bfd2b073e3eaa6f7876c/failed")
        ('r-bfd2b073e3eaa6f7876c', <Mark.FAILED: 'failed'>)
    """
    found = _MARK_KEY.search(key)
    return (found.group(1), Mark(found.group(2))) if found and found.end() == len(key) else None


def write_mark(storage: Storage, key: str, recording_id: str, mark: Mark) -> None:
    """Write the marker that ends a recording's work."""
    storage.write(mark_key(key, recording_id, mark), b"", "text/plain")


def read_mark(storage: Storage, key: str, recording_id: str) -> Mark | None:
    """How the work on the recording at `key` ended; None while it hasn't."""
    for mark in Mark:
        if storage.head(mark_key(key, recording_id, mark)) is not None:
            return mark
    return None
