"""Who may use the Control Point: the permission that Request Control grants (FTMS 4.16.2.1)."""

from random import Random

from retrowalk.sim.model.emissions import Client
from retrowalk.sim.model.quirks import ControlQuirks


class Permission:
    """Held by one client at most."""

    def __init__(self, quirks: ControlQuirks, chance: Random) -> None:
        self.holder: Client | None = None
        self.lapses_at: float | None = None
        """When it will end by itself."""
        self._quirks = quirks
        self._chance = chance
        self._asked = 0
        self._key_was_pressed = not quirks.control_needs_key

    def ask(self, client: Client, now: float) -> bool:
        """Request Control: True where it is granted."""
        self._asked += 1
        if not self._key_was_pressed or self._asked < self._quirks.control_asks:
            return False
        self._asked = 0
        self.holder = client
        self._begin_to_lapse(now)
        return True

    def take(self, client: Client, now: float) -> bool:
        """Something else was asked: True where the client may."""
        if not self._quirks.needs_control:
            return True
        if self.holder != client or self._is_denied():
            return False
        if self._quirks.control_per_operation:
            self.drop()
        else:
            self._begin_to_lapse(now)
        return True

    def drop(self) -> Client | None:
        """It ends; returns who had it."""
        holder, self.holder, self.lapses_at = self.holder, None, None
        return holder

    def lapse(self, now: float) -> None:
        """It ends where it was not used for so long."""
        if self.lapses_at is not None and self.lapses_at <= now:
            self.drop()

    def key_pressed(self) -> None:
        """Somebody at the console agrees."""
        self._key_was_pressed = True

    def _is_denied(self) -> bool:
        share = self._quirks.denies_share
        return share > 0 and self._chance.random() < share

    def _begin_to_lapse(self, now: float) -> None:
        after = self._quirks.control_lapses_after_s
        self.lapses_at = None if after is None else now + after
