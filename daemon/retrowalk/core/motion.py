"""What telemetry says of one belt: its speed, at rest, moving, falling (safety.md, Words)."""

from collections import deque

from blefit.units import Speed

REST = Speed(10)
MOVING = Speed(30)
FALL = Speed(10)
FALL_WINDOW_S = 2.0
REST_SPAN_S = 0.5
GAP_S = 4.0
"""After it rest has to be seen anew: what was held back on the way comes all at once, and is old."""


class Motion:
    """The records of one connection. A new connection knows nothing: silence is unknown, never zero."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, Speed]] = deque()
        self._quiet_since: float | None = None
        self._fast_records = 0
        self.speed: Speed | None = None
        self.at: float | None = None
        self.at_rest = False
        self.moving = False

    def record(self, speed: Speed, now: float) -> None:
        """A Treadmill Data record arrived."""
        if self.at is not None and now - self.at >= GAP_S:
            self._quiet_since, self.at_rest = None, False
        self.speed, self.at = speed, now
        self._recent.append((now, speed))
        while self._recent[0][0] < now - FALL_WINDOW_S:
            self._recent.popleft()
        if speed <= REST:
            if self._quiet_since is None:
                self._quiet_since = now
            if now - self._quiet_since >= REST_SPAN_S:
                self.at_rest, self.moving, self._fast_records = True, False, 0
            return
        self._quiet_since = None
        self.at_rest = False
        if speed > MOVING:
            self._fast_records += 1
            self.moving = self._fast_records >= 2

    def said_still(self) -> None:
        """A person says that the belt rests: what was measured before is over."""
        self.moving, self._fast_records = False, 0

    def rests(self, now: float, within: float) -> bool:
        """At rest by two records, both younger than `within` seconds (2 s at most are kept)."""
        young = [speed for at, speed in self._recent if now - at < within]
        return self.at_rest and len(young) >= 2 and max(young) <= REST

    @property
    def doubtful(self) -> bool:
        """The newest records say rest, but not for long enough: a moving belt is not still from one to the
        next, and some machines slip in a zero."""
        return self._quiet_since is not None and not self.at_rest

    @property
    def stirred(self) -> bool:
        """Since it rested, or was said to, at least one record was above 0.3 km/h."""
        return self._fast_records > 0

    @property
    def fell(self) -> bool:
        """It was falling when it was last heard of, however long ago that is."""
        return self.at is not None and self.falling(self.at)

    @property
    def at_least(self) -> Speed | None:
        """The lower of the newest two records: one alone may be garbled."""
        return min((speed for _, speed in list(self._recent)[-2:]), default=None)

    @property
    def at_most(self) -> Speed | None:
        """The higher of the newest two records of the last 2 s; None: there are no two."""
        newest = [speed for _, speed in list(self._recent)[-2:]]
        return max(newest) if len(newest) == 2 else None

    def age(self, now: float) -> float | None:
        """Seconds since the newest record; None before the first."""
        return None if self.at is None else now - self.at

    def fresh(self, now: float, within: float) -> bool:
        """Whether the newest record is younger than `within` seconds."""
        return self.at is not None and now - self.at < within

    def falling(self, now: float) -> bool:
        """The newest record is at least 0.1 km/h below the highest of the last 2 s."""
        highest = max((s for at, s in self._recent if at >= now - FALL_WINDOW_S), default=None)
        return highest is not None and self.speed is not None and self.speed <= highest - FALL
