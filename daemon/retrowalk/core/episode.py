"""What a belt does for a while, in its records: one record to the contrary does not end it (G8, G9)."""

from dataclasses import dataclass

OVER_AFTER_S = 0.5
"""Two records to the contrary, so far apart or more, with none between, end it."""


@dataclass(slots=True)
class Episode:
    """Records that say a thing of the belt, from the first one until it is over. None: not now."""

    since: float | None = None
    records: int = 0
    """That said it."""
    holds: bool = False
    """The newest record says it."""
    _not_since: float | None = None

    def record(self, now: float, *, holds: bool) -> None:
        """A record came."""
        self.holds = holds
        if holds:
            self._not_since = None
            self.since = now if self.since is None else self.since
            self.records += 1
        elif self._not_since is None:
            self._not_since = now
        elif now - self._not_since >= OVER_AFTER_S:
            self.since, self.records = None, 0

    def lasts(self, now: float, seconds: float) -> bool:
        """It holds now, and has for so long."""
        return self.holds and self.since is not None and now - self.since >= seconds
