"""Where a recording is unpacked while it is worked on: a folder that a killed process can't leave for good."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=settings.media.scratch or None))
    except OSError as error:
        message = f"no temporary folder can be made ({type(error).__name__}): check media.scratch and the disk"
        raise SetupError("bad-scratch", message) from None
    handle = os.open(folder, os.O_RDONLY)
    try:
        # The kernel drops the lock with the last process that holds it, however that ends.
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def clean_scratch(settings: Settings) -> int:
    """Remove folders that killed processes left behind; returns how many."""
    removed = 0
    for folder in Path(settings.media.scratch or tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.getuid():
            continue
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
        finally:
            os.close(handle)
    return removed
