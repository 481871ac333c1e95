"""Looking for treadmills and straps: those that advertise, and those this machine is connected to."""

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from bleak import BleakAdapter
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from blefit import uuids
from blefit.errors import DecodeError
from blefit.ftms.advertisement import MachineAvailability, MachineType
from retrowalk.ble.backend import PLATFORM, Backend
from retrowalk.ble.errors import NotFound, translated
from retrowalk.ble.kinds import TREADMILL, Kind
from retrowalk.ble.search import Search, scanner

_SERVICE = uuids.full(uuids.FITNESS_MACHINE_SERVICE)
_NO_TYPE = MachineType(0)
_NAME_WITHIN = 2.0
_ADDRESS = re.compile(
    r"([0-9a-f]{2}:){5}[0-9a-f]{2}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE
)
_ADAPTERS = tuple(f"hci{n}" for n in range(8))
"""As BlueZ calls them; one that is not there is connected to nothing."""
_ON_ADAPTER = re.compile(r"/org/bluez/([^/]+)/")


def is_address(wanted: str) -> bool:
    """It is the address of a device, and no name."""
    return _ADDRESS.fullmatch(wanted) is not None


@dataclass(frozen=True, slots=True)
class Found:
    """A fitness machine in the air, or a strap."""

    name: str
    """As advertised; empty where it has none."""
    address: str
    rssi: int | None = None
    """dBm; None for a machine that is connected, which does not advertise."""
    machine_types: MachineType = _NO_TYPE
    """None of them where the machine does not say."""
    available: bool | None = None
    """False: in use by somebody; None: the machine does not say."""
    service_data: bytes | None = None
    """Of the Fitness Machine Service, as advertised."""
    kind: Kind = TREADMILL
    device: BLEDevice = field(kw_only=True, compare=False, repr=False)
    """bleak's handle."""

    @property
    def adapter(self) -> str | None:
        """The adapter that found it, such as "hci1", where the system tells."""
        path = self.device.details.get("path", "") if isinstance(self.device.details, dict) else ""
        told = _ON_ADAPTER.match(path)
        return told and told[1]

    def fits(self, wanted: str) -> bool:
        """It has that address or name, or its name fits that pattern."""
        if is_address(wanted):
            return self.address.lower() == wanted.lower()
        return fnmatchcase(self.name.lower(), wanted.lower())


async def scan(seconds: float = 5.0, backend: Backend = PLATFORM) -> list[Found]:
    """The fitness machines heard in that time, the nearest first, then those connected to us already.

    Raises Unreachable where there is no usable Bluetooth.
    """
    found = {machine.address: machine for machine in await _connected(backend)}
    with translated("looking for treadmills"):
        async with scanner(backend) as ears:
            await asyncio.sleep(seconds)
    for device, advertised in ears.discovered_devices_and_advertisement_data.values():
        if _may_be(TREADMILL, advertised):
            found[device.address] = _found(device, advertised)
    return sorted(
        found.values(), key=lambda machine: -999 if machine.rssi is None else machine.rssi, reverse=True
    )


async def find(
    wanted: str,
    seconds: float = 10.0,
    backend: Backend = PLATFORM,
    kind: Kind = TREADMILL,
    *,
    is_free: Callable[[str], bool] = lambda _address: True,
    search: Search | None = None,
) -> Found:
    """The device of that address or name; a name may be a pattern (`KS-*`, `*`: any of its kind), and then
    it has to be free. `search` is that of this process, if others look for something as well.

    Ends as soon as it is found with its name, which often comes a little later and says which file is about
    it. Of several machines one that is in use is taken only if no other was found in time. Raises NotFound,
    and Unreachable where there is no usable Bluetooth.
    """
    by_address = is_address(wanted)

    def fits(machine: Found) -> bool:
        return machine.fits(wanted) and (by_address or is_free(machine.address))

    for machine in await _connected(backend, kind, by_address):
        if fits(machine):
            return machine
    second_best = None
    with translated(f"looking for {kind.noun}"):
        async with (search or Search(backend)).heard() as heard:
            try:
                async with asyncio.timeout(seconds) as patience:
                    async for device, advertised in heard:
                        machine = _found(device, advertised, kind)
                        if not fits(machine) or not _may_be(kind, advertised, by_address):
                            continue
                        if machine.name and (by_address or machine.available is not False):
                            return machine
                        if second_best is None and not machine.name:
                            patience.reschedule(asyncio.get_running_loop().time() + _NAME_WITHIN)
                        second_best = machine
            except TimeoutError:
                pass
    if second_best is not None:
        return second_best
    raise NotFound(f"no {kind.name} {wanted!r} in the air: {kind.advice}")


async def _connected(backend: Backend, kind: Kind = TREADMILL, by_address: bool = False) -> Iterable[Found]:
    """Devices we are connected to already: they do not advertise, and after a crash one may run.

    Asked are all adapters, where the backend names none or an address is wanted, which no other device has:
    the system's first one is not the same in every process.
    """
    adapters = _ADAPTERS if by_address or backend.hci is None else ()
    found = []
    with translated(f"asking for a connected {kind.name}"):
        for name in dict.fromkeys((backend.hci or _ADAPTERS[0], *adapters)):
            adapter = await BleakAdapter.get(bluez={"adapter": name}, backend=backend.adapter)
            devices = await adapter.get_connected_devices([uuids.full(kind.service)])
            machines = [] if kind is TREADMILL else await adapter.get_connected_devices([_SERVICE])
            others = {device.address for device in machines}
            found += [device for device in devices if device.address not in others]
    return [Found(_name(device), device.address, kind=kind, device=device) for device in found]


def _found(device: BLEDevice, advertised: AdvertisementData, kind: Kind = TREADMILL) -> Found:
    types, available = _NO_TYPE, None
    if (service_data := advertised.service_data.get(_SERVICE)) is not None:
        try:
            said = MachineAvailability.decode(service_data)
        except DecodeError:
            pass
        else:
            types, available = said.machine_types, said.fitness_machine_available
    name = advertised.local_name or _name(device)
    return Found(name, device.address, advertised.rssi, types, available, service_data, kind, device=device)


def _name(device: BLEDevice) -> str:
    """The name the system knows; BlueZ makes one of the address where it knows none."""
    name = device.name or ""
    return "" if name == device.address.replace(":", "-") else name


def _may_be(kind: Kind, advertised: AdvertisementData, by_address: bool = False) -> bool:
    """Who asks by address may know better than the advertisement, but a treadmill is never a strap."""
    if _SERVICE in advertised.service_uuids or _SERVICE in advertised.service_data:
        return kind is TREADMILL
    return by_address or (kind is not TREADMILL and uuids.full(kind.service) in advertised.service_uuids)
