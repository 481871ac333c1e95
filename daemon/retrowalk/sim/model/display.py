"""What the console of the simulated machine shows."""

import math
from typing import TYPE_CHECKING

from retrowalk.sim.model.belt import Motion

if TYPE_CHECKING:
    from retrowalk.sim.model.treadmill import Treadmill

_KM_PER_MILE = 1.609344


def display(treadmill: "Treadmill") -> str:
    """One line; nothing without power. A machine that takes kilometres for miles shows miles."""
    if not treadmill.is_on:
        return ""
    if treadmill.safety_key.is_pulled:
        return "SAFETY KEY"
    belt, counted = treadmill.belt, treadmill.telemetry
    if belt.motion is Motion.COUNTDOWN:
        return str(math.ceil(belt.countdown_s))
    minutes, seconds = divmod(int(counted.elapsed_s), 60)
    time = f"{minutes}:{seconds:02}"
    if belt.motion is Motion.PAUSED:
        return f"PAUSED {time}"
    if belt.motion is Motion.STOPPED and not belt.speed:
        return "READY"
    in_miles = treadmill.quirks.control.targets_are_mph
    unit, units = (_KM_PER_MILE, ("mph", "mi")) if in_miles else (1.0, ("km/h", "km"))
    speed, way = belt.speed / 100 / unit, counted.distance_m / 1000 / unit
    incline = treadmill.incline.value / 10
    return f"{speed:.1f} {units[0]}  {incline:.1f} %  {time}  {way:.2f} {units[1]}"
