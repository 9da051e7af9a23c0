"""What a job costs beside the work in it: two hundred jobs in which nothing is done, and where their time goes.

Run by `make bench`, with the real broker and S3 server of the laptop extra, a real worker and its engine process.
"""

import json
import os
import subprocess
import sys
import textwrap
import time
from datetime import datetime
from pathlib import Path

import pytest

from config.settings import Settings, load
from worker import laptop
from worker.bucket.storage import S3Storage, s3_storage
from worker.bucket.tickets import Mark, Ticket, read_mark, recording_at, write_ticket
from worker.queue.dispatch import JobQueue, job_queue

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

JOBS = 200
ROUNDS = 50

#: A worker, and with a number at the end its engine process, whose craft does nothing.
_WORKER = """
import sys, types
from config.settings import load
from worker.fleet import worker as fleet
from worker import logs
from worker.engines import host

class Outcome:
    manifest, failure, transcript, heard = object(), None, None, False

if sys.argv[-1].isdigit():
    import worker.engines, worker.spread
    crew = types.SimpleNamespace(load=lambda: None, release=lambda: None)
    worker.engines.engines = lambda settings: crew
    sys.modules["worker.job"] = stub = types.ModuleType("worker.job")
    stub.process = stub.draft = lambda *_, **__: Outcome()
    host.main(int(sys.argv[-1]))
else:
    settings = load()
    logs.configure(settings.log)
    fleet.serve(settings, burst=True, command=(sys.executable, *sys.argv))
"""


def give(storage: S3Storage, queue: JobQueue, key: str) -> str:
    storage.write(key, b"", "audio/wav")
    stored = storage.head(key)
    assert stored is not None
    recording = recording_at(storage, stored)
    write_ticket(storage, Ticket(recording, key))
    assert queue.enqueue(recording.id, rank=time.time())
    return recording.id


def work(home: laptop.Home, folder: Path) -> list[dict[str, str]]:
    """Run a worker until the queue is empty; what it logged."""
    (folder / "idle_worker.py").write_text(_WORKER)
    done = subprocess.run(
        [sys.executable, folder / "idle_worker.py", "worker"], check=False, capture_output=True, text=True,
        env=os.environ | {"NACHLESE_CONFIG": str(home.config), "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stderr.splitlines()]


def moments(log: list[dict[str, str]], event: str) -> list[float]:
    return sorted(datetime.fromisoformat(line["timestamp"]).timestamp() for line in log if line["event"] == event)


def each_ms(do: object) -> float:
    began = time.monotonic()
    for _ in range(ROUNDS):
        do()  # type: ignore[operator]
    return (time.monotonic() - began) / ROUNDS * 1000


def test_a_job_costs_little_beside_its_work(tmp_path: Path) -> None:
    home = laptop.settle(tmp_path / "data", s3_port=laptop.free_port())
    with laptop.running(home, load()):
        home.write_config()
        settings: Settings = home.settings(load())
        storage, queue = s3_storage(settings), job_queue(settings)
        ids = {f"{number:03}.wav": "" for number in range(JOBS)}
        for key in ids:
            ids[key] = give(storage, queue, key)
        log = work(home, tmp_path)
        trips = each_ms(lambda: storage.head("000.wav")), each_ms(queue.ping)
        assert all(read_mark(storage, key, recording_id) is Mark.DONE for key, recording_id in ids.items())
    (warm,), started, ended = (
        moments(log, "engine.warm"),
        moments(log, "errand.started"),
        moments(log, "recording.ended"),
    )
    assert len(started) == len(ended) == JOBS
    whole = (ended[-1] - warm) / JOBS * 1000
    inside = (sum(ended) - sum(started)) / JOBS * 1000
    print(
        textwrap.dedent(f"""
        jobs                             {JOBS}
        each                             {whole:6.1f} ms
          sidecar, marker, ticket gone   {inside:6.1f} ms
          broker's books, ticket, try    {whole - inside:6.1f} ms
        one HEAD of an object            {trips[0]:6.1f} ms
        one PING of the broker           {trips[1]:6.1f} ms
        """)
    )
