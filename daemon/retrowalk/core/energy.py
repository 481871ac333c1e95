"""Our own totals of a session: distance by direction, time, estimated energy.

Counter resets of a machine cannot touch them.
"""

from blefit.ftms.treadmill_data import TreadmillData
from blefit.units import Incline, Speed
from retrowalk.core.model import Direction
from retrowalk.core.motion import REST, Motion

REST_VO2 = 3.5
FORWARD = (0.100, 1.80)
BACKWARD = (0.186, 1.49)
"""ml/kg/min per m/min, level and vertical: forward the ACSM walking equation, backward fitted to the 2011
Compendium (6.0 MET at 3.5 mph, 8.0 at 5 %). At best within a quarter of the truth."""
STANDING_MET = 1.3


def met(speed: Speed, incline: Incline, direction: Direction) -> float:
    """Metabolic equivalents of walking at that speed and incline."""
    if speed <= REST:
        return STANDING_MET
    level, vertical = BACKWARD if direction is Direction.BACKWARD else FORWARD
    metres_per_minute = speed / 6
    vo2 = REST_VO2 + level * metres_per_minute + vertical * metres_per_minute * max(incline, 0) / 1000
    return vo2 / REST_VO2


class Totals:
    """What one session adds up to. Distance in m, time in s, energy in kcal (None without a weight)."""

    def __init__(self) -> None:
        self._weight_kg: float | None = None
        self._last: float | None = None
        self.incline: Incline | None = None
        self._zero()

    def _zero(self) -> None:
        self.distance_m = self.distance_backward_m = self.elapsed_s = 0.0
        self.energy_kcal: float | None = None if self._weight_kg is None else 0.0

    def begin(self, now: float, weight_kg: float | None = None) -> None:
        """A session begins, of somebody of that weight."""
        self._last = now
        self._weight_kg = weight_kg
        self._zero()

    def record(self, data: TreadmillData) -> None:
        """The incline that the machine reports."""
        if data.inclination is not None:
            self.incline = Incline(data.inclination)

    def advance(self, motion: Motion, facing: Direction, now: float, *, fresh_s: float) -> None:
        """Time passed at the measured speed; only our own motion counts, and stale speed counts nothing."""
        passed = 0.0 if self._last is None else now - self._last
        self._last = now
        speed = motion.speed
        if facing is Direction.STANDING or speed is None or not motion.fresh(now, fresh_s):
            return
        metres = speed / 360 * passed
        self.elapsed_s += passed
        self.distance_m += metres
        if facing is Direction.BACKWARD:
            self.distance_backward_m += metres
        if self.energy_kcal is not None and self._weight_kg is not None:
            per_minute = met(speed, self.incline or Incline(0), facing) * REST_VO2 * self._weight_kg / 200
            self.energy_kcal += per_minute * passed / 60
