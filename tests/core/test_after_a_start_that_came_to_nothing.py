"""A belt that was told to start and did not rests when a person says so (G10, G11, G13)."""

from collections.abc import Callable

import pytest
from tests.core.bench import Bench, machine_for, program
from tests.core.by_hand import ByHand
from tests.core.empty_belt import EmptyBelt

from blefit.ftms.control_point import ResultCode
from blefit.ftms.machine_status import MachineStatusOp
from retrowalk.core.model import Act, Confirm, Offer, Phase, RequestControl, Start, Stop, StopSession, Unmark
from retrowalk.sim.model.quirks import BeltQuirks, Quirks
from retrowalk.sim.model.telemetry_quirks import Reports, TelemetryQuirks

WALK = program("""
name = "Walk"
level = 1
steps = [{ walk = "forward", for = "5min", speed = 1.0 }]
""")
LATE = Quirks(belt=BeltQuirks(start_delay_s=15.0))
ZEROS = Quirks(telemetry=TelemetryQuirks(reports=Reports.NOTHING))


def failed() -> ByHand:
    """Every record said 0 until the Start had run out."""
    hands = ByHand().starting().runs(0, 12.0)
    assert hands.faults() == ["start_failed"]
    return hands


def unknown() -> ByHand:
    """The radio held back the last of them."""
    hands = ByHand().starting().runs(0, 7.0)
    hands.silence(4.0)
    assert hands.faults() == ["start_unknown"]
    return hands.runs(0, 12.0)


@pytest.mark.parametrize("state", [failed, unknown])
def test_still_is_asked_and_then_somebody_may_walk_by_hand(state: Callable[[], ByHand]) -> None:
    hands = state()
    assert hands.snapshot.awaiting is Act.STILL
    while hands.snapshot.awaiting is not None:
        hands.runs(0, 2.0)
        assert hands.ask(Confirm(None)) == [("accepted", ""), ("done", "")]
    faults, written = hands.faults(), list(hands.written)
    hands.runs(0, 120.0).runs(200, 2.0)
    assert hands.phase() is Phase.MANUAL
    assert (hands.faults(), hands.written) == (faults, written)


@pytest.mark.parametrize(("every", "asked"), [(0.25, 9.9), (1.9, 10.2)])
def test_so_it_is_where_somebody_says_stop_before_that_was_noticed(every: float, asked: float) -> None:
    """Between two looks; or a slow machine's next record was waited for."""
    hands = ByHand().starting()
    since = hands.now
    while hands.now + every < since + 9.75:
        hands.silence(every)
        hands.record(0)
    hands.now = since + asked
    hands.ask(StopSession())
    hands.runs(0, 15.0)
    assert hands.faults() == []
    assert hands.snapshot.awaiting is Act.STILL
    hands.runs(300, 1.0)
    assert hands.faults() == ["unexpected_motion"]


@pytest.mark.parametrize("offered", [False, True])
def test_who_was_told_to_try_again_may_do_so_at_the_console_at_once(offered: bool) -> None:
    hands = failed()
    hands.ask(Confirm(Act.STILL))
    hands.runs(0, 11.0)
    if offered:
        hands.ask(Offer("walk"))
        hands.runs(0, 2.0)
    hands.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    hands.runs(80, 1.0)
    assert hands.phase() is (Phase.WALKING if offered else Phase.MANUAL)
    assert hands.faults() == ["start_failed"]


def test_a_start_that_the_machine_refused_is_not_to_come_and_motion_is_somebodys() -> None:
    hands = ByHand()
    hands.results[Start] = int(ResultCode.OPERATION_FAILED)
    hands.counting().runs(0, 25.0)
    assert hands.written[-2:] == [Start(), Stop()]
    hands.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    hands.runs(80, 2.0)
    assert hands.phase() is Phase.MANUAL
    assert hands.faults() == ["start_refused"]


def test_the_marker_stays_until_then() -> None:
    hands = failed().runs(0, 60.0)
    assert hands.controller.marked
    hands.ask(Confirm(Act.STILL))
    assert not hands.controller.marked
    assert hands.effects.count(Unmark()) == 1


def test_it_is_stopped_and_again_whenever_somebody_says_stop_though_its_records_say_rest() -> None:
    hands = failed()
    assert hands.written[-2:] == [Start(), Stop()]
    assert hands.ask(StopSession())[0] == ("accepted", "")
    assert hands.written[-2:] == [Stop(), Stop()]


@pytest.mark.parametrize("quirks", [ZEROS, LATE], ids=["it reports a speed of 0", "it starts 15 s later"])
def test_a_belt_that_obeys_it_all_the_same_does_not_run_on(quirks: Quirks) -> None:
    bench = Bench(quirks=quirks, machine=machine_for(Quirks()), program=WALK)
    bench.offer()
    assert bench.run(60, until=lambda b: b.faults() == ["start_failed"])
    bench.run(5)
    for _ in range(60):
        bench.run(1)
        assert bench.real_speed == 0


def test_commissioning_stops_what_does_not_seem_to_start() -> None:
    bench = EmptyBelt(quirks=ZEROS)
    assert bench.go().why == "it does not start"
    assert bench.real_speed == 0


def test_a_stop_that_a_machine_never_takes_is_over_when_a_person_says_still() -> None:
    """A dead process may have started it; its key is out, and it gives no control."""
    hands = ByHand(left_running=True)
    for command in (Stop, RequestControl):
        hands.results[command] = int(ResultCode.CONTROL_NOT_PERMITTED)
    hands.runs(0, 1.0)
    hands.ask(StopSession())
    hands.runs(0, 20.0)
    assert hands.faults() == ["stop_ignored"]
    assert hands.snapshot.awaiting is Act.STILL
    assert hands.ask(Confirm(Act.STILL))[0] == ("accepted", "")
    hands.runs(0, 2.0)
    assert hands.ask(Confirm(Act.CLEAR))[0] == ("accepted", "")
    assert hands.phase() is Phase.IDLE
    written = len(hands.written)
    hands.runs(0, 20.0)
    assert len(hands.written) == written
    assert not hands.controller.marked
