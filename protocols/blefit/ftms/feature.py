"""Fitness Machine Feature, 0x2ACC: what the machine can measure and what it can be told (FTMS 4.3)."""

from dataclasses import dataclass
from enum import IntFlag

from blefit.octets import Reader, octets


class MachineFeature(IntFlag):
    """What it measures (FTMS 4.3.1.1). Reserved bits are kept as they came."""

    AVERAGE_SPEED = 1 << 0
    CADENCE = 1 << 1
    TOTAL_DISTANCE = 1 << 2
    INCLINATION = 1 << 3
    ELEVATION_GAIN = 1 << 4
    PACE = 1 << 5
    STEP_COUNT = 1 << 6
    RESISTANCE_LEVEL = 1 << 7
    STRIDE_COUNT = 1 << 8
    EXPENDED_ENERGY = 1 << 9
    HEART_RATE = 1 << 10
    METABOLIC_EQUIVALENT = 1 << 11
    ELAPSED_TIME = 1 << 12
    REMAINING_TIME = 1 << 13
    POWER_MEASUREMENT = 1 << 14
    FORCE_ON_BELT_AND_POWER_OUTPUT = 1 << 15
    USER_DATA_RETENTION = 1 << 16


class TargetSetting(IntFlag):
    """What it takes as a target (FTMS 4.3.1.2). No bit says start or stop: those come with 0x2AD9."""

    SPEED = 1 << 0
    INCLINATION = 1 << 1
    RESISTANCE = 1 << 2
    POWER = 1 << 3
    HEART_RATE = 1 << 4
    EXPENDED_ENERGY = 1 << 5
    STEP_NUMBER = 1 << 6
    STRIDE_NUMBER = 1 << 7
    DISTANCE = 1 << 8
    TRAINING_TIME = 1 << 9
    TIME_IN_TWO_HR_ZONES = 1 << 10
    TIME_IN_THREE_HR_ZONES = 1 << 11
    TIME_IN_FIVE_HR_ZONES = 1 << 12
    INDOOR_BIKE_SIMULATION = 1 << 13
    WHEEL_CIRCUMFERENCE = 1 << 14
    SPIN_DOWN = 1 << 15
    TARGETED_CADENCE = 1 << 16


@dataclass(frozen=True, slots=True)
class Feature:
    """What a machine claims. Real machines over-claim: a bit is a promise, not a measurement.

    `trailing` is what came after the two.
    """

    features: MachineFeature
    target_settings: TargetSetting
    trailing: bytes = b""

    @classmethod
    def decode(cls, payload: bytes) -> "Feature":
        """Read 8 octets; more mean nothing, as the profile asks. DecodeError when it was cut."""
        reader = Reader(payload)
        return cls(
            MachineFeature(reader.u32("features")),
            TargetSetting(reader.u32("target_settings")),
            reader.rest(),
        )

    def encode(self) -> bytes:
        """The octets."""
        return (
            octets("features", self.features, 4)
            + octets("target_settings", self.target_settings, 4)
            + self.trailing
        )
