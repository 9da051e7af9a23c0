"""`nachlese run` in a process of its own, as a producer calls it."""

import hashlib
import json
import signal

import pysubs2
import pytest
import webvtt

NAMES = ("gespraech.opus", "einzel.opus", "zwiegespraech.opus", "zweisprachig.opus", "wechsel.opus", "stille.flac",
         "rauschen.flac", "musik.opus", "namen.opus")  # fmt: skip


@pytest.fixture
def einzel(fixtures):
    return fixtures / "einzel.opus"


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def without_dates(text):
    """A transcript but for the moment it was made."""
    transcript = json.loads(text)
    for signed in transcript["provenance"]:
        del signed["created_at"]
    return transcript


def test_all_went_well(demo_run):
    assert demo_run.called.code == 0, demo_run.called.err
    assert {path.name for path in demo_run.out.iterdir()} == {f"{name}.nachlese" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_listed_and_is_what_the_manifest_says(demo_run, name):
    folder = demo_run.folder(name)
    manifest = json.loads((folder / "manifest.json").read_text())
    listed = {entry["name"]: (entry["size_bytes"], entry["sha256"]) for entry in manifest["artifacts"]}
    found = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    del found["manifest.json"]
    assert listed == {key: (len(data), hashlib.sha256(data).hexdigest()) for key, data in found.items()}
    assert f"Dateien in {folder}:" in demo_run.called.out
    assert all(f"  {entry}\n" in demo_run.called.out for entry in listed)


@pytest.mark.parametrize("name", NAMES)
def test_the_manifest_is_the_youngest_file(demo_run, name):
    times = {path: path.stat().st_mtime_ns for path in demo_run.folder(name).rglob("*") if path.is_file()}
    assert max(times, key=times.__getitem__) == demo_run.folder(name) / "manifest.json"


@pytest.mark.parametrize("name", NAMES)
def test_subtitles_are_what_other_programs_read(demo_run, name):
    folder = demo_run.folder(name)
    words = [word["text"] for utterance in demo_run.transcript(name)["utterances"] for word in utterance["words"]]
    shown = " ".join(cue.text for cue in webvtt.read(folder / "transcript.vtt"))
    assert shown.split() == words
    lines = " ".join(cue.plaintext for cue in pysubs2.load(str(folder / "transcript.srt")))
    assert set(lines.split()) >= set(words or ["Transkript", "leer."])


def test_the_head_of_the_recap_is_shown(demo_run):
    recap = json.loads((demo_run.folder("gespraech.opus") / "recap.json").read_text())
    shown = demo_run.called.out
    assert "ENTWURF – maschinell erstellt, redaktionell ungeprüft" in shown
    assert recap["headline"]["text"] in shown
    assert all(sentence["text"] in shown for sentence in recap["lead"])
    assert shown.count("keine Sprache gefunden") == 3


def test_progress_is_on_stderr_and_results_on_stdout(demo_run):
    assert "stage.started" in demo_run.called.names()
    assert demo_run.called.names().count("recording.finished") == len(NAMES)
    assert '"event"' not in demo_run.called.out


def test_no_log_line_holds_a_name_or_a_word_of_what_was_said(demo_run, fixtures):
    lines = [json.dumps(event, ensure_ascii=False).lower() for event in demo_run.called.events]
    assert len(lines) > 30
    texts = [(fixtures / f"{name}.txt").read_text() for name in ("gespraech", "einzel", "zwiegespraech")]
    texts += [word["text"] for u in demo_run.transcript("gespraech.opus")["utterances"] for word in u["words"]]
    secret = {word.strip(".,?").lower() for text in texts for word in text.split()}
    secret = {word for word in secret if len(word) > 6} | {"brandt", "lindner", "jonas"}
    secret |= {name.partition(".")[0] for name in NAMES}
    assert len(secret) > 60
    assert not [(word, line) for word in secret for line in lines if word in line]


def test_a_second_call_takes_every_stage_over(demo_run, nachlese, fixtures):
    folder = demo_run.folder("gespraech.opus")
    before = {path: path.stat().st_mtime_ns for path in (folder / "stages").rglob("*.json")}
    transcript = (folder / "transcript.json").read_bytes()
    called = nachlese("run", fixtures / "gespraech.opus", "--out", demo_run.out, "--json")
    assert called.code == 0, called.err
    # The files are written anew, from results that are all there.
    assert {event["stage"] for event in called.events if event["event"] == "stage.finished"} == {"files"}
    assert not [event for event in called.events if event.get("stage") in {"decode", "transcribe", "diarize"}]
    assert {path: path.stat().st_mtime_ns for path in (folder / "stages").rglob("*.json")} == before
    assert (folder / "transcript.json").read_bytes() == transcript

    (answer,) = json.loads(called.out)
    assert answer["file"] == str(fixtures / "gespraech.opus")
    assert (answer["folder"], answer["failure"]) == (str(folder), None)
    assert str(folder / "recap.md") in answer["artifacts"]


def test_fresh_takes_nothing_over(nachlese, einzel, fake_engines, tmp_path):
    def finished(*words):
        called = nachlese("run", einzel, "--out", tmp_path / "out", *words, **fake_engines)
        assert called.code == 0, called.err
        return [event["stage"] for event in called.events if event["event"] == "stage.finished"]

    everything = ["files", "media", "recap", "turns", "words"]
    assert sorted(finished()) == everything
    (tmp_path / "out" / "einzel.opus.nachlese" / "stale.txt").touch()
    assert sorted(finished("--fresh")) == everything
    assert not (tmp_path / "out" / "einzel.opus.nachlese" / "stale.txt").exists()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"NACHLESE_STORAGE__BUKET": "x"}, "storage.buket"),
        ({"NACHLESE_CONFIG": "/nowhere/nachlese.toml"}, "/nowhere/nachlese.toml"),
        ({"NACHLESE_TRANSCRIBE__MODEL": "large-v9"}, "large-v9"),
        ({"NACHLESE_WEIGHTS__FOLDER": "/nowhere"}, "nachlese weights fetch whisper-base"),
    ],
)
def test_a_machine_that_is_not_set_up_is_told_with_the_remedy(nachlese, einzel, tmp_path, wrong, named):
    called = nachlese("run", einzel, "--out", tmp_path / "out", **wrong)
    assert called.code == 2
    assert named in called.err
    assert "Traceback" not in called.err
    assert not list(tmp_path.rglob("manifest.json"))


def test_after_a_kill_the_next_call_goes_on_where_the_first_was(demo_run, resumed_run):
    called, words = resumed_run.called, resumed_run.words
    assert called.code == 0, called.err
    assert (words.read_bytes(), words.stat().st_mtime_ns) == resumed_run.heard
    assert "words" not in [event["stage"] for event in called.events if event["event"] == "stage.finished"]
    resumed = (resumed_run.folder / "transcript.json").read_text()
    at_once = (demo_run.folder("einzel.opus") / "transcript.json").read_text()
    assert without_dates(resumed) == without_dates(at_once)


def test_ctrl_c_ends_at_once_and_says_that_nothing_is_lost(nachlese, einzel, fake_engines, tmp_path):
    slow = fake_engines | {"NACHLESE_DIARIZE__PIPELINE": "packaged"}
    listening = ("env", "--default-signal=INT")  # whoever runs these tests in the background has SIGINT ignored
    code, err = nachlese.break_off(signal.SIGINT, "run", einzel, "--out", tmp_path / "out", under=listening, **slow)
    assert code == 130
    assert "Abgebrochen" in err
    assert "Traceback" not in err
    assert list(tmp_path.rglob("words-*.json"))
    assert not list(tmp_path.rglob("manifest.json"))
