import contextlib
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jobs.errors import SetupError
from worker.watch.listener import Listener

ROOT = Path(__file__).parents[2]


def hello(_environ, start):
    start("200 OK", [("Content-Type", "text/plain"), ("Server", "x")])
    return [b"hello"]


def broken(_environ, _start):
    raise ValueError("geheim")


@pytest.fixture
def serving():
    """Start a server on a free port."""
    with contextlib.ExitStack() as stack:

        def serve(app=hello, bind="127.0.0.1", **options):
            server = Listener(bind, 0, app, **options)
            stack.callback(server.close)
            return server.port

        yield serve


ASKED = b"GET / HTTP/1.0\r\n\r\n"


def exchange(port, sent):
    """What comes back for raw bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        received = b""
        try:
            connection.sendall(sent)
            while part := connection.recv(65536):
                received += part
        except ConnectionError:
            pass
        return received


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /geheim HTTP/1.1\r\nHost: geheim\r\nX-geheim: geheim\r\n\r\n",
        b"geheim geheim geheim\r\n\r\n",
        b"geheim\r\n\r\n",
        b"GET /metrics geheim/1.1\r\n\r\n",
        b"GET /" + b"geheim" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\n" + b"".join(b"geheim-%d: x\r\n" % n for n in range(200)) + b"\r\n",
        b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\ngeheim",
        b"\x00\xff" * 100 + b"geheim\r\n\r\n",
    ],
)
def test_no_answer_repeats_what_was_asked_and_nothing_is_written_to_stderr(serving, sent, capfd):
    port = serving()
    received = exchange(port, sent)
    assert b"geheim" not in received
    assert b"Python" not in received
    assert exchange(port, ASKED).endswith(b"hello")
    assert capfd.readouterr() == ("", "")


def test_an_application_that_breaks_says_nothing_of_why(serving, capfd):
    received = exchange(serving(broken), ASKED)
    assert b"500 Internal Server Error" in received
    assert b"geheim" not in received
    assert capfd.readouterr() == ("", "")


def closed(connection):
    """Whether the server hangs up; waits half a minute for it."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


@contextlib.contextmanager
def idle(port, count):
    """Callers who begin to ask and never end."""
    with contextlib.ExitStack() as stack:
        callers = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30)) for _ in range(count)]
        for caller in callers:
            caller.sendall(b"GET / HTTP/1.0\r\n")
        yield callers


def test_callers_who_never_finish_asking_are_cut_off(serving):
    port = serving(call_s=2.0)
    with idle(port, 8) as callers:
        assert all(map(closed, callers))
    assert exchange(port, ASKED).endswith(b"hello")


def test_who_comes_while_too_many_are_asking_is_turned_away_and_may_come_again(serving):
    port = serving(call_s=600.0)
    with idle(port, 8), socket.create_connection(("127.0.0.1", port), timeout=30) as ninth:
        assert closed(ninth)
    while not exchange(port, ASKED).endswith(b"hello"):
        time.sleep(0.05)


@pytest.mark.parametrize("bind", ["192.0.2.1", "no such host"])
def test_an_address_that_isnt_ours_is_a_fault_of_the_settings(bind):
    with pytest.raises(SetupError, match=r"metrics\.bind") as caught:
        Listener(bind, 0, hello)
    assert caught.value.code == "bad-bind"


def test_an_address_of_ipv6_is_listened_on_where_the_machine_has_one(serving):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        with pytest.raises(SetupError, match="bad-bind"):
            serving(bind="::1")
        return
    with socket.create_connection(("::1", serving(bind="::1")), timeout=30) as connection:
        connection.sendall(ASKED)
        assert connection.recv(100)


def test_a_caller_who_hangs_never_keeps_the_process_alive():
    code = """
import socket
from worker.watch.listener import Listener
server = Listener("127.0.0.1", 0, lambda environ, start: [])
hanging = socket.create_connection(("127.0.0.1", server.port))
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)
