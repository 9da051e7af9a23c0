"""Who spoke when, by pyannote.audio 4: the packaged networks, or a user's own copy of community-1.

Packaged, pyannote.audio runs the segmentation-3.0 network, which hears how many speak and where voices change; CAM++
embeds what is heard around each tenth of a second; `jobs.voices` counts the voices and follows them. These weights need
no account. pyannote never opens an upload or a URL.
"""

import importlib.metadata
import sys
import types
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import structlog
import torch

from config.settings import Settings
from jobs import voices
from jobs.artifacts import digest
from jobs.audio import Audio
from jobs.diarize import Diarization, DiarizeOptions, exclusive_turns, ghosts, without_ghosts
from jobs.errors import EngineError, SetupError
from jobs.timeline import Seconds, Span
from jobs.transcribe import Progress
from jobs.transcript import Turn
from worker import weights
from worker.engines.campplus import embed_windows, import_torchaudio, load_campplus
from worker.engines.device import OUT_OF_MEMORY, failure, free_memory, torch_device, torch_threads
from worker.provenance import provenance

log = structlog.get_logger()

VERSION = importlib.metadata.version("pyannote-audio")
PACKAGED = "packaged"
_WEIGHTS = ("pyannote-segmentation", "campplus")

#: A recording shorter than this has one speaker: half a second is too little to tell two apart.
MIN_CLUSTERING_S = 3.0
#: Shorter than this nobody says anything, and the networks have no frame to look at.
MIN_SPEECH_S = 0.1
_NO_BOUND = sys.maxsize

# Share of the 10 s window that segmentation moves on by; finer steps cost two to three times as much and give no more.
_SEGMENTATION_STEP = 0.25
# Windows of 10 s that segmentation hears at once; embedding hears half as many.
_LARGEST_BATCH = 8
_BATCH_SIZES = ("segmentation_batch_size", "embedding_batch_size")

# What a library's error means.
_failure = partial(failure, engine="pyannote.audio", code="diarization-failed")
_METHOD = "voices/2"  # part of the digest: what is done with the networks' answers


def _import_pyannote() -> types.ModuleType:
    """Import pyannote.audio without telemetry; torchcodec isn't needed: audio comes as arrays."""
    import_torchaudio()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pyannote.audio  # noqa: PLC0415

        module: types.ModuleType = pyannote.audio
        return module


@dataclass(frozen=True, slots=True)
class Heard:
    """What either kind of pipeline answers; labels as they come."""

    #: Both in time order.
    turns: tuple[Turn, ...]
    exclusive: tuple[Turn, ...]
    #: When voices are first heard that are in neither, because they speak too briefly.
    brief: tuple[Seconds, ...] = ()


class Hears(Protocol):
    """What stands behind either kind of pipeline."""

    #: Windows that it hears at once; settable, for where memory is short.
    batch: int
    device: torch.device

    def __call__(self, audio: Audio, options: DiarizeOptions, progress: Progress) -> Heard:
        """Hear all of the recording."""
        ...


class PyannoteDiarizer:
    """Warm networks on one device."""

    def __init__(self, settings: Settings) -> None:
        """Check the weights; they are read into memory by the first call.

        Raises:
            SetupError: weights are missing or not the ones the lock names.
        """
        self._settings = settings
        self._hears: Hears | None = None
        if settings.diarize.pipeline == PACKAGED:
            for name in _WEIGHTS:
                weights.locate(name, settings)
            locked = [weights.lock()[name] for name in _WEIGHTS]
            self._weights_sha256 = digest(*(one.sha256 for one in locked))
        else:
            self._weights_sha256 = weights.folder_digest(Path(settings.diarize.pipeline).expanduser())

    def digest(self) -> str:
        """Name engine, version and weights."""
        return digest("pyannote.audio", VERSION, self._weights_sha256, _METHOD, _SEGMENTATION_STEP)

    def load(self) -> None:
        """Read the weights into memory now rather than with the first recording.

        Raises:
            EngineError: they don't fit.
            SetupError: a CUDA device is asked for and isn't there, or the folder holds no pipeline.
        """
        self._warm()

    def _warm(self) -> Hears:
        if self._hears is None:
            torch_threads(self._settings.diarize.threads)
            self._hears = self._read(torch_device(self._settings.diarize.device))
        return self._hears

    def _read(self, device: torch.device) -> Hears:
        kind = _Packaged if self._settings.diarize.pipeline == PACKAGED else _UsersOwn
        try:
            return kind(self._settings, device)
        except (RuntimeError, MemoryError) as error:
            raise _failure(error) from error

    def diarize(self, audio: Audio, options: DiarizeOptions, progress: Progress) -> Diarization:
        """Find the turns in all of `audio`; silence and noise give none.

        Where a GPU is short of memory, batches become smaller for as long as this process lives; if even one window
        doesn't fit, and the device is "auto", this recording is left to the CPU.

        Raises:
            EngineError: the engine failed.
            SetupError: a CUDA device is asked for and isn't there.
        """
        signed = provenance("pyannote.audio", VERSION, weights_sha256=self._weights_sha256, options=options)
        if audio.duration < MIN_SPEECH_S:
            return Diarization((), (), signed)
        try:
            heard = _fitting(self._warm(), audio, options, progress)
        except EngineError as error:
            if error.code != OUT_OF_MEMORY or not self._may_leave_gpu():
                raise
            free_memory()
            log.warning("engine.fell_back", device="cpu", batch=_LARGEST_BATCH)
            heard = _heard(self._read(torch.device("cpu")), audio, options, progress)
        progress(audio.duration, audio.duration)
        turns, exclusive = without_ghosts(heard.turns, heard.exclusive)
        too_brief = tuple(sorted((*ghosts(heard.turns), *heard.brief)))
        return Diarization(turns, exclusive_turns(exclusive), signed, too_brief)

    def _may_leave_gpu(self) -> bool:
        on_cpu = self._hears is not None and self._hears.device.type == "cpu"
        return self._settings.diarize.device == "auto" and not on_cpu


def _fitting(hears: Hears, audio: Audio, options: DiarizeOptions, progress: Progress) -> Heard:
    """Hear the recording, with ever smaller batches while memory is short: a handful of tries at most."""
    while True:
        try:
            return _heard(hears, audio, options, progress)
        except EngineError as error:
            if error.code != OUT_OF_MEMORY or hears.batch == 1:
                raise
        free_memory()
        hears.batch //= 2
        log.warning("engine.fell_back", device=str(hears.device), batch=hears.batch)


def _heard(hears: Hears, audio: Audio, options: DiarizeOptions, progress: Progress) -> Heard:
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # pyannote warns of every window without speech
            return hears(audio, options, progress)
    except (RuntimeError, ValueError, MemoryError) as error:
        raise _failure(error) from error


def _file(audio: Audio) -> dict[str, Any]:
    """What pyannote takes instead of a path; samples that lie on disk (memmap) stay there."""
    waveform = torch.from_numpy(np.ascontiguousarray(audio.samples))[None]
    return {"waveform": waveform, "sample_rate": audio.sample_rate, "uri": "recording"}


# How much of the whole time each step takes on a CPU, measured on a 20-minute talk.
_SHARES = {"segmentation": (0.0, 0.4), "embeddings": (0.4, 0.6)}


def _hook(duration: Seconds, progress: Progress) -> Callable[..., None]:
    """Turn pyannote's progress by step into seconds of audio."""

    def report(
        step: str, _: object, *, total: float | None = None, completed: float | None = None, **__: object
    ) -> None:
        if step in _SHARES and total and completed is not None:
            start, share = _SHARES[step]
            progress(duration * (start + share * min(1.0, float(completed) / float(total))), duration)

    return report


class _UsersOwn:
    """A pipeline folder with `config.yaml`, such as a copy of pyannote/speaker-diarization-community-1."""

    def __init__(self, settings: Settings, device: torch.device) -> None:
        folder = Path(settings.diarize.pipeline).expanduser()
        if not (folder / "config.yaml").is_file():
            raise SetupError("pipeline-missing", f"diarize.pipeline: {folder} holds no config.yaml")
        _import_pyannote()
        from pyannote.audio import Pipeline  # noqa: PLC0415

        self._pipeline: Any = Pipeline.from_pretrained(folder).to(device)
        # As its config.yaml says; a pipeline of another kind may have neither.
        self._sizes = {name: getattr(self._pipeline, name) for name in _BATCH_SIZES if hasattr(self._pipeline, name)}
        self.batch = max((1, *self._sizes.values()))
        self.device = device

    def __call__(self, audio: Audio, options: DiarizeOptions, progress: Progress) -> Heard:
        for name, size in self._sizes.items():
            setattr(self._pipeline, name, min(size, self.batch))
        output = self._pipeline(_file(audio), hook=_hook(audio.duration, progress), **_bounds(audio, options))
        overlapping = _turns(output.speaker_diarization, audio.duration)
        return Heard(overlapping, _turns(output.exclusive_speaker_diarization, audio.duration))


def _bounds(audio: Audio, options: DiarizeOptions) -> dict[str, int]:
    if audio.duration < MIN_CLUSTERING_S:
        return {"num_speakers": 1}
    given = {"min_speakers": options.min_speakers, "max_speakers": options.max_speakers}
    return {name: value for name, value in given.items() if value is not None}


def _turns(annotation: Any, duration: Seconds) -> tuple[Turn, ...]:
    """Pyannote's annotation as turns in time order, cut at the recording's end."""
    found = (
        Turn(Span(max(0.0, float(segment.start)), min(float(segment.end), duration)), str(label))
        for segment, _, label in annotation.itertracks(yield_label=True)
        if segment.start < duration
    )
    return tuple(sorted(found))


class _Packaged:
    """Segmentation by pyannote.audio, voices by CAM++, and `jobs.voices` to tell them apart."""

    def __init__(self, settings: Settings, device: torch.device) -> None:
        segmentation_folder = weights.locate("pyannote-segmentation", settings)
        campplus_folder = weights.locate("campplus", settings)
        pyannote_audio = _import_pyannote()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the checkpoint was made with an older lightning
            model = pyannote_audio.Model.from_pretrained(segmentation_folder / "pytorch_model.bin", strict=False)
        window_s = model.specifications.duration
        self._frames: Any = model.receptive_field
        self._segmentation: Any = pyannote_audio.Inference(
            model,
            duration=window_s,
            step=_SEGMENTATION_STEP * window_s,
            skip_aggregation=True,
            batch_size=_LARGEST_BATCH,
            device=device,
        )
        self.batch = _LARGEST_BATCH
        self.device = device
        self._network = load_campplus(campplus_folder / "campplus_cn_en_common.pt", device)

    def __call__(self, audio: Audio, options: DiarizeOptions, progress: Progress) -> Heard:
        hook = _hook(audio.duration, progress)
        file = _file(audio)
        self._segmentation.batch_size = self.batch
        windows = self._segmentation(file, hook=partial(hook, "segmentation", None))
        speech = voices.cells(_activity(windows, self._frames, audio.duration))
        if len(speech) == 0:
            return Heard((), ())
        embeddings = embed_windows(
            self._network,
            file["waveform"],
            speech.windows,
            partial(hook, "embeddings", None),
            at_once=max(1, self.batch // 2),
        )
        at_most = 1 if audio.duration < MIN_CLUSTERING_S else options.max_speakers
        at_least = min(options.min_speakers or 1, at_most or _NO_BOUND)
        found, brief = voices.group(speech, embeddings, at_least=at_least, at_most=at_most)
        # Where there is one voice by order, nobody else can be missing.
        return Heard(*voices.turns(speech, voices.follow(speech, embeddings, found)), () if at_most == 1 else brief)


def _activity(windows: Any, receptive: Any, duration: Seconds) -> voices.Activity:
    """Lay overlapping windows, a SlidingWindowFeature (windows, frames, speakers) of zeros and ones, side by side.

    How many speak is the mean of all windows; where voices change is up to the one whose middle is nearest, because
    which local speaker is which differs from window to window.
    """
    active = np.nan_to_num(windows.data) > 0.5
    number, width, _ = active.shape
    frame_s = float(receptive.step)
    # A frame stands for the middle of what the network saw for it.
    start_s = float(receptive.start + (receptive.duration - receptive.step) / 2)
    frames = max(0, round((duration - start_s) / frame_s))
    speaking, seen, border = np.zeros(frames), np.zeros(frames), np.zeros(frames, bool)
    margin = round((windows.sliding_window.duration - windows.sliding_window.step) / 2 / frame_s)
    for place, window in enumerate(active):
        start = round(place * windows.sliding_window.step / frame_s)
        size = min(width, frames - start)
        if size <= 0:
            continue
        speaking[start : start + size] += window[:size].sum(axis=1)
        seen[start : start + size] += 1
        left = margin if place else 1
        right = min(size, width - margin if place + 1 < number else width)
        border[start + left : start + right] = np.any(window[left:right] != window[left - 1 : right - 1], axis=1)
    count = np.rint(speaking / np.maximum(seen, 1)).astype(int)
    return voices.Activity(count, border, frame_s, start_s)
