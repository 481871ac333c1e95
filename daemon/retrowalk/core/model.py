"""The words of the core: machines, commands, what happens, what is asked, what is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import NamedTuple

from blefit.ftms.control_point import Response
from blefit.ftms.machine_status import MachineStatus
from blefit.ftms.training_status import TrainingStatus
from blefit.ftms.treadmill_data import TreadmillData
from blefit.units import Incline, Speed

LEVEL, HALF_A_PERCENT = Incline(0), Incline(5)
UNKNOWN_DECELERATION = 30
"""0.01 km/h per second, for a machine nobody has measured (safety.md, Words)."""


class Direction(StrEnum):
    """How the person stands. FTMS knows no direction: it is never a command."""

    FORWARD = "forward"
    BACKWARD = "backward"
    STANDING = "standing"


class Phase(StrEnum):
    """Where a treadmill's session is, as published."""

    IDLE = "idle"
    OFFERED = "offered"
    ARMED = "armed"
    COUNTDOWN = "countdown"
    WALKING = "walking"
    TURNING = "turning"
    RESTING = "resting"
    HELD = "held"
    PAUSED = "paused"
    COOLING_DOWN = "cooling_down"
    STOPPING = "stopping"
    ENDED = "ended"
    FAULTED = "faulted"
    MANUAL = "manual"
    DISCONNECTED = "disconnected"


class Act(StrEnum):
    """What a person at the machine can say (contract: the confirm topic)."""

    START = "start"
    STILL = "still"
    FACING = "facing"
    OK = "ok"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is known of one treadmill: read from it, from its file in config/treadmills, measured on it.

    Speeds in 0.01 km/h, inclines in 0.1 %, `deceleration` in 0.01 km/h per second (None: not measured).
    """

    id: str
    name: str
    minimum: Speed
    maximum: Speed
    increment: Speed
    controllable: bool = True
    """It has a Control Point and takes Set Target Speed."""
    watch_only: str = ""
    """Why it is never driven, though it has a Control Point."""
    inclinable: bool = False
    minimum_incline: Incline = LEVEL
    maximum_incline: Incline = LEVEL
    increment_incline: Incline = HALF_A_PERCENT
    deceleration: int | None = None
    start_delay_s: float = 4.0
    """From Start's answer to motion."""
    silent_at_rest: bool = False
    """It stops notifying at rest instead of sending zeros."""
    needs_target_to_move: bool = False
    """After Start it does not move before it is sent a target."""
    echoes_target: bool = False
    """It reports its target as its speed: G9 is blind."""
    starts_above_minimum: bool = False
    """Its belt has been seen to start above its minimum + 0.3 km/h."""
    control_unanswered: bool = False
    """Request Control gets no answer though it is granted."""
    pause_supported: bool = False
    reports_start_key: bool = True
    reports_presence: bool = False
    """Steps, cadence, force on the belt or strap contact come with its telemetry."""
    commissioned: bool = False
    keeps_running_without_link: bool = True
    second_stop: bool = False
    quarantined: str = ""
    """Why no session may start on it, until it is commissioned again."""

    def on_grid(self, speed: Speed) -> Speed:
        """The highest speed the machine can run that is not above `speed`; 0 below its minimum."""
        if speed < self.minimum:
            return Speed(0)
        speed = min(speed, self.maximum)
        return Speed(self.minimum + (speed - self.minimum) // self.grid * self.grid)

    @property
    def grid(self) -> int:
        """From one speed it can run to the next, in 0.01 km/h; where it tells none, the finest there is."""
        return max(self.increment, 1)


# --- what may be written to the Control Point: a closed union -------------------------------------


@dataclass(frozen=True, slots=True)
class RequestControl:
    """00: needed before everything else but, on lax machines, Stop."""


@dataclass(frozen=True, slots=True)
class Start:
    """07: Start or Resume."""


@dataclass(frozen=True, slots=True)
class Target:
    """02: Set Target Speed."""

    speed: Speed


@dataclass(frozen=True, slots=True)
class TargetIncline:
    """03: Set Target Inclination."""

    incline: Incline


@dataclass(frozen=True, slots=True)
class Stop:
    """08 01: Stop."""


Command = RequestControl | Start | Target | TargetIncline | Stop


# --- what happens on the link ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Connected:
    """A link is up, its characteristics are read and subscribed. Numbers of connections only grow."""

    connection: int
    machine: Machine


@dataclass(frozen=True, slots=True)
class Lost:
    """The link of that number is gone."""

    connection: int
    why: str


class Characteristic(Enum):
    """Where a notification or indication came from."""

    TREADMILL_DATA = 0x2ACD
    TRAINING_STATUS = 0x2AD3
    CONTROL_POINT = 0x2AD9
    MACHINE_STATUS = 0x2ADA
    HEART_RATE = 0x2A37
    RSC_MEASUREMENT = 0x2A53


@dataclass(frozen=True, slots=True)
class Notified:
    """Octets that a characteristic sent, not decoded yet."""

    connection: int
    characteristic: Characteristic
    payload: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """One whole Treadmill Data record (the parts of a split one joined)."""

    data: TreadmillData


@dataclass(frozen=True, slots=True)
class Status:
    """One Fitness Machine Status."""

    status: MachineStatus


@dataclass(frozen=True, slots=True)
class Training:
    """One Training Status."""

    status: TrainingStatus


@dataclass(frozen=True, slots=True)
class Answer:
    """A Control Point response, indicated or notified."""

    response: Response


@dataclass(frozen=True, slots=True)
class Pulse:
    """A heart rate; `contact` with the skin None where the sensor cannot tell.

    As an observation it is the treadmill's, as a happening that of a strap of its own.
    """

    bpm: int | None
    contact: bool | None


@dataclass(frozen=True, slots=True)
class Steps:
    """A step counter or a cadence moved: somebody is walking."""


Observation = Record | Status | Training | Answer | Pulse | Steps
"""What a notification says, decoded."""


@dataclass(frozen=True, slots=True)
class Written:
    """An ATT write of ours ended: done, or refused with an ATT error code, or failed (`error` says how)."""

    connection: int
    ticket: int
    error: str = ""
    att_error: int | None = None


@dataclass(frozen=True, slots=True)
class Marked:
    """The moving-marker is on disk and synced (or could not be: `error`)."""

    session_id: str
    error: str = ""


# --- what people ask ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Offer:
    """start: a program, by name or file; only an act at the machine starts it."""

    program: str
    walker: str | None = None
    window_s: float | None = None
    """How long the offer stands (a schedule's window); None: the default."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """An act at the machine; `act` None is a bare CONFIRM: it answers what is awaited, nothing else."""

    act: Act | None


@dataclass(frozen=True, slots=True)
class PauseSession:
    """pause."""


@dataclass(frozen=True, slots=True)
class ResumeSession:
    """resume: an offer to go on."""


@dataclass(frozen=True, slots=True)
class Skip:
    """skip: to the next step, never past a turn or a rest, nor past what keeps two bouts apart."""


@dataclass(frozen=True, slots=True)
class StopSession:
    """stop: from everybody, at any time."""

    last: bool = False
    """The daemon ends: nothing begins after it, and a belt that is not ours is left alone."""


@dataclass(frozen=True, slots=True)
class SetCap:
    """set_cap: lower only."""

    speed: Speed


@dataclass(frozen=True, slots=True)
class Lease:
    """lease: the client that sent it will renew it each second, or the belt slows and stops."""


@dataclass(frozen=True, slots=True)
class AckFault:
    """ack_fault: silences the alarm; clearing is an act at the machine."""


Ask = Offer | Confirm | PauseSession | ResumeSession | Skip | StopSession | SetCap | Lease | AckFault


@dataclass(frozen=True, slots=True)
class Request:
    """One thing asked. `id` comes back in the replies; `source` is mqtt, cli, page, schedule or terminal."""

    id: str
    source: str
    ask: Ask


Happening = Connected | Lost | Notified | Written | Marked | Pulse | Request
"""What the control task's queue carries."""


# --- what comes out -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Emitted:
    """An event for everybody who listens (contract: `retrowalk/<id>/event`)."""

    type: str
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replied:
    """accepted, refused, done or failed, for the request of that id."""

    id: str
    source: str
    command: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence for the person; an alarm repeats until silenced or over."""

    text: str
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """Write the moving-marker for this session (`Marked` answers)."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Unmark:
    """The belt is known to rest: remove the marker."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """No session on this machine until it is commissioned again."""

    reason: str


@dataclass(frozen=True, slots=True)
class DropLink:
    """Take the link down and build a new one: at once, for it is of no use any more, or after `away_s`.

    While none is there, a second one ends that wait.
    """

    why: str
    away_s: float = 0.0


Effect = Emitted | Replied | Said | Mark | Unmark | Quarantine | DropLink
"""What the shell does for the core, in order."""


class Snapshot(NamedTuple):
    """The live state of one treadmill. None is unknown, zero is zero."""

    phase: Phase
    direction: Direction
    measured: Speed | None
    commanded: Speed | None
    cap: Speed | None
    cap_reason: str | None
    incline: Incline | None
    distance_m: float
    distance_backward_m: float
    elapsed_s: float
    heart_rate: int | None
    energy_kcal_estimate: float | None
    step_index: int | None
    step_count: int | None
    step_remaining_s: float | None
    session_remaining_s: float | None
    next_step: str | None
    cue: str
    awaiting: Act | None
    program: str | None
    walker: str | None
    fault: str | None
    fault_text: str
    link: str
    telemetry_age_s: float | None
    session_id: str | None
