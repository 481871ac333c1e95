"""A virtual radio without a stack: bleak on one side, the pure treadmill on the other, nothing between.

For simulations of thousands of hours. bleak's classes, the machine and its attributes are those of
`retrowalk.sim.radio`; what differs is what carries the octets:

- There are no packets: no ATT, L2CAP or HCI, so no faults of theirs. Every link carries 517 octets.
- Requests take connection intervals and discovery takes half a second, where Bumble's link takes no time.
- The machine answers, and falls silent, by its own clock: it is not looked at every 50 ms, and what a person
  does at it acts at that very moment, seen by the clients 10 ms later.
- Several connections can be in the making at once.
- A machine can be switched off.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import count
from random import Random

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)

from blefit import uuids
from retrowalk.sim.bleak_backend import (
    CCCD,
    FoundCharacteristic,
    FoundService,
    LineEndedError,
    RadioScanner,
    backend_in,
)
from retrowalk.sim.interference import Interference
from retrowalk.sim.model import attributes
from retrowalk.sim.model.emissions import Answer, Client, LinkLoss, Notification, Record
from retrowalk.sim.model.quirks import Answers
from retrowalk.sim.model.treadmill import Treadmill

_MTU = 517
_NOTIFICATION_HEADER = 3
_ADVERTISES_EVERY_S = 0.1
_CONNECTS_IN_S = 0.08
_DISCOVERS_IN_S = 0.5
_INTERVAL_S = 0.03
"""Between two turns of one end to send: what a request takes, and what its answer takes."""
_LOOKS_AGAIN_IN_S = 0.01
"""What a person or a request has caused is sent this much later."""
_RSSI = -50


class LightRadio:
    """One room: an adapter for bleak, and the treadmills that are put into it. Belongs to one event loop."""

    def __init__(self, *, interference: Interference | None = None) -> None:
        """`interference` is there to be switched on; without one the air is clean."""
        self.interference = interference or Interference(Random(0))  # noqa: S311  no secret
        self.backend = backend_in(self)
        self._stands: dict[str, LightStand] = {}
        self._plugged = True
        self._scanners: dict[RadioScanner, None] = {}
        """In the order they began: that of a set is not the same in every run."""
        self._beacon: asyncio.TimerHandle | None = None
        self._services: dict[str, frozenset[str]] = {}  # as discovered, by address

    def put(self, treadmill: Treadmill, address: str) -> "LightStand":
        """A machine in reach, switched on; its time passes from now on. Call it in the running loop."""
        stand = self._stands[address.upper()] = LightStand(treadmill, address.upper())
        return stand

    def unplug(self) -> None:
        """Pulls bleak's adapter out: its links are lost, scanning and connecting fail."""
        self._plugged = False
        for stand in self._stands.values():
            stand.cut()

    def plug_in(self) -> None:
        """Puts bleak's adapter back."""
        self._plugged = True

    # --- for the backend ----------------------------------------------------------------------------------

    async def present(self) -> None:
        """Raises BleakBluetoothNotAvailableError while bleak's adapter is unplugged."""
        if not self._plugged:
            raise BleakBluetoothNotAvailableError(
                "No Bluetooth adapters found.", BleakBluetoothNotAvailableReason.NO_BLUETOOTH
            )

    async def scan(self, scanner: RadioScanner, *, on: bool) -> None:
        """Lets the scanner hear advertisements, or no more."""
        if not on:
            self._scanners.pop(scanner, None)
        await self.present()
        if on:
            self._scanners[scanner] = None
            if self._beacon is None:
                self._beacon = asyncio.get_running_loop().call_later(_ADVERTISES_EVERY_S, self._advertise)

    def _advertise(self) -> None:
        self._beacon = None
        if self._scanners:
            self._beacon = asyncio.get_running_loop().call_later(_ADVERTISES_EVERY_S, self._advertise)
        for stand in self._stands.values():
            if self._plugged and stand.is_advertising:
                for scanner in list(self._scanners):
                    scanner.hear(stand.address, stand.advertisement)

    async def connect(self, address: str) -> "LightLine":
        """The link to the machine of that address: one that is still up, as BlueZ does, or a new one.

        Waits for the machine for ever, but can be cancelled.
        """
        while True:
            await self.present()
            stand = self._stands.get(address.upper())
            if stand is not None and (standing := stand.line) is not None:
                return standing
            await asyncio.sleep(_CONNECTS_IN_S)
            if stand is not None and self._plugged and stand.line is None and stand.is_advertising:
                return stand.connect()

    def know(self, address: str, services: frozenset[str]) -> None:
        """Remembers which services the machine has."""
        self._services[address] = services

    async def connected(self, services: frozenset[str]) -> list[BLEDevice]:
        """The connected machines that have one of the services."""
        await self.present()
        return [
            BLEDevice(address, stand.treadmill.quirks.link.name, {})
            for address, stand in self._stands.items()
            if stand.is_connected and services & self._services.get(address, frozenset())
        ]


class LightStand:
    """One treadmill at its place, as its own clock drives it. For `LightRadio.put`."""

    def __init__(self, treadmill: Treadmill, address: str) -> None:
        self.treadmill = treadmill
        self.address = address
        self.line: LightLine | None = None
        """The link to bleak's adapter, which has at most one."""
        self._loop = asyncio.get_running_loop()
        self._switched_on_at = self._loop.time() - treadmill.now
        self._in_reach = self._on = True
        self._numbers = count(1)
        treadmill.before_touch = self._touched
        self._timer = self._loop.call_soon(self._step)

    @property
    def is_connected(self) -> bool:
        return self.line is not None

    def cut(self) -> None:
        """The link is lost by radio, from one moment to the next, and both ends notice."""
        if self.line is not None:
            self.line.end()

    def move_away(self) -> None:
        """Out of reach: the link is lost, nothing is heard."""
        self._in_reach = False
        self.cut()

    def bring_back(self) -> None:
        """In reach again."""
        self._in_reach = True

    def power_off(self) -> None:
        """The mains switch: the link is lost, the belt brakes, the console is dark."""
        self._on = False
        self.cut()
        self.treadmill.switch_off()

    def power_on(self) -> None:
        """The machine is as new, and advertises."""
        self._on = True
        self.treadmill.switch_on()

    # --- advertising, links -------------------------------------------------------------------------------

    @property
    def is_advertising(self) -> bool:
        """It is in the air: one that can take no more clients is not."""
        free = self.line is None or self.treadmill.quirks.link.connections > 1
        return self._on and self._in_reach and free and attributes.is_advertising(self.treadmill)

    @property
    def advertisement(self) -> AdvertisementData:
        service = uuids.full(uuids.FITNESS_MACHINE_SERVICE)
        said = attributes.service_data(self.treadmill, available=self.line is None)
        return AdvertisementData(
            local_name=self.treadmill.quirks.link.name or None,
            manufacturer_data={},
            service_data={} if said is None else {service: said},
            service_uuids=[service],
            tx_power=None,
            rssi=_RSSI,
            platform_data=(),
        )

    def connect(self) -> "LightLine":
        """A client connects."""
        client = Client(next(self._numbers))
        self.treadmill.connect(client)
        self.line = LightLine(self, client)
        return self.line

    def disconnect(self, line: "LightLine") -> None:
        """The link of that client is over."""
        self._send(self.treadmill.advance(self._now()))
        self.line = None
        self.treadmill.disconnect(line.client)

    def write(self, client: Client, octets: bytes) -> int | None:
        """A client writes the Control Point; the ATT error that refuses it, if one does."""
        error = self.treadmill.write(client, octets, self._now())
        self._look_again()
        return error

    def look(self) -> None:
        """Sends what is due."""
        self._timer.cancel()
        self._step()

    # --- time ---------------------------------------------------------------------------------------------

    def _now(self) -> float:
        return max(self._loop.time() - self._switched_on_at, self.treadmill.now)

    def _touched(self) -> None:
        """A person is about to do something: until now time passed without that."""
        self._send(self.treadmill.advance(self._now()))
        self._look_again()

    def _look_again(self) -> None:
        self._timer.cancel()
        self._timer = self._loop.call_later(_LOOKS_AGAIN_IN_S, self._step)

    def _step(self, due: float = 0.0) -> None:
        # To the very moment that was due: rounding must not make it miss that, and come again.
        self._send(self.treadmill.advance(max(due, self._now())))
        due = self.treadmill.next_due
        self._timer = self._loop.call_at(self._switched_on_at + due, self._step, due)

    def _send(self, emissions: Iterable[Record | Notification | Answer | LinkLoss]) -> None:
        for emission in emissions:
            line = self.line
            match emission:
                case LinkLoss():
                    self.cut()
                case _ if line is None or emission.client != line.client:
                    pass  # its link was lost in this very step
                case Record(_, data):
                    for frame in self.treadmill.frames(data, _MTU - _NOTIFICATION_HEADER):
                        line.hear(uuids.TREADMILL_DATA, frame)
                case Notification(_, characteristic, payload):
                    line.hear(characteristic, payload)
                case Answer(client, payload):
                    line.hear(uuids.FITNESS_MACHINE_CONTROL_POINT, payload)
                    self.treadmill.confirmed(client)


class LightLine:
    """One link as a `retrowalk.sim.bleak_backend.Line`."""

    mtu = _MTU

    def __init__(self, stand: LightStand, client: Client) -> None:
        self.client = client
        self._stand = stand
        self._found, self._behind = _discovered(stand.treadmill)
        self._listeners: dict[int, Callable[[bytes], None]] = {}
        self._over = asyncio.Event()
        self._on_end: list[Callable[[], None]] = []

    def on_end(self, callback: Callable[[], None]) -> None:
        self._on_end.append(callback)

    def lose(self) -> None:
        """The link is lost by radio, now."""
        self.end()

    def end(self) -> None:
        """The link is over, whoever ended it; both ends know."""
        if not self._over.is_set():
            self._over.set()
            self._listeners.clear()
            self._stand.disconnect(self)
            for callback in self._on_end:
                callback()

    def hear(self, characteristic: int, payload: bytes) -> None:
        """The machine notifies or indicates."""
        if (listener := self._listeners.get(characteristic)) is not None:
            listener(payload)

    async def discover(self) -> Sequence[FoundService]:
        await self._pass(_DISCOVERS_IN_S)
        return self._found

    async def read(self, handle: int) -> bytes:
        characteristic, cccd = self._behind[handle]
        await self._pass(2 * _INTERVAL_S)
        if cccd:
            return b"\x01\x00" if characteristic.number in self._listeners else b"\x00\x00"
        if characteristic.value is None:
            raise BleakGATTProtocolError(BleakGATTProtocolErrorCode.READ_NOT_PERMITTED)
        return characteristic.value()

    async def write(self, handle: int, octets: bytes, *, response: bool = True) -> None:
        characteristic, cccd = self._behind[handle]
        treadmill, error = self._stand.treadmill, None
        await self._pass(_INTERVAL_S)
        if cccd:
            treadmill.subscribe(self.client, characteristic.number, any(octets))
        elif not characteristic.properties & attributes.TAKES:
            error = int(BleakGATTProtocolErrorCode.WRITE_NOT_PERMITTED)
        else:
            error = self._stand.write(self.client, octets)
            control = treadmill.quirks.control
            if error is None and control.answers is Answers.INDICATION_BEFORE_WRITE_RESPONSE:
                await self._pass(control.answer_delay_s)
                self._stand.look()
        if response:
            await self._pass(_INTERVAL_S)
            if error is not None:
                raise BleakGATTProtocolError(error)

    def listen(self, handle: int, hear: Callable[[bytes], None] | None) -> bool:
        number = self._behind[handle][0].number
        heard = number in self._listeners
        if hear is None:
            self._listeners.pop(number, None)
        else:
            self._listeners[number] = hear
        return heard

    async def hang_up(self) -> None:
        with suppress(LineEndedError):
            await self._pass(_INTERVAL_S)
            self.end()

    async def _pass(self, seconds: float) -> None:
        """Time passes; LineEndedError where the link ends before it is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()
        if self._over.is_set():
            raise LineEndedError


def _discovered(
    treadmill: Treadmill,
) -> tuple[list[FoundService], dict[int, tuple[attributes.Characteristic, bool]]]:
    """What discovery finds, and by handle the characteristic of a value (False) or of a CCCD (True)."""
    handles = count(1)
    found: list[FoundService] = []
    behind: dict[int, tuple[attributes.Characteristic, bool]] = {}
    for service, content in attributes.services(treadmill).items():
        home, chars = next(handles), []
        for one in content:
            behind[value := next(handles)] = (one, False)
            descriptors = []
            if one.properties & attributes.SENDS:
                behind[cccd := next(handles)] = (one, True)
                descriptors.append((cccd, CCCD))
            chars.append(FoundCharacteristic(value, uuids.full(one.number), int(one.properties), descriptors))
        found.append(FoundService(home, uuids.full(service), chars))
    return found, behind
