"""The simulated treadmill on the air, met by bleak over the virtual radio, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakGATTProtocolError

from blefit import uuids
from blefit.ftms.treadmill_data import RecordJoiner, decode
from retrowalk.machines import load_machine
from retrowalk.sim.loops import virtual_loop
from retrowalk.sim.machines import quirks_of
from retrowalk.sim.model.quirks import ControlQuirks, LinkQuirks, Quirks
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks
from retrowalk.sim.model.treadmill import Treadmill
from retrowalk.sim.peripheral import Peripheral
from retrowalk.sim.radio import Radio

OF_EVERY_KIND = (
    "spec", "t318", "urevo-e1l", "citysports-wp8", "cut-20", "split", "grid-0.5", "star-trac", "matrix-ctm",
    "more-flags", "bike-data", "yesoul-w2-pro", "toputure-tp1", "fs-6041f1", "anplus",
)  # fmt: skip
SERVICE = uuids.full(uuids.FITNESS_MACHINE_SERVICE)
CONTROL = uuids.full(uuids.FITNESS_MACHINE_CONTROL_POINT)
DATA = uuids.full(uuids.TREADMILL_DATA)


@dataclass
class Room:
    """A radio with one treadmill on it."""

    radio: Radio
    peripheral: Peripheral
    heard: list[str] = field(default_factory=list)
    """What came and what was done, in order, without Treadmill Data."""

    @property
    def treadmill(self) -> Treadmill:
        return self.peripheral.treadmill

    async def scan(self) -> Any:
        """The advertisement of the treadmill, None if it is not heard."""
        found = await BleakScanner.discover(1, backend=self.radio.backend.scanner, return_adv=True)
        return next(iter(found.values()), (None, None))[1]

    async def client(self, on_loss: Callable[[BleakClient], None] | None = None) -> BleakClient:
        """A new connection, with everything that sends subscribed."""
        found = await BleakScanner.discover(1, backend=self.radio.backend.scanner)
        client = BleakClient(found[0], on_loss, backend=self.radio.backend.client)
        await client.connect()
        for characteristic in client.services.get_service(SERVICE).characteristics:
            if {"notify", "indicate"} & set(characteristic.properties) and characteristic.uuid != DATA:
                await client.start_notify(
                    characteristic, lambda _, octets: self.heard.append(octets.hex(" "))
                )
        return client

    async def ask(self, client: BleakClient, octets: str, wait: float = 0.2) -> None:
        """Write the Control Point, note when the write is through, and wait for what comes."""
        properties = client.services.get_characteristic(CONTROL).properties
        await client.write_gatt_char(CONTROL, bytes.fromhex(octets), response="write" in properties)
        self.heard.append(f"written {octets}")
        await asyncio.sleep(wait)


@asynccontextmanager
async def room(quirks: Quirks) -> AsyncIterator[Room]:
    radio = Radio()
    device = await radio.peripheral_device(quirks.link.name, "C0:00:00:00:00:01")
    treadmill = Treadmill(quirks)
    async with Peripheral(treadmill, device, lambda: radio.cut(device)) as peripheral:
        yield Room(radio, peripheral)


Scene = Callable[[Room], Awaitable[None]]


def play(scene: Scene, quirks: Quirks | None = None) -> None:
    """Run a scene in virtual time, in a room with one treadmill."""

    async def main() -> None:
        async with room(quirks or Quirks()) as scenery:
            await scene(scenery)

    run(main())


def run(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        runner.run(main)


def test_it_advertises_service_name_and_that_it_is_free() -> None:
    async def scene(room: Room) -> None:
        heard = await room.scan()
        assert heard.local_name == "retrowalk spec"
        assert heard.service_uuids == [SERVICE]
        assert heard.service_data == {SERVICE: bytes.fromhex("01 01 00")}

    play(scene)


def test_the_longest_name_and_no_service_data_fit_the_air_too() -> None:
    async def scene(room: Room) -> None:
        heard = await room.scan()
        assert (heard.local_name, heard.service_data) == ("n" * 29, {})

    play(scene, Quirks(link=LinkQuirks(name="n" * 29, service_data=False)))


def test_it_is_gone_from_the_air_while_connected_and_back_afterwards() -> None:
    async def scene(room: Room) -> None:
        client = await room.client()
        assert await room.scan() is None
        await client.disconnect()
        assert (await room.scan()).service_data == {SERVICE: bytes.fromhex("01 01 00")}
        room.radio.cut(room.peripheral.device)
        assert await room.scan() is not None

    play(scene)


def test_one_that_takes_two_clients_says_that_it_is_in_use() -> None:
    async def scene(room: Room) -> None:
        await room.client()
        assert (await room.scan()).service_data == {SERVICE: bytes.fromhex("00 01 00")}

    play(scene, Quirks(link=LinkQuirks(connections=2)))


def test_every_characteristic_has_the_properties_of_the_specification_and_keeps_to_them() -> None:
    expected = {
        0x2ACC: "read", 0x2AD4: "read", 0x2AD5: "read", 0x2AD7: "read",
        0x2ACD: "notify", 0x2AD3: "read notify", 0x2AD9: "write indicate", 0x2ADA: "notify",
        0x2A29: "read", 0x2A24: "read", 0x2A25: "read", 0x2A26: "read",
    }  # fmt: skip

    async def scene(room: Room) -> None:
        client = await room.client()
        for number, properties in expected.items():
            characteristic = client.services.get_characteristic(uuids.full(number))
            assert set(characteristic.properties) == set(properties.split())
            if "read" in properties:
                assert await client.read_gatt_char(characteristic)
            else:
                with pytest.raises(BleakGATTProtocolError, match="Read Not Permitted"):
                    await client.read_gatt_char(characteristic)
            if "write" not in properties:
                with pytest.raises(BleakGATTProtocolError, match="Write Not Permitted"):
                    await client.write_gatt_char(characteristic, b"\0", response=True)

    play(scene)


def test_a_session_from_control_to_rest() -> None:
    async def scene(room: Room) -> None:
        client = await room.client()
        await room.ask(client, "00")
        await room.ask(client, "07", wait=10)
        await room.ask(client, "02 c8 00", wait=10)
        assert room.treadmill.belt.speed == 200
        await room.ask(client, "08 01", wait=10)
        assert room.treadmill.belt.speed == 0
        assert room.heard == [
            "written 00", "80 00 01",
            "written 07", "00 0e", "80 07 01", "00 0d",
            "written 02 c8 00", "80 02 01",
            "written 08 01", "00 0f", "80 08 01",
        ]  # fmt: skip

    play(scene)


def test_att_errors_come_with_their_codes() -> None:
    async def scene(room: Room) -> None:
        client = await room.client()
        await client.write_gatt_char(CONTROL, b"\x00", response=True)
        with pytest.raises(BleakGATTProtocolError) as busy:
            await client.write_gatt_char(CONTROL, b"\x07", response=True)
        assert busy.value.code == 0xFE
        await asyncio.sleep(1)
        await client.stop_notify(CONTROL)
        with pytest.raises(BleakGATTProtocolError) as unsubscribed:
            await client.write_gatt_char(CONTROL, b"\x07", response=True)
        assert unsubscribed.value.code == 0xFD

    play(scene)


@pytest.mark.parametrize(
    ("machine", "heard"),
    [
        ("grid-0.5", ["80 00 01", "written 00"]),
        ("grid-0.32", ["written 00", "80 00 01"]),
        ("spec", ["written 00", "80 00 01"]),
    ],
)
def test_answers_come_before_or_after_the_write_response(machine: str, heard: list[str]) -> None:
    async def scene(room: Room) -> None:
        await room.ask(await room.client(), "00")
        assert room.heard == heard

    play(scene, quirks_of(load_machine(machine)))


def test_four_records_a_second_arrive_each_once_whatever_the_size_of_the_link() -> None:
    async def scene(room: Room) -> None:
        client = await room.client()
        joiner, records = RecordJoiner(), []

        def on_data(_: object, octets: bytearray) -> None:
            if record := joiner.feed(decode(bytes(octets))):
                records.append(record)

        room.treadmill.console.press("start")
        await client.start_notify(DATA, on_data)
        await asyncio.sleep(60)
        assert len(records) == pytest.approx(240, abs=1)
        assert records[-1].instantaneous_speed == 80
        assert records[-1].force_on_belt == 736
        await client.stop_notify(DATA)
        await asyncio.sleep(5)
        assert len(records) == pytest.approx(240, abs=1)

    play(scene, Quirks(telemetry=TelemetryQuirks(largest_notification=20)))
    play(scene)


def test_the_console_is_noticed_within_a_twentieth_of_a_second() -> None:
    async def scene(room: Room) -> None:
        client = await room.client()
        await room.ask(client, "00")
        room.heard.clear()
        room.treadmill.console.press("start")
        await asyncio.sleep(0.06)
        assert room.heard == ["04", "00 0e"]
        assert client.is_connected

    play(scene)


def test_drops_link_loses_the_link_and_keeps_running_and_can_be_met_again() -> None:
    async def scene(room: Room) -> None:
        loop, lost = asyncio.get_running_loop(), asyncio.Event()
        client = await room.client(lambda _: lost.set())
        await room.ask(client, "00")
        await room.ask(client, "07", wait=0)
        start = loop.time() + 3
        await lost.wait()
        assert loop.time() - start == pytest.approx(60, abs=0.2)
        assert room.treadmill.belt.speed == 80
        again = await room.client()
        await room.ask(again, "08 01")
        assert room.heard[-1] == "80 08 05", "the permission went with the link"
        await room.ask(again, "00")
        await room.ask(again, "08 01", wait=10)
        assert room.treadmill.belt.speed == 0
        assert again.is_connected

    play(scene, quirks_of(load_machine("drops-link")))


def test_a_link_lost_during_a_procedure_leaves_nothing_behind() -> None:
    async def scene(room: Room) -> None:
        for _ in range(3):
            client = await room.client()
            await client.write_gatt_char(CONTROL, b"\x00", response=True)
            room.peripheral.vanish()
            await asyncio.sleep(0.5)
            assert not client.is_connected
            await client.disconnect()
        client = await room.client()
        room.heard.clear()
        await room.ask(client, "00")
        assert room.heard == ["written 00", "80 00 01"]

    play(scene)


def test_without_a_radio_to_cut_the_link_is_closed() -> None:
    async def main() -> None:
        radio = Radio()
        device = await radio.peripheral_device("x", "C0:00:00:00:00:01")
        async with Peripheral(Treadmill(), device) as peripheral:
            room = Room(radio, peripheral)
            client = await room.client()
            peripheral.vanish()
            await asyncio.sleep(1)
            assert not client.is_connected
            assert await room.scan() is not None

    run(main())


def test_stopping_it_takes_it_off_the_air() -> None:
    async def main() -> None:
        async with room(Quirks()) as scenery:
            client = await scenery.client()
        await scenery.peripheral.stop()
        assert not client.is_connected
        assert await scenery.scan() is None

    run(main())


def test_the_treadmills_time_begins_when_it_is_switched_on_however_late() -> None:
    async def main() -> None:
        await asyncio.sleep(1e6)
        async with room(Quirks()) as scenery:
            await asyncio.sleep(10)
            assert scenery.treadmill.now == pytest.approx(10, abs=0.1)

    run(main())


def test_a_bug_in_the_simulation_is_not_lost() -> None:
    async def scene(room: Room) -> None:
        await asyncio.sleep(1)
        room.treadmill.walker.weight_kg = "heavy"  # type: ignore[assignment]  # the planted bug
        await (await room.client()).start_notify(DATA, lambda *_: None)
        await asyncio.sleep(1)

    with pytest.raises(TypeError):
        play(scene)


@pytest.mark.parametrize("name", OF_EVERY_KIND)
def test_each_machine_of_the_files_is_met_started_and_stopped_by_its_console(name: str) -> None:
    async def scene(room: Room) -> None:
        client = await room.client()
        records = []
        await client.start_notify(DATA, lambda _, octets: records.append(decode(bytes(octets))))
        await room.ask(client, "00")
        await room.ask(client, "07", wait=20)
        minimum = room.treadmill.quirks.ranges.minimum
        assert room.treadmill.belt.speed == minimum
        assert records[-1].instantaneous_speed == minimum
        room.treadmill.console.press("stop")
        await asyncio.sleep(20)
        assert room.treadmill.belt.speed == 0
        assert not room.treadmill.is_started

    play(scene, quirks_of(load_machine(name)))


def test_a_machine_without_control_point_has_no_status_either() -> None:
    async def scene(room: Room) -> None:
        client = await room.client()
        assert client.services.get_characteristic(CONTROL) is None
        assert client.services.get_characteristic(uuids.full(uuids.FITNESS_MACHINE_STATUS)) is None

    play(scene, Quirks(control=replace(ControlQuirks(), controllable=False)))
