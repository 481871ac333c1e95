"""The strings of Device Information, 0x2A24 to 0x2A29 (Device Information Service 1.1, 3)."""

from blefit.octets import text, text_octets


def decode(payload: bytes) -> str:
    """The string, without the NULs some machines pad it with; octets that are no UTF-8 become U+FFFD.

    Every payload is a string: nothing is raised.
    """
    return text(payload)


def encode(string: str) -> bytes:
    """The octets of `string`; ValueError when it ends in NUL."""
    return text_octets("the string", string)
