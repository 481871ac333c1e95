"""The empty-belt test: the mind that takes the session's place while `retrowalk commission` runs.

Nobody is on the belt; a person stands at the machine. The belt moves by the same door, guard and laws as in
a session, forward, never above what an untested machine may do, and every Start has its own act of the
person. The plan stands here from top to bottom; each `yield` waits for the next look.
"""

from dataclasses import replace

from blefit.units import Speed, kmh
from retrowalk.core import bounds
from retrowalk.core.arming import COUNTDOWN_S
from retrowalk.core.attending import PEOPLE, Answer, Attendant, Over, Steps
from retrowalk.core.authority import Authority, State
from retrowalk.core.commissioning import ramp, rate, steady
from retrowalk.core.limits import Refusals, limits_for
from retrowalk.core.model import (
    LEVEL,
    Act,
    Direction,
    DropLink,
    Mark,
    RequestControl,
    Start,
    Target,
)
from retrowalk.core.motion import MOVING, REST
from retrowalk.core.obeying import AWAY
from retrowalk.core.stopping import SILENT_S

TOP = Speed(150)
"""What an uncommissioned machine is held to."""
RAISE = 30
"""Or so much above the minimum, where that is faster: a target has to differ to be told from the others."""
FIRST_LOOK_S, FOLLOW_S, STEADY_S, SLOW_S = 10.0, 15.0, 8.0, 4.0
HOLD_S = 60.0
"""At the highest speed: longer than any target is known to be kept that is not kept (3 s, 20 s)."""
TEST_ANSWER_S, TEST_S = 30.0, 6.0
AWAY_S, BACK_S = 10.0, 60.0
"""Without a link; and until the alarm, where it does not come back."""
CONTROL_RETRY_S = 2.5


class Commissioner(Attendant):
    """`feed` every happening, then `act`, at least four times a second, until `over`."""

    # --- the plan ---------------------------------------------------------------------------------

    def _plan(self) -> Steps:
        yield from self._see_rest()
        yield from self._run_slowest()
        yield from self._run_fastest()
        yield from self._start_again()
        yield from self._cut_the_link()

    def _see_rest(self) -> Steps:
        yield from self._wait(lambda: self._connection is not None, float("inf"))
        unfit = limits_for(
            replace(self._taken, commissioned=True, echoes_target=False),
            site=bounds.SiteLimits(),
            level=bounds.HIGHEST_LEVEL,
        )
        if isinstance(unfit, Refusals):
            raise Over("; ".join(unfit.sentences))
        yield from self._wait(lambda: self.guard.resting(self._now), FIRST_LOOK_S)
        if self.guard.resting(self._now):
            return
        if (self.guard.motion.speed or REST) > REST:
            raise Over("the belt moves: stop it at the console first")
        yield from self._ask(Act.STILL, "It is silent. Press Enter if the belt is still.")
        self._learn(silent_at_rest=True)

    def _run_slowest(self) -> Steps:
        """Its start, its slowest speed, its Stop from there. The guard judges the unit (G9)."""
        while not (yield from self._start("Its slowest speed first.")):
            yield from self._adapt()
        yield from self._settle()
        yield from self._wait(lambda: False, SLOW_S)
        self._found(slowest=self.guard.motion.speed)
        self._say("Now it is stopped. Watch the belt itself, and press Enter when it is still.")
        yield from self._halt(watched=True)
        if not self.guard.motion.at_rest:
            self._learn(silent_at_rest=True)

    def _adapt(self) -> Steps:
        """A start came to nothing: what some machines need is tried, each by a new act.

        A machine that counts as started all the same takes no other Start: the guard has stopped it, at rest
        or not.
        """
        if self.measured.control_unanswered and not self._taken.control_unanswered:
            self._say("It did not answer the request for control. Some machines grant it silently.")
            self._learn(control_unanswered=True)
        elif self.guard.distrusted and not self._taken.needs_target_to_move:
            self._say("It did not move. Some machines only do when they have a target.")
            yield from self._wait(self._rested, float("inf"))
            self._learn(needs_target_to_move=True)
        else:
            raise Over("it does not start")

    def _run_fastest(self) -> Steps:
        """Up in single steps, a minute there, Stop from there."""
        top = self._top
        yield from self._begin(f"Now up to {kmh(top):g} km/h for a minute. Leave the console alone.")
        self._expected = frozenset({"hand"})  # one that nobody lays on it: it does not keep its targets
        met, target = self._now, self._slowest
        while target < top and self.guard.hand is None:
            target = min(top, Speed(target + self._raise))
            yield from self._follow(target)
            met = self._now
        self._found(unit_kept=self.guard.hand is None and top > self._slowest)
        if (yield from self._wait(lambda: self.guard.hand is not None, HOLD_S)):
            self._found(reverts_after_s=self._now - met)
        self._expected = frozenset()
        yield from self._halt()

    def _start_again(self) -> Steps:
        """Does it start at the speed it had; and what is a Start to a belt that runs?

        That and the next are not asked of a machine whose silence at rest would be the answer.
        """
        yield from self._begin("Again, to see where it starts.")
        if self._taken.silent_at_rest:
            yield from self._halt()
            return
        question = "The belt runs. Press Enter, and it is sent one more Start: some machines stop at that."
        if not (yield from self._asked(Act.START, question, TEST_ANSWER_S)):
            return
        refused = self.guard.test_start(self._now)
        assert not refused, refused
        if not self.guard.may_start(self._now):
            return  # a record is late: it was not asked
        self._expected = PEOPLE  # nobody's: the machine's own
        while self.guard.may_start(self._now):
            self._wish = Start()
            yield
        toggles = yield from self._wait(lambda: self._left, TEST_S)
        if toggles and not (yield from self._wait(self._rested, TEST_S)):
            self._fail("hand")
        self._found(start_toggles=toggles)
        if toggles:
            self._say("It stopped: to this machine, Start is a Stop while its belt runs.")
        self._expected = frozenset()

    @property
    def _left(self) -> bool:
        """The belt has left the speed it was told."""
        return self.guard.state is not State.RUNNING or self.guard.hand is not None

    def _cut_the_link(self) -> Steps:
        """Does the belt run on? Where that is not measured it is assumed."""
        if self._taken.silent_at_rest:
            return
        if self.guard.state is not State.RUNNING:
            yield from self._begin("Once more, to see what it does without Bluetooth.")
        yield from self._wait(lambda: False, SLOW_S)
        self._say(f"The link is cut now, for {AWAY_S:g} seconds. The belt may run on: stand by its cord.")
        self._expected = frozenset({"link_lost"})
        self._effects.append(DropLink("commissioning: what does the belt do without it?", AWAY_S))
        if not (yield from self._wait(lambda: not self._expected, BACK_S)):
            self._fail("link_lost")
        yield from self._wait(lambda: self.guard.stopping or not self.guard.left_running, float("inf"))
        self._found(keeps_running_without_link=self.guard.stopping)
        yield from self._wait(self._rested, float("inf"))

    # --- what the plan is made of -----------------------------------------------------------------

    def _begin(self, what: str) -> Steps:
        if not (yield from self._start(what)):
            raise Over("it did not start again")
        yield from self._settle()

    def _start(self, what: str) -> Answer:
        """An act, a countdown, one Start. True: the belt moves; False: it does not, and rests."""
        guard = self.guard
        yield from self._wait(lambda: guard.resting(self._now), FIRST_LOOK_S)
        yield from self._know_rest()
        yield from self._ask(Act.START, f"{what} Press Enter: the belt starts {COUNTDOWN_S:g} seconds later.")
        if not guard.motion.fresh(self._now, SILENT_S):  # it fell silent meanwhile
            yield from self._know_rest()
        self._starts += 1
        reason = guard.arm(self._authority(), self._now)
        if reason:
            raise Over(reason)
        self._effects.append(Mark(self._mark_id))
        yield from self._count_down()
        self._trace.clear()
        while guard.state is State.STARTING:
            if self._taken.needs_target_to_move and guard.may_target_at_rest(self._now):
                self._wish = Target(self._slowest)
            yield
        return guard.state is State.RUNNING

    def _know_rest(self) -> Steps:
        guard = self.guard
        if guard.distrusted or not guard.resting(self._now):
            if not guard.motion.fresh(self._now, SILENT_S):
                self._learn(silent_at_rest=True)
            yield from self._ask(Act.STILL, "Press Enter if the belt is still.")

    def _count_down(self) -> Steps:
        guard, begun, asked = self.guard, self._now, float("-inf")
        self._answered_at = None
        while guard.state is State.ARMED:
            guard.countdown(self._now)
            if self._now - begun >= COUNTDOWN_S:
                guard.intend_start(self._now)
            if guard.may_start(self._now):
                self._wish = Start()
            elif guard.marked and not guard.control and self._now - asked >= CONTROL_RETRY_S:
                self._wish, asked = RequestControl(), self._now
            yield

    def _authority(self) -> Authority:
        return Authority(
            session_id=self._mark_id,
            direction=Direction.FORWARD,
            ceiling=bounds.UNCOMMISSIONED_FORWARD,
            cap=self._top,
            step_up=max(bounds.STEP_UP, self._taken.increment),
            step_down=bounds.STEP_DOWN,
            incline_cap=LEVEL,
            wait_s=COUNTDOWN_S,
            empty_belt=True,
        )

    def _settle(self) -> Steps:
        """The belt has just begun to move: where does it get to by itself? Then its first target."""
        moved = next(at for at, speed in self._trace if speed > MOVING)
        delay = moved - (moved if self._answered_at is None else self._answered_at)
        self._found(start_delay_s=max(delay, self.measured.start_delay_s or 0.0))
        yield from self._wait(lambda: steady(self._trace, self._now) is not None, STEADY_S)
        reached = max(speed for _, speed in self._trace)
        self._found(
            starts_at=max(reached, self.measured.starts_at or Speed(0)),
            starts_above_minimum=bool(self.measured.starts_above_minimum) or reached > self._slowest + AWAY,
            acceleration=self.measured.acceleration or rate(self._trace, reached),
        )
        self._look_for_echo(reached)
        yield from self._follow(self._slowest)

    def _look_for_echo(self, high: Speed) -> None:
        at_once = not ramp(self._trace, high)
        self._found(echoes_target=bool(self.measured.echoes_target) or at_once)

    def _follow(self, target: Speed) -> Steps:
        """Command it, until it is met or somebody, or the machine, sets another speed."""
        guard, end = self.guard, self._now + FOLLOW_S
        while guard.hand is None and not (guard.commanded == target and guard.target_met):
            if self._now >= end:
                speed = guard.motion.speed or Speed(0)
                raise Over(
                    f"told {kmh(target):g} km/h, it runs {kmh(speed):g}: it does not take its targets, or"
                    " minimum_kmh in its file is wrong"
                )
            calm = not guard.motion.fell
            if guard.commanded != target and calm and guard.may_change_speed(self._now):
                self._wish = Target(target)
            yield

    def _halt(self, *, watched: bool = False) -> Steps:
        """Stop, until rest is known; `watched`: by a person, too."""
        high = self.guard.motion.speed or Speed(0)
        self._trace.clear()
        self.guard.want_stop(self._now)
        if watched:
            yield from self._ask(Act.STILL, "Is it still?")
        yield from self._wait(self._rested, float("inf"))
        rates = (self.measured.deceleration, rate(self._trace, high))
        self._found(deceleration=min((known for known in rates if known is not None), default=None))
        self._look_for_echo(high)

    @property
    def _slowest(self) -> Speed:
        return self._taken.minimum

    @property
    def _raise(self) -> int:
        """One change step on the machine's grid."""
        return max(bounds.STEP_UP // self._taken.grid, 1) * self._taken.grid

    @property
    def _top(self) -> Speed:
        machine = self._taken
        return machine.on_grid(max(TOP, Speed(machine.minimum + max(RAISE, machine.increment))))
