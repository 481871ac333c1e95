"""What the SIG's suite leaves out, and a client relies on."""

import asyncio

import pytest
from tests.conformance.conftest import EVERYTHING, Play
from tests.conformance.lab import Lab
from tests.conformance.tester import CONTROL, STATUS, LowerTester

from blefit import uuids
from blefit.ftms.treadmill_data import RecordJoiner, TreadmillData, decode

DATA, FEATURE = uuids.TREADMILL_DATA, uuids.FITNESS_MACHINE_FEATURE


def test_01_a_write_without_indications_enabled_is_att_error_fd(play: Play) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.commander()
        await tester.unsubscribe(CONTROL)
        assert await tester.write("07") == "att fd"

    play(scene)


def test_02_a_write_into_a_procedure_is_att_error_fe_and_does_not_disturb_it(play: Play) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.commander()
        tester.confirms = False
        assert await tester.write("07") == ""
        assert await tester.write("08 01") == "att fe"
        assert await tester.answer() == "80 07 01"

    play(scene)


@pytest.mark.parametrize("seconds", [31])
def test_03_without_a_confirmation_a_procedure_never_ends_on_that_link_and_is_gone_with_it(
    play: Play, seconds: int
) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.commander()
        tester.confirms = False
        assert await tester.ask("07") == "80 07 01"
        await asyncio.sleep(seconds)
        assert await tester.write("08 01") == "att fe"
        await tester.leave()
        again = await lab.commander()
        await again.run("08 01")

    play(scene)


def test_04_the_second_client_takes_control_over_and_the_first_is_told(play: Play) -> None:
    async def scene(lab: Lab) -> None:
        first = await lab.commander(STATUS)
        second = await lab.commander(STATUS)
        assert await lab.comes(lambda: first.told(STATUS) == ["ff"])
        assert second.told(STATUS) == []
        assert await first.ask("07") == "80 07 05"
        await second.run("07")
        await second.leave()
        assert await first.ask("08 01") == "80 08 05", "nobody inherits it"
        await first.run("00", "08 01")

    play(scene)


def test_05_reset_ends_the_permission(play: Play) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.commander()
        await tester.run("01")
        assert await tester.ask("07") == "80 07 05"
        await tester.run("00", "07")

    play(scene)


@pytest.mark.parametrize(
    ("octets", "answer"),
    [
        pytest.param("", "att 0d", id="06 nothing"),
        pytest.param("07" + " 00" * 19, "att 0d", id="07 over-long"),
        pytest.param("08 00", "80 08 03", id="08 stop 00"),
        pytest.param("08 03", "80 08 03", id="09 stop 03"),
        pytest.param("08", "80 08 03", id="09 stop without its parameter"),
        pytest.param("02 2c", "80 02 03", id="09 half a speed"),
        pytest.param("02 2c 01 00", "80 02 03", id="09 an octet too many"),
        pytest.param("07 01", "80 07 03", id="09 start with a parameter"),
        pytest.param("11" + " 00" * 6, "80 11 02", id="09 a bike's operation"),
        pytest.param("7f", "80 7f 02", id="09 a reserved operation"),
    ],
)
def test_a_write_that_is_no_request_is_refused(play: Play, octets: str, answer: str) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.commander()
        await tester.run("07")
        assert await tester.ask(octets) == answer
        await tester.run("08 01")

    play(scene)


def frames(tester: LowerTester) -> list[bytes]:
    return [bytes.fromhex(octets) for octets in tester.told(DATA)]


def test_10_after_a_link_lost_between_the_parts_of_a_record_the_next_one_is_whole(play: Play) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.tester(DATA)
        assert await lab.comes(lambda: bool(frames(tester)))
        await tester.leave()
        again = await lab.tester(DATA)
        assert await lab.comes(lambda: len(frames(again)) > 3)
        joiner = RecordJoiner()
        records = [record for frame in frames(again) if (record := joiner.feed(decode(frame)))]
        present = [
            [name for name in record._fields if getattr(record, name) is not None] for record in records
        ]
        assert present[0] == present[-1]

    play(scene)


@pytest.mark.parametrize(
    ("quirk", "field"),
    [
        pytest.param({"extra_flags": 0xC000}, "instantaneous_speed", id="11 reserved flags"),
        pytest.param({"trailing": "de ad be"}, "trailing", id="12 octets after the record"),
    ],
)
def test_a_machine_can_be_made_to_send_what_a_client_must_ignore(
    play: Play, quirk: dict[str, object], field: str
) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.tester(DATA)
        await tester.mtu(100)
        assert await lab.comes(lambda: bool(frames(tester)))
        record = decode(frames(tester)[-1])
        assert isinstance(record, TreadmillData)
        assert record.instantaneous_speed == 0
        assert record.elapsed_time == 0
        assert getattr(record, field) == {"instantaneous_speed": 0, "trailing": b"\xde\xad\xbe"}[field]

    play(scene, telemetry=quirk)


def test_13_every_answer_is_to_the_operation_asked_and_none_comes_unasked(play: Play) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.commander()
        asked = ["07", "02 c8 00", "08 02", "07", "08 01", "01"]
        answers = [await tester.ask(request) for request in asked]
        assert [answer[3:5] for answer in answers] == [request[:2] for request in asked]
        await asyncio.sleep(2)
        assert len(tester.told(CONTROL)) == 1 + len(asked)

    play(scene)


def test_whoever_comes_and_goes_the_others_hear_everything_once(play: Play) -> None:
    async def scene(lab: Lab) -> None:
        one, two = await lab.tester(DATA), await lab.tester(DATA)
        assert await lab.comes(lambda: bool(frames(one) and frames(two)))
        before = len(frames(one))
        await two.leave()
        await asyncio.sleep(5)
        joined = RecordJoiner()
        records = [record for frame in frames(one)[before:] if (record := joined.feed(decode(frame)))]
        assert len(records) == pytest.approx(20, abs=2)

    play(scene)


GOALS = {
    "resistance": "04 32 00",
    "power": "05 64 00",
    "heart_rate": "06 78",
    "expended_energy": "09 64 00",
} | {
    "step_number": "0a d0 07",
    "stride_number": "0b e8 03",
    "distance": "0c 10 27 00",
    "training_time": "0d 58 02",
    "time_in_two_hr_zones": "0e" + " 3c 00" * 2,
    "time_in_three_hr_zones": "0f" + " 3c 00" * 3,
    "time_in_five_hr_zones": "10" + " 3c 00" * 5,
}


@pytest.mark.parametrize("goal", GOALS)
def test_each_target_setting_can_be_switched_off(play: Play, goal: str) -> None:
    bit = 2 + list(GOALS).index(goal)
    ranges = {"resistance": 0x2AD6, "power": 0x2AD8}

    async def scene(lab: Lab) -> None:
        tester = await lab.commander()
        settings = int.from_bytes((await tester.read(FEATURE))[4:], "little")
        assert settings == 0b1_1111_1111_1111 & ~(1 << bit)
        assert await tester.ask(GOALS[goal]) == f"80 {GOALS[goal][:2]} 02"
        if goal in ranges:
            assert not tester.has(ranges[goal])

    play(scene, control={"goals": [one for one in GOALS if one != goal]})


FIELDS = EVERYTHING["telemetry"]["fields"]
FEATURE_BITS = (0, 2, 3, 4, 5, 9, 10, 11, 12, 13, 15)


@pytest.mark.parametrize("field", FIELDS)
def test_each_feature_can_be_switched_off(play: Play, field: str) -> None:
    bit = FEATURE_BITS[FIELDS.index(field)]

    async def scene(lab: Lab) -> None:
        tester = await lab.tester()
        features = int.from_bytes((await tester.read(FEATURE))[:4], "little")
        assert features == sum(1 << one for one in FEATURE_BITS if one != bit)

    play(scene, telemetry={"fields": [one for one in FIELDS if one != field]})


@pytest.mark.parametrize(
    ("changes", "absent"),
    [
        ({"telemetry": {"training_status": False}}, {0x2AD3}),
        ({"ranges": {"maximum_incline_percent": 0.0}}, {0x2AD5}),
        ({"control": {"controllable": False}}, {0x2AD6, 0x2AD8, CONTROL, STATUS}),
        ({"attributes": {"absent": ["2AD4"]}}, {0x2AD4}),
    ],
)
def test_each_optional_characteristic_can_be_switched_off(
    play: Play, changes: dict[str, dict[str, object]], absent: set[int]
) -> None:
    every = {0x2ACC, 0x2ACD, 0x2AD3, 0x2AD4, 0x2AD5, 0x2AD6, 0x2AD7, 0x2AD8, CONTROL, STATUS}

    async def scene(lab: Lab) -> None:
        tester = await lab.tester()
        assert {number for number in every if not tester.has(number)} == absent

    play(scene, **changes)


def test_a_training_time_is_counted_down_and_reset_forgets_it(play: Play) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.commander(DATA)
        await tester.mtu(100)
        await tester.run("0d 58 02", "07")
        await asyncio.sleep(8)
        record = decode(frames(tester)[-1])
        assert record.elapsed_time in range(4, 7)
        assert record.remaining_time == 600 - record.elapsed_time
        await tester.run("01")
        await asyncio.sleep(1)
        assert decode(frames(tester)[-1]).remaining_time == 0

    play(scene)
