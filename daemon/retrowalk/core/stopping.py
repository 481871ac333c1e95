"""One stop, until the belt is known to rest: when Stop is written, repeated, and judged (G3, G11, G12)."""

from dataclasses import dataclass

from blefit.units import Speed
from retrowalk.core.exchange import Outcome, Result
from retrowalk.core.model import Command, RequestControl, Stop
from retrowalk.core.motion import MOVING, Motion

FALL_WITHIN_S = 3.0
REST_SLACK_S = 5.0
PRESUMED_SLACK_S = 2.0
STILL_ANSWER_S = 20.0
FIRST_REPEAT_S, REPEAT_S = 1.5, 0.5
STOPS_TO_THE_SILENT = 6

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
    ours: bool
    must_write: bool = False
    """Whatever telemetry says: a Start was outstanding."""
    alarmed: bool = False
    asked_still: float | None = None
    need_control: bool = False
    """The Stop was answered Control Not Permitted."""
    writes: int = 0
    _last_write: float = 0.0
    _again: bool = False
    _failures: int = 0
    _fell: bool = False

    def join(self, *, must_write: bool) -> None:
        """Stop is asked for again, or for the first time of a console stop: it is ours from now on."""
        self.ours = True
        self.must_write = self.must_write or must_write

    def judge(self, motion: Motion, deceleration: int, now: float, *, silent: bool) -> str:
        """What is noticed at this moment: RESTED, ASK_STILL, an alarm's id, or ''.

        `deceleration` in 0.01 km/h per s; `silent`: a machine that falls silent at rest has done so.
        """
        if self.speed is None:
            self.speed = motion.speed
        began = self.speed or Speed(0)
        self._fell = self._fell or motion.falling(now)
        written = self.writes > 0 or not self.must_write
        if written and motion.at_rest and motion.at is not None and motion.at >= self.asked:
            return RESTED
        due = self.asked + began / deceleration
        if self.asked_still is not None:
            return self._judge_presumed(motion, now, silent=silent)
        if self.alarmed:
            return ""
        if (
            silent
            and now >= due + PRESUMED_SLACK_S
            and motion.speed is not None
            and motion.speed * 2 <= began
        ):
            self.asked_still = now
            return ASK_STILL
        never_fell = now >= self.asked + FALL_WITHIN_S and not self._fell and began > MOVING
        if never_fell or now >= due + REST_SLACK_S:
            return self._alarm(STOP_IGNORED)
        return ""

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

    def demand(self, motion: Motion, now: float, *, silent: bool) -> Command | None:
        """What has to be written now: Stop, or control for its sake."""
        if not self.ours:
            return None
        if self.need_control:
            return RequestControl()
        if self.writes == 0 or self._again:
            return Stop()
        wait = FIRST_REPEAT_S if self.writes == 1 else REPEAT_S
        if now - self._last_write < wait or motion.falling(now):
            return None
        if silent and self._fell and self.writes >= STOPS_TO_THE_SILENT:
            return None
        return Stop()

    def sent(self, now: float) -> None:
        """A Stop was handed to the link."""
        self.writes += 1
        self._last_write = now
        self._again = False

    def control_concluded(self) -> None:
        """Control was asked for, for the Stop's sake: Stop again at once, whatever the answer."""
        self._again = True

    def concluded(self, outcome: Outcome) -> None:
        """The Stop's transaction ended. A write that failed is repeated at once, the first time."""
        if outcome.control_denied:
            self.need_control = True
        elif outcome.result in {Result.FAILED, Result.NOT_STARTED}:
            self._failures += 1
            self._again = self._failures == 1
