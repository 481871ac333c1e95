"""A Bluetooth service that hangs is not dead: no call to it ends, and what bleak tidies up asks it again."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from math import inf

import pytest

from retrowalk.ble.connector import Connector
from retrowalk.ble.errors import Unreachable
from retrowalk.ble.right_of_way import RightOfWay
from retrowalk.ble.strap import Strap
from retrowalk.ble.within import within
from retrowalk.core.model import Connected

CALLS = ["looking up", "scanning", "scanning no more", "connecting"]
ASK_AGAIN = ["looking up", "connecting"]
"""Cancelled, it asks the service once more, which hangs again."""


class Service:
    """Bluetooth that hangs in one of its calls until it `answers`, or the first `times` only."""

    def __init__(self, backend, hangs_in: str, times: float = inf) -> None:
        self.answers = asyncio.Event()
        self._times = times

        async def call(name: str) -> None:
            if name == hangs_in and self._times:
                self._times -= 1
                if name in ASK_AGAIN:
                    with suppress(asyncio.CancelledError):
                        await self.answers.wait()
                await self.answers.wait()

        class Adapter(backend.adapter):
            async def get_connected_devices(self, *args: object) -> list[object]:
                await call("looking up")
                return await super().get_connected_devices(*args)

        class Scanner(backend.scanner):
            async def start(self) -> None:
                await call("scanning")
                await super().start()

            async def stop(self) -> None:
                await super().stop()
                await call("scanning no more")

        class Client(backend.client):
            async def connect(self, *args: object, **kwargs: object) -> None:
                await call("connecting")
                await super().connect(*args, **kwargs)

        self.backend = replace(backend, adapter=Adapter, scanner=Scanner, client=Client)


@pytest.mark.parametrize("hangs_in", CALLS)
async def test_it_is_told_and_when_it_answers_again_there_is_a_link(
    tread, radio, posted, soon, hangs_in
) -> None:
    service, told = Service(radio.backend, hangs_in), []
    connector = Connector("*", posted, state=told.append, backend=service.backend)
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(60)
    assert any("the Bluetooth service does not answer: restart it" in state for state in told)
    service.answers.set()
    await soon(lambda: posted.of(Connected))
    await connector.stop()
    assert running.done()


@pytest.mark.parametrize("lost", ["scanning", "scanning no more"])
async def test_one_call_that_it_never_answers_does_not_hold_up_the_next_search(
    tread, radio, posted, soon, lost
) -> None:
    service = Service(radio.backend, lost, times=1)
    connector = Connector("*", posted, backend=service.backend)
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(60)
    await soon(lambda: posted.of(Connected))
    await connector.stop()
    assert running.done()


@pytest.mark.parametrize("hangs_in", CALLS)
async def test_who_ends_does_not_wait_for_it(tread, radio, posted, hangs_in) -> None:
    connector = Connector("*", posted, backend=Service(radio.backend, hangs_in).backend)
    running = asyncio.create_task(connector.run())
    await asyncio.sleep(5)
    async with asyncio.timeout(6):
        await connector.stop()
    assert running.cancelled()


async def test_a_strap_holds_up_the_end_no_longer(radio) -> None:
    up = asyncio.Event()
    up.set()
    backend = Service(radio.backend, "scanning").backend
    strap = Strap("*", print, treadmill_is_up=up, right_of_way=RightOfWay(), backend=backend)
    running = asyncio.create_task(strap.run())
    await asyncio.sleep(5)
    running.cancel()
    await asyncio.wait({running}, timeout=6)
    assert running.cancelled()


async def test_what_is_in_time_is_as_if_nobody_had_looked_at_the_clock() -> None:
    async def answered() -> int:
        await asyncio.sleep(1)
        return 3

    async def failed() -> int:
        raise ZeroDivisionError

    assert await within(2, answered()) == 3
    with pytest.raises(ZeroDivisionError):
        await within(2, failed())
    with pytest.raises(Unreachable):
        await within(0.5, answered())


async def test_what_asks_again_when_it_is_cancelled_does_not_go_on_unseen() -> None:
    """It would be connected later, to nobody."""
    ended: list[bool] = []

    async def stubborn() -> None:
        try:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(100)
            await asyncio.sleep(100)
        finally:
            ended.append(True)

    with pytest.raises(Unreachable):
        await within(1, stubborn())
    await asyncio.sleep(0.1)
    assert ended
