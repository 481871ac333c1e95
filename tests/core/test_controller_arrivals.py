"""What may not wait is done on arrival, before the next look; and what meets in one moment."""

from collections.abc import Callable

import pytest
from tests.core.by_hand import BACKWARD, ByHand

from blefit.ftms.control_point import ResultCode
from blefit.ftms.machine_status import MachineStatusOp
from blefit.units import Speed
from retrowalk.core.faults import BY_ID
from retrowalk.core.model import (
    Act,
    Characteristic,
    Confirm,
    Effect,
    Emitted,
    Lease,
    Mark,
    Marked,
    Notified,
    Phase,
    Pulse,
    Request,
    RequestControl,
    Stop,
    StopSession,
    Target,
)
from retrowalk.core.offering import Walker
from retrowalk.core.session import Session
from retrowalk.core.stages import Stage


def on_arrival(hands: ByHand, happening: object) -> list[Effect]:
    """What it leads to by itself, without a look."""
    hands.controller.feed(happening, hands.now)
    return list(hands.controller.effects())


def kinds(effects: list[Effect]) -> list[str]:
    return [effect.type for effect in effects if isinstance(effect, Emitted)]


def test_a_stop_is_written_on_arrival() -> None:
    hands = ByHand().at(150)
    effects = on_arrival(hands, Request("r", "mqtt", StopSession()))
    assert hands.written[-1] == Stop()
    assert kinds(effects) == ["stopped"]


def test_the_safety_key_ends_the_session_on_arrival() -> None:
    hands = ByHand().at(150)
    key = bytes([MachineStatusOp.STOPPED_BY_SAFETY_KEY])
    assert kinds(on_arrival(hands, Notified(1, Characteristic.MACHINE_STATUS, key))) == ["fault", "stopped"]
    assert hands.session.stage is Stage.ENDED


def test_after_a_session_the_safety_key_is_a_note_and_no_fault() -> None:
    hands = ByHand().at(150)
    hands.ask(StopSession())
    hands.slides(150, 0)
    hands.runs(0, 1.0)
    assert hands.session.stage is Stage.ENDED
    hands.status(MachineStatusOp.STOPPED_BY_SAFETY_KEY)
    assert [note["text"] for note in hands.events("note")] == ["The safety key is out."]
    assert hands.faults() == []


def test_a_wish_that_is_refused_is_a_stop_in_the_same_look(monkeypatch: pytest.MonkeyPatch) -> None:
    hands = ByHand().at(150)
    monkeypatch.setattr(Session, "wish", lambda *_: Target(Speed(600)))  # the planted bug
    hands.controller.act(hands.now + 1.0)
    assert hands.written[-1] == Stop()
    assert hands.guard.faulted


def heart(hands: ByHand, bpm: int) -> None:
    """Beats enough to count."""
    for _ in range(3):
        hands.controller.feed(Pulse(bpm, None), hands.now)


def test_of_two_reasons_to_slow_down_in_one_moment_the_first_is_the_reason() -> None:
    hands = ByHand(BACKWARD, anybody=Walker(maximum_heart_rate=180)).offered()
    hands.ask(Confirm(Act.START))
    hands.counting(Act.FACING)
    while hands.phase() is not Phase.WALKING or hands.snapshot.awaiting is not Act.OK:
        hands.obeys(0.25)
    hands.obeys(9.75)
    assert hands.faults() == []
    hands.now += 0.25
    heart(hands, 170)
    hands.record(hands.guard.commanded or 0)
    assert hands.faults() == ["heart_rate_high", "presence_missing"]
    assert hands.session.end_reason == "the heart rate passed 85 % of its maximum"


def test_the_first_fault_that_stops_the_belt_stays_the_reason() -> None:
    hands = ByHand().at(150)
    hands.silence(9.0)
    hands.runs(150, 6.0)
    assert hands.faults() == ["telemetry_late", "telemetry_lost", "stop_ignored"]
    assert hands.snapshot.fault == "stop_ignored"
    assert [event["reason"] for event in hands.events("stopped")] == [BY_ID["telemetry_lost"].cause]


def test_a_fault_that_stops_the_belt_is_the_reason_though_it_was_slowing_down_for_another() -> None:
    hands = ByHand(anybody=Walker(maximum_heart_rate=180)).at(150)
    heart(hands, 170)
    hands.record(150)
    hands.silence(4.25)
    assert hands.faults() == ["heart_rate_high", "telemetry_late", "telemetry_lost"]
    assert hands.session.end_reason == BY_ID["telemetry_lost"].cause


def test_a_session_that_is_over_is_not_slowed_down() -> None:
    hands = ByHand(anybody=Walker(maximum_heart_rate=180)).at(150)
    hands.ask(Lease())
    hands.runs(150, 3.0).obeys(2.75)
    hands.now += 0.25
    heart(hands, 170)
    hands.record(hands.guard.commanded or 0)
    assert hands.faults() == ["lease_lost", "heart_rate_high"]
    assert hands.session.stage is Stage.ENDED


def shown(hands: ByHand) -> None:
    """Its session is over, and still shown."""


def gone(hands: ByHand) -> None:
    hands.runs(0, 0.25)
    assert hands.controller.session is None


@pytest.mark.parametrize(("then", "session"), [(shown, "s1"), (gone, ""), (ByHand.offered, "s2")])
def test_a_start_that_a_stop_overtook_is_marked_once_more_when_it_moves_the_belt(
    then: Callable[[ByHand], object], session: str
) -> None:
    ids = iter(("s1", "s2"))
    hands = ByHand(new_id=lambda: next(ids)).starting()
    hands.ask(StopSession())
    hands.runs(0, 9.75)
    assert hands.controller.marked
    hands.silence(0.25)
    assert not hands.controller.marked
    then(hands)
    before = len(hands.effects)
    hands.marker = "the disk is full"
    hands.record(80)
    hands.record(80)
    assert hands.controller.marked
    assert [e for e in hands.effects[before:] if isinstance(e, Mark)] == [Mark(session)]
    assert "start_refused" not in hands.faults(), "nothing waits for this marker"
    hands.runs(0, 15.0)
    assert not hands.controller.marked


def test_a_marker_that_fails_when_its_session_is_long_over_is_nobodys_fault() -> None:
    hands = ByHand(marker=None).offered()
    hands.ask(Confirm(Act.START))
    hands.ask(StopSession())
    while hands.controller.session is not None:
        hands.runs(0, 10.0)
    hands.feed(Marked("s1", "the disk is full"))
    assert hands.faults() == []


def test_control_that_a_stop_asked_for_and_did_not_wait_for_is_a_note() -> None:
    hands = ByHand().runs(0, 1.0).runs(150, 1.0)
    hands.results[Stop] = int(ResultCode.CONTROL_NOT_PERMITTED)
    hands.results[RequestControl] = None
    hands.ask(StopSession())
    assert hands.written == [Stop(), RequestControl()]
    hands.runs(0, 1.0)
    assert not hands.guard.stopping
    hands.runs(0, 2.0)
    assert [note["id"] for note in hands.events("note")] == ["control_refused"]
    assert hands.faults() == []


def test_motion_after_a_stop_that_could_not_be_written_is_nobodys_until_it_is_cleared() -> None:
    hands = ByHand().at(150)
    hands.stuck = True
    hands.ask(StopSession())
    hands.runs(150, 2.0)
    assert hands.faults() == ["stop_unsent"]
    hands.runs(60, 0.5).runs(0, 1.0)
    assert hands.snapshot.fault == "stop_unsent", "rest clears no alarm"
    hands.lose_link()
    hands.stuck = False
    hands.connect()
    hands.runs(0, 12.0)
    hands.written.clear()
    hands.runs(100, 0.5)
    assert hands.faults() == ["stop_unsent", "unexpected_motion"], "G13"
    assert hands.written == [Stop()]
    hands.runs(0, 1.0)
    hands.ask(Confirm(Act.CLEAR))
    hands.runs(0, 10.0).runs(100, 0.5)
    assert hands.phase() is Phase.MANUAL
