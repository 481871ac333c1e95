"""The daemon's Bluetooth code on the simulated treadmills themselves: sessions of frames, by machine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from blefit.ftms.control_point import Response
from blefit.ftms.treadmill_data import RecordJoiner, decode
from retrowalk.ble.connector import Connector
from retrowalk.core.model import Characteristic, Connected, Lost, Notified, Written
from retrowalk.machines import load_machine
from retrowalk.sim.machines import quirks_of
from retrowalk.sim.model.attributes import service_data
from retrowalk.sim.model.treadmill import Treadmill
from retrowalk.sim.peripheral import Peripheral

OF_EVERY_KIND = (
    "spec", "urevo-e1l", "citysports-wp8", "kingsmith-z1-locked", "horizon-omega-z", "sole-f65", "no-ranges",
    "wrong-ranges", "bike-data", "npe-runn", "fitshow-fs-bt-t4", "adidas-t800", "thunder-race",
)  # fmt: skip
CONTROL, START, FASTER, STOP = b"\x00", b"\x07", b"\x02\x96\x00", b"\x08\x01"


@pytest.fixture
async def walk_up(radio, posted) -> AsyncIterator[Callable[..., Awaitable[Connector]]]:
    """Puts a simulated machine into the room, and connects to it by its name."""
    open_things = []

    async def walk_up(machine: str) -> tuple[Treadmill, Connector]:
        treadmill = Treadmill(quirks_of(load_machine(machine)))
        device = await radio.peripheral_device(machine, "C0:00:00:00:00:01")
        peripheral = Peripheral(treadmill, device, cut_link=lambda: radio.cut(device))
        await peripheral.start()
        connector = Connector("*", posted, backend=radio.backend)
        running = asyncio.create_task(connector.run())
        open_things.extend([peripheral, connector])
        await asyncio.sleep(3)
        assert connector.link is not None, f"{machine}: {running}"
        return treadmill, connector

    yield walk_up
    for thing in reversed(open_things):
        await thing.stop()


def answers(posted) -> list[Response]:
    return [
        Response.decode(notified.payload)
        for notified in posted.of(Notified)
        if notified.characteristic is Characteristic.CONTROL_POINT
    ]


@pytest.mark.parametrize("machine", OF_EVERY_KIND)
async def test_every_simulated_machine_is_connected_to_and_recognised(walk_up, posted, machine) -> None:
    treadmill, connector = await walk_up(machine)
    assert connector.link is not None
    assert connector.link.reading.service_data == service_data(treadmill, available=True)
    (connected,) = posted.of(Connected)
    facts = load_machine(machine).daemon
    assert connected.machine.minimum > 0
    assert connected.machine == facts.applied_to(connected.machine)
    assert connected.machine.name == (treadmill.quirks.link.name or connected.machine.id)


async def test_a_session_of_frames_moves_the_belt_and_stops_it(walk_up, posted) -> None:
    treadmill, connector = await walk_up("spec")
    for ticket, (frame, wait) in enumerate([(CONTROL, 1), (START, 10), (FASTER, 10), (STOP, 10)]):
        connector.write(1, ticket, frame)
        await asyncio.sleep(wait)
        if frame == FASTER:
            assert round(treadmill.belt.speed) == 150
    assert posted.of(Written) == [Written(1, ticket) for ticket in range(4)]
    assert [(answer.request_op_code, answer.result) for answer in answers(posted)] == [
        (0x00, 1),
        (0x07, 1),
        (0x02, 1),
        (0x08, 1),
    ]
    assert treadmill.belt.speed == 0


async def test_four_notifications_a_second_arrive_on_time_and_in_whole_records(walk_up, posted) -> None:
    await walk_up("spec")
    posted.all.clear()
    await asyncio.sleep(60)
    joiner = RecordJoiner()
    records = [
        record
        for notified in posted.of(Notified)
        if notified.characteristic is Characteristic.TREADMILL_DATA
        and (record := joiner.feed(decode(notified.payload)))
    ]
    assert 239 <= len(records) <= 241


async def test_a_link_that_drops_in_mid_motion_is_back_within_a_second_while_the_belt_runs(
    walk_up, posted
) -> None:
    treadmill, connector = await walk_up("drops-link")
    for ticket, frame in enumerate([CONTROL, START]):
        connector.write(1, ticket, frame)
        await asyncio.sleep(5)
    loop = asyncio.get_running_loop()
    while not posted.of(Lost):  # noqa: ASYNC110  virtual time
        await asyncio.sleep(0.1)
    lost_at = loop.time()
    while len(posted.of(Connected)) < 2:  # noqa: ASYNC110  virtual time
        await asyncio.sleep(0.1)
    assert loop.time() - lost_at < 1
    assert treadmill.belt.speed > 0
    assert len(posted.of(Lost)) == 1
    connector.write(2, 9, CONTROL)
    await asyncio.sleep(1)
    connector.write(2, 10, STOP)
    await asyncio.sleep(10)
    assert treadmill.belt.speed == 0
