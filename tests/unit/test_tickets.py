from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.artifacts import folder_of, is_own_output
from jobs.recording import Recording, recording_id
from worker.storage import FolderStorage
from worker.tickets import (
    Mark,
    Ticket,
    counted,
    id_of_ticket,
    mark_key,
    mark_of,
    read_mark,
    read_ticket,
    remove_ticket,
    ticket_key,
    write_mark,
    write_ticket,
)

KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=400)


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
    wanted = counted(ticket(), +2)
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
