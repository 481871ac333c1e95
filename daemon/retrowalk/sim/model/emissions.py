"""What the machine sends, as values; whoever holds the radio carries them out in order."""

from dataclasses import dataclass
from typing import NewType

from blefit.ftms.treadmill_data import TreadmillData

Client = NewType("Client", int)
"""One connection to the machine."""


@dataclass(frozen=True, slots=True)
class Record:
    """A Treadmill Data record; how many notifications it takes depends on the client's link."""

    client: Client
    data: TreadmillData


@dataclass(frozen=True, slots=True)
class Notification:
    """Any other notification, by the 16-bit number of its characteristic."""

    client: Client
    characteristic: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A Control Point response; `confirmed` is owed to the model for it."""

    client: Client
    payload: bytes


@dataclass(frozen=True, slots=True)
class LinkLoss:
    """All links are lost by radio, without a word."""


Emission = Record | Notification | Answer | LinkLoss
