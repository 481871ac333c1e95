"""A link over the real bleak API and a real GATT server: what is posted, in which order, and how it ends."""

import asyncio

import pytest
from bumble.att import ATT_Error
from bumble.gatt import Characteristic as Gatt
from tests.ble.conftest import nothing

from blefit.units import Incline, Speed
from retrowalk.ble.errors import LinkLost, NotATreadmill
from retrowalk.core.model import Characteristic, Connected, Happening, Lost, Notified, Written

STOP = b"\x08\x01"
STOPPED = b"\x80\x08\x01"
RECORD = bytes.fromhex("0000 6400")


async def test_an_open_link_has_posted_the_machine_and_nothing_else(tread, open_link, posted) -> None:
    link = await open_link(7)
    (connected,) = posted.all
    assert isinstance(connected, Connected)
    assert connected.connection == 7
    machine = connected.machine
    assert (machine.name, machine.id) == ("Bare Tread", "C0:00:00:00:00:01")
    assert (machine.minimum, machine.maximum, machine.increment) == (80, 800, 10)
    assert (machine.minimum_incline, machine.maximum_incline, machine.increment_incline) == (0, 100, 5)
    assert machine.controllable
    assert machine.inclinable
    assert link.machine is machine


async def test_notifications_of_every_kind_are_posted_as_octets(tread, open_link, posted, soon) -> None:
    await open_link()
    for number, value in ((0x2ACD, RECORD), (0x2AD3, b"\x00\x0d"), (0x2ADA, b"\x04")):
        tread.notify(number, value)
    await tread.indicate(0x2AD9, STOPPED)
    await soon(lambda: len(posted.of(Notified)) == 4)
    await asyncio.sleep(0.5)
    assert posted.of(Notified) == [
        Notified(1, Characteristic.TREADMILL_DATA, RECORD),
        Notified(1, Characteristic.TRAINING_STATUS, b"\x00\x0d"),
        Notified(1, Characteristic.MACHINE_STATUS, b"\x04"),
        Notified(1, Characteristic.CONTROL_POINT, STOPPED),
    ]


@pytest.mark.parametrize("characteristic", Characteristic)
async def test_everything_that_a_machine_may_tell_is_subscribed_to(
    put_up, open_link, posted, characteristic
) -> None:
    number = characteristic.value
    tread = await put_up({0x2ACD: (Gatt.NOTIFY, b""), number: (Gatt.NOTIFY, b"")})
    await open_link()
    tread.notify(number, b"\x01\x02")
    await asyncio.sleep(1)
    assert posted.of(Notified) == [Notified(1, characteristic, b"\x01\x02")]


async def test_an_answer_notified_where_indications_were_asked_for_is_posted(
    tread, open_link, posted
) -> None:
    await open_link()
    tread.notify(0x2AD9, STOPPED)
    await asyncio.sleep(1)
    assert posted.of(Notified) == [Notified(1, Characteristic.CONTROL_POINT, STOPPED)]


@pytest.mark.parametrize("known", [False, True])
async def test_a_notification_during_set_up_comes_after_connected(
    tread, open_link, posted, soon, known
) -> None:
    first = await open_link()
    await first.close()
    posted.all.clear()
    tread.on_subscribe = lambda number: tread.notify(0x2ADA, b"\x03") if number == 0x2ADA else None
    await open_link(2, known=first.reading if known else None)
    await soon(lambda: posted.of(Notified))
    assert [type(happening) for happening in posted.all] == [Connected, Notified]


async def test_all_notifications_during_set_up_come_in_their_order(tread, open_link, posted, soon) -> None:
    told = [bytes([op]) for op in (0x03, 0xFF, 0x04)]

    def tell(number: int) -> None:
        for status in told if number == 0x2ADA else ():
            tread.notify(0x2ADA, status)

    tread.on_subscribe = tell
    await open_link()
    await soon(lambda: len(posted.of(Notified)) == 3)
    assert [notified.payload for notified in posted.of(Notified)] == told


async def test_a_write_reaches_the_treadmill_and_is_reported_with_its_ticket(
    tread, open_link, posted, soon
) -> None:
    link = await open_link()
    link.write(41, STOP)
    assert posted.of(Written) == []
    await soon(lambda: posted.of(Written))
    assert tread.written == [STOP]
    assert posted.of(Written) == [Written(1, 41)]


async def test_writes_go_out_in_order_each_after_the_answer_to_the_one_before(
    tread, open_link, posted
) -> None:
    async def slow(_: bytes) -> None:
        await asyncio.sleep(0.5)

    link = await open_link()
    tread.on_write = slow
    for ticket in range(5):
        link.write(ticket, bytes([0x02, ticket, 0]))
    await asyncio.sleep(1.2)
    assert [octets[1] for octets in tread.written] == [0, 1, 2]
    await asyncio.sleep(5)
    assert [octets[1] for octets in tread.written] == [0, 1, 2, 3, 4]
    assert [written.ticket for written in posted.of(Written)] == [0, 1, 2, 3, 4]


async def answered_early(tread, open_link, posted, soon) -> list[Happening]:
    """What is posted of a write whose answer is indicated before the write response."""

    async def early(_: bytes) -> None:
        await tread.indicate(0x2AD9, STOPPED)

    link = await open_link()
    tread.on_write = early
    link.write(1, STOP)
    await soon(lambda: len(posted.all) == 3)
    await asyncio.sleep(0.5)
    return posted.all[1:]


async def test_an_indication_before_the_write_response_is_posted_first(
    tread, open_link, posted, soon
) -> None:
    """Over BlueZ in either order: tests/bluez."""
    told = await answered_early(tread, open_link, posted, soon)
    assert told == [Notified(1, Characteristic.CONTROL_POINT, STOPPED), Written(1, 1)]


@pytest.mark.parametrize("code", [0x03, 0x0D, 0x0E, 0x13, 0x80, 0xFD, 0xFE])
async def test_an_att_error_refuses_the_write_and_leaves_the_link(tread, open_link, posted, code) -> None:
    async def refuse(_: bytes) -> None:
        raise ATT_Error(code)

    link = await open_link()
    tread.on_write = refuse
    link.write(1, STOP)
    await asyncio.sleep(0.2)
    assert bool(posted.of(Written)) is (code != 0x0E), "a loss may be behind that one alone"
    await asyncio.sleep(1)
    (written,) = posted.of(Written)
    assert written.att_error == code
    assert f"ATT error 0x{code:02X}" in written.error
    assert posted.of(Lost) == []
    assert tread.written == [STOP], "once: what is written again is the guard's to say"
    tread.on_write = nothing
    link.write(2, STOP)
    await asyncio.sleep(1)
    assert posted.of(Written)[1:] == [Written(1, 2)], "the next one is judged by itself"


async def test_a_machine_without_write_requests_gets_write_commands(put_up, open_link, posted, soon) -> None:
    tread = await put_up(
        {0x2ACD: (Gatt.NOTIFY, b""), 0x2AD9: (Gatt.WRITE_WITHOUT_RESPONSE | Gatt.NOTIFY, b"")}
    )
    link = await open_link()
    tread.on_write = lambda _: asyncio.sleep(3600)  # a command is not answered: nothing to wait for
    link.write(1, STOP)
    await soon(lambda: tread.written and posted.of(Written))
    assert tread.written == [STOP]
    assert posted.of(Written) == [Written(1, 1)]


async def test_a_machine_that_takes_both_gets_a_write_request_for_that_one_is_answered(
    put_up, open_link, posted
) -> None:
    async def refuse(_: bytes) -> None:
        raise ATT_Error(0x80)

    both = Gatt.WRITE | Gatt.WRITE_WITHOUT_RESPONSE | Gatt.INDICATE
    tread = await put_up({0x2ACD: (Gatt.NOTIFY, b""), 0x2AD9: (both, b"")})
    link = await open_link()
    tread.on_write = refuse
    link.write(1, STOP)
    await asyncio.sleep(1)
    assert [written.att_error for written in posted.of(Written)] == [0x80]


async def test_a_lost_link_is_posted_once_after_the_writes_it_took_along(
    tread, open_link, posted, soon
) -> None:
    link = await open_link()
    tread.on_write = lambda _: asyncio.sleep(3)
    for ticket in (1, 2, 3):
        link.write(ticket, STOP)
    await soon(lambda: tread.written)
    tread.cut()
    await asyncio.sleep(10)
    await link.close()
    why = "the Bluetooth link was lost"
    assert posted.all[1:] == [*(Written(1, ticket, why) for ticket in (1, 2, 3)), Lost(1, why)]
    assert await link.over() == why


async def test_an_unlikely_error_that_a_loss_follows_was_the_loss(tread, open_link, posted) -> None:
    """BlueZ 5.82 tells of a lost link in this order."""

    async def refuse(_: bytes) -> None:
        if len(tread.written) == 2:
            asyncio.get_running_loop().call_later(0.1, tread.cut)
        raise ATT_Error(0x0E)

    link = await open_link()
    tread.on_write = refuse
    link.write(1, STOP)
    link.write(2, STOP)
    await asyncio.sleep(1)
    why = "the Bluetooth link was lost"
    _, first, *rest = posted.all
    assert (first.ticket, first.att_error) == (1, 0x0E), "that one was none"
    assert rest == [Written(1, 2, why), Lost(1, why)]


async def test_nothing_is_posted_after_the_end_but_the_failure_of_a_late_write(
    tread, open_link, posted
) -> None:
    link = await open_link()
    link.end("enough")
    tread.notify(0x2ACD, RECORD)
    link.write(9, STOP)
    await asyncio.sleep(1)
    assert posted.all[1:] == [Lost(1, "enough"), Written(1, 9, "enough")]
    assert tread.written == []


async def test_closing_during_a_pending_write_fails_it_and_hangs_up(tread, open_link, posted, soon) -> None:
    link = await open_link()
    tread.on_write = lambda _: asyncio.sleep(3)
    link.write(1, STOP)
    await soon(lambda: tread.written)
    await link.close("shutting down")
    assert posted.all[1:] == [Written(1, 1, "shutting down"), Lost(1, "shutting down")]
    assert not tread.device.connections


async def test_closing_twice_posts_lost_once(tread, open_link, posted) -> None:
    link = await open_link()
    await link.close()
    await link.close()
    assert posted.of(Lost) == [Lost(1, "the connection was closed")]


async def test_a_write_that_is_not_answered_for_5_s_ends_the_link_and_speaks_of_pairing(
    tread, open_link, posted
) -> None:
    link = await open_link()
    tread.on_write = lambda _: asyncio.sleep(3600)
    link.write(1, STOP)
    await asyncio.sleep(4.9)
    assert posted.of(Lost) == []
    await asyncio.sleep(0.2)
    (lost,) = posted.of(Lost)
    assert "no answer in 5 s" in lost.why
    assert "bluetoothctl pair C0:00:00:00:00:01" in lost.why
    assert [written.error for written in posted.of(Written)] == [lost.why]


async def test_a_treadmill_that_wants_pairing_hangs_as_under_bluez_and_is_lost(
    tread, open_link, posted
) -> None:
    async def insist(_: bytes) -> None:
        raise ATT_Error(0x05)

    link = await open_link()
    tread.on_write = insist
    link.write(1, STOP)
    await asyncio.sleep(6)
    (lost,) = posted.of(Lost)
    assert "pair it once with `bluetoothctl pair" in lost.why


async def test_losing_the_link_during_set_up_raises_and_posts_nothing(tread, open_link, posted) -> None:
    tread.on_read = tread.cut
    with pytest.raises(LinkLost):
        await open_link()
    assert posted.all == []
    tread.on_read = lambda: None
    await open_link(2)
    assert [type(happening) for happening in posted.all] == [Connected]


async def test_after_a_reconnect_notifications_come_once(tread, open_link, posted) -> None:
    for connection in (1, 2, 3):
        link = await open_link(connection)
        tread.notify(0x2ACD, RECORD)
        await asyncio.sleep(1)
        assert posted.of(Notified) == [
            Notified(n, Characteristic.TREADMILL_DATA, RECORD) for n in range(1, connection + 1)
        ]
        tread.cut()
        await asyncio.sleep(1)
        await link.close()


async def test_a_known_machine_is_not_read_again(tread, open_link) -> None:
    reads = []
    tread.on_read = lambda: reads.append("read")
    first = await open_link()
    await first.close()
    assert reads
    reads.clear()
    again = await open_link(2, known=first.reading)
    assert reads == []
    assert again.machine == first.machine
    await asyncio.sleep(21)
    assert reads, "but it is asked like any other when it says nothing"


async def test_the_control_point_is_subscribed_to_by_what_it_offers(tread, open_link) -> None:
    await open_link()
    assert tread.subscriptions(0x2AD9) == [b"\x02\x00"]
    assert tread.subscriptions(0x2ACD) == [b"\x01\x00"]


async def test_the_control_point_is_subscribed_to_first_and_the_data_last(tread, open_link) -> None:
    """An answer is never missed; and a belt whose records come is one that can be stopped."""
    order: list[int] = []
    tread.on_subscribe = order.append
    await open_link()
    assert order == [0x2AD9, 0x2ADA, 0x2AD3, 0x2ACD]


@pytest.mark.parametrize("code", [0x02, 0x80])
async def test_a_characteristic_that_cannot_be_read_is_as_if_it_were_not_there(
    tread, open_link, posted, code
) -> None:
    tread.refused = {0x2AD4: code, 0x2AD5: code}
    link = await open_link()
    assert link.reading.speeds is None
    assert link.reading.inclines is None
    assert link.machine.minimum == Speed(100)
    assert not link.machine.inclinable
    assert link.machine.maximum_incline == Incline(0)


async def test_a_machine_without_treadmill_data_is_refused_in_a_sentence(put_up, open_link, posted) -> None:
    tread = await put_up({0x2AD2: (Gatt.NOTIFY, b"")})
    with pytest.raises(NotATreadmill, match="Bare Tread sends no treadmill data"):
        await open_link()
    assert posted.all == []
    assert not tread.device.connections


async def test_a_write_to_a_machine_without_a_control_point_fails_by_name(put_up, open_link, posted) -> None:
    await put_up({0x2ACD: (Gatt.NOTIFY, b"")})
    link = await open_link()
    assert not link.machine.controllable
    link.write(3, STOP)
    assert posted.of(Written) == [Written(1, 3, "the treadmill has no control point")]


async def test_a_treadmill_that_says_nothing_is_asked_every_20_s_and_may_say_nothing(
    tread, open_link, posted
) -> None:
    asked = []
    await open_link()
    tread.on_read = lambda: asked.append("")
    await asyncio.sleep(61)
    assert len(asked) == 3
    tread.refused = {0x2ACC: 0x80}
    await asyncio.sleep(40)
    assert len(asked) == 5
    assert posted.of(Lost) == []


async def test_a_treadmill_that_is_heard_is_asked_nothing(tread, open_link) -> None:
    asked = []
    await open_link()
    tread.on_read = lambda: asked.append("")
    for _ in range(10):
        tread.notify(0x2ACD, RECORD)
        await asyncio.sleep(19)
    assert asked == []
    await asyncio.sleep(21)
    assert len(asked) == 1, "until it falls silent"


async def test_nothing_is_asked_while_a_write_is_under_way(tread, open_link, posted) -> None:
    asked = []
    link = await open_link()
    tread.on_read = lambda: asked.append("")
    tread.on_write = lambda _: asyncio.sleep(4)
    await asyncio.sleep(18)
    link.write(1, STOP)
    await asyncio.sleep(10)
    assert posted.of(Written) == [Written(1, 1)]
    assert asked == []
    await asyncio.sleep(20)
    assert len(asked) == 1
