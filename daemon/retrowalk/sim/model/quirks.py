"""In what one treadmill differs from another: a simulated machine is a set of these.

The defaults are a machine that does everything by the specification and has no opinion of its own.
Speeds in 0.01 km/h, accelerations in 0.01 km/h per second, inclines in 0.1 %, times in seconds.
Where real machines do these things: FTMS drivers and captures, named in `config/treadmills/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from blefit.units import Incline, Speed
from retrowalk.sim.model.goals import Goal
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks

Acceleration = NewType("Acceleration", int)
"""0.01 km/h per second."""

LONGEST_NAME = 29
"""Octets of a name that fit into a scan response."""


class Answers(StrEnum):
    """How the Control Point answers."""

    INDICATION = "indication"
    NOTIFICATION = "notification"
    INDICATION_BEFORE_WRITE_RESPONSE = "indication_before_write_response"


class TooEarly(StrEnum):
    """What becomes of a target that comes before the belt has spun up. The answer is success."""

    TAKEN = "taken"
    IGNORED = "ignored"
    CUTS_LINK = "cuts_link"


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
    fixed_incline: Incline = field(default=Incline(0))
    """So steep is the deck of a machine without incline motor."""

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
    target_delay_s: float = 0.0
    """From a target to the first that the motor does about it, on a running belt."""
    only_faster: bool = False
    """It takes targets above its speed alone."""
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
        if min(self.start_delay_s, self.target_delay_s) < 0:
            raise ValueError("start_delay_s and target_delay_s must not be negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlQuirks:
    """How the Control Point and the Status behave."""

    controllable: bool = True
    """It has a Control Point at all, and with it a Fitness Machine Status."""
    goals: tuple[Goal, ...] = ()
    """What it takes as a target beside speed and inclination."""
    needs_control: bool = True
    """Everything but Request Control is refused (05) to a client without permission."""
    control_unanswered: bool = False
    """Request Control is granted without an answer."""
    control_lost_on_stop: bool = False
    control_per_operation: bool = False
    """Permission lasts for one operation."""
    control_lapses_after_s: float | None = None
    """It ends so long after the last request, without a word."""
    control_asks: int = 1
    """The how-manieth Request Control in a row grants it; those before are refused (05)."""
    control_needs_key: bool = False
    """It is refused (05) until a key of the console is pressed."""
    denies_share: float = 0.0
    """So often, of 1, a permitted operation is refused (05) by chance."""
    deaf: bool = False
    """It takes every write, does nothing and answers nothing: its maker's own unlock is missing."""
    always_succeeds: bool = False
    """Every operation it knows is answered with success, whatever becomes of it."""
    start_toggles: bool = False
    """Start on a running belt stops it."""
    start_restarts: bool = False
    """Start on a running belt stops it and begins a countdown."""
    start_needs_reset: bool = False
    """After a Stop, Start is refused (04) until Reset."""
    start_frame: str = ""
    """The only octets it takes for Start, in hexadecimal; "": those of the specification."""
    stop_frame: str = ""
    """The only octets it takes for Stop."""
    stop_starts: bool = False
    """Stop on a belt at rest starts it."""
    pause_supported: bool = True
    targets_are_mph: bool = False
    """It takes a target of 100 from a client for 1 mph."""
    targets_ignored: bool = False
    """A target speed is answered with success, and nothing changes; so with `inclines_ignored`."""
    inclines_ignored: bool = False
    inclines_are_halves: bool = False
    """It takes an inclination of 2 from a client for 1 %."""
    target_too_early: TooEarly = TooEarly.TAKEN
    too_early_for_s: float = 0.0
    """From the first motion; in the countdown it is always too early."""
    clamps: bool = False
    """A target out of range is brought into it instead of being refused (03)."""
    write_without_response: bool = False
    """The Control Point takes Write Commands, and no Write Requests."""
    answers: Answers = Answers.INDICATION
    declares_notify: bool = False
    """The Control Point's properties say Notify instead of Indicate."""
    answer_delay_s: float = 0.06
    succeeds_with: int = 1
    """The result code of success."""
    unknown_refused_with: int = 2
    """The result code for an operation that it does not know."""
    status_to_commander: bool = False
    """The client that caused a Status gets it too."""
    status_length: int = 0
    """A shorter Status is padded with zeros to so many octets."""
    status_at_rest: bool = False
    """That it was stopped it says when the belt stands."""
    speed_status_every_s: float | None = None
    """While the belt changes speed it tells that as Target Speed Changed, so often."""
    first_status: str = ""
    """Octets in hexadecimal that who subscribes the Status is sent first."""
    console_unreported: bool = False
    """What is done at the console makes no Status."""

    def __post_init__(self) -> None:
        for frame in (self.start_frame, self.stop_frame, self.first_status):
            octets_of(frame)
        if not 0 <= self.denies_share <= 1:
            raise ValueError("denies_share must be from 0 to 1")
        if self.control_asks < 1:
            raise ValueError("control_asks must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkQuirks:
    """How the machine behaves on the radio."""

    name: str = "retrowalk spec"
    """Empty: it advertises none."""
    manufacturer: str = "retrowalk"
    model: str = "simulated treadmill"
    serial_number: str = "0001"
    firmware: str = "1.0"
    connections: int = 1
    """How many clients at a time; while all are there it does not advertise."""
    service_data: bool = True
    """It advertises that it is a treadmill, and whether it is in use."""
    service_data_octets: str = ""
    """It advertises these instead, in hexadecimal, whether it is in use or not."""
    advertises_for_s: float | None = None
    """From the power switch on; then it cannot be found or connected any more."""
    first_link_lasts_s: float | None = None
    """After so long the first link is lost; later ones hold."""
    drops_after_s: float | None = None
    """The link is lost after so long in motion, once each time that the belt was started."""
    keeps_running_without_link: bool = True

    def __post_init__(self) -> None:
        if len(self.name.encode()) > LONGEST_NAME:
            raise ValueError(f"name must have {LONGEST_NAME} octets at most: it is sent in one scan response")
        octets_of(self.service_data_octets)
        if self.connections < 1:
            raise ValueError("connections must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeQuirks:
    """Where its attributes are not what the rest of it would have. Keys are numbers: "2AD4"."""

    absent: tuple[str, ...] = ()
    """The characteristics that it does not have."""
    values: Mapping[str, str] = field(default_factory=dict)
    """What reading gives, in hexadecimal; a characteristic that it would not have is added."""
    notifies: Mapping[str, str] = field(default_factory=dict)
    """Octets, in hexadecimal, that it notifies with every record: data of a bike, words of its maker."""

    def __post_init__(self) -> None:
        for number in (*self.absent, *self.values, *self.notifies):
            number_of(number)
        for value in (*self.values.values(), *self.notifies.values()):
            octets_of(value)


def octets_of(text: str) -> bytes:
    """The octets of a hexadecimal text; ValueError, in a sentence."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"{text!r} is no hexadecimal such as '02 01'") from None


def number_of(text: str) -> int:
    """The 16-bit number of a characteristic; ValueError, in a sentence."""
    if len(octets := octets_of(text)) != 2:
        raise ValueError(f"{text!r} is no number of a characteristic such as '2AD4'")
    return int.from_bytes(octets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """One machine."""

    ranges: Ranges = field(default_factory=Ranges)
    belt: BeltQuirks = field(default_factory=BeltQuirks)
    control: ControlQuirks = field(default_factory=ControlQuirks)
    telemetry: TelemetryQuirks = field(default_factory=TelemetryQuirks)
    link: LinkQuirks = field(default_factory=LinkQuirks)
    attributes: AttributeQuirks = field(default_factory=AttributeQuirks)
