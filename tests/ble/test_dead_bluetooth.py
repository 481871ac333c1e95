"""When the Bluetooth service dies nobody calls back: the link has to notice at the next thing it does.

Where nothing is to be done it asks from time to time.
"""

import asyncio
from dataclasses import replace

import pytest
from bleak.exc import BleakDBusError, BleakError
from tests.ble.conftest import FEATURE, NOTIFY, READ, TREADMILL

from retrowalk.ble.errors import LinkLost
from retrowalk.ble.link import Link
from retrowalk.ble.scanner import find
from retrowalk.core.model import Lost, Written

STOP = b"\x08\x01"
NO_SERVICE = BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["not provided"])
NO_OBJECT = BleakDBusError("org.freedesktop.DBus.Error.UnknownObject", ["no such object"])
NO_REPLY = BleakDBusError("org.freedesktop.DBus.Error.NoReply", ["did not answer"])
STUCK = BleakDBusError("org.bluez.Error.Failed", ["Not connected"])


@pytest.fixture
async def mortal(tread, radio, posted):
    """A link to the usual treadmill."""
    return await mortal_link(radio, posted)


async def mortal_link(radio, posted):
    """A link through a Bluetooth service that dies when it is set up; what it raises then can be set."""

    class Mortal(radio.backend.client):
        raises: BaseException = NO_SERVICE

        async def write_gatt_char(self, *_: object) -> None:
            raise Mortal.raises

        async def read_gatt_char(self, *args: object, **kwargs: object) -> bytearray:
            if posted.all:  # the set-up is over
                raise Mortal.raises
            return await super().read_gatt_char(*args, **kwargs)

        async def disconnect(self) -> None:
            await asyncio.sleep(10)
            raise TimeoutError

    backend = replace(radio.backend, client=Mortal)
    found = await find("*", backend=backend)
    return await Link.open(found, 1, posted, backend=backend), Mortal


DEATHS = [NO_SERVICE, NO_OBJECT, NO_REPLY, STUCK, BleakError("Not connected"), EOFError()]


@pytest.mark.parametrize("error", DEATHS, ids=str)
async def test_a_write_into_a_dead_service_is_the_loss_of_the_link(mortal, posted, error) -> None:
    link, service = mortal
    service.raises = error
    link.write(1, STOP)
    await asyncio.sleep(0.1)
    (written,), (lost,) = posted.of(Written), posted.of(Lost)
    assert written == Written(1, 1, lost.why)
    assert lost.why
    assert await link.over() == lost.why


@pytest.mark.parametrize("error", DEATHS, ids=str)
async def test_a_dead_service_is_noticed_though_nothing_is_written(mortal, posted, error) -> None:
    link, service = mortal
    service.raises = error
    await asyncio.sleep(19)
    assert posted.of(Lost) == []
    await asyncio.sleep(2)
    (lost,) = posted.of(Lost)
    assert lost.why
    assert await link.over() == lost.why


@pytest.mark.parametrize(
    ("feature", "refused"),
    [
        ((READ, FEATURE), {0x2ACC: 0x0E}),
        ((READ, b"\x00"), {}),
        ((READ, FEATURE), {0x2ACC: 0x0E, 0x2AD4: 0x0E, 0x2AD5: 0x0E}),
        ((NOTIFY, b""), {}),
        (None, {}),
    ],
    ids=["refused", "garbled", "all refused", "not readable", "not there"],
)
async def test_nor_does_it_matter_what_the_machine_says_of_itself(
    put_up, radio, posted, feature, refused
) -> None:
    """It was connected for ever, and controllable."""
    table = {number: row for number, row in TREADMILL.items() if number != 0x2ACC}
    tread = await put_up(table if feature is None else {0x2ACC: feature, **table})
    tread.refused = refused
    await mortal_link(radio, posted)
    await asyncio.sleep(21)
    assert posted.of(Lost)


@pytest.mark.parametrize("refused", [{}, {0x2ACC: 0x0E}])
async def test_what_is_asked_of_a_silent_machine_costs_no_link_though_it_is_refused(
    tread, open_link, posted, refused
) -> None:
    tread.refused = refused
    asked = []
    await open_link()
    tread.on_read = lambda: asked.append(None)
    await asyncio.sleep(65)
    assert len(asked) == 3
    assert posted.of(Lost) == []


async def test_a_link_that_is_lost_between_connecting_and_looking_is_no_bug(tread, radio, posted) -> None:
    class Brief(radio.backend.client):
        async def connect(self, *args: object, **kwargs: object) -> None:
            await super().connect(*args, **kwargs)
            await self.disconnect()

    found = await find("*", backend=radio.backend)
    with pytest.raises(LinkLost, match="connecting to the treadmill"):
        await Link.open(found, 1, posted, backend=replace(radio.backend, client=Brief))
    assert posted.all == []


async def test_hanging_up_on_a_dead_service_takes_5_s_and_raises_nothing(mortal) -> None:
    link, _ = mortal
    loop = asyncio.get_running_loop()
    started = loop.time()
    await link.close()
    assert loop.time() - started == pytest.approx(5, abs=0.1)


async def test_a_bug_in_writing_ends_the_link_and_comes_out_where_its_end_is_awaited(mortal, posted) -> None:
    link, service = mortal
    service.raises = ZeroDivisionError()
    link.write(1, STOP)
    with pytest.raises(ZeroDivisionError):
        await link.over()
    assert posted.of(Lost) == [Lost(1, "a bug in writing to the treadmill")]


async def test_a_write_does_not_wait_for_the_answer_to_what_was_asked(tread, radio, posted) -> None:
    class Thoughtful(radio.backend.client):
        async def read_gatt_char(self, *args: object, **kwargs: object) -> bytearray:
            if posted.all:  # the set-up is over
                await asyncio.sleep(4)
            return await super().read_gatt_char(*args, **kwargs)

    backend = replace(radio.backend, client=Thoughtful)
    link = await Link.open(await find("*", backend=backend), 1, posted, backend=backend)
    await asyncio.sleep(21)
    link.write(1, STOP)
    await asyncio.sleep(1)
    assert posted.of(Written) == [Written(1, 1)]
    await link.close()


async def test_waiting_for_the_end_can_be_cancelled(open_link, tread, posted) -> None:
    link = await open_link()
    waiting = asyncio.create_task(link.over())
    await asyncio.sleep(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert posted.of(Lost) == []
