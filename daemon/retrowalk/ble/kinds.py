"""The kinds of device that the daemon connects to."""

from dataclasses import dataclass
from typing import Final

from blefit import uuids


@dataclass(frozen=True, slots=True)
class Kind:
    """What to look for, and what to call it."""

    name: str
    service: int
    """What it advertises, as a 16-bit number."""
    advice: str
    """What to do about one that is not in the air."""

    @property
    def noun(self) -> str:
        """For a sentence: `the treadmill`."""
        return f"the {self.name}"


TREADMILL: Final = Kind(
    "treadmill",
    uuids.FITNESS_MACHINE_SERVICE,
    "switch it on, wake its console, and disconnect other apps from it "
    "(`retrowalk scan` shows what is there)",
)
STRAP: Final = Kind(
    "heart rate strap",
    uuids.HEART_RATE_SERVICE,
    "put it on, moisten its contacts, and disconnect other apps from it",
)
"""A heart rate sensor that is no fitness machine: treadmills may have that service, too."""
