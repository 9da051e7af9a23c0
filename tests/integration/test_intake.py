"""What a look at a bucket costs in requests, and that lengths and events do what they are for: all servers are real."""

import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from config.settings import Settings
from jobs.artifacts import TICKETS, folder_of
from worker.bucket.storage import S3Storage
from worker.bucket.tickets import Mark, read_ticket, recording_at, write_mark
from worker.queue import intake as module
from worker.queue.dispatch import JobQueue
from worker.queue.intake import Intake, sweep, watch

Until = Callable[[Callable[[], object]], None]


def put(storage: S3Storage, key: str, data: bytes = b"x") -> str:
    storage.write(key, data, "audio/wav")
    found = storage.head(key)
    assert found is not None
    return recording_at(storage, found).id


def finished(storage: S3Storage, key: str, *, keys: int) -> str:
    """A finished recording of so many keys in all."""
    recording_id = put(storage, key)
    for number in range(keys - 2):
        storage.write(f"{folder_of(key)}file-{number}", b"", "text/plain")
    write_mark(storage, key, recording_id, Mark.DONE)
    return recording_id


@contextmanager
def requests(storage: S3Storage) -> Iterator["Counter[str]"]:
    counts: Counter[str] = Counter()

    def note(model: Any, **_: object) -> None:
        counts[model.name] += 1

    storage.client.meta.events.register("before-call.s3", note)
    yield counts
    storage.client.meta.events.unregister("before-call.s3", note)


def test_what_a_look_costs(storage: S3Storage, queue: JobQueue, settings: Settings) -> None:
    """3,000 keys: 200 finished recordings in four folders."""
    keys = [f"stage {number % 4}/{number}.wav" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: finished(storage, key, keys=15), keys))
    with Intake(storage, queue, settings) as intake:
        with requests(storage) as counts:
            found = intake.sweep()
        assert found.done == 200
        # Tickets, the clock, and a page for every thousand keys.
        assert counts == {"ListObjectsV2": 1 + 3, "HeadBucket": 1}
        with requests(storage) as counts:
            assert intake.sweep(everything=False).done == 200
        assert counts == {"ListObjectsV2": 1 + 5, "HeadBucket": 1}, "tickets, the top, four folders"


def test_ten_new_ones_cost_ten_times_little(
    storage: S3Storage, queue: JobQueue, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.bucket.inventory._PAGE", 50)  # so that the whole bucket is worth more than ten requests
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: finished(storage, f"{number}.wav", keys=10), range(60)))
    with Intake(storage, queue, settings) as intake:
        intake.sweep()
        for number in range(10):
            put(storage, f"new {number}.wav", b"garbage")
        with requests(storage) as counts:
            assert intake.sweep(everything=False).settling == 10
        assert counts == {"ListObjectsV2": 2, "HeadBucket": 1}
        with requests(storage) as counts:
            assert intake.sweep(everything=False).queued == 10
            intake.close()
        # Tickets and the top; the marks of the ten; a ticket for each, and a look at its first bytes.
        assert counts == {"ListObjectsV2": 2 + 10, "HeadBucket": 1, "PutObject": 10, "GetObject": 10}


def test_short_before_long_once_lengths_are_known(
    storage: S3Storage, queue: JobQueue, settings: Settings, tmp_path: Path
) -> None:
    """By their weight the long one is the short one: it is compressed, and the other isn't."""
    noise = ("-f", "lavfi", "-i", "anoisesrc=r=48000:d={}:a=0.01")
    for name, seconds, options in (("lang.opus", 120, ("-b:a", "8k")), ("kurz.opus", 20, ("-b:a", "256k"))):
        source = [part.format(seconds) for part in noise]
        subprocess.run(
            ["ffmpeg", "-v", "error", "-nostdin", *source, "-ac", "1", *options, tmp_path / name], check=True
        )
    assert (tmp_path / "lang.opus").stat().st_size < (tmp_path / "kurz.opus").stat().st_size
    long, short = (put(storage, name, (tmp_path / name).read_bytes()) for name in ("lang.opus", "kurz.opus"))
    assert sweep(storage, queue, settings).queued == 2
    assert queue.rq.job_ids == [short, long]
    assert [round(each.seconds) for each in queue.waiting()] == [20, 120]
    ticket = read_ticket(storage, long)
    assert ticket is not None
    assert ticket.seconds == pytest.approx(120, abs=0.1)
    queue.redis.flushall()
    sweep(storage, queue, settings)
    assert [round(each.seconds) for each in queue.waiting()] == [20, 120], "tickets remember"


def test_a_length_that_nobody_gets_stops_nothing(
    storage: S3Storage, queue: JobQueue, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> float:
        raise OSError("no room")

    monkeypatch.setattr(module, "claimed", broken)
    put(storage, "a.wav", bytes(192_000))
    assert sweep(storage, queue, settings).queued == 1
    assert [each.seconds for each in queue.waiting()] == [1.0]


def test_an_event_wakes_before_the_pause_is_over(
    storage: S3Storage, queue: JobQueue, settings: Settings, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause is an hour; only the event can be the reason."""
    woken, stop = threading.Event(), threading.Event()

    @contextmanager
    def waking(*_: object) -> Iterator[threading.Event]:
        yield woken

    monkeypatch.setattr(module, "waking", waking)
    slow = settings.but(intake={"poll_s": 3600.0, "settle_s": 0.0})
    with capture_logs() as logs:
        thread = threading.Thread(target=watch, args=(storage, queue, slow, stop))
        thread.start()
        try:
            put(storage, "first.wav")
            woken.set()
            until(lambda: len(queue.standing()) == 1)
            second = put(storage, "second.wav")
            woken.set()
            until(lambda: second in queue.standing())
        finally:
            stop.set()
            thread.join(30)
    assert not thread.is_alive()
    assert "store.unconditional" not in {entry["event"] for entry in logs}
    assert len(list(storage.list(TICKETS))) == 2


def test_a_careless_store_is_named_at_the_start(
    storage: S3Storage, queue: JobQueue, settings: Settings, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "probe", lambda _storage: False)
    stop = threading.Event()
    with capture_logs() as logs:
        thread = threading.Thread(target=watch, args=(storage, queue, settings, stop))
        thread.start()
        until(lambda: "store.unconditional" in {entry["event"] for entry in logs})
        stop.set()
        thread.join(30)
    assert [entry["event"] for entry in logs].count("store.unconditional") == 1
