"""Recorded sessions from a JSON file: `{ID: {"device": NAME, "events": [{"t", "kind", "char", "hex"}]}}`."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError

from retrowalk.sim.model.trace import Event, Trace


class TraceError(ValueError):
    """The file has no recorded sessions that can be played; the text is a sentence for a person."""


def _octets(text: str) -> str:
    try:
        bytes.fromhex(text)
    except ValueError:
        raise ValueError("allowed are octets in hexadecimal, such as 80 07 01") from None
    return text


class _Event(BaseModel):
    t: Annotated[float, Field(allow_inf_nan=False)]
    kind: str
    char: str | None = None
    hex: Annotated[str, AfterValidator(_octets)] | None = None


class _Session(BaseModel):
    device: str = ""
    events: Annotated[list[_Event], Field(min_length=1)]


_SESSIONS = TypeAdapter(dict[str, _Session])


def load(path: Path) -> list[Trace]:
    """The sessions of that file, in its order; times begin at 0. Raises TraceError."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TraceError(f"{path} cannot be read: {error}") from error
    except ValueError as error:
        raise TraceError(f"{path} is no JSON: {error}") from error
    try:
        sessions = _SESSIONS.validate_python(told)
    except ValidationError as error:
        first = error.errors()[0]
        where = ", ".join(f"no. {part + 1}" if isinstance(part, int) else part for part in first["loc"])
        told = first["msg"].removeprefix("Value error, ")
        raise TraceError(f"{path}: {where or 'the whole'}: found {first['input']!r:.60}: {told}") from error
    return [_trace(name, session) for name, session in sessions.items()]


def _trace(name: str, session: _Session) -> Trace:
    began = min(event.t for event in session.events)
    events = [
        Event(event.t - began, event.kind.lower(), event.char, bytes.fromhex(event.hex or ""))
        for event in session.events
    ]
    return Trace(name, session.device, tuple(sorted(events, key=lambda event: event.at)))
