"""What everybody may see: what is known at this moment, and nothing that was known before it."""

from dataclasses import replace

import pytest
from tests.core.by_hand import SENSING, ByHand
from tests.core.seat import BACKWARD, FORWARD, Seat, walk

from blefit.units import Incline, Speed
from retrowalk.core.faults import BY_ID
from retrowalk.core.model import Act, Confirm, Phase, SetCap, StopSession
from retrowalk.core.showing import cap_in_force
from retrowalk.core.stages import Halt


def on_a_slope() -> ByHand:
    """A program with an incline, on a machine that takes one and reports none."""
    deck = replace(SENSING, inclinable=True, maximum_incline=Incline(100))
    return ByHand('{ walk = "forward", for = "5min", speed = 1.5, incline = 1 }', level=4, machine=deck)


@pytest.mark.parametrize(("silence", "shown"), [(3.75, 150), (4.0, None)])
def test_a_speed_of_four_seconds_ago_is_unknown(silence: float, shown: int | None) -> None:
    hands = ByHand().at(150)
    hands.silence(silence)
    assert hands.snapshot.measured == shown
    assert hands.snapshot.telemetry_age_s == silence


def test_a_silent_belt_is_shown_to_rest_when_somebody_says_so_and_not_before() -> None:
    hands = ByHand()
    shown = [hands.snapshot.measured]
    hands.runs(0, 1.0).silence(10.0)
    shown.append(hands.snapshot.measured)
    hands.ask(Confirm(Act.STILL))
    assert [*shown, hands.snapshot.measured] == [None, None, 0]


def test_what_it_ran_before_it_fell_silent_is_not_shown_then() -> None:
    hands = ByHand(machine=replace(SENSING, silent_at_rest=True)).runs(30, 1.0)
    hands.silence(5.0)
    hands.ask(Confirm(Act.STILL))
    assert hands.snapshot.measured == 0


@pytest.mark.parametrize(
    ("said", "there", "gone"),
    [("connected", "connected", "disconnected"), ("", "connected", "disconnected"), ("scanning",) * 3],
)
def test_a_link_that_is_still_hung_up_is_lost_already(said: str, there: str, gone: str) -> None:
    hands = ByHand()
    assert hands.controller.snapshot(hands.now, said).link == there
    hands.lose_link()
    assert hands.controller.snapshot(hands.now, said).link == gone


def test_of_a_lost_treadmill_nothing_is_measured() -> None:
    hands = on_a_slope()
    hands.at(150).obeys(10.0)
    shown = hands.snapshot
    assert (shown.measured, shown.incline, shown.link) == (150, 10, "connected")
    hands.lose_link()
    lost = hands.snapshot
    assert (lost.measured, lost.incline, lost.telemetry_age_s) == (None, None, None)
    assert lost.link == "disconnected"


def test_an_incline_is_shown_as_it_is_reported_else_as_it_was_told_and_level_is_what_nobody_told() -> None:
    hands = on_a_slope()
    shown = [hands.snapshot.incline]
    hands.at(150).obeys(10.0)
    shown.append(hands.snapshot.incline)
    hands.record(150, incline=5)
    assert [*shown, hands.snapshot.incline] == [None, 10, 5]


def test_a_fault_is_shown_though_its_treadmill_is_lost() -> None:
    hands = ByHand().at(150)
    hands.lose_link()
    assert (hands.phase(), hands.snapshot.fault) == (Phase.FAULTED, "link_lost")
    idle = ByHand().runs(0, 1.0)
    idle.lose_link()
    assert (idle.phase(), idle.snapshot.fault) == (Phase.DISCONNECTED, None)


def test_of_two_faults_the_worse_is_shown_whichever_came_first() -> None:
    for ids in (("too_fast", "stop_ignored"), ("stop_ignored", "too_fast")):
        hands = ByHand().runs(0, 1.0)
        for fault_id in ids:
            hands.controller._ledger.raise_(fault_id, hands.now)
        worst = BY_ID["stop_ignored"]
        assert (hands.snapshot.fault, hands.snapshot.fault_text) == (worst.id, worst.sentence)


def test_a_cap_that_was_set_for_the_faster_way_is_not_that_of_the_slower() -> None:
    seat = Seat(walk(BACKWARD, 120), "turn forward", walk(FORWARD, 200)).halted(Halt.PAUSE, facing=BACKWARD)
    seat.session.live_cap = Speed(180)
    assert cap_in_force(seat.session, seat.desk.guard, seat.desk.now) == 120


def test_what_was_commanded_and_capped_is_not_in_force_after_the_stop() -> None:
    hands = ByHand().at(150)
    hands.ask(SetCap(Speed(120)))
    hands.obeys(10.0)
    shown = hands.snapshot
    assert (shown.commanded, shown.cap, shown.cap_reason) == (120, 120, "set_cap")
    hands.ask(StopSession())
    hands.slides(120, 0)
    hands.runs(0, 1.0)
    assert hands.snapshot.commanded is None
    assert hands.snapshot.cap == 120, "of the session that is shown for a while"
    hands.runs(0, 11.0)
    shown = hands.snapshot
    assert (shown.session_id, shown.cap, shown.cap_reason, shown.direction) == (None, None, None, "standing")
