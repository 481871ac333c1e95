"""The shape of a Treadmill Data frame (FTMS 4.4): which octets are which field, by flags and length.

What the table in the specification does not say:
- Bit 0 is inverted. Clear: Instantaneous Speed is present and the record ends here. Set: no speed, and more
  notifications of the same record follow.
- Pace is one octet of 0.1 km/min in the 2017 edition, two in newer ones. One is what real machines send, so
  two are read only where the length fits nothing else.
- Bit 13 is reserved. Many walking pads set it and append their step count, in 0, 2 or 3 octets.
- Some machines promise more by their flags than they send: what arrived whole counts, the rest is missing.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from struct import Struct, calcsize
from typing import Any, Final, NamedTuple

from blefit.errors import DecodeError

MORE_DATA: Final = 1 << 0
STEPS_BIT: Final = 13


class Field(NamedTuple):
    """One field: its name in TreadmillData and its format as of `struct`, a 24-bit integer being "HB"."""

    name: str
    format: str
    absent: tuple[int, ...] = ()
    """Values that mean "not available"; the first is the one to send."""

    @property
    def width(self) -> int:
        """Its length in octets."""
        return calcsize("<" + self.format)


SPEED: Final = Field("instantaneous_speed", "H")
STEPS: Final = Field("vendor_step_count", "HB")
PACES: Final = (Field("instantaneous_pace", "B"), Field("average_pace", "B"))
_NO_ELEVATION = (0x7FFF, 0xFFFF)  # the specification names none; consoles in gyms send these two

GROUPS: Final[Mapping[int, tuple[Field, ...]]] = {
    1: (Field("average_speed", "H"),),
    2: (Field("total_distance", "HB"),),
    3: (Field("inclination", "h", (0x7FFF,)), Field("ramp_angle", "h", (0x7FFF,))),
    4: (
        Field("positive_elevation_gain", "H", _NO_ELEVATION),
        Field("negative_elevation_gain", "H", _NO_ELEVATION),
    ),
    5: PACES[:1],
    6: PACES[1:],
    7: (
        Field("total_energy", "H", (0xFFFF,)),
        Field("energy_per_hour", "H", (0xFFFF,)),
        Field("energy_per_minute", "B", (0xFF,)),
    ),
    8: (Field("heart_rate", "B", (0,)),),
    9: (Field("metabolic_equivalent", "B"),),
    10: (Field("elapsed_time", "H"),),
    11: (Field("remaining_time", "H"),),
    12: (Field("force_on_belt", "h", (0x7FFF,)), Field("power_output", "h", (0x7FFF,))),
    STEPS_BIT: (STEPS,),
}
"""What each flag but bit 0 announces, in the order of the frame."""

_STEP_FORMATS: Final = {0: "", 2: "H", 3: "HB"}


class Layout(NamedTuple):
    """How to read every frame of the same flags and length."""

    unpack: Callable[[bytes], tuple[Any, ...]]
    wide: tuple[int, ...]
    """Where a 24-bit integer came as 16 low bits, followed by 8 high ones."""
    optional: tuple[tuple[int, tuple[int, ...]], ...]
    """Where a value may mean "not available", and which ones do."""
    constants: tuple[None, bool, tuple[str, ...]]
    """What follows the unpacked values: unknown, More Data, the missing fields. Then the trailing octets."""
    end: int
    """Where the trailing octets begin."""
    pick: Callable[[list[Any]], tuple[Any, ...]]
    """Puts all these in the order of the record."""


def layout(flags: int, length: int, order: Sequence[str]) -> Layout:
    """Lay out a frame of `length` octets; `order` names the fields of the record it becomes.

    Raises DecodeError when it is too short for the speed it must have.
    """
    promised = _promised(flags, length - 2)
    missing: tuple[str, ...] = ()
    at: dict[str, int] = {}
    wide: list[int] = []
    optional: list[tuple[int, tuple[int, ...]]] = []
    formats = "<2x"
    slot = 0
    end = 2
    for index, field in enumerate(promised):
        if end + field.width > length:
            missing = tuple(lost.name for lost in promised[index:])
            break
        at[field.name] = slot
        if field.format == "HB":
            wide.append(slot)
        if field.absent:
            optional.append((slot, field.absent))
        formats += field.format
        slot += len(field.format)
        end += field.width
    if SPEED.name in missing:
        raise DecodeError.cut(SPEED.name, SPEED.width, length - 2)
    at |= {"more_data": slot + 1, "missing_fields": slot + 2, "trailing": slot + 3}
    return Layout(
        Struct(formats).unpack_from,
        tuple(wide),
        tuple(optional),
        (None, bool(flags & MORE_DATA), missing),
        length if missing else end,
        itemgetter(*(at.get(name, slot) for name in order)),
    )


def _promised(flags: int, octets: int) -> list[Field]:
    """The fields the flags announce, with the widths that fit into so many octets after the flags."""
    fields = [] if flags & MORE_DATA else [SPEED]
    for bit, group in GROUPS.items():
        if flags >> bit & 1 and bit != STEPS_BIT:
            fields += group
    steps = bool(flags >> STEPS_BIT & 1)
    spare = octets - sum(field.width for field in fields)
    paces = sum(field in PACES for field in fields)
    fitting = _STEP_FORMATS if steps else (0,)
    if spare not in fitting and spare - paces in fitting:
        fields = [field._replace(format="H") if field in PACES else field for field in fields]
        spare -= paces
    if steps and spare <= STEPS.width:  # more than three octets are no step count: they trail
        fields.append(STEPS._replace(format=_STEP_FORMATS.get(spare, STEPS.format)))
    return fields
