"""From which stage on a recording is made anew, and what of it stays."""

import pytest
from redis.exceptions import ConnectionError as BrokerGone

from config.settings import load
from jobs.artifacts import FAILURE, MANIFEST, folder_of, sound_key, stage_key, stretch_key
from jobs.errors import InputError
from jobs.timeline import Span
from worker.bucket.storage import FolderStorage
from worker.bucket.tickets import Mark, read_mark, read_ticket, recording_at, write_mark
from worker.desk.rerun import Stage, rerun
from worker.queue.dispatch import Errand, Kind, Running

KEY = "stage/talk.wav"
D = "0123456789abcdef"


class Queue:
    def __init__(self, *, away=False):
        self.away, self.queued, self.busy = away, [], []

    def running(self):
        if self.away:
            raise BrokerGone
        return [Running(job_id, 1.0, None) for job_id in self.busy]

    def forget(self, job_id):
        if self.away:
            raise BrokerGone
        self.queued = [each for each in self.queued if each != job_id]

    def enqueue(self, job_id, **_):
        if self.away:
            raise BrokerGone
        self.queued.append(job_id)
        return True


@pytest.fixture
def storage(tmp_path):
    found = FolderStorage(tmp_path)
    found.write(KEY, b"sound", "audio/wav")
    return found


@pytest.fixture
def recording(storage):
    """A finished one, with everything that can lie beside it."""
    found = recording_at(storage, storage.head(KEY))
    names = [stage_key(found.id, stage, D) for stage in ("media", "words", "turns", "plan", "recap")]
    names += [stretch_key(found.id, D, 0), sound_key(found.id, D, Span(0, 1)), MANIFEST, FAILURE, "transcript.json"]
    for name in names:
        storage.write(folder_of(KEY) + name, b"{}", "application/json")
    write_mark(storage, KEY, found.id, Mark.DONE)
    return found


def stages(storage, recording):
    start = f"{folder_of(KEY)}stages/{recording.id}/"
    return {stored.key.removeprefix(start).partition("-")[0] for stored in storage.list(start)}


@pytest.mark.parametrize(
    ("begin", "stay"),
    [
        (Stage.RECAP, {"media", "words", "turns", "plan", "stretch", "sound"}),
        (Stage.DIARIZE, {"media", "words", "plan", "stretch", "sound"}),
        (Stage.TRANSCRIBE, {"media", "turns"}),
        (Stage.DECODE, set()),
    ],
)
def test_a_stage_and_what_depends_on_it_go(storage, recording, begin, stay):
    queue = Queue()
    rerun(KEY, begin, storage, queue, load())
    assert stages(storage, recording) == stay
    assert queue.queued == [recording.id]
    ticket = read_ticket(storage, recording.id)
    assert (ticket.key, ticket.tries) == (KEY, 0)
    assert read_mark(storage, KEY, recording.id) is None


def test_files_stay_until_there_are_new_ones(storage, recording):
    rerun(KEY, Stage.DECODE, storage, Queue(), load())
    here = {name: storage.head(folder_of(KEY) + name) is not None for name in (MANIFEST, "transcript.json", FAILURE)}
    assert here == {MANIFEST: True, "transcript.json": True, FAILURE: False}
    assert recording.id


def test_a_failed_recording_may_be_made_anew_too(storage):
    found = recording_at(storage, storage.head(KEY))
    write_mark(storage, KEY, found.id, Mark.FAILED)
    rerun(KEY, Stage.DECODE, storage, Queue(), load())
    assert read_mark(storage, KEY, found.id) is None


@pytest.mark.parametrize("queue", [None, Queue(away=True)])
def test_without_a_broker_the_ticket_waits_for_intake(storage, recording, queue):
    rerun(KEY, Stage.RECAP, storage, queue, load())
    assert read_ticket(storage, recording.id) is not None
    assert read_mark(storage, KEY, recording.id) is None


@pytest.mark.parametrize("mark", [None, Mark.HEARD])
def test_what_is_under_way_is_left_alone(storage, mark):
    found = recording_at(storage, storage.head(KEY))
    if mark is not None:
        write_mark(storage, KEY, found.id, mark)
    with pytest.raises(InputError, match="under-way"):
        rerun(KEY, Stage.RECAP, storage, Queue(), load())


@pytest.mark.parametrize("kind", [Kind.RECORDING, Kind.DRAFT])
def test_what_waits_for_a_better_recap_may_be_made_anew_unless_that_is_being_written(storage, kind):
    found, queue = recording_at(storage, storage.head(KEY)), Queue()
    write_mark(storage, KEY, found.id, Mark.PROVISIONAL)
    queue.busy = [Errand(found.id, kind).id]
    with pytest.raises(InputError, match="under-way"):
        rerun(KEY, Stage.RECAP, storage, queue, load())
    assert read_mark(storage, KEY, found.id) is Mark.PROVISIONAL
    queue.busy, queue.queued = [Errand("r-ffffffffffffffffffff").id], [found.id]
    rerun(KEY, Stage.RECAP, storage, queue, load())
    assert (read_mark(storage, KEY, found.id), queue.queued) == (None, [found.id]), "it paused; now it waits"


@pytest.mark.parametrize("key", ["stage/other.wav", f"{folder_of(KEY)}{MANIFEST}"])
def test_what_is_no_recording_is_not_found(storage, key):
    storage.write(f"{folder_of(KEY)}{MANIFEST}", b"{}", "application/json")
    with pytest.raises(InputError, match="not-found"):
        rerun(key, Stage.RECAP, storage, Queue(), load())


def test_other_recordings_of_the_same_name_keep_their_results(storage, recording):
    other = folder_of(KEY) + stage_key("r-ffffffffffffffffffff", "recap", D)
    storage.write(other, b"{}", "application/json")
    rerun(KEY, Stage.DECODE, storage, Queue(), load())
    assert storage.head(other)
    assert recording.id
