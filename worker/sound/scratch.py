"""Where a recording is unpacked while it is worked on: a folder that a killed process can't leave for good."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from config.settings import Settings
from jobs.errors import SetupError

_PREFIX = "nachlese-scratch-"


@contextmanager
def scratch(settings: Settings) -> Iterator[Path]:
    """An empty folder for one recording, removed at the end.

    Raises:
        SetupError: "bad-scratch" when `media.scratch` can't be written to.
    """
    folder, handle = _locked(settings)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def clean_scratch(settings: Settings) -> int:
    """Remove folders that killed processes left behind; returns how many."""
    removed = 0
    for folder in Path(settings.media.scratch or tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # Others may be cleaning too.
        with suppress(FileNotFoundError):
            if not folder.is_symlink() and folder.is_dir() and folder.stat().st_uid == os.getuid():
                removed += _removed(folder)
    return removed


def _removed(folder: Path) -> bool:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


def _locked(settings: Settings) -> tuple[Path, int]:
    """A new folder, and the descriptor that holds its lock: the kernel drops it with us, however we end."""
    while True:
        try:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=settings.media.scratch or None))
        except OSError as error:
            message = f"no temporary folder can be made ({type(error).__name__}): check media.scratch and the disk"
            raise SetupError("bad-scratch", message) from None
        # Until it is locked, another process of ours may take it for one that was left behind.
        with suppress(FileNotFoundError):
            handle = os.open(folder, os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if folder.exists():
                return folder, handle
            os.close(handle)
