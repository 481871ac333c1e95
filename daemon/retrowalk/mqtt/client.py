"""The MQTT client, in a thread with an ordinary event loop of its own.

No broker, look-up or scaled clock can disturb the belt from there: towards it go `submit` calls, from it
come the hubs' readers, and neither waits for the other.

Built on aiomqtt, with what it asks for: a new Client for every connection (an old one sends its unsent
messages again), `offline` published before leaving (a clean DISCONNECT drops the will), clean sessions only
(no command waits at the broker for a daemon that was away).
"""

import asyncio
import contextlib
import logging
import random
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import aiomqtt
import structlog
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from retrowalk import __version__
from retrowalk.clock import Wall, utc_now
from retrowalk.core.model import Request
from retrowalk.hub import Hub
from retrowalk.mqtt.address import Address
from retrowalk.mqtt.desk import Desk
from retrowalk.mqtt.discovery import discovery_payload
from retrowalk.mqtt.inbox import Inbox
from retrowalk.mqtt.threads import DaemonThreads
from retrowalk.mqtt.topics import OFFLINE, ONLINE, Inbound, Topics, bridge_state, discovery
from retrowalk.settings import Settings

Submit = Callable[[str, Request], None]
"""Hands a request to the treadmill of that id; called from the MQTT thread, must not wait nor raise."""

_V5, _V311 = aiomqtt.ProtocolVersion.V5, aiomqtt.ProtocolVersion.V311
_UNSUPPORTED_VERSION = 132
_WHO_ARE_YOU = {134, 135}  # bad user name or password, not authorized
_LONGEST_PAUSE_S = 60.0
_STEADY_S = 10.0
_FAREWELL_S = 2.0
_KEEPALIVE_S = 15
_GAINSAY_EVERY_S = 1.0
_TIMEOUT_S = 5.0

log = structlog.get_logger(__name__)
_library_log = logging.getLogger("aiomqtt")
_library_log.setLevel(logging.ERROR)  # its warnings are one a message: we say it once, in our own words


class MqttLink:
    """Publishes the treadmills of `hubs` and hands what is asked of them to `submit`, for as long as it runs.

    `url` replaces the one of the settings (the embedded broker's). Raises BrokerError where the TLS files
    of the settings cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        hubs: Mapping[str, Hub],
        submit: Submit,
        *,
        url: str | None = None,
        first_pause_s: float = 1.0,
        wall: Wall = utc_now,
    ) -> None:
        self._settings = settings.mqtt
        self._address = Address.of(url or settings.mqtt.url, settings.mqtt)
        self._first_pause_s = first_pause_s
        self._submit = submit
        prefix = settings.mqtt.prefix
        self._bridge_state = bridge_state(prefix)
        self._desks = [
            Desk(treadmill, Topics(prefix, treadmill.id), hubs[treadmill.id], wall)
            for treadmill in settings.treadmills
        ]
        self._inbound = {desk.topics.inbound(kind): (desk, kind) for desk in self._desks for kind in Inbound}
        self._heard = [*self._inbound, self._bridge_state]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._listening_to_hubs = threading.Event()
        self._ending = asyncio.Event()
        self._said_offline = asyncio.Event()
        """Somebody has: the broker of a connection that was lost long ago, or another daemon that leaves."""
        self._main: asyncio.Task[None] | None = None
        self._connected = False
        self._trouble = ""

    @property
    def connected(self) -> bool:
        """Whether commands can reach us now."""
        return self._connected

    def start(self) -> None:
        """Begin; from here on no event and no reply of the hubs is missed."""
        self._thread.start()
        self._listening_to_hubs.wait()

    def stop(self, timeout: float = 3.0) -> bool:
        """Publish what is left and `offline`, and end; False where that took longer than `timeout` s."""
        if self._loop is None:
            return True
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._end)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _end(self) -> None:
        self._ending.set()
        if self._main and not self._connected:
            self._main.cancel()

    def _run(self) -> None:
        cancelled = contextlib.suppress(asyncio.CancelledError)
        with cancelled, asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._keep_connected())

    async def _keep_connected(self) -> None:
        self._main = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        self._loop.set_default_executor(DaemonThreads())
        with contextlib.ExitStack() as readers:
            for desk in self._desks:
                desk.reader = readers.enter_context(desk.hub.subscribe())
            self._listening_to_hubs.set()
            await self._reconnect_for_ever()

    async def _reconnect_for_ever(self) -> None:
        protocol = _V5
        pause = self._first_pause_s
        while not self._ending.is_set():
            began = time.monotonic()
            try:
                await self._one_connection(protocol)
            except aiomqtt.MqttError as error:
                if protocol is _V5 and _refusal(error) == _UNSUPPORTED_VERSION:
                    protocol = _V311
                    continue
                # A broker that leaves a CONNECT unanswered may be one that knows no MQTT 5.
                unanswered = protocol is _V5 and not self._connected and "timed out" in str(error)
                protocol = _V311 if unanswered else _V5
                self._tell_trouble(error)
            except Exception:  # a bug of ours here must not end what people watch and stop the belt with
                log.exception("mqtt: a bug ended this connection; trying again")
            finally:
                self._connected = False
            if time.monotonic() - began > _STEADY_S:
                pause = self._first_pause_s
            pause = min(_LONGEST_PAUSE_S, random.uniform(self._first_pause_s, pause * 3))  # noqa: S311 - jitter
            if not self._ending.is_set():
                await asyncio.sleep(pause)

    async def _one_connection(self, protocol: aiomqtt.ProtocolVersion) -> None:
        """From CONNECT until `stop`; MqttError where it ends before."""
        client = self._client(protocol)
        try:
            async with client:
                await self._talk(client, protocol)
        finally:
            _let_go(client)

    async def _talk(self, client: aiomqtt.Client, protocol: aiomqtt.ProtocolVersion) -> None:
        try:
            await self._subscribe(client, protocol)
            self._connected = True
            self._trouble = ""
            log.info("mqtt connected", broker=str(self._address), protocol=protocol.name)
            await self._converse(client)
        finally:
            await self._say_offline(client)

    async def _converse(self, client: aiomqtt.Client) -> None:
        """Listen and speak, at once: no Stop waits for what we have to say. After `stop` say what is left."""
        ending = asyncio.create_task(self._ending.wait())
        speaking = asyncio.create_task(self._speak(client))
        listening = asyncio.create_task(self._listen(client))
        gainsaying = asyncio.create_task(self._gainsay(client))
        tasks = {ending, speaking, listening, gainsaying}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            for desk in self._desks:
                desk.finish()
            await speaking
        finally:
            await _end_all(tasks)

    async def _speak(self, client: aiomqtt.Client) -> None:
        for desk in self._desks:
            if self._settings.discovery:
                topic = discovery(desk.topics.treadmill, self._settings.discovery_prefix)
                device = discovery_payload(desk.topics, desk.settings.name, __version__)
                await client.publish(topic, device, qos=1, retain=True)
        await client.publish(self._bridge_state, ONLINE, qos=1, retain=True)
        await asyncio.gather(*(desk.speak(client.publish) for desk in self._desks))

    async def _gainsay(self, client: aiomqtt.Client) -> None:
        """`online` for each `offline`, but not faster than this: whoever says so all the time is not fought.

        Where only our side of a connection died, the broker publishes its will when we are back already.
        """
        while True:
            await self._said_offline.wait()
            self._said_offline.clear()
            await client.publish(self._bridge_state, ONLINE, qos=1, retain=True)
            await asyncio.sleep(_GAINSAY_EVERY_S)

    async def _say_offline(self, client: aiomqtt.Client) -> None:
        with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                for desk in self._desks:
                    await client.publish(desk.topics.availability, OFFLINE, qos=1, retain=True)
                await client.publish(self._bridge_state, OFFLINE, qos=1, retain=True)
                # amqtt acknowledges a message, then delivers it unless we are gone: one more round trip.
                await client.unsubscribe(self._heard)

    async def _subscribe(self, client: aiomqtt.Client, protocol: aiomqtt.ProtocolVersion) -> None:
        for topic in self._heard:
            if protocol is _V5:
                answer = await client.subscribe(
                    topic, options=SubscribeOptions(qos=1, retainAsPublished=True)
                )
            else:
                answer = await client.subscribe(topic, qos=1)
            if any(_is_failure(code) for code in answer):
                log.warning(
                    "mqtt: the broker refused the subscription: what is said there will not arrive; "
                    "give this daemon's user the right to read the topic",
                    topic=topic,
                )

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            topic = message.topic.value
            if topic == self._bridge_state and message.payload == OFFLINE:
                self._said_offline.set()
            desk, kind = self._inbound.get(topic, (None, None))
            if desk is None or kind is None:
                continue  # some brokers hand out more than was subscribed to
            if message.retain and not message.payload:
                continue  # somebody cleared a retained message: the cure, not a command
            asked = desk.read(kind, message.payload, message.retain, time.monotonic())
            if isinstance(asked, Request):
                self._submit(desk.topics.treadmill, asked)
            else:
                desk.hub.reply(asked)

    def _client(self, protocol: aiomqtt.ProtocolVersion) -> aiomqtt.Client:
        password = self._settings.password
        client = aiomqtt.Client(
            self._address.host,
            self._address.port,
            username=self._settings.username,
            password=password.get_secret_value() if password else None,
            identifier="",  # the broker's choice; and amqtt, which knows no MQTT 5, hangs on any other
            protocol=protocol,
            clean_session=True if protocol is _V311 else None,  # in MQTT 5 a new Client starts clean
            will=aiomqtt.Will(self._bridge_state, OFFLINE, qos=1, retain=True),
            keepalive=_KEEPALIVE_S,
            timeout=_TIMEOUT_S,
            queue_type=Inbox,
            max_queued_incoming_messages=1000,
            tls_context=self._address.tls,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            logger=_library_log,
        )
        client.pending_calls_threshold = 1000  # a desk waits for ten at most
        return client

    def _tell_trouble(self, error: aiomqtt.MqttError) -> None:
        """Once for each kind of trouble: the broker may be away for days."""
        trouble = str(error.__cause__ or error)
        if _refusal(error) in _WHO_ARE_YOU:
            trouble += ": check mqtt.username and RETROWALK_MQTT_PASSWORD"
        if trouble != self._trouble:
            what = "mqtt connection lost" if self._connected else "mqtt broker not reached"
            log.warning(f"{what}; trying again until it works", broker=str(self._address), why=trouble)
        self._trouble = trouble


async def _end_all(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel until they have ended: asyncio.wait_for in Python 3.11, below aiomqtt, may swallow it once."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=0.1)
    await asyncio.gather(*tasks, return_exceptions=True)


def _let_go(client: aiomqtt.Client) -> None:
    """Close the socket that aiomqtt leaves open where CONNECT was not answered or `stop` came before.

    It may even be opened after this, by the thread that connects; by then our event loop may be closed.
    """
    paho = client._client
    paho.disconnect()
    paho.on_socket_open = paho.on_socket_close = None
    paho.on_socket_register_write = paho.on_socket_unregister_write = None


def _is_failure(code: int | ReasonCode) -> bool:
    return code.is_failure if isinstance(code, ReasonCode) else code >= 0x80


def _refusal(error: aiomqtt.MqttError) -> int | None:
    """The reason code of a CONNECT that the broker refused."""
    code = error.rc if isinstance(error, MqttConnectError) else None
    return code.value if isinstance(code, ReasonCode) else code
