"""Event loops whose time runs faster: a whole session in seconds, or in no time at all.

The time of these loops passes only while they wait. Computing costs none of it, so a timer is never late,
however slow the machine and however high the rate: no time-out strikes because the computer was busy, and
two runs that start alike go alike.

Both are for `asyncio.Runner(loop_factory=...)`. What must see real time (a broker, the date of a file)
belongs on another loop or reads another clock.
"""

import asyncio
import math
import selectors
from time import monotonic

_LONGEST_CATCH_UP = 0.25
"""Real seconds that a loop which fell behind may make up for by waiting less; what is above is given up."""


class _PacedSelector(selectors.SelectSelector):
    """Waits `rate` times shorter than it is asked to, and keeps the time of the loop it serves.

    On select(2), not epoll: epoll counts in milliseconds, and 100 times as fast one is a tenth of a second.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.now = 0.0
        self._rate = rate
        self._due = monotonic()  # the real time that belongs to `now`

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        self._due = max(self._due, monotonic() - _LONGEST_CATCH_UP)
        if timeout is None:
            events = super().select(None)
            passed = self._passed()
        else:
            events = super().select(max(0.0, self._due + timeout / self._rate - monotonic()))
            passed = min(timeout, self._passed()) if events else timeout
        self.now += passed
        self._due += passed / self._rate
        return events

    def _passed(self) -> float:
        """Loop time since `now` where something else than a timer ended the wait; in virtual time, none."""
        return max(0.0, monotonic() - self._due) * self._rate if math.isfinite(self._rate) else 0.0


class _PacedLoop(asyncio.SelectorEventLoop):
    def __init__(self, rate: float) -> None:
        self._clock = _PacedSelector(rate)
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def scaled_loop(rate: float) -> asyncio.AbstractEventLoop:
    """A new event loop that runs `rate` times as fast as real time, from 0 s on.

    Where the computer cannot keep up it runs slower. ValueError unless `rate` is a finite number above 0.
    """
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"a rate of time must be a finite number above 0, not {rate!r}")
    return _PacedLoop(rate)


def virtual_loop() -> asyncio.AbstractEventLoop:
    """A new event loop that never waits: when nothing is ready, time jumps to the next timer, from 0 s on.

    Sockets and threads are answered, but no time passes while they are awaited, so a time-out on them
    strikes at once. Without any timer it waits for them as every loop does.
    """
    return _PacedLoop(math.inf)
