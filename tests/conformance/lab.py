"""Where the machine under test is: in this process, in one of its own, or wherever a transport leads."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from bumble.core import UUID, AdvertisingData
from bumble.device import Advertisement, Connection, Device
from bumble.hci import Address
from tests.conformance.tester import CONTROL, LowerTester

from blefit import uuids
from retrowalk.machines import load_machine
from retrowalk.sim.air import Air
from retrowalk.sim.exhibit import TreadmillExhibit
from retrowalk.sim.machines import quirks_of
from retrowalk.sim.model.treadmill import Treadmill
from retrowalk.sim.place import Place, power_on
from retrowalk.sim.script import parse_act
from retrowalk.sim.transports import opened

_MACHINE = "C0:00:00:00:18:26"
_FOUND_WITHIN_S = 5.0
_COMES_WITHIN_S = 3.0
_STARTS_WITHIN_S = 20.0
_ADAPTERS = 3

Sim = dict[str, dict[str, Any]]
"""The `[sim]` tables of a machine's file."""


class Lab:
    """One machine, and as many testers as its place has adapters for."""

    def __init__(
        self, adapter: Callable[[], Awaitable[Device]], act: Callable[[str], Awaitable[None]]
    ) -> None:
        self.act = act
        """What a person does at the machine, as in a script of `simulate`."""
        self.testers: list[LowerTester] = []
        self._adapter = adapter

    async def tester(self, *subscribed: int) -> LowerTester:
        """A new connection with these enabled; the test is skipped where the machine has none of them."""
        device = await self._adapter()
        tester = LowerTester(await device.connect(await _machine_in_reach_of(device)))
        await tester.discover()
        self.testers.append(tester)
        for number in subscribed:
            need(tester, number)
        await tester.subscribe(*subscribed)
        return tester

    async def commander(self, *subscribed: int) -> LowerTester:
        """One that has control."""
        tester = await self.tester(CONTROL, *subscribed)
        await tester.run("00")
        return tester

    async def comes(self, what: Callable[[], bool]) -> bool:
        """It is so, or gets so within a few seconds."""
        for _ in range(int(_COMES_WITHIN_S / 0.05)):
            if what():
                return True
            await asyncio.sleep(0.05)
        return what()


def need(tester: LowerTester, number: int) -> None:
    """The test is of something that a machine may have or not."""
    if not tester.has(number):
        pytest.skip(f"this machine has no {number:04X}")


async def _machine_in_reach_of(device: Device) -> Address:
    found: asyncio.Future[Address] = asyncio.get_running_loop().create_future()

    def on_advertisement(heard: Advertisement) -> None:
        listed = heard.data.get(AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS) or []
        if UUID.from_16_bits(uuids.FITNESS_MACHINE_SERVICE) in listed and not found.done():
            found.set_result(heard.address)

    device.on("advertisement", on_advertisement)
    await device.start_scanning(legacy=True, active=True)
    try:
        async with asyncio.timeout(_FOUND_WITHIN_S):
            return await found
    finally:
        device.remove_listener("advertisement", on_advertisement)
        await device.stop_scanning(legacy=True)


@contextlib.asynccontextmanager
async def in_process(machine: Path) -> AsyncIterator[Lab]:
    """On a virtual radio in this process, which takes any number of testers."""
    air = Air()  # type: ignore[no-untyped-call]  # Bumble's constructor has no types
    quirks = quirks_of(load_machine(machine))
    device, antenna = await air.device(quirks.link.name, _MACHINE)
    adapters = iter(range(256))

    async def adapter() -> Device:
        one, _ = await air.device("tester", f"F0:00:00:00:00:{next(adapters):02X}")
        return one

    def cut() -> None:
        air.cut(antenna)

    exhibit = TreadmillExhibit(
        Treadmill(quirks), Place(device, "local", cut), lambda _: None, asyncio.Event()
    )

    async def act(text: str) -> None:
        exhibit.do(parse_act(text), "person")

    async with exhibit.peripheral:
        yield Lab(adapter, act)


@contextlib.asynccontextmanager
async def at(
    transports: Sequence[str], act: Callable[[str], Awaitable[None]] | None = None
) -> AsyncIterator[Lab]:
    """In reach of the adapters at those transports; what is left running there is reset in the end."""
    async with AsyncExitStack() as stack:
        devices: list[Device] = []

        async def adapter() -> Device:
            for device in devices:
                if not device.connections:
                    return device
            if len(devices) == len(transports):
                pytest.skip("needs one more adapter, and each transport is one")
            transport = transports[len(devices)]
            source, sink = await stack.enter_async_context(opened(transport))
            device = Device.with_hci("tester", Address(f"F0:00:00:00:00:{len(devices):02X}"), source, sink)
            await power_on(device, transport)
            devices.append(device)
            return device

        async def nobody(text: str) -> None:
            pytest.skip(f"needs somebody at the machine: {text}")

        lab = Lab(adapter, act or nobody)
        yield lab
        if act is not None:
            await act("key-in")
        if links := [link for device in devices for link in device.connections.values()]:
            await _leave_at_rest(lab, links)


async def _leave_at_rest(lab: Lab, links: list[Connection]) -> None:
    tester = next((one for one in lab.testers if one.connection in links and one.confirms), None)
    for link in links:  # an unconfirmed procedure ends with its link, too
        if tester is None or link is not tester.connection:
            await link.disconnect()
    if tester is None:
        tester = await lab.tester()
    if tester.has(CONTROL):
        await tester.subscribe(CONTROL)
        with contextlib.suppress(TimeoutError):  # a machine that does not answer
            await tester.ask("00")
            await tester.ask("01")
    await tester.leave()


class Process:
    """`retrowalk simulate` for that machine, reached over TCP, with somebody at its standard input."""

    def __init__(self, machine: Path) -> None:
        told = machine.with_suffix(".log")
        with told.open("w") as log:
            self._running = subprocess.Popen(
                [
                    *(sys.executable, "-m", "retrowalk", "simulate", "--json", "--machine", str(machine)),
                    *("--transport", "tcp-server:127.0.0.1:0") * _ADAPTERS,
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                text=True,
            )
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while len(lines := told.read_text().splitlines()) < _ADAPTERS:
            assert time.monotonic() < deadline, "the simulation did not start"
            time.sleep(0.05)
        on_air = [json.loads(line)["transport"] for line in lines[:_ADAPTERS]]
        self.transports = [transport.replace("tcp-server", "tcp-client") for transport in on_air]

    async def act(self, text: str) -> None:
        """Somebody does it."""
        assert self._running.stdin is not None
        self._running.stdin.write(f"{text}\n")
        self._running.stdin.flush()

    def end(self) -> None:
        """Switch it off."""
        self._running.terminate()
        self._running.communicate()
