"""What is refused, and in which words; what must never happen, and what follows when it does."""

from dataclasses import replace

import pytest
from tests.core.bench import Bench, machine_for, program
from tests.core.by_hand import SENSING, ByHand

from blefit.ftms.control_point import ResultCode
from blefit.units import Incline, Speed
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.guard import MAY_START_HIGH
from retrowalk.core.model import (
    Act,
    Ask,
    Characteristic,
    Confirm,
    DropLink,
    Lease,
    Notified,
    PauseSession,
    Phase,
    Quarantine,
    Replied,
    ResumeSession,
    SetCap,
    Skip,
    Start,
    StopSession,
    Target,
    TargetIncline,
    Written,
)
from retrowalk.core.program import Program
from retrowalk.core.session import Session
from retrowalk.sim.model.quirks import ControlQuirks, Quirks, Ranges
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks

QUICK = Quirks(telemetry=TelemetryQuirks(fields=()))
BACK = program('name = "Back"\nlevel = 2\nsteps = [ { walk = "backward", for = "1min", speed = 1.0 } ]')
WALK = program('name = "Walk"\nlevel = 2\nsteps = [ { walk = "forward", for = "2min", speed = 1.5 } ]')


def walking(bench: Bench) -> Bench:
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.commanded == 80)
    bench.run(5)
    return bench


SLOPED = TelemetryQuirks(fields=("inclination",))
FAST = program('name = "Fast"\nlevel = 4\nsteps = [ { walk = "forward", for = "2min", speed = 1.5 } ]')
HILL = program(
    'name = "Hill"\nlevel = 4\nsteps = [ { walk = "forward", for = "2min", speed = 1.5, incline = 1 } ]'
)


@pytest.mark.parametrize(
    ("deck", "what", "telemetry", "reason"),
    [
        (1, WALK, SLOPED, "the deck stands at 0.1 %, the incline cap is 0 % (level 2)"),
        (1, WALK, QUICK.telemetry, ""),
        (30, FAST, SLOPED, ""),
        (31, FAST, SLOPED, "the deck stands at 3.1 %, the incline cap is 3 % (level 4)"),
    ],
    ids=["steeper", "not told", "as steep as the level's cap", "steeper than that"],
)
def test_nobody_walks_on_a_deck_that_stands_steeper_than_the_cap(
    deck: int, what: Program, telemetry: TelemetryQuirks, reason: str
) -> None:
    ranges = Ranges(maximum_incline=Incline(0), fixed_incline=Incline(deck))
    reply = Bench(quirks=Quirks(ranges=ranges, telemetry=telemetry), program=what).offer()[0]
    told = f"{reason}: lower it at the console first" if reason else ""
    assert (reply.outcome, reply.reason) == ("refused" if reason else "accepted", told)


def test_but_a_slope_of_our_own_is_walked_down() -> None:
    bench = walking(Bench(quirks=Quirks(telemetry=SLOPED), program=HILL))
    assert bench.run(60, until=lambda b: b.snapshot.incline == 10)
    bench.ask(StopSession())
    bench.run(20)
    bench.program = WALK
    assert bench.offer()[0].outcome == "accepted"
    assert bench.run(90, until=lambda b: b.snapshot.incline == 0)


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (PauseSession(), "there is no session to pause"),
        (ResumeSession(), "there is no session to resume"),
        (Skip(), "there is no session to skip"),
        (SetCap(Speed(100)), "there is no session to lower the cap of"),
        (Lease(), "there is no session to hold a lease for"),
        (Confirm(None), "nothing is asked at this moment"),
        (Confirm(Act.START), "start does not fit: nothing is asked at this moment"),
        (Confirm(Act.CLEAR), "there is no fault to clear"),
    ],
)
def test_without_a_session_there_is_nothing_to_ask_for(ask: Ask, reason: str) -> None:
    bench = Bench(quirks=QUICK)
    (reply,) = bench.ask(ask)
    assert (reply.outcome, reply.reason) == ("refused", reason)
    assert bench.events("refused")[0].fields["reason"] == reason


def test_an_offer_is_refused_with_its_reason() -> None:
    assert Bench(quirks=QUICK, connect_now=False).offer()[0].reason == "the treadmill is not connected"
    assert Bench(quirks=QUICK).offer("nothing")[0].reason == "there is no program 'nothing'"
    low = Bench(quirks=QUICK, program=WALK, site=SiteLimits(level=1))
    assert low.offer()[0].reason == "Walk is level 2, the session's level is 1"
    ill = Bench(quirks=QUICK, program=WALK, machine=machine_for(QUICK, quarantined="it ran too fast"))
    assert "in quarantine (it ran too fast)" in ill.offer()[0].reason
    moving = walking(Bench(quirks=QUICK, program=WALK))
    moving.ask(StopSession())
    assert moving.offer()[0].reason == "the belt is not known to rest yet"


def test_what_does_not_fit_the_moment_says_what_does() -> None:
    bench = Bench(quirks=QUICK, program=WALK, answers=frozenset())
    bench.offer()
    assert bench.ask(Confirm(Act.FACING))[0].reason == "facing does not fit: start is asked at this moment"
    assert bench.ask(ResumeSession())[0].reason == "nothing to resume: the session is not paused or held"
    assert bench.ask(Skip())[0].reason == "nothing to skip: no step is being walked at this moment"
    bench.answers = frozenset({Act.START})
    assert bench.run(60, until=lambda b: b.snapshot.commanded == 80)
    assert "the belt is not still" in bench.ask(Confirm(Act.STILL))[0].reason


def test_a_hand_cannot_be_skipped_past() -> None:
    bench = Bench(quirks=QUICK, program=WALK, answers=frozenset({Act.START}))
    bench.offer()
    assert bench.run(120, until=lambda b: b.snapshot.commanded == 150)
    bench.run(8)
    for _ in range(4):
        bench.treadmill.console.press("slower")
    assert bench.run(20, until=lambda b: b.snapshot.phase is Phase.HELD)
    assert "hand" in bench.ask(Skip())[0].reason


def test_a_start_is_given_up_when_the_marker_is_late() -> None:
    bench = Bench(quirks=QUICK, program=WALK, marker_answers=False)
    bench.offer()
    bench.run(60)
    assert bench.events("stopped")[0].fields["reason"] == "the moving-marker is not written yet"
    assert bench.frames == []


def test_a_wish_that_the_guard_refuses_stops_the_belt_as_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = walking(Bench(quirks=QUICK, program=WALK))
    monkeypatch.setattr(Session, "wish", lambda *_: Target(Speed(600)))  # the planted bug
    bench.run(1)
    assert bench.faults() == ["refusal"]
    assert "G5" in str(bench.events("fault")[0].fields["detail"])
    monkeypatch.setattr(Session, "wish", lambda *_: Start())
    bench.run(20)
    assert bench.real_speed == 0
    assert bench.snapshot.phase is Phase.FAULTED
    assert len(bench.sent(0x07)) == 1
    stops = len(bench.sent(0x08))
    bench.treadmill.console.press("start")
    bench.run(15)
    assert len(bench.sent(0x08)) > stops, "G13: while faulted nobody's motion is manual use"
    assert bench.real_speed == 0


def test_a_stop_that_cannot_be_written_drops_the_link_once() -> None:
    bench = walking(Bench(quirks=QUICK, program=WALK))
    bench.write_s = 60.0
    bench.writes_arrive = False
    bench.ask(StopSession())
    bench.run(5)
    assert [e for _, e in bench.effects if isinstance(e, DropLink)] == [
        DropLink("a Stop could not be written within 2 s")
    ]
    assert "stop_unsent" in bench.faults()
    (stop,) = [e for _, e in bench.effects if isinstance(e, Replied) and e.outcome == "failed"]
    assert stop.command == "stop"
    assert "PULL THE CORD" in stop.reason


def test_a_machine_that_takes_miles_is_quarantined() -> None:
    miles = Quirks(control=ControlQuirks(targets_are_mph=True), telemetry=TelemetryQuirks(fields=()))
    bench = Bench(quirks=miles, program=WALK)
    bench.offer()
    bench.run(60)
    (quarantine,) = [e for _, e in bench.effects if isinstance(e, Quarantine)]
    assert "told 0.80 km/h" in quarantine.reason
    assert bench.ask(Confirm(Act.CLEAR))[0].outcome == "accepted"
    (refused,) = bench.offer()
    assert "is in quarantine (it ran faster than told" in refused.reason


def test_one_that_refuses_each_incline_is_led_on_without() -> None:
    deck = replace(SENSING, inclinable=True, maximum_incline=Incline(100))
    step = '{ walk = "forward", for = "5min", speed = 0.8, incline = 3 }'
    hands = ByHand(step, level=4, machine=deck)
    hands.results[TargetIncline] = int(ResultCode.OPERATION_FAILED)
    hands.walking().obeys(60.0)
    assert hands.written.count(TargetIncline(Incline(5))) > 5
    assert hands.phase() is Phase.WALKING


def test_a_machine_that_may_start_high_is_not_armed_to_walk_backward_and_says_why() -> None:
    high = machine_for(QUICK, starts_above_minimum=True)
    bench = Bench(quirks=QUICK, machine=high, program=WALK, answers=frozenset({Act.START}))
    bench.offer()
    assert bench.run(120, until=lambda b: (b.snapshot.commanded or 0) >= 140)
    bench.ask(StopSession())
    bench.run(30)
    bench.program = BACK
    assert bench.offer()[0].outcome == "accepted"
    assert bench.run(30, until=lambda b: b.snapshot.awaiting is Act.FACING)
    bench.run(3)
    (reply,) = bench.ask(Confirm(Act.FACING))
    assert reply.reason == MAY_START_HIGH
    assert len(bench.sent(0x07)) == 1


def test_something_is_left_to_stop_while_the_belt_is_ours_and_not_known_to_rest() -> None:
    def rests(bench: Bench) -> bool:
        return bool(bench.controller.nothing_to_stop)

    bench = Bench(quirks=QUICK, program=WALK, connect_now=False)
    assert rests(bench), "never ours"
    bench.connect()
    assert rests(bench), "not ours, whatever it does"
    bench.run(2)
    walking(bench)
    assert not rests(bench)
    bench.lose_link()
    assert not rests(bench)
    bench.connect()
    bench.run(10)
    assert rests(bench)
    bench.lose_link()
    assert rests(bench)


def test_garbled_octets_are_told_and_other_connections_are_not_heard() -> None:
    bench = Bench(quirks=QUICK)
    bench.controller.feed(Notified(bench.connection, Characteristic.TREADMILL_DATA, b"\x00"), bench.now)
    bench.run(1)
    (event,) = bench.events("garbled")
    assert (event.fields["uuid"], event.fields["hex"]) == ("2acd", "00")
    bench.controller.feed(Notified(bench.connection + 1, Characteristic.TREADMILL_DATA, b"\x00"), bench.now)
    bench.controller.feed(Written(bench.connection + 1, 1, "gone"), bench.now)
    bench.run(1)
    assert len(bench.events("garbled")) == 1


def test_silence_at_rest_is_asked_about_and_somebody_has_to_say_still() -> None:
    silent = Quirks(telemetry=TelemetryQuirks(silent_at=Speed(40), fields=()))
    bench = Bench(quirks=silent, program=WALK, answers=frozenset({Act.START, Act.STILL}))
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.commanded == 80)
    bench.run(5)
    bench.answers = frozenset()
    bench.ask(StopSession())
    bench.run(60)
    if bench.snapshot.awaiting is Act.STILL:
        assert "Is the belt still? Say still at the machine when it is." in bench.said()
        bench.ask(Confirm(Act.STILL))
        bench.run(1)
    assert bench.real_speed == 0
