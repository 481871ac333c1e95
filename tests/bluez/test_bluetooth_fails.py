"""A Bluetooth service or an adapter that goes while the daemon runs, and comes back.

"Planted" is what was taken out once, to see the test fail.
"""

import asyncio

import pytest
from tests.ble.conftest import until

from retrowalk.ble import link
from retrowalk.core.faults import CORD
from retrowalk.core.model import Connected, Phase

pytestmark = pytest.mark.bluez

START, STOP = 0x07, 0x08


def stopped_first(stand, before: int) -> bool:
    """Of what was written since, Stop was the first and Start was never."""
    since = stand.machine.op_codes[before:]
    return since[:1] == [STOP] and START not in since


async def test_bluetoothd_dies_in_mid_session_and_comes_back(room, spec, marker) -> None:
    """Nobody calls back, and bleak's client still counts as connected. Silence tells, and a failing Stop.

    Planted: `Link._write_all` does not end the link, and `Connector.drop` does nothing.
    """
    lab = room.radio.lab
    async with room.daemon() as daemon:
        await daemon.walking("long")
        before = len(spec.machine.written)
        await asyncio.to_thread(lab.kill_bluetoothd)
        await daemon.until(lambda _: any(CORD in alarm for alarm in daemon.ears.alarms()), within=6)
        assert spec.machine.kmh > 0.5, "a belt keeps its speed"
        await daemon.until(lambda state: state.link != "connected", within=6)
        await asyncio.to_thread(lab.start_bluetoothd)
        await daemon.until(lambda _: spec.machine.at_rest, within=40)
        assert stopped_first(spec, before)
        await daemon.until(lambda _: not marker.exists())


async def test_bluetoothd_dies_while_nothing_happens_and_comes_back(room, spec, monkeypatch) -> None:
    """Nobody calls back, after the restart neither, and there is nothing to write.

    Planted: `Link` does not ask when it is quiet.
    """
    monkeypatch.setattr(link, "_QUIET_FOR", 3.0)
    lab = room.radio.lab
    async with room.daemon() as daemon:
        await daemon.phase(Phase.IDLE)
        await asyncio.sleep(1)
        await asyncio.to_thread(lab.kill_bluetoothd)
        await asyncio.sleep(3)
        await asyncio.to_thread(lab.start_bluetoothd)
        await daemon.until(lambda _: daemon.events("link_restored"), within=40)
        await daemon.phase(Phase.IDLE)


async def test_the_adapter_is_pulled_in_mid_session_and_put_back(room, spec, marker) -> None:
    """Planted: `Line.dial` does not ask to be called back."""
    async with room.daemon() as daemon:
        await daemon.walking("long")
        before = len(spec.machine.written)
        await room.radio.unplug()
        await daemon.phase(Phase.DISCONNECTED, Phase.FAULTED)
        (lost,) = daemon.events("link_lost")
        assert lost.fields["reason"] == "the Bluetooth link was lost", "nobody waited for silence to tell"
        await daemon.until(lambda state: "this machine has no Bluetooth adapter" in state.link)
        assert spec.machine.kmh > 0.5
        await room.radio.plug_in()
        await daemon.until(lambda _: spec.machine.at_rest, within=30)
        assert stopped_first(spec, before)
        await daemon.until(lambda _: not marker.exists())


async def test_a_new_system_bus_is_found(tread, radio, connector, posted) -> None:
    """All connections to the old one are closed: bleak's, and bluetoothd's, which ends.

    Planted: `Connector._hold` does not close a link that was lost.
    """
    await until(lambda: posted.of(Connected))
    await asyncio.to_thread(radio.lab.restart_system_bus)
    await until(lambda: len(posted.of(Connected)) == 2)
