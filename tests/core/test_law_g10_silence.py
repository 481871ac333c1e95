"""G10: no telemetry while moving: 2 s freeze, 4 s Stop and alarm; an outstanding Start has its own time."""

from collections.abc import Callable

import pytest
from tests.core.bench import Bench, program
from tests.core.desk import Desk, authority

from blefit.ftms.control_point import ResultCode
from blefit.ftms.machine_status import MachineStatusOp
from blefit.ftms.treadmill_data import TreadmillData
from blefit.units import Speed
from retrowalk.core.authority import State
from retrowalk.core.model import Direction, Record, Start, Target, Written


@pytest.mark.parametrize(
    ("seconds", "law", "noticed"),
    [
        (1.75, "", set()),
        (2.0, "G6", set()),
        (2.75, "G6", set()),
        (3.0, "G6", {"telemetry_late"}),
        (3.75, "G6", {"telemetry_late"}),
    ],
)
def test_after_2_s_of_silence_there_are_no_raises_and_after_3_it_is_said(
    seconds: float, law: str, noticed: set[str]
) -> None:
    desk = Desk().at(100)
    desk.silence(seconds)
    assert set(desk.noticed) - {"moving"} == noticed
    assert desk.stops == 0
    assert desk.review(Target(desk.machine.minimum)) == law


def test_after_4_s_of_silence_it_is_stop_and_alarm() -> None:
    desk = Desk().at(100)
    desk.silence(4.0)
    assert desk.stops == 1
    assert desk.noticed[-1] == "telemetry_lost"
    assert desk.guard.faulted


def under_a_hand() -> Desk:
    desk = Desk().at(100)
    desk.runs(140, 3.5)
    assert desk.guard.hand == 140
    return desk


@pytest.mark.parametrize(
    "run",
    [lambda: Desk().moving(), under_a_hand, lambda: Desk(silent_at_rest=True).at(100)],
    ids=["no target sent", "under a hand", "silent at rest"],
)
def test_so_it_is_in_whatever_run(run: Callable[[], Desk]) -> None:
    desk = run()
    desk.silence(4.0)
    assert desk.noticed[-1] == "telemetry_lost"
    assert desk.stops == 1


def test_a_zero_before_the_silence_changes_nothing() -> None:
    desk = Desk().at(100)
    desk.record(0)
    desk.silence(4.0)
    assert desk.noticed[-1] == "telemetry_lost"
    assert desk.stops == 1


def test_lateness_is_said_once_each_time() -> None:
    desk = Desk().at(100)
    desk.silence(3.0)
    desk.runs(100, 1.0)
    desk.silence(3.0)
    assert desk.noticed.count("telemetry_late") == 2


def test_records_without_a_speed_are_no_telemetry() -> None:

    desk = Desk().at(100)
    for _ in range(16):
        desk.silence(0.25)
        desk.belt.observe(Record(TreadmillData(elapsed_time=5)), desk.now)
    assert desk.stops == 1


def test_a_machine_that_tells_of_all_but_its_speed_is_silent() -> None:
    desk = Desk().at(100)
    for _ in range(16):
        desk.silence(0.25)
        desk.status(MachineStatusOp.TARGET_SPEED_CHANGED, 100)
    assert "telemetry_lost" in desk.noticed
    assert desk.stops == 1


def test_a_silent_outstanding_start_is_not_judged_by_it() -> None:
    desk = Desk().starting()
    desk.silence(9.75)
    assert desk.stops == 0
    assert desk.state() is State.STARTING


@pytest.mark.parametrize("silent_at_rest", [False, True])
def test_one_record_of_motion_ends_the_exemption(silent_at_rest: bool) -> None:
    desk = Desk(silent_at_rest=silent_at_rest).starting()
    desk.record(31)
    desk.silence(4.0)
    assert "telemetry_lost" in desk.noticed
    assert desk.stops == 1


@pytest.mark.parametrize(("record", "exempt"), [(30, True), (31, False)])
def test_a_record_up_to_30_does_not(record: int, exempt: bool) -> None:
    desk = Desk().starting()
    desk.record(record)
    desk.silence(4.0)
    assert (desk.stops == 0) is exempt


def test_a_start_that_runs_out_at_known_rest_disarms_and_is_stopped_lest_it_comes_late() -> None:
    desk = Desk().starting()
    desk.runs(0, 9.75)
    assert desk.state() is State.STARTING
    desk.runs(0, 0.25)
    assert desk.state() is State.DISARMED
    assert desk.noticed == ["start_failed", "rest"]
    assert desk.stops == 1
    assert not desk.guard.faulted


@pytest.mark.parametrize(("delay", "seconds"), [(4.0, 10.0), (6.0, 10.0), (8.0, 12.0)])
def test_a_commissioned_delay_and_4_s_may_be_longer_than_10_s(delay: float, seconds: float) -> None:
    desk = Desk(start_delay_s=delay).starting()
    desk.runs(0, seconds - 0.25)
    assert desk.state() is State.STARTING
    desk.runs(0, 0.25)
    assert desk.state() is State.DISARMED


@pytest.mark.parametrize("records", [(), (0,), (20,) * 39], ids=["none", "one", "of a belt that creeps"])
def test_a_start_that_runs_out_without_known_rest_is_stop_and_alarm(records: tuple[int, ...]) -> None:
    desk = Desk().starting()
    desk.silence(10.0 - len(records) * 0.25 - 0.25)
    for speed in records:
        desk.runs(speed, 0.25)
    desk.silence(0.25)
    assert desk.stops >= 1
    assert "start_unknown" in desk.noticed
    assert desk.guard.faulted


@pytest.mark.parametrize(("seconds", "alarm"), [(3.75, False), (4.0, True)])
@pytest.mark.parametrize("last", [0, 16])
def test_a_stopped_start_that_may_still_come_is_not_waited_for_in_silence(
    last: int, seconds: float, alarm: bool
) -> None:
    desk = Desk().starting()
    desk.stop()
    desk.runs(0, 1.0)
    desk.record(last)
    desk.silence(seconds)
    assert ("start_unknown" in desk.noticed) is alarm
    assert desk.stops == 1 + alarm
    assert desk.guard.distrusted is alarm


def test_nor_is_it_on_the_next_link() -> None:
    desk = Desk().starting()
    desk.stop()
    desk.runs(0, 1.0)
    desk.lose_link()
    desk.connect()
    desk.runs(0, 1.0)
    desk.silence(4.0)
    assert desk.noticed[-1] == "start_unknown"


@pytest.mark.parametrize(("last", "alarm"), [(10, False), (11, True)])
def test_a_belt_that_stirs_after_a_stop_that_may_start_it_is_not_waited_for_in_silence(
    last: int, alarm: bool
) -> None:
    desk = Desk()
    desk.record(79)
    desk.guard.left_running = True
    desk.stop()
    desk.runs(0, 1.0)
    desk.record(last)
    desk.silence(4.0)
    assert ("start_unknown" in desk.noticed) is alarm
    assert desk.stops == 1 + alarm


def test_so_it_is_on_the_next_link() -> None:
    desk = Desk()
    desk.record(79)
    desk.guard.left_running = True
    desk.stop()
    desk.runs(0, 1.0)
    desk.lose_link()
    desk.connect()
    desk.runs(0, 1.0)
    desk.record(11)
    desk.silence(4.0)
    assert desk.noticed[-1] == "start_unknown"


def test_such_silence_is_no_alarm_on_a_machine_that_is_silent_at_rest_or_after_a_person_said_still() -> None:
    desk = Desk(silent_at_rest=True).starting()
    desk.stop()
    desk.runs(0, 1.0)
    desk.silence(8.0)
    assert "start_unknown" not in desk.noticed
    desk = Desk().starting()
    desk.stop()
    desk.runs(0, 1.0)
    assert desk.guard.said_still(desk.now) == ""
    desk.silence(8.0)
    assert "start_unknown" not in desk.noticed
    assert desk.stops == 1


def test_silence_in_the_countdown_after_a_stopped_start_is_not_waited_for_either() -> None:
    desk = Desk().starting()
    desk.stop()
    desk.rest()
    assert desk.arm() == ""
    desk.silence(4.0)
    assert "start_unknown" in desk.noticed
    assert desk.guard.distrusted


def test_the_next_start_has_its_own_time_of_silence() -> None:
    desk = Desk(start_delay_s=12.0).starting()
    desk.stop()
    desk.starting()
    desk.silence(8.0)
    assert desk.guard.may_start_late(desk.now)
    assert desk.state() is State.STARTING
    assert desk.stops == 1


def test_a_stopped_start_that_has_run_out_at_rest_may_be_followed_by_silence() -> None:
    desk = Desk().starting()
    desk.stop()
    desk.runs(0, 7.0)
    desk.silence(8.0)
    assert "start_unknown" not in desk.noticed
    assert desk.stops == 1


def test_a_start_runs_out_10_s_after_its_frame_however_late_its_answer() -> None:
    desk = Desk()
    desk.results[Start] = None
    desk.starting()
    desk.runs(0, 2.0)
    desk.answer(Start())
    desk.runs(0, 7.75)
    before = desk.state()
    desk.runs(0, 0.25)
    assert (before, desk.state()) == (State.STARTING, State.DISARMED)


def test_a_start_does_not_run_out_while_motion_is_measured() -> None:
    desk = Desk().starting()
    desk.silence(8.0)
    desk.record(31)
    desk.silence(2.0)
    assert desk.stops == 0
    desk.record(51)
    assert desk.state() is State.RUNNING


def test_after_one_record_of_motion_a_belt_that_creeps_runs_out() -> None:
    desk = Desk().starting()
    desk.record(31)
    desk.runs(20, 10.0)
    assert "start_unknown" in desk.noticed


def test_two_records_at_rest_have_to_be_young_both() -> None:
    desk = Desk().starting()
    desk.silence(7.75)
    desk.record(0)
    desk.silence(2.0)
    desk.record(0)
    desk.silence(1.75)
    assert desk.noticed == [], "the next record may tell"
    desk.silence(0.25)
    assert desk.noticed == ["start_unknown"]


@pytest.mark.parametrize("every", [0.5, 1.0, 1.25, 1.5])
@pytest.mark.parametrize("phase", [0.25, 0.5, 0.75, 1.0, 1.25])
def test_a_start_that_comes_to_nothing_is_none_on_a_slow_machine_either(phase: float, every: float) -> None:
    desk = Desk().starting()
    desk.silence(phase)
    desk.runs(0, 14.0, every=every)
    assert desk.noticed == ["start_failed", "rest"]
    assert desk.stops == 1


def test_a_belt_that_stirred_and_came_to_rest_again_does_not_stay_armed() -> None:
    desk = Desk().starting()
    desk.record(40)
    desk.runs(0, 10.0)
    assert desk.state() is State.DISARMED
    assert desk.noticed == ["start_failed", "rest"]


@pytest.mark.parametrize("silent_at_rest", [False, True])
def test_after_a_start_ran_out_motion_is_alarm_and_stop_until_somebody_says_still(
    silent_at_rest: bool,
) -> None:
    desk = Desk(silent_at_rest=silent_at_rest).starting()
    desk.runs(0, 100.0)
    assert desk.arm() == "somebody at the machine has to say that the belt is still first"
    desk.runs(50, 0.5)
    assert desk.noticed[-1] == "unexpected_motion"
    assert desk.stops == 2


def test_so_it_is_where_it_stirred_and_somebody_says_stop_before_that_was_noticed() -> None:
    desk = Desk().starting()
    desk.record(40)
    desk.runs(0, 9.75)
    desk.now += 0.25
    desk.stop()
    desk.runs(0, 1.0)
    assert desk.arm() == "somebody at the machine has to say that the belt is still first"


def test_measured_rest_does_not_take_the_place_of_the_persons_word() -> None:
    desk = Desk(silent_at_rest=True).starting()
    desk.silence(10.0)
    desk.silence(20.0)
    desk.runs(0, 30.0)
    assert not desk.stopping()
    assert desk.guard.distrusted
    assert desk.guard.said_still(desk.now) == ""
    assert not desk.guard.distrusted


def test_nor_does_a_new_link() -> None:
    desk = Desk().starting()
    desk.runs(0, 20.0)
    desk.lose_link()
    desk.connect()
    desk.rest()
    assert desk.arm() == "somebody at the machine has to say that the belt is still first"


def test_a_word_that_telemetry_denies_does_not_take_its_place_either() -> None:
    desk = Desk().starting()
    desk.runs(0, 100.0)
    desk.record(20)
    assert desk.guard.said_still(desk.now) == "the treadmill reports 0.2 km/h"
    desk.runs(0, 1.0)
    assert desk.arm() == "somebody at the machine has to say that the belt is still first"


def test_said_still_a_belt_may_be_used_again() -> None:
    desk = Desk().starting()
    desk.runs(0, 100.0)
    assert desk.guard.said_still(desk.now) == ""
    desk.runs(50, 2.0)
    assert desk.noticed[-1] == "manual"
    assert desk.stops == 1


def test_a_belt_that_goes_deaf_with_physics_is_stopped() -> None:
    text = 'name = "p"\nlevel = 1\nsteps = [ { walk = "forward", for = "3min", speed = 1.5 } ]'
    bench = Bench(program=program(text))
    bench.offer()
    assert bench.run(100, until=lambda b: b.real_speed >= 140)
    bench.deaf = True
    bench.run(4.5)
    assert bench.faults() == ["telemetry_late", "telemetry_lost"]
    assert bench.run(4, until=lambda b: b.real_speed == 0)


def test_backward_too() -> None:

    back = authority(direction=Direction.BACKWARD, ceiling=Speed(500))
    desk = Desk().walking(back)
    desk.silence(4.0)
    assert desk.stops == 1


def test_rest_that_was_measured_lasts_where_silence_is_the_rule() -> None:
    desk = Desk(silent_at_rest=True).rest()
    desk.silence(60.0)
    assert desk.guard.resting(desk.now)
    assert desk.arm() == ""


def test_the_exemption_does_not_come_back_when_the_belt_creeps() -> None:
    desk = Desk().starting()
    desk.record(40)
    desk.record(25)
    desk.silence(4.0)
    assert desk.noticed[-1] == "telemetry_lost"


@pytest.mark.parametrize(("speed", "noticed"), [(30, "start_unknown"), (31, "moving")])
def test_a_belt_that_creeps_at_30_when_its_time_is_over_has_not_started(speed: int, noticed: str) -> None:
    desk = Desk().starting()
    desk.record(40)
    desk.runs(25, 9.5)
    desk.record(speed)
    desk.silence(0.5)
    assert desk.noticed[-1] == noticed


def test_rest_after_a_motion_that_nobody_started_does_not_take_the_place_of_the_word_that_is_due() -> None:
    desk = Desk().starting()
    desk.runs(0, 10.25)
    assert desk.noticed == ["start_failed", "rest"]
    desk.runs(60, 0.5)
    assert desk.noticed[-1] == "unexpected_motion"
    desk.slides(60, 0)
    desk.runs(0, 1.0)
    assert desk.guard.clear(desk.now) == ""
    assert desk.arm() == "somebody at the machine has to say that the belt is still first"


@pytest.mark.parametrize(
    ("att_error", "error", "waited_for"),
    [(None, "", False), (None, "the radio failed", True), (0x0E, "unlikely error", True)],
)
def test_a_start_that_the_machine_refused_is_not_waited_for_but_one_whose_write_failed_is(
    att_error: int | None, error: str, waited_for: bool
) -> None:
    desk = Desk().counted()
    desk.results[Start] = int(ResultCode.OPERATION_FAILED)
    desk.stuck = bool(error)
    desk.want(Start())
    desk.stuck = False
    if error:
        desk.belt.written(Written(1, len(desk.writes), error, att_error), desk.now)
    desk.runs(0, 2.0)
    desk.silence(4.0)
    assert desk.noticed[0] == "start_refused"
    assert ("start_unknown" in desk.noticed) is waited_for
