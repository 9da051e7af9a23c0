"""What an editor leaves keeps its times, what is changed gets some, and two editors lose nothing of each other's."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from docx import Document
from docx.oxml.ns import qn
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from jobs.artifacts import canonical_json
from jobs.edits import Edit, Line, applied, corrected, distance, merged
from jobs.errors import InputError
from jobs.export import transcript_docx, transcript_json, transcript_vtt
from jobs.export.cues import Layout
from jobs.export.voices import voices_of
from jobs.script import from_speeches, from_vtt
from jobs.timeline import Span
from jobs.transcript import Doubt, Notice, Transcript, Utterance, Word
from worker.desk.correction import read

NOW = datetime(2026, 11, 3, tzinfo=UTC)


def lines_of(transcript, labels):
    voices = voices_of(transcript, labels)
    return [Line(voices.name(u.speaker), u.text) for u in transcript.utterances]


def changed(transcript, labels, lines):
    return corrected(transcript, lines, voices_of(transcript, labels))


def words(transcript):
    return [word for utterance in transcript.utterances for word in utterance.words]


def with_line(lines, place, text=None, voice=None):
    line = lines[place]
    return [*lines[:place], Line(voice or line.voice, line.text if text is None else text), *lines[place + 1 :]]


@pytest.fixture
def lines(sample_transcript, sample_labels):
    return lines_of(sample_transcript, sample_labels)


def test_an_unchanged_file_changes_nothing(sample_transcript, sample_labels, lines):
    assert changed(sample_transcript, sample_labels, lines) == sample_transcript


def test_a_word_replaced_by_one_keeps_its_time(sample_transcript, sample_labels, lines):
    found = changed(sample_transcript, sample_labels, with_line(lines, 2, "Wie ist die Laune bei Ihnen?"))
    before, after = sample_transcript.utterances[2], found.utterances[2]
    assert after.text == "Wie ist die Laune bei Ihnen?"
    assert [word.span for word in after.words] == [word.span for word in before.words]
    assert not any(word.estimated for word in after.words)
    assert [u for u in found.utterances if u is not after] == [
        u for u in sample_transcript.utterances if u is not before
    ]


def test_words_that_replace_another_number_of_words_share_their_time(sample_transcript, sample_labels, lines):
    text = lines[1].text.replace("140.000 Abonnenten", "rund einhundertvierzigtausend zahlenden Leuten")
    found = changed(sample_transcript, sample_labels, with_line(lines, 1, text)).utterances[1]
    old = sample_transcript.utterances[1].words
    new = [word for word in found.words if word.estimated]
    assert [word.text for word in new] == ["rund", "einhundertvierzigtausend", "zahlenden", "Leuten"]
    place = next(i for i, word in enumerate(old) if word.text == "140.000")
    assert new[0].span.start == old[place].span.start
    assert new[-1].span.end == pytest.approx(old[place + 1].span.end)


def test_words_put_in_get_a_time_between_their_neighbours(sample_transcript, sample_labels, lines):
    found = changed(sample_transcript, sample_labels, with_line(lines, 2, "Wie ist denn wirklich die Lage bei Ihnen?"))
    spans = [word.span for word in found.utterances[2].words]
    assert [span.start for span in spans] == sorted(span.start for span in spans)
    assert all(span.duration > 0 for span in spans)
    assert found.utterances[2].span == sample_transcript.utterances[2].span


def test_what_is_taken_out_is_gone(sample_transcript, sample_labels, lines):
    found = changed(sample_transcript, sample_labels, [*lines[:6], *lines[7:]])
    assert [u.id for u in found.utterances] == [u.id for u in sample_transcript.utterances if u.id != "u0007"]


def test_what_was_changed_is_beyond_doubt_and_the_rest_is_not(sample_transcript, sample_labels, lines):
    kept = changed(sample_transcript, sample_labels, with_line(lines, 2, "Wie geht es?"))
    assert kept.utterance("u0007").doubt is Doubt.BOILERPLATE
    found = changed(sample_transcript, sample_labels, with_line(lines, 6, "Untertitel der Amara-Gemeinde"))
    assert found.utterance("u0007").doubt is None


def test_a_new_name_everywhere_names_the_voice(sample_transcript, sample_labels, lines):
    called = [Line("Dr. Ott" if line.voice == lines[3].voice else line.voice, line.text) for line in lines]
    found = changed(sample_transcript, sample_labels, called)
    assert found.names == {**sample_transcript.names, "SPEAKER_00": "Dr. Ott"}
    assert found.utterances == sample_transcript.utterances


def test_a_new_name_at_one_place_is_a_new_voice(sample_transcript, sample_labels, lines):
    found = changed(sample_transcript, sample_labels, with_line(lines, 3, voice="Dr. Ott"))
    label = found.utterances[3].speaker
    assert label not in sample_transcript.speakers
    assert found.names[label] == "Dr. Ott"
    assert {word.speaker for word in found.utterances[3].words} == {label}
    assert found.utterances[3].text == sample_transcript.utterances[3].text


def test_a_known_name_gives_the_passage_to_that_voice(sample_transcript, sample_labels, lines):
    found = changed(sample_transcript, sample_labels, with_line(lines, 3, voice="Anna Berg"))
    assert found.utterances[3].speaker == "SPEAKER_01"
    assert found.names == sample_transcript.names


def test_a_passage_is_parted_where_another_voice_takes_over(sample_transcript, sample_labels, lines):
    first, second = lines[1].text.split(", ", 1)
    parted = [*lines[:1], Line("Anna Berg", f"{first},"), Line("Claire Dunn", second), *lines[2:]]
    found = changed(sample_transcript, sample_labels, parted)
    assert [(u.id, u.speaker) for u in found.utterances[1:3]] == [("u0002", "SPEAKER_01"), ("u0002b", "SPEAKER_02")]
    assert [w.span for w in words(found)] == [w.span for w in words(sample_transcript)]


def test_another_recording_is_refused(sample_transcript, sample_labels):
    for strange in ([Line("Anna Berg", "Hier steht etwas ganz anderes aus einer fremden Aufnahme.")], []):
        with pytest.raises(InputError) as refused:
            changed(sample_transcript, sample_labels, strange)
        assert refused.value.code == "edit-foreign"


def test_two_editors_at_two_places_lose_nothing(sample_transcript, sample_labels, lines):
    one = changed(sample_transcript, sample_labels, with_line(lines, 2, "Wie ist die Laune bei Ihnen?"))
    two = changed(sample_transcript, sample_labels, with_line(lines, 9, "Readers pay for reporting, never for noise."))
    both = merged(sample_transcript, one, two)
    assert both.utterances[2] == one.utterances[2]
    assert both.utterances[9] == two.utterances[9]
    assert merged(sample_transcript, two, one) == both


def test_two_editors_at_one_place_are_told(sample_transcript, sample_labels, lines):
    one = changed(sample_transcript, sample_labels, with_line(lines, 2, "Wie ist die Laune bei Ihnen?"))
    two = changed(sample_transcript, sample_labels, with_line(lines, 2, "Wie ist die Lage bei euch?"))
    assert merged(sample_transcript, one, one) == one
    with pytest.raises(InputError) as refused:
        merged(sample_transcript, one, two)
    assert (refused.value.code, refused.value.fields) == ("edit-conflict", {"time": "0:10"})


def test_two_names_for_one_voice_are_a_conflict(sample_transcript):
    one, two = (
        replace(sample_transcript, names={**sample_transcript.names, "SPEAKER_00": n}) for n in ("Ott", "Meier")
    )
    assert merged(sample_transcript, sample_transcript, one) == one
    with pytest.raises(InputError, match="edit-conflict"):
        merged(sample_transcript, one, two)


def edit(transcript, number, recording_id=None):
    return Edit(
        recording_id or transcript.recording_id, number, 0, "0" * 64, None, NOW, transcript.utterances, {"A": "B"}
    )


def test_the_latest_version_of_this_recording_counts(sample_transcript):
    short, shorter = (replace(sample_transcript, utterances=sample_transcript.utterances[:n]) for n in (3, 2))
    found = applied(sample_transcript, [edit(shorter, 2), edit(short, 1), edit(sample_transcript, 3, "r-other")])
    assert found.utterances == shorter.utterances
    assert found.names == {**sample_transcript.names, "A": "B"}
    assert found.notices[-1] == Notice("corrected", {"version": 2})
    assert found.turns == sample_transcript.turns


def test_without_a_correction_the_machine_has_the_word(sample_transcript):
    assert applied(sample_transcript, []) is sample_transcript
    assert applied(sample_transcript, [edit(sample_transcript, 0)]) is sample_transcript


def test_a_version_names_its_time_zone(sample_transcript):
    with pytest.raises(ValueError, match="time zone"):
        replace(edit(sample_transcript, 1), made_at=datetime(2026, 11, 3))  # noqa: DTZ001  # that is the point


def test_a_file_is_nearest_to_the_version_it_was_made_from(sample_transcript, sample_labels, lines):
    named = replace(sample_transcript, names={**sample_transcript.names, "SPEAKER_00": "Ott"})
    assert distance(sample_transcript, lines, voices_of(sample_transcript, sample_labels)) == 0
    assert distance(named, lines, voices_of(named, sample_labels)) == 1


TEXTS = st.lists(st.sampled_from(("ja", "nein", "Berlin", "4,9", "Euro", "und", "Rest")), min_size=1, max_size=8).map(
    " ".join
)


@given(st.lists(TEXTS, min_size=1, max_size=5), st.data())
def test_every_word_of_the_editor_is_there_in_order_with_times_in_order(texts, data):
    at, utterances = 0.0, []
    for place, text in enumerate(texts):
        said = []
        for token in text.split():
            said.append(Word(token, Span(at, at + 0.4), 0.9, "SPEAKER_00"))
            at += data.draw(st.sampled_from((0.4, 0.4, 2.0)))
        utterances.append(Utterance(f"u{place + 1:04}", tuple(said), "SPEAKER_00", "de"))
    transcript = Transcript("r-1", at + 1, "de", tuple(utterances))
    edited = [Line("Anna", data.draw(TEXTS)) if data.draw(st.booleans()) else Line("Anna", text) for text in texts]
    labels = {"export.voice": "Stimme {number}", "export.voice_unknown": "?"}
    try:
        found = changed(transcript, labels, edited)
    except InputError:
        return
    assert [word.text for word in words(found)] == " ".join(line.text for line in edited).split()
    starts = [word.span.start for word in words(found)]
    assert starts == sorted(starts)
    assert all(word.span.duration > 0 for word in words(found))
    assert len({u.id for u in found.utterances}) == len(found.utterances)
    assert found.names == {"SPEAKER_00": "Anna"}


@pytest.fixture
def files(tmp_path, sample_transcript, sample_talk, sample_labels):
    """The sample in each format that may come back."""
    made = (
        transcript_json.write(sample_transcript, sample_talk, sample_labels),
        transcript_vtt.write(sample_transcript, sample_talk, sample_labels, Layout()),
        transcript_docx.write(sample_transcript, sample_talk, sample_labels),
    )
    for artifact in made:
        (tmp_path / artifact.name).write_bytes(artifact.data)
    return tmp_path


@pytest.mark.parametrize("name", ["transcript.json", "transcript.vtt", "transcript.docx"])
def test_what_we_wrote_comes_back_as_it_was(name, files, sample_transcript, sample_labels):
    assert changed(sample_transcript, sample_labels, read(files / name).lines) == sample_transcript


def test_subtitles_of_others_are_read_as_well(sample_labels):
    text = (
        "\ufeffWEBVTT\r\n\r\nNOTE x --> y\r\n\r\n1\r\n00:01.000 --> 00:02.000 align:start\r\n<v.loud Tom &amp; Co>"
        "Guten\r\n<i>Tag</i></v>\r\n\r\n00:02.000 --> 00:03.000\r\nA &lt; B\r\n"
    )
    assert from_vtt(text, sample_labels) == (Line("Tom & Co", "Guten Tag"), Line(None, "A < B"))


def test_speeches_are_told_by_name_and_time(sample_labels):
    doubtful = f"[{sample_labels['export.doubtful']}, schlecht verständlich: Und so]"
    paragraphs = [
        "Titel",
        "Anna Berg [00:01:23] Guten",
        "Tag",
        "Tom: [1:02]\n" + doubtful + " weiter.",
        "",
        "Claire [0:03]",
    ]
    assert from_speeches(paragraphs, sample_labels) == (
        Line("Anna Berg", "Guten"), Line("Anna Berg", "Tag"), Line("Tom", "Und so weiter."),
    )  # fmt: skip


def test_a_version_survives_being_stored(sample_transcript):
    stored = canonical_json(edit(sample_transcript, 1))
    assert canonical_json(TypeAdapter(Edit).validate_json(stored)) == stored


def written(path, data):
    path.write_bytes(data)
    return path


def bomb(inside):
    """A document whose body is `inside`, packed."""
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", inside)
    return packed.getvalue()


ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/hostname">]>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">&b;&c;</Types>"""


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.docx", bomb(bytes(51 * 1024 * 1024)), "edit-too-long"),
        ("a.docx", bomb(ENTITIES), "edit-unreadable"),
        ("a.docx", b"PK\x03\x04 and no more", "edit-unreadable"),
        ("a.vtt", b"WEBVTT\n\n" + b"x" * 10 * 1024 * 1024, "edit-too-long"),
        ("a.vtt", b"\xff\xfe\x00", "edit-unreadable"),
        ("a.vtt", b"WEBVTT\n\n" + b"<v " * 100_000, "edit-unreadable"),
        ("a.vtt", b"WEBVTT\n\n0:1 --> 0:2\n" + b"<v " * 100_000, None),
        ("a.vtt", b"WEBVTT\n\n0:1 --> 0:2\n" + b"[zweifelhaft, " * 100_000, None),
        ("a.vtt", b"WEBVTT\n\n0:1 --> 0:2\n" + b"<c.doubt" * 100_000, None),
        ("a.json", b"[" * 100_000, "edit-unreadable"),
        ("a.json", b'{"recording_id": "r-1"}', "edit-unreadable"),
        ("a.txt", b"Anna [0:01] Hallo", "edit-unreadable"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_hostile_files_are_bounded(tmp_path, name, data, code):
    """Those without a code hold strange words or none: what counts is that reading them ends, and soon."""
    path = written(tmp_path / name, data)
    if code is None:
        with suppress(InputError):
            read(path)
        return
    with pytest.raises(InputError) as refused:
        read(path)
    assert refused.value.code == code


def test_changes_marked_in_word_count_as_accepted(files):
    document = Document(str(files / "transcript.docx"))
    paragraph = next(p for p in document.paragraphs if "Lage bei Ihnen" in p.text)
    runs = [run for run in paragraph.runs if "Lage bei Ihnen" in run.text]
    runs[0].text = runs[0].text.replace("Lage bei Ihnen", "Lage bei")
    added = paragraph._p.makeelement(qn("w:ins"), {qn("w:author"): "x"})
    removed = paragraph._p.makeelement(qn("w:del"), {qn("w:author"): "x"})
    for mark, tag, text in ((added, "w:t", " euch?"), (removed, "w:delText", " Ihnen?")):
        run = mark.makeelement(qn("w:r"))
        told = run.makeelement(qn(tag))
        told.text = text
        run.append(told)
        mark.append(run)
        runs[0]._r.addnext(mark)
    document.save(str(files / "transcript.docx"))
    texts = " ".join(line.text for line in read(files / "transcript.docx").lines)
    assert "Lage bei? euch?" in texts or "Lage bei euch?" in texts
    assert "Ihnen?" not in texts


@pytest.mark.parametrize("name", ["transcript.json", "transcript.vtt", "transcript.docx"])
def test_a_file_says_which_version_it_was_made_from(name, sample_transcript, sample_talk, sample_labels, tmp_path):
    third = replace(sample_transcript, notices=(Notice("corrected", {"version": 3}),))
    writers = {
        "transcript.json": transcript_json.write,
        "transcript.vtt": partial(transcript_vtt.write, layout=Layout()),
        "transcript.docx": transcript_docx.write,
    }
    artifact = writers[name](third, sample_talk, sample_labels)
    assert read(written(tmp_path / name, artifact.data)).version == 3
