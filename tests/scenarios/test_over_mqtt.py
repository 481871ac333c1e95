"""A session that is asked for, watched and stopped over MQTT alone, with a real broker between."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import aiomqtt
import pytest

from retrowalk.mqtt.broker import EmbeddedBroker, available_brokers
from retrowalk.mqtt.client import MqttLink

SPEEDUP = 20
"""A real broker takes real time."""

START, STOP = 0x07, 0x08
STATE_KEYS = set(
    re.findall(
        r"\w+",
        """time phase direction measured_speed_kmh commanded_speed_kmh cap_kmh cap_reason incline_percent
        distance_m distance_backward_m elapsed_s heart_rate_bpm energy_kcal_estimate step_index step_count
        step_remaining_s session_remaining_s next_step awaiting program walker fault link telemetry_age_s
        session_id""",
    )
)

pytestmark = pytest.mark.skipif(not available_brokers(), reason="no broker can be embedded here")


@pytest.fixture(scope="module")
def broker():
    with EmbeddedBroker() as broker:
        yield broker


class Desk:
    """An outside client with one button: what it saw of the treadmill, and what it asks."""

    def __init__(self, client: aiomqtt.Client, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._ids = count(1)
        self._news = asyncio.Event()
        self.seen: list[tuple[str, str]] = []

    async def listen(self) -> None:
        async for message in self._client.messages:
            topic = message.topic.value.removeprefix(f"{self._prefix}/")
            self.seen.append((topic, message.payload.decode()))
            self._news.set()

    def documents(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(payload) for where, payload in self.seen if where == topic]

    async def until(self, holds: Any, seconds: float = 10.0) -> None:
        """Wait, in real seconds, until what was seen is so."""
        try:
            async with asyncio.timeout(seconds * SPEEDUP):
                while not holds():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"not within {seconds:g} s, seen: {self.seen[-12:]}") from None

    async def state(self, **wanted: object) -> None:
        """Wait for a state with these values."""

        def holds() -> bool:
            states = self.documents("tm/state")
            return bool(states) and wanted.items() <= states[-1].items()

        await self.until(holds)

    async def publish(self, topic: str, payload: dict[str, Any] | str, *, retain: bool = False) -> None:
        told = payload if isinstance(payload, str) else json.dumps(payload)
        await self._client.publish(f"{self._prefix}/tm/{topic}", told, qos=1, retain=retain)

    async def outcomes(self, request: str, most: int) -> list[str]:
        """So many replies to that request."""

        def mine() -> list[str]:
            return [told["outcome"] for told in self.documents("tm/reply") if told["id"] == request]

        await self.until(lambda: len(mine()) >= most)
        return mine()

    async def command(self, command: str, *, replies: int = 1, **more: object) -> list[str]:
        """Ask, and have so many replies to it."""
        request = f"{command}-{next(self._ids)}"
        await self.publish("command", {"id": request, "command": command} | more)
        return await self.outcomes(request, replies)

    async def confirm(self, act: str, source: str = "button") -> list[str]:
        request = f"{act}-{next(self._ids)}"
        told = {"id": request, "act": act, "source": source, "time": datetime.now(UTC).isoformat()}
        await self.publish("confirm", told)
        return await self.outcomes(request, 1)


@contextlib.asynccontextmanager
async def desk_at(broker: EmbeddedBroker, prefix: str) -> AsyncIterator[Desk]:
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.subscribe(f"{prefix}/#", qos=1)
        desk = Desk(client, prefix)
        listening = asyncio.create_task(desk.listen())
        try:
            yield desk
        finally:
            listening.cancel()


@pytest.fixture
def prefix(request) -> str:
    """Keeps the tests apart on one broker."""
    return re.sub(r"\W", "_", request.node.name)


@pytest.fixture
def on_mqtt(room, broker, prefix):
    """`async with on_mqtt() as (daemon, desk)`: a daemon with a paired button, and an outside client."""

    @contextlib.asynccontextmanager
    async def on_mqtt(broker: EmbeddedBroker = broker):
        tables = {
            "treadmill": {"confirm_sources": ("button",), "at_machine": False},
            "mqtt": {"url": broker.url, "prefix": prefix},
        }
        settings = room.settings(**tables)
        async with room.daemon(settings) as daemon, desk_at(broker, prefix) as desk:
            link = MqttLink(settings, daemon.app.hubs, daemon.app.submit, first_pause_s=0.1)
            link.start()
            try:
                await desk.state(phase="idle", link="connected")
                yield daemon, desk
            finally:
                await asyncio.to_thread(link.stop)

    return on_mqtt


async def test_a_session_from_start_to_stop(room, spec, on_mqtt) -> None:
    async with on_mqtt() as (_, desk):
        started = asyncio.create_task(desk.command("start", program="long", replies=2))
        await desk.state(phase="offered", awaiting="start", program="Long")
        assert spec.machine.written == []
        assert await desk.confirm("start") == ["accepted"]
        assert await started == ["accepted", "done"]
        await desk.state(phase="walking", direction="forward", commanded_speed_kmh=1.2)
        assert await desk.command("set_cap", kmh=1.0) == ["accepted"]
        await desk.state(cap_kmh=1.0)
        assert await desk.command("set_cap", kmh=1.1) == ["refused"]
        assert await desk.command("pause", replies=2) == ["accepted", "done"]
        assert spec.machine.at_rest
        await desk.state(phase="paused")
        resumed = asyncio.create_task(desk.command("resume", replies=2))
        await asyncio.sleep(5)
        assert spec.machine.at_rest  # resume only offers
        assert await desk.confirm("start") == ["accepted"]
        assert await resumed == ["accepted", "done"]
        assert await desk.command("stop", replies=2) == ["accepted", "done"]
        assert spec.machine.at_rest
        await desk.state(phase="idle")
        types = [event["type"] for event in desk.documents("tm/event")]
        wanted = ["session_offered", "armed", "countdown", "started", "paused", "resumed", "stopped"]
        assert [kind for kind in dict.fromkeys(types) if kind in wanted] == wanted
        assert {frozenset(state) for state in desk.documents("tm/state")} == {frozenset(STATE_KEYS)}


async def test_a_bare_stop_is_a_stop(room, spec, on_mqtt) -> None:
    async with on_mqtt() as (daemon, desk):
        await daemon.walking("long")
        await desk.publish("command", "STOP")
        await desk.state(phase="stopping")
        await desk.state(phase="idle")
        assert spec.machine.at_rest
        assert [told["outcome"] for told in desk.documents("tm/reply")] == ["accepted", "done"]


async def test_a_stranger_cannot_confirm(room, spec, on_mqtt) -> None:
    async with on_mqtt() as (_, desk):
        await desk.command("start", program="long")
        assert await desk.confirm("start", source="stranger") == ["refused"]
        await desk.publish("confirm", "CONFIRM")
        await desk.until(lambda: desk.documents("tm/reply")[-1]["id"] is None)
        assert desk.documents("tm/reply")[-1]["outcome"] == "refused"
        await asyncio.sleep(15)
        assert spec.machine.written == []


async def test_a_start_that_the_broker_kept_is_refused_at_each_beginning(
    room, spec, broker, prefix, on_mqtt
) -> None:
    start = json.dumps({"id": "of-yesterday", "command": "start", "program": "long"})
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.publish(f"{prefix}/tm/command", start, qos=1, retain=True)
    for _ in range(2):
        async with on_mqtt() as (daemon, desk):
            assert await desk.outcomes("of-yesterday", 1) == ["refused"]
            assert daemon.events("session_offered") == []
    assert spec.machine.written == []


async def test_a_broker_that_is_killed_does_not_disturb_the_belt(room, spec, on_mqtt) -> None:
    with EmbeddedBroker() as mortal:
        async with on_mqtt(mortal) as (daemon, _):
            await daemon.walking("long")
            pid = mortal.pid
            mortal._child.kill()
            before = spec.machine.belt.distance_m
            for _ in range(20):
                await asyncio.sleep(1)
                assert spec.machine.kmh > 0.7
                age = daemon.state().telemetry_age_s
                assert age is not None
                assert age < 1
            assert spec.machine.belt.distance_m - before > 4
            assert STOP not in spec.machine.op_codes
            async with asyncio.timeout(10 * SPEEDUP):
                while mortal.pid in {None, pid}:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(1)
    assert spec.machine.at_rest


async def test_availability_follows_the_treadmill(room, spec, on_mqtt) -> None:
    async with on_mqtt() as (_, desk):
        await desk.until(lambda: ("tm/availability", "online") in desk.seen)
        spec.move_away()
        await desk.until(lambda: desk.seen.count(("tm/availability", "offline")) >= 1)
        desk.seen.clear()
        spec.bring_back()
        await desk.until(lambda: ("tm/availability", "online") in desk.seen, 30)
