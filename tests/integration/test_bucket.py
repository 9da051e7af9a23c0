"""The same bad uploads through a real bucket, a real queue and a real worker: none stops it, none is tried twice."""

import json
from collections import Counter

import pytest

from jobs.artifacts import FAILURE, MANIFEST, TICKETS, folder_of
from worker.intake import sweep
from worker.tickets import Mark, read_mark, recording_at

GOOD = "talks/gut.wav"


@pytest.fixture
def worker(nachlese, fleet):
    """Run `nachlese worker` until the queue is empty, with engines that need no weights."""
    return lambda: nachlese("worker", "--burst", NACHLESE_CONFIG=str(fleet.folder / "nachlese.toml"))


def test_every_upload_is_settled_at_the_first_try_and_the_worker_lives_on(storage, queue, settings, worker, bad):
    for path in (*bad.paths(), bad.folder / "beiblatt.yaml"):
        storage.write(f"talks/{path.name}", path.read_bytes(), "application/octet-stream")
    assert sweep(storage, queue, settings).queued == len(bad.paths())
    storage.write(GOOD, (bad.folder / "geheim.wav").read_bytes(), "audio/wav")
    assert sweep(storage, queue, settings).queued == 1
    called = worker()

    assert called.code == 0, called.err
    keys = [GOOD, *(f"talks/{path.name}" for path in bad.paths())]
    ids = {key: recording_at(storage, storage.head(key)).id for key in keys}
    ended = {key: read_mark(storage, key, recording) for key, recording in ids.items()}
    done = {GOOD, f"talks/{bad.truncated}"}
    assert ended == {key: Mark.DONE if key in done else Mark.FAILED for key in keys}

    started = [event for event in called.events if event["event"] == "recording.started"]
    assert Counter(event["recording_id"] for event in started) == dict.fromkeys(ids.values(), 1)
    assert {event["tries"] for event in started} == {1}
    assert started[-1]["recording_id"] == ids[GOOD]
    assert "recording.postponed" not in called.names()
    assert not [name for name in called.names() if name.endswith(("crashed", "not_ready"))]

    after = sweep(storage, queue, settings)
    assert (after.done, after.failed, after.queued, after.standing) == (2, len(bad.codes), 0, 0)
    assert not list(storage.list(TICKETS))
    check_failures(storage, bad)
    check_secrets(storage, called, bad)


def check_failures(storage, bad):
    for name, code in bad.codes.items():
        told = json.loads(storage.read(folder_of(f"talks/{name}") + FAILURE))
        assert told["code"] == code
        assert f"„{name}“" in told["message"]
        assert "bitte" in told["message"].lower()
        assert storage.head(folder_of(f"talks/{name}") + MANIFEST) is None
    told = json.loads(storage.read(folder_of(f"talks/{bad.truncated}") + FAILURE))
    assert (told["code"], told["partial"]) == ("incomplete", True)
    assert storage.head(folder_of(f"talks/{bad.truncated}") + MANIFEST) is not None
    assert storage.head(folder_of(GOOD) + MANIFEST) is not None
    assert storage.head(folder_of(GOOD) + FAILURE) is None


def check_secrets(storage, called, bad):
    made = [storage.read(item.key) for item in storage.list("talks/") if ".nachlese/" in item.key]
    assert made
    assert not [data for data in made if bad.secret.encode() in data]
    for path in bad.paths():
        stem = path.name.rpartition(".")[0]
        assert f"{stem}." not in called.out + called.err
        assert len(stem) < 6 or stem not in called.out + called.err
