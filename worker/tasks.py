"""The one thing the queue can ask for: work on the recording of this id.

RQ looks `run` up by its dotted path and hides ImportErrors while it does so: what may fail to import, the
engines behind `worker.job`, is imported when a job runs. Nothing that goes wrong leaves this module as an
exception, because RQ writes those into the broker and the log with all they say; what comes back is a pause,
after which the recording has its next try.
"""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import structlog
from redis.exceptions import RedisError
from rq import get_current_job
from rq.timeouts import JobTimeoutException

from config.settings import Settings, load
from jobs.artifacts import Failure, Manifest, folder_of
from jobs.errors import EngineError, InputError, NachleseError, SetupError, StorageError
from worker.dispatch import JobQueue, NachleseJob, Reached, again, job_queue, pause_s
from worker.place import Place
from worker.scratch import scratch
from worker.sidecar import read_stored
from worker.storage import Storage, s3_storage
from worker.tickets import Mark, Ticket, counted, read_mark, read_ticket, remove_ticket, write_mark, write_ticket

log = structlog.get_logger()

#: Called with a stage's name and the seconds done and in all.
Report = Callable[[str, float, float], None]

#: A machine that isn't ready, or a store that doesn't answer, is asked again after this many seconds.
_NOT_READY_PAUSE_S = 300
_NO_STORE_PAUSE_S = 60
#: Told at most this often, in seconds: progress is for people.
_TELL_EVERY_S = 2.0


class Outcome(Protocol):
    """What working on a recording gave: at least one of the two."""

    @property
    def manifest(self) -> Manifest | None:
        """Lists the artifacts, when there are any."""
        ...

    @property
    def failure(self) -> Failure | None:
        """Why there are none, or not for all of the recording."""
        ...


@dataclass(frozen=True, slots=True)
class Bench:
    """What a task works with."""

    storage: Storage
    settings: Settings
    #: `worker.job.process`
    process: Callable[..., Outcome]
    report: Report


def run(recording_id: str) -> Any:
    """Work on one recording: what RQ calls. Its path is API: never rename or move it.

    Returns:
        None when the recording needs no more work, else RQ's request to run it again.

    Raises:
        SetupError: this isn't one of our workers.
    """
    if not isinstance(get_current_job(), NachleseJob):
        raise SetupError("foreign-worker", "start workers with `nachlese worker`, never with `rq worker`")
    try:
        settings = _settings()
        pause = work(recording_id, _bench(recording_id, settings))
    except Exception as error:  # the job boundary
        pause = _not_ready(recording_id, error)
    return None if pause is None else again(pause)


def work(recording_id: str, bench: Bench) -> int | None:
    """Work on the recording that the ticket of this id names, and leave its marker.

    Returns:
        None when it needs no more work: done, failed for good, or not there as it was any more;
        else the seconds to wait before it is tried again.

    Raises:
        StorageError: the store failed before the work began: no try is counted.
    """
    ticket = read_ticket(bench.storage, recording_id)
    if ticket is None or not _current(ticket, bench.storage):
        _drop(recording_id, bench.storage)
        return None
    ticket = counted(ticket, +1)
    write_ticket(bench.storage, ticket)
    try:
        return _attempt(ticket, bench)
    except KeyboardInterrupt:
        give_back(recording_id, bench.storage)
        return 0


def give_back(recording_id: str, storage: Storage) -> None:
    """Take back a try that was broken off because the worker had to go: that is nobody's failure.

    Raises:
        StorageError: the store failed; the try stays counted.
    """
    ticket = read_ticket(storage, recording_id)
    if ticket is not None:
        write_ticket(storage, counted(ticket, -1))
        log.info("recording.handed_back", recording_id=recording_id)


def _attempt(ticket: Ticket, bench: Bench) -> int | None:
    try:
        if ticket.tries > bench.settings.worker.max_tries:
            message = f"{ticket.tries - 1} tries ended without a word: look for processes killed for want of memory"
            raise EngineError("gave-up", message)  # noqa: TRY301  # the same ending as every other last failure
        return _result(ticket, bench)
    except InputError as error:
        return _failed(ticket, error, bench)
    except SetupError as error:
        return _unready(ticket, error, bench)
    except NachleseError as error:
        return _failed_or_later(ticket, error, bench)
    except JobTimeoutException:
        message = f"stopped after {bench.settings.worker.job_hours:g} hours"
        return _failed_or_later(ticket, EngineError("took-too-long", message), bench)
    except Exception as error:  # the job boundary
        _log_crash("recording.crashed", ticket.recording.id, error)
        return _failed_or_later(ticket, EngineError("unknown", f"unexpected {type(error).__name__}"), bench)


def _result(ticket: Ticket, bench: Bench) -> int | None:
    recording = ticket.recording
    log.info("recording.started", recording_id=recording.id, tries=ticket.tries, size_bytes=recording.size_bytes)
    with scratch(bench.settings) as folder:
        # A name of ours: the uploader's could be taken for a format, a playlist or an option.
        source = folder / "recording"
        bench.storage.download(ticket.key, source)
        if not _current(ticket, bench.storage):
            _drop(recording.id, bench.storage)
            return None
        talk = read_stored(ticket.key, bench.storage)
        outcome = bench.process(_place(ticket, bench), source, talk, settings=bench.settings, report=bench.report)
    _end(ticket, Mark.FAILED if outcome.manifest is None else Mark.DONE, bench.storage)
    return None


def _place(ticket: Ticket, bench: Bench) -> Place:
    return Place(ticket.recording, bench.storage, folder_of(ticket.key), ticket.name)


def _current(ticket: Ticket, storage: Storage) -> bool:
    """Whether the upload still lies there as it was, and nobody has finished it."""
    found = storage.head(ticket.key)
    if found is None or found.etag != ticket.recording.etag:
        return False
    return read_mark(storage, ticket.key, ticket.recording.id) is None


def _drop(recording_id: str, storage: Storage) -> None:
    remove_ticket(storage, recording_id)
    log.info("recording.superseded", recording_id=recording_id)


def _failed(ticket: Ticket, error: NachleseError, bench: Bench) -> int | None:
    try:
        _place(ticket, bench).fail(error)
        _end(ticket, Mark.FAILED, bench.storage)
    except StorageError as store:
        log.warning("recording.failure_unwritten", recording_id=ticket.recording.id, code=store.code)
        return _NO_STORE_PAUSE_S
    return None


def _failed_or_later(ticket: Ticket, error: NachleseError, bench: Bench) -> int | None:
    if ticket.tries >= bench.settings.worker.max_tries:
        return _failed(ticket, error, bench)
    pause = pause_s(ticket.tries)
    told = {"code": error.code, "detail": error.detail, "tries": ticket.tries, "pause_s": pause}
    log.warning("recording.postponed", recording_id=ticket.recording.id, **told)
    return pause


def _unready(ticket: Ticket, error: SetupError, bench: Bench) -> int:
    """The machine is at fault: the recording keeps its tries."""
    write_ticket(bench.storage, counted(ticket, -1))
    log.error("worker.not_ready", recording_id=ticket.recording.id, code=error.code, detail=error.detail)
    return _NOT_READY_PAUSE_S


def _end(ticket: Ticket, mark: Mark, storage: Storage) -> None:
    write_mark(storage, ticket.key, ticket.recording.id, mark)
    remove_ticket(storage, ticket.recording.id)
    log.info("recording.ended", recording_id=ticket.recording.id, mark=mark.value)


def _not_ready(recording_id: str, error: Exception) -> int:
    if isinstance(error, NachleseError):
        log.error("worker.not_ready", recording_id=recording_id, code=error.code, detail=error.detail)
        return _NO_STORE_PAUSE_S if isinstance(error, StorageError) else _NOT_READY_PAUSE_S
    _log_crash("worker.crashed", recording_id, error)
    return _NOT_READY_PAUSE_S


def _log_crash(event: str, recording_id: str, error: Exception) -> None:
    """Log where, but not what: the text of a stranger's exception may quote the recording."""
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error(event, recording_id=recording_id, error=type(error).__name__, where=where)


def _bench(recording_id: str, settings: Settings) -> Bench:
    from worker.job import process  # noqa: PLC0415  # see above

    report = _reporter(recording_id, job_queue(settings))
    return Bench(s3_storage(settings), settings, process, report)


def _reporter(recording_id: str, queue: JobQueue) -> Report:
    last: dict[str, float] = {}

    def report(stage: str, done_s: float, total_s: float) -> None:
        now = time.monotonic()
        if now - last.get(stage, -_TELL_EVERY_S) < _TELL_EVERY_S and done_s < total_s:
            return
        last[stage] = now
        try:
            queue.tell(recording_id, Reached(stage, float(done_s), float(total_s)))
        except RedisError:
            # Nobody is told; the work goes on.
            log.debug("progress.untold", recording_id=recording_id)

    return report


@cache
def _settings() -> Settings:
    return load()
