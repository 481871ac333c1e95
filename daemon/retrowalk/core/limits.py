"""What bounds one session on one machine, decided once before anything is armed.

Every bound carries the words that name it: a refusal without its limit helps nobody.
"""

from dataclasses import dataclass
from typing import NamedTuple

from blefit.units import Incline, Speed, kmh
from retrowalk.core import bounds
from retrowalk.core.bounds import GUARDED, HIGHEST_LEVEL, LEVELS, NO_OWN_CAPS, Level, OwnCaps, SiteLimits
from retrowalk.core.model import Direction, Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """All bounds of one session on one machine. Speeds 0.01 km/h, ramps 0.01 km/h per s, inclines 0.1 %."""

    level: int
    guarded: bool
    backward_ceiling: Speed
    forward_ceiling: Speed
    backward_cap: Speed
    forward_cap: Speed
    backward_cap_reason: str
    forward_cap_reason: str
    incline_cap: Incline
    incline_cap_reason: str
    deck_cap: Incline
    """No deck may be found steeper than this, whatever its machine can."""
    deck_cap_reason: str
    first_target: Speed
    """The first target after every rest: the machine's minimum."""
    ramp_up: int
    ramp_down: int
    step_up: Speed
    """One raise; already the next grid value where the machine's grid is coarser."""
    step_down: Speed
    """One step down; on a coarser grid one value of it, or the belt could not be slowed at all."""
    bout_s: int
    backward_total_s: int
    session_s: int
    turn_dwell_s: int
    countdown_s: int
    rest_wait_s: int
    armed_wait_s: int
    """An armed belt waits no longer for its Start than `idle_wait_s`, or than its countdown and turn take."""
    presence_s: int
    backward_part_s: int | None
    """The longest backward walk between two halts; None: unbounded. Set where nobody can say OK."""
    incline_step: Incline = bounds.INCLINE_STEP
    incline_interval_s: float = bounds.INCLINE_INTERVAL_S
    presence_warning_s: int = 10
    warnings: tuple[str, ...] = ()

    def cap(self, direction: Direction) -> Speed:
        """The cap of that direction before the program's own; 0 while standing."""
        return self._by(direction, self.backward_cap, self.forward_cap)

    def ceiling(self, direction: Direction) -> Speed:
        """What nothing may pass in that direction (G8); 0 while standing."""
        return self._by(direction, self.backward_ceiling, self.forward_ceiling)

    def cap_reason(self, direction: Direction) -> str:
        """What sets the cap, in a word or three; empty while standing."""
        if direction is Direction.STANDING:
            return ""
        return self.backward_cap_reason if direction is Direction.BACKWARD else self.forward_cap_reason

    def _by(self, direction: Direction, backward: Speed, forward: Speed) -> Speed:
        if direction is Direction.STANDING:
            return Speed(0)
        return backward if direction is Direction.BACKWARD else forward


@dataclass(frozen=True, slots=True)
class Refusals:
    """Why there is no session on this machine: one sentence each, never empty."""

    sentences: tuple[str, ...]


def limits_for(
    machine: Machine,
    *,
    site: SiteLimits,
    level: int,
    own: OwnCaps = NO_OWN_CAPS,
    guarded: bool = False,
    knee: bool = False,
    walker_cap: Speed | None = None,
    walker_forward_cap: Speed | None = None,
    has_presence: bool = True,
    ok_in_reach: bool = True,
) -> Limits | Refusals:
    """The bounds of a session of that level, or every reason why there can be none.

    `level` is the lower of the session's and the program's. `guarded` makes all bounds those of a guarded
    walker. `knee`: the program's purpose. `own`: the treadmill's caps; they and the walker's only lower.
    `has_presence`: something tells that a person is on the belt; without it `ok_in_reach` says whether
    somebody facing backward can say OK.
    """
    if not 0 <= level <= HIGHEST_LEVEL:
        return Refusals((f"level {level} does not exist: levels go from 0 to {HIGHEST_LEVEL}",))
    refused = [*_unfit(machine), *site.problems()]
    if refused:
        return Refusals(tuple(refused))

    row, name = (GUARDED, "guarded") if guarded else (LEVELS[level], f"level {level}")
    first = machine.minimum
    backward_ceilings = [_Cap(row.backward_ceiling, f"ceiling of {name}"), *_backward_ceilings(machine)]
    forward_ceilings = [_Cap(bounds.FORWARD_CEILING, "ceiling of forward parts"), *_forward_ceilings(machine)]
    site_forward = "forward parts" if site.forward_cap == bounds.FORWARD_CAP else "site"
    backward = _lowest(
        _own_cap(_Cap(row.backward_cap, name), site.backward_cap, first, timid=guarded or level == 0),
        *backward_ceilings,
        _Cap(machine.maximum, "machine maximum"),
        None if own.backward is None else _Cap(own.backward, "treadmill"),
        None if walker_cap is None else _Cap(walker_cap, "walker"),
        None if has_presence else _Cap(bounds.NO_PRESENCE_BACKWARD, "no presence source"),
    )
    forward = _lowest(
        _Cap(site.forward_cap, site_forward),
        *forward_ceilings,
        _Cap(machine.maximum, "machine maximum"),
        None if own.forward is None else _Cap(own.forward, "treadmill"),
        None if walker_forward_cap is None else _Cap(walker_forward_cap, "walker"),
    )
    refused = [
        f"{machine.name} runs no slower than {kmh(first):g} km/h, but the {direction} cap is"
        f" {kmh(cap.speed):g} km/h ({cap.reason})"
        for direction, cap in ((Direction.BACKWARD, backward), (Direction.FORWARD, forward))
        if cap.speed < first
    ]
    if refused:
        return Refusals(tuple(refused))

    deck_cap, deck_cap_reason = _deck(site, own, row, name)
    incline_cap, incline_cap_reason = _incline(machine, deck_cap, deck_cap_reason)
    by_site = _stricter if guarded else _or
    presence_s = by_site(site.presence_s, 30 if guarded else 60)
    bout_s = by_site(site.bout_s, max(row.bout_s, bounds.KNEE_BOUT_S) if knee else row.bout_s)
    return Limits(
        level=level,
        guarded=guarded,
        backward_ceiling=_lowest(*backward_ceilings).speed,
        forward_ceiling=_lowest(*forward_ceilings).speed,
        backward_cap=backward.speed,
        forward_cap=forward.speed,
        backward_cap_reason=backward.reason,
        forward_cap_reason=forward.reason,
        incline_cap=incline_cap,
        incline_cap_reason=incline_cap_reason,
        deck_cap=deck_cap,
        deck_cap_reason=deck_cap_reason,
        first_target=first,
        ramp_up=by_site(site.ramp_up, row.ramp_up),
        ramp_down=site.ramp_down,
        step_up=max(site.step_up, machine.increment),
        step_down=max(site.step_down, machine.increment),
        bout_s=bout_s if has_presence else min(bout_s, presence_s),
        backward_total_s=by_site(site.backward_total_s, row.backward_total_s),
        session_s=site.session_s,
        turn_dwell_s=site.turn_dwell_s,
        countdown_s=site.countdown_s,
        rest_wait_s=site.rest_wait_s,
        armed_wait_s=max(site.idle_wait_s, site.countdown_s, site.turn_dwell_s),
        presence_s=presence_s,
        backward_part_s=None if has_presence or ok_in_reach else bounds.UNATTENDED_PART_S,
        warnings=_warnings(first),
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _stricter(value: int | None, default: int) -> int:
    """A number meant for everybody never loosens what guards a frail walker."""
    return default if value is None else min(value, default)


def _unfit(machine: Machine) -> list[str]:
    """Why no belt of this machine may be moved by us, whoever walks on it."""
    refused: list[str] = []
    if machine.watch_only:
        refused.append(f"{machine.name} can only be watched: {machine.watch_only}")
    elif not machine.controllable:
        refused.append(f"{machine.name} takes no speed commands: retrowalk can only watch it")
    if machine.quarantined:
        refused.append(
            f"{machine.name} is in quarantine ({machine.quarantined}) until `retrowalk commission` has"
            " tested it with an empty belt"
        )
    if machine.maximum < machine.minimum:
        refused.append(
            f"{machine.name} says that its speeds go from {kmh(machine.minimum):g} down to"
            f" {kmh(machine.maximum):g} km/h"
        )
    if machine.minimum < bounds.SLOWEST:
        refused.append(
            f"{machine.name} says that it goes as slow as {kmh(machine.minimum):g} km/h, which cannot be told"
            " from rest: set minimum_kmh in its file"
        )
    if machine.increment > bounds.STEP_CEILING:
        refused.append(
            f"{machine.name} changes speed in steps of {kmh(machine.increment):g} km/h, more than the"
            f" {kmh(bounds.STEP_CEILING):g} km/h that one raise may be"
        )
    if machine.minimum > bounds.FIRST_TARGET_CEILING:
        refused.append(
            f"{machine.name} starts at {kmh(machine.minimum):g} km/h, faster than the"
            f" {kmh(bounds.FIRST_TARGET_CEILING):g} km/h that a belt may start at"
        )
    return refused


class _Cap(NamedTuple):
    speed: Speed
    reason: str


def _lowest(*caps: _Cap | None) -> _Cap:
    """The strictest; of equal ones the first."""
    return min((cap for cap in caps if cap is not None), key=lambda cap: cap.speed)


def _own_cap(default: _Cap, site: Speed | None, first: Speed, *, timid: bool) -> _Cap:
    """The level's default or the site's value for it; a timid default yields to the machine's minimum."""
    if site is not None and (default.reason != "guarded" or site < default.speed):
        return _Cap(site, "site")  # but it never loosens a guarded walker's
    if timid and first > default.speed:
        return _Cap(first, "machine minimum")
    return default


def _backward_ceilings(machine: Machine) -> list[_Cap]:
    found = _unknown(machine, bounds.UNCOMMISSIONED_BACKWARD)
    if machine.keeps_running_without_link and not machine.second_stop:
        found.append(_Cap(bounds.NO_SECOND_STOP_BACKWARD, "no second stop"))
    return found


def _forward_ceilings(machine: Machine) -> list[_Cap]:
    return _unknown(machine, bounds.UNCOMMISSIONED_FORWARD)


def _unknown(machine: Machine, ceiling: Speed) -> list[_Cap]:
    """A machine that nobody has tested, or that cannot be watched (G9), is held to the same ceiling."""
    found: list[_Cap] = []
    if not machine.commissioned:
        found.append(_Cap(ceiling, "uncommissioned machine"))
    if machine.echoes_target:
        found.append(_Cap(ceiling, "machine echoes its target"))
    return found


def _deck(site: SiteLimits, own: OwnCaps, row: Level, name: str) -> tuple[Incline, str]:
    cap, reason = row.incline_cap, name
    if site.incline_cap is not None and row is not GUARDED:  # whose deck stays level
        cap, reason = site.incline_cap, "site"
    return (cap, reason) if own.incline is None or own.incline >= cap else (own.incline, "treadmill")


def _incline(machine: Machine, cap: Incline, reason: str) -> tuple[Incline, str]:
    if not machine.inclinable:
        return Incline(0), "machine without incline"
    if machine.maximum_incline < cap:
        return machine.maximum_incline, "machine maximum"
    return cap, reason


def _warnings(first: Speed) -> tuple[str, ...]:
    if first <= bounds.FIRST_TARGET_WARNING:
        return ()
    return (f"the belt starts at {kmh(first):g} km/h on this machine: hold both rails",)
