"""Which device an engine runs on, how many CPU threads it may take, and what to do where memory is short."""

import ctypes
import gc
import importlib.util
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from config.settings import Settings
from jobs.errors import EngineError, SetupError

if TYPE_CHECKING:
    import torch

# malloc.h of glibc; other C libraries have no mallopt, or know these numbers as nothing.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 256 << 20

#: Code of the error that says so: a smaller batch, another device or another machine may do.
OUT_OF_MEMORY = "out-of-memory"
# What the libraries say when memory is short:
# CTranslate2 (src/cuda/utils.h): "CUDA failed with error out of memory", "cuBLAS failed with status
# CUBLAS_STATUS_ALLOC_FAILED"; torch: torch.OutOfMemoryError, "CUDA out of memory. Tried to allocate …"
# (c10/cuda/CUDACachingAllocator.cpp), "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling …" (ATen/cuda/Exceptions.h),
# "cuDNN error: CUDNN_STATUS_ALLOC_FAILED" (ATen/cudnn/Exceptions.h), "DefaultCPUAllocator: can't allocate memory"
# (c10/core/impl/alloc_cpu.cpp). pyannote.audio's Inference makes a MemoryError of most of torch's.
_SHORT_OF_MEMORY = ("out of memory", "_STATUS_ALLOC_FAILED", "DefaultCPUAllocator: can't allocate memory")

#: Free memory that a card needs beside the weights for both engines to compute at once. Reckoned, not measured:
#: large-v3 in float16 keeps 4.6 GB of keys and values for eight clips and five beams (32 layers of 1280, at most 448
#: tokens and 1500 frames); the rest is for workspaces and the diarizer.
SIDE_BY_SIDE_BYTES = 6 << 30

# What CTranslate2's wheel opens by name when it first computes on a card, in the order in which they need each other.
_CUDA_LIBRARIES = ("cublas/lib/libcublasLt.so.12", "cublas/lib/libcublas.so.12")


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


def holds_gpu(wanted: str) -> bool:
    """Whether an engine that is set to "auto", "cpu", "cuda" or "cuda:1" computes on a GPU here."""
    return wanted.startswith("cuda") or (wanted == "auto" and ctranslate2_device(wanted)[0] == "cuda")


def torch_device(wanted: str) -> "torch.device":
    """The torch device for "auto", "cpu", "cuda" or "cuda:1".

    Raises:
        SetupError: a CUDA device is asked for and isn't there.
    """
    import torch  # noqa: PLC0415

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    name, index = _chosen(wanted, count, "torch")
    return torch.device(name, index) if name == "cuda" else torch.device(name)


def ctranslate2_device(wanted: str) -> tuple[str, int]:
    """CTranslate2's name and index for "auto", "cpu", "cuda" or "cuda:1".

    Raises:
        SetupError: a CUDA device is asked for and isn't there.
    """
    import ctranslate2  # noqa: PLC0415

    return _chosen(wanted, ctranslate2.get_cuda_device_count(), "CTranslate2")


def _chosen(wanted: str, count: int, library: str) -> tuple[str, int]:
    """Kind and index of the device that is wanted, where a library sees `count` cards."""
    if wanted == "auto":
        return ("cuda" if count else "cpu"), 0
    name, _, number = wanted.partition(":")
    index = int(number or 0)
    if name == "cuda" and index >= count:
        detail = f"device {wanted!r} is set, but {library} sees {count} CUDA device(s); set it to auto or cpu"
        raise SetupError("no-cuda", detail)
    return name, index


def cuda_libraries(folders: Iterable[Path]) -> tuple[Path, ...]:
    """The CUDA libraries that CTranslate2 needs, as far as they came as packages, in the order to load them.

    Args:
        folders: Where the packages named `nvidia` lie.
    """
    roots = tuple(folders)
    found = (next((path for root in roots if (path := root / name).is_file()), None) for name in _CUDA_LIBRARIES)
    return tuple(path for path in found if path is not None)


def load_cuda_libraries() -> None:
    """Load the packaged CUDA libraries, so that CTranslate2 finds them without LD_LIBRARY_PATH.

    What is loaded already answers whoever opens a library of that name. Those of the system do where none is packaged.
    """
    packages = importlib.util.find_spec("nvidia")
    folders = packages.submodule_search_locations if packages is not None else None
    for path in cuda_libraries(Path(folder) for folder in folders or ()):
        with suppress(OSError):  # CTranslate2 says itself what it misses
            ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)


def out_of_memory(error: BaseException) -> bool:
    """Whether an engine failed for want of memory, on the GPU or beside it."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _SHORT_OF_MEMORY)


def failure(error: Exception, *, engine: str, code: str) -> EngineError:
    """What a library's error means: `OUT_OF_MEMORY`, or the code given."""
    kind = type(error).__name__
    if out_of_memory(error):
        return EngineError(OUT_OF_MEMORY, f"{engine}: out of memory ({kind})")
    return EngineError(code, f"{engine}: {kind}")


def free_memory() -> None:
    """Give back what libraries keep for later: torch's blocks on the GPU, the C library's in main memory."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    with suppress(AttributeError, OSError):  # malloc_trim is glibc's
        ctypes.CDLL(None).malloc_trim(0)


def side_by_side(settings: Settings) -> bool:
    """Whether recognizer and diarizer may compute at once: not on one card without room for both.

    Ask in the process that holds the models: the weights are in place then, and no other process touches the card.

    Raises:
        SetupError: a CUDA device is asked for and isn't there.
    """
    name, index = ctranslate2_device(settings.transcribe.device)
    device = torch_device(settings.diarize.device)
    if name != "cuda" or device.type != "cuda" or device.index != index:
        return True
    import torch  # noqa: PLC0415

    free, _ = torch.cuda.mem_get_info(device)
    return has_room(free, kept=torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))


def has_room(free: int, *, kept: int) -> bool:
    """Whether a card's free bytes, and those that torch keeps unused, are enough for both engines at once."""
    return free + kept >= SIDE_BY_SIDE_BYTES
