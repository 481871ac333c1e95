"""However the daemon ends, the belt comes to rest: told to, killed, started again, or parked from outside."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from retrowalk.core.faults import CORD
from retrowalk.core.model import Offer, Phase
from retrowalk.park import Parked, park

START, STOP = 0x07, 0x08


async def test_told_to_end_it_stops_the_belt_and_waits_for_rest(room, spec, marker) -> None:
    async with room.daemon() as daemon:
        await daemon.walking()
        assert spec.machine.kmh > 0.5
    assert spec.machine.at_rest
    assert not marker.exists()


async def test_told_to_end_it_stops_all_its_belts_at_once(room, spec) -> None:
    other = await room.put_up("spec", "other")
    async with room.daemon() as daemon:
        await asyncio.gather(daemon.walking(), daemon.walking(treadmill="other"))
    one, two = (
        next(at for at, frame in stand.machine.written if frame[0] == STOP) for stand in (spec, other)
    )
    assert abs(one - two) < 0.5


async def test_told_to_end_it_keeps_all_that_it_recorded(room, spec) -> None:
    async with room.daemon() as daemon:
        await daemon.phase(Phase.IDLE)
        await asyncio.sleep(1)
    tape = daemon.app.stations["tm"].journal._tape
    assert tape.waiting == 0


async def test_told_to_end_while_it_looks_or_connects_it_ends(room, spec) -> None:
    for tenths in range(60):
        async with asyncio.timeout(tenths / 10 + 10):
            async with room.daemon():
                await asyncio.sleep(tenths / 10)
        assert not spec.is_connected
    assert spec.machine.written == []


async def test_told_to_end_during_an_outstanding_start_it_takes_the_start_back(room, spec, marker) -> None:
    async with room.daemon() as daemon:
        await daemon.counting_down()
        await daemon.until(lambda _: START in spec.machine.op_codes)
        assert spec.machine.kmh == 0
    assert spec.machine.op_codes[-1] == STOP
    assert spec.machine.at_rest
    await asyncio.sleep(10)
    assert spec.machine.at_rest
    assert not marker.exists()


async def test_one_of_two_control_tasks_that_fails_ends_the_daemon(room, spec) -> None:
    def fail(_now: float) -> None:
        raise ZeroDivisionError("a bug")

    speed_when_told: list[float] = []

    async def day() -> None:
        async with room.daemon() as daemon:
            await daemon.walking(treadmill="other")
            daemon.app.stations["tm"].controller.act = fail
            async with asyncio.timeout(5):
                await daemon.app.failure()
            speed_when_told.append(other.machine.kmh)

    other = await room.put_up("spec", "other")
    with pytest.raises(ZeroDivisionError):
        await day()
    assert speed_when_told > [0.5]
    assert other.machine.at_rest


async def test_a_belt_that_does_not_obey_keeps_its_marker(room, marker) -> None:
    stand = await room.put_up("ignores-stop")
    async with room.daemon(room.settings(treadmill={"machine": "ignores-stop"})) as daemon:
        await daemon.walking()
    assert stand.machine.kmh > 0.5
    assert stand.machine.op_codes.count(STOP) > 5
    assert any(CORD in alarm for alarm in daemon.ears.alarms())
    assert marker.exists()


async def test_the_marker_is_whole_and_on_disk_when_start_is_written(room, spec, marker) -> None:
    found = []

    def look(frame: bytes) -> None:
        found.append((frame[0], json.loads(marker.read_text()) if marker.exists() else None))

    async with room.daemon() as daemon:
        await daemon.offered()
        spec.machine.before_write = look
        assert not marker.exists()
        async with room.person(daemon):
            await daemon.phase(Phase.WALKING)
        session = daemon.state().session_id
        told = {"treadmill": "tm", "address": spec.address, "session": session}
        assert [marked for op_code, marked in found if op_code == START] == [told]


async def test_a_state_folder_that_takes_no_file_means_no_start(room, spec) -> None:
    (room.state / "moving-tm.new").mkdir(parents=True)
    async with room.daemon() as daemon, room.person(daemon):
        await daemon.offered()
        await daemon.until(lambda _: daemon.events("fault"))
        assert any("the moving-marker cannot be written" in said.text for said in daemon.ears.said)
        await asyncio.sleep(60)
        assert spec.machine.at_rest
        assert set(spec.machine.op_codes) <= {0x00, STOP}


async def test_a_state_folder_that_cannot_be_read_means_no_offer(room, spec) -> None:
    room.state.write_text("a file where the folder should be")
    async with room.daemon() as daemon:
        await daemon.phase(Phase.IDLE)
        reply = await daemon.ask(Offer("short"))
        assert reply.outcome == "refused"
        assert "cannot be read" in reply.reason
        assert spec.machine.written == []


async def test_killed_it_leaves_a_moving_belt_that_park_stops(room, spec, marker) -> None:
    async with room.daemon() as daemon:
        await daemon.walking()
        await daemon.kill()
        assert spec.machine.kmh > 0.5
        assert spec.is_connected  # so it does not advertise, and has to be found among the connected
        assert marker.exists()
        written = len(spec.machine.written)
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await park(room.settings(), room.radio.backend) == [Parked("tm", at_rest=True, reached=True)]
        assert loop.time() - began < 15
        assert spec.machine.op_codes[written] == STOP
        assert spec.machine.at_rest
        assert not marker.exists()


async def test_killed_and_started_again_it_stops_the_belt_first(room, spec, marker) -> None:
    async with room.daemon() as dead:
        await dead.walking()
        await dead.kill()
    written = len(spec.machine.written)
    async with room.daemon() as daemon:
        await daemon.until(lambda state: state.link == "connected")
        assert (await daemon.ask(Offer("short"))).reason == "the belt is not known to rest yet"
        await daemon.until(lambda _: not marker.exists())
        assert spec.machine.op_codes[written] == STOP
        assert spec.machine.at_rest
        assert not marker.exists()


@pytest.mark.parametrize("parked", [True, False], ids=["park", "started again"])
async def test_of_two_machines_that_fit_its_name_the_one_that_was_left_is_stopped(
    room, spec, marker, parked: bool
) -> None:
    neighbours = await room.put_up("spec", "neighbours")
    neighbours.move_away()
    settings = room.settings(treadmill={"address": None, "match": "retrowalk*"})
    settings = settings.model_copy(update={"treadmills": settings.treadmills[:1]})
    async with room.daemon(settings) as dead:
        await dead.walking()
        assert json.loads(marker.read_text())["address"] == spec.address
        await dead.kill()
    spec.move_away()
    neighbours.bring_back()
    back = asyncio.get_running_loop().call_later(5, spec.bring_back)
    if parked:
        assert await park(settings, room.radio.backend) == [Parked("tm", at_rest=True, reached=True)]
    else:
        async with room.daemon(settings) as daemon:
            await daemon.until(lambda _: not marker.exists())
    assert back.cancelled() is False
    assert spec.machine.at_rest
    assert not marker.exists()
    assert neighbours.machine.written == []


async def test_killed_in_the_countdown_and_started_again_nothing_moves(room, spec, marker) -> None:
    async with room.daemon() as dead:
        await dead.counting_down()
        await asyncio.sleep(1)
        await dead.kill()
    async with room.daemon() as daemon:
        await daemon.until(lambda _: not marker.exists())
        await asyncio.sleep(60)
        assert START not in spec.machine.op_codes
        assert spec.machine.at_rest
        assert not marker.exists()


async def test_park_says_when_it_does_not_reach_the_treadmill(room, spec, marker) -> None:
    async with room.daemon() as daemon:
        await daemon.walking()
        await daemon.kill()
    spec.move_away()
    began = asyncio.get_running_loop().time()
    parked = await park(room.settings(), room.radio.backend, within_s=30)
    assert parked == [Parked("tm", at_rest=False, reached=False)]
    assert asyncio.get_running_loop().time() - began == pytest.approx(30, abs=1)
    assert marker.exists()
    spec.bring_back()


async def test_park_tells_of_each_treadmill_by_itself(room, spec, marker) -> None:
    deaf = await room.put_up("ignores-stop", "deaf")
    settings = room.settings()
    treadmills = [one.model_copy(update={"machine": None}) for one in settings.treadmills]
    settings = settings.model_copy(update={"treadmills": tuple(treadmills)})
    async with room.daemon(settings) as daemon:
        await asyncio.gather(daemon.walking(), daemon.walking(treadmill="deaf"))
        await daemon.kill()
    (room.state / "moving-torn.json").write_text("torn")
    assert await park(settings, room.radio.backend, within_s=30) == [
        Parked("deaf", at_rest=False, reached=True),
        Parked("tm", at_rest=True, reached=True),
        Parked("torn", at_rest=False, reached=False),
    ]
    assert spec.machine.at_rest
    assert not marker.exists()
    assert deaf.machine.kmh > 0.5
    assert (room.state / "moving-deaf.json").exists()


async def test_park_knows_one_that_it_lost_again_from_one_that_it_never_reached(room, marker) -> None:
    deaf = await room.put_up("ignores-stop")
    settings = room.settings(treadmill={"machine": "ignores-stop"})
    async with room.daemon(settings) as daemon:
        await daemon.walking()
        await daemon.kill()
    parking = asyncio.create_task(park(settings, room.radio.backend, within_s=30))
    await asyncio.sleep(15)
    deaf.move_away()
    assert await parking == [Parked("tm", at_rest=False, reached=True)]
    assert marker.exists()


async def test_park_goes_on_looking_for_one_when_another_is_done(room, spec) -> None:
    far = await room.put_up("spec", "far")
    async with room.daemon() as daemon:
        await asyncio.gather(daemon.walking(), daemon.walking(treadmill="far"))
        await daemon.kill()
    far.move_away()
    parking = asyncio.create_task(park(room.settings(), room.radio.backend, within_s=60))
    await asyncio.sleep(35)
    assert spec.machine.at_rest
    far.bring_back()
    assert all(one.at_rest for one in await parking)
    assert far.machine.at_rest


async def test_park_that_found_it_late_does_not_say_that_it_rests_while_a_start_may_still_move_it(
    room, spec, marker
) -> None:
    async with room.daemon() as daemon:
        await daemon.counting_down()
        await daemon.until(lambda _: marker.exists())
        await daemon.kill()
    spec.move_away()
    parking = asyncio.create_task(park(room.settings(), room.radio.backend, within_s=30))
    await asyncio.sleep(23)
    spec.bring_back()
    assert await parking == [Parked("tm", at_rest=False, reached=True)]
    assert spec.machine.at_rest
    assert marker.exists()


async def test_park_that_found_it_late_says_so_when_it_came_to_rest(room, spec, marker) -> None:
    async with room.daemon() as daemon:
        await daemon.walking()
        await daemon.kill()
    spec.move_away()
    parking = asyncio.create_task(park(room.settings(), room.radio.backend, within_s=30))
    await asyncio.sleep(12)
    spec.bring_back()
    assert await parking == [Parked("tm", at_rest=True, reached=True)]
    assert not marker.exists()


async def test_park_without_a_marker_touches_no_belt(room, spec) -> None:
    spec.machine.start(None)
    await asyncio.sleep(10)
    assert await park(room.settings(), room.radio.backend) == []
    assert spec.machine.kmh > 0.5
    assert spec.machine.written == []


async def test_a_belt_that_somebody_else_started_is_left_alone_at_the_end(room, spec) -> None:
    async with room.daemon() as daemon:
        await daemon.phase(Phase.IDLE)
        spec.machine.start(None)
        await daemon.phase(Phase.MANUAL)
        await asyncio.sleep(5)
    assert spec.machine.kmh > 0.5
    assert spec.machine.written == []


@pytest.mark.parametrize(
    "changed",
    [{"id": "renamed"}, {"machine": "gone"}, {"address": "C0:00:00:00:00:99"}],
    ids=["renamed", "without its machine file", "another machine's address"],
)
async def test_a_configuration_that_was_changed_meanwhile_keeps_no_belt_moving(
    room, spec, marker, changed: dict[str, str]
) -> None:
    async with room.daemon() as daemon:
        await daemon.walking()
        await daemon.kill()
    assert spec.machine.kmh > 0.5
    settings = room.settings(treadmill=changed)
    assert await park(settings, room.radio.backend) == [Parked("tm", at_rest=True, reached=True)]
    assert spec.machine.at_rest
    assert not marker.exists()


async def test_a_start_that_was_on_its_way_is_stopped_when_it_takes_effect(room, spec, marker) -> None:
    async with room.daemon() as daemon:
        await daemon.counting_down()
        await daemon.until(lambda _: START in spec.machine.op_codes)
        await daemon.kill()
    assert spec.machine.kmh == 0
    written = len(spec.machine.written)
    assert await park(room.settings(), room.radio.backend) == [Parked("tm", at_rest=True, reached=True)]
    assert spec.machine.op_codes[written] == STOP
    await asyncio.sleep(20)
    assert spec.machine.at_rest
    assert not marker.exists()


CHILD = """
import asyncio, pathlib, sys
from tests.scenarios.conftest import Room
async def main(folder):
    room = Room(folder)
    stand = await room.put_up()
    async with room.daemon() as daemon:
        await daemon.walking("long")
        print(stand.machine.kmh, flush=True)
        await asyncio.sleep(1000)
from retrowalk.sim.loops import scaled_loop
with asyncio.Runner(loop_factory=lambda: scaled_loop(30)) as runner:
    runner.run(main(pathlib.Path(sys.argv[1])))
"""


async def test_a_process_that_is_killed_leaves_the_marker_and_park_uses_it(room, spec, marker) -> None:
    folder = room.state.parent / "child"
    folder.mkdir()
    command = [sys.executable, "-c", CHILD, str(folder)]
    with subprocess.Popen(  # noqa: ASYNC220 - virtual time waits for it
        command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        while not (line := child.stdout.readline()).startswith("0.") and not line.startswith("1."):
            assert line, "the child ended"
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait(10) == -signal.SIGKILL
    (folder / "state").rename(room.state)
    assert json.loads(marker.read_text())["address"] == spec.address
    spec.machine.start(None)  # the belt that the dead process left running
    await asyncio.sleep(10)
    assert spec.machine.kmh > 0.5
    assert await park(room.settings(), room.radio.backend) == [Parked("tm", at_rest=True, reached=True)]
    assert spec.machine.op_codes[0] == STOP
    assert spec.machine.at_rest
    assert not marker.exists()
