"""Sessions recorded of real machines, played as machines and watched by an idle daemon: manual use (G13).

No frame on the Control Point, no fault, no alarm, no refusal; what the machine says is what is shown.
"""

import asyncio
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest

from blefit.ftms.treadmill_data import decode
from retrowalk.core.model import Notified, Offer, Phase
from retrowalk.sim.model.trace import Event, Trace, is_sent
from retrowalk.sim.trace import load

TRACES = load(Path(__file__).parents[1] / "captures" / "traces.json")
REQUEST_CONTROL, TARGET, STOP = 0x00, 0x02, 0x08


def is_record(event: Event) -> bool:
    return is_sent(event) and event.characteristic == "2ACD"


def speeds(trace: Trace) -> list[int | None]:
    """Every speed that was sent, in order, each once."""
    told = [decode(event.payload).instantaneous_speed for event in trace.events if is_record(event)]
    return [speed for speed, _ in groupby(told)]


def at_speed(record: Event, at: float, speed: int) -> Event:
    payload = record.payload[:2] + speed.to_bytes(2, "little") + record.payload[4:]
    return replace(record, at=at, payload=payload)


def to_rest(trace: Trace) -> Trace:
    """The recordings end while the belt falls: here it falls on, 0.1 km/h in 0.2 s, and rests for a while."""
    last = next(event for event in reversed(trace.events) if is_record(event))
    speed = int.from_bytes(last.payload[2:4], "little")
    tail = [at_speed(last, trace.seconds + 0.2 * n, max(0, speed - 10 * n)) for n in range(1, 60)]
    return replace(trace, events=(*trace.events, *tail))


def after_rest(trace: Trace, seconds: int = 30) -> Trace:
    """Before it is used it rests for a while."""
    first = next(event for event in trace.events if is_record(event))
    rest = [at_speed(first, 0.25 * n, 0) for n in range(seconds * 4)]
    later = [replace(event, at=event.at + seconds) for event in trace.events]
    return replace(trace, events=(*rest, *later))


def without_status(trace: Trace) -> Trace:
    """A machine that tells of no key."""
    told = tuple(event for event in trace.events if event.characteristic not in {"2ADA", "2AD3"})
    return replace(trace, events=told)


def untouched(daemon, traced) -> None:
    """The idle daemon has written nothing and found nothing wrong."""
    assert traced.written == []
    assert daemon.ears.alarms() == set()
    assert {event.type for event in daemon.events()} <= {"manual", "link_lost", "link_restored"}
    assert daemon.state().fault is None


async def watched(daemon, traced) -> list[tuple[Phase, int | None]]:
    """The phases and speeds that were shown until it had played, each once."""
    seen = []
    while not traced.over:
        if (latest := daemon.app.hubs["tm"].latest) is not None:
            seen.append((latest.snapshot.phase, latest.snapshot.measured))
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.1)
    seen.append((daemon.state().phase, daemon.state().measured))
    return [shown for shown, _ in groupby(seen)]


def settings(room, **tables):
    """As somebody has it who did not say which machine it is."""
    return room.settings(treadmill={"machine": None, "second_stop": False}, **tables)


@pytest.fixture(params=TRACES, ids=lambda trace: trace.id)
def trace(request) -> Trace:
    return request.param


async def test_watched_from_the_first_record_to_rest(room, trace) -> None:
    played = to_rest(trace)
    traced = await room.play(played)
    async with room.daemon(settings(room)) as daemon:
        seen = await watched(daemon, traced)
        assert [speed for speed, _ in groupby(s for _, s in seen if s is not None)] == speeds(played)
        assert all(phase is Phase.MANUAL for phase, speed in seen[4:] if speed not in {None, 0, 225, 100})
        assert seen[-1] == (Phase.IDLE, 0)
        untouched(daemon, traced)


async def test_a_recording_that_ends_in_motion_is_silence_and_no_alarm(room, trace) -> None:
    traced = await room.play(trace)
    async with room.daemon(settings(room)) as daemon:
        seen = await watched(daemon, traced)
        assert seen[-1][0] is Phase.MANUAL
        await asyncio.sleep(120)
        assert daemon.state().phase is Phase.IDLE
        assert daemon.state().measured is None
        untouched(daemon, traced)


async def test_every_octet_arrives_as_it_was_recorded(room, trace) -> None:
    traced = await room.play(trace)
    async with room.daemon(settings(room)) as daemon:
        heard: list[tuple[int, bytes]] = []
        post = daemon.app.stations["tm"].post

        def overhear(happening) -> None:
            if isinstance(happening, Notified):
                heard.append((happening.characteristic.value, happening.payload))
            post(happening)

        daemon.app._connectors["tm"]._post = overhear
        await watched(daemon, traced)
        await asyncio.sleep(1)
        for number in (0x2ACD, 0x2AD3, 0x2AD9, 0x2ADA):
            recorded = [event.payload for event in trace.sent if event.number == number]
            assert [payload for known, payload in heard if known == number] == recorded


@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
async def test_connected_in_the_middle_of_it(room, trace, part) -> None:
    played = to_rest(trace)
    traced = await room.play(played, at_once=True)
    await asyncio.sleep(trace.seconds * part)
    async with room.daemon(settings(room)) as daemon:
        await watched(daemon, traced)
        await asyncio.sleep(5)
        assert daemon.state().phase is Phase.IDLE
        assert daemon.events("manual")
        untouched(daemon, traced)


@pytest.mark.parametrize("part", [0.05, 0.4, 0.97])
@pytest.mark.parametrize("away_s", [0, 6])
async def test_the_link_is_lost_during_it_and_comes_back(room, trace, part, away_s) -> None:
    traced = await room.play(to_rest(trace))
    async with room.daemon(settings(room)) as daemon:
        stand = room._stands["tm"]
        await daemon.until(lambda state: state.link == "connected")
        await asyncio.sleep(trace.seconds * part)
        stand.move_away()
        await asyncio.sleep(away_s)
        stand.bring_back()
        await watched(daemon, traced)
        await asyncio.sleep(30)
        assert daemon.state().link == "connected"
        assert daemon.state().phase in {Phase.IDLE, Phase.MANUAL}
        untouched(daemon, traced)


async def test_a_recorded_disconnect_is_a_lost_link(room, trace) -> None:
    half = trace.seconds / 2
    events = sorted(
        [*to_rest(trace).events, Event(half, "disconnect", None, b"")], key=lambda event: event.at
    )
    traced = await room.play(replace(trace, events=tuple(events)))
    async with room.daemon(settings(room)) as daemon:
        await watched(daemon, traced)
        assert len(daemon.events("link_lost")) == len(daemon.events("link_restored")) == 1
        untouched(daemon, traced)


@pytest.mark.parametrize("speedup", [4.0, 20.0])
async def test_again_and_again_slower_and_faster(room, trace, speedup) -> None:
    traced = await room.play(to_rest(trace), times=3, speedup=speedup)
    async with room.daemon(settings(room)) as daemon:
        await watched(daemon, traced)
        untouched(daemon, traced)


async def test_with_an_offer_a_belt_started_by_hand_without_a_key_that_is_told_is_not_touched(
    room, trace
) -> None:
    traced = await room.play(without_status(after_rest(trace)))
    async with room.daemon(settings(room)) as daemon:
        await daemon.phase(Phase.IDLE)
        assert (await daemon.ask(Offer("long"))).outcome == "accepted"
        await watched(daemon, traced)
        await asyncio.sleep(60)
        assert traced.written == []
        assert daemon.ears.alarms() == set()
        assert daemon.events("manual")
        assert not daemon.events("fault", "armed", "started")


async def test_an_offer_that_the_start_key_takes_up_brings_no_frame_but_slower_or_stop(room, trace) -> None:
    traced = await room.play(after_rest(trace))
    async with room.daemon(settings(room)) as daemon:
        await daemon.phase(Phase.IDLE)
        assert (await daemon.ask(Offer("long"))).outcome == "accepted"
        await watched(daemon, traced)
        await asyncio.sleep(60)
        frames = [frame for _, frame in traced.written]
        assert {frame[0] for frame in frames} <= {REQUEST_CONTROL, TARGET, STOP}
        assert all(int.from_bytes(frame[1:], "little") <= 100 for frame in frames if frame[0] == TARGET)
        assert daemon.events("started")[0].fields["by"] == "console"
        assert any("CORD" in alarm for alarm in daemon.ears.alarms()), "a recording obeys no Stop"


async def test_where_manual_use_is_forbidden_it_is_stopped_and_nothing_else(room, trace) -> None:
    traced = await room.play(trace)
    async with room.daemon(settings(room, safety={"manual_use_allowed": False})) as daemon:
        await watched(daemon, traced)
        assert {frame[0] for _, frame in traced.written} == {STOP}
        assert daemon.events("fault")
