"""The whole machine: belt, walker, console and safety key under the rules of the Fitness Machine Service.

It is driven from outside: `advance` lets time pass and returns what is to be sent, in order. Everything else
acts at the moment of the last `advance` (`write` and the Bluetooth events bring their own).
"""

import math
from collections.abc import Callable, Collection
from random import Random

from blefit import uuids
from blefit.ftms.machine_status import MachineStatus, MachineStatusOp
from blefit.ftms.training_status import TrainingState, TrainingStatus
from blefit.ftms.treadmill_data import TreadmillData
from blefit.heart_rate import HeartRateMeasurement
from blefit.units import Incline, Speed, speed_from_kmh
from retrowalk.sim.model import attributes
from retrowalk.sim.model.attributes import Characteristic
from retrowalk.sim.model.belt import Belt, Motion
from retrowalk.sim.model.clients import Clients
from retrowalk.sim.model.console import Console, Key, SafetyKey
from retrowalk.sim.model.control_point import ControlPoint
from retrowalk.sim.model.emissions import Client, Emission, LinkLoss, Record
from retrowalk.sim.model.quirks import Quirks
from retrowalk.sim.model.ramp import Ramp
from retrowalk.sim.model.telemetry import Telemetry
from retrowalk.sim.model.walker import Walker

_INCLINE_RATE = 5.0
"""0.1 % per second."""
_HEARTBEAT_S = 1.0
_KMH_PER_MPH = 1.609344
_STOP, _PAUSE = 1, 2


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
        self.incline = Ramp(_INCLINE_RATE, _INCLINE_RATE, max(ranges.minimum_incline, 0))
        self.telemetry = Telemetry(self.quirks.telemetry, self.belt, self.walker, self.incline, chance)
        self.control = ControlPoint(self, self.quirks.control, ranges)
        self.console = Console(self._on_key, self._on_dial)
        self.safety_key = SafetyKey(self._on_pull)
        self.before_touch: Callable[[], None] = lambda: None
        """Called when a person is about to do something at it: time can be let pass until then."""
        self._now = self._next_record = self._next_beat = now
        self._clients = Clients()
        self._lost_link_of: float | None = None
        self._is_on = True
        self._training = self._rests_as = TrainingState.IDLE

    # --- the link ------------------------------------------------------------------------------------------

    def connect(self, client: Client) -> None:
        """A client is there."""
        self._clients.connect(client)

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

    def write(self, client: Client, octets: bytes, now: float) -> int | None:
        """The Control Point was written: the ATT error that refuses it, or None and an answer later."""
        self._run_until(now)
        error = self.control.write(client, octets, now)
        self._tell_training()
        return error

    def confirmed(self, client: Client) -> None:
        """The answer was sent and, where it was an indication, confirmed."""
        self.control.confirmed(client)

    @property
    def training_status(self) -> bytes:
        """The value of Training Status, as read and as notified."""
        flag = self.quirks.telemetry.training_status_flag
        return TrainingStatus(self._training, string_flag=flag).encode()

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
        dues = (self._next_record, self._next_heartbeat(), self._next_loss())
        return min(*dues, _or_never(self.belt.next_due), _or_never(self.control.next_due))

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
        self.walker.advance(seconds, metres / seconds * 360)
        self.incline.advance(seconds)
        self.telemetry.advance(seconds, metres)
        self._now = now

    def _act(self) -> None:
        """Do what is due now."""
        self._tell_training()
        self._clients.send(*self.control.answers(self._now))
        if self._next_loss() <= self._now:
            self._lost_link_of = self.belt.started_moving
            self._clients.send(LinkLoss())
        if self._next_heartbeat() <= self._now:
            self._next_beat += _HEARTBEAT_S
            pulse = self.walker.heart_rate if self.walker.on_belt else None
            beat = HeartRateMeasurement(heart_rate=pulse, contact=self.walker.on_belt)
            self._clients.notify(uuids.HEART_RATE_MEASUREMENT, beat.encode())
        if self._next_record <= self._now:
            self._next_record += self.quirks.telemetry.notify_every_s
            if self.telemetry.has_something_to_say():
                record = self.telemetry.record()
                readers = self._clients.subscribers(uuids.TREADMILL_DATA)
                self._clients.send(*(Record(client, record) for client in readers))

    def _next_heartbeat(self) -> float:
        return self._next_beat if self.quirks.telemetry.heart_rate_service else math.inf

    def _next_loss(self) -> float:
        after, since = self.quirks.link.drops_after_s, self.belt.started_moving
        if after is None or since is None or since == self._lost_link_of:
            return math.inf
        return since + after

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
    def can_start(self) -> bool:
        """It has power, and the safety key is in place."""
        return self._is_on and not self.safety_key.is_pulled

    def start(self, by: Client | None) -> None:
        """Start or resume: the countdown begins."""
        self.belt.start()
        self._rests_as = TrainingState.POST_WORKOUT
        self._tell_status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER, None, by)

    def stop(self, by: Client | None) -> None:
        """Stop, also a countdown."""
        if by is not None and self.quirks.belt.ignores_stop:
            return
        self.belt.stop()
        if self.quirks.telemetry.stop_clears_counters:
            self.telemetry.reset()
        self._tell_status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER, _STOP, by)

    def pause(self, by: Client | None) -> None:
        """Pause: stop, to go on with the same counters."""
        if by is not None and self.quirks.belt.ignores_stop:
            return
        self.belt.pause()
        self._tell_status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER, _PAUSE, by)

    def aim(self, target: Speed, by: Client | None) -> None:
        """Take a target speed that is in range."""
        in_mph = by is not None and self.quirks.control.targets_are_mph
        self.belt.aim(target, _KMH_PER_MPH if in_mph else 1.0)
        self._tell_status(MachineStatusOp.TARGET_SPEED_CHANGED, self.belt.target, by)

    def tilt(self, target: Incline, by: Client | None) -> None:
        """Take a target inclination that is in range."""
        self.incline.goal = target
        self._tell_status(MachineStatusOp.TARGET_INCLINE_CHANGED, target, by)

    def reset(self, by: Client | None) -> None:
        """Stand, with all targets and counters at zero."""
        self.belt.reset()
        self.incline.goal = max(self.quirks.ranges.minimum_incline, 0)
        self.telemetry.reset()
        self._rests_as = TrainingState.IDLE
        self._tell_status(MachineStatusOp.RESET, None, by)

    def control_lost(self, client: Client) -> None:
        """Tell a client that another, or the console, took its permission."""
        self._send_status(MachineStatusOp.CONTROL_PERMISSION_LOST, None, {client})

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

    def _on_key(self, key: Key) -> None:
        self.before_touch()
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
            case _:
                pass
        self._tell_training()

    def _on_dial(self, kmh: float) -> None:
        self.before_touch()
        self._dial(speed_from_kmh(kmh))

    def _dial(self, target: int) -> None:
        if self.belt.motion is Motion.RUNNING:
            ranges = self.quirks.ranges
            self.aim(Speed(min(max(target, ranges.minimum), ranges.maximum)), None)

    def _on_pull(self) -> None:
        self.before_touch()
        self.belt.cut_power()
        self._tell_status(MachineStatusOp.STOPPED_BY_SAFETY_KEY, None, None)
        self._tell_training()

    # --- what it says --------------------------------------------------------------------------------------

    def _tell_status(self, op: MachineStatusOp, parameter: int | None, by: Client | None) -> None:
        """The others are told; who asked has the answer (FTMS 4.17)."""
        spared = None if self.quirks.control.status_to_commander else by
        self._send_status(op, parameter, self._clients.everybody_but(spared))

    def _send_status(self, op: MachineStatusOp, parameter: int | None, to: Collection[Client]) -> None:
        payload = MachineStatus(op, parameter).encode().ljust(self.quirks.control.status_length, b"\0")
        self._clients.notify(uuids.FITNESS_MACHINE_STATUS, payload, to)

    def _tell_training(self) -> None:
        state = self._training_state()
        if state is not self._training:
            self._training = state
            self._clients.notify(uuids.TRAINING_STATUS, self.training_status)

    def _training_state(self) -> TrainingState:
        """No value is tied to any operation but Reset; these are what consoles in the field send."""
        match self.belt.motion:
            case Motion.COUNTDOWN:
                return TrainingState.PRE_WORKOUT
            case Motion.RUNNING:
                return TrainingState.MANUAL_MODE_QUICK_START
            case Motion.PAUSED:
                return TrainingState.OTHER
            case Motion.STOPPED:
                return self._rests_as


def _or_never(due: float | None) -> float:
    return math.inf if due is None else due
