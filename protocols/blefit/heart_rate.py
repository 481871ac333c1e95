"""Heart Rate Measurement, 0x2A37, as chest straps send it (Heart Rate Service 1.0, 3.1)."""

from dataclasses import dataclass

from blefit.octets import Reader, octets

_WIDE = 0x01
_CONTACT = 0x02
_CONTACT_SUPPORTED = 0x04
_ENERGY = 0x08
_RR = 0x10


@dataclass(frozen=True, slots=True)
class HeartRateMeasurement:
    """One measurement.

    `heart_rate` in beats a minute, None where the strap sent 0 (it has none). `contact` with the skin, None
    where the strap cannot tell. `energy_expended` in kJ. `rr_intervals` in 1/1024 s, the oldest first.
    `trailing` is what came after all announced fields.
    """

    heart_rate: int | None
    contact: bool | None = None
    energy_expended: int | None = None
    rr_intervals: tuple[int, ...] = ()
    trailing: bytes = b""

    @classmethod
    def decode(cls, payload: bytes) -> "HeartRateMeasurement":
        """Read it; reserved flags are ignored. DecodeError when an announced field was cut."""
        reader = Reader(payload)
        flags = reader.u8("flags")
        heart_rate = reader.integer("heart_rate", 2 if flags & _WIDE else 1)
        energy = reader.u16("energy_expended") if flags & _ENERGY else None
        intervals = reader.left // 2 if flags & _RR else 0
        return cls(
            heart_rate or None,
            bool(flags & _CONTACT) if flags & _CONTACT_SUPPORTED else None,
            energy,
            tuple(reader.u16("rr_interval") for _ in range(intervals)),
            reader.rest(),
        )

    def encode(self) -> bytes:
        """The octets; ValueError when a number does not fit or would be read as something else."""
        if self.heart_rate == 0:
            raise ValueError("a heart rate of 0 says that there is none: use None")
        if self.rr_intervals and len(self.trailing) > 1:
            raise ValueError("two octets after the RR intervals are one more RR interval")
        heart_rate = self.heart_rate or 0
        wide = heart_rate > 0xFF
        flags = (
            _WIDE * wide
            | _CONTACT_SUPPORTED * (self.contact is not None)
            | _CONTACT * bool(self.contact)
            | _ENERGY * (self.energy_expended is not None)
            | _RR * bool(self.rr_intervals)
        )
        written = octets("flags", flags, 1) + octets("heart_rate", heart_rate, 2 if wide else 1)
        if self.energy_expended is not None:
            written += octets("energy_expended", self.energy_expended, 2)
        return written + b"".join(octets("rr_interval", rr, 2) for rr in self.rr_intervals) + self.trailing
