"""A real S3 server and a real broker on free ports, one pair for all tests; each test gets a bucket of its own."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.settings import Settings, load
from worker import laptop
from worker.dispatch import JobQueue, job_queue
from worker.storage import S3Storage, s3_storage


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings that name the running servers; bucket and queue are for tests to choose."""
    home = laptop.settle(tmp_path_factory.mktemp("servers"), s3_port=laptop.free_port())
    with laptop.running(home, load()):
        yield home.settings(load())


@pytest.fixture
def settings(servers: Settings, tmp_path: Path) -> Settings:
    """Settings with an empty bucket, an empty queue, no waiting and a scratch folder of the test's own."""
    name = f"t-{uuid.uuid4().hex[:12]}"
    s3_storage(servers).client.create_bucket(Bucket=name)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return servers.but(
        storage={"bucket": name},
        broker={"queue": name},
        intake={"settle_s": 0.0, "poll_s": 0.2},
        media={"scratch": str(scratch)},
    )


@pytest.fixture
def storage(settings: Settings) -> S3Storage:
    return s3_storage(settings)


@pytest.fixture
def queue(settings: Settings) -> Iterator[JobQueue]:
    found = job_queue(settings)
    yield found
    found.redis.flushall()
    found.redis.close()


#: A worker of ours in a process of its own, whose craft does what the recording's bytes ask for.
_WORKER = """
import pathlib, sys, time, types
from datetime import UTC, datetime

from jobs.artifacts import FAILURE, MANIFEST, Failure, canonical_json
from jobs.errors import EngineError, InputError

here = pathlib.Path(sys.argv[1])

class Outcome:
    def __init__(self, manifest=None, failure=None):
        self.manifest, self.failure = manifest, failure

def process(place, source, talk, *, settings, report, track=None):
    recording, name = place.recording, place.name
    wish = source.read_bytes().decode()
    with (here / "begun").open("a") as file:
        file.write(recording.id + "\\n")
    report("transcribe", 1.0, 2.0)
    if "child" in wish:
        import subprocess
        child = subprocess.Popen(["sleep", "600"])
        (here / "child").write_text(str(child.pid))
    while "wait" in wish and not (here / "go").exists():
        time.sleep(0.05)
    if "stubborn" in wish:
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: [time.sleep(0.1) for _ in range(9000) if not (here / "go").exists()]).result()
    if "die" in wish:
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
    if "engine" in wish:
        raise EngineError("out-of-memory", "as wished")
    if "surprise" in wish:
        raise RuntimeError(f"{name[:0]}Ge{chr(104)}eimer Name")
    if "input" in wish:
        return Outcome(failure=place.fail(InputError("no-audio-track")))
    place.write(MANIFEST, b"{}")
    with (here / "ended").open("a") as file:
        file.write(recording.id + "\\n")
    return Outcome(manifest=object())

if "real" not in sys.argv:
    sys.modules["worker.job"] = stub = types.ModuleType("worker.job")
    stub.process = process

from config.settings import load
from worker import dispatch, fleet

dispatch.PAUSES_S = (1, 1, 1)
fleet.serve(load(), burst="burst" in sys.argv)
"""


class Fleet:
    """Workers in processes of their own, and what they told about their work."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        (folder / "stand_in.py").write_text(_WORKER)
        storage, secret = settings.storage, settings.storage.secret_key.get_secret_value()
        values = storage.model_dump(exclude={"secret_key"}) | {"secret_key": secret}
        lines = ["[storage]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
        lines += ["[broker]", f'url = "{settings.broker.url.get_secret_value()}"', f'queue = "{settings.broker.queue}"']
        lines += ['[transcribe]\nmodel = "fake"', '[diarize]\npipeline = "fake"']
        lines += ["[media]", f'scratch = "{settings.media.scratch}"']
        (folder / "nachlese.toml").write_text("\n".join(lines))

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, str(self.folder / "stand_in.py"), str(self.folder), *words]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env=os.environ | {"NACHLESE_CONFIG": str(self.folder / "nachlese.toml"), "PYTHONPATH": str(Path.cwd())},
            )
        self.processes.append(process)
        return process

    def burst(self, *words: str) -> None:
        """Run one worker until the queue is empty; with "real" it does real work, with engines that need no weights."""
        assert self.start("burst", *words).wait(120) == 0, self.log()

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def let_go(self) -> None:
        """Let every recording that waits go on."""
        (self.folder / "go").touch()

    def begun(self) -> list[str]:
        return self._lines("begun")

    def ended(self) -> list[str]:
        return self._lines("ended")

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def _lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def fleets_of() -> type[Fleet]:
    """For tests with servers of their own."""
    return Fleet


@pytest.fixture
def fleet(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    found = Fleet(settings, tmp_path)
    yield found
    found.stop()


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Wait until something is so, a minute at most."""

    def wait(is_so: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not is_so():
            assert time.monotonic() < deadline, "this never came to be"
            time.sleep(0.1)

    return wait
