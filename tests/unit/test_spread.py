"""A long recording in stretches, whoever hears them. The sound is made so that every word can be read off it."""

import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as calm
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as BrokerGone

from jobs.artifacts import stage_key, stages_folder, stretch_key
from jobs.audio import SAMPLE_RATE, Audio
from jobs.errors import StorageError
from jobs.recording import Recording
from jobs.timeline import Span
from jobs.transcribe import Recognition, Segment, TranscribeOptions
from jobs.transcript import Word
from worker import spread
from worker.bucket.place import Place
from worker.bucket.stages import Stages, quiet
from worker.bucket.storage import FolderStorage
from worker.control import ALONE, Control, HandedBack
from worker.engines import Engines
from worker.engines.fake import FakeDiarizer
from worker.provenance import provenance
from worker.queue.dispatch import Standing
from worker.spread import Ear, Spread, hear_stretch

ID = "r-0123456789abcdef0123"
DEPENDS_ON = "0123456789abcdef"
#: One word a second, the last half of each second silent.
SECONDS, TARGET_S = 90, 20.0
ASKED = TranscribeOptions()


def sound(seconds=SECONDS):
    samples = np.zeros(seconds * SAMPLE_RATE, dtype=np.float32)
    for second in range(seconds):
        start = second * SAMPLE_RATE
        samples[start + 1600 : start + SAMPLE_RATE // 2] = (second + 1) / 256
    return Audio(samples)


class Pulses:
    """Hears a word wherever the sound isn't silent, and names it after its loudness."""

    def __init__(self):
        self.heard = []

    def digest(self):
        return "pulses"

    def load(self):
        pass

    def speech(self, audio):
        loud = np.flatnonzero(np.diff(audio.samples != 0, prepend=False, append=False))
        return tuple(Span(a / SAMPLE_RATE, b / SAMPLE_RATE) for a, b in zip(loud[::2], loud[1::2], strict=True))

    def recognize(self, audio, options, progress):
        words = tuple(
            Word(str(round(float(audio.samples[int(span.start * SAMPLE_RATE) + 10]) * 256) - 1), span, 1.0)
            for span in self.speech(audio)
        )
        self.heard.append([word.text for word in words])
        progress(audio.duration, audio.duration)
        segments = (Segment(words, "de", -0.1, 1.0, 0.0),) if words else ()
        signed = provenance("pulses", "1", weights_sha256=None, options=options)
        return Recognition(segments, "de", self.speech(audio), signed)


@dataclass
class Others:
    """Other workers, as a recording's own job sees them."""

    #: Index → what taking that stretch comes to; True: it is ours.
    free: dict = field(default_factory=dict)
    #: Called whenever all that is missing is being worked on.
    work: object = None
    offered: list = field(default_factory=list)

    def offer(self, recording_id, index, seconds):
        self.offered.append((recording_id, index, seconds))

    def take(self, _recording_id, indices):
        mine = next((index for index in indices if self.free.get(index, True)), None)
        if mine is None and self.work:
            self.work(indices)
        return mine


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(spread, "_POLL_S", 0.001)


@pytest.fixture
def place(tmp_path):
    recording = Recording(ID, "s3://stage/talk.mp3", "etag", 1, datetime(2026, 11, 3, tzinfo=UTC))
    return Place(recording, FolderStorage(tmp_path), "talk.mp3.nachlese/", "talk.mp3")


def ear(place, recognizer=None, control=ALONE, report=quiet):
    return Ear(Stages(place, control, report), recognizer or Pulses(), DEPENDS_ON, gpu=False)


def hear(listening, audio=None, **changed):
    options = {"duration_s": float(SECONDS), "target_s": TARGET_S, "sound": lambda: audio or sound()} | changed
    return listening.hear_in_stretches(ASKED, **options)


def names(place, start):
    folder = place.folder + stages_folder(ID)
    return sorted(stored.key.removeprefix(folder) for stored in place.list(stages_folder(ID) + start))


def check(recognition, seconds=SECONDS):
    """Every word once, at its time."""
    assert [word.text for word in recognition.words] == [str(second) for second in range(seconds)]
    for second, word in enumerate(recognition.words):
        assert word.span.start == pytest.approx(second + 0.1, abs=0.002)
        assert word.span.end == pytest.approx(second + 0.5, abs=0.002)


def test_alone_every_stretch_is_heard_once_and_no_word_is_lost(place):
    recognizer = Pulses()
    check(hear(ear(place, recognizer)))
    assert len(recognizer.heard) > 3
    assert [text for stretch in recognizer.heard for text in stretch] == [str(n) for n in range(SECONDS)]


def test_stretches_are_offered_with_their_length_in_order(place):
    others = Others()
    hear(ear(place, control=Control(spread=others)))
    assert [index for _, index, _ in others.offered] == list(range(len(others.offered)))
    assert sum(seconds for *_, seconds in others.offered) == pytest.approx(SECONDS, abs=0.01)


@calm(max_examples=12)
@given(st.sets(st.integers(0, 4)))
def test_whoever_hears_which_stretch_the_words_are_the_same(tmp_path_factory, theirs):
    recording = Recording(ID, "s3://stage/talk.mp3", "etag", 1, datetime(2026, 11, 3, tzinfo=UTC))
    place = Place(recording, FolderStorage(tmp_path_factory.mktemp("spread")), "talk.mp3.nachlese/", "talk.mp3")
    own, helper = Pulses(), Pulses()

    def work(indices):
        agreed = spread._newest_plan(Stages(place, ALONE, quiet))
        ear(place, helper).hear(agreed, indices[0], before_s=0, total_s=1)

    others = Others(free=dict.fromkeys(theirs, False), work=work)
    check(hear(ear(place, own, Control(spread=others))))
    stretches = len(others.offered)
    assert len(helper.heard) == len({index for index in theirs if index < stretches})
    assert len(own.heard) + len(helper.heard) == stretches


def test_others_that_never_come_back_are_not_waited_for(place, monkeypatch):
    monkeypatch.setattr(spread._Patience, "ends", lambda *_: True)
    check(hear(ear(place, control=Control(spread=Others(free=dict.fromkeys(range(9), False))))))


def test_patience_lasts_as_long_as_the_sound_and_anew_after_each_result(monkeypatch):
    now = iter([0.0, 9.0, 10.5, 11.0, 20.0, 21.5])
    monkeypatch.setattr(spread.time, "monotonic", lambda: next(now))
    patience = spread._Patience()
    assert [patience.ends((1, 2), 10.0) for _ in range(3)] == [False, False, True]
    assert [patience.ends((2,), 10.0) for _ in range(3)] == [False, False, True]


def test_progress_counts_what_others_have_done(place):
    told = []
    listening = ear(place, control=Control(spread=Others()), report=lambda *values: told.append(values))
    agreed_elsewhere = ear(place)
    hear(agreed_elsewhere)
    parts = names(place, "stretch-")
    for part in parts[2:]:
        place.storage.delete(place.folder + stages_folder(ID) + part)
    hear(listening)
    assert {(stage, total) for stage, _, total in told} == {("transcribe", float(SECONDS))}
    done = [seconds for _, seconds, _ in told]
    assert done == sorted(done)
    assert done[0] > 20
    assert done[-1] == SECONDS


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_stretches_that_are_stored_are_not_heard_again(place, kept):
    hear(ear(place))
    for part in names(place, "stretch-")[kept:]:
        place.storage.delete(place.folder + stages_folder(ID) + part)
    again = Pulses()
    check(hear(ear(place, again)))
    assert len(again.heard) == len(names(place, "stretch-")) - kept


def test_nothing_is_decoded_where_all_sounds_are_stored(place):
    hear(ear(place))
    for part in names(place, "stretch-")[1:]:
        place.storage.delete(place.folder + stages_folder(ID) + part)

    def never():
        raise AssertionError

    check(hear(ear(place), sound=never))


@pytest.mark.parametrize("lost", ["plan-", "sound-", "stretch-"])
def test_a_crash_between_any_two_things_stored_costs_only_what_is_missing(place, lost):
    """Whatever of the plan, the sounds and the results is there, all words come out once."""
    hear(ear(place))
    for name in names(place, lost)[::2]:
        place.storage.delete(place.folder + stages_folder(ID) + name)
    check(hear(ear(place)))


def test_a_result_that_cannot_be_read_is_made_anew(place):
    hear(ear(place))
    place.write(stretch_key(ID, DEPENDS_ON, 1), b"{")
    again = Pulses()
    check(hear(ear(place, again)))
    assert len(again.heard) == 1


def test_who_leaves_has_stored_what_was_heard(place):
    leaving, recognizer = [False, False], Pulses()
    control = Control(draining=lambda: len(recognizer.heard) >= 2)
    with pytest.raises(HandedBack):
        hear(ear(place, recognizer, control))
    assert len(names(place, "stretch-")) == len(recognizer.heard) == len(leaving)
    again = Pulses()
    check(hear(ear(place, again)))
    assert len(again.heard) == len(names(place, "stretch-")) - 2


def test_who_waits_for_others_may_leave(place):
    control = Control(draining=lambda: bool(waiting), spread=Others(free=dict.fromkeys(range(9), False)))
    waiting = []
    control.spread.work = waiting.append
    with pytest.raises(HandedBack):
        hear(ear(place, control=control))


def test_two_at_once_give_the_same_words_to_the_byte(place):
    found = []
    threads = [threading.Thread(target=lambda: found.append(hear(ear(place)))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1]
    check(found[0])


def test_sounds_go_and_results_stay(place):
    listening = ear(place)
    hear(listening)
    assert names(place, "sound-")
    listening.forget_sounds()
    assert names(place, "sound-") == []
    assert names(place, "stretch-")
    check(hear(ear(place)))


def test_stretches_never_get_too_many_to_count(place, monkeypatch):
    others = Others()
    assert 2 * spread._MOST_STRETCHES <= 999
    monkeypatch.setattr(spread, "_MOST_STRETCHES", 5)
    check(hear(ear(place, control=Control(spread=others)), target_s=0.01))
    assert max(index for _, index, _ in others.offered) <= 10


# --- another worker's stretch -----------------------------------------------------------------------------------------


@pytest.fixture
def recognizer(monkeypatch):
    found = Pulses()
    monkeypatch.setattr(spread, "engines", lambda _: Engines(found, FakeDiarizer(), None))
    return found


@pytest.fixture
def spread_out(place):
    """A recording of which the plan and the sounds are stored."""
    with pytest.raises(HandedBack):
        hear(ear(place, control=Control(draining=lambda: len(names(place, "stretch-")) > 0)), sound=sound)
    for name in names(place, "stretch-"):
        place.storage.delete(place.folder + stages_folder(ID) + name)
    assert names(place, "plan-")
    return place


@pytest.fixture
def settings():
    from config.settings import load  # noqa: PLC0415

    return load()


def help_with(place, index, settings, control=ALONE):
    hear_stretch(place, index, settings=settings, control=control, report=quiet)


def test_a_helper_hears_its_stretch_and_no_other(place, recognizer, settings):
    hear(ear(place))
    before = place.read(stretch_key(ID, DEPENDS_ON, 2))
    place.storage.delete(place.folder + stretch_key(ID, DEPENDS_ON, 2))
    help_with(place, 2, settings)
    assert len(recognizer.heard) == 1
    made = place.read(stretch_key(ID, DEPENDS_ON, 2))
    drop = lambda data: [line for line in data.splitlines() if b"created_at" not in line]  # noqa: E731
    assert drop(made) == drop(before)


def test_a_helper_that_leaves_has_stored_its_stretch(spread_out, recognizer, settings):
    with pytest.raises(HandedBack):
        help_with(spread_out, 0, settings, Control(draining=lambda: True))
    assert names(spread_out, "stretch-") == [f"stretch-{DEPENDS_ON}-000.json"]
    assert len(recognizer.heard) == 1


@pytest.mark.parametrize("missing", ["plan-", "sound-"])
def test_what_is_not_wanted_any_more_is_not_heard(spread_out, recognizer, settings, missing):
    for name in names(spread_out, missing):
        spread_out.storage.delete(spread_out.folder + stages_folder(ID) + name)
    help_with(spread_out, 0, settings)
    assert recognizer.heard == []
    assert names(spread_out, "stretch-") == []


def test_a_stretch_that_is_heard_or_does_not_exist_is_left_alone(place, recognizer, settings):
    hear(ear(place))
    help_with(place, 0, settings)
    help_with(place, 999, settings)
    assert recognizer.heard == []


def test_another_engines_stretch_is_left_to_that_engine(spread_out, recognizer, settings):
    recognizer.digest = lambda: "another"
    help_with(spread_out, 0, settings)
    assert recognizer.heard == []


def test_the_newest_plan_counts(spread_out, recognizer, settings):
    old = spread_out.read(stage_key(ID, "plan", DEPENDS_ON))
    spread_out.write(stage_key(ID, "plan", "f" * 16), old.replace(DEPENDS_ON.encode(), b"f" * 16))
    help_with(spread_out, 0, settings)
    assert recognizer.heard == []  # its sounds aren't there


def test_a_sound_that_is_lost_while_it_is_wanted_is_an_error_worth_another_try(spread_out):
    agreed = spread._newest_plan(Stages(spread_out, ALONE, quiet))
    for name in names(spread_out, "sound-"):
        spread_out.storage.delete(spread_out.folder + stages_folder(ID) + name)
    with pytest.raises(StorageError, match="object-missing"):
        ear(spread_out).hear(replace(agreed), 0, before_s=0, total_s=1)


# --- the broker -------------------------------------------------------------------------------------------------------


class Broker:
    """A queue that knows where stretches are, or is away."""

    def __init__(self, **standing):
        self.where = {f"{ID}-{name}": standing for name, standing in standing.items()}
        self.away = False
        self.asked, self.queued = 0, []

    def _ask(self):
        self.asked += 1
        if self.away:
            raise BrokerGone

    def enqueue(self, job_id, *, rank, seconds):
        self._ask()
        self.queued.append((job_id, rank, seconds))
        return True

    def standing(self):
        self._ask()
        return self.where

    def take_back(self, job_id):
        self._ask()
        return self.where.pop(job_id, None) is Standing.WAITING


def test_stretches_wait_one_after_the_other():
    broker = Broker()
    helpers = Spread(broker, 1000.0)
    for index in (0, 7):
        helpers.offer(ID, index, 600.0)
    assert broker.queued == [(f"{ID}-s000", 1000.0, 600.0), (f"{ID}-s007", 1007.0, 600.0)]


@pytest.mark.parametrize(
    ("standing", "mine"),
    [
        ({}, 0),  # nobody knows of any: the broker was wiped, or their workers have failed
        ({"s000": Standing.RUNNING}, 1),
        ({"s000": Standing.RUNNING, "s001": Standing.RUNNING}, None),
        ({"s000": Standing.PAUSED}, 0),
        ({"s000": Standing.WAITING}, 0),
    ],
)
def test_what_nobody_has_begun_is_ours(standing, mine):
    assert Spread(Broker(**standing), 0.0).take(ID, (0, 1)) == mine


def test_what_waits_is_taken_out_of_the_line():
    broker = Broker(s000=Standing.WAITING)
    Spread(broker, 0.0).take(ID, (0, 1))
    assert broker.where == {}


def test_what_a_worker_takes_at_the_same_moment_is_not_ours():
    broker = Broker(s000=Standing.WAITING, s001=Standing.RUNNING)
    broker.take_back = lambda _: False
    assert Spread(broker, 0.0).take(ID, (0, 1)) is None


def test_a_broker_that_is_away_is_asked_once_and_everything_is_ours():
    broker = Broker(s000=Standing.RUNNING)
    broker.away = True
    helpers = Spread(broker, 0.0)
    for index in range(9):
        helpers.offer(ID, index, 600.0)
    assert helpers.take(ID, (0, 1)) == 0
    assert broker.asked == 1
