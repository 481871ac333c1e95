"""What can be done to a simulated treadmill by those who stand beside it, and scripts of such acts."""

import difflib
import math
from collections.abc import Iterator
from dataclasses import dataclass

ACTS = {
    "start": "the console's Start key",
    "stop": "the console's Stop key",
    "pause": "the console's Pause key",
    "faster": "the console's + key",
    "slower": "the console's - key",
    "speed": "a key of the console that selects a speed: `speed 2.5` (km/h)",
    "steeper": "the console's incline key",
    "flatter": "the console's decline key",
    "incline": "a key of the console that selects an incline: `incline 2.5` (percent)",
    "key-out": "pull the safety key",
    "key-in": "put it back",
    "step-off": "the walker steps on the side rails",
    "step-on": "and back on the belt",
    "face-backward": "the walker stands with the back to the console, and walks as people do so",
    "face-forward": "the walker looks at the console, and walks as people do so",
    "fastest": "the walker can go no faster: `fastest 3` (km/h)",
    "weigh": "the walker's weight: `weigh 60` (kg)",
    "clip-on": "the walker clips the cord of the safety key on",
    "clip-off": "and off",
    "power-off": "the mains switch: no belt, no console, no radio",
    "power-on": "power again",
    "cut": "the link is lost, from one moment to the next",
    "away": "the treadmill is out of reach",
    "back": "and in reach again",
    "take-control": "the console takes the control permission from the app that has it",
    "quit": "the simulation ends",
}
"""Each act and what it is."""
VALUES = {
    "speed": ("km/h", 0, 30, "2.5"),
    "incline": ("percent", -10, 40, "2.5"),
    "fastest": ("km/h", 0, 30, "3"),
    "weigh": ("kg", 20, 250, "60"),
}
"""Those that take a number: its unit, the least, the most, and an example."""


@dataclass(frozen=True, slots=True)
class Act:
    """One of them; `value` is for those of `VALUES` alone."""

    name: str
    value: float | None = None

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Step:
    """An act at its time: seconds since the treadmill was switched on."""

    at_s: float
    act: Act


class ScriptError(ValueError):
    """A script or an act cannot be read; a line for each mistake."""


def parse_act(words: str) -> Act:
    """`start`, `speed 2.5`, ...: ScriptError where it is none."""
    name, *rest = words.split() or [""]
    if name not in ACTS:
        near = difflib.get_close_matches(name, ACTS, n=1)
        advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(ACTS)}"
        raise ScriptError(f"{name!r} is no act: {advice}")
    if name not in VALUES:
        if rest:
            raise ScriptError(f"{name} takes nothing after it, found {' '.join(rest)!r}")
        return Act(name)
    unit, least, most, example = VALUES[name]
    value = _number(" ".join(rest))
    if value is None or not least <= value <= most:
        raise ScriptError(f"{name} takes one number of {unit} from {least} to {most}: {name} {example}")
    return Act(name, value)


def parse_script(text: str) -> list[Step]:
    """A script: lines of seconds and an act, by time. ScriptError names each line that cannot be read."""
    steps: list[Step] = []
    mistakes: list[str] = []
    for number, line in _lines(text):
        at, _, words = line.partition(" ")
        seconds = _number(at)
        if seconds is None or seconds < 0:
            mistakes.append(f"line {number}: {at!r} is no time: write seconds and an act, such as 20 stop")
            continue
        try:
            steps.append(Step(seconds, parse_act(words)))
        except ScriptError as error:
            mistakes.append(f"line {number}: {error}")
    if mistakes:
        raise ScriptError("\n".join(mistakes))
    return sorted(steps, key=lambda step: step.at_s)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if content := line.partition("#")[0].replace("\t", " ").strip():
            yield number, content


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
