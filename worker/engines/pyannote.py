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
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import structlog
import torch
from numpy.typing import NDArray
from torch.nn import functional

from config.settings import Settings
from jobs import voices
from jobs.artifacts import digest
from jobs.audio import SAMPLE_RATE, Audio
from jobs.diarize import Diarization, DiarizeOptions, exclusive_turns, without_ghosts
from jobs.errors import EngineError, SetupError
from jobs.timeline import Seconds, Span
from jobs.transcribe import Progress
from jobs.transcript import Turn
from worker import weights
from worker.engines.campplus import DIMENSION, MEL_BINS, CamPlusPlus, load_campplus
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

# CAM++ hears ten seconds at a time, so that its context is the same for all. Lengths are always equal because oneDNN
# compiles its kernels anew for each: 0.5 s where the network takes 0.04 s.
_CHUNK_FRAMES = 1000  # of 10 ms
_MARGIN_FRAMES = 50  # at both ends of a chunk, left to its neighbours: half of what one embedding hears
_FRAMES_A_SECOND = 100
_FBANK_SAMPLES = 400  # that one frame looks at
_TRUNK_FRAMES_A_SECOND = 50
_MIN_TRUNK_FRAMES = 3
# What a library's error means.
_failure = partial(failure, engine="pyannote.audio", code="diarization-failed")
_METHOD = "voices/1"  # part of the digest: what is done with the networks' answers


def _import_pyannote() -> types.ModuleType:
    """Import pyannote.audio without telemetry, and without the compiled part of a torchaudio that doesn't fit torch.

    torchaudio is needed for features only, which are pure torch; torchcodec isn't needed: audio comes as arrays.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import torchaudio  # noqa: F401, PLC0415
        except (OSError, ImportError):
            for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
                del sys.modules[name]
            stub = types.ModuleType("torchaudio._extension")
            stub.__dict__.update(
                _IS_TORCHAUDIO_EXT_AVAILABLE=False, _IS_ALIGN_AVAILABLE=False, fail_if_no_align=lambda f: f
            )
            sys.modules["torchaudio._extension"] = stub
        import pyannote.audio  # noqa: PLC0415

        module: types.ModuleType = pyannote.audio
        return module


class Hears(Protocol):
    """What stands behind either kind of pipeline."""

    #: Windows that it hears at once; settable, for where memory is short.
    batch: int
    device: torch.device

    def __call__(
        self, audio: Audio, options: DiarizeOptions, progress: Progress
    ) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
        """Turns and exclusive turns, in time order, labels as they come."""
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
            overlapping, alone = _fitting(self._warm(), audio, options, progress)
        except EngineError as error:
            if error.code != OUT_OF_MEMORY or not self._may_leave_gpu():
                raise
            free_memory()
            log.warning("engine.fell_back", device="cpu", batch=_LARGEST_BATCH)
            overlapping, alone = _heard(self._read(torch.device("cpu")), audio, options, progress)
        progress(audio.duration, audio.duration)
        turns, exclusive = without_ghosts(overlapping, alone)
        return Diarization(turns, exclusive_turns(exclusive), signed)

    def _may_leave_gpu(self) -> bool:
        on_cpu = self._hears is not None and self._hears.device.type == "cpu"
        return self._settings.diarize.device == "auto" and not on_cpu


def _fitting(
    hears: Hears, audio: Audio, options: DiarizeOptions, progress: Progress
) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
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


def _heard(
    hears: Hears, audio: Audio, options: DiarizeOptions, progress: Progress
) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
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

    def __call__(
        self, audio: Audio, options: DiarizeOptions, progress: Progress
    ) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
        for name, size in self._sizes.items():
            setattr(self._pipeline, name, min(size, self.batch))
        output = self._pipeline(_file(audio), hook=_hook(audio.duration, progress), **_bounds(audio, options))
        overlapping = _turns(output.speaker_diarization, audio.duration)
        return overlapping, _turns(output.exclusive_speaker_diarization, audio.duration)


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

    def __call__(
        self, audio: Audio, options: DiarizeOptions, progress: Progress
    ) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
        hook = _hook(audio.duration, progress)
        file = _file(audio)
        self._segmentation.batch_size = self.batch
        windows = self._segmentation(file, hook=partial(hook, "segmentation", None))
        speech = voices.cells(_activity(windows, self._frames, audio.duration))
        if len(speech) == 0:
            return (), ()
        embeddings = embed_windows(
            self._network, file["waveform"], speech.windows, partial(hook, "embeddings", None), batch=self.batch
        )
        at_most = 1 if audio.duration < MIN_CLUSTERING_S else options.max_speakers
        at_least = min(options.min_speakers or 1, at_most or _NO_BOUND)
        found = voices.group(speech, embeddings, at_least=at_least, at_most=at_most)
        return voices.turns(speech, voices.follow(speech, embeddings, found))


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


def embed_windows(
    network: CamPlusPlus,
    waveform: torch.Tensor,
    windows: NDArray[np.float64],
    hook: Callable[..., None],
    *,
    batch: int = _LARGEST_BATCH,
) -> NDArray[np.float32]:
    """Embed stretches of at most a second: unit vectors, shape (windows, 192).

    `waveform` is (1, samples) at 16 kHz; `windows` holds start and end in seconds, shape (windows, 2), in time order.
    The network runs once over ten seconds at a time, and every stretch is pooled from its frames: as cheap for a
    hundred stretches as for one, and steadier than a second heard alone.
    """
    owners = _owners(windows, waveform.shape[1])
    chunks = np.unique(owners)
    mean = _speech_mean(waveform, windows, chunks)
    embeddings = np.zeros((len(windows), DIMENSION), dtype=np.float32)
    device = next(network.parameters()).device
    at_once = max(1, batch // 2)
    for first in range(0, len(chunks), at_once):
        some = chunks[first : first + at_once]
        features = torch.zeros((at_once, _CHUNK_FRAMES, MEL_BINS))
        for row, chunk in enumerate(some):
            found = _features(waveform, chunk) - mean
            features[row, : len(found)] = found
        frames = network.trunk(features.to(device)).float()
        for row, chunk in enumerate(some):
            mine = np.flatnonzero(owners == chunk)
            offset = chunk * (_CHUNK_FRAMES - 2 * _MARGIN_FRAMES) / _FRAMES_A_SECOND
            embeddings[mine] = _pooled(network, frames[row], windows[mine] - offset)
        hook(total=len(chunks), completed=first + len(some))
    return embeddings


def _owners(windows: NDArray[np.float64], samples: int) -> NDArray[np.int_]:
    """The chunk in which each stretch lies whole, away from the ends if possible."""
    hop = _CHUNK_FRAMES - 2 * _MARGIN_FRAMES
    last = max(0, -(-(samples * _FRAMES_A_SECOND // SAMPLE_RATE - _CHUNK_FRAMES) // hop))
    middles = windows.mean(axis=1) * _FRAMES_A_SECOND
    owners: NDArray[np.int_] = np.clip((middles - _MARGIN_FRAMES) // hop, 0, last).astype(int)
    return owners


def _features(waveform: torch.Tensor, chunk: int) -> torch.Tensor:
    """Log mel energies of one chunk, shape (frames, 80): 1000 frames, fewer at the recording's end."""
    from torchaudio.compliance import kaldi  # noqa: PLC0415

    hop = SAMPLE_RATE // _FRAMES_A_SECOND
    start = int(chunk) * (_CHUNK_FRAMES - 2 * _MARGIN_FRAMES) * hop
    stretch = waveform[:, start : start + (_CHUNK_FRAMES - 1) * hop + _FBANK_SAMPLES]
    features: torch.Tensor = kaldi.fbank(stretch, num_mel_bins=MEL_BINS, sample_frequency=SAMPLE_RATE, dither=0.0)
    return features


def _speech_mean(waveform: torch.Tensor, windows: NDArray[np.float64], chunks: NDArray[np.int_]) -> torch.Tensor:
    """Mean features of all speech, shape (80,): takes the room and the microphone out, and leaves the voices in."""
    edges = np.zeros(waveform.shape[1] * _FRAMES_A_SECOND // SAMPLE_RATE + _CHUNK_FRAMES, int)
    np.add.at(edges, np.rint(windows[:, 0] * _FRAMES_A_SECOND).astype(int), 1)
    np.add.at(edges, np.rint(windows[:, 1] * _FRAMES_A_SECOND).astype(int), -1)
    speech = torch.from_numpy(np.cumsum(edges) > 0)
    total, number = torch.zeros(MEL_BINS, dtype=torch.float64), 0
    for chunk in chunks:
        features = _features(waveform, chunk)
        start = int(chunk) * (_CHUNK_FRAMES - 2 * _MARGIN_FRAMES)
        chosen = features[speech[start : start + len(features)]]
        total += chosen.sum(dim=0)
        number += len(chosen)
    return (total / max(1, number)).float()


def _pooled(network: CamPlusPlus, frames: torch.Tensor, windows: NDArray[np.float64]) -> NDArray[np.float32]:
    """Embed stretches of one chunk from its trunk's output (512, t); `windows` in seconds from the chunk's start."""
    size = frames.shape[1]
    bounds = np.rint(windows * _TRUNK_FRAMES_A_SECOND).astype(int)
    # A deviation needs a few frames, however short the stretch.
    start = np.clip(bounds[:, 0], 0, size - _MIN_TRUNK_FRAMES)
    end = np.clip(bounds[:, 1], start + _MIN_TRUNK_FRAMES, size)
    first, last = torch.from_numpy(start).to(frames.device), torch.from_numpy(end).to(frames.device)
    number = (last - first)[None]
    # Sums up to each frame, so that any stretch is a difference of two.
    sums, squares = (functional.pad(value.double().cumsum(dim=1), (1, 0)) for value in (frames, frames**2))
    mean = (sums[:, last] - sums[:, first]) / number
    variance = ((squares[:, last] - squares[:, first]) / number - mean**2) * number / (number - 1)
    embedded = network.pooled(mean.T.float(), variance.clamp_min(1e-8).sqrt().T.float())
    found: NDArray[np.float32] = functional.normalize(embedded, dim=1).cpu().numpy()
    return found
