"""What belongs to one session ends with it: its cap, marker, watch over the walker, lease and answers."""

import pytest
from tests.core.bench import Bench, program
from tests.core.by_hand import ByHand

from blefit.units import Speed
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.model import (
    Act,
    Lease,
    Mark,
    Marked,
    Offer,
    PauseSession,
    Phase,
    Pulse,
    Replied,
    RequestControl,
    SetCap,
    Start,
    Stop,
    StopSession,
)
from retrowalk.core.offering import Setup, Walker
from retrowalk.sim.model.quirks import Quirks
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks

BLIND = Quirks(telemetry=TelemetryQuirks(fields=()))
STEADY = program("""
name = "Steady"
level = 0
steps = [{ walk = "forward", for = "3min", speed = 1.4 }]
""")
THERE_AND_BACK = program("""
name = "There and back"
level = 0
steps = [
  { walk = "forward", for = "20s", speed = 1.0 },
  { turn = "backward" },
  { walk = "backward", for = "1min", speed = 1.0 },
]
""")


def walking(bench: Bench) -> None:
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.phase is Phase.WALKING)


def stopped(bench: Bench) -> None:
    bench.ask(StopSession())
    assert bench.run(15, until=lambda b: b.snapshot.phase is Phase.ENDED)
    assert bench.real_speed == 0


def strapped() -> Bench:
    setup = Setup(
        site=SiteLimits(level=6),
        find_program=lambda _: STEADY,
        new_id=lambda: "s1",
        heart_rate_strap=True,
        anybody=Walker(maximum_heart_rate=180),
    )
    return Bench(quirks=BLIND, setup=setup)


def test_a_cap_that_was_lowered_is_that_of_its_session_alone() -> None:
    bench = Bench(quirks=BLIND, program=STEADY)
    walking(bench)
    bench.ask(SetCap(Speed(100)))
    stopped(bench)
    walking(bench)
    assert bench.snapshot.cap == 140
    assert bench.run(60, until=lambda b: b.real_speed == pytest.approx(140, abs=1))


def test_what_was_walked_is_that_of_its_session_alone() -> None:
    bench = Bench(quirks=BLIND, program=STEADY)
    walking(bench)
    bench.run(10)
    stopped(bench)
    assert bench.snapshot.distance_m > 1
    bench.offer()
    assert (bench.snapshot.distance_m, bench.snapshot.elapsed_s) == (0, 0)


def test_after_a_stop_at_the_console_the_speed_of_before_is_announced_anew() -> None:
    bench = Bench(quirks=BLIND, program=STEADY)
    walking(bench)
    assert bench.run(60, until=lambda b: b.real_speed >= 130)
    bench.treadmill.console.press("stop")
    assert bench.run(30, until=lambda b: b.snapshot.phase is Phase.PAUSED)
    assert bench.run(60, until=lambda b: b.snapshot.phase is Phase.WALKING)
    told = len(bench.said())
    assert bench.run(60, until=lambda b: b.real_speed > bench.quirks.ranges.minimum + 5)
    assert any(sentence.startswith("Speed rises") for sentence in bench.said()[told - 2 :])


def test_a_high_heart_rate_of_the_walker_before_is_not_that_of_this_one() -> None:
    bench = strapped()
    walking(bench)
    bench.controller.feed(Pulse(170, None), bench.now)
    stopped(bench)
    walking(bench)
    bench.run(20)
    assert bench.faults() == []


def test_a_lease_is_not_missed_after_its_session() -> None:
    bench = Bench(quirks=BLIND, program=STEADY)
    walking(bench)
    bench.ask(Lease())
    stopped(bench)
    bench.run(20)
    walking(bench)
    bench.run(20)
    assert bench.faults() == []


def test_each_session_has_its_own_marker_and_without_it_writes_nothing() -> None:
    bench = Bench(quirks=BLIND, program=STEADY)
    walking(bench)
    stopped(bench)
    assert bench.run(15, until=lambda b: not b.controller.marked)
    bench.marker_answers = False
    written = len(bench.frames)
    bench.offer()
    bench.run(60)
    assert bench.events("stopped")[-1].fields["reason"] == "the moving-marker is not written yet"
    assert bench.frames[written:] == []


def test_each_of_two_sessions_in_a_row_is_answered_at_its_end() -> None:
    bench = Bench(quirks=BLIND, program=STEADY, answers=frozenset())
    replies = []
    for _ in range(2):
        bench.offer()
        bench.run(2)
        bench.ask(StopSession())
        bench.run(2)
        told = [e for _, e in bench.effects if isinstance(e, Replied)]
        replies.append([e.outcome for e in told if e.command == "start"])
    assert replies == [["accepted", "failed"], ["accepted", "failed"] * 2]


@pytest.mark.parametrize("phase", [Phase.COUNTDOWN, Phase.WALKING, Phase.PAUSED, Phase.TURNING])
def test_a_lost_link_ends_a_session_in_whatever_phase_and_nothing_starts_on_the_next(phase: Phase) -> None:
    bench = Bench(quirks=BLIND, program=THERE_AND_BACK, answers=frozenset({Act.START}))
    bench.offer()
    if phase is Phase.PAUSED:
        assert bench.run(60, until=lambda b: b.snapshot.phase is Phase.WALKING)
        bench.answers = frozenset()
        bench.ask(PauseSession())
    assert bench.run(120, until=lambda b: b.snapshot.phase is phase)
    if phase in {Phase.PAUSED, Phase.TURNING}:
        bench.run(20)
    starts = len(bench.sent(0x07))
    bench.lose_link()
    bench.run(5)
    bench.connect()
    bench.answers = frozenset(Act)
    bench.run(60)
    (ended,) = bench.events("stopped", "completed", "missed")
    assert ended.fields["reason"] == "interrupted: the link was lost"
    assert len(bench.sent(0x07)) == starts
    assert bench.real_speed == 0


def test_nobody_has_the_highest_heart_rate_of_the_walker_before() -> None:
    hands = ByHand(walkers={"ann": Walker(maximum_heart_rate=150)}).runs(0, 1.0)
    assert hands.ask(Offer("p", "ann")) == [("accepted", "")]
    hands.ask(StopSession())
    hands.offered().walking()
    for _ in range(15):
        hands.feed(Pulse(170, True))
        hands.runs(80, 1.0)
    assert hands.faults() == []
    assert hands.phase() is Phase.WALKING


def test_the_marker_of_a_dead_process_is_not_the_next_sessions() -> None:
    hands = ByHand(left_running=True)
    hands.silence(2.5)
    hands.runs(0, 1.0)
    assert hands.written == [Stop()]
    hands.offered().counting().runs(0, 10.25)
    assert hands.written[1:] == [RequestControl(), Start()]
    assert hands.effects.count(Mark("s1")) == 1


def test_the_marker_goes_at_known_rest_however_long_the_next_offer_stands() -> None:
    hands = ByHand(left_running=True)
    hands.silence(2.5)
    hands.runs(0, 1.0)
    assert hands.ask(Offer("p", window_s=7200.0)) == [("accepted", "")]
    hands.runs(0, 8.0)
    assert hands.controller.marked
    hands.runs(0, 2.0)
    assert not hands.controller.marked


@pytest.mark.parametrize("error", ["", "the disk is full"])
def test_late_word_of_a_marker_is_not_the_next_sessions(error: str) -> None:
    names = iter(("s1", "s2"))
    hands = ByHand(marker=None, new_id=lambda: next(names)).counting()
    hands.ask(StopSession())
    hands.runs(0, 1.0)
    assert hands.ask(Offer("p")) == [("accepted", "")]
    hands.feed(Marked("s1", error))
    assert hands.phase() is Phase.OFFERED
    assert hands.faults() == []
    assert not hands.controller.marked
