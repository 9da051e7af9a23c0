"""How each part of a draft stands, for programs and for readers."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jobs.export import recap_files
from jobs.programme import Talk
from jobs.recap import Approval, Basis, Sentence, Usage
from jobs.signoff import approved


@pytest.fixture
def written(sample_transcript, sample_labels):
    def write(recap):
        files = recap_files(recap, sample_transcript, Talk(), sample_labels)
        return {file.name: file.data.decode(errors="replace") for file in files}

    return write


def test_every_part_has_a_verdict_and_what_fails_its_reason(written, sample_recap):
    false = Sentence("Es geht um Zeitungen mit 240.000 Abonnenten.", ("u0002",), Basis.WRITTEN)
    files = written(replace(sample_recap, lead=(*sample_recap.lead[:1], false)))
    checks = {one["part"]: one for one in json.loads(files["recap.json"])["checks"]}
    assert list(checks) == ["headline", "lead/0", "lead/1", "quotes/0", "quotes/1", "chapters/0",
                            "chapters/0/sentences/0", "chapters/1"]  # fmt: skip
    assert checks["lead/1"]["verdict"] == "fail"
    (reason,) = checks["lead/1"]["reasons"]
    assert "240.000" in reason
    assert all(one["verdict"] == "pass" and not one["reasons"] for part, one in checks.items() if part != "lead/1")
    for name in ("recap.md", "recap.html"):
        assert reason.replace("&", "&amp;")[:9] in files[name]
        assert "Geprüft: 7 von 8 Sätzen, Zitaten und Titeln ohne Einwand." in files[name]


def test_what_somebody_has_approved_was_weighed_by_them(written, sample_recap):
    files = written(approved(sample_recap, Approval("Kim Ott", datetime(2026, 11, 3, tzinfo=UTC), 1)))
    assert json.loads(files["recap.json"])["checks"] == []
    assert "Geprüft:" not in files["recap.md"]


@pytest.mark.parametrize(
    ("usage", "line"),
    [
        (Usage(12, 34_567, 890, 123.4), "Anfragen an ein Sprachmodell: 12; Token: 34.567 gelesen, 890 geschrieben; "
                                        "Kosten nach den eingestellten Preisen: 1,23."),
        (Usage(2, 100, 10), "Anfragen an ein Sprachmodell: 2; Token: 100 gelesen, 10 geschrieben."),
        (Usage(2, None, None), "Anfragen an ein Sprachmodell: 2; Token: unbekannt."),
        (Usage(0, 0, 0), None),
        (None, None),
    ],
)  # fmt: skip
def test_the_foot_says_what_a_language_model_was_asked(written, sample_recap, usage, line):
    files = written(replace(sample_recap, usage=usage))
    for name in ("recap.md", "recap.html"):
        assert ("Sprachmodell" in files[name]) is (line is not None)
        assert line is None or line in files[name]
