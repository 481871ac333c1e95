"""What decides over one belt, without its decisions: the door, one connection, the faults, the marker.

`controller.py` walks sessions, `commissioner.py` tests an empty belt. When a belt is at rest, marked or an
alarm is the same to both: shutting down and `park` rely on it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Protocol

from retrowalk.core.authority import Refusal, State
from retrowalk.core.decoding import Decoder
from retrowalk.core.energy import Totals
from retrowalk.core.exchange import Outcome
from retrowalk.core.faults import BY_ID, Ledger
from retrowalk.core.guard import Guard
from retrowalk.core.model import (
    Command,
    DropLink,
    Effect,
    Happening,
    Machine,
    Mark,
    Observation,
    Said,
    Snapshot,
    Unmark,
    Written,
)
from retrowalk.core.session import Session


class Door(Protocol):
    """`belt.Belt`, as this room sees it: the only way a frame leaves."""

    guard: Guard

    def connect(self, connection: int, machine: Machine, now: float) -> None: ...
    def disconnect(self, now: float) -> None: ...
    def observe(self, observation: Observation, now: float) -> Outcome | None: ...
    def written(self, event: Written, now: float) -> Outcome | None: ...
    def tick(self, now: float) -> Outcome | None: ...
    def want(self, command: Command | None, now: float) -> Refusal | None: ...
    def stop_stuck(self, now: float) -> bool: ...


class Mind(ABC):
    """`feed` every happening, then `act`, at least four times a second; then carry out its `effects`."""

    def __init__(self, belt: Door, *, left_running: bool) -> None:
        """`left_running`: a process that is gone left the moving-marker."""
        self.belt = belt
        self.guard = belt.guard
        if left_running:
            self.guard.inherit()
        self.session: Session | None = None
        self.machine: Machine | None = None
        """As it is taken here."""
        self._ledger = Ledger()
        self._totals = Totals()
        self._connection: int | None = None
        self._decoder: Decoder
        self._drop_asked: bool
        self._marked = left_running
        self._effects: list[Effect] = []

    @abstractmethod
    def feed(self, happening: Happening, now: float) -> None:
        """One thing happened. Frames of another connection are dropped."""

    @abstractmethod
    def act(self, now: float) -> None:
        """Time passed or something happened: judge, go on, and send what has to be sent."""

    @abstractmethod
    def snapshot(self, now: float, link: str = "") -> Snapshot:
        """The live state, as it stands; `link` says what is done about the connection."""

    def effects(self) -> Iterator[Effect]:
        """What the shell has to do, in order; each once."""
        effects, self._effects = self._effects, []
        return iter(effects)

    @property
    def alarm(self) -> str:
        """The sentence that repeats now, or ''."""
        fault = self._ledger.alarm
        return "" if fault is None else fault.sentence

    @property
    def marked(self) -> bool:
        """The moving-marker is, or has to be, on disk."""
        return self._marked

    @property
    def nothing_to_stop(self) -> bool:
        """Nothing of ours: nothing is armed, and each stop has come to rest. Others may use the belt."""
        if self._connection is None:
            return not self.guard.left_running
        return self.guard.state is State.DISARMED and not self.guard.stopping

    # --- for those who decide ---------------------------------------------------------------------

    def _connect(self, connection: int, machine: Machine, now: float) -> None:
        """A new link: of the old one nothing counts any more."""
        self.machine = machine
        self._connection = connection
        self._decoder = Decoder()
        self._drop_asked = False
        self.belt.connect(connection, machine, now)

    def _disconnect(self, now: float) -> None:
        self._connection = None
        self.belt.disconnect(now)

    def _drop_stuck_link(self, now: float) -> bool:
        """G3: a Stop that is not through in 2 s takes the link down, once. True: it does so now."""
        stuck = self.belt.stop_stuck(now) and not self._drop_asked
        if stuck:
            self._drop_asked = True
            self._effects.append(DropLink(BY_ID["stop_unsent"].cause))
        return stuck

    def _let_go(self, now: float) -> bool:
        """The belt is known to rest and nothing of ours is left to stop."""
        guard = self.guard
        idle = guard.state is State.DISARMED and not guard.stopping and not guard.left_running
        may_start = guard.may_start_late(now) or guard.may_start_by_stop(now)
        return idle and guard.resting(now) and not may_start

    def _mark_late_start(self, session_id: str, now: float) -> None:
        """A belt that a Start moves though a Stop overtook it is ours again."""
        if not self._marked and self.guard.starts_late(now):
            self._set_marked()
            self._effects.append(Mark(session_id))

    def _set_marked(self) -> None:
        self._marked = self.guard.marked = True

    def _half_marked(self) -> None:
        """A marker that could not be written whole may be there all the same: it is to be removed, too."""
        self._marked = True

    def _unmark(self) -> None:
        self._marked = self.guard.marked = False
        self._effects.append(Unmark())

    def _say(self, text: str, *, alarm: bool = False) -> None:
        self._effects.append(Said(text, alarm))
