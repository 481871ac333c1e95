"""A strap of its own: found, heard, obeyed downwards, missed when it is lost; the treadmill comes first."""

import asyncio

import pytest

from retrowalk.core.care import CHECK_STRAP
from retrowalk.core.model import Phase
from retrowalk.park import park

STOP = 0x08
POLAR = {"heart_rate_strap": "Polar*"}
MAXIMUM = {"level": 1, "heart_rate_max_bpm": 180}
OF_THE_TREADMILL = 70
RISE = """
name = "Rise"
level = 0
steps = [{ walk = "forward", for = "5min", speed = [1.0, 2.5] }]
"""


@pytest.fixture
def settings(room, spec):
    room._folder.joinpath("programs", "rise.toml").write_text(RISE)
    return room.settings(treadmill=POLAR, safety=MAXIMUM)


def fault_ids(daemon) -> list[object]:
    return [event.fields["id"] for event in daemon.events("fault")]


async def test_the_strap_is_found_and_its_rate_is_shown_with_no_session(room, settings) -> None:
    strap = await room.put_on(heart_rate=77)
    async with room.daemon(settings) as daemon:
        await daemon.until(lambda state: state.heart_rate == 77, within=30)
        strap.heart_rate = 99
        await daemon.until(lambda state: state.heart_rate == 99, within=3)
        strap.heart_rate = None
        shown = await daemon.until(lambda state: state.heart_rate != 99, within=11)
        assert shown.heart_rate == OF_THE_TREADMILL


async def test_without_a_maximum_it_only_watches(room, spec) -> None:
    strap = await room.put_on(heart_rate=190)
    async with room.daemon(room.settings(treadmill=POLAR)) as daemon:
        await daemon.until(lambda state: state.heart_rate == 190)
        await daemon.walking("long")
        strap.mute = True
        await asyncio.sleep(90)
        assert daemon.state().phase is Phase.WALKING
        assert fault_ids(daemon) == []


async def test_above_the_soft_limit_the_speed_does_not_rise_and_below_it_does(room, settings, spec) -> None:
    strap = await room.put_on(heart_rate=100)
    async with room.daemon(settings) as daemon:
        await daemon.until(lambda state: state.heart_rate == 100)
        await daemon.walking("rise")
        await asyncio.sleep(60)
        strap.heart_rate = 140
        await asyncio.sleep(3)
        held = spec.machine.kmh
        assert held > 1.0
        await asyncio.sleep(30)
        assert spec.machine.kmh == pytest.approx(held, abs=0.01)
        strap.heart_rate = 100
        await asyncio.sleep(30)
        assert spec.machine.kmh > held + 0.05


async def test_above_the_hard_limit_the_session_is_eased_to_its_end(room, settings, spec) -> None:
    strap = await room.put_on(heart_rate=100)
    async with room.daemon(settings) as daemon:
        await daemon.until(lambda state: state.heart_rate == 100)
        await daemon.walking("rise")
        await asyncio.sleep(60)
        strap.heart_rate = 153
        await daemon.until(lambda _: fault_ids(daemon) == ["heart_rate_high"], within=6)
        assert STOP not in spec.machine.op_codes, "it is slowed down first"
        await daemon.until(lambda _: spec.machine.at_rest, within=30)
        await daemon.phase(Phase.ENDED)


async def loses_contact(strap) -> None:
    strap.contact = False


async def falls_silent(strap) -> None:
    strap.mute = True


async def measures_nothing(strap) -> None:
    strap.heart_rate = None


@pytest.mark.parametrize("lose", [loses_contact, falls_silent, measures_nothing])
async def test_lost_in_a_session_10_s_no_raises_30_s_a_warning_60_s_the_end(
    room, settings, spec, lose
) -> None:
    strap = await room.put_on(heart_rate=100)
    async with room.daemon(settings) as daemon:
        await daemon.until(lambda state: state.heart_rate == 100)
        await daemon.walking("rise")
        await asyncio.sleep(30)
        await lose(strap)
        await asyncio.sleep(8.5)
        assert daemon.state().heart_rate == 100
        await asyncio.sleep(4)
        assert daemon.state().heart_rate != 100, "the treadmill's is shown, but it does not stand in"
        held = spec.machine.kmh
        await asyncio.sleep(16)
        assert spec.machine.kmh == pytest.approx(held, abs=0.01)
        said = [said.text for said in daemon.ears.said]
        assert CHECK_STRAP not in said
        await asyncio.sleep(3)
        assert CHECK_STRAP in [said.text for said in daemon.ears.said]
        await asyncio.sleep(27)
        assert fault_ids(daemon) == []
        await asyncio.sleep(3)
        assert fault_ids(daemon) == ["heart_rate_gone"]
        await daemon.until(lambda _: spec.machine.at_rest, within=30)


async def test_taken_out_of_reach_it_is_found_again_and_the_session_goes_on(room, settings, spec) -> None:
    strap = await room.put_on(heart_rate=100)
    async with room.daemon(settings) as daemon:
        await daemon.until(lambda state: state.heart_rate == 100)
        await daemon.walking("rise")
        room.radio.move_away(strap.device)
        await asyncio.sleep(25)
        assert not strap.is_heard
        assert daemon.state().link == "connected"
        room.radio.bring_back(strap.device)
        await daemon.until(lambda state: state.heart_rate == 100, within=30)
        before = spec.machine.kmh
        await asyncio.sleep(30)
        assert spec.machine.kmh > before
        assert fault_ids(daemon) == []


async def test_a_strap_that_is_dead_from_the_start_is_missed_like_one_that_was_lost(
    room, settings, spec
) -> None:
    async with room.daemon(settings) as daemon:
        await daemon.walking("rise")  # 6 s of it
        await asyncio.sleep(22)
        assert CHECK_STRAP not in [said.text for said in daemon.ears.said]
        await asyncio.sleep(4)
        assert CHECK_STRAP in [said.text for said in daemon.ears.said]
        await daemon.until(lambda _: fault_ids(daemon) == ["heart_rate_gone"], within=31)
        await daemon.until(lambda _: spec.machine.at_rest, within=30)


async def test_put_on_after_the_start_it_counts_from_then_on(room, settings, spec) -> None:
    async with room.daemon(settings) as daemon:
        await daemon.walking("rise")
        await asyncio.sleep(20)
        held = spec.machine.kmh
        await room.put_on(heart_rate=100)
        await asyncio.sleep(75)
        assert daemon.state().heart_rate == 100
        assert spec.machine.kmh > held
        assert fault_ids(daemon) == []


async def test_the_strap_outlives_the_treadmills_link_and_does_not_delay_its_return(
    room, settings, spec
) -> None:
    strap = await room.put_on()
    async with room.daemon(settings) as daemon:
        await daemon.until(lambda state: state.heart_rate == 90)
        await asyncio.sleep(20)
        spec.cut()
        await daemon.until(
            lambda state: state.link == "connected" and daemon.events("link_restored"), within=2
        )
        assert strap.is_heard
        assert daemon.state().heart_rate == 90


async def test_while_the_strap_is_looked_for_a_lost_treadmill_is_back_as_soon_as_without(room, spec) -> None:
    took = []
    for strap in ({}, POLAR):
        async with room.daemon(room.settings(treadmill=strap)) as daemon:
            await daemon.phase(Phase.IDLE)
            await asyncio.sleep(12)
            spec.cut()
            began = asyncio.get_running_loop().time()
            await daemon.until(lambda _, daemon=daemon: daemon.events("link_restored"), within=5)
            took.append(asyncio.get_running_loop().time() - began)
    assert took[1] == pytest.approx(took[0], abs=0.25), "one advertisement or two"


async def test_each_of_two_treadmills_hears_its_own_walker(room) -> None:
    stands = {name: await room.put_up(treadmill=name) for name in ("a", "b")}
    straps = {name: await room.put_on(f"Strap {name}", heart_rate=80 + n) for n, name in enumerate(stands)}
    plain = room.settings(safety=MAXIMUM)
    own = tuple(
        treadmill.model_copy(update={"heart_rate_strap": f"strap {treadmill.id}"})
        for treadmill in plain.treadmills
    )
    async with room.daemon(plain.model_copy(update={"treadmills": own})) as daemon:
        await daemon.until(lambda state: state.heart_rate == 80, treadmill="a")
        await daemon.until(lambda state: state.heart_rate == 81, treadmill="b")
        for name in stands:
            await daemon.walking("long", treadmill=name)
        straps["b"].heart_rate = 160
        await daemon.phase(Phase.ENDED, treadmill="b")
        assert stands["b"].machine.at_rest
        assert daemon.state("a").phase is Phase.WALKING


async def two_and_a_strap(room):
    """Two treadmills, of which the second has a strap, and the settings for them."""
    stands = [await room.put_up(treadmill=name) for name in ("a", "b")]
    plain = room.settings()
    one, other = plain.treadmills
    return stands, plain.model_copy(update={"treadmills": (one, other.model_copy(update=POLAR))})


async def test_a_strap_does_not_wait_for_another_treadmill(room) -> None:
    (first, _), settings = await two_and_a_strap(room)
    first.move_away()
    await room.put_on(heart_rate=77)
    async with room.daemon(settings) as daemon:
        await daemon.until(lambda state: state.heart_rate == 77, within=60, treadmill="b")


async def test_a_search_for_a_strap_gives_way_to_every_treadmill(room) -> None:
    """Some adapters fail to connect while they search, and that belt may be running."""
    (first, _), settings = await two_and_a_strap(room)
    async with room.daemon(settings) as daemon:
        for name in ("a", "b"):
            await daemon.phase(Phase.IDLE, treadmill=name)
        await asyncio.sleep(12)
        first.move_away()
        await daemon.until(lambda state: state.link == "connecting", treadmill="a")
        for _ in range(16):
            await asyncio.sleep(0.5)
            assert daemon.state("a").link == "connecting"
            assert not room.radio._scanners


async def test_a_treadmill_with_a_heart_rate_service_is_not_its_own_strap(room, spec) -> None:
    async with room.daemon(room.settings(treadmill={"heart_rate_strap": "*"})) as daemon:
        await asyncio.sleep(60)
        assert daemon.state().link == "connected"
        assert not daemon.events("link_lost")
        strap = await room.put_on()
        await daemon.until(lambda _: strap.is_heard, within=60)


async def test_park_has_no_time_for_a_strap(room, settings, spec, marker) -> None:
    async with room.daemon(settings) as daemon:
        await daemon.walking("rise")
        await daemon.kill()
    strap = await room.put_on()
    connections: list[object] = []
    strap.device.on("connection", connections.append)
    (parked,) = await park(settings, room.radio.backend)
    assert parked.at_rest
    assert not marker.exists()
    assert connections == []
