"""Machines and people that do what they like: the belt slows or stops, or the alarm says that it did not."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core.bench import Bench, program

from blefit.units import Speed
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.model import (
    AckFault,
    Act,
    Ask,
    Confirm,
    Lease,
    Offer,
    PauseSession,
    Phase,
    Replied,
    ResumeSession,
    SetCap,
    Skip,
    StopSession,
)
from retrowalk.core.stages import Stage
from retrowalk.sim.model.quirks import BeltQuirks, ControlQuirks, LinkQuirks, Quirks, Ranges
from retrowalk.sim.model.telemetry_quirks import Reports, TelemetryQuirks

FAST = TelemetryQuirks(fields=())
WALK = program("""
name = "Walk"
level = 0
steps = [
  { walk = "forward", for = "40s", speed = 1.4 },
  { turn = "backward" },
  { walk = "backward", for = "40s", speed = 1.0 },
  { rest = "15s" },
  { walk = "backward", for = "20s", speed = 0.9 },
  { turn = "forward" },
  { walk = "forward", for = "30s", speed = 1.0 },
]
""")
PHASES: dict[str, Callable[[Bench], bool]] = {
    "counting": lambda b: b.snapshot.phase is Phase.COUNTDOWN,
    "starting": lambda b: b.sent(0x07) != [],
    "walking": lambda b: b.snapshot.elapsed_s > 12,
    "raising": lambda b: (b.snapshot.commanded or 0) > 100,
    "stopping for the turn": lambda b: b.snapshot.phase is Phase.TURNING and b.real_speed > 20,
    "waiting in the turn": lambda b: b.snapshot.awaiting is Act.FACING,
    "counting in the turn": lambda b: b.events("turn") != [] and b.snapshot.phase is Phase.COUNTDOWN,
    "walking backward": lambda b: b.snapshot.distance_backward_m > 3,
    "resting": lambda b: b.snapshot.phase is Phase.RESTING and b.real_speed == 0,
    "cooling down": lambda b: b.snapshot.phase is Phase.COOLING_DOWN,
}


def ends(bench: Bench) -> list[tuple[str, object]]:
    return [(e.type, e.fields["reason"]) for e in bench.events("completed", "stopped", "missed")]


def whole(quirks: Quirks) -> Bench:
    """The walk to its end, or until it is over for another reason."""
    bench = Bench(quirks=quirks, program=WALK)
    assert bench.offer()[0].outcome == "accepted"
    session = bench.controller.session
    assert session is not None
    bench.run(600, until=lambda _: session.stage is Stage.ENDED)
    bench.run(30)
    return bench


@pytest.mark.parametrize(
    ("quirks", "faults", "top"),
    [
        (Quirks(telemetry=FAST, control=ControlQuirks(targets_are_mph=True)), ["wrong_speed"], 130),
        (Quirks(telemetry=FAST, belt=BeltQuirks(ignores_stop=True)), ["stop_ignored"], 140),
        (
            Quirks(telemetry=FAST, belt=BeltQuirks(runaway_after_s=20)),
            ["cap_enforced", "over_cap"],
            480,
        ),
    ],
    ids=["takes miles for kilometres", "ignores stop", "runs away"],
)
def test_a_bad_machine_ends_the_session_with_its_fault(quirks: Quirks, faults: list[str], top: int) -> None:
    bench = Bench(quirks=quirks, program=WALK)
    fastest = [0.0]
    bench.each_step.append(lambda b: fastest.append(b.real_speed))
    bench.offer()
    bench.run(120)
    assert bench.faults() == faults
    assert max(fastest) <= top
    assert [kind for kind, _ in ends(bench)] == ["stopped"]
    assert bench.snapshot.phase is Phase.FAULTED
    assert bench.real_speed == 0 or bench.controller.alarm != ""


@pytest.mark.parametrize(
    "quirks",
    [
        Quirks(telemetry=FAST, control=ControlQuirks(start_toggles=True, always_succeeds=True)),
        Quirks(telemetry=FAST, belt=BeltQuirks(needs_target_to_move=True)),
        Quirks(telemetry=FAST, belt=BeltQuirks(resumes_last_speed=True)),
        Quirks(telemetry=FAST, control=ControlQuirks(status_to_commander=True)),
        Quirks(telemetry=FAST, control=ControlQuirks(control_lost_on_stop=True)),
        Quirks(telemetry=TelemetryQuirks(silent_at=Speed(40), fields=())),
        Quirks(telemetry=TelemetryQuirks(noise=Speed(4), fields=())),
    ],
    ids=[
        "toggles",
        "needs a target",
        "resumes",
        "echoes status",
        "control ends at a stop",
        "silent",
        "noisy",
    ],
)
def test_an_odd_machine_is_walked_to_the_end(quirks: Quirks) -> None:
    bench = whole(quirks)
    assert ends(bench) == [("completed", "completed")]
    assert bench.faults() == []


def test_a_machine_that_starts_high_is_told_its_minimum_at_once() -> None:
    bench = whole(Quirks(telemetry=FAST, belt=BeltQuirks(start_speed=Speed(130))))
    assert ends(bench) == [("completed", "completed")]
    first = next(frame for _, frame in bench.frames if frame[0] == 0x02)
    assert first == b"\x02\x50\x00"


@pytest.mark.parametrize("phase", PHASES)
def test_the_safety_key_in_every_phase_ends_the_session_and_the_belt_stands(phase: str) -> None:
    bench = Bench(quirks=Quirks(telemetry=FAST), program=WALK)
    bench.offer()
    assert bench.run(400, until=PHASES[phase])
    bench.treadmill.safety_key.pull()
    bench.run(8)
    assert bench.faults() == ["safety_key"]
    assert ends(bench) == [("stopped", "the safety key was pulled")]
    bench.treadmill.safety_key.replace()
    starts = len(bench.sent(0x07))
    bench.run(30)
    assert bench.real_speed == 0
    assert len(bench.sent(0x07)) == starts
    assert bench.snapshot.fault is None, "over with the session"
    assert bench.offer()[0].outcome == "accepted"


@pytest.mark.parametrize("key", ["stop", "pause"])
@pytest.mark.parametrize("phase", PHASES)
def test_a_stop_at_the_console_in_every_phase_rests_and_only_an_act_goes_on(phase: str, key: str) -> None:
    bench = Bench(quirks=Quirks(telemetry=FAST), program=WALK)
    bench.offer()
    assert bench.run(400, until=PHASES[phase])
    bench.answers = frozenset()
    bench.treadmill.console.press(key)
    bench.run(30)
    assert bench.faults() == []
    moving = phase not in {"waiting in the turn", "counting in the turn", "resting", "counting"}
    starts = len(bench.sent(0x07))
    if moving:
        assert bench.real_speed == 0
    bench.answers = frozenset(Act) - {Act.CLEAR}
    bench.run(400)
    assert bench.faults() == []
    assert [kind for kind, _ in ends(bench)] == (["stopped"] if phase == "starting" else ["completed"])
    assert len(bench.sent(0x07)) >= starts


@pytest.mark.parametrize("key", ["faster", "slower"])
@pytest.mark.parametrize("phase", PHASES)
def test_a_hand_on_the_speed_in_every_phase_is_never_raised(phase: str, key: str) -> None:
    bench = Bench(quirks=Quirks(telemetry=FAST), program=WALK)
    bench.offer()
    assert bench.run(400, until=PHASES[phase])
    for _ in range(4):
        bench.treadmill.console.press(key)
    held: list[int] = []

    def look(b: Bench) -> None:
        hand = b.controller.guard.hand
        if hand is not None:
            assert (b.snapshot.commanded or 0) <= hand
            held.append(hand)

    bench.each_step.append(look)
    bench.run(500, until=lambda b: ends(b) != [])
    bench.run(10)
    unmet = "too_fast" in bench.faults()  # G9: up, away from a target that is not met yet
    assert [kind for kind, _ in ends(bench)] == (["stopped"] if unmet else ["completed"])
    assert set(bench.faults()) <= ({"hand", "cap_enforced", "too_fast"} if key == "faster" else {"hand"})
    assert bench.real_speed == 0


@pytest.mark.parametrize("phase", PHASES)
def test_a_lost_link_in_every_phase_ends_the_session_and_a_running_belt_is_stopped_first(phase: str) -> None:
    bench = Bench(quirks=Quirks(telemetry=FAST), program=WALK)
    bench.offer()
    assert bench.run(400, until=PHASES[phase])
    ours = bench.controller.guard.state.value in {"starting", "running"} or bench.controller.guard.stopping
    bench.lose_link()
    assert ends(bench) == [("stopped", "interrupted: the link was lost")]
    assert (bench.controller.alarm != "") == ours
    bench.run(5)
    before = len(bench.frames)
    bench.connect()
    bench.run(20)
    after = [frame for _, frame in bench.frames[before:]]
    assert after == [] or after[0] == b"\x08\x01"
    assert 0x07 not in {frame[0] for frame in after}
    assert bench.real_speed == 0
    assert not bench.controller.marked
    if ours:
        assert bench.snapshot.awaiting is Act.CLEAR
        assert bench.ask(Confirm(Act.CLEAR))[0].outcome == "accepted"
    assert bench.offer()[0].outcome == "accepted"


@pytest.mark.parametrize("phase", ["walking", "raising", "walking backward", "cooling down"])
def test_control_that_is_taken_away_is_a_stop(phase: str) -> None:
    bench = Bench(quirks=Quirks(telemetry=FAST), program=WALK)
    bench.offer()
    assert bench.run(400, until=PHASES[phase])
    bench.treadmill.take_control_away()
    bench.run(15)
    assert bench.faults() == ["control_lost"]
    assert bench.real_speed == 0
    assert [kind for kind, _ in ends(bench)] == ["stopped"]


def test_a_link_that_drops_by_itself_is_the_alarm_until_the_belt_is_known_to_rest() -> None:
    bench = Bench(quirks=Quirks(telemetry=FAST, link=LinkQuirks(drops_after_s=20)), program=WALK)
    bench.offer()
    assert bench.run(100, until=lambda b: not b.linked)
    bench.run(10)
    assert bench.real_speed > 0
    assert "PULL THE CORD" in bench.controller.alarm
    bench.connect()
    bench.run(10)
    assert bench.real_speed == 0


# --- anybody, anything, any time ------------------------------------------------------------------------

MACHINES = (
    Quirks(telemetry=FAST),
    Quirks(
        ranges=Ranges(minimum=Speed(100), maximum=Speed(600), increment=Speed(50)),
        telemetry=TelemetryQuirks(reports=Reports.TARGET_UNTIL_STOPPED, notify_every_s=0.48, fields=()),
    ),
    Quirks(telemetry=TelemetryQuirks(silent_at=Speed(40), notify_every_s=1.0, fields=())),
    Quirks(telemetry=FAST, belt=BeltQuirks(start_delay_s=8.0, resumes_last_speed=True)),
    Quirks(telemetry=FAST, control=ControlQuirks(status_to_commander=True, control_lost_on_stop=True)),
)
ASKS: tuple[Ask, ...] = (
    Offer("p", window_s=60),
    PauseSession(),
    ResumeSession(),
    Skip(),
    SetCap(Speed(120)),
    SetCap(Speed(100)),
    Lease(),
    AckFault(),
    Confirm(None),
    *(Confirm(act) for act in Act),
    StopSession(),
)
KEYS = ("start", "stop", "pause", "slower")
DEEDS = st.one_of(
    st.sampled_from(ASKS),
    st.sampled_from(KEYS),
    st.sampled_from(("lose link", "connect", "pull", "replace", "take control")),
)


def do(bench: Bench, deed: Ask | str) -> None:
    if not isinstance(deed, str):
        bench.ask(deed)
    elif deed in KEYS:
        bench.treadmill.console.press(deed)
    elif deed == "pull":
        bench.treadmill.safety_key.pull()
    elif deed == "replace":
        bench.treadmill.safety_key.replace()
    elif deed == "take control":
        bench.treadmill.take_control_away()
    elif deed == "lose link" and bench.linked:
        bench.lose_link()
    elif deed == "connect" and not bench.linked:
        bench.connect()


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    quirks=st.sampled_from(MACHINES),
    deeds=st.lists(st.tuples(st.floats(0.1, 40), DEEDS), min_size=3, max_size=14),
    willing=st.booleans(),
)
def test_whatever_is_done_whenever_nothing_breaks_and_all_ends(
    quirks: Quirks, deeds: list[tuple[float, Ask | str]], willing: bool
) -> None:
    bench = Bench(quirks=quirks, program=WALK, site=SiteLimits(level=6, rest_wait_s=60))
    if not willing:
        bench.answers = frozenset()

    def look(b: Bench) -> None:
        cap = b.controller.guard.cap(b.now)
        if cap is not None:
            assert b.real_speed <= max(cap, quirks.ranges.minimum) + 25

    bench.each_step.append(look)
    bench.offer()
    for wait, deed in deeds:
        bench.run(wait)
        do(bench, deed)
    do(bench, "connect")
    bench.answers = frozenset()
    bench.ask(StopSession())
    bench.run(45)
    bench.treadmill.safety_key.pull()
    bench.run(45)
    told = [e for _, e in bench.effects if isinstance(e, Replied)]
    for request in {e.id for e in told}:
        outcomes = [e.outcome for e in told if e.id == request]
        assert outcomes in (["refused"], ["accepted", "done"], ["accepted", "failed"])
    assert "refusal" not in bench.faults(), "the guard refused what the session wished for: a bug"
    assert bench.controller.session is None
    starts = bench.sent(0x07)
    may_start = {Confirm(Act.START), Confirm(Act.FACING), Confirm(None)}
    acts = [e for e in told if e.outcome == "accepted" and bench.asked[e.id] in may_start]
    assert len(starts) <= len(acts)
    assert all(later - earlier > 5 for earlier, later in pairwise(starts))
