"""The whole machine: belt, walker, console and safety key under the rules of the Fitness Machine Service.

It is driven from outside: `advance` lets time pass and returns what is to be sent, in order. Everything else
acts at the moment of the last `advance` (`write` and the Bluetooth events bring their own).
"""

import math
from collections.abc import Callable
from random import Random

from blefit import uuids
from blefit.ftms.machine_status import MachineStatusOp
from blefit.ftms.treadmill_data import TreadmillData
from blefit.units import Incline, Speed, incline_from_percent, speed_from_kmh
from retrowalk.sim.model import attributes
from retrowalk.sim.model.attributes import Characteristic
from retrowalk.sim.model.belt import Belt, Motion
from retrowalk.sim.model.clients import Clients
from retrowalk.sim.model.console import Console, Key, SafetyKey
from retrowalk.sim.model.control_point import ControlPoint
from retrowalk.sim.model.display import display
from retrowalk.sim.model.emissions import Client, Emission, LinkLoss, Record
from retrowalk.sim.model.goals import STATUSES, Goal
from retrowalk.sim.model.losses import LinkLosses
from retrowalk.sim.model.neighbours import Neighbours
from retrowalk.sim.model.quirks import Quirks, TooEarly, number_of, octets_of
from retrowalk.sim.model.ramp import Ramp
from retrowalk.sim.model.statuses import Statuses
from retrowalk.sim.model.telemetry import Telemetry
from retrowalk.sim.model.telemetry_quirks import HALF_A_PERCENT
from retrowalk.sim.model.walker import Walker

_INCLINE_RATE = 5.0
"""0.1 % per second."""
_KMH_PER_MPH = 1.609344


class Treadmill:
    """One simulated treadmill, at rest, with nobody connected, at `now`.

    The same `quirks`, seed of `chance`, calls and times give the same octets.
    """

    def __init__(
        self,
        quirks: Quirks | None = None,
        walker: Walker | None = None,
        chance: Random | None = None,
        now: float = 0.0,
    ) -> None:
        self.quirks = quirks or Quirks()
        chance = chance or Random(1)  # noqa: S311  (noise of a simulation, no secret)
        ranges = self.quirks.ranges
        self.walker = walker or Walker(chance=chance)
        self.belt = Belt(self.quirks.belt, ranges, now)
        self.incline = Ramp(_INCLINE_RATE, _INCLINE_RATE, self._level)
        self.telemetry = Telemetry(self.quirks.telemetry, self.belt, self.walker, self.incline, chance)
        self.control = ControlPoint(self, self.quirks.control, ranges, chance)
        self.console = Console(self._on_key, self._on_dial, self._on_tilt, lambda: display(self))
        self.safety_key = SafetyKey(self._on_pull)
        self.before_touch: Callable[[], None] = lambda: None
        """Called when a person is about to do something at it: time can be let pass until then."""
        self.on_since = now
        """When it was last switched on."""
        self._now = self._next_record = now
        self._clients = Clients()
        self._losses = LinkLosses(self.quirks.link)
        self._statuses = Statuses(self.quirks.control, self.quirks.telemetry, self.belt, self._clients)
        self._neighbours = Neighbours(self.quirks.telemetry, self.walker, self._clients, now)
        self._is_on = True
        self._listen_from: dict[Client, float] = {}
        attributes = self.quirks.attributes
        self._beside = [(number_of(key), octets_of(said)) for key, said in attributes.notifies.items()]

    # --- the link ------------------------------------------------------------------------------------------

    def connect(self, client: Client) -> None:
        """A client is there."""
        self._clients.connect(client)
        self._losses.connected(self._now)

    def disconnect(self, client: Client) -> None:
        """A client is gone, whoever ended the link; what it had subscribed and was permitted goes with it."""
        self._clients.disconnect(client)
        self.control.forget(client)
        if self.is_started and not self._clients and not self.quirks.link.keeps_running_without_link:
            self.stop(None)

    def subscribe(self, client: Client, characteristic: int, enabled: bool) -> None:
        """A CCCD was written: of the characteristic with that 16-bit number."""
        if characteristic == uuids.FITNESS_MACHINE_CONTROL_POINT:
            self.control.subscribe(client, enabled)
        self._clients.subscribe(client, characteristic, enabled)
        if characteristic == uuids.TREADMILL_DATA:
            self._listen_from[client] = self._now + self.quirks.telemetry.first_record_after_s
        if characteristic == uuids.FITNESS_MACHINE_STATUS and enabled:
            self._statuses.greet(client)

    def write(self, client: Client, octets: bytes, now: float) -> int | None:
        """The Control Point was written: the ATT error that refuses it, or None and an answer later."""
        self._run_until(now)
        error = self.control.write(client, octets, now)
        self._statuses.tell_training()
        return error

    def confirmed(self, client: Client) -> None:
        """The answer was sent and, where it was an indication, confirmed."""
        self.control.confirmed(client)

    @property
    def training_status(self) -> bytes:
        """The value of Training Status, as read and as notified."""
        return self._statuses.training

    def services(self) -> dict[int, list[Characteristic]]:
        """What a GATT client finds on it, by 16-bit numbers."""
        return attributes.services(self)

    # --- time ----------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """The moment until which time has passed."""
        return self._now

    @property
    def next_due(self) -> float:
        """When `advance` will next have something to do, unless somebody does something before."""
        walker = self.walker.next_due(self._now)
        dues = (self._next_record, self._statuses.next_due, self._neighbours.next_due, walker)
        loss = self._losses.next_due(self.belt.started_moving)
        return min(*dues, loss, _or_never(self.belt.next_due), _or_never(self.control.next_due))

    def advance(self, now: float) -> list[Emission]:
        """Let time pass until `now` (never backwards); returns what is to be sent, each once, in order."""
        self._run_until(now)
        return self._clients.take()

    def frames(self, record: TreadmillData, room: int) -> list[bytes]:
        """The notifications that a record takes on a link that carries `room` octets in one."""
        return self.telemetry.frames(record, room)

    def _run_until(self, now: float) -> None:
        while (due := self.next_due) <= now:
            self._pass(due)
            self._act()
        if now > self._now:
            self._pass(now)

    def _pass(self, now: float) -> None:
        seconds = now - self._now
        if seconds <= 0:
            self.belt.advance(self._now)
            return
        before = self.belt.distance_m
        self.belt.advance(now)
        metres = self.belt.distance_m - before
        self.walker.advance(seconds, metres / seconds * 360, self.incline.value)
        self.incline.advance(seconds)
        self.telemetry.advance(seconds, metres)
        self._now = now

    def _act(self) -> None:
        """Do what is due now."""
        if self.walker.pulls_cord and not self.safety_key.is_pulled:
            self.safety_key.is_pulled = True
            self._lose_power()
        self._statuses.tell_training()
        self._clients.send(*self.control.answers(self._now))
        if self._losses.lost(self._now, self.belt.started_moving):
            self._clients.send(LinkLoss())
        self._neighbours.tell(self._now, self.belt.speed)
        self._statuses.tell_ramp(self._now)
        if self._next_record <= self._now:
            self._next_record += self.quirks.telemetry.notify_every_s
            self._statuses.tell_rest()
            self._tell_record()

    def _tell_record(self) -> None:
        if not self.telemetry.has_something_to_say():
            return
        record = self.telemetry.record()
        readers = self._clients.subscribers(uuids.TREADMILL_DATA)
        late = self._listen_from
        self._clients.send(*(Record(client, record) for client in readers if late[client] <= self._now))
        for number, said in self._beside:
            self._clients.notify(number, said)

    # --- what it can be told, by a client or (None) by the person at the console --------------------------

    @property
    def is_started(self) -> bool:
        """It runs, or counts down to it."""
        return self.belt.is_started

    @property
    def is_paused(self) -> bool:
        """It was paused, and neither resumed nor stopped since."""
        return self.belt.motion is Motion.PAUSED

    @property
    def is_on(self) -> bool:
        """Its mains switch is on."""
        return self._is_on

    @property
    def can_start(self) -> bool:
        """It has power, and the safety key is in place."""
        return self._is_on and not self.safety_key.is_pulled

    def start(self, by: Client | None) -> None:
        """Start or resume: the countdown begins."""
        self.belt.start()
        self._statuses.started(by)

    def stop(self, by: Client | None) -> None:
        """Stop, also a countdown."""
        if by is not None and self.quirks.belt.ignores_stop:
            return
        self.belt.stop()
        if self.quirks.telemetry.stop_clears_counters:
            self.telemetry.reset()
        self._statuses.stopped(by, self._now)

    def pause(self, by: Client | None) -> None:
        """Pause: stop, to go on with the same counters."""
        if by is not None and self.quirks.belt.ignores_stop:
            return
        self.belt.pause()
        self._statuses.paused(by, self._now)

    def aim(self, target: Speed, by: Client | None) -> None:
        """Take a target speed that is in range."""
        quirks = self.quirks.control
        if by is not None and quirks.target_too_early is not TooEarly.TAKEN and self._is_too_early():
            if quirks.target_too_early is TooEarly.CUTS_LINK:
                self._clients.send(LinkLoss())
            return
        in_mph = by is not None and quirks.targets_are_mph
        self.belt.aim(target, _KMH_PER_MPH if in_mph else 1.0)
        self._statuses.aimed(by, self._now)

    def tilt(self, target: Incline, by: Client | None) -> None:
        """Take a target inclination that is in range."""
        if by is not None and self.quirks.control.inclines_are_halves:
            ranges = self.quirks.ranges
            most = min(target * HALF_A_PERCENT, ranges.maximum_incline)
            target = Incline(max(most, ranges.minimum_incline))
        self.incline.goal = float(target)
        self._statuses.tell(MachineStatusOp.TARGET_INCLINE_CHANGED, target, by)

    def seek(self, goal: Goal, target: int, by: Client | None) -> None:
        """Take another target: the belt does nothing about it."""
        if goal is Goal.TRAINING_TIME:
            self.telemetry.training_time_s = target
        self._statuses.tell(STATUSES[goal], target, by)

    def reset(self, by: Client | None) -> None:
        """Stand, with all targets and counters at zero."""
        self.belt.reset()
        self.incline.goal = float(self._level)
        self.telemetry.reset()
        self._statuses.was_reset(by)

    def control_lost(self, client: Client) -> None:
        """Tell a client that another, or the console, took its permission."""
        self._statuses.control_lost(client)

    def take_control_away(self) -> None:
        """What some consoles do when a key is pressed: the permission ends."""
        self.before_touch()
        self.control.revoke()

    def switch_off(self) -> None:
        """The mains switch: the belt brakes, everything is forgotten, no key does anything."""
        self.before_touch()
        self.reset(None)
        self.belt.cut_power()
        self._is_on = False

    def switch_on(self) -> None:
        """Power again."""
        self._is_on = True
        self.on_since = self._now

    def _is_too_early(self) -> bool:
        if self.belt.motion is not Motion.RUNNING:
            return True
        since = self.belt.started_moving
        return since is not None and self._now < since + self.quirks.control.too_early_for_s

    @property
    def _level(self) -> Incline:
        """The incline that it has by itself."""
        ranges = self.quirks.ranges
        return Incline(max(ranges.minimum_incline, ranges.fixed_incline))

    def _on_key(self, key: Key) -> None:
        self.before_touch()
        self.control.permission.key_pressed()
        step = self.quirks.ranges.increment
        match key:
            case Key.START if self.can_start and not self.is_started:
                self.start(None)
            case Key.STOP if self.is_started or self.is_paused:
                self.stop(None)
            case Key.PAUSE if self.is_started:
                self.pause(None)
            case Key.FASTER:
                self._dial(self.belt.target + step)
            case Key.SLOWER:
                self._dial(self.belt.target - step)
            case Key.STEEPER:
                self._tilt(self.incline.goal + self.quirks.ranges.increment_incline)
            case Key.FLATTER:
                self._tilt(self.incline.goal - self.quirks.ranges.increment_incline)
            case _:
                pass
        self._statuses.tell_training()

    def _on_dial(self, kmh: float) -> None:
        self.before_touch()
        self._dial(speed_from_kmh(kmh))

    def _dial(self, target: int) -> None:
        if self.belt.motion is Motion.RUNNING:
            ranges = self.quirks.ranges
            self.aim(Speed(min(max(target, ranges.minimum), ranges.maximum)), None)

    def _on_tilt(self, percent: float) -> None:
        self.before_touch()
        self._tilt(incline_from_percent(percent))

    def _tilt(self, target: float) -> None:
        ranges = self.quirks.ranges
        has_motor = ranges.maximum_incline > ranges.minimum_incline
        if self.can_start and has_motor:
            self.tilt(Incline(round(min(max(target, ranges.minimum_incline), ranges.maximum_incline))), None)

    def _on_pull(self) -> None:
        self.before_touch()
        self._lose_power()

    def _lose_power(self) -> None:
        self.belt.cut_power()
        self._statuses.tell(MachineStatusOp.STOPPED_BY_SAFETY_KEY, None, None)
        self._statuses.tell_training()


def _or_never(due: float | None) -> float:
    return math.inf if due is None else due
