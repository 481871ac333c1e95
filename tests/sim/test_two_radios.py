"""The radio without a stack against the one with Bumble's: the daemon does the same over both."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path

import pytest

from retrowalk.app import App
from retrowalk.core.model import Emitted, Offer, Phase, Request, Snapshot
from retrowalk.machines import load_machine
from retrowalk.settings import Settings
from retrowalk.sim.light import LightRadio
from retrowalk.sim.loops import virtual_loop
from retrowalk.sim.machines import quirks_of
from retrowalk.sim.model.emissions import Client
from retrowalk.sim.model.quirks import LinkQuirks, Quirks
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks
from retrowalk.sim.model.treadmill import Treadmill
from retrowalk.sim.peripheral import Peripheral
from retrowalk.sim.radio import Radio
from retrowalk.sim.room import Person

ADDRESS = "C0:00:00:00:00:01"
PROGRAM = """
name = "Short"
level = 0
steps = [
  { walk = "forward", for = "20s", speed = 1.2 },
  { turn = "backward" },
  { walk = "backward", for = "20s", speed = 1.0 },
  { turn = "forward" },
  { walk = "forward", for = "20s", speed = 1.0 },
]
"""


class Machine(Treadmill):
    """Keeps what is written to it."""

    def __init__(self, quirks: Quirks) -> None:
        super().__init__(quirks)
        self.written: list[str] = []

    def write(self, client: Client, octets: bytes, now: float) -> int | None:
        self.written.append(octets.hex(" "))
        return super().write(client, octets, now)


class Scenery:
    """A daemon and a person at a machine, over either radio."""

    def __init__(
        self, radio: LightRadio | Radio, machine: Machine, app: App, cut: Callable[[], object]
    ) -> None:
        self.radio = radio
        self.machine = machine
        self.cut = cut
        self.app = app
        self._asked = 0

    def ask(self, what: Offer) -> None:
        self._asked += 1
        self.app.submit("tm", Request(f"ask-{self._asked}", "test", what))

    def look(self) -> Snapshot | None:
        latest = self.app.hubs["tm"].latest
        return latest and latest.snapshot

    async def phase(self, *wanted: Phase) -> None:
        async with asyncio.timeout(600):
            while (state := self.look()) is None or state.phase not in wanted:  # noqa: ASYNC110 - virtual time
                await asyncio.sleep(0.02)

    async def walking(self) -> None:
        self.ask(Offer("short"))
        await self.phase(Phase.WALKING)
        await asyncio.sleep(8)


Scene = Callable[[Scenery], Awaitable[None]]


async def the_whole_session(scenery: Scenery) -> None:
    scenery.ask(Offer("short"))
    await asyncio.sleep(180)


async def stop_at_the_console(scenery: Scenery) -> None:
    await scenery.walking()
    scenery.machine.console.press("stop")
    await asyncio.sleep(20)


async def another_speed_at_the_console(scenery: Scenery) -> None:
    await scenery.walking()
    scenery.machine.console.set_speed(0.9)
    await asyncio.sleep(40)


async def the_safety_key(scenery: Scenery) -> None:
    await scenery.walking()
    scenery.machine.safety_key.pull()
    await asyncio.sleep(20)


async def a_link_lost(scenery: Scenery) -> None:
    await scenery.walking()
    scenery.cut()
    await asyncio.sleep(60)


async def control_taken_away(scenery: Scenery) -> None:
    await scenery.walking()
    scenery.machine.take_control_away()
    await asyncio.sleep(30)


async def the_adapter_pulled(scenery: Scenery) -> None:
    await scenery.walking()
    scenery.radio.unplug()
    await asyncio.sleep(20)
    scenery.radio.plug_in()
    await asyncio.sleep(60)


async def manual_use(scenery: Scenery) -> None:
    await scenery.phase(Phase.IDLE)
    scenery.machine.console.press("start")
    await asyncio.sleep(10)
    scenery.machine.console.press("stop")
    await asyncio.sleep(20)


SCENES = [
    the_whole_session, stop_at_the_console, another_speed_at_the_console, the_safety_key, a_link_lost,
    control_taken_away, the_adapter_pulled, manual_use,
]  # fmt: skip
SPEC = Quirks()
MACHINES = {
    "spec": SPEC,
    "split records": replace(SPEC, telemetry=TelemetryQuirks(largest_notification=20)),
    "one record a second": replace(SPEC, telemetry=TelemetryQuirks(notify_every_s=1.0)),
    "no service data": replace(SPEC, link=LinkQuirks(service_data=False)),
    **{name: quirks_of(load_machine(name)) for name in ("grid-0.5", "ignores-stop", "drops-link", "mph")},
}


@contextlib.asynccontextmanager
async def room(quirks: Quirks, folder: Path, *, light: bool) -> AsyncIterator[Scenery]:
    """A machine in the air, and the daemon that runs there."""
    machine = Machine(quirks)
    folder.mkdir()  # noqa: ASYNC240 - nothing else runs yet
    (folder / "short.toml").write_text(PROGRAM)
    settings = Settings.model_validate(
        {
            "treadmills": ({"id": "tm", "address": ADDRESS, "machine": "spec", "at_machine": True},),
            "paths": {"state_dir": folder, "programs_dir": folder},
        }
    )
    async with contextlib.AsyncExitStack() as opened:
        if light:
            radio: LightRadio | Radio = (light_radio := LightRadio())
            cut = light_radio.put(machine, ADDRESS).cut
        else:
            radio = full_radio = Radio()
            device = await full_radio.peripheral_device(quirks.link.name, ADDRESS)
            cut = partial(full_radio.cut, device)
            await opened.enter_async_context(Peripheral(machine, device, cut))
        app = App(settings, backend=radio.backend, speak=lambda _: [], offload=at_once)
        await opened.enter_async_context(app.running())
        yield Scenery(radio, machine, app, cut)


async def at_once(block: Callable[[], None]) -> None:
    block()


async def observed(scene: Scene, quirks: Quirks, folder: Path, *, light: bool) -> list[str]:
    """What was asked of the machine, and then the events of the daemon, each in order.

    Of frames that follow each other with the same op code the first stands for all, and refusals are left
    out: how often a Stop is repeated, and in which steps a ramp is walked, depends on when a record comes.
    """
    async with room(quirks, folder, light=light) as scenery:
        notes = scenery.app.hubs["tm"].subscribe(10_000)
        person = Person(scenery.machine, partial(scenery.app.submit, "tm"))
        living = asyncio.create_task(person.live(scenery.look))
        await scenery.phase(Phase.IDLE)
        await scene(scenery)
        living.cancel()
    told = [note.what for note in notes.take() if isinstance(note.what, Emitted)]
    events = [event for event in told if event.type != "control_point"]
    asked = [op_code for op_code, _ in groupby(frame[:2] for frame in scenery.machine.written)]
    return asked + [f"{event.type} {event.fields.get('id', '')}" for event in events]


CASES = [(scene, "spec") for scene in SCENES]
CASES += [(the_whole_session, name) for name in MACHINES if name != "spec"]
CASES += [(a_link_lost, name) for name in ("split records", "one record a second", "grid-0.5", "drops-link")]


@pytest.mark.parametrize(("scene", "machine"), CASES, ids=lambda what: getattr(what, "__name__", what))
def test_the_daemon_does_the_same_over_both_radios(scene: Scene, machine: str, tmp_path: Path) -> None:
    quirks = MACHINES[machine]
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        full = runner.run(observed(scene, quirks, tmp_path / "full", light=False))
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        light = runner.run(observed(scene, quirks, tmp_path / "light", light=True))
    assert light == full
    assert "00" in full or scene is manual_use
