"""What passes between a worker and its engine process, and the keeper of one."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from config.settings import Settings, load
from worker.control import Measure
from worker.engines import host
from worker.fleet.keeper import EngineProcess, Keeper
from worker.tasks import End, Ending

_SECONDS = st.floats(0, 1e6)
_TEXT = st.text(max_size=20)
_ENDING = st.builds(Ending, st.sampled_from(End), st.none() | st.integers(0, 9999), _TEXT, _SECONDS, st.booleans())
_MEASURE = st.builds(Measure, _TEXT, _SECONDS, _SECONDS, _SECONDS, _SECONDS)
_TOLD = st.one_of(
    st.sampled_from([host.Here(), host.Warm(), host.Taken(), host.Begun()]),
    st.builds(host.Unready, _TEXT, _TEXT),
    st.builds(host.Reached, _TEXT, _SECONDS, _SECONDS),
    st.builds(host.Measured, _MEASURE),
    st.builds(host.Ended, _TEXT, _ENDING),
)

#: Engine processes that do without engines.
_ENGINES = {
    "echo": "settings, role = pipe.recv(); say({'kind': 'unready', 'code': role, "
    "'detail': settings.storage.secret_key.get_secret_value()}); pipe.recv_bytes()",
    "orders": "pipe.recv(); order = pipe.recv_bytes().decode(); "
    "say({'kind': 'unready', 'code': 'x', 'detail': order}); time.sleep(99)",
    "dies": "pipe.recv(); os.kill(os.getpid(), 9)",
    "babbles": 'pipe.recv(); pipe.send_bytes(b\'{"kind": "shell"}\'); time.sleep(99)',
    "child": "import subprocess; subprocess.Popen(['sleep', '99']); say({'kind': 'warm'}); time.sleep(99)",
    "freezes": "say({'kind': 'warm'}); time.sleep(99)",
    "unready": "say({'kind': 'unready', 'code': 'weights-missing', 'detail': 'none'})",
}
_SCRIPT = """
import json, os, sys, time
from multiprocessing.connection import Connection
pipe = Connection(int(sys.argv[-1]))
def say(told): pipe.send_bytes(json.dumps(told).encode())
"""


@pytest.fixture
def command(tmp_path: Path) -> Callable[[str], tuple[str, ...]]:
    def make(name: str) -> tuple[str, ...]:
        (tmp_path / f"{name}.py").write_text(_SCRIPT + _ENGINES[name])
        return (sys.executable, str(tmp_path / f"{name}.py"))

    return make


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load().but(storage={"secret_key": SecretStr("s3cret")}, media={"scratch": str(tmp_path)})


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))


@pytest.fixture
def engine(command: Any, settings: Settings) -> Iterator[Callable[[str], EngineProcess]]:
    made: list[EngineProcess] = []

    def make(name: str) -> EngineProcess:
        made.append(EngineProcess(settings, "speech", command(name)))
        return made[-1]

    yield make
    for one in made:
        if not one.gone or psutil.pid_exists(one.pid):
            one.kill()


def heard(engine: EngineProcess, count: int = 1) -> list[host.Told]:
    found: list[host.Told] = []
    while len(found) < count and not engine.gone:
        found += engine.listen(30.0)
    return found


@given(_TOLD)
def test_what_is_said_is_what_is_heard(told: host.Told) -> None:
    assert host.TOLD.validate_json(host.TOLD.dump_json(told)) == told


@pytest.mark.parametrize("word", [b"", b"{}", b'{"kind": "run"}', b'{"kind": "ended", "job_id": 1}', b"\x80\x04K\x01."])
def test_nothing_else_is_understood(word: bytes) -> None:
    with pytest.raises(ValidationError):
        host.TOLD.validate_json(word)


def test_settings_come_over_whole_with_their_secrets_and_stand_in_no_command_line(engine: Any) -> None:
    one = engine("echo")
    assert heard(one) == [host.Unready("speech", "s3cret")]
    assert "s3cret" not in " ".join(psutil.Process(one.pid).cmdline())


def test_orders_come_over(engine: Any) -> None:
    one = engine("orders")
    one.ask(run="r-1")
    (told,) = heard(one)
    assert json.loads(told.detail) == {"run": "r-1"}


@pytest.mark.parametrize("name", ["dies", "babbles"])
def test_one_that_is_gone_or_makes_no_sense_is_of_no_use(engine: Any, name: str) -> None:
    one = engine(name)
    assert heard(one) == []
    assert one.gone
    one.ask(run="r-1")
    one.kill()
    assert not psutil.pid_exists(one.pid)


def test_killing_one_kills_what_it_has_started(engine: Any) -> None:
    one = engine("child")
    assert heard(one) == [host.Warm()]
    (child,) = psutil.Process(one.pid).children()
    assert one.memory_bytes() > psutil.Process(one.pid).memory_info().rss
    one.kill()
    assert one.memory_bytes() == 0
    psutil.wait_procs([child], 30)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


# --- the keeper ---------------------------------------------------------------------------------------------------


@pytest.fixture
def keeper(command: Any, settings: Settings) -> Iterator[Callable[[str], Keeper]]:
    made: list[Keeper] = []

    def make(name: str) -> Keeper:
        made.append(Keeper(settings, "speech", command(name)))
        return made[-1]

    yield make
    for one in made:
        one.close()


def tend(keeper: Keeper, until: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline, "this never came to be"
        keeper.tend()
        time.sleep(0.02)


def test_an_engine_is_there_once_it_is_warm(keeper: Any) -> None:
    one = keeper("freezes")
    assert (one.engine, one.obstacle) == (None, "engine-cold")
    tend(one, lambda: one.engine)
    assert (one.obstacle, one.fault) == (None, None)


def test_a_killed_engine_is_replaced_at_once(keeper: Any) -> None:
    one = keeper("freezes")
    tend(one, lambda: one.engine)
    first = one.pid
    os.kill(first, signal.SIGKILL)
    tend(one, lambda: one.engine and one.pid != first)
    assert one.fault is None


def test_an_engine_that_says_nothing_is_replaced(keeper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one = keeper("freezes")
    tend(one, lambda: one.engine)
    first = one.pid
    monkeypatch.setattr("worker.fleet.keeper.SILENT_S", 0.1)
    tend(one, lambda: one.pid != first)
    assert not psutil.pid_exists(first)


@pytest.mark.parametrize(("name", "code"), [("unready", "weights-missing"), ("dies", "engine-crashed")])
def test_a_machine_that_cannot_rests_longer_and_longer(
    keeper: Any, monkeypatch: pytest.MonkeyPatch, name: str, code: str
) -> None:
    rests: list[float] = []
    monkeypatch.setattr("worker.fleet.keeper._FIRST_REST_S", 0.1)
    monkeypatch.setattr("worker.fleet.keeper.log", Rests(rests))
    one = keeper(name)
    tend(one, lambda: len(rests) == 4)
    assert rests == pytest.approx([0.1, 0.2, 0.4, 0.8])
    assert (one.engine, one.obstacle) == (None, code)


class Rests:
    """A log that keeps the pauses."""

    def __init__(self, rests: list[float]) -> None:
        self._rests = rests

    def warning(self, event: str, **fields: Any) -> None:
        if event == "worker.rests":
            self._rests.append(fields["pause_s"])

    info = error = warning


def test_a_job_that_finds_the_machine_not_ready_makes_it_rest_and_the_next_that_ends_well_forgets_it(
    keeper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.fleet.keeper._FIRST_REST_S", 0.2)
    one = keeper("freezes")
    tend(one, lambda: one.engine)
    first = one.pid
    one.after(Ending(End.UNREADY, 0, "bad-scratch"))
    assert (one.engine, one.obstacle) == (None, "bad-scratch")
    tend(one, lambda: one.engine)
    one.after(Ending(End.DONE))
    assert (one.obstacle, one.pid) == (None, first)


def test_an_engine_is_used_as_often_as_settings_say(command: Any, settings: Settings) -> None:
    one = Keeper(settings.but(worker={"engine_jobs": 2}), "speech", command("freezes"))
    try:
        tend(one, lambda: one.engine)
        pids = []
        for _ in range(4):
            tend(one, lambda: one.engine)
            pids.append(one.pid)
            one.after(Ending(End.DONE))
        assert pids[0] == pids[1] != pids[2] == pids[3]
    finally:
        one.close()


def test_an_engine_whose_memory_was_full_is_not_used_again(keeper: Any) -> None:
    one = keeper("freezes")
    tend(one, lambda: one.engine)
    first = one.pid
    one.after(Ending(End.LATER, 30, "out-of-memory"))
    assert one.pid != first
