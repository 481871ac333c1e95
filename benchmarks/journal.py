"""What the flight recorder costs: microseconds a control step, and megabytes an hour.

    python benchmarks/journal.py

The daemon with a simulated treadmill that notifies four times a second, in virtual time: a whole session, and
ten minutes of an idle belt. "Control task" is what a step pays to be remembered, "side task" what it takes to
make its line and write it; processor time, the disk's own (fsync) left out.
"""

import asyncio
import logging
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from retrowalk.app import App
from retrowalk.clock import utc_now
from retrowalk.core.model import Offer, Phase, Request, Snapshot
from retrowalk.journal.lines import Entry, Header, Step, read
from retrowalk.journal.pages import MEGABYTE, Pages, chapters
from retrowalk.journal.tape import Tape
from retrowalk.machines import load_machine
from retrowalk.settings import Settings
from retrowalk.sim.loops import virtual_loop
from retrowalk.sim.room import ADDRESS, Person, Room

PROGRAM = "waves-1"
IDLE_S = 600.0
TIMES = 20_000

Look = Callable[[], Snapshot | None]


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    entries = report("session", session)
    report("idle, connected", idle)
    print(f"control task: {remembering() * 1e6:.2f} us a step")
    print(f"side task: {writing(entries) * 1e6:.2f} us a step")


def report(what: str, live: Callable[[App, Look], Awaitable[None]]) -> list[Entry]:
    """Live through it, and print how much of it is on disk; the entries."""
    with tempfile.TemporaryDirectory() as folder:
        with asyncio.Runner(loop_factory=virtual_loop) as runner:
            runner.run(day(Path(folder), live))
        (path,) = (Path(folder) / "journal").iterdir()
        octets = path.stat().st_size
        with path.open(newline="") as lines:
            entries = [entry for _, entry in read(lines)]
    hours = (entries[-1].t - entries[0].t) / 3600
    print(
        f"{what}: {octets / hours / 1e6:.2f} MB an hour, {octets / len(entries):.0f} octets a control step, "
        f"{len(entries) / hours / 3600:.1f} steps a second"
    )
    return entries


async def day(folder: Path, live: Callable[[App, Look], Awaitable[None]]) -> None:
    room = Room(load_machine("spec"))
    treadmill = {"id": "tm", "address": ADDRESS, "machine": "spec"}
    settings = Settings.model_validate(
        {"treadmills": (treadmill,), "paths": {"state_dir": folder}, "safety": {"level": 6}}
    )
    app = App(settings, backend=room.backend, speak=lambda _: [])

    def latest() -> Snapshot | None:
        state = app.hubs["tm"].latest
        return None if state is None else state.snapshot

    async with room.open(), app.running():
        person = Person(room.treadmill, lambda request: app.submit("tm", request))
        living = asyncio.create_task(person.live(latest))
        await phase(latest, Phase.IDLE)
        await live(app, latest)
        living.cancel()


async def session(app: App, latest: Look) -> None:
    app.submit("tm", Request("offer", "bench", Offer(PROGRAM)))
    await phase(latest, Phase.ENDED)


async def idle(_app: App, _latest: Look) -> None:
    await asyncio.sleep(IDLE_S)


async def phase(latest: Look, wanted: Phase) -> None:
    async with asyncio.timeout(3600):
        while (state := latest()) is None or state.phase is not wanted:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(1)


def remembering() -> float:
    """Seconds that a tape takes for a step."""
    tape = Tape("tm", "bench", utc_now, most=TIMES + 1)
    began = time.process_time()
    for _ in range(TIMES):
        tape.came(None, 1.0)
        tape.did((), session=False)
    return (time.process_time() - began) / TIMES


def writing(entries: list[Entry]) -> float:
    """Seconds that a step takes on its way to the file."""
    with tempfile.TemporaryDirectory() as folder:
        pages = Pages(Path(folder), "tm", 64 * MEGABYTE)
        steps = [entry for entry in entries if isinstance(entry, Step)]
        began = time.process_time()
        for chapter in chapters([entry for entry in entries if isinstance(entry, Header)][:1]):
            pages.append(chapter)
        for second in range(0, len(steps), 8):
            pages.append(steps[second : second + 8])
        took = time.process_time() - began
        pages.close()
    return took / len(steps)


if __name__ == "__main__":
    main()
