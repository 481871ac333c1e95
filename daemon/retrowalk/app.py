"""The daemon put together: a station and a connector for each treadmill, and the side tasks around them."""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import structlog

from retrowalk import __version__
from retrowalk import certificate as certificates
from retrowalk.ble.backend import PLATFORM, Backend
from retrowalk.ble.connector import Connector
from retrowalk.ble.reading import Reading, machine_of
from retrowalk.ble.right_of_way import RightOfWay
from retrowalk.ble.strap import Strap
from retrowalk.clock import Wall, utc_now
from retrowalk.core.model import Confirm, Emitted, Machine, Request
from retrowalk.core.offering import Setup
from retrowalk.core.program import Program
from retrowalk.hub import Hub
from retrowalk.journal.pages import MEGABYTE, Pages
from retrowalk.journal.recorder import Recorder, Unrecorded
from retrowalk.journal.tape import Tape
from retrowalk.keepsakes import Keepsakes
from retrowalk.local.server import LocalServer
from retrowalk.machines import MachineFile, MachineFileError, list_machines, load_machine, match
from retrowalk.mqtt.broker import BrokerError, EmbeddedBroker
from retrowalk.offload import Offload, in_thread
from retrowalk.paths import socket_path
from retrowalk.plan.scheduler import Scheduler, slots_of
from retrowalk.programs import read_program
from retrowalk.settings import Settings, Treadmill
from retrowalk.shelf import Shelf
from retrowalk.station import Station
from retrowalk.supervise import Watchdog, keep_running, notify, watchdog_interval
from retrowalk.terminal import in_lines, listen, on_end
from retrowalk.voice import Output, Voice, outputs

if TYPE_CHECKING:
    from retrowalk.mqtt.client import MqttLink

log = structlog.get_logger()

HELD = "not commissioned: held to 1.5 km/h backward"

DEAF = "no alarm output reaches somebody facing backward: no session that turns them so is taken"


class App:
    """All treadmills of the settings, over one Bluetooth."""

    def __init__(
        self,
        settings: Settings,
        *,
        backend: Backend = PLATFORM,
        speak: Callable[[Hub], Sequence[Output]] | None = None,
        find_program: Callable[[str], Program] | None = None,
        walker_weight_kg: float | None = None,
        offload: Offload = in_thread,
        wall: Wall = utc_now,
        session_ids: Iterable[str] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """`speak` makes the outputs for sentences in place of those of `[alarm]`, `find_program` gives the
        program of a name in place of the programs folders, `session_ids` (endless) and `rng` what chance
        would."""
        self.settings = settings
        self.wall = wall
        self.hubs = {treadmill.id: Hub(wall) for treadmill in settings.treadmills}
        self._sessions = iter(session_ids or (f"{os.getpid():x}-{n}" for n in count(1)))
        self._rng = rng
        self._speak = speak
        self._find_program = find_program or Shelf(partial(read_program, own=settings.paths.programs)).take
        self._weight = walker_weight_kg
        self._offload = offload
        self._watchdog = Watchdog(self.hubs, watchdog_interval())
        self.stations: dict[str, Station] = {}
        self._connectors: dict[str, Connector] = {}
        self._straps: dict[str, Strap] = {}
        self._right_of_way = RightOfWay()
        self._voices: list[Voice] = []
        for treadmill in settings.treadmills:
            self._add(treadmill, backend)

    def submit(self, treadmill_id: str, request: Request) -> None:
        """Hand a request to that treadmill, from any thread."""
        self.stations[treadmill_id].submit(request)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The control tasks and connectors run while the block does; then every belt of ours is stopped.

        Raises what ended a control task: a bug, its belt parked first.
        """
        control = [asyncio.create_task(s.run(), name=f"control-{s.id}") for s in self.stations.values()]
        radios = {f"link-{name}": connector.run for name, connector in self._connectors.items()}
        radios |= {f"strap-{name}": strap.run for name, strap in self._straps.items()}
        links = [asyncio.create_task(keep_running(name, run), name=name) for name, run in radios.items()]
        journals = [
            asyncio.create_task(keep_running(f"journal-{s.id}", s.journal.run), name=f"journal-{s.id}")
            for s in self.stations.values()
        ]
        await asyncio.sleep(0)
        try:
            yield
        finally:
            still = await asyncio.gather(*(s.shut_down() for s in self.stations.values() if s.alive))
            if not all(still):
                log.error("a belt may still be moving: `retrowalk park` has to stop it")
            for task in (*links, *control):
                task.cancel()
            ended = await asyncio.gather(*control, return_exceptions=True)
            await asyncio.gather(*links, return_exceptions=True)
            await asyncio.gather(*(s.close_journal() for s in self.stations.values()))
            for journal in journals:
                journal.cancel()
            await asyncio.gather(*journals, return_exceptions=True)
            for voice in self._voices:
                voice.close()
            for outcome in ended:
                if isinstance(outcome, Exception):
                    raise outcome

    async def failure(self) -> None:
        """Returns when a control task has failed."""
        while all(station.alive for station in self.stations.values()):  # noqa: ASYNC110 - it ends by death
            await asyncio.sleep(0.25)

    def _add(self, treadmill: Treadmill, backend: Backend) -> None:
        settings, hub = self.settings, self.hubs[treadmill.id]
        backend = backend if treadmill.adapter is None else backend.on(treadmill.adapter)
        target = treadmill.address or treadmill.match or ""
        with contextlib.suppress(MachineFileError):  # read before any belt runs; said when it connects
            _ = load_machine(treadmill.machine) if treadmill.machine else list_machines()
        keepsakes = Keepsakes(settings.paths.state, treadmill.id, target, treadmill.adapter)
        voice = Voice(outputs(settings.alarm, hub) if self._speak is None else self._speak(hub))
        self._voices.append(voice)
        tape = Tape(treadmill.id, __version__, self.wall, left_running=keepsakes.left_running)
        station = Station(
            treadmill.id,
            tape.overhear(self.setup(treadmill)),
            hub=hub,
            speaker=voice,
            marker=keepsakes,
            left_running=keepsakes.left_running,
            beat=self._watchdog.beat,
            offload=self._offload,
            journal=recorder(tape, settings, treadmill.id, self._offload, hub.emit),
        )
        connector = Connector(
            target,
            station.post,
            describe=partial(describe, treadmill, keepsakes),
            state=station.tell_link,
            urgent=lambda: station.controller.marked,
            left_at=keepsakes.left.get("address", ""),
            met=keepsakes.is_at,
            rng=self._rng,
            right_of_way=self._right_of_way,
            backend=backend,
        )
        station.attach(connector)
        if treadmill.heart_rate_strap is not None:
            self._straps[treadmill.id] = Strap(
                treadmill.heart_rate_strap,
                station.post,
                treadmill_is_up=connector.up,
                right_of_way=self._right_of_way,
                backend=backend,
            )
        self.stations[treadmill.id], self._connectors[treadmill.id] = station, connector

    @property
    def alarm_reaches_walker(self) -> bool:
        """Somebody who faces away from every screen notices it: a voice, or the bell of a terminal that is
        one."""
        bell = self._speak is not None or sys.stderr.isatty()
        return bool(({"voice", "terminal"} if bell else {"voice"}) & set(self.settings.alarm.outputs))

    def setup(self, treadmill: Treadmill) -> Setup:
        """What the settings say of that treadmill's sessions."""
        settings = self.settings
        return Setup(
            site=settings.safety.limits(),
            own=treadmill.caps(),
            find_program=self._find_program,
            new_id=lambda: next(self._sessions),
            anybody=replace(settings.safety.anybody(), weight_kg=self._weight),
            walkers={walker.id: walker.limits(settings.safety) for walker in settings.walkers},
            heart_rate_strap=treadmill.heart_rate_strap is not None,
            presence_source=treadmill.presence,
            ok_in_reach=bool(treadmill.confirm_sources) or treadmill.at_machine,
            alarm_reaches_walker=self.alarm_reaches_walker,
            manual_use_allowed=settings.safety.manual_use_allowed,
        )


def recorder(
    tape: Tape,
    settings: Settings,
    treadmill_id: str,
    offload: Offload = in_thread,
    tell: Callable[[Emitted], None] = lambda _: None,
) -> Recorder | Unrecorded:
    """What brings that tape to the state folder of the settings, if they want a journal."""
    if not settings.journal.enabled:
        return Unrecorded()
    most = settings.journal.max_mb * MEGABYTE
    return Recorder(tape, Pages(settings.paths.state / "journal", treadmill_id, most), offload, tell)


def describe(treadmill: Treadmill, keepsakes: Keepsakes, reading: Reading) -> Machine:
    """The machine to drive: as read, as its file says, as it was measured, as the config says; in quarantine
    if it is."""
    machine = untested(treadmill, reading)
    certificate, why = certificates.read(keepsakes.commissioned, reading)
    if certificate is not None:
        machine = certificate.findings().applied_to(machine)
    elif not machine.commissioned:
        log.warning(HELD, treadmill=treadmill.id, why=why)
    return replace(
        machine,
        id=treadmill.id,
        second_stop=machine.second_stop or treadmill.second_stop,
        quarantined=keepsakes.quarantined,
    )


def untested(treadmill: Treadmill, reading: Reading) -> Machine:
    """The machine as read, and as its file says. With a file that cannot be used it is only watched: its
    belt may be running, and has to be in reach of a Stop."""
    machine = machine_of(reading)
    try:
        file = machine_file(treadmill, reading)
    except MachineFileError as error:
        return replace(machine, watch_only=str(error))
    return machine if file is None else file.daemon.applied_to(machine)


def machine_file(treadmill: Treadmill, reading: Reading) -> MachineFile | None:
    """The file about this machine: the one the config names, or the one that fits what it shows of itself.

    Raises MachineFileError."""
    return load_machine(treadmill.machine) if treadmill.machine else match(reading.shown)


def embedded_broker(port: int = 1883) -> EmbeddedBroker:
    """A broker of our own, started on MQTT's own port; where that is taken, on any free one (the log says).

    Raises BrokerError where there is none to start.
    """
    broker = EmbeddedBroker(port)
    try:
        broker.start()
    except BrokerError:
        broker = EmbeddedBroker()
        broker.start()
    return broker


def run(settings: Settings, backend: Backend = PLATFORM) -> bool:
    """`retrowalk run`: until SIGTERM or Ctrl-C (True), then every belt of ours is brought to rest."""
    broker = embedded_broker() if settings.mqtt.url == "embedded" else None
    url = broker.url if broker is not None else settings.mqtt.url
    try:
        return asyncio.run(_serve(settings, None if url == "off" else url, backend))
    finally:
        if broker is not None:
            broker.stop()


async def _serve(settings: Settings, url: str | None, backend: Backend) -> bool:
    app = App(settings, backend=backend)
    if not app.alarm_reaches_walker:
        log.warning(DEAF, outputs=", ".join(settings.alarm.outputs), set="voice in [alarm] outputs")
    mqtt: MqttLink | None = None
    signals: list[int] = []
    ended = asyncio.Event()

    def end(number: int) -> None:
        signals.append(number)
        ended.set()

    on_end(end)
    side = [
        asyncio.create_task(keep_running(name, task))
        for name, task in (
            ("local socket", LocalServer(socket_path(), app.submit, app.hubs, wall=app.wall).serve),
            ("schedule", _scheduler(settings, app).run),
        )
    ]
    try:
        async with app.running():
            if url is not None:
                mqtt = _mqtt_link(settings, app, url)
                mqtt.start()
            _listen_to_enter(settings, app)
            notify("READY=1")
            watched = [asyncio.ensure_future(ended.wait()), asyncio.ensure_future(app.failure())]
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            for task in watched:
                task.cancel()
            notify("STOPPING=1")
        return signals[:1] == [signal.SIGINT]
    finally:
        for task in side:
            task.cancel()
        await asyncio.gather(*side, return_exceptions=True)
        if mqtt is not None:
            mqtt.stop()


def _mqtt_link(settings: Settings, app: App, url: str) -> "MqttLink":
    # Imported when the treadmills are being looked for already: a daemon that can stop a belt comes first.
    from retrowalk.mqtt.client import MqttLink

    log.info("mqtt", url=url, prefix=settings.mqtt.prefix)
    return MqttLink(settings, app.hubs, app.submit, url=url, wall=app.wall)


def _scheduler(settings: Settings, app: App) -> Scheduler:
    return Scheduler(slots_of(settings), app.submit, settings.paths.state / "schedule.json", app.wall)


def _listen_to_enter(settings: Settings, app: App) -> None:
    """A terminal declared to be at the machine takes Enter as its button."""
    at = next((treadmill.id for treadmill in settings.treadmills if treadmill.at_machine), None)
    if at is None or not sys.stdin.isatty():
        return
    numbers = count(1)

    def entered(_line: str) -> None:
        app.submit(at, Request(f"enter-{next(numbers)}", "terminal", Confirm(None)))

    listen(in_lines(entered), lambda: log.warning("the terminal is gone: Enter is no button any more"))
