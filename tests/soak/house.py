"""One world come alive: the whole daemon, its treadmills and people in virtual time.

The daemon is `retrowalk.app.App` as `retrowalk run` builds it, over a simulated radio. MQTT begins at its
port: messages go through the inbox and the desk of each treadmill, as octets.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from errno import ENOSPC
from functools import lru_cache, partial
from itertools import count
from pathlib import Path
from random import Random

from tests.soak.journals import lost
from tests.soak.mortal import mortal
from tests.soak.people import LOOKS_EVERY_S, Person
from tests.soak.stands import Ether, Machine, Stand, machine_file, machine_of
from tests.soak.witness import Violation, Witness
from tests.soak.world import Place, World, rules_of

from blefit.units import speed_from_kmh
from retrowalk.app import App
from retrowalk.ble.backend import Backend
from retrowalk.core.model import (
    AckFault,
    Act,
    Ask,
    Confirm,
    Lease,
    PauseSession,
    Request,
    ResumeSession,
    Said,
    SetCap,
    Skip,
    Snapshot,
    StopSession,
)
from retrowalk.core.program import Program
from retrowalk.core.program_text import parse_program
from retrowalk.hub import Hub
from retrowalk.keepsakes import Keepsakes
from retrowalk.mqtt.desk import Desk
from retrowalk.mqtt.inbox import Inbox
from retrowalk.mqtt.topics import Inbound, Topics
from retrowalk.offload import Offload
from retrowalk.resources import config_dir
from retrowalk.settings import Settings
from retrowalk.sim.interference import Interference

BORN = datetime(2026, 1, 1, 8, tzinfo=UTC)
ENDS_WITHIN_S = 60.0
"""So long a daemon is waited for that is told to end."""
ASKS: dict[str, Ask] = {
    "pause": PauseSession(),
    "resume": ResumeSession(),
    "skip": Skip(),
    "stop": StopSession(),
    "ack_fault": AckFault(),
    "lease": Lease(),
}


@lru_cache(maxsize=1)  # asked several times at each moment
def _date(now: float, offset: timedelta) -> datetime:
    return BORN + timedelta(seconds=now) + offset


class Corner:
    """One treadmill of the house, who stands there and who watches it. It is the machine's `Sight`."""

    def __init__(self, place: Place, machine: Machine, witness: Witness, person: Person) -> None:
        self.place = place
        self.machine = machine
        self.witness = witness
        self.person = person
        self.stand: Stand
        self.state: Callable[[], Snapshot | None] = lambda: None
        self._loop = asyncio.get_running_loop()
        self.frame, self.took, self.unlinked = witness.frame, witness.took, witness.unlinked

    def look(self, now: float) -> None:
        self.witness.look(now)
        if now >= self.person.next_look:
            self.person.next_look = now + LOOKS_EVERY_S
            self._loop.call_soon(self._person_looks)

    def _person_looks(self) -> None:
        self.person.look(self.state(), self._loop.time())


class Ear:
    """What is said at one treadmill."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    def say(self, said: Said) -> None:
        self._witness.heard(said, asyncio.get_running_loop().time())

    def close(self) -> None:
        pass


class Message:
    """A message at the port."""

    def __init__(self, place: str, topic: Inbound, payload: bytes, *, retained: bool) -> None:
        self.place, self.topic, self.payload, self.retained = place, topic, payload, retained


class House:
    """The world of one seed. `open` first; then one `Daemon` after the other lives in it."""

    def __init__(
        self, world: World, folder: Path, ether: Ether, interference: Interference, tally: Counter[str]
    ) -> None:
        self.world = world
        self._loop = asyncio.get_running_loop()
        self.interference = interference
        self.tally = tally
        self.ether = ether
        self.corners: list[Corner] = []
        self.violation: asyncio.Future[Violation] = self._loop.create_future()
        self.daemon: Daemon | None = None
        self.disk_takes_s = 0.0
        self.disk_is_full = False
        self.broker_is_up = asyncio.Event()
        self.broker_is_up.set()
        self.wall_offset = timedelta()
        self.session_ids = (f"s{number}" for number in count(1))
        self.state = folder / "state"
        self.disk_failed = False
        """At any time: then the journal has gaps."""
        self._folder = folder
        self._programs, self._titles = _programs(world)
        self.settings = self._settings()

    async def open(self) -> None:
        """Put the treadmills up."""
        for place in self.world.places:
            seed = f"{self.world.seed} {place.id}"
            machine = machine_of(self._folder / f"{place.id}.toml", seed)
            rules = rules_of(place, self.world.safety)
            witness = Witness(
                place.id,
                machine=machine,
                rules=rules,
                programs=self._titles,
                tell=self.tell,
                tally=self.tally,
            )
            chance = Random(f"person {seed}")  # noqa: S311  (whims of a simulation)
            person = Person(
                place.id,
                machine,
                temper=place.temper,
                chance=chance,
                programs=self.world.offers,
                ways=self,
            )
            person.on_act = witness.acted
            corner = Corner(place, machine, witness, person)
            machine.sight = corner
            corner.stand = await self.ether.put(
                machine, machine.quirks.link.name, str(place.settings["address"])
            )
            self.corners.append(corner)

    def tell(self, violation: Violation) -> None:
        """An invariant does not hold. The first one counts."""
        if not self.violation.done():
            self.violation.set_result(violation)

    # --- what the daemon is given -----------------------------------------------------------------

    def wall(self) -> datetime:
        """The wall clock, which jumps now and then."""
        return _date(self._loop.time(), self.wall_offset)

    async def offload(self, block: Callable[[], None]) -> None:
        """The disk: slow, full, or neither."""
        if self.disk_takes_s:
            self.disk_failed = True
            await asyncio.sleep(self.disk_takes_s)
        if self.disk_is_full:
            self.disk_failed = True
            raise OSError(ENOSPC, "No space left on device")
        block()

    def build(self, settings: Settings, *, backend: Backend, offload: Offload | None = None) -> App:
        """The daemon, as `retrowalk run` and `park` make it, in this house."""
        ears = iter([Ear(self.corner(treadmill.id).witness) for treadmill in settings.treadmills])
        return App(
            settings,
            backend=backend,
            speak=lambda _: [next(ears)],
            find_program=self.find_program,
            offload=offload or self.offload,
            wall=self.wall,
            session_ids=self.session_ids,
            rng=Random(f"daemon {self.world.seed}"),  # noqa: S311  (waits of a simulation)
        )

    def find_program(self, name: str) -> Program:
        """A program of the world by its name."""
        if name not in self._programs:
            raise LookupError(f"there is no program {name!r}")
        program = parse_program(self._programs[name])
        if not isinstance(program, Program):
            raise ValueError("; ".join(program.sentences))  # noqa: TRY004  (as `read_program` does)
        return program

    def _settings(self) -> Settings:
        treadmills = []
        for place in self.world.places:
            path = machine_file(self._folder, place)
            own = {**place.settings, "confirm_sources": tuple(place.settings["confirm_sources"])}  # type: ignore[arg-type]  # of a draw
            treadmills.append({**own, "machine": str(path)})
        tables = {
            "treadmills": tuple(treadmills),
            "paths": {"state_dir": self.state},
            "mqtt": {"url": "mqtt://nowhere" if "mqtt" in self.world.outputs else "off"},
            "safety": self.world.safety,
            "alarm": {"outputs": self.world.outputs},
        }
        return Settings.model_validate(tables)

    def keepsakes(self, corner: Corner) -> Keepsakes:
        """What the daemon keeps of that treadmill."""
        return Keepsakes(self.state, corner.place.id, str(corner.place.settings["address"]))

    def look_up(self, corner: Corner, now: float) -> None:
        """What was acknowledged is in the journal, whatever ended the daemon."""
        missing = lost(self.state / "journal", corner.place.id, corner.witness.acknowledged)
        if missing:
            self.tell(Violation("journal", f"{missing} was accepted and is lost", corner.place.id, now))

    # --- how people reach it ----------------------------------------------------------------------

    def publish(self, place: str, topic: str, payload: bytes, *, retained: bool = False) -> None:
        """Octets for a treadmill's command or confirm topic, if the broker is there and the daemon lives."""
        if self.broker_is_up.is_set() and self.daemon is not None:
            if b"stop" in payload.lower():
                self.corner(place).witness.stop_called(self._loop.time())
            self.daemon.arrive(Message(place, Inbound(topic), payload, retained=retained))

    def enter(self, place: str, request_id: str, act: Act) -> None:
        """Enter at the machine's terminal."""
        self.ask(place, request_id, "terminal", Confirm(act))

    def switch_off_and_on(self, place: str) -> None:
        """The mains switch of the machine."""
        stand = self.corner(place).stand
        stand.power_off()
        stand.power_on()

    def ask(self, place: str, request_id: str, source: str, ask: Ask) -> None:
        """Somebody asks by the local socket."""
        if self.daemon is not None:
            if isinstance(ask, StopSession):
                self.corner(place).witness.stop_called(self._loop.time())
            self.daemon.app.submit(place, Request(request_id, source, ask))

    def set_cap(self, place: str, request_id: str, kmh: float) -> None:
        """Somebody lowers the cap."""
        speed = speed_from_kmh(kmh)
        self.corner(place).witness.caps[request_id] = speed
        self.ask(place, request_id, "cli", SetCap(speed))

    def corner(self, place: str) -> Corner:
        return next(corner for corner in self.corners if corner.place.id == place)


class Daemon:
    """One life of the daemon in the house."""

    def __init__(self, house: House) -> None:
        self._house = house
        backend, self._die = mortal(house.ether.backend)
        self._dead = False
        self.app = house.build(house.settings, backend=backend, offload=self._offload)
        self._open = contextlib.AsyncExitStack()
        self._inbox: Inbox[Message] = Inbox(1000)
        self._desks: dict[str, Desk] = {}
        self._speaking: list[asyncio.Task[None]] = []
        self._others: set[asyncio.Task[object]] = set()

    async def begin(self) -> None:
        """Up, and every desk listens."""
        house, loop = self._house, asyncio.get_running_loop()
        self._others = asyncio.all_tasks()
        await self._open.enter_async_context(self.app.running())
        for corner in house.corners:
            hub = self.app.hubs[corner.place.id]
            corner.state = partial(_snapshot, hub)
            corner.witness.begin_life(hub.subscribe(5000), corner.state, loop.time())
            topics = Topics("retrowalk", corner.place.id)
            desk = Desk(house.settings.treadmill(corner.place.id), topics, hub, house.wall, loop.time)
            desk.reader = hub.subscribe()
            self._desks[corner.place.id] = desk
            if house.world.mqtt_out:
                self._speaking.append(asyncio.create_task(desk.speak(self._publish), name="desk"))
        house.daemon = self

    def arrive(self, message: Message) -> None:
        """A message is at the port."""
        with contextlib.suppress(asyncio.QueueFull):
            self._inbox.put_nowait(message)
        if self._inbox.qsize() == 1:
            asyncio.get_running_loop().call_soon(self._read)

    def _read(self) -> None:
        now = asyncio.get_running_loop().time()
        while not self._inbox.empty():
            message = self._inbox.get_nowait()
            desk = self._desks[message.place]
            asked = desk.read(message.topic, message.payload, message.retained, now)
            if isinstance(asked, Request):
                if isinstance(asked.ask, SetCap):
                    self._house.corner(message.place).witness.caps[asked.id] = asked.ask.speed
                self.app.submit(message.place, asked)
            else:
                desk.hub.reply(asked)

    async def _publish(self, *_what: object, **_how: object) -> None:
        self._house.tally["published by mqtt"] += 1
        await self._house.broker_is_up.wait()

    async def _offload(self, block: Callable[[], None]) -> None:
        if not self._dead:
            await self._house.offload(block)

    async def end(self) -> None:
        """SIGTERM: every belt of ours is brought to rest, in its time, or everybody hears of it."""
        now = asyncio.get_running_loop().time()
        for corner in self._house.corners:
            corner.witness.ending(now)
        try:
            async with asyncio.timeout(ENDS_WITHIN_S):
                await self._open.aclose()
        except TimeoutError:
            self._house.tell(Violation("waits", f"the daemon did not end in {ENDS_WITHIN_S:g} s", "all", now))
        await self._leave()

    async def kill(self) -> None:
        """SIGKILL: nothing is done any more, and nobody hangs up the Bluetooth link."""
        self._die()
        self._dead = True
        for corner in self._house.corners:
            corner.witness.end_life(asyncio.get_running_loop().time())
        mine = [task for task in asyncio.all_tasks() - self._others if _is_the_daemons(task)]
        for task in sorted(mine, key=lambda task: task.get_name()):
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)
        await self._open.aclose()
        await self._leave()

    async def _leave(self) -> None:
        now = asyncio.get_running_loop().time()
        self._house.daemon = None
        for task in self._speaking:
            task.cancel()
        await asyncio.gather(*self._speaking, return_exceptions=True)
        for corner in self._house.corners:
            corner.state = _nothing
            witness = corner.witness
            witness.end_life(now)
            excused = self._house.disk_failed or witness.moved_on or witness.rest_untold
            witness.marked = excused and self._house.keepsakes(corner).left_running
            if not self._house.disk_failed:
                self._house.look_up(corner, now)


def _is_the_daemons(task: asyncio.Task[object]) -> bool:
    return task.get_name().partition("-")[0] in {"control", "link", "marker", "journal", "strap"}


def _snapshot(hub: Hub) -> Snapshot | None:
    latest = hub.latest
    return None if latest is None else latest.snapshot


def _nothing() -> None:
    return None


def _programs(world: World) -> tuple[dict[str, str], dict[str, str]]:
    """The texts of all programs, by name and by title."""
    texts = {path.stem: path.read_text() for path in sorted((config_dir() / "programs").glob("*.toml"))}
    texts |= {name: text.replace('"drawn"', f'"{name}"', 1) for name, text in world.programs.items()}
    titles = {}
    for text in texts.values():
        program = parse_program(text)
        if isinstance(program, Program):
            titles[program.name] = text
    return texts, titles
