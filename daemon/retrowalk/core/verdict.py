"""The rules that a program must keep on this machine, for this person: every violation, with its limit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from blefit.units import kmh, percent
from retrowalk.core.bounds import COOL_DOWN_S, EASIER, WARM_UP_S
from retrowalk.core.dose import backward_parts, bouts
from retrowalk.core.limits import Limits
from retrowalk.core.model import Direction, Machine
from retrowalk.core.program import BeltOff, Leaf, Program, Rest, Turn, Walk
from retrowalk.core.quantity import Distance, words

WHOLE = "the program"


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that one step, or the program as a whole, breaks."""

    step: int | None
    """The number of the unrolled step that breaks it first; None: the program as a whole."""
    place: str
    problem: str
    limit: str

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}; the limit is {self.limit}"


def violations(
    program: Program, leaves: Sequence[Leaf], limits: Limits, machine: Machine
) -> tuple[Violation, ...]:
    """All violations in the order of the program; what a repeated step breaks is told once."""
    found: dict[tuple[str, str], Violation] = {}
    for violation in _all(program, leaves, limits, machine):
        found.setdefault((violation.place, violation.problem), violation)
    return tuple(found.values())


def warnings(leaves: Sequence[Leaf], limits: Limits) -> Iterator[str]:
    """What may be walked so, but should be known before."""
    facing = Direction.STANDING
    incline = 0
    for leaf in leaves:
        match leaf:
            case Walk():
                facing = leaf.direction
                if min(leaf.speed) < limits.first_target:
                    slow, belt = kmh(min(leaf.speed)), kmh(limits.first_target)
                    yield f"{leaf.place}: {slow:g} km/h is slower than this belt: walked at {belt:g} km/h"
                needed = abs(leaf.incline - incline) / limits.incline_step * limits.incline_interval_s
                if needed > leaf.expected_s:
                    yield f"{leaf.place}: too short for its incline, which takes {words(needed)} to reach"
                incline = leaf.incline
            case Turn() if leaf.direction is facing:
                yield f"{leaf.place}: a turn to the direction already faced"
            case Turn():
                facing = leaf.direction
    if not isinstance(leaves[-1], Walk):
        yield f"{leaves[-1].place}: nothing is walked after it"
    yield from _warm_up_and_cool_down(leaves)


def _all(program: Program, leaves: Sequence[Leaf], limits: Limits, machine: Machine) -> Iterator[Violation]:
    if program.level > limits.level:
        yield Violation(
            None, WHOLE, f"it is made for level {program.level}", f"level {limits.level}, this session's"
        )
    facing = Direction.STANDING
    for step, leaf in enumerate(leaves, 1):
        match leaf:
            case Walk():
                for problem, limit in _walk(leaf, facing, limits, machine):
                    yield Violation(step, leaf.place, problem, limit)
                facing = leaf.direction
            case Turn():
                facing = leaf.direction
            case Rest() | BeltOff() if leaf.duration_s > limits.rest_wait_s:
                problem = f"the belt stands for {words(leaf.duration_s)}"
                yield Violation(step, leaf.place, problem, words(limits.rest_wait_s))
    yield from _doses(leaves, limits)
    moving = sum(_longest_s(leaf) for leaf in leaves if isinstance(leaf, Walk))
    if moving > limits.session_s:
        yield Violation(None, WHOLE, f"the belt moves for {words(moving)}", words(limits.session_s))


def _walk(walk: Walk, facing: Direction, limits: Limits, machine: Machine) -> Iterator[tuple[str, str]]:
    if facing not in {Direction.STANDING, walk.direction}:
        yield f"goes from {facing} to {walk.direction} without a turn", "a turn between the two"
    begin, end = walk.speed
    cap = limits.cap(walk.direction)
    if (fastest := max(begin, end)) > cap:
        yield (
            f"{walk.direction} speed {kmh(fastest):g} km/h is above the cap",
            f"{kmh(cap):g} km/h ({limits.cap_reason(walk.direction)})",
        )
    rises = end > begin
    ramp, change = (limits.ramp_up, end - begin) if rises else (limits.ramp_down, begin - end)
    if change > ramp * walk.expected_s:
        way = "rises" if rises else "falls"
        yield (
            f"the speed {way} by {change / 100:g} km/h in {words(walk.expected_s)}",
            f"{ramp / 100:g} km/h per s, {words(-(-change // ramp))} for so much",
        )
    if isinstance(walk.extent, Distance) and walk.extent.within_s is not None:
        needed = (
            walk.extent.metres * 720 / sum(machine.on_grid(max(s, limits.first_target)) for s in walk.speed)
        )
        if needed > walk.extent.within_s:
            yield (
                f"{walk.extent.metres} m take {words(needed)}",
                f"its own, within {words(walk.extent.within_s)}",
            )
    if walk.incline > limits.incline_cap:
        yield (
            f"incline {percent(walk.incline):g} % is above the cap",
            f"{percent(limits.incline_cap):g} % ({limits.incline_cap_reason})",
        )
    if walk.incline < 0:
        yield f"incline {percent(walk.incline):g} % is downhill", "0 %, never below"
    if walk.incline % limits.incline_step:
        step = percent(limits.incline_step)
        yield f"incline {percent(walk.incline):g} % is no multiple of {step:g} %", f"steps of {step:g} %"


def _longest_s(walk: Walk) -> float:
    """How long it may last: a distance with a limit of its own may take all of it."""
    own = walk.extent.within_s if isinstance(walk.extent, Distance) else None
    return walk.expected_s if own is None else max(walk.expected_s, own)


def _doses(leaves: Sequence[Leaf], limits: Limits) -> Iterator[Violation]:
    total = 0.0
    for part in backward_parts(leaves):
        for bout in bouts(part):
            total += bout.seconds
            if bout.seconds > limits.bout_s:
                step, walk = bout.first
                problem = f"{words(bout.seconds)} of backward work without a break"
                yield Violation(step, walk.place, problem, words(limits.bout_s))
    if total > limits.backward_total_s:
        yield Violation(None, WHOLE, f"{words(total)} of backward work", words(limits.backward_total_s))


def _warm_up_and_cool_down(leaves: Sequence[Leaf]) -> Iterator[str]:
    walks = [leaf for leaf in leaves if isinstance(leaf, Walk)]
    backward = [max(walk.speed) for walk in walks if walk.direction is Direction.BACKWARD]
    if not backward:
        return
    easy = max(backward) - EASIER
    work = [
        number
        for number, walk in enumerate(walks)
        if walk.direction is Direction.BACKWARD and max(walk.speed) > easy
    ]
    if sum(walk.expected_s for walk in walks[: work[0]]) < WARM_UP_S:
        yield f"{WHOLE}: less than {words(WARM_UP_S)} of warm-up before the first backward work"
    if sum(walk.expected_s for walk in walks[work[-1] + 1 :]) < COOL_DOWN_S:
        yield f"{WHOLE}: less than {words(COOL_DOWN_S)} of cool-down after the last backward work"
