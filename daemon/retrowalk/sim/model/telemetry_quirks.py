"""How the Treadmill Data of one treadmill differ from another's: a part of `retrowalk.sim.model.quirks`."""

from dataclasses import dataclass, field
from enum import StrEnum

from blefit.ftms.treadmill_data import TreadmillData
from blefit.units import Speed

STEP_OCTETS = (0, 2, 3)
ALL_FLAGS = 0xFFFF
HALF_A_PERCENT = 5
"""In 0.1 %."""


class Reports(StrEnum):
    """What the machine puts into Treadmill Data as its speed."""

    REAL = "real"
    TARGET = "target"
    """Its target, whatever the belt does."""
    TARGET_UNTIL_STOPPED = "target_until_stopped"
    """Its target while it runs; the real speed once it was told to stop."""
    LAST_WHILE_PAUSED = "last_while_paused"
    """The real speed; in a pause the last one, though the belt stands."""
    NOTHING = "nothing"
    """0, whatever the belt does."""


class ReportsIncline(StrEnum):
    """What the machine puts into Treadmill Data as its inclination."""

    REAL = "real"
    TARGET = "target"
    NOTHING = "nothing"
    """0, whatever the deck does."""
    HALVES = "halves"
    """The number of half percents, where the specification has tenths of a percent."""


class TooLong(StrEnum):
    """What becomes of a Treadmill Data record that does not fit into one notification."""

    SPLIT = "split"
    SPLIT_SPEED_FIRST = "split_speed_first"
    """Split, and the part that the specification has last comes first."""
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
class TelemetryQuirks:
    """What the machine tells, and when."""

    notify_every_s: float = 0.25
    first_record_after_s: float = 0.0
    """From a client's subscription to the first record that it gets."""
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
    silent: bool = False
    """It sends no records at all: its maker's own unlock is missing."""
    gap_every_s: float | None = None
    """So often, while the belt is driven, nothing is sent for `gap_s`."""
    gap_s: float = 3.0
    zero_every_s: float | None = None
    """So often, while the belt is driven, a single record says 0 km/h."""
    reports_incline: ReportsIncline = ReportsIncline.REAL
    unknown: tuple[str, ...] = ()
    """Fields that say "not available", by their names in TreadmillData."""
    extra_flags: int = 0
    """Flags that are set beside those of the fields: they promise more than the record holds."""
    trailing: str = ""
    """Octets in hexadecimal after each record."""
    step_octets: int = 3
    """Octets of the vendor's step count: 0, 2 or 3."""
    distance_step_m: int = 1
    distance_unit_m: float = 1.0
    """What one in Total Distance is; 0.1: it counts decimetres."""
    counts_only_steps: bool = False
    """Time and distance grow only while somebody walks."""
    stop_clears_counters: bool = False
    too_long: TooLong = TooLong.SPLIT
    largest_notification: int = 514
    """Octets; the link may carry less."""
    training_status: bool = True
    training_status_flag: bool = False
    """The Training Status says that a string follows, and none does."""
    training_status_string: str = ""
    """It is said with every status; where it does not fit into a notification it can be read."""
    training_status_empty: bool = False
    """It has no octets before the first start."""
    training_status_counts: bool = False
    """In the countdown its string is "3", "2", "1"."""
    training_status_vendor: bool = False
    """Pausing is 0x10, paused is 0x11, both reserved by the specification."""
    heart_rate_service: bool = False
    running_speed_service: bool = False
    """It sends speed and cadence by the Running Speed and Cadence service, too."""

    def __post_init__(self) -> None:
        if self.notify_every_s < 0.02:
            raise ValueError("notify_every_s must be at least 0.02: no radio carries more")
        if self.largest_notification < 20:
            raise ValueError("largest_notification must be at least 20, what every link carries")
        if self.step_octets not in STEP_OCTETS:
            raise ValueError("step_octets must be 0, 2 or 3")
        if not 0 <= self.extra_flags <= ALL_FLAGS:
            raise ValueError("extra_flags must be from 0 to 0xFFFF")
        if unknown := set(self.unknown) - set(TreadmillData._fields[3:-2]):
            raise ValueError(f"unknown: there is no field {min(unknown)!r} that need not be told")
        if min(self.distance_step_m, self.distance_unit_m) <= 0:
            raise ValueError("distance_step_m and distance_unit_m must be above 0")
        try:
            bytes.fromhex(self.trailing)
        except ValueError:
            raise ValueError(f"trailing: {self.trailing!r} is no hexadecimal such as '00 00'") from None
