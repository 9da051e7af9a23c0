"""What people can ask for once more: another try, other results from some stage on, or an earlier turn."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Any

import structlog
from redis.exceptions import RedisError

from config.settings import Settings
from jobs.artifacts import FAILURE, folder_of, is_own_output, stages_folder
from jobs.errors import InputError
from jobs.recording import Recording
from worker.bucket.place import Place
from worker.bucket.storage import Storage
from worker.bucket.tickets import (
    Mark,
    Ticket,
    amend_ticket,
    mark_key,
    rank_of,
    read_mark,
    recording_at,
    write_ticket,
)
from worker.desk.status import shown
from worker.queue.dispatch import Errand, JobQueue, job_queue
from worker.queue.length import guessed

log = structlog.get_logger()


class Stage(StrEnum):
    """What can be made anew, with all that depends on it."""

    RECAP = "recap"
    DIARIZE = "diarize"
    TRANSCRIBE = "transcribe"
    DECODE = "decode"


_RECAP = ("recap",)
_TURNS = ("turns", *_RECAP)
_WORDS = ("words", "plan", "stretch", "sound", *_RECAP)
#: Results that go, by the beginnings of their names.
_GOES = {
    Stage.RECAP: _RECAP,
    Stage.DIARIZE: _TURNS,
    Stage.TRANSCRIBE: _WORDS,
    Stage.DECODE: ("media", *_WORDS, *_TURNS),
}


def rerun(key: str, begin: Stage, storage: Storage, queue: JobQueue | None, settings: Settings) -> None:
    """Queue a finished recording again, without the results of `begin` and of what depends on it.

    Its files stay until there are new ones. Without a broker, intake queues it.

    Raises:
        InputError: "not-found" when there is no recording, "under-way" when its work hasn't ended.
        StorageError: the bucket failed.
    """
    recording = delivered(key, storage, queue, settings).recording
    results = f"{folder_of(key)}{stages_folder(recording.id)}"
    for result in _GOES[begin]:
        for found in list(storage.list(f"{results}{result}-")):
            storage.delete(found.key)
    _queue_anew(recording, key, storage, queue, settings)


def retry(key: str, storage: Storage, queue: JobQueue | None, settings: Settings, *, urgent: bool = False) -> None:
    """Work on a recording that failed, was set aside or is incomplete once more, with all its tries.

    Args:
        key: The recording.
        storage: Where it lies.
        queue: Where it shall wait; None leaves that to the next sweep.
        settings: How long such files usually are.
        urgent: Before the others; then also one that waits already.

    Raises:
        InputError: "not-found" when there is no recording, "nothing-to-retry" when it is fine or under way.
        StorageError: the bucket failed.
    """
    recording = _recording(key, storage)
    mark = read_mark(storage, key, recording.id)
    if mark is None and urgent:
        hasten(key, storage, queue)
        return
    incomplete = mark is Mark.DONE and storage.head(folder_of(key) + FAILURE) is not None
    if mark is not Mark.FAILED and not incomplete:
        raise InputError("nothing-to-retry", "it is done or under way", name=shown(key.rpartition("/")[2]))
    _queue_anew(recording, key, storage, queue, settings, urgent=urgent)


def hasten(key: str, storage: Storage, queue: JobQueue | None) -> bool:
    """Put a recording before the others; False when it is finished, or isn't there.

    Raises:
        StorageError: the bucket failed.
    """
    stored = storage.head(key)
    if stored is None:
        return False
    recording = recording_at(storage, stored)
    if read_mark(storage, key, recording.id) is not None:
        return False
    ticket = Ticket(recording, key, urgent=True)
    # Where there is one, a worker may count its tries in it right now: then it has begun, and nothing can be hastened.
    if not write_ticket(storage, ticket, if_absent=True):
        ticket = amend_ticket(storage, recording.id, lambda found: replace(found, urgent=True)) or ticket
    if queue is not None:
        _unless_silent(
            recording.id,
            lambda: queue.move(recording.id, rank=rank_of(ticket), seconds=ticket.seconds or 0.0, urgent=True),
        )
    return True


def delivered(key: str, storage: Storage, queue: JobQueue | None, settings: Settings) -> Place:
    """The folder of a recording that nobody works on, and for whose files nobody waits.

    Raises:
        InputError: "not-found" when there is no recording, "under-way" when its work hasn't ended, or a better recap
            is being written just now.
        StorageError: the bucket failed.
    """
    recording, name = _recording(key, storage), shown(key.rpartition("/")[2])
    mark = read_mark(storage, key, recording.id)
    busy = mark is Mark.PROVISIONAL and queue is not None and _runs(recording.id, queue, settings)
    if mark is None or mark is Mark.HEARD or busy:
        raise InputError("under-way", "its work hasn't ended", name=name)
    return Place(recording, storage, folder_of(key), name, key)


def _runs(recording_id: str, queue: JobQueue, settings: Settings) -> bool:
    queues = (queue, job_queue(settings, settings.recap.queue)) if settings.recap.queue else (queue,)
    try:
        running = [Errand.parse(each.job_id) for one in queues for each in one.running()]
    except RedisError:
        return False
    return any(errand is not None and errand.recording_id == recording_id for errand in running)


def _recording(key: str, storage: Storage) -> Recording:
    stored = storage.head(key)
    if stored is None or is_own_output(key):
        raise InputError("not-found", "there is no such recording", name=shown(key.rpartition("/")[2]))
    return recording_at(storage, stored)


def _queue_anew(  # noqa: PLR0913  # what is known of a recording, and where it goes
    recording: Recording,
    key: str,
    storage: Storage,
    queue: JobQueue | None,
    settings: Settings,
    *,
    urgent: bool = False,
) -> None:
    """Forget how its work ended, and let it wait with all its tries. Without a broker, intake queues it."""
    storage.delete(folder_of(key) + FAILURE)
    for old in Mark:
        storage.delete(mark_key(key, recording.id, old))
    # After the markers: a ticket beside one would be taken for what a dead worker left.
    length = guessed(key, recording.size_bytes, settings)
    ticket = Ticket(recording, key, seconds=length, urgent=urgent, arrived_at=storage.clock())
    write_ticket(storage, ticket)
    if queue is not None:
        facts: Any = {"seconds": length, "since": ticket.since, "urgent": urgent}
        # One that pauses until its language model may be back would go on pausing.
        _unless_silent(recording.id, lambda: queue.forget(recording.id))
        _unless_silent(recording.id, lambda: queue.enqueue(recording.id, rank=rank_of(ticket), **facts))


def _unless_silent(recording_id: str, ask: Callable[[], object]) -> None:
    """Ask the broker; where it keeps silent, the next sweep does what there is to do."""
    try:
        ask()
    except RedisError as error:
        log.warning("broker.silent", recording_id=recording_id, error=type(error).__name__)
