"""A simulated treadmill for others to use: it tells what happens to it, and people beside it can act."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from blefit.ftms.control_point import op_name
from blefit.units import kmh
from retrowalk.sim.model.belt import Motion
from retrowalk.sim.model.emissions import Client
from retrowalk.sim.model.quirks import Quirks
from retrowalk.sim.model.treadmill import Treadmill
from retrowalk.sim.peripheral import Peripheral
from retrowalk.sim.place import Place, place
from retrowalk.sim.script import Act, Step

Event = dict[str, Any]
"""`t`, in seconds since the treadmill was switched on, `event`, and the fields of that event."""
Tell = Callable[[Event], None]

_LOOKS_EVERY_S = 0.05
_TELLS_EVERY_S = 1.0
"""Of a belt that moves and changes nothing but its speed."""


class Witnessed(Treadmill):
    """A treadmill that tells who comes, who goes, and what is written to its Control Point."""

    def __init__(self, quirks: Quirks, tell: Tell) -> None:
        super().__init__(quirks)
        self._witness = tell

    def connect(self, client: Client) -> None:
        super().connect(client)
        self._witness({"t": self.now, "event": "connected", "client": client})

    def disconnect(self, client: Client) -> None:
        super().disconnect(client)
        self._witness({"t": self.now, "event": "disconnected", "client": client})

    def write(self, client: Client, octets: bytes, now: float) -> int | None:
        error = super().write(client, octets, now)
        name = op_name(octets[0]) if octets else None
        told = {"client": client, "hex": octets.hex(), "op_name": name, "att_error": error}
        self._witness({"t": now, "event": "written", **told})
        return error


class Exhibit:
    """The treadmill at its place; `over` is set when somebody has ended it, or its radio is lost."""

    def __init__(
        self, treadmill: Treadmill, peripheral: Peripheral, there: Place, tell: Tell, over: asyncio.Event
    ) -> None:
        self.treadmill = treadmill
        self.place = there
        self.over = over
        self._peripheral = peripheral
        self._tell = tell
        self._is_away = False

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self.place.device.connections)

    def do(self, act: Act, by: str) -> None:
        """Somebody does it; where it cannot be done here, nothing happens and that is told."""
        done = self._do(act)
        event: Event = {"t": self.treadmill.now, "event": "act", "act": str(act), "by": by, "done": done}
        self._tell(event)

    def _do(self, act: Act) -> bool:
        treadmill, there = self.treadmill, self.place
        match act.name:
            case "speed":
                assert act.kmh is not None
                treadmill.console.set_speed(act.kmh)
            case "key-out":
                treadmill.safety_key.pull()
            case "key-in":
                treadmill.safety_key.replace()
            case "step-off":
                treadmill.walker.step_off()
            case "step-on":
                treadmill.walker.step_on()
            case "cut":
                self._peripheral.vanish()
            case "away" | "back":
                move = there.away if act.name == "away" else there.back
                if move is None:
                    return False
                move()
                self._is_away = act.name == "away"
            case "take-control":
                treadmill.take_control_away()
            case "quit":
                self.over.set()
            case key:
                treadmill.console.press(key)
        return True

    def is_done(self, name: str) -> bool:
        """Whether an act that can be taken back is in effect: key-out, step-off or away."""
        match name:
            case "key-out":
                return self.treadmill.safety_key.is_pulled
            case "step-off":
                return not self.treadmill.walker.on_belt
            case _:
                return self._is_away

    async def follow(self, script: Sequence[Step]) -> None:
        """Do what the script says, each at its time."""
        for step in script:
            await asyncio.sleep(max(0.0, step.at_s - self.treadmill.now))
            self.do(step.act, "script")

    async def tell_of_belt(self) -> None:
        """Tell each change of the belt's state, and once a second how fast it moves, until cancelled."""
        before: tuple[object, ...] = ()
        told_at = 0.0
        while True:
            belt = self.treadmill.belt
            state = (belt.motion, belt.target, belt.speed == 0, self.treadmill.safety_key.is_pulled)
            now = self.treadmill.now
            if state != before or (belt.speed > 0 and now - told_at >= _TELLS_EVERY_S):
                before, told_at = state, now
                self._tell(belt_event(self.treadmill))
            await asyncio.sleep(_LOOKS_EVERY_S)


def belt_event(treadmill: Treadmill) -> Event:
    """The belt as it really is at this moment."""
    belt = treadmill.belt
    return {
        "t": treadmill.now,
        "event": "belt",
        "motion": belt.motion.name.lower(),
        "speed_kmh": round(belt.speed / 100, 2),
        "target_kmh": kmh(belt.target) if belt.motion is Motion.RUNNING else None,
        "distance_m": round(belt.distance_m, 1),
        "key_out": treadmill.safety_key.is_pulled,
    }


@contextlib.asynccontextmanager
async def exhibit(
    quirks: Quirks, address: str, transport: str, tell: Tell, over: asyncio.Event
) -> AsyncIterator[Exhibit]:
    """The machine with these quirks at that place, switched on while the block runs. Raises Unreachable."""
    treadmill = Witnessed(quirks, tell)
    async with (
        place(quirks.link.name, address, transport) as there,
        Peripheral(treadmill, there.device, there.cut) as peripheral,
    ):
        on_air = {"name": quirks.link.name, "address": address, "transport": there.transport}
        tell({"t": treadmill.now, "event": "on_air", **on_air})
        shown = Exhibit(treadmill, peripheral, there, tell, over)
        if there.lost is not None:
            there.lost.add_done_callback(lambda _: over.set())
        telling = asyncio.create_task(shown.tell_of_belt())
        try:
            yield shown
        finally:
            telling.cancel()
