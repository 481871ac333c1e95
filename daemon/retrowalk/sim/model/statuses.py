"""What the machine says of what happens to it: Fitness Machine Status, Training Status (FTMS 4.17, 4.10)."""

import math
from collections.abc import Collection
from functools import cache

from blefit import uuids
from blefit.ftms.machine_status import MachineStatus, MachineStatusOp
from blefit.ftms.training_status import TrainingState, TrainingStatus
from blefit.units import Speed
from retrowalk.sim.model.belt import Belt, Motion
from retrowalk.sim.model.clients import Clients
from retrowalk.sim.model.emissions import Client
from retrowalk.sim.model.quirks import ControlQuirks, octets_of
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks

_STOP, _PAUSE = 1, 2
_PAUSING, _PAUSED = 0x10, 0x11
"""Training Status of some consoles, reserved by the specification."""


class Statuses:
    """Of one machine. `by` is who did it, None the person at the console: the others are told."""

    def __init__(
        self, control: ControlQuirks, telemetry: TelemetryQuirks, belt: Belt, clients: Clients
    ) -> None:
        self.next_due = math.inf
        """When the speed of a ramp is told next."""
        self._control = control
        self._telemetry = telemetry
        self._belt = belt
        self._clients = clients
        self._stopped_by: list[Client | None] = []
        """Who stopped it, to be told when it stands."""
        self._rests_as = TrainingState.IDLE
        self._was_started = False
        self._told = self.training

    @property
    def training(self) -> bytes:
        """The value of Training Status, as read and as notified."""
        quirks, motion = self._telemetry, self._belt.motion
        if quirks.training_status_empty and not self._was_started:
            return b""
        state: int = self._training_state()
        if quirks.training_status_vendor and motion is Motion.PAUSED:
            state = _PAUSING if self._belt.speed else _PAUSED
        if quirks.training_status_counts and motion is Motion.COUNTDOWN:
            return _training(state, str(math.ceil(self._belt.countdown_s)), flag=True)
        string = quirks.training_status_string
        return _training(state, string, flag=quirks.training_status_flag or bool(string))

    def _training_state(self) -> TrainingState:
        """No value is tied to any operation but Reset; these are what consoles in the field send."""
        match self._belt.motion:
            case Motion.COUNTDOWN:
                return TrainingState.PRE_WORKOUT
            case Motion.RUNNING:
                return TrainingState.MANUAL_MODE_QUICK_START
            case Motion.PAUSED:
                return TrainingState.OTHER
            case Motion.STOPPED:
                return self._rests_as

    def greet(self, client: Client) -> None:
        """The client has subscribed Fitness Machine Status."""
        if first := octets_of(self._control.first_status):
            self._clients.notify(uuids.FITNESS_MACHINE_STATUS, first, {client})

    def started(self, by: Client | None) -> None:
        """It was started or resumed."""
        self._was_started = True
        self._stopped_by.clear()
        self._rests_as = TrainingState.POST_WORKOUT
        self.tell(MachineStatusOp.STARTED_OR_RESUMED_BY_USER, None, by)

    def stopped(self, by: Client | None, now: float) -> None:
        """It was stopped."""
        self._plan(now)
        if self._control.status_at_rest:
            self._stopped_by = [by]
        else:
            self.tell(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER, _STOP, by)

    def paused(self, by: Client | None, now: float) -> None:
        """It was paused."""
        self._plan(now)
        self.tell(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER, _PAUSE, by)

    def aimed(self, by: Client | None, now: float) -> None:
        """It has a new target speed."""
        self._plan(now)
        self.tell(MachineStatusOp.TARGET_SPEED_CHANGED, self._belt.target, by)

    def was_reset(self, by: Client | None) -> None:
        """It was reset."""
        self._rests_as = TrainingState.IDLE
        self.tell(MachineStatusOp.RESET, None, by)

    def control_lost(self, client: Client) -> None:
        """Another, or the console, took this client's permission."""
        self._send(MachineStatusOp.CONTROL_PERMISSION_LOST, None, {client})

    def tell(self, op: MachineStatusOp, parameter: int | None, by: Client | None) -> None:
        """The others are told; who asked has the answer (FTMS 4.17)."""
        if by is None and self._control.console_unreported:
            return
        spared = None if self._control.status_to_commander else by
        self._send(op, parameter, self._clients.everybody_but(spared))

    def tell_training(self) -> None:
        """Notify Training Status, if it is another one."""
        if (training := self.training) != self._told:
            self._told = training
            self._clients.notify(uuids.TRAINING_STATUS, training)

    def tell_ramp(self, now: float) -> None:
        """If it is time: some tell how their belt gets on as if its target changed again and again."""
        if self.next_due <= now:
            speed = Speed(round(self._belt.speed))
            self._send(MachineStatusOp.TARGET_SPEED_CHANGED, speed, self._clients.everybody_but(None))
            self._plan(now)

    def tell_rest(self) -> None:
        """If it stands now: some say only then that they were stopped."""
        if self._stopped_by and not self._belt.speed:
            self.tell(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER, _STOP, self._stopped_by.pop())

    def _plan(self, now: float) -> None:
        every = self._control.speed_status_every_s
        self.next_due = math.inf if every is None or self._belt.is_steady else now + every

    def _send(self, op: MachineStatusOp, parameter: int | None, to: Collection[Client]) -> None:
        payload = MachineStatus(op, parameter).encode().ljust(self._control.status_length, b"\0")
        self._clients.notify(uuids.FITNESS_MACHINE_STATUS, payload, to)


@cache
def _training(state: int, text: str, *, flag: bool) -> bytes:
    return TrainingStatus(state, string=text, string_flag=flag).encode()
