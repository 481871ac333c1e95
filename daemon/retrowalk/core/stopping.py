"""One stop, until the belt is known to rest: when Stop is written, repeated, and judged (G3, G11, G12)."""

from dataclasses import dataclass

from blefit.ftms.control_point import OpCode, Response, ResultCode
from blefit.units import Speed
from retrowalk.core.exchange import Outcome, Result
from retrowalk.core.model import Command, RequestControl, Stop
from retrowalk.core.motion import FALL, MOVING, Motion

FALL_WITHIN_S = 3.0
REST_SLACK_S = 5.0
PRESUMED_SLACK_S = 2.0
STILL_ANSWER_S = 20.0
FIRST_REPEAT_S, REPEAT_S = 1.5, 0.5
STOPS_TO_THE_SILENT = 6

FASTEST = Speed(2500)
"""No treadmill runs faster: a garbled record that says so must not put off rest, or the alarm."""
UNLIKELY = 300
"""0.01 km/h: so far below twice the deceleration no belt falls."""
SILENT_S = 1.5
"""A machine that has sent no record for so long is silent."""
_DENIED = Response(OpCode.STOP_OR_PAUSE, ResultCode.CONTROL_NOT_PERMITTED)

RESTED = "rest"
ASK_STILL = "ask_still"
STOP_IGNORED = "stop_ignored"
REST_UNKNOWN = "rest_unknown"


@dataclass(slots=True)
class Stopping:
    """A stop that is not over yet. Ours is written; one of the console is only judged, until it fails."""

    asked: float
    speed: Speed | None
    """At that moment; None: nothing known, the first record tells."""
    deceleration: int
    """0.01 km/h per second."""
    highest: Speed
    """As measured, at that moment and since."""
    ours: bool
    must_write: bool
    """Whatever telemetry says: a Start was outstanding."""
    silent_machine: bool
    """It is known to fall silent at rest."""
    echoes_target: bool
    """It reports its target as its speed: a zero is no rest while the belt may run out."""
    delivered: bool = False
    """A write of it went through, and control was not missing."""
    alarmed: bool = False
    asked_still: float | None = None
    need_control: bool = False
    """A Stop, this or one before it, was answered Control Not Permitted."""
    urgent: bool = True
    """Control is asked for without space between the frames: once, lest a machine that denies it for ever is
    flooded."""
    writes: int = 0
    _last_write: float = float("-inf")
    _again: bool = False
    _failures: int = 0
    _answered: bool = True
    """Since its last frame: before the first nobody answers it, and what is told twice is no news."""

    @property
    def owed(self) -> bool:
        """It has to reach the machine, and has not: neither telemetry nor a person ends it."""
        return self.must_write and not self.delivered

    def join(self, now: float) -> None:
        """Stop is asked for again, or for the first time of a console stop: it is ours, and written again."""
        self.ours = True
        self._again = self._again or now - self._last_write >= REPEAT_S

    @property
    def _due(self) -> float:
        """When the belt rests, if it obeys."""
        return self.asked + min(self.speed or 0, FASTEST) / self.deceleration

    def believes_rest(self, now: float) -> bool:
        """Whether records of rest tell the truth by now."""
        return not self.echoes_target or now >= self._due + PRESUMED_SLACK_S

    def judge(self, motion: Motion, now: float) -> str:
        """What is noticed at this moment: RESTED, ASK_STILL, an alarm's id, or ''."""
        silent = self.silent_machine and not motion.fresh(now, SILENT_S)
        if self.speed is None:
            self.speed = motion.speed
        began = self._corrected(self.speed or Speed(0), motion, now)
        if motion.speed is not None:
            self.highest = max(self.highest, motion.speed)
        if not self.owed and motion.at_rest and self._heard(motion) and self.believes_rest(now):
            return RESTED
        if self.asked_still is not None:
            return self._judge_presumed(motion, now, silent=silent)
        if self.alarmed:
            return ""
        if (
            silent
            and now >= self._due + PRESUMED_SLACK_S
            and motion.speed is not None
            and motion.speed * 2 <= began
        ):
            self.asked_still = now
            return ASK_STILL
        rises = motion.at_least is not None and motion.at_least > MOVING
        fast = self.speed is None or began > MOVING or rises
        never_fell = now >= self.asked + FALL_WITHIN_S and not self._fell(motion) and fast
        if never_fell:
            return self._alarm(STOP_IGNORED)
        if now >= self._due + REST_SLACK_S:
            return self._alarm(REST_UNKNOWN if silent else STOP_IGNORED)
        return ""

    def _corrected(self, began: Speed, motion: Motion, now: float) -> Speed:
        """No belt falls so fast: the record that said where it began was garbled."""
        newest = motion.at_most
        if newest is None or self.echoes_target or not self._heard(motion):
            return began
        if newest + 2 * self.deceleration * (now - self.asked) + UNLIKELY < began:
            self.speed = self.highest = began = newest
        return began

    def _heard(self, motion: Motion) -> bool:
        """A record came since."""
        return motion.at is not None and motion.at >= self.asked

    def _fell(self, motion: Motion) -> bool:
        """The belt is below its highest since, or rests; what it did before does not count."""
        below = motion.speed is not None and motion.speed <= self.highest - FALL
        return self._heard(motion) and (below or motion.at_rest)

    def _judge_presumed(self, motion: Motion, now: float, *, silent: bool) -> str:
        assert self.asked_still is not None
        if not silent and motion.speed is not None and motion.speed > MOVING:
            self.asked_still = None
            return "" if self.alarmed else self._alarm(STOP_IGNORED)
        if now >= self.asked_still + STILL_ANSWER_S and not self.alarmed:
            return self._alarm(REST_UNKNOWN)
        return ""

    def _alarm(self, fault_id: str) -> str:
        self.alarmed = self.ours = True
        return fault_id

    def demand(self, motion: Motion, now: float, *, may_ask: bool) -> Command | None:
        """What has to be written now: Stop, or, where the link is free for it, control for its sake."""
        if not self.ours:
            return None
        if self.writes == 0 or self._again:
            return Stop()
        if self.need_control and may_ask:
            return RequestControl()
        wait = FIRST_REPEAT_S if self.writes == 1 else REPEAT_S
        if now - self._last_write < wait or motion.falling(now):
            return None
        known_to_rest = motion.at_rest and motion.fresh(now, SILENT_S)
        given_up = self._fell_silent(motion, now) and self.writes >= STOPS_TO_THE_SILENT
        return None if (known_to_rest and not self.owed) or given_up else Stop()

    def _fell_silent(self, motion: Motion, now: float) -> bool:
        """No record any more, of a machine that does so at rest or after the belt was seen to obey."""
        return (self.silent_machine or self._fell(motion)) and not motion.fresh(now, SILENT_S)

    def sent(self, now: float) -> None:
        """A Stop was handed to the link."""
        self.writes += 1
        self._last_write = now
        self._again = self._answered = False

    def control_sent(self) -> None:
        """Control was asked for, for the Stop's sake."""
        self.need_control, self.urgent = False, False

    def control_concluded(self) -> None:
        """Control was asked for, for the Stop's sake: Stop anew at once, whatever the answer."""
        self.writes = 0

    def answered(self, response: Response) -> None:
        """A machine answers slowly: it tells of a Stop that the exchange waits for no more as well."""
        if response.request_op_code != OpCode.STOP_OR_PAUSE or self._answered:
            return
        self._answered = True
        self.need_control = response == _DENIED
        self.delivered = self.delivered or not self.need_control

    def concluded(self, outcome: Outcome) -> None:
        """The Stop's transaction ended. A write that failed is repeated at once, the first time."""
        if outcome.result is Result.UNANSWERED:
            self.delivered = True
        elif outcome.result in {Result.FAILED, Result.NOT_STARTED}:
            self._failures += 1
            self._again = self._failures == 1
