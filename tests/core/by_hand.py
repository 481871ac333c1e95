"""A controller fed by hand: every record, answer, act and moment is chosen, to stand at the boundaries.

`bench.py` joins it to a belt with physics; `desk.py` does the same for the guard alone. Speeds in 0.01 km/h.
"""

from dataclasses import replace
from typing import Any

from tests.core.bench import program
from tests.core.desk import MACHINE, TICK_S

from blefit.ftms.control_point import Response, ResultCode
from blefit.ftms.machine_status import MachineStatus, MachineStatusOp
from blefit.ftms.treadmill_data import TreadmillData, encode
from blefit.units import Incline, Speed
from retrowalk.belt import Belt
from retrowalk.core.asking import AGAIN_S
from retrowalk.core.authority import State, parse
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.controller import Controller
from retrowalk.core.exchange import op_code
from retrowalk.core.guard import Guard
from retrowalk.core.model import (
    Act,
    Ask,
    Characteristic,
    Command,
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
    Phase,
    Replied,
    Request,
    Said,
    Snapshot,
    Written,
)
from retrowalk.core.offering import Setup
from retrowalk.core.session import Session
from retrowalk.core.stages import Stage

FORWARD = '{ walk = "forward", for = "5min", speed = 1.5 }'
BACKWARD = '{ walk = "backward", for = "2min", speed = 1.2 }'
TURN = '{ turn = "backward" }'
COUNTDOWN_S = 10.0
SENSING = replace(MACHINE, reports_presence=True)


class ByHand:
    """Time stands still between calls. Writes are through and answered at once, unless told otherwise."""

    def __init__(
        self,
        *steps: str,
        level: int = 1,
        machine: Machine = SENSING,
        connect: bool = True,
        left_running: bool = False,
        marker: str | None = "",
        **facts: object,
    ) -> None:
        walked = program(f'name = "Walk"\nlevel = {level}\nsteps = [ {", ".join(steps or (FORWARD,))} ]')
        known: dict[str, object] = {
            "site": SiteLimits(level=6),
            "find_program": lambda _: walked,
            "new_id": lambda: "s1",
        }
        setup = Setup(**{**known, **facts})  # type: ignore[arg-type]  # a table of facts
        self.machine = machine
        self.now = 100.0
        self.effects: list[Effect] = []
        self.written: list[Command] = []
        self.results: dict[type[Command], int | None] = {}
        """How a kind of command is answered; None: not at all."""
        self.write_error = ""
        self.stuck = False
        """Writes do not come to an end."""
        self.marker = marker
        """Why the moving-marker cannot be written; None: nothing is said of it."""
        self.connection = 0
        self._in: list[Written | Notified | Marked] = []
        self._requests = 0
        self.belt = Belt(Guard(), self._write)
        self.controller: Any = Controller(setup, self.belt, left_running=left_running)
        if connect:
            self.connect()

    # --- what happens -----------------------------------------------------------------------------

    def connect(self) -> None:
        """A link comes up."""
        self.connection += 1
        self.feed(Connected(self.connection, self.machine))

    def lose_link(self) -> None:
        """It goes down."""
        self.feed(Lost(self.connection, "the radio failed"))

    def feed(self, happening: object) -> None:
        """Anything of the model's words, and the look that follows it."""
        self.controller.feed(happening, self.now)
        self._act()

    def notify(self, characteristic: Characteristic, octets: bytes) -> None:
        """A notification of the present connection."""
        self.feed(Notified(self.connection, characteristic, octets))

    def record(self, speed: int, incline: int | None = None) -> None:
        """One record, now."""
        told = None if incline is None else Incline(incline)
        data = TreadmillData(
            instantaneous_speed=Speed(speed), inclination=told, ramp_angle=None if told is None else 0
        )
        self.notify(Characteristic.TREADMILL_DATA, encode(data))

    def status(self, op: MachineStatusOp, parameter: int | None = None) -> None:
        """One Fitness Machine Status."""
        self.notify(Characteristic.MACHINE_STATUS, MachineStatus(op, parameter).encode())

    def runs(self, speed: int, seconds: float, every: float = TICK_S) -> "ByHand":
        """Records of that speed, ticks between them."""
        for _ in range(round(seconds / every)):
            self.silence(every)
            self.record(speed)
        return self

    def slides(self, start: int, end: int) -> None:
        """The belt falls from one speed to the other, 0.4 km/h a second."""
        for speed in range(start - 10, end - 1, -10):
            self.runs(speed, TICK_S)

    def obeys(self, seconds: float) -> "ByHand":
        """The belt does at once what it was told last; it starts at its slowest."""
        for _ in range(round(seconds / TICK_S)):
            starts = self.machine.minimum if self.guard.state is State.STARTING else 0
            self.runs(self.guard.commanded or starts, TICK_S)
        return self

    def silence(self, seconds: float) -> None:
        """Time passes, and nothing happens."""
        end = self.now + seconds
        while self.now < end - 1e-9:
            self.now = round(min(end, self.now + TICK_S), 6)
            self._act()

    def ask(self, ask: Ask, source: str = "test") -> list[tuple[str, str]]:
        """Somebody asks: the outcomes and reasons of it that came at once."""
        self._requests += 1
        request = f"r{self._requests}"
        self.feed(Request(request, source, ask))
        told = [e for e in self.effects if isinstance(e, Replied)]
        return [(e.outcome, e.reason) for e in told if e.id == request]

    def _write(self, connection: int, ticket: int, frame: bytes) -> None:
        command = parse(frame)
        assert command is not None
        self.written.append(command)
        if self.stuck:
            return
        self._in.append(Written(connection, ticket, self.write_error))
        result = self.results.get(type(command), int(ResultCode.SUCCESS))
        if result is not None and not self.write_error:
            answer = Response(op_code(command), result).encode()
            self._in.append(Notified(connection, Characteristic.CONTROL_POINT, answer))

    def _act(self) -> None:
        self.controller.act(self.now)
        self._carry_out()
        while self._in:
            self.controller.feed(self._in.pop(0), self.now)
            self.controller.act(self.now)
            self._carry_out()

    def _carry_out(self) -> None:
        for effect in self.controller.effects():
            self.effects.append(effect)
            if isinstance(effect, Mark) and self.marker is not None:
                self._in.append(Marked(effect.session_id, self.marker))

    # --- the way there ----------------------------------------------------------------------------

    def offered(self) -> "ByHand":
        """A session is offered, the belt at rest."""
        self.runs(0, 1.0)
        assert self.ask(Offer("p")) == [("accepted", "")]
        return self

    def counting(self, act: Act = Act.START) -> "ByHand":
        """The act is given: the countdown begins."""
        if self.controller.session is None:
            self.offered()
        if act is Act.FACING:
            self.runs(0, AGAIN_S)
        assert self.ask(Confirm(act)) == [("accepted", ""), ("done", "")]
        assert self.session.stage is Stage.COUNTDOWN
        return self

    def starting(self) -> "ByHand":
        """Start is written."""
        self.counting().runs(0, COUNTDOWN_S + TICK_S)
        assert self.guard.state is State.STARTING
        return self

    def walking(self) -> "ByHand":
        """The first target is met, no other is sent."""
        self.starting()
        self.runs(self.machine.minimum, 3.0)
        assert self.session.stage is Stage.WALKING
        assert self.guard.target_met
        return self

    def at(self, speed: int) -> "ByHand":
        """Walking at that speed, as it was told."""
        self.walking()
        for _ in range(400):
            if self.guard.commanded == speed and self.guard.target_met:
                return self
            self.obeys(TICK_S)
        raise AssertionError(f"never told {speed}")

    # --- what can be seen -------------------------------------------------------------------------

    @property
    def guard(self) -> Guard:
        """The belt's."""
        return self.belt.guard

    @property
    def session(self) -> Session:
        """The present one."""
        session = self.controller.session
        assert isinstance(session, Session)
        return session

    @property
    def snapshot(self) -> Snapshot:
        """The live state."""
        shown = self.controller.snapshot(self.now)
        assert isinstance(shown, Snapshot)
        return shown

    def phase(self) -> Phase:
        """As published."""
        return self.snapshot.phase

    def events(self, *types: str) -> list[dict[str, object]]:
        """The fields of the events of these types."""
        return [dict(e.fields) for e in self.effects if isinstance(e, Emitted) and e.type in types]

    def faults(self) -> list[object]:
        """The ids of the faults so far."""
        return [fields["id"] for fields in self.events("fault")]

    def said(self) -> list[str]:
        """The sentences so far."""
        return [e.text for e in self.effects if isinstance(e, Said)]

    def replies(self, command: str) -> list[tuple[str, str]]:
        """Outcomes and reasons of the requests of that kind so far."""
        return [
            (e.outcome, e.reason) for e in self.effects if isinstance(e, Replied) and e.command == command
        ]
