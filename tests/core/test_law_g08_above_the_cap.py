"""G8: measured above the cap: command the cap at once; still above, or above the ceiling: Stop."""

from itertools import pairwise

import pytest
from tests.core.bench import Bench, program
from tests.core.desk import Desk, authority

from blefit.units import Incline, Speed
from retrowalk.core.authority import State
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.model import Act, SetCap, Stop, Target, TargetIncline
from retrowalk.sim.model.quirks import BeltQuirks, Quirks
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks

CAP_200 = authority(cap=Speed(200))


@pytest.mark.parametrize(("speed", "ordered"), [(219, False), (220, False), (221, True)])
def test_more_than_20_above_the_cap_in_two_records_the_cap_is_commanded(speed: int, ordered: bool) -> None:
    desk = Desk().at(200, CAP_200)
    desk.runs(speed, 0.25)
    assert desk.last != Target(Speed(200)) or desk.writes[-1][0] < desk.now
    before = len(desk.writes)
    desk.runs(speed, 0.25)
    assert (len(desk.writes) == before + 1) is ordered
    assert ("cap_enforced" in desk.noticed) is ordered
    assert desk.last == Target(Speed(200))


def test_one_record_above_is_a_glitch() -> None:
    desk = Desk().at(200, CAP_200)
    before = len(desk.writes)
    for _ in range(4):
        desk.record(400)
        desk.runs(200, 1.0)
    assert len(desk.writes) == before
    assert desk.state() is State.RUNNING


def test_one_low_record_now_and_then_does_not_hide_a_belt_above_its_cap() -> None:
    desk = Desk().at(200, CAP_200)
    for _ in range(5):
        desk.runs(250, 1.0)
        desk.record(200)
    assert desk.noticed.count("cap_enforced") == 1
    assert desk.noticed[-1] == "over_cap"


@pytest.mark.parametrize(("apart", "told"), [(0.25, 1), (0.5, 2)])
def test_two_low_records_half_a_second_apart_end_it(apart: float, told: int) -> None:
    desk = Desk().at(200, CAP_200)
    desk.runs(250, 0.5)
    desk.runs(200, apart, every=apart)
    desk.record(200)
    desk.runs(200, apart, every=apart)
    desk.runs(250, 0.5)
    assert desk.noticed.count("cap_enforced") == told


def test_one_low_record_does_not_hide_a_belt_above_the_ceiling() -> None:
    desk = Desk().at(200, authority(cap=Speed(200), ceiling=Speed(300)))
    for speed in (400, 200, 400):
        desk.runs(speed, 0.25)
    assert desk.noticed[-1] == "over_ceiling"


def test_above_the_ceiling_is_stop_though_the_order_of_the_cap_could_not_be_sent() -> None:
    desk = Desk().at(180, authority(cap=Speed(200), ceiling=Speed(300)))
    desk.results[Target] = None
    desk.want(Target(Speed(200)))
    desk.runs(250, 0.5)
    assert desk.noticed[-1] == "cap_enforced"
    desk.runs(321, 0.5)
    assert desk.noticed[-1] == "over_ceiling"
    assert [command for _, command in desk.writes[-2:]] == [Target(Speed(200)), Stop()]


def test_the_order_is_not_given_at_a_low_record() -> None:
    desk = Desk().at(200, CAP_200)
    desk.guard.control = False
    before = len(desk.writes)
    desk.runs(250, 0.5)
    desk.guard.control = True
    desk.record(100)
    assert len(desk.writes) == before, "a step up from there"
    desk.runs(250, 0.25)
    assert desk.last == Target(Speed(200))


def test_nor_once_the_belt_came_back_without_it() -> None:
    desk = Desk().at(200, CAP_200)
    desk.guard.control = False
    before = len(desk.writes)
    desk.runs(250, 0.5)
    desk.runs(200, 1.0)
    desk.guard.control = True
    desk.record(250)
    assert len(desk.writes) == before, "a glitch"


def test_it_keeps_the_space_between_two_frames() -> None:
    desk = Desk().at(200, CAP_200)
    desk.runs(250, 0.25)
    assert desk.want(TargetIncline(Incline(5))) == ""
    desk.runs(250, 0.25)
    assert desk.last == TargetIncline(Incline(5))
    desk.runs(250, 0.25)
    assert desk.last == Target(Speed(200))


def test_it_waits_for_the_answer_to_another_target_for_3_s_and_no_longer() -> None:
    desk = Desk().at(180, CAP_200)
    desk.results[Target] = None
    assert desk.want(Target(Speed(200))) == ""
    since = desk.now
    desk.runs(250, 2.75)
    assert desk.sent(Target)[-1] == since
    desk.runs(250, 0.25)
    assert (desk.sent(Target)[-1], desk.last) == (since + 3.0, Target(Speed(200)))


def test_nor_at_a_zero_that_slips_in() -> None:
    desk = Desk().at(200, CAP_200)
    desk.guard.control = False
    before = len(desk.writes)
    desk.runs(250, 0.5)
    desk.guard.control = True
    desk.record(0)
    assert len(desk.writes) == before
    desk.runs(250, 0.25)
    assert desk.last == Target(Speed(200))
    desk.runs(250, 0.25)
    assert desk.last == Target(Speed(200))


def test_under_a_hand_below_the_slowest_speed_the_order_is_the_slowest() -> None:
    desk = Desk().moving()
    assert desk.want(Target(Speed(80))) == ""
    desk.record(50)
    assert desk.guard.hand == 50
    desk.runs(330, 0.5)
    assert desk.last == Target(Speed(80))
    assert len(desk.sent(Target)) == 2


def test_the_order_is_free_of_the_step_down_and_of_the_incline() -> None:
    desk = Desk().at(200, CAP_200)
    assert desk.want(TargetIncline(Incline(5))) == ""
    desk.runs(420, 0.75)
    assert desk.last == Target(Speed(200))
    assert "cap_enforced" in desk.noticed


@pytest.mark.parametrize(("speed", "patience"), [(250, 4.0), (300, 5.0)])
def test_still_above_after_3_s_and_the_drop_by_the_deceleration_is_stop(speed: int, patience: float) -> None:
    desk = Desk().at(200, CAP_200)
    desk.runs(speed, 0.5)
    desk.runs(speed, patience)
    assert desk.stops == 0
    desk.runs(speed, 0.25)
    assert desk.stops == 1
    assert desk.noticed[-1] == "over_cap"
    assert desk.guard.faulted


def test_with_an_unknown_deceleration_the_patience_is_that_of_30_per_second() -> None:
    desk = Desk(deceleration=None).at(200, CAP_200)
    desk.runs(260, 0.5)
    desk.runs(260, 5.0)
    assert desk.stops == 0
    desk.runs(260, 0.25)
    assert desk.stops == 1


def test_a_belt_that_comes_back_is_let_go_on() -> None:
    desk = Desk().at(200, CAP_200)
    desk.runs(300, 0.5)
    desk.slides(300, 200)
    desk.runs(200, 10.0)
    assert desk.stops == 0
    assert desk.state() is State.RUNNING


@pytest.mark.parametrize(("speed", "stopped"), [(320, False), (321, True)])
def test_above_the_ceiling_in_two_records_is_stop(speed: int, stopped: bool) -> None:
    desk = Desk().at(200, authority(cap=Speed(200), ceiling=Speed(300)))
    desk.runs(speed, 0.25)
    assert desk.stops == 0
    desk.runs(speed, 0.25)
    assert (desk.stops == 1) is stopped
    assert ("over_ceiling" in desk.noticed) is stopped


def test_a_belt_that_starts_above_the_ceiling_is_stopped_at_its_second_record() -> None:
    desk = Desk().starting()
    desk.runs(700, 0.5)
    assert desk.stops == 1
    assert "over_ceiling" in desk.noticed


def test_a_belt_that_starts_above_the_cap_is_told_the_minimum_its_first_target() -> None:
    desk = Desk().starting(CAP_200)
    desk.runs(300, 0.75)
    assert desk.last == Target(Speed(80))
    assert desk.state() is State.RUNNING
    assert desk.stops == 0


def test_the_order_waits_for_control_and_fresh_telemetry_and_its_time_runs_on() -> None:
    desk = Desk().at(200, CAP_200)
    desk.guard.control = False
    before = len(desk.writes)
    desk.runs(250, 4.5)
    assert len(desk.writes) == before
    desk.runs(250, 0.25)
    assert desk.last == Stop()


def test_an_order_that_cannot_pass_yet_is_no_mistake_of_the_session() -> None:
    desk = Desk().at(200, CAP_200)
    desk.guard.control = False
    desk.runs(250, 0.5)
    assert desk.guard.demand(desk.now, may_ask=True) is None
    desk.guard.control = True
    assert desk.guard.demand(desk.now, may_ask=True) == Target(Speed(200))
    assert desk.review(Target(Speed(130))) == "G7", "no other target is as free as that one"
    desk.now += 2.0
    assert desk.guard.demand(desk.now, may_ask=True) is None


def test_the_order_is_not_above_the_target_in_force() -> None:
    desk = Desk().at(100, CAP_200)
    desk.runs(300, 0.5)
    assert desk.last == Target(Speed(100))


def test_a_runaway_with_physics_is_told_and_then_stopped() -> None:
    text = 'name = "p"\nlevel = 1\nsteps = [ { walk = "forward", for = "3min", speed = 1.5 } ]'
    bench = Bench(quirks=Quirks(belt=BeltQuirks(runaway_after_s=30)), program=program(text))
    bench.offer()
    assert bench.run(200, until=lambda b: b.snapshot.phase == "faulted")
    assert bench.faults()[0] == "cap_enforced"
    assert bench.faults()[-1] in {"over_cap", "too_fast"}
    assert bench.run(20, until=lambda b: b.real_speed == 0)


def test_above_the_ceiling_is_stop_though_at_that_moment_it_is_a_hand_as_well() -> None:
    desk = Desk().at(200, authority(cap=Speed(300), ceiling=Speed(300)))
    desk.runs(240, 2.75)
    desk.runs(400, 0.5)
    assert desk.noticed[-1] == "over_ceiling"
    assert desk.last == Stop()


def test_the_order_may_be_more_than_a_step_below_the_belt_and_its_target() -> None:
    desk = Desk().at(280)
    desk.guard.control = False
    desk.guard.limit(Speed(155), desk.now)
    desk.runs(280, 5.0)
    desk.guard.control = True
    desk.runs(280, 0.25)
    assert desk.last == Target(Speed(150))


def test_the_order_is_given_once() -> None:
    desk = Desk().at(200, CAP_200)
    before = len(desk.writes)
    desk.runs(250, 3.0)
    assert len(desk.writes) == before + 1


def test_a_low_record_after_the_patience_is_over_is_no_stop_and_the_next_high_one_is() -> None:
    desk = Desk().at(200, CAP_200)
    desk.runs(250, 4.5)
    desk.runs(200, 0.25)
    assert not desk.stopping()
    desk.runs(250, 0.25)
    assert desk.noticed[-1] == "over_cap"


def faster_than_a_sliding_cap(cap: int = 150) -> Desk:
    """Told in two records that it is above a cap that comes down from 2.80 by 0.3 km/h each second."""
    desk = Desk().at(250)
    desk.guard.limit(Speed(cap), desk.now)
    desk.runs(250, 2.0)
    assert (desk.guard.cap(desk.now), desk.last) == (220, Target(Speed(220)))
    return desk


def test_a_belt_that_obeys_is_told_the_cap_that_slid_on_meanwhile_and_has_its_time_for_that_one() -> None:
    desk = faster_than_a_sliding_cap(100)
    told = [desk.last]
    for speed in (*range(250, 100, -8), *[100] * 8):  # 0.32 km/h a second: always behind
        desk.runs(speed, 0.25)
        told += [command for at, command in desk.writes if at == desk.now]
    orders = [command.speed for command in told if isinstance(command, Target)]
    assert orders[0] == 220
    assert orders == sorted(orders, reverse=True)
    assert all(high - low >= 20 for high, low in pairwise(orders[:-1])), "not a frame for each record"
    assert desk.noticed.count("cap_enforced") == 1
    assert desk.stops == 0


@pytest.mark.parametrize(("speed", "fault"), [(241, ["over_cap"]), (240, [])])
def test_one_that_does_not_come_back_to_the_cap_it_was_told_gets_no_more_time_for_the_slide(
    speed: int, fault: list[str]
) -> None:
    desk = faster_than_a_sliding_cap()  # 3 s and 0.30 km/h by 0.5 km/h a second: 3.6 s
    desk.runs(speed, 3.5)
    assert desk.stops == 0
    desk.runs(speed, 0.25)
    assert [found for found in desk.noticed if found == "over_cap"] == fault


def test_nor_for_a_cap_that_is_lowered_again_and_again() -> None:
    desk = faster_than_a_sliding_cap()
    for cap in (140, 130, 120, 110):
        desk.guard.limit(Speed(cap), desk.now)
        desk.runs(250, 1.0)
    assert "over_cap" in desk.noticed


def test_after_the_slide_one_that_stays_above_is_stopped() -> None:
    desk = faster_than_a_sliding_cap()
    desk.runs(240, 20.0)
    assert "over_cap" in desk.noticed


def test_a_cap_that_came_down_by_a_fifth_of_a_kilometre_per_hour_is_told_at_once() -> None:
    desk = faster_than_a_sliding_cap(200)
    desk.runs(235, 0.5)
    assert desk.last == Target(Speed(220))
    desk.runs(235, 0.25)
    assert desk.last == Target(Speed(200))


def test_one_that_came_down_by_less_is_told_when_the_time_of_the_last_is_over_and_has_its_own() -> None:
    desk = faster_than_a_sliding_cap(210)
    desk.runs(235, 3.5)
    assert desk.last == Target(Speed(220))
    desk.runs(235, 0.25)
    assert desk.last == Target(Speed(210))
    desk.runs(235, 3.5)
    assert "over_cap" not in desk.noticed
    desk.runs(235, 0.25)
    assert "over_cap" in desk.noticed


@pytest.mark.parametrize(
    ("hand", "cap", "every", "belt"),
    [
        (None, 100, 1.0, BeltQuirks(deceleration=30)),
        (None, 100, 0.25, BeltQuirks(deceleration=25)),
        (3.0, 150, 0.25, BeltQuirks()),
        (2.0, 100, 0.25, BeltQuirks(deceleration=30)),
    ],
)
def test_a_cap_that_is_lowered_is_no_fault_of_a_machine_that_obeys(
    hand: float | None, cap: int, every: float, belt: BeltQuirks
) -> None:
    text = 'name = "p"\nlevel = 6\nsteps = [ { walk = "forward", for = "6min", speed = 4.0 } ]'
    quirks = Quirks(belt=belt, telemetry=TelemetryQuirks(notify_every_s=every))
    bench = Bench(
        quirks=quirks, program=program(text), site=SiteLimits(level=6), answers=frozenset({Act.START})
    )
    bench.offer()
    assert bench.run(240, until=lambda b: b.real_speed >= 400)
    if hand is not None:
        bench.treadmill.console.set_speed(hand)
        bench.run(15)
    bench.ask(SetCap(Speed(cap)))
    bench.run(30)
    assert bench.real_speed <= cap
    assert set(bench.faults()) <= {"cap_enforced", "hand"}
    assert bench.sent(0x08) == []
