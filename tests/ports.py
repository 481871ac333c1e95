"""A port of this machine that somebody will listen on soon."""

import os
import socket
from itertools import count

_FIRST, _MANY = 20_000, 10_000
"""Below those that the system gives to who connects: one that tries again and again to reach a port of these
is in the end connected with itself."""
_next = count(os.getpid() * 7)


def free_port() -> int:
    """Nobody listens there now."""
    while True:
        port = _FIRST + next(_next) % _MANY
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
