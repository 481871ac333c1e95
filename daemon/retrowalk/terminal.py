"""The terminal that a process runs in: it may end it, but never suspends it or holds up its loop."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from io import FileIO, TextIOWrapper
from typing import TextIO

_ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
"""The service manager, Ctrl-C, a window that is closed or a connection that is gone, Ctrl-backslash."""
_SUSPENDS = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
"""Ctrl-Z, and what those get that use their terminal from the background."""


def on_end(act: Callable[[int], None]) -> None:
    """Call `act` in the running loop, with the signal, whenever somebody ends this process; nothing suspends
    it any more: what is suspended guards no belt."""
    loop = asyncio.get_running_loop()
    for number in _ENDS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # not under nohup
            loop.add_signal_handler(number, act, number)
    for number in _SUSPENDS:
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """While the block runs its terminal may be closed, and suspends nothing; Ctrl-C ends it."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGHUP, *_SUSPENDS)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stderr() -> TextIO:
    """This process's stderr, without its buffer: a thread that a held terminal keeps in it has its
    lock, which the end of the process needs."""
    try:
        file = FileIO(sys.stderr.fileno(), "w", closefd=False)
    except (OSError, ValueError):  # it is no file
        return sys.stderr
    return TextIOWrapper(file, sys.stderr.encoding, "backslashreplace", write_through=True)


def listen(take: Callable[[str], None], ended: Callable[[], None] = lambda: None) -> None:
    """Hand what comes from stdin to `take`, and its end to `ended`, in the running loop.

    By a thread: half a line and Ctrl-D are readable, and hold up whoever waits for the line.
    """
    loop = asyncio.get_running_loop()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            with contextlib.suppress(OSError):  # no stdin, or none any more
                while octets := os.read(0, 4096):
                    loop.call_soon_threadsafe(take, octets.decode(errors="replace"))
            loop.call_soon_threadsafe(ended)

    threading.Thread(target=read, name="stdin", daemon=True).start()


def in_lines(take: Callable[[str], None]) -> Callable[[str], None]:
    """What takes a text piece by piece, and hands it on to `take` in whole lines."""
    begun = ""

    def took(text: str) -> None:
        nonlocal begun
        *lines, begun = (begun + text).split("\n")
        for line in lines:
            take(line)

    return took
