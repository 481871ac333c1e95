"""The guard: sees every notification first, vets every frame out, and stops the belt by itself.

It keeps its own state, refuses and never clamps, starts silent. Time is an argument. The laws:

G1  Starts disarmed; disarmed, only what G3 names passes.
G2  Arming needs an act at the machine and expires unused after 30 s; the start intent is made when the
    countdown ends, expires 5 s later and is used once.
G3  A Stop request is accepted at any time, ahead of everything; disarmed or faulted only Stop passes, and
    Request Control for its sake.
G4  A frame must decode to a known command of exact length.
G5  Target <= the cap: the least of compiled ceiling, site, machine, walker, program and live cap. A cap
    lowered while moving slides down at 0.3 km/h/s.
G6  A target only with telemetry younger than 2 s, of this connection, with control granted.
G7  A target is at most one change step above the measured speed; the first after rest is the machine's
    minimum, once motion is measured. Speed and incline never change together.
G8  Above cap + 0.2 in two records: command the cap; still above after 3 s + drop / decel, or above the
    ceiling: Stop.
G9  Reality follows command: above a target by > 0.3 for 2 s, or 1.5 to 1.7 times the first one: Stop.
    Nothing faster than the first target is sent until it is met.
G10 No telemetry while moving: 2 s no raises, 4 s Stop and alarm. An outstanding Start is exempt until
    motion; when it runs out the session disarms, and unless rest is known it is Stop and alarm.
G11 After a Stop: falling within 3 s, at rest (or presumed, and said still) in v/decel + 5 s, else PULL THE
    CORD. The frame is withheld only from a belt at rest with no Start outstanding.
G12 Control lost: disarm, Stop. Safety key, stop or pause on the console: disarm; it must come to rest.
G13 Motion while faulted, soon after a Stop, or where none may be: alarm and Stop. Other motion while idle
    is manual use: watched, no frame sent.
G14 Nothing here starts by itself: every Start uses up an arming, every arming an act at the machine.
G15 The console wins: a hand on the speed becomes the target; only lower targets until a person says go on.
G16 Heart rate (`wellbeing.py`) can only lower the session's wish: it needs no word here.

Parts of the judgement: `motion.py` (rest, moving, falling), `arming.py` (G2, G10), `stopping.py` (G3, G11,
G12), `steering.py` (G5 to G7) with `obeying.py` (G9, G15) and `capping.py` (G5, G8).
"""

from dataclasses import replace

from blefit.ftms.machine_status import MachineStatusOp
from blefit.units import Incline, Speed
from retrowalk.core.arming import Arming, Outstanding
from retrowalk.core.authority import Approved, Authority, Finding, Refusal, Seal, State, parse
from retrowalk.core.capping import ENFORCE
from retrowalk.core.exchange import Outcome, Result
from retrowalk.core.faults import BY_ID, Clears, Reaction
from retrowalk.core.model import (
    UNKNOWN_DECELERATION,
    Command,
    Direction,
    Machine,
    Observation,
    Record,
    RequestControl,
    Start,
    Status,
    Stop,
    Target,
    TargetIncline,
)
from retrowalk.core.motion import MOVING, REST, Motion
from retrowalk.core.obeying import HAND, WRONG_SPEED
from retrowalk.core.steering import CONTROL_LOST, FRESH_S, Steering
from retrowalk.core.stopping import ASK_STILL, REST_UNKNOWN, RESTED, Stopping

LOST_S, REST_FRESH_S = 4.0, 4.0
AFTER_REST_S, AFTER_START_S = 10.0, 60.0

_SEAL = Seal()


class Guard:
    """One treadmill's guard. The control task calls it for every notification, frame and tick."""

    def __init__(self) -> None:
        self.state = State.DISARMED
        self.motion = Motion()
        self.machine: Machine | None = None
        self.control = False
        self.marked = False
        """The moving-marker is on disk: without it no frame but Stop, and control for it, is written."""
        self.faulted = False
        self.left_running = False
        """Our session left the belt running: on the next connection the first write is Stop."""
        self.forbid_motion = False
        """Set by the controller while no key may start the belt (a turn, a paused backward part)."""
        self.distrusted = False
        """A person at the machine has to say that the belt is still before anything may start."""
        self._findings: list[Finding] = []
        self._connected_at: float | None = None
        self._arming: Arming | None = None
        self._start: Outstanding | None = None
        self._steering: Steering | None = None
        self._stop: Stopping | None = None
        self._incline = Incline(0)
        self._live_cap: Speed | None = None
        self._tried = ""
        """The session whose first target was sent."""
        self._last_speed: Speed | None = None
        """What the machine may start at, if it remembers."""
        self._starts_high = False
        self._left_start = False
        self._still_said = False
        self._unexpected_until = float("-inf")
        self._late = False

    # --- what others may know ---------------------------------------------------------------------

    def findings(self) -> list[Finding]:
        """What was noticed since the last call."""
        found, self._findings = self._findings, []
        return found

    def resting(self, now: float) -> bool:
        """The belt is known to rest: said, or measured (stale is unknown, but where silence is the rule)."""
        return self._still_said or self._measured_rest(now)

    def _measured_rest(self, now: float) -> bool:
        return self.motion.at_rest and (self._silent_machine or self.motion.fresh(now, REST_FRESH_S))

    def _may_start_from_here(self, now: float) -> bool:
        """A person's word is enough only where silence is the rule."""
        return self._measured_rest(now) or (self._still_said and self._silent_machine)

    @property
    def connected(self) -> bool:
        """There is a link to watch."""
        return self._connected_at is not None

    @property
    def manual(self) -> bool:
        """Somebody uses the treadmill without us (G13)."""
        idle = self.state is State.DISARMED and self._stop is None
        return idle and self.motion.moving and not self.faulted

    @property
    def stopping(self) -> bool:
        """A stop, ours or the console's, has not come to rest yet."""
        return self._stop is not None

    @property
    def authority(self) -> Authority | None:
        """What the present arming allows."""
        return None if self._steering is None else self._steering.authority

    @property
    def commanded(self) -> Speed | None:
        """The target in force: ours, or the hand's."""
        return None if self._steering is None else self._steering.commanded

    @property
    def hand(self) -> Speed | None:
        """G15: the speed that a person set at the console."""
        return None if self._steering is None else self._steering.hand

    @property
    def target_met(self) -> bool:
        """The present target has been measured."""
        return self._steering is not None and self._steering.target_met

    @property
    def incline(self) -> Incline:
        """As commanded last."""
        return self._incline if self._steering is None else self._steering.incline

    def cap(self, now: float) -> Speed | None:
        """G5: the cap as it is judged at this moment; None while nothing is armed."""
        return None if self._steering is None else self._steering.capping.now(now)

    def may_change_speed(self, now: float) -> bool:
        """No target waits for its answer, telemetry is fresh, the incline is still: a target could pass."""
        ready = self._steering is None or self._steering.ready(now)
        return ready and self.control and self.motion.fresh(now, FRESH_S)

    def may_target_at_rest(self, now: float) -> bool:
        """On a machine that does not move without a target: 1 s after Start's answer, and only once."""
        return self._start is not None and self._start.may_target(now) and self.commanded is None

    def incline_step(self, wanted: Incline, now: float) -> Incline | None:
        """The next step of the incline towards `wanted` that could pass now; None: none, or not yet."""
        if self._steering is None or not self.may_change_speed(now):
            return None
        return self._steering.incline_step(wanted)

    # --- authority --------------------------------------------------------------------------------

    def arm(self, authority: Authority, now: float) -> str:
        """G2: an act at the machine arms one start. Returns why not, or ''."""
        reason = self._why_not(authority)
        if not reason and not self._may_start_from_here(now):
            reason = "the belt is not known to rest"
        if not reason:
            self._take(authority, State.ARMED)
            self._arming = Arming(now)
        return reason

    def take_over(self, authority: Authority, now: float) -> str:
        """The console's Start key started the belt and motion is measured. Returns why not, or ''."""
        reason = self._why_not(authority)
        if not reason and (self.forbid_motion or authority.direction is not Direction.FORWARD):
            reason = "the console may not start this part"
        if not reason and not (self.motion.moving and self.motion.fresh(now, FRESH_S)):
            reason = "no motion is measured"
        if not reason:
            self._take(authority, State.RUNNING)
        return reason

    def _why_not(self, authority: Authority) -> str:
        machine = self.machine
        if machine is None or not self.connected:
            return "the treadmill is not connected"
        if self.state is not State.DISARMED:
            return "it is armed already"
        if self.faulted:
            return "a fault has to be cleared at the machine first"
        if self._stop is not None or self.left_running:
            return "a stop is not over"
        if self.distrusted:
            return "somebody at the machine has to say that the belt is still first"
        if machine.quarantined:
            return machine.quarantined
        high = machine.starts_above_minimum or self._starts_high
        last = machine.minimum if self._last_speed is None else self._last_speed
        if high and authority.direction is Direction.BACKWARD and last > machine.minimum:
            return "this machine may start at its last speed, which was above its slowest"
        return authority.problem(machine.minimum)

    def _take(self, authority: Authority, state: State) -> None:
        assert self.machine is not None
        self.state = state
        self.control = False  # asked for again with every arming: some machines drop it at a Stop, unsaid
        self._steering = Steering(
            authority,
            self.machine,
            live=self._live_cap,
            incline=self._incline,
            trial=authority.session_id != self._tried,
        )

    def countdown(self, now: float) -> None:
        """The announced countdown begins."""
        if self._arming is not None:
            self._arming.countdown(now)

    def intend_start(self, now: float) -> None:
        """G2: the countdown has ended; one Start may follow within 5 s."""
        if self._arming is not None:
            self._arming.intend(now)

    def limit(self, speed: Speed, now: float) -> None:
        """The live cap: only ever lower within a session, sliding while the belt moves."""
        self._live_cap = speed if self._live_cap is None else min(speed, self._live_cap)
        if self._steering is not None:
            running = self._present_speed() if self.state is State.RUNNING else None
            self._steering.capping.lower(self._live_cap, running, now)

    def forget_limit(self) -> None:
        """A new session begins: the live cap of the last one is over."""
        self._live_cap = None

    def disarm(self, now: float) -> None:
        """The session lets go: a belt that runs, or may start, is stopped (G11)."""
        if self.state in {State.STARTING, State.RUNNING}:
            self.want_stop(now)
        else:
            self._disarm()

    def _disarm(self) -> None:
        self.state = State.DISARMED
        steering, self._steering = self._steering, None
        self._arming = self._start = None
        self._late = False
        if steering is None:
            return
        self._incline = steering.incline
        self._starts_high = self._starts_high or steering.started_high
        if steering.commanded is not None:
            self._last_speed = steering.commanded
            self._tried = steering.authority.session_id

    def said_still(self, now: float) -> str:
        """A person at the machine says that the belt is still. Returns why that cannot be, or ''."""
        speed = self.motion.speed
        if self.motion.fresh(now, FRESH_S) and speed is not None and speed > REST:
            return f"the treadmill reports {speed / 100:.1f} km/h"
        if self.state in {State.STARTING, State.RUNNING}:
            return "it was told to move"
        self._still_said = True
        self.distrusted = False
        self.motion.said_still()
        if self._stop is not None and (self._stop.alarmed or not self._stop.owed):
            self._rested(now)
        return ""

    def clear(self, now: float) -> str:
        """A person at the machine clears the faults; the belt has to rest. Returns why not, or ''."""
        if not self.resting(now) or self._stop is not None:
            return "the belt is not known to rest: say still when it is"
        self.faulted = False
        return ""

    def resume_from_hand(self) -> None:
        """G15: a person at the machine says that the program may go on."""
        if self._steering is not None:
            self._steering.resume()

    # --- the link ---------------------------------------------------------------------------------

    def connect(self, machine: Machine, now: float) -> None:
        """A new connection: nothing is known of the belt, nothing is granted."""
        if self.connected:
            self.disconnect()
        self.machine = machine
        self.motion = Motion()
        self._connected_at = now
        self.control = self._still_said = False
        if self._left_start:
            self._left_start = False
            self.want_stop(now, must_write=True)

    def disconnect(self) -> None:
        """The link is gone: a belt of ours is assumed to run."""
        owed = self._stop is not None and self._stop.owed
        self._left_start = self._left_start or self.state is State.STARTING or owed
        if self.state in {State.STARTING, State.RUNNING} or self._stop is not None:
            self.left_running = True
            self._find("link_lost")
        self._disarm()
        self._stop = self._connected_at = None
        self.control = self._still_said = False

    def observe(self, observation: Observation, now: float) -> None:
        """Every notification comes here before anybody else sees it."""
        match observation:
            case _ if not self.connected:
                pass
            case Record(data) if data.instantaneous_speed is not None:
                self._record(data.instantaneous_speed, now)
            case Status(status):
                self._status(status.op_code, now)
            case _:
                pass

    def _record(self, speed: Speed, now: float) -> None:
        was_moving = self.motion.moving
        self.motion.record(speed, now)
        self._late = False
        if speed > REST:
            self._still_said = False
        if self._stop is not None:
            self._judge_stop(self._stop, now)
        elif self.left_running:
            self._judge_left_running(now)
        elif self.state in {State.STARTING, State.RUNNING} and self._steering is not None:
            self._judge_run(self._steering, speed, now)
        elif self.motion.moving:
            self._judge_idle(speed, now, began=not was_moving)

    def _status(self, op_code: int | None, now: float) -> None:
        ours = self._stop is not None and self._stop.ours
        match op_code:
            case MachineStatusOp.STOPPED_BY_SAFETY_KEY:
                self._find("safety_key")
                self._console_stop(now)
            case MachineStatusOp.STOPPED_OR_PAUSED_BY_USER if not ours:
                if self.state is not State.DISARMED:
                    self._find("console_stop")
                self._console_stop(now)
            case MachineStatusOp.STARTED_OR_RESUMED_BY_USER if not self._start_takes_effect:
                self._find("start_key")
            case MachineStatusOp.CONTROL_PERMISSION_LOST:
                self.control = False
                if self.state is not State.DISARMED:
                    self._stop_for(CONTROL_LOST, now)
            case _:
                pass

    @property
    def _start_takes_effect(self) -> bool:
        """From its frame until the first target is met a Status of a start is the echo of ours (G12)."""
        run = self._steering
        return self.state is State.STARTING or (
            self.state is State.RUNNING and run is not None and not run.settled
        )

    def _console_stop(self, now: float) -> None:
        if self.state is State.STARTING:
            self.want_stop(now)
        elif self.state is State.RUNNING:
            self._stop = self._stopping(now, ours=False)
            self._disarm()
        elif self.state is State.ARMED:
            self._disarm()

    # --- judgements -------------------------------------------------------------------------------

    def _judge_idle(self, speed: Speed, now: float, *, began: bool) -> None:
        if self.faulted or self.distrusted or self.forbid_motion or now < self._unexpected_until:
            self._stop_for("unexpected_motion", now)
            return
        if began:
            self._disarm()
            self._find("manual")
        self._last_speed = speed if self._last_speed is None else max(speed, self._last_speed)

    def _judge_left_running(self, now: float) -> None:
        if self.motion.at_rest:
            self._rested(now)
        elif self.motion.speed is not None and self.motion.speed > MOVING:
            self.want_stop(now)

    def _judge_run(self, steering: Steering, speed: Speed, now: float) -> None:
        if self._start is not None and not self._has_started(self._start, speed):
            return
        if self.motion.at_rest:
            self._find("console_stop")
            self._disarm()
            self._rested(now)
            return
        verdict, detail = steering.judge(speed, self._deceleration(), now)
        if verdict in {HAND, ENFORCE}:
            self._find(verdict)
        elif verdict:
            if verdict == WRONG_SPEED:
                self._quarantine(detail)
            self._stop_for(verdict, now, detail)

    def _has_started(self, start: Outstanding, speed: Speed) -> bool:
        """Motion ends the outstanding Start; the records on the way to it are judged as well."""
        start.moved = start.moved or speed > MOVING
        if self.motion.moving:
            self.state, self._start = State.RUNNING, None
            self._find("moving")
        return start.moved and not self.motion.at_rest

    def _quarantine(self, detail: str) -> None:
        assert self.machine is not None
        self.machine = replace(self.machine, quarantined=f"it ran faster than told ({detail}): commission it")

    def _judge_stop(self, stop: Stopping, now: float) -> None:
        verdict = stop.judge(self.motion, self._deceleration(), now)
        if verdict == RESTED:
            self._rested(now)
        elif verdict:
            self.distrusted = self.distrusted or verdict in {ASK_STILL, REST_UNKNOWN}
            self._find(verdict)

    def _rested(self, now: float) -> None:
        stop, self._stop = self._stop, None
        if self.left_running or (stop is not None and stop.ours):
            self._unexpected_until = max(self._unexpected_until, now + AFTER_REST_S)
        if stop is not None and stop.asked_still is not None and not stop.must_write:
            self.distrusted = False
        self.left_running = False
        self._find("rest")

    # --- time -------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Judge what silence means. Called at least four times a second."""
        if self._connected_at is None:
            return
        if self._stop is not None:
            self._judge_stop(self._stop, now)
        elif self.left_running:
            if now >= self._connected_at + FRESH_S and not self.motion.at_rest:
                self.want_stop(now)
        elif self._arming is not None:
            self._tick_armed(self._arming, now)
        elif self._start is not None:
            self._tick_starting(self._start, now)
        elif self.state is State.RUNNING:
            self._tick_moving(now)

    def _tick_armed(self, arming: Arming, now: float) -> None:
        if arming.lapsed(now):
            self._disarm()
            self._find("arming_expired")

    def _tick_starting(self, start: Outstanding, now: float) -> None:
        if not start.run_out(now):
            if start.moved:
                self._tick_moving(now)
            return
        if self.motion.rests(now, FRESH_S):
            self._disarm()
            self._find("start_failed")
        else:
            self._stop_for("start_unknown", now)
        self.distrusted = True

    def _tick_moving(self, now: float) -> None:
        age = self.motion.age(now)
        assert age is not None
        if age >= LOST_S:
            self._stop_for("telemetry_lost", now)
        elif age >= FRESH_S and not self._late:
            self._late = True
            self._find("telemetry_late")

    # --- stopping ---------------------------------------------------------------------------------

    def want_stop(self, now: float, *, must_write: bool = False) -> None:
        """G3: stop the belt. Only one known to rest, with no Start outstanding, is left alone (G11)."""
        outstanding = self.state is State.STARTING or must_write
        stopping = self._stopping(now, ours=True, must_write=outstanding)
        self._disarm()
        if self._stop is not None:
            self._stop.join(now)
        elif self.connected and (outstanding or self.left_running or not self.resting(now)):
            self._stop = stopping
        if outstanding:
            self._unexpected_until = max(self._unexpected_until, now + AFTER_START_S)

    def _stopping(self, now: float, *, ours: bool, must_write: bool = False) -> Stopping:
        speed, silent = self._present_speed(), self._silent_machine
        return Stopping(now, speed, ours=ours, must_write=must_write, silent_machine=silent)

    def _present_speed(self) -> Speed | None:
        """Measured, or what a belt on its way up will have."""
        return max((s for s in (self.motion.speed, self.commanded) if s is not None), default=None)

    def _stop_for(self, fault_id: str, now: float, detail: str = "") -> None:
        self._find(fault_id, detail)
        self.want_stop(now)

    def demand(self, now: float) -> Command | None:
        """What the guard itself wants written now, ahead of every wish of the session."""
        if self._stop is not None:
            return self._stop.demand(self.motion, now)
        if self._steering is None or self._why_no_target(self._steering, now) is not None:
            return None
        order = self._steering.order(now)
        return None if order is None or not self.motion.fresh(now, FRESH_S) else Target(order)

    # --- frames -----------------------------------------------------------------------------------

    def review(self, frame: bytes, now: float) -> Approved | Refusal:
        """Judge the encoded frame, decoded again. What passes is `Approved`; nothing else can be written."""
        command = parse(frame)
        if command is None:
            return Refusal("G4", f"{frame.hex(' ')} is no command of a known form")
        if not self.connected:
            return Refusal("G6", "there is no link")
        match command:
            case Stop():
                refusal = self._review_stop(now)
            case RequestControl():
                refusal = self._review_control()
            case Start():
                refusal = self._review_start(now)
            case Target(speed):
                refusal = self._review_target(speed, now)
            case TargetIncline(incline):  # pragma: no branch - the union is closed
                refusal = self._review_incline(incline, now)
        return Approved(command, frame, _SEAL) if refusal is None else refusal

    def _review_stop(self, now: float) -> Refusal | None:
        if self._stop is None:
            return Refusal("G3", "no stop was asked for")
        if self._measured_rest(now) and not self._stop.must_write:
            return Refusal("G11", "the belt is at rest: some machines start on Stop")
        return None

    def _review_control(self) -> Refusal | None:
        if self._stop is not None:
            return None if self._stop.need_control else Refusal("G3", "Stop goes first")
        if self.state not in {State.ARMED, State.RUNNING} or self.faulted or self.control:
            return Refusal("G1", "not armed, or control is granted already")
        return self._unmarked()

    def _unmarked(self) -> Refusal | None:
        return None if self.marked else Refusal("G14", "the moving-marker is not written")

    def _ungranted(self) -> Refusal | None:
        return self._unmarked() if self.control else Refusal("G6", "control is not granted")

    def _review_start(self, now: float) -> Refusal | None:
        if self._arming is None or self.faulted:
            return Refusal("G1", "not armed")
        if not self._arming.may_start(now):
            return Refusal("G2", "no countdown has just ended")
        if not self._may_start_from_here(now):
            return Refusal("G14", "the belt is not known to rest")
        return self._ungranted()

    def _why_no_target(self, steering: Steering, now: float) -> Refusal | None:
        machine = self.machine
        early = machine is not None and machine.needs_target_to_move and self.may_target_at_rest(now)
        if self.faulted or not (self.state is State.RUNNING or (early and steering.commanded is None)):
            return Refusal("G1", "not armed, or no motion is measured")
        return self._ungranted()

    def _review_target(self, speed: Speed, now: float) -> Refusal | None:
        if self._steering is None:
            return Refusal("G1", "not armed")
        return self._why_no_target(self._steering, now) or self._steering.review_target(
            speed, self.motion, now
        )

    def _review_incline(self, incline: Incline, now: float) -> Refusal | None:
        if self._steering is None or self.state is not State.RUNNING or self.faulted:
            return Refusal("G1", "not armed, or no motion is measured")
        if not self.motion.fresh(now, FRESH_S):
            return Refusal("G6", "telemetry is older than 2 s")
        return self._ungranted() or self._steering.review_incline(incline, now)

    def sent(self, approved: Approved, now: float) -> None:
        """The frame was handed to the link."""
        match approved.command:
            case Stop() if self._stop is not None:
                self._stop.sent(now)
            case RequestControl() if self._stop is not None:
                self._stop.need_control = False
            case Start() if self.machine is not None:
                self.state, self._arming = State.STARTING, None
                self._start = Outstanding(now, self.machine.start_delay_s)
                self._still_said = False
            case Target(speed) if self._steering is not None:
                self._steering.target_sent(speed, self.motion.speed)
            case TargetIncline(incline) if self._steering is not None:
                self._steering.incline_sent(incline, now)
            case _:
                pass

    def concluded(self, outcome: Outcome, now: float) -> None:
        """A transaction ended."""
        if outcome.control_denied:
            self.control = False
        match outcome.command:
            case RequestControl():
                self._control_concluded(outcome)
            case Start():
                self._start_concluded(outcome, now)
            case Target() | TargetIncline() if self._steering is not None:
                incline = isinstance(outcome.command, TargetIncline)
                self._steered(self._steering.concluded(outcome, now, incline=incline), outcome, now)
            case Stop() if self._stop is not None:
                self._stop.concluded(outcome)
            case _:
                pass

    def _control_concluded(self, outcome: Outcome) -> None:
        soft = self.machine is not None and self.machine.control_unanswered
        self.control = outcome.result is Result.SUCCESS or (outcome.result is Result.UNANSWERED and soft)
        if self._stop is not None:
            self._stop.control_concluded()
        elif not self.control:
            self._find("control_refused", outcome.error or outcome.result.value)

    def _start_concluded(self, outcome: Outcome, now: float) -> None:
        if self._start is None:
            return
        if outcome.result in {Result.SUCCESS, Result.UNANSWERED}:
            self._start.answered = now
        else:
            self._stop_for("start_refused", now, f"the treadmill did not take Start: {outcome.result.value}")

    def _steered(self, finding: str, outcome: Outcome, now: float) -> None:
        if finding == CONTROL_LOST:
            self._stop_for(CONTROL_LOST, now)
        elif finding:
            self._find(finding, outcome.error or outcome.result.value)

    # --- small ------------------------------------------------------------------------------------

    def _find(self, finding_id: str, detail: str = "") -> None:
        fault = BY_ID.get(finding_id)
        if fault is not None and fault.reaction is Reaction.STOP and fault.clears is Clears.PERSON:
            self.faulted = True
        self._findings.append(Finding(finding_id, detail))

    @property
    def _silent_machine(self) -> bool:
        """It is known to fall silent at rest."""
        return self.machine is not None and self.machine.silent_at_rest

    def _deceleration(self) -> int:
        known = None if self.machine is None else self.machine.deceleration
        return known or UNKNOWN_DECELERATION
