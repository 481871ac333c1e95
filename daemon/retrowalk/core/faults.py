"""What can go wrong, ranked: the cause, what follows, how it ends, what the person hears. Data only."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum, auto

CORD = "PULL THE CORD"


class Reaction(IntEnum):
    """What follows from a fault; the higher wins."""

    NOTE = auto()
    HOLD = auto()
    """No raises."""
    SLOW = auto()
    """Down the planned ramp to the machine's minimum, then the planned end."""
    PAUSE = auto()
    """The session waits at rest for an act at the machine."""
    STOP = auto()
    """Stop at once; the session is over."""


class Clears(StrEnum):
    """When a fault is over."""

    ITSELF = "by itself"
    PERSON = "by a person at the machine"
    SESSION = "with the session"


@dataclass(frozen=True, slots=True)
class Fault:
    """One row. An alarm goes to every declared output and repeats; a note is said once."""

    id: str
    cause: str
    reaction: Reaction
    clears: Clears
    sentence: str
    alarm: bool = False
    law: str = ""


_PERSON, _SESSION, _ITSELF = Clears.PERSON, Clears.SESSION, Clears.ITSELF
_STOP, _SLOW, _PAUSE, _HOLD, _NOTE = (
    Reaction.STOP,
    Reaction.SLOW,
    Reaction.PAUSE,
    Reaction.HOLD,
    Reaction.NOTE,
)

FAULTS: tuple[Fault, ...] = (
    # most severe first: of two active faults the one further up is shown
    Fault("stop_ignored", "after a Stop the belt did not fall within 3 s or rest in its time", _STOP, _PERSON,
          f"{CORD}. The belt does not obey Stop.", True, "G11"),
    Fault("unexpected_motion", "the belt moves though nobody may have started it", _STOP, _PERSON,
          f"{CORD}. The belt moves and nobody started it.", True, "G13"),
    Fault("rest_unknown", "the treadmill fell silent and nobody said that the belt is still", _STOP, _PERSON,
          f"{CORD}. Nobody has said that the belt is still. Say still when it is.", True, "G11"),
    Fault("link_lost", "the link went while the session ran", _STOP, _PERSON,
          f"{CORD}. The Bluetooth link is lost and the belt may be running.", True, "G14"),
    Fault("stop_unsent", "a Stop could not be written within 2 s", _STOP, _PERSON,
          f"{CORD}. The treadmill does not take the Stop command.", True, "G3"),
    Fault("telemetry_lost", "no telemetry for 4 s while moving", _STOP, _PERSON,
          f"{CORD}. The treadmill has gone silent: its speed is unknown.", True, "G10"),
    Fault("start_unknown", "after Start neither motion nor rest was seen", _STOP, _PERSON,
          f"Stay off: the belt was told to start and is silent. {CORD}. Say still when it is.", True, "G10"),
    Fault("over_ceiling", "the belt ran above the ceiling that nothing may pass", _STOP, _PERSON,
          "Stopping: the belt ran faster than is ever allowed.", True, "G8"),
    Fault("over_cap", "the belt stayed above the cap after it was told the cap", _STOP, _PERSON,
          "Stopping: the belt stayed above the speed cap.", True, "G8"),
    Fault("wrong_speed", "the first speed did not come out as commanded", _STOP, _PERSON,
          "Stopping: the belt ran faster than it was told. Does it take miles for kilometres? "
          "It is not used again before it is commissioned.", True, "G9"),
    Fault("too_fast", "the belt ran above its target", _STOP, _PERSON,
          "Stopping: the belt ran faster than it was told.", True, "G9"),
    Fault("refusal", "the guard refused a command of the session: a bug", _STOP, _PERSON,
          "Stopping: the software made a mistake, and its guard caught it.", True, "G5"),
    Fault("control_lost", "the treadmill took control away", _STOP, _PERSON,
          "Stopping: the treadmill gave control to somebody else.", True, "G12"),
    Fault("safety_key", "the safety key was pulled", _STOP, _SESSION,
          "The safety key is out.", law="G12"),
    Fault("start_failed", "the belt did not move after Start", _STOP, _SESSION,
          "The belt did not start. Say still, then try again.", law="G10"),
    Fault("start_refused", "Start, control or the moving-marker was refused", _STOP, _SESSION,
          "The session cannot start.", law="G2"),
    Fault("lease_lost", "whoever held the lease went away", _STOP, _SESSION,
          "Stopping: whoever held the lease is gone.", law="lease"),
    Fault("console_stop", "the belt was stopped at the console", _PAUSE, _SESSION,
          "Stopped at the console.", law="G12"),
    Fault("heart_rate_high", "the heart rate passed 85 % of its maximum", _SLOW, _SESSION,
          "Your heart rate is too high. Slowing down to the end.", law="G16"),
    Fault("heart_rate_gone", "no heart rate for 60 s", _SLOW, _SESSION,
          "The heart rate is lost. Slowing down to the end.", law="G16"),
    Fault("presence_missing", "no sign of the walker", _SLOW, _SESSION,
          "No sign of you. Slowing down to the end.", law="presence"),
    Fault("hand", "somebody changed the speed at the console", _HOLD, _SESSION,
          "You changed the speed: nothing goes above it. Press OK to go on with the program.", law="G15"),
    Fault("telemetry_late", "no telemetry for 3 s while moving; no raises from 2 s on", _HOLD, _ITSELF,
          "The treadmill is late. No raises until it is back.", law="G10"),
    Fault("cap_enforced", "the belt was above the cap and is told the cap", _NOTE, _ITSELF,
          "Too fast: back to the cap.", law="G8"),
)  # fmt: skip
"""The table. `clears` SESSION: over when the session is."""

NOTICES = {
    "control_refused": "The treadmill does not give control.",
    "target_refused": "The treadmill did not take the new speed.",
    "incline_refused": "The treadmill did not take the new incline.",
    "arming_expired": "The start expired unused: nothing starts.",
    "moving": "The belt moves.",
}
"""What is worth a note but is no fault, in words."""

BY_ID = {fault.id: fault for fault in FAULTS}
_RANK = {fault.id: rank for rank, fault in enumerate(FAULTS)}


def sentence_of(finding_id: str) -> str:
    """What the person is told of a fault or a notice."""
    return BY_ID[finding_id].sentence if finding_id in BY_ID else NOTICES.get(finding_id, finding_id)


class Ledger:
    """The faults in force. The most severe is shown; the first cause is kept as the session's reason."""

    def __init__(self) -> None:
        self._active: dict[str, float] = {}
        self.silenced: bool
        """The alarm in force; a new one sounds."""

    def raise_(self, fault_id: str, now: float) -> bool:
        """Put a fault in force; False if it already is. An alarm sounds each time, silenced before or not."""
        fault = BY_ID[fault_id]
        if fault.alarm:
            self.silenced = False
        if fault_id in self._active:
            return False
        self._active[fault_id] = now
        return True

    def clear(self, *how: Clears) -> tuple[Fault, ...]:
        """End the faults that clear in one of these ways; returns them."""
        over = tuple(BY_ID[i] for i in self._active if BY_ID[i].clears in how)
        for fault in over:
            self.end(fault.id)
        return over

    def end(self, fault_id: str) -> bool:
        """End one fault; False if it was not in force."""
        return self._active.pop(fault_id, None) is not None

    @property
    def worst(self) -> Fault | None:
        """The most severe fault in force."""
        return BY_ID[min(self._active, key=_RANK.__getitem__)] if self._active else None

    @property
    def latched(self) -> bool:
        """A person has to clear something before anything may start."""
        return any(BY_ID[i].clears is Clears.PERSON for i in self._active)

    @property
    def alarm(self) -> Fault | None:
        """The fault whose sentence repeats now."""
        worst = self.worst
        return worst if worst is not None and worst.alarm and not self.silenced else None

    def has(self, fault_id: str) -> bool:
        """Whether this fault is in force."""
        return fault_id in self._active
