"""A machine for others to use: it tells what happens to it, and people beside it can act."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from blefit.ftms.control_point import op_name
from blefit.units import kmh
from retrowalk.sim.model.belt import Motion
from retrowalk.sim.model.emissions import Client
from retrowalk.sim.model.machine import Machine
from retrowalk.sim.model.traced import Traced
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


class Exhibit:
    """A machine at its place; `over` is set when somebody has ended it, or its radio is lost."""

    def __init__(self, machine: Machine, there: Place, tell: Tell, over: asyncio.Event) -> None:
        self.place = there
        self.over = over
        self.peripheral = Peripheral(machine, there.device, there.cut, witness=self)
        self._machine = machine
        self._tell = tell
        self._is_away = False

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self.place.device.connections)

    def do(self, act: Act, by: str) -> None:
        """Somebody does it; where it cannot be done here, nothing happens and that is told."""
        done = self._do(act)
        self.tell("act", act=str(act), by=by, done=done)

    def _do(self, act: Act) -> bool:
        """What can be done to any machine; False where the act is none of these."""
        match act.name:
            case "cut":
                self.peripheral.vanish()
            case "away" | "back":
                move = self.place.away if act.name == "away" else self.place.back
                if move is None:
                    return False
                move()
                self._is_away = act.name == "away"
            case "quit":
                self.over.set()
            case _:
                return False
        return True

    def is_done(self, name: str) -> bool:
        """Whether an act that can be taken back is in effect."""
        return name == "away" and self._is_away

    async def follow(self, script: Sequence[Step]) -> None:
        """Do what the script says, each at its time."""
        for step in script:
            await asyncio.sleep(max(0.0, step.at_s - self._machine.now))
            self.do(step.act, "script")

    def tell(self, event: str, **fields: Any) -> None:
        """Something has happened, now."""
        self._tell({"t": self._machine.now, "event": event, **fields})

    async def tell_of_itself(self) -> None:
        """Tell what the machine does by itself, until cancelled."""
        raise NotImplementedError

    def connected(self, client: Client) -> None:
        """A client is there."""
        self.tell("connected", client=client)

    def disconnected(self, client: Client) -> None:
        """It is gone."""
        self.tell("disconnected", client=client)

    def written(self, client: Client, octets: bytes, att_error: int | None) -> None:
        """It has written to the Control Point."""
        name = op_name(octets[0]) if octets else None
        self.tell("written", client=client, hex=octets.hex(), op_name=name, att_error=att_error)


class TreadmillExhibit(Exhibit):
    """A treadmill with a belt, a console, a safety key and a walker."""

    def __init__(self, treadmill: Treadmill, there: Place, tell: Tell, over: asyncio.Event) -> None:
        super().__init__(treadmill, there, tell, over)
        self.treadmill = treadmill

    def _do(self, act: Act) -> bool:
        treadmill = self.treadmill
        match act.name:
            case "cut" | "away" | "back" | "quit":
                return super()._do(act)
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
            case "take-control":
                treadmill.take_control_away()
            case key:
                treadmill.console.press(key)
        return True

    def is_done(self, name: str) -> bool:
        """Whether key-out, step-off or away is in effect."""
        match name:
            case "key-out":
                return self.treadmill.safety_key.is_pulled
            case "step-off":
                return not self.treadmill.walker.on_belt
            case _:
                return super().is_done(name)

    async def tell_of_itself(self) -> None:
        """Tell each change of the belt's state, and once a second how fast it moves."""
        before: tuple[object, ...] = ()
        told_at = 0.0
        while True:
            belt = self.treadmill.belt
            state = (belt.motion, belt.target, belt.speed == 0, self.treadmill.safety_key.is_pulled)
            now = self.treadmill.now
            if state != before or (belt.speed > 0 and now - told_at >= _TELLS_EVERY_S):
                before, told_at = state, now
                self.tell("belt", **belt_now(self.treadmill))
            await asyncio.sleep(_LOOKS_EVERY_S)


class TraceExhibit(Exhibit):
    """A recorded machine: nobody can act on its belt."""

    def __init__(self, traced: Traced, there: Place, tell: Tell, over: asyncio.Event) -> None:
        super().__init__(traced, there, tell, over)
        self.traced = traced

    async def tell_of_itself(self) -> None:
        """Tell when the recording begins, and when it is over."""
        trace, before = self.traced.trace, None
        while True:
            state = self.traced.state
            if state != before:
                before = state
                self.tell("trace", session=trace.id, seconds=trace.seconds, state=state)
            await asyncio.sleep(_LOOKS_EVERY_S)


def belt_now(treadmill: Treadmill) -> dict[str, Any]:
    """The belt as it really is at this moment."""
    belt = treadmill.belt
    return {
        "motion": belt.motion.name.lower(),
        "speed_kmh": round(belt.speed / 100, 2),
        "target_kmh": kmh(belt.target) if belt.motion is Motion.RUNNING else None,
        "distance_m": round(belt.distance_m, 1),
        "key_out": treadmill.safety_key.is_pulled,
    }


@contextlib.asynccontextmanager
async def exhibit(
    machine: Treadmill | Traced, address: str, transport: str, tell: Tell, over: asyncio.Event
) -> AsyncIterator[Exhibit]:
    """That machine at that place, switched on while the block runs. Raises Unreachable."""
    name = machine.quirks.link.name
    async with place(name, address, transport) as there:
        shown = (
            TraceExhibit(machine, there, tell, over)
            if isinstance(machine, Traced)
            else TreadmillExhibit(machine, there, tell, over)
        )
        async with shown.peripheral:
            shown.tell("on_air", name=name, address=address, transport=there.transport)
            if there.lost is not None:
                there.lost.add_done_callback(lambda _: over.set())
            telling = asyncio.create_task(shown.tell_of_itself())
            try:
                yield shown
            finally:
                telling.cancel()
