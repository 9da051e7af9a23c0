"""CAM++, the network that turns a stretch of speech into a voice embedding (arXiv:2303.00332).

Written against the published description and the shapes in the packaged weights ("zh-en common, advanced", 192
dimensions, Apache-2.0). Input features are 80 log mel energies every 10 ms; every tensor below is (batch, channels, …,
frames).
"""

import sys
import types
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from config.settings import Settings
from jobs.audio import SAMPLE_RATE, Audio
from jobs.profiles import Embedding, mean_voice
from jobs.timeline import Span
from worker import weights
from worker.engines.device import failure, torch_device

#: Size of a voice embedding.
DIMENSION = 192
#: Log mel energies per frame.
MEL_BINS = 80

_GROWTH = 32  # channels that each densely connected layer adds (table 1 of the paper)
_BOTTLENECK = 128
_HEAD_CHANNELS = 32
# Layers and dilation of the three densely connected blocks (table 1).
_BLOCKS = ((12, 1), (24, 2), (16, 2))
_CONTEXT_FRAMES = 100  # segment length of the context pooling (section 2.2)

# CAM++ hears ten seconds at a time, so that its context is the same for all. Lengths are always equal because oneDNN
# compiles its kernels anew for each: 0.5 s where the network takes 0.04 s.
_CHUNK_FRAMES = 1000  # of 10 ms
_MARGIN_FRAMES = 50  # at both ends of a chunk, left to its neighbours: half of what one embedding hears
_FRAMES_A_SECOND = 100
_FBANK_SAMPLES = 400  # that one frame looks at
_TRUNK_FRAMES_A_SECOND = 50
_MIN_TRUNK_FRAMES = 3
# Chunks that are heard at once.
_BATCH = 4
# What a library's error means.
_failure = partial(failure, engine="CAM++", code="diarization-failed")


class _ResidualUnit(nn.Module):
    """Two 3×3 convolutions with a shortcut; `stride` thins out frequency only."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        channels = _HEAD_CHANNELS
        self.conv1 = nn.Conv2d(channels, channels, 3, stride=(stride, 1), padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential()
        if stride != 1:
            projection = nn.Conv2d(channels, channels, 1, stride=(stride, 1), bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(inner + self.shortcut(x))


class _Head(nn.Module):
    """Two-dimensional front end: (b, 80, t) to (b, 320, t)."""

    def __init__(self) -> None:
        super().__init__()
        channels = _HEAD_CHANNELS
        self.conv1 = nn.Conv2d(1, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.layer1 = nn.Sequential(_ResidualUnit(2), _ResidualUnit(1))
        self.layer2 = nn.Sequential(_ResidualUnit(2), _ResidualUnit(1))
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=(2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(features.unsqueeze(1))))
        x = functional.relu(self.bn2(self.conv2(self.layer2(self.layer1(x)))))
        return x.flatten(1, 2)


class _Activation(nn.Module):
    """Batch normalisation, then ReLU; a module of its own because the weights' names say so."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.batchnorm = nn.BatchNorm1d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.batchnorm(x))


class _ContextMask(nn.Module):
    """A convolution whose output is weighed by what the whole stretch and its surroundings sound like."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(_BOTTLENECK, _GROWTH, 3, padding=dilation, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(_BOTTLENECK, _BOTTLENECK // 2, 1)
        self.linear2 = nn.Conv1d(_BOTTLENECK // 2, _GROWTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        frames = x.shape[-1]
        near = functional.avg_pool1d(x, _CONTEXT_FRAMES, _CONTEXT_FRAMES, ceil_mode=True)
        near = near.repeat_interleave(_CONTEXT_FRAMES, dim=-1)[..., :frames]
        context = x.mean(-1, keepdim=True) + near
        mask = torch.sigmoid(self.linear2(functional.relu(self.linear1(context))))
        return self.linear_local(x) * mask


class _DenseLayer(nn.Module):
    """One layer of a block: narrow, then convolve under the context mask."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = _Activation(channels)
        self.linear1 = nn.Conv1d(channels, _BOTTLENECK, 1, bias=False)
        self.nonlinear2 = _Activation(_BOTTLENECK)
        self.cam_layer = _ContextMask(dilation)

    def forward(self, x: Tensor) -> Tensor:
        return self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(x))))


class _DenseBlock(nn.Module):
    """Layers that each see the output of all before them."""

    def __init__(self, channels: int, layers: int, dilation: int) -> None:
        super().__init__()
        for place in range(layers):
            self.add_module(f"tdnnd{place + 1}", _DenseLayer(channels + place * _GROWTH, dilation))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = torch.cat((x, layer(x)), dim=1)
        return x


class _Projection(nn.Module):
    """Convolution over `width` frames without bias, and what stands before or behind it."""

    def __init__(self, channels: int, out: int, *, before: bool, width: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.before = before
        self.nonlinear = _Activation(channels if before else out)
        self.linear = nn.Conv1d(channels, out, width, stride=stride, padding=width // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.nonlinear(x)) if self.before else self.nonlinear(self.linear(x))


class _Embedding(nn.Module):
    """The last layer: 1024 statistics to 192 dimensions, normalised without scale or shift."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Conv1d(1024, DIMENSION, 1, bias=False)
        self.nonlinear = nn.Module()
        self.nonlinear.add_module("batchnorm", nn.BatchNorm1d(DIMENSION, affine=False))

    def forward(self, statistics: Tensor) -> Tensor:
        embedding = self.linear(statistics.unsqueeze(-1)).squeeze(-1)
        normalise: nn.Module = self.nonlinear.get_submodule("batchnorm")
        return normalise(embedding)


class CamPlusPlus(nn.Module):
    """The whole network: features (b, t, 80), mean already removed, to embeddings (b, 192)."""

    def __init__(self) -> None:
        super().__init__()
        self.head = _Head()
        trunk: dict[str, nn.Module] = {"tdnn": _Projection(320, 128, before=False, width=5, stride=2)}
        channels = 128
        for place, (layers, dilation) in enumerate(_BLOCKS, start=1):
            trunk[f"block{place}"] = _DenseBlock(channels, layers, dilation)
            channels += layers * _GROWTH
            trunk[f"transit{place}"] = _Projection(channels, channels // 2, before=True)
            channels //= 2
        trunk["out_nonlinear"] = _Activation(channels)
        self.xvector = nn.ModuleDict({**trunk, "dense": _Embedding()})

    def trunk(self, features: Tensor) -> Tensor:
        """Everything before the pooling: (b, t, 80) to (b, 512, t / 2), a frame every 20 ms."""
        x = self.head(features.transpose(1, 2))
        *trunk, _ = self.xvector.values()
        for module in trunk:
            x = module(x)
        return x

    def pooled(self, mean: Tensor, deviation: Tensor) -> Tensor:
        """Embed stretches by the mean and standard deviation of their frames, each (b, 512)."""
        *_, dense = self.xvector.values()
        return dense(torch.cat((mean, deviation), dim=1))

    def forward(self, features: Tensor) -> Tensor:
        """Embed each item of the batch."""
        x = self.trunk(features)
        return self.pooled(x.mean(-1), x.std(-1, unbiased=True))


def load_campplus(path: Path, device: torch.device) -> CamPlusPlus:
    """Read the weights. The caller has checked the file's SHA-256."""
    import_torchaudio()
    network = CamPlusPlus()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    network.eval()
    network.to(device)
    return network


class VoicePrinter:
    """What one voice sounds like over all its speech, for `jobs.profiles`."""

    def __init__(self, settings: Settings) -> None:
        """Check the weights and read them into memory.

        Raises:
            EngineError: they don't fit.
            SetupError: they are missing or not the ones the lock names, or a CUDA device is asked for and isn't there.
        """
        folder = weights.locate("campplus", settings)
        device = torch_device(settings.diarize.device)
        try:
            self._network = load_campplus(folder / "campplus_cn_en_common.pt", device)
        except (RuntimeError, MemoryError) as error:
            raise _failure(error) from error

    def voice(self, audio: Audio, pieces: Sequence[Span]) -> Embedding:
        """The voice that is heard in these pieces of speech, at least one, in time order: a unit vector (192,).

        Raises:
            EngineError: the engine failed.
        """
        windows = np.array([(piece.start, piece.end) for piece in pieces])
        try:
            with warnings.catch_warnings(), torch.inference_mode():
                warnings.simplefilter("ignore")  # samples that lie on disk can't be written to, and needn't
                waveform = torch.from_numpy(np.ascontiguousarray(audio.samples))[None]
                return mean_voice(embed_windows(self._network, waveform, windows, lambda **_: None))
        except (RuntimeError, ValueError, MemoryError) as error:
            raise _failure(error) from error


def import_torchaudio() -> None:
    """Make torchaudio importable where its compiled part doesn't fit this torch: its features are pure torch."""
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


def embed_windows(
    network: CamPlusPlus,
    waveform: torch.Tensor,
    windows: NDArray[np.float64],
    hook: Callable[..., None],
    *,
    at_once: int = _BATCH,
) -> NDArray[np.float32]:
    """Embed stretches of a few seconds at most: unit vectors, shape (windows, 192).

    `waveform` is (1, samples) at 16 kHz; `windows` holds start and end in seconds, shape (windows, 2), in time order;
    `at_once` chunks of ten seconds are heard in one go. Each voice is heard against the mean of all the windows.
    The network runs once over ten seconds at a time, and every stretch is pooled from its frames: as cheap for a
    hundred stretches as for one, and steadier than a second heard alone.
    """
    owners = _owners(windows, waveform.shape[1])
    chunks = np.unique(owners)
    mean = _speech_mean(waveform, windows, chunks)
    embeddings = np.zeros((len(windows), DIMENSION), dtype=np.float32)
    device = next(network.parameters()).device
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
