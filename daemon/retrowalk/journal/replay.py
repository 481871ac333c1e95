"""Replay: a journal through the same core, without a radio, to see whether it decides the same."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from retrowalk.belt import Belt
from retrowalk.core.controller import Controller
from retrowalk.core.guard import Guard
from retrowalk.core.model import Effect, Snapshot
from retrowalk.core.program import Program
from retrowalk.journal.lines import Entry, Frame, Header, JournalError, Step
from retrowalk.journal.values import Json, NoValue, Outside, Unknown, from_json, to_json


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the core decides otherwise than it did. Both are JSON: frames, effects, a bug."""

    line: int
    step: Step
    recorded: Json
    now: Json


@dataclass(frozen=True, slots=True)
class Seen:
    """One entry of the journal, as it passes."""

    line: int
    entry: Entry
    snapshot: Snapshot | None = None
    """After that step; None where nothing was decided again."""
    difference: Difference | None = None


def replay(entries: Iterable[tuple[int, Entry]]) -> Iterator[Seen]:
    """Every entry, decided again from the first header on; from a difference on nothing is.

    Raises JournalError where a header's controller is another version's.
    """
    stage: _Stage | None = None
    for line, entry in entries:
        if isinstance(entry, Header):
            try:
                stage = _Stage(entry) if entry.setup is not None or entry.state is not None else None
            except NoValue as error:
                raise JournalError(
                    f"line {line}: retrowalk {entry.version} has written this file in the middle of its work,"
                    f" and only the same can go on from there: {error}"
                ) from error
            yield Seen(line, entry)
        elif stage is None:
            yield Seen(line, entry)
        else:
            recorded, now = _outcome(entry), stage.decide(entry)
            if recorded != now:
                yield Seen(line, entry, difference=Difference(line, entry, recorded, now))
                stage = None
            elif entry.bug:
                yield Seen(line, entry)
                stage = None  # what the last stand does is not decided by the core alone
            else:
                yield Seen(line, entry, stage.snapshot(entry.t))


def _outcome(step: Step) -> Json:
    """What came out of a step, where anything did."""
    told: Json = {}
    if step.frames:
        told["frames"] = [[frame.connection, frame.ticket, frame.octets.hex()] for frame in step.frames]
    if step.effects:
        told["effects"] = [_effect(effect) for effect in step.effects]
    if step.bug:
        told["bug"] = [step.bug]
    return told


def _effect(effect: Effect | Unknown) -> Json:
    try:
        return to_json(effect)
    except NoValue:
        return to_json(Unknown(repr(effect)))


class _Stage:
    """A controller as a header says, and the world that the steps recorded around it."""

    def __init__(self, header: Header) -> None:
        self._programs: deque[Program | str] = deque()
        self._ids: deque[str] = deque()
        self._frames: list[Frame] = []
        outside: Outside = {"find_program": self._find_program, "new_id": self._new_id, "write": self._write}
        if header.setup is not None:
            setup = from_json(header.setup, outside)
            belt = Belt(Guard(), self._write)
            self._controller = Controller(setup, belt, left_running=header.left_running)
        else:
            self._controller = from_json(header.state, outside)

    def decide(self, step: Step) -> Json:
        """What comes out of that step now."""
        self._programs, self._ids = deque(step.programs), deque(step.ids)
        self._frames.clear()
        made = replace(step, frames=(), effects=(), bug="")
        try:
            if step.got is not None:
                self._controller.feed(step.got, step.t)
            self._controller.act(step.t)
            made.effects = tuple(self._controller.effects())
        except Exception as bug:  # whatever it is: it was recorded like that, or it is the difference
            made.bug = f"{type(bug).__name__}: {bug}"
        made.frames = tuple(self._frames)
        return _outcome(made)

    def snapshot(self, now: float) -> Snapshot:
        return self._controller.snapshot(now)

    def _find_program(self, name: str) -> Program:
        found = self._programs.popleft() if self._programs else f"the journal does not have {name!r}"
        match found:
            case Program():
                return found
            case why_not:
                raise LookupError(why_not)

    def _new_id(self) -> str:
        return self._ids.popleft() if self._ids else "not in the journal"

    def _write(self, connection: int, ticket: int, octets: bytes) -> None:
        self._frames.append(Frame(connection, ticket, octets))
