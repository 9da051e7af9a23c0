"""One look at a folder that answers like a bucket, and a queue that only remembers."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Settings, load
from jobs.artifacts import folder_of
from worker.dispatch import Standing
from worker.intake import is_recording, settled, sweep
from worker.storage import FolderStorage, Stored
from worker.tickets import Mark, Ticket, read_ticket, recording_at, ticket_key, write_mark, write_ticket


class Queue:
    """Remembers what was queued."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def enqueue(self, recording_id: str) -> bool:
        self.ids.append(recording_id)
        return True

    def standing(self) -> Mapping[str, Standing]:
        return dict.fromkeys(self.ids, Standing.WAITING)


@pytest.fixture
def settings() -> Settings:
    return load().but(intake={"settle_s": 10.0}, storage={"prefix": ""})


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path)


@pytest.fixture
def queue() -> Any:
    return Queue()


def put(storage: FolderStorage, key: str, *, age_s: float = 60.0, data: bytes = b"x") -> str:
    storage.write(key, data, "audio/wav")
    stamp = datetime.now(UTC).timestamp() - age_s
    os.utime(storage.root / key, (stamp, stamp))
    found = storage.head(key)
    assert found is not None
    return recording_at(storage, found).id


def test_what_is_queued_and_what_is_not(storage: FolderStorage, queue: Any, settings: Settings) -> None:
    old, older = put(storage, "a/old.MP3"), put(storage, "older.wav", age_s=900)
    put(storage, "young.wav", age_s=2)
    done, failed = put(storage, "done.wav"), put(storage, "failed.wav")
    write_mark(storage, "done.wav", done, Mark.DONE)
    write_mark(storage, "failed.wav", failed, Mark.FAILED)
    for key in ("old.yaml", "notes.txt", folder_of("a/old.MP3") + "listen.opus", "wav", "a.wav.part"):
        put(storage, key)
    found = sweep(storage, queue, settings)
    assert queue.ids == [older, old]
    counts = (found.queued, found.settling, found.done, found.failed, found.standing, found.refused)
    assert counts == (2, 1, 1, 1, 0, 0)
    for recording_id in (old, older):
        ticket = read_ticket(storage, recording_id)
        assert ticket is not None
        assert ticket.recording.id == recording_id
    again = sweep(storage, queue, settings)
    assert (again.queued, again.standing) == (0, 2)


def test_in_the_loop_it_must_not_have_changed_since(storage: FolderStorage, queue: Any, settings: Settings) -> None:
    put(storage, "a.wav")
    first = sweep(storage, queue, settings, before={})
    assert (first.queued, first.settling) == (0, 1)
    put(storage, "a.wav", data=b"longer")
    second = sweep(storage, queue, settings, before=first.seen)
    assert (second.queued, second.settling) == (0, 1)
    assert sweep(storage, queue, settings, before=second.seen).queued == 1


def test_tries_survive_a_wiped_broker(storage: FolderStorage, queue: Any, settings: Settings) -> None:
    recording_id = put(storage, "a.wav")
    sweep(storage, queue, settings)
    ticket = read_ticket(storage, recording_id)
    assert ticket is not None
    write_ticket(storage, Ticket(ticket.recording, ticket.key, tries=2))
    queue.ids.clear()
    assert sweep(storage, queue, settings).queued == 1
    kept = read_ticket(storage, recording_id)
    assert kept is not None
    assert kept.tries == 2


def test_orphans_go_but_not_those_of_another_prefix(storage: FolderStorage, queue: Any, settings: Settings) -> None:
    mine = settings.but(storage={"prefix": "mine/"})
    for key in ("mine/gone.wav", "yours/waits.wav"):
        put(storage, key)
        sweep(storage, queue, settings.but(storage={"prefix": key.partition("/")[0] + "/"}))
        storage.delete(key)
    garbage = ticket_key("r-" + "0" * 20)
    storage.write(garbage, b"?", "application/json")
    assert sweep(storage, queue, mine).tickets_removed == 2
    kept = [item.key for item in storage.list(".nachlese/")]
    assert len(kept) == 1
    assert storage.head(garbage) is None


def test_a_name_that_is_no_text_is_refused_and_stops_nobody(
    storage: FolderStorage, queue: Any, settings: Settings
) -> None:
    bad = os.fsencode(storage.root) + b"/bad-\xff.wav"
    Path(os.fsdecode(bad)).write_bytes(b"x")
    os.utime(bad, (0, 0))
    good = put(storage, "good.wav")
    found = sweep(storage, queue, settings)
    assert (found.refused, found.queued) == (1, 1)
    assert queue.ids == [good]


@given(st.text(max_size=60))
def test_our_own_output_is_never_a_recording(key: str) -> None:
    settings = load()
    assert not is_recording(folder_of(key + ".wav") + "listen.wav", settings)
    assert not is_recording(key + "/", settings)
    assert is_recording(key.replace(".nachlese/", "") + ".WaV", settings)


@given(st.floats(-1e6, 1e6), st.floats(0, 3600))
def test_settling_ends(age_s: float, settle_s: float) -> None:
    """Old enough is settled; so is a date that no waiting would make right."""
    now = datetime(2026, 11, 3, tzinfo=UTC)
    stored = Stored("k", "e", 1, now - timedelta(seconds=age_s))
    if age_s > settle_s + 1e-3 or age_s < -settle_s - 61:
        assert settled(stored, now, settle_s)
    elif 0 <= age_s < settle_s - 1e-3:
        assert not settled(stored, now, settle_s)
