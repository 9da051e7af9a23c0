"""What editors do with the results of `nachlese run`: the same as with a bucket's, in a folder on this machine.

There are no marks and no queue: what the manifest names is finished, and what follows a correction is made at once.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from config.settings import Settings, labels
from jobs.artifacts import MANIFEST, SUFFIX, Manifest, folder_of
from jobs.errors import InputError
from jobs.german import enumeration
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.signoff import Signature
from jobs.transcript import Transcript
from worker import local
from worker.bucket.place import Place
from worker.bucket.reading import bytes_at, parsed
from worker.bucket.signatures import RECAP, TRANSCRIPT
from worker.bucket.stages import Report, quiet
from worker.bucket.storage import Folder, FolderStorage
from worker.desk import chaptered, correction, layout, signoff
from worker.desk.correction import Correction
from worker.desk.status import shown
from worker.job import draft
from worker.sound.scratch import scratch

#: So many names are told where somebody asks for another.
_TOLD = 10


def correct(  # noqa: PLR0913  # what the command offers
    key: str, path: Path, folder: Path, settings: Settings, *, by: str | None = None, report: Report = quiet
) -> Correction:
    """Keep an edited file as the next version of a transcript, and make every other file anew.

    Raises:
        InputError: as `worker.desk.correction.correct`; "not-here", "from-bucket"; "edited-here" where other files of
            the folder have been edited, which would be lost.
        EngineError, StorageError, SetupError: as `worker.job.draft`.
    """
    with _told_here():
        given = correction.read(path)
        place, manifest = _found(key, folder)
        # The one that is given back may be edited, unless all others are made from it.
        at_home = path.resolve().parent == (folder / place.folder).resolve()
        spared = {path.name} - {RECAP, TRANSCRIPT} if at_home else set()
        _check_untouched(place, manifest, {entry.name for entry in manifest.artifacts} - spared)
        made = correction.kept(place, given, by)
        transcript = place.parsed(TRANSCRIPT, Transcript)
        # The files may also lack a version whose keeper was interrupted.
        if transcript is None or transcript.version != made.number:
            draft(place, _talk(place, key, settings), settings=local.alone(settings), report=report)
        return made


def sign(key: str, wish: signoff.Wish, folder: Path, settings: Settings) -> Signature:
    """Keep the approved text of a recap, and that somebody answers for it.

    Raises:
        InputError: as `worker.desk.signoff.sign`; "not-here", "from-bucket"; "edited-here" where draft or transcript
            aren't those that were made.
        StorageError: the folder failed.
    """
    with _told_here():
        place, manifest = _found(key, folder)
        _check_untouched(place, manifest, {RECAP, TRANSCRIPT})
        return signoff.signed(place, local.talk_at(key, place.storage), wish, settings)


def pull_shape(key: str, wish: layout.Wish, folder: Path) -> tuple[Path, ...]:
    """Lay out a draft in another shape, see `worker.desk.layout.pull_shape`.

    Raises:
        InputError, StorageError: as there; "not-here".
    """
    with _told_here():
        storage = FolderStorage(folder)
        _manifest(key, storage)
        return layout.pull_shape(key, wish, storage, local.talk_at(key, storage))


def embed(key: str, folder: Path, out: Path, settings: Settings) -> Path:
    """Copy the recording with its chapters, see `worker.desk.chaptered.embed`.

    Raises:
        InputError: as there; "not-here", "from-bucket"; "recording-moved" or "recording-changed" where the recording
            isn't there any more as it was.
        EngineError, StorageError, SetupError: as there.
    """
    with _told_here(), scratch(settings) as unpacked:
        place, _ = _found(key, folder)
        path = Path(place.recording.uri.removeprefix(local.FILE))
        if not path.is_file():
            raise InputError("recording-moved", "the recording isn't there any more", name=place.name, path=str(path))
        if local.recording_of(path).id != place.recording.id:
            raise InputError("recording-changed", "another recording lies there by now", name=place.name)
        return chaptered.copied(place, local.Here(path, unpacked), out, settings)


@contextmanager
def _told_here() -> Iterator[None]:
    """Where the remedy for a bucket is none here, tell the one that is."""
    try:
        yield
    except InputError as error:
        code = f"{error.code}-here"
        if f"error.{code}" not in labels():
            raise
        raise InputError(code, error.detail, **error.fields) from None


def _found(key: str, folder: Path) -> tuple[Place, Manifest]:
    """The folder of a recording whose work has ended here."""
    storage = FolderStorage(folder)
    manifest, name = _manifest(key, storage), shown(key.rpartition("/")[2])
    if not manifest.recording.uri.startswith(local.FILE):
        raise InputError("from-bucket", "the bucket's own files would know nothing of it", name=name)
    return Place(manifest.recording, storage, folder_of(key), name), manifest


def _talk(place: Place, key: str, settings: Settings) -> Talk:
    """What the last run knew, and the shape that was named on its command line: only the draft itself tells that."""
    talk, before = local.talk_at(key, place.storage), place.parsed(RECAP, Recap)
    if before is None or before.shape in (None, talk.shape or settings.recap.shape):
        return talk
    return replace(talk, shape=before.shape)


def _manifest(key: str, storage: FolderStorage) -> Manifest:
    manifest = parsed(bytes_at(storage, folder_of(key) + MANIFEST), Manifest)
    if manifest is None:
        there = [one.key.removesuffix(f"{SUFFIX}/") for one in storage.folder() if isinstance(one, Folder)]
        names = enumeration([shown(name) for name in there[:_TOLD]]) or "–"
        raise InputError("not-here", "there is no manifest", name=shown(key), folder=str(storage.root), names=names)
    return manifest


def _check_untouched(place: Place, manifest: Manifest, names: AbstractSet[str]) -> None:
    """Refuse to write over files that somebody has edited where they lie, or to go on from such drafts."""
    found = {entry.name: (entry.sha256, place.read(entry.name)) for entry in manifest.artifacts if entry.name in names}
    edited = [name for name, (made, data) in found.items() if data is not None and sha256(data).hexdigest() != made]
    if edited:
        raise InputError("edited-here", f"{len(edited)} files were edited", name=place.name, files=", ".join(edited))
