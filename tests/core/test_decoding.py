"""What notifications say, characteristic by characteristic; what they do not say is told, never raised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blefit.ftms.machine_status import MachineStatus
from retrowalk.core.decoding import Decoder, Garbled
from retrowalk.core.model import Answer, Characteristic, Notified, Pulse, Record, Status, Steps, Training


def heard(characteristic: Characteristic, *frames: str) -> list[object]:
    decoder = Decoder()
    return [
        found for frame in frames for found in decoder.feed(Notified(1, characteristic, bytes.fromhex(frame)))
    ]


@pytest.mark.parametrize(
    ("characteristic", "frame", "kind"),
    [
        (Characteristic.TREADMILL_DATA, "0000 9600", Record),
        (Characteristic.MACHINE_STATUS, "0201", Status),
        (Characteristic.TRAINING_STATUS, "0001", Training),
        (Characteristic.CONTROL_POINT, "800001", Answer),
        (Characteristic.HEART_RATE, "0650", Pulse),
        (Characteristic.RSC_MEASUREMENT, "00 0001 5a", Steps),
    ],
)
def test_each_characteristic_has_its_own_meaning(
    characteristic: Characteristic, frame: str, kind: type
) -> None:
    (found,) = heard(characteristic, frame)
    assert type(found) is kind


def test_a_cadence_of_zero_is_no_step() -> None:
    assert heard(Characteristic.RSC_MEASUREMENT, "00 0001 00") == []


def test_the_parts_of_a_split_record_are_one() -> None:
    (record,) = heard(Characteristic.TREADMILL_DATA, "0500 0a0000", "0000 9600")
    assert isinstance(record, Record)
    assert (record.data.instantaneous_speed, record.data.total_distance) == (150, 10)


def test_what_is_garbled_between_the_parts_of_a_record_takes_none_of_them_away() -> None:
    decoder = Decoder()
    frames = [
        (Characteristic.TREADMILL_DATA, "0500 0a0000"),
        (Characteristic.MACHINE_STATUS, "0510"),
        (Characteristic.TREADMILL_DATA, "0000 9600"),
    ]
    *_, record = [
        found for kind, frame in frames for found in decoder.feed(Notified(1, kind, bytes.fromhex(frame)))
    ]
    assert isinstance(record, Record)
    assert record.data.total_distance == 10


def test_half_a_record_of_one_connection_is_no_part_of_the_next_ones() -> None:
    assert heard(Characteristic.TREADMILL_DATA, "0500 0a0000") == []
    (record,) = heard(Characteristic.TREADMILL_DATA, "0000 9600")
    assert isinstance(record, Record)
    assert record.data.total_distance is None


@pytest.mark.parametrize("characteristic", list(Characteristic))
@given(frame=st.binary(max_size=40))
def test_no_octets_are_an_exception(characteristic: Characteristic, frame: bytes) -> None:
    for found in Decoder().feed(Notified(1, characteristic, frame)):
        assert not isinstance(found, Garbled) or (found.hex == frame.hex() and found.reason)


@pytest.mark.parametrize(("frame", "op"), [("0510", 5), ("02", 2), ("0d64", 13)])
def test_what_is_cut_of_a_status_is_still_its_kind(frame: str, op: int) -> None:
    status, garbled = heard(Characteristic.MACHINE_STATUS, frame)
    assert status == Status(MachineStatus(op))
    assert isinstance(garbled, Garbled)
    assert garbled.uuid == "2ada"


@pytest.mark.parametrize(
    ("frame", "pulse"), [("0650", Pulse(80, True)), ("0450", Pulse(80, False)), ("0050", Pulse(80, None))]
)
def test_a_pulse_says_whether_the_skin_is_touched(frame: str, pulse: Pulse) -> None:
    assert heard(Characteristic.HEART_RATE, frame) == [pulse]


def test_what_is_garbled_says_where_and_why() -> None:
    (garbled,) = heard(Characteristic.HEART_RATE, "06")
    assert isinstance(garbled, Garbled)
    assert (garbled.uuid, garbled.hex) == ("2a37", "06")
    assert "heart_rate" in garbled.reason
