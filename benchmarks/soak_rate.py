"""How many simulated seconds one core plays in one second: the whole daemon, over either radio.

python benchmarks/soak_rate.py [--minutes N] [--light] [--profile ORDER]
"""

import argparse
import asyncio
import contextlib
import cProfile
import logging
import pstats
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from operator import itemgetter
from pathlib import Path

import structlog

from retrowalk.app import App
from retrowalk.ble.backend import Backend
from retrowalk.core.model import Offer, Phase, Request, Snapshot
from retrowalk.settings import Settings
from retrowalk.sim.light import LightRadio
from retrowalk.sim.loops import virtual_loop
from retrowalk.sim.model.quirks import Quirks
from retrowalk.sim.model.treadmill import Treadmill
from retrowalk.sim.peripheral import Peripheral
from retrowalk.sim.radio import Radio
from retrowalk.sim.room import Person

ADDRESS = "C0:00:00:00:00:01"
MEMORY = "/dev/shm"  # noqa: S108 - what is in it is gone when the benchmark ends
PROGRAM = """
name = "Walk"
level = 0
steps = [{ walk = "forward", for = "%dmin", speed = 1.2 }, { walk = "forward", for = "1min", speed = 1.0 }]
"""


@contextlib.asynccontextmanager
async def backend(treadmill: Treadmill, *, light: bool) -> AsyncIterator[Backend]:
    """A radio with the treadmill in reach."""
    if light:
        radio = LightRadio()
        radio.put(treadmill, ADDRESS)
        yield radio.backend
        return
    full = Radio()
    device = await full.peripheral_device("bench", ADDRESS)
    async with Peripheral(treadmill, device, partial(full.cut, device)):
        yield full.backend


async def session(minutes: int, hertz: float, *, light: bool) -> tuple[float, float]:
    """One session to its end; its simulated seconds and the processor's."""
    quirks = Quirks()
    quirks = replace(quirks, telemetry=replace(quirks.telemetry, notify_every_s=1 / hertz))
    treadmill = Treadmill(quirks)
    with disk() as folder:
        Path(folder, "walk.toml").write_text(PROGRAM % (minutes - 1))  # noqa: ASYNC240 - nothing runs yet
        settings = Settings.model_validate(
            {
                "treadmills": ({"id": "tm", "address": ADDRESS, "machine": "spec", "at_machine": True},),
                "paths": {"state_dir": Path(folder), "programs_dir": Path(folder)},
            }
        )
        async with backend(treadmill, light=light) as radio:
            app = App(settings, backend=radio, speak=lambda _: [], offload=at_once)
            hub = app.hubs["tm"]

            def look() -> Snapshot | None:
                return None if hub.latest is None else hub.latest.snapshot

            async def phase(wanted: Phase) -> None:
                while (state := look()) is None or state.phase is not wanted:  # noqa: ASYNC110 - virtual time
                    await asyncio.sleep(1)

            async with app.running():
                living = asyncio.create_task(Person(treadmill, partial(app.submit, "tm")).live(look))
                await phase(Phase.IDLE)
                app.submit("tm", Request("offer", "bench", Offer("walk")))
                await phase(Phase.WALKING)
                living.cancel()
                began, now = time.process_time(), asyncio.get_running_loop().time()
                await phase(Phase.ENDED)
                return asyncio.get_running_loop().time() - now, time.process_time() - began


def disk() -> tempfile.TemporaryDirectory[str]:
    """In memory, where there is such a place: what a disk takes to sync is not the question here."""
    return tempfile.TemporaryDirectory(dir=MEMORY if Path(MEMORY).is_dir() else None)


async def at_once(block: Callable[[], None]) -> None:
    """No thread: real time would stand between two moments of virtual time."""
    block()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=16)
    parser.add_argument("--best-of", type=int, default=3, metavar="N", help="the computer may be busy")
    parser.add_argument("--light", action="store_true", help="the light radio alone")
    parser.add_argument("--profile", metavar="ORDER", help="such as tottime: of the light radio alone")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for light in (True,) if asked.light or asked.profile else (True, False):
        for hertz in (1, 4):
            simulated, took = min(
                (play(asked.minutes, hertz, light=light) for _ in range(asked.best_of)), key=itemgetter(1)
            )
            radio = "light" if light else "full"
            print(
                f"{radio:5} radio, {hertz} Hz: {simulated:.0f} s of a session in {took:.2f} s of one core, "
                f"{simulated / took:.0f} times real time"
            )
            if asked.profile:
                with cProfile.Profile() as profile:
                    play(asked.minutes, hertz, light=light)
                pstats.Stats(profile).sort_stats(asked.profile).print_stats(70)


def play(minutes: int, hertz: float, *, light: bool) -> tuple[float, float]:
    """One session in virtual time; its simulated seconds and the processor's."""
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        return runner.run(session(minutes, hertz, light=light))


if __name__ == "__main__":
    main()
