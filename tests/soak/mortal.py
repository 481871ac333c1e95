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

    class Scanner(backend.scanner):  # type: ignore[misc, name-defined]
        discovering: ClassVar = False  # each process may search, and a dead one does no more

    class MortalClient(backend.client):  # type: ignore[misc, name-defined]
        not_hung_up: ClassVar = Counter[str]()  # BlueZ forgets what a dead process did not end

        async def disconnect(self) -> None:
            if not dead:
                await super().disconnect()

    return Backend(Scanner, MortalClient, backend.adapter), die
