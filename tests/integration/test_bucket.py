"""The same bad uploads through a real bucket, a real queue and a real worker: none stops it, none is tried twice."""

import json
from collections import Counter

import pytest

from jobs.artifacts import FAILURE, MANIFEST, TICKETS, folder_of
from worker.intake import sweep
from worker.tickets import Mark, read_mark, recording_at

GOOD = "talks/gut.wav"


@pytest.fixture
def worked(storage, queue, settings, fleet, bad):
    """One worker takes all that is bad, and then what is good; gives the ids by key."""
    for path in (*bad.paths(), bad.folder / "beiblatt.yaml"):
        storage.write(f"talks/{path.name}", path.read_bytes(), "application/octet-stream")
    assert sweep(storage, queue, settings).queued == len(bad.paths())
    storage.write(GOOD, (bad.folder / "geheim.wav").read_bytes(), "audio/wav")
    assert sweep(storage, queue, settings).queued == 1
    fleet.burst("real")
    keys = [GOOD, *(f"talks/{path.name}" for path in bad.paths())]
    return {key: recording_at(storage, storage.head(key)).id for key in keys}


def events(fleet):
    return [json.loads(line) for line in fleet.log().splitlines() if line.startswith("{")]


def test_every_upload_is_settled_at_the_first_try_and_the_worker_lives_on(
    storage, queue, settings, fleet, bad, worked
):
    truncated = f"talks/{bad.truncated}"
    ended = {key: read_mark(storage, key, recording) for key, recording in worked.items()}
    assert ended == {key: Mark.DONE if key in {GOOD, truncated} else Mark.FAILED for key in worked}

    started = [event for event in events(fleet) if event["event"] == "recording.started"]
    assert Counter(event["recording_id"] for event in started) == dict.fromkeys(worked.values(), 1)
    assert {event["tries"] for event in started} == {1}
    assert started[-1]["recording_id"] == worked[GOOD]
    assert len(fleet.processes) == 1
    assert not {"recording.postponed", "recording.crashed", "worker.crashed", "worker.not_ready"} & {
        event["event"] for event in events(fleet)
    }

    after = sweep(storage, queue, settings)
    assert (after.done, after.failed, after.queued, after.standing) == (2, len(bad.codes), 0, 0)
    assert not list(storage.list(TICKETS))
    _check_failures(storage, bad)
    _check_secrets(storage, fleet, bad)


def _check_failures(storage, bad):
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


def _check_secrets(storage, fleet, bad):
    made = [storage.read(item.key) for item in storage.list("talks/") if ".nachlese/" in item.key]
    assert made
    assert not [data for data in made if bad.secret.encode() in data]
    for path in bad.paths():
        stem = path.name.rpartition(".")[0]
        assert f"{stem}." not in fleet.log()
        assert len(stem) < 6 or stem not in fleet.log()
