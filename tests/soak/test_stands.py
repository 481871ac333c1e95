"""A machine of a world without power is gone from the air, over either radio, and comes back at rest."""

import asyncio
from random import Random

import pytest
from bleak import BleakClient
from tests.soak.stands import Ether, FullEther, LightEther, Machine

from retrowalk.ble.scanner import scan
from retrowalk.sim.interference import Interference
from retrowalk.sim.loops import virtual_loop

ADDRESS = "C0:00:00:00:00:01"


async def without_power(ether: Ether) -> None:
    machine = Machine()
    stand = await ether.put(machine, "tm", ADDRESS)
    machine.console.press("start")
    await asyncio.sleep(10)
    lost: list[BleakClient] = []
    client = BleakClient(ADDRESS, lost.append, backend=ether.backend.client)
    await client.connect()
    assert (stand.is_connected, round(machine.belt.speed)) == (True, 80)

    stand.power_off()
    await asyncio.sleep(10)
    assert (stand.is_connected, client.is_connected, lost) == (False, False, [client])
    assert machine.belt.speed == 0
    assert await scan(3, ether.backend) == []

    stand.power_on()
    assert [one.address for one in await scan(3, ether.backend)] == [ADDRESS]
    again = BleakClient(ADDRESS, backend=ether.backend.client)
    await again.connect()
    await asyncio.sleep(10)
    assert (stand.is_connected, machine.belt.speed) == (True, 0)
    await again.disconnect()
    await ether.close()


@pytest.mark.parametrize("radio", [LightEther, FullEther])
def test_power_off_and_on(radio: type[LightEther | FullEther]) -> None:
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        runner.run(without_power(radio(Interference(Random(0)))))  # noqa: S311  no secret
