"""A quantity with inertia."""


class Ramp:
    """A value on its way to a goal at constant rates, exact however time is cut into steps."""

    def __init__(self, rise: float, fall: float, value: float = 0.0) -> None:
        self.rise = rise
        """Units per second on the way up."""
        self.fall = fall
        """Units per second on the way down."""
        self.value = value
        self.goal = value

    def advance(self, seconds: float) -> float:
        """Let time pass; returns the integral of the value over it, in units times seconds."""
        before = self.value
        rate = self.rise if self.goal > before else self.fall
        on_the_way = min(seconds, abs(self.goal - before) / rate)
        if on_the_way < seconds:
            self.value = self.goal
        else:
            self.value += rate * on_the_way if self.goal > before else -rate * on_the_way
        return (before + self.value) / 2 * on_the_way + self.value * (seconds - on_the_way)
