"""Where on the belt somebody is: who does not follow it is carried to the rear edge.

Metres from the front edge, speeds in 0.01 km/h.
"""

import math

DECK_M = 1.4
"""Length of the running surface."""
CORD_TRIPS_M = 0.7 * DECK_M
"""A safety cord is to trip no further behind (EN 957-6)."""
_HOME_M = 0.4
_FRONT_M = 0.1
"""The console is in the way."""
_FOLLOWS_IN_S = 0.5
"""Time constant of a walker's own speed after the belt's."""
_RETURNS_IN_S = 3.0
_SHORT_S = 0.05
_METRES_PER_S = 1 / 360
"""Of 0.01 km/h."""


class Drift:
    """One walker's place on the belt, and the speed at which he walks against it."""

    def __init__(self) -> None:
        self.position_m = _HOME_M
        self._own = 0.0

    @property
    def is_off(self) -> bool:
        """Carried over the rear edge."""
        return self.position_m >= DECK_M

    @property
    def trips_cord(self) -> bool:
        """A cord clipped to him comes out of the console."""
        return self.position_m >= CORD_TRIPS_M

    def advance(self, seconds: float, belt: float, top: float) -> None:
        """Let time pass at this mean speed of the belt, with a walker who does `top` at most."""
        steps = math.ceil(seconds / _SHORT_S)
        for _ in range(steps):
            self._step(seconds / steps, belt, top)

    def _step(self, seconds: float, belt: float, top: float) -> None:
        back = (self.position_m - _HOME_M) / _RETURNS_IN_S / _METRES_PER_S
        wanted = min(max(belt + back, 0.0), top) if belt else 0.0
        self._own += (wanted - self._own) * -math.expm1(-seconds / _FOLLOWS_IN_S)
        carried = self.position_m + (belt - self._own) * _METRES_PER_S * seconds
        self.position_m = min(max(carried, _FRONT_M), DECK_M)
