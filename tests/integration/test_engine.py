"""The engine process and its worker, both real and really killed, hung, drained and told to stop."""

import math
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis.exceptions import RedisError
from rq.command import send_stop_job_command

from config.settings import Settings, load
from jobs.artifacts import FAILURE, folder_of
from jobs.errors import InputError
from worker import laptop
from worker.bucket.tickets import Mark
from worker.desk.rerun import retry
from worker.desk.status import Phase, state_of
from worker.queue.dispatch import Errand, Kind, Standing
from worker.queue.intake import sweep

Until = Callable[[Callable[[], object]], None]


def engine_of(worker: "subprocess.Popen[bytes]") -> int:
    """The engine process of a worker."""
    (engine,) = psutil.Process(worker.pid).children()
    return engine.pid


def kill(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def is_warm(fleet: Any, *, times: int = 1) -> Callable[[], bool]:
    return lambda: fleet.log().count("engine.warm") >= times


# --- warm ---------------------------------------------------------------------------------------------------------


def test_models_are_loaded_once_and_never_in_the_worker_itself(fleet: Any, until: Until) -> None:
    ids = [fleet.give(f"{number}.wav") for number in range(3)]
    worker = fleet.start()
    until(lambda: fleet.ended() == ids)
    assert fleet.notes("loads") == [str(engine_of(worker))]
    assert set(fleet.notes("engines")) == {str(engine_of(worker))}
    maps = {pid: Path(f"/proc/{pid}/maps").read_text() for pid in (worker.pid, engine_of(worker))}
    assert "ctranslate2" in maps[engine_of(worker)]
    assert not [word for word in ("ctranslate2", "torch", "onnxruntime") if word in maps[worker.pid]]


def test_models_are_loaded_before_the_first_job_comes(fleet: Any, until: Until) -> None:
    fleet.start()
    until(is_warm(fleet))
    assert fleet.notes("loads")
    assert not fleet.begun()


def test_nobody_takes_a_job_while_his_models_are_loading(fleet: Any, until: Until) -> None:
    slow = fleet.start("slow")
    until(lambda: fleet.notes("loads"))
    recording_id = fleet.give("a.wav")
    fleet.start()
    until(lambda: fleet.ended() == [recording_id])
    assert fleet.notes("engines") != [str(engine_of(slow))]


@pytest.mark.parametrize(
    "limit",
    [{"NACHLESE_WORKER__ENGINE_JOBS": "2"}, {"NACHLESE_WORKER__ENGINE_MEMORY_MB": "150"}],
    ids=["jobs", "memory"],
)
def test_a_worn_engine_is_replaced_between_two_jobs(fleet: Any, until: Until, limit: dict[str, str]) -> None:
    """The new one is loaded at once, and not only when a job comes."""
    ids = [fleet.give("a.wav"), fleet.give("b.wav", "large")]
    worker = fleet.start(**limit)
    until(is_warm(fleet, times=2))
    ids.append(fleet.give("c.wav"))
    until(lambda: fleet.ended() == ids)
    first, second, third = fleet.notes("engines")
    assert first == second != third == str(engine_of(worker))
    assert not psutil.pid_exists(int(first))


# --- killed -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("victims", ["engine", "worker", "group", "both"])
def test_whoever_is_killed_is_replaced_within_15_s_and_leaves_nothing_running(
    fleet: Any, until: Until, victims: str
) -> None:
    recording_id = fleet.give("a.wav", "wait child")
    first = fleet.start()
    until((fleet.folder / "child").exists)
    engine = engine_of(first)
    assert len(fleet.left()) == 3, "worker, engine and a program inside the fence"
    if victims != "engine":
        fleet.start()
        until(is_warm(fleet, times=2))
    (fleet.folder / "child").unlink()
    others = set(fleet.left()) - {first.pid, engine}
    killed_at = time.monotonic()
    if victims == "group":
        os.killpg(first.pid, signal.SIGKILL)
    else:
        kill(*{"engine": (engine,), "worker": (first.pid,), "both": (engine, first.pid)}[victims])
    until(lambda: len(fleet.begun()) == 2)
    took_s = time.monotonic() - killed_at
    sys.stdout.write(f"\nkill -9 of {victims}: taken over after {took_s:.1f} s")
    assert took_s <= 15
    until(lambda: not psutil.pid_exists(engine) or psutil.Process(engine).status() == psutil.STATUS_ZOMBIE)
    assert fleet.tries(recording_id) == 2
    fleet.let_go()
    until(lambda: fleet.mark("a.wav", recording_id) is Mark.DONE)
    alive = [worker for worker in fleet.processes if worker.poll() is None]
    assert len(alive) == 1
    fleet.stop()
    until(lambda: not set(fleet.left()) - others)
    until(lambda: not fleet.left())


def test_programs_that_were_started_go_with_a_killed_engine(fleet: Any, until: Until) -> None:
    fleet.give("a.wav", "wait child plain")
    worker = fleet.start()
    until((fleet.folder / "child").exists)
    before = set(fleet.left())
    kill(engine_of(worker))
    until(lambda: fleet.left() and not (before - {worker.pid}) & set(fleet.left()))
    assert worker.poll() is None


def test_a_recording_that_kills_its_engine_is_set_aside_and_the_worker_lives(fleet: Any, until: Until) -> None:
    poison = fleet.give("a.wav", "die")
    worker = fleet.start()
    until(lambda: fleet.mark("a.wav", poison) is Mark.FAILED)
    assert b"gave-up" in fleet.storage.read(folder_of("a.wav") + FAILURE)
    assert len(fleet.begun()) == 3
    good = fleet.give("b.wav")
    until(lambda: fleet.ended() == [good])
    assert worker.poll() is None


def test_a_stretch_that_kills_its_engine_is_nobody_elses(fleet: Any, until: Until) -> None:
    recording_id = fleet.give("a.wav", "die")
    assert fleet.queue.take_back(recording_id)
    stretch = Errand(recording_id, Kind.STRETCH, 0)
    assert fleet.queue.enqueue(stretch.id)
    worker = fleet.start()
    until(lambda: fleet.begun() == [stretch.id])
    until(is_warm(fleet, times=2))
    until(lambda: not fleet.queue.standing())
    assert (fleet.begun(), fleet.tries(recording_id)) == ([stretch.id], 0)
    assert worker.poll() is None


# --- hung ---------------------------------------------------------------------------------------------------------


def test_an_engine_that_hangs_is_stopped_on_command_within_2_s(fleet: Any, until: Until) -> None:
    recording_id = fleet.give("a.wav", "freeze")
    worker = fleet.start()
    until(fleet.begun)
    engine = engine_of(worker)
    until(lambda: fleet.queue.redis.hget(f"rq:job:{recording_id}", "worker_name"))
    sent_at = time.monotonic()
    send_stop_job_command(fleet.queue.redis, recording_id, serializer=fleet.queue.rq.serializer)
    until(lambda: not psutil.pid_exists(engine))
    took_s = time.monotonic() - sent_at
    sys.stdout.write(f"\nstop command: engine gone after {took_s:.2f} s")
    assert took_s <= 2
    until(lambda: not fleet.queue.standing())
    later = fleet.give("b.wav")
    until(lambda: fleet.ended() == [later])
    assert worker.poll() is None


def test_an_engine_that_hangs_is_stopped_by_the_clock(fleet: Any, until: Until) -> None:
    recording_id = fleet.give("a.wav", "freeze")
    worker = fleet.start(NACHLESE_WORKER__JOB_HOURS=str(1 / 3600))
    until(lambda: fleet.mark("a.wav", recording_id) is Mark.FAILED)
    assert b"took-too-long" in fleet.storage.read(folder_of("a.wav") + FAILURE)
    assert len(fleet.begun()) == 3
    assert worker.poll() is None


def test_an_engine_that_hangs_between_two_jobs_is_replaced(fleet: Any, until: Until) -> None:
    first = fleet.give("a.wav", "late")
    worker = fleet.start()
    until(lambda: fleet.ended() == [first])
    until(is_warm(fleet, times=2))
    second = fleet.give("b.wav")
    until(lambda: fleet.ended() == [first, second])
    assert worker.poll() is None


# --- asked to leave -----------------------------------------------------------------------------------------------


def test_a_stage_that_ends_in_time_is_kept_and_the_rest_handed_back(fleet: Any, until: Until) -> None:
    recording_id = fleet.give("a.wav", "stages")
    worker = fleet.start()
    until(lambda: fleet.notes("stages"))
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    stored = [stored.key for stored in fleet.storage.list(f"{folder_of('a.wav')}stages/")]
    assert len(stored) == len(fleet.notes("stages")) < 3
    assert fleet.queue.standing() == {recording_id: Standing.WAITING}
    assert fleet.tries(recording_id) == 0
    fleet.burst()
    assert fleet.ended() == [recording_id]
    assert not fleet.left()


def test_a_job_that_ends_in_time_is_not_handed_back(fleet: Any, until: Until) -> None:
    recording_id = fleet.give("a.wav", "wait")
    worker = fleet.start(NACHLESE_WORKER__DRAIN_S="60")
    until(fleet.begun)
    worker.send_signal(signal.SIGTERM)
    until(lambda: "worker.forced_out" not in fleet.log())
    fleet.let_go()
    assert worker.wait(60) == 0
    assert fleet.mark("a.wav", recording_id) is Mark.DONE
    assert not fleet.queue.standing()


@pytest.mark.parametrize("wish", ["wait", "freeze"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_stage_that_takes_too_long_is_broken_off_and_handed_back(
    fleet: Any, until: Until, wish: str, times: int
) -> None:
    recording_id = fleet.give("a.wav", f"{wish} child")
    worker = fleet.start(NACHLESE_WORKER__DRAIN_S=str(fleet.DRAIN_S if times == 1 else 600))
    until((fleet.folder / "child").exists)
    asked_at = time.monotonic()
    for _ in range(times):
        worker.send_signal(signal.SIGTERM)
        time.sleep(0.5)
    assert worker.wait(60) == 0
    sys.stdout.write(f"\nasked {times} times while it did “{wish}”: gone after {time.monotonic() - asked_at:.1f} s")
    assert "worker.forced_out" not in fleet.log()
    assert fleet.queue.standing() == {recording_id: Standing.WAITING}
    assert fleet.tries(recording_id) == 0
    until(lambda: not fleet.left())


@pytest.mark.parametrize("state", ["starting", "warming up", "idle", "not ready"])
def test_a_worker_without_a_job_leaves_at_once(fleet: Any, until: Until, state: str) -> None:
    words = {"warming up": "slow", "not ready": "unready"}.get(state, "")
    worker = fleet.start(words or "plain")
    reached = {
        "starting": lambda: "worker.started" in fleet.log(),
        "warming up": lambda: fleet.notes("loads"),
        "idle": is_warm(fleet),
        "not ready": lambda: "worker.rests" in fleet.log(),
    }
    until(reached[state])
    if state == "starting":
        # The handlers come right after this line.
        time.sleep(0.3)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
    assert "worker.forced_out" not in fleet.log()
    assert not fleet.left()
    assert not fleet.queue.workers()


def test_asking_all_processes_of_a_service_to_leave_is_asking_the_worker(fleet: Any, until: Until) -> None:
    recording_id = fleet.give("a.wav", "stages")
    worker = fleet.start()
    until(lambda: fleet.notes("stages"))
    for pid in (engine_of(worker), worker.pid):
        os.kill(pid, signal.SIGTERM)
    assert worker.wait(60) == 0
    assert fleet.tries(recording_id) == 0
    assert fleet.queue.standing() == {recording_id: Standing.WAITING}


# --- a broker that is away ----------------------------------------------------------------------------------------


@pytest.fixture
def mortal(tmp_path: Path, fleets_of: Any) -> Any:
    """A fleet with servers of its own; gives both, and what kills the broker and starts it again."""
    home = laptop.settle(tmp_path / "data", s3_port=laptop.free_port())
    base = load().but(intake={"settle_s": 0.0}, media={"scratch": str(tmp_path)})
    with laptop.running(home, base) as (broker, _):
        fleet = fleets_of(home.settings(base), tmp_path)
        yield fleet, broker
        fleet.stop()


def answers(fleet: Any) -> bool:
    try:
        return bool(fleet.queue.redis.ping())
    except RedisError:
        return False


def test_a_broker_that_is_away_for_long_costs_neither_the_job_nor_the_worker(mortal: Any, until: Until) -> None:
    """Longer than any heartbeat lives; the job ends meanwhile, and is marked."""
    fleet, broker = mortal
    first, second = fleet.give("a.wav", "wait"), fleet.give("b.wav")
    worker = fleet.start()
    until(fleet.begun)
    kill(broker.pid)
    until(lambda: fleet.log().count("broker.silent") >= 2)
    fleet.let_go()
    until(lambda: fleet.mark("a.wav", first) is Mark.DONE)
    until(lambda: fleet.log().count("broker.lost") >= 2)
    until(lambda: broker.tend() or answers(fleet))
    until(lambda: fleet.mark("b.wav", second) is Mark.DONE)
    until(lambda: not fleet.queue.standing())
    assert fleet.ended() == [first, second]
    assert worker.poll() is None


@pytest.mark.parametrize("state", ["idle", "reconnecting", "busy"])
def test_a_worker_leaves_although_the_broker_went_first(mortal: Any, until: Until, state: str) -> None:
    fleet, broker = mortal
    recording_id = fleet.give("a.wav", "wait") if state == "busy" else ""
    worker = fleet.start()
    until(fleet.begun if state == "busy" else is_warm(fleet))
    kill(broker.pid)
    if state == "reconnecting":
        until(lambda: "broker.lost" in fleet.log())
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert not fleet.left()
    if state == "busy":
        assert fleet.tries(recording_id) == 0


def test_a_worker_leaves_although_the_broker_hangs(mortal: Any, until: Until) -> None:
    fleet, broker = mortal
    worker = fleet.start()
    until(is_warm(fleet))
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    assert not fleet.left()


def test_a_broker_wiped_in_mid_work_soon_knows_again_who_works_on_what(fleet: Any, until: Until) -> None:
    recording_id = fleet.give("a.wav", "wait")
    fleet.start()
    until(fleet.begun)
    fleet.queue.redis.flushall()
    until(lambda: fleet.queue.standing() == {recording_id: Standing.RUNNING})
    assert fleet.queue.workers() == 1
    fleet.let_go()
    until(lambda: fleet.mark("a.wav", recording_id) is Mark.DONE)
    until(lambda: not fleet.queue.standing())


# --- machines that can't ------------------------------------------------------------------------------------------


def test_after_an_out_of_memory_a_new_engine_tries_again_until_there_are_no_tries_left(
    fleet: Any, until: Until
) -> None:
    recording_id = fleet.give("a.wav", "engine")
    worker = fleet.start()
    until(lambda: fleet.mark("a.wav", recording_id) is Mark.FAILED)
    assert b"out-of-memory" in fleet.storage.read(folder_of("a.wav") + FAILURE)
    assert len(set(fleet.notes("engines"))) == len(fleet.begun()) == 3
    assert worker.poll() is None


def test_a_machine_that_is_not_ready_rests_and_leaves_its_jobs_to_others(fleet: Any, until: Until) -> None:
    lame = fleet.start("unready")
    until(lambda: "worker.rests" in fleet.log())
    recording_id = fleet.give("a.wav")
    fleet.start()
    until(lambda: fleet.ended() == [recording_id])
    fleet.let_go()
    until(is_warm(fleet, times=2))
    assert lame.poll() is None


def test_a_job_that_finds_the_machine_not_ready_costs_no_try(fleet: Any, until: Until) -> None:
    recording_id = fleet.give("a.wav", "setup")
    fleet.start()
    until(lambda: fleet.log().count("worker.rests") >= 2)
    assert fleet.tries(recording_id) == 0
    fleet.let_go()
    until(lambda: fleet.mark("a.wav", recording_id) is Mark.DONE)


def test_with_nobody_to_wait_for_it_a_machine_that_is_not_ready_says_so(fleet: Any) -> None:
    worker = fleet.start("unready", "burst")
    assert worker.wait(60) != 0
    assert "as wished" in fleet.log()


# --- the next recording -------------------------------------------------------------------------------------------


def tone(seconds: float) -> bytes:
    """A WAV file: 16 bit, mono, 16 kHz."""
    samples = b"".join(struct.pack("<h", round(9000 * math.sin(at / 9))) for at in range(round(seconds * 16_000)))
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16, 1, 1, 16_000, 32_000, 2,
                       16, b"data", len(samples))  # fmt: skip
    return head + samples


def test_the_next_recording_is_decoded_while_this_one_is_worked_on(
    fleet: Any, until: Until, settings: Settings
) -> None:
    first, second = fleet.give("a.wav", tone(2.0)), fleet.give("b.wav", tone(3.0))
    fleet.start()
    until(lambda: fleet.notes("decoded") == [f"{first} 2.0"])
    folders = Path(settings.media.scratch)
    until(lambda: len(list(folders.iterdir())) == 2)
    fleet.let_go()
    until(lambda: fleet.mark("b.wav", second) is Mark.DONE)
    assert fleet.notes("decoded") == [f"{first} 2.0", f"{second} 3.0"]
    assert f'"recording_id": "{second}", "event": "prefetch.used"' in fleet.log()
    until(lambda: not list(folders.iterdir()))


def test_a_recording_that_another_worker_takes_is_dropped(fleet: Any, until: Until, settings: Settings) -> None:
    first, second = fleet.give("a.wav", tone(2.0)), fleet.give("b.wav", tone(3.0))
    fleet.start()
    folders = Path(settings.media.scratch)
    until(lambda: len(list(folders.iterdir())) == 2)
    assert fleet.queue.take_back(second)
    until(lambda: len(list(folders.iterdir())) == 1)
    fleet.let_go()
    until(lambda: fleet.mark("a.wav", first) is Mark.DONE)
    assert "prefetch.used" not in fleet.log()


def test_nothing_is_fetched_ahead_where_settings_say_so(fleet: Any, until: Until, settings: Settings) -> None:
    first, second = fleet.give("a.wav", tone(2.0)), fleet.give("b.wav", tone(3.0))
    fleet.start(NACHLESE_WORKER__PREFETCH="false")
    until(lambda: fleet.queue.reached(first))
    assert len(list(Path(settings.media.scratch).iterdir())) == 1
    fleet.let_go()
    until(lambda: fleet.mark("b.wav", second) is Mark.DONE)
    assert "prefetch.used" not in fleet.log()


@pytest.mark.parametrize("forgotten", [False, True])
def test_the_better_recap_follows_by_itself(fleet: Any, until: Until, settings: Settings, forgotten: bool) -> None:
    """When the model is back, whether or not the broker remembers that somebody waits for it."""
    recording_id = fleet.give("a.wav", "model")
    fleet.start()
    until(lambda: fleet.mark("a.wav", recording_id) is Mark.PROVISIONAL)
    state = state_of("a.wav", fleet.storage, fleet.queue, settings)
    assert (state.phase, fleet.begun(), fleet.ended()) == (Phase.PROVISIONAL, [recording_id], [])
    assert "der Entwurf ist vorläufig" in state.sentence
    until(lambda: len(fleet.notes("drafts")) >= 2)
    with pytest.raises(InputError, match="nothing-to-retry"):
        retry("a.wav", fleet.storage, fleet.queue, settings)
    if forgotten:
        fleet.queue.redis.flushall()
    fleet.let_go()

    def done() -> bool:
        """Intake goes on looking: it finds what the broker has forgotten."""
        sweep(fleet.storage, fleet.queue, settings)
        return fleet.mark("a.wav", recording_id) is Mark.DONE

    until(done)
    assert (fleet.begun(), fleet.ended(), fleet.tries(recording_id)) == ([recording_id], [recording_id], None)
    assert set(fleet.notes("drafts")) == {"True"}
    until(lambda: sweep(fleet.storage, fleet.queue, settings).done == 1)
