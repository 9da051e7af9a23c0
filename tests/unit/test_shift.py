"""One job, watched: an engine process that says what it is told to say."""

import time
from collections.abc import Iterable
from typing import Any

import pytest

from config.settings import Settings, load
from worker.control import Measure
from worker.engines import host
from worker.fleet.shift import Broken, Shift
from worker.fleet.signals import Asked
from worker.queue.dispatch import Errand, Kind, Reached
from worker.tasks import End, Ending

ERRAND = Errand("r-" + "0" * 20)
ENDED = host.Ended(ERRAND.id, Ending(End.DONE))


class Engine:
    """Says one thing a turn; None is a turn in which something else happens."""

    def __init__(self, *script: object) -> None:
        self.script = list(script)
        self.asked: list[dict[str, object]] = []
        self.gone = False

    def ask(self, **order: object) -> None:
        self.asked.append(order)

    def listen(self, _wait_s: float) -> Iterable[object]:
        told = self.script.pop(0) if self.script else None
        if callable(told):
            told()
            return ()
        return () if told is None else (told,)


def shift_of(engine: Engine, *, asked: Asked | None = None, kind: Kind = Kind.RECORDING, **worker: Any) -> Shift:
    settings: Settings = load().but(worker=worker)
    errand = Errand(ERRAND.recording_id, kind, 1 if kind is Kind.STRETCH else None)
    return Shift(errand, engine, asked or Asked(), settings)  # type: ignore[arg-type]


def nobody() -> None:
    """Nobody asks whether the loop turns."""


def test_the_loop_turns_while_a_job_runs() -> None:
    turns: list[None] = []
    shift_of(Engine(host.Taken(), None, None, None, ENDED)).watch(lambda: turns.append(None))
    assert len(turns) == 5


def test_a_job_is_asked_for_and_its_end_is_told() -> None:
    engine = Engine(host.Taken(), host.Begun(), host.Reached("decode", 1.0, 2.0), host.Here(), ENDED)
    shift = shift_of(engine)
    assert not shift.begun
    assert shift.watch(nobody) == ENDED.ending
    assert engine.asked == [{"run": ERRAND.id}]
    assert (shift.begun, shift.reached) == (True, Reached("decode", 1.0, 2.0))


def test_what_a_stage_has_cost_is_counted() -> None:
    engine = Engine(host.Measured(Measure("words", 2.0, 1.0, 0.0, 10.0)), ENDED)
    assert isinstance(shift_of(engine).watch(nobody), Ending)


def test_a_hand_is_free_once_the_sound_is_decoded_and_for_recordings_only() -> None:
    for stage, kind, prefetch, free in (
        ("decode", Kind.RECORDING, True, False),
        ("transcribe", Kind.RECORDING, True, True),
        ("transcribe", Kind.RECORDING, False, False),
        ("transcribe", Kind.STRETCH, True, False),
    ):
        shift = shift_of(Engine(host.Reached(stage, 1.0, 2.0), ENDED), kind=kind, prefetch=prefetch)
        assert not shift.has_hands_free
        shift.watch(nobody)
        assert shift.has_hands_free is free


def test_the_next_recording_is_passed_on_once_and_taken_back() -> None:
    engine = Engine()
    shift = shift_of(engine)

    def choose(recording_id: str | None) -> Any:
        return lambda: setattr(shift, "next", recording_id)

    engine.script = [None, choose("r-1"), None, choose("r-2"), choose(None), None, ENDED]
    shift.watch(nobody)
    assert engine.asked[1:] == [{"prefetch": "r-1"}, {"prefetch": "r-2"}, {"prefetch": None}]


def test_who_is_asked_to_leave_says_so_once_and_waits_for_the_end() -> None:
    asked = Asked()
    engine = Engine(host.Taken(), asked.again, None, None, ENDED)
    assert shift_of(engine, asked=asked).watch(nobody) == ENDED.ending
    assert engine.asked[1:] == [{"drain": True}]


@pytest.mark.parametrize("drain_s", [0.0, 0.2])
def test_who_is_asked_to_leave_waits_no_longer_than_is_allowed(drain_s: float) -> None:
    asked = Asked()
    engine = Engine(host.Taken(), asked.again, lambda: time.sleep(drain_s))
    assert shift_of(engine, asked=asked, drain_s=drain_s).watch(nobody) is Broken.LEFT


def test_who_is_asked_twice_leaves_at_once() -> None:
    asked = Asked()
    engine = Engine(host.Taken(), asked.again, None, asked.again)
    assert shift_of(engine, asked=asked, drain_s=3600.0).watch(nobody) is Broken.LEFT


def test_an_engine_that_is_gone_or_stopped_or_too_slow_is_told_apart() -> None:
    gone = Engine()
    gone.script = [host.Taken(), lambda: setattr(gone, "gone", True)]
    assert shift_of(gone).watch(nobody) is Broken.CRASHED
    engine = Engine()
    shift = shift_of(engine)
    engine.script = [host.Taken(), lambda: setattr(shift, "stopped", True)]
    assert shift.watch(nobody) is Broken.STOPPED
    assert shift_of(Engine(host.Taken()), job_hours=1e-9).watch(nobody) is Broken.OVERDUE


def test_an_engine_that_never_takes_the_job_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.fleet.shift.SILENT_S", 0.0)
    assert shift_of(Engine(host.Here(), host.Here())).watch(nobody) is Broken.HUNG
    assert shift_of(Engine(host.Taken(), ENDED)).watch(nobody) == ENDED.ending
