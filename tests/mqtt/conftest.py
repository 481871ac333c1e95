"""Real brokers (child processes), real MQTT clients, and our own client between them."""

import asyncio
import contextlib
import itertools
import json
import queue
from dataclasses import dataclass, field

import aiomqtt
import pytest

from blefit.units import Incline, Speed
from retrowalk.core.model import Direction, Phase, Request, Snapshot
from retrowalk.hub import Hub
from retrowalk.mqtt.broker import EmbeddedBroker, available_brokers
from retrowalk.mqtt.client import MqttLink
from retrowalk.settings import Mqtt, Settings, Treadmill

WALKING = Snapshot(
    **dict.fromkeys(Snapshot._fields)
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


KINDS = ["mosquitto", "amqtt"]
_NUMBERS = itertools.count()


@pytest.fixture
def walking():
    return WALKING


def _running_broker(kind):
    if kind not in available_brokers():
        pytest.skip(f"{kind} is not installed")
    broker = EmbeddedBroker(kind=kind)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session", params=KINDS)
def broker(request):
    """Each broker that can be embedded, running; shared by tests, which keep apart by their prefix."""
    yield from _running_broker(request.param)


@pytest.fixture(params=KINDS)
def own_broker(request):
    """The same for a test that ends it, kills it or lets it hang."""
    yield from _running_broker(request.param)


@pytest.fixture
def prefix():
    """A topic prefix that no other test uses."""
    return f"test{next(_NUMBERS)}"


def make_settings(url: str, prefix: str, **treadmill) -> Settings:
    return Settings(
        mqtt=Mqtt(url=url, prefix=prefix, discovery_prefix=f"{prefix}/ha"),
        treadmills=(Treadmill(id="tm", match="*", **treadmill),),
    )


@dataclass
class Daemon:
    """Our client with one treadmill, `tm`, as the daemon would hold it."""

    settings: Settings
    first_pause_s: float
    hub: Hub = field(default_factory=Hub)
    asked: "queue.Queue[Request]" = field(default_factory=queue.Queue)

    def __post_init__(self):
        self.hub.publish(WALKING)
        self.link = MqttLink(
            self.settings,
            {"tm": self.hub},
            lambda _, request: self.asked.put(request),
            first_pause_s=self.first_pause_s,
        )
        self.link.start()

    async def next_request(self) -> Request:
        return await asyncio.to_thread(self.asked.get, timeout=5)

    async def listens(self, listens: bool = True) -> None:
        """Wait until commands can reach it, or until it knows that they cannot."""
        async with asyncio.timeout(5):
            while self.link.connected is not listens:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.005)


@pytest.fixture
def make_daemon(prefix):
    """`make_daemon(broker, **treadmill)`: our client, started; stopped at the end."""
    with contextlib.ExitStack() as started:

        def make(broker: EmbeddedBroker, first_pause_s: float = 0.05, **treadmill) -> Daemon:
            daemon = Daemon(make_settings(broker.url, prefix, **treadmill), first_pause_s)
            started.callback(daemon.link.stop)
            return daemon

        yield make


class Watcher:
    """An outside MQTT client: what it saw, and waiting for more."""

    def __init__(self, client: aiomqtt.Client, prefix: str):
        self.client = client
        self._prefix = prefix
        self._messages = client.messages

    async def publish(self, topic: str, payload, **how) -> None:
        if isinstance(payload, dict):
            payload = json.dumps(payload)
        await self.client.publish(f"{self._prefix}/{topic}", payload, **{"qos": 1} | how)

    async def next(self, topic: str, within: float = 5) -> aiomqtt.Message:
        """The next message of that topic; others are passed over."""
        async with asyncio.timeout(within):
            async for message in self._messages:
                if message.topic.value == f"{self._prefix}/{topic}":
                    return message
        raise AssertionError("the connection ended")

    async def text(self, topic: str, wanted: str, within: float = 5) -> None:
        """Wait until the topic says that."""
        while (await self.next(topic, within)).payload.decode() != wanted:
            pass

    async def json(self, topic: str) -> dict:
        return json.loads((await self.next(topic)).payload)

    async def up(self, within: float = 5) -> "Watcher":
        """Wait until the daemon listens and speaks."""
        await self.text("bridge/state", "online", within)
        return self


@pytest.fixture
def watching(prefix):
    """`async with watching(broker, "tm/reply") as watcher`; without a topic it sees all of this test's."""

    @contextlib.asynccontextmanager
    async def watch(broker: EmbeddedBroker, wanted: str = "#"):
        async with aiomqtt.Client(broker.host, broker.port) as client:
            await client.subscribe(f"{prefix}/{wanted}", qos=1)
            yield Watcher(client, prefix)

    return watch


@pytest.fixture
def changed_state():
    return WALKING._replace


@pytest.fixture
def settings_for(prefix):
    """`settings_for(url)`: settings with one treadmill, `tm`."""
    return lambda url: make_settings(url, prefix)
