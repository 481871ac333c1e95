"""The person on the belt, as far as a treadmill can notice one."""

import math
from random import Random

from retrowalk.sim.model.drift import Drift
from retrowalk.sim.model.gait import GAITS, OF_NOBODY, Facing, Gait

_GRAVITY = 9.81
_RESTING_OXYGEN = 3.5
_RESTING_PULSE = 70.0
_HIGHEST_PULSE = 190.0
_PULSE_TIME_S = 40.0
_DRIFTS_EVERY_S = 0.1


class Walker:
    """Somebody of `weight_kg` on the belt, or off it.

    Who faces nowhere keeps pace with every belt. Who faces somewhere walks as people do (`gait`), has a place
    on the belt, and is carried off its rear edge where he cannot follow (`drift`).
    """

    def __init__(self, weight_kg: float = 75.0, chance: Random | None = None) -> None:
        self.weight_kg = weight_kg
        self.on_belt = True
        self.steps = 0.0
        self.facing: Facing | None = None
        self.has_cord_clipped = False
        """Who is carried back then pulls the safety key."""
        self.fastest = math.inf
        """He can walk no faster than this (0.01 km/h), nor than people do his way."""
        self._gait: Gait = OF_NOBODY
        self._drift = Drift()
        self._pulse = _RESTING_PULSE
        self._chance = chance or Random(1)  # noqa: S311  (steps of a simulation, no secret)

    def step_off(self) -> None:
        """Stand on the side rails: no steps, no weight on the belt."""
        self.on_belt = False

    def step_on(self) -> None:
        """Be back on the belt, near the console."""
        self.on_belt = True
        self._drift = Drift()

    def face(self, facing: Facing) -> None:
        """Turn, or say how he stands."""
        self.facing = facing
        self._gait = GAITS[facing]

    @property
    def position_m(self) -> float | None:
        """Metres behind the front edge of the belt; None beside it, and of one who faces nowhere."""
        return self._drift.position_m if self.on_belt and self.facing is not None else None

    @property
    def pulls_cord(self) -> bool:
        """He is so far back that his cord comes out."""
        return self.has_cord_clipped and self.facing is not None and self._drift.trips_cord

    def next_due(self, now: float) -> float:
        """When his place on the belt is to be looked at next."""
        if self.position_m is None:
            return math.inf
        return (math.floor(now / _DRIFTS_EVERY_S + 1e-6) + 1) * _DRIFTS_EVERY_S

    def walks(self, speed: float) -> bool:
        """True while somebody takes steps at this speed of the belt (0.01 km/h)."""
        return self.on_belt and speed > 0

    def cadence(self, speed: float) -> float:
        """Steps per minute at this speed of the belt (0.01 km/h)."""
        return self._gait.cadence(speed) if self.walks(speed) else 0.0

    @property
    def force_on_belt(self) -> int:
        """Newton."""
        return round(self.weight_kg * _GRAVITY) if self.on_belt else 0

    @property
    def heart_rate(self) -> int:
        """Beats per minute, as a chest strap counts them."""
        return round(self._pulse)

    def oxygen(self, speed: float, incline: float) -> float:
        """ml/kg/min at this speed (0.01 km/h) and incline (0.1 %); 3.5 at rest."""
        return self._gait.oxygen(speed, incline) if self.walks(speed) else _RESTING_OXYGEN

    def kcal_per_minute(self, speed: float, incline: float) -> float:
        """5 kcal for a litre of oxygen."""
        return self.oxygen(speed, incline) * self.weight_kg / 200

    def advance(self, seconds: float, speed: float, incline: float = 0.0) -> None:
        """Let time pass at this mean speed of the belt (0.01 km/h) and this incline (0.1 %)."""
        pace = self.cadence(speed) * self._chance.uniform(0.97, 1.03)
        self.steps += pace * seconds / 60
        load = self.oxygen(speed, incline) - _RESTING_OXYGEN
        settles_at = min(_RESTING_PULSE + self._gait.pulse_per_oxygen * load, _HIGHEST_PULSE)
        self._pulse += (settles_at - self._pulse) * -math.expm1(-seconds / _PULSE_TIME_S)
        if self.position_m is not None:
            self._drift.advance(seconds, speed, min(self.fastest, self._gait.top))
            self.on_belt = not self._drift.is_off
