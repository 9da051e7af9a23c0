"""Work on one recording: decode, transcribe and diarize side by side, align, draft the recap, write every file.

Each stage's result is stored under a name made of what it depends on: a second try begins where the first ended, and
two workers on one recording do no harm. The manifest is written last.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog

from config.settings import Settings, backchannels, doubt_rules, labels, shapes
from jobs.artifacts import MANIFEST, Artifact, Failure, Manifest, digest, stage_key
from jobs.audio import Audio, MediaInfo
from jobs.diarize import Diarization
from jobs.doubt import rules
from jobs.errors import InputError, StorageError
from jobs.export import Export, Layout, recap_files, transcript_files
from jobs.interjections import backchannels as known
from jobs.pipeline import diarize_options, gap_fields, transcribe_options, transcript_of
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.shapes import parse_shapes
from jobs.transcribe import Recognition
from jobs.transcript import Transcript
from worker.bucket.edits import latest
from worker.bucket.place import Place
from worker.bucket.publication import publish
from worker.bucket.stages import Report, Stages, quiet
from worker.control import ALONE, Control, Superseded
from worker.desk.profiles import recognised
from worker.engines import Engines, engines
from worker.engines.device import holds_gpu
from worker.sound.source import Source
from worker.spread import Ear

log = structlog.get_logger()

T = TypeVar("T")
S = TypeVar("S")

#: From this file a recap can be drafted without anything else.
_TRANSCRIPT = "transcript.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a recording: files, a failure, or both where only a part of it could be read."""

    manifest: Manifest | None
    failure: Failure | None
    transcript: Transcript | None = None
    recap: Recap | None = None
    #: The transcript's files are there, and the recap is another job's: see `draft`.
    heard: bool = False
    #: The recap that lies there stands in for one that a language model is to write: see `draft`.
    provisional: bool = False


def process(  # noqa: PLR0913  # what a job is: an upload, what is known of it, and where its files go
    place: Place, source: Source, talk: Talk, *, settings: Settings, track: int | None = None, report: Report = quiet,
    control: Control = ALONE,
) -> Outcome:  # fmt: skip
    """Make everything that is made of a recording; with `recap.queue` set, everything but the recap.

    The upload is asked for only where a stage needs it that isn't stored. A recording at fault gives an outcome with a
    failure only.

    Raises:
        EngineError, StorageError: worth another try.
        SetupError: this machine isn't ready.
        HandedBack: the worker has to leave; finished stages are stored.
        Superseded: the upload was replaced meanwhile.
    """
    stages = Stages(place, control, report)
    try:
        transcript = _Hearing(stages, source, settings, track).transcript(talk)
    except InputError as error:
        if not place.is_current():
            raise Superseded from None
        # What an earlier upload of this name gave isn't this recording's.
        place.storage.delete(place.folder + MANIFEST)
        return Outcome(None, place.fail(error))
    if not settings.recap.queue:
        return _finish(stages, transcript, talk, settings)
    failure = _incomplete(place, transcript)
    made = transcript_files(transcript, talk, labels(), _export(settings))
    publish(place, made, failure, complete=False)
    log.info("recording.heard", recording_id=place.recording.id, audio_s=round(transcript.duration_s, 1))
    return Outcome(None, failure, transcript, heard=True)


def draft(  # noqa: PLR0913  # as `process`
    place: Place, talk: Talk, *, settings: Settings, report: Report = quiet, control: Control = ALONE,
    better: bool = False,
) -> Outcome:  # fmt: skip
    """Make the recap of a recording whose transcript is there, as its last editor has left it, and finish it.

    With `better`, a provisional recap lies there: nothing is written over it but what is more than that.

    Raises:
        StorageError: worth another try; "object-missing" when its transcript isn't there any more.
        SetupError: this machine isn't ready.
        Superseded: the upload was replaced meanwhile.
    """
    transcript = place.parsed(_TRANSCRIPT, Transcript)
    if transcript is None or transcript.recording_id != place.recording.id:
        if not place.is_current():
            raise Superseded
        raise StorageError("object-missing", "the transcript isn't there any more: `nachlese rerun --from recap`")
    transcript = latest(place, transcript)
    return _finish(Stages(place, control, report), transcript, talk, settings, better=better)


def _finish(stages: Stages, transcript: Transcript, talk: Talk, settings: Settings, *, better: bool = False) -> Outcome:
    """Draft the recap, and write every file."""
    place = stages.place
    recap = None if stages.control.plain else _recap(stages, transcript, talk, settings)
    provisional = recap is not None and recap.provisional
    if better and (recap is None or provisional):
        return Outcome(None, None, transcript, recap, provisional=True)
    export = _export(settings)
    recap_made = _recap_files(place, recap, transcript, talk, export)
    made = (*transcript_files(transcript, talk, labels(), export), *recap_made)
    failure = _incomplete(place, transcript)
    stages.report("store", 0.0, 1.0)
    manifest = stages.measured(
        "files", lambda: publish(place, made, failure, complete=True), audio_s=lambda _: transcript.duration_s
    )
    stages.report("store", 1.0, 1.0)
    log.info("recording.finished", recording_id=place.recording.id, audio_s=round(transcript.duration_s, 1))
    return Outcome(manifest, failure, transcript, recap, provisional=provisional)


@dataclass(frozen=True, slots=True)
class _Hearing:
    """All that leads to a transcript."""

    stages: Stages
    source: Source
    settings: Settings
    track: int | None

    def transcript(self, talk: Talk) -> Transcript:
        """Decode, then transcribe and diarize: as far as the results aren't stored."""
        crew = engines(self.settings)
        media = self._media()
        words, turns = _both(
            lambda: self._words(crew, media, talk),
            lambda: self._turns(crew, media, talk),
            at_once=crew.side_by_side(),
        )
        heard = transcript_of(
            self.stages.place.recording.id, media, words, turns, talk, rules(doubt_rules()), known(backchannels())
        )
        heard = latest(self.stages.place, heard)
        return recognised(heard, talk, self.stages.place.storage, self.settings, sound=self._sound)

    def _media(self) -> MediaInfo:
        name = self._name("media", "media/1", self.track)
        stored = self.stages.find(name, MediaInfo)
        return stored or self.stages.made(name, lambda: self._decoded()[1], audio_s=lambda media: media.decoded_s)

    def _words(self, crew: Engines, media: MediaInfo, talk: Talk) -> Recognition:
        wanted, spread = self.settings.transcribe, self.settings.worker
        asked = transcribe_options(
            talk, languages=wanted.languages, beam_size=wanted.beam_size, batch_size=wanted.batch_size
        )
        # The setting decides and not who is free: another number of workers must not make other words.
        target_s = spread.stretch_minutes * 60 if media.decoded_s > spread.spread_minutes * 60 else None
        depends_on = digest("words/2", crew.recognizer.digest(), self.track, asked, target_s)
        name = stage_key(self.stages.place.recording.id, "words", depends_on)
        ear = Ear(self.stages, crew.recognizer, depends_on, holds_gpu(wanted.device))
        words = self.stages.find(name, Recognition)
        if target_s is None:
            return words or ear.hear_at_once(name, asked, self._sound)
        if words is None:
            heard = ear.hear_in_stretches(asked, duration_s=media.decoded_s, target_s=target_s, sound=self._sound)
            words = self.stages.keep(name, heard)
        ear.forget_sounds()
        return words

    def _turns(self, crew: Engines, media: MediaInfo, talk: Talk) -> Diarization:
        bounds = diarize_options(talk)
        name = self._name("turns", "turns/1", crew.diarizer.digest(), self.track, bounds)
        gpu = holds_gpu(self.settings.diarize.device)

        def make() -> Diarization:
            return crew.diarizer.diarize(self._sound(), bounds, partial(self.stages.report, "diarize"))

        stored = self.stages.find(name, Diarization)
        return stored or self.stages.made(name, make, audio_s=lambda _: media.decoded_s, gpu=gpu)

    def _name(self, stage: str, *depends_on: object) -> str:
        return stage_key(self.stages.place.recording.id, stage, digest(*depends_on))

    def _sound(self) -> Audio:
        return self._decoded()[0]

    def _decoded(self) -> tuple[Audio, MediaInfo]:
        return self.source.decoded(self.track, self.settings.media, partial(self.stages.report, "decode"))


def _recap(stages: Stages, transcript: Transcript, talk: Talk, settings: Settings) -> Recap | None:
    """The draft, or None: whatever goes wrong with it never costs the transcript."""
    writer, duration_s = engines(settings).writer, transcript.duration_s
    name = stage_key(transcript.recording_id, "recap", digest("recap/1", writer.digest(), transcript, talk))
    stages.report("recap", 0.0, duration_s)
    recap = stages.find(name, Recap)
    if recap is None:
        try:
            recap = stages.measured("recap", lambda: writer.write(transcript, talk), audio_s=lambda _: duration_s)
        except Exception as error:  # see above
            log.warning("recap.failed", recording_id=transcript.recording_id, error=type(error).__name__)
            return None
        # A better one is to come: it must not find this one in its place.
        recap = recap if recap.provisional else stages.keep(name, recap)
    stages.report("recap", duration_s, duration_s)
    return recap


def _recap_files(
    place: Place, recap: Recap | None, transcript: Transcript, talk: Talk, export: Export
) -> tuple[Artifact, ...]:
    """The draft's files; a failed export costs no other file."""
    if recap is None:
        return ()
    try:
        return recap_files(recap, transcript, talk, labels(), export)
    except Exception as error:  # see above
        log.warning("recap.export_failed", recording_id=place.recording.id, error=type(error).__name__)
        return ()


def _export(settings: Settings) -> Export:
    wanted = settings.export
    layout = Layout(wanted.line_length, wanted.lines, wanted.reading_speed)
    return Export(wanted.formats, layout, parse_shapes(shapes()), settings.recap.shape)


def _incomplete(place: Place, transcript: Transcript) -> Failure | None:
    """A damaged recording: its files cover what could be read, and the producer hears of the rest."""
    media = transcript.media
    if media is None or not media.has_gap or media.missing_s < 0:
        return None
    detail = f"container says {media.container_s} s, decoded {media.decoded_s:.1f} s"
    return place.failure(InputError("incomplete", detail, **gap_fields(media)), partial=True)


def _both(first: Callable[[], T], second: Callable[[], S], *, at_once: bool) -> tuple[T, S]:
    """Run both; engines spend their time outside Python. When one fails, what the other has begun is stored yet."""
    pool, wait = ThreadPoolExecutor(2 if at_once else 1, thread_name_prefix="engine"), True
    try:
        futures = pool.submit(first), pool.submit(second)
        return futures[0].result(), futures[1].result()
    except KeyboardInterrupt:
        wait = False  # whoever sits before the terminal isn't kept waiting for an engine
        raise
    finally:
        pool.shutdown(wait=wait, cancel_futures=True)
