"""What is published (contract: MQTT): values to JSON. The keys carry their unit; unknown is null."""

import json
import math
from datetime import UTC, datetime

from blefit.units import Incline, Speed, kmh, percent
from retrowalk.core.model import Emitted, Phase, Replied, Snapshot


def available(snapshot: Snapshot | None) -> bool:
    """Whether the treadmill is connected."""
    return snapshot is not None and snapshot.phase is not Phase.DISCONNECTED and snapshot.link == "connected"


def state_payload(snapshot: Snapshot, time: datetime) -> bytes:
    """The live state, for `state`."""
    return _json(
        {
            "time": rfc3339(time),
            "phase": snapshot.phase,
            "direction": snapshot.direction,
            "measured_speed_kmh": _kmh(snapshot.measured),
            "commanded_speed_kmh": _kmh(snapshot.commanded),
            "cap_kmh": _kmh(snapshot.cap),
            "cap_reason": snapshot.cap_reason,
            "incline_percent": _percent(snapshot.incline),
            "distance_m": _number(snapshot.distance_m),
            "distance_backward_m": _number(snapshot.distance_backward_m),
            "elapsed_s": _number(snapshot.elapsed_s),
            "heart_rate_bpm": snapshot.heart_rate,
            "energy_kcal_estimate": _number(snapshot.energy_kcal_estimate),
            "step_index": snapshot.step_index,
            "step_count": snapshot.step_count,
            "step_remaining_s": _number(snapshot.step_remaining_s),
            "session_remaining_s": _number(snapshot.session_remaining_s),
            "next_step": snapshot.next_step,
            "awaiting": snapshot.awaiting,
            "program": snapshot.program,
            "walker": snapshot.walker,
            "fault": snapshot.fault,
            "link": snapshot.link,
            "telemetry_age_s": _number(snapshot.telemetry_age_s),
            "session_id": snapshot.session_id,
        }
    )


def urgent(snapshot: Snapshot) -> tuple[object, ...]:
    """What a watcher must learn at once: a state with another of these is not held back."""
    return snapshot.phase, snapshot.fault, snapshot.commanded


def event_payload(emitted: Emitted, time: datetime) -> bytes:
    """An event, for `event`: its time and type, then its own fields."""
    head = {"time": rfc3339(time), "type": emitted.type}
    return _json(head | dict(emitted.fields) | head)


def reply_payload(replied: Replied) -> bytes:
    """A reply, for `reply`; a command that carried no id or no name gets null there.

    `reason` is null where there is nothing to explain.
    """
    return _json(
        {
            "id": replied.id or None,
            "command": replied.command or None,
            "outcome": replied.outcome,
            "reason": replied.reason or None,
        }
    )


def rfc3339(time: datetime) -> str:
    """`time`, which must be aware, as RFC 3339 in UTC with milliseconds."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(document: dict[str, object]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str).encode(
        errors="replace"
    )


def _kmh(speed: Speed | None) -> float | None:
    return None if speed is None else kmh(speed)


def _percent(incline: Incline | None) -> float | None:
    return None if incline is None else percent(incline)


def _number(value: float | None) -> float | None:
    """One digit is what a person reads; a number that is none is unknown."""
    return None if value is None or not math.isfinite(value) else round(value, 1)
