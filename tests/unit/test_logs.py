import json
import logging
import warnings

import pytest
import structlog

from config.settings import LogSettings
from worker import logs


@pytest.fixture
def told(capsys):
    """Set logging up, log, and read what came out; afterwards everything is as it was."""
    root = logging.getLogger()
    level = root.level

    def tell(speak, *, quiet=False, log_format="json", log_level="info"):
        logs.configure(LogSettings(level=log_level, format=log_format), quiet=quiet)
        speak(structlog.get_logger())
        captured = capsys.readouterr()
        assert captured.out == ""
        return captured.err.splitlines()

    with warnings.catch_warnings():
        yield tell
    structlog.reset_defaults()
    root.setLevel(level)


def speak(log):
    log.debug("bucket.swept", queued=0)
    log.info("recording.finished", recording_id="r-1", audio_s=87.5)
    log.error("worker.not_ready", code="no-cuda")


def test_an_event_is_one_line_of_json_with_its_fields_and_a_time_in_utc(told):
    first, second = map(json.loads, told(speak))
    assert first.pop("timestamp").endswith("Z")
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


def test_libraries_keep_silent(told):
    def gossip(_log):
        logging.getLogger("botocore").error("no such key talks/geheim.mp3")
        warnings.warn("could not read geheim.mp3", stacklevel=1)

    assert told(gossip) == []
    assert not logging.getLogger("botocore").isEnabledFor(logging.ERROR)
