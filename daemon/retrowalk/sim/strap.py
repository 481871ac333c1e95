"""A simulated heart rate strap on the air: it sends a rate every second to who subscribed."""

import asyncio
from typing import Self

from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Service

from blefit import uuids
from blefit.heart_rate import HeartRateMeasurement
from retrowalk.sim.attribute import attribute, notify
from retrowalk.sim.model.attributes import Characteristic, Properties

_EVERY_S = 1.0
_ADVERTISING_INTERVAL_MS = 100.0


class HeartRateStrap:
    """The Heart Rate Service on `device`, which is powered on. Use as `async with HeartRateStrap(device):`.

    What it measures can be changed at any time; like a real one it advertises while nobody is connected.
    """

    def __init__(self, device: Device, heart_rate: int | None = 90, contact: bool | None = True) -> None:
        self.device = device
        self.heart_rate = heart_rate
        """In beats a minute; None: it has none, and sends 0."""
        self.contact = contact
        """With the skin; None: it cannot tell."""
        self.mute = False
        """It keeps its connection and says nothing."""
        self._measurement = attribute(Characteristic(uuids.HEART_RATE_MEASUREMENT, Properties.NOTIFY))
        self._listeners: set[Connection] = set()
        self._sending: asyncio.Task[None] | None = None
        self._on = False
        self._measurement.on(self._measurement.EVENT_SUBSCRIPTION, self._on_subscription)
        device.add_service(Service(UUID.from_16_bits(uuids.HEART_RATE_SERVICE), [self._measurement]))

    async def __aenter__(self) -> Self:
        service = uuids.HEART_RATE_SERVICE.to_bytes(2, "little")
        said = [(AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, service)]
        name = [(AdvertisingData.COMPLETE_LOCAL_NAME, self.device.name.encode())]
        await self.device.start_advertising(
            auto_restart=True,
            advertising_data=bytes(AdvertisingData([*said])),
            scan_response_data=bytes(AdvertisingData([*name])),
            advertising_interval_min=_ADVERTISING_INTERVAL_MS,
            advertising_interval_max=_ADVERTISING_INTERVAL_MS,
        )
        self._on = True
        self._sending = asyncio.create_task(self._send(), name=f"simulated {self.device.name}")
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._on = False
        if self._sending is not None:
            await self._sending
        await self.device.stop_advertising()

    @property
    def is_heard(self) -> bool:
        """Somebody is subscribed."""
        return bool(self._listeners)

    def _on_subscription(self, connection: Connection, on: bool, _indicate: bool) -> None:
        if not on:
            self._listeners.discard(connection)
            return
        self._listeners.add(connection)
        connection.on(Connection.EVENT_DISCONNECTION, lambda _: self._listeners.discard(connection))

    async def _send(self) -> None:
        while self._on:
            if not self.mute:
                payload = HeartRateMeasurement(self.heart_rate, self.contact).encode()
                for listener in self._listeners:
                    notify(self.device, listener, self._measurement, payload)
            await asyncio.sleep(_EVERY_S)
