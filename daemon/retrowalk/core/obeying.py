"""One target, from its frame on: does the belt obey it, and does somebody else move it (G9, G15)?"""

from dataclasses import dataclass, field

from blefit.units import Speed
from retrowalk.core.episode import Episode

MET, AWAY, FALLEN = Speed(15), Speed(30), Speed(20)
MET_AFTER_S, OVER_S, HAND_S = 2.0, 2.0, 3.0
STAYS_S, STAYS_WITHIN = 1.5, Speed(10)
"""The first target since rest is met by a belt that stays there: one that takes it for miles runs through."""
OBEY_S, OBEY_RATE = 3.0, 20
"""A target below the measured speed first gets 3 s + drop / 0.2 km/h/s."""
STUCK_S, RISEN = 10.0, Speed(5)
"""A belt that stays away below a target, and rises no more for so long, is held there by somebody."""
MPH_LOW, MPH_HIGH = 1.5, 1.7

WRONG_SPEED = "wrong_speed"
TOO_FAST = "too_fast"
HAND = "hand"


@dataclass(slots=True)
class Obeying:
    """A target and what was measured since. Judged until met; after that a departure is a hand."""

    speed: Speed
    measured: Speed
    """When it was sent."""
    after_rest: bool = False
    """The first since rest: nothing faster is sent until it is met."""
    trial: bool = False
    """The first since rest, and none of this session was met before: it also tells a machine that takes miles
    for kilometres."""
    answered: float | None = None
    met: bool = False
    _highest: Speed = field(init=False)
    _over: Episode = field(default_factory=Episode)
    _miles: Episode = field(default_factory=Episode)
    _away_since: float | None = None
    _rising: tuple[float, Speed] | None = None
    """Not met yet: when it last rose, and to what."""
    _near: tuple[float, Speed] | None = None
    """The first of the records near the target that are near each other."""

    def __post_init__(self) -> None:
        self._highest = self.measured

    def judge(self, speed: Speed, now: float, *, blind: bool) -> str:
        """A record came: WRONG_SPEED, TOO_FAST, HAND, or ''. `blind`: the machine echoes its target."""
        verdict = ""
        if self.met:
            verdict = self._judge_met(speed, now)
        elif self.answered is not None:
            verdict = self._judge_unmet(speed, self.answered, now, blind=blind)
        self._highest = max(self._highest, speed)
        if not verdict and speed < self._highest - FALLEN and speed < self.speed - MET:
            return HAND
        return verdict

    def _judge_unmet(self, speed: Speed, answered: float, now: float, *, blind: bool) -> str:
        drop = self.measured - self.speed
        from_when = answered + (OBEY_S + drop / OBEY_RATE if drop > 0 else 0.0)
        if now >= from_when and not blind:
            miles = self.trial and MPH_LOW * self.speed <= speed <= MPH_HIGH * self.speed
            self._miles.record(now, holds=miles)
            self._over.record(now, holds=speed > self.speed + AWAY)
            if self._miles.records >= 2 or self._over.lasts(now, OVER_S):
                return WRONG_SPEED if self.trial else TOO_FAST
        stays = self._stays(speed, now)  # from the answer on, though it counts 2 s later
        if stays and now >= answered + MET_AFTER_S:
            self.met = True
            self._highest = speed
        return HAND if self._stuck(speed, now) else ""

    def _stuck(self, speed: Speed, now: float) -> bool:
        if speed >= self.speed - AWAY or self._rising is None or speed > self._rising[1] + RISEN:
            self._rising = now, speed
        return now - self._rising[0] >= STUCK_S

    def _stays(self, speed: Speed, now: float) -> bool:
        if abs(speed - self.speed) > MET:
            self._near = None
            return False
        if self._near is None or abs(speed - self._near[1]) > STAYS_WITHIN:
            self._near = now, speed
        return not self.after_rest or now - self._near[0] >= STAYS_S

    def _judge_met(self, speed: Speed, now: float) -> str:
        if abs(speed - self.speed) <= AWAY:
            self._away_since = None
        elif self._away_since is None:
            self._away_since = now
        return HAND if self._away_since is not None and now - self._away_since >= HAND_S else ""
