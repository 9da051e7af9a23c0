"""The script that looks every quote up again knows nothing of our code: it finds what is there, and nothing else."""

import ast
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.export import recap_json, transcript_json
from jobs.programme import Talk
from jobs.recap import Basis, Sentence
from jobs.shapes import WHOLE
from jobs.timeline import Span

SCRIPT = Path(__file__).parents[1] / "verify_quotes.py"


@pytest.fixture
def verified(tmp_path, sample_transcript, sample_labels):
    """Writes drafts side by side and runs the script over them."""

    def run(*recaps):
        for number, recap in enumerate(recaps):
            folder = tmp_path / f"{number}.nachlese"
            folder.mkdir()
            for made in (
                recap_json.write(recap, sample_transcript, Talk(), sample_labels, WHOLE),
                transcript_json.write(sample_transcript, Talk(), sample_labels),
            ):
                (folder / made.name).write_bytes(made.data)
        return subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=False)

    return run


def test_every_quote_of_the_sample_is_found(verified, sample_recap):
    result = verified(sample_recap, sample_recap)
    assert (result.returncode, result.stderr) == (0, "")
    count = len(sample_recap.quotes)
    assert result.stdout.count(f"{count} of {count} quotes found") == 2


SPOILED = {
    "a word": lambda q: replace(q, text=q.text.replace("einziges", "größtes")),
    "a word less": lambda q: replace(q, text=" ".join(q.text.split()[1:])),
    "a full stop": lambda q: replace(q, text=q.text.rstrip(".")),
    "the speaker": lambda q: replace(q, speaker="SPEAKER_01"),
    "the start": lambda q: replace(q, span=Span(q.span.start - 0.5, q.span.end)),
    "the end": lambda q: replace(q, span=Span(q.span.start, q.span.end + 5.0)),
    "the evidence": lambda q: replace(q, evidence=("u0004",)),
    "unknown evidence": lambda q: replace(q, evidence=("u9999",)),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_quote_that_was_not_said_so_is_missed(verified, sample_recap, spoil):
    first, *others = sample_recap.quotes
    result = verified(replace(sample_recap, quotes=(spoil(first), *others)))
    assert result.returncode == 1
    assert "missing: " in result.stdout


@pytest.mark.parametrize(("text", "code"), [
    ("„Das Vertrauen der Leserinnen und Leser ist unser einziges Kapital“, sagt sie.", 0),
    ("„Vertrauen ist unser einziges Kapital“, sagt sie.", 1),
    ("„Das Vertrauen der Leser ist Kapital“, sagt sie.", 1),
])  # fmt: skip
def test_quotation_marks_within_a_sentence_are_looked_up_as_well(verified, sample_recap, text, code):
    lead = (Sentence(text, ("u0006",), Basis.ATTRIBUTED),)
    assert verified(replace(sample_recap, lead=lead)).returncode == code


@pytest.mark.parametrize(("text", "code"), [
    ("Anna Berg: „Das Vertrauen der Leserinnen und Leser ist unser einziges Kapital.“", 1),
    ("Claire Dunn bei 0:20: „Das Vertrauen der Leserinnen und Leser ist unser einziges Kapital.“", 1),
    ("Stimme 2 bei 0:20: „Das Vertrauen der Leserinnen und Leser ist unser einziges Kapital.“", 0),
    ("Stimme 1 bei 0:20: „Das Vertrauen der Leserinnen und Leser ist unser einziges Kapital.“", 1),
    ("Stimme 2 bei 0:25: „Das Vertrauen der Leserinnen und Leser ist unser einziges Kapital.“", 1),
])  # fmt: skip
def test_whoever_is_named_beside_a_quote_must_have_said_it_and_then(verified, sample_recap, text, code):
    lead = (Sentence(text, ("u0006",), Basis.ATTRIBUTED),)
    assert verified(replace(sample_recap, lead=lead)).returncode == code


@pytest.mark.parametrize(("name", "line", "code"), [
    ("recap.social.md", "Zum Reden: „Das Vertrauen der Leserinnen und Leser ist unser einziges Kapital.“ #t", 0),
    ("recap.social.md", "Zum Reden: „Das Vertrauen der Leserinnen und Leser ist unser größtes Kapital.“ #t", 1),
    ("recap.md", "Anna Berg: „Das Vertrauen der Leserinnen und Leser ist unser einziges Kapital.“", 1),
    ("notes.md", "Zum Reden: „Das Vertrauen der Leserinnen und Leser ist unser größtes Kapital.“", 0),
])  # fmt: skip
def test_texts_in_every_shape_are_looked_up(verified, tmp_path, sample_recap, name, line, code):
    assert verified(sample_recap).returncode == 0
    (tmp_path / "0.nachlese" / name).write_text(f'---\ntitle: "T"\n---\n\n{line}\n')
    result = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=False)
    assert result.returncode == code


def test_signed_texts_are_looked_up_on_the_transcript_they_were_signed_on(verified, tmp_path, sample_recap):
    first = sample_recap.quotes[0]
    assert verified(sample_recap, sample_recap).returncode == 0
    spoiled = json.loads((tmp_path / "0.nachlese" / "recap.json").read_text())
    spoiled["quotes"][0]["text"] = first.text.replace("einziges", "größtes")
    signed = tmp_path / "1.nachlese" / "signed-0001.recap.json"
    signed.write_text(json.dumps(spoiled))
    again = [sys.executable, SCRIPT, tmp_path]
    assert subprocess.run(again, capture_output=True, check=False).returncode == 1
    signed.with_name("signed-0001.json").write_text('{"origin": {"transcript_sha256": "00"}}')
    result = subprocess.run(again, capture_output=True, text=True, check=False)
    assert result.returncode == 0
    assert "not looked up" in result.stdout


def test_a_look_back_is_looked_up_in_the_transcripts_of_its_talks(verified, tmp_path, sample_recap):
    assert verified(sample_recap).returncode == 0
    quote = json.loads((tmp_path / "0.nachlese" / "recap.json").read_text())["quotes"][0]
    here = sample_recap.recording_id
    for text, recording, code in ((quote["text"], here, 0), ("Nein.", here, 1), (quote["text"], "r-elsewhere", 1)):
        said = {"recording_id": recording, "quote": {**quote, "text": text}}
        digest = {"themes": [{"said": [said]}], "comparisons": [], "quotes": [], "talks": []}
        (tmp_path / "digest.json").write_text(json.dumps(digest))
        result = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=False)
        assert result.returncode == code


def test_where_there_is_no_draft_nothing_is_proven(tmp_path):
    result = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=False)
    assert result.returncode == 2


def test_it_shares_no_code_with_what_it_checks():
    tree = ast.parse(SCRIPT.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= set(sys.stdlib_module_names)
    assert json.__name__ in names
