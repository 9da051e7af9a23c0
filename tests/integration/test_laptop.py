"""`nachlese up` as a process of its own: it starts, keeps what it was given, and leaves nobody behind."""

import os
import signal
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from config.settings import Settings, load
from jobs.errors import SetupError
from worker import laptop
from worker.bucket.storage import s3_storage
from worker.queue.dispatch import job_queue

Until = Callable[[Callable[[], object]], None]

_UP = """
import sys, pathlib
from config.settings import load
from worker import laptop
laptop.up(load(), pathlib.Path(sys.argv[1]), say=lambda line: print(line, flush=True), s3_port=laptop.free_port())
"""


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    started = []

    def start() -> "subprocess.Popen[str]":
        (tmp_path / "stand_in_up.py").write_text(_UP)
        out = (tmp_path / "out").open("a")
        command = [sys.executable, str(tmp_path / "stand_in_up.py"), str(tmp_path / "data")]
        # What a shell says about another bucket must not lead the children astray.
        env = os.environ | {"PYTHONPATH": str(Path.cwd()), "NACHLESE_STORAGE__BUCKET": "elsewhere"}
        process = subprocess.Popen(command, env=env, stdout=out, stderr=out, text=True)
        out.close()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def ready(tmp_path: Path) -> bool:
    out = tmp_path / "out"
    return out.exists() and "Nachlese läuft" in out.read_text()


def settings_of(tmp_path: Path) -> Settings:
    return laptop.settle(tmp_path / "data").settings(load())


def below(pid: int) -> set[int]:
    """All processes that a process has started, directly or not."""
    started: dict[int, set[int]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        started.setdefault(parent, set()).add(int(process.name))
    found, new = set(), {pid}
    while new:
        new = set().union(*(started.get(one, set()) for one in new)) - found
        found |= new
    return found


def living(pids: set[int]) -> list[str]:
    """The command lines of those that still run."""
    alive = []
    for pid in pids:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
        except OSError:
            continue
        if stat[2].split()[0] != "Z":
            alive.append(stat[0])
    return alive


def test_it_runs_keeps_and_ends(up: Callable[[], "subprocess.Popen[str]"], tmp_path: Path, until: Until) -> None:
    process = up()
    until(lambda: ready(tmp_path) or process.poll() is not None)
    assert process.poll() is None, (tmp_path / "out").read_text()
    settings = settings_of(tmp_path)
    s3_storage(settings).write("keep.txt", b"kept", "text/plain")
    job_queue(settings).redis.set("kept", "yes")
    assert {path.name for path in (tmp_path / "data" / "logs").iterdir()} == {
        "bucket.log", "broker.log", "intake.log", "worker.log",
    }  # fmt: skip
    children = below(process.pid)
    assert len(children) >= 4
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0, (tmp_path / "out").read_text()
    assert living(children) == []
    assert "Beendet" in (tmp_path / "out").read_text()
    (tmp_path / "out").unlink()
    again = up()
    until(lambda: ready(tmp_path) or again.poll() is not None)
    assert s3_storage(settings).read("keep.txt") == b"kept"
    assert job_queue(settings).redis.get("kept") == b"yes"
    children = below(again.pid)
    again.kill()
    again.wait()
    until(lambda: not living(children))


def test_a_second_one_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with laptop._lock(tmp_path), pytest.raises(SetupError) as caught:
        laptop.up(load(), tmp_path, say=lambda _line: None)
    assert caught.value.code == "already-up"


def test_a_child_that_dies_is_started_again(
    up: Callable[[], "subprocess.Popen[str]"], tmp_path: Path, until: Until
) -> None:
    process = up()
    until(lambda: ready(tmp_path) or process.poll() is not None)
    home = laptop.settle(tmp_path / "data")
    with Redis.from_url(home.broker_url) as client:
        pid = client.info("server")["process_id"]
        os.kill(pid, signal.SIGKILL)
        until(lambda: laptop._broker_answers(home))
    with Redis.from_url(home.broker_url) as client:
        assert client.info("server")["process_id"] != pid


def test_secrets_are_for_the_owner_only_and_not_in_command_lines(servers: Settings, tmp_path: Path) -> None:
    home = laptop.settle(tmp_path / "data")
    home.write_config()
    laptop._bucket(home)
    laptop._broker(home)
    for path in (tmp_path / "data").rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, path
    assert home.servers.secret_key not in repr(home)
    assert home.servers.broker_password not in repr(home)
    secret = servers.storage.secret_key.get_secret_value().encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            assert secret not in (process / "cmdline").read_bytes()
        except OSError:
            continue


def test_the_settings_file_is_read_back_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = laptop.settle(tmp_path / "data")
    home.write_config()
    monkeypatch.setenv("NACHLESE_CONFIG", str(home.config))
    read = load()
    wanted = home.settings(read)
    assert read.storage == wanted.storage
    assert read.broker.url == wanted.broker.url
    home.config.write_text(home.config.read_text() + '\n[log]\nlevel = "debug"\n')
    laptop.settle(tmp_path / "data").write_config()
    assert tomllib.loads(home.config.read_text())["log"] == {"level": "debug"}


def test_no_inner_port_answers_a_web_page(servers: Settings, storage: object) -> None:
    """Master, filer and volume server serve plain HTTP: nothing may be read, written or deleted there."""
    del storage
    assert s3_storage(servers).write("x", b"secret", "text/plain")
    weed = next(p for p in Path("/proc").glob("[0-9]*") if _is_weed_of(p, servers))
    options = (weed / "cmdline").read_bytes().decode().split("\0")
    ports = [int(one.partition("=")[2]) for one in options if ".port=" in one and not one.endswith("=0")]
    s3_port = servers.storage.endpoint_url.rpartition(":")[2]
    tried = 0
    for port in ports:
        if str(port) == s3_port:
            continue
        for path in ("/buckets/stage/x", "/dir/assign", "/dir/status", "/submit", "/col/delete?collection=stage"):
            for data in (None, b"x"):
                tried += 1
                assert _answer(port, path, data) in (None, 400, 401, 403, 404, 405), (port, path)
    assert tried
    assert s3_storage(servers).read("x") == b"secret"


def _is_weed_of(process: Path, servers: Settings) -> bool:
    try:
        told = (process / "cmdline").read_bytes()
    except OSError:
        return False
    return b"weed\0mini" in told and f"-s3.port={servers.storage.endpoint_url.rpartition(':')[2]}\0".encode() in told


def _answer(port: int, path: str, data: bytes | None) -> int | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data, timeout=3) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return None


def test_a_taken_port_is_said(tmp_path: Path, servers: Settings) -> None:
    taken = int(servers.storage.endpoint_url.rpartition(":")[2])
    home = laptop.settle(tmp_path / "data", s3_port=taken)
    with pytest.raises(SetupError) as caught, laptop.running(home, load()):
        pytest.fail("it started")
    assert (caught.value.code, caught.value.fields["port"]) == ("port-taken", taken)
