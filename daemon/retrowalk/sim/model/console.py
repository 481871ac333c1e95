"""What a person can touch and see on the machine: its console, and the safety key."""

from collections.abc import Callable
from enum import StrEnum


class Key(StrEnum):
    """The keys of the console."""

    START = "start"
    STOP = "stop"
    PAUSE = "pause"
    FASTER = "faster"
    SLOWER = "slower"
    STEEPER = "steeper"
    FLATTER = "flatter"


class Console:
    """Takes keys; each acts at once on the machine that `pressed` belongs to."""

    def __init__(
        self,
        pressed: Callable[[Key], None],
        dialled: Callable[[float], None],
        tilted: Callable[[float], None],
        shown: Callable[[], str],
    ) -> None:
        self._pressed = pressed
        self._dialled = dialled
        self._tilted = tilted
        self._shown = shown

    def press(self, key: Key | str) -> None:
        """Press a key: start, stop, pause, faster, slower, steeper or flatter; ValueError for another."""
        self._pressed(Key(key))

    def set_speed(self, kmh: float) -> None:
        """Press a key that selects a speed, as far as the machine goes."""
        self._dialled(kmh)

    def set_incline(self, percent: float) -> None:
        """Press a key that selects an incline, as far as the machine goes."""
        self._tilted(percent)

    @property
    def display(self) -> str:
        """What it shows."""
        return self._shown()


class SafetyKey:
    """The cord: pulled, the machine has no power until it is back."""

    def __init__(self, pulled: Callable[[], None]) -> None:
        self.is_pulled = False
        self._on_pull = pulled

    def pull(self) -> None:
        """Pull it out."""
        if not self.is_pulled:
            self.is_pulled = True
            self._on_pull()

    def replace(self) -> None:
        """Put it back. The belt stays at rest, and no Status says so: FTMS has none for it."""
        self.is_pulled = False
