"""What the safety specification allows in one world, worked out a second time and by other code.

The numbers are those of `safety.md`, typed in anew: nothing here asks `retrowalk.core`. Speeds in 0.01 km/h.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

GUARDED = "guarded"
BACKWARD = {GUARDED: (120, 150), 0: (100, 160), 1: (150, 250), 2: (200, 250), 3: (250, 350), 4: (350, 350),
            5: (400, 500), 6: (400, 500)}  # fmt: skip
"""By level: the cap by default, and the ceiling that nothing passes."""
INCLINE = {GUARDED: 0, 0: 0, 1: 0, 2: 0, 3: 10, 4: 30, 5: 50, 6: 50}
FORWARD, FORWARD_CEILING = 400, 600
UNCOMMISSIONED = {"backward": 150, "forward": 250}
NO_SECOND_STOP, NO_PRESENCE = 200, 150
SENSES_THE_WALKER = {"vendor_steps", "force_on_belt"}
EVERY_FIELD = ("average_speed", "total_distance", "inclination", "energy", "heart_rate", "elapsed_time",
               "force_on_belt")  # fmt: skip
"""What a machine reports whose file does not say."""


@cache
def read(program: str) -> Mapping[str, object]:
    """A program's text, as TOML says it."""
    return tomllib.loads(program)


def wire(kmh: object) -> int:
    """0.01 km/h, of a number that a file says; a hair below its hundredth is that hundredth."""
    return int(float(str(kmh)) * 100 + 1e-6)


@dataclass(frozen=True, slots=True)
class Rules:
    """What one machine may be told at one site."""

    daemon: Mapping[str, object]
    ranges: Mapping[str, object]
    fields: tuple[str, ...]
    safety: Mapping[str, object]
    treadmill: Mapping[str, object]

    @property
    def minimum(self) -> int:
        """The machine's slowest speed."""
        return wire(self.daemon.get("minimum_kmh", self.ranges.get("minimum_kmh", 0.8)))

    @property
    def increment(self) -> int:
        return wire(self.ranges.get("increment_kmh", 0.1))

    @property
    def step_up(self) -> int:
        """One raise: 0.2 km/h or as the site says, or one value of a coarser grid."""
        return max(wire(self.safety.get("step_up_kmh", 0.2)), self.increment)

    @property
    def deceleration(self) -> int:
        """As the daemon knows it."""
        return wire(self.daemon.get("deceleration_kmh_per_s", 0.3))

    @property
    def countdown_s(self) -> float:
        return float(str(self.safety.get("countdown_s", 10)))

    def cap(self, program: str, direction: str) -> int:
        """The highest target for a program (its TOML text) in a direction (G5, and the table of numbers)."""
        told = read(program)
        caps = [self._fastest(), *self._held_to(direction)]
        if direction == "backward":
            caps += self._backward(int(str(told["level"])))
        else:
            caps += [wire(self.safety.get("forward_cap_kmh", FORWARD / 100)), FORWARD_CEILING]
            caps += [wire(self.treadmill[key]) for key in ("forward_cap_kmh",) if key in self.treadmill]
        asked = _highest(told["steps"], direction)
        return min(*caps, max(asked, self.minimum)) if asked else min(caps)

    def ceiling(self, program: str, direction: str) -> int:
        """What even a program below no cap may not pass (G8)."""
        held = min(self._held_to(direction), default=FORWARD_CEILING)
        if direction != "backward":
            return min(held, FORWARD_CEILING)
        return min(held, BACKWARD[self._row(int(str(read(program)["level"])))][1])

    def incline_cap(self, program: str) -> int:
        """0.1 %."""
        row = self._row(int(str(read(program)["level"])))
        site, own = (int(float(str(table.get("incline_cap_percent", 100))) * 10)
                     for table in (self.safety, self.treadmill))  # fmt: skip
        loosened = "incline_cap_percent" in self.safety and row != GUARDED
        return min(100 if loosened else INCLINE[row], site, own)

    def _row(self, level: int) -> int | str:
        return GUARDED if self.safety.get("guarded") else level

    def _fastest(self) -> int:
        return wire(self.daemon.get("maximum_kmh", self.ranges.get("maximum_kmh", 14.0)))

    def _held_to(self, direction: str) -> list[int]:
        held = []
        if not self.daemon.get("commissioned") or self.daemon.get("echoes_target"):
            held.append(UNCOMMISSIONED[direction])
        second = self.daemon.get("second_stop") or self.treadmill.get("second_stop")
        if direction == "backward" and self.daemon.get("keeps_running_without_link", True) and not second:
            held.append(NO_SECOND_STOP)
        return held

    def _backward(self, level: int) -> list[int]:
        row = self._row(level)
        cap, ceiling = BACKWARD[row]
        site = wire(self.safety["backward_cap_kmh"]) if "backward_cap_kmh" in self.safety else None
        if site is not None and (row != GUARDED or site < cap):
            cap = site
        elif row in {GUARDED, 0}:
            cap = max(cap, self.minimum)
        cap = min(cap, wire(self.treadmill.get("backward_cap_kmh", ceiling / 100)))
        senses = self.daemon.get("reports_presence", bool(SENSES_THE_WALKER & set(self.fields)))
        return [cap, ceiling] if senses or self.treadmill.get("presence") else [cap, ceiling, NO_PRESENCE]


def _highest(steps: object, direction: str) -> int:
    assert isinstance(steps, list)
    found = [0]
    for step in steps:
        if "steps" in step:
            found.append(_highest(step["steps"], direction))
        elif step.get("walk") == direction:
            speed = step["speed"]
            found.append(max(map(wire, speed if isinstance(speed, list) else [speed])))
    return max(found)
