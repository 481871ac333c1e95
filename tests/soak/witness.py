"""The invariants: one witness a treadmill, who looks at the belt itself, not at what the daemon believes.

It is asked before and after every frame that reaches the machine and at every moment the belt's time is
advanced to. What people did it knows from the world; what the daemon granted, from its replies. Times are
seconds of the simulation, speeds 0.01 km/h.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

from tests.soak.rules import Rules
from tests.soak.stands import Machine

from retrowalk.core.faults import BY_ID
from retrowalk.core.model import Emitted, Phase, Replied, Said, Snapshot
from retrowalk.hub import Reader

CONTROL, TARGET, INCLINE, START, STOP = 0x00, 0x02, 0x03, 0x07, 0x08
STATUS = "2ADA"
"""Without Fitness Machine Status nobody tells the daemon that control is gone, before a write is refused."""
GRACE_S = 0.5
"""What was handed to the link before is written within that."""
ON_ITS_WAY_S = 0.2
"""A frame takes so long from the daemon to the machine."""
SEEN_S = 2.6
"""Telemetry younger than 2 s, and the way it and a frame take."""
RESOLUTION = 1
"""A record tells hundredths."""
CAP_MARGIN, READING, SLIDE = 20, 10, 30
REST, HAND, FALLEN = 10, 35, 20
MOVING, MET = 30, 15
HALT_S = 70.0
"""A planned halt goes down the ramp first, and gives up waiting for the minimum after 20 s."""
HALTING = {Phase.TURNING, Phase.RESTING, Phase.PAUSED, Phase.STOPPING}
ALARM_EVERY_S = 2.6
WARNED_S = 4.9
SPEED = re.compile(r"\d+\.\d\d")
RISE = re.compile(r"Speed rises to ([0-9.]+) in 5 seconds\.")
ANSWERED_S = 1.2
"""The answer to a request waits so long for the journal."""
STOP_ACCEPTED, STOP_WRITTEN = "a stop was accepted", "a Stop was written"
STOP_STARTED = "a Stop started the belt"
"""At rest: who does not hear of the belt cannot know it."""
UNDER_A_WALKER = "the console's key moved the belt in a countdown to walk backward"
ARMING = {"start", "facing"}
"""The acts that may be followed by a Start."""


@dataclass(frozen=True, slots=True)
class Violation:
    """What was seen, when and where, and which invariant says that it may not be."""

    law: str
    what: str
    place: str
    at: float

    def __str__(self) -> str:
        return f"{self.law} at {self.at:.2f} s on {self.place}: {self.what}"


class Witness:
    """Watches one belt through the lives of as many daemons as it takes."""

    def __init__(
        self,
        place: str,
        *,
        machine: Machine,
        rules: Rules,
        programs: Mapping[str, str],
        tell: Callable[[Violation], None],
        tally: Counter[str],
    ) -> None:
        self._place = place
        self._machine = machine
        self._rules = rules
        self._programs = programs
        self._tell = tell
        self._tally = tally
        telemetry = machine.quirks.telemetry
        self._noise = telemetry.noise
        self._record_s = telemetry.notify_every_s
        self._lies = telemetry.reports != "real"
        self._silent = telemetry.silent_at is not None
        self._tells_incline = "inclination" in telemetry.fields
        self._needs_target = machine.quirks.belt.needs_target_to_move
        self._reverts = machine.quirks.belt.reverts_after_s is not None
        self._tells = STATUS not in machine.quirks.attributes.absent
        self.acknowledged: list[str] = []
        """The ids of what was accepted in this life."""
        self.genuine: dict[str, tuple[str, float]] = {}
        """The acts of the real person and when they were done, by the ids of their requests."""
        self.caps: dict[str, int] = {}
        """What set_cap asked for, by the ids of the requests."""
        self.moving_s = 0.0
        self.frames: list[tuple[float, bytes]] = []
        self.disturbed_until = -inf
        """Until then, and a little after, what the daemon hears of the belt is not what the belt does."""
        self.deaf_until = -inf
        """Until then the machine may not hear what is written."""
        self.unanswered_until = -inf
        """Until then answers of the machine may be lost or late."""
        self.moved_on = False
        """Since our last session ended the belt never stood still."""
        self.rest_untold = False
        """The machine is silent at rest, and the belt has not come to rest on this link."""
        self.marked = False
        """The moving-marker of a session that is over is there, for a reason."""
        self.reader: Reader | None = None
        self._rises: list[tuple[float, int]] = []
        """What was announced, and when; what the belt was told since is gone."""
        self.alarm_heard = -inf
        self._look: Callable[[], Snapshot | None] = lambda: None
        self._last = 0.0
        self._program: str | None = None
        """The text of the session's program, or of the last one's."""
        self._session_on = False
        self._caps: dict[str, float] = {}
        self.facing = "forward"
        self._live: int | None = None
        self._slide_from: tuple[float, float] | None = None
        self._licence: float | None = None
        self._unlicensed = self._pressed = -inf
        self._act: float | None = None
        self._ours = False
        self._console_start = -inf
        self._console_held = False
        self._hand: tuple[float, float] | None = None
        self._told: int | None = None
        self._first_frame = True
        self._owing = False
        """Our session may have left the belt running on a link or in a life that is over."""
        self._stop_reason = self._stop_called = -inf
        self._speed_at_stop = 0.0
        """What was known of the speed as somebody said stop."""
        self._dues: list[tuple[float, str, str]] = []
        self._over_since: float | None = None
        self._over_from = 0.0
        self._alone_since: float | None = None
        self._loud_since: float | None = None
        self._acked = False
        self._lease: float | None = None
        self._halting_since: float | None = None
        self._stop_due: tuple[float, str] | None = None
        """A Stop frame has to come until then, and why."""
        self._left_since: float | None = None
        """Since when the link is up again to a belt that our session left running."""
        self._control_due: float | None = None
        """A Stop was denied: control is asked for until then."""
        self._denied = False
        """The machine refuses the Stop that is being written: control is missing."""
        self._disobeys_since: float | None = None
        self._agreed_at = -inf
        """When an OK was given to the console's speed."""
        self._touched = -inf
        """When somebody last did something at the console."""
        self._stopped_at = -inf
        """When the belt was stopped at the console."""
        self._unreported = -inf
        """When the belt was stopped at a console that does not say so."""
        self._told_at = -inf
        self._drop = 0.0
        self._met = False
        self._speeds: list[tuple[float, float]] = []
        self._incline: tuple[int, float] = (0, -inf)
        self._deck_before = 0
        """The incline before that: a step that was not answered may be made again, or not have been made."""

    # --- what the world says ----------------------------------------------------------------------

    def begin_life(self, reader: Reader, look: Callable[[], Snapshot | None], now: float) -> None:
        """A daemon is there."""
        self.reader, self._look = reader, look
        self._stop_reason = now
        self._alone_since = self._loud_since = None
        if not self._tells_incline:
            self._incline, self._deck_before = (0, -inf), 0  # where a process before left it nobody knows
        self.acknowledged.clear()
        self._rises.clear()

    def ending(self, now: float) -> None:
        """It is told to end: that is a request to stop."""
        self.hear(now)
        if self._ours and self._last_stop(now) < now - 2:
            self._want_stop(now + 1.0, "the daemon was told to end", now)
        self.stop_called(now)

    def end_life(self, now: float) -> None:
        """It is gone, however it went."""
        self.hear(now)
        self._stop_due = self._control_due = None
        self.reader, self._look = None, lambda: None
        self._owing = self._owing or self._ours
        self._revoke(now)
        self._dues.clear()
        self._over_since = self._lease = None
        self._session_on = False

    def acted(self, request_id: str, act: str, now: float) -> None:
        """The person did this; the answer comes when the journal has it."""
        self.genuine[request_id] = (act, now)
        if act in ARMING:
            self._pressed = now
        if act == "ok":
            if self._told is not None and (self._touched > self._told_at or self._reverts):
                self._told = int(self._machine.belt.target)  # the program goes on from there
                self._agreed_at = now
            self._hand, self._console_held = None, False

    def heard(self, said: Said, now: float) -> None:
        """A sentence, on the way to whoever is there."""
        if said.alarm:
            self.alarm_heard = now
        elif rise := RISE.fullmatch(said.text):
            self._rises.append((now, round(float(rise[1]) * 100)))

    def stop_called(self, now: float) -> None:
        """Somebody says stop; the reply waits for the journal."""
        self._stop_reason = self._stop_called = now
        self._speed_at_stop = self._told_speed(now)

    def silenced(self, kind: str, now: float | None) -> None:
        """From now on nothing is heard of the belt, for longer than the daemon may wait; None: no more."""
        why = f"nothing was heard of a moving belt ({kind})"
        if now is None:
            self._dues = [due for due in self._dues if due[2] != why]
        elif (
            self._ours and self._told_moving(now) and self._licence is not None and not self.is_disturbed(now)
        ) and now > self._stopped_at + self._rest_within():  # until then G12 rules
            self._owe(now + 5.5 + self._record_s, "G10", why)

    def pressed_start(self, now: float) -> None:
        """The console's Start key began to move the belt."""
        self._touched = now
        self._told = None
        self._console_start = now
        self._dues = [due for due in self._dues if due[1] != "G11"]  # whoever stopped it, somebody starts it
        hidden = self._last_frame(START, now) >= now - 12  # by a Start of ours that has not moved it yet
        self._owe_for_the_key(hidden, now)
        if self._session_on:
            self._licence, self._console_held = now, not hidden
        else:
            self._ours = False
            self._dues.clear()

    def _owe_for_the_key(self, hidden: bool, now: float) -> None:
        """Who faces backward and has heard a countdown is not to be moved by somebody else."""
        self.hear(now)
        shown = self._look()
        counting = shown is not None and shown.phase is Phase.COUNTDOWN and shown.link == "connected"
        if counting and self.facing == "backward" and not hidden and not self.is_disturbed(now):
            self._owe(now + self._rest_within() + 3.0, "G13", UNDER_A_WALKER)

    def stopped_by_hand(self, now: float) -> None:
        """Console stop, pause or the safety key, with effect."""
        self._touched = self._stopped_at = now
        tells = self._tells and not self._machine.quirks.control.console_unreported
        if not tells:
            self._unreported = now
        seen = tells or self._machine.belt.speed > REST
        if seen and not self.is_disturbed(now):
            self._revoke(now)

    def set_by_hand(self, now: float) -> None:
        """Somebody changed the speed at the console: by little, it is no hand (G15)."""
        target, speed = self._machine.belt.target, self._machine.belt.speed
        self._touched = now
        agreed = self._agreed_at > self._told_at
        if agreed and self._told is not None and max(self._told + FALLEN, target) < speed:
            self._told = int(target)  # on its way down still: it looks like one hand, and has its OK
            return
        if self._told is None or abs(target - self._told) <= HAND + self._noise:
            if self._unnoticed(now):
                self._hand = None  # taken back
            return
        if self._met or not speed - FALLEN <= target < self._told:  # that one ends a rise, and is no fall
            self._hand = (now, target)
        elif self._unnoticed(now):
            self._hand = None  # turned back up before it was noticed

    def control_taken(self, now: float) -> None:
        """The console took the permission back from the daemon."""
        known = self._tells and not self.is_disturbed(now)
        stops = now <= self._stopped_at + self._rest_within()  # at the console: nothing is controlled
        if self._ours and self._licence is not None and known and not stops:
            self._revoke(now)
            self._owe(now + 3.0 + self._record_s, "G12", "control was taken away")

    def is_disturbed(self, now: float) -> bool:
        return now < self.disturbed_until + 8.0

    # --- what the daemon grants -------------------------------------------------------------------

    def hear(self, now: float) -> None:
        """Events and replies since the last look."""
        reader = self.reader
        if reader is None or not reader.waiting:
            return
        for note in reader.take():
            if isinstance(note.what, Replied):
                self._replied(note.what, now)
            else:
                self._emitted(note.what, now)

    def _replied(self, reply: Replied, now: float) -> None:
        unreached = reply.reason.startswith("there is no link")
        if (reply.command, reply.outcome) == ("stop", "failed") and unreached:  # who asked was told
            if self._stop_due is not None and self._stop_due[1] == STOP_ACCEPTED:
                self._stop_due = None  # from the new link on G14 judges
            if not (self._ours or self._owing):
                self._dues = [due for due in self._dues if due[2] != STOP_ACCEPTED]
        if reply.outcome != "accepted":
            return
        self.acknowledged.append(reply.id)
        match reply.command:
            case "stop" if reply.id != "shutdown" or self._ours or self._session_on:
                self._stop_asked(now)
            case "set_cap" if reply.id in self.caps:
                self._lower(self.caps[reply.id], now)
            case "ack_fault":
                self._acked = True
            case "lease":
                self._lease = now
            case "confirm":
                act, at = self.genuine.get(reply.id, ("", now))
                if act in ARMING and at >= self._unlicensed:
                    self._act = self._licence = at
            case _:
                pass

    def _emitted(self, event: Emitted, now: float) -> None:
        match event.type:
            case "session_offered":
                self._program = self._programs[str(event.fields["program"])]
                self._session_on = True
                self._caps.clear()
                self.facing, self._live, self._slide_from, self._hand = "forward", None, None, None
                self._lease = None
                late = 20 if self.is_disturbed(now) else 1  # its Status comes after the offer
                self._console_held = self._console_start > now - late
                if self._console_held:
                    self._licence = now
            case "turn":
                self.facing = str(event.fields["direction"])
            case "started" | "completed" | "stopped" | "missed":
                self._tally[f"session {event.type}"] += 1
                if event.type != "started":
                    self._revoke(now)
                    self._session_on, self._lease = False, None
                    self.moved_on = self._machine.belt.is_started
                    drove = max(self._last_frame(START, now), self._last_frame(TARGET, now))
                    if "by hand" in str(event.fields["reason"]) and self._console_start > drove:
                        self._ours = False  # control of it was asked for, and no more
                    self._tally[f"ended: {SPEED.sub('...', str(event.fields['reason']))}"] += 1
            case "fault":
                fault = str(event.fields["id"])
                self._tally[f"fault {fault}"] += 1
                self._stop_reason = now
                if BY_ID[fault].alarm:
                    self._acked = False
                if fault == "refusal":
                    self._violate("refusal", f"the guard refused a command: {event.fields['detail']}", now)
            case _:
                pass

    def _stop_asked(self, now: float) -> None:
        self._stop_reason = now
        self._revoke(now)
        belt = self._machine.belt
        moves = min(self._speed_at_stop, belt.speed) > REST + self._noise
        if (moves or self._ours) and self._first_known(now):
            self._dues = [due for due in self._dues if due[1] not in {"G10", "G12"}]  # now G11 judges
            self._owe(now + self._rest_within(), "G11", STOP_ACCEPTED)
            shows = belt.is_started or not self._lies  # one that says its target says rest while it coasts
            if self._ours and shows and self._last_stop(now) < self._stop_called - 2:
                self._want_stop(now + 1.0, STOP_ACCEPTED, now)

    def _want_stop(self, deadline: float, why: str, now: float) -> None:
        """On a link that carries it, a Stop is written until then; on a new one G14 judges."""
        shown = self._look()
        up = shown is not None and shown.link == "connected" and not self._first_frame
        # At rest, and told to stop since its last Start: to be asked again changes nothing.
        moot = self._machine.belt.speed == 0 and self._last_stop(now) > self._last_frame(START, now)
        if up and not moot and now > self.deaf_until + 4:
            self._stop_due = (deadline, why)

    def _first_known(self, now: float) -> bool:
        """The daemon could know that there is something to stop."""
        return self._ours or (not self.is_disturbed(now) and self._console_start < now - 5)

    def _lower(self, cap: int, now: float) -> None:
        present = self._cap(now)
        self._live = cap if self._live is None else min(cap, self._live)
        if self._machine.belt.speed > 0 and present is not None:
            self._slide_from = (present, now + ON_ITS_WAY_S)

    def _revoke(self, now: float) -> None:
        if self._licence is not None:
            self._unlicensed = now
            self._stop_reason = now
        self._licence = None  # the act stays: a Start that it armed may be on its way to the machine

    # --- what is written --------------------------------------------------------------------------

    def frame(self, octets: bytes, now: float) -> None:
        """A frame reaches the machine."""
        self.look(now)
        self.frames.append((now, octets))
        op_code = octets[0]
        self._tally[f"frame {op_code:02x}"] += 1
        licensed = self._licence is not None or now <= self._unlicensed + GRACE_S
        first, self._first_frame = self._first_frame, False
        match op_code:
            case 0x08:
                self._stop_frame(now)
                return
            case 0x00:
                self._control_due = None
                for_stop = now - self._last_stop(now) < 15
                licensed = licensed or now <= self._pressed + ANSWERED_S
                if not licensed and not for_stop:
                    self._violate("forbidden", "Request Control while nothing is armed", now)
            case 0x07:
                self._start_frame(licensed, now)
            case 0x02:
                self._target_frame(int.from_bytes(octets[1:3], "little"), licensed, now)
            case 0x03:
                self._incline_frame(int.from_bytes(octets[1:3], "little", signed=True), licensed, now)
            case _:
                self._violate("G4", f"the frame {octets.hex(' ')} is no command of ours", now)
        if first and self._owing and not self._coasts_unseen:
            self._violate("G14", f"the first write after our belt was left running is {op_code:02x}", now)

    def _last_stop(self, now: float) -> float:
        return self._last_frame(STOP, now)

    def _last_frame(self, op_code: int, now: float) -> float:
        recent = (at for at, frame in reversed(self.frames) if frame[0] == op_code or at < now - 20)
        return next(recent, -inf)

    def _stop_frame(self, now: float) -> None:
        self._stop_due = None
        control = self._machine.control
        self._denied = self._machine.quirks.control.needs_control and control.holder is None
        if self._licence is not None or now <= self._unlicensed + GRACE_S:
            # the first one: G11's 3 s to fall begin
            self._dues = [(max(at, now + 3.5), law, why) if law == "G10" else (at, law, why)
                          for at, law, why in self._dues]  # fmt: skip
        self._revoke(now)
        shown = self._look()
        idle = not self._ours and not self._owing and now > self._stop_reason + 90
        idle = idle and (shown is None or shown.phase is not Phase.FAULTED)  # then any motion is G13's
        idle = idle and not self.marked  # a daemon that starts with a marker treats motion as its own
        if idle and self._machine.belt.speed > 0:
            self._violate("G13", "a Stop into manual use that nobody asked for", now)

    def _start_frame(self, licensed: bool, now: float) -> None:
        act, self._act = self._act, None
        self._hand, self._console_held = None, False  # this act is a word of the person, too
        patience = self._rules.countdown_s + 45
        if not licensed or act is None or not 4.9 <= now - act <= patience:
            given = "none" if act is None else f"one {now - act:.1f} s ago"
            self._violate("G14", f"Start without a fresh act of a person ({given})", now)
        unheard = self._lies or self.is_disturbed(now)
        if min(self._told_speed(now), self._machine.belt.speed) > REST and not unheard:
            self._violate("G14", f"Start on a belt at {self._machine.belt.speed / 100:.2f} km/h", now)

    def _target_frame(self, target: int, licensed: bool, now: float) -> None:
        fastest = max((speed for at, speed in self._speeds if at >= now - SEEN_S), default=0.0)
        if self._lies:  # that is the speed that it tells
            fastest = max(fastest, self._machine.belt.target)
        least = max(fastest, self._rules.minimum)
        if now <= self._unreported + self._record_s + ON_ITS_WAY_S:
            least += self._rules.step_up  # no record has told of it
        unseen = now <= self._unreported + SEEN_S + 2 * self._record_s and target <= least
        if not licensed and not unseen:  # a fall that nobody reports may be the one that was told
            self._violate("forbidden", f"a target of {target / 100:.2f} km/h while nothing is armed", now)
        self._judge_announced(target, fastest, now)
        self._told, self._told_at, self._met = target, now, False
        self._drop = max(self._machine.belt.speed - target, 0.0)
        self._disobeys_since = None
        cap = self._cap(now)
        minimum = self._rules.minimum
        if cap is None or target > max(cap, minimum):
            allowed = "none" if cap is None else f"{cap / 100:.2f}"
            self._violate("G5", f"a target of {target / 100:.2f} km/h, the cap is {allowed}", now)
        if self._console_held and target > max(minimum, self._machine.belt.speed):
            self._violate("presence", "a raise before the OK that a start at the console needs", now)
        if self._unnoticed(now):
            self._hand = None  # before it could be noticed our target went over it
        if self.is_disturbed(now):
            return
        if target > max(fastest + self._rules.step_up + READING + self._noise, minimum):
            self._violate("G7", f"a target of {target / 100:.2f} km/h at {fastest / 100:.2f}", now)
        if self._hand is not None and now > self._hand[0] + 12 and target > self._hand[1] + READING:
            hand = self._hand[1] / 100
            self._violate("G15", f"a raise to {target / 100:.2f} km/h above a hand's {hand:.2f}", now)

    def _judge_announced(self, target: int, fastest: float, now: float) -> None:
        """What rises was told 5 s before, and since the belt was last told as much."""
        rises = self._rises
        rise = self._told is not None and target > max(self._told, fastest + self._noise)
        if rise and not any(at <= now - WARNED_S and speed >= target for at, speed in rises):
            self._violate("announced", f"an unannounced rise to {target / 100:.2f} km/h", now)
        self._rises = [(at, speed) for at, speed in rises if speed > target or at > now - WARNED_S]

    def _incline_frame(self, incline: int, licensed: bool, now: float) -> None:
        before, at = self._incline
        self._incline = (incline, now)
        deck, self._deck_before = {before, self._deck_before, round(self._machine.incline.value)}, before
        if not licensed:
            self._violate("forbidden", "an incline while nothing is armed", now)
        cap = 0 if self._program is None else self._rules.incline_cap(self._program)
        if incline < 0 or (incline > cap and incline > before):  # a frame that was lost comes again
            self._violate("G5", f"an incline of {incline / 10:.1f} %, the cap is {cap / 10:.1f}", now)
        if all(abs(incline - one) > 5 for one in deck) and at > -inf:
            self._violate("G7", f"an incline step from {before / 10:.1f} to {incline / 10:.1f} %", now)
        if now - at < 4.9:
            self._violate("G7", "two incline steps within 5 s", now)

    def took(self, octets: bytes, error: int | None, now: float) -> None:
        """What the machine made of it."""
        belt = self._machine.belt
        if octets[0] == START:
            self._told = None
            if self._lies and error is None:
                self._dues.clear()  # to itself it was at rest: how it coasts is not seen
        shown = self._look()
        heard = shown is not None and (shown.measured or 0) > MOVING
        counting = shown is not None and shown.phase is Phase.COUNTDOWN  # it may be for a start of ours
        taken_over = octets[0] == CONTROL and belt.speed > MOVING and heard and not counting
        if (taken_over or octets[0] in {START, TARGET}) and error is None and belt.is_started:
            self._ours = self._ours or self._licence is not None
        if octets[0] != STOP or error is not None or not (belt.speed > REST or belt.is_started):
            return
        if not any(
            why in {STOP_WRITTEN, STOP_STARTED} for _, _, why in self._dues
        ):  # repeated, it is the same
            why = STOP_WRITTEN if belt.speed > REST else STOP_STARTED
            self._owe(now + self._rest_within(), "G11", why)
        mute = self._machine.quirks.control.deaf
        known = not mute and not self.is_disturbed(now) and now > self.unanswered_until + 8
        heeded = self._machine.belt.target == 0  # the Stop before it: to that one it answers yes
        if self._denied and self._ours and not heeded and self._control_due is None and known:
            self._control_due = now + 2.0 + self._machine.quirks.control.answer_delay_s

    def unlinked(self, now: float) -> None:
        """The link to the machine is over."""
        shown = self._look()
        if self._ours and shown is not None and shown.link == "connected":
            self._owe(now + 1.0, "link", "the link was lost with the belt running")
        self._owing = self._owing or self._ours
        self._dues = [due for due in self._dues if due[1] != "G13"]
        self._first_frame = True
        self._stop_due = self._control_due = None
        self.rest_untold = self._silent
        self._revoke(now)

    # --- what the belt does -----------------------------------------------------------------------

    def look(self, now: float) -> None:
        """Time has passed until now, or somebody has done something."""
        passed, self._last = now - self._last, now
        self.hear(now)
        belt = self._machine.belt
        speed = belt.speed
        self._speeds.append((now, speed))
        if self._hand is not None and self._reverts and belt.target < self._hand[1] and self._unnoticed(now):
            self._hand = None  # the machine took it back
        if len(self._speeds) > 64:
            self._speeds = [one for one in self._speeds if one[0] >= now - SEEN_S]
        waits = belt.is_started and belt.target == 0 and self._needs_target
        theirs = self._console_start > self._last_frame(START, now)
        if speed == 0 and (waits or theirs or not belt.is_started):
            self._ours = self.moved_on = False
            if self.rest_untold and self._speeds[-2:][0][1] > 0:
                shown = self._look()
                self.rest_untold = shown is None or shown.link != "connected"
            if self._dues:  # what the key has begun is to come
                begun = belt.is_started and not waits
                self._dues = [due for due in self._dues if begun and due[2] == UNDER_A_WALKER]
            self._over_since = self._alone_since = self._halting_since = self._disobeys_since = None
            self._stop_due = self._control_due = self._left_since = None
            self._owing = False
            return
        if speed > 0:
            self.moving_s += passed
        elif self._dues:  # a countdown that Stop does not end: G11's time runs from the motion
            since = now + self._rest_within()
            late = {"G11", "G13"}
            self._dues = [(max(at, since) if law in late else at, law, why) for at, law, why in self._dues]
        if self._told_moving(now) and not self._lies and not self.is_disturbed(now):
            self._act = None  # whoever started it: the next motion from rest has its own act
        self._judge(speed, now)

    def _judge(self, speed: float, now: float) -> None:
        if self.reader is None:
            return
        loud = self._loud(now)
        if self.is_disturbed(now):
            self._dues = [due for due in self._dues if due[1] != "G13"]
        if self._dues and not self._coasts_unseen:
            self._dues = [] if loud else self._dues
            for deadline, law, why in self._dues:
                unheard = self.disturbed_until + 8 if why == STOP_STARTED else -inf
                if now > max(deadline, self.deaf_until + 8, unheard):
                    self._violate(
                        law, f"{why}, and the belt still runs {speed / 100:.2f} km/h, no alarm", now
                    )
                    return
        if not self._ours:
            return
        self._judge_cap(speed, loud, now)
        self._judge_obeying(speed, loud, now)
        self._judge_alone(loud, now)
        self._judge_stops(loud, now)

    def _judge_cap(self, speed: float, loud: bool, now: float) -> None:
        cap = self._cap(now)
        over = cap is not None and speed > max(cap, self._rules.minimum) + CAP_MARGIN + self._noise
        if not over or loud or self._lies or self._licence is None or self.is_disturbed(now):
            self._over_since = None
            return
        assert cap is not None
        if self._over_since is None:
            self._over_since, self._over_from = now, speed
        drop = max(speed, self._over_from) - cap  # one that slides comes down as fast as the belt, or faster
        obeys = drop / min(self._rules.deceleration, self._machine.quirks.belt.deceleration)
        if now - self._over_since > 2 * self._record_s + 6.0 + obeys:
            self._violate("G8", f"{speed / 100:.2f} km/h for too long, the cap is {cap / 100:.2f}", now)

    def _judge_obeying(self, speed: float, loud: bool, now: float) -> None:
        """G9: a belt that never came to its target and runs faster is stopped."""
        if self._told is None:
            return
        self._met = self._met or (now > self._told_at + 2 and abs(speed - self._told) <= MET)
        over = speed > self._told + MOVING + self._noise + RESOLUTION
        sure = not (self._met or loud or self._lies or self._licence is None or self.is_disturbed(now))
        answered = now > self.unanswered_until + 8
        if not (over and sure and answered) or self._touched > self._told_at - 10:
            self._disobeys_since = None
            return
        self._disobeys_since = now if self._disobeys_since is None else self._disobeys_since
        if now - self._disobeys_since > 2 + 3 + self._drop / 20 + 2 * self._record_s + 2.5:
            what = f"{speed / 100:.2f} km/h for too long, told were {self._told / 100:.2f}"
            self._violate("G9", what, now)

    def _judge_stops(self, loud: bool, now: float) -> None:
        """A Stop that is owed comes; and under the alarm they go on, while the belt does."""
        if self._stop_due is not None and now > self._stop_due[0]:
            self._violate("G3", f"{self._stop_due[1]}, and no Stop is written", now)
        late = self._control_due is not None and now > max(self._control_due, self.deaf_until + 4)
        if late and now > self.unanswered_until + 8 and not self.is_disturbed(now):
            self._violate("G3", "a Stop was denied, and control is not asked for", now)
        lease = self._lease
        if lease is not None and not loud and now > lease + 8 + self._rest_within():
            self._violate("lease", "the lease was not renewed and the belt still runs", now)
        shown = self._look()
        self._judge_left(shown is not None and shown.link == "connected", now)
        halting = shown is not None and shown.phase in HALTING and not loud
        if not halting:
            self._halting_since = None
            return
        self._halting_since = now if self._halting_since is None else self._halting_since
        if now - max(self._halting_since, self.deaf_until) > HALT_S + self._rest_within():
            self._violate("halt", f"the belt still runs though the session is {shown and shown.phase}", now)

    def _judge_left(self, connected: bool, now: float) -> None:
        """The first thing that a new link carries to a belt of ours is a Stop."""
        due = self._owing and self._first_frame and connected and self._machine.belt.speed > REST
        # One that tells its target tells rest while it coasts: that withholds it.
        if not due or self.is_disturbed(now) or self._lies:
            self._left_since = None
            return
        self._left_since = now if self._left_since is None else self._left_since
        if now - max(self._left_since, self.deaf_until) > 3.5 + self._record_s:
            self._violate("G14", "our belt was left running, the link is up, and no Stop is written", now)

    def _judge_alone(self, loud: bool, now: float) -> None:
        """A belt of ours that no session leads is stopped, or everybody hears of it."""
        if self._licence is not None or loud:
            self._alone_since = None
            return
        self._alone_since = now if self._alone_since is None else self._alone_since
        if now - max(self._alone_since, self.deaf_until) > 45 + self._rest_within():
            self._violate("alone", "our belt runs without a session and without an alarm", now)

    def _loud(self, now: float) -> bool:
        """The loudest alarm is in force, and heard unless somebody silenced it."""
        shown = self._look()
        fault = None if shown is None else shown.fault
        if fault is None or not BY_ID[fault].alarm:
            self._loud_since = None
            return False
        self._loud_since = now if self._loud_since is None else self._loud_since
        if now - max(self._loud_since, self.alarm_heard) > ALARM_EVERY_S and not self._acked:
            self._violate("alarm", f"{fault} is in force and was not heard for {ALARM_EVERY_S} s", now)
        return True

    @property
    def _coasts_unseen(self) -> bool:
        """It tells its target as its speed, and was told to stop: to who hears it, it rests."""
        return self._lies and not self._machine.belt.is_started

    # --- small ------------------------------------------------------------------------------------

    def _cap(self, now: float) -> float | None:
        if self._program is None:
            return None
        if self.facing not in self._caps:
            self._caps[self.facing] = self._rules.cap(self._program, self.facing)
        cap = self._caps[self.facing]
        if self._live is None:
            return cap
        slide = 0.0
        if self._slide_from is not None:
            start, at = self._slide_from
            slide = start - SLIDE * (now - at)
        return max(min(cap, self._live), min(cap, slide))

    def _told_moving(self, now: float) -> bool:
        """It runs, and has told so."""
        return min(self._told_speed(now), self._machine.belt.speed) > MOVING + self._noise

    def _told_speed(self, now: float) -> float:
        """As a record may have told it."""
        return next((speed for at, speed in reversed(self._speeds) if at <= now - self._record_s), 0.0)

    def _unnoticed(self, now: float) -> bool:
        """G15: a departure of 3 s is a hand, once the belt is there and records tell of it."""
        return self._hand is not None and now <= self._hand[0] + 5 + 2 * self._record_s

    def _rest_within(self) -> float:
        """Of a belt that was told to stop: at rest, or the alarm."""
        belt = self._machine.belt
        seconds = max(belt.speed, belt.target) / self._rules.deceleration + 5.0 + 2.0 + 2 * self._record_s
        return seconds + (24.0 if self._silent else 0.0)

    def _owe(self, deadline: float, law: str, why: str) -> None:
        if self.reader is not None:
            self._dues.append((deadline, law, why))

    def _violate(self, law: str, what: str, now: float) -> None:
        self._tell(Violation(law, what, self._place, now))
