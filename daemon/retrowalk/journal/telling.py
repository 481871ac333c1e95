"""A control step for people: what came and what went, one small table each, octets decoded."""

import re
from collections.abc import Iterator

from blefit import uuids
from blefit.errors import DecodeError
from blefit.registry import decode_json
from retrowalk.core.model import Confirm, Emitted, Notified, Replied, Request
from retrowalk.core.replies import command_name
from retrowalk.journal.lines import Step
from retrowalk.journal.values import Json, NoValue, to_json

TROUBLE = frozenset({"fault", "fault_cleared", "refused", "link_lost", "garbled", "control_point", "bug"})
"""The kinds of events that `--faults` leaves."""


def told(step: Step) -> Iterator[dict[str, Json]]:
    """What came, then the frames, then the effects; each with its `kind`, null where nothing is known."""
    match step.got:
        case None:
            pass
        case Notified(connection, characteristic, octets):
            kind = characteristic.name.lower()
            yield {"kind": kind, "connection": connection, **decoded(characteristic.value, octets)}
        case Request(request_id, source, ask):
            name = {"kind": "request", "command": command_name(ask), "id": request_id, "source": source}
            yield name | ({"act": ask.act and ask.act.value} if isinstance(ask, Confirm) else _fields(ask))
        case other:
            yield {"kind": _kind(other), **_fields(other)}
    for connection, ticket, octets in step.frames:
        meant = decoded(uuids.FITNESS_MACHINE_CONTROL_POINT, octets)
        yield {"kind": "frame", "connection": connection, "ticket": ticket, **meant}
    for effect in step.effects:
        match effect:
            case Emitted(kind, fields):
                yield {"kind": "event", "type": kind, **fields}
            case Replied():
                yield {"kind": "reply", **_fields(effect)}
            case _:
                yield {"kind": _kind(effect), **_fields(effect)}
    if step.bug:
        yield {"kind": "bug", "type": "bug", "text": step.bug}


def decoded(number: int, octets: bytes) -> dict[str, Json]:
    """What the octets of that characteristic say, beside themselves."""
    try:
        return {"hex": octets.hex(), **decode_json(number, [octets])[0]}
    except (DecodeError, LookupError) as error:
        return {"hex": octets.hex(), "error": str(error)}


def sentence(row: dict[str, Json]) -> str:
    """One of them in a line: what is known of it."""
    first = {"said": "text", "request": "command", "event": "type", "reply": "outcome", "frame": "op_name"}
    lead = first.get(row["kind"], "")
    said = {"kind", lead}
    if "hex" in row and "error" not in row:  # the octets are decoded: they are no news
        said |= {"hex", "op_code", "request_op_code"}
    rest = ", ".join(f"{key} {_word(one)}" for key, one in row.items() if key not in said and _known(one))
    return " ".join(filter(None, (str(row.get(lead) or ""), rest)))


def _known(value: Json) -> bool:
    return not (value is None or value is False or value in ("", []))  # but zero is zero


def _word(value: Json) -> str:
    if isinstance(value, dict):
        kind = value.get("name") or value.get("of") or value.get("is")
        return str(kind)
    if isinstance(value, list):
        return " ".join(map(_word, value))
    return "yes" if value is True else str(value)


def _kind(value: object) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(value).__name__).lower()


def _fields(value: object) -> dict[str, Json]:
    try:
        known = to_json(value)
    except NoValue:
        return {"text": repr(value)}
    return {key: one for key, one in known.items() if key not in {"is", "number"}}
