"""A virtual radio in this process: an adapter for bleak, and simulated machines in its reach."""

from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason
from bumble.device import Connection, Device

from retrowalk.sim.air import Air, Antenna
from retrowalk.sim.central import Central
from retrowalk.sim.interference import Interference

_ADAPTER_ADDRESS = "F0:F0:F0:F0:F0:F0"


class Radio(Central):
    """One room full of radios: an adapter for bleak, and the machines that are put into it."""

    def __init__(self, *, interference: Interference | None = None) -> None:
        super().__init__(interference)
        self._air = Air()  # type: ignore[no-untyped-call]  # Bumble's constructor has no types
        self._antennas: dict[Device, Antenna] = {}
        self._plugged = True

    async def peripheral_device(self, name: str, address: str) -> Device:
        """A new Bumble device in the room, powered on, ready to be given services and to advertise.

        `address` is a random static one: its first octet is C0 or more.
        """
        device, self._antennas[device] = await self._air.device(name, address)
        return device

    def cut(self, device: Device) -> None:
        """Loses the device's links by radio: both ends notice a time-out, and it may advertise again."""
        self._air.cut(self._antennas[device])

    def move_away(self, device: Device) -> None:
        """Takes the device out of reach: its links are lost, its advertisements unheard."""
        self.cut(device)
        self._air.controllers.discard(self._antennas[device])

    def bring_back(self, device: Device) -> None:
        """Puts the device into reach again."""
        self._air.controllers.add(self._antennas[device])

    def unplug(self) -> None:
        """Pulls bleak's adapter out: its links are lost, scanning and connecting fail."""
        self._plugged = False
        if self._device is not None:
            self.cut(self._device)

    def plug_in(self) -> None:
        """Puts bleak's adapter back."""
        self._plugged = True

    async def _adapter(self) -> Device:
        """Raises BleakBluetoothNotAvailableError while bleak's adapter is unplugged."""
        device = await super()._adapter()
        if not self._plugged:
            raise BleakBluetoothNotAvailableError(
                "No Bluetooth adapters found.", BleakBluetoothNotAvailableReason.NO_BLUETOOTH
            )
        return device

    async def _power_on(self) -> Device:
        return await self.peripheral_device("adapter", _ADAPTER_ADDRESS)

    def _lose(self, connection: Connection) -> None:
        if (machine := self._air.find_le_controller(connection.peer_address)) is not None:
            self._air.cut(machine)
