import json
from dataclasses import replace
from datetime import UTC, datetime

import markdown_it
import pytest

from jobs.scoring.measure import Errors, Measure
from jobs.scoring.report import Evaluation, Row, by_recording, document, findings, markdown, summary
from jobs.scoring.scores import Scores

_SCORES = Scores(
    wer=Measure((Errors(added=1, missed=2, confused=3, of=100),) * 6 + (Errors(of=100),)),
    cpwer=Measure((Errors(added=1, missed=2, confused=6, of=100),) * 6 + (Errors(of=100),)),
    languages=Measure((Errors(of=1),) * 3 + (Errors(confused=1, of=1),)),
    invented=Measure((Errors(added=4, of=30),)),
    invented_unmarked=Measure((Errors(added=1, of=30),)),
    word_times=(0.1, 0.2, 0.3),
)
_SILENT = Scores(invented=Measure((Errors(added=5, of=5),)), invented_unmarked=Measure((Errors(of=5),)))


@pytest.fixture
def evaluation():
    return Evaluation(
        rows=(
            Row("a|b`c*<script>.mp3", _SCORES),
            Row("stille.flac", _SILENT, silent=True),
            Row("kaputt.mp3", failure="not-media: it | isn't sound"),
        ),
        unscored=("ohne.wav",),
        system="Nachlese 1, whisper-base (int8)",
        collar_s=0.25,
        tcp_collar_s=5.0,
        made_at=datetime(2026, 11, 22, 8, 30, tzinfo=UTC),
    )


def tables(text):
    """The cells of all tables as a reader of GitHub's Markdown sees them."""
    found, row = [], None
    for token in markdown_it.MarkdownIt("gfm-like", {"linkify": False}).parse(text):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append(row := [])
        elif token.type == "inline" and row is not None and found:
            row.append("".join(child.content for child in token.children))
        elif token.type == "table_close":
            row = None
    return found


def test_what_matters_most_comes_first(evaluation):
    head = {cells[0]: cells[1:] for cells in tables(markdown(findings(evaluation)))[0]}
    assert head["Invented in 1 recordings without speech"] == ["5 words, 0 of them unmarked", "", "5 words written"]
    assert head["Invented where nobody speaks, in the others"][0] == "4 words, 1 of them unmarked"
    rate, interval, counted = head["WER"]
    assert (rate, counted) == ("5.1 %", "700 words")
    low, _, high = interval.partition(" to ")
    assert float(low) < 5.1 < float(high)
    assert head["cpWER − WER"][0] == "2.6 %"
    assert head["Utterances in the right language"][0] == "75.0 %"
    assert head["Word times off by"][0] == "median 0.20 s, 95th percentile 0.29 s"
    assert "Wrong names" not in head
    assert summary(findings(evaluation)) in markdown(findings(evaluation))


def test_every_recording_has_a_row_whatever_it_is_called(evaluation):
    words, others = tables(markdown(findings(evaluation)))[1:]
    assert [cells[0] for cells in words] == ["Recording", "a|b`c*<script>.mp3", "stille.flac", "all, pooled"]
    assert all(len(cells) == len(words[0]) for cells in words)
    assert dict(zip(words[0], words[1], strict=True))["cpWER"].startswith("7.7 % (")
    assert dict(zip(others[0], others[-1], strict=True))["Invented words"] == "9 of 35"


def test_failures_and_what_was_left_out_are_named(evaluation):
    text = markdown(findings(evaluation))
    assert "2 of 3 recordings scored" in text
    assert "- kaputt.mp3: not-media: it \\| isn't sound" in text
    assert "left out: ohne.wav" in text


def test_programs_read_the_same(evaluation):
    read = json.loads(json.dumps(document(findings(evaluation)), allow_nan=False))
    first, silent, broken = read["recordings"]
    assert first["wer"] | {"low": 0, "high": 0} == {
        "rate": 0.0514, "low": 0, "high": 0, "added": 6, "missed": 12, "confused": 18, "of": 700
    }  # fmt: skip
    assert read["total"]["invented"]["of"] == 35
    assert read["total"]["cpwer_minus_wer"]["rate"] == 0.0257
    assert (silent["silent"], "wer" in silent) == (True, False)
    assert broken == {"name": "kaputt.mp3", "silent": False, "failure": "not-media: it | isn't sound"}
    assert read["without_reference"] == ["ohne.wav"]


def test_an_evaluation_in_which_everything_failed_is_a_report_still(evaluation):
    empty = findings(Evaluation((evaluation.rows[2],), (), "x", 0.25, 5.0, evaluation.made_at))
    assert "0 of 1 recordings scored" in markdown(empty)
    assert document(empty)["total"] == {}


def test_a_terminal_gets_a_line_for_each_recording_that_was_scored(evaluation):
    hostile = replace(evaluation, rows=(*evaluation.rows, Row("\x1b[2Jb.mp3", _SCORES)))
    head, *lines = by_recording(findings(hostile)).splitlines()
    assert head.split("  ")[-1] == "invented"
    names = ["a|b`c*<script>.mp3", "stille.flac", "\N{REPLACEMENT CHARACTER}[2Jb.mp3"]
    assert [line.split()[0] for line in lines] == names
    shown = [cell.strip() for cell in lines[0].split("  ") if cell.strip()]
    assert shown[1:] == ["5.1 %", "2.6 %", "75.0 %", "4 of 30"]
    assert lines[1].endswith("5 of 5")
