"""What an act at the machine arms, and the frames the guard lets through or refuses."""

from dataclasses import dataclass
from enum import Enum

from blefit.errors import DecodeError
from blefit.ftms.control_point import OpCode
from blefit.ftms.control_point import Request as ControlPointRequest
from blefit.units import Incline, Speed
from retrowalk.core.exchange import STOP_PARAMETER
from retrowalk.core.model import Command, Direction, RequestControl, Start, Stop, Target, TargetIncline

ABSOLUTE_CEILING = {Direction.FORWARD: Speed(600), Direction.BACKWARD: Speed(500)}
"""Nothing passes it, whatever level, config or program say."""
ABSOLUTE_INCLINE = Incline(100)
FIRST_TARGET_CEILING = Speed(160)
STEP_UP_CEILING = Speed(50)
"""0.3 km/h, or one grid value of at most 0.5: the limits that a session is armed with know which."""

WAIT_CEILING_S = 60.0

EMPTY_BELT_CEILING = Speed(250)
"""Commissioning moves a belt that nobody has tested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """What one arming allows, until the belt rests again. Made from `Limits` and the program, by an act."""

    session_id: str
    direction: Direction
    ceiling: Speed
    cap: Speed
    step_up: Speed
    step_down: Speed
    incline_cap: Incline
    wait_s: float
    """How long the armed belt may wait at rest for its Start; then it is disarmed."""
    empty_belt: bool = False
    """Commissioning: nobody is on the belt. It alone allows `Guard.test_start`."""

    def problem(self, minimum: Speed) -> str:
        """Why nothing may be armed with it on a machine of that slowest speed, or ''."""
        if minimum > FIRST_TARGET_CEILING or minimum > self.cap:
            return "the machine's slowest speed is above the cap"
        if not self.cap <= self.ceiling <= ABSOLUTE_CEILING.get(self.direction, 0):
            return "the cap is above the ceiling"
        if self.step_up > STEP_UP_CEILING or self.incline_cap > ABSOLUTE_INCLINE:
            return "a change step or the incline is above its ceiling"
        if self.wait_s > WAIT_CEILING_S:
            return "an armed belt would wait longer than its ceiling"
        slow = self.direction is Direction.FORWARD and self.ceiling <= EMPTY_BELT_CEILING
        if self.empty_belt and not slow:
            return "an empty belt is tested forward and slowly"
        return ""


class State(Enum):
    """How much the guard lets through."""

    DISARMED = "disarmed"
    ARMED = "armed"
    STARTING = "starting"
    """A Start is outstanding: the belt may move at any moment."""
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Finding:
    """What the guard noticed: a fault's id, or a notice (`moving`, `rest`, `ask_still`, `start_key`, ...)."""

    id: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A frame that does not pass, the law, and why."""

    law: str
    reason: str


class Seal:
    """What makes an approval real: the guard holds the only one."""


class Approved:
    """A frame the guard let through. Nobody else can make one that a guard of this process accepts."""

    __slots__ = ("command", "frame")

    def __init__(self, command: Command, frame: bytes, seal: Seal) -> None:
        if type(seal) is not Seal:
            raise TypeError("only the guard approves frames")
        self.command = command
        self.frame = frame


def parse(frame: bytes) -> Command | None:
    """G4: the command these octets are, of exact length; None for everything else."""
    try:
        request = ControlPointRequest.decode(frame)
    except DecodeError:
        return None
    if request.trailing:
        return None
    match request.op_code, request.parameter:
        case OpCode.REQUEST_CONTROL, None:
            return RequestControl()
        case OpCode.START_OR_RESUME, None:
            return Start()
        case OpCode.STOP_OR_PAUSE, parameter if parameter == STOP_PARAMETER:
            return Stop()
        case OpCode.SET_TARGET_SPEED, int(speed):
            return Target(Speed(speed))
        case OpCode.SET_TARGET_INCLINATION, int(incline):
            return TargetIncline(Incline(incline))
        case _:
            return None
