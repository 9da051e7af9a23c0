"""Decoded sound, what the container said about it, and whether the two agree."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.timeline import Seconds

#: What every engine here hears, in Hz.
SAMPLE_RATE = 16_000

#: A decoded length this much off the container's is reported: seconds, and share of the length.
GAP_TOLERANCE_S: Seconds = 2.0
GAP_TOLERANCE_SHARE = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """Mono sound. `samples` is float32, shape (n,), finite, about -1.0 to 1.0."""

    samples: NDArray[np.float32]
    #: Hz
    sample_rate: int = SAMPLE_RATE

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.float32:
            message = f"audio is float32 of shape (n,): {self.samples.dtype} {self.samples.shape}"
            raise ValueError(message)

    @property
    def duration(self) -> Seconds:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """One audio stream of a container."""

    #: Place among the file's audio streams, from 0: what `--track` takes.
    index: int
    codec: str
    channels: int
    #: Hz
    sample_rate: int
    #: As tagged, e.g. "ger"; None where the container says nothing.
    language: str | None = None
    title: str | None = None
    #: The container marks it as the one to play.
    default: bool = False


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What the container says, and what decoding really gave."""

    #: ffprobe's name for the container, e.g. "mov,mp4,m4a,3gp,3g2,mj2".
    container: str
    #: As the container claims it; None where it doesn't.
    container_s: Seconds | None
    #: Length of what could be decoded.
    decoded_s: Seconds
    tracks: tuple[AudioTrack, ...]
    #: Index of the track that was decoded.
    track: int

    @property
    def missing_s(self) -> Seconds:
        """Seconds that the container promises and decoding didn't give (negative: more than promised)."""
        return 0.0 if self.container_s is None else self.container_s - self.decoded_s

    @property
    def has_gap(self) -> bool:
        """Whether decoded and claimed length differ by more than 2 s or 2 %."""
        claimed = self.container_s or 0.0
        return abs(self.missing_s) > min(GAP_TOLERANCE_S, max(GAP_TOLERANCE_SHARE * claimed, 0.5))
