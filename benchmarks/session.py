"""How fast a whole session runs in virtual time, through every layer from the program to the GATT server.

python benchmarks/session.py
"""

import asyncio
import logging
import tempfile
import time
from pathlib import Path

import structlog

from retrowalk.app import App
from retrowalk.core.model import Offer, Phase, Request, Snapshot
from retrowalk.machines import load_machine
from retrowalk.settings import Settings
from retrowalk.sim.loops import virtual_loop
from retrowalk.sim.room import ADDRESS, Person, Room

PROGRAM = "waves-1"


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    began = time.perf_counter()
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        simulated = runner.run(session())
    took = time.perf_counter() - began
    print(
        f"{PROGRAM}: {simulated:.0f} s of a session in {took:.2f} s, {simulated / took:.0f} times real time"
    )


async def session() -> float:
    """Play it to the end; the seconds of its own time that it took."""
    room = Room(load_machine("spec"))
    with tempfile.TemporaryDirectory() as folder:
        treadmill = {"id": "tm", "address": ADDRESS, "machine": "spec"}
        settings = Settings.model_validate(
            {"treadmills": (treadmill,), "paths": {"state_dir": Path(folder)}, "safety": {"level": 6}}
        )
        app = App(settings, backend=room.backend, speak=lambda _: [])
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
            app.submit("tm", Request("offer", "bench", Offer(PROGRAM)))
            await phase(Phase.ENDED)
            living.cancel()
    return asyncio.get_running_loop().time()


if __name__ == "__main__":
    main()
