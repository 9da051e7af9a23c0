import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import MediaSettings, labels
from jobs.errors import EngineError, InputError, StorageError
from worker.sound import media
from worker.sound.fence import Ended
from worker.sound.media import (
    FORMATS,
    SILENT_DECODERS,
    SOUND_DECODERS,
    decode,
    parse_probe,
    progress_s,
    refusal,
    wav_claim,
)

LIMITS = MediaSettings(max_hours=1, memory_mb=1024, wall_factor=1, wall_min_s=20, scratch="")


def answer(*streams, **container):
    return {"format": {"format_name": "mov", "start_time": "0.0", "duration": "60.0", **container}, "streams": streams}


def sound(**fields):
    return {"codec_type": "audio", "codec_name": "aac", "channels": 2, "sample_rate": "48000", **fields}


VIDEO = {"codec_type": "video", "codec_name": "h264"}


def test_whitelists_hold_nothing_that_opens_other_files():
    assert not {"concat", "hls", "dash", "sdp", "rtsp", "image2", "tedcaptions", "imf", "vapoursynth"} & set(FORMATS)


def test_no_decoder_of_pictures_is_ever_fed():
    assert not set(SOUND_DECODERS) & set(SILENT_DECODERS)
    assert not {"h264", "hevc", "mjpeg", "png", "magicyuv", "ffv1"} & set(SOUND_DECODERS)


def test_tracks_are_counted_among_audio_streams():
    probe = parse_probe(
        answer(VIDEO, sound(tags={"language": "ger", "title": "Saal"}), sound(disposition={"default": 1}, channels=1)),
        estimated=False,
    )
    assert [track.shown.index for track in probe.tracks] == [0, 1]
    assert (probe.tracks[0].shown.language, probe.tracks[0].shown.title) == ("ger", "Saal")
    assert (probe.tracks[1].shown.language, probe.tracks[1].shown.channels) == (None, 1)


def test_default_track_is_chosen_else_the_first():
    one, two = sound(), sound(disposition={"default": 1})
    assert parse_probe(answer(one, two), estimated=False).choose(None).shown.index == 1
    assert parse_probe(answer(one, one), estimated=False).choose(None).shown.index == 0
    assert parse_probe(answer(one, two), estimated=False).choose(0).shown.index == 0


@pytest.mark.parametrize("wanted", [-1, 2, 99])
def test_unknown_track_is_refused_with_the_number_of_tracks(wanted):
    with pytest.raises(InputError) as error:
        parse_probe(answer(sound(), sound()), estimated=False).choose(wanted)
    assert error.value.code == "unknown-track"
    assert dict(error.value.fields) == {"track": wanted, "tracks": 2}


def test_no_audio_stream_is_no_audio_track():
    with pytest.raises(InputError) as error:
        parse_probe(answer(VIDEO), estimated=False).choose(None)
    assert error.value.code == "no-audio-track"


@pytest.mark.parametrize(
    ("stream", "container", "duration", "delay"),
    [
        (sound(duration="20.0"), {}, 20.0, 0.0),
        (sound(duration="20.0", start_time="3.0"), {}, 20.0, 3.0),
        (sound(start_time="3.0"), {}, 57.0, 3.0),
        (sound(start_time="3.0", tags={"DURATION": "00:00:23.500000000"}), {}, 20.5, 3.0),
        (sound(start_time="1.02"), {"start_time": "1.0"}, 60.0, 0.0),
        (sound(duration="N/A"), {"duration": "N/A"}, None, 0.0),
        (sound(duration="nan"), {"duration": "inf"}, None, 0.0),
        (sound(duration="-5"), {}, None, 0.0),
    ],
)
def test_length_and_begin_of_a_track(stream, container, duration, delay):
    (track,) = parse_probe(answer(stream, **container), estimated=False).tracks
    assert track.duration == pytest.approx(duration) if duration else track.duration is None
    assert track.delay == pytest.approx(delay)


def test_video_that_begins_first_delays_the_sound_even_if_only_its_packets_tell():
    told = answer(VIDEO, sound(start_time="3.0"), start_time="3.0")
    told["packets"] = [{"codec_type": "video", "pts_time": "0.04"}, {"codec_type": "video", "pts_time": "0.0"}]
    assert parse_probe(told, estimated=False).tracks[0].delay == pytest.approx(3.0)


def test_estimated_length_is_no_claim():
    assert parse_probe(answer(sound(duration="20.0")), estimated=True).tracks[0].duration is None


def test_layout_decides_who_mixes():
    def channels_out(**fields):
        return parse_probe(answer(sound(**fields)), estimated=False).tracks[0].channels_out

    assert channels_out(channels=1, channel_layout="mono") == 1
    assert channels_out(channels=2) == 2
    assert channels_out(channels=6, channel_layout="5.1") == 2
    assert channels_out(channels=6, channel_layout="unknown") == 1
    assert channels_out(channels=16) == 1


@pytest.mark.parametrize(
    ("log", "code", "what"),
    [
        ("[concat @ 0x5] Format not on whitelist 'wav'\nx: Invalid argument", "not-allowed-format", "concat"),
        ("[png_pipe @ 0x5] Format not on whitelist 'wav'", "not-media", None),
        ("[gif @ 0x5] Format not on whitelist 'wav'", "not-media", None),
        ("[mov,mp4 @ 0x5] moov atom not found\nx: Invalid data found", "undecodable", None),
        ("x: Invalid data found when processing input", "not-media", None),
        (
            "[h264 @ 0x1] Codec (h264) not on whitelist 'aac'\n[dca @ 0x1] Codec (dca) not on whitelist 'aac'\n"
            "Could not open codec for input stream 1",
            "not-allowed-format", "dca",
        ),
    ],
)  # fmt: skip
def test_refusals_are_told_apart(log, code, what):
    error = refusal(log)
    assert error.code == code
    assert error.fields.get("what") == what


@pytest.mark.parametrize(
    ("ended", "kind", "code"),
    [
        (Ended(1, b"", "av_interleaved_write_frame(): No space left on device"), StorageError, "disk-full"),
        (Ended(1, b"", "Cannot allocate memory"), EngineError, "ffmpeg-failed"),
        (Ended(-11, b"", ""), EngineError, "ffmpeg-failed"),
        (Ended(255, b"", ""), EngineError, "ffmpeg-failed"),
        (Ended(-24, b"", ""), InputError, "decode-timeout"),
        (Ended(127, b"", "ffmpeg: error while loading shared libraries: libx.so"), EngineError, "ffmpeg-failed"),
        (Ended(1, b"", "Unrecognized option 'max_error_rate'."), EngineError, "ffmpeg-failed"),
    ],
)
def test_a_machine_at_fault_is_not_blamed_on_the_recording(ended, kind, code):
    with pytest.raises(kind) as error:
        media._give_up(ended)
    assert error.value.code == code


@given(st.integers(0, 10**14))
def test_progress_counts_microseconds(microseconds):
    assert progress_s(f"out_time_us={microseconds}\n") == microseconds / 1e6


@given(st.text())
def test_progress_ignores_everything_else(line):
    assert progress_s(f"x{line}") is None


def wav_head(data_bytes, *chunks):
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, 48_000, 192_000, 4, 16)
    body = b"".join(struct.pack("<4sI", name, len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks)
    return b"RIFF\0\0\0\0WAVE" + body + fmt + struct.pack("<4sI", b"data", data_bytes) + b"\0" * 64


def test_wav_claims_its_length():
    assert wav_claim(wav_head(192_000 * 30)) == 30.0
    assert wav_claim(wav_head(192_000 * 30, (b"bext", b"x" * 603), (b"iXML", b"y" * 7))) == 30.0


@pytest.mark.parametrize("data_bytes", [0, 0xFFFFFFFF])
def test_wav_of_a_recorder_that_was_cut_off_claims_nothing(data_bytes):
    assert wav_claim(wav_head(data_bytes)) is None


@given(st.binary(max_size=200), st.binary(max_size=60))
def test_any_header_is_read_without_harm(noise, tail):
    for head in (noise, b"RIFF0000WAVE" + noise, wav_head(5)[:40] + tail):
        claim = wav_claim(head)
        assert claim is None or claim > 0


@given(st.recursive(st.none() | st.text() | st.floats() | st.integers(), lambda inner: st.lists(inner, max_size=3)))
def test_strange_values_in_an_answer_never_become_strange_numbers(value):
    (track,) = parse_probe(answer(sound(duration=value, start_time=value)), estimated=False).tracks
    assert track.duration is None or 0 < track.duration < float("inf")
    assert 0 <= track.delay < float("inf")


@pytest.mark.parametrize(
    ("error", "placeholders"),
    [
        ("empty-file", {"name"}), ("not-media", {"name"}), ("not-allowed-format", {"name", "what"}),
        ("no-audio-track", {"name"}), ("too-short", {"name"}), ("too-long", {"name", "hours"}),
        ("unknown-track", {"name", "track", "tracks"}), ("undecodable", {"name"}), ("decode-timeout", {"name"}),
        ("ffmpeg-failed", {"name"}), ("ffmpeg-missing", {"name"}), ("upload-unreadable", {"name"}),
    ],
)  # fmt: skip
def test_every_error_has_a_sentence_that_its_fields_fill(error, placeholders):
    sentence = labels()[f"error.{error}"]
    filled = sentence.format_map(dict.fromkeys(placeholders, "§"))
    assert filled.count("§") == len(placeholders)


def test_empty_file(tmp_path):
    upload = tmp_path / "a.mp3"
    upload.touch()
    with pytest.raises(InputError) as error:
        decode(upload, limits=LIMITS, scratch=tmp_path)
    assert error.value.code == "empty-file"


def test_a_folder_and_a_pipe_are_not_media(tmp_path):
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe, Path("/dev/zero")):
        with pytest.raises(InputError) as error:
            decode(path, limits=LIMITS, scratch=tmp_path)
        assert error.value.code == "not-media"


def test_a_missing_copy_is_the_storages_fault_and_its_name_is_not_told(tmp_path):
    with pytest.raises(StorageError) as error:
        decode(tmp_path / "geheim.wav", limits=LIMITS, scratch=tmp_path)
    assert error.value.code == "upload-unreadable"
    assert "geheim" not in str(error.value)


def test_a_scratch_that_is_not_there(tmp_path):
    upload = tmp_path / "a.mp3"
    upload.write_bytes(b"x")
    with pytest.raises(StorageError) as error:
        decode(upload, limits=LIMITS, scratch=tmp_path / "nowhere")
    assert error.value.code == "bad-scratch"
