"""One connection to one treadmill: made once, used once, never mended.

The link does not ask bleak's `is_connected`, which stays True when the Bluetooth service dies. What silence
means for a belt is the guard's business; here a treadmill that says nothing for long is asked for something.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, Self

from blefit import uuids
from retrowalk.ble.backend import PLATFORM, Backend
from retrowalk.ble.errors import AttError, LinkError, LinkLost, NotATreadmill
from retrowalk.ble.line import Line
from retrowalk.ble.reading import READ, Describe, Reading, describe
from retrowalk.ble.scanner import Found
from retrowalk.ble.within import within
from retrowalk.core.model import Characteristic, Connected, Happening, Lost, Machine, Notified, Written

_CLOSED: Final = "the connection was closed"

_DIAL_WITHIN: Final = 15.0

_QUIET_FOR: Final = 20.0
"""One that is silent at rest answers; a Bluetooth service that died at rest would never be noticed."""

_SUBSCRIBED: Final = (
    Characteristic.CONTROL_POINT,  # first: before it indicates, no write is answered
    Characteristic.MACHINE_STATUS,
    Characteristic.TRAINING_STATUS,
    Characteristic.HEART_RATE,
    Characteristic.RSC_MEASUREMENT,
    Characteristic.TREADMILL_DATA,
)


class Link:
    """An open connection. Posts one Connected, then what the treadmill sends, then one Lost.

    Every write is answered by one Written, those under way when the link ends by one with an error.
    After Lost nothing the treadmill sends is posted.
    """

    def __init__(self, found: Found, connection: int, post: Callable[[Happening], None]) -> None:
        """For `open`; a link that is not opened does nothing."""
        self.connection = connection
        self.reading: Reading
        self.machine: Machine
        self._found = found
        self._post = post
        self._line = Line(found, partial(self.end, "the Bluetooth link was lost"))
        self._early: list[Notified] | None = []  # what came before Connected was posted
        self._writes: deque[tuple[int, bytes]] = deque()
        self._wanted = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._asker: asyncio.Task[None] | None = None
        self._heard = False
        self._over = asyncio.Event()
        self._why = ""

    @classmethod
    async def open(
        cls,
        found: Found,
        connection: int,
        post: Callable[[Happening], None],
        *,
        describe: Describe = describe,
        known: Reading | None = None,
        backend: Backend = PLATFORM,
    ) -> Self:
        """Connects, reads, subscribes and posts Connected, all or nothing.

        `known` is what an earlier connection read: without reading it again a treadmill whose belt may be
        running is in reach sooner. `post` must not block. Raises a LinkError; then nothing was posted.
        """
        link = cls(found, connection, post)
        try:
            await link._set_up(describe, known, backend)
        except BaseException:  # cancelled, too: BlueZ would keep the half-made connection
            await link._line.hang_up()
            raise
        return link

    def write(self, ticket: int, frame: bytes) -> None:
        """Writes `frame` to the Control Point, after those before it. Returns at once; Written follows."""
        if self._over.is_set() or uuids.FITNESS_MACHINE_CONTROL_POINT not in self._line.offered:
            why = self._why or "the treadmill has no control point"
            self._post(Written(self.connection, ticket, why))
            return
        self._writes.append((ticket, frame))
        self._wanted.set()

    def end(self, why: str) -> None:
        """Takes the link out of use at once: pending writes fail, Lost is posted. `close` must follow."""
        if self._over.is_set():
            return
        self._why = why
        self._over.set()
        for task in filter(None, (self._writer, self._asker)):
            task.cancel()
        if self._early is None:  # Connected was posted
            for ticket, _ in self._writes:
                self._post(Written(self.connection, ticket, why))
            self._post(Lost(self.connection, why))

    async def over(self) -> str:
        """Waits for the end of the link, and says why it ended. Raises what a bug in writing raised."""
        await self._over.wait()
        for task in filter(None, (self._writer, self._asker)):
            await asyncio.wait({task})
            if not task.cancelled() and (bug := task.exception()):
                raise bug
        return self._why

    async def close(self, why: str = _CLOSED) -> None:
        """Ends the link, if it has not ended, and hangs up. Takes some seconds at most and never raises.

        Needed after a loss, too.
        """
        self.end(why)
        await self._line.hang_up()

    async def _set_up(self, describe: Describe, known: Reading | None, backend: Backend) -> None:
        await within(_DIAL_WITHIN, self._line.dial(backend))
        offered = self._line.offered
        if uuids.TREADMILL_DATA not in offered:
            raise NotATreadmill(
                f"{self._found.name or self._found.address} sends no treadmill data (0x2ACD): it is another "
                "kind of machine, or speaks only a language of its maker"
            )
        self.reading = known or await self._read()
        for characteristic in _SUBSCRIBED:
            if characteristic.value in offered:
                await self._subscribe(characteristic)
        self.machine = describe(self.reading)
        if self._over.is_set():
            raise LinkLost(self._why)
        self._writer = asyncio.create_task(self._write_all(), name=f"link {self.connection}: writer")
        if self._readable:
            self._asker = asyncio.create_task(self._ask_when_quiet(), name=f"link {self.connection}: asker")
        early, self._early = self._early, None
        self._post(Connected(self.connection, self.machine))
        for notified in early or ():
            self._post(notified)

    @property
    def _readable(self) -> list[int]:
        offered = self._line.offered
        return [number for number in READ if number in offered and "read" in offered[number].properties]

    async def _read(self) -> Reading:
        payloads: dict[int, bytes] = {}
        for number in self._readable:
            with suppress(AttError):  # it need not have any of them
                payloads[number] = await self._line.read(number)
        found, offered = self._found, frozenset(self._line.offered)
        return Reading.of(found.name, found.address, offered, payloads, found.service_data)

    async def _subscribe(self, characteristic: Characteristic) -> None:
        def received(payload: bytes) -> None:
            self._receive(Notified(self.connection, characteristic, payload))

        try:
            await self._line.subscribe(characteristic.value, received)
        except AttError:
            if characteristic is Characteristic.TREADMILL_DATA:
                raise

    def _receive(self, notified: Notified) -> None:
        self._heard = True
        if self._early is not None:
            self._early.append(notified)
        elif not self._over.is_set():
            self._post(notified)

    async def _write_all(self) -> None:
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                while self._writes:
                    ticket, frame = self._writes[0]
                    error, code = await self._written(frame)
                    self._writes.popleft()
                    self._post(Written(self.connection, ticket, error, code))
        except LinkError as error:
            self.end(str(error))
        except Exception:  # a bug: the link must end as well, and `over` raises it
            self.end("a bug in writing to the treadmill")
            raise

    async def _ask_when_quiet(self) -> None:
        try:
            while True:
                self._heard = False
                await asyncio.sleep(_QUIET_FOR)
                if not (self._heard or self._writes):
                    with suppress(AttError):  # an answer, too
                        await self._line.read(self._readable[0])
        except LinkError as error:
            self.end(str(error))

    async def _written(self, frame: bytes) -> tuple[str, int | None]:
        try:
            await self._line.write(uuids.FITNESS_MACHINE_CONTROL_POINT, frame)
        except AttError as refusal:
            return str(refusal), refusal.code
        return "", None
