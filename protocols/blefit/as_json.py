"""Values in the keys of the public contract: each with its unit, null where unknown."""

from collections.abc import Mapping
from enum import IntFlag
from typing import Final

from blefit.ftms.advertisement import MachineAvailability, MachineType
from blefit.ftms.control_point import PARAMETERS as REQUEST_PARAMETERS
from blefit.ftms.control_point import OpCode, Request, Response, op_name, result_name
from blefit.ftms.feature import Feature, MachineFeature, TargetSetting
from blefit.ftms.machine_status import PARAMETERS as STATUS_PARAMETERS
from blefit.ftms.machine_status import MachineStatus
from blefit.ftms.parameters import Parameter
from blefit.ftms.ranges import HeartRateRange, InclinationRange, SpeedRange
from blefit.ftms.training_status import TrainingStatus
from blefit.ftms.treadmill_data import TreadmillData
from blefit.heart_rate import HeartRateMeasurement
from blefit.running_speed_cadence import RscMeasurement
from blefit.units import kmh, percent

Json = dict[str, object]

TREADMILL_KEYS: Final[Mapping[str, tuple[str, int]]] = {
    "instantaneous_speed": ("instantaneous_speed_kmh", 100),
    "average_speed": ("average_speed_kmh", 100),
    "total_distance": ("total_distance_m", 1),
    "inclination": ("inclination_percent", 10),
    "ramp_angle": ("ramp_angle_deg", 10),
    "positive_elevation_gain": ("positive_elevation_gain_m", 10),
    "negative_elevation_gain": ("negative_elevation_gain_m", 10),
    "instantaneous_pace": ("instantaneous_pace_km_per_min", 10),
    "average_pace": ("average_pace_km_per_min", 10),
    "total_energy": ("total_energy_kcal", 1),
    "energy_per_hour": ("energy_per_hour_kcal", 1),
    "energy_per_minute": ("energy_per_minute_kcal", 1),
    "heart_rate": ("heart_rate_bpm", 1),
    "metabolic_equivalent": ("metabolic_equivalent", 10),
    "elapsed_time": ("elapsed_time_s", 1),
    "remaining_time": ("remaining_time_s", 1),
    "force_on_belt": ("force_on_belt_n", 1),
    "power_output": ("power_output_w", 1),
    "vendor_step_count": ("vendor_step_count", 1),
}
"""The key of each field of TreadmillData, and how many units of the wire are one of the key's."""


def _per(value: int | None, per: int, digits: int = 4) -> float | None:
    """`value` in the unit of its key; an int where the wire counts in that unit."""
    return value if value is None or per == 1 else round(value / per, digits)


def treadmill_data(data: TreadmillData) -> Json:
    """0x2ACD."""
    told: Json = {"more_data": data.more_data}
    told |= {key: _per(getattr(data, field), per) for field, (key, per) in TREADMILL_KEYS.items()}
    return told | {
        "truncated": data.truncated,
        "missing_fields": [TREADMILL_KEYS[field][0] for field in data.missing_fields],
        "trailing_hex": data.trailing.hex(" "),
    }


def _names(bits: type[IntFlag], value: IntFlag) -> list[str]:
    return [name.lower() for name, bit in bits.__members__.items() if value & bit]


def feature(value: Feature) -> Json:
    """0x2ACC; the reserved bits as the numbers they are."""
    return {
        "features": _names(MachineFeature, value.features),
        "target_settings": _names(TargetSetting, value.target_settings),
        "rfu_feature_bits": int(value.features) & ~sum(MachineFeature),
        "rfu_target_bits": int(value.target_settings) & ~sum(TargetSetting),
        "trailing_hex": value.trailing.hex(" "),
    }


def speed_range(value: SpeedRange) -> Json:
    """0x2AD4."""
    return {
        "min_kmh": kmh(value.minimum),
        "max_kmh": kmh(value.maximum),
        "increment_kmh": kmh(value.increment),
        "trailing_hex": value.trailing.hex(" "),
    }


def inclination_range(value: InclinationRange) -> Json:
    """0x2AD5."""
    return {
        "min_percent": percent(value.minimum),
        "max_percent": percent(value.maximum),
        "increment_percent": percent(value.increment),
        "trailing_hex": value.trailing.hex(" "),
    }


def heart_rate_range(value: HeartRateRange) -> Json:
    """0x2AD7."""
    return {
        "min_bpm": value.minimum,
        "max_bpm": value.maximum,
        "increment_bpm": value.increment,
        "trailing_hex": value.trailing.hex(" "),
    }


def training_status(value: TrainingStatus) -> Json:
    """0x2AD3; all null where the machine sent no octets."""
    told: Json = {
        "status": value.status,
        "status_name": value.status_name,
        "string": value.string,
        "string_flag": value.string_flag,
        "extended_string_flag": value.extended_string_flag,
        "trailing_hex": value.trailing.hex(" "),
    }
    return told if value.status is not None else dict.fromkeys(told)


def _operation(
    op_code: int | None,
    name: str | None,
    parameter: int | None,
    trailing: bytes,
    formats: Mapping[int, Parameter],
) -> Json:
    told: Json = {
        "op_code": op_code,
        "op_name": name,
        "target_speed_kmh": None,
        "target_inclination_percent": None,
        "parameter_name": None,
    }
    if op_code is not None and parameter is not None:
        told |= formats[op_code].as_json(parameter)
    return told | {"trailing_hex": None if op_code is None else trailing.hex(" ")}


def machine_status(value: MachineStatus) -> Json:
    """0x2ADA, with the keys of the parameter it carries; all null where the machine sent no octets."""
    return _operation(value.op_code, value.op_name, value.parameter, value.trailing, STATUS_PARAMETERS)


def control_point(value: Request | Response) -> Json:
    """0x2AD9: a request with the keys of its parameter, or a response.

    What follows the result is padding but after Spin Down, where it is two speeds no treadmill has.
    """
    if isinstance(value, Request):
        name = op_name(value.op_code)
        return _operation(value.op_code, name, value.parameter, value.trailing, REQUEST_PARAMETERS)
    return {
        "op_code": int(OpCode.RESPONSE),
        "op_name": op_name(OpCode.RESPONSE),
        "request_op_code": value.request_op_code,
        "request_name": op_name(value.request_op_code),
        "result": value.result,
        "result_name": result_name(value.result),
        "trailing_hex": value.parameter.hex(" "),
    }


def heart_rate_measurement(value: HeartRateMeasurement) -> Json:
    """0x2A37; intervals in seconds, the oldest first."""
    return {
        "heart_rate_bpm": value.heart_rate,
        "contact": value.contact,
        "energy_expended_kj": value.energy_expended,
        "rr_s": [round(interval / 1024, 4) for interval in value.rr_intervals],
        "trailing_hex": value.trailing.hex(" "),
    }


def rsc_measurement(value: RscMeasurement) -> Json:
    """0x2A53."""
    return {
        "speed_kmh": round(value.speed * 3.6 / 256, 4),
        "cadence_spm": value.cadence,
        "stride_length_m": _per(value.stride_length, 100),
        "total_distance_m": _per(value.total_distance, 10),
        "running": value.running,
        "trailing_hex": value.trailing.hex(" "),
    }


_MACHINE_TYPES = MachineType.__members__


def availability(value: MachineAvailability) -> Json:
    """The service data of 0x1826; each machine type by its name."""
    told: Json = {"fitness_machine_available": value.fitness_machine_available}
    return told | {
        name.lower(): bool(value.machine_types & kind) for name, kind in MachineType.__members__.items()
    }


def string(value: str) -> Json:
    """A string of Device Information."""
    return {"string": value}
