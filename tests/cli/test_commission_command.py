"""`retrowalk commission` at a terminal: who may run it, what is asked, how it ends."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from blefit.units import Speed
from retrowalk import cli
from retrowalk.cli.commission import conclude, say
from retrowalk.cli.errors import Exit, UserError
from retrowalk.commission import Outcome
from retrowalk.core.attending import Verdict
from retrowalk.core.commissioning import Measured
from retrowalk.core.model import Act, Confirm, Request, StopSession
from retrowalk.supervise import only_one

CONFIG = """
[[treadmills]]
id = "hall"
address = "C0:00:00:00:00:01"
[paths]
state_dir = "{state}"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "c.toml"
    file.write_text(CONFIG.format(state=tmp_path / "state"))
    return file


def at_a_terminal(typed: str, *argv: object) -> subprocess.CompletedProcess[str]:
    """The command in a process whose input is a terminal where that is typed."""
    near, far = pty.openpty()
    try:
        os.write(near, typed.encode())
        return subprocess.run(
            [sys.executable, "-m", "retrowalk", "commission", *map(str, argv)],
            stdin=far, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    finally:
        os.close(near)
        os.close(far)


def test_without_a_terminal_nobody_stands_at_the_machine(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path(os.devnull).open() as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        assert cli.main(["commission", "hall", "--config", str(config)]) == Exit.REFUSED
    assert "a person at the machine has to confirm each start" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["hall", "--machine", "spec"]])
def test_one_treadmill_or_a_simulated_one(argv: list[str]) -> None:
    assert cli.main(["commission", *argv]) == Exit.USAGE


def test_a_treadmill_that_the_configuration_does_not_know_could_not_be_parked(config: Path) -> None:
    ran = at_a_terminal("", "C0:00:00:00:00:02", "--config", config)
    assert ran.returncode == Exit.USAGE
    assert "C0:00:00:00:00:02 is no treadmill of" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_a_daemon_that_holds_the_treadmill_goes_first(config: Path, tmp_path: Path) -> None:
    with only_one(tmp_path / "state"):
        ran = at_a_terminal("", "c0:00:00:00:00:01", "--config", config)
    assert ran.returncode == Exit.REFUSED
    assert "a daemon runs already" in ran.stderr


def test_without_the_words_nothing_starts(config: Path) -> None:
    ran = at_a_terminal("yes\n", "hall", "--config", config)
    assert ran.returncode == Exit.REFUSED
    assert "NOBODY on it" in ran.stderr
    assert ran.stderr.splitlines()[-1].endswith("nothing was started")


def test_practice_that_is_stopped_in_time() -> None:
    ran = at_a_terminal("The belt  is empty\nno\n", "--machine", "spec")
    assert ran.returncode == Exit.INTERRUPTED, ran.stderr
    assert ran.stderr.endswith("retrowalk: not commissioned: it was stopped\n")
    assert ran.stdout == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_half_a_line_does_not_hold_up_the_end(number: int) -> None:
    near, far = pty.openpty()
    run = [sys.executable, "-m", "retrowalk", "commission", "--machine", "spec"]
    with subprocess.Popen(run, stdin=far, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        os.write(near, b"the belt is empty\n")
        assert any("Press Enter: the belt starts" in line for line in process.stderr)
        os.write(near, b"oops\x04")
        process.send_signal(number)
        assert "it was stopped" in process.communicate(timeout=30)[1]
        assert process.returncode == Exit.INTERRUPTED
    os.close(near)
    os.close(far)


def test_a_machine_that_there_is_not() -> None:
    ran = at_a_terminal("", "--machine", "spek")
    assert ran.returncode == Exit.USAGE
    assert "did you mean spec?" in ran.stderr


@pytest.mark.parametrize(
    ("asked", "typed", "said"),
    [
        (Act.START, "", Confirm(Act.START)),
        (Act.STILL, "Yes", Confirm(Act.STILL)),
        (Act.STILL, "no", StopSession()),
        (Act.START, "stop", StopSession()),
        (None, "", StopSession()),
        (None, "y", StopSession()),
    ],
)
def test_enter_answers_what_is_asked_and_stops_where_nothing_is(
    asked: Act | None, typed: str, said: object
) -> None:
    heard: list[Request] = []
    examination: Any = SimpleNamespace(
        commissioner=SimpleNamespace(awaiting=asked), station=SimpleNamespace(submit=heard.append)
    )
    say(examination, typed, 1)
    assert [request.ask for request in heard] == [said]


@pytest.mark.parametrize(
    ("verdict", "facts", "ending"),
    [
        (Verdict(), {}, None),
        (Verdict(), {"kept": "the state folder does not take it"}, (Exit.FAILED, "not kept")),
        (Verdict("it was stopped"), {}, (Exit.INTERRUPTED, "not commissioned: it was stopped")),
        (Verdict("it does not start"), {}, (Exit.FAILED, "not commissioned: it does not start")),
        (Verdict("mph", unsafe=True), {}, (Exit.REFUSED, "in quarantine: mph")),
        (Verdict("the treadmill was not found"), {"reached": False}, (Exit.UNREACHABLE, "not found")),
        (Verdict("mph", unsafe=True), {"at_rest": False}, (Exit.FAILED, "PULL THE CORD")),
    ],
)
@pytest.mark.parametrize("in_json", [True, False])
def test_how_it_ends(
    verdict: Verdict,
    facts: dict[str, Any],
    ending: tuple[int, str] | None,
    in_json: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    measured = Measured(slowest=Speed(80))
    outcome = Outcome(verdict, measured, **{"at_rest": True, "reached": True, **facts})
    if ending is None:
        conclude(outcome, in_json=in_json)
    else:
        code, words = ending
        with pytest.raises(UserError, match=words) as raised:
            conclude(outcome, in_json=in_json)
        assert raised.value.exit_code == code
    told = capsys.readouterr().out
    assert ('"slowest_kmh": 0.8' if in_json else "0.8 km/h") in told
