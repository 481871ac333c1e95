"""The Control Point's side of every procedure, by the book (FTMS 4.16, and FTMS.TS for what it leaves open).

A procedure begins with the write and ends when its answer is confirmed. Who has no permission is told so;
what the machine does not know it says first.
"""

from dataclasses import dataclass
from random import Random
from typing import Protocol

from blefit.errors import DecodeError
from blefit.ftms.control_point import OpCode, Request, Response, ResultCode
from blefit.units import Incline, Speed
from retrowalk.sim.model.emissions import Answer, Client
from retrowalk.sim.model.goals import GOALS, Goal, is_in_range
from retrowalk.sim.model.permission import Permission
from retrowalk.sim.model.quirks import ControlQuirks, Ranges, octets_of

INVALID_ATTRIBUTE_LENGTH = 0x0D
CCCD_IMPROPERLY_CONFIGURED = 0xFD
PROCEDURE_ALREADY_IN_PROGRESS = 0xFE
"""ATT error codes."""

_LONGEST = 19
_STOP, _PAUSE = 1, 2
_PARAMETERS = {OpCode.START_OR_RESUME: 0, OpCode.STOP_OR_PAUSE: _STOP}


class Machine(Protocol):
    """What the Control Point acts on. `by` is who asked: the others are told."""

    @property
    def is_started(self) -> bool:
        """It runs, or is about to."""

    @property
    def is_paused(self) -> bool:
        """It was paused and not stopped since."""

    @property
    def can_start(self) -> bool:
        """Nothing keeps it from starting."""

    def start(self, by: Client | None) -> None:
        """Start or resume."""

    def stop(self, by: Client | None) -> None:
        """Stop."""

    def pause(self, by: Client | None) -> None:
        """Pause."""

    def aim(self, target: Speed, by: Client | None) -> None:
        """Take a target speed."""

    def tilt(self, target: Incline, by: Client | None) -> None:
        """Take a target inclination."""

    def seek(self, goal: Goal, target: int, by: Client | None) -> None:
        """Take another target."""

    def reset(self, by: Client | None) -> None:
        """Back to the state after power-on."""

    def control_lost(self, client: Client) -> None:
        """Tell a client that its permission is gone."""


@dataclass(frozen=True, slots=True)
class _Due:
    at: float
    answer: Answer


class ControlPoint:
    """The procedures of all clients, and the permission that one of them may hold."""

    def __init__(self, machine: Machine, quirks: ControlQuirks, ranges: Ranges, chance: Random) -> None:
        self.permission = Permission(quirks, chance)
        self._machine = machine
        self._quirks = quirks
        self._ranges = ranges
        self._subscribed: set[Client] = set()
        self._in_progress: set[Client] = set()
        self._due: list[_Due] = []
        self._known = {OpCode.REQUEST_CONTROL, OpCode.RESET, OpCode.SET_TARGET_SPEED}
        self._known |= {OpCode.START_OR_RESUME, OpCode.STOP_OR_PAUSE}
        if ranges.maximum_incline > ranges.minimum_incline:
            self._known.add(OpCode.SET_TARGET_INCLINATION)
        self._known |= {op for op, goal in GOALS.items() if goal in quirks.goals}
        frames = {OpCode.START_OR_RESUME: quirks.start_frame, OpCode.STOP_OR_PAUSE: quirks.stop_frame}
        self._own_frames = {op: octets_of(frame) for op, frame in frames.items() if frame}
        self._waits_for_reset = False
        self._results = {
            ResultCode.SUCCESS: quirks.succeeds_with,
            ResultCode.OP_CODE_NOT_SUPPORTED: quirks.unknown_refused_with,
        }

    @property
    def holder(self) -> Client | None:
        """Who has permission."""
        return self.permission.holder

    @property
    def next_due(self) -> float | None:
        """When the next answer is due, or the permission ends."""
        answer, lapse = self._due[0].at if self._due else None, self.permission.lapses_at
        if answer is None or lapse is None:
            return lapse if answer is None else answer
        return min(answer, lapse)

    def subscribe(self, client: Client, enabled: bool) -> None:
        """The client's CCCD was written."""
        (self._subscribed.add if enabled else self._subscribed.discard)(client)

    def forget(self, client: Client) -> None:
        """The client is gone, and with it what it had."""
        self._subscribed.discard(client)
        self._in_progress.discard(client)
        self._due = [due for due in self._due if due.answer.client != client]
        if self.holder == client:
            self.permission.drop()

    def revoke(self) -> None:
        """Take the permission back from whoever holds it."""
        if (holder := self.permission.drop()) is not None:
            self._machine.control_lost(holder)

    def write(self, client: Client, octets: bytes, now: float) -> int | None:
        """A value was written. Returns the ATT error that refuses it, None where a procedure begins.

        The machine acts at once; the answer is given by `answers` when it is due.
        """
        if client not in self._subscribed:
            return CCCD_IMPROPERLY_CONFIGURED
        if client in self._in_progress:
            return PROCEDURE_ALREADY_IN_PROGRESS
        if not 1 <= len(octets) <= _LONGEST:
            return INVALID_ATTRIBUTE_LENGTH
        if self._quirks.deaf:
            return None
        result = self._perform(client, octets, now)
        if octets[0] == OpCode.REQUEST_CONTROL and self._quirks.control_unanswered:
            return None
        answer = Answer(client, Response(octets[0], self._results.get(result, result)).encode())
        self._in_progress.add(client)
        self._due.append(_Due(now + self._quirks.answer_delay_s, answer))
        return None

    def answers(self, now: float) -> list[Answer]:
        """The answers due until `now`, each once. A permission that lapses by then is gone."""
        self.permission.lapse(now)
        ready = [due.answer for due in self._due if due.at <= now]
        self._due = [due for due in self._due if due.at > now]
        return ready

    def confirmed(self, client: Client) -> None:
        """The client confirmed its answer: the procedure is over."""
        self._in_progress.discard(client)

    def _perform(self, client: Client, octets: bytes, now: float) -> ResultCode:
        if octets[0] not in self._known:
            return ResultCode.OP_CODE_NOT_SUPPORTED
        op = OpCode(octets[0])
        if op is OpCode.REQUEST_CONTROL:
            return self._grant(client, now) if len(octets) == 1 else ResultCode.INVALID_PARAMETER
        if not self.permission.take(client, now):
            return ResultCode.CONTROL_NOT_PERMITTED
        if (parameter := self._parameter(op, octets)) is None:
            return ResultCode.INVALID_PARAMETER
        result = self._operate(op, parameter, client)
        return ResultCode.SUCCESS if self._quirks.always_succeeds else result

    def _grant(self, client: Client, now: float) -> ResultCode:
        before = self.holder
        if not self.permission.ask(client, now):
            return ResultCode.CONTROL_NOT_PERMITTED
        if before not in {None, client}:
            self._machine.control_lost(before)
        return ResultCode.SUCCESS

    def _parameter(self, op: OpCode, octets: bytes) -> int | None:
        """The parameter, 0 where the operation takes none; None where these are not its octets."""
        if op in self._own_frames:
            return _PARAMETERS[op] if octets == self._own_frames[op] else None
        try:
            request = Request.decode(octets)
        except DecodeError:
            return None
        return None if request.trailing else request.parameter or 0

    def _operate(self, op: OpCode, parameter: int, client: Client) -> ResultCode:
        match op:
            case OpCode.RESET:
                self._machine.reset(client)
                self.permission.drop()
                self._waits_for_reset = False
            case OpCode.SET_TARGET_SPEED:
                low, high = self._ranges.minimum, self._ranges.maximum
                if not low <= parameter <= high and not self._quirks.clamps:
                    return ResultCode.INVALID_PARAMETER
                if not self._quirks.targets_ignored:
                    self._machine.aim(Speed(min(max(parameter, low), high)), client)
            case OpCode.SET_TARGET_INCLINATION:
                lowest, highest = self._ranges.minimum_incline, self._ranges.maximum_incline
                if not lowest <= parameter <= highest and not self._quirks.clamps:
                    return ResultCode.INVALID_PARAMETER
                if not self._quirks.inclines_ignored:
                    self._machine.tilt(Incline(min(max(parameter, lowest), highest)), client)
            case OpCode.START_OR_RESUME:
                return self._start(client)
            case _ if (goal := GOALS.get(op)) is not None:
                if not is_in_range(goal, parameter):
                    return ResultCode.INVALID_PARAMETER
                self._machine.seek(goal, parameter, client)
            case _:
                return self._halt(parameter, client)
        return ResultCode.SUCCESS

    def _start(self, client: Client) -> ResultCode:
        quirks, machine = self._quirks, self._machine
        if not machine.is_started and machine.can_start and not self._waits_for_reset:
            machine.start(client)
            return ResultCode.SUCCESS
        if machine.is_started and (quirks.start_toggles or quirks.start_restarts):
            machine.stop(client)
            if quirks.start_restarts:
                machine.start(client)
            return ResultCode.SUCCESS
        return ResultCode.OPERATION_FAILED

    def _halt(self, parameter: int, client: Client) -> ResultCode:
        if parameter not in {_STOP, _PAUSE}:
            return ResultCode.INVALID_PARAMETER
        if parameter == _PAUSE:
            if not self._machine.is_started or not self._quirks.pause_supported:
                return ResultCode.OPERATION_FAILED
            self._machine.pause(client)
            return ResultCode.SUCCESS
        if not self._machine.is_started and not self._machine.is_paused:
            return self._start(client) if self._quirks.stop_starts else ResultCode.OPERATION_FAILED
        self._machine.stop(client)
        self._waits_for_reset = self._quirks.start_needs_reset
        if self._quirks.control_lost_on_stop:
            self.permission.drop()
        return ResultCode.SUCCESS
