"""What BlueZ was seen to do that no specification tells, and what holds all the same.

"Planted" is what was taken out once, to see the test fail.
"""

import asyncio
import time
from collections.abc import Callable

import pytest
from bumble.att import ATT_Error
from tests.ble.conftest import nothing

from retrowalk.ble import link
from retrowalk.ble.errors import LinkError, LinkLost
from retrowalk.ble.line import Line
from retrowalk.ble.link import Link
from retrowalk.ble.scanner import find
from retrowalk.core.faults import CORD
from retrowalk.core.model import Characteristic, Connected, Lost, Notified, Phase, Written

pytestmark = pytest.mark.bluez

START, STOP = 0x07, 0x08
STOP_FRAME = b"\x08\x01"
RECORD = bytes.fromhex("0000 6400")


async def until(holds: Callable[[], object], within: float = 20.0) -> None:
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 - what is waited for is another program's doing
            await asyncio.sleep(0.02)


# --- links ------------------------------------------------------------------------------------------------


async def test_a_notification_comes_once_after_a_loss(tread, connector, posted) -> None:
    """The subscriptions of a client that was not hung up are renewed with the link, beside the new one's.

    Planted: `Connector._hold` does not close a link that was lost.
    """
    for connection in (1, 2, 3):
        await until(lambda: len(posted.of(Connected)) == connection)  # noqa: B023 - at once
        tread.notify(0x2ACD, RECORD)
        await asyncio.sleep(0.5)
        assert posted.of(Notified) == [
            Notified(n, Characteristic.TREADMILL_DATA, RECORD) for n in range(1, connection + 1)
        ]
        tread.cut()


async def never(_: bytes) -> None:
    await asyncio.sleep(3600)


async def insist(_: bytes) -> None:
    raise ATT_Error(0x05)


async def test_a_request_that_is_never_answered_costs_the_link_and_not_the_next_one(
    tread, open_link, posted
) -> None:
    """It fails after 30 s, and after it every request, on a link that counts as connected.

    Planted: `line._ANSWER_WITHIN` is 60 s.
    """
    opened = await open_link()
    tread.on_write = never
    opened.write(1, STOP_FRAME)
    async with asyncio.timeout(6):
        assert "no answer in 5 s" in await opened.over()
    await opened.close()
    tread.on_write = nothing
    again = await open_link(2)
    again.write(2, STOP_FRAME)
    await until(lambda: Written(2, 2) in posted.all)


async def test_a_request_that_is_answered_by_a_demand_for_pairing_costs_the_link(tread, open_link) -> None:
    """BlueZ begins to pair by itself, and the request hangs.

    Planted: `line._ANSWER_WITHIN` is 60 s.
    """
    opened = await open_link()
    tread.on_write = insist
    opened.write(1, STOP_FRAME)
    async with asyncio.timeout(6):
        assert "bluetoothctl pair" in await opened.over()


async def test_an_att_error_is_told_by_its_number_and_leaves_the_link(tread, open_link, posted) -> None:
    """Planted: `translated` makes a LinkLost of a BleakGATTProtocolError."""
    codes = [0x03, 0x0D, 0x13, 0x80, 0x81, 0xFD, 0xFE]

    async def refuse(frame: bytes) -> None:
        raise ATT_Error(codes[frame[1]])

    opened = await open_link()
    tread.on_write = refuse
    for number in range(len(codes)):
        opened.write(number, bytes([STOP, number]))
    await until(lambda: len(posted.of(Written)) == len(codes))
    assert [written.att_error for written in posted.of(Written)] == codes
    assert posted.of(Lost) == []


async def test_a_write_that_meets_our_own_hanging_up_is_a_loss(tread, radio) -> None:
    """bleak raises a bare EOFError there, or with BlueZ 5.82 sometimes ATT error 0x0E.

    Planted: `translated` does not catch EOFError.
    """
    line = await Line(await find("*", backend=radio.backend), lambda: None).dial(radio.backend)
    tread.on_write = never
    writing = asyncio.create_task(line.write(0x2AD9, STOP_FRAME))
    await until(lambda: tread.written)
    await line.hang_up()
    with pytest.raises(LinkError, match=r"the connection ended|0x0E"):
        await writing


async def test_our_own_hanging_up_is_told_once_and_waited_for(tread, open_link, posted) -> None:
    """It takes the kernel two seconds, and bleak tells of it as of a loss.

    Planted: `Link.end` posts Lost each time; `Line.hang_up` waits for 1 s.
    """
    opened = await open_link()
    started = time.monotonic()
    await opened.close()
    took = time.monotonic() - started
    assert not tread.device.connections
    assert took < 5
    assert posted.of(Lost) == [Lost(1, "the connection was closed")]
    await open_link(2)


async def test_an_attempt_on_an_absent_machine_is_no_hindrance_when_it_is_back(tread, radio, posted) -> None:
    """Left to itself BlueZ would go on connecting.

    Planted: `translated` lets a TimeoutError through.
    """
    found = await find("*", backend=radio.backend)
    radio.move_away(tread.device)
    with pytest.raises(LinkLost, match="connecting to the treadmill"):
        await Link.open(found, 1, posted, backend=radio.backend)
    radio.bring_back(tread.device)
    await asyncio.sleep(1)
    assert not tread.device.connections
    found = await find("*", backend=radio.backend)  # BlueZ 5.82 has forgotten it meanwhile
    opened = await Link.open(found, 2, posted, backend=radio.backend)
    await opened.close()


async def test_a_new_system_bus_is_found(tread, radio, connector, posted) -> None:
    """All connections to the old one are closed: bleak's, and bluetoothd's, which ends.

    Planted: as before.
    """
    await until(lambda: posted.of(Connected))
    await asyncio.to_thread(radio.lab.restart_system_bus)
    await until(lambda: len(posted.of(Connected)) == 2, within=30)


# --- sessions ---------------------------------------------------------------------------------------------


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
        await daemon.phase(Phase.DISCONNECTED, Phase.FAULTED, within=1)
        await daemon.until(lambda state: "this machine has no Bluetooth adapter" in state.link)
        assert spec.machine.kmh > 0.5
        await room.radio.plug_in()
        await daemon.until(lambda _: spec.machine.at_rest, within=30)
        assert stopped_first(spec, before)
        await daemon.until(lambda _: not marker.exists())
