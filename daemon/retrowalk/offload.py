"""Where something that may block is run, so that it cannot hold up a control task."""

import asyncio
from collections.abc import Awaitable, Callable

Offload = Callable[[Callable[[], None]], Awaitable[None]]
"""Runs the function elsewhere and returns, or raises, when it has. A simulation has its own."""


async def in_thread(block: Callable[[], None]) -> None:
    """The usual one."""
    await asyncio.to_thread(block)
