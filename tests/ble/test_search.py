"""One search on an adapter, for all who look for something: BlueZ refuses a process the second."""

import asyncio
from dataclasses import replace

import pytest

from retrowalk.ble.connector import Connector
from retrowalk.ble.errors import NotFound, Unreachable
from retrowalk.ble.right_of_way import RightOfWay
from retrowalk.ble.scanner import find
from retrowalk.ble.search import Search
from retrowalk.ble.strap import Strap
from retrowalk.core.model import Connected

ADDRESS, OTHER, ABSENT = (f"C0:00:00:00:00:0{n}" for n in (1, 2, 9))


class Counted:
    """A Bluetooth whose searches are counted; the first of them hear nothing, if so many are `deaf`."""

    def __init__(self, backend, deaf: int = 0) -> None:
        self.begun: list[float] = []
        self.on = 0
        counted = self

        class Scanner(backend.scanner):
            async def start(self) -> None:
                await super().start()
                counted.begun.append(asyncio.get_running_loop().time())
                counted.on += 1
                self._deaf = len(counted.begun) <= deaf

            async def stop(self) -> None:
                counted.on -= 1
                await super().stop()

        self.backend = replace(backend, scanner=Scanner)


@pytest.fixture
def looking():
    """Starts to look for something; what is not found yet is given up in the end."""
    tasks: list[asyncio.Task[object]] = []

    def looking(wanted: str, search: Search, backend, seconds: float = 10) -> asyncio.Task[object]:
        task = asyncio.create_task(find(wanted, seconds, backend, search=search))
        tasks.append(task)
        return task

    return looking


async def took(task: asyncio.Task[object]) -> float:
    """How long it took to find that."""
    began = asyncio.get_running_loop().time()
    await task
    return asyncio.get_running_loop().time() - began


async def test_all_who_look_at_once_share_one_search_and_the_last_one_ends_it(put_up, radio, looking) -> None:
    bluetooth = Counted(radio.backend)
    search = Search(bluetooth.backend)
    for address in (ADDRESS, OTHER):
        await put_up(address=address)
    both = [looking(address, search, bluetooth.backend) for address in (ADDRESS, OTHER)]
    assert [(await task).address for task in both] == [ADDRESS, OTHER]
    assert (len(bluetooth.begun), bluetooth.on) == (1, 0)


async def test_who_has_found_ends_it_for_nobody_else(tread, radio, looking) -> None:
    bluetooth = Counted(radio.backend)
    search = Search(bluetooth.backend)
    absent = looking(ABSENT, search, bluetooth.backend, seconds=5)
    await looking(ADDRESS, search, bluetooth.backend)
    with pytest.raises(NotFound):
        await absent
    assert len(bluetooth.begun) == 1


async def test_who_comes_later_is_told_what_was_heard_before(tread, radio, looking) -> None:
    """BlueZ tells of a device once in a search, as long as nothing about it changes."""
    search = Search(radio.backend)
    absent = looking(ABSENT, search, radio.backend)
    await asyncio.sleep(2)
    await tread.device.stop_advertising()
    assert await took(looking(ADDRESS, search, radio.backend)) < 0.1
    with pytest.raises(NotFound):
        await absent


@pytest.mark.parametrize("cancelled_after", [0.0, 0.01, 0.02, 0.035, 0.05, 0.5, 3.0])
async def test_whenever_one_gives_up_the_next_search_is_not_refused(
    tread, radio, looking, cancelled_after: float
) -> None:
    search = Search(radio.backend)
    first = looking(ABSENT, search, radio.backend)
    await asyncio.sleep(cancelled_after)
    first.cancel()
    assert await took(looking(ADDRESS, search, radio.backend)) < 1.2
    assert first.cancelled()


async def test_a_search_that_hears_nothing_is_begun_anew_for_who_still_looks(tread, radio, looking) -> None:
    bluetooth = Counted(radio.backend, deaf=1)
    assert 8 < await took(looking(ADDRESS, Search(bluetooth.backend), bluetooth.backend)) < 9.5


async def test_that_it_fails_is_told_to_all_and_the_next_one_may_succeed(tread, radio, looking) -> None:
    search = Search(radio.backend)
    absent = [looking(ABSENT, search, radio.backend, seconds=20) for _ in range(2)]
    await asyncio.sleep(5)
    radio.unplug()
    for task in absent:
        with pytest.raises(Unreachable, match="no Bluetooth adapter"):
            await task
    radio.plug_in()
    assert await took(looking(ADDRESS, search, radio.backend)) < 1.2


async def test_while_a_treadmill_is_being_connected_it_rests_for_two_seconds_at_most(radio, looking) -> None:
    bluetooth, way = Counted(radio.backend), RightOfWay()
    other = Counted(radio.backend)
    for one in (other, bluetooth):
        looking(ABSENT, way.search(one.backend), one.backend, seconds=30)
    await asyncio.sleep(1)
    for connecting_takes, begins_after in ((0.5, 0.5), (5.0, 2.0)):
        assert bluetooth.on == 1
        bluetooth.begun.clear()
        async with way.first():
            assert bluetooth.on == other.on == 0
            since = asyncio.get_running_loop().time()
            await asyncio.sleep(connecting_takes)
        await asyncio.sleep(0.1)
        assert bluetooth.begun[0] - since == pytest.approx(begins_after, abs=0.1)


@pytest.mark.parametrize("after", [0.0, 0.01, 0.03])
async def test_a_search_that_only_begins_is_at_rest_as_well(radio, looking, after: float) -> None:
    bluetooth, way = Counted(radio.backend), RightOfWay()
    looking(ABSENT, way.search(bluetooth.backend), bluetooth.backend)
    await asyncio.sleep(after)
    async with way.first():
        assert bluetooth.on == 0
        await asyncio.sleep(1)
        assert bluetooth.on == 0


async def test_nobody_searches_where_nobody_looks_any_more(radio, looking) -> None:
    bluetooth, way = Counted(radio.backend), RightOfWay()
    absent = looking(ABSENT, way.search(bluetooth.backend), bluetooth.backend)
    await asyncio.sleep(1)
    async with way.first():
        absent.cancel()
        await asyncio.sleep(5)
        assert (len(bluetooth.begun), bluetooth.on) == (1, 0)


async def test_a_search_that_does_not_end_is_not_waited_for(radio) -> None:
    """A belt may be running."""

    class Slow(radio.backend.scanner):
        async def stop(self) -> None:
            await asyncio.sleep(5)
            await super().stop()

    way, backend, loop = RightOfWay(), replace(radio.backend, scanner=Slow), asyncio.get_running_loop()
    async with way.search(backend).heard():
        began = loop.time()
        async with way.first():
            assert loop.time() - began == pytest.approx(0.5, abs=0.1)


async def test_a_search_on_another_adapter_may_come_while_a_treadmill_s_turn_is_waited_for(radio) -> None:
    class Slow(radio.backend.scanner):
        async def stop(self) -> None:
            await asyncio.sleep(0.2)
            await super().stop()

    way, backend = RightOfWay(), replace(radio.backend, scanner=Slow)
    async with way.search(backend).heard():
        asyncio.get_running_loop().call_later(0.1, way.search, replace(backend, hci="hci1"))
        async with way.first():
            assert way.search(backend) is not way.search(replace(backend, hci="hci1"))


@pytest.mark.parametrize("hci", ["hci0", None])
def test_the_searches_of_a_process_are_one_for_each_adapter(radio, hci: str | None) -> None:
    way, backend = RightOfWay(), radio.backend
    assert way.search(replace(backend, hci=hci)) is way.search(backend)
    assert way.search(replace(backend, hci="hci1")) is not way.search(backend)


@pytest.mark.parametrize("comes_after", [0.0, 60.0, 61.7, 63.4, 65.1, 66.8, 68.5])
async def test_a_treadmill_is_found_at_once_though_another_is_switched_off(
    put_up, radio, posted, comes_after: float
) -> None:
    """Both belts may be running."""
    way = RightOfWay()
    absent, there = (
        Connector(address, post, backend=radio.backend, right_of_way=way, urgent=lambda: True)
        for address, post in ((ABSENT, print), (ADDRESS, posted))
    )
    running = [asyncio.create_task(connector.run()) for connector in (absent, there)]
    await asyncio.sleep(comes_after)
    await put_up()
    await asyncio.sleep(1.5)
    assert posted.of(Connected)
    for connector in (absent, there):
        await connector.stop()
    assert all(task.done() for task in running)


@pytest.mark.parametrize("after", [0.01, 0.02, 0.03, 0.05])
async def test_a_strap_that_gives_way_as_it_begins_to_search_leaves_the_search_to_others(
    tread, radio, posted, after: float
) -> None:
    """It left the process without any, for ever."""
    way, up = RightOfWay(), asyncio.Event()
    up.set()
    strap = Strap("*", print, treadmill_is_up=up, right_of_way=way, backend=radio.backend)
    looking_for_the_strap = asyncio.create_task(strap.run())
    await asyncio.sleep(after)
    async with way.first():
        await asyncio.sleep(0.1)
    connector = Connector(ADDRESS, posted, backend=radio.backend, right_of_way=way, urgent=lambda: True)
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(3)
    assert posted.of(Connected)
    looking_for_the_strap.cancel()
    await asyncio.wait({looking_for_the_strap})
    await connector.stop()
    assert running.done()


async def test_an_attempt_right_after_another_is_not_searched_through(radio) -> None:
    """The way is taken again before the search that waited for it was woken."""
    begun: list[float] = []

    class Scanner(radio.backend.scanner):
        async def start(self) -> None:
            begun.append(asyncio.get_running_loop().time())
            await super().start()

    way, backend = RightOfWay(), replace(radio.backend, scanner=Scanner)
    looking = asyncio.create_task(find(ABSENT, 30, backend, search=way.search(backend)))
    await asyncio.sleep(1)
    rounds = len(begun)
    for _ in range(2):
        async with way.first():
            await asyncio.sleep(0.5)
    assert len(begun) == rounds
    looking.cancel()
    await asyncio.wait({looking})
