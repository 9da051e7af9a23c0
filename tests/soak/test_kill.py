"""Kill -9 on everything in turn, the broker wiped twice: every recording is finished, once. The soak's short form."""

import random
from typing import Any

import pytest

KINDS = ("engine", "broker", "parent", "group")


@pytest.mark.timeout(180)
def test_a_fleet_under_fire_finishes_everything_once(storm: Any, fake_engines: Any) -> None:
    fleet, dice = storm(**fake_engines), random.Random(1)  # noqa: S311  # the same every time
    fleet.recordings(16, seconds=(1.0, 3.0))
    fleet.watch()
    fleet.begin(2, fleet.fake_worker(1.5))
    wall_s = fleet.rage(dice, iter(KINDS), every_s=3.0, within_s=150)
    fleet.end()
    print(fleet.told(wall_s))  # seen where the test fails
    assert fleet.wipes == 2
    assert {kill.kind for kill in fleet.kills} == set(KINDS)
    assert fleet.unsound() == []
