"""What a treadmill says of itself, and what of it is believed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from blefit import device_information, uuids
from blefit.errors import DecodeError
from blefit.ftms.feature import Feature, MachineFeature, TargetSetting
from blefit.ftms.ranges import InclinationRange, SpeedRange
from blefit.units import Speed
from retrowalk import machines
from retrowalk.core.model import LEVEL, Machine
from retrowalk.machines import Shown

_SOME_SPEEDS: Final = SpeedRange(Speed(100), Speed(600), Speed(10))
"""For a machine that names none that can be true: 1.0 km/h is in reach of every treadmill we know of."""
_HIGHEST_SPEED: Final = 3000
_HIGHEST_INCLINE: Final = 400
_SEES_THE_WALKER: Final = (
    MachineFeature.CADENCE | MachineFeature.STEP_COUNT | MachineFeature.FORCE_ON_BELT_AND_POWER_OUTPUT
)


_DEVICE_INFORMATION: Final = {
    uuids.MANUFACTURER_NAME: "manufacturer",
    uuids.MODEL_NUMBER: "model",
    uuids.SERIAL_NUMBER: "serial_number",
    uuids.FIRMWARE_REVISION: "firmware",
    uuids.HARDWARE_REVISION: "hardware",
    uuids.SOFTWARE_REVISION: "software",
}

READ: Final = (
    uuids.FITNESS_MACHINE_FEATURE,
    uuids.SUPPORTED_SPEED_RANGE,
    uuids.SUPPORTED_INCLINATION_RANGE,
    *_DEVICE_INFORMATION,
)
"""The characteristics that make a Reading; all are optional in practice."""

_V = TypeVar("_V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The static values of one machine, decoded. None is: not there, refused, or nonsense."""

    name: str
    address: str
    characteristics: frozenset[int]
    """The 16-bit numbers of all it has."""
    service_data: bytes | None = None
    """As advertised; None is also: nobody heard it advertise."""
    feature: Feature | None = None
    speeds: SpeedRange | None = None
    inclines: InclinationRange | None = None
    device_information: Mapping[str, str] = field(default_factory=dict)
    """Of `manufacturer`, `model`, `serial_number`, `firmware`, `hardware`, `software` those it tells."""

    @classmethod
    def of(
        cls,
        name: str,
        address: str,
        characteristics: frozenset[int],
        payloads: Mapping[int, bytes],
        service_data: bytes | None = None,
    ) -> "Reading":
        """Decodes what was read, by 16-bit number; what cannot be decoded is as if it were not there."""
        return cls(
            name=name,
            address=address,
            characteristics=characteristics,
            service_data=service_data,
            feature=_decoded(Feature.decode, payloads.get(uuids.FITNESS_MACHINE_FEATURE)),
            speeds=_decoded(SpeedRange.decode, payloads.get(uuids.SUPPORTED_SPEED_RANGE)),
            inclines=_decoded(InclinationRange.decode, payloads.get(uuids.SUPPORTED_INCLINATION_RANGE)),
            device_information={
                name: device_information.decode(payloads[number])
                for number, name in _DEVICE_INFORMATION.items()
                if payloads.get(number)
            },
        )

    @property
    def shown(self) -> Shown:
        """By which the file about the machine is found."""
        speeds = self.speeds
        return Shown(
            name=self.name,
            service_data=self.service_data,
            device_information=self.device_information,
            characteristics=self.characteristics,
            speeds=None if speeds is None else (speeds.minimum, speeds.maximum, speeds.increment),
        )


def _decoded(decode: Callable[[bytes], _V], payload: bytes | None) -> _V | None:
    if payload is None:
        return None
    try:
        return decode(payload)
    except DecodeError:
        return None


Describe = Callable[[Reading], Machine]
"""How a reading becomes the machine to drive."""


def describe(reading: Reading) -> Machine:
    """The machine to drive: what the file about it says, else what can be believed of its own words."""
    file = machines.match(reading.shown)
    said = machine_of(reading)
    return file.daemon.applied_to(said) if file else said


def machine_of(reading: Reading) -> Machine:
    """The machine by its own words where they can be true, by a careful guess where not.

    A range that cannot be true (0xFFFF, upside down, empty) is replaced, as is an increment of 0.
    """
    speeds = _speeds(reading.speeds)
    inclines = _inclines(reading)
    feature = reading.feature
    controlled = uuids.FITNESS_MACHINE_CONTROL_POINT in reading.characteristics
    counts_steps = uuids.RSC_MEASUREMENT in reading.characteristics
    return Machine(
        id=reading.address,
        name=reading.name or reading.address,
        minimum=speeds.minimum,
        maximum=speeds.maximum,
        increment=speeds.increment,
        controllable=controlled and (feature is None or TargetSetting.SPEED in feature.target_settings),
        inclinable=inclines is not None,
        minimum_incline=inclines.minimum if inclines else LEVEL,
        maximum_incline=inclines.maximum if inclines else LEVEL,
        reports_presence=counts_steps or (feature is not None and bool(feature.features & _SEES_THE_WALKER)),
    )


def _speeds(said: SpeedRange | None) -> SpeedRange:
    if said is None or not 0 < said.minimum < said.maximum <= _HIGHEST_SPEED:
        return _SOME_SPEEDS
    increment = said.increment if 0 < said.increment < said.maximum else _SOME_SPEEDS.increment
    return SpeedRange(said.minimum, said.maximum, increment)


def _inclines(reading: Reading) -> InclinationRange | None:
    said, feature = reading.inclines, reading.feature
    if said is None or feature is None or TargetSetting.INCLINATION not in feature.target_settings:
        return None
    if not -_HIGHEST_INCLINE <= said.minimum < said.maximum <= _HIGHEST_INCLINE:
        return None
    return said
