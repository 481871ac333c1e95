"""The quantities of a program's text: durations, distances, speeds, inclines; each error one sentence."""

import re
from dataclasses import dataclass
from math import ceil
from typing import Any

from blefit.units import Incline, Speed, incline_from_percent, speed_from_kmh

_NUMBER = r"(\d{1,6}(?:\.\d{1,6})?)"
_DURATION = re.compile(rf"(?:{_NUMBER}\s*h)?\s*(?:{_NUMBER}\s*min)?\s*(?:{_NUMBER}\s*s)?")
_DISTANCE = re.compile(rf"{_NUMBER}\s*(k?m)")

LONGEST_S = 24 * 3600
SHORTEST_M, LONGEST_M = 10, 42_195
FASTEST_KMH = 100
STEEPEST_PERCENT = 50


@dataclass(frozen=True, slots=True)
class Duration:
    """Walk for so many seconds."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Distance:
    """Walk so many metres; `within_s` None: as long as they take at the step's slowest speed."""

    metres: int
    within_s: int | None = None


def duration(value: object) -> Duration:
    """ "3min", "60s", "1min30s", "90 s", "1h"; ValueError says what is wrong with anything else."""
    written = _matched(_DURATION, value)
    if not any(written):
        raise ValueError(f'{show(value)} is no duration: write it like "90s", "3min" or "1min30s"')
    hours, minutes, seconds = (float(number or 0) for number in written)
    total = round(hours * 3600 + minutes * 60 + seconds, 3)
    if not total.is_integer() or not 1 <= total <= LONGEST_S:
        raise ValueError(f"{show(value)} must be whole seconds, from 1 s to 24 h")
    return Duration(int(total))


def extent(value: object) -> Duration | Distance:
    """A duration, or a distance like "200m" or "0.5km"; ValueError says what is wrong with anything else."""
    if any(_matched(_DURATION, value)):
        return duration(value)
    written = _matched(_DISTANCE, value)
    if not written:
        raise ValueError(f'{show(value)} is no length: write it like "90s", "1min30s" or "200m"')
    number, unit = written
    metres = round(float(number) * (1000 if unit == "km" else 1), 3)
    if metres < SHORTEST_M and unit == "m":
        raise ValueError(f'{show(value)} is {metres:g} metres: write "{number}min" for minutes')
    if not metres.is_integer() or not SHORTEST_M <= metres <= LONGEST_M:
        raise ValueError(f"{show(value)} must be whole metres, from {SHORTEST_M} m to {LONGEST_M} m")
    return Distance(int(metres))


def speed(value: Any) -> tuple[Speed, Speed]:
    """km/h, one number or a pair for a ramp; ValueError says what is wrong with anything else."""
    pair = value if isinstance(value, list) else [value, value]
    if len(pair) != 2 or not all(_is_number(number) for number in pair):
        raise ValueError(f"{show(value)} is no speed: write km/h like 1.5, or [1.5, 2.0] for a ramp")
    if not all(0.01 <= number <= FASTEST_KMH for number in pair):
        raise ValueError(f"{show(value)} must be above 0 and at most {FASTEST_KMH} km/h")
    return speed_from_kmh(pair[0]), speed_from_kmh(pair[1])


def incline(value: object) -> Incline:
    """Percent; ValueError says what is wrong with anything else."""
    if not isinstance(value, int | float) or not _is_number(value):
        raise ValueError(f"{show(value)} is no incline: write percent like 2 or 1.5")
    if not -STEEPEST_PERCENT <= value <= STEEPEST_PERCENT:
        raise ValueError(f"{show(value)} must be from -{STEEPEST_PERCENT} to {STEEPEST_PERCENT} percent")
    return incline_from_percent(value)


def show(value: object) -> str:
    """What was written, as TOML would write it, cut where it is long."""
    match value:
        case bool():
            text = str(value).lower()
        case str():
            text = f'"{value}"'
        case dict():
            text = "a table"
        case int() if abs(value) >= 10**40:  # Python prints no number of thousands of digits
            text = "a number of very many digits"
        case _:
            text = str(value)
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= 40 else text[:39] + "…"


def words(seconds: float) -> str:
    """A length of time for a person, in whole seconds, rounded up: "45 s", "1 min 30 s", "1 h"."""
    minutes, rest = divmod(ceil(seconds - 1e-6), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if n]
    return " ".join(parts) or "0 s"


def _matched(pattern: re.Pattern[str], value: object) -> tuple[str, ...]:
    """The groups of a text that is written like `pattern`; none of anything else."""
    match = pattern.fullmatch(value.strip()) if isinstance(value, str) else None
    return match.groups(default="") if match else ()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
