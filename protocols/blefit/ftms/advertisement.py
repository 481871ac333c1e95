"""The service data of a fitness machine's advertisement (FTMS 3.1.1)."""

from dataclasses import dataclass
from enum import IntFlag

from blefit.octets import Reader, octets

_AVAILABLE = 0x01


class MachineType(IntFlag):
    """What the machine is; several bits may be set. Reserved bits are kept as they came."""

    TREADMILL = 1 << 0
    CROSS_TRAINER = 1 << 1
    STEP_CLIMBER = 1 << 2
    STAIR_CLIMBER = 1 << 3
    ROWER = 1 << 4
    INDOOR_BIKE = 1 << 5


@dataclass(frozen=True, slots=True)
class MachineAvailability:
    """Whether the machine may be connected to, and what it is."""

    fitness_machine_available: bool
    machine_types: MachineType

    @classmethod
    def decode(cls, payload: bytes) -> "MachineAvailability":
        """Read the 3 octets after the UUID 0x1826; reserved flags and more octets are ignored.

        Raises DecodeError when it was cut.
        """
        reader = Reader(payload)
        flags = reader.u8("flags")
        return cls(bool(flags & _AVAILABLE), MachineType(reader.u16("machine_type")))

    def encode(self) -> bytes:
        """The 3 octets after the UUID."""
        flags = _AVAILABLE * self.fitness_machine_available
        return octets("flags", flags, 1) + octets("machine_type", self.machine_types, 2)
