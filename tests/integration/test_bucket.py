"""The same bad uploads through a real bucket, a real queue and a real worker: none stops it, none is tried twice."""

import json
from collections import Counter

import pytest

from jobs.artifacts import FAILURE, MANIFEST, TICKETS, folder_of
from jobs.errors import EngineError
from worker.bucket.place import Place
from worker.bucket.tickets import Mark, read_mark, recording_at, write_mark
from worker.queue.intake import sweep

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

    started = [event for event in called.events if event["event"] == "errand.started"]
    assert Counter(event["job_id"] for event in started) == dict.fromkeys(ids.values(), 1)
    assert {event["tries"] for event in started} == {1}
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


def test_what_producers_say_and_see(nachlese, fleet, storage, queue, bad):
    """The commands themselves, as processes: urgent, a forecast, set aside, and back."""

    def call(*words):
        return nachlese(*words, NACHLESE_CONFIG=str(fleet.folder / "nachlese.toml"), NACHLESE_INTAKE__SETTLE_S="0")

    storage.write("früh.wav", (bad.folder / "geheim.wav").read_bytes(), "audio/wav")
    first = call("intake", "--once")
    assert (first.code, first.out) == (0, "1 queued\n"), first.err
    late = call("put", bad.folder / "geheim.wav", "--key", "spät.wav", "--urgent", "--json")
    assert json.loads(late.out) == {"key": "spät.wav", "uploaded": True, "replaced": False, "urgent": True}, late.err
    assert call("intake", "--once").out == "1 queued\n"
    told = {state["key"]: state for state in json.loads(call("status", "--json").out)}
    assert [(told[key]["position"], told[key]["urgent"]) for key in ("spät.wav", "früh.wav")] == [(1, True), (2, False)]
    assert told["früh.wav"]["seconds_ahead"] > 0
    assert (told["früh.wav"]["expected_at"], told["früh.wav"]["pace"]) == (None, None)
    assert "spät" not in first.err + late.err + call("intake", "--once").err

    assert "Platz 1" in call("status", "spät.wav").out
    assert "dringend" in call("retry", "früh.wav", "--urgent").out
    assert all(state["urgent"] for state in json.loads(call("status", "--json").out))

    recording = recording_at(storage, storage.head("spät.wav"))
    Place(recording, storage, folder_of("spät.wav"), "spät.wav").fail(EngineError("gave-up"))
    write_mark(storage, "spät.wav", recording.id, Mark.FAILED)
    queue.take_back(recording.id)
    failed = call("ls", "--failed")
    assert failed.out.startswith("set-aside   spät.wav\n")
    assert "mehrmals abgebrochen" in failed.out
    assert "früh.wav" not in failed.out
    assert call("status", "spät.wav").code == 1
    assert call("retry", "spät.wav").code == 0
    assert queue.position(recording.id) == 2
