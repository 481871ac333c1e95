"""The empty-belt test: the mind that takes the session's place while `retrowalk commission` runs.

Nobody is on the belt; a person stands at the machine. The belt moves by the same door, guard and laws as in
a session, forward, never above what an untested machine may do. Every Start has its own act of the person,
and whatever is not as it should be ends the test: Stop, and the alarm where that is not enough. The plan is
the methods from `_plan` on, from top to bottom; each `yield` waits for the next look.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from blefit.units import Speed, kmh
from retrowalk.core import bounds
from retrowalk.core.arming import COUNTDOWN_S
from retrowalk.core.authority import Authority, Refusal, State
from retrowalk.core.commissioning import Measured, ramp, rate, steady
from retrowalk.core.decoding import Decoder, Garbled
from retrowalk.core.energy import Totals
from retrowalk.core.exchange import Outcome, Result
from retrowalk.core.faults import BY_ID, Ledger, Reaction
from retrowalk.core.guard import Guard
from retrowalk.core.limits import Refusals, limits_for
from retrowalk.core.model import (
    LEVEL,
    Act,
    Command,
    Confirm,
    Connected,
    Direction,
    DropLink,
    Effect,
    Emitted,
    Happening,
    Lost,
    Machine,
    Mark,
    Marked,
    Notified,
    Observation,
    Quarantine,
    Record,
    Request,
    RequestControl,
    Said,
    Snapshot,
    Start,
    StopSession,
    Target,
    Unmark,
    Written,
)
from retrowalk.core.motion import MOVING
from retrowalk.core.obeying import AWAY
from retrowalk.core.showing import show
from retrowalk.core.stopping import SILENT_S

TOP = Speed(150)
"""What an uncommissioned machine is held to."""
RAISE = 30
"""Or so much above the minimum, where that is faster: a target has to differ to be told from the others."""
FIRST_LOOK_S, ANSWER_S, FOLLOW_S, STEADY_S, SLOW_S = 10.0, 300.0, 15.0, 8.0, 4.0
HOLD_S = 60.0
"""At the highest speed: longer than any target is known to be kept that is not kept (3 s, 20 s)."""
TEST_ANSWER_S, TEST_S = 30.0, 6.0
AWAY_S, BACK_S = 10.0, 60.0
"""Without a link; and until the alarm, where it does not come back."""
CONTROL_RETRY_S = 2.5

UNSAFE = frozenset(
    {"stop_ignored", "unexpected_motion", "over_ceiling", "over_cap", "wrong_speed", "too_fast"}
)
"""What keeps a machine out until it is commissioned: its belt did what nobody told it to."""

_PLANNED = frozenset({"start_failed", "control_refused", "arming_expired"})
"""The plan sees for itself that a start came to nothing."""
_PEOPLE = frozenset({"hand", "console_stop"})

_Steps = Generator[None, None, None]
_Answer = Generator[None, None, bool]


class Door(Protocol):
    """`belt.Belt`, as this room sees it."""

    guard: Guard

    def connect(self, connection: int, machine: Machine, now: float) -> None: ...
    def disconnect(self) -> None: ...
    def observe(self, observation: Observation, now: float) -> Outcome | None: ...
    def written(self, event: Written, now: float) -> Outcome | None: ...
    def tick(self, now: float) -> Outcome | None: ...
    def want(self, command: Command | None, now: float) -> Refusal | None: ...
    def stop_stuck(self, now: float) -> bool: ...


class _Over(Exception):  # noqa: N818 - the end of the plan, not an error
    """The test cannot go on; the text says why. `unsafe`: the machine is not to be used."""

    def __init__(self, why: str, *, unsafe: bool = False) -> None:
        super().__init__(why)
        self.unsafe = unsafe


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it ended. `why` is empty where all was measured and nothing was wrong."""

    why: str = ""
    unsafe: bool = False

    @property
    def passed(self) -> bool:
        """The machine is commissioned."""
        return not self.why


class Commissioner:
    """`feed` every happening, then `act`, at least four times a second, until `over`."""

    session = None
    """It has none: nobody walks."""

    def __init__(self, belt: Door, test_id: str, *, left_running: bool = False) -> None:
        self.belt = belt
        self.guard = belt.guard
        self.guard.left_running = left_running
        self.machine: Machine | None = None
        """As it is taken during the test."""
        self.measured = Measured()
        self.verdict: Verdict | None = None
        """None: the test is on. The belt may still be on its way to rest after it."""
        self.awaiting: Act | None = None
        """The act at the machine that the test waits for."""
        self._id = test_id
        self._starts = 0
        self._told: Machine | None = None
        """As it was described when it was connected."""
        self._learned: dict[str, bool | Speed] = {}
        self._ledger = Ledger()
        self._decoder = Decoder()
        self._totals = Totals(None)
        self._connection: int | None = None
        self._marked = left_running
        self._effects: list[Effect] = []
        self._steps = self._plan()
        self._wish: Command | None = None
        self._expected: frozenset[str] = frozenset()
        """Findings that are what is being tested."""
        self._failure: _Over | None = None
        self._trace: list[tuple[float, Speed]] = []
        self._answered_at: float | None = None
        self._drop_asked = False
        self._now = 0.0

    # --- in ---------------------------------------------------------------------------------------

    def feed(self, happening: Happening, now: float) -> None:
        """One thing happened. Frames of another connection are dropped."""
        self._now = now
        match happening:
            case Connected(connection, machine):
                self._connected(connection, machine)
            case Request(ask=Confirm(act)):
                self._confirm(act)
            case Request(ask=StopSession()):
                self._stop()
            case Marked(session_id, error) if session_id == self._mark_id:
                self._marker(error)
            case Lost(connection) if connection == self._connection:
                self._connection = None
                self.belt.disconnect()
            case Notified(connection) if connection == self._connection:
                for observation in self._decoder.feed(happening):
                    self._observe(observation)
            case Written(connection) if connection == self._connection:
                self._concluded(self.belt.written(happening, now))
            case _:
                pass
        self._heed()

    def act(self, now: float) -> None:
        """Time passed or something happened: judge, go on, and send what has to be sent."""
        self._now = now
        self._concluded(self.belt.tick(now))
        self._heed()
        self._wish = None
        self._go_on()
        refusal = self.belt.want(self._wish, now)
        if refusal is not None:
            self._fail("refusal", f"{refusal.law}: {refusal.reason}")
            self.belt.want(None, now)
        if self.belt.stop_stuck(now) and not self._drop_asked:
            self._drop_asked = True
            self._fail("stop_unsent")
            self._effects.append(DropLink("a Stop could not be written within 2 s"))
        self._heed()
        self._unmark()

    def effects(self) -> Iterator[Effect]:
        """What the shell has to do, in order; each once."""
        effects, self._effects = self._effects, []
        return iter(effects)

    def _connected(self, connection: int, machine: Machine) -> None:
        if self._told not in {None, machine}:
            self._end(_Over("the treadmill is not as it was when the test began"))
        self._told = machine
        self._connection = connection
        self._decoder = Decoder()
        self._drop_asked = False
        self._take_machine()

    def _take_machine(self) -> None:
        """Introduce it to the guard as a machine that nobody has tested, but for what was learned so far."""
        assert self._told is not None
        assert self._connection is not None
        untested = replace(self._told, commissioned=False, quarantined="")
        self.machine = replace(untested, **self._learned)  # type: ignore[arg-type]  # its own fields
        self.belt.connect(self._connection, self.machine, self._now)

    def _learn(self, **facts: bool | Speed) -> None:
        """What the rest of the test relies on; only at rest, for the guard begins anew with it."""
        self._learned |= facts
        self._found(**facts)
        self._take_machine()

    def _observe(self, observation: Observation | Garbled) -> None:
        if isinstance(observation, Garbled):
            return
        self._concluded(self.belt.observe(observation, self._now))
        if isinstance(observation, Record) and observation.data.instantaneous_speed is not None:
            self._trace.append((self._now, observation.data.instantaneous_speed))

    def _concluded(self, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        unanswered = outcome.result is Result.UNANSWERED
        if isinstance(outcome.command, Start):
            self._answered_at = self._now
        elif isinstance(outcome.command, RequestControl) and unanswered and self.guard.state is State.ARMED:
            self._found(control_unanswered=True)
            self.guard.disarm(self._now)

    def _confirm(self, act: Act | None) -> None:
        if self.awaiting is None or act not in {None, self.awaiting}:
            return
        if self.awaiting is Act.STILL:
            reason = self.guard.said_still(self._now)
            if reason:
                self._say(f"Not yet: {reason}.")
                return
        self.awaiting = None

    def _stop(self) -> None:
        doubted = self.awaiting is Act.STILL and self.guard.motion.at_rest
        why = (
            "nobody said that the belt was still when the treadmill said so" if doubted else "it was stopped"
        )
        self._end(_Over(why, unsafe=doubted))
        self.guard.want_stop(self._now)
        if self._connection is None:
            self._effects.append(DropLink("the link is wanted for a Stop"))

    # --- what the guard noticed -------------------------------------------------------------------

    def _heed(self) -> None:
        for finding in self.guard.findings():
            if finding.id in self._expected | _PLANNED:
                continue
            fault = BY_ID.get(finding.id)
            if finding.id == "ask_still":
                self._ask_if_still("The treadmill has fallen silent.")
            elif finding.id == "target_refused":
                self._end(_Over("it refuses a target within its own range"))
            elif fault is not None and (fault.reaction is Reaction.STOP or fault.id in _PEOPLE):
                self._fail(finding.id, finding.detail)

    def _ask_if_still(self, why: str) -> None:
        if self.awaiting is not Act.STILL:
            self.awaiting = Act.STILL
            self._say(f"{why} Press Enter when the belt is still.")

    def _fail(self, fault_id: str, detail: str = "") -> None:
        fault = BY_ID[fault_id]
        if self._ledger.raise_(fault_id, self._now):
            self._effects.append(Emitted("fault", {"id": fault_id, "detail": detail, "text": fault.sentence}))
            self._say(fault.sentence, alarm=fault.alarm)
        told = f"{fault.cause} ({detail})" if detail else fault.cause
        self._end(_Over(told, unsafe=fault_id in UNSAFE))

    def _end(self, over: _Over) -> None:
        """The first end counts, but what is unsafe is never forgotten."""
        self.guard.disarm(self._now)
        self.awaiting = None
        if self._failure is None or (over.unsafe and not self._failure.unsafe):
            self._failure = over
            self.verdict = Verdict(str(over), over.unsafe)
            if over.unsafe:
                self._effects.append(Quarantine(str(over)))

    # --- the marker and the end -------------------------------------------------------------------

    @property
    def _mark_id(self) -> str:
        return f"{self._id}-{self._starts}"

    def _marker(self, error: str) -> None:
        if error:
            self._end(_Over(error))
        else:
            self._marked = self.guard.marked = True

    def _unmark(self) -> None:
        if self._marked and self._rested():
            self._marked = self.guard.marked = False
            self._effects.append(Unmark())

    @property
    def over(self) -> bool:
        """The test has ended, and nothing is left to stop."""
        return self.verdict is not None and not self._marked and self.at_rest(self._now)

    # --- out --------------------------------------------------------------------------------------

    @property
    def alarm(self) -> str:
        """The sentence that repeats now, or ''."""
        fault = self._ledger.alarm
        return "" if fault is None else fault.sentence

    @property
    def marked(self) -> bool:
        """The moving-marker is, or has to be, on disk."""
        return self._marked

    def at_rest(self, now: float) -> bool:
        """Nothing is left to stop: the belt is known to rest, or was never ours."""
        if self._connection is None:
            return not self.guard.left_running
        return self.guard.resting(now) or (self.guard.state is State.DISARMED and not self.guard.stopping)

    def snapshot(self, now: float, link: str = "") -> Snapshot:
        """The live state, as of a treadmill without a session."""
        connected = self._connection is not None
        return show(
            None, self.guard, self._ledger, self._totals, now,
            connected=connected, manual=False, awaiting=self.awaiting, heart_rate=None, link=link,
        )  # fmt: skip

    def _say(self, text: str, *, alarm: bool = False) -> None:
        self._effects.append(Said(text, alarm))

    # --- the plan ---------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """One step of the plan; after its end whoever can still say that the belt is still is asked."""
        if self.verdict is None:
            try:
                next(self._steps)
            except StopIteration:
                self.verdict = self.verdict or Verdict()
            except _Over as over:
                self._end(over)
        elif self.guard.stopping and not self.guard.motion.fresh(self._now, SILENT_S):
            self._ask_if_still("The treadmill says nothing.")

    def _plan(self) -> _Steps:
        yield from self._see_rest()
        yield from self._run_slowest()
        yield from self._run_fastest()
        yield from self._start_again()
        yield from self._cut_the_link()

    def _see_rest(self) -> _Steps:
        yield from self._wait(lambda: self._connection is not None, float("inf"))
        unfit = limits_for(
            replace(self._taken, commissioned=True, echoes_target=False),
            site=bounds.SiteLimits(),
            level=bounds.HIGHEST_LEVEL,
        )
        if isinstance(unfit, Refusals):
            raise _Over("; ".join(unfit.sentences))
        yield from self._wait(lambda: self.guard.resting(self._now), FIRST_LOOK_S)
        if self._trace and not self.guard.resting(self._now):
            raise _Over("the belt moves: stop it at the console first")
        if not self._trace:
            yield from self._ask(Act.STILL, "It sends nothing. Press Enter if the belt is still.")
            self._learn(silent_at_rest=True)

    def _run_slowest(self) -> _Steps:
        """Its start, its slowest speed, its Stop from there. The guard judges the unit (G9)."""
        while not (yield from self._start("Its slowest speed first.")):
            self._adapt()
        yield from self._settle()
        yield from self._wait(lambda: False, SLOW_S)
        self._found(slowest=self.guard.motion.speed)
        self._say("Now it is stopped. Watch the belt itself, and press Enter when it is still.")
        yield from self._halt(watched=True)
        if not self.guard.motion.at_rest:
            self._learn(silent_at_rest=True)

    def _adapt(self) -> None:
        """A start came to nothing: what some machines need is tried, each by a new act."""
        if self.measured.control_unanswered and not self._taken.control_unanswered:
            self._say("It did not answer the request for control. Some machines grant it silently.")
            self._learn(control_unanswered=True)
        elif self.guard.distrusted and not self._taken.needs_target_to_move:
            self._say("It did not move. Some machines only do when they have a target.")
            self._learn(needs_target_to_move=True)
        else:
            raise _Over("it does not start")

    def _run_fastest(self) -> _Steps:
        """Up in single steps, a minute there, Stop from there."""
        top = self._top
        yield from self._begin(f"Now up to {kmh(top):g} km/h for a minute. Leave the console alone.")
        self._expected = frozenset({"hand"})  # one that nobody lays on it: it does not keep its targets
        met, target = self._now, self._slowest
        while target < top and self.guard.hand is None:
            target = min(top, Speed(target + self._raise))
            yield from self._follow(target)
            met = self._now
        if self.guard.hand is None:
            self._found(unit_kept=top > self._slowest)
            yield from self._wait(lambda: self.guard.hand is not None, HOLD_S)
        if self.guard.hand is not None:
            self._found(reverts_after_s=self._now - met)
        self._expected = frozenset()
        yield from self._halt()

    def _start_again(self) -> _Steps:
        """Does it start at the speed it had; and what is a Start to a belt that runs?"""
        yield from self._begin("Again, to see where it starts.")
        question = "The belt runs. Press Enter, and it is sent one more Start: some machines stop at that."
        if not (yield from self._asked(Act.START, question, TEST_ANSWER_S)):
            return
        reason = self.guard.test_start(self._now)
        if reason:
            raise _Over(reason)
        self._expected = _PEOPLE  # nobody's: the machine's own
        while self.guard.may_start(self._now):
            self._wish = Start()
            yield
        toggles = yield from self._wait(lambda: self._left_alone, TEST_S)
        self._found(start_toggles=toggles)
        if toggles:
            self._say("It stopped: to this machine, Start is a Stop while its belt runs.")
            if self._taken.silent_at_rest:
                self.guard.want_stop(self._now)
            yield from self._wait(self._rested, float("inf"))
        self._expected = frozenset()

    @property
    def _left_alone(self) -> bool:
        return self.guard.state is not State.RUNNING or self.guard.hand is not None

    def _cut_the_link(self) -> _Steps:
        """Does the belt run on? Not asked of a machine whose silence says nothing: there it is assumed."""
        if self._taken.silent_at_rest:
            yield from self._halt()
            return
        if self.guard.state is not State.RUNNING:
            yield from self._begin("Once more, to see what it does without Bluetooth.")
        self._say(f"The link is cut now, for {AWAY_S:g} seconds. The belt may run on: stand by its cord.")
        self._expected = frozenset({"link_lost"})
        self._effects.append(DropLink("commissioning: what does the belt do without it?", AWAY_S))
        yield from self._wait(lambda: self._connection is None, float("inf"))
        if not (yield from self._wait(lambda: self._connection is not None, BACK_S)):
            self._fail("link_lost")
        yield from self._wait(lambda: self.guard.stopping or not self.guard.left_running, float("inf"))
        self._found(keeps_running_without_link=self.guard.stopping)
        yield from self._wait(self._rested, float("inf"))

    # --- what the plan is made of -----------------------------------------------------------------

    def _begin(self, what: str) -> _Steps:
        if not (yield from self._start(what)):
            raise _Over("it did not start again")
        yield from self._settle()

    def _start(self, what: str) -> _Answer:
        """An act, a countdown, one Start. True: the belt moves; False: it does not, and rests."""
        guard = self.guard
        yield from self._wait(lambda: guard.resting(self._now), FIRST_LOOK_S)
        if guard.distrusted or not guard.resting(self._now):
            yield from self._ask(Act.STILL, "Press Enter if the belt is still.")
        yield from self._ask(Act.START, f"{what} Press Enter: the belt starts {COUNTDOWN_S:g} seconds later.")
        self._starts += 1
        reason = guard.arm(self._authority(), self._now)
        if reason:
            raise _Over(reason)
        self._effects.append(Mark(self._mark_id))
        yield from self._count_down()
        self._trace.clear()
        while guard.state is State.STARTING:
            if self._taken.needs_target_to_move and guard.may_target_at_rest(self._now):
                self._wish = Target(self._slowest)
            yield
        return guard.state is State.RUNNING

    def _count_down(self) -> _Steps:
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

    def _settle(self) -> _Steps:
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

    def _follow(self, target: Speed) -> _Steps:
        """Command it, until it is met or somebody, or the machine, sets another speed."""
        guard, end = self.guard, self._now + FOLLOW_S
        while guard.hand is None and not (guard.commanded == target and guard.target_met):
            if self._now >= end:
                speed = guard.motion.speed or Speed(0)
                raise _Over(
                    f"told {kmh(target):g} km/h, it runs {kmh(speed):g}: it does not take its targets"
                )
            calm = not guard.motion.falling(self._now)
            if guard.commanded != target and calm and guard.may_change_speed(self._now):
                self._wish = Target(target)
            yield

    def _halt(self, *, watched: bool = False) -> _Steps:
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

    def _wait(self, until: Callable[[], bool], within_s: float) -> _Answer:
        """Until that holds: True; or for so long: False."""
        end = self._now + within_s
        while not until():
            if self._now >= end:
                return False
            yield
        return True

    def _ask(self, act: Act, question: str) -> _Steps:
        if not (yield from self._asked(act, question, ANSWER_S)):
            raise _Over("nobody answered")

    def _asked(self, act: Act, question: str, within_s: float) -> _Answer:
        self._say(question)
        self.awaiting = act
        answered = yield from self._wait(lambda: self.awaiting is None, within_s)
        self.awaiting = None
        return answered

    # --- small ------------------------------------------------------------------------------------

    @property
    def _taken(self) -> Machine:
        assert self.machine is not None
        return self.machine

    @property
    def _slowest(self) -> Speed:
        return self._taken.minimum

    @property
    def _raise(self) -> int:
        """One change step on the machine's grid."""
        step = max(self._taken.increment, 1)
        return max(bounds.STEP_UP // step, 1) * step

    @property
    def _top(self) -> Speed:
        machine = self._taken
        return machine.on_grid(max(TOP, Speed(machine.minimum + max(RAISE, machine.increment))))

    def _rested(self) -> bool:
        guard = self.guard
        idle = guard.state is State.DISARMED and not guard.stopping and not guard.left_running
        return idle and guard.resting(self._now)

    def _found(self, **findings: object) -> None:
        self.measured = replace(self.measured, **findings)  # type: ignore[arg-type]  # its own fields
