"""Units of the wire, as integers: no float takes part in a decision."""

import math
from typing import NewType

Speed = NewType("Speed", int)
"""Speed in 0.01 km/h, the resolution of FTMS (Set Target Speed, Instantaneous Speed)."""

Incline = NewType("Incline", int)
"""Inclination in 0.1 %, the resolution of FTMS."""

_SLACK = 1e-6  # 1.15 * 100 is 114.99999999999999 in binary; a millionth of a unit is no rounding up


def speed_from_kmh(kmh: float) -> Speed:
    """The speed in 0.01 km/h that is not above `kmh`.

    Raises ValueError for a number that is negative, infinite or not a number.
    """
    if not math.isfinite(kmh) or kmh < 0:
        raise ValueError(f"a speed must be a number of km/h from 0 up, not {kmh!r}")
    return Speed(math.floor(kmh * 100 + _SLACK))


def kmh(speed: Speed) -> float:
    """`speed` in km/h, for people and JSON."""
    return round(speed / 100, 2)


def incline_from_percent(percent: float) -> Incline:
    """The incline in 0.1 % that is not above `percent`; ValueError unless it is a finite number."""
    if not math.isfinite(percent):
        raise ValueError(f"an incline must be a number of percent, not {percent!r}")
    return Incline(math.floor(percent * 10 + _SLACK))


def percent(incline: Incline) -> float:
    """`incline` in percent, for people and JSON."""
    return round(incline / 10, 1)
