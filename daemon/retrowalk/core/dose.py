"""How much backward work a program asks for: bouts, and what counts as easy.

A bout is unbroken work. An easy part, at least 0.4 km/h slower than the fastest of the bout for 30 s or
more, ends it where it begins; so does a halt. Judged on the program's speeds, before a machine rounds them.
"""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from retrowalk.core.bounds import EASIER, EASY_S, LONGEST_EASY_S
from retrowalk.core.model import Direction
from retrowalk.core.program import Leaf, Walk


class Numbered(NamedTuple):
    """A backward walk and its number in the unrolled program."""

    step: int
    walk: Walk


@dataclass(frozen=True, slots=True)
class Bout:
    """Unbroken backward work of `seconds`, begun in that step."""

    first: Numbered
    seconds: float


def backward_parts(leaves: Iterable[Leaf]) -> list[list[Numbered]]:
    """The backward walks, those between the same two halts together."""
    parts: list[list[Numbered]] = [[]]
    for step, leaf in enumerate(leaves, 1):
        if isinstance(leaf, Walk) and leaf.direction is Direction.BACKWARD:
            parts[-1].append(Numbered(step, leaf))
        else:
            parts.append([])
    return [part for part in parts if part]


def bouts(part: Sequence[Numbered]) -> list[Bout]:
    """The bouts of one backward part, in order. An easy part too long to be a rest is a bout of its own."""
    effort = Effort()
    for _, walk in part:
        effort.walk(walk.speed, walk.expected_s)
    return [Bout(part[first], seconds) for first, seconds in effort.ended()]


Speeds = tuple[float, float]
"""From and to, along a line; 0.01 km/h."""
FLOAT = 1e-6
"""Seconds that are walked one moment after another do not add up to the last digit."""


class Effort:
    """Follows the program's speed through one backward part, stretch by stretch."""

    def __init__(self) -> None:
        self._bouts: list[tuple[int, float]] = []
        """The number of the stretch that each begins in, from 0, and its seconds."""
        self._now = 0.0
        self._stretch = -1
        self._first = 0
        self._began = 0.0
        self._fastest = 0.0
        self._easy_since: float | None = None
        self._easy_first: int

    def walk(self, speeds: Speeds, seconds: float, *, reached: float = inf) -> None:
        """One stretch at these speeds of the program, for so long; no faster than `reached` was walked."""
        begin, end = speeds
        began, self._stretch = self._now, self._stretch + 1
        easy = self._fastest - EASIER
        if begin > easy:
            self._work()
            self._fastest = max(self._fastest, min(max(begin, end), reached))
            easy = self._fastest - EASIER
            if end < easy:
                self._now = began + seconds * (begin - easy) / (begin - end)
                self._easy()
        else:
            self._easy()
            if end > easy:
                self._now = began + seconds * (easy - begin) / (end - begin)
                self._work()
                self._fastest = max(self._fastest, end)
        self._now = began + seconds

    def ended(self) -> list[tuple[int, float]]:
        """All bouts, if it ends here: the stretch that each begins in, and its seconds."""
        self._work()
        self._close(self._now)
        return self._bouts

    def bout_s(self, ahead: Iterable[tuple[Speeds, float]]) -> float:
        """Seconds that the bout under way will have lasted, if these stretches follow.

        Of an easy part that nothing follows nothing counts.
        """
        effort = copy(self)
        effort._bouts = []
        for speeds, seconds in ahead:
            effort.walk(speeds, seconds)
        effort._close(effort._now if effort._easy_since is None else effort._easy_since)
        return sum(seconds for _, seconds in effort._bouts[:1])

    def _work(self) -> None:
        """Work begins here, or goes on: a short easy part was none."""
        if self._easy_since is not None and self._now - self._easy_since >= EASY_S - FLOAT:
            self._close(self._easy_since)
            if self._now - self._easy_since > LONGEST_EASY_S:
                self._bouts.append((self._easy_first, self._now - self._easy_since))
            self._first, self._began, self._fastest = self._stretch, self._now, 0.0
        self._easy_since = None

    def _close(self, at: float) -> None:
        if at > self._began:
            self._bouts.append((self._first, at - self._began))

    def _easy(self) -> None:
        if self._easy_since is None:
            self._easy_since, self._easy_first = self._now, self._stretch
