"""How long a recording is, before anybody has fetched it: good enough to put short ones first, and to foretell.

Its first and last part are enough for ffprobe, whatever the file weighs; where they say nothing, its size tells.
"""

from pathlib import Path, PurePosixPath

from config.settings import Settings
from jobs.errors import InputError
from jobs.timeline import Seconds
from worker.bucket.storage import Storage, Stored
from worker.sound.media import claimed_length
from worker.sound.scratch import scratch

#: Containers tell their length in their head (WAV, FLAC, Matroska, MP4 made for streaming, MP3's Xing header) …
_HEAD_BYTES = 256 * 1024
#: … or at their end (other MP4, by an index of about 0.5 MB an hour of sound; Ogg; MPEG-TS).
_TAIL_BYTES = 1024 * 1024
_OTHER = "other"


def guessed(key: str, size_bytes: int, settings: Settings) -> Seconds:
    """Length by size and what is usual for such files, in seconds; at most what is worked on at all."""
    usual = settings.intake.kbit_per_s
    suffix = PurePosixPath(key.casefold()).suffix
    seconds = size_bytes * 8 / 1000 / usual.get(suffix, usual[_OTHER])
    return min(seconds, settings.media.max_hours * 3600)


def claimed(stored: Stored, storage: Storage, settings: Settings) -> Seconds | None:
    """Length as the file itself claims, in seconds; None where it claims none, or can't be read.

    Raises:
        StorageError: the store failed, or the upload is gone.
        SetupError, EngineError: this machine can't ask.
    """
    with scratch(settings) as folder:
        copy = folder / "recording"
        _sketch(stored, storage, copy)
        try:
            seconds = claimed_length(copy, limits=settings.media, scratch=folder)
        except InputError:
            # The job will say what is wrong with it.
            return None
    return None if seconds is None else min(seconds, settings.media.max_hours * 3600)


def _sketch(stored: Stored, storage: Storage, path: Path) -> None:
    """A file of the upload's size that holds its head and its tail; what is between takes no room on most disks."""
    size = stored.size_bytes
    tail_at = max(_HEAD_BYTES, size - _TAIL_BYTES)
    with path.open("wb") as file:
        if size:
            file.write(storage.read_part(stored.key, 0, _HEAD_BYTES))
        if size > tail_at:
            file.seek(tail_at)
            file.write(storage.read_part(stored.key, tail_at, size - tail_at))
