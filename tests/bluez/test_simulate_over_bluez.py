"""`retrowalk simulate --transport vhci`, in a process of its own, is an adapter of the guest's kernel.

And there is a treadmill in its reach.
"""

import asyncio
import importlib.util
import json
import os
import pty
import socket
import sys
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.ble.conftest import until
from tests.bluez.lab import Lab

from retrowalk.core.model import Phase

pytestmark = pytest.mark.bluez

ADDRESS = "F2:00:00:00:18:26"
CREATE = b"\xff\x00"
"""Written to /dev/vhci it makes an adapter. The guest's bridge does so when somebody comes to its port."""
SUCCESS = 1


@contextmanager
def vhci(lab: Lab) -> Iterator[str]:
    """The path of what is /dev/vhci on this side, while the block runs."""
    loop = asyncio.get_running_loop()
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    guest = socket.socket(socket.AF_UNIX)

    def create() -> None:
        assert os.read(ours, len(CREATE)) == CREATE
        guest.connect(lab.hci.removeprefix("unix-client:"))
        loop.add_reader(guest, lambda: os.write(ours, guest.recv(4096)))
        loop.add_reader(ours, lambda: guest.sendall(os.read(ours, 4096)))

    loop.add_reader(ours, create)
    try:
        yield os.ttyname(theirs)
    finally:
        loop.remove_reader(ours)
        loop.remove_reader(guest)
        guest.close()
        os.close(ours)
        os.close(theirs)


class Simulation:
    """That process, by what it tells."""

    def __init__(self) -> None:
        self._told: list[dict[str, Any]] = []

    async def listen(self, lines: asyncio.StreamReader) -> None:
        async for line in lines:
            self._told.append(json.loads(line))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [told for told in self._told if told["event"] == event]

    @property
    def kmh(self) -> float:
        """The real speed of its belt, at most a second ago."""
        return float(self.of("belt")[-1]["speed_kmh"])

    @property
    def op_names(self) -> list[str]:
        """Of what was written to it."""
        return [told["op_name"] for told in self.of("written")]


@pytest.fixture
async def simulation(radio) -> AsyncIterator[Simulation]:
    """The guest has its adapter instead of the usual one."""
    await radio.unplug()
    simulation = Simulation()
    with vhci(radio.lab) as path:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "retrowalk", "simulate", "--transport", f"vhci:{path}", "--json"),
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        listening = asyncio.create_task(simulation.listen(process.stdout))
        try:
            await until(lambda: simulation.of("on_air"))
            await radio.becomes(powered=True)
            yield simulation
        finally:
            process.terminate()
            await process.wait()
            await listening
    await radio.becomes(powered=False)


async def test_the_daemon_finds_it_walks_on_it_and_leaves_it_at_rest(room, simulation, marker) -> None:
    """Planted: an `Antenna` with all of Bumble's `le_features`; Linux 6.1 does not take it."""
    treadmill = {"id": "tm", "address": ADDRESS, "machine": "spec", "at_machine": True, "second_stop": True}
    async with room.daemon(room.settings(treadmills=(treadmill,))) as daemon:
        await daemon.walking("long")
        await daemon.until(lambda state: state.measured == 120)
        await until(lambda: simulation.kmh == 1.2)
        assert daemon.state().phase is Phase.WALKING
        assert marker.exists()
    assert not marker.exists()
    assert daemon.events("link_lost", "fault", "garbled") == []
    await until(lambda: simulation.of("disconnected"))
    assert len(simulation.of("connected")) == 1
    await until(lambda: simulation.kmh == 0)
    assert simulation.op_names[:2] == ["request_control", "start_or_resume"]
    assert simulation.op_names[-1] == "stop_or_pause"


@pytest.mark.skipif(importlib.util.find_spec("pyftms") is None, reason="pyftms needs Python 3.12")
async def test_pyftms_finds_it_reads_it_drives_it_and_stops_it(simulation) -> None:
    """Another project's client: docs/compatibility.md."""
    from pyftms import get_client_from_address

    async with await get_client_from_address(ADDRESS, scan_timeout=60, timeout=10) as client:
        assert "target_speed" in client.supported_settings
        assert client.supported_ranges["target_speed"].min_value == 0.8
        assert await client.start_resume() == SUCCESS
        await until(lambda: simulation.kmh > 0.5)
        assert await client.set_target_speed(2.0) == SUCCESS
        await until(lambda: client.speed_instant == 2.0 and simulation.kmh == 2.0)
        assert await client.stop() == SUCCESS
        await until(lambda: simulation.kmh == 0)
    await until(lambda: simulation.of("disconnected"))
