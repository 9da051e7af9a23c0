"""A real intake and a real worker, with servers of their own, seen by whoever asks over HTTP."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from config.settings import load
from worker import laptop
from worker.bucket.storage import S3Storage, s3_storage

ROOT = Path(__file__).parents[2]
NAMES = ("Geheimer Gast.opus", "ordner/geheim 2.opus", "Jürgen Müller.opus")
#: What stands in names, sidecars and, as the engines without weights hear it, in the recordings.
SECRETS = ("geheim", "Jürgen", "Müller", "ordner", "kaputt", ".opus", "Zeitungen", "Lokalredaktion")


def until(is_so: Callable[[], object]) -> None:
    """Wait until something is so, two minutes at most."""
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline, "this never came to be"
        time.sleep(0.1)


class Process:
    """`nachlese intake` or `nachlese worker` with a port for those who ask."""

    def __init__(self, home: laptop.Home, role: str, folder: Path, fakes: dict[str, str]) -> None:
        self.port = laptop.free_port()
        self._log = folder / f"{role}.log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NACHLESE_")}
        chosen = {
            "NACHLESE_METRICS__PORT": str(self.port), "NACHLESE_METRICS__PRICE_PER_HOUR": "3600",
            "NACHLESE_INTAKE__SETTLE_S": "0", "NACHLESE_INTAKE__POLL_S": "0.2",
            "NACHLESE_MEDIA__SCRATCH": str(folder), "NACHLESE_LOG__LEVEL": "debug",
        }  # fmt: skip
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "worker", "--config", str(home.config), role],
                stdout=log, stderr=log, cwd=folder, env=kept | {"PYTHONPATH": str(ROOT)} | fakes | chosen,
            )  # fmt: skip

    def ask(self, path: str) -> tuple[int, str]:
        """Status and body of a page; 0 while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except urllib.error.URLError:
            assert self.process.poll() is None, self.log
            return 0, ""

    def ready(self) -> bool:
        return self.ask("readyz")[0] == 200

    def reasons(self) -> list[str]:
        return list(json.loads(self.ask("readyz")[1])["reasons"])

    def number(self, name: str, **labels: str) -> float | None:
        """One number of a scrape; None where it is missing."""
        for family in text_string_to_metric_families(self.ask("metrics")[1]):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return sample.value
        return None

    @property
    def log(self) -> str:
        return self._log.read_text()


class House:
    """A store, a broker, an intake and a worker that have seen three recordings and a broken one."""

    def __init__(self, broker: laptop.Child, storage: S3Storage, intake: Process, worker: Process) -> None:
        self.broker, self.storage, self.intake, self.worker = broker, storage, intake, worker

    @property
    def both(self) -> tuple[Process, Process]:
        return self.intake, self.worker


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, fixtures: Path, fake_engines: dict[str, str]) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    home = laptop.settle(folder / "data", s3_port=laptop.free_port())
    with laptop.running(home, load()) as (broker, _):
        home.write_config()
        storage = s3_storage(home.settings(load()))
        for name in NAMES:
            storage.write(name, (fixtures / "einzel.opus").read_bytes(), "audio/ogg")
            sidecar = "titel: Geheimes aus der Lokalredaktion\ngäste: [Jürgen Müller]\n".encode()
            storage.write(name.removesuffix(".opus") + ".yaml", sidecar, "application/yaml")
        storage.write("kaputt.opus", b"geheim" * 100, "audio/ogg")
        both = [Process(home, role, folder, fake_engines) for role in ("intake", "worker")]
        try:
            for process in both:
                until(process.ready)
            until(lambda: both[0].number("nachlese_bucket_recordings", state="done") == len(NAMES))
            until(lambda: both[0].number("nachlese_bucket_recordings", state="failed") == 1)
            yield House(broker, storage, *both)
        finally:
            for process in both:
                process.process.kill()
                process.process.wait()


def test_a_worker_tells_what_it_did(house: House) -> None:
    number = house.worker.number
    lengths = [json.loads(house.storage.read(f"{name}.nachlese/transcript.json"))["duration_s"] for name in NAMES]
    assert number("nachlese_finished_recordings_total") == len(NAMES)
    assert number("nachlese_finished_audio_seconds_total") == pytest.approx(sum(lengths), abs=1.0)
    assert number("nachlese_realtime_factor_count") == len(NAMES)
    assert number("nachlese_failures_total", code="not-media", fault="recording") == 1
    for stage in ("media", "words", "turns"):
        assert number("nachlese_stage_audio_seconds_total", stage=stage) == pytest.approx(sum(lengths), abs=1.0), stage
        assert number("nachlese_stage_gpu_seconds_total", stage=stage) == 0
    # ffmpeg takes its time; the engines without weights may take less than is counted.
    assert number("nachlese_stage_wall_seconds_total", stage="media") > 0  # type: ignore[operator]  # there is one
    assert number("nachlese_stage_wall_seconds_total", stage="other") is None
    assert number("nachlese_failures_total", code="other", fault="machine") == 0
    assert number("nachlese_engine_starts_total", reason="first") == 1
    assert number("nachlese_engine_starts_total", reason="crashed") == 0
    assert number("nachlese_store_unconditional") == 0


def test_time_and_money_are_counted(house: House) -> None:
    families = {f.name: f for f in text_string_to_metric_families(house.worker.ask("metrics")[1])}
    spent = {sample.labels["state"]: sample.value for sample in families["nachlese_worker_seconds"].samples}
    (cost,) = families["nachlese_cost"].samples
    assert spent["busy"] > 0
    assert spent["idle"] > 0
    # At 3600 an hour a second costs 1.
    assert cost.value == pytest.approx(sum(spent.values()), rel=0.01)


def test_intake_tells_what_there_is_to_do(house: House) -> None:
    queue = "speech"
    until(lambda: house.intake.number("nachlese_queue_jobs", queue=queue, state="running") == 0)
    number = house.intake.number
    assert number("nachlese_broker_up") == 1
    assert number("nachlese_workers", queue=queue) == 1
    assert number("nachlese_audio_seconds", queue=queue, state="waiting") == 0
    assert number("nachlese_oldest_waiting_seconds", queue=queue) == 0
    assert number("nachlese_sweeps_total") >= 2  # type: ignore[operator]  # there is one
    assert number("nachlese_sweep_age_seconds") < 60  # type: ignore[operator]  # the same


def test_heartbeats_go_on_while_the_worker_waits(house: House) -> None:
    assert house.worker.number("nachlese_heartbeat_age_seconds") < 30  # type: ignore[operator]  # there is one
    assert house.worker.ask("healthz")[0] == 200


def test_readiness_goes_and_comes_with_the_broker(house: House) -> None:
    os.kill(house.broker.pid or 0, signal.SIGKILL)
    for process in house.both:
        until(lambda process=process: not process.ready())  # type: ignore[misc]  # mypy knows no lambda with defaults
        assert {reason.partition("-")[0] for reason in process.reasons()} == {"broker"}
        assert process.ask("healthz")[0] == 200
    assert house.intake.number("nachlese_broker_up") == 0
    assert house.intake.number("nachlese_audio_seconds", queue="speech", state="waiting") is None
    until(lambda: house.broker.tend() or house.intake.number("nachlese_broker_up") == 1)
    for process in house.both:
        until(process.ready)


def test_no_page_and_no_line_of_a_log_holds_a_word_of_a_title_a_name_or_a_recording(house: House) -> None:
    transcript = house.storage.read(f"{NAMES[0]}.nachlese/transcript.txt").decode()
    assert "Zeitungen" in transcript
    for process in house.both:
        told = "".join(process.ask(path)[1] for path in ("metrics", "healthz", "readyz", "geheim")) + process.log
        found = [secret for secret in SECRETS if secret.casefold() in told.casefold()]
        assert not found, [line for line in told.splitlines() if any(s.casefold() in line.casefold() for s in found)]
        assert not re.search(r"r-[0-9a-f]{20}", process.ask("metrics")[1])


def test_every_line_of_a_log_is_an_event_and_nothing_had_to_be_kept_back(house: House) -> None:
    for process in house.both:
        events: list[dict[str, Any]] = [json.loads(line) for line in process.log.splitlines()]
        assert events
        assert not [event for event in events if "dropped" in event]
        assert all({"timestamp", "level", "event", "process", "version"} <= set(event) for event in events)


def test_whoever_takes_a_port_that_is_taken_is_told_which_setting_is_wrong(house: House, nachlese: Any) -> None:
    called = nachlese("worker", NACHLESE_METRICS__PORT=str(house.worker.port), NACHLESE_STORAGE__BUCKET="b")
    assert called.code == 2
    assert "metrics.port" in called.err


def test_who_is_asked_to_leave_isnt_held_by_those_who_ask(house: House) -> None:
    for process in house.both:
        process.process.send_signal(signal.SIGTERM)
        assert process.process.wait(60) == 0, process.log
