"""The only place that opens an upload: ffprobe says what it claims to be, ffmpeg decodes its sound.

    upload ──ffprobe──► Probe ──ffmpeg──► float32 of 1 or 2 channels ──mixdown──► mono ──► Audio, MediaInfo

Both programs run inside a fence (`worker.sound.fence`) in an empty folder. They get the upload as an open file
descriptor: its name never reaches them, so it can't sway the guess of the format or pass for an option.
Three whitelists keep them at that one file: a script or playlist that names others isn't a format we take.
"""

import contextlib
import errno
import json
import math
import os
import re
import shutil
import signal
import stat
import struct
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ffmpeg

from config.settings import MediaSettings
from jobs.audio import SAMPLE_RATE, Audio, AudioTrack, MediaInfo
from jobs.errors import EngineError, InputError, SetupError, StorageError
from jobs.timeline import Seconds
from jobs.transcribe import Progress
from worker.sound.fence import Ended, Fence, Watch, no_watch, run
from worker.sound.mixdown import Raw, mix_down

#: ffmpeg's names of the containers we take. None of them opens a second file; playlists and scripts do.
FORMATS = (
    "wav", "mp3", "mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "flac", "ogg", "aac", "ac3", "eac3",
    "aiff", "mpegts", "mxf", "asf",
)  # fmt: skip
#: ffmpeg's names of the decoders that see a byte of the upload.
SOUND_DECODERS = (
    "aac", "aac_latm", "ac3", "alac", "eac3", "flac", "libfdk_aac", "libopus", "libvorbis", "mp1", "mp1float", "mp2",
    "mp2float", "mp3", "mp3float", "opus", "pcm_alaw", "pcm_bluray", "pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le",
    "pcm_mulaw", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32be", "pcm_s32le", "pcm_s8", "pcm_u8",
    "s302m", "vorbis", "wmalossless", "wmapro", "wmav1", "wmav2", "wmavoice",
)  # fmt: skip
#: Decoders of pictures and subtitles that ffprobe may set up and never feeds. ffprobe gives a whole file up
#: when it can't set up one stream's decoder; probing itself still obeys SOUND_DECODERS, see `_probe`.
SILENT_DECODERS = (
    "av1", "bmp", "cfhd", "dnxhd", "dvvideo", "ffv1", "gif", "h263", "h264", "hevc", "jpeg2000", "libaom-av1",
    "libdav1d", "libopenjpeg", "libvpx", "libvpx-vp9", "mjpeg", "mpeg1video", "mpeg2video", "mpeg4", "msmpeg4",
    "msmpeg4v2", "png", "prores", "qtrle", "rawvideo", "theora", "tiff", "v210", "vc1", "vp8", "vp9", "webp", "wmv1",
    "wmv2", "wmv3", "ass", "cc_dec", "dvbsub", "dvdsub", "libzvbi_teletextdec", "mov_text", "pgssub", "srt", "ssa",
    "subrip", "text", "webvtt",
)  # fmt: skip
_WHITELISTS = {
    "protocol_whitelist": "file",
    "format_whitelist": ",".join(FORMATS),
    "codec_whitelist": ",".join(SOUND_DECODERS),
}

#: What ffprobe is asked.
_ENTRIES = (
    "format=format_name,duration,start_time:packet=codec_type,pts_time"
    ":stream=codec_type,codec_name,channels,channel_layout,sample_rate,duration,start_time"
    ":stream_disposition=default:stream_tags=language,title,DURATION"
)
#: Shortest recording worth a transcript.
SHORTEST_S: Seconds = 1.0
#: A track may start this much after the file does before the silence between them is kept.
_JITTER_S: Seconds = 0.05
#: ffmpeg's exit code when a signal made it end early, all else in order.
_TOLD_TO_STOP = 255
#: A track this much shorter than claimed has holes.
_HOLE_S: Seconds = 0.5


def quiet(_done: Seconds, _total: Seconds) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Track:
    """An audio stream, and what it takes to decode it."""

    shown: AudioTrack
    #: As ffmpeg names the speakers' places; None where the file doesn't say which channel is which.
    layout: str | None
    #: What the container promises; None where it doesn't, or only guesses.
    duration: Seconds | None
    #: How much later than the file itself the track begins.
    delay: Seconds

    @property
    def unplaced(self) -> bool:
        """More than two channels of which nobody knows whose is which: a recorder's microphones."""
        return self.layout is None and self.shown.channels > 2

    @property
    def channels_out(self) -> int:
        """Channels that ffmpeg hands us: of two, `mixdown` sees whether they cancel out."""
        return 2 if self.shown.channels > 1 and not self.unplaced else 1


@dataclass(frozen=True, slots=True)
class Probe:
    """What an upload claims to be."""

    container: str
    tracks: tuple[Track, ...]

    def choose(self, wanted: int | None) -> Track:
        """The wanted track; without a wish the one marked default, else the first.

        Raises:
            InputError: there is no such track, or none at all.
        """
        if not self.tracks:
            raise InputError("no-audio-track", "the container holds no audio stream")
        if wanted is None:
            return next((track for track in self.tracks if track.shown.default), self.tracks[0])
        if not 0 <= wanted < len(self.tracks):
            detail = f"track {wanted} of {len(self.tracks)}"
            raise InputError("unknown-track", detail, track=wanted, tracks=len(self.tracks))
        return self.tracks[wanted]


def decode(
    path: Path, *, limits: MediaSettings, scratch: Path, track: int | None = None, progress: Progress = quiet
) -> tuple[Audio, MediaInfo]:
    """Decode one audio track of an upload to mono sound at 16 kHz.

    The samples are a private mapping of a file in `scratch` that has no name any more: eight hours are
    1.8 GB, which the kernel may drop and read again as it likes. Disk space comes back with the array's end.
    A track that begins after its file is preceded by silence, so times are times of the file.

    Args:
        path: a plain file; a symbolic link is refused, resolve it before where it is trusted.
        limits: the fence around ffmpeg.
        scratch: folder for temporary files; holds up to three times the sound.
        track: place among the audio streams, from 0; None takes the default one.
        progress: told decoded and promised seconds; promised is 0.0 where unknown.

    Raises:
        InputError: the upload is at fault; the code says how.
        EngineError: ffmpeg crashed or ran out of memory.
        StorageError: the scratch disk is full, or the upload can't be read.
        SetupError: ffmpeg is missing.
    """
    with _opened(path) as source, _scratch(scratch) as folder:
        bench = _Bench(source, folder, limits)
        probe = _probe(bench)
        chosen = probe.choose(track)
        raw, decoded_s = _decoded(bench, chosen, progress)
        with _disk_errors():
            samples = mix_down(raw, delay=chosen.delay)
    info = MediaInfo(
        container=probe.container,
        container_s=chosen.duration,
        decoded_s=decoded_s,
        tracks=tuple(each.shown for each in probe.tracks),
        track=chosen.shown.index,
    )
    return Audio(samples), info


def claimed_length(path: Path, *, limits: MediaSettings, scratch: Path) -> Seconds | None:
    """How long an upload claims to be, without decoding it; None where it claims nothing.

    Its head and its tail are enough: what lies between may be a hole.

    Raises:
        InputError, EngineError, StorageError, SetupError: as `decode`.
    """
    with _opened(path) as source, _scratch(scratch) as folder:
        return _probe(_Bench(source, folder, limits)).choose(None).duration


def with_chapters(path: Path, marks: bytes, target: Path, *, comment: str, limits: MediaSettings) -> None:
    """Write a copy of an upload with chapter marks: the same packets of sound and pictures, nothing encoded anew.

    MP4, M4A and MOV get a list and a track of chapters, Matroska and WebM their own, MP3 the CHAP frames of ID3v2.

    Args:
        path: as for `decode`.
        marks: chapters as ffmpeg's metadata file; those that the upload has are replaced.
        target: a new file in a folder that is there; its suffix, the upload's own, tells kinds of MP4 and Matroska
            apart.
        comment: what players show as a comment.
        limits: the fence around ffmpeg.

    Raises:
        InputError: "no-room-for-chapters" when its kind can't hold them; else the upload is at fault.
        EngineError, StorageError, SetupError: as `decode`.
    """
    with _opened(path) as source, _scratch(target.parent) as folder:
        bench = _Bench(source, folder, limits)
        muxer = _muxer(_probe(bench).container, target.suffix.lower())
        (folder / "marks").write_bytes(marks)
        _copy(bench, muxer, comment)
        with _disk_errors():
            (folder / "copy").replace(target)


@dataclass(frozen=True, slots=True)
class _Bench:
    """An upload on its way."""

    #: Descriptor of the upload.
    source: int
    folder: Path
    limits: MediaSettings

    @property
    def address(self) -> str:
        """Opened anew through this name, the file has a read position of its own and can be sought in."""
        return f"file:/dev/fd/{self.source}"

    @property
    def longest(self) -> Seconds:
        return self.limits.max_hours * 3600

    def run(self, command: list[str], *, file_bytes: int = 0, watch: Watch = no_watch) -> Ended:
        """Run a program that may write files of this size."""
        limits, longest = self.limits, self.longest + 1
        fence = Fence(
            self.folder,
            memory_bytes=limits.memory_mb << 20,
            file_bytes=file_bytes,
            cpu_s=math.ceil(max(limits.wall_min_s, limits.wall_factor * longest)),
            wall_min_s=limits.wall_min_s,
            wall_factor=limits.wall_factor,
        )
        try:
            return run(command, fence=fence, passing=(self.source,), watch=watch)
        except TimeoutError:
            raise InputError("decode-timeout", "ffmpeg was stopped by the clock") from None


# --- the upload ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A descriptor of the upload that is sure to be a plain file with something in it."""
    try:
        # O_NONBLOCK: opening a pipe that nobody writes to would wait forever.
        source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InputError("not-allowed-format", "a symbolic link", what="symlink") from None
        name = errno.errorcode.get(error.errno or 0, "unknown")
        raise StorageError("upload-unreadable", f"the local copy can't be opened: {name}") from None
    try:
        status = os.fstat(source)
        if not stat.S_ISREG(status.st_mode):
            raise InputError("not-media", "not a plain file")
        if status.st_size == 0:
            raise InputError("empty-file", "0 bytes")
        yield source
    finally:
        os.close(source)


@contextlib.contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    with _disk_errors():
        folder = tempfile.TemporaryDirectory(prefix="media-", dir=parent)
    with folder as name:
        yield Path(name)


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        code = "disk-full" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "bad-scratch"
        raise StorageError(code, f"scratch: {errno.errorcode.get(error.errno or 0, 'unknown')}") from None


# --- what it claims to be -----------------------------------------------------------------------------------------


def _probe(bench: _Bench) -> Probe:
    command = [_program("ffprobe"), "-hide_banner", "-v", "warning"]
    for name, value in _WHITELISTS.items():
        command += [f"-{name}", value]
    # For streams of video, subtitles and attachments this replaces the list above where their decoder is set up,
    # not where libavformat decodes a little to learn more: avformat_find_stream_info() puts its own list first.
    for kind in "vst":
        command += [f"-codec_whitelist:{kind}", ",".join(SILENT_DECODERS)]
    command += ["-show_entries", _ENTRIES, "-read_intervals", "%+#50", "-of", "json", bench.address]
    ended = bench.run(command)
    if ended.code != 0:
        _give_up(ended)
        raise refusal(ended.log)
    estimated = "Estimating duration from bitrate" in ended.log
    try:
        probe = parse_probe(json.loads(ended.out), estimated=estimated)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError("undecodable", "ffprobe's answer makes no sense") from None
    if estimated and probe.container == "wav" and probe.tracks:
        # ffprobe guesses where a WAV is shorter than it says, and that is just what we want to know.
        track = replace(probe.tracks[0], duration=wav_claim(os.pread(bench.source, 1 << 16, 0)))
        return replace(probe, tracks=(track,))
    return probe


def parse_probe(answer: Mapping[str, Any], *, estimated: bool) -> Probe:
    """Read ffprobe's JSON.

    Args:
        answer: `format`, `streams`, and as `packets` the first few of the file.
        estimated: ffprobe only guessed the duration from bit rate and size; it is then None. MP3 without a
            Xing or VBRI header and raw AAC, AC-3 and E-AC-3 have nothing better to offer.
    """
    container = answer["format"]
    # Without its decoder, ffprobe doesn't know when H.264 in Matroska begins; its first packets do.
    begins = [container.get("start_time")]
    begins += [each.get("pts_time") for each in answer.get("packets", ()) if each.get("codec_type") == "video"]
    begin = min((time for time in map(_number, begins) if time is not None), default=0.0)
    whole = _number(container.get("duration"))
    streams = [stream for stream in answer["streams"] if stream.get("codec_type") == "audio"]
    tracks = tuple(
        _track(index, stream, begin=begin, whole=whole, estimated=estimated) for index, stream in enumerate(streams)
    )
    return Probe(str(container["format_name"]), tracks)


def _track(index: int, stream: Mapping[str, Any], *, begin: Seconds, whole: Seconds | None, estimated: bool) -> Track:
    tags = {str(key).lower(): str(value) for key, value in stream.get("tags", {}).items()}
    shown = AudioTrack(
        index=index,
        codec=str(stream.get("codec_name", "unknown")),
        channels=int(stream.get("channels", 0)),
        sample_rate=int(stream.get("sample_rate", 0)),
        language=tags.get("language") if tags.get("language") not in {"", "und", "unk"} else None,
        title=tags.get("title") or None,
        default=bool(stream.get("disposition", {}).get("default")),
    )
    start = _number(stream.get("start_time"))
    delay = 0.0 if start is None or start - begin <= _JITTER_S else start - begin
    duration = _number(stream.get("duration"))
    if duration is None and (end := _clock(tags.get("duration"))) is not None:
        duration = end - (start or 0.0)  # Matroska tags the time of a track's end, not its length
    if duration is None and whole is not None:
        duration = whole - delay
    if estimated or duration is None or duration <= 0:
        duration = None
    layout = stream.get("channel_layout") or "unknown"
    return Track(shown, layout=None if layout == "unknown" else str(layout), duration=duration, delay=delay)


def refusal(log: str) -> InputError:
    """Why ffprobe gave a file up, read from what it said."""
    kind = re.search(r"^\[(\S+) @ [^\]]*\] Format not on whitelist", log, re.MULTILINE)
    if kind:
        what = kind[1]
        if what.endswith("_pipe") or what in {"apng", "gif", "ico", "image2"}:
            return InputError("not-media", "a picture")
        return InputError("not-allowed-format", f"container {what}", what=what)
    codec = re.search(r"Codec \((\S+)\) not on whitelist [^\n]*\nCould not open codec for input stream", log)
    if codec:
        return InputError("not-allowed-format", f"codec {codec[1]}", what=codec[1])
    if "moov atom not found" in log:
        return InputError("undecodable", "an MP4 without its index: the end is missing")
    return InputError("not-media", "no known container")


def wav_claim(head: bytes) -> Seconds | None:
    """Length in seconds that a WAV's header claims; None where it claims none (recorders that were cut off).

    Args:
        head: the file's first bytes, RIFF as in "Multimedia Programming Interface and Data Specifications 1.0".
    """
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    at, bytes_per_s = 12, 0
    while at + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, at)
        if name == b"fmt " and at + 20 <= len(head):
            bytes_per_s = struct.unpack_from("<I", head, at + 16)[0]
        if name == b"data":
            return size / bytes_per_s if bytes_per_s and 0 < size < 0xFFFFF000 else None
        at += 8 + size + size % 2
    return None


def _number(text: object) -> float | None:
    try:
        number = float(str(text))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _clock(text: str | None) -> Seconds | None:
    """Seconds of "01:02:03.456000000"."""
    parts = re.fullmatch(r"(\d{1,4}):(\d\d):(\d\d(?:\.\d+)?)", text or "")
    return int(parts[1]) * 3600 + int(parts[2]) * 60 + float(parts[3]) if parts else None


# --- a copy with chapters ---------------------------------------------------------------------------------------


def _muxer(container: str, suffix: str) -> str:
    """What ffmpeg calls the kind of file to write, for the kind that was read."""
    kinds = set(container.split(","))
    if "mp4" in kinds:
        return {".mov": "mov", ".m4a": "ipod"}.get(suffix, "mp4")
    if "matroska" in kinds:
        return "webm" if suffix == ".webm" else "matroska"
    if "mp3" in kinds:
        return "mp3"
    raise InputError("no-room-for-chapters", f"container {container}")


def _copy(bench: _Bench, muxer: str, comment: str) -> None:
    command = [_program("ffmpeg"), "-hide_banner", "-nostdin", "-nostats", "-v", "warning", "-progress", "pipe:1"]
    for name, value in _WHITELISTS.items():
        command += [f"-{name}", value]
    command += ["-i", bench.address, "-protocol_whitelist", "file", "-f", "ffmetadata", "-i", "file:marks"]
    # No data streams: few containers take another one's.
    command += ["-map", "0:v?", "-map", "0:a", "-map", "0:s?", "-map_metadata", "0", "-map_chapters", "1"]
    command += ["-metadata", f"comment={comment}", "-c", "copy"]
    command += ["-movflags", "+faststart"] if muxer in {"mp4", "mov", "ipod"} else []
    command += ["-id3v2_version", "3"] if muxer == "mp3" else []
    size_bytes = os.fstat(bench.source).st_size
    ended = bench.run(
        [*command, "-f", muxer, "file:copy"],
        file_bytes=2 * size_bytes + (64 << 20),
        watch=lambda line: progress_s(line) or 0.0,
    )
    if ended.code != 0:
        _give_up(ended)
        raise InputError("no-room-for-chapters", f"ffmpeg ended with {ended.code}")


# --- its sound ----------------------------------------------------------------------------------------------------


def _decoded(bench: _Bench, track: Track, progress: Progress) -> tuple[Raw, Seconds]:
    """Decode, and answer also how many seconds could be decoded.

    Where a part is missing, the rest is moved to where the file's time stamps say it was. That takes a second run,
    since time stamps are worth less than samples: wrong ones make ffmpeg drop sound, and that run is then forgotten.
    """
    raw = _raw(bench, track, "plain.f32")
    ended = _ffmpeg(bench, track, raw, progress=progress)
    decoded_s = raw.duration
    _judge(ended, decoded_s, track, bench)
    claimed = track.duration or 0.0
    if claimed - decoded_s > _HOLE_S:
        filled = _raw(bench, track, "filled.f32")
        _ffmpeg(bench, track, filled, fill=True)
        kept, other = (filled, raw) if decoded_s < filled.duration < claimed + _HOLE_S else (raw, filled)
        other.path.unlink(missing_ok=True)
        return kept, decoded_s
    return raw, decoded_s


def _raw(bench: _Bench, track: Track, name: str) -> Raw:
    # Sounds that have nothing in common add up like the square root of their number; ffmpeg gives us their mean.
    gain = track.shown.channels**0.5 if track.unplaced else 1.0
    return Raw(bench.folder / name, channels=track.channels_out, gain=gain)


def _ffmpeg(bench: _Bench, track: Track, target: Raw, *, fill: bool = False, progress: Progress = quiet) -> Ended:
    def watch(line: str) -> Seconds:
        done = progress_s(line)
        if done is None:
            return 0.0
        progress(done, track.duration or 0.0)
        return done

    sound = ffmpeg.input(bench.address, threads=1, **_WHITELISTS)[f"a:{track.shown.index}"]
    output = _laid_out(sound, track, fill=fill).output(
        target.path.name,
        format="f32le",
        acodec="pcm_f32le",
        t=bench.longest + 1,
        threads=1,
        max_error_rate=1,
        progress="pipe:1",
    )
    command = output.global_args("-hide_banner", "-nostdin", "-nostats", "-v", "warning").overwrite_output()
    longest_bytes = math.ceil((bench.longest + 1) * SAMPLE_RATE) * 4 * target.channels
    return bench.run(command.compile(cmd=_program("ffmpeg")), file_bytes=longest_bytes, watch=watch)


def _laid_out(sound: Any, track: Track, *, fill: bool) -> Any:
    """Filters between the decoder and what we write; an ffmpeg-python stream in, one out."""
    if track.unplaced:
        # Microphones on a recorder's tracks, not speakers around a seat: a guessed layout would misplace them.
        # "<" makes their mean, see `_raw`; ffmpeg-python can't write a pan filter with "=".
        sound = sound.filter("pan", "mono|c0<" + "+".join(f"c{channel}" for channel in range(track.shown.channels)))
    # By default the LFE channel is dropped; on a recorder with six inputs, somebody's microphone is on it.
    options = {"lfe_mix_level": 0.7, **({"async": 1} if fill else {})}
    layout = "stereo" if track.channels_out == 2 else "mono"
    return sound.filter("aresample", SAMPLE_RATE, **options).filter(
        "aformat", sample_fmts="flt", sample_rates=SAMPLE_RATE, channel_layouts=layout
    )


def progress_s(line: str) -> Seconds | None:
    """Seconds of sound done, from a line of ffmpeg's `-progress`; None for lines about something else.

    Examples:
        >>> progress_s("out_time_us=1500000")
        1.5
        >>> progress_s("out_time_us=N/A") is None
        True
    """
    match = re.fullmatch(r"out_time_us=(\d{1,15})\s*", line)
    return int(match[1]) / 1e6 if match else None


def _judge(ended: Ended, decoded_s: Seconds, track: Track, bench: _Bench) -> None:
    """Tell a recording at fault from a machine at fault; what could be decoded is kept whatever ffmpeg complains of."""
    if ended.code != 0:
        _give_up(ended)
    if decoded_s == 0:
        raise InputError("undecodable", f"nothing decodes; ffmpeg ended with {ended.code}")
    if decoded_s + track.delay > bench.longest:
        hours = bench.limits.max_hours
        raise InputError("too-long", f"longer than {hours:g} h", hours=f"{hours:g}")
    if decoded_s < SHORTEST_S:
        raise InputError("too-short", f"{decoded_s:.2f} s", seconds=round(decoded_s, 2))


def _give_up(ended: Ended) -> None:
    """Raise where the machine is at fault, return where the recording is."""
    if "No space left on device" in ended.log or "Disk quota exceeded" in ended.log:
        raise StorageError("disk-full", "ffmpeg found no space left on the scratch disk")
    if "Cannot allocate memory" in ended.log:
        raise EngineError("ffmpeg-failed", "ffmpeg ran into media.memory_mb")
    if ended.code == -signal.SIGXCPU:
        raise InputError("decode-timeout", "ffmpeg used up its processor time")
    if ended.code < 0:
        raise EngineError("ffmpeg-failed", f"ffmpeg was killed by signal {-ended.code}")
    if ended.code == _TOLD_TO_STOP:
        raise EngineError("ffmpeg-failed", "ffmpeg was told to stop: what it decoded is only a part")
    if re.search(r"error while loading shared libraries|Traceback|Resource temporarily unavailable", ended.log):
        raise EngineError("ffmpeg-failed", "ffmpeg didn't start; media.memory_mb may be too little")
    if re.search(r"Unrecognized option|Option \S+ not found|No such filter", ended.log):
        raise EngineError("ffmpeg-failed", "this ffmpeg doesn't understand our command line")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SetupError("ffmpeg-missing", f"{name} is not installed or not on PATH")
    return found
