"""Training Status, ranges, Feature, advertisement, heart rate, RSC, Device Information, and the UUIDs."""

from typing import Any

import pytest

from blefit import device_information, uuids
from blefit.errors import DecodeError
from blefit.ftms.feature import Feature, MachineFeature, TargetSetting
from blefit.ftms.training_status import TrainingState, TrainingStatus
from blefit.heart_rate import HeartRateMeasurement
from blefit.registry import decode_json
from blefit.running_speed_cadence import RscMeasurement


def told(uuid: int | str, payload: str) -> dict[str, Any]:
    """The JSON of one notification."""
    (record,) = decode_json(uuid, [bytes.fromhex(payload)])
    return record


@pytest.mark.parametrize(
    ("uuid", "payload", "stated"),
    [
        (0x2ACC, "00000000 00000000", {"features": [], "target_settings": [], "rfu_feature_bits": 0}),
        (0x2ACC, "01000200 00000000", {"features": ["average_speed"], "rfu_feature_bits": 0x20000}),
        (0x2ACC, "00000100 01000180", {"features": ["user_data_retention"], "rfu_target_bits": 1 << 31}),
        (0x2ACC, "0000000003000100 ffff", {"target_settings": ["speed", "inclination", "targeted_cadence"]}),
        (0x2ACC, "0000000003000100 ffff", {"trailing_hex": "ff ff"}),
        (
            0x2AD4,
            "3200 6202 0a00",
            {"min_kmh": 0.5, "max_kmh": 6.1, "increment_kmh": 0.1, "trailing_hex": ""},
        ),
        (0x2AD4, "6000 ffff 2000 00", {"max_kmh": 655.35, "increment_kmh": 0.32, "trailing_hex": "00"}),
        (0x2AD5, "e2ff 9600 0500", {"min_percent": -3.0, "max_percent": 15.0, "increment_percent": 0.5}),
        (0x2AD5, "e2ff 9600 0500 be ef", {"increment_percent": 0.5, "trailing_hex": "be ef"}),
        (0x2AD7, "3c dc 01", {"min_bpm": 60, "max_bpm": 220, "increment_bpm": 1, "trailing_hex": ""}),
        (0x2AD7, "3c dc 01 02", {"increment_bpm": 1, "trailing_hex": "02"}),
        (0x2A37, "00 48", {"heart_rate_bpm": 72, "contact": None, "rr_s": []}),
        (0x2A37, "00 00", {"heart_rate_bpm": None}),
        (0x2A37, "01 2c01", {"heart_rate_bpm": 300}),
        (0x2A37, "02 48", {"contact": None}),
        (0x2A37, "04 48", {"contact": False}),
        (0x2A37, "06 48", {"contact": True}),
        (0x2A37, "18 48 0500 0004 0002", {"energy_expended_kj": 5, "rr_s": [1.0, 0.5]}),
        (0x2A37, "10 48 0004 00", {"rr_s": [1.0], "trailing_hex": "00"}),
        (0x2A37, "e0 48 beef", {"heart_rate_bpm": 72, "trailing_hex": "be ef"}),
        (
            0x2A53,
            "00 0001 3c",
            {"speed_kmh": 3.6, "cadence_spm": 60, "stride_length_m": None, "total_distance_m": None},
        ),
        (
            0x2A53,
            "07 c001 50 7800 e8030000",
            {"speed_kmh": 6.3, "stride_length_m": 1.2, "total_distance_m": 100.0, "running": True},
        ),
        (0x2A53, "02 0000 00 01000000", {"stride_length_m": None, "total_distance_m": 0.1, "running": False}),
        (0x2A53, "f8 0000 00 aa", {"running": False, "trailing_hex": "aa"}),
        (0x1826, "01 0100", {"fitness_machine_available": True, "treadmill": True, "indoor_bike": False}),
        (
            0x1826,
            "26 18 00 2100",
            {"fitness_machine_available": False, "treadmill": True, "indoor_bike": True},
        ),
        (0x1826, "0616 2618 01 0100", {"fitness_machine_available": True, "treadmill": True, "rower": False}),
        (0x1826, "26 1801", {"fitness_machine_available": False, "treadmill": False, "stair_climber": True}),
        (
            0x1826,
            "06 1626",
            {"fitness_machine_available": False, "cross_trainer": True, "step_climber": True},
        ),
        (0x1826, "fe c0ff 00", {"fitness_machine_available": False, "treadmill": False, "rower": False}),
        (0x1826, "01 1e00", dict.fromkeys(["cross_trainer", "step_climber", "stair_climber", "rower"], True)),
        (0x2A24, "", {"string": ""}),
        (0x2A25, "41 00 00", {"string": "A"}),
        (0x2A27, "ff 41", {"string": "\ufffdA"}),
    ],
)
def test_octets_say(uuid: int, payload: str, stated: dict[str, object]) -> None:
    record = told(uuid, payload)
    assert {key: record[key] for key in stated} == stated


@pytest.mark.parametrize(
    ("uuid", "whole", "fields"),
    [
        (0x2ACC, "45120000 01000000", ["features"] * 4 + ["target_settings"] * 4),
        (0x2AD3, "00 0d", [None, "status"]),
        (0x2AD4, "3200 6202 0a00", ["minimum_speed"] * 2 + ["maximum_speed"] * 2 + ["minimum_increment"] * 2),
        (
            0x2AD5,
            "0000 0000 0000",
            ["minimum_inclination"] * 2 + ["maximum_inclination"] * 2 + ["minimum_increment"] * 2,
        ),
        (0x2AD7, "3c dc 01", ["minimum_heart_rate", "maximum_heart_rate", "minimum_increment"]),
        (0x1826, "01 0100", ["flags", "machine_type", "machine_type"]),
        (0x2A37, "09 4800 0100", ["flags"] + ["heart_rate"] * 2 + ["energy_expended"] * 2),
        (
            0x2A53,
            "03 0001 3c 0000 00000000",
            ["flags", "speed", "speed", "cadence"] + ["stride_length"] * 2 + ["total_distance"] * 4,
        ),
    ],
)
def test_octets_cut_anywhere_are_an_error_that_names_the_field(
    uuid: int, whole: str, fields: list[str | None]
) -> None:
    octets = bytes.fromhex(whole)
    assert decode_json(uuid, [octets])
    for length, field in enumerate(fields):
        if field:
            with pytest.raises(DecodeError) as caught:
                decode_json(uuid, [octets[:length]])
            assert caught.value.field == field


# --- Training Status -----------------------------------------------------------------------------------

STATES = [
    "other", "idle", "warming_up", "low_intensity_interval", "high_intensity_interval", "recovery_interval",
    "isometric", "heart_rate_control", "fitness_test", "speed_outside_of_control_region_low",
    "speed_outside_of_control_region_high", "cool_down", "watt_control", "manual_mode_quick_start",
    "pre_workout", "post_workout",
]  # fmt: skip


def test_a_training_status_has_the_specifications_name() -> None:
    names = [told(0x2AD3, f"00{status:02x}")["status_name"] for status in range(256)]
    assert names == STATES + ["rfu"] * (256 - len(STATES))


@pytest.mark.parametrize(
    ("payload", "string", "trailing"),
    [
        ("00 0d", "", ""),
        ("01 0d", "", ""),
        ("01 0d 00", "", ""),
        ("03 0e 33", "3", ""),
        ("02 0e 4142", "AB", ""),
        ("fd 01 c3a9", "é", ""),
        ("01 01 ff", "\ufffd", ""),
        ("00 0d 0000", "", "00 00"),
        ("fc 0d 41", "", "41"),
    ],
)
def test_a_training_status_string_is_read_where_it_was_announced(
    payload: str, string: str, trailing: str
) -> None:
    record = told(0x2AD3, payload)
    assert (record["string"], record["trailing_hex"]) == (string, trailing)


def test_a_training_status_of_no_octets_is_all_null() -> None:
    record = told(0x2AD3, "")
    assert record.keys() >= {"status", "status_name", "string"}
    assert set(record.values()) == {None}


# --- what cannot be said -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (TrainingStatus(None, "x", True), "a training status of no octets has nothing else either"),
        (TrainingStatus(TrainingState.IDLE, "x"), "a string needs string_flag or extended_string_flag"),
        (TrainingStatus(1, "x\0", True), "string must not end in NUL: 'x\\\\x00'"),
        (TrainingStatus(1, "x", True, trailing=b"x"), "octets after a string are part of it"),
        (TrainingStatus(256), "status must be from 0 to 255, not 256"),
        (HeartRateMeasurement(0), "a heart rate of 0 says that there is none: use None"),
        (HeartRateMeasurement(60, rr_intervals=(1,), trailing=b"12"), "one more RR interval"),
        (HeartRateMeasurement(60, energy_expended=65536), "energy_expended must be from 0 to 65535"),
        (RscMeasurement(0, 256), "cadence must be from 0 to 255, not 256"),
    ],
)
def test_what_no_octets_can_say_is_refused(
    value: TrainingStatus | HeartRateMeasurement | RscMeasurement, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        value.encode()


def test_a_string_that_ends_in_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="must not end in NUL"):
        device_information.encode("W2PRO\0")


def test_a_feature_keeps_the_bits_it_does_not_know() -> None:
    feature = Feature.decode(bytes.fromhex("0100 0080 0200 0000"))
    assert MachineFeature.AVERAGE_SPEED in feature.features
    assert TargetSetting.SPEED not in feature.target_settings
    assert feature.encode() == bytes.fromhex("0100 0080 0200 0000")


# --- UUIDs and several notifications -------------------------------------------------------------------


@pytest.mark.parametrize(
    "uuid",
    [
        "2acd", "2ACD", "0x2ACD", "0X2acd", " 2acd ", "00002acd", "0x00002acd",
        "00002acd-0000-1000-8000-00805f9b34fb", "00002ACD-0000-1000-8000-00805F9B34FB",
        "00002acd00001000800000805f9b34fb",
    ],
)  # fmt: skip
def test_a_uuid_is_known_in_all_its_forms(uuid: str) -> None:
    assert uuids.short(uuid) == uuids.TREADMILL_DATA
    assert told(uuid, "0000 6400")["instantaneous_speed_kmh"] == 1.0


@pytest.mark.parametrize(
    "uuid",
    ["", "2ac", "12acd", "2acg", "0x", "00012acd", "d18d2c10-c44c-11e8-a355-529269fb1459", "treadmill"],
)
def test_what_is_no_16_bit_uuid_has_no_number(uuid: str) -> None:
    assert uuids.short(uuid) is None
    with pytest.raises(
        LookupError, match=f"^{uuid!r} is no characteristic read here: those are 1826, 2a24, "
    ):
        decode_json(uuid, [])


@pytest.mark.parametrize("number", [0x2ACD, 0x1826, 0x0001, 0xFFFF])
def test_the_128_bit_form_and_back(number: int) -> None:
    assert uuids.full(0x2ACD) == "00002acd-0000-1000-8000-00805f9b34fb"
    assert uuids.short(uuids.full(number)) == number


@pytest.mark.parametrize("number", [-1, 0x10000])
def test_a_number_of_more_than_16_bits_has_no_128_bit_form(number: int) -> None:
    with pytest.raises(ValueError, match="a 16-bit UUID is from 0 to 0xffff"):
        uuids.full(number)


def test_an_unread_number_is_named_in_hexadecimal() -> None:
    with pytest.raises(LookupError, match=r"^0x2ad2 is no characteristic"):
        decode_json(0x2AD2, [])


def test_notifications_are_told_in_their_order_and_a_bad_one_by_its_number() -> None:
    payloads = [b"\x04", b"\x03"]
    assert [record["op_code"] for record in decode_json(0x2ADA, payloads)] == [4, 3]
    with pytest.raises(DecodeError, match=r"and none came \(notification 2 of 3\)$") as caught:
        decode_json(0x2ADA, [b"\x04", b"\x05", b"\x03"])
    assert caught.value.field == "target_speed_kmh"
