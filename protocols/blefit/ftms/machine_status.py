"""Fitness Machine Status, 0x2ADA: what happened to the machine, whoever did it (FTMS 4.17)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from blefit.ftms import parameters
from blefit.ftms.parameters import Parameter, read_operation, write_operation


class MachineStatusOp(IntEnum):
    """FTMS table 4.26; 0x00 and 0x16 to 0xFE are reserved."""

    RESET = 0x01
    STOPPED_OR_PAUSED_BY_USER = 0x02
    STOPPED_BY_SAFETY_KEY = 0x03
    STARTED_OR_RESUMED_BY_USER = 0x04
    TARGET_SPEED_CHANGED = 0x05
    TARGET_INCLINE_CHANGED = 0x06
    TARGET_RESISTANCE_LEVEL_CHANGED = 0x07
    TARGET_POWER_CHANGED = 0x08
    TARGET_HEART_RATE_CHANGED = 0x09
    TARGETED_EXPENDED_ENERGY_CHANGED = 0x0A
    TARGETED_NUMBER_OF_STEPS_CHANGED = 0x0B
    TARGETED_NUMBER_OF_STRIDES_CHANGED = 0x0C
    TARGETED_DISTANCE_CHANGED = 0x0D
    TARGETED_TRAINING_TIME_CHANGED = 0x0E
    TARGETED_TIME_IN_TWO_HEART_RATE_ZONES_CHANGED = 0x0F
    TARGETED_TIME_IN_THREE_HEART_RATE_ZONES_CHANGED = 0x10
    TARGETED_TIME_IN_FIVE_HEART_RATE_ZONES_CHANGED = 0x11
    INDOOR_BIKE_SIMULATION_PARAMETERS_CHANGED = 0x12
    WHEEL_CIRCUMFERENCE_CHANGED = 0x13
    SPIN_DOWN_STATUS = 0x14
    TARGETED_CADENCE_CHANGED = 0x15
    CONTROL_PERMISSION_LOST = 0xFF


PARAMETERS: Final[Mapping[int, Parameter]] = {
    MachineStatusOp.STOPPED_OR_PAUSED_BY_USER: parameters.STOP_OR_PAUSE,
    MachineStatusOp.TARGET_SPEED_CHANGED: parameters.SPEED,
    MachineStatusOp.TARGET_INCLINE_CHANGED: parameters.INCLINATION,
    MachineStatusOp.TARGET_RESISTANCE_LEVEL_CHANGED: parameters.RESISTANCE,
    MachineStatusOp.TARGET_POWER_CHANGED: parameters.POWER,
    MachineStatusOp.TARGET_HEART_RATE_CHANGED: parameters.HEART_RATE,
    MachineStatusOp.TARGETED_EXPENDED_ENERGY_CHANGED: parameters.EXPENDED_ENERGY,
    MachineStatusOp.TARGETED_NUMBER_OF_STEPS_CHANGED: parameters.STEPS,
    MachineStatusOp.TARGETED_NUMBER_OF_STRIDES_CHANGED: parameters.STRIDES,
    MachineStatusOp.TARGETED_DISTANCE_CHANGED: parameters.DISTANCE,
    MachineStatusOp.TARGETED_TRAINING_TIME_CHANGED: parameters.TRAINING_TIME,
    MachineStatusOp.TARGETED_TIME_IN_TWO_HEART_RATE_ZONES_CHANGED: parameters.TWO_ZONES,
    MachineStatusOp.TARGETED_TIME_IN_THREE_HEART_RATE_ZONES_CHANGED: parameters.THREE_ZONES,
    MachineStatusOp.TARGETED_TIME_IN_FIVE_HEART_RATE_ZONES_CHANGED: parameters.FIVE_ZONES,
    MachineStatusOp.INDOOR_BIKE_SIMULATION_PARAMETERS_CHANGED: parameters.INDOOR_BIKE_SIMULATION,
    MachineStatusOp.WHEEL_CIRCUMFERENCE_CHANGED: parameters.WHEEL_CIRCUMFERENCE,
    MachineStatusOp.SPIN_DOWN_STATUS: parameters.SPIN_DOWN_STATUS,
    MachineStatusOp.TARGETED_CADENCE_CHANGED: parameters.CADENCE,
}
"""The op codes that carry a parameter, and its format."""

_NAMES = {op.value: op.name.lower() for op in MachineStatusOp}


@dataclass(frozen=True, slots=True)
class MachineStatus:
    """One status, its parameter in the units of the wire.

    `op_code` is None where the machine sent no octets at all. `parameter` is None where the op code carries
    none or is unknown. `trailing` is every octet after that; many machines pad with zeros.
    """

    op_code: int | None
    parameter: int | None = None
    trailing: bytes = b""

    @property
    def op_name(self) -> str | None:
        """The specification's name in snake_case, "rfu" for a reserved op code, None for no status."""
        return None if self.op_code is None else _NAMES.get(self.op_code, "rfu")

    @classmethod
    def decode(cls, payload: bytes) -> "MachineStatus":
        """Read any op code, known or not; no octets are no status. DecodeError when its parameter was cut."""
        return cls(*read_operation(payload, PARAMETERS)) if payload else cls(None)

    def encode(self) -> bytes:
        """The octets to notify; ValueError when the parameter does not fit the op code."""
        if self.op_code is None:
            if self.parameter is not None or self.trailing:
                raise ValueError("a status of no octets has no parameter and nothing trailing")
            return b""
        return write_operation(self.op_code, self.parameter, self.trailing, PARAMETERS)
