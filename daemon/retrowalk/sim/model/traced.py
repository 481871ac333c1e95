"""A recorded machine come alive: it says what it said, when it said it, and does nothing else."""

import math
from collections.abc import Callable, Sequence
from typing import Literal

from blefit import uuids
from blefit.ftms.control_point import Response, ResultCode
from blefit.ftms.feature import Feature, MachineFeature, TargetSetting
from blefit.ftms.ranges import SpeedRange
from blefit.ftms.treadmill_data import TreadmillData
from blefit.units import Speed
from retrowalk.sim.model.attributes import Characteristic, Properties
from retrowalk.sim.model.clients import Clients
from retrowalk.sim.model.emissions import Answer, Client, Emission, LinkLoss
from retrowalk.sim.model.quirks import Answers, ControlQuirks, LinkQuirks, Quirks
from retrowalk.sim.model.trace import Event, Trace

_CONTROL = uuids.FITNESS_MACHINE_CONTROL_POINT
_READ, _NOTIFY, _INDICATE = Properties.READ, Properties.NOTIFY, Properties.INDICATE
_DEFAULTS = {
    uuids.FITNESS_MACHINE_FEATURE: Feature(MachineFeature(0), TargetSetting.SPEED).encode(),
    uuids.SUPPORTED_SPEED_RANGE: SpeedRange(Speed(100), Speed(2000), Speed(10)).encode(),
}
"""For what nobody read while it was recorded."""
_ALWAYS = (uuids.TREADMILL_DATA, uuids.TRAINING_STATUS, uuids.FITNESS_MACHINE_STATUS, _CONTROL)
_ELSEWHERE = {
    uuids.HEART_RATE_MEASUREMENT: uuids.HEART_RATE_SERVICE,
    uuids.RSC_MEASUREMENT: uuids.RSC_SERVICE,
    **dict.fromkeys(range(uuids.MODEL_NUMBER, uuids.MANUFACTURER_NAME + 1), uuids.DEVICE_INFORMATION_SERVICE),
}


class Traced:
    """Plays a trace, once or again and again, to everybody connected.

    It begins when somebody subscribes Treadmill Data, or at once. What is written to it is kept in `written`,
    answered with success, and changes nothing: what the app of the recording wrote is not written again.
    """

    def __init__(
        self, trace: Trace, *, times: int = 1, speedup: float = 1.0, at_once: bool = False, now: float = 0.0
    ) -> None:
        """`times` it plays, so many times as fast as it was (`speedup`)."""
        self.trace = trace
        unanswered = _CONTROL in trace.numbers("write_cmd") and _CONTROL not in trace.numbers("write_req")
        notified = _CONTROL in trace.numbers("notify")
        self.quirks = Quirks(
            link=LinkQuirks(name=trace.name),
            control=ControlQuirks(
                write_without_response=unanswered,
                declares_notify=notified,
                answers=Answers.NOTIFICATION if notified else Answers.INDICATION,
            ),
        )
        self.before_touch: Callable[[], None] = lambda: None
        self.written: list[tuple[float, bytes]] = []
        self._clients = Clients()
        self._now = now
        self._speedup = speedup
        self._left = times
        self._next = 0
        self._began: float | None = now if at_once else None

    on_since = 0.0
    """It is always on."""

    @property
    def now(self) -> float:
        """The moment until which time has passed."""
        return self._now

    @property
    def next_due(self) -> float:
        """When it has something to say; infinity before the beginning and after the end."""
        if self._began is None or self.over:
            return math.inf
        at = self._sent[self._next].at if self._next < len(self._sent) else self.trace.seconds
        return self._began + at / self._speedup

    @property
    def over(self) -> bool:
        """It has played as often as it was to."""
        return self._left == 0

    @property
    def state(self) -> Literal["waiting", "playing", "over"]:
        """Waiting is for somebody to listen."""
        return "over" if self.over else "waiting" if self._began is None else "playing"

    @property
    def _sent(self) -> Sequence[Event]:
        return self.trace.sent

    def advance(self, now: float) -> list[Emission]:
        """Let time pass until `now` (never backwards); returns what is to be sent, each once, in order."""
        while (due := self.next_due) <= now:
            self._now = max(self._now, due)
            if self._next == len(self._sent):
                self._began, self._next, self._left = due, 0, self._left - 1
            else:
                self._say(self._sent[self._next])
                self._next += 1
        self._now = max(self._now, now)
        return self._clients.take()

    def _say(self, event: Event) -> None:
        if event.kind == "disconnect":
            self._clients.send(LinkLoss())
        elif event.number == _CONTROL:
            self._clients.send(*(Answer(c, event.payload) for c in self._clients.subscribers(_CONTROL)))
        elif event.number is not None:
            self._clients.notify(event.number, event.payload)

    # --- the link ------------------------------------------------------------------------------------------

    def connect(self, client: Client) -> None:
        """A client is there."""
        self._clients.connect(client)

    def disconnect(self, client: Client) -> None:
        """A client is gone; the recording goes on."""
        self._clients.disconnect(client)

    def subscribe(self, client: Client, characteristic: int, enabled: bool) -> None:
        """A CCCD was written."""
        self._clients.subscribe(client, characteristic, enabled)
        if self._began is None and enabled and characteristic == uuids.TREADMILL_DATA:
            self._began = self._now

    def write(self, client: Client, octets: bytes, now: float) -> int | None:
        """The Control Point was written."""
        self.written.append((now, octets))
        if octets and client in self._clients.subscribers(_CONTROL):
            self._clients.send(Answer(client, Response(octets[0], int(ResultCode.SUCCESS)).encode()))
        return None

    def confirmed(self, client: Client) -> None:
        """Nothing waits for it."""

    def frames(self, _record: TreadmillData, _room: int, /) -> list[bytes]:
        """Its records are sent as they were recorded, as octets."""
        raise AssertionError("a recorded machine makes no records")

    # --- attributes ----------------------------------------------------------------------------------------

    def services(self) -> dict[int, list[Characteristic]]:
        """What was read of the machine or sent by it, and what every treadmill has."""
        known = {number for _, number, _ in self.trace.values}
        found: dict[int, list[Characteristic]] = {}
        for number in sorted({*known, *_DEFAULTS, *_ALWAYS}):
            home = _ELSEWHERE.get(number, uuids.FITNESS_MACHINE_SERVICE)
            found.setdefault(home, []).append(self._characteristic(number))
        return found

    def _characteristic(self, number: int) -> Characteristic:
        control = self.quirks.control
        if number == _CONTROL:
            takes = Properties.WRITE_WITHOUT_RESPONSE if control.write_without_response else Properties.WRITE
            return Characteristic(number, takes | (_NOTIFY if control.declares_notify else _INDICATE))
        properties = Properties(0)
        if number in _ALWAYS or number in self.trace.numbers("notify"):
            properties |= _NOTIFY
        elif number in self.trace.numbers("indicate"):
            properties |= _INDICATE
        if not properties or number == uuids.TRAINING_STATUS or number in self.trace.numbers("read_req"):
            return Characteristic(number, properties | _READ, lambda: self._value(number))
        return Characteristic(number, properties)

    def _value(self, number: int) -> bytes:
        played = 0.0 if self._began is None else (self._now - self._began) * self._speedup
        held = self.trace.value(number, played)
        return _DEFAULTS.get(number, b"") if held is None else held
