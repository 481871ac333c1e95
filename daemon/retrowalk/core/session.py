"""One walk through one timeline: which step, which speed is wished for, what is asked of the walker.

It wishes and asks; the guard decides. Every motion from rest goes through `ready` (an act at the machine
armed the guard), an announced countdown, one Start and the machine's minimum; every planned halt through the
minimum to Stop.
"""

from collections.abc import Mapping
from itertools import takewhile
from typing import TypeGuard

from blefit.units import Incline, Speed, kmh, percent
from retrowalk.core.authority import State
from retrowalk.core.dose import Effort
from retrowalk.core.guard import Guard
from retrowalk.core.late_starts import AFTER_REST_S
from retrowalk.core.limits import Limits
from retrowalk.core.model import (
    Act,
    Command,
    Direction,
    Emitted,
    Machine,
    Phase,
    RequestControl,
    Said,
    Start,
    Target,
    TargetIncline,
)
from retrowalk.core.pace import Pace
from retrowalk.core.quantity import words
from retrowalk.core.stages import BETWEEN, HALT_PHASE, STOPPING, TIMED, Ended, Halt, Restraint, Stage
from retrowalk.core.timeline import Kind, Segment, Timeline

OFFER_S = 300.0
CONTROL_RETRY_S = 2.5
EASE_PATIENCE_S = 20.0
"""A target that is never met must not keep the belt from being stopped."""
CALLS_S = (10, 5, 3, 2, 1)
REFUSALS, REFUSED_PAUSE_S = 5, 2.0
"""A machine that refuses so many targets in one session is not ours to lead."""


class Session:
    """One session. The controller feeds it time, findings and acts; its notes are events and sentences."""

    def __init__(
        self,
        session_id: str,
        timeline: Timeline,
        limits: Limits,
        machine: Machine,
        now: float,
        *,
        walker: str | None = None,
        window_s: float | None = None,
    ) -> None:
        self.id = session_id
        self.timeline = timeline
        self.limits = limits
        self.machine = machine
        self.walker = walker
        self.stage = Stage.OFFERED
        self.halt: Halt | None = None
        self.facing: Direction
        """How the person stands, or will when the belt moves."""
        self.highest: Speed
        """The program's highest speed in that direction; 0 where it has none."""
        self._turn_to(Direction.FORWARD)
        self.end_reason = ""
        self._stands_backward = False
        """It has ended on somebody who faces backward and has heard that the belt would start."""
        self.started = False
        self.console_started = False
        """By its Start key: the present motion, until an OK."""
        self.ok_given = False
        """To go on after a hand, or after a start at the console; not followed yet."""
        self.live_cap: Speed | None = None
        """As set by set_cap."""
        self.cue = ""
        self.segment: Segment
        """The present step."""
        self.next_segment: Segment | None
        """The step after it."""
        self.next_label: str | None
        self._left_after_s: float
        self._stand_at(0)
        self.in_step_s = 0.0
        self.in_step_m = 0.0
        self.moving_s = 0.0
        self._pace: Pace
        self._effort: Effort
        """What was walked since the last rest."""
        self._may_raise: bool
        self._tilt: tuple[Incline, float] | None
        """The incline that was announced, and from when on it may be gone to."""
        self._window_s = OFFER_S if window_s is None else window_s
        self._since = now
        self._start_at: float
        self._push_at: float
        """In a beltoff step: motion before is nobody's (G13)."""
        self._push_end_said: bool
        """In this halt the walker was told to stop pushing."""
        self._go_on_said: bool
        """And what to press."""
        self._rest_since = float("inf")
        """Infinite while the belt moves."""
        self._control_asked = float("-inf")
        self._called: int | None
        """The last call of the present countdown."""
        self._refusals = 0
        self._eased_by_target: bool
        self._ease_s: float
        """What the way down to the minimum takes by plan."""
        self._refused_at = float("-inf")
        self._last = now
        self._notes: list[Emitted | Said] = []

    # --- what is shown and asked ------------------------------------------------------------------

    def notes(self) -> list[Emitted | Said]:
        """Events and sentences since the last call."""
        notes, self._notes = self._notes, []
        return notes

    @property
    def heading(self) -> Direction:
        """How the person will stand when the belt moves next."""
        segment, following = self.segment, self.next_segment
        if segment.kind in (Kind.WALK, Kind.TURN):
            return segment.direction
        return following.direction if _walks(following) else self.facing

    @property
    def _turns(self) -> bool:
        """Before the belt moves next the person has to turn, and to confirm it."""
        return self.halt is Halt.TURN or self.heading is not self.facing

    def direction(self, guard: Guard) -> Direction:
        """How the walker stands, while the belt is ours to move."""
        moving = self.stage in (Stage.WALKING, Stage.EASING, Stage.HALTING) or guard.stopping
        return self.facing if moving and self.started else Direction.STANDING

    @property
    def walks_backward(self) -> bool:
        """A backward step is being walked."""
        return self.stage is Stage.WALKING and self.facing is Direction.BACKWARD

    @property
    def console_may_start(self) -> bool:
        """The console's Start key may begin the next motion: forward, its facing confirmed (G13)."""
        confirmed = self.stage in (Stage.COUNTDOWN, Stage.STARTING)
        if self.halt in (Halt.TURN, Halt.BELTOFF) and not confirmed:
            return False
        at_rest = self.stage is Stage.OFFERED or self.stage in BETWEEN
        walks_next = _walks(self.segment) or (self.halt is not None and _walks(self.next_segment))
        return at_rest and walks_next and self._forward

    @property
    def _forward(self) -> bool:
        """The person stands so, and goes on so."""
        return self.facing is self.heading is Direction.FORWARD

    @property
    def press_start(self) -> str:
        """How to go on from rest: facing backward, the console's Start key is an alarm (G13)."""
        if self.facing is Direction.BACKWARD:
            return "To go on press your own start button, not the console's."
        return "Press start at the machine to go on."

    def nobody_may_start(self, *, keyed: bool) -> bool:
        """Motion now is nobody's: G13. `keyed`: the console's Start key was reported, so it is no push."""
        if self._stands_backward:
            return True
        pushed = self.halt is Halt.BELTOFF and (self._forward or not keyed)
        return self.stage in BETWEEN and not pushed and not self.console_may_start

    @property
    def highest_cap(self) -> Speed:
        """The cap of the faster direction: what set_cap may lower."""
        own = max(min(self.limits.cap(way), self.timeline.highest(way)) for way in Direction)
        return own if self.live_cap is None else min(own, self.live_cap)

    def phase(self, guard: Guard) -> Phase:
        """As published."""
        match self.stage:
            case Stage.OFFERED:
                return Phase.OFFERED
            case Stage.COUNTDOWN | Stage.STARTING:
                return Phase.COUNTDOWN if self._called is not None else Phase.ARMED
            case Stage.WALKING:
                if guard.hand is not None:
                    return Phase.HELD
                return Phase.COOLING_DOWN if self.segment.cooling_down else Phase.WALKING
            case Stage.ENDED:
                return Phase.STOPPING if guard.stopping else Phase.ENDED
            case _:
                assert self.halt is not None
                return HALT_PHASE[self.halt]

    def awaiting(self, guard: Guard, now: float) -> Act | None:
        """The act at the machine that goes on from here."""
        if self.stage is Stage.OFFERED:
            if guard.resting(now) and not guard.distrusted:
                return Act.START
            return None if guard.manual(now) else Act.STILL
        if self.stage is Stage.WALKING and (guard.hand is not None or self.console_started):
            return Act.OK
        if self.stage is not Stage.WAITING:
            return None
        if not guard.resting(now):
            return Act.STILL
        early = self._rest_left(now) > self.limits.countdown_s
        if self.halt in TIMED and (early or not _walks(self.next_segment)):
            return None
        return Act.FACING if self._turns else Act.START

    def _rest_left(self, now: float) -> float:
        if self.halt not in TIMED:
            return 0.0
        return max(0.0, self.segment.duration_s - max(0.0, now - self._rest_since))

    def step_remaining(self, now: float) -> float | None:
        """Seconds left in the step, as planned; None where a person decides."""
        if self.halt in TIMED:
            return self._rest_left(now)
        if self.stage is Stage.WAITING:
            return None
        segment = self.segment
        if segment.distance_m is not None:
            return segment.expected_s * max(0.0, 1 - self.in_step_m / segment.distance_m)
        return max(0.0, segment.duration_s - self.in_step_s)

    def remaining(self, now: float) -> float:
        """Seconds of planned time left, without what people take."""
        return self._left_after_s + (self.step_remaining(now) or 0.0)

    # --- what happens to it -----------------------------------------------------------------------

    def goes_on_at_rest(self, now: float) -> bool:
        """An act at the machine that needs no motion yet; True: it is dealt with, nothing is to be armed.

        A session that begins with a halt, or facing backward, stands first; a turn before another halt only
        turns.
        """
        segment = self.segment
        if self.stage is Stage.OFFERED:
            if not _walks(segment):
                self._begin_step()
                self.halt = Halt(segment.kind)
            elif self.heading is not self.facing:
                self.halt = Halt.TURN
            else:
                return False
            self._wait(now)
            return True
        if segment.kind is Kind.TURN and not _walks(self.next_segment):
            self._face(segment.direction)
            self._pass_halt(now)
            return True
        return False

    def _face(self, direction: Direction) -> None:
        self._turn_to(direction)
        self._emit("turn", direction=direction.value)

    def _turn_to(self, direction: Direction) -> None:
        self.facing = direction
        self.highest = self.timeline.highest(direction)

    def _pass_halt(self, now: float) -> None:
        following = self.next_segment
        if following is None:
            self._complete(now)
            return
        self._next_step()
        self.halt = Halt(following.kind)
        self._wait(now)

    def _wait(self, now: float) -> None:
        self._rest_since = now
        self._go_on_said = self.halt is Halt.PAUSE
        self._push_end_said = False
        self._go(Stage.WAITING, now)
        if self._turns:
            way = self.heading.value
            self._say(f"The belt is still. Turn to face {way}, hold the rails, then confirm.")
        if self.halt is Halt.BELTOFF:
            self._push_at = now + AFTER_REST_S
            self._say("The belt is still. Do not push it yet.")
        elif self.halt is Halt.PAUSE:
            self._emit("paused")
            self._say(f"Paused. {self.press_start}")

    def ready(self, now: float) -> None:
        """The guard is armed by an act at the machine: the countdown begins."""
        self._start_at = now + max(self.limits.countdown_s, self._rest_left(now))
        if self._turns:
            self._face(self.heading)
            self._start_at = max(self._start_at, self._rest_since + self.limits.turn_dwell_s)
        self._go(Stage.COUNTDOWN, now)
        self._called = None
        self._emit("armed")

    def moving(self, now: float, *, console: bool = False) -> None:
        """Motion is measured after our Start, or the console's."""
        self.console_started = console
        self._rest_since = float("inf")
        self._pace = Pace(self.limits, self.machine, now)
        self._effort = Effort()
        self._may_raise, self._tilt = False, None
        self._go(Stage.WALKING, now)
        first, self.started = not self.started, True
        if first:
            self._emit("started", program=self.timeline.name, by="console" if console else "retrowalk")
        if not _walks(self.segment):
            self._next_step()
        elif first:
            self._begin_step()
        else:
            self._emit("resumed")
        self.halt = None

    def _rested(self, now: float) -> None:
        if self.halt is not Halt.END:
            self._wait(now)
        elif self.end_reason:
            self.end(now, self.end_reason)
        else:
            self._complete(now)

    def _complete(self, now: float) -> None:
        self._say("Done. The belt is still.")
        self.end(now, "completed", Ended.COMPLETED)

    def console_stopped(self, now: float) -> None:
        """Somebody stopped the belt at the console: a pause, until an act at the machine."""
        if self.stage in (Stage.WALKING, Stage.EASING):
            self.halt = self.halt or Halt.PAUSE
            self._go(Stage.HALTING, now)
        else:
            self.lapse(now, "it was stopped at the console")

    def lapse(self, now: float, reason: str) -> None:
        """A start came to nothing: back to the halt that it was to end; a first start ends the session."""
        if self.stage not in (Stage.COUNTDOWN, Stage.STARTING):
            return
        self._say(f"The belt does not start: {reason}.")
        if self.started:
            self._go(Stage.HALTING, now)
        else:
            self._stands_backward = self.facing is Direction.BACKWARD
            self.end(now, reason)

    def not_started(self, guard: Guard, now: float) -> None:
        """The countdown has ended, and what a Start needs is not there in time."""
        if not guard.marked:
            self.lapse(now, "the moving-marker is not written yet")
        elif not guard.control:
            self.lapse(now, "the treadmill did not grant control")
        elif guard.may_be_keyed(now):
            self.lapse(now, "its own Start key was pressed")
        else:
            self.lapse(now, "the belt was not known to rest in time")

    def target_refused(self, now: float) -> None:
        """The machine did not take a target."""
        self._refusals += 1
        self._refused_at = now
        if self._refusals >= REFUSALS and self.stage is Stage.WALKING:
            self.end_reason = "the treadmill refuses its target speeds"
            self.ask_to_halt(Halt.END, now)

    def ask_to_halt(self, halt: Halt, now: float) -> None:
        """Down the planned ramp to the minimum, then Stop."""
        self.halt = halt
        self._eased_by_target = False
        self._ease_s = self._pace.ease_s()
        self._go(Stage.EASING, now)
        if halt in STOPPING and not (self.end_reason or (self.segment.cue and halt is not Halt.END)):
            self._say(STOPPING[halt])

    def go_on(self, guard: Guard) -> None:
        """After a hand, by the word of a person. What rises from its speed is announced anew."""
        guard.resume_from_hand()
        if self.stage in (Stage.WALKING, Stage.EASING):
            self._pace.take_back(guard)

    def skip(self, guard: Guard, now: float) -> str:
        """To the next step, or why not; a turn or a rest begins, it is never passed.

        What rises is announced anew, and no bout grows beyond its limit.
        """
        reason = self._too_long_a_bout(now) if self.facing is Direction.BACKWARD else ""
        if not reason:
            self._pace.take_back(guard)
            self._tilt = None
            self._finish_step(now)
        return reason

    def _too_long_a_bout(self, now: float) -> str:
        """Why a backward step may not be skipped: the bout under way would be too long, and longer so."""
        segment, limit = self.segment, self.limits.bout_s
        ahead = [(s.speed, s.expected_s) for s in takewhile(_walks, self.timeline.segments[self.index + 1 :])]
        seconds = self.step_remaining(now)
        assert seconds is not None, "a step is walked"
        left = (segment.asked_at(self.in_step_s), segment.speed[1]), seconds
        skipped = self._effort.bout_s(ahead)
        if skipped <= max(limit, self._effort.bout_s([left, *ahead])):
            return ""
        return (
            f"that would make {words(skipped)} of backward work without a break, and {words(limit)} is the"
            " limit: walk on, or pause first"
        )

    def end(self, now: float, reason: str, how: Ended = Ended.STOPPED) -> None:
        """Over, for this reason; once."""
        if self.stage is Stage.ENDED:
            return
        self.end_reason = reason
        self._go(Stage.ENDED, now)
        self._emit(how.value, reason=reason)

    def _give_up(self, now: float, reason: str, how: Ended = Ended.STOPPED) -> None:
        self._say(f"The session is over: {reason}.")
        self.end(now, reason, how)

    # --- time -------------------------------------------------------------------------------------

    def advance(self, guard: Guard, restraint: Restraint, now: float) -> None:
        """Time passed."""
        passed, self._last = now - self._last, now
        measured = guard.motion.speed
        if self.stage in (Stage.WALKING, Stage.EASING, Stage.HALTING) and measured is not None:
            self.moving_s += passed
            self.in_step_m += measured / 360 * passed
        match self.stage:
            case Stage.OFFERED:
                if now - self._since > self._window_s and not guard.may_be_keyed(now):
                    self._give_up(now, "nobody started it in time", Ended.MISSED)
            case Stage.COUNTDOWN | Stage.STARTING if guard.state is State.DISARMED:
                self.lapse(now, "the belt was moved or stopped by hand")
            case Stage.COUNTDOWN:
                self._count(guard, now)
            case Stage.WALKING:
                self._walk(guard, restraint, passed, now)
            case Stage.EASING:
                self._pace.ease(guard, passed, now)
            case Stage.HALTING if not guard.stopping:
                if guard.resting(now):
                    self._rested(now)
                elif now - self._since > self.limits.rest_wait_s:
                    self._give_up(now, "the belt is not known to rest")
            case Stage.WAITING:
                self._attend(guard, now)
            case _:
                pass

    def _attend(self, guard: Guard, now: float) -> None:
        """Somebody has to act; a rest before another halt ends by itself, once the belt rests."""
        left, resting = self._rest_left(now), guard.resting(now)
        if self.halt is Halt.BELTOFF and now >= self._push_at:
            self._push_at = float("inf")
            self._say("Push the belt yourself now.")
        if not self._go_on_said and self.awaiting(guard, now) is Act.START:
            self._go_on_said = True
            self._say(self.press_start)
        if left > 0:
            self._since = now
        elif self.halt in TIMED and not _walks(self.next_segment) and resting:
            self._pass_halt(now)
        elif self.halt is Halt.BELTOFF and not (resting or self._push_end_said):
            self._push_end_said = True
            self._say("Stop pushing: the belt has to come to rest.")
        elif now - self._since > self.limits.rest_wait_s:
            self._give_up(now, "nobody confirmed in time")

    def _count(self, guard: Guard, now: float) -> None:
        guard.countdown(now)
        left = self._start_at - now
        call = min((call for call in CALLS_S if left <= call), default=None)
        if call is not None and (self._called is None or call < self._called):
            self._called = call
            self._emit("countdown", seconds=call)
            speed = kmh(self.limits.first_target)
            self._say(f"Belt starts in {call} at {speed:g} km/h." if call >= 5 else f"{call}")
        if left <= 0:
            guard.intend_start(now)
            self._go(Stage.STARTING, now)

    def _walk(self, guard: Guard, restraint: Restraint, passed: float, now: float) -> None:
        self.in_step_s += passed
        segment = self.segment
        work = segment.asked_at(self.in_step_s)
        self._effort.walk((work, work), passed, reached=segment.speed_at(self.in_step_s))
        over = self.in_step_s >= segment.duration_s
        if segment.distance_m is not None:
            over = over or self.in_step_m >= segment.distance_m
        if over:
            self._finish_step(now)
            if self.stage is not Stage.WALKING:
                return
            segment = self.segment
        if self.moving_s > self.limits.session_s and not segment.cooling_down:
            self.end_reason = "the longest moving time of a session is reached"
            self.ask_to_halt(Halt.END, now)
            return
        slow = restraint.slow or self.console_started
        asked = self.machine.minimum if slow else segment.speed_at(self.in_step_s)
        self._may_raise = restraint.may_raise and not slow and guard.hand is None
        if not self._may_raise:
            self._tilt = None  # the next raise is announced anew
        sentence = self._pace.follow(asked, self._peak(), guard, passed, now, may_raise=self._may_raise)
        if sentence:
            self._say(sentence)

    def _peak(self) -> Speed:
        """The highest speed planned for the rest of the step, or for the next one once that is near."""
        segment, following, since = self.segment, self.next_segment, self.in_step_s
        if since + Pace.WARNING_S >= segment.duration_s and _walks(following):
            return max(speed for _, speed in following.knots)
        return max([segment.speed_at(since), *(speed for at, speed in segment.knots if at > since)])

    def _finish_step(self, now: float) -> None:
        following = self.next_segment
        if following is None:
            self.ask_to_halt(Halt.END, now)
            return
        self._next_step()
        if not _walks(following):
            self.ask_to_halt(Halt(following.kind), now)

    def _next_step(self) -> None:
        self._stand_at(self.index + 1)
        self.in_step_s = self.in_step_m = 0.0
        self._begin_step()

    def _stand_at(self, index: int) -> None:
        self.index = index
        self.segment, *after = self.timeline.segments[index:]
        self.next_segment = after[0] if after else None
        self.next_label = after[0].label if after else None
        self._left_after_s = sum(segment.expected_s for segment in after)

    def _begin_step(self) -> None:
        segment = self.segment
        self._emit("step_started", step=segment.step, label=segment.label)
        if segment.cue:
            self.cue = segment.cue
            self._emit("cue", text=segment.cue)
            self._say(segment.cue)

    # --- the wish ---------------------------------------------------------------------------------

    def wish(self, guard: Guard, now: float) -> Command | None:
        """The command wished for at this moment."""
        if not guard.marked or now - self._refused_at < REFUSED_PAUSE_S:
            return None
        if self.stage in (Stage.COUNTDOWN, Stage.STARTING, Stage.WALKING) and not guard.control:
            if now - self._control_asked < CONTROL_RETRY_S:
                return None
            self._control_asked = now
            return RequestControl()
        match self.stage:
            case Stage.STARTING if guard.state is State.ARMED:
                return Start() if guard.may_start(now) else None
            case Stage.STARTING if self.machine.needs_target_to_move and guard.may_target_at_rest(now):
                return Target(self.machine.minimum)
            case Stage.WALKING:
                return self._pace.target(guard, now) or self._incline(guard, now)
            case Stage.EASING:
                target = self._pace.target(guard, now)
                self._eased_by_target = self._eased_by_target or target is not None
                return target
            case _:
                return None

    def _incline(self, guard: Guard, now: float) -> TargetIncline | None:
        goal = self.segment.incline
        step = guard.incline_step(goal, now) if self.machine.inclinable else None
        if step is None:
            return None
        if step < guard.incline:
            self._tilt = None
            return TargetIncline(step)
        if not self._may_raise:
            return None
        if self._tilt is None or goal > self._tilt[0]:
            self._tilt = goal, now + Pace.WARNING_S
            self._say(f"The incline rises to {percent(goal):g} % in {Pace.WARNING_S:.0f} seconds.")
        return TargetIncline(step) if now >= self._tilt[1] else None

    def eased(self, guard: Guard, now: float) -> bool:
        """EASING is over: the minimum is met, or cannot be."""
        if self.stage is not Stage.EASING:
            return False
        commanded = guard.commanded
        low = commanded is not None and commanded <= self.machine.minimum
        return (
            (low and (guard.target_met or (guard.hand is not None and not self._eased_by_target)))
            or not guard.control
            or now - self._since > EASE_PATIENCE_S + self._ease_s
        )

    def halting(self, now: float) -> None:
        """Stop is asked for: wait for rest."""
        self._go(Stage.HALTING, now)

    # --- small ------------------------------------------------------------------------------------

    def _go(self, stage: Stage, now: float) -> None:
        self.stage = stage
        self._since = now

    def _emit(self, kind: str, **fields: object) -> None:
        payload: Mapping[str, object] = {"session_id": self.id, **fields}
        self._notes.append(Emitted(kind, payload))

    def _say(self, text: str) -> None:
        self._notes.append(Said(text))


def _walks(segment: Segment | None) -> TypeGuard[Segment]:
    return segment is not None and segment.kind is Kind.WALK
