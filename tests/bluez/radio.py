"""The air around the guest's adapter: what `retrowalk.sim.radio` is for the virtual one."""

import asyncio
import contextlib

from bleak import BleakAdapter
from bleak.backends.bluezdbus.client import BleakClientBlueZDBus
from bleak.exc import BleakError
from bumble.device import Device
from tests.bluez.lab import Lab

from retrowalk.ble.backend import Backend
from retrowalk.sim.air import Air, Antenna
from retrowalk.sim.transports import opened

_SEEN_WITHIN_S = 60.0


class BluezRadio:
    """One room full of radios: the adapter of BlueZ in the guest, and the machines that are put into it."""

    backend = Backend(client=BleakClientBlueZDBus)

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._air = Air()
        self._antennas: dict[Device, Antenna] = {}
        self._adapter: Antenna | None = None
        self._socket = contextlib.AsyncExitStack()

    async def peripheral_device(self, name: str, address: str) -> Device:
        device, self._antennas[device] = await self._air.device(name, address)
        return device

    def cut(self, device: Device) -> None:
        self._air.cut(self._antennas[device])

    def move_away(self, device: Device) -> None:
        self.cut(device)
        self._air.controllers.discard(self._antennas[device])

    def bring_back(self, device: Device) -> None:
        self._air.controllers.add(self._antennas[device])

    async def plug_in(self) -> None:
        """The kernel gets an adapter; returns when bleak sees that it is powered."""
        await _is_powered()  # bleak may overlook for ever what changes while it begins to listen
        source, sink = await self._socket.enter_async_context(opened(self.lab.hci))
        self._adapter = Antenna("adapter", host_source=source, host_sink=sink, link=self._air)
        await self.becomes(powered=True)

    async def unplug(self) -> None:
        """Pulls the adapter out; returns when bleak sees that there is none."""
        if self._adapter is not None:
            self._air.cut(self._adapter)
            self._air.controllers.discard(self._adapter)
            self._adapter.host = None
            self._adapter = None
            await self._socket.aclose()
            await self.becomes(powered=False)

    async def becomes(self, *, powered: bool) -> None:
        """Returns when bleak sees an adapter that is switched on, or none."""
        async with asyncio.timeout(_SEEN_WITHIN_S):
            while powered is not await _is_powered():  # noqa: ASYNC110 - bleak tells nobody
                await asyncio.sleep(0.02)


async def _is_powered() -> bool:
    try:
        await BleakAdapter.get()
    except BleakError:
        return False
    return True
