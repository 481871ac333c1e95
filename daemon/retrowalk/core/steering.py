"""What an armed belt is told and whether it obeys: cap, targets, hand, incline (G5 to G9, G15)."""

from blefit.units import Incline, Speed
from retrowalk.core.authority import Authority, Refusal
from retrowalk.core.capping import ENFORCE, Capping
from retrowalk.core.exchange import Outcome, Result
from retrowalk.core.model import Machine
from retrowalk.core.motion import Motion
from retrowalk.core.obeying import AWAY, HAND, Obeying

FRESH_S = 2.0
READING_ERROR = Speed(10)
INCLINE_STEP, INCLINE_PAUSE_S = Incline(5), 5.0

CONTROL_LOST = "control_lost"
TARGET_REFUSED = "target_refused"
INCLINE_REFUSED = "incline_refused"
_TAKEN = {Result.SUCCESS, Result.UNANSWERED}


class Steering:
    """One arming's targets. It refuses what the laws forbid; the guard stops what it finds."""

    def __init__(
        self, authority: Authority, machine: Machine, *, live: Speed | None, incline: Incline, trial: bool
    ) -> None:
        self.authority = authority
        self.capping = Capping(authority.cap, authority.ceiling, live)
        self.hand: Speed | None = None
        """G15: the speed that a person set at the console."""
        self.incline = incline
        """As commanded last."""
        self.started_high = False
        """The belt was seen to start above its minimum + 0.3 km/h."""
        self.trial = trial
        """No first target of this session was met yet."""
        self._machine = machine
        self._target: Obeying | None = None
        self._target_before: Obeying | None = None
        self._hand_before: Speed | None = None
        self.deck: Incline | None = None
        """As reported last in this run."""
        self._incline_before = incline
        self._incline_at = float("-inf")

    # --- what is known ----------------------------------------------------------------------------

    @property
    def commanded(self) -> Speed | None:
        """The target in force: ours, or the hand's."""
        if self.hand is not None:
            return self.hand
        return None if self._target is None else self._target.speed

    @property
    def hand_is_newest(self) -> bool:
        """No target of ours has been sent since that hand."""
        return self.hand is not None and self._target is None

    @property
    def slowest(self) -> Speed:
        """The machine's minimum."""
        return self._machine.minimum

    @property
    def target_met(self) -> bool:
        """The present target has been measured."""
        return self._target is not None and self._target.met

    @property
    def settled(self) -> bool:
        """The first target since rest was met, or a hand took over: a Start of ours has had its effect."""
        target = self._target
        return self.hand is not None or (target is not None and (target.met or not target.after_rest))

    def ready(self, now: float) -> bool:
        """No target waits for its answer and the incline is still."""
        answered = self._target is None or self._target.answered is not None
        return answered and now - self._incline_at >= INCLINE_PAUSE_S

    def order(self, now: float) -> Speed | None:
        """G8: the target that takes a belt above its cap back to it, until it is sent."""
        if not self.capping.ordering:
            return None
        if self.commanded is None:
            return self._machine.minimum
        wanted = min(self._machine.on_grid(self.capping.now(now)), self.commanded)
        return max(wanted, self._machine.minimum)

    def incline_step(self, wanted: Incline) -> Incline | None:
        """The next step towards `wanted`, or None."""
        if not self.target_met or self.hand is not None or self._deck_is_away:
            return None
        goal = min(wanted, self.authority.incline_cap, self._machine.maximum_incline)
        step = max(-INCLINE_STEP, min(INCLINE_STEP, goal - self.incline))
        return Incline(self.incline + step) if step else None

    @property
    def _deck_is_away(self) -> bool:
        """Somebody has moved the deck, or it is still on its way: a step would be one from elsewhere."""
        return self.deck is not None and abs(self.deck - self.incline) > INCLINE_STEP

    # --- what is measured -------------------------------------------------------------------------

    def judge(self, speed: Speed, deceleration: int, now: float) -> tuple[str, str]:
        """A record came: a finding's id, or '', and its detail. HAND and ENFORCE let the belt run on."""
        unanswered = self._target is None or (self._target.after_rest and self._target.answered is None)
        if unanswered and self.hand is None and speed > self._machine.minimum + AWAY:
            self.started_high = True
        over = self.capping.judge(speed, deceleration, now)
        if over and over != ENFORCE:
            return over, ""
        if self._target is None:
            self.hand = None if self.hand is None else speed
            return over, ""
        told = self._target.speed
        verdict = self._target.judge(speed, now, blind=self._machine.echoes_target)
        self.trial = self.trial and not self._target.met
        if verdict == HAND:
            on_trial = self._target.trial and not self._target.met
            verdict = "" if on_trial and self.hand is not None else HAND
            self.hand = self._hand_before = speed
            if not on_trial:  # miles for kilometres are found whatever a hand does
                self._target = None
        detail = f"told {told / 100:.2f} km/h, ran {speed / 100:.2f}" if verdict else ""
        return (verdict, detail) if verdict else (over, "")

    def resume(self) -> None:
        """G15: a person at the machine says that the program may go on."""
        self._target = self._target_in_force
        self.hand = self._hand_before = None

    @property
    def _target_in_force(self) -> Obeying | None:
        """A hand's speed, while no target of ours is newer, as one that was met."""
        if self.hand is None or self._target is not None:
            return self._target
        return Obeying(self.hand, self.hand, answered=0.0, met=True)

    # --- what is sent -----------------------------------------------------------------------------

    def review_target(self, speed: Speed, motion: Motion, now: float) -> Refusal | None:
        """Whether this target may be written now (G5, G6, G7, G9, G15)."""
        machine, cap = self._machine, min(self.capping.now(now), self.authority.ceiling)
        measured = motion.speed if motion.fresh(now, FRESH_S) else None
        first = self.commanded is None
        if measured is None and not (first and machine.silent_at_rest and machine.needs_target_to_move):
            return Refusal("G6", "telemetry is older than 2 s")
        if speed > cap:
            return Refusal("G5", f"{speed / 100:.2f} km/h is above the cap {cap / 100:.2f}")
        if not machine.minimum <= speed <= machine.maximum:
            return Refusal("G5", f"{speed / 100:.2f} km/h is outside the machine's range")
        ordered = speed == self.order(now)
        if now - self._incline_at < INCLINE_PAUSE_S and not ordered:
            return Refusal("G7", "the incline moves")
        if first and speed != machine.minimum:
            return Refusal("G7", "the first target is the machine's minimum")
        if measured is not None and speed > measured and motion.fell:
            return Refusal("G15", "the belt falls: a target above its speed may undo a stop at the console")
        return None if first or measured is None else self._review_step(speed, measured, ordered=ordered)

    def _review_step(self, speed: Speed, measured: Speed, *, ordered: bool) -> Refusal | None:
        target, commanded, limits = self._target, self.commanded, self.authority
        if self.hand is not None and speed > self.hand and not ordered:
            return Refusal("G15", "a hand is on the console: only lower targets")
        if target is not None and target.after_rest and not target.met and speed > target.speed:
            return Refusal("G9", "the first target is not met yet")
        if speed > measured + limits.step_up + READING_ERROR:
            return Refusal("G7", f"{speed / 100:.2f} km/h is more than a step above {measured / 100:.2f}")
        floor = measured if commanded is None else min(measured, commanded)
        if speed < floor - limits.step_down - READING_ERROR and not ordered:
            return Refusal("G7", f"{speed / 100:.2f} km/h is more than a step below {floor / 100:.2f}")
        return None

    def review_incline(self, incline: Incline, now: float) -> Refusal | None:
        """Whether this incline may be written now (G5, G7)."""
        highest = min(self.authority.incline_cap, self._machine.maximum_incline)
        # A session may begin on the slope of the one before, above its own cap: it has to come down in steps.
        if incline < 0 or (incline > highest and incline >= self.incline):
            return Refusal("G5", f"{incline / 10:.1f} % is above the incline cap, or below 0")
        if not self.target_met or self.hand is not None:
            return Refusal("G7", "the speed moves")
        if self._deck_is_away:
            return Refusal("G7", "the deck is not where it was told to be")
        if abs(incline - self.incline) > INCLINE_STEP or now - self._incline_at < INCLINE_PAUSE_S:
            return Refusal("G7", "an incline step is 0.5 %, each at least 5 s after the last")
        return None

    def target_sent(self, speed: Speed, measured: Speed | None) -> None:
        """A target was handed to the link."""
        self.capping.told()
        before, first = self._target_in_force, self.commanded is None
        unmet = None if before is None or before.met else before
        self._target_before, self._target = (
            before,
            Obeying(
                speed,
                Speed(0) if measured is None else measured,
                after_rest=first or (unmet is not None and unmet.after_rest),
                trial=self.trial and (first or (unmet is not None and unmet.trial)),
            ),
        )
        self._hand_before = self.hand
        if self.hand is not None:
            self.hand = min(self.hand, speed)

    def incline_sent(self, incline: Incline, now: float) -> None:
        """An incline was handed to the link."""
        self._incline_before, self.incline, self._incline_at = self.incline, incline, now

    def concluded(self, outcome: Outcome, now: float, *, incline: bool) -> str:
        """The transaction of a target ended: a finding's id, or ''. What was refused is not in force."""
        if outcome.control_denied:
            return CONTROL_LOST
        taken = outcome.result in _TAKEN
        if incline:  # without an answer the same step is sent again: a deck that took it stays where it is
            self.incline = self.incline if outcome.result is Result.SUCCESS else self._incline_before
            return "" if taken else INCLINE_REFUSED
        if self._target is None or self._target.answered is not None:  # a hand took over, or went on
            pass
        elif taken:
            self._target.answered = now
        else:
            self._target, self.hand = self._target_before, self._hand_before
        return "" if taken else TARGET_REFUSED
