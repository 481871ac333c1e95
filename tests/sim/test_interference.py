"""A bad radio: each kind does what it says, over both radios, and the same seed does the same again."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakDBusError, BleakGATTProtocolError

from blefit import uuids
from retrowalk.sim.interference import THROUGH, Fate, Interference, Kind
from retrowalk.sim.light import LightRadio
from retrowalk.sim.loops import virtual_loop
from retrowalk.sim.model.emissions import Client
from retrowalk.sim.model.quirks import Quirks
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks
from retrowalk.sim.model.treadmill import Treadmill
from retrowalk.sim.peripheral import Peripheral
from retrowalk.sim.radio import Radio

ADDRESS = "C0:00:00:00:00:01"
CONTROL = uuids.full(uuids.FITNESS_MACHINE_CONTROL_POINT)
DATA = uuids.full(uuids.TREADMILL_DATA)
PAYLOADS = [bytes([0x04, 0x00, number, 0x00]) for number in range(200)]


def drawn_from(seed: int) -> Interference:
    return Interference(Random(seed))  # noqa: S311  a disturbance is no secret


def heard(
    kind: Kind | None, rate: float = 0.3, *, number: int = uuids.TREADMILL_DATA, seed: int = 1
) -> list[bytes]:
    """What is heard of the payloads, one a second, in the order in which it comes."""
    interference = drawn_from(seed)
    if kind is not None:
        interference.disturb(kind, rate, until=300)
    arrivals = [
        (now + arrival.delay_s, arrival.payload)
        for now, payload in enumerate(PAYLOADS)
        for arrival in interference.on_notification(number, payload, now)
    ]
    assert sum(interference.happened.values()) == (0 if kind is None else interference.happened[kind])
    return [payload for _, payload in sorted(arrivals, key=lambda one: one[0])]


def test_without_any_everything_is_heard_at_once() -> None:
    assert heard(None) == PAYLOADS
    interference = drawn_from(1)
    assert (interference.on_write(0), interference.on_connect(0)) == (THROUGH, THROUGH)
    assert not interference.loses_link(0)
    assert not interference.deafens(0)


@pytest.mark.parametrize("kind", Kind)
def test_the_same_seed_does_the_same_and_another_something_else(kind: Kind) -> None:
    def drawn(seed: int) -> list[object]:
        interference = drawn_from(seed)
        interference.disturb(kind, 0.4, until=1000)
        return [
            (
                interference.on_notification(number, payload, now),
                interference.on_write(now),
                interference.on_connect(now),
                interference.deafens(now),
                interference.loses_link(now),
            )
            for now, payload in enumerate(PAYLOADS)
            for number in (uuids.TREADMILL_DATA, uuids.FITNESS_MACHINE_CONTROL_POINT)
        ]

    assert drawn(1) == drawn(1) != drawn(2)


def test_notifications_are_lost_doubled_reordered_spoiled_and_late() -> None:
    lost = heard(Kind.NOTIFICATION_LOST)
    assert 100 < len(lost) < 180
    assert set(lost) < set(PAYLOADS)
    doubled = heard(Kind.NOTIFICATION_DUPLICATED)
    assert 220 < len(doubled) < 300
    assert set(doubled) == set(PAYLOADS)
    for late in (Kind.NOTIFICATION_REORDERED, Kind.NOTIFICATION_DELAYED):
        assert heard(late) != PAYLOADS
        assert sorted(heard(late)) == PAYLOADS
    spoiled = [payload for payload in heard(Kind.NOTIFICATION_MALFORMED) if payload not in PAYLOADS]
    assert 20 < len(spoiled) < 100
    assert (
        {len(payload) < 4 for payload in spoiled}
        == {len(payload) > 4 for payload in spoiled}
        == {True, False}
    )
    assert heard(Kind.SILENCE, 1) == []
    assert heard(Kind.HELD, 1) == PAYLOADS


def test_the_control_points_answers_have_kinds_of_their_own() -> None:
    control = uuids.FITNESS_MACHINE_CONTROL_POINT
    assert heard(Kind.NOTIFICATION_LOST, 1, number=control) == PAYLOADS
    assert heard(Kind.ANSWER_LOST, 1) == PAYLOADS
    assert heard(Kind.ANSWER_LOST, 1, number=control) == []
    assert (
        sorted(heard(Kind.ANSWER_LATE, number=control)) == PAYLOADS != heard(Kind.ANSWER_LATE, number=control)
    )


def test_a_disturbance_ends_at_its_moment_and_at_calm() -> None:
    interference = drawn_from(1)
    interference.disturb(Kind.SCAN_IS_DEAF, until=10)
    assert [interference.deafens(now) for now in (9.99, 10, 11)] == [True, False, False]
    interference.disturb(Kind.SCAN_IS_DEAF)
    interference.lose_link_at_packet(2)
    interference.calm()
    assert not interference.deafens(0)
    assert not any(interference.loses_link(0) for _ in range(5))
    with pytest.raises(ValueError, match="let go"):
        interference.disturb(Kind.HELD, until=math.inf)


# --- over the radios ---------------------------------------------------------------------------------------


class Machine(Treadmill):
    """Keeps what is written to it."""

    def __init__(self, quirks: Quirks) -> None:
        super().__init__(quirks)
        self.written: list[bytes] = []

    def write(self, client: Client, octets: bytes, now: float) -> int | None:
        self.written.append(octets)
        return super().write(client, octets, now)


class Room:
    """A machine whose records take two notifications, on one of the radios."""

    def __init__(self, radio: LightRadio | Radio, machine: Machine) -> None:
        self.radio = radio
        self.machine = machine
        self.air = radio.interference
        self.heard: list[tuple[float, bytes]] = []
        self.ended = 0

    async def client(self) -> BleakClient:
        client = BleakClient(ADDRESS, self.count, backend=self.radio.backend.client)
        await client.connect()
        for char in (CONTROL, DATA):
            await client.start_notify(char, self.hear)
        return client

    def count(self, _: BleakClient) -> None:
        self.ended += 1

    def hear(self, _: object, octets: bytearray) -> None:
        self.heard.append((asyncio.get_running_loop().time(), bytes(octets)))


@contextlib.asynccontextmanager
async def room(*, light: bool) -> AsyncIterator[Room]:
    machine = Machine(Quirks(telemetry=TelemetryQuirks(largest_notification=20, notify_every_s=1)))
    interference = drawn_from(7)
    if light:
        radio = LightRadio(interference=interference)
        radio.put(machine, ADDRESS)
        yield Room(radio, machine)
        return
    full = Radio(interference=interference)
    device = await full.peripheral_device("x", ADDRESS)
    async with Peripheral(machine, device, lambda: full.cut(device)):
        yield Room(full, machine)


Scene = Callable[[Room], Awaitable[None]]


async def a_link_is_lost_between_the_two_parts_of_a_record(room: Room) -> None:
    client = await room.client()
    await asyncio.sleep(10)
    whole = [octets for _, octets in room.heard]
    assert len(whole) in {20, 22}
    room.air.lose_link_at_packet(4)
    await asyncio.sleep(10)
    assert len(room.heard) == len(whole) + 3
    assert not client.is_connected
    assert room.ended == 1
    assert await room.client()


async def a_link_is_lost_by_the_request_or_by_its_answer(room: Room) -> None:
    for packet, arrived in ((1, 0), (2, 1)):
        room.machine.written.clear()
        client = await room.client()
        await client.stop_notify(DATA)
        room.air.lose_link_at_packet(packet)
        with pytest.raises(BleakGATTProtocolError) as caught:
            await client.write_gatt_char(CONTROL, b"\x00", response=True)
        await asyncio.sleep(0.1)
        assert (caught.value.code, client.is_connected, len(room.machine.written)) == (0x0E, False, arrived)


async def a_write_is_refused_and_does_not_arrive(room: Room) -> None:
    client = await room.client()
    for kind, code in ((Kind.WRITE_0XFD, 0xFD), (Kind.WRITE_0XFE, 0xFE), (Kind.WRITE_0X0E, 0x0E)):
        room.air.calm()
        room.air.disturb(kind)
        with pytest.raises(BleakGATTProtocolError) as caught:
            await client.write_gatt_char(CONTROL, b"\x00", response=True)
        assert caught.value.code == code
    assert client.is_connected
    assert room.machine.written == []


async def a_write_never_completes_on_a_zombie_link(room: Room) -> None:
    for kind, arrived in ((Kind.WRITE_LOST, 0), (Kind.WRITE_UNANSWERED, 1)):
        client = await room.client()
        room.machine.written.clear()
        room.air.disturb(kind)
        began = asyncio.get_running_loop().time()
        with pytest.raises(BleakGATTProtocolError):
            await client.write_gatt_char(CONTROL, b"\x00", response=True)
        assert asyncio.get_running_loop().time() - began == pytest.approx(30, abs=0.1)
        assert (client.is_connected, len(room.machine.written)) == (True, arrived)
        room.air.calm()
        with pytest.raises(BleakDBusError, match="Not connected"):
            await client.write_gatt_char(CONTROL, b"\x00", response=True)
        await client.disconnect()


async def what_was_held_comes_at_once_and_in_order(room: Room) -> None:
    await room.client()
    now = asyncio.get_running_loop().time()
    room.heard.clear()
    room.air.disturb(Kind.HELD, until=now + 10.5)
    await asyncio.sleep(10)
    assert room.heard == []
    await asyncio.sleep(5)
    held = [octets for at, octets in room.heard if at <= now + 10.6]
    assert len(held) >= 20
    assert [octets[:1] for octets in held[::2]] != [octets[:1] for octets in held[1::2]]
    assert len({octets[:2] for octets in held[::2]}) == 1


async def connecting_fails_or_hangs_and_a_scan_is_deaf(room: Room) -> None:
    client = BleakClient(ADDRESS, timeout=7, backend=room.radio.backend.client)
    room.air.disturb(Kind.CONNECT_FAILS)
    with pytest.raises(BleakDBusError, match="le-connection-abort-by-local"):
        await client.connect()
    room.air.calm()
    room.air.disturb(Kind.CONNECT_HANGS)
    with pytest.raises(TimeoutError):
        await client.connect()
    room.air.disturb(Kind.SCAN_IS_DEAF)
    scanner = room.radio.backend.scanner
    assert await BleakScanner.discover(3, backend=scanner) == []
    room.air.calm()
    assert len(await BleakScanner.discover(3, backend=scanner)) == 1
    await client.connect()
    assert client.is_connected


SCENES: list[Scene] = [
    a_link_is_lost_between_the_two_parts_of_a_record,
    a_link_is_lost_by_the_request_or_by_its_answer,
    a_write_is_refused_and_does_not_arrive,
    a_write_never_completes_on_a_zombie_link,
    what_was_held_comes_at_once_and_in_order,
    connecting_fails_or_hangs_and_a_scan_is_deaf,
]


@pytest.mark.parametrize("light", [True, False], ids=["light", "full"])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_bad_radio(scene: Scene, light: bool) -> None:
    async def play() -> None:
        async with room(light=light) as scenery:
            await scene(scenery)

    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        runner.run(play())


def test_a_fate_is_one_of_those_named() -> None:
    interference = drawn_from(1)
    interference.disturb(Kind.WRITE_LOST)
    assert interference.on_write(0) == Fate(arrives=False, completes=False)
    assert interference.happened == {Kind.WRITE_LOST: 1}
