"""A machine for others to use: it tells what happens to it, and people beside it can act."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from blefit.ftms.control_point import op_name
from blefit.units import kmh
from retrowalk.sim.model.belt import Motion
from retrowalk.sim.model.emissions import Client
from retrowalk.sim.model.gait import Facing
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
            await asyncio.sleep(max(0.0, step.at_s - self.peripheral.now))
            self.do(step.act, "script")

    def tell(self, event: str, **fields: Any) -> None:
        """Something has happened, now."""
        self._tell({"t": self.peripheral.now, "event": event, **fields})

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
            case "power-off":
                treadmill.switch_off()
                self.peripheral.lose_power()
            case "power-on":
                treadmill.switch_on()
                self.peripheral.regain_power()
            case "take-control":
                treadmill.take_control_away()
            case "speed" | "incline" | "fastest" | "weigh":
                assert act.value is not None
                self._set(act.name, act.value)
            case "key-out":
                treadmill.safety_key.pull()
            case "key-in":
                treadmill.safety_key.replace()
            case "step-off":
                treadmill.walker.step_off()
            case "step-on":
                treadmill.walker.step_on()
            case "face-forward" | "face-backward":
                treadmill.walker.face(Facing(act.name.removeprefix("face-")))
            case "clip-on" | "clip-off":
                treadmill.walker.has_cord_clipped = act.name == "clip-on"
            case key:
                treadmill.console.press(key)
        return True

    def _set(self, name: str, value: float) -> None:
        treadmill = self.treadmill
        match name:
            case "speed":
                treadmill.console.set_speed(value)
            case "incline":
                treadmill.console.set_incline(value)
            case "fastest":
                treadmill.walker.fastest = value * 100
            case _:
                treadmill.walker.weight_kg = value

    def is_done(self, name: str) -> bool:
        """Whether an act that can be taken back is in effect."""
        walker = self.treadmill.walker
        match name:
            case "key-out":
                return self.treadmill.safety_key.is_pulled
            case "step-off":
                return not walker.on_belt
            case "face-backward":
                return walker.facing is Facing.BACKWARD
            case "clip-on":
                return walker.has_cord_clipped
            case "power-off":
                return not self.treadmill.is_on
            case _:
                return super().is_done(name)

    async def tell_of_itself(self) -> None:
        """Tell each change of the belt's state, and once a second how fast it moves."""
        before: tuple[object, ...] = ()
        somebody = self._somebody
        told_at = 0.0
        while True:
            belt = self.treadmill.belt
            state = (belt.motion, belt.target, belt.speed == 0, self.treadmill.safety_key.is_pulled)
            now = self.treadmill.now
            again = belt.speed > 0 and now - told_at >= _TELLS_EVERY_S
            if state != before or again:
                before, told_at = state, now
                self.tell("belt", **belt_now(self.treadmill))
            if self._somebody != somebody or (again and self.treadmill.walker.position_m is not None):
                somebody = self._somebody
                self.tell("walker", **walker_now(self.treadmill))
            await asyncio.sleep(_LOOKS_EVERY_S)

    @property
    def _somebody(self) -> tuple[object, ...]:
        walker = self.treadmill.walker
        return walker.facing, walker.on_belt, walker.has_cord_clipped


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
        "incline_percent": round(treadmill.incline.value / 10, 1),
        "distance_m": round(belt.distance_m, 1),
        "key_out": treadmill.safety_key.is_pulled,
        "display": treadmill.console.display,
    }


def walker_now(treadmill: Treadmill) -> dict[str, Any]:
    """The person at it, at this moment; `position_m` behind the front edge, null off the belt."""
    walker = treadmill.walker
    return {
        "on_belt": walker.on_belt,
        "facing": walker.facing,
        "position_m": None if walker.position_m is None else round(walker.position_m, 2),
        "cadence_spm": round(walker.cadence(treadmill.belt.speed)),
        "heart_rate_bpm": walker.heart_rate,
        "cord_clipped": walker.has_cord_clipped,
    }


@contextlib.asynccontextmanager
async def exhibit(
    machine: Treadmill | Traced, address: str, transports: Sequence[str], tell: Tell, over: asyncio.Event
) -> AsyncIterator[Exhibit]:
    """That machine at that place, switched on while the block runs. Raises Unreachable."""
    name = machine.quirks.link.name
    async with place(name, address, *transports) as there:
        shown = (
            TraceExhibit(machine, there, tell, over)
            if isinstance(machine, Traced)
            else TreadmillExhibit(machine, there, tell, over)
        )
        async with shown.peripheral:
            for transport in there.transports:
                shown.tell("on_air", name=name, address=address, transport=transport)
            if there.lost is not None:
                there.lost.add_done_callback(lambda _: over.set())
            telling = asyncio.create_task(shown.tell_of_itself())
            try:
                yield shown
            finally:
                telling.cancel()
