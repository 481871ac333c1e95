"""Setting a link up when subscribing is refused, or the link goes in the middle of it."""

from dataclasses import replace
from typing import ClassVar

import pytest
from bleak.exc import BleakDBusError, BleakGATTProtocolError

from blefit import uuids
from retrowalk.ble.errors import AttError, LinkLost
from retrowalk.ble.link import Link
from retrowalk.ble.scanner import find
from retrowalk.core.model import Connected

REFUSALS = [BleakGATTProtocolError(0x80), BleakDBusError("org.bluez.Error.NotSupported", ["no"])]


@pytest.fixture
def backend(radio):
    """The room's Bluetooth, where the treadmill refuses some subscriptions and leaves after others."""

    class Picky(radio.backend.client):
        refused: ClassVar[dict[int, Exception]] = {}
        leaves_after: int | None = None

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
    backend.client.refused = {0x2AD3: refusal, 0x2ADA: refusal}
    link = await Link.open(await find("*", backend=backend), 1, posted, backend=backend)
    assert len(posted.of(Connected)) == 1
    assert tread.subscriptions(0x2ACD) == [b"\x01\x00"]
    await link.close()


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
async def test_without_treadmill_data_there_is_no_link(tread, posted, backend, refusal) -> None:
    backend.client.refused = {0x2ACD: refusal}
    with pytest.raises(AttError, match="subscribing to 0x2ACD of the treadmill"):
        await Link.open(await find("*", backend=backend), 1, posted, backend=backend)
    assert posted.all == []
    assert not tread.device.connections


async def test_a_link_lost_by_the_last_subscription_is_not_announced(tread, posted, backend) -> None:
    backend.client.leaves_after = 0x2ACD
    with pytest.raises(LinkLost, match="the Bluetooth link was lost"):
        await Link.open(await find("*", backend=backend), 1, posted, backend=backend)
    assert posted.all == []
