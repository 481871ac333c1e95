"""A bare GATT treadmill on the virtual radio, and virtual time for all tests of this folder."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from bumble.att import ATT_Error, ATT_Handle_Value_Notification
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service

from blefit.ftms.feature import Feature, MachineFeature, TargetSetting
from blefit.ftms.ranges import InclinationRange, SpeedRange
from blefit.units import Incline, Speed
from retrowalk.ble.link import Link
from retrowalk.ble.scanner import find
from retrowalk.core.model import Happening
from retrowalk.sim.loops import virtual_loop
from retrowalk.sim.radio import Radio

READ, NOTIFY, INDICATE = Characteristic.READ, Characteristic.NOTIFY, Characteristic.INDICATE
WRITE, WRITE_COMMAND = Characteristic.WRITE, Characteristic.WRITE_WITHOUT_RESPONSE
ADDRESS = "C0:00:00:00:00:01"
NAME = "Bare Tread"
FREE, IN_USE = bytes.fromhex("261801 0100"), bytes.fromhex("261800 0100")
FEATURE = Feature(MachineFeature.TOTAL_DISTANCE, TargetSetting.SPEED | TargetSetting.INCLINATION).encode()
SPEEDS = SpeedRange(Speed(80), Speed(800), Speed(10)).encode()
INCLINES = InclinationRange(Incline(0), Incline(100), Incline(5)).encode()

Table = Mapping[int, tuple[Characteristic.Properties, bytes]]
TREADMILL: Table = {
    0x2ACC: (READ, FEATURE),
    0x2ACD: (NOTIFY, b""),
    0x2AD3: (READ | NOTIFY, b"\x00\x01"),
    0x2AD4: (READ, SPEEDS),
    0x2AD5: (READ, INCLINES),
    0x2AD9: (WRITE | INDICATE, b""),
    0x2ADA: (NOTIFY, b""),
}


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": virtual_loop}


async def nothing(_value: bytes) -> None:
    """What happens at a write, by default."""


class Tread:
    """A GATT server with the characteristics of a table, which keeps what is written to its Control Point."""

    def __init__(self, radio: Radio, device: Device, table: Table) -> None:
        self.device = device
        self.written: list[bytes] = []
        self.on_write: Callable[[bytes], Awaitable[None]] = nothing
        """Runs before the write is answered; may raise ATT_Error."""
        self.refused: dict[int, int] = {}
        """ATT errors that reading a characteristic gets."""
        self.on_read: Callable[[], None] = lambda: None
        self.on_subscribe: Callable[[int], None] = lambda _number: None
        self._radio = radio
        self._characteristics = {number: self._made(number, *row) for number, row in table.items()}
        device.add_service(Service(UUID.from_16_bits(0x1826), list(self._characteristics.values())))

    def _made(
        self, number: int, properties: Characteristic.Properties, value: bytes
    ) -> Characteristic[bytes]:
        def read(_: Connection) -> bytes:
            self.on_read()
            if code := self.refused.get(number):
                raise ATT_Error(code)
            return value

        async def write(_: Connection, octets: bytes) -> None:
            self.written.append(octets)
            await self.on_write(octets)

        permissions = Characteristic.READABLE | Characteristic.WRITEABLE
        handlers = CharacteristicValue(read=read, write=write)
        made = Characteristic(UUID.from_16_bits(number), properties, permissions, handlers)
        made.on(Characteristic.EVENT_SUBSCRIPTION, lambda *_: self.on_subscribe(number))
        return made

    def notify(self, number: int, value: bytes) -> None:
        """Sends a notification to everybody connected, asked for or not, now."""
        handle = self._characteristics[number].handle
        pdu = ATT_Handle_Value_Notification(attribute_handle=handle, attribute_value=value)
        for connection in self.device.connections.values():
            self.device.gatt_server.send_gatt_pdu(connection, bytes(pdu))

    async def indicate(self, number: int, value: bytes) -> None:
        """Sends an indication to everybody connected, and waits for its confirmation."""
        for connection in list(self.device.connections.values()):
            await self.device.indicate_subscriber(
                connection, self._characteristics[number], value, force=True
            )

    def subscriptions(self, number: int) -> list[bytes]:
        """The CCCD values of its clients for that characteristic."""
        handle = self._characteristics[number].handle
        return [cccds[handle] for cccds in self.device.gatt_server.subscribers.values() if handle in cccds]

    async def advertise(self, service_data: bytes | None = FREE, name: str = NAME) -> None:
        """As real ones do: the services first, name and service data in the scan response."""
        more = [(AdvertisingData.COMPLETE_LOCAL_NAME, name.encode())]
        if service_data is not None:
            more.append((AdvertisingData.SERVICE_DATA_16_BIT_UUID, service_data))
        flags = (AdvertisingData.FLAGS, b"\x06")
        services = (AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, bytes.fromhex("2618"))
        await self.device.start_advertising(
            auto_restart=True,
            advertising_data=bytes(AdvertisingData([flags, services])),
            scan_response_data=bytes(AdvertisingData(more)),
            advertising_interval_min=100,
            advertising_interval_max=100,
        )

    def cut(self) -> None:
        """The radio link is gone, from one moment to the next."""
        self._radio.cut(self.device)


@pytest.fixture
async def radio() -> Radio:
    return Radio()


PutUp = Callable[..., Awaitable[Tread]]


@pytest.fixture
def put_up(radio: Radio) -> PutUp:
    """Puts a treadmill of a table up in the room, advertising."""

    async def put_up(table: Table = TREADMILL, *, name: str = NAME, address: str = ADDRESS) -> Tread:
        tread = Tread(radio, await radio.peripheral_device(name, address), table)
        await tread.advertise(name=name)
        return tread

    return put_up


@pytest.fixture
async def tread(put_up: PutUp) -> Tread:
    """The usual treadmill."""
    return await put_up()


class Posted:
    """Everything that was posted, in order."""

    def __init__(self) -> None:
        self.all: list[Happening] = []

    def __call__(self, happening: Happening) -> None:
        self.all.append(happening)

    def of(self, kind: type[Happening]) -> list[Any]:
        return [happening for happening in self.all if isinstance(happening, kind)]


@pytest.fixture
def posted() -> Posted:
    return Posted()


async def until(holds: Callable[[], object], within: float = 60.0) -> None:
    """Wait for another program's doing."""
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110  nobody calls back
            await asyncio.sleep(0.02)


Soon = Callable[[Callable[[], object]], Awaitable[None]]


@pytest.fixture
def soon() -> Soon:
    """Waits for what must be so within a second; in virtual time the computer takes none of it."""
    return partial(until, within=1.0)


OpenLink = Callable[..., Awaitable[Link]]


@asynccontextmanager
async def opening(radio: Radio, posted: Posted) -> AsyncIterator[OpenLink]:
    """Opens links to the treadmill in the room; all are closed in the end."""
    links: list[Link] = []

    async def open_link(connection: int = 1, **options: Any) -> Link:
        found = await find(ADDRESS, backend=radio.backend)
        link = await Link.open(found, connection, posted, backend=radio.backend, **options)
        links.append(link)
        return link

    yield open_link
    for link in links:
        await link.close()


@pytest.fixture
async def open_link(radio: Radio, posted: Posted) -> AsyncIterator[OpenLink]:
    """Opens a link to the treadmill in the room."""
    async with opening(radio, posted) as open_link:
        yield open_link
    await asyncio.sleep(1)  # in virtual time: the treadmill advertises again
