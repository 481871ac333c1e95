import asyncio
import threading

from retrowalk.core.model import Emitted, Phase, Replied, Snapshot
from retrowalk.hub import Hub

IDLE = Snapshot(**dict.fromkeys(Snapshot._fields) | {"phase": Phase.IDLE})


async def test_a_reader_sees_the_newest_state_and_skips_the_others():
    hub = Hub()
    with hub.subscribe() as reader:
        for metres in range(1000):
            hub.publish(IDLE._replace(distance_m=float(metres)))
        assert await reader.changed()
        assert reader.state.snapshot.distance_m == 999


async def test_whoever_is_woken_finds_what_was_put_out(monkeypatch):
    hub = Hub()
    found = []
    with hub.subscribe() as reader:
        monkeypatch.setattr(reader, "wake", lambda: found.append((reader.state, reader.waiting)))
        hub.publish(IDLE)
        hub.emit(Emitted("armed"))
    assert found == [(hub.latest, 0), (hub.latest, 1)]


async def test_a_late_reader_sees_the_state_from_before_it_came():
    hub = Hub()
    hub.publish(IDLE)
    with hub.subscribe() as reader:
        assert await reader.changed(within=1)
        assert reader.state.snapshot is IDLE


async def test_without_news_a_reader_waits():
    with Hub().subscribe() as reader:
        await reader.changed()  # the first look is free
        assert not await reader.changed(within=0.01)


async def test_notes_come_in_order_and_each_once():
    hub = Hub()
    with hub.subscribe() as reader:
        hub.emit(Emitted("armed"))
        hub.reply(Replied("7", "mqtt", "start", "accepted"))
        hub.emit(Emitted("started"))
        assert [type(note.what).__name__ for note in reader.take(2)] == ["Emitted", "Replied"]
        assert [note.what for note in reader.take()] == [Emitted("started")]
        assert reader.waiting == 0


async def test_a_note_has_the_time_it_was_put_out_at():
    hub = Hub(iter((1, 2)).__next__)
    with hub.subscribe() as reader:
        hub.publish(IDLE)
        hub.emit(Emitted("armed"))
        assert [note.time for note in reader.take()] == [2]


async def test_a_slow_reader_loses_the_oldest_notes_and_counts_them():
    hub = Hub()
    with hub.subscribe(backlog=3) as slow, hub.subscribe() as quick:
        for number in range(5):
            hub.emit(Emitted(str(number)))
        assert [note.what.type for note in slow.take()] == ["2", "3", "4"]
        assert slow.dropped == 2
        assert len(quick.take()) == 5


async def test_a_closed_reader_gets_nothing_more():
    hub = Hub()
    with hub.subscribe() as reader:
        pass
    hub.emit(Emitted("armed"))
    assert reader.waiting == 0


def test_a_reader_whose_loop_is_gone_does_not_trouble_the_publisher():
    hub = Hub()

    async def leave_without_closing():
        reader = hub.subscribe()
        await reader.changed()
        return reader

    reader = asyncio.run(leave_without_closing())

    async def others_hear():
        with hub.subscribe() as other:
            hub.emit(Emitted("armed"))
            hub.emit(Emitted("started"))
            return other.waiting

    assert asyncio.run(others_hear()) == 2
    assert reader.waiting == 1  # it was forgotten at the first


async def test_no_note_of_another_thread_is_lost_and_none_is_missed_asleep():
    hub = Hub()
    most = 20_000
    with hub.subscribe(backlog=most) as reader:
        publisher = threading.Thread(target=lambda: [hub.emit(Emitted(str(n))) for n in range(most)])
        publisher.start()
        seen = []
        while len(seen) < most:
            assert await reader.changed(within=5), "a wake-up was lost"
            seen += [int(note.what.type) for note in reader.take()]
        publisher.join()
    assert seen == list(range(most))
