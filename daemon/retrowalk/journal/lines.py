"""The lines of a journal, one JSON object each: a header, control steps, ticks in which nothing happened.

`t` is the control task's time, exact to the last bit, `at` the wall clock's. A header says what a replay
starts from: the setup of a controller that is new (`setup`), or the whole controller as it was (`state`).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from retrowalk.core.model import Characteristic, Effect, Happening, Notified
from retrowalk.core.program import Program
from retrowalk.journal.values import Json, NoValue, Unknown, from_json, to_json

FORMAT = 1
"""Counted up when a reader of the old lines would misread new ones."""
_MARK = "retrowalk_journal"
_CHARACTERISTICS = {number.value: number for number in Characteristic}
_UUIDS = {number: f"{number.value:04x}" for number in Characteristic}


class JournalError(ValueError):
    """A file that is no journal, or none that can be read; one sentence that says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first line of a file."""

    version: str
    """retrowalk's own."""
    treadmill: str
    t: float
    at: datetime
    setup: Json = None
    left_running: bool = False
    """With `setup`: the controller began with a moving-marker on disk."""
    state: Json = None
    """A controller that was at work already; neither this nor `setup`: it could not be kept."""
    lost: int = 0
    """So many control steps before it are in no file: the disk did not take them."""


class Frame(NamedTuple):
    """Octets handed to the link."""

    connection: int
    ticket: int
    octets: bytes


@dataclass(slots=True)
class Step:
    """One control step: what came, what the world answered on the way, what went out.

    `programs` has what was found for each name asked for, or the sentence why not. `bug` says what ended
    the step before its end.
    """

    t: float
    at: datetime
    got: Happening | None = None
    programs: tuple[Program | str, ...] = ()
    ids: tuple[str, ...] = ()
    frames: tuple[Frame, ...] = ()
    effects: tuple[Effect | Unknown, ...] = ()
    bug: str = ""
    session: bool = field(default=False, compare=False)
    """A session is on; not in the line."""

    @property
    def quiet(self) -> bool:
        """Nothing followed from what came, if anything did."""
        return not (self.frames or self.effects or self.programs or self.ids or self.bug)


Entry = Header | Step


# --- out ------------------------------------------------------------------------------------------


def written(entries: Iterable[Entry]) -> Iterator[str]:
    """Their lines, each with its end; bare ticks in a row share one."""
    ticks: list[Step] = []
    for entry in entries:
        if isinstance(entry, Step) and entry.got is None and entry.quiet:
            ticks.append(entry)
            continue
        if ticks:
            yield _ticks(ticks)
            ticks = []
        yield _header(entry) if isinstance(entry, Header) else _step(entry)
    if ticks:
        yield _ticks(ticks)


def rfc3339(at: datetime) -> str:
    """In UTC, to the millisecond."""
    return f"{_to_the_second(int(at.timestamp()))}.{at.microsecond // 1000:03d}Z"


@lru_cache(maxsize=8)
def _to_the_second(second: int) -> str:  # the same for many lines in a row: four times as fast
    return datetime.fromtimestamp(second, UTC).isoformat()[:19]


def _line(told: Json) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"


def _ticks(ticks: list[Step]) -> str:
    times = ",".join([repr(tick.t) for tick in ticks])
    return f'{{"ticks":[{times}],"at":"{rfc3339(ticks[0].at)}"}}\n'


def _header(header: Header) -> str:
    told: Json = {
        _MARK: FORMAT,
        "version": header.version,
        "treadmill": header.treadmill,
        "t": header.t,
        "at": rfc3339(header.at),
    }
    if header.setup is not None:
        told |= {"setup": header.setup, "left_running": header.left_running}
    elif header.state is not None:
        told["state"] = header.state
    if header.lost:
        told["lost"] = header.lost
    return _line(told)


def _step(step: Step) -> str:
    got = step.got
    if type(got) is Notified and step.quiet:  # most lines are one of these, and no json module is as fast
        came = f'[{got.connection},"{_UUIDS[got.characteristic]}","{got.payload.hex()}"]'
        return f'{{"t":{step.t!r},"at":"{rfc3339(step.at)}","notified":{came}}}\n'
    told: Json = {"t": step.t, "at": rfc3339(step.at)}
    if isinstance(got, Notified):
        told["notified"] = [got.connection, _UUIDS[got.characteristic], got.payload.hex()]
    elif got is not None:
        told["got"] = _kept(got)
    if step.programs:
        told["programs"] = [p if isinstance(p, str) else _kept(p) for p in step.programs]
    if step.ids:
        told["ids"] = step.ids
    if step.frames:
        told["frames"] = [[f.connection, f.ticket, f.octets.hex()] for f in step.frames]
    if step.effects:
        told["effects"] = [_kept(effect) for effect in step.effects]
    if step.bug:
        told["bug"] = step.bug
    return _line(told)


def _kept(value: object) -> Json:
    try:
        return to_json(value)
    except NoValue:  # it is still told, and the rest of the journal is not lost for it
        return to_json(Unknown(repr(value)))


# --- in -------------------------------------------------------------------------------------------


def read(lines: Iterable[str]) -> Iterator[tuple[int, Entry]]:
    """The entries of a file and the numbers of their lines. A torn last line is left out.

    Raises JournalError.
    """
    last = 0
    for number, line in enumerate(lines, 1):
        last = number
        if not line.endswith("\n"):  # the daemon ended while it wrote it; nothing was acknowledged by it
            break
        try:
            told = json.loads(line)
            if not isinstance(told, dict):
                raise JournalError("this is no JSON object")
            if number == 1 and _MARK not in told:
                raise JournalError("this is no journal of retrowalk: its first line is no header")
            yield from ((number, entry) for entry in _entries(told))
        except (JournalError, NoValue) as error:
            raise JournalError(f"line {number}: {error}") from error
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise JournalError(f"line {number} is damaged ({type(error).__name__}: {error})") from error
    if last == 0:
        raise JournalError("the file is empty")


def _entries(told: Json) -> Iterator[Entry]:
    if _MARK in told:
        yield _read_header(told)
        return
    at = datetime.fromisoformat(told.pop("at"))
    if "ticks" in told:
        for t in told.pop("ticks"):
            yield Step(float(t), at)
    else:
        yield _read_step(told, at)
    if told:
        raise JournalError(f"this version knows no {', '.join(sorted(told))!r} there")


def _read_header(told: Json) -> Header:
    if told.pop(_MARK) != FORMAT:
        raise JournalError(
            "the journal has a format that this version cannot read:"
            f" retrowalk {told.get('version')} has written it"
        )
    return Header(**told | {"at": datetime.fromisoformat(told["at"])})


def _read_step(told: Json, at: datetime) -> Step:
    got = from_json(told.pop("got", None))
    if "notified" in told:
        connection, number, payload = told.pop("notified")
        got = Notified(connection, _CHARACTERISTICS[int(number, 16)], bytes.fromhex(payload))
    programs = tuple(p if isinstance(p, str) else from_json(p) for p in told.pop("programs", ()))
    frames = tuple(Frame(c, ticket, bytes.fromhex(octets)) for c, ticket, octets in told.pop("frames", ()))
    return Step(
        float(told.pop("t")),
        at,
        got,
        programs=programs,
        ids=tuple(told.pop("ids", ())),
        frames=frames,
        effects=tuple(from_json(effect) for effect in told.pop("effects", ())),
        bug=told.pop("bug", ""),
    )
