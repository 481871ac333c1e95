"""What a person can touch on the machine: the keys of its console, and the safety key."""

from collections.abc import Callable
from enum import StrEnum


class Key(StrEnum):
    """The keys of the console."""

    START = "start"
    STOP = "stop"
    PAUSE = "pause"
    FASTER = "faster"
    SLOWER = "slower"


class Console:
    """Takes keys; each acts at once on the machine that `pressed` belongs to."""

    def __init__(self, pressed: Callable[[Key], None], dialled: Callable[[float], None]) -> None:
        self._pressed = pressed
        self._dialled = dialled

    def press(self, key: Key | str) -> None:
        """Press a key: start, stop, pause, faster or slower; ValueError for another."""
        self._pressed(Key(key))

    def set_speed(self, kmh: float) -> None:
        """Press a key that selects a speed, as far as the machine goes."""
        self._dialled(kmh)


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
