"""Keeps a treadmill connected: looks for it, opens one link after another, for ever."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from retrowalk.ble.backend import PLATFORM, Backend
from retrowalk.ble.errors import LinkError, LinkLost, NotFound
from retrowalk.ble.link import Link
from retrowalk.ble.reading import Describe, Reading, describe
from retrowalk.ble.right_of_way import RightOfWay
from retrowalk.ble.scanner import Found, find, is_address
from retrowalk.ble.within import within
from retrowalk.core.model import Happening, Written

log = structlog.get_logger()

_SEARCH_FOR: Final = 10.0
_SEARCH_WITHIN: Final = 20.0
_LONGEST_WAIT: Final = 60.0
_LONGEST_SEARCH_PAUSE: Final = 10.0
"""Who switches the treadmill on should not stand there for a minute."""
_HURRY: Final = 0.5
"""The longest wait while the belt may be running: long enough not to spin where the adapter is gone."""
_TRIES_AT_ONCE: Final = 3
"""After a loss the belt may be running with nobody to stop it: so many attempts follow without a wait."""
_TRIES_BEFORE_A_NEW_SEARCH: Final = 3
_FAITHFUL_FOR: Final = 12
"""For so many failures in a row a pattern means the machine that was connected, and for as long as its belt
may be running."""
_LOOKS_EVERY: Final = 1.0
_STEADY: Final = 10.0
"""A link that held so long was no failure."""


class Connector:
    """The connection to one treadmill, over all the links it takes.

    `post` gets what the links post; the numbers of their connections only grow. `state` is told in a few
    words what goes on: `scanning`, `connecting`, `connected`, `waiting 4 s: <why>`.
    """

    def __init__(
        self,
        target: str,
        post: Callable[[Happening], None],
        *,
        describe: Describe = describe,
        state: Callable[[str], None] = lambda _: None,
        backend: Backend = PLATFORM,
        urgent: Callable[[], bool] = lambda: False,
        left_at: str = "",
        met: Callable[[str, str | None], None] = lambda _address, _adapter: None,
        rng: random.Random | None = None,
        right_of_way: RightOfWay | None = None,
    ) -> None:
        """`target` is an address, a name or a name pattern; `rng` spreads the waits.

        `urgent`: a belt of ours may be running with nobody to stop it. Then there is next to no wait, and no
        other machine will do than the one that was lost, or that is `left_at` by a process that is gone.
        `met` gets the address and adapter of each machine before it is connected.
        """
        self.link: Link | None = None
        self.up = asyncio.Event()
        """Set while there is a link."""
        self._target = target
        self._left_at = left_at if is_address(left_at) else ""
        self._post = post
        self._describe = describe
        self._state = state
        self._backend = backend
        self._urgent = urgent
        self._met = met
        self._rng = rng or random.Random()  # noqa: S311  a wait is no secret
        self._right_of_way = right_of_way or RightOfWay()
        self._is_free = partial(self._right_of_way.is_free, self)
        self._look_for(self._left_at or target)
        self._connection = 0
        self._failures = 0
        self._tries_at_once = 0
        self._dropped = False
        self._away_s = 0.0
        self._back = asyncio.Event()
        """It need not stay away any longer."""
        self._trouble = ""
        self._found: Found | None = None
        self._reading: Reading | None = None
        self._task: asyncio.Task[object] | None = None

    async def run(self) -> None:
        """Connects and reconnects until it is cancelled or stopped; raises only what is a bug."""
        self._task = asyncio.current_task()
        try:
            while True:
                try:
                    await self._hold(*await self._open())
                except LinkError as error:
                    self._failures += 1
                    if self._failures % _TRIES_BEFORE_A_NEW_SEARCH == 0:
                        self._found = None
                    if self._tries_at_once > 0:
                        self._tries_at_once -= 1
                    else:
                        await self._wait(error)
        finally:
            if self.link is not None:
                await self.link.close("retrowalk stops")
                self.link = None

    async def stop(self) -> None:
        """Ends `run`, and the link with it; takes some seconds at most."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def write(self, connection: int, ticket: int, frame: bytes) -> None:
        """Writes to the Control Point over that link; Written follows, with an error where it is gone."""
        if self.link is not None and self.link.connection == connection:
            self.link.write(ticket, frame)
        else:
            self._post(Written(connection, ticket, "the connection is gone"))

    def drop(self, why: str, away_s: float = 0.0) -> None:
        """Takes the present link down, if there is one; the next one is opened after `away_s`, or at once.

        While it stays away a second call brings it back.
        """
        self._back.set()
        if self.link is not None:
            self._dropped = True
            self._away_s = away_s
            self._back.clear()
            self.link.end(why)

    async def _open(self) -> tuple[Link, Found]:
        if self._found is None:
            self._state("scanning")
            if self._failures >= _FAITHFUL_FOR and not self._urgent():
                self._look_for(self._target)
            search = self._right_of_way.search(self._backend)
            looking = find(self._wanted, _SEARCH_FOR, self._backend, is_free=self._is_free, search=search)
            self._found = await within(_SEARCH_WITHIN, looking)
        found = self._found
        self._state("connecting")
        self._connection += 1
        self._met(found.address, found.adapter)
        known = self._reading if self._reading and self._reading.address == found.address else None
        async with self._right_of_way.first():
            link = await Link.open(
                found,
                self._connection,
                self._post,
                describe=self._describe,
                known=known,
                backend=self._backend,
            )
        self._reading = link.reading
        self._look_for(found.address)
        return link, found

    def _look_for(self, wanted: str) -> None:
        """From the next search on: the address of the machine that is connected or was, or the target."""
        self._wanted = wanted
        self._right_of_way.claim(self, self._target, wanted)

    async def _hold(self, link: Link, found: Found) -> None:
        """Returns when the link is over and may be followed at once; one that did not hold is a failure."""
        self.link = link
        self.up.set()
        self._dropped = False
        self._state("connected")
        self._trouble = ""
        loop = asyncio.get_running_loop()
        since = loop.time()
        leaving = asyncio.create_task(self._leave(found))
        try:
            why = await link.over()
        finally:
            leaving.cancel()
            self.up.clear()
        await link.close()
        self.link = None
        if loop.time() - since < _STEADY and not self._dropped:
            raise LinkLost(why)
        if self._away_s > 0:
            await self._stay_away()
        self._failures, self._tries_at_once = 0, _TRIES_AT_ONCE

    async def _leave(self, found: Found) -> None:
        """One that only a process that is gone led to is nobody's machine when its belt is known to rest."""
        if found.address != self._left_at or (found.fits(self._target) and self._is_free(found.address)):
            return
        while self._urgent():  # noqa: ASYNC110 - it is a question of the core
            await asyncio.sleep(_LOOKS_EVERY)
        self._left_at, self._found = "", None
        self._look_for(self._target)
        self.drop("its belt rests, and it is another machine than the configuration names")

    async def _stay_away(self) -> None:
        self._state(f"away for {self._away_s:g} s")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._away_s):
                await self._back.wait()
        self._away_s = 0.0

    async def _wait(self, error: LinkError) -> None:
        self._reading = None  # after a while the machine may show another unit, or be another machine
        longest = _LONGEST_SEARCH_PAUSE if isinstance(error, NotFound) else _LONGEST_WAIT
        seconds = min(longest, 2.0 ** min(self._failures - 1, 10)) * self._rng.uniform(0.8, 1.2)
        if self._urgent():
            seconds = min(seconds, _HURRY)
        self._state(f"waiting {seconds:.0f} s: {error}")
        if str(error) != self._trouble:  # once for each kind of trouble: it may be switched off for days
            self._trouble = str(error)
            log.warning(
                "treadmill not reached; trying again until it is", treadmill=self._target, why=self._trouble
            )
        await asyncio.sleep(seconds)
