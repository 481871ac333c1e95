"""The asking side. Standard library only, and little of it: `retrowalk session stop` must be fast."""

import json
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Line = dict[str, Any]

ANSWER_WITHIN_S = 3.0
"""The daemon answers in milliseconds; one that does not within this is stuck."""


class DaemonError(Exception):
    """No daemon answers; str() is the sentence for the person, with what to do."""


class DaemonClient:
    """A conversation with the running daemon; DaemonError where it cannot begin or breaks off."""

    def __init__(self, candidates: Sequence[Path]) -> None:
        self._socket = _connect(candidates)
        self._lines = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._lines.close()
        self._socket.close()

    def ask(self, command: str, treadmill: str | None = None, **keys: object) -> str:
        """Send one command; the id that its replies will carry."""
        request_id = os.urandom(8).hex()
        request = {"id": request_id, "command": command, **keys}
        if treadmill is not None:
            request["treadmill"] = treadmill
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise DaemonError(f"the daemon broke off: {error.strerror}") from error
        return request_id

    def listen(self, *, forever: bool = False) -> Iterator[Line]:
        """The daemon's lines as they come, for ever or while each comes within the time-out."""
        self._socket.settimeout(None if forever else ANSWER_WITHIN_S)
        while True:
            try:
                line = self._lines.readline()
            except TimeoutError:
                raise DaemonError(f"the daemon has not answered within {ANSWER_WITHIN_S:g} s") from None
            except OSError as error:
                raise DaemonError(f"the daemon broke off: {error.strerror}") from error
            if not line:
                raise DaemonError("the daemon has ended")
            yield json.loads(line)


def _connect(candidates: Sequence[Path]) -> socket.socket:
    for path in dict.fromkeys(candidates):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(ANSWER_WITHIN_S)
        try:
            connection.connect(str(path))
        except PermissionError:
            connection.close()
            raise DaemonError(
                f"you may not talk to the daemon at {path}: become a member of its group"
                " (sudo usermod -aG retrowalk $USER, then log in again)"
            ) from None
        except OSError:  # no such socket, nobody behind it, or a path too long to be one: try the next
            connection.close()
        else:
            return connection
    looked = ", ".join(str(path) for path in dict.fromkeys(candidates))
    raise DaemonError(
        f"no daemon is running here (nobody listens at {looked}): start it with `retrowalk run`"
    )
