"""One treadmill's mind: what happens and what people ask goes in, effects and one wish at a time come out.

Pure: the shell gives it time, octets and requests, carries out its effects, and reads its snapshot.
"""

from blefit.units import Incline, Speed, kmh
from retrowalk.core.asking import TOO_SOON, Asking
from retrowalk.core.authority import Authority, Finding, State
from retrowalk.core.care import Care
from retrowalk.core.decoding import Garbled
from retrowalk.core.exchange import Outcome, Result
from retrowalk.core.faults import BY_ID, Clears, Reaction, sentence_of
from retrowalk.core.mind import Door, Mind
from retrowalk.core.model import (
    LEVEL,
    AckFault,
    Act,
    Ask,
    Confirm,
    Connected,
    Direction,
    Effect,
    Emitted,
    Happening,
    Lease,
    Lost,
    Mark,
    Marked,
    Notified,
    Observation,
    Offer,
    PauseSession,
    Pulse,
    Quarantine,
    Record,
    Request,
    ResumeSession,
    SetCap,
    Skip,
    Snapshot,
    StopSession,
    Written,
)
from retrowalk.core.offering import Refused, Setup, compiled, too_steep
from retrowalk.core.replies import Replies, command_name
from retrowalk.core.session import Session
from retrowalk.core.showing import STALE_S, show
from retrowalk.core.stages import Halt, Restraint, Stage

KEEP_ENDED_S = 10.0
"""The phase `ended` is shown for so long."""
KEY_S = 30.0
"""Motion so soon after the console's Start key is what the key began."""
FRESH_S = 2.0
PRESENCE_S = 60.0
UNREACHED = "stop the belt at its console"
UNREACHED_STOP = "use the safety cord. Stop is written as soon as the link is back"
UNSTOPPED = ("stop_ignored", "rest_unknown", "stop_unsent")
"""The alarms that a Stop request ends in, when it fails."""


class Controller(Mind):
    """The decisions of one treadmill. `feed` every happening, then `act`, at least four times a second."""

    def __init__(self, setup: Setup, belt: Door, *, left_running: bool) -> None:
        super().__init__(belt, left_running=left_running)
        self._setup = setup
        self._replies = Replies(self._tell)
        self._care = Care(None, PRESENCE_S)
        """Before the first offer it only listens."""
        self._marking: str | None = None
        """The session that the marker is asked for: word of an older one may follow its removal."""
        self._ended_at: float | None = None
        self._ending = False
        self._start_key_at = float("-inf")
        self._asking = Asking()

    # --- in ---------------------------------------------------------------------------------------

    def feed(self, happening: Happening, now: float) -> None:
        """One thing happened. Frames of another connection are dropped."""
        match happening:
            case Connected():
                self._connected(happening, now)
            case Request():
                self._asked(happening, now)
            case Pulse():
                self._care.pulse(happening, now, strap=True)
            case Marked(session_id, error) if session_id == self._marking:
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
            self._go_on(session)
            self._call_off(session, now)
            session.advance(self.guard, self._restraint(now), now)
            self._watch_over(session, now)
            self._halt_if_eased(session, now)
            self._take_notes(session, now)
            wish = session.wish(self.guard, now)
        refusal = self.belt.want(wish, now)
        if refusal is not None:
            self._stop_for("refusal", now, f"{refusal.law}: {refusal.reason}")
            self.belt.want(None, now)
        if self._drop_stuck_link(now):
            self._stop_for("stop_unsent", now)
        self._totals.advance(self.guard.motion, self._facing, now, fresh_s=STALE_S)
        self._settle(now)

    # --- the link ---------------------------------------------------------------------------------

    def _connected(self, happening: Connected, now: float) -> None:
        again = self.machine is not None
        if self.machine != happening.machine:
            self._end_session("the treadmill is not as it was: offer it again", now)
        self._connect(happening.connection, happening.machine, now)
        if again:
            self._emit("link_restored", machine=happening.machine.name)

    def _lost(self, why: str, now: float) -> None:
        self._start_key_at = float("-inf")
        self._totals.incline = None
        self._disconnect(now)
        self._emit("link_lost", reason=why)
        self._replies.failed("the link was lost before the belt was known to rest", StopSession)
        if self.session is not None and self.session.stage is not Stage.OFFERED:
            self._end_session("interrupted: the link was lost", now)

    def _observe(self, observation: Observation | Garbled, now: float) -> None:
        if isinstance(observation, Garbled):
            self._emit("garbled", uuid=observation.uuid, hex=observation.hex, reason=observation.reason)
            return
        self._concluded(self.belt.observe(observation, now))
        self._care.observe(observation, now)
        if isinstance(observation, Record):
            self._totals.record(observation.data)

    def _concluded(self, outcome: Outcome | None) -> None:
        if outcome is not None and outcome.result is not Result.SUCCESS:
            command = type(outcome.command).__name__
            self._emit("control_point", command=command, result=outcome.result.value, code=outcome.code)

    # --- what the guard noticed -------------------------------------------------------------------

    def _heed(self, now: float) -> None:
        for finding in self.guard.findings():
            if finding.id in BY_ID:
                self._heed_fault(finding, now)
            else:
                self._heed_notice(finding, now)

    def _heed_notice(self, finding: Finding, now: float) -> None:
        session = self.session
        match finding.id:
            case "moving" if session is not None:
                self._start_key_at = float("-inf")
                session.moving(now)
                self._replies.done(Offer, ResumeSession)
            case "rest":
                self._replies.done(StopSession, PauseSession)
                self._end_faults("hand", "telemetry_late", "cap_enforced")
            case "ask_still":
                self._say("Is the belt still? Say still at the machine when it is.")
            case "start_key" | "start_key_again":
                self._start_key_at = now if finding.id == "start_key" else float("-inf")
                self._care.presence.seen(now)
            case "start_key_undone":
                self._start_key_at = float("-inf")
            case "manual":
                self._manual_use(now)
            case "arming_expired" if session is not None:
                session.not_started(self.guard, now)
            case "control_refused" if session is not None and session.stage is Stage.WALKING:
                self._stop_for("control_lost", now, finding.detail)
            case "target_refused" if session is not None:
                session.target_refused(now)
                self._note(finding)
            case _:
                self._note(finding)

    def _heed_fault(self, finding: Finding, now: float) -> None:
        session = self.session
        match finding.id:
            case "console_stop":
                self._say(BY_ID[finding.id].sentence)
                self._note(finding)
                assert session is not None, "nothing is armed without a session"
                session.console_stopped(now)
                return
            case "safety_key" if session is None or session.stage is Stage.ENDED:
                self._note(finding)
                return
            case "hand":
                self._care.presence.seen(now)
                self._emit("held", reason="somebody changed the speed at the console")
            case "cap_enforced":
                measured, cap = self.guard.motion.speed, self.guard.cap(now)
                self._emit("cap_enforced", measured_kmh=_kmh(measured), cap_kmh=_kmh(cap))
            case "wrong_speed":
                reason = f"it ran faster than told ({finding.detail}): commission it again"
                self._effects.append(Quarantine(reason))
                self.machine = self.guard.machine
            case _:
                pass
        self._fault(finding.id, now, finding.detail)

    def _note(self, finding: Finding) -> None:
        self._emit("note", id=finding.id, detail=finding.detail, text=sentence_of(finding.id))

    def _fault(self, fault_id: str, now: float, detail: str = "") -> None:
        fault = BY_ID[fault_id]
        if not self._ledger.raise_(fault_id, now):
            return
        self._emit("fault", id=fault.id, cause=fault.cause, law=fault.law, detail=detail, text=fault.sentence)
        why = f" Why: {detail}." if fault_id == "start_refused" else ""
        self._say(fault.sentence + why, alarm=fault.alarm)
        session = self.session
        if session is None:
            return
        if fault.reaction is Reaction.STOP:
            self._end_session(detail or fault.cause, now)
        elif fault.reaction is Reaction.SLOW and session.stage is Stage.WALKING:
            session.end_reason = fault.cause
            session.ask_to_halt(Halt.END, now)

    def _stop_for(self, fault_id: str, now: float, detail: str = "") -> None:
        """A fault that the guard did not find: it latches all the same."""
        self._fault(fault_id, now, detail)
        self.guard.faulted = True
        self.guard.want_stop(now)

    def _end_faults(self, *ids: str) -> None:
        for fault_id in ids:
            if self._ledger.end(fault_id):
                self._emit("fault_cleared", id=fault_id)

    def _clear_faults(self, *how: Clears) -> None:
        for fault in self._ledger.clear(*how):
            self._emit("fault_cleared", id=fault.id)

    def _keyed(self, now: float) -> bool:
        return now - self._start_key_at <= KEY_S

    def _manual_use(self, now: float) -> None:
        session = self.session
        keyed, self._start_key_at = self._keyed(now), float("-inf")
        if session is not None:
            keyed = keyed and session.console_may_start
            steep = too_steep(self._deck, session.limits)
            if keyed and not steep and not self.guard.take_over(self._authority(session), now):
                self._mark(session)
                session.moving(now, console=True)
                self._replies.done(Offer, ResumeSession)
                self._say("Started at the console. Press OK at the machine to go on with the program.")
                return
        if not self._setup.manual_use_allowed:
            self._stop_for("unexpected_motion", now, "this site allows no manual use")
            return
        self._emit("manual", measured_kmh=_kmh(self.guard.motion.speed))

    # --- people -----------------------------------------------------------------------------------

    def _asked(self, request: Request, now: float) -> None:
        try:
            done = self._serve(request.ask, now)
        except Refused as refusal:
            name = command_name(request.ask)
            self._emit("refused", command=name, source=request.source, reason=str(refusal))
            if isinstance(request.ask, Offer) and request.ask.window_s is not None:  # of the schedule
                self._emit("missed", session_id=None, program=request.ask.program, reason=str(refusal))
            self._replies.refuse(request, str(refusal))
            return
        self._replies.accept(request, done=done)
        if isinstance(request.ask, StopSession) and not done:
            self._stop(now)

    def _serve(self, ask: Ask, now: float) -> bool:
        """Do what is asked; True if it is done by that, False if its end is still to come."""
        match ask:
            case StopSession(last):
                self._ending = self._ending or last
                begun = self.session is not None and self.session.stage is not Stage.OFFERED
                if begun or not last or not self.nothing_to_stop:
                    return False
                self._end_session("retrowalk ends", now)
            case Offer():
                self._offer(ask, now)
                return False
            case PauseSession():
                self._walking("pause").ask_to_halt(Halt.PAUSE, now)
                self._say("Pausing: the belt is stopping. Hold the rails.")
                return False
            case ResumeSession():
                self._resume()
                return False
            case Confirm(act):
                self._confirm(act, now)
            case Skip():
                self._skip(now)
            case SetCap(speed):
                self._set_cap(speed, now)
            case Lease():
                self._present("hold a lease for")
                self._care.lease.renew(now)
            case AckFault():  # pragma: no branch - the union is closed
                if self._ledger.worst is None:
                    raise Refused("there is no fault to silence")
                self._ledger.silenced = True
        return True

    def _present(self, what: str) -> Session:
        if self.session is None or self.session.stage is Stage.ENDED:
            raise Refused(f"there is no session to {what}")
        return self.session

    def _walking(self, what: str) -> Session:
        session = self._present(what)
        if session.stage is not Stage.WALKING:
            raise Refused(f"nothing to {what}: no step is being walked at this moment")
        return session

    def _stop(self, now: float) -> None:
        self._end_session("stopped on request", now)
        self.guard.want_stop(now)
        self.belt.want(None, now)
        if self._connection is None:
            then = UNREACHED_STOP if self.guard.left_running else UNREACHED
            self._replies.failed(f"there is no link: {then}", StopSession)
        elif not self.guard.stopping:
            self._replies.done(StopSession)

    def _offer(self, offer: Offer, now: float) -> None:
        if self.session is not None and self.session.stage is not Stage.ENDED:
            raise Refused("a session is on already: stop it first")
        if self._ending:
            raise Refused("retrowalk is ending: offer it when it is back")
        if self._connection is None:
            raise Refused("the treadmill is not connected")
        if self._ledger.latched:
            worst = self._ledger.worst
            assert worst is not None
            raise Refused(f"a fault has to be cleared at the machine first ({worst.id})")
        if self.guard.manual(now):
            raise Refused("the belt is in manual use: stop it at the console first")
        if self.guard.stopping or self.guard.left_running:
            raise Refused("the belt is not known to rest yet")
        walker, machine = self._setup.walker(offer.walker), self.machine
        assert machine is not None, "a link comes with its machine"
        timeline, limits = compiled(self._setup, walker, offer.program, machine, self._deck)
        self._clear_faults(Clears.SESSION)
        self.guard.forget_limit()
        self._care = Care(walker.maximum_heart_rate, limits.presence_s, strap=self._setup.heart_rate_strap)
        self._totals.begin(now, walker.weight_kg)
        self._ended_at = None
        self._start_key_at = float("-inf")
        self.session = Session(
            self._setup.new_id(), timeline, limits, machine, now, walker=offer.walker, window_s=offer.window_s
        )
        self._emit("session_offered", program=timeline.name, walker=offer.walker)
        for warning in timeline.warnings:
            self._say(warning)
        self._say(
            f"{timeline.name} is offered. Stand on the side rails, cord clipped, and press start there."
        )

    @property
    def _deck(self) -> Incline:
        """As reported; on a slope of our own a session may begin, for it comes down in steps."""
        told = self._totals.incline
        return LEVEL if told is None or told <= self.guard.incline else told

    def _confirm(self, act: Act | None, now: float) -> None:
        awaited, bare = self._ask(now), act is None
        act = awaited if act is None else act
        if act is None:
            raise Refused("nothing is asked at this moment")
        all_good = act is Act.OK and self._care.presence.takes(now)
        self._care.presence.seen(now)
        if act in (Act.START, Act.FACING) and act is not awaited:
            asked = "nothing is asked" if awaited is None else f"{awaited.value} is asked"
            raise Refused(f"{act.value} does not fit: {asked} at this moment")
        if not all_good:  # one answer to one question: a hand's speed is not given up with it
            if self._asking.too_soon(now, bare=bare):
                raise Refused(TOO_SOON)
            self._follow(act, now)
        self._asking.answered(now)

    def _follow(self, act: Act, now: float) -> None:
        session = self.session
        match act:
            case Act.STILL:
                self._still(now)
            case Act.CLEAR:
                self._clear(now)
            case _ if session is None:
                pass  # an OK to nobody
            case Act.OK:
                session.ok_given = True
            case Act.START | Act.FACING:  # pragma: no branch - the enum is closed
                self._start(session, now)

    def _still(self, now: float) -> None:
        if self._connection is None:
            raise Refused("the treadmill is not connected: only its own telemetry can say so now")
        reason = self.guard.said_still(now)
        if reason:
            raise Refused(f"the belt is not still: {reason}")

    def _clear(self, now: float) -> None:
        if self._ledger.worst is None:
            raise Refused("there is no fault to clear")
        reason = self.guard.clear(now)
        if reason:
            raise Refused(reason)
        self._clear_faults(*Clears)
        self._say("Cleared.")

    def _go_on(self, session: Session) -> None:
        """After an OK, once the belt falls no more: it may be a stop at the console, not a new speed."""
        keyed = session.stage is Stage.WALKING and session.console_started
        held = self.guard.hand is not None or keyed
        session.ok_given = session.ok_given and held
        if not session.ok_given or self.guard.motion.fell:
            return
        session.go_on(self.guard)
        session.ok_given = session.console_started = False
        self._end_faults("hand")
        self._emit("resumed")
        self._replies.done(ResumeSession)

    def _start(self, session: Session, now: float) -> None:
        if session.goes_on_at_rest(now):
            return
        reason = self._why_not(session, now) or self.guard.arm(self._authority(session), now)
        if reason:
            raise Refused(reason)
        self._mark(session)
        session.ready(now)

    def _why_not(self, session: Session, now: float) -> str:
        """Why nobody is started at this moment, or ''."""
        if self._care.heart.high(now):
            return "the heart rate is too high: wait until it has come down"
        if self._care.lease.slow(now):
            return "the client that holds the lease is not heard"
        return too_steep(self._deck, session.limits)

    def _call_off(self, session: Session, now: float) -> None:
        """What would refuse the act by now ends its countdown."""
        reason = self._why_not(session, now) if self.guard.state is State.ARMED else ""
        if reason:
            self.guard.disarm(now)
            session.lapse(now, reason)

    def _resume(self) -> None:
        session = self._present("resume")
        if self.guard.hand is not None or (session.stage is Stage.WALKING and session.console_started):
            self._say("Press OK at the machine to go on with the program.")
        elif session.stage is Stage.WAITING and session.halt is Halt.PAUSE:
            self._say(session.press_start)
        else:
            raise Refused("nothing to resume: the session is not paused or held")

    def _skip(self, now: float) -> None:
        session = self._walking("skip")
        if self.guard.hand is not None:
            raise Refused("a hand is on the console: press OK at the machine first")
        if reason := session.skip(self.guard, now):
            raise Refused(reason)

    def _set_cap(self, speed: Speed, now: float) -> None:
        session = self._present("lower the cap of")
        slowest = session.machine.minimum
        if speed < slowest:
            raise Refused(f"{kmh(speed):g} km/h is below the machine's slowest, {kmh(slowest):g}: use stop")
        highest = session.highest_cap
        if speed > highest:
            raise Refused(f"a cap can only be lowered: it is {kmh(highest):g} km/h")
        session.live_cap = speed
        self.guard.limit(speed, now)

    # --- the session's life -----------------------------------------------------------------------

    def _authority(self, session: Session) -> Authority:
        way, limits = session.heading, session.limits
        return Authority(
            session_id=session.id,
            direction=way,
            ceiling=limits.ceiling(way),
            cap=max(min(limits.cap(way), session.timeline.highest(way)), limits.first_target),
            step_up=limits.step_up,
            step_down=limits.step_down,
            incline_cap=limits.incline_cap,
            wait_s=limits.armed_wait_s,
        )

    def _mark(self, session: Session) -> None:
        if not self.guard.marked and self._marking != session.id:
            self._marking = session.id
            self._effects.append(Mark(session.id))

    def _marker(self, session_id: str, error: str, now: float) -> None:
        self._marking = None
        if not error:
            self._set_marked()
            return
        self._half_marked()
        if self.session is not None and self.session.id == session_id:
            self._fault("start_refused", now, error)

    def _restraint(self, now: float) -> Restraint:
        worst = self._ledger.worst
        calm = worst is None or worst.reaction < Reaction.HOLD
        fresh = self.guard.motion.fresh(now, FRESH_S)
        return Restraint(
            may_raise=calm and fresh and self._care.may_raise(now), slow=self._care.lease.slow(now)
        )

    def _watch_over(self, session: Session, now: float) -> None:
        walking = session.stage is Stage.WALKING
        for concern in self._care.watch(now, walking=walking, backward=session.walks_backward):
            if concern.fault:
                self._fault(concern.fault, now)
            else:
                self._say(concern.sentence)
                self._emit("cue", text=concern.sentence)

    def _halt_if_eased(self, session: Session, now: float) -> None:
        if session.eased(self.guard, now):
            session.halting(now)
            self.guard.want_stop(now)

    def _end_session(self, reason: str, now: float) -> None:
        if self.session is not None:
            self.session.end(now, reason)
            self._take_notes(self.session, now)

    def _take_notes(self, session: Session, now: float) -> None:
        self._effects.extend(session.notes())
        if session.stage is Stage.ENDED and self._ended_at is None:
            self._ended_at = now
            self.guard.disarm(now)
            self._care.lease.end()
            self._replies.failed(session.end_reason, Offer, PauseSession, ResumeSession)

    def _settle(self, now: float) -> None:
        """What follows from where things stand: the marker, who may start the belt, what is over."""
        session, guard, ledger = self.session, self.guard, self._ledger
        if ledger.worst is not None:
            self._end_passed_faults(now)
            for fault_id in filter(ledger.has, UNSTOPPED):
                self._replies.failed(BY_ID[fault_id].sentence, StopSession)
        guard.forbid_motion = session is not None and session.nobody_may_start(keyed=self._keyed(now))
        over = (session is None or session.stage in {Stage.OFFERED, Stage.ENDED}) and not guard.distrusted
        self._ask(now)
        self._mark_late_start("" if session is None else session.id, now)
        if self._marked and over and self._let_go(now):
            self._unmark()
        if self._ended_at is not None and now - self._ended_at > KEEP_ENDED_S:
            self.session = self._ended_at = None
            self._clear_faults(Clears.SESSION)

    def _end_passed_faults(self, now: float) -> None:
        motion, cap = self.guard.motion, self.guard.cap(now)
        if motion.fresh(now, FRESH_S):
            self._end_faults("telemetry_late")
        if cap is None or (motion.speed is not None and motion.speed <= cap):
            self._end_faults("cap_enforced")

    # --- out --------------------------------------------------------------------------------------

    def _awaiting(self, now: float) -> Act | None:
        guard, session, latched = self.guard, self.session, self._ledger.latched
        if self._connection is None:
            return None
        if guard.stopping:
            motion = guard.motion
            untaken = latched and (motion.at_rest or not motion.fresh(now, FRESH_S))
            return Act.STILL if guard.distrusted or untaken else None
        if guard.distrusted or (latched and not guard.resting(now)):
            return Act.STILL
        if latched:
            return Act.CLEAR
        if session is None:
            return None
        if self._care.presence.asking and session.stage is Stage.WALKING:
            return Act.OK
        return session.awaiting(guard, now)

    def _ask(self, now: float) -> Act | None:
        """What is awaited. For still nobody is asked aloud unless silence or an alarm is in the way."""
        awaited = self._awaiting(now)
        aloud = awaited is not Act.STILL or self.guard.distrusted or self._ledger.latched
        self._asking.stands(awaited if aloud else None, now)
        return awaited

    @property
    def _facing(self) -> Direction:
        return Direction.STANDING if self.session is None else self.session.direction(self.guard)

    def snapshot(self, now: float, link: str = "") -> Snapshot:
        """The live state, as it stands; `link` says what is done about the connection."""
        return show(
            self.session,
            self.guard,
            self._ledger,
            self._totals,
            now,
            connected=self._connection is not None,
            manual=self.guard.manual(now),
            awaiting=self._awaiting(now),
            heart_rate=self._care.heart.shown(now),
            link=link,
        )

    def _emit(self, kind: str, **fields: object) -> None:
        if self.session is not None:
            fields.setdefault("session_id", self.session.id)
        self._effects.append(Emitted(kind, fields))

    def _tell(self, effect: Effect) -> None:
        self._effects.append(effect)


def _kmh(speed: Speed | None) -> float | None:
    return None if speed is None else kmh(speed)
