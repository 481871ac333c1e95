"""G15: a hand on the console becomes the target; only lower targets until a person says go on."""

import pytest
from tests.core.bench import CLIENT, Bench, program
from tests.core.desk import Desk, authority

from blefit import uuids
from blefit.ftms.machine_status import MachineStatusOp
from blefit.units import Incline, Speed
from retrowalk.core.authority import State
from retrowalk.core.model import Act, Confirm, Target, TargetIncline
from retrowalk.sim.model.quirks import Acceleration, BeltQuirks, ControlQuirks, Quirks
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks


@pytest.mark.parametrize("speed", [131, 200])
@pytest.mark.parametrize(("seconds", "hand"), [(3.0, False), (3.25, True)])
def test_more_than_30_away_from_a_met_target_for_3_s_is_a_hand(
    speed: int, seconds: float, hand: bool
) -> None:
    desk = Desk().at(100)
    desk.runs(speed, seconds)
    assert (desk.guard.hand == speed) is hand
    assert ("hand" in desk.noticed) is hand
    assert desk.stops == 0


def test_before_the_first_target_there_is_no_hand() -> None:
    for desk in (Desk(), Desk().moving()):
        assert (desk.guard.hand, desk.guard.hand_is_newest) == (None, False)


def test_30_is_not_away() -> None:
    desk = Desk().at(100)
    desk.record(131)
    desk.runs(130, 30.0)
    assert desk.guard.hand is None


def test_away_has_to_last() -> None:
    desk = Desk().at(100)
    for _ in range(5):
        desk.runs(150, 2.5)
        desk.runs(100, 0.25)
    assert desk.guard.hand is None


def test_a_status_of_a_changed_target_alone_is_no_hand() -> None:
    desk = Desk().at(100)
    desk.status(MachineStatusOp.TARGET_SPEED_CHANGED, 300)
    desk.runs(100, 5.0)
    assert desk.guard.hand is None


@pytest.mark.parametrize(("speed", "hand"), [(80, False), (79, True)])
def test_falling_more_than_20_below_the_highest_is_a_hand_at_once(speed: int, hand: bool) -> None:
    desk = Desk().at(100)
    desk.record(speed)
    assert (desk.guard.hand is not None) is hand


def test_a_zero_that_slips_in_is_no_hand_and_no_speed_to_step_from() -> None:
    desk = Desk().at(120)
    desk.record(0)
    assert desk.guard.hand is None
    assert not desk.guard.may_change_speed(desk.now)
    desk.runs(120, 0.25)
    assert desk.guard.may_change_speed(desk.now)
    assert desk.noticed[-1] == "moving"


@pytest.mark.parametrize("answered", [True, False])
def test_it_is_so_before_the_target_is_met_and_even_answered(answered: bool) -> None:
    desk = Desk().at(100)
    if not answered:
        desk.results[Target] = None
    assert desk.want(Target(Speed(120))) == ""
    desk.runs(110, 0.5)
    assert desk.guard.hand is None
    desk.record(89)
    assert desk.guard.hand == 89


def test_falling_to_a_lower_target_is_obedience() -> None:
    desk = Desk().at(150)
    assert desk.want(Target(Speed(100))) == ""
    desk.slides(150, 100)
    desk.runs(100, 5.0)
    assert desk.guard.hand is None
    assert desk.guard.target_met


def test_settling_after_an_overshoot_is_none() -> None:
    desk = Desk().at(100)
    assert desk.want(Target(Speed(120))) == ""
    desk.runs(145, 0.5)
    desk.runs(120, 3.0)
    assert desk.guard.hand is None


def hand_at(speed: int) -> Desk:
    desk = Desk().at(100)
    desk.runs(speed, 3.5)
    assert desk.guard.hand == speed
    return desk


@pytest.mark.parametrize(("speed", "law"), [(130, ""), (140, ""), (141, "G15")])
def test_the_hands_speed_is_the_target_and_only_lower_ones_pass(speed: int, law: str) -> None:
    desk = hand_at(140)
    assert desk.guard.commanded == 140
    assert desk.review(Target(Speed(speed))) == law


def test_the_hand_may_go_on_changing_it() -> None:
    desk = hand_at(140)
    desk.runs(180, 1.0)
    assert desk.guard.hand == 180
    desk.runs(90, 1.0)
    assert desk.guard.hand == 90


def test_a_lower_target_of_a_step_holds_from_then_on() -> None:
    desk = hand_at(140)
    assert desk.want(Target(Speed(110))) == ""
    desk.slides(140, 110)
    desk.runs(110, 3.0)
    assert desk.guard.hand == 110
    assert desk.review(Target(Speed(120))) == "G15"


@pytest.mark.parametrize("result", [1, 4])
def test_the_answer_to_a_target_that_the_hand_overruled_does_not_bring_it_back(result: int) -> None:
    desk = Desk().at(100)
    desk.results[Target] = None
    desk.want(Target(Speed(120)))
    desk.record(75)
    assert desk.guard.hand == 75
    desk.answer(Target(Speed(120)), result)
    assert desk.guard.hand == 75
    assert desk.review(Target(Speed(80))) == "G15"


def test_a_person_says_go_on() -> None:
    desk = hand_at(140)
    desk.guard.resume_from_hand()
    assert desk.guard.hand is None
    assert desk.guard.commanded == 140
    assert desk.review(Target(Speed(160))) == ""


def test_go_on_after_a_lower_target_keeps_that() -> None:
    desk = hand_at(140)
    desk.want(Target(Speed(110)))
    desk.slides(140, 110)
    desk.guard.resume_from_hand()
    assert desk.guard.commanded == 110


def test_and_it_is_judged_as_a_target_that_is_not_met_yet() -> None:
    desk = hand_at(140)
    assert desk.want(Target(Speed(100))) == ""
    desk.guard.resume_from_hand()
    desk.runs(140, 6.75)
    assert not desk.stopping()
    desk.runs(140, 0.25)
    assert desk.noticed[-1] == "too_fast"


def test_a_lower_target_that_the_machine_refuses_does_not_end_the_hand() -> None:
    desk = hand_at(140)
    desk.results[Target] = 4
    assert desk.want(Target(Speed(110))) == ""
    desk.runs(140, 0.25)
    assert desk.guard.hand == 140
    assert desk.review(Target(Speed(150))) == "G15"


@pytest.mark.parametrize("newest", [True, False], ids=["the hand's", "one of ours below it"])
@pytest.mark.parametrize("go_on", [None, "before", "after"])
def test_after_a_refused_target_the_speed_of_before_is_in_force(newest: bool, go_on: str | None) -> None:
    desk = hand_at(140)
    if not newest:
        assert desk.want(Target(Speed(130))) == ""
        desk.runs(130, 5.0)
    before = desk.guard.commanded
    desk.results[Target] = None
    assert desk.want(Target(Speed(110))) == ""
    if go_on == "before":
        desk.guard.resume_from_hand()
    desk.answer(Target(Speed(110)), 4)
    if go_on == "after":
        desk.guard.resume_from_hand()
    assert desk.guard.hand == (before if go_on is None else None)
    assert (desk.guard.commanded, desk.guard.target_met) == (before, True)


def test_a_hand_that_came_meanwhile_outlasts_the_refusal() -> None:
    desk = Desk().moving()
    desk.results[Target] = None
    assert desk.want(Target(Speed(80))) == ""
    desk.record(55)
    assert desk.guard.hand == 55
    desk.answer(Target(Speed(80)), 4)
    assert (desk.guard.hand, desk.guard.commanded) == (55, 55)


def test_go_on_without_a_hand_changes_nothing() -> None:
    desk = Desk().at(100)
    desk.guard.resume_from_hand()
    assert desk.guard.commanded == 100
    Desk().guard.resume_from_hand()


def test_a_hand_above_the_cap_is_the_caps_business() -> None:
    desk = Desk().at(100)
    desk.runs(340, 3.5)
    assert desk.state() is State.RUNNING
    assert "cap_enforced" in desk.noticed
    assert desk.last == Target(Speed(100))


def test_a_hand_is_told_though_the_cap_is_passed_at_that_very_record() -> None:
    desk = Desk().at(100, authority(cap=Speed(120)))
    desk.runs(135, 2.75)
    desk.runs(145, 0.5)
    assert desk.noticed[-1] == "hand"


def test_a_hand_that_rises_above_the_cap_later_is_the_caps_business_too() -> None:
    desk = hand_at(140)
    desk.runs(340, 0.5)
    assert desk.noticed[-1] == "cap_enforced"
    assert desk.last == Target(Speed(300))


def test_a_hand_that_stops_the_belt_is_a_console_stop() -> None:
    desk = hand_at(140)
    desk.slides(140, 0)
    desk.runs(0, 1.0)
    assert "console_stop" in desk.noticed
    assert desk.guard.hand is None


def test_with_physics_the_hand_keeps_its_speed_until_ok() -> None:
    text = 'name = "p"\nlevel = 3\nsteps = [ { walk = "forward", for = "6min", speed = 2.0 } ]'
    bench = Bench(program=program(text), answers=frozenset({Act.START}))
    bench.offer()
    assert bench.run(120, until=lambda b: b.real_speed >= 200)
    bench.run(5)
    bench.treadmill.console.set_speed(1.2)
    assert bench.run(3, until=lambda b: b.snapshot.phase == "held")
    bench.run(60)
    assert bench.real_speed == 120
    bench.ask(Confirm(Act.OK))
    bench.run(60)
    assert bench.real_speed == 200
    assert bench.faults() == ["hand"]


@pytest.mark.parametrize(
    ("record", "target", "law"),
    [(91, 110, ""), (90, 110, "G15"), (90, 91, "G15"), (90, 90, ""), (82, 100, "G15")],
)
def test_while_the_belt_falls_no_target_is_above_its_speed(record: int, target: int, law: str) -> None:
    desk = Desk().at(100)
    desk.runs(record, 0.25)
    assert desk.guard.hand is None
    assert desk.review(Target(Speed(target))) == law


def test_after_2_s_without_falling_it_may_rise_again() -> None:
    desk = Desk().at(100)
    desk.runs(90, 2.0)
    assert desk.review(Target(Speed(110))) == "G15"
    desk.runs(90, 0.25)
    assert desk.review(Target(Speed(110))) == ""


def test_a_belt_that_fell_when_it_was_last_heard_of_falls() -> None:
    desk = Desk().at(100)
    desk.silence(1.0)
    desk.record(90)
    desk.silence(1.5)
    assert desk.review(Target(Speed(91))) == "G15"


def test_the_first_target_too_waits_for_a_belt_that_falls() -> None:
    desk = Desk().moving(speed=80)
    desk.runs(70, 0.25)
    assert desk.review(Target(Speed(80))) == "G15"


def test_a_slow_console_stop_that_no_status_tells_is_not_undone_by_a_raise() -> None:
    text = 'name = "p"\nlevel = 3\nsteps = [ { walk = "forward", for = "6min", speed = 1.5 } ]'
    slow = Quirks(belt=BeltQuirks(deceleration=Acceleration(10)))
    for tenths in range(0, 20, 2):
        bench = Bench(quirks=slow, program=program(text), answers=frozenset({Act.START}))
        bench.offer()
        assert bench.run(120, until=lambda b: b.real_speed >= 140)
        bench.run(tenths / 10)
        bench.treadmill.subscribe(CLIENT, uuids.FITNESS_MACHINE_STATUS, False)
        bench.treadmill.console.press("stop")
        known_by = bench.now + 1.3
        bench.run(20)
        assert bench.real_speed == 0
        assert [at for at in bench.sent(0x02) if at > known_by] == []
        assert "console_stop" in [e.fields["id"] for e in bench.events("note")]


def test_the_incline_rests_under_a_hand_though_a_lower_target_is_met() -> None:
    desk = Desk().at(200)
    desk.runs(150, 0.5)
    assert desk.want(Target(Speed(120))) == ""
    desk.runs(120, 6.0)
    assert desk.guard.target_met
    assert desk.guard.incline_step(Incline(5), desk.now) is None
    assert desk.review(TargetIncline(Incline(5))) == "G7"


def test_what_a_target_was_told_is_over_with_the_hand() -> None:
    desk = Desk().at(120)
    assert desk.want(Target(Speed(140))) == ""
    desk.runs(90, 0.25)
    assert desk.noticed[-1] == "hand"
    desk.runs(190, 3.0)
    assert not desk.stopping()
    assert desk.guard.hand == 190


def test_the_hand_is_followed_near_a_first_target_that_was_met() -> None:
    desk = Desk().walking()
    desk.runs(120, 3.5)
    assert desk.guard.hand == 120
    desk.runs(95, 1.0)
    assert desk.guard.hand == 95


@pytest.mark.parametrize(
    ("speed", "seconds", "hand"), [(109, 10.0, True), (109, 9.75, False), (110, 60.0, False)]
)
def test_a_belt_that_does_not_come_to_its_target_is_held_by_somebody(
    speed: int, seconds: float, hand: bool
) -> None:
    """At a fall of 0.2 km/h, in a rise that was not met, no law calls it one."""
    desk = Desk(minimum=Speed(80), increment=Speed(10)).at(120)
    assert desk.want(Target(Speed(140))) == ""
    desk.runs(speed, 0.25)
    desk.runs(speed, seconds)
    assert ("hand" in desk.noticed) is hand


@pytest.mark.parametrize(("rise", "hand"), [(6, False), (5, True)])
def test_a_belt_that_rises_slowly_is_held_by_nobody(rise: int, hand: bool) -> None:
    desk = Desk(minimum=Speed(100), increment=Speed(50)).walking(authority(step_up=Speed(50)))
    assert desk.want(Target(Speed(150))) == ""
    for speed in range(100, 151, rise):
        desk.runs(speed, 9.0)
    assert ("hand" in desk.noticed) is hand


def test_one_that_rose_and_stays_below_its_target_is_held_all_the_same() -> None:
    desk = Desk(minimum=Speed(100), increment=Speed(50)).walking(authority(step_up=Speed(50)))
    assert desk.want(Target(Speed(150))) == ""
    desk.runs(100, 0.25)
    desk.runs(106, 10.25)
    assert "hand" in desk.noticed


def test_a_second_hand_after_a_lower_target_is_told_again() -> None:
    desk = Desk().at(200)
    desk.runs(150, 0.5)
    assert desk.want(Target(Speed(120))) == ""
    desk.runs(120, 2.5)
    desk.runs(180, 3.5)
    assert desk.noticed.count("hand") == 2


@pytest.mark.parametrize("every", [0.25, 1.5])
@pytest.mark.parametrize(("turned_to", "resumed"), [(1.0, True), (0.0, False)])
def test_an_ok_is_followed_when_the_belt_has_ceased_to_fall(
    turned_to: float, resumed: bool, every: float
) -> None:
    """It may be a stop that the machine does not report: a target could end that."""
    text = 'name = "p"\nlevel = 3\nsteps = [ { walk = "forward", for = "6min", speed = 2.0 } ]'
    telemetry = TelemetryQuirks(notify_every_s=every)
    unreported = Quirks(control=ControlQuirks(console_unreported=True), telemetry=telemetry)
    bench = Bench(unreported, program=program(text), answers=frozenset({Act.START}))
    bench.offer()
    assert bench.run(120, until=lambda b: b.real_speed >= 200)
    bench.run(5)
    if turned_to:
        bench.treadmill.console.set_speed(turned_to)
    else:
        bench.treadmill.console.press("stop")
    assert bench.run(3, until=lambda b: b.snapshot.phase == "held")
    bench.ask(Confirm(Act.OK))
    told = len(bench.sent(0x02))
    bench.run(20, until=lambda b: bool(b.events("resumed")) or b.real_speed == 0)
    assert len(bench.sent(0x02)) == told
    assert bool(bench.events("resumed")) is resumed


@pytest.mark.parametrize("code", [1, 4])
def test_an_answer_that_comes_after_go_on_is_about_the_target_before_the_hand(code: int) -> None:
    desk = Desk().at(120)
    desk.results[Target] = None
    assert desk.want(Target(Speed(140))) == ""
    desk.runs(90, 2.5)
    desk.guard.resume_from_hand()
    desk.answer(Target(Speed(140)), code)
    assert (desk.guard.commanded, desk.guard.target_met) == (90, True)


def test_after_go_on_the_hands_speed_is_a_target_that_was_met() -> None:
    desk = Desk().at(200)
    desk.runs(150, 4.0)
    desk.guard.resume_from_hand()
    assert desk.guard.commanded == 150
    assert desk.guard.target_met
    assert desk.guard.may_change_speed(desk.now)


@pytest.mark.parametrize(("speed", "hand"), [(185, False), (184, True)])
def test_falling_into_the_margin_of_a_met_target_is_settling(speed: int, hand: bool) -> None:
    desk = Desk().at(200)
    desk.record(206)
    desk.record(speed)
    assert ("hand" in desk.noticed) is hand


@pytest.mark.parametrize(("speed", "hand"), [(130, False), (129, True)])
def test_the_highest_is_that_since_the_target_was_met(speed: int, hand: bool) -> None:
    desk = Desk().at(200)
    assert desk.want(Target(Speed(150))) == ""
    desk.runs(150, 6.0)
    desk.record(speed)
    assert ("hand" in desk.noticed) is hand


@pytest.mark.parametrize("result", [1, 3])
def test_nor_does_a_late_answer_to_it_bring_back_the_one_before(result: int) -> None:
    desk = Desk().at(120)
    desk.results[Target] = None
    assert desk.want(Target(Speed(140))) == ""
    desk.runs(90, 0.25)
    assert desk.noticed[-1] == "hand"
    desk.answer(Target(Speed(140)), result)
    desk.guard.resume_from_hand()
    assert desk.guard.commanded == 90


def test_what_the_belt_did_under_the_target_before_makes_it_fall_under_no_other() -> None:
    desk = Desk().at(100)
    desk.record(130)
    desk.runs(100, 2.25)
    assert desk.want(Target(Speed(120))) == ""
    desk.runs(100, 2.0)
    assert desk.guard.hand is None


@pytest.mark.parametrize(("speed", "hand"), [(60, False), (59, True)])
def test_so_it_is_with_a_first_target_that_the_belt_came_down_to(speed: int, hand: bool) -> None:
    desk = Desk().moving(speed=120)
    assert desk.want(Target(Speed(80))) == ""
    desk.slides(120, 80)
    desk.runs(80, 2.0)
    assert desk.guard.target_met
    desk.record(speed)
    assert ("hand" in desk.noticed) is hand
