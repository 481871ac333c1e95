"""The pace at its boundaries: when a raise is announced and made, how a way down goes, what is not sent.

Speeds in 0.01 km/h. The belt is a desk's: every record is chosen. `plan` is what the ramp stands at.
"""

from dataclasses import replace

import pytest
from tests.core.desk import MACHINE, Desk

from blefit.units import Speed
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.limits import Limits, limits_for
from retrowalk.core.model import Machine, Target
from retrowalk.core.pace import Pace

RAMP_UP, RAMP_DOWN = 5, 30
"""0.01 km/h per s, those of level 2."""
FINE = replace(MACHINE, increment=Speed(1))


class Walked:
    """A belt at `speed`, its target met, and a pace whose plan is there too, unless it is `fresh`."""

    def __init__(self, speed: int = 80, *, machine: Machine = MACHINE, fresh: bool = False) -> None:
        limits = limits_for(machine, site=SiteLimits(), level=2)
        assert isinstance(limits, Limits)
        self.desk = Desk(machine).at(speed)
        self.pace = Pace(limits, machine, self.desk.now)
        if speed > machine.minimum and not fresh:
            self.follow(speed)
            self.desk.runs(speed, 5)
            self.follow(speed, passed=100)
            self.follow(speed)
            assert self.plan == speed

    def follow(
        self, asked: int, peak: int | None = None, *, passed: float = 0.25, may_raise: bool = True
    ) -> str:
        """What is said; `passed` seconds are over for the ramps, whatever the desk's clock says."""
        highest = Speed(asked if peak is None else peak)
        return self.pace.follow(
            Speed(asked), highest, self.desk.guard, passed, self.desk.now, may_raise=may_raise
        )

    def ease(self, passed: float = 0.25) -> None:
        self.pace.ease(self.desk.guard, passed, self.desk.now)

    @property
    def plan(self) -> float:
        return self.desk.machine.minimum + self.pace.ease_s() * RAMP_DOWN

    @property
    def target(self) -> int | None:
        """The target it would send now."""
        target = self.pace.target(self.desk.guard, self.desk.now)
        return None if target is None else target.speed

    def sends(self, speed: int) -> None:
        """It is written, and answered."""
        assert self.desk.want(Target(Speed(speed))) == ""


# --- up -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("waited", "plan"), [(0, 80), (4.75, 80), (5, 80 + RAMP_UP / 4), (6, 80 + RAMP_UP / 4)]
)
def test_a_raise_begins_five_seconds_after_it_was_announced(waited: float, plan: float) -> None:
    walked = Walked()
    assert walked.follow(90) == "Speed rises to 0.9 in 5 seconds."
    walked.desk.runs(80, waited)
    assert walked.follow(90) == ""
    assert walked.plan == plan


@pytest.mark.parametrize(
    ("asked", "peak", "plan"),
    [
        (85, 120, 85),  # no further than asked
        (110, 90, 90),  # nor than announced
        (120, 120, 100),  # nor than one change step above the target
    ],
)
def test_a_raise_goes_no_further_than_what_is_nearest(asked: int, peak: int, plan: int) -> None:
    walked = Walked()
    walked.follow(asked, peak)
    walked.desk.runs(80, 5)
    walked.follow(asked, peak, passed=100)
    assert walked.plan == plan


def test_nor_sooner_where_less_is_announced_meanwhile() -> None:
    walked = Walked()
    walked.follow(150)
    walked.desk.runs(80, 1)
    walked.follow(100)
    walked.desk.runs(80, 3.75)
    walked.follow(100)
    assert walked.plan == 80


def test_what_rounds_to_the_present_speed_is_no_raise() -> None:
    walked = Walked()
    assert walked.follow(89) == ""
    walked.desk.runs(80, 6)
    assert walked.follow(89) == ""
    assert (walked.plan, walked.target) == (80, None)


def test_before_the_first_target_nothing_rises() -> None:
    walked = Walked()
    walked.desk = Desk().moving()
    walked.follow(100)
    walked.desk.runs(80, 6)
    walked.follow(100)
    assert (walked.plan, walked.target) == (80, 80)


@pytest.mark.parametrize(
    ("speeds", "said"),
    [
        ([(80, 80)], ""),
        ([(155, 155)], "Speed rises to 1.5 in 5 seconds."),
        ([(155, 155), (155, 155)], ""),
        ([(80, 120), (80, 150)], "Speed rises to 1.5 in 5 seconds."),
        ([(80, 150), (80, 120)], ""),
        ([(80, 150), (80, 120), (80, 120)], ""),
        ([(80, 150), (80, 80), (80, 80)], ""),
        # what had been announced is taken back where less is planned, and announced again
        ([(80, 150), (80, 120), (80, 130)], "Speed rises to 1.3 in 5 seconds."),
    ],
)
def test_only_what_is_faster_than_announced_is_announced(speeds: list[tuple[int, int]], said: str) -> None:
    walked = Walked()
    assert [walked.follow(asked, peak) for asked, peak in speeds][-1] == said


@pytest.mark.parametrize(("cap", "said"), [(100, "1"), (109, "1"), (110, "1.1"), (150, "1.2")])
def test_no_more_is_announced_than_the_cap_lets_pass(cap: int, said: str) -> None:
    walked = Walked()
    walked.desk.guard.limit(Speed(cap), walked.desk.now)
    walked.desk.runs(80, 4)
    assert walked.follow(120) == f"Speed rises to {said} in 5 seconds."


def test_on_the_way_down_no_speed_that_the_belt_still_has_is_announced() -> None:
    walked = Walked(150)
    walked.follow(120, 120, passed=0.5)
    assert walked.plan == 135
    assert walked.follow(120, 130) == ""
    assert walked.follow(120, 135) == ""


def test_a_plan_between_two_values_of_the_grid_does_not_fall_back_when_less_is_to_come() -> None:
    walked = Walked()
    walked.follow(100)
    walked.desk.runs(80, 5)
    walked.follow(100, passed=1)
    walked.follow(88, 80)
    assert walked.plan == 85


def test_who_may_not_raise_has_to_announce_again() -> None:
    walked = Walked()
    assert walked.follow(90)
    walked.desk.runs(80, 6)
    assert walked.follow(90, may_raise=False) == ""
    assert walked.plan == 80
    assert walked.follow(90) == "Speed rises to 0.9 in 5 seconds."
    walked.desk.runs(80, 4.75)
    walked.follow(90)
    assert walked.plan == 80


def test_who_may_not_raise_is_not_raised_by_what_the_plan_had_reached() -> None:
    walked = Walked()
    walked.follow(150)
    walked.desk.runs(80, 5)
    walked.follow(150, passed=3)
    assert walked.plan == 95, "on the way to a full step"
    walked.follow(150, may_raise=False)
    assert (walked.plan, walked.target) == (80, None)
    assert walked.follow(150) == "Speed rises to 1.5 in 5 seconds."


def test_what_was_reached_need_not_be_announced_again() -> None:
    walked = Walked(150)
    walked.follow(150, may_raise=False)
    assert walked.follow(150) == ""


def test_it_is_said_once_when_the_announced_speed_is_met() -> None:
    walked = Walked()
    walked.follow(90)
    walked.desk.runs(80, 5)
    assert walked.follow(90, passed=2) == "", "the target before is met"
    walked.sends(90)
    assert walked.follow(90) == "", "sent, and not met"
    walked.desk.runs(90, 2.25)
    assert [walked.follow(90), walked.follow(90)] == ["Holding 0.9.", ""]


def test_after_a_way_down_nothing_is_held() -> None:
    walked = Walked(90)
    walked.desk.runs(90, 1)
    walked.follow(90, 120)
    assert walked.follow(90, 90) == ""
    assert walked.follow(90, 90) == ""


# --- down ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "passed", "plan"),
    [(100, 0.5, 135), (100, 1, 120), (100, 9, 100), (150, 9, 150), (149, 0.5, 149)],
)
def test_a_plan_falls_by_the_planned_ramp(asked: int, passed: float, plan: float) -> None:
    walked = Walked(150)
    walked.follow(asked, passed=passed)
    assert walked.plan == plan


@pytest.mark.parametrize(("passed", "plan", "left"), [(0.5, 135, 55 / 30), (1, 120, 40 / 30), (9, 80, 0)])
def test_easing_goes_down_to_the_minimum_whatever_was_asked(passed: float, plan: float, left: float) -> None:
    walked = Walked(150)
    walked.ease(passed)
    assert (walked.plan, walked.pace.ease_s()) == (plan, left)


@pytest.mark.parametrize("how", ["eases", "walks", "may not rise"])
@pytest.mark.parametrize(
    ("cap", "waited", "plan"),
    [
        (100, 1.0, 150),  # the cap slides from 1.8 km/h
        (100, 1.5, 135),
        (100, 3.0, 100),
        (50, 9.0, 80),  # never below the minimum
    ],
)
def test_the_plan_keeps_below_a_cap_that_slides(how: str, cap: int, waited: float, plan: int) -> None:
    walked = Walked(150)
    walked.desk.guard.limit(Speed(cap), walked.desk.now)
    walked.desk.now += waited
    if how == "eases":
        walked.ease(0.0)
    else:
        walked.follow(150, passed=0.0, may_raise=how == "walks")
    assert walked.plan == plan


def test_the_plan_keeps_below_a_hand_and_above_nothing_slower_than_the_machine() -> None:
    for hand, plan in ((120, 120), (70, 80)):
        walked = Walked(150)
        walked.desk.runs(hand, 3)
        assert walked.desk.guard.hand == hand
        walked.ease(0.0)
        assert walked.plan == plan
        walked.follow(150, may_raise=False)
        assert walked.plan == plan


def test_after_a_hand_what_was_reached_before_it_is_announced_anew() -> None:
    walked = Walked(150)
    walked.desk.runs(120, 4)
    walked.follow(150, may_raise=False)
    walked.desk.guard.resume_from_hand()
    assert walked.follow(150) == "Speed rises to 1.5 in 5 seconds."
    assert (walked.plan, walked.target) == (120, None)


def test_a_dip_on_the_way_is_a_rise_that_is_announced() -> None:
    walked = Walked(150)
    assert walked.follow(145, peak=150, passed=10) == ""
    walked.follow(145, peak=150)
    assert walked.target == 140
    walked.sends(140)
    walked.desk.runs(140, 5)
    assert walked.follow(150) == "Speed rises to 1.5 in 5 seconds."
    walked.desk.runs(140, 4.75)
    walked.follow(150, passed=100)
    assert walked.target is None
    walked.desk.runs(140, 0.25)
    walked.follow(150, passed=100)
    assert walked.target == 150


def test_a_belt_that_is_to_slow_down_first_does_not_hold_though_it_is_there_yet() -> None:
    walked = Walked(150)
    for _ in range(2):
        walked.follow(80, may_raise=False)
    assert walked.follow(150) == "Speed rises to 1.5 in 5 seconds."
    assert walked.follow(150) == ""
    assert walked.plan < 150


def test_a_belt_that_is_let_go_has_no_cap_and_no_target() -> None:
    walked = Walked(150)
    walked.desk.stop()
    walked.ease(0.5)
    assert walked.follow(150) == ""
    assert (walked.plan, walked.target) == (135, None)


# --- targets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measured", "asked", "target"),
    [
        (150, 170, 170),
        (145, 170, 170),  # a hair below its value, the belt can still be raised by a full step
        (144, 170, None),  # but not by less, for more is to come
        (144, 160, 160),  # unless it is all
        (150, 159, None),
        (150, 160, 160),
        (134, 160, None),
        (135, 160, 160),
    ],
)
def test_a_raise_is_a_full_step_or_the_rest_of_the_way(measured: int, asked: int, target: int | None) -> None:
    walked = Walked(150)
    walked.follow(asked)
    walked.desk.runs(150, 5)
    walked.follow(asked, passed=100)
    walked.desk.runs(measured, 2.25)
    assert walked.target == target


def test_the_rest_of_the_way_is_what_was_announced_of_it() -> None:
    walked = Walked(150)
    walked.follow(170, 160)
    walked.desk.runs(150, 5)
    walked.follow(170, 160, passed=100)
    assert walked.target == 160


@pytest.mark.parametrize(("measured", "asked"), [(130, 150), (122, 140)])
def test_a_raise_that_has_become_none_is_not_sent(measured: int, asked: int) -> None:
    walked = Walked(150)
    walked.follow(170)
    walked.desk.runs(150, 5)
    walked.follow(170, passed=100)
    walked.follow(asked)
    walked.desk.now += 3
    walked.desk.record(measured)
    assert walked.plan == 170 - RAMP_DOWN / 4
    assert walked.target is None


def test_nothing_is_raised_before_the_target_is_met_nor_from_a_hand() -> None:
    walked = Walked(150)
    walked.follow(190)
    walked.desk.runs(150, 5)
    walked.follow(190, passed=4)
    assert walked.target == 170
    walked.sends(170)
    walked.follow(190, passed=4)
    walked.desk.runs(170, 1.75)
    assert (walked.plan, walked.target) == (190, None), "met only after two seconds"
    walked.desk.runs(170, 0.25)
    assert walked.target == 190
    walked.desk.runs(120, 4)
    walked.sends(110)
    walked.desk.runs(110, 4)
    assert (walked.desk.guard.hand, walked.desk.guard.target_met) == (110, True)
    assert walked.target is None, "a hand"


@pytest.mark.parametrize(
    ("way", "asked", "target"),
    [
        ([], 149, 140),  # a plan that stands goes to its value at once
        ([0.25], 100, None),  # one on its way waits for a step that is worth it
        ([0.25, 0.0], 100, None),
        ([0.25] * 3, 100, 120),
    ],
)
def test_small_steps_down_wait_for_each_other(way: list[float], asked: int, target: int | None) -> None:
    walked = Walked(150)
    for passed in way:
        walked.follow(asked, passed=passed)
    if not way:
        walked.follow(asked)
        assert walked.target is None
        walked.follow(asked)
    assert walked.target == target


def test_easing_is_a_way_down_too_and_at_its_end_the_rest_is_sent() -> None:
    walked = Walked(90)
    walked.ease()
    assert walked.target is None
    walked.ease()
    assert (walked.plan, walked.target) == (80, None)
    walked.ease()
    assert walked.target == 80


@pytest.mark.parametrize(("passed", "target"), [(19 / RAMP_DOWN, None), (20 / RAMP_DOWN, 130)])
def test_a_step_down_on_the_way_is_a_fifth_of_a_kilometre_per_hour(passed: float, target: int | None) -> None:
    walked = Walked(150, machine=FINE)
    walked.follow(100, passed=passed)
    assert walked.target == target


def test_a_fresh_pace_stands_at_the_minimum() -> None:
    walked = Walked(90, fresh=True)
    assert (walked.plan, walked.target) == (80, 80)


@pytest.mark.parametrize(
    ("machine", "measured", "target"),
    [
        (MACHINE, 200, 150),
        (MACHINE, 210, 150),
        (MACHINE, 190, 140),
        (MACHINE, 195, 150),
        (replace(MACHINE, increment=Speed(50)), 200, 180),
        (FINE, 190, 140),
        (replace(MACHINE, increment=Speed(0)), 190, 140),  # of which no grid is known
    ],
)
def test_a_step_down_is_no_larger_than_the_guard_lets_pass(
    machine: Machine, measured: int, target: int
) -> None:
    walked = Walked(200, machine=machine, fresh=True)
    walked.desk.now += 0.25
    walked.desk.record(measured)
    assert walked.target == target
    walked.sends(target)


@pytest.mark.parametrize(("measured", "target"), [(104, None), (105, 130)])
def test_nor_does_it_go_above_what_the_guard_lets_pass(measured: int, target: int | None) -> None:
    walked = Walked(120)
    walked.follow(140)
    walked.desk.runs(120, 5)
    walked.follow(140, passed=100)
    walked.sends(140)
    walked.desk.guard.limit(Speed(130), walked.desk.now)
    walked.desk.runs(measured, 3)
    assert walked.desk.guard.hand is None, "it never came there, and has not fallen far"
    walked.follow(140)
    walked.follow(140)
    assert walked.target == target


@pytest.mark.parametrize(("step_down", "targets"), [(10, [140, 130, 120]), (20, [130, 110, 90])])
def test_where_steps_down_are_small_they_do_not_wait_for_larger_ones(
    step_down: int, targets: list[int]
) -> None:
    walked = Walked(150)
    walked.pace = Pace(replace(walked.pace._limits, step_down=Speed(step_down)), MACHINE, walked.desk.now)
    walked.follow(150, passed=100)
    sent = []
    for _ in range(3):
        walked.ease(step_down / RAMP_DOWN)
        if walked.target is not None:
            sent.append(walked.target)
            walked.sends(sent[-1])
            walked.desk.runs(sent[-1], 2.25)
    assert sent == targets


def test_at_its_plan_nothing_is_sent() -> None:
    walked = Walked(150)
    assert walked.target is None
    walked.desk.runs(140, 1)
    assert walked.target is None


@pytest.mark.parametrize(("cap", "target"), [(129, None), (130, 130), (131, 130)])
def test_no_target_above_the_cap_is_wished_for(cap: int, target: int | None) -> None:
    walked = Walked(180)
    walked.follow(100, passed=9)
    walked.desk.guard.limit(Speed(cap), walked.desk.now)
    walked.desk.now += 3
    walked.desk.record(180)
    assert walked.target == target


@pytest.mark.parametrize(
    ("record", "asked", "target"),
    [
        (141, 150, None),  # not falling, and nothing to send
        (140, 150, None),  # falling, and nothing to send
        (140, 130, 130),  # falling, to be lowered further
        (130, 130, 130),
        (131, 140, None),  # it may be a stop at the console, and a target above it may end that
        (141, 140, 140),
    ],
)
def test_a_falling_belt_is_sent_no_target_above_its_speed(
    record: int, asked: int, target: int | None
) -> None:
    walked = Walked(150)
    walked.follow(asked, passed=9)
    walked.follow(asked)
    walked.desk.now += 0.25
    walked.desk.record(record)
    assert walked.target == target


def test_a_belt_that_falls_under_a_hand_is_sent_no_target_at_all() -> None:
    walked = Walked(150)
    walked.follow(100, passed=9)
    walked.follow(100)
    walked.desk.now += 0.25
    walked.desk.record(129)
    assert (walked.desk.guard.hand, walked.target) == (129, None)
    walked.desk.runs(129, 2.25)
    assert walked.target == 100
    walked.sends(100)
    walked.ease(9)
    walked.desk.runs(119, 0.25)
    assert walked.target == 80, "now it falls to a target of ours"


def test_nor_is_one_that_fell_under_a_hand_when_it_was_last_heard_of() -> None:
    walked = Walked(150)
    walked.follow(100, passed=9)
    walked.follow(100)
    walked.desk.silence(1.0)
    walked.desk.record(129)
    walked.desk.silence(1.5)
    assert (walked.desk.guard.hand, walked.target) == (129, None)


def test_nothing_is_wished_for_while_a_target_waits_for_its_answer() -> None:
    walked = Walked(150)
    walked.desk.results[Target] = None
    walked.follow(100, passed=9)
    assert walked.target == 100
    walked.sends(100)
    walked.ease(9)
    assert walked.target is None
    walked.desk.answer(Target(Speed(100)))
    assert walked.target == 80


def test_of_a_belt_that_was_never_measured_nothing_is_known() -> None:
    walked = Walked(150)
    walked.desk = Desk()
    assert walked.target is None
