"""A limit for what does not let itself be cancelled.

Where bleak is cancelled it tidies up over D-Bus, and nothing that it asks there has a time-out of its own. A
Bluetooth service that hangs (of a dead one D-Bus would tell) would hold for ever whoever waits for bleak.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from retrowalk.ble.errors import NO_ANSWER, Unreachable

_T = TypeVar("_T")

_TIDY_UP_WITHIN: Final = 5.0


async def within(seconds: float, doing: Coroutine[Any, Any, _T]) -> _T:
    """What `doing` returns or raises; Unreachable where that takes longer than `seconds`.

    It is cancelled then, or with its caller, and left behind where it does not end in 5 s more.
    """
    task = asyncio.create_task(doing)
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # nobody else may ask
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_TIDY_UP_WITHIN)
            task.cancel()  # the tidying up
    if not task.done() or task.cancelled():
        raise Unreachable(NO_ANSWER)
    return task.result()
