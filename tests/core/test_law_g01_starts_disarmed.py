"""G1: starts disarmed; disarmed, only what G3 names passes."""

import pytest
from tests.core.desk import Desk

from blefit.units import Incline, Speed
from retrowalk.core.authority import State
from retrowalk.core.guard import Guard
from retrowalk.core.model import Command, RequestControl, Start, Stop, Target, TargetIncline

EVERYTHING_BUT_STOP: list[Command] = [
    RequestControl(),
    Start(),
    Target(Speed(80)),
    Target(Speed(0)),
    TargetIncline(Incline(0)),
]


def test_a_new_guard_is_disarmed_and_silent() -> None:
    guard = Guard()
    assert guard.state is State.DISARMED
    assert not guard.control
    assert not guard.marked
    assert guard.demand(0.0, may_ask=True) is None
    assert guard.findings() == []


@pytest.mark.parametrize("command", EVERYTHING_BUT_STOP, ids=str)
def test_disarmed_nothing_but_stop_passes_though_control_and_marker_are_there(command: Command) -> None:
    desk = Desk().rest()
    desk.guard.control = True
    assert desk.review(command) == "G1"


@pytest.mark.parametrize("command", [*EVERYTHING_BUT_STOP, Stop()], ids=str)
def test_without_a_link_nothing_passes(command: Command) -> None:
    desk = Desk(connect=False)
    assert desk.review(command) == "G6"


@pytest.mark.parametrize("command", EVERYTHING_BUT_STOP, ids=str)
def test_disarmed_on_a_moving_belt_nothing_but_stop_passes(command: Command) -> None:
    desk = Desk()
    desk.runs(200, 2.0)
    assert desk.review(command) == "G1"


def test_armed_control_may_be_asked_for_once() -> None:
    desk = Desk().rest()
    assert desk.review(RequestControl()) == "G1"
    assert desk.arm() == ""
    assert desk.want(RequestControl()) == ""
    assert desk.guard.control
    assert desk.review(RequestControl()) == "G1"


@pytest.mark.parametrize("command", [Start(), Target(Speed(80)), TargetIncline(Incline(5))], ids=str)
def test_armed_and_in_control_nothing_moves_before_its_time(command: Command) -> None:
    desk = Desk().rest()
    desk.arm()
    desk.want(RequestControl())
    assert desk.review(command) in {"G1", "G2"}


def test_every_arming_asks_for_control_anew_since_some_machines_drop_it_unsaid() -> None:
    desk = Desk().walking()
    desk.stop()
    desk.slides(80, 0)
    desk.runs(0, 11.0)
    assert desk.guard.control
    assert desk.arm() == ""
    assert not desk.guard.control


@pytest.mark.parametrize("command", EVERYTHING_BUT_STOP, ids=str)
def test_faulted_nothing_but_stop_passes(command: Command) -> None:
    desk = Desk().at(100)
    desk.guard.faulted = True
    desk.guard.control = not isinstance(command, RequestControl)
    assert desk.review(command) == "G1"


def test_faulted_an_armed_start_does_not_pass() -> None:
    desk = Desk().counted()
    desk.guard.faulted = True
    assert desk.review(Start()) == "G1"
