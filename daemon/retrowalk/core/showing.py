"""The live state, as everybody may see it: put together from what the rooms of the core know."""

from blefit.units import Incline, Speed
from retrowalk.core.energy import Totals
from retrowalk.core.faults import Ledger
from retrowalk.core.guard import Guard
from retrowalk.core.model import Act, Direction, Phase, Snapshot
from retrowalk.core.session import Session

STALE_S = 4.0
"""An older speed is unknown."""


def cap_in_force(session: Session | None, guard: Guard, now: float) -> Speed | None:
    """The cap of this moment: as the guard judges it, or as the next arming will have it."""
    armed = guard.cap(now)
    if armed is not None or session is None:
        return armed
    return min(_own_cap(session), _of_program(session), session.live_cap or _own_cap(session))


def show(
    session: Session | None,
    guard: Guard,
    ledger: Ledger,
    totals: Totals,
    now: float,
    *,
    connected: bool,
    manual: bool,
    awaiting: Act | None,
    heart_rate: int | None,
    link: str,
) -> Snapshot:
    """The snapshot. `link`: what is done about the connection, in words."""
    cap = cap_in_force(session, guard, now)
    measured = guard.motion.speed if guard.motion.fresh(now, STALE_S) else None
    if measured is None and guard.resting(now):
        measured = Speed(0)
    worst = ledger.worst
    return Snapshot(
        phase=_phase(session, guard, ledger, connected=connected, manual=manual),
        direction=Direction.STANDING if session is None else session.direction(guard),
        measured=measured if connected else None,
        commanded=guard.commanded,
        cap=cap,
        cap_reason=None if session is None or cap is None else _cap_reason(session, cap),
        incline=_incline(totals, guard) if connected else None,
        distance_m=totals.distance_m,
        distance_backward_m=totals.distance_backward_m,
        elapsed_s=totals.elapsed_s,
        heart_rate=heart_rate,
        energy_kcal_estimate=totals.energy_kcal,
        step_index=None if session is None else session.segment.step,
        step_count=None if session is None else session.timeline.step_count,
        step_remaining_s=None if session is None else session.step_remaining(now),
        session_remaining_s=None if session is None else session.remaining(now),
        next_step=None if session is None else session.next_label,
        cue="" if session is None else session.cue,
        awaiting=awaiting,
        program=None if session is None else session.timeline.name,
        walker=None if session is None else session.walker,
        fault=None if worst is None else worst.id,
        fault_text="" if worst is None else worst.sentence,
        link=_link(link, connected=connected),
        telemetry_age_s=guard.motion.age(now) if connected else None,
        session_id=None if session is None else session.id,
    )


def _link(said: str, *, connected: bool) -> str:
    """A link that is lost is hung up for some seconds: its treadmill is out of reach all the same."""
    if connected:
        return said or "connected"
    return "disconnected" if said in {"", "connected"} else said


def _phase(session: Session | None, guard: Guard, ledger: Ledger, *, connected: bool, manual: bool) -> Phase:
    if ledger.latched:
        return Phase.FAULTED
    if not connected:
        return Phase.DISCONNECTED
    if session is not None:
        return session.phase(guard)
    if guard.stopping:
        return Phase.STOPPING
    return Phase.MANUAL if manual else Phase.IDLE


def _own_cap(session: Session) -> Speed:
    return session.limits.cap(session.facing)


def _of_program(session: Session) -> Speed:
    return max(session.highest, session.limits.first_target) if session.highest else _own_cap(session)


def _incline(totals: Totals, guard: Guard) -> Incline | None:
    """As the machine says, else as it was told; level, where it says nothing, is what nobody knows."""
    return totals.incline if totals.incline is not None else (guard.incline or None)


def _cap_reason(session: Session, cap: Speed) -> str | None:
    if cap < min(_own_cap(session), _of_program(session)):
        return "set_cap"
    return "program" if cap < _own_cap(session) else session.limits.cap_reason(session.facing) or None
