"""One daemon at a time, what the service manager hears of it, and who brings its side tasks back."""

import asyncio
import contextlib
import fcntl
import os
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path

import structlog

from retrowalk.paths import Environ

log = structlog.get_logger()

STALLED_AFTER_S = 1.0
"""A control loop ticks four times a second: one without a tick for this long does not guard its belt."""
ENDED = float("inf")
"""The last tick of a loop that is over: it never stalls, and is not waited for."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0


def notify(message: str, environ: Environ = os.environ) -> bool:
    """Send one sd_notify(3) message, such as `READY=1`; False where nobody takes it. Never raises."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.settimeout(0.1)
        try:
            connection.sendto(message.encode(), address.replace("@", "\0", 1))
        except OSError:
            return False
    return True


def watchdog_interval(environ: Environ = os.environ) -> float | None:
    """Seconds between signs of life, a third of what the service manager allows; None: it expects none."""
    allowed, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not allowed.isdecimal() or int(allowed) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(allowed) / 3e6


class Watchdog:
    """Fed by the control loops: the service manager gets `WATCHDOG=1` only while every one of them ticks.

    It owns no task and no timer: when the loops stand still, so does it, and the service manager restarts us.
    """

    def __init__(
        self,
        stations: Iterable[str],
        interval_s: float | None,
        send: Callable[[str], object] = notify,
    ) -> None:
        self._last: dict[str, float | None] = dict.fromkeys(stations)
        self._interval_s = interval_s
        self._send = send
        self._due = float("-inf")

    def beat(self, station: str, now: float) -> None:
        """That station's control loop has just done a tick, at `now` (seconds, monotonic), or has ENDED."""
        self._last[station] = now
        if self._interval_s is None or now < self._due:
            return
        if all(last is not None and now - last <= STALLED_AFTER_S for last in self._last.values()):
            self._due = now + self._interval_s
            self._send("WATCHDOG=1")


async def keep_running(name: str, run: Callable[[], Awaitable[object]]) -> None:
    """Run a side task for ever: when it fails or ends, log why and start it again.

    After 1 s, doubling to 60 s. Ends only by cancellation.
    """
    loop = asyncio.get_running_loop()
    pause = _FIRST_PAUSE_S
    while True:
        began = loop.time()
        try:
            await run()
            log.warning("side task ended", task=name, again_in_s=pause)
        except Exception:  # whatever a side task dies of, the belt is not to notice
            log.exception("side task failed", task=name, again_in_s=pause)
        if loop.time() - began > _LONGEST_PAUSE_S:
            pause = _FIRST_PAUSE_S
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_S)


class StateFolderError(Exception):
    """The state folder cannot be this process's; the text is one sentence for a person."""


class HeldError(StateFolderError):
    """Another process holds it."""


_HELD = {
    "run": "a daemon runs already ({}): stop it first (systemctl stop retrowalk)",
    "commission": "`retrowalk commission` is at work ({}): wait until it has ended",
    "park": "`retrowalk park` is at work ({}): wait until it has ended",
}
"""By what runs in the other process."""


@contextlib.contextmanager
def only_one(folder: Path, command: str = "run") -> Iterator[None]:
    """Hold `folder` as the state of this process alone while the block runs, however it ends.

    `command` is what runs here, for those who come meanwhile. Raises HeldError where another process holds
    it, StateFolderError where nobody can.
    """
    with contextlib.ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = held.enter_context((folder / "daemon.lock").open("a+"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder, _, process = lock.read().partition(" ")
            where = f"process {process}, it holds {folder}" if process else f"it holds {folder}"
            raise HeldError(_HELD.get(holder, _HELD["run"]).format(where)) from error
        except OSError as error:
            raise StateFolderError(
                f"the state folder {folder} cannot be used: {error.strerror}: set [paths] state_dir"
            ) from error
        with contextlib.suppress(OSError):  # a full disk: they are told less
            lock.truncate(0)
            lock.write(f"{command} {os.getpid()}")
            lock.flush()
        yield
