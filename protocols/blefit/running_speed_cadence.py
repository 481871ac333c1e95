"""RSC Measurement, 0x2A53, as foot pods and some treadmills send it (RSC Service 1.0, 3.1)."""

from dataclasses import dataclass

from blefit.octets import Reader, octets

_STRIDE_LENGTH = 0x01
_TOTAL_DISTANCE = 0x02
_RUNNING = 0x04


@dataclass(frozen=True, slots=True)
class RscMeasurement:
    """One measurement.

    `speed` in 1/256 m/s, `cadence` in steps a minute, `stride_length` in cm, `total_distance` in 0.1 m; the
    last two are None where they were not sent. `running` False is walking, which is also what devices say
    that cannot tell. `trailing` is what came after all announced fields.
    """

    speed: int
    cadence: int
    running: bool = False
    stride_length: int | None = None
    total_distance: int | None = None
    trailing: bytes = b""

    @classmethod
    def decode(cls, payload: bytes) -> "RscMeasurement":
        """Read it; reserved flags are ignored. DecodeError when an announced field was cut."""
        reader = Reader(payload)
        flags = reader.u8("flags")
        return cls(
            reader.u16("speed"),
            reader.u8("cadence"),
            bool(flags & _RUNNING),
            reader.u16("stride_length") if flags & _STRIDE_LENGTH else None,
            reader.u32("total_distance") if flags & _TOTAL_DISTANCE else None,
            reader.rest(),
        )

    def encode(self) -> bytes:
        """The octets; ValueError when a number does not fit."""
        flags = (
            _STRIDE_LENGTH * (self.stride_length is not None)
            | _TOTAL_DISTANCE * (self.total_distance is not None)
            | _RUNNING * self.running
        )
        written = octets("flags", flags, 1) + octets("speed", self.speed, 2)
        written += octets("cadence", self.cadence, 1)
        if self.stride_length is not None:
            written += octets("stride_length", self.stride_length, 2)
        if self.total_distance is not None:
            written += octets("total_distance", self.total_distance, 4)
        return written + self.trailing
