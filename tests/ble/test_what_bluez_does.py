"""What BlueZ was seen to do that no specification tells, and what holds all the same.

The virtual radio does it, too; tests/bluez runs these tests over BlueZ itself, in real time. "Planted" is
what was taken out once over BlueZ, to see the test fail.
"""

import asyncio

import pytest
from bleak.exc import BleakDBusError
from bumble.att import ATT_Error
from tests.ble.conftest import ADDRESS, nothing, until

from retrowalk.ble.errors import LinkError, LinkLost
from retrowalk.ble.link import Link
from retrowalk.ble.scanner import find
from retrowalk.ble.search import Search, scanner
from retrowalk.core.model import Lost, Written

STOP = b"\x08\x01"


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
    opened.write(1, STOP)
    async with asyncio.timeout(15):
        assert "no answer in 5 s" in await opened.over()
    await opened.close()
    tread.on_write = nothing
    again = await open_link(2)
    again.write(2, STOP)
    await until(lambda: Written(2, 2) in posted.all)


async def test_a_request_that_is_answered_by_a_demand_for_pairing_fails(tread, open_link, posted) -> None:
    """BlueZ begins to pair by itself, and the request hangs; with 5.82 it is sometimes refused at last.

    Planted: `line._ANSWER_WITHIN` is 60 s.
    """
    opened = await open_link()
    tread.on_write = insist
    opened.write(1, STOP)
    await until(lambda: posted.of(Written), within=15)
    (written,) = posted.of(Written)
    if written.att_error is None:
        assert "bluetoothctl pair" in written.error
        assert posted.of(Lost)


async def test_an_att_error_is_told_by_its_number_and_leaves_the_link(tread, open_link, posted) -> None:
    """Planted: `translated` makes a LinkLost of a BleakGATTProtocolError."""
    codes = [0x03, 0x0D, 0x13, 0x80, 0x81, 0xFD, 0xFE]

    async def refuse(frame: bytes) -> None:
        raise ATT_Error(codes[frame[1]])

    opened = await open_link()
    tread.on_write = refuse
    for number in range(len(codes)):
        opened.write(number, bytes([8, number]))
    await until(lambda: len(posted.of(Written)) == len(codes))
    assert [written.att_error for written in posted.of(Written)] == codes
    assert posted.of(Lost) == []


async def test_a_write_that_meets_our_own_hanging_up_is_a_loss(tread, open_link) -> None:
    """bleak raises a bare EOFError there, or ATT error 0x0E: whichever of two D-Bus connections is faster.

    Planted: `translated` does not catch EOFError; seen by every second run or so.
    """
    line = (await open_link())._line
    tread.on_write = never
    writing = asyncio.create_task(line.write(0x2AD9, STOP))
    await until(lambda: tread.written)
    await line.hang_up()
    with pytest.raises(LinkError, match=r"the connection ended|0x0E"):
        await writing


async def test_our_own_hanging_up_is_told_once_and_waited_for(tread, open_link, posted) -> None:
    """It takes the kernel two seconds, and bleak tells of it as of a loss.

    Planted: `Link.end` posts Lost each time; `Line.hang_up` waits for 1 s.
    """
    opened = await open_link()
    await opened.close()
    assert not tread.device.connections
    assert posted.of(Lost) == [Lost(1, "the connection was closed")]
    await open_link(2)


async def test_an_attempt_on_an_absent_machine_is_no_hindrance_when_it_is_back(
    tread, radio, open_link, posted
) -> None:
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
    await open_link(2)  # found anew: BlueZ 5.82 has forgotten it meanwhile


async def test_a_process_may_search_once_at_a_time_so_all_who_look_share_one_search(tread, radio) -> None:
    """Planted: `find` makes a Search of its own."""
    async with scanner(radio.backend):
        with pytest.raises(BleakDBusError, match="InProgress"):
            await scanner(radio.backend).start()
    search = Search(radio.backend)
    both = [find(ADDRESS, 60, radio.backend, search=search) for _ in range(2)]
    assert [found.address for found in await asyncio.gather(*both)] == [ADDRESS, ADDRESS]
