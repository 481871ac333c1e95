"""Every op code of 0x2AD9 and 0x2ADA, by the specification's names, with its parameter in units."""

from typing import Any

import pytest

from blefit.errors import DecodeError
from blefit.ftms.control_point import OpCode, Request, Response, ResultCode, StopOrPause
from blefit.ftms.machine_status import MachineStatus, MachineStatusOp
from blefit.registry import decode_json


def told(uuid: int, payload: str) -> dict[str, Any]:
    """The JSON of one notification."""
    (record,) = decode_json(uuid, [bytes.fromhex(payload)])
    return record


REQUESTS: list[tuple[str, str, dict[str, object]]] = [
    ("00", "request_control", {}),
    ("01", "reset", {}),
    ("02 96 00", "set_target_speed", {"target_speed_kmh": 1.5}),
    ("02 ff ff", "set_target_speed", {"target_speed_kmh": 655.35}),
    ("03 f1 ff", "set_target_inclination", {"target_inclination_percent": -1.5}),
    ("04 05", "set_target_resistance_level", {"target_resistance_level": 0.5}),
    ("04 ff", "set_target_resistance_level", {"target_resistance_level": 25.5}),
    ("04 ff ff", "set_target_resistance_level", {"target_resistance_level": -0.1}),
    ("05 9c ff", "set_target_power", {"target_power_w": -100}),
    ("06 78", "set_target_heart_rate", {"target_heart_rate_bpm": 120}),
    ("07", "start_or_resume", {}),
    ("08 01", "stop_or_pause", {"parameter": 1, "parameter_name": "stop"}),
    ("08 02", "stop_or_pause", {"parameter": 2, "parameter_name": "pause"}),
    ("08 00", "stop_or_pause", {"parameter": 0, "parameter_name": "rfu"}),
    ("08 03", "stop_or_pause", {"parameter": 3, "parameter_name": "rfu"}),
    ("09 2c 01", "set_targeted_expended_energy", {"targeted_expended_energy_kcal": 300}),
    ("0a e8 03", "set_targeted_number_of_steps", {"targeted_number_of_steps": 1000}),
    ("0b f4 01", "set_targeted_number_of_strides", {"targeted_number_of_strides": 500}),
    ("0c 40 0d 03", "set_targeted_distance", {"targeted_distance_m": 200000}),
    ("0d 58 02", "set_targeted_training_time", {"targeted_training_time_s": 600}),
    (
        "0e 01 00 02 00",
        "set_targeted_time_in_two_heart_rate_zones",
        {"time_in_fat_burn_zone_s": 1, "time_in_fitness_zone_s": 2},
    ),
    (
        "0f 01 00 02 00 03 00",
        "set_targeted_time_in_three_heart_rate_zones",
        {"time_in_light_zone_s": 1, "time_in_moderate_zone_s": 2, "time_in_hard_zone_s": 3},
    ),
    (
        "10 01 00 02 00 03 00 04 00 05 01",
        "set_targeted_time_in_five_heart_rate_zones",
        {
            "time_in_very_light_zone_s": 1,
            "time_in_light_zone_s": 2,
            "time_in_moderate_zone_s": 3,
            "time_in_hard_zone_s": 4,
            "time_in_maximum_zone_s": 261,
        },
    ),
    (
        "11 18 fc c8 00 28 33",
        "set_indoor_bike_simulation_parameters",
        {
            "wind_speed_m_per_s": -1.0,
            "grade_percent": 2.0,
            "rolling_resistance_coefficient": 0.004,
            "wind_resistance_coefficient": 0.51,
        },
    ),
    ("12 56 52", "set_wheel_circumference", {"wheel_circumference_mm": 2107.8}),
    ("13 01", "spin_down_control", {"parameter": 1, "parameter_name": "start"}),
    ("13 02", "spin_down_control", {"parameter": 2, "parameter_name": "ignore"}),
    ("14 b5 00", "set_targeted_cadence", {"targeted_cadence_per_min": 90.5}),
    ("15", "rfu", {}),
    ("7f", "rfu", {}),
    ("81", "rfu", {}),
    ("ff", "rfu", {}),
]

STATUSES: list[tuple[str, str, dict[str, object]]] = [
    ("00", "rfu", {}),
    ("01", "reset", {}),
    ("02 01", "stopped_or_paused_by_user", {"parameter": 1, "parameter_name": "stop"}),
    ("02 02", "stopped_or_paused_by_user", {"parameter": 2, "parameter_name": "pause"}),
    ("02 00", "stopped_or_paused_by_user", {"parameter": 0, "parameter_name": "rfu"}),
    ("03", "stopped_by_safety_key", {}),
    ("04", "started_or_resumed_by_user", {}),
    ("05 d1 00", "target_speed_changed", {"target_speed_kmh": 2.09}),
    ("06 fb ff", "target_incline_changed", {"target_inclination_percent": -0.5}),
    ("07 0a 00", "target_resistance_level_changed", {"target_resistance_level": 1.0}),
    ("07 0a", "target_resistance_level_changed", {"target_resistance_level": 1.0}),
    ("08 64 00", "target_power_changed", {"target_power_w": 100}),
    ("09 78", "target_heart_rate_changed", {"target_heart_rate_bpm": 120}),
    ("0a 2c 01", "targeted_expended_energy_changed", {"targeted_expended_energy_kcal": 300}),
    ("0b e8 03", "targeted_number_of_steps_changed", {"targeted_number_of_steps": 1000}),
    ("0c f4 01", "targeted_number_of_strides_changed", {"targeted_number_of_strides": 500}),
    ("0d 40 0d 03", "targeted_distance_changed", {"targeted_distance_m": 200000}),
    ("0e 58 02", "targeted_training_time_changed", {"targeted_training_time_s": 600}),
    ("0f 01 00 02 00", "targeted_time_in_two_heart_rate_zones_changed", {"time_in_fitness_zone_s": 2}),
    ("10" + " 01 00" * 3, "targeted_time_in_three_heart_rate_zones_changed", {"time_in_hard_zone_s": 1}),
    ("11" + " 01 00" * 5, "targeted_time_in_five_heart_rate_zones_changed", {"time_in_maximum_zone_s": 1}),
    ("12 18 fc c8 00 28 33", "indoor_bike_simulation_parameters_changed", {"grade_percent": 2.0}),
    ("13 56 52", "wheel_circumference_changed", {"wheel_circumference_mm": 2107.8}),
    ("14 01", "spin_down_status", {"parameter": 1, "parameter_name": "spin_down_requested"}),
    ("14 02", "spin_down_status", {"parameter": 2, "parameter_name": "success"}),
    ("14 03", "spin_down_status", {"parameter": 3, "parameter_name": "error"}),
    ("14 04", "spin_down_status", {"parameter": 4, "parameter_name": "stop_pedaling"}),
    ("15 b5 00", "targeted_cadence_changed", {"targeted_cadence_per_min": 90.5}),
    ("16", "rfu", {}),
    ("fe", "rfu", {}),
    ("ff", "control_permission_lost", {}),
]

ALWAYS = {"target_speed_kmh": None, "target_inclination_percent": None, "parameter_name": None}
"""Listed in the contract: there, and null where the op code says nothing about it."""

OPERATIONS = [(0x2AD9, *row) for row in REQUESTS] + [(0x2ADA, *row) for row in STATUSES]


@pytest.mark.parametrize(("uuid", "payload", "name", "parameter"), OPERATIONS)
def test_an_op_code_has_its_name_and_its_parameter_in_units(
    uuid: int, payload: str, name: str, parameter: dict[str, object]
) -> None:
    record = told(uuid, payload)
    head = {"op_code": bytes.fromhex(payload)[0], "op_name": name, "trailing_hex": ""}
    expected = head | ALWAYS | parameter
    assert {key: record[key] for key in expected} == expected


FULL_LENGTH = [row for row in OPERATIONS if row[1] not in {"04 05", "04 ff", "07 0a"}]
"""Without the one-octet resistances of the older edition: with padding those are two octets."""


@pytest.mark.parametrize(("uuid", "payload", "name", "parameter"), FULL_LENGTH)
def test_octets_after_a_parameter_trail_and_change_nothing(
    uuid: int, payload: str, name: str, parameter: dict[str, object]
) -> None:
    assert told(uuid, payload + "00ab00") == told(uuid, payload) | {"trailing_hex": "00 ab 00"}


@pytest.mark.parametrize(("uuid", "payload", "name", "parameter"), [row for row in OPERATIONS if row[3]])
def test_a_parameter_cut_anywhere_is_an_error_that_names_it(
    uuid: int, payload: str, name: str, parameter: dict[str, object]
) -> None:
    octets = bytes.fromhex(payload)
    shortest = 2 if "resistance" in name else len(octets)
    for length in range(1, shortest):
        with pytest.raises(DecodeError) as caught:
            decode_json(uuid, [octets[:length]])
        assert caught.value.field in told(uuid, payload)


@pytest.mark.parametrize(
    ("payload", "request_name", "result_name", "trailing"),
    [
        ("80 00 01", "request_control", "success", ""),
        ("80 02 03", "set_target_speed", "invalid_parameter", ""),
        ("80 07 04", "start_or_resume", "operation_failed", ""),
        ("80 07 05", "start_or_resume", "control_not_permitted", ""),
        ("80 81 02", "rfu", "op_code_not_supported", ""),
        ("80 80 02", "response", "op_code_not_supported", ""),
        ("80 08 00", "stop_or_pause", "rfu", ""),
        ("80 08 06", "stop_or_pause", "rfu", ""),
        ("80 08 01 00 00", "stop_or_pause", "success", "00 00"),
    ],
)
def test_a_response_names_what_it_answers_and_how(
    payload: str, request_name: str, result_name: str, trailing: str
) -> None:
    _, request, result, *_ = bytes.fromhex(payload)
    assert told(0x2AD9, payload) == {
        "op_code": 0x80,
        "op_name": "response",
        "request_op_code": request,
        "request_name": request_name,
        "result": result,
        "result_name": result_name,
        "trailing_hex": trailing,
    }


@pytest.mark.parametrize(
    ("payload", "field"),
    [("", "op_code"), ("80", "request_op_code"), ("80 02", "result")],
)
def test_a_control_point_value_cut_before_its_parameter_names_the_field(payload: str, field: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_json(0x2AD9, [bytes.fromhex(payload)])
    assert caught.value.field == field


def test_a_request_is_no_response() -> None:
    with pytest.raises(DecodeError, match=r"^op_code is 0x07, and a response begins with 0x80$"):
        Response.decode(b"\x07")


def test_a_status_of_no_octets_is_all_null() -> None:
    assert set(told(0x2ADA, "").values()) == {None}
    assert MachineStatus.decode(b"") == MachineStatus(None)
    assert MachineStatus(None).op_name is None


def test_the_octets_of_what_we_say_and_hear() -> None:
    assert Request(OpCode.REQUEST_CONTROL).encode() == b"\x00"
    assert Request(OpCode.SET_TARGET_SPEED, 150).encode() == b"\x02\x96\x00"
    assert Request(OpCode.SET_TARGET_INCLINATION, -15).encode() == b"\x03\xf1\xff"
    assert Request(OpCode.STOP_OR_PAUSE, StopOrPause.STOP).encode() == b"\x08\x01"
    assert Response(OpCode.START_OR_RESUME, ResultCode.SUCCESS).encode() == b"\x80\x07\x01"
    assert MachineStatus(MachineStatusOp.STOPPED_BY_SAFETY_KEY).encode() == b"\x03"
    assert MachineStatus(MachineStatusOp.STARTED_OR_RESUMED_BY_USER, trailing=b"\0\0").encode() == b"\4\0\0"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Request(OpCode.SET_TARGET_SPEED), "op code 0x02 has a parameter"),
        (Request(OpCode.START_OR_RESUME, 1), "op code 0x07 has no parameter"),
        (Request(OpCode.SET_TARGET_SPEED, -1), "target_speed_kmh must be from 0 to 65535, not -1"),
        (Request(256), "op_code must be from 0 to 255, not 256"),
        (Response(0, 256), "result must be from 0 to 255, not 256"),
        (MachineStatus(MachineStatusOp.TARGET_SPEED_CHANGED), "op code 0x05 has a parameter"),
        (MachineStatus(None, 1), "a status of no octets has no parameter and nothing trailing"),
    ],
)
def test_what_cannot_be_said_is_refused(value: Request | Response | MachineStatus, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        value.encode()
