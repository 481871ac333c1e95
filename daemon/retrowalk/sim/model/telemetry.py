"""What the machine measures of itself and the walker, as Treadmill Data (FTMS 4.9)."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from blefit.ftms.feature import MachineFeature
from blefit.ftms.treadmill_data import TreadmillData, encode, split
from blefit.units import Incline, Speed
from retrowalk.sim.model.belt import Belt, Motion
from retrowalk.sim.model.ramp import Ramp
from retrowalk.sim.model.telemetry_quirks import (
    HALF_A_PERCENT,
    Fields,
    Reports,
    ReportsIncline,
    TelemetryQuirks,
    TooLong,
)
from retrowalk.sim.model.walker import Walker

_FEATURES = {
    Fields.AVERAGE_SPEED: MachineFeature.AVERAGE_SPEED,
    Fields.TOTAL_DISTANCE: MachineFeature.TOTAL_DISTANCE,
    Fields.INCLINATION: MachineFeature.INCLINATION,
    Fields.ELEVATION_GAIN: MachineFeature.ELEVATION_GAIN,
    Fields.PACE: MachineFeature.PACE,
    Fields.ENERGY: MachineFeature.EXPENDED_ENERGY,
    Fields.HEART_RATE: MachineFeature.HEART_RATE,
    Fields.METABOLIC_EQUIVALENT: MachineFeature.METABOLIC_EQUIVALENT,
    Fields.ELAPSED_TIME: MachineFeature.ELAPSED_TIME,
    Fields.REMAINING_TIME: MachineFeature.REMAINING_TIME,
    Fields.FORCE_ON_BELT: MachineFeature.FORCE_ON_BELT_AND_POWER_OUTPUT,
    Fields.VENDOR_STEPS: MachineFeature.STEP_COUNT,
}
_Values = Mapping[str, int | None]
"""What one group of fields holds now, by the names in TreadmillData."""


class Telemetry:
    """The counters of one session, from Reset to Reset."""

    def __init__(
        self,
        quirks: TelemetryQuirks,
        belt: Belt,
        walker: Walker,
        incline: Ramp,
        chance: Random,
    ) -> None:
        self._quirks = quirks
        self._belt = belt
        self._walker = walker
        self._incline = incline
        self._chance = chance
        self._is_silent = True
        self._driven_s = 0.0
        self._zeros = 0
        self._last_speed = Speed(0)
        self._missing_steps = 3 - quirks.step_octets if Fields.VENDOR_STEPS in quirks.fields else 0
        self._trailing = bytes.fromhex(quirks.trailing)
        self._is_plain = not (self._missing_steps or quirks.extra_flags or self._trailing)
        self._groups: list[Callable[[], _Values]] = [getattr(self, f"_{group}") for group in quirks.fields]
        self.reset()

    @property
    def features(self) -> MachineFeature:
        """What it claims to measure: what its records hold."""
        claimed = MachineFeature(0)
        for group in self._quirks.fields:
            claimed |= _FEATURES[group]
        return claimed

    @property
    def elapsed_s(self) -> float:
        """Time of the session, as counted."""
        return self._elapsed_s

    @property
    def distance_m(self) -> float:
        """Way of the session, as counted."""
        return self._distance_m

    def reset(self) -> None:
        """Zero the counters: what Reset does."""
        self._elapsed_s = self._moving_s = self._distance_m = self._ascent_m = self._kcal = 0.0
        self._first_step = self._walker.steps
        self.training_time_s = 0
        """How long the session is to be; 0: nobody said."""

    def advance(self, seconds: float, metres: float) -> None:
        """Count the time that passed and the belt that ran by in it. Stop and pause freeze the time alone."""
        speed = self._belt.speed
        walked = self._walker.walks(speed)
        if self._belt.started_moving is not None:
            self._driven_s += seconds
        if self._quirks.counts_only_steps and not walked:
            return
        self._distance_m += metres
        self._moving_s += seconds if metres else 0.0
        self._ascent_m += metres * max(self._incline.value, 0) / 1000
        if walked:
            self._kcal += self._walker.kcal_per_minute(speed, self._incline.value) * seconds / 60
        if self._belt.motion is Motion.RUNNING:
            self._elapsed_s += seconds

    def has_something_to_say(self) -> bool:
        """False while a machine that falls silent is silent. Ask once for each record."""
        quirks = self._quirks
        if quirks.silent or self._is_in_gap():
            return False
        limit = quirks.silent_at
        if limit is None:
            return True
        was_silent = self._is_silent
        slow = self._belt.speed <= limit
        self._is_silent = slow and not (self._belt.is_speeding_up and self._belt.speed > 0)
        return not (self._is_silent and was_silent)

    def _is_in_gap(self) -> bool:
        every = self._quirks.gap_every_s
        return every is not None and self._driven_s % every > every - self._quirks.gap_s

    def _is_a_zero(self) -> bool:
        """Once each time that a single record is to say 0."""
        if self._quirks.zero_every_s is None:
            return False
        before, self._zeros = self._zeros, int(self._driven_s // self._quirks.zero_every_s)
        return before != self._zeros

    def record(self) -> TreadmillData:
        """The present record."""
        present: dict[str, Any] = {}
        for values in self._groups:
            present.update(values())
        if self._quirks.unknown:
            present |= dict.fromkeys(self._quirks.unknown)
        if self._is_a_zero():
            return TreadmillData(more_data=False, instantaneous_speed=Speed(0), **present)
        return TreadmillData(more_data=False, instantaneous_speed=self.reported_speed(), **present)

    def reported_speed(self) -> Speed:
        """The reading of the speed."""
        belt, reports = self._belt, self._quirks.reports
        running = belt.motion is Motion.RUNNING
        if reports is Reports.TARGET or (reports is Reports.TARGET_UNTIL_STOPPED and running):
            return belt.target if running else Speed(0)
        if reports is Reports.NOTHING:
            return Speed(0)
        if reports is Reports.LAST_WHILE_PAUSED and belt.motion is Motion.PAUSED:
            return self._last_speed
        error = self._chance.uniform(-1, 1) * self._quirks.noise if belt.speed else 0.0
        self._last_speed = Speed(max(0, round(belt.speed + error)))
        return self._last_speed

    def frames(self, record: TreadmillData, room: int) -> list[bytes]:
        """The notifications that `record` takes where one may be `room` octets long."""
        room = min(room, self._quirks.largest_notification)
        whole = self._finished(encode(record))
        too_long = self._quirks.too_long
        if len(whole) <= room or too_long is TooLong.CUT:
            return [whole[:room]]
        *first, last = split(record, room)
        last = self._finished(last)[:room]
        return [last, *first] if too_long is TooLong.SPLIT_SPEED_FIRST else [*first, last]

    def _finished(self, frame: bytes) -> bytes:
        """As this machine sends it, where it is not as the specification has it."""
        if self._is_plain:
            return frame
        if self._missing_steps:
            frame = frame[: -self._missing_steps]
        flags = int.from_bytes(frame[:2], "little") | self._quirks.extra_flags
        return flags.to_bytes(2, "little") + frame[2:] + self._trailing

    def _average_speed(self) -> _Values:
        mean = 360 * self._distance_m / self._moving_s if self._moving_s else 0.0
        return {"average_speed": min(round(mean), 0xFFFF)}

    def _total_distance(self) -> _Values:
        step, unit = self._quirks.distance_step_m, self._quirks.distance_unit_m
        metres = int(self._distance_m // step) * step
        return {"total_distance": round(metres / unit) & 0xFFFFFF}

    def _inclination(self) -> _Values:
        match self._quirks.reports_incline:
            case ReportsIncline.REAL:
                told = self._incline.value
            case ReportsIncline.TARGET:
                told = self._incline.goal
            case ReportsIncline.NOTHING:
                told = 0.0
            case ReportsIncline.HALVES:
                told = self._incline.value / HALF_A_PERCENT
        return {"inclination": Incline(round(told)), "ramp_angle": None}

    def _elevation_gain(self) -> _Values:
        return {"positive_elevation_gain": int(self._ascent_m * 10), "negative_elevation_gain": 0}

    def _pace(self) -> _Values:
        pace = round(self._belt.speed / 600)
        return {"instantaneous_pace": pace, "average_pace": pace}

    def _energy(self) -> _Values:
        speed, walker = self._belt.speed, self._walker
        burn = walker.kcal_per_minute(speed, self._incline.value) if walker.walks(speed) else 0.0
        return {
            "total_energy": int(self._kcal) & 0xFFFF,
            "energy_per_hour": round(burn * 60),
            "energy_per_minute": round(burn),
        }

    def _heart_rate(self) -> _Values:
        return {"heart_rate": self._walker.heart_rate if self._walker.on_belt else None}

    def _metabolic_equivalent(self) -> _Values:
        oxygen = self._walker.oxygen(self._belt.speed, self._incline.value)
        return {"metabolic_equivalent": round(oxygen / 0.35)}

    def _elapsed_time(self) -> _Values:
        return {"elapsed_time": int(self._elapsed_s) & 0xFFFF}

    def _remaining_time(self) -> _Values:
        return {"remaining_time": max(0, self.training_time_s - int(self._elapsed_s))}

    def _force_on_belt(self) -> _Values:
        return {"force_on_belt": self._walker.force_on_belt, "power_output": None}

    def _vendor_steps(self) -> _Values:
        return {"vendor_step_count": int(self._walker.steps - self._first_step) & 0xFFFF}
