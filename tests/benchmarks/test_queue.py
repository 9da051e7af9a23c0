"""Ten thousand recordings at once: how fast intake registers and queues them, and in how much memory.

Run by `make bench`, with the real broker and the real S3 server of the laptop extra. The recordings are tiny and no
sound: what is measured is the way to the queue, not the asking for lengths, which goes on behind it.
"""

import json
import resource
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.settings import Settings, load
from worker import laptop
from worker.bucket.storage import s3_storage
from worker.queue.dispatch import job_queue

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

RECORDINGS = 10_000
#: Insertion, with everything else waiting; the round trip to the broker is part of it.
MAX_INSERT_MS = 10.0
MAX_RSS_MB = 500.0

#: A process of its own, so that its memory is intake's.
_SWEEP = """
import json, resource, time
from config.settings import load
from worker import logs
from worker.queue.dispatch import job_queue
from worker.queue.intake import Intake
from worker.bucket.storage import s3_storage

settings = load()
logs.configure(settings.log, quiet=True)
intake = Intake(s3_storage(settings), job_queue(settings), settings)
before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
began = time.monotonic()
queued = intake.sweep().queued
queued_s = time.monotonic() - began
began = time.monotonic()
standing = intake.sweep(everything=False).standing
again_s = time.monotonic() - began
peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"queued": queued, "queued_s": queued_s, "standing": standing, "again_s": again_s,
                  "before_mb": before_mb, "peak_mb": peak_mb}), flush=True)
intake.close(hurry=True)
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> object:
    home = laptop.settle(tmp_path_factory.mktemp("bench"), s3_port=laptop.free_port())
    with laptop.running(home, load()):
        yield home.settings(load()).but(intake={"settle_s": 0.0})


def test_ten_thousand_recordings(settings: Settings, tmp_path: Path) -> None:
    storage, queue = s3_storage(settings), job_queue(settings)
    with ThreadPoolExecutor(8) as pool:
        keys = [f"stage {number % 10}/{number}.wav" for number in range(RECORDINGS)]
        list(pool.map(lambda key: storage.write(key, b"x", "audio/wav"), keys))
    values = settings.storage.model_dump() | {"secret_key": settings.storage.secret_key.get_secret_value()}
    environment = {f"NACHLESE_STORAGE__{name.upper()}": str(value) for name, value in values.items()}
    environment |= {
        "NACHLESE_BROKER__URL": settings.broker.url.get_secret_value(),
        "NACHLESE_INTAKE__SETTLE_S": "0",
        "PYTHONPATH": ".",
        "TMPDIR": str(tmp_path),
    }
    done = subprocess.run([sys.executable, "-c", _SWEEP], env=environment, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    insert_ms = _insertion(settings)
    print(
        textwrap.dedent(f"""
        recordings registered and queued  {found["queued"]:8d}
        at a rate of                      {found["queued"] / found["queued_s"]:8.0f} a second
        a look at them while they wait    {found["again_s"]:8.2f} s
        one more into the full line       {insert_ms:8.3f} ms
        memory: imports, at the peak      {found["before_mb"]:8.0f} MB {found["peak_mb"]:.0f} MB
        this process at its peak          {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB
        """)
    )
    assert (found["queued"], found["standing"]) == (RECORDINGS, RECORDINGS)
    assert found["peak_mb"] < MAX_RSS_MB
    assert insert_ms < MAX_INSERT_MS
    assert queue.load().waiting == RECORDINGS


def _insertion(settings: Settings) -> float:
    """Milliseconds for one job into the middle of the line, and out again."""
    queue = job_queue(settings)
    middle = queue.waiting()[RECORDINGS // 2].since or 0.0
    began, times = time.perf_counter(), 200
    for number in range(times):
        assert queue.enqueue(f"r-{number:020x}", rank=middle)
        assert queue.take_back(f"r-{number:020x}")
    spent = time.perf_counter() - began
    return spent / times * 1000
