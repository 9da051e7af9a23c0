"""What producers upload by mistake or in malice, through the command line."""

import json

import pytest

from jobs.artifacts import folder_of


@pytest.fixture(scope="module")
def worked(nachlese, bad, fake_engines, tmp_path_factory):
    """All of them in one call, a good one last."""
    out = tmp_path_factory.mktemp("out")
    good = tmp_path_factory.mktemp("good") / "gut.wav"
    good.write_bytes((bad.folder / "geheim.wav").read_bytes())
    return nachlese("run", "--out", out, "--", *bad.paths(), good, **fake_engines), out


@pytest.fixture
def called(worked):
    return worked[0]


@pytest.fixture
def out(worked):
    return worked[1]


def failure(out, name):
    return json.loads((out / folder_of(name) / "failure.json").read_text())


def files(out, name):
    return {path.name for path in (out / folder_of(name)).iterdir()}


def test_the_call_ends_with_one_and_without_a_traceback(called):
    assert called.code == 1
    assert "Traceback" not in called.out + called.err


def test_each_is_refused_for_its_own_reason(bad, out):
    assert {name: failure(out, name)["code"] for name in bad.codes} == bad.codes


def test_each_producer_reads_one_german_sentence_with_the_files_name_and_a_remedy(called, bad, out):
    for name in bad.codes:
        told = failure(out, name)
        assert f"„{name}“" in told["message"]
        assert "bitte" in told["message"].lower()
        assert "…" not in told["message"]
        assert told["message"] in called.err
        assert (told["retryable"], told["partial"]) == (False, False)


def test_ops_read_english_without_the_name(bad, out):
    for name in bad.codes:
        assert failure(out, name)["detail"]
        assert name.partition(".")[0] not in failure(out, name)["detail"]


def test_nothing_is_made_of_them(bad, out):
    assert {name: files(out, name) for name in bad.codes} == {name: {"failure.json"} for name in bad.codes}


def test_of_a_truncated_one_is_made_what_can_be_read(bad, out):
    told = failure(out, bad.truncated)
    assert (told["code"], told["partial"]) == ("incomplete", True)
    assert "0:12" in told["message"]
    assert {"manifest.json", "transcript.vtt", "recap.md"} <= files(out, bad.truncated)
    transcript = json.loads((out / folder_of(bad.truncated) / "transcript.json").read_text())
    assert 8 < transcript["duration_s"] < 16
    assert [notice["code"] for notice in transcript["notices"]] == ["incomplete"]
    assert transcript["utterances"]


def test_a_good_one_after_them_is_finished(out):
    assert "manifest.json" in files(out, "gut.wav")
    assert "failure.json" not in files(out, "gut.wav")


def test_a_neighbour_that_a_script_points_at_is_never_read(called, bad, out):
    everything = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert bad.secret not in called.out + called.err
    assert bad.secret.encode() not in everything
    assert {path.name for path in out.iterdir()} == {
        folder_of(name)[:-1] for name in (*bad.codes, bad.truncated, "gut.wav")
    }


def test_logs_name_recordings_by_id_alone(called, bad):
    lines = [json.dumps(event, ensure_ascii=False) for event in called.events]
    assert lines
    for name in (*bad.codes, bad.truncated, "gut.wav"):
        stem = name.rpartition(".")[0]
        assert not [line for line in lines if f"{stem}." in line or (len(stem) > 4 and stem in line)]


def test_a_file_that_is_not_there_is_told_and_the_others_are_worked_on(nachlese, bad, fake_engines, tmp_path):
    good = bad.folder / "geheim.wav"
    called = nachlese("run", tmp_path / "fehlt.mp3", good, "--out", tmp_path / "out", **fake_engines)
    assert called.code == 1
    assert "fehlt.mp3“ gibt es dort nicht" in called.err
    assert "manifest.json" in files(tmp_path / "out", "geheim.wav")


def test_a_name_that_is_no_text_is_told_and_the_others_are_worked_on(nachlese, bad, fake_engines, tmp_path):
    odd = tmp_path / b"Gespr\xe4ch.wav".decode(errors="surrogateescape")
    good = bad.folder / "geheim.wav"
    odd.write_bytes(good.read_bytes())
    called = nachlese("run", odd, good, "--out", tmp_path / "out", **fake_engines)
    assert called.code == 1
    assert "bitte umbenennen" in called.err
    assert "Traceback" not in called.err
    assert "manifest.json" in files(tmp_path / "out", "geheim.wav")


def test_voices_nobody_understands_are_told(nachlese, bad, fake_engines, tmp_path):
    called = nachlese(
        "run", bad.folder / "geheim.wav", "--voices", "viele", "--out", tmp_path, "--json", **fake_engines
    )
    assert called.code == 1
    (answer,) = json.loads(called.out)
    assert answer["failure"]["code"] == "bad-sidecar"
    assert answer["artifacts"] == []
