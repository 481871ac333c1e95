"""Messages on their way in: bounded, a Stop first, and not more of the rest than is good for the belt."""

import asyncio
from collections import deque
from typing import Protocol, TypeVar

from retrowalk.mqtt.commands import holds_stop


class _HasPayload(Protocol):
    payload: bytes


M = TypeVar("M", bound=_HasPayload)


class Inbox(asyncio.Queue[M]):
    """A queue in which whatever may be a Stop goes ahead, and takes the place of another where it is full.

    A full one refuses the newest of the rest with asyncio.QueueFull, as every queue does.
    """

    _queue: deque[M]

    def put_nowait(self, item: M) -> None:
        if self.full() and holds_stop(item.payload):
            self._queue.pop()
        super().put_nowait(item)

    def _put(self, item: M) -> None:
        if holds_stop(item.payload):
            self._queue.appendleft(item)
        else:
            self._queue.append(item)


TOO_MANY = "these are too many commands at once: send fewer in a second"
"""Why something is refused that the allowance has nothing left for."""


class Allowance:
    """So many at once, then so many a second: a token bucket that is told the time."""

    def __init__(self, at_once: int = 200, per_second: float = 100) -> None:
        self._most = float(at_once)
        self._per_second = per_second
        self._left = self._most
        self._at: float | None = None

    def spend(self, now: float) -> bool:
        """Whether one more is allowed at `now` (seconds of any steady clock)."""
        if self._at is not None:
            self._left = min(self._most, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
