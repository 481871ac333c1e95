"""When a belt is left alone, marked, let go or dropped: what a session and commissioning have in common."""

from collections.abc import Callable

import pytest
from tests.core.by_hand import ByHand

from blefit.ftms.machine_status import MachineStatusOp
from retrowalk.core.model import Act, Confirm, DropLink, Effect, Mark, StopSession, Unmark


def idle() -> ByHand:
    return ByHand().runs(0, 1.0)


def by_hand() -> ByHand:
    return ByHand().runs(0, 1.0).runs(150, 1.0)


def stopping(hands: ByHand) -> ByHand:
    hands.ask(StopSession())
    assert hands.guard.stopping
    return hands


def stuck(hands: ByHand) -> ByHand:
    """Writes do not come to an end."""
    hands.stuck = True
    return hands


def unlinked(hands: ByHand) -> ByHand:
    hands.lose_link()
    return hands


@pytest.mark.parametrize(
    ("state", "rests"),
    [
        (idle, True),
        (ByHand, True),
        (by_hand, True),
        (lambda: ByHand().counting(), False),
        (lambda: ByHand().starting(), False),
        (lambda: ByHand().at(150), False),
        (lambda: stopping(ByHand().at(150)), False),
        (lambda: stopping(stuck(ByHand().starting())), False),
        (lambda: stopping(by_hand()), False),
        (lambda: stopping(ByHand().at(150)).runs(0, 1.0), True),
        (lambda: ByHand(connect=False), True),
        (lambda: ByHand(connect=False, left_running=True), False),
        (lambda: unlinked(by_hand()), True),
        (lambda: unlinked(ByHand().at(150)), False),
    ],
    ids=[
        "idle",
        "nothing heard",
        "by hand",
        "armed",
        "starting",
        "walking",
        "being stopped",
        "starting, its Stop not through",
        "by hand, being stopped",
        "stopped",
        "never reached",
        "left running",
        "by hand, unlinked",
        "walking, unlinked",
    ],
)
def test_nothing_is_left_to_stop_where_the_belt_rests_or_is_not_ours(
    state: Callable[[], ByHand], rests: bool
) -> None:
    hands = state()
    assert hands.controller.nothing_to_stop is rests


def marks(hands: ByHand) -> list[Effect]:
    return [effect for effect in hands.effects if isinstance(effect, Mark | Unmark)]


def test_the_marker_is_there_from_before_the_start_until_known_rest() -> None:
    hands = ByHand().offered()
    assert not hands.controller.marked
    hands.counting()
    assert hands.controller.marked
    hands.runs(0, 10.25).runs(80, 3.0)
    hands.ask(StopSession())
    hands.runs(40, 1.0).runs(0, 0.25)
    assert marks(hands) == [Mark("s1")]
    hands.runs(0, 0.5)
    assert marks(hands) == [Mark("s1"), Unmark()]
    assert not hands.controller.marked
    assert not hands.guard.marked


def test_rest_alone_removes_no_marker_while_a_stop_for_a_start_cannot_be_written() -> None:
    hands = ByHand().starting()
    hands.write_error = "no buffer"
    hands.ask(StopSession())
    hands.runs(0, 12.0)
    assert hands.guard.resting(hands.now)
    assert hands.guard.stopping
    assert hands.controller.marked
    hands.write_error = ""
    hands.runs(0, 9.0)
    assert hands.controller.marked, "some machines start on a Stop at rest"
    hands.runs(0, 3.0)
    assert not hands.controller.marked


@pytest.mark.parametrize("left_running", [True, False])
def test_a_marker_that_was_left_is_there_from_the_beginning(left_running: bool) -> None:
    hands = ByHand(left_running=left_running, connect=False)
    assert hands.controller.marked is left_running
    assert hands.guard.left_running is left_running


def drops(hands: ByHand) -> list[Effect]:
    return [effect for effect in hands.effects if isinstance(effect, DropLink)]


def test_a_link_that_takes_no_stop_is_dropped_once_after_two_seconds_and_so_is_the_next() -> None:
    hands = ByHand().at(150)
    hands.stuck = True
    hands.ask(StopSession())
    hands.runs(150, 1.75)
    assert drops(hands) == []
    hands.runs(150, 0.25)
    assert drops(hands) == [DropLink("a Stop could not be written within 2 s")]
    hands.runs(150, 5.0)
    assert len(drops(hands)) == 1
    hands.lose_link()
    hands.connect()
    hands.runs(150, 5.0)
    assert len(drops(hands)) == 2


def test_so_is_one_that_takes_none_of_a_belt_without_a_session() -> None:
    hands = stopping(stuck(by_hand())).runs(150, 2.0)
    assert len(drops(hands)) == 1
    assert hands.faults() == ["stop_unsent"]


def test_each_effect_is_handed_over_once() -> None:
    hands = ByHand()
    hands.controller._say("once")
    assert [effect.alarm for effect in hands.controller.effects()] == [False]
    assert list(hands.controller.effects()) == []


def test_the_alarm_is_the_sentence_of_the_worst_fault_until_it_is_over() -> None:
    hands = ByHand().at(150)
    assert hands.controller.alarm == ""
    hands.status(MachineStatusOp.CONTROL_PERMISSION_LOST)
    assert hands.controller.alarm == "Stopping: the treadmill gave control to somebody else."
    hands.runs(150, 4.0)
    assert hands.controller.alarm == "PULL THE CORD. The belt does not obey Stop."
    hands.runs(0, 2.0)
    hands.ask(Confirm(Act.CLEAR))
    assert hands.controller.alarm == ""


def test_the_marker_stays_while_a_start_may_come_that_a_stop_overtook_after_one_record_of_motion() -> None:
    """That record may have been garbled."""
    hands = ByHand().starting()
    hands.record(80)
    hands.ask(StopSession())
    began = hands.now
    while Unmark() not in hands.effects:
        hands.runs(0, 0.25)
    assert hands.now - began == 10.0
