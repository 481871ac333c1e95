"""Every command: one accepted or refused, and for an accepted one later exactly one done or failed."""

from collections.abc import Callable
from copy import deepcopy

import pytest
from tests.core.bench import PERSON, Bench, program

from blefit.units import Speed
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.model import (
    AckFault,
    Act,
    Ask,
    Confirm,
    Lease,
    Mark,
    Marked,
    Offer,
    PauseSession,
    Phase,
    Replied,
    ResumeSession,
    SetCap,
    Skip,
    StopSession,
)
from retrowalk.sim.model.quirks import BeltQuirks, ControlQuirks, Quirks
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks

ALL_SORTS = program("""
name = "All sorts"
level = 0
steps = [
  { walk = "forward", for = "20s", speed = 1.2 },
  { turn = "backward" },
  { walk = "backward", for = "20s", speed = 1.0 },
  { rest = "15s" },
  { walk = "backward", for = "20s", speed = 1.0 },
  { turn = "forward" },
  { walk = "forward", for = "20s", speed = 1.0 },
]
""")
STEADY = program("""
name = "Steady"
level = 0
steps = [{ walk = "forward", for = "3min", speed = 1.2 }]
""")
SHORT_FIELDS = TelemetryQuirks(fields=())
OBEYS_NOT = Quirks(belt=BeltQuirks(ignores_stop=True), telemetry=SHORT_FIELDS)
PATIENCE_S = 30
SITE = SiteLimits(level=6, rest_wait_s=PATIENCE_S)


def walking(bench: Bench) -> None:
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.phase is Phase.WALKING and b.real_speed > 75)
    bench.run(5)


def replies(bench: Bench, command: str) -> list[Replied]:
    told = [e for _, e in bench.effects if isinstance(e, Replied) and e.source != PERSON]
    return [e for e in told if e.command == command]


def outcomes(bench: Bench, command: str) -> list[str]:
    return [e.outcome for e in replies(bench, command)]


def reason(bench: Bench, command: str) -> str:
    return replies(bench, command)[-1].reason


def test_a_start_is_done_when_the_belt_moves() -> None:
    bench = Bench(program=ALL_SORTS)
    bench.offer()
    assert outcomes(bench, "start") == ["accepted"]
    assert bench.run(60, until=lambda b: len(outcomes(b, "start")) == 2)
    assert outcomes(bench, "start") == ["accepted", "done"]
    assert bench.real_speed > 0


def test_a_start_that_nobody_confirms_fails_and_is_missed() -> None:
    bench = Bench(program=ALL_SORTS, answers=frozenset())
    bench.ask(Offer("p", window_s=60))
    bench.run(58)
    assert outcomes(bench, "start") == ["accepted"]
    bench.run(3)
    assert outcomes(bench, "start") == ["accepted", "failed"]
    assert reason(bench, "start") == "nobody started it in time"
    assert [e.type for e in bench.events("missed", "stopped", "completed")] == ["missed"]
    assert bench.frames == []


def test_an_offer_of_the_schedule_that_is_refused_is_missed_too() -> None:
    """The treadmill is off, or somebody walks: the session of that hour does not come later."""
    off = Bench(program=ALL_SORTS, connect_now=False)
    off.ask(Offer("p"))
    assert off.events("missed") == []
    off.ask(Offer("p", window_s=60))
    (missed,) = off.events("missed")
    why = "the treadmill is not connected"
    assert missed.fields == {"session_id": None, "program": "p", "reason": why}
    busy = Bench(program=ALL_SORTS, answers=frozenset())
    busy.offer()
    busy.ask(Offer("p", window_s=60))
    assert busy.events("missed")[0].fields["session_id"] is None, "it is not the present session's end"


@pytest.mark.parametrize("act", [*Act, None])
def test_whatever_the_act_its_reply_is_to_a_confirm(act: Act | None) -> None:
    bench = Bench(program=STEADY)
    (refused,) = bench.ask(Confirm(act)) if act not in {Act.OK, Act.STILL} else bench.ask(Confirm(Act.CLEAR))
    bench.offer()
    assert {reply.command for reply in bench.ask(Confirm(act))} == {"confirm"}
    assert (refused.command, refused.outcome) == ("confirm", "refused")
    assert bench.events("refused")[0].fields["command"] == "confirm"


def test_a_start_that_is_not_granted_control_fails_and_says_so() -> None:
    bench = Bench(quirks=Quirks(control=ControlQuirks(control_unanswered=True)), program=ALL_SORTS)
    bench.offer()
    bench.run(60)
    assert outcomes(bench, "start") == ["accepted", "failed"]
    assert reason(bench, "start") == "the treadmill did not grant control"
    assert "The belt does not start: the treadmill did not grant control." in bench.said()


def test_a_start_without_its_marker_fails_and_says_why() -> None:
    bench = Bench(program=ALL_SORTS, marker_error="the disk is full")
    bench.offer()
    bench.run(60)
    assert outcomes(bench, "start") == ["accepted", "failed"]
    assert reason(bench, "start") == "the disk is full"
    assert any("the disk is full" in sentence for sentence in bench.said())
    assert bench.frames == []


def test_a_marker_that_comes_after_its_session_is_taken_away_again() -> None:
    bench = Bench(program=ALL_SORTS, marker_answers=False)
    bench.offer()
    bench.run(5)
    bench.ask(StopSession())
    bench.controller.feed(Marked("s1"), bench.now)
    assert bench.controller.marked
    bench.run(1)
    assert not bench.controller.marked


def test_the_marker_of_an_older_session_is_not_that_of_this_one() -> None:
    bench = Bench(program=ALL_SORTS, marker_answers=False)
    for _ in range(2):
        bench.offer()
        bench.run(5)
        assert bench.snapshot.phase in {Phase.ARMED, Phase.COUNTDOWN}
        bench.controller.feed(Marked("s1"), bench.now)
        if bench.snapshot.session_id == "s1":
            bench.ask(StopSession())
            bench.run(1)
    assert not bench.controller.guard.marked
    bench.run(20)
    assert bench.frames == [], "without its marker no frame is written"
    assert [e.session_id for _, e in bench.effects if isinstance(e, Mark)] == ["s1", "s2"]


def test_a_start_the_machine_refuses_fails() -> None:
    bench = Bench(program=ALL_SORTS, connect_now=False)
    bench.treadmill.safety_key.pull()  # nothing on the link says so
    bench.connect()
    bench.run(2)
    bench.offer()
    bench.run(60)
    assert outcomes(bench, "start") == ["accepted", "failed"]
    assert "did not take Start" in reason(bench, "start")


def test_a_second_start_is_refused_while_the_first_goes_on() -> None:
    bench = Bench(program=ALL_SORTS)
    bench.offer()
    assert [r.outcome for r in bench.offer()] == ["refused"]
    bench.run(60)
    assert outcomes(bench, "start") == ["accepted", "refused", "done"]


def test_a_pause_is_done_at_rest_and_a_resume_when_the_belt_moves_again() -> None:
    bench = Bench(program=ALL_SORTS, answers=frozenset({Act.START}))
    walking(bench)
    bench.ask(PauseSession())
    assert outcomes(bench, "pause") == ["accepted"]
    assert bench.run(
        20, until=lambda b: b.snapshot.phase is Phase.PAUSED and b.snapshot.awaiting is Act.START
    )
    assert outcomes(bench, "pause") == ["accepted", "done"]
    assert bench.real_speed <= 10
    bench.ask(ResumeSession())
    assert outcomes(bench, "resume") == ["accepted"]
    starts = len(bench.sent(0x07))
    assert bench.run(40, until=lambda b: b.snapshot.phase is Phase.WALKING)
    assert outcomes(bench, "resume") == ["accepted", "done"]
    assert len(bench.sent(0x07)) == starts + 1


def test_a_pause_that_a_stop_overtakes_fails() -> None:
    bench = Bench(program=ALL_SORTS)
    walking(bench)
    bench.ask(PauseSession())
    bench.ask(StopSession())
    bench.run(20)
    assert outcomes(bench, "pause") == ["accepted", "failed"]
    assert outcomes(bench, "stop") == ["accepted", "done"]


def test_a_pause_is_done_when_the_console_stops_the_belt_first() -> None:
    bench = Bench(program=ALL_SORTS)
    walking(bench)
    bench.ask(PauseSession())
    bench.treadmill.console.press("stop")
    bench.run(10)
    assert outcomes(bench, "pause") == ["accepted", "done"]


def test_a_pause_of_a_belt_that_does_not_obey_fails() -> None:
    bench = Bench(quirks=OBEYS_NOT, program=ALL_SORTS)
    walking(bench)
    bench.ask(PauseSession())
    bench.run(40)
    assert outcomes(bench, "pause") == ["accepted", "failed"]


def test_a_stop_is_done_at_rest_at_once_where_nothing_moves_and_failed_with_the_alarm() -> None:
    idle = Bench(program=ALL_SORTS)
    assert [r.outcome for r in idle.ask(StopSession())] == ["accepted", "done"]
    assert idle.frames == []

    bench = Bench(program=ALL_SORTS)
    walking(bench)
    assert [r.outcome for r in bench.ask(StopSession())] == ["accepted"]
    assert bench.run(20, until=lambda b: outcomes(b, "stop") == ["accepted", "done"])
    assert bench.real_speed <= 10

    deaf = Bench(quirks=OBEYS_NOT, program=ALL_SORTS)
    walking(deaf)
    deaf.ask(StopSession())
    deaf.run(20)
    assert outcomes(deaf, "stop") == ["accepted", "failed"]
    assert "PULL THE CORD" in reason(deaf, "stop")


def test_a_stop_without_a_link_fails_at_once_and_is_the_first_thing_written_after() -> None:
    bench = Bench(program=ALL_SORTS)
    walking(bench)
    bench.lose_link()
    bench.run(5)
    assert [r.outcome for r in bench.ask(StopSession())] == ["accepted", "failed"]
    written = len(bench.frames)
    bench.connect()
    bench.run(3)
    assert bench.frames[written][1] == b"\x08\x01"


def test_a_stop_whose_link_is_lost_fails() -> None:
    bench = Bench(program=ALL_SORTS)
    walking(bench)
    bench.ask(StopSession())
    bench.lose_link()
    assert outcomes(bench, "stop") == ["accepted", "failed"]


def test_a_resume_in_vain_fails_with_its_session() -> None:
    bench = Bench(program=ALL_SORTS, answers=frozenset({Act.START}))
    walking(bench)
    bench.answers = frozenset()
    bench.ask(PauseSession())
    bench.run(15)
    bench.ask(ResumeSession())
    bench.run(400)
    assert outcomes(bench, "resume") == ["accepted", "failed"]
    assert reason(bench, "resume") == "nobody confirmed in time"


def test_a_resume_of_a_hand_is_an_offer_that_the_ok_makes_true() -> None:
    bench = Bench(program=STEADY, answers=frozenset({Act.START}))
    walking(bench)
    bench.run(40)
    for _ in range(4):
        bench.treadmill.console.press("slower")
    assert bench.run(20, until=lambda b: b.snapshot.phase is Phase.HELD)
    bench.ask(ResumeSession())
    assert outcomes(bench, "resume") == ["accepted"]
    assert bench.snapshot.awaiting is Act.OK
    bench.run(3)
    bench.ask(Confirm(Act.OK))
    assert outcomes(bench, "resume") == ["accepted", "done"]
    assert bench.events("held") != []
    assert bench.events("resumed") != []


PHASES: dict[str, Callable[[Bench], bool]] = {
    "offered": lambda b: b.snapshot.phase is Phase.OFFERED,
    "armed or counting": lambda b: b.snapshot.phase in {Phase.ARMED, Phase.COUNTDOWN},
    "starting": lambda b: b.sent(0x07) != [],
    "walking": lambda b: b.snapshot.phase is Phase.WALKING and b.snapshot.elapsed_s > 5,
    "stopping for the turn": lambda b: b.snapshot.phase is Phase.TURNING and b.real_speed > 0,
    "waiting in the turn": lambda b: b.snapshot.awaiting is Act.FACING,
    "counting in the turn": lambda b: len(b.events("turn")) == 1 and b.snapshot.phase is Phase.COUNTDOWN,
    "walking backward": lambda b: b.snapshot.distance_backward_m > 1,
    "resting": lambda b: b.snapshot.phase is Phase.RESTING and b.real_speed == 0,
    "cooling down": lambda b: b.snapshot.phase is Phase.COOLING_DOWN,
    "ended": lambda b: b.snapshot.phase is Phase.ENDED,
    "over": lambda b: b.events("completed") != [] and b.snapshot.phase is Phase.IDLE,
}
ASKS: tuple[Ask, ...] = (
    Offer("p", window_s=PATIENCE_S),
    PauseSession(),
    ResumeSession(),
    Skip(),
    SetCap(Speed(100)),
    SetCap(Speed(10)),
    SetCap(Speed(900)),
    Lease(),
    AckFault(),
    Confirm(None),
    *(Confirm(act) for act in Act),
    StopSession(),
)


@pytest.mark.parametrize("phase", PHASES)
def test_every_request_in_every_phase_has_one_answer_and_each_accepted_one_an_end(phase: str) -> None:
    there = Bench(quirks=Quirks(telemetry=SHORT_FIELDS), program=ALL_SORTS, site=SITE)
    there.ask(Offer("p", window_s=PATIENCE_S))
    assert there.run(400, until=PHASES[phase])
    for ask in ASKS:
        bench = deepcopy(there)
        asked = len(bench.effects)
        first = bench.ask(ask)
        assert first[0].outcome in {"accepted", "refused"}
        assert first[0].reason or first[0].outcome == "accepted"
        if isinstance(ask, StopSession):
            assert first[0].outcome == "accepted"
        bench.answers = frozenset()
        bench.run(300, until=lambda b: b.controller.session is None)
        mine = [e for _, e in bench.effects[asked:] if isinstance(e, Replied) and e.id == first[0].id]
        ends = ["done", "failed"] if first[0].outcome == "accepted" else []
        assert [e.outcome for e in mine][1:] in [[end] for end in ends] or ends == [] == mine[1:], (ask, mine)
        assert bench.real_speed == 0
        assert not bench.controller.marked or bench.run(5, until=lambda b: not b.controller.marked)


@pytest.mark.parametrize("phase", list(PHASES)[:10])
def test_a_stop_in_every_phase_ends_the_session_and_the_belt_rests(phase: str) -> None:
    bench = Bench(program=ALL_SORTS)
    bench.offer()
    assert bench.run(400, until=PHASES[phase])
    bench.ask(StopSession())
    assert bench.snapshot.phase in {Phase.STOPPING, Phase.ENDED}
    bench.run(20)
    assert outcomes(bench, "stop") == ["accepted", "done"]
    assert [e.type for e in bench.events("stopped", "completed", "missed")] == ["stopped"]
    assert bench.events("stopped")[0].fields["reason"] == "stopped on request"
    assert bench.real_speed == 0
    assert bench.faults() == []
    assert bench.offer()[0].outcome == "accepted", "nothing is left over"
