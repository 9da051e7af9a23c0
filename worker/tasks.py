"""The one thing the queue can ask for: an errand, by its id. It is done here, in the engine process.

    ticket ──► one more try ──► process, hear_stretch or draft ──► marker, ticket gone
                                      └── or: what went wrong, and when it is tried again

Nothing that goes wrong leaves this module as an exception: all it says is an `Ending`, which holds no text of a
stranger's. What may fail to import, the engines behind `worker.job`, is imported when an engine process begins.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

import structlog
from redis.exceptions import RedisError

from config.settings import Settings
from jobs.artifacts import Failure, Manifest, folder_of, stages_folder
from jobs.errors import EngineError, InputError, NachleseError, SetupError, StorageError
from jobs.timeline import Seconds
from jobs.transcript import Transcript
from worker.bucket.place import Place
from worker.bucket.sidecar import read_stored
from worker.bucket.storage import Storage
from worker.bucket.tickets import (
    Mark,
    Ticket,
    counted,
    rank_of,
    read_mark,
    read_ticket,
    remove_ticket,
    write_mark,
    write_ticket,
)  # fmt: skip
from worker.control import ALONE, Control, HandedBack, Superseded
from worker.logs import told
from worker.queue.dispatch import Errand, JobQueue, Kind, job_queue, pause_s
from worker.sound.source import Fetch, Source, opened

if TYPE_CHECKING:
    from worker.spread import Spread

log = structlog.get_logger()

#: Called with a stage's name and the seconds done and in all. From any thread.
Report = Callable[[str, float, float], None]

#: A store that doesn't answer is asked again after this many seconds.
_NO_STORE_PAUSE_S = 60
#: While no language model answers it is asked again after as long as it has been away, but within these seconds.
_SOONEST_S, _LATEST_S = 120, 3600
#: After this failure an engine process isn't used again: what filled its memory may still be there.
_OUT_OF_MEMORY = "out-of-memory"


class End(StrEnum):
    """What came of a run."""

    #: The recording has its files.
    DONE = "done"
    #: It has a failure that says why there are none, and gets no more tries.
    FAILED = "failed"
    #: This try failed; the next may not.
    LATER = "later"
    #: The worker leaves; no try is counted.
    HANDED_BACK = "handed-back"
    #: This machine is at fault: no try is counted, and another worker may take it at once.
    UNREADY = "unready"
    #: There was nothing to do any more, or what was to do is only a part.
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended."""

    end: End
    #: Seconds to wait before the errand is run again; None: it needs no more runs.
    pause_s: int | None = None
    #: What went wrong, named as in `jobs.errors`; empty where nothing did.
    code: str = ""
    #: Length of a recording that is done.
    audio_s: Seconds = 0.0
    #: Whether it was done in one go, so that the time it took says something about the machine.
    at_once: bool = False

    @property
    def spoiled(self) -> bool:
        """Whether the engine process should make room for a new one."""
        return self.code == _OUT_OF_MEMORY


class Outcome(Protocol):
    """What working on a recording gave: at least one of the first two, or `heard`."""

    @property
    def manifest(self) -> Manifest | None:
        """Lists the artifacts, when there are any."""
        ...

    @property
    def failure(self) -> Failure | None:
        """Why there are none, or not for all of the recording."""
        ...

    @property
    def transcript(self) -> Transcript | None:
        """What was said; None where that couldn't be made out."""
        ...

    @property
    def heard(self) -> bool:
        """Whether the transcript's files are there, and the recap is another queue's."""
        ...

    @property
    def provisional(self) -> bool:
        """Whether the recap that lies there stands in for a better one."""
        ...


@dataclass(frozen=True, slots=True)
class Craft:
    """What is done with recordings, see `worker.job` and `worker.spread`."""

    process: Callable[..., Outcome]
    hear_stretch: Callable[..., None]
    draft: Callable[..., Outcome]
    spread: Callable[[JobQueue, float], "Spread"]


@dataclass(frozen=True, slots=True)
class Bench:
    """What an errand is done with."""

    storage: Storage
    settings: Settings
    craft: Craft
    report: Report
    control: Control = ALONE
    #: Where other workers look for stretches of a long recording; None where there are none.
    queue: JobQueue | None = None
    #: Gives the upload of a ticket, for as long as it is worked on; None fetches it when it is asked for.
    source: Callable[[Ticket], AbstractContextManager[Source]] | None = None
    #: Called when the ticket says that a try has begun.
    begun: Callable[[], None] = lambda: None


def run(_job_id: str) -> NoReturn:
    """What a job names: an engine process does it by `work`. Its path is API: never rename or move it.

    Raises:
        SetupError: whoever calls it isn't one of our workers.
    """
    raise SetupError("foreign-worker", "start workers with `nachlese worker`, never with `rq worker`")


def craft() -> Craft:
    """The real craft; imports what is heavy."""
    from worker.job import draft, process  # noqa: PLC0415  # see above
    from worker.spread import Spread, hear_stretch  # noqa: PLC0415  # see above

    return Craft(process, hear_stretch, draft, Spread)


def work(errand: Errand, bench: Bench) -> Ending:
    """Do an errand on the recording that the ticket of its id names."""
    try:
        ticket = read_ticket(bench.storage, errand.recording_id)
        if ticket is None:
            return _drop(errand.recording_id, bench.storage)
        mark = read_mark(bench.storage, ticket.key, ticket.recording.id)
        if (mark is not None and mark.final) or not _place(ticket, bench.storage).is_current():
            return _drop(errand.recording_id, bench.storage)
        do = _left_to_do(errand.kind, mark)
        return Ending(End.NOTHING) if do is None else do(ticket, errand, bench)
    except NachleseError as error:  # the store failed outside of a try
        log.warning("errand.postponed", job_id=errand.id, code=error.code, detail=error.detail)
        return Ending(End.LATER, _NO_STORE_PAUSE_S, error.code)
    except Exception as error:  # the job boundary
        log.error("errand.crashed", job_id=errand.id, **told(error))  # noqa: TRY400  # `told` leaves its text out
        return Ending(End.LATER, _NO_STORE_PAUSE_S, "unknown")


def give_back(errand: Errand, storage: Storage) -> None:
    """Take back a try that was broken off because the worker had to go: that is nobody's failure.

    Raises:
        StorageError: the store failed; the try stays counted.
    """
    ticket = None if errand.kind is Kind.STRETCH else read_ticket(storage, errand.recording_id)
    if ticket is not None:
        write_ticket(storage, counted(ticket, -1))
    log.info("errand.handed_back", job_id=errand.id)


def took_too_long(errand: Errand, storage: Storage, settings: Settings) -> Ending:
    """End a try that was stopped by the clock.

    Raises:
        StorageError: the store failed; what came of it isn't told.
    """
    ticket = None if errand.kind is Kind.STRETCH else read_ticket(storage, errand.recording_id)
    if ticket is None:
        return Ending(End.NOTHING)
    error = EngineError("took-too-long", f"stopped after {settings.worker.job_hours:g} hours")
    return _failed_or_later(ticket, error, storage, settings)


def _recording(ticket: Ticket, errand: Errand, bench: Bench) -> Ending:
    return _tried(ticket, errand, bench, _process)


def _draft(ticket: Ticket, errand: Errand, bench: Bench) -> Ending:
    return _tried(ticket, errand, bench, _write_draft)


def _stretch(ticket: Ticket, errand: Errand, bench: Bench) -> Ending:
    """Help with a long recording. If that fails nobody tries again: its own job does what nobody has done."""
    options = {"settings": bench.settings, "control": bench.control, "report": bench.report}
    try:
        bench.craft.hear_stretch(_place(ticket, bench.storage), errand.index, **options)
    except HandedBack:
        return Ending(End.HANDED_BACK, 0)
    except SetupError as error:
        return _unready(errand, error)
    except NachleseError as error:
        log.warning("stretch.failed", job_id=errand.id, code=error.code, detail=error.detail)
        return Ending(End.NOTHING, code=error.code)
    return Ending(End.NOTHING)


_Do = Callable[[Ticket, Errand, Bench], Ending]


def _left_to_do(kind: Kind, mark: Mark | None) -> _Do | None:
    """What an errand comes to where the work on its recording is as far as `mark` says; None: nothing."""
    known: dict[tuple[Kind, Mark | None], _Do] = {
        (Kind.RECORDING, None): _recording,
        (Kind.STRETCH, None): _stretch,
        (Kind.DRAFT, Mark.HEARD): _draft,
        # Whichever it was that found no language model comes back.
        (Kind.RECORDING, Mark.PROVISIONAL): _draft,
        (Kind.DRAFT, Mark.PROVISIONAL): _draft,
    }
    return known.get((kind, mark))


def _tried(ticket: Ticket, errand: Errand, bench: Bench, do: Callable[[Ticket, Bench], Ending]) -> Ending:
    """Do what may be tried a few times. A try that ends without a word (killed, out of memory) is counted too."""
    ticket = counted(_further(ticket, bench.storage), +1)
    write_ticket(bench.storage, ticket)
    bench.begun()
    log.info("errand.started", job_id=errand.id, tries=ticket.tries, size_bytes=ticket.recording.size_bytes)
    try:
        return do(ticket, _last_resort(ticket, bench))
    except HandedBack:
        give_back(errand, bench.storage)
        return Ending(End.HANDED_BACK, 0)
    except Superseded:
        return _drop(errand.recording_id, bench.storage)
    except SetupError as error:
        write_ticket(bench.storage, counted(ticket, -1))
        return _unready(errand, error)
    except Exception as error:  # the job boundary
        return _failed_or_later(ticket, _failure(errand, error), bench.storage, bench.settings)


def _last_resort(ticket: Ticket, bench: Bench) -> Bench:
    """Where all tries ended without a word: nothing more, or once more without the recap that they ended in."""
    beyond = ticket.futile - bench.settings.worker.max_tries
    if beyond <= 0:
        return bench
    stages = {stored.key.rpartition("/")[2].partition("-")[0] for stored in bench.storage.list(_stages(ticket))}
    if beyond == 1 and {"words", "turns"} <= stages and ticket.provisional_since is None:
        log.warning("recap.left_out", recording_id=ticket.recording.id, tries=ticket.tries)
        return replace(bench, control=replace(bench.control, plain=True))
    message = f"{ticket.futile - 1} tries ended without a word: look for processes killed for want of memory"
    raise EngineError("gave-up", message)


def _further(ticket: Ticket, storage: Storage) -> Ticket:
    """Note whether the last try has got further than those before it: a long recording may be killed ever so often."""
    stored = sum(1 for _ in storage.list(_stages(ticket)))
    return replace(ticket, fruitful=ticket.tries, stages=stored) if stored > ticket.stages else ticket


def _stages(ticket: Ticket) -> str:
    return folder_of(ticket.key) + stages_folder(ticket.recording.id)


def _failure(errand: Errand, error: Exception) -> NachleseError:
    """What a try failed with, as one of ours."""
    if isinstance(error, NachleseError):
        return error
    if isinstance(error, MemoryError):
        return EngineError(_OUT_OF_MEMORY, "this machine's memory is full")
    log.error("errand.crashed", job_id=errand.id, **told(error))
    return EngineError("unknown", f"unexpected {type(error).__name__}")


def _process(ticket: Ticket, bench: Bench) -> Ending:
    place, storage, settings = _place(ticket, bench.storage), bench.storage, bench.settings
    control = bench.control
    if bench.queue is not None:
        rank = rank_of(ticket, settings.worker.stretch_minutes * 60)
        control = replace(control, spread=bench.craft.spread(bench.queue, rank))
    talk = read_stored(ticket.key, storage, settings.storage.prefix)
    source = opened(fetch_of(ticket, storage), settings) if bench.source is None else bench.source(ticket)
    with source as upload:
        outcome = bench.craft.process(place, upload, talk, settings=settings, report=bench.report, control=control)
    return _hand_on(ticket, bench) if outcome.heard else _ended(ticket, outcome, bench)


def _write_draft(ticket: Ticket, bench: Bench) -> Ending:
    place, options = _place(ticket, bench.storage), {"control": bench.control, "report": bench.report}
    talk = read_stored(ticket.key, bench.storage, bench.settings.storage.prefix)
    better = ticket.provisional_since is not None
    return _ended(ticket, bench.craft.draft(place, talk, settings=bench.settings, better=better, **options), bench)


def _hand_on(ticket: Ticket, bench: Bench) -> Ending:
    """The words are there; the recap has a queue and tries of its own. Intake queues it again if it gets lost."""
    errand, queue = Errand(ticket.recording.id, Kind.DRAFT), bench.settings.recap.queue
    write_ticket(bench.storage, replace(ticket, tries=0, fruitful=0))
    write_mark(bench.storage, ticket.key, ticket.recording.id, Mark.HEARD)
    try:
        job_queue(bench.settings, queue).enqueue(
            errand.id,
            rank=rank_of(ticket),
            seconds=ticket.seconds or 0.0,
            since=ticket.since,
            urgent=ticket.urgent,
        )
    except RedisError as error:
        log.warning("broker.silent", job_id=errand.id, error=type(error).__name__)
    log.info("recording.heard", recording_id=ticket.recording.id)
    return Ending(End.NOTHING)


def _ended(ticket: Ticket, outcome: Outcome, bench: Bench) -> Ending:
    again_s = _patience_s(ticket, bench) if outcome.provisional else None
    if again_s is not None:
        return _wait_for_better(ticket, outcome, bench.storage, again_s)
    if ticket.provisional_since is not None:
        _close(ticket, Mark.DONE, bench.storage)
        return Ending(End.NOTHING)
    mark = Mark.FAILED if outcome.manifest is None else Mark.DONE
    _close(ticket, mark, bench.storage)
    if mark is Mark.FAILED:
        return Ending(End.FAILED, code="" if outcome.failure is None else outcome.failure.code)
    return _done(ticket, outcome)


def _done(ticket: Ticket, outcome: Outcome, pause_s: int | None = None) -> Ending:
    known = outcome.transcript
    audio_s = (ticket.seconds or 0.0) if known is None else known.duration_s
    return Ending(End.DONE, pause_s, audio_s=audio_s, at_once=ticket.tries == 1)


def _patience_s(ticket: Ticket, bench: Bench) -> int | None:
    """Seconds until a language model is asked again; None when it has been waited for long enough."""
    now = bench.storage.clock()
    waited_s = (now - (ticket.provisional_since or now)).total_seconds()
    if waited_s >= bench.settings.recap.patience_hours * 3600:
        return None
    return round(min(max(waited_s, _SOONEST_S), _LATEST_S))


def _wait_for_better(ticket: Ticket, outcome: Outcome, storage: Storage, pause_s: int) -> Ending:
    """The recording is delivered, with a recap that stands in for a better one; that has tries of its own."""
    since = ticket.provisional_since or storage.clock()
    write_ticket(storage, replace(ticket, tries=0, fruitful=0, provisional_since=since))
    write_mark(storage, ticket.key, ticket.recording.id, Mark.PROVISIONAL)
    log.info("recap.provisional", recording_id=ticket.recording.id, pause_s=pause_s)
    if ticket.provisional_since is None:
        return _done(ticket, outcome, pause_s)
    return Ending(End.LATER, pause_s, "llm-unavailable")


def _failed(ticket: Ticket, error: NachleseError, storage: Storage) -> Ending:
    try:
        place = _place(ticket, storage)
        # Of a newer upload of this name nothing is known to be wrong.
        if not place.is_current():
            return _drop(ticket.recording.id, storage)
        if ticket.provisional_since is not None:  # it is delivered; only the better recap will not come
            _close(ticket, Mark.DONE, storage)
            return Ending(End.NOTHING, code=error.code)
        place.fail(error)
        _close(ticket, Mark.FAILED, storage)
    except StorageError as store:
        log.warning("recording.failure_unwritten", recording_id=ticket.recording.id, code=store.code)
        return Ending(End.LATER, _NO_STORE_PAUSE_S, store.code)
    return Ending(End.FAILED, code=error.code)


def _failed_or_later(ticket: Ticket, error: NachleseError, storage: Storage, settings: Settings) -> Ending:
    if isinstance(error, InputError) or ticket.futile >= settings.worker.max_tries:
        return _failed(ticket, error, storage)
    pause = pause_s(ticket.futile)
    about = {"code": error.code, "detail": error.detail, "tries": ticket.tries, "pause_s": pause}
    log.warning("recording.postponed", recording_id=ticket.recording.id, **about)
    return Ending(End.LATER, pause, error.code)


def _unready(errand: Errand, error: SetupError) -> Ending:
    log.error("worker.not_ready", job_id=errand.id, code=error.code, detail=error.detail)
    return Ending(End.UNREADY, 0, error.code)


def _close(ticket: Ticket, mark: Mark, storage: Storage) -> None:
    write_mark(storage, ticket.key, ticket.recording.id, mark)
    remove_ticket(storage, ticket.recording.id)
    log.info("recording.ended", recording_id=ticket.recording.id, mark=mark.value)


def _drop(recording_id: str, storage: Storage) -> Ending:
    remove_ticket(storage, recording_id)
    log.info("recording.superseded", recording_id=recording_id)
    return Ending(End.NOTHING)


def _place(ticket: Ticket, storage: Storage) -> Place:
    return Place(ticket.recording, storage, folder_of(ticket.key), ticket.name, ticket.key)


def fetch_of(ticket: Ticket, storage: Storage) -> Fetch:
    """Downloads the upload of a ticket; raises Superseded when another one lies there by then."""

    def fetch(path: Path) -> None:
        storage.download(ticket.key, path)
        if not _place(ticket, storage).is_current():
            raise Superseded

    return fetch
