"""The numbers of the safety specification, as data: defaults, ceilings, and what a site may set.

A default may be made stricter by the site, the walker or the program, or looser up to its ceiling. The
ceilings are here, in code, and nothing passes them.
"""

from dataclasses import dataclass, fields
from typing import NamedTuple

from blefit.units import Incline, Speed


class Level(NamedTuple):
    """One row of the table of levels: speeds in 0.01 km/h, incline in 0.1 %, ramp in 0.01 km/h per s."""

    backward_cap: Speed
    backward_ceiling: Speed
    incline_cap: Incline
    ramp_up: int
    bout_s: int
    backward_total_s: int


GUARDED = Level(Speed(120), Speed(150), Incline(0), 5, 300, 600)
LEVELS = (
    Level(Speed(100), Speed(160), Incline(0), 5, 300, 600),
    Level(Speed(150), Speed(250), Incline(0), 5, 300, 600),
    Level(Speed(200), Speed(250), Incline(0), 5, 300, 600),
    Level(Speed(250), Speed(350), Incline(10), 10, 600, 600),
    Level(Speed(350), Speed(350), Incline(30), 10, 600, 900),
    Level(Speed(400), Speed(500), Incline(50), 10, 600, 900),
    Level(Speed(400), Speed(500), Incline(50), 10, 600, 900),
)
HIGHEST_LEVEL = len(LEVELS) - 1

STEP_UP, STEP_DOWN = Speed(20), Speed(50)
INCLINE_STEP, INCLINE_INTERVAL_S = Incline(5), 5.0
FORWARD_CAP, FORWARD_CEILING = Speed(400), Speed(600)
KNEE_BOUT_S = 600
"""`purpose = "knee"`: one bout may last as long as in the knee trials."""

FIRST_TARGET_CEILING, FIRST_TARGET_WARNING = Speed(160), Speed(100)
SLOWEST = Speed(40)
"""A slower belt cannot be told from one at rest: moving is above 0.3 km/h."""
LOWEST_CAP = Speed(50)
STEP_CEILING = Speed(50)
"""The largest raise, and that only to the next value of a coarse grid."""

UNCOMMISSIONED_BACKWARD, UNCOMMISSIONED_FORWARD = Speed(150), Speed(250)
NO_SECOND_STOP_BACKWARD = Speed(200)
NO_PRESENCE_BACKWARD = Speed(150)
UNATTENDED_PART_S = 60
"""Between two halts, where nothing senses the walker and nobody facing backward can say OK."""


EASIER, EASY_S = Speed(40), 30
"""A part so much slower, for so long, is easy: it ends the bout of work where it begins."""
LONGEST_EASY_S = 300
"""An easy part longer than a bout may be by default is no rest between bouts: it is one."""
WARM_UP_S, COOL_DOWN_S = 180, 120
"""Forward or easy, before the first and after the last backward work: less gets a warning."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a site may set, from `lowest` to `ceiling`; `scale` wire units make one `unit`."""

    lowest: int
    default: int | None
    """None: by level."""
    ceiling: int
    unit: str
    scale: int = 1

    def words(self, value: int) -> str:
        """`value` for a person: "1.5 km/h", "30 s"."""
        return f"{value / self.scale:g} {self.unit}".rstrip()


SITE_BOUNDS = {
    "level": Bound(0, 1, HIGHEST_LEVEL, ""),
    "backward_cap": Bound(LOWEST_CAP, None, 500, "km/h", 100),
    "forward_cap": Bound(LOWEST_CAP, FORWARD_CAP, FORWARD_CEILING, "km/h", 100),
    "incline_cap": Bound(0, None, 100, "%", 10),
    "ramp_up": Bound(1, None, 10, "km/h per s", 100),
    "ramp_down": Bound(10, 30, 50, "km/h per s", 100),
    "step_up": Bound(5, STEP_UP, 30, "km/h", 100),
    "step_down": Bound(10, STEP_DOWN, 50, "km/h", 100),
    "bout_s": Bound(30, None, 900, "s"),
    "backward_total_s": Bound(60, None, 1800, "s"),
    "session_s": Bound(60, 1800, 3600, "s"),
    "turn_dwell_s": Bound(10, 10, 60, "s"),
    "countdown_s": Bound(5, 10, 60, "s"),
    "rest_wait_s": Bound(30, 300, 600, "s"),
    "idle_wait_s": Bound(10, 45, 60, "s"),
    "presence_s": Bound(10, None, 120, "s"),
}
"""The fields of `SiteLimits`, one by one (safety.md, Numbers)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLimits:
    """What `[safety]` of the config sets, in wire units; None: the level's own default."""

    level: int = 1
    """Of a session without a walker."""
    backward_cap: Speed | None = None
    forward_cap: Speed = FORWARD_CAP
    incline_cap: Incline | None = None
    ramp_up: int | None = None
    ramp_down: int = 30
    step_up: Speed = STEP_UP
    step_down: Speed = STEP_DOWN
    bout_s: int | None = None
    backward_total_s: int | None = None
    session_s: int = 1800
    turn_dwell_s: int = 10
    countdown_s: int = 10
    rest_wait_s: int = 300
    idle_wait_s: int = 45
    presence_s: int | None = None

    def problems(self) -> tuple[str, ...]:
        """One sentence for each value outside its bounds; empty: all is well."""
        found: list[str] = []
        for name in (field.name for field in fields(self)):
            value, bound = getattr(self, name), SITE_BOUNDS[name]
            if value is None:
                continue
            if value > bound.ceiling:
                limit = f"above the ceiling of {bound.words(bound.ceiling)}"
            elif value < bound.lowest:
                limit = f"below {bound.words(bound.lowest)}, the lowest allowed"
            else:
                continue
            found.append(f"{name.removesuffix('_s')} {bound.words(value)} is {limit}")
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCaps:
    """What one treadmill of the site is held to by its config: it only lowers; None: nothing of its own."""

    backward: Speed | None = None
    forward: Speed | None = None
    incline: Incline | None = None


NO_OWN_CAPS = OwnCaps()
