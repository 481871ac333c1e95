"""The programs as the control tasks take them, from a disk that may sleep, hang, or be somewhere else."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from retrowalk.core.program import Program
from retrowalk.programs import MalformedProgramError

_PATIENCE_S: Final = 0.5
"""Every belt of the daemon waits so long, and the one who offers it hears no later."""


class Shelf:
    """Reads each program anew, in a thread, and waits for it only a moment."""

    def __init__(self, read: Callable[[str], Program], patience_s: float = _PATIENCE_S) -> None:
        self._read = read
        self._patience_s = patience_s
        self._reading: Future[Program] | None = None

    def take(self, name: str) -> Program:
        """The program of that name; raises what reading it raises, and MalformedProgramError where that takes
        too long. Until it has ended, which for a hung disk may be never, nothing else is read."""
        if self._reading is None or self._reading.done():
            self._reading = self._begin(name)
            try:
                return self._reading.result(self._patience_s)
            except TimeoutError:
                pass
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
