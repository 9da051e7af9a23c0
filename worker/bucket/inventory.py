"""What lies in the bucket, and what of it is finished. The listing is the truth; what is remembered only spares asking.

A full listing sees every object once and keeps what isn't finished. Between two of them only the folders of uploads
are walked, past everything that was made of them; of a finished recording ten bytes are remembered.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from config.settings import Settings
from jobs.artifacts import is_own_output
from jobs.recording import recording_id
from jobs.timeline import Seconds
from worker.bucket.sidecar import is_schedule
from worker.bucket.storage import Storage, Stored
from worker.bucket.tickets import Mark, mark_of, read_mark

#: Keys that one request lists.
_PAGE = 1000
#: A sidecar's name ends in one of these.
_SIDECARS = (".yaml", ".yml")


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


@dataclass(frozen=True, slots=True)
class Listing:
    """The recordings of a bucket, and how far they have come."""

    uploads: tuple[Stored, ...]
    #: Recording id → its mark.
    marks: Mapping[str, Mark]


def look(storage: Storage, settings: Settings, prefix: str | None = None) -> Listing:
    """List the recordings below `prefix` (the settings' own when None), finished ones too."""
    uploads: list[Stored] = []
    marks: dict[str, Mark] = {}
    for stored in storage.list(settings.storage.prefix if prefix is None else prefix):
        found = mark_of(stored.key) if is_own_output(stored.key) else None
        if found is not None:
            marks[found[0]] = _first(found[1], marks.get(found[0]))
        elif is_recording(stored.key, settings):
            uploads.append(stored)
    return Listing(tuple(uploads), marks)


@dataclass(frozen=True, slots=True)
class View:
    """What of a bucket is of interest now."""

    #: Recordings that aren't finished, by id.
    open: Mapping[str, Stored]
    #: Those of them that are transcribed and wait for their recap.
    heard: frozenset[str]
    #: Keys of what may be sidecars, and of schedules.
    sidecars: frozenset[str]
    schedules: frozenset[str]
    #: Finished recordings whose uploads are still there, and those that failed for good.
    done: int
    failed: int


class Inventory:
    """Remembers what is finished below the prefix of the settings."""

    def __init__(self, storage: Storage, settings: Settings, *, beat: Callable[[], None]) -> None:
        """Know nothing yet; `beat` is called again and again while a listing goes on."""
        self._storage = storage
        self._settings = settings
        self._beat = beat
        # A set of bytes takes a quarter of what a dictionary of ids and marks would.
        self._finished: dict[Mark, set[bytes]] = {Mark.DONE: set(), Mark.FAILED: set()}
        #: Requests that the last full listing took.
        self._cost = 0

    def everything(self, doubted: Collection[str]) -> View:
        """List the whole bucket: 1000 keys a request.

        Args:
            doubted: Ids that are asked for again the next time, even if they are finished now.

        Raises:
            StorageError: the store failed; what was known before is still known.
        """
        found = _Found()
        keys = 0
        for stored in self._storage.list(self._settings.storage.prefix):
            keys += 1
            self._beat()
            mark = mark_of(stored.key) if is_own_output(stored.key) else None
            if mark is not None:
                found.marked(*mark)
            else:
                self._sort(stored, found)
        self._cost = keys // _PAGE + 1
        return self._remember(found, doubted)

    def news(self, doubted: Collection[str], *, matters: Callable[[str, Stored], bool]) -> View:
        """Walk the folders of uploads; ask for the marks of those of which nothing is remembered.

        Args:
            doubted: Ids that may be remembered as finished and aren't any more.
            matters: Whether anything depends on a recording's mark now; else nobody asks, and it is open.

        Raises:
            StorageError: the store failed; what was known before is still known.
        """
        found = _Found()
        for stored in self._walk():
            self._sort(stored, found, doubted)
        unknown = [each for each in found.open.items() if matters(*each)]
        if len(unknown) > self._cost:
            return self.everything(doubted)
        for recording, stored in unknown:
            self._beat()
            told = read_mark(self._storage, stored.key, recording)
            if told is not None:
                found.marked(recording, told)
        return self._remember(found, doubted)

    def _walk(self) -> Iterator[Stored]:
        folders = [self._settings.storage.prefix]
        while folders:
            for each in self._storage.folder(folders.pop()):
                self._beat()
                if isinstance(each, Stored):
                    yield each
                elif not is_own_output(each.key):
                    folders.append(each.key)

    def _sort(self, stored: Stored, found: "_Found", doubted: Collection[str] | None = None) -> None:
        """Take note of an object that isn't ours; with `doubted`, all but those are as they are remembered."""
        if is_recording(stored.key, self._settings):
            recording = recording_id(self._storage.uri(stored.key), stored.etag)
            if doubted is not None and recording not in doubted:
                found.remembered(recording, self._finished)
            found.uploaded(recording, stored)
        elif is_own_output(stored.key):
            return
        elif is_schedule(stored.key):
            found.schedules.add(stored.key)
        elif stored.key.casefold().endswith(_SIDECARS):
            found.sidecars.add(stored.key)

    def _remember(self, found: "_Found", doubted: Collection[str]) -> View:
        done, failed = (len(found.finished[mark]) for mark in (Mark.DONE, Mark.FAILED))
        # Somebody may be about to remove their marks.
        unsure = set(map(_code, doubted))
        self._finished = {mark: codes - unsure for mark, codes in found.finished.items()}
        heard = frozenset(found.heard & found.open.keys())
        return View(found.open, heard, frozenset(found.sidecars), frozenset(found.schedules), done, failed)


class _Found:
    """What one look has seen so far. A mark may come before its upload or after it: stores list as they like."""

    def __init__(self) -> None:
        self.open: dict[str, Stored] = {}
        self.heard: set[str] = set()
        self.sidecars: set[str] = set()
        self.schedules: set[str] = set()
        self.finished: dict[Mark, set[bytes]] = {Mark.DONE: set(), Mark.FAILED: set()}
        self._unmatched: dict[bytes, Mark] = {}

    def remembered(self, recording: str, finished: Mapping[Mark, set[bytes]]) -> None:
        """Take a recording for finished if it was finished before."""
        code = _code(recording)
        for mark, known in finished.items():
            if code in known:
                self._unmatched[code] = mark

    def uploaded(self, recording: str, stored: Stored) -> None:
        """An upload lies there."""
        mark = self._unmatched.pop(_code(recording), None)
        if mark is None:
            self.open[recording] = stored
        else:
            self.finished[mark].add(_code(recording))

    def marked(self, recording: str, mark: Mark) -> None:
        """A mark says how far a recording has come."""
        if not mark.final:
            self.heard.add(recording)
            return
        code = _code(recording)
        if self.open.pop(recording, None) is not None:
            self.finished[mark].add(code)
        elif not any(code in known for known in self.finished.values()):
            self._unmatched[code] = _first(mark, self._unmatched.get(code))


def _first(mark: Mark, other: Mark | None) -> Mark:
    """Which of two marks of one recording counts."""
    return next(each for each in Mark if each in (mark, other))


def _code(recording: str) -> bytes:
    return bytes.fromhex(recording.removeprefix("r-"))
