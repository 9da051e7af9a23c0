"""The upload of the next recording: fetched and decoded at low priority while the engines work on this one."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import structlog

from config.settings import Settings
from jobs.errors import NachleseError
from jobs.timeline import Seconds
from worker.bucket.storage import Storage
from worker.bucket.tickets import Ticket, read_ticket
from worker.control import Superseded
from worker.sound.source import Source, opened
from worker.tasks import fetch_of

log = structlog.get_logger()

#: What the work ahead leaves to the work at hand, as `nice` counts it.
_NICENESS = 10


class _Unwanted(Exception):  # noqa: N818  # nothing is wrong
    """Another recording comes next."""


class _Ahead:
    """One upload that is got ready in a thread of its own, once the one before has left the disk."""

    def __init__(self, recording_id: str, storage: Storage, settings: Settings, before: "_Ahead | None") -> None:
        self.recording_id = recording_id
        self.source: Source | None = None
        self._storage, self._settings, self._before = storage, settings, before
        self._unwanted = False
        self._kept = ExitStack()
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prefetch", daemon=True)
        self._thread.start()

    def wait(self) -> Source | None:
        """Its source, which may still be at work; None where it came to nothing."""
        self._opened.wait()
        return self.source

    def drop(self) -> None:
        """Stop it and remove what it has got, as soon as it can be stopped. Doesn't wait."""
        self._unwanted = True
        threading.Thread(target=self.close, name="prefetch-drop", daemon=True).start()

    def close(self) -> None:
        """Wait for its end, and remove what it has got."""
        self._thread.join()
        self._kept.close()

    def _run(self) -> None:
        _go_easy()
        try:
            if self._before is not None:
                self._before.close()
                self._before = None
            ticket = None if self._unwanted else read_ticket(self._storage, self.recording_id)
            if ticket is None:
                return
            self.source = self._kept.enter_context(opened(fetch_of(ticket, self._storage), self._settings))
            self._opened.set()
            self.source.decoded(None, self._settings.media, self._watch)
        except (NachleseError, Superseded, _Unwanted) as error:
            # Whoever comes to work on it will meet the same, and say so.
            log.debug("prefetch.ended", recording_id=self.recording_id, error=type(error).__name__)
        finally:
            self._opened.set()

    def _watch(self, _done: Seconds, _total: Seconds) -> None:
        if self._unwanted:
            raise _Unwanted


class Prefetch:
    """Holds one upload at most. `want` and `source` may be called from different threads."""

    def __init__(self, storage: Storage, settings: Settings) -> None:
        self._storage, self._settings = storage, settings
        self._ahead: _Ahead | None = None
        self._alone = threading.Lock()

    def want(self, recording_id: str | None) -> None:
        """Get a recording ready, or none, and drop what was wanted before."""
        with self._alone:
            before = self._ahead
            if before is not None and before.recording_id == recording_id:
                return
            if before is not None:
                before.drop()
            self._ahead = None if recording_id is None else _Ahead(recording_id, self._storage, self._settings, before)

    @contextmanager
    def source(self, ticket: Ticket) -> Iterator[Source]:
        """The upload of a ticket: the one that was got ready, or a new one."""
        with self._alone:
            ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead.recording_id != ticket.recording.id:
            ahead.drop()
            ahead = None
        ready = None if ahead is None else ahead.wait()
        try:
            if ready is None:
                with opened(fetch_of(ticket, self._storage), self._settings) as fresh:
                    yield fresh
            else:
                log.info("prefetch.used", recording_id=ticket.recording.id)
                yield ready
        finally:
            if ahead is not None:
                ahead.close()


def _go_easy() -> None:
    """Let this thread, and the programs that it starts, wait for the others. Elsewhere niceness is a process's."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
