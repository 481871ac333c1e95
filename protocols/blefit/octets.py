"""Little-endian integers, read one after the other and written with their range checked."""

from blefit.errors import DecodeError


class Reader:
    """Takes fields off the front of a payload; DecodeError names the one that was cut."""

    __slots__ = ("_at", "_payload")

    def __init__(self, payload: bytes) -> None:
        self._payload = bytes(payload)
        self._at = 0

    def integer(self, field: str, width: int, *, signed: bool = False) -> int:
        """The next `width` octets as an integer."""
        octets = self._payload[self._at : self._at + width]
        if len(octets) < width:
            raise DecodeError.cut(field, width, len(octets))
        self._at += width
        return int.from_bytes(octets, "little", signed=signed)

    def u8(self, field: str) -> int:
        """The next octet."""
        return self.integer(field, 1)

    def u16(self, field: str) -> int:
        """The next two octets, unsigned."""
        return self.integer(field, 2)

    def s16(self, field: str) -> int:
        """The next two octets, signed."""
        return self.integer(field, 2, signed=True)

    def u32(self, field: str) -> int:
        """The next four octets, unsigned."""
        return self.integer(field, 4)

    @property
    def left(self) -> int:
        """How many octets are left."""
        return len(self._payload) - self._at

    def rest(self) -> bytes:
        """All octets that are left; nothing is left after it."""
        octets = self._payload[self._at :]
        self._at = len(self._payload)
        return octets


def octets(field: str, value: int, width: int, *, signed: bool = False) -> bytes:
    """`value` in `width` octets; ValueError names the field and its range when it does not fit."""
    try:
        return value.to_bytes(width, "little", signed=signed)
    except OverflowError:
        bits = 8 * width
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        raise ValueError(f"{field} must be from {low} to {high}, not {value}") from None


def text(payload: bytes) -> str:
    """UTF-8 as machines send it: padding NULs are dropped, octets that are no UTF-8 become U+FFFD."""
    return payload.rstrip(b"\0").decode("utf-8", "replace")


def text_octets(field: str, value: str) -> bytes:
    """`value` in UTF-8; ValueError when it ends in NUL, which a reader takes for padding."""
    if value.endswith("\0"):
        raise ValueError(f"{field} must not end in NUL: {value!r}")
    return value.encode()
