"""G13: motion while faulted or soon after our Stop is alarm and Stop; other motion is manual use."""

from collections.abc import Callable

import pytest
from tests.core.bench import Bench
from tests.core.by_hand import BACKWARD, FORWARD, TURN, ByHand
from tests.core.desk import Desk, authority

from blefit.ftms.machine_status import MachineStatusOp
from blefit.units import Speed
from retrowalk.core.authority import State
from retrowalk.core.guard import MAY_START_HIGH
from retrowalk.core.model import Act, Confirm, Direction, Phase, RequestControl, Start, Stop


def stopped() -> Desk:
    """A Stop of ours has just come to known rest."""
    desk = Desk().at(80)
    desk.stop()
    desk.slides(80, 0)
    while desk.stopping():
        desk.runs(0, 0.25)
    return desk


def stopped_by_somebody() -> Desk:
    """It rests, and we did not command it."""
    desk = Desk().at(80)
    desk.runs(0, 0.75)
    assert desk.noticed[-2:] == ["console_stop", "rest"]
    return desk


@pytest.mark.parametrize(("seconds", "alarm"), [(0.0, True), (9.25, True), (9.75, False), (30.0, False)])
def test_motion_until_10_s_after_the_rest_of_our_stop_is_alarm_and_stop(seconds: float, alarm: bool) -> None:
    desk = stopped()
    desk.runs(0, seconds)
    desk.runs(60, 0.5)
    assert ("unexpected_motion" in desk.noticed) is alarm
    assert (desk.stops == 2) is alarm
    assert ("manual" in desk.noticed) is not alarm


@pytest.mark.parametrize(("seconds", "alarm"), [(0.0, True), (9.25, True), (9.75, False)])
def test_so_is_motion_after_a_rest_that_nobody_commanded(seconds: float, alarm: bool) -> None:
    desk = stopped_by_somebody()
    assert desk.guard.clear(desk.now) == ""
    desk.runs(0, seconds)
    desk.runs(60, 0.5)
    assert ("unexpected_motion" in desk.noticed) is alarm
    assert (desk.stops == 1) is alarm


@pytest.mark.parametrize("rested", [stopped, stopped_by_somebody])
def test_an_arming_does_not_end_that_time(rested: Callable[[], Desk]) -> None:
    desk = rested()
    assert desk.arm() == ""
    desk.runs(60, 0.5)
    assert desk.noticed[-1] == "unexpected_motion"


@pytest.mark.parametrize("rested", [stopped, stopped_by_somebody])
def test_nor_does_a_word_that_the_belt_is_still(rested: Callable[[], Desk]) -> None:
    desk = rested()
    assert desk.guard.said_still(desk.now) == ""
    desk.runs(60, 0.5)
    assert desk.noticed[-1] == "unexpected_motion"


@pytest.mark.parametrize("ours", [True, False])
def test_it_lasts_over_a_link_that_is_lost_at_rest(ours: bool) -> None:
    desk = stopped() if ours else Desk().at(80)
    desk.runs(0, 0.75)
    desk.lose_link()
    desk.connect()
    desk.runs(60, 0.5)
    assert desk.noticed[-1] == "unexpected_motion"


def test_but_not_that_of_the_consoles_start_key() -> None:
    desk = Desk().at(80)
    desk.status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER)
    desk.runs(0, 1.0)
    desk.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    desk.runs(60, 0.5)
    assert desk.noticed[-1] == "manual"
    assert desk.stops == 0


def test_a_press_that_had_run_out_before_the_belt_came_to_rest_is_none() -> None:
    desk = Desk(deceleration=4).at(80)
    desk.status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER)
    desk.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    desk.slides(80, 0, rate=4)
    desk.runs(0, 1.0)
    desk.runs(60, 0.5)
    assert desk.noticed[-2:] == ["rest", "unexpected_motion"]


def left_by_a_dead_process() -> Desk:
    """It was found at rest."""
    desk = Desk(connect=False)
    desk.guard.inherit()
    desk.connect()
    desk.runs(0, 10.25)
    assert desk.noticed == ["rest"]
    return desk


@pytest.mark.parametrize("said", [False, True])
@pytest.mark.parametrize("rested", [stopped, left_by_a_dead_process])
def test_after_a_stop_of_ours_that_key_changes_nothing(rested: Callable[[], Desk], said: bool) -> None:
    desk = rested()
    if said:
        assert desk.guard.said_still(desk.now) == ""
    desk.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    desk.runs(60, 0.5)
    assert desk.noticed[-1] == "unexpected_motion"


def test_it_needs_a_person_who_clears_it() -> None:
    desk = stopped()
    desk.runs(60, 0.5)
    desk.slides(60, 0)
    desk.runs(0, 60.0)
    assert desk.arm() == "a fault has to be cleared at the machine first"
    assert desk.guard.clear(desk.now) == ""
    assert desk.arm() == ""


def test_a_fault_is_not_cleared_while_nothing_is_known_of_the_belt() -> None:
    desk = Desk()
    desk.guard.faulted = True
    assert desk.guard.clear(desk.now) != ""
    assert desk.rest().guard.clear(desk.now) == ""


@pytest.mark.parametrize(("speed", "stops"), [(30, 0), (31, 1)])
def test_motion_while_faulted_is_alarm_and_stop(speed: int, stops: int) -> None:
    desk = Desk().rest()
    desk.guard.faulted = True
    desk.runs(speed, 0.25)
    assert desk.stops == 0
    desk.runs(speed, 0.25)
    assert desk.stops == stops


@pytest.mark.parametrize("why", ["faulted", "distrusted", "forbid_motion"])
def test_so_is_motion_that_was_somebodys_before(why: str) -> None:
    desk = Desk().rest()
    desk.runs(80, 1.0)
    assert desk.noticed == ["manual"]
    setattr(desk.guard, why, True)
    desk.record(80)
    assert desk.noticed[-1] == "unexpected_motion"
    assert desk.stops == 1


def test_so_is_motion_before_still_was_said_however_long_after_a_start_that_was_stopped() -> None:
    desk = Desk(silent_at_rest=True).starting()
    desk.record(60)
    desk.stop()
    desk.record(20)
    desk.silence(4.0)
    assert desk.noticed[-1] == "ask_still"
    desk.runs(0, 120.0)
    assert (desk.noticed[-1], desk.guard.faulted) == ("rest", False)
    desk.runs(80, 0.5)
    assert desk.noticed[-1] == "unexpected_motion"


def test_motion_where_no_key_may_start_the_belt_is_alarm_and_stop() -> None:
    desk = Desk().rest()
    desk.guard.forbid_motion = True
    desk.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    desk.runs(80, 0.5)
    assert "unexpected_motion" in desk.noticed
    assert desk.stops == 1


@pytest.mark.parametrize("speed", [31, 80, 600, 2000, 65535])
def test_manual_use_at_whatever_speed_is_watched_and_nothing_is_written(speed: int) -> None:
    desk = Desk().rest()
    desk.runs(speed, 30.0)
    desk.silence(60.0)
    desk.runs(0, 30.0)
    assert desk.noticed == ["manual"]
    assert desk.writes == []


@pytest.mark.parametrize("status", list(MachineStatusOp)[:4])
def test_no_console_key_makes_manual_use_ours(status: MachineStatusOp) -> None:
    desk = Desk().rest()
    desk.runs(500, 2.0)
    assert desk.guard.manual(desk.now)
    desk.status(status)
    desk.runs(500, 10.0)
    assert desk.writes == []
    assert desk.state() is State.DISARMED


def test_of_manual_use_nothing_is_known_without_a_link() -> None:
    desk = Desk().rest()
    desk.runs(300, 5.0)
    desk.lose_link()
    assert not desk.guard.manual(desk.now)


def test_each_manual_use_is_noticed_once() -> None:
    desk = Desk().rest()
    for _ in range(2):
        desk.runs(300, 5.0)
        desk.runs(0, 5.0)
    assert desk.noticed == ["manual", "manual"]
    assert not desk.guard.manual(desk.now)


def test_motion_ends_an_arming_that_did_not_start_it() -> None:
    desk = Desk().counted()
    desk.runs(80, 0.5)
    assert desk.state() is State.DISARMED
    assert "manual" in desk.noticed
    assert [type(command) for _, command in desk.writes] == [RequestControl]


def test_a_stop_request_ends_manual_use_and_only_then_there_are_frames() -> None:
    desk = Desk().rest()
    desk.runs(300, 5.0)
    desk.stop()
    assert desk.last == Stop()
    assert not desk.guard.manual(desk.now)


def test_of_a_machine_that_starts_high_the_manual_speed_is_remembered() -> None:
    back = authority(direction=Direction.BACKWARD, ceiling=Speed(500))
    desk = Desk(starts_above_minimum=True).walking()
    desk.stop()
    desk.slides(80, 0)
    desk.runs(0, 11.0)
    assert desk.arm(back) == ""
    desk.guard.disarm(desk.now)
    desk.slides(50, 600)
    desk.slides(600, 0)
    desk.runs(0, 1.0)
    assert desk.arm(back) == MAY_START_HIGH
    assert desk.arm() == ""


def test_and_so_is_that_of_motion_that_nobody_may_have_started() -> None:
    desk = Desk(starts_above_minimum=True).walking()
    desk.stop()
    desk.slides(80, 0)
    desk.runs(0, 5.0)
    desk.runs(300, 0.5)
    assert desk.noticed[-1] == "unexpected_motion"
    desk.slides(300, 0)
    desk.runs(0, 11.0)
    assert desk.guard.clear(desk.now) == ""
    assert desk.arm(authority(direction=Direction.BACKWARD, ceiling=Speed(500))) == MAY_START_HIGH


def test_and_that_of_a_belt_that_was_left_running() -> None:
    desk = Desk(starts_above_minimum=True).walking()
    desk.lose_link()
    desk.connect()
    desk.runs(300, 0.5)
    assert desk.stops == 1
    desk.slides(300, 0)
    desk.runs(0, 11.0)
    assert desk.guard.clear(desk.now) == ""
    assert desk.arm(authority(direction=Direction.BACKWARD, ceiling=Speed(500))) == MAY_START_HIGH


def test_manual_use_with_physics_is_left_alone() -> None:
    bench = Bench()
    bench.treadmill.console.press("start")
    bench.run(10)
    bench.treadmill.console.set_speed(6.0)
    bench.run(30)
    assert bench.real_speed == 600
    assert bench.frames == []
    assert bench.snapshot.phase == "manual"
    assert bench.faults() == []


def test_ten_seconds_are_over_when_they_are_over() -> None:
    desk = stopped()
    rested = desk.now
    desk.runs(0, 9.5)
    desk.runs(60, 0.5)
    assert desk.now == rested + 10.0
    assert desk.noticed[-1] == "manual"


def test_neither_our_motion_nor_that_of_a_fault_is_manual() -> None:
    desk = Desk().walking()
    assert not desk.guard.manual(desk.now)
    desk.lose_link()
    assert not desk.guard.manual(desk.now)


def test_a_fault_is_not_cleared_while_a_stop_is_owed_though_the_belt_rests() -> None:
    desk = Desk().starting()
    desk.stuck = True
    desk.stop()
    desk.guard.faulted = True
    desk.runs(0, 1.0)
    assert desk.guard.resting(desk.now)
    assert desk.guard.clear(desk.now) != ""
    assert desk.guard.faulted


@pytest.mark.parametrize(("seconds", "manual"), [(9.75, True), (10.0, False)])
def test_manual_use_of_which_nothing_is_heard_for_10_s_is_not_known_to_go_on(
    seconds: float, manual: bool
) -> None:
    desk = Desk().rest()
    desk.runs(60, 30.0)
    desk.silence(seconds)
    assert desk.guard.manual(desk.now) is manual
    assert not desk.guard.resting(desk.now)
    desk.record(60)
    assert desk.guard.manual(desk.now)


@pytest.mark.parametrize(("last", "alarm"), [(79, True), (80, False)])
def test_motion_after_a_link_that_was_lost_while_a_stop_might_start_the_belt_is_nobodys(
    last: int, alarm: bool
) -> None:
    desk = Desk()
    desk.record(last)
    desk.guard.left_running = True
    desk.stop()
    desk.runs(0, 1.0)
    desk.lose_link()
    desk.silence(15.0)
    desk.connect()
    desk.runs(100, 1.0)
    assert ("unexpected_motion" in desk.noticed) is alarm
    assert desk.stops == 1 + alarm


@pytest.mark.parametrize(("away", "alarm"), [(58.5, True), (58.75, False)])
def test_a_minute_after_that_stop_it_is_somebodys(away: float, alarm: bool) -> None:
    desk = Desk()
    desk.record(79)
    desk.guard.left_running = True
    desk.stop()
    desk.runs(0, 1.0)
    desk.lose_link()
    desk.silence(away)
    desk.connect()
    desk.runs(100, 1.0)
    assert ("unexpected_motion" in desk.noticed) is alarm


@pytest.mark.parametrize("links", [1, 2])
@pytest.mark.parametrize("unheard", [0.0, 15.0])
@pytest.mark.parametrize(("seconds", "alarm"), [(0.0, True), (9.5, True), (9.75, False)])
def test_that_lasts_for_10_s_from_the_first_record_of_a_next_link_on(
    links: int, unheard: float, seconds: float, alarm: bool
) -> None:
    desk = Desk()
    desk.record(79)
    desk.guard.left_running = True
    desk.stop()
    desk.runs(0, 1.0)
    for _ in range(links):
        desk.lose_link()
        desk.silence(10.0)
        desk.connect()
    desk.silence(unheard)
    desk.runs(0, seconds)
    desk.runs(100, 0.5)
    assert ("unexpected_motion" in desk.noticed) is alarm


@pytest.mark.parametrize(
    ("heard", "silence", "alarm"),
    [
        (8.5, 4.0, True),
        (8.75, 3.75, False),  # no silence
        (9.75, 20.0, True),
        (10.0, 20.0, False),  # by then it would have begun
        (1.0, 58.75, True),
        (1.0, 59.0, False),
    ],
)
def test_so_is_motion_after_a_silence_in_which_such_a_stop_may_have_started_the_belt(
    heard: float, silence: float, alarm: bool
) -> None:
    desk = Desk()
    desk.record(79)
    desk.guard.left_running = True
    desk.stop()
    desk.runs(0, heard)
    desk.silence(silence - 0.25)
    desk.runs(100, 0.75)
    assert ("unexpected_motion" in desk.noticed) is alarm


PRESSED_AT = [5.0, 9.0, 9.75]
"""Seconds of the countdown of 10."""


@pytest.mark.parametrize("pressed_at", PRESSED_AT)
@pytest.mark.parametrize("delay", [0.5, 3.0])
def test_under_who_faces_backward_the_key_starts_no_belt_though_the_countdown_ends_meanwhile(
    pressed_at: float, delay: float
) -> None:
    hands = ByHand(TURN, BACKWARD).offered()
    hands.ask(Confirm(Act.START))
    hands.counting(Act.FACING).runs(0, pressed_at)
    hands.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    hands.runs(0, delay).runs(80, 1.0)
    assert hands.faults() == ["unexpected_motion"]
    assert hands.written[-1] == Stop()
    assert Start() not in hands.written


@pytest.mark.parametrize("pressed_at", PRESSED_AT)
@pytest.mark.parametrize("delay", [0.5, 3.0])
def test_and_forward_it_begins_the_session(pressed_at: float, delay: float) -> None:
    hands = ByHand(FORWARD).counting().runs(0, pressed_at)
    hands.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    hands.runs(0, delay).runs(80, 1.0)
    assert [event["by"] for event in hands.events("started")] == ["console"]
    assert hands.phase() is Phase.WALKING
    assert (hands.faults(), Start() in hands.written) == ([], False)
