"""One look at a folder that answers like a bucket, and a queue that only remembers."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Settings, load
from jobs.artifacts import folder_of
from worker.bucket.inventory import Inventory, is_recording, settled
from worker.bucket.storage import Folder, FolderStorage, Stored
from worker.bucket.tickets import (
    Mark,
    Ticket,
    mark_key,
    read_ticket,
    recording_at,
    ticket_key,
    write_mark,
    write_ticket,
)
from worker.queue.dispatch import Standing
from worker.queue.intake import Intake, sweep


class Queue:
    """Remembers what was queued."""

    def __init__(self) -> None:
        self.ranks: dict[str, float] = {}
        self.urgent: set[str] = set()

    @property
    def ids(self) -> list[str]:
        return sorted(self.ranks, key=lambda each: self.ranks[each])

    def enqueue(self, recording_id: str, *, rank: float, urgent: bool, **_: object) -> bool:
        self.ranks[recording_id] = rank
        if urgent:
            self.urgent.add(recording_id)
        return True

    def move(self, recording_id: str, *, rank: float, **_: object) -> bool:
        self.ranks[recording_id] = rank
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
    with Intake(storage, queue, settings) as intake:
        assert intake.sweep().settling == 0
        put(storage, "a.wav")
        assert (first := intake.sweep(everything=False)).queued == 0
        assert first.settling == 1
        put(storage, "a.wav", data=b"longer")
        second = intake.sweep(everything=False)
        assert (second.queued, second.settling) == (0, 1)
        assert intake.sweep(everything=False).queued == 1


def test_tries_survive_a_wiped_broker(storage: FolderStorage, queue: Any, settings: Settings) -> None:
    recording_id = put(storage, "a.wav")
    sweep(storage, queue, settings)
    ticket = read_ticket(storage, recording_id)
    assert ticket is not None
    write_ticket(storage, Ticket(ticket.recording, ticket.key, tries=2))
    queue.ranks.clear()
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


class Counting(FolderStorage):
    """Counts what S3 would be asked."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        object.__setattr__(self, "asked", Counter())

    def list(self, prefix: str = "") -> Iterator[Stored]:
        self.asked["list"] += 1
        return super().list(prefix)

    def folder(self, prefix: str = "") -> Iterator[Stored | Folder]:
        self.asked["folder"] += 1
        return super().folder(prefix)


@pytest.fixture
def counting(tmp_path: Path) -> Any:
    return Counting(tmp_path)


def finished(storage: FolderStorage, key: str, mark: Mark = Mark.DONE) -> str:
    recording_id = put(storage, key)
    write_mark(storage, key, recording_id, mark)
    return recording_id


def test_between_full_listings_only_what_is_new_is_asked_for(counting: Any, queue: Any, settings: Settings) -> None:
    for number in range(30):
        finished(counting, f"day{number % 3}/done {number}.wav", Mark.FAILED if number % 5 == 0 else Mark.DONE)
    with Intake(counting, queue, settings) as intake:
        assert (intake.sweep().done, intake.sweep().failed) == (24, 6)
        counting.asked.clear()
        idle = intake.sweep(everything=False)
        assert (idle.done, idle.failed, idle.queued) == (24, 6, 0)
        # Tickets, and four folders of uploads; nothing of what was made of them.
        assert counting.asked == {"list": 1, "folder": 4}
        new = put(counting, "day1/new.wav")
        intake.sweep(everything=False)
        counting.asked.clear()
        assert intake.sweep(everything=False).queued == 1
        assert counting.asked == {"list": 2, "folder": 4}
        counting.asked.clear()
        assert intake.sweep(everything=False).standing == 1
        assert counting.asked == {"list": 1, "folder": 4}, "whoever stands in the queue isn't asked for"
        queue.ranks.clear()
        write_mark(counting, "day1/new.wav", new, Mark.DONE)
        assert intake.sweep(everything=False).done == 25


def test_where_much_is_new_the_whole_listing_is_cheaper(counting: Any, queue: Any, settings: Settings) -> None:
    finished(counting, "old.wav")
    with Intake(counting, queue, settings) as intake:
        intake.sweep()
        for number in range(20):
            finished(counting, f"{number}.wav")
        assert intake.sweep(everything=False).settling == 20
        counting.asked.clear()
        assert intake.sweep(everything=False).done == 21
        assert counting.asked == {"list": 2, "folder": 1}


@pytest.mark.parametrize("marks_first", [True, False])
def test_what_is_brought_back_is_seen_at_once(
    storage: FolderStorage, queue: Any, settings: Settings, marks_first: bool
) -> None:
    """A ticket says so, in whatever order somebody writes it and removes the mark."""
    recording_id = finished(storage, "a.wav", Mark.FAILED)
    found = storage.head("a.wav")
    assert found is not None
    steps = [
        lambda: storage.delete(mark_key("a.wav", recording_id, Mark.FAILED)),
        lambda: write_ticket(storage, Ticket(recording_at(storage, found), "a.wav", urgent=True)),
    ]
    with Intake(storage, queue, settings) as intake:
        assert intake.sweep().failed == 1
        for step in steps if marks_first else reversed(steps):
            step()
            intake.sweep(everything=False)
        intake.sweep(everything=False)
        assert queue.ids == [recording_id]


def test_a_replaced_upload_that_comes_back_is_new(storage: FolderStorage, queue: Any, settings: Settings) -> None:
    first = finished(storage, "a.wav")
    when = (storage.root / "a.wav").stat().st_mtime_ns
    with Intake(storage, queue, settings) as intake:
        intake.sweep()
        put(storage, "a.wav", age_s=61.0)
        intake.sweep(everything=False)
        storage.delete(mark_key("a.wav", first, Mark.DONE))
        put(storage, "a.wav")
        os.utime(storage.root / "a.wav", ns=(when, when))
        intake.sweep(everything=False)
        intake.sweep(everything=False)
        assert first in queue.ids


KINDS = st.sampled_from(["open", "done", "failed", "heard"])


@given(st.dictionaries(st.tuples(st.sampled_from("ab"), st.integers(0, 30)), KINDS, max_size=12), st.randoms())
def test_the_order_of_a_listing_is_no_matter(kinds: dict[tuple[str, int], str], shuffler: Any) -> None:
    stamp = datetime(2026, 1, 1, tzinfo=UTC)
    uploads = {Stored(f"{folder}/{number}.wav", "e", 1, stamp): kind for (folder, number), kind in kinds.items()}
    entries = list(uploads)
    for upload, kind in uploads.items():
        if kind != "open":
            key = mark_key(upload.key, recording_at(Shuffled([]), upload).id, Mark(kind))
            entries += [Stored(key, "m", 0, stamp), Stored(f"{folder_of(upload.key)}recap.md", "r", 9, stamp)]
    shuffler.shuffle(entries)
    view = Inventory(Shuffled(entries), load(), beat=lambda: None).everything(())
    assert set(view.open.values()) == {upload for upload, kind in uploads.items() if kind in {"open", "heard"}}
    assert len(view.heard) == sum(kind == "heard" for kind in uploads.values())
    assert (view.done, view.failed) == tuple(list(uploads.values()).count(kind) for kind in ("done", "failed"))


class Shuffled(FolderStorage):
    """Lists what it was told to, in that order."""

    def __init__(self, entries: list[Stored]) -> None:
        super().__init__(Path("/nowhere"))
        object.__setattr__(self, "entries", entries)

    def list(self, prefix: str = "") -> Iterator[Stored]:
        return iter([entry for entry in self.entries if entry.key.startswith(prefix)])  # type: ignore[attr-defined]


def test_urgent_by_its_sidecar_and_nobody_is_stopped_by_a_bad_one(
    storage: FolderStorage, queue: Any, settings: Settings
) -> None:
    first, urgent, bad = (put(storage, f"{name}.wav", age_s=age) for name, age in (("a", 900), ("b", 60), ("c", 120)))
    storage.write("b.yaml", b"titel: x\ndringend: ja", "text/plain")
    storage.write("c.wav.yaml", b"titel: [", "text/plain")
    assert sweep(storage, queue, settings).queued == 3
    assert queue.ids == [urgent, first, bad]
    assert queue.urgent == {urgent}
    ticket = read_ticket(storage, urgent)
    assert ticket is not None
    assert ticket.urgent


def test_urgent_by_the_schedule_of_its_folder_or_one_above(
    storage: FolderStorage, queue: Any, settings: Settings
) -> None:
    schedule = "- datei: b\n  dringend: ja\n- datei: tag1/c\n  urgent: yes\n- datei: a\n  titel: Nicht dringend\n"
    storage.write("day/programme.yaml", schedule.encode(), "text/yaml")
    storage.write("other/programm-1.ics", b"BEGIN:VCALENDAR urgent", "text/calendar")
    keys = ("day/a.wav", "day/b.wav", "day/tag1/c.wav", "other/b.wav", "b.wav")
    ids = {key: put(storage, key, age_s=900 - 10 * number) for number, key in enumerate(keys)}
    with Intake(storage, queue, settings) as intake:
        assert intake.sweep().queued == len(keys)
    assert queue.urgent == {ids["day/b.wav"], ids["day/tag1/c.wav"]}
    assert set(queue.ids[:2]) == queue.urgent


def test_a_schedule_that_nobody_understands_stops_nobody(
    storage: FolderStorage, queue: Any, settings: Settings
) -> None:
    storage.write("programme.yaml", b"dringend: [", "text/yaml")
    first = put(storage, "a.wav")
    with Intake(storage, queue, settings) as intake:
        assert intake.sweep().queued == 1
    assert (queue.ids, queue.urgent) == ([first], set())


def test_a_date_in_the_future_is_no_place_at_the_end(storage: FolderStorage, queue: Any, settings: Settings) -> None:
    recording_id = put(storage, "a.wav", age_s=-1e6)
    sweep(storage, queue, settings)
    ticket = read_ticket(storage, recording_id)
    assert ticket is not None
    assert ticket.since <= datetime.now(UTC)


def test_a_mark_that_goes_after_its_ticket_was_taken_for_an_orphan(
    storage: FolderStorage, queue: Any, settings: Settings
) -> None:
    recording_id = finished(storage, "a.wav")
    found = storage.head("a.wav")
    assert found is not None
    with Intake(storage, queue, settings) as intake:
        intake.sweep()
        write_ticket(storage, Ticket(recording_at(storage, found), "a.wav"))
        removed = [intake.sweep(everything=False).tickets_removed for _ in range(2)]
        assert sum(removed) == 1
        storage.delete(mark_key("a.wav", recording_id, Mark.DONE))
        for _ in range(2):
            intake.sweep(everything=False)
        assert queue.ids == [recording_id]
