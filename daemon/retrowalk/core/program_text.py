"""The TOML text of a program, read: is it TOML, is it closed, is it well-formed? All mistakes at once.

Whether anybody may walk it on a given machine is the compiler's question.
"""

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from blefit.units import Incline
from retrowalk.core import quantity
from retrowalk.core.bounds import HIGHEST_LEVEL
from retrowalk.core.model import Direction
from retrowalk.core.program import BeltOff, Program, Repeat, Rest, Step, Turn, Walk
from retrowalk.core.quantity import Distance, show

LONGEST_TEXT = 65_536
DEEPEST_REPEAT = 4
MOST_REPEATS = 100
MOST_STEPS = 500

DIRECTIONS = {
    "forward": Direction.FORWARD,
    "fwd": Direction.FORWARD,
    "backward": Direction.BACKWARD,
    "back": Direction.BACKWARD,
    "retro": Direction.BACKWARD,
    "reverse": Direction.BACKWARD,
}
PURPOSES = ("knee", "balance", "strength", "cardio")
"""What a program is for. "knee" allows the longer bouts of the knee trials."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """All that is wrong with a program's text, one sentence each, never empty."""

    sentences: tuple[str, ...]


def parse_program(text: str) -> Program | Malformed:
    """The program that a TOML text says, or every mistake in it."""
    if len(text) > LONGEST_TEXT:
        return Malformed((f"the text is longer than {LONGEST_TEXT} characters",))
    try:
        table = tomllib.loads(text)
    except RecursionError:
        return Malformed(("not TOML that can be read: it is nested too deep",))
    except ValueError as error:
        return Malformed((f"not TOML: {error}",))
    return _Reader().program(table)


def _count(steps: tuple[Step, ...]) -> int:
    return sum(step.count * _count(step.steps) if isinstance(step, Repeat) else 1 for step in steps)


def _walks(steps: tuple[Step, ...]) -> bool:
    return any(_walks(step.steps) if isinstance(step, Repeat) else isinstance(step, Walk) for step in steps)


Table = Mapping[str, object]
Value = TypeVar("Value")
Default = TypeVar("Default")

_STEP_KEYS: Mapping[str, Collection[str]] = {
    "walk": ("for", "within", "speed", "incline", "cue"),
    "turn": ("cue",),
    "rest": ("cue",),
    "beltoff": ("cue",),
    "repeat": ("steps",),
}


class _Reader:
    """Reads tables and collects the mistakes; a part with a mistake in it becomes None."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def program(self, table: Table) -> Program | Malformed:
        self._closed("", table, ("name", "level", "steps", "purpose", "description"))
        name = self._needed("", table, "name", _line(80, shortest=1))
        level = self._needed("", table, "level", _level)
        purpose = self._optional("", table, "purpose", "", _purpose)
        description = self._optional("", table, "description", "", _line(500))
        steps = self._steps("", table)
        if not self.mistakes:
            if (count := _count(steps)) > MOST_STEPS:
                self.mistakes.append(f"the repeats make {count} steps, more than {MOST_STEPS}")
            if not _walks(steps):
                self.mistakes.append('nothing is walked: add a step like { walk = "forward", ... }')
        if self.mistakes or name is None or level is None:
            return Malformed(tuple(self.mistakes))
        return Program(name, level, steps, purpose, description)

    def _steps(self, place: str, table: Table, depth: int = 0) -> tuple[Step, ...]:
        steps = table.get("steps")
        if not isinstance(steps, list) or not steps:
            self._wrong(place, "steps must be a list of at least one step")
            return ()
        prefix = f"{place}, " if place else ""
        read = (
            self._step(f"{prefix}step {number} of {len(steps)}", step, depth)
            for number, step in enumerate(steps, 1)
        )
        return tuple(step for step in read if step is not None)

    def _step(self, place: str, table: object, depth: int) -> Step | None:
        kinds = [kind for kind in _STEP_KEYS if isinstance(table, dict) and kind in table]
        if not isinstance(table, dict) or len(kinds) != 1:
            found = " and ".join(kinds) if kinds else "none of them"
            self._wrong(place, f"a step says one of {', '.join(_STEP_KEYS)}; this one says {found}")
            return None
        kind = kinds[0]
        self._closed(place, table, (kind, *_STEP_KEYS[kind]))
        if kind == "repeat":
            return self._repeat(place, table, depth)
        cue = self._optional(place, table, "cue", "", _line(200))
        if kind == "walk":
            return self._walk(place, table, cue)
        if kind == "turn":
            direction = self._needed(place, table, "turn", _direction)
            return None if direction is None else Turn(place, direction, cue)
        length = self._needed(place, table, kind, quantity.duration)
        if length is None:
            return None
        return Rest(place, length.seconds, cue) if kind == "rest" else BeltOff(place, length.seconds, cue)

    def _walk(self, place: str, table: Table, cue: str) -> Walk | None:
        direction = self._needed(place, table, "walk", _direction)
        extent = self._needed(place, table, "for", quantity.extent)
        speed = self._needed(place, table, "speed", quantity.speed)
        incline = self._optional(place, table, "incline", Incline(0), quantity.incline)
        within = self._optional(place, table, "within", None, quantity.duration)
        if within is not None:
            if isinstance(extent, Distance):
                extent = Distance(extent.metres, within.seconds)
            elif extent is not None:
                self._wrong(place, "within is the time limit of a distance; this step has a duration")
        if direction is None or extent is None or speed is None:
            return None
        return Walk(place, direction, extent, speed, incline, cue)

    def _repeat(self, place: str, table: Table, depth: int) -> Repeat | None:
        if depth == DEEPEST_REPEAT:
            self._wrong(place, f"repeat is nested deeper than {DEEPEST_REPEAT} repeats")
            return None
        count = self._needed(place, table, "repeat", _repeats)
        steps = self._steps(place, table, depth + 1)
        return None if count is None else Repeat(place, count, steps)

    def _closed(self, place: str, table: Table, known: Collection[str]) -> None:
        for key in table:
            if key not in known:
                near = get_close_matches(key, known, 1)
                hint = f': did you mean "{near[0]}"?' if near else f"; known here: {', '.join(known)}"
                self._wrong(place, f"unknown key {show(key)}{hint}")

    def _needed(self, place: str, table: Table, key: str, read: Callable[[object], Value]) -> Value | None:
        if key not in table:
            self._wrong(place, f"{key} is missing")
            return None
        return self._optional(place, table, key, None, read)

    def _optional(
        self, place: str, table: Table, key: str, default: Default, read: Callable[[object], Value]
    ) -> Value | Default:
        if key not in table:
            return default
        try:
            return read(table[key])
        except ValueError as error:
            self._wrong(place, f"{key}: {error}")
            return default

    def _wrong(self, place: str, what: str) -> None:
        self.mistakes.append(f"{place}: {what}" if place else what)


def _direction(value: object) -> Direction:
    direction = DIRECTIONS.get(value.strip().lower()) if isinstance(value, str) else None
    if direction is None:
        raise ValueError(f'{show(value)} is no direction: write "forward" or "backward"')
    return direction


def _level(value: object) -> int:
    return _whole(value, 0, HIGHEST_LEVEL)


def _repeats(value: object) -> int:
    return _whole(value, 1, MOST_REPEATS)


def _whole(value: object, lowest: int, highest: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise ValueError(f"{show(value)} must be a whole number from {lowest} to {highest}")
    return value


def _purpose(value: object) -> str:
    if value not in PURPOSES:
        raise ValueError(f"{show(value)} must be one of {', '.join(PURPOSES)}")
    return str(value)


def _line(longest: int, shortest: int = 0) -> Callable[[object], str]:
    def read(value: object) -> str:
        line = " ".join(value.split()) if isinstance(value, str) else "\n"
        if not shortest <= len(line) <= longest or not line.isprintable():
            raise ValueError(f"{show(value)} must be printable text of {shortest} to {longest} characters")
        return line

    return read
