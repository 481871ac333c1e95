"""THE DOOR: every octet for a Control Point leaves through `Belt.want`, after one look of the guard.

One command at a time is wanted; the guard's own demands go ahead of it; the frame is encoded, reviewed by
the guard as octets, and handed to the link. Nothing else in the program writes to a treadmill.
"""

from collections.abc import Callable

from retrowalk.core.authority import Refusal
from retrowalk.core.exchange import Exchange, Outcome, encode
from retrowalk.core.guard import Guard
from retrowalk.core.model import Answer, Command, Machine, Observation, RequestControl, Stop, Written

Write = Callable[[int, int, bytes], None]
"""The link's write: connection, ticket, frame. It returns at once; a `Written` with the ticket follows."""


class Belt:
    """One treadmill's belt: its guard, its transactions, and the link of the moment."""

    def __init__(self, guard: Guard, write: Write) -> None:
        self.guard = guard
        self._exchange = Exchange()
        self._write = write
        self._connection: int | None = None

    def connect(self, connection: int, machine: Machine, now: float) -> None:
        """A new connection is up."""
        self._exchange.reset()
        self._connection = connection
        self.guard.connect(machine, now)

    def disconnect(self, now: float) -> None:
        """The connection is gone: nothing can be written until the next one."""
        self._exchange.reset()
        self._connection = None
        self.guard.disconnect(now)

    def observe(self, observation: Observation, now: float) -> Outcome | None:
        """A notification: the guard first, then the transaction that it ends."""
        self.guard.observe(observation, now)
        if not isinstance(observation, Answer):
            return None
        return self._conclude(self._exchange.answered(observation.response), now)

    def written(self, event: Written, now: float) -> Outcome | None:
        """A write of ours ended."""
        return self._conclude(self._exchange.written(event), now)

    def tick(self, now: float) -> Outcome | None:
        """Time passed: the guard judges silence, a late answer ends its transaction."""
        self.guard.tick(now)
        return self._conclude(self._exchange.overdue(now), now)

    def stop_stuck(self, now: float) -> bool:
        """G3: a Stop is not through after 2 s; the link has to be rebuilt."""
        return self._exchange.stop_stuck(now)

    def want(self, command: Command | None, now: float) -> Refusal | None:
        """Send what the guard demands, else `command`, if the link is free for it.

        A command that cannot go now is forgotten: whoever wants it wants it again at the next look. Returns
        the guard's refusal of `command`, which is a bug of its sender.
        """
        may_ask = self._exchange.free(RequestControl(), now, at_once=self.guard.urgent)
        demanded = self.guard.demand(now, may_ask=may_ask)
        chosen = demanded if demanded is not None else command
        if chosen is None or self._connection is None:
            return None
        if not self._exchange.free(chosen, now, at_once=self.guard.urgent):
            return None
        verdict = self.guard.review(encode(chosen), now)
        if isinstance(verdict, Refusal):
            return None if demanded is not None and isinstance(chosen, Stop) else verdict
        ticket = self._exchange.begin(chosen, now)
        self.guard.sent(verdict, now)
        self._write(self._connection, ticket, verdict.frame)
        return None

    def _conclude(self, outcome: Outcome | None, now: float) -> Outcome | None:
        if outcome is not None:
            self.guard.concluded(outcome, now)
        return outcome
