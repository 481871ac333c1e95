"""What one treadmill says over one connection after another."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime
from itertools import product

import pytest

from retrowalk.core.model import Emitted, Phase, Replied, Request, StopSession
from retrowalk.hub import Hub
from retrowalk.mqtt.desk import Desk
from retrowalk.mqtt.topics import Inbound, Topics
from retrowalk.settings import Treadmill


class Broker:
    """Takes what is published; `dies_at`: the connection ends at the first message of that topic."""

    def __init__(self, dies_at: str = "") -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._dies_at = dies_at

    async def publish(self, topic: str, payload: bytes, **_: object) -> None:
        await asyncio.sleep(0)
        kind = topic.rpartition("/")[2]
        if kind == self._dies_at:
            raise ConnectionResetError
        self.heard.append((kind, payload))

    def of(self, kind: str) -> list[bytes]:
        return [payload for heard, payload in self.heard if heard == kind]


async def said_to(desk: Desk, broker: Broker) -> None:
    """One connection, until it dies or has had a moment."""
    with contextlib.suppress(ConnectionResetError, TimeoutError):
        async with asyncio.timeout(0.05):
            await desk.speak(broker.publish)


@pytest.fixture
async def desk(walking):
    hub = Hub()
    hub.publish(walking)
    desk = Desk(Treadmill(id="tm", match="*", confirm_sources=("button",)), Topics("retrowalk", "tm"), hub)
    with hub.subscribe() as reader:
        desk.reader = reader
        yield desk


async def test_what_a_dying_connection_did_not_confirm_is_said_on_the_next(desk):
    desk.hub.emit(Emitted("started"))
    desk.hub.emit(Emitted("fault", {"id": "stop_ignored"}))
    await said_to(desk, Broker(dies_at="event"))
    broker = Broker()
    await said_to(desk, broker)
    assert [b"started" in broker.of("event")[0], b"stop_ignored" in broker.of("event")[1]] == [True, True]
    await said_to(desk, Broker())
    assert len(broker.of("event")) == 2, "and not a second time"


async def test_a_stop_is_read_however_much_came_before_it(desk):
    for number in range(300):
        desk.read(Inbound.COMMAND, b'{"id": "%d", "command": "lease"}' % number, False, 100.0)
    refused = desk.read(Inbound.COMMAND, b'{"id": "x", "command": "lease"}', False, 100.0)
    assert isinstance(refused, Replied)
    for kind, payload in product(Inbound, (b"STOP", b"stop" + b" " * 5000)):
        stop = desk.read(kind, payload, False, 100.0)
        assert isinstance(stop, Request)
        assert stop.ask == StopSession()


@pytest.mark.parametrize("kind", Inbound)
@pytest.mark.parametrize("payload", [b"STOP", b"CONFIRM", b'{"id": "1", "command": "lease"}'])
async def test_what_is_retained_is_refused_on_either_topic(desk, kind, payload):
    refused = desk.read(kind, payload, True, 100.0)
    assert isinstance(refused, Replied)
    assert "retain" in refused.reason


async def test_what_was_obeyed_over_one_connection_is_not_obeyed_again_over_the_next(desk):
    lease = b'{"id": "1", "command": "lease"}'
    assert isinstance(desk.read(Inbound.COMMAND, lease, False, 100.0), Request)
    await said_to(desk, Broker(dies_at="state"))
    await said_to(desk, Broker())
    assert isinstance(desk.read(Inbound.COMMAND, lease, False, 100.0), Replied)


async def test_stops_cost_the_rest_nothing(desk):
    for _ in range(300):
        desk.read(Inbound.COMMAND, b"STOP", False, 100.0)
    assert isinstance(desk.read(Inbound.COMMAND, b'{"id": "1", "command": "lease"}', False, 100.0), Request)


async def test_a_flood_of_commands_leaves_the_button_its_acts(desk):
    """Whoever may command need not be allowed to confirm: that topic is the button's own."""
    for number in range(300):
        desk.read(Inbound.COMMAND, b'{"id": "%d", "command": "lease"}' % number, False, 100.0)
    press = b'{"id": "1", "act": "still", "source": "button", "time": "%b"}'
    now = datetime.now(UTC).isoformat().encode()
    assert isinstance(desk.read(Inbound.CONFIRM, press % now, False, 100.0), Request)


async def test_what_is_told_late_carries_the_time_it_happened_at(walking):
    hub = Hub(lambda: datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC))
    hub.publish(walking)
    desk = Desk(Treadmill(id="tm", match="*"), Topics("retrowalk", "tm"), hub)
    broker = Broker()
    with hub.subscribe() as desk.reader:
        hub.emit(Emitted("started"))
        await said_to(desk, broker)
    told = [json.loads(broker.of(kind)[0])["time"] for kind in ("event", "state")]
    assert told == ["2026-03-01T12:00:00.000Z"] * 2


async def test_at_the_end_the_last_state_is_published_however_new_the_one_before(desk, walking):
    broker = Broker()
    speaking = asyncio.create_task(desk.speak(broker.publish))
    await asyncio.sleep(0.01)
    desk.hub.publish(walking._replace(distance_m=999.0))
    for number in range(30):
        desk.hub.emit(Emitted(str(number)))
    desk.finish()
    await speaking
    assert len(broker.of("event")) == 30, "and what is left is said before"
    assert json.loads(broker.of("state")[-1])["distance_m"] == 999


async def test_the_ids_of_acts_are_not_those_of_commands(desk):
    now = datetime.now(UTC).isoformat()
    act = json.dumps({"id": "1", "act": "ok", "source": "button", "time": now}).encode()
    assert isinstance(desk.read(Inbound.COMMAND, b'{"id": "1", "command": "lease"}', False, 100.0), Request)
    assert isinstance(desk.read(Inbound.CONFIRM, act, False, 100.0), Request)
    assert isinstance(desk.read(Inbound.CONFIRM, act, False, 100.0), Replied)


async def test_each_connection_begins_with_the_state_and_whether_the_treadmill_is_there(desk, walking):
    for _ in range(2):
        broker = Broker()
        await said_to(desk, broker)
        assert broker.of("availability") == [b"online"]
        assert len(broker.of("state")) == 1
    desk.hub.publish(walking._replace(phase=Phase.DISCONNECTED, link="scanning"))
    broker = Broker()
    await said_to(desk, broker)
    assert broker.of("availability") == [b"offline"]
