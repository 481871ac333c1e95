"""The person on the belt, as far as a treadmill can notice one."""

import math
from random import Random

_GRAVITY = 9.81
_RESTING_PULSE = 70.0
_PULSE_PER_KMH = 14.0
"""Backward walking costs more than forward: 2.5 km/h is about 105 bpm, 4 km/h about 126."""
_PULSE_TIME_S = 40.0


class Walker:
    """Somebody of `weight_kg` who keeps pace with the belt, or has stepped off it.

    Which way they face is nothing that a treadmill knows.
    """

    def __init__(self, weight_kg: float = 75.0, chance: Random | None = None) -> None:
        self.weight_kg = weight_kg
        self.on_belt = True
        self.steps = 0.0
        self._pulse = _RESTING_PULSE
        self._chance = chance or Random(1)  # noqa: S311  (steps of a simulation, no secret)

    def step_off(self) -> None:
        """Stand on the side rails: no steps, no weight on the belt."""
        self.on_belt = False

    def step_on(self) -> None:
        """Be back on the belt."""
        self.on_belt = True

    def walks(self, speed: float) -> bool:
        """True while somebody takes steps at this speed of the belt (0.01 km/h)."""
        return self.on_belt and speed > 0

    def cadence(self, speed: float) -> float:
        """Steps per minute at this speed of the belt (0.01 km/h)."""
        return 40 + speed / 5 if self.walks(speed) else 0.0

    @property
    def force_on_belt(self) -> int:
        """Newton."""
        return round(self.weight_kg * _GRAVITY) if self.on_belt else 0

    @property
    def heart_rate(self) -> int:
        """Beats per minute, as a chest strap counts them."""
        return round(self._pulse)

    def oxygen(self, speed: float) -> float:
        """ml/kg/min at this speed (0.01 km/h), by the ACSM equation of walking; 3.5 at rest."""
        return 3.5 + (0.1 * speed / 6 if self.walks(speed) else 0.0)

    def kcal_per_minute(self, speed: float) -> float:
        """5 kcal for a litre of oxygen."""
        return self.oxygen(speed) * self.weight_kg / 200

    def advance(self, seconds: float, speed: float) -> None:
        """Let time pass at this mean speed of the belt (0.01 km/h)."""
        pace = self.cadence(speed) * self._chance.uniform(0.97, 1.03)
        self.steps += pace * seconds / 60
        settles_at = _RESTING_PULSE + (_PULSE_PER_KMH * speed / 100 if self.walks(speed) else 0.0)
        self._pulse += (settles_at - self._pulse) * -math.expm1(-seconds / _PULSE_TIME_S)
