"""G7: one change step at a time; the first target after rest is the minimum; speed and incline apart."""

import pytest
from tests.core.desk import Desk, authority

from blefit.ftms.control_point import ResultCode
from blefit.ftms.treadmill_data import TreadmillData
from blefit.units import Incline, Speed
from retrowalk.core.model import Record, Start, Target, TargetIncline


@pytest.mark.parametrize(("speed", "law"), [(120, ""), (130, ""), (131, "G7"), (150, "G7")])
def test_a_raise_is_a_step_above_the_measured_speed_and_the_reading_error(speed: int, law: str) -> None:
    assert Desk().at(100).review(Target(Speed(speed))) == law


def test_the_measured_speed_counts_not_the_commanded_one() -> None:
    desk = Desk().at(100)
    assert desk.want(Target(Speed(120))) == ""
    desk.runs(102, 1.0)
    assert desk.review(Target(Speed(132))) == ""
    assert desk.review(Target(Speed(133))) == "G7"


@pytest.mark.parametrize(("speed", "law"), [(140, ""), (139, "G7"), (80, "G7")])
def test_a_lowering_is_at_most_a_step_down(speed: int, law: str) -> None:
    assert Desk().at(200).review(Target(Speed(speed))) == law


@pytest.mark.parametrize(("speed", "law"), [(79, "G5"), (80, ""), (81, "G7"), (100, "G7")])
def test_the_first_target_after_rest_is_the_machines_minimum(speed: int, law: str) -> None:
    assert Desk().moving().review(Target(Speed(speed))) == law


def test_before_motion_there_is_no_target_on_an_unknown_machine() -> None:
    desk = Desk().starting()
    desk.runs(0, 3.0)
    assert desk.review(Target(Speed(80))) == "G1"


@pytest.mark.parametrize(("record", "law"), [(30, "G1"), (31, "")])
def test_motion_is_above_30_in_two_records(record: int, law: str) -> None:
    desk = Desk().starting()
    desk.runs(record, 0.25)
    assert desk.review(Target(Speed(80))) == "G1"
    desk.runs(record, 0.25)
    assert desk.review(Target(Speed(80))) == law


@pytest.mark.parametrize(("seconds", "law"), [(0.75, "G1"), (1.0, ""), (2.0, "")])
def test_a_machine_known_to_need_a_target_gets_its_minimum_1_s_after_the_answer(
    seconds: float, law: str
) -> None:
    desk = Desk(needs_target_to_move=True).starting()
    desk.runs(0, seconds)
    assert desk.review(Target(Speed(80))) == law
    assert desk.review(Target(Speed(100))) in {"G1", "G7"}


def test_that_second_begins_with_the_answer_however_late() -> None:
    desk = Desk(needs_target_to_move=True).counted()
    desk.results[Start] = None
    desk.want(Start())
    desk.runs(0, 1.0)
    desk.answer(Start())
    assert desk.review(Target(Speed(80))) == "G1"
    desk.runs(0, 1.0)
    assert desk.review(Target(Speed(80))) == ""


def test_a_machine_that_needs_a_target_gets_one_only() -> None:
    desk = Desk(needs_target_to_move=True).starting()
    desk.runs(0, 1.0)
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(0, 1.0)
    assert desk.review(Target(Speed(80))) == "G1"


def test_a_start_without_an_answer_gets_no_target_at_rest() -> None:
    desk = Desk(needs_target_to_move=True).counted()
    desk.results[Start] = None
    desk.want(Start())
    desk.runs(0, 2.75)
    assert desk.review(Target(Speed(80))) == "G1"


@pytest.mark.parametrize(("silent", "law"), [(True, ""), (False, "G6")])
def test_a_silent_one_that_needs_a_target_gets_it_without_telemetry(silent: bool, law: str) -> None:
    desk = Desk(needs_target_to_move=True, silent_at_rest=silent).starting()
    desk.silence(2.0)
    assert desk.review(Target(Speed(80))) == law


@pytest.mark.parametrize(("seconds", "law"), [(0.0, "G7"), (4.99, "G7"), (5.0, "")])
def test_after_an_incline_the_speed_waits_5_s(seconds: float, law: str) -> None:
    desk = Desk().at(100)
    assert desk.want(TargetIncline(Incline(5))) == ""
    desk.runs(100, 4.75)
    desk.now += seconds - 4.75
    assert [desk.review(Target(Speed(speed))) for speed in (90, 110)] == [law, law]


@pytest.mark.parametrize("result", [int(ResultCode.SUCCESS), None])
def test_the_incline_waits_for_the_speed_to_be_met(result: int | None) -> None:
    desk = Desk().walking()
    desk.results[Target] = result
    assert desk.want(Target(Speed(100))) == ""
    desk.runs(80, 0.5)
    assert desk.review(TargetIncline(Incline(5))) == "G7"
    assert desk.guard.incline_step(Incline(30), desk.now) is None


@pytest.mark.parametrize(("incline", "law"), [(5, ""), (6, "G7"), (10, "G7")])
def test_an_incline_step_is_half_a_percent(incline: int, law: str) -> None:
    assert Desk().walking().review(TargetIncline(Incline(incline))) == law


def test_incline_steps_are_5_s_apart_up_and_down() -> None:
    desk = Desk().walking()
    assert desk.want(TargetIncline(Incline(5))) == ""
    desk.runs(80, 4.75)
    assert desk.review(TargetIncline(Incline(10))) == "G7"
    assert desk.guard.incline_step(Incline(10), desk.now) is None
    desk.runs(80, 0.25)
    assert desk.guard.incline_step(Incline(10), desk.now) == 10
    assert desk.guard.incline_step(Incline(0), desk.now) == 0
    assert desk.guard.incline_step(Incline(5), desk.now) is None
    assert desk.review(TargetIncline(Incline(0))) == ""


@pytest.mark.parametrize(("reported", "law"), [(9, "G7"), (10, ""), (15, ""), (20, ""), (21, "G7")])
def test_a_deck_that_is_not_where_it_was_told_to_be_is_left_to_whoever_moved_it(
    reported: int, law: str
) -> None:
    desk = Desk().walking()
    for incline in (5, 10, 15):
        assert desk.want(TargetIncline(Incline(incline))) == ""
        desk.runs(80, 5.0)
    desk.record(80, reported)
    assert [desk.review(TargetIncline(Incline(step))) for step in (10, 20)] == [law, law]
    steps = [desk.guard.incline_step(Incline(goal), desk.now) for goal in (0, 30)]
    assert steps == ([None, None] if law else [10, 20])
    desk.record(80, 15)
    assert desk.guard.incline_step(Incline(30), desk.now) == 20, "it is back"


def test_so_is_one_that_is_below_level_or_told_of_without_a_speed() -> None:
    desk = Desk().walking()
    desk.record(80, -6)
    assert desk.guard.incline_step(Incline(30), desk.now) is None
    desk.record(80, 0)
    desk.belt.observe(Record(TreadmillData(inclination=Incline(6))), desk.now)
    assert desk.guard.incline_step(Incline(30), desk.now) is None


def test_what_was_reported_before_a_rest_does_not_hold_the_next_run() -> None:
    desk = Desk().walking()
    desk.record(80, 20)
    assert desk.guard.incline_step(Incline(30), desk.now) is None
    desk.stop()
    desk.slides(80, 0)
    desk.runs(0, 11.0)
    desk.walking()
    assert desk.guard.incline_step(Incline(30), desk.now) == 5


def test_a_refused_incline_is_not_in_force() -> None:
    desk = Desk().walking()
    desk.results[TargetIncline] = 4
    assert desk.want(TargetIncline(Incline(5))) == ""
    assert desk.guard.incline == 0
    assert "incline_refused" in desk.noticed
    desk.runs(80, 5.0)
    assert desk.review(TargetIncline(Incline(10))) == "G7"


def test_an_incline_whose_write_failed_may_move_all_the_same() -> None:
    desk = Desk().walking()
    desk.write_error = "the radio failed"
    assert desk.want(TargetIncline(Incline(5))) == ""
    assert desk.review(Target(Speed(90))) == "G7"


def test_the_incline_is_remembered_over_a_stop() -> None:
    desk = Desk().walking()
    desk.want(TargetIncline(Incline(5)))
    desk.stop()
    assert desk.guard.incline == 5
    assert "incline_refused" not in desk.noticed


def test_after_a_turn_the_incline_goes_on_from_where_it_is() -> None:
    desk = Desk().walking()
    for incline in (5, 10):
        assert desk.want(TargetIncline(Incline(incline))) == ""
        desk.runs(80, 5.25)
    desk.stop()
    desk.slides(80, 0)
    desk.runs(0, 11.0)
    desk.walking()
    assert [desk.review(TargetIncline(Incline(i))) for i in (0, 4, 5, 15, 16)] == ["G7", "G7", "", "", "G7"]


def test_the_incline_does_not_move_under_a_hand_nor_unarmed() -> None:
    desk = Desk().walking()
    desk.runs(200, 3.5)
    assert desk.guard.hand == 200
    assert desk.review(TargetIncline(Incline(5))) == "G7"
    assert Desk().rest().guard.incline_step(Incline(5), 101.0) is None


def test_a_coarse_grid_may_be_raised_to_its_next_value() -> None:
    desk = Desk(minimum=Speed(100), increment=Speed(50)).walking(authority(step_up=Speed(50)))
    assert desk.review(Target(Speed(150))) == ""
    assert desk.review(Target(Speed(161))) == "G7"


@pytest.mark.parametrize(("result", "deck"), [(int(ResultCode.SUCCESS), 5), (None, 0)])
def test_an_incline_step_without_an_answer_is_made_again(result: int | None, deck: int) -> None:
    desk = Desk().walking()
    desk.runs(80, 6.0)
    desk.results[TargetIncline] = result
    assert desk.want(TargetIncline(Incline(5))) == ""
    desk.runs(80, 6.0)
    assert desk.guard.incline == deck
    assert desk.guard.incline_step(Incline(30), desk.now) == deck + 5


def test_the_incline_in_force_is_that_of_the_last_step() -> None:
    desk = Desk().walking()
    desk.runs(80, 6.0)
    assert desk.want(TargetIncline(Incline(5))) == ""
    assert desk.guard.incline == 5
    assert "incline_refused" not in desk.noticed


def test_steps_down_follow_each_other_while_the_belt_is_on_its_way() -> None:
    desk = Desk().at(200)
    assert desk.want(Target(Speed(150))) == ""
    desk.record(200)
    assert desk.review(Target(Speed(90))) == ""
    assert desk.review(Target(Speed(89))) == "G7"


def test_from_an_incline_the_next_one_is_half_a_percent_up_or_down_and_never_below_0() -> None:
    desk = Desk().walking()
    desk.runs(80, 6.0)
    assert desk.review(TargetIncline(Incline(-1))) == "G5"
    assert desk.want(TargetIncline(Incline(5))) == ""
    desk.runs(80, 6.0)
    assert [desk.review(TargetIncline(Incline(i))) for i in (0, 10, 11)] == ["", "", "G7"]
