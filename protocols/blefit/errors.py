"""The one thing that can go wrong with octets from outside."""


class DecodeError(ValueError):
    """Octets that cannot be a value of their characteristic.

    `field` is the name of the field that was cut or is wrong, `reason` says what is the matter with it.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason

    @classmethod
    def cut(cls, field: str, needed: int, came: int) -> "DecodeError":
        """`field` is `needed` octets long and only `came` were left for it."""
        octets = "octet" if needed == 1 else "octets"
        return cls(field, f"was cut: it is {needed} {octets} long, and {came or 'none'} came")
