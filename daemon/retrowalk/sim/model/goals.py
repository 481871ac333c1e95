"""The targets that a treadmill may take beside speed and inclination (FTMS table 4.15).

They are checked, answered and told; the belt does nothing about them. The training time is counted down in
Remaining Time, where the machine has that.
"""

from dataclasses import dataclass
from enum import StrEnum

from blefit import uuids
from blefit.ftms.control_point import OpCode
from blefit.ftms.feature import TargetSetting
from blefit.ftms.machine_status import MachineStatusOp
from blefit.octets import octets


class Goal(StrEnum):
    """One of them, by the name of its Target Setting bit."""

    RESISTANCE = "resistance"
    POWER = "power"
    HEART_RATE = "heart_rate"
    EXPENDED_ENERGY = "expended_energy"
    STEP_NUMBER = "step_number"
    STRIDE_NUMBER = "stride_number"
    DISTANCE = "distance"
    TRAINING_TIME = "training_time"
    TIME_IN_TWO_HR_ZONES = "time_in_two_hr_zones"
    TIME_IN_THREE_HR_ZONES = "time_in_three_hr_zones"
    TIME_IN_FIVE_HR_ZONES = "time_in_five_hr_zones"

    @property
    def setting(self) -> TargetSetting:
        """Its bit in Fitness Machine Feature."""
        return TargetSetting[self.name]


@dataclass(frozen=True, slots=True)
class Range:
    """A Supported Range characteristic: what it says, and what a target is held to. Units of the wire."""

    characteristic: int
    minimum: int
    maximum: int
    increment: int
    width: int = 2

    def encode(self) -> bytes:
        """Its value; the numbers are not negative, so nobody sees a sign."""
        return b"".join(
            octets("range", number, self.width) for number in (self.minimum, self.maximum, self.increment)
        )


RANGES = {
    Goal.RESISTANCE: Range(uuids.SUPPORTED_RESISTANCE_LEVEL_RANGE, 10, 200, 10),
    Goal.POWER: Range(uuids.SUPPORTED_POWER_RANGE, 20, 400, 5),
    Goal.HEART_RATE: Range(uuids.SUPPORTED_HEART_RATE_RANGE, 60, 220, 1, width=1),
}

GOALS = {
    OpCode.SET_TARGET_RESISTANCE_LEVEL: Goal.RESISTANCE,
    OpCode.SET_TARGET_POWER: Goal.POWER,
    OpCode.SET_TARGET_HEART_RATE: Goal.HEART_RATE,
    OpCode.SET_TARGETED_EXPENDED_ENERGY: Goal.EXPENDED_ENERGY,
    OpCode.SET_TARGETED_NUMBER_OF_STEPS: Goal.STEP_NUMBER,
    OpCode.SET_TARGETED_NUMBER_OF_STRIDES: Goal.STRIDE_NUMBER,
    OpCode.SET_TARGETED_DISTANCE: Goal.DISTANCE,
    OpCode.SET_TARGETED_TRAINING_TIME: Goal.TRAINING_TIME,
    OpCode.SET_TARGETED_TIME_IN_TWO_HEART_RATE_ZONES: Goal.TIME_IN_TWO_HR_ZONES,
    OpCode.SET_TARGETED_TIME_IN_THREE_HEART_RATE_ZONES: Goal.TIME_IN_THREE_HR_ZONES,
    OpCode.SET_TARGETED_TIME_IN_FIVE_HEART_RATE_ZONES: Goal.TIME_IN_FIVE_HR_ZONES,
}
"""By the operation that sets it."""

STATUSES = {
    Goal.RESISTANCE: MachineStatusOp.TARGET_RESISTANCE_LEVEL_CHANGED,
    Goal.POWER: MachineStatusOp.TARGET_POWER_CHANGED,
    Goal.HEART_RATE: MachineStatusOp.TARGET_HEART_RATE_CHANGED,
    Goal.EXPENDED_ENERGY: MachineStatusOp.TARGETED_EXPENDED_ENERGY_CHANGED,
    Goal.STEP_NUMBER: MachineStatusOp.TARGETED_NUMBER_OF_STEPS_CHANGED,
    Goal.STRIDE_NUMBER: MachineStatusOp.TARGETED_NUMBER_OF_STRIDES_CHANGED,
    Goal.DISTANCE: MachineStatusOp.TARGETED_DISTANCE_CHANGED,
    Goal.TRAINING_TIME: MachineStatusOp.TARGETED_TRAINING_TIME_CHANGED,
    Goal.TIME_IN_TWO_HR_ZONES: MachineStatusOp.TARGETED_TIME_IN_TWO_HEART_RATE_ZONES_CHANGED,
    Goal.TIME_IN_THREE_HR_ZONES: MachineStatusOp.TARGETED_TIME_IN_THREE_HEART_RATE_ZONES_CHANGED,
    Goal.TIME_IN_FIVE_HR_ZONES: MachineStatusOp.TARGETED_TIME_IN_FIVE_HEART_RATE_ZONES_CHANGED,
}
"""How the others are told."""


def is_in_range(goal: Goal, target: int) -> bool:
    """The machine could do it."""
    held = RANGES.get(goal)
    return held is None or held.minimum <= target <= held.maximum
