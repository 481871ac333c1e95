"""How motion begins and what it is not: a Start only to a belt known to rest, no key of before the offer, no
step passed at the console."""

import itertools
from dataclasses import replace

import pytest
from tests.core.bench import CLIENT, Bench, program
from tests.core.by_hand import ByHand

from blefit import uuids
from blefit.ftms.machine_status import MachineStatusOp
from blefit.ftms.treadmill_data import TreadmillData, encode
from blefit.units import Speed
from retrowalk.core.asking import AGAIN_S
from retrowalk.core.model import (
    Act,
    Characteristic,
    Confirm,
    Direction,
    Notified,
    PauseSession,
    Phase,
    StopSession,
)
from retrowalk.sim.model.quirks import Acceleration, BeltQuirks, Quirks, Ranges
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks

FAST = TelemetryQuirks(fields=())
QUICK = Quirks(telemetry=FAST)
NEEDS_TARGET = Quirks(telemetry=FAST, belt=BeltQuirks(needs_target_to_move=True))
SILENT = replace(NEEDS_TARGET, telemetry=replace(FAST, silent_at=Speed(40)))
FORWARD = '{ walk = "forward", for = "60s", speed = 1.4 }'
BACKWARD = '{ walk = "backward", for = "60s", speed = 1.0 }'
REST, TURN, PUSH = '{ rest = "40s" }', '{ turn = "backward" }', '{ beltoff = "40s" }'
START, STOP, TARGET = 0x07, 0x08, 0x02


def bench_with(*steps: str, quirks: Quirks = QUICK, **facts: object) -> Bench:
    text = f'name = "p"\nlevel = 1\nsteps = [ {", ".join(steps)} ]'
    return Bench(quirks=quirks, program=program(text), **facts)  # type: ignore[arg-type]  # a table of facts


def stray_record(bench: Bench, speed: int = 20) -> None:
    """One record: of a foot on the belt, or a garbled one."""
    frame = encode(TreadmillData(more_data=False, instantaneous_speed=Speed(speed)))
    bench.controller.feed(Notified(bench.connection, Characteristic.TREADMILL_DATA, frame), bench.now)


# --- a start of ours ------------------------------------------------------------------------------------


def test_a_foot_on_the_belt_at_the_end_of_the_countdown_holds_the_start_back_until_it_rests() -> None:
    bench = bench_with(FORWARD)
    bench.offer()
    assert bench.run(30, until=lambda b: b.snapshot.phase is Phase.COUNTDOWN)
    bench.run(9.9)
    stray_record(bench)
    bench.run(0.3)
    assert bench.sent(START) == []
    assert bench.run(5, until=lambda b: b.sent(START) != [])
    assert bench.run(15, until=lambda b: b.snapshot.phase is Phase.WALKING)
    assert bench.faults() == []


@pytest.mark.parametrize("deaf_s", [6.0, 30.0])
def test_deafness_at_the_end_of_the_countdown_delays_the_start_or_ends_it_with_its_reason(
    deaf_s: float,
) -> None:
    bench = bench_with(FORWARD)
    bench.offer()
    assert bench.run(30, until=lambda b: b.snapshot.phase is Phase.COUNTDOWN)
    bench.run(5.0)
    bench.deaf = True
    bench.run(deaf_s)
    bench.deaf = False
    bench.run(15)
    assert bench.faults() == []
    if deaf_s < 10:
        assert len(bench.sent(START)) == 1
        assert bench.snapshot.phase is Phase.WALKING
    else:
        assert bench.sent(START) == []
        assert bench.events("stopped")[0].fields["reason"] == "the belt was not known to rest in time"
        assert "The belt does not start: the belt was not known to rest in time." in bench.said()


def test_a_machine_that_needs_a_target_gets_it_when_its_telemetry_is_back() -> None:
    bench = bench_with(FORWARD, quirks=NEEDS_TARGET)
    bench.offer()
    assert bench.run(60, until=lambda b: b.sent(START) != [])
    bench.deaf = True
    bench.run(5)
    assert bench.sent(TARGET) == []
    bench.deaf = False
    assert bench.run(3, until=lambda b: b.sent(TARGET) != [])
    assert bench.run(15, until=lambda b: b.snapshot.phase is Phase.WALKING)
    assert bench.faults() == []


def test_a_machine_that_needs_a_target_and_is_silent_at_rest_gets_it_unheard() -> None:
    bench = bench_with(FORWARD, quirks=SILENT)
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.phase is Phase.WALKING)
    assert bench.faults() == []


@pytest.mark.parametrize("later", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_machine_that_needs_a_target_gets_it_when_a_garbled_record_is_past(later: float) -> None:
    bench = bench_with(FORWARD, quirks=NEEDS_TARGET)
    bench.offer()
    assert bench.run(60, until=lambda b: b.sent(START) != [])
    bench.run(later)
    stray_record(bench, 4587)
    assert bench.run(3, until=lambda b: b.sent(TARGET) != [])
    assert bench.run(15, until=lambda b: b.snapshot.phase is Phase.WALKING)
    assert bench.faults() == []


def test_a_machine_that_is_silent_from_its_fall_on_gets_the_target_that_it_needs() -> None:
    bench = bench_with(FORWARD, REST, FORWARD, quirks=SILENT)
    bench.offer()
    assert bench.run(300, until=lambda b: len(b.sent(START)) == 2)
    assert bench.run(15, until=lambda b: b.snapshot.phase is Phase.WALKING)
    assert bench.faults() == []


@pytest.mark.parametrize("later", [0, 30])
def test_a_belt_that_a_start_moves_though_a_stop_overtook_it_is_marked_as_ours_again(later: float) -> None:
    bench = bench_with(FORWARD)
    bench.offer()
    assert bench.run(30, until=lambda b: b.sent(START) != [])
    bench.ask(StopSession())
    assert bench.run(11, until=lambda b: not b.controller.marked)
    bench.run(later)
    bench.treadmill.start(CLIENT)
    assert bench.run(10, until=lambda b: "unexpected_motion" in b.faults())
    assert bench.controller.marked
    assert bench.run(30, until=lambda b: not b.controller.marked)
    assert bench.real_speed == 0
    assert [type(effect).__name__ for _, effect in bench.effects].count("Mark") == 2


def test_the_marker_stays_as_long_as_a_start_that_a_stop_overtook_may_come_late() -> None:
    """Or a daemon that is told to end would leave alone a machine that takes no Stop in its countdown."""
    bench = bench_with(FORWARD, quirks=Quirks(belt=BeltQuirks(start_delay_s=8.0, ignores_stop=True)))
    bench.offer()
    assert bench.run(30, until=lambda b: b.sent(START) != [])
    bench.ask(StopSession())
    bench.run(7)
    assert bench.real_speed == 0
    assert bench.controller.marked
    assert bench.run(5, until=lambda b: "unexpected_motion" in b.faults())
    assert bench.controller.marked


def test_a_countdown_that_nothing_is_armed_for_is_over() -> None:
    bench = bench_with(FORWARD)
    bench.offer()
    assert bench.run(30, until=lambda b: b.snapshot.phase is Phase.COUNTDOWN)
    bench.controller.guard.disarm(bench.now)
    bench.run(1)
    assert bench.events("stopped")[0].fields["reason"] == "the belt was moved or stopped by hand"
    assert bench.sent(START) == []


# --- the console's Start key ----------------------------------------------------------------------------


def test_a_start_key_pressed_before_the_link_was_lost_starts_no_session() -> None:
    bench = bench_with(FORWARD, answers=frozenset())
    bench.offer()
    bench.treadmill.console.press("start")
    bench.run(1.0)
    bench.lose_link()
    bench.connect()
    bench.run(20)
    assert bench.real_speed > 0
    assert bench.frames == []
    assert bench.events("started") == []


@pytest.mark.parametrize("when", ["walking", "offered"])
def test_a_start_key_pressed_while_the_belt_runs_starts_no_session_after_its_next_rest(when: str) -> None:
    if when == "walking":
        hands = ByHand().walking()
        hands.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
        hands.ask(PauseSession())
        hands.slides(80, 0)
    else:
        hands = ByHand().offered().runs(80, 1.0)
        hands.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
        hands.runs(80, 1.0)
    hands.runs(0, 11.5)
    frames = list(hands.written)
    hands.runs(40, 2.0)  # a foot
    assert hands.phase() is not Phase.WALKING
    assert hands.written == frames


def test_a_start_key_pressed_before_the_offer_starts_no_session() -> None:
    bench = bench_with(FORWARD, answers=frozenset())
    bench.treadmill.console.press("start")
    bench.run(1.0)
    assert bench.offer()[0].outcome == "accepted"
    bench.run(20)
    assert bench.real_speed > 0
    assert bench.snapshot.phase is Phase.OFFERED
    assert [e.type for e in bench.events("manual", "started")] == ["manual"]
    assert bench.frames == []


@pytest.mark.parametrize(
    "steps",
    [(FORWARD, REST, TURN, BACKWARD), (FORWARD, REST, PUSH, FORWARD), (FORWARD, REST)],
    ids=["a turn", "a push", "the end"],
)
def test_a_start_key_in_a_rest_that_no_walk_follows_is_an_alarm(steps: tuple[str, ...]) -> None:
    bench = bench_with(*steps, answers=frozenset({Act.START}))
    bench.offer()
    assert bench.run(180, until=lambda b: b.snapshot.phase is Phase.RESTING and b.real_speed == 0)
    bench.run(15)
    bench.treadmill.console.press("start")
    bench.run(15)
    assert bench.faults() == ["unexpected_motion"]
    assert bench.real_speed == 0
    assert bench.events("turn") == []
    assert len(bench.events("step_started")) == 2


def test_a_start_key_in_a_rest_before_a_forward_walk_begins_that() -> None:
    bench = bench_with(FORWARD, REST, FORWARD, answers=frozenset({Act.START}))
    bench.offer()
    assert bench.run(180, until=lambda b: b.snapshot.phase is Phase.RESTING and b.real_speed == 0)
    bench.run(15)
    bench.treadmill.console.press("start")
    bench.run(15)
    assert bench.faults() == []
    assert (bench.snapshot.phase, bench.snapshot.awaiting) == (Phase.WALKING, Act.OK)
    assert bench.snapshot.step_index == 3


def test_a_start_key_does_not_pass_the_rest_that_a_session_begins_with() -> None:
    bench = bench_with(REST, FORWARD, answers=frozenset())
    bench.offer()
    bench.treadmill.console.press("start")
    bench.run(15)
    assert (bench.snapshot.phase, bench.snapshot.direction) == (Phase.OFFERED, Direction.STANDING)
    assert [e.type for e in bench.events("manual", "started", "step_started")] == ["manual"]


@pytest.mark.parametrize("backward", [True, False], ids=["a turn to backward", "a rest before forward"])
def test_a_start_key_after_a_start_that_came_to_nothing_is_what_it_is_in_that_halt(
    backward: bool,
) -> None:
    steps = (TURN, BACKWARD) if backward else (REST, FORWARD)
    bench = bench_with(FORWARD, *steps, answers=frozenset({Act.START}))
    bench.offer()
    asked = Act.FACING if backward else Act.START
    halt = Phase.TURNING if backward else Phase.RESTING
    assert bench.run(240, until=lambda b: b.snapshot.phase is halt and b.snapshot.awaiting is asked)
    bench.answers = frozenset()
    bench.ask(Confirm(asked))
    bench.run(1)
    bench.deaf = True
    bench.run(25)
    assert bench.said()[-1] == "The belt does not start: the belt was not known to rest in time."
    bench.treadmill.console.press("start")
    bench.run(10)
    bench.deaf = False
    bench.run(15)
    assert bench.faults() == (["unexpected_motion"] if backward else [])
    assert bench.real_speed == (0 if backward else 80)


def test_a_machine_that_gives_no_control_of_a_belt_that_the_console_started_is_stopped() -> None:
    bench = bench_with(FORWARD, answers=frozenset())
    write, refused = bench.treadmill.write, {0x00: 0x80}
    bench.treadmill.write = lambda client, octets, now: refused.get(octets[0]) or write(client, octets, now)  # type: ignore[method-assign]  # it wants nobody
    bench.offer()
    bench.treadmill.console.press("start")
    assert bench.run(15, until=lambda b: b.faults() != [])
    assert bench.faults() == ["control_lost"]
    assert bench.events("stopped")[0].fields["reason"] == "ATT 0x80"
    bench.run(1)
    assert bench.sent(STOP) != []


# --- a stop at the console ------------------------------------------------------------------------------

MACHINES = {
    "4 Hz": QUICK,
    "1 Hz": Quirks(telemetry=TelemetryQuirks(fields=(), notify_every_s=1.0)),
    "coarse": Quirks(
        telemetry=FAST, ranges=Ranges(minimum=Speed(100), maximum=Speed(600), increment=Speed(50))
    ),
    "slow to fall": Quirks(telemetry=FAST, belt=BeltQuirks(deceleration=Acceleration(15))),
}


@pytest.mark.parametrize("willing", [False, True], ids=["unanswered", "ok"])
@pytest.mark.parametrize("machine", MACHINES)
def test_a_console_stop_without_a_status_is_a_hand_and_then_a_pause(machine: str, willing: bool) -> None:
    bench = bench_with(FORWARD, quirks=MACHINES[machine], answers=frozenset({Act.START}))
    bench.treadmill.subscribe(CLIENT, uuids.FITNESS_MACHINE_STATUS, False)
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.distance_m > 5)
    bench.answers = frozenset({Act.OK}) if willing else frozenset()
    before = len(bench.frames)
    bench.treadmill.console.press("stop")
    fell = bench.run(30, until=lambda b: b.snapshot.phase is Phase.PAUSED and b.real_speed == 0)
    assert fell
    assert set(bench.faults()) == {"hand"}
    assert bench.frames[before:] == [] or willing, "a falling belt is told nothing"
    bench.answers = frozenset()
    assert bench.run(5, until=lambda b: b.snapshot.awaiting is Act.START)
    bench.run(AGAIN_S + 0.25)
    bench.ask(Confirm(Act.START))
    assert bench.run(30, until=lambda b: b.snapshot.phase is Phase.WALKING)
    assert "refusal" not in bench.faults()


def test_a_status_of_a_stop_whose_parameter_is_cut_off_is_a_stop() -> None:
    bench = bench_with(FORWARD)
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.distance_m > 5)
    bench.controller.feed(Notified(bench.connection, Characteristic.MACHINE_STATUS, b"\x02"), bench.now)
    bench.run(0.5)
    assert bench.snapshot.phase is Phase.PAUSED
    assert bench.events("garbled")[0].fields["hex"] == "02"


def test_a_cord_that_is_pulled_while_nobody_walks_is_noted_and_no_fault() -> None:
    bench = Bench(quirks=QUICK)
    bench.treadmill.safety_key.pull()
    bench.run(2)
    assert [e.fields["id"] for e in bench.events("note")] == ["safety_key"]
    assert bench.faults() == []


def test_the_cue_of_a_step_is_said_as_it_begins() -> None:
    cued = program(
        'name = "p"\nlevel = 0\nsteps = [{ walk = "forward", for = "30s", speed = 1.0, cue = "Easy" }]'
    )
    bench = Bench(quirks=QUICK, program=cued)
    bench.offer()
    assert bench.run(60, until=lambda b: b.real_speed > 30)
    bench.run(1)
    assert bench.said().count("Easy") == 1
    assert [e.fields["text"] for e in bench.events("cue")] == ["Easy"]
    assert bench.snapshot.cue == "Easy"


def test_an_offer_without_a_window_of_its_own_is_open_for_five_minutes() -> None:
    bench = bench_with(FORWARD, answers=frozenset())
    bench.offer()
    bench.run(299.75)
    assert bench.snapshot.awaiting is Act.START
    bench.run(0.75)
    assert [e.fields["reason"] for e in bench.events("missed")] == ["nobody started it in time"]


def test_so_long_it_is_open_though_somebody_walks_by_hand() -> None:
    hands = ByHand().offered().runs(150, 300.25)
    assert hands.session.end_reason == "nobody started it in time"


def test_control_that_is_refused_is_asked_for_every_two_and_a_half_seconds() -> None:
    bench = bench_with(FORWARD)
    write = bench.treadmill.write
    bench.treadmill.write = lambda client, octets, now: 0x80 if octets[0] == 0 else write(client, octets, now)  # type: ignore[method-assign]  # somebody else has it
    bench.offer()
    bench.run(40)
    asked = bench.sent(0x00)
    assert len(asked) == 6
    assert [later - earlier for earlier, later in itertools.pairwise(asked)] == [2.5] * 5
    assert [e.fields["reason"] for e in bench.events("stopped", "missed")] != []
    assert bench.sent(0x07) == []
