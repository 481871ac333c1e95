"""G12: control lost, safety key, stop or pause on the console; an echo of our own op is none of them."""

import pytest
from tests.core.bench import Bench, program
from tests.core.desk import Desk, authority

from blefit.ftms.control_point import ResultCode
from blefit.ftms.machine_status import MachineStatusOp
from blefit.units import Incline, Speed
from retrowalk.core.authority import State
from retrowalk.core.model import Act, Confirm, RequestControl, Start, Stop, Target, TargetIncline
from retrowalk.sim.model.quirks import Quirks

KEY = MachineStatusOp.STOPPED_BY_SAFETY_KEY
CONSOLE_STOP = MachineStatusOp.STOPPED_OR_PAUSED_BY_USER
CONSOLE_START = MachineStatusOp.STARTED_OR_RESUMED_BY_USER
CONTROL_LOST = MachineStatusOp.CONTROL_PERMISSION_LOST
DENIED = 5


def test_control_lost_while_walking_is_disarm_and_stop_first() -> None:
    desk = Desk().at(120)
    desk.results[Stop] = DENIED
    desk.status(CONTROL_LOST)
    desk.runs(120, 0.5)
    assert desk.guard.cap(desk.now) is None
    assert "control_lost" in desk.noticed
    assert desk.guard.faulted
    assert [type(c) for _, c in desk.writes[-3:]] == [Stop, RequestControl, Stop]


@pytest.mark.parametrize("command", [Target(Speed(110)), TargetIncline(Incline(5))], ids=str)
def test_an_answer_of_control_not_permitted_is_control_lost(command: Target | TargetIncline) -> None:
    desk = Desk().at(100)
    desk.results[type(command)] = DENIED
    desk.want(command)
    assert desk.last == Stop()
    assert "control_lost" in desk.noticed


def test_it_is_so_even_if_a_hand_took_over_before_the_answer() -> None:
    desk = Desk().at(100)
    desk.results[Target] = None
    desk.want(Target(Speed(110)))
    desk.slides(100, 70)
    assert desk.guard.hand is not None
    desk.answer(Target(Speed(110)), DENIED)
    assert "control_lost" in desk.noticed


def test_a_start_that_is_not_permitted_takes_the_control_with_it() -> None:
    desk = Desk().counted()
    desk.results[Start] = DENIED
    desk.want(Start())
    assert not desk.guard.control
    assert "start_refused" in desk.noticed


def test_so_it_is_where_the_belt_moves_before_the_answer() -> None:
    desk = Desk().counted()
    desk.results[Start] = None
    desk.want(Start())
    desk.runs(80, 0.5)
    desk.answer(Start(), DENIED)
    assert desk.noticed[-1] == "control_lost"
    assert desk.last == Stop()
    assert desk.review(RequestControl()).startswith("G3")


def test_so_it_is_with_the_start_to_a_running_empty_belt() -> None:
    desk = Desk().walking(authority(empty_belt=True, ceiling=Speed(250), cap=Speed(150)))
    assert desk.guard.test_start(desk.now) == ""
    desk.results[Start] = DENIED
    desk.want(Start())
    assert desk.noticed[-1] == "control_lost"
    assert desk.last == Stop()


def test_a_denial_of_a_start_that_was_stopped_at_the_console_meanwhile_is_no_fault() -> None:
    desk = Desk().counted()
    desk.results[Start] = None
    desk.want(Start())
    desk.runs(80, 0.5)
    desk.status(CONSOLE_STOP)
    desk.answer(Start(), DENIED)
    assert "control_lost" not in desk.noticed


def test_a_denial_of_a_start_that_was_stopped_meanwhile_is_no_second_fault() -> None:
    desk = Desk().counted()
    desk.results[Start] = None
    desk.want(Start())
    desk.stop()
    desk.answer(Start(), DENIED)
    assert desk.noticed == []


def test_control_lost_in_the_countdown_ends_it() -> None:
    desk = Desk().counted()
    desk.status(CONTROL_LOST)
    assert desk.state() is State.DISARMED
    assert desk.noticed == ["control_lost"]


def test_control_lost_in_manual_use_is_nobodys_business() -> None:
    desk = Desk()
    desk.runs(300, 3.0)
    desk.status(CONTROL_LOST)
    desk.runs(300, 3.0)
    assert desk.writes == []
    assert not desk.guard.faulted


def test_control_is_not_taken_back_to_move() -> None:
    desk = Desk().at(120)
    desk.status(CONTROL_LOST)
    desk.slides(120, 0)
    desk.runs(0, 20.0)
    assert desk.review(RequestControl()) == "G1"


@pytest.mark.parametrize(("op", "noticed"), [(KEY, "safety_key"), (CONSOLE_STOP, "console_stop")])
def test_the_console_stops_disarm_and_write_nothing_while_the_belt_comes_to_rest(
    op: MachineStatusOp, noticed: str
) -> None:
    desk = Desk().at(120)
    desk.status(op, None if op is KEY else 1)
    assert desk.state() is State.DISARMED
    assert desk.noticed[-1] == noticed
    desk.slides(120, 0)
    desk.runs(0, 1.0)
    assert desk.stops == 0
    assert desk.noticed[-1] == "rest"
    assert "manual" not in desk.noticed
    assert not desk.guard.faulted


@pytest.mark.parametrize("op", [KEY, CONSOLE_STOP])
@pytest.mark.parametrize("silent_at_rest", [False, True])
@pytest.mark.parametrize(("seconds", "stopped"), [(2.75, False), (3.0, True)])
def test_a_console_stop_that_does_not_fall_in_3_s_is_our_stop_and_the_alarm(
    op: MachineStatusOp, seconds: float, stopped: bool, silent_at_rest: bool
) -> None:
    desk = Desk(silent_at_rest=silent_at_rest).at(120)
    desk.status(op)
    desk.runs(120, seconds)
    assert (desk.stops > 0) is stopped
    assert ("stop_ignored" in desk.noticed) is stopped


def test_a_console_stop_that_does_not_reach_rest_in_time_is_too() -> None:
    desk = Desk().at(120)
    desk.status(CONSOLE_STOP, 1)
    desk.slides(120, 60)
    desk.runs(60, 7.0)
    assert desk.stops > 0
    assert "stop_ignored" in desk.noticed


def test_a_stop_request_makes_a_console_stop_ours() -> None:
    desk = Desk().at(120)
    desk.status(CONSOLE_STOP, 1)
    desk.runs(120, 0.5)
    desk.stop()
    assert desk.last == Stop()


def test_a_link_that_is_lost_before_a_console_stop_came_to_rest_left_our_belt_running() -> None:
    desk = Desk().at(120)
    desk.status(CONSOLE_STOP, 1)
    desk.slides(120, 80)
    desk.lose_link()
    assert desk.noticed[-1] == "link_lost"
    desk.connect()
    desk.record(80)
    assert desk.last == Stop()


def test_a_silent_machine_after_a_console_stop_is_asked_for() -> None:
    desk = Desk(silent_at_rest=True).at(120)
    desk.status(CONSOLE_STOP, 1)
    desk.slides(120, 50)
    desk.silence(6.0)
    assert "ask_still" in desk.noticed
    assert "telemetry_lost" not in desk.noticed
    assert desk.stops == 0


@pytest.mark.parametrize("way", ["moving", "walking"])
def test_rest_that_nobody_commanded_is_a_console_stop_and_no_hand(way: str) -> None:
    desk = getattr(Desk(), way)()
    desk.runs(0, 0.75)
    assert "console_stop" in desk.noticed
    assert desk.noticed[-1] == "rest"
    assert desk.state() is State.DISARMED
    assert desk.stops == 0


def test_armed_the_console_stop_disarms() -> None:
    desk = Desk().counted()
    desk.status(CONSOLE_STOP, 1)
    assert desk.state() is State.DISARMED
    assert desk.review(Start()) == "G1"


@pytest.mark.parametrize(("speed", "armed"), [(30, True), (31, False)])
def test_what_somebody_started_and_stopped_in_the_countdown_is_not_followed_by_our_start(
    speed: int, armed: bool
) -> None:
    """No Status tells of it, and one record is no motion yet."""
    desk = Desk().counted()
    desk.record(speed)
    desk.runs(0, 1.0)
    assert (desk.state() is State.ARMED, desk.review(Start()) == "") == (armed, armed)
    assert desk.stops == 0


def test_after_a_console_stop_the_console_may_start_again_at_once() -> None:
    desk = Desk().at(80)
    desk.status(CONSOLE_STOP, 1)
    desk.slides(80, 0)
    desk.runs(0, 2.0)
    desk.status(CONSOLE_START)
    desk.runs(80, 0.5)
    assert "unexpected_motion" not in desk.noticed
    assert desk.guard.take_over(authority(), desk.now) == ""


# --- echoes ---------------------------------------------------------------------------------------


def test_a_stop_status_after_our_stop_is_an_echo() -> None:
    desk = Desk().at(120)
    desk.stop()
    desk.status(CONSOLE_STOP, 1)
    desk.slides(120, 0)
    desk.status(CONSOLE_STOP, 1)
    desk.runs(0, 1.0)
    assert "console_stop" not in desk.noticed


def test_a_start_status_is_an_echo_from_our_start_until_the_first_target_is_met() -> None:
    desk = Desk().starting()
    desk.status(CONSOLE_START)
    desk.runs(80, 0.5)
    desk.status(CONSOLE_START)
    desk.want(Target(Speed(80)))
    desk.runs(80, 1.0)
    desk.status(CONSOLE_START)
    assert not {"start_key", "start_key_again"} & set(desk.noticed)
    desk.runs(80, 1.5)
    desk.status(CONSOLE_START)
    assert desk.noticed[-1] == "start_key_again"


@pytest.mark.parametrize(
    ("belt", "notice"),
    [
        ("runs", "start_key_again"),
        ("told a zero", "start_key"),
        ("was not heard for 2 s", "start_key"),
        ("is being stopped", "start_key"),
    ],
)
def test_the_key_is_of_a_motion_to_come_unless_the_belt_is_known_to_run(belt: str, notice: str) -> None:
    desk = Desk().at(100)
    match belt:
        case "told a zero":
            desk.record(0)
        case "was not heard for 2 s":
            desk.silence(2.0)
        case "is being stopped":
            desk.stop()
        case _:
            pass
    desk.status(CONSOLE_START)
    assert desk.noticed[-1] == notice


def test_at_rest_a_start_status_is_the_key() -> None:
    desk = Desk().rest()
    desk.status(CONSOLE_START)
    assert desk.noticed == ["start_key"]
    assert desk.writes == []


@pytest.mark.parametrize("op", [5, 6, 0x12, 0x42, None])
def test_other_statuses_say_nothing_to_the_guard(op: MachineStatusOp) -> None:
    desk = Desk().at(100)
    before = list(desk.noticed)
    desk.status(op)
    assert desk.noticed == before
    assert desk.state() is State.RUNNING


def test_the_key_while_our_stop_goes_on_is_said_and_takes_back_only_a_press_of_start() -> None:
    desk = Desk().at(120)
    desk.stop()
    desk.status(KEY)
    assert desk.noticed[-1] == "safety_key"
    assert desk.stopping()
    desk.status(CONSOLE_START)
    desk.status(KEY)
    assert desk.noticed[-1] == "start_key_undone"


def test_a_press_of_start_on_a_running_belt_is_taken_back_by_the_stop_that_follows() -> None:
    desk = Desk().at(100)
    desk.status(CONSOLE_START)
    desk.status(CONSOLE_STOP, 1)
    assert desk.noticed[-1] == "start_key_undone"
    desk.slides(100, 0)
    desk.runs(0, 1.0)
    desk.runs(60, 0.5)
    assert desk.noticed[-1] == "unexpected_motion"


# --- with physics ---------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["safety key", "stop key"])
def test_with_physics_the_belt_rests_and_nothing_of_ours_moves_it(key: str) -> None:
    text = 'name = "p"\nlevel = 1\nsteps = [ { walk = "forward", for = "3min", speed = 1.5 } ]'
    bench = Bench(quirks=Quirks(), program=program(text), answers=frozenset())
    bench.offer()
    bench.ask(Confirm(Act.START))
    assert bench.run(60, until=lambda b: b.real_speed >= 100)
    if key == "safety key":
        bench.treadmill.safety_key.pull()
    else:
        bench.treadmill.console.press("stop")
    frames = len(bench.frames)
    bench.run(30)
    assert bench.real_speed == 0
    assert len(bench.frames) == frames
    assert "stop_ignored" not in bench.faults()


def test_control_that_is_lost_in_manual_use_is_gone() -> None:
    desk = Desk()
    desk.guard.control = True
    desk.status(MachineStatusOp.CONTROL_PERMISSION_LOST)
    assert not desk.guard.control


def test_a_denial_of_a_stop_that_is_over_says_nothing() -> None:
    desk = Desk().rest()
    desk.answer(Stop(), int(ResultCode.CONTROL_NOT_PERMITTED))
    assert desk.writes == []


def test_after_a_hand_and_on_the_way_to_a_later_target_a_start_status_is_the_key() -> None:
    desk = Desk().moving(speed=120)
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(60, 0.5)
    assert "hand" in desk.noticed
    desk.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    assert desk.noticed[-1] == "start_key_again"
    desk = Desk().at(100)
    assert desk.want(Target(Speed(120))) == ""
    desk.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    assert desk.noticed[-1] == "start_key_again"


@pytest.mark.parametrize(("op", "parameter"), [(KEY, None), (CONSOLE_STOP, 1), (CONSOLE_STOP, 2)])
def test_while_a_start_is_outstanding_it_takes_the_start_back(
    op: MachineStatusOp, parameter: int | None
) -> None:
    desk = Desk().starting()
    desk.status(op, parameter)
    assert desk.state() is State.DISARMED
    assert desk.stops == 1, "whatever telemetry says: the belt may be about to start"


@pytest.mark.parametrize(("op", "parameter"), [(KEY, None), (CONSOLE_STOP, 1), (CONSOLE_STOP, 2)])
def test_in_the_countdown_it_ends_the_arming_and_nothing_is_written(
    op: MachineStatusOp, parameter: int | None
) -> None:
    desk = Desk().counted()
    desk.status(op, parameter)
    assert desk.state() is State.DISARMED
    assert desk.noticed == ["safety_key" if op is KEY else "console_stop"]
    assert desk.want(Start()) == "G1"
    assert desk.stops == 0
