"""Training Status, 0x2AD3: what kind of training the console is in (FTMS 4.10).

The specification ties no value to Start or Stop: it is a hint, and real consoles use it in their own ways.
"""

from dataclasses import dataclass
from enum import IntEnum

from blefit.octets import Reader, octets, text, text_octets

_STRING = 0x01
_EXTENDED_STRING = 0x02


class TrainingState(IntEnum):
    """The values of the status field (FTMS table 4.13); 0x10 to 0xFF are reserved."""

    OTHER = 0x00
    IDLE = 0x01
    WARMING_UP = 0x02
    LOW_INTENSITY_INTERVAL = 0x03
    HIGH_INTENSITY_INTERVAL = 0x04
    RECOVERY_INTERVAL = 0x05
    ISOMETRIC = 0x06
    HEART_RATE_CONTROL = 0x07
    FITNESS_TEST = 0x08
    SPEED_OUTSIDE_OF_CONTROL_REGION_LOW = 0x09
    SPEED_OUTSIDE_OF_CONTROL_REGION_HIGH = 0x0A
    COOL_DOWN = 0x0B
    WATT_CONTROL = 0x0C
    MANUAL_MODE_QUICK_START = 0x0D
    PRE_WORKOUT = 0x0E
    POST_WORKOUT = 0x0F


def notified(value: bytes, room: int) -> bytes:
    """What is notified of that value where `room` octets can be: a longer one is cut, and says that it is.

    The whole of it is there to be read (FTMS 4.10.1.1).
    """
    return value if len(value) <= room else bytes([value[0] | _EXTENDED_STRING]) + value[1:room]


_NAMES = {state.value: state.name.lower() for state in TrainingState}


@dataclass(frozen=True, slots=True)
class TrainingStatus:
    """One status. `status` is None where the machine sent no octets at all, which some do before a session.

    Many consoles set `string_flag` and send no string. `trailing` is what came unannounced after the status.
    """

    status: int | None
    string: str = ""
    string_flag: bool = False
    extended_string_flag: bool = False
    trailing: bytes = b""

    @property
    def status_name(self) -> str | None:
        """The specification's name in snake_case, "rfu" for a reserved value, None for no status."""
        return None if self.status is None else _NAMES.get(self.status, "rfu")

    @classmethod
    def decode(cls, payload: bytes) -> "TrainingStatus":
        """Read flags, status and the string; no octets are no status. DecodeError when it was cut."""
        if not payload:
            return cls(None)
        reader = Reader(payload)
        flags = reader.u8("flags")
        status = reader.u8("status")
        rest = reader.rest()
        announced = flags & (_STRING | _EXTENDED_STRING)
        return cls(
            status,
            text(rest) if announced else "",
            bool(flags & _STRING),
            bool(flags & _EXTENDED_STRING),
            b"" if announced else rest,
        )

    def encode(self) -> bytes:
        """The octets; ValueError when the parts contradict each other or do not fit."""
        announced = self.string_flag or self.extended_string_flag
        if self.status is None:
            if self != TrainingStatus(None):
                raise ValueError("a training status of no octets has nothing else either")
            return b""
        if self.string and not announced:
            raise ValueError("a string needs string_flag or extended_string_flag")
        if self.trailing and announced:
            raise ValueError("octets after a string are part of it: nothing can trail it")
        flags = _STRING * self.string_flag | _EXTENDED_STRING * self.extended_string_flag
        return (
            octets("flags", flags, 1)
            + octets("status", self.status, 1)
            + text_octets("string", self.string)
            + self.trailing
        )
