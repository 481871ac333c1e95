"""From a program to the timeline of one session, or to every reason why not. Nothing is clamped silently.

The ramps are put into the steps: after a halt a step begins at the machine's minimum and rises at the
planned ramp; before a halt it comes down to that minimum. A distance may end at any time, so the way down
after it is the session's to go.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import ceil, inf

from blefit.units import Speed, kmh
from retrowalk.core.bounds import EASIER
from retrowalk.core.dose import backward_parts, bouts
from retrowalk.core.limits import Limits
from retrowalk.core.model import Direction, Machine
from retrowalk.core.program import BeltOff, Leaf, Program, Rest, Turn, Walk
from retrowalk.core.quantity import Duration, words
from retrowalk.core.timeline import Kind, Segment, Timeline, round_down
from retrowalk.core.verdict import Violation, violations, warnings


@dataclass(frozen=True, slots=True)
class Violations:
    """Why a program is not walked here: all of it, never empty."""

    violations: tuple[Violation, ...]
    warnings: tuple[str, ...]


def compile_program(program: Program, limits: Limits, machine: Machine) -> Timeline | Violations:
    """The timeline of that program within these limits on this machine, or everything that forbids it.

    A speed below the machine's minimum is walked at that minimum, with a warning. A distance without a
    limit of its own may take as long as it takes at its slowest speed, rounded down to the machine's grid,
    and the ramp before that.
    """
    leaves = tuple(program.expanded())
    warned = (*limits.warnings, *dict.fromkeys(warnings(leaves, limits)))
    segments = tuple(_segments(leaves, limits, machine))
    if found := (*violations(program, leaves, limits, machine), *_unattended(segments, limits)):
        return Violations(found, warned)
    return Timeline(
        name=program.name,
        level=program.level,
        purpose=program.purpose,
        segments=segments,
        work_s=sum(bout.seconds for part in backward_parts(leaves) for bout in bouts(part)),
        warnings=(*warned, *dict.fromkeys(_unreached(segments))),
    )


def _segments(leaves: Sequence[Leaf], limits: Limits, machine: Machine) -> Iterator[Segment]:
    facing, speed = Direction.STANDING, limits.first_target
    cool_down = _cool_down(leaves)
    for step, leaf in enumerate(leaves, 1):
        if isinstance(leaf, Walk):
            facing = leaf.direction
            halts = step == len(leaves) or not isinstance(leaves[step], Walk)
            segment = _walk(step, leaf, speed, limits, machine, halts=halts, cooling_down=step > cool_down)
            speed = segment.knots[-1][1]
            yield segment
            continue
        if isinstance(leaf, Turn):
            facing, lasts = leaf.direction, limits.turn_dwell_s
        else:
            lasts = leaf.duration_s
        speed = limits.first_target
        yield Segment(
            step=step,
            place=leaf.place,
            kind=_KINDS[type(leaf)],
            direction=facing,
            duration_s=lasts,
            expected_s=lasts,
            cue=leaf.cue,
        )


_KINDS = {Turn: Kind.TURN, Rest: Kind.REST, BeltOff: Kind.BELTOFF}


def _walk(
    step: int,
    walk: Walk,
    start: Speed,
    limits: Limits,
    machine: Machine,
    *,
    halts: bool,
    cooling_down: bool,
) -> Segment:
    begin, end = (max(speed, limits.first_target) for speed in walk.speed)
    if isinstance(walk.extent, Duration):
        metres, expected, lasts = None, float(walk.extent.seconds), float(walk.extent.seconds)
    else:
        metres = walk.extent.metres
        expected = metres * 720 / (begin + end)
        ramp = abs(begin - start) / (limits.ramp_up if begin > start else limits.ramp_down)
        slowest = machine.on_grid(min(begin, end))
        lasts = float(walk.extent.within_s or ceil(ramp + metres * 360 / slowest))
    knots = _follow((0.0, start), begin, end, expected, limits)
    if lasts > expected:
        knots += _follow(knots[-1], end, end, lasts, limits)[1:]
    if halts and metres is None:
        knots = _come_down(knots, limits)
    return Segment(
        step=step,
        place=walk.place,
        kind=Kind.WALK,
        direction=walk.direction,
        duration_s=lasts,
        expected_s=expected,
        distance_m=metres,
        speed=(begin, end),
        knots=tuple((seconds, round_down(speed)) for seconds, speed in knots),
        incline=walk.incline,
        cue=walk.cue,
        cooling_down=cooling_down,
    )


_Point = tuple[float, float]


def _follow(start: _Point, begin: float, end: float, until: float, limits: Limits) -> list[_Point]:
    """From `start` to the line `begin` .. `end`, which begins there too, no steeper than the ramps allow."""
    since, speed = start
    gap, lasts = begin - speed, until - since
    if gap == 0:
        return [start, (until, end)]
    ramp = limits.ramp_up if gap > 0 else -limits.ramp_down
    closing = ramp - (end - begin) / lasts
    met = gap / closing if gap * closing > 0 else inf
    if met >= lasts:
        return [start, (until, speed + ramp * lasts)]
    return [start, (since + met, begin + (end - begin) * met / lasts), (until, end)]


def _come_down(knots: list[_Point], limits: Limits) -> list[_Point]:
    """The same line, but at the first target where it ends, as far as the ramp down allows."""
    until = knots[-1][0]
    for number, ((t0, v0), (t1, v1)) in enumerate(pairwise(knots)):
        below = limits.first_target + limits.ramp_down * (until - t0) - v0
        above = v1 - limits.first_target - limits.ramp_down * (until - t1)
        if above > 0:
            share = max(below, 0.0) / (max(below, 0.0) + above)
            leaves = (t0 + (t1 - t0) * share, v0 + (v1 - v0) * share)
            down = leaves[1] - limits.ramp_down * (until - leaves[0])
            return [*knots[: number + 1], leaves, (until, max(down, float(limits.first_target)))]
    return knots


def _cool_down(leaves: Sequence[Leaf]) -> int:
    """How many steps come before the cool-down: the walks at the end that never speed up and are easy."""
    last = max(step for step, leaf in enumerate(leaves, 1) if isinstance(leaf, Walk))
    first, after = last, Speed(0)
    while first and isinstance(walk := leaves[first - 1], Walk):
        begin, end = walk.speed
        if not begin >= end >= after:
            break
        first, after = first - 1, begin
    return next(
        (index for index in range(first, last) if _is_easy(leaves[index], leaves[:index])), len(leaves)
    )


def _is_easy(leaf: Leaf, before: Sequence[Leaf]) -> bool:
    """Slowing down, or forward after backward work, or clearly slower than that direction was before."""
    walks = [leaf for leaf in before if isinstance(leaf, Walk)]
    return isinstance(leaf, Walk) and (
        leaf.speed[0] > leaf.speed[1]
        or (leaf.direction is Direction.FORWARD and any(w.direction is Direction.BACKWARD for w in walks))
        or any(leaf.speed[0] <= max(w.speed) - EASIER for w in walks if w.direction is leaf.direction)
    )


def _unattended(segments: Sequence[Segment], limits: Limits) -> Iterator[Violation]:
    """Backward parts that may last too long; a distance may take all of its time limit."""
    for backward, walked in groupby(segments, _walks_backward):
        part = tuple(walked)
        lasts = sum(segment.duration_s for segment in part)
        if backward and limits.backward_part_s is not None and lasts > limits.backward_part_s:
            problem = f"{words(lasts)} backward without a halt, where nobody can say OK"
            yield Violation(part[0].step, part[0].place, problem, words(limits.backward_part_s))


def _walks_backward(segment: Segment) -> bool:
    return segment.kind is Kind.WALK and segment.direction is Direction.BACKWARD


def _unreached(segments: Sequence[Segment]) -> Iterator[str]:
    for segment in segments:
        speeds = [speed for _, speed in segment.knots]
        if speeds and (max(speeds) < min(segment.speed) or min(speeds) > max(segment.speed)):
            yield f"{segment.place}: too short to reach {kmh(segment.speed[0]):g} km/h by the planned ramp"
