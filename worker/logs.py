"""How a process tells what it does: events and fields to stderr, lines for people on a terminal, JSON elsewhere.

Events name recordings by id only: no title, file name, person or word of what was said.
"""

import logging
import sys
import warnings

import structlog

from config.settings import LogSettings


def configure(settings: LogSettings, *, quiet: bool = False) -> None:
    """Set up logging for this process. `quiet` keeps all but errors back: the terminal belongs to progress."""
    level = logging.ERROR if quiet else getattr(logging, settings.level.upper())
    console = settings.format == "console" or (settings.format == "auto" and sys.stderr.isatty())
    renderer = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries may put a path or a word of the text into what they log or warn of: they keep silent.
    logging.getLogger().setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
