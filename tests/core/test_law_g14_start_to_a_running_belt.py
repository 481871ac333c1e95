"""G14's one exception: commissioning may send one Start to an empty belt at its slowest, by an act for it."""

from collections.abc import Callable

import pytest
from tests.core.desk import Desk, authority

from blefit.ftms.machine_status import MachineStatusOp
from blefit.units import Speed
from retrowalk.core.authority import State
from retrowalk.core.model import Direction, Start, Stop, Target

EMPTY = authority(empty_belt=True, ceiling=Speed(250), cap=Speed(150))


def test_one_act_allows_one_start_and_the_run_goes_on_as_before() -> None:
    desk = Desk().walking(EMPTY)
    assert desk.review(Start()) == "G1"
    assert desk.guard.test_start(desk.now) == ""
    assert desk.guard.may_start(desk.now)
    assert desk.want(Start()) == ""
    assert desk.state() is State.RUNNING
    assert len(desk.sent(Start)) == 2
    assert desk.review(Start()) == "G1", "used up"
    desk.stop()
    assert desk.last == Stop()


@pytest.mark.parametrize(("seconds", "law"), [(5.0, ""), (5.25, "G2")])
def test_the_act_expires(seconds: float, law: str) -> None:
    desk = Desk().walking(EMPTY)
    desk.guard.test_start(desk.now)
    desk.runs(80, seconds)
    assert desk.review(Start()) == law


def test_one_that_is_refused_takes_back_the_one_before() -> None:
    desk = Desk().walking(EMPTY)
    assert desk.guard.test_start(desk.now) == ""
    desk.guard.faulted = True
    assert desk.guard.test_start(desk.now) == NOT_EMPTY
    desk.guard.faulted = False
    assert desk.review(Start()) == "G1"


def faulted(desk: Desk) -> None:
    desk.guard.faulted = True


@pytest.mark.parametrize(
    "spoil",
    [
        lambda desk: desk.runs(40, 0.25),
        faulted,
        lambda desk: desk.silence(2.0),
        lambda desk: desk.record(0),
        lambda desk: setattr(desk.guard, "control", False),
        lambda desk: setattr(desk.guard, "marked", False),
        lambda desk: desk.status(MachineStatusOp.CONTROL_PERMISSION_LOST),
        lambda desk: desk.stop(),
        lambda desk: desk.lose_link(),
    ],
)
def test_between_the_act_and_the_frame_nothing_may_change(spoil: Callable[[Desk], None]) -> None:
    desk = Desk().walking(EMPTY)
    assert desk.guard.test_start(desk.now) == ""
    spoil(desk)
    assert desk.review(Start()) != ""


def test_nor_is_the_next_start_one_of_that_act() -> None:
    desk = Desk().walking(EMPTY)
    assert desk.guard.test_start(desk.now) == ""
    desk.stop()
    desk.slides(80, 0)
    desk.starting(EMPTY)


NOT_EMPTY = "only an empty belt that runs is tested so"
TOO_FAST = "the belt is not at its slowest"


@pytest.mark.parametrize(
    ("desk", "why"),
    [
        pytest.param(Desk(), NOT_EMPTY, id="disarmed"),
        pytest.param(Desk().counted(EMPTY), NOT_EMPTY, id="counted"),
        pytest.param(Desk().starting(EMPTY), NOT_EMPTY, id="starting"),
        pytest.param(Desk().moving(EMPTY), TOO_FAST, id="no target yet"),
        pytest.param(Desk().walking(), NOT_EMPTY, id="a session"),
        pytest.param(Desk().at(100, EMPTY), TOO_FAST, id="above its slowest"),
    ],
)
def test_never_otherwise(desk: Desk, why: str) -> None:
    assert desk.guard.test_start(desk.now) == why
    starting = desk.state() is State.ARMED
    assert (desk.review(Start()) == "") is starting, "only as always: after a countdown, at rest"


def test_its_slowest_has_to_be_measured() -> None:
    desk = Desk().moving(EMPTY, speed=40)
    assert desk.want(Target(Speed(80))) == ""
    assert desk.guard.test_start(desk.now) == TOO_FAST
    desk.runs(80, 3.0)
    assert desk.guard.test_start(desk.now) == ""


def test_a_hand_is_on_the_console() -> None:
    desk = Desk().walking(EMPTY)
    desk.runs(120, 3.5)
    assert desk.guard.hand == 120
    assert desk.guard.test_start(desk.now) == TOO_FAST


def test_a_hand_has_made_it_its_slowest() -> None:
    desk = Desk().at(140, EMPTY)
    desk.runs(80, 3.5)
    assert (desk.guard.hand, desk.guard.commanded) == (80, 80)
    assert desk.guard.test_start(desk.now) == TOO_FAST


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({}, True),
        ({"ceiling": Speed(251)}, False),
        ({"direction": Direction.BACKWARD}, False),
        ({"empty_belt": False, "ceiling": Speed(251)}, True),
    ],
)
def test_an_empty_belt_is_armed_forward_and_slowly_only(changes: dict[str, object], allowed: bool) -> None:
    what = authority(**{"empty_belt": True, "ceiling": Speed(250), "cap": Speed(150), **changes})
    assert (Desk().rest().arm(what) == "") is allowed
