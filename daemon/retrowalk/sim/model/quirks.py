"""In what one treadmill differs from another: a simulated machine is a set of these.

The defaults are a machine that does everything by the specification and has no opinion of its own.
Speeds in 0.01 km/h, accelerations in 0.01 km/h per second, inclines in 0.1 %, times in seconds.
Where real machines do these things: FTMS drivers and captures, named in `config/treadmills/`.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from blefit.units import Incline, Speed

Acceleration = NewType("Acceleration", int)
"""0.01 km/h per second."""

LONGEST_NAME = 29
"""Octets of a name that fit into a scan response."""


class Reports(StrEnum):
    """What the machine puts into Treadmill Data as its speed."""

    REAL = "real"
    TARGET = "target"
    """Its target, whatever the belt does."""
    TARGET_UNTIL_STOPPED = "target_until_stopped"
    """Its target while it runs; the real speed once it was told to stop."""


class Answers(StrEnum):
    """How the Control Point answers."""

    INDICATION = "indication"
    NOTIFICATION = "notification"
    INDICATION_BEFORE_WRITE_RESPONSE = "indication_before_write_response"


class TooLong(StrEnum):
    """What becomes of a Treadmill Data record that does not fit into one notification."""

    SPLIT = "split"
    CUT = "cut"


class Fields(StrEnum):
    """What a Treadmill Data record holds beside the speed, by flag bit."""

    AVERAGE_SPEED = "average_speed"
    TOTAL_DISTANCE = "total_distance"
    INCLINATION = "inclination"
    ELEVATION_GAIN = "elevation_gain"
    PACE = "pace"
    ENERGY = "energy"
    HEART_RATE = "heart_rate"
    METABOLIC_EQUIVALENT = "metabolic_equivalent"
    ELAPSED_TIME = "elapsed_time"
    REMAINING_TIME = "remaining_time"
    FORCE_ON_BELT = "force_on_belt"
    VENDOR_STEPS = "vendor_steps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """What the Supported Range characteristics say, and what the machine holds itself to."""

    minimum: Speed = field(default=Speed(80))
    maximum: Speed = field(default=Speed(1400))
    increment: Speed = field(default=Speed(10))
    minimum_incline: Incline = field(default=Incline(0))
    maximum_incline: Incline = field(default=Incline(100))
    """0: it has no incline."""
    increment_incline: Incline = field(default=Incline(5))

    def __post_init__(self) -> None:
        if not 0 < self.minimum <= self.maximum or self.increment <= 0:
            raise ValueError(
                "the minimum and the increment must be above 0, the maximum not below the minimum"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltQuirks:
    """How the belt moves."""

    acceleration: Acceleration = field(default=Acceleration(30))
    deceleration: Acceleration = field(default=Acceleration(50))
    key_deceleration: Acceleration = field(default=Acceleration(100))
    """With the safety key pulled: no power, and a brake."""
    start_delay_s: float = 3.0
    """The countdown, from Start to motion."""
    start_speed: Speed | None = None
    """Where it starts; None: at its minimum."""
    resumes_last_speed: bool = False
    """It starts and resumes at the last target it had."""
    needs_target_to_move: bool = False
    ignores_stop: bool = False
    """It answers Stop with success and goes on; console and safety key work."""
    reverts_after_s: float | None = None
    """So long after it took a target it goes back to its slowest speed by itself."""
    runaway_after_s: float | None = None
    """After so long in motion it speeds up by itself and takes no target; Stop works."""
    runaway_speed: Speed = field(default=Speed(600))
    runaway_acceleration: Acceleration = field(default=Acceleration(50))

    def __post_init__(self) -> None:
        rates = (self.acceleration, self.deceleration, self.key_deceleration, self.runaway_acceleration)
        if min(rates) <= 0:
            raise ValueError("accelerations and decelerations must be above 0")
        if self.start_delay_s < 0:
            raise ValueError("start_delay_s must not be negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlQuirks:
    """How the Control Point and the Status behave."""

    controllable: bool = True
    """It has a Control Point at all, and with it a Fitness Machine Status."""
    needs_control: bool = True
    """Everything but Request Control is refused (05) to a client without permission."""
    control_unanswered: bool = False
    """Request Control is granted without an answer."""
    control_lost_on_stop: bool = False
    always_succeeds: bool = False
    """Every operation it knows is answered with success, whatever becomes of it."""
    start_toggles: bool = False
    """Start on a running belt stops it."""
    stop_starts: bool = False
    """Stop on a belt at rest starts it."""
    pause_supported: bool = True
    targets_are_mph: bool = False
    """It takes a target of 100 from a client for 1 mph."""
    clamps: bool = False
    """A target out of range is brought into it instead of being refused (03)."""
    write_without_response: bool = False
    """The Control Point takes Write Commands, and no Write Requests."""
    answers: Answers = Answers.INDICATION
    declares_notify: bool = False
    """The Control Point's properties say Notify instead of Indicate."""
    answer_delay_s: float = 0.06
    status_to_commander: bool = False
    """The client that caused a Status gets it too."""
    status_length: int = 0
    """A shorter Status is padded with zeros to so many octets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryQuirks:
    """What the machine tells, and when."""

    notify_every_s: float = 0.25
    reports: Reports = Reports.REAL
    noise: Speed = field(default=Speed(0))
    """The reading of a moving belt is wrong by up to this much."""
    fields: tuple[Fields, ...] = (
        Fields.AVERAGE_SPEED,
        Fields.TOTAL_DISTANCE,
        Fields.INCLINATION,
        Fields.ENERGY,
        Fields.HEART_RATE,
        Fields.ELAPSED_TIME,
        Fields.FORCE_ON_BELT,
    )
    silent_at: Speed | None = None
    """After its first record at or below this on the way down it says no more until the belt speeds up."""
    counts_only_steps: bool = False
    """Time and distance grow only while somebody walks."""
    stop_clears_counters: bool = False
    too_long: TooLong = TooLong.SPLIT
    largest_notification: int = 514
    """Octets; the link may carry less."""
    training_status: bool = True
    training_status_flag: bool = False
    """The Training Status says that a string follows, and none does."""
    heart_rate_service: bool = False

    def __post_init__(self) -> None:
        if self.notify_every_s < 0.02:
            raise ValueError("notify_every_s must be at least 0.02: no radio carries more")
        if self.largest_notification < 20:
            raise ValueError("largest_notification must be at least 20, what every link carries")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkQuirks:
    """How the machine behaves on the radio."""

    name: str = "retrowalk spec"
    manufacturer: str = "retrowalk"
    model: str = "simulated treadmill"
    serial_number: str = "0001"
    firmware: str = "1.0"
    connections: int = 1
    """How many clients at a time; while all are there it does not advertise."""
    service_data: bool = True
    """It advertises that it is a treadmill, and whether it is in use."""
    drops_after_s: float | None = None
    """The link is lost after so long in motion, once each time that the belt was started."""
    keeps_running_without_link: bool = True

    def __post_init__(self) -> None:
        if not 1 <= len(self.name.encode()) <= LONGEST_NAME:
            raise ValueError(f"name must have 1 to {LONGEST_NAME} octets: it is sent in one scan response")
        if self.connections < 1:
            raise ValueError("connections must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """One machine."""

    ranges: Ranges = field(default_factory=Ranges)
    belt: BeltQuirks = field(default_factory=BeltQuirks)
    control: ControlQuirks = field(default_factory=ControlQuirks)
    telemetry: TelemetryQuirks = field(default_factory=TelemetryQuirks)
    link: LinkQuirks = field(default_factory=LinkQuirks)
