"""The programs as the control tasks take them, from a disk that may sleep, hang, or be somewhere else."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from retrowalk.core.program import Program
from retrowalk.programs import MalformedProgramError

_PATIENCE_S: Final = 0.5
"""Every belt of the daemon waits so long, and the one who offers it hears no later."""
_EARNED: Final = 0.05
"""So much of each second the patience grows again: ten seconds later it is whole."""


class Shelf:
    """Reads each program anew, in a thread, and waits for it only a moment, and for many no longer."""

    def __init__(self, read: Callable[[str], Program], patience_s: float = _PATIENCE_S) -> None:
        self._read = read
        self._most_s = self._patience_s = patience_s
        self._waited_until = time.monotonic()
        self._reading: Future[Program] | None = None

    def take(self, name: str) -> Program:
        """The program of that name; raises what reading it raises, and MalformedProgramError where that takes
        too long. Until it has ended, which for a hung disk may be never, nothing else is read."""
        if self._reading is None or self._reading.done():
            began = time.monotonic()
            patience = min(self._most_s, self._patience_s + _EARNED * (began - self._waited_until))
            self._reading = self._begin(name)
            try:
                return self._reading.result(patience)
            except TimeoutError:
                pass
            finally:
                self._waited_until = time.monotonic()
                self._patience_s = max(0.0, patience - (self._waited_until - began))
        raise MalformedProgramError(["the disk with the programs does not answer: offer it again later"])

    def _begin(self, name: str) -> Future[Program]:
        reading: Future[Program] = Future()

        def read() -> None:
            try:
                reading.set_result(self._read(name))
            except BaseException as error:
                reading.set_exception(error)

        # A daemon thread: one that hangs must not hold up the end of the process.
        threading.Thread(target=read, name="programs", daemon=True).start()
        return reading
