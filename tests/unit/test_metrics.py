import ast
import json
import re
import socket
import threading
import urllib.request
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import get_args
from wsgiref.util import setup_testing_defaults

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from redis.exceptions import ConnectionError as BrokerAwayError

from config.settings import load
from jobs.errors import SetupError
from worker.control import Measure
from worker.queue.dispatch import Load
from worker.queue.intake import Sweep
from worker.watch import metrics
from worker.watch.health import Health
from worker.watch.listener import Listener
from worker.watch.metrics import ProcessNumbers, QueueNumbers, ScratchNumbers

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "config" / "deploy"
SECRET = "Geheimer Gast"


def read(role="worker", *more, health=None):
    """What a scrape gives: (name, labels) → value."""
    page = metrics.generate_latest(ProcessNumbers(role, health or Health(), *more)).decode()
    samples = [s for family in text_string_to_metric_families(page) for s in family.samples]
    return {(s.name, frozenset(s.labels.items())): s.value for s in samples}


def value(numbers, name, **labels):
    return numbers.get((name, frozenset(labels.items())), 0.0)


class Change:
    """The difference that something makes to the numbers of a role."""

    def __init__(self, role="worker"):
        self.role = role

    def __enter__(self):
        self.before = read(self.role)
        return self

    def __exit__(self, *_):
        self.after = read(self.role)

    def of(self, name, **labels):
        return value(self.after, name, **labels) - value(self.before, name, **labels)


class FakeQueue:
    """A broker that says what it is told to."""

    def __init__(self, name="speech", load=None, paused=0, error=None):
        self.rq = SimpleNamespace(name=name, scheduled_job_registry=SimpleNamespace(key="paused"))
        self.redis = SimpleNamespace(zcard=lambda _key: paused)
        self._load, self._error = load, error

    def load(self):
        if self._error:
            raise self._error
        return self._load


def busy_queue(name="speech"):
    load = Load(3, 5400.0, 2, 1800.0, datetime.now(UTC) - timedelta(minutes=10), 4)
    return FakeQueue(name, load, paused=1)


seconds = st.floats(0, 1e6)


@given(
    st.lists(
        st.builds(Measure, st.sampled_from(sorted(metrics.STAGES)), seconds, seconds, seconds, seconds), max_size=5
    )
)
def test_stages_add_up(measures):
    with Change() as change:
        for measure in measures:
            metrics.stage(measure)
    for name in metrics.STAGES:
        of_stage = [m for m in measures if m.stage == name]
        for kind, field in (("wall", "wall_s"), ("cpu", "cpu_s"), ("gpu", "gpu_s"), ("audio", "audio_s")):
            expected = sum(getattr(m, field) for m in of_stage)
            assert change.of(f"nachlese_stage_{kind}_seconds_total", stage=name) == pytest.approx(expected, abs=1e-3)


def test_a_recording_counts_once_with_its_length_and_its_pace():
    with Change() as change:
        metrics.finished(3600.0, 900.0)
        metrics.finished(60.0, 120.0)
    assert change.of("nachlese_finished_recordings_total") == 2
    assert change.of("nachlese_finished_audio_seconds_total") == 3660
    assert change.of("nachlese_realtime_factor_count") == 2
    assert change.of("nachlese_realtime_factor_sum") == pytest.approx(2.25)
    assert change.of("nachlese_realtime_factor_bucket", le="0.2") == 0
    assert change.of("nachlese_realtime_factor_bucket", le="0.3") == 1
    assert change.of("nachlese_realtime_factor_bucket", le="2.0") == 2


def test_a_recording_without_sound_or_begun_by_another_has_no_pace():
    with Change() as change:
        metrics.finished(0.0, 5.0)
        metrics.finished(60.0, None)
    assert change.of("nachlese_finished_recordings_total") == 2
    assert change.of("nachlese_finished_audio_seconds_total") == 60
    assert change.of("nachlese_realtime_factor_count") == 0


def test_failures_are_told_apart_by_whose_fault_they_are():
    with Change() as change:
        metrics.failed("not-media")
        metrics.failed("gave-up")
        metrics.failed(SECRET)
        metrics.retried("out-of-memory")
    assert change.of("nachlese_failures_total", code="not-media", fault="recording") == 1
    assert change.of("nachlese_failures_total", code="gave-up", fault="machine") == 1
    assert change.of("nachlese_failures_total", code="other", fault="machine") == 1
    assert change.of("nachlese_retries_total", code="out-of-memory") == 1


def raised(folder):
    """Codes of the errors that our source raises, by the error's class."""
    found = {"InputError": set(), "EngineError": set(), "StorageError": set(), "SetupError": set()}
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in found and node.args:
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    found[ast.unparse(node.func)].add(code.value)
    return found


def test_every_error_of_the_machine_has_its_label():
    for folder in (ROOT / "worker", ROOT / "jobs"):
        codes = raised(folder)
        assert codes["EngineError"] | codes["StorageError"] <= metrics.MACHINE_FAULTS
        assert not codes["InputError"] & metrics.MACHINE_FAULTS


def test_every_fault_of_a_recording_that_its_work_can_find_has_its_label():
    found = set()
    for folder in (ROOT / "worker", ROOT / "jobs"):
        found |= raised(folder)["InputError"]
    assert found >= metrics.RECORDING_FAULTS
    media = {"no-audio-track", "not-media", "not-allowed-format", "undecodable", "too-long", "too-short", "empty-file"}
    assert media <= metrics.RECORDING_FAULTS


def test_no_label_takes_a_value_that_isnt_known():
    """Whatever anybody tells, the series stay the same."""
    before = set(read()) | set(read("intake"))
    metrics.stage(Measure("media", 0, 0, 0, 0))
    metrics.stage(Measure(SECRET, 1, 1, 1, 1))
    grown = set(read()) | set(read("intake"))
    for text in (SECRET, "r-0123456789abcdef0123", "talks/geheim.mp3", ""):
        metrics.stage(Measure(text, 1, 1, 1, 1))
        metrics.failed(text)
        metrics.retried(text)
        metrics.engine_started(text)
        metrics.sweep_failed(text)
    names = set(read()) | set(read("intake"))
    assert {key for key in names - grown if dict(key[1]).get("reason") != "other"} == set()
    assert before <= names
    assert SECRET not in str(names)


def test_engine_starts_are_counted_by_reason():
    with Change() as change:
        metrics.engine_started("first")
        metrics.engine_started("killed")
        metrics.engine_started("killed")
    assert change.of("nachlese_engine_starts_total", reason="first") == 1
    assert change.of("nachlese_engine_starts_total", reason="killed") == 2


class Clock:
    now_s = 50.0

    def __call__(self):
        return self.now_s


def test_a_heartbeat_ages_until_the_next():
    clock = Clock()
    since = metrics._Since("x_seconds", "x", clock=clock)

    def age():
        return next(since.collect()).samples[0].value

    clock.now_s += 20
    assert age() == 20
    since.now()
    assert age() == 0
    clock.now_s += 3
    assert age() == 3


def test_time_is_spent_busy_or_idle_and_costs_the_same():
    clock = Clock()
    shift = metrics._Shift(clock=clock)
    shift.price_per_hour = 3.6

    def spent():
        time_family, cost = shift.collect()
        states = {s.labels["state"]: s.value for s in time_family.samples}
        return states["busy"], states["idle"], cost.samples[0].value

    clock.now_s += 100
    assert spent() == (0, 100, pytest.approx(0.1))
    shift.busy(True)
    clock.now_s += 500
    assert spent() == (500, 100, pytest.approx(0.6))
    shift.busy(True)
    clock.now_s += 300
    shift.busy(False)
    clock.now_s += 100
    assert spent() == (800, 200, pytest.approx(1.0))


def test_a_sweep_shows_what_it_saw():
    with Change("intake") as change:
        metrics.swept(asdict(Sweep(done=7, failed=2, settling=1, refused=3, standing=4, queued=5)))
        metrics.sweep_failed("unreachable")
    assert change.of("nachlese_sweeps_total") == 1
    assert change.of("nachlese_sweep_failures_total", code="unreachable") == 1
    states = {s: value(change.after, "nachlese_bucket_recordings", state=s) for s in ("done", "failed", "settling")}
    assert states == {"done": 7, "failed": 2, "settling": 1}


def test_a_store_without_conditions_is_seen_by_both_roles():
    metrics.conditional_writes(obeyed=False)
    assert value(read(), "nachlese_store_unconditional") == 1
    assert value(read("intake"), "nachlese_store_unconditional") == 1
    metrics.conditional_writes(obeyed=True)
    assert value(read(), "nachlese_store_unconditional") == 0


def test_queues_are_asked_at_every_scrape():
    numbers = read("intake", QueueNumbers(busy_queue(), busy_queue("recap")))
    for queue in ("speech", "recap"):
        assert value(numbers, "nachlese_audio_seconds", queue=queue, state="waiting") == 5400
        assert value(numbers, "nachlese_audio_seconds", queue=queue, state="running") == 1800
        assert value(numbers, "nachlese_queue_jobs", queue=queue, state="waiting") == 3
        assert value(numbers, "nachlese_queue_jobs", queue=queue, state="running") == 2
        assert value(numbers, "nachlese_queue_jobs", queue=queue, state="paused") == 1
        assert value(numbers, "nachlese_workers", queue=queue) == 4
        assert value(numbers, "nachlese_oldest_waiting_seconds", queue=queue) == pytest.approx(600, abs=60)
    assert value(numbers, "nachlese_broker_up") == 1


def test_an_empty_queue_has_nobody_who_waits():
    numbers = read("intake", QueueNumbers(FakeQueue(load=Load(0, 0.0, 0, 0.0, None, 0))))
    assert numbers["nachlese_oldest_waiting_seconds", frozenset({("queue", "speech")})] == 0


@pytest.mark.parametrize("error", [BrokerAwayError("redis://:secret@h"), OverflowError("year 99999"), ValueError("x")])
def test_while_the_broker_is_away_nobody_knows_what_waits(error):
    numbers = read("intake", QueueNumbers(FakeQueue(error=error)))
    assert numbers["nachlese_broker_up", frozenset()] == 0
    assert not [name for name, _ in numbers if name.startswith(("nachlese_audio", "nachlese_queue", "nachlese_old"))]


def test_a_broker_that_hangs_holds_no_scrape_up():
    release = threading.Event()
    queue = busy_queue()
    queue.load = lambda: release.wait(60)
    try:
        numbers = read("intake", QueueNumbers(queue, patience_s=0.05))
    finally:
        release.set()
    assert numbers["nachlese_broker_up", frozenset()] == 0
    assert "nachlese_ready" in {name for name, _ in numbers}


def test_the_room_for_unpacked_recordings_is_shown(tmp_path):
    settings = load().but(media={"scratch": str(tmp_path)})
    numbers = read("worker", ScratchNumbers(settings))
    assert 0 < value(numbers, "nachlese_scratch_free_bytes") <= value(numbers, "nachlese_scratch_size_bytes")
    gone = load().but(media={"scratch": str(tmp_path / "gone")})
    assert "nachlese_scratch_free_bytes" not in {name for name, _ in read("worker", ScratchNumbers(gone))}


def test_names_follow_the_conventions():
    """Base units in the name, `_total` for what only grows, a help text for each; nothing but ours."""
    page = metrics.generate_latest(
        ProcessNumbers("worker", Health(), QueueNumbers(busy_queue()), ScratchNumbers(load()))
    ).decode()
    page += metrics.generate_latest(ProcessNumbers("intake", Health())).decode()
    for family in text_string_to_metric_families(page):
        assert re.fullmatch(r"nachlese_[a-z_]+", family.name)
        assert family.documentation
        assert not re.search(r"_(ms|milliseconds|minutes|hours|mb|megabytes|percent)$", family.name)
        for sample in family.samples:
            assert (family.type == "counter") == sample.name.endswith("_total")
            assert not set(sample.labels) & {"recording_id", "key", "title", "name", "instance", "job"}


def page(path, health, method="GET"):
    """Status and body of one of the three pages."""
    answers = []
    environ = {"PATH_INFO": path, "REQUEST_METHOD": method}
    setup_testing_defaults(environ)
    application = metrics.application(ProcessNumbers("worker", health), health)
    body = application(environ, lambda status, _headers: answers.append(int(status[:3])))
    return answers[0], b"".join(body)


def test_health_and_readiness_are_told_with_their_reasons():
    clock = Clock()
    health = Health({"store": lambda: None}, clock=clock)
    assert page("/healthz", health) == (200, b'{"alive": true, "reasons": []}')
    assert page("/readyz", health) == (503, b'{"ready": false, "reasons": ["starting"]}')
    health.ready("engine-cold")
    assert page("/readyz", health) == (503, b'{"ready": false, "reasons": ["engine-cold"]}')
    health.ready(None)
    assert page("/readyz", health) == (200, b'{"ready": true, "reasons": []}')
    clock.now_s += 31
    assert page("/healthz", health) == (503, b'{"alive": false, "reasons": ["loop-silent"]}')
    assert page("/readyz", health) == (503, b'{"ready": false, "reasons": ["loop-silent"]}')


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/", "GET", 404), ("/metrics/../../etc/passwd", "GET", 404), ("/favicon.ico", "GET", 404),
        ("/metrics", "POST", 405), ("/metrics", "DELETE", 405), ("/metrics", "HEAD", 200), ("/readyz", "HEAD", 503),
    ],
)  # fmt: skip
def test_nothing_else_is_served(path, method, status):
    told, body = page(path, Health(), method)
    assert told == status
    assert (method == "HEAD") == (body == b"")


def test_by_default_nobody_listens():
    assert metrics.serve(load().metrics, "worker", Health()) is None


def test_what_is_served_is_what_prometheus_reads():
    server = Listener("127.0.0.1", 0, metrics.application(ProcessNumbers("intake", Health()), Health()))
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=30) as answer:
            kind, body = answer.headers["Content-Type"], answer.read().decode()
    finally:
        server.close()
    assert kind.startswith("text/plain; version=0.0.4")
    assert {"nachlese_ready", "nachlese_sweeps"} <= {family.name for family in text_string_to_metric_families(body)}


def test_a_port_that_is_taken_is_a_fault_of_the_settings():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = load().metrics.model_copy(update={"port": taken.getsockname()[1]})
        with pytest.raises(SetupError, match=r"metrics\.port") as caught:
            metrics.serve(settings, "worker", Health())
    assert caught.value.code == "port-taken"


DEPLOY = ROOT / "config" / "deploy"
#: What Prometheus itself adds to a scrape.
ITS_OWN = {"up", "instance", "job", "le"}


def dashboard():
    return json.loads((DEPLOY / "grafana" / "nachlese.json").read_text())


def panels():
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def rules(kind):
    """The rules of alerts.yml by name, "record" or "alert"."""
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    return {rule[kind]: rule for group in groups for rule in group["rules"] if kind in rule}


def known_names():
    """Names of all series, of those that the rules record, and of their labels."""
    numbers = {
        **read("worker", QueueNumbers(busy_queue()), ScratchNumbers(load())),
        **read("intake", QueueNumbers(busy_queue())),
    }
    names = {name for name, _ in numbers} | set(rules("record")) | ITS_OWN
    return names, {label for _, labels in numbers for label, _ in labels} | ITS_OWN


def asked_of(expr):
    """Names of series and of labels that a PromQL expression asks for."""
    bare = re.sub(r'"[^"]*"', '""', expr)
    grouped = re.findall(r"\b(?:by|on|without|group_left|group_right)\s*\(([^)]*)\)", bare)
    matched = re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", "".join(re.findall(r"\{[^}]*\}", bare)))
    series = re.findall(r"\b(?:nachlese|up)(?:[a-z0-9_:]*[a-z0-9])?\b", re.sub(r"\{[^}]*\}", "", bare))
    return set(series), {label.strip() for group in grouped for label in group.split(",") if label.strip()} | set(
        matched
    )


EXPRESSIONS = [
    *((panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]),
    *((name, rule["expr"]) for kind in ("record", "alert") for name, rule in rules(kind).items()),
]


def test_expressions_are_read_as_they_are_written():
    asked = asked_of(
        'sum by (code, fault) (increase(nachlese_a_total{fault="x", code=~"y|z"}[1h])) / nachlese:b:1h > 0'
    )
    assert asked == ({"nachlese_a_total", "nachlese:b:1h"}, {"code", "fault"})


@pytest.mark.parametrize(("place", "expr"), EXPRESSIONS, ids=[place for place, _ in EXPRESSIONS])
def test_dashboard_and_alerts_ask_for_numbers_that_exist(place, expr):
    metrics.swept(asdict(Sweep()))
    for name in metrics.STAGES:
        metrics.stage(Measure(name, 0.0, 0.0, 0.0, 0.0))
    series, labels = asked_of(expr)
    names, label_names = known_names()
    assert series, place
    assert series <= names
    assert labels <= label_names


def test_every_value_of_a_label_that_an_expression_asks_for_can_occur():
    wanted = {pair for _, expr in EXPRESSIONS for pair in re.findall(r'([a-z]+)=~?"([^"]*)"', expr)}
    assert wanted == {
        ("fault", "machine"), ("state", "waiting"), ("job", "nachlese"), ("reason", "killed|crashed|timeout"),
    }  # fmt: skip
    assert {"killed", "crashed", "timeout"} <= set(get_args(metrics.Reason))


def test_every_panel_has_a_number_of_its_own_a_text_and_a_place_of_its_own():
    found = dashboard()
    ids = [panel["id"] for panel in found["panels"]]
    assert len(ids) == len(set(ids))
    titles = [panel["title"] for panel in found["panels"]]
    assert len(titles) == len(set(titles))
    rows = [panel["title"] for panel in found["panels"] if panel["type"] == "row"]
    assert rows == ["Queue", "Throughput", "Failures", "Engines and GPU", "Cost"]
    taken = set()
    for panel in found["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}  # fmt: skip
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_panel_asks_the_source_that_is_chosen_and_says_what_it_shows():
    (variable,) = dashboard()["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    for panel in panels():
        assert panel["description"]
        assert panel["type"] in {"timeseries", "stat", "heatmap"}
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        for asked in (panel, *panel["targets"]):
            assert asked["datasource"] == {"type": "prometheus", "uid": f"${{{variable['name']}}}"}


def test_every_alert_says_what_is_wrong_and_what_to_do_and_is_seen_to_fire():
    tests = yaml.safe_load((DEPLOY / "prometheus" / "alerts.test.yml").read_text())["tests"]
    fired = {case["alertname"] for test in tests for case in test.get("alert_rule_test", ()) if case.get("exp_alerts")}
    assert fired == set(rules("alert"))
    for rule in rules("alert").values():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "remedy"}


def test_prometheus_and_grafana_find_what_they_are_to_read():
    prometheus = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    assert prometheus["rule_files"] == ["alerts.yml"]
    assert [scraped["job_name"] for scraped in prometheus["scrape_configs"]] == ["nachlese"]
    provisioning = DEPLOY / "grafana" / "provisioning"
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "nachlese.yml").read_text())["providers"]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert source["type"] == "prometheus"
