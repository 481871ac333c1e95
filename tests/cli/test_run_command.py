"""`retrowalk run` as a process: the service manager, the local socket, and the end of it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrowalk import cli

CONFIG = """
[mqtt]
url = "off"
[[treadmills]]
id = "home"
address = "C0:00:00:00:00:01"
[log]
format = "json"
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A machine with a service manager and without Bluetooth."""
    (tmp_path / "retrowalk.toml").write_text(CONFIG)
    return os.environ | {
        "RETROWALK_SOCKET": str(tmp_path / "r.sock"),
        "STATE_DIRECTORY": str(tmp_path / "state"),
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": "900000",
        "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/no-bus",
    }


@pytest.fixture
def manager(environ: dict[str, str]) -> Iterator[socket.socket]:
    """What systemd would hear."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(environ["NOTIFY_SOCKET"])
        manager.settimeout(10)
        yield manager


def command(*argv: str) -> list[str]:
    return [sys.executable, "-m", "retrowalk", *argv]


@pytest.fixture
def daemon(
    environ: dict[str, str], manager: socket.socket, tmp_path: Path
) -> Iterator[subprocess.Popen[str]]:
    """The daemon, ready."""
    run = command("run", "--config", str(tmp_path / "retrowalk.toml"))
    process = subprocess.Popen(run, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert heard(manager, "READY=1")
    yield process
    process.kill()
    process.communicate()


def heard(manager: socket.socket, message: str) -> bool:
    """Wait for that message; what else is said meanwhile is passed over."""
    while message not in manager.recv(1000).decode().splitlines():
        pass
    return True


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_lives_while_its_control_loops_tick_and_ends_when_told(
    number: int, code: int, daemon: subprocess.Popen[str], manager: socket.socket
) -> None:
    assert heard(manager, "WATCHDOG=1")
    assert heard(manager, "WATCHDOG=1")
    daemon.send_signal(number)
    assert heard(manager, "STOPPING=1")
    assert daemon.wait(10) == code
    for line in daemon.stderr.read().splitlines():
        assert json.loads(line)["event"]


def test_it_answers_retrowalk_session(
    daemon: subprocess.Popen[str], manager: socket.socket, environ: dict[str, str]
) -> None:
    assert heard(manager, "WATCHDOG=1")  # the control loop has ticked: there is a state
    told = subprocess.run(
        command("session", "status", "--json"), env=environ, capture_output=True, text=True, check=True
    )
    assert json.loads(told.stdout)["phase"] == "disconnected"
    stopped = subprocess.run(
        command("session", "stop"), env=environ, capture_output=True, text=True, check=True
    )
    assert stopped.stdout.startswith("home: stop accepted")


BUGGY = """
import sys
from retrowalk import cli
from retrowalk.core.controller import Controller
def act(*_):
    raise ZeroDivisionError("a bug")
Controller.act = act
sys.exit(cli.main(sys.argv[1:]))
"""


def test_a_control_task_that_has_failed_ends_it_and_the_service_manager_takes_over(
    environ: dict[str, str], tmp_path: Path
) -> None:
    run = [sys.executable, "-c", BUGGY, "run", "--config", str(tmp_path / "retrowalk.toml")]
    told = subprocess.run(run, env=environ, capture_output=True, text=True, check=False, timeout=30)
    assert told.returncode not in {0, 130}
    assert "the control task failed" in told.stderr


def test_a_second_daemon_ends_at_once_with_the_reason(
    daemon: subprocess.Popen[str], environ: dict[str, str], tmp_path: Path
) -> None:
    run = command("run", "--config", str(tmp_path / "retrowalk.toml"))
    told = subprocess.run(run, env=environ, capture_output=True, text=True, check=False, timeout=10)
    assert told.returncode == 1
    assert "a daemon runs already" in told.stderr


def test_without_a_treadmill_there_is_nothing_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.toml").write_text("")
    assert cli.main(["run", "--config", str(tmp_path / "c.toml")]) == 2
    assert "no treadmill is configured: find yours with `retrowalk scan`" in capsys.readouterr().err


def test_a_configuration_that_is_wrong_is_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.toml").write_text("[safety]\nbackward_cap_kmh = 6\n")
    assert cli.main(["run", "--config", str(tmp_path / "c.toml")]) == 2
    assert "6 is above the ceiling 5 km/h" in capsys.readouterr().err
