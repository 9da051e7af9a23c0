"""Voice profiles: what is compared with what, and that nothing is where nobody has agreed to it."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import structlog
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from config.settings import load
from jobs.artifacts import canonical_json
from jobs.errors import InputError, SetupError, StorageError
from jobs.profiles import (
    AHEAD,
    MIN_HEARD_S,
    MOST_HEARD_S,
    PIECE_S,
    SAME_PERSON,
    VOICES,
    Profile,
    clear_speech,
    heard_s,
    likenesses,
    mean_voice,
)
from jobs.programme import Talk
from jobs.timeline import Span
from jobs.transcript import Doubt, Likeness, Transcript, Turn, Utterance, Word
from worker.bucket.storage import FolderStorage
from worker.cli import cli
from worker.desk import profiles

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
YEAR = timedelta(days=365)
ONE, TWO = "SPEAKER_00", "SPEAKER_01"
ON = load().but(profiles={"enabled": True})


def unit(*values):
    vector = np.array(values, float)
    return vector / np.linalg.norm(vector)


def profile(name, vector, *, engine="e", made=NOW, lasts=YEAR):
    return Profile(f"id{name}{made.day}", name, tuple(vector), engine, made, made + lasts, "schriftlich, 1. November")


def compared(voices, *of, engine="e", now=NOW):
    return {one.speaker: one.name for one in likenesses(voices, of, engine=engine, now=now)}


def spoken(*parts):
    """A transcript of (speaker, start, end, doubt or None), each a turn and an utterance."""
    utterances = tuple(
        Utterance(f"u{place}", (Word("Ja.", Span(start, end), 0.9, speaker),), speaker, "de", doubt)
        for place, (speaker, start, end, doubt) in enumerate(parts)
    )
    turns = tuple(Turn(Span(start, end), speaker) for speaker, start, end, _ in parts)
    return Transcript("r-" + "0" * 20, 900.0, "de", utterances, turns)


parts = st.lists(
    st.tuples(
        st.sampled_from([ONE, TWO]), st.integers(0, 600), st.integers(1, 30), st.sampled_from([None, None, Doubt.LOOP])
    ),
    max_size=25,
).map(lambda rows: [(who, float(start), float(start + length), doubt) for who, start, length, doubt in rows])


@given(parts)
def test_clear_speech_is_one_voice_alone_that_nobody_doubts(said):
    transcript = spoken(*said)
    pieces = clear_speech(transcript, ONE)
    sound = [u.span for u in transcript.utterances if u.speaker == ONE and u.doubt is None]
    others = [turn.span for turn in transcript.turns if turn.speaker != ONE]
    for piece in pieces:
        assert any(span.start <= piece.start and piece.end <= span.end for span in sound)
        assert sum(piece.overlap(other) for other in others) == pytest.approx(0.0, abs=1e-9)
        assert PIECE_S / 4 < piece.duration <= PIECE_S + 1e-9
    assert pieces == () or heard_s(pieces) >= MIN_HEARD_S - 1e-9
    assert heard_s(pieces) <= MOST_HEARD_S + 1e-6


def test_pieces_come_from_all_over_a_long_talk():
    pieces = clear_speech(spoken((ONE, 0.0, 800.0, None)), ONE)
    assert list(pieces) == sorted(pieces)
    assert (pieces[0].start, pieces[-1].end) == pytest.approx((0.1, 799.9))
    assert heard_s(pieces) == pytest.approx(MOST_HEARD_S, rel=0.05)


def test_too_little_speech_is_not_compared():
    assert clear_speech(spoken((ONE, 0.0, MIN_HEARD_S - 0.5, None)), ONE) == ()
    assert clear_speech(spoken((ONE, 0.0, MIN_HEARD_S + 0.5, None)), ONE)


vectors = arrays(float, 8, elements=st.floats(-1, 1)).filter(lambda v: np.linalg.norm(v) > 0.1).map(lambda v: unit(*v))


@given(st.lists(vectors, min_size=1, max_size=4), st.lists(vectors, max_size=4), st.randoms())
def test_every_likeness_is_mutual_clear_and_independent_of_order(heard, enrolled, random):
    voices = {f"SPEAKER_{place:02}": vector for place, vector in enumerate(heard)}
    known = [profile(f"P{place}", vector) for place, vector in enumerate(enrolled)]
    found = likenesses(voices, known, engine="e", now=NOW)
    shuffled = random.sample(known, len(known))
    assert likenesses(dict(reversed(voices.items())), shuffled, engine="e", now=NOW) == found
    assert len({one.name for one in found}) == len({one.speaker for one in found}) == len(found)
    for one in found:
        own = float(voices[one.speaker] @ enrolled[int(one.name[1:])])
        rivals = [float(voices[one.speaker] @ other) for place, other in enumerate(enrolled) if f"P{place}" != one.name]
        rivals += [float(v @ enrolled[int(one.name[1:])]) for label, v in voices.items() if label != one.speaker]
        assert own >= SAME_PERSON
        assert all(own >= rival + AHEAD for rival in rivals)
        assert one.similarity == pytest.approx(own, abs=0.006)


def test_a_voice_is_known_again_and_a_stranger_is_not():
    anna, lena = profile("Anna", unit(1, 0, 0)), profile("Lena", unit(0, 1, 0))
    voices = {ONE: unit(1, 0.3, 0), TWO: unit(0, 0, 1)}
    assert compared(voices, anna, lena) == {ONE: "Anna"}


def test_between_two_people_nobody_is_named():
    voices = {ONE: unit(1, 1, 0)}
    assert compared(voices, profile("Anna", unit(1, 0.9, 0)), profile("Lena", unit(0.9, 1, 0))) == {}


def test_one_person_is_not_two_voices():
    voices = {ONE: unit(1, 0.1, 0), TWO: unit(1, 0, 0.1)}
    assert compared(voices, profile("Anna", unit(1, 0, 0))) == {}


def test_the_nearest_of_several_profiles_of_a_person_counts_and_is_no_rival():
    old, new = profile("Anna", unit(1, 1, 0)), profile("Anna", unit(1, 0, 0), made=NOW + timedelta(days=1))
    (found,) = likenesses({ONE: unit(1, 0, 0)}, (old, new), engine="e", now=NOW)
    assert (found.name, found.similarity, found.enrolled_at) == ("Anna", 1.0, new.enrolled_at)


def test_expired_profiles_and_those_of_other_networks_are_never_compared():
    voices = {ONE: unit(1, 0, 0)}
    assert compared(voices, profile("Anna", unit(1, 0, 0)), now=NOW + YEAR - timedelta(seconds=1)) == {ONE: "Anna"}
    assert compared(voices, profile("Anna", unit(1, 0, 0)), now=NOW + YEAR) == {}
    assert compared(voices, profile("Anna", unit(1, 0, 0), engine="f")) == {}
    assert compared(voices, profile("Anna", unit(1, 0, 0, 0))) == {}


def test_a_voice_is_what_its_pieces_have_in_common():
    pieces = np.array([unit(1, 0.5, 0), unit(1, -0.5, 0)])
    assert mean_voice(pieces) == pytest.approx([1, 0, 0])


@pytest.mark.parametrize("embedding", [(), (0.0, 0.0), (3.0, 4.0), (float("nan"), 0.0)])
def test_a_profile_holds_a_unit_vector(embedding):
    with pytest.raises(ValueError, match="unit vector"):
        profile("Anna", embedding)


def test_a_profile_has_times_with_a_zone():
    with pytest.raises(ValueError, match="time zone"):
        profile("Anna", unit(1, 0), made=datetime(2026, 1, 1))  # noqa: DTZ001  # that is the point


class Untouchable:
    """Fails whatever it is asked, and remembers that somebody did."""

    def __init__(self):
        self.asked = []

    def __getattr__(self, name):
        self.asked.append(name)
        raise StorageError("unreachable")

    def __call__(self):
        self.asked.append("called")
        raise StorageError("unreachable")


@pytest.mark.parametrize(("settings", "talk"), [(load(), Talk()), (ON, Talk(sensitive=True))])
def test_nothing_is_heard_read_or_changed_where_profiles_are_off_or_sources_protected(settings, talk):
    transcript = spoken((ONE, 0.0, 60.0, None))
    storage, sound = Untouchable(), Untouchable()
    assert profiles.recognised(transcript, talk, storage, settings, sound=sound) is transcript
    assert storage.asked == sound.asked == []


def test_nothing_is_heard_where_nobody_is_enrolled(tmp_path):
    transcript = spoken((ONE, 0.0, 60.0, None))
    sound = Untouchable()
    assert profiles.recognised(transcript, Talk(), FolderStorage(tmp_path), ON, sound=sound) == transcript
    assert sound.asked == []


def test_a_fault_costs_the_suggestions_only():
    transcript, storage = spoken((ONE, 0.0, 60.0, None)), Untouchable()
    assert profiles.recognised(transcript, Talk(), storage, ON, sound=list) is transcript
    assert storage.asked


def test_a_transcript_has_no_room_for_a_voice():
    assert {field.name for field in fields(Likeness)} == {"speaker", "name", "similarity", "enrolled_at"}


@pytest.fixture
def bucket(tmp_path):
    """A bucket with a valid profile, an expired one and something that is none."""
    storage = FolderStorage(tmp_path)
    now = datetime.now(UTC)
    for place, one in enumerate(
        (
            profile("Anna Berg", unit(3, 4), made=now),
            profile("Lena Ott", unit(1, 0), made=now - 2 * YEAR),
            replace(profile("Anna Berg", unit(0, 1), made=now), id="second"),
        )
    ):
        storage.write(f"{VOICES}{place}.json", canonical_json(one), "application/json")
    storage.write(f"{VOICES}x.json", b"[0.1, 0.2]", "application/json")
    return storage


def held(storage):
    return sorted(stored.key.rpartition("/")[2] for stored in storage.list(VOICES))


def test_a_profile_survives_being_stored(bucket):
    assert [one.name for one in profiles.known(bucket, ON)] == ["Anna Berg", "Anna Berg"]
    assert profiles.known(bucket, ON)[0].embedding in {(0.6, 0.8), (0.0, 1.0)}


def test_what_has_expired_is_removed_by_whoever_looks(bucket):
    profiles.known(bucket, ON)
    assert held(bucket) == ["0.json", "2.json", "x.json"]


def test_all_of_a_person_are_forgotten_even_where_profiles_are_off_by_now(bucket):
    assert profiles.forget("Anna Berg", bucket) == profiles.Forgotten(2, versions_left=False)
    assert held(bucket) == ["1.json", "x.json"]
    with pytest.raises(InputError) as caught:
        profiles.forget("Anna Berg", bucket)
    assert caught.value.code == "voice-unknown"


def test_nothing_is_enrolled_or_listed_where_profiles_are_off(bucket):
    for ask in (
        lambda: profiles.known(bucket, load()),
        lambda: profiles.enrol(profiles.Wish("Anna Berg", "ja", 9), "talk.mp3", bucket, load()),
    ):
        with pytest.raises(SetupError) as caught:
            ask()
        assert caught.value.code == "profiles-off"


def test_people_and_programs_read_everything_but_the_voice(bucket):
    one = profiles.known(bucket, ON)[0]
    sentence, row = profiles.told("listed", one), profiles.shown(one)
    assert "Anna Berg" in sentence
    assert "schriftlich" in sentence
    assert set(row) == {"name", "enrolled_at", "expires_at", "consent", "current"}
    assert row["current"] is False


def test_no_name_and_no_voice_is_logged(bucket):
    with structlog.testing.capture_logs() as logged:
        profiles.known(bucket, ON)
        profiles.forget("Anna Berg", bucket)
        profiles.recognised(spoken((ONE, 0.0, 60.0, None)), Talk(), Untouchable(), ON, sound=list)
    assert {one["event"] for one in logged} == {
        "voices.expired",
        "voices.unreadable",
        "voices.forgotten",
        "voices.failed",
    }
    text = json.dumps(logged)
    assert not any(word in text for word in ("Anna", "Lena", "0.6", "embedding", "schriftlich"))


@pytest.fixture
def call(bucket, monkeypatch):
    monkeypatch.setattr("worker.cli.voices.storage_of", lambda _settings: bucket)
    monkeypatch.setenv("NACHLESE_PROFILES__ENABLED", "true")
    return lambda *words: CliRunner().invoke(cli, ["voices", *words])


def test_the_list_names_people_days_and_consent_and_shows_no_voice(call):
    listed, rows = call("list"), json.loads(call("list", "--json").stdout)
    assert listed.output.count("Anna Berg: angelegt am") == 2
    assert "Lena Ott" not in listed.output
    assert [set(row) for row in rows] == [{"name", "enrolled_at", "expires_at", "consent", "current"}] * 2


def test_a_person_is_forgotten_by_name(call, bucket):
    assert "(2)" in call("forget", " Anna Berg ").output
    assert held(bucket) == ["1.json", "x.json"]
    again = call("forget", "Anna Berg")
    assert again.exit_code == 1
    assert "kein Stimmprofil" in again.output


@pytest.mark.parametrize(
    "words", [("Anna", "a.mp3"), ("Anna", "a.mp3", "--consent", " "), (" ", "a.mp3", "--consent", "ja")]
)
def test_nobody_is_enrolled_without_name_and_consent(call, words):
    assert call("enrol", *words).exit_code == 2


def test_a_recording_that_isnt_there_is_named(call):
    missing = call("enrol", "Anna", "talks/a.mp3", "--consent", "ja")
    assert (missing.exit_code, "„a.mp3“" in missing.output) == (1, True)
