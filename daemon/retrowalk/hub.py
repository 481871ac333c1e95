"""The hub: one treadmill's out-flow, from the control task to everybody who watches.

Newest wins. A publisher never waits and never raises, whatever its readers do; a slow reader skips states
and, beyond its backlog, loses the oldest events. Readers may live in other threads and event loops.

No lock on that way: appending to and taking from a deque and binding an attribute are atomic. A publisher
writes first and then looks whether the reader is awake; a reader declares itself asleep first and then looks
what is there: so no wake-up is lost.
"""

import asyncio
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self

from retrowalk.clock import Wall, utc_now
from retrowalk.core.model import Emitted, Replied, Snapshot


class State(NamedTuple):
    """A snapshot and the wall-clock time it was published at."""

    time: datetime
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Note:
    """An event or a reply and the wall-clock time it was published at."""

    time: datetime
    what: Emitted | Replied


class Hub:
    """Where the control task of one treadmill leaves what others may see."""

    def __init__(self, wall: Wall = utc_now) -> None:
        self._wall = wall
        self._latest: State | None = None
        self._readers: tuple[Reader, ...] = ()
        self._changing_readers = threading.Lock()

    @property
    def latest(self) -> State | None:
        """The newest state; None before the first."""
        return self._latest

    def publish(self, snapshot: Snapshot) -> None:
        """Put the live state out; it replaces the one before."""
        self._latest = State(self._wall(), snapshot)
        for reader in self._readers:
            reader.wake()

    def emit(self, emitted: Emitted) -> None:
        """Put an event out."""
        self._note(emitted)

    def reply(self, replied: Replied) -> None:
        """Put a reply out; each reader picks those of its own source."""
        self._note(replied)

    def subscribe(self, backlog: int = 256) -> "Reader":
        """A reader for the running event loop, which keeps the newest `backlog` events and replies."""
        reader = Reader(self, asyncio.get_running_loop(), backlog)
        with self._changing_readers:
            self._readers = (*self._readers, reader)
        return reader

    def unsubscribe(self, reader: "Reader") -> None:
        """Forget a reader; harmless when it is not known."""
        with self._changing_readers:
            self._readers = tuple(known for known in self._readers if known is not reader)

    def _note(self, what: Emitted | Replied) -> None:
        note = Note(self._wall(), what)
        for reader in self._readers:
            reader.add(note)
            reader.wake()


class Reader:
    """One watcher of a hub: the latest state, and the events and replies since it last took some.

    `state`, `take`, `changed` and `close` are for the loop that subscribed; `dropped` counts what was lost.
    Use it as a context manager, or close it.
    """

    def __init__(self, hub: Hub, loop: asyncio.AbstractEventLoop, backlog: int) -> None:
        self._hub = hub
        self._loop = loop
        self._notes: deque[Note] = deque(maxlen=backlog)
        self._awake = True  # the first look needs no wake-up
        self._bell = asyncio.Event()
        self._bell.set()
        self.dropped = 0

    @property
    def state(self) -> State | None:
        """The newest state; None before the first."""
        return self._hub.latest

    @property
    def waiting(self) -> int:
        """How many events and replies wait to be taken."""
        return len(self._notes)

    def take(self, most: int | None = None) -> list[Note]:
        """The oldest notes, at most `most` of them, in order; they are gone from the reader."""
        taken: list[Note] = []
        while self._notes and (most is None or len(taken) < most):
            taken.append(self._notes.popleft())
        return taken

    async def changed(self, within: float | None = None) -> bool:
        """Wait until something was put out since the last call; False when `within` seconds passed first."""
        try:
            async with asyncio.timeout(within):
                await self._bell.wait()
        except TimeoutError:
            return False
        self._bell.clear()
        self._awake = False
        return True

    def close(self) -> None:
        """No more for this reader."""
        self._hub.unsubscribe(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- for the hub, from any thread ---

    def add(self, note: Note) -> None:
        """Keep a note, in place of the oldest where the backlog is full."""
        if len(self._notes) == self._notes.maxlen:
            self.dropped += 1
        self._notes.append(note)

    def wake(self) -> None:
        """Ring, unless it has rung since the reader last looked."""
        if self._awake:
            return
        self._awake = True
        try:
            self._loop.call_soon_threadsafe(self._bell.set)
        except RuntimeError:  # its loop is closed: nobody reads any more
            self.close()
