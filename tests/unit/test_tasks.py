"""What a task does with a ticket, for every way its work can end."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rq.timeouts import JobTimeoutException

from config.settings import Settings, load
from jobs.artifacts import FAILURE, Failure, Manifest, folder_of
from jobs.errors import EngineError, InputError, SetupError, StorageError
from jobs.programme import Talk
from worker.dispatch import PAUSES_S
from worker.place import Place
from worker.sidecar import MAX_BYTES, parse, read_stored, sidecar_keys
from worker.storage import FolderStorage
from worker.tasks import Bench, work
from worker.tickets import Mark, Ticket, counted, read_mark, read_ticket, recording_at, write_ticket

NOW = datetime(2026, 11, 3, tzinfo=UTC)


@dataclass(frozen=True)
class Outcome:
    manifest: Manifest | None = None
    failure: Failure | None = None


@dataclass
class Job:
    """A recording with its ticket, and a craft that does as it is told."""

    storage: FolderStorage
    settings: Settings
    ends: Callable[[], Outcome]
    seen: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.storage.write("a/Geheimer Titel.wav", b"sound", "audio/wav")
        stored = self.storage.head("a/Geheimer Titel.wav")
        assert stored is not None
        self.recording = recording_at(self.storage, stored)
        write_ticket(self.storage, Ticket(self.recording, stored.key))

    def process(self, place: Place, source: Path, talk: Talk, **_: Any) -> Outcome:
        assert place.recording == self.recording
        assert "Geheimer" not in str(source)
        assert isinstance(talk, Talk)
        self.seen.append(source.read_bytes())
        return self.ends()

    def run(self) -> int | None:
        return work(self.recording.id, Bench(self.storage, self.settings, self.process, lambda *_: None))

    @property
    def told(self) -> list[str]:
        """Codes of what the producer was told."""
        path = folder_of("a/Geheimer Titel.wav") + FAILURE
        return [json.loads(self.storage.read(path))["code"]] if self.storage.head(path) else []

    @property
    def tries(self) -> int | None:
        ticket = read_ticket(self.storage, self.recording.id)
        return None if ticket is None else ticket.tries

    @property
    def mark(self) -> Mark | None:
        return read_mark(self.storage, "a/Geheimer Titel.wav", self.recording.id)


def raising(error: BaseException) -> Callable[[], Outcome]:
    def end() -> Outcome:
        raise error

    return end


@pytest.fixture
def job(tmp_path: Path) -> Callable[[Callable[[], Outcome]], Job]:
    (tmp_path / "bucket").mkdir()
    (tmp_path / "scratch").mkdir()
    settings = load().but(media={"scratch": str(tmp_path / "scratch")})
    return lambda ends: Job(FolderStorage(tmp_path / "bucket"), settings, ends)


MANIFEST = Outcome(manifest=object())  # type: ignore[arg-type]  # never looked into
FAILED = Outcome(failure=object())  # type: ignore[arg-type]  # never looked into
BOTH = Outcome(MANIFEST.manifest, FAILED.failure)


@pytest.mark.parametrize(("outcome", "mark"), [(MANIFEST, Mark.DONE), (FAILED, Mark.FAILED), (BOTH, Mark.DONE)])
def test_an_answer_leaves_its_marker_and_nothing_else(job: Any, outcome: Outcome, mark: Mark, tmp_path: Path) -> None:
    one = job(lambda: outcome)
    assert one.run() is None
    assert one.seen == [b"sound"]
    assert (one.mark, one.tries, one.told) == (mark, None, [])
    assert not list((tmp_path / "scratch").iterdir())
    assert one.run() is None
    assert len(one.seen) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EngineError("oom"), "oom"),
        (StorageError("unreachable"), "unreachable"),
        (RuntimeError("Geheimer Titel"), "unknown"),
        (JobTimeoutException("late"), "took-too-long"),
    ],
)
def test_what_may_pass_is_tried_as_often_as_is_allowed(job: Any, error: Exception, code: str) -> None:
    one = job(raising(error))
    pauses = [one.run() for _ in range(one.settings.worker.max_tries)]
    assert pauses == [*PAUSES_S[: one.settings.worker.max_tries - 1], None]
    assert (one.mark, one.tries, one.told) == (Mark.FAILED, None, [code])


def test_the_recordings_fault_is_told_at_once(job: Any) -> None:
    one = job(raising(InputError("no-audio-track")))
    assert one.run() is None
    assert (one.mark, one.tries, one.told) == (Mark.FAILED, None, ["no-audio-track"])


@pytest.mark.parametrize("error", [SetupError("ffmpeg-missing"), KeyboardInterrupt()])
def test_the_machines_fault_costs_no_try(job: Any, error: BaseException) -> None:
    one = job(raising(error))
    for _ in range(5):
        assert one.run() is not None
        assert (one.mark, one.tries, one.told) == (None, 0, [])


def test_tries_without_a_word_are_counted(job: Any) -> None:
    """A process that is killed writes nothing: only its ticket says that it began."""
    one = job(lambda: MANIFEST)
    ticket = read_ticket(one.storage, one.recording.id)
    assert ticket is not None
    write_ticket(one.storage, counted(ticket, one.settings.worker.max_tries))
    assert one.run() is None
    assert (one.mark, one.told, one.seen) == (Mark.FAILED, ["gave-up"], [])


def test_a_failure_that_cannot_be_written_is_written_later(job: Any) -> None:
    one = job(raising(InputError("no-audio-track")))

    faults = [StorageError("unreachable")]

    class Failing(FolderStorage):
        def write(self, key: str, data: bytes, media_type: str, *, if_absent: bool = False) -> bool:
            if key.endswith(FAILURE) and faults:
                raise faults.pop()
            return super().write(key, data, media_type, if_absent=if_absent)

    one.storage = Failing(one.storage.root)
    assert one.run() is not None
    assert one.mark is None
    assert one.run() is None
    assert (one.mark, one.told) == (Mark.FAILED, ["no-audio-track"])


def test_what_is_replaced_while_it_is_fetched_is_left_alone(job: Any) -> None:
    one = job(lambda: MANIFEST)

    class Replacing(FolderStorage):
        def download(self, key: str, path: Path) -> None:
            super().download(key, path)
            self.write(key, b"something else", "audio/wav")

    one.storage = Replacing(one.storage.root)
    assert one.run() is None
    assert (one.seen, one.mark, one.tries) == ([], None, None)


def test_a_sidecar_is_found_under_each_of_its_names(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    assert read_stored("a/b.wav", storage) == Talk()
    for key in reversed(sidecar_keys("a/b.wav")):
        storage.write(key, f"titel: {key}".encode(), "text/plain")
        assert read_stored("a/b.wav", storage).title == key


@pytest.mark.parametrize("data", [b"titel: [", b"\xff\xfe\x00", b"!!python/object/apply:os.system ['true']", b"- x"])
def test_a_bad_sidecar_says_what_to_correct(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        parse(data)
    assert caught.value.code == "bad-sidecar"
    assert caught.value.fields["what"]
    assert caught.value.__cause__ is None


def test_a_sidecar_has_a_limit(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    storage.write("a.yaml", b"#" * (MAX_BYTES + 1), "text/plain")
    with pytest.raises(InputError):
        read_stored("a.wav", storage)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
def test_whatever_a_sidecar_holds_is_talk_or_the_producers_fault(data: bytes) -> None:
    try:
        talk = parse(data)
    except InputError:
        return
    assert isinstance(talk, Talk)
