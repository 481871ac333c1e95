"""Control Point transactions: one at a time, matched by op code, each of them ends.

Real machines answer before the write response, by notification, late or never, and a Stop waits for none of
that. Source: FTMS 1.0.1 section 4.16.1, FTMP 4.4.14.3.
"""

from dataclasses import dataclass
from enum import Enum

from blefit.ftms.control_point import OpCode, Request, Response, ResultCode
from retrowalk.core.model import Command, RequestControl, Start, Stop, Target, TargetIncline, Written

ANSWER_S = 3.0
"""Unanswered for so long: the session goes on without the answer."""
SPACING_S = 0.3
"""Between two frames: some pads lose commands that come closer."""
STOP_WRITE_S = 2.0
"""G3: a Stop whose ATT write is not through by then is not going to be."""

STOP_PARAMETER = 1
CONTROL_NOT_PERMITTED = int(ResultCode.CONTROL_NOT_PERMITTED)


def encode(command: Command) -> bytes:
    """The octets of one command."""
    match command:
        case RequestControl():
            request = Request(OpCode.REQUEST_CONTROL, None)
        case Start():
            request = Request(OpCode.START_OR_RESUME, None)
        case Target(speed):
            request = Request(OpCode.SET_TARGET_SPEED, speed)
        case TargetIncline(incline):
            request = Request(OpCode.SET_TARGET_INCLINATION, incline)
        case Stop():  # pragma: no branch - the union is closed
            request = Request(OpCode.STOP_OR_PAUSE, STOP_PARAMETER)
    return request.encode()


def op_code(command: Command) -> int:
    """The op code that an answer to `command` names."""
    return encode(command)[0]


class Result(Enum):
    """How one transaction ended."""

    SUCCESS = "success"
    REFUSED = "refused"
    """The machine answered with another result code."""
    NOT_STARTED = "not started"
    """An ATT error: by the specification nothing has begun. A Start is waited for all the same."""
    UNANSWERED = "unanswered"
    FAILED = "failed"
    """The write itself failed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One ended transaction. `code` is the FTMS result code, or the ATT error code of NOT_STARTED."""

    command: Command
    result: Result
    code: int | None = None
    error: str = ""

    @property
    def control_denied(self) -> bool:
        """05 Control Not Permitted."""
        return self.result is Result.REFUSED and self.code == CONTROL_NOT_PERMITTED


@dataclass(slots=True)
class _Pending:
    command: Command
    ticket: int
    sent: float
    unanswered_since: float
    """Of a Stop that is repeated: when the first was sent, or it would wait for its answer for ever."""


class Exchange:
    """The transactions of one connection after the other; tickets only grow."""

    def __init__(self) -> None:
        self._pending: _Pending | None = None
        self._last_sent: float | None = None
        self._tickets = 0
        self._unwritten_stop: _Pending | None = None

    def reset(self) -> None:
        """The link is new, or gone: nothing is pending."""
        self._pending = self._unwritten_stop = self._last_sent = None

    def free(self, command: Command, now: float, *, at_once: bool = False) -> bool:
        """Whether `command` may be sent now. A Stop always may, unless one is still being written.

        `at_once`: it is sent for a Stop's sake, keeps no space and waits for no answer either.
        """
        if at_once or isinstance(command, Stop):
            return self._unwritten_stop is None
        spaced = self._last_sent is None or now - self._last_sent >= SPACING_S
        return spaced and self._pending is None

    def begin(self, command: Command, now: float) -> int:
        """Count a command as sent: its ticket. What a Stop overtakes may have happened; it never ends."""
        self._tickets += 1
        before, since = self._pending, now
        if before is not None and isinstance(command, Stop) and isinstance(before.command, Stop):
            since = before.unanswered_since
        self._pending = _Pending(command, self._tickets, now, since)
        self._last_sent = now
        if isinstance(command, Stop):
            self._unwritten_stop = self._pending
        return self._tickets

    def answered(self, response: Response) -> Outcome | None:
        """An answer arrived; None if it answers nothing that is pending.

        It is no word that a Stop's write is through: it may be a doubled answer to the Stop before.
        """
        pending = self._pending
        if pending is None or response.request_op_code != op_code(pending.command):
            return None
        self._pending = None
        success = response.result == ResultCode.SUCCESS
        return Outcome(pending.command, Result.SUCCESS if success else Result.REFUSED, response.result)

    def written(self, event: Written) -> Outcome | None:
        """The write with this ticket ended; a failed one ends its transaction."""
        if self._unwritten_stop is not None and self._unwritten_stop.ticket == event.ticket:
            self._unwritten_stop = None
        pending = self._pending
        if pending is None or pending.ticket != event.ticket:
            return None
        if not event.error and event.att_error is None:
            return None
        self._pending = None
        result = Result.FAILED if event.att_error is None else Result.NOT_STARTED
        return Outcome(pending.command, result, event.att_error, event.error)

    def overdue(self, now: float) -> Outcome | None:
        """The transaction that has waited too long for its answer; a Stop only once its write is through."""
        pending = self._pending
        if pending is None or pending is self._unwritten_stop or now - pending.unanswered_since < ANSWER_S:
            return None
        self._pending = None
        return Outcome(pending.command, Result.UNANSWERED)

    def stop_stuck(self, now: float) -> bool:
        """G3: a Stop was handed to the link 2 s ago and its write is still not through."""
        return self._unwritten_stop is not None and now - self._unwritten_stop.sent >= STOP_WRITE_S
