"""Another project's client, pyftms, meets the simulated treadmill: docs/compatibility.md."""

import asyncio
from functools import partial
from typing import Any

import pytest
from bleak import BleakClient, BleakScanner

from retrowalk.machines import load_machine
from retrowalk.sim.loops import virtual_loop
from retrowalk.sim.room import Room

pytest.importorskip("pyftms", reason="pyftms needs Python 3.12")
SUCCESS = 1


@pytest.mark.parametrize(
    ("name", "seen_kmh", "real_kmh"),
    [
        ("spec", 2.0, 2.0),
        ("split", 2.0, 2.0),
        ("urevo-e1l", 1.92, 1.92),
        ("citysports-wp8", 2.0, 2.0),
        ("mph", 3.22, 3.22),
        ("cut-20", None, 2.0),  # pyftms gives up the records of such a machine
    ],
)
def test_it_finds_the_machine_reads_it_drives_it_and_stops_it(
    name: str, seen_kmh: float | None, real_kmh: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyftms import get_client
    from pyftms.client import client as theirs

    async def main() -> None:
        room = Room(load_machine(name))
        belt = room.treadmill.belt
        monkeypatch.setattr(theirs, "BleakClient", partial(BleakClient, backend=room.backend.client))
        async with room.open():
            found = await BleakScanner.discover(1, backend=room.backend.scanner, return_adv=True)
            ((device, heard),) = found.values()
            events: list[Any] = []
            async with get_client(device, heard, on_ftms_event=events.append) as machine:
                assert machine.device_info["serial_number"] == "0001"
                assert "target_speed" in machine.supported_settings
                assert machine.supported_ranges["target_speed"].min_value * 100 == pytest.approx(
                    room.treadmill.quirks.ranges.minimum
                )
                assert await machine.start_resume() == SUCCESS
                await asyncio.sleep(8)
                assert await machine.set_target_speed(2.0) == SUCCESS
                await asyncio.sleep(10)
                assert (machine.speed_instant, round(belt.speed / 100, 2)) == (seen_kmh, real_kmh)
                assert await machine.stop() == SUCCESS
                await asyncio.sleep(10)
                assert belt.speed == 0
                if name == "spec":
                    room.treadmill.console.press("start")
                    await asyncio.sleep(1)
                    told = [(one.event_id, getattr(one, "event_source", "")) for one in events]
                    assert ("start", "user") in told

    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        runner.run(main())
