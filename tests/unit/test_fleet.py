import subprocess
import sys

import pytest
from click.testing import CliRunner

from config.settings import Settings, load
from jobs.errors import SetupError
from worker.cli import cli
from worker.fleet import worker as fleet

HEAVY = {"torch", "ctranslate2", "faster_whisper", "pyannote", "onnxruntime"}


def test_the_worker_itself_never_loads_an_engine() -> None:
    """Whatever happens to a GPU or in a library is the engine process's, and the worker lives on."""
    code = "import sys, worker.fleet.worker, worker.laptop; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"worker.tasks", "worker.engines.host"} <= set(loaded)
    assert not HEAVY & set(loaded)


@pytest.mark.parametrize("device", ["cpu", "cuda:1"])
def test_a_worker_holds_one_device_with_both_its_engines(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    served: list[tuple[Settings, str, bool]] = []
    monkeypatch.setattr(fleet, "serve", lambda settings, *, role, burst: served.append((settings, role, burst)))
    called = CliRunner().invoke(cli, ["worker", "--queue", "recap", "--device", device, "--burst"])
    assert called.exit_code == 0, called.output
    ((settings, role, burst),) = served
    assert (settings.transcribe.device, settings.diarize.device, role, burst) == (device, device, "recap", True)


def test_a_device_that_is_none_is_a_wrong_call() -> None:
    called = CliRunner().invoke(cli, ["worker", "--device", "gpu0"])
    assert called.exit_code == 2
    assert "cuda:1" in called.output


def test_recaps_need_a_queue_of_their_own() -> None:
    with pytest.raises(SetupError, match=r"recap\.queue"):
        fleet.serve(load(), role="recap")
