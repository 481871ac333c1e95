"""What is known of treadmills by their name: the files in `config/treadmills/`.

`[daemon]` is what retrowalk may rely on with such a machine, `[sim]` how the simulated one behaves (read by
`retrowalk.sim.machines`). A machine's oddity is a key in such a file, never a name in the code.
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

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

    commissioned: bool | None = None
    second_stop: bool | None = None
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


class Match(_Closed):
    """`[match]`: which machines the file is about, by patterns such as "KS-HD-*" for the advertised name."""

    names: list[Annotated[str, Field(min_length=1)]] = Field(min_length=1)


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
        return all(name.startswith(SIMULATED) for name in self.match.names)

    @model_validator(mode="after")
    def _no_real_machine_is_commissioned_by_its_name(self) -> Self:
        if (self.daemon.commissioned or self.daemon.second_stop) and not self.is_simulated:
            raise ValueError(
                "commissioned and second_stop are facts of one machine in one room, never of its model:"
                " `retrowalk commission` and the config set them"
            )
        return self

    def fit(self, advertised: str) -> int:
        """How exactly the file is about a machine of that name: the length of its longest pattern, or 0."""
        name = advertised.strip().casefold()
        return max((len(p) for p in self.match.names if fnmatchcase(name, p.casefold())), default=0)


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


def match(advertised: str) -> MachineFile | None:
    """The file for a machine that advertises this name, the most exact one if several fit; None if none."""
    files = list_machines().values()
    best = max(files, key=lambda file: file.fit(advertised), default=None)
    return best if best and best.fit(advertised) else None


def _read(path: Path) -> MachineFile:
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
            known = Facts.model_fields if first["loc"][0] == "daemon" else MachineFile.model_fields
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
