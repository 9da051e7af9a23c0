"""Somebody answers for a draft: what they approved is kept, told, brought along, and outlives what comes after it."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from docx import Document
from structlog.testing import capture_logs

from config.settings import labels, load
from jobs.artifacts import MANIFEST, Entry, Manifest, canonical_json, folder_of
from jobs.errors import InputError, StorageError
from jobs.export import recap_files, transcript_files
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.recording import Provenance
from jobs.transcript import Notice, Transcript
from worker.bucket.place import Place
from worker.bucket.signatures import keep, latest
from worker.bucket.storage import FolderStorage, S3Storage, Storage
from worker.bucket.tickets import Mark, mark_key, recording_at, write_mark
from worker.desk.signoff import Wish, sign
from worker.desk.status import listing, pull, state_of

KEY = "talks/panel.mp3"
SUBSCRIBERS = "Es geht um Zeitungen mit 140.000 Abonnenten."


class Bucket:
    """A folder with one finished recording, and whoever signs its draft."""

    def __init__(self, folder: Path, storage: Storage, recap: Recap, transcript: Transcript) -> None:
        self.folder, self.settings, self.storage = folder, load(), storage
        self.storage.write(KEY, b"sound", "audio/mpeg")
        self.storage.write("talks/panel.yaml", "titel: Lokaljournalismus\ngäste: Anna Berg, Claire Dunn".encode(), "")
        found = self.storage.head(KEY)
        assert found is not None
        self.place = Place(recording_at(self.storage, found), self.storage, folder_of(KEY), "panel.mp3", KEY)
        self.deliver(recap, transcript)

    def deliver(self, recap: Recap, transcript: Transcript) -> None:
        """What a worker leaves."""
        name = self.place.recording.id
        self.recap, self.transcript = replace(recap, recording_id=name), replace(transcript, recording_id=name)
        talk = Talk(title="Lokaljournalismus")
        files = (
            *transcript_files(self.transcript, talk, labels()),
            *recap_files(self.recap, self.transcript, talk, labels()),
        )
        for file in files:
            self.place.write(file.name, file.data, file.media_type)
        entries = tuple(Entry(f.name, f.media_type, len(f.data), f.sha256) for f in files)
        manifest = Manifest(self.place.recording, "0", datetime.now(UTC), entries)
        self.place.write(MANIFEST, canonical_json(manifest))
        write_mark(self.storage, KEY, name, Mark.DONE)

    def sign(self, file: Path | None = None, by: str = "Kim Ott", anyway: str | None = None) -> int:
        return sign(KEY, Wish(by, file, anyway), self.storage, None, self.settings).approval.number

    def pulled(self, name: str) -> Path:
        folder = self.folder / "editor"
        pull(KEY, self.storage, folder, (name,))
        return folder / "panel.mp3.nachlese" / name

    def edited(self, name: str, old: str, new: str) -> Path:
        """A pulled file in which somebody has written something otherwise, in Word or in an editor."""
        path = self.pulled(name)
        if not name.endswith(".docx"):
            assert old in path.read_text("utf-8")
            path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
            return path
        document = Document(str(path))
        runs = [run for paragraph in document.paragraphs for run in paragraph.runs if old in run.text]
        assert runs
        for run in runs:
            run.text = run.text.replace(old, new)
        document.save(str(path))
        return path

    def read(self, name: str) -> str:
        return (self.place.read(name) or b"").decode()

    def sentence(self) -> str:
        return state_of(KEY, self.storage, None, self.settings).sentence


@pytest.fixture
def bucket(tmp_path: Path, sample_recap: Recap, sample_transcript: Transcript) -> Bucket:
    storage = FolderStorage(tmp_path / "bucket")
    return Bucket(tmp_path, storage, replace(sample_recap, open_questions=()), sample_transcript)


def test_the_draft_as_it_is(bucket: Bucket) -> None:
    draft = bucket.read("recap.md")
    assert bucket.sign() == 1
    assert bucket.read("recap.md") == draft
    signature = json.loads(bucket.read("signed-0001.json"))
    assert signature["recap"]["approval"]["by"] == "Kim Ott"
    assert (signature["changes"], signature["given_sha256"], signature["objections"]) == ([], None, [])
    assert signature["origin"]["transcript_version"] == 0
    front = yaml.safe_load(bucket.read("signed-0001.recap.md").split("---\n")[1])
    assert "machine_generated" not in front
    assert (front["human_reviewed"], front["editorial_responsibility"]) == (True, "Kim Ott")
    for name in ("signed-0001.recap.md", "signed-0001.recap.html", "signed-0001.chapters.json"):
        assert "ENTWURF" not in bucket.read(name)
        assert "freigegeben von Kim Ott" in bucket.read(name)
    assert json.loads(bucket.read("signed-0001.recap.json"))["status"] == "approved"


@pytest.mark.parametrize("name", ["recap.md", "recap.docx", "recap.json"])
def test_an_edited_file_is_approved_with_its_evidence_and_its_difference(bucket: Bucket, name: str) -> None:
    new = "Thema sind Lokalzeitungen mit 140.000 Abonnenten."
    assert bucket.sign(bucket.edited(name, SUBSCRIBERS, new)) == 1
    signature = json.loads(bucket.read("signed-0001.json"))
    (change,) = signature["changes"]
    assert (change["before"]["text"], change["after"]["text"]) == (SUBSCRIBERS, new)
    assert change["after"]["evidence"] == ["u0002"]
    for file in ("signed-0001.recap.md", "signed-0001.recap.html", "signed-0001.recap.json"):
        assert new in bucket.read(file)
        assert SUBSCRIBERS not in bucket.read(file)
    assert f"-{SUBSCRIBERS} (0:04)\n+{new} (0:04)\n" in bucket.read("signed-0001.diff.md")
    assert SUBSCRIBERS in bucket.read("recap.md")


@pytest.mark.parametrize("name", ["recap.md", "recap.docx", "recap.json"])
def test_what_fails_its_check_needs_a_reason(bucket: Bucket, name: str) -> None:
    path = bucket.edited(name, "140.000 Abonnenten", "240.000 Abonnenten")
    with pytest.raises(InputError, match="sign-refuted") as refused:
        bucket.sign(path)
    assert "240.000" in str(refused.value.fields["what"])
    assert "240.000" not in refused.value.detail
    assert latest(bucket.place) is None
    assert bucket.sign(path, anyway="Im Nachgespräch bestätigt") == 1
    signature = latest(bucket.place)
    assert signature is not None
    assert (signature.anyway, [one.flaw.value for one in signature.objections]) == (
        "Im Nachgespräch bestätigt", ["unbacked-number"],
    )  # fmt: skip
    assert "Im Nachgespräch bestätigt" in bucket.read("signed-0001.diff.md")


def test_a_sentence_of_ones_own_is_listed_as_without_evidence(bucket: Bucket) -> None:
    path = bucket.edited("recap.md", "## Zitate", "Das Publikum applaudierte.\n\n## Zitate")
    bucket.sign(path)
    assert "## Ohne Beleg\n\n- Das Publikum applaudierte." in bucket.read("signed-0001.diff.md")


def test_signing_again_changes_nothing_and_another_text_gets_the_next_number(bucket: Bucket) -> None:
    assert [bucket.sign(), bucket.sign()] == [1, 1]
    first = bucket.read("signed-0001.json")
    for name in ("signed-0001.recap.md", "signed-0001.diff.md"):  # what a crash after the first write leaves out
        bucket.storage.delete(bucket.place.folder + name)
    assert bucket.sign() == 1
    assert bucket.read("signed-0001.recap.md")
    assert bucket.sign(by="Lea Jung") == 2
    path = bucket.edited("signed-0002.recap.docx", SUBSCRIBERS, "Thema sind Zeitungen mit 140.000 Abonnenten.")
    assert bucket.sign(path, by="Lea Jung") == 3
    assert "Redaktionell geprüft" not in json.loads(bucket.read("signed-0003.json"))["recap"]["lead"][-1]["text"]
    assert bucket.read("signed-0001.json") == first
    signature = latest(bucket.place)
    assert signature is not None
    assert not keep(bucket.place, signature)


@pytest.mark.parametrize("name", ["recap.md", "recap.docx", "recap.json"])
def test_titles_and_names_that_were_given_stay_when_it_is_signed_once_more(bucket: Bucket, name: str) -> None:
    path = bucket.edited("recap.md", "— Stimme 2", "— Jonas Brandt")
    path.write_text(path.read_text("utf-8").replace("# Lokaljournalismus\n", "# Vertrauen zahlt sich aus\n"), "utf-8")
    assert bucket.sign(path) == 1
    new = "Thema sind Lokalzeitungen mit 140.000 Abonnenten."
    assert bucket.sign(bucket.edited(f"signed-0001.{name}", SUBSCRIBERS, new)) == 2
    text = bucket.read("signed-0002.recap.md")
    assert "# Vertrauen zahlt sich aus\n" in text
    assert "— Jonas Brandt" in text
    (change,) = json.loads(bucket.read("signed-0002.json"))["changes"]
    assert (change["before"]["text"], change["after"]["text"]) == (SUBSCRIBERS, new)
    assert json.loads(bucket.read("transcript.json"))["names"] == dict(bucket.transcript.names)


def test_those_who_sign_at_once_get_numbers_of_their_own(bucket: Bucket) -> None:
    numbers: list[int] = []
    names = [f"Person {number}" for number in range(4)]
    threads = [threading.Thread(target=lambda by=by: numbers.append(bucket.sign(by=by))) for by in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [1, 2, 3, 4]
    kept = [json.loads(bucket.read(f"signed-000{number}.json"))["recap"]["approval"]["by"] for number in (1, 2, 3, 4)]
    assert sorted(kept) == names


def test_a_signature_outlives_what_comes_after_it_and_says_so(bucket: Bucket) -> None:
    bucket.sign()
    assert "Freigegeben von Kim Ott am" in bucket.sentence()
    later = Provenance("extractive", "1", None, "2" * 16, "0.1.0", datetime.now(UTC))
    bucket.deliver(replace(bucket.recap, provenance=later), bucket.transcript)
    assert "Seit der Freigabe geändert" not in bucket.sentence(), "made anew with the same words"
    words = bucket.transcript.utterances[0].words
    other = replace(bucket.transcript.utterances[0], words=(replace(words[0], text="Guten"), *words[1:]))
    told = (Notice("corrected", {"version": 1}),)
    changed = replace(bucket.transcript, utterances=(other, *bucket.transcript.utterances[1:]), notices=told)
    bucket.deliver(replace(bucket.recap, provenance=later), changed)
    bucket.place.write(f"edits/{bucket.place.recording.id}/0001.json", b"{}")
    (state,) = listing("", bucket.storage, None, bucket.settings)
    assert state.approval is not None
    assert (state.version, state.approval.by, state.outdated) == (1, "Kim Ott", True)
    assert "Transkript in Fassung 1." in state.sentence
    assert state.sentence.endswith("erneut freigeben, falls er gelten soll.")
    assert "freigegeben von Kim Ott" in bucket.pulled("signed-0001.recap.md").read_text("utf-8")
    bucket.storage.write(KEY, b"another upload", "audio/mpeg")
    assert bucket.read("signed-0001.json")


def test_an_old_draft_is_refused(bucket: Bucket) -> None:
    paths = [bucket.pulled(name) for name in ("recap.md", "recap.docx", "recap.json")]
    later = Provenance("extractive", "1", None, "2" * 16, "0.1.0", datetime.now(UTC))
    bucket.deliver(replace(bucket.recap, provenance=later), bucket.transcript)
    for path in paths:
        with pytest.raises(InputError, match="sign-old-draft"):
            bucket.sign(path)


def test_what_is_no_draft_of_this_recording_is_refused(bucket: Bucket) -> None:
    path = bucket.folder / "x.md"
    path.write_text("# Etwas ganz anderes\n\nDas hat niemand gesagt.")
    with pytest.raises(InputError, match="sign-foreign"):
        bucket.sign(path)
    for name, data in (("x.pdf", b"%PDF"), ("x.docx", b"PK"), ("x.json", b"[" * 100_000), ("y.json", b"{}")):
        (bucket.folder / name).write_bytes(data)
        with pytest.raises(InputError, match="sign-unreadable"):
            bucket.sign(bucket.folder / name)
    with pytest.raises(InputError, match="sign-nobody"):
        bucket.sign(by=" \n")
    bucket.storage.delete(mark_key(KEY, bucket.place.recording.id, Mark.DONE))
    with pytest.raises(InputError, match="under-way"):
        bucket.sign()


def test_without_a_draft_there_is_nothing_to_sign(bucket: Bucket) -> None:
    bucket.storage.delete(bucket.place.folder + "recap.json")
    with pytest.raises(InputError, match="no-draft"):
        bucket.sign()


def test_a_signature_that_cannot_be_read_is_not_passed_over(bucket: Bucket) -> None:
    bucket.place.write("signed-0007.json", b"<script>")
    with pytest.raises(StorageError, match="signature-unreadable"):
        bucket.sign()
    assert "fertig" in bucket.sentence(), "how the others stand is told nevertheless"


def test_nobodys_name_stands_in_the_log(bucket: Bucket) -> None:
    with capture_logs() as logs:
        bucket.sign(bucket.edited("recap.md", SUBSCRIBERS, "Thema sind Zeitungen mit 140.000 Abonnenten."))
    assert "recap.signed" in [one["event"] for one in logs]
    assert not any(word in json.dumps(logs) for word in ("Kim", "Ott", "Zeitungen", "panel"))


def test_the_command_signs_in_a_real_bucket_and_everybody_reads_it(
    fleet: Any, nachlese: Any, storage: S3Storage, tmp_path: Path, sample_recap: Recap, sample_transcript: Transcript
) -> None:
    bucket = Bucket(tmp_path, storage, replace(sample_recap, open_questions=()), sample_transcript)
    path = bucket.edited("recap.docx", "140.000 Abonnenten", "240.000 Abonnenten")
    command = ("--config", fleet.folder / "nachlese.toml")
    refused = nachlese(*command, "sign", KEY, path, "--by", "Kim Ott")
    assert (refused.code, refused.out) == (1, "")
    assert "„240.000“ kommt im Beleg nicht vor" in refused.err
    done = nachlese(*command, "sign", KEY, path, "--by", "Kim Ott", "--anyway", "Telefonat vom 3. Mai")
    assert done.code == 0, done.err
    assert "ist freigegeben (Nummer 1)" in done.out
    assert "Trotz Einwand freigegeben: „Es geht um Zeitungen mit 240.000 Abonnenten.“" in done.out
    assert nachlese(*command, "sign", KEY, "--by", "Lea Jung", "--json").code == 0
    (state,) = json.loads(nachlese(*command, "ls", "--json").out)
    assert (state["approval"]["by"], state["approval"]["number"], state["outdated"]) == ("Lea Jung", 2, False)
    assert "Freigegeben von Lea Jung" in nachlese(*command, "ls").out
    pulled = json.loads(nachlese(*command, "pull", KEY, "--out", tmp_path / "out", "--json").out)
    names = {Path(one).name for one in pulled}
    assert {"signed-0002.json", "signed-0002.recap.docx", "signed-0002.diff.md", "recap.docx"} <= names
    assert "signed-0001.json" not in names
