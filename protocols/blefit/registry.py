"""Every characteristic this package reads, by its UUID: octets to the JSON of the public contract."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from blefit import as_json, device_information, uuids
from blefit.as_json import Json
from blefit.errors import DecodeError
from blefit.ftms import control_point, treadmill_data
from blefit.ftms.advertisement import MachineAvailability
from blefit.ftms.feature import Feature
from blefit.ftms.machine_status import MachineStatus
from blefit.ftms.ranges import HeartRateRange, InclinationRange, SpeedRange
from blefit.ftms.training_status import TrainingStatus
from blefit.ftms.treadmill_data import RecordJoiner, TreadmillData
from blefit.heart_rate import HeartRateMeasurement
from blefit.running_speed_cadence import RscMeasurement

T = TypeVar("T")

_HEAD_OF_SERVICE_DATA = re.compile(rb"(?:.\x16)?\x26\x18(?=...)", re.DOTALL)
"""Only before three octets more: three alone are whole service data, whatever they begin with."""


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """A characteristic, or the service data of a service."""

    name: str
    """As the specification calls it."""
    decode: Callable[[bytes], T]
    describe: Callable[[T], Json]
    join: Callable[[Iterable[T]], list[T]] = list
    """Puts together what was split over several notifications."""


def _service_data(payload: bytes) -> MachineAvailability:
    """Also with the UUID in front, and with length and type before it: scanners print all three forms."""
    head = _HEAD_OF_SERVICE_DATA.match(payload)
    return MachineAvailability.decode(payload[head.end() :] if head else payload)


def _records(parts: Iterable[TreadmillData]) -> list[TreadmillData]:
    joiner = RecordJoiner()
    records = [record for part in parts if (record := joiner.feed(part))]
    return records if joiner.unfinished is None else [*records, joiner.unfinished]


def _string(name: str) -> Entry[str]:
    return Entry(name, device_information.decode, as_json.string)


ENTRIES: Final[Mapping[int, Entry[Any]]] = {
    uuids.FITNESS_MACHINE_SERVICE: Entry("Fitness Machine service data", _service_data, as_json.availability),
    uuids.FITNESS_MACHINE_FEATURE: Entry("Fitness Machine Feature", Feature.decode, as_json.feature),
    uuids.TREADMILL_DATA: Entry("Treadmill Data", treadmill_data.decode, as_json.treadmill_data, _records),
    uuids.TRAINING_STATUS: Entry("Training Status", TrainingStatus.decode, as_json.training_status),
    uuids.SUPPORTED_SPEED_RANGE: Entry("Supported Speed Range", SpeedRange.decode, as_json.speed_range),
    uuids.SUPPORTED_INCLINATION_RANGE: Entry(
        "Supported Inclination Range", InclinationRange.decode, as_json.inclination_range
    ),
    uuids.SUPPORTED_HEART_RATE_RANGE: Entry(
        "Supported Heart Rate Range", HeartRateRange.decode, as_json.heart_rate_range
    ),
    uuids.FITNESS_MACHINE_CONTROL_POINT: Entry(
        "Fitness Machine Control Point", control_point.decode, as_json.control_point
    ),
    uuids.FITNESS_MACHINE_STATUS: Entry(
        "Fitness Machine Status", MachineStatus.decode, as_json.machine_status
    ),
    uuids.HEART_RATE_MEASUREMENT: Entry(
        "Heart Rate Measurement", HeartRateMeasurement.decode, as_json.heart_rate_measurement
    ),
    uuids.RSC_MEASUREMENT: Entry("RSC Measurement", RscMeasurement.decode, as_json.rsc_measurement),
    uuids.MODEL_NUMBER: _string("Model Number String"),
    uuids.SERIAL_NUMBER: _string("Serial Number String"),
    uuids.FIRMWARE_REVISION: _string("Firmware Revision String"),
    uuids.HARDWARE_REVISION: _string("Hardware Revision String"),
    uuids.SOFTWARE_REVISION: _string("Software Revision String"),
    uuids.MANUFACTURER_NAME: _string("Manufacturer Name String"),
}


def find(uuid: int | str) -> Entry[Any]:
    """The entry of a UUID in any of its forms; LookupError says which ones there are."""
    number = uuid if isinstance(uuid, int) else uuids.short(uuid)
    entry = None if number is None else ENTRIES.get(number)
    if entry is None:
        known = ", ".join(f"{each:04x}" for each in sorted(ENTRIES))
        asked = f"{uuid:#06x}" if isinstance(uuid, int) else repr(uuid)
        raise LookupError(f"{asked} is no characteristic read here: those are {known}")
    return entry


def decode_json(uuid: int | str, payloads: Sequence[bytes]) -> list[Json]:
    """Read consecutive notifications; one JSON object a record, in the keys of the public contract.

    A record split over several notifications is joined; the begun one at the end has `more_data` true.
    Raises LookupError for a UUID that is not read here, DecodeError for octets that were cut.
    """
    entry = find(uuid)
    values = []
    for number, payload in enumerate(payloads, 1):
        try:
            values.append(entry.decode(payload))
        except DecodeError as error:
            if len(payloads) == 1:
                raise
            where = f"{error.reason} (notification {number} of {len(payloads)})"
            raise DecodeError(error.field, where) from error
    return [entry.describe(value) for value in entry.join(values)]
