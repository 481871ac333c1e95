"""The link goes: the belt is taken for running, Stop is written before all else, and nothing restarts."""

import asyncio
from dataclasses import replace
from itertools import count

import pytest

from retrowalk.ble.reading import Reading
from retrowalk.core.faults import CORD
from retrowalk.core.model import Act, Characteristic, Confirm, Machine, Notified, Offer, Phase
from retrowalk.machines import machines_dir

START, STOP = 0x07, 0x08


async def lost_and_back(daemon, stand, away_s: float) -> list[int]:
    """Lose the link for so long; the op codes written in the 30 s after it is back."""
    before = len(stand.machine.written)
    stand.move_away()
    await daemon.phase(Phase.DISCONNECTED, Phase.FAULTED)
    await asyncio.sleep(away_s)
    stand.bring_back()
    await daemon.until(lambda _: stand.is_connected)
    await asyncio.sleep(30)
    return stand.machine.op_codes[before:]


@pytest.mark.parametrize("away_s", [0, 3, 45])
async def test_in_a_step_the_belt_is_stopped_first_thing(room, spec, marker, away_s) -> None:
    async with room.daemon() as daemon:
        await daemon.walking()
        written = await lost_and_back(daemon, spec, away_s)
        assert written[0] == STOP
        assert START not in written
        assert spec.machine.at_rest
        (stopped,) = daemon.events("stopped")
        assert "link" in stopped.fields["reason"]
        assert not marker.exists()


async def test_a_machine_file_that_is_damaged_meanwhile_keeps_no_belt_moving(room, spec, tmp_path) -> None:
    file = tmp_path / "spec.toml"
    file.write_bytes((machines_dir() / "spec.toml").read_bytes())
    async with room.daemon(room.settings(treadmill={"machine": str(file)})) as daemon:
        await daemon.walking()
        file.write_text('name = "spec"\nabout = "half a sen')
        written = await lost_and_back(daemon, spec, 3)
        assert written[0] == STOP
        assert spec.machine.at_rest


async def test_a_bug_when_the_link_comes_back_keeps_no_belt_moving(room, spec) -> None:
    async with room.daemon() as daemon:
        await daemon.walking()
        connector = daemon.app._connectors["tm"]
        describe, links = connector._describe, count(1)

        def fails_once(reading: Reading) -> Machine:
            if next(links) == 1:
                raise ZeroDivisionError
            machine: Machine = describe(reading)
            return machine

        connector._describe = fails_once
        written = await lost_and_back(daemon, spec, 3)
        assert next(links) == 3
        assert written[0] == STOP
        assert spec.machine.at_rest


async def test_while_it_is_away_the_walker_is_told_to_pull_the_cord_again_and_again(room, spec) -> None:
    async with room.daemon() as daemon:
        await daemon.walking()
        spec.move_away()
        await asyncio.sleep(20)
        alarms = [said.text for said in daemon.ears.said if said.alarm]
        assert len(alarms) >= 8
        assert all(CORD in text for text in alarms)
        spec.bring_back()
        await daemon.until(lambda state: state.link == "connected")


async def test_while_the_belt_may_run_it_is_looked_for_without_a_pause(room, spec) -> None:
    links = set()
    async with room.daemon() as daemon:
        await daemon.walking()
        spec.move_away()
        await daemon.until(lambda state: state.link != "connected")
        for _ in range(600):
            await asyncio.sleep(0.2)
            links.add(daemon.state().link.partition(":")[0])
        assert links == {"disconnected", "connecting", "scanning", "waiting 0 s"}
        spec.bring_back()
        await daemon.until(lambda state: state.link == "connected")


async def test_the_belt_stops_within_seconds_of_a_short_loss(room, spec) -> None:
    async with room.daemon() as daemon:
        await daemon.walking()
        spec.cut()
        await daemon.until(lambda _: STOP in spec.machine.op_codes, within=3)
        await daemon.until(lambda _: spec.machine.at_rest, within=10)


async def test_in_the_countdown_there_is_no_start(room, spec, marker) -> None:
    async with room.daemon() as daemon:
        await daemon.counting_down()
        await asyncio.sleep(3)
        written = await lost_and_back(daemon, spec, 0)
        assert START not in written
        assert spec.machine.at_rest
        assert daemon.state().phase in {Phase.IDLE, Phase.FAULTED}
        assert not marker.exists()


async def test_after_start_before_motion_the_start_is_taken_back(room, spec) -> None:
    async with room.daemon() as daemon:
        await daemon.counting_down()
        await daemon.until(lambda _: START in spec.machine.op_codes, within=20)
        await asyncio.sleep(0.5)
        assert spec.machine.belt.speed == 0
        written = await lost_and_back(daemon, spec, 0)
        assert written[0] == STOP
        assert START not in written
        assert spec.machine.at_rest


async def test_in_a_turn_the_belt_stays_at_rest(room, spec, marker) -> None:
    async with room.daemon() as daemon:
        await daemon.walking()
        await daemon.until(lambda state: state.phase is Phase.TURNING and state.awaiting is not None)
        written = await lost_and_back(daemon, spec, 0)
        assert START not in written
        assert spec.machine.at_rest
        await daemon.ask(Confirm(None))
        await asyncio.sleep(30)
        assert spec.machine.op_codes.count(START) == 1
        assert spec.machine.at_rest
        assert not marker.exists()


async def test_a_quarantine_outlasts_the_link_it_was_made_on(room) -> None:
    stand = await room.put_up("mph")
    async with room.daemon() as daemon:
        await daemon.counting_down()
        await daemon.until(lambda state: state.fault == "wrong_speed")
        await daemon.until(lambda state: state.awaiting is Act.CLEAR)
        assert (await daemon.ask(Confirm(None))).outcome == "accepted"
        stand.cut()
        await daemon.until(lambda _: daemon.events("link_restored"))
        await daemon.phase(Phase.IDLE)
        reply = await daemon.ask(Offer("short"))
        assert reply.outcome == "refused"
        assert "ran faster than" in reply.reason


async def test_frames_of_an_earlier_link_are_dropped(room, spec) -> None:
    async with room.daemon() as daemon:
        await daemon.walking()
        spec.cut()
        await daemon.until(lambda _: daemon.events("link_restored"))
        await daemon.until(lambda _: spec.machine.at_rest)
        await asyncio.sleep(2)
        ten_kmh = Notified(1, Characteristic.TREADMILL_DATA, bytes.fromhex("0000e803"))
        seen = set()
        for connection in (1, 2):
            daemon.app.stations["tm"].post(replace(ten_kmh, connection=connection))
            for _ in range(10):
                await asyncio.sleep(0.01)
                seen.add((connection, daemon.state().measured))
        assert (2, 1000) in seen
        assert {measured for connection, measured in seen if connection == 1} == {0}


async def test_every_record_arrives_once_on_the_second_link(room, spec) -> None:
    async with room.daemon() as daemon:
        await daemon.walking()
        spec.cut()
        await daemon.until(lambda _: daemon.events("link_restored"))
        station = daemon.app.stations["tm"]
        seen, post = [], station.post

        def count(happening) -> None:
            if isinstance(happening, Notified) and happening.characteristic is Characteristic.TREADMILL_DATA:
                seen.append(happening)
            post(happening)

        daemon.app._connectors["tm"].link._post = count
        await asyncio.sleep(10)
        assert 39 <= len(seen) <= 41


async def test_a_machine_that_drops_its_link_by_itself_is_stopped(room) -> None:
    stand = await room.put_up("drops-link")
    async with room.daemon(room.settings(treadmill={"machine": "drops-link"})) as daemon:
        await daemon.walking("long")
        await daemon.until(lambda _: daemon.events("link_lost"), within=120)
        assert stand.machine.kmh > 0.3
        await daemon.until(lambda _: stand.machine.at_rest, within=20)
        assert stand.machine.op_codes.count(START) == 1
