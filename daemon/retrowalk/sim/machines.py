"""From the `[sim]` part of a machine's file to the quirks of the simulated machine.

The tables and keys of the file are the dataclasses and fields of `retrowalk.sim.model.quirks`, with the unit
at the end of the key where there is one: `minimum_kmh = 0.8` is `Ranges.minimum = 80`.
"""

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, cast, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from blefit.units import Incline, Speed, incline_from_percent, speed_from_kmh
from retrowalk.machines import MachineFile, MachineFileError
from retrowalk.sim.model.quirks import Acceleration, Quirks

_T = TypeVar("_T")


def _acceleration(kmh_per_s: float) -> int:
    return speed_from_kmh(kmh_per_s)


_UNITS: dict[object, tuple[str, Callable[[float], int]]] = {
    Speed: ("_kmh", speed_from_kmh),
    Acceleration: ("_kmh_per_s", _acceleration),
    Incline: ("_percent", incline_from_percent),
}


def quirks_of(machine: MachineFile) -> Quirks:
    """The quirks that a machine's file gives to the simulated one. Raises MachineFileError, in a sentence.

    Where the file gives no name to advertise, it is the first of the names it matches, or none.
    """
    tree = dict(machine.sim)
    tree["link"] = {"name": next(iter(machine.match.names), ""), **tree.get("link", {})}
    try:
        return _read(Quirks, tree, "sim")
    except ValueError as error:
        raise MachineFileError(f"machine {machine.name}: {error}") from error


def _read(kind: type[_T], table: object, where: str) -> _T:
    """One dataclass from its table; ValueError says which key is wrong, and how."""
    if not isinstance(table, Mapping):
        raise ValueError(f"{where}: found {table!r}, allowed is a table")  # noqa: TRY004  (all mistakes of a file alike)
    hints = get_type_hints(kind)
    keys = {_key(one.name, hints[one.name]): one.name for one in fields(cast("Any", kind))}
    values: dict[str, Any] = {}
    for key, value in table.items():
        place = f"{where}.{key}"
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1)
            advice = f"did you mean {near[0]}?" if near else f"allowed are {', '.join(keys)}"
            raise ValueError(f"{place} is not a key here, {advice}")
        values[keys[key]] = _value(hints[keys[key]], value, place)
    try:
        return kind(**values)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _value(hint: Any, value: object, place: str) -> object:
    if is_dataclass(hint):
        return _read(cast("type[object]", hint), value, place)
    unit = _unit(hint)
    try:
        if unit is None:
            # By way of JSON: there a list may become a tuple and a text an enum, and nothing else may.
            return TypeAdapter(hint).validate_json(json.dumps(value), strict=True)
        number = TypeAdapter(float).validate_python(value, strict=True)
        return _UNITS[unit][1](number)
    except ValidationError as error:
        raise ValueError(f"{place}: found {value!r}: {error.errors()[0]['msg']}") from error
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error


def _unit(hint: object) -> object | None:
    return next((unit for unit in _UNITS if unit is hint or unit in get_args(hint)), None)


def _key(name: str, hint: object) -> str:
    unit = _unit(hint)
    return name if unit is None else name + _UNITS[unit][0]
