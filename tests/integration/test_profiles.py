"""Voices enrolled from one recording and heard again in another, with the real weights; and what lies where."""

import json
import subprocess
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import TypeAdapter

from config.settings import load
from jobs.artifacts import canonical_json, folder_of
from jobs.audio import SAMPLE_RATE, Audio
from jobs.errors import InputError
from jobs.profiles import VOICES
from jobs.programme import Talk
from jobs.timeline import Span
from jobs.transcript import Transcript, Turn, Utterance, Word
from worker.bucket.place import Place
from worker.bucket.storage import FolderStorage, S3Storage
from worker.bucket.tickets import Mark, recording_at, write_mark
from worker.desk import profiles
from worker.job import process
from worker.sound.source import opened

KEY = "talk.wav"
BRANDT, HARTMANN = "Jonas Brandt", "Lena Hartmann"


@pytest.fixture
def on(tmp_path):
    """Settings with profiles enabled, without network."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return load().but(profiles={"enabled": True}, media={"scratch": str(scratch)})


def part(fixtures, name, start=0.0, end=None):
    """Seconds of a fixture: samples, and (start, end, speaker) of the turns that lie in them whole."""
    command = ["ffmpeg", "-v", "error", "-i", str(fixtures / name), "-ac", "1", "-ar", "16000", "-f", "f32le", "-"]
    samples = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)
    stop = end or len(samples) / SAMPLE_RATE
    rows = [line.split() for line in (fixtures / name).with_suffix(".rttm").read_text().splitlines()]
    turns = [(float(row[3]), float(row[3]) + float(row[4]), row[7]) for row in rows]
    inside = [(left - start, right - start, who) for left, right, who in turns if start <= left and right <= stop]
    return samples[round(start * SAMPLE_RATE) : round(stop * SAMPLE_RATE)], inside


def said(turns, recording_id="r-" + "0" * 20, names=None):
    """A transcript with an utterance for each turn; labels are the speakers' names in the reference."""
    utterances = tuple(
        Utterance(f"u{place}", (Word("Ja.", Span(start, end), 0.9, who),), who, "de")
        for place, (start, end, who) in enumerate(turns)
    )
    heard = tuple(Turn(Span(start, end), who) for start, end, who in turns)
    return Transcript(recording_id, 90.0, "de", utterances, heard, names=names or {})


@pytest.fixture
def bucket(tmp_path, fixtures):
    """A finished recording in which an editor has named two of three voices."""
    storage = FolderStorage(tmp_path / "bucket")
    samples, turns = part(fixtures, "gespraech.opus", 0.0, 59.4)
    wav = tmp_path / KEY
    head = ["ffmpeg", "-v", "error", "-f", "f32le", "-ar", "16000", "-ac", "1", "-i", "-"]
    subprocess.run([*head, str(wav)], input=samples.tobytes(), check=True)
    storage.upload(wav, KEY, "audio/wav")
    recording = recording_at(storage, storage.head(KEY))
    named = {"Jonas_Brandt": BRANDT, "Lena_Hartmann": HARTMANN}
    transcript = said(turns, recording.id, named)
    storage.write(folder_of(KEY) + "transcript.json", canonical_json(transcript), "application/json")
    write_mark(storage, KEY, recording.id, Mark.DONE)
    return storage


def enrol(name, bucket, settings, **more):
    wish = profiles.Wish(name, "E-Mail vom 2. November", **{"days": 30, **more})
    return profiles.enrol(wish, KEY, bucket, settings)


def known_again(fixtures, bucket, settings, name, start=0.0):
    samples, turns = part(fixtures, name, start)
    heard = profiles.recognised(said(turns), Talk(), bucket, settings, sound=lambda: Audio(samples))
    return {one.speaker: one.name for one in heard.likenesses}


def test_people_are_known_again_in_another_recording_and_strangers_are_not(on, bucket, fixtures):
    for name in (BRANDT, HARTMANN):
        enrol(name, bucket, on)
    # All of it, so that Anna Lindner speaks for long enough too: nobody enrolled her.
    assert known_again(fixtures, bucket, on, "gespraech.opus").keys() == {"Jonas_Brandt", "Lena_Hartmann"}
    later = known_again(fixtures, bucket, on, "gespraech.opus", 59.5)
    assert later == {"Jonas_Brandt": BRANDT, "Lena_Hartmann": HARTMANN}
    assert known_again(fixtures, bucket, on, "einzel.opus") == {}
    profiles.forget(BRANDT, bucket)
    assert known_again(fixtures, bucket, on, "gespraech.opus", 59.5) == {"Lena_Hartmann": HARTMANN}


def test_a_profile_says_who_agreed_and_until_when_and_its_key_says_nothing(on, bucket):
    before = datetime.now(UTC)
    made = enrol(HARTMANN, bucket, on)
    (stored,) = bucket.list(VOICES)
    kept = json.loads(bucket.read(stored.key))
    assert (kept["name"], kept["consent"]) == (HARTMANN, "E-Mail vom 2. November")
    assert 29 < (datetime.fromisoformat(kept["expires_at"]) - before).days + 1 <= 31
    assert "hartmann" not in stored.key.lower()
    assert made.id in stored.key
    assert len(kept["embedding"]) == 192


@pytest.mark.parametrize(
    ("name", "speaker", "code"),
    [
        ("Anna Lindner", None, "voice-unconfirmed"),
        ("Anna Lindner", "Anna_Lindner", "voice-unconfirmed"),
        (HARTMANN, "Jonas_Brandt", "voice-unconfirmed"),
        (HARTMANN, "SPEAKER_07", "voice-unconfirmed"),
    ],
)
def test_only_a_name_that_an_editor_has_confirmed_is_enrolled(on, bucket, name, speaker, code):
    with pytest.raises(InputError) as caught:
        enrol(name, bucket, on, speaker=speaker)
    assert caught.value.code == code
    assert list(bucket.list(VOICES)) == []


def test_a_protected_source_gives_no_profile(on, bucket):
    bucket.write("talk.yaml", b"vertraulich: ja\n", "text/yaml")
    with pytest.raises(InputError) as caught:
        enrol(HARTMANN, bucket, on)
    assert caught.value.code == "voice-sensitive"


@pytest.mark.parametrize("missing", ["recording", "mark"])
def test_nothing_is_enrolled_from_what_isnt_finished(on, bucket, missing):
    recording = recording_at(bucket, bucket.head(KEY))
    if missing == "recording":
        bucket.delete(KEY)
    else:
        bucket.delete(f"{folder_of(KEY)}stages/{recording.id}/done")
    with pytest.raises(InputError) as caught:
        enrol(HARTMANN, bucket, on)
    assert caught.value.code == {"recording": "not-found", "mark": "under-way"}[missing]


def numbers_in_a_row(value):
    """The longest list of numbers anywhere in a JSON document."""
    if isinstance(value, dict):
        return max((numbers_in_a_row(item) for item in value.values()), default=0)
    if not isinstance(value, list):
        return 0
    inside = max((numbers_in_a_row(item) for item in value), default=0)
    return max(inside, sum(isinstance(item, float) for item in value))


@pytest.mark.parametrize("enabled", [False, True])
def test_no_stage_and_no_file_ever_holds_a_voice(on, bucket, fixtures, enabled):
    enrol(HARTMANN, bucket, on)
    settings = on.but(
        profiles={"enabled": enabled}, transcribe={"model": "fake"}, diarize={"pipeline": "fake", "device": "cpu"}
    )
    bucket.upload(fixtures / "gespraech.opus", "new.opus", "audio/ogg")
    recording = recording_at(bucket, bucket.head("new.opus"))
    place = Place(recording, bucket, folder_of("new.opus"), "new.opus", "new.opus")
    with opened(lambda path: bucket.download("new.opus", path), settings) as source:
        done = process(place, source, Talk(), settings=settings)
    assert done.manifest is not None
    texts = [bucket.read(one.key) for one in bucket.list() if one.key.endswith(".json") and VOICES not in one.key]
    assert len(texts) > 5
    assert max(numbers_in_a_row(json.loads(text)) for text in texts) < 20
    if not enabled:
        assert not any(HARTMANN.encode() in text for text in texts if b'"r-' + recording.id[2:].encode() in text)
        assert done.transcript.likenesses == ()


def test_a_bucket_with_versions_keeps_none_of_a_forgotten_voice(storage: S3Storage):
    status = {"Status": "Enabled"}
    storage.client.put_bucket_versioning(Bucket=storage.bucket, VersioningConfiguration=status)
    one = profiles.Profile(
        "x", "Anna Berg", (0.6, 0.8), "e", datetime.now(UTC), datetime(2099, 1, 1, tzinfo=UTC), "mündlich"
    )
    for _ in range(2):
        storage.write(f"{VOICES}x.json", canonical_json(one), "application/json")
    storage.write(f"{VOICES}y.json", canonical_json(one).replace(b"Anna Berg", b"Lena Ott"), "application/json")
    assert profiles.forget("Anna Berg", storage) == profiles.Forgotten(1, versions_left=False)
    left = storage.client.list_object_versions(Bucket=storage.bucket, Prefix=VOICES)
    assert {each["Key"] for each in (*left.get("Versions", ()), *left.get("DeleteMarkers", ()))} == {f"{VOICES}y.json"}


def test_a_bucket_that_keeps_its_versions_from_us_is_told_of():
    def refuse(_name):
        from botocore.exceptions import ClientError  # noqa: PLC0415

        raise ClientError({"Error": {"Code": "AccessDenied"}}, "ListObjectVersions")

    one = profiles.Profile("x", "Anna Berg", (0.6, 0.8), "e", *[datetime(2099, 1, 1, tzinfo=UTC)] * 2, "mündlich")
    stored = {"Key": f"{VOICES}x.json", "ETag": '"e"', "Size": 1, "LastModified": datetime.now(UTC)}
    client = SimpleNamespace(
        get_paginator=lambda name: SimpleNamespace(
            paginate=lambda **_: [{"Contents": [stored]}] if name == "list_objects_v2" else refuse(name)
        ),
        get_object=lambda **_: {"Body": SimpleNamespace(read=lambda: canonical_json(one))},
        delete_object=lambda **_: None,
    )
    assert profiles.forget("Anna Berg", S3Storage(client, "b")) == profiles.Forgotten(1, versions_left=True)


def test_a_transcript_with_likenesses_reads_back_as_it_was():
    one = profiles.Likeness("SPEAKER_00", "Anna Berg", 0.84, datetime(2026, 11, 3, tzinfo=UTC))
    transcript = Transcript("r-1", 1.0, "de", (), likenesses=(one,))
    assert TypeAdapter(Transcript).validate_json(canonical_json(transcript)) == transcript
