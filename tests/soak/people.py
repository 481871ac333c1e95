"""The person at a treadmill of a world: answers, pulls the cord, clears, and offers the next session."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random
from typing import Protocol

from tests.soak.stands import Machine
from tests.soak.world import BUTTON, Temper

from retrowalk.core.faults import CORD
from retrowalk.core.model import Act, Phase, Snapshot
from retrowalk.sim.model.attributes import is_advertising
from retrowalk.sim.model.console import Key

LOOKS_EVERY_S = 0.5
WAKES_AFTER_S = 10.0
"""The daemon says that it finds no treadmill, and to switch it on: so long it is left at that."""
GIVES_UP_AFTER = 6
"""Offers in a row that were refused: nothing more will happen here."""


class Ways(Protocol):
    """How a person reaches the daemon."""

    def wall(self) -> datetime: ...
    def publish(self, place: str, topic: str, payload: bytes) -> None: ...
    def enter(self, place: str, request_id: str, act: Act) -> None: ...
    def switch_off_and_on(self, place: str) -> None: ...


class Person:
    """Stands at one treadmill. Reacts to what is asked and heard, each in its own time."""

    def __init__(
        self,
        place: str,
        machine: Machine,
        *,
        temper: Temper,
        chance: Random,
        programs: Sequence[str],
        ways: Ways,
    ) -> None:
        self.temper = temper
        self.healthy = False
        self.offers = True
        self.refused = 0
        """Offers in a row that led to no session."""
        self.strangers: list[Callable[[Act], None]] = []
        """Who will do, as soon as an act is asked for, what would be that act, were it not a stranger's."""
        self.meddlers: list[Callable[[], bool]] = []
        """Who will do something as soon as a countdown runs, and whether it is done."""
        self.on_act: Callable[[str, str, float], None] = lambda _id, _act, _now: None
        self._place = place
        self._machine = machine
        self._chance = chance
        self._programs = programs
        self._ways = ways
        self.next_look = 0.0
        self._asked: Act | None = None
        self._answer_at: float | None = None
        self._cord_at: float | None = None
        self._key_back_at: float | None = None
        self._offer_at: float | None = None
        self._manual_until: float | None = None
        self._wake_at: float | None = None
        self._count = 0

    def come_to_the_machine(self) -> None:
        """From now on: willing, quick, and without another offer."""
        self.healthy, self.offers, self._asked = True, False, None

    @property
    def idle(self) -> bool:
        """Nothing is left to be offered here."""
        return self.refused >= GIVES_UP_AFTER

    def look(self, state: Snapshot | None, now: float) -> None:
        """Take the state in and act; to be called twice a second."""
        if state is None:
            return
        self._mind_the_cord(state, now)
        self._wake(state, now)
        self._end_manual_use(state, now)
        self._answer(state, now)
        if state.phase is Phase.COUNTDOWN:
            self.meddlers = [meddler for meddler in self.meddlers if not meddler()]
        if self.offers:
            self._offer(state, now)

    def _mind_the_cord(self, state: Snapshot, now: float) -> None:
        key = self._machine.safety_key
        after = 4.0 if self.healthy else self.temper.cord_after_s
        if CORD not in state.fault_text:
            self._cord_at = None
        elif self._cord_at is None and after is not None:
            self._cord_at = now + after
        elif self._cord_at is not None and now >= self._cord_at and not key.is_pulled:
            key.pull()
            self._key_back_at = now + self._chance.uniform(5, 20)
        if self._key_back_at is not None and now >= self._key_back_at and self._machine.belt.speed == 0:
            self._key_back_at = None
            key.replace()

    def _wake(self, state: Snapshot, now: float) -> None:
        """Some machines can be found for a while after the mains switch, and then no more."""
        machine = self._machine
        if state.link == "connected" or machine.belt.speed > 0 or is_advertising(machine):
            self._wake_at = None
        elif self._wake_at is None:
            self._wake_at = now + WAKES_AFTER_S
        elif now >= self._wake_at:
            self._ways.switch_off_and_on(self._place)

    def _end_manual_use(self, state: Snapshot, now: float) -> None:
        told_to = self.healthy and state.phase is Phase.DISCONNECTED and self._machine.belt.speed > 0
        if state.phase is not Phase.MANUAL and not told_to:
            self._manual_until = None
        elif self._manual_until is None:
            self._manual_until = now + self._chance.uniform(3, 45)
        elif now >= self._manual_until:
            self._machine.console.press(Key.STOP)

    def _answer(self, state: Snapshot, now: float) -> None:
        if state.awaiting is not self._asked:
            self._asked = state.awaiting
            self._answer_at = None if state.awaiting is None else now + self._thinks()
            if state.awaiting is not None:
                for stranger in self.strangers:
                    stranger(state.awaiting)
                self.strangers.clear()
        if self._asked is None or self._answer_at is None or now < self._answer_at:
            return
        act, self._answer_at = self._asked, now + self._thinks()
        if self.temper.kind == "wrong" and not self.healthy and self._chance.random() < 0.4:
            act = self._chance.choice((Act.START, Act.FACING, Act.OK, Act.CLEAR))
        if act is Act.STILL and self._machine.belt.speed > 0:
            return
        self._act(act, now)

    def _thinks(self) -> float:
        match "willing" if self.healthy else self.temper.kind:
            case "slow":
                return self._chance.uniform(6, 50)
            case "absent" if self._chance.random() < 0.5:
                return self._chance.uniform(60, 400)
            case _:
                return self._chance.uniform(1, 4)

    def _act(self, act: Act, now: float) -> None:
        self._count += 1
        request_id = f"{self._place}-act-{self._count}"
        self.on_act(request_id, act.value, now)
        if not self.temper.by_button:
            self._ways.enter(self._place, request_id, act)
            return
        time = self._ways.wall().isoformat()
        told = {"id": request_id, "act": act.value, "source": BUTTON, "time": time}
        self._ways.publish(self._place, "confirm", json.dumps(told).encode())

    def _offer(self, state: Snapshot, now: float) -> None:
        if state.phase is not Phase.IDLE or self.idle:
            self._offer_at = None
            self.refused = 0 if state.phase is Phase.OFFERED else self.refused
        elif self._offer_at is None:
            self._offer_at = now + self.temper.offers_after_s
        elif now >= self._offer_at:
            self._offer_at = None
            self._count += 1
            self.refused += 1  # until something is offered
            program = self._chance.choice(self._programs)
            told = {"id": f"{self._place}-offer-{self._count}", "command": "start", "program": program}
            self._ways.publish(self._place, "command", json.dumps(told).encode())
