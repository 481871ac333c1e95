"""The simulated treadmill on the air: a GATT server on Bumble that carries octets between clients and model.

It keeps the time of the event loop it runs in, whatever that is: real, scaled or virtual. All rules are the
model's; here is only what a radio module does: attributes, CCCDs, MTU, confirmations, advertising.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, Self

from bumble.att import ATT_Error
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, Service

from blefit import uuids
from blefit.ftms import training_status
from retrowalk.sim.attribute import attribute, notify
from retrowalk.sim.model import attributes
from retrowalk.sim.model.emissions import Answer, Client, LinkLoss, Notification, Record
from retrowalk.sim.model.machine import Machine
from retrowalk.sim.model.quirks import Answers

_LONGEST_STEP_S = 0.25
_SHORTEST_STEP_S = 0.001
_ADVERTISING_INTERVAL_MS = 100.0
_NOTIFICATION_HEADER = 3


class Witness(Protocol):
    """Is told what clients do, right after it has happened."""

    def connected(self, client: Client, /) -> None: ...
    def disconnected(self, client: Client, /) -> None: ...
    def written(self, client: Client, octets: bytes, att_error: int | None, /) -> None: ...


class Peripheral:
    """`treadmill` behind a GATT server on `device`, which is powered on and gets its services here.

    `cut_link` loses the device's links the way a radio does, noticed by both ends as a time-out (the virtual
    radio's `cut`); without it they are closed, which is all that a real radio can do. Use as
    `async with Peripheral(treadmill, device):`, or by `start` and `stop`, once.
    """

    def __init__(
        self,
        treadmill: Machine,
        device: Device,
        cut_link: Callable[[], object] | None = None,
        witness: Witness | None = None,
    ) -> None:
        self.treadmill = treadmill
        self.device = device
        self._cut_link = cut_link
        self._witness = witness
        self._clients: dict[Client, Connection] = {}
        self._sent_from: dict[int, Characteristic[bytes]] = {}
        self._answering: dict[Client, asyncio.Task[None]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._advertised: bool | None = None
        self._running: asyncio.Task[None] | None = None
        self._on = False
        self._is_dark = False
        self._bell = asyncio.Event()
        self._switched_on_at = 0.0
        device.add_services(self._services())
        device.on(Device.EVENT_CONNECTION, self._on_connection)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Advertise, and let the treadmill's time pass from now on."""
        self._switched_on_at = asyncio.get_running_loop().time() - self.treadmill.now
        await self._keep_advertising()
        self._on = True
        self.treadmill.before_touch = self._catch_up
        self._running = asyncio.create_task(self._run(), name=f"simulated {self.treadmill.quirks.link.name}")

    async def stop(self) -> None:
        """Go off the air. Raises what went wrong in the simulation, if anything did."""
        running, self._running = self._running, None
        if running is None:
            return
        self._on = False  # no cancellation: Bumble swallows it, or is left with half a command
        self._look()
        await asyncio.wait({running})
        await self.device.stop_advertising()
        leaving = [connection.disconnect() for connection in self._clients.values()]
        await asyncio.gather(*leaving, return_exceptions=True)  # a link that is lost meanwhile is gone, too
        running.result()

    def vanish(self) -> None:
        """Lose all links by radio, without a word. The belt knows nothing of it."""
        if self._cut_link is not None:
            self._cut_link()
            return
        for connection in self._clients.values():
            closing = asyncio.create_task(connection.disconnect())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def lose_power(self) -> None:
        """Its radio has no power: all links are lost, nothing is advertised until `regain_power`."""
        self._is_dark = True
        self._look()
        self.vanish()

    def regain_power(self) -> None:
        """It advertises again."""
        self._is_dark = False
        self._look()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._on:
            self._bell.clear()
            await self._keep_advertising()
            self._step()
            wait = self.treadmill.next_due - self.treadmill.now
            timer = loop.call_later(min(max(wait, _SHORTEST_STEP_S), _LONGEST_STEP_S), self._look)
            await self._bell.wait()
            timer.cancel()

    def _look(self) -> None:
        """There may be something to send."""
        self._bell.set()

    def _catch_up(self) -> None:
        """Something is about to happen to the treadmill: until now time passed without that."""
        if self._on:
            self._step()
            self._look()

    @property
    def now(self) -> float:
        """The treadmill's time: it began when the machine was switched on."""
        return asyncio.get_running_loop().time() - self._switched_on_at

    def _step(self) -> None:
        for emission in self.treadmill.advance(self.now):
            match emission:
                case LinkLoss():
                    self.vanish()
                case _ if emission.client not in self._clients:
                    pass  # its link was lost in this very step
                case Record(client, data):
                    for frame in self.treadmill.frames(data, self._room(client)):
                        self._notify(client, uuids.TREADMILL_DATA, frame)
                case Notification(client, characteristic, payload):
                    self._notify(client, characteristic, payload)
                case Answer(client, payload):
                    self._answer(client, payload)

    # --- out -----------------------------------------------------------------------------------------------

    def _notify(self, client: Client, characteristic: int, payload: bytes) -> None:
        if characteristic == uuids.TRAINING_STATUS:
            payload = training_status.notified(payload, self._room(client))
        notify(self.device, self._clients[client], self._sent_from[characteristic], payload)

    def _room(self, client: Client) -> int:
        """Octets that one notification carries."""
        return self._clients[client].att_mtu - _NOTIFICATION_HEADER

    def _answer(self, client: Client, payload: bytes) -> None:
        if self.treadmill.quirks.control.answers is Answers.NOTIFICATION:
            self._notify(client, uuids.FITNESS_MACHINE_CONTROL_POINT, payload)
            self.treadmill.confirmed(client)
        else:
            self._answering[client] = asyncio.create_task(self._indicate(client, payload))

    async def _indicate(self, client: Client, payload: bytes) -> None:
        """The procedure is over when the client confirms; one that never does has none open again."""
        control_point = self._sent_from[uuids.FITNESS_MACHINE_CONTROL_POINT]
        with suppress(TimeoutError):
            await self.device.gatt_server.indicate_subscriber(
                self._clients[client], control_point, payload, force=True
            )
            self.treadmill.confirmed(client)

    # --- in ------------------------------------------------------------------------------------------------

    def _on_connection(self, connection: Connection) -> None:
        client = Client(connection.handle)
        self._clients[client] = connection
        self._advertised = None  # a connection ends legacy advertising
        self._catch_up()
        self.treadmill.connect(client)
        if self._witness is not None:
            self._witness.connected(client)

        def on_disconnection(_reason: int) -> None:
            del self._clients[client]
            self._catch_up()
            self.treadmill.disconnect(client)
            if self._witness is not None:
                self._witness.disconnected(client)
            if answering := self._answering.pop(client, None):
                answering.cancel()

        connection.on(Connection.EVENT_DISCONNECTION, on_disconnection)

    async def _on_control(self, connection: Connection, octets: bytes) -> None:
        client = Client(connection.handle)
        confirmation = self.device.gatt_server.pending_confirmations.get(connection)
        if confirmation is not None and confirmation.done():
            # It came before this write did, and Bumble tells of it a turn later.
            await asyncio.wait({self._answering[client]})
        error = self.treadmill.write(client, bytes(octets), self.now)
        asyncio.get_running_loop().call_later(_SHORTEST_STEP_S, self._look)  # after the Write Response
        if self._witness is not None:
            self._witness.written(client, bytes(octets), error)
        if error is not None:
            raise ATT_Error(error)
        control = self.treadmill.quirks.control
        if control.answers is Answers.INDICATION_BEFORE_WRITE_RESPONSE:
            await asyncio.sleep(control.answer_delay_s)
            self._step()
            await asyncio.sleep(0)  # the indication goes out in this turn, the write response after it

    # --- advertising ---------------------------------------------------------------------------------------

    async def _keep_advertising(self) -> None:
        """Say whether the machine is available; say nothing while it can take no more clients."""
        full = len(self._clients) >= self.treadmill.quirks.link.connections
        silent = full or self._is_dark or not attributes.is_advertising(self.treadmill)
        wanted = None if silent else not self._clients
        if wanted is self._advertised:
            return
        self._advertised = wanted
        if wanted is None:
            await self.device.stop_advertising()
            return
        await self.device.start_advertising(
            advertising_data=bytes(AdvertisingData(self._advertisement(available=wanted))),
            scan_response_data=bytes(AdvertisingData(self._scan_response())),
            advertising_interval_min=_ADVERTISING_INTERVAL_MS,
            advertising_interval_max=_ADVERTISING_INTERVAL_MS,
        )

    def _advertisement(self, *, available: bool) -> list[Any]:
        """FTMS 3.1.1: the service, and in its data what kind of machine this is and whether it is free."""
        service = uuids.FITNESS_MACHINE_SERVICE.to_bytes(2, "little")
        flags = (
            AdvertisingData.Flags.LE_GENERAL_DISCOVERABLE_MODE | AdvertisingData.Flags.BR_EDR_NOT_SUPPORTED
        )
        parts: list[Any] = [
            (AdvertisingData.FLAGS, bytes([flags])),
            (AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, service),
        ]
        if (said := attributes.service_data(self.treadmill, available=available)) is not None:
            parts.append((AdvertisingData.SERVICE_DATA_16_BIT_UUID, service + said))
        return parts

    def _scan_response(self) -> list[Any]:
        name = self.treadmill.quirks.link.name
        return [(AdvertisingData.COMPLETE_LOCAL_NAME, name.encode())] if name else []

    # --- attributes ----------------------------------------------------------------------------------------

    def _services(self) -> list[Service]:
        return [
            Service(UUID.from_16_bits(number), [self._offered(one) for one in content])
            for number, content in self.treadmill.services().items()
        ]

    def _offered(self, one: attributes.Characteristic) -> Characteristic[bytes]:
        """Its attribute; the CCCD of one that sends is the model's to know."""
        offered = attribute(one, self._on_control)
        if one.properties & attributes.SENDS:
            self._sent_from[one.number] = offered

            def on_subscription(connection: Connection, notify: bool, indicate: bool) -> None:
                self.treadmill.subscribe(Client(connection.handle), one.number, notify or indicate)
                self._look()

            offered.on(Characteristic.EVENT_SUBSCRIPTION, on_subscription)
        return offered
