"""Watches the bucket and queues what isn't finished. The listing is the truth; the broker may have forgotten."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from typing import Self

import structlog
from redis.exceptions import RedisError

from config.settings import Settings
from jobs.artifacts import TICKETS
from jobs.errors import InputError, NachleseError, SetupError, StorageError
from jobs.timeline import Seconds
from worker.bucket.inventory import Inventory, View, settled
from worker.bucket.sidecar import announced, is_above, may_hurry, read_sidecar, sidecar_keys
from worker.bucket.storage import Storage, Stored, probe
from worker.bucket.tickets import (
    Ticket,
    amend_ticket,
    id_of_ticket,
    rank_of,
    read_ticket,
    recording_at,
    remove_ticket,
    write_ticket,
)
from worker.queue.dispatch import Errand, JobQueue, Kind, job_queue
from worker.queue.events import waking
from worker.queue.length import claimed, guessed
from worker.watch import metrics
from worker.watch.health import Health

log = structlog.get_logger()

#: After trouble the bucket is asked again in this many seconds at most.
_LONGEST_PAUSE_S = 300.0
#: Tickets written, or lengths asked for, at once; the rest of a batch waits.
_REGISTRARS, _ASKERS, _BATCH = 8, 2, 1000
#: While it waits, the loop looks around this often.
_LOOK_AROUND_S = 0.5


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


def _silently() -> None:
    """Nobody wants to know that we live."""


class Intake:
    """Looks at one bucket again and again. Any number may; what two of them do at once does no harm.

    Close it: lengths are asked for in threads of its own.
    """

    def __init__(
        self, storage: Storage, queue: JobQueue, settings: Settings, *, beat: Callable[[], None] = _silently
    ) -> None:
        """Know nothing yet.

        Args:
            storage: The bucket.
            queue: Where recordings wait.
            settings: What counts as a recording, when it has settled, and whether recaps have a queue of their own.
            beat: Called again and again while a look takes its time.
        """
        self._storage = storage
        self._queue = queue
        self._settings = settings
        self._beat = beat
        #: Where recaps wait; None where whoever transcribes writes them too.
        self._drafts = job_queue(settings, settings.recap.queue) if settings.recap.queue else None
        self._inventory = Inventory(storage, settings, beat=beat)
        self._registrars = ThreadPoolExecutor(_REGISTRARS, thread_name_prefix="register")
        self._askers = ThreadPoolExecutor(_ASKERS, thread_name_prefix="length")
        #: Ids as the last look saw them open; None before the first.
        self._seen: frozenset[str] | None = None
        #: Tickets of other prefixes, which another intake looks after.
        self._foreign: set[str] = set()
        #: Schedules, and whether they may call talks urgent; of this look.
        self._hurrying: dict[str, bool] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, *, hurry: bool = False) -> None:
        """Wait for the lengths that were asked for; in a hurry, only for those that are being asked for."""
        self._registrars.shutdown(cancel_futures=True)
        self._askers.shutdown(cancel_futures=hurry)

    def sweep(self, *, everything: bool = True) -> Sweep:
        """Look at the bucket once: queue every settled recording that is not finished, under way or queued.

        From the second look on, a recording must have been there unchanged at the look before.

        Args:
            everything: List all of the bucket; else only what is new since, where that is cheaper.

        Raises:
            StorageError: the bucket can't be listed, or it failed meanwhile.
            redis.exceptions.RedisError: the broker doesn't answer.
        """
        # Tickets first: one that is written after this was listed can't be taken for an orphan. Then the queue: what
        # ends after this has its mark by the time when marks are listed.
        tickets = frozenset(filter(None, (id_of_ticket(item.key) for item in self._storage.list(TICKETS))))
        under_way, now = self._under_way(), self._storage.clock()

        def ripe(recording_id: str, stored: Stored) -> bool:
            unchanged = self._seen is None or recording_id in self._seen
            return unchanged and settled(stored, now, self._settings.intake.settle_s)

        def matters(recording_id: str, stored: Stored) -> bool:
            return recording_id not in under_way and ripe(recording_id, stored)

        known = self._inventory
        self._hurrying = {}
        view = known.everything(tickets) if everything else known.news(tickets, matters=matters)
        counts: Counter[str] = Counter(done=view.done, failed=view.failed)
        new = []
        for recording_id, stored in sorted(view.open.items(), key=lambda each: each[1].modified):
            if not ripe(recording_id, stored):
                counts["settling"] += 1
            elif recording_id in under_way:
                counts["standing"] += 1
            else:
                new.append(_New(recording_id, stored, now, has_ticket=recording_id in tickets))
        for first in range(0, len(new), _BATCH):
            counts.update(self._registered(new[first : first + _BATCH], view))
        self._seen = frozenset(view.open)
        return Sweep(**counts, tickets_removed=self._remove_orphans(tickets - view.open.keys()))

    def _under_way(self) -> frozenset[str]:
        """Ids of the recordings of which any errand waits or runs, stretches aside."""
        standing = [*self._queue.standing(), *(self._drafts.standing() if self._drafts else ())]
        errands = filter(None, map(Errand.parse, standing))
        return frozenset(errand.recording_id for errand in errands if errand.kind is not Kind.STRETCH)

    def _registered(self, new: Sequence["_New"], view: View) -> Iterator[str]:
        """Register and queue all of these; gives each one's count of `Sweep`."""
        for count in self._registrars.map(partial(self._register, view=view), new):
            self._beat()
            yield count

    def _register(self, new: "_New", *, view: View) -> str:
        try:
            ticket = self._ticket(new, view)
        except StorageError:
            raise
        except (NachleseError, UnicodeError) as error:
            log.warning("recording.refused", recording_id=new.id, error=type(error).__name__)
            return "refused"
        if ticket.seconds is None:
            ticket = replace(ticket, seconds=guessed(new.stored.key, new.stored.size_bytes, self._settings))
            self._askers.submit(self._ask_length, new.stored, ticket)
        errand, queue = Errand(new.id), self._queue
        if new.id in view.heard:
            # A queue for recaps may have been given up since; then whoever transcribes writes them too.
            errand, queue = Errand(new.id, Kind.DRAFT), self._drafts or self._queue
        if not queue.enqueue(
            errand.id, rank=rank_of(ticket), seconds=ticket.seconds or 0.0, since=ticket.since, urgent=ticket.urgent
        ):
            return "standing"
        log.info("recording.queued", recording_id=new.id, job_id=errand.id, size_bytes=new.stored.size_bytes)
        return "queued"

    def _ticket(self, new: "_New", view: View) -> Ticket:
        """The ticket of a recording, written if it had none; its length is None where nobody has asked for it."""
        known = read_ticket(self._storage, new.id) if new.has_ticket else None
        if known is not None:
            return known
        recording, stored = recording_at(self._storage, new.stored), new.stored
        # A date in the future would let it wait until then.
        arrived_at = min(stored.modified, new.now)
        ticket = Ticket(recording, stored.key, urgent=self._is_urgent(stored.key, view), arrived_at=arrived_at)
        # Whoever was quicker may have marked it as urgent; what lies there as garbage is replaced.
        if not write_ticket(self._storage, ticket, if_absent=not new.has_ticket):
            return read_ticket(self._storage, new.id) or ticket
        return ticket

    def _is_urgent(self, key: str, view: View) -> bool:
        sidecar = next((each for each in sidecar_keys(key) if each in view.sidecars), None)
        try:
            talk = None if sidecar is None else read_sidecar(sidecar, self._storage)
            if talk is not None and talk.urgent:
                return True
            hurries = any(self._may_hurry(each) for each in view.schedules if is_above(each, key))
            return hurries and announced(key, self._storage, self._settings.storage.prefix).urgent
        except InputError:
            # Its producer will hear of it from the job.
            return False

    def _may_hurry(self, schedule: str) -> bool:
        """Asked once a look: most schedules call nothing urgent, and to understand a long one takes a second."""
        if schedule not in self._hurrying:
            self._hurrying[schedule] = may_hurry(schedule, self._storage)
        return self._hurrying[schedule]

    def _ask_length(self, stored: Stored, ticket: Ticket) -> None:
        """Learn a recording's length, and move it to where it belongs, if it still waits."""
        recording_id = ticket.recording.id
        try:
            seconds = claimed(stored, self._storage, self._settings)
            if seconds is None:
                return
            better = replace(ticket, seconds=seconds)
            if self._queue.move(recording_id, rank=rank_of(better), seconds=seconds, urgent=ticket.urgent):
                amend_ticket(self._storage, recording_id, lambda found: replace(found, seconds=seconds))
        except (NachleseError, RedisError, OSError) as error:
            log.debug("length.unknown", recording_id=recording_id, error=type(error).__name__)

    def _remove_orphans(self, ids: frozenset[str]) -> int:
        """Remove tickets that no open upload needs; those of other prefixes belong to another intake."""
        self._foreign &= ids
        removed = 0
        for recording_id in ids - self._foreign:
            ticket = read_ticket(self._storage, recording_id)
            if ticket is None or ticket.key.startswith(self._settings.storage.prefix):
                remove_ticket(self._storage, recording_id)
                removed += 1
            else:
                self._foreign.add(recording_id)
        return removed


@dataclass(frozen=True, slots=True)
class _New:
    """A recording that waits to be queued."""

    id: str
    stored: Stored
    #: By the store's clock.
    now: datetime
    has_ticket: bool


def sweep(storage: Storage, queue: JobQueue, settings: Settings) -> Sweep:
    """Look at all of the bucket once, and wait until the lengths of what was queued are known; see `Intake.sweep`."""
    with Intake(storage, queue, settings) as intake:
        return intake.sweep()


def watch(storage: Storage, queue: JobQueue, settings: Settings, stop: threading.Event) -> None:
    """Sweep until `stop` is set. Trouble with the bucket or the broker makes the pauses longer, and no more.

    Raises:
        SetupError: the settings can't work.
    """
    health = Health({"broker": queue.ping, "store": storage.clock})
    with _shown(queue, settings, health), waking(settings, stop) as woken:
        intake = Intake(storage, queue, settings, beat=health.beat)
        try:
            _watch(intake, storage, settings, _Loop(stop, woken, health))
        finally:
            intake.close(hurry=True)


@dataclass(frozen=True, slots=True)
class _Loop:
    stop: threading.Event
    #: Set when something has happened in the bucket.
    woken: threading.Event
    health: Health

    def rest(self, pause_s: Seconds) -> None:
        """Wait for so long, or until something happens."""
        ends = time.monotonic() + pause_s
        while not self.woken.is_set() and (left := ends - time.monotonic()) > 0:
            self.health.beat()
            if self.stop.wait(min(left, _LOOK_AROUND_S)):
                return
        self.woken.clear()


def _watch(intake: Intake, storage: Storage, settings: Settings, loop: _Loop) -> None:
    pause_s, probed, complete_at = settings.intake.poll_s, False, -float("inf")
    while not loop.stop.is_set():
        began = time.monotonic()
        everything = began - complete_at >= settings.intake.full_listing_s
        try:
            probed = probed or _probed(storage)
            found = intake.sweep(everything=everything)
        except SetupError:
            raise
        except (NachleseError, RedisError) as error:
            pause_s = min(pause_s * 2, max(_LONGEST_PAUSE_S, settings.intake.poll_s))
            _log_trouble(error, pause_s)
            loop.health.ready("store-troubled" if isinstance(error, NachleseError) else "broker-troubled")
        else:
            complete_at = began if everything else complete_at
            pause_s = settings.intake.poll_s
            _log(found)
            loop.health.ready(None)
            if found.settling:
                # Whatever woke us is too young still; it won't wake us again.
                loop.rest(min(pause_s, max(1.0, settings.intake.settle_s)))
                continue
        loop.rest(pause_s)


@contextmanager
def _shown(queue: JobQueue, settings: Settings, health: Health) -> Iterator[None]:
    """Numbers and health over HTTP, where the settings want it."""
    queues = [queue, *([job_queue(settings, settings.recap.queue)] if settings.recap.queue else [])]
    listener = metrics.serve(settings.metrics, "intake", health, metrics.QueueNumbers(*queues))
    try:
        yield
    finally:
        if listener is not None:
            listener.close()


def _probed(storage: Storage) -> bool:
    obeyed = probe(storage)
    metrics.conditional_writes(obeyed)
    if not obeyed:
        log.warning("store.unconditional", remedy="use a store that knows If-None-Match and If-Match")
    return True


def _log_trouble(error: NachleseError | RedisError, pause_s: Seconds) -> None:
    known = {"code": error.code, "detail": error.detail} if isinstance(error, NachleseError) else {"code": "broker"}
    metrics.sweep_failed(known["code"])
    log.warning("intake.troubled", pause_s=pause_s, error=type(error).__name__, **known)


def _log(found: Sweep) -> None:
    counts = asdict(found)
    metrics.swept(counts)
    tell = log.info if found.queued or found.refused or found.tickets_removed else log.debug
    tell("bucket.swept", **counts)
