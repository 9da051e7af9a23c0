"""A real S3 server and a real broker on free ports, one pair for all tests; each test gets a bucket of its own."""

import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from config.settings import Settings, load
from worker import laptop
from worker.bucket.storage import S3Storage, s3_storage
from worker.bucket.tickets import Mark, Ticket, read_mark, read_ticket, recording_at, write_ticket
from worker.queue.dispatch import JobQueue, job_queue


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


#: A worker of ours and its engine process, whose craft does what the recording's bytes ask for.
_WORKER = """
import ctypes, os, pathlib, signal, subprocess, sys, threading, time, types

from config.settings import load
from jobs.artifacts import MANIFEST
from jobs.errors import EngineError, InputError, SetupError
from worker.queue import dispatch
from worker.sound import fence
from worker.fleet import worker as fleet
from worker import logs, tasks
from worker.control import HandedBack, Measure
from worker.engines import host

here, words = pathlib.Path(sys.argv[1]), sys.argv[2:]
dispatch.PAUSES_S = (1, 1, 1)
tasks._SOONEST_S = 1

def note(name, text):
    with (here / name).open("a") as file:
        file.write(f"{text}\\n")

def freeze():
    ctypes.PyDLL(None).sleep(600)  # and nobody else may run Python meanwhile

def until_let_go():
    while not (here / "go").exists():
        time.sleep(0.05)

class Outcome:
    transcript, heard = None, False

    def __init__(self, manifest=None, failure=None, provisional=False):
        self.manifest, self.failure, self.provisional = manifest, failure, provisional

def process(place, source, talk, *, settings, report, control):
    recording, upload = place.recording, source.path().read_bytes()
    sound = upload.startswith(b"RIFF")
    wish = "wait" if sound else upload.decode()
    note("begun", recording.id)
    note("engines", os.getpid())
    if sound:
        report("decode", 0.0, 1.0)
        note("decoded", f"{recording.id} {source.decoded(None, settings.media, lambda *_: None)[0].duration}")
    report("transcribe", 1.0, 2.0)
    if "child" in wish:
        children = [subprocess.Popen(["sleep", "86399"])] if "plain" in wish else []
        fenced = fence.Fence(here, 1 << 30, 1 << 20, 600, 600.0)
        threading.Thread(target=fence.run, args=(["/bin/sleep", "601"],), kwargs={"fence": fenced}).start()
        time.sleep(0.5)
        (here / "child").touch()
    if "freeze" in wish:
        freeze()
    if "wait" in wish:
        until_let_go()
    for number in range(3 if "stages" in wish else 0):
        note("stages", number)
        time.sleep(1.0)
        place.write(f"stages/{recording.id}/{number}", b"")
        control.observe(Measure("words", 1.0, 0.1, 0.0, 10.0))
        if control.draining():
            raise HandedBack
    if "die" in wish:
        os.kill(os.getpid(), signal.SIGKILL)
    if "engine" in wish:
        raise EngineError("out-of-memory", "as wished")
    if "setup" in wish and not (here / "go").exists():
        raise SetupError("weights-missing", "as wished")
    if "surprise" in wish:
        raise RuntimeError(f"Ge{chr(104)}eimer Name")
    if "input" in wish:
        return Outcome(failure=place.fail(InputError("no-audio-track")))
    if "large" in wish:
        global ballast
        ballast = b"x" * (200 << 20)
    place.write(MANIFEST, b"{}")
    if "model" in wish and not (here / "go").exists():
        return Outcome(manifest=object(), provisional=True)
    note("ended", recording.id)
    if "late" in wish:
        threading.Timer(1.0, freeze).start()
    return Outcome(manifest=object())

def draft(place, talk, *, settings, report, control, better):
    note("drafts", better)
    if not (here / "go").exists():
        return Outcome(provisional=True)
    note("ended", place.recording.id)
    return Outcome(manifest=object())

def hear_stretch(place, index, **_):
    note("begun", f"{place.recording.id}-s{index:03}")
    os.kill(os.getpid(), signal.SIGKILL)

class Crew:
    def __init__(self):
        self.writer = self

    def load(self):
        import ctranslate2
        note("loads", os.getpid())
        if "slow" in words:
            until_let_go()
        if "unready" in words and not (here / "go").exists():
            raise SetupError("weights-missing", "as wished")

    def release(self):
        pass

def engine(handle):
    if "real" not in words:
        import worker.engines, worker.spread
        crew = Crew()
        worker.engines.engines = lambda settings: crew
        sys.modules["worker.job"] = stub = types.ModuleType("worker.job")
        stub.process, stub.draft = process, draft
        worker.spread.hear_stretch = hear_stretch
    host.main(handle)

if words[-1].isdigit():
    engine(int(words[-1]))
else:
    settings = load()
    logs.configure(settings.log)
    fleet.serve(settings, burst="burst" in words, command=(sys.executable, *sys.argv))
"""


class Fleet:
    """Workers in processes of their own, and what they told about their work."""

    #: Seconds that these workers may take to leave.
    DRAIN_S = 5

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.folder = folder
        self.storage, self.queue = s3_storage(settings), job_queue(settings)
        self.processes: list[subprocess.Popen[bytes]] = []
        (folder / "stand_in.py").write_text(_WORKER)
        storage, secret = settings.storage, settings.storage.secret_key.get_secret_value()
        values = storage.model_dump(exclude={"secret_key"}) | {"secret_key": secret}
        lines = ["[storage]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
        lines += ["[broker]", f'url = "{settings.broker.url.get_secret_value()}"', f'queue = "{settings.broker.queue}"']
        lines += ['[transcribe]\nmodel = "fake"', '[diarize]\npipeline = "fake"']
        lines += ["[media]", f'scratch = "{settings.media.scratch}"']
        lines += ["[worker]", f"drain_s = {self.DRAIN_S}"]
        (folder / "nachlese.toml").write_text("\n".join(lines))

    def give(self, key: str, wish: str | bytes = "") -> str:
        """Upload a recording and queue it, as intake would; returns its id."""
        self.storage.write(key, wish if isinstance(wish, bytes) else wish.encode(), "audio/wav")
        stored = self.storage.head(key)
        assert stored is not None
        recording = recording_at(self.storage, stored)
        write_ticket(self.storage, Ticket(recording, key))
        assert self.queue.enqueue(recording.id, rank=time.time())
        return recording.id

    def mark(self, key: str, recording_id: str) -> Mark | None:
        return read_mark(self.storage, key, recording_id)

    def tries(self, recording_id: str) -> int | None:
        """Tries that are counted; None where there is no ticket any more."""
        ticket = read_ticket(self.storage, recording_id)
        return None if ticket is None else ticket.tries

    def start(self, *words: str, **more: str) -> "subprocess.Popen[bytes]":
        """Start one worker; `more` goes into its environment."""
        command = [sys.executable, str(self.folder / "stand_in.py"), str(self.folder), *words, "worker"]
        ours = {"NACHLESE_CONFIG": str(self.folder / "nachlese.toml"), "PYTHONPATH": str(Path.cwd())}
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, env=os.environ | ours | more, start_new_session=True
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
        return self.notes("begun")

    def ended(self) -> list[str]:
        return self.notes("ended")

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def notes(self, name: str) -> list[str]:
        """Lines that engine processes have left in a file of that name."""
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def left(self) -> list[int]:
        """Processes that belong to these workers, and what they have started."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command, state = (folder / "cmdline").read_bytes(), (folder / "stat").read_text().rpartition(")")[2]
                where = (folder / "cwd").readlink()
            except OSError:
                continue
            ours = str(self.folder / "stand_in.py").encode() in command or where == self.folder
            if (ours or command.startswith(b"sleep\x0086399")) and state.split()[0] != "Z":
                found.append(int(folder.name))
        return found


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


ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
#: Settings that take engines without weights.
FAKE = {"NACHLESE_TRANSCRIBE__MODEL": "fake", "NACHLESE_DIARIZE__PIPELINE": "fake"}

#: Imported by every Python process before its first line: notes whoever looks beyond this machine, and stops it.
_GUARD = """
import ipaddress, os, sys

def inside(host):
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False

def watch(event, given):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = given[1]
        beyond = isinstance(address, tuple) and not inside(address[0])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        beyond = not inside(given[0])
    else:
        return
    if beyond:
        with open(os.environ["GUARD_NOTES"], "a") as notes:
            notes.write(event + "\\n")
        raise OSError("the guard lets nothing out")

sys.addaudithook(watch)
with open(os.environ["GUARD_NOTES"], "a"):
    pass
"""


@dataclass(frozen=True, slots=True)
class Called:
    """A call of the command line that has ended."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it logged."""
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]

    def names(self) -> list[str]:
        """The names of its events."""
        return [event["event"] for event in self.events]


class CommandLine:
    """`nachlese` in a process of its own, in an empty folder, with no settings but the defaults."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NACHLESE_")}
        return kept | {"PYTHONPATH": str(ROOT)} | more

    def start(self, *words: object, under: Sequence[str] = (), **more: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*under, sys.executable, "-m", "worker", *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder, env=self.environment(**more),
        )  # fmt: skip

    def __call__(self, *words: object, under: Sequence[str] = (), **more: str) -> Called:
        with self.start(*words, under=under, **more) as process:
            out, err = process.communicate()
        return Called(process.returncode, out, err)

    def break_off(self, number: int, *words: object, under: Sequence[str] = (), **more: str) -> tuple[int, str]:
        """Send a signal once the words are stored; the exit status and what was said on stderr."""
        out = Path(str(words[words.index("--out") + 1]))
        with self.start(*words, under=under, **more) as process:
            deadline = time.monotonic() + 120
            while not list(out.rglob("words-*.json")):
                assert process.poll() is None, process.communicate()[1]
                assert time.monotonic() < deadline, "there never were any words"
                time.sleep(0.02)
            process.send_signal(number)
            _, err = process.communicate()
        return process.returncode, err


@pytest.fixture(scope="session")
def nachlese(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """Where the recordings for tests lie."""
    return FIXTURES


@pytest.fixture(scope="session")
def fake_engines() -> dict[str, str]:
    """Settings that take engines without weights."""
    return FAKE


@dataclass(frozen=True, slots=True)
class Bad:
    """Uploads that nobody can work with, and what their producers must hear."""

    folder: Path
    #: File name → the failure's code.
    codes: Mapping[str, str]
    #: Of this one a part can be read.
    truncated: str
    #: Beside them lies a file that two of them point at; this is in it.
    secret: str

    def paths(self) -> list[Path]:
        return [self.folder / name for name in (*self.codes, self.truncated)]


@pytest.fixture(scope="session")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Bad:
    folder = tmp_path_factory.mktemp("bad")
    secret = "Kontonummer 4711"
    garbage = random.Random(1).randbytes(40_000)  # noqa: S311  # the same garbage every time

    def make(name: str, *arguments: object) -> Path:
        words = ["ffmpeg", "-v", "error", "-nostdin", *map(str, arguments), str(folder / name)]
        subprocess.run(words, check=True)
        return folder / name

    speech = ("-i", FIXTURES / "einzel.opus")
    picture = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=5:duration=2")
    make("bild.png", *picture, "-frames:v", 1).rename(folder / "bild.mp3")
    make("foto.jpg", *picture, "-frames:v", 1).rename(folder / "foto.mp3")
    make("stumm.mp4", *picture, "-c:v", "libx264")
    make("kurz.wav", *speech, "-t", 0.4)
    whole = make("abgerissen.mp3", *speech, "-b:a", "64k")
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    video = make("ohne Ende.mp4", *picture, *speech, "-c:a", "aac")
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    make("geheim.wav", *speech)
    (folder / "geheim.txt").write_text(secret)
    (folder / "skript.wav").write_text(f"ffconcat version 1.0\nfile {folder / 'geheim.wav'}\nfile geheim.wav\n")
    (folder / "liste.mp3").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{folder / 'geheim.wav'}\n"
        f"#EXTINF:9,\nfile://{folder / 'geheim.txt'}\n#EXT-X-ENDLIST\n"
    )
    (folder / "leer.mp3").touch()
    odd = ("müll.wav", "Gespräch mit Jürgen.mp3", "💥 <script>alert(1).m4a", "'; rm -rf %s {name}.mp3", "-i.mp3",
           "ü" * 120 + ".mp3")  # fmt: skip
    for name in odd:
        (folder / name).write_bytes(garbage)
    (folder / "beiblatt.opus").write_bytes((FIXTURES / "einzel.opus").read_bytes())
    (folder / "beiblatt.yaml").write_text("titel: [nicht geschlossen")
    codes = dict.fromkeys(odd, "not-media") | {
        "leer.mp3": "empty-file", "bild.mp3": "not-media", "foto.mp3": "not-media", "stumm.mp4": "no-audio-track",
        "kurz.wav": "too-short", "skript.wav": "not-allowed-format", "liste.mp3": "not-allowed-format",
        "ohne Ende.mp4": "undecodable", "beiblatt.opus": "bad-sidecar",
    }  # fmt: skip
    return Bad(folder, codes, "abgerissen.mp3", secret)


@dataclass(frozen=True, slots=True)
class Guarded:
    """An environment in which no Python process can reach beyond this machine unnoticed."""

    environment: dict[str, str]
    notes: Path

    @property
    def seen(self) -> list[str]:
        """What was tried; raises FileNotFoundError where the guard never stood."""
        return self.notes.read_text().splitlines()


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Guarded]:
    """Make a guard of one's own."""

    def make() -> Guarded:
        folder = tmp_path_factory.mktemp("guard")
        (folder / "sitecustomize.py").write_text(_GUARD)
        notes = folder / "notes"
        path = os.pathsep.join([str(folder), str(ROOT)])
        return Guarded({"PYTHONPATH": path, "GUARD_NOTES": str(notes)}, notes)

    return make


@dataclass(frozen=True, slots=True)
class Demo:
    """What `nachlese run` made of all recordings in tests/fixtures, with real engines."""

    called: Called
    out: Path
    guard: Guarded

    def folder(self, name: str) -> Path:
        return self.out / f"{name}.nachlese"

    def transcript(self, name: str) -> Any:
        return json.loads((self.folder(name) / "transcript.json").read_text())


@pytest.fixture(scope="session")
def demo_run(nachlese: CommandLine, guarded: Callable[[], Guarded], tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """One run with real engines for all tests: models are slow to load. It logs all it can, and is guarded."""
    guard, out = guarded(), tmp_path_factory.mktemp("demo")
    sound = sorted([*FIXTURES.glob("*.opus"), *FIXTURES.glob("*.flac")])
    called = nachlese("run", *sound, "--out", out, NACHLESE_LOG__LEVEL="debug", **guard.environment)
    return Demo(called, out, guard)


#: A namespace of its own has no interface that is up, not even to the machine itself.
_CUT_OFF = ("unshare", "--user", "--map-root-user", "--net")


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a second `nachlese run` made after the first was killed; neither could reach any network."""

    called: Called
    folder: Path
    #: The stage that the first call left.
    words: Path
    #: Its bytes and its time then.
    heard: tuple[bytes, int]
    #: Whether this machine makes network namespaces.
    cut_off: bool


@pytest.fixture(scope="session")
def resumed_run(nachlese: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Resumed:
    """Real engines on one recording, killed in mid-work and called again."""
    out = tmp_path_factory.mktemp("resumed")
    cut_off = shutil.which("unshare") is not None and subprocess.run([*_CUT_OFF, "true"], check=False).returncode == 0
    call, under = ("run", FIXTURES / "einzel.opus", "--out", out), _CUT_OFF if cut_off else ()
    code, _ = nachlese.break_off(signal.SIGKILL, *call, under=under)
    assert code == -signal.SIGKILL
    assert not list(out.rglob("manifest.json"))
    (words,) = out.rglob("words-*.json")
    heard = (words.read_bytes(), words.stat().st_mtime_ns)
    return Resumed(nachlese(*call, under=under), out / "einzel.opus.nachlese", words, heard, cut_off)


@pytest.fixture(scope="session")
def llm_kit() -> ModuleType:
    """A scripted language model behind real HTTP: `llm_server.py`."""
    spec = importlib.util.spec_from_file_location("llm_server", Path(__file__).with_name("llm_server.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
