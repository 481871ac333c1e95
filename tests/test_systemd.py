"""The shipped unit is clean and hardened, and parks the belt whatever ends the daemon."""

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from retrowalk.resources import systemd_dir

UNIT = systemd_dir() / "retrowalk.service"

needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed"
)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with its programs where this machine has one: systemd looks whether they exist."""
    copy = tmp_path / "retrowalk.service"
    program = os.path.realpath(sys.executable)
    text = UNIT.read_text().replace("/opt/retrowalk/.venv/bin/retrowalk", program)
    copy.write_text(text.replace("file:///opt/retrowalk/README.md", f"file://{program}"))
    return copy


@needs_systemd
def test_systemd_finds_no_fault_with_it(unit: Path) -> None:
    told = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")


@needs_systemd
def test_its_exposure_is_rated_ok(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", unit]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout


@pytest.mark.skipif(not shutil.which("systemd-sysusers"), reason="systemd-sysusers is not installed")
def test_its_user_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    command = ["systemd-sysusers", f"--root={tmp_path}", systemd_dir() / "retrowalk.sysusers.conf"]
    subprocess.run(command, check=True, capture_output=True)
    assert "retrowalk" in (tmp_path / "etc/passwd").read_text()


def test_every_end_of_the_daemon_parks_the_belt_and_a_hung_one_is_ended() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment]  # as its documentation says
    unit.read_string(UNIT.read_text())
    service = unit["Service"]
    assert service["ExecStopPost"].split()[:2] == ["/opt/retrowalk/.venv/bin/retrowalk", "park"]
    assert service["ExecStart"].split()[:2] == ["/opt/retrowalk/.venv/bin/retrowalk", "run"]
    assert (service["Type"], service["Restart"]) == ("notify", "on-failure")
    assert float(service["WatchdogSec"]) <= 5
    assert service["User"] == "retrowalk"
