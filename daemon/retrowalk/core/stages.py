"""The stages of a session and what its halts are for: words and sentences, no decisions."""

from dataclasses import dataclass
from enum import Enum

from retrowalk.core.model import Phase


class Stage(Enum):
    """Where the session is between two halts."""

    OFFERED = "offered"
    COUNTDOWN = "countdown"
    STARTING = "starting"
    WALKING = "walking"
    EASING = "easing"
    HALTING = "halting"
    WAITING = "waiting"
    ENDED = "ended"


BETWEEN = frozenset({Stage.COUNTDOWN, Stage.STARTING, Stage.HALTING, Stage.WAITING})
"""At rest between two motions, or on the way there."""


class Halt(Enum):
    """What a halt is for."""

    TURN = "turn"
    REST = "rest"
    BELTOFF = "beltoff"
    PAUSE = "pause"
    END = "end"


TIMED = frozenset({Halt.REST, Halt.BELTOFF})
"""They last as long as their step says, the others until somebody acts."""

HALT_PHASE = {
    Halt.TURN: Phase.TURNING,
    Halt.REST: Phase.RESTING,
    Halt.BELTOFF: Phase.RESTING,
    Halt.PAUSE: Phase.PAUSED,
    Halt.END: Phase.STOPPING,
}
"""What is published of a halt."""

STOPPING = {
    Halt.TURN: "The belt is stopping. Step to the side rails. Turn only when it is still.",
    Halt.REST: "The belt is stopping for a rest. Hold the rails.",
    Halt.BELTOFF: "The belt is stopping. Hold the rails.",
    Halt.END: "The belt is stopping. Hold the rails until it is still.",
}
"""What is said when it begins."""


class Ended(Enum):
    """How a session ended, as its last event says."""

    COMPLETED = "completed"
    """All steps walked, and the belt at rest."""
    STOPPED = "stopped"
    MISSED = "missed"
    """Nobody started it."""


@dataclass(frozen=True, slots=True)
class Restraint:
    """What keeps the wish low at this moment (wellbeing, faults)."""

    may_raise: bool
    slow: bool
    """Down to the machine's minimum."""
