"""What is asked of a treadmill (contract: MQTT): octets to a request, or to the reply that refuses it.

Laws of this file:
- A retained message is refused, whatever it says: nobody knows when it was meant.
- A stop that is fresh on the wire is obeyed though it be late, repeated, malformed or on the wrong topic:
  G3 takes a Stop from every source at any time, and one stop too many costs nothing.
- Everything else must be whole, in time and new, or it is refused in one sentence.
"""

import json
import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Annotated, Literal, TypeVar, assert_never

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from blefit.units import speed_from_kmh
from retrowalk.core.model import (
    AckFault,
    Act,
    Ask,
    Confirm,
    Lease,
    Offer,
    PauseSession,
    Replied,
    Request,
    ResumeSession,
    SetCap,
    Skip,
    StopSession,
)

MOST_OCTETS = 4096
"""A longer payload is not read."""
MOST_AGE = timedelta(seconds=5)
"""How old, or how far ahead of our clock, the `time` of a command may be."""

_STOP_WORD = re.compile(rb"\bstop\b", re.IGNORECASE)
_SLICE = 65536
"""So much of a payload is searched at once: until that is done no other thread runs, not the belt's."""

_Word = Annotated[str, Field(min_length=1, max_length=200)]


class SeenIds:
    """The ids of the newest `most` requests, to know a repeated one."""

    def __init__(self, most: int = 1000) -> None:
        self._most = most
        self._ids: dict[str, None] = {}

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, request_id: str) -> None:
        """Remember an id, and forget the oldest beyond `most`."""
        self._ids.pop(request_id, None)
        self._ids[request_id] = None
        if len(self._ids) > self._most:
            del self._ids[next(iter(self._ids))]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    id: _Word
    time: AwareDatetime | None = None
    expires: AwareDatetime | None = None


class _Start(_Message):
    command: Literal["start"]
    program: _Word
    walker: _Word | None = None


class _SetCap(_Message):
    command: Literal["set_cap"]
    kmh: Annotated[float, Field(ge=0, le=100)]


class _Plain(_Message):
    command: Literal["pause", "resume", "skip", "stop", "lease", "ack_fault"]


class _Confirm(_Message):
    act: Annotated[Act, Field(strict=False)]
    source: _Word
    time: AwareDatetime  # an act without an age could be one of yesterday, delivered now


_M = TypeVar("_M", bound=_Message)
_COMMAND: TypeAdapter[_Start | _SetCap | _Plain] = TypeAdapter(
    Annotated[_Start | _SetCap | _Plain, Field(discriminator="command")]
)
_PLAIN: dict[str, Ask] = {
    "pause": PauseSession(),
    "resume": ResumeSession(),
    "skip": Skip(),
    "stop": StopSession(),
    "lease": Lease(),
    "ack_fault": AckFault(),
}
_CONFIRM: TypeAdapter[_Confirm] = TypeAdapter(_Confirm)


def holds_stop(payload: bytes) -> bool:
    """Whether the whole word `stop` is in it, in any case."""
    return any(_begins_in_slice(payload, begin) for begin in range(0, len(payload), _SLICE))


def _begins_in_slice(payload: bytes, begin: int) -> bool:
    """What begins behind the slice may be cut off, and look like the word: the next slice tells."""
    end = begin + _SLICE + len(b"stop")
    if b"stop" not in payload[begin:end].lower():  # five times as fast
        return False
    found = _STOP_WORD.search(payload, begin, end)
    return found is not None and found.start() < begin + _SLICE


def parse_command(
    payload: bytes, *, retained: bool, now: datetime, seen: SeenIds, source: str = "mqtt"
) -> Request | Replied:
    """A message of the command topic: what it asks, or the refusal to send back. `now` is wall-clock time."""
    if retained:
        return refuse(payload, source, "a retained command is not accepted: publish it without retain")
    if payload.strip() == b"STOP":
        return Request("", source, StopSession())
    try:
        message = _read(_COMMAND, payload)
    except ValueError as error:
        return _stop_or_refuse(payload, source, str(error))
    ask = _ask(message)
    if not isinstance(ask, StopSession) and (reason := _untimely(message, now, seen)):
        return Replied(message.id, source, message.command, "refused", reason)
    seen.add(message.id)
    return Request(message.id, source, ask)


def parse_confirm(
    payload: bytes,
    *,
    retained: bool,
    now: datetime,
    seen: SeenIds,
    sources: Collection[str],
    allow_bare: bool,
    source: str = "mqtt",
) -> Request | Replied:
    """A message of the confirm topic: an act at the machine, or the refusal to send back.

    `sources` and `allow_bare` are this treadmill's `confirm_sources` and `allow_bare_confirm`. The request's
    source is `source`, a colon and the button's own name; a bare CONFIRM names none.
    """
    if retained:
        return refuse(payload, source, "a retained act is not accepted: publish it without retain", "confirm")
    bare = payload.strip() == b"CONFIRM"
    message = None
    if not bare:
        try:
            message = _read(_CONFIRM, payload)
        except ValueError as error:
            return _stop_or_refuse(payload, source, str(error), "confirm")
    if not sources:
        reason = "this treadmill has no confirm_sources in its config: no button can act at the machine"
        return refuse(payload, source, reason, "confirm")
    if message is None:
        if not allow_bare:
            reason = "a bare CONFIRM is not allowed for this treadmill: set allow_bare_confirm in its config"
            return Replied("", source, "confirm", "refused", reason)
        return Request("", source, Confirm(None))
    if message.source not in sources:
        reason = f"the source {message.source!r} is not one of this treadmill's confirm_sources"
        return Replied(message.id, source, "confirm", "refused", reason)
    if reason := _untimely(message, now, seen):
        return Replied(message.id, source, "confirm", "refused", reason)
    seen.add(message.id)
    return Request(message.id, f"{source}:{message.source}", Confirm(message.act))


def _read(adapter: TypeAdapter[_M], payload: bytes) -> _M:
    """The message in `payload`; ValueError with what is wrong with it, in words."""
    if len(payload) > MOST_OCTETS:
        raise ValueError(f"{len(payload)} octets are too many: a message has at most {MOST_OCTETS}")
    try:
        return adapter.validate_json(payload)
    except ValidationError as error:
        wrong = [_sentence(detail) for detail in error.errors(include_url=False)]
        raise ValueError("; ".join(wrong[:3])) from None


def _sentence(detail: ErrorDetails) -> str:
    key = detail["loc"][-1] if detail["loc"] else ""
    match detail["type"]:
        case "json_invalid":
            return f"this is not JSON: {detail['ctx']['error']}"
        case "dict_type" | "model_type":
            return "this is not a JSON object"
        case "union_tag_not_found":
            return "the key command is missing"
        case "union_tag_invalid":
            return (
                f"the command {detail['ctx']['tag']:.40} is not known: take {detail['ctx']['expected_tags']}"
            )
        case "missing":
            return f"the key {key} is missing"
        case "extra_forbidden":
            return f"the key {key!s:.40} is not known here"
        case _:
            found = json.dumps(detail["input"])
            return f"{key} cannot be {found:.40}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _untimely(message: _Message, now: datetime, seen: SeenIds) -> str:
    """Why this message must not be obeyed now; empty where it may."""
    if message.id in seen:
        return f"the id {message.id!r} was used before: give each command its own"
    if message.expires is not None and message.expires < now:
        return f"it is late: it expired {_seconds(now - message.expires)} ago"
    if message.time is not None and now - message.time > MOST_AGE:
        return f"it is late: its time is {_seconds(now - message.time)} ago, {_seconds(MOST_AGE)} is allowed"
    if message.time is not None and message.time - now > MOST_AGE:
        return f"its time is {_seconds(message.time - now)} ahead of the clock here: set the sender's clock"
    return ""


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f} s"


def _ask(message: _Start | _SetCap | _Plain) -> Ask:
    match message:
        case _Start():
            return Offer(message.program, message.walker)
        case _SetCap():
            return SetCap(speed_from_kmh(message.kmh))
        case _Plain():
            return _PLAIN[message.command]
        case _:
            assert_never(message)


def _stop_or_refuse(payload: bytes, source: str, reason: str, command: str = "") -> Request | Replied:
    if holds_stop(payload):
        request_id, _ = _named(payload)
        return Request(request_id, source, StopSession())
    return refuse(payload, source, reason, command)


def refuse(payload: bytes, source: str, reason: str, command: str = "") -> Replied:
    """The refusal of a message, with the id and the command that it seems to carry."""
    request_id, named = _named(payload)
    return Replied(request_id, source, command or named, "refused", reason)


def _named(payload: bytes) -> tuple[str, str]:
    """The id and the command that a message which is not obeyed seems to carry; empty where it shows none."""
    if len(payload) > MOST_OCTETS:
        return "", ""
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(message, dict):
        return "", ""
    shown = (message.get("id"), message.get("command"))
    request_id, command = (value[:200] if isinstance(value, str) else "" for value in shown)
    return request_id, command
