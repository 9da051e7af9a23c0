import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import pytest

from jobs.scoring.measure import Errors, Measure
from jobs.scoring.report import Evaluation, Row, findings
from jobs.scoring.scores import Scores
from worker.scoring.plots import plots

_NAMES = ("talk.mp3", "$a_b$ & <c>.mp3", "ü" * 90)


def drawn(*rows):
    evaluation = Evaluation(tuple(rows), (), "x", 0.25, 5.0, datetime(2026, 11, 22, tzinfo=UTC))
    return {name: data for name, _, data in plots(findings(evaluation))}


def texts(data):
    return {element.text for element in ET.fromstring(data).iter() if element.tag.endswith("text")}  # noqa: S314  # ours


@pytest.fixture
def rows():
    wer = Measure((Errors(confused=1, of=10), *[Errors(of=10)] * 7))
    return [Row(name, Scores(wer=wer, der=wer, word_times=(0.1, 0.2, 0.9))) for name in _NAMES]


def test_every_recording_stands_in_the_picture_whatever_it_is_called(rows):
    found = texts(drawn(*rows)["errors.svg"])
    assert {"talk.mp3", "$a_b$ & <c>.mp3", "WER", "DER"} <= found
    assert "cpWER" not in found
    assert any(text and set(text) == {"ü"} and len(text) < 90 for text in found)


def test_the_same_figures_give_the_same_pictures(rows):
    assert drawn(*rows) == drawn(*rows)
    assert list(drawn(*rows)) == ["errors.svg", "word-times.svg"]


def test_without_figures_there_are_no_pictures():
    assert drawn(Row("a.mp3", failure="not-media"), Row("b.mp3", Scores(), silent=True)) == {}
