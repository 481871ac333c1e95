"""The controller's own moments and bounds, each asked on both sides of it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.core.by_hand import BACKWARD, ByHand
from tests.core.desk import MACHINE

from blefit.ftms.machine_status import MachineStatusOp
from retrowalk.core.asking import TOO_SOON
from retrowalk.core.model import (
    AckFault,
    Act,
    Confirm,
    Phase,
    StopSession,
)
from retrowalk.core.wellbeing import PRESENCE_WARNING_S

RISES = "Speed rises to 1.5 in 5 seconds."
KEY = MachineStatusOp.STARTED_OR_RESUMED_BY_USER


def put(hands: ByHand, *fault_ids: str) -> None:
    """These faults are in force."""
    for fault_id in fault_ids:
        hands.controller._ledger.raise_(fault_id, hands.now)


# --- how long -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("after", "shown"), [(10.0, Phase.ENDED), (10.25, Phase.IDLE)])
def test_the_end_is_shown_for_ten_seconds(after: float, shown: Phase) -> None:
    hands = ByHand().offered()
    hands.ask(StopSession())
    hands.runs(0, after)
    assert hands.phase() is shown
    assert (hands.controller.session is None) == (shown is Phase.IDLE)


def test_each_end_is_shown_as_long_and_a_new_offer_ends_it() -> None:
    hands = ByHand().offered()
    hands.ask(StopSession())
    hands.runs(0, 6.0)
    hands.offered()
    hands.runs(0, 6.0)
    assert hands.phase() is Phase.OFFERED
    hands.ask(StopSession())
    hands.runs(0, 9.0)
    assert hands.phase() is Phase.ENDED


@pytest.mark.parametrize(("known", "session"), [(30.0, True), (30.25, False)])
def test_motion_is_what_the_start_key_began_for_thirty_seconds(known: float, session: bool) -> None:
    hands = ByHand().offered()
    hands.status(KEY)
    hands.runs(0, known - 0.5).runs(80, 0.5)
    assert hands.phase() is (Phase.WALKING if session else Phase.OFFERED)
    assert bool(hands.events("manual")) is not session


def relinked(hands: ByHand) -> None:
    hands.offered()
    hands.status(KEY)
    hands.lose_link()
    hands.connect()
    hands.runs(0, 1.0)


@pytest.mark.parametrize("forgotten", [ByHand.offered, relinked])
def test_a_start_key_pressed_before_the_offer_or_on_another_link_begins_no_session(
    forgotten: Callable[[ByHand], object],
) -> None:
    hands = ByHand()
    hands.status(KEY)
    forgotten(hands)
    hands.runs(80, 0.5)
    assert hands.phase() is Phase.OFFERED
    assert hands.events("manual") != []


@pytest.mark.parametrize(("silence", "announced"), [(1.75, 1), (2.0, 2)])
def test_after_two_seconds_of_silence_a_raise_is_announced_anew(silence: float, announced: int) -> None:
    hands = ByHand().walking()
    assert hands.said().count(RISES) == 1
    hands.silence(silence)
    hands.record(80)
    hands.runs(80, 8.0)
    assert hands.said().count(RISES) == announced


@pytest.mark.parametrize(("silence", "asked"), [(1.75, None), (2.0, Act.STILL)])
def test_in_a_stop_still_is_asked_of_a_faulted_belt_that_is_silent_for_two_seconds(
    silence: float, asked: Act | None
) -> None:
    hands = ByHand().at(150)
    put(hands, "over_cap")
    hands.ask(StopSession())
    hands.record(140)
    hands.silence(silence)
    assert hands.snapshot.awaiting is asked


# --- faults in force ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault_id", "raised"), [("hand", False), ("cap_enforced", True)])
def test_a_fault_that_holds_lets_nothing_rise_and_a_note_changes_nothing(fault_id: str, raised: bool) -> None:
    hands = ByHand().walking()
    put(hands, fault_id)
    hands.runs(80, 11.0)
    assert (hands.guard.commanded != 80) is raised
    assert hands.said().count(RISES) == 1


@pytest.mark.parametrize(("speed", "shown"), [(151, "cap_enforced"), (150, None)])
def test_the_cap_is_enforced_until_the_belt_is_not_above_it(speed: int, shown: str | None) -> None:
    hands = ByHand().at(150)
    hands.runs(180, 0.5)
    assert hands.snapshot.fault == "cap_enforced"
    hands.record(speed)
    assert hands.snapshot.fault == shown


def test_where_nothing_is_armed_no_cap_is_enforced_and_what_is_late_is_late_no_more() -> None:
    hands = ByHand().runs(0, 1.0)
    put(hands, "cap_enforced", "telemetry_late")
    hands.silence(1.75)
    assert hands.snapshot.fault is None


@pytest.mark.parametrize(("silence", "shown"), [(3.0, "telemetry_late"), (2.75, None)])
def test_telemetry_is_late_until_the_next_record(silence: float, shown: str | None) -> None:
    hands = ByHand().at(150)
    hands.silence(silence)
    assert hands.snapshot.fault == shown
    hands.record(150)
    assert hands.snapshot.fault is None
    assert [e["id"] for e in hands.events("fault_cleared")] == ([shown] if shown else [])


@pytest.mark.parametrize("told", [True, False])
def test_rest_ends_what_is_of_the_motion(*, told: bool) -> None:
    hands = ByHand().at(150)
    hands.runs(110, 1.0)
    assert hands.snapshot.fault == "hand"
    if told:
        hands.status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER, 2)
    hands.runs(60, 0.25).runs(0, 1.0)
    assert hands.snapshot.fault is None
    assert hands.phase() is Phase.PAUSED


def test_all_is_told_of_a_moment_in_which_the_belt_moves_and_is_too_fast_already() -> None:
    hands = ByHand().starting().runs(700, 0.5)
    assert hands.replies("start") == [("accepted", ""), ("done", "")]
    assert hands.faults() == ["over_ceiling"]


def test_a_silenced_alarm_sounds_again_when_its_fault_happens_again() -> None:
    hands = ByHand().at(150)
    hands.lose_link()
    hands.ask(AckFault())
    assert hands.controller.alarm == ""
    hands.connect()
    hands.lose_link()
    assert hands.controller.alarm == "PULL THE CORD. The Bluetooth link is lost and the belt may be running."


# --- what is asked of the person ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distrusted", "latched", "rests", "asked"),
    [
        (False, False, True, None),
        (False, False, False, None),
        (True, False, True, Act.STILL),
        (True, False, False, Act.STILL),
        (False, True, False, Act.STILL),
        (False, True, True, Act.CLEAR),
        (True, True, True, Act.STILL),
        (True, True, False, Act.STILL),
    ],
)
def test_of_an_idle_belt_first_still_is_asked_and_then_clear(
    distrusted: bool, latched: bool, rests: bool, asked: Act | None
) -> None:
    hands = ByHand()
    if rests:
        hands.runs(0, 1.0)
    hands.guard.distrusted = distrusted
    if latched:
        put(hands, "over_cap")
    assert hands.snapshot.awaiting is asked
    hands.lose_link()
    assert hands.snapshot.awaiting is None, "nobody can be believed without a link"


@pytest.mark.parametrize(
    ("distrusted", "latched", "silent", "asked"),
    [
        (False, False, True, None),
        (False, True, False, None),
        (False, True, True, Act.STILL),
        (True, False, False, Act.STILL),
    ],
)
def test_of_a_belt_that_is_being_stopped_only_still_is_asked(
    distrusted: bool, latched: bool, silent: bool, asked: Act | None
) -> None:
    hands = ByHand().at(150)
    hands.ask(StopSession())
    hands.guard.distrusted = distrusted
    if latched:
        put(hands, "over_cap")
    if silent:
        hands.silence(2.5)
    assert hands.guard.stopping
    assert hands.snapshot.awaiting is asked


def test_still_is_asked_aloud_of_a_belt_without_a_session_too() -> None:
    hands = ByHand(machine=replace(MACHINE, silent_at_rest=True), left_running=True)
    hands.runs(120, 0.5).runs(40, 0.5)
    hands.silence(10.0)
    assert hands.controller.session is None
    assert hands.said() == ["Is the belt still? Say still at the machine when it is."]
    assert hands.snapshot.awaiting is Act.STILL


@pytest.mark.parametrize(("after", "answer"), [(1.75, ("refused", TOO_SOON)), (2.0, ("done", ""))])
def test_who_presses_because_still_was_asked_does_not_clear_the_alarm(
    after: float, answer: tuple[str, str]
) -> None:
    hands = ByHand()
    put(hands, "over_cap")
    while hands.snapshot.awaiting is Act.STILL:
        hands.runs(0, 0.25)
    hands.runs(0, after)
    assert hands.snapshot.awaiting is Act.CLEAR
    assert hands.ask(Confirm(None))[-1] == answer
    assert (hands.controller.alarm == "") is (answer[0] == "done")


def test_ok_is_asked_of_somebody_who_walks_until_it_is_too_late() -> None:
    hands = ByHand(BACKWARD).offered()
    hands.ask(Confirm(Act.START))
    hands.counting(Act.FACING)
    asked: list[Act | None] = []
    while hands.snapshot.awaiting is not Act.OK:
        hands.obeys(0.25)
    while not hands.faults():
        hands.silence(0.25)
        asked.append(hands.snapshot.awaiting)
        hands.record(hands.guard.commanded or 0)
    assert hands.faults() == ["presence_missing"]
    assert asked == [Act.OK] * (len(asked) - 1) + [None]
    assert len(asked) == PRESENCE_WARNING_S * 4
