"""What the machine tells by services beside the Fitness Machine Service: a pulse, and steps."""

import math

from blefit import uuids
from blefit.heart_rate import HeartRateMeasurement
from blefit.running_speed_cadence import RscMeasurement
from retrowalk.sim.model.clients import Clients
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks
from retrowalk.sim.model.walker import Walker

_EVERY_S = 1.0
_256TH_METRES_PER_S = 256 / 360
"""In 0.01 km/h."""


class Neighbours:
    """Heart Rate, and Running Speed and Cadence, each where the machine has it."""

    def __init__(self, quirks: TelemetryQuirks, walker: Walker, clients: Clients, now: float) -> None:
        self._quirks = quirks
        self._walker = walker
        self._clients = clients
        there = quirks.heart_rate_service or quirks.running_speed_service
        self.next_due = now if there else math.inf
        """When they say something next."""

    def tell(self, now: float, speed: float) -> None:
        """If it is time; `speed` of the belt in 0.01 km/h."""
        if self.next_due > now:
            return
        self.next_due += _EVERY_S
        walker = self._walker
        if self._quirks.heart_rate_service:
            pulse = walker.heart_rate if walker.on_belt else None
            beat = HeartRateMeasurement(heart_rate=pulse, contact=walker.on_belt)
            self._clients.notify(uuids.HEART_RATE_MEASUREMENT, beat.encode())
        if self._quirks.running_speed_service:
            stride = RscMeasurement(round(speed * _256TH_METRES_PER_S), round(walker.cadence(speed)))
            self._clients.notify(uuids.RSC_MEASUREMENT, stride.encode())
