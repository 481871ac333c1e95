"""A journal is decided again to the last frame; a core that decides otherwise is seen."""

from collections.abc import Callable
from itertools import count

import pytest
from tests.core.bench import program
from tests.journal.bench_tape import TapedBench

from retrowalk.core import capping
from retrowalk.core.controller import Controller
from retrowalk.core.model import Offer, Phase, StopSession
from retrowalk.core.program import Program
from retrowalk.journal.lines import Frame, Header, JournalError, Step, read, written
from retrowalk.journal.replay import Seen, replay
from retrowalk.machines import load_machine
from retrowalk.programs import read_program
from retrowalk.sim.machines import quirks_of
from retrowalk.sim.model.console import Key

WALK = program(
    'name = "Walk"\nlevel = 0\nsteps = [ { walk = "forward", for = "40s", speed = 1.2 },'
    ' { turn = "backward" }, { walk = "backward", for = "30s", speed = 1.0 } ]'
)


def again(journal: list[str]) -> list[Seen]:
    return list(replay(read(journal)))


def differences(journal: list[str]) -> list[Seen]:
    return [seen for seen in again(journal) if seen.difference is not None]


def whole_session(bench: TapedBench) -> None:
    bench.offer()
    bench.run(300, lambda b: b.snapshot.phase is Phase.ENDED)


def lost_link(bench: TapedBench) -> None:
    bench.offer()
    bench.run(40)
    bench.lose_link()
    bench.run(5)
    bench.connect()
    bench.run(30)


def deaf(bench: TapedBench) -> None:
    bench.offer()
    bench.run(40)
    bench.deaf = True
    bench.run(20)


def stopped(bench: TapedBench) -> None:
    bench.offer()
    bench.run(40)
    bench.ask(StopSession())
    bench.run(30)


def by_hand(bench: TapedBench) -> None:
    bench.treadmill.console.press(Key.START)
    bench.run(30)


def refused(bench: TapedBench) -> None:
    bench.program = None
    bench.ask(Offer("nonesuch"))
    bench.run(1)


STORIES = [whole_session, lost_link, deaf, stopped, by_hand, refused]


@pytest.mark.parametrize("machine", ["spec", "split", "ignores-stop", "silent-when-stopped", "runaway"])
@pytest.mark.parametrize("story", STORIES)
def test_every_story_on_every_machine_is_decided_the_same(
    story: Callable[[TapedBench], None], machine: str
) -> None:
    bench = TapedBench(quirks=quirks_of(load_machine(machine)), program=WALK)
    story(bench)
    frames = [octets for _, octets in bench.frames]
    journal = bench.journal
    passed = again(journal)
    assert [seen for seen in passed if seen.difference] == []
    steps = [seen.entry for seen in passed if isinstance(seen.entry, Step)]
    assert [frame.octets for step in steps for frame in step.frames] == frames
    assert passed[-1].snapshot == bench.controller.snapshot(steps[-1].t)


def test_a_marker_of_a_dead_daemon_is_part_of_it() -> None:
    bench = TapedBench(program=WALK, left_running=True)
    bench.run(20)
    assert not differences(bench.journal)


@pytest.mark.parametrize("minutes", [0.0, 0.5, 1.0, 1.5, 2.0])
def test_a_file_that_begins_anywhere_is_decided_from_there(minutes: float) -> None:
    bench = TapedBench(program=WALK)
    bench.offer()
    bench.run(minutes * 60)
    assert bench.tape is not None
    bench.tape.turn_page()
    bench.run(0.5)
    entries = bench.entries()
    (page,) = [n for n, entry in enumerate(entries) if isinstance(entry, Header) and n > 0]
    whole_session(bench)
    journal = list(written([*entries[page:], *bench.entries()]))
    passed = again(journal)
    assert [seen for seen in passed if seen.difference] == []
    assert all(seen.snapshot for seen in passed[1:])
    steps = [seen.entry for seen in passed if isinstance(seen.entry, Step)]
    assert passed[-1].snapshot == bench.controller.snapshot(steps[-1].t)


@pytest.mark.parametrize("machine", ["spec", "split"])
def test_a_controller_is_kept_whole_all_through_a_session(machine: str) -> None:
    bench = TapedBench(quirks=quirks_of(load_machine(machine)), program=WALK)
    tape, steps = bench.tape, count(1)
    assert tape is not None
    bench.each_did = lambda: tape.turn_page() if next(steps) % 7 == 0 else None
    whole_session(bench)
    journal = bench.journal
    headers = [seen.entry for seen in again(journal) if isinstance(seen.entry, Header)]
    assert len(headers) > 100
    assert all(header.setup or header.state for header in headers)
    assert not differences(journal)


def test_a_frame_that_was_another_is_shown() -> None:
    bench = TapedBench(program=WALK)
    whole_session(bench)
    entries = bench.entries()
    step = next(e for e in entries if isinstance(e, Step) and any(frame.octets[0] == 2 for frame in e.frames))
    step.frames = tuple(Frame(f.connection, f.ticket, b"\x02\xff\x00") for f in step.frames)
    (seen,) = differences(list(written(entries)))
    assert seen.entry == step
    assert seen.difference is not None
    assert seen.difference.recorded["frames"][0][2] == "02ff00"
    assert seen.difference.now["frames"][0][2] == "025000"


def test_an_effect_beside_a_frame_that_was_another_is_shown() -> None:
    bench = TapedBench(program=WALK)
    whole_session(bench)
    entries = bench.entries()
    step = next(e for e in entries if isinstance(e, Step) and e.frames and e.effects)
    step.effects = ()
    (seen,) = differences(list(written(entries)))
    assert seen.entry == step


def test_a_guard_that_lets_more_through_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = TapedBench(program=WALK)
    bench.offer()
    bench.run(40)
    bench.treadmill.console.set_speed(200)
    bench.run(10)
    journal = bench.journal
    assert not differences(journal)
    monkeypatch.setattr(capping, "CAP_MARGIN", 500)
    assert differences(journal)


def test_a_bug_is_the_same_bug_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = TapedBench(program=WALK)
    bench.offer()
    act = Controller.act
    monkeypatch.setattr(Controller, "act", lambda self, now: act(self, now) if now < 102.2 else 1 / 0)
    with pytest.raises(ZeroDivisionError) as caught:
        bench.run(1)
    assert bench.tape is not None
    bench.tape.failed(caught.value)
    bench.tape.wrote(1, 99, b"\x08\x01")
    journal = bench.journal
    last, stand = again(journal)[-2:]
    assert isinstance(last.entry, Step)
    assert isinstance(stand.entry, Step)
    assert last.entry.bug == "ZeroDivisionError: division by zero"
    assert not differences(journal)
    assert stand.entry.frames == (Frame(1, 99, b"\x08\x01"),)
    monkeypatch.undo()
    assert differences(journal)


def test_a_controller_of_another_version_is_refused_in_a_sentence() -> None:
    bench = TapedBench(program=WALK)
    assert bench.tape is not None
    bench.tape.turn_page()
    bench.run(1)
    entries = bench.entries()
    page = next(n for n, entry in enumerate(entries) if isinstance(entry, Header) and n > 0)
    journal = list(written(entries[page:]))
    journal[0] = (
        journal[0]
        .replace("core.session.Session", "core.session.Sitting")
        .replace("core.motion.Motion", "core.motion.Emotion")
    )
    with pytest.raises(JournalError, match="line 1: retrowalk test has written this file in the middle"):
        again(journal)


def test_programs_are_in_the_journal_and_not_looked_for() -> None:
    bench = TapedBench(program=read_program("familiarise"))
    bench.offer()
    steps = [entry for entry in bench.entries() if isinstance(entry, Step)]
    (found,) = [step.programs for step in steps if step.programs]
    assert isinstance(found[0], Program)
    assert [step.ids for step in steps if step.ids] == [("s1",)]
