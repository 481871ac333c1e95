"""A recorded session: what one real machine said to one app, and when."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from blefit import uuids
from retrowalk.sim.model.quirks import LONGEST_NAME


@dataclass(frozen=True, slots=True)
class Event:
    """One thing in the air. `kind` as the recorders name it: `notify`, `indicate`, `read_req`, `read_rsp`,
    `write_req`, `write_cmd`, `connect`, `disconnect` and others, which are the business of link and app."""

    at: float
    """Seconds since the beginning."""
    kind: str
    characteristic: str | None
    """As recorded: `2ACD`, `2ACD.cccd`, a UUID; None where that is not known."""
    payload: bytes

    @property
    def number(self) -> int | None:
        """The characteristic's 16-bit number; None for another attribute, a descriptor of it included."""
        return None if self.characteristic is None else uuids.short(self.characteristic)


@dataclass(frozen=True)
class Trace:
    """The events in their order."""

    id: str
    device: str
    """As it is called; after the last slash the name it has in the air."""
    events: tuple[Event, ...]

    @property
    def name(self) -> str:
        """What it advertises."""
        called = self.device.rpartition("/")[2].strip() or "recorded treadmill"
        return called.encode()[:LONGEST_NAME].decode(errors="ignore")

    @property
    def seconds(self) -> float:
        """From the first event to the last."""
        return self.events[-1].at if self.events else 0.0

    @cached_property
    def sent(self) -> tuple[Event, ...]:
        """What the machine said unasked, and the ends of its link."""
        return tuple(e for e in self.events if is_sent(e) or e.kind == "disconnect")

    @cached_property
    def values(self) -> tuple[tuple[float, int, bytes], ...]:
        """What a characteristic was known to hold, from when on: what was read of it or it had sent."""
        return tuple(_values(self.events))

    def value(self, number: int, at: float) -> bytes | None:
        """What reading that characteristic gives then; before the first word of it, that; None: none."""
        held = [(since, payload) for since, known, payload in self.values if known == number]
        passed = [payload for since, payload in held if since <= at]
        return passed[-1] if passed else held[0][1] if held else None

    def numbers(self, kind: str) -> frozenset[int]:
        """The characteristics with an event of that kind."""
        return frozenset(e.number for e in self.events if e.kind == kind and e.number is not None)


def is_sent(event: Event) -> bool:
    """It is a notification or an indication of a characteristic with a number."""
    return event.kind in {"notify", "indicate"} and event.number is not None


def _values(events: Iterable[Event]) -> Iterable[tuple[float, int, bytes]]:
    """An answer does not say to what: it belongs to the request before it, if that was a known read."""
    asked: int | None = None
    for event in events:
        if is_sent(event) and event.number is not None:
            yield event.at, event.number, event.payload
        elif event.kind == "read_rsp":
            number = event.number if event.number is not None else asked
            if number is not None:
                yield event.at, number, event.payload
            asked = None
        elif event.kind == "read_req":
            asked = event.number
        elif event.kind.endswith(("_req", "_rsp")) or event.kind == "error":
            asked = None
