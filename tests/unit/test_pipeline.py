from datetime import UTC, datetime

import pytest

from config.settings import labels
from jobs.audio import AudioTrack, MediaInfo
from jobs.diarize import Diarization, DiarizeOptions
from jobs.doubt import Rules
from jobs.export.labels import sentence
from jobs.interjections import Backchannels
from jobs.pipeline import (
    FEWEST_GUESTS,
    UNANNOUNCED_VOICES,
    diarize_options,
    gap_fields,
    transcribe_options,
    transcript_of,
)
from jobs.programme import Guest, Talk, merged
from jobs.recording import Provenance
from jobs.timeline import Span
from jobs.transcribe import Recognition, Segment, TranscribeOptions
from jobs.transcript import Turn, Word

SIGNED = Provenance("engine", "1", None, "0" * 16, "0.1.0", datetime(2026, 11, 3, tzinfo=UTC))
KNOWN = Backchannels(hums=frozenset({"mhm"}))
TRACKS = (AudioTrack(0, "aac", 2, 48_000), AudioTrack(1, "aac", 1, 48_000), AudioTrack(2, "aac", 1, 48_000))


def media(container_s=20.0, decoded_s=20.0, tracks=TRACKS[:1], track=0):
    return MediaInfo("mp4", container_s, decoded_s, tracks, track)


def joined(about, *texts, turns=((0, 2), (2, 4), (4, 10)), ghosts=()):
    words = tuple(Word(text, Span(place + 1.0, place + 1.5), 0.9) for place, text in enumerate(texts))
    segments = (Segment(words, "en", -0.1, 1.0, 0.0),) if words else ()
    overlapping = (Turn(Span(0, 10), "SPEAKER_00"), Turn(Span(2, 4), "SPEAKER_01"))
    exclusive = tuple(Turn(Span(*span), f"SPEAKER_{place % 2:02}") for place, span in enumerate(turns))
    recognition = Recognition(segments, "en", (Span(1, 9),), SIGNED)
    diarization = Diarization(overlapping, exclusive, SIGNED, ghosts)
    return transcript_of("r-1", about, recognition, diarization, Talk(), Rules(), KNOWN)


def test_a_talk_decides_what_the_engines_are_asked():
    talk = Talk(guests=(Guest("Anna Berg"),), language="de", terms=("Elbkurier",), min_speakers=2, max_speakers=4)
    asked = transcribe_options(talk, languages=("de", "en", "fr"), beam_size=3, batch_size=4)
    assert asked == TranscribeOptions("de", ("de", "en", "fr"), ("Anna Berg", "Elbkurier"), 3, 4)
    detected = transcribe_options(Talk(language="mul"), languages=("de", "en"), beam_size=3, batch_size=4)
    assert detected.language is None
    assert diarize_options(talk) == DiarizeOptions(2, 4)
    assert diarize_options(Talk()) == DiarizeOptions(None, None)


@pytest.mark.parametrize("announced", range(6))
def test_announced_guests_bound_the_voices_from_above_only(announced):
    guests = tuple(Guest(f"Gast {number}") for number in range(announced))
    most = announced + UNANNOUNCED_VOICES if announced >= FEWEST_GUESTS else None
    assert diarize_options(Talk(guests=guests)) == DiarizeOptions(None, most)
    assert diarize_options(Talk(guests=guests, max_speakers=1)) == DiarizeOptions(None, 1)


def test_bounds_that_a_programme_sets_go_before_the_guests_of_a_sidecar():
    sidecar, schedule = Talk(guests=(Guest("A"), Guest("B"))), Talk(max_speakers=7)
    assert diarize_options(merged(sidecar, schedule)) == DiarizeOptions(None, 7)


def test_words_take_exclusive_turns_and_overlapping_ones_are_kept():
    transcript = joined(media(), "so", "we", "talk")
    assert [(u.speaker, u.text) for u in transcript.utterances] == [
        ("SPEAKER_00", "so"), ("SPEAKER_01", "we talk"),
    ]  # fmt: skip
    assert transcript.turns[0].span.overlap(transcript.turns[1].span) == 2
    assert (transcript.language, transcript.duration_s, transcript.notices) == ("en", 20.0, ())
    assert transcript.provenance == (SIGNED, SIGNED)


def test_an_interjection_leaves_the_sentence_around_it_whole():
    transcript = joined(media(), "so", "mhm", "we", "talk", turns=((0, 2), (2, 3), (3, 10)))
    assert [(u.id, u.speaker, u.text) for u in transcript.utterances] == [
        ("u0001", "SPEAKER_00", "so we talk"), ("u0002", "SPEAKER_01", "mhm"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ghosts", "said"),
    [((61.5,), "Bei 1:01 ist"), ((2.0, 61.5), "2 weitere Stimmen sind vermutlich zu hören, die erste bei 0:02")],
)
def test_voices_that_were_left_out_are_told_of(ghosts, said):
    (notice,) = joined(media(), "so", ghosts=ghosts).notices
    assert sentence(labels(), "notice", notice.code, notice.fields).startswith(said)


def test_silence_is_an_empty_transcript_with_a_notice():
    transcript = joined(media())
    assert transcript.utterances == ()
    assert transcript.language == "und"
    assert [notice.code for notice in transcript.notices] == ["no-speech"]


@pytest.mark.parametrize(
    ("claimed", "decoded", "codes"),
    [
        (81.7, 33.0, ["incomplete"]),
        (33.0, 81.7, ["longer-than-claimed"]),
        (20.0, 19.7, []),
        (None, 19.7, []),
        (3600.0, 3597.0, ["incomplete"]),
    ],
)
def test_what_was_decoded_is_compared_with_what_was_claimed(claimed, decoded, codes):
    transcript = joined(media(claimed, decoded), "ja")
    assert [notice.code for notice in transcript.notices] == codes
    for notice in transcript.notices:
        told = sentence(labels(), "notice", notice.code, notice.fields)
        assert "…" not in told
        assert "{" not in told


def test_times_of_a_gap_are_written_as_an_editor_reads_them():
    assert gap_fields(media(4000.0, 60.4)) == {"decoded": "1:00", "claimed": "1:06:40", "missing": 3939.6}


def test_other_tracks_are_mentioned():
    (notice,) = joined(media(tracks=TRACKS, track=1), "ja").notices
    assert (notice.code, dict(notice.fields)) == ("other-tracks", {"track": 1, "others": "0, 2"})
