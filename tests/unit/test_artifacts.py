import dataclasses
import hashlib
import json
import math
import string
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from jobs.artifacts import (
    MAX_COMPONENT_BYTES,
    SUFFIX,
    TICKETS,
    Artifact,
    Entry,
    Failure,
    Manifest,
    canonical_json,
    digest,
    folder_of,
    is_own_output,
    sound_key,
    stage_key,
    stages_folder,
    stretch_key,
)
from jobs.audio import AudioTrack, MediaInfo
from jobs.diarize import Diarization
from jobs.recording import Provenance, Recording
from jobs.timeline import Span
from jobs.transcribe import Recognition, Segment
from jobs.transcript import Doubt, Likeness, Notice, Transcript, Turn, Utterance, Word

#: Times and probabilities as they stand in a file: to the millisecond.
milli = st.integers(0, 10**7).map(lambda n: n / 1000)
spans = st.tuples(milli, milli).map(lambda pair: Span(min(pair), max(pair)))
words = st.builds(Word, st.text(), spans, milli, st.none() | st.text())
zones = st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30)), timezone(timedelta(hours=2))])
moments = st.datetimes(timezones=zones)
provenances = st.builds(Provenance, st.text(), st.text(), st.none() | st.text(), st.text(), st.text(), moments)
turns = st.lists(st.builds(Turn, spans, st.text()), max_size=3).map(tuple)
tracks = st.builds(AudioTrack, language=st.none() | st.text(), title=st.none() | st.text())
medias = st.builds(
    MediaInfo, st.text(), st.none() | milli, milli, st.lists(tracks, max_size=3).map(tuple), st.integers(0, 9)
)
segments = st.builds(Segment, st.lists(words, max_size=3).map(tuple), st.text(), milli.map(lambda x: -x), milli, milli)
recognitions = st.builds(
    Recognition, st.lists(segments, max_size=3).map(tuple), st.text(), st.lists(spans).map(tuple), provenances
)
utterances = st.builds(
    Utterance, st.text(), st.lists(words, min_size=1, max_size=3).map(tuple), st.none() | st.text(), st.text(),
    st.none() | st.sampled_from(Doubt),
)  # fmt: skip
notices = st.builds(Notice, st.text(), st.dictionaries(st.text(), st.text() | st.integers(-9, 9) | milli, max_size=3))
likenesses = st.builds(Likeness, st.text(), st.text(), milli, moments)
transcripts = st.builds(
    Transcript, st.text(), milli, st.text(), st.lists(utterances, max_size=3).map(tuple), turns,
    st.dictionaries(st.text(), st.text(), max_size=3), st.lists(likenesses, max_size=2).map(tuple),
    st.lists(notices, max_size=3).map(tuple), st.none() | medias,
    st.lists(provenances, max_size=2).map(tuple),
)  # fmt: skip
recordings = st.builds(
    Recording, st.from_regex(r"r-[0-9a-f]{20}", fullmatch=True), st.text(), st.text(), st.integers(0), moments
)
entries = st.builds(Entry, st.text(), st.text(), st.integers(0), st.text())
manifests = st.builds(Manifest, recordings, st.text(), moments, st.lists(entries, max_size=3).map(tuple), st.text())

#: A file or folder name as a bucket or a disk may hold it.
component = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1).filter(
    lambda text: len(text.encode()) <= MAX_COMPONENT_BYTES
)
keys = st.lists(component, min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Transcript, transcripts),
        (Recognition, recognitions),
        (Diarization, st.builds(Diarization, turns, turns, provenances)),
        (MediaInfo, medias),
        (Manifest, manifests),
    ],
)
def test_what_a_stage_stored_is_read_back_the_same(kind, values):
    @given(values)
    def law(value):
        written = canonical_json(value)
        read = TypeAdapter(kind).validate_json(written)
        assert read == value
        assert canonical_json(read) == written

    law()


@given(st.floats(0, 1e7), st.floats(0, 1e7), st.floats(0, 1))
def test_times_lose_no_more_than_half_a_millisecond_and_never_turn_around(one, other, probability):
    word = Word("ja", Span(min(one, other), max(one, other)), probability)
    read = TypeAdapter(Word).validate_json(canonical_json(word))
    for before, after in ((word.span.start, read.span.start), (word.span.end, read.span.end)):
        assert math.isclose(before, after, rel_tol=1e-12, abs_tol=0.000501)
    assert canonical_json(read) == canonical_json(word)


def test_json_is_utf8_in_the_order_of_the_fields():
    failure = Failure("r-1", "empty-file", "„Größe.mp3“ ist leer.", "0 bytes", False, False, "1", datetime.now(UTC))
    written = canonical_json(failure)
    assert "„Größe.mp3“" in written.decode()
    assert list(json.loads(written)) == [field.name for field in dataclasses.fields(Failure)]
    assert written.endswith(b"}\n")


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_what_json_cannot_say_is_an_error(number):
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json({"probability": number})


@given(st.lists(st.text() | st.integers() | st.none() | st.tuples(st.text()), max_size=4))
def test_a_digest_depends_on_every_value_and_its_place(values):
    found = digest(*values)
    assert len(found) == 16
    assert set(found) <= set(string.hexdigits.lower())
    assert found == digest(*values)
    assert found != digest(*values, None)
    assert found != digest(values)


def test_an_artifact_knows_its_digest():
    assert Artifact("a", "text/plain", b"abc").sha256 == hashlib.sha256(b"abc").hexdigest()


@given(keys)
@example("ä" * 127)
@example("a" * 247)
@example("a" * 248)
@example("talks/" + "💥" * 63)
def test_a_recordings_folder_lies_beside_it_and_fits_any_disk(key):
    folder = folder_of(key)
    assert folder.endswith(f"{SUFFIX}/")
    parent, _, name = folder[:-1].rpartition("/")
    assert parent == key.rpartition("/")[0]
    assert name not in {"", ".", ".."}
    assert "/" not in name
    assert len(name.encode()) <= MAX_COMPONENT_BYTES


@given(st.lists(component, min_size=2, max_size=2, unique=True))
@example(["a" * 254 + "1", "a" * 254 + "2"])
@example(["ü" * 127, "ü" * 126 + "u"])
def test_two_recordings_never_share_a_folder(names):
    assert folder_of(names[0]) != folder_of(names[1])


@given(keys, st.text(min_size=1))
def test_everything_in_a_recordings_folder_is_known_as_ours(key, name):
    assert is_own_output(folder_of(key) + name)
    assert is_own_output(folder_of(key))


@given(keys)
def test_an_upload_is_not_taken_for_ours(key):
    assume(not any(part.endswith(SUFFIX) for part in key.split("/")[:-1]))
    assert not is_own_output(key)


def test_tickets_are_ours():
    assert is_own_output(f"{TICKETS}r-0.json")


@given(st.text("abc", min_size=1), st.sampled_from(["media", "words", "turns"]), st.text("0123456789abcdef"))
def test_a_stage_is_named_after_recording_stage_and_what_it_depends_on(recording, stage, depends_on):
    assert stage_key(recording, stage, depends_on) == f"stages/{recording}/{stage}-{depends_on}.json"


@given(st.integers(0, 999), st.integers(0, 999))
def test_stretches_are_named_in_their_order(one, other):
    names = [stretch_key("r-1", "0" * 16, index) for index in (one, other)]
    assert (names[0] < names[1], names[0] == names[1]) == (one < other, one == other)
    assert all(name.startswith(stages_folder("r-1")) for name in names)


@given(st.lists(st.integers(0, 10**8), min_size=4, max_size=4))
def test_the_sounds_of_two_places_never_share_a_name(borders):
    spans = [Span(min(pair) / 1000, max(pair) / 1000) for pair in (borders[:2], borders[2:])]
    names = [sound_key("r-1", "0" * 16, span) for span in spans]
    assert (names[0] == names[1]) == (spans[0] == spans[1])
    assert all(name.startswith(stages_folder("r-1")) for name in names)
