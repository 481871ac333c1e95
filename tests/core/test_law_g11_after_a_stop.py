"""G11: after a Stop the belt falls in 3 s and rests in v/decel + 5 s, else PULL THE CORD."""

import pytest
from tests.core.bench import Bench, program
from tests.core.desk import Desk

from blefit.ftms.control_point import OpCode, Response, ResultCode
from blefit.ftms.machine_status import MachineStatusOp
from blefit.units import Speed
from retrowalk.core.asking import AGAIN_S
from retrowalk.core.authority import State
from retrowalk.core.exchange import Outcome, Result
from retrowalk.core.model import Act, Command, Confirm, RequestControl, Start, Stop, Target
from retrowalk.core.motion import Motion
from retrowalk.core.stopping import Stopping
from retrowalk.sim.model.quirks import BeltQuirks, Quirks, Ranges
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks

TEXT = 'name = "p"\nlevel = 1\nsteps = [ { walk = "forward", for = "3min", speed = 1.5 } ]'


# --- judged ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "alarm"), [(2.75, False), (3.0, True)])
def test_not_falling_within_3_s_is_the_alarm(seconds: float, alarm: bool) -> None:
    desk = Desk().at(120)
    desk.stop()
    desk.runs(120, seconds)
    assert ("stop_ignored" in desk.noticed) is alarm
    assert desk.guard.faulted is alarm


@pytest.mark.parametrize(("rises_to", "alarm"), [(20, False), (30, False), (31, True), (80, True)])
def test_nor_has_a_belt_fallen_that_the_overtaken_start_takes_up_though_it_hardly_moved(
    rises_to: int, alarm: bool
) -> None:
    desk = Desk().starting()
    desk.stop()
    desk.record(20)
    desk.runs(rises_to, 2.75)
    assert "stop_ignored" not in desk.noticed
    desk.runs(rises_to, 0.25)
    assert ("stop_ignored" in desk.noticed) is alarm
    desk.runs(rises_to, 2.0)
    assert "stop_ignored" in desk.noticed, "slow or not, in five seconds it rests"


def test_one_garbled_record_of_a_belt_at_rest_is_none_that_was_taken_up() -> None:
    desk = Desk().starting()
    desk.results[Stop] = None
    desk.stop()
    desk.runs(0, 2.75)
    desk.record(500)
    desk.runs(0, 2.0)
    assert desk.noticed == ["rest"]


def test_nor_has_one_that_was_told_more_though_it_is_slow_yet() -> None:
    desk = Desk().moving(speed=31)
    assert desk.want(Target(Speed(80))) == ""
    desk.record(28)
    desk.stop()
    desk.runs(28, 3.0)
    assert desk.noticed[-1] == "stop_ignored"


def test_who_asks_for_a_stop_again_and_again_does_not_put_the_alarm_off() -> None:
    desk = Desk().at(120)
    for _ in range(6):
        desk.stop()
        desk.runs(120, 0.5)
    assert "stop_ignored" in desk.noticed


def test_who_asks_for_a_stop_again_does_not_bring_the_alarm_forward() -> None:
    """The belt obeys, as slowly as it may: the time it has is that of the speed at the first request."""
    desk = Desk().at(300)
    desk.stop()
    desk.slides(300, 60, rate=30)
    desk.stop()
    desk.slides(60, 0, rate=30)
    desk.runs(0, 1.0)
    assert "stop_ignored" not in desk.noticed
    assert not desk.stopping()


@pytest.mark.parametrize(("lowest", "alarm"), [(111, True), (110, False)])
def test_falling_is_10_below_the_highest_of_2_s(lowest: int, alarm: bool) -> None:
    desk = Desk().at(120)
    desk.stop()
    desk.runs(120, 1.0)
    desk.runs(lowest, 2.0)
    assert ("stop_ignored" in desk.noticed) is alarm


def test_a_fall_before_the_stop_is_none_after_it() -> None:
    desk = Desk().at(120)
    assert desk.want(Target(Speed(90))) == ""
    desk.slides(120, 90)
    desk.stop()
    desk.runs(90, 3.0)
    assert "stop_ignored" in desk.noticed


def test_a_belt_that_comes_up_again_has_not_fallen() -> None:
    desk = Desk().at(120)
    desk.stop()
    desk.runs(100, 1.0)
    desk.runs(120, 2.0)
    assert "stop_ignored" in desk.noticed


@pytest.mark.parametrize("late", [0, 60])
def test_one_late_record_below_the_speed_at_the_stop_has_fallen(late: int) -> None:
    desk = Desk().at(120)
    desk.silence(0.25)
    desk.stop()
    desk.silence(2.75)
    desk.record(late)
    desk.silence(1.0)
    desk.runs(0, 1.0)
    assert not desk.guard.faulted
    assert not desk.stopping()


@pytest.mark.parametrize(
    ("deceleration", "seconds"), [(50, 7.4), (None, 9.0)], ids=["by its own", "unknown: 0.3 km/h/s"]
)
def test_not_at_rest_within_v_by_decel_and_5_s_is_the_alarm(deceleration: int | None, seconds: float) -> None:
    desk = Desk(deceleration=deceleration).at(120)
    desk.stop()
    desk.slides(120, 60)
    asked = desk.sent(Stop)[0]
    while desk.now < asked + seconds - 0.25:
        desk.runs(60, 0.25)
    assert "stop_ignored" not in desk.noticed
    desk.runs(60, 0.5)
    assert "stop_ignored" in desk.noticed


@pytest.mark.parametrize("ours", [True, False])
def test_a_belt_on_its_way_up_has_the_time_of_the_speed_it_was_told(ours: bool) -> None:
    desk = Desk().at(100)
    assert desk.want(Target(Speed(120))) == ""
    since = desk.now
    if ours:
        desk.stop()
    else:
        desk.status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER)
    desk.slides(100, 60)
    desk.runs(60, 7.25 - (desk.now - since))
    assert "stop_ignored" not in desk.noticed
    desk.runs(60, 0.25)
    assert "stop_ignored" in desk.noticed


def test_one_that_stays_below_the_speed_it_was_told_has_not_fallen() -> None:
    desk = Desk().at(100)
    assert desk.want(Target(Speed(120))) == ""
    desk.stop()
    desk.runs(100, 3.0)
    assert desk.noticed[-1] == "stop_ignored"


def test_a_belt_gets_no_more_time_by_rising_after_the_stop() -> None:
    desk = Desk().at(100)
    desk.stop()
    desk.runs(150, 1.0)
    desk.slides(150, 60)
    desk.runs(60, 7.0 - (desk.now - desk.sent(Stop)[0]))
    assert desk.noticed[-1] == "stop_ignored"


def test_at_rest_in_time_it_is_over_without_a_fault() -> None:
    desk = Desk().at(120)
    desk.stop()
    desk.slides(120, 0)
    desk.runs(0, 1.0)
    assert desk.noticed[-1] == "rest"
    assert not desk.guard.faulted
    assert not desk.stopping()


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize(("seconds", "stopping"), [(4.25, True), (4.5, False)])
def test_the_zeros_of_an_echo_of_our_target_are_rest_from_v_by_decel_and_2_s_on(
    ours: bool, seconds: float, stopping: bool
) -> None:
    desk = Desk(echoes_target=True).at(120)
    if ours:
        desk.stop()
    else:
        desk.runs(0, 0.75)
    desk.runs(0, seconds)
    assert ("rest" in desk.noticed, desk.stopping()) == (not stopping, stopping)
    assert not desk.guard.faulted


def test_where_nothing_was_known_of_its_speed_they_are_none_before_2_s() -> None:
    desk = Desk(echoes_target=True)
    desk.stop()
    desk.runs(0, 1.75)
    assert desk.stopping()


def test_a_stop_request_before_that_is_written() -> None:
    desk = Desk(echoes_target=True).at(120)
    desk.runs(0, 1.5)
    desk.stop()
    assert desk.stops == 1


def test_one_zero_is_no_rest() -> None:
    desk = Desk().at(120)
    desk.stop()
    desk.slides(120, 0)
    assert desk.stopping()
    desk.record(30)
    desk.runs(0, 0.5)
    assert desk.stopping()
    desk.runs(0, 0.25)
    assert not desk.stopping()


def test_nothing_known_of_the_belt_is_the_alarm_after_3_s() -> None:
    desk = Desk()
    desk.stop()
    desk.silence(2.75)
    assert not desk.guard.faulted
    desk.silence(0.25)
    assert desk.noticed == ["stop_ignored"]


def test_the_alarm_lasts_until_a_person_clears_it() -> None:
    desk = Desk().at(120)
    desk.stop()
    desk.runs(120, 3.0)
    assert desk.guard.clear(desk.now) != ""
    desk.slides(120, 0)
    desk.runs(0, 30.0)
    assert desk.guard.faulted
    assert desk.arm() == "a fault has to be cleared at the machine first"
    assert desk.guard.clear(desk.now) == ""
    assert desk.arm() == ""


def test_a_persons_still_does_not_withhold_a_stop_from_a_belt_that_went_silent() -> None:
    desk = Desk().rest()
    assert desk.guard.said_still(desk.now) == ""
    desk.silence(4.0)
    desk.stop()
    desk.silence(8.0)
    assert desk.stops > 6
    assert desk.noticed[-1] == "stop_ignored"


def test_on_a_machine_silent_at_rest_it_does() -> None:
    desk = Desk(silent_at_rest=True)
    assert desk.guard.said_still(desk.now) == ""
    desk.silence(4.0)
    desk.stop()
    assert desk.stops == 0


# --- repeated -------------------------------------------------------------------------------------


def test_repeats_come_after_1_5_s_and_then_every_half_second_while_it_does_not_fall() -> None:
    desk = Desk().at(120)
    desk.stop()
    desk.runs(120, 4.0)
    first = desk.sent(Stop)[0]
    assert [at - first for at in desk.sent(Stop)] == [0.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]


def test_a_falling_belt_gets_no_repeat() -> None:
    desk = Desk(deceleration=25).at(120)
    desk.stop()
    desk.slides(120, 0, rate=25)
    desk.runs(0, 1.0)
    assert desk.stops == 1


def test_a_belt_that_stops_falling_gets_it_again() -> None:
    desk = Desk().at(120)
    desk.stop()
    desk.slides(120, 80)
    desk.runs(80, 2.5)
    assert desk.stops >= 2


def test_a_failed_write_is_repeated_at_once_only_the_first_time() -> None:
    desk = Desk().at(120)
    desk.write_error = "no"
    desk.stop()
    assert desk.stops == 2
    desk.runs(120, 0.25)
    assert desk.stops == 2
    desk.runs(120, 0.25)
    assert desk.stops == 3


def test_an_obeyed_stop_is_repeated_never_again_on_a_belt_at_rest() -> None:
    desk = Desk().at(120)
    desk.stop()
    desk.slides(120, 0)
    desk.runs(0, 60.0)
    assert desk.stops == 1


# --- withheld -------------------------------------------------------------------------------------


def test_a_belt_at_rest_gets_no_stop_since_some_start_on_it() -> None:
    desk = Desk().rest()
    desk.stop()
    assert desk.stops == 0
    assert desk.review(Stop()) == "G3"


@pytest.mark.parametrize(("age", "withheld"), [(3.9, True), (4.0, False)])
def test_rest_that_was_measured_too_long_ago_is_not_known(age: float, withheld: bool) -> None:
    desk = Desk().rest()
    desk.now += age
    desk.stop()
    assert (desk.stops == 0) is withheld


def test_a_stop_while_a_start_is_outstanding_is_written_whatever_telemetry_says() -> None:
    desk = Desk().starting()
    desk.runs(0, 1.0)
    desk.stop()
    assert desk.last == Stop()
    desk.runs(0, 1.0)
    assert not desk.stopping()


@pytest.mark.parametrize(("since", "stops"), [(0.0, 1), (9.75, 1), (10.0, 0)])
def test_a_press_of_the_consoles_start_key_is_outstanding_too(since: float, stops: int) -> None:
    desk = Desk().rest()
    desk.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    desk.runs(0, since)
    desk.stop()
    assert desk.stops == stops
    desk.runs(0, 11.0)
    desk.runs(80, 1.0)  # pressed again: whoever uses the treadmill may
    assert not desk.guard.faulted


def test_until_it_moves_the_belt() -> None:
    desk = Desk().rest()
    desk.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    desk.runs(80, 1.0)
    desk.runs(0, 1.0)
    desk.stop()
    assert desk.stops == 0
    desk.runs(80, 1.0)
    desk.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)  # pressed while it runs out
    desk.runs(40, 1.0)
    desk.runs(0, 1.0)
    desk.stop()
    assert desk.stops == 1


def test_each_stop_is_written_as_long_as_that_lasts() -> None:
    desk = Desk().rest()
    desk.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    for written in (1, 2):
        desk.stop()
        desk.runs(0, 1.0)
        assert desk.stops == written


def test_a_second_press_has_a_time_of_its_own() -> None:
    desk = Desk().rest()
    for _ in range(2):
        desk.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
        desk.runs(0, 8.0)
    desk.stop()
    assert desk.stops == 1


@pytest.mark.parametrize("rest_s", [0.0, 1.0])
def test_so_it_is_after_a_lost_link_whether_rest_is_known_or_not(rest_s: float) -> None:
    desk = Desk().walking()
    desk.lose_link()
    desk.connect()
    desk.runs(0, rest_s)
    desk.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    desk.runs(0, 1.0)
    desk.stop()
    assert desk.stops == 1


@pytest.mark.parametrize("meanwhile", ["a lost link", "a word that it is still", "rest after a console stop"])
def test_what_does_not_end_it(meanwhile: str) -> None:
    desk = Desk().at(80) if meanwhile.startswith("rest") else Desk().rest()
    if meanwhile.startswith("rest"):
        desk.status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER)
    desk.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    if meanwhile == "a lost link":
        desk.lose_link()
        desk.connect()
    elif meanwhile.startswith("a word"):
        assert desk.guard.said_still(desk.now) == ""
    desk.runs(0, 1.0)
    desk.stop()
    assert desk.stops == 1


@pytest.mark.parametrize("how", ["stop", "disarm", "console", "refused", "control lost"])
def test_whatever_ends_an_outstanding_start_writes_the_stop(how: str) -> None:
    desk = Desk().counted() if how == "refused" else Desk().starting()
    match how:
        case "stop":
            desk.guard.want_stop(desk.now)
        case "disarm":
            desk.guard.disarm(desk.now)
        case "console":
            desk.status(2, 1)  # type: ignore[arg-type]  # stopped by the user
        case "refused":
            desk.results[Start] = 4
            desk.want(Start())
        case _:
            desk.status(0xFF)  # type: ignore[arg-type]  # control permission lost
    desk.runs(0, 0.25)
    assert desk.state() is State.DISARMED
    assert desk.sent(Stop)


def test_a_lost_link_ends_an_outstanding_start_and_the_stop_is_the_first_write_of_the_next_one() -> None:
    desk = Desk().starting()
    desk.lose_link()
    desk.connect()
    assert desk.last == Stop()
    desk.runs(0, 1.0)
    desk.runs(200, 0.5)
    assert "unexpected_motion" in desk.noticed


@pytest.mark.parametrize("meanwhile", ["a word that it is still", "a stop request"])
def test_what_is_said_while_the_link_is_away_does_not_take_that_stop_back(meanwhile: str) -> None:
    desk = Desk().starting()
    desk.lose_link()
    if meanwhile == "a stop request":
        desk.stop()
    else:
        assert desk.guard.said_still(desk.now) == ""
    desk.connect()
    assert desk.last == Stop()


def test_that_stop_is_written_on_one_link_only() -> None:
    desk = Desk().starting()
    desk.lose_link()
    desk.connect()
    desk.runs(0, 2.0)
    assert desk.stops == 1
    desk.lose_link()
    desk.connect()
    desk.runs(0, 2.0)
    assert desk.stops == 1


@pytest.mark.parametrize(("seconds", "alarm"), [(59.25, True), (59.75, False)])
def test_motion_up_to_60_s_after_a_stopped_start_is_alarm_and_stop(seconds: float, alarm: bool) -> None:
    desk = Desk().starting()
    desk.stop()
    stops = desk.stops
    desk.runs(0, seconds)
    desk.runs(80, 0.5)
    assert ("unexpected_motion" in desk.noticed) is alarm
    assert (desk.stops > stops) is alarm


@pytest.mark.parametrize(("delay", "seconds", "late"), [(3, 9.75, True), (3, 10, False), (8, 11.75, True)])
def test_a_stopped_start_may_come_as_late_as_one_that_is_outstanding(
    delay: float, seconds: float, late: bool
) -> None:
    desk = Desk(start_delay_s=delay).at(80)
    desk.stop()
    assert not desk.guard.may_start_late(desk.now), "the belt was seen to move"
    desk = Desk(start_delay_s=delay).starting()
    desk.stop()
    desk.runs(0, seconds)
    assert desk.guard.may_start_late(desk.now) is late
    desk.starting()
    desk.stop()
    assert desk.guard.may_start_late(desk.now), "the next one has its own time"


def test_a_word_that_the_belt_is_still_ends_no_wait_for_a_start_that_may_come() -> None:
    desk = Desk().starting()
    desk.stop()
    desk.runs(0, 1.0)
    assert desk.guard.said_still(desk.now) == ""
    desk.runs(0, 8.75)
    assert desk.guard.may_start_late(desk.now)
    assert desk.guard.may_start_by_stop(desk.now)
    desk.runs(0, 49.5)
    desk.runs(80, 0.5)
    assert desk.noticed[-1] == "unexpected_motion"


@pytest.mark.parametrize("speed", [0, 60])
def test_a_stop_that_is_owed_is_not_ended_by_rest_before_it_is_through(speed: int) -> None:
    desk = Desk().starting()
    desk.write_error = "no"
    desk.record(speed)
    desk.stop()
    desk.runs(0, 2.0)
    assert desk.stopping()
    desk.write_error = ""
    desk.runs(0, 1.0)
    assert not desk.stopping()
    assert desk.stops >= 3


def test_a_stop_that_is_owed_is_not_ended_by_a_person_before_it_is_through_or_the_alarm_is_on() -> None:
    desk = Desk(silent_at_rest=True).starting()
    desk.write_error = "no"
    desk.stop()
    assert desk.guard.said_still(desk.now) == ""
    assert desk.stopping()
    desk.silence(4.0)
    assert desk.noticed[-1] == "ask_still"
    assert desk.guard.said_still(desk.now) == ""
    assert not desk.guard.distrusted
    desk.silence(20.0)
    assert "rest_unknown" in desk.noticed
    assert desk.guard.distrusted
    assert desk.guard.said_still(desk.now) == ""
    assert not desk.stopping()


def test_a_stop_that_is_owed_and_stuck_is_owed_on_the_next_link() -> None:
    desk = Desk().starting()
    desk.stuck = True
    desk.stop()
    desk.stuck = False
    desk.lose_link()
    desk.connect()
    assert desk.stops == 2


@pytest.mark.parametrize(("answered", "over"), [(Stop(), True), (Start(), False)])
def test_a_late_answer_to_any_stop_says_that_it_is_through(answered: Command, over: bool) -> None:
    desk = Desk().starting()
    desk.results[Stop] = None  # each repeat overtakes the Stop before, so none is seen to be answered
    desk.stop()
    desk.runs(0, 2.0)
    assert desk.stopping()
    desk.answer(answered)
    desk.runs(0, 0.5)
    assert desk.stopping() is not over


# --- presumed rest --------------------------------------------------------------------------------


def silent(last: int = 60) -> Desk:
    """A machine known to fall silent, stopped from 120; its last record was `last`."""
    desk = Desk(silent_at_rest=True).at(120)
    desk.stop()
    desk.slides(120, last)
    return desk


@pytest.mark.parametrize(("last", "asked"), [((60,), True), ((61,), False), ((50, 61), False)])
def test_silence_is_presumed_rest_if_the_last_record_was_at_most_half(
    last: tuple[int, ...], asked: bool
) -> None:
    desk = silent(last[0])
    desk.runs(last[-1], 0.25)
    desk.silence(6.0)
    assert ("ask_still" in desk.noticed) is asked
    desk.silence(2.0)
    assert ("rest_unknown" in desk.noticed) is not asked
    assert "stop_ignored" not in desk.noticed, "it fell: what is not known is whether it rests"


def test_a_silent_one_that_was_not_seen_to_fall_has_not_obeyed() -> None:
    desk = Desk(silent_at_rest=True).at(120)
    desk.stop()
    desk.silence(10.0)
    assert desk.noticed[-1] == "stop_ignored"


def test_from_a_false_alarm_of_a_slow_belt_that_falls_silent_there_is_a_way_on() -> None:
    text = 'name = "p"\nlevel = 1\nsteps = [ { walk = "forward", for = "30s", speed = 1.0 } ]'
    quirks = Quirks(
        ranges=Ranges(minimum=Speed(50)), telemetry=TelemetryQuirks(silent_at=Speed(40), fields=())
    )
    bench = Bench(quirks=quirks, program=program(text))
    bench.offer()
    assert bench.run(60, until=lambda b: b.real_speed > 90)
    bench.answers = frozenset()
    bench.run(50)
    assert bench.faults() == ["rest_unknown"]
    assert bench.controller.alarm.endswith("Say still when it is.")
    for act in (Act.STILL, Act.CLEAR):
        assert bench.snapshot.awaiting is act
        assert bench.ask(Confirm(act))[-1].outcome == "done"
        bench.run(AGAIN_S + 0.25)
    assert bench.controller.alarm == ""
    assert bench.offer()[0].outcome == "accepted"


def test_it_is_presumed_from_v_by_decel_and_2_s_on() -> None:
    desk = silent()
    asked = desk.sent(Stop)[0]
    desk.silence(asked + 4.25 - desk.now)
    assert "ask_still" not in desk.noticed
    desk.silence(0.25)  # 1.2 / 0.5 + 2 are 4.4 s
    assert "ask_still" in desk.noticed
    assert not desk.guard.faulted


def test_unanswered_for_20_s_it_is_the_alarm_and_nothing_starts_until_somebody_says_still() -> None:
    desk = silent()
    desk.silence(3.0)
    assert desk.noticed[-1] == "ask_still"
    desk.silence(10.0)
    desk.stop()
    desk.silence(9.75)
    assert "rest_unknown" not in desk.noticed
    desk.silence(0.25)
    assert desk.noticed[-1] == "rest_unknown"
    desk.silence(60.0)
    assert desk.arm() != ""
    assert desk.guard.said_still(desk.now) == ""
    assert desk.guard.clear(desk.now) == ""
    assert desk.arm() == ""


def test_a_belt_that_creeps_on_does_not_put_that_off() -> None:
    desk = silent()
    desk.silence(3.0)
    assert desk.noticed[-1] == "ask_still"
    desk.runs(20, 20.0, every=2.0)
    assert desk.noticed[-1] == "rest_unknown"


def test_a_link_that_is_lost_before_somebody_says_still_left_the_belt_running() -> None:
    desk = silent()
    desk.silence(5.0)
    assert desk.noticed[-1] == "ask_still"
    desk.lose_link()
    assert desk.noticed[-1] == "link_lost"
    desk.connect()
    before = desk.stops
    desk.silence(2.0)
    assert desk.stops == before + 1


def test_said_still_ends_it() -> None:
    desk = silent()
    desk.silence(5.0)
    assert desk.guard.said_still(desk.now) == ""
    desk.silence(30.0)
    assert not desk.guard.faulted
    assert not desk.stopping()
    assert desk.guard.resting(desk.now)


def test_still_is_not_believed_against_a_record_of_motion() -> None:
    desk = silent()
    desk.silence(5.0)
    desk.record(11)
    assert desk.guard.said_still(desk.now) == "the treadmill reports 0.1 km/h"
    desk.record(10)
    assert desk.guard.said_still(desk.now) == ""
    assert Desk().at(100).guard.said_still(200.0) == "it was told to move"


def test_motion_again_while_rest_is_presumed_is_the_alarm() -> None:
    desk = silent()
    desk.silence(5.0)
    desk.record(31)
    assert desk.noticed[-1] == "stop_ignored"


def test_measured_rest_ends_the_question() -> None:
    desk = silent()
    desk.silence(5.0)
    desk.runs(0, 0.75)
    assert not desk.stopping()
    assert not desk.guard.distrusted


def test_a_belt_that_fell_silent_gets_six_stops_at_most_and_then_the_alarm_alone() -> None:
    desk = silent()
    desk.silence(60.0)
    assert desk.stops == 6
    assert desk.guard.faulted


def test_one_that_fell_silent_without_a_record_of_falling_as_well() -> None:
    desk = Desk(silent_at_rest=True).at(80)
    desk.stop()
    desk.silence(60.0)
    assert desk.stops == 6


def test_a_person_may_ask_for_more() -> None:
    desk = silent()
    desk.silence(60.0)
    desk.stop()
    assert desk.stops == 7


def test_a_belt_that_did_not_fall_and_is_no_silent_one_gets_stops_without_end() -> None:
    desk = Desk().at(120)
    desk.stop()
    desk.silence(60.0)
    assert desk.stops > 100


def test_silence_on_a_machine_that_is_not_known_for_it_is_the_alarm_and_no_question() -> None:
    desk = Desk().at(120)
    desk.stop()
    desk.slides(120, 50)
    desk.silence(6.0)
    assert "ask_still" not in desk.noticed
    assert "stop_ignored" in desk.noticed


def test_after_silence_motion_counts_from_two_records_again() -> None:
    desk = silent()
    desk.silence(5.0)
    desk.guard.said_still(desk.now)
    desk.silence(30.0)
    assert not desk.guard.motion.moving
    assert desk.arm() == ""
    desk.want(RequestControl())
    desk.guard.countdown(desk.now)
    desk.silence(5.0)
    desk.guard.intend_start(desk.now)
    assert desk.want(Start()) == ""
    desk.runs(40, 0.25)
    assert desk.state() is State.STARTING
    desk.runs(40, 0.25)
    assert desk.state() is State.RUNNING


# --- with physics ---------------------------------------------------------------------------------


def test_a_machine_that_ignores_stop_is_told_again_and_the_cord_is_called_for() -> None:
    bench = Bench(quirks=Quirks(belt=BeltQuirks(ignores_stop=True)), program=program(TEXT))
    bench.offer()
    bench.run(60, until=lambda b: b.real_speed >= 140)
    bench.controller.guard.want_stop(bench.now)
    bench.run(3.5)
    assert bench.faults() == ["stop_ignored"]
    assert len(bench.sent(8)) >= 4
    assert "PULL THE CORD" in bench.said()[-1]


def test_a_machine_that_falls_silent_is_asked_for_and_completes() -> None:
    quirks = Quirks(telemetry=TelemetryQuirks(silent_at=Speed(40)))
    bench = Bench(quirks=quirks, program=program(TEXT))
    bench.offer()
    assert bench.run(400, until=lambda b: bool(b.events("completed")))
    assert bench.faults() == []
    assert len(bench.sent(8)) <= 6


def test_after_a_start_that_was_stopped_records_of_rest_do_not_take_the_place_of_the_persons_word() -> None:
    desk = Desk(silent_at_rest=True).starting()
    desk.record(60)
    desk.stop()
    desk.record(20)
    desk.silence(4.0)
    assert desk.noticed[-1] == "ask_still"
    desk.runs(0, 1.0)
    assert desk.noticed[-1] == "rest"
    assert desk.arm() == "somebody at the machine has to say that the belt is still first"


def test_a_belt_that_a_dead_process_left_running_gets_its_stop_though_somebody_says_still() -> None:
    desk = Desk(silent_at_rest=True, connect=False)
    desk.guard.left_running = True
    desk.connect()
    assert desk.guard.said_still(desk.now) == ""
    desk.stop()
    assert desk.stops == 1


def test_a_silent_machine_is_silent_from_1_5_s_on() -> None:
    desk = Desk(silent_at_rest=True).at(120)
    desk.stop()
    desk.slides(120, 40)
    desk.runs(40, 3.0)
    last = desk.now
    desk.silence(1.25)
    assert "ask_still" not in desk.noticed
    desk.silence(0.25)
    assert desk.now == last + 1.5
    assert desk.noticed[-1] == "ask_still"


def test_zeros_of_an_echo_are_believed_at_the_very_moment_that_they_are_due() -> None:
    desk = Desk(echoes_target=True).at(100)  # 1.0 / 0.5 + 2 are 4 s
    desk.stop()
    desk.runs(0, 3.75)
    assert desk.stopping()
    desk.runs(0, 0.25)
    assert not desk.stopping()


def stop_at_0(speed: Speed, *, must_write: bool = False) -> Stopping:
    """A Stop of ours, asked for at 0 s, of a belt that falls by 0.5 km/h per second."""
    return Stopping(
        0.0,
        speed,
        50,
        speed,
        ours=True,
        must_write=must_write,
        silent_machine=False,
        echoes_target=False,
    )


@pytest.mark.parametrize("result", [Result.FAILED, Result.NOT_STARTED])
def test_a_repeat_that_is_due_is_not_forgotten_when_somebody_asks_again(result: Result) -> None:
    stop = stop_at_0(Speed(100))
    stop.sent(0.0)
    stop.concluded(Outcome(Stop(), result))
    stop.join(0.25)
    assert stop.demand(Motion(), 0.25, may_ask=True) == Stop()


def test_where_nothing_was_known_the_first_record_tells_how_long_the_belt_may_take() -> None:
    desk = Desk(deceleration=30)
    desk.stop()
    desk.slides(200, 0, rate=32)
    desk.runs(0, 1.0)
    assert desk.noticed == ["rest"]


def test_falling_counts_from_the_highest_that_a_stopped_belt_still_reached() -> None:
    desk = Desk().at(100)
    desk.stop()
    desk.runs(150, 1.0)
    desk.runs(120, 2.25)
    assert "stop_ignored" not in desk.noticed


def test_rest_is_presumed_at_the_very_moment_that_it_is_due() -> None:
    desk = Desk(silent_at_rest=True).at(100)  # 1.0 / 0.5 + 2 are 4 s
    desk.stop()
    desk.runs(50, 0.5)
    desk.silence(3.25)
    assert "ask_still" not in desk.noticed
    desk.silence(0.25)
    assert desk.noticed[-1] == "ask_still"


@pytest.mark.parametrize(("speed", "alarm"), [(30, False), (31, True)])
def test_a_belt_that_does_not_count_as_moving_need_not_be_seen_to_fall(speed: int, alarm: bool) -> None:
    desk = Desk()
    desk.runs(speed, 1.0)
    desk.stop()
    desk.runs(speed, 3.0)
    assert ("stop_ignored" in desk.noticed) is alarm


def test_v_by_decel_and_5_s_are_over_when_they_are_over_and_the_alarm_is_raised_once() -> None:
    desk = Desk().at(100)  # 1.0 / 0.5 + 5 are 7 s
    desk.stop()
    desk.slides(80, 60, rate=4)
    desk.runs(60, desk.sent(Stop)[0] + 6.75 - desk.now)
    assert "stop_ignored" not in desk.noticed
    desk.runs(60, 0.25)
    assert desk.noticed[-1] == "stop_ignored"
    desk.runs(60, 30.0)
    assert desk.noticed.count("stop_ignored") == 1


@pytest.mark.parametrize(("speed", "alarm"), [(30, False), (31, True)])
def test_after_motion_while_rest_was_presumed_a_person_has_to_say_still(speed: int, alarm: bool) -> None:
    desk = silent()
    desk.silence(3.0)
    assert desk.noticed[-1] == "ask_still"
    desk.record(speed)
    assert ("stop_ignored" in desk.noticed) is alarm
    desk.runs(speed, 1.0)
    desk.slides(speed, 0)
    desk.runs(0, 1.0)
    assert desk.guard.clear(desk.now) == ""
    assert (desk.arm() == "somebody at the machine has to say that the belt is still first") is alarm


def test_and_after_the_alarm_of_a_question_that_nobody_answered() -> None:
    desk = silent()
    desk.silence(23.0)
    assert desk.noticed[-1] == "rest_unknown"
    desk.runs(60, 1.0)
    desk.slides(60, 0)
    desk.runs(0, 1.0)
    assert desk.guard.clear(desk.now) == ""
    assert desk.arm() == "somebody at the machine has to say that the belt is still first"


def test_unanswered_it_is_one_alarm_that_lasts() -> None:
    desk = silent()
    desk.silence(60.0)
    desk.runs(60, 1.0)
    assert desk.noticed.count("rest_unknown") == 1
    assert "stop_ignored" not in desk.noticed


def test_zeros_that_are_not_believed_yet_are_no_reason_for_another_stop() -> None:
    desk = Desk(echoes_target=True).at(120)
    desk.stop()
    desk.runs(0, 4.25)
    assert desk.stopping()
    assert desk.stops == 1


def test_a_belt_that_was_seen_to_fall_and_went_silent_gets_six_stops_at_most() -> None:
    desk = Desk().at(120)
    desk.stop()
    desk.runs(60, 0.5)
    desk.silence(60.0)
    assert "stop_ignored" in desk.noticed
    assert desk.stops == 6


def test_a_stop_that_was_through_once_is_owed_no_more() -> None:
    desk = Desk().starting()
    desk.record(60)
    desk.stop()
    desk.write_error = "no"
    desk.runs(80, 2.0)
    assert desk.stops > 1
    desk.slides(80, 0)
    desk.runs(0, 1.0)
    assert not desk.stopping()


def test_a_machine_that_answers_nothing_is_not_told_for_ever() -> None:
    desk = Desk().starting()
    desk.results[Stop] = None
    desk.stop()
    desk.runs(0, 2.75)
    assert desk.stopping()
    desk.runs(0, 0.5)
    assert not desk.stopping()


def test_a_stop_that_was_denied_is_owed() -> None:
    desk = Desk().starting()
    desk.results[Stop] = int(ResultCode.CONTROL_NOT_PERMITTED)
    desk.stop()
    desk.runs(0, 1.0)
    assert desk.stopping()


def test_a_silent_machine_of_which_nothing_is_known_has_not_obeyed() -> None:
    desk = Desk(silent_at_rest=True)
    desk.stop()
    desk.silence(3.0)
    assert desk.noticed == ["stop_ignored"]


def test_after_garbled_records_the_next_two_tell_how_fast_the_belt_is() -> None:
    desk = Desk().at(120)
    desk.record(55130)
    desk.record(55130)
    assert desk.stops == 1
    desk.runs(60, 2.75)
    assert "stop_ignored" not in desk.noticed
    desk.runs(60, 0.5)
    assert desk.noticed[-1] == "stop_ignored"


@pytest.mark.parametrize(("now", "verdict"), [(54.99, ""), (55.0, "stop_ignored")])
def test_the_fastest_treadmill_runs_25_km_h(now: float, verdict: str) -> None:
    motion = Motion()
    motion.record(Speed(60), 1.0)
    assert stop_at_0(Speed(55130)).judge(motion, now) == verdict


TAKEN, REFUSED, DENIED = ResultCode.SUCCESS, ResultCode.INVALID_PARAMETER, ResultCode.CONTROL_NOT_PERMITTED


@pytest.mark.parametrize(
    ("written", "op_code", "result", "owed"),
    [
        (True, OpCode.STOP_OR_PAUSE, TAKEN, False),
        (True, OpCode.STOP_OR_PAUSE, REFUSED, False),
        (True, OpCode.STOP_OR_PAUSE, DENIED, True),
        (True, OpCode.START_OR_RESUME, TAKEN, True),
        (False, OpCode.STOP_OR_PAUSE, TAKEN, True),
        (False, OpCode.STOP_OR_PAUSE, DENIED, True),
    ],
)
def test_what_answer_says_that_a_stop_is_through(
    written: bool, op_code: OpCode, result: ResultCode, owed: bool
) -> None:
    """The answer to one before it says nothing of a Stop that is not written."""
    stop = stop_at_0(Speed(100), must_write=True)
    if written:
        stop.sent(0.0)
    stop.answered(Response(op_code, result))
    assert (stop.owed, stop.need_control) == (owed, written and result is DENIED)


def test_a_stop_that_is_through_stays_so_though_the_next_is_denied() -> None:
    stop = stop_at_0(Speed(100), must_write=True)
    for at, result in ((0.0, TAKEN), (1.5, DENIED)):
        stop.sent(at)
        stop.answered(Response(OpCode.STOP_OR_PAUSE, result))
    assert (stop.owed, stop.need_control) == (False, True)


@pytest.mark.parametrize("result", Result)
def test_a_stop_is_through_that_is_not_answered_though_its_write_did_not_fail(result: Result) -> None:
    stop = stop_at_0(Speed(100), must_write=True)
    stop.sent(0.0)
    stop.concluded(Outcome(Stop(), result))
    assert stop.owed is (result is not Result.UNANSWERED), "what is answered was said by the answer"


@pytest.mark.parametrize(
    ("speeds", "late"),
    [
        ([], True),  # nothing is heard
        ([0], True),
        ([79], True),  # slower than its slowest: it is about to rest
        ([80], False),
        ([150], False),
        ([150, 141], False),
        ([150, 140], True),  # it falls
    ],
)
def test_a_stop_to_a_belt_that_is_about_to_rest_may_be_taken_for_a_start(
    speeds: list[int], late: bool
) -> None:
    desk = Desk()
    for speed in speeds:
        desk.now += 0.25
        desk.record(speed)
    desk.guard.left_running = True
    desk.stop()
    assert desk.stops == 1
    assert desk.guard.may_start_by_stop(desk.now) is late
    desk.now += 9.75
    assert desk.guard.may_start_by_stop(desk.now) is late
    desk.now += 0.25
    assert not desk.guard.may_start_by_stop(desk.now)


def test_so_may_the_second_one_whatever_was_measured_last() -> None:
    desk = Desk()
    desk.record(150)
    desk.guard.left_running = True
    desk.stop()
    assert not desk.guard.may_start_by_stop(desk.now)
    desk.silence(0.75)
    desk.stop()
    assert desk.stops == 2
    assert desk.guard.may_start_by_stop(desk.now)


@pytest.mark.parametrize(
    ("began", "alarm"),
    [
        (14807, 3.5),  # a garbled record: corrected by the second after it, and it never fell
        (2500, 3.5),
        (400, 13.25),  # that may be: it fell
    ],
)
def test_a_garbled_record_at_the_stop_does_not_put_off_the_alarm(began: int, alarm: float) -> None:
    desk = Desk()
    desk.record(began)
    desk.guard.left_running = True
    desk.stop()
    since = desk.now
    while "stop_ignored" not in desk.noticed:
        desk.runs(80, 0.25)
    assert desk.now - since == pytest.approx(alarm, abs=0.5)


@pytest.mark.parametrize(("began", "corrected"), [(480, False), (481, True)])
def test_3_km_h_below_twice_the_deceleration_a_stop_is_corrected(began: int, corrected: bool) -> None:
    stop, motion = stop_at_0(Speed(began)), Motion()
    for at in (0.75, 1.0):
        motion.record(Speed(80), at)
    stop.judge(motion, 1.0)
    assert stop.speed == (80 if corrected else began)


def test_records_from_before_it_correct_no_stop() -> None:
    stop, motion = stop_at_0(Speed(600)), Motion()
    for at in (-0.5, -0.25):
        motion.record(Speed(80), at)
    stop.judge(motion, 0.0)
    assert stop.speed == 600


def test_one_record_alone_corrects_nothing_and_neither_does_a_target_that_is_told_for_the_speed() -> None:
    for echoes in (False, True):
        desk = Desk(echoes_target=echoes)
        desk.record(2500)
        desk.guard.left_running = True
        desk.stop()
        desk.now += 2.5
        desk.record(0)
        if echoes:
            desk.runs(0, 5.0)
        assert desk.guard.stopping
        assert "stop_ignored" not in desk.noticed


@pytest.mark.parametrize("doubled", [False, True])
def test_a_denial_that_is_told_twice_holds_back_no_repeat(doubled: bool) -> None:
    desk = Desk().at(100)
    desk.results[Stop] = int(ResultCode.CONTROL_NOT_PERMITTED)
    desk.results[RequestControl] = None
    since = desk.now
    desk.stop()
    desk.runs(100, 0.25)
    desk.results[Stop] = int(ResultCode.SUCCESS)
    if doubled:
        desk.answer(Stop(), ResultCode.CONTROL_NOT_PERMITTED)
    desk.runs(100, 1.5)
    assert [at - since for at in desk.sent(Stop)] == [0.0, 1.5]


def test_a_denial_that_is_told_again_after_the_grant_sends_no_stop_to_a_belt_that_obeys() -> None:
    stop = stop_at_0(Speed(100))
    stop.sent(0.0)
    stop.answered(Response(OpCode.STOP_OR_PAUSE, DENIED))
    assert stop.need_control
    stop.control_sent()
    stop.control_concluded()
    stop.sent(0.2)
    stop.answered(Response(OpCode.STOP_OR_PAUSE, TAKEN))
    stop.answered(Response(OpCode.STOP_OR_PAUSE, DENIED))
    assert (stop.need_control, stop.delivered) == (False, True)


def inherited() -> Desk:
    """A process that is gone left its marker, and the link is up again."""
    desk = Desk(connect=False)
    desk.guard.inherit()
    desk.connect()
    return desk


def test_a_stop_while_a_dead_process_s_start_may_come_is_written_to_a_belt_at_rest() -> None:
    desk = inherited()
    desk.runs(0, 1.0)
    desk.stop()
    assert desk.stops == 1
    desk.runs(0, 1.0)
    desk.runs(80, 0.5)
    assert desk.noticed[-1] == "unexpected_motion"


def test_once_it_was_stopped_and_rests_that_is_over() -> None:
    desk = inherited()
    desk.runs(0, 1.0)
    for _ in range(2):
        desk.stop()
        desk.runs(0, 1.0)
        assert desk.stops == 1


def test_and_a_stop_after_its_time_begins_no_other_minute_of_alarm() -> None:
    desk = inherited()
    since = desk.now
    desk.runs(80, 10.0)
    desk.stop()
    desk.slides(80, 0)
    desk.runs(0, since + 61.0 - desk.now)
    assert desk.guard.clear(desk.now) == ""
    desk.runs(80, 1.0)
    assert desk.guard.manual(desk.now)


def test_nobody_is_told_of_a_start_that_nobody_knows_of() -> None:
    desk = inherited()
    desk.runs(0, 3.0)
    desk.stop()
    desk.runs(0, 3.0)
    desk.silence(5.0)
    assert "start_unknown" not in desk.noticed


@pytest.mark.parametrize(("seconds", "written"), [(9.5, 1), (10.0, 0)])
def test_a_dead_process_s_start_runs_out_like_any_other(seconds: float, written: int) -> None:
    desk = inherited()
    desk.runs(0, seconds)
    desk.stop()
    assert desk.stops == written


def test_a_repeat_whose_write_fails_is_repeated_at_once_as_well() -> None:
    desk = Desk().at(120)
    desk.stop()
    desk.runs(120, 1.25)
    assert desk.stops == 1
    desk.write_error = "no"
    desk.runs(120, 0.25)
    assert desk.stops == 3
