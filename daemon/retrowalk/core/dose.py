"""How much backward work a program asks for: bouts, and what counts as easy.

A bout is unbroken work. An easy part, at least 0.4 km/h slower than the fastest of the bout for 30 s or
more, ends it where it begins; so does a halt. Judged on the program's speeds, before a machine rounds them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
    track = _Track(part[0])
    for numbered in part:
        track.walk(numbered)
    track.work()
    track.close(track.now)
    return track.bouts


class _Track:
    """Follows the program's speed through one backward part."""

    def __init__(self, first: Numbered) -> None:
        self.bouts: list[Bout] = []
        self.now = 0.0
        self._current: Numbered
        self._first = first
        self._began = 0.0
        self._fastest = 0
        self._easy_since: float | None = None
        self._easy_first: Numbered

    def walk(self, numbered: Numbered) -> None:
        begin, end = numbered.walk.speed
        began, lasts = self.now, numbered.walk.expected_s
        self._current = numbered
        easy = self._fastest - EASIER
        if begin > easy:
            self.work()
            self._fastest = max(self._fastest, begin, end)
            easy = self._fastest - EASIER
            if end < easy:
                self.now = began + lasts * (begin - easy) / (begin - end)
                self._easy()
        else:
            self._easy()
            if end > easy:
                self.now = began + lasts * (easy - begin) / (end - begin)
                self.work()
                self._fastest = max(self._fastest, end)
        self.now = began + lasts

    def work(self) -> None:
        """Work begins here, or goes on: a short easy part was none."""
        if self._easy_since is not None and self.now - self._easy_since >= EASY_S:
            self.close(self._easy_since)
            if self.now - self._easy_since > LONGEST_EASY_S:
                self.bouts.append(Bout(self._easy_first, self.now - self._easy_since))
            self._first, self._began, self._fastest = self._current, self.now, 0
        self._easy_since = None

    def close(self, at: float) -> None:
        if at > self._began:
            self.bouts.append(Bout(self._first, at - self._began))

    def _easy(self) -> None:
        if self._easy_since is None:
            self._easy_since, self._easy_first = self.now, self._current
