"""G2: arming needs an act at the machine and expires unused; one countdown, one intent, one Start."""

import pytest
from tests.core.desk import Desk, authority

from blefit.units import Incline, Speed
from retrowalk.core.arming import Arming
from retrowalk.core.authority import Authority, State
from retrowalk.core.model import Direction, RequestControl, Start


@pytest.mark.parametrize(
    ("seconds", "state"), [(29.75, State.ARMED), (30.0, State.ARMED), (30.25, State.DISARMED)]
)
def test_an_arming_that_is_not_used_lapses_after_30_s(seconds: float, state: State) -> None:
    desk = Desk().rest()
    desk.arm()
    desk.runs(0, seconds)
    assert desk.state() is state
    assert ("arming_expired" in desk.noticed) == (state is State.DISARMED)


def test_a_countdown_that_begins_too_late_counts_for_nothing() -> None:
    desk = Desk().rest()
    desk.arm()
    desk.now += 30.1
    desk.guard.countdown(desk.now)
    desk.runs(0, 0.25)
    assert desk.state() is State.DISARMED


def test_a_countdown_within_30_s_keeps_the_arming() -> None:
    desk = Desk().rest()
    desk.arm()
    desk.runs(0, 29.0)
    desk.guard.countdown(desk.now)
    desk.runs(0, 10.0)
    assert desk.state() is State.ARMED


@pytest.mark.parametrize(("seconds", "law"), [(4.75, "G2"), (5.0, "")])
def test_a_countdown_of_less_than_5_s_intends_nothing(seconds: float, law: str) -> None:
    desk = Desk().rest()
    desk.arm()
    desk.want(RequestControl())
    desk.guard.countdown(desk.now)
    desk.runs(0, 1.0)
    desk.guard.countdown(desk.now)  # it is under way
    desk.runs(0, seconds - 1.0)
    desk.guard.intend_start(desk.now)
    assert desk.review(Start()) == law


@pytest.mark.parametrize(("wait_s", "seconds"), [(10, 15.0), (45, 50.0), (60, 65.0)])
def test_a_countdown_that_takes_longer_than_an_armed_belt_may_wait_lapses(
    wait_s: int, seconds: float
) -> None:
    desk = Desk().rest()
    desk.arm(authority(wait_s=wait_s))
    desk.guard.countdown(desk.now)
    desk.runs(0, seconds)
    assert desk.state() is State.ARMED
    desk.runs(0, 0.25)
    assert desk.state() is State.DISARMED
    assert desk.noticed[-1] == "arming_expired"


def test_an_intent_without_a_countdown_is_none() -> None:
    desk = Desk().rest()
    desk.arm()
    desk.want(RequestControl())
    desk.runs(0, 10.0)
    desk.guard.intend_start(desk.now)
    assert desk.review(Start()) == "G2"


@pytest.mark.parametrize(("seconds", "law"), [(4.75, ""), (5.0, ""), (5.1, "G2")])
def test_an_intent_expires_after_5_s(seconds: float, law: str) -> None:
    desk = Desk().counted()
    desk.runs(0, 4.75)
    desk.now += seconds - 4.75
    assert desk.review(Start()) == law


def test_an_expired_intent_disarms_and_cannot_be_renewed() -> None:
    desk = Desk().counted()
    desk.runs(0, 3.0)
    desk.guard.intend_start(desk.now)
    desk.runs(0, 2.25)
    assert desk.state() is State.DISARMED
    desk.guard.countdown(desk.now)
    desk.guard.intend_start(desk.now)
    assert desk.review(Start()) == "G1"


def test_an_intent_is_used_once() -> None:
    desk = Desk().starting()
    desk.runs(0, 1.0)
    assert desk.review(Start()) == "G1"
    assert len(desk.sent(Start)) == 1


def test_one_arming_at_a_time() -> None:
    desk = Desk().rest()
    assert desk.arm() == ""
    assert desk.arm() == "it is armed already"


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (authority(cap=Speed(79)), "slowest speed is above the cap"),
        (authority(cap=Speed(601), ceiling=Speed(600)), "above the ceiling"),
        (authority(ceiling=Speed(601)), "above the ceiling"),
        (authority(ceiling=Speed(501), direction=Direction.BACKWARD), "above the ceiling"),
        (authority(direction=Direction.STANDING), "above the ceiling"),
        (authority(step_up=Speed(51)), "above its ceiling"),
        (authority(incline_cap=Incline(101)), "above its ceiling"),
        (authority(wait_s=60.25), "longer than its ceiling"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_authority_beyond_the_ceilings_in_code_arms_nothing(bad: Authority, why: str) -> None:
    desk = Desk().rest()
    assert why in desk.arm(bad)
    assert desk.state() is State.DISARMED


@pytest.mark.parametrize(("minimum", "armed"), [(160, True), (161, False)])
def test_a_first_target_above_the_ceiling_for_it_arms_nothing(minimum: int, armed: bool) -> None:
    desk = Desk(minimum=Speed(minimum)).rest()
    assert (desk.arm() == "") is armed


def test_a_quarantined_machine_is_not_armed() -> None:
    assert Desk(quarantined="it ran faster than told").rest().arm() == "it ran faster than told"


def test_no_arming_without_a_link_or_without_known_rest() -> None:
    desk = Desk(connect=False)
    assert desk.arm() == "the treadmill is not connected"
    desk.connect()
    assert desk.arm().startswith("the belt is not known to rest: nothing is heard of it")
    desk.record(0)
    assert desk.arm() == "the belt is not known to rest"
    assert desk.rest().arm() == ""


def test_no_arming_without_a_link_though_rest_was_measured_a_moment_ago() -> None:
    desk = Desk().rest()
    desk.lose_link()
    assert desk.arm() == "the treadmill is not connected"


def test_no_arming_while_a_stop_is_owed_though_the_belt_rests() -> None:
    desk = Desk().starting()
    desk.stuck = True
    desk.stop()
    desk.runs(0, 1.0)
    assert desk.guard.motion.at_rest
    assert desk.arm() == "a stop is not over"


@pytest.mark.parametrize(("at", "counts"), [(30.0, True), (30.01, False)])
def test_the_countdown_begins_within_30_s_to_the_hundredth(at: float, counts: bool) -> None:
    arming = Arming(0.0, wait_s=10.0)
    arming.countdown(at)
    arming.intend(at + 4.9)
    assert not arming.may_start(at + 4.9), "the countdown is that long, not the time since the act"
    assert arming.lapsed(at + 5.0) is not counts
    arming.intend(at + 5.0)
    assert arming.may_start(at + 5.0) is counts


@pytest.mark.parametrize(("after", "lapsed"), [(5.0, False), (5.01, True)])
def test_an_intent_is_over_when_no_start_may_follow(after: float, lapsed: bool) -> None:
    arming = Arming(0.0, wait_s=45.0)
    arming.countdown(0.0)
    arming.intend(45.0)
    assert arming.lapsed(45.0 + after) is lapsed
    assert arming.may_start(45.0 + after) is not lapsed


@pytest.mark.parametrize(("incline", "armed"), [(100, True), (101, False)])
def test_the_steepest_that_may_be_armed_is_10_percent(incline: int, armed: bool) -> None:
    assert (Desk().rest().arm(authority(incline_cap=Incline(incline))) == "") is armed


@pytest.mark.parametrize(
    ("minimum", "changes", "armed"),
    [
        (160, {"cap": Speed(160)}, True),
        (161, {"cap": Speed(200)}, False),
        (159, {"cap": Speed(158)}, False),
        (80, {"cap": Speed(600), "ceiling": Speed(600)}, True),
        (80, {"cap": Speed(600), "ceiling": Speed(601)}, False),
        (80, {"cap": Speed(301), "ceiling": Speed(300)}, False),
        (80, {"step_up": Speed(50)}, True),
        (80, {"step_up": Speed(51)}, False),
    ],
)
def test_what_may_be_armed_reaches_its_ceilings_and_not_a_unit_more(
    minimum: int, changes: dict[str, Speed], armed: bool
) -> None:
    assert (Desk(minimum=Speed(minimum)).rest().arm(authority(**changes)) == "") is armed
