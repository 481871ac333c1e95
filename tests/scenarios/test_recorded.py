"""What a daemon has done is in its journal, is decided the same again, and outlives the daemon."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.scenarios.conftest import Daemon, Room, Stand

from retrowalk.core.model import Connected, Notified, Phase, Replied, Request, StopSession
from retrowalk.journal.lines import Step, read
from retrowalk.journal.recorder import Recorder
from retrowalk.journal.replay import Seen, replay


def replayed(journal: Path) -> list[Seen]:
    """All files of one treadmill, decided again."""
    found: list[Seen] = []
    for path in sorted(journal.glob("tm-*.jsonl")):
        with path.open(newline="") as lines:
            found += replay(read(lines))
    return found


def steps_of(journal: Path) -> list[Step]:
    return [seen.entry for seen in replayed(journal) if isinstance(seen.entry, Step)]


async def whole(daemon: Daemon, stand: Stand) -> None:
    await daemon.phase(Phase.ENDED, Phase.FAULTED, within=300)
    await asyncio.sleep(10)


async def stopped(daemon: Daemon, stand: Stand) -> None:
    await daemon.phase(Phase.WALKING)
    await daemon.ask(StopSession())
    await daemon.phase(Phase.ENDED)


async def link_lost(daemon: Daemon, stand: Stand) -> None:
    await daemon.phase(Phase.WALKING)
    await asyncio.sleep(8)
    stand.cut()
    await asyncio.sleep(30)


async def key_pulled(daemon: Daemon, stand: Stand) -> None:
    await daemon.phase(Phase.WALKING)
    await asyncio.sleep(8)
    stand.machine.safety_key.pull()
    await asyncio.sleep(30)


STORIES = [
    ("spec", whole),
    ("spec", stopped),
    ("spec", link_lost),
    ("spec", key_pulled),
    ("drops-link", whole),
    ("ignores-stop", whole),
    ("mph", whole),
    ("runaway", whole),
    ("silent-when-stopped", whole),
    ("split", whole),
]


@pytest.mark.parametrize(("machine", "story"), STORIES)
async def test_every_session_is_decided_the_same(
    machine: str, story: Callable[[Daemon, Stand], Awaitable[None]], room: Room
) -> None:
    stand = await room.put_up(machine)
    settings = room.settings(treadmill={"machine": machine})
    async with room.daemon(settings) as daemon, room.person(daemon):
        await daemon.offered()
        await story(daemon, stand)
    passed = replayed(room.state / "journal")
    assert [seen.difference for seen in passed if seen.difference] == []
    steps = [seen.entry for seen in passed if isinstance(seen.entry, Step)]
    came = [step.got for step in steps]
    assert any(isinstance(got, Connected) for got in came)
    assert sum(isinstance(got, Notified) for got in came) > 50
    assert [frame.octets for step in steps for frame in step.frames] == [f for _, f in stand.machine.written]
    assert [step.t for step in steps] == sorted(step.t for step in steps)
    told = {(e.type, e.fields.get("id")) for s in steps for e in s.effects if hasattr(e, "fields")}
    assert {(e.type, e.fields.get("id")) for e in daemon.events()} <= told


async def test_two_daemons_are_two_files(room: Room, spec: Stand) -> None:
    for _ in range(2):
        async with room.daemon() as daemon:
            await daemon.phase(Phase.IDLE)
    assert sorted(path.name for path in (room.state / "journal").iterdir()) == [
        "tm-000001.jsonl",
        "tm-000002.jsonl",
    ]


async def test_without_a_journal_nothing_is_kept_and_replies_come(room: Room, spec: Stand) -> None:
    async with room.daemon(room.settings(journal={"enabled": False})) as daemon:
        await daemon.offered()
    assert not (room.state / "journal").exists()


async def test_a_state_folder_that_takes_nothing_is_no_concern_of_the_belt(room: Room, spec: Stand) -> None:
    room.state.mkdir()
    (room.state / "journal").write_text("a file where the folder should be")
    async with room.daemon() as daemon, room.person(daemon):
        await daemon.offered()
        await daemon.phase(Phase.ENDED, within=300)
        assert [event.fields["id"] for event in daemon.events("note")] == ["journal_stuck"]
        assert daemon.events("completed")


async def test_a_bug_in_recording_ends_no_journal(room: Room, spec: Stand) -> None:
    async with room.daemon() as daemon:
        await daemon.phase(Phase.IDLE)
        journal = daemon.app.stations["tm"].journal
        assert isinstance(journal, Recorder)
        journal._tape.put_back([None])  # type: ignore[list-item]  # what no line can be made of
        await asyncio.sleep(5)
        assert journal._tape.waiting < 10
    assert steps_of(room.state / "journal")


CHILD = """
import asyncio, pathlib, sys
from retrowalk.core.model import Lease
from tests.scenarios.conftest import Room
async def main(folder):
    room = Room(folder)
    await room.put_up()
    async with room.daemon() as daemon:
        await daemon.walking("long")
        while True:
            print((await daemon.ask(Lease())).id, flush=True)
from retrowalk.sim.loops import scaled_loop
with asyncio.Runner(loop_factory=lambda: scaled_loop(30)) as runner:
    runner.run(main(pathlib.Path(sys.argv[1])))
"""


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    acknowledged = 7
    folder = tmp_path / "child"
    folder.mkdir()
    command = [sys.executable, "-c", CHILD, str(folder)]
    said: list[str] = []
    with subprocess.Popen(  # noqa: ASYNC220 - virtual time waits for it
        command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdout is not None
        while sum(line.startswith("ask-") for line in said) < acknowledged:
            said.append(child.stdout.readline().strip())
            assert said[-1], "the child ended"
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait(10) == -signal.SIGKILL
        said += child.stdout.read().split()
    steps = steps_of(folder / "state" / "journal")
    asked = {step.got.id for step in steps if isinstance(step.got, Request)}
    assert {line for line in said if line.startswith("ask-")} <= asked
    replies = [e for step in steps for e in step.effects if isinstance(e, Replied) and e.command == "lease"]
    assert len(replies) >= acknowledged
