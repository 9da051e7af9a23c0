from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from config.settings import labels
from jobs.artifacts import folder_of
from jobs.errors import InputError, StorageError
from jobs.export import recap_files, transcript_files
from jobs.programme import Talk
from jobs.recap import Recap
from worker.bucket.sidecar import read_stored
from worker.bucket.storage import FolderStorage
from worker.desk.layout import Wish, pull_shape

KEY = "talks/0930-panel.mp4"


@pytest.fixture
def storage(tmp_path, sample_recap, sample_transcript, sample_talk):
    storage = FolderStorage(tmp_path / "bucket")
    folder, words = folder_of(KEY), labels()
    recap = replace(sample_recap, open_questions=())
    for one in (
        *transcript_files(sample_transcript, sample_talk, words),
        *recap_files(recap, sample_transcript, sample_talk, words),
    ):
        storage.write(folder + one.name, one.data, one.media_type)
    storage.write("talks/0930-panel.yaml", b"titel: Ein anderer Titel\n", "application/yaml")
    return storage


def test_a_draft_is_laid_out_anew_with_what_the_programme_says_now(tmp_path, storage):
    paths = pull_shape(KEY, Wish("meldung", tmp_path / "out"), storage, read_stored(KEY, storage))
    assert [path.name for path in paths] == ["recap.meldung.md", "recap.meldung.html", "recap.meldung.docx"]
    assert {path.parent.name for path in paths} == {"0930-panel.mp4.nachlese"}
    text = paths[0].read_text("utf-8")
    assert "# Ein anderer Titel" in text
    assert "## Kapitel" not in text


def test_nothing_is_stored(tmp_path, storage):
    before = {stored.key: stored.etag for stored in storage.list("")}
    pull_shape(KEY, Wish("social", tmp_path / "out"), storage, Talk())
    assert {stored.key: stored.etag for stored in storage.list("")} == before


@pytest.mark.parametrize(("formats", "names"), [
    (("md",), ["recap.meldung.md"]),
    (("recap.docx",), ["recap.meldung.docx"]),
    (("recap.meldung.html", "md"), ["recap.meldung.md", "recap.meldung.html"]),
])  # fmt: skip
def test_formats_are_chosen(tmp_path, storage, formats, names):
    assert [path.name for path in pull_shape(KEY, Wish("meldung", tmp_path, formats), storage, Talk())] == names


def test_what_can_not_be_had_is_said(tmp_path, storage):
    cases = (
        ("no-such-shape", KEY, Wish("gedicht", tmp_path)),
        ("no-such-format", KEY, Wish("meldung", tmp_path, ("vtt",))),
        ("no-recap-yet", "talks/other.mp4", Wish("meldung", tmp_path)),
    )
    for code, key, wish in cases:
        with pytest.raises(InputError) as raised:
            pull_shape(key, wish, storage, Talk())
        assert raised.value.code == code
        assert f"error.{code}" in labels()


def test_a_broken_draft_is_no_draft(tmp_path, storage):
    storage.write(folder_of(KEY) + "recap.json", b"{}", "application/json")
    with pytest.raises(StorageError):
        pull_shape(KEY, Wish("meldung", tmp_path), storage, Talk())


def test_a_stored_draft_reads_back_with_its_shape(storage):
    recap = TypeAdapter(Recap).validate_json(storage.read(folder_of(KEY) + "recap.json"))
    assert recap.shape is None
