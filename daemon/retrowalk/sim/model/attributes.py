"""The attributes of the simulated machine: what a GATT client finds on it, whatever carries the octets."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntFlag
from typing import TYPE_CHECKING

from blefit import uuids
from blefit.ftms.advertisement import MachineAvailability, MachineType
from retrowalk.sim.model import values
from retrowalk.sim.model.quirks import Quirks, number_of, octets_of

if TYPE_CHECKING:
    from retrowalk.sim.model.machine import Machine
    from retrowalk.sim.model.treadmill import Treadmill


class Properties(IntFlag):
    """Characteristic properties (Core, Vol 3, Part G, 3.3.1.1)."""

    READ = 0x02
    WRITE_WITHOUT_RESPONSE = 0x04
    WRITE = 0x08
    NOTIFY = 0x10
    INDICATE = 0x20


SENDS = Properties.NOTIFY | Properties.INDICATE
TAKES = Properties.WRITE | Properties.WRITE_WITHOUT_RESPONSE


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One characteristic, by its 16-bit number."""

    number: int
    properties: Properties
    value: Callable[[], bytes] | None = None
    """What reading it gives; None: it cannot be read."""


_DEVICE = range(uuids.MODEL_NUMBER, uuids.MANUFACTURER_NAME + 1)


def services(treadmill: "Treadmill") -> dict[int, list[Characteristic]]:
    """The machine's services and their characteristics, by 16-bit number."""
    quirks = treadmill.quirks
    fitness = _constants(values.fitness_machine(quirks, treadmill.telemetry.features))
    fitness.append(Characteristic(uuids.TREADMILL_DATA, Properties.NOTIFY))
    if quirks.telemetry.training_status:
        readable = Properties.READ | Properties.NOTIFY
        fitness.append(Characteristic(uuids.TRAINING_STATUS, readable, lambda: treadmill.training_status))
    if quirks.control.controllable:
        answers = Properties.NOTIFY if quirks.control.declares_notify else Properties.INDICATE
        unanswered = quirks.control.write_without_response
        writes = Properties.WRITE_WITHOUT_RESPONSE if unanswered else Properties.WRITE
        fitness.append(Characteristic(uuids.FITNESS_MACHINE_CONTROL_POINT, writes | answers))
        fitness.append(Characteristic(uuids.FITNESS_MACHINE_STATUS, Properties.NOTIFY))
    known = {one.number for one in fitness}
    fitness += [
        Characteristic(number, properties)
        for keys, properties in (
            (quirks.attributes.values, Properties.READ),
            (quirks.attributes.notifies, Properties.NOTIFY),
        )
        for number in map(number_of, keys)
        if number not in known and number not in _DEVICE
    ]
    found = {
        uuids.FITNESS_MACHINE_SERVICE: fitness,
        uuids.DEVICE_INFORMATION_SERVICE: _constants(values.device(quirks)),
    }
    if quirks.telemetry.heart_rate_service:
        pulse = Characteristic(uuids.HEART_RATE_MEASUREMENT, Properties.NOTIFY)
        found[uuids.HEART_RATE_SERVICE] = [pulse]
    if quirks.telemetry.running_speed_service:
        stride = Characteristic(uuids.RSC_MEASUREMENT, Properties.NOTIFY)
        found[uuids.RSC_SERVICE] = [stride]
    return {number: content for number, every in found.items() if (content := _as_it_is(every, quirks))}


def _as_it_is(content: list[Characteristic], quirks: Quirks) -> list[Characteristic]:
    """Without what this machine does not have, with other values where it gives other ones."""
    absent = {number_of(key) for key in quirks.attributes.absent}
    values = {number_of(key): _giving(octets_of(value)) for key, value in quirks.attributes.values.items()}
    return [
        replace(one, value=values.get(one.number, one.value)) for one in content if one.number not in absent
    ]


def service_data(treadmill: "Machine", *, available: bool) -> bytes | None:
    """What it advertises of itself as a fitness machine (FTMS 3.1.1); None where it does not."""
    link = treadmill.quirks.link
    if not link.service_data:
        return None
    if link.service_data_octets:
        return octets_of(link.service_data_octets)
    return MachineAvailability(available, MachineType.TREADMILL).encode()


def is_advertising(treadmill: "Machine") -> bool:
    """It has not been silent since a while after it was switched on, as some are."""
    most = treadmill.quirks.link.advertises_for_s
    return most is None or treadmill.now - treadmill.on_since < most


def _constants(held: dict[int, bytes]) -> list[Characteristic]:
    return [Characteristic(number, Properties.READ, _giving(value)) for number, value in held.items()]


def _giving(value: bytes) -> Callable[[], bytes]:
    return lambda: value
