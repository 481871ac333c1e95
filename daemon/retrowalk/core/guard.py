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

Parts of the judgement: `motion.py` (rest, moving, falling), `stopping.py` (G3, G11, G12), `obeying.py`
(G9, G15), `capping.py` (G5, G8).
"""

from blefit.ftms.machine_status import MachineStatusOp
from blefit.units import Incline, Speed
from retrowalk.core.authority import Approved, Authority, Finding, Refusal, Seal, State, parse
from retrowalk.core.capping import ENFORCE, Capping
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
from retrowalk.core.obeying import AWAY, HAND, Obeying
from retrowalk.core.stopping import ASK_STILL, REST_UNKNOWN, RESTED, Stopping

ARM_S, INTENT_S, COUNTDOWN_S = 30.0, 5.0, 5.0
FRESH_S, LOST_S, REST_FRESH_S, SILENT_S = 2.0, 4.0, 4.0, 1.5
OUTSTANDING_S, OUTSTANDING_SLACK_S = 10.0, 4.0
READING_ERROR = Speed(10)
AFTER_REST_S, AFTER_START_S = 10.0, 60.0
INCLINE_STEP, INCLINE_PAUSE_S = Incline(5), 5.0
TARGET_WITHOUT_MOTION_S = 1.0

_SEAL = Seal()


class Guard:
    """One treadmill's guard. The control task calls it for every notification, frame and tick."""

    def __init__(self) -> None:
        self.state = State.DISARMED
        self.motion = Motion()
        self.machine: Machine | None = None
        self.authority: Authority | None = None
        self.control = False
        self.marked = False
        """The moving-marker is on disk: without it no frame but Stop, and control, is written."""
        self.faulted = False
        self.left_running = False
        """Our session left the belt running: on the next connection the first write is Stop."""
        self.forbid_motion = False
        """Set by the controller while no key may start the belt (a turn, a paused backward part)."""
        self.hand: Speed | None = None
        """G15: the speed that a person set at the console."""
        self.incline = Incline(0)
        """As commanded last."""
        self.distrusted = False
        """A person at the machine has to say that the belt is still before anything may start."""
        self._findings: list[Finding] = []
        self._connected_at: float | None = None
        self._armed_at = 0.0
        self._countdown_at: float | None = None
        self._intent_at: float | None = None
        self._start_sent = 0.0
        self._start_answered: float | None = None
        self._moved = False
        self._starts_high = False
        self._left_start = False
        self._target: Obeying | None = None
        self._target_before: Obeying | None = None
        self._last_target: Speed | None = None
        self._stop: Stopping | None = None
        self._capping: Capping | None = None
        self._live_cap: Speed | None = None
        self._still_said = False
        self._unexpected_until = float("-inf")
        self._late = False
        self._incline_at = float("-inf")

    # --- what others may know ---------------------------------------------------------------------

    def findings(self) -> list[Finding]:
        """What was noticed since the last call."""
        found, self._findings = self._findings, []
        return found

    def resting(self, now: float) -> bool:
        """The belt is known to rest: said, or measured (stale is unknown, but where silence is the rule)."""
        silent = self.machine is not None and self.machine.silent_at_rest
        measured = self.motion.at_rest and (silent or self.motion.fresh(now, REST_FRESH_S))
        return measured or self._still_said

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
    def commanded(self) -> Speed | None:
        """The target in force: ours, or the hand's."""
        if self.hand is not None:
            return self.hand
        return None if self._target is None else self._target.speed

    @property
    def target_met(self) -> bool:
        """The present target has been measured."""
        return self._target is not None and self._target.met

    def cap(self, now: float) -> Speed | None:
        """G5: the cap as it is judged at this moment; None while nothing is armed."""
        return None if self._capping is None else self._capping.now(now)

    def may_change_speed(self, now: float) -> bool:
        """No target waits for its answer, telemetry is fresh, the incline is still: a target could pass."""
        answered = self._target is None or self._target.answered is not None
        still = now - self._incline_at >= INCLINE_PAUSE_S
        return answered and still and self.control and self.motion.fresh(now, FRESH_S)

    def may_target_at_rest(self, now: float) -> bool:
        """On a machine that does not move without a target: 1 s after Start's answer, and only once."""
        answered = self._start_answered
        return answered is not None and now - answered >= TARGET_WITHOUT_MOTION_S and self._target is None

    def incline_step(self, wanted: Incline, now: float) -> Incline | None:
        """The next step of the incline towards `wanted` that could pass now; None: none, or not yet."""
        if self.authority is None or not self.target_met or self.hand is not None:
            return None
        if not self.may_change_speed(now):
            return None
        goal = min(wanted, self.authority.incline_cap)
        step = max(-INCLINE_STEP, min(INCLINE_STEP, goal - self.incline))
        return Incline(self.incline + step) if step else None

    # --- authority --------------------------------------------------------------------------------

    def arm(self, authority: Authority, now: float) -> str:
        """G2: an act at the machine arms one start. Returns why not, or ''."""
        reason = self._why_not(authority)
        if not reason and not self.resting(now):
            reason = "the belt is not known to rest"
        if not reason:
            self._take(authority, State.ARMED)
            self._armed_at = now
        return reason

    def take_over(self, authority: Authority, now: float) -> str:
        """The console's Start key started the belt and motion is measured. Returns why not, or ''."""
        reason = self._why_not(authority)
        if not reason and not (self.motion.moving and self.motion.fresh(now, FRESH_S)):
            reason = "no motion is measured"
        if not reason:
            self._take(authority, State.RUNNING)
            self._moved = True
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
        last = machine.minimum if self._last_target is None else self._last_target
        if high and authority.direction is Direction.BACKWARD and last > machine.minimum:
            return "this machine may start at its last speed, which was above its slowest"
        return authority.problem(machine.minimum)

    def _take(self, authority: Authority, state: State) -> None:
        self.authority, self.state = authority, state
        self._capping = Capping(authority.cap, authority.ceiling, self._live_cap)
        self._countdown_at = self._intent_at = self._start_answered = None
        self._moved = False
        self._target = self._target_before = self.hand = None

    def countdown(self, now: float) -> None:
        """The announced countdown begins."""
        if self.state is State.ARMED and self._countdown_at is None:
            self._countdown_at = now

    def intend_start(self, now: float) -> None:
        """G2: the countdown has ended; one Start may follow within 5 s."""
        counted = self._countdown_at is not None and now - self._countdown_at >= COUNTDOWN_S
        if self.state is State.ARMED and counted and self._intent_at is None:
            self._intent_at = now

    def limit(self, speed: Speed, now: float) -> None:
        """The live cap: only ever lower within a session, sliding while the belt moves."""
        self._live_cap = speed if self._live_cap is None else min(speed, self._live_cap)
        if self._capping is not None:
            running = self.state is State.RUNNING
            self._capping.lower(self._live_cap, self.motion.speed if running else None, now)

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
        self.authority = self._capping = None
        if self._target is not None:
            self._last_target = self._target.speed
        self._target = self._target_before = self.hand = None
        self._countdown_at = self._intent_at = None
        self._late = False

    def said_still(self, now: float) -> str:
        """A person at the machine says that the belt is still. Returns why that cannot be, or ''."""
        speed = self.motion.speed
        if self.motion.fresh(now, FRESH_S) and speed is not None and speed > REST:
            return f"the treadmill reports {speed / 100:.1f} km/h"
        if self.state in {State.STARTING, State.RUNNING}:
            return "it was told to move"
        self._still_said = True
        self.distrusted = self.left_running = self._left_start = False
        if self._stop is not None:
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
        if self.hand is not None and self._target is None:
            self._target = Obeying(self.hand, self.hand, answered=0.0, met=True)
        self.hand = None

    # --- the link ---------------------------------------------------------------------------------

    def connect(self, machine: Machine, now: float) -> None:
        """A new connection: nothing is known of the belt, nothing is granted."""
        self.machine = machine
        self.motion = Motion()
        self._connected_at = now
        self.control = self._still_said = False
        if self._left_start:
            self._left_start = False
            self.want_stop(now, must_write=True)

    def disconnect(self) -> None:
        """The link is gone: a belt of ours is assumed to run."""
        unwritten = self._stop is not None and self._stop.must_write and not self._stop.writes
        self._left_start = self._left_start or self.state is State.STARTING or unwritten
        if self.state in {State.STARTING, State.RUNNING} or self._stop is not None:
            self.left_running = True
            self._find("link_lost")
        self._disarm()
        self._stop = self._connected_at = None
        self.control = self._still_said = False

    def observe(self, observation: Observation, now: float) -> None:
        """Every notification comes here before anybody else sees it."""
        match observation:
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
        elif self.state is State.STARTING:
            self._judge_start(speed)
        elif self.state is State.RUNNING:
            self._judge_run(speed, now)
        elif self.motion.moving:
            self._judge_idle(now, began=not was_moving)

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
            case MachineStatusOp.STARTED_OR_RESUMED_BY_USER if self.state is not State.STARTING:
                self._find("start_key")
            case MachineStatusOp.CONTROL_PERMISSION_LOST:
                self.control = False
                if self.state is not State.DISARMED:
                    self._stop_for("control_lost", now)
            case _:
                pass

    def _console_stop(self, now: float) -> None:
        if self.state is State.STARTING:
            self.want_stop(now)
        elif self.state is State.RUNNING:
            self._stop = Stopping(now, self._present_speed(), ours=False)
            self._disarm()
        elif self.state is State.ARMED:
            self._disarm()

    # --- judgements -------------------------------------------------------------------------------

    def _judge_idle(self, now: float, *, began: bool) -> None:
        if self.faulted or self.distrusted or self.forbid_motion or now < self._unexpected_until:
            self._stop_for("unexpected_motion", now)
        elif began:
            self._disarm()
            self._find("manual")

    def _judge_left_running(self, now: float) -> None:
        if self.motion.at_rest:
            self._rested(now)
        elif self.motion.speed is not None and self.motion.speed > MOVING:
            self.want_stop(now)

    def _judge_start(self, speed: Speed) -> None:
        if speed > MOVING:
            self._moved = True
            self._see_start_speed(speed)
        if self.motion.moving:
            self.state = State.RUNNING
            self._find("moving")

    def _see_start_speed(self, speed: Speed) -> None:
        assert self.machine is not None
        first = self._target is None or (self._target.first and self._target.answered is None)
        if first and speed > self.machine.minimum + AWAY:
            self._starts_high = True

    def _judge_run(self, speed: Speed, now: float) -> None:
        assert self.machine is not None
        assert self._capping is not None
        if self.motion.at_rest:
            self._find("console_stop")
            self._disarm()
            self._rested(now)
            return
        self._see_start_speed(speed)
        verdict = self._capping.judge(speed, self._deceleration(), now)
        if verdict == ENFORCE:
            self._find(verdict)
        elif verdict:
            self._stop_for(verdict, now)
            return
        if self._target is None:
            self.hand = None if self.hand is None else speed
            return
        verdict = self._target.judge(speed, now, blind=self.machine.echoes_target)
        if verdict == HAND:
            self.hand, self._target = speed, None
            self._find(verdict)
        elif verdict:
            detail = f"told {self._target.speed / 100:.2f} km/h, ran {speed / 100:.2f}"
            self._stop_for(verdict, now, detail)

    def _judge_stop(self, stop: Stopping, now: float) -> None:
        verdict = stop.judge(self.motion, self._deceleration(), now, silent=self._silent(now))
        if verdict == RESTED:
            self._rested(now)
        elif verdict:
            self.distrusted = self.distrusted or verdict in {ASK_STILL, REST_UNKNOWN}
            self._find(verdict)

    def _rested(self, now: float) -> None:
        stop, self._stop = self._stop, None
        until = now + AFTER_REST_S
        if stop is not None and stop.must_write:
            until = max(until, stop.asked + AFTER_START_S)
        if stop is not None and stop.asked_still is not None and self.motion.at_rest:
            self.distrusted = False
        self._unexpected_until = max(self._unexpected_until, until)
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
        elif self.state is State.ARMED:
            self._tick_armed(now)
        elif self.state is State.STARTING and not self._moved:
            self._tick_starting(now)
        elif self.state is not State.DISARMED:
            self._tick_moving(now)

    def _tick_armed(self, now: float) -> None:
        unused = self._countdown_at is None and now - self._armed_at > ARM_S
        if unused or (self._intent_at is not None and now - self._intent_at > INTENT_S):
            self._disarm()
            self._find("arming_expired")

    def _tick_starting(self, now: float) -> None:
        assert self.machine is not None
        if now - self._start_sent < max(OUTSTANDING_S, self.machine.start_delay_s + OUTSTANDING_SLACK_S):
            return
        if self.motion.at_rest and self.motion.fresh(now, FRESH_S):
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
        speed = self._present_speed()
        self._disarm()
        if self._stop is not None:
            self._stop.join(must_write=outstanding)
        elif self.connected and (outstanding or not self.resting(now)):
            self._stop = Stopping(now, speed, ours=True, must_write=outstanding)

    def _stop_for(self, fault_id: str, now: float, detail: str = "") -> None:
        self._find(fault_id, detail)
        self.want_stop(now)

    def _present_speed(self) -> Speed | None:
        return max((s for s in (self.motion.speed, self.commanded) if s is not None), default=None)

    def demand(self, now: float) -> Command | None:
        """What the guard itself wants written now, ahead of every wish of the session."""
        if self._stop is not None:
            return self._stop.demand(self.motion, now, silent=self._silent(now))
        order = self._cap_order(now)
        return Target(order) if order is not None and self.control and self.marked else None

    def _cap_order(self, now: float) -> Speed | None:
        """G8: the target that takes a belt above its cap back to it, until it is sent."""
        if self._capping is None or not self._capping.ordering or self.machine is None:
            return None
        order = self.machine.on_grid(self._capping.now(now))
        return order if self.commanded is None else min(order, self.commanded)

    # --- frames -----------------------------------------------------------------------------------

    def review(self, frame: bytes, now: float) -> Approved | Refusal:
        """Judge the encoded frame, decoded again. What passes is `Approved`; nothing else can be written."""
        command = parse(frame)
        if command is None:
            return Refusal("G4", f"{frame.hex(' ')} is no command of a known form")
        if self.machine is None or not self.connected:
            return Refusal("G6", "there is no link")
        match command:
            case Stop():
                refusal = self._review_stop(now)
            case RequestControl():
                refusal = self._review_control()
            case Start():
                refusal = self._review_start(now)
            case Target(speed):
                refusal = self._review_target(speed, self.machine, now)
            case TargetIncline(incline):
                refusal = self._review_incline(incline, self.machine, now)
        return Approved(command, frame, _SEAL) if refusal is None else refusal

    def _review_stop(self, now: float) -> Refusal | None:
        must = self._stop is not None and self._stop.must_write
        if self.resting(now) and self.state is not State.STARTING and not must:
            return Refusal("G11", "the belt is at rest: some machines start on Stop")
        return None if self._stop is not None else Refusal("G3", "no stop was asked for")

    def _review_control(self) -> Refusal | None:
        for_stop = self._stop is not None and self._stop.need_control
        armed = self.state in {State.ARMED, State.RUNNING} and not self.faulted and not self.control
        return None if for_stop or armed else Refusal("G1", "not armed, or control is granted already")

    def _review_start(self, now: float) -> Refusal | None:
        if self.state is not State.ARMED or self.faulted:
            return Refusal("G1", "not armed")
        if self._intent_at is None or now - self._intent_at > INTENT_S:
            return Refusal("G2", "no countdown has just ended")
        if not self.control:
            return Refusal("G6", "control is not granted")
        if not self.marked:
            return Refusal("G14", "the moving-marker is not written")
        return None if self.resting(now) else Refusal("G14", "the belt is not known to rest")

    def _review_target(self, speed: Speed, machine: Machine, now: float) -> Refusal | None:
        authority, measured, cap = self.authority, self.motion.speed, self.cap(now)
        early = self.state is State.STARTING and machine.needs_target_to_move and self.may_target_at_rest(now)
        if authority is None or cap is None or self.faulted or not (self.state is State.RUNNING or early):
            return Refusal("G1", "not armed, or no motion is measured")
        if not self.control:
            return Refusal("G6", "control is not granted")
        if not self.marked:
            return Refusal("G14", "the moving-marker is not written")
        if measured is None or not self.motion.fresh(now, FRESH_S):
            if not (early and machine.silent_at_rest):
                return Refusal("G6", "telemetry is older than 2 s")
            measured = Speed(0)
        if speed > min(cap, authority.ceiling):
            return Refusal("G5", f"{speed / 100:.2f} km/h is above the cap {cap / 100:.2f}")
        if not machine.minimum <= speed <= machine.maximum:
            return Refusal("G5", f"{speed / 100:.2f} km/h is outside the machine's range")
        if self.hand is not None and speed > self.hand:
            return Refusal("G15", "a hand is on the console: only lower targets")
        if now - self._incline_at < INCLINE_PAUSE_S and speed != self._cap_order(now):
            return Refusal("G7", "the incline moves")
        if self._target is None and self.hand is None and speed != machine.minimum:
            return Refusal("G7", "the first target is the machine's minimum")
        return None if self.commanded is None else self._review_step(speed, measured, authority, now)

    def _review_step(self, speed: Speed, measured: Speed, authority: Authority, now: float) -> Refusal | None:
        target = self._target
        if target is not None and target.first and not target.met and speed > target.speed:
            return Refusal("G9", "the first target is not met yet")
        if speed > measured + authority.step_up + READING_ERROR:
            return Refusal("G7", f"{speed / 100:.2f} km/h is more than a step above {measured / 100:.2f}")
        floor = measured if self.commanded is None else min(measured, self.commanded)
        if speed < floor - authority.step_down - READING_ERROR and speed != self._cap_order(now):
            return Refusal("G7", f"{speed / 100:.2f} km/h is more than a step below {floor / 100:.2f}")
        return None

    def _review_incline(self, incline: Incline, machine: Machine, now: float) -> Refusal | None:
        if self.authority is None or self.state is not State.RUNNING or self.faulted:
            return Refusal("G1", "not armed, or no motion is measured")
        if not self.control or not self.marked or not self.motion.fresh(now, FRESH_S):
            return Refusal("G6", "control, the marker or fresh telemetry is missing")
        if not 0 <= incline <= min(self.authority.incline_cap, machine.maximum_incline):
            return Refusal("G5", f"{incline / 10:.1f} % is above the incline cap, or below 0")
        if not self.target_met or self.hand is not None:
            return Refusal("G7", "the speed moves")
        if abs(incline - self.incline) > INCLINE_STEP or now - self._incline_at < INCLINE_PAUSE_S:
            return Refusal("G7", "an incline step is 0.5 %, each at least 5 s after the last")
        return None

    def sent(self, approved: Approved, now: float) -> None:
        """The frame was handed to the link."""
        match approved.command:
            case Stop():
                assert self._stop is not None
                self._stop.sent(now)
            case Start():
                self.state = State.STARTING
                self._intent_at = None
                self._start_sent = now
                self._still_said = False
            case Target(speed):
                self._target_sent(speed)
            case TargetIncline(incline):
                self.incline, self._incline_at = incline, now
            case RequestControl():
                if self._stop is not None:
                    self._stop.need_control = False

    def _target_sent(self, speed: Speed) -> None:
        if self._capping is not None:
            self._capping.ordering = False
        before = self._target
        measured = Speed(0) if self.motion.speed is None else self.motion.speed
        first = before is None and self.hand is None
        still_first = before is not None and before.first and not before.met
        self._target_before, self._target = before, Obeying(speed, measured, first or still_first)
        if self.hand is not None:
            self.hand = min(self.hand, speed)

    def concluded(self, outcome: Outcome, now: float) -> None:
        """A transaction ended."""
        match outcome.command:
            case RequestControl():
                self._control_concluded(outcome)
            case Start():
                self._start_concluded(outcome, now)
            case Target():
                self._target_concluded(outcome, now)
            case Stop():
                if outcome.control_denied:
                    self.control = False
                if self._stop is not None:
                    self._stop.concluded(outcome)
            case TargetIncline():
                pass

    def _control_concluded(self, outcome: Outcome) -> None:
        soft = self.machine is not None and self.machine.control_unanswered
        self.control = outcome.result is Result.SUCCESS or (outcome.result is Result.UNANSWERED and soft)
        if self._stop is not None:
            self._stop.control_concluded()
        elif not self.control:
            self._find("control_refused", outcome.error or outcome.result.value)

    def _start_concluded(self, outcome: Outcome, now: float) -> None:
        if self.state is not State.STARTING:
            return
        if outcome.result in {Result.SUCCESS, Result.UNANSWERED}:
            self._start_answered = now
        else:
            self._stop_for("start_refused", now, f"the treadmill did not take Start: {outcome.result.value}")

    def _target_concluded(self, outcome: Outcome, now: float) -> None:
        if self._target is None:
            return
        if outcome.result in {Result.SUCCESS, Result.UNANSWERED}:
            self._target.answered = now
        elif outcome.control_denied:
            self.control = False
            self._stop_for("control_lost", now)
        else:
            self._target = self._target_before
            self._find("target_refused", outcome.error or outcome.result.value)

    # --- small ------------------------------------------------------------------------------------

    def _find(self, finding_id: str, detail: str = "") -> None:
        fault = BY_ID.get(finding_id)
        if fault is not None and fault.reaction is Reaction.STOP and fault.clears is Clears.PERSON:
            self.faulted = True
        self._findings.append(Finding(finding_id, detail))

    def _silent(self, now: float) -> bool:
        silent = self.machine is not None and self.machine.silent_at_rest
        return silent and not self.motion.fresh(now, SILENT_S)

    def _deceleration(self) -> int:
        known = None if self.machine is None else self.machine.deceleration
        return known or UNKNOWN_DECELERATION
