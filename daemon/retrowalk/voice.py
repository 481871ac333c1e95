"""Sentences to the person: cues once, an alarm again and again until it is silenced.

Outputs are those of `[alarm] outputs`. A terminal that is held with Ctrl-S or a voice command that hangs
costs the belt nothing: each has a thread of its own, which an alarm reaches before anything else.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, TextIO

import structlog

from retrowalk.core.model import Emitted, Said
from retrowalk.hub import Hub
from retrowalk.settings import Alarm
from retrowalk.terminal import stderr

REPEAT_S = 2.0
"""Between two sayings of an alarm, on the control loop's clock."""
STALE_S = 5.0
"""A cue that waited longer is not said any more."""
LONGEST_S = 15.0
"""A voice command that speaks longer is killed."""

log = structlog.get_logger(__name__)


class Output(Protocol):
    """Where sentences go. Must not wait and must not raise."""

    def say(self, said: Said) -> None: ...

    def close(self) -> None: ...


class Voice:
    """Says sentences on all outputs; belongs to the control task's loop."""

    def __init__(self, outputs: Sequence[Output]) -> None:
        self._outputs = tuple(outputs)
        self._repeat: asyncio.TimerHandle | None = None

    def say(self, said: Said) -> None:
        """A cue: once. An alarm: now and every REPEAT_S, until `silence` or the next alarm."""
        for output in self._outputs:
            output.say(said)
        if said.alarm:
            self.silence()
            self._repeat = asyncio.get_running_loop().call_later(REPEAT_S, self.say, said)

    def silence(self) -> None:
        """No more repeats of the alarm; the next one is heard."""
        if self._repeat:
            self._repeat.cancel()
            self._repeat = None

    def close(self) -> None:
        """Silence, and let the outputs go."""
        self.silence()
        for output in self._outputs:
            output.close()


class OnHub:
    """For MQTT and the page: each sentence is an event of type `said`, with `text` and `alarm`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def say(self, said: Said) -> None:
        self._hub.emit(Emitted("said", {"text": said.text, "alarm": said.alarm}))

    def close(self) -> None:
        pass


class _InThread(ABC):
    """An output that may wait: an alarm before cues, the newest alarm only, cues while they are fresh."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._alarm: Said | None = None
        self._cues: deque[tuple[float, Said]] = deque(maxlen=8)
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self._thread.start()

    def say(self, said: Said) -> None:
        with self._changed:
            if said.alarm:
                self._alarm = said
                self._cues.clear()
                self._interrupt_cue()
            else:
                self._cues.append((self._clock(), said))
            self._changed.notify()

    def close(self) -> None:
        """Say what waits, if that takes no longer than a second."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(1.0)

    @abstractmethod
    def _deliver(self, said: Said) -> None:
        """Say it, in the output's own thread; may wait."""

    def _interrupt_cue(self) -> None:  # noqa: B027  (some outputs have nothing to end)
        """An alarm waits: end the cue that is being said, if any. Called with the lock held."""

    def _run(self) -> None:
        while said := self._take():
            self._deliver(said)

    def _take(self) -> Said | None:
        """What to say next, after waiting for it; None at the end."""
        with self._changed:
            while True:
                if self._alarm:
                    said, self._alarm = self._alarm, None
                    return said
                while self._cues:
                    since, said = self._cues.popleft()
                    if self._clock() - since <= STALE_S:
                        return said
                if self._closing:
                    return None
                self._changed.wait()


class Terminal(_InThread):
    """Lines on a terminal; an alarm rings its bell."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or stderr()
        super().__init__(clock)

    def _deliver(self, said: Said) -> None:
        with contextlib.suppress(OSError, ValueError):  # a terminal that is gone, a stream that is closed
            self._stream.write(f"\a!!! {said.text} !!!\n" if said.alarm else f"> {said.text}\n")
            self._stream.flush()


class VoiceCommand(_InThread):
    """A command such as `espeak-ng`, run without a shell, with the sentence as its last argument."""

    def __init__(self, command: Sequence[str], longest_s: float = LONGEST_S) -> None:
        self._command = tuple(command)
        self._longest_s = longest_s
        self._speaking: tuple[Said, subprocess.Popen[bytes]] | None = None
        self._trouble = ""
        super().__init__()

    def _deliver(self, said: Said) -> None:
        text = said.text.lstrip("-").replace("\0", " ")  # a cue must not become an option of the command
        try:
            child = subprocess.Popen(  # noqa: S603 - the user's own command, and no shell
                [*self._command, text.encode(sys.getfilesystemencoding(), "replace")],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            self._tell_trouble(getattr(error, "strerror", None) or str(error))
            return
        with self._changed:
            self._speaking = (said, child)
            if self._alarm:  # it came while this one was on its way here
                self._interrupt_cue()
        try:
            status = child.wait(self._longest_s)
            if status > 0:
                self._tell_trouble(f"it ended with exit status {status}")
        except subprocess.TimeoutExpired:
            self._tell_trouble(f"it spoke for more than {self._longest_s:g} s and was killed")
            _kill(child)
            child.wait()
        with self._changed:
            self._speaking = None

    def close(self) -> None:
        super().close()
        with self._changed:
            if self._speaking:
                _kill(self._speaking[1])

    def _interrupt_cue(self) -> None:
        if self._speaking and not self._speaking[0].alarm:
            _kill(self._speaking[1])

    def _tell_trouble(self, trouble: str) -> None:
        if trouble != self._trouble:
            log.warning("voice: check voice_command in [alarm]", command=self._command[0], why=trouble)
        self._trouble = trouble


def outputs(alarm: Alarm, hub: Hub, stream: TextIO | None = None) -> list[Output]:
    """The outputs that the settings declare, for one treadmill."""
    made: list[Output] = []
    if "terminal" in alarm.outputs:
        made.append(Terminal(stream))
    if "voice" in alarm.outputs:
        made.append(VoiceCommand(alarm.voice_command))
    if {"mqtt", "page"} & set(alarm.outputs):
        made.append(OnHub(hub))
    return made


def _kill(child: subprocess.Popen[bytes]) -> None:
    """The command and whatever it started; does not wait for its end."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
