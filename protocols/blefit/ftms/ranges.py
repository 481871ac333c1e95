"""Supported Speed, Inclination and Heart Rate Range: 0x2AD4, 0x2AD5, 0x2AD7 (FTMS 4.11, 4.12, 4.14).

What a machine says is kept as it came, nonsense included (a maximum of 0xFFFF, a minimum above it): whoever
uses a range judges it. Octets beyond the third field mean nothing, as the profile asks: they are `trailing`.
"""

from dataclasses import dataclass

from blefit.octets import Reader, octets
from blefit.units import Incline, Speed


@dataclass(frozen=True, slots=True)
class SpeedRange:
    """In 0.01 km/h, each u16."""

    minimum: Speed
    maximum: Speed
    increment: Speed
    trailing: bytes = b""

    @classmethod
    def decode(cls, payload: bytes) -> "SpeedRange":
        """Read 6 octets. DecodeError when it was cut."""
        reader = Reader(payload)
        return cls(
            Speed(reader.u16("minimum_speed")),
            Speed(reader.u16("maximum_speed")),
            Speed(reader.u16("minimum_increment")),
            reader.rest(),
        )

    def encode(self) -> bytes:
        """The octets; ValueError when a number does not fit."""
        return (
            octets("minimum_speed", self.minimum, 2)
            + octets("maximum_speed", self.maximum, 2)
            + octets("minimum_increment", self.increment, 2)
            + self.trailing
        )


@dataclass(frozen=True, slots=True)
class InclinationRange:
    """In 0.1 %: s16, s16, u16."""

    minimum: Incline
    maximum: Incline
    increment: Incline
    trailing: bytes = b""

    @classmethod
    def decode(cls, payload: bytes) -> "InclinationRange":
        """Read 6 octets. DecodeError when it was cut."""
        reader = Reader(payload)
        return cls(
            Incline(reader.s16("minimum_inclination")),
            Incline(reader.s16("maximum_inclination")),
            Incline(reader.u16("minimum_increment")),
            reader.rest(),
        )

    def encode(self) -> bytes:
        """The octets; ValueError when a number does not fit."""
        return (
            octets("minimum_inclination", self.minimum, 2, signed=True)
            + octets("maximum_inclination", self.maximum, 2, signed=True)
            + octets("minimum_increment", self.increment, 2)
            + self.trailing
        )


@dataclass(frozen=True, slots=True)
class HeartRateRange:
    """In beats a minute, each u8."""

    minimum: int
    maximum: int
    increment: int
    trailing: bytes = b""

    @classmethod
    def decode(cls, payload: bytes) -> "HeartRateRange":
        """Read 3 octets. DecodeError when it was cut."""
        reader = Reader(payload)
        return cls(
            reader.u8("minimum_heart_rate"),
            reader.u8("maximum_heart_rate"),
            reader.u8("minimum_increment"),
            reader.rest(),
        )

    def encode(self) -> bytes:
        """The octets; ValueError when a number does not fit."""
        return (
            octets("minimum_heart_rate", self.minimum, 1)
            + octets("maximum_heart_rate", self.maximum, 1)
            + octets("minimum_increment", self.increment, 1)
            + self.trailing
        )
