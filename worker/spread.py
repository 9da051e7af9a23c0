"""Long recordings are heard in stretches, by as many workers as are free.

    the recording's own job:  plan, sound of each stretch ──► storage,  errands ──► queue
    any worker:               sound ──► what was heard in it ──► storage
    the recording's own job:  hears what nobody else does ──► joins all of it

They are heard in stretches however many workers there are, and everybody hears the sound that is stored: one worker
and eight give the same words. The recording's own job needs none of the others: what nobody works on, it does itself.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from redis.exceptions import RedisError

from config.settings import Settings
from jobs.artifacts import sound_key, stage_key, stages_folder, stretch_key
from jobs.audio import Audio
from jobs.errors import StorageError
from jobs.stretches import Plan, from_pcm, joined, plan, samples_of, to_pcm
from jobs.timeline import Seconds, Span
from jobs.transcribe import Recognition, Recognizer, TranscribeOptions
from worker.bucket.place import Place
from worker.bucket.stages import Report, Stages
from worker.control import Control
from worker.engines import engines
from worker.engines.device import holds_gpu
from worker.queue.dispatch import Errand, JobQueue, Kind, Standing

log = structlog.get_logger()

#: While others are at the last stretches, their results are looked for this often.
_POLL_S: Seconds = 1.0
#: A broker that didn't answer isn't asked again for so long: each question to it may take half a minute.
_SILENCE_S: Seconds = 60.0
#: Errands are counted up to 999, and no stretch is shorter than half of what was asked for.
_MOST_STRETCHES = 450


class Spread:
    """The other workers, as far as stretches of one recording go. Without a broker there are none."""

    def __init__(self, queue: JobQueue, rank: float) -> None:
        """Offer stretches on a queue.

        Args:
            queue: Where other workers look.
            rank: Of the first stretch; each further one comes a second later.
        """
        self._queue = queue
        self._rank = rank
        self._silent_until = 0.0

    def offer(self, recording_id: str, index: int, seconds: Seconds) -> None:
        """Let another worker hear a stretch; nothing happens when one does already."""
        if time.monotonic() < self._silent_until:
            return
        try:
            errand = Errand(recording_id, Kind.STRETCH, index)
            self._queue.enqueue(errand.id, rank=self._rank + index, seconds=seconds)
        except RedisError as error:
            self._silence(recording_id, error)

    def take(self, recording_id: str, indices: Sequence[int]) -> int | None:
        """The first of these stretches that no worker has begun: it is the caller's now. None when all are begun."""
        if time.monotonic() < self._silent_until:
            return indices[0]
        try:
            standing = self._queue.standing()
            for index in indices:
                errand = Errand(recording_id, Kind.STRETCH, index).id
                known = standing.get(errand)
                if known is Standing.RUNNING:
                    continue
                # One that pauses has failed elsewhere; whoever takes it up again finds it done.
                if known is not Standing.WAITING or self._queue.take_back(errand):
                    return index
        except RedisError as error:
            self._silence(recording_id, error)
            return indices[0]
        return None

    def _silence(self, recording_id: str, error: RedisError) -> None:
        self._silent_until = time.monotonic() + _SILENCE_S
        log.warning("broker.silent", recording_id=recording_id, error=type(error).__name__)


@dataclass(frozen=True, slots=True)
class Ear:
    """This worker's recognizer, at work on one recording."""

    stages: Stages
    recognizer: Recognizer
    #: Digest of what all its results depend on.
    depends_on: str
    #: Whether the recognizer holds a GPU.
    gpu: bool

    @property
    def recording_id(self) -> str:
        """The recording's id."""
        return self.stages.place.recording.id

    def hear_at_once(self, name: str, options: TranscribeOptions, sound: Callable[[], Audio]) -> Recognition:
        """What is said in all of a short recording, stored under this name.

        Raises:
            HandedBack: the worker has to leave; the words are stored.
        """

        def make() -> Recognition:
            return self.recognizer.recognize(sound(), options, partial(self.stages.report, "transcribe"))

        return self.stages.made(name, make, audio_s=lambda _: sound().duration, gpu=self.gpu)

    def hear_in_stretches(
        self, options: TranscribeOptions, *, duration_s: Seconds, target_s: Seconds, sound: Callable[[], Audio]
    ) -> Recognition:
        """What is said in all of a long recording, whoever hears it.

        Args:
            options: What the recognizer is asked.
            duration_s: Length of the recording.
            target_s: Length of a stretch.
            sound: Gives all of its sound; not called where the stretches' sounds are stored.

        Raises:
            HandedBack: the worker has to leave; what it has heard is stored.
        """
        target_s = max(target_s, duration_s / _MOST_STRETCHES)
        agreed = self._plan(options, target_s, duration_s, sound)
        others = self.stages.control.spread
        for index in self._missing(agreed):
            self._keep_sound(agreed.spans[index], sound)
            if others is not None:
                others.offer(self.recording_id, index, agreed.spans[index].duration)
            self.stages.rest()
        self._wait_for_all(agreed, duration_s)
        parts = [
            (span, self.hear(agreed, index, before_s=duration_s, total_s=duration_s))
            for index, span in enumerate(agreed.spans)
        ]
        return joined(parts)

    def _wait_for_all(self, agreed: Plan, duration_s: Seconds) -> None:
        """Hear stretch after stretch that nobody else is at, until all are stored."""
        others, patience = self.stages.control.spread, _Patience()
        while missing := self._missing(agreed):
            heard_s = duration_s - sum(agreed.spans[index].duration for index in missing)
            self.stages.report("transcribe", heard_s, duration_s)
            mine = missing[0] if others is None else others.take(self.recording_id, missing)
            if mine is None and patience.ends(missing, agreed.spans[missing[0]].duration):
                mine = missing[0]
            if mine is None:
                time.sleep(_POLL_S)
                self.stages.rest()
            else:
                self.hear(agreed, mine, before_s=heard_s, total_s=duration_s)

    def hear(self, agreed: Plan, index: int, *, before_s: Seconds, total_s: Seconds) -> Recognition:
        """What is said in one stretch: heard now, unless that is stored.

        Args:
            agreed: The recording's stretches.
            index: Which of them, from 0.
            before_s: Seconds that are done already, for whoever is told of progress.
            total_s: Seconds in all, for the same.

        Raises:
            StorageError: "object-missing" when the stretch's sound isn't stored.
            HandedBack: the worker has to leave; what it has heard is stored.
        """
        span = agreed.spans[index]
        name = stretch_key(self.recording_id, self.depends_on, index)
        stored = self.stages.find(name, Recognition)
        if stored is not None:
            return stored

        def progress(done_s: Seconds, _total_s: Seconds) -> None:
            self.stages.report("transcribe", min(before_s + done_s, total_s), total_s)

        def make() -> Recognition:
            return self.recognizer.recognize(self._sound(span), agreed.options, progress)

        return self.stages.made(name, make, audio_s=lambda _: span.duration, gpu=self.gpu)

    def forget_sounds(self) -> None:
        """Remove the sounds of all stretches: they are large, and the words are there."""
        for stored in self.stages.place.list(f"{stages_folder(self.recording_id)}sound-"):
            self.stages.place.storage.delete(stored.key)

    def _plan(
        self, options: TranscribeOptions, target_s: Seconds, duration_s: Seconds, sound: Callable[[], Audio]
    ) -> Plan:
        name = stage_key(self.recording_id, "plan", self.depends_on)

        def make() -> Plan:
            spans = plan(duration_s, self.recognizer.speech(sound()), target_s)
            return Plan(spans, options, self.recognizer.digest(), self.depends_on)

        return self.stages.find(name, Plan) or self.stages.made(name, make, audio_s=lambda _: duration_s)

    def _missing(self, agreed: Plan) -> tuple[int, ...]:
        """Which stretches nobody has stored yet."""
        place = self.stages.place
        stored = {item.key for item in place.list(stage_key(self.recording_id, "stretch", "").removesuffix(".json"))}
        keys = [place.folder + stretch_key(self.recording_id, self.depends_on, at) for at in range(len(agreed.spans))]
        return tuple(index for index, key in enumerate(keys) if key not in stored)

    def _keep_sound(self, span: Span, sound: Callable[[], Audio]) -> None:
        name, place = sound_key(self.recording_id, self.depends_on, span), self.stages.place
        if place.storage.head(place.folder + name) is None:
            place.write(name, to_pcm(samples_of(sound(), span)), "application/octet-stream", if_absent=True)

    def _sound(self, span: Span) -> Audio:
        data = self.stages.place.read(sound_key(self.recording_id, self.depends_on, span))
        if data is None:
            raise StorageError("object-missing", "the sound of a stretch isn't stored any more")
        return from_pcm(data)


class _Patience:
    """How long others may take for the stretches that they have begun: as long as the sound lasts."""

    def __init__(self) -> None:
        self._missing: tuple[int, ...] = ()
        self._since = 0.0

    def ends(self, missing: tuple[int, ...], patience_s: Seconds) -> bool:
        """Whether nothing has come of these for so long."""
        now = time.monotonic()
        if missing != self._missing:
            self._missing, self._since = missing, now
        return now - self._since > patience_s


def hear_stretch(place: Place, index: int, *, settings: Settings, control: Control, report: Report) -> None:
    """Hear one stretch of another worker's recording; nothing is done where nothing is wanted any more.

    Raises:
        EngineError, StorageError: worth another try.
        SetupError: this machine isn't ready.
        HandedBack: the worker has to leave; what it has heard is stored.
    """
    stages = Stages(place, control, report)
    agreed = _newest_plan(stages)
    if agreed is None or index >= len(agreed.spans):
        log.info("stretch.unwanted", recording_id=place.recording.id, index=index)
        return
    recognizer = engines(settings).recognizer
    if agreed.recognizer != recognizer.digest():
        log.warning("stretch.foreign", recording_id=place.recording.id, index=index)
        return
    span = agreed.spans[index]
    if place.storage.head(place.folder + sound_key(place.recording.id, agreed.depends_on, span)) is None:
        log.info("stretch.unwanted", recording_id=place.recording.id, index=index)
        return
    ear = Ear(stages, recognizer, agreed.depends_on, holds_gpu(settings.transcribe.device))
    ear.hear(agreed, index, before_s=0.0, total_s=span.duration)


def _newest_plan(stages: Stages) -> Plan | None:
    """Plans differ in what they depend on: whoever has changed that has made the newest, and waits for it."""
    folder = stages.place.folder
    name = stage_key(stages.place.recording.id, "plan", "").removesuffix(".json")
    plans = sorted(stages.place.list(name), key=lambda stored: stored.modified)
    return stages.find(plans[-1].key.removeprefix(folder), Plan) if plans else None
