from pathlib import Path

import pytest
import torch

from config.settings import load
from jobs.errors import SetupError
from worker.engines.device import (
    SIDE_BY_SIDE_BYTES,
    _chosen,
    ctranslate2_device,
    cuda_libraries,
    failure,
    free_memory,
    has_room,
    out_of_memory,
    side_by_side,
    torch_device,
)


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (RuntimeError("CUDA failed with error out of memory"), True),
        (RuntimeError("cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."), True),
        (MemoryError("batch_size ( 8) is probably too large."), True),
        (RuntimeError("CUDA failed with error an illegal memory access was encountered"), False),
        (RuntimeError("Library libcublas.so.12 is not found or cannot be loaded"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_a_lack_of_memory_is_told_from_other_failures(error: Exception, short: bool) -> None:
    assert out_of_memory(error) is short
    found = failure(error, engine="one", code="other")
    assert (found.code, found.retryable) == ("out-of-memory" if short else "other", True)
    assert str(error) not in found.detail


def test_torch_itself_says_so() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60)
    assert out_of_memory(caught.value)


@pytest.mark.parametrize(
    ("wanted", "count", "found"),
    [
        ("auto", 0, ("cpu", 0)),
        ("auto", 2, ("cuda", 0)),
        ("cpu", 2, ("cpu", 0)),
        ("cuda", 1, ("cuda", 0)),
        ("cuda:1", 2, ("cuda", 1)),
    ],
)
def test_a_device_is_chosen_among_those_that_are_there(wanted: str, count: int, found: tuple[str, int]) -> None:
    assert _chosen(wanted, count, "torch") == found


@pytest.mark.parametrize(("wanted", "count"), [("cuda", 0), ("cuda:1", 1), ("cuda:0", 0)])
def test_a_card_that_is_not_there_is_no_silent_cpu(wanted: str, count: int) -> None:
    with pytest.raises(SetupError) as caught:
        _chosen(wanted, count, "torch")
    assert caught.value.code == "no-cuda"


def test_both_libraries_name_the_cpu() -> None:
    assert torch_device("cpu") == torch.device("cpu")
    assert ctranslate2_device("cpu") == ("cpu", 0)


def _lay(root: Path, *names: str) -> tuple[Path, ...]:
    paths = tuple(root / name for name in names)
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths


def test_packaged_cuda_libraries_are_found_in_the_order_they_need_each_other(tmp_path: Path) -> None:
    blas, light = _lay(tmp_path / "a", "cublas/lib/libcublas.so.12", "cublas/lib/libcublasLt.so.12")
    _lay(tmp_path / "b", "cublas/lib/libcublas.so.12", "cudnn/lib/libcudnn.so.9", "cublas/lib/libcublas.so.13")
    assert cuda_libraries([tmp_path / "missing", tmp_path / "a", tmp_path / "b"]) == (light, blas)


def test_no_packaged_cuda_libraries_is_no_fault(tmp_path: Path) -> None:
    assert cuda_libraries([tmp_path]) == ()
    assert cuda_libraries([]) == ()


def test_engines_share_a_card_only_where_it_has_room() -> None:
    assert has_room(SIDE_BY_SIDE_BYTES, kept=0)
    assert has_room(SIDE_BY_SIDE_BYTES - 100, kept=100)
    assert not has_room(SIDE_BY_SIDE_BYTES - 100, kept=99)


def test_on_a_cpu_engines_work_side_by_side() -> None:
    assert side_by_side(load().but(transcribe={"device": "cpu"}, diarize={"device": "cpu"}))


def test_freeing_memory_costs_nothing_that_is_in_use() -> None:
    held = torch.arange(1000)
    free_memory()
    assert torch.equal(held, torch.arange(1000))
