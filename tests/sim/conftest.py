"""A treadmill on a bench: time passes by hand, and a client does what it is told."""

import pytest

from blefit import uuids
from blefit.ftms.treadmill_data import TreadmillData
from retrowalk.sim.model.emissions import Answer, Client, Emission, Notification, Record
from retrowalk.sim.model.quirks import Quirks
from retrowalk.sim.model.treadmill import Treadmill

EVERYTHING = (
    uuids.TREADMILL_DATA,
    uuids.TRAINING_STATUS,
    uuids.FITNESS_MACHINE_STATUS,
    uuids.FITNESS_MACHINE_CONTROL_POINT,
    uuids.HEART_RATE_MEASUREMENT,
)
US = Client(1)


class Bench:
    """One treadmill, and client 1 with everything subscribed. `log` is all that was sent, in order."""

    def __init__(self, quirks: Quirks | None = None) -> None:
        self.treadmill = Treadmill(quirks)
        self.now = 0.0
        self.log: list[Emission] = []
        self.connect(US)

    def connect(self, client: int, *characteristics: int) -> None:
        """Another client; subscribed to everything unless told otherwise."""
        self.treadmill.connect(Client(client))
        for characteristic in characteristics or EVERYTHING:
            self.treadmill.subscribe(Client(client), characteristic, enabled=True)

    def wait(self, seconds: float) -> list[Emission]:
        """Let time pass; what was sent meanwhile. Answers are confirmed at once."""
        self.now += seconds
        sent = self.treadmill.advance(self.now)
        for emission in sent:
            if isinstance(emission, Answer):
                self.treadmill.confirmed(emission.client)
        self.log += sent
        return sent

    def ask(self, octets: str, client: int = US) -> str:
        """Write the Control Point: the answer in hexadecimal, "att fd" for an ATT error, "" for none."""
        error = self.treadmill.write(Client(client), bytes.fromhex(octets), self.now)
        if error is not None:
            return f"att {error:02x}"
        answers = [e.payload.hex(" ") for e in self.wait(0.1) if isinstance(e, Answer) and e.client == client]
        assert len(answers) <= 1
        return "".join(answers)

    def run(self, *octets: str) -> None:
        """Write these one after the other, and have success each time."""
        for request in octets:
            assert self.ask(request) == f"80 {request[:2]} 01"

    def records(self, seconds: float) -> list[TreadmillData]:
        """The records of the next seconds."""
        return [e.data for e in self.wait(seconds) if isinstance(e, Record)]

    def told(self, client: int, characteristic: int) -> list[str]:
        """What a client was notified of so far, in hexadecimal."""
        return [
            e.payload.hex(" ")
            for e in self.log
            if isinstance(e, Notification) and (e.client, e.characteristic) == (client, characteristic)
        ]

    def statuses(self, client: int = US) -> list[str]:
        """The Fitness Machine Statuses so far."""
        return self.told(client, uuids.FITNESS_MACHINE_STATUS)

    @property
    def speed(self) -> int:
        """The real speed in 0.01 km/h."""
        return round(self.treadmill.belt.speed)


@pytest.fixture
def bench() -> type[Bench]:
    """To build one with quirks."""
    return Bench


@pytest.fixture
def spec() -> Bench:
    """The machine that does everything by the specification."""
    return Bench()


@pytest.fixture
def running() -> Bench:
    """The same, 10 s after Start: 0.8 km/h, control granted."""
    bench = Bench()
    bench.run("00", "07")
    bench.wait(10)
    return bench
