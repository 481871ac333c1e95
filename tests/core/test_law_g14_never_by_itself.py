"""G14: nothing starts, resumes or retakes control by itself: not after a reconnect, restart or key."""

import pytest
from tests.core.bench import Bench, program
from tests.core.desk import Desk, authority

from blefit.ftms.machine_status import MachineStatusOp
from blefit.units import Incline, Speed
from retrowalk.core.authority import State
from retrowalk.core.guard import MAY_START_HIGH
from retrowalk.core.model import (
    Act,
    Direction,
    Phase,
    RequestControl,
    Start,
    Stop,
    StopSession,
    Target,
    TargetIncline,
)
from retrowalk.sim.model.quirks import LinkQuirks, Quirks, TelemetryQuirks

BACK = authority(direction=Direction.BACKWARD, ceiling=Speed(500))


def test_after_a_reconnect_the_first_write_is_stop_as_soon_as_motion_is_seen() -> None:
    desk = Desk().at(120)
    before = len(desk.writes)
    desk.lose_link()
    assert desk.noticed[-1] == "link_lost"
    assert desk.guard.faulted
    desk.connect()
    assert len(desk.writes) == before
    desk.record(31)
    assert [c for _, c in desk.writes[before:]] == [Stop()]


def test_a_zero_before_the_link_was_lost_is_no_rest() -> None:
    desk = Desk().at(120)
    desk.record(0)
    desk.lose_link()
    assert desk.noticed[-1] == "link_lost"
    desk.connect()
    desk.record(31)
    assert desk.last == Stop()


def test_a_link_that_does_not_come_back_is_one_alarm() -> None:
    desk = Desk().at(120)
    desk.lose_link()
    desk.silence(60.0)
    assert desk.noticed.count("link_lost") == 1


def test_up_to_30_nothing_is_written_before_2_s() -> None:
    desk = Desk().at(120)
    desk.lose_link()
    desk.connect()
    desk.runs(30, 1.75)
    assert desk.stops == 0
    desk.runs(30, 0.25)
    assert desk.last == Stop()


def test_in_silence_stop_is_written_2_s_after_the_reconnect() -> None:
    desk = Desk().at(120)
    desk.lose_link()
    desk.connect()
    desk.silence(1.75)
    assert desk.stops == 0
    desk.silence(0.25)
    assert desk.stops == 1


def test_two_records_at_rest_withhold_it() -> None:
    desk = Desk().at(120)
    desk.lose_link()
    desk.connect()
    desk.runs(0, 10.0)
    assert desk.stops == 0
    assert not desk.guard.left_running
    assert desk.noticed[-1] == "rest"


def test_one_record_at_rest_does_not() -> None:
    desk = Desk().at(120)
    desk.lose_link()
    desk.connect()
    desk.record(0)
    desk.silence(2.0)
    assert desk.stops == 1


@pytest.mark.parametrize(("rests", "stops"), [(True, 0), (False, 1)])
@pytest.mark.parametrize(("silent", "alarm"), [(False, "stop_ignored"), (True, "rest_unknown")])
def test_so_it_is_after_a_stop_that_was_given_up(silent: bool, alarm: str, rests: bool, stops: int) -> None:
    """Neither its alarm nor its six frames count on the next link."""
    desk = Desk(silent_at_rest=silent).at(120)
    desk.stop()
    desk.slides(120, 60)
    desk.silence(60.0)
    assert (desk.stops, desk.noticed[-1]) == (6, alarm)
    desk.lose_link()
    desk.connect()
    if rests:
        desk.runs(0, 2.0)
    else:
        desk.silence(1.75)
        assert desk.stops == 6
        desk.silence(0.25)
    assert desk.stops == 6 + stops


@pytest.mark.parametrize("when", ["while the link is down", "after it is back"])
def test_a_persons_word_does_not_withhold_it(when: str) -> None:
    desk = Desk().at(120)
    desk.lose_link()
    desk.silence(5.0)
    if when == "while the link is down":
        assert desk.guard.said_still(desk.now) == ""
        desk.connect()
    else:
        desk.connect()
        assert desk.guard.said_still(desk.now) == ""
    desk.silence(2.0)
    assert desk.stops == 1


def test_a_link_that_is_lost_while_a_fault_is_in_force_is_an_alarm_as_well() -> None:
    desk = Desk().at(120)
    desk.status(MachineStatusOp.CONTROL_PERMISSION_LOST)
    desk.lose_link()
    assert desk.noticed[-2:] == ["control_lost", "link_lost"]


def test_a_persons_word_and_a_cleared_fault_do_not_withhold_it_either() -> None:
    desk = Desk().at(120)
    desk.lose_link()
    desk.connect()
    assert desk.guard.said_still(desk.now) == ""
    assert desk.guard.clear(desk.now) == ""
    desk.silence(2.0)
    assert desk.stops == 1


def left_by_a_dead_process(**facts: object) -> Desk:
    desk = Desk(connect=False, **facts)
    desk.guard.inherit()
    desk.connect()
    return desk


def test_what_a_dead_process_may_have_started_is_waited_for_on_each_link_anew() -> None:
    desk = left_by_a_dead_process()
    desk.lose_link()
    desk.connect()
    desk.runs(0, 9.5)
    assert desk.guard.left_running
    desk.runs(80, 0.5)
    assert desk.last == Stop()


@pytest.mark.parametrize(("seconds", "alarm"), [(10.0, False), (10.25, True), (60.0, True)])
def test_one_that_cannot_be_reached_within_10_s_is_the_alarm_once(seconds: float, alarm: bool) -> None:
    desk = Desk(connect=False)
    desk.silence(seconds)
    assert desk.noticed == [], "nobody left anything"
    desk.guard.inherit()
    desk.silence(seconds)
    assert desk.noticed == (["link_lost"] if alarm else [])


def test_one_that_was_reached_and_lost_is_no_second_alarm() -> None:
    desk = Desk(connect=False)
    desk.guard.inherit()
    desk.silence(5.0)
    desk.connect()
    desk.lose_link()
    desk.silence(20.0)
    assert desk.noticed == ["link_lost"]


def test_a_stop_that_is_asked_for_before_that_cannot_reach_it_either() -> None:
    desk = Desk(connect=False)
    desk.stop()
    assert desk.noticed == [], "nobody left anything"
    desk.guard.inherit()
    desk.stop()
    assert desk.noticed == ["link_lost"]


@pytest.mark.parametrize(("later", "alarm"), [(8.0, True), (11.0, False)])
def test_a_link_that_is_lost_before_an_overtaken_start_has_run_out_is_the_alarm(
    later: float, alarm: bool
) -> None:
    """A machine that takes no Stop in its countdown: the belt rests, and may start when nobody hears it."""
    desk = Desk().starting()
    desk.stop()
    desk.runs(0, later)
    assert not desk.stopping()
    desk.lose_link()
    assert ("link_lost" in desk.noticed) is alarm
    assert desk.guard.left_running is alarm


def test_a_belt_of_ours_that_rests_when_the_link_is_back_is_known_to_rest_at_once() -> None:
    desk = Desk().walking()
    desk.lose_link()
    desk.connect()
    desk.runs(0, 0.5)
    assert desk.guard.left_running
    desk.runs(0, 0.25)
    assert not desk.guard.left_running, "no Start can be on its way: it was one of this process, and ran"
    assert desk.stops == 0


def test_a_belt_that_a_dead_process_left_running_is_stopped() -> None:
    desk = left_by_a_dead_process()
    desk.record(120)
    assert desk.last == Stop()
    assert desk.arm() == "a stop is not over"


@pytest.mark.parametrize("said", [False, True])
@pytest.mark.parametrize("rested_s", [1.0, 5.0, 9.5])
def test_a_start_that_a_dead_process_wrote_last_is_stopped_when_it_takes_effect(
    rested_s: float, said: bool
) -> None:
    desk = left_by_a_dead_process()
    if said:
        assert desk.guard.said_still(desk.now) == ""
    desk.runs(0, rested_s)
    assert desk.stops == 0
    assert desk.arm() == "a stop is not over"
    desk.record(40)
    assert desk.last == Stop()


def test_what_a_dead_process_left_is_over_with_known_rest() -> None:
    desk = left_by_a_dead_process()
    desk.runs(0, 11.0)
    desk.noticed.clear()
    desk.lose_link()
    desk.silence(60.0)
    desk.connect()
    desk.runs(0, 1.0)
    assert desk.noticed == []
    assert desk.arm() == ""


@pytest.mark.parametrize(("start_delay_s", "outstanding_s"), [(3.0, 10.0), (8.0, 12.0)])
def test_rest_after_a_dead_process_is_known_when_no_start_can_be_outstanding(
    start_delay_s: float, outstanding_s: float
) -> None:
    desk = left_by_a_dead_process(start_delay_s=start_delay_s)
    desk.runs(0, outstanding_s - 0.5)
    assert desk.guard.left_running
    desk.runs(0, 1.0)
    assert not desk.guard.left_running
    assert desk.stops == 0


def test_an_old_rest_is_no_reason_to_withhold_the_stop() -> None:
    desk = left_by_a_dead_process()
    desk.runs(0, 1.0)
    desk.silence(4.0)
    assert desk.last == Stop()


def test_but_it_is_on_a_machine_that_falls_silent_at_rest() -> None:
    desk = left_by_a_dead_process(silent_at_rest=True)
    desk.runs(0, 1.0)
    desk.silence(12.0)
    assert desk.stops == 0
    assert not desk.guard.left_running


def test_on_the_next_link_after_it_rested_nothing_is_outstanding() -> None:
    desk = left_by_a_dead_process()
    desk.runs(0, 11.0)
    desk.lose_link()
    desk.connect()
    assert not desk.guard.left_running
    assert desk.arm().startswith("the belt is not known to rest: nothing is heard of it")


def test_one_that_is_lost_again_before_the_stop_is_an_alarm() -> None:
    desk = left_by_a_dead_process()
    desk.silence(1.0)
    desk.lose_link()
    assert desk.noticed == ["link_lost"]
    assert desk.guard.faulted


@pytest.mark.parametrize("way", ["starting", "moving", "walking"])
def test_nothing_of_a_session_is_taken_up_again_on_a_new_link(way: str) -> None:
    desk = getattr(Desk(), way)()
    desk.lose_link()
    desk.connect()
    before = len(desk.sent(Start)) + len(desk.sent(Target))
    desk.runs(80, 1.0)
    desk.slides(80, 0)
    desk.runs(0, 120.0)
    assert len(desk.sent(Start)) + len(desk.sent(Target)) == before
    assert desk.guard.cap(desk.now) is None
    assert desk.review(Start()) == "G1"


def test_a_lost_link_at_rest_ends_an_arming_without_an_alarm() -> None:
    desk = Desk().counted()
    desk.lose_link()
    assert desk.state() is State.DISARMED
    assert not desk.guard.faulted
    assert not desk.guard.left_running


def test_a_start_needs_the_moving_marker_and_so_does_every_frame_but_stop() -> None:
    desk = Desk().counted()
    desk.guard.marked = False
    assert desk.review(Start()) == "G14"
    desk.guard.control = False
    assert desk.review(RequestControl()) == "G14"
    desk = Desk().walking()
    desk.guard.marked = False
    assert desk.review(Target(Speed(90))) == "G14"
    assert desk.review(TargetIncline(Incline(5))) == "G14"
    assert desk.guard.demand(desk.now, may_ask=True) is None


@pytest.mark.parametrize(("silent", "age", "law"), [(False, 1.9, ""), (False, 2.0, "G14"), (True, 4.9, "")])
def test_a_start_goes_to_a_belt_that_told_of_rest_within_2_s_only(silent: bool, age: float, law: str) -> None:
    desk = Desk(silent_at_rest=silent).counted()
    desk.now += age
    assert desk.review(Start()) == law


def test_records_that_were_held_back_and_come_at_once_are_no_rest_to_start_from_whatever_is_said() -> None:
    """What they say is as old as the oldest: the belt may run by now."""
    desk = Desk().counted()
    desk.silence(4.0)
    for _ in range(3):
        desk.record(0)
        assert desk.guard.said_still(desk.now) == ""
        assert desk.review(Start()) == "G14"
    desk.runs(0, 0.5)
    assert desk.review(Start()) == ""


def test_one_record_of_motion_is_enough_to_withhold_the_start() -> None:
    desk = Desk().counted()
    desk.record(11)
    assert desk.review(Start()) == "G14"


@pytest.mark.parametrize(("silent", "armed"), [(True, True), (False, False)])
def test_a_persons_word_is_enough_on_machines_that_are_silent_at_rest_only(silent: bool, armed: bool) -> None:
    desk = Desk(silent_at_rest=silent)
    desk.silence(5.0)
    assert desk.guard.said_still(desk.now) == ""
    assert (desk.arm() == "") is armed


@pytest.mark.parametrize(("speed", "why"), [(10, ""), (11, "the belt is not known to rest")])
def test_a_persons_word_lasts_until_a_record_says_otherwise(speed: int, why: str) -> None:
    desk = Desk(silent_at_rest=True)
    desk.guard.said_still(desk.now)
    desk.record(speed)
    assert desk.arm() == why


def test_each_motion_needs_its_own_arming() -> None:
    desk = Desk().walking()
    desk.stop()
    desk.slides(80, 0)
    desk.runs(0, 30.0)
    desk.guard.countdown(desk.now)
    desk.runs(0, 5.0)
    desk.guard.intend_start(desk.now)
    assert desk.review(Start()) == "G1"


# --- the console's Start key ----------------------------------------------------------------------


def by_console(**facts: object) -> Desk:
    desk = Desk(**facts).rest()
    desk.runs(80, 0.5)
    return desk


def test_a_session_may_take_over_a_belt_that_the_console_started() -> None:
    desk = by_console()
    assert desk.guard.take_over(authority(), desk.now) == ""
    assert desk.state() is State.RUNNING
    assert desk.review(Start()) == "G1"
    assert desk.want(RequestControl()) == ""
    assert desk.review(Target(Speed(90))) == "G7"
    desk.runs(80, 0.5)
    assert desk.want(Target(Speed(80))) == ""


def test_it_knows_what_an_arming_knows_and_asks_for_control_anew() -> None:
    desk = Desk().walking()
    desk.guard.limit(Speed(100), desk.now)
    assert desk.want(TargetIncline(Incline(5))) == ""
    desk.stop()
    desk.slides(80, 0)
    desk.runs(0, 12.0)
    desk.runs(80, 0.5)
    assert desk.guard.control
    assert desk.guard.take_over(authority(session_id="s2"), desk.now) == ""
    assert (desk.guard.control, desk.guard.cap(desk.now), desk.guard.incline) == (False, 100, 5)
    desk.want(RequestControl())
    desk.runs(80, 0.5)
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(128, 0.5)
    assert "wrong_speed" in desk.noticed, "its first target is on trial"


def test_not_for_a_backward_part_nor_where_no_key_may_start_it() -> None:
    desk = by_console()
    assert desk.guard.take_over(BACK, desk.now) == "the console may not start this part"
    desk.guard.forbid_motion = True
    assert desk.guard.take_over(authority(), desk.now) == "the console may not start this part"


def test_nor_what_may_not_be_armed() -> None:
    desk = by_console()
    assert "above the ceiling" in desk.guard.take_over(authority(ceiling=Speed(601)), desk.now)
    desk = by_console(quarantined="it ran faster than told")
    assert desk.guard.take_over(authority(), desk.now) == "it ran faster than told"


def test_not_without_measured_motion() -> None:
    assert Desk().rest().guard.take_over(authority(), 101.0) == "no motion is measured"
    desk = by_console()
    desk.now += 2.0
    assert desk.guard.take_over(authority(), desk.now) == "no motion is measured"


# --- machines that remember their speed -----------------------------------------------------------


@pytest.mark.parametrize("how", ["target", "hand"])
def test_a_machine_seen_to_start_high_makes_no_backward_start_after_a_high_speed(how: str) -> None:
    desk = Desk().moving(speed=111)
    desk.want(Target(Speed(80)))
    desk.slides(111, 80)
    desk.runs(80, 2.0)
    if how == "target":
        desk.want(Target(Speed(100)))
        desk.runs(100, 2.0)
    else:
        desk.runs(120, 3.5)
        assert desk.guard.hand == 120
    desk.stop()
    desk.slides(100, 0)
    desk.runs(0, 11.0)
    assert desk.arm(BACK) == MAY_START_HIGH


@pytest.mark.parametrize(("start", "refused"), [(110, False), (111, True)])
def test_high_is_more_than_30_above_the_minimum(start: int, refused: bool) -> None:
    desk = Desk().moving(speed=start)
    desk.want(Target(Speed(80)))
    desk.slides(start, 80)
    desk.runs(80, 2.0)
    desk.want(Target(Speed(100)))
    desk.runs(100, 2.0)
    desk.stop()
    desk.slides(100, 0)
    desk.runs(0, 11.0)
    assert (desk.arm(BACK) != "") is refused


def test_what_it_was_told_before_this_process_is_not_known() -> None:
    """And what a person sets meanwhile at the console is no word of it, however slow."""
    desk = Desk(starts_above_minimum=True).rest()
    assert desk.arm(BACK) == MAY_START_HIGH
    desk.runs(80, 5.0)
    desk.slides(80, 0)
    desk.runs(0, 11.0)
    assert desk.arm(BACK) == MAY_START_HIGH
    assert desk.arm() == "", "the forward part that ends at its slowest"
    desk.guard.disarm(desk.now)
    assert Desk().rest().arm(BACK) == "", "no other machine is asked for it"


def test_after_a_planned_halt_at_the_minimum_it_may_until_the_link_is_lost() -> None:
    desk = Desk(starts_above_minimum=True).walking()
    desk.stop()
    desk.slides(80, 0)
    desk.runs(0, 11.0)
    assert desk.arm(BACK) == ""
    desk.lose_link()
    desk.silence(60.0)
    desk.connect()
    desk.rest()
    assert desk.arm(BACK) == MAY_START_HIGH, "who walked on it meanwhile, and how fast, is not known"


@pytest.mark.parametrize(("speed", "refused"), [(110, False), (111, True)])
def test_a_hand_that_was_not_known_as_one_yet_counts_too(speed: int, refused: bool) -> None:
    desk = Desk(starts_above_minimum=True).walking()
    desk.runs(speed, 1.0)
    desk.status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER, 1)
    desk.slides(speed, 0)
    desk.runs(0, 11.0)
    assert (desk.arm(BACK) == MAY_START_HIGH) is refused


def test_a_first_target_that_is_sent_before_any_record_counts_as_well() -> None:
    desk = Desk(starts_above_minimum=True, needs_target_to_move=True, silent_at_rest=True)
    assert desk.guard.said_still(desk.now) == ""
    assert desk.arm() == ""
    desk.want(RequestControl())
    desk.guard.countdown(desk.now)
    desk.silence(5.0)
    desk.guard.intend_start(desk.now)
    desk.want(Start())
    desk.silence(1.0)
    assert desk.want(Target(Speed(80))) == ""
    desk.stop()
    desk.runs(0, 11.0)
    assert desk.arm(BACK) == ""


@pytest.mark.parametrize("speeds", [(80, 120), (80, 81), (120, 80)])
def test_it_is_the_speed_of_the_last_motion_that_counts(speeds: tuple[int, int]) -> None:
    desk = Desk(starts_above_minimum=True)
    for speed in speeds:
        desk.at(speed)
        desk.stop()
        desk.slides(speed, 0)
        desk.runs(0, 11.0)
    assert (desk.arm(BACK) == "") is (speeds[-1] == desk.machine.minimum)


# --- with physics ---------------------------------------------------------------------------------


def test_a_dropped_link_with_physics_ends_in_a_stopped_belt_and_no_second_start() -> None:
    text = 'name = "p"\nlevel = 1\nsteps = [ { walk = "forward", for = "3min", speed = 1.5 } ]'
    bench = Bench(quirks=Quirks(link=LinkQuirks(drops_after_s=60)), program=program(text))
    bench.offer()
    assert bench.run(120, until=lambda b: not b.linked)
    bench.run(1.0)
    before = len(bench.frames)
    bench.connect()
    bench.run(60)
    assert bench.frames[before][1] == bytes([8, 1])
    assert bench.real_speed == 0
    assert len(bench.sent(7)) == 1


def test_nothing_begins_once_the_daemon_ends() -> None:
    bench = Bench()
    replies = bench.ask(StopSession(last=True)) + bench.offer()
    outcomes = [(reply.command, reply.outcome) for reply in replies]
    assert outcomes == [("stop", "accepted"), ("stop", "done"), ("start", "refused")]
    bench.run(5)
    assert bench.frames == [], "the belt was never ours"


def test_an_offer_is_over_when_the_daemon_ends_and_its_belt_is_left_alone() -> None:
    """Of a machine that says nothing at rest nobody could tell that a Stop had its effect."""
    text = 'name = "p"\nlevel = 1\nsteps = [ { walk = "forward", for = "1min", speed = 1.0 } ]'
    silent = Quirks(telemetry=TelemetryQuirks(silent_at=Speed(0)))
    bench = Bench(silent, program=program(text), answers=frozenset())
    bench.run(5)
    bench.offer()
    assert bench.snapshot.phase is Phase.OFFERED
    assert bench.snapshot.awaiting is Act.STILL
    bench.ask(StopSession(last=True))
    bench.run(30)
    assert bench.frames == []
    assert bench.faults() == []


def test_nor_is_a_belt_armed_that_a_dead_process_may_have_left_running() -> None:
    desk = Desk(silent_at_rest=True, connect=False)
    desk.guard.left_running = True
    desk.connect()
    assert desk.guard.said_still(desk.now) == ""
    assert desk.arm() == "a stop is not over"


def test_of_all_reasons_against_a_take_over_the_first_is_told() -> None:
    desk = Desk(connect=False)
    assert desk.guard.take_over(BACK, desk.now) == "the treadmill is not connected"
    desk.connect()
    assert desk.guard.take_over(BACK, desk.now) == "the console may not start this part"


def test_a_persons_word_is_used_up_by_a_start_and_ends_with_the_link() -> None:
    desk = Desk(silent_at_rest=True)
    assert desk.guard.said_still(desk.now) == ""
    assert desk.guard.resting(desk.now)
    desk.lose_link()
    assert not desk.guard.resting(desk.now)
    assert desk.guard.said_still(desk.now) == ""
    desk.connect()
    assert not desk.guard.resting(desk.now)
    assert desk.guard.said_still(desk.now) == ""
    assert desk.arm() == ""
    assert desk.want(RequestControl()) == ""
    desk.guard.countdown(desk.now)
    desk.silence(5.0)
    desk.guard.intend_start(desk.now)
    assert desk.want(Start()) == ""
    assert not desk.guard.resting(desk.now)
    assert desk.guard.said_still(desk.now) == "it was told to move"


@pytest.mark.parametrize("records", [(), (80,)], ids=["silent", "one record of motion"])
def test_a_start_that_two_lost_links_follow_is_still_taken_back(records: tuple[int, ...]) -> None:
    desk = Desk().starting()
    for speed in records:
        desk.record(speed)
    desk.lose_link()
    desk.lose_link()
    desk.connect()
    assert desk.last == Stop()


@pytest.mark.parametrize(("seconds", "alarm"), [(59.25, True), (59.75, False)])
def test_motion_up_to_60_s_after_the_link_is_back_is_that_of_the_start(seconds: float, alarm: bool) -> None:
    desk = Desk().starting()
    desk.lose_link()
    desk.connect()
    desk.runs(0, seconds)
    assert not desk.stopping()
    assert desk.guard.clear(desk.now) == ""
    desk.runs(80, 0.5)
    assert ("unexpected_motion" in desk.noticed) is alarm


def test_a_stop_that_was_through_is_not_written_to_a_belt_that_is_found_at_rest() -> None:
    desk = Desk().walking()
    desk.stop()
    stops = desk.stops
    desk.lose_link()
    desk.connect()
    desk.runs(0, 1.0)
    assert desk.stops == stops
    assert not desk.stopping()


def test_what_was_seen_of_a_start_is_not_forgotten_with_the_next_one() -> None:
    desk = Desk().moving(speed=150)
    desk.guard.disarm(desk.now)
    desk.slides(150, 0)
    desk.runs(0, 12.0)
    desk.at(120)
    desk.guard.disarm(desk.now)
    desk.slides(120, 0)
    desk.runs(0, 12.0)
    assert desk.arm(BACK) == MAY_START_HIGH


def test_nor_with_the_link() -> None:
    desk = Desk().moving(speed=150)
    desk.lose_link()
    desk.connect()
    desk.slides(150, 0)
    desk.runs(0, 12.0)
    assert desk.guard.clear(desk.now) == ""
    assert desk.arm(BACK) == MAY_START_HIGH


def backward_after(desk: Desk) -> str:
    """Why no backward part may be armed after a Stop at the present speed."""
    speed = desk.guard.motion.speed
    assert speed is not None
    desk.stop()
    desk.slides(speed, 0)
    desk.runs(0, 12.0)
    return desk.arm(BACK)


def test_the_last_speed_is_the_one_it_was_told_though_it_was_not_reached() -> None:
    desk = Desk(starts_above_minimum=True).walking()
    assert desk.want(Target(Speed(100))) == ""
    assert backward_after(desk) == MAY_START_HIGH


def test_only_the_start_itself_tells_that_a_machine_starts_high() -> None:
    assert backward_after(Desk().at(150)) == ""
    desk = Desk().at(120)
    desk.results[Target] = None
    assert desk.want(Target(Speed(140))) == ""
    desk.runs(120, 0.25)
    assert backward_after(desk) == ""
    desk = Desk().moving()
    assert desk.want(Target(Speed(80))) == ""
    desk.record(120)
    desk.runs(80, 2.25)
    assert desk.want(Target(Speed(100))) == ""
    desk.runs(100, 2.25)
    assert backward_after(desk) == ""


def test_nor_does_a_hand() -> None:
    desk = Desk().at(100)
    desk.runs(150, 4.0)
    assert desk.guard.hand == 150
    assert backward_after(desk) == ""


def test_it_is_told_until_the_first_target_is_answered() -> None:
    desk = Desk().moving()
    desk.results[Target] = None
    assert desk.want(Target(Speed(80))) == ""
    desk.runs(150, 0.25)
    desk.runs(80, 6.0)
    desk.results[Target] = 1
    assert desk.want(Target(Speed(100))) == ""
    desk.runs(100, 2.25)
    assert backward_after(desk) == MAY_START_HIGH


@pytest.mark.parametrize(
    ("delay", "since", "law"),
    [(3, 0.0, "G14"), (3, 9.75, "G14"), (3, 10.0, ""), (8, 11.75, "G14"), (8, 12.0, "")],
)
def test_no_start_follows_a_press_of_the_consoles_start_key(delay: float, since: float, law: str) -> None:
    desk = Desk(start_delay_s=delay).rest()
    assert desk.arm() == ""
    assert desk.want(RequestControl()) == ""
    desk.guard.countdown(desk.now)
    desk.runs(0, 12.0 - since)
    desk.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    desk.runs(0, since)
    desk.guard.intend_start(desk.now)
    assert desk.review(Start()) == law
    assert desk.guard.may_start(desk.now) is (law == "")


def test_nor_one_from_before_the_act() -> None:
    desk = Desk().rest()
    desk.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    desk.counted()
    assert desk.review(Start()) == "G14"


def overtaken() -> Desk:
    """A Stop overtook a Start of ours just now."""
    desk = Desk().starting()
    desk.stop()
    return desk


@pytest.mark.parametrize(("seconds", "late"), [(59.75, True), (60.0, False)])
def test_motion_in_the_60_s_after_a_start_that_a_stop_overtook_is_that_starts(
    seconds: float, late: bool
) -> None:
    desk = overtaken()
    desk.runs(0, seconds - 0.5)
    desk.runs(80, 0.5)
    desk.stop()
    assert desk.guard.starts_late(desk.now) is late


def test_it_has_to_move_the_belt() -> None:
    desk = overtaken()
    assert desk.stopping()
    assert not desk.guard.starts_late(desk.now)


def test_what_a_new_start_moves_is_not_that_of_the_one_before() -> None:
    desk = overtaken()
    desk.runs(0, 12.0)
    desk.moving()
    assert not desk.guard.starts_late(desk.now)


def test_those_60_s_outlast_the_start_that_follows() -> None:
    desk = overtaken()
    desk.runs(0, 12.0)
    desk.walking()
    desk.status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER)
    desk.runs(0, 12.0)
    desk.runs(80, 0.5)
    assert desk.noticed[-1] == "unexpected_motion"


def test_a_new_link_without_a_word_of_the_end_of_the_old_one_is_a_lost_link() -> None:
    desk = Desk().at(100)
    desk.connect()
    assert desk.noticed[-1] == "link_lost"
    assert desk.guard.left_running


@pytest.mark.parametrize("how", ["left running", "nobody's"])
def test_motion_that_is_stopped_is_a_speed_that_a_machine_may_start_at(how: str) -> None:
    desk = Desk(starts_above_minimum=True, connect=how == "nobody's")
    if how == "left running":
        desk.guard.inherit()
        desk.connect()
    else:
        desk.guard.forbid_motion = True
    desk.runs(150, 1.0)
    desk.slides(150, 0)
    desk.runs(0, 12.0)
    desk.guard.faulted = desk.guard.forbid_motion = False
    assert desk.arm(authority(direction=Direction.BACKWARD)).startswith("this machine may start at its last")
    assert desk.arm(authority()) == ""
