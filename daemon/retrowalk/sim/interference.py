"""What a bad radio does, drawn from one seed: a small object that the simulated radios ask at each packet.

It knows no clock and does nothing itself: it says what becomes of a packet, and counts what it did.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from blefit import uuids

CONTROL: Final = uuids.FITNESS_MACHINE_CONTROL_POINT


class Kind(StrEnum):
    """One way to be bad, each with a rate of its own."""

    # Of each notification or indication, but answers of the Control Point:
    NOTIFICATION_LOST = "notification_lost"
    NOTIFICATION_DELAYED = "notification_delayed"
    """By up to 3 s, and those after it wait for it."""
    NOTIFICATION_DUPLICATED = "notification_duplicated"
    NOTIFICATION_REORDERED = "notification_reordered"
    """By up to 1.5 s, and those after it do not wait."""
    NOTIFICATION_MALFORMED = "notification_malformed"
    """Cut, too long, with flags flipped, or random octets."""
    SILENCE = "silence"
    """Nothing is heard, answers included, while the link stays up."""
    HELD = "held"
    """The same, and all of it arrives at once when that is over."""
    # Of each answer of the Control Point:
    ANSWER_LOST = "answer_lost"
    ANSWER_LATE = "answer_late"
    """By up to 8 s."""
    # Of each write:
    WRITE_0XFD = "write_0xfd"
    WRITE_0XFE = "write_0xfe"
    WRITE_0X0E = "write_0x0e"
    WRITE_LOST = "write_lost"
    """It never completes, and the machine does not get it: a zombie link."""
    WRITE_UNANSWERED = "write_unanswered"
    """It never completes, and the machine got it."""
    # Of each attempt:
    CONNECT_FAILS = "connect_fails"
    CONNECT_HANGS = "connect_hangs"
    SCAN_IS_DEAF = "scan_is_deaf"
    # Of each packet, in any direction:
    LINK_LOST = "link_lost"


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a write or of a connection attempt."""

    arrives: bool = True
    completes: bool = True
    error: int | None = None
    """The ATT error that is its answer."""


THROUGH: Final = Fate()
_FATES: Final = {
    Kind.WRITE_0XFD: Fate(arrives=False, error=0xFD),
    Kind.WRITE_0XFE: Fate(arrives=False, error=0xFE),
    Kind.WRITE_0X0E: Fate(arrives=False, error=0x0E),
    Kind.WRITE_LOST: Fate(arrives=False, completes=False),
    Kind.WRITE_UNANSWERED: Fate(completes=False),
}
_LONGEST_DELAY_S: Final = 3.0
_LATEST_ANSWER_S: Final = 8.0
_LONGEST_DETOUR_S: Final = 1.5


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something is heard."""

    payload: bytes
    delay_s: float = 0.0
    in_order: bool = True
    """It comes after all that was in order before it, however late that is."""


class Interference:
    """All of it is off at first. `happened` counts what was done, by kind."""

    def __init__(self, chance: Random) -> None:
        self.happened: Counter[Kind] = Counter()
        self._chance = chance
        self._on: dict[Kind, tuple[float, float]] = {}  # rate, until when
        self._over_at = -math.inf
        self._packets_to_live: int | None = None

    def disturb(self, kind: Kind, rate: float = 1.0, until: float = math.inf) -> None:
        """From now on, until that moment of the loop's time, `kind` strikes with this probability.

        ValueError for HELD without an end: what is held is to be heard at last.
        """
        if kind is Kind.HELD and math.isinf(until):
            raise ValueError("what is held needs a moment at which it is let go")
        self._on[kind] = (rate, until)
        self._over_at = max(self._over_at, until)

    def calm(self) -> None:
        """Everything is off again."""
        self._on.clear()
        self._over_at = -math.inf
        self._packets_to_live = None

    def lose_link_at_packet(self, number: int) -> None:
        """The link that sends or gets the packet of that number from now on (1: the next) is lost by it."""
        self._packets_to_live = number

    def is_calm(self, now: float) -> bool:
        """Nothing at all is on: nothing else need be asked."""
        return now >= self._over_at and self._packets_to_live is None

    # --- what the radios ask ------------------------------------------------------------------------------

    def loses_link(self, now: float) -> bool:
        """Asked for every packet: the link ends here, and the packet is lost with it."""
        if self._packets_to_live is not None:
            self._packets_to_live -= 1
            if self._packets_to_live <= 0:
                self._packets_to_live = None
                self.happened[Kind.LINK_LOST] += 1
                return True
        return self._strikes(Kind.LINK_LOST, now)

    def on_notification(self, characteristic: int, payload: bytes, now: float) -> Sequence[Arrival]:
        """What is heard of a notification or indication of the characteristic with that 16-bit number."""
        if self._strikes(Kind.SILENCE, now):
            return ()
        if self._strikes(Kind.HELD, now):
            return (Arrival(payload, self._on[Kind.HELD][1] - now),)
        return self._on_answer(payload, now) if characteristic == CONTROL else self._on_news(payload, now)

    def on_write(self, now: float) -> Fate:
        """What becomes of a write to the Control Point."""
        struck = (fate for kind, fate in _FATES.items() if self._strikes(kind, now))
        return next(struck, THROUGH)

    def on_connect(self, now: float) -> Fate:
        """What becomes of a connection attempt: through, failed at once, or never completed."""
        if self._strikes(Kind.CONNECT_FAILS, now):
            return Fate(arrives=False)
        return Fate(completes=not self._strikes(Kind.CONNECT_HANGS, now))

    def deafens(self, now: float) -> bool:
        """Asked for every scan: it hears nothing."""
        return self._strikes(Kind.SCAN_IS_DEAF, now)

    # ------------------------------------------------------------------------------------------------------

    def _strikes(self, kind: Kind, now: float) -> bool:
        rate, until = self._on.get(kind, (0.0, 0.0))
        if now >= until or (rate < 1 and self._chance.random() >= rate):
            return False
        self.happened[kind] += 1
        return True

    def _on_answer(self, payload: bytes, now: float) -> Sequence[Arrival]:
        if self._strikes(Kind.ANSWER_LOST, now):
            return ()
        late = self._strikes(Kind.ANSWER_LATE, now)
        delay = self._chance.uniform(0.1, _LATEST_ANSWER_S) if late else 0.0
        return (Arrival(payload, delay, in_order=not late),)

    def _on_news(self, payload: bytes, now: float) -> Sequence[Arrival]:
        if self._strikes(Kind.NOTIFICATION_LOST, now):
            return ()
        if self._strikes(Kind.NOTIFICATION_MALFORMED, now):
            payload = self._malformed(payload)
        arrival = Arrival(payload)
        if self._strikes(Kind.NOTIFICATION_REORDERED, now):
            arrival = Arrival(payload, self._chance.uniform(0.05, _LONGEST_DETOUR_S), in_order=False)
        elif self._strikes(Kind.NOTIFICATION_DELAYED, now):
            arrival = Arrival(payload, self._chance.uniform(0.05, _LONGEST_DELAY_S))
        return (arrival, arrival) if self._strikes(Kind.NOTIFICATION_DUPLICATED, now) else (arrival,)

    def _malformed(self, payload: bytes) -> bytes:
        chance = self._chance
        match chance.randrange(4):
            case 0:
                return payload[: chance.randrange(len(payload) or 1)]
            case 1:
                return payload + chance.randbytes(chance.randint(1, 4))
            case 2:
                flags = int.from_bytes(payload[:2], "little") ^ (1 << chance.randrange(16))
                return flags.to_bytes(2, "little")[: len(payload)] + payload[2:]
            case _:
                return chance.randbytes(chance.randrange(21))
