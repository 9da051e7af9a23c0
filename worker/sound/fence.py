"""A fence around a program that reads what strangers wrote: limits, a clock, and an end for its children too."""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from jobs.timeline import Seconds

#: Told every line of standard output; answers how many seconds of sound are done by now.
Watch = Callable[[str], Seconds]

#: Bytes kept of what a program says on either pipe: the last ones.
MOUTH_BYTES = 1 << 20

# Limits must stand before the program's first instruction, and `preexec_fn` may deadlock in a process with threads.
# So a bare interpreter sets them and becomes the program; unlike `ulimit`, `setrlimit` means the same units everywhere.
# Python ignores two signals, and a program would inherit that; SIGXCPU comes a second before SIGKILL, so that one can
# tell what happened. With PR_SET_PDEATHSIG (1), SIGKILL (9) reaches the program when we are killed ourselves.
_ENTER = """
import os, resource, signal, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, 9)
for name in ("SIGPIPE", "SIGXFSZ"):
    signal.signal(getattr(signal, name), signal.SIG_DFL)
grace = {"RLIMIT_AS": 0, "RLIMIT_CPU": 1, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0}
for (name, more), value in zip(grace.items(), map(int, sys.argv[1:5])):
    kind = getattr(resource, name)
    hard = resource.getrlimit(kind)[1]
    most = value + more if hard == resource.RLIM_INFINITY else min(value + more, hard)
    resource.setrlimit(kind, (min(value, most), most))
os.execv(sys.argv[5], sys.argv[5:])
"""


@dataclass(frozen=True, slots=True)
class Fence:
    """What a program may use."""

    #: Where it runs and may leave files.
    folder: Path
    memory_bytes: int
    #: Largest file it may write.
    file_bytes: int
    #: Processor time, all threads together.
    cpu_s: int
    #: Time on the clock: so many seconds at least …
    wall_min_s: Seconds
    #: … and so many per second of sound that is done.
    wall_factor: float = 0.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that has run to its end."""

    #: Exit status; negative: the signal that killed it.
    code: int
    #: Last part of standard output.
    out: bytes
    #: Last part of standard error. May quote the file: not for logs.
    log: str


def no_watch(_line: str) -> Seconds:
    """Nobody listens, and no time is added."""
    return 0.0


def run(command: Sequence[str], *, fence: Fence, passing: Sequence[int] = (), watch: Watch = no_watch) -> Ended:
    """Run a program inside the fence, in a session of its own and without our environment.

    Args:
        command: absolute path of the program, and its arguments.
        fence: its limits.
        passing: file descriptors that it inherits under the same numbers.
        watch: an exception raised here ends the program.

    Raises:
        TimeoutError: it didn't end in time; it and its children are killed.
    """
    limits = (fence.memory_bytes, fence.cpu_s, fence.file_bytes, 0)
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _ENTER, *map(str, limits), *command],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=fence.folder, env={"LC_ALL": "C"}, pass_fds=tuple(passing), start_new_session=True,
    ) as process:  # fmt: skip
        try:
            out, log = _listen(process, fence, watch)
        finally:
            _end(process)
    return Ended(process.returncode, out, log.decode(errors="replace"))


def _listen(process: subprocess.Popen[bytes], fence: Fence, watch: Watch) -> tuple[bytes, bytes]:
    """Read both pipes to their end, and wait for the program's."""
    started, done, rest = time.monotonic(), 0.0, b""
    heard = {stream: bytearray() for stream in (process.stdout, process.stderr) if stream is not None}

    def left() -> Seconds:
        seconds = started + max(fence.wall_min_s, fence.wall_factor * done) - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    with selectors.DefaultSelector() as selector:
        for stream in heard:
            selector.register(stream, selectors.EVENT_READ, stream)
        while selector.get_map():
            for key, _ in selector.select(left()):
                source: IO[bytes] = key.data
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    selector.unregister(source)
                heard[source] = (heard[source] + chunk)[-MOUTH_BYTES:]
                if source is process.stdout:
                    *lines, rest = (rest + chunk)[-MOUTH_BYTES:].split(b"\n")
                    done = max([done, *(watch(line.decode(errors="replace")) for line in lines)])
    try:
        process.wait(left())
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    out, log = heard.values()
    return bytes(out), bytes(log)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
