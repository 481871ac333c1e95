"""`retrowalk session` beside a running daemon, and Enter on the terminal that stands at the machine."""

import asyncio
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from retrowalk.core.model import Phase
from retrowalk.local.server import LocalServer

SPEEDUP = 10
"""The command and its socket take real time."""


@pytest.fixture
def socket_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RETROWALK_SOCKET", str(tmp_path / "r.sock"))
    return tmp_path / "r.sock"


async def session(*argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "retrowalk", "session", *argv]
    return await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False, timeout=20
    )


async def test_the_session_command_offers_watches_and_stops(room, spec, socket_file) -> None:
    async with room.daemon() as daemon:
        server = LocalServer(socket_file, daemon.app.submit, daemon.app.hubs)
        async with server.listening(), room.person(daemon):
            await daemon.phase(Phase.IDLE)
            offered = await session("start", "long")
            assert offered.returncode == 0
            await daemon.phase(Phase.WALKING, within=200)
            status = await session("status", "--json")
            assert json.loads(status.stdout)["program"] == "Long"
            assert json.loads(status.stdout)["measured_speed_kmh"] > 0
            assert (await session("cap", "5")).returncode == 4
            stopped = await session("stop")
            assert (stopped.returncode, stopped.stdout) == (0, "tm: stop accepted\n")
            await daemon.phase(Phase.IDLE)
            assert spec.machine.at_rest


CONFIG = """
[mqtt]
url = "off"
[[treadmills]]
id = "hall"
address = "C0:00:00:00:00:02"
[[treadmills]]
id = "home"
address = "C0:00:00:00:00:01"
at_machine = true
"""


@pytest.mark.parametrize("declared", [True, False])
def test_enter_at_the_machine_is_an_act(tmp_path: Path, declared: bool) -> None:
    """Where no terminal is declared to be there, Enter is nothing."""
    config = CONFIG if declared else CONFIG.replace("at_machine = true", "")
    (tmp_path / "retrowalk.toml").write_text(config)
    environ = os.environ | {
        "RETROWALK_SOCKET": str(tmp_path / "r.sock"),
        "STATE_DIRECTORY": str(tmp_path / "state"),
        "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/no-bus",
    }
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "retrowalk", "run", "--config", str(tmp_path / "retrowalk.toml")]
    with subprocess.Popen(
        command, env=environ, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as daemon:
        try:
            lines = iter(daemon.stdout.readline, "")
            assert any("listening for retrowalk session" in line for line in lines)
            time.sleep(0.1)
            os.write(ours, b"\n")
            if declared:
                refused = next(line for line in lines if "refused" in line)
                assert "source=terminal" in refused
                assert "nothing is asked" in refused
                assert "treadmill=home" in refused, "the one that the terminal stands at"
            time.sleep(0.3)
        finally:
            daemon.terminate()
            assert not any("refused" in line for line in lines)
            assert daemon.wait(10) == 0
            os.close(ours)
            os.close(theirs)
