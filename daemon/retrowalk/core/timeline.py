"""A program compiled for one session: flat, immutable, within its limits. The session only follows it."""

from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from math import floor

from blefit.units import Incline, Speed, kmh, percent
from retrowalk.core.model import Direction
from retrowalk.core.quantity import words


class Kind(StrEnum):
    """What a segment asks for."""

    WALK = "walk"
    TURN = "turn"
    REST = "rest"
    BELTOFF = "beltoff"


Knot = tuple[float, Speed]

LEVEL = Incline(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One step as it will be walked, repeats unrolled."""

    step: int
    """Its number, from 1."""
    place: str
    """Where the program says it: "step 3 of 5"."""
    kind: Kind
    direction: Direction
    """How the person stands in it; of a turn, the new direction."""
    duration_s: float
    """How long it lasts; of a turn, the least; of a distance, its time limit."""
    expected_s: float
    """`duration_s`, but of a distance the time it takes at the speeds asked for."""
    distance_m: int | None = None
    speed: tuple[Speed, Speed] = (Speed(0), Speed(0))
    """What the program asks for, from and to; never below the machine's first target."""
    knots: tuple[Knot, ...] = ()
    """The planned speed as a line through (seconds, 0.01 km/h): the ramps to `speed` are in it, and the slope
    down to the first target where a halt follows a duration. Empty at rest."""
    incline: Incline = LEVEL
    cue: str = ""
    cooling_down: bool = False

    def speed_at(self, seconds: float) -> Speed:
        """The planned speed so long after the segment began, rounded down; 0 at rest."""
        if not self.knots:
            return Speed(0)
        after = bisect_right(self.knots, seconds, key=_time)
        if after in {0, len(self.knots)}:
            return self.knots[max(after - 1, 0)][1]
        (t0, v0), (t1, v1) = self.knots[after - 1], self.knots[after]
        return round_down(v0 + (v1 - v0) * (seconds - t0) / (t1 - t0))

    def asked_at(self, seconds: float) -> float:
        """What the program asks for so long after the segment began, without the ramps to it."""
        begin, end = self.speed
        return begin + (end - begin) * min(seconds / self.expected_s, 1.0)

    @property
    def label(self) -> str:
        """The segment for a person: "45 s backward at 1 km/h"."""
        if self.kind is Kind.TURN:
            return f"turn to face {self.direction}"
        if self.kind is Kind.REST:
            return f"{words(self.duration_s)} rest, belt stopped"
        if self.kind is Kind.BELTOFF:
            return f"{words(self.duration_s)} push, belt off"
        length = words(self.duration_s) if self.distance_m is None else f"{self.distance_m} m"
        begin, end = self.speed
        pace = f"at {kmh(begin):g}" if begin == end else f"from {kmh(begin):g} to {kmh(end):g}"
        slope = f", incline {percent(self.incline):g} %" if self.incline else ""
        return f"{length} {self.direction} {pace} km/h{slope}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What one session will do."""

    name: str
    level: int
    purpose: str
    segments: tuple[Segment, ...]
    work_s: float
    """Backward work: backward walking without its easy parts."""
    warnings: tuple[str, ...] = ()

    @property
    def step_count(self) -> int:
        """How many steps it has."""
        return len(self.segments)

    @property
    def begins(self) -> Direction:
        """How the person stands when the first step begins: a first turn is confirmed like any other."""
        return self.segments[0].direction

    @property
    def ends(self) -> Direction:
        """How the person stands at the end."""
        return self.segments[-1].direction

    @property
    def total_s(self) -> float:
        """How long it is expected to last, halts at their least."""
        return sum(segment.expected_s for segment in self.segments)

    @property
    def moving_s(self) -> float:
        """How long the belt may move."""
        return sum(segment.duration_s for segment in self.segments if segment.kind is Kind.WALK)

    @property
    def backward_s(self) -> float:
        """How long it is expected to go backward, easy parts too."""
        return sum(
            segment.expected_s
            for segment in self.segments
            if segment.kind is Kind.WALK and segment.direction is Direction.BACKWARD
        )

    @property
    def faces_backward(self) -> bool:
        """In some step a person stands backward on the belt, moving or not."""
        return any(segment.direction is Direction.BACKWARD for segment in self.segments)

    def highest(self, direction: Direction) -> Speed:
        """The program's highest speed in that direction: its cap (G5); 0 where it has none."""
        return max(
            (max(segment.speed) for segment in self.segments if segment.direction is direction),
            default=Speed(0),
        )


def round_down(speed: float) -> Speed:
    """A speed between knots, never rounded up; a millionth is the float's own error, not a speed."""
    return Speed(floor(speed + 1e-6))


def _time(knot: Knot) -> float:
    return knot[0]
