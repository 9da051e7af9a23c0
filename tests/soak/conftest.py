"""A fleet under fire: real broker, real bucket, intake and workers in processes that are killed and started again."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import pytest
from pydantic import TypeAdapter
from redis.exceptions import RedisError

from config.settings import Settings, load
from jobs.artifacts import FAILURE, MANIFEST, TICKETS, Manifest, folder_of
from worker import laptop
from worker.bucket.storage import S3Storage, s3_storage
from worker.bucket.tickets import Mark, mark_of
from worker.queue.dispatch import job_queue

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
#: Whoever supervises a service waits so long before it starts it again, in seconds.
RESTART_S = 1.0

#: A worker of ours; its engines need no weights, and take the seconds that are named for each recording's words.
_WORKER = """
import sys, time

from config.settings import load
from worker.fleet import worker as fleet
from worker import logs
from worker.engines import fake, host

pace_s = float(sys.argv[1])

def engine(handle):
    hear = fake.FakeRecognizer.recognize

    def slowly(self, audio, options, progress):
        time.sleep(pace_s)
        return hear(self, audio, options, progress)

    fake.FakeRecognizer.recognize = slowly
    host.main(handle)

if len(sys.argv) > 2:
    engine(int(sys.argv[2]))
else:
    settings = load()
    logs.configure(settings.log)
    fleet.serve(settings, command=(sys.executable, *sys.argv))
"""


class Service:
    """A process that is started again a second after its end, as a machine's supervisor would."""

    def __init__(self, command: Sequence[str], log: Path, environment: dict[str, str]) -> None:
        self._command, self._log, self._environment = command, log, environment
        self._process: subprocess.Popen[bytes] | None = None
        self._ended_at: float | None = None

    @property
    def pid(self) -> int | None:
        """Its process id; None while it is down."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, env=self._environment, start_new_session=True
            )
        self._ended_at = None

    def tend(self) -> None:
        if self.pid is not None:
            return
        if self._ended_at is None:
            self._ended_at = time.monotonic()
        elif time.monotonic() - self._ended_at > RESTART_S:
            self.start()

    def leave(self, patience_s: float) -> int:
        """Ask it to end; its exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(patience_s)


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill -9."""

    #: Epoch seconds.
    at: float
    kind: str
    #: The engine process that went with it; None where there was none.
    engine: int | None = None


@dataclass(frozen=True, slots=True)
class TakeOver:
    """A recording whose engine process was killed, until another process began to work on it."""

    kind: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in the bucket."""

    #: Keys of uploads that have their marker.
    done: frozenset[str]
    failed: frozenset[str]
    tickets: int
    #: Key of a manifest → its etag.
    manifests: dict[str, str]


class Storm:
    """A fleet, and whoever kills its processes."""

    def __init__(self, home: laptop.Home, broker: laptop.Child, settings: Settings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.storage, self.queue = s3_storage(settings), job_queue(settings)
        self.kills: list[Kill] = []
        self.wipes = 0
        #: Every manifest as it was seen first.
        self.sealed: dict[str, str] = {}
        #: Keys of all uploads.
        self.keys: list[str] = []
        self._home, self._broker = home, broker
        self._broker_down_at: float | None = None
        self._workers: list[Service] = []
        self._intakes: list[Service] = []

    @property
    def _services(self) -> list[Service]:
        return [*self._intakes, *self._workers]

    def recordings(self, count: int, *, seconds: Sequence[float]) -> None:
        """Upload so many real recordings of these lengths, every one with bytes of its own."""
        for share, length in enumerate(seconds):
            base = self.folder / f"base-{share}.opus"
            speech = ("-stream_loop", -1, "-i", FIXTURES / "gespraech.opus")
            self._ffmpeg(*speech, "-t", length, "-b:a", "24k", base)
            names = [f"{number:04}-{share}.opus" for number in range(count // len(seconds))]
            outputs: list[object] = []
            for name in names:
                outputs += ["-map", "0", "-c", "copy", "-metadata", f"comment={name}", self.folder / name]
            self._ffmpeg("-i", base, *outputs)
            for name in names:
                self.keys.append(f"stage {share}/{name}")
                self.storage.write(self.keys[-1], (self.folder / name).read_bytes(), "audio/ogg")

    def watch(self) -> None:
        """Start intake."""
        self._intakes = [self._service("intake", (sys.executable, "-m", "worker", "intake"))]

    def begin(self, workers: int, command: Sequence[str]) -> None:
        """Start so many workers."""
        self._workers = [self._service(f"worker-{at}", command) for at in range(workers)]

    def all_queued(self) -> bool:
        """Whether every recording waits at its place for good: intake knows its length, which was guessed before."""
        waiting = self.queue.waiting()
        return len(waiting) == len(self.keys) and all(each.seconds > 0.9 for each in waiting)

    def _service(self, name: str, command: Sequence[str]) -> Service:
        ours = {"NACHLESE_CONFIG": str(self._config()), "PYTHONPATH": str(ROOT), "TMPDIR": str(self.folder)}
        others = {name: value for name, value in os.environ.items() if not name.startswith("NACHLESE_")}
        service = Service(command, self.folder / f"{name}.log", others | ours)
        service.start()
        return service

    def fake_worker(self, pace_s: float) -> tuple[str, ...]:
        """The command of a worker whose engines need no weights, and take so long for a recording's words."""
        return (*self.worker(_WORKER), str(pace_s))

    def worker(self, script: str) -> tuple[str, ...]:
        """The command of a worker that a test has written itself."""
        path = self.folder / "stand_in.py"
        path.write_text(script)
        return (sys.executable, str(path))

    @staticmethod
    def real_worker() -> tuple[str, ...]:
        """The command of a worker as it is."""
        return (sys.executable, "-m", "worker", "worker")

    def tend(self) -> None:
        """Start again what has been killed."""
        for service in self._services:
            service.tend()
        if self._broker.pid is None:
            now = time.monotonic()
            self._broker_down_at = self._broker_down_at or now
            if now - self._broker_down_at > RESTART_S:
                self._broker.start()
                self._broker_down_at = None

    def strike(self, kind: str, dice: random.Random) -> None:
        """Kill -9 the broker, or a worker's parent process, its engine process or both and all that they started."""
        if kind == "broker":
            if self._broker.pid is not None:
                self.kills.append(Kill(time.time(), kind))
                os.kill(self._broker.pid, signal.SIGKILL)
            return
        alive = [pid for pid in (worker.pid for worker in self._workers) if pid is not None]
        if not alive:
            return
        parent = psutil.Process(dice.choice(alive))
        engines = parent.children()
        family = {"parent": [parent], "engine": engines, "group": [parent, *parent.children(recursive=True)]}[kind]
        if family:
            self.kills.append(Kill(time.time(), kind, engines[0].pid if engines else None))
        for process in family:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue

    def wipe(self) -> None:
        """FLUSHALL; a broker that is down just now is waited for."""
        while True:
            try:
                self.queue.redis.flushall()
            except RedisError:
                self.tend()
                time.sleep(0.2)
            else:
                self.wipes += 1
                return

    def look(self) -> Found:
        """List the bucket; a manifest that was seen before must be the same."""
        done, failed, tickets, manifests = set(), set(), 0, {}
        for stored in self.storage.list(""):
            mark = mark_of(stored.key)
            if mark is not None:
                (done if mark[1] is Mark.DONE else failed).add(stored.key.partition(".nachlese/")[0])
            tickets += stored.key.startswith(TICKETS)
            if stored.key.endswith(f"/{MANIFEST}"):
                manifests[stored.key] = stored.etag
        changed = [key for key, etag in self.sealed.items() if manifests.get(key) != etag]
        assert not changed, f"manifests changed after they were written: {changed}"
        self.sealed |= manifests
        return Found(frozenset(done), frozenset(failed), tickets, manifests)

    def rage(self, dice: random.Random, kinds: Iterator[str], *, every_s: float, within_s: float) -> float:
        """Once work has begun, kill one of these every so often, and wipe the broker twice, until all is finished.

        Returns:
            The seconds that it took.
        """
        began, wipes_at = time.monotonic(), [len(self.keys) * 2 // 3, len(self.keys) // 3]
        struck_at = began
        while True:
            self.tend()
            time.sleep(0.2)
            if time.monotonic() - struck_at < every_s:
                continue
            struck_at = time.monotonic()
            found = self.look()
            if len(found.done | found.failed) == len(self.keys) and not found.tickets:
                return time.monotonic() - began
            assert time.monotonic() - began < within_s, f"{len(found.done)} done, {found.tickets} tickets left"
            if wipes_at and len(found.done) >= wipes_at[-1]:
                wipes_at.pop()
                self.wipe()
            kind = next(kinds, None) if found.done else None
            if kind is not None:
                self.strike(kind, dice)

    def wait_for(self, is_so: Callable[[], bool], within_s: float) -> None:
        """Wait, and start again what ends meanwhile."""
        deadline = time.monotonic() + within_s
        while not is_so():
            assert time.monotonic() < deadline, "this never came to be"
            self.tend()
            time.sleep(0.5)

    def end(self, patience_s: float = 40.0) -> None:
        """Have everybody leave, and see that nothing is left of them."""
        deadline = time.monotonic() + 30
        while any(service.pid is None for service in self._services):
            assert time.monotonic() < deadline, "a worker can't be started any more"
            self.tend()
            time.sleep(0.1)
        codes = [service.leave(patience_s) for service in self._services]
        assert codes == [0] * len(codes)
        left = [one for one in psutil.process_iter(["cmdline", "environ"]) if self._is_ours(one)]
        assert not left, [one.info["cmdline"] for one in left]
        assert not list(Path(self.settings.media.scratch).iterdir())

    def kill_all(self) -> None:
        """Whatever happens, nothing outlives a test."""
        for one in psutil.process_iter(["cmdline", "environ"]):
            if self._is_ours(one):
                one.kill()
        for service in self._services:
            service.leave(10.0)

    def _is_ours(self, one: psutil.Process) -> bool:
        named = (one.info["environ"] or {}).get("NACHLESE_CONFIG", "")
        return named == str(self.folder / "nachlese.toml") and one.status() != psutil.STATUS_ZOMBIE

    def unsound(self) -> list[str]:
        """What isn't as it should be, in the bucket of a fleet that has finished; empty where nothing is."""
        found = self.look()
        wrong = [f"no manifest: {key}" for key in self.keys if folder_of(key) + MANIFEST not in found.manifests]
        wrong += [f"failed: {key}" for key in found.failed]
        if found.tickets:
            wrong.append(f"tickets: {found.tickets}")
        wrong += [
            f"not asked for: {key}" for key in found.manifests.keys() - {folder_of(k) + MANIFEST for k in self.keys}
        ]
        for key in self.keys:
            wrong += self._unsound(key)
        return wrong

    def _unsound(self, key: str) -> Iterator[str]:
        folder = folder_of(key)
        manifest = TypeAdapter(Manifest).validate_json(self.storage.read(folder + MANIFEST))
        stored = [each.key.removeprefix(folder) for each in self.storage.list(folder)]
        for entry in manifest.artifacts:
            data = self.storage.read(folder + entry.name)
            if (len(data), sha256(data).hexdigest()) != (entry.size_bytes, entry.sha256):
                yield f"not as listed: {folder}{entry.name}"
        beside = {name for name in stored if "/" not in name} - {entry.name for entry in manifest.artifacts}
        if beside != {MANIFEST}:
            yield f"beside the manifest: {folder} {sorted(beside)}"
        stages = Counter(name.rpartition("/")[2].partition("-")[0] for name in stored if name.startswith("stages/"))
        recordings = {name.split("/")[1] for name in stored if name.startswith("stages/")}
        if recordings != {manifest.recording.id} or set(stages.values()) != {1} or FAILURE in stored:
            yield f"stages: {folder} {dict(stages)}"

    def events(self) -> list[dict[str, Any]]:
        """What the workers have logged, by time."""
        lines = [line for path in self.folder.glob("worker-*.log") for line in path.read_text().splitlines()]
        told = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return sorted(told, key=lambda event: str(event["timestamp"]))

    @staticmethod
    def moment(event: dict[str, Any]) -> float:
        """When it was logged, in epoch seconds."""
        return datetime.fromisoformat(event["timestamp"]).timestamp()

    def take_overs(self) -> tuple[TakeOver, ...]:
        """From the kill of a process at work until another one worked on that recording."""
        events = [(self.moment(each), each) for each in self.events()]
        found = []
        for kill in self.kills:
            job = _job_of(kill, events)
            starts = (
                at for at, each in events
                if at > kill.at and each["event"] == "errand.started" and each["job_id"] == job
            )  # fmt: skip
            again = next(starts, None)
            if job is not None and again is not None:
                found.append(TakeOver(kill.kind, again - kill.at))
        return tuple(found)

    def told(self, wall_s: float) -> str:
        """Figures, for people."""
        starts = Counter(each["job_id"] for each in self.events() if each["event"] == "errand.started")
        kinds = Counter(kill.kind for kill in self.kills)
        lines = [f"{len(self.keys)} recordings in {wall_s:.0f} s: {len(self.keys) / wall_s * 60:.1f} a minute"]
        lines += [f"kill -9: {len(self.kills)} {dict(kinds)}, FLUSHALL: {self.wipes}"]
        lines += [f"tries: {sum(starts.values())}, by recording {dict(sorted(Counter(starts.values()).items()))}"]
        overs = self.take_overs()
        for kind in ("parent", "engine", "group"):
            times = [each.seconds for each in overs if each.kind == kind]
            if times:
                lines.append(
                    f"take-over after the kill of a busy {kind}: {len(times)} times, median {median(times):.1f} s,"
                    f" max {max(times):.1f} s"
                )
        warnings = Counter(each["event"] for each in self.events() if each["level"] in {"warning", "error"})
        return "\n".join([*lines, f"warnings: {dict(warnings)}"])

    def _config(self) -> Path:
        storage = self.settings.storage.model_dump() | {
            "secret_key": self.settings.storage.secret_key.get_secret_value()
        }
        lines = ["[storage]", *(f"{name} = {json.dumps(value)}" for name, value in storage.items())]
        lines += ["[broker]", f"url = {json.dumps(self._home.broker_url)}"]
        for name in ("transcribe", "diarize", "intake", "media", "worker", "export"):
            values = getattr(self.settings, name).model_dump(exclude={"kbit_per_s"})
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        path = self.folder / "nachlese.toml"
        path.write_text("\n".join([*lines, "[log]", 'format = "json"']))
        return path

    @staticmethod
    def _ffmpeg(*words: object) -> None:
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, words)], check=True)


_ENDS = {"recording.ended", "recording.superseded", "recording.postponed", "errand.handed_back", "recording.heard"}


def _job_of(kill: Kill, events: list[tuple[float, dict[str, Any]]]) -> str | None:
    """What a killed engine process was working on; None where it had nothing to do."""
    job = None
    for at, event in events:
        if at < kill.at and event["process"].endswith(f":{kill.engine}"):
            if event["event"] == "errand.started":
                job = event["job_id"]
            elif event["event"] in _ENDS:
                job = None
    return job


@pytest.fixture
def storm(tmp_path: Path) -> Iterator[Callable[..., Storm]]:
    """Make a fleet with servers of its own; sections of settings may be changed."""
    home = laptop.settle(tmp_path / "servers", s3_port=laptop.free_port())
    made = []
    with laptop.running(home, load()) as (broker, _):

        def make(**sections: dict[str, Any]) -> Storm:
            folder = tmp_path / f"fleet-{len(made)}"
            (folder / "scratch").mkdir(parents=True)
            bucket = f"storm-{len(made)}"
            settings = home.settings(load()).but(
                storage=home.settings(load()).storage.model_dump() | {"bucket": bucket},
                intake={"poll_s": 1.0, "settle_s": 0.0},
                media={"scratch": str(folder / "scratch")},
                export={"formats": ("transcript.txt", "transcript.vtt", "recap.md")},
            )
            settings = settings.but(**sections)
            S3Storage(s3_storage(settings).client, bucket).client.create_bucket(Bucket=bucket)
            made.append(Storm(home, broker, settings, folder))
            return made[-1]

        try:
            yield make
        finally:
            for each in made:
                each.kill_all()


@pytest.fixture
def fake_engines() -> dict[str, dict[str, str]]:
    """Settings that take engines without weights."""
    return {"transcribe": {"model": "fake"}, "diarize": {"pipeline": "fake"}}
