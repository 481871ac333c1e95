"""A virtual radio in this process: an adapter for bleak, and simulated machines in its reach."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason
from bumble import hci
from bumble.core import AdvertisingData
from bumble.device import Advertisement, Device

from retrowalk.sim.air import Air, Antenna
from retrowalk.sim.bleak_backend import RadioScanner, backend_in
from retrowalk.sim.bumble_line import BumbleLine, full_uuid

_ADAPTER_ADDRESS = "F0:F0:F0:F0:F0:F0"
_Type = AdvertisingData.Type


class Radio:
    """One room full of radios: an adapter for bleak, and the machines that are put into it.

    `backend` is to be given to what asks for one in `retrowalk.ble`. A Radio belongs to one event loop.
    """

    def __init__(self) -> None:
        self._air = Air()  # type: ignore[no-untyped-call]  # Bumble's constructor has no types
        self._antennas: dict[Device, Antenna] = {}
        self._adapter: Device | None = None
        self._plugged = True
        self._commanding = asyncio.Lock()
        self._connecting = asyncio.Lock()
        self._unfinished: set[asyncio.Task[None]] = set()
        self._scanners: set[RadioScanner] = set()
        self._names: dict[str, str | None] = {}  # as heard, by address
        self._services: dict[str, frozenset[str]] = {}  # as discovered, by address
        self.backend = backend_in(self)

    async def peripheral_device(self, name: str, address: str) -> Device:
        """A new Bumble device in the room, powered on, ready to be given services and to advertise.

        `address` is a random static one: its first octet is C0 or more.
        """
        device, self._antennas[device] = await self._air.device(name, address)
        return device

    def cut(self, device: Device) -> None:
        """Loses the device's links by radio: both ends notice a time-out, and it may advertise again."""
        self._air.cut(self._antennas[device])

    def move_away(self, device: Device) -> None:
        """Takes the device out of reach: its links are lost, its advertisements unheard."""
        self.cut(device)
        self._air.controllers.discard(self._antennas[device])

    def bring_back(self, device: Device) -> None:
        """Puts the device into reach again."""
        self._air.controllers.add(self._antennas[device])

    def unplug(self) -> None:
        """Pulls bleak's adapter out: its links are lost, scanning and connecting fail."""
        self._plugged = False
        if self._adapter is not None:
            self.cut(self._adapter)

    def plug_in(self) -> None:
        """Puts bleak's adapter back."""
        self._plugged = True

    # --- for the backends ---------------------------------------------------------------------------------

    async def present(self) -> None:
        """Raises BleakBluetoothNotAvailableError while bleak's adapter is unplugged."""
        await self._plugged_in()

    async def _plugged_in(self) -> Device:
        await self._finished(self._start())
        if self._adapter is None or not self._plugged:
            raise BleakBluetoothNotAvailableError(
                "No Bluetooth adapters found.", BleakBluetoothNotAvailableReason.NO_BLUETOOTH
            )
        return self._adapter

    async def _finished(self, command: Coroutine[Any, Any, None]) -> None:
        """Waits for a command to the adapter; cancelled, the command goes on: Bumble cannot abandon one."""
        task = asyncio.ensure_future(command)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        await asyncio.shield(task)

    async def _start(self) -> None:
        async with self._commanding:
            if self._adapter is None:
                adapter = await self.peripheral_device("adapter", _ADAPTER_ADDRESS)
                adapter.on(Device.EVENT_ADVERTISEMENT, self._hear)
                self._adapter = adapter

    async def scan(self, scanner: RadioScanner, *, on: bool) -> None:
        """Lets the scanner hear advertisements, or no more; the adapter scans while anybody wants it to."""
        if not on:
            self._scanners.discard(scanner)
        adapter = await self._plugged_in()
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
        advertised = _advertisement(heard.data_bytes + self._air.scan_response(heard.address), heard.rssi)
        address = _spelled(heard.address)
        self._names[address] = advertised.local_name
        for scanner in list(self._scanners):
            scanner.hear(address, advertised)

    async def connect(self, address: str) -> BumbleLine:
        """The link to the machine of that address: one that is still up, as BlueZ does, or a new one.

        Waits for the machine for ever, but can be cancelled.
        """
        adapter = await self._plugged_in()
        peer = hci.Address(address)
        async with self._connecting:
            if standing := adapter.find_connection_by_bd_addr(peer):
                return BumbleLine(standing)
            attempt = asyncio.ensure_future(adapter.connect_le(peer, timeout=None))
            try:
                return BumbleLine(await asyncio.shield(attempt))
            except asyncio.CancelledError:
                # The controller would go on connecting behind our back.
                while not attempt.done():
                    with suppress(hci.HCI_Error):
                        await adapter.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
                    await asyncio.wait({attempt}, timeout=0.01)
                if attempt.exception() is None:
                    await attempt.result().disconnect()
                raise

    def know(self, address: str, services: frozenset[str]) -> None:
        """Remembers which services the machine has."""
        self._services[address] = services

    async def connected(self, services: frozenset[str]) -> list[BLEDevice]:
        """The connected machines that have one of the services."""
        addresses = [_spelled(link.peer_address) for link in (await self._plugged_in()).connections.values()]
        return [
            BLEDevice(address, self._names.get(address), {})
            for address in addresses
            if services & self._services.get(address, frozenset())
        ]


def _spelled(address: hci.Address) -> str:
    return address.to_string(with_type_qualifier=False)


def _advertisement(octets: bytes, rssi: int) -> AdvertisementData:
    data = AdvertisingData.from_bytes(octets)
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
