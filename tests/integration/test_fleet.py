"""Sweep, queue, workers and markers, with a real S3 server, a real broker and workers that are really killed."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rq.job import Job, Retry
from rq.serializers import JSONSerializer

from config.settings import Settings
from jobs.artifacts import FAILURE, MANIFEST, TICKETS, folder_of
from jobs.errors import SetupError
from worker import tasks
from worker.bucket.storage import S3Storage
from worker.bucket.tickets import Mark, read_mark, read_ticket, recording_at
from worker.desk.status import Phase, pull, state_of
from worker.desk.status import put as put_file
from worker.fleet import worker as fleets
from worker.queue.dispatch import RUN, JobQueue, Reached, Standing
from worker.queue.intake import sweep, watch

Until = Callable[[Callable[[], object]], None]


def put(storage: S3Storage, key: str, wish: str = "") -> str:
    """Upload a recording; returns its id."""
    storage.write(key, wish.encode(), "audio/wav")
    found = storage.head(key)
    assert found is not None
    return recording_at(storage, found).id


def mark(storage: S3Storage, key: str, recording_id: str) -> Mark | None:
    return read_mark(storage, key, recording_id)


def test_an_upload_becomes_a_finished_recording(
    storage: S3Storage, queue: JobQueue, settings: Settings, fleet: Any
) -> None:
    good, bad = put(storage, "talks/gut.wav"), put(storage, "talks/schlecht.WAV", "input")
    storage.write("talks/gut.yaml", b"titel: x", "text/plain")
    first = sweep(storage, queue, settings)
    assert (first.queued, first.standing) == (2, 0)
    assert read_ticket(storage, good) is not None
    assert (sweep(storage, queue, settings).queued, sweep(storage, queue, settings).standing) == (0, 2)
    fleet.burst()
    assert mark(storage, "talks/gut.wav", good) is Mark.DONE
    assert mark(storage, "talks/schlecht.WAV", bad) is Mark.FAILED
    assert storage.head(folder_of("talks/gut.wav") + MANIFEST) is not None
    assert storage.head(folder_of("talks/schlecht.WAV") + FAILURE) is not None
    assert not list(storage.list(TICKETS))
    after = sweep(storage, queue, settings)
    assert (after.done, after.failed, after.queued, after.standing) == (1, 1, 0, 0)
    assert sorted(fleet.begun()) == sorted([good, bad])


def test_a_real_recording_becomes_a_transcript(
    storage: S3Storage, queue: JobQueue, settings: Settings, fleet: Any, tmp_path: Path
) -> None:
    """The whole way with everything real but the models."""
    source = Path(__file__).parents[1] / "fixtures" / "einzel.opus"
    good = put_file(source, storage, settings, key="talks/Größe.opus")
    storage.write("talks/kein Ton.mp3", b"<html>", "audio/mpeg")
    sweep(storage, queue, settings)
    fleet.burst("real")
    state = state_of(good.key, storage, queue, settings)
    assert state.phase is Phase.DONE, fleet.log()
    pulled = {path.name for path in pull(good.key, storage, tmp_path / "out")}
    assert {"transcript.json", "transcript.vtt", "recap.md"} <= pulled
    bad = state_of("talks/kein Ton.mp3", storage, queue, settings)
    assert bad.phase is Phase.FAILED
    assert bad.message
    assert "kein Ton" in bad.message
    assert not list(storage.list(TICKETS))
    assert not list(Path(settings.media.scratch).iterdir())
    told = fleet.log().encode() + b"".join(_everything(queue))
    assert "Größe".encode() not in told
    assert b"kein Ton" not in told


def test_odd_keys_flow_through(storage: S3Storage, queue: JobQueue, settings: Settings, fleet: Any) -> None:
    keys = [
        "a/Ümläut.wav",
        "a/U\u0308.wav",
        "a/💥 <script>.wav",
        "a/new\nline.wav",
        "x" * 251 + ".wav",
        "ß" * 124 + ".wav",
    ]
    ids = [put(storage, key) for key in keys]
    assert sweep(storage, queue, settings).queued == len(keys)
    fleet.burst()
    assert [mark(storage, key, recording_id) for key, recording_id in zip(keys, ids, strict=True)] == [Mark.DONE] * len(
        keys
    )
    assert sweep(storage, queue, settings).done == len(keys)
    assert "mläut" not in fleet.log()


def test_a_wiped_broker_is_filled_again(storage: S3Storage, queue: JobQueue, settings: Settings, fleet: Any) -> None:
    ids = [put(storage, f"{number}.wav") for number in range(3)]
    assert sweep(storage, queue, settings).queued == 3
    queue.redis.flushall()
    assert sweep(storage, queue, settings).queued == 3
    fleet.burst()
    assert sorted(fleet.ended()) == sorted(ids)


def test_a_broker_wiped_in_mid_work_costs_nothing(
    storage: S3Storage, queue: JobQueue, settings: Settings, fleet: Any, until: Until
) -> None:
    recording_id = put(storage, "a.wav", "wait")
    sweep(storage, queue, settings)
    worker = fleet.start()
    until(fleet.begun)
    queue.redis.flushall()
    assert sweep(storage, queue, settings).queued == 1
    fleet.let_go()
    until(lambda: mark(storage, "a.wav", recording_id))
    until(lambda: not queue.standing())
    assert worker.poll() is None
    assert mark(storage, "a.wav", recording_id) is Mark.DONE
    assert not list(storage.list(TICKETS))
    after = sweep(storage, queue, settings)
    assert (after.done, after.queued, after.standing) == (1, 0, 0)


def test_traces_of_an_earlier_job_do_not_stop_a_new_one(
    storage: S3Storage, queue: JobQueue, settings: Settings, fleet: Any
) -> None:
    recording_id = put(storage, "a.wav")
    sweep(storage, queue, settings)
    fleet.burst()
    assert queue.redis.exists(f"rq:job:{recording_id}")
    for leftover in (Mark.DONE,):
        storage.delete(f"{folder_of('a.wav')}stages/{recording_id}/{leftover}")
    assert sweep(storage, queue, settings).queued == 1
    fleet.burst()
    queue.redis.delete(f"rq:job:{recording_id}")
    queue.tell(recording_id, Reached("transcribe", 1, 2))
    assert queue.enqueue(recording_id)
    assert fleet.ended() == [recording_id] * 2


def test_a_replaced_upload_is_worked_on_once_as_it_is_now(
    storage: S3Storage, queue: JobQueue, settings: Settings, fleet: Any
) -> None:
    old = put(storage, "a.wav", "old")
    sweep(storage, queue, settings)
    new = put(storage, "a.wav", "new")
    assert sweep(storage, queue, settings).queued == 1
    fleet.burst()
    assert fleet.ended() == [new]
    assert mark(storage, "a.wav", old) is None
    assert not list(storage.list(TICKETS))


def test_a_deleted_upload_is_forgotten(storage: S3Storage, queue: JobQueue, settings: Settings, fleet: Any) -> None:
    put(storage, "a.wav")
    sweep(storage, queue, settings)
    storage.delete("a.wav")
    assert sweep(storage, queue, settings).tickets_removed == 1
    fleet.burst()
    assert fleet.begun() == []
    assert not queue.standing()


FOREIGN = {
    "function": {"func": "os.system", "args": ("touch {here}/owned",)},
    "argument": {"func": RUN, "args": ("touch {here}/owned",)},
    "more": {"func": RUN, "args": ("r-" + "1" * 20, "x")},
    "callback": {"func": RUN, "args": ("r-" + "1" * 20,), "on_failure": "os.system"},
}


@pytest.mark.parametrize("case", FOREIGN)
def test_nothing_foreign_is_run(
    *, storage: S3Storage, queue: JobQueue, settings: Settings, fleet: Any, case: str, tmp_path: Path
) -> None:
    job = FOREIGN[case]
    arguments = tuple(str(argument).format(here=tmp_path) for argument in job["args"])
    extra = {"failure_callback": job["on_failure"]} if "on_failure" in job else {}
    foreign = Job.create(
        job["func"], args=arguments, connection=queue.redis, id="r-" + "1" * 20, origin=queue.rq.name,
        serializer=JSONSerializer, status="queued",
    )  # fmt: skip
    foreign._failure_callback_name = extra.get("failure_callback")
    foreign.save()
    queue.rq.push_job_id(foreign.id)
    recording_id = put(storage, "a.wav")
    sweep(storage, queue, settings)
    fleet.burst()
    assert not (tmp_path / "owned").exists()
    assert fleet.ended() == [recording_id]
    assert "job.refused" in fleet.log()


def test_garbage_in_the_broker_stops_nobody(
    storage: S3Storage, queue: JobQueue, settings: Settings, fleet: Any
) -> None:
    for number, fields in enumerate(({"data": b"\x80\x04garbage"}, {"x": b"y"}, {"data": b"[]", "timeout": b"soon"})):
        queue.redis.hset(f"rq:job:bad-{number}", mapping=fields)
        queue.rq.push_job_id(f"bad-{number}")
    queue.rq.push_job_id("r-" + "2" * 20)
    recording_id = put(storage, "a.wav")
    sweep(storage, queue, settings)
    fleet.burst()
    assert fleet.ended() == [recording_id]


@pytest.mark.parametrize(("wish", "code"), [("engine", b"out-of-memory"), ("surprise", b"unknown")])
def test_what_may_pass_is_tried_again_and_then_told(
    *, storage: S3Storage, queue: JobQueue, settings: Settings, fleet: Any, until: Until, wish: str, code: bytes
) -> None:
    recording_id = put(storage, "a.wav", wish)
    sweep(storage, queue, settings)
    fleet.start()
    until(lambda: mark(storage, "a.wav", recording_id) is Mark.FAILED)
    assert code in storage.read(folder_of("a.wav") + FAILURE)
    assert len(fleet.begun()) == settings.worker.max_tries
    assert not list(storage.list(TICKETS))
    assert "Geheimer" not in fleet.log()
    until(lambda: not queue.standing())
    kept = b"".join(_everything(queue))
    assert b"Geheimer" not in kept
    assert b"a.wav" not in kept


def _everything(queue: JobQueue) -> list[bytes]:
    redis = queue.redis
    return [redis.dump(key) or b"" for key in redis.keys("*")] + list(redis.keys("*"))


def test_progress_is_told_without_words(
    storage: S3Storage, queue: JobQueue, settings: Settings, fleet: Any, until: Until
) -> None:
    recording_id = put(storage, "Geheimer Titel.wav", "wait")
    sweep(storage, queue, settings)
    fleet.start()
    until(lambda: queue.reached(recording_id))
    assert queue.reached(recording_id) == Reached("transcribe", 1.0, 2.0)
    assert queue.position(recording_id) is None
    assert not any(b"Geheimer" in value for value in _everything(queue))
    fleet.let_go()
    until(lambda: mark(storage, "Geheimer Titel.wav", recording_id))
    assert "Geheimer" not in fleet.log()


def test_what_has_paused_is_queued_when_its_time_comes(queue: JobQueue) -> None:
    early, late = "r-" + "3" * 20, "r-" + "4" * 20
    for recording_id, due in ((early, datetime(2020, 1, 1, tzinfo=UTC)), (late, datetime(2999, 1, 1, tzinfo=UTC))):
        job = queue.rq.create_job(RUN, args=(recording_id,), job_id=recording_id, retry=Retry(max=1))
        queue.rq.schedule_job(job, due)
    assert queue.standing() == {early: Standing.PAUSED, late: Standing.PAUSED}
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: queue.enqueue_due(), range(8))) == 1
    assert queue.standing() == {early: Standing.WAITING, late: Standing.PAUSED}
    assert queue.rq.job_ids == [early]


def test_forgotten_means_no_trace(queue: JobQueue) -> None:
    recording_id = "r-" + "5" * 20
    queue.enqueue(recording_id)
    queue.forget(recording_id)
    assert not [key for key in queue.redis.keys("*") if recording_id.encode() in key]
    assert not queue.standing()


def test_a_plain_rq_worker_is_refused(queue: JobQueue) -> None:
    with pytest.raises(SetupError, match="nachlese worker"):
        fleets.NachleseWorker([queue.rq], connection=queue.redis)
    with pytest.raises(SetupError, match="nachlese worker"):
        tasks.run("r-" + "0" * 20)


def test_watching_goes_on_through_trouble(
    storage: S3Storage, queue: JobQueue, settings: Settings, until: Until
) -> None:
    """The bucket is missing at first; once it is there, what lies in it is queued on the second look."""
    late = S3Storage(storage.client, f"{storage.bucket}-late")
    stop = threading.Event()
    thread = threading.Thread(target=watch, args=(late, queue, settings, stop))
    thread.start()
    try:
        storage.client.create_bucket(Bucket=late.bucket)
        recording_id = put(late, "a.wav")
        until(lambda: recording_id in queue.standing())
        put(late, "b.wav")
        until(lambda: len(queue.standing()) == 2)
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
