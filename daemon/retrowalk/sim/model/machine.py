"""A machine, as whoever holds its radio sees it: a simulated treadmill, or a recorded one."""

from collections.abc import Callable
from typing import Protocol

from blefit.ftms.treadmill_data import TreadmillData
from retrowalk.sim.model.attributes import Characteristic
from retrowalk.sim.model.emissions import Client, Emission
from retrowalk.sim.model.quirks import Quirks


class Machine(Protocol):
    """Driven from outside: `advance` lets time pass and returns what is to be sent, in order."""

    quirks: Quirks
    before_touch: Callable[[], None]
    """Called when a person is about to do something at it: time can be let pass until then."""

    @property
    def now(self) -> float: ...
    @property
    def on_since(self) -> float:
        """When it was last switched on."""

    @property
    def next_due(self) -> float: ...
    def services(self) -> dict[int, list[Characteristic]]: ...
    def connect(self, client: Client) -> None: ...
    def disconnect(self, client: Client) -> None: ...
    def subscribe(self, client: Client, characteristic: int, enabled: bool) -> None: ...
    def write(self, client: Client, octets: bytes, now: float) -> int | None: ...
    def confirmed(self, client: Client) -> None: ...
    def advance(self, now: float) -> list[Emission]: ...
    def frames(self, record: TreadmillData, room: int, /) -> list[bytes]: ...
