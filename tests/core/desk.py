"""A test desk: one guard and its door, fed by hand with records, statuses and answers. Speeds in 0.01 km/h.

`bench.py` joins them to a belt with physics; here every record is chosen, to stand at the boundaries.
"""

from dataclasses import replace

from blefit.ftms.control_point import Response, ResultCode
from blefit.ftms.machine_status import MachineStatus, MachineStatusOp
from blefit.ftms.treadmill_data import TreadmillData
from blefit.units import Incline, Speed
from retrowalk.belt import Belt
from retrowalk.core.authority import Authority, Refusal, State, parse
from retrowalk.core.exchange import encode, op_code
from retrowalk.core.guard import Guard
from retrowalk.core.model import (
    Answer,
    Command,
    Direction,
    Machine,
    Record,
    RequestControl,
    Start,
    Status,
    Stop,
    Target,
    Written,
)

MACHINE = Machine(
    id="m",
    name="machine",
    minimum=Speed(80),
    maximum=Speed(1400),
    increment=Speed(10),
    inclinable=True,
    maximum_incline=Incline(100),
    deceleration=50,
    commissioned=True,
    second_stop=True,
)
AUTHORITY = Authority(
    session_id="s1",
    direction=Direction.FORWARD,
    ceiling=Speed(600),
    cap=Speed(300),
    step_up=Speed(20),
    step_down=Speed(50),
    incline_cap=Incline(30),
    wait_s=45.0,
)
TICK_S = 0.25
SUCCESS = int(ResultCode.SUCCESS)


def authority(**changes: object) -> Authority:
    """The usual one, but for these."""
    return replace(AUTHORITY, **changes)  # type: ignore[arg-type]  # a table of changes


class Desk:
    """Time stands still between calls. Writes are done and answered at once, unless told otherwise."""

    def __init__(self, machine: Machine = MACHINE, *, connect: bool = True, **facts: object) -> None:
        self.machine = replace(machine, **facts)  # type: ignore[arg-type]  # a table of facts
        self.now = 100.0
        self.guard = Guard()
        self.belt = Belt(self.guard, self._write)
        self.guard.marked = True
        self.writes: list[tuple[float, Command]] = []
        self.noticed: list[str] = []
        self.results: dict[type[Command], int | None] = {}
        """How a kind of command is answered; None: not at all."""
        self.write_error: str = ""
        self.stuck = False
        """Writes do not come to an end."""
        self._in: list[object] = []
        self._connections = 0
        if connect:
            self.connect()

    def connect(self) -> None:
        """A link comes up."""
        self._connections += 1
        self.belt.connect(self._connections, self.machine, self.now)
        self._look()

    def lose_link(self) -> None:
        """It goes down."""
        self._in.clear()
        self.belt.disconnect(self.now)
        self._look()

    def _write(self, connection: int, ticket: int, frame: bytes) -> None:
        command = parse(frame)
        assert command is not None
        self.writes.append((self.now, command))
        if self.stuck:
            return
        self._in.append(Written(connection, ticket, self.write_error))
        result = self.results.get(type(command), SUCCESS)
        if result is not None and not self.write_error:
            self._in.append(Answer(Response(op_code(command), result)))

    def _look(self) -> None:
        self.belt.want(None, self.now)
        written = len(self.writes)
        while self._in:
            assert len(self.writes) < written + 20, "frames without end"
            item = self._in.pop(0)
            if isinstance(item, Written):
                self.belt.written(item, self.now)
            else:
                self.belt.observe(item, self.now)  # type: ignore[arg-type]  # an Answer
            self.belt.want(None, self.now)
        self.noticed += [finding.id for finding in self.guard.findings()]

    # --- what happens -----------------------------------------------------------------------------

    def record(self, speed: int, incline: int | None = None) -> None:
        """One record, now."""
        told = None if incline is None else Incline(incline)
        self.belt.observe(Record(TreadmillData(instantaneous_speed=Speed(speed), inclination=told)), self.now)
        self._look()

    def runs(self, speed: int, seconds: float, every: float = TICK_S) -> None:
        """Records of that speed, ticks between them."""
        for _ in range(round(seconds / every)):
            self.silence(every)
            self.record(speed)

    def slides(self, start: int, end: int, rate: int = 50) -> None:
        """The belt changes its speed from one to the other, `rate` in 0.01 km/h per second."""
        step = round(rate * TICK_S) * (1 if end > start else -1)
        for speed in [*range(start, end, step), end]:
            self.runs(speed, TICK_S)

    def silence(self, seconds: float) -> None:
        """Time passes; only ticks."""
        end = self.now + seconds
        while self.now < end - 1e-9:
            self.now = round(min(end, self.now + TICK_S), 6)
            self.belt.tick(self.now)
            self._look()

    def status(self, op: MachineStatusOp, parameter: int | None = None) -> None:
        """One Fitness Machine Status."""
        self.belt.observe(Status(MachineStatus(op, parameter)), self.now)
        self._look()

    def answer(self, command: Command, result: int = SUCCESS) -> None:
        """The machine answers, late."""
        self.belt.observe(Answer(Response(op_code(command), result)), self.now)
        self._look()

    def want(self, command: Command) -> str:
        """Somebody wants it written: the law that forbids it, or ''."""
        refusal = self.belt.want(command, self.now)
        self._look()
        return "" if refusal is None else refusal.law

    def review(self, command: Command | bytes) -> str:
        """The law that forbids this frame now, or ''; nothing is written."""
        frame = command if isinstance(command, bytes) else encode(command)
        verdict = self.guard.review(frame, self.now)
        return verdict.law if isinstance(verdict, Refusal) else ""

    def stop(self) -> None:
        """A Stop request."""
        self.guard.want_stop(self.now)
        self._look()

    # --- ways to a state --------------------------------------------------------------------------

    def rest(self) -> "Desk":
        """The belt is measured at rest."""
        self.runs(0, 1.0)
        return self

    def arm(self, what: Authority = AUTHORITY) -> str:
        """An act at the machine: why not, or ''."""
        return self.guard.arm(what, self.now)

    def counted(self, what: Authority = AUTHORITY) -> "Desk":
        """Armed, in control, and the countdown just over."""
        self.rest()
        assert self.arm(what) == ""
        assert self.want(RequestControl()) == ""
        self.guard.countdown(self.now)
        self.runs(0, 5.0)
        self.guard.intend_start(self.now)
        return self

    def starting(self, what: Authority = AUTHORITY) -> "Desk":
        """A Start is outstanding."""
        self.counted(what)
        assert self.want(Start()) == ""
        assert self.guard.state is State.STARTING
        return self

    def moving(self, what: Authority = AUTHORITY, speed: int = 80) -> "Desk":
        """Motion is measured, no target is sent yet."""
        self.starting(what)
        self.runs(speed, 0.5)
        assert self.guard.state is State.RUNNING
        return self

    def walking(self, what: Authority = AUTHORITY) -> "Desk":
        """The first target, the machine's minimum, is met."""
        self.moving(what)
        assert self.want(Target(self.machine.minimum)) == ""
        self.runs(self.machine.minimum, 2.0)
        assert self.guard.target_met
        return self

    def at(self, speed: int, what: Authority = AUTHORITY) -> "Desk":
        """Walking at that speed, met."""
        self.walking(what)
        reached = int(self.machine.minimum)
        while reached < speed:
            reached = min(speed, reached + int(what.step_up))
            assert self.want(Target(Speed(reached))) == ""
            self.runs(reached, 2.25)
            assert self.guard.target_met
        return self

    # --- what can be seen -------------------------------------------------------------------------

    def sent(self, kind: type[Command]) -> list[float]:
        """When commands of this kind were written."""
        return [at for at, command in self.writes if isinstance(command, kind)]

    def state(self) -> State:
        """How much the guard lets through now."""
        return self.guard.state

    def stopping(self) -> bool:
        """A stop is not over."""
        return self.guard.stopping

    @property
    def stops(self) -> int:
        """How many Stops were written."""
        return len(self.sent(Stop))

    @property
    def last(self) -> Command:
        """The newest command."""
        return self.writes[-1][1]
