"""A press of the console's Start key is worth one motion: not none because it came early, and not two."""

import pytest
from tests.core.by_hand import BACKWARD, COUNTDOWN_S, FORWARD, ByHand

from blefit.ftms.machine_status import MachineStatusOp
from retrowalk.core.model import Act, Confirm, RequestControl, StopSession
from retrowalk.core.stages import Stage

KEY = MachineStatusOp.STARTED_OR_RESUMED_BY_USER
STOP_KEY = MachineStatusOp.STOPPED_OR_PAUSED_BY_USER
SAFETY_KEY = MachineStatusOp.STOPPED_BY_SAFETY_KEY


def stopped_at_the_console(hands: ByHand) -> ByHand:
    hands.status(STOP_KEY, 1)
    hands.slides(hands.guard.motion.speed or 0, 10)
    return hands


@pytest.mark.parametrize("key_first", [True, False])
@pytest.mark.parametrize("every", [0.25, 0.5, 1.0])
def test_it_counts_between_the_first_record_of_rest_and_known_rest_as_well(
    every: float, key_first: bool
) -> None:
    hands = stopped_at_the_console(ByHand().walking())
    hands.runs(0, every, every)
    if key_first:
        hands.status(KEY)
    hands.runs(0, 2.0, every)
    assert hands.session.stage is Stage.WAITING
    if not key_first:
        hands.status(KEY)
    hands.runs(0, 1.0, every)
    hands.runs(80, 3.0, every)
    assert hands.faults() == []
    assert hands.session.stage is Stage.WALKING


@pytest.mark.parametrize("ours", [False, True], ids=["that it started", "that we started"])
def test_a_push_after_a_motion_is_not_its_second(ours: bool) -> None:
    hands = ByHand().counting() if ours else ByHand().offered()
    hands.status(KEY)
    hands.runs(0, 10.5 if ours else 2.0).runs(80, 2.0)
    assert hands.session.stage is Stage.WALKING
    stopped_at_the_console(hands).runs(0, 11.0)
    written = list(hands.written)
    hands.runs(40, 1.0)
    assert hands.session.stage is Stage.WAITING
    assert hands.written == written


@pytest.mark.parametrize("undone_by", [STOP_KEY, SAFETY_KEY])
@pytest.mark.parametrize("after_s", [2.0, 12.0])
def test_a_stop_at_the_console_takes_it_back(undone_by: MachineStatusOp, after_s: float) -> None:
    hands = ByHand().offered()
    hands.status(KEY)
    hands.runs(0, after_s)
    hands.status(undone_by, 1 if undone_by is STOP_KEY else None)
    hands.runs(0, 5.0).runs(40, 2.0)
    assert hands.written == []


def test_a_stop_after_it_was_taken_back_writes_nothing_to_a_belt_at_rest() -> None:
    hands = ByHand().runs(0, 1.0)
    hands.status(KEY)
    hands.runs(0, 2.0)
    hands.status(STOP_KEY, 1)
    hands.ask(StopSession())
    assert hands.written == []


@pytest.mark.parametrize("denied", [False, True], ids=["for the key", "for want of control"])
@pytest.mark.parametrize(
    ("step", "after_s", "alarm"),
    [(BACKWARD, 1.0, True), (BACKWARD, 9.0, True), (BACKWARD, 11.0, False), (FORWARD, 1.0, False)],
)
def test_who_stands_backward_after_a_first_start_that_came_to_nothing_is_moved_by_nobody(
    step: str, after_s: float, alarm: bool, denied: bool
) -> None:
    hands = ByHand(step).offered()
    if denied:
        hands.results[RequestControl] = None
    if step == BACKWARD:
        hands.ask(Confirm(Act.START))
        hands.counting(Act.FACING)
    else:
        hands.counting()
    hands.runs(0, COUNTDOWN_S - 1.0)
    hands.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    while hands.session.stage is not Stage.ENDED:
        hands.runs(0, 0.25)
    hands.runs(0, after_s)
    hands.runs(80, 1.0)
    assert (hands.faults() == ["unexpected_motion"]) is alarm
    assert hands.guard.stopping is alarm
    assert hands.guard.manual(hands.now) is not alarm
