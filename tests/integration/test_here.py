"""What an editor does with the results of `nachlese run`, with no bucket anywhere."""

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from docx import Document

from config.settings import labels, load
from jobs.artifacts import MANIFEST, Entry, Manifest, canonical_json, folder_of
from jobs.errors import InputError
from jobs.export import recap_files, transcript_files
from jobs.export.labels import sentence
from jobs.programme import Talk
from worker import local
from worker.bucket.edits import versions
from worker.bucket.place import Place
from worker.bucket.reading import parsed
from worker.bucket.storage import FolderStorage
from worker.desk import here
from worker.desk.layout import Wish as Shape
from worker.desk.signoff import Wish as Approval

NAME = "einzel.mp3"


class Desk:
    """A recording on this machine, what `nachlese run` has made of it, and what an editor does with that."""

    def __init__(self, settings, folder, recording, words=("-i",)):
        self.settings, self.out, self.recording = settings, folder / "out", folder / "recordings" / NAME
        self.recording.parent.mkdir()
        subprocess.run(["ffmpeg", "-v", "error", *words, recording, self.recording], check=True)
        self.made = self.out / folder_of(NAME)

    def run(self, **wish):
        outcome = local.run(self.recording, local.Wish(self.out, **wish), self.settings)
        assert outcome.manifest is not None, outcome.failure

    def read(self, name):
        return (self.made / name).read_bytes()

    def transcript(self):
        return json.loads(self.read("transcript.json"))

    def words(self):
        return [word["text"] for utterance in self.transcript()["utterances"] for word in utterance["words"]]

    def edited(self, path, place, text):
        """The current transcript with one word written otherwise, at `path`."""
        transcript = self.transcript()
        [word for utterance in transcript["utterances"] for word in utterance["words"]][place]["text"] = text
        path.write_text(json.dumps(transcript))
        return path

    def correct(self, path, **known):
        return here.correct(NAME, path, self.out, self.settings, **known)

    def sign(self, file=None, **known):
        return here.sign(NAME, Approval("Kim Ott", file, **known), self.out, self.settings)

    def place(self):
        manifest = parsed(self.read(MANIFEST), Manifest)
        return Place(manifest.recording, FolderStorage(self.out), folder_of(NAME), NAME)

    def versions(self):
        return versions(self.place())

    def deliver(self, recap, transcript):
        """Richer files than the fake engines lead to, of the same recording."""
        place = self.place()
        recap, transcript = (replace(one, recording_id=place.recording.id) for one in (recap, transcript))
        files = (
            *transcript_files(transcript, Talk(), labels()),
            *recap_files(replace(recap, open_questions=()), transcript, Talk(), labels()),
        )
        for file in files:
            place.write(file.name, file.data)
        entries = tuple(Entry(file.name, file.media_type, len(file.data), file.sha256) for file in files)
        place.write(MANIFEST, canonical_json(Manifest(place.recording, "0", datetime.now(UTC), entries)))

    def damaged(self):
        """Names of files that aren't the ones that the manifest lists."""
        return {
            entry.name for entry in parsed(self.read(MANIFEST), Manifest).artifacts
            if entry.size_bytes != len(self.read(entry.name))
        }  # fmt: skip


@pytest.fixture
def desk(tmp_path, fixtures):
    (tmp_path / "scratch").mkdir()
    fakes = {"transcribe": {"model": "fake"}, "diarize": {"pipeline": "fake"}}
    made = Desk(load().but(media={"scratch": str(tmp_path / "scratch")}, **fakes), tmp_path, fixtures / "einzel.opus")
    made.run()
    return made


def in_word(path, old, new):
    document = Document(str(path))
    runs = [run for paragraph in document.paragraphs for run in paragraph.runs if old in run.text]
    assert runs
    runs[0].text = runs[0].text.replace(old, new, 1)
    document.save(str(path))


def refused(code, call):
    """What an editor reads where something is refused."""
    with pytest.raises(InputError) as raised:
        call()
    assert raised.value.code == code
    return sentence(labels(), "error", code, {"name": "Die Datei", **raised.value.fields})


def test_every_file_follows_a_correction_at_once_and_outlives_another_run(desk, tmp_path):
    first = desk.words()[0]
    heard = []
    done = desk.correct(
        desk.edited(tmp_path / "mine.json", 0, "Vertrauensfrage"), by="Kim Ott", report=lambda *told: heard.append(told)
    )
    assert (done.number, done.changed > 0) == (1, True)
    assert {told[0] for told in heard} >= {"recap", "store"}
    for name in ("transcript.vtt", "transcript.txt", "transcript.md", "transcript.json", "transcript.html"):
        assert "Vertrauensfrage" in desk.read(name).decode()
    assert labels()["notice.corrected"].format(version=1) in desk.read("transcript.md").decode()
    assert not desk.damaged()
    before = {name: desk.read(name) for name in ("transcript.json", "recap.json", "recap.md", MANIFEST)}
    desk.run()
    assert {name: desk.read(name) for name in before} == before
    machine, mine = desk.versions()
    assert (machine.utterances[0].words[0].text, mine.by) == (first, "Kim Ott")


def test_corrections_follow_each_other_and_are_never_forgotten(desk, tmp_path):
    last = len(desk.words()) - 1
    assert desk.correct(desk.edited(tmp_path / "one.json", 0, "Erstens")).number == 1
    assert desk.correct(desk.edited(tmp_path / "two.json", last, "Zweitens")).number == 2
    assert (desk.words()[0], desk.words()[last]) == ("Erstens", "Zweitens")
    assert [one["code"] for one in desk.transcript()["notices"]].count("corrected") == 1
    assert desk.correct(tmp_path / "two.json").changed == 0
    desk.sign()
    (desk.made / "stale.txt").touch()
    desk.run(fresh=True)
    assert (desk.words()[0], desk.words()[last]) == ("Erstens", "Zweitens")
    assert (desk.made / "signed-0001.recap.md").exists()
    assert not (desk.made / "stale.txt").exists()


def test_what_a_correction_lacks_is_made_by_the_next_call(desk, tmp_path):
    # Interrupted after the version was kept: the files are still the old ones.
    kept = shutil.copytree(desk.made, tmp_path / "before")
    path = desk.edited(tmp_path / "mine.json", 0, "Vertrauensfrage")
    desk.correct(path)
    shutil.copytree(kept, desk.made, dirs_exist_ok=True)
    assert desk.words()[0] != "Vertrauensfrage"
    assert desk.correct(path).changed == 0
    assert desk.words()[0] == "Vertrauensfrage"


def test_documents_may_be_edited_where_they_lie(desk, sample_recap, sample_transcript):
    in_word(desk.made / "transcript.docx", desk.words()[1], "Vertrauensfrage")
    assert desk.correct(desk.made / "transcript.docx").number == 1
    assert desk.words()[1] == "Vertrauensfrage"
    desk.deliver(sample_recap, sample_transcript)
    old, new = "Es geht um Zeitungen mit 140.000", "Thema sind Lokalzeitungen mit 140.000"
    in_word(desk.made / "recap.docx", old, new)
    signature = desk.sign(desk.made / "recap.docx")
    assert f"{new} Abonnenten." in [one.text for one in signature.recap.lead]
    assert len(signature.changes) == 1
    # Once more, in the approved file itself.
    newer = "Es geht um Blätter mit 140.000"
    in_word(desk.made / "signed-0001.recap.docx", new, newer)
    signature = desk.sign(desk.made / "signed-0001.recap.docx")
    assert signature.approval.number == 2
    assert f"{newer} Abonnenten." in [one.text for one in signature.recap.lead]


def test_what_was_edited_where_it_lies_is_never_written_over(desk, tmp_path):
    path = desk.edited(tmp_path / "mine.json", 0, "Vertrauensfrage")
    in_word(desk.made / "recap.docx", "ENTWURF", "MEIN ENTWURF")
    edited = desk.read("recap.docx")
    assert "recap.docx" in refused("edited-here", lambda: desk.correct(path))
    assert (desk.read("recap.docx"), desk.versions()) == (edited, ())
    (desk.made / "recap.docx").rename(desk.made / "meins.docx")
    assert desk.correct(path).number == 1
    assert desk.read("meins.docx") == edited
    desk.edited(desk.made / "transcript.json", 1, "Anders")
    assert "transcript.json" in refused("edited-here", lambda: desk.correct(desk.made / "transcript.json"))
    assert "transcript.json" in refused("edited-here", desk.sign)


def test_what_was_named_on_the_command_line_counts_for_what_is_made_later(desk, tmp_path):
    (tmp_path / "anders.yaml").write_text("titel: Der große Streit\ngäste: Rosa Vogt\nvertraulich: ja\n")
    desk.run(talk=tmp_path / "anders.yaml", shape="newsletter")
    desk.correct(desk.edited(tmp_path / "mine.json", 0, "Vertrauensfrage"))
    made = desk.read("recap.md").decode()
    assert "Der große Streit" in made
    assert json.loads(desk.read("recap.json"))["shape"] == "newsletter"
    assert local.talk_at(NAME, FolderStorage(desk.out)).sensitive
    desk.run()
    assert local.talk_at(NAME, FolderStorage(desk.out)).title is None
    desk.recording.with_suffix(".yaml").write_text("titel: Neben der Aufnahme\n")
    assert local.talk_at(NAME, FolderStorage(desk.out)).title == "Neben der Aufnahme"


def test_another_shape_is_laid_out_beside_the_draft(desk):
    paths = here.pull_shape(NAME, Shape("meldung", desk.out, ("md",)), desk.out)
    assert paths == (desk.made / "recap.meldung.md",)
    assert not desk.damaged()


def test_chapters_are_put_into_a_copy_of_the_recording(desk, sample_recap, sample_transcript):
    told = refused("no-chapters", lambda: here.embed(NAME, desk.out, desk.out, desk.settings))
    assert NAME in told
    desk.deliver(sample_recap, sample_transcript)
    path = here.embed(NAME, desk.out, desk.out, desk.settings)
    assert path == desk.made / "recording-with-chapters.mp3"
    words = ["ffprobe", "-v", "error", "-of", "json", "-show_chapters", str(path)]
    found = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)["chapters"]
    assert next(chapter["tags"]["title"] for chapter in found) == sample_recap.chapters[0].title
    desk.recording.write_bytes(b"another one")
    told = refused("recording-changed", lambda: here.embed(NAME, desk.out, desk.out, desk.settings))
    assert "nachlese run" in told
    desk.recording.unlink()
    told = refused("recording-moved", lambda: here.embed(NAME, desk.out, desk.out, desk.settings))
    assert str(desk.recording) in told
    assert "nachlese run" in told


def test_what_is_not_there_is_told_with_what_is(desk, tmp_path):
    path = desk.edited(tmp_path / "mine.json", 0, "Vertrauensfrage")
    calls = (
        lambda: here.correct("anders.mp3", path, desk.out, desk.settings),
        lambda: here.sign("anders.mp3", Approval("Kim Ott"), desk.out, desk.settings),
        lambda: here.pull_shape("anders.mp3", Shape("meldung", desk.out), desk.out),
        lambda: here.embed("anders.mp3", desk.out, desk.out, desk.settings),
    )
    for call in calls:
        told = refused("not-here", call)
        assert f"„anders.mp3“ liegt in {desk.out}" in told
        assert f"dort liegt: {NAME}." in told
    (desk.made / "recap.json").unlink()
    assert "nachlese run" in refused("no-draft-here", desk.sign)
    told = refused("no-recap-yet-here", lambda: here.pull_shape(NAME, Shape("meldung", desk.out), desk.out))
    assert "rerun" not in told


def test_what_was_pulled_from_a_bucket_is_corrected_there(desk, tmp_path):
    path = desk.edited(tmp_path / "mine.json", 0, "Vertrauensfrage")
    manifest = json.loads(desk.read(MANIFEST))
    manifest["recording"]["uri"] = "s3://stage/einzel.mp3"
    (desk.made / MANIFEST).write_text(json.dumps(manifest))
    assert "--local" in refused("from-bucket", lambda: desk.correct(path))
    assert "--local" in refused("from-bucket", desk.sign)
    assert here.pull_shape(NAME, Shape("meldung", tmp_path), desk.out)


def test_the_commands_need_no_bucket(desk, nachlese, fake_engines, tmp_path, sample_recap, sample_transcript):
    def called(*words, code=0):
        done = nachlese(*words, "--local", desk.out, **fake_engines)
        assert done.code == code, done.err
        return done.out + (done.err if code else "")

    ran = nachlese("run", desk.recording, "--out", desk.out, **fake_engines)
    assert f"nachlese correct {NAME} DATEI --local {desk.out}" in ran.out
    assert f"nachlese sign {NAME} [DATEI] --by NAME --local {desk.out}" in ran.out
    path = desk.edited(tmp_path / "mine.json", 0, "Vertrauensfrage")
    assert "Fassung 1; alle anderen Dateien sind danach neu gemacht" in called("correct", NAME, path, "--by", "Kim Ott")
    assert json.loads(called("correct", NAME, path, "--json")) == {"key": NAME, "version": 1, "changed": 0}
    assert "liegt im selben Ordner" in called("sign", NAME, "--by", "Kim Ott", "--anyway", "so gesagt")
    assert (desk.made / "signed-0001.recap.docx").exists()
    desk.deliver(sample_recap, sample_transcript)
    shaped, copy = called("pull", NAME, "--shape", "social", "--format", "md", "--with-chapters").splitlines()
    assert (shaped, copy) == (str(desk.made / "recap.social.md"), str(desk.made / "recording-with-chapters.mp3"))
    assert str(tmp_path / "x" / "einzel.mp3.nachlese") in called(
        "pull", NAME, "--shape", "social", "--out", tmp_path / "x"
    )
    assert "--shape" in called("pull", NAME, code=2)
    assert "dort liegt: einzel.mp3" in called("sign", "anders.mp3", "--by", "Kim Ott", code=1)
