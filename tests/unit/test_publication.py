"""The last files of a recording, while others write beside us: at every moment, between any two of our requests."""

import contextlib
import itertools
import json
from dataclasses import replace

import pytest

from jobs.artifacts import FAILURE, MANIFEST, Artifact, Manifest, folder_of
from jobs.errors import InputError, StorageError
from jobs.recording import recording_id
from worker.bucket.place import Place
from worker.bucket.publication import publish
from worker.bucket.storage import FolderStorage
from worker.bucket.tickets import Mark, mark_key, recording_at, write_mark
from worker.control import Superseded

KEY = "talk.wav"
FOLDER = folder_of(KEY)


def made(of, *names):
    return tuple(Artifact(name, "text/plain", f"{name} of {of}".encode()) for name in names)


OURS, THEIRS = made("ours", "a.txt", "b.txt", "c.txt"), made("theirs", "a.txt", "b.txt", "c.txt")


class Interrupted:
    """A storage in which something happens before the n-th request."""

    def __init__(self, storage, happens):
        self.storage, self.happens = storage, happens

    def __getattr__(self, name):
        asked = getattr(self.storage, name)

        def ask(*given, **conditions):
            self.happens()
            return asked(*given, **conditions)

        return ask


class At:
    """Lets something happen once, before the n-th request; counts them all."""

    def __init__(self, number, action):
        self.number, self.action, self.count = number, action, 0

    def __call__(self):
        self.count += 1
        if self.count == self.number:
            self.action()


@pytest.fixture
def storage(tmp_path):
    return FolderStorage(tmp_path)


def upload(storage, sound=b"sound"):
    """The place of an upload that now lies in the storage."""
    storage.write(KEY, sound, "audio/wav")
    stored = storage.head(KEY)
    return Place(recording_at(storage, stored), storage, FOLDER, KEY, KEY)


def interrupted(place, at):
    return replace(place, storage=Interrupted(place.storage, at))


def manifest_of(place):
    return json.loads(place.read(MANIFEST))


def contents(place):
    """Name → bytes, of what everybody reads."""
    names = [stored.key.removeprefix(FOLDER) for stored in place.list()]
    return {name: place.read(name) for name in names if "/" not in name}


def check(place, files):
    """The manifest is this recording's, and lists what lies there, to the byte."""
    lies = contents(place)
    assert manifest_of(place)["recording"]["id"] == place.recording.id
    assert {entry["name"]: entry["sha256"] for entry in manifest_of(place)["artifacts"]} == {
        file.name: file.sha256 for file in files
    }
    assert lies == {MANIFEST: lies[MANIFEST]} | {file.name: file.data for file in files}


def requests_of(place, files):
    """How many requests a publication without trouble makes."""
    at = At(0, lambda: None)
    publish(interrupted(place, at), files, None, complete=True)
    return at.count


def test_every_file_and_the_manifest_lie_there(storage):
    place = upload(storage)
    manifest = publish(place, OURS, None, complete=True)
    assert isinstance(manifest, Manifest)
    assert manifest.recording == place.recording
    check(place, OURS)


def test_without_the_last_files_there_is_no_manifest(storage):
    place = upload(storage)
    assert publish(place, OURS, None, complete=False) is None
    assert contents(place) == {file.name: file.data for file in OURS}


def test_a_manifest_of_the_same_files_stands(storage):
    place = upload(storage)
    first = publish(place, OURS, None, complete=True)
    assert publish(place, OURS, None, complete=True) == first
    assert publish(place, OURS[:2], None, complete=True) == first
    check(place, OURS)


def test_other_files_of_the_same_recording_get_a_manifest_of_their_own(storage):
    place = upload(storage)
    publish(place, OURS, None, complete=True)
    publish(place, (*THEIRS[:2], *made("theirs", "d.txt")), None, complete=True)
    check(place, (*THEIRS[:2], *made("theirs", "d.txt")))


def test_what_an_earlier_upload_left_goes(storage):
    old = upload(storage)
    publish(old, OURS, old.failure(InputError("incomplete", decoded="0:10", claimed="0:20", missing=10)), complete=True)
    for mark in Mark:
        write_mark(storage, KEY, old.recording.id, mark)
    new = upload(storage, b"another sound")
    publish(new, THEIRS[:1], None, complete=True)
    check(new, THEIRS[:1])
    assert not [mark for mark in Mark if storage.head(mark_key(KEY, old.recording.id, mark))]


def test_our_own_markers_stay(storage):
    place = upload(storage)
    write_mark(storage, KEY, place.recording.id, Mark.HEARD)
    publish(place, OURS, None, complete=True)
    assert storage.head(mark_key(KEY, place.recording.id, Mark.HEARD))


def test_half_of_a_new_recordings_files_make_an_earlier_manifest_untrue(storage):
    publish(upload(storage), OURS, None, complete=True)
    new = upload(storage, b"another sound")
    publish(new, THEIRS, None, complete=False)
    assert MANIFEST not in contents(new)


def test_a_failure_is_told_beside_the_files_and_not_in_the_manifest(storage):
    place = upload(storage)
    failure = place.failure(InputError("incomplete", decoded="0:10", claimed="0:20", missing=10), partial=True)
    publish(place, OURS, failure, complete=True)
    assert json.loads(place.read(FAILURE))["partial"] is True
    assert FAILURE not in {entry["name"] for entry in manifest_of(place)["artifacts"]}
    publish(place, OURS, None, complete=True)
    check(place, OURS)


@pytest.mark.parametrize("content", [b"", b"{", b'{"recording": {"id": "r-1"}}'])
def test_a_manifest_that_cannot_be_read_is_replaced(storage, content):
    place = upload(storage)
    place.write(MANIFEST, content)
    publish(place, OURS, None, complete=True)
    check(place, OURS)


def test_an_upload_that_is_gone_gets_no_files(storage):
    place = upload(storage)
    storage.delete(KEY)
    with pytest.raises(Superseded):
        publish(place, OURS, None, complete=True)
    assert contents(place) == {}


def test_a_recording_outside_of_the_storage_is_nobodys_to_replace(storage):
    place = replace(upload(storage), key=None)
    storage.delete(KEY)
    publish(place, OURS, None, complete=True)
    check(place, OURS)


def moments(storage):
    """The number of each request of a publication over an older one."""
    place = upload(storage, b"a sound for counting")
    publish(place, made("older", "a.txt", "x.txt"), None, complete=True)
    newer = upload(storage, b"another sound for counting")
    return range(1, requests_of(newer, OURS) + 1)


def test_a_twin_at_any_moment_changes_nothing(tmp_path):
    """Another worker on the same recording writes all the same files, between any two requests of ours."""
    for number in moments(FolderStorage(tmp_path / "counting")):
        storage = FolderStorage(tmp_path / f"at-{number}")
        publish(upload(storage), made("older", "a.txt", "x.txt"), None, complete=True)
        place = upload(storage, b"another sound")
        first = []
        at = At(number, lambda place=place, first=first: first.append(publish(place, OURS, None, complete=True)))
        assert publish(interrupted(place, at), OURS, None, complete=True) == first[0]
        check(place, OURS)


def test_a_newer_upload_at_any_moment_wins(tmp_path):
    """Between any two requests of ours the upload is replaced, worked on and finished by another worker."""
    for number in moments(FolderStorage(tmp_path / "counting")):
        storage = FolderStorage(tmp_path / f"at-{number}")
        publish(upload(storage), made("older", "a.txt", "x.txt"), None, complete=True)
        place = upload(storage, b"another sound")
        newer = []

        def replaced(storage=storage, newer=newer):
            newer.append(upload(storage, b"the newest sound of all"))
            publish(newer[0], THEIRS, None, complete=True)

        with contextlib.suppress(Superseded):
            publish(interrupted(place, At(number, replaced)), OURS, None, complete=True)
        check(newer[0], THEIRS)


def test_another_version_of_ours_at_any_moment_leaves_a_manifest_that_is_true(tmp_path):
    for number in moments(FolderStorage(tmp_path / "counting")):
        storage = FolderStorage(tmp_path / f"at-{number}")
        place = upload(storage, b"another sound")
        at = At(number, lambda place=place: publish(place, THEIRS, None, complete=True))
        publish(interrupted(place, at), OURS, None, complete=True)
        listed = {entry["name"]: entry["sha256"] for entry in manifest_of(place)["artifacts"]}
        lies = {Artifact(name, "", data).sha256 for name, data in contents(place).items() if name != MANIFEST}
        assert set(listed.values()) == lies


def test_who_is_disturbed_for_ever_gives_up(storage):
    place = upload(storage)
    numbers = itertools.count()

    class Restless(At):
        def __call__(self):
            FolderStorage.write(storage, f"{FOLDER}b.txt", str(next(numbers)).encode(), "text/plain")

    with pytest.raises(StorageError, match="object-changed"):
        publish(interrupted(place, Restless(0, None)), OURS, None, complete=True)


def test_names_in_a_foreign_manifest_delete_nothing_elsewhere(storage):
    old = upload(storage)
    publish(old, OURS, None, complete=True)
    evil = json.loads(old.read(MANIFEST))
    evil["artifacts"][0]["name"] = "../talk.wav"
    old.write(MANIFEST, json.dumps(evil).encode())
    place = upload(storage, b"another sound")
    publish(place, THEIRS, None, complete=True)
    assert storage.head(KEY)
    assert place.recording.id == recording_id(place.recording.uri, place.recording.etag)
