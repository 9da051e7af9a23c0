"""What is said at once goes to one voice; readers are told of the other."""

import re
from dataclasses import replace
from io import BytesIO

import pytest
from docx import Document

from jobs.edits import corrected
from jobs.export import transcript_docx, transcript_html, transcript_md, transcript_txt
from jobs.export.together import MIN_TOGETHER_S, together
from jobs.export.voices import voices_of
from jobs.timeline import Span
from jobs.transcript import CORRECTED, Notice, Transcript, Turn
from worker.desk.correction import read

ANNA, TWO, CLAIRE = "SPEAKER_01", "SPEAKER_00", "SPEAKER_02"
TOLD = "[gleichzeitig mit Stimme 2]"


def over(transcript: Transcript, *more: Turn) -> Transcript:
    """The sample, in which more is heard."""
    return replace(transcript, turns=tuple(sorted((*transcript.turns, *more))))


def test_nobody_speaks_over_turns_that_follow_each_other(sample_transcript: Transcript) -> None:
    assert together(sample_transcript) == {}


def test_both_voices_of_an_overlap_are_told_of_the_other(sample_transcript: Transcript) -> None:
    heard = over(sample_transcript, Turn(Span(18.0, 20.3), ANNA), Turn(Span(18.5, 19.0), CLAIRE))
    assert together(heard) == {"u0004": (ANNA, CLAIRE)}
    assert together(over(sample_transcript, Turn(Span(20.05, 22.0), TWO))) == {"u0005": (TWO,)}


@pytest.mark.parametrize("seconds", [MIN_TOGETHER_S - 0.02, MIN_TOGETHER_S + 0.02])
def test_what_is_short_is_how_people_take_turns(sample_transcript: Transcript, seconds: float) -> None:
    heard = over(sample_transcript, Turn(Span(3.0, 3.0 + seconds), TWO))
    assert together(heard) == ({"u0001": (TWO,)} if seconds > MIN_TOGETHER_S else {})


def test_a_voice_that_only_the_other_is_heard_in_tells_nothing(sample_transcript: Transcript) -> None:
    """Words reach a little beyond their turn: the other's own time is no overlap."""
    early = tuple(replace(one, span=Span(one.span.start, one.span.end - 1)) if one.speaker == TWO else one
                  for one in sample_transcript.turns if one.span.duration > 1)  # fmt: skip
    assert together(replace(sample_transcript, turns=(*early, Turn(Span(18.9, 20.3), ANNA)))) == {}


def test_of_a_corrected_transcript_the_words_tell(sample_transcript: Transcript) -> None:
    heard = over(sample_transcript, Turn(Span(3.0, 4.0), TWO))
    assert together(replace(heard, notices=(Notice(CORRECTED, {"version": 1}),))) == {}


def test_every_file_that_is_read_tells(sample_transcript, sample_talk, sample_labels) -> None:
    heard = over(sample_transcript, Turn(Span(3.0, 4.0), TWO))
    text = transcript_txt.write(heard, sample_talk, sample_labels).data.decode()
    assert f"zahlreich da sind. {TOLD} Wir sprechen" in text
    assert f"sind. \\[*{TOLD[1:-1]}*\\] Wir" in transcript_md.write(heard, sample_talk, sample_labels).data.decode()
    page = transcript_html.write(heard, sample_talk, sample_labels).data.decode()
    assert f"sind. {TOLD} Wir" in " ".join(re.sub(r"<[^>]*>", "", page).split())
    document = Document(BytesIO(transcript_docx.write(heard, sample_talk, sample_labels).data))
    assert [comment.text for comment in document.comments] == [TOLD[1:-1]]


def test_word_files_come_back_as_they_were(sample_transcript, sample_talk, sample_labels, tmp_path) -> None:
    heard = over(sample_transcript, Turn(Span(3.0, 4.0), TWO))
    path = tmp_path / "transcript.docx"
    path.write_bytes(transcript_docx.write(heard, sample_talk, sample_labels).data)
    assert corrected(heard, read(path).lines, voices_of(heard, sample_labels)) == heard
