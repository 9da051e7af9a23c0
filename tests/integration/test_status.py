"""Put, see how it stands, pull, retry: against a real bucket and a real broker."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from config.settings import Settings
from jobs.artifacts import FAILURE, MANIFEST, Entry, Failure, Manifest, canonical_json, folder_of
from jobs.errors import InputError, StorageError
from jobs.recording import Recording
from worker.bucket.sidecar import sidecar_keys
from worker.bucket.storage import S3Storage, Stored
from worker.bucket.tickets import Mark, id_of_ticket, read_mark, read_ticket, recording_at, write_mark
from worker.desk.rerun import hasten, retry
from worker.desk.status import Phase, listing, pull, put, state_of
from worker.queue.dispatch import JobQueue, Reached, job_queue
from worker.queue.intake import sweep

Until = Callable[[Callable[[], object]], None]
NOW = datetime(2026, 11, 3, tzinfo=UTC)
KEY = "talks/Größe & Maß.mp3"


def upload(storage: S3Storage, key: str = KEY, data: bytes = b"x") -> Recording:
    storage.write(key, data, "audio/mpeg")
    found = storage.head(key)
    assert found is not None
    return recording_at(storage, found)


def finish(storage: S3Storage, key: str, recording: Recording, files: dict[str, bytes]) -> None:
    """Write what a job writes."""
    for name, data in files.items():
        storage.write(folder_of(key) + name, data, "text/plain")
    entries = tuple(Entry(n, "text/plain", len(d), hashlib.sha256(d).hexdigest()) for n, d in files.items())
    manifest = Manifest(recording, "0", NOW, entries)
    storage.write(folder_of(key) + MANIFEST, canonical_json(manifest), "application/json")
    write_mark(storage, key, recording.id, Mark.DONE)


def fail(storage: S3Storage, key: str, recording_id: str, *, partial: bool = False) -> None:
    failure = Failure(recording_id, "x", "Bitte neu hochladen.", "", False, partial, "0", NOW)
    storage.write(folder_of(key) + FAILURE, canonical_json(failure), "application/json")


def test_a_recording_on_its_way(storage: S3Storage, queue: JobQueue, settings: Settings) -> None:
    def phase() -> Phase:
        return state_of(KEY, storage, queue, settings).phase

    assert phase() is Phase.MISSING
    recording = upload(storage)
    slow = settings.but(intake={"settle_s": 900.0})
    assert state_of(KEY, storage, queue, slow).phase is Phase.SETTLING
    assert phase() is Phase.ARRIVED
    queue.enqueue("r-" + "0" * 20)
    sweep(storage, queue, settings)
    waiting = state_of(KEY, storage, queue, settings)
    assert (waiting.phase, waiting.position, waiting.expected_at) == (Phase.WAITING, 2, None)
    assert "Platz 2 der Reihe, wann es fertig ist, lässt sich noch nicht sagen" in waiting.sentence
    finish(storage, KEY, recording, {"transcript.vtt": b"WEBVTT"})
    done = state_of(KEY, storage, queue, settings)
    assert (done.phase, done.artifacts) == (Phase.DONE, (folder_of(KEY) + "transcript.vtt",))
    assert "Größe & Maß.mp3" in done.sentence
    fail(storage, KEY, recording.id, partial=True)
    partial = state_of(KEY, storage, queue, settings)
    assert (partial.phase, partial.message) == (Phase.INCOMPLETE, "Bitte neu hochladen.")
    assert "Bitte neu hochladen." in partial.sentence


def test_one_that_runs_says_how_far_it_is(
    storage: S3Storage, queue: JobQueue, settings: Settings, fleet: Any, until: Until
) -> None:
    storage.write("a.wav", b"wait", "audio/wav")
    sweep(storage, queue, settings)
    fleet.start()
    until(lambda: state_of("a.wav", storage, queue, settings).stage)
    state = state_of("a.wav", storage, queue, settings)
    assert (state.phase, state.stage, state.done_s, state.total_s) == (Phase.RUNNING, "transcribe", 1.0, 2.0)
    assert "50 %" in state.sentence
    queue.tell(state.recording_id or "", Reached("no-such-stage", 5.0, 0.0))
    assert "0 %" in state_of("a.wav", storage, queue, settings).sentence


def test_failures_of_an_earlier_upload_are_forgotten(storage: S3Storage, queue: JobQueue, settings: Settings) -> None:
    old = upload(storage, data=b"old")
    fail(storage, KEY, old.id)
    write_mark(storage, KEY, old.id, Mark.FAILED)
    assert state_of(KEY, storage, queue, settings).phase is Phase.FAILED
    new = upload(storage, data=b"new")
    assert state_of(KEY, storage, queue, settings).phase is Phase.ARRIVED
    finish(storage, KEY, new, {})
    assert state_of(KEY, storage, queue, settings).phase is Phase.DONE


@pytest.mark.parametrize("key", ["notes.txt", "a.wav.nachlese/manifest.json", "folder/"])
def test_what_is_no_recording_is_said_so(storage: S3Storage, settings: Settings, key: str) -> None:
    assert state_of(key, storage, None, settings).phase is Phase.IGNORED


def test_without_a_broker_the_bucket_still_speaks(storage: S3Storage, settings: Settings) -> None:
    away = job_queue(settings.but(broker={"url": SecretStr("redis://127.0.0.1:1/0")}))
    upload(storage, "a.wav")
    finish(storage, "b.wav", upload(storage, "b.wav"), {})
    states = {state.key: state.phase for state in listing("", storage, away, settings)}
    assert states == {"a.wav": Phase.ARRIVED, "b.wav": Phase.DONE}
    assert {state.key: state.phase for state in listing("", storage, None, settings)} == states


def test_garbage_beside_a_recording_breaks_nothing(storage: S3Storage, settings: Settings) -> None:
    recording = upload(storage)
    for name in (FAILURE, MANIFEST):
        storage.write(folder_of(KEY) + name, b"<script>", "text/plain")
    assert state_of(KEY, storage, None, settings).phase is Phase.ARRIVED
    write_mark(storage, KEY, recording.id, Mark.FAILED)
    assert [(s.phase, s.message) for s in listing("talks/", storage, None, settings)] == [(Phase.FAILED, None)]


def test_put_brings_sidecar_and_recording(storage: S3Storage, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "U\u0308ber.wav"
    path.write_bytes(b"x" * (9 * 1024 * 1024))
    path.with_suffix(".yaml").write_text("titel: Über alles", "utf-8")
    moved: list[int] = []
    there = settings.but(storage={"prefix": "talks/"})
    first = put(path, storage, there, moved=moved.append)
    assert (first.key, first.uploaded, first.replaced) == ("talks/\u00dcber.wav", True, False)
    assert sum(moved) == path.stat().st_size
    assert storage.read(sidecar_keys(first.key)[0]) == path.with_suffix(".yaml").read_bytes()
    again = put(path, storage, there)
    assert (again.uploaded, again.replaced) == (False, False)
    path.write_bytes(b"y" * (9 * 1024 * 1024))
    other = put(path, storage, there)
    assert (other.uploaded, other.replaced) == (True, True)
    small = tmp_path / "small.wav"
    small.write_bytes(b"x")
    assert put(small, storage, there, key="talks/x.wav").uploaded
    assert not put(small, storage, there, key="talks/x.wav").uploaded


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("ü" * 126 + ".wav", "name-too-long"),
        ("a/" * 600 + "a.wav", "name-too-long"),
        ("a.txt", "not-a-recording"),
        ("a.wav.nachlese/x.wav", "not-a-recording"),
        ("../a.wav", "bad-name"),
        ("a//b.wav", "bad-name"),
        ("a\\b.wav", "bad-name"),
        ("\udcff.wav", "bad-name"),
    ],
)
def test_a_key_that_cannot_work_is_refused_before_the_upload(
    storage: S3Storage, settings: Settings, tmp_path: Path, key: str, code: str
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"x")
    with pytest.raises(InputError) as caught:
        put(path, storage, settings, key=key)
    assert caught.value.code == code
    assert not list(storage.list())


def test_a_bad_sidecar_stops_the_upload(storage: S3Storage, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"x")
    (tmp_path / "a.yml").write_text("titel: [", "utf-8")
    for talk, code in ((None, "bad-sidecar"), (tmp_path / "nowhere.yaml", "not-found")):
        with pytest.raises(InputError) as caught:
            put(path, storage, settings, talk=talk)
        assert caught.value.code == code
    with pytest.raises(InputError) as caught:
        put(tmp_path / "nowhere.wav", storage, settings)
    assert caught.value.code == "not-found"
    assert not list(storage.list())


def test_pull_brings_what_was_asked_for(storage: S3Storage, tmp_path: Path) -> None:
    files = {"transcript.vtt": b"WEBVTT", "recap.md": b"# x", "recap.docx": b"PK"}
    finish(storage, KEY, upload(storage), files)
    everything = pull(KEY, storage, tmp_path)
    assert {path.name: path.read_bytes() for path in everything} == files
    assert {path.parent for path in everything} == {tmp_path / "Größe & Maß.mp3.nachlese"}
    assert [path.name for path in pull(KEY, storage, tmp_path, ("vtt", "recap.md"))] == ["transcript.vtt", "recap.md"]
    with pytest.raises(InputError, match="no-such-format"):
        pull(KEY, storage, tmp_path, ("pdf",))
    with pytest.raises(InputError, match="nothing-made-yet"):
        pull("talks/other.mp3", storage, tmp_path)
    storage.write(folder_of(KEY) + "recap.md", b"another", "text/plain")
    with pytest.raises(StorageError, match="object-changed"):
        pull(KEY, storage, tmp_path, ("md",))


def test_a_manifest_cannot_lead_pull_astray(storage: S3Storage, tmp_path: Path) -> None:
    names = ("../../evil", "/etc/evil", "a/b", ".hidden", "..", "good.txt")
    recording = upload(storage)
    entries = tuple(Entry(name, "text/plain", 0, hashlib.sha256(b"").hexdigest()) for name in names)
    storage.write(folder_of(KEY) + "good.txt", b"", "text/plain")
    manifest = Manifest(recording, "0", NOW, entries)
    storage.write(folder_of(KEY) + MANIFEST, canonical_json(manifest), "application/json")
    assert [path.name for path in pull(KEY, storage, tmp_path / "out")] == ["good.txt"]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["good.txt"]


@pytest.mark.parametrize("partial", [False, True])
def test_retry_starts_afresh(
    storage: S3Storage, queue: JobQueue, settings: Settings, fleet: Any, partial: bool
) -> None:
    recording = upload(storage, "a.wav")
    fail(storage, "a.wav", recording.id, partial=partial)
    if partial:
        finish(storage, "a.wav", recording, {})
        fail(storage, "a.wav", recording.id, partial=True)
    else:
        write_mark(storage, "a.wav", recording.id, Mark.FAILED)
    assert sweep(storage, queue, settings).queued == 0
    retry("a.wav", storage, queue, settings)
    assert storage.head(folder_of("a.wav") + FAILURE) is None
    ticket = read_ticket(storage, recording.id)
    assert ticket is not None
    assert ticket.tries == 0
    fleet.burst()
    assert read_mark(storage, "a.wav", recording.id) is Mark.DONE


def test_retry_without_a_broker_is_left_to_the_intake(storage: S3Storage, queue: JobQueue, settings: Settings) -> None:
    recording = upload(storage, "a.wav")
    fail(storage, "a.wav", recording.id)
    write_mark(storage, "a.wav", recording.id, Mark.FAILED)
    away = job_queue(settings.but(broker={"url": SecretStr("redis://127.0.0.1:1/0")}))
    retry("a.wav", storage, away, settings)
    assert sweep(storage, queue, settings).queued == 1


def test_what_is_fine_is_not_retried(storage: S3Storage, queue: JobQueue, settings: Settings) -> None:
    with pytest.raises(InputError, match="not-found"):
        retry("a.wav", storage, queue, settings)
    recording = upload(storage, "a.wav")
    with pytest.raises(InputError, match="nothing-to-retry"):
        retry("a.wav", storage, queue, settings)
    finish(storage, "a.wav", recording, {})
    with pytest.raises(InputError, match="nothing-to-retry"):
        retry("a.wav", storage, queue, settings)


def test_an_honest_time(storage: S3Storage, queue: JobQueue, settings: Settings) -> None:
    """One worker lives, two hours of sound are ahead, and it takes half of what it hears."""
    upload(storage, "a.wav")
    queue.enqueue("r-" + "0" * 20, rank=0.0, seconds=7200.0)
    sweep(storage, queue, settings)
    queue.learn(3600.0, 1800.0)
    queue.redis.sadd(f"rq:workers:{queue.rq.name}", "rq:worker:alive")
    queue.redis.hset("rq:worker:alive", "state", "idle")
    ticket = read_ticket(storage, next(iter(storage_ids(storage))))
    assert ticket is not None
    queue.move(ticket.recording.id, rank=1e12, seconds=600.0)
    state = state_of("a.wav", storage, queue, settings)
    assert (state.position, state.seconds_ahead, state.pace) == (2, 7200.0, pytest.approx(0.5))
    assert state.expected_at is not None
    wall = (state.expected_at - datetime.now(UTC)).total_seconds()
    assert wall == pytest.approx(3900, abs=60)
    assert "Platz 2 der Reihe, voraussichtlich fertig " in state.sentence
    assert state.sentence.endswith(" Uhr.")
    assert [each.expected_at is not None for each in listing("", storage, queue, settings)] == [True]


def storage_ids(storage: S3Storage) -> set[str]:
    found = {id_of_ticket(item.key) for item in storage.list(".nachlese/tickets/")}
    return {each for each in found if each is not None}


def test_urgent_goes_first_wherever_it_is_said(storage: S3Storage, queue: JobQueue, settings: Settings) -> None:
    ids = {key: upload(storage, key, key.encode()).id for key in ("a.wav", "b.wav", "c.wav", "d.wav")}
    assert hasten("b.wav", storage, queue), "before it is queued"
    sweep(storage, queue, settings)
    assert queue.rq.job_ids[0] == ids["b.wav"]
    assert hasten("c.wav", storage, queue), "while it waits"
    assert set(queue.rq.job_ids[:2]) == {ids["b.wav"], ids["c.wav"]}
    retry("d.wav", storage, queue, settings, urgent=True)
    assert set(queue.rq.job_ids[:3]) == {ids["b.wav"], ids["c.wav"], ids["d.wav"]}
    state = state_of("c.wav", storage, queue, settings)
    assert state.urgent
    assert "„c.wav“ (dringend) wartet" in state.sentence
    queue.redis.flushall()
    sweep(storage, queue, settings)
    assert queue.rq.job_ids[-1] == ids["a.wav"], "the bucket remembers"
    finish(storage, "a.wav", recording_at(storage, head(storage, "a.wav")), {})
    assert not hasten("a.wav", storage, queue)
    assert not hasten("nowhere.wav", storage, queue)


def head(storage: S3Storage, key: str) -> Stored:
    found = storage.head(key)
    assert found is not None
    return found


def test_a_retry_waits_like_one_that_has_just_come(storage: S3Storage, queue: JobQueue, settings: Settings) -> None:
    recording = upload(storage, "a.wav")
    fail(storage, "a.wav", recording.id)
    write_mark(storage, "a.wav", recording.id, Mark.FAILED)
    retry("a.wav", storage, queue, settings)
    ticket = read_ticket(storage, recording.id)
    assert ticket is not None
    assert not ticket.urgent
    assert abs(ticket.since - storage.clock()) < timedelta(minutes=1)


def test_two_halves(storage: S3Storage, queue: JobQueue, settings: Settings, tmp_path: Path) -> None:
    recording = upload(storage)
    storage.write(folder_of(KEY) + "transcript.vtt", b"WEBVTT", "text/vtt")
    write_mark(storage, KEY, recording.id, Mark.HEARD)
    state = state_of(KEY, storage, queue, settings)
    assert (state.phase, state.artifacts) == (Phase.HEARD, (folder_of(KEY) + "transcript.vtt",))
    assert "Das Transkript liegt bereit, der Entwurf folgt" in state.sentence
    assert [path.read_bytes() for path in pull(KEY, storage, tmp_path)] == [b"WEBVTT"]
    with pytest.raises(InputError, match="nothing-to-retry"):
        retry(KEY, storage, queue, settings)
    apart = settings.but(recap={"queue": f"{settings.broker.queue}-drafts"})
    assert sweep(storage, queue, apart).queued == 1
    assert sweep(storage, queue, apart).standing == 1
    assert queue.rq.job_ids == []
    assert job_queue(apart, apart.recap.queue).rq.job_ids == [f"{recording.id}-draft"]
    assert sweep(storage, queue, settings).queued == 1, "a queue that nobody serves any more costs no draft"
    assert queue.rq.job_ids == [f"{recording.id}-draft"]


def test_set_aside_is_no_fault_of_the_recording(storage: S3Storage, queue: JobQueue, settings: Settings) -> None:
    recording = upload(storage)
    failure = Failure(recording.id, "gave-up", "Mehrmals abgebrochen.", "", True, False, "0", NOW)
    storage.write(folder_of(KEY) + FAILURE, canonical_json(failure), "application/json")
    write_mark(storage, KEY, recording.id, Mark.FAILED)
    state = state_of(KEY, storage, queue, settings)
    assert state.phase is Phase.SET_ASIDE
    assert "beiseitegelegt. Mehrmals abgebrochen." in state.sentence
    retry(KEY, storage, queue, settings)
    assert state_of(KEY, storage, queue, settings).phase is Phase.WAITING
