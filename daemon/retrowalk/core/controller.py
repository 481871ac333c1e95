"""One treadmill's mind: what happens and what people ask goes in, effects and one wish at a time come out.

Pure: the shell gives it time, octets and requests, carries out its effects, and reads its snapshot.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from blefit.units import Speed, kmh
from retrowalk.core.authority import Authority, Finding, Refusal, State
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.compiler import Violations, compile_program
from retrowalk.core.decoding import Decoder, Garbled
from retrowalk.core.energy import Totals
from retrowalk.core.exchange import Outcome, Result
from retrowalk.core.faults import BY_ID, Clears, Ledger, Reaction
from retrowalk.core.guard import Guard
from retrowalk.core.limits import Limits, Refusals, limits_for
from retrowalk.core.model import (
    AckFault,
    Act,
    Command,
    Confirm,
    Connected,
    Direction,
    DropLink,
    Effect,
    Emitted,
    Happening,
    Lease,
    Lost,
    Machine,
    Mark,
    Marked,
    Notified,
    Observation,
    Offer,
    PauseSession,
    Phase,
    Pulse,
    Quarantine,
    Record,
    Replied,
    Request,
    ResumeSession,
    Said,
    SetCap,
    Skip,
    Snapshot,
    Status,
    Steps,
    StopSession,
    Unmark,
    Written,
)
from retrowalk.core.program import Program
from retrowalk.core.session import Halt, Restraint, Session, Stage
from retrowalk.core.timeline import Timeline
from retrowalk.core.wellbeing import Heart, Presence
from retrowalk.core.wellbeing import Lease as LeaseWatch

KEEP_ENDED_S = 10.0
"""The phase `ended` is shown for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the config says of one treadmill's sessions."""

    site: SiteLimits
    find_program: Callable[[str], Program]
    """By name or path; raises LookupError or ValueError with a sentence for the person."""
    new_id: Callable[[], str]
    guarded: bool = False
    presence_source: bool = False
    """The config declares a source of presence evidence (a strap, a paired OK button that is held)."""
    ok_in_reach: bool = True
    alarm_reaches_walker: bool = True
    """An output is declared that a person facing backward can notice."""
    manual_use_allowed: bool = True
    maximum_heart_rate: int | None = None
    walker_weight_kg: float | None = None


class Door(Protocol):
    """`belt.Belt`, as this room sees it: the only way a frame leaves."""

    guard: Guard

    def connect(self, connection: int, machine: Machine, now: float) -> None: ...
    def disconnect(self) -> None: ...
    def observe(self, observation: Observation, now: float) -> Outcome | None: ...
    def written(self, event: Written, now: float) -> Outcome | None: ...
    def tick(self, now: float) -> Outcome | None: ...
    def want(self, command: Command | None, now: float) -> Refusal | None: ...
    def stop_stuck(self, now: float) -> bool: ...


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """A request that is answered with no, and why."""


class Controller:
    """The decisions of one treadmill. `feed` every happening, then `act`, at least four times a second."""

    def __init__(self, setup: Setup, belt: Door, *, left_running: bool = False) -> None:
        self._setup = setup
        self.belt = belt
        self.guard = belt.guard
        self.guard.left_running = left_running
        self.session: Session | None = None
        self.machine: Machine | None = None
        self._ledger = Ledger()
        self._connection: int | None = None
        self._decoder = Decoder()
        self._effects: list[Effect] = []
        self._waiting_replies: dict[str, list[Request]] = {}
        self._totals = Totals(setup.walker_weight_kg)
        self._heart = Heart(setup.maximum_heart_rate)
        self._lease = LeaseWatch()
        self._presence = Presence(60.0)
        self._marked = left_running
        self._ended_at: float | None = None
        self._start_key_at: float | None = None
        self._clearing: list[Request] = []
        self._drop_asked = False
        self._manual = False

    # --- in ---------------------------------------------------------------------------------------

    def feed(self, happening: Happening, now: float) -> None:
        """One thing happened. Frames of another connection are dropped."""
        match happening:
            case Connected():
                self._connected(happening, now)
            case Request():
                self._asked(happening, now)
            case Marked(session_id, error):
                self._marker(session_id, error, now)
            case Lost(connection, why) if connection == self._connection:
                self._lost(why, now)
            case Notified(connection) if connection == self._connection:
                for observation in self._decoder.feed(happening):
                    self._observe(observation, now)
            case Written(connection) if connection == self._connection:
                self._concluded(self.belt.written(happening, now))
            case _:
                pass
        self._heed(now)

    def act(self, now: float) -> None:
        """Time passed or something happened: judge, go on, and send what has to be sent."""
        self._concluded(self.belt.tick(now))
        self._heed(now)
        session = self.session
        wish = None
        if session is not None:
            session.advance(self.guard, self._restraint(now), now)
            self._care(session, now)
            self._halt_if_eased(session, now)
            self._take_notes(session, now)
            wish = session.wish(self.guard, now)
        refusal = self.belt.want(wish, now)
        if refusal is not None:
            self._fault("refusal", now, f"{refusal.law}: {refusal.reason}")
            self.guard.faulted = True
            self.guard.want_stop(now)
            self.belt.want(None, now)
        self._heed(now)
        if self.belt.stop_stuck(now) and not self._drop_asked:
            self._drop_asked = True
            self._fault("stop_unsent", now)
            self._effects.append(DropLink("a Stop could not be written within 2 s"))
        self._totals.advance(self.guard.motion, self._facing, now, fresh_s=4.0)
        self._settle(now)

    def effects(self) -> Iterator[Effect]:
        """What the shell has to do, in order; each once."""
        effects, self._effects = self._effects, []
        return iter(effects)

    # --- the link ---------------------------------------------------------------------------------

    def _connected(self, happening: Connected, now: float) -> None:
        self._connection = happening.connection
        self.machine = happening.machine
        self._decoder = Decoder()
        self._drop_asked = False
        self.belt.connect(happening.connection, happening.machine, now)
        self._emit("link_restored", machine=happening.machine.name)

    def _lost(self, why: str, now: float) -> None:
        self._connection = None
        self.belt.disconnect()
        self._emit("link_lost", reason=why)
        if self.session is not None and self.session.stage is not Stage.OFFERED:
            self._end_session("interrupted: the link was lost", now)

    def _observe(self, observation: Observation | Garbled, now: float) -> None:
        if isinstance(observation, Garbled):
            self._emit("garbled", uuid=observation.uuid, hex=observation.hex, reason=observation.reason)
            return
        self._concluded(self.belt.observe(observation, now))
        match observation:
            case Record(data):
                self._totals.record(data)
                self._presence.sense(data.vendor_step_count, data.force_on_belt, now)
                if data.heart_rate is not None:
                    self._heart.beat(data.heart_rate, now)
            case Steps():
                self._presence.seen(now, sensed=True)
            case Pulse(bpm, contact):
                if bpm is not None:
                    self._heart.beat(bpm, now)
                if contact:
                    self._presence.seen(now, sensed=True)
            case Status():
                pass
            case _:
                pass

    def _concluded(self, outcome: Outcome | None) -> None:
        if outcome is not None and outcome.result not in {Result.SUCCESS, Result.OVERTAKEN}:
            command = type(outcome.command).__name__
            self._emit("control_point", command=command, result=outcome.result.value, code=outcome.code)

    # --- what the guard noticed -------------------------------------------------------------------

    def _heed(self, now: float) -> None:
        for finding in self.guard.findings():
            self._heed_one(finding, now)

    def _heed_one(self, finding: Finding, now: float) -> None:
        session = self.session
        if finding.id in BY_ID:
            self._heed_fault(finding, now)
            return
        match finding.id:
            case "moving" if session is not None:
                session.moving(now)
                self._reply_waiting("start", "done")
                self._reply_waiting("resume", "done")
            case "rest":
                self._rest(now)
            case "ask_still":
                self._say("Is the belt still? Say still at the machine when it is.")
            case "start_key":
                self._start_key_at = now
                self._presence.seen(now)
            case "manual":
                self._manual_use(now)
            case "arming_expired" if session is not None:
                self._end_or_wait(session, "the start came too late", now)
            case "control_refused" if session is not None and session.stage is Stage.WALKING:
                self._fault("control_lost", now, finding.detail)
                self.guard.want_stop(now)
            case _:
                self._emit("note", id=finding.id, detail=finding.detail)

    def _heed_fault(self, finding: Finding, now: float) -> None:
        session = self.session
        if finding.id == "console_stop":
            self._presence.seen(now)
            self._emit("held", reason="console stop")
            if session is not None:
                session.console_stopped(now)
            return
        if finding.id == "hand":
            self._presence.seen(now)
            self._emit("held", reason="hand on the console")
        if finding.id == "cap_enforced":
            self._emit(
                "cap_enforced", measured_kmh=_kmh(self.guard.motion.speed), cap_kmh=_kmh(self.guard.cap(now))
            )
        if finding.id == "wrong_speed":
            self._effects.append(
                Quarantine(f"it ran faster than told ({finding.detail}): commission it again")
            )
        self._fault(finding.id, now, finding.detail)

    def _fault(self, fault_id: str, now: float, detail: str = "") -> None:
        fault = BY_ID[fault_id]
        if not self._ledger.raise_(fault_id, now):
            return
        self._emit("fault", id=fault.id, cause=fault.cause, law=fault.law, detail=detail, text=fault.sentence)
        self._say(fault.sentence, alarm=fault.alarm)
        session = self.session
        if session is None:
            return
        if fault.reaction is Reaction.STOP:
            self._end_session(fault.id, now)
        elif fault.reaction is Reaction.SLOW and session.stage is Stage.WALKING:
            session.end_reason = fault.id
            session.ask_to_halt(Halt.END, now)

    def _rest(self, now: float) -> None:
        self._reply_waiting("stop", "done")
        self._reply_waiting("pause", "done")
        for fault_id in ("hand", "telemetry_late", "cap_enforced"):
            self._ledger.end(fault_id)
        if self.session is not None:
            self.session.rested(now)

    def _manual_use(self, now: float) -> None:
        session, key_at = self.session, self._start_key_at
        if (
            key_at is not None
            and now - key_at <= 30.0
            and session is not None
            and self._console_may_start(session)
        ):
            authority = self._authority(session)
            if not self.guard.take_over(authority, now):
                self._mark(session)
                session.moving(now, console=True)
                self._reply_waiting("start", "done")
                return
        if not self._setup.manual_use_allowed:
            self._fault("unexpected_motion", now)
            self.guard.faulted = True
            self.guard.want_stop(now)
            return
        self._manual = True
        self._emit("manual", measured_kmh=_kmh(self.guard.motion.speed))

    def _console_may_start(self, session: Session) -> bool:
        if session.stage is Stage.OFFERED:
            return session.segment.kind == "walk" and session.facing is Direction.FORWARD
        return (
            session.stage is Stage.WAITING
            and session.halt in (Halt.PAUSE, Halt.REST)
            and not session.backward
        )

    # --- people -----------------------------------------------------------------------------------

    def _asked(self, request: Request, now: float) -> None:
        try:
            done = self._serve(request, now)
        except Refused as refusal:
            self._emit("refused", command=_name(request), source=request.source, reason=str(refusal))
            self._reply(request, "refused", str(refusal))
            return
        self._reply(request, "accepted")
        if done:
            self._reply(request, "done")
        else:
            self._waiting_replies.setdefault(_name(request), []).append(request)
            if isinstance(request.ask, StopSession):
                self._stop(now)

    def _serve(self, request: Request, now: float) -> bool:
        """Do what is asked; True if it is done by that, False if its end is still to come."""
        match request.ask:
            case StopSession():
                return False
            case Offer():
                self._offer(request.ask, now)
                return False
            case Confirm(act):
                self._confirm(act, now)
                return True
            case PauseSession():
                self._walking("pause").ask_to_halt(Halt.PAUSE, now)
                self._say("Pausing: the belt is stopping.")
                return False
            case ResumeSession():
                return self._resume()
            case Skip():
                session = self._walking("skip")
                self._skip(session, now)
                return True
            case SetCap(speed):
                self._set_cap(speed, now)
                return True
            case Lease():
                if self.session is None:
                    raise Refused("there is no session to hold a lease for")
                self._lease.renew(now)
                return True
            case AckFault():
                if self._ledger.worst is None:
                    raise Refused("there is no fault to silence")
                self._ledger.silenced = True
                self._say("", alarm=False)
                return True

    def _walking(self, what: str) -> Session:
        session = self.session
        if session is None or session.stage is not Stage.WALKING:
            raise Refused(f"nothing to {what}: no step is being walked")
        return session

    def _stop(self, now: float) -> None:
        if self.session is not None:
            self._end_session("stopped on request", now)
        self.guard.want_stop(now)
        self.belt.want(None, now)
        if self._connection is None and self.guard.left_running:
            return  # it is the first thing written when the link is back
        if not self.guard.stopping:
            self._reply_waiting("stop", "done")

    def _offer(self, offer: Offer, now: float) -> None:
        if self.session is not None and self.session.stage is not Stage.ENDED:
            raise Refused("a session is on already: stop it first")
        machine = self.machine
        if machine is None or self._connection is None:
            raise Refused("the treadmill is not connected")
        if self._ledger.latched or self.guard.faulted:
            raise Refused(f"a fault has to be cleared at the machine first ({self._fault_id()})")
        if self.guard.manual:
            raise Refused("the belt is in manual use: stop it at the console first")
        if self.guard.stopping or self.guard.left_running:
            raise Refused("the belt is not known to rest yet")
        timeline, limits = self._compiled(offer.program, machine)
        if timeline.backward_s > 0 and not self._setup.alarm_reaches_walker:
            raise Refused(
                "no alarm output reaches somebody facing backward: set terminal or voice in [alarm] outputs"
            )
        self._ledger.clear(Clears.SESSION)
        self.guard.forget_limit()
        self._lease.end()
        self._presence = Presence(limits.presence_s)
        self._totals.begin(now)
        self._ended_at = None
        self.session = Session(
            self._setup.new_id(), timeline, limits, machine, now, walker=offer.walker, window_s=offer.window_s
        )
        self._emit("session_offered", program=timeline.name, walker=offer.walker)
        for warning in timeline.warnings:
            self._say(warning)
        self._say(
            f"{timeline.name} is offered. Stand on the side rails, cord clipped, and press start there."
        )

    def _compiled(self, name: str, machine: Machine) -> tuple[Timeline, Limits]:
        setup = self._setup
        try:
            program = setup.find_program(name)
        except (LookupError, ValueError) as error:
            raise Refused(" ".join(str(error.args[0] if error.args else error).split())) from None
        if program.level > setup.site.level:
            raise Refused(
                f"{program.name} is level {program.level}, the session's level is {setup.site.level}"
            )
        limits = limits_for(
            machine,
            site=setup.site,
            level=min(program.level, setup.site.level),
            guarded=setup.guarded,
            knee=program.purpose == "knee",
            has_presence=machine.reports_presence or setup.presence_source,
            ok_in_reach=setup.ok_in_reach,
        )
        if isinstance(limits, Refusals):
            raise Refused("; ".join(limits.sentences))
        timeline = compile_program(program, limits, machine)
        if isinstance(timeline, Violations):
            raise Refused("; ".join(str(violation) for violation in timeline.violations))
        return timeline, limits

    def _confirm(self, act: Act | None, now: float) -> None:
        session = self.session
        awaited = self._awaiting(now)
        act = awaited if act is None else act
        if act is None:
            raise Refused("nothing is asked at this moment")
        self._presence.seen(now)
        match act:
            case Act.STILL:
                self._still(now)
            case Act.CLEAR:
                self._clear(now)
            case Act.OK:
                self._ok()
            case Act.START | Act.FACING:
                if session is None or awaited is not act:
                    asked = "nothing is asked" if awaited is None else f"{awaited.value} is asked"
                    raise Refused(f"{act.value} does not fit: {asked} at this moment")
                self._start(session, now)

    def _still(self, now: float) -> None:
        reason = self.guard.said_still(now)
        if reason:
            raise Refused(f"the belt is not still: {reason}")
        self._heed(now)

    def _clear(self, now: float) -> None:
        if self._ledger.worst is None:
            raise Refused("there is no fault to clear")
        reason = self.guard.clear(now)
        if reason:
            raise Refused(reason)
        for fault in self._ledger.clear(Clears.PERSON, Clears.SESSION, Clears.ITSELF):
            self._emit("fault_cleared", id=fault.id)
        self._say("Cleared.")

    def _ok(self) -> None:
        session = self.session
        if self.guard.hand is not None:
            self.guard.resume_from_hand()
            self._ledger.end("hand")
            self._emit("resumed")
        if session is not None:
            session.console_started = False

    def _start(self, session: Session, now: float) -> None:
        if session.goes_on_at_rest(now):
            return
        direction = session.segment.direction if session.halt is Halt.TURN else session.facing
        reason = self.guard.arm(self._authority(session, direction), now)
        if reason:
            raise Refused(reason)
        self._mark(session)
        session.ready(now)

    def _resume(self) -> bool:
        session = self.session
        if session is None:
            raise Refused("there is no session to resume")
        if self.guard.hand is not None:
            self._say("Press OK at the machine to go on with the program.")
        elif session.stage is Stage.WAITING and session.halt is Halt.PAUSE:
            self._say("Press start at the machine to go on.")
        else:
            raise Refused("nothing to resume: the session is not paused or held")
        return self.guard.hand is not None

    def _skip(self, session: Session, now: float) -> None:
        if self.guard.hand is not None:
            raise Refused("a hand is on the console: press OK at the machine first")
        session.skip(now)

    def _set_cap(self, speed: Speed, now: float) -> None:
        if self.session is None or self.machine is None:
            raise Refused("there is no session whose cap could be lowered")
        if speed < self.machine.minimum:
            raise Refused(
                f"{kmh(speed):g} km/h is below the machine's slowest, {kmh(self.machine.minimum):g}: use stop"
            )
        present = self._cap(now)
        if present is not None and speed > present:
            raise Refused(f"a cap can only be lowered: it is {kmh(present):g} km/h")
        self.guard.limit(speed, now)

    # --- the session's life -----------------------------------------------------------------------

    def _authority(self, session: Session, direction: Direction | None = None) -> Authority:
        way = session.facing if direction is None else direction
        limits = session.limits
        return Authority(
            session_id=session.id,
            direction=way,
            ceiling=limits.ceiling(way),
            cap=max(min(limits.cap(way), session.timeline.highest(way)), limits.first_target),
            step_up=limits.step_up,
            step_down=limits.step_down,
            incline_cap=limits.incline_cap,
        )

    def _mark(self, session: Session) -> None:
        if not self._marked:
            self._effects.append(Mark(session.id))

    def _marker(self, session_id: str, error: str, now: float) -> None:
        if error:
            self._fault("start_refused", now, error)
            self._say(f"The session cannot start: {error}")
            self.guard.disarm(now)
            return
        if self.session is not None and self.session.id == session_id:
            self._marked = self.guard.marked = True

    def _restraint(self, now: float) -> Restraint:
        worst = self._ledger.worst
        calm = worst is None or worst.reaction < Reaction.HOLD
        fresh = self.guard.motion.fresh(now, 2.0)
        if fresh:
            self._ledger.end("telemetry_late")
        lease_slow = self._lease.slow(now)
        may_raise = (
            calm and fresh and self._heart.may_raise(now) and not lease_slow and not self._presence.asking
        )
        return Restraint(may_raise=may_raise, slow=lease_slow)

    def _care(self, session: Session, now: float) -> None:
        if self._lease.lost(now) and session.started:
            self._fault("lease_lost", now)
            self.guard.want_stop(now)
            return
        match self._heart.watch(now) if session.stage is Stage.WALKING else "":
            case "warn":
                self._say("No heart rate for 30 seconds. Check the strap.")
            case "":
                pass
            case fault_id:
                self._fault(fault_id, now)
        walking_backward = session.backward and session.stage is Stage.WALKING
        match self._presence.watch(now, backward=walking_backward):
            case "ask":
                self._say("All good? Press OK at the machine.")
                self._emit("cue", text="All good? Press OK at the machine.")
            case "missing":
                self._fault("presence_missing", now)
            case _:
                pass
        too_long = session.moving_s > session.limits.session_s and not session.segment.cooling_down
        if session.stage is Stage.WALKING and too_long:
            session.ask_to_halt(Halt.END, now)

    def _halt_if_eased(self, session: Session, now: float) -> None:
        if session.eased(self.guard, now):
            session.halting(now)
            self.guard.want_stop(now)

    def _end_session(self, reason: str, now: float) -> None:
        session = self.session
        if session is None or session.stage is Stage.ENDED:
            return
        session.end(now, reason)
        self._take_notes(session, now)
        self.guard.disarm(now)

    def _end_or_wait(self, session: Session, reason: str, now: float) -> None:
        if session.started:
            session.console_stopped(now)
        else:
            self._end_session(reason, now)

    def _take_notes(self, session: Session, now: float) -> None:
        for note in session.notes():
            self._effects.append(note)
        if session.stage is Stage.ENDED and self._ended_at is None:
            self._ended_at = now
            if self.guard.state is not State.DISARMED:
                self.guard.disarm(now)
            for command in ("start", "pause", "resume"):
                self._reply_waiting(command, "failed", session.end_reason)
            self._lease.end()
            self._ledger.clear(Clears.SESSION) if session.completed else None

    def _settle(self, now: float) -> None:
        """What follows from where things stand: the marker, who may start the belt, what is over."""
        session = self.session
        if self._manual and not self.guard.motion.moving:
            self._manual = False
        faulted = self._ledger.alarm is not None or (self._ledger.worst is not None and self._ledger.latched)
        if faulted and self._waiting_replies.get("stop") and self._ledger.has("stop_ignored"):
            self._reply_waiting("stop", "failed", BY_ID["stop_ignored"].sentence)
        waiting = session is not None and session.stage is Stage.WAITING
        self.guard.forbid_motion = bool(
            waiting
            and session is not None
            and session.halt is not Halt.BELTOFF
            and not self._console_may_start(session)
        )
        idle = self.guard.state is State.DISARMED and not self.guard.stopping and not self.guard.left_running
        over = session is None or session.stage is Stage.ENDED
        if self._marked and over and idle and self.guard.resting(now):
            self._marked = self.guard.marked = False
            self._effects.append(Unmark())
        if (
            over
            and session is not None
            and self._ended_at is not None
            and now - self._ended_at > KEEP_ENDED_S
        ):
            self.session = None

    # --- out --------------------------------------------------------------------------------------

    @property
    def alarm(self) -> str:
        """The sentence that repeats now, or ''."""
        fault = self._ledger.alarm
        return "" if fault is None else fault.sentence

    @property
    def fault(self) -> str:
        """The id of the most severe fault in force, or ''."""
        return self._fault_id() or ""

    def at_rest(self, now: float) -> bool:
        """Nothing is left to stop: the belt is known to rest, or was never ours."""
        if self._connection is None:
            return not self.guard.left_running
        return self.guard.resting(now) or (self.guard.state is State.DISARMED and not self.guard.stopping)

    @property
    def marked(self) -> bool:
        """The moving-marker is, or has to be, on disk."""
        return self._marked

    def _fault_id(self) -> str | None:
        worst = self._ledger.worst
        return None if worst is None else worst.id

    def _awaiting(self, now: float) -> Act | None:
        if self.guard.stopping or (self.guard.distrusted and not self.guard.resting(now)):
            return Act.STILL if self.guard.distrusted else None
        if self._ledger.latched:
            return Act.CLEAR
        if self.session is None:
            return None
        if self._presence.asking and self.session.stage is Stage.WALKING:
            return Act.OK
        return self.session.awaiting(self.guard, now)

    @property
    def _facing(self) -> Direction:
        return Direction.STANDING if self.session is None else self.session.direction

    def _cap(self, now: float) -> Speed | None:
        armed = self.guard.cap(now)
        session = self.session
        if armed is not None or session is None:
            return armed
        return min(
            session.limits.cap(session.facing), max(session.timeline.highest(session.facing), Speed(1))
        )

    def _phase(self) -> Phase:
        if self._ledger.latched:
            return Phase.FAULTED
        if self._connection is None:
            return Phase.DISCONNECTED
        if self.session is not None:
            return self.session.phase(self.guard)
        if self.guard.stopping:
            return Phase.STOPPING
        return Phase.MANUAL if self._manual else Phase.IDLE

    def snapshot(self, now: float, link: str = "") -> Snapshot:
        """The live state, as it stands; `link` says what is done about the connection."""
        session, guard, totals = self.session, self.guard, self._totals
        worst = self._ledger.worst
        fresh = guard.motion.fresh(now, 4.0)
        silent_rest = guard.resting(now)
        following = None if session is None else session.next_segment
        cap = self._cap(now)
        return Snapshot(
            phase=self._phase(),
            direction=self._facing,
            measured=guard.motion.speed if fresh else (Speed(0) if silent_rest else None),
            commanded=guard.commanded,
            cap=cap,
            cap_reason="" if session is None or cap is None else self._cap_reason(session, cap),
            incline=totals.incline if totals.incline is not None else guard.incline,
            distance_m=totals.distance_m,
            distance_backward_m=totals.distance_backward_m,
            elapsed_s=totals.elapsed_s,
            heart_rate=self._heart.shown(now),
            energy_kcal_estimate=totals.energy_kcal,
            step_index=None if session is None else session.segment.step,
            step_count=None if session is None else session.timeline.step_count,
            step_remaining_s=None if session is None else session.step_remaining(now),
            session_remaining_s=None if session is None else session.remaining(now),
            next_step=None if following is None else following.label,
            cue="" if session is None else session.cue,
            awaiting=self._awaiting(now),
            program=None if session is None else session.timeline.name,
            walker=None if session is None else session.walker,
            fault=None if worst is None else worst.id,
            fault_text="" if worst is None else worst.sentence,
            link=link or ("connected" if self._connection is not None else "disconnected"),
            telemetry_age_s=guard.motion.age(now),
            session_id=None if session is None else session.id,
        )

    def _cap_reason(self, session: Session, cap: Speed) -> str:
        if cap < min(session.limits.cap(session.facing), session.timeline.highest(session.facing)):
            return "set_cap"
        if cap < session.limits.cap(session.facing):
            return "program"
        return session.limits.cap_reason(session.facing)

    def _emit(self, kind: str, **fields: object) -> None:
        if self.session is not None:
            fields.setdefault("session_id", self.session.id)
        self._effects.append(Emitted(kind, fields))

    def _say(self, text: str, *, alarm: bool = False) -> None:
        self._effects.append(Said(text, alarm))

    def _reply(self, request: Request, outcome: str, reason: str = "") -> None:
        self._effects.append(Replied(request.id, request.source, _name(request), outcome, reason))

    def _reply_waiting(self, command: str, outcome: str, reason: str = "") -> None:
        for request in self._waiting_replies.pop(command, []):
            self._reply(request, outcome, reason)


_NAMES: dict[type, str] = {
    Offer: "start",
    PauseSession: "pause",
    ResumeSession: "resume",
    Skip: "skip",
    StopSession: "stop",
    SetCap: "set_cap",
    Lease: "lease",
    AckFault: "ack_fault",
}


def _name(request: Request) -> str:
    """The command's name, as in the contract."""
    ask = request.ask
    if isinstance(ask, Confirm):
        return "confirm" if ask.act is None else ask.act.value
    return _NAMES[type(ask)]


def _kmh(speed: Speed | None) -> float | None:
    return None if speed is None else kmh(speed)
