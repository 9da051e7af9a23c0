"""The line in front of the workers, in a real broker: its order, and that nothing falls out of it."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from rq import Queue, SimpleWorker
from rq.exceptions import DequeueTimeout
from rq.serializers import JSONSerializer

from config.settings import Settings
from worker.queue.dispatch import RUN, Errand, JobQueue, Kind, Load, NachleseQueue, Running, Standing, job_queue

Until = Callable[[Callable[[], object]], None]


def errand(number: int) -> str:
    return f"r-{number:020x}"


def take(queue: JobQueue, timeout: int | None = None) -> str | None:
    """What a worker of this queue would begin next."""
    taken = NachleseQueue.dequeue_any([queue.rq], timeout, connection=queue.redis, serializer=JSONSerializer)
    return None if taken is None else str(taken[0].id)


def drained(queue: JobQueue) -> list[str]:
    return list(iter(lambda: take(queue), None))


def ranks_of(queue: JobQueue) -> int:
    return int(queue.redis.zcard(f"nachlese:{queue.rq.name}:ranks"))


def test_whatever_the_order_of_arrival_the_smallest_rank_goes_first(queue: JobQueue) -> None:
    ranks = {errand(number): random.Random(number).choice([-5.5, 0.0, 1e9, number / 3]) for number in range(200)}  # noqa: S311
    for job_id, rank in ranks.items():
        assert queue.enqueue(job_id, rank=rank)
    assert [queue.position(job_id) for job_id in queue.rq.job_ids] == list(range(1, 201))
    assert drained(queue) == sorted(ranks, key=lambda job_id: (ranks[job_id], job_id))
    assert ranks_of(queue) == 0


def test_a_job_keeps_its_rank_whoever_queues_it_again(queue: JobQueue) -> None:
    for number in (1, 2, 3):
        queue.enqueue(errand(number), rank=float(number))
    assert take(queue) == errand(1)
    # As RQ does when a worker was killed: with a queue class of its own, at the end of the list.
    Queue(queue.rq.name, connection=queue.redis, serializer=JSONSerializer).push_job_id(errand(1))
    assert drained(queue) == [errand(1), errand(2), errand(3)]
    for number in (3, 2):
        queue.rq.push_job_id(errand(number), at_front=True)
    with queue.redis.pipeline() as pipeline:
        queue.rq.push_job_id(errand(1), pipeline=pipeline, at_front=True)
        pipeline.execute()
    assert drained(queue) == [errand(1), errand(2), errand(3)]


def test_a_job_that_paused_comes_back_at_its_rank(queue: JobQueue) -> None:
    for number in (2, 3):
        queue.enqueue(errand(number), rank=float(number))
    queue.enqueue(errand(1), rank=1.0)
    assert take(queue) == errand(1)
    job = queue.rq.fetch_job(errand(1))
    queue.rq.schedule_job(job, datetime(2020, 1, 1, tzinfo=UTC))
    queue.redis.zadd(queue.rq.scheduled_job_registry.key, {errand(9): 1.0})
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: queue.enqueue_due(), range(8))) == 1
    assert queue.rq.job_ids == [errand(1), errand(2), errand(3)]
    assert queue.standing() == dict.fromkeys(queue.rq.job_ids, Standing.WAITING)


@pytest.mark.parametrize("harm", ["flush", "ranks", "list", "half", "twice"])
def test_the_line_heals(queue: JobQueue, harm: str) -> None:
    ids = [errand(number) for number in range(5)]
    for number, job_id in enumerate(ids):
        queue.enqueue(job_id, rank=float(number))
    ranks = f"nachlese:{queue.rq.name}:ranks"
    {
        "flush": queue.redis.flushall,
        "ranks": lambda: queue.redis.delete(ranks),
        "list": lambda: queue.redis.delete(queue.rq.key),
        "half": lambda: queue.redis.zrem(ranks, ids[0], ids[3]) and queue.redis.lrem(queue.rq.key, 2, ids[1]),
        "twice": lambda: queue.redis.rpush(queue.rq.key, ids[0]),
    }[harm]()
    for number, job_id in enumerate(ids):
        queue.enqueue(job_id, rank=float(number))
    assert drained(queue) == ids
    assert (ranks_of(queue), queue.rq.job_ids) == (0, [])


def test_what_strangers_push_is_dropped(queue: JobQueue) -> None:
    queue.enqueue(errand(1), rank=1e9)
    queue.redis.rpush(queue.rq.key, b"\xff\x00", "no-such-job", errand(7))
    queue.redis.set("rq:job:no-such-job", "not even a hash")
    queue.redis.hset(f"rq:job:{errand(7)}", mapping={"data": "?", "our_rank": "nan", "our_seconds": "inf"})
    assert [each.seconds for each in queue.waiting()] == [0.0] * 4
    assert drained(queue) == [errand(1)]
    assert not queue.redis.exists(queue.rq.intermediate_queue_key) or queue.redis.lrange(
        queue.rq.intermediate_queue_key, 0, -1
    ) == [errand(1).encode()]


def test_nobody_is_queued_twice(queue: JobQueue) -> None:
    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(lambda _: queue.enqueue(errand(1), rank=1.0), range(60))) == 1
    assert take(queue) == errand(1)
    assert not queue.enqueue(errand(1)), "between the list and its beginning"
    queue.redis.delete(queue.rq.intermediate_queue_key)
    queue.redis.zadd(queue.rq.started_job_registry.key, {f"{errand(1)}:an-execution": 2e9})
    assert not queue.enqueue(errand(1)), "while it runs"
    assert queue.enqueue(Errand(errand(1), Kind.STRETCH, 3).id), "its stretches are other jobs"
    queue.redis.delete(queue.rq.started_job_registry.key)
    queue.redis.zadd(queue.rq.scheduled_job_registry.key, {errand(1): 2e9})
    assert not queue.enqueue(errand(1)), "while it pauses"


def test_what_is_taken_back_is_gone(queue: JobQueue) -> None:
    queue.enqueue(errand(1), rank=1.0, seconds=5.0)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: queue.take_back(errand(1)), range(16))) == 1
    assert (take(queue), queue.redis.exists(f"rq:job:{errand(1)}"), ranks_of(queue)) == (None, 0, 0)


def test_more_is_known_and_it_moves(queue: JobQueue) -> None:
    for number in (1, 2, 3):
        queue.enqueue(errand(number), rank=float(number), seconds=60.0)
    assert queue.move(errand(3), rank=0.5, seconds=9.0, urgent=True)
    assert [(each.job_id, each.seconds, each.urgent) for each in queue.waiting()] == [
        (errand(3), 9.0, True), (errand(1), 60.0, False), (errand(2), 60.0, False),
    ]  # fmt: skip
    take(queue)
    assert not queue.move(errand(3), rank=0.0, seconds=9.0)


def test_a_reservation_is_the_owners_and_nobody_waits_for_it(queue: JobQueue, settings: Settings) -> None:
    other = job_queue(settings)
    assert queue.reserve("one") is None
    queue.enqueue(Errand(errand(9), Kind.STRETCH, 0).id, rank=0.0)
    for number in (1, 2, 3):
        queue.enqueue(errand(number), rank=float(number))
    assert queue.reserve("one") == queue.reserve("one") == errand(1)
    assert other.reserve("two") == errand(2)
    queue.enqueue(errand(4), rank=0.5)
    assert queue.reserve("one") == errand(1), "it has been fetched already"
    assert take(queue) == errand(1)
    assert take(other) == errand(2)
    assert other.reserve("two") == errand(4)
    assert drained(queue) == [Errand(errand(9), Kind.STRETCH, 0).id, errand(3), errand(4)], "held, but nothing else"
    assert other.reserve("two") is None
    other.redis.close()


def test_reservations_end(queue: JobQueue, settings: Settings) -> None:
    queue.enqueue(errand(1))
    queue.reserve("one")
    held = [key for key in queue.redis.keys("nachlese:*") if b"reserve" in key]
    assert len(held) == 2
    assert all(0 < queue.redis.ttl(key) <= 30 for key in held)
    for key in held:
        queue.redis.delete(key)
    other = job_queue(settings)
    assert other.reserve("two") == errand(1)
    assert queue.reserve("one") is None
    other.redis.close()


def test_waiting_for_a_job(queue: JobQueue, settings: Settings) -> None:
    with pytest.raises(DequeueTimeout):
        take(queue, 1)
    assert take(queue) is None
    producer = job_queue(settings)
    timer = threading.Timer(0.3, lambda: producer.enqueue(errand(1), rank=1.0))
    timer.start()
    assert take(queue, 20) == errand(1)
    timer.join()
    assert ranks_of(queue) == 0
    producer.redis.close()


#: Takes a job from the list, and is killed before it has begun with it.
_TAKES = """
import os, signal, sys
from config.settings import load
from worker.queue.dispatch import NachleseQueue, job_queue
queue = job_queue(load())
NachleseQueue.dequeue_any([queue.rq], None, connection=queue.redis, serializer=queue.rq.serializer)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_between_the_list_and_the_beginning(queue: JobQueue, settings: Settings, until: Until) -> None:
    queue.enqueue(errand(1), rank=1.0)
    queue.enqueue(errand(2), rank=2.0)
    environment = {
        "NACHLESE_BROKER__URL": settings.broker.url.get_secret_value(),
        "NACHLESE_BROKER__QUEUE": settings.broker.queue,
        "PYTHONPATH": ".",
    }
    done = subprocess.run([sys.executable, "-c", _TAKES], env=environment, check=False)
    assert done.returncode == -9
    assert queue.rq.job_ids == [errand(2)]
    assert queue.standing()[errand(1)] is Standing.WAITING
    caretaker = SimpleWorker([queue.rq], connection=queue.redis, serializer=JSONSerializer)
    began = time.monotonic()

    def back() -> bool:
        queue.rq.intermediate_queue.cleanup(caretaker, queue.rq)
        return bool(queue.rq.job_ids == [errand(1), errand(2)])

    until(back)
    assert time.monotonic() - began > 4, "a worker that is alive must have the time to begin"
    assert queue.redis.llen(queue.rq.intermediate_queue_key) == 0


def test_the_load_is_what_waits_and_what_runs(queue: JobQueue) -> None:
    assert queue.load() == Load(0, 0, 0, 0, None, 0)
    old, new = datetime(2026, 11, 3, 9, tzinfo=UTC), datetime(2026, 11, 3, 10, tzinfo=UTC)
    queue.enqueue(errand(1), rank=1.0, seconds=100.0, since=new)
    queue.enqueue(errand(2), rank=2.0, seconds=50.5, since=old)
    queue.enqueue(errand(3), rank=0.0, seconds=30.0)
    taken = take(queue)
    assert taken == errand(3)
    job = queue.rq.fetch_job(taken)
    begun = datetime(2026, 11, 3, 11, tzinfo=UTC)
    queue.redis.zadd(queue.rq.started_job_registry.key, {f"{taken}:x": 2e9, "garbage": 2e9})
    queue.redis.hset(job.key, "started_at", begun.isoformat().replace("+00:00", "Z"))
    queue.redis.sadd(f"rq:workers:{queue.rq.name}", "rq:worker:alive", "rq:worker:killed")
    queue.redis.hset("rq:worker:alive", "state", "busy")
    assert queue.load() == Load(2, 150.5, 2, 30.0, old, 1)
    assert queue.running() == (Running("garbage", 0.0, None), Running(errand(3), 30.0, begun))


def test_the_pace_is_that_of_late(queue: JobQueue) -> None:
    assert queue.pace() is None
    queue.learn(0.0, 100.0)
    assert queue.pace() is None
    queue.learn(1000.0, 500.0)
    assert queue.pace() == pytest.approx(0.5)
    queue.learn(10.0, 100.0)
    assert queue.pace() == pytest.approx(600 / 1010, rel=0.1), "a short one tells little"
    for _ in range(60):
        queue.learn(1000.0, 100.0)
    assert queue.pace() == pytest.approx(0.1, rel=0.02)
    queue.redis.hset(f"nachlese:{queue.rq.name}:pace", "audio_s", "garbage")
    assert queue.pace() is None
    queue.learn(1000.0, 100.0)
    assert queue.pace()


def test_queues_keep_to_themselves(queue: JobQueue, settings: Settings) -> None:
    drafts = job_queue(settings, f"{settings.broker.queue}-drafts")
    draft = Errand(errand(1), Kind.DRAFT).id
    assert queue.enqueue(errand(1))
    assert drafts.enqueue(draft)
    assert (set(queue.standing()), set(drafts.standing())) == ({errand(1)}, {draft})
    assert (take(drafts), take(drafts), take(queue)) == (draft, None, errand(1))
    drafts.redis.close()


def test_a_job_is_as_rq_would_have_made_it(queue: JobQueue) -> None:
    """The script writes the job's hash itself; nothing may be missing that RQ goes by."""
    queue.enqueue(errand(1), rank=1.0)
    ours: dict[str, Any] = queue.rq.fetch_job(errand(1)).to_dict()
    plain = Queue("plain", connection=queue.redis, serializer=JSONSerializer)
    theirs = plain.enqueue_call(
        RUN, args=(errand(2),), job_id=errand(2), timeout=queue.job_timeout_s, result_ttl=600, failure_ttl=600
    ).to_dict()
    differ = {name for name in ours | theirs if ours.get(name) != theirs.get(name)}
    assert differ == {"created_at", "enqueued_at", "origin", "data", "description", "retries_left", "retry_intervals"}
    assert (ours["retries_left"], ours["origin"]) == (queue.max_tries, queue.rq.name)
