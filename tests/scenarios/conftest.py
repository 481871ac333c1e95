"""The whole daemon in a room with simulated treadmills: real bleak code, a real GATT server, no hardware.

Time is virtual, so that minutes take a moment; a module that needs real sockets sets `SPEEDUP`, and then
runs so many times as fast as real time.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import structlog
from tests.soak.mortal import mortal

from retrowalk.app import App
from retrowalk.core.model import Act, Ask, Confirm, Emitted, Offer, Phase, Replied, Request, Said, Snapshot
from retrowalk.machines import load_machine
from retrowalk.settings import Settings
from retrowalk.sim.loops import scaled_loop, virtual_loop
from retrowalk.sim.machines import quirks_of
from retrowalk.sim.model.emissions import Client
from retrowalk.sim.model.trace import Trace
from retrowalk.sim.model.traced import Traced
from retrowalk.sim.model.treadmill import Treadmill
from retrowalk.sim.peripheral import Peripheral
from retrowalk.sim.radio import Radio
from retrowalk.sim.room import Person
from retrowalk.sim.strap import HeartRateStrap

LONG = """
name = "Long"
level = 0
steps = [{ walk = "forward", for = "5min", speed = 1.2 }, { walk = "forward", for = "1min", speed = 1.0 }]
"""
SHORT = """
name = "Short"
level = 0
steps = [
  { walk = "forward", for = "20s", speed = 1.2, cue = "Off we go" },
  { turn = "backward" },
  { walk = "backward", for = "20s", speed = 1.0 },
  { turn = "forward" },
  { walk = "forward", for = "20s", speed = 1.0 },
]
"""


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    speedup = getattr(item.getparent(pytest.Module).module, "SPEEDUP", None)
    return {"virtual": virtual_loop} if speedup is None else {"scaled": partial(scaled_loop, speedup)}


class Machine(Treadmill):
    """A simulated treadmill that keeps the frames written to it, and when."""

    def __init__(self, name: str) -> None:
        super().__init__(quirks_of(load_machine(name)))
        self.written: list[tuple[float, bytes]] = []
        self.before_write: Callable[[bytes], None] = lambda _frame: None

    def write(self, client: Client, octets: bytes, now: float) -> int | None:
        self.before_write(octets)
        self.written.append((now, octets))
        return super().write(client, octets, now)

    @property
    def op_codes(self) -> list[int]:
        """The first octets of what was written so far, in order."""
        return [frame[0] for _, frame in self.written]

    @property
    def kmh(self) -> float:
        """The real speed of the belt."""
        return self.belt.speed / 100

    @property
    def at_rest(self) -> bool:
        return self.belt.speed == 0 and not self.is_started


class Stand:
    """One treadmill in the room, at its address."""

    def __init__(self, radio: Radio, machine: Machine, peripheral: Peripheral, address: str) -> None:
        self.machine = machine
        self.address = address
        self._radio = radio
        self._peripheral = peripheral

    def cut(self) -> None:
        """The link is lost by radio, from one moment to the next; the treadmill stays in reach."""
        self._radio.cut(self._peripheral.device)

    def move_away(self) -> None:
        self._radio.move_away(self._peripheral.device)

    def bring_back(self) -> None:
        self._radio.bring_back(self._peripheral.device)

    @property
    def is_connected(self) -> bool:
        return bool(self._peripheral.device.connections)


class Ears:
    """What a person hears."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self._closed = False

    def say(self, said: Said) -> None:
        if not self._closed:
            self.said.append(said)

    def close(self) -> None:
        """Nothing is heard any more."""
        self._closed = True

    def alarms(self) -> set[str]:
        return {said.text for said in self.said if said.alarm}


class Daemon:
    """A running App: what it shows, what it says, what it is asked."""

    def __init__(self, app: App, ears: Ears, die: Callable[[], None], patience_s: float) -> None:
        self.app = app
        self.ears = ears
        self._patience_s = patience_s
        self._die = die
        self._readers = {name: hub.subscribe(backlog=10_000) for name, hub in app.hubs.items()}
        self._notes: dict[str, list[Emitted | Replied]] = {name: [] for name in app.hubs}
        self._ids = count(1)

    def state(self, treadmill: str = "tm") -> Snapshot:
        latest = self.app.hubs[treadmill].latest
        assert latest is not None
        return latest.snapshot

    def notes(self, treadmill: str = "tm") -> list[Emitted | Replied]:
        """Events and replies so far, in order."""
        self._notes[treadmill] += [note.what for note in self._readers[treadmill].take()]
        return self._notes[treadmill]

    def events(self, *types: str, treadmill: str = "tm") -> list[Emitted]:
        found = [note for note in self.notes(treadmill) if isinstance(note, Emitted)]
        return [event for event in found if not types or event.type in types]

    async def until(
        self, holds: Callable[[Snapshot], object], *, within: float = 60.0, treadmill: str = "tm"
    ) -> Snapshot:
        """Wait for a state; in some rooms for longer."""
        try:
            async with asyncio.timeout(within + self._patience_s):
                while True:
                    latest = self.app.hubs[treadmill].latest
                    if latest is not None and holds(latest.snapshot):
                        return latest.snapshot
                    await asyncio.sleep(0.02)
        except TimeoutError:
            told = [(event.type, dict(event.fields)) for event in self.events(treadmill=treadmill)]
            raise AssertionError(f"not within {within:g} s; {latest}; {told}") from None

    async def phase(self, *phases: Phase, within: float = 60.0, treadmill: str = "tm") -> Snapshot:
        return await self.until(lambda state: state.phase in phases, within=within, treadmill=treadmill)

    async def ask(self, ask: Ask, treadmill: str = "tm") -> Replied:
        """Ask, and have the first answer."""
        request = Request(f"ask-{next(self._ids)}", "test", ask)
        self.app.submit(treadmill, request)
        async with asyncio.timeout(5 + self._patience_s):
            while True:
                for note in self.notes(treadmill):
                    if isinstance(note, Replied) and note.id == request.id:
                        return note
                await asyncio.sleep(0.02)

    async def offered(self, program: str = "short", treadmill: str = "tm") -> None:
        """Connected, and the program is offered."""
        await self.phase(Phase.IDLE, treadmill=treadmill)
        assert (await self.ask(Offer(program), treadmill)).outcome == "accepted"

    async def counting_down(self, program: str = "short", treadmill: str = "tm") -> None:
        """A person at the machine has agreed."""
        await self.offered(program, treadmill)
        await asyncio.sleep(1)
        await self.until(lambda state: state.awaiting is Act.START, treadmill=treadmill)
        assert (await self.ask(Confirm(None), treadmill)).outcome == "accepted"
        await self.phase(Phase.COUNTDOWN, treadmill=treadmill)

    async def walking(self, program: str = "short", treadmill: str = "tm") -> None:
        """In the first step, for some seconds."""
        await self.counting_down(program, treadmill)
        await self.phase(Phase.WALKING, treadmill=treadmill)
        await asyncio.sleep(6)

    async def kill(self) -> None:
        """What SIGKILL leaves: nothing is done any more, and nobody hangs up the Bluetooth link."""
        self._die()
        mine = [
            task
            for task in asyncio.all_tasks()
            if task.get_name().partition("-")[0] in {"control", "link", "strap", "marker", "journal"}
        ]
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)


class Room:
    """Treadmills within reach of one adapter, and a state folder that outlives each daemon."""

    patience_s = 0.0
    """What everything may take longer than it should."""

    def __init__(self, folder: Path, radio: Radio | None = None) -> None:
        self.radio = radio or Radio()
        self.state = folder / "state"
        self._folder = folder
        self._open = contextlib.AsyncExitStack()
        self._stands: dict[str, Stand] = {}
        self._straps = 0
        (folder / "programs").mkdir()
        (folder / "programs" / "short.toml").write_text(SHORT)
        (folder / "programs" / "long.toml").write_text(LONG)

    async def put_up(self, machine: str = "spec", treadmill: str = "tm") -> Stand:
        """One more treadmill, switched on."""
        address = f"C0:00:00:00:00:{len(self._stands) + 1:02X}"
        device = await self.radio.peripheral_device(machine, address)
        made = Machine(machine)
        peripheral = Peripheral(made, device, lambda: self.radio.cut(device))
        await self._open.enter_async_context(peripheral)
        self._stands[treadmill] = stand = Stand(self.radio, made, peripheral, address)
        return stand

    async def play(self, trace: Trace, treadmill: str = "tm", **how: Any) -> Traced:
        """One more treadmill, which plays what was recorded; it begins when it is listened to."""
        address = f"C0:00:00:00:00:{len(self._stands) + 1:02X}"
        device = await self.radio.peripheral_device(trace.name, address)
        traced = Traced(trace, **how)
        peripheral = Peripheral(traced, device, lambda: self.radio.cut(device))
        await self._open.enter_async_context(peripheral)
        self._stands[treadmill] = Stand(self.radio, traced, peripheral, address)
        return traced

    async def put_on(self, name: str = "Polar H10 12345678", **worn: Any) -> HeartRateStrap:
        """Somebody in the room puts a heart rate strap on."""
        self._straps += 1
        device = await self.radio.peripheral_device(name, f"C0:00:00:00:01:{self._straps:02X}")
        return await self._open.enter_async_context(HeartRateStrap(device, **worn))

    def settings(self, *, treadmill: dict[str, Any] | None = None, **tables: Any) -> Settings:
        """Settings for the treadmills put up so far."""
        treadmills = tuple(
            {"id": name, "address": stand.address, "machine": "spec", "second_stop": True, "at_machine": True}
            | (treadmill or {})
            for name, stand in self._stands.items()
        )
        paths = {"state_dir": self.state, "programs_dir": self._folder / "programs"}
        return Settings.model_validate(
            {"treadmills": treadmills, "paths": paths, "mqtt": {"url": "off"}} | tables
        )

    @contextlib.asynccontextmanager
    async def daemon(self, settings: Settings | None = None) -> AsyncIterator[Daemon]:
        """A daemon over all of them."""
        backend, die = mortal(self.radio.backend)
        ears = Ears()
        app = App(settings or self.settings(), backend=backend, speak=lambda _: [ears], offload=_at_once)
        async with app.running():
            yield Daemon(app, ears, die, self.patience_s)

    @contextlib.asynccontextmanager
    async def person(self, daemon: Daemon, treadmill: str = "tm") -> AsyncIterator[Person]:
        """Somebody willing stands there while the block runs."""
        person = Person(self._stands[treadmill].machine, partial(daemon.app.submit, treadmill))

        def look() -> Snapshot | None:
            latest = daemon.app.hubs[treadmill].latest
            return None if latest is None else latest.snapshot

        living = asyncio.create_task(person.live(look))
        try:
            yield person
        finally:
            living.cancel()

    async def close(self) -> None:
        await self._open.aclose()


async def _at_once(block: Callable[[], None]) -> None:
    block()


@pytest.fixture(autouse=True)
def _own_log() -> None:
    """A command that another test ran in this process has left its log with a stream that is closed."""
    structlog.reset_defaults()


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """A room without treadmills yet."""
    room = Room(tmp_path)
    yield room
    await room.close()


@pytest.fixture
async def spec(room: Room) -> Stand:
    """In it, the treadmill that does all as the specification says."""
    return await room.put_up("spec")


@pytest.fixture
def marker(room: Room) -> Path:
    """The moving-marker of the treadmill tm."""
    return room.state / "moving-tm.json"
