"""A copy of a recording that has the chapters of its recap in it."""

from pathlib import Path

from config.settings import Settings, labels
from jobs.artifacts import folder_of
from jobs.errors import InputError
from jobs.export import chapters_ffmetadata
from jobs.export.chapter_marks import ChapterMarks, chapter_marks
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.transcript import Transcript
from worker.bucket.place import Place
from worker.bucket.signatures import RECAP, TRANSCRIPT, latest
from worker.bucket.storage import Storage
from worker.bucket.tickets import recording_at
from worker.desk.status import shown
from worker.sound.media import with_chapters
from worker.sound.source import Source, opened

#: The copy's name, without its suffix.
NAME = "recording-with-chapters"


def embed(key: str, storage: Storage, out: Path, settings: Settings) -> Path:
    """Copy the recording at `key`, with its chapters, into its folder below `out`: the approved ones where there are.

    Raises:
        InputError: "not-found", "no-chapters"; "no-room-for-chapters" when its kind of file can't hold them.
        EngineError, StorageError, SetupError: as `worker.sound.media.decode`.
    """
    name = shown(key.rpartition("/")[2])
    stored = storage.head(key)
    if stored is None:
        raise InputError("not-found", "there is no such recording", name=name)
    place = Place(recording_at(storage, stored), storage, folder_of(key), name, key)
    with opened(lambda path: storage.download(key, path), settings) as source:
        return copied(place, source, out, settings)


def copied(place: Place, source: Source, out: Path, settings: Settings) -> Path:
    """The same for a recording of which it is known where it lies.

    Raises:
        InputError, EngineError, StorageError, SetupError: as `embed`.
    """
    marks = _marks(place)
    folder = out / place.folder.rstrip("/").rpartition("/")[2]
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{NAME}{Path(place.name).suffix.lower()}"
    data = chapters_ffmetadata.write(marks).data
    with_chapters(source.path(), data, target, comment=marks.label, limits=settings.media)
    return target


def _marks(place: Place) -> ChapterMarks:
    signature = latest(place)
    recap = signature.recap if signature else place.parsed(RECAP, Recap)
    transcript = place.parsed(TRANSCRIPT, Transcript)
    if recap is None or transcript is None:
        raise InputError("no-chapters", "there is no recap", name=place.name)
    marks = chapter_marks(recap, transcript, Talk(), labels())
    if not marks.marks:
        raise InputError("no-chapters", "the recap has no chapters", name=place.name)
    return marks
