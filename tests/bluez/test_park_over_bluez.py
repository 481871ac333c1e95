"""A daemon is killed (-9) with the belt moving; BlueZ keeps its link, and `retrowalk park` finds it there."""

import asyncio
import os
import pty
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from retrowalk.local.client import DaemonClient, DaemonError

pytestmark = pytest.mark.bluez

START, STOP = 0x07, 0x08
CONFIG = """
[mqtt]
url = "off"
[[treadmills]]
id = "tm"
address = "{address}"
machine = "spec"
at_machine = true
second_stop = true
[safety]
countdown_s = 5
[paths]
state_dir = "{folder}/state"
programs_dir = "{folder}/programs"
"""


class Place:
    """A folder with a configuration, and the processes that use it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._keyboard, self._terminal = pty.openpty()

    @asynccontextmanager
    async def process(self, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """That command, killed in the end if it has not ended."""
        environ = os.environ | {
            "RETROWALK_CONFIG": str(self.folder / "retrowalk.toml"),
            "RETROWALK_SOCKET": str(self.folder / "socket"),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "retrowalk", *words),
            env=environ,
            stdin=self._terminal,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def ask(self, command: str, **keys: str) -> dict[str, Any]:
        """The daemon's first answer; empty while there is no daemon."""

        def conversation() -> dict[str, Any]:
            with DaemonClient([self.folder / "socket"]) as client:
                client.ask(command, "tm", **keys)
                return next(client.listen())

        try:
            return await asyncio.to_thread(conversation)
        except DaemonError:
            return {}

    async def until(self, holds: Callable[[dict[str, Any]], object], within: float = 120.0) -> None:
        """Wait for a state; whatever is asked at the machine meanwhile, somebody agrees to."""
        async with asyncio.timeout(within):
            while True:
                state = next(iter((await self.ask("status")).get("states", ())), {})
                if holds(state):
                    return
                if state.get("awaiting"):
                    os.write(self._keyboard, b"\n")
                await asyncio.sleep(0.3)


@pytest.fixture
def place() -> Iterator[Place]:
    """Its path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="rw-") as folder:
        yield Place(Path(folder))


async def test_park_stops_the_belt_of_a_link_that_is_still_up(place, room, spec) -> None:
    """A connected machine does not advertise: BlueZ has to be asked which ones are connected.

    Planted: `scanner._connected` finds none.
    """
    folder = place.folder
    (folder / "retrowalk.toml").write_text(CONFIG.format(address=spec.address, folder=folder))
    (folder / "programs").symlink_to(room.state.parent / "programs")
    async with place.process("run") as daemon:
        await place.until(lambda state: state.get("phase") == "idle")
        await place.ask("start", program="long")
        await place.until(lambda _: spec.machine.kmh >= 0.8)
        daemon.kill()
        await daemon.wait()
    marker = folder / "state" / "moving-tm.json"
    assert marker.exists()
    await asyncio.sleep(1)
    assert spec.is_connected
    assert spec.machine.kmh >= 0.8
    before = len(spec.machine.written)
    async with place.process("park") as park:
        out, _ = await asyncio.wait_for(park.communicate(), 120)
    assert (park.returncode, out) == (0, b"tm: the belt is at rest.\n")
    assert spec.machine.op_codes[before] == STOP
    assert START not in spec.machine.op_codes[before:]
    assert spec.machine.at_rest
    assert not marker.exists()
