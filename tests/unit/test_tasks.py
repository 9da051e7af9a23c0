"""What a task does with a ticket, for every way its work can end."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError

from config.settings import Settings, load
from jobs.artifacts import FAILURE, Failure, Manifest, folder_of, stage_key, stages_folder
from jobs.errors import EngineError, InputError, SetupError, StorageError
from jobs.programme import Talk
from worker.bucket.place import Place
from worker.bucket.sidecar import MAX_BYTES, parse, read_stored, sidecar_keys
from worker.bucket.storage import FolderStorage
from worker.bucket.tickets import Mark, Ticket, counted, read_mark, read_ticket, recording_at, write_mark, write_ticket
from worker.control import Control, HandedBack
from worker.queue.dispatch import PAUSES_S, Errand, Kind
from worker.sound.source import Source
from worker.tasks import Bench, Craft, End, Ending, give_back, took_too_long, work

NOW = datetime(2026, 11, 3, tzinfo=UTC)


@dataclass(frozen=True)
class Outcome:
    manifest: Manifest | None = None
    failure: Failure | None = None
    transcript: None = None
    heard: bool = False
    provisional: bool = False


@dataclass
class Job:
    """A recording with its ticket, and a craft that does as it is told."""

    storage: FolderStorage
    settings: Settings
    ends: Callable[[], Outcome]
    seen: list[bytes] = field(default_factory=list)
    #: Whether the last one was asked to leave the recap out.
    plain: bool = False

    def __post_init__(self) -> None:
        self.storage.write("a/Geheimer Titel.wav", b"sound", "audio/wav")
        stored = self.storage.head("a/Geheimer Titel.wav")
        assert stored is not None
        self.recording = recording_at(self.storage, stored)
        write_ticket(self.storage, Ticket(self.recording, stored.key))

    def process(self, place: Place, source: Source, talk: Talk, *, control: Control, **_: Any) -> Outcome:
        self.plain = control.plain
        assert place.recording == self.recording
        assert "Geheimer" not in str(source.path())
        assert isinstance(talk, Talk)
        self.seen.append(source.path().read_bytes())
        return self.ends()

    def draft(self, place: Place, talk: Talk, *, better: bool, **_: Any) -> Outcome:
        assert better is (self.mark is Mark.PROVISIONAL)
        assert (place.recording, place.key, talk) == (self.recording, "a/Geheimer Titel.wav", Talk())
        self.seen.append(b"draft")
        return self.ends()

    def hear(self, place: Place, index: int, **_: Any) -> None:
        assert place.recording == self.recording
        self.seen.append(b"%d" % index)
        self.ends()

    def run(self, kind: Kind = Kind.RECORDING) -> Ending:
        errand = Errand(self.recording.id, kind, 7 if kind is Kind.STRETCH else None)
        craft = Craft(self.process, self.hear, self.draft, lambda *_: None)  # type: ignore[arg-type, return-value]
        return work(errand, Bench(self.storage, self.settings, craft, lambda *_: None))

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
FAILED = Outcome(failure=Failure("r-1", "no-audio-track", "", "", False, False, "0", NOW))
BOTH = Outcome(MANIFEST.manifest, FAILED.failure)


@pytest.mark.parametrize(("outcome", "mark"), [(MANIFEST, Mark.DONE), (FAILED, Mark.FAILED), (BOTH, Mark.DONE)])
def test_an_answer_leaves_its_marker_and_nothing_else(job: Any, outcome: Outcome, mark: Mark, tmp_path: Path) -> None:
    one = job(lambda: outcome)
    code = outcome.failure.code if mark is Mark.FAILED and outcome.failure else ""
    assert one.run() == Ending(End(mark.value), code=code, at_once=mark is Mark.DONE)
    assert one.seen == [b"sound"]
    assert (one.mark, one.tries, one.told) == (mark, None, [])
    assert not list((tmp_path / "scratch").iterdir())
    assert one.run() == Ending(End.NOTHING)
    assert len(one.seen) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EngineError("oom"), "oom"),
        (StorageError("unreachable"), "unreachable"),
        (RuntimeError("Geheimer Titel"), "unknown"),
        (MemoryError(), "out-of-memory"),
    ],
)
def test_what_may_pass_is_tried_as_often_as_is_allowed(job: Any, error: Exception, code: str) -> None:
    one = job(raising(error))
    most = one.settings.worker.max_tries
    endings = [one.run() for _ in range(most)]
    assert endings == [
        *(Ending(End.LATER, pause, code) for pause in PAUSES_S[: most - 1]),
        Ending(End.FAILED, code=code),
    ]
    assert {ending.spoiled for ending in endings} == {code == "out-of-memory"}
    assert (one.mark, one.tries, one.told) == (Mark.FAILED, None, [code])


def test_the_recordings_fault_is_told_at_once(job: Any) -> None:
    one = job(raising(InputError("no-audio-track")))
    assert one.run() == Ending(End.FAILED, code="no-audio-track")
    assert (one.mark, one.tries, one.told) == (Mark.FAILED, None, ["no-audio-track"])


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (SetupError("ffmpeg-missing"), Ending(End.UNREADY, 0, "ffmpeg-missing")),
        (HandedBack(), Ending(End.HANDED_BACK, 0)),
    ],
)
@pytest.mark.parametrize("kind", Kind)
def test_the_machines_fault_costs_no_try(job: Any, error: BaseException, ending: Ending, kind: Kind) -> None:
    one = job(raising(error))
    if kind is Kind.DRAFT:
        write_mark(one.storage, "a/Geheimer Titel.wav", one.recording.id, Mark.HEARD)
    before = one.mark
    for _ in range(5):
        assert one.run(kind) == ending
        assert (one.mark, one.tries, one.told) == (before, 0, [])


def test_a_stretch_that_fails_is_left_to_the_recordings_own_job(job: Any) -> None:
    one = job(raising(EngineError("out-of-memory")))
    assert one.run(Kind.STRETCH) == Ending(End.NOTHING, code="out-of-memory")
    assert one.run(Kind.STRETCH).spoiled
    assert (one.mark, one.tries, one.told, one.seen) == (None, 0, [], [b"7", b"7"])


class Away:
    """A broker that is away."""

    def enqueue(self, *_: Any, **__: Any) -> bool:
        raise RedisConnectionError


def test_what_is_heard_is_drafted_by_whoever_comes_next_with_tries_of_its_own(
    job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when there is no broker to tell: intake looks for such recordings."""
    monkeypatch.setattr("worker.tasks.job_queue", lambda *_: Away())
    one = job(lambda: Outcome(heard=True))
    one.settings = one.settings.but(recap={"queue": "recap"})
    assert one.run(Kind.DRAFT) == Ending(End.NOTHING), "there are no words yet"
    assert one.run() == Ending(End.NOTHING)
    assert (one.mark, one.tries, one.seen) == (Mark.HEARD, 0, [b"sound"])
    assert one.run() == one.run(Kind.STRETCH) == Ending(End.NOTHING), "the words are there already"
    one.ends = lambda: MANIFEST
    assert one.run(Kind.DRAFT) == Ending(End.DONE, at_once=True)
    assert (one.mark, one.tries, one.seen) == (Mark.DONE, None, [b"sound", b"draft"])


@dataclass(frozen=True)
class Clock(FolderStorage):
    """A store whose clock is ahead."""

    hours: float = 0.0

    def clock(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=self.hours)


PROVISIONAL = replace(MANIFEST, provisional=True)


@pytest.mark.parametrize("kind", [Kind.RECORDING, Kind.DRAFT])
def test_a_provisional_recap_is_delivered_and_asked_for_again_ever_more_seldom(job: Any, kind: Kind) -> None:
    """By whichever errand is left: the broker may have forgotten the first."""
    one = job(lambda: PROVISIONAL)
    assert one.run() == Ending(End.DONE, 120, at_once=True)
    for hours, pause_s in ((0, 120), (0.5, 1800), (12, 3600), (47, 3600)):
        one.storage = Clock(one.storage.root, hours)
        ending = one.run(kind)
        assert (ending.end, ending.code, one.mark, one.tries) == (End.LATER, "llm-unavailable", Mark.PROVISIONAL, 0)
        assert ending.pause_s == pytest.approx(pause_s, abs=5)
    assert one.run(Kind.STRETCH) == Ending(End.NOTHING)
    one.ends = lambda: MANIFEST
    assert one.run(kind) == Ending(End.NOTHING), "it counted as done when it was delivered"
    assert (one.mark, one.tries, one.told) == (Mark.DONE, None, [])
    assert one.seen == [b"sound", *[b"draft"] * 5]


def test_a_provisional_recap_stays_when_the_model_stays_away(job: Any) -> None:
    one = job(lambda: PROVISIONAL)
    one.run()
    one.storage = Clock(one.storage.root, one.settings.recap.patience_hours + 1)
    assert one.run() == Ending(End.NOTHING)
    assert (one.mark, one.tries, one.told) == (Mark.DONE, None, [])


@pytest.mark.parametrize("fault", [EngineError("broken"), InputError("bad-sidecar")])
def test_what_is_delivered_never_fails_because_of_the_better_recap(job: Any, fault: Exception) -> None:
    one = job(lambda: PROVISIONAL)
    one.run()
    one.ends = raising(fault)
    for _ in range(one.settings.worker.max_tries):
        if one.mark is Mark.PROVISIONAL:
            one.run()
    assert (one.mark, one.tries, one.told) == (Mark.DONE, None, [])


def test_tries_that_end_without_a_word_leave_the_provisional_recap_where_it_is(job: Any) -> None:
    one = job(lambda: PROVISIONAL)
    one.run()
    drafted = len(one.seen)
    ticket = read_ticket(one.storage, one.recording.id)
    for stage in ("words", "turns"):
        name = stage_key(one.recording.id, stage, "0123456789abcdef")
        one.storage.write(folder_of("a/Geheimer Titel.wav") + name, b"{}", "application/json")
    write_ticket(one.storage, replace(counted(ticket, one.settings.worker.max_tries), stages=3))
    assert one.run() == Ending(End.NOTHING, code="gave-up")
    assert (one.mark, one.told, len(one.seen)) == (Mark.DONE, [], drafted)


def test_the_clock_ends_a_try_like_any_failure(job: Any) -> None:
    one = job(lambda: MANIFEST)
    errand, most = Errand(one.recording.id), one.settings.worker.max_tries
    for tries in range(1, most + 1):
        write_ticket(one.storage, counted(Ticket(one.recording, "a/Geheimer Titel.wav"), tries))
        ending = took_too_long(errand, one.storage, one.settings)
        assert ending.end is (End.FAILED if tries == most else End.LATER)
    assert (one.mark, one.tries, one.told) == (Mark.FAILED, None, ["took-too-long"])
    assert took_too_long(errand, one.storage, one.settings) == Ending(End.NOTHING)


def test_a_try_is_given_back_once_and_never_below_none(job: Any) -> None:
    one = job(lambda: MANIFEST)
    write_ticket(one.storage, counted(Ticket(one.recording, "a/Geheimer Titel.wav"), 2))
    for left in (1, 0, 0):
        give_back(Errand(one.recording.id), one.storage)
        assert one.tries == left


def test_a_store_that_fails_before_the_work_begins_costs_no_try(job: Any) -> None:
    one = job(lambda: MANIFEST)

    class Mute(FolderStorage):
        def head(self, key: str) -> None:  # noqa: ARG002  # a storage's signature
            raise StorageError("unreachable")

    there, one.storage = one.storage, Mute(one.storage.root)
    ending = one.run()
    assert (ending.end, ending.code, bool(ending.pause_s)) == (End.LATER, "unreachable", True)
    one.storage = there
    assert (one.tries, one.seen) == (0, [])


def test_tries_without_a_word_are_counted(job: Any) -> None:
    """A process that is killed writes nothing: only its ticket says that it began."""
    one = job(lambda: MANIFEST)
    ticket = read_ticket(one.storage, one.recording.id)
    assert ticket is not None
    write_ticket(one.storage, counted(ticket, one.settings.worker.max_tries))
    assert one.run() == Ending(End.FAILED, code="gave-up")
    assert (one.mark, one.told, one.seen) == (Mark.FAILED, ["gave-up"], [])


class Killed(BaseException):
    """Stands for kill -9: nobody writes anything any more."""


def test_who_gets_further_may_be_killed_ever_so_often(job: Any) -> None:
    """Only tries that leave no more behind than those before them are futile, and too many of these are the end."""
    one, most = job(lambda: MANIFEST), load().worker.max_tries
    stages = f"{folder_of('a/Geheimer Titel.wav')}stages/{one.recording.id}/"

    def get_further() -> Outcome:
        one.storage.write(f"{stages}{len(one.seen)}", b"", "text/plain")
        raise Killed

    one.ends = get_further
    for _ in range(3 * most):
        with pytest.raises(Killed):
            one.run()
    one.ends = raising(Killed())
    for _ in range(most):
        with pytest.raises(Killed):
            one.run()
    assert one.run() == Ending(End.FAILED, code="gave-up")
    assert len(one.seen) == 4 * most


def test_a_failure_that_cannot_be_written_is_written_later(job: Any) -> None:
    one = job(raising(InputError("no-audio-track")))

    faults = [StorageError("unreachable")]

    class Failing(FolderStorage):
        def write(self, key: str, data: bytes, media_type: str, **conditions: Any) -> bool:
            if key.endswith(FAILURE) and faults:
                raise faults.pop()
            return super().write(key, data, media_type, **conditions)

    one.storage = Failing(one.storage.root)
    assert one.run().pause_s
    assert one.mark is None
    assert one.run().end is End.FAILED
    assert (one.mark, one.told) == (Mark.FAILED, ["no-audio-track"])


def test_what_is_replaced_while_it_is_fetched_is_left_alone(job: Any) -> None:
    one = job(lambda: MANIFEST)

    class Replacing(FolderStorage):
        def download(self, key: str, path: Path) -> None:
            super().download(key, path)
            self.write(key, b"something else", "audio/wav")

    one.storage = Replacing(one.storage.root)
    assert one.run() == Ending(End.NOTHING)
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


def test_a_recap_that_kills_every_try_costs_no_transcript(job: Callable[[Callable[[], Outcome]], Job]) -> None:
    one = job(lambda: MANIFEST)
    ticket = read_ticket(one.storage, one.recording.id)
    assert ticket is not None
    for stage in ("media", "words", "turns"):
        name = stage_key(one.recording.id, stage, "0123456789abcdef")
        one.storage.write(folder_of(ticket.key) + name, b"{}", "application/json")
    most, mark = one.settings.worker.max_tries, f"{folder_of(ticket.key)}{stages_folder(one.recording.id)}"
    ends = {}
    for tries in (most - 1, most, most + 1):
        write_ticket(one.storage, replace(ticket, tries=tries, stages=3))
        one.plain = False
        ends[tries] = one.run().end, one.plain
        for each in Mark:
            one.storage.delete(mark + each)
    assert list(ends.values()) == [(End.DONE, False), (End.DONE, True), (End.FAILED, False)]


def test_a_failure_of_an_upload_that_was_replaced_meanwhile_is_told_to_nobody(job: Any) -> None:
    one = job(lambda: MANIFEST)

    def replaced_then_fail() -> Outcome:
        one.storage.write("a/Geheimer Titel.wav", b"another sound", "audio/wav")
        raise InputError("no-audio-track")

    one.ends = replaced_then_fail
    assert one.run() == Ending(End.NOTHING)
    assert (one.told, one.mark, one.tries) == ([], None, None)
