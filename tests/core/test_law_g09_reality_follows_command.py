"""G9: each target is judged until met; the session's first one also finds miles taken for kilometres."""

import pytest
from tests.core.bench import Bench, program
from tests.core.desk import Desk, authority

from blefit.units import Speed
from retrowalk.core.authority import State
from retrowalk.core.model import Target
from retrowalk.core.obeying import Obeying
from retrowalk.sim.model.quirks import Acceleration, BeltQuirks, ControlQuirks, Quirks
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks


def first_target(speed: int, *, echoes: bool = False) -> Desk:
    """Moving at `speed` (not above the minimum: no grace for a drop), the first target just answered."""
    desk = Desk(echoes_target=echoes).moving(speed=speed)
    assert desk.want(Target(desk.machine.minimum)) == ""
    return desk


@pytest.mark.parametrize(("speed", "judged"), [(119, False), (120, True), (128, True), (136, True)])
def test_the_first_target_at_1_5_to_1_7_times_in_two_records_is_stop_and_quarantine(
    speed: int, judged: bool
) -> None:
    desk = first_target(80)
    desk.runs(speed, 0.25)
    assert desk.stops == 0
    desk.runs(speed, 0.25)
    assert (desk.stops == 1) is judged
    assert ("wrong_speed" in desk.noticed) is judged


def test_so_it_is_on_a_belt_so_slow_that_miles_are_less_than_30_above() -> None:
    desk = Desk(minimum=Speed(50)).moving(speed=50)
    assert desk.want(Target(Speed(50))) == ""
    desk.runs(76, 0.5)
    assert "wrong_speed" in desk.noticed


def test_beyond_1_7_times_the_300_rule_takes_2_s() -> None:
    desk = first_target(80)
    desk.runs(137, 2.0)
    assert desk.stops == 0
    desk.runs(137, 0.25)
    assert desk.stops == 1
    assert "wrong_speed" in desk.noticed


@pytest.mark.parametrize(("speed", "stops"), [(110, 0), (111, 1)])
def test_more_than_30_above_for_2_s_is_stop(speed: int, stops: int) -> None:
    desk = first_target(80)
    desk.runs(speed, 2.25)
    assert desk.stops == stops


@pytest.mark.parametrize("speed", [128, 150], ids=["miles", "300 rule"])
def test_one_good_record_now_and_then_hides_nothing(speed: int) -> None:
    desk = first_target(80)
    for _ in range(4):
        desk.runs(speed, 0.25 if speed == 128 else 0.75)
        desk.record(75)
    assert "wrong_speed" in desk.noticed


def test_one_bad_record_long_ago_is_not_2_s_of_them() -> None:
    desk = first_target(80)
    desk.record(150)
    desk.silence(2.0)
    desk.record(80)
    assert desk.stops == 0


@pytest.mark.parametrize("glitch", [0, 50], ids=["a zero slipped in", "a low one, taken for a hand"])
def test_the_first_target_stays_on_trial_until_it_is_met(glitch: int) -> None:
    desk = first_target(80)
    desk.record(glitch)
    desk.record(glitch)
    desk.runs(128, 1.5)
    assert desk.stops == 1
    assert "wrong_speed" in desk.noticed
    assert desk.noticed.count("hand") == (glitch > 0)


def test_the_quarantine_holds_at_once_and_after_clearing() -> None:
    desk = first_target(80)
    desk.runs(128, 0.5)
    desk.slides(128, 0)
    desk.runs(0, 12.0)
    assert desk.guard.clear(desk.now) == ""
    assert "ran faster than told (told 0.80 km/h, ran 1.28)" in desk.arm()


def test_nothing_faster_is_sent_until_the_first_target_is_met() -> None:
    desk = first_target(80)
    desk.runs(80, 1.75)
    assert desk.review(Target(Speed(90))) == "G9"
    desk.runs(80, 0.25)
    assert desk.review(Target(Speed(90))) == ""


@pytest.mark.parametrize(("speed", "met"), [(64, False), (65, True), (95, True), (96, False)])
def test_met_is_within_15(speed: int, met: bool) -> None:
    desk = first_target(60)
    desk.runs(speed, 2.25)
    assert desk.guard.target_met is met


def test_a_later_target_knows_only_the_300_rule_and_quarantines_nothing() -> None:
    desk = Desk().at(100)
    assert desk.want(Target(Speed(120))) == ""
    desk.runs(140, 0.25)
    desk.runs(181, 1.75)
    assert desk.stops == 0
    desk.runs(181, 0.5)
    assert desk.stops == 1
    assert "too_fast" in desk.noticed
    assert desk.guard.machine is not None
    assert desk.guard.machine.quarantined == ""


def second_start(session_id: str) -> Desk:
    """A second arming after a walk of session s1; the minimum is just sent."""
    desk = Desk().at(100)
    desk.stop()
    desk.slides(100, 0)
    desk.runs(0, 12.0)
    desk.moving(authority(session_id=session_id))
    assert desk.want(Target(Speed(80))) == ""
    return desk


@pytest.mark.parametrize(("session_id", "quarantined"), [("s1", False), ("s2", True)])
def test_only_the_sessions_first_target_quarantines_not_the_first_after_a_turn(
    session_id: str, quarantined: bool
) -> None:
    desk = second_start(session_id)
    desk.runs(128, 2.5)
    assert desk.stops >= 2
    assert ("wrong_speed" in desk.noticed) is quarantined
    assert ("too_fast" in desk.noticed) is not quarantined


def test_nor_the_first_after_a_turn_of_a_later_session() -> None:
    desk = second_start("s2")
    desk.runs(80, 2.5)
    desk.stop()
    desk.slides(80, 0)
    desk.runs(0, 12.0)
    desk.moving(authority(session_id="s2"))
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(128, 2.5)
    assert desk.noticed[-1] == "too_fast"


def test_after_a_turn_too_nothing_faster_is_sent_until_the_minimum_is_met() -> None:
    assert second_start("s1").review(Target(Speed(90))) == "G9"


def test_a_target_below_the_measured_speed_first_gets_3_s_and_the_drop() -> None:
    desk = Desk().moving(speed=120)
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(120, 4.75)  # 3 s + 0.4 / 0.2 km/h/s are 5 s
    assert desk.stops == 0
    desk.runs(120, 0.5)
    assert desk.stops == 1


def test_before_its_answer_a_target_is_not_judged_and_without_one_from_3_s_on() -> None:
    desk = Desk().moving()
    desk.results[Target] = None
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(128, 3.0)
    assert desk.stops == 0
    desk.runs(128, 0.5)
    assert desk.stops == 1


def test_so_it_is_with_a_later_one() -> None:
    desk = Desk().at(100)
    desk.results[Target] = None
    assert desk.want(Target(Speed(120))) == ""
    desk.runs(181, 4.75)
    assert not desk.stopping()
    desk.runs(181, 0.25)
    assert desk.noticed[-1] == "too_fast"


def test_a_refused_target_is_not_in_force() -> None:
    desk = Desk().at(100)
    desk.results[Target] = 4
    assert desk.want(Target(Speed(120))) == ""
    assert desk.guard.commanded == 100
    assert "target_refused" in desk.noticed


def test_the_one_before_is_judged_on_under_a_hand_too() -> None:
    desk = Desk().at(100)
    desk.runs(140, 3.5)
    assert desk.guard.hand == 140
    assert desk.want(Target(Speed(110))) == ""  # 3 s + 30 / 20, and 2 s above it
    desk.runs(141, 0.5)
    desk.results[Target] = 4
    assert desk.want(Target(Speed(100))) == ""
    assert desk.noticed[-1] == "target_refused"
    desk.runs(141, 5.75)
    assert not desk.stopping()
    desk.runs(141, 0.25)
    assert desk.noticed[-1] == "too_fast"


def test_a_refused_first_target_leaves_only_the_first_target() -> None:
    desk = Desk().moving()
    desk.results[Target] = 3
    assert desk.want(Target(Speed(80))) == ""
    assert desk.guard.commanded is None
    assert desk.review(Target(Speed(90))) == "G7"
    desk.results[Target] = 1
    desk.runs(80, 0.5)
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(128, 0.5)
    assert desk.noticed[-1] == "wrong_speed"


def test_an_echoing_machine_is_blind_to_this_law() -> None:
    desk = first_target(80, echoes=True)
    desk.runs(128, 4.0)
    assert desk.stops == 0
    assert desk.state() is State.RUNNING


def test_miles_for_kilometres_with_physics_never_run_faster_than_the_minimum_in_miles() -> None:
    text = 'name = "p"\nlevel = 1\nsteps = [ { walk = "forward", for = "3min", speed = 1.5 } ]'
    bench = Bench(quirks=Quirks(control=ControlQuirks(targets_are_mph=True)), program=program(text))
    top: list[float] = []
    bench.each_step.append(lambda b: top.append(b.real_speed))
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.phase == "faulted")
    bench.run(10)
    assert bench.faults() == ["wrong_speed"]
    assert max(top) <= 80 * 1.61
    assert bench.real_speed == 0


def test_a_start_without_a_target_uses_up_no_trial() -> None:
    desk = Desk().moving()
    desk.guard.disarm(desk.now)
    desk.slides(80, 0)
    desk.runs(0, 12.0)
    desk.moving()
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(130, 2.5)
    assert "wrong_speed" in desk.noticed


@pytest.mark.parametrize(("before_s", "noticed"), [(0.5, True), (2.5, False)], ids=["not met", "met"])
def test_a_trial_that_a_pause_cut_short_goes_on_after_the_next_start(before_s: float, noticed: bool) -> None:
    desk = first_target(80)
    desk.runs(80, before_s)
    desk.guard.disarm(desk.now)
    desk.slides(80, 0)
    desk.runs(0, 12.0)
    desk.moving()
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(128, 3.0)
    assert (desk.guard.machine.quarantined != "") is noticed


def test_so_it_does_in_a_later_session() -> None:
    desk = second_start("s2")
    desk.guard.disarm(desk.now)
    desk.slides(80, 0)
    desk.runs(0, 12.0)
    desk.moving(authority(session_id="s2"))
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(128, 0.5)
    assert "wrong_speed" in desk.noticed


def test_and_after_a_hand_that_was_given_up() -> None:
    desk = first_target(80)
    desk.record(50)
    desk.guard.resume_from_hand()
    desk.guard.disarm(desk.now)
    desk.slides(50, 0)
    desk.runs(0, 12.0)
    desk.moving()
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(128, 0.5)
    assert "wrong_speed" in desk.noticed


@pytest.mark.parametrize("ramp", [10, 15, 30])
@pytest.mark.parametrize("every", [0.2, 0.5, 1.0])
def test_miles_are_found_on_a_belt_that_runs_through_its_first_target_on_the_way(
    ramp: int, every: float
) -> None:
    slow = BeltQuirks(acceleration=Acceleration(ramp), needs_target_to_move=True)
    telemetry = TelemetryQuirks(notify_every_s=every, fields=())
    miles = Quirks(belt=slow, telemetry=telemetry, control=ControlQuirks(targets_are_mph=True))
    text = 'name = "p"\nlevel = 1\nsteps = [{ walk = "forward", for = "60s", speed = 1.4 }]'
    bench = Bench(quirks=miles, program=program(text))
    bench.offer()
    bench.run(60)
    assert bench.faults() == ["wrong_speed"]
    assert len(bench.sent(0x02)) == 1


@pytest.mark.parametrize(("speeds", "met"), [((70, 80), True), ((70, 81), False), ((81, 70), False)])
def test_the_first_target_is_met_by_a_belt_that_stays_within_10_for_1_5_s(
    speeds: tuple[int, int], met: bool
) -> None:
    desk = first_target(60)
    desk.runs(speeds[0], 1.25)
    desk.runs(speeds[1], 1.0)
    assert desk.guard.target_met is met


@pytest.mark.parametrize(("after_rest", "met"), [(True, False), (False, True)])
def test_a_later_target_is_met_by_one_record(after_rest: bool, met: bool) -> None:
    target = Obeying(Speed(100), Speed(80), after_rest=after_rest, answered=0.0)
    assert target.judge(Speed(100), 2.0, blind=False) == ""
    assert target.met is met


@pytest.mark.parametrize("miss", [64, 96])
def test_a_record_away_from_it_begins_the_staying_anew(miss: int) -> None:
    desk = first_target(80)
    desk.runs(80, 1.5)
    desk.record(miss)
    desk.runs(80, 1.5)
    assert not desk.guard.target_met
    desk.runs(80, 0.25)
    assert desk.guard.target_met


def test_miles_are_found_though_the_cap_is_passed_at_that_very_record() -> None:
    desk = Desk().moving(authority(cap=Speed(100)))
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(128, 0.5)
    assert "wrong_speed" in desk.noticed


def test_miles_are_found_after_a_hand_and_a_go_on() -> None:
    desk = Desk().moving()
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(50, 0.25)
    assert desk.noticed[-1] == "hand"
    desk.guard.resume_from_hand()
    desk.runs(130, 0.5)
    assert "wrong_speed" in desk.noticed


def test_nor_is_anything_faster_sent_after_a_hand_and_a_go_on() -> None:
    desk = Desk().moving()
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(50, 0.25)
    assert desk.noticed[-1] == "hand"
    desk.runs(80, 1.0)
    desk.guard.resume_from_hand()
    assert desk.review(Target(Speed(90))) == "G9"


def test_the_first_target_sent_twice_is_the_first_until_it_is_met() -> None:
    desk = Desk().moving()
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(80, 0.5)
    assert desk.want(Target(Speed(80))) == ""
    assert desk.review(Target(Speed(90))) == "G9"
    desk.runs(80, 2.25)
    assert desk.review(Target(Speed(90))) == ""


def test_the_first_target_sent_twice_is_on_trial_until_it_is_met() -> None:
    desk = Desk().moving()
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(80, 0.5)
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(128, 2.5)
    assert "wrong_speed" in desk.noticed


def test_a_later_target_is_none_of_the_first_however_often_it_is_changed() -> None:
    desk = Desk().at(100)
    assert desk.want(Target(Speed(120))) == ""
    desk.runs(100, 0.5)
    assert desk.want(Target(Speed(110))) == ""
    desk.runs(100, 0.5)
    assert desk.review(Target(Speed(120))) == ""


def test_one_garbled_record_at_that_moment_puts_off_nothing() -> None:
    """From 215 km/h a belt would have 18 minutes to come down."""
    desk = Desk().starting()
    desk.runs(80, 0.25)
    desk.runs(21566, 0.25)
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(130, 1.0)
    assert "wrong_speed" in desk.noticed


def test_the_time_of_a_drop_is_that_of_0_2_per_second() -> None:
    desk = Desk().at(200)
    assert desk.want(Target(Speed(158))) == ""  # 3 s + 42 / 20, and 2 s above it
    desk.runs(200, 7.0)
    assert not desk.stopping()
    desk.runs(200, 0.25)
    assert desk.noticed[-1] == "too_fast"


def test_its_drop_is_that_from_where_the_belt_was_when_it_was_sent() -> None:
    desk = Desk().at(200)
    assert desk.want(Target(Speed(150))) == ""
    desk.slides(200, 152)
    assert desk.want(Target(Speed(120))) == ""  # 3 s + 32 / 20, and 2 s above it
    desk.runs(152, 6.5)
    assert not desk.stopping()
    desk.runs(152, 0.25)
    assert desk.noticed[-1] == "too_fast"


@pytest.mark.parametrize(("target", "seconds"), [(200, 2.25), (199, 5.25)])
def test_any_drop_has_its_3_s(target: int, seconds: float) -> None:
    desk = Desk().at(200)
    assert desk.want(Target(Speed(target))) == ""
    desk.runs(231, seconds - 0.25)
    assert not desk.stopping()
    desk.runs(231, 0.25)
    assert desk.noticed[-1] == "too_fast"
