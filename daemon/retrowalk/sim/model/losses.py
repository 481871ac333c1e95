"""The links that the machine itself loses."""

import math

from retrowalk.sim.model.quirks import LinkQuirks


class LinkLosses:
    """When all links of one machine are lost by its own fault."""

    def __init__(self, quirks: LinkQuirks) -> None:
        self._drops_after_s = quirks.drops_after_s
        self._first_lasts_s = quirks.first_link_lasts_s
        self._first_ends = math.inf
        self._lost_in: float | None = None
        """The motion in which one was lost, by when it began."""

    def connected(self, now: float) -> None:
        """A client is there."""
        if self._first_lasts_s is not None:
            self._first_ends, self._first_lasts_s = now + self._first_lasts_s, None

    def next_due(self, moving_since: float | None) -> float:
        """When the next one is lost; `moving_since`: when the belt was started, None at rest."""
        if self._drops_after_s is None or moving_since is None or moving_since == self._lost_in:
            return self._first_ends
        return min(self._first_ends, moving_since + self._drops_after_s)

    def lost(self, now: float, moving_since: float | None) -> bool:
        """True where one is lost now, each once."""
        if self.next_due(moving_since) > now:
            return False
        if self._first_ends <= now:
            self._first_ends = math.inf
        else:
            self._lost_in = moving_since
        return True
