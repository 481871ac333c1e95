"""One walk through one timeline: which step, which speed is wished for, what is asked of the walker.

It wishes and asks; the guard decides. Every motion from rest goes through `ready` (an act at the machine
armed the guard), an announced countdown, one Start and the machine's minimum; every planned halt through the
minimum to Stop.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from blefit.units import Incline, kmh
from retrowalk.core.authority import State
from retrowalk.core.guard import Guard
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
from retrowalk.core.timeline import Segment, Timeline

OFFER_S = 300.0
START_PATIENCE_S = 5.0
"""After the countdown: for control and the marker, before the start is given up."""
CONTROL_RETRY_S = 2.5
EASE_PATIENCE_S = 20.0
"""A target that is never met must not keep the belt from being stopped."""
CALLS_S = (10, 5, 3, 2, 1)


class Stage(Enum):
    """Where the session is between two halts."""

    OFFERED = "offered"
    COUNTDOWN = "countdown"
    STARTING = "starting"
    WALKING = "walking"
    EASING = "easing"
    HALTING = "halting"
    WAITING = "waiting"
    ENDED = "ended"


class Halt(Enum):
    """What a halt is for."""

    TURN = "turn"
    REST = "rest"
    BELTOFF = "beltoff"
    PAUSE = "pause"
    END = "end"


_HALT_PHASE = {
    Halt.TURN: Phase.TURNING,
    Halt.REST: Phase.RESTING,
    Halt.BELTOFF: Phase.RESTING,
    Halt.PAUSE: Phase.PAUSED,
    Halt.END: Phase.STOPPING,
}

_STOPPING = {
    Halt.TURN: "The belt is stopping. Step to the side rails. Turn only when it is still.",
    Halt.REST: "The belt is stopping for a rest. Hold the rails.",
    Halt.BELTOFF: "The belt is stopping. Hold the rails.",
}


@dataclass(frozen=True, slots=True)
class Restraint:
    """What keeps the wish low at this moment (wellbeing, faults)."""

    may_raise: bool = True
    slow: bool = False
    """Down to the machine's minimum."""


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
        self.facing = Direction.FORWARD
        self.end_reason = ""
        self.completed = False
        self.started = False
        self.console_started = False
        self.cue = ""
        self.index = 0
        self.in_step_s = 0.0
        self.in_step_m = 0.0
        self.moving_s = 0.0
        self._pace = Pace(limits, machine)
        self._window_s = OFFER_S if window_s is None else window_s
        self._since = now
        self._start_at = 0.0
        self._rest_since: float | None = None
        self._control_asked: float | None = None
        self._called: int | None = None
        self._last = now
        self._notes: list[Emitted | Said] = []
        if timeline.segments[0].kind == "walk":
            self.facing = timeline.segments[0].direction

    # --- what is shown and asked ------------------------------------------------------------------

    def notes(self) -> list[Emitted | Said]:
        """Events and sentences since the last call."""
        notes, self._notes = self._notes, []
        return notes

    @property
    def segment(self) -> Segment:
        """The present step."""
        return self.timeline.segments[min(self.index, len(self.timeline.segments) - 1)]

    @property
    def next_segment(self) -> Segment | None:
        """The step after it."""
        after = self.index + 1
        return self.timeline.segments[after] if after < len(self.timeline.segments) else None

    @property
    def direction(self) -> Direction:
        """How the walker stands, while the belt is ours to move."""
        moving = self.stage in (Stage.WALKING, Stage.EASING) or (self.stage is Stage.HALTING)
        return self.facing if moving else Direction.STANDING

    @property
    def backward(self) -> bool:
        """A backward part is on, walking or waiting."""
        return self.facing is Direction.BACKWARD

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
                return Phase.ENDED
            case _:
                assert self.halt is not None
                return _HALT_PHASE[self.halt]

    def awaiting(self, guard: Guard, now: float) -> Act | None:
        """The act at the machine that goes on from here."""
        if self.stage is Stage.OFFERED:
            return self._first_start(guard, now)
        if self.stage is Stage.WALKING and (guard.hand is not None or self.console_started):
            return Act.OK
        if self.stage is not Stage.WAITING:
            return None
        if not guard.resting(now):
            return Act.STILL
        if self.halt is Halt.TURN:
            return Act.FACING
        return Act.START if self._rest_left(now) <= self.limits.countdown_s else None

    def _first_start(self, guard: Guard, now: float) -> Act:
        return Act.START if guard.resting(now) and not guard.distrusted else Act.STILL

    def _rest_left(self, now: float) -> float:
        if self.halt not in (Halt.REST, Halt.BELTOFF) or self._rest_since is None:
            return 0.0
        return max(0.0, self.segment.duration_s - (now - self._rest_since))

    def step_remaining(self, now: float) -> float | None:
        """Seconds left in the step, as planned; None where a person decides."""
        if self.stage is Stage.WAITING or self.halt in (Halt.REST, Halt.BELTOFF):
            return self._rest_left(now) if self.halt in (Halt.REST, Halt.BELTOFF) else None
        return max(0.0, self.segment.duration_s - self.in_step_s)

    def remaining(self, now: float) -> float:
        """Seconds of planned time left, without what people take."""
        rest = sum(s.duration_s for s in self.timeline.segments[self.index + 1 :])
        return rest + (self.step_remaining(now) or 0.0)

    # --- what happens to it -----------------------------------------------------------------------

    def goes_on_at_rest(self, now: float) -> bool:
        """An act at the machine that needs no motion yet; True: it is dealt with, nothing is to be armed.

        A session that begins facing backward asks for the facing first; a turn before another halt only
        turns.
        """
        segment, following = self.segment, self.next_segment
        if self.stage is Stage.OFFERED and segment.kind != "beltoff" and self._faces_back_first():
            self.halt = Halt.TURN
            self._wait(now)
            return True
        if self.halt is Halt.TURN and segment.kind == "turn" and not _walks(following):
            self.facing = segment.direction
            self._pass_halt(now)
            return True
        return False

    def _faces_back_first(self) -> bool:
        segment = self.segment
        return segment.kind == "turn" or segment.direction is Direction.BACKWARD

    def _pass_halt(self, now: float) -> None:
        following = self.next_segment
        if following is None:
            self.end(now, "completed", completed=True)
            return
        self._next_step()
        self.halt = Halt(following.kind)
        self._wait(now)

    def _wait(self, now: float) -> None:
        self._rest_since = now
        self._go(Stage.WAITING, now)
        if self.halt is Halt.TURN:
            way = self.segment.direction.value
            self._say(f"The belt is still. Turn to face {way}, hold the rails, then confirm.")
        elif self.halt is Halt.PAUSE:
            self._emit("paused")
            self._say("Paused. Press start at the machine to go on.")

    def ready(self, now: float) -> None:
        """The guard is armed by an act at the machine: the countdown begins."""
        if self.stage is Stage.WAITING and self.halt is Halt.TURN:
            self.facing = self.segment.direction
            self._emit("turn", direction=self.facing.value)
        self._start_at = now + self.limits.countdown_s
        if self._rest_since is not None:
            dwell = self.limits.turn_dwell_s if self.halt is Halt.TURN else 0.0
            self._start_at = max(self._start_at, self._rest_since + dwell, now + self._rest_left(now))
        self._go(Stage.COUNTDOWN, now)
        self._called = None
        self._control_asked = None
        self._emit("armed")

    def moving(self, now: float, *, console: bool = False) -> None:
        """Motion is measured after our Start, or the console's."""
        self.console_started = console
        self._pace.begin(now)
        self._go(Stage.WALKING, now)
        first, self.started = not self.started, True
        if first:
            self._emit("started", program=self.timeline.name, by="console" if console else "retrowalk")
        if self.segment.kind != "walk":
            self._next_step()
        elif first:
            self._begin_step()
        else:
            self._emit("resumed")
        self.halt = None
        self._rest_since = None

    def rested(self, now: float) -> None:
        """The belt is known to rest after a planned halt."""
        if self.stage is not Stage.HALTING:
            return
        if self.halt is Halt.END:
            self.end(now, self.end_reason or "completed", completed=not self.end_reason)
        else:
            self._wait(now)

    def console_stopped(self, now: float) -> None:
        """Somebody stopped the belt at the console: a pause, until an act at the machine."""
        if self.stage in (Stage.WALKING, Stage.EASING, Stage.STARTING, Stage.COUNTDOWN):
            ending = self.stage is Stage.EASING and self.halt is Halt.END
            if not self.started:
                self.end(now, "stopped at the console")
                return
            if self.stage in (Stage.WALKING, Stage.EASING):
                self.halt = Halt.END if ending else (self.halt or Halt.PAUSE)
                self._go(Stage.HALTING, now)
            else:
                self._go(Stage.WAITING, now)

    def ask_to_halt(self, halt: Halt, now: float) -> None:
        """Down the planned ramp to the minimum, then Stop."""
        self.halt = halt
        self._go(Stage.EASING, now)
        if halt in _STOPPING and not self.segment.cue:
            self._say(_STOPPING[halt])

    def skip(self, now: float) -> None:
        """To the next step; a turn or a rest begins, it is never passed."""
        self._finish_step(now)

    def end(self, now: float, reason: str, *, completed: bool = False) -> None:
        """Over, for this reason; only a completed session walked all its steps and rests."""
        if self.stage is Stage.ENDED:
            return
        self.completed = completed
        self.end_reason = reason
        kind = "completed" if completed else ("missed" if not self.started else "stopped")
        self._go(Stage.ENDED, now)
        self._emit(kind, reason=reason)

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
                if now - self._since > self._window_s:
                    self.end(now, "nobody started it in time")
            case Stage.COUNTDOWN:
                self._count(guard, now)
            case Stage.STARTING:
                if guard.state is State.ARMED and now - self._since > START_PATIENCE_S:
                    self.end(now, "the start was not possible in time")
            case Stage.WALKING:
                self._walk(guard, restraint, passed, now)
            case Stage.EASING:
                self._pace.ease(passed)
            case Stage.WAITING:
                resting = self.halt in (Halt.REST, Halt.BELTOFF)
                if resting and self._rest_left(now) <= 0 and not _walks(self.next_segment):
                    self._pass_halt(now)
                elif now - self._since > self.limits.rest_wait_s:
                    self.end(now, "nobody confirmed in time")
            case _:
                pass

    def _count(self, guard: Guard, now: float) -> None:
        guard.countdown(now)
        left = self._start_at - now
        for call in CALLS_S:
            if left <= call and (self._called is None or call < self._called):
                self._called = call
                self._emit("countdown", seconds=call)
                speed = kmh(self.limits.first_target)
                self._say(f"Belt starts in {call} at {speed} km/h." if call >= 5 else f"{call}")
                break
        if left <= 0:
            guard.intend_start(now)
            self._go(Stage.STARTING, now)

    def _walk(self, guard: Guard, restraint: Restraint, passed: float, now: float) -> None:
        self.in_step_s += passed
        segment = self.segment
        over = self.in_step_s >= segment.duration_s
        if segment.distance_m is not None:
            over = over or self.in_step_m >= segment.distance_m
        if over:
            self._finish_step(now)
            if self.stage is not Stage.WALKING:
                return
            segment = self.segment
        coming = segment
        if self.in_step_s + Pace.WARNING_S >= segment.duration_s and self.next_segment is not None:
            coming = self.next_segment if self.next_segment.kind == "walk" else segment
        slow = restraint.slow or self.console_started
        asked = self.machine.minimum if slow else segment.speed_at(self.in_step_s)
        may_raise = restraint.may_raise and not self.console_started and guard.hand is None
        sentence = self._pace.follow(asked, coming, guard, passed, now, may_raise=may_raise)
        if sentence:
            self._say(sentence)

    def _finish_step(self, now: float) -> None:
        following = self.next_segment
        if following is None:
            self.ask_to_halt(Halt.END, now)
        elif following.kind == "walk":
            self._next_step()
        else:
            self._next_step()
            self.ask_to_halt(Halt(following.kind), now)

    def _next_step(self) -> None:
        self.index += 1
        self.in_step_s = self.in_step_m = 0.0
        self._begin_step()

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
        if self.stage in (Stage.COUNTDOWN, Stage.STARTING, Stage.WALKING) and not guard.control:
            if self._control_asked is None or now - self._control_asked >= CONTROL_RETRY_S:
                self._control_asked = now
                return RequestControl() if guard.marked else None
            return None
        match self.stage:
            case Stage.STARTING if guard.state is State.ARMED:
                return Start() if guard.marked else None
            case Stage.STARTING if self.machine.needs_target_to_move and guard.may_target_at_rest(now):
                return Target(self.machine.minimum)
            case Stage.WALKING if guard.marked and guard.state is State.RUNNING:
                return self._pace.target(guard, now) or self._incline(guard, now)
            case Stage.EASING if guard.control and guard.state is State.RUNNING:
                return self._pace.target(guard, now)
            case _:
                return None

    def _incline(self, guard: Guard, now: float) -> TargetIncline | None:
        step = guard.incline_step(self.segment.incline, now) if self.machine.inclinable else None
        return None if step is None else TargetIncline(Incline(step))

    def eased(self, guard: Guard, now: float) -> bool:
        """EASING is over: the minimum is met, or cannot be."""
        if self.stage is not Stage.EASING:
            return False
        commanded = guard.commanded
        low = commanded is not None and commanded <= self.machine.minimum and guard.hand is None
        return (
            (low and guard.target_met)
            or not guard.control
            or guard.hand is not None
            or now - self._since > EASE_PATIENCE_S + self._pace.ease_s()
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


def _walks(segment: Segment | None) -> bool:
    return segment is not None and segment.kind == "walk"
