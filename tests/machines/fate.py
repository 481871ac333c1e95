"""What becomes of one short session on a machine: the whole daemon, the simulated machine, a willing person.

The daemon is told no more than the machine's address: what the machine is it finds out by what it shows.
The person does what the file tells a person: has pressed a key of the console before, and waits for the
second link where the first one does not hold.
"""

import asyncio
import contextlib
import shutil
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from retrowalk.app import App
from retrowalk.core.model import Emitted, Offer, Phase, Replied, Request, Said
from retrowalk.core.program import Program
from retrowalk.core.program_text import parse_program
from retrowalk.hub import Reader
from retrowalk.machines import MachineFile
from retrowalk.settings import Settings
from retrowalk.sim.light import LightRadio
from retrowalk.sim.loops import virtual_loop
from retrowalk.sim.machines import quirks_of
from retrowalk.sim.model.treadmill import Treadmill
from retrowalk.sim.room import Person

ADDRESS = "C0:00:00:00:18:26"
PROGRAM = """
name = "There and back"
level = 1
steps = [
  { walk = "forward", for = "90s", speed = 1.2 },
  { turn = "backward" },
  { walk = "backward", for = "40s", speed = [1.0, 1.2] },
  { turn = "forward" },
  { walk = "forward", for = "30s", speed = 1.0 },
]
"""
CONNECT_WITHIN_S = 20.0
OVER_WITHIN_S = 900.0
QUIET_S = 30.0
"""After the end: time for the belt to stop, the alarm to be heard, the cord to be pulled."""
_LOOKS_EVERY_S = 0.25


class End(StrEnum):
    """How it ended."""

    COMPLETED = "completed"
    REFUSED = "refused"
    STOPPED = "stopped"
    UNREACHED = "not connected"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of it."""

    end: End
    why: str = ""
    alarmed: bool = False
    """The person was told to pull the cord."""
    at_rest: bool = True
    """The real belt, some time after the end."""
    fastest_kmh: float = 0.0
    """The real belt, ever."""


def fate_of(file: MachineFile) -> Fate:
    """Live through it, in virtual time."""
    folder = Path(tempfile.mkdtemp(prefix="machine-"))
    try:
        with asyncio.Runner(loop_factory=virtual_loop) as runner:
            return runner.run(_live(file, folder))
    finally:
        shutil.rmtree(folder)


class _Ear:
    def __init__(self) -> None:
        self.alarmed = False

    def say(self, said: Said) -> None:
        self.alarmed = self.alarmed or (said.alarm and "CORD" in said.text)

    def close(self) -> None:
        pass


async def _live(file: MachineFile, folder: Path) -> Fate:
    radio = LightRadio()
    treadmill = _Watched(quirks_of(file))
    radio.put(treadmill, ADDRESS)
    treadmill.console.press("slower")
    program = parse_program(PROGRAM)
    assert isinstance(program, Program)
    settings = Settings.model_validate(
        {
            "treadmills": ({"id": "tm", "address": ADDRESS, "at_machine": True},),
            "paths": {"state_dir": folder},
            "mqtt": {"url": "off"},
            "journal": {"enabled": False},
        }
    )
    ear = _Ear()
    app = App(
        settings,
        backend=radio.backend,
        speak=lambda _: [ear],
        find_program=lambda _: program,
        offload=_at_once,
    )
    hub = app.hubs["tm"]
    person = Person(treadmill, partial(app.submit, "tm"))
    living = asyncio.create_task(person.live(lambda: hub.latest and hub.latest.snapshot))
    try:
        with hub.subscribe(5000) as reader:
            async with app.running():
                await asyncio.sleep(treadmill.quirks.link.first_link_lasts_s or 0.0)
                end, why = await _session(app, reader)
                await asyncio.sleep(QUIET_S)
    finally:
        living.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await living
    at_rest = treadmill.belt.speed == 0 and not treadmill.is_started
    return Fate(end, why, ear.alarmed, at_rest, treadmill.fastest / 100)


class _Watched(Treadmill):
    """It keeps how fast its belt ever was."""

    fastest = 0.0

    def _pass(self, now: float) -> None:
        super()._pass(now)
        self.fastest = max(self.fastest, self.belt.speed)


async def _session(app: App, reader: Reader) -> tuple[End, str]:
    hub, loop = app.hubs["tm"], asyncio.get_running_loop()
    began, offered, reason, trouble = loop.time(), False, "", ""
    while loop.time() < began + OVER_WITHIN_S:
        await asyncio.sleep(_LOOKS_EVERY_S)
        for note in reader.take():
            match note.what:
                case Replied(outcome="refused", id="offer", reason=why):
                    return End.REFUSED, why
                case Emitted(type="completed"):
                    return End.COMPLETED, ""
                case Emitted(type="stopped" | "missed", fields=fields):
                    return End.STOPPED, str(fields["reason"])
                case Emitted(type="fault", fields=fields):
                    reason = reason or str(fields.get("text") or fields["id"])
                case _:
                    pass
        state = None if hub.latest is None else hub.latest.snapshot
        trouble = (state and state.link.partition(": ")[2]) or trouble
        if not offered and state is not None and state.link == "connected" and state.phase is Phase.IDLE:
            offered = True
            app.submit("tm", Request("offer", "test", Offer("there-and-back")))
        if not offered and loop.time() > began + CONNECT_WITHIN_S:
            return End.UNREACHED, trouble
    return End.STOPPED, reason or "it did not end"


async def _at_once(block: object) -> None:
    block()  # type: ignore[operator]  # as the App calls it
