"""Work on one recording: stages that are kept and taken over, and what comes out with real engines."""

import hashlib
import json
import shutil
import threading
from collections import Counter, defaultdict
from dataclasses import replace
from functools import partial

import jiwer
import pytest
from structlog.testing import capture_logs

from config.settings import load
from jobs.artifacts import FAILURE, MANIFEST, canonical_json
from jobs.errors import EngineError, StorageError
from jobs.programme import Guest, Talk
from jobs.recap import Recap
from jobs.recording import Recording
from jobs.timeline import Span
from worker.bucket.place import Place
from worker.bucket.storage import FolderStorage
from worker.control import ALONE, Control, HandedBack, Superseded
from worker.engines import Engines
from worker.engines.fake import FakeDiarizer, FakeRecognizer
from worker.job import draft, process
from worker.provenance import provenance
from worker.sound.source import opened

MADE = {"transcript.json", "transcript.vtt", "transcript.srt", "transcript.txt", "transcript.html", "recap.json",
        "recap.md", "recap.html", "chapters.json"}  # fmt: skip


@pytest.fixture
def settings(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    fakes = {"transcribe": {"model": "fake"}, "diarize": {"pipeline": "fake"}}
    return load().but(media={"scratch": str(scratch)}, **fakes)


@pytest.fixture
def upload(tmp_path, fixtures):
    path = tmp_path / "upload"
    path.write_bytes((fixtures / "einzel.opus").read_bytes())
    return path


@pytest.fixture
def place(tmp_path, when):
    recording = Recording("r-1", "s3://stage/talk.mp3", "etag", 1, when)
    return Place(recording, FolderStorage(tmp_path / "out"), "talk.mp3.nachlese/", "talk.mp3")


@pytest.fixture
def when(sample_transcript):
    return sample_transcript.provenance[0].created_at


class Watched:
    """One run: what came of it, and which stages were worked on."""

    def __init__(self, place, upload, settings, talk=None, control=ALONE):
        self.reported, self.fetched = [], 0

        def fetch(path):
            self.fetched += 1
            shutil.copyfile(upload, path)

        with capture_logs() as logs, opened(fetch, settings) as source:
            self.outcome = process(
                place, source, talk or Talk(), settings=settings, control=control,
                report=lambda stage, _done, _total: self.reported.append(stage),
            )  # fmt: skip
        self.events = [log["event"] for log in logs]
        self.stages = {log["stage"] for log in logs if log["event"] == "stage.finished"}
        self.finished = self.stages & {"words", "turns"}
        self.decoded = "decode" in self.reported


def files(place):
    return {item.key.removeprefix(place.folder) for item in place.storage.list(place.folder)}


def test_everything_is_made_and_the_manifest_lists_it(place, upload, settings):
    run = Watched(place, upload, settings)
    manifest = run.outcome.manifest
    assert run.outcome.failure is None
    assert manifest.recording == place.recording
    names = {entry.name for entry in manifest.artifacts}
    assert names >= MADE
    assert {name for name in files(place) if not name.startswith("stages/")} == {*names, MANIFEST}
    for entry in manifest.artifacts:
        assert len(place.storage.read(place.folder + entry.name)) == entry.size_bytes
    assert run.stages == {"media", "words", "turns", "recap", "files"}
    assert not list((upload.parent / "scratch").iterdir())


def test_stages_follow_each_other_and_progress_is_told(place, upload, settings):
    run = Watched(place, upload, settings)
    order = list(dict.fromkeys(run.reported))
    assert order[0] == "decode"
    assert set(order[1:3]) == {"transcribe", "diarize"}
    assert order[3:] == ["recap", "store"]


def test_the_manifest_is_the_last_thing_written(upload, settings, place):
    written = []

    class Noting(FolderStorage):
        def write(self, key, *rest, **conditions):
            written.append(key.removeprefix(place.folder))
            return super().write(key, *rest, **conditions)

    noting = Place(place.recording, Noting(place.storage.root), place.folder, place.name)
    manifest = Watched(noting, upload, settings).outcome.manifest
    assert written[-1] == MANIFEST
    assert written.count(MANIFEST) == 1
    assert {entry.name for entry in manifest.artifacts} <= set(written[:-1])


def test_stored_stages_are_taken_over_without_a_look_at_the_upload(place, upload, settings):
    first = Watched(place, upload, settings)
    upload.unlink()
    second = Watched(place, upload, settings)
    assert second.stages == {"files"}
    assert not second.decoded
    assert second.fetched == 0
    assert canonical_json(second.outcome.transcript) == canonical_json(first.outcome.transcript)


def test_another_language_is_heard_anew_and_turns_are_kept(place, upload, settings):
    Watched(place, upload, settings)
    assert Watched(place, upload, settings, Talk(language="en")).finished == {"words"}


def test_other_bounds_on_voices_are_told_apart_anew_and_words_are_kept(place, upload, settings):
    Watched(place, upload, settings)
    assert Watched(place, upload, settings, Talk(max_speakers=3)).finished == {"turns"}


def test_another_title_changes_no_stage(place, upload, settings):
    Watched(place, upload, settings)
    run = Watched(place, upload, settings, Talk(title="Der Tag"))
    assert run.finished == set()
    assert "Der Tag" in place.storage.read(place.folder + "transcript.html").decode()


def test_guests_are_words_to_listen_for(place, upload, settings):
    Watched(place, upload, settings)
    run = Watched(place, upload, settings, Talk(guests=(Guest("Anna Berg"),)))
    assert run.finished == {"words"}


def test_another_upload_takes_over_nothing(place, upload, settings, when):
    Watched(place, upload, settings)
    other = Recording("r-2", "s3://stage/talk.mp3", "other", 1, when)
    run = Watched(Place(other, place.storage, place.folder, place.name), upload, settings)
    assert run.finished == {"words", "turns"}


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[1, 2]", b"\xff"])
def test_a_stage_that_cannot_be_read_is_made_anew(place, upload, settings, content):
    first = Watched(place, upload, settings)
    (words,) = [name for name in files(place) if "/words-" in name]
    place.write(words, content)
    run = Watched(place, upload, settings)
    assert "stage.unreadable" in run.events
    assert run.finished == {"words"}
    assert run.outcome.transcript.utterances == first.outcome.transcript.utterances


def test_a_recording_at_fault_gives_a_failure_and_nothing_else(place, upload, settings):
    upload.write_bytes(b"")
    run = Watched(place, upload, settings)
    assert run.outcome.manifest is None
    assert run.outcome.failure.code == "empty-file"
    assert files(place) == {FAILURE}


def test_a_failure_is_forgotten_when_a_later_try_succeeds(place, upload, settings):
    good = upload.read_bytes()
    upload.write_bytes(b"")
    Watched(place, upload, settings)
    upload.write_bytes(good)
    Watched(place, upload, settings)
    assert FAILURE not in files(place)
    assert MANIFEST in files(place)


class Broken:
    """Fails as an engine or a writer, but not before the other engine has begun."""

    def __init__(self, error):
        self.error = error
        self.begun = threading.Event()

    def digest(self):
        return "broken"

    def write(self, *_):
        raise self.error

    def recognize(self, *_):
        assert self.begun.wait(60)
        raise self.error

    diarize = recognize


class Watching:
    """A fake engine that tells when it begins."""

    def __init__(self, engine, begun):
        self.engine, self.begun = engine, begun

    def digest(self):
        return self.engine.digest()

    def recognize(self, *given):
        self.begun.set()
        return self.engine.recognize(*given)

    def diarize(self, *given):
        self.begun.set()
        return self.engine.diarize(*given)


@pytest.fixture
def crew(monkeypatch):
    """Let these work on the recording."""

    def take(recognizer, diarizer, writer):
        monkeypatch.setattr("worker.job.engines", lambda _: Engines(recognizer, diarizer, writer))

    return take


def test_a_failed_recap_never_costs_the_transcript(place, upload, settings, crew):
    crew(FakeRecognizer(), FakeDiarizer(), Broken(RuntimeError("Geheimes aus dem Gespräch")))
    run = Watched(place, upload, settings)
    assert "recap.failed" in run.events
    assert run.outcome.recap is None
    made = {entry.name for entry in run.outcome.manifest.artifacts}
    assert {name for name in MADE if name.startswith("transcript.")} <= made
    assert not [name for name in made if name.startswith("recap.")]


@pytest.mark.parametrize(("fails", "kept"), [("words", "turns"), ("turns", "words")])
def test_a_failed_engine_leaves_no_manifest_and_keeps_what_the_other_did(place, upload, settings, crew, fails, kept):
    writer, broken = Broken(RuntimeError("no draft")), Broken(EngineError("out-of-memory"))
    if fails == "words":
        crew(broken, Watching(FakeDiarizer(), broken.begun), writer)
    else:
        crew(Watching(FakeRecognizer(), broken.begun), broken, writer)
    with pytest.raises(EngineError, match="out-of-memory"):
        Watched(place, upload, settings)
    assert {name.rpartition("/")[2].partition("-")[0] for name in files(place)} == {"media", kept}
    assert not list((upload.parent / "scratch").iterdir())
    crew(FakeRecognizer(), FakeDiarizer(), writer)
    assert Watched(place, upload, settings).finished == {fails}


# --- leaving, coming back, and others at the same work ----------------------------------------------------------------


class Silent:
    """Writes a draft without anything in it, and counts."""

    def __init__(self, **changed):
        self.drafts, self.changed = 0, changed

    def digest(self):
        return "silent"

    def write(self, transcript, _talk):
        self.drafts += 1
        signed = provenance("silent", "1", weights_sha256=None, options=None)
        return Recap(transcript.recording_id, None, (), (), (), (), signed, **self.changed)


@pytest.fixture
def writer(crew):
    found = Silent()
    crew(FakeRecognizer(), FakeDiarizer(), found)
    return found


def whole(place):
    """The manifest, once it is sure that it lists what lies there, to the byte."""
    manifest = json.loads(place.storage.read(place.folder + MANIFEST))
    assert manifest["recording"]["id"] == place.recording.id
    for entry in manifest["artifacts"]:
        assert hashlib.sha256(place.storage.read(place.folder + entry["name"])).hexdigest() == entry["sha256"]
    return manifest


@pytest.mark.usefixtures("writer")
def test_who_has_to_leave_stores_every_stage_that_has_begun(place, upload, settings):
    leaving = Control(draining=lambda: True)
    left = []
    for _ in range(3):
        try:
            run = Watched(place, upload, settings, control=leaving)
        except HandedBack:
            left.append({name.rpartition("/")[2].partition("-")[0] for name in files(place)})
        else:
            break
    assert left == [{"media"}, {"media", "words", "turns"}]
    assert run.outcome.manifest is not None
    whole(place)


class Failing(FolderStorage):
    """A folder whose n-th write fails; class attributes, because its instances are frozen."""

    number, count = 0, 0

    def write(self, key, *rest, **conditions):
        type(self).count += 1
        if self.count == self.number:
            raise StorageError("storage-failed", "as wished")
        return super().write(key, *rest, **conditions)


@pytest.mark.usefixtures("writer")
def test_a_store_that_fails_at_any_write_costs_only_what_was_not_stored(place, upload, settings, tmp_path):
    number = 0
    while True:
        number += 1
        Failing.number, Failing.count = number, 0
        here = replace(place, storage=Failing(tmp_path / f"at-{number}"))
        try:
            Watched(here, upload, settings)
            break
        except StorageError:
            kept = {name.rpartition("/")[2].partition("-")[0] for name in files(here) if name.startswith("stages/")}
        again = Watched(here, upload, settings)
        assert again.stages == {"media", "words", "turns", "recap", "files"} - kept
        assert again.fetched == (0 if {"media", "words", "turns"} <= kept else 1)
        whole(here)
    assert number > 10


@pytest.mark.usefixtures("writer")
def test_what_each_stage_cost_is_told(place, upload, settings):
    measures = []
    run = Watched(place, upload, settings, control=Control(observe=measures.append))
    assert sorted(measure.stage for measure in measures) == ["files", "media", "recap", "turns", "words"]
    assert {measure.audio_s for measure in measures} == {run.outcome.transcript.duration_s}
    assert all(measure.wall_s >= 0 and measure.cpu_s >= 0 and measure.gpu_s == 0 for measure in measures)
    assert sum(measure.cpu_s for measure in measures) > 0  # ffmpeg's, if nobody else's


def test_a_draft_that_is_stored_is_not_written_again(place, upload, settings, writer):
    Watched(place, upload, settings)
    Watched(place, upload, settings)
    assert writer.drafts == 1
    Watched(place, upload, settings, Talk(title="Der Tag"))
    assert writer.drafts == 2


def test_a_draft_to_be_replaced_by_a_better_one_is_not_kept(place, upload, settings, crew):
    writer = Silent(provisional=True)
    crew(FakeRecognizer(), FakeDiarizer(), writer)
    assert Watched(place, upload, settings).outcome.provisional
    Watched(place, upload, settings)
    assert writer.drafts == 2


def test_over_a_provisional_draft_nothing_is_written_but_a_better_one(place, upload, settings, crew):
    crew(FakeRecognizer(), FakeDiarizer(), Silent(provisional=True))
    Watched(place, upload, settings)
    before = {item.key: (item.etag, item.modified) for item in place.storage.list(place.folder)}
    assert draft(place, Talk(), settings=settings, better=True).provisional

    class Broken(Silent):
        def write(self, *_):
            raise EngineError("broken")

    crew(FakeRecognizer(), FakeDiarizer(), Broken())
    assert draft(place, Talk(), settings=settings, better=True).provisional
    assert {item.key: (item.etag, item.modified) for item in place.storage.list(place.folder)} == before
    crew(FakeRecognizer(), FakeDiarizer(), Silent())
    assert not draft(place, Talk(), settings=settings, better=True).provisional
    assert json.loads(place.storage.read(place.folder + "recap.json"))["provisional"] is False
    whole(place)


def test_no_engine_waits_for_the_other_where_both_have_room(place, upload, settings, monkeypatch):
    """Each begins before the other ends; with room for one only, one after the other."""
    meet = threading.Barrier(2, timeout=60)
    order = []

    class Meeting(FakeRecognizer, FakeDiarizer):
        def recognize(self, *given):
            order.append("recognize")
            meet.wait()
            return super().recognize(*given)

        def diarize(self, *given):
            order.append("diarize")
            meet.wait()
            return super().diarize(*given)

    both = Meeting()
    monkeypatch.setattr("worker.job.engines", lambda _: Engines(both, both, Silent()))
    Watched(place, upload, settings)
    order.clear()
    meet.wait = lambda: None
    monkeypatch.setattr("worker.job.engines", lambda _: Engines(both, both, Silent(), lambda: False))
    Watched(replace(place, folder="other.nachlese/"), upload, settings)
    assert order == ["recognize", "diarize"]


def test_the_recap_may_be_anothers_job(place, upload, settings, writer):
    apart = settings.but(recap={"queue": "recap"})
    run = Watched(place, upload, apart)
    assert (run.outcome.manifest, run.outcome.heard, writer.drafts) == (None, True, 0)
    made = {name for name in files(place) if not name.startswith("stages/")}
    assert made == {name for name in made if name.startswith("transcript.")}
    assert made >= {name for name in MADE if name.startswith("transcript.")}
    drafted = draft(place, Talk(), settings=apart)
    assert canonical_json(drafted.transcript) == canonical_json(run.outcome.transcript)
    assert writer.drafts == 1
    apart_entries = whole(place)["artifacts"]
    Watched(replace(place, folder="other.nachlese/"), upload, settings)
    at_once = whole(replace(place, folder="other.nachlese/"))["artifacts"]
    assert {entry["name"] for entry in at_once} == {entry["name"] for entry in apart_entries}


@pytest.mark.usefixtures("writer")
def test_without_its_transcript_there_is_no_draft(place, upload, settings, when):
    Watched(place, upload, settings.but(recap={"queue": "recap"}))
    other = replace(place, recording=Recording("r-2", "s3://stage/talk.mp3", "other", 1, when))
    with pytest.raises(StorageError, match="object-missing"):
        draft(other, Talk(), settings=settings)
    place.write("transcript.json", b"{")
    with pytest.raises(StorageError, match="object-missing"):
        draft(place, Talk(), settings=settings)


@pytest.fixture
def current(place, upload):
    """A place whose upload lies in the same storage."""
    place.storage.write("talk.mp3", upload.read_bytes(), "audio/ogg")
    stored = place.storage.head("talk.mp3")
    return replace(place, key="talk.mp3", recording=replace(place.recording, etag=stored.etag))


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize("replaced_at", ["decode", "transcribe", "recap"])
def test_an_upload_that_is_replaced_meanwhile_gets_nothing_and_disturbs_nobody(current, upload, settings, replaced_at):
    newer = []

    def report(stage, _done, _total):
        if stage == replaced_at and not newer:
            current.storage.write("talk.mp3", b"another upload", "audio/ogg")
            found = current.storage.head("talk.mp3")
            newer.append(replace(current, recording=replace(current.recording, id="r-2", etag=found.etag)))
            Watched(newer[0], upload, settings)

    with opened(partial(shutil.copyfile, upload), settings) as source, pytest.raises(Superseded):
        process(current, source, Talk(), settings=settings, report=report)
    whole(newer[0])


@pytest.mark.usefixtures("writer")
def test_a_fault_of_an_upload_that_is_replaced_meanwhile_is_told_to_nobody(current, upload, settings):
    Watched(current, upload, settings)
    before = {name: current.read(name) for name in files(current)}
    current.storage.write("talk.mp3", b"another upload", "audio/ogg")
    upload.write_bytes(b"")
    with pytest.raises(Superseded):
        Watched(replace(current, recording=replace(current.recording, id="r-3")), upload, settings)
    assert {name: current.read(name) for name in files(current)} == before


# --- with real engines ------------------------------------------------------------------------------------------------


def reference(fixtures, name):
    rows = [row.split() for row in (fixtures / f"{name}.rttm").read_text().splitlines()]
    lines = (fixtures / f"{name}.txt").read_text().splitlines()
    return [
        (Span(float(row[3]), float(row[3]) + float(row[4])), row[7], line)
        for row, line in zip(rows, lines, strict=True)
    ]


def words_of(transcript):
    return [word for utterance in transcript["utterances"] for word in utterance["words"]]


def who_is_who(transcript, turns):
    """Label → the voice of the reference it shares most time with."""
    shared = defaultdict(Counter)
    for word in words_of(transcript):
        span = Span(word["span"]["start"], word["span"]["end"])
        for turn, speaker, _ in turns:
            shared[word["speaker"]][speaker] += turn.overlap(span)
    return {label: found.most_common(1)[0][0] for label, found in shared.items()}


@pytest.mark.parametrize(("name", "least"), [("gespraech", 0.95), ("einzel", 0.99), ("zweisprachig", 0.95)])
def test_right_words_at_right_speakers(demo_run, fixtures, name, least):
    transcript, turns = demo_run.transcript(f"{name}.opus"), reference(fixtures, name)
    names = who_is_who(transcript, turns)
    assert sorted(names.values()) == sorted({speaker for _, speaker, _ in turns})
    right = [
        names[word["speaker"]] == speaker
        for word in words_of(transcript)
        for turn, speaker, _ in turns
        if turn.start <= (word["span"]["start"] + word["span"]["end"]) / 2 < turn.end
    ]
    assert len(right) > 50
    assert sum(right) >= least * len(right)


def test_what_each_voice_says_is_what_it_said(demo_run, fixtures):
    """All words of one voice in a row, against all its lines: wrong words and wrong speakers both count."""
    transcript, turns = demo_run.transcript("gespraech.opus"), reference(fixtures, "gespraech")
    names, texts = who_is_who(transcript, turns), defaultdict(list)
    for word in words_of(transcript):
        texts[names[word["speaker"]]].append(word["text"])
    said = defaultdict(list)
    for _, speaker, line in turns:
        said[speaker].append(line)
    plain = jiwer.Compose([jiwer.ToLowerCase(), jiwer.RemovePunctuation(), jiwer.ReduceToListOfListOfWords()])
    for speaker, lines in said.items():
        wrong = jiwer.wer(
            " ".join(lines), " ".join(texts[speaker]), reference_transform=plain, hypothesis_transform=plain
        )
        assert wrong <= 0.12, speaker


@pytest.mark.parametrize("name", ["stille.flac", "rauschen.flac", "musik.opus"])
def test_where_nobody_speaks_the_transcript_is_empty_and_says_so(demo_run, name):
    folder, transcript = demo_run.folder(name), demo_run.transcript(name)
    assert transcript["utterances"] == []
    assert "no-speech" in [notice["code"] for notice in transcript["notices"]]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {entry["name"] for entry in manifest["artifacts"]} >= MADE
    assert not (folder / "failure.json").exists()
    recap = json.loads((folder / "recap.json").read_text())
    assert (recap["headline"], recap["lead"], recap["quotes"]) == (None, [], [])
    assert "keine Sprache gefunden" in (folder / "transcript.html").read_text()
