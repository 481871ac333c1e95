"""Whatever happens in whatever order, what the guard lets through keeps these promises (G1 to G15)."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.core.desk import MACHINE, Desk, authority

from blefit.units import Incline, Speed
from retrowalk.core.authority import Authority, State
from retrowalk.core.exchange import encode
from retrowalk.core.model import (
    Command,
    Direction,
    Machine,
    RequestControl,
    Start,
    Stop,
    Target,
    TargetIncline,
)

SPEEDS = st.one_of(st.sampled_from([0, 10, 11, 30, 31, 80, 100, 120, 200, 321, 700]), st.integers(0, 65535))
COMMANDS = st.one_of(
    st.sampled_from([RequestControl(), Start(), Stop()]),
    st.builds(Target, st.integers(0, 400).map(Speed)),
    st.builds(TargetIncline, st.integers(-5, 40).map(Incline)),
)
AUTHORITIES = st.sampled_from(
    [
        authority(),
        authority(session_id="s2", cap=Speed(150)),
        authority(direction=Direction.BACKWARD, ceiling=Speed(250), cap=Speed(200)),
    ]
)
MACHINES = st.sampled_from(
    [
        Desk(MACHINE, connect=False).machine,
        Desk(silent_at_rest=True, connect=False).machine,
        Desk(needs_target_to_move=True, connect=False).machine,
        Desk(echoes_target=True, deceleration=None, connect=False).machine,
    ]
)
ANSWERS = st.sampled_from([1, 2, 3, 4, 5, None])


class AnyOrder(RuleBasedStateMachine):
    """The guard behind its door, and a record of what was allowed to it by people."""

    desk: Desk

    @initialize(machine=MACHINES)
    def begin(self, machine: Machine) -> None:
        self.desk = Desk(machine)
        self.armings = 0
        self.faulted = False
        self.seen = 0

    # --- what happens -----------------------------------------------------------------------------

    @rule(speed=SPEEDS, times=st.integers(1, 8))
    def records(self, speed: int, times: int) -> None:
        self.desk.runs(speed, times * 0.25)

    @rule(seconds=st.sampled_from([0.25, 1.0, 2.0, 4.0, 12.0, 31.0]))
    def silence(self, seconds: float) -> None:
        self.desk.silence(seconds)

    @rule(op=st.sampled_from([2, 3, 4, 5, 0xFF, 0x77]))
    def status(self, op: int) -> None:
        self.desk.status(op)  # type: ignore[arg-type]  # any octet may come

    @rule(kind=st.sampled_from([RequestControl, Start, Stop, Target, TargetIncline]), result=ANSWERS)
    def answers(self, kind: type[Command], result: int | None) -> None:
        self.desk.results[kind] = result

    @rule(command=COMMANDS, result=st.integers(0, 6))
    def stray_answer(self, command: Command, result: int) -> None:
        self.desk.answer(command, result)

    @rule(error=st.sampled_from(["", "", "the write failed"]), stuck=st.booleans())
    def radio(self, error: str, stuck: bool) -> None:
        self.desk.write_error, self.desk.stuck = error, stuck

    @rule()
    def link_goes(self) -> None:
        self.desk.lose_link()

    @rule()
    def link_comes(self) -> None:
        self.desk.connect()

    # --- what people and the session do -----------------------------------------------------------

    @rule(what=AUTHORITIES)
    def arm(self, what: Authority) -> None:
        if self.desk.arm(what) == "":
            self.armings += 1

    @rule(what=AUTHORITIES)
    def take_over(self, what: Authority) -> None:
        if self.desk.guard.take_over(what, self.desk.now) == "":
            assert self.desk.guard.motion.moving
            assert what.direction is Direction.FORWARD

    @rule(what=AUTHORITIES)
    def a_whole_start(self, what: Authority) -> None:
        desk = self.desk
        desk.results[RequestControl] = desk.results[Start] = 1
        desk.runs(0, 1.0)
        self.arm(what)
        desk.want(RequestControl())
        desk.guard.countdown(desk.now)
        desk.runs(0, 5.0)
        desk.guard.intend_start(desk.now)
        desk.want(Start())
        desk.runs(80, 0.75)

    @rule()
    def a_first_target(self) -> None:
        self.desk.results[Target] = 1
        self.desk.want(Target(self.desk.machine.minimum))
        self.desk.runs(int(self.desk.machine.minimum), 2.5)

    @rule()
    def countdown(self) -> None:
        self.desk.guard.countdown(self.desk.now)

    @rule()
    def intend(self) -> None:
        self.desk.guard.intend_start(self.desk.now)

    @rule(command=COMMANDS)
    def want(self, command: Command) -> None:
        self.desk.want(command)

    @rule(octets=st.binary(max_size=4))
    def review(self, octets: bytes) -> None:
        if self.desk.review(octets) == "":
            assert octets[0] in {0, 2, 3, 7, 8}

    @rule()
    def stop(self) -> None:
        desk = self.desk
        wanted = desk.guard.connected and not desk.guard.resting(desk.now) and not desk.stuck
        spaced = not desk.stopping()
        before = desk.stops
        desk.stop()
        if wanted and spaced:
            assert desk.stops > before or desk.belt._exchange._unwritten_stop is not None
        assert desk.guard.cap(desk.now) is None

    @rule()
    def still(self) -> None:
        self.desk.guard.said_still(self.desk.now)

    @rule()
    def clear(self) -> None:
        if self.desk.guard.clear(self.desk.now) == "":
            self.faulted = False

    @rule(speed=st.integers(80, 300))
    def limit(self, speed: int) -> None:
        self.desk.guard.limit(Speed(speed), self.desk.now)

    @rule(marked=st.booleans())
    def marker(self, marked: bool) -> None:
        self.desk.guard.marked = marked

    @rule()
    def go_on(self) -> None:
        self.desk.guard.resume_from_hand()

    # --- what has to hold -------------------------------------------------------------------------

    @invariant()
    def every_start_used_up_an_arming(self) -> None:
        if hasattr(self, "desk"):
            assert len(self.desk.sent(Start)) <= self.armings

    @invariant()
    def no_target_above_the_ceiling_or_off_the_machine(self) -> None:
        if hasattr(self, "desk"):
            for _, command in self.desk.writes[self.seen :]:
                if isinstance(command, Target):
                    assert self.desk.machine.minimum <= command.speed <= 300
            self.seen = len(self.desk.writes)

    @invariant()
    def an_alarm_is_ended_by_a_person_only(self) -> None:
        if hasattr(self, "desk"):
            assert self.desk.guard.faulted or not self.faulted
            self.faulted = self.desk.guard.faulted

    @invariant()
    def what_may_pass_fits_the_state(self) -> None:
        if not hasattr(self, "desk"):
            return
        desk, guard = self.desk, self.desk.guard
        cap, measured = guard.cap(desk.now), guard.motion.speed
        commands: list[Command] = [RequestControl(), Start(), *(Target(Speed(s)) for s in range(60, 340, 7))]
        for command in commands:
            if desk.review(command):
                continue
            assert guard.connected
            match command:
                case Start():
                    assert desk.state() is State.ARMED
                    assert guard.resting(desk.now)
                    assert guard.marked
                    assert not guard.faulted
                case Target(speed):
                    assert guard.control
                    assert guard.marked
                    assert not guard.faulted
                    assert desk.state() in {State.STARTING, State.RUNNING}
                    assert cap is not None
                    assert speed <= cap
                    assert guard.hand is None or speed <= guard.hand
                    assert speed <= max(desk.machine.minimum, (measured or 0) + 30)
                case _:
                    assert guard.stopping or (desk.state() in {State.ARMED, State.RUNNING} and guard.marked)

    @invariant()
    def without_a_link_nothing_passes(self) -> None:
        if hasattr(self, "desk") and not self.desk.guard.connected:
            for command in (RequestControl(), Start(), Stop(), Target(Speed(80)), TargetIncline(Incline(0))):
                assert self.desk.review(encode(command)) == "G6"

    @invariant()
    def disarmed_means_nothing_is_commanded(self) -> None:
        if hasattr(self, "desk") and self.desk.state() is State.DISARMED:
            assert self.desk.guard.commanded is None
            assert not isinstance(self.desk.guard.demand(self.desk.now, may_ask=True), Target | Start)


AnyOrder.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestAnyOrder = AnyOrder.TestCase
