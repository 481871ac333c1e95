"""What a person sees of the demo: a live panel on a terminal, plain lines elsewhere, and the summary."""

import contextlib
import textwrap
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from blefit.units import Speed, kmh
from retrowalk.core.faults import FAULTS
from retrowalk.core.model import Direction, Phase, Said, Snapshot
from retrowalk.demo.play import Plan, Result
from retrowalk.hub import Hub

_COLOUR = {
    Phase.WALKING: "green",
    Phase.COOLING_DOWN: "green",
    Phase.COUNTDOWN: "yellow",
    Phase.ARMED: "yellow",
    Phase.TURNING: "cyan",
    Phase.RESTING: "cyan",
    Phase.HELD: "yellow",
    Phase.FAULTED: "bold white on red",
    Phase.DISCONNECTED: "red",
}
_ARROW = {Direction.FORWARD: "▲ forward", Direction.BACKWARD: "▼ backward", Direction.STANDING: "■ standing"}
_NARROWEST, _WIDEST = 40, 100
_QUIET_S = 7.0
"""After so long, the next state is a line whether or not anything changed: none is 10 s without one."""
_SAID_LINES = 5
"""So many lines are kept for sentences, said or not: a panel that jumps cannot be read."""


def clock(seconds: float | None) -> str:
    """Minutes and seconds; a dash where nobody knows."""
    return "-:--" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def speed(value: Speed | None) -> str:
    """km/h with one decimal; a dash where nobody knows."""
    return " - " if value is None else f"{kmh(value):.1f}"


class Transcript:
    """The last sentences that were said, the newest last."""

    def __init__(self) -> None:
        self.lines: deque[tuple[str, bool]] = deque(maxlen=_SAID_LINES)

    def say(self, said: Said) -> None:
        """Keep a sentence; a repeated alarm stands once, and a count takes the place of the one before."""
        if self.lines and (said.text == self.lines[-1][0] or self.lines[-1][0].isdecimal()):
            self.lines.pop()
        self.lines.append((said.text, said.alarm))

    def close(self) -> None:
        """Nothing to let go."""


class Lines:
    """Sentences and changes as plain lines, each once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last = ""

    def say(self, said: Said) -> None:
        """A sentence; a repeated alarm stands once."""
        if said.text != self._last:
            self._last = said.text
            self.line(("ALARM " if said.alarm else "  > ") + said.text)

    def line(self, text: str) -> None:
        """One line, at once."""
        with contextlib.suppress(BrokenPipeError):
            print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing to let go."""


def panel(state: Snapshot | None, transcript: Transcript, plan: Plan, columns: int) -> RenderableType:
    """The live view of one moment, on a terminal of so many columns; always of the same height."""
    width = max(_NARROWEST, min(columns, _WIDEST))
    title = f"{plan.program.name} on {plan.machine.name}, {plan.speedup:g}x"
    body: list[RenderableType] = [Text("connecting ..."), *[Text()] * 9]
    if state is not None:
        body = [_head(state), _progress(state), Text(), *_rows(state, width), Text()]
    return Panel(Group(*body, *_said(transcript, width - 4)), title=title, width=width, border_style="blue")


def _head(state: Snapshot) -> Table:
    phase, style = state.phase.value.replace("_", " ").upper(), _COLOUR.get(state.phase, "white")
    return _across(
        Text.assemble((phase, style), "  ", (_ARROW[state.direction], "bold")),
        Text(f"{clock(state.elapsed_s)} walked, {clock(state.session_remaining_s)} left"),
    )


def _across(left: RenderableType, right: RenderableType) -> Table:
    line = Table.grid(expand=True)
    line.add_column(no_wrap=True)
    line.add_column(no_wrap=True, justify="right")
    line.add_row(left, right)
    return line


def _progress(state: Snapshot) -> Table:
    done, left = state.elapsed_s, state.session_remaining_s or 0.0
    bar = Table.grid(expand=True)  # a bar of its own ends no line
    bar.add_row(ProgressBar(total=max(done + left, 1.0), completed=done))
    return bar


def _rows(state: Snapshot, width: int) -> Iterator[Text]:
    """One line each, whatever is in it."""
    asked = "" if state.awaiting is None else f"{state.awaiting.value}?"
    for name, content in (
        ("speed", _speed(state, bar=width - 44)),
        ("step", Text(_step(state))),
        ("next", Text(state.next_step or "the end")),
        ("cue", Text(state.cue)),
        ("distance", Text(f"{state.distance_m:.0f} m, {state.distance_backward_m:.0f} m of it backward")),
        ("asked", Text(asked, style="bold yellow")),
    ):
        row = Text.assemble((f"{name:<10}", "dim"), content)
        row.truncate(width - 4, overflow="ellipsis")
        yield row


def _said(transcript: Transcript, width: int) -> list[Text]:
    """The newest sentences that fit as a whole."""
    lines: list[Text] = []
    for text, alarm in reversed(transcript.lines):
        style = "bold white on red" if alarm else "italic"
        wrapped = [Text(line, style=style) for line in textwrap.wrap(text, width)]
        if len(wrapped) + len(lines) > _SAID_LINES:
            break
        lines = wrapped + lines
    return [Text()] * (_SAID_LINES - len(lines)) + lines


def _speed(state: Snapshot, bar: int) -> Text:
    """Measured and commanded, and how near to the cap: it stands at four fifths of the bar."""
    bar = max(bar, 10)
    mark, measured, cap = bar * 4 // 5, state.measured or Speed(0), state.cap or Speed(0)
    filled = min(measured * mark // cap, bar) if cap else 0
    cells = "█" * filled + "·" * (bar - filled)
    return Text.assemble(
        f"{speed(state.measured)} of {speed(state.commanded)} km/h  ",
        (cells[:mark], "green"),
        "│",
        (cells[mark:], "red"),
        f"  cap {speed(state.cap)}",
    )


def _step(state: Snapshot) -> str:
    if state.step_index is None:
        return "-"
    left = "" if state.step_remaining_s is None else f", {clock(state.step_remaining_s)} left"
    return f"{state.step_index} of {state.step_count}{left}"


def plain(state: Snapshot) -> str:
    """One moment as one line."""
    step = "" if state.step_index is None else f"step {state.step_index}/{state.step_count}"
    return (
        f"{clock(state.elapsed_s):>6}  {state.phase.value:<12} {state.direction.value:<8} {step:<11}"
        f" {speed(state.measured)} of {speed(state.cap)} km/h  {state.distance_m:5.0f} m"
        f"  left {clock(state.session_remaining_s)}"
    )


@contextlib.contextmanager
def live(hub: Hub, transcript: Transcript, plan: Plan, console: Console) -> Iterator[None]:
    """The panel, drawn eight times a second in real time by a thread of its own."""

    def now() -> RenderableType:
        latest = hub.latest
        return panel(None if latest is None else latest.snapshot, transcript, plan, console.width)

    with Live(console=console, get_renderable=now, refresh_per_second=8, transient=False):
        yield


def each_change(lines: Lines, clock: Callable[[], float] = time.monotonic) -> Callable[[Snapshot], None]:
    """Prints a state when phase, step or fault is new, each whole minute, and when it was quiet for long."""
    last: tuple[object, ...] = ()
    quiet_since = clock()

    def look(state: Snapshot) -> None:
        nonlocal last, quiet_since
        key = (state.phase, state.step_index, state.fault, int(state.elapsed_s) // 60)
        changed = key != last and state.session_id is not None
        if changed or clock() - quiet_since >= _QUIET_S:
            last, quiet_since = key, clock()
            lines.line(plain(state))

    return look


def summary(result: Result, plan: Plan) -> list[str]:
    """The end of the demo, in a few lines."""
    state = result.last
    ended = ending(result)
    if state is None:
        return [ended]
    energy = state.energy_kcal_estimate
    return [
        f"{plan.program.name} on {plan.machine.name}: {ended}",
        f"  time      {clock(state.elapsed_s)} of walking, {result.turns} turns",
        f"  distance  {state.distance_m:.0f} m, {state.distance_backward_m:.0f} m of it backward",
        f"  speed     at most {speed(result.highest)} km/h, backward {speed(result.backward_highest)} km/h",
        *(
            []
            if energy is None or energy < 1
            else [f"  energy    about {energy:.0f} kcal (within a quarter, at best)"]
        ),
    ]


def ending(result: Result) -> str:
    """How it ended, in a sentence."""
    rest = "the belt is at rest" if result.at_rest else "the belt is NOT known to rest"
    cord = ", the safety cord was pulled" if result.pulled_cord else ""
    if result.interrupted:
        return f"interrupted; {rest}{cord}."
    if result.refused:
        return f"refused: {result.refused}."
    if result.problem:
        return f"failed: {result.problem}."
    if result.completed and result.at_rest:
        return "completed, the belt is at rest."
    worst = next((fault for fault in FAULTS if fault.id in result.faults), None)
    cause = f"{result.reason}." if worst is None else worst.sentence
    return f"not completed. {cause} ({rest}{cord})"
