"""A test bench: controller and simulated treadmill joined in pure time, without radio or event loop."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from blefit import uuids
from retrowalk.belt import Belt
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.controller import Controller
from retrowalk.core.guard import Guard
from retrowalk.core.model import (
    Act,
    Ask,
    Characteristic,
    Confirm,
    Connected,
    Effect,
    Emitted,
    Lost,
    Machine,
    Mark,
    Marked,
    Notified,
    Offer,
    Replied,
    Request,
    Said,
    Snapshot,
    Written,
)
from retrowalk.core.offering import Setup
from retrowalk.core.program import Program
from retrowalk.core.program_text import parse_program
from retrowalk.sim.model.emissions import Answer, Client, LinkLoss, Notification, Record
from retrowalk.sim.model.quirks import Quirks
from retrowalk.sim.model.treadmill import Treadmill

WRITE_S = 0.05
TICK_S = 0.25
ANSWER_AFTER_S = 2.0
PERSON = "person"
"""The source of the acts of the willing person."""
CLIENT = Client(1)
_ROOM = 180


def machine_for(quirks: Quirks, **facts: object) -> Machine:
    """What the daemon knows of a simulated machine that is commissioned, with a second stop in reach."""
    ranges, belt = quirks.ranges, quirks.belt
    known: dict[str, object] = {
        "id": "sim",
        "name": "simulated",
        "minimum": ranges.minimum,
        "maximum": ranges.maximum,
        "increment": ranges.increment,
        "inclinable": ranges.maximum_incline > 0,
        "maximum_incline": ranges.maximum_incline,
        "deceleration": int(belt.deceleration),
        "start_delay_s": belt.start_delay_s,
        "silent_at_rest": quirks.telemetry.silent_at is not None,
        "needs_target_to_move": belt.needs_target_to_move,
        "reports_presence": True,
        "commissioned": True,
        "second_stop": True,
    }
    return Machine(**{**known, **facts})  # type: ignore[arg-type]  # a table of facts


@dataclass
class Bench:
    """Time goes on from one due moment to the next; `answers` are the acts a willing person gives, 2 s after
    asked. A write is through `WRITE_S` after it was handed over."""

    quirks: Quirks = field(default_factory=Quirks)
    machine: Machine | None = None
    setup: Setup | None = None
    program: Program | None = None
    answers: frozenset[Act] = frozenset(Act) - {Act.CLEAR}
    connect_now: bool = True
    left_running: bool = False
    marker_error: str = ""
    """Why the moving-marker cannot be written."""
    marker_answers: bool = True
    write_s: float = WRITE_S
    writes_arrive: bool = True
    site: SiteLimits = field(default_factory=lambda: SiteLimits(level=6))
    each_step: list[Callable[["Bench"], None]] = field(default_factory=list)
    mind: Callable[[Belt], Any] | None = None
    """Makes what decides in place of a controller."""

    def __post_init__(self) -> None:
        self.now = 100.0
        self.treadmill = Treadmill(self.quirks, now=self.now)
        self.effects: list[tuple[float, Effect]] = []
        self.frames: list[tuple[float, bytes]] = []
        self.asked: dict[str, Ask] = {}
        """By the ids of the requests."""
        self.linked = False
        self.deaf = False
        """Notifications are lost."""
        self._connections = count(1)
        self.connection = 0
        self._pending: deque[tuple[float, Written]] = deque()
        self._asked_since: tuple[Act | None, float] = (None, 0.0)
        self._next_tick = self.now
        self._ids = count(1)
        if self.setup is None:
            self.setup = Setup(site=self.site, find_program=self._find, new_id=lambda: f"s{next(self._ids)}")
        belt = Belt(Guard(), self._write)
        self.controller: Any = (
            Controller(self.setup, belt, left_running=self.left_running)
            if self.mind is None
            else self.mind(belt)
        )
        if self.connect_now:
            self.connect()
            self.run(2.0)

    def _find(self, name: str) -> Program:
        if self.program is None:
            raise LookupError(f"there is no program {name!r}")
        return self.program

    # --- the link ---------------------------------------------------------------------------------

    def connect(self) -> None:
        """A link comes up."""
        self.connection = next(self._connections)
        self.treadmill.connect(CLIENT)
        for number in (
            uuids.TREADMILL_DATA,
            uuids.TRAINING_STATUS,
            uuids.FITNESS_MACHINE_CONTROL_POINT,
            uuids.FITNESS_MACHINE_STATUS,
        ):
            self.treadmill.subscribe(CLIENT, number, True)
        self.linked = True
        machine = self.machine if self.machine is not None else machine_for(self.quirks)
        self._feed(Connected(self.connection, machine))

    def lose_link(self) -> None:
        """The radio fails."""
        self.linked = False
        self.treadmill.disconnect(CLIENT)
        self._feed(Lost(self.connection, "the radio failed"))

    def _write(self, connection: int, ticket: int, frame: bytes) -> None:
        self.frames.append((self.now, frame))
        error = None if self.linked else 14
        if self.linked and self.writes_arrive:
            error = self.treadmill.write(CLIENT, frame, self.now)
        through = Written(connection, ticket, "" if error is None else f"ATT {error:#x}", error)
        self._pending.append((self.now + self.write_s, through))

    # --- people -----------------------------------------------------------------------------------

    def ask(self, ask: Ask, source: str = "test") -> list[Replied]:
        """Somebody asks; returns the replies that came at once."""
        before = len(self.effects)
        request = Request(f"r{len(self.effects)}", source, ask)
        self.asked[request.id] = ask
        self._feed(request)
        return [e for _, e in self.effects[before:] if isinstance(e, Replied)]

    def offer(self, program: str = "p") -> list[Replied]:
        """Offer the program."""
        return self.ask(Offer(program))

    # --- time -------------------------------------------------------------------------------------

    def run(self, seconds: float, until: Callable[["Bench"], bool] | None = None) -> bool:
        """Let time pass; True as soon as `until` holds."""
        end = self.now + seconds - 1e-9
        while self.now < end:
            self._one_step(end)
            if until is not None and until(self):
                return True
        return False

    def _one_step(self, end: float) -> None:
        written = self._pending[0][0] if self._pending else end
        self.now = max(self.now, min(end, self._next_tick, self.treadmill.next_due, written))
        while self._pending and self._pending[0][0] <= self.now:
            self._feed(self._pending.popleft()[1])
        for emission in self.treadmill.advance(self.now):
            for event in self._heard(emission):
                self._feed(event)
        if self.now >= self._next_tick:
            self._next_tick = self.now + TICK_S
            self._act()
            self._answer()
        for look in self.each_step:
            look(self)

    def _heard(self, emission: object) -> Iterator[Notified]:
        match emission:
            case Record(_, data):
                for frame in self.treadmill.frames(data, _ROOM):
                    yield from self._notified(uuids.TREADMILL_DATA, frame)
            case Notification(_, number, payload):
                yield from self._notified(number, payload)
            case Answer(client, payload):
                self.treadmill.confirmed(client)
                yield from self._notified(uuids.FITNESS_MACHINE_CONTROL_POINT, payload)
            case LinkLoss():
                if self.linked:
                    self.lose_link()

    def _notified(self, number: int, payload: bytes) -> Iterator[Notified]:
        if self.linked and not self.deaf:
            yield Notified(self.connection, Characteristic(number), payload)

    def _answer(self) -> None:
        awaiting = self.snapshot.awaiting
        asked, since = self._asked_since
        if awaiting is not asked:
            self._asked_since = (awaiting, self.now)
        elif awaiting in self.answers and self.now - since >= ANSWER_AFTER_S:
            self._asked_since = (None, self.now)
            self.ask(Confirm(awaiting), PERSON)

    def _feed(self, happening: object) -> None:
        self.controller.feed(happening, self.now)  # type: ignore[arg-type]  # any of the model's words
        self._act()

    def _act(self) -> None:
        self.controller.act(self.now)
        for effect in list(self.controller.effects()):
            self.effects.append((self.now, effect))
            if isinstance(effect, Mark) and self.marker_answers:
                self.controller.feed(Marked(effect.session_id, self.marker_error), self.now)

    # --- what can be seen -------------------------------------------------------------------------

    @property
    def snapshot(self) -> Snapshot:
        """The live state."""
        return self.controller.snapshot(self.now)

    @property
    def real_speed(self) -> float:
        """The belt's own, in 0.01 km/h."""
        return self.treadmill.belt.speed

    def events(self, *types: str) -> list[Emitted]:
        """The events of these types, in order; of all without one."""
        found = [e for _, e in self.effects if isinstance(e, Emitted)]
        return [e for e in found if not types or e.type in types]

    def faults(self) -> list[str]:
        """The ids of the faults so far, in order."""
        return [str(e.fields["id"]) for e in self.events("fault")]

    def said(self) -> list[str]:
        """The sentences so far."""
        return [e.text for _, e in self.effects if isinstance(e, Said) and e.text]

    def sent(self, op_code: int) -> list[float]:
        """When frames of that op code were written."""
        return [at for at, frame in self.frames if frame[0] == op_code]


def program(text: str) -> Program:
    """The program of that TOML text."""
    parsed = parse_program(text)
    assert isinstance(parsed, Program), parsed
    return parsed
