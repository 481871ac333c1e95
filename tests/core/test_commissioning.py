"""The empty-belt test over every machine: what it measures is what the belt does, and every end is safe."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from tests.core.bench import CLIENT, Bench
from tests.core.empty_belt import EmptyBelt, untold

from blefit.ftms.treadmill_data import TreadmillData, encode
from blefit.units import Speed
from retrowalk.core import bounds
from retrowalk.core.attending import Verdict
from retrowalk.core.commissioning import Measured, rate, steady
from retrowalk.core.faults import BY_ID
from retrowalk.core.limits import Limits, limits_for
from retrowalk.core.model import (
    Act,
    Characteristic,
    Confirm,
    Direction,
    DropLink,
    Lease,
    Machine,
    Mark,
    Marked,
    Notified,
    Quarantine,
    Request,
    Said,
    Snapshot,
    StopSession,
    Unmark,
)
from retrowalk.machines import load_machine
from retrowalk.sim.machines import quirks_of
from retrowalk.sim.model.console import Key
from retrowalk.sim.model.quirks import BeltQuirks, Quirks
from retrowalk.sim.model.telemetry_quirks import Reports

START, STOP, TARGET = 0x07, 0x08, 0x02
SPEC = quirks_of(load_machine("spec"))
TOGGLING = quirks_of(load_machine("start-toggles"))
FIT = (
    "spec", "citysports-wp8", "control-unanswered", "cut-20", "grid-0.32", "grid-0.5", "locks-out", "reverts",
    "silent-when-stopped", "slow-silent", "slow-start", "split", "start-toggles", "stop-starts",
    "stops-without-link", "t318", "urevo-e1l", "kingsmith-z1", "bike-data", "more-flags", "wrong-ranges",
)  # fmt: skip
UNFIT = {
    "mph": "the first speed did not come out as commanded (told 0.80 km/h, ran 1.29)",
    "runaway": "the belt stayed above the cap after it was told the cap",
    "ignores-stop": "after a Stop the belt did not fall within 3 s or rest in its time",
    "drops-link": "the link went while the session ran",
}
UNSAFE = set(UNFIT) - {"drops-link"}


def spec(part: str, **quirks: object) -> Quirks:
    """The machine of the specification with these quirks in one part."""
    return replace(SPEC, **{part: replace(getattr(SPEC, part), **quirks)})  # type: ignore[arg-type]  # a table of facts


def pulling(bench: EmptyBelt, reacts_s: float = 3.0) -> EmptyBelt:
    """Somebody who pulls the cord when told to."""
    heard: list[float] = []

    def look(_: object) -> None:
        if "PULL THE CORD" in bench.controller.alarm:
            heard.append(bench.now)
        if heard and bench.now >= heard[0] + reacts_s and not bench.treadmill.safety_key.is_pulled:
            bench.treadmill.safety_key.pull()

    bench.each_step.append(look)
    return bench


def moving(bench: EmptyBelt, kmh: float = 0.5, runs: int = 1) -> EmptyBelt:
    """Until the belt moves in that run."""
    for _ in range(runs - 1):
        assert bench.run(300, until=lambda b: b.real_speed > 0)
        assert bench.run(300, until=lambda b: b.real_speed == 0)
    assert bench.run(300, until=lambda b: b.real_speed >= kmh * 100)
    return bench


# --- what is measured -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", FIT)
def test_what_is_measured_is_what_the_belt_does_though_no_file_tells(name: str) -> None:
    quirks = quirks_of(load_machine(name))
    belt, every = quirks.belt, quirks.telemetry.notify_every_s
    echoes = quirks.telemetry.reports is not Reports.REAL
    silent = quirks.telemetry.silent_at is not None
    bench = EmptyBelt(quirks=quirks)
    assert bench.go().passed
    found = bench.commissioner.measured

    to_be_seen = 0.0 if echoes else 30 / belt.acceleration
    assert found.start_delay_s is not None
    assert 0 <= found.start_delay_s - belt.start_delay_s - to_be_seen + 0.06 <= every + 0.06
    assert found.acceleration == (None if echoes else pytest.approx(belt.acceleration, rel=0.1))
    assert found.deceleration == pytest.approx(belt.deceleration, rel=0.1)
    assert found.slowest == quirks.ranges.minimum
    assert found.unit_kept
    resumed = belt.resumes_last_speed
    assert found.starts_at == (bench.commissioner._top if resumed else quirks.ranges.minimum)
    assert found.starts_above_minimum is resumed
    assert bool(found.silent_at_rest) is silent
    assert bool(found.needs_target_to_move) is belt.needs_target_to_move
    assert bool(found.control_unanswered) is quirks.control.control_unanswered
    assert found.echoes_target is echoes
    assert found.start_toggles is (None if silent else quirks.control.start_toggles)
    reverts = belt.reverts_after_s
    assert found.reverts_after_s == (None if reverts is None else pytest.approx(reverts, abs=2.5))
    runs_on = None if silent else quirks.link.keeps_running_without_link
    assert found.keeps_running_without_link is runs_on
    assert bench.real_speed == 0


@pytest.mark.parametrize(
    ("quirks", "found"),
    [
        (spec("belt", needs_target_to_move=True), {"needs_target_to_move": True, "start_delay_s": 4.2}),
        (spec("belt", resumes_last_speed=True), {"starts_above_minimum": True, "starts_at": 150}),
        (spec("belt", start_speed=Speed(150)), {"starts_above_minimum": True, "starts_at": 150}),
        (spec("belt", reverts_after_s=3.0), {"reverts_after_s": pytest.approx(3, abs=2)}),
        (spec("belt", reverts_after_s=50.0), {"reverts_after_s": pytest.approx(50, abs=3)}),
        (
            replace(spec("belt", resumes_last_speed=True), control=TOGGLING.control),
            {"starts_above_minimum": True, "starts_at": 150},
        ),
        (spec("belt", deceleration=400), {"echoes_target": True}),
        (spec("belt", acceleration=400, deceleration=400), {"acceleration": None, "echoes_target": True}),
        (spec("telemetry", reports=Reports.TARGET), {"echoes_target": True, "deceleration": None}),
        (spec("telemetry", notify_every_s=1.0), {"echoes_target": False, "deceleration": 50}),
        (
            replace(spec("telemetry", silent_at=Speed(40)), control=TOGGLING.control),
            {"silent_at_rest": True, "start_toggles": None, "keeps_running_without_link": None},
        ),
        (spec("ranges", minimum=Speed(160)), {"slowest": 160, "unit_kept": True}),
        (spec("ranges", maximum=Speed(80)), {"unit_kept": False}),
        (spec("ranges", minimum=Speed(100), increment=Speed(50)), {"slowest": 100, "unit_kept": True}),
    ],
)  # fmt: skip
def test_what_no_file_has(quirks: Quirks, found: dict[str, object]) -> None:
    bench = EmptyBelt(quirks=quirks)
    assert bench.go().passed
    measured = bench.commissioner.measured
    for name, value in found.items():
        got = getattr(measured, name)
        assert got == (pytest.approx(value, abs=0.3) if name == "start_delay_s" else value), (name, measured)


def test_each_start_has_its_act_its_countdown_and_its_marker() -> None:
    bench = EmptyBelt(quirks=quirks_of(load_machine("start-toggles")))
    acts: list[float] = []

    def note(b: EmptyBelt) -> None:
        if b.commissioner.awaiting is Act.START:
            acts.append(b.now)

    bench.each_step.append(note)  # type: ignore[arg-type]  # it is an EmptyBelt
    assert bench.go().passed
    starts = bench.sent(START)
    assert len(starts) == 5
    given = [max(at for at in acts if at < start) for start in starts]
    assert sorted(set(given)) == given, "one act for each"
    waits = [start - act for start, act in zip(starts, given, strict=True)]
    assert [wait >= 5 for wait in waits] == [True, True, True, False, True], (
        "the test of Start needs no countdown"
    )
    marks = [at for at, effect in bench.effects if isinstance(effect, Mark)]
    assert [effect for _, effect in bench.effects if isinstance(effect, Mark)] == [
        Mark(f"test-{number}") for number in (1, 2, 3, 4)
    ]
    unmarks = [at for at, effect in bench.effects if isinstance(effect, Unmark)]
    assert len(marks) == len(unmarks) == 4
    assert all(any(mark < start for mark in marks) for start in starts)


def test_a_belt_that_a_start_moves_though_a_stop_overtook_it_is_marked_again() -> None:
    bench = EmptyBelt()
    assert bench.run(60, until=lambda b: b.sent(START) != [])
    bench.ask(StopSession())
    bench.run(9)
    assert not bench.commissioner.over, "the Start may take effect yet"
    assert bench.run(3, until=lambda b: b.commissioner.over)
    bench.treadmill.start(CLIENT)
    assert bench.run(10, until=lambda b: b.commissioner.marked)
    assert bench.run(30, until=lambda b: b.commissioner.over)
    assert bench.real_speed == 0
    assert bench.commissioner.verdict == Verdict(BY_ID["unexpected_motion"].cause, unsafe=True)
    marks = [effect for _, effect in bench.effects if isinstance(effect, Mark)]
    assert marks == [Mark("test-1")] * 2


def test_never_faster_than_an_untested_machine_may_and_up_in_single_steps() -> None:
    bench = EmptyBelt()
    seen: list[float] = []
    bench.each_step.append(lambda b: seen.append(b.real_speed))
    assert bench.go().passed
    assert max(seen) == 150
    targets = [int.from_bytes(frame[1:], "little") for _, frame in bench.frames if frame[0] == TARGET]
    assert targets == [80, 80, 100, 120, 140, 150, 80]
    assert bench.machine is not None
    assert bench.commissioner.machine == bench.machine


def test_a_machine_in_quarantine_is_tested_as_one_that_nobody_knows() -> None:
    bench = EmptyBelt(machine=replace(untold(SPEC), quarantined="it was odd", commissioned=True))
    assert bench.go().passed
    assert bench.commissioner.machine is not None
    assert not bench.commissioner.machine.commissioned


def test_the_one_start_to_a_running_belt_is_left_out_where_nobody_asks_for_it() -> None:
    bench = EmptyBelt()
    bench.each_step.append(
        lambda b: setattr(
            b, "answers", {Act.STILL} if b.commissioner.guard.commanded else {Act.START, Act.STILL}
        )  # type: ignore[attr-defined]  # it is an EmptyBelt
    )
    assert bench.go().passed
    assert bench.commissioner.measured.start_toggles is None
    assert len(bench.sent(START)) == 3


# --- how it ends ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", UNFIT)
def test_a_dangerous_machine_ends_it_and_stays_out(name: str) -> None:
    bench = pulling(EmptyBelt(quirks=quirks_of(load_machine(name))))
    seen: list[float] = []
    bench.each_step.append(lambda b: seen.append(b.real_speed))
    verdict = bench.go()
    assert verdict.why == UNFIT[name]
    assert verdict.unsafe is (name in UNSAFE)
    quarantines = [effect.reason for _, effect in bench.effects if isinstance(effect, Quarantine)]
    assert quarantines == ([UNFIT[name]] if name in UNSAFE else [])
    assert bench.real_speed == 0
    assert max(seen) <= (400 if name == "runaway" else 170)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (lambda b: b.ask(StopSession()), "it was stopped"),
        (lambda b: b.treadmill.safety_key.pull(), "the safety key was pulled"),
        (lambda b: b.treadmill.console.press(Key.STOP), "the belt was stopped at the console"),
        (lambda b: b.treadmill.take_control_away(), "the treadmill took control away"),
        (lambda b: b.lose_link(), "the link went while the session ran"),
        (lambda b: setattr(b, "deaf", True), "no telemetry for 4 s while moving"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("runs", [1, 2, 3])
def test_whatever_happens_on_the_way_ends_it_at_rest(what: object, why: str, runs: int) -> None:
    bench = pulling(moving(EmptyBelt(), 0.75, runs))
    bench.run(4)
    starts = bench.sent(START)
    what(bench)  # type: ignore[operator]  # of a table
    bench.run(5)
    bench.deaf = False
    assert bench.go().why.startswith(why)
    assert bench.real_speed == 0
    assert bench.sent(START) == starts


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(("after_s", "stops"), [(0.0, 0), (4.5, 0), (5.5, 1), (7.0, 1)])
def test_a_stop_ends_a_test_that_is_about_to_start_whoever_asks(
    last: bool, after_s: float, stops: int
) -> None:
    bench = EmptyBelt(quirks=Quirks(belt=BeltQuirks(start_delay_s=6.0)))
    assert bench.run(60, until=lambda b: b.controller.marked)
    bench.run(after_s)
    assert bench.sent(STOP) == []
    bench.ask(StopSession(last))
    bench.answers = frozenset()
    starts = bench.sent(START)
    assert bench.go().why == "it was stopped"
    assert len(bench.sent(STOP)) >= stops
    assert bench.sent(START) == starts
    assert bench.real_speed == 0


@pytest.mark.parametrize(
    ("runs", "after_s", "kmh", "why"),
    [
        (1, 4.0, 1.4, "somebody changed the speed at the console"),
        (1, 4.0, 3.0, "the belt stayed above the cap after it was told the cap"),
        (2, 40.0, 1.6, ""),
        (2, 40.0, 1.69, ""),
        (2, 40.0, 1.9, "the belt stayed above the cap after it was told the cap"),
        (3, 7.0, 1.4, "somebody changed the speed at the console"),
        (3, 9.0, 1.4, "somebody changed the speed at the console"),
    ],
)
def test_a_hand_on_the_console_ends_it(runs: int, after_s: float, kmh: float, why: str) -> None:
    bench = moving(EmptyBelt(), 0.75, runs)
    bench.run(after_s)
    bench.treadmill.console.set_speed(kmh)
    assert bench.go().why == why
    assert bench.real_speed == 0


@pytest.mark.parametrize(
    ("acceleration", "kmh", "why"),
    [
        (30, 1.5, "the belt ran above its target"),
        (4000, 3.0, "the belt ran above the ceiling that nothing may pass"),
    ],
)
def test_a_belt_that_runs_faster_than_it_was_told_stays_out(acceleration: int, kmh: float, why: str) -> None:
    bench = EmptyBelt(quirks=spec("belt", acceleration=acceleration))
    assert bench.run(300, until=lambda b: len(b.sent(TARGET)) == 3)
    bench.treadmill.console.set_speed(kmh)
    verdict = bench.go()
    assert verdict.why.startswith(why)
    assert verdict.unsafe


def test_a_stop_while_nothing_moves_needs_no_frame() -> None:
    bench = EmptyBelt(answers=frozenset())
    bench.run(1)
    assert bench.snapshot.awaiting is Act.START
    bench.ask(StopSession())
    assert bench.commissioner.awaiting is None
    assert bench.go().why == "it was stopped"
    assert bench.frames == []


def test_nobody_answers() -> None:
    bench = EmptyBelt(answers=frozenset())
    assert bench.go().why == "nobody answered"
    assert bench.frames == []


def test_a_machine_that_says_rest_while_its_belt_runs_is_not_believed_against_the_person() -> None:
    bench = EmptyBelt(quirks=spec("telemetry", reports=Reports.TARGET), answers=frozenset({Act.START}))
    assert bench.run(60, until=lambda b: b.commissioner.awaiting is Act.STILL)  # type: ignore[attr-defined]  # it is an EmptyBelt
    bench.run(1)
    assert bench.real_speed > 0
    assert bench.commissioner.guard.motion.at_rest
    bench.ask(StopSession())
    verdict = bench.go()
    assert verdict.unsafe
    assert "nobody said that the belt was still" in verdict.why


def test_a_word_that_the_belt_is_still_does_not_pass_against_telemetry() -> None:
    bench = EmptyBelt(answers=frozenset({Act.START}))
    assert bench.run(60, until=lambda b: b.commissioner.awaiting is Act.STILL)  # type: ignore[attr-defined]  # it is an EmptyBelt
    bench.ask(Confirm(None))
    assert bench.said()[-1].startswith("Not yet: the treadmill reports 0.")
    bench.ask(Confirm(Act.OK))
    assert bench.commissioner.awaiting is Act.STILL


def test_a_stop_before_the_belt_rests_doubts_no_machine() -> None:
    bench = EmptyBelt(answers=frozenset({Act.START}))
    assert bench.run(60, until=lambda b: b.commissioner.awaiting is Act.STILL)  # type: ignore[attr-defined]  # it is an EmptyBelt
    bench.ask(StopSession())
    assert bench.go() == Verdict("it was stopped")


def test_a_word_that_nobody_asked_for_starts_nothing() -> None:
    bench = EmptyBelt(answers=frozenset())
    bench.run(1)
    bench.ask(Confirm(Act.STILL))
    bench.ask(Lease())
    assert bench.commissioner.awaiting is Act.START
    bench.ask(Confirm(Act.START))
    bench.ask(Confirm(Act.START))
    assert bench.run(60, until=lambda b: b.real_speed > 70)
    bench.ask(Confirm(None))
    assert len(bench.sent(START)) == 1


@pytest.mark.parametrize(("after_s", "taken"), [(1.5, False), (2.25, True)])
def test_a_press_that_bounces_does_not_answer_the_next_question(after_s: float, taken: bool) -> None:
    bench = EmptyBelt(answers=frozenset({Act.START}))
    assert bench.run(120, until=lambda b: b.snapshot.awaiting is Act.STILL and b.real_speed == 0)
    bench.run(3)
    bench.answers = frozenset()
    bench.ask(Confirm(None))
    assert bench.run(1, until=lambda b: b.snapshot.awaiting is Act.START)
    bench.run(after_s)
    bench.ask(Confirm(None))
    assert (bench.snapshot.awaiting is Act.START) is not taken


@pytest.mark.parametrize(
    ("quirks", "why"),
    [
        (spec("belt", start_delay_s=99.0), "it does not start"),
        (spec("ranges", minimum=Speed(170)), "simulated starts at 1.7 km/h"),
        (spec("belt", reverts_after_s=1.0), "told 1 km/h, it runs 0.8: it does not take its targets"),
        (spec("belt", needs_target_to_move=True, start_delay_s=99.0), "it does not start"),
    ],
)  # fmt: skip
def test_a_machine_that_cannot_be_tested(quirks: Quirks, why: str) -> None:
    bench = EmptyBelt(quirks=quirks)
    assert bench.go().why.startswith(why)
    assert bench.commissioner.verdict is not None
    assert not bench.commissioner.verdict.unsafe


def test_a_target_that_it_refuses_ends_it() -> None:
    bench = EmptyBelt(quirks=spec("ranges", maximum=Speed(120)), machine=untold(SPEC))
    assert bench.go().why == "it refuses a target within its own range"
    assert bench.real_speed == 0


def test_a_machine_that_starts_only_once() -> None:
    bench = moving(EmptyBelt(quirks=spec("control", always_succeeds=True)))
    assert bench.run(60, until=lambda b: b.real_speed == 0)
    bench.treadmill.switch_off()
    assert bench.go().why == "it did not start again"


def test_a_link_that_is_lost_again_and_again_is_one_alarm() -> None:
    bench = moving(EmptyBelt())
    for _ in range(3):
        bench.lose_link()
        bench.run(1.5)
    assert bench.faults() == ["link_lost"]
    assert bench.go().why == "the link went while the session ran"
    assert bench.real_speed == 0


def test_a_belt_that_moves_already_is_not_ours() -> None:
    bench = EmptyBelt(connect_now=False)
    bench.treadmill.console.press(Key.START)
    bench.run(8)
    bench.connect()
    assert bench.go().why == "the belt moves: stop it at the console first"
    assert bench.frames == []


def test_a_belt_that_somebody_starts_between_two_runs_ends_it() -> None:
    bench = EmptyBelt(answers=frozenset({Act.STILL}))
    bench.treadmill.console.press(Key.START)
    bench.run(8)
    bench.ask(Confirm(Act.START))
    assert bench.go().why == "the belt is not known to rest"
    assert bench.frames == []


def test_a_belt_left_running_by_one_that_is_gone_is_stopped_first() -> None:
    bench = EmptyBelt(connect_now=False, left_running=True)
    assert not bench.commissioner.nothing_to_stop
    bench.treadmill.console.press(Key.START)
    bench.run(8)
    bench.connect()
    bench.run(4)
    assert bench.frames[0][1][0] == STOP
    assert bench.commissioner.verdict is None


def test_control_that_is_refused_is_asked_for_again_after_a_while_and_not_at_every_look() -> None:
    bench = EmptyBelt(quirks=spec("control", control_asks=2))
    assert bench.go().passed
    first, second, *_ = bench.sent(0x00)
    assert second - first >= 2.5


def test_the_slowest_speed_is_the_measured_one() -> None:
    bench = moving(EmptyBelt(), 0.75)
    assert bench.run(20, until=lambda b: b.controller.guard.target_met)
    bench.treadmill.console.set_speed(0.9)
    assert bench.go().passed
    assert bench.commissioner.measured.slowest == 90


def test_of_several_starts_the_slowest_one_counts() -> None:
    bench = EmptyBelt(quirks=spec("belt", start_delay_s=3.0))
    belt = bench.treadmill.belt

    def warms_up(_: object) -> None:
        if any(sentence.startswith("Now up to") for sentence in bench.said()):
            belt._quirks = replace(belt._quirks, start_delay_s=0.0)

    bench.each_step.append(warms_up)
    assert bench.go().passed
    assert bench.commissioner.measured.start_delay_s == pytest.approx(4.0, abs=0.5)


def test_the_delay_of_a_start_that_is_not_answered_is_not_counted_from_the_answer_to_another() -> None:
    bench = EmptyBelt(quirks=spec("belt", start_delay_s=0.0))
    heard = bench._heard

    def unanswered(emission: object) -> Iterator[Notified]:
        for event in heard(emission):
            if event.characteristic is not Characteristic.CONTROL_POINT or event.payload[1] != START:
                yield event

    bench._heard = unanswered  # type: ignore[method-assign]  # the machine's way
    assert bench.go().passed
    assert bench.commissioner.measured.start_delay_s == 0.0


@pytest.mark.parametrize(("first", "later"), [(50, 20), (20, 50)])
def test_of_two_stops_the_slower_one_counts(first: int, later: int) -> None:
    bench = EmptyBelt(quirks=spec("belt", deceleration=first))
    belt = bench.treadmill.belt

    def changes(_: object) -> None:
        if any(sentence.startswith("Now up to") for sentence in bench.said()):
            belt._quirks = replace(belt._quirks, deceleration=later)

    bench.each_step.append(changes)
    assert bench.go().passed
    assert bench.commissioner.measured.deceleration == pytest.approx(20, abs=2)


def test_a_belt_that_is_stopped_and_does_not_stop_is_unsafe_all_the_same() -> None:
    bench = pulling(EmptyBelt(spec("belt", ignores_stop=True)))
    assert bench.run(60, until=lambda b: b.real_speed > 50)
    bench.ask(StopSession())
    assert bench.run(60, until=lambda _: bench.commissioner.over)
    verdict = bench.commissioner.verdict
    assert verdict is not None
    assert verdict.unsafe
    assert [type(e) for _, e in bench.effects].count(Quarantine) == 1
    assert Said(BY_ID["stop_ignored"].sentence, alarm=True) in [e for _, e in bench.effects]


def test_a_stop_that_is_asked_for_again_is_written_again() -> None:
    bench = moving(EmptyBelt())
    for written in (1, 2):
        bench.ask(StopSession())
        assert len(bench.sent(STOP)) == written
        bench.run(0.75)


def test_a_start_that_one_that_is_gone_wrote_last_is_stopped_when_it_takes_effect() -> None:
    bench = EmptyBelt(left_running=True, answers=frozenset())
    bench.run(3)
    assert bench.commissioner.marked
    bench.treadmill.console.press(Key.START)
    bench.run(4)
    assert bench.frames[0][1][0] == STOP
    assert bench.run(20, until=lambda _: not bench.commissioner.marked)


def test_without_its_marker_nothing_starts() -> None:
    bench = EmptyBelt(marker_error="the disk is full")
    assert bench.go().why == "the disk is full"
    assert bench.frames == []
    assert Unmark() in [effect for _, effect in bench.effects], "it may be there all the same"
    bench = EmptyBelt(marker_answers=False)
    assert bench.go().why == "it does not start"
    assert bench.frames == []


def test_word_of_the_marker_of_another_start_is_none_of_this_one() -> None:
    bench = EmptyBelt(marker_answers=False)
    bench.each_step.append(lambda b: b.controller.feed(Marked("test-0"), b.now))
    assert bench.go().why == "it does not start"
    assert bench.frames == []


def test_another_machine_behind_the_same_address_ends_it() -> None:
    bench = EmptyBelt(answers=frozenset())
    bench.lose_link()
    bench.machine = untold(spec("ranges", maximum=Speed(600)))
    bench.run(2)
    assert bench.go().why == "the treadmill is not as it was when the test began"
    assert bench.commissioner.machine is not None
    assert bench.commissioner.machine.maximum == 600, "its Stop is judged by what it is"


def test_a_link_that_does_not_come_back_is_the_alarm() -> None:
    bench = EmptyBelt()
    assert bench.run(300, until=lambda b: not b.linked)
    assert bench.controller.alarm == "", "cut on purpose"
    bench.reconnects = False
    bench.run(62)
    assert bench.controller.alarm.startswith("PULL THE CORD")
    assert not bench.commissioner.over
    bench.reconnects = True
    assert bench.go().why == "the link went while the session ran"
    assert bench.real_speed == 0


@pytest.mark.parametrize(
    "loses_it_for_good",
    [
        pytest.param(lambda b: b.ask(StopSession()), id="a Stop while it is cut, and no link again"),
        pytest.param(
            lambda b: (b.ask(StopSession()), b.run(5, until=lambda b: b.linked), b.lose_link()),
            id="lost again while it stops",
        ),
        pytest.param(
            lambda b: (b.run(30, until=lambda b: b.linked), b.lose_link()), id="back as planned, lost again"
        ),
    ],
)
def test_only_the_cut_itself_is_planned(loses_it_for_good: Callable[[EmptyBelt], object]) -> None:
    bench = EmptyBelt()
    assert bench.run(300, until=lambda b: not b.linked)
    bench.run(2)
    assert bench.controller.alarm == ""
    loses_it_for_good(bench)
    bench.reconnects = False
    bench.run(600)
    assert bench.real_speed > 0
    assert bench.controller.alarm.startswith("PULL THE CORD. The Bluetooth link is lost")
    assert bench.faults() == ["link_lost"]
    assert not bench.commissioner.over
    bench.reconnects = True
    assert not bench.go().passed
    assert bench.real_speed == 0


def test_a_link_that_does_not_let_itself_be_cut_is_stopped_over() -> None:
    bench = EmptyBelt()
    bench.cuts = False
    assert not bench.go(600).passed
    assert bench.linked
    assert bench.real_speed == 0


def deaf(bench: EmptyBelt) -> None:
    """From now on nothing is heard of the machine."""
    bench.deaf = True
    bench.run(1)


def test_a_stop_that_overtakes_a_start_is_not_waited_for_in_silence() -> None:
    bench = EmptyBelt(quirks=spec("belt", start_delay_s=3.0))
    assert bench.run(60, until=lambda b: b.sent(START))
    bench.ask(StopSession())
    bench.run(1.5)
    deaf(bench)
    bench.answers = frozenset()
    bench.run(5)
    assert bench.commissioner.awaiting is Act.STILL
    assert bench.said()[-2:] == [
        BY_ID["start_unknown"].sentence,
        "The treadmill says nothing. Press Enter when the belt is still.",
    ]
    bench.ask(Confirm(Act.STILL))
    assert bench.run(12, until=lambda b: b.commissioner.over), "the Stop may start it for so long"
    assert bench.commissioner.verdict == Verdict("it was stopped")


def test_a_machine_that_dozes_off_while_the_person_takes_their_time_is_learned_to_be_silent_at_rest() -> None:
    still_since: list[float] = []

    def doze(bench: Bench) -> None:
        if bench.real_speed > 0:
            still_since.clear()
        elif not still_since:
            still_since.append(bench.now)
        bench.deaf = bool(still_since) and bench.now - still_since[0] > 6.0

    bench = EmptyBelt(each_step=[doze], answers=frozenset())
    bench.run(15)
    bench.answers = frozenset({Act.START, Act.STILL})
    assert bench.go().passed
    assert bench.commissioner.measured.silent_at_rest


def test_what_was_not_asked_of_the_machine_is_not_told_of_it() -> None:
    bench = EmptyBelt()
    assert bench.run(600, until=lambda b: any("one more Start" in said for said in b.said()))
    bench.answers = frozenset()
    bench.run(0.5)
    starts = len(bench.sent(START))
    bench.deaf = True
    bench.run(2.2)
    bench.ask(Confirm(Act.START))
    bench.run(1.0)
    bench.answers, bench.deaf = frozenset({Act.START, Act.STILL}), False
    bench.run(8.0)
    assert len(bench.sent(START)) == starts
    assert bench.commissioner.measured.start_toggles is None


def test_while_a_late_start_is_waited_for_silence_is_asked_about() -> None:
    bench = EmptyBelt(quirks=spec("belt", needs_target_to_move=True))
    assert bench.run(60, until=lambda b: b.sent(START))
    bench.run(60, until=lambda b: b.sent(STOP))
    deaf(bench)
    bench.answers = frozenset()
    bench.run(5)
    assert bench.commissioner.awaiting is Act.STILL
    assert bench.said()[-1] == "The treadmill says nothing. Press Enter when the belt is still."
    bench.run(60)
    bench.ask(Confirm(Act.STILL))
    bench.run(1)
    assert not bench.commissioner.over
    bench.answers, bench.deaf = frozenset({Act.START, Act.STILL}), False
    assert bench.go().why == ""


@pytest.mark.parametrize("later", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_garbled_record_after_a_start_costs_no_target(later: float) -> None:
    bench = EmptyBelt(quirks=spec("belt", needs_target_to_move=True))
    assert bench.run(120, until=lambda b: len(b.sent(START)) == 2)
    bench.run(later)
    garbled = encode(TreadmillData(more_data=False, instantaneous_speed=Speed(4587)))
    bench._feed(Notified(bench.connection, Characteristic.TREADMILL_DATA, garbled))
    assert bench.go().passed
    assert bench.faults() == []


def test_a_link_that_is_lost_in_the_countdown_is_not_waited_for_in_silence() -> None:
    bench = EmptyBelt()
    assert bench.run(60, until=lambda b: b.controller.marked)
    bench.run(0.5)
    deaf(bench)
    bench.run(3.25)
    bench.reconnects = False
    bench.lose_link()
    bench.run(10)
    assert bench.commissioner.awaiting is Act.STILL
    assert bench.said()[-1] == "Not yet: the treadmill is not connected."
    bench.reconnects, bench.deaf = True, False
    assert bench.go().why == "it does not start"
    assert bench.sent(START) == []


def test_what_was_learned_of_the_machine_is_not_forgotten_with_the_link() -> None:
    bench = EmptyBelt(quirks=spec("belt", needs_target_to_move=True))
    assert bench.run(600, until=lambda b: any(said.startswith("Now up to") for said in b.said()))
    bench.lose_link()
    assert bench.go().passed


@pytest.mark.parametrize("back", [True, False])
def test_a_word_that_the_belt_is_still_needs_a_link(back: bool) -> None:
    bench = EmptyBelt(quirks=quirks_of(load_machine("silent-when-stopped")), answers=frozenset())
    assert bench.run(15, until=lambda b: b.commissioner.awaiting is Act.STILL)  # type: ignore[attr-defined]  # it is an EmptyBelt
    bench.reconnects = back
    bench.lose_link()
    bench.ask(Confirm(Act.STILL))
    assert bench.said()[-1] == "Not yet: the treadmill is not connected."
    bench.answers = frozenset({Act.START, Act.STILL})
    assert bench.go().why == ("" if back else "nobody answered")


def test_a_word_that_the_link_follows_at_once_counts_for_the_next_link() -> None:
    bench = EmptyBelt(quirks=quirks_of(load_machine("silent-when-stopped")), answers=frozenset())
    assert bench.run(15, until=lambda b: b.commissioner.awaiting is Act.STILL)  # type: ignore[attr-defined]  # it is an EmptyBelt
    bench.commissioner.feed(Request("1", "test", Confirm(Act.STILL)), bench.now)
    bench.lose_link()
    bench.answers = frozenset({Act.START, Act.STILL})
    assert bench.go().passed
    assert bench.commissioner.measured.silent_at_rest


@pytest.mark.parametrize(
    ("speed", "why"), [(0, ""), (10, ""), (20, "the belt moves: stop it at the console first")]
)
def test_one_record_and_then_silence_moves_only_where_it_says_so(speed: int, why: str) -> None:
    quirks = quirks_of(load_machine("silent-when-stopped"))
    bench = EmptyBelt(quirks=quirks, connect_now=False)
    bench.connect()
    record = encode(TreadmillData(instantaneous_speed=Speed(speed)))
    bench._feed(Notified(bench.connection, Characteristic.TREADMILL_DATA, record))
    assert bench.go().why == why
    assert bool(bench.commissioner.measured.silent_at_rest) is (not why)


def test_a_stop_while_the_link_is_away_brings_it_back() -> None:
    bench = EmptyBelt()
    assert bench.run(300, until=lambda b: not b.linked)
    cut = bench.now
    bench.run(2)
    bench.ask(StopSession())
    verdict = bench.go()
    assert verdict.why == "it was stopped"
    assert bench.sent(STOP)[-1] < cut + 5
    assert bench.real_speed == 0


def test_and_so_does_one_after_the_link_was_lost() -> None:
    bench = moving(EmptyBelt())
    bench.reconnects = False
    bench.lose_link()
    bench.ask(StopSession())
    assert DropLink("the link is wanted for a Stop") in [effect for _, effect in bench.effects]


def test_a_stop_that_is_never_written_asks_for_a_new_link() -> None:
    bench = moving(EmptyBelt())
    bench.write_s = 1e9
    bench.ask(StopSession())
    bench.run(2.5)
    assert bench.faults() == ["stop_unsent"]
    bench.write_s = 0.05
    assert bench.go().why == "it was stopped"


def test_a_frame_that_the_guard_refuses_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = moving(EmptyBelt())
    bench.run(4)
    monkeypatch.setattr(type(bench.commissioner), "_slowest", Speed(300))
    verdict = bench.go()
    assert verdict.why.startswith("the guard refused a command")
    assert bench.real_speed == 0


def test_a_silent_machine_is_asked_about_until_somebody_answers() -> None:
    bench = moving(EmptyBelt(quirks=spec("telemetry", silent_at=Speed(40))))
    bench.answers = frozenset({Act.START})
    assert bench.run(120, until=lambda b: "rest_unknown" in b.faults())
    assert bench.real_speed == 0
    assert bench.controller.alarm.startswith("PULL THE CORD")
    assert bench.commissioner.awaiting is Act.STILL
    bench.answers = frozenset({Act.STILL})
    assert bench.go().why == "the treadmill fell silent and nobody said that the belt is still"


def test_garbled_octets_end_nothing() -> None:
    bench = EmptyBelt(answers=frozenset())
    bench._feed(Notified(bench.connection, Characteristic.TREADMILL_DATA, b"\x00"))
    bench._feed(Notified(99, Characteristic.TREADMILL_DATA, bytes.fromhex("0000ff00")))
    bench.run(1)
    assert bench.commissioner.verdict is None


def test_the_live_state_is_that_of_a_treadmill_without_a_session() -> None:
    bench = moving(EmptyBelt())
    shown: Snapshot = bench.snapshot
    assert shown.session_id is None
    assert shown.cap == 150
    assert bench.commissioner.marked


# --- what follows ---------------------------------------------------------------------------------

COMPLETE = Measured(
    start_delay_s=3.4, starts_at=Speed(80), slowest=Speed(80), unit_kept=True, acceleration=30,
    deceleration=49, echoes_target=False, starts_above_minimum=False, start_toggles=False,
    keeps_running_without_link=True,
)  # fmt: skip
MACHINE = untold(SPEC)


def capped(machine: Machine) -> tuple[int, str]:
    found = limits_for(machine, site=bounds.SiteLimits(level=6), level=6)
    assert isinstance(found, Limits)
    return found.cap(Direction.BACKWARD), found.cap_reason(Direction.BACKWARD)


@pytest.mark.parametrize(
    ("found", "cap"),
    [
        ({}, (200, "no second stop")),
        ({"keeps_running_without_link": False}, (400, "level 6")),
        ({"keeps_running_without_link": None}, (200, "no second stop")),
        ({"echoes_target": True}, (150, "machine echoes its target")),
        ({"reverts_after_s": 20.0}, (80, "machine maximum")),
    ],
)
def test_what_was_found_sets_the_limits(found: dict[str, object], cap: tuple[int, str]) -> None:
    assert capped(MACHINE) == (150, "uncommissioned machine")
    assert capped(replace(COMPLETE, **found).applied_to(MACHINE)) == cap  # type: ignore[arg-type]  # a table of facts


def test_measured_numbers_replace_and_flags_are_only_added() -> None:
    machine = replace(
        MACHINE, deceleration=90, start_delay_s=2.0, silent_at_rest=True, needs_target_to_move=True,
        echoes_target=True, starts_above_minimum=True, control_unanswered=True,
        keeps_running_without_link=False,
    )  # fmt: skip
    after = COMPLETE.applied_to(machine)
    assert after == replace(
        machine, commissioned=True, deceleration=49, start_delay_s=3.4, keeps_running_without_link=True
    )
    assert Measured().applied_to(machine) == replace(machine, commissioned=True)


def test_a_ramp_of_one_record_tells_no_rate() -> None:
    assert rate([(0.0, Speed(0)), (1.0, Speed(50)), (2.0, Speed(80))], Speed(80)) is None
    assert rate([(0.0, Speed(20)), (1.0, Speed(50)), (2.0, Speed(80))], Speed(80)) == 30
    assert rate([(0.0, Speed(50)), (1.0, Speed(50))], Speed(80)) is None
    assert rate([(0.0, Speed(20)), (1.0, Speed(30)), (2.0, Speed(60)), (4.0, Speed(64))], Speed(80)) == 11


def test_steady_is_two_seconds_without_change() -> None:
    trace = [(t / 2, Speed(80)) for t in range(5)]
    assert steady(trace, 2.0) == 80
    assert steady(trace[1:], 2.0) is None
    assert steady([*trace, (2.5, Speed(95))], 2.5) is None
    assert steady([], 2.0) is None
