"""A corrected transcript comes back to a finished recording: kept as a version, and followed by every file."""

import json
import shutil
from dataclasses import replace

import pytest
from docx import Document

from config.settings import load
from jobs.artifacts import canonical_json, folder_of
from jobs.errors import InputError, StorageError
from jobs.programme import Talk
from worker.bucket.edits import keep, versions
from worker.bucket.place import Place
from worker.bucket.storage import FolderStorage
from worker.bucket.tickets import Mark, mark_key, read_mark, read_ticket, recording_at, write_mark
from worker.desk.correction import correct
from worker.job import process
from worker.sound.source import opened

KEY = "talk.opus"


class Desk:
    """A bucket with one recording, and what an editor does with it."""

    def __init__(self, settings, folder, recording):
        self.settings, self.folder = settings, folder
        self.storage = FolderStorage(folder / "bucket")
        self.storage.upload(recording, KEY, "audio/ogg")
        found = recording_at(self.storage, self.storage.head(KEY))
        self.place = Place(found, self.storage, folder_of(KEY), KEY, KEY)
        self.upload = recording
        self.work()

    def work(self):
        """What a worker does with a ticket."""
        with opened(lambda path: shutil.copyfile(self.upload, path), self.settings) as source:
            assert process(self.place, source, Talk(), settings=self.settings).manifest is not None
        write_mark(self.storage, KEY, self.place.recording.id, Mark.DONE)

    def pulled(self, name):
        path = self.folder / name
        path.write_bytes(self.read(name))
        return path

    def read(self, name):
        return self.storage.read(folder_of(KEY) + name)

    def give_back(self, path, by=None):
        return correct(KEY, path, self.storage, None, self.settings, by=by)

    def words(self):
        transcript = json.loads(self.read("transcript.json"))
        return [word for utterance in transcript["utterances"] for word in utterance["words"]]

    def edits(self):
        return sorted(stored.key.rpartition("/")[2] for stored in self.place.list("edits/"))


@pytest.fixture
def desk(tmp_path, fixtures):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    fakes = {"transcribe": {"model": "fake"}, "diarize": {"pipeline": "fake"}}
    return Desk(load().but(media={"scratch": str(scratch)}, **fakes), tmp_path, fixtures / "einzel.opus")


def edited_json(desk, place, text, name="edited.json"):
    """The current JSON with one word written otherwise."""
    transcript = json.loads(desk.read("transcript.json"))
    [word for utterance in transcript["utterances"] for word in utterance["words"]][place]["text"] = text
    path = desk.folder / name
    path.write_text(json.dumps(transcript))
    return path


def test_every_file_follows_an_edited_document(desk):
    before = desk.words()
    path = desk.pulled("transcript.docx")
    document = Document(str(path))
    speech = next(p for p in document.paragraphs if before[0]["text"] in p.text and p.style.name == "Speaker Turn")
    run = next(run for run in speech.runs if before[0]["text"] in run.text)
    run.text = run.text.replace(before[0]["text"], "Vertrauensfrage", 1)
    document.save(str(path))
    done = desk.give_back(path, by="Kim Ott")
    assert (done.number, done.changed > 0) == (1, True)
    assert read_mark(desk.storage, KEY, desk.place.recording.id) is None
    assert read_ticket(desk.storage, desk.place.recording.id) is not None
    desk.work()
    after = desk.words()
    assert after[0]["text"] == "Vertrauensfrage"
    assert [word["span"] for word in after] == [word["span"] for word in before]
    for name in ("transcript.vtt", "transcript.txt", "transcript.html", "transcript.md"):
        assert b"Vertrauensfrage" in desk.read(name)
    machine, first = versions(desk.place)
    assert (machine.number, machine.by, first.number, first.base_number, first.by) == (0, None, 1, 0, "Kim Ott")
    assert machine.utterances[0].words[0].text == before[0]["text"]


def test_versions_follow_each_other_and_none_is_overwritten(desk):
    last = len(desk.words()) - 1
    assert desk.give_back(edited_json(desk, 0, "Erstens")).number == 1
    first = desk.storage.read(next(s.key for s in desk.place.list("edits/") if s.key.endswith("0001.json")))
    desk.work()
    assert desk.give_back(edited_json(desk, last, "Zweitens")).number == 2
    desk.work()
    assert (desk.words()[0]["text"], desk.words()[last]["text"]) == ("Erstens", "Zweitens")
    assert desk.edits() == ["0000.json", "0001.json", "0002.json"]
    assert desk.storage.read(next(s.key for s in desk.place.list("edits/") if s.key.endswith("0001.json"))) == first
    assert not keep(desk.place, replace(versions(desk.place)[1], by="somebody else"))


def test_two_editors_of_one_version_are_merged_or_told(desk):
    last = len(desk.words()) - 1
    one, two, three = (
        edited_json(desk, place, text, f"{text}.json")
        for place, text in ((0, "Erste"), (last, "Zweite"), (0, "Dritte"))
    )
    desk.give_back(one)
    desk.work()
    assert desk.give_back(two).number == 2
    desk.work()
    assert (desk.words()[0]["text"], desk.words()[last]["text"]) == ("Erste", "Zweite")
    with pytest.raises(InputError, match="edit-conflict"):
        desk.give_back(three)
    assert len(desk.edits()) == 3
    assert read_mark(desk.storage, KEY, desk.place.recording.id) is Mark.DONE


@pytest.mark.parametrize("name", ["transcript.json", "transcript.vtt", "transcript.docx"])
def test_an_unchanged_file_makes_no_version_and_no_work(desk, name):
    done = desk.give_back(desk.pulled(name))
    assert (done.number, done.changed) == (0, 0)
    assert desk.edits() == ["0000.json"]
    assert read_mark(desk.storage, KEY, desk.place.recording.id) is Mark.DONE


def test_a_version_that_cannot_be_read_is_not_passed_over(desk):
    desk.place.write(f"edits/{desk.place.recording.id}/0001.json", canonical_json({"number": 1}))
    with pytest.raises(StorageError, match="version-unreadable"):
        desk.work()


def test_what_is_under_way_is_not_corrected(desk):
    path = desk.pulled("transcript.json")
    desk.storage.delete(mark_key(KEY, desk.place.recording.id, Mark.DONE))
    with pytest.raises(InputError, match="under-way"):
        desk.give_back(path)
    with pytest.raises(InputError, match="not-found"):
        correct("other.opus", path, desk.storage, None, desk.settings)
