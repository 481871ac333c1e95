"""The server's test cases of the Bluetooth SIG, FTMS.TS.p6, as far as they are a treadmill's.

Not here: cases of other machines; SDP/BV-01 (no BR/EDR); CHA/BV-16 and ISFC/BV-01 (Feature with Indicate is
for bonding servers whose features change, and this one does neither).
"""

import asyncio

import pytest
from tests.conformance.conftest import Play
from tests.conformance.lab import Lab, need
from tests.conformance.tester import CONTROL, STATUS, LowerTester

from blefit import uuids
from blefit.ftms.treadmill_data import RecordJoiner, TreadmillData, decode

DATA, TRAINING, FEATURE = uuids.TREADMILL_DATA, uuids.TRAINING_STATUS, uuids.FITNESS_MACHINE_FEATURE


def case(name: str, *values: object) -> object:
    return pytest.param(*values, id=f"FTMS/SR/{name}")


@pytest.mark.parametrize("number", [case("SGGIT/SER/BV-01", uuids.FITNESS_MACHINE_SERVICE)])
def test_there_is_one_primary_service(play: Play, number: int) -> None:
    async def scene(lab: Lab) -> None:
        assert len((await lab.tester()).services(number)) == 1

    play(scene)


@pytest.mark.parametrize(
    ("number", "properties"),
    [
        case("SGGIT/CHA/BV-01", 0x2ACC, 0x02),
        case("SGGIT/CHA/BV-02", 0x2ACD, 0x10),
        case("SGGIT/CHA/BV-08", 0x2AD3, 0x12),
        case("SGGIT/CHA/BV-09", 0x2AD4, 0x02),
        case("SGGIT/CHA/BV-10", 0x2AD5, 0x02),
        case("SGGIT/CHA/BV-11", 0x2AD6, 0x02),
        case("SGGIT/CHA/BV-12", 0x2AD8, 0x02),
        case("SGGIT/CHA/BV-13", 0x2AD7, 0x02),
        case("SGGIT/CHA/BV-14", 0x2AD9, 0x28),
        case("SGGIT/CHA/BV-15", 0x2ADA, 0x10),
    ],
)
def test_each_characteristic_is_there_once_with_its_properties(
    play: Play, number: int, properties: int
) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.tester()
        need(tester, number)
        assert tester.find(number).properties == properties

    play(scene)


@pytest.mark.parametrize(
    ("number", "shortest", "longest"),
    [
        case("CR/BV-01", 0x2ACC, 8, 8),
        case("CR/BV-02", 0x2AD3, 2, 512),
        case("CR/BV-03", 0x2AD4, 6, 6),
        case("CR/BV-04", 0x2AD5, 6, 6),
        case("CR/BV-05", 0x2AD6, 6, 6),
        case("CR/BV-06", 0x2AD8, 6, 6),
        case("CR/BV-07", 0x2AD7, 3, 3),
    ],
)
def test_each_value_has_its_length(play: Play, number: int, shortest: int, longest: int) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.tester()
        need(tester, number)
        value = await tester.read(number)
        assert shortest <= len(value) <= longest
        if number == FEATURE:
            assert not int.from_bytes(value[:4], "little") >> 17, "reserved bits are 0"
            assert not int.from_bytes(value[4:], "little") >> 17, "reserved bits are 0"

    play(scene)


@pytest.mark.parametrize(
    ("number", "enabled"),
    [
        case("CON/BV-01", 0x2ACD, "01 00"),
        case("CON/BV-07", 0x2AD3, "01 00"),
        case("CON/BV-08", 0x2AD9, "02 00"),
        case("CON/BV-09", 0x2ADA, "01 00"),
    ],
)
def test_each_cccd_holds_what_is_written(play: Play, number: int, enabled: str) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.tester()
        need(tester, number)
        cccd = tester.cccd(number)
        for octets in (bytes.fromhex(enabled), b"\0\0"):
            await cccd.write_value(octets, with_response=True)
            assert await cccd.read_value() == octets

    play(scene)


async def record(lab: Lab, tester: LowerTester) -> tuple[TreadmillData, int]:
    """The next whole record, and the flags of all its parts."""
    joiner, flags, read = RecordJoiner(), 0, len(tester.told(DATA))
    while await lab.comes(lambda after=read: len(tester.told(DATA)) > after):  # type: ignore[misc]  # the default binds it
        frame = bytes.fromhex(tester.told(DATA)[read])
        read += 1
        flags |= int.from_bytes(frame[:2], "little") & ~1
        if whole := joiner.feed(decode(frame)):
            return whole, flags
    raise AssertionError("no record came")


@pytest.mark.parametrize(
    ("feature", "flag"),
    [
        case("CN/BV-01", None, None),
        case("CN/BV-02", 0, 1),
        case("CN/BV-03", 2, 2),
        case("CN/BV-04", 3, 3),
        case("CN/BV-05", 4, 4),
        case("CN/BV-06", 5, 5),
        case("CN/BV-07", 9, 7),
        case("CN/BV-08", 10, 8),
        case("CN/BV-09", 11, 9),
        case("CN/BV-10", 13, 11),
        case("CN/BV-11", 15, 12),
    ],
)
def test_each_field_is_in_the_record(play: Play, feature: int | None, flag: int | None) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.tester(DATA)
        if feature is not None and not int.from_bytes(await tester.read(FEATURE), "little") >> feature & 1:
            pytest.skip("this machine does not claim it")
        whole, flags = await record(lab, tester)
        assert whole.instantaneous_speed is not None
        assert flag is None or flags >> flag & 1
        assert not whole.trailing
        await tester.unsubscribe(DATA)
        await asyncio.sleep(0.5)
        heard = len(tester.told(DATA))
        await asyncio.sleep(1.5)
        assert len(tester.told(DATA)) == heard, "nothing comes once it is disabled"

    play(scene)


@pytest.mark.parametrize("seconds", [case("CN/BV-12", 10)])
def test_elapsed_time_goes_on_while_nobody_is_connected(play: Play, seconds: int) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.commander(DATA)
        await tester.run("07")
        await asyncio.sleep(5)
        before, _ = await record(lab, tester)
        await tester.leave()
        await asyncio.sleep(seconds)
        after, _ = await record(lab, await lab.tester(DATA))
        if before.elapsed_time is None or after.elapsed_time is None:
            pytest.skip("this machine does not claim it")
        assert after.elapsed_time - before.elapsed_time >= 9

    play(scene)


STRING = "Quick start. Keep to the middle of the belt."


@pytest.mark.parametrize(
    ("string", "mtu", "flags"),
    [
        case("TSN/BV-01", "", 23, 0),
        case("TSN/BV-02", "Quick start", 23, 1),
        case("TSN/BV-03", STRING, 23, 3),
    ],
)
def test_training_status_is_notified(play: Play, string: str, mtu: int, flags: int) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.tester(TRAINING)
        await lab.act("start")
        assert await lab.comes(lambda: bool(tester.told(TRAINING)))
        notified = bytes.fromhex(tester.told(TRAINING)[0])
        assert notified[0] == flags
        assert notified[2:] == string.encode()[: mtu - 5]
        value = await tester.read(TRAINING)
        assert value[1:] == notified[1:2] + string.encode()

    play(scene, **({"telemetry": {"training_status_string": string}} if string else {}))


@pytest.mark.parametrize(
    ("before", "act", "status"),
    [
        case("FMSN/BV-02", ("start",), "stop", "02 01"),
        case("FMSN/BV-03", ("start",), "pause", "02 02"),
        case("FMSN/BV-04", ("start",), "key-out", "03"),
        case("FMSN/BV-05", (), "start", "04"),
        case("FMSN/BV-06", ("start", None), "speed 2", "05 c8 00"),
    ],
)
def test_what_a_person_does_is_told(
    play: Play, before: tuple[str | None, ...], act: str, status: str
) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.tester(STATUS)
        for step in before:
            if step is None:
                await asyncio.sleep(4)
            else:
                await lab.act(step)
        await lab.act(act)
        assert await lab.comes(lambda: status in tester.told(STATUS))

    play(scene)


TARGETS = [
    ("03 0a 00", "06 0a 00", "BV-07", "BV-04"),
    ("04 32 00", "07 32 00", "BV-25", "BV-05"),
    ("05 64 00", "08 64 00", "BV-09", "BV-06"),
    ("06 78", "09 78", "BV-10", "BV-07"),
    ("09 64 00", "0a 64 00", "BV-11", "BV-11"),
    ("0a d0 07", "0b d0 07", "BV-12", "BV-12"),
    ("0b e8 03", "0c e8 03", "BV-13", "BV-13"),
    ("0c 10 27 00", "0d 10 27 00", "BV-14", "BV-14"),
    ("0d 58 02", "0e 58 02", "BV-15", "BV-15"),
    ("0e 2c 01 58 02", "0f 2c 01 58 02", "BV-16", "BV-16"),
    ("0f 2c 01 58 02 3c 00", "10 2c 01 58 02 3c 00", "BV-17", "BV-17"),
    ("10 3c 00 3c 00 3c 00 3c 00 3c 00", "11 3c 00 3c 00 3c 00 3c 00 3c 00", "BV-18", "BV-18"),
]
"""Request, status, and the numbers of the two cases that are about it (FMSN, CW)."""


@pytest.mark.parametrize(
    ("requests", "status"),
    [
        case("FMSN/BV-01", ("01",), "01"),
        *(case(f"FMSN/{name}", (request,), status) for request, status, name, _ in TARGETS),
        case("FMSN/BV-24", ("02 2c 01",), "05 2c 01"),
        case("FMSN/BV-24 start", ("07",), "04"),
        case("FMSN/BV-24 pause", ("07", "08 02"), "02 02"),
    ],
)
def test_what_a_client_does_is_told_to_the_other_clients_only(
    play: Play, requests: tuple[str, ...], status: str
) -> None:
    async def scene(lab: Lab) -> None:
        commander = await lab.commander(STATUS)
        others = [await lab.tester(STATUS) for _ in range(2)]
        for request in requests:
            assert (await commander.ask(request))[-2:] == "01"
        for other in others:
            assert await lab.comes(lambda other=other: other.told(STATUS)[-1:] == [status])  # type: ignore[misc]  # the default binds it
        assert commander.told(STATUS) == []

    play(scene)


@pytest.mark.parametrize("status", [case("FMSN/BV-23", "ff")])
def test_who_loses_control_is_told(play: Play, status: str) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.commander(STATUS)
        await lab.act("take-control")
        assert await lab.comes(lambda: tester.told(STATUS) == [status])
        assert await tester.ask("07") == "80 07 05"

    play(scene)


SETTINGS = {0x03: 1, 0x04: 2, 0x05: 3, 0x06: 4} | {op: op - 4 for op in range(0x09, 0x11)}
"""The Target Setting bit of each operation that needs one."""


async def claims(tester: LowerTester, request: str) -> bool:
    """The machine's Feature has the bit of that operation."""
    bit = SETTINGS.get(int(request[:2], 16))
    return bit is None or bool(int.from_bytes((await tester.read(FEATURE))[4:], "little") >> bit & 1)


@pytest.mark.parametrize(
    "requests",
    [
        case("CW/BV-01", ("00",)),
        case("CW/BV-02", ("01",)),
        case("CW/BV-03", ("02 2c 01",)),
        *(case(f"CW/{name}", (request,)) for request, _, _, name in TARGETS),
        case("CW/BV-08", ("07",)),
        case("CW/BV-09", ("07", "08 01")),
        case("CW/BV-10", ("07", "08 02")),
    ],
)
def test_each_operation_is_answered_with_success(play: Play, requests: tuple[str, ...]) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.commander()
        for request in requests:
            if not await claims(tester, request):
                pytest.skip("this machine does not claim it")
            assert await tester.ask(request) == f"80 {request[:2]} 01"

    play(scene)


@pytest.mark.parametrize(
    ("requests", "answer"),
    [
        case("SPE/BV-01", ("00", "07", "07"), "80 07 04"),
        case("SPE/BV-02", ("00", "07", "08 01", "08 01"), "80 08 04"),
        case("SPE/BV-03", ("81",), "80 81 02"),
        case("SPE/BV-04", ("00", "02 ff ff"), "80 02 03"),
        case("SPE/BI-05 below", ("00", "03 00 80"), "80 03 03"),
        case("SPE/BI-05 above", ("00", "03 ff 7f"), "80 03 03"),
        case("SPE/BI-06", ("00", "04 ff 7f"), "80 04 03"),
        case("SPE/BI-07", ("00", "05 ff 7f"), "80 05 03"),
        case("SPE/BI-08 below", ("00", "06 00"), "80 06 03"),
        case("SPE/BI-08 above", ("00", "06 ff"), "80 06 03"),
        case("SPE/BV-09", ("07",), "80 07 05"),
    ],
)
def test_each_mistake_has_its_result_code(play: Play, requests: tuple[str, ...], answer: str) -> None:
    async def scene(lab: Lab) -> None:
        tester = await lab.tester(CONTROL)
        if not await claims(tester, requests[-1]):
            pytest.skip("this machine does not claim it")
        assert [await tester.ask(request) for request in requests][-1] == answer

    play(scene)
