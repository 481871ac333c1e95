"""A seat at the desk: one session and one guard, no controller; the session is put where a test wants it."""

from dataclasses import replace

from tests.core.desk import MACHINE, TICK_S, Desk

from blefit.units import Speed
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.limits import Limits, limits_for
from retrowalk.core.model import Command, Direction, Emitted, Machine
from retrowalk.core.session import Session
from retrowalk.core.stages import Halt, Restraint, Stage
from retrowalk.core.timeline import Kind, Segment, Timeline

FORWARD, BACKWARD = Direction.FORWARD, Direction.BACKWARD
FREE = Restraint(may_raise=True, slow=False)


def walk(direction: Direction, speed: int = 100, seconds: float = 60.0, **changes: object) -> Segment:
    """A step of one speed, in 0.01 km/h, without ramps."""
    segment = Segment(
        step=1,
        place="here",
        kind=Kind.WALK,
        direction=direction,
        duration_s=seconds,
        expected_s=seconds,
        speed=(Speed(speed), Speed(speed)),
        knots=((0.0, Speed(speed)),),
    )
    return replace(segment, **changes)  # type: ignore[arg-type]  # a table of changes


def halt(kind: Kind, direction: Direction, seconds: float) -> Segment:
    """A step at rest; the direction is the one that the person faces, of a turn the new one."""
    return Segment(
        step=1, place="here", kind=kind, direction=direction, duration_s=seconds, expected_s=seconds
    )


STEPS = {
    "forward": walk(FORWARD),
    "backward": walk(BACKWARD),
    "turn forward": halt(Kind.TURN, FORWARD, 10.0),
    "turn backward": halt(Kind.TURN, BACKWARD, 10.0),
    "rest": halt(Kind.REST, FORWARD, 30.0),
    "push": halt(Kind.BELTOFF, FORWARD, 30.0),
}


def timeline(*steps: str | Segment) -> Timeline:
    """A session of these steps, numbered."""
    segments = [STEPS[step] if isinstance(step, str) else step for step in steps]
    return Timeline(
        name="p",
        level=1,
        purpose="",
        segments=tuple(replace(segment, step=number) for number, segment in enumerate(segments, 1)),
        work_s=0.0,
    )


def limits(machine: Machine = MACHINE, **site: object) -> Limits:
    """Those of level 1, on a site with these numbers."""
    found = limits_for(machine, site=SiteLimits(level=6, **site), level=1)  # type: ignore[arg-type]  # numbers
    assert isinstance(found, Limits)
    return found


class Seat:
    """The desk's belt rests, unless another desk is given. Time stands still between calls."""

    def __init__(self, *steps: str | Segment, desk: Desk | None = None, **site: object) -> None:
        self.desk = Desk().rest() if desk is None else desk
        bounds = limits(self.desk.machine, **site)
        self.session = Session("s1", timeline(*steps), bounds, self.desk.machine, self.desk.now)

    def put(
        self,
        stage: Stage,
        why: Halt | None = None,
        *,
        step: int = 1,
        facing: Direction = FORWARD,
        started: bool = True,
    ) -> "Seat":
        """The session is there, without having gone the way."""
        session = self.session
        session._stand_at(step - 1)
        session._turn_to(facing)
        session.stage, session.halt, session.started = stage, why, started
        return self

    def halted(self, why: Halt, *, step: int = 1, facing: Direction = FORWARD) -> "Seat":
        """It came to rest for that, now: what was said about it is forgotten."""
        self.put(Stage.HALTING, why, step=step, facing=facing)
        self.advance()
        self.notes()
        return self

    def walking(self, *, step: int = 1, facing: Direction = FORWARD) -> "Seat":
        """Motion was measured, now, in that step."""
        self.put(Stage.STARTING, step=step, facing=facing)
        self.session.moving(self.desk.now)
        self.notes()
        return self

    def advance(self, seconds: float = 0.0, restraint: Restraint = FREE) -> None:
        """So much time passes at once."""
        self.desk.now += seconds
        self.session.advance(self.desk.guard, restraint, self.desk.now)

    def rests(self, seconds: float) -> None:
        """So much time passes, the belt at rest."""
        self.desk.runs(0, seconds)
        self.advance()

    def run(self, seconds: float, restraint: Restraint = FREE) -> None:
        """The belt does at once as it was told, and what is wished for is written."""
        desk = self.desk
        for _ in range(round(seconds / TICK_S)):
            desk.runs(desk.guard.commanded or desk.machine.minimum, TICK_S)
            self.advance(0.0, restraint)
            wish = self.wish()
            if wish is not None:
                assert desk.want(wish) == ""

    def wish(self) -> Command | None:
        """What the session wishes for now."""
        return self.session.wish(self.desk.guard, self.desk.now)

    def notes(self) -> list[object]:
        """What it told since the last call: sentences, and events as (type, fields)."""
        told = self.session.notes()
        return [_event(note) if isinstance(note, Emitted) else note.text for note in told]


def _event(note: Emitted) -> tuple[str, dict[str, object]]:
    fields = dict(note.fields)
    assert fields.pop("session_id") == "s1"
    return note.type, fields
