"""Uploads that are fetched and decoded once, whoever asks; and ahead of their time."""

import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.settings import Settings, load
from jobs.errors import InputError, StorageError
from worker.bucket.storage import FolderStorage
from worker.bucket.tickets import Ticket, recording_at, write_ticket
from worker.fleet.prefetch import Prefetch
from worker.sound.source import Source, opened


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "scratch").mkdir()
    return load().but(media={"scratch": str(tmp_path / "scratch")})


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "sound.wav"
    tone = ["-f", "lavfi", "-i", "sine=duration=2"]
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *tone, "-ar", "16000", path], check=True)
    return path


class Fetching:
    """Copies a file, and counts."""

    def __init__(self, original: Path) -> None:
        self.original, self.times = original, 0

    def __call__(self, path: Path) -> None:
        self.times += 1
        path.write_bytes(self.original.read_bytes())


def quiet(_done: float, _total: float) -> None:
    """Nobody watches."""


def test_nothing_is_fetched_before_somebody_asks_and_nothing_twice(settings: Settings, sound: Path) -> None:
    fetch = Fetching(sound)
    with opened(fetch, settings) as source:
        assert fetch.times == 0
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: source.decoded(None, settings.media, quiet), range(8)))
        assert source.path().read_bytes() == sound.read_bytes()
        assert fetch.times == 1
        assert len({id(audio) for audio, _ in found}) == 1
    assert not list(Path(settings.media.scratch).iterdir())
    audio, media = found[0]
    assert (audio.duration, media.decoded_s) == (2.0, 2.0), "sound that is still in use outlives its folder"


def test_what_fails_is_tried_again(settings: Settings, sound: Path, tmp_path: Path) -> None:
    faults = [StorageError("unreachable")]

    def fetch(path: Path) -> None:
        if faults:
            raise faults.pop()
        path.write_bytes(sound.read_bytes())

    source = Source(fetch, tmp_path / "scratch")
    with pytest.raises(StorageError):
        source.decoded(None, settings.media, quiet)
    assert source.decoded(None, settings.media, quiet)[0].duration == 2.0
    with pytest.raises(InputError):
        source.decoded(3, settings.media, quiet)


@pytest.fixture
def ticket_of(tmp_path: Path) -> Callable[[str, bytes], Ticket]:
    def make(key: str, data: bytes) -> Ticket:
        storage = FolderStorage(tmp_path / "bucket")
        storage.write(key, data, "audio/wav")
        stored = storage.head(key)
        assert stored is not None
        ticket = Ticket(recording_at(storage, stored), key)
        write_ticket(storage, ticket)
        return ticket

    return make


class Counting(FolderStorage):
    """Counts downloads."""

    downloads = 0

    def download(self, key: str, path: Path) -> None:
        type(self).downloads += 1
        super().download(key, path)


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    Counting.downloads = 0
    return Counting(tmp_path / "bucket")


def idle() -> bool:
    return not any(thread.name.startswith("prefetch") for thread in threading.enumerate())


def test_what_was_wanted_is_used_and_nothing_is_fetched_again(
    settings: Settings, sound: Path, storage: FolderStorage, ticket_of: Callable[[str, bytes], Ticket]
) -> None:
    ticket, prefetch = ticket_of("a.wav", sound.read_bytes()), Prefetch(storage, settings)
    prefetch.want(ticket.recording.id)
    prefetch.want(ticket.recording.id)
    with prefetch.source(ticket) as source:
        assert source.decoded(None, settings.media, quiet)[0].duration == 2.0
    assert Counting.downloads == 1
    assert not list(Path(settings.media.scratch).iterdir())
    with prefetch.source(ticket) as again:
        again.path()
    assert Counting.downloads == 2


def test_what_comes_next_after_all_is_fetched_and_the_rest_removed(
    settings: Settings, sound: Path, storage: FolderStorage, ticket_of: Callable[[str, bytes], Ticket]
) -> None:
    prefetch = Prefetch(storage, settings)
    first, second = ticket_of("a.wav", sound.read_bytes()), ticket_of("b.wav", sound.read_bytes() * 2)
    prefetch.want(first.recording.id)
    with prefetch.source(second) as source:
        assert source.path().stat().st_size == second.recording.size_bytes
    prefetch.want(first.recording.id)
    prefetch.want(None)
    while not idle():
        time.sleep(0.01)
    assert not list(Path(settings.media.scratch).iterdir())


@pytest.mark.parametrize("data", [b"", b"no sound"])
def test_a_bad_upload_harms_nobody_before_its_time_comes(
    settings: Settings, storage: FolderStorage, ticket_of: Callable[[str, bytes], Ticket], data: bytes
) -> None:
    ticket, prefetch = ticket_of("a.wav", data), Prefetch(storage, settings)
    prefetch.want("r-" + "f" * 20)
    prefetch.want(ticket.recording.id)
    with prefetch.source(ticket) as source, pytest.raises(InputError):
        source.decoded(None, settings.media, quiet)
    while not idle():
        time.sleep(0.01)
    assert not list(Path(settings.media.scratch).iterdir())
