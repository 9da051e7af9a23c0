"""What machines read of a process: numbers for Prometheus, and whether it lives and is ready.

The worker's loop tells what happened (`stage`, `finished`, `failed`, …), intake what it saw (`swept`, …); `serve`
shows it under /metrics, /healthz and /readyz. No number carries an id, a key or a title; labels have few known values.
"""

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from config.settings import MetricsSettings, Settings
from jobs.timeline import Seconds
from worker.provenance import app_version
from worker.watch.health import PATIENCE_S, Health, Question
from worker.watch.listener import Listener

if TYPE_CHECKING:
    from worker.control import Measure
    from worker.queue.dispatch import JobQueue, Load

Role = Literal["worker", "intake"]
#: Why an engine process was started: the first of its worker, or what became of the one before.
Reason = Literal["first", "killed", "recycled", "crashed", "timeout", "stopped"]

#: Stages that have numbers of their own.
STAGES = frozenset({"media", "plan", "words", "turns", "recap", "files"})
#: Codes of failures that are a recording's own, …
RECORDING_FAULTS = frozenset({
    "bad-key", "bad-name", "bad-sidecar", "decode-timeout", "empty-file", "incomplete", "name-too-long",
    "no-audio-track", "not-a-recording", "not-allowed-format", "not-media", "too-long", "too-short", "undecodable",
    "unknown-track",
})  # fmt: skip
#: … and of those that are the machine's, and worth an alert.
MACHINE_FAULTS = frozenset({
    "access-denied", "bucket-missing", "diarization-failed", "digest-failed", "disk-full", "engine-died",
    "ffmpeg-failed", "gave-up", "llm-unavailable", "object-changed", "object-exists", "object-missing",
    "out-of-memory", "recap-failed", "signature-unreadable", "storage-failed", "took-too-long",
    "transcription-failed", "unknown", "unreachable", "upload-unreadable", "version-unreadable",
})  # fmt: skip
#: Besides these, why a sweep may fail.
_BROKER = "broker"
#: What a label says of a value that it doesn't know.
OTHER = "other"
#: Work time by length of the recording: a large GPU reaches 0.01, two cores with a small model 0.1 to 0.4 (measured);
#: beyond 1 a machine falls behind a single microphone.
_PACES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 4.0)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series beside every counter, which nobody reads
_WORKER = CollectorRegistry()
_INTAKE = CollectorRegistry()

_stage_wall = Counter("nachlese_stage_wall_seconds", "Time that finished stages took.", ["stage"], registry=_WORKER)
_stage_cpu = Counter("nachlese_stage_cpu_seconds", "Processor time of finished stages.", ["stage"], registry=_WORKER)
_stage_gpu = Counter("nachlese_stage_gpu_seconds", "Time that finished stages held a GPU.", ["stage"], registry=_WORKER)
_stage_audio = Counter("nachlese_stage_audio_seconds", "Sound that stages worked on.", ["stage"], registry=_WORKER)
_finished = Counter("nachlese_finished_recordings", "Recordings that this worker finished.", registry=_WORKER)
_finished_audio = Counter("nachlese_finished_audio_seconds", "Length of finished recordings.", registry=_WORKER)
_pace = Histogram(
    "nachlese_realtime_factor", "Work time by length of a finished recording.", buckets=_PACES, registry=_WORKER
)
_failed = Counter(
    "nachlese_failures", "Recordings given up, by code and by whose fault it is.", ["code", "fault"], registry=_WORKER
)
_retried = Counter("nachlese_retries", "Tries that failed and will be repeated.", ["code"], registry=_WORKER)
_engines = Counter("nachlese_engine_starts", "Engine processes started, by reason.", ["reason"], registry=_WORKER)
_unconditional = Gauge(
    "nachlese_store_unconditional", "1: the store ignores the conditions of conditional writes.", registry=None
)
_sweeps = Counter("nachlese_sweeps", "Looks at the bucket that came to an end.", registry=_INTAKE)
_sweeps_failed = Counter("nachlese_sweep_failures", "Looks at the bucket that failed.", ["code"], registry=_INTAKE)
_seen = Gauge("nachlese_bucket_recordings", "Recordings seen by the last sweep.", ["state"], registry=_INTAKE)
for _registry in (_WORKER, _INTAKE):
    _registry.register(_unconditional)


class _Since(Collector):
    """Seconds since something last happened; before the first time, since the process began."""

    def __init__(self, name: str, documentation: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._documentation, self._clock = name, documentation, clock
        self._at = clock()

    def now(self) -> None:
        """It happens now."""
        self._at = self._clock()

    def collect(self) -> Iterator[Metric]:
        """The age."""
        yield GaugeMetricFamily(self._name, self._documentation, self._clock() - self._at)


class _Shift(Collector):
    """A worker's time, busy or idle, and what it costs."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.price_per_hour = 0.0
        self._clock = clock
        self._spent = {"busy": 0.0, "idle": 0.0}
        self._state, self._since = "idle", clock()
        # Seen between its two steps a change would look like time running backwards: to Prometheus, a restart.
        self._alone = threading.Lock()

    def busy(self, busy: bool) -> None:
        """From now on this worker works, or waits."""
        with self._alone:
            now = self._clock()
            self._spent[self._state] += now - self._since
            self._state, self._since = "busy" if busy else "idle", now

    def collect(self) -> Iterator[Metric]:
        """Seconds by state, and their price."""
        with self._alone:
            running = self._clock() - self._since
            spent = self._spent | {self._state: self._spent[self._state] + running}
        seconds = CounterMetricFamily("nachlese_worker_seconds", "Time that this worker had.", labels=["state"])
        for state, value in spent.items():
            seconds.add_metric([state], value)
        yield seconds
        price = sum(spent.values()) / 3600 * self.price_per_hour
        yield CounterMetricFamily("nachlese_cost", "Price of that time, as metrics.price_per_hour says.", price)


_heartbeat = _Since("nachlese_heartbeat_age_seconds", "Time since the broker last took this worker's heartbeat.")
_sweep = _Since("nachlese_sweep_age_seconds", "Time since a look at the bucket last came to an end.")
_shift = _Shift()
_WORKER.register(_heartbeat)
_WORKER.register(_shift)
_INTAKE.register(_sweep)


def stage(measure: "Measure") -> None:
    """A stage was finished by this worker."""
    name = measure.stage if measure.stage in STAGES else OTHER
    _stage_wall.labels(name).inc(max(0.0, measure.wall_s))
    _stage_cpu.labels(name).inc(max(0.0, measure.cpu_s))
    _stage_gpu.labels(name).inc(max(0.0, measure.gpu_s))
    _stage_audio.labels(name).inc(max(0.0, measure.audio_s))


def finished(audio_s: Seconds, wall_s: Seconds | None) -> None:
    """A recording of that length was finished.

    `wall_s` is the time that its work took; None where it wasn't done in one go, and so says nothing of the pace.
    """
    _finished.inc()
    _finished_audio.inc(max(0.0, audio_s))
    if audio_s > 0 and wall_s is not None:
        _pace.observe(wall_s / audio_s)


def failed(code: str) -> None:
    """A recording was given up."""
    _failed.labels(*_classed(code)).inc()


def retried(code: str) -> None:
    """A try failed, and the recording will have another."""
    _retried.labels(_known(code)).inc()


def engine_started(reason: str) -> None:
    """An engine process was started: one of `Reason`."""
    _engines.labels(reason if reason in get_args(Reason) else OTHER).inc()


def beat() -> None:
    """The broker has taken this worker's heartbeat. Whether the loop turns at all is for `Health.beat`."""
    _heartbeat.now()


def busy(is_busy: bool) -> None:
    """This worker has a job from now on, or none."""
    _shift.busy(is_busy)


def conditional_writes(obeyed: bool) -> None:
    """What the probe at the start found: whether the store obeys conditional writes."""
    _unconditional.set(0 if obeyed else 1)


def swept(found: Mapping[str, int]) -> None:
    """Intake has looked at the bucket; `found` counts recordings by state."""
    _sweeps.inc()
    _sweep.now()
    for state in ("done", "failed", "settling", "refused"):
        _seen.labels(state).set(found[state])


def sweep_failed(code: str) -> None:
    """Intake couldn't look at the bucket, or queue what it found; the code is an error's, or "broker"."""
    _sweeps_failed.labels(code if code == _BROKER else _known(code)).inc()


class QueueNumbers(Collector):
    """What all workers together have before them, asked of the broker whenever somebody scrapes.

    While the broker is away these gauges are missing, as nobody knows them, and `nachlese_broker_up` is 0.
    """

    def __init__(self, *queues: "JobQueue", patience_s: Seconds = PATIENCE_S) -> None:
        def ask() -> dict[str, tuple["Load", int]]:
            return {str(queue.rq.name): (queue.load(), _paused(queue)) for queue in queues}

        self._question = Question(ask, patience_s=patience_s)

    def describe(self) -> Iterator[Metric]:
        """The names, without asking the broker."""
        return iter(_queue_families({}))

    def collect(self) -> Iterator[Metric]:
        """Ask, and wait no longer than `PATIENCE_S`."""
        loads = self._question.answer()
        up = loads is not None
        yield GaugeMetricFamily("nachlese_broker_up", "1: the broker answered this scrape.", float(up))
        if loads is not None:
            yield from _queue_families(loads)


def _paused(queue: "JobQueue") -> int:
    return int(queue.redis.zcard(queue.rq.scheduled_job_registry.key))


def _queue_families(loads: Mapping[str, tuple["Load", int]]) -> tuple[GaugeMetricFamily, ...]:
    audio = GaugeMetricFamily(
        "nachlese_audio_seconds", "Sound that waits or is worked on, as far as known.", labels=["queue", "state"]
    )
    count = GaugeMetricFamily("nachlese_queue_jobs", "Jobs in the queue.", labels=["queue", "state"])
    oldest = GaugeMetricFamily("nachlese_oldest_waiting_seconds", "Age of what waits longest.", labels=["queue"])
    workers = GaugeMetricFamily("nachlese_workers", "Workers whose heartbeat is fresh.", labels=["queue"])
    for name, (load, paused) in loads.items():
        audio.add_metric([name, "waiting"], load.waiting_s)
        audio.add_metric([name, "running"], load.running_s)
        count.add_metric([name, "waiting"], load.waiting)
        count.add_metric([name, "running"], load.running)
        count.add_metric([name, "paused"], paused)
        since = load.oldest_since
        age_s = 0.0 if since is None else (datetime.now(UTC) - since).total_seconds()
        oldest.add_metric([name], max(0.0, age_s))
        workers.add_metric([name], load.workers)
    return audio, count, oldest, workers


class ScratchNumbers(Collector):
    """Room where recordings are unpacked."""

    def __init__(self, settings: Settings) -> None:
        self._folder = Path(settings.media.scratch or tempfile.gettempdir())

    def collect(self) -> Iterator[Metric]:
        """Free and whole size of the file system; nothing while it can't be asked."""
        try:
            disk = shutil.disk_usage(self._folder)
        except OSError:
            return
        yield GaugeMetricFamily("nachlese_scratch_free_bytes", "Free room for unpacked recordings.", disk.free)
        yield GaugeMetricFamily("nachlese_scratch_size_bytes", "All room there.", disk.total)


class ProcessNumbers(Collector):
    """All numbers of one process."""

    def __init__(self, role: Role, health: Health, *more: Collector) -> None:
        self._role, self._health = role, health
        self._parts = (_WORKER if role == "worker" else _INTAKE, *more)

    def collect(self) -> Iterator[Metric]:
        """What was told, what is asked, and what this process is."""
        build = GaugeMetricFamily("nachlese_build_info", "Always 1.", labels=["version", "role"])
        build.add_metric([app_version(), self._role], 1)
        yield build
        yield GaugeMetricFamily("nachlese_ready", "1: ready by its own account.", float(self._health.told_ready))
        for part in self._parts:
            yield from part.collect()


def serve(settings: MetricsSettings, role: Role, health: Health, *more: Collector) -> Listener | None:
    """Answer /metrics, /healthz and /readyz at `metrics.bind` and `metrics.port`; None where the port is 0.

    Args:
        settings: Where to listen, and the price of an hour.
        role: Whose numbers to show.
        health: Who knows whether the process lives and is ready.
        more: Numbers that are asked for: `QueueNumbers`, `ScratchNumbers`.

    Raises:
        SetupError: "port-taken" or "bad-bind".
    """
    _shift.price_per_hour = settings.price_per_hour
    if settings.port == 0:
        return None
    return Listener(settings.bind, settings.port, application(ProcessNumbers(role, health, *more), health))


def application(numbers: Collector, health: Health) -> WSGIApplication:
    """The three pages. Nothing of a request is ever part of an answer."""

    def answer(environ: WSGIEnvironment, start: StartResponse) -> list[bytes]:
        status, kind, body = _page(str(environ.get("PATH_INFO")), numbers, health)
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            status, kind, body = "405 Method Not Allowed", "text/plain", b"GET or HEAD\n"
        headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
        headers.append(("Server", "nachlese"))
        start(status, headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    return answer


def _page(path: str, numbers: Collector, health: Health) -> tuple[str, str, bytes]:
    if path == "/metrics":
        return "200 OK", CONTENT_TYPE_PLAIN_0_0_4, generate_latest(numbers)
    if path == "/healthz":
        return _verdict("alive", () if health.alive else ("loop-silent",))
    if path == "/readyz":
        return _verdict("ready", health.reasons())
    return "404 Not Found", "text/plain", b"/metrics, /healthz or /readyz\n"


def _verdict(name: str, reasons: tuple[str, ...]) -> tuple[str, str, bytes]:
    status = "503 Service Unavailable" if reasons else "200 OK"
    return status, "application/json", json.dumps({name: not reasons, "reasons": reasons}).encode()


def _known(code: str) -> str:
    return code if code in RECORDING_FAULTS | MACHINE_FAULTS else OTHER


def _classed(code: str) -> tuple[str, str]:
    """The two labels of a failure; one that nobody knows is the machine's."""
    return _known(code), "recording" if code in RECORDING_FAULTS else "machine"


# A series that begins with its first event hides that event from `increase` and `rate`.
for _code in (*sorted(RECORDING_FAULTS | MACHINE_FAULTS), OTHER):
    _failed.labels(*_classed(_code))
for _code in (*sorted(MACHINE_FAULTS), OTHER):
    _retried.labels(_code)
for _code in (*sorted(MACHINE_FAULTS), _BROKER, OTHER):
    _sweeps_failed.labels(_code)
for _reason in get_args(Reason):
    _engines.labels(_reason)
