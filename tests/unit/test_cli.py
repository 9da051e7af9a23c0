import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from worker.cli import cli

ROOT = Path(__file__).parents[2]
COMMANDS = sorted(cli.commands)


@pytest.fixture
def call():
    """Call a command that ends before any work begins."""
    return lambda *words: CliRunner().invoke(cli, list(words))


def child(*command):
    """Run a process; its exit status and the processor seconds it took."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime


def test_help_takes_less_than_half_a_second_of_processor_time():
    taken = [child(sys.executable, "-m", "worker", "--help") for _ in range(2)]
    assert [code for code, _ in taken] == [0, 0]
    assert min(seconds for _, seconds in taken) < 0.5


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = "import sys, worker.cli; print(' '.join({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    heavy = {"torch", "boto3", "botocore", "numpy", "pydantic", "rq", "redis", "rich", "faster_whisper", "pyannote"}
    assert not heavy & set(loaded.split())


def test_help_says_what_there_is_and_producers_come_first(call):
    result = call("--help")
    assert result.exit_code == 0
    assert all(f" {name} " in result.output for name in COMMANDS)
    marks = ("Für Produktion und Redaktion", "\n  run ", "For operations", "\n  worker ")
    places = [result.output.index(mark) for mark in marks]
    assert places == sorted(places)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_is_explained(call, command):
    result = call(command, "--help")
    assert result.exit_code == 0
    assert cli.commands[command].help
    for parameter in cli.commands[command].params:
        assert parameter.param_type_name == "argument" or getattr(parameter, "help", None), parameter.name


def test_the_version_is_said(call):
    assert call("--version").output.startswith("nachlese ")


@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["run", "a.mp3", "--track", "zwei"],
        ["run", "a.mp3", "--nonsense"],
        ["run", "mon/talk.mp3", "tue/talk.mp3"],
        ["nonsense"],
        ["put"],
        ["weights", "nonsense"],
        ["up", "--port", "x"],
    ],
)
def test_wrong_usage_is_told_with_code_two(call, words):
    result = call(*words)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert "Usage" in result.output or "Aufruf" in result.output


def test_two_recordings_of_one_name_are_refused_before_work_begins(call):
    result = call("run", "mon/talk.mp3", "tue/talk.mp3")
    assert "„talk.mp3“" in result.output
    assert "--out" in result.output
