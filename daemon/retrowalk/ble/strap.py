"""A heart rate strap of its own, beside the treadmill: looked for, heard, and looked for again."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

import structlog

from blefit import uuids
from blefit.errors import DecodeError
from blefit.heart_rate import HeartRateMeasurement
from retrowalk.ble.backend import PLATFORM, Backend
from retrowalk.ble.errors import LinkError, LinkLost
from retrowalk.ble.kinds import STRAP
from retrowalk.ble.line import Line
from retrowalk.ble.right_of_way import RightOfWay
from retrowalk.ble.scanner import find
from retrowalk.ble.within import within
from retrowalk.core.model import Pulse

log = structlog.get_logger()

_SEARCH_FOR: Final = 10.0
_OPEN_WITHIN: Final = 45.0
_LONGEST_PAUSE: Final = 30.0
_SILENT_FOR: Final = 10.0
"""A strap sends every second; the Bluetooth service can die without telling that the link is gone."""


class Strap:
    """Posts the pulse of one strap, over all the connections it takes.

    It is looked for only while its treadmill is connected, and gives way to every treadmill that is being
    connected. It never tells of a loss: that the pulse is missing is the core's business.
    """

    def __init__(
        self,
        target: str,
        post: Callable[[Pulse], None],
        *,
        treadmill_is_up: asyncio.Event,
        right_of_way: RightOfWay,
        backend: Backend = PLATFORM,
    ) -> None:
        """`target` is an address, a name or a name pattern; a name never means another walker's strap.
        `post` must not block."""
        self._target = target
        self._post = post
        self._treadmill_is_up = treadmill_is_up
        self._right_of_way = right_of_way
        self._backend = backend
        self._trouble = ""
        self._line: Line | None = None
        """The last one: whoever is cancelled in the moment in which it is there would not be given it."""
        right_of_way.claim(self, target)

    async def run(self) -> None:
        """Connects and reconnects until it is cancelled; raises only what is a bug."""
        failures = 0
        while True:
            await self._treadmill_is_up.wait()
            try:
                await self._hear_out()
                failures = 0
            except LinkError as error:
                self._tell(str(error))
                failures += 1
            await asyncio.sleep(min(_LONGEST_PAUSE, 2.0 ** min(failures, 10)))

    async def _hear_out(self) -> None:
        """One connection, from the search to its end. LinkError where there was none."""
        heard: asyncio.Queue[bytes | None] = asyncio.Queue()
        try:
            await self._right_of_way.when_clear(lambda: within(_OPEN_WITHIN, self._open(heard)))
            self._tell("")
            log.info("heart rate strap connected", strap=self._target)
            with suppress(TimeoutError):
                while (payload := await asyncio.wait_for(heard.get(), _SILENT_FOR)) is not None:
                    self._received(payload)
        finally:
            if self._line is not None:
                await self._line.hang_up()
            self._line = None
        log.info("heart rate strap lost", strap=self._target)

    async def _open(self, heard: asyncio.Queue[bytes | None]) -> None:
        search = self._right_of_way.search(self._backend)
        is_free = partial(self._right_of_way.is_free, self)
        found = await find(self._target, _SEARCH_FOR, self._backend, STRAP, is_free=is_free, search=search)
        self._right_of_way.claim(self, self._target, found.address)
        self._line = line = Line(found, lambda: heard.put_nowait(None))
        try:
            await line.dial(self._backend)
            if uuids.HEART_RATE_MEASUREMENT not in line.offered:
                raise LinkLost(f"{found.name or found.address} sends no heart rate (0x2A37): it is no strap")
            await line.subscribe(uuids.HEART_RATE_MEASUREMENT, heard.put_nowait)
        except BaseException:  # cancelled, too: BlueZ would keep the half-made connection
            await line.hang_up()
            raise

    def _received(self, payload: bytes) -> None:
        try:
            measured = HeartRateMeasurement.decode(payload)
        except DecodeError as error:
            log.warning("garbled heart rate", strap=self._target, hex=payload.hex(), why=str(error))
            return
        self._post(Pulse(measured.heart_rate, measured.contact))

    def _tell(self, trouble: str) -> None:
        """Once for each kind of trouble: nobody wears it for most of the day."""
        if trouble and trouble != self._trouble:
            log.info("heart rate strap not reached; trying again", strap=self._target, why=trouble)
        self._trouble = trouble
