"""bleak on the virtual radio: three classes that show it what BlueZ shows it, errors included.

Where BlueZ 5.66 and 5.82 were seen to fail in a way of their own, so do these. Not imitated: BlueZ's two
seconds for a disconnect, its doubled notifications, its death.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Self

from bleak.args import SizedBuffer
from bleak.args.bluez import BlueZScannerArgs
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.adapter import BaseBleakAdapter
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError, BleakGATTProtocolErrorCode
from bleak.uuids import normalize_uuid_str
from bumble import core
from bumble.att import ATT_Error
from bumble.core import UUID
from bumble.device import Connection, Peer
from bumble.gatt import GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR as CCCD
from bumble.gatt import GATT_GENERIC_ACCESS_SERVICE

if TYPE_CHECKING:
    from retrowalk.sim.radio import Radio

_MTU = 517
_PAIRING_CODES = {
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION,
}


def full_uuid(uuid: UUID) -> str:
    """A Bumble UUID as bleak spells it: 128 bits, lower case."""
    return normalize_uuid_str(uuid.to_hex_str("-"))


_ADAPTER = "hci0"


class RadioScanner(BaseBleakScanner):
    """Hears what is advertised in the room."""

    radio: ClassVar["Radio"]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str = "active",  # noqa: ARG002  all scans here are active
        *,
        bluez: BlueZScannerArgs,
        **_platform: object,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._adapter = bluez.get("adapter", _ADAPTER)

    async def start(self) -> None:
        if self._adapter != _ADAPTER:
            raise BleakError(f"adapter '{self._adapter}' not found")
        self.seen_devices = {}
        await self.radio.scan(self, on=True)

    async def stop(self) -> None:
        await self.radio.scan(self, on=False)

    def hear(self, address: str, advertised: AdvertisementData) -> None:
        if self.is_allowed_uuid(advertised.service_uuids):
            device = self.create_or_update_device(address, address, advertised.local_name, {}, advertised)
            self.call_detection_callbacks(device, advertised)


class RadioAdapter(BaseBleakAdapter):
    """Knows which machines are connected."""

    radio: ClassVar["Radio"]

    @classmethod
    async def get(cls, **_platform: object) -> Self:
        await cls.radio.adapter()
        return cls()

    async def get_connected_devices(self, service_uuids: frozenset[str]) -> list[BLEDevice]:
        return await self.radio.connected(service_uuids)


class RadioClient(BaseBleakClient):
    """A GATT client on a link of the room."""

    radio: ClassVar["Radio"]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        services: set[str] | None = None,  # noqa: ARG002  all services are discovered
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        **_platform: object,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        self._connection: Connection | None = None
        self._over = asyncio.Event()
        self._disconnecting = False
        self._stuck = False

    @property
    def name(self) -> str:
        return self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        return self._connection.att_mtu if self._connection else 23

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool, **kwargs: Any) -> None:  # noqa: ARG002  nobody pairs here
        if self.is_connected:
            raise BleakError("Client is already connected")
        async with asyncio.timeout(kwargs.get("timeout", self._timeout)):
            connection = await self.radio.connect(self.address)
            connection.on(Connection.EVENT_DISCONNECTION, self._ended)
            self._connection, self._disconnecting, self._stuck = connection, False, False
            self._over.clear()
            try:
                self.services = await self._discover()
            except BaseException:  # cancelled, too: the machine would stay connected
                await self.disconnect()
                raise

    async def _discover(self) -> BleakGATTServiceCollection:
        found = BleakGATTServiceCollection()
        async with self._request() as connection:
            peer = Peer(connection)
            await peer.request_mtu(_MTU)
            for service in await peer.discover_services():
                if service.uuid == GATT_GENERIC_ACCESS_SERVICE:
                    continue  # BlueZ keeps it to itself
                home = BleakGATTService(service, service.handle, full_uuid(service.uuid))
                found.add_service(home)
                for char in await service.discover_characteristics():
                    properties = list(gatt_char_props_to_strs(int(char.properties)))
                    made = BleakGATTCharacteristic(
                        char, char.handle, full_uuid(char.uuid), properties, lambda: self.mtu_size - 3, home
                    )
                    found.add_characteristic(made)
                    for descriptor in await char.discover_descriptors():
                        found.add_descriptor(
                            BleakGATTDescriptor(
                                descriptor, descriptor.handle, full_uuid(descriptor.type), made
                            )
                        )
        self.radio.know(self.address, frozenset(service.uuid for service in found))
        return found

    async def disconnect(self) -> None:
        if self._connection is None:
            return
        self._disconnecting = True
        # Bumble's own wait would not end if the link were lost at this very moment.
        hanging_up = asyncio.ensure_future(self._connection.disconnect())
        await self._over.wait()
        hanging_up.cancel()

    def _ended(self, _reason: int) -> None:
        if self._connection is not None:
            self._connection = None
            self.services = None
            self._over.set()
            if self._disconnected_callback is not None:
                self._disconnected_callback()

    @asynccontextmanager
    async def _request(self) -> AsyncIterator[Connection]:
        """One ATT request, whose failures look as BlueZ 5.66 and 5.82 show them."""
        if self._connection is None:
            raise BleakError("Not connected")
        if self._stuck:
            raise BleakDBusError("org.bluez.Error.Failed", ["Not connected"])
        try:
            yield self._connection
        except ATT_Error as error:
            if error.error_code in _PAIRING_CODES:
                await self._over.wait()  # BlueZ starts pairing by itself, and the call hangs
            raise BleakGATTProtocolError(error.error_code) from error
        except core.TimeoutError as error:
            self._stuck = True
            raise BleakGATTProtocolError(BleakGATTProtocolErrorCode.UNLIKELY_ERROR) from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Nobody cancelled this task: Bumble cancels what it waits for when the link is lost.
            if self._disconnecting:
                raise EOFError from None
            raise BleakGATTProtocolError(BleakGATTProtocolErrorCode.UNLIKELY_ERROR) from None

    async def read_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        *,
        use_cached: bool = False,  # noqa: ARG002  nothing is cached here
        **_platform: object,
    ) -> bytearray:
        async with self._request() as connection:
            return bytearray(await connection.gatt_client.read_value(characteristic.handle))

    async def read_gatt_descriptor(
        self,
        descriptor: BleakGATTDescriptor,
        *,
        use_cached: bool = False,  # noqa: ARG002  nothing is cached here
        **_platform: object,
    ) -> bytearray:
        async with self._request() as connection:
            return bytearray(await connection.gatt_client.read_value(descriptor.handle))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        async with self._request() as connection:
            await connection.gatt_client.write_value(characteristic.handle, bytes(data), response)

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        async with self._request() as connection:
            await connection.gatt_client.write_value(descriptor.handle, bytes(data), with_response=True)

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_platform: object
    ) -> None:
        cccd = characteristic.get_descriptor(full_uuid(CCCD))
        if cccd is None:
            raise BleakDBusError("org.bluez.Error.NotSupported", ["Operation is not supported"])
        handle = characteristic.handle
        async with self._request() as connection:
            gatt = connection.gatt_client
            # Some machines notify where they were asked to indicate; BlueZ passes both on.
            for subscribers in (gatt.notification_subscribers, gatt.indication_subscribers):
                subscribers[handle] = {lambda value: callback(bytearray(value))}
            bits = b"\x01\x00" if "notify" in characteristic.properties else b"\x02\x00"
            await gatt.write_value(cccd.handle, bits, with_response=True)

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        cccd = characteristic.get_descriptor(full_uuid(CCCD))
        async with self._request() as connection:
            gatt = connection.gatt_client
            if cccd is None or gatt.notification_subscribers.pop(characteristic.handle, None) is None:
                raise BleakDBusError("org.bluez.Error.Failed", ["No notify session started"])
            gatt.indication_subscribers.pop(characteristic.handle, None)
            await gatt.write_value(cccd.handle, b"\x00\x00", with_response=True)

    async def pair(self, *_args: object, **_kwargs: object) -> None:
        raise BleakError("the virtual radio cannot pair")

    async def unpair(self) -> None:
        raise BleakError("the virtual radio cannot pair")
