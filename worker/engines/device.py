"""Which device an engine runs on, and how many CPU threads it may take."""

import ctypes
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from jobs.errors import SetupError

if TYPE_CHECKING:
    import torch

# malloc.h of glibc; other C libraries have no mallopt, or know these numbers as nothing.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 256 << 20


def threads(wanted: int) -> int:
    """Threads for an engine: as set, or one per core this process may use."""
    return wanted or len(os.sched_getaffinity(0))


def torch_threads(wanted: int) -> None:
    """Tell torch how many threads to take, and the C library to keep the memory that it frees for the next window."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(threads(wanted))
    # glibc hands large blocks back at once, and the kernel zeroes them anew for every window: half of the wall time.
    with suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def torch_device(wanted: str) -> "torch.device":
    """The torch device for "auto", "cpu", "cuda" or "cuda:1".

    Raises:
        SetupError: a CUDA device is asked for and there is none.
    """
    import torch  # noqa: PLC0415

    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise SetupError("no-cuda", f"device {wanted!r} is set, but torch sees no CUDA device; set it to auto or cpu")
    return torch.device(wanted)


def ctranslate2_device(wanted: str) -> tuple[str, int]:
    """CTranslate2's name and index for "auto", "cpu", "cuda" or "cuda:1".

    Raises:
        SetupError: a CUDA device is asked for and there is none.
    """
    import ctranslate2  # noqa: PLC0415

    count = ctranslate2.get_cuda_device_count()
    if wanted == "auto":
        return ("cuda" if count else "cpu"), 0
    device, _, index = wanted.partition(":")
    if device == "cuda" and not count:
        raise SetupError(
            "no-cuda", f"device {wanted!r} is set, but CTranslate2 sees no CUDA device; set it to auto or cpu"
        )
    return device, int(index or 0)
