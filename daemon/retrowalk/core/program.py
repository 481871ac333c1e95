"""An interval program: the tree that its TOML text says (docs: interval programs), judged by nobody yet."""

from collections.abc import Iterator
from dataclasses import dataclass

from blefit.units import Incline, Speed
from retrowalk.core.model import Direction
from retrowalk.core.quantity import Distance, Duration


@dataclass(frozen=True, slots=True)
class Walk:
    """Walk at a speed, or along a ramp from the first speed to the second."""

    place: str
    """Where it is written: "step 3 of 5"."""
    direction: Direction
    extent: Duration | Distance
    speed: tuple[Speed, Speed]
    incline: Incline
    cue: str

    @property
    def expected_s(self) -> float:
        """How long it lasts at its own speeds, before a machine rounds them."""
        if isinstance(self.extent, Duration):
            return self.extent.seconds
        return self.extent.metres * 720 / sum(self.speed)  # m / (mean of 0.01 km/h)


@dataclass(frozen=True, slots=True)
class Turn:
    """The belt stops, the person turns round and confirms it."""

    place: str
    direction: Direction
    """The new one."""
    cue: str


@dataclass(frozen=True, slots=True)
class Rest:
    """The belt stands for so long, then waits for the person."""

    place: str
    duration_s: int
    cue: str


@dataclass(frozen=True, slots=True)
class BeltOff:
    """The person pushes the unpowered belt."""

    place: str
    duration_s: int
    cue: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """Steps walked `count` times."""

    place: str
    count: int
    steps: tuple["Step", ...]


Leaf = Walk | Turn | Rest | BeltOff
Step = Leaf | Repeat


@dataclass(frozen=True, slots=True)
class Program:
    """A well-formed program."""

    name: str
    level: int
    steps: tuple[Step, ...]
    purpose: str = ""
    description: str = ""

    def expanded(self) -> Iterator[Leaf]:
        """The steps in the order they are walked, repeats unrolled."""
        return _expand(self.steps)


def _expand(steps: tuple[Step, ...]) -> Iterator[Leaf]:
    for step in steps:
        if isinstance(step, Repeat):
            for _ in range(step.count):
                yield from _expand(step.steps)
        else:
            yield step
