import shutil
import socket
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from config.settings import EndpointSettings, load
from worker import doctor
from worker.doctor import Check, checks


@pytest.fixture
def settings(tmp_path):
    """Nothing configured; a scratch of its own; small needs."""
    return load().but(media={"scratch": str(tmp_path), "max_hours": 0.001}, storage={"bucket": ""})


@pytest.fixture
def closed_port():
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def ask(question, settings):
    return {check.name: check for check in doctor._guarded("asked", question, settings)}


def test_every_answer_has_a_name_and_a_remedy_where_it_is_no(settings, closed_port):
    broken = settings.but(
        storage={"bucket": "stage", "endpoint_url": f"http://127.0.0.1:{closed_port}", "access_key": "a"},
        broker={"url": secret(f"redis://127.0.0.1:{closed_port}/0")},
        media={"scratch": "/nowhere"},
        weights={"folder": "/nowhere"},
    )
    found = list(checks(broken))
    failed = {check.name for check in found if check.ok is False}
    assert {"broker", "bucket", "scratch"} <= failed
    assert all(check.name and check.detail for check in found)
    assert all(check.remedy for check in found if check.ok is False)
    assert all("\n" not in check.detail + check.remedy for check in found)


def test_a_check_that_breaks_is_a_check_that_fails(settings):
    def breaks(_settings):
        yield Check("first", True, "fine")
        raise RuntimeError("secret-password")

    found = ask(breaks, settings)
    assert found["first"].ok
    assert found["asked"].ok is False
    assert "secret-password" not in str(found)


def test_a_machine_without_ffmpeg(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = ask(doctor._ffmpeg, settings) | ask(doctor._ffprobe, settings)
    assert {name: check.ok for name, check in found.items()} == {"ffmpeg": False, "ffprobe": False}


@pytest.mark.parametrize(
    ("told", "ok"),
    [
        ("ffmpeg version 4.4 Copyright", True), ("ffmpeg version n9.0.2-17-g2a5 Copyright", True),
        ("ffmpeg version 5.1.9-0+deb12u1 Copyright", True), ("ffmpeg version N-118000-gabc Copyright", True),
        ("ffmpeg version 4.3.9-0+deb11u1 Copyright", False), ("ffmpeg version 3.4 Copyright", False),
        ("avconv 12", False), ("", False),
    ],
)  # fmt: skip
def test_versions_of_ffmpeg(told, ok, tmp_path, monkeypatch):
    (tmp_path / "ffmpeg").write_text(f"#!/bin/sh\necho '{told}'\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor._program("ffmpeg").ok is ok


def test_an_ffmpeg_that_hangs_is_not_waited_for(tmp_path, monkeypatch):
    (tmp_path / "ffmpeg").write_text(f"#!/bin/sh\nexec {shutil.which('sleep')} 300\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(doctor, "_PATIENCE_S", 0.2)
    assert doctor._program("ffmpeg").ok is False


def test_a_build_without_decoders(settings, tmp_path, monkeypatch):
    (tmp_path / "ffmpeg").write_text("#!/bin/sh\necho 'ffmpeg version 6.0 x'; echo ' A....D flac FLAC'\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = ask(doctor._ffmpeg, settings)
    assert found["ffmpeg"].ok
    assert found["ffmpeg decoders"].ok is False
    assert "aac" in found["ffmpeg decoders"].detail
    assert "flac" not in found["ffmpeg decoders"].detail


def test_this_machines_ffmpeg_is_complete(settings):
    assert all(check.ok for check in (ask(doctor._ffmpeg, settings) | ask(doctor._ffprobe, settings)).values())


def test_a_stranger_that_owns_one_of_our_names_is_found(settings, tmp_path, monkeypatch):
    info = tmp_path / "config_stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: config-stranger\nVersion: 1.0\n")
    (info / "RECORD").write_text("config/__init__.py,,\n")
    before = ask(doctor._names, settings)
    monkeypatch.syspath_prepend(tmp_path)
    after = ask(doctor._names, settings)
    assert before["name config"].ok
    assert after["name config"].ok is False
    assert "config-stranger" in after["name config"].remedy
    assert after["name jobs"].ok


def test_scratch_that_is_not_there_or_too_small(settings):
    (gone,) = ask(doctor._scratch, settings.but(media={"scratch": "/nowhere"})).values()
    (small,) = ask(doctor._scratch, settings.but(media={"max_hours": 1e9})).values()
    (fine,) = ask(doctor._scratch, settings).values()
    assert (gone.ok, small.ok, fine.ok) == (False, False, True)


def test_without_a_bucket_neither_bucket_nor_broker_matter(settings):
    assert ask(doctor._bucket, settings)["bucket"].ok is None
    assert ask(doctor._broker, settings)["broker"].ok is None


# --- broker -------------------------------------------------------------------------------------------------------


def secret(text):
    from pydantic import SecretStr  # noqa: PLC0415

    return SecretStr(text)


@pytest.fixture
def broker():
    """Answers PING with PONG and CONFIG GET with what `said` holds; knows no other command."""
    said = {"appendonly": "yes"}
    server = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        with connection, connection.makefile("rb") as lines:
            while head := lines.readline():
                words = []
                for _ in range(int(head[1:])):
                    size = int(lines.readline()[1:])
                    words.append(lines.read(size + 2)[:-2].upper())
                if words[0] == b"PING":
                    connection.sendall(b"+PONG\r\n")
                elif words[0] == b"CONFIG" and said["appendonly"]:
                    answer = said["appendonly"]
                    connection.sendall(f"*2\r\n$10\r\nappendonly\r\n${len(answer)}\r\n{answer}\r\n".encode())
                else:
                    connection.sendall(b"-ERR unknown command\r\n")

    def accept():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    said["url"] = f"redis://127.0.0.1:{server.getsockname()[1]}/0?protocol=2"
    yield said
    server.shutdown(socket.SHUT_RDWR)
    server.close()


@pytest.mark.parametrize(("appendonly", "ok"), [("yes", True), ("no", None), (None, None)])
def test_a_broker_that_answers(appendonly, ok, settings, broker):
    broker["appendonly"] = appendonly
    found = ask(doctor._broker, settings.but(storage={"bucket": "stage"}, broker={"url": secret(broker["url"])}))
    assert found["broker"].ok
    assert found["broker persistence"].ok is ok
    assert found["broker password"].ok


def test_a_broker_that_is_not_there(settings, closed_port):
    url = f"redis://:geheim@127.0.0.1:{closed_port}/0"
    found = ask(doctor._broker, settings.but(storage={"bucket": "stage"}, broker={"url": secret(url)}))
    assert found["broker"].ok is False
    assert "geheim" not in str(found)


def test_a_broker_url_that_makes_no_sense(settings):
    found = ask(doctor._broker, settings.but(storage={"bucket": "stage"}, broker={"url": secret("http://geheim@x")}))
    assert found["broker"].ok is False
    assert "geheim" not in str(found)


@pytest.mark.parametrize(
    ("url", "ok"),
    [
        ("redis://broker.example:6379/0", False), ("redis://10.0.0.5", False),
        ("redis://:geheim@broker.example/0", True),
        ("redis://localhost/0", True), ("redis://127.0.0.1:6379", True), ("redis://[::1]:6379", True),
        ("unix:///run/redis.sock", True),
    ],
)  # fmt: skip
def test_a_broker_on_the_network_needs_a_password(url, ok):
    check = doctor._password(url)
    assert check.ok is ok
    assert "geheim" not in str(check)


# --- bucket -------------------------------------------------------------------------------------------------------


class Store(BaseHTTPRequestHandler):
    """As much of S3 as the doctor asks for."""

    status = 200
    obeys_conditions = True
    objects: Counter[str]

    def _answer(self, status):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self):
        self._answer(self.status)

    def do_PUT(self):
        there = self.objects[self.path]
        wrong = (self.headers["If-None-Match"] == "*" and there) or self.headers["If-Match"]
        refused = self.obeys_conditions and wrong
        self.objects[self.path] += not refused
        self._answer(412 if refused else 200)

    def do_DELETE(self):
        del self.objects[self.path]
        self._answer(204)

    def log_message(self, *_):
        pass


@pytest.fixture
def store(settings):
    handler = type("OneStore", (Store,), {"objects": Counter()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        handler.settings = settings.but(
            storage={
                "bucket": "stage", "endpoint_url": f"http://127.0.0.1:{server.server_port}", "region": "eu-central-1",
                "access_key": "key", "secret_key": secret("geheim"), "addressing": "path",
            }
        )  # fmt: skip
        yield handler
        server.shutdown()


def test_a_bucket_that_obeys_conditions(store):
    found = ask(doctor._bucket, store.settings)
    assert {name: check.ok for name, check in found.items()} == {"bucket": True, "bucket writing": True}
    assert not store.objects


def test_a_bucket_that_ignores_conditions(store):
    store.obeys_conditions = False
    found = ask(doctor._bucket, store.settings)
    assert (found["bucket"].ok, found["bucket writing"].ok) == (True, False)
    assert not store.objects


@pytest.mark.parametrize(("status", "remedy"), [(404, "create it"), (403, "secret_key"), (500, "log")])
def test_a_bucket_that_refuses(status, remedy, store):
    store.status = status
    found = ask(doctor._bucket, store.settings)
    assert found["bucket"].ok is False
    assert remedy in found["bucket"].remedy
    assert "geheim" not in str(found)


def test_a_bucket_that_is_not_there(settings, closed_port):
    away = settings.but(
        storage={"bucket": "stage", "endpoint_url": f"http://127.0.0.1:{closed_port}", "access_key": "a", "region": "x",
                 "secret_key": secret("geheim")}
    )  # fmt: skip
    found = ask(doctor._bucket, away)
    assert found["bucket"].ok is False
    assert "geheim" not in str(found)


def test_an_endpoint_that_is_no_address(settings):
    found = ask(doctor._bucket, settings.but(storage={"bucket": "stage", "endpoint_url": "no address"}))
    assert found["asked"].ok is False
    assert "endpoint_url" in found["asked"].detail


# --- language models ----------------------------------------------------------------------------------------------


class Models(BaseHTTPRequestHandler):
    """A server of language models, as far as the doctor asks it."""

    status, body = 200, b'{"object":"list","data":[{"id":"ours"},{"id":"other"}]}'
    keys: list[str]

    def do_GET(self):
        self.keys.append(self.headers["Authorization"] or "")
        self.send_response(self.status if self.path == "/v1/models" else 500)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_):
        pass


@pytest.fixture
def models(settings):
    handler = type("OneServer", (Models,), {"keys": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        handler.settings = writing(settings, f"http://127.0.0.1:{server.server_port}/v1")
        yield handler
        server.shutdown()


def writing(settings, *urls):
    endpoints = tuple(EndpointSettings(url=url, model="ours", api_key=secret("geheim")) for url in urls)
    return settings.but(recap={"writer": "llm", "endpoints": endpoints})


@pytest.mark.parametrize(
    ("status", "body", "ok"),
    [
        (200, Models.body, True),
        (200, b'{"data":[{"id":"other"}]}', None),
        (200, b"not JSON", True),
        (404, b"", True),
        (401, b"", False),
        (503, b"", False),
        (307, b"", False),
    ],
)
def test_a_language_model_is_asked_whether_it_is_there(models, status, body, ok):
    models.status, models.body = status, body
    (found,) = ask(doctor._language_models, models.settings).values()
    assert found.ok is ok
    assert models.keys == ["Bearer geheim"]
    assert "geheim" not in str(found)
    assert bool(found.remedy) is (ok is not True)


def test_each_endpoint_is_a_line_of_its_own_and_none_where_none_writes(settings, models, closed_port):
    assert ask(doctor._language_models, settings)["language model"].ok is None
    both = [f"http://127.0.0.1:{closed_port}/v1", models.settings.recap.endpoints[0].url]
    found = ask(doctor._language_models, writing(settings, *both))
    assert {name: check.ok for name, check in found.items()} == {"language model 1": False, "language model 2": True}


def test_weights_that_are_not_there(settings, tmp_path):
    found = ask(doctor._weights, settings.but(weights={"folder": str(tmp_path / "none")}))
    assert found
    assert all(check.ok is False and "weights fetch" in check.remedy for check in found.values())


def test_models_of_ones_own_need_no_fetched_weights(settings):
    own = settings.but(transcribe={"model": "/models/own"}, diarize={"pipeline": "/models/community-1"})
    assert {name: check.ok for name, check in ask(doctor._weights, own).items()} == {"weights": None}
