"""What an empty-belt test finds out about one machine, and how that changes what is relied on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from blefit.units import Speed
from retrowalk.core.model import Machine
from retrowalk.core.motion import REST

Trace = Sequence[tuple[float, Speed]]
"""Measured speeds and when they came, in order."""

NEAR = 15
"""0.01 km/h: so close to its goal a speed may be noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The findings; None is: not measured. Speeds 0.01 km/h, rates 0.01 km/h per second."""

    start_delay_s: float | None = None
    """The longest from Start's answer to a record above 0.3 km/h."""
    starts_at: Speed | None = None
    """The highest speed that it began at by itself, before any target."""
    slowest: Speed | None = None
    """As it ran when it was told its minimum."""
    unit_kept: bool | None = None
    """Two different targets came out as commanded: it takes kilometres for kilometres."""
    acceleration: int | None = None
    deceleration: int | None = None
    """The slower one, where several stops were measured."""
    silent_at_rest: bool | None = None
    needs_target_to_move: bool | None = None
    control_unanswered: bool | None = None
    echoes_target: bool | None = None
    """Its speed was there all at once, at a start or a stop: it may be its target."""
    starts_above_minimum: bool | None = None
    start_toggles: bool | None = None
    """Start stopped its running belt."""
    reverts_after_s: float | None = None
    """It left its target by itself so long after it had met it."""
    keeps_running_without_link: bool | None = None

    def applied_to(self, machine: Machine) -> Machine:
        """`machine` commissioned: measured numbers in place of its own, cautious flags only ever added.

        One that does not keep its targets is held to its slowest speed.
        """
        runs_on = self.keeps_running_without_link
        return replace(
            machine,
            commissioned=True,
            maximum=machine.maximum if self.reverts_after_s is None else machine.minimum,
            deceleration=self.deceleration or machine.deceleration,
            start_delay_s=machine.start_delay_s if self.start_delay_s is None else self.start_delay_s,
            silent_at_rest=machine.silent_at_rest or bool(self.silent_at_rest),
            needs_target_to_move=machine.needs_target_to_move or bool(self.needs_target_to_move),
            control_unanswered=machine.control_unanswered or bool(self.control_unanswered),
            echoes_target=machine.echoes_target or bool(self.echoes_target),
            starts_above_minimum=machine.starts_above_minimum or bool(self.starts_above_minimum),
            keeps_running_without_link=machine.keeps_running_without_link if runs_on is None else runs_on,
        )


def ramp(trace: Trace, high: Speed) -> list[tuple[float, Speed]]:
    """The records on the way between rest and `high`, up or down."""
    return [(at, speed) for at, speed in trace if REST < speed < high - NEAR]


def rate(trace: Trace, high: Speed) -> int | None:
    """How fast the speed changes on that way, rounded down; None where fewer than two records tell."""
    way = ramp(trace, high)
    if len(way) < 2:
        return None
    (first, began), (last, ended) = way[0], way[-1]
    return int(abs(ended - began) / (last - first)) or None


def steady(trace: Trace, now: float, for_s: float = 2.0) -> Speed | None:
    """The speed, where it has not changed by more than the reading error for so long; else None."""
    recent = [speed for at, speed in trace if at >= now - for_s]
    old_enough = bool(trace) and trace[0][0] <= now - for_s
    if len(recent) < 2 or not old_enough or max(recent) - min(recent) > REST:
        return None
    return recent[-1]
