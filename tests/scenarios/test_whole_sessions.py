"""Whole sessions through every layer: from the offer to the end, on machines that obey and two at a time."""

import asyncio
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from blefit.units import Speed
from retrowalk.core.model import Confirm, Direction, Offer, Phase, SetCap, Skip, StopSession
from retrowalk.plan.schedule import Slot
from retrowalk.plan.scheduler import Scheduler

START, STOP = 0x07, 0x08


@pytest.mark.parametrize("machine", ["spec", "split", "silent-when-stopped", "slow-start", "grid-0.32"])
async def test_a_session_goes_from_the_offer_to_the_end(room, marker, machine) -> None:
    stand = await room.put_up(machine)
    async with room.daemon(room.settings(treadmill={"machine": machine})) as daemon, room.person(daemon):
        await daemon.offered()
        faced = set()
        async with asyncio.timeout(600):
            while not daemon.events("completed", "stopped", "missed"):
                state = daemon.state()
                if stand.machine.kmh > 0.1:
                    faced.add(state.direction)  # standing, until its motion is known
                    assert marker.exists()
                    assert state.cap is not None
                    assert stand.machine.belt.speed <= state.cap + 20
                await asyncio.sleep(0.1)
        assert [event.type for event in daemon.events("completed", "fault", "refused", "garbled")] == [
            "completed"
        ]
        assert faced - {Direction.STANDING} == {Direction.FORWARD, Direction.BACKWARD}
        assert [event.fields["direction"] for event in daemon.events("turn")] == ["backward", "forward"]
        assert stand.machine.op_codes.count(START) == 3  # the session, and after each turn
        await daemon.phase(Phase.IDLE)
        assert not marker.exists()
    assert stand.machine.at_rest


async def test_a_person_stops_where_they_like_and_starts_again(room, spec, marker) -> None:
    async with room.daemon() as daemon:
        for _ in range(2):
            await daemon.walking()
            await daemon.ask(StopSession())
            assert spec.machine.op_codes[-1] == STOP
            await daemon.phase(Phase.IDLE)
            assert spec.machine.at_rest
            assert not marker.exists()
        assert [event.type for event in daemon.events("stopped", "fault")] == ["stopped", "stopped"]


async def test_a_lowered_cap_slows_the_belt_and_holds(room, spec) -> None:
    async with room.daemon() as daemon:
        await daemon.walking()
        await daemon.until(lambda state: state.measured == 120)
        assert (await daemon.ask(SetCap(Speed(90)))).outcome == "accepted"
        await asyncio.sleep(4)
        assert spec.machine.belt.speed == 90
        assert (await daemon.ask(SetCap(Speed(110)))).outcome == "refused"


async def test_a_skip_does_not_pass_the_turn(room, spec) -> None:
    async with room.daemon() as daemon:
        await daemon.walking()
        assert (await daemon.ask(Skip())).outcome == "accepted"
        await daemon.phase(Phase.TURNING)
        await daemon.until(lambda state: state.awaiting is not None)
        assert (await daemon.ask(Skip())).outcome == "refused"
        await asyncio.sleep(30)
        assert spec.machine.at_rest
        assert spec.machine.op_codes.count(START) == 1


async def test_nobody_at_the_machine_means_no_session(room, spec, marker) -> None:
    async with room.daemon() as daemon:
        await daemon.offered()
        await asyncio.sleep(900)
        assert [event.type for event in daemon.events("missed", "started")] == ["missed"]
        assert daemon.state().phase is Phase.IDLE
        assert spec.machine.written == []
        assert not marker.exists()


async def test_a_schedule_offers_and_what_nobody_takes_is_missed(room, spec) -> None:
    async with room.daemon() as daemon:
        await daemon.phase(Phase.IDLE)
        seven = datetime(2027, 1, 11, 7, 0, tzinfo=UTC)
        slot = Slot("tm", Offer("short", None, 300.0), "0 7 * * *", ZoneInfo("UTC"))
        scheduler = Scheduler([slot], daemon.app.submit, room.state / "schedule.json", lambda: seven)
        running = asyncio.create_task(scheduler.run())
        await daemon.phase(Phase.OFFERED)
        await asyncio.sleep(290)
        assert daemon.state().phase is Phase.OFFERED
        await daemon.phase(Phase.ENDED, Phase.IDLE)
        running.cancel()
        assert [event.type for event in daemon.events("missed")] == ["missed"]
        assert spec.machine.written == []


async def test_two_treadmills_know_nothing_of_each_other(room) -> None:
    left, right = await room.put_up("spec", "left"), await room.put_up("spec", "right")
    async with room.daemon() as daemon:
        await daemon.walking("long", treadmill="left")
        assert right.machine.written == []
        await daemon.walking("long", treadmill="right")
        await daemon.ask(StopSession(), "left")
        await daemon.phase(Phase.IDLE, treadmill="left")
        assert left.machine.at_rest
        assert right.machine.kmh > 0.5
        left.cut()
        await asyncio.sleep(5)
        assert right.machine.kmh > 0.5
        assert daemon.state("right").phase is Phase.WALKING
        assert STOP not in right.machine.op_codes
        ids = {daemon.state(name).session_id for name in ("left", "right")}
        assert None in ids
        assert len(ids) == 2


async def test_an_act_counts_only_for_what_is_asked(room, spec) -> None:
    async with room.daemon() as daemon:
        await daemon.phase(Phase.IDLE)
        reply = await daemon.ask(Confirm(None))
        assert (reply.outcome, reply.reason) == ("refused", "nothing is asked at this moment")
        assert spec.machine.written == []
