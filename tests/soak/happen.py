"""Events carried out in a house: each breaks something, and mends it later."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from itertools import count

from tests.soak.events import Event
from tests.soak.house import ASKS, Corner, Daemon, House
from tests.soak.mortal import mortal

from retrowalk.core.model import Act
from retrowalk.park import park
from retrowalk.sim.interference import Kind
from retrowalk.sim.model.console import Key

FAR = timedelta(hours=2)
UNANSWERED_S = 6.0
LYING = {
    Kind.NOTIFICATION_LOST,
    Kind.NOTIFICATION_DELAYED,
    Kind.NOTIFICATION_DUPLICATED,
    Kind.NOTIFICATION_REORDERED,
    Kind.NOTIFICATION_MALFORMED,
    Kind.SILENCE,
    Kind.HELD,
}
"""While the radio does this, what is heard of the belt is not what the belt does."""

How = Mapping[str, object]


class Happening:
    """Carries events out, one after the other; what has to be mended is mended by `pending` timers."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._loop = asyncio.get_running_loop()
        self._ids = count(1)
        self._mends: dict[str, asyncio.TimerHandle] = {}
        self._mend: dict[str, Callable[[], None]] = {}

    async def happen(self, event: Event) -> None:
        """Carry out one event. A kill takes its time, everything else is done at once."""
        house, how = self._house, event.how
        corner = house.corners[event.place]
        machine, stand, place = corner.machine, corner.stand, corner.place.id
        house.tally[f"event {event.kind}"] += 1
        match event.kind:
            case "key":
                for _ in range(int(_number(how, "times"))):
                    self._press(corner, Key(str(how["key"])))
            case "key_in_countdown":
                corner.person.meddlers.append(partial(self._meddle, corner, how))
            case "dial":
                target = machine.belt.target
                machine.console.set_speed(_number(how, "kmh"))
                if machine.belt.target != target:
                    corner.witness.set_by_hand(machine.now)
            case "safety_key" if not machine.safety_key.is_pulled:
                if machine.is_started:
                    corner.witness.stopped_by_hand(self._loop.time())
                machine.safety_key.pull()
                self._later(f"key {place}", how, machine.safety_key.replace)
            case "step_off":
                machine.walker.step_off()
                self._later(f"walker {place}", how, machine.walker.step_on)
            case "control_away":
                if machine.control.holder is not None:
                    corner.witness.control_taken(self._loop.time())
                machine.take_control_away()
            case "power":
                stand.power_off()
                self._later(f"power {place}", how, stand.power_on)
            case "cut":
                stand.cut()
            case "out_of_reach":
                stand.move_away()
                self._later(f"reach {place}", how, stand.bring_back)
            case "unplug":
                house.ether.unplug()
                self._later("adapter", how, house.ether.plug_in)
            case "radio" | "silence":
                self._disturb(Kind(str(how["what"])), _number(how, "rate"), _number(how, "back_s"))
            case "stop_in_between":
                self._disturb(Kind.ANSWER_LOST, 1.0, UNANSWERED_S)
                self._ask(place, {**how, "command": "set_cap"})
                self._loop.call_later(_number(how, "after_s"), self._ask, place, {"command": "stop"})
            case "packet":
                house.interference.lose_link_at_packet(int(_number(how, "number")))
            case "ask":
                self._ask(place, how)
            case "message":
                self._message(place, how)
            case "false_act":
                corner.person.strangers.append(partial(self._false_act, place, how))
            case "broker":
                house.broker_is_up.clear()
                self._later("broker", how, house.broker_is_up.set)
            case "disk_slow":
                house.disk_takes_s = _number(how, "takes_s")
                self._later("slow disk", how, lambda: setattr(house, "disk_takes_s", 0.0))
            case "disk_full":
                house.disk_is_full = True
                self._later("full disk", how, lambda: setattr(house, "disk_is_full", False))
            case "clock":
                house.wall_offset += timedelta(seconds=_number(how, "by_s"))
            case "kill" | "restart":
                await self._end_a_life(event)
            case _:
                pass

    def mend_everything(self) -> None:
        """Nothing is broken any more."""
        for what, timer in list(self._mends.items()):
            timer.cancel()
            self._mends.pop(what)
            self._mend.pop(what)()
        self._house.interference.calm()

    def _later(self, what: str, how: How, mend: Callable[[], None]) -> None:
        """`mend` it in `back_s`; the same trouble twice is one that lasts longer."""
        if what in self._mends:
            self._mends[what].cancel()

        def mended() -> None:
            del self._mends[what], self._mend[what]
            mend()

        self._mend[what] = mend
        self._mends[what] = self._loop.call_later(_number(how, "back_s"), mended)

    # --- some take more words -----------------------------------------------------------------------

    def _press(self, corner: Corner, key: Key) -> None:
        machine = corner.machine
        before, target = machine.is_started, machine.belt.target
        machine.console.press(key)
        if key is Key.START and machine.is_started and not before:
            corner.witness.pressed_start(machine.now)
        elif before and not machine.is_started:
            corner.witness.stopped_by_hand(machine.now)
        elif machine.belt.target != target:
            corner.witness.set_by_hand(machine.now)

    def _meddle(self, corner: Corner, how: How) -> bool:
        if corner.witness.facing != "backward" and not how["forward"]:
            return False
        self._loop.call_later(_number(how, "after_s"), self._press, corner, Key.START)
        return True

    def _disturb(self, kind: Kind, rate: float, seconds: float) -> None:
        now = self._loop.time()
        self._house.interference.disturb(kind, rate, now + seconds)
        for corner in self._house.corners:
            witness, machine_now = corner.witness, corner.machine.now
            if kind in {Kind.SILENCE, Kind.HELD}:
                witness.silenced(kind, machine_now if rate == 1 and seconds > 6 else None)
            if kind.value.startswith("write"):
                witness.deaf_until = max(witness.deaf_until, now + seconds)
            elif kind.value.startswith("answer"):
                witness.unanswered_until = max(witness.unanswered_until, now + seconds)
            elif kind in LYING:
                witness.disturbed_until = max(witness.disturbed_until, now + seconds)

    def _ask(self, place: str, how: How) -> None:
        request_id, command = f"ask-{next(self._ids)}", str(how["command"])
        if command == "set_cap":
            self._house.set_cap(place, request_id, _number(how, "kmh"))
        else:
            self._house.ask(place, request_id, "cli", ASKS[command])

    def _message(self, place: str, how: How) -> None:
        wall, request_id = self._house.wall(), f"message-{next(self._ids)}"
        payload = str(how["payload"]).replace("$ID", request_id)
        for word, time in (("$NOW", wall), ("$LONG_AGO", wall - FAR), ("$LATER", wall + FAR)):
            payload = payload.replace(word, time.isoformat())
        topic, retained = str(how["topic"]), bool(how["retained"])
        for _ in range(int(_number(how, "times"))):
            self._house.publish(place, topic, payload.encode(), retained=retained)

    def _false_act(self, place: str, how: How, asked: Act) -> None:
        self._message(place, {**how, "payload": str(how["payload"]).replace("$ACT", asked.value)})

    async def _end_a_life(self, event: Event) -> None:
        house = self._house
        assert house.daemon is not None
        if event.how.get("after_stop_s"):
            self._ask(house.corners[event.place].place.id, {"command": "stop"})
            await asyncio.sleep(_number(event.how, "after_stop_s"))
        await (house.daemon.kill() if event.kind == "kill" else house.daemon.end())
        await asyncio.sleep(_number(event.how, "down_s"))
        if event.how.get("park"):
            backend, _ = mortal(house.ether.backend)
            await park(house.settings, backend, build=house.build)
        await Daemon(house).begin()


def _number(how: How, key: str) -> float:
    return float(str(how[key]))
