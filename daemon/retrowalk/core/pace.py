"""From planned speeds to targets: ramps, announcements before every raise, steps on the machine's grid."""

from typing import Final

from blefit.units import Speed, kmh
from retrowalk.core.guard import Guard
from retrowalk.core.limits import Limits
from retrowalk.core.model import Machine, Target

READING_SLACK = 5
"""0.01 km/h, half of the guard's reading error: a belt a hair below its grid value can still be raised."""
DOWN_BATCH = 20
"""0.01 km/h: smaller steps down wait for each other, some consoles beep at each; a larger one would let the
belt stay further above a falling cap than G8 allows."""


class Pace:
    """The speed planned at this moment, and the next target on the way to it."""

    WARNING_S: Final = 5.0
    """A raise is announced so long before."""

    def __init__(self, limits: Limits, machine: Machine, now: float) -> None:
        """Of one motion from rest: it begins now, at the machine's minimum."""
        self._limits = limits
        self._machine = machine
        self._plan = float(machine.minimum)
        self._goal = self._announced = machine.minimum
        self._announced_at = now
        self._held_said = True
        self._reached = False
        """The belt was told what was announced."""
        self._steady = True
        """The plan is not on its way at this moment."""

    def follow(
        self,
        asked: Speed,
        peak: Speed,
        guard: Guard,
        passed: float,
        now: float,
        *,
        may_raise: bool,
    ) -> str:
        """Move the plan towards `asked` and return what the walker has to hear now, or ''.

        `peak` is the highest speed that is planned to come, as far as it is to be announced by now.
        """
        before, self._goal = self._plan, asked
        sentence = ""
        if may_raise:
            sentence = self._announce(peak, guard, now)
        else:
            self.take_back(guard)
        commanded = guard.commanded
        if asked > self._plan:
            if may_raise and self._warned(now) and commanded is not None:
                top = min(asked, self._announced, Speed(commanded + self._limits.step_up))
                self._plan = max(self._plan, min(top, self._plan + self._limits.ramp_up * passed))
        else:
            self._plan = max(asked, self._plan - self._limits.ramp_down * passed)
        self._keep_below(guard, now)
        self._stand(before, passed)
        return sentence

    def _keep_below(self, guard: Guard, now: float) -> None:
        for bound in (guard.cap(now), guard.hand):
            if bound is not None:
                self._plan = max(self._machine.minimum, min(self._plan, bound))

    def _stand(self, before: float, passed: float) -> None:
        if passed > 0:
            self._steady = self._plan == before

    def take_back(self, guard: Guard) -> None:
        """Nothing rises by what was announced so far: what was not told to the belt is announced anew."""
        if guard.commanded is not None:
            self._plan = min(self._plan, guard.commanded)
        self._announced = min(self._announced, self._machine.on_grid(Speed(int(self._plan))))

    def _warned(self, now: float) -> bool:
        return now >= self._announced_at + self.WARNING_S

    def _announce(self, peak: Speed, guard: Guard, now: float) -> str:
        commanded = guard.commanded
        if commanded is not None:
            if self._reached:  # and told less since: what rises again is announced anew
                self._announced = min(self._announced, commanded)
            self._reached = commanded >= self._announced
        peak = self._machine.on_grid(peak)
        cap = guard.cap(now)
        if cap is not None:
            peak = min(peak, self._machine.on_grid(cap))
        if peak > self._announced:
            self._announced, self._announced_at = peak, now
            self._held_said = self._reached = False
            return f"Speed rises to {kmh(peak):g} in {self.WARNING_S:.0f} seconds."
        if peak < self._announced:
            self._announced, self._held_said = max(peak, self._machine.on_grid(Speed(int(self._plan)))), True
        there = commanded == self._announced <= self._plan and guard.target_met
        if there and not self._held_said:
            self._held_said = True
            return f"Holding {kmh(self._announced):g}."
        return ""

    def ease(self, guard: Guard, passed: float, now: float) -> None:
        """A halt is coming: down to the machine's minimum."""
        before, self._goal = self._plan, self._machine.minimum
        self._plan = max(float(self._goal), self._plan - self._limits.ramp_down * passed)
        self._keep_below(guard, now)
        self._stand(before, passed)

    def ease_s(self) -> float:
        """Seconds that easing still takes by plan."""
        return (self._plan - self._machine.minimum) / self._limits.ramp_down

    def target(self, guard: Guard, now: float) -> Target | None:
        """The target to send now, if any; what the guard would refuse is not wished for."""
        measured = guard.motion.speed
        if measured is None or not guard.may_change_speed(now):
            return None
        target = self._next(guard, measured, now)
        if target is None or not guard.motion.fell:
            return target
        # It may be a stop at the console, and a target may end that.
        return None if guard.hand_is_newest or target.speed > measured else target

    def _next(self, guard: Guard, measured: Speed, now: float) -> Target | None:
        commanded = guard.commanded
        if commanded is None:
            return Target(self._machine.minimum)
        wanted = self._machine.on_grid(Speed(int(self._plan)))
        if wanted > commanded:
            return self._raise(wanted, commanded, measured, guard, now)
        lower = self._lower(wanted, commanded, measured)
        cap = guard.cap(now)
        if lower is None or cap is None or lower.speed > min(cap, self._reach(measured)):
            return None
        return lower

    def _raise(
        self, wanted: Speed, commanded: Speed, measured: Speed, guard: Guard, now: float
    ) -> Target | None:
        if guard.hand is not None or not guard.target_met or not self._warned(now):
            return None
        step = self._machine.on_grid(min(wanted, self._reach(measured)))
        full = step - commanded >= self._limits.step_up
        there = step == self._machine.on_grid(min(self._goal, self._announced))
        return Target(step) if step > commanded and (full or there) else None

    def _reach(self, measured: Speed) -> Speed:
        return Speed(measured + self._limits.step_up + READING_SLACK)

    def _lower(self, wanted: Speed, commanded: Speed, measured: Speed) -> Target | None:
        lowest = min(commanded, measured) - self._limits.step_down
        step = wanted
        while step < lowest:
            step = Speed(step + self._machine.grid)
        batch = min(DOWN_BATCH, self._limits.step_down)
        if step >= commanded or not (self._steady or commanded - step >= batch):
            return None
        return Target(step)
