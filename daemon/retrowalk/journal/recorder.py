"""The recorder: brings a tape to disk in batches, off the control task, and knows what is safe there.

Nothing acknowledged is lost: `once_kept` lets a reply out when the operating system has what it answers. A
disk that is slow, full or gone costs a reply a second, and the belt nothing.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import structlog

from retrowalk.core.controller import Controller
from retrowalk.core.model import Effect, Emitted, Happening
from retrowalk.journal.lines import Entry
from retrowalk.journal.pages import Pages, chapters
from retrowalk.journal.tape import Tape
from retrowalk.offload import Offload

log = structlog.get_logger()

EVERY_S = 0.75
"""With the next tick of the control task that is a second at most: so much is lost at the worst."""
PATIENCE_S = 0.75
"""And so, with the next tick, no reply waits longer than a second for a disk that does not answer."""


class _Held(NamedTuple):
    taken: int
    """It is kept when so many batches are."""
    until: float
    act: Callable[[], None]


class Unrecorded:
    """In place of a recorder, where nothing is to be kept."""

    def hear(self, controller: Controller, write: Callable[[int, int, bytes], None]) -> None: ...
    def came(self, happening: Happening | None, now: float) -> None: ...
    def wrote(self, connection: int, ticket: int, octets: bytes) -> None: ...
    def did(self, effects: tuple[Effect, ...], now: float, *, session: bool) -> None: ...
    def failed(self, bug: BaseException) -> None: ...

    def once_kept(self, act: Callable[[], None], now: float) -> None:  # noqa: ARG002 - a recorder's
        """Do it at once."""
        act()

    async def run(self) -> None:
        """Nothing to do."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Nothing to do."""


class Recorder:
    """One treadmill's journal. It makes the control task neither wait nor fail; `run` is a side task."""

    def __init__(
        self, tape: Tape, pages: Pages, offload: Offload, tell: Callable[[Emitted], None] = lambda _: None
    ) -> None:
        """`tell` hears once of a disk that takes nothing, and once that it does again."""
        self._tape = tape
        self._pages, self._offload, self._tell = pages, offload, tell
        self._bell = asyncio.Event()
        self._due = float("-inf")
        self._batch = 0
        """The number of the batch that is being collected."""
        self._held: deque[_Held] = deque()
        self._sync = False
        self._trouble = ""
        self._writing = asyncio.Lock()

    def hear(self, controller: Controller, write: Callable[[int, int, bytes], None]) -> None:
        """That controller is new, and `write` is where its door writes to."""
        self._tape.hear(controller, write)

    def came(self, happening: Happening | None, now: float) -> None:
        """A control step begins."""
        self._tape.came(happening, now)

    def wrote(self, connection: int, ticket: int, octets: bytes) -> None:
        """A frame was handed to the link."""
        self._tape.wrote(connection, ticket, octets)

    def failed(self, bug: BaseException) -> None:
        """The control step ended in a bug."""
        self._tape.failed(bug)

    def did(self, effects: tuple[Effect, ...], now: float, *, session: bool) -> None:
        """The control step has ended; `session`: one is on."""
        self._tape.did(effects, session=session)
        while self._held and self._held[0].until <= now:
            self._held.popleft().act()
        if now >= self._due:
            self._due = now + EVERY_S
            self._sync = session
            self._bell.set()

    def once_kept(self, act: Callable[[], None], now: float) -> None:
        """Do that when all of the tape up to here is kept, or the disk has had its time."""
        self._held.append(_Held(self._batch, now + PATIENCE_S, act))
        self._bell.set()

    async def run(self) -> None:
        """Keep what comes, until cancelled."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            await self.flush()

    async def flush(self) -> None:
        """Bring all to disk now; what was held for it goes on, whether the disk took it or not."""
        async with self._writing:
            batch, self._batch = self._batch, self._batch + 1
            entries = self._tape.take()
            if entries:
                await self._keep(entries)
            while self._held and self._held[0].taken <= batch:
                self._held.popleft().act()

    async def close(self) -> None:
        """Bring all to disk; no more will come."""
        await self.flush()
        self._pages.close()

    async def _keep(self, entries: list[Entry]) -> None:
        kept = 0
        sync, self._sync = self._sync, False

        def block() -> None:
            nonlocal kept
            for chapter in chapters(entries):
                self._pages.append(chapter)
                kept += len(chapter)
            if sync:
                self._pages.sync()

        try:
            await self._offload(block)
        except OSError as error:
            self._stuck(str(error.strerror or error))
            self._tape.put_back(entries[kept:])
        except Exception:  # a bug: it will not be written the next time either
            self._tape.lose(entries[kept:])
            raise
        else:
            self._recovered()
        if self._pages.full:
            self._tape.turn_page()

    def _stuck(self, trouble: str) -> None:
        if not self._trouble:
            log.warning("the journal cannot be written: the belt is guarded all the same", why=trouble)
            text = "The flight recorder cannot write. The belt is guarded all the same."
            self._tell(Emitted("note", {"id": "journal_stuck", "detail": trouble, "text": text}))
        self._trouble = trouble

    def _recovered(self) -> None:
        if self._trouble:
            log.info("the journal is written again")
            text = "The flight recorder writes again."
            self._tell(Emitted("note", {"id": "journal_kept", "detail": "", "text": text}))
        self._trouble = ""
