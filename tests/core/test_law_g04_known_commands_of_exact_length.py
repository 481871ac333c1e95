"""G4: a frame must decode to a known command of exact length."""

from itertools import product

import pytest
from tests.core.desk import Desk

from blefit.units import Incline, Speed
from retrowalk.core.authority import parse
from retrowalk.core.exchange import encode
from retrowalk.core.model import Command, RequestControl, Start, Stop, Target, TargetIncline

KNOWN: dict[str, Command] = {
    "00": RequestControl(),
    "07": Start(),
    "08 01": Stop(),
    "02 50 00": Target(Speed(80)),
    "02 ff ff": Target(Speed(0xFFFF)),
    "03 05 00": TargetIncline(Incline(5)),
    "03 ff ff": TargetIncline(Incline(-1)),
}


@pytest.mark.parametrize(("frame", "command"), KNOWN.items())
def test_known_frames_are_read_and_written_alike(frame: str, command: Command) -> None:
    assert parse(bytes.fromhex(frame)) == command
    assert encode(command) == bytes.fromhex(frame)


@pytest.mark.parametrize(
    "frame",
    [
        "", "00 00", "07 00", "08", "08 00", "08 02", "08 03", "08 01 00", "02", "02 50", "02 50 00 00",
        "03", "03 05", "03 05 00 00", "01", "04 01", "05 0a 00", "0c 00 00 00", "13 01", "80 00 01", "ff",
    ],
)  # fmt: skip
def test_everything_else_is_refused(frame: str) -> None:
    desk = Desk().at(100)
    assert desk.review(bytes.fromhex(frame)) == "G4"


def test_of_all_frames_of_one_and_two_octets_only_three_are_known() -> None:
    one = [bytes([a]) for a in range(256)]
    two = [bytes(pair) for pair in product(range(256), repeat=2)]
    known = [frame for frame in one + two if parse(frame) is not None]
    assert known == [b"\x00", b"\x07", b"\x08\x01"]


def test_no_op_code_but_those_of_targets_takes_three_octets() -> None:
    assert [op for op in range(256) if parse(bytes([op, 0x50, 0x00])) is not None] == [2, 3]


@pytest.mark.parametrize(("speed", "law"), [(0x5000, "G5"), (0x0050, "")])
def test_octets_in_the_wrong_order_are_caught_by_the_cap(speed: int, law: str) -> None:
    desk = Desk().moving()
    assert desk.review(b"\x02" + speed.to_bytes(2, "little")) == law
