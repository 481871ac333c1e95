"""The answers to what people ask: accepted or refused, and once accepted, later done or failed."""

from collections.abc import Callable

from retrowalk.core.model import (
    AckFault,
    Ask,
    Confirm,
    Lease,
    Offer,
    PauseSession,
    Replied,
    Request,
    ResumeSession,
    SetCap,
    Skip,
    StopSession,
)

_NAMES: dict[type[Ask], str] = {
    Offer: "start",
    PauseSession: "pause",
    ResumeSession: "resume",
    Skip: "skip",
    StopSession: "stop",
    SetCap: "set_cap",
    Lease: "lease",
    AckFault: "ack_fault",
    Confirm: "confirm",
}


def command_name(ask: Ask) -> str:
    """As in the contract; `confirm` whatever the act."""
    return _NAMES[type(ask)]


class Replies:
    """Remembers the accepted requests whose end is still to come, by their kind."""

    def __init__(self, tell: Callable[[Replied], None]) -> None:
        self._tell = tell
        self._open: dict[type[Ask], list[Request]] = {}

    def refuse(self, request: Request, reason: str) -> None:
        """No, and why."""
        self._reply(request, "refused", reason)

    def accept(self, request: Request, *, done: bool) -> None:
        """Yes; `done`: and there is nothing to wait for."""
        self._reply(request, "accepted")
        if done:
            self._reply(request, "done")
        else:
            self._open.setdefault(type(request.ask), []).append(request)

    def done(self, *kinds: type[Ask]) -> None:
        """What these asked for has come about."""
        for kind in kinds:
            for request in self._open.pop(kind, ()):
                self._reply(request, "done")

    def failed(self, reason: str, *kinds: type[Ask]) -> None:
        """What these asked for will not come about, and why."""
        for kind in kinds:
            for request in self._open.pop(kind, ()):
                self._reply(request, "failed", reason)

    def _reply(self, request: Request, outcome: str, reason: str = "") -> None:
        name = command_name(request.ask)
        self._tell(Replied(request.id, request.source, name, outcome, reason))
