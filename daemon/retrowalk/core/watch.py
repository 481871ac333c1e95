"""The watch: sees every notification first, knows what the belt does, and asks for a Stop by itself.

Half of the guard: what is measured and what follows from it. What may be written is in `guard.py`, with the
laws.
"""

from dataclasses import replace

from blefit.ftms.machine_status import MachineStatusOp
from blefit.units import Incline, Speed
from retrowalk.core.arming import Arming, Outstanding
from retrowalk.core.authority import Finding, State
from retrowalk.core.capping import ENFORCE
from retrowalk.core.faults import BY_ID, Clears
from retrowalk.core.late_starts import LateStarts
from retrowalk.core.model import (
    UNKNOWN_DECELERATION,
    Answer,
    Machine,
    Observation,
    Record,
    Status,
)
from retrowalk.core.motion import MOVING, REST, Motion
from retrowalk.core.obeying import AWAY, HAND, WRONG_SPEED
from retrowalk.core.steering import CONTROL_LOST, FRESH_S, Steering
from retrowalk.core.stopping import ASK_STILL, REST_UNKNOWN, RESTED, Stopping

LATE_SAID_S, LOST_S, REST_FRESH_S = 3.0, 4.0, 4.0
"""No raises after FRESH_S; that is said later, for at 1 Hz one lost record is no event."""
MANUAL_HEARD_S = 10.0
UNREACHED_S = 10.0
"""A daemon that begins with the moving-marker has so long to reach the treadmill before it is the alarm."""


class Watch:
    """What is known of one belt, armed or not, and the stop that is not over yet."""

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
        self._start_test: float | None = None
        """When an act allowed one Start to the running, empty belt (commissioning)."""
        self._steering: Steering | None = None
        self._stop: Stopping | None = None
        self._incline = Incline(0)
        """Of no arming: as commanded last, or below it as reported, for a step whose write was lost was not
        made."""
        self._live_cap: Speed | None = None
        self._tried = ""
        """The session of which a first target was met."""
        self._last_speed: Speed | None = None
        """What the machine may start at, if it remembers; None: nobody here knows, a run of ours has to end
        first."""
        self._starts_high = False
        self._left_start = False
        self._inherited = False
        self._unreached_since: float | None = None
        self._still_said = False
        self._late_starts = LateStarts()
        self._late = False

    # --- what others may know ---------------------------------------------------------------------

    def findings(self) -> list[Finding]:
        """What was noticed since the last call."""
        found, self._findings = self._findings, []
        return found

    def resting(self, now: float) -> bool:
        """The belt is known to rest: said, or measured (stale is unknown, but where silence is the rule)."""
        return self._still_said or self._measured_rest(now)

    def _surely_resting(self, now: float) -> bool:
        """A person's word is enough only where silence is the rule."""
        return self._measured_rest(now) or (self._still_said and self._silent_machine)

    def _measured_rest(self, now: float) -> bool:
        known = self._silent_machine or self.motion.fresh(now, REST_FRESH_S)
        return self.motion.at_rest and known and (self._stop is None or self._stop.believes_rest(now))

    @property
    def connected(self) -> bool:
        """There is a link to watch."""
        return self._connected_at is not None

    def manual(self, now: float) -> bool:
        """Somebody uses the treadmill without us (G13), as far as is heard: many fall silent at rest."""
        idle = self.connected and self.state is State.DISARMED and self._stop is None
        heard = self.motion.moving and self.motion.fresh(now, MANUAL_HEARD_S)
        return idle and heard and not self.faulted

    @property
    def stopping(self) -> bool:
        """A stop, ours or the console's, has not come to rest yet."""
        return self._stop is not None

    @property
    def urgent(self) -> bool:
        """What is written now for a Stop's sake keeps no space from the frame before."""
        return self._stop is not None and self._stop.urgent

    @property
    def commanded(self) -> Speed | None:
        """The target in force: ours, or the hand's."""
        return None if self._steering is None else self._steering.commanded

    @property
    def hand(self) -> Speed | None:
        """G15: the speed that a person set at the console."""
        return None if self._steering is None else self._steering.hand

    @property
    def hand_is_newest(self) -> bool:
        """No target of ours has been sent since that hand."""
        return self._steering is not None and self._steering.hand_is_newest

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

    # --- what people say --------------------------------------------------------------------------

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

    def inherit(self) -> None:
        """A session of a process that is gone left the moving-marker: the belt may run, or be about to."""
        self.left_running = self._inherited = True

    def connect(self, machine: Machine, now: float) -> None:
        """A new connection: nothing is known of the belt, nothing is granted."""
        if self.connected:
            self.disconnect(now)
        self.machine = machine
        self.motion = Motion()
        self._connected_at = now
        self.control = self._still_said = False
        self._late_starts.connected(self._outstanding(now) if self._inherited else None)
        self._last_speed = None
        if self._left_start:
            self._left_start = False
            self.want_stop(now, must_write=True)

    def disconnect(self, now: float) -> None:
        """The link is gone: a belt of ours is assumed to run."""
        owed = self._stop is not None and self._stop.owed
        self._left_start = self._left_start or self.state is State.STARTING or owed
        ran = (
            self.state in {State.STARTING, State.RUNNING}
            or self._stop is not None
            or self.may_start_late(now)
        )
        self.left_running = self.left_running or ran
        self._late_starts.unheard_since(now)
        if self.left_running:
            self._find("link_lost")
            self._unreached_since = float("inf")
        self._disarm()
        self._stop = self._connected_at = None
        self.control = self._still_said = False

    def observe(self, observation: Observation, now: float) -> None:
        """Every notification comes here before anybody else sees it."""
        match observation:
            case _ if not self.connected:
                pass
            case Record(data):
                if data.inclination is not None:
                    self._incline = min(self._incline, Incline(max(data.inclination, 0)))
                    if self._steering is not None:
                        self._steering.deck = data.inclination
                if data.instantaneous_speed is not None:
                    self._record(data.instantaneous_speed, now)
            case Status(status):
                self._status(status.op_code, now)
            case Answer(response) if self._stop is not None:
                self._stop.answered(response)
            case _:
                pass

    def _record(self, speed: Speed, now: float) -> None:
        was_moving, stirred = self.motion.moving, self.motion.stirred
        if self.motion.at is not None and now - self.motion.at >= LOST_S:
            self._late_starts.unheard_since(self.motion.at)
        self._late_starts.heard(now)
        self.motion.record(speed, now)
        self._late = False
        if self.motion.moving and not was_moving:
            self._late_starts.use_up_key()
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
        elif stirred and self.motion.at_rest:  # by hand, and not for long: that act armed no second start
            self._disarm()

    def _status(self, op_code: int | None, now: float) -> None:
        match op_code:
            case MachineStatusOp.STOPPED_BY_SAFETY_KEY:
                self._find("safety_key")
                self._console_stop(now)
            case MachineStatusOp.STOPPED_OR_PAUSED_BY_USER:
                if self.state is not State.DISARMED:
                    self._find("console_stop")
                self._console_stop(now)
            case MachineStatusOp.STARTED_OR_RESUMED_BY_USER if not self._start_takes_effect:
                self._start_key(now)
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

    def _start_key(self, now: float) -> None:
        """Pressed while the belt runs it starts no session: whatever moves the belt later may be a foot."""
        self._late_starts.press(self._outstanding(now))
        runs = self.motion.moving and not self.motion.doubtful and self.motion.fresh(now, FRESH_S)
        if runs and self._stop is None:
            self._find("start_key_again")
        else:
            self._find("start_key")

    def _console_stop(self, now: float) -> None:
        if self._late_starts.use_up_key():
            self._find("start_key_undone")
        if self.state is State.STARTING:
            self.want_stop(now)
        elif self.state is State.RUNNING:
            self._stop = self._stopping(now, ours=False)
            self._disarm()
        else:
            self._disarm()

    # --- judgements -------------------------------------------------------------------------------

    def _judge_idle(self, speed: Speed, now: float, *, began: bool) -> None:
        self._ran_at(speed)
        if self.faulted or self.distrusted or self.forbid_motion or self._late_starts.nobodys(now):
            self._stop_for("unexpected_motion", now)
            return
        if began:
            self._disarm()
            self._find("manual")

    def _ran_at(self, speed: Speed) -> None:
        if self._last_speed is not None:
            self._last_speed = max(speed, self._last_speed)

    def _judge_left_running(self, now: float) -> None:
        """Rest withholds Stop, but it is known only when no Start can be outstanding any more."""
        assert self._connected_at is not None
        motion = self.motion
        if self._measured_rest(now):
            if not self._late_starts.unseen(now):
                self._rested(now)
        elif now >= self._connected_at + FRESH_S or (motion.speed is not None and motion.speed > MOVING):
            self.want_stop(now)

    def _judge_run(self, steering: Steering, speed: Speed, now: float) -> None:
        if self._start is not None and not self._has_started(self._start, speed):
            return
        if self.motion.at_rest:
            self._find("console_stop")
            self._stop = self._stopping(now, ours=False)
            self._disarm()
            self._judge_stop(self._stop, now)
            return
        if self.motion.doubtful:
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
        verdict = stop.judge(self.motion, now)
        if verdict == RESTED:
            self._rested(now)
        elif verdict:
            self.distrusted = self.distrusted or verdict in {ASK_STILL, REST_UNKNOWN}
            self._find(verdict)

    def _rested(self, now: float) -> None:
        stop, self._stop = self._stop, None
        self._late_starts.rested(now, at_console=stop is not None and not stop.ours)
        if stop is not None and stop.asked_still is not None and not stop.must_write:
            self.distrusted = False
        self.left_running = self._inherited = False
        self._find("rest")

    # --- time -------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Judge what silence means. Called at least four times a second."""
        if self._connected_at is None:
            self._tick_unreached(now)
            return
        if self._stop is not None:
            self._judge_stop(self._stop, now)
        elif self.left_running:
            self._judge_left_running(now)
        elif self._may_run_unheard(now):
            self._stop_for("start_unknown", now)
            self.distrusted = True
        elif self._arming is not None:
            self._tick_armed(self._arming, now)
        elif self._start is not None:
            self._tick_starting(self._start, now)
        elif self.state is State.RUNNING:
            self._tick_moving(now)

    def _tick_unreached(self, now: float) -> None:
        """A belt that a process which is gone left running, and no link yet: the alarm, once."""
        if not self._inherited:
            return
        if self._unreached_since is None:
            self._unreached_since = now
        elif now - self._unreached_since >= UNREACHED_S:
            self._unreached_since = float("inf")
            self._find("link_lost")

    def _tick_armed(self, arming: Arming, now: float) -> None:
        if arming.lapsed(now):
            self._disarm()
            self._find("arming_expired")

    def _tick_starting(self, start: Outstanding, now: float) -> None:
        moves = self.motion.speed is not None and self.motion.speed > MOVING
        if moves or not start.run_out(now):
            if start.moved:
                self._tick_moving(now)
            return
        if self.motion.rests(now, FRESH_S):
            self._stop_for("start_failed", now)  # it may come late, or run behind zeros
        elif not (self.motion.at_rest and self.motion.fresh(now, FRESH_S)):
            self._stop_for("start_unknown", now)
        # else the next record tells: of a slow machine the last two are never young both for long

    def _may_run_unheard(self, now: float) -> bool:
        """The belt rested, a frame of ours may start it all the same, and nothing tells whether it did."""
        stirs = self.motion.speed is not None and self.motion.speed > REST
        may_start = self.may_start_late(now) or (self.may_start_by_stop(now) and stirs)
        told = self._silent_machine or self._still_said or self.distrusted or self.motion.fresh(now, LOST_S)
        return self.state in {State.DISARMED, State.ARMED} and may_start and not told

    def _tick_moving(self, now: float) -> None:
        age = self.motion.age(now)
        assert age is not None
        if age >= LOST_S:
            self._stop_for("telemetry_lost", now)
        elif age >= LATE_SAID_S and not self._late:
            self._late = True
            self._find("telemetry_late")

    # --- stopping ---------------------------------------------------------------------------------

    def want_stop(self, now: float, *, must_write: bool = False) -> None:
        """G3: stop the belt. Only one known to rest, with no Start outstanding, is left alone (G11)."""
        ran_out = self._start is not None and self._start.run_out(now)
        self.distrusted = self.distrusted or ran_out
        overtaken = must_write or (self._start is not None and not ran_out)
        outstanding = overtaken or self._late_starts.unseen(now)
        may_start = outstanding or self.state is State.STARTING or self.may_be_keyed(now) or self.distrusted
        stopping = self._stopping(now, ours=True, must_write=may_start)
        self._disarm()
        if self._stop is not None:
            self._stop.join(now)
        elif self.connected:
            if may_start or self.left_running or not self._surely_resting(now):
                self._stop = stopping
        elif self.left_running or self.motion.moving:
            self.left_running = True  # or seen moving by hand, and now it cannot be reached
            self._find("link_lost")
        if overtaken:
            self._late_starts.overtake(self._outstanding(now))
        if outstanding:
            self._late_starts.still_outstanding(now)

    def _stop_was_sent(self, stop: Stopping, now: float) -> None:
        assert self.machine is not None, "there is a link"
        speed = self.motion.speed
        slow = speed is None or speed < self.machine.minimum
        if slow or self.motion.falling(now) or stop.writes > 1:  # the one before may have reached it by now
            self._late_starts.stop_sent(self._outstanding(now))

    def may_start_late(self, now: float) -> bool:
        """A Start of ours that a Stop overtook may still be waited for."""
        return self._late_starts.overtaken(now)

    def may_start_by_stop(self, now: float) -> bool:
        """A Stop reached a belt that was about to rest: some machines start on it."""
        return self._late_starts.by_stop(now)

    def starts_late(self, now: float) -> bool:
        """A Start of ours that a Stop overtook moves the belt all the same."""
        moves = self._stop is not None and self.motion.moving
        return moves and self._late_starts.by_overtaken(now)

    def _stopping(self, now: float, *, ours: bool, must_write: bool = False) -> Stopping:
        return Stopping(
            now,
            self._present_speed(),
            deceleration=self._deceleration(),
            highest=self.motion.speed or Speed(0),
            ours=ours,
            must_write=must_write,
            silent_machine=self._silent_machine,
            echoes_target=self.machine is not None and self.machine.echoes_target,
        )

    def _present_speed(self) -> Speed | None:
        """Measured, or what a belt on its way up will have."""
        return max((s for s in (self.motion.speed, self.commanded) if s is not None), default=None)

    def _stop_for(self, fault_id: str, now: float, detail: str = "") -> None:
        self._find(fault_id, detail)
        self.want_stop(now)

    def disarm(self, now: float) -> None:
        """The session lets go: a belt that runs, or may start, is stopped (G11)."""
        if self.state in {State.STARTING, State.RUNNING}:
            self.want_stop(now)
        else:
            self._disarm()

    def _disarm(self) -> None:
        self.state = State.DISARMED
        steering, self._steering = self._steering, None
        self._arming = self._start = self._start_test = None
        if steering is None:
            return
        self._incline = steering.incline
        self._starts_high = self._starts_high or steering.started_high
        if steering.commanded is not None:
            self._last_speed = steering.commanded
            if self.motion.speed is not None and self.motion.speed > steering.commanded + AWAY:
                self._ran_at(self.motion.speed)  # a hand that was not known as one yet
        if not steering.trial:
            self._tried = steering.authority.session_id

    # --- small ------------------------------------------------------------------------------------

    def _find(self, finding_id: str, detail: str = "") -> None:
        fault = BY_ID.get(finding_id)
        if fault is not None and fault.clears is Clears.PERSON:
            self.faulted = True
        self._findings.append(Finding(finding_id, detail))

    def _outstanding(self, now: float) -> Outstanding:
        """A Start to this machine, from now on."""
        assert self.machine is not None, "a link comes with its machine"
        return Outstanding(now, self.machine.start_delay_s)

    def may_be_keyed(self, now: float) -> bool:
        """The console's Start key may move the belt at any moment."""
        return self._late_starts.keyed(now)

    @property
    def _silent_machine(self) -> bool:
        """It is known to fall silent at rest."""
        return self.machine is not None and self.machine.silent_at_rest

    def _deceleration(self) -> int:
        known = None if self.machine is None else self.machine.deceleration
        return known or UNKNOWN_DECELERATION
