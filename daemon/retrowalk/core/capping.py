"""The cap of the moment, and a belt above it (G5, G8)."""

from blefit.units import Speed
from retrowalk.core.episode import Episode

CAP_MARGIN = Speed(20)
SLIDE = 30
"""0.01 km/h per second: how a cap that is lowered while the belt moves comes down."""
SLIDE_LEAD = Speed(30)
"""The slide begins so far above the belt: one second for the belt to follow."""
OBEY_S = 3.0

OVER_CEILING = "over_ceiling"
OVER_CAP = "over_cap"
ENFORCE = "cap_enforced"


class Capping:
    """One arming's cap and ceiling, the live cap below them, and the records above."""

    def __init__(self, cap: Speed, ceiling: Speed, live: Speed | None) -> None:
        self._cap = cap if live is None else min(cap, live)
        self._ceiling = ceiling
        self._slide: tuple[Speed, float] | None = None
        self._over = Episode()
        self._over_ceiling = Episode()
        self._deadline: float | None = None
        self._ordered: Speed
        """The cap that it was to come back to by then: a sliding one has come down since."""
        self._untold = False

    def now(self, now: float) -> Speed:
        """The cap as it is judged at this moment."""
        if self._slide is None:
            return self._cap
        start, at = self._slide
        return max(self._cap, Speed(int(start - SLIDE * (now - at))))

    def lower(self, live: Speed, speed: Speed | None, now: float) -> None:
        """The live cap comes down; from a belt that moves at, or towards, `speed` it slides."""
        if live >= self._cap:
            return
        present = self.now(now)
        self._cap = live
        self._slide = None if speed is None else (min(present, max(live, Speed(speed + SLIDE_LEAD))), now)

    @property
    def ordering(self) -> bool:
        """The belt is above the cap and has not been told the cap yet."""
        return self._untold and self._over.holds

    def told(self) -> None:
        """A target was sent."""
        self._untold = False

    def judge(self, speed: Speed, deceleration: int, now: float) -> str:
        """A record of `speed` came: OVER_CEILING, ENFORCE (once), OVER_CAP, or ''.

        A belt that obeys, and is above a cap that slid on meanwhile, is told that one.
        """
        cap = self.now(now)
        self._over.record(now, holds=speed > cap + CAP_MARGIN)
        self._over_ceiling.record(now, holds=speed > self._ceiling + CAP_MARGIN)
        if self._over_ceiling.records >= 2:
            return OVER_CEILING
        if self._over.since is None:
            self._deadline, self._untold = None, False
        if not self._over.holds or self._over.records < 2:
            return ""
        if self._deadline is None:
            self._order(speed, cap, deceleration, now)
            return ENFORCE
        late = now > self._deadline
        if speed > self._ordered + CAP_MARGIN:
            return OVER_CAP if late else ""
        if late or cap <= self._ordered - CAP_MARGIN:
            self._order(speed, cap, deceleration, now)
        return ""

    def _order(self, speed: Speed, cap: Speed, deceleration: int, now: float) -> None:
        self._ordered, self._untold = cap, True
        self._deadline = now + OBEY_S + (speed - cap) / deceleration
