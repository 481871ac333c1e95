"""What an empty-belt test found, as it is kept in the state folder, and for which machine it holds.

It holds as long as the machine says the same of itself: name, device information (firmware and serial number
among it) and speed range. A new firmware, or another machine at that address, has to be tested again.
"""

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from blefit.ftms.ranges import SpeedRange
from retrowalk.ble.reading import Reading
from retrowalk.core.commissioning import Measured

_MEASURED = TypeAdapter(Measured)


class Identity(BaseModel):
    """What a machine says of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    device_information: dict[str, str]
    speeds: tuple[int, int, int] | None
    """Minimum, maximum and increment, in 0.01 km/h."""

    @classmethod
    def of(cls, reading: Reading) -> "Identity":
        """As it was read."""
        return cls(
            name=reading.name,
            device_information=dict(reading.device_information),
            speeds=_numbers(reading.speeds),
        )

    def other_than(self, before: "Identity") -> str:
        """The first difference in words, or ''."""
        if self.name != before.name:
            return f"its name was {before.name!r} and is {self.name!r}"
        for key in sorted(self.device_information.keys() | before.device_information.keys()):
            was, is_now = before.device_information.get(key), self.device_information.get(key)
            if was != is_now:
                return f"its {key.replace('_', ' ')} was {was!r} and is {is_now!r}"
        return "" if self.speeds == before.speeds else "its speed range has changed"


class Certificate(BaseModel):
    """One file `commissioned-<id>.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    tested: datetime
    machine: Identity
    measured: dict[str, Any]

    @classmethod
    def of(cls, measured: Measured, reading: Reading, tested: datetime) -> "Certificate":
        """For the machine that was read."""
        return cls(tested=tested, machine=Identity.of(reading), measured=asdict(measured))

    def findings(self) -> Measured:
        """What was measured. Raises ValidationError where it cannot be."""
        return _MEASURED.validate_python(self.measured)


def read(text: str | None, reading: Reading | None = None) -> tuple[Certificate | None, str]:
    """The certificate in that text, if it holds (for that machine); else None, and why in a sentence."""
    if text is None:
        return None, "its empty belt has not been tested"
    try:
        certificate = Certificate.model_validate_json(text)
        if set(certificate.measured) != {one.name for one in fields(Measured)}:
            raise ValueError("another version's")
        certificate.findings()
    except (ValidationError, ValueError):
        return None, "the file of its test cannot be read"
    difference = "" if reading is None else Identity.of(reading).other_than(certificate.machine)
    if difference:
        return None, f"it is not as it was when it was tested: {difference}"
    return certificate, ""


def _numbers(speeds: SpeedRange | None) -> tuple[int, int, int] | None:
    return None if speeds is None else (speeds.minimum, speeds.maximum, speeds.increment)
