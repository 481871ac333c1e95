"""Treadmill Data, 0x2ACD: the laws the specification's table does not say."""

import re

import pytest

from blefit.errors import DecodeError
from blefit.ftms import treadmill_data
from blefit.ftms.treadmill_data import RecordJoiner, TreadmillData, decode, encode, split
from blefit.units import Incline, Speed

YESOUL = bytes.fromhex("8624 fa00 d900 a60500 5500ffffff 5709 f30d00")
"""Flags 0x2486: speed, average speed, distance, energy, elapsed time, steps (V001 of the captures)."""

EVERYTHING = TreadmillData(
    instantaneous_speed=Speed(123),
    average_speed=Speed(456),
    total_distance=0x010203,
    inclination=Incline(-15),
    ramp_angle=20,
    positive_elevation_gain=30,
    negative_elevation_gain=40,
    instantaneous_pace=5,
    average_pace=6,
    total_energy=700,
    energy_per_hour=800,
    energy_per_minute=9,
    heart_rate=100,
    metabolic_equivalent=35,
    elapsed_time=1200,
    remaining_time=600,
    force_on_belt=-7,
    power_output=-8,
)


def test_all_fields_come_in_the_order_of_their_flags() -> None:
    assert decode(encode(EVERYTHING)) == EVERYTHING
    assert encode(EVERYTHING) == bytes.fromhex(
        "fe1f 7b00 c801 030201 f1ff 1400 1e00 2800 05 06 bc02 2003 09 64 23 b004 5802 f9ff f8ff"
    )


# --- bit 0, inverted -----------------------------------------------------------------------------------


def test_bit_0_clear_is_the_speed_and_the_end_of_the_record() -> None:
    assert decode(bytes.fromhex("0000 6400")) == TreadmillData(instantaneous_speed=Speed(100))


def test_bit_0_set_is_no_speed_and_more_to_come() -> None:
    part = decode(bytes.fromhex("0500 0a0000"))
    assert part == TreadmillData(more_data=True, total_distance=10)
    assert part.instantaneous_speed is None


def test_a_part_may_carry_nothing_at_all() -> None:
    assert decode(bytes.fromhex("0100")) == TreadmillData(more_data=True)


# --- frames that are too short -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "field", "reason"),
    [
        ("", "flags", "was cut: it is 2 octets long, and none came"),
        ("84", "flags", "was cut: it is 2 octets long, and 1 came"),
        ("8424", "instantaneous_speed", "was cut: it is 2 octets long, and none came"),
        ("8424fa", "instantaneous_speed", "was cut: it is 2 octets long, and 1 came"),
    ],
)
def test_without_flags_or_the_speed_it_must_have_a_frame_says_nothing(
    frame: str, field: str, reason: str
) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(bytes.fromhex(frame))
    assert (caught.value.field, caught.value.reason) == (field, reason)
    assert str(caught.value) == f"{field} {reason}"


YESOUL_ENDS = {
    4: "instantaneous_speed",
    6: "average_speed",
    9: "total_distance",
    11: "total_energy",
    13: "energy_per_hour",
    14: "energy_per_minute",
    16: "elapsed_time",
    19: "vendor_step_count",
}
"""The octet each field of that frame ends with."""


@pytest.mark.parametrize("length", range(4, 16))
def test_a_frame_cut_anywhere_keeps_the_fields_that_came_whole_and_names_the_others(length: int) -> None:
    whole, cut = decode(YESOUL), decode(YESOUL[:length])
    came = {name for end, name in YESOUL_ENDS.items() if end <= length}
    assert cut.truncated
    assert cut.missing_fields == tuple(name for end, name in YESOUL_ENDS.items() if end > length)
    assert cut.trailing == b""
    assert all(getattr(cut, name) == getattr(whole, name) for name in came)
    assert all(getattr(cut, name) is None for name in cut.missing_fields)


def test_a_part_that_was_cut_keeps_what_came_whole() -> None:
    cut = decode(bytes.fromhex("0700 2c01 0a00"))
    assert cut == TreadmillData(more_data=True, average_speed=Speed(300), missing_fields=("total_distance",))


# --- what no specification promised --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "steps", "truncated", "trailing"),
    [
        ("", None, False, ""),
        ("2a", None, True, ""),
        ("2a01", 0x012A, False, ""),
        ("2a0102", 0x02012A, False, ""),
        ("2a010203", None, False, "2a010203"),
        ("2a01020304", None, False, "2a01020304"),
    ],
)
def test_bit_13_is_a_step_count_in_0_2_or_3_octets_and_more_are_ignored(
    octets: str, steps: int | None, truncated: bool, trailing: str
) -> None:
    data = decode(bytes.fromhex("0020 6400" + octets))
    assert data.instantaneous_speed == 100
    assert (data.vendor_step_count, data.truncated, data.trailing.hex()) == (steps, truncated, trailing)


@pytest.mark.parametrize("reserved", [0x4000, 0x8000, 0xC000])
def test_reserved_flags_change_nothing(reserved: int) -> None:
    flags = int.from_bytes(YESOUL[:2], "little") | reserved
    assert decode(flags.to_bytes(2, "little") + YESOUL[2:]) == decode(YESOUL)


def test_octets_after_the_last_field_are_no_error() -> None:
    data = decode(bytes.fromhex("0400 6400 0a0000 dead"))
    assert data == TreadmillData(instantaneous_speed=Speed(100), total_distance=10, trailing=b"\xde\xad")


# --- pace, in one octet or two -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "instantaneous", "average", "steps", "trailing"),
    [
        ("2000 6400 0a", 10, None, None, ""),
        ("2000 6400 0a00", 10, None, None, ""),
        ("2000 6400 2c01", 300, None, None, ""),
        ("2000 6400 0aeeee", 10, None, None, "eeee"),
        ("6000 6400 0a0b", 10, 11, None, ""),
        ("6000 6400 0a000b00", 10, 11, None, ""),
        ("6000 6400 0a0bee", 10, 11, None, "ee"),
        ("2020 6400 0a", 10, None, None, ""),
        ("2020 6400 2c01", 300, None, None, ""),
        ("2020 6400 0a0500", 10, None, 5, ""),
        ("2020 6400 0a050001", 10, None, 0x010005, ""),
        ("2020 6400 0a00050001", 10, None, 0x010005, ""),
        ("6020 6400 0a0b050001", 10, 11, 0x010005, ""),
        ("6020 6400 0a000b000500", 10, 11, 5, ""),
        ("6020 6400 0a000b00050001", 10, 11, 0x010005, ""),
    ],
)
def test_pace_is_one_octet_unless_the_length_fits_only_two(
    frame: str, instantaneous: int, average: int | None, steps: int | None, trailing: str
) -> None:
    data = decode(bytes.fromhex(frame))
    assert (data.instantaneous_pace, data.average_pace) == (instantaneous, average)
    assert (data.vendor_step_count, data.trailing.hex(), data.truncated) == (steps, trailing, False)


def test_fields_after_a_pace_of_two_octets_are_read_in_their_place() -> None:
    assert decode(bytes.fromhex("2005 6400 0a00 5a 3c00")).heart_rate == 0x5A
    assert decode(bytes.fromhex("2005 6400 0a 5a 3c00")).elapsed_time == 0x3C


# --- not available -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "unknown"),
    [
        ("0800 6400 ff7f ff7f", {"inclination", "ramp_angle"}),
        ("1000 6400 ff7f ffff", {"positive_elevation_gain", "negative_elevation_gain"}),
        ("1000 6400 ffff ff7f", {"positive_elevation_gain", "negative_elevation_gain"}),
        ("8000 6400 ffff ffff ff", {"total_energy", "energy_per_hour", "energy_per_minute"}),
        ("0001 6400 00", {"heart_rate"}),
        ("0010 6400 ff7f ff7f", {"force_on_belt", "power_output"}),
    ],
)
def test_not_available_is_none_and_not_missing(frame: str, unknown: set[str]) -> None:
    data = decode(bytes.fromhex(frame))
    assert all(getattr(data, name) is None for name in unknown)
    assert data == TreadmillData(instantaneous_speed=Speed(100))


@pytest.mark.parametrize(
    ("frame", "known"),
    [
        ("0800 6400 fe7f 0080", {"inclination": 0x7FFE, "ramp_angle": -0x8000}),
        ("0800 6400 ff7f 0000", {"inclination": None, "ramp_angle": 0}),
        ("1000 6400 0000 fe7f", {"positive_elevation_gain": 0, "negative_elevation_gain": 0x7FFE}),
        ("8000 6400 0000 feff fe", {"total_energy": 0, "energy_per_hour": 0xFFFE, "energy_per_minute": 0xFE}),
        ("0001 6400 ff", {"heart_rate": 255}),
        ("0002 6400 00", {"metabolic_equivalent": 0}),
        ("0c00 ffff ffffff 0000 0000", {"instantaneous_speed": 0xFFFF, "total_distance": 0xFFFFFF}),
    ],
)
def test_zero_and_the_neighbours_of_not_available_are_values(
    frame: str, known: dict[str, int | None]
) -> None:
    data = decode(bytes.fromhex(frame))
    assert {name: getattr(data, name) for name in known} == known


# --- what no notification can say ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (TreadmillData(), "a notification has a speed exactly when no more data follow"),
        (
            TreadmillData(more_data=True, instantaneous_speed=Speed(1)),
            "a notification has a speed exactly when no more data follow",
        ),
        (
            TreadmillData(instantaneous_speed=Speed(-1)),
            "instantaneous_speed must be from 0 to 65535, not -1",
        ),
        (
            TreadmillData(instantaneous_speed=Speed(0), total_distance=1 << 24),
            "total_distance must be from 0 to 16777215, not 16777216",
        ),
        (
            TreadmillData(instantaneous_speed=Speed(0), inclination=Incline(0x8000)),
            "inclination must be from -32768 to 32767, not 32768",
        ),
        (
            TreadmillData(instantaneous_speed=Speed(0), heart_rate=0),
            "no notification says heart_rate = 0: it would be read as None",
        ),
        (
            TreadmillData(instantaneous_speed=Speed(0), total_energy=0xFFFF),
            "no notification says total_energy = 65535: it would be read as None",
        ),
        (
            TreadmillData(instantaneous_speed=Speed(0), average_pace=5, trailing=b"\1"),
            "no notification says average_pace = 5: it would be read as 261",
        ),
        (
            TreadmillData(instantaneous_speed=Speed(0), missing_fields=("speed",)),
            "no notification says missing_fields = ('speed',): it would be read as ()",
        ),
    ],
)
def test_a_value_no_notification_can_say_is_refused_with_its_field(data: TreadmillData, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        encode(data)


# --- split records -------------------------------------------------------------------------------------


def joined(*parts: TreadmillData) -> list[TreadmillData]:
    joiner = RecordJoiner()
    return [record for part in parts if (record := joiner.feed(part))]


def test_a_record_is_split_by_whole_fields_and_the_last_part_has_the_speed() -> None:
    frames = split(EVERYTHING)
    assert [frame.hex() for frame in frames] == [
        "7f00c801030201f1ff14001e0028000506",
        "801f7b00bc022003096423b0045802f9fff8ff",
    ]
    parts = [decode(frame) for frame in frames]
    assert [part.more_data for part in parts] == [True] * (len(parts) - 1) + [False]
    assert [part.instantaneous_speed for part in parts[:-1]] == [None] * (len(parts) - 1)
    assert joined(*parts) == [EVERYTHING]


def test_a_record_that_never_ends_does_not_grow_for_ever() -> None:
    joiner = RecordJoiner()
    for _ in range(1000):
        assert joiner.feed(decode(bytes.fromhex("0100fa00") + bytes(16))) is None
    assert joiner.unfinished is not None
    assert len(joiner.unfinished.trailing) == 512


def test_a_record_that_fits_is_not_split() -> None:
    assert split(decode(YESOUL), 19) == [YESOUL]


def test_the_speed_goes_alone_when_the_other_fields_fill_their_part() -> None:
    data = TreadmillData(
        instantaneous_speed=Speed(100), total_energy=1, energy_per_hour=2, energy_per_minute=3
    )
    assert [frame.hex() for frame in split(data, 7)] == ["81000100020003", "00006400"]


@pytest.mark.parametrize("room", range(6))
def test_room_too_small_for_one_field_is_refused(room: int) -> None:
    with pytest.raises(ValueError, match=f"does not fit into notifications of {room} octets"):
        split(decode(YESOUL), room)


@pytest.mark.parametrize(
    "data",
    [
        TreadmillData(more_data=True),
        TreadmillData(instantaneous_speed=Speed(1), trailing=b"\1"),
        TreadmillData(instantaneous_speed=Speed(1), missing_fields=("elapsed_time",)),
    ],
)
def test_only_a_whole_record_can_be_split(data: TreadmillData) -> None:
    with pytest.raises(ValueError, match="only a whole record"):
        split(data)


A = TreadmillData(more_data=True, total_distance=10)
B = TreadmillData(more_data=True, elapsed_time=60)
END = TreadmillData(instantaneous_speed=Speed(100))


def test_records_that_are_not_split_pass_as_they_are() -> None:
    assert joined(END, END) == [END, END]


def test_parts_are_one_record_when_the_last_has_come() -> None:
    whole = TreadmillData(instantaneous_speed=Speed(100), total_distance=10, elapsed_time=60)
    assert joined(A, B) == []
    assert joined(A, B, END) == [whole]
    assert joined(A, B, END, A, B, END) == [whole, whole]


def test_a_record_whose_last_part_was_lost_is_dropped_when_the_next_begins() -> None:
    newer = A._replace(total_distance=11)
    assert joined(A, B, newer, END) == [END._replace(total_distance=11)]


def test_a_whole_record_takes_nothing_from_the_lost_one_before_it() -> None:
    whole = END._replace(total_distance=12)
    assert joined(A, B, whole) == [whole]


def test_a_link_that_drops_between_parts_takes_the_begun_record_with_it() -> None:
    joiner = RecordJoiner()
    joiner.feed(A)
    joiner.reset()
    assert joiner.unfinished is None
    assert joiner.feed(END) == END


def test_what_has_come_of_a_record_can_be_seen_before_its_end() -> None:
    joiner = RecordJoiner()
    joiner.feed(A)
    joiner.feed(B)
    assert joiner.unfinished == A._replace(elapsed_time=60)


def test_what_was_missing_in_one_part_and_came_in_another_is_not_missing() -> None:
    cut = TreadmillData(
        more_data=True, average_speed=Speed(1), missing_fields=("total_distance", "elapsed_time")
    )
    (record,) = joined(cut, A, END._replace(trailing=b"\1"))
    assert record.missing_fields == ("elapsed_time",)
    assert (record.total_distance, record.trailing) == (10, b"\1")


def test_hostile_frames_cannot_fill_the_memory_with_layouts() -> None:
    for flags in range(1, 0x2000, 2):
        decode(flags.to_bytes(2, "little"))
    kept = treadmill_data._layout.cache_info()
    assert kept.maxsize is not None
    assert kept.currsize <= kept.maxsize <= 1024
