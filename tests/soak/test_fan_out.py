"""A long recording, heard by one, two and four workers: the same words, sooner where there are cores. See `make soak`.

Voices are told apart by the engine without weights: that is one worker's work however many there are.
"""

import os
import time
from collections import Counter
from typing import Any

import pytest

from jobs.artifacts import folder_of

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

#: Of the bundled conversation, said again and again.
MINUTES = float(os.environ.get("NACHLESE_SOAK_MINUTES") or 12)
STRETCHES = 8


def _heard(fleet: Any, workers: int) -> tuple[bytes, float, Counter[str]]:
    """The words with their times, the seconds they took, and how many stretches each process has heard."""
    fleet.watch()
    fleet.begin(workers, fleet.real_worker())
    fleet.wait_for(lambda: _names(fleet).count("engine.warm") == workers, 600)
    fleet.recordings(1, seconds=(MINUTES * 60,))
    fleet.wait_for(lambda: "recording.ended" in _names(fleet), 3000)
    (begun,) = (fleet.moment(each) for each in fleet.events() if each["event"] == "errand.started")
    (ended,) = (fleet.moment(each) for each in fleet.events() if each["event"] == "recording.finished")
    heard = Counter(each["process"] for each in fleet.events() if each.get("stage") == "words")
    time.sleep(2.0)  # whoever came too late for a stretch finds that out
    fleet.end()
    return fleet.storage.read(folder_of(fleet.keys[0]) + "transcript.vtt"), ended - begun, heard


def _names(fleet: Any) -> list[str]:
    return [each["event"] for each in fleet.events()]


def test_however_many_hear_it_they_hear_the_same(storm: Any) -> None:
    spread = {"spread_minutes": MINUTES / 4, "stretch_minutes": MINUTES / STRETCHES}
    texts = []
    print(f"\n{MINUTES:g} minutes of speech, {os.cpu_count()} cores, one thread for each worker")
    for workers in (1, 2, 4):
        fleet = storm(transcribe={"threads": 1}, diarize={"pipeline": "fake", "threads": 1}, worker=spread)
        text, wall_s, heard = _heard(fleet, workers)
        texts.append(text)
        print(f"{workers} workers: {wall_s:6.1f} s; stretches by worker: {sorted(heard.values(), reverse=True)}")
        assert sum(heard.values()) >= STRETCHES - 2
    assert len(texts[0]) > 100 * MINUTES
    assert texts[1] == texts[0]
    assert texts[2] == texts[0]
