"""How fast half an hour runs in virtual time, over the whole of GATT.

First the simulated treadmill with a plain GATT client, which starts it, gives it a new target speed every
45 s and reads what it tells. Then a session of the daemon on it, from the program to the GATT server: with
its journal (in memory where the system has such a folder: a disk has its own time), bleak, and a person who
answers.

python benchmarks/session.py
"""

import asyncio
import logging
import tempfile
import time
from collections.abc import Callable, Coroutine
from itertools import cycle
from pathlib import Path

import structlog
from bleak import BleakClient

from blefit import uuids
from blefit.ftms import treadmill_data
from blefit.ftms.control_point import OpCode, StopOrPause
from blefit.ftms.control_point import Request as Command
from retrowalk.app import App
from retrowalk.core.model import Offer, Phase, Request, Snapshot
from retrowalk.core.program import Program
from retrowalk.core.program_text import parse_program
from retrowalk.machines import load_machine
from retrowalk.settings import Settings
from retrowalk.sim.loops import virtual_loop
from retrowalk.sim.room import ADDRESS, Person, Room

PROGRAM = """
name = "Half an hour"
level = 2
steps = [
  { walk = "forward", for = "9min", speed = [1.5, 2.5] },
  { turn = "backward" },
  { repeat = 5, steps = [
    { walk = "backward", for = "60s", speed = 1.5 },
    { walk = "backward", for = "45s", speed = 1.0 },
  ] },
  { turn = "forward" },
  { walk = "forward", for = "11min", speed = [2.5, 1.0] },
]
"""


SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - nobody guesses the name inside
MEMORY = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
HALF_AN_HOUR_S = 1800


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    report("the treadmill with a plain client", client())
    report("a session of the daemon", session())


def report(what: str, half_an_hour: Coroutine[None, None, float]) -> None:
    """Play it, and say how long that took."""
    began, computed = time.perf_counter(), time.process_time()
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        simulated = runner.run(half_an_hour)
    took, computed = time.perf_counter() - began, time.process_time() - computed
    print(f"{what}: {simulated:.0f} s in {took:.2f} s, {computed:.2f} s of them computing")


async def client() -> float:
    """Drive the treadmill without the daemon; the seconds of its own time that it took."""
    room = Room(load_machine("spec"))
    loop, answered = asyncio.get_running_loop(), asyncio.Event()
    control_point = uuids.full(uuids.FITNESS_MACHINE_CONTROL_POINT)
    speeds: list[int] = []

    async with room.open():
        bleak = BleakClient(ADDRESS, backend=room.backend.client)

        async def command(op_code: int, parameter: int | None = None) -> None:
            await bleak.write_gatt_char(control_point, Command(op_code, parameter).encode(), response=True)
            await answered.wait()
            answered.clear()

        def heard(_: object, octets: bytearray) -> None:
            speeds.append(treadmill_data.decode(bytes(octets)).instantaneous_speed or 0)

        async with bleak:
            await bleak.start_notify(uuids.full(uuids.TREADMILL_DATA), heard)
            await bleak.start_notify(control_point, lambda *_: answered.set())
            await command(OpCode.REQUEST_CONTROL)
            await command(OpCode.START_OR_RESUME)
            for target in cycle((100, 150)):
                await asyncio.sleep(45)
                await command(OpCode.SET_TARGET_SPEED, target)
                if loop.time() > HALF_AN_HOUR_S:
                    break
            await command(OpCode.STOP_OR_PAUSE, StopOrPause.STOP)
            await asyncio.sleep(10)
        assert max(speeds) == 150, "it has walked"
        assert speeds[-1] == 0, "it rests"
    return loop.time()


async def session() -> float:
    """Play it to the end; the seconds of its own time that it took."""
    room = Room(load_machine("spec"))
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        treadmill = {"id": "tm", "address": ADDRESS, "machine": "spec"}
        settings = Settings.model_validate(
            {"treadmills": (treadmill,), "paths": {"state_dir": Path(folder)}, "safety": {"level": 6}}
        )
        program = parse_program(PROGRAM)
        assert isinstance(program, Program), program
        app = App(
            settings,
            backend=room.backend,
            speak=lambda _: [],
            find_program=lambda _: program,
            offload=_at_once,
        )
        hub = app.hubs["tm"]

        def latest() -> Snapshot | None:
            return None if hub.latest is None else hub.latest.snapshot

        async def phase(wanted: Phase) -> None:
            async with asyncio.timeout(3600):
                while (state := latest()) is None or state.phase is not wanted:  # noqa: ASYNC110 - virtual time
                    await asyncio.sleep(1)

        async with room.open(), app.running():
            person = Person(room.treadmill, lambda request: app.submit("tm", request))
            living = asyncio.create_task(person.live(latest))
            await phase(Phase.IDLE)
            app.submit("tm", Request("offer", "bench", Offer("half-an-hour")))
            await phase(Phase.ENDED)
            living.cancel()
    return asyncio.get_running_loop().time()


async def _at_once(block: Callable[[], None]) -> None:
    block()


if __name__ == "__main__":
    main()
