"""A recording on this machine's own disk: made into files beside no bucket, by no queue."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from config.settings import Settings
from jobs.artifacts import MANIFEST, SIGNED, Manifest, folder_of
from jobs.errors import InputError
from jobs.programme import Talk, merged, parse_talk
from jobs.recording import Recording, recording_id
from worker.bucket import edits, sidecar
from worker.bucket.place import Place
from worker.bucket.reading import bytes_at, parsed
from worker.bucket.stages import Report, quiet
from worker.bucket.storage import FolderStorage, Storage
from worker.job import Outcome, process
from worker.sound.scratch import scratch
from worker.sound.source import Source

#: How the uri of a recording on this machine begins.
FILE = "file://"
#: The sidecar that was named on the command line, within the recording's folder.
_GIVEN = "stages/talk.yaml"


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line."""

    #: Where the recordings' folders go.
    out: Path
    #: A sidecar; None takes the one beside the recording.
    talk: Path | None = None
    #: ISO 639-1 or "auto"; None leaves it to the sidecar.
    language: str | None = None
    #: "3" or "2-4"; None leaves it to the sidecar.
    voices: str | None = None
    track: int | None = None
    #: Name of the recap's shape; None leaves it to the sidecar.
    shape: str | None = None
    #: Forget what earlier calls made.
    fresh: bool = False


def run(path: Path, wish: Wish, settings: Settings, report: Report = quiet) -> Outcome:
    """Make everything that is made of the recording at `path` into a folder of its own.

    Raises:
        InputError: "not-found" or "bad-name": there is no place to put a failure.json.
        EngineError, StorageError, SetupError: as `worker.job.process`.
    """
    if not has_plain_name(path):
        raise InputError("bad-name", "the path is no text")
    if not path.is_file():
        raise InputError("not-found", "there is no such file")
    place = Place(recording_of(path), FolderStorage(wish.out), folder_of(path.name), path.name)
    if wish.fresh:
        for stored in list(place.list()):
            # What people have written isn't for a machine to forget.
            if not stored.key.removeprefix(place.folder).startswith((edits.FOLDER, SIGNED)):
                place.storage.delete(stored.key)
    try:
        talk = talk_of(path, wish.talk, language=wish.language, voices=wish.voices)
        talk = talk if wish.shape is None else replace(talk, shape=wish.shape)
        _remember(place, wish.talk)
    except InputError as error:
        return Outcome(None, place.fail(error))
    settings = alone(settings)
    with scratch(settings) as folder:
        return process(place, Here(path, folder), talk, settings=settings, track=wish.track, report=report)


def alone(settings: Settings) -> Settings:
    """The settings where nobody is there to draft a recap later, or to ask a language model again."""
    return settings.but(recap={"queue": "", "patience_hours": 0.0})


class Here(Source):
    """A recording on this machine's own disk: it is read where it lies."""

    def __init__(self, path: Path, folder: Path) -> None:
        super().__init__(_fetch_nothing, folder)
        self._here = path.resolve()

    def path(self) -> Path:
        """Where it lies."""
        return self._here


def _fetch_nothing(_path: Path) -> None:
    pass


def talk_of(path: Path, given: Path | None, *, language: str | None, voices: str | None) -> Talk:
    """The talk data beside a recording or from the file given, over schedule and glossary of the recording's folder.

    What was said on the command line overrules all of them.

    Raises:
        InputError: "bad-sidecar".
    """
    talk = _described(path, sidecar.local_bytes(path, given))
    if language is not None:
        talk = replace(talk, language=None if language == "auto" else language)
    if voices is not None:
        bounds = parse_talk({"stimmen": voices})
        talk = replace(talk, min_speakers=bounds.min_speakers, max_speakers=bounds.max_speakers)
    return talk


def _described(path: Path, data: bytes | None) -> Talk:
    beside = sidecar.announced(path.name, FolderStorage(path.resolve().parent))
    return merged(Talk() if data is None else sidecar.parse(data), beside)


def _remember(place: Place, given: Path | None) -> None:
    """Keep a sidecar that lies elsewhere: what is made anew later, is made from this folder."""
    if given is None:
        place.storage.delete(place.folder + _GIVEN)
    else:
        place.write(_GIVEN, given.read_bytes(), "application/yaml")


def talk_at(key: str, storage: Storage) -> Talk:
    """What is known of a recording by its results.

    The sidecar that was named for it, or else lies beside it; schedule and glossary there; then what lies beside the
    results. Where the recording isn't on this machine any more, the rest counts.

    Raises:
        InputError: "bad-sidecar".
    """
    beside = sidecar.read_stored(key, storage)
    manifest = parsed(bytes_at(storage, folder_of(key) + MANIFEST), Manifest)
    if manifest is None or not manifest.recording.uri.startswith(FILE):
        return beside
    path = Path(manifest.recording.uri.removeprefix(FILE))
    given = bytes_at(storage, folder_of(key) + _GIVEN)
    return merged(_described(path, sidecar.local_bytes(path, None) if given is None else given), beside)


def doubles(paths: Sequence[Path]) -> tuple[str, ...]:
    """Names that occur twice: their files would land in the same folder."""
    names = [path.name for path in paths]
    return tuple(sorted({name for name in names if names.count(name) > 1}))


def has_plain_name(path: Path) -> bool:
    """Whether the absolute path is text: Unix takes any bytes for a name, JSON and buckets don't."""
    try:
        str(path.resolve()).encode()
    except UnicodeEncodeError:
        return False
    return True


def recording_of(path: Path) -> Recording:
    """The recording in a file, known by its place and its bytes."""
    status = path.stat()
    with path.open("rb") as data:
        etag = f"sha256:{hashlib.file_digest(data, 'sha256').hexdigest()}"
    uri = f"{FILE}{path.resolve()}"
    changed = datetime.fromtimestamp(status.st_mtime, UTC)
    return Recording(recording_id(uri, etag), uri, etag, status.st_size, changed)
