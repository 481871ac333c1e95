"""How soon the belt is corrected, stopped, and cried out for: everything at once, under load.

    python benchmarks/reaction.py

Real time: one daemon, sixteen simulated treadmills in a session each, a mosquitto (or amqtt) with 200 other
commands a second on a treadmill's topic, and a process that does nothing but write to the disk of the state
folder and sync it. Measured are

- the second record above the cap leaves the treadmill - the cap arrives there as its target;
- STOP is published at the broker - the Stop arrives at the treadmill;
- the link is lost - the alarm is handed to the voice, and the fault arrives at a subscriber of the broker.

The radio's own delay (a connection interval of 7.5 to 50 ms; until a lost link is noticed, its supervision
time-out) comes on top: all treadmills are in this process. So is their work, which a real daemon is spared.
"""

import asyncio
import contextlib
import json
import logging
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import aiomqtt
import structlog

from blefit import uuids
from blefit.ftms.treadmill_data import TreadmillData, encode
from blefit.units import Speed
from retrowalk.app import App
from retrowalk.core.model import Act, Confirm, Offer, Phase, Request, Said, Snapshot
from retrowalk.core.program_text import parse_program
from retrowalk.machines import load_machine
from retrowalk.mqtt.broker import EmbeddedBroker
from retrowalk.mqtt.client import MqttLink
from retrowalk.settings import Settings
from retrowalk.sim.peripheral import Peripheral
from retrowalk.sim.radio import Radio
from retrowalk.sim.room import Room

TREADMILLS = 16
ROUNDS = 2
TOO_FAST_A_ROUND = 3
FLOOD_PER_S = 200
PROGRAM = parse_program("""
name = "Bench"
level = 0
steps = [{ walk = "forward", for = "4min", speed = 1.2 }, { walk = "forward", for = "1min", speed = 1.0 }]
""")
TOO_FAST = encode(TreadmillData(instantaneous_speed=Speed(150), more_data=False))

BUSY_DISK = """
import os, sys
with open(sys.argv[1], "wb") as file:
    while True:
        file.seek(0)
        for _ in range(64):
            file.write(os.urandom(65536))
        file.flush()
        os.fsync(file.fileno())
"""
FLOOD = """
import asyncio, itertools, json, sys, time
import aiomqtt
host, port, per_s = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
async def main():
    async with aiomqtt.Client(host, port) as client:
        began = time.perf_counter()
        for number in itertools.count(1):
            await client.publish("retrowalk/t0/command", json.dumps({"id": str(number), "command": "lease"}))
            await asyncio.sleep(max(0.0, began + number / per_s - time.perf_counter()))
asyncio.run(main())
"""


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker() as broker:
        flood = [FLOOD, broker.host, str(broker.port), str(FLOOD_PER_S)]
        with child([BUSY_DISK, f"{folder}/busy"]), child(flood):
            took = asyncio.run(measure(Path(folder), broker))
    print(f"with {FLOOD_PER_S} other commands a second over {broker.kind} and a disk that is kept busy:")
    for what, seconds in took.items():
        report(what, seconds)


@contextlib.contextmanager
def child(command: list[str]) -> Iterator[None]:
    """Another process of this Python while the block runs."""
    with subprocess.Popen([sys.executable, "-c", *command]) as process:
        try:
            yield
        finally:
            process.kill()


def report(what: str, took: list[float]) -> None:
    took.sort()
    late = took[math.ceil(len(took) * 0.99) - 1]
    print(
        f"{what}: median {statistics.median(took) * 1000:.2f} ms, 99 % {late * 1000:.2f} ms, "
        f"worst {took[-1] * 1000:.2f} ms ({len(took)} times)"
    )


class Ears:
    """Hears the sentences of one treadmill."""

    def __init__(self) -> None:
        self.alarm = asyncio.Event()
        self.at = 0.0

    def say(self, said: Said) -> None:
        if said.alarm and not self.alarm.is_set():
            self.at = time.perf_counter()
            self.alarm.set()

    def close(self) -> None: ...


class Hall:
    """The daemon, its treadmills, and a client at its broker."""

    def __init__(self, app: App, client: aiomqtt.Client) -> None:
        self.app = app
        self.client = client
        self.faults: dict[str, asyncio.Event] = {}

    async def listen(self) -> None:
        """Notice the faults as they are published."""
        await self.client.subscribe("retrowalk/+/event")
        async for message in self.client.messages:
            if json.loads(message.payload)["type"] == "fault":
                self.faults.setdefault(message.topic.value.split("/")[1], asyncio.Event()).set()

    async def until(self, name: str, holds: Callable[[Snapshot], object]) -> None:
        with self.app.hubs[name].subscribe() as reader:
            async with asyncio.timeout(60):
                while reader.state is None or not holds(reader.state.snapshot):
                    await reader.changed()

    async def walk(self, name: str) -> None:
        """Get a session to its speed."""
        await self.until(name, lambda state: state.phase is Phase.IDLE)
        self.app.submit(name, Request("offer", "bench", Offer("bench")))
        await self.until(name, lambda state: state.awaiting is Act.START)
        self.app.submit(name, Request("act", "bench", Confirm(None)))
        await self.until(name, lambda state: state.phase is Phase.WALKING)
        await self.until(name, lambda state: state.commanded == 120)
        await asyncio.sleep(6)

    async def calm(self, name: str) -> None:
        """A person at the machine clears what is to be cleared."""
        await self.until(name, lambda state: state.link == "connected")
        async with asyncio.timeout(60):
            while (state := self.app.hubs[name].latest) is None or state.snapshot.phase is not Phase.IDLE:
                if state is not None and state.snapshot.awaiting in {Act.STILL, Act.CLEAR}:
                    self.app.submit(name, Request("calm", "bench", Confirm(None)))
                await asyncio.sleep(0.5)


async def measure(folder: Path, broker: EmbeddedBroker) -> dict[str, list[float]]:
    """Seconds, in each case."""
    radio, names = Radio(), [f"t{n}" for n in range(TREADMILLS)]
    addresses = {name: f"C0:00:00:00:00:{n:02X}" for n, name in enumerate(names)}
    ears: list[Ears] = []

    def speak(_hub: object) -> list[Ears]:
        ears.append(Ears())
        return ears[-1:]

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
                "paths": {"state_dir": folder},
                "mqtt": {"url": broker.url},
            }
        )
        app = App(settings, backend=radio.backend, speak=speak, find_program=lambda _: PROGRAM)
        await stack.enter_async_context(app.running())
        link = MqttLink(settings, app.hubs, app.submit)
        link.start()
        stack.callback(link.stop)
        hall = Hall(app, await stack.enter_async_context(aiomqtt.Client(broker.host, broker.port)))
        listening = asyncio.create_task(hall.listen())
        stack.callback(listening.cancel)
        too_fast: list[float] = []
        stops: list[float] = []
        spoken: list[float] = []
        published: list[float] = []
        for _ in range(ROUNDS):
            await asyncio.gather(*map(hall.walk, names))
            for _ in range(TOO_FAST_A_ROUND):
                too_fast += [
                    await answered(peripheral, b"\x02", lambda p=peripheral: overspeed(p))
                    for peripheral in peripherals.values()
                ]
                await asyncio.sleep(6)  # the cap is known to hold again
            for name, peripheral in peripherals.items():
                publish = hall.client.publish(f"retrowalk/{name}/command", "STOP")
                stops.append(await answered(peripheral, b"\x08", lambda p=publish: asyncio.ensure_future(p)))
            await asyncio.gather(*map(hall.calm, names))
            await asyncio.gather(*map(hall.walk, names))
            for name, peripheral, ear in zip(names, peripherals.values(), ears, strict=True):
                ear.alarm.clear()
                hall.faults[name] = asyncio.Event()
                began = time.perf_counter()
                radio.cut(peripheral.device)
                async with asyncio.timeout(10):
                    await hall.faults[name].wait()
                    published.append(time.perf_counter() - began)
                    await ear.alarm.wait()
                spoken.append(ear.at - began)
            await asyncio.gather(*map(hall.calm, names))
    return {
        "too fast to the cap at the treadmill": too_fast,
        "STOP published to the Stop at the treadmill": stops,
        "link lost to the alarm at the voice": spoken,
        "link lost to the fault at a subscriber": published,
    }


def overspeed(peripheral: Peripheral) -> None:
    """Two records above the cap, one right after the other."""
    for client in list(peripheral._clients):
        peripheral._notify(client, uuids.TREADMILL_DATA, TOO_FAST)
        peripheral._notify(client, uuids.TREADMILL_DATA, TOO_FAST)


async def answered(peripheral: Peripheral, frame: bytes, act: Callable[[], object]) -> float:
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
        going = act()  # held: a task that nobody holds may be collected
        took = await asyncio.wait_for(came, 5) - began
        del going
        return took
    finally:
        del peripheral.treadmill.write


if __name__ == "__main__":
    main()
