"""G5: no target above the least of all caps; a cap lowered while moving slides down at 0.3 km/h/s."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.bench import Bench, program
from tests.core.desk import Desk, authority

from blefit.ftms.treadmill_data import TreadmillData
from blefit.units import Incline, Speed
from retrowalk.core.authority import ABSOLUTE_CEILING
from retrowalk.core.capping import Capping
from retrowalk.core.model import Direction, Record, Target, TargetIncline


@pytest.mark.parametrize(("speed", "law"), [(119, ""), (120, ""), (121, "G5"), (0xFFFF, "G5")])
def test_a_target_up_to_the_cap_passes_and_not_a_hundredth_more(speed: int, law: str) -> None:
    desk = Desk().at(110, authority(cap=Speed(120)))
    assert desk.review(Target(Speed(speed))) == law


@pytest.mark.parametrize(("speed", "law"), [(110, ""), (111, "G5")])
def test_the_live_cap_counts(speed: int, law: str) -> None:
    desk = Desk().at(100)
    desk.guard.limit(Speed(110), desk.now)
    desk.runs(100, 3.0)
    assert desk.review(Target(Speed(speed))) == law


@pytest.mark.parametrize(("speed", "law"), [(120, ""), (121, "G5")])
def test_the_machines_maximum_counts(speed: int, law: str) -> None:
    desk = Desk(maximum=Speed(120)).at(110)
    assert desk.review(Target(Speed(speed))) == law


@pytest.mark.parametrize(("speed", "law"), [(80, ""), (79, "G5"), (0, "G5")])
def test_below_the_machines_minimum_there_is_no_target(speed: int, law: str) -> None:
    assert Desk().at(100).review(Target(Speed(speed))) == law


def test_the_ceilings_in_code_are_those_of_the_numbers() -> None:
    assert ABSOLUTE_CEILING == {Direction.FORWARD: 600, Direction.BACKWARD: 500}


@pytest.mark.parametrize(
    ("seconds", "cap"), [(0.0, 230), (0.01, 229), (1.0, 200), (2.0, 170), (4.0, 110), (9.0, 100)]
)
def test_a_lowered_cap_slides_from_just_above_the_belt_at_30_per_second(seconds: float, cap: int) -> None:
    capping = Capping(Speed(400), Speed(600), None)
    capping.lower(Speed(100), Speed(200), 10.0)
    assert capping.now(10.0 + seconds) == cap


def test_a_cap_above_the_moving_belt_does_not_slide_and_none_rises() -> None:
    capping = Capping(Speed(400), Speed(600), None)
    capping.lower(Speed(300), Speed(100), 10.0)
    assert capping.now(10.0) == 300
    capping.lower(Speed(350), Speed(100), 11.0)
    assert capping.now(99.0) == 300


def test_the_slide_begins_above_what_a_belt_on_its_way_up_was_told() -> None:
    desk = Desk().at(100)
    assert desk.want(Target(Speed(120))) == ""
    desk.guard.limit(Speed(80), desk.now)
    assert desk.guard.cap(desk.now) == 150


def test_a_second_cut_slides_on_from_where_the_first_is() -> None:
    capping = Capping(Speed(400), Speed(600), None)
    capping.lower(Speed(200), Speed(380), 10.0)
    assert capping.now(11.0) == 370
    capping.lower(Speed(100), Speed(380), 11.0)
    assert capping.now(11.0) == 370
    assert capping.now(12.0) == 340


def test_at_rest_a_cap_falls_at_once() -> None:
    desk = Desk().counted()
    desk.guard.limit(Speed(90), desk.now)
    assert desk.guard.cap(desk.now) == 90


@pytest.mark.parametrize("cuts", [(100,), (200, 150)])
def test_the_live_cap_outlasts_a_halt(cuts: tuple[int, ...]) -> None:
    desk = Desk().at(120)
    for cap in cuts:
        desk.guard.limit(Speed(cap), desk.now)
    desk.runs(100, 2.0)
    desk.stop()
    desk.slides(100, 0)
    desk.runs(0, 11.0)
    desk.walking()
    assert desk.guard.cap(desk.now) == cuts[-1]


def test_the_live_cap_lasts_until_the_next_session_and_never_rises() -> None:
    desk = Desk().rest()
    desk.guard.limit(Speed(150), desk.now)
    desk.guard.limit(Speed(250), desk.now)
    desk.lose_link()
    desk.connect()
    desk.rest().arm()
    assert desk.guard.cap(desk.now) == 150
    desk.guard.disarm(desk.now)
    desk.guard.forget_limit()
    desk.arm()
    assert desk.guard.cap(desk.now) == 300


def test_without_an_arming_there_is_no_cap_to_tell() -> None:
    assert Desk().guard.cap(100.0) is None


@given(
    cap=st.integers(80, 600),
    cuts=st.lists(st.tuples(st.integers(80, 600), st.integers(0, 700), st.floats(0, 20)), max_size=6),
)
def test_however_a_cap_is_cut_it_never_rises(cap: int, cuts: list[tuple[int, int, float]]) -> None:
    capping = Capping(Speed(cap), Speed(600), None)
    now, last = 0.0, cap
    for live, measured, wait in cuts:
        capping.lower(Speed(live), Speed(measured), now)
        assert capping.now(now) <= last
        now += wait
        assert capping.now(now) <= (last := capping.now(now))
    assert capping.now(now + 100) == min([cap, *(live for live, _, _ in cuts)])


@pytest.mark.parametrize(
    ("incline", "law"), [(-5, "G5"), (0, ""), (5, ""), (30, "G7"), (31, "G5"), (35, "G5")]
)
def test_the_incline_stays_between_0_and_its_cap(incline: int, law: str) -> None:
    assert Desk().walking().review(TargetIncline(Incline(incline))) == law


@pytest.mark.parametrize(("incline", "law"), [(20, "G5"), (15, "G5"), (10, ""), (5, "G7"), (-5, "G5")])
def test_from_the_slope_of_a_session_before_it_only_comes_down(incline: int, law: str) -> None:
    desk = Desk().walking()
    for slope in (5, 10, 15):
        assert desk.want(TargetIncline(Incline(slope))) == ""
        desk.runs(80, 5.0)
    desk.guard.want_stop(desk.now)
    desk.slides(80, 0)
    desk.runs(0, 2.0)
    desk.walking(authority(session_id="the next", incline_cap=Incline(0)))
    assert desk.guard.incline_step(Incline(0), desk.now) == 10
    assert desk.review(TargetIncline(Incline(incline))) == law


@pytest.mark.parametrize(
    ("reported", "next_step"), [(None, 10), (15, 10), (16, 10), (14, 9), (10, 5), (0, None), (-20, None)]
)
def test_a_step_that_was_lost_is_not_gone_back_from(reported: int | None, next_step: int | None) -> None:
    """A deck at 1.0 %, told 1.5 % in vain, would rise by the next step down."""
    desk = Desk().walking()
    for slope in (5, 10, 15):
        assert desk.want(TargetIncline(Incline(slope))) == ""
        desk.runs(80, 5.0)
    desk.lose_link()
    desk.connect()
    inclination = None if reported is None else Incline(reported)
    desk.belt.observe(Record(TreadmillData(inclination=inclination)), desk.now)
    desk.runs(0, 3.0)
    assert desk.guard.clear(desk.now) == ""
    desk.walking(authority(session_id="the next", incline_cap=Incline(0)))
    assert desk.guard.incline_step(Incline(0), desk.now) == next_step


def test_while_it_is_driven_what_is_reported_is_on_its_way() -> None:
    desk = Desk().walking()
    assert desk.want(TargetIncline(Incline(5))) == ""
    desk.belt.observe(Record(TreadmillData(inclination=Incline(0))), desk.now)
    desk.runs(80, 5.0)
    assert desk.guard.incline_step(Incline(10), desk.now) == 10


def test_the_machines_own_incline_counts() -> None:
    desk = Desk(maximum_incline=Incline(4)).walking()
    assert desk.review(TargetIncline(Incline(5))) == "G5"
    assert desk.guard.incline_step(Incline(30), desk.now) == 4


def test_on_a_belt_with_physics_a_cut_cap_is_followed_without_a_stop() -> None:
    text = 'name = "p"\nlevel = 3\nsteps = [ { walk = "forward", for = "5min", speed = 3.0 } ]'
    bench = Bench(program=program(text))
    bench.offer()
    assert bench.run(200, until=lambda b: b.real_speed >= 290)
    bench.controller.guard.limit(Speed(150), bench.now)
    over: list[float] = []
    bench.each_step.append(lambda b: over.append(b.real_speed - (b.controller.guard.cap(b.now) or 0)))
    bench.run(10)
    assert max(over) <= 30
    assert 140 <= bench.real_speed <= 150
    assert bench.faults() == []


def test_before_motion_too_a_cap_falls_at_once() -> None:
    desk = Desk(needs_target_to_move=True).starting()
    desk.runs(0, 1.0)
    assert desk.want(Target(Speed(80))) == ""
    desk.guard.limit(Speed(100), desk.now)
    assert desk.guard.cap(desk.now) == 100


def test_the_same_cap_again_changes_nothing() -> None:
    desk = Desk().at(250)
    desk.guard.limit(Speed(150), desk.now)
    desk.runs(200, 1.0)
    assert desk.guard.cap(desk.now) == 250
    desk.guard.limit(Speed(150), desk.now)
    assert desk.guard.cap(desk.now) == 250
