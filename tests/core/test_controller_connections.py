"""What belongs to one connection or one marker ends with it: octets, tickets, stuck writes."""

import pytest
from tests.core.bench import Bench, program

from blefit.units import Speed
from retrowalk.core.model import (
    Act,
    Characteristic,
    Confirm,
    DropLink,
    Lost,
    Mark,
    Notified,
    PauseSession,
    Phase,
    StopSession,
    Unmark,
    Written,
)
from retrowalk.sim.model.console import Key
from retrowalk.sim.model.quirks import BeltQuirks, Quirks
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks

QUICK = Quirks(telemetry=TelemetryQuirks(fields=()))
WALK = program('name = "p"\nlevel = 1\nsteps = [ { walk = "forward", for = "3min", speed = 1.5 } ]')


def walking(bench: Bench) -> Bench:
    bench.offer()
    assert bench.run(90, until=lambda b: b.real_speed >= 100)
    return bench


def effects(bench: Bench, kind: type) -> list[float]:
    return [at for at, effect in bench.effects if isinstance(effect, kind)]


def heard(bench: Bench, connection: int, octets: str) -> None:
    frame = Notified(connection, Characteristic.TREADMILL_DATA, bytes.fromhex(octets))
    bench.controller.feed(frame, bench.now)


def test_half_a_record_of_the_old_connection_is_no_part_of_one_of_the_new() -> None:
    bench = Bench(quirks=QUICK, program=WALK)
    bench.deaf = True
    heard(bench, bench.connection, "0900 3200 0000")  # an incline of 5 %; its other half is lost
    bench.lose_link()
    bench.connect()
    heard(bench, bench.connection, "0000 9600")
    assert bench.snapshot.measured == 150
    assert bench.snapshot.incline is None
    heard(bench, bench.connection - 1, "0000 f401")
    assert bench.snapshot.measured == 150, "an older connection is not heard"


def test_a_start_key_from_before_a_lost_link_starts_nothing_after_it() -> None:
    bench = Bench(quirks=QUICK, program=WALK, answers=frozenset())
    bench.offer()
    key = Notified(bench.connection, Characteristic.MACHINE_STATUS, b"\x04")
    bench.controller.feed(key, bench.now)
    bench.lose_link()
    bench.connect()
    bench.deaf = True
    for _ in range(8):
        heard(bench, bench.connection, "0000 9600")
        bench.run(0.5)
    assert bench.snapshot.phase is not Phase.WALKING
    assert bench.frames == [], "it is manual use"


def test_the_stop_for_a_start_before_a_lost_link_is_written_on_the_next_connection_alone() -> None:
    bench = Bench(quirks=QUICK, program=WALK)
    bench.offer()
    assert bench.run(60, until=lambda b: b.sent(0x07) != [])
    for _ in range(2):
        bench.lose_link()
        bench.answers = frozenset()
        bench.run(1)
        bench.connect()
        bench.run(20)
        assert bench.real_speed == 0
        if not bench.controller.guard.stopping:
            bench.frames.clear()
    bench.lose_link()
    bench.connect()
    bench.run(20)
    assert bench.frames == [], "some machines start on Stop: the belt at rest is left alone"


def test_silence_in_the_countdown_is_not_made_good_by_a_word_from_before_it() -> None:
    bench = Bench(quirks=QUICK, program=WALK, answers=frozenset({Act.START}))
    bench.ask(Confirm(Act.STILL))
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.phase is Phase.COUNTDOWN)
    bench.run(2)
    assert bench.controller.guard.control
    bench.deaf = True
    bench.run(30)
    assert bench.sent(0x07) == []


def test_a_link_lost_before_a_stop_was_over_leaves_the_belt_running_for_all_we_know() -> None:
    bench = walking(Bench(quirks=QUICK, program=WALK))
    bench.ask(StopSession())
    bench.run(0.5)
    bench.lose_link()
    assert bench.controller.guard.left_running
    assert bench.controller.marked
    assert bench.faults()[-1] == "link_lost"


def test_the_end_of_an_older_connection_is_not_the_end_of_the_new_one() -> None:
    bench = Bench(quirks=QUICK, program=WALK)
    bench.lose_link()
    bench.connect()
    walking(bench)
    bench.controller.feed(Lost(bench.connection - 1, "said late"), bench.now)
    bench.run(5)
    assert len(bench.events("link_lost")) == 1
    assert bench.snapshot.phase is Phase.WALKING


def test_the_word_of_a_write_on_an_older_connection_ends_nothing_on_the_new() -> None:
    bench = Bench(quirks=QUICK, program=WALK)
    walking(bench)
    bench.lose_link()
    bench.write_s, bench.writes_arrive = 60.0, False
    bench.connect()
    assert bench.run(3, until=lambda b: len(b.sent(0x08)) >= 1)
    for ticket in range(100):
        bench.controller.feed(Written(bench.connection - 1, ticket), bench.now)
    bench.run(2.5)
    assert effects(bench, DropLink) != [], "the Stop is still not through"


def test_each_link_that_a_stop_cannot_be_written_on_is_dropped() -> None:
    bench = walking(Bench(quirks=QUICK, program=WALK))
    bench.write_s, bench.writes_arrive = 60.0, False
    bench.ask(StopSession())
    bench.run(5)
    assert len(effects(bench, DropLink)) == 1
    bench.lose_link()
    bench.connect()
    bench.run(5)
    assert len(effects(bench, DropLink)) == 2


def test_the_marker_stays_through_a_pause_and_goes_at_known_rest_after_the_end() -> None:
    bench = walking(Bench(quirks=QUICK, program=WALK, answers=frozenset({Act.START})))
    assert len(effects(bench, Mark)) == 1
    bench.answers = frozenset()
    bench.ask(PauseSession())
    bench.run(60)
    assert bench.real_speed == 0
    assert effects(bench, Unmark) == [], "its session may move the belt again"
    bench.ask(StopSession())
    bench.run(1)
    assert len(effects(bench, Unmark)) == 1


def test_the_marker_is_not_removed_from_a_belt_that_moves_or_is_silent() -> None:
    still: list[float] = []
    bench = walking(Bench(quirks=QUICK, program=WALK))
    bench.each_step.append(lambda b: still.append(b.now) if b.real_speed == 0 else still.clear())
    bench.answers = frozenset()
    bench.ask(StopSession())
    bench.deaf = True
    bench.run(30)
    assert bench.real_speed == 0
    assert effects(bench, Unmark) == [], "nobody knows that it rests"
    bench.deaf = False
    bench.run(12)
    (removed,) = effects(bench, Unmark)
    assert removed - still[0] >= 0.5


def test_the_marker_is_not_removed_while_somebody_moves_the_belt_by_hand() -> None:
    bench = Bench(quirks=QUICK, program=WALK)
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.phase is Phase.COUNTDOWN)
    bench.deaf = True
    for octets in ["0000 9600"] * 8:
        heard(bench, bench.connection, octets)
        bench.run(0.5)
    assert bench.snapshot.phase in {Phase.MANUAL, Phase.ENDED}
    assert effects(bench, Unmark) == []
    bench.deaf = False
    bench.run(2)
    assert len(effects(bench, Unmark)) == 1


def test_a_marker_that_a_dead_process_left_stays_until_no_start_of_it_can_be_outstanding() -> None:
    bench = Bench(quirks=QUICK, program=WALK, left_running=True)
    bench.run(7.0)
    assert effects(bench, Unmark) == []
    bench.run(4.0)
    assert len(effects(bench, Unmark)) == 1


@pytest.mark.parametrize("moving", [False, True])
def test_a_marker_that_cannot_be_written_ends_the_session_and_stops_what_the_console_started(
    moving: bool,
) -> None:
    bench = Bench(quirks=QUICK, program=WALK, answers=frozenset(), marker_error="the disk is full")
    bench.offer()
    if moving:
        bench.treadmill.console.press("start")
    else:
        bench.answers = frozenset({Act.START})
    bench.run(30)
    assert bench.faults() == ["start_refused"]
    assert bench.real_speed == 0
    sent = [frame[0] for _, frame in bench.frames]
    assert sent[:1] == ([0x08] if moving else [])
    assert set(sent) <= {0x08, 0x00}, "and control for the sake of Stop"


def test_after_a_rest_the_belt_begins_at_its_minimum_and_each_raise_is_announced_again() -> None:
    bench = walking(Bench(quirks=QUICK, program=WALK))
    bench.ask(PauseSession())
    assert bench.run(30, until=lambda b: b.real_speed == 0)
    said = len(bench.said())
    sent = len(bench.sent(0x02))
    assert bench.run(60, until=lambda b: b.real_speed >= 80)
    bench.run(4)
    targets = [frame for _, frame in bench.frames if frame[0] == 0x02][sent:]
    assert targets == [b"\x02\x50\x00"]
    assert [s for s in bench.said()[said:] if s.startswith("Speed rises")] == [
        "Speed rises to 1.5 in 5 seconds."
    ]


def test_the_programs_highest_speed_of_each_direction_is_its_cap() -> None:
    text = """
name = "p"
level = 2
steps = [
  { walk = "forward", for = "40s", speed = 1.8 },
  { turn = "backward" },
  { walk = "backward", for = "40s", speed = 1.2 },
]
"""
    bench = Bench(quirks=QUICK, program=program(text))
    caps: set[tuple[str, int | None]] = set()
    bench.each_step.append(lambda b: caps.add((b.snapshot.direction.value, b.controller.guard.cap(b.now))))
    bench.offer()
    bench.run(200)
    assert bench.events("completed")
    assert {cap for way, cap in caps if way == "forward" and cap} == {Speed(180)}
    assert {cap for way, cap in caps if way == "backward" and cap} == {Speed(120)}


def test_a_link_lost_with_a_start_outstanding_is_stopped_first_on_the_next_one() -> None:
    slow = Quirks(telemetry=TelemetryQuirks(fields=()), belt=BeltQuirks(start_delay_s=6.0))
    bench = Bench(quirks=slow, program=WALK)
    bench.offer()
    assert bench.run(60, until=lambda b: b.sent(0x07) != [])
    bench.lose_link()
    before = len(bench.frames)
    bench.connect()
    bench.run(1)
    assert bench.frames[before][1] == b"\x08\x01"
    bench.run(30)
    assert bench.real_speed == 0
    assert len(bench.sent(0x07)) == 1


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_stop_that_nobody_can_write_is_no_stop_that_was_done(by_hand: bool) -> None:
    bench = Bench(quirks=QUICK, program=WALK)
    if by_hand:
        bench.treadmill.console.press(Key.START)
        assert bench.run(20, until=lambda b: b.snapshot.phase is Phase.MANUAL)
    bench.lose_link()
    *_, reply = bench.ask(StopSession())
    assert reply.outcome == "failed"
    assert reply.reason.startswith("there is no link")
    assert bench.faults() == (["link_lost"] if by_hand else []), "a belt last seen in motion is the alarm"
    bench.connect()
    bench.run(15)
    written = [frame.hex() for _, frame in bench.frames]
    assert written == (["0801", "00", "0801"] if by_hand else []), "it needs control here, too"
    assert bench.real_speed == 0
