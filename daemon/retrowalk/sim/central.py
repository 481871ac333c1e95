"""bleak on a Bumble device: one adapter that scans and connects for all of bleak's objects."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any, Final, TypeVar

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bumble import hci
from bumble.core import AdvertisingData
from bumble.device import Advertisement, Connection, Device

from retrowalk.sim.bleak_backend import RadioScanner, backend_in
from retrowalk.sim.bumble_line import BumbleLine, full_uuid
from retrowalk.sim.interference import Interference

_T = TypeVar("_T")
_Type = AdvertisingData.Type
_ANSWERS_WITHIN_S: Final = 10.0


class Central:
    """An adapter for bleak. What device it is, and when there is one, is for those who derive from it.

    `backend` is to be given to what asks for one in `retrowalk.ble`. A Central belongs to one event loop.
    """

    def __init__(self, interference: Interference | None = None) -> None:
        """`interference` is there to be switched on; without one the air is as it is."""
        self.interference = interference or Interference(Random(0))  # noqa: S311  no secret
        self._device: Device | None = None
        self._commanding = asyncio.Lock()
        self._connecting = asyncio.Lock()
        self._unfinished: set[asyncio.Task[Any]] = set()
        self._scanners: set[RadioScanner] = set()
        self._names: dict[str, str | None] = {}  # as heard, by address
        self._peers: dict[str, hci.Address] = {}  # as heard: public or random
        self._services: dict[str, frozenset[str]] = {}  # as discovered, by address
        self.backend = backend_in(self)

    async def _power_on(self) -> Device:
        """The device, powered on; asked for when it is first needed, and again when it was lost."""
        raise NotImplementedError

    def _lose(self, connection: Connection) -> None:
        """The link is lost by radio: what `interference` asks for."""
        raise NotImplementedError

    # --- for the backends ---------------------------------------------------------------------------------

    async def present(self) -> None:
        """Raises what `_power_on` does where there is no device."""
        await self._adapter()

    async def _adapter(self) -> Device:
        return await self._finished(self._start())

    async def _finished(self, command: Coroutine[Any, Any, _T]) -> _T:
        """Waits for a command to the adapter; cancelled, the command goes on: Bumble cannot abandon one.

        TimeoutError where the adapter does not answer; it is given up then.
        """
        task = asyncio.ensure_future(command)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN_S):
                return await asyncio.shield(task)
        except TimeoutError:
            self._device = None
            raise

    async def _start(self) -> Device:
        async with self._commanding:
            device = self._device
            if device is None:
                device = self._device = await self._power_on()
                device.on(Device.EVENT_ADVERTISEMENT, self._hear)
            return device

    async def scan(self, scanner: RadioScanner, *, on: bool) -> None:
        """Lets the scanner hear advertisements, or no more; the adapter scans while anybody wants it to."""
        if not on:
            self._scanners.discard(scanner)
        adapter = await self._adapter()
        if on:
            self._scanners.add(scanner)
        try:
            await self._finished(self._listen(adapter))
        except asyncio.CancelledError:
            self._scanners.discard(scanner)
            await self._finished(self._listen(adapter))
            raise

    async def _listen(self, adapter: Device) -> None:
        async with self._commanding:
            if self._scanners and not adapter.is_scanning:
                await adapter.start_scanning()
            elif not self._scanners and adapter.is_scanning:
                await adapter.stop_scanning()

    def _hear(self, heard: Advertisement) -> None:
        advertised = _advertisement(heard.data, heard.rssi)
        address = _spelled(heard.address)
        self._names[address] = advertised.local_name
        self._peers[address] = heard.address
        for scanner in list(self._scanners):
            scanner.hear(address, advertised)

    async def connect(self, address: str) -> BumbleLine:
        """The link to the machine of that address: one that is still up, as BlueZ does, or a new one.

        Waits for the machine for ever, but can be cancelled.
        """
        adapter = await self._adapter()
        peer = self._peers.get(address) or hci.Address(address)
        async with self._connecting:
            if standing := adapter.find_connection_by_bd_addr(peer):
                return self._line(standing)
            attempt = asyncio.ensure_future(adapter.connect_le(peer, timeout=None))
            try:
                return self._line(await asyncio.shield(attempt))
            except asyncio.CancelledError:
                # The controller would go on connecting behind our back.
                while not attempt.done():
                    with suppress(hci.HCI_Error):
                        await adapter.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
                    await asyncio.wait({attempt}, timeout=0.01)
                if attempt.exception() is None:
                    await attempt.result().disconnect()
                raise

    def _line(self, connection: Connection) -> BumbleLine:
        return BumbleLine(connection, partial(self._lose, connection))

    def know(self, address: str, services: frozenset[str]) -> None:
        """Remembers which services the machine has."""
        self._services[address] = services

    async def connected(self, services: frozenset[str]) -> list[BLEDevice]:
        """The connected machines that have one of the services."""
        addresses = [_spelled(link.peer_address) for link in (await self._adapter()).connections.values()]
        return [
            BLEDevice(address, self._names.get(address), {})
            for address in addresses
            if services & self._services.get(address, frozenset())
        ]


def _spelled(address: hci.Address) -> str:
    return address.to_string(with_type_qualifier=False)


def _advertisement(data: AdvertisingData, rssi: int) -> AdvertisementData:
    uuids = [
        *data.get_all(_Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS),
        *data.get_all(_Type.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS),
        *data.get_all(_Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS),
        *data.get_all(_Type.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS),
    ]
    service_data = [
        *data.get_all(_Type.SERVICE_DATA_16_BIT_UUID),
        *data.get_all(_Type.SERVICE_DATA_128_BIT_UUID),
    ]
    return AdvertisementData(
        local_name=data.get(_Type.COMPLETE_LOCAL_NAME) or data.get(_Type.SHORTENED_LOCAL_NAME),
        manufacturer_data=dict(data.get_all(_Type.MANUFACTURER_SPECIFIC_DATA)),
        service_data={full_uuid(uuid): value for uuid, value in service_data},
        service_uuids=list(dict.fromkeys(full_uuid(uuid) for listed in uuids for uuid in listed)),
        tx_power=data.get(_Type.TX_POWER_LEVEL),
        rssi=rssi,
        platform_data=(),
    )
