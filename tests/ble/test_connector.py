"""The connector keeps a treadmill connected: how soon, how often, and what it says meanwhile."""

import asyncio
import random
from dataclasses import replace
from itertools import count, pairwise

import pytest
from bleak.exc import BleakError
from structlog.testing import capture_logs
from tests.ble.conftest import Posted, until

from retrowalk.ble.connector import Connector
from retrowalk.ble.reading import Reading, describe
from retrowalk.ble.right_of_way import RightOfWay
from retrowalk.core.model import Characteristic, Connected, Happening, Lost, Machine, Notified, Written

RECORD = bytes.fromhex("0000 6400")
ADDRESS, OTHER = "C0:00:00:00:00:01", "C0:00:00:00:00:02"


def seeded() -> random.Random:
    """Its own for each connector: no test hangs on another."""
    return random.Random(1)  # noqa: S311  it only spreads waits


class States:
    """What the connector said, with the time it said it."""

    def __init__(self) -> None:
        self.all: list[tuple[float, str]] = []

    def __call__(self, state: str) -> None:
        self.all.append((asyncio.get_running_loop().time(), state))

    @property
    def words(self) -> list[str]:
        return [state for _, state in self.all]


@pytest.fixture
def states() -> States:
    return States()


@pytest.fixture
async def connector(radio, posted, states):
    connector = Connector(ADDRESS, posted, state=states, backend=radio.backend, rng=seeded())
    running = asyncio.create_task(connector.run())
    yield connector
    await connector.stop()
    assert running.done()


async def test_it_finds_connects_and_says_so(tread, connector, posted, states) -> None:
    await asyncio.sleep(5)
    assert states.words == ["scanning", "connecting", "connected"]
    assert connector.link is not None
    assert [connected.connection for connected in posted.of(Connected)] == [1]


async def test_after_a_loss_it_is_back_at_once_with_a_higher_number(tread, connector, posted, states) -> None:
    await asyncio.sleep(30)
    tread.cut()
    await asyncio.sleep(1)
    assert states.words == ["scanning", "connecting", "connected", "connecting", "connected"]
    assert [type(happening) for happening in posted.all] == [Connected, Lost, Connected]
    assert [connected.connection for connected in posted.of(Connected)] == [1, 2]
    assert connector.link is not None
    assert connector.link.connection == 2


async def test_a_notification_comes_once_after_a_loss(tread, connector, posted, soon) -> None:
    """BlueZ renews the subscriptions of a client that was not hung up with the link, beside the new one's.

    Planted over BlueZ (tests/bluez): `Connector._hold` does not close a link that was lost.
    """
    for connection in (1, 2, 3):
        await until(lambda n=connection: len(posted.of(Connected)) == n)
        tread.notify(0x2ACD, RECORD)
        await soon(lambda n=connection: len(posted.of(Notified)) >= n)
        await asyncio.sleep(0.5)
        assert posted.of(Notified) == [
            Notified(n, Characteristic.TREADMILL_DATA, RECORD) for n in range(1, connection + 1)
        ]
        tread.cut()


async def test_a_link_that_does_not_hold_is_not_rebuilt_in_a_hurry(tread, connector, states) -> None:
    for _ in range(4):
        await asyncio.sleep(5)
        while connector.link is None:  # noqa: ASYNC110  virtual time
            await asyncio.sleep(0.5)
        tread.cut()
    await asyncio.sleep(0.1)
    waits = [state for state in states.words if state.startswith("waiting")]
    assert [state.split()[1] for state in waits] == [f"{wait:.0f}" for wait in spread(1, 2, 4, 8)]
    assert waits[-1].endswith("the Bluetooth link was lost")
    assert connector.link is None


async def test_while_the_belt_may_be_running_there_is_next_to_no_wait(tread, radio, posted, states) -> None:
    moving = [True]
    connector = Connector(
        ADDRESS, posted, state=states, backend=radio.backend, urgent=lambda: moving[0], rng=seeded()
    )
    running = asyncio.create_task(connector.run())
    for _ in range(8):
        await asyncio.sleep(5)
        assert connector.link is not None, "however often it is lost again"
        tread.cut()
    radio.move_away(tread.device)
    await asyncio.sleep(600)
    ends = [at for at, state in states.all if state.startswith("waiting")]
    after = [next(at for at, state in states.all if at > end) for end in ends[:-1]]
    assert max(at - end for at, end in zip(after, ends, strict=False)) <= 0.5
    assert sum(word.endswith("link was lost") for word in states.words) == 8, "but a short one for each"
    moving[0] = False
    await asyncio.sleep(300)
    (*_, last, nearly) = [at for at, state in states.all if state == "scanning"]
    assert nearly - last > 15, "an absent treadmill that nobody needs is looked for now and then"
    await connector.stop()
    assert running.done()


async def test_the_log_says_once_why_an_absent_treadmill_is_not_reached(radio, connector) -> None:
    with capture_logs() as lines:
        await asyncio.sleep(600)
    (told,) = [line for line in lines if line["log_level"] == "warning"]
    assert told["treadmill"] == ADDRESS
    assert told["why"].startswith("no treadmill")


async def test_a_trouble_that_comes_back_after_a_link_is_told_again(tread, radio, connector) -> None:
    with capture_logs() as lines:
        for _ in range(2):
            await asyncio.sleep(60)
            assert connector.link is not None
            radio.move_away(tread.device)
            await asyncio.sleep(60)
            radio.bring_back(tread.device)
    told = [line["why"] for line in lines if line["log_level"] == "warning"]
    assert len(told) == 2
    assert told[0] == told[1]


async def test_three_tries_at_once_after_a_loss_then_longer_and_longer_waits(
    tread, radio, connector, states
) -> None:
    await asyncio.sleep(30)
    states.all.clear()
    radio.move_away(tread.device)
    await asyncio.sleep(600)
    words = states.words
    assert words[:4] == ["connecting", "connecting", "connecting", "scanning"]
    waits = [float(word.split()[1]) for word in words if word.startswith("waiting")]
    assert 6 <= waits[0] <= 10  # 8 s, then 10 s, each a fifth more or less
    assert all(8 <= wait <= 12 for wait in waits[1:])
    radio.bring_back(tread.device)
    await asyncio.sleep(25)
    assert states.words[-1] == "connected"


def spread(*seconds: float) -> list[float]:
    """Those waits, each up to a fifth more or less, as the connector spreads them."""
    rng = seeded()
    return [wait * rng.uniform(0.8, 1.2) for wait in seconds]


async def test_an_absent_treadmill_is_looked_for_again_and_again_and_found_when_it_comes(
    put_up, connector, states
) -> None:
    await asyncio.sleep(120)
    assert "connecting" not in states.words
    searches = [at for at, word in states.all if word == "scanning"]
    pauses = [later - earlier - 10 for earlier, later in pairwise(searches)]  # to begin and end takes time
    assert pauses == pytest.approx(spread(1, 2, 4, 8, 10, 10, 10), abs=0.1), "after 10 s of search each"
    assert any("no treadmill 'C0:00:00:00:00:01' in the air" in word for word in states.words)
    await put_up()
    await asyncio.sleep(25)
    assert states.words[-1] == "connected"


async def test_without_an_adapter_it_waits_up_to_a_minute_and_goes_on_when_it_is_back(
    tread, radio, posted, states
) -> None:
    radio.unplug()
    connector = Connector(ADDRESS, posted, state=states, backend=radio.backend, rng=seeded())
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(600)
    times = [time for time, word in states.all if word.startswith("waiting")]
    assert any("no Bluetooth adapter" in word for word in states.words)
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits == pytest.approx(spread(1, 2, 4, 8, 16, 32, *[60] * 20)[: len(waits)], abs=0.05)
    assert len(waits) > 10
    radio.plug_in()
    await asyncio.sleep(75)
    assert states.words[-1] == "connected"
    await connector.stop()
    assert running.cancelled()


async def test_while_the_belt_may_be_running_an_adapter_that_is_back_is_used_at_once(
    tread, radio, posted
) -> None:
    connector = Connector(ADDRESS, posted, backend=radio.backend, urgent=lambda: True, rng=seeded())
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(30)
    radio.unplug()
    await asyncio.sleep(600)
    radio.plug_in()
    await asyncio.sleep(2)
    assert connector.link is not None
    await connector.stop()
    assert running.done()


async def test_a_dropped_link_is_rebuilt_at_once_however_young(tread, connector, posted, states) -> None:
    await asyncio.sleep(2)
    (before,) = tread.device.connections.values()
    connector.drop("a Stop could not be written")
    await asyncio.sleep(1)
    (after,) = tread.device.connections.values()
    assert after is not before, "the stuck one was hung up first"
    assert states.words == ["scanning", "connecting", "connected", "connecting", "connected"]
    assert posted.of(Lost) == [Lost(1, "a Stop could not be written")]


def hanging_up_slowly(radio, posted) -> Connector:
    class Slow(radio.backend.client):
        async def disconnect(self) -> None:
            await asyncio.sleep(2)
            await super().disconnect()

    return Connector(ADDRESS, posted, backend=replace(radio.backend, client=Slow), rng=seeded())


async def test_a_dropped_link_is_hung_up_before_the_next_one(tread, radio, posted) -> None:
    """It would be hung up with it."""
    connector = hanging_up_slowly(radio, posted)
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(5)
    connector.drop("a Stop could not be written")
    await asyncio.sleep(10)
    assert [type(happening) for happening in posted.all] == [Connected, Lost, Connected]
    await connector.stop()
    assert running.done()


async def test_it_stays_away_once_and_is_back_at_once_after_the_next_loss(tread, connector) -> None:
    await asyncio.sleep(30)
    connector.drop("the link is cut for a test", away_s=20.0)
    await asyncio.sleep(15)
    assert connector.link is None
    assert not connector.up.is_set()
    await asyncio.sleep(30)
    tread.cut()
    await asyncio.sleep(1)
    assert connector.link is not None


async def test_after_staying_away_it_is_as_eager_as_after_a_loss(tread, radio, connector, states) -> None:
    await asyncio.sleep(30)
    connector.drop("the link is cut for a test", away_s=5.0)
    radio.move_away(tread.device)
    states.all.clear()
    await asyncio.sleep(30)
    assert states.words[:4] == ["away for 5 s", "connecting", "connecting", "connecting"]


async def test_who_drops_it_again_brings_it_back(tread, connector) -> None:
    await asyncio.sleep(30)
    connector.drop("the link is cut for a test", away_s=20.0)
    await asyncio.sleep(5)
    connector.drop("enough")
    await asyncio.sleep(1)
    assert connector.link is not None
    connector.drop("the link is cut for a test", away_s=20.0)
    connector.drop("enough")
    await asyncio.sleep(1)
    assert connector.link is not None, "it is called back before it is away"
    connector.drop("for less than a second", away_s=0.9)
    await asyncio.sleep(0.8)
    assert connector.link is None
    await asyncio.sleep(1)
    assert connector.link is not None


async def test_where_there_is_no_link_there_is_nothing_to_drop_or_stop(radio, posted) -> None:
    connector = Connector(ADDRESS, posted, backend=radio.backend, rng=seeded())
    connector.drop("there is none")
    await connector.stop()
    assert posted.all == []


async def test_what_was_said_without_a_link_is_not_kept_for_the_next(tread, connector) -> None:
    connector.drop("there is none", away_s=20.0)
    await asyncio.sleep(30)
    assert connector.link is not None
    tread.cut()
    await asyncio.sleep(1)
    assert connector.link is not None


@pytest.mark.parametrize(("held_s", "failed"), [(9.9, True), (10.1, False)])
async def test_a_link_that_held_ten_seconds_was_no_failure(tread, connector, states, held_s, failed) -> None:
    await connector.up.wait()
    await asyncio.sleep(held_s)
    tread.cut()
    await asyncio.sleep(0.1)
    assert any(word.startswith("waiting") for word in states.words) is failed


async def test_a_machine_that_is_back_at_once_is_not_read_again(tread, connector, posted) -> None:
    await asyncio.sleep(30)
    reads: list[bool] = []
    tread.on_read = lambda: reads.append(True)
    tread.cut()
    await asyncio.sleep(5)
    assert len(posted.of(Connected)) == 2
    assert not reads


@pytest.mark.parametrize("moving", [False, True])
async def test_a_machine_that_was_away_for_long_is_read_again_and_has_a_higher_number(
    tread, radio, posted, moving
) -> None:
    """It may show another unit now; and the first number may still be on its way in somebody's queue."""
    connector = Connector(ADDRESS, posted, backend=radio.backend, urgent=lambda: moving, rng=seeded())
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(30)
    reads: list[bool] = []
    tread.on_read = lambda: reads.append(True)
    radio.move_away(tread.device)
    await asyncio.sleep(120)
    radio.bring_back(tread.device)
    await until(lambda: len(posted.of(Connected)) == 2)
    first, again = [connected.connection for connected in posted.of(Connected)]
    assert again > first
    assert reads
    await connector.stop()
    assert running.done()


async def test_so_is_one_that_the_adapter_was_away_from(tread, radio, connector, posted) -> None:
    await asyncio.sleep(30)
    reads: list[bool] = []
    tread.on_read = lambda: reads.append(True)
    radio.unplug()
    await asyncio.sleep(120)
    radio.plug_in()
    await until(lambda: len(posted.of(Connected)) == 2)
    assert reads


async def test_where_a_machine_is_was_told_before_anything_of_it_is_posted(
    tread, radio, posted, states
) -> None:
    """Its moving-marker names the address and the adapter: `park` has to find it there."""
    adapter = "hci1"

    class Bluez(radio.backend.scanner):
        def create_or_update_device(self, key, address, name, _details, adv):
            path = f"/org/bluez/{adapter}/dev_{address.replace(':', '_')}"
            return super().create_or_update_device(key, address, name, {"path": path}, adv)

    backend = replace(radio.backend, scanner=Bluez)
    met_at = posted.all.append
    connector = Connector("*", posted, state=states, backend=backend, met=lambda *at: met_at(at))
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(30)
    met, connected = posted.all
    assert met == (ADDRESS, "hci1")
    assert isinstance(connected, Connected)
    adapter = "hci0"
    radio.move_away(tread.device)
    await until(lambda: states.words[-1] == "scanning")
    radio.bring_back(tread.device)
    await until(lambda: connector.link)
    *_, met, connected = posted.all
    assert met == (ADDRESS, "hci0"), "it was found anew"
    assert isinstance(connected, Connected)
    await connector.stop()
    assert running.done()


@pytest.mark.parametrize("moving", [False, True])
async def test_a_machine_is_described_anew_for_each_link(tread, radio, posted, moving) -> None:
    """It may have been put in quarantine meanwhile."""
    links = count(1)

    def described(reading: Reading) -> Machine:
        return replace(describe(reading), quarantined=f"found on link {next(links)}")

    connector = Connector(
        ADDRESS, posted, describe=described, backend=radio.backend, urgent=lambda: moving, rng=seeded()
    )
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(30)
    tread.cut()
    await asyncio.sleep(5)
    found = [connected.machine.quarantined for connected in posted.of(Connected)]
    assert found == ["found on link 1", "found on link 2"]
    await connector.stop()
    assert running.done()


@pytest.mark.parametrize("moving", [False, True])
async def test_one_that_cannot_be_connected_is_looked_for_again_and_again(
    tread, radio, posted, states, moving
) -> None:
    """BlueZ may have forgotten it since it was found, and know it by another handle."""

    class Forgetful(radio.backend.client):
        async def connect(self, *_: object, **__: object) -> None:
            raise BleakError("no such device")

    backend = replace(radio.backend, client=Forgetful)
    connector = Connector(ADDRESS, posted, state=states, backend=backend, urgent=lambda: moving, rng=seeded())
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(300)
    words = [word for word in states.words if not word.startswith("waiting")]
    assert words[:12] == ["scanning", "connecting", "connecting", "connecting"] * 3
    await connector.stop()
    assert running.done()


async def test_a_bug_is_not_taken_for_a_treadmill_that_is_not_reached(tread, radio, posted) -> None:
    def broken(_: object) -> Machine:
        raise ZeroDivisionError

    connector = Connector(ADDRESS, posted, describe=broken, backend=radio.backend, rng=seeded())
    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(60):
            await connector.run()
    await asyncio.sleep(1)
    assert not tread.device.connections


async def test_who_runs_it_again_gets_higher_numbers_and_one_link(tread, radio, posted) -> None:
    """What came on the link of before may still be on its way in somebody's queue."""

    class Buggy(radio.backend.client):
        async def write_gatt_char(self, *_: object) -> None:
            raise ZeroDivisionError

    backend = replace(radio.backend, client=Buggy)
    connector = Connector(ADDRESS, posted, backend=backend, rng=seeded())
    for connection in (1, 2):
        running = asyncio.create_task(connector.run())
        await until(lambda n=connection: len(posted.of(Connected)) == n)
        connector.write(posted.of(Connected)[-1].connection, 1, b"\x08\x01")
        with pytest.raises(ZeroDivisionError):
            await running
        assert not tread.device.connections
    assert [connected.connection for connected in posted.of(Connected)] == [1, 2]


async def test_only_the_link_that_was_dropped_is_no_failure(tread, connector, states) -> None:
    await asyncio.sleep(2)
    connector.drop("a Stop could not be written")
    for _ in range(4):
        await asyncio.sleep(5)
        while connector.link is None:  # noqa: ASYNC110  virtual time
            await asyncio.sleep(0.5)
        tread.cut()
    await asyncio.sleep(0.1)
    assert sum(state.startswith("waiting") for state in states.words) >= 1


async def test_a_write_goes_to_the_link_of_its_number_or_fails(tread, connector, posted) -> None:
    connector.write(1, 10, b"\x08\x01")
    await asyncio.sleep(5)
    connector.write(1, 11, b"\x08\x01")
    await asyncio.sleep(10)
    tread.cut()
    await asyncio.sleep(1)
    connector.write(1, 12, b"\x08\x01")
    await asyncio.sleep(1)
    gone = "the connection is gone"
    assert posted.of(Written) == [Written(1, 10, gone), Written(1, 11), Written(1, 12, gone)]
    assert tread.written == [b"\x08\x01"]


async def test_what_is_written_as_soon_as_it_is_connected_goes_out(tread, radio, posted) -> None:
    """The belt may be running, and that is its Stop."""
    loop = asyncio.get_running_loop()

    def post(happening: Happening) -> None:
        posted(happening)
        if isinstance(happening, Connected):
            loop.call_soon(keeper.write, happening.connection, 1, b"\x08\x01")

    keeper = Connector(ADDRESS, post, backend=radio.backend, rng=seeded())
    running = asyncio.create_task(keeper.run())
    await asyncio.sleep(5)
    assert posted.of(Written) == [Written(1, 1)]
    assert tread.written == [b"\x08\x01"]
    await keeper.stop()
    assert running.done()


async def test_stopping_closes_the_link_and_leaves_the_treadmill_free(tread, connector, posted) -> None:
    await asyncio.sleep(5)
    await connector.stop()
    assert posted.of(Lost) == [Lost(1, "retrowalk stops")]
    assert connector.link is None
    assert not tread.device.connections
    await connector.stop()


@pytest.mark.parametrize("after", [0.001, 0.05, 0.11, 0.5])
async def test_stopping_in_the_middle_of_anything_leaves_the_treadmill_free(tread, connector, after) -> None:
    await asyncio.sleep(after)
    await connector.stop()
    await asyncio.sleep(1)
    assert not tread.device.connections


async def test_stopping_while_it_hangs_up_leaves_the_treadmill_free(tread, radio, posted) -> None:
    connector = hanging_up_slowly(radio, posted)
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(5)
    connector.drop("a Stop could not be written")
    await asyncio.sleep(1)
    await connector.stop()
    assert running.done()
    assert not tread.device.connections


async def test_stopping_while_the_treadmill_is_read_leaves_it_free(tread, connector, posted) -> None:
    stops: list[asyncio.Task[None]] = []
    tread.on_read = lambda: stops.append(asyncio.create_task(connector.stop()))
    await asyncio.sleep(10)
    assert stops
    assert posted.all == []
    assert not tread.device.connections


async def test_a_pattern_means_the_machine_that_was_lost_before_it_means_another(
    put_up, radio, posted, states
) -> None:
    lost = await put_up()
    connector = Connector("Bare*", posted, state=states, backend=radio.backend, rng=seeded())
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(30)
    radio.move_away(lost.device)
    await put_up(address="C0:00:00:00:00:02")
    await asyncio.sleep(120)
    assert connector.link is None
    radio.bring_back(lost.device)
    await asyncio.sleep(30)
    states.all.clear()
    radio.move_away(lost.device)
    await asyncio.sleep(600)
    waits = sum(word.startswith("waiting") for word in states.words)
    assert waits == 9, "and three tries at once: twelve failures"
    assert [connected.machine.id[-1] for connected in posted.of(Connected)] == ["1", "1", "2"]
    await connector.stop()
    assert running.done()


async def test_a_pattern_is_not_faithful_to_one_that_was_never_connected(put_up, radio, posted) -> None:
    other = await put_up(address="C0:00:00:00:00:02")

    def leave(state: str) -> None:
        if state == "connecting" and not posted.all:
            radio.move_away(other.device)

    connector = Connector("Bare*", posted, state=leave, backend=radio.backend, rng=seeded())
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(5)
    await put_up()
    await asyncio.sleep(60)
    assert [connected.machine.id[-1] for connected in posted.of(Connected)] == ["1"]
    await connector.stop()
    assert running.done()


async def test_a_pattern_is_faithful_again_after_every_link_that_held(put_up, radio, posted, states) -> None:
    mine = await put_up()
    connector = Connector("Bare*", posted, state=states, backend=radio.backend, rng=seeded())
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(30)
    radio.move_away(mine.device)
    await asyncio.sleep(600)
    radio.bring_back(mine.device)
    await asyncio.sleep(60)
    assert connector.link is not None
    radio.move_away(mine.device)
    other = await put_up(address="C0:00:00:00:00:02")
    await asyncio.sleep(120)
    assert not other.device.connections
    await connector.stop()
    assert running.done()


async def test_while_its_belt_may_be_running_no_other_machine_will_do_however_long_it_is_away(
    put_up, radio, posted
) -> None:
    mine, moving = await put_up(), [True]
    connector = Connector("Bare*", posted, backend=radio.backend, urgent=lambda: moving[0], rng=seeded())
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(30)
    radio.move_away(mine.device)
    await put_up(address=OTHER)
    await asyncio.sleep(200)
    assert connector.link is None
    radio.bring_back(mine.device)
    await asyncio.sleep(30)
    assert connector.link is not None
    radio.move_away(mine.device)
    moving[0] = False
    await asyncio.sleep(600)
    assert [connected.machine.id for connected in posted.of(Connected)] == [ADDRESS, ADDRESS, OTHER]
    await connector.stop()
    assert running.done()


@pytest.mark.parametrize(
    ("target", "left_at", "then"),
    [
        ("Bare*", ADDRESS, ADDRESS),
        (OTHER, ADDRESS, OTHER),
        ("Bare Two", ADDRESS, OTHER),
        (ADDRESS, ADDRESS, ADDRESS),
        (OTHER, "Bare*", OTHER),
        (OTHER, "", OTHER),
    ],
    ids=["its name fits", "another address", "another name", "as ever", "an old marker's pattern", "torn"],
)
async def test_what_a_dead_process_left_running_goes_before_what_the_configuration_names(
    put_up, radio, posted, *, target: str, left_at: str, then: str
) -> None:
    moving, met = [True], set()
    await put_up(address=OTHER, name="Bare Two")
    connector = Connector(
        target,
        posted,
        backend=radio.backend,
        urgent=lambda: moving[0],
        left_at=left_at,
        met=lambda address, _adapter: met.add(address),
        rng=seeded(),
    )
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(30)
    await put_up()
    await asyncio.sleep(30)
    first = ADDRESS if left_at == ADDRESS else OTHER
    assert met == {first}
    moving[0] = False
    await asyncio.sleep(30)
    assert connector.link is not None
    assert [connected.machine.id for connected in posted.of(Connected)] == sorted({first, then})
    await connector.stop()
    assert running.done()


async def test_however_often_a_machine_left_running_was_lost_it_is_left_once(put_up, radio, posted) -> None:
    left, moving = await put_up(), [True]
    connector = Connector(
        OTHER, posted, backend=radio.backend, urgent=lambda: moving[0], left_at=ADDRESS, rng=seeded()
    )
    running = asyncio.create_task(connector.run())
    for held_s in (30, 30.3, 30.6, 30.9):
        await asyncio.sleep(held_s)
        left.cut()
    await put_up(address=OTHER)
    await asyncio.sleep(30)
    moving[0] = False
    await asyncio.sleep(30)
    assert [connected.machine.id for connected in posted.of(Connected)] == [*[ADDRESS] * 5, OTHER]
    assert len(posted.of(Lost)) == 5
    await connector.stop()
    assert running.done()


def test_a_machine_is_claimed_however_its_address_is_written_and_free_when_another_is() -> None:
    both, one, other = RightOfWay(), object(), object()
    both.claim(one, "Bare*", ADDRESS.lower())
    assert [both.is_free(who, ADDRESS) for who in (one, other)] == [True, False]
    assert not both.is_free(other, ADDRESS.lower())
    both.claim(one, "Bare*", OTHER)
    assert [both.is_free(other, address) for address in (ADDRESS, OTHER)] == [True, False]


@pytest.mark.parametrize(
    ("first", "left_at", "second", "were_on"),
    [
        ("Bare*", "", ADDRESS, ([OTHER], [ADDRESS])),
        (ADDRESS, "", "Bare*", ([ADDRESS], [OTHER])),
        ("Bare*", "", "Bare*", ([ADDRESS], [OTHER])),
        ("Bare*", ADDRESS, ADDRESS, ([ADDRESS, OTHER], [ADDRESS])),
        (OTHER, ADDRESS, "Bare*", ([ADDRESS, OTHER], [ADDRESS])),
        (ADDRESS, "", ADDRESS, ([ADDRESS], [ADDRESS])),
    ],
)
async def test_a_name_never_means_the_machine_of_another_treadmill_even_while_that_is_lost(
    put_up, radio, *, first: str, left_at: str, second: str, were_on: tuple[list[str], list[str]]
) -> None:
    """Who asks by address gets it all the same: a dead process may have left one belt under two ids."""
    both, moving, posted = RightOfWay(), [True], [Posted(), Posted()]
    connectors = [
        Connector(
            target,
            posts,
            backend=radio.backend,
            urgent=lambda: moving[0],
            left_at=left,
            right_of_way=both,
            rng=seeded(),
        )
        for target, posts, left in zip((first, second), posted, (left_at, ""), strict=True)
    ]
    theirs = await put_up()
    running = []
    for connector in connectors:
        running.append(asyncio.create_task(connector.run()))
        await asyncio.sleep(30)
    radio.move_away(theirs.device)
    await asyncio.sleep(5)
    radio.bring_back(theirs.device)
    await asyncio.sleep(30)
    await put_up(address=OTHER)
    await asyncio.sleep(30)
    moving[0] = False
    await asyncio.sleep(60)
    met = [[connected.machine.id for connected in posts.of(Connected)] for posts in posted]
    assert tuple(list(dict.fromkeys(machines)) for machines in met) == were_on
    assert all(connector.link is not None for connector in connectors)
    for connector in connectors:
        await connector.stop()
    assert all(task.done() for task in running)


async def test_nor_the_one_that_another_s_dead_process_left_before_it_is_in_the_air(
    put_up, radio, posted
) -> None:
    both, others = RightOfWay(), Posted()
    connectors = [
        Connector("Bare*", others, backend=radio.backend, right_of_way=both, rng=seeded()),
        Connector(
            OTHER, posted, backend=radio.backend, urgent=lambda: True, left_at=ADDRESS, right_of_way=both,
            rng=seeded(),
        ),
    ]  # fmt: skip
    running = [asyncio.create_task(connector.run()) for connector in connectors]
    await asyncio.sleep(5)
    await put_up()
    await asyncio.sleep(60)
    assert [connected.machine.id for connected in posted.of(Connected)] == [ADDRESS]
    assert others.all == []
    for connector in connectors:
        await connector.stop()
    assert all(task.done() for task in running)


async def test_one_that_its_treadmill_gave_up_may_be_another_s(put_up, radio, posted) -> None:
    both, others = RightOfWay(), Posted()
    tread = await put_up()
    first, second = (
        Connector("Bare*", post, backend=radio.backend, right_of_way=both, rng=seeded())
        for post in (posted, others)
    )
    running = asyncio.create_task(first.run())
    await asyncio.sleep(30)
    radio.move_away(tread.device)
    await asyncio.sleep(600)
    assert both.is_free(second, ADDRESS)
    await first.stop()
    assert running.done()


async def test_two_connectors_keep_two_treadmills(put_up, radio, posted, states) -> None:
    addresses = [f"C0:00:00:00:00:0{n}" for n in (1, 2)]
    treads = [await put_up(address=address) for address in addresses]
    connectors = [Connector(address, posted, state=states, backend=radio.backend) for address in addresses]
    running = [asyncio.create_task(connector.run()) for connector in connectors]
    await asyncio.sleep(5)
    assert {connected.machine.id for connected in posted.of(Connected)} == set(addresses)
    treads[0].cut()
    await asyncio.sleep(5)
    assert [connector.link is not None for connector in connectors] == [True, True]
    for connector in connectors:
        await connector.stop()
    assert all(task.done() for task in running)
