"""Logs are for whoever reads them: a person, the journal, a machine."""

import io
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import structlog

from retrowalk.logs import FLUSH_WITHIN_S, MOST_LINES, configure_logging


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def logged(form: str, level: str = "info") -> list[str]:
    stream = io.StringIO()
    wait_until_out = configure_logging(form, level, stream, {})
    log = structlog.get_logger()
    log.debug("not for everybody")
    log.info("connected", treadmill="home", note="two lines\nof text")
    log.warning("odd")
    try:
        raise ValueError("no")
    except ValueError:
        log.exception("failed")
    logging.getLogger("bleak").warning("told by %s", "bleak")
    logging.getLogger("bleak").info("chatter")
    wait_until_out()
    return stream.getvalue().splitlines()


def test_the_journal_gets_one_line_each_with_its_priority() -> None:
    lines = logged("logfmt")
    assert [line[:3] for line in lines] == ["<6>", "<4>", "<3>", "<4>"]
    assert lines[0] == '<6>level=info event=connected treadmill=home note="two lines\\nof text"'
    assert "ValueError: no" in lines[2]
    assert lines[3] == '<4>level=warning event="told by bleak" logger=bleak'


def test_json_is_one_object_a_line_with_the_time_in_utc() -> None:
    lines = [json.loads(line) for line in logged("json")]
    assert [line["level"] for line in lines] == ["info", "warning", "error", "warning"]
    assert lines[0]["treadmill"] == "home"
    assert lines[0]["time"].endswith("Z")
    assert "ValueError: no" in lines[2]["exception"]


def test_a_person_gets_the_time_of_day_and_no_colours_outside_a_terminal() -> None:
    lines = logged("auto")
    assert "connected" in lines[0]
    assert "treadmill=home" in lines[0]
    assert lines[0][2] == ":"
    assert "\x1b" not in "".join(lines)


def test_the_level_is_a_threshold() -> None:
    assert "not for everybody" in logged("logfmt", "debug")[0]
    assert len(logged("json", "error")) == 2  # a library's warning still comes out


@pytest.mark.parametrize(("ours", "first"), [(True, "<6>"), (False, "")])
def test_auto_is_for_the_journal_only_where_the_stream_is_the_journals(
    ours: bool, first: str, tmp_path: Path
) -> None:
    file = tmp_path / "log"
    with file.open("w") as stream:
        status = file.stat()
        journal = f"{status.st_dev}:{status.st_ino if ours else 1}"
        wait_until_out = configure_logging("auto", "info", stream, {"JOURNAL_STREAM": journal})
        structlog.get_logger().info("hello")
        wait_until_out()
    assert file.read_text().startswith("<6>") is ours


def test_a_stream_that_is_closed_stops_nobody_who_logs(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        wait_until_out = configure_logging("json", "info", stream, {})
    structlog.get_logger().error("nobody reads this")
    wait_until_out()


def test_a_stream_that_is_held_holds_up_nobody_and_tells_how_many_lines_are_lost() -> None:
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    with suppress(BlockingIOError):
        while os.write(writes, b"\n"):
            pass
    os.set_blocking(writes, True)  # and full
    with os.fdopen(reads) as reader, os.fdopen(writes, "w", buffering=1) as stream:
        wait_until_out = configure_logging("json", "info", stream, {})
        log = structlog.get_logger()
        log.info("heard", number=0)
        wait_until_out()  # in vain, but its thread has that line
        began = time.monotonic()
        for number in range(1, 3 * MOST_LINES):
            log.info("heard", number=number)
        wait_until_out()
        assert time.monotonic() - began < FLUSH_WITHIN_S + 2.0
        numbers = []
        for line in map(json.loads, filter(str.strip, reader)):
            if "count" in line:
                break
            numbers.append(line["number"])
        assert numbers[-MOST_LINES:] == list(range(2 * MOST_LINES, 3 * MOST_LINES))
        assert (line["level"], line["count"]) == ("warning", 3 * MOST_LINES - len(numbers))
        wait_until_out()


class Held(io.StringIO):
    """A stream that takes a line only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Semaphore(0)

    def write(self, text: str) -> int:
        self.let.acquire()
        return super().write(text)


def test_what_is_lost_is_told_though_the_line_that_told_it_was_lost_as_well() -> None:
    stream = Held()
    wait_until_out = configure_logging("json", "info", stream, {})
    log = structlog.get_logger()
    for _ in range(2):
        for _ in range(3 * MOST_LINES):
            log.info("heard")
        stream.let.release()
        wait_until_out()  # in vain, but its thread has told of the loss
    stream.let.release(3 * MOST_LINES)
    wait_until_out()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    counts = [line["count"] for line in lines if "count" in line]
    lost = 6 * MOST_LINES - (len(lines) - len(counts))
    assert lost <= counts[-1] <= lost + 2, "and those that told it in vain"
