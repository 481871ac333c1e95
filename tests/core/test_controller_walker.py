"""What keeps the walker safe through a session: presence, lease, heart rate, caps, the one who may start."""

import itertools
from collections.abc import Callable

import pytest
from tests.core.bench import Bench, machine_for, program
from tests.core.by_hand import TURN, ByHand

from blefit.ftms.machine_status import MachineStatusOp
from blefit.heart_rate import HeartRateMeasurement
from blefit.units import Speed
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.faults import BY_ID
from retrowalk.core.model import (
    AckFault,
    Act,
    Ask,
    Characteristic,
    Confirm,
    Direction,
    Lease,
    Notified,
    Offer,
    PauseSession,
    Phase,
    Pulse,
    ResumeSession,
    SetCap,
    Skip,
    Snapshot,
    StopSession,
)
from retrowalk.core.offering import Setup, Walker
from retrowalk.core.program import Program
from retrowalk.core.stages import Halt, Stage
from retrowalk.sim.model.quirks import BeltQuirks, Quirks
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks

QUICK = Quirks(telemetry=TelemetryQuirks(fields=()))
BACKWARD = program("""
name = "Backward"
level = 1
steps = [
  { walk = "forward", for = "10s", speed = 1.0 },
  { turn = "backward" },
  { walk = "backward", for = "4min", speed = 1.2 },
]
""")
FORWARD = program("""
name = "Forward"
level = 3
steps = [ { walk = "forward", for = "8min", speed = 2.5 } ]
""")
ASKS = "All good? Press OK at the machine."


def setup_for(walked: Program, **facts: object) -> Setup:
    known: dict[str, object] = {
        "site": SiteLimits(level=6),
        "find_program": lambda _name: walked,
        "new_id": lambda: "s1",
    }
    return Setup(**{**known, **facts})  # type: ignore[arg-type]  # a table of facts


def phase(bench: Bench) -> Phase:
    return bench.snapshot.phase


def pulse(bench: Bench) -> int | None:
    return bench.snapshot.heart_rate


def backward(bench: Bench) -> None:
    bench.offer()
    assert bench.run(120, until=lambda b: b.snapshot.direction is Direction.BACKWARD)


def fast(bench: Bench) -> None:
    bench.offer()
    assert bench.run(180, until=lambda b: b.snapshot.commanded == 250)
    bench.run(5)


# --- presence -----------------------------------------------------------------------------------------


def test_without_a_sign_of_the_walker_ok_is_asked_once_each_minute_and_its_answer_is_enough() -> None:
    bench = Bench(quirks=QUICK, program=BACKWARD)
    backward(bench)
    bench.run(200)
    asked = [at for at, e in bench.effects if getattr(e, "text", "") == ASKS]
    assert len(asked) == 3
    assert all(60 <= after - before <= 64 for before, after in itertools.pairwise(asked))
    assert bench.faults() == []


@pytest.mark.parametrize(
    ("facts", "after_s"),
    [({"anybody": Walker(guarded=True)}, 30), ({"site": SiteLimits(level=6, presence_s=45)}, 45)],
    ids=["guarded", "as the site has it"],
)
def test_ok_is_asked_for_as_often_as_this_walker_and_this_site_want_it(
    facts: dict[str, object], after_s: int
) -> None:
    bench = Bench(quirks=QUICK, setup=setup_for(BACKWARD, **facts))
    backward(bench)
    began = bench.now
    assert bench.run(120, until=lambda b: b.snapshot.awaiting is Act.OK)
    assert bench.now - began == pytest.approx(after_s, abs=1)


def test_without_an_answer_the_belt_slows_down_to_the_end_after_ten_seconds() -> None:
    bench = Bench(quirks=QUICK, program=BACKWARD, answers=frozenset({Act.START, Act.FACING}))
    backward(bench)
    began = bench.now
    assert bench.run(120, until=lambda b: b.snapshot.awaiting is Act.OK)
    assert 59 <= bench.now - began <= 61
    assert bench.run(30, until=lambda b: b.faults() != [])
    assert 69 <= bench.now - began <= 72
    assert bench.faults() == ["presence_missing"]
    bench.run(20)
    assert bench.real_speed == 0
    assert bench.events("stopped")[0].fields["reason"] == "no sign of the walker"
    assert bench.frames[-2][1] == b"\x02\x50\x00", "the planned end: the minimum before the stop"


@pytest.mark.parametrize(
    "ask",
    [Lease(), SetCap(Speed(250)), AckFault(), ResumeSession()],
    ids=["lease", "cap", "ack", "resume"],
)
def test_what_may_come_from_afar_is_no_sign_of_the_walker(ask: Ask) -> None:
    bench = Bench(quirks=QUICK, program=BACKWARD, answers=frozenset({Act.START, Act.FACING}))
    backward(bench)
    for _ in range(75):
        bench.ask(ask)
        bench.run(1)
    assert bench.faults() == ["presence_missing"]


def walking_backward(*steps: str) -> ByHand:
    hands = ByHand(TURN, *steps).offered()
    hands.ask(Confirm(Act.START))
    hands.counting(Act.FACING)
    while hands.session.stage is not Stage.WALKING:
        hands.obeys(0.25)
    return hands


def test_nor_is_a_skip() -> None:
    hands = walking_backward(*['{ walk = "backward", for = "2min", speed = 1.2 }'] * 2).obeys(55.0)
    assert hands.ask(Skip()) == [("accepted", ""), ("done", "")]
    assert ASKS in hands.obeys(6.0).said()


def test_ok_is_asked_for_in_a_cool_down_as_well() -> None:
    work, easy = (
        f'{{ walk = "backward", for = "{s}s", speed = {kmh} }}' for s, kmh in ((40, 1.2), (90, 0.8))
    )
    hands = walking_backward(work, easy).obeys(45.0)
    assert hands.phase() is Phase.COOLING_DOWN
    assert ASKS in hands.obeys(16.0).said()


def test_all_good_is_answered_by_ok_alone() -> None:
    bench = Bench(quirks=QUICK, program=BACKWARD, answers=frozenset({Act.START, Act.FACING}))
    backward(bench)
    assert bench.run(120, until=lambda b: b.snapshot.awaiting is Act.OK)
    assert bench.ask(Confirm(Act.STILL))[0].outcome == "refused"
    assert bench.ask(Confirm(Act.OK))[0].outcome == "accepted"


def test_steps_that_the_machine_counts_are_sign_enough() -> None:
    bench = Bench(program=BACKWARD, answers=frozenset({Act.START, Act.FACING}))
    backward(bench)
    bench.run(200)
    assert ASKS not in bench.said()
    assert bench.faults() == []


def test_a_setup_without_a_source_of_presence_is_held_to_its_limits() -> None:
    blind = machine_for(QUICK, reports_presence=False)
    bench = Bench(quirks=QUICK, machine=blind, setup=setup_for(BACKWARD))
    (reply,) = bench.offer()
    assert reply.outcome == "refused"
    assert "without a break" in reply.reason
    nobody = Bench(quirks=QUICK, machine=blind, setup=setup_for(BACKWARD, ok_in_reach=False))
    assert "nobody can say OK" in nobody.offer()[0].reason


def test_a_backward_session_needs_an_alarm_that_is_noticed_and_a_forward_one_does_not() -> None:
    deaf = Bench(quirks=QUICK, setup=setup_for(BACKWARD, alarm_reaches_walker=False))
    (reply,) = deaf.offer()
    assert (reply.outcome, "alarm" in reply.reason) == ("refused", True)
    forward = Bench(quirks=QUICK, setup=setup_for(FORWARD, alarm_reaches_walker=False))
    assert forward.offer()[0].outcome == "accepted"


# --- the lease ----------------------------------------------------------------------------------------


def test_a_lease_that_is_renewed_changes_nothing() -> None:
    bench = Bench(quirks=QUICK, program=FORWARD)
    fast(bench)
    for _ in range(30):
        assert bench.ask(Lease())[0].outcome == "accepted"
        bench.run(1)
    assert bench.faults() == []
    assert bench.snapshot.commanded == 250


def test_a_lease_that_runs_out_slows_after_three_seconds_and_stops_after_six() -> None:
    bench = Bench(quirks=QUICK, program=FORWARD)
    fast(bench)
    bench.ask(Lease())
    taken = bench.now
    assert bench.run(10, until=lambda b: (b.snapshot.commanded or 0) < 250)
    assert 3.0 <= bench.now - taken <= 4.5
    assert bench.run(10, until=lambda b: b.faults() != [])
    assert 6.0 <= bench.now - taken <= 6.5
    assert bench.faults() == ["lease_lost"]
    bench.run(15)
    assert bench.real_speed == 0


@pytest.mark.parametrize("ask", [Confirm(Act.OK), SetCap(Speed(250))], ids=["ok", "cap"])
def test_nothing_but_a_lease_renews_a_lease(ask: Ask) -> None:
    bench = Bench(quirks=QUICK, program=FORWARD)
    fast(bench)
    bench.ask(Lease())
    for _ in range(3):
        assert bench.ask(ask)[0].outcome == "accepted"
        bench.run(2.25)
    assert bench.faults() == ["lease_lost"]


@pytest.mark.parametrize(
    "halts",
    [
        lambda hands: hands.ask(PauseSession()),
        lambda hands: hands.status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER, 2),
    ],
    ids=["pausing", "paused"],
)
def test_a_lease_is_not_over_with_a_halt(halts: Callable[[ByHand], object]) -> None:
    hands = ByHand().at(150)
    hands.ask(Lease())
    hands.obeys(2.0)
    halts(hands)
    assert hands.obeys(3.75).faults() == []
    assert hands.obeys(0.25).faults() == ["lease_lost"]
    assert hands.session.stage is Stage.ENDED


def test_nor_with_a_lost_link_while_only_offered() -> None:
    hands = ByHand().offered()
    hands.ask(Lease())
    hands.lose_link()
    hands.connect()
    assert hands.runs(0, 6.0).faults() == ["lease_lost"]


def test_a_lease_taken_while_only_offered_ends_the_offer_when_its_client_goes() -> None:
    bench = Bench(quirks=QUICK, program=FORWARD, answers=frozenset())
    bench.offer()
    bench.ask(Lease())
    bench.run(7)
    assert bench.events("stopped")[0].fields["reason"] == "whoever held the lease went away"
    assert bench.frames == []


def test_a_client_that_renews_after_the_end_does_no_harm() -> None:
    bench = Bench(quirks=QUICK, program=FORWARD)
    fast(bench)
    bench.ask(Lease())
    bench.ask(StopSession())
    bench.run(2)
    assert bench.ask(Lease())[0].outcome == "refused"
    bench.run(20)
    assert bench.faults() == []


def test_a_slowed_belt_is_raised_again_only_after_a_new_announcement() -> None:
    bench = Bench(quirks=QUICK, program=FORWARD)
    fast(bench)
    bench.ask(Lease())
    assert bench.run(10, until=lambda b: (b.snapshot.commanded or 0) <= 220)
    said = len([s for s in bench.said() if s.startswith("Speed rises")])
    back = bench.now
    low = bench.snapshot.commanded
    assert low is not None
    while bench.now < back + 5.5:
        bench.ask(Lease())
        bench.run(0.5)
        assert (bench.snapshot.commanded or 0) <= low
    assert len([s for s in bench.said() if s.startswith("Speed rises")]) == said + 1


# --- heart rate (G16) -----------------------------------------------------------------------------------


def beat(bench: Bench, bpm: int) -> None:
    payload = HeartRateMeasurement(heart_rate=bpm, contact=True).encode()
    bench.controller.feed(Notified(bench.connection, Characteristic.HEART_RATE, payload), bench.now)


def hearts(**facts: object) -> Bench:
    return Bench(quirks=QUICK, setup=setup_for(FORWARD, anybody=Walker(maximum_heart_rate=180), **facts))


def test_a_heart_rate_above_75_percent_stops_the_raises_and_above_85_ends_the_session() -> None:
    bench = hearts()
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.commanded == 100)
    for _ in range(30):
        beat(bench, 140)
        bench.run(1)
    commanded = bench.snapshot.commanded
    assert commanded is not None
    assert commanded <= 120
    assert bench.faults() == []
    for _ in range(4):
        beat(bench, 155)
        bench.run(1)
    assert bench.faults() == ["heart_rate_high"]
    bench.run(20)
    assert bench.real_speed == 0


def held() -> ByHand:
    return ByHand(anybody=Walker(maximum_heart_rate=180)).at(150).runs(110, 3.0)


def started_at_the_console() -> ByHand:
    hands = ByHand(anybody=Walker(maximum_heart_rate=180)).offered()
    hands.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    return hands.runs(80, 3.0)


def cooling_down() -> ByHand:
    steps = '{ walk = "forward", for = "40s", speed = 1.5 }', '{ walk = "forward", for = "60s", speed = 0.9 }'
    hands = ByHand(*steps, anybody=Walker(maximum_heart_rate=180)).walking().obeys(50.0)
    assert hands.phase() is Phase.COOLING_DOWN
    return hands


@pytest.mark.parametrize("state", [held, started_at_the_console, cooling_down])
def test_above_85_percent_any_walk_goes_down_to_its_end(state: Callable[[], ByHand]) -> None:
    hands = state()
    for _ in range(3):
        hands.feed(Pulse(160, None))
    assert hands.faults()[-1] == "heart_rate_high"
    assert (hands.session.halt, hands.session.end_reason) == (Halt.END, BY_ID["heart_rate_high"].cause)


def test_a_strap_that_falls_silent_warns_and_then_ends_the_session() -> None:
    bench = hearts()
    fast(bench)
    beat(bench, 100)
    assert pulse(bench) == 100
    bench.run(31)
    assert pulse(bench) is None
    assert bench.said().count("No heart rate for 30 seconds. Check the strap.") == 1
    bench.run(30)
    assert bench.faults() == ["heart_rate_gone"]


def test_a_strap_of_the_session_before_is_not_missed_in_the_next() -> None:
    bench = hearts()
    bench.offer()
    beat(bench, 100)
    bench.ask(StopSession())
    bench.run(120)
    fast(bench)
    assert bench.faults() == []


# --- the cap ------------------------------------------------------------------------------------------


def test_a_lowered_cap_slides_down_and_is_never_raised_again() -> None:
    bench = Bench(quirks=QUICK, program=FORWARD)
    fast(bench)
    assert bench.ask(SetCap(Speed(155)))[0].outcome == "accepted"
    over: list[float] = []
    bench.each_step.append(lambda b: over.append(b.real_speed - (b.controller.guard.cap(b.now) or 999)))
    bench.run(30)
    assert max(over) <= 20
    assert bench.real_speed == pytest.approx(150)
    assert (bench.snapshot.cap, bench.snapshot.cap_reason) == (155, "set_cap")
    (refused,) = bench.ask(SetCap(Speed(200)))
    assert refused.reason == "a cap can only be lowered: it is 1.55 km/h"
    assert bench.ask(SetCap(Speed(70)))[0].reason == "0.7 km/h is below the machine's slowest, 0.8: use stop"
    assert bench.faults() == []


def test_a_cap_that_is_lowered_on_the_way_down_to_a_halt_is_kept_to_and_nothing_is_raised() -> None:
    bench = Bench(quirks=QUICK, program=FORWARD, site=SiteLimits(level=6, ramp_down=10, step_down=Speed(20)))
    fast(bench)
    bench.ask(PauseSession())
    begun = len(bench.frames)
    bench.run(1)
    bench.ask(SetCap(Speed(100)))
    assert bench.run(60, until=lambda b: b.real_speed == 0)
    targets = [int.from_bytes(frame[1:3], "little") for _, frame in bench.frames[begun:] if frame[0] == 0x02]
    assert targets == sorted(targets, reverse=True)
    assert "refusal" not in bench.faults()
    assert phase(bench) is Phase.PAUSED


def test_a_cap_that_is_set_before_the_start_holds_in_it_and_not_in_the_next_session() -> None:
    bench = Bench(quirks=QUICK, program=FORWARD)
    bench.offer()
    bench.ask(SetCap(Speed(120)))
    assert (bench.snapshot.cap, bench.snapshot.cap_reason) == (120, "set_cap")
    bench.run(120)
    assert bench.real_speed == pytest.approx(120)
    bench.ask(StopSession())
    bench.run(20)
    bench.offer()
    assert (bench.snapshot.cap, bench.snapshot.cap_reason) == (250, "program")


# --- alarms -------------------------------------------------------------------------------------------


def test_an_alarm_is_silenced_not_cleared_and_sounds_again_for_a_new_fault() -> None:
    bench = Bench(quirks=Quirks(belt=BeltQuirks(ignores_stop=True)), program=FORWARD)
    fast(bench)
    assert bench.ask(AckFault())[0].reason == "there is no fault to silence"
    bench.ask(StopSession())
    bench.run(10)
    assert bench.controller.alarm.startswith("PULL THE CORD")
    bench.ask(AckFault())
    assert bench.controller.alarm == ""
    assert phase(bench) is Phase.FAULTED
    assert bench.ask(Confirm(Act.CLEAR))[0].outcome == "refused", "the belt still runs"
    bench.lose_link()
    assert bench.controller.alarm != ""
    bench.connect()
    bench.treadmill.safety_key.pull()
    bench.run(10)
    assert bench.snapshot.awaiting is Act.CLEAR
    assert bench.offer()[0].outcome == "refused"
    assert bench.ask(Confirm(None))[0].outcome == "accepted"
    assert {str(e.fields["id"]) for e in bench.events("fault_cleared")} >= {"stop_ignored", "link_lost"}
    assert bench.snapshot.fault is None
    bench.treadmill.safety_key.replace()
    assert bench.offer()[0].outcome == "accepted"


# --- the console's Start key ----------------------------------------------------------------------------


def test_a_session_that_the_console_starts_stays_at_the_minimum_until_an_ok() -> None:
    bench = Bench(quirks=QUICK, program=FORWARD, answers=frozenset())
    bench.offer()
    bench.treadmill.console.press("start")
    bench.run(60)
    state = bench.snapshot
    assert (state.phase, state.awaiting, state.commanded) == (Phase.WALKING, Act.OK, 80)
    assert [frame[0] for _, frame in bench.frames] == [0x00, 0x02], "control and the minimum, no Start"
    assert bench.events("started")[0].fields["by"] == "console"
    assert bench.controller.marked
    bench.ask(Confirm(Act.OK))
    bench.run(60)
    assert (bench.snapshot.commanded or 0) > 100


def test_the_key_in_the_countdown_of_a_forward_part_starts_it_and_in_a_backward_turn_is_an_alarm() -> None:
    bench = Bench(quirks=QUICK, program=BACKWARD)
    bench.offer()
    assert bench.run(30, until=lambda b: b.snapshot.phase is Phase.COUNTDOWN)
    bench.treadmill.console.press("start")
    assert bench.run(15, until=lambda b: b.snapshot.phase is Phase.WALKING)
    assert bench.sent(0x07) == []
    bench.ask(Confirm(Act.OK))
    bench.answers = frozenset()
    assert bench.run(60, until=lambda b: b.snapshot.awaiting is Act.FACING)
    bench.run(12)
    bench.treadmill.console.press("start")
    bench.run(15)
    assert bench.faults() == ["unexpected_motion"]
    assert bench.real_speed == 0


def test_the_key_after_the_facing_is_confirmed_backward_is_an_alarm_too() -> None:
    bench = Bench(quirks=QUICK, program=BACKWARD, site=SiteLimits(level=6, countdown_s=20))
    bench.offer()
    assert bench.run(120, until=lambda b: b.events("turn") != [])
    bench.run(10)
    bench.treadmill.console.press("start")
    bench.run(15)
    assert bench.faults() == ["unexpected_motion"]
    assert bench.real_speed == 0
    assert len(bench.sent(0x07)) == 1


def test_the_belt_by_hand_is_manual_use_and_forbidden_where_the_site_says_so() -> None:
    bench = Bench(quirks=QUICK)
    bench.treadmill.console.press("start")
    bench.run(10)
    assert phase(bench) is Phase.MANUAL
    assert bench.frames == []
    assert bench.offer()[0].reason == "the belt is in manual use: stop it at the console first"
    bench.treadmill.console.press("stop")
    bench.run(10)
    assert phase(bench) is Phase.IDLE

    strict = Bench(quirks=QUICK, setup=setup_for(FORWARD, manual_use_allowed=False))
    strict.treadmill.console.press("start")
    strict.run(15)
    assert strict.faults() == ["unexpected_motion"]
    assert strict.real_speed == 0


# --- what is shown --------------------------------------------------------------------------------------


def test_what_is_not_known_is_none() -> None:
    bench = Bench(quirks=QUICK, connect_now=False)
    state = bench.snapshot
    nothing = {
        "measured", "commanded", "cap", "cap_reason", "incline", "heart_rate", "energy_kcal_estimate",
        "step_index", "step_count", "step_remaining_s", "session_remaining_s", "next_step", "awaiting",
        "program", "walker", "fault", "telemetry_age_s", "session_id",
    }  # fmt: skip
    assert {name for name in Snapshot._fields if getattr(state, name) is None} == nothing
    assert state.phase is Phase.DISCONNECTED


def test_the_incline_is_unknown_until_a_record_of_this_link_tells_it() -> None:
    bench = Bench(connect_now=False)
    for _ in range(2):
        bench.connect()
        assert bench.snapshot.incline is None
        bench.run(2)
        assert bench.snapshot.incline == 0
        bench.lose_link()
        assert bench.snapshot.incline is None


def test_a_link_is_restored_only_where_there_was_one() -> None:
    bench = Bench(quirks=QUICK)
    assert bench.events("link_restored") == []
    bench.lose_link()
    bench.connect()
    assert len(bench.events("link_lost", "link_restored")) == 2


def test_a_note_says_in_words_what_it_is_about() -> None:
    bench = Bench(quirks=QUICK, program=FORWARD)
    bench.offer()
    assert bench.run(60, until=lambda b: b.real_speed > 75)
    bench.treadmill.console.press("stop")
    bench.run(5)
    assert [e.fields["text"] for e in bench.events("note")] == ["Stopped at the console."]


def test_a_machine_that_comes_back_another_ends_the_offer() -> None:
    bench = Bench(quirks=QUICK, setup=setup_for(FORWARD, walkers={"Ada": Walker()}), answers=frozenset())
    bench.ask(Offer("p", walker="Ada"))
    assert bench.snapshot.walker == "Ada"
    bench.lose_link()
    assert phase(bench) is Phase.DISCONNECTED
    assert bench.snapshot.awaiting is None
    assert bench.ask(Confirm(Act.STILL))[0].outcome == "refused"
    bench.connect()
    bench.run(2)
    assert phase(bench) is Phase.OFFERED
    bench.lose_link()
    bench.machine = machine_for(QUICK, minimum=Speed(100))
    bench.connect()
    bench.run(1)
    assert bench.events("stopped")[0].fields["reason"] == "the treadmill is not as it was: offer it again"
