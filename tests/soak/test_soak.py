"""The soak: run by `make soak`, and long. It prints what it saw."""

import os
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

#: From the kill of a process at work until another one works on that recording.
MAX_TAKE_OVER_S = 15.0
KINDS = ("parent", "engine", "group", "broker")


def _dice() -> random.Random:
    seed = int(os.environ.get("NACHLESE_SOAK_SEED") or time.time_ns() % 1_000_000)
    print(f"\nNACHLESE_SOAK_SEED={seed}")
    return random.Random(seed)  # noqa: S311  # to be repeated


def _any(dice: random.Random) -> Iterator[str]:
    while True:
        yield dice.choice(KINDS)


def test_three_hundred_recordings(storm: Any, fake_engines: Any) -> None:
    fleet, dice = storm(**fake_engines), _dice()
    fleet.recordings(int(os.environ.get("NACHLESE_SOAK_RECORDINGS") or 300), seconds=(1.0, 2.0, 3.0))
    fleet.watch()
    fleet.wait_for(fleet.all_queued, 600)
    fleet.begin(4, fleet.fake_worker(2.0))
    wall_s = fleet.rage(dice, _any(dice), every_s=5.0, within_s=1500)
    print(fleet.told(wall_s))
    fleet.end()
    assert fleet.wipes == 2
    assert fleet.unsound() == []
    assert max(each.seconds for each in fleet.take_overs()) <= MAX_TAKE_OVER_S


def test_real_engines(storm: Any) -> None:
    """Fewer kills: it takes the models longer to come back."""
    fleet, dice = storm(transcribe={"threads": 1}, diarize={"threads": 1}), _dice()
    fleet.recordings(int(os.environ.get("NACHLESE_SOAK_REAL") or 12), seconds=(9.0, 12.0))
    fleet.watch()
    fleet.wait_for(fleet.all_queued, 600)
    fleet.begin(2, fleet.real_worker())
    wall_s = fleet.rage(dice, _any(dice), every_s=8.0, within_s=1500)
    print(fleet.told(wall_s))
    fleet.end()
    assert fleet.kills
    assert fleet.unsound() == []
