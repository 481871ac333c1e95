"""Which Bluetooth: this machine's, or another that bleak is told to use."""

from dataclasses import dataclass, replace

from bleak.backends.adapter import BaseBleakAdapter
from bleak.backends.client import BaseBleakClient
from bleak.backends.scanner import BaseBleakScanner


@dataclass(frozen=True, slots=True)
class Backend:
    """Three classes for bleak's `backend=` arguments; None is what bleak chooses on this machine."""

    scanner: type[BaseBleakScanner] | None = None
    client: type[BaseBleakClient] | None = None
    adapter: type[BaseBleakAdapter] | None = None
    hci: str | None = None
    """The Bluetooth adapter to search with, such as "hci1"; None: the system's first."""

    def on(self, adapter: str) -> "Backend":
        """The same Bluetooth on that adapter, as a treadmill's `adapter` names it."""
        return replace(self, hci=adapter)


PLATFORM = Backend()
"""The Bluetooth of this machine (BlueZ on Linux)."""
