"""`nachlese evaluate` on recordings of `tests/fixtures`, with real engines, with others' files, and with what fails."""

import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Evaluated:
    folder: Path
    out: Path
    called: object

    @property
    def report(self):
        return json.loads((self.out / "evaluation.json").read_text())

    def row(self, name):
        return next(row for row in self.report["recordings"] if row["name"] == name)


@pytest.fixture(scope="module")
def folder(fixtures, tmp_path_factory):
    """Speech in two languages, a name to spell, silence that is known to be silent, a broken upload, one unknown."""
    made = tmp_path_factory.mktemp("recordings")
    for path in fixtures.glob("zweisprachig.*"):
        (made / path.name).symlink_to(path)
    for name in ("stille.flac", "einzel.opus", "einzel.txt", "einzel.rttm", "rauschen.flac"):
        (made / name).symlink_to(fixtures / name)
    (made / "stille.txt").touch()
    (made / "kaputt.mp3").write_bytes(b"no sound at all" * 99)
    (made / "kaputt.txt").write_text("Das war einmal ein Satz.")
    (made / "unlesbar.opus").symlink_to(fixtures / "einzel.opus")
    (made / "unlesbar.rttm").write_text("SPEAKER was auch immer")
    return made


@pytest.fixture(scope="module")
def evaluated(folder, nachlese, tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluated")
    return Evaluated(folder, out, nachlese("evaluate", folder, "--out", out))


def test_one_failure_does_not_stop_the_rest(evaluated):
    assert evaluated.called.code == 1, evaluated.called.err
    rows = {row["name"]: row["failure"] for row in evaluated.report["recordings"]}
    assert set(rows) == {"einzel.opus", "kaputt.mp3", "stille.flac", "unlesbar.opus", "zweisprachig.opus"}
    assert {name for name, failure in rows.items() if failure is None} == {
        "einzel.opus", "stille.flac", "zweisprachig.opus"
    }  # fmt: skip
    assert rows["unlesbar.opus"].startswith("bad-reference")
    assert evaluated.report["without_reference"] == ["rauschen.flac"]
    assert "kaputt.mp3: " in (evaluated.out / "evaluation.md").read_text()


def test_what_is_known_is_scored(evaluated):
    row = evaluated.row("zweisprachig.opus")
    assert (row["wer"]["of"], row["cpwer"]["of"], row["der"]["of"] > 15) == (76, 76, True)
    assert row["wer"]["rate"] <= 0.10
    assert row["cpwer_minus_wer"]["rate"] <= 0.03
    assert row["der"]["rate"] <= 0.08
    assert row["languages"]["rate"] == 0
    assert row["word_times"]["median_s"] <= 0.3
    assert not {"names", "chapters_missed"} & set(row)


def test_nothing_is_invented_on_silence(evaluated):
    row = evaluated.row("stille.flac")
    assert (row["silent"], row["invented"]["added"]) == (True, 0)
    assert "wer" not in row


def test_totals_are_pooled(evaluated):
    rows = [row for row in evaluated.report["recordings"] if "wer" in row]
    total = evaluated.report["total"]["wer"]
    assert len(rows) == 2
    for count in ("added", "missed", "confused", "of"):
        assert total[count] == sum(row["wer"][count] for row in rows)


def test_plots_are_pictures_that_the_report_shows(evaluated):
    text = (evaluated.out / "evaluation.md").read_text()
    for name in ("errors.svg", "word-times.svg"):
        assert f"]({name})" in text
        assert ET.parse(evaluated.out / name).getroot().tag.endswith("svg")  # noqa: S314  # ours


def test_the_head_of_the_report_is_shown(evaluated):
    assert "| WER |" in evaluated.called.out
    assert str(evaluated.out / "evaluation.md") in evaluated.called.out


def test_no_log_line_names_a_recording_or_a_word_of_it(evaluated):
    lines = [json.dumps(event, ensure_ascii=False).lower() for event in evaluated.called.events]
    assert len(lines) > 5
    secret = {"zweisprachig", "unlesbar", "kaputt", "redaktionen", "newsrooms"}
    assert not [(word, line) for word in secret for line in lines if word in line]


def test_a_second_call_works_on_nothing_anew(evaluated, nachlese):
    called = nachlese("evaluate", evaluated.folder, "--out", evaluated.out, "--json")
    stages = {event["stage"] for event in called.events if event["event"] == "stage.finished"}
    assert not stages & {"media", "words", "turns"}
    answer, before = json.loads(called.out), evaluated.report
    assert answer["total"] == before["total"]
    assert answer["recordings"] == before["recordings"]


def as_seglst(utterance):
    words = utterance["words"]
    return {
        "session_id": "x",
        "speaker": utterance["speaker"],
        "start_time": words[0]["span"]["start"],
        "end_time": max(word["span"]["end"] for word in words),
        "words": " ".join(word["text"] for word in words),
    }


def test_what_others_made_is_scored_alike(evaluated, nachlese, tmp_path):
    """A rival's files, made of ours, get the same scores; marks of doubt and times of words SegLST doesn't have."""
    for name in ("einzel", "zweisprachig"):
        ours = json.loads((evaluated.out / "out" / f"{name}.opus.nachlese" / "transcript.json").read_text())
        (tmp_path / f"{name}.seglst.json").write_text(json.dumps([as_seglst(one) for one in ours["utterances"]]))
        turns = ((turn["span"]["start"], turn["span"]["end"], turn["speaker"]) for turn in ours["turns"])
        lines = (f"SPEAKER x 1 {start} {end - start:.3f} <NA> <NA> {who} <NA> <NA>\n" for start, end, who in turns)
        (tmp_path / f"{name}.rttm").write_text("".join(lines))
    called = nachlese("evaluate", evaluated.folder, "--hypotheses", tmp_path, "--out", tmp_path / "out", "--json")
    assert called.code == 1
    for row in json.loads(called.out)["recordings"]:
        if row["name"] in {"einzel.opus", "zweisprachig.opus"}:
            ours = evaluated.row(row["name"])
            assert {name: row[name] for name in ("wer", "cpwer", "tcpwer", "der", "jer")} == {
                name: ours[name] for name in ("wer", "cpwer", "tcpwer", "der", "jer")
            }
        else:
            assert row["failure"].startswith(("nothing-made-yet", "bad-reference"))


def test_our_own_folders_are_scored_without_work(evaluated, nachlese, tmp_path):
    called = nachlese("evaluate", evaluated.folder, "--hypotheses", evaluated.out / "out", "--out", tmp_path, "--json")
    assert not [event for event in called.events if event["event"] == "stage.finished"]
    assert json.loads(called.out)["total"] == evaluated.report["total"]


def test_what_is_said_to_be_silent_is_scored_as_such(nachlese, fixtures, fake_engines, tmp_path):
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    for name in ("rauschen.flac", "stille.flac"):
        (recordings / name).symlink_to(fixtures / name)
    out = tmp_path / "out"
    called = nachlese("evaluate", recordings, "--silent", "rausch*", "--out", out, "--json", **fake_engines)
    assert called.code == 0, called.err
    answer = json.loads(called.out)
    (row,) = answer["recordings"]
    made = json.loads((out / "out" / "rauschen.flac.nachlese" / "transcript.json").read_text())
    words = sum(len(utterance["words"]) for utterance in made["utterances"])
    assert words
    assert (row["silent"], row["invented"]["added"], row["invented"]["of"]) == (True, words, words)
    assert answer["without_reference"] == ["stille.flac"]


def test_a_folder_without_references_is_wrong_usage(nachlese, fixtures, tmp_path):
    (tmp_path / "stille.flac").symlink_to(fixtures / "stille.flac")
    called = nachlese("evaluate", tmp_path, "--out", tmp_path / "out")
    assert called.code == 2
    assert "reference" in called.err
    assert not (tmp_path / "out").exists()
