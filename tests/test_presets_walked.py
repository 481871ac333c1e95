"""Every program of config/programs, walked from its offer to its end on four kinds of obedient machine."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from tests.core.bench import Bench

from blefit.ftms.control_point import OpCode
from blefit.units import Speed
from retrowalk.core.model import Direction, Phase
from retrowalk.core.program import Walk
from retrowalk.core.stages import Stage
from retrowalk.core.timeline import Kind
from retrowalk.programs import program_files, read_program
from retrowalk.sim.model.quirks import Acceleration, BeltQuirks, Quirks, Ranges
from retrowalk.sim.model.telemetry_quirks import Reports, TelemetryQuirks

LONGEST_S = 4000.0
FOLLOWS_WITHIN_S, ON_A_HILL_S = 6.0, 11.0
"""The plan is walked so late at most: steps down wait for each other and for the incline, and a belt takes
its time."""
NO_FIELDS = TelemetryQuirks(fields=())

MACHINES = {
    "as the specification says": Quirks(telemetry=NO_FIELDS),
    "grid of 0.5 from 1.0": Quirks(
        ranges=Ranges(minimum=Speed(100), maximum=Speed(600), increment=Speed(50)),
        telemetry=TelemetryQuirks(reports=Reports.TARGET_UNTIL_STOPPED, notify_every_s=0.48, fields=()),
    ),
    "grid of 0.32 from 0.96": Quirks(
        ranges=Ranges(minimum=Speed(96), maximum=Speed(643), increment=Speed(32)),
        telemetry=TelemetryQuirks(notify_every_s=0.5, fields=()),
    ),
    "slow to start, silent at rest": Quirks(
        belt=BeltQuirks(start_delay_s=8.0, acceleration=Acceleration(15), deceleration=Acceleration(20)),
        telemetry=TelemetryQuirks(silent_at=Speed(40), notify_every_s=1.0, fields=()),
    ),
}


def climbs(name: str) -> bool:
    return any(isinstance(leaf, Walk) and leaf.incline for leaf in read_program(name).expanded())


def walks() -> Iterator[tuple[str, str]]:
    for program in sorted(program_files()):
        for machine in MACHINES:
            yield machine, program


@dataclass
class Log:
    """What was seen of one walk, second by second."""

    follows_within_s: float
    over_cap: list[str] = field(default_factory=list)
    over_plan: list[str] = field(default_factory=list)
    stood_since: float = 0.0
    starts: list[tuple[Kind, float, float]] = field(default_factory=list)
    """Of each Start: the step it came from, the rest before it, the time since the act."""
    acted: float = 0.0
    _plan: deque[tuple[float, int]] = field(default_factory=deque)
    _stage: Stage | None = None
    _frames: int = 0

    def look(self, bench: Bench) -> None:
        session, now = bench.controller.session, bench.now
        if session is None:
            return
        if bench.real_speed > 10:
            self.stood_since = now
        if session.stage is Stage.COUNTDOWN and self._stage is not Stage.COUNTDOWN:
            self.acted = now
        self._stage = session.stage
        for _, frame in bench.frames[self._frames :]:
            if frame[0] == OpCode.START_OR_RESUME:
                self.starts.append((session.segment.kind, now - self.stood_since, now - self.acted))
        self._frames = len(bench.frames)
        self._compare(bench, session.segment.speed_at(session.in_step_s))

    def _compare(self, bench: Bench, planned: int) -> None:
        now, speed, cap = bench.now, bench.real_speed, bench.controller.guard.cap(bench.now)
        self._plan.append((now, max(planned, bench.quirks.ranges.minimum)))
        while self._plan[0][0] < now - self.follows_within_s:
            self._plan.popleft()
        if cap is not None and speed > cap + 20:
            self.over_cap.append(f"{now:.1f}: {speed / 100:.2f} km/h, the cap is {cap / 100:.2f}")
        if speed > max(plan for _, plan in self._plan) + 1:
            self.over_plan.append(f"{now:.1f}: {speed / 100:.2f} km/h, {self._plan[-1][1] / 100:.2f} planned")


@pytest.mark.parametrize(("machine", "name"), list(walks()))
def test_a_preset_is_walked_to_its_end_within_its_limits(machine: str, name: str) -> None:
    bench = Bench(quirks=MACHINES[machine], program=read_program(name))
    log = Log(ON_A_HILL_S if climbs(name) else FOLLOWS_WITHIN_S)
    bench.each_step.append(log.look)
    (reply,) = bench.offer()
    assert reply.outcome == "accepted", reply.reason
    session = bench.controller.session
    assert session is not None
    limits, minimum = session.limits, bench.quirks.ranges.minimum

    bench.run(LONGEST_S, until=lambda _: session.stage is Stage.ENDED)

    assert [e.type for e in bench.events("completed", "stopped", "missed")] == ["completed"]
    assert bench.faults() == []
    assert bench.real_speed <= 10
    assert log.over_cap == []
    assert log.over_plan == []
    for kind, rest, since_act in log.starts:
        assert since_act >= limits.countdown_s - 0.3
        if kind is Kind.TURN:
            assert rest >= limits.turn_dwell_s
    walked = [e.fields["step"] for e in bench.events("step_started")]
    assert walked == [segment.step for segment in session.timeline.segments]

    speeds = {OpCode.SET_TARGET_SPEED, OpCode.STOP_OR_PAUSE}
    frames = [frame for _, frame in bench.frames if frame[0] in speeds]
    for before, after in pairwise(frames):
        if before[0] == after[0] == OpCode.STOP_OR_PAUSE:
            continue  # repeated until it is seen to fall
        if after[0] == OpCode.STOP_OR_PAUSE:
            assert _target(before) == minimum, "a planned halt begins at the machine's minimum"
        elif before[0] == OpCode.STOP_OR_PAUSE:
            assert _target(after) == minimum, "the first target after rest is the machine's minimum"
        else:
            change = _target(after) - _target(before)
            assert -limits.step_down - 1 <= change <= limits.step_up, frames
    bench.run(15.0)
    assert bench.snapshot.phase is Phase.IDLE
    assert bench.snapshot.direction is Direction.STANDING
    assert not bench.controller.marked


def _target(frame: bytes) -> int:
    assert frame[0] == OpCode.SET_TARGET_SPEED, frame.hex()
    return int.from_bytes(frame[1:3], "little")
