"""An upload that a job works on: fetched and decoded when somebody first asks, and never twice."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from config.settings import MediaSettings, Settings
from jobs.audio import Audio, MediaInfo
from jobs.transcribe import Progress
from worker.sound.media import decode
from worker.sound.scratch import scratch

#: Copies the upload to a path that isn't there yet.
Fetch = Callable[[Path], None]


class Source:
    """A recording's upload and its sound. Threads that ask at once wait for the first of them.

    What fails isn't remembered: whoever asks next tries again.
    """

    def __init__(self, fetch: Fetch, folder: Path) -> None:
        self._fetch = fetch
        self._folder = folder
        # A name of ours: the uploader's could be taken for a format, a playlist or an option.
        self._path = folder / "recording"
        self._fetched = False
        self._sound: dict[int | None, tuple[Audio, MediaInfo]] = {}
        self._alone = threading.RLock()

    def path(self) -> Path:
        """Where the upload lies on this machine's disk.

        Raises:
            StorageError: it can't be fetched.
            Superseded: another one lies in its place by now.
        """
        with self._alone:
            if not self._fetched:
                self._fetch(self._path)
                self._fetched = True
        return self._path

    def decoded(self, track: int | None, limits: MediaSettings, progress: Progress) -> tuple[Audio, MediaInfo]:
        """The sound of one of its tracks, see `worker.sound.media.decode`.

        Raises:
            InputError, EngineError, StorageError, SetupError: as `worker.sound.media.decode`.
            Superseded: as `path`.
        """
        with self._alone:
            if track not in self._sound:
                self._sound[track] = decode(
                    self.path(), limits=limits, scratch=self._folder, track=track, progress=progress
                )
            return self._sound[track]


@contextmanager
def opened(fetch: Fetch, settings: Settings) -> Iterator[Source]:
    """A source with a scratch folder of its own, removed at the end; sound that is still in use outlives it."""
    with scratch(settings) as folder:
        yield Source(fetch, folder)
