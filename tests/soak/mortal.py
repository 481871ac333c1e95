"""A Bluetooth for a process that can die."""

from collections import Counter
from collections.abc import Callable
from typing import ClassVar

from retrowalk.ble.backend import Backend


def mortal(backend: Backend) -> tuple[Backend, Callable[[], None]]:
    """The same Bluetooth, and what kills its user: then no word of it reaches the adapter any more."""
    dead = False

    def die() -> None:
        nonlocal dead
        dead = True

    scanner = backend.scanner  # None is BlueZ, which knows by itself who searches
    if scanner is not None:  # each process may search, and a dead one does no more
        scanner = type("Scanner", (scanner,), {"discovering": False})

    class MortalClient(backend.client):  # type: ignore[misc, name-defined]
        not_hung_up: ClassVar = Counter[str]()  # BlueZ forgets what a dead process did not end

        async def disconnect(self) -> None:
            if not dead:
                await super().disconnect()

    return Backend(scanner, MortalClient, backend.adapter), die
