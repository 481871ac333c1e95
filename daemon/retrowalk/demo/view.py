"""What a person sees of the demo: a live panel on a terminal, plain lines elsewhere, and the summary."""

import contextlib
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
_BAR_KMH = 6.0


def clock(seconds: float | None) -> str:
    """Minutes and seconds; a dash where nobody knows."""
    return "-:--" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def speed(value: Speed | None) -> str:
    """km/h with one decimal; a dash where nobody knows."""
    return "  -  " if value is None else f"{kmh(value):.1f}"


class Transcript:
    """The last sentences that were said, the newest last."""

    def __init__(self, keep: int = 4) -> None:
        self.lines: deque[tuple[str, bool]] = deque(maxlen=keep)

    def say(self, said: Said) -> None:
        """Keep a sentence; a repeated alarm stands once."""
        if not self.lines or self.lines[-1][0] != said.text:
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


def panel(state: Snapshot | None, transcript: Transcript, plan: Plan) -> RenderableType:
    """The live view of one moment."""
    title = f"retrowalk demo: {plan.program.name} on {plan.machine.name}, {plan.speedup:g}x"
    if state is None:
        return Panel("connecting ...", title=title)
    head = Table.grid(expand=True)
    head.add_column()
    head.add_column(justify="center")
    head.add_column(justify="right")
    head.add_row(
        Text(state.phase.value.replace("_", " ").upper(), style=_COLOUR.get(state.phase, "white")),
        Text(_ARROW[state.direction], style="bold"),
        Text(f"elapsed {clock(state.elapsed_s)}   left {clock(state.session_remaining_s)}"),
    )
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", min_width=9)
    rows.add_column(min_width=40)
    rows.add_row("speed", _speed_bar(state))
    rows.add_row("step", _step(state))
    rows.add_row("next", state.next_step or "the end")
    rows.add_row("distance", f"{state.distance_m:.0f} m, {state.distance_backward_m:.0f} m of it backward")
    rows.add_row("asked", Text("" if state.awaiting is None else f"{state.awaiting.value} ?", style="yellow"))
    said = [Text(line, style="bold white on red" if alarm else "italic") for line, alarm in transcript.lines]
    return Panel(Group(head, _progress(state), rows, *said), title=title, border_style="blue")


def _speed_bar(state: Snapshot) -> Text:
    width, cap = 24, state.cap or Speed(0)
    filled = int(min(kmh(state.measured or Speed(0)) / _BAR_KMH, 1) * width)
    mark = int(min(kmh(cap) / _BAR_KMH, 1) * width)
    over = state.measured is not None and state.cap is not None and state.measured > cap + 20
    bar = Text()
    for cell in range(width):
        inside = "█" if cell < filled else "·"
        bar.append("│" if cell == mark and cell >= filled else inside, style="red" if over else "green")
    numbers = f" {speed(state.measured)} km/h   told {speed(state.commanded)}   cap {speed(state.cap)}"
    return bar + Text(numbers + (f" ({state.cap_reason})" if state.cap_reason else ""))


def _step(state: Snapshot) -> str:
    if state.step_index is None:
        return "-"
    left = "" if state.step_remaining_s is None else f", {clock(state.step_remaining_s)} left"
    return f"{state.step_index} of {state.step_count}{left}"


def _progress(state: Snapshot) -> RenderableType:
    done, left = state.elapsed_s, state.session_remaining_s or 0.0
    return ProgressBar(total=max(done + left, 1.0), completed=done, width=None)


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
        return panel(None if latest is None else latest.snapshot, transcript, plan)

    with Live(console=console, get_renderable=now, refresh_per_second=8, transient=False):
        yield


def each_change(lines: Lines) -> Callable[[Snapshot], None]:
    """Prints a state when its phase, step or fault is new, and each whole minute between."""
    last: tuple[object, ...] = ()

    def look(state: Snapshot) -> None:
        nonlocal last
        key = (state.phase, state.step_index, state.fault, int(state.elapsed_s) // 60)
        if key != last and state.session_id is not None:
            last = key
            lines.line(plain(state))

    return look


def summary(result: Result, plan: Plan) -> list[str]:
    """The end of the demo, in a few lines."""
    state = result.last
    ended = _ending(result)
    if state is None:
        return [ended]
    energy = state.energy_kcal_estimate
    return [
        f"{plan.program.name} on {plan.machine.name}: {ended}",
        f"  time      {clock(state.elapsed_s)} of walking, {result.turns} turns",
        f"  distance  {state.distance_m:.0f} m, {state.distance_backward_m:.0f} m of it backward",
        f"  speed     at most {speed(result.highest)} km/h, backward {speed(result.backward_highest)} km/h",
        *([] if energy is None else [f"  energy    about {energy:.0f} kcal (within a quarter, at best)"]),
    ]


def _ending(result: Result) -> str:
    if result.refused:
        return f"refused: {result.refused}."
    if result.problem:
        return f"failed: {result.problem}."
    if result.completed and result.at_rest:
        return "completed, the belt is at rest."
    rest = "the belt is at rest" if result.at_rest else "the belt is NOT known to rest"
    cord = ", the safety cord was pulled" if result.pulled_cord else ""
    worst = next((fault for fault in FAULTS if fault.id in result.faults), None)
    cause = f"{result.reason}." if worst is None else worst.sentence
    return f"not completed. {cause} ({rest}{cord})"
