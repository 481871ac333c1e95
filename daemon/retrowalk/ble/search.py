"""One search on each adapter, heard by all who look for something.

BlueZ lets a process search once at a time and refuses the second search (InProgress). And one that is
cancelled as it begins goes on for as long as the process lives, because bleak forgets it: then every later
one is refused. So nobody who looks begins a search, or cancels one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback

from retrowalk.ble.backend import Backend
from retrowalk.ble.within import within

Heard = tuple[BLEDevice, AdvertisementData]
_Ears = asyncio.Queue[Heard | Exception | None]
"""None: from here on it is heard; an exception: it could not be."""

_ROUND_S: Final = 8.0
"""Then a search begins anew: one can be deaf from its beginning, a Bluetooth service that was restarted knows
of none, and the kernel ends each after some 10 s, when BlueZ must not be told to (bluez issue 807)."""
_RESTS_FOR: Final = 2.0
"""The longest rest while a treadmill is being connected: another's belt may be running."""

_CALL_WITHIN: Final = 10.0
"""A search that the Bluetooth service neither begins nor refuses would hold up all that come after it."""


def scanner(backend: Backend, hear: AdvertisementDataCallback | None = None) -> BleakScanner:
    """bleak's, on that adapter; a process may run one at a time."""
    bluez: BlueZScannerArgs = {} if backend.hci is None else {"adapter": backend.hci}
    return BleakScanner(hear, backend=backend.scanner, bluez=bluez)


class Search:
    """What is in the air, for as long as somebody listens."""

    def __init__(self, backend: Backend, clear: asyncio.Event | None = None) -> None:
        """While `clear` is not set, it rests for a moment."""
        self._backend = backend
        if clear is None:
            clear = asyncio.Event()
            clear.set()
        self._clear = clear
        self._listeners: dict[_Ears, None] = {}
        """In the order they came: that of a set is not the same in every run."""
        self._scanner: BleakScanner | None = None
        """That of a round which has begun, and is not to end."""
        self._enough = asyncio.Event()
        self._still = asyncio.Event()
        self._still.set()
        self._failure: Exception | None = None
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def heard(self) -> AsyncIterator[AsyncIterator[Heard]]:
        """All that is heard in the block, and what the present round heard before it, once it has begun.

        Who leaves last waits until the search has ended. Raises what bleak raises.
        """
        ears = _Ears()
        self._listeners[ears] = None
        if self._scanner is not None:
            _welcome(ears, self._scanner)
        if self._task is None:
            self._failure = None
            self._task = asyncio.create_task(self._go_on())
        try:
            if isinstance(failure := await ears.get(), Exception):
                raise failure
            yield _all(ears)
        finally:
            del self._listeners[ears]
            if not self._listeners:
                self.rest()
                await self.is_still()
                if self._failure is not None:
                    raise self._failure

    def rest(self) -> None:
        """The present round is to end; the next one begins when it is clear, if somebody still listens."""
        self._scanner = None
        self._enough.set()

    async def is_still(self) -> None:
        """Returns when no search is on."""
        await self._still.wait()

    async def _go_on(self) -> None:
        try:
            while self._listeners:
                await self._turn()
                await self._round()
        except Exception as failure:  # whatever it is, each who listens raises it
            self._failure = failure
            for ears in self._listeners:
                ears.put_nowait(failure)
        finally:
            self._task = None

    async def _turn(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_RESTS_FOR):
                while not self._clear.is_set():  # or taken again before this was woken
                    await self._clear.wait()

    async def _round(self) -> None:
        if not self._listeners:
            return
        self._enough.clear()
        self._still.clear()
        begun = scanner(self._backend, self._hear)
        try:
            await within(_CALL_WITHIN, begun.start())
            try:
                if not self._enough.is_set():
                    await self._listen(begun)
            finally:
                await within(_CALL_WITHIN, begun.stop())
        finally:
            self._still.set()

    async def _listen(self, begun: BleakScanner) -> None:
        self._scanner = begun
        for ears in self._listeners:
            _welcome(ears, begun)
        with suppress(TimeoutError):
            async with asyncio.timeout(_ROUND_S):
                await self._enough.wait()
        self._scanner = None

    def _hear(self, device: BLEDevice, advertised: AdvertisementData) -> None:
        if self._scanner is not None:
            for ears in self._listeners:
                ears.put_nowait((device, advertised))


def _welcome(ears: _Ears, begun: BleakScanner) -> None:
    ears.put_nowait(None)
    for heard in begun.discovered_devices_and_advertisement_data.values():  # BlueZ tells it once in a round
        ears.put_nowait(heard)


async def _all(ears: _Ears) -> AsyncIterator[Heard]:
    while True:
        match await ears.get():
            case Exception() as failure:
                raise failure
            case None:
                pass
            case heard:
                yield heard
