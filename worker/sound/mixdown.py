"""From what ffmpeg wrote to samples: mixed to one channel, repaired, turned down; memory holds a minute at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from jobs.audio import SAMPLE_RATE
from jobs.timeline import Seconds

#: Samples beyond ±100 (+40 dBFS) are damage, not sound; 32-bit float recorders go to about ±30.
_DAMAGE = 100.0
#: Above this peak the whole recording is turned down to ±1.
_HEADROOM = 2.0
#: Channels that cancel out lose more than 10 dB against channels that have nothing in common.
_CANCELLED = 0.1
_BLOCK_S = 60


@dataclass(frozen=True, slots=True)
class Raw:
    """A file of float32 at `SAMPLE_RATE`, channels interleaved. It need not be there yet."""

    path: Path
    #: 1 or 2
    channels: int
    #: What samples are multiplied with.
    gain: float = 1.0

    @property
    def duration(self) -> Seconds:
        """Length in seconds; 0.0 where nothing was written."""
        size_bytes = self.path.stat().st_size if self.path.exists() else 0
        return size_bytes // (4 * self.channels) / SAMPLE_RATE


def mix_down(raw: Raw, *, delay: Seconds = 0.0) -> NDArray[np.float32]:
    """Make mono of `raw`, which is used up, after `delay` seconds of silence.

    Returns:
        float32 of shape (n,), finite: a private mapping of a file beside `raw`, which may be unlinked at once.

    Raises:
        OSError: the disk is full or broken.
    """
    target = raw.path.with_suffix(".mono")
    peak = 0.0
    with raw.path.open("rb") as loose, target.open("wb") as settled:
        settled.seek(round(delay * SAMPLE_RATE) * 4)  # leaves a hole, which reads as silence
        for block in _blocks(loose, raw.channels):
            mono = mixed(block) * np.float32(raw.gain)
            peak = max(peak, float(np.abs(mono).max(initial=0.0)))
            settled.write(mono.tobytes())
    raw.path.unlink()
    if peak > _HEADROOM:
        target = _turned_down(target, peak)
    # Copy on write: an engine that wants a writable array has one, and the file stays as it is.
    return np.memmap(target, dtype=np.float32, mode="c").view(np.ndarray)


def _turned_down(path: Path, peak: float) -> Path:
    target = path.with_suffix(".down")
    with path.open("rb") as loud, target.open("wb") as settled:
        for block in _blocks(loud, 1):
            settled.write((block[:, 0] / np.float32(peak)).tobytes())
    return target


def _blocks(file: BinaryIO, channels: int) -> Iterator[NDArray[np.float32]]:
    """Float32 of shape (n, channels), a minute at a time."""
    while True:
        block = np.fromfile(file, dtype=np.float32, count=_BLOCK_S * SAMPLE_RATE * channels)
        block = block[: len(block) // channels * channels]
        if not len(block):
            return
        yield block.reshape(-1, channels)


def mixed(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mix one or two channels down, second by second.

    Two channels become their mean. Where one is the other turned upside down (a cable with swapped poles), the
    mean would be silence: in such a second, the louder channel alone is taken.

    Args:
        block: float32 of shape (n, 1 or 2); values that aren't finite or beyond any sound count as silence.

    Returns:
        float32 of shape (n,), finite.
    """
    block = np.where(np.abs(block) <= _DAMAGE, block, np.float32(0))
    if block.shape[1] == 1:
        return block[:, 0]
    mono: NDArray[np.float32] = block.mean(axis=1, dtype=np.float32)
    starts = np.arange(0, len(block), SAMPLE_RATE)
    energy = np.add.reduceat(np.square(block, dtype=np.float64), starts)
    left = np.add.reduceat(np.square(mono, dtype=np.float64), starts)
    # The mean of two unrelated channels has a quarter of their summed energy.
    for second in np.flatnonzero(left < _CANCELLED * energy.sum(axis=1) / 4):
        stretch = slice(starts[second], starts[second] + SAMPLE_RATE)
        mono[stretch] = block[stretch, energy[second].argmax()]
    return mono
