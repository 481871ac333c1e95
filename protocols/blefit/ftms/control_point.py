"""Fitness Machine Control Point, 0x2AD9: what a client asks and what the machine answers (FTMS 4.16)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from blefit.errors import DecodeError
from blefit.ftms import parameters
from blefit.ftms.parameters import Parameter, read_operation, write_operation
from blefit.octets import Reader, octets


class OpCode(IntEnum):
    """FTMS table 4.15; 0x15 to 0x7F and 0x81 to 0xFF are reserved."""

    REQUEST_CONTROL = 0x00
    RESET = 0x01
    SET_TARGET_SPEED = 0x02
    SET_TARGET_INCLINATION = 0x03
    SET_TARGET_RESISTANCE_LEVEL = 0x04
    SET_TARGET_POWER = 0x05
    SET_TARGET_HEART_RATE = 0x06
    START_OR_RESUME = 0x07
    STOP_OR_PAUSE = 0x08
    SET_TARGETED_EXPENDED_ENERGY = 0x09
    SET_TARGETED_NUMBER_OF_STEPS = 0x0A
    SET_TARGETED_NUMBER_OF_STRIDES = 0x0B
    SET_TARGETED_DISTANCE = 0x0C
    SET_TARGETED_TRAINING_TIME = 0x0D
    SET_TARGETED_TIME_IN_TWO_HEART_RATE_ZONES = 0x0E
    SET_TARGETED_TIME_IN_THREE_HEART_RATE_ZONES = 0x0F
    SET_TARGETED_TIME_IN_FIVE_HEART_RATE_ZONES = 0x10
    SET_INDOOR_BIKE_SIMULATION_PARAMETERS = 0x11
    SET_WHEEL_CIRCUMFERENCE = 0x12
    SPIN_DOWN_CONTROL = 0x13
    SET_TARGETED_CADENCE = 0x14
    RESPONSE = 0x80


class ResultCode(IntEnum):
    """FTMS table 4.24; 0x00 and 0x06 to 0xFF are reserved."""

    SUCCESS = 0x01
    OP_CODE_NOT_SUPPORTED = 0x02
    INVALID_PARAMETER = 0x03
    OPERATION_FAILED = 0x04
    CONTROL_NOT_PERMITTED = 0x05


class StopOrPause(IntEnum):
    """The parameter of Stop or Pause (FTMS 4.16.2.9); everything else is reserved."""

    STOP = 0x01
    PAUSE = 0x02


PARAMETERS: Final[Mapping[int, Parameter]] = {
    OpCode.SET_TARGET_SPEED: parameters.SPEED,
    OpCode.SET_TARGET_INCLINATION: parameters.INCLINATION,
    OpCode.SET_TARGET_RESISTANCE_LEVEL: parameters.RESISTANCE,
    OpCode.SET_TARGET_POWER: parameters.POWER,
    OpCode.SET_TARGET_HEART_RATE: parameters.HEART_RATE,
    OpCode.STOP_OR_PAUSE: parameters.STOP_OR_PAUSE,
    OpCode.SET_TARGETED_EXPENDED_ENERGY: parameters.EXPENDED_ENERGY,
    OpCode.SET_TARGETED_NUMBER_OF_STEPS: parameters.STEPS,
    OpCode.SET_TARGETED_NUMBER_OF_STRIDES: parameters.STRIDES,
    OpCode.SET_TARGETED_DISTANCE: parameters.DISTANCE,
    OpCode.SET_TARGETED_TRAINING_TIME: parameters.TRAINING_TIME,
    OpCode.SET_TARGETED_TIME_IN_TWO_HEART_RATE_ZONES: parameters.TWO_ZONES,
    OpCode.SET_TARGETED_TIME_IN_THREE_HEART_RATE_ZONES: parameters.THREE_ZONES,
    OpCode.SET_TARGETED_TIME_IN_FIVE_HEART_RATE_ZONES: parameters.FIVE_ZONES,
    OpCode.SET_INDOOR_BIKE_SIMULATION_PARAMETERS: parameters.INDOOR_BIKE_SIMULATION,
    OpCode.SET_WHEEL_CIRCUMFERENCE: parameters.WHEEL_CIRCUMFERENCE,
    OpCode.SPIN_DOWN_CONTROL: parameters.SPIN_DOWN_CONTROL,
    OpCode.SET_TARGETED_CADENCE: parameters.CADENCE,
}
"""The op codes that take a parameter, and its format."""

_OP_NAMES = {op.value: op.name.lower() for op in OpCode}
_RESULT_NAMES = {result.value: result.name.lower() for result in ResultCode}


def op_name(op_code: int) -> str:
    """The specification's name in snake_case, "rfu" for a reserved op code."""
    return _OP_NAMES.get(op_code, "rfu")


def result_name(result: int) -> str:
    """The specification's name in snake_case, "rfu" for a reserved result code."""
    return _RESULT_NAMES.get(result, "rfu")


@dataclass(frozen=True, slots=True)
class Request:
    """One write of a client: op code and parameter, in the units of the wire.

    `parameter` is None where the op code takes none or is unknown. `trailing` is every octet after that:
    padding, or the parameter of an op code we do not know.
    """

    op_code: int
    parameter: int | None = None
    trailing: bytes = b""

    @classmethod
    def decode(cls, payload: bytes) -> "Request":
        """Read any op code, known or not. DecodeError when it is empty or its parameter was cut."""
        return cls(*read_operation(payload, PARAMETERS))

    def encode(self) -> bytes:
        """The octets to write; ValueError when the parameter does not fit the op code."""
        return write_operation(self.op_code, self.parameter, self.trailing, PARAMETERS)


@dataclass(frozen=True, slots=True)
class Response:
    """The machine's answer to one request. Success says that it was taken, not that the belt obeys."""

    request_op_code: int
    result: int
    parameter: bytes = b""

    @classmethod
    def decode(cls, payload: bytes) -> "Response":
        """Read `80 op result` and what follows. DecodeError when it was cut or is no response."""
        reader = Reader(payload)
        op_code = reader.u8("op_code")
        if op_code != OpCode.RESPONSE:
            raise DecodeError("op_code", f"is {op_code:#04x}, and a response begins with 0x80")
        return cls(reader.u8("request_op_code"), reader.u8("result"), reader.rest())

    def encode(self) -> bytes:
        """The octets to indicate; ValueError when a code does not fit in an octet."""
        return (
            octets("op_code", OpCode.RESPONSE, 1)
            + octets("request_op_code", self.request_op_code, 1)
            + octets("result", self.result, 1)
            + self.parameter
        )


def decode(payload: bytes) -> Request | Response:
    """Either side of the conversation, told apart by the op code 0x80. DecodeError when it was cut."""
    return (Response if payload[:1] == b"\x80" else Request).decode(payload)
