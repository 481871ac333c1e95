"""Topic names (contract: MQTT). The settings have checked that prefix and id can be part of one."""

from dataclasses import dataclass
from enum import StrEnum

ONLINE = b"online"
OFFLINE = b"offline"


class Inbound(StrEnum):
    """The topics of a treadmill that are read."""

    COMMAND = "command"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics of one treadmill. The prefix has no slash at its end."""

    prefix: str
    treadmill: str

    @property
    def availability(self) -> str:
        return f"{self.prefix}/{self.treadmill}/availability"

    @property
    def state(self) -> str:
        return f"{self.prefix}/{self.treadmill}/state"

    @property
    def event(self) -> str:
        return f"{self.prefix}/{self.treadmill}/event"

    @property
    def reply(self) -> str:
        return f"{self.prefix}/{self.treadmill}/reply"

    def inbound(self, kind: Inbound) -> str:
        return f"{self.prefix}/{self.treadmill}/{kind}"


def bridge_state(prefix: str) -> str:
    """The daemon's own availability: retained, and its last will."""
    return f"{prefix}/bridge/state"


def discovery(treadmill: str, prefix: str = "homeassistant") -> str:
    """Where Home Assistant looks for a device; `prefix` is its own, not ours."""
    return f"{prefix}/device/retrowalk_{treadmill}/config"
