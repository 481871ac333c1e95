"""G6: a target only with telemetry younger than 2 s, of this connection, with control granted."""

from dataclasses import replace

import pytest
from tests.core.desk import Desk

from blefit.ftms.control_point import ResultCode
from blefit.units import Incline, Speed
from retrowalk.core.model import RequestControl, Target, TargetIncline


@pytest.mark.parametrize(("age", "law"), [(0.0, ""), (1.99, ""), (2.0, "G6"), (3.0, "G6")])
def test_a_target_passes_up_to_2_s_after_a_record(age: float, law: str) -> None:
    desk = Desk().at(100)
    desk.now += age
    assert desk.review(Target(Speed(110))) == law
    assert desk.guard.may_change_speed(desk.now) is (law == "")


@pytest.mark.parametrize(("age", "law"), [(1.99, ""), (2.0, "G6")])
def test_an_incline_passes_up_to_2_s_after_a_record(age: float, law: str) -> None:
    desk = Desk().at(100)
    desk.now += age
    assert desk.review(TargetIncline(Incline(5))) == law


def test_records_of_an_older_connection_do_not_count() -> None:
    desk = Desk().rest()
    assert desk.guard.resting(desk.now)
    desk.lose_link()
    desk.connect()
    assert desk.guard.motion.speed is None
    assert not desk.guard.resting(desk.now)


def test_what_is_known_of_the_machine_is_what_the_newest_connection_says() -> None:
    desk = Desk().rest()
    desk.lose_link()
    desk.machine = replace(desk.machine, quarantined="it ran faster than told")
    desk.connect()
    assert desk.rest().arm() == "it ran faster than told"


def test_a_new_connection_without_a_word_of_the_loss_of_the_old_ends_the_session() -> None:
    desk = Desk().at(100)
    desk.connect()
    assert desk.guard.cap(desk.now) is None
    assert desk.guard.left_running
    assert "link_lost" in desk.noticed


def test_what_arrives_without_a_link_is_not_heard() -> None:
    desk = Desk().rest()
    desk.lose_link()
    desk.runs(0, 2.0)
    assert desk.guard.motion.speed == 0
    assert desk.guard.motion.age(desk.now) == 2.0
    desk.connect()
    assert not desk.guard.resting(desk.now)


@pytest.mark.parametrize("command", [Target(Speed(90)), TargetIncline(Incline(5))], ids=str)
def test_without_control_nothing_passes(command: Target | TargetIncline) -> None:
    desk = Desk().at(80)
    desk.guard.control = False
    assert desk.review(command) == "G6"


def test_a_new_connection_has_no_control() -> None:
    desk = Desk().counted()
    assert desk.guard.control
    desk.lose_link()
    desk.connect()
    assert not desk.guard.control


@pytest.mark.parametrize(("soft", "granted"), [(True, True), (False, False)])
def test_control_that_is_not_answered_counts_only_where_the_machines_file_says_so(
    soft: bool, granted: bool
) -> None:
    desk = Desk(control_unanswered=soft).rest()
    desk.results[RequestControl] = None
    desk.arm()
    desk.want(RequestControl())
    desk.runs(0, 2.75)
    assert not desk.guard.control
    desk.runs(0, 0.5)
    assert desk.guard.control is granted
    assert ("control_refused" in desk.noticed) is not granted


def test_a_start_needs_control_too() -> None:
    desk = Desk().counted()
    desk.guard.control = False
    assert desk.guard.review(b"\x07", desk.now).law == "G6"  # type: ignore[union-attr]  # it is a refusal


def test_without_control_or_without_an_arming_no_change_could_pass() -> None:
    desk = Desk().walking()
    desk.runs(80, 6.0)
    assert desk.guard.may_change_speed(desk.now)
    assert desk.guard.incline_step(Incline(5), desk.now) == 5
    desk.guard.control = False
    assert not desk.guard.may_change_speed(desk.now)
    desk.guard.disarm(desk.now)
    desk.guard.control = True
    desk.record(80)
    assert not desk.guard.may_change_speed(desk.now)
    assert desk.guard.incline_step(Incline(5), desk.now) is None
    assert not desk.guard.target_met


@pytest.mark.parametrize("write_error", ["", "the radio failed"])
def test_a_machine_that_need_not_answer_may_still_refuse_control_or_not_be_asked(write_error: str) -> None:
    desk = Desk(control_unanswered=True).rest()
    assert desk.arm() == ""
    desk.write_error = write_error
    desk.results[RequestControl] = int(ResultCode.OPERATION_FAILED)
    assert desk.want(RequestControl()) == ""
    assert not desk.guard.control


def test_while_a_target_waits_for_its_answer_no_other_could_pass() -> None:
    desk = Desk().walking()
    desk.results[Target] = None
    assert desk.want(Target(Speed(100))) == ""
    assert not desk.guard.may_change_speed(desk.now)
    desk.answer(Target(Speed(100)))
    assert desk.guard.may_change_speed(desk.now)


def test_only_the_first_target_of_a_silent_machine_that_needs_one_goes_unheard() -> None:
    desk = Desk(silent_at_rest=True).moving()
    desk.now += 2.0
    assert desk.review(Target(Speed(80))) == "G6"
    desk = Desk(silent_at_rest=True, needs_target_to_move=True).starting()
    desk.silence(1.0)
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(80, 3.0)
    desk.now += 2.0
    assert desk.review(Target(Speed(80))) == "G6"
