"""Octets of a notification to what they say; what cannot be decoded is said, not swallowed."""

from collections.abc import Iterator
from dataclasses import dataclass

from blefit.errors import DecodeError
from blefit.ftms.control_point import Response
from blefit.ftms.machine_status import MachineStatus
from blefit.ftms.training_status import TrainingStatus
from blefit.ftms.treadmill_data import RecordJoiner
from blefit.ftms.treadmill_data import decode as decode_treadmill_data
from blefit.heart_rate import HeartRateMeasurement
from blefit.running_speed_cadence import RscMeasurement
from retrowalk.core.model import (
    Answer,
    Characteristic,
    Notified,
    Observation,
    Pulse,
    Record,
    Status,
    Steps,
    Training,
)


@dataclass(frozen=True, slots=True)
class Garbled:
    """A frame that is not what its characteristic carries."""

    uuid: str
    hex: str
    reason: str


class Decoder:
    """The frames of one connection; joins split Treadmill Data records."""

    def __init__(self) -> None:
        self._joiner = RecordJoiner()

    def feed(self, frame: Notified) -> Iterator[Observation | Garbled]:
        """What the frame says: nothing yet (a part of a record), one thing, or why it is garbled."""
        try:
            observation = self._decode(frame)
        except DecodeError as error:
            if frame.characteristic is Characteristic.MACHINE_STATUS:
                yield Status(MachineStatus(frame.payload[0]))  # what is cut of a stop is still a stop
            yield Garbled(f"{frame.characteristic.value:04x}", frame.payload.hex(), str(error))
            return
        if observation is not None:
            yield observation

    def _decode(self, frame: Notified) -> Observation | None:
        octets = frame.payload
        match frame.characteristic:
            case Characteristic.TREADMILL_DATA:
                whole = self._joiner.feed(decode_treadmill_data(octets))
                return None if whole is None else Record(whole)
            case Characteristic.MACHINE_STATUS:
                return Status(MachineStatus.decode(octets))
            case Characteristic.TRAINING_STATUS:
                return Training(TrainingStatus.decode(octets))
            case Characteristic.CONTROL_POINT:
                return Answer(Response.decode(octets))
            case Characteristic.HEART_RATE:
                measurement = HeartRateMeasurement.decode(octets)
                return Pulse(measurement.heart_rate, measurement.contact)
            case Characteristic.RSC_MEASUREMENT:  # pragma: no branch - the enum is closed
                cadence = RscMeasurement.decode(octets).cadence
                return Steps() if cadence else None
