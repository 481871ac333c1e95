"""Logs: colours for a person, logfmt with priorities for the journal, JSON where it is asked for."""

import logging
import os
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from retrowalk.paths import Environ

_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
"""syslog's numbers: so `journalctl -p warning` finds warnings."""


def configure_logging(
    form: str = "auto", level: str = "info", stream: TextIO = sys.stderr, environ: Environ = os.environ
) -> None:
    """Send all log lines to `stream`, from `level` up.

    `form` is auto, console, logfmt or json; auto is logfmt where `stream` is the journal's, else console.
    What libraries log in the standard way comes out in the same form, from warning up.
    """
    if form == "auto":
        form = "logfmt" if _is_journal(stream, environ) else "console"
    first: list[Processor] = [structlog.contextvars.merge_contextvars, structlog.processors.add_log_level]
    rendering = _rendering(form, stream)
    structlog.configure(
        processors=[*first, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Deaf(stream))),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
            foreign_pre_chain=[*first, structlog.stdlib.add_logger_name],
        )
    )
    logging.getLogger("bumble").setLevel(logging.ERROR)  # it warns of every packet that a lost link loses
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


class _Deaf:
    """A stream that may be closed or broken: a log line that nobody can read must not stop who wrote it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


def _rendering(form: str, stream: TextIO) -> list[Processor]:
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="time")
    match form:
        case "json":
            return [stamp, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        case "logfmt":  # no time: the journal has its own
            order = ["level", "event", "treadmill"]
            logfmt = structlog.processors.LogfmtRenderer(
                key_order=order, drop_missing=True, bool_as_flag=False
            )
            return [_told_as_text, _Prioritised(logfmt)]
        case _:
            clock = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False, key="timestamp")
            plain = structlog.dev.plain_traceback
            return [clock, structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain)]


def _told_as_text(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """logfmt takes one line and simple keys: a traceback becomes a field with escaped line ends."""
    event = structlog.processors.format_exc_info(logger, name, event)
    return {key.replace(" ", "_"): value for key, value in event.items()}


class _Prioritised:
    """Puts `<N>` before the line: the journal reads it as its priority."""

    def __init__(self, render: structlog.processors.LogfmtRenderer) -> None:
        self._render = render

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        priority = _PRIORITIES.get(str(event.get("level")), 6)
        return f"<{priority}>{self._render(logger, name, event)}"


def _is_journal(stream: TextIO, environ: Environ) -> bool:
    """systemd names the device and inode of the stream it gave; ours may have been redirected since."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
