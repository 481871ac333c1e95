"""Logs: colours for a person, logfmt with priorities for the journal, JSON where it is asked for.

Whoever logs waits for nobody: a thread brings the lines to a terminal that may be held, to a journal that may
hang.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from retrowalk.paths import Environ
from retrowalk.terminal import stderr

MOST_LINES = 1000
"""So many wait; of more, the oldest are dropped."""
FLUSH_WITHIN_S = 1.0
"""The end waits so long for the last line."""

_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
"""syslog's numbers: so `journalctl -p warning` finds warnings."""


def configure_logging(
    form: str = "auto", level: str = "info", stream: TextIO | None = None, environ: Environ = os.environ
) -> Callable[[], None]:
    """Send all log lines to `stream` (stderr), from `level` up.

    Returns what to call in the end: it waits until the last line is out, or for FLUSH_WITHIN_S.

    `form` is auto, console, logfmt or json; auto is logfmt where `stream` is the journal's, else console.
    What libraries log in the standard way comes out in the same form, from warning up.
    """
    stream = stream or stderr()
    if form == "auto":
        form = "logfmt" if _is_journal(stream, environ) else "console"
    first: list[Processor] = [structlog.contextvars.merge_contextvars, structlog.processors.add_log_level]
    rendering = _rendering(form, stream)
    lines = _Lines(stream)
    structlog.configure(
        processors=[*first, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", lines)),
    )
    handler = logging.StreamHandler(lines)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
            foreign_pre_chain=[*first, structlog.stdlib.add_logger_name],
        )
    )
    logging.getLogger("bumble").setLevel(logging.ERROR)  # it warns of every packet that a lost link loses
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    return lines.wait_until_out


class _Lines:
    """A stream to write lines to, which only keeps them: its thread takes them to the real one."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: deque[str] = deque()
        self._dropped = 0
        self._writing = False
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="log", daemon=True).start()

    def write(self, text: str) -> None:
        with self._changed:
            if len(self._waiting) == MOST_LINES:
                self._waiting.popleft()
                self._dropped += 1
            self._waiting.append(text)
            self._changed.notify_all()

    def flush(self) -> None:
        """Nobody waits here; in the end, `wait_until_out`."""

    def wait_until_out(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not (self._waiting or self._writing), FLUSH_WITHIN_S)

    def _run(self) -> None:
        told = 0
        while True:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting)
                text, dropped = self._waiting.popleft(), self._dropped
                self._writing = True
            if dropped > told:  # of all: this line may be dropped, too
                told = dropped
                structlog.get_logger().warning("the log was held: older lines are dropped", count=dropped)
            with suppress(OSError, ValueError):  # it is closed or broken: nobody can read this
                self._stream.write(text)
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
