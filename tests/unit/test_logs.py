import ast
import json
import logging
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from config.settings import LogSettings
from worker import logs

ROOT = Path(__file__).parents[2]
SECRET = "Geheimer Gast: Jürgen Müller"
HOSTILE = (SECRET, "talks/geheim.mp3", "s3://stage/geheim.mp3", "\x1b[31mrot", "a b", "", "x" * 65, "r-1; rm -rf")


@pytest.fixture
def told(capsys):
    """Set logging up, log, and read what came out; afterwards everything is as it was."""
    root = logging.getLogger()
    level, handlers, hooks = root.level, root.handlers, (threading.excepthook, sys.excepthook)

    def tell(speak, *, quiet=False, log_format="json", log_level="info"):
        logs.configure(LogSettings(level=log_level, format=log_format), quiet=quiet)
        speak(structlog.get_logger())
        captured = capsys.readouterr()
        assert captured.out == ""
        return captured.err.splitlines()

    with warnings.catch_warnings():
        yield tell
    root.setLevel(level)
    root.handlers = handlers
    threading.excepthook, sys.excepthook = hooks


def speak(log):
    log.debug("bucket.swept", queued=0)
    log.info("recording.finished", recording_id="r-1", audio_s=87.5)
    log.error("worker.not_ready", code="no-cuda")


def test_an_event_is_one_line_of_json_with_its_fields_a_time_in_utc_and_who_speaks(told):
    first, second = map(json.loads, told(speak))
    assert first.pop("timestamp").endswith("Z")
    assert first.pop("process").rpartition(":")[2].isdigit()
    assert first.pop("version")
    assert first == {"event": "recording.finished", "level": "info", "recording_id": "r-1", "audio_s": 87.5}
    assert second["level"] == "error"


@pytest.mark.parametrize(
    ("how", "events"),
    [
        ({"log_level": "debug"}, 3),
        ({"log_level": "info"}, 2),
        ({"log_level": "error"}, 1),
        ({"log_level": "debug", "quiet": True}, 1),
    ],
)
def test_the_level_decides_and_quiet_keeps_all_but_errors_back(told, how, events):
    assert len(told(speak, **how)) == events


def test_lines_for_people_hold_the_same(told):
    first, _ = told(speak, log_format="console")
    assert "recording.finished" in first
    assert "r-1" in first
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(first)


def test_away_from_a_terminal_auto_is_json(told):
    assert json.loads(told(speak, log_format="auto")[0])["event"] == "recording.finished"


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("text", HOSTILE)
def test_text_passes_in_no_field_that_isnt_meant_for_it(told, text, log_format):
    def gossip(log):
        log.info("recording.finished", title=text, key=text, code=text, recording_id=text, audio_s=1.5)

    (line,) = told(gossip, log_format=log_format)
    assert "dropped" in line
    assert "audio_s" in line
    if text:
        assert text not in line


@pytest.mark.parametrize("value", [{"title": SECRET}, [SECRET], SECRET.encode(), Path(SECRET), ValueError(SECRET)])
def test_nothing_but_numbers_and_known_text_passes(told, value):
    (line,) = told(lambda log: log.warning("recording.failed", code=value, tries=value))
    event = json.loads(line)
    assert event["dropped"] == ["code", "tries"]
    assert "Geheim" not in line


def test_a_sentence_in_place_of_an_events_name_is_dropped(told):
    (line,) = told(lambda log: log.info("could not read %s", SECRET))
    assert json.loads(line)["event"] == "log.unnamed"
    assert "Geheim" not in line


def test_an_exception_is_told_by_its_type_and_place_only(told):
    def crash(log):
        try:
            int(SECRET)
        except ValueError:
            log.exception("worker.crashed", recording_id="r-1")

    (line,) = told(crash)
    event = json.loads(line)
    assert event["error"] == "ValueError"
    assert "test_logs.py" in event["where"]
    assert "Geheim" not in line


def test_of_a_library_only_name_and_place_are_told(told):
    def gossip(_log):
        library = logging.getLogger("botocore.endpoint")
        library.debug("GET %s", "talks/geheim.mp3")
        library.info("GET %s", "talks/geheim.mp3")
        library.warning("no such key %s", "talks/geheim.mp3")
        logging.getLogger("rq.worker").error("Geheim: %r", {"title": SECRET}, exc_info=ValueError(SECRET))
        logging.getLogger(SECRET).warning("")

    lines = told(gossip)
    assert "eheim" not in "".join(lines)
    first, second, third = map(json.loads, lines)
    assert (first["event"], first["library"], first["level"]) == ("library.complained", "botocore", "warning")
    assert first["where"].startswith("test_logs:")
    assert (second["library"], second["level"], second["error"]) == ("rq", "error", "ValueError")
    assert third["dropped"] == ["library"]


def test_pythons_warnings_are_told_to_programmers_only_and_without_their_text(told):
    def warn(_log):
        warnings.warn("could not read geheim.mp3", stacklevel=1)

    assert told(warn) == []
    event = json.loads(told(warn, log_level="debug")[-1])
    assert (event["event"], event["error"]) == ("python.warned", "UserWarning")
    assert "geheim" not in json.dumps(event)


def test_a_thread_that_crashes_is_told_without_its_text(told):
    def crash(_log):
        threading.excepthook = threading.__excepthook__
        logs.configure(LogSettings(level="info", format="json"))

        def work():
            raise RuntimeError(SECRET)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    (line,) = told(crash)
    event = json.loads(line)
    assert (event["event"], event["error"]) == ("thread.crashed", "RuntimeError")
    assert "Geheim" not in line


def test_a_process_that_crashes_is_told_without_its_text():
    code = f"""
from config.settings import LogSettings
from worker import logs
logs.configure(LogSettings(level="info", format="json"))
raise RuntimeError({SECRET!r})
"""
    crashed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    event = json.loads(crashed.stderr)
    assert crashed.returncode == 1
    assert (event["event"], event["error"]) == ("process.crashed", "RuntimeError")
    assert "Geheim" not in crashed.stderr


def test_a_second_setting_up_tells_everything_once(told):
    told(speak)
    assert len(told(lambda _log: logging.getLogger("rq").warning("x"))) == 1


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.text(max_size=20) | st.sampled_from(sorted(logs.TEXT)), ANYTHING, max_size=5))
def test_whatever_is_logged_comes_out_as_numbers_and_known_text(fields):
    kept = logs.guarded(None, "info", dict(fields))
    dropped = set(kept.pop("dropped", ()))
    assert logs.guarded(None, "info", dict(kept)) == kept
    assert set(kept) | dropped == set(fields) | {"event"}
    for name, value in kept.items():
        assert name in {*logs.TEXT, "event"} or not isinstance(value, str)
    json.dumps(kept, allow_nan=False)


def log_calls():
    """Every call of a logger in our source, with where it stands."""
    for path in sorted([*ROOT.glob("worker/**/*.py"), *ROOT.glob("jobs/**/*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and ast.unparse(node.func.value) == "log"
                and node.func.attr in {"debug", "info", "warning", "error", "exception"}
            ):
                yield f"{path.name}:{node.lineno}", node


@pytest.mark.parametrize(("place", "call"), [*log_calls()], ids=lambda value: value if isinstance(value, str) else "")
def test_our_own_calls_name_an_event_and_no_field_for_what_must_stay_secret(place, call):
    (event,) = call.args
    if isinstance(event, ast.Constant):
        assert logs.guarded(None, "info", {"event": event.value}) == {"event": event.value}, place
    secret = {"title", "name", "key", "uri", "url", "path", "file", "filename", "text", "speaker", "prompt", "etag"}
    assert not {keyword.arg for keyword in call.keywords} & secret, place
    for keyword in call.keywords:
        if isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str):
            assert keyword.arg in logs.TEXT, place
