"""One demo session from the offer to the end: daemon, virtual radio, treadmill, person, broker."""

import asyncio
import contextlib
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from blefit.units import Speed
from retrowalk.app import App
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.compiler import Violations, compile_program
from retrowalk.core.limits import Refusals, limits_for
from retrowalk.core.model import Direction, Emitted, Machine, Offer, Phase, Replied, Request, Snapshot
from retrowalk.core.program import Program
from retrowalk.hub import Hub, Reader
from retrowalk.machines import MachineFile
from retrowalk.mqtt.broker import BrokerError, EmbeddedBroker
from retrowalk.mqtt.client import MqttLink
from retrowalk.settings import Settings
from retrowalk.sim.loops import scaled_loop
from retrowalk.sim.machines import quirks_of
from retrowalk.sim.room import ADDRESS, Person, Room
from retrowalk.voice import Output

TREADMILL = "demo"
LEVEL = 6
WEIGHT_KG = 72.0
CONNECT_WITHIN_S = 60.0
ALARM_S = 30.0
"""After the end: time for the belt to stop, the alarm to be heard, the cord to be pulled."""
SLACK_S = 900.0
"""Beyond the plan, for people; a demo that is not over by then has failed."""
MQTT_READY_S = 3.0
NOTHING = Speed(0)
SOURCE = "demo"
"""Of the demo's own request: over MQTT anybody may ask for a session, too."""


@dataclass
class Result:
    """What became of the session. `refused` and `problem` are sentences, empty when all went well."""

    interrupted: int = 0
    """The number of the signal that ended it early, or 0."""
    completed: bool = False
    at_rest: bool = False
    refused: str = ""
    problem: str = ""
    reason: str = ""
    faults: list[str] = field(default_factory=list)
    """Their ids, in order."""
    pulled_cord: bool = False
    last: Snapshot | None = None
    highest: Speed = NOTHING
    """The fastest the belt was measured."""
    backward_highest: Speed = NOTHING
    turns: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be played."""

    program: Program
    machine_name: str
    machine: MachineFile
    speedup: float


def planned_s(program: Program, machine_file: MachineFile) -> float:
    """How long the session takes by plan, in its own seconds; 0 where it would be refused."""
    ranges = quirks_of(machine_file).ranges
    machine = machine_file.daemon.applied_to(
        Machine(
            id=TREADMILL,
            name=machine_file.name,
            minimum=ranges.minimum,
            maximum=ranges.maximum,
            increment=ranges.increment,
            inclinable=ranges.maximum_incline > 0,
            maximum_incline=ranges.maximum_incline,
            reports_presence=True,
        )
    )
    limits = limits_for(machine, site=SiteLimits(level=LEVEL), level=program.level, has_presence=True)
    if isinstance(limits, Refusals):
        return 0.0
    timeline = compile_program(program, limits, machine)
    if isinstance(timeline, Violations):
        return 0.0
    halts = sum(segment.kind != "walk" for segment in timeline.segments) + 1
    return timeline.total_s + 20.0 * halts


@contextlib.contextmanager
def broker(port: int, *, demanded: bool) -> Iterator[EmbeddedBroker | None]:
    """The embedded broker on that port, or unless that is demanded on any free one, or None without any.

    Raises BrokerError if it cannot be had on the port demanded.
    """
    embedded = _started(port, demanded=demanded) or _started(0, demanded=False)
    try:
        yield embedded
    finally:
        if embedded is not None:
            embedded.stop()


def _started(port: int, *, demanded: bool) -> EmbeddedBroker | None:
    embedded = EmbeddedBroker(port)
    try:
        embedded.start()
    except BrokerError:
        if demanded:
            raise
        return None
    return embedded


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo is seen and heard: sentences, a frame that is entered while it runs, each state."""

    speak: Callable[[Hub], list[Output]]
    show: Callable[[Hub], contextlib.AbstractContextManager[None]]
    look: Callable[[Snapshot], None]


def play(plan: Plan, url: str | None, stage: Stage) -> Result:
    """Play it, with the broker at `url`. Ctrl-C or SIGTERM bring the belt to rest, which is a result, too."""
    with tempfile.TemporaryDirectory(prefix="retrowalk-demo-") as folder:
        settings = _settings(plan, url, Path(folder))
        with asyncio.Runner(loop_factory=lambda: scaled_loop(plan.speedup)) as runner:
            return runner.run(_play(plan, settings, url, stage))


def _settings(plan: Plan, url: str | None, folder: Path) -> Settings:
    treadmill = {"id": TREADMILL, "name": "Demo treadmill", "address": ADDRESS, "machine": plan.machine_name}
    return Settings.model_validate(
        {
            "treadmills": (treadmill,),
            "safety": {"level": LEVEL},
            "mqtt": {"url": url or "off"},
            "paths": {"state_dir": folder},
            "journal": {"enabled": False},  # it would go with the folder, and its disk takes real time
        }
    )


async def _play(plan: Plan, settings: Settings, url: str | None, stage: Stage) -> Result:
    result = Result()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, partial(_interrupt, result, number))
    room = Room(plan.machine)
    app = App(
        settings,
        backend=room.backend,
        speak=stage.speak,
        find_program=lambda _: plan.program,
        walker_weight_kg=WEIGHT_KG,
        offload=_at_once,
    )
    hub = app.hubs[TREADMILL]
    mqtt = None if url is None else MqttLink(settings, app.hubs, app.submit, url=url)
    if mqtt is not None:
        mqtt.start()
        await _real_wait(lambda: mqtt.connected, MQTT_READY_S)
    try:
        async with room.open():
            person = Person(room.treadmill, lambda request: app.submit(TREADMILL, request))
            living = asyncio.create_task(person.live(lambda: _latest(hub)))
            try:
                async with app.running():
                    with stage.show(hub), hub.subscribe() as reader:
                        await _follow(plan, app, reader, stage.look, result)
            finally:
                living.cancel()
            result.pulled_cord = person.pulled_cord
            result.at_rest = not app.stations[TREADMILL].controller.marked
            return result
    finally:
        if mqtt is not None:
            mqtt.stop()


def _interrupt(result: Result, number: int) -> None:
    result.interrupted = result.interrupted or number


async def _at_once(block: Callable[[], None]) -> None:
    """The disk takes real time, which in a loop that runs faster would be seconds: there, it takes none."""
    block()


async def _follow(
    plan: Plan, app: App, reader: Reader, look: Callable[[Snapshot], None], result: Result
) -> None:
    """Offer the program once the treadmill is connected; watch until it is over and the belt had time."""
    loop = asyncio.get_running_loop()
    until = loop.time() + CONNECT_WITHIN_S
    offered, over = False, False
    while loop.time() < until and app.stations[TREADMILL].alive and not result.interrupted:
        await reader.changed(within=0.25)
        for note in reader.take():
            over = _take(result, note.what) or over
        state = _latest(app.hubs[TREADMILL])
        if state is None:
            continue
        look(state)
        _measure(result, state)
        if result.refused:
            break
        if not offered and state.phase is Phase.IDLE and state.link == "connected":
            offered = True
            until = loop.time() + planned_s(plan.program, plan.machine) + SLACK_S
            app.submit(TREADMILL, Request("offer", SOURCE, Offer(plan.program.name)))
        if over and not app.stations[TREADMILL].controller.marked:
            break  # rest is known
        if over and until > loop.time() + ALARM_S:
            until = loop.time() + ALARM_S
    if not offered:
        result.problem = "the simulated treadmill could not be connected"
    elif not over and not result.refused:
        result.problem = "the session did not end in time"


def _take(result: Result, what: Emitted | Replied) -> bool:
    """Note what was said; True when the session is over."""
    if isinstance(what, Replied):
        if what.outcome == "refused" and what.source == SOURCE:
            result.refused = what.reason
        return False
    match what.type:
        case "turn":
            result.turns += 1
        case "fault":
            result.faults.append(str(what.fields["id"]))
        case "completed" | "stopped" | "missed":
            result.completed = what.type == "completed"
            result.reason = str(what.fields["reason"])
            return True
        case _:
            pass
    return False


def _measure(result: Result, state: Snapshot) -> None:
    if state.session_id is not None:
        result.last = state
    speed = state.measured or Speed(0)
    result.highest = max(result.highest, speed)
    if state.direction is Direction.BACKWARD:
        result.backward_highest = max(result.backward_highest, speed)


async def _real_wait(ready: Callable[[], bool], seconds: float) -> None:
    """Wait in real time, whatever the loop's: MQTT has a clock of its own."""
    deadline = time.monotonic() + seconds
    while not ready() and time.monotonic() < deadline:
        await asyncio.to_thread(time.sleep, 0.02)


def _latest(hub: Hub) -> Snapshot | None:
    return None if hub.latest is None else hub.latest.snapshot
