"""Who may use the radio: a treadmill that is being connected goes first, all else gives way. And which
machine is whose."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar

from retrowalk.ble.backend import Backend
from retrowalk.ble.search import Search

_T = TypeVar("_T")

_GIVES_WAY_WITHIN: Final = 0.5
"""A belt may be running: what does not end by then is not waited for."""


class RightOfWay:
    """Shared by all that connect. Connecting while somebody else scans or connects fails on some adapters."""

    def __init__(self) -> None:
        self._treadmills = 0
        self._clear = asyncio.Event()
        self._clear.set()
        self._attempts: set[asyncio.Task[Any]] = set()
        self._claims: dict[object, set[str]] = {}
        self._searches: dict[object, Search] = {}

    def claim(self, who: object, *addresses: str) -> None:
        """These machines are `who`'s now, and no others: nobody else is to take one for its name."""
        self._claims[who] = {address.upper() for address in addresses}

    def is_free(self, who: object, address: str) -> bool:
        """That machine is nobody else's."""
        return not any(address.upper() in has for one, has in self._claims.items() if one is not who)

    def search(self, backend: Backend) -> Search:
        """The one search on that adapter."""
        adapter = backend.hci or "hci0"  # None is the system's first, nearly always that one
        return self._searches.setdefault((backend.scanner, adapter), Search(backend, self._clear))

    @asynccontextmanager
    async def first(self) -> AsyncIterator[None]:
        """For connecting a treadmill: attempts of others are ended before, and none begins in the block. A
        search for another treadmill rests, but not for long."""
        self._treadmills += 1
        self._clear.clear()
        try:
            for attempt in self._attempts:
                attempt.cancel()
            for search in self._searches.values():
                search.rest()
            with suppress(TimeoutError):
                async with asyncio.timeout(_GIVES_WAY_WITHIN):
                    if self._attempts:
                        await asyncio.wait(self._attempts)
                    for search in list(self._searches.values()):  # another adapter's may come meanwhile
                        await search.is_still()
            yield
        finally:
            self._treadmills -= 1
            if not self._treadmills:
                self._clear.set()

    async def when_clear(self, attempt: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """Runs `attempt` while no treadmill is being connected; cut short for one, it begins anew."""
        while True:
            while not self._clear.is_set():  # taken again before whoever waits was woken
                await self._clear.wait()
            task = asyncio.create_task(attempt())
            self._attempts.add(task)
            try:
                await asyncio.wait({task})
            finally:
                self._attempts.discard(task)
                if not task.done():  # it is this that is cancelled
                    task.cancel()
                    await asyncio.wait({task})
            if not task.cancelled():
                return task.result()
