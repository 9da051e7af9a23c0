import heapq
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.artifacts import folder_of, is_own_output
from jobs.recording import Recording, recording_id
from worker.bucket.storage import FolderStorage
from worker.bucket.tickets import (
    HEAD_START_S,
    MOST_PATIENCE_S,
    Mark,
    Ticket,
    amend_ticket,
    counted,
    id_of_ticket,
    mark_key,
    mark_of,
    rank_of,
    read_mark,
    read_ticket,
    remove_ticket,
    ticket_key,
    write_mark,
    write_ticket,
)

KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=400)


NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


def ticket(key: str = "a/Ümlaut\n.mp3") -> Ticket:
    uri = f"s3://b/{key}"
    return Ticket(Recording(recording_id(uri, "e"), uri, "e", 7, datetime(2026, 11, 3, 14, 5, tzinfo=UTC)), key)


@given(KEYS, st.sampled_from(Mark))
def test_every_marker_is_read_as_what_it_was_written_for(key: str, mark: Mark) -> None:
    one = recording_id(key, "etag")
    written = mark_key(key, one, mark)
    assert mark_of(written) == (one, mark)
    assert is_own_output(written)
    assert written.startswith(folder_of(key))


@given(KEYS)
def test_nothing_else_is_a_marker(key: str) -> None:
    assert mark_of(key) is None
    assert mark_of(folder_of(key) + "manifest.json") is None


def test_a_ticket_comes_back_as_it_was(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    wanted = replace(counted(ticket(), +2), seconds=61.5, urgent=True, arrived_at=NOON)
    write_ticket(storage, wanted)
    assert read_ticket(storage, wanted.recording.id) == wanted
    assert [id_of_ticket(item.key) for item in storage.list()] == [wanted.recording.id]
    remove_ticket(storage, wanted.recording.id)
    assert read_ticket(storage, wanted.recording.id) is None


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff\xfe", b'{"recording": 3, "key": "x"}'])
def test_garbage_is_no_ticket(tmp_path: Path, data: bytes) -> None:
    storage = FolderStorage(tmp_path)
    storage.write(ticket_key("r-" + "0" * 20), data, "application/json")
    assert read_ticket(storage, "r-" + "0" * 20) is None


def test_tries_are_never_fewer_than_none() -> None:
    assert counted(counted(ticket(), -1), +1).tries == 1


def test_a_marker_speaks_of_one_upload_only(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    one, other = recording_id("a", "1"), recording_id("a", "2")
    write_mark(storage, "a", one, Mark.FAILED)
    assert read_mark(storage, "a", one) is Mark.FAILED
    assert read_mark(storage, "a", other) is None


def test_a_ticket_of_an_older_version_is_read(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    one = ticket()
    old = (
        f'{{"recording": {{"id": "{one.recording.id}", "uri": "s3://b/a.mp3", "etag": "e", "size_bytes": 7,'
        ' "recorded_at": "2026-11-03T14:05:00+00:00"}, "key": "a.mp3", "tries": 2}'
    )
    storage.write(ticket_key(one.recording.id), old.encode(), "application/json")
    found = read_ticket(storage, one.recording.id)
    assert found is not None
    assert (found.tries, found.seconds, found.urgent, found.since) == (2, None, False, one.recording.recorded_at)


def test_a_ticket_that_others_write_to_is_not_overwritten(tmp_path: Path) -> None:
    storage, one = FolderStorage(tmp_path), ticket()
    assert amend_ticket(storage, one.recording.id, lambda found: found) is None
    assert write_ticket(storage, one, if_absent=True)
    assert not write_ticket(storage, replace(one, urgent=True), if_absent=True)

    def meanwhile(found: Ticket) -> Ticket:
        write_ticket(storage, counted(found, +1))
        return replace(found, seconds=5.0)

    assert amend_ticket(storage, one.recording.id, meanwhile) is None
    assert read_ticket(storage, one.recording.id) == counted(one, +1)
    longer = amend_ticket(storage, one.recording.id, lambda found: replace(found, seconds=5.0))
    assert longer == replace(counted(one, +1), seconds=5.0) == read_ticket(storage, one.recording.id)


def test_heard_is_not_the_end(tmp_path: Path) -> None:
    storage, one = FolderStorage(tmp_path), recording_id("a", "1")
    for mark in (Mark.HEARD, Mark.PROVISIONAL, Mark.FAILED, Mark.DONE):
        write_mark(storage, "a", one, mark)
        assert read_mark(storage, "a", one) is mark, "the farthest counts"
    assert {mark for mark in Mark if not mark.final} == {Mark.HEARD, Mark.PROVISIONAL}


# --- the order of the line ----------------------------------------------------------------------------------------

LENGTHS = st.one_of(st.none(), st.floats(0, 16 * 3600))
WAITING = st.builds(
    lambda late_s, seconds, urgent: replace(
        ticket(), seconds=seconds, urgent=urgent, arrived_at=NOON + timedelta(seconds=late_s)
    ),
    st.floats(0, 48 * 3600),
    LENGTHS,
    st.booleans(),
)


@given(WAITING, st.floats(0, 16 * 3600), st.floats(1, 3600))
def test_of_two_that_came_together_the_shorter_is_not_behind(one: Ticket, seconds: float, less: float) -> None:
    longer = replace(one, seconds=seconds + less)
    assert rank_of(replace(one, seconds=seconds)) <= rank_of(longer)
    assert rank_of(longer, seconds) == rank_of(replace(one, seconds=seconds))


@given(WAITING, WAITING)
def test_urgent_goes_first_unless_the_other_has_waited_for_hours(one: Ticket, other: Ticket) -> None:
    urgent, normal = replace(one, urgent=True), replace(other, urgent=False)
    waited_s = (urgent.since - normal.since).total_seconds()
    if waited_s < HEAD_START_S - MOST_PATIENCE_S:
        assert rank_of(urgent) < rank_of(normal)
    if waited_s > HEAD_START_S + MOST_PATIENCE_S:
        assert rank_of(normal) < rank_of(urgent)


@given(st.lists(WAITING, min_size=1, max_size=60), st.floats(60, 3 * 3600))
def test_nobody_starves(tickets: list[Ticket], service_s: float) -> None:
    """One worker that always takes the smallest rank: whoever was passed by others had come within a known time."""
    arrivals = sorted(tickets, key=lambda each: each.since)
    waiting: list[tuple[float, int, Ticket]] = []
    begun: list[Ticket] = []
    now = NOON
    while arrivals or waiting:
        while arrivals and arrivals[0].since <= now:
            heapq.heappush(waiting, (rank_of(arrivals[0]), len(arrivals), arrivals.pop(0)))
        if waiting:
            begun.append(heapq.heappop(waiting)[2])
        now += timedelta(seconds=service_s)
    assert len(begun) == len(tickets)
    for place, one in enumerate(begun):
        passed_by = [other for other in begun[:place] if other.since > one.since]
        assert all((other.since - one.since).total_seconds() <= HEAD_START_S + MOST_PATIENCE_S for other in passed_by)
