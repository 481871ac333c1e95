"""One mistake in the configuration, as one sentence: where, what was found, what is allowed."""

import difflib
import json
import re
from typing import get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from retrowalk.settings.model import Settings
from retrowalk.settings.together import Location

_UNITS = {"_kmh_per_s": " km/h per s", "_kmh": " km/h", "_percent": " %", "_min": " min", "_s": " s"}
_KINDS = {
    "string_type": "a text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "tuple_type": "a list in [ ]",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "path_type": "a path in quotes",
}


def sentence(name: str, text: str, location: Location, told: str) -> str:
    """`FILE:LINE: [table] key: what is wrong`, with the line where the text of the file has that key."""
    line = line_of(text, location)
    if line is None:
        return f"{name}: {_where(location)}: {told}"
    plain = len(location) == 1 and not text.splitlines()[line - 1].lstrip().startswith("[")
    return f"{name}:{line}: {location[0] if plain else _where(location)}: {told}"


def line_of(text: str, location: Location) -> int | None:
    """The line of a key in a TOML text, else of its table; None where neither is written the usual way."""
    table, rest, nth = location[0], location[1:], 0
    if rest and isinstance(rest[0], int):
        nth, rest = rest[0], rest[1:]
    wanted = rf"\s*[\"']?{re.escape(str(table))}\b"  # before the first header: `table.key = ...` and the like
    inside: int | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\[?\s*([\w.-]+)", line):
            if inside:
                break
            if header[1] == table:
                inside, nth = (number, nth) if nth == 0 else (None, nth - 1)
            wanted = rf"\s*[\"']?{re.escape(str(rest[0]))}[\"']?\s*=" if inside and rest else r"(?!)"
        elif re.match(wanted, line):
            return number
    return inside


def _where(location: Location) -> str:
    """("treadmills", 1, "address") is `[[treadmills]] no. 2 address`."""
    table, rest = f"[{location[0]}]", list(location[1:])
    if rest and isinstance(rest[0], int):
        table, rest = f"[{table}] no. {rest[0] + 1}", rest[1:]
    return " ".join([table, *(f"no. {part + 1}" if isinstance(part, int) else part for part in rest)])


def what(error: ErrorDetails) -> str:
    """What is wrong, from pydantic's account of it."""
    kind, location = error["type"], error["loc"]
    limits, key = error.get("ctx", {}), str(location[-1])
    found = _shown(_discreet(error["input"]) if key == "url" else error["input"])
    unit = next((unit for suffix, unit in _UNITS.items() if key.endswith(suffix)), "")
    match kind:
        case "extra_forbidden":
            return f"is not a key here, {_nearest(location)}"
        case "missing":
            return "is missing"
        case "less_than_equal":
            return f"{found} is above the ceiling {limits['le']:g}{unit}"
        case "greater_than_equal":
            return f"{found} is below the lowest allowed, {limits['ge']:g}{unit}"
        case "literal_error":
            return f"found {found}, allowed is {limits['expected']}"
        case "string_too_short" | "string_too_long":
            return f"found {found}, allowed are 1 to 200 characters"
        case "value_error":
            told = str(limits["error"])
            return told if key == "password" else f"found {found}, {told}"
        case _:
            return f"found {found}, allowed is {_KINDS.get(kind, error['msg'])}"


def _shown(value: object) -> str:
    """As it stands in the file, shortened."""
    told = json.dumps(value, ensure_ascii=False)
    return told if len(told) <= 60 else f"{told[:57]}..."


def _discreet(url: object) -> object:
    """Without what may be a password."""
    return re.sub(r".*@", "...@", url, flags=re.DOTALL) if isinstance(url, str) else url


def _nearest(location: Location) -> str:
    """The key that was probably meant, else all that the table knows."""
    known = _keys(location)
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"did you mean {near[0]}?" if near else f"allowed are {', '.join(known)}"


def _keys(location: Location) -> list[str]:
    if len(location) == 1:
        return list(Settings.model_fields)
    kind = Settings.model_fields[str(location[0])].annotation
    section = get_args(kind)[0] if get_args(kind) else kind
    assert isinstance(section, type) and issubclass(section, BaseModel)  # noqa: PT018  (every table is one)
    return list(section.model_fields)
