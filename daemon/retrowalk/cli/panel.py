"""The panel of `retrowalk simulate`: the belt as it is, its keys, and what happened last."""

import asyncio
import contextlib
import sys
import termios
import tty
from collections import deque
from collections.abc import Iterator

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from blefit.units import kmh
from retrowalk.sim.exhibit import Event, TreadmillExhibit, walker_now
from retrowalk.sim.script import Act

_LINES = 8
_EVERY_S = 0.1
_BAR = 30
_WIDTH = 78
_KEYS = {
    "s": ("start", "start"),
    "x": ("stop", "stop"),
    "p": ("pause", "pause"),
    "+": ("faster", "faster"),
    "-": ("slower", "slower"),
    "u": ("steeper", "steeper"),
    "d": ("flatter", "flatter"),
    "k": ("key-out", "safety key"),
    "o": ("power-off", "power"),
    "w": ("step-off", "walker"),
    "b": ("face-backward", "face back"),
    "l": ("clip-on", "clip cord"),
    "c": ("cut", "cut link"),
    "r": ("away", "reach"),
    "q": ("quit", "quit"),
}
"""Each key, its act, and its name; where the act can be taken back, every second press does."""
_STATES = {
    "waiting": "begins when somebody listens",
    "playing": "is played",
    "over": "is over; it stays on the air and says nothing more",
}
"""Of a recorded machine."""
_TAKEN_BACK = {
    "key-out": "key-in",
    "power-off": "power-on",
    "step-off": "step-on",
    "face-backward": "face-forward",
    "clip-on": "clip-off",
    "away": "back",
}


class History:
    """The last events as lines, without those of the belt and the walker, who are shown."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=_LINES)

    def add(self, event: Event) -> None:
        """Keep it."""
        if event["event"] not in {"belt", "walker"}:
            self.lines.append(f"{event['t']:8.2f}  {sentence(event)}")


def sentence(event: Event) -> str:
    """An event in words."""
    match event["event"]:
        case "on_air":
            return f"{event['name']} ({event['address']}) is on the air: {event['transport']}"
        case "connected" | "disconnected":
            return f"client {event['client']} {event['event']}"
        case "written":
            refused = (
                "" if event["att_error"] is None else f", refused with ATT error {event['att_error']:02x}"
            )
            return f"client {event['client']} wrote {event['hex']} ({event['op_name']}){refused}"
        case "act":
            undone = "" if event["done"] else ": that cannot be done here"
            return f"{event['by']}: {event['act']}{undone}"
        case "trace":
            return f"{event['session']}, {event['seconds']:.0f} s: {_STATES[event['state']]}"
        case "walker":
            return f"walker {walker(event)}"
        case _:
            aimed = "" if event["target_kmh"] is None else f", target {event['target_kmh']:g}"
            out = ", the safety key is out" if event["key_out"] else ""
            return f"belt {event['motion']}, {event['speed_kmh']:g} km/h{aimed}{out}"


def walker(now: Event) -> str:
    """The person at the machine in words, from `walker_now`."""
    if not now["on_belt"]:
        return "off the belt"
    words = ["on the belt"]
    if now["position_m"] is not None:
        words += [
            f"facing {now['facing']}",
            f"{now['position_m']:.1f} m from the front",
            f"{now['cadence_spm']} steps/min",
            f"{now['heart_rate_bpm']} bpm",
        ]
    return ", ".join(words + ["cord clipped"] * now["cord_clipped"])


def press(shown: TreadmillExhibit, keys: str) -> None:
    """Do what these keys of the keyboard stand for."""
    for key in keys:
        if key in _KEYS:
            name, _ = _KEYS[key]
            back = name in _TAKEN_BACK and shown.is_done(name)
            shown.do(Act(_TAKEN_BACK[name] if back else name), "keyboard")


@contextlib.contextmanager
def keyboard() -> Iterator[None]:
    """Each key comes at once, unseen, while the block runs."""
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


async def live(shown: TreadmillExhibit, history: History) -> None:
    """Show it until cancelled."""
    with Live(console=Console(), auto_refresh=False) as screen:
        while True:
            screen.update(panel(shown, history), refresh=True)
            await asyncio.sleep(_EVERY_S)


def panel(shown: TreadmillExhibit, history: History) -> Panel:
    """One moment."""
    treadmill = shown.treadmill
    belt = treadmill.belt
    rows = Table.grid(padding=(0, 2))
    top = treadmill.quirks.ranges.maximum
    bar = "\N{FULL BLOCK}" * min(_BAR, round(belt.speed / top * _BAR))
    out = Text("PULLED", style="bold white on red")
    rows.add_row("speed", Text.assemble((f"{belt.speed / 100:.2f} km/h  ", "bold"), (bar, "green")))
    rows.add_row("target", f"{kmh(belt.target):g} km/h" if belt.target else "-")
    rows.add_row("incline", f"{treadmill.incline.value / 10:.1f} %")
    rows.add_row("belt", belt.motion.name.lower())
    rows.add_row("display", treadmill.console.display or "dark")
    rows.add_row("key", out if treadmill.safety_key.is_pulled else "in place")
    rows.add_row("walker", walker(walker_now(treadmill)))
    rows.add_row("clients", str(shown.clients))
    rows.add_row("radio", ", ".join(shown.place.transports))
    keys = Text("  ").join(Text.assemble((key, "bold"), f" {name}") for key, (_, name) in _KEYS.items())
    said = [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in history.lines]
    blank = [Text()] * (_LINES - len(said))
    return Panel(
        Group(rows, Text(), *said, *blank, Text(), keys), title=treadmill.quirks.link.name, width=_WIDTH
    )
