"""Who spoke when, by pyannote.audio 4: the packaged pipeline, or a user's own copy of community-1.

The packaged pipeline is pyannote's own `SpeakerDiarization` with the segmentation-3.0 network, CAM++ voice
embeddings and agglomerative clustering: weights that need no account. pyannote never opens an upload or a URL.
"""

import importlib.metadata
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from config.settings import Settings, stay_silent
from jobs.artifacts import digest
from jobs.audio import Audio
from jobs.diarize import Diarization, DiarizeOptions, exclusive_turns, without_ghosts
from jobs.errors import EngineError, SetupError
from jobs.timeline import Span
from jobs.transcribe import Progress
from jobs.transcript import Turn
from worker import weights
from worker.engines.campplus import DIMENSION, MEL_BINS, CamPlusPlus, load_campplus
from worker.engines.device import torch_device, torch_threads
from worker.provenance import provenance

VERSION = importlib.metadata.version("pyannote-audio")
PACKAGED = "packaged"

#: A recording shorter than this has one speaker: on half a second the clustering sees two.
MIN_CLUSTERING_S = 3.0
# Feature frames (10 ms each) a voice needs before its embedding means anything.
_MIN_VOICE_FRAMES = 40
_FRAME_S = 0.01
_CHUNKS_AT_ONCE = 64  # segmentation windows whose features are held in memory together

# Threshold: cosine-like distance of unit vectors; 0.55 to 0.70 serve alike. Smaller clusters explode in number.
_CLUSTERING: dict[str, Any] = {"method": "centroid", "min_cluster_size": 12, "threshold": 0.6}
# Share of the 10 s window that segmentation moves on by; finer steps cost two to three times as much and give no more.
_SEGMENTATION_STEP = 0.25


def _import_pyannote() -> types.ModuleType:
    """Import pyannote.audio without telemetry, and without the compiled part of a torchaudio that doesn't fit torch.

    torchaudio is needed for features only, which are pure torch; torchcodec isn't needed: audio comes as arrays.
    """
    stay_silent()
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


class PyannoteDiarizer:
    """A warm pipeline on one device."""

    def __init__(self, settings: Settings) -> None:
        """Check the weights; they are read into memory by the first call.

        Raises:
            SetupError: weights are missing or not the ones the lock names.
        """
        self._settings = settings
        self._pipeline: Any = None
        if settings.diarize.pipeline == PACKAGED:
            locked = [weights.lock()[name] for name in ("pyannote-segmentation", "campplus")]
            self._weights_sha256 = digest(*(one.sha256 for one in locked))
        else:
            self._weights_sha256 = weights.folder_digest(Path(settings.diarize.pipeline).expanduser())

    def digest(self) -> str:
        """Name engine, version and weights."""
        return digest("pyannote.audio", VERSION, self._weights_sha256, _CLUSTERING, _SEGMENTATION_STEP)

    def load(self) -> None:
        """Read the weights into memory now rather than with the first recording."""
        if self._pipeline is None:
            torch_threads(self._settings.diarize.threads)
            device = torch_device(self._settings.diarize.device)
            packaged = self._settings.diarize.pipeline == PACKAGED
            self._pipeline = _packaged(self._settings, device) if packaged else _users_own(self._settings, device)

    def diarize(self, audio: Audio, options: DiarizeOptions, progress: Progress) -> Diarization:
        """Find the turns in all of `audio`; silence and noise give none."""
        self.load()
        bounds = _bounds(audio, options)
        waveform = torch.from_numpy(np.ascontiguousarray(audio.samples))[None]
        file = {"waveform": waveform, "sample_rate": audio.sample_rate, "uri": "recording"}
        try:
            with warnings.catch_warnings(), torch.inference_mode():
                warnings.simplefilter("ignore")  # pyannote warns of every window without speech
                output = self._pipeline(file, hook=_hook(audio.duration, progress), **bounds)
        except (RuntimeError, ValueError) as error:
            raise EngineError("diarization-failed", f"pyannote.audio: {type(error).__name__}") from error
        progress(audio.duration, audio.duration)
        overlapping = _turns(output.speaker_diarization, audio.duration)
        alone = _turns(output.exclusive_speaker_diarization, audio.duration)
        turns, exclusive = without_ghosts(overlapping, alone)
        signed = provenance("pyannote.audio", VERSION, weights_sha256=self._weights_sha256, options=options)
        return Diarization(turns, exclusive_turns(exclusive), signed)


def _bounds(audio: Audio, options: DiarizeOptions) -> dict[str, int]:
    if audio.duration < MIN_CLUSTERING_S:
        return {"num_speakers": 1}
    given = {"min_speakers": options.min_speakers, "max_speakers": options.max_speakers}
    return {name: value for name, value in given.items() if value is not None}


def _turns(annotation: Any, duration: float) -> tuple[Turn, ...]:
    """Pyannote's annotation as turns in time order, cut at the recording's end."""
    found = (
        Turn(Span(max(0.0, float(segment.start)), min(float(segment.end), duration)), str(label))
        for segment, _, label in annotation.itertracks(yield_label=True)
        if segment.start < duration
    )
    return tuple(sorted(found))


# How much of the whole time each step takes on a CPU, measured on a 20-minute talk.
_SHARES = {"segmentation": (0.0, 0.35), "embeddings": (0.35, 0.6)}


def _hook(duration: float, progress: Progress) -> Callable[..., None]:
    """Turn pyannote's progress by step into seconds of audio."""

    def report(
        step: str, _: object, *, total: float | None = None, completed: float | None = None, **__: object
    ) -> None:
        if step in _SHARES and total and completed is not None:
            start, share = _SHARES[step]
            progress(duration * (start + share * min(1.0, float(completed) / float(total))), duration)

    return report


def _users_own(settings: Settings, device: torch.device) -> Any:
    """A pipeline folder with `config.yaml`, such as a copy of pyannote/speaker-diarization-community-1."""
    folder = Path(settings.diarize.pipeline).expanduser()
    if not (folder / "config.yaml").is_file():
        raise SetupError("pipeline-missing", f"diarize.pipeline: {folder} holds no config.yaml")
    _import_pyannote()
    from pyannote.audio import Pipeline  # noqa: PLC0415

    return Pipeline.from_pretrained(folder).to(device)


def _packaged(settings: Settings, device: torch.device) -> Any:
    segmentation_folder = weights.locate("pyannote-segmentation", settings)
    campplus_folder = weights.locate("campplus", settings)
    pyannote_audio = _import_pyannote()
    pipeline_type = _pipeline_type()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checkpoint was made with an older lightning
        segmentation = pyannote_audio.Model.from_pretrained(segmentation_folder / "pytorch_model.bin", strict=False)
        network = load_campplus(campplus_folder / "campplus_cn_en_common.pt", device)
        pipeline = pipeline_type(segmentation, network)
    pipeline.instantiate({"segmentation": {"min_duration_off": 0.0}, "clustering": _CLUSTERING})
    return pipeline.to(device)


def _pipeline_type() -> type:
    """Pyannote's `SpeakerDiarization` with our embeddings; made here because pyannote is imported late."""
    from pyannote.audio.core.plda import PLDA  # noqa: PLC0415
    from pyannote.audio.pipelines.speaker_diarization import SpeakerDiarization  # noqa: PLC0415

    class NoPlda(PLDA):  # type: ignore[misc]  # pyannote has no types
        """Agglomerative clustering needs none, but the constructor asks for one."""

        def __init__(self) -> None:
            pass

    class PackagedDiarization(SpeakerDiarization):  # type: ignore[misc]  # the same
        """The stock pipeline; only `get_embeddings` is ours, so that each window's features are computed once."""

        def __init__(self, segmentation: Any, network: CamPlusPlus) -> None:
            super().__init__(
                segmentation=segmentation,
                segmentation_step=_SEGMENTATION_STEP,
                segmentation_batch_size=8,
                embedding=segmentation,  # must be some network; never asked, because `get_embeddings` is ours
                plda=NoPlda(),
                clustering="AgglomerativeClustering",
            )
            self._voices = network

        def get_embeddings(
            self,
            file: Any,
            binary_segmentations: Any,
            exclude_overlap: bool = True,
            hook: Any = None,
        ) -> Any:
            """Embed each (window, local speaker): float array (windows, speakers, 192), NaN where nobody speaks."""
            return embed_windows(self._voices, file["waveform"], binary_segmentations, hook or (lambda *_, **__: None))

    return PackagedDiarization


def embed_windows(
    network: CamPlusPlus, waveform: torch.Tensor, segmentations: Any, hook: Callable[..., None]
) -> NDArray[np.float32]:
    """Embed every local speaker of every window, from the frames where nobody else speaks if those suffice.

    `waveform` is (1, samples); `segmentations` a SlidingWindowFeature (windows, frames, speakers) of zeros and ones.
    """
    window = segmentations.sliding_window
    active = np.nan_to_num(segmentations.data).astype(bool)
    windows, _, speakers = active.shape
    embeddings = np.full((windows, speakers, DIMENSION), np.nan, dtype=np.float32)
    for place, features in _window_features(waveform, window.duration, window.step, windows):
        alone = active[place].sum(axis=1, keepdims=True) == 1
        rows = np.arange(len(features)) * len(active[place]) // max(1, round(window.duration / _FRAME_S))
        rows = rows[rows < len(active[place])]
        for speaker in range(speakers):
            mask = active[place][:, speaker]
            clean = (mask & alone[:, 0])[rows]
            chosen = clean if clean.sum() >= _MIN_VOICE_FRAMES else mask[rows]
            if chosen.sum() >= _MIN_VOICE_FRAMES:
                embeddings[place, speaker] = _embed(network, features[: len(rows)][torch.from_numpy(chosen)])
        hook("embeddings", None, total=windows, completed=place + 1)
    return embeddings


def _embed(network: CamPlusPlus, features: torch.Tensor) -> NDArray[np.float32]:
    device = next(network.parameters()).device
    centred = features - features.mean(dim=0, keepdim=True)
    # oneDNN compiles its kernels anew for each length, and no two are alike here: 0.5 s where the network takes 0.04 s.
    with torch.backends.mkldnn.flags(enabled=False):
        embedding: NDArray[np.float32] = network(centred[None].to(device))[0].float().cpu().numpy()
    return embedding


def _window_features(
    waveform: torch.Tensor, duration: float, step: float, windows: int
) -> Iterator[tuple[int, torch.Tensor]]:
    """Log mel features (frames, 80) of each window, computed once for many windows that overlap."""
    from torchaudio.compliance import kaldi  # noqa: PLC0415

    rate = 16_000
    for first in range(0, windows, _CHUNKS_AT_ONCE):
        last = min(first + _CHUNKS_AT_ONCE, windows)
        start = round(first * step * rate)
        stop = round(((last - 1) * step + duration) * rate)
        stretch = waveform[:, start:stop]
        if stretch.shape[1] < 0.025 * rate:  # one frame of the window function
            return
        features = kaldi.fbank(stretch, num_mel_bins=MEL_BINS, sample_frequency=rate, dither=0.0)
        for place in range(first, last):
            offset = round((place - first) * step / _FRAME_S)
            yield place, features[offset : offset + round(duration / _FRAME_S)]
