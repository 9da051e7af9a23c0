"""Work on one recording: decode, transcribe and diarize side by side, align, draft the recap, write every file.

Each stage's result is stored under a name made of what it depends on: a second try begins where the first ended.
The manifest is written last.
"""

from collections.abc import Callable
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
from jobs.pipeline import diarize_options, gap_fields, transcribe_options, transcript_of
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.transcribe import Progress, Recognition
from jobs.transcript import Transcript
from worker.engines import engines
from worker.media import decode
from worker.place import Place
from worker.provenance import app_version
from worker.scratch import scratch

log = structlog.get_logger()

#: Called with a stage's name, the seconds of sound done and the seconds in all. From any thread.
Report = Callable[[str, float, float], None]


def quiet(_stage: str, _done: float, _total: float) -> None:
    """Report to nobody."""


T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a recording: files, a failure, or both where only a part of it could be read."""

    manifest: Manifest | None
    failure: Failure | None
    transcript: Transcript | None = None
    recap: Recap | None = None


def process(  # noqa: PLR0913  # what a job is: an upload, what is known of it, and where its files go
    place: Place, source: Path, talk: Talk, *, settings: Settings, track: int | None = None, report: Report = quiet
) -> Outcome:
    """Make everything that is made of the recording whose upload lies at `source` on this machine's disk.

    A recording at fault gives an outcome with a failure only.

    Raises:
        EngineError, StorageError: worth another try.
        SetupError: this machine isn't ready.
    """
    work = _Work(place, settings, report)
    try:
        transcript = work.transcript(source, talk, track)
    except InputError as error:
        # What an earlier upload of this name gave isn't this recording's.
        place.storage.delete(place.folder + MANIFEST)
        return Outcome(None, place.fail(error))
    recap = work.recap(transcript, talk)
    made = (*transcript_files(transcript, talk, labels()), *work.recap_files(recap, transcript, talk))
    report("store", 0.0, float(len(made)))
    for count, artifact in enumerate(made, start=1):
        place.write(artifact.name, artifact.data, artifact.media_type)
        report("store", float(count), float(len(made)))
    failure = _partial_failure(place, transcript)
    entries = tuple(Entry(a.name, a.media_type, len(a.data), a.sha256) for a in made)
    manifest = Manifest(place.recording, app_version(), datetime.now(UTC), entries)
    place.write(MANIFEST, canonical_json(manifest))
    log.info("recording.finished", recording_id=place.recording.id, audio_s=round(transcript.duration_s, 1))
    return Outcome(manifest, failure, transcript, recap)


@dataclass(frozen=True, slots=True)
class _Work:
    place: Place
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
        if media is not None and words is not None and turns is not None:
            return transcript_of(self.place.recording.id, media, words, turns)
        with scratch(self.settings) as empty:
            audio, media = self._decode(source, empty, track)
            self._store("media", media_key, media)
            hear = partial(crew.recognizer.recognize, audio, asked, partial(self.report, "transcribe"))
            tell = partial(crew.diarizer.diarize, audio, bounds, partial(self.report, "diarize"))
            heard, told = _side_by_side(
                lambda: words or self._stage("words", words_key, hear),
                lambda: turns or self._stage("turns", turns_key, tell),
            )
        return transcript_of(self.place.recording.id, media, heard, told)

    def recap(self, transcript: Transcript, talk: Talk) -> Recap | None:
        """The draft, or None: whatever goes wrong here never costs the transcript."""
        self.report("recap", 0.0, transcript.duration_s)
        try:
            recap = engines(self.settings).writer.write(transcript, talk)
        except Exception as error:  # see above
            log.warning("recap.failed", recording_id=self.place.recording.id, error=type(error).__name__)
            return None
        self.report("recap", transcript.duration_s, transcript.duration_s)
        return recap

    def recap_files(self, recap: Recap | None, transcript: Transcript, talk: Talk) -> tuple[Artifact, ...]:
        """The draft's files; a failed export costs no other file."""
        if recap is None:
            return ()
        try:
            return recap_files(recap, transcript, talk, labels())
        except Exception as error:  # see above
            log.warning("recap.export_failed", recording_id=self.place.recording.id, error=type(error).__name__)
            return ()

    def _decode(self, source: Path, empty: Path, track: int | None) -> tuple[Audio, MediaInfo]:
        progress: Progress = partial(self.report, "decode")
        return decode(source, limits=self.settings.media, scratch=empty, track=track, progress=progress)

    def _stage(self, stage: str, depends_on: str, make: Callable[[], T]) -> T:
        started = monotonic()
        made = make()
        self._store(stage, depends_on, made)
        log.info(
            "stage.finished", recording_id=self.place.recording.id, stage=stage, wall_s=round(monotonic() - started, 2)
        )
        return made

    def _stored(self, stage: str, depends_on: str, kind: type[T]) -> T | None:
        key = self.place.folder + stage_key(self.place.recording.id, stage, depends_on)
        if self.place.storage.head(key) is None:
            return None
        try:
            return TypeAdapter(kind).validate_json(self.place.storage.read(key))
        except ValidationError:
            log.warning("stage.unreadable", recording_id=self.place.recording.id, stage=stage)
            return None

    def _store(self, stage: str, depends_on: str, value: object) -> None:
        self.place.write(stage_key(self.place.recording.id, stage, depends_on), canonical_json(value))


def _side_by_side(first: Callable[[], T], second: Callable[[], S]) -> tuple[T, S]:
    """Run both at once; engines spend their time outside Python. Whoever interrupts us isn't kept waiting for them."""
    pool = ThreadPoolExecutor(2, thread_name_prefix="engine")
    wait = False
    try:
        futures = pool.submit(first), pool.submit(second)
        results = futures[0].result(), futures[1].result()
        wait = True
    except NachleseError:
        wait = True  # the other engine must not run on into the next recording
        raise
    finally:
        pool.shutdown(wait=wait, cancel_futures=True)
    return results


def _partial_failure(place: Place, transcript: Transcript) -> Failure | None:
    """A damaged recording: its files cover what could be read, and the producer hears of the rest."""
    media = transcript.media
    if media is None or not media.has_gap or media.missing_s < 0:
        place.storage.delete(place.folder + FAILURE)
        return None
    detail = f"container says {media.container_s} s, decoded {media.decoded_s:.1f} s"
    return place.fail(InputError("incomplete", detail, **gap_fields(media)), partial=True)
