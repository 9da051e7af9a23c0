import json

import pytest

from jobs.errors import InputError
from jobs.export import chapters_json, transcript_json
from jobs.export.chapter_marks import chapter_marks
from jobs.programme import Guest, Talk
from jobs.scoring.reference import Segment
from jobs.timeline import Span
from jobs.transcript import Turn, Word
from worker.scoring.references import hypothesis_of, reference_of

_RTTM = """;; made by hand
SPKR-INFO talk 1 <NA> <NA> <NA> unknown anna <NA> <NA>
SPEAKER talk 1 0.500 2.000 <NA> <NA> anna <NA> <NA>
SPEAKER talk 1 2.500 1.500 <NA> <NA> ben <NA> <NA>
"""
_TURNS = (Turn(Span(0.5, 2.5), "anna"), Turn(Span(2.5, 4.0), "ben"))
_SAID = (
    Segment("Guten Tag.", Span(0.5, 2.5), "anna", "de"),
    Segment("Good morning.", Span(2.5, 4.0), "ben", "en"),
)


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "talk.final.mp3"
    path.touch()
    return path


@pytest.fixture
def beside(recording):
    def write(suffix, content):
        text = content if isinstance(content, str) else json.dumps(content)
        recording.with_name(f"talk.final{suffix}").write_text(text)

    return write


def test_nothing_beside_it_is_no_reference(recording):
    assert reference_of(recording) is None


def test_plain_text_is_lines(recording, beside):
    beside(".txt", "Guten Tag.\n\n  Wie geht's? \n")
    assert reference_of(recording).segments == (Segment("Guten Tag."), Segment("Wie geht's?"))
    assert reference_of(recording).speech is None


@pytest.mark.parametrize("text", ["", "\n \n", "\ufeff"])
def test_an_empty_text_is_silence(recording, beside, text):
    beside(".txt", text)
    found = reference_of(recording)
    assert (found.segments, found.is_silent, found.speech) == ((), True, ())


def test_turns_alone_tell_where_somebody_speaks(recording, beside):
    beside(".rttm", _RTTM)
    found = reference_of(recording)
    assert (found.segments, found.turns, found.is_silent) == (None, _TURNS, False)
    assert found.speech == (Span(0.5, 2.5), Span(2.5, 4.0))


def test_as_many_lines_as_turns_belong_together(recording, beside):
    beside(".rttm", _RTTM)
    beside(".txt", "Guten Tag.\nGood morning.\n")
    assert reference_of(recording).segments == tuple(Segment(one.text, one.span, one.speaker) for one in _SAID)


@pytest.mark.parametrize("text", ["Guten Tag.", "Guten Tag.\n" + "Nobody speaks as fast as this. " * 3])
def test_other_lines_and_turns_do_not(recording, beside, text):
    beside(".rttm", _RTTM)
    beside(".txt", text)
    assert all(segment.speaker is None and segment.span is None for segment in reference_of(recording).segments)


def test_segments_are_read_in_their_spellings_and_in_time_order(recording, beside):
    rows = [
        {"start": 2.5, "end": 4, "speaker": "ben", "language": "en", "text": "Good morning."},
        {"start": 0.5, "end": 2.5, "speaker": "anna", "lang": "de", "text": "Guten Tag.", "note": "ignored"},
    ]
    seglst = [
        {"session_id": "talk", "start_time": 0.5, "end_time": 2.5, "speaker": "anna", "language": "de",
         "words": "Guten Tag."},
        {"session_id": "talk", "start_time": 2.5, "end_time": 4.0, "speaker": "ben", "language": "en",
         "words": "Good morning."},
    ]  # fmt: skip
    for suffix, content in ((".json", rows), (".seglst.json", seglst), (".ref.json", rows)):
        beside(suffix, content)
        found = reference_of(recording)
        assert (found.segments, found.turns) == (_SAID, _TURNS)


def test_words_may_be_timed(recording, beside):
    words = [{"start": 0.5, "end": 1.0, "text": "Guten"}, {"start": 1.0, "end": 2.0, "text": "Tag."}]
    beside(".ref.json", [{"start": 0.5, "end": 2.5, "words": words}])
    (found,) = reference_of(recording).segments
    assert found.text == "Guten Tag."
    assert found.words == (Word("Guten", Span(0.5, 1.0), 1.0), Word("Tag.", Span(1.0, 2.0), 1.0))


def test_stm_is_read_without_what_is_not_scored(recording, beside):
    beside(".stm", ";; comment\ntalk A anna 0 2.5 <o,f0,female> Guten Tag.\n"
                   "talk A inter_segment_gap 2.5 2.6 \ntalk 1 x 2.6 2.9 IGNORE_TIME_SEGMENT_IN_SCORING\n"
                   "talk 1 ben 3 4.0\n")  # fmt: skip
    assert reference_of(recording).segments == (
        Segment("<o,f0,female> Guten Tag.", Span(0, 2.5), "anna"), Segment("", Span(3, 4), "ben")
    )  # fmt: skip


def test_names_come_from_their_list_or_from_the_talk(recording, beside):
    beside(".txt", "Hallo")
    talk = Talk(guests=(Guest("Anna Lindner"),), terms=("Elbkurier",))
    assert reference_of(recording, talk).names == ("Anna Lindner", "Elbkurier")
    beside(".names.txt", "# guests\nJonas Brandt\n\n Elbkurier \n")
    assert reference_of(recording, talk).names == ("Jonas Brandt", "Elbkurier")


@pytest.mark.parametrize(
    "content",
    [
        [{"start": 3.4, "title": "Anfang"}, {"start": 127, "title": "Geld"}],
        {"version": "1.2.0", "chapters": [{"startTime": 3.4, "title": "Anfang"}, {"startTime": 127}]},
    ],
)
def test_chapters_are_starts(recording, beside, content):
    beside(".chapters.json", content)
    assert reference_of(recording).chapters == (3.4, 127.0)


def test_labels_are_passages_that_deserve_doubt(recording, beside):
    beside(".doubt.txt", "1.500000\t3.250000\tMusik, laut\n10\t12\n")
    assert reference_of(recording).doubtful == (Span(1.5, 3.25), Span(10, 12))


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".ref.json", "{"),
        (".ref.json", {"start": 1}),
        (".ref.json", [{"start": 4, "end": 2, "text": "geheim"}]),
        (".stm", "talk 1 anna geheim"),
        (".stm", "talk 1 anna 5 geheim x"),
        (".rttm", "SPEAKER talk 1 geheim 2.0 <NA> <NA> anna"),
        (".rttm", "SPEAKER talk 1 0.5"),
        (".rttm", "SPEAKER talk 1 NaN 1 <NA> <NA> anna <NA> <NA>"),
        (".chapters.json", [{"start": -1}]),
        (".doubt.txt", "geheim\t2\n"),
    ],
)
def test_what_cannot_be_understood_is_said_without_saying_what_it_holds(recording, beside, suffix, content):
    beside(suffix, content)
    with pytest.raises(InputError) as caught:
        reference_of(recording)
    assert caught.value.code == "bad-reference"
    assert "geheim" not in str(caught.value)
    assert "talk" not in str(caught.value)


def test_bytes_that_are_no_text_are_not_understood(recording):
    recording.with_suffix(".txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="bad-reference"):
        reference_of(recording)


def test_our_transcript_is_a_hypothesis(tmp_path, sample_transcript, sample_talk, sample_recap, sample_labels):
    folder = tmp_path / "talk.mp3.nachlese"
    folder.mkdir()
    made = transcript_json.write(sample_transcript, sample_talk, sample_labels)
    (folder / made.name).write_bytes(made.data)
    read = hypothesis_of(folder)
    assert [segment.text for segment in read.segments] == [one.text for one in sample_transcript.utterances]
    assert [segment.doubtful for segment in read.segments] == [bool(one.doubt) for one in sample_transcript.utterances]
    assert [segment.words for segment in read.segments] == [one.words for one in sample_transcript.utterances]
    assert (read.turns, read.chapters) == (sample_transcript.turns, None)
    made = chapters_json.write(chapter_marks(sample_recap, sample_transcript, sample_talk, sample_labels))
    (folder / made.name).write_bytes(made.data)
    assert hypothesis_of(folder).chapters == (0.0, 33.0)


def test_a_rival_answers_in_seglst_and_rttm(recording, beside):
    stem = recording.with_suffix("")
    assert hypothesis_of(stem) is None
    beside(".seglst.json", [{"session_id": "x", "speaker": "S1", "start_time": 1, "end_time": 2, "words": "Guten Tag"}])
    assert hypothesis_of(stem).segments == (Segment("Guten Tag", Span(1, 2), "S1"),)
    assert hypothesis_of(stem).turns is None
    beside(".rttm", _RTTM)
    assert hypothesis_of(stem).turns == _TURNS
