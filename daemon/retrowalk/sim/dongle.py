"""A Bluetooth controller of its own for bleak, by Bumble's host instead of BlueZ.

Experimental: for a dongle that the system does not use, and for a simulated treadmill in another process.
It cannot pair.
"""

import contextlib

from bumble.device import Device
from bumble.hci import Address

from retrowalk.sim.central import Central
from retrowalk.sim.place import power_on
from retrowalk.sim.transports import opened

_ADDRESS = "F0:F0:F0:F0:F0:F0"


class Dongle(Central):
    """The controller at one of Bumble's transports. Lost, it is looked for again when it is next needed."""

    def __init__(self, transport: str) -> None:
        super().__init__()
        self._transport = transport
        self._open = contextlib.AsyncExitStack()

    async def _power_on(self) -> Device:
        """Raises Unreachable."""
        await self._open.aclose()
        source, sink = await self._open.enter_async_context(opened(self._transport))
        device = Device.with_hci("retrowalk", Address(_ADDRESS), source, sink)
        try:
            await power_on(device, self._transport)
        except BaseException:  # cancelled, too: nobody else would close it
            await self._open.aclose()
            raise
        source.terminated.add_done_callback(self._lost)
        return device

    def _lost(self, _terminated: object) -> None:
        self._device = None
