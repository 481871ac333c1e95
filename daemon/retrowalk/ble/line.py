"""One GATT connection: made, asked, ended. What is said on it is the business of who holds it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Self, TypeVar

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic

from blefit import uuids
from retrowalk.ble.backend import PLATFORM, Backend
from retrowalk.ble.errors import AttError, LinkLost, pairing_advice, translated
from retrowalk.ble.scanner import Found

_T = TypeVar("_T")

_CONNECT_WITHIN: Final = 10.0
_ANSWER_WITHIN: Final = 5.0
_HANG_UP_WITHIN: Final = 5.0
_UNLIKELY_ERROR: Final = 0x0E
_LOSS_WITHIN: Final = 0.3
"""BlueZ answers 0x0E for a device that is lost, and tells of the loss on another D-Bus connection, later."""


class Line:
    """A connection to one device, over bleak. Every failure is a LinkError that names the device.

    `hang_up` must follow, however `dial` or the connection ended: until it is done BlueZ keeps what was
    half made, and the subscriptions, and the next connection would get every notification twice.
    """

    def __init__(self, found: Found, lost: Callable[[], None]) -> None:
        """`lost` is called when the connection is gone, if it is not hung up before."""
        self.offered: dict[int, BleakGATTCharacteristic] = {}
        """Its characteristics by 16-bit number; of two with the same number the first."""
        self._found = found
        self._lost = lost
        self._client: BleakClient | None = None

    async def dial(self, backend: Backend = PLATFORM) -> Self:
        """Connects and discovers."""
        # Slow to import, and who does not connect does not need it.
        from bleak_retry_connector import establish_connection

        doing, address = f"connecting to {self._found.kind.noun}", self._found.address
        with translated(doing, address, self._found.kind.noun):
            async with asyncio.timeout(_CONNECT_WITHIN):
                self._client = client = await establish_connection(
                    BleakClient,
                    self._found.device,
                    self._found.name,
                    self._disconnected,
                    max_attempts=1,
                    use_services_cache=False,
                    backend=backend.client,
                )
            chars = [char for service in client.services for char in service.characteristics]
        self.offered = {n: char for char in reversed(chars) if (n := uuids.short(char.uuid)) is not None}
        return self

    async def hang_up(self) -> None:
        """Ends the connection. Takes some seconds at most and never raises."""
        if self._client is not None:
            # It can fail in many ways, and all of them say that there is no connection left to end.
            with suppress(Exception):
                async with asyncio.timeout(_HANG_UP_WITHIN):
                    await self._client.disconnect()

    async def read(self, number: int) -> bytes:
        """The value of that characteristic, one that is offered."""
        reading = self._bleak.read_gatt_char(self.offered[number])
        return bytes(await self._asked(f"reading 0x{number:04X} of", reading))

    async def subscribe(self, number: int, receive: Callable[[bytes], None]) -> None:
        """Gives `receive` what that characteristic, one that is offered, notifies or indicates."""

        def received(_: BleakGATTCharacteristic, data: bytearray) -> None:
            receive(bytes(data))

        start = self._bleak.start_notify(self.offered[number], received)
        await self._asked(f"subscribing to 0x{number:04X} of", start)

    async def write(self, number: int, frame: bytes) -> None:
        """Writes it to that characteristic, one that is offered; with a response where it gives one."""
        char = self.offered[number]
        write = self._bleak.write_gatt_char(char, frame, response="write" in char.properties)
        await self._asked("writing to", write)

    @property
    def _bleak(self) -> BleakClient:
        assert self._client is not None, "dial comes first"
        return self._client

    def _disconnected(self, client: BleakClient) -> None:
        if client is self._client:
            self._lost()

    async def _asked(self, doing: str, answer: Awaitable[_T]) -> _T:
        noun, address = self._found.kind.noun, self._found.address
        try:
            async with asyncio.timeout(_ANSWER_WITHIN):
                with translated(f"{doing} {noun}", address, noun):
                    return await answer
        except AttError as error:
            if error.code == _UNLIKELY_ERROR:
                await asyncio.sleep(_LOSS_WITHIN)
            raise
        except TimeoutError as error:
            # BlueZ answers a demand for pairing by pairing, and the request hangs.
            raise LinkLost(
                f"{doing} {noun}: no answer in {_ANSWER_WITHIN:g} s; "
                f"if {noun} wants to be paired, {pairing_advice(address)}"
            ) from error
