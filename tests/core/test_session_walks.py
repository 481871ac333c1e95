"""A walk by its steps: what is counted, when a step ends, what is planned, and what is wished for when."""

from dataclasses import replace

import pytest
from tests.core.desk import Desk, authority
from tests.core.seat import BACKWARD, FORWARD, FREE, Seat, walk

from blefit.units import Incline, Speed
from retrowalk.core.authority import State
from retrowalk.core.model import Command, RequestControl, Start, Target, TargetIncline
from retrowalk.core.stages import Halt, Restraint, Stage
from retrowalk.core.timeline import Segment

LONGEST = "the longest moving time of a session is reached"
NO_RAISE, SLOW = Restraint(may_raise=False, slow=False), Restraint(may_raise=True, slow=True)


def in_stage(stage: Stage, desk: Desk) -> Seat:
    """A seat at a belt that runs, in any stage."""
    seat = Seat("forward", "rest", desk=desk, countdown_s=30).walking()
    seat.session.ready(desk.now)
    seat.session.ask_to_halt(Halt.PAUSE, desk.now)
    seat.session._wait(desk.now)
    seat.session.stage = stage
    seat.notes()
    return seat


# --- what is counted ------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", Stage)
def test_time_and_metres_count_while_a_belt_of_ours_moves(stage: Stage) -> None:
    seat = in_stage(stage, Desk().at(180))
    seat.advance(2.0)
    moves = stage in {Stage.WALKING, Stage.EASING, Stage.HALTING}
    assert seat.session.moving_s == (2.0 if moves else 0.0)
    assert seat.session.in_step_m == pytest.approx(1.0 if moves else 0.0)
    seat.advance(4.0)
    assert seat.session.moving_s == (6.0 if moves else 0.0)
    assert seat.session.in_step_m == pytest.approx(3.0 if moves else 0.0)


@pytest.mark.parametrize("stage", Stage)
def test_the_clock_of_a_step_runs_only_while_it_is_walked(stage: Stage) -> None:
    """Who pauses has the rest of the step still to come, the way down and the wait not taken from it."""
    seat = in_stage(stage, Desk().at(180))
    seat.advance(2.0)
    seat.advance(4.0)
    assert seat.session.in_step_s == (6.0 if stage is Stage.WALKING else 0.0)


def test_a_hand_stops_no_clock() -> None:
    seat = Seat(WORK, EASY, WORK, desk=held_at(100)).walking(facing=BACKWARD)
    seat.advance(300.0)
    seat.advance(10.0)
    assert (seat.session.moving_s, seat.session.in_step_s) == (310.0, 10.0)
    assert seat.session.skip(seat.desk.guard, seat.desk.now) == TOO_LONG.format("10 min 10 s")


def test_metres_are_those_that_are_measured_and_not_those_that_were_asked_for() -> None:
    desk = Desk().at(180)
    desk.runs(162, 0.5)
    seat = Seat(walk(FORWARD, distance_m=20), desk=desk).walking()
    assert desk.guard.commanded == 180
    seat.advance(2.0)
    assert seat.session.in_step_m == pytest.approx(0.9)


def test_an_unknown_speed_counts_nothing() -> None:
    seat = Seat("forward", desk=Desk()).walking()
    seat.advance(2.0)
    assert (seat.session.moving_s, seat.session.in_step_m) == (0.0, 0.0)
    assert seat.session.in_step_s == 2.0


# --- when a step ends -----------------------------------------------------------------------------------


def test_a_step_ends_with_its_last_second() -> None:
    seat = Seat("forward", "forward", "forward", desk=Desk().walking()).walking()
    for step in (1, 2):
        seat.advance(59.75)
        assert (seat.session.segment.step, seat.session.in_step_s) == (step, 59.75)
        seat.advance(0.25)
        assert (seat.session.segment.step, seat.session.in_step_s) == (step + 1, 0.0)
        assert seat.session.in_step_m == 0.0


@pytest.mark.parametrize(
    ("metres", "seconds", "step"), [(19.9, 0.0, 1), (20.0, 0.0, 2), (0.0, 59.75, 1), (0.0, 60.0, 2)]
)
def test_a_distance_ends_where_it_is_walked_or_its_time_is_over(
    metres: float, seconds: float, step: int
) -> None:
    seat = Seat(walk(FORWARD, distance_m=20), "forward", desk=Desk().walking()).walking()
    seat.session.in_step_m, seat.session.in_step_s = metres, seconds
    seat.advance()
    assert seat.session.segment.step == step


def test_so_it_does_under_a_hand() -> None:
    seat = Seat(walk(FORWARD, distance_m=20), "forward", desk=held_at(100)).walking()
    seat.session.in_step_s = 60.0
    seat.advance()
    assert seat.session.segment.step == 2


@pytest.mark.parametrize(("moved", "halt"), [(0.0, None), (1.0, Halt.END)])
def test_the_longest_moving_time_ends_a_walk(moved: float, halt: Halt | None) -> None:
    steps = walk(FORWARD, 80, 900.0), walk(FORWARD, 80, cooling_down=True)
    seat = Seat(*steps, desk=Desk().walking(), session_s=600).walking()
    seat.session.moving_s = 600.0
    seat.advance(moved)
    assert seat.session.halt is halt
    assert seat.session.end_reason == (LONGEST if halt else "")
    assert seat.notes() == []


@pytest.mark.parametrize("by_console", [True, False])
def test_so_it_does_before_the_ok_after_a_start_at_the_console_and_under_a_hand(*, by_console: bool) -> None:
    desk = Desk().walking() if by_console else held_at(100)
    seat = Seat(walk(FORWARD, 80, 900.0), desk=desk, session_s=600).walking()
    seat.session.console_started = by_console
    seat.session.moving_s = 600.0
    seat.advance(1.0)
    assert (seat.session.halt, seat.session.end_reason) == (Halt.END, LONGEST)


def test_it_is_that_of_both_ways_together() -> None:
    seat = Seat("turn backward", "backward").halted(Halt.TURN)
    seat.session.moving_s = 600.0
    seat.session.ready(seat.desk.now)
    assert seat.session.moving_s == 600.0


def test_but_not_a_cool_down_that_begins_at_that_moment() -> None:
    cool_down = walk(FORWARD, cooling_down=True)
    seat = Seat("forward", cool_down, desk=Desk().walking(), session_s=600).walking()
    seat.session.moving_s = 600.0
    seat.advance(60.0)
    assert (seat.session.stage, seat.session.segment.step) == (Stage.WALKING, 2)
    seat.advance(1.0)
    assert seat.session.stage is Stage.WALKING


def test_nor_a_turn_that_begins_at_that_moment() -> None:
    seat = Seat("forward", "turn backward", "backward", desk=Desk().walking(), session_s=600).walking()
    seat.session.moving_s = 600.0
    seat.advance(60.0)
    assert (seat.session.stage, seat.session.halt) == (Stage.EASING, Halt.TURN)
    assert seat.session.end_reason == ""


def test_a_step_that_begins_is_walked_from_that_moment_on() -> None:
    seat = Seat("rest", walk(FORWARD, 80), walk(FORWARD, 140), desk=Desk().walking()).walking(step=2)
    seat.advance(60.0)
    assert seat.notes()[1:] == ["Speed rises to 1.4 in 5 seconds."]


# --- what may be skipped --------------------------------------------------------------------------------

WORK, EASY = walk(BACKWARD, 150, 300.0), walk(BACKWARD, 100, 45.0)
FAST = walk(BACKWARD, 200, 60.0, knots=((0.0, Speed(80)), (24.0, Speed(200))))
"""It takes its time to become that fast."""
RISING = walk(BACKWARD, 150, 100.0, knots=((0.0, Speed(100)), (10.0, Speed(150))))
TOO_LONG = (
    "that would make {} of backward work without a break, and 5 min is the limit: walk on, or pause first"
)
SLOPE = replace(WORK, duration_s=75.0, expected_s=75.0, speed=(Speed(150), Speed(75)))
DRAWN_OUT = walk(BACKWARD, 150, 400.0, expected_s=290.0, distance_m=120)


@pytest.mark.parametrize(
    ("steps", "walked", "reason"),
    [
        # what keeps two bouts apart has to be walked, where they are too long together
        ([WORK, EASY, WORK], [300.0], "10 min"),
        ([WORK, EASY, WORK], [300.0, 29.75], "10 min 30 s"),
        ([WORK, EASY, WORK], [300.0, 30.0], ""),
        ([walk(BACKWARD, 150, 120.0), EASY, walk(BACKWARD, 150, 170.0)], [120.0, 10.0], ""),
        ([walk(BACKWARD, 150, 120.0), EASY, walk(BACKWARD, 150, 171.0)], [120.0, 10.0], "5 min 1 s"),
        ([WORK, EASY, walk(BACKWARD, 120), walk(BACKWARD, 150)], [300.0, 10.0], "7 min 10 s"),
        # work may be cut short
        ([WORK, EASY, WORK], [100.0], ""),
        ([WORK, WORK], [1.0], ""),
        # but not so that what was to be easy after it is the work
        ([FAST, walk(BACKWARD, 150, 240.0), walk(BACKWARD, 200, 120.0)], [20.0], "6 min 20 s"),
        ([FAST, walk(BACKWARD, 150, 240.0), walk(BACKWARD, 200, 120.0)], [24.0], ""),
        # what the program says is too short to be a rest is none, though the next step takes its time to rise
        (
            [walk(BACKWARD, 150, 150.0), walk(BACKWARD, 100, 29.0), RISING, EASY, walk(BACKWARD, 150, 150.0)],
            [150.0, 29.0, *[1.0] * 100, 5.0],
            "7 min 14 s",
        ),
        # a slope is what it is at that moment
        ([WORK, SLOPE, WORK], [300.0, *[1.0] * 40], "10 min 40 s"),
        # who has walked for too long already is not kept at it
        ([DRAWN_OUT, EASY, WORK], [310.0], ""),
        ([DRAWN_OUT, EASY, WORK], [400.0, 10.0], "11 min 50 s"),
        # a halt ends a bout
        ([WORK, EASY, "rest", WORK], [300.0, 10.0], ""),
        ([WORK, EASY], [300.0, 10.0], ""),
    ],
)
def test_no_skip_makes_a_bout_longer_than_one_may_be(
    steps: list[str | Segment], walked: list[float], reason: str
) -> None:
    seat = Seat(*steps, desk=Desk().moving()).walking(facing=BACKWARD)
    for seconds in walked:
        seat.advance(seconds)
    step = seat.session.segment.step
    told = seat.session.skip(seat.desk.guard, seat.desk.now)
    assert told == (reason and TOO_LONG.format(reason))
    assert seat.session.segment.step == min(len(steps), step + (not reason))


def test_nor_do_two_skips() -> None:
    seat = Seat(WORK, EASY, WORK, desk=Desk().moving()).walking(facing=BACKWARD)
    seat.advance(299.0)
    assert seat.session.skip(seat.desk.guard, seat.desk.now) == ""
    seat.advance(1.0)
    assert seat.session.skip(seat.desk.guard, seat.desk.now) == TOO_LONG.format("10 min")


def test_after_a_pause_a_bout_begins_anew() -> None:
    seat = Seat(WORK, EASY, WORK, desk=Desk().moving()).walking(facing=BACKWARD)
    seat.advance(300.0)
    seat.advance(10.0)
    assert seat.session.skip(seat.desk.guard, seat.desk.now) != ""
    seat.session.moving(seat.desk.now)
    assert seat.session.skip(seat.desk.guard, seat.desk.now) == ""


def test_forward_there_are_no_bouts() -> None:
    fast, slower, slow = walk(FORWARD, 200, 300.0), walk(FORWARD, 150, 240.0), walk(FORWARD, 100, 30.0)
    for steps, walked in (((fast, slow, fast), 300.0), ((fast, slower, fast), 0.0)):
        seat = Seat(*steps, desk=Desk().moving()).walking()
        seat.advance(walked)
        assert seat.session.skip(seat.desk.guard, seat.desk.now) == ""


# --- what is planned ------------------------------------------------------------------------------------

UP, DOWN = ((0.0, Speed(80)), (60.0, Speed(140))), ((0.0, Speed(140)), (60.0, Speed(90)))


@pytest.mark.parametrize(
    ("knots", "following", "at", "peak"),
    [
        (UP, "backward", 0.0, 1.4),
        (UP, "backward", 54.0, 1.4),
        (DOWN, "rest", 0.0, 1.4),
        (DOWN, "rest", 30.0, 1.1),
        (DOWN, walk(FORWARD, 160), 54.75, 0.9),
        (DOWN, walk(FORWARD, 160), 55.0, 1.6),
        (DOWN, walk(FORWARD, knots=UP), 55.0, 1.4),
        (DOWN, "rest", 55.0, 0.9),
        (DOWN, "turn forward", 55.0, 0.9),
    ],
)
def test_the_highest_speed_to_come_is_announced(
    knots: tuple[tuple[float, Speed], ...], following: object, at: float, peak: float
) -> None:
    seat = Seat(walk(FORWARD, knots=knots), following, desk=Desk().walking()).walking()  # type: ignore[arg-type]  # a step
    seat.session.in_step_s = at
    seat.advance()
    assert seat.notes() == [f"Speed rises to {peak:g} in 5 seconds."]


def test_what_follows_a_distance_is_not_announced_before_that_is_walked() -> None:
    distance = walk(FORWARD, 80, expected_s=45.0, distance_m=10)
    seat = Seat(distance, walk(FORWARD, 120), desk=Desk().walking()).walking()
    seat.advance(44.75)
    assert (seat.session.index, seat.notes()) == (0, [])


def test_a_walk_rises_after_its_announcement_and_says_when_it_holds() -> None:
    seat = Seat(walk(FORWARD, 100), desk=Desk().moving()).walking()
    seat.run(20.0)
    assert seat.notes() == ["Speed rises to 1 in 5 seconds.", "Holding 1."]
    assert seat.desk.guard.commanded == 100


@pytest.mark.parametrize("why", ["a restraint", "the console started it"])
def test_nothing_rises_and_nothing_is_announced_while_it_may_not(why: str) -> None:
    seat = Seat(walk(FORWARD, 100), desk=Desk().moving()).walking()
    seat.session.console_started = why == "the console started it"
    seat.run(20.0, NO_RAISE if why == "a restraint" else FREE)
    assert seat.notes() == []
    assert seat.desk.guard.commanded == 80


def test_what_the_console_started_stays_at_its_slowest_in_every_step_until_an_ok() -> None:
    seat = Seat(walk(FORWARD, 100), walk(FORWARD, 120), desk=Desk().moving()).walking()
    seat.session.console_started = True
    seat.run(90.0)
    assert seat.session.index == 1
    assert seat.desk.guard.commanded == 80
    seat.session.console_started = False
    seat.run(10.0)
    assert seat.desk.guard.commanded > 80


def test_nothing_rises_while_a_hand_is_on_the_console() -> None:
    seat = Seat(walk(FORWARD, 140), desk=Desk().at(140)).walking()
    seat.desk.runs(100, 4.0)
    assert seat.desk.guard.hand == 100
    seat.advance(4.0)
    assert seat.notes() == []


def test_nor_is_a_rise_announced_after_a_target_below_the_hand() -> None:
    seat = Seat(walk(FORWARD, 140), desk=held_at(100)).walking()
    assert seat.desk.want(Target(Speed(90))) == ""
    seat.desk.runs(90, 4.0)
    assert seat.desk.guard.hand == 90
    seat.advance()
    assert seat.notes() == []


@pytest.mark.parametrize("why", ["a restraint", "the console started it"])
def test_a_walk_is_brought_down_to_the_minimum(why: str) -> None:
    seat = Seat(walk(FORWARD, 100), desk=Desk().moving()).walking()
    seat.run(20.0)
    assert seat.desk.guard.commanded == 100
    seat.session.console_started = why == "the console started it"
    seat.run(5.0, SLOW if why == "a restraint" else FREE)
    assert seat.desk.guard.commanded == 80


def test_so_is_one_that_a_hand_holds() -> None:
    seat = Seat(walk(FORWARD, 140), desk=Desk().moving()).walking()
    seat.run(30.0)
    seat.desk.runs(110, 4.0)
    assert seat.desk.guard.hand == 110
    seat.run(6.0, SLOW)
    assert seat.desk.guard.commanded == 80


# --- what is wished for ---------------------------------------------------------------------------------


def test_the_first_wish_in_motion_is_the_machines_minimum() -> None:
    assert Seat("forward", desk=Desk().moving()).walking().wish() == Target(Speed(80))


def test_without_the_marker_nothing_is_wished_for() -> None:
    seat = Seat("forward", desk=Desk().moving()).walking()
    seat.desk.guard.marked = False
    assert seat.wish() is None
    seat.desk.guard.control = False
    assert seat.wish() is None


@pytest.mark.parametrize("eases", [False, True])
def test_a_refused_target_is_not_wished_for_again_before_two_seconds(eases: bool) -> None:
    seat = Seat("forward", desk=Desk().moving()).walking()
    if eases:
        seat.session.ask_to_halt(Halt.PAUSE, seat.desk.now)
    seat.session.target_refused(seat.desk.now)
    seat.desk.runs(80, 1.75)
    assert seat.wish() is None
    seat.desk.runs(80, 0.25)
    assert seat.wish() == Target(Speed(80))


@pytest.mark.parametrize("stage", Stage)
def test_control_is_asked_for_where_the_belt_is_to_move_and_not_twice_in_two_and_a_half_seconds(
    stage: Stage,
) -> None:
    seat = in_stage(stage, Desk().walking())
    seat.desk.guard.control = False
    moves = stage in {Stage.COUNTDOWN, Stage.STARTING, Stage.WALKING}
    asked: Command | None = RequestControl() if moves else None
    assert seat.wish() == asked
    seat.desk.runs(80, 2.25)
    assert seat.wish() is None
    seat.desk.runs(80, 0.25)
    assert seat.wish() == asked
    seat.desk.runs(80, 2.25)
    assert seat.wish() is None


def test_the_start_is_wished_for_when_it_may_be_written() -> None:
    assert Seat("forward", desk=Desk().counted()).put(Stage.COUNTDOWN).wish() is None
    assert Seat("forward", desk=Desk().counted()).put(Stage.STARTING).wish() == Start()
    desk = Desk().counted()
    desk.record(20)
    assert Seat("forward", desk=desk).put(Stage.STARTING).wish() is None, "a foot on the belt"


@pytest.mark.parametrize("needs_target", [False, True])
def test_a_machine_that_needs_a_target_to_move_is_sent_one_a_second_after_the_start(
    needs_target: bool,
) -> None:
    seat = Seat("forward", desk=Desk(needs_target_to_move=needs_target).starting()).put(Stage.STARTING)
    seat.desk.runs(0, 0.75)
    assert seat.wish() is None
    seat.desk.runs(0, 0.25)
    assert seat.wish() == (Target(Speed(80)) if needs_target else None)


@pytest.mark.parametrize(("silent", "target"), [(False, None), (True, Target(Speed(80)))])
def test_in_silence_only_one_that_is_silent_at_rest(silent: bool, target: Target | None) -> None:
    desk = Desk(needs_target_to_move=True, silent_at_rest=silent).starting()
    seat = Seat("forward", desk=desk).put(Stage.STARTING)
    desk.silence(1.75)
    assert seat.wish() == Target(Speed(80))
    desk.silence(0.25)
    assert seat.wish() == target


def test_and_none_whose_belt_falls() -> None:
    desk = Desk(needs_target_to_move=True).starting()
    seat = Seat("forward", desk=desk).put(Stage.STARTING)
    desk.runs(20, 1.0)
    desk.record(10)
    assert desk.state() is State.STARTING
    assert seat.wish() is None
    desk.runs(10, 2.25)
    assert seat.wish() == Target(Speed(80))


def sloped(**facts: object) -> Seat:
    """A walk at 2 %, its first target met."""
    desk = Desk(**facts).walking(authority(incline_cap=Incline(30)))
    return Seat(walk(FORWARD, 80, incline=Incline(20)), desk=desk).walking()


def wished(seat: Seat, after: float = 0.0, restraint: Restraint = FREE) -> Command | None:
    """What is wished for after so long at the slowest speed."""
    seat.desk.runs(80, after)
    seat.advance(0.0, restraint)
    return seat.wish()


RISES = "The incline rises to 2 % in 5 seconds."


def test_a_rise_of_the_incline_is_announced_and_wished_for_in_steps_when_the_speed_is_met() -> None:
    seat = sloped()
    assert wished(seat) is None
    assert seat.notes() == [RISES]
    assert wished(seat, 4.75) is None
    assert wished(seat, 0.25) == TargetIncline(Incline(5))
    assert seat.desk.want(TargetIncline(Incline(5))) == ""
    assert wished(seat, 5.0) == TargetIncline(Incline(10))
    assert seat.notes() == [], "once"
    level = Seat(walk(FORWARD, 80), desk=Desk().walking()).walking()
    assert (wished(level), level.notes()) == (None, []), "level already"


@pytest.mark.parametrize("restraint", [NO_RAISE, SLOW])
def test_where_nothing_may_rise_the_incline_does_not_and_is_announced_anew(restraint: Restraint) -> None:
    seat = sloped()
    assert (wished(seat, 6.0, restraint), seat.notes()) == (None, [])
    assert (wished(seat), seat.notes()) == (None, [RISES])
    assert (wished(seat, 5.0, restraint), seat.notes()) == (None, [])
    assert (wished(seat), seat.notes()) == (None, [RISES])
    assert wished(seat, 5.0) == TargetIncline(Incline(5))
    assert seat.desk.want(TargetIncline(Incline(5))) == ""
    assert wished(seat, 5.0, restraint) is None


def test_so_it_is_where_nothing_might_rise_between_two_steps_of_the_incline() -> None:
    seat = sloped()
    wished(seat)
    assert seat.notes() == [RISES]
    assert seat.desk.want(wished(seat, 5.0)) == ""
    assert (wished(seat, 2.0, NO_RAISE), seat.notes()) == (None, [])
    assert (wished(seat, 3.0), seat.notes()) == (None, [RISES])
    assert wished(seat, 5.0) == TargetIncline(Incline(10))


def test_before_the_ok_after_a_start_at_the_console_the_incline_does_not_rise() -> None:
    seat = sloped()
    seat.session.console_started = True
    assert (wished(seat, 6.0), seat.notes()) == (None, [])


@pytest.mark.parametrize("restraint", [FREE, NO_RAISE, SLOW])
def test_the_incline_comes_down_without_a_word_whatever_restrains(restraint: Restraint) -> None:
    desk = Desk().walking(authority(incline_cap=Incline(30)))
    for incline in (5, 10):
        assert desk.want(TargetIncline(Incline(incline))) == ""
        desk.runs(80, 5.0)
    seat = Seat(walk(FORWARD, 80), desk=desk).walking()
    assert (wished(seat, 0.0, restraint), seat.notes()) == (TargetIncline(Incline(5)), [])


def test_a_higher_incline_than_was_announced_is_announced_too() -> None:
    steeper = walk(FORWARD, 80, incline=Incline(30))
    desk = Desk().walking(authority(incline_cap=Incline(30)))
    seat = Seat(walk(FORWARD, 80, 5.0, incline=Incline(20)), steeper, desk=desk).walking()
    assert (wished(seat), seat.notes()) == (None, [RISES])
    desk.runs(80, 5.0)
    seat.advance()
    assert (seat.session.segment.step, len(seat.notes())) == (2, 1)
    assert (wished(seat), seat.notes()) == (None, ["The incline rises to 3 % in 5 seconds."])
    assert wished(seat, 5.0) == TargetIncline(Incline(5))


def test_an_incline_that_came_down_is_announced_again() -> None:
    rise, level = (walk(FORWARD, 80, 10.0, incline=Incline(incline)) for incline in (5, 0))
    desk = Desk().walking(authority(incline_cap=Incline(30)))
    seat = Seat(rise, level, rise, desk=desk).walking()
    assert wished(seat) is None
    for incline in (5, 0):
        wish = wished(seat, 5.0 if incline else 10.0)
        assert wish == TargetIncline(Incline(incline))
        assert desk.want(wish) == ""
    seat.notes()
    assert (wished(seat, 10.0), seat.session.index) == (None, 2)
    assert seat.notes()[-1] == "The incline rises to 0.5 % in 5 seconds."


def test_after_a_skip_an_incline_is_announced_again() -> None:
    slope = walk(FORWARD, 80, incline=Incline(20))
    desk = Desk().walking(authority(incline_cap=Incline(30)))
    seat = Seat(slope, slope, desk=desk).walking()
    assert (wished(seat), seat.notes()) == (None, [RISES])
    desk.runs(80, 4.75)
    seat.session.skip(desk.guard, desk.now)
    seat.notes()
    assert (wished(seat, 0.25), seat.notes()) == (None, [RISES])
    assert wished(seat, 4.75) is None
    assert wished(seat, 0.25) == TargetIncline(Incline(5))


def test_a_machine_without_an_incline_is_sent_none() -> None:
    seat = sloped(inclinable=False)
    assert [wished(seat, after) for after in (0.0, 5.0, 5.0)] == [None] * 3
    assert seat.notes() == []


def test_the_speed_goes_before_the_incline() -> None:
    seat = Seat(walk(FORWARD, 80, incline=Incline(20)), desk=Desk().at(100)).walking()
    seat.advance(0.25)
    seat.advance(0.25)
    assert seat.wish() == Target(Speed(80))


@pytest.mark.parametrize("stage", [Stage.EASING, Stage.HALTING])
def test_who_halts_lowers_the_speed_by_the_plan_until_stop_is_asked_for(stage: Stage) -> None:
    seat = Seat(walk(FORWARD, 80, incline=Incline(20)), desk=Desk().at(100)).walking()
    seat.advance(0.25)
    seat.advance(0.25)
    seat.session.ask_to_halt(Halt.PAUSE, seat.desk.now)
    seat.session.stage = stage
    assert seat.wish() == (Target(Speed(80)) if stage is Stage.EASING else None)


def test_a_halt_is_gone_to_by_the_planned_ramp_and_steps() -> None:
    seat = Seat(walk(FORWARD, 140), desk=Desk().moving()).walking()
    seat.run(30.0)
    asked = len(seat.desk.writes)
    seat.session.ask_to_halt(Halt.PAUSE, seat.desk.now)
    seat.run(6.0)
    assert [command for _, command in seat.desk.writes[asked:]] == [
        Target(Speed(120)),
        Target(Speed(100)),
        Target(Speed(80)),
    ]


# --- when a halt is eased -------------------------------------------------------------------------------


def easing(desk: Desk) -> Seat:
    seat = Seat("forward", desk=desk).walking()
    seat.session.ask_to_halt(Halt.PAUSE, desk.now)
    return seat


def eased(seat: Seat) -> bool:
    return seat.session.eased(seat.desk.guard, seat.desk.now)


@pytest.mark.parametrize("stage", Stage)
def test_only_who_eases_is_eased(stage: Stage) -> None:
    seat = easing(Desk().walking())
    seat.session.stage = stage
    assert eased(seat) is (stage is Stage.EASING)


def test_not_before_the_minimum_is_commanded_and_met() -> None:
    assert not eased(easing(Desk().moving())), "no target yet"
    assert not eased(easing(Desk().at(100)))
    desk = Desk().moving()
    desk.want(Target(Speed(80)))
    assert not eased(easing(desk)), "not met yet"


def test_nor_where_a_target_on_the_way_was_refused() -> None:
    seat = easing(Desk().at(100))
    seat.desk.runs(100, 0.25)
    seat.session.target_refused(seat.desk.now)
    assert not eased(seat)


def held_at(speed: int) -> Desk:
    desk = Desk().at(140)
    desk.runs(speed, 4.0)
    assert desk.guard.hand == speed
    return desk


def test_a_hand_at_the_minimum_has_eased_it_by_itself() -> None:
    seat = easing(held_at(80))
    assert seat.wish() is None
    assert eased(seat)
    assert not eased(easing(held_at(100)))


def test_but_a_target_below_a_hand_has_to_be_met() -> None:
    seat = easing(held_at(90))
    seat.advance(0.25)
    wish = seat.wish()
    assert wish == Target(Speed(80))
    assert seat.desk.want(wish) == ""
    assert seat.desk.guard.commanded == 80
    assert seat.wish() is None
    assert not eased(seat)
    seat.desk.runs(80, 2.25)
    assert eased(seat)


def test_the_next_halt_knows_nothing_of_that_target() -> None:
    seat = easing(held_at(90))
    seat.advance(0.25)
    wish = seat.wish()
    assert wish is not None
    assert seat.desk.want(wish) == ""
    seat.session.ask_to_halt(Halt.TURN, seat.desk.now)
    assert eased(seat)


def test_nor_is_it_waited_for_without_control() -> None:
    desk = Desk().at(140)
    desk.guard.control = False
    assert eased(easing(desk))


def test_it_is_waited_for_twenty_seconds_more_than_the_plan_takes() -> None:
    seat = Seat(walk(FORWARD, 140), desk=Desk().moving()).walking()
    seat.run(30.0)
    assert seat.desk.guard.commanded == 140
    seat.session.ask_to_halt(Halt.PAUSE, seat.desk.now)
    seat.desk.runs(140, 22.0)  # 0.6 km/h at 0.3 km/h/s
    assert not eased(seat)
    seat.desk.runs(140, 0.25)
    assert eased(seat)
    seat.session.moving(seat.desk.now)
    seat.session.ask_to_halt(Halt.PAUSE, seat.desk.now)
    seat.desk.runs(140, 20.25)
    assert eased(seat), "from the minimum there is no way down"


def test_then_stop_is_waited_for() -> None:
    seat = easing(Desk().walking())
    seat.session.halting(seat.desk.now)
    assert seat.session.stage is Stage.HALTING


def test_who_faces_backward_walks_by_the_same_steps() -> None:
    desk = Desk().moving(authority(cap=Speed(150)))
    seat = Seat("turn backward", walk(BACKWARD, 120), desk=desk).put(Stage.STARTING, facing=BACKWARD)
    seat.session.moving(desk.now)
    seat.run(30.0)
    assert desk.guard.commanded == 120
    assert seat.session.walks_backward
