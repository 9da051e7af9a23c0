"""How a process tells what it does: events and fields to stderr, lines for people on a terminal, JSON elsewhere.

Events name recordings by id only: no title, file name, person or word of what was said. Numbers pass under any name;
text passes in the fields listed here only, where it looks like what belongs there.
"""

import logging
import math
import os
import re
import socket
import sys
import threading
import traceback
import warnings
from pathlib import Path
from types import TracebackType
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from config.settings import LogSettings
from worker.provenance import app_version

log = structlog.get_logger()

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_ID = re.compile(r"r-[0-9a-f]{1,64}(-[a-z0-9]{1,16})?")
_EVENT = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
#: Sentences of ours for ops, source lines and names of model files: any text, of this length at most.
_SENTENCE = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]{0,4000}")
#: The fields that may hold text, and what it must look like.
TEXT = {
    "child": _CODE, "code": _CODE, "detail": _SENTENCE, "device": _CODE, "error": _CODE, "job_id": _ID, "kind": _CODE,
    "library": _CODE, "mark": _CODE, "pipeline": _CODE, "queue": _CODE, "reason": _SENTENCE, "recording_id": _ID,
    "remedy": _SENTENCE,
    "role": _CODE, "source": _SENTENCE, "stage": _CODE, "task": _CODE, "weights": _CODE, "where": _SENTENCE,
    "why": _CODE,
}  # fmt: skip


def configure(settings: LogSettings, *, quiet: bool = False) -> None:
    """Set up logging for this process. `quiet` keeps all but errors back: the terminal belongs to progress."""
    level = logging.ERROR if quiet else getattr(logging, settings.level.upper())
    console = settings.format == "console" or (settings.format == "auto" and sys.stderr.isatty())
    for_machines = (_Signed(), structlog.processors.JSONRenderer(ensure_ascii=False))
    rendering = (structlog.dev.ConsoleRenderer(),) if console else for_machines
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            raised,
            guarded,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *rendering,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _listen_to_libraries()
    _listen_to_crashes(at_a_terminal=console)


def guarded(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Let through what may be told, and name in `dropped` the fields that may not."""
    kept: EventDict = {}
    dropped = []
    for name, value in event.items():
        if name == "event":
            fine = isinstance(value, str) and _EVENT.fullmatch(value) is not None
        elif isinstance(value, str):
            fine = name in TEXT and TEXT[name].fullmatch(value) is not None
        else:
            # JSON has no word for an infinite number.
            fine = value is None or (isinstance(value, (int, float)) and math.isfinite(value))
        if fine:
            kept[name] = value
        else:
            dropped.append(name)
    kept.setdefault("event", "log.unnamed")
    if dropped:
        kept["dropped"] = sorted(dropped)
    return kept


def raised(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Tell an exception's type and the way it took, but neither its message nor the values on the way."""
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event.update(told(error))
    return event


def told(error: BaseException) -> dict[str, str]:
    """What may be told of a stranger's exception: its text may quote the recording."""
    return {"error": type(error).__name__, "where": "".join(traceback.format_tb(error.__traceback__))[-4000:]}


class _Libraries(logging.Handler):
    """Tells that a library complains and from which line, but not what it says: that may quote a path or the text."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass on that there was a message, and which."""
        speak = log.error if record.levelno >= logging.ERROR else log.warning
        where = f"{record.module}:{record.lineno}"
        error = record.exc_info[0] if record.exc_info else None
        library = record.name.partition(".")[0]
        speak("library.complained", library=library, where=where, error=error.__name__ if error else None)


class _Signed:
    """Adds which process of which version speaks."""

    def __init__(self) -> None:
        self._process, self._version = f"{socket.gethostname()}:{os.getpid()}", app_version()

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.update(process=self._process, version=self._version)
        return event


def _listen_to_libraries() -> None:
    root = logging.getLogger()
    root.handlers = [*(handler for handler in root.handlers if not isinstance(handler, _Libraries)), _Libraries()]
    root.setLevel(logging.WARNING)
    # Python's own warnings are for programmers: seen with --debug.
    warnings.simplefilter("default")
    warnings.showwarning = _warned


def _warned(  # noqa: PLR0913  # Python's signature
    message: Warning | str,  # noqa: ARG001  # it may quote anything
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001  # the same
    line: str | None = None,  # noqa: ARG001  # the same
) -> None:
    log.debug("python.warned", error=category.__name__, where=f"{Path(filename).name}:{lineno}")


def _listen_to_crashes(*, at_a_terminal: bool) -> None:
    """Python would write what nobody catches to stderr, message and all; whoever sits at a terminal may read it."""
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _thread_crashed
    if sys.excepthook is sys.__excepthook__ and not at_a_terminal:
        sys.excepthook = _process_crashed


def _thread_crashed(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        log.error("thread.crashed", **told(args.exc_value))


def _process_crashed(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    log.error("process.crashed", **told(error))
