"""What a job costs beside its work: a warm worker that has nothing to do in any of them. Part of `make soak`."""

import json
import time
from typing import Any

import pytest
from structlog.testing import capture_logs

from worker.queue.intake import sweep

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

JOBS = 200
#: What we aim at on a machine that does nothing else; not judged, because machines are shared.
GOAL_MS = 100

#: A worker whose craft does nothing; it notes where its time goes, parent and engine process each in a file.
_WORKER = """
import atexit, json, pathlib, sys, time
from collections import Counter

from botocore.client import BaseClient

from config.settings import load
from worker.fleet import worker as fleet, keeper, shift
from worker import logs, tasks
from worker.engines import host

here, spent = pathlib.Path(__file__).parent, Counter()

def timed(owner, name, part):
    plain = getattr(owner, name)

    def measured(*args, **options):
        began = time.perf_counter()
        try:
            return plain(*args, **options)
        finally:
            spent[part] += time.perf_counter() - began
            spent[part + ", calls"] += 1

    setattr(owner, name, measured)

class Outcome:
    manifest, failure, transcript, heard = object(), None, None, False

def nothing(*_, **__):
    return Outcome()

def engine(handle):
    timed(BaseClient, "_make_api_call", "engine: S3")
    timed(tasks, "work", "engine: all of the errand")
    timed(host._Engine, "_release", "engine: memory given back")
    tasks.craft = lambda: tasks.Craft(nothing, nothing, nothing, lambda *_: None)
    tell = host._Engine._tell

    def noting(self, told):
        if isinstance(told, host.Ended):
            (here / "engine.json").write_text(json.dumps(spent))
        tell(self, told)

    host._Engine._tell = noting
    host.main(handle)

if len(sys.argv) > 1:
    engine(int(sys.argv[1]))
else:
    settings = load()
    logs.configure(settings.log)
    ours = fleet.NachleseWorker
    timed(ours, "_take", "parent: job taken")
    timed(ours, "prepare_execution", "parent: booked as begun")
    timed(ours, "prepare_job_execution", "parent: booked as begun")
    timed(shift.Shift, "watch", "parent: engine asked and awaited")
    timed(ours, "_book", "parent: booked as ended")
    timed(keeper.Keeper, "after", "parent: engine looked after")
    timed(keeper.Keeper, "tend", "parent: engine looked after")
    atexit.register(lambda: (here / "parent.json").write_text(json.dumps(spent)))
    fleet.serve(settings, command=(sys.executable, *sys.argv), burst=True)
"""


def test_what_a_job_costs(storm: Any, fake_engines: Any) -> None:
    fleet = storm(**fake_engines)
    for number in range(JOBS):
        fleet.keys.append(f"{number}.wav")
        fleet.storage.write(fleet.keys[-1], str(number).encode(), "audio/wav")
    with capture_logs():
        assert sweep(fleet.storage, fleet.queue, fleet.settings).queued == JOBS
    fleet.begin(1, fleet.worker(_WORKER))
    deadline = time.monotonic() + 600
    while not (fleet.folder / "parent.json").exists():
        assert time.monotonic() < deadline, "the worker never left"
        time.sleep(0.5)
    spent = json.loads((fleet.folder / "parent.json").read_text())
    spent |= json.loads((fleet.folder / "engine.json").read_text())
    ends = [fleet.moment(each) for each in fleet.events() if each["event"] == "recording.ended"]
    assert len(ends) == JOBS
    print(f"\n{(ends[-1] - ends[0]) / (JOBS - 1) * 1000:.0f} ms a job, with {JOBS} of them (goal {GOAL_MS})")
    for part, seconds in sorted(spent.items()):
        if not part.endswith("calls"):
            calls = spent[f"{part}, calls"] / JOBS
            print(f"{part:36} {seconds / JOBS * 1000:8.1f} ms in {calls:5.1f} calls a job")
