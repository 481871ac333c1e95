"""decode(encode(v)) is v, for every value v that can be said; and no octets break a decoder."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from blefit import device_information
from blefit.errors import DecodeError
from blefit.ftms import control_point, machine_status, treadmill_data
from blefit.ftms.advertisement import MachineAvailability, MachineType
from blefit.ftms.control_point import Request, Response
from blefit.ftms.feature import Feature, MachineFeature, TargetSetting
from blefit.ftms.machine_status import MachineStatus
from blefit.ftms.parameters import Parameter
from blefit.ftms.ranges import HeartRateRange, InclinationRange, SpeedRange
from blefit.ftms.training_status import TrainingStatus
from blefit.ftms.treadmill_data import RecordJoiner, TreadmillData
from blefit.ftms.treadmill_layout import GROUPS
from blefit.heart_rate import HeartRateMeasurement
from blefit.registry import ENTRIES, decode_json
from blefit.running_speed_cadence import RscMeasurement
from blefit.units import Incline, Speed

u8 = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
u24 = st.integers(0, 0xFFFFFF)
u32 = st.integers(0, 0xFFFFFFFF)
s16 = st.integers(-0x8000, 0x7FFF)
octets = st.binary(max_size=8)
strings = st.text(max_size=12).map(lambda text: text.rstrip("\0"))


def maybe(numbers: st.SearchStrategy[int], *absent: int) -> st.SearchStrategy[int | None]:
    """None or a number that does not mean "not available"."""
    return st.none() | numbers.filter(lambda number: number not in absent)


FIELDS: dict[str, st.SearchStrategy[int | None]] = {
    "average_speed": maybe(u16),
    "total_distance": maybe(u24),
    "inclination": maybe(s16, 0x7FFF),
    "ramp_angle": maybe(s16, 0x7FFF),
    "positive_elevation_gain": maybe(u16, 0x7FFF, 0xFFFF),
    "negative_elevation_gain": maybe(u16, 0x7FFF, 0xFFFF),
    "instantaneous_pace": maybe(u8) | maybe(u16),
    "average_pace": maybe(u8) | maybe(u16),
    "total_energy": maybe(u16, 0xFFFF),
    "energy_per_hour": maybe(u16, 0xFFFF),
    "energy_per_minute": maybe(u8, 0xFF),
    "heart_rate": maybe(u8, 0),
    "metabolic_equivalent": maybe(u8),
    "elapsed_time": maybe(u16),
    "remaining_time": maybe(u16),
    "force_on_belt": maybe(s16, 0x7FFF),
    "power_output": maybe(s16, 0x7FFF),
    "vendor_step_count": maybe(u24),
}


@st.composite
def records(draw: st.DrawFn) -> TreadmillData:
    """Whole records, of any combination of fields."""
    fields: dict[str, Any] = draw(st.fixed_dictionaries(FIELDS))
    return TreadmillData(instantaneous_speed=Speed(draw(u16)), **fields)


@st.composite
def notifications(draw: st.DrawFn) -> TreadmillData:
    """Whole records and parts, with octets after the fields where those are no steps or pace."""
    data = draw(records())
    if draw(st.booleans()):
        data = data._replace(more_data=True, instantaneous_speed=None)
    if data.vendor_step_count is data.instantaneous_pace is data.average_pace is None:
        data = data._replace(trailing=draw(octets))
    return data


def operations(formats: dict[int, Parameter]) -> st.SearchStrategy[tuple[int, int | None, bytes]]:
    """Every op code, those with a parameter with every value of it."""

    def of(op_code: int) -> st.SearchStrategy[tuple[int, int | None, bytes]]:
        parameter: st.SearchStrategy[int | None] = st.none()
        if known := formats.get(op_code):
            bits = 8 * known.width
            parameter = st.integers(0, (1 << bits) - 1).map(
                lambda raw: raw - (raw >> bits - 1 << bits) if known.signed else raw
            )
        return st.tuples(st.just(op_code), parameter, octets)

    return u8.flatmap(of)


@st.composite
def training_statuses(draw: st.DrawFn) -> TrainingStatus:
    """With a string where one is announced, with other octets where none is."""
    string_flag, extended = draw(st.booleans()), draw(st.booleans())
    announced = string_flag or extended
    string, trailing = (draw(strings), b"") if announced else ("", draw(octets))
    return TrainingStatus(draw(u8), string, string_flag, extended, trailing)


@st.composite
def heart_rates(draw: st.DrawFn) -> HeartRateMeasurement:
    """With every combination of optional fields."""
    intervals = tuple(draw(st.lists(u16, max_size=4)))
    return HeartRateMeasurement(
        draw(maybe(u16, 0)),
        draw(st.none() | st.booleans()),
        draw(maybe(u16)),
        intervals,
        draw(octets)[: 1 if intervals else None],
    )


@given(notifications())
def test_treadmill_data(data: TreadmillData) -> None:
    assert treadmill_data.decode(treadmill_data.encode(data)) == data


def test_treadmill_data_of_every_combination_of_flags() -> None:
    """Each group of fields there or not: 8192 combinations, in a whole record and in a part."""
    for groups in range(1 << len(GROUPS)):
        fields: dict[str, Any] = {
            field.name: 1 + bit for bit, group in GROUPS.items() if groups >> bit - 1 & 1 for field in group
        }
        for data in (
            TreadmillData(instantaneous_speed=Speed(250), **fields),
            TreadmillData(more_data=True, **fields),
        ):
            frame = treadmill_data.encode(data)
            assert int.from_bytes(frame[:2], "little") == groups << 1 | data.more_data
            assert treadmill_data.decode(frame) == data


@given(records(), st.integers(8, 40))
def test_split_records(data: TreadmillData, room: int) -> None:
    frames = treadmill_data.split(data, room)
    assert all(len(frame) <= room for frame in frames)
    joiner = RecordJoiner()
    assert [joiner.feed(treadmill_data.decode(frame)) for frame in frames] == [None] * (len(frames) - 1) + [
        data
    ]


@given(st.binary(max_size=40))
@example(bytes.fromhex("2020 6400 0501"))
@example(bytes.fromhex("0020 6400 05"))
@example(bytes.fromhex("8020 6400 0500"))
def test_what_was_read_can_be_said_again(payload: bytes) -> None:
    try:
        data = treadmill_data.decode(payload)
    except DecodeError:
        return
    assert treadmill_data.decode(treadmill_data.encode(data)) == data


@given(operations(dict(control_point.PARAMETERS)).map(lambda parts: Request(*parts)))
def test_control_point_requests(request: Request) -> None:
    assert Request.decode(request.encode()) == request


@given(st.builds(Response, u8, u8, octets))
def test_control_point_responses(response: Response) -> None:
    assert Response.decode(response.encode()) == response
    assert control_point.decode(response.encode()) == response


@given(operations(dict(machine_status.PARAMETERS)).map(lambda parts: MachineStatus(*parts)))
@example(MachineStatus(None))
def test_machine_status(status: MachineStatus) -> None:
    assert MachineStatus.decode(status.encode()) == status


@given(training_statuses())
@example(TrainingStatus(None))
def test_training_status(status: TrainingStatus) -> None:
    assert TrainingStatus.decode(status.encode()) == status


Codec = tuple[st.SearchStrategy[Any], Callable[[bytes], Any]]


@pytest.mark.parametrize(
    ("values", "decode"),
    [
        (st.builds(Feature, u32.map(MachineFeature), u32.map(TargetSetting), octets), Feature.decode),
        (st.builds(SpeedRange, *[u16.map(Speed)] * 3, octets), SpeedRange.decode),
        (
            st.builds(InclinationRange, s16.map(Incline), s16.map(Incline), u16.map(Incline), octets),
            InclinationRange.decode,
        ),
        (st.builds(HeartRateRange, u8, u8, u8, octets), HeartRateRange.decode),
        (st.builds(MachineAvailability, st.booleans(), u16.map(MachineType)), MachineAvailability.decode),
        (heart_rates(), HeartRateMeasurement.decode),
        (
            st.builds(RscMeasurement, u16, u8, st.booleans(), maybe(u16), maybe(u32), octets),
            RscMeasurement.decode,
        ),
    ],
    ids=["feature", "speed", "inclination", "heart-rate-range", "advertisement", "heart-rate", "rsc"],
)
@given(data=st.data())
def test_other_values(
    data: st.DataObject, values: st.SearchStrategy[Any], decode: Callable[[bytes], Any]
) -> None:
    value = data.draw(values)
    assert decode(value.encode()) == value


@given(strings)
def test_device_information(string: str) -> None:
    assert device_information.decode(device_information.encode(string)) == string


@pytest.mark.parametrize("uuid", ENTRIES, ids="{:04x}".format)
@given(payloads=st.lists(st.binary(max_size=40), min_size=1, max_size=3))
@example(payloads=[b""])
def test_no_octets_make_a_decoder_raise_anything_but_decode_error(uuid: int, payloads: list[bytes]) -> None:
    with suppress(DecodeError):
        assert json.dumps(decode_json(uuid, payloads)).startswith("[{")


@given(flags=u16, rest=st.binary(max_size=40))
def test_no_flags_and_length_make_treadmill_data_raise_anything_but_decode_error(
    flags: int, rest: bytes
) -> None:
    frame = flags.to_bytes(2, "little") + rest
    if not flags & 1 and len(rest) < 2:
        with pytest.raises(DecodeError, match=r"^instantaneous_speed was cut"):
            treadmill_data.decode(frame)
    else:
        data = treadmill_data.decode(frame)
        assert (data.instantaneous_speed is None) == data.more_data == bool(flags & 1)
