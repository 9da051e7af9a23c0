import hashlib
import json
import os
from pathlib import Path

import pytest

from config.settings import load
from jobs.artifacts import FAILURE, folder_of
from jobs.errors import InputError
from jobs.programme import Talk
from worker import local


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "Gespräch.mp3"
    path.write_bytes(b"sound")
    return path


def talk(path, given=None, language=None, voices=None):
    return local.talk_of(path, given, language=language, voices=voices)


def test_without_a_sidecar_nothing_is_known(recording):
    assert talk(recording) == Talk()


def test_the_sidecar_beside_a_recording_is_read(recording):
    recording.with_suffix(".yaml").write_text("titel: Der Tag\nsprache: de\nstimmen: 2-3\n")
    assert talk(recording) == Talk(title="Der Tag", language="de", min_speakers=2, max_speakers=3)


def test_a_sidecar_given_goes_before_the_one_beside(recording, tmp_path):
    recording.with_suffix(".yaml").write_text("titel: Neben")
    (tmp_path / "anders.yaml").write_text("titel: Gegeben")
    assert talk(recording, tmp_path / "anders.yaml").title == "Gegeben"


def test_the_command_line_overrules_the_sidecar(recording):
    recording.with_suffix(".yaml").write_text("titel: Der Tag\nsprache: de\nstimmen: 2-3\n")
    said = talk(recording, language="en", voices="5")
    assert (said.title, said.language, said.min_speakers, said.max_speakers) == ("Der Tag", "en", None, 5)
    assert talk(recording, language="auto").language is None


@pytest.mark.parametrize("content", ["titel: [", "unsinn: 1", "- a\n- b", "titel: " + "x" * 300_000])
def test_a_sidecar_nobody_can_read_is_the_producers_to_correct(recording, content):
    recording.with_suffix(".yaml").write_text(content)
    with pytest.raises(InputError) as error:
        talk(recording)
    assert error.value.code == "bad-sidecar"


def test_a_sidecar_given_that_is_not_there_is_told(recording, tmp_path):
    with pytest.raises(InputError) as error:
        talk(recording, tmp_path / "fehlt.yaml")
    assert (error.value.code, error.value.fields["name"]) == ("not-found", "fehlt.yaml")


def test_voices_nobody_understands_are_told(recording):
    with pytest.raises(InputError, match="bad-sidecar"):
        talk(recording, voices="viele")


def test_a_recording_at_fault_gets_its_failure_where_its_files_would_lie(recording, tmp_path):
    recording.with_suffix(".yaml").write_text("unsinn: 1")
    outcome = local.run(recording, local.Wish(tmp_path / "out"), load())
    written = tmp_path / "out" / folder_of("Gespräch.mp3") / FAILURE
    told = json.loads(written.read_text())
    assert outcome.manifest is None
    assert outcome.failure is not None
    assert told["message"] == outcome.failure.message
    assert "„Gespräch.mp3“" in told["message"]
    assert "unsinn" in told["message"]
    assert (told["code"], told["retryable"], told["partial"]) == ("bad-sidecar", False, False)
    assert [path.name for path in written.parent.iterdir()] == [FAILURE]


def test_a_recording_is_known_by_its_place_and_its_bytes(recording, tmp_path):
    def known():
        failure = local.run(recording, local.Wish(tmp_path / "out", voices="viele"), load()).failure
        assert failure is not None
        return failure.recording_id

    first = known()
    os.utime(recording, (1, 1))
    assert known() == first
    recording.write_bytes(b"other sound")
    assert known() != first
    assert hashlib.sha256(b"sound").hexdigest()[:20] not in first


def test_names_that_would_share_a_folder_are_found():
    paths = [Path("mon/a.mp3"), Path("tue/b.mp3"), Path("tue/a.mp3"), Path("a.mp3")]
    assert local.doubles(paths) == ("a.mp3",)
    assert local.doubles(paths[:2]) == ()


def test_a_name_that_is_no_text_is_seen(tmp_path):
    assert local.has_plain_name(tmp_path / "Größe 💥 <script>.mp3")
    assert not local.has_plain_name(tmp_path / os.fsdecode(b"Gespr\xe4ch.mp3"))


def test_nobody_drafts_later_or_asks_a_language_model_again(recording, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(local, "process", lambda *_, settings, **__: given.append(settings.recap))
    local.run(recording, local.Wish(tmp_path / "out"), load().but(recap={"queue": "recap", "patience_hours": 48.0}))
    assert [(recap.queue, recap.patience_hours) for recap in given] == [("", 0.0)]
