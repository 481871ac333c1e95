"""How soon a frame of ours is at the treadmill: after a belt seen too fast, and after a STOP.

    python benchmarks/reaction.py

Real time, eight simulated treadmills in one daemon, each in a session. "Too fast" is from the moment the
second record above the cap leaves the treadmill to the moment it gets the cap as its target; "stop" is from
the request to the Stop at the treadmill. All in one process, so the radio's own delay (one connection
interval, 7.5 to 50 ms) comes on top.
"""

import asyncio
import contextlib
import logging
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from blefit import uuids
from blefit.ftms.treadmill_data import TreadmillData, encode
from blefit.units import Speed
from retrowalk.app import App
from retrowalk.core.model import Confirm, Offer, Phase, Request, StopSession
from retrowalk.core.program_text import parse_program
from retrowalk.machines import load_machine
from retrowalk.settings import Settings
from retrowalk.sim.peripheral import Peripheral
from retrowalk.sim.radio import Radio
from retrowalk.sim.room import Room

TREADMILLS = 8
TIMES = 5
PROGRAM = parse_program("""
name = "Bench"
level = 0
steps = [{ walk = "forward", for = "4min", speed = 1.2 }, { walk = "forward", for = "1min", speed = 1.0 }]
""")
TOO_FAST = encode(TreadmillData(instantaneous_speed=Speed(150), more_data=False))


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    too_fast, stops = asyncio.run(measure())
    report("too fast to the cap at the treadmill", too_fast)
    report("STOP to the Stop at the treadmill", stops)


def report(what: str, took: list[float]) -> None:
    took.sort()
    late = took[math.ceil(len(took) * 0.99) - 1]
    print(
        f"{what}: median {statistics.median(took) * 1000:.2f} ms, 99 % {late * 1000:.2f} ms, "
        f"worst {took[-1] * 1000:.2f} ms ({len(took)} times)"
    )


async def measure() -> tuple[list[float], list[float]]:
    """Seconds, in each of the two cases."""
    radio, names = Radio(), [f"t{n}" for n in range(TREADMILLS)]
    addresses = {name: f"C0:00:00:00:00:{n:02X}" for n, name in enumerate(names)}
    async with contextlib.AsyncExitStack() as stack:
        machine = load_machine("spec")
        peripherals = {
            name: await stack.enter_async_context(Room(machine, radio, address).open())
            for name, address in addresses.items()
        }
        treadmills = [
            {"id": name, "address": address, "machine": "spec", "second_stop": True}
            for name, address in addresses.items()
        ]
        settings = Settings.model_validate(
            {
                "treadmills": tuple(treadmills),
                "safety": {"countdown_s": 5},
                "paths": {"state_dir": Path(stack.enter_context(tempfile.TemporaryDirectory()))},
            }
        )
        app = App(settings, backend=radio.backend, speak=lambda _: [], find_program=lambda _: PROGRAM)
        await stack.enter_async_context(app.running())
        await asyncio.gather(*(walk(app, name) for name in names))
        too_fast = []
        for _ in range(TIMES):
            too_fast += [
                await answered(peripheral, b"\x02", lambda p=peripheral: overspeed(p))
                for peripheral in peripherals.values()
            ]
            await asyncio.sleep(6)  # the cap is known to hold again
        stops = []
        for name, peripheral in peripherals.items():
            stop = Request("stop", "bench", StopSession())
            stops.append(await answered(peripheral, b"\x08", lambda n=name, r=stop: app.submit(n, r)))
        return too_fast, stops


async def walk(app: App, name: str) -> None:
    """Get a session to its first speed."""
    await phase(app, name, Phase.IDLE)
    app.submit(name, Request("offer", "bench", Offer("bench")))
    await phase(app, name, Phase.OFFERED)
    await asyncio.sleep(2)
    app.submit(name, Request("act", "bench", Confirm(None)))
    await phase(app, name, Phase.WALKING)
    await asyncio.sleep(12)


async def phase(app: App, name: str, wanted: Phase) -> None:
    async with asyncio.timeout(60):
        while True:
            latest = app.hubs[name].latest
            if latest is not None and latest.snapshot.phase is wanted:
                return
            await asyncio.sleep(0.05)


def overspeed(peripheral: Peripheral) -> None:
    """Two records above the cap, one right after the other."""
    for client in list(peripheral._clients):
        peripheral._notify(client, uuids.TREADMILL_DATA, TOO_FAST)
        peripheral._notify(client, uuids.TREADMILL_DATA, TOO_FAST)


async def answered(peripheral: Peripheral, frame: bytes, act: Callable[[], None]) -> float:
    """Seconds from `act` to a frame that begins so."""
    came: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    write = type(peripheral.treadmill).write

    def timed(client, octets, now):
        if octets.startswith(frame) and not came.done():
            came.set_result(time.perf_counter())
        return write(peripheral.treadmill, client, octets, now)

    peripheral.treadmill.write = timed
    try:
        began = time.perf_counter()
        act()
        return await asyncio.wait_for(came, 5) - began
    finally:
        del peripheral.treadmill.write


if __name__ == "__main__":
    main()
