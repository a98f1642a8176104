"""Log lines: an event name and fields.  Never a secret, never content of mail.

`event("imap.command", name="FETCH", result="ok")`, or a bound logger: ``log = telemetry.logger(listener="imaps")``.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import Final, TextIO, cast

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, FilteringBoundLogger, Processor

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class _StandardError:
    """Standard error, for lines that may be lost.

    It may lead to a disk that is full or to a pipe that nobody reads any more: what is told of must go on all the same.
    """

    def write(self, text: str) -> None:
        """Write as much as can be written."""
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Flush as much as can be written."""
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def configure(level: str = "info", form: str = "auto", **fields: object) -> None:
    """Say what is written (`LEVELS`) and how (``console``, ``json``, or ``auto``: console on a terminal).

    `fields` are in every line.  Lines go to standard error.  Called once by a program, never by a library's user or a
    test.
    """
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    # Tracebacks without the values of variables, which either form would print: they are passwords and mail.
    rendering: list[Processor] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
        if console
        else [
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(default=str),
        ]
    )

    def add_fields(_logger: object, _method: str, event: EventDict) -> EventDict:
        event.update(fields)
        return event

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            add_fields,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *rendering,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _StandardError())),
        cache_logger_on_first_use=False,  # a reload may change the level
    )


def logger(**fields: object) -> FilteringBoundLogger:
    """A logger whose lines all carry `fields`.  Events are named ``part.what``: ``lmtp.delivered``."""
    return cast("FilteringBoundLogger", structlog.get_logger(**fields))
