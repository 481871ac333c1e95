"""bleak on a simulated radio: three classes that show it what BlueZ shows it, errors included.

Where BlueZ 5.66 and 5.82 were seen to fail in a way of their own, so do these. Not imitated: BlueZ's two
seconds for a disconnect, its death.

What carries the octets is a `Room` with its `Line`s: Bumble's GATT over Bumble's virtual link
(`retrowalk.sim.radio`), or neither of them (`retrowalk.sim.light`).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol, Self

from bleak.args import SizedBuffer
from bleak.args.bluez import BlueZAdapterArgs, BlueZScannerArgs
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.adapter import BaseBleakAdapter
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError, BleakGATTProtocolErrorCode

from blefit import uuids
from retrowalk.ble.backend import Backend
from retrowalk.sim.interference import Interference

ADAPTER = "hci0"
CCCD = uuids.full(0x2902)
"""Client Characteristic Configuration."""

ATT_TIMEOUT_S = 30.0
"""Core, Vol 3, Part F, 3.3.3."""
_IN_ORDER_S = 1e-6
_DISCOVERY_S = 0.03
"""What it takes the kernel to begin a search, or to end it."""

_PAIRING_CODES = {
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION,
}
_GENERIC_ACCESS = uuids.full(0x1800)


class LineEndedError(Exception):
    """The link was lost or closed while a request was under way."""


@dataclass(frozen=True, slots=True)
class FoundCharacteristic:
    """A characteristic as discovered; `descriptors` are handles and UUIDs."""

    handle: int
    uuid: str
    properties: int
    descriptors: Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class FoundService:
    """A service as discovered."""

    handle: int
    uuid: str
    characteristics: Sequence[FoundCharacteristic]


class Line(Protocol):
    """One link to one machine.

    Requests raise BleakGATTProtocolError where the machine refuses, TimeoutError where it did not answer for
    30 s, LineEndedError where the link ends first.
    """

    @property
    def mtu(self) -> int: ...
    def on_end(self, callback: Callable[[], None]) -> None: ...
    async def discover(self) -> Sequence[FoundService]: ...
    async def read(self, handle: int) -> bytes: ...
    async def write(self, handle: int, octets: bytes, *, response: bool = True) -> None: ...

    def listen(self, handle: int, hear: Callable[[bytes], None] | None) -> bool:
        """What is to hear the notifications and indications from there; True if something did before."""

    async def hang_up(self) -> None: ...

    def lose(self) -> None:
        """The link is lost by radio, now."""


class Room(Protocol):
    """The machines in reach of bleak's adapter. All but `know` raise where the adapter is unplugged."""

    interference: Interference

    async def present(self) -> None: ...
    async def scan(self, scanner: "RadioScanner", *, on: bool) -> None: ...

    async def connect(self, address: str) -> Line:
        """The link to that machine, a standing one where there is one; waits for the machine for ever."""

    def know(self, address: str, services: frozenset[str]) -> None:
        """These were discovered."""

    async def connected(self, services: frozenset[str]) -> list[BLEDevice]:
        """The connected machines that have one of the services."""


def backend_in(room: Room) -> Backend:
    """bleak's backend for an adapter in that room."""

    class Scanner(RadioScanner):
        radio = room
        discovering = False

    class Client(RadioClient):
        radio = room
        not_hung_up: ClassVar = Counter[str]()

    class Adapter(RadioAdapter):
        radio = room

    return Backend(Scanner, Client, Adapter)


class RadioScanner(BaseBleakScanner):
    """Hears what is advertised in the room. BlueZ lets a process search once at a time, and so does this."""

    radio: ClassVar[Room]
    discovering: ClassVar[bool]
    """A search of this process is on, or begins, or ends. One that is cancelled as it begins goes on for as
    long as the process lives, and nobody hears it: bleak keeps nothing that could stop it."""

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
        self._adapter = bluez.get("adapter", ADAPTER)
        self._deaf = False

    async def start(self) -> None:
        if self._adapter != ADAPTER:
            raise BleakError(f"adapter '{self._adapter}' not found")
        if self.discovering:
            raise BleakDBusError("org.bluez.Error.InProgress", ["Operation already in progress"])
        type(self).discovering = True
        self.seen_devices = {}
        self._deaf = self.radio.interference.deafens(_now())
        await asyncio.sleep(_DISCOVERY_S)
        try:
            await self.radio.scan(self, on=True)
        except BleakError:
            type(self).discovering = False
            raise

    async def stop(self) -> None:
        try:
            await self.radio.scan(self, on=False)
            await asyncio.sleep(_DISCOVERY_S)
        finally:
            type(self).discovering = False

    def hear(self, address: str, advertised: AdvertisementData) -> None:
        if not self._deaf and self.is_allowed_uuid(advertised.service_uuids):
            device = self.create_or_update_device(address, address, advertised.local_name, {}, advertised)
            self.call_detection_callbacks(device, advertised)


class RadioAdapter(BaseBleakAdapter):
    """Knows which machines are connected: with any but the one adapter of the room, none."""

    radio: ClassVar[Room]

    def __init__(self, name: str) -> None:
        self._name = name

    @classmethod
    async def get(cls, *, bluez: BlueZAdapterArgs | None = None, **_platform: object) -> Self:
        await cls.radio.present()
        return cls((bluez or {}).get("adapter", ADAPTER))

    async def get_connected_devices(self, service_uuids: frozenset[str]) -> list[BLEDevice]:
        return await self.radio.connected(service_uuids) if self._name == ADAPTER else []


class RadioClient(BaseBleakClient):
    """A GATT client on a line of the room."""

    radio: ClassVar[Room]
    not_hung_up: ClassVar[Counter[str]]
    """Links that were lost and whose clients did not disconnect, by address, of one process: BlueZ renews
    their subscriptions with the next link, and each notification comes once more for each of them."""

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
        self._line: Line | None = None
        self._over = asyncio.Event()
        self._disconnecting = False
        self._was_lost = False
        self._stuck = False
        self._heard_at = 0.0
        """When the last is heard of what arrives in order."""

    @property
    def name(self) -> str:
        return self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        return self._line.mtu if self._line else 23

    @property
    def is_connected(self) -> bool:
        return self._line is not None

    async def connect(self, pair: bool, **kwargs: Any) -> None:  # noqa: ARG002  nobody pairs here
        if self.is_connected:
            raise BleakError("Client is already connected")
        async with asyncio.timeout(kwargs.get("timeout", self._timeout)):
            fate = self.radio.interference.on_connect(_now())
            if not fate.arrives:
                raise BleakDBusError("org.bluez.Error.Failed", ["le-connection-abort-by-local"])
            if not fate.completes:
                await asyncio.Event().wait()
            line = await self.radio.connect(self.address)
            line.on_end(self._ended)
            self._line, self._disconnecting, self._stuck = line, False, False
            self._over.clear()
            try:
                self.services = await self._discover()
            except BaseException:  # cancelled, too: the machine would stay connected
                await self.disconnect()
                raise

    async def _discover(self) -> BleakGATTServiceCollection:
        found = BleakGATTServiceCollection()
        async with self._request() as line:
            for service in await line.discover():
                if service.uuid == _GENERIC_ACCESS:
                    continue  # BlueZ keeps it to itself
                home = BleakGATTService(service, service.handle, service.uuid)
                found.add_service(home)
                for char in service.characteristics:
                    properties = list(gatt_char_props_to_strs(char.properties))
                    made = BleakGATTCharacteristic(
                        char, char.handle, char.uuid, properties, lambda: self.mtu_size - 3, home
                    )
                    found.add_characteristic(made)
                    for handle, uuid in char.descriptors:
                        found.add_descriptor(BleakGATTDescriptor(None, handle, uuid, made))
        self.radio.know(self.address, frozenset(service.uuid for service in found))
        return found

    async def disconnect(self) -> None:
        if self._line is None:
            self.not_hung_up[self.address] -= self._was_lost
            self._was_lost = False
            return
        self._disconnecting = True
        # The line's own wait need not end if the link is lost at this very moment.
        hanging_up = asyncio.ensure_future(self._line.hang_up())
        await self._over.wait()
        hanging_up.cancel()

    def _ended(self) -> None:
        if self._line is not None:
            self._line = None
            self.services = None
            if not self._disconnecting:
                self._was_lost = True
                self.not_hung_up[self.address] += 1
            self._over.set()
            if self._disconnected_callback is not None:
                self._disconnected_callback()

    @asynccontextmanager
    async def _request(self) -> AsyncIterator[Line]:
        """One ATT request, whose failures look as BlueZ 5.66 and 5.82 show them."""
        if self._line is None:
            raise BleakError("Not connected")
        if self._stuck:
            raise BleakDBusError("org.bluez.Error.Failed", ["Not connected"])
        try:
            yield self._line
        except BleakGATTProtocolError as error:
            if error.code in _PAIRING_CODES:
                await self._over.wait()  # BlueZ starts pairing by itself, and the call hangs
            raise
        except TimeoutError as error:
            self._stuck = True
            raise BleakGATTProtocolError(BleakGATTProtocolErrorCode.UNLIKELY_ERROR) from error
        except LineEndedError as error:
            if self._disconnecting:
                raise EOFError from error
            raise BleakGATTProtocolError(BleakGATTProtocolErrorCode.UNLIKELY_ERROR) from error

    async def read_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        *,
        use_cached: bool = False,  # noqa: ARG002  nothing is cached here
        **_platform: object,
    ) -> bytearray:
        async with self._request() as line:
            return bytearray(await line.read(characteristic.handle))

    async def read_gatt_descriptor(
        self,
        descriptor: BleakGATTDescriptor,
        *,
        use_cached: bool = False,  # noqa: ARG002  nothing is cached here
        **_platform: object,
    ) -> bytearray:
        async with self._request() as line:
            return bytearray(await line.read(descriptor.handle))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        interference = self.radio.interference
        async with self._request() as line:
            _lose_perhaps(line, interference)
            fate = interference.on_write(_now())
            if fate.arrives:
                await line.write(characteristic.handle, bytes(data), response=response)
            if not fate.completes:
                async with asyncio.timeout(ATT_TIMEOUT_S):
                    await self._over.wait()
                raise LineEndedError
            _lose_perhaps(line, interference)
            if fate.error is not None:
                raise BleakGATTProtocolError(fate.error)

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        async with self._request() as line:
            await line.write(descriptor.handle, bytes(data))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_platform: object
    ) -> None:
        cccd = characteristic.get_descriptor(CCCD)
        if cccd is None:
            raise BleakDBusError("org.bluez.Error.NotSupported", ["Operation is not supported"])
        async with self._request() as line:
            number = uuids.short(characteristic.uuid) or 0
            line.listen(characteristic.handle, partial(self._hear, line, number, callback))
            bits = b"\x01\x00" if "notify" in characteristic.properties else b"\x02\x00"
            await line.write(cccd.handle, bits)

    def _hear(self, line: Line, number: int, callback: NotifyCallback, octets: bytes) -> None:
        interference, now = self.radio.interference, _now()
        if interference.is_calm(now) and now >= self._heard_at:
            for _ in range(1 + self.not_hung_up[self.address]):
                callback(bytearray(octets))
            return
        if interference.loses_link(now):
            line.lose()
            return
        for arrival in interference.on_notification(number, octets, now):
            due = now + arrival.delay_s
            if arrival.in_order:
                if due <= self._heard_at and now < self._heard_at:
                    due = self._heard_at + _IN_ORDER_S
                self._heard_at = due
            if due <= now:
                callback(bytearray(arrival.payload))
            else:
                asyncio.get_running_loop().call_at(due, self._hear_late, line, callback, arrival.payload)

    def _hear_late(self, line: Line, callback: NotifyCallback, octets: bytes) -> None:
        if self._line is line:
            callback(bytearray(octets))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        cccd = characteristic.get_descriptor(CCCD)
        async with self._request() as line:
            if cccd is None or not line.listen(characteristic.handle, None):
                raise BleakDBusError("org.bluez.Error.Failed", ["No notify session started"])
            await line.write(cccd.handle, b"\x00\x00")

    async def pair(self, *_args: object, **_kwargs: object) -> None:
        raise BleakError("the virtual radio cannot pair")

    async def unpair(self) -> None:
        raise BleakError("the virtual radio cannot pair")


def _now() -> float:
    return asyncio.get_running_loop().time()


def _lose_perhaps(line: Line, interference: Interference) -> None:
    """One more packet, which may be the last."""
    if interference.loses_link(_now()):
        line.lose()
        raise LineEndedError
