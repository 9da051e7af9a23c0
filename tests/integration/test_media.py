"""What is uploaded, as ffmpeg itself makes it: decoded, and compared with the sound it was made from."""

import os
import random
import struct
import subprocess

import numpy as np
import pytest

from config.settings import MediaSettings
from jobs.audio import SAMPLE_RATE
from jobs.errors import EngineError, InputError, SetupError, StorageError
from worker.sound.media import decode

LIMITS = MediaSettings(max_hours=1, memory_mb=1024, wall_factor=1, wall_min_s=60, scratch="")
LENGTH_S = 8

PICTURE = ("-f", "lavfi", "-i", f"testsrc=size=160x120:rate=25:duration={LENGTH_S}")
MP4 = (*PICTURE, "-map", "1:v", "-map", "0:a", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")

#: File name, what ffmpeg makes it with, whether the container knows its length.
FORMATS = {
    "u8.wav": (("-c:a", "pcm_u8"), True),
    "s16.wav": (("-c:a", "pcm_s16le"), True),
    "s24.wav": (("-c:a", "pcm_s24le"), True),
    "s32.wav": (("-c:a", "pcm_s32le"), True),
    "f32.wav": (("-c:a", "pcm_f32le"), True),
    "f64.wav": (("-c:a", "pcm_f64le"), True),
    "alaw.wav": (("-c:a", "pcm_alaw"), True),
    "mulaw.wav": (("-c:a", "pcm_mulaw"), True),
    "rf64.wav": (("-rf64", "always"), True),
    "surround.wav": (("-ac", "6"), True),
    "s16.aiff": (("-c:a", "pcm_s16be"), True),
    "s24.aiff": (("-c:a", "pcm_s24be"), True),
    "cbr.mp3": (("-b:a", "96k"), True),
    "vbr.mp3": (("-q:a", "4"), True),
    "vbr-without-header.mp3": (("-q:a", "4", "-write_xing", "0"), False),
    "a.mp2": ((), False),
    "a.m4a": ((), True),
    "alac.m4a": (("-c:a", "alac"), True),
    "raw.aac": ((), False),
    "a.ac3": ((), False),
    "surround.ac3": (("-ac", "6"), False),
    "a.eac3": ((), False),
    "a.flac": ((), True),
    "s24.flac": (("-sample_fmt", "s32"), True),
    "vorbis.ogg": (("-c:a", "libvorbis"), True),
    "a.opus": (("-c:a", "libopus"), True),
    "flac.ogg": (("-c:a", "flac"), True),
    "a.wma": ((), True),
    "a.webm": (("-c:a", "libopus"), True),
    "a.mka": (("-c:a", "aac"), True),
    "a.mov": (("-c:a", "pcm_s24be"), True),
    "a.ts": (("-c:a", "mp2"), True),
    "aac.ts": (("-c:a", "aac"), True),
    "latm.ts": (("-c:a", "aac", "-mpegts_flags", "latm"), True),
    "a.mxf": (
        (*PICTURE, "-map", "1:v", "-map", "0:a", "-c:v", "mpeg2video", "-c:a", "pcm_s16le", "-ar", "48000"),
        True,
    ),
    "video.mp4": (MP4, True),
    "faststart.mp4": ((*MP4, "-movflags", "+faststart"), True),
    "fragments.mp4": ((*MP4, "-movflags", "frag_keyframe+empty_moov"), True),
    "video.mov": (MP4, True),
    "video.mkv": (MP4, True),
    "video.ts": (MP4, True),
    "video.webm": ((*PICTURE, "-map", "1:v", "-map", "0:a", "-c:v", "libvpx", "-c:a", "libopus"), True),
}


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)], check=True)


@pytest.fixture(scope="module")
def source():
    """A voice-like sound: a gliding tone, swelling three times a second; float32 of shape (n,) at 16 kHz."""
    time = np.arange(LENGTH_S * SAMPLE_RATE) / SAMPLE_RATE
    glide = np.sin(2 * np.pi * (250 * time + 120 * time**2))
    return (0.4 * glide * (0.55 + 0.45 * np.sin(2 * np.pi * 3 * time))).astype(np.float32)


@pytest.fixture(scope="module")
def wav(source, tmp_path_factory):
    """The source as a file, at 48 kHz."""
    folder = tmp_path_factory.mktemp("source")
    (folder / "raw").write_bytes(source.tobytes())
    ffmpeg("-f", "f32le", "-ar", SAMPLE_RATE, "-ac", 1, "-i", folder / "raw", "-ar", 48_000, folder / "source.wav")
    return folder / "source.wav"


@pytest.fixture
def scratch(tmp_path):
    """Where decoding happens; empty again afterwards, whatever came out."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    yield folder
    assert not list(folder.iterdir())


def likeness(samples, source, *, at=0.0):
    """Largest correlation of `source` with `samples` from 100 ms before `at` seconds to 100 ms after."""
    reach = SAMPLE_RATE // 10
    begin = round(at * SAMPLE_RATE)
    padded = np.concatenate([np.zeros(reach), samples, np.zeros(2 * reach)])[begin : begin + len(source) + 2 * reach]
    size = len(padded) + len(source)
    spectrum = np.fft.rfft(padded, size) * np.conj(np.fft.rfft(source, size))
    lags = np.abs(np.fft.irfft(spectrum, size)[: 2 * reach])
    stretch = padded[lags.argmax() :][: len(source)]
    product = np.linalg.norm(stretch) * np.linalg.norm(source[: len(stretch)])
    return float(stretch @ source[: len(stretch)] / product) if product else 0.0


def rms(samples):
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def refused(path, scratch, *, limits=LIMITS, kind=InputError, track=None):
    with pytest.raises(kind) as error:
        decode(path, limits=limits, scratch=scratch, track=track)
    assert path.name not in str(error.value)
    return error.value.code


def test_the_measure_of_likeness_tells_sounds_apart(source):
    assert likeness(source, source) == pytest.approx(1)
    assert likeness(np.concatenate([np.zeros(999), source]), source) == pytest.approx(1)
    assert abs(likeness(source[::-1], source)) < 0.3
    assert abs(likeness(np.concatenate([np.zeros(9999), source]), source)) < 0.3


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_sounds_like_its_source(name, wav, source, scratch, tmp_path):
    options, knows_length = FORMATS[name]
    ffmpeg("-i", wav, *options, tmp_path / name)
    audio, info = decode(tmp_path / name, limits=LIMITS, scratch=scratch)
    assert audio.sample_rate == SAMPLE_RATE
    assert audio.samples.dtype == np.float32
    assert audio.duration == pytest.approx(LENGTH_S, abs=0.15)
    assert likeness(audio.samples, source) > 0.95
    assert info.decoded_s == pytest.approx(LENGTH_S, abs=0.15)
    assert (info.container_s is not None) == knows_length
    assert not info.has_gap
    assert len(info.tracks) == 1


def test_cover_art_is_no_obstacle(wav, source, scratch, tmp_path):
    cover = tmp_path / "cover.png"
    ffmpeg("-f", "lavfi", "-i", "color=red:size=600x600", "-frames:v", 1, cover)
    for name in ("cover.mp3", "cover.m4a", "cover.flac"):
        path = tmp_path / name
        ffmpeg("-i", wav, "-i", cover, "-map", 0, "-map", 1, "-c:v", "copy", "-disposition:v", "attached_pic", path)
        audio, info = decode(path, limits=LIMITS, scratch=scratch)
        assert likeness(audio.samples, source) > 0.95
        assert not info.has_gap


def test_subtitles_beside_the_sound_are_no_obstacle(wav, source, scratch, tmp_path):
    (tmp_path / "words.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHallo\n")
    for name, codec in (("words.mkv", "srt"), ("words.mp4", "mov_text")):
        ffmpeg("-i", wav, "-i", tmp_path / "words.srt", "-c:a", "aac", "-c:s", codec, tmp_path / name)
        audio, _ = decode(tmp_path / name, limits=LIMITS, scratch=scratch)
        assert likeness(audio.samples, source) > 0.95


# --- tracks and channels ------------------------------------------------------------------------------------------


@pytest.fixture
def two_tracks(wav, tmp_path):
    path = tmp_path / "two.mkv"
    ffmpeg("-f", "lavfi", "-i", f"sine=frequency=3000:duration={LENGTH_S}", "-i", wav, "-map", 0, "-map", 1,
           "-c:a", "flac", "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger",
           "-metadata:s:a:1", "title=Saalton", "-disposition:a:0", 0, "-disposition:a:1", "default", path)  # fmt: skip
    return path


def test_the_default_track_is_taken_and_all_are_listed(two_tracks, source, scratch):
    audio, info = decode(two_tracks, limits=LIMITS, scratch=scratch)
    assert likeness(audio.samples, source) > 0.95
    assert info.track == 1
    assert [(track.index, track.language, track.title, track.default) for track in info.tracks] == [
        (0, "eng", None, False),
        (1, "ger", "Saalton", True),
    ]


def test_another_track_is_taken_on_demand(two_tracks, source, scratch):
    audio, info = decode(two_tracks, limits=LIMITS, scratch=scratch, track=0)
    assert info.track == 0
    assert abs(likeness(audio.samples, source)) < 0.5
    assert refused(two_tracks, scratch, track=2) == "unknown-track"


@pytest.mark.parametrize(
    "pan",
    [
        "stereo|c0=c0|c1=c0", "stereo|c0=c0|c1=0*c0", "stereo|c0=0*c0|c1=c0", "stereo|c0=c0|c1=-1*c0",
        "5.1|FC=c0", "5.1|FL=c0", "5.1|BR=c0", "5.1|LFE=c0", "7.1|SL=c0", "5.1|FL=c0|FR=-1*c0", "quad|BL=c0",
    ],
)  # fmt: skip
def test_a_voice_on_any_channel_stays_audible(pan, wav, source, scratch, tmp_path):
    path = tmp_path / "channels.wav"
    ffmpeg("-i", wav, "-af", f"pan={pan}", path)
    audio, _ = decode(path, limits=LIMITS, scratch=scratch)
    assert abs(likeness(audio.samples, source)) > 0.95
    assert rms(audio.samples) > 0.2 * rms(source)


@pytest.mark.parametrize(("channels", "speaking"), [(3, 2), (6, 3), (8, 3), (16, 12)])
def test_a_voice_on_any_input_of_a_recorder_stays_audible(channels, speaking, source, scratch, tmp_path):
    block = np.zeros((len(source), channels), dtype="<i2")
    block[:, speaking] = source * 32_000
    head = struct.pack(
        "<4sIHHIIHH", b"fmt ", 16, 1, channels, SAMPLE_RATE, SAMPLE_RATE * 2 * channels, 2 * channels, 16
    )
    body = b"WAVE" + head + struct.pack("<4sI", b"data", block.nbytes) + block.tobytes()
    path = tmp_path / "inputs.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    audio, _ = decode(path, limits=LIMITS, scratch=scratch)
    assert likeness(audio.samples, source) > 0.95
    assert rms(audio.samples) > 0.2 * rms(source)


def test_a_float_recording_far_above_full_scale_is_turned_down(wav, source, scratch, tmp_path):
    path = tmp_path / "hot.wav"
    ffmpeg("-i", wav, "-af", "aformat=flt,volume=20", "-c:a", "pcm_f32le", path)
    audio, _ = decode(path, limits=LIMITS, scratch=scratch)
    assert np.abs(audio.samples).max() <= 1.0
    assert likeness(audio.samples, source) > 0.99


# --- time ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["late.mp4", "late.mkv", "late.ts", "late.mov"])
def test_sound_that_begins_after_the_picture_keeps_its_time(name, wav, source, scratch, tmp_path):
    path = tmp_path / name
    ffmpeg(*PICTURE, "-itsoffset", 3, "-i", wav, "-map", 0, "-map", 1, "-c:v", "libx264", "-preset", "ultrafast",
           "-c:a", "aac", path)  # fmt: skip
    audio, info = decode(path, limits=LIMITS, scratch=scratch)
    assert audio.duration == pytest.approx(LENGTH_S + 3, abs=0.15)
    assert rms(audio.samples[: round(2.8 * SAMPLE_RATE)]) < 0.001
    assert likeness(audio.samples, source, at=3) > 0.95
    assert not info.has_gap


@pytest.mark.parametrize("name", ["short.mp4", "short.mkv", "short.ts"])
def test_sound_that_ends_before_the_picture_is_no_gap(name, wav, scratch, tmp_path):
    path = tmp_path / name
    long_picture = ("-f", "lavfi", "-i", f"testsrc=size=160x120:rate=25:duration={LENGTH_S + 9}")
    ffmpeg(*long_picture, "-i", wav, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", path)
    _, info = decode(path, limits=LIMITS, scratch=scratch)
    assert not info.has_gap


@pytest.mark.parametrize("name", ["cut.wav", "cut.mp3", "cut.flac", "cut.aiff", "cut.mp4"])
def test_a_truncated_file_has_a_gap_and_keeps_what_is_there(name, wav, source, scratch, tmp_path):
    path = tmp_path / name
    ffmpeg("-i", wav, *(("-c:a", "aac", "-movflags", "+faststart") if name.endswith("mp4") else ()), path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    audio, info = decode(path, limits=LIMITS, scratch=scratch)
    assert info.has_gap
    assert info.decoded_s == pytest.approx(LENGTH_S / 2, abs=1)
    assert likeness(audio.samples, source[: 3 * SAMPLE_RATE]) > 0.95


@pytest.mark.parametrize("name", ["hurt.mp3", "hurt.m4a", "hurt.flac", "hurt.opus", "hurt.ts", "hurt.mka"])
def test_damage_in_the_middle_is_a_gap_and_the_rest_is_decoded(name, wav, source, scratch, tmp_path):
    path = tmp_path / name
    ffmpeg("-i", wav, *(("-cluster_time_limit", 500) if name == "hurt.mka" else ()), path)
    content = bytearray(path.read_bytes())
    noise = random.Random(5)  # noqa: S311  # damage, no secret
    damaged = range(len(content) * 4 // 10, len(content) * 7 // 10)
    content[damaged.start : damaged.stop] = noise.randbytes(len(damaged))
    path.write_bytes(content)
    audio, info = decode(path, limits=LIMITS, scratch=scratch)
    assert info.has_gap
    assert info.decoded_s < LENGTH_S - 1
    last_s = 1.5
    last = source[-round(last_s * SAMPLE_RATE) :]
    # MP3 has no time stamps: what follows the damage moves forward there, everywhere else it keeps its time.
    at = (audio.duration if name == "hurt.mp3" else LENGTH_S) - last_s
    assert likeness(audio.samples, last, at=at) > 0.9


def test_a_pause_in_the_stream_keeps_later_words_at_their_time(wav, source, scratch, tmp_path):
    path = tmp_path / "pause.webm"
    ffmpeg("-i", wav, "-af", "aselect='lt(t,2)+gt(t,5)'", "-c:a", "libopus", path)
    audio, info = decode(path, limits=LIMITS, scratch=scratch)
    assert info.has_gap
    assert info.decoded_s == pytest.approx(LENGTH_S - 3, abs=0.2)
    assert likeness(audio.samples, source[-2 * SAMPLE_RATE :], at=LENGTH_S - 2) > 0.95


# --- what is no recording -----------------------------------------------------------------------------------------


def test_a_video_without_sound(scratch, tmp_path):
    ffmpeg(*PICTURE, "-c:v", "libx264", "-preset", "ultrafast", tmp_path / "mute.mp4")
    assert refused(tmp_path / "mute.mp4", scratch) == "no-audio-track"


@pytest.mark.parametrize(
    "content", [b"Hallo Welt\n" * 50, b"%PDF-1.7\n" * 50, b"PK\x03\x04" + bytes(500), bytes(20_000), b"x"]
)
def test_something_else_named_like_a_recording(content, scratch, tmp_path):
    (tmp_path / "talk.mp3").write_bytes(content)
    assert refused(tmp_path / "talk.mp3", scratch) == "not-media"


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif"])
def test_a_picture(name, scratch, tmp_path):
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=64x64", "-frames:v", 1, tmp_path / name)
    assert refused(tmp_path / name, scratch) == "not-media"


@pytest.mark.parametrize("name", ["a.avi", "a.au", "a.caf"])
def test_a_container_we_do_not_take(name, wav, scratch, tmp_path):
    ffmpeg("-i", wav, "-c:a", "pcm_s16be" if name == "a.au" else "pcm_s16le", tmp_path / name)
    assert refused(tmp_path / name, scratch) == "not-allowed-format"


def test_a_codec_we_do_not_take(wav, scratch, tmp_path):
    ffmpeg("-i", wav, "-c:a", "adpcm_ima_wav", tmp_path / "a.wav")
    with pytest.raises(InputError) as error:
        decode(tmp_path / "a.wav", limits=LIMITS, scratch=scratch)
    assert (error.value.code, error.value.fields["what"]) == ("not-allowed-format", "adpcm_ima_wav")


def test_an_mp4_without_its_index_is_damaged(wav, scratch, tmp_path):
    path = tmp_path / "cut.mp4"
    ffmpeg("-i", wav, *MP4, path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    assert refused(path, scratch) == "undecodable"


def test_a_stream_of_noise_is_undecodable(wav, scratch, tmp_path):
    path = tmp_path / "noise.mka"
    ffmpeg("-i", wav, "-c:a", "aac", path)
    content = bytearray(path.read_bytes())
    begin = content.index(bytes.fromhex("1f43b675"))  # the first cluster (RFC 9559)
    packed = len(content) - begin - 600
    content[begin + 40 : begin + 40 + packed] = random.Random(3).randbytes(packed)  # noqa: S311  # damage, no secret
    path.write_bytes(content)
    assert refused(path, scratch) in {"undecodable", "too-short"}


def test_less_than_a_second(wav, scratch, tmp_path):
    ffmpeg("-i", wav, "-t", 0.5, tmp_path / "short.wav")
    assert refused(tmp_path / "short.wav", scratch) == "too-short"


# --- what means harm ----------------------------------------------------------------------------------------------


@pytest.fixture
def neighbour(wav, tmp_path):
    """Somebody else's recording in the same folder."""
    path = tmp_path / "neighbour.wav"
    path.write_bytes(wav.read_bytes())
    return path


@pytest.mark.usefixtures("neighbour")
def test_an_ffconcat_script(scratch, tmp_path, source):
    evil = tmp_path / "evil.wav"
    evil.write_text("ffconcat version 1.0\nfile neighbour.wav\n")
    out = tmp_path / "out.f32"
    ffmpeg("-i", evil, "-ac", 1, "-ar", SAMPLE_RATE, "-f", "f32le", out)
    assert likeness(np.fromfile(out, dtype=np.float32), source) > 0.95, "without a fence, the attack works"
    assert refused(evil, scratch) == "not-allowed-format"


@pytest.mark.parametrize("scheme", ["file://", "file:", "", "concat:", "subfile,,start,0,end,0,,:"])
@pytest.mark.parametrize("name", ["evil.mp3", "evil.m3u8"])
def test_a_playlist(scheme, name, neighbour, scratch, tmp_path):
    evil = tmp_path / name
    evil.write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:8,\n{scheme}{neighbour}\n#EXT-X-ENDLIST\n", encoding="utf-8"
    )
    assert refused(evil, scratch) == "not-allowed-format"


@pytest.mark.parametrize(
    "script",
    [
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=audio 5004 RTP/AVP 0\na=control:file:{path}\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
        '<Representation id="1"><BaseURL>{path}</BaseURL></Representation></AdaptationSet></Period></MPD>',
        "[playlist]\nFile1={path}\n",
        "#EXTM3U\n{path}\n",
        "{path}\n",
    ],
)
def test_scripts_that_name_a_neighbour(script, neighbour, scratch, tmp_path):
    evil = tmp_path / "evil.mp4"
    evil.write_text(script.format(path=neighbour))
    assert refused(evil, scratch) in {"not-allowed-format", "not-media"}


def external_reference(path):
    """A `dref` entry of QuickTime that says: the sound lies in another file (QuickTime File Format, "alis")."""

    def field(kind, data):
        return struct.pack(">HH", kind, len(data)) + data + b"\0" * (len(data) % 2)

    name = path.name.encode()
    alias = bytes(10) + bytes([0]) + bytes(27) + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16)
    alias += struct.pack(">hh", 1, 1) + bytes(16) + field(2, str(path).encode()) + field(18, str(path).encode())
    alias += struct.pack(">HH", 0xFFFF, 0)
    entry = struct.pack(">I4sI", 12 + len(alias), b"alis", 0) + alias
    return struct.pack(">I4sII", 16 + len(entry), b"dref", 0, 1) + entry


def test_a_movie_whose_sound_lies_in_another_file(neighbour, source, scratch, tmp_path):
    honest = tmp_path / "honest.mov"
    ffmpeg("-f", "lavfi", "-i", f"anullsrc=r=48000:cl=mono:d={LENGTH_S}", "-c:a", "pcm_s16le", honest)
    content = honest.read_bytes()
    at = content.index(b"dref", content.index(b"stbl") - 200) - 4
    size = struct.unpack_from(">I", content, at)[0]
    reference = external_reference(neighbour)
    content = bytearray(content[:at] + reference + content[at + size :])
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        place = content.rindex(box, 0, at) - 4
        struct.pack_into(">I", content, place, struct.unpack_from(">I", content, place)[0] + len(reference) - size)
    evil = tmp_path / "evil.mov"
    evil.write_bytes(content)
    out = tmp_path / "out.f32"
    ffmpeg("-enable_drefs", 1, "-use_absolute_path", 1, "-i", evil, "-ac", 1, "-ar", SAMPLE_RATE, "-f", "f32le", out)
    assert likeness(np.fromfile(out, dtype=np.float32), source) > 0.95, "where it is allowed, the reference works"
    try:
        audio, _ = decode(evil, limits=LIMITS, scratch=scratch)
    except InputError:
        return
    assert abs(likeness(audio.samples, source)) < 0.3


def test_a_symbolic_link(neighbour, scratch, tmp_path):
    (tmp_path / "link.wav").symlink_to(neighbour)
    assert refused(tmp_path / "link.wav", scratch) == "not-allowed-format"


@pytest.mark.parametrize(
    "name",
    ["Größenwahn über Ärger.mp3", "🎤 Bühne 1.mp3", "<script>alert(1)<.mp3", "-i.mp3", "--help", "zwei\nZeilen.mp3",
     "%03d.mp3", "concat:a|b.mp3", "file:x.mp3", "http:x.mp3", "a.m3u8", "a.sdp", "a.ffconcat",
     "pipe:0", "'; touch x; '.mp3"],
)  # fmt: skip
def test_any_name(name, wav, source, scratch, tmp_path):
    path = tmp_path / name
    path.write_bytes(wav.read_bytes())
    audio, info = decode(path, limits=LIMITS, scratch=scratch)
    assert likeness(audio.samples, source) > 0.99
    assert info.container == "wav"


# --- limits -------------------------------------------------------------------------------------------------------


def test_hours_of_silence_in_a_small_file(scratch, tmp_path):
    path = tmp_path / "long.flac"
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono:d=3600", path)
    assert path.stat().st_size < 1 << 20
    seen = []
    with pytest.raises(InputError) as error:
        decode(path, limits=LIMITS.model_copy(update={"max_hours": 0.05}), scratch=scratch,
               progress=lambda done, _: seen.append(done))  # fmt: skip
    assert (error.value.code, error.value.fields["hours"]) == ("too-long", "0.05")
    assert max(seen) < 200


def test_as_long_as_allowed_is_allowed(wav, scratch):
    audio, _ = decode(wav, limits=LIMITS.model_copy(update={"max_hours": LENGTH_S / 3600}), scratch=scratch)
    assert audio.duration == LENGTH_S


def test_memory_does_not_grow_with_the_picture(wav, source, scratch, tmp_path):
    path = tmp_path / "large.mkv"
    ffmpeg("-f", "lavfi", "-i", f"testsrc=size=1280x720:rate=45:duration={LENGTH_S}", "-i", wav, "-c:v", "rawvideo",
           "-pix_fmt", "yuv420p", "-c:a", "flac", path)  # fmt: skip
    memory_mb = 400  # of which 260 are ffmpeg's libraries
    assert path.stat().st_size > memory_mb << 20
    audio, _ = decode(path, limits=LIMITS.model_copy(update={"memory_mb": memory_mb}), scratch=scratch)
    path.unlink()
    assert likeness(audio.samples, source) > 0.95


def test_too_little_memory_is_not_the_recordings_fault(wav, scratch):
    starved = LIMITS.model_copy(update={"memory_mb": 64})
    assert refused(wav, scratch, limits=starved, kind=EngineError) == "ffmpeg-failed"


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Put a shell script in ffmpeg's place; ffprobe stays."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def put(script):
        (folder / "ffmpeg").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "ffmpeg").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return put


def test_an_ffmpeg_that_hangs_is_stopped(wav, scratch, stand_in):
    stand_in("sleep 300 & wait")
    hurried = LIMITS.model_copy(update={"wall_min_s": 2.0})
    assert refused(wav, scratch, limits=hurried) == "decode-timeout"


def test_an_ffmpeg_that_crashes_is_an_engine_error(wav, scratch, stand_in):
    stand_in("kill -SEGV $$")
    assert refused(wav, scratch, kind=EngineError) == "ffmpeg-failed"


def test_a_full_disk_is_a_storage_error(wav, scratch, stand_in):
    stand_in("echo 'av_interleaved_write_frame(): No space left on device' >&2; exit 1")
    assert refused(wav, scratch, kind=StorageError) == "disk-full"


def test_no_ffmpeg_is_a_setup_error(wav, scratch, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refused(wav, scratch, kind=SetupError) == "ffmpeg-missing"


# --- progress -----------------------------------------------------------------------------------------------------


def test_progress_rises_to_the_length(wav, scratch):
    seen = []
    decode(wav, limits=LIMITS, scratch=scratch, progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == pytest.approx(LENGTH_S, abs=0.1)
    assert {total for _, total in seen} == {LENGTH_S}


def test_progress_without_a_known_length(wav, scratch, tmp_path):
    ffmpeg("-i", wav, tmp_path / "a.aac")
    totals = set()
    decode(tmp_path / "a.aac", limits=LIMITS, scratch=scratch, progress=lambda _, total: totals.add(total))
    assert totals == {0.0}


def test_who_watches_may_stop_it(wav, scratch):
    def stop(_done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decode(wav, limits=LIMITS, scratch=scratch, progress=stop)
