"""The tape: overhears one control task, step by step, and keeps the steps in memory until they are taken.

The control task writes here and nowhere else: it appends to a list, whatever the disk does.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from retrowalk.core.controller import Controller
from retrowalk.core.model import Effect, Happening
from retrowalk.core.offering import Setup
from retrowalk.core.program import Program
from retrowalk.journal.lines import Entry, Frame, Header, Step
from retrowalk.journal.values import NoValue, to_json

MOST_ENTRIES = 20_000
"""So many steps wait for the disk at most: some 40 minutes of a session, 10 MB."""


class Tape:
    """The steps of one control task that nobody has taken yet."""

    def __init__(
        self,
        treadmill: str,
        version: str,
        wall: Callable[[], datetime],
        *,
        left_running: bool = False,
        most: int = MOST_ENTRIES,
    ) -> None:
        self._treadmill, self._version, self._wall, self._most = treadmill, version, wall, most
        self._outside: dict[str, Callable[..., object]] = {
            "find_program": self._found,
            "new_id": self._named,
        }
        self._beginning: dict[str, object] = {"left_running": left_running}
        self._controller: Controller | None = None
        self._step: Step | None = None
        self._failed_at: float | None = None
        self._entries: list[Entry] = []
        self._turn_page = False
        self._lost = 0

    def overhear(self, setup: Setup) -> Setup:
        """What a controller gets in place of `setup`: the answers from outside are kept, too."""
        self._find_program, self._new_id = setup.find_program, setup.new_id
        self._setup = replace(setup, find_program=self._found, new_id=self._named)
        return self._setup

    def hear(self, controller: Controller, write: Callable[[int, int, bytes], None]) -> None:
        """That controller is new, got the setup that is overheard, and `write` is where its door writes to.

        What another mind decides is kept without it, and cannot be decided again.
        """
        self._controller = controller
        self._outside["write"] = write
        self._beginning["setup"] = to_json(self._setup, self._outside)

    # --- the control task -------------------------------------------------------------------------

    def came(self, happening: Happening | None, now: float) -> None:
        """A control step begins."""
        self._step = Step(now, self._wall(), happening)
        if self._beginning:
            self._entries.append(self._header(now, **self._beginning))
            self._beginning = {}

    def wrote(self, connection: int, ticket: int, octets: bytes) -> None:
        """A frame was handed to the link."""
        frame = Frame(connection, ticket, octets)
        if self._step is not None:
            self._step.frames += (frame,)
        elif self._failed_at is not None:
            self._entries.append(Step(self._failed_at, self._wall(), frames=(frame,), bug="after the bug"))

    def did(self, effects: tuple[Effect, ...], *, session: bool) -> None:
        """The control step has ended; `session`: one is on."""
        step = self._step
        assert step is not None
        step.effects, step.session = effects, session
        self._close(step)

    def failed(self, bug: BaseException) -> None:
        """The control step ended in a bug."""
        if self._step is not None:
            self._step.bug = f"{type(bug).__name__}: {bug}"
            self._failed_at = self._step.t
            self._close(self._step)

    def _found(self, name: str) -> Program:
        found: Program | str = ""
        try:
            return (found := self._find_program(name))
        except (LookupError, ValueError) as error:
            found = str(error.args[0] if error.args else error)
            raise
        finally:
            if self._step is not None:
                self._step.programs += (found,)

    def _named(self) -> str:
        made = self._new_id()
        if self._step is not None:
            self._step.ids += (made,)
        return made

    def _close(self, step: Step) -> None:
        self._step = None
        self._entries.append(step)
        if self._lost or len(self._entries) > self._most:  # nothing can be decided between a gap and a header
            self.lose(self.take())
        if self._turn_page:
            self._turn_page = False
            self._entries.append(self._header(step.t, state=self._state(), lost=self._lost))
            self._lost = 0

    def _state(self) -> object:
        try:
            return to_json(self._controller, self._outside)
        except NoValue:
            return None  # replay begins at the next one; what happens is kept all the same

    def _header(self, now: float, **more: object) -> Header:
        return Header(
            version=self._version,
            treadmill=self._treadmill,
            t=now,
            at=self._wall(),
            **more,  # type: ignore[arg-type]  # the rest of its fields
        )

    # --- who keeps them ---------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """How many entries nobody has taken."""
        return len(self._entries)

    def take(self) -> list[Entry]:
        """All of them; they are gone from here."""
        taken, self._entries = self._entries, []
        return taken

    def put_back(self, entries: Iterable[Entry]) -> None:
        """They could not be kept: they go before the others, and count with them."""
        self._entries[:0] = entries

    def lose(self, entries: Iterable[Entry]) -> None:
        """They are in no file and will not be: the next header says so, and follows the next step."""
        self._lost += sum(entry.lost if isinstance(entry, Header) else 1 for entry in entries)
        self._turn_page = True

    def turn_page(self) -> None:
        """A header follows the next step, so that a new file can begin there."""
        self._turn_page = True
