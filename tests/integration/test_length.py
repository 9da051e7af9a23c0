"""Lengths by head and tail, against what the files were made of."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings, load
from jobs.errors import StorageError
from worker.bucket.storage import FolderStorage, Stored
from worker.queue.length import claimed, guessed

SECONDS = 100.0


class Stingy(FolderStorage):
    """Counts the bytes that are read, and has no whole files to give."""

    def read_part(self, key: str, start: int, size_bytes: int) -> bytes:
        found = super().read_part(key, start, size_bytes)
        self.moved.append(len(found))
        return found

    def read(self, key: str) -> bytes:
        raise AssertionError(key)

    def download(self, key: str, path: Path) -> None:  # noqa: ARG002  # Storage's signature
        raise AssertionError(key)


@pytest.fixture
def store(tmp_path: Path) -> Any:
    found = Stingy.__new__(type("Store", (Stingy,), {"moved": []}))
    object.__setattr__(found, "root", tmp_path)
    return found


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return load().but(media={"scratch": str(scratch)})


def made(folder: Path, name: str, *options: str) -> Path:
    source = ("-f", "lavfi", "-i", f"anoisesrc=r=48000:d={SECONDS}:a=0.5")
    command = ["ffmpeg", "-v", "error", "-nostdin", *source, "-ac", "2", *options, str(folder / name)]
    subprocess.run(command, check=True)
    return folder / name


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.wav", ()), ("a.flac", ()), ("a.mp3", ("-b:a", "256k")), ("a.mkv", ("-c:a", "pcm_s16le")),
        ("a.m4a", ("-c:a", "alac")), ("a.ts", ("-c:a", "mp2", "-b:a", "384k")),
        ("a.ogg", ("-c:a", "libopus", "-b:a", "300k")),
    ],
)  # fmt: skip
def test_head_and_tail_tell_the_length(
    store: Any, settings: Settings, tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    path = made(tmp_path, name, *options)
    stored = store.head(name)
    assert claimed(stored, store, settings) == pytest.approx(SECONDS, abs=0.2)
    assert sum(store.moved) <= min(path.stat().st_size, (256 + 1024) * 1024)
    assert path.stat().st_size > 1_300_000, "nothing was left out: this shows nothing"
    assert not list(Path(settings.media.scratch).iterdir())


def test_where_a_file_says_nothing_its_size_does(store: Any, settings: Settings, tmp_path: Path) -> None:
    path = made(tmp_path, "a.mp3", "-b:a", "128k", "-write_xing", "0")
    assert claimed(store.head("a.mp3"), store, settings) is None
    assert guessed("x/A.MP3", path.stat().st_size, settings) == pytest.approx(SECONDS, rel=0.02)


@pytest.mark.parametrize("data", [b"", b"x", b"ffconcat version 1.0\nfile a.wav\n", bytes(3_000_000)])
def test_garbage_says_nothing(store: Any, settings: Settings, data: bytes) -> None:
    store.write("a.wav", data, "audio/wav")
    assert claimed(store.head("a.wav"), store, settings) is None


def test_a_length_is_believed_as_far_as_it_would_be_worked_on(store: Any, settings: Settings, tmp_path: Path) -> None:
    made(tmp_path, "a.wav")
    short = settings.but(media={"max_hours": 0.01})
    assert claimed(store.head("a.wav"), store, short) == 36.0
    assert guessed("a.wav", 10**15, settings) == settings.media.max_hours * 3600
    with pytest.raises(StorageError):
        claimed(Stored("gone.wav", "e", 5, store.head("a.wav").modified), store, settings)


def test_every_suffix_that_is_worked_on_has_a_usual_weight() -> None:
    settings = load()
    assert all(0 < guessed(f"a{suffix}", 10_000_000, settings) < 3600 for suffix in settings.intake.suffixes)
