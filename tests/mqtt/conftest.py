"""Real brokers (child processes), real MQTT clients, and our own client between them."""

import asyncio
import contextlib
import json
import queue
from dataclasses import dataclass, field, fields, replace

import aiomqtt
import pytest

from blefit.units import Incline, Speed
from retrowalk.core.model import Direction, Phase, Request, Snapshot
from retrowalk.hub import Hub
from retrowalk.mqtt.broker import EmbeddedBroker, available_brokers
from retrowalk.mqtt.client import MqttLink
from retrowalk.settings import Mqtt, Settings, Treadmill

WALKING = Snapshot(
    **{field.name: None for field in fields(Snapshot)}
    | {
        "phase": Phase.WALKING,
        "direction": Direction.BACKWARD,
        "measured": Speed(147),
        "commanded": Speed(150),
        "cap": Speed(200),
        "cap_reason": "level 2",
        "incline": Incline(5),
        "distance_m": 123.456,
        "distance_backward_m": 23.0,
        "elapsed_s": 61.25,
        "link": "connected",
        "cue": "",
        "fault_text": "",
    }
)


@pytest.fixture
def walking():
    return WALKING


@pytest.fixture(params=["mosquitto", "amqtt"])
def broker(request):
    """Each broker that can be embedded, running."""
    if request.param not in available_brokers():
        pytest.skip(f"{request.param} is not installed")
    broker = EmbeddedBroker(kind=request.param)
    broker.start()
    yield broker
    broker.stop()


@dataclass
class Daemon:
    """Our client with one treadmill, `tm`, as the daemon would hold it."""

    broker: EmbeddedBroker
    treadmill: Treadmill
    first_pause_s: float = 0.05
    hub: Hub = field(default_factory=Hub)
    asked: "queue.Queue[Request]" = field(default_factory=queue.Queue)

    def __post_init__(self):
        settings = Settings(mqtt=Mqtt(url=self.broker.url), treadmills=(self.treadmill,))
        hubs = {"tm": self.hub}
        self.link = MqttLink(
            settings, hubs, lambda _, request: self.asked.put(request), first_pause_s=self.first_pause_s
        )

    async def next_request(self) -> Request:
        return await asyncio.to_thread(self.asked.get, timeout=5)

    async def away(self) -> None:
        """Wait until the link knows that the broker is gone."""
        async with asyncio.timeout(5):
            while self.link.connected:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.005)


@pytest.fixture
def make_daemon(broker):
    """`make_daemon(**treadmill)`: our client, started; stopped at the end."""
    with contextlib.ExitStack() as started:

        def make(first_pause_s: float = 0.05, **treadmill) -> Daemon:
            daemon = Daemon(broker, Treadmill(id="tm", match="*", **treadmill), first_pause_s)
            daemon.hub.publish(WALKING)
            daemon.link.start()
            started.callback(daemon.link.stop)
            return daemon

        yield make


class Watcher:
    """An outside MQTT client: what it saw, and waiting for more."""

    def __init__(self, client: aiomqtt.Client):
        self.client = client
        self._messages = client.messages

    async def publish(self, topic: str, payload, **how) -> None:
        if isinstance(payload, dict):
            payload = json.dumps(payload)
        await self.client.publish(f"retrowalk/tm/{topic}", payload, **{"qos": 1} | how)

    async def next(self, topic: str, within: float = 5) -> aiomqtt.Message:
        """The next message of that topic; others are passed over."""
        async with asyncio.timeout(within):
            async for message in self._messages:
                if message.topic.value == topic:
                    return message
        raise AssertionError("the connection ended")

    async def text(self, topic: str, wanted: str) -> None:
        """Wait until the topic says that."""
        while (await self.next(topic)).payload.decode() != wanted:
            pass

    async def json(self, topic: str) -> dict:
        return json.loads((await self.next(f"retrowalk/tm/{topic}")).payload)

    async def up(self) -> "Watcher":
        """Wait until the daemon listens and speaks."""
        await self.text("retrowalk/bridge/state", "online")
        return self


@contextlib.asynccontextmanager
async def watch(broker: EmbeddedBroker, *filters: str, protocol=aiomqtt.ProtocolVersion.V311, **how):
    async with aiomqtt.Client(broker.host, broker.port, protocol=protocol, **how) as client:
        for wanted in filters or ("#",):
            await client.subscribe(wanted, qos=1)
        yield Watcher(client)


@pytest.fixture
def watching():
    """`async with watching(broker, *filters) as watcher`."""
    return watch


@pytest.fixture
def changed_state():
    return lambda **changes: replace(WALKING, **changes)
