"""What hours of sound cost the engines: memory beside the sound itself, and time for a second of it.

Run by `make bench`. NACHLESE_BENCH_HOURS is the length of the long recording (1; 8 for a day on stage). What grows with
the square of the length shows as a ratio above 1.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytestmark = [pytest.mark.bench, pytest.mark.timeout(7200)]

FIXTURES = Path(__file__).parent.parent / "fixtures"
SPOKEN = ("gespraech.opus", "einzel.opus", "zwiegespraech.opus", "zweisprachig.opus")
SHORT_H = 1 / 3
MAX_RATIO = 1.25
MAX_MB = 3072

#: One process for each length and engine: its memory beside mapped files, sampled, and its time.
_MEASURE = """
import json, sys, threading, time
import numpy as np
from config.settings import load
from jobs.audio import Audio
from jobs.diarize import DiarizeOptions
from worker.engines import engines

def held_mb():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("RssAnon")).split()[1]) / 1024

peak, over = 0.0, threading.Event()

def watch():
    global peak
    while not over.wait(0.05):
        peak = max(peak, held_mb())

audio, crew = Audio(np.memmap(sys.argv[1], np.float32, "r")), engines(load())
crew.recognizer.load() if sys.argv[2] == "speech" else crew.diarizer.load()
watcher = threading.Thread(target=watch)
watcher.start()
began = time.process_time()
if sys.argv[2] == "speech":
    found = len(crew.recognizer.speech(audio))
else:
    found = len({turn.speaker for turn in crew.diarizer.diarize(audio, DiarizeOptions(), lambda *_: None).turns})
spent = time.process_time() - began
over.set()
watcher.join()
print(json.dumps({"found": found, "cpu_rtf": spent / audio.duration, "peak_mb": peak}))
"""


def _samples(name: str) -> NDArray[np.float32]:
    command = ["ffmpeg", "-v", "error", "-i", FIXTURES / name, "-ac", "1", "-ar", "16000", "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)


def _recording(path: Path, hours: float) -> Path:
    """Talks in ever other order and loudness, with pauses and music between them."""
    talks = [_samples(name) for name in SPOKEN]
    music = _samples("musik.opus")
    chance = random.Random(5)  # noqa: S311  # the same recording every time
    left = round(hours * 3600 * 16_000)
    with path.open("wb") as file:
        while left:
            for talk in chance.sample(talks, len(talks)):
                pause = np.zeros(round(chance.uniform(0.3, 8) * 16_000), np.float32)
                part = np.concatenate([talk * np.float32(chance.uniform(0.5, 1.0)), pause])
                part = np.concatenate([part, music]) if chance.random() < 0.2 else part
                file.write(part[:left].tobytes())
                left -= min(left, len(part))
    return path


@pytest.mark.parametrize("engine", ["diarize", "speech"])
def test_hours_cost_no_more_than_minutes(engine: str, tmp_path: Path) -> None:
    hours = float(os.environ.get("NACHLESE_BENCH_HOURS", "1"))
    found = []
    for length in (SHORT_H, hours):
        path = _recording(tmp_path / f"{length:.2f}.f32", length)
        done = subprocess.run(
            [sys.executable, "-c", _MEASURE, path, engine], check=True, capture_output=True, text=True
        )
        found.append(json.loads(done.stdout.splitlines()[-1]))
        print(f"{engine:8s} {length:5.2f} h  {found[-1]}")
    short, long = found
    assert long["cpu_rtf"] <= MAX_RATIO * short["cpu_rtf"]
    assert long["peak_mb"] <= MAX_MB
    if engine == "diarize":
        assert long["found"] == short["found"]
