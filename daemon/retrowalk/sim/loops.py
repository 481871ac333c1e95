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
from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import Context
from time import monotonic
from typing import Any, TypeVar, TypeVarTuple, Unpack

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

_LONGEST_CATCH_UP = 0.25
"""Real seconds that a loop which fell behind may make up for by waiting less; what is above is given up."""


_SOONEST = 1e-8
"""Seconds until a timer may strike that is not due yet."""


class _PacedSelector(selectors.SelectSelector):
    """Waits `rate` times shorter than it is asked to, and keeps the time of the loop it serves.

    On select(2), not epoll: epoll counts in milliseconds, and 100 times as fast one is a tenth of a second.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.now = 0.0
        self.threads = 0
        """How many are at work for the loop. Virtual time stands still for them: theirs is real."""
        self._rate = rate
        self._is_virtual = math.isinf(rate)
        self._files = self.get_map()
        self._due = monotonic()  # the real time that belongs to `now`

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and self._is_alone():
            self.now += max(0.0, timeout)
            return []
        if timeout is not None and timeout <= 0:
            return super().select(0)
        self._due = max(self._due, monotonic() - _LONGEST_CATCH_UP)
        if timeout is None or (self.threads and self._is_virtual):
            events = super().select(None)
            passed = self._passed()
        else:
            events = super().select(max(0.0, self._due + timeout / self._rate - monotonic()))
            passed = min(timeout, self._passed()) if events else timeout
        self.now += passed
        self._due += passed / self._rate
        return events

    def _is_alone(self) -> bool:
        """In virtual time, with no socket but the loop's own: nothing can come from outside but a callback,
        and that is ready without being asked for."""
        return self._is_virtual and not self.threads and len(self._files) <= 1

    def _passed(self) -> float:
        """Loop time since `now` where something else than a timer ended the wait; in virtual time, none."""
        return max(0.0, monotonic() - self._due) * self._rate if not self._is_virtual else 0.0


class _PacedLoop(asyncio.SelectorEventLoop):
    def __init__(self, rate: float) -> None:
        self._clock = _PacedSelector(rate)
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[_Ts]], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        # asyncio lets timers go by its clock's resolution early. Two tasks that wait for the same moment, and
        # find that it is not yet there, would wake each other for ever: meanwhile no time passes here.
        if 0 < when - self.time() < _SOONEST:
            when = self.time() + _SOONEST
        return super().call_at(when, callback, *args, context=context)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[_Ts]], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        future = super().run_in_executor(executor, func, *args)
        self._clock.threads += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _: object) -> None:
        self._clock.threads -= 1

    async def shutdown_default_executor(self, *args: Any) -> None:
        self._clock.threads += 1
        try:
            await super().shutdown_default_executor(*args)
        finally:
            self._clock.threads -= 1


def scaled_loop(rate: float) -> asyncio.AbstractEventLoop:
    """A new event loop that runs `rate` times as fast as real time, from 0 s on.

    Where the computer cannot keep up it runs slower. ValueError unless `rate` is a finite number above 0.
    """
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"a rate of time must be a finite number above 0, not {rate!r}")
    return _PacedLoop(rate)


def virtual_loop() -> asyncio.AbstractEventLoop:
    """A new event loop that never waits: when nothing is ready, time jumps to the next timer, from 0 s on.

    It stands still while a thread works for it. Sockets are answered, but not waited for: a time-out on one
    strikes at once.
    """
    return _PacedLoop(math.inf)
