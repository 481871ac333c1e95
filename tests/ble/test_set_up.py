"""Setting a link up, and hanging it up, when something in the middle of it fails."""

import asyncio
from dataclasses import replace
from typing import ClassVar

import pytest
from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError
from bumble.core import UUID
from bumble.gatt import Characteristic, Service

from blefit import uuids
from retrowalk.ble.errors import AttError, LinkLost
from retrowalk.ble.link import Link
from retrowalk.ble.scanner import find
from retrowalk.core.model import Connected, Lost

REFUSALS = [BleakGATTProtocolError(0x80), BleakDBusError("org.bluez.Error.NotSupported", ["no"])]


@pytest.fixture
def backend(radio):
    """The room's Bluetooth, where things go wrong as they are told to."""

    class Picky(radio.backend.client):
        refused: ClassVar[dict[int, Exception]] = {}
        leaves_after: int | None = None
        misses: ClassVar[list[Exception]] = []
        """What the next attempts to connect end in."""
        told: ClassVar[list[object]] = []
        """Whether services of before may be used, at each attempt."""
        will_not_hang_up: Exception | None = None

        async def connect(self, pair: bool, **kwargs) -> None:
            Picky.told.append(kwargs["dangerous_use_bleak_cache"])
            if Picky.misses:
                self._disconnected_callback()
                raise Picky.misses.pop(0)
            await super().connect(pair, **kwargs)

        async def disconnect(self) -> None:
            await super().disconnect()
            if Picky.will_not_hang_up is not None:
                raise Picky.will_not_hang_up

        async def start_notify(self, characteristic, callback, **options) -> None:
            number = uuids.short(characteristic.uuid)
            if number in Picky.refused:
                raise Picky.refused[number]
            await super().start_notify(characteristic, callback, **options)
            if number == Picky.leaves_after:
                await self.disconnect()

    return replace(radio.backend, client=Picky)


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
async def test_a_refused_subscription_is_missed_and_no_more(tread, posted, backend, refusal) -> None:
    backend.client.refused = dict.fromkeys((0x2AD3, 0x2AD9, 0x2ADA), refusal)
    link = await Link.open(await find("*", backend=backend), 1, posted, backend=backend)
    assert len(posted.of(Connected)) == 1
    assert tread.subscriptions(0x2ACD) == [b"\x01\x00"]
    link.write(1, b"\x08\x01")
    await asyncio.sleep(1)
    assert tread.written == [b"\x08\x01"], "a belt that gives no answers can be stopped"
    await link.close()


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
async def test_without_treadmill_data_there_is_no_link(tread, posted, backend, refusal) -> None:
    backend.client.refused = {0x2ACD: refusal}
    with pytest.raises(AttError, match="subscribing to 0x2ACD of the treadmill"):
        await Link.open(await find("*", backend=backend), 1, posted, backend=backend)
    assert posted.all == []
    assert not tread.device.connections


@pytest.mark.parametrize(("hangs", "seconds"), [("connect", 10), ("read_gatt_char", 5), ("start_notify", 5)])
async def test_a_set_up_that_hangs_fails_in_time_and_is_hung_up(tread, radio, posted, hangs, seconds) -> None:
    async def for_ever(*_: object, **__: object) -> None:
        await asyncio.sleep(3600)

    backend = replace(radio.backend, client=type("Hung", (radio.backend.client,), {hangs: for_ever}))
    found = await find("*", backend=backend)
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(LinkLost, match="no answer in"):
        await Link.open(found, 1, posted, backend=backend)
    assert loop.time() - began == pytest.approx(seconds, abs=0.5)
    assert posted.all == []
    assert not tread.device.connections


async def test_a_link_lost_by_the_last_subscription_is_not_announced(tread, posted, backend) -> None:
    backend.client.leaves_after = 0x2ACD
    with pytest.raises(LinkLost, match="the Bluetooth link was lost"):
        await Link.open(await find("*", backend=backend), 1, posted, backend=backend)
    assert posted.all == []


async def test_a_link_that_only_the_second_attempt_makes_holds(tread, posted, backend) -> None:
    backend.client.misses = [BleakDBusError("org.bluez.Error.Failed", ["le-connection-abort-by-local"])]
    link = await Link.open(await find("*", backend=backend), 1, posted, backend=backend)
    await asyncio.sleep(5)
    assert len(posted.of(Connected)) == 1
    assert posted.of(Lost) == []
    await link.close()


async def test_what_a_treadmill_has_is_never_taken_from_memory(tread, posted, backend) -> None:
    """Its next firmware may have it elsewhere: what was a subscription might be another's octets."""
    for connection in (1, 2):
        link = await Link.open(await find("*", backend=backend), connection, posted, backend=backend)
        await link.close()
    assert backend.client.told == [False, False]


async def test_of_two_characteristics_with_the_same_number_the_first_is_meant(tread, posted, backend) -> None:
    other = Characteristic(UUID.from_16_bits(0x2ACD), Characteristic.NOTIFY, Characteristic.READABLE, b"")
    tread.device.add_service(Service(UUID("6e400001-b5a3-f393-e0a9-e50e24dcca9e"), [other]))
    link = await Link.open(await find("*", backend=backend), 1, posted, backend=backend)
    assert tread.subscriptions(0x2ACD) == [b"\x01\x00"]
    await link.close()


@pytest.mark.parametrize(
    "error", [BleakError("gone"), EOFError(), KeyError("path"), TimeoutError()], ids=repr
)
async def test_hanging_up_that_fails_raises_nothing(tread, posted, backend, error) -> None:
    link = await Link.open(await find("*", backend=backend), 1, posted, backend=backend)
    backend.client.will_not_hang_up = error
    await link.close()
    assert len(posted.of(Lost)) == 1
