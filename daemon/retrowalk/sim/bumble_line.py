"""One link over Bumble, for bleak's client on the virtual radio."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bleak.exc import BleakGATTProtocolError
from bleak.uuids import normalize_uuid_str
from bumble import core
from bumble.att import ATT_Error
from bumble.core import UUID
from bumble.device import Connection, Peer

from retrowalk.sim.bleak_backend import FoundCharacteristic, FoundService, LineEndedError

_MTU = 517


def full_uuid(uuid: UUID) -> str:
    """A Bumble UUID as bleak spells it: 128 bits, lower case."""
    return normalize_uuid_str(uuid.to_hex_str("-"))


class BumbleLine:
    """A Bumble connection as a `retrowalk.sim.bleak_backend.Line`."""

    def __init__(self, connection: Connection, lose: Callable[[], None]) -> None:
        """`lose` loses it by radio."""
        self.lose = lose
        self._connection = connection
        self._gatt = connection.gatt_client

    @property
    def mtu(self) -> int:
        return self._connection.att_mtu

    def on_end(self, callback: Callable[[], None]) -> None:
        self._connection.on(Connection.EVENT_DISCONNECTION, lambda _reason: callback())

    async def discover(self) -> Sequence[FoundService]:
        with _errors():
            peer = Peer(self._connection)
            await peer.request_mtu(_MTU)
            found = []
            for service in await peer.discover_services():
                chars = []
                for char in await service.discover_characteristics():
                    descriptors = [
                        (one.handle, full_uuid(one.type)) for one in await char.discover_descriptors()
                    ]
                    chars.append(
                        FoundCharacteristic(
                            char.handle, full_uuid(char.uuid), int(char.properties), descriptors
                        )
                    )
                found.append(FoundService(service.handle, full_uuid(service.uuid), chars))
            return found

    async def read(self, handle: int) -> bytes:
        with _errors():
            return bytes(await self._gatt.read_value(handle))

    async def write(self, handle: int, octets: bytes, *, response: bool = True) -> None:
        with _errors():
            await self._gatt.write_value(handle, octets, response)

    def listen(self, handle: int, hear: Callable[[bytes], None] | None) -> bool:
        # Some machines notify where they were asked to indicate; BlueZ passes both on.
        subscribers = (self._gatt.notification_subscribers, self._gatt.indication_subscribers)
        heard = handle in subscribers[0]
        for each in subscribers:
            if hear is None:
                each.pop(handle, None)
            else:
                each[handle] = {hear}
        return heard

    async def hang_up(self) -> None:
        await self._connection.disconnect()


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except ATT_Error as error:
        raise BleakGATTProtocolError(error.error_code) from error
    except core.TimeoutError as error:
        raise TimeoutError from error
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # Nobody cancelled this task: Bumble cancels what it waits for when the link is lost.
        raise LineEndedError from None
