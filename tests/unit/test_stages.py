"""Results of stages: whoever is first has made it for all."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from jobs.errors import EngineError, StorageError
from jobs.recording import Recording
from jobs.timeline import Span
from worker.bucket.place import Place
from worker.bucket.stages import Stages, quiet
from worker.bucket.storage import FolderStorage
from worker.control import Control, HandedBack

NAME = "stages/r-1/words-0123456789abcdef.json"
OURS, THEIRS = Span(1.0, 2.0), Span(3.0, 4.0)


@dataclass
class Watched:
    """A control that notes what it is told."""

    measures: list = field(default_factory=list)
    leaving: bool = False

    @property
    def control(self):
        return Control(draining=lambda: self.leaving, observe=self.measures.append)


@pytest.fixture
def watched():
    return Watched()


@pytest.fixture
def place(tmp_path):
    recording = Recording("r-1", "s3://stage/talk.mp3", "etag", 1, datetime(2026, 11, 3, tzinfo=UTC))
    return Place(recording, FolderStorage(tmp_path), "talk.mp3.nachlese/", "talk.mp3")


@pytest.fixture
def stages(place, watched):
    return Stages(place, watched.control, quiet)


def test_what_is_kept_is_found(stages):
    assert stages.find(NAME, Span) is None
    assert stages.keep(NAME, OURS) == OURS
    assert stages.find(NAME, Span) == OURS


def test_what_is_kept_is_given_back_as_whoever_finds_it_reads_it(stages):
    kept = stages.keep(NAME, Span(1.00049, 2.0))
    assert kept == stages.find(NAME, Span) == Span(1.0, 2.0)


def test_the_first_result_is_everybodys(stages):
    stages.keep(NAME, THEIRS)
    assert stages.keep(NAME, OURS) == THEIRS
    assert stages.find(NAME, Span) == THEIRS


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b'{"start": 2, "end": 1}'])
def test_what_cannot_be_read_is_replaced(stages, place, content):
    place.write(NAME, content)
    with capture_logs() as logs:
        assert stages.find(NAME, Span) is None
    assert [(log["event"], log["stage"]) for log in logs] == [("stage.unreadable", "words")]
    assert stages.keep(NAME, OURS) == OURS
    assert stages.find(NAME, Span) == OURS


def test_what_somebody_else_repairs_first_is_taken_over(stages, place):
    """Between our look at a broken result and our writing, another worker replaces it."""

    class Slow(FolderStorage):
        def write(self, key, data, media_type, *, if_absent=False, if_match=None):
            if if_match is not None:
                FolderStorage.write(self, key, b'{"start": 3, "end": 4}', media_type)
            return super().write(key, data, media_type, if_absent=if_absent, if_match=if_match)

    place.write(NAME, b"{")
    slow = Place(place.recording, Slow(place.storage.root), place.folder, place.name)
    assert Stages(slow, stages.control, quiet).keep(NAME, OURS) == THEIRS


def test_what_is_broken_again_and_again_is_an_error(stages, place):
    class Broken(FolderStorage):
        def write(self, key, data, media_type, **conditions):
            FolderStorage.write(self, key, b"{" * (1 + len(self.read(key))), media_type)
            return super().write(key, data, media_type, **conditions)

    place.write(NAME, b"{")
    broken = Place(place.recording, Broken(place.storage.root), place.folder, place.name)
    with pytest.raises(StorageError, match="object-changed"):
        Stages(broken, stages.control, quiet).keep(NAME, OURS)


def test_a_stage_tells_what_it_cost(stages, watched):
    assert stages.made(NAME, lambda: OURS, audio_s=lambda made: made.end, gpu=True) == OURS
    (measure,) = watched.measures
    assert (measure.stage, measure.audio_s) == ("words", 2.0)
    assert measure.gpu_s == measure.wall_s >= 0
    stages.made(NAME, lambda: OURS, audio_s=lambda _: 1.0)
    assert watched.measures[1].gpu_s == 0


def test_a_stretch_counts_as_words(stages, watched):
    stages.made("stages/r-1/stretch-0123456789abcdef-004.json", lambda: OURS, audio_s=lambda _: 1.0)
    assert watched.measures[0].stage == "words"


def test_a_worker_that_leaves_stores_what_it_has_made(stages, watched):
    watched.leaving = True
    with pytest.raises(HandedBack):
        stages.made(NAME, lambda: OURS, audio_s=lambda _: 1.0)
    assert stages.find(NAME, Span) == OURS
    assert len(watched.measures) == 1


def test_a_stage_that_fails_is_neither_kept_nor_counted(stages, watched):
    def fail():
        raise EngineError("out-of-memory")

    with pytest.raises(EngineError):
        stages.made(NAME, fail, audio_s=lambda _: 1.0)
    assert stages.find(NAME, Span) is None
    assert watched.measures == []
