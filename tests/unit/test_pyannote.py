"""What the diarizer does where memory is short, with networks that need none."""

import numpy as np
import pytest
import torch
from structlog.testing import capture_logs

from config.settings import load
from jobs.audio import SAMPLE_RATE, Audio
from jobs.diarize import Diarization, DiarizeOptions
from jobs.errors import EngineError
from jobs.timeline import Span
from jobs.transcribe import Progress
from jobs.transcript import Turn
from worker.engines.pyannote import Heard, PyannoteDiarizer

#: c10/cuda/CUDACachingAllocator.cpp
SHORT = torch.OutOfMemoryError(
    "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 4.00 GiB"
)
#: What pyannote.audio's Inference makes of it.
TOO_LARGE = MemoryError(
    "batch_size ( 8) is probably too large. Try with a smaller value until memory error disappears."
)
TURNS = (Turn(Span(1.0, 3.0), "SPEAKER_00"),)
BLIPS = (Turn(Span(3.5, 3.7), "SPEAKER_01"), Turn(Span(4.0, 4.1), "SPEAKER_01"))


class Tight:
    """Networks on a device that has room for so many windows at once."""

    def __init__(self, device: str, room: int, error: Exception = SHORT) -> None:
        self.device, self.batch = torch.device(device), 8
        self.room, self.error, self.asked = room, error, list[int]()

    def __call__(
        self,
        audio: Audio,  # noqa: ARG002  # the protocol's signature
        options: DiarizeOptions,  # noqa: ARG002  # the same
        progress: Progress,  # noqa: ARG002  # the same
    ) -> Heard:
        self.asked.append(self.batch)
        if self.batch > self.room:
            raise self.error
        return Heard((*TURNS, *BLIPS), TURNS, brief=(0.4,))


class Placed(PyannoteDiarizer):
    """A diarizer with `Tight` networks: the first are in place, others are made when it asks for them."""

    def __init__(self, hears: Tight, *others: Tight, device: str = "auto") -> None:
        self._settings = load().but(diarize={"device": device})
        self._weights_sha256 = "0" * 64
        self._hears = hears
        self.others, self.read = list(others), list[str]()

    def _read(self, device: torch.device) -> Tight:
        self.read.append(device.type)
        return self.others.pop()


def _diarize(diarizer: PyannoteDiarizer) -> Diarization:
    return diarizer.diarize(Audio(np.zeros(5 * SAMPLE_RATE, np.float32)), DiarizeOptions(), lambda *_: None)


def test_voices_that_are_left_out_are_told_of() -> None:
    found = _diarize(Placed(Tight("cpu", 8)))
    assert (found.turns, found.ghosts) == (TURNS, (0.4, 3.5))


@pytest.mark.parametrize("error", [SHORT, TOO_LARGE])
def test_where_memory_is_short_batches_shrink_and_stay_small(error: Exception) -> None:
    hears = Tight("cuda:1", 2, error)
    diarizer = Placed(hears)
    with capture_logs() as logs:
        assert _diarize(diarizer).turns == TURNS
        assert _diarize(diarizer).turns == TURNS
    assert hears.asked == [8, 4, 2, 2]
    assert logs == [
        {"event": "engine.fell_back", "log_level": "warning", "device": "cuda:1", "batch": batch} for batch in (4, 2)
    ]


def test_what_the_card_can_not_hold_is_left_to_the_cpu_for_this_recording() -> None:
    hears, cpu = Tight("cuda", 0), Tight("cpu", 8)
    diarizer = Placed(hears, cpu)
    with capture_logs() as logs:
        assert _diarize(diarizer).turns == TURNS
    assert (diarizer.read, hears.asked, cpu.asked) == (["cpu"], [8, 4, 2, 1], [8])
    assert logs[-1] == {"event": "engine.fell_back", "log_level": "warning", "device": "cpu", "batch": 8}


@pytest.mark.parametrize(("place", "device"), [("cuda:1", "cuda:1"), ("cpu", "auto")])
def test_where_there_is_nothing_to_fall_back_to_it_is_an_error_worth_another_try(place: str, device: str) -> None:
    hears = Tight(place, 0)
    with pytest.raises(EngineError) as caught:
        _diarize(Placed(hears, device=device))
    assert (caught.value.code, caught.value.retryable) == ("out-of-memory", True)
    assert hears.asked == [8, 4, 2, 1]


def test_any_other_failure_is_not_tried_again() -> None:
    hears = Tight("cuda", 0, RuntimeError("CUDA error: an illegal memory access was encountered"))
    with pytest.raises(EngineError) as caught:
        _diarize(Placed(hears, Tight("cpu", 8)))
    assert (caught.value.code, hears.asked) == ("diarization-failed", [8])
