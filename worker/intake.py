"""Watches the bucket and queues what isn't finished. The listing is the truth; the broker may have forgotten."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from redis.exceptions import RedisError

from config.settings import Settings
from jobs.artifacts import TICKETS, is_own_output
from jobs.errors import NachleseError, SetupError, StorageError
from jobs.recording import Recording
from jobs.timeline import Seconds
from worker.dispatch import JobQueue
from worker.storage import Storage, Stored
from worker.tickets import (
    Mark,
    Ticket,
    id_of_ticket,
    mark_of,
    read_ticket,
    recording_at,
    remove_ticket,
    write_ticket,
)

log = structlog.get_logger()

#: After trouble the bucket is asked again in this many seconds at most.
_LONGEST_PAUSE_S = 300.0


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one look at the bucket found and did, in recordings."""

    done: int = 0
    failed: int = 0
    #: Too young, or still changing.
    settling: int = 0
    #: In the queue or being worked on already.
    standing: int = 0
    #: Queued by this sweep.
    queued: int = 0
    #: Not to be worked on: their key is beyond us, or their ticket can't be written.
    refused: int = 0
    #: Tickets of uploads that are finished, replaced or gone.
    tickets_removed: int = 0
    #: Key → etag and size as seen, for the next sweep to compare with.
    seen: Mapping[str, tuple[str, int]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """The recordings of a bucket, and which of them are finished."""

    uploads: tuple[Stored, ...]
    #: Recording id → how its work ended.
    marks: Mapping[str, Mark]


def sweep(
    storage: Storage, queue: JobQueue, settings: Settings, *, before: Mapping[str, tuple[str, int]] | None = None
) -> Sweep:
    """Look at the bucket once: queue every settled recording that is not finished, under way or queued.

    Args:
        storage: The bucket.
        queue: Where to queue.
        settings: What counts as a recording, and when it has settled.
        before: What the sweep before saw; a recording must not have changed since. None asks for its age only.

    Raises:
        StorageError: the bucket can't be listed, or it failed meanwhile.
        redis.exceptions.RedisError: the broker doesn't answer.
    """
    # Tickets first: one that is written after this was listed can't be taken for an orphan.
    tickets = frozenset(filter(None, (id_of_ticket(item.key) for item in storage.list(TICKETS))))
    listing = look(storage, settings)
    now = storage.clock()
    standing = queue.standing()
    counts: Counter[str] = Counter()
    open_ids = set()
    for stored in sorted(listing.uploads, key=lambda upload: upload.modified):
        recording = recording_at(storage, stored)
        mark = listing.marks.get(recording.id)
        if mark is not None:
            counts[mark.value] += 1
            continue
        open_ids.add(recording.id)
        if not settled(stored, now, settings.intake.settle_s) or _changed(stored, before):
            counts["settling"] += 1
        elif recording.id in standing:
            counts["standing"] += 1
        else:
            counts[_queue(stored, recording, storage, queue, ticket=recording.id in tickets)] += 1
    removed = _remove_orphans(tickets - open_ids, storage, settings)
    seen = {stored.key: (stored.etag, stored.size_bytes) for stored in listing.uploads}
    return Sweep(**counts, tickets_removed=removed, seen=seen)


def look(storage: Storage, settings: Settings, prefix: str | None = None) -> Listing:
    """List the recordings below `prefix` (the settings' own when None) and what is finished among them."""
    uploads, marks = [], {}
    for stored in storage.list(settings.storage.prefix if prefix is None else prefix):
        if is_own_output(stored.key):
            found = mark_of(stored.key)
            if found is not None:
                marks[found[0]] = found[1]
        elif is_recording(stored.key, settings):
            uploads.append(stored)
    return Listing(tuple(uploads), marks)


def is_recording(key: str, settings: Settings) -> bool:
    """Whether a key is to be worked on: its suffix says sound, and it isn't ours.

    Keys that end in "/" stand for folders, other suffixes for sidecars and what else people keep.
    """
    name = key.rpartition("/")[2].casefold()
    return not is_own_output(key) and any(name.endswith(suffix.casefold()) for suffix in settings.intake.suffixes)


def settled(stored: Stored, now: datetime, settle_s: Seconds) -> bool:
    """Whether an upload is old enough to be whole. A date far in the future says nothing, and holds nothing up."""
    age_s = (now - stored.modified).total_seconds()
    return not -max(settle_s, 60.0) <= age_s < settle_s


def watch(storage: Storage, queue: JobQueue, settings: Settings, stop: threading.Event) -> None:
    """Sweep until `stop` is set. Trouble with the bucket or the broker makes the pauses longer, and no more.

    Raises:
        SetupError: the settings can't work.
    """
    before: Mapping[str, tuple[str, int]] | None = None
    pause_s = settings.intake.poll_s
    while not stop.is_set():
        try:
            found = sweep(storage, queue, settings, before=before)
        except SetupError:
            raise
        except (NachleseError, RedisError) as error:
            pause_s = min(pause_s * 2, max(_LONGEST_PAUSE_S, settings.intake.poll_s))
            told = (
                {"code": error.code, "detail": error.detail} if isinstance(error, NachleseError) else {"code": "broker"}
            )
            log.warning("intake.troubled", pause_s=pause_s, error=type(error).__name__, **told)
        else:
            _log(found)
            before, pause_s = found.seen, settings.intake.poll_s
        stop.wait(pause_s)


def _log(found: Sweep) -> None:
    counts = {name: getattr(found, name) for name in Sweep.__dataclass_fields__ if name != "seen"}
    tell = log.info if found.queued or found.refused or found.tickets_removed else log.debug
    tell("bucket.swept", **counts)


def _changed(stored: Stored, before: Mapping[str, tuple[str, int]] | None) -> bool:
    return before is not None and before.get(stored.key) != (stored.etag, stored.size_bytes)


def _queue(stored: Stored, recording: Recording, storage: Storage, queue: JobQueue, *, ticket: bool) -> str:
    """Give a recording its ticket and queue it; returns the count of `Sweep` that it belongs to."""
    try:
        if not ticket:
            write_ticket(storage, Ticket(recording, stored.key))
    except StorageError:
        raise
    except (NachleseError, UnicodeError) as error:
        log.warning("recording.refused", recording_id=recording.id, error=type(error).__name__)
        return "refused"
    if not queue.enqueue(recording.id):
        return "standing"
    log.info("recording.queued", recording_id=recording.id, size_bytes=recording.size_bytes)
    return "queued"


def _remove_orphans(ids: frozenset[str], storage: Storage, settings: Settings) -> int:
    """Remove tickets that no open upload needs; those of other prefixes belong to another intake."""
    removed = 0
    for recording_id in ids:
        ticket = read_ticket(storage, recording_id)
        if ticket is None or ticket.key.startswith(settings.storage.prefix):
            remove_ticket(storage, recording_id)
            removed += 1
    return removed
