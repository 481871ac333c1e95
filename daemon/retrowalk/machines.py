"""What is known of treadmills by what they show of themselves: the files in `config/treadmills/`.

`[daemon]` is what retrowalk may rely on with such a machine, `[sim]` how the simulated one behaves (read by
`retrowalk.sim.machines`). A machine's oddity is a key in such a file, never a name in the code.
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from blefit import uuids
from blefit.units import Speed, speed_from_kmh
from retrowalk.core.model import Machine
from retrowalk.resources import config_dir

SIMULATED = "retrowalk "
"""How the names of machines begin that exist in no room."""

_Kmh = Annotated[float, Field(gt=0, le=30, allow_inf_nan=False)]
_Seconds = Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)]


class MachineFileError(ValueError):
    """A machine that is not there, or a file that cannot be used: one sentence, with what to do."""


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Facts(_Closed):
    """`[daemon]`: what the machine cannot tell of itself, by the names of `retrowalk.core.model.Machine`.

    A key that is not there leaves what was read from the machine, or the cautious default.
    """

    watch_only: Annotated[str, Field(min_length=1)] | None = None
    commissioned: bool | None = None
    second_stop: bool | None = None
    inclinable: bool | None = None
    minimum_kmh: _Kmh | None = None
    maximum_kmh: _Kmh | None = None
    increment_kmh: _Kmh | None = None
    deceleration_kmh_per_s: Annotated[float, Field(ge=0.05, le=5)] | None = None
    start_delay_s: _Seconds | None = None
    silent_at_rest: bool | None = None
    needs_target_to_move: bool | None = None
    echoes_target: bool | None = None
    starts_above_minimum: bool | None = None
    control_unanswered: bool | None = None
    pause_supported: bool | None = None
    reports_start_key: bool | None = None
    reports_presence: bool | None = None
    keeps_running_without_link: bool | None = None

    def applied_to(self, machine: Machine) -> Machine:
        """`machine` with these facts in place of its own."""
        known: dict[str, Any] = {}
        for key, value in self.model_dump(exclude_none=True).items():
            if key.endswith("_kmh"):
                known[key.removesuffix("_kmh")] = speed_from_kmh(value)
            elif key.endswith("_kmh_per_s"):
                known[key.removesuffix("_kmh_per_s")] = int(Speed(speed_from_kmh(value)))
            else:
                known[key] = value
        return replace(machine, **known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a machine shows of itself, in the air and when it is read. None: not known."""

    name: str = ""
    """As advertised; empty where it advertises none."""
    service_data: bytes | None = None
    """Of the Fitness Machine Service, as advertised."""
    device_information: Mapping[str, str] = field(default_factory=dict)
    characteristics: frozenset[int] | None = None
    """Their 16-bit numbers."""
    speeds: tuple[int, int, int] | None = None
    """Minimum, maximum and increment that it tells, in 0.01 km/h."""


_Pattern = Annotated[str, Field(min_length=1)]
_Number = Annotated[str, Field(pattern=r"^2[0-9A-Fa-f]{3}$")]


class Match(_Closed):
    """`[match]`: which machines the file is about. Every key that is there must fit.

    Patterns are as in file names ("KS-HD-*"), in any case; of `names` one must fit.
    """

    names: list[_Pattern] = []
    manufacturer: _Pattern | None = None
    model: _Pattern | None = None
    firmware: _Pattern | None = None
    hardware: _Pattern | None = None
    software: _Pattern | None = None
    service_data: _Pattern | None = None
    """The octets in hexadecimal without blanks."""
    has: list[_Number] = []
    """Characteristics by number, such as "2AD2", that all are there."""
    lacks: list[_Number] = []
    speed_range_kmh: Annotated[list[float], Field(min_length=3, max_length=3)] | None = None
    """Minimum, maximum and increment that it tells."""

    @model_validator(mode="after")
    def _something_is_asked(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(f"match needs one of {', '.join(type(self).model_fields)}")
        return self

    def fits(self, shown: Shown) -> Mapping[str, int]:
        """What fits and how exactly, by key; nothing where one key does not.

        Service data that nobody heard, as of a machine that is connected already, are not missed.
        """
        found = {
            "names": max((_fit(pattern, shown.name) for pattern in self.names), default=0),
            "service_data": _fit(self.service_data, (shown.service_data or b"").hex()),
            "has": int(_numbers(self.has) <= (shown.characteristics or frozenset())),
            "lacks": int(
                shown.characteristics is not None and not _numbers(self.lacks) & shown.characteristics
            ),
            "speed_range_kmh": int(self._told_speeds() == shown.speeds),
            **{key: _fit(getattr(self, key), shown.device_information.get(key, "")) for key in _DEVICE},
        }
        keys = self.model_fields_set - ({"service_data"} if shown.service_data is None else set())
        asked = {key: found[key] for key in type(self).model_fields if key in keys}
        return asked if all(asked.values()) else {}

    def _told_speeds(self) -> tuple[int, ...] | None:
        told = self.speed_range_kmh
        return None if told is None else tuple(round(speed * 100) for speed in told)


_DEVICE = ("manufacturer", "model", "firmware", "hardware", "software")


def _fit(pattern: str | None, told: str) -> int:
    """How exact a pattern is that fits, or 0."""
    if not pattern or not told or not fnmatchcase(told.strip().casefold(), pattern.casefold()):
        return 0
    return len(pattern)


def _numbers(texts: list[str]) -> frozenset[int]:
    return frozenset(number for text in texts if (number := uuids.short(text)) is not None)


class MachineFile(_Closed):
    """One file of `config/treadmills/`."""

    name: str
    """As the file is called."""
    about: str
    """One sentence for a person: what is special about it."""
    source: str
    """Where the facts come from."""
    match: Match
    daemon: Facts = Facts()
    sim: dict[str, Any] = {}

    @property
    def is_simulated(self) -> bool:
        """No real machine goes by these names."""
        names = self.match.names
        return bool(names) and all(name.startswith(SIMULATED) for name in names)

    @model_validator(mode="after")
    def _no_real_machine_is_commissioned_by_its_name(self) -> Self:
        if (self.daemon.commissioned or self.daemon.second_stop) and not self.is_simulated:
            raise ValueError(
                "commissioned and second_stop are facts of one machine in one room, never of its model:"
                " `retrowalk commission` and the config set them"
            )
        return self

    def fit(self, shown: Shown) -> tuple[int, int]:
        """How exactly the file is about a machine: by how many keys, by how long a pattern; (0, 0) if not."""
        fits = self.match.fits(shown)
        return len(fits), max(fits.values(), default=0)


def machines_dir() -> Path:
    """Where the shipped files lie."""
    return config_dir() / "treadmills"


@cache
def list_machines() -> Mapping[str, MachineFile]:
    """All shipped files by name, in alphabetical order. Raises MachineFileError if one cannot be used."""
    files = [_read(path) for path in sorted(machines_dir().glob("*.toml"))]
    return {file.name: file for file in files}


def load_machine(name_or_path: str | Path) -> MachineFile:
    """The shipped file of that name, or the file at a path that ends in `.toml`. Raises MachineFileError."""
    if Path(name_or_path).suffix == ".toml":
        return _read(Path(name_or_path))
    known = list_machines()
    name = str(name_or_path)
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    raise MachineFileError(f"there is no machine {name!r}: {advice}")


def match(shown: Shown) -> MachineFile | None:
    """The file about the machine that shows this, the most exact one if several fit; None if none."""
    best = max(list_machines().values(), key=lambda file: file.fit(shown), default=None)
    return best if best and any(best.fit(shown)) else None


@cache
def _read(path: Path) -> MachineFile:
    """Once a process: a file that is edited later must not keep a lost link from being built again."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MachineFileError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MachineFileError(f"{path}: octet {error.start} is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise MachineFileError(f"{path}: is no TOML: {error}") from error
    try:
        file = MachineFile.model_validate(tree)
    except ValidationError as error:
        raise MachineFileError(f"{path}: {_sentence(error)}") from error
    if file.name != path.stem:
        raise MachineFileError(f"{path}: its name is {file.name!r}: give file and machine the same name")
    return file


def _sentence(error: ValidationError) -> str:
    """The first mistake in words."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    match first["type"]:
        case "extra_forbidden":
            kinds: dict[object, type[BaseModel]] = {"daemon": Facts, "match": Match}
            known = kinds.get(first["loc"][0], MachineFile).model_fields
            near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
            return f"{key} is not a key here, " + (
                f"did you mean {near[0]}?" if near else f"allowed are {', '.join(known)}"
            )
        case "missing":
            return f"{key} is missing"
        case "value_error":
            return str(first["ctx"]["error"])
        case _:
            return f"{key}: found {first['input']!r}: {first['msg']}"
