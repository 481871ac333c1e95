"""The parameters that Control Point requests and Machine Status notifications have in common.

Both tell targets in the same formats (FTMS 4.16.2 and 4.17), so one description serves both, both ways.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from blefit.octets import Reader, octets


@dataclass(frozen=True, slots=True)
class Number:
    """One integer of a parameter: `per` units of the wire are one unit of `key`."""

    key: str
    width: int
    signed: bool = False
    per: int = 1

    def as_json(self, wire: int) -> float:
        """The value in the unit of `key`; an int where the wire counts in that unit."""
        return wire if self.per == 1 else round(wire / self.per, 4)


@dataclass(frozen=True, slots=True)
class Parameter:
    """What follows an op code.

    As a value it is one integer: the number itself, or, where there are several, their octets read as one
    little-endian integer. `names` gives the meaning of a code. `short_width`: an older edition of the
    specification had the number in so many octets, unsigned, and it is read where only those came.
    """

    numbers: tuple[Number, ...]
    names: Mapping[int, str] = field(default_factory=dict)
    short_width: int | None = None

    @property
    def name(self) -> str:
        """What to call it when it was cut or does not fit."""
        return self.numbers[0].key if len(self.numbers) == 1 else "parameter"

    @property
    def width(self) -> int:
        """Its length in octets."""
        return sum(number.width for number in self.numbers)

    @property
    def signed(self) -> bool:
        """Whether it is one signed number."""
        return len(self.numbers) == 1 and self.numbers[0].signed

    def read(self, reader: Reader) -> int:
        """Take it off `reader`; DecodeError names the number that was cut."""
        if reader.left == self.short_width:
            return reader.integer(self.name, self.short_width)
        if len(self.numbers) == 1:
            return reader.integer(self.name, self.width, signed=self.signed)
        raw = b"".join(octets(n.key, reader.integer(n.key, n.width), n.width) for n in self.numbers)
        return int.from_bytes(raw, "little")

    def write(self, value: int) -> bytes:
        """Its octets; ValueError when `value` does not fit."""
        return octets(self.name, value, self.width, signed=self.signed)

    def as_json(self, value: int) -> dict[str, object]:
        """Each number under its key, and the name of a code as `parameter_name`."""
        reader = Reader(self.write(value))
        told: dict[str, object] = {
            number.key: number.as_json(reader.integer(number.key, number.width, signed=number.signed))
            for number in self.numbers
        }
        if self.names:
            told["parameter_name"] = self.names.get(value, "rfu")
        return told


def read_operation(payload: bytes, formats: Mapping[int, Parameter]) -> tuple[int, int | None, bytes]:
    """Op code, parameter (None where the op code has none in `formats`) and the octets after it.

    Raises DecodeError when it is empty or its parameter was cut.
    """
    reader = Reader(payload)
    op_code = reader.u8("op_code")
    known = formats.get(op_code)
    return op_code, known.read(reader) if known else None, reader.rest()


def write_operation(
    op_code: int, parameter: int | None, trailing: bytes, formats: Mapping[int, Parameter]
) -> bytes:
    """The octets of an operation; ValueError when the parameter does not fit the op code."""
    written = octets("op_code", op_code, 1)
    known = formats.get(op_code)
    if known and parameter is not None:
        written += known.write(parameter)
    elif known or parameter is not None:
        raise ValueError(f"op code {op_code:#04x} has {'a' if known else 'no'} parameter")
    return written + trailing


def _one(key: str, width: int, *, signed: bool = False, per: int = 1) -> Parameter:
    return Parameter((Number(key, width, signed, per),))


def _seconds(*zones: str) -> Parameter:
    return Parameter(tuple(Number(f"time_in_{zone}_zone_s", 2) for zone in zones))


def _code(**names: int) -> Parameter:
    return Parameter((Number("parameter", 1),), {code: name for name, code in names.items()})


SPEED = _one("target_speed_kmh", 2, per=100)
INCLINATION = _one("target_inclination_percent", 2, signed=True, per=10)
RESISTANCE = Parameter((Number("target_resistance_level", 2, signed=True, per=10),), short_width=1)
POWER = _one("target_power_w", 2, signed=True)
HEART_RATE = _one("target_heart_rate_bpm", 1)
STOP_OR_PAUSE = _code(stop=1, pause=2)
EXPENDED_ENERGY = _one("targeted_expended_energy_kcal", 2)
STEPS = _one("targeted_number_of_steps", 2)
STRIDES = _one("targeted_number_of_strides", 2)
DISTANCE = _one("targeted_distance_m", 3)
TRAINING_TIME = _one("targeted_training_time_s", 2)
TWO_ZONES = _seconds("fat_burn", "fitness")
THREE_ZONES = _seconds("light", "moderate", "hard")
FIVE_ZONES = _seconds("very_light", "light", "moderate", "hard", "maximum")
INDOOR_BIKE_SIMULATION = Parameter(
    (
        Number("wind_speed_m_per_s", 2, signed=True, per=1000),
        Number("grade_percent", 2, signed=True, per=100),
        Number("rolling_resistance_coefficient", 1, per=10000),
        Number("wind_resistance_coefficient", 1, per=100),
    )
)
WHEEL_CIRCUMFERENCE = _one("wheel_circumference_mm", 2, per=10)
SPIN_DOWN_CONTROL = _code(start=1, ignore=2)
SPIN_DOWN_STATUS = _code(spin_down_requested=1, success=2, error=3, stop_pedaling=4)
CADENCE = _one("targeted_cadence_per_min", 2, per=2)
