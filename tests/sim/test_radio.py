"""The virtual radio seen through bleak: it works as BlueZ does, and fails as BlueZ does."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakDBusError, BleakError, BleakGATTProtocolError
from bumble.att import ATT_Error
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue, Service

from retrowalk.sim.loops import virtual_loop
from retrowalk.sim.radio import Radio

ADDRESS = "C0:00:00:00:00:01"
VALUE = "00002ad9-0000-1000-8000-00805f9b34fb"
SERVICE = "00001826-0000-1000-8000-00805f9b34fb"


def in_virtual_time(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    def run(**parameters: Any) -> None:
        with asyncio.Runner(loop_factory=virtual_loop) as runner:
            runner.run(test(**parameters))

    run.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]  # pytest looks for parameters
    return run


class Box:
    """A radio with one machine: one characteristic that can be read, written and subscribed to."""

    def __init__(self) -> None:
        self.radio = Radio()
        self.ended = 0
        self.heard: list[bytes] = []
        self.answer: Callable[[], Awaitable[bytes]] = self.at_once

    async def at_once(self) -> bytes:
        return b"hello"

    async def put_up(self) -> "Box":
        async def read(_: Connection) -> bytes:
            return await self.answer()

        async def write(_: Connection, _value: bytes) -> None:
            await self.answer()

        self.device = await self.radio.peripheral_device("Box", ADDRESS)
        properties = Characteristic.READ | Characteristic.WRITE | Characteristic.NOTIFY
        permissions = Characteristic.READABLE | Characteristic.WRITEABLE
        self.value = Characteristic(VALUE, properties, permissions, CharacteristicValue(read, write))
        self.device.add_service(Service(UUID(SERVICE), [self.value]))
        kind = AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS
        await self.device.start_advertising(
            auto_restart=True,
            advertising_data=bytes(AdvertisingData([(kind, b"\x26\x18")])),
            scan_response_data=bytes(AdvertisingData([(kind, b"\x26\x18")])),
            advertising_interval_min=100,
        )
        return self

    def client(self, address: str = ADDRESS, *, timeout: float = 30) -> BleakClient:
        def count(_: BleakClient) -> None:
            self.ended += 1

        return BleakClient(address, count, timeout=timeout, backend=self.radio.backend.client)

    async def connected(self) -> BleakClient:
        client = self.client()
        await client.connect()
        return client

    async def notify(self, value: bytes) -> None:
        await self.device.notify_subscribers(self.value, value)
        await asyncio.sleep(0.1)

    def hear(self, _: object, value: bytearray) -> None:
        self.heard.append(bytes(value))


async def never() -> bytes:
    await asyncio.sleep(36000)
    return b""


@in_virtual_time
async def test_reads_writes_and_notifications_pass() -> None:
    box = await Box().put_up()
    client = await box.connected()
    assert client.is_connected
    assert client.mtu_size == 517
    assert await client.read_gatt_char(VALUE) == b"hello"
    await client.write_gatt_char(VALUE, b"\x00", response=True)
    await client.start_notify(VALUE, box.hear)
    await client.start_notify(VALUE, box.hear)  # allowed, and heard once
    await box.notify(b"one")
    await client.stop_notify(VALUE)
    await box.notify(b"two")
    assert box.heard == [b"one"]
    with pytest.raises(BleakDBusError, match="No notify session started"):
        await client.stop_notify(VALUE)


@in_virtual_time
async def test_the_generic_access_service_is_hidden() -> None:
    client = await (await Box().put_up()).connected()
    assert SERVICE in [service.uuid for service in client.services]
    assert "00001800-0000-1000-8000-00805f9b34fb" not in [service.uuid for service in client.services]


@in_virtual_time
async def test_a_service_named_twice_in_the_air_is_listed_once() -> None:
    box = await Box().put_up()
    async with BleakScanner(backend=box.radio.backend.scanner) as scanner:
        await asyncio.sleep(2)
    ((_, advertised),) = scanner.discovered_devices_and_advertisement_data.values()
    assert advertised.service_uuids == [SERVICE]


@pytest.mark.parametrize("code", [0x03, 0x0D, 0x0E, 0x13, 0x80, 0x81, 0xFD, 0xFE])
@in_virtual_time
async def test_att_errors_keep_their_codes(code: int) -> None:
    box = await Box().put_up()
    client = await box.connected()

    async def refuse() -> bytes:
        raise ATT_Error(code)

    box.answer = refuse
    for request in (client.read_gatt_char(VALUE), client.write_gatt_char(VALUE, b"", response=True)):
        with pytest.raises(BleakGATTProtocolError) as caught:
            await request
        assert caught.value.code == code
    assert client.is_connected


@in_virtual_time
async def test_a_lost_link_fails_what_is_pending_with_0x0e_and_calls_back_once() -> None:
    box = await Box().put_up()
    client = await box.connected()
    box.answer = never
    pending = asyncio.create_task(client.write_gatt_char(VALUE, b"", response=True))
    await asyncio.sleep(1)
    box.radio.cut(box.device)
    with pytest.raises(BleakGATTProtocolError) as caught:
        await pending
    assert caught.value.code == 0x0E
    assert (client.is_connected, box.ended) == (False, 1)
    with pytest.raises(BleakError):
        await client.read_gatt_char(VALUE)
    await client.disconnect()
    assert box.ended == 1


@pytest.mark.parametrize(("hung_up", "heard"), [(True, 1), (False, 2)])
@in_virtual_time
async def test_after_a_loss_that_was_not_hung_up_every_notification_comes_twice(
    hung_up: bool, heard: int
) -> None:
    box = await Box().put_up()
    first = await box.connected()
    await first.start_notify(VALUE, box.hear)
    box.radio.cut(box.device)
    await asyncio.sleep(1)
    if hung_up:
        await first.disconnect()
    second = await box.connected()
    await second.start_notify(VALUE, box.hear)
    await box.notify(b"one")
    assert box.heard == [b"one"] * heard


@in_virtual_time
async def test_our_own_disconnect_fails_what_is_pending_with_a_bare_eof_error() -> None:
    box = await Box().put_up()
    client = await box.connected()
    box.answer = never
    pending = asyncio.create_task(client.read_gatt_char(VALUE))
    await asyncio.sleep(1)
    await client.disconnect()
    with pytest.raises(EOFError):
        await pending
    assert box.ended == 1


@in_virtual_time
async def test_our_own_cancellation_stays_a_cancellation() -> None:
    box = await Box().put_up()
    client = await box.connected()
    box.answer = never
    pending = asyncio.create_task(client.read_gatt_char(VALUE))
    await asyncio.sleep(1)
    pending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pending


@in_virtual_time
async def test_a_machine_that_is_silent_for_30_s_leaves_a_link_that_is_connected_and_dead() -> None:
    box = await Box().put_up()
    client = await box.connected()
    box.answer = never
    with pytest.raises(BleakGATTProtocolError):
        await client.read_gatt_char(VALUE)
    assert asyncio.get_running_loop().time() > 30
    box.answer = box.at_once
    with pytest.raises(BleakDBusError, match="Not connected"):
        await client.read_gatt_char(VALUE)
    assert client.is_connected
    await client.disconnect()
    assert not client.is_connected
    assert await (await box.connected()).read_gatt_char(VALUE) == b"hello"


@in_virtual_time
async def test_a_demand_for_pairing_hangs_until_the_link_ends() -> None:
    box = await Box().put_up()
    client = await box.connected()

    async def insist() -> bytes:
        raise ATT_Error(0x05)

    box.answer = insist
    pending = asyncio.create_task(client.read_gatt_char(VALUE))
    await asyncio.sleep(600)
    assert not pending.done()
    await client.disconnect()
    with pytest.raises(BleakGATTProtocolError):
        await pending


@in_virtual_time
async def test_connecting_to_an_absent_machine_times_out_and_does_not_block_the_next() -> None:
    box = await Box().put_up()
    with pytest.raises(TimeoutError):
        await box.client("C0:00:00:00:00:09", timeout=5).connect()
    assert asyncio.get_running_loop().time() == pytest.approx(5, abs=0.1)
    assert (await box.connected()).is_connected


@pytest.mark.parametrize("turns", [0, 1, 2, 5, 10, 20, 40, 80, 160, 320])
@in_virtual_time
async def test_connecting_can_be_cancelled_at_any_point(turns: int) -> None:
    box = await Box().put_up()
    connecting = asyncio.create_task(box.connected())
    for _ in range(turns):
        await asyncio.sleep(0)
    connecting.cancel()
    with suppress(asyncio.CancelledError):
        await connecting
        assert turns > 100  # it was through already
    await asyncio.sleep(1)
    again = await box.connected()
    assert await again.read_gatt_char(VALUE) == b"hello"
    await again.disconnect()
    await asyncio.sleep(1)
    assert not box.device.connections


@in_virtual_time
async def test_a_link_that_a_crashed_process_left_is_taken_over() -> None:
    box = await Box().put_up()
    await box.connected()
    await box.device.stop_advertising()
    client = await box.connected()
    assert await client.read_gatt_char(VALUE) == b"hello"
    assert len(box.device.connections) == 1


@in_virtual_time
async def test_out_of_reach_is_lost_and_unheard_until_it_is_brought_back() -> None:
    box = await Box().put_up()
    client = await box.connected()
    box.radio.move_away(box.device)
    await asyncio.sleep(1)
    assert not client.is_connected
    with pytest.raises(TimeoutError):
        await box.client(timeout=20).connect()
    box.radio.bring_back(box.device)
    assert (await box.connected()).is_connected


@in_virtual_time
async def test_an_unplugged_adapter_loses_its_links_and_says_that_it_is_missing() -> None:
    box = await Box().put_up()
    client = await box.connected()
    box.radio.unplug()
    await asyncio.sleep(1)
    assert (client.is_connected, box.ended) == (False, 1)
    for use in (box.client().connect(), BleakScanner(backend=box.radio.backend.scanner).start()):
        with pytest.raises(BleakBluetoothNotAvailableError):
            await use
    box.radio.plug_in()
    assert (await box.connected()).is_connected


@in_virtual_time
async def test_a_process_searches_once_at_a_time() -> None:
    """BlueZ, adapter.c: "Every client can only start one discovery"; nor while the last one ends."""
    box = await Box().put_up()
    one, other = (BleakScanner(backend=box.radio.backend.scanner) for _ in range(2))
    await one.start()
    with pytest.raises(BleakDBusError, match="InProgress"):
        await other.start()
    ending = asyncio.create_task(one.stop())
    await asyncio.sleep(0)
    with pytest.raises(BleakDBusError, match="InProgress"):
        await other.start()
    await ending
    await other.start()
    assert one.discovered_devices == []
    await asyncio.sleep(1)
    assert len(other.discovered_devices) == 1


@in_virtual_time
async def test_a_search_that_is_cancelled_as_it_begins_goes_on_and_nobody_can_stop_it() -> None:
    """bleak forgets it, BlueZ does not."""
    room = Radio()
    scanners = [BleakScanner(backend=room.backend.scanner) for _ in range(2)]
    beginning = asyncio.create_task(scanners[0].start())
    await asyncio.sleep(0.01)
    beginning.cancel()
    await asyncio.sleep(3600)
    with pytest.raises(BleakDBusError, match="InProgress"):
        await scanners[1].start()


@in_virtual_time
async def test_two_rooms_do_not_hear_each_other() -> None:
    await Box().put_up()
    async with BleakScanner(backend=Radio().backend.scanner) as scanner:
        await asyncio.sleep(5)
    assert scanner.discovered_devices == []
