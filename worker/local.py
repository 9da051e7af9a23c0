"""A recording on this machine's own disk: made into files beside no bucket, by no queue."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from config.settings import Settings
from jobs.artifacts import folder_of
from jobs.errors import InputError
from jobs.programme import Talk, parse_talk
from jobs.recording import Recording, recording_id
from worker.job import Outcome, Report, fail, process
from worker.sidecar import read_sidecar
from worker.storage import FolderStorage



def run(path: Path, out: Path, settings: Settings, *, talk: Talk, track: int | None, fresh: bool, report: Report) -> Outcome:
    """Make everything that is made of the recording at `path` into a folder of its own below `out`.

    Stages that an earlier call finished are taken over unless `fresh`.

    Raises:
        EngineError, StorageError, SetupError: as `worker.job.process`.
    """
    storage = FolderStorage(out)
    folder = folder_of(path.name)
    if fresh:
        for stored in list(storage.list(folder)):
            storage.delete(stored.key)
    recording = _recording(path)
    return process(
        recording, path, talk, storage=storage, folder=folder, settings=settings, name=path.name, track=track, report=report
    )


def talk_of(path: Path, given: Path | None, *, language: str | None, voices: str | None) -> Talk:
    """The talk data beside a recording or from the file given, overruled by what was said on the command line.

    Raises:
        InputError: "bad-sidecar".
    """
    talk = read_sidecar(path, given)
    if language is not None:
        talk = replace(talk, language=None if language == "auto" else language)
    if voices is not None:
        bounds = parse_talk({"stimmen": voices})
        talk = replace(talk, min_speakers=bounds.min_speakers, max_speakers=bounds.max_speakers)
    return talk


def refuse(path: Path, out: Path, error: InputError) -> Outcome:
    """Record a recording at fault before any work began, where its files would lie."""
    storage = FolderStorage(out)
    failure = fail(_recording(path), error, storage=storage, folder=folder_of(path.name), name=path.name)
    return Outcome(None, failure)


def doubles(paths: Sequence[Path]) -> tuple[str, ...]:
    """Names that occur twice: their files would land in the same folder."""
    names = [path.name for path in paths]
    return tuple(sorted({name for name in names if names.count(name) > 1}))


def _recording(path: Path) -> Recording:
    status = path.stat()
    with path.open("rb") as data:
        etag = f"sha256:{hashlib.file_digest(data, 'sha256').hexdigest()}"
    uri = f"file://{path.resolve()}"
    changed = datetime.fromtimestamp(status.st_mtime, UTC)
    return Recording(recording_id(uri, etag), uri, etag, status.st_size, changed)
