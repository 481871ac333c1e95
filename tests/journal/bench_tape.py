"""The pure bench with a tape running: what it decided is at hand as a journal, without a file."""

from collections.abc import Callable
from datetime import UTC, datetime

from tests.core.bench import Bench

from retrowalk.belt import Belt
from retrowalk.core.controller import Controller
from retrowalk.core.guard import Guard
from retrowalk.core.model import Mark, Marked
from retrowalk.core.offering import Setup
from retrowalk.journal.lines import Entry, written
from retrowalk.journal.tape import Tape

AT = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


class TapedBench(Bench):
    """Every control step of it is on its tape; `each_did` is called after each."""

    tape: Tape | None = None
    each_did: Callable[[], None] = staticmethod(lambda: None)

    def __post_init__(self) -> None:
        connect, self.connect_now = self.connect_now, False
        super().__post_init__()
        assert isinstance(self.setup, Setup)
        self.tape = Tape("sim", "test", lambda: AT, left_running=self.left_running)
        self.controller = Controller(
            self.tape.overhear(self.setup), Belt(Guard(), self._write), left_running=self.left_running
        )
        self.tape.hear(self.controller, self._write)
        if connect:
            self.connect()
            self.run(2.0)

    @property
    def journal(self) -> list[str]:
        """What is on the tape, as lines; taken from it."""
        assert self.tape is not None
        return list(written(self.tape.take()))

    def entries(self) -> list[Entry]:
        """The same as they are."""
        assert self.tape is not None
        return self.tape.take()

    def _write(self, connection: int, ticket: int, frame: bytes) -> None:
        if self.tape is not None:
            self.tape.wrote(connection, ticket, frame)
        super()._write(connection, ticket, frame)

    def _feed(self, happening: object) -> None:
        self._control(happening)

    def _act(self) -> None:
        self._control(None)

    def _control(self, happening: object) -> None:
        assert self.tape is not None
        self.tape.came(happening, self.now)  # type: ignore[arg-type]  # any of the model's words
        if happening is not None:
            self.controller.feed(happening, self.now)  # type: ignore[arg-type]  # any of the model's words
        self.controller.act(self.now)
        effects = tuple(self.controller.effects())
        self.tape.did(effects, session=self.controller.session is not None)
        self.each_did()
        for effect in effects:
            self.effects.append((self.now, effect))
            if isinstance(effect, Mark) and self.marker_answers:
                self._control(Marked(effect.session_id, self.marker_error))
