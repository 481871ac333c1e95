"""Another project's client on the same BlueZ: docs/compatibility.md."""

import pytest
from bleak import BleakScanner
from tests.ble.conftest import until

pytest.importorskip("pyftms", reason="pyftms needs Python 3.12")
pytestmark = pytest.mark.bluez
SUCCESS = 1


async def test_pyftms_reads_the_machine_drives_it_and_stops_it(room, spec) -> None:
    from pyftms import get_client

    machine = spec.machine
    found = await BleakScanner.discover(2, return_adv=True)
    async with get_client(*found[spec.address]) as client:
        assert "target_speed" in client.supported_settings
        assert client.supported_ranges["target_speed"].min_value * 100 == pytest.approx(
            machine.quirks.ranges.minimum
        )
        assert await client.start_resume() == SUCCESS
        await until(lambda: machine.kmh > 0.5)
        assert await client.set_target_speed(2.0) == SUCCESS
        await until(lambda: client.speed_instant == 2.0)
        assert machine.kmh == 2.0
        assert await client.stop() == SUCCESS
        await until(lambda: machine.at_rest)
    await until(lambda: not spec.is_connected)
