import pytest
from structlog.testing import capture_logs

from jobs.errors import EngineError, SetupError
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.transcript import Transcript
from worker.engines import Engines
from worker.engines.fake import FakeDiarizer, FakeRecognizer


class Writer:
    """It may be warmed up, and never writes."""

    warm = False

    def load(self) -> None:
        self.warm = True

    def write(self, transcript: Transcript, talk: Talk) -> Recap:
        raise NotImplementedError


class Unfit(FakeRecognizer):
    """A recognizer that can't be loaded."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def load(self) -> None:
        raise self.error


def test_what_does_not_fit_yet_keeps_nothing_else_cold() -> None:
    writer = Writer()
    crew = Engines(Unfit(EngineError("out-of-memory")), FakeDiarizer(), writer)
    with capture_logs() as logs:
        crew.load()
    assert writer.warm
    assert logs == [{"event": "engine.not_warm", "log_level": "warning", "engine": "Unfit", "code": "out-of-memory"}]


def test_a_machine_that_is_not_ready_says_so() -> None:
    with pytest.raises(SetupError):
        Engines(Unfit(SetupError("no-cuda")), FakeDiarizer(), Writer()).load()


def test_engines_without_a_device_work_side_by_side_and_may_be_released() -> None:
    crew = Engines(FakeRecognizer(), FakeDiarizer(), Writer())
    assert crew.side_by_side()
    crew.release()
