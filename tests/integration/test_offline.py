"""Once the weights are here, nothing leaves the machine."""

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('192.0.2.1', 80), 1)",
        "socket.getaddrinfo('example.org', 443)",
        "socket.gethostbyname('example.org')",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 53))",
        "__import__('urllib.request').request.urlopen('https://example.org')",
    ],
)
def test_the_guard_sees_and_stops_who_looks_beyond_this_machine(guarded, attempt):
    guard = guarded()
    done = subprocess.run(
        [sys.executable, "-c", f"import socket; {attempt}"],
        env=os.environ | guard.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "the guard lets nothing out" in done.stderr
    assert len(guard.seen) == 1


def test_the_guard_lets_this_machine_talk_to_itself(guarded):
    guard = guarded()
    code = (
        "import socket; server = socket.create_server(('127.0.0.1', 0));"
        "socket.create_connection(('localhost', server.getsockname()[1])).close(); socket.getaddrinfo('::1', 1)"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=os.environ | guard.environment, check=True)
    assert guard.seen == []


def test_a_whole_run_reaches_nobody(demo_run):
    assert demo_run.called.code == 0, demo_run.called.err
    assert demo_run.guard.seen == []


def test_a_whole_run_needs_no_network(demo_run, resumed_run):
    """Without an interface, which binds libraries that aren't Python too."""
    if not resumed_run.cut_off:
        pytest.skip("this machine makes no network namespaces; the guarded run stands")
    assert resumed_run.called.code == 0, resumed_run.called.err

    def words(folder):
        transcript = json.loads((folder / "transcript.json").read_text())
        return [word["text"] for utterance in transcript["utterances"] for word in utterance["words"]]

    assert words(resumed_run.folder) == words(demo_run.folder("einzel.opus")) != []
