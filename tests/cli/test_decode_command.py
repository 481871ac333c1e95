"""`retrowalk decode` says what a frame says, and in one line why it cannot."""

import json
import os
import pty
import subprocess
import sys

import pytest

from retrowalk import cli

Captured = pytest.CaptureFixture[str]

YESOUL = "86 24 fa 00 d9 00 a6 05 00 55 00 ff ff ff 57 09 f3 0d 00"

KEYS = [
    "more_data",
    "instantaneous_speed_kmh",
    "average_speed_kmh",
    "total_distance_m",
    "inclination_percent",
    "ramp_angle_deg",
    "positive_elevation_gain_m",
    "negative_elevation_gain_m",
    "instantaneous_pace_km_per_min",
    "average_pace_km_per_min",
    "total_energy_kcal",
    "energy_per_hour_kcal",
    "energy_per_minute_kcal",
    "heart_rate_bpm",
    "metabolic_equivalent",
    "elapsed_time_s",
    "remaining_time_s",
    "force_on_belt_n",
    "power_output_w",
    "vendor_step_count",
    "truncated",
    "missing_fields",
    "trailing_hex",
]
"""Those of the contract for 2acd, in its order."""


def told(capsys: Captured, *argv: str) -> list[dict[str, object]]:
    """The objects `retrowalk decode --json` printed, one a line."""
    assert cli.main(["decode", "--json", *argv]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return [json.loads(line) for line in captured.out.splitlines()]


def test_every_key_of_treadmill_data_is_there_and_null_where_unknown(capsys: Captured) -> None:
    (record,) = told(capsys, "2acd", YESOUL)
    assert list(record) == KEYS
    assert {key: value for key, value in record.items() if value is not None} == {
        "more_data": False,
        "instantaneous_speed_kmh": 2.5,
        "average_speed_kmh": 2.17,
        "total_distance_m": 1446,
        "total_energy_kcal": 85,
        "elapsed_time_s": 2391,
        "vendor_step_count": 3571,
        "truncated": False,
        "missing_fields": [],
        "trailing_hex": "",
    }


def test_a_frame_of_all_fields_is_told_in_the_units_of_its_keys(capsys: Captured) -> None:
    frame = "fe1f7b00c801030201f1ff14001e0028000506bc022003096423b0045802f9fff8ff"
    (record,) = told(capsys, "2acd", frame)
    assert list(record.values()) == [
        False, 1.23, 4.56, 66051, -1.5, 2.0, 3.0, 4.0, 0.5, 0.6, 700, 800, 9, 100, 3.5, 1200, 600, -7, -8,
        None, False, [], "",
    ]  # fmt: skip


def test_a_frame_cut_in_mid_field_names_the_missing_keys(capsys: Captured) -> None:
    (record,) = told(capsys, "2acd", YESOUL[: 3 * 10])
    assert record["truncated"] is True
    assert record["missing_fields"] == [
        "total_energy_kcal", "energy_per_hour_kcal", "energy_per_minute_kcal", "elapsed_time_s",
        "vendor_step_count",
    ]  # fmt: skip
    assert (record["total_distance_m"], record["total_energy_kcal"]) == (1446, None)


@pytest.mark.parametrize(
    "octets",
    [
        YESOUL,
        YESOUL.upper(),
        YESOUL.replace(" ", ""),
        YESOUL.replace(" ", ":"),
        YESOUL.replace(" ", "-"),
        "0x" + YESOUL.replace(" ", " 0x"),
        "0x" + YESOUL.replace(" ", ",0X"),
        "0x" + YESOUL.replace(" ", "").upper(),
    ],
)
@pytest.mark.parametrize("uuid", ["2acd", "0x2ACD", "00002ACD-0000-1000-8000-00805f9b34fb"])
def test_uuid_and_octets_are_read_however_a_log_writes_them(capsys: Captured, uuid: str, octets: str) -> None:
    (record,) = told(capsys, uuid, octets)
    assert (record["instantaneous_speed_kmh"], record["vendor_step_count"]) == (2.5, 3571)


def test_a_split_record_is_one_document(capsys: Captured) -> None:
    (record,) = told(capsys, "2acd", "0500 0a0000", "0104 3c00", "0000 6400")
    assert (record["more_data"], record["instantaneous_speed_kmh"]) == (False, 1.0)
    assert (record["total_distance_m"], record["elapsed_time_s"]) == (10, 60)


def test_several_records_are_one_object_a_line_and_the_unfinished_one_says_so(capsys: Captured) -> None:
    records = told(capsys, "2acd", "0000 6400", "0500 0a0000", "0000 c800", "0500 0b0000")
    assert [
        (record["more_data"], record["instantaneous_speed_kmh"], record["total_distance_m"])
        for record in records
    ] == [(False, 1.0, None), (False, 2.0, 10), (True, None, 11)]


def test_a_status_of_no_octets_is_all_null(capsys: Captured) -> None:
    for uuid in ("2ad3", "2ada"):
        (record,) = told(capsys, uuid, "")
        assert set(record.values()) == {None}


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["2acd", ""], "Treadmill Data: flags was cut: it is 2 octets long, and none came"),
        (["2acd", "8424fa"], "Treadmill Data: instantaneous_speed was cut: it is 2 octets long, and 1 came"),
        (
            ["2ad4", "3200 62"],
            "Supported Speed Range: maximum_speed was cut: it is 2 octets long, and 1 came",
        ),
        (["2ad3", "00"], "Training Status: status was cut: it is 1 octet long, and none came"),
        (
            ["2ad9", "02 96"],
            "Fitness Machine Control Point: target_speed_kmh was cut: it is 2 octets long, and 1 came",
        ),
        (
            ["2ada", "04", "05 c8"],
            (
                "Fitness Machine Status: target_speed_kmh was cut: it is 2 octets long, and 1 came "
                "(notification 2 of 2)"
            ),
        ),
        (
            ["2acd", "84", "24", "00"],
            (
                "Treadmill Data: flags was cut: it is 2 octets long, and 1 came (notification 1 of 3); "
                'if these octets are one notification, put them in quotes: "84 24 00"'
            ),
        ),
        (["2acd", "8g"], "'8g' is not hexadecimal: only 0 to 9 and a to f are digits"),
        (["2acd", "a0x1"], "'a0x1' is not hexadecimal: only 0 to 9 and a to f are digits"),
        (["2acd", "846"], "'846' is not hexadecimal: it has an odd number of digits"),
        (
            ["2ad2", "00"],
            (
                "'2ad2' is no characteristic read here: those are 1826, 2a24, 2a25, 2a26, 2a27, 2a28, 2a29, "
                "2a37, 2a53, 2acc, 2acd, 2ad3, 2ad4, 2ad5, 2ad7, 2ad9, 2ada"
            ),
        ),
    ],
)
def test_what_cannot_be_decoded_is_one_line_and_exit_2(
    capsys: Captured, argv: list[str], message: str
) -> None:
    assert cli.main(["decode", "--json", *argv]) == 2
    captured = capsys.readouterr()
    assert captured.err == f"retrowalk: {message}\n"
    assert captured.out == ""


def test_without_octets_the_usage_is_told(capsys: Captured) -> None:
    assert cli.main(["decode", "2acd"]) == 2
    assert capsys.readouterr().err == (
        "retrowalk decode: Missing argument 'HEX...'. See retrowalk decode --help.\n"
    )


def test_into_a_pipe_it_is_json_without_being_asked(capsys: Captured) -> None:
    assert cli.main(["decode", "2ada", "04"]) == 0
    assert json.loads(capsys.readouterr().out)["op_name"] == "started_or_resumed_by_user"


def test_on_a_terminal_it_is_a_listing_and_unknown_is_called_unknown() -> None:
    ours, theirs = pty.openpty()
    try:
        argv = [sys.executable, "-m", "retrowalk", "decode", "2a37", "00 00", "16 48 0004 0002"]
        subprocess.run(argv, stdout=theirs, check=True, timeout=30)
        printed = os.read(ours, 4096).decode().replace("\r\n", "\n")
    finally:
        os.close(ours)
        os.close(theirs)
    assert printed == (
        "heart_rate_bpm: unknown\ncontact: unknown\nenergy_expended_kj: unknown\nrr_s: none\n"
        "trailing_hex: none\n"
        "\n"
        "heart_rate_bpm: 72\ncontact: yes\nenergy_expended_kj: unknown\nrr_s: 1.0, 0.5\ntrailing_hex: none\n"
    )
