"""The belt: a motor that gets it to a speed, and the controller that tells the motor when.

It starts after a countdown, keeps its speed without anybody's doing, and coasts down when told to stop.
"""

from enum import Enum, auto

from blefit.units import Speed
from retrowalk.sim.model.quirks import BeltQuirks, Ranges
from retrowalk.sim.model.ramp import Ramp

_METRES = 1 / 360
"""Of 0.01 km/h in one second."""


class Motion(Enum):
    """What the controller has been told to do; the belt follows by inertia."""

    STOPPED = auto()
    COUNTDOWN = auto()
    RUNNING = auto()
    PAUSED = auto()


class Belt:
    """One belt, at rest at `now`."""

    def __init__(self, quirks: BeltQuirks, ranges: Ranges, now: float = 0.0) -> None:
        self.motion = Motion.STOPPED
        self.target = Speed(0)
        """The last target it took, as it was told; 0 after a stop."""
        self.distance_m = 0.0
        self.started_moving: float | None = None
        """Since when it is being driven; None while it is not."""
        self.running_away = False
        self._quirks = quirks
        self._ranges = ranges
        self._now = now
        self._ramp = Ramp(quirks.acceleration, quirks.deceleration)
        self._starts_at: float | None = None
        self._drives_at: float | None = None
        self._reverts_at: float | None = None
        self._wanted = 0.0
        self._remembered = 0.0

    @property
    def speed(self) -> float:
        """The real speed in 0.01 km/h."""
        return self._ramp.value

    @property
    def is_started(self) -> bool:
        """It runs, or is about to."""
        return self.motion in {Motion.COUNTDOWN, Motion.RUNNING}

    @property
    def is_speeding_up(self) -> bool:
        """It is below the speed that the motor wants."""
        return self._ramp.value < self._ramp.goal

    @property
    def is_steady(self) -> bool:
        """It has the speed that the motor wants."""
        return self._ramp.value == self._ramp.goal

    @property
    def countdown_s(self) -> float:
        """What is left of the countdown; 0 where there is none."""
        return 0.0 if self._starts_at is None else self._starts_at - self._now

    @property
    def next_due(self) -> float | None:
        """When it will next do something by itself."""
        if self._starts_at is not None:
            return self._starts_at
        dues = [due for due in (self._drives_at, self._reverts_at, self._runs_away_at) if due is not None]
        return min(dues, default=None)

    @property
    def _runs_away_at(self) -> float | None:
        if self._quirks.runaway_after_s is None or self.started_moving is None or self.running_away:
            return None
        return self.started_moving + self._quirks.runaway_after_s

    def start(self) -> None:
        """Begin the countdown."""
        self.motion = Motion.COUNTDOWN
        self._starts_at = self._now + self._quirks.start_delay_s
        self.target, self._wanted = Speed(0), 0.0

    def stop(self) -> None:
        """Coast down, and forget what was to come."""
        self._halt(Motion.STOPPED)

    def pause(self) -> None:
        """Coast down, to go on later."""
        self._halt(Motion.PAUSED)

    def cut_power(self) -> None:
        """The safety key: brake."""
        self._halt(Motion.STOPPED)
        self._ramp.fall = float(self._quirks.key_deceleration)

    def reset(self) -> None:
        """Forget every target, and stand."""
        self._halt(Motion.STOPPED)
        self._remembered = 0.0

    def aim(self, target: Speed, unit: float = 1.0) -> None:
        """Take a target that is in range; it is run at the next speed of the machine's grid below it.

        At rest it is only remembered: the specification says nothing more (FTMS 4.16.2.3). `unit` is what
        the machine takes the number for, in 0.01 km/h.
        """
        if self._quirks.only_faster and self.motion is Motion.RUNNING and target * unit < self.speed:
            return
        low, step = self._ranges.minimum, self._ranges.increment
        self.target = Speed(low + (target - low) // step * step)
        self._wanted = self._remembered = self.target * unit
        if self.motion is Motion.RUNNING and not self.running_away:
            self._drives_at = self._now + self._quirks.target_delay_s
            if not self._quirks.target_delay_s:
                self._drive()
            if self._quirks.reverts_after_s is not None:
                self._reverts_at = self._now + self._quirks.reverts_after_s

    def advance(self, now: float) -> None:
        """Let time pass until `now`."""
        while (due := self.next_due) is not None and due <= now:
            self._move(due)
            if self._starts_at is not None:
                self._leave_rest()
            elif due == self._drives_at:
                self._drive()
            elif due == self._reverts_at:
                self.aim(self._ranges.minimum)
                self._reverts_at = None
            else:
                self._run_away()
        self._move(now)

    def _move(self, now: float) -> None:
        if now == self._now:
            return
        self.distance_m += self._ramp.advance(now - self._now) * _METRES
        self._now = now

    def _leave_rest(self) -> None:
        self._starts_at = None
        self.motion = Motion.RUNNING
        self._ramp.fall = float(self._quirks.deceleration)
        if not self._wanted and not self._quirks.needs_target_to_move:
            first = self._ranges.minimum if self._quirks.start_speed is None else self._quirks.start_speed
            remembered = self._remembered if self._quirks.resumes_last_speed else 0.0
            self._wanted = remembered or first
            self.target = Speed(round(self._wanted))
        if self._wanted:
            self._drive()

    def _drive(self) -> None:
        self._drives_at = None
        self._ramp.goal = self._wanted
        if self.started_moving is None:
            self.started_moving = self._now

    def _run_away(self) -> None:
        self.running_away, self._drives_at, self._reverts_at = True, None, None
        self._ramp.rise = float(self._quirks.runaway_acceleration)
        self._ramp.goal = float(self._quirks.runaway_speed)

    def _halt(self, motion: Motion) -> None:
        self.motion = motion
        self.target, self._wanted = Speed(0), 0.0
        self._starts_at = self._drives_at = self._reverts_at = self.started_moving = None
        self.running_away = False
        self._ramp.rise = float(self._quirks.acceleration)
        self._ramp.goal = 0.0
