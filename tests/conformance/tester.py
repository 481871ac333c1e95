"""The lower tester of the SIG's suite: a GATT client that sees every octet, asked for or not."""

import asyncio
from typing import Any

from bumble.att import ATT_Error, ATT_Handle_Value_Confirmation
from bumble.core import UUID
from bumble.device import Connection, Peer
from bumble.gatt_client import CharacteristicProxy, DescriptorProxy

from blefit import uuids

CONTROL = uuids.FITNESS_MACHINE_CONTROL_POINT
STATUS = uuids.FITNESS_MACHINE_STATUS
_ANSWERS_WITHIN_S = 3.0


class LowerTester:
    """One connection, its services discovered. `heard` is all that came: number, octets in hexadecimal."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.heard: list[tuple[int, str]] = []
        self.confirms = True
        """False: it leaves indications unconfirmed."""
        self._peer = Peer(connection)
        self._client: Any = self._peer.gatt_client
        self._client.on_att_handle_value_notification = self._on_notification
        self._client.on_att_handle_value_indication = self._on_indication
        self._answers: asyncio.Queue[str] = asyncio.Queue()

    async def discover(self) -> None:
        """Everything that is there."""
        await self._peer.discover_services()
        for service in self._peer.services:
            await service.discover_characteristics()
            for characteristic in service.characteristics:
                await characteristic.discover_descriptors()

    def services(self, number: int) -> list[Any]:
        """The primary services of that 16-bit number."""
        return list(self._peer.get_services_by_uuid(UUID.from_16_bits(number)))

    def has(self, number: int) -> bool:
        """That characteristic is there."""
        return bool(self._peer.get_characteristics_by_uuid(UUID.from_16_bits(number)))

    def find(self, number: int) -> CharacteristicProxy[bytes]:
        """That characteristic, of which there is one."""
        (found,) = self._peer.get_characteristics_by_uuid(UUID.from_16_bits(number))
        return found

    def cccd(self, number: int) -> DescriptorProxy:
        """The Client Characteristic Configuration of that characteristic."""
        found = self.find(number).get_descriptor(UUID.from_16_bits(uuids.CCCD))
        assert found is not None
        return found

    async def read(self, number: int) -> bytes:
        """Its value, the whole of it."""
        return bytes(await self._client.read_value(self.find(number)))

    async def mtu(self, octets: int) -> None:
        """Ask for so large an ATT_MTU."""
        await self._peer.request_mtu(octets)

    async def subscribe(self, *numbers: int) -> None:
        """Enable what each of them sends."""
        for number in numbers:
            indicates = self.find(number).properties & 0x20
            await self._client.write_value(self.cccd(number), bytes([2 if indicates else 1, 0]), True)

    async def unsubscribe(self, number: int) -> None:
        """Disable it."""
        await self._client.write_value(self.cccd(number), b"\0\0", True)

    async def write(self, octets: str, number: int = CONTROL) -> str:
        """Write it: "" where that was taken, "att fd" for an ATT error."""
        try:
            await self._client.write_value(self.find(number), bytes.fromhex(octets), True)
        except ATT_Error as error:
            return f"att {error.error_code:02x}"
        return ""

    async def ask(self, octets: str) -> str:
        """Write the Control Point: its answer, or the ATT error."""
        return await self.write(octets) or await self.answer()

    async def answer(self) -> str:
        """The next indication of the Control Point."""
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            return await self._answers.get()

    async def run(self, *requests: str) -> None:
        """Ask these one after the other, and have success each time."""
        for octets in requests:
            assert await self.ask(octets) == f"80 {octets[:2]} 01"

    async def leave(self) -> None:
        """End the connection."""
        await self.connection.disconnect()

    def told(self, number: int) -> list[str]:
        """What it was sent of that characteristic."""
        return [octets for one, octets in self.heard if one == number]

    def _number(self, handle: int) -> int:
        for service in self._peer.services:
            for one in service.characteristics:
                if one.handle == handle:
                    return int.from_bytes(one.uuid.to_bytes()[:2], "little")
        raise AssertionError(f"handle {handle} sends, and was not discovered")

    def _on_notification(self, pdu: Any) -> None:
        self.heard.append((self._number(pdu.attribute_handle), pdu.attribute_value.hex(" ")))

    def _on_indication(self, pdu: Any) -> None:
        self._on_notification(pdu)
        if self._number(pdu.attribute_handle) == CONTROL:
            self._answers.put_nowait(pdu.attribute_value.hex(" "))
        if self.confirms:
            self._client.send_confirmation(ATT_Handle_Value_Confirmation())
