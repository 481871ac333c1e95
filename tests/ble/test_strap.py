"""The strap beside the treadmill: heard, lost, found again, and never in the treadmill's way."""

import asyncio
from dataclasses import replace

import pytest
from bleak import BleakClient
from bleak.exc import BleakGATTProtocolError
from bleak_retry_connector import establish_connection
from bumble.core import UUID
from bumble.gatt import Characteristic, Service
from structlog.testing import capture_logs

from retrowalk.ble.connector import Connector
from retrowalk.ble.errors import NotFound
from retrowalk.ble.kinds import STRAP
from retrowalk.ble.right_of_way import RightOfWay
from retrowalk.ble.scanner import find, scan
from retrowalk.ble.strap import Strap
from retrowalk.core.model import Connected, Pulse
from retrowalk.sim.attribute import notify
from retrowalk.sim.strap import HeartRateStrap

ADDRESS = "C0:00:00:00:01:01"


@pytest.fixture
async def worn(radio):
    """A strap in the room, worn."""
    async with HeartRateStrap(await radio.peripheral_device("Polar H10 1234", ADDRESS)) as strap:
        yield strap


class Bearer:
    """A Strap that runs, and what it posted."""

    def __init__(self, radio, target: str, right_of_way: RightOfWay | None = None) -> None:
        self.posted: list[Pulse] = []
        self.treadmill_is_up = asyncio.Event()
        self.right_of_way = right_of_way or RightOfWay()
        self.strap = Strap(
            target,
            self.posted.append,
            treadmill_is_up=self.treadmill_is_up,
            right_of_way=self.right_of_way,
            backend=radio.backend,
        )
        self.task = asyncio.create_task(self.strap.run())


@pytest.fixture
async def listening(radio):
    """Starts to listen to a strap; its treadmill is up."""
    bearers: list[Bearer] = []

    def listening(
        target: str = ADDRESS, *, up: bool = True, right_of_way: RightOfWay | None = None
    ) -> Bearer:
        bearer = Bearer(radio, target, right_of_way)
        bearers.append(bearer)
        if up:
            bearer.treadmill_is_up.set()
        return bearer

    yield listening
    for bearer in bearers:
        bearer.task.cancel()
    await asyncio.gather(*(bearer.task for bearer in bearers), return_exceptions=True)
    await asyncio.sleep(1)  # in virtual time


@pytest.mark.parametrize("target", [ADDRESS, ADDRESS.lower(), "Polar H10 1234", "polar*", "*"])
async def test_it_is_found_by_address_name_or_pattern_and_heard_every_second(worn, listening, target) -> None:
    bearer = listening(target)
    await asyncio.sleep(13)
    assert set(bearer.posted) == {Pulse(90, True)}
    assert 10 <= len(bearer.posted) <= 13


@pytest.mark.parametrize(("first", "second"), [("Polar*", ADDRESS), (ADDRESS, "Polar*"), ("Polar*", "*1234")])
async def test_a_name_never_means_the_strap_of_another_walker(worn, listening, first, second) -> None:
    """Its contact would be a sign of a walker who has left. Who asks by address gets it."""
    way = RightOfWay()
    bearers = [listening(target, up=False, right_of_way=way) for target in (first, second)]
    for bearer in bearers:
        bearer.treadmill_is_up.set()
        await asyncio.sleep(60)
    assert [bool(bearer.posted) for bearer in bearers] == [second != ADDRESS, second == ADDRESS]


@pytest.mark.parametrize("contact", [True, False, None])
async def test_contact_and_no_rate_are_posted_as_they_are(worn, listening, contact) -> None:
    bearer = listening()
    await asyncio.sleep(5)
    worn.contact, worn.heart_rate = contact, None
    await asyncio.sleep(1)
    bearer.posted.clear()
    await asyncio.sleep(5)
    assert set(bearer.posted) == {Pulse(None, contact)}


async def test_a_treadmill_that_measures_the_heart_rate_is_no_strap(put_up, radio) -> None:
    table = {0x2ACD: (Characteristic.NOTIFY, b""), 0x2A37: (Characteristic.NOTIFY, b"")}
    tread = await put_up(table)
    for wanted in ("*", str(tread.device.random_address).partition("/")[0]):
        with pytest.raises(NotFound, match="no heart rate strap"):
            await find(wanted, 3.0, radio.backend, STRAP)


async def test_nor_is_one_that_is_connected(put_up, radio) -> None:
    """Whoever took it for a strap would hang up the treadmill's link in the end."""
    tread = await put_up()
    rate = Characteristic(UUID.from_16_bits(0x2A37), Characteristic.NOTIFY, Characteristic.READABLE, b"")
    tread.device.add_service(Service(UUID.from_16_bits(0x180D), [rate]))
    found = await find("*", 3.0, radio.backend)
    await establish_connection(BleakClient, found.device, found.name, backend=radio.backend.client)
    for wanted in ("*", found.address):
        with pytest.raises(NotFound, match="no heart rate strap"):
            await find(wanted, 3.0, radio.backend, STRAP)


async def test_a_strap_is_no_treadmill(worn, radio) -> None:
    assert await scan(3.0, radio.backend) == []
    with pytest.raises(NotFound, match="no treadmill"):
        await find("Polar*", 3.0, radio.backend)


async def test_it_is_not_looked_for_before_its_treadmill_is_connected(worn, listening) -> None:
    bearer = listening(up=False)
    await asyncio.sleep(60)
    assert not worn.is_heard
    bearer.treadmill_is_up.set()
    await asyncio.sleep(3)
    assert worn.is_heard


async def test_nor_is_it_after_its_treadmill_was_lost(worn, radio, listening) -> None:
    bearer = listening()
    await asyncio.sleep(5)
    bearer.treadmill_is_up.clear()
    radio.cut(worn.device)
    await asyncio.sleep(60)
    assert not worn.is_heard


async def test_nor_where_it_was_not_found_before_its_treadmill_was_lost(worn, radio, listening) -> None:
    radio.move_away(worn.device)
    bearer = listening()
    await asyncio.sleep(11)
    bearer.treadmill_is_up.clear()
    radio.bring_back(worn.device)
    await asyncio.sleep(60)
    assert not worn.is_heard


async def test_while_it_is_heard_it_is_not_connected_anew(worn, listening) -> None:
    listening()
    await asyncio.sleep(5)
    connections: list[object] = []
    worn.device.on("connection", connections.append)
    await asyncio.sleep(60)
    assert connections == []


async def test_the_log_says_once_that_nobody_wears_it(listening) -> None:
    with capture_logs() as lines:
        listening()
        await asyncio.sleep(300)
    assert [line["strap"] for line in lines if "not reached" in line["event"]] == [ADDRESS]


async def test_a_day_without_an_adapter_does_not_wear_it_out(radio, listening) -> None:
    radio.unplug()
    bearer = listening()
    await asyncio.sleep(24 * 3600)
    assert not bearer.task.done()


async def test_out_of_reach_and_back_it_is_found_again(worn, radio, listening) -> None:
    bearer = listening()
    await asyncio.sleep(5)
    radio.move_away(worn.device)
    await asyncio.sleep(120)
    bearer.posted.clear()
    radio.bring_back(worn.device)
    await asyncio.sleep(45)
    assert bearer.posted


async def test_after_it_was_heard_the_next_loss_is_not_waited_for_as_the_last(worn, radio, listening) -> None:
    radio.move_away(worn.device)
    bearer = listening()
    await asyncio.sleep(600)
    radio.bring_back(worn.device)
    await asyncio.sleep(45)
    assert bearer.posted
    radio.cut(worn.device)
    bearer.posted.clear()
    await asyncio.sleep(10)
    assert bearer.posted


async def test_one_that_refuses_to_be_subscribed_to_is_let_go(worn, radio, listening) -> None:
    class Refused(radio.backend.client):
        async def start_notify(self, *_: object, **__: object) -> None:
            raise BleakGATTProtocolError(0x80)

    usual = radio.backend
    radio.backend = replace(usual, client=Refused)
    connections: list[object] = []
    worn.device.on("connection", connections.append)
    listening()
    await asyncio.sleep(10)
    assert connections
    assert not worn.device.connections


async def test_a_strap_that_says_nothing_for_ten_seconds_is_connected_anew(worn, listening) -> None:
    bearer = listening()
    await asyncio.sleep(5)
    connections = []
    worn.device.on("connection", connections.append)
    worn.mute = True
    await asyncio.sleep(15)
    assert connections
    worn.mute = False
    bearer.posted.clear()
    await asyncio.sleep(3)
    assert bearer.posted


async def test_garbled_octets_are_passed_over(radio, listening) -> None:
    device = await radio.peripheral_device("Odd strap", ADDRESS)
    async with HeartRateStrap(device) as strap:
        strap.mute = True
        bearer = listening()
        await asyncio.sleep(3)
        (connection,) = strap._listeners
        for payload in (b"", b"\x00\x50", b"\x01\x50"):
            notify(device, connection, strap._measurement, payload)
        await asyncio.sleep(1)
        assert bearer.posted == [Pulse(80, None)]


async def test_a_search_gives_way_to_a_treadmill_that_is_being_connected(worn, radio, listening) -> None:
    radio.move_away(worn.device)
    bearer = listening()
    await asyncio.sleep(2)
    assert radio._scanners
    loop = asyncio.get_running_loop()
    asked = loop.time()
    async with bearer.right_of_way.first():
        assert loop.time() - asked < 0.1
        assert not radio._scanners
        radio.bring_back(worn.device)
        await asyncio.sleep(30)
        assert not worn.is_heard
    await asyncio.sleep(3)
    assert worn.is_heard


@pytest.mark.parametrize("hangs_in", ["connect", "start_notify"])
async def test_connecting_gives_way_too_and_nothing_is_left_of_it(worn, radio, listening, hangs_in) -> None:
    fast = radio.backend
    call = getattr(fast.client, hangs_in)

    async def slow(*args: object, **kwargs: object) -> None:
        await asyncio.sleep(4)
        await call(*args, **kwargs)

    radio.backend = replace(fast, client=type("Slow", (fast.client,), {hangs_in: slow}))
    bearer = listening()
    await asyncio.sleep(2)
    async with bearer.right_of_way.first():
        await asyncio.sleep(10)
        assert not worn.device.connections
    await asyncio.sleep(10)
    assert worn.is_heard


async def test_a_strap_that_is_connected_is_left_alone_and_one_that_hangs_is_not_waited_for() -> None:
    way = RightOfWay()

    async def stubborn() -> str:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            await asyncio.sleep(3)
        return "done"

    waiting = asyncio.create_task(way.when_clear(stubborn))
    await asyncio.sleep(1)
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with way.first():
        assert loop.time() - began == pytest.approx(0.5)
    assert await waiting == "done"


async def test_who_waits_does_not_begin_between_two_tries_without_a_pause() -> None:
    way = RightOfWay()
    began: list[bool] = []

    async def attempt() -> None:
        began.append(True)

    async with way.first():
        waiting = asyncio.create_task(way.when_clear(attempt))
        await asyncio.sleep(1)
    async with way.first():
        await asyncio.sleep(1)
        assert began == []
    await waiting
    assert began == [True]


async def test_a_treadmill_that_cannot_be_connected_gives_the_way_back() -> None:
    way = RightOfWay()

    async def attempt() -> str:
        return "done"

    with pytest.raises(NotFound):
        async with way.first():
            raise NotFound("it is not in the air any more")
    async with asyncio.timeout(1):
        assert await way.when_clear(attempt) == "done"


async def test_so_does_one_that_gives_up_while_it_waits_for_it() -> None:
    way = RightOfWay()

    async def stubborn() -> str:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            await asyncio.sleep(0.4)
            raise
        return "done"

    async def attempt() -> str:
        return "done"

    async def connect() -> None:
        async with way.first():
            pass

    waiting = asyncio.create_task(way.when_clear(stubborn))
    await asyncio.sleep(1)
    connecting = asyncio.create_task(connect())
    await asyncio.sleep(0.2)
    connecting.cancel()
    async with asyncio.timeout(1):
        assert await way.when_clear(attempt) == "done"
    waiting.cancel()
    await asyncio.wait({waiting})


async def test_a_treadmill_that_is_only_looked_for_is_in_nobodys_way(radio, posted) -> None:
    way = RightOfWay()
    connector = Connector("Absent*", posted, backend=radio.backend, right_of_way=way)
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(5)

    async def attempt() -> str:
        return "done"

    async with asyncio.timeout(1):
        assert await way.when_clear(attempt) == "done"
    await connector.stop()
    assert running.done()


async def test_whoever_stops_waiting_for_an_attempt_ends_it() -> None:
    ended: list[bool] = []

    async def attempt() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            ended.append(True)

    waiting = asyncio.create_task(RightOfWay().when_clear(attempt))
    await asyncio.sleep(1)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert ended


async def test_two_treadmills_share_the_right_of_way() -> None:
    way = RightOfWay()
    began: list[float] = []
    loop = asyncio.get_running_loop()

    async def attempt() -> None:
        began.append(loop.time())

    async with way.first():
        async with way.first():
            waiting = asyncio.create_task(way.when_clear(attempt))
            await asyncio.sleep(5)
        await asyncio.sleep(5)
        assert began == []
    await waiting
    assert len(began) == 1


async def test_cancelled_it_hangs_up(worn, listening) -> None:
    bearer = listening()
    await asyncio.sleep(5)
    bearer.task.cancel()
    await asyncio.wait({bearer.task})
    assert not worn.device.connections


async def test_so_it_does_in_the_very_moment_in_which_it_was_connected(worn, radio, listening) -> None:
    fast = radio.backend
    begun: list[Bearer] = []

    async def start_notify(*args: object, **kwargs: object) -> None:
        await fast.client.start_notify(*args, **kwargs)
        begun[0].task.cancel()

    radio.backend = replace(fast, client=type("Last", (fast.client,), {"start_notify": start_notify}))
    begun.append(listening())
    await asyncio.wait({begun[0].task}, timeout=10)
    assert begun[0].task.cancelled()
    await asyncio.sleep(1)
    assert not worn.device.connections


async def test_a_treadmills_connector_takes_the_right_of_way_and_says_when_it_is_up(
    put_up, radio, posted
) -> None:
    class Slow(radio.backend.client):
        async def connect(self, *args: object, **kwargs: object) -> None:
            await asyncio.sleep(5)
            await super().connect(*args, **kwargs)

    tread, way = await put_up(), RightOfWay()
    backend = type(radio.backend)(radio.backend.scanner, Slow, radio.backend.adapter)
    connector = Connector("Bare*", posted, backend=backend, right_of_way=way)
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(3)
    assert not connector.up.is_set()

    async def attempt() -> bool:
        return bool(posted.of(Connected))

    assert await way.when_clear(attempt), "not before the treadmill is connected"
    await asyncio.sleep(1)
    assert connector.up.is_set()
    radio.move_away(tread.device)
    await asyncio.sleep(1)
    assert not connector.up.is_set()
    await connector.stop()
    assert running.done()
