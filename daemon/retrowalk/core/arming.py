"""From an act at the machine to one Start, and from the Start to motion (G2, G10)."""

from dataclasses import dataclass

ARM_S, INTENT_S = 30.0, 5.0
COUNTDOWN_S = 5.0
OUTSTANDING_S, OUTSTANDING_SLACK_S = 10.0, 4.0
TARGET_WITHOUT_MOTION_S = 1.0


@dataclass(slots=True)
class Arming:
    """One act at the machine: a countdown within 30 s, then one Start within 5 s of its end."""

    at: float
    wait_s: float
    """How long its countdown may take, the belt at rest."""
    _counting_since: float | None = None
    _intended_at: float | None = None

    def countdown(self, now: float) -> None:
        """The announced countdown begins."""
        if self._counting_since is None and now - self.at <= ARM_S:
            self._counting_since = now

    def intend(self, now: float) -> None:
        """The countdown has ended; one that was cut short intends nothing."""
        counted = self._counting_since is not None and now - self._counting_since >= COUNTDOWN_S
        if counted and self._intended_at is None:
            self._intended_at = now

    def may_start(self, now: float) -> bool:
        """A countdown ended just now."""
        return self._intended_at is not None and now - self._intended_at <= INTENT_S

    def lapsed(self, now: float) -> bool:
        """Unused for too long: it has to be given again."""
        if self._intended_at is not None:
            return now - self._intended_at > INTENT_S
        if self._counting_since is not None:
            return now - self._counting_since > self.wait_s + INTENT_S
        return now - self.at > ARM_S


@dataclass(slots=True)
class Outstanding:
    """A Start that was written: the belt may move at any moment, until it does or time runs out."""

    sent: float
    start_delay_s: float
    answered: float | None = None
    moved: bool = False
    """One record above 0.3 km/h came."""

    def run_out(self, now: float) -> bool:
        """10 s, or the commissioned delay and 4 s, are over."""
        return now - self.sent >= max(OUTSTANDING_S, self.start_delay_s + OUTSTANDING_SLACK_S)

    def may_target(self, now: float) -> bool:
        """1 s after the answer, for a machine that does not move without a target (G7)."""
        return self.answered is not None and now - self.answered >= TARGET_WITHOUT_MOTION_S
