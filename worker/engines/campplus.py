"""CAM++, the network that turns a stretch of speech into a voice embedding (arXiv:2303.00332).

Written against the published description and the shapes in the packaged weights ("zh-en common, advanced", 192
dimensions, Apache-2.0). Input features are 80 log mel energies every 10 ms; every tensor below is (batch, channels, …,
frames).
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

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
    network = CamPlusPlus()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    network.eval()
    network.to(device)
    return network
