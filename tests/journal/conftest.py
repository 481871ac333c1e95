"""The disk of these tests is slow in virtual time: minutes of it take a moment."""

import asyncio
from collections.abc import Callable

from retrowalk.sim.loops import virtual_loop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": virtual_loop}
