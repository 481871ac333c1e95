"""Every way from motion to rest and back: turns, rests, pauses, the end, and programs that begin with one."""

import itertools
from typing import Any

import pytest
from tests.core.bench import Bench, program

from blefit.units import Speed
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.model import (
    Act,
    Characteristic,
    Confirm,
    Direction,
    Notified,
    PauseSession,
    Phase,
    ResumeSession,
    Skip,
)
from retrowalk.core.stages import Stage
from retrowalk.sim.model.quirks import Quirks
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks

FORWARD = '{ walk = "forward", for = "20s", speed = 1.0 }'
BACKWARD = '{ walk = "backward", for = "20s", speed = 1.0 }'
TURN_BACK, TURN_FORTH = '{ turn = "backward" }', '{ turn = "forward" }'
REST, PUSH = '{ rest = "15s" }', '{ beltoff = "15s" }'
QUICK = Quirks(telemetry=TelemetryQuirks(fields=()))


def bench_with(*steps: str, quirks: Quirks = QUICK, **facts: object) -> Bench:
    text = f'name = "p"\nlevel = 0\nsteps = [ {", ".join(steps)} ]'
    return Bench(quirks=quirks, program=program(text), **facts)  # type: ignore[arg-type]  # a table of facts


@pytest.mark.parametrize(
    ("steps", "acts", "starts"),
    [
        ((FORWARD,), [Act.START], 1),
        ((BACKWARD,), [Act.START, Act.FACING], 1),
        ((TURN_BACK, BACKWARD), [Act.START, Act.FACING], 1),
        ((REST, FORWARD), [Act.START, Act.START], 1),
        ((REST, BACKWARD), [Act.START, Act.FACING], 1),
        ((PUSH, FORWARD), [Act.START, Act.START], 1),
        ((PUSH, BACKWARD), [Act.START, Act.FACING], 1),
        ((REST, PUSH, BACKWARD), [Act.START, Act.FACING], 1),
        ((FORWARD, TURN_BACK, BACKWARD), [Act.START, Act.FACING], 2),
        ((FORWARD, REST, FORWARD), [Act.START, Act.START], 2),
        ((FORWARD, PUSH, FORWARD), [Act.START, Act.START], 2),
        ((FORWARD, REST, TURN_BACK, BACKWARD), [Act.START, Act.FACING], 2),
        ((FORWARD, TURN_BACK, REST, BACKWARD), [Act.START, Act.FACING, Act.START], 2),
        ((FORWARD, TURN_BACK, TURN_FORTH, FORWARD), [Act.START, Act.FACING, Act.FACING], 2),
        ((FORWARD, REST), [Act.START], 1),
        ((FORWARD, TURN_BACK), [Act.START, Act.FACING], 1),
    ],
)
def test_every_motion_from_rest_has_its_own_act(steps: tuple[str, ...], acts: list[Act], starts: int) -> None:
    bench = bench_with(*steps)
    given: list[Act] = []

    def answer(b: Bench) -> None:
        awaiting = b.snapshot.awaiting
        if awaiting is not None:
            assert b.real_speed == 0
            if b.ask(Confirm(awaiting))[-1].outcome != "refused":
                given.append(awaiting)

    bench.answers = frozenset()
    bench.each_step.append(answer)
    bench.offer()
    session = bench.controller.session
    assert session is not None
    bench.run(300, until=lambda _: session.stage is Stage.ENDED)
    assert [e.type for e in bench.events("completed", "stopped", "missed")] == ["completed"]
    assert given == acts
    assert len(bench.sent(0x07)) == starts
    assert bench.faults() == []
    steps_seen = [e.fields["step"] for e in bench.events("step_started")]
    assert steps_seen == list(range(1, len(steps) + 1)), "every step is told, once"


@pytest.mark.parametrize(
    ("steps", "halt"),
    [((FORWARD, REST, FORWARD), REST), ((FORWARD, PUSH, FORWARD), PUSH), ((REST, FORWARD), REST)],
)
def test_a_rest_lasts_as_long_as_it_says(steps: tuple[str, ...], halt: str) -> None:
    bench = bench_with(*steps)
    stood: list[float] = []
    bench.each_step.append(lambda b: stood.append(b.now) if b.snapshot.phase is Phase.RESTING else None)
    bench.offer()
    bench.run(300, until=lambda b: b.events("completed") != [])
    assert len(bench.sent(0x07)) >= 1
    assert bench.sent(0x07)[-1] - stood[0] >= 15.0


@pytest.mark.parametrize("countdown", [5, 10])
def test_a_turn_takes_ten_seconds_at_rest_and_only_then_faces_the_new_way(countdown: int) -> None:
    bench = bench_with(FORWARD, TURN_BACK, BACKWARD, site=SiteLimits(level=6, countdown_s=countdown))
    bench.offer()
    assert bench.run(120, until=lambda b: b.snapshot.awaiting is Act.FACING)
    still = bench.now
    assert bench.snapshot.direction.value == "standing"
    assert bench.events("turn") == []
    assert bench.run(60, until=lambda b: len(b.sent(0x07)) == 2)
    assert bench.now - still >= 10.0
    assert bench.events("turn")[0].fields["direction"] == "backward"
    assert bench.run(60, until=lambda b: b.snapshot.phase is Phase.WALKING)
    assert bench.snapshot.direction is Direction.BACKWARD


@pytest.mark.parametrize("countdown", [5, 10, 20])
def test_the_countdown_says_the_seconds_that_are_left(countdown: int) -> None:
    bench = bench_with(FORWARD, site=SiteLimits(level=6, countdown_s=countdown))
    bench.offer()
    assert bench.run(60, until=lambda b: b.events("armed") != [])
    armed = bench.now
    called: list[tuple[float, object]] = []
    bench.each_step.append(
        lambda b: called.extend(
            (armed + countdown - b.now, e.fields["seconds"]) for e in b.events("countdown")[len(called) :]
        )
    )
    assert bench.run(60, until=lambda b: b.sent(0x07) != [])
    assert bench.now - armed >= countdown
    told = [seconds for _, seconds in called]
    assert told == [call for call in (10, 5, 3, 2, 1) if call <= countdown]
    for left, seconds in called[1:]:
        assert isinstance(seconds, int)
        assert abs(left - seconds) <= 0.3


@pytest.mark.parametrize(("halt", "back"), [(TURN_BACK, BACKWARD), (REST, FORWARD), (PUSH, FORWARD)])
def test_nobody_who_acts_ends_the_session_after_its_time(halt: str, back: str) -> None:
    bench = bench_with(FORWARD, halt, back, site=SiteLimits(level=6, rest_wait_s=30))
    bench.answers = frozenset({Act.START})
    bench.offer()
    assert bench.run(120, until=lambda b: b.snapshot.distance_m > 1)
    bench.answers = frozenset()
    assert bench.run(120, until=lambda b: b.snapshot.awaiting is not None)
    asked = bench.now
    assert bench.run(120, until=lambda b: b.events("stopped") != [])
    assert 29 <= bench.now - asked <= 30 + 15
    assert bench.events("stopped")[0].fields["reason"] == "nobody confirmed in time"
    assert "The session is over: nobody confirmed in time." in bench.said()
    assert len(bench.sent(0x07)) == 1


def test_a_start_that_lapses_in_a_turn_goes_back_to_it_and_asks_again() -> None:
    bench = bench_with(FORWARD, TURN_BACK, BACKWARD)
    bench.answers = frozenset({Act.START})
    bench.offer()
    assert bench.run(120, until=lambda b: b.snapshot.awaiting is Act.FACING)
    write = bench.treadmill.write
    silence = {0x00: 0x80}
    bench.treadmill.write = lambda client, octets, now: silence.get(octets[0]) or write(client, octets, now)  # type: ignore[method-assign]  # a machine that has had enough
    bench.ask(Confirm(Act.FACING))
    bench.run(5)
    assert bench.snapshot.awaiting is None
    assert bench.run(60, until=lambda b: b.snapshot.awaiting is Act.FACING)
    assert len(bench.sent(0x07)) == 1
    assert bench.events("stopped") == []


def test_the_console_stop_is_a_pause_and_only_an_act_goes_on() -> None:
    bench = bench_with(FORWARD)
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.phase is Phase.WALKING and b.snapshot.distance_m > 2)
    bench.answers = frozenset()
    bench.treadmill.console.press("stop")
    assert bench.run(
        15, until=lambda b: b.snapshot.phase is Phase.PAUSED and b.snapshot.awaiting is Act.START
    )
    bench.run(20)
    bench.ask(ResumeSession())
    bench.run(20)
    assert len(bench.sent(0x07)) == 1
    bench.ask(Confirm(Act.START))
    assert bench.run(30, until=lambda b: b.snapshot.phase is Phase.WALKING)
    assert bench.run(60, until=lambda b: b.events("completed") != [])
    assert [e.type for e in bench.events("paused", "resumed")] == ["paused", "resumed"]
    assert bench.faults() == []


def test_a_console_stop_after_a_turn_is_a_pause_as_well_and_its_start_is_counted_down() -> None:
    bench = bench_with(TURN_BACK, BACKWARD)
    bench.offer()
    assert bench.run(90, until=lambda b: b.snapshot.phase is Phase.WALKING)
    counted = len(bench.events("countdown"))
    assert counted > 0
    bench.answers = frozenset({Act.START})
    bench.treadmill.console.press("stop")
    assert bench.run(15, until=lambda b: b.snapshot.phase is Phase.PAUSED)
    assert bench.run(60, until=lambda b: b.snapshot.phase is Phase.WALKING)
    assert len(bench.events("countdown")) == 2 * counted


def test_a_console_stop_in_the_countdown_calls_the_start_off() -> None:
    bench = bench_with(FORWARD, TURN_BACK, BACKWARD)
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.phase is Phase.COUNTDOWN)
    bench.treadmill.console.press("start")
    bench.treadmill.console.press("stop")
    bench.run(2)
    assert bench.events("stopped")[0].fields["reason"] == "it was stopped at the console"
    assert bench.sent(0x07) == []


def test_skip_begins_a_turn_and_never_passes_it() -> None:
    bench = bench_with(FORWARD, TURN_BACK, BACKWARD)
    bench.answers = frozenset({Act.START})
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.phase is Phase.WALKING)
    bench.run(5)
    assert bench.ask(Skip())[0].outcome == "accepted"
    assert bench.snapshot.phase is Phase.TURNING
    assert bench.run(30, until=lambda b: b.snapshot.awaiting is Act.FACING)
    for _ in range(3):
        assert bench.ask(Skip())[0].outcome == "refused"
        bench.run(5)
    assert bench.snapshot.awaiting is Act.FACING
    assert bench.real_speed == 0


@pytest.mark.parametrize("walked", [10.0, 11.5, 13.0, 14.5])
@pytest.mark.parametrize("before", ["0.9", "[0.9, 1.5]"])
def test_skip_does_not_raise_before_the_announcement(before: str, walked: float) -> None:
    bench = bench_with(
        f'{{ walk = "forward", for = "3min", speed = {before} }}',
        '{ walk = "forward", for = "60s", speed = 1.5 }',
    )
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.commanded == 90)
    bench.run(walked)
    told, speed = len(bench.said()), bench.snapshot.commanded or 0
    bench.ask(Skip())
    skipped = bench.now
    assert bench.run(30, until=lambda b: (b.snapshot.commanded or 0) > speed)
    assert bench.now - skipped >= 5.0
    assert "Speed rises to 1.5 in 5 seconds." in bench.said()[told:]


def test_after_a_slope_down_a_raise_is_announced_again() -> None:
    bench = bench_with(
        '{ walk = "forward", for = "40s", speed = 1.5 }',
        '{ walk = "forward", for = "40s", speed = [1.5, 0.9] }',
        '{ walk = "forward", for = "40s", speed = 1.5 }',
    )
    bench.offer()
    heard: list[float] = []
    raised: list[float] = []

    def look(b: Bench) -> None:
        said = [s for s in b.said() if s.startswith("Speed rises")]
        heard.extend([b.now] * (len(said) - len(heard)))
        speeds = [(at, int.from_bytes(f[1:3], "little")) for at, f in b.frames if f[0] == 2]
        raised[:] = [at for (_, before), (at, after) in itertools.pairwise(speeds) if after > before]

    bench.each_step.append(look)
    bench.run(300, until=lambda b: b.events("completed") != [])
    assert len(heard) == 2
    assert all(any(at - 40 <= said <= at - 4.9 for said in heard) for at in raised)
    assert bench.said().count("Holding 1.5.") == 2


@pytest.mark.parametrize("halt", [REST, PUSH, TURN_FORTH])
def test_so_it_is_after_every_halt(halt: str) -> None:
    """A distance may end at any time: it has no way down of its own."""
    walk = '{ walk = "forward", for = "10m", speed = 1.2 }'
    bench = bench_with(walk, halt, walk)
    bench.offer()
    assert bench.run(300, until=lambda b: b.events("completed") != [])
    assert bench.said().count("Speed rises to 1.2 in 5 seconds.") == 2


def test_a_hand_before_a_turn_is_eased_to_the_minimum_before_the_stop() -> None:
    bench = bench_with('{ walk = "forward", for = "60s", speed = 1.5 }', TURN_BACK, BACKWARD)
    bench.answers = frozenset({Act.START})
    bench.offer()
    assert bench.run(90, until=lambda b: b.snapshot.commanded == 150)
    bench.run(8)
    for _ in range(4):
        bench.treadmill.console.press("slower")
    assert bench.run(20, until=lambda b: b.snapshot.phase is Phase.HELD)
    assert bench.run(90, until=lambda b: b.snapshot.awaiting is Act.FACING)
    eased = bench.sent(0x02)[-1]
    stopped = next(at for at in bench.sent(0x08) if at >= eased)
    assert bench.frames[-1][1] == b"\x08\x01"
    assert (eased, b"\x02\x50\x00") in bench.frames
    assert stopped - eased >= 2.0, "met first"
    assert bench.faults() == ["hand"]


def test_a_hand_is_never_raised_and_steps_may_lower_it() -> None:
    bench = bench_with(
        '{ walk = "forward", for = "60s", speed = 1.5 }',
        '{ walk = "forward", for = "40s", speed = 1.6 }',
        '{ walk = "forward", for = "30s", speed = 0.9 }',
    )
    bench.answers = frozenset({Act.START})
    bench.offer()
    assert bench.run(90, until=lambda b: b.snapshot.commanded == 150)
    bench.run(8)
    for _ in range(4):
        bench.treadmill.console.press("slower")
    assert bench.run(20, until=lambda b: b.snapshot.phase is Phase.HELD)
    held = bench.now
    assert bench.run(120, until=lambda b: b.snapshot.step_index == 3)
    bench.run(10)
    targets = [int.from_bytes(f[1:3], "little") for at, f in bench.frames if f[0] == 2 and at > held]
    assert targets == [90]


def test_a_distance_ends_its_step_and_what_is_left_is_told_in_seconds() -> None:
    bench = bench_with('{ walk = "forward", for = "20m", speed = 1.2 }', FORWARD)
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.phase is Phase.WALKING)
    left = bench.snapshot.step_remaining_s
    assert left is not None
    assert 50 <= left <= 80
    assert bench.run(120, until=lambda b: b.snapshot.step_index == 2)
    assert 19.5 <= bench.snapshot.distance_m <= 20.5


@pytest.mark.parametrize("length", ["60s", "20m"])
def test_an_offer_shows_the_whole_of_its_first_step(length: str) -> None:
    bench = bench_with(f'{{ walk = "forward", for = "{length}", speed = 0.8 }}')
    bench.offer()
    offered = bench.snapshot.step_remaining_s
    assert offered == bench.controller.session.segment.expected_s
    assert bench.snapshot.session_remaining_s == offered


def test_each_distance_is_walked_from_its_own_beginning() -> None:
    step = '{ walk = "forward", for = "20m", speed = 1.0 }'
    bench = bench_with(step, step)
    bench.offer()
    assert bench.run(240, until=lambda b: b.events("completed") != [])
    begun = [event.fields["step"] for event in bench.events("step_started")]
    assert begun == [1, 2]
    assert 40 <= bench.snapshot.distance_m < 43


def test_a_hand_at_the_minimum_is_stopped_at_once_in_the_second_pause_as_in_the_first() -> None:
    bench = bench_with('{ walk = "forward", for = "3min", speed = 1.4 }')
    bench.offer()
    assert bench.run(90, until=lambda b: b.real_speed > 130)
    bench.ask(PauseSession())
    assert bench.run(60, until=lambda b: b.real_speed == 0)
    assert bench.run(90, until=lambda b: b.real_speed > 130)
    bench.answers = frozenset()
    bench.treadmill.console.set_speed(0.8)
    assert bench.run(30, until=lambda b: b.snapshot.phase is Phase.HELD and b.real_speed == 80)
    asked = bench.now
    bench.ask(PauseSession())
    bench.run(30)
    assert bench.sent(0x08)[-1] - asked < 1.0
    assert bench.real_speed == 0


def test_the_longest_moving_time_ends_a_session_that_people_drew_out() -> None:
    bench = bench_with(*[FORWARD] * 9, site=SiteLimits(level=6, session_s=180))
    bench.offer()
    session = bench.controller.session
    assert session is not None
    assert bench.run(60, until=lambda b: b.snapshot.phase is Phase.WALKING)
    walking = bench.now
    session.moving_s += 60
    assert bench.run(200, until=lambda _: session.stage is not Stage.WALKING)
    assert bench.now - walking == pytest.approx(120.25, abs=0.3), "and the tick that sees it"
    assert bench.run(60, until=lambda _: session.stage is Stage.ENDED)
    assert session.end_reason == "the longest moving time of a session is reached"
    assert [e.type for e in bench.events("stopped", "completed")] == ["stopped"]
    assert bench.real_speed == 0


def test_a_machine_that_refuses_its_targets_is_brought_to_the_end() -> None:
    bench = bench_with('{ walk = "forward", for = "3min", speed = 1.5 }')
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.commanded == 80)
    write = bench.treadmill.write
    bench.treadmill.write = lambda client, octets, now: 0x80 if octets[0] == 2 else write(client, octets, now)  # type: ignore[method-assign]  # a machine that turned stubborn
    assert bench.run(60, until=lambda b: b.events("stopped") != [])
    assert bench.events("stopped")[0].fields["reason"] == "the treadmill refuses its target speeds"
    assert bench.real_speed == 0
    refused = bench.sent(0x02)[1:]
    assert len(refused) == 5
    pauses = [later - earlier for earlier, later in itertools.pairwise(refused)]
    assert pauses == pytest.approx([2.25] * 4), "2 s and a tick"


def test_a_belt_that_is_not_quite_eased_is_stopped_after_twenty_seconds_all_the_same() -> None:
    bench = bench_with('{ walk = "forward", for = "3min", speed = 1.1 }')
    bench.offer()
    assert bench.run(60, until=lambda b: b.real_speed == 110)
    bench.run(5)
    bench.ask(PauseSession())
    asked = bench.now
    for _ in range(88):  # above its minimum, by less than would be a fault
        pushed(bench, 0.25, 105)
    (stop,) = bench.sent(0x08)
    assert 20.75 <= stop - asked <= 21.5, "the slope of 0.3 km/h takes a second"


@pytest.mark.parametrize(
    ("top", "hand", "site"),
    [
        (4.0, None, {"ramp_down": 10}),
        (4.0, None, {"step_down": Speed(10)}),
        (6.0, 5.0, {"forward_cap": Speed(600)}),
    ],
    ids=["a slope of 0.1 km/h each second", "steps of 0.1 km/h", "a hand far above"],
)
def test_a_planned_halt_has_the_minimum_met_before_its_stop(
    top: float, hand: float | None, site: dict[str, Any]
) -> None:
    text = f'name = "p"\nlevel = 6\nsteps = [ {{ walk = "forward", for = "6min", speed = {top} }} ]'
    bench = Bench(program=program(text), site=SiteLimits(level=6, **site))
    bench.offer()
    assert bench.run(240, until=lambda b: b.real_speed >= top * 100)
    bench.run(3)
    if hand is not None:
        bench.answers = frozenset()
        bench.treadmill.console.set_speed(hand)
        bench.run(15)
        assert bench.snapshot.phase is Phase.HELD
    bench.ask(PauseSession())
    assert bench.run(120, until=lambda b: b.sent(0x08) != [])
    assert bench.real_speed == 80


def pushed(bench: Bench, seconds: float, speed: int) -> None:
    """Records of a belt that the walker moves by hand."""
    bench.deaf = True
    payload = bytes(2) + speed.to_bytes(2, "little")
    for _ in range(round(seconds * 4)):
        bench.run(0.25)
        heard = Notified(bench.connection, Characteristic.TREADMILL_DATA, payload)
        bench.controller.feed(heard, bench.now)


PUSHED = (FORWARD, '{ beltoff = "40s" }', FORWARD)


def test_in_a_beltoff_step_the_walker_is_told_when_to_push_and_the_push_is_theirs() -> None:
    bench = bench_with(*PUSHED)
    bench.offer()
    assert bench.run(120, until=lambda b: "The belt is still. Do not push it yet." in b.said())
    rested = bench.now
    assert bench.run(20, until=lambda b: "Push the belt yourself now." in b.said())
    assert bench.now - rested == pytest.approx(10.0, abs=0.3)
    frames = len(bench.frames)
    pushed(bench, 10.0, 150)
    assert len(bench.frames) == frames
    assert bench.faults() == []
    pushed(bench, 2.0, 0)
    bench.deaf = False
    bench.run(120)
    assert bench.events("completed")
    assert bench.said().count("Push the belt yourself now.") == 1


def test_but_not_that_of_the_console_s_start_key_to_who_faces_backward() -> None:
    bench = bench_with(FORWARD, TURN_BACK, BACKWARD, '{ beltoff = "40s" }')
    bench.offer()
    assert bench.run(400, until=lambda b: "Push the belt yourself now." in b.said())
    bench.treadmill.console.press("start")
    bench.run(15)
    assert bench.faults() == ["unexpected_motion"]
    assert bench.real_speed == 0


def test_and_a_push_is_theirs_whichever_way_they_face() -> None:
    bench = bench_with(FORWARD, TURN_BACK, BACKWARD, '{ beltoff = "40s" }')
    bench.offer()
    assert bench.run(400, until=lambda b: "Push the belt yourself now." in b.said())
    pushed(bench, 10.0, 150)
    assert bench.faults() == []


def test_a_push_before_that_is_motion_that_nobody_started() -> None:
    bench = bench_with(*PUSHED)
    bench.offer()
    assert bench.run(120, until=lambda b: "The belt is still. Do not push it yet." in b.said())
    pushed(bench, 1.0, 150)
    assert bench.faults() == ["unexpected_motion"]


def test_whoever_turns_in_a_rest_has_the_time_of_a_turn() -> None:
    bench = bench_with('{ rest = "3s" }', BACKWARD, site=SiteLimits(countdown_s=5))
    bench.offer()
    assert bench.run(30, until=lambda b: b.snapshot.phase is Phase.RESTING)
    rested = bench.now
    assert bench.run(60, until=lambda b: b.sent(0x07) != [])
    assert bench.sent(0x07)[0] - rested >= 10


def test_a_way_down_is_no_faster_than_its_smallest_steps_allow() -> None:
    walks = (
        '{ walk = "forward", for = "60s", speed = 1.8 }',
        '{ walk = "forward", for = "60s", speed = 1.0 }',
    )
    bench = bench_with(*walks, site=SiteLimits(level=6, step_down=Speed(10), ramp_down=50))
    bench.offer()
    assert bench.run(300, until=lambda b: b.snapshot.phase is Phase.IDLE and b.sent(0x07) != [])
    targets = [int.from_bytes(frame[1:3], "little") for _, frame in bench.frames if frame[0] == 0x02]
    assert max(targets) == 180
    assert {after - before for before, after in itertools.pairwise(targets) if after < before} == {-10}
    assert bench.faults() == []
