"""Work on one recording: decode, transcribe and diarize side by side, align, draft the recap, write every file.

Each stage's result is stored under a name made of what it depends on, so that a second try begins where the first ended.
The manifest is written last.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TypeVar

import structlog
from pydantic import TypeAdapter, ValidationError

from config.settings import Settings, labels
from jobs.artifacts import FAILURE, MANIFEST, Artifact, Entry, Failure, Manifest, canonical_json, digest, stage_key
from jobs.audio import Audio, MediaInfo
from jobs.diarize import Diarization
from jobs.errors import InputError, NachleseError
from jobs.export import recap_files, transcript_files
from jobs.export.labels import sentence
from jobs.pipeline import diarize_options, gap_fields, transcribe_options, transcript_of
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.recording import Recording
from jobs.transcribe import Progress, Recognition
from jobs.transcript import Transcript
from worker.engines import Engines, engines
from worker.media import decode
from worker.provenance import app_version
from worker.scratch import scratch
from worker.storage import Storage

log = structlog.get_logger()

#: Called with a stage's name, the seconds of sound done and the seconds in all. From any thread.
Report = Callable[[str, float, float], None]

T = TypeVar("T")

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a recording: files, a failure, or both where only a part of it could be read."""

    manifest: Manifest | None
    failure: Failure | None
    transcript: Transcript | None = None
    recap: Recap | None = None


def process(
    recording: Recording, source: Path, talk: Talk, *, storage: Storage, folder: str, settings: Settings, name: str,
    track: int | None = None, report: Report = lambda *_: None,
) -> Outcome:  # fmt: skip
    """Make everything that is made of one recording.

    `source` is the upload on this machine's disk, `folder` where its files go, `name` what the producer calls it. A
    recording at fault gives an outcome with a failure only.

    Raises:
        EngineError, StorageError: worth another try.
        SetupError: this machine isn't ready.
    """
    work = _Work(recording, storage, folder, settings, report)
    try:
        transcript = work.transcript(source, talk, track)
    except InputError as error:
        return Outcome(None, fail(recording, error, storage=storage, folder=folder, name=name))
    made = list(transcript_files(transcript, talk, labels()))
    recap = work.recap(transcript, talk)
    if recap is not None:
        made += _recap_files(recording, recap, transcript, talk)
    report("store", 0.0, float(len(made)))
    for place, artifact in enumerate(made, start=1):
        storage.write(folder + artifact.name, artifact.data, artifact.media_type)
        report("store", float(place), float(len(made)))
    failure = _partial_failure(recording, transcript, storage=storage, folder=folder, name=name)
    if failure is None:
        storage.delete(folder + FAILURE)
    entries = tuple(Entry(a.name, a.media_type, len(a.data), a.sha256) for a in made)
    manifest = Manifest(recording, app_version(), datetime.now(UTC), entries)
    storage.write(folder + MANIFEST, canonical_json(manifest), _JSON)
    log.info("recording.finished", recording_id=recording.id, audio_s=round(transcript.duration_s, 1), artifacts=len(made))
    return Outcome(manifest, failure, transcript, recap)


def fail(
    recording: Recording, error: NachleseError, *, storage: Storage, folder: str, name: str, partial: bool = False
) -> Failure:
    """Tell the producer what is wrong, in `failure.json`."""
    message = sentence(labels(), "error", error.code, {**error.fields, "name": name})
    failure = Failure(
        recording.id, error.code, message, error.detail, error.retryable, partial, app_version(), datetime.now(UTC)
    )
    storage.write(folder + FAILURE, canonical_json(failure), _JSON)
    log.warning("recording.failed", recording_id=recording.id, code=error.code, partial=partial)
    return failure


@dataclass(frozen=True, slots=True)
class _Work:
    recording: Recording
    storage: Storage
    folder: str
    settings: Settings
    report: Report

    def transcript(self, source: Path, talk: Talk, track: int | None) -> Transcript:
        """Everything up to the transcript. A recording whose stages are all stored isn't even decoded."""
        wanted = self.settings.transcribe
        asked = transcribe_options(
            talk, languages=wanted.languages, beam_size=wanted.beam_size, batch_size=wanted.batch_size
        )
        bounds = diarize_options(talk)
        crew = engines(self.settings)
        media_key = digest("media/1", track)
        words_key = digest("words/1", crew.recognizer.digest(), track, asked)
        turns_key = digest("turns/1", crew.diarizer.digest(), track, bounds)
        media = self._stored("media", media_key, MediaInfo)
        words = self._stored("words", words_key, Recognition)
        turns = self._stored("turns", turns_key, Diarization)
        if media is None or words is None or turns is None:
            with scratch(self.settings) as empty:
                audio, media = self._decode(source, empty, track)
                self._store("media", media_key, media)
                with ThreadPoolExecutor(2, thread_name_prefix="engine") as side_by_side:
                    progress = partial(partial, self.report)
                    hear = partial(crew.recognizer.recognize, audio, asked, progress("transcribe"))
                    tell = partial(crew.diarizer.diarize, audio, bounds, progress("diarize"))
                    futures = (
                        side_by_side.submit(self._stage, "words", words_key, words, hear),
                        side_by_side.submit(self._stage, "turns", turns_key, turns, tell),
                    )
                    words, turns = futures[0].result(), futures[1].result()
        return transcript_of(self.recording.id, media, words, turns)

    def recap(self, transcript: Transcript, talk: Talk) -> Recap | None:
        """The draft, or None: whatever goes wrong here never costs the transcript."""
        self.report("recap", 0.0, transcript.duration_s)
        try:
            recap = engines(self.settings).writer.write(transcript, talk)
        except Exception as error:  # noqa: BLE001  # see above
            log.error("recap.failed", recording_id=self.recording.id, error=type(error).__name__)
            return None
        self.report("recap", transcript.duration_s, transcript.duration_s)
        return recap

    def _decode(self, source: Path, empty: Path, track: int | None) -> tuple[Audio, MediaInfo]:
        progress: Progress = partial(self.report, "decode")
        return decode(source, limits=self.settings.media, scratch=empty, track=track, progress=progress)

    def _stage(self, stage: str, depends_on: str, stored: T | None, make: Callable[[], T]) -> T:
        if stored is not None:
            return stored
        started = monotonic()
        made = make()
        self._store(stage, depends_on, made)
        log.info("stage.finished", recording_id=self.recording.id, stage=stage, wall_s=round(monotonic() - started, 2))
        return made

    def _stored(self, stage: str, depends_on: str, kind: type[T]) -> T | None:
        key = self.folder + stage_key(self.recording.id, stage, depends_on)
        if self.storage.head(key) is None:
            return None
        try:
            return TypeAdapter(kind).validate_json(self.storage.read(key))
        except ValidationError:
            log.warning("stage.unreadable", recording_id=self.recording.id, stage=stage)
            return None

    def _store(self, stage: str, depends_on: str, value: object) -> None:
        key = self.folder + stage_key(self.recording.id, stage, depends_on)
        self.storage.write(key, canonical_json(value), _JSON)


def _recap_files(recording: Recording, recap: Recap, transcript: Transcript, talk: Talk) -> Sequence[Artifact]:
    try:
        return recap_files(recap, transcript, talk, labels())
    except Exception as error:  # noqa: BLE001  # a failed export never costs the transcript
        log.error("recap.export_failed", recording_id=recording.id, error=type(error).__name__)
        return ()


def _partial_failure(recording: Recording, transcript: Transcript, *, storage: Storage, folder: str, name: str) -> Failure | None:
    """A damaged recording: its files cover what could be read, and the producer hears of the rest."""
    media = transcript.media
    if media is None or not media.has_gap or media.missing_s < 0:
        return None
    detail = f"container says {media.container_s} s, decoded {media.decoded_s:.1f} s"
    error = InputError("incomplete", detail, **gap_fields(media))
    return fail(recording, error, storage=storage, folder=folder, name=name, partial=True)
