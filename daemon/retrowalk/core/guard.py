"""The guard: sees every notification first, vets every frame out, and stops the belt by itself.

It keeps its own state (`watch.py`), refuses and never clamps, starts silent. Time is an argument. The laws:

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
    minimum, once motion is measured. Speed and incline never change together. An incline step is 0.5 %, from
    where the deck is reported to be.
G8  Above cap + 0.2 in two records: command the cap; still above what was commanded after 3 s + drop / decel,
    or above the ceiling: Stop. One that obeys a cap which slides on is told the lower one.
G9  Reality follows command: above a target by > 0.3 for 2 s, or 1.5 to 1.7 times the first one: Stop.
    Nothing faster than the first target is sent until it is met; its trial outlasts a hand, and a stop.
G10 No telemetry while moving: 2 s no raises (said at 3 s), 4 s Stop and alarm. An outstanding Start is
    exempt until motion; when it runs out it is stopped, with the alarm unless rest is known, and still has to
    be said. So it is with silence while a Start that a Stop overtook may still come.
G11 After a Stop: falling within 3 s, at rest (or presumed, and said still) in v/decel + 5 s, else PULL THE
    CORD. The frame is withheld only from a belt at rest with no Start outstanding, ours or the console's, and
    no still to be said.
G12 Control lost: disarm, Stop. Safety key, stop or pause on the console: disarm; it must come to rest.
G13 Motion while faulted, soon after a Stop, or where none may be: alarm and Stop; so it is soon after a
    rest of our session that nobody commanded, unless the console reported its Start key. Other motion while
    idle is manual use: watched, no frame sent.
G14 Nothing here starts by itself: every Start uses up an arming, every arming an act at the machine. A Start
    goes to a belt at rest, heard of within 2 s unless the machine is silent there, and not when the
    console's Start key was just pressed. One exception, `test_start`: commissioning sends one to an empty
    belt at its slowest, by an act of its own, to see whether the machine takes it for a Stop.
G15 The console wins: a hand on the speed becomes the target; only lower targets until a person says go on.
    While the belt falls, which may be a stop at the console, no target is above its speed. A zero from a
    moving belt is no hand, and nothing is sent on it, until it is known as rest. A target that the belt stays
    away below for 10 s is not met because of one.
G16 Heart rate (`wellbeing.py`) can only lower the session's wish: it needs no word here.

Where they are: `watch.py` (what is seen, G10 to G14) with `motion.py` (rest, moving, falling), `stopping.py`
(G3, G11, G12) and `late_starts.py` (G13: what may still start the belt); `arming.py` (G2, G10); `steering.py`
(G5 to G7) with `obeying.py` (G9, G15) and `capping.py` (G5, G8), both by `episode.py`.
"""

from blefit.units import Incline, Speed
from retrowalk.core.arming import INTENT_S, Arming
from retrowalk.core.authority import Approved, Authority, Refusal, Seal, State, parse
from retrowalk.core.exchange import Outcome, Result
from retrowalk.core.model import (
    Command,
    Direction,
    RequestControl,
    Start,
    Stop,
    Target,
    TargetIncline,
)
from retrowalk.core.steering import CONTROL_LOST, FRESH_S, Steering
from retrowalk.core.watch import Watch

_SEAL = Seal()
MAY_START_HIGH = (
    "this machine may start at its last speed, which is not known to be its slowest: stop, and begin with a"
    " forward part that is walked to its end"
)
UNHEARD = "the belt is not known to rest: nothing is heard of it (if it is silent at rest, commission it)"


class Guard(Watch):
    """One treadmill's guard. The control task calls it for every notification, frame and tick."""

    # --- authority --------------------------------------------------------------------------------

    def arm(self, authority: Authority, now: float) -> str:
        """G2: an act at the machine arms one start. Returns why not, or ''."""
        reason = self._why_not(authority)
        if not reason and not self._surely_resting(now):
            reason = "the belt is not known to rest" if self.motion.fresh(now, FRESH_S) else UNHEARD
        if not reason:
            self._take(authority, State.ARMED)
            self._arming = Arming(now, authority.wait_s)
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
        slowest_last = self._last_speed is not None and self._last_speed <= machine.minimum
        if high and authority.direction is Direction.BACKWARD and not slowest_last:
            return MAY_START_HIGH
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

    def test_start(self, now: float) -> str:
        """An act at the machine allows one Start to the running, empty belt (G14). Returns why not, or ''."""
        reason = self._why_no_test()
        self._start_test = None if reason else now
        return reason

    def _why_no_test(self) -> str:
        run = self._steering
        if run is None or not run.authority.empty_belt or self.state is not State.RUNNING or self.faulted:
            return "only an empty belt that runs is tested so"
        slowest = run.target_met and run.commanded == run.slowest
        return "" if slowest else "the belt is not at its slowest"

    def limit(self, speed: Speed, now: float) -> None:
        """The live cap: only ever lower within a session, sliding while the belt moves."""
        self._live_cap = speed if self._live_cap is None else min(speed, self._live_cap)
        if self._steering is not None:
            running = self._present_speed() if self.state is State.RUNNING else None
            self._steering.capping.lower(self._live_cap, running, now)

    def forget_limit(self) -> None:
        """A new session begins: the live cap of the last one is over."""
        self._live_cap = None

    # --- what could pass --------------------------------------------------------------------------

    def may_change_speed(self, now: float) -> bool:
        """No target waits for its answer, the incline is still, the speed is known: a target could pass."""
        ready = self._steering is not None and self._steering.ready(now)
        return ready and self.control and self._speed_is_known(now)

    def may_start(self, now: float) -> bool:
        """A Start could pass: the countdown has just ended, the belt is known to rest, control is granted; or
        it is the one that `test_start` allowed."""
        return self._review_start(now) is None

    def may_target_at_rest(self, now: float) -> bool:
        """On a machine that does not move without a target: 1 s after Start's answer, only once, and not on a
        belt that seems to fall."""
        calm = not self.motion.fell if self.motion.fresh(now, FRESH_S) else self._silent_machine
        return calm and self._target_at_rest_is_due(now)

    def _target_at_rest_is_due(self, now: float) -> bool:
        return self._start is not None and self._start.may_target(now) and self.commanded is None

    def incline_step(self, wanted: Incline, now: float) -> Incline | None:
        """The next step of the incline towards `wanted` that could pass now; None: none, or not yet."""
        if self._steering is None or not self.may_change_speed(now):
            return None
        return self._steering.incline_step(wanted)

    def demand(self, now: float, *, may_ask: bool) -> Command | None:
        """What the guard itself wants written now, ahead of every wish of the session.

        Without `may_ask` the link is not free for Request Control: that holds up no Stop.
        """
        if self._stop is not None:
            return self._stop.demand(self.motion, now, may_ask=may_ask)
        if self._steering is None or self._why_no_target(now) is not None:
            return None
        order = self._steering.order(now)
        return None if order is None or not self._speed_is_known(now) else Target(order)

    def _speed_is_known(self, now: float) -> bool:
        return self.motion.fresh(now, FRESH_S) and not self.motion.doubtful

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
        if self._start_test is not None:
            return self._review_start_test(self._start_test, now)
        if self._arming is None or self.faulted:
            return Refusal("G1", "not armed")
        if not self._arming.may_start(now):
            return Refusal("G2", "no countdown has just ended")
        told = self._silent_machine or self.motion.fresh(now, FRESH_S)
        if not (told and self._surely_resting(now)):
            return Refusal("G14", "the belt is not known to rest")
        if self.may_be_keyed(now):
            return Refusal("G14", "the console's Start key was pressed")
        return self._ungranted()

    def _review_start_test(self, allowed: float, now: float) -> Refusal | None:
        if now - allowed > INTENT_S:
            return Refusal("G2", "the act for it is over")
        reason = self._why_no_test() or ("" if self._speed_is_known(now) else "the speed is not known")
        return Refusal("G14", reason) if reason else self._ungranted()

    def _why_no_target(self, now: float) -> Refusal | None:
        machine = self.machine
        early = machine is not None and machine.needs_target_to_move and self._target_at_rest_is_due(now)
        if self.faulted or not (self.state is State.RUNNING or early):
            return Refusal("G1", "not armed, or no motion is measured")
        return self._ungranted()

    def _review_target(self, speed: Speed, now: float) -> Refusal | None:
        if self._steering is None:
            return Refusal("G1", "not armed")
        return self._why_no_target(now) or self._steering.review_target(speed, self.motion, now)

    def _review_incline(self, incline: Incline, now: float) -> Refusal | None:
        if self._steering is None or self.state is not State.RUNNING or self.faulted:
            return Refusal("G1", "not armed, or no motion is measured")
        if not self.motion.fresh(now, FRESH_S):
            return Refusal("G6", "telemetry is older than 2 s")
        return self._ungranted() or self._steering.review_incline(incline, now)

    # --- transactions -----------------------------------------------------------------------------

    def sent(self, approved: Approved, now: float) -> None:
        """The frame was handed to the link."""
        match approved.command:
            case Stop() if self._stop is not None:
                self._stop.sent(now)
                self._stop_was_sent(self._stop, now)
            case RequestControl() if self._stop is not None:
                self._stop.control_sent()
            case Start() if self._start_test is not None:
                self._start_test = None  # the run goes on, and is judged as before
            case Start():
                self.state, self._arming = State.STARTING, None
                self._start = self._outstanding(now)
                self._still_said = False
            case Target(speed) if self._steering is not None:
                self._steering.target_sent(speed, self.motion.at_least)
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
        if self._start is None:  # the belt moves by now, or was stopped
            if outcome.control_denied and self.state is State.RUNNING:
                self._stop_for(CONTROL_LOST, now)
            return
        if outcome.result in {Result.SUCCESS, Result.UNANSWERED}:
            self._start.answered = now
            return
        if outcome.result is Result.REFUSED:
            self._start = None  # it is not to come
        self._stop_for("start_refused", now, f"the treadmill did not take Start: {outcome.result.value}")

    def _steered(self, finding: str, outcome: Outcome, now: float) -> None:
        if finding == CONTROL_LOST:
            self._stop_for(CONTROL_LOST, now)
        elif finding:
            self._find(finding, outcome.error or outcome.result.value)
