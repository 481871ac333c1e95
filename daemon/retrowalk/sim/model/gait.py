"""How people walk on a belt, forward and backward: steps, and what they cost.

Speeds in 0.01 km/h, inclines in 0.1 %, oxygen in ml/kg/min.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

_RESTING_OXYGEN = 3.5
_METRES_PER_MINUTE = 1 / 6
"""Of 0.01 km/h."""
_MOST_STEPS = 220.0
"""A minute: who is faster takes longer ones."""


class Facing(StrEnum):
    """Which way somebody looks; the console is in front."""

    FORWARD = "forward"
    BACKWARD = "backward"


@dataclass(frozen=True, slots=True)
class Gait:
    """One way of walking."""

    walk_ratio: float
    """Length of a step in m for each step a minute: it stays the same at all speeds of one gait."""
    level: float
    """Oxygen for each m/min."""
    vertical: float
    """Oxygen for each m/min upward."""
    top: float
    """Faster than this people run."""
    pulse_per_oxygen: float
    """Beats a minute."""

    def cadence(self, speed: float) -> float:
        """Steps a minute."""
        return math.sqrt(max(speed, 0.0) * _METRES_PER_MINUTE / self.walk_ratio)

    def oxygen(self, speed: float, incline: float = 0.0) -> float:
        """What somebody takes up who has walked so for some minutes."""
        metres = speed * _METRES_PER_MINUTE
        return _RESTING_OXYGEN + self.level * metres + self.vertical * metres * max(incline, 0.0) / 1000


GAITS = {
    Facing.FORWARD: Gait(walk_ratio=0.0065, level=0.100, vertical=1.80, top=720.0, pulse_per_oxygen=3.0),
    Facing.BACKWARD: Gait(walk_ratio=0.0050, level=0.186, vertical=1.49, top=587.0, pulse_per_oxygen=3.0),
}
"""Forward: 98 steps a minute at 62 m/min (Murakami and Otaka 2017), the walking equation of the ACSM, running
from about 2 m/s on. Backward: as many steps as forward at a lower speed (Laufer 2003, 2005), so that at the
change to running, 1.63 m/s (Hreljac 2005), they are the 140 a minute at which people run; oxygen as in the
2011 Compendium, 6.0 MET at 3.5 mph and 8.0 at 5 %. Pulse: within 8 of the 143 and 119 beats that Heath (2001)
counted at 27 and 22 ml/kg/min."""


class _OfNobody(Gait):
    """Of a walker who has not said which way he faces: something between both, on a level deck."""

    __slots__ = ()

    def cadence(self, speed: float) -> float:
        return min(40 + speed / 5, _MOST_STEPS)


OF_NOBODY = _OfNobody(walk_ratio=math.nan, level=0.100, vertical=0.0, top=math.inf, pulse_per_oxygen=8.4)
