"""What the bucket itself remembers of a recording's way: a ticket while it waits, a marker when it is through.

A ticket lies under the recording's id, so that the broker never needs to know a key. Markers are empty
objects beside the results; a listing alone tells what is finished. Both belong to one upload: a new etag
is a new id, and starts afresh.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from jobs.artifacts import TICKETS, canonical_json, folder_of
from jobs.recording import Recording, recording_id
from jobs.timeline import Seconds
from worker.bucket.reading import bytes_at, parsed
from worker.bucket.storage import Storage, Stored

JSON = "application/json"
_TICKET_KEY = re.compile(re.escape(TICKETS) + r"(r-[0-9a-f]{20})\.json")
_MARK_KEY = re.compile(r"\.nachlese/stages/(r-[0-9a-f]{20})/(done|heard|failed|provisional)", re.DOTALL)


#: However long a recording is, it yields to nobody who arrives later than this after it, in seconds.
MOST_PATIENCE_S: Seconds = 2 * 3600
#: How much earlier an urgent recording is taken to have arrived: before a stage's whole day, not before yesterday's.
HEAD_START_S: Seconds = 12 * 3600
#: Length of a recording of which nobody knows it.
_TYPICAL_S: Seconds = 3600


class Mark(StrEnum):
    """How far a recording's work has come; also the marker's name. The first that is there counts."""

    #: manifest.json is there; with a failure.json beside it a part of the recording was unreadable.
    DONE = "done"
    #: failure.json is there, and nothing else will come.
    FAILED = "failed"
    #: All files are there, and the recap says that a better one follows: no language model could be reached.
    PROVISIONAL = "provisional"
    #: The transcript's files are there; the recap is to come, from the queue for drafts.
    HEARD = "heard"

    @property
    def final(self) -> bool:
        """Whether nothing more is to come."""
        return self in (Mark.DONE, Mark.FAILED)


@dataclass(frozen=True, slots=True)
class Ticket:
    """One upload that waits for its turn or has it."""

    recording: Recording
    key: str
    #: Runs that have begun. One that ends without an answer (killed, out of memory) is counted too.
    tries: int = 0
    #: Of these, the ones before the last that got further: it had more results of stages to begin with.
    fruitful: int = 0
    #: Results of stages that were stored when the last run began.
    stages: int = 0
    #: Length of its sound, as far as somebody could tell without decoding it; None where nobody has tried.
    seconds: Seconds | None = None
    #: A producer needs it before the others.
    urgent: bool = False
    #: When it joined the line; None: when it was uploaded.
    arrived_at: datetime | None = None
    #: Since when a provisional recap waits for a better one; None while there is none.
    provisional_since: datetime | None = None

    def __post_init__(self) -> None:
        if any(each is not None and each.tzinfo is None for each in (self.arrived_at, self.provisional_since)):
            message = f"points in time need a time zone: {self.arrived_at!r}, {self.provisional_since!r}"
            raise ValueError(message)

    @property
    def since(self) -> datetime:
        """When it joined the line; aware."""
        return self.arrived_at or self.recording.recorded_at

    @property
    def futile(self) -> int:
        """Tries since it last got further, the current one among them. They are what is limited."""
        return self.tries - self.fruitful

    @property
    def name(self) -> str:
        """The file name, without its folders."""
        return self.key.rpartition("/")[2]


def recording_at(storage: Storage, stored: Stored) -> Recording:
    """The recording that lies in `storage` as `stored`."""
    uri = storage.uri(stored.key)
    return Recording(recording_id(uri, stored.etag), uri, stored.etag, stored.size_bytes, stored.modified)


def write_ticket(storage: Storage, ticket: Ticket, *, if_absent: bool = False) -> bool:
    """Write a ticket, over an older one of the same id; with `if_absent` False when there is one."""
    return storage.write(ticket_key(ticket.recording.id), canonical_json(ticket), JSON, if_absent=if_absent)


def amend_ticket(storage: Storage, recording_id: str, change: Callable[[Ticket], Ticket]) -> Ticket | None:
    """Change a ticket that others may write to as well; None when there is none, or they have changed it meanwhile."""
    found = storage.head(ticket_key(recording_id))
    ticket = read_ticket(storage, recording_id)
    if found is None or ticket is None:
        return None
    ticket = change(ticket)
    return ticket if storage.write(found.key, canonical_json(ticket), JSON, if_match=found.etag) else None


def read_ticket(storage: Storage, recording_id: str) -> Ticket | None:
    """The ticket of that id; None where there is none, or nothing that can be read as one."""
    return parsed(bytes_at(storage, ticket_key(recording_id)), Ticket)


def remove_ticket(storage: Storage, recording_id: str) -> None:
    """Remove the ticket of that id, if there is one."""
    storage.delete(ticket_key(recording_id))


def rank_of(ticket: Ticket, seconds: Seconds | None = None) -> float:
    """Where a recording stands in the line: smaller goes first.

    Its arrival in epoch seconds, plus its length: a recording lets those pass that arrive while it would play and are
    shorter by more than they are late. An urgent one is treated as if it had arrived half a day earlier. Whatever
    arrives later than `MOST_PATIENCE_S` and that head start together comes after it: nobody waits for ever.

    Args:
        ticket: The recording's.
        seconds: Length of a part of it that is worked on by itself; None takes the whole.
    """
    length = ticket.seconds if seconds is None else seconds
    patience = min(max(_TYPICAL_S if length is None else length, 0.0), MOST_PATIENCE_S)
    return ticket.since.timestamp() + patience - (HEAD_START_S if ticket.urgent else 0.0)


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
    """Write a marker."""
    storage.write(mark_key(key, recording_id, mark), b"", "text/plain")


def read_mark(storage: Storage, key: str, recording_id: str) -> Mark | None:
    """How far the work on the recording at `key` has come; None where there is no marker. One listing."""
    found = (mark_of(stored.key) for stored in storage.list(f"{folder_of(key)}stages/{recording_id}/"))
    marks = {each[1] for each in found if each is not None}
    return next((mark for mark in Mark if mark in marks), None)
