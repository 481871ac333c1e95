"""One run: a world lived through to its end, and what came of it."""

import asyncio
import contextlib
import hashlib
import logging
import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import structlog
from tests.soak.compiled import is_compiled
from tests.soak.happen import Happening
from tests.soak.house import Daemon, House
from tests.soak.journals import difference
from tests.soak.stands import FullEther, LightEther
from tests.soak.witness import Violation
from tests.soak.world import World

from retrowalk.core.model import Phase
from retrowalk.sim.interference import Interference
from retrowalk.sim.loops import virtual_loop

CALM_WITHIN_S = 240.0
"""Nothing is broken any more, a healthy person is there: so long every belt may take to be known at rest."""
SHUT_DOWN_WITHIN_S = 25.0
REPLAYED_EVERY = 25
"""The journals of every 25th seed go through the core again."""
HARMLESS = ("fault", "the state folder does not", "a belt may still be moving")
"""How the errors begin that the log may hold: each is an alarm, or a disk that failed."""
_QUIET = {Phase.IDLE, Phase.ENDED, Phase.DISCONNECTED}


@dataclass(slots=True)
class Outcome:
    """What came of one world."""

    seed: int
    violation: Violation | None = None
    simulated_s: float = 0.0
    belt_s: float = 0.0
    """Simulated time of all treadmills together; of it `moving_s` with the belt moving."""
    moving_s: float = 0.0
    full_radio: bool = False
    tally: Counter[str] = field(default_factory=Counter)
    frames: str = ""
    """A digest of every frame that reached a machine, and of how far each belt ran."""
    digest: str = ""
    """Of those, of the journals' octets and of the tally."""


def live(world: World, only: Collection[int] | None = None) -> Outcome:
    """Live through a world in virtual time; `only`: through the events of these numbers alone."""
    if only is not None:
        world = replace(world, events=tuple(world.events[number] for number in sorted(only)))
    outcome = Outcome(world.seed, full_radio=world.full_radio)
    memory = Path("/dev/shm")  # noqa: S108  (a folder of our own is made in it)
    folder = Path(tempfile.mkdtemp(prefix="soak-", dir=memory if memory.is_dir() else None))
    try:
        with _log(outcome), asyncio.Runner(loop_factory=virtual_loop) as runner:
            runner.run(_live(world, folder, outcome))
    finally:
        shutil.rmtree(folder)
    return outcome


async def _live(world: World, folder: Path, outcome: Outcome) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: _bug(outcome, str(context.get("exception") or context)))
    before = asyncio.all_tasks()
    interference = Interference(Random(f"radio {world.seed}"))  # noqa: S311  (chance of a simulation)
    ether = FullEther(interference) if world.full_radio else LightEther(interference)
    house = House(world, folder, ether, interference, outcome.tally)
    await house.open()
    try:
        await _until_the_end(house)
    except Exception as error:
        _bug(outcome, f"{type(error).__name__}: {error}")
    now = loop.time()
    if house.violation.done():
        outcome.violation = outcome.violation or house.violation.result()
    if house.daemon is not None:
        with contextlib.suppress(Exception):  # a violation has been found before
            await house.daemon.end()
    await ether.close()
    if outcome.violation is None and world.seed % REPLAYED_EVERY == 0 and not is_compiled():
        outcome.tally["journals replayed"] += 1
        if other := difference(house.state / "journal"):
            outcome.violation = Violation("replay", other, "all", now)
    _note(house, now, outcome)
    await asyncio.sleep(1.0)
    left = [task.get_name() for task in asyncio.all_tasks() - before]
    if left and outcome.violation is None:
        _bug(outcome, f"tasks are left: {', '.join(sorted(left))}", law="leak")


async def _until_the_end(house: House) -> None:
    happening = Happening(house)
    await Daemon(house).begin()
    for event in house.world.events:
        await _wait(house, event.at)
        if house.violation.done() or all(corner.person.idle for corner in house.corners):
            break
        await happening.happen(event)
    else:
        await _wait(house, house.world.lasts_s)
    if not house.violation.done():
        await _come_to_rest(house, happening)


async def _wait(house: House, until: float) -> None:
    """Until that moment, or the first violation."""
    seconds = until - asyncio.get_running_loop().time()
    if seconds > 0:
        await asyncio.wait({house.violation}, timeout=seconds)


async def _come_to_rest(house: House, happening: Happening) -> None:
    """Every wait ends: the daemon gets all that it can wait for, and has to come to rest, and to end."""
    loop = asyncio.get_running_loop()
    happening.mend_everything()
    for corner in house.corners:
        corner.person.come_to_the_machine()
    deadline = loop.time() + CALM_WITHIN_S
    say_stop = [deadline - CALM_WITHIN_S / 2, loop.time()]  # twice: there may be no link the first time
    while not house.violation.done() and (busy := _busy(house)):
        if say_stop and loop.time() >= say_stop[-1]:
            say_stop.pop()
            for corner in house.corners:
                house.publish(corner.place.id, "command", b"STOP")
        if loop.time() > deadline:
            house.tell(
                Violation("waits", f"not at rest after {CALM_WITHIN_S:.0f} s: {busy}", "all", loop.time())
            )
        await _wait(house, loop.time() + 1.0)
    if house.violation.done():
        return
    assert house.daemon is not None
    began = loop.time()
    await house.daemon.end()
    if loop.time() - began > SHUT_DOWN_WITHIN_S:
        house.tell(Violation("waits", f"ending took {loop.time() - began:.0f} s", "all", loop.time()))


def _busy(house: House) -> str:
    for corner in house.corners:
        state = corner.state()
        if corner.machine.belt.speed > 0:
            return f"the belt of {corner.place.id} moves"
        if state is None or state.phase not in _QUIET or state.fault is not None:
            return f"{corner.place.id} is {None if state is None else (state.phase.value, state.fault)}"
    return ""


def _note(house: House, now: float, outcome: Outcome) -> None:
    digest = hashlib.sha256()
    outcome.tally.update({f"radio {kind}": times for kind, times in house.interference.happened.items()})
    outcome.simulated_s = now
    for corner in house.corners:
        outcome.belt_s += now
        outcome.moving_s += corner.witness.moving_s
        for at, frame in corner.witness.frames:
            digest.update(f"{at!r} {frame.hex()}\n".encode())
        digest.update(repr(corner.machine.belt.distance_m).encode())
    outcome.frames = digest.hexdigest()
    for path in sorted((house.state / "journal").glob("*")):
        digest.update(path.read_bytes())
    for what, number in sorted(outcome.tally.items()):
        digest.update(f"{what} {number}\n".encode())
    outcome.digest = digest.hexdigest()


def _bug(outcome: Outcome, what: str, law: str = "bug") -> None:
    if outcome.violation is None:
        outcome.violation = Violation(law, what, "all", 0.0)


@contextlib.contextmanager
def _log(outcome: Outcome) -> Iterator[None]:
    """Nothing is printed; an error that is no fault of the table is a finding."""
    logging.getLogger("bumble").setLevel(logging.CRITICAL)  # it logs what a machine refuses

    def keep(_logger: object, method: str, event: MutableMapping[str, Any]) -> str:
        said = str(event.get("event", ""))
        if method in {"error", "exception", "critical"} and not said.startswith(HARMLESS):
            _bug(outcome, f"logged as an error: {said} {event.get('exc_info') or ''}")
        raise structlog.DropEvent

    structlog.configure(
        processors=[keep], wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING)
    )
    try:
        yield
    finally:
        structlog.reset_defaults()
