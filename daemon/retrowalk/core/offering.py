"""From an offer to what a session may do: the setup, the program found, its limits, its timeline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from blefit.units import Incline, Speed, percent
from retrowalk.core.bounds import NO_OWN_CAPS, OwnCaps, SiteLimits
from retrowalk.core.compiler import Violations, compile_program
from retrowalk.core.limits import Limits, Refusals, limits_for
from retrowalk.core.model import LEVEL, Machine
from retrowalk.core.program import Program
from retrowalk.core.timeline import Kind, Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """Who walks, as far as it bounds the session. Caps only lower; None: nothing of their own."""

    level: int | None = None
    """A program above it is refused; None: the site's."""
    guarded: bool = False
    backward_cap: Speed | None = None
    forward_cap: Speed | None = None
    maximum_heart_rate: int | None = None
    """Beats per minute; None: heart rate is only watched."""
    weight_kg: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the config says of one treadmill's sessions."""

    site: SiteLimits
    own: OwnCaps = NO_OWN_CAPS
    """Of this treadmill."""
    find_program: Callable[[str], Program]
    """By name or path; raises LookupError or ValueError with a sentence for the person."""
    new_id: Callable[[], str]
    anybody: Walker = Walker()
    """Of a session without a walker."""
    walkers: Mapping[str, Walker] = field(default_factory=dict)
    """By id."""
    presence_source: bool = False
    """The config declares a source of presence evidence (a strap, a paired OK button that is held)."""
    ok_in_reach: bool = True
    alarm_reaches_walker: bool = True
    """An output is declared that a person facing backward can notice."""
    manual_use_allowed: bool = True
    heart_rate_strap: bool = False
    """The config declares a strap: it is missed from the first step on, heard before or not."""

    def walker(self, name: str | None) -> Walker:
        """Whoever is named. Raises Refused for somebody unknown: their limits are unknown, too."""
        if name is None:
            return self.anybody
        if name not in self.walkers:
            known = f"the walkers are {', '.join(self.walkers)}" if self.walkers else "there are none"
            raise Refused(f"there is no walker {name!r} in the configuration: {known}")
        return self.walkers[name]


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """A request that is answered with no, and why."""


DEAF = (
    "no alarm output reaches somebody facing backward: set voice in [alarm] outputs, or terminal where the"
    " daemon runs in one"
)
NOBODY_SENSED = "Nothing senses you on this belt: after each {} s backward OK is asked for."


def too_steep(deck: Incline, limits: Limits) -> str:
    """Why nobody may walk with the deck at this incline, or ''."""
    if deck <= limits.deck_cap:
        return ""
    return (
        f"the deck stands at {percent(deck):g} %, the incline cap is {percent(limits.deck_cap):g} %"
        f" ({limits.deck_cap_reason}): lower it at the console first"
    )


def compiled(
    setup: Setup, walker: Walker, name: str, machine: Machine, deck: Incline = LEVEL
) -> tuple[Timeline, Limits]:
    """The program of that name as they would walk it on this machine. Raises Refused with every reason.

    `deck`: the incline at which somebody left it.
    """
    try:
        program = setup.find_program(name)
    except (LookupError, ValueError) as error:
        raise Refused(" ".join(str(error.args[0] if error.args else error).split())) from None
    level = setup.site.level if walker.level is None else walker.level
    if program.level > level:
        raise Refused(f"{program.name} is level {program.level}, the session's level is {level}")
    sensed = machine.reports_presence or setup.presence_source
    limits = limits_for(
        machine,
        site=setup.site,
        level=program.level,
        own=setup.own,
        guarded=walker.guarded,
        knee=program.purpose == "knee",
        walker_cap=walker.backward_cap,
        walker_forward_cap=walker.forward_cap,
        has_presence=sensed,
        ok_in_reach=setup.ok_in_reach,
    )
    if isinstance(limits, Refusals):
        raise Refused("; ".join(limits.sentences))
    if reason := too_steep(deck, limits):
        raise Refused(reason)
    timeline = compile_program(program, limits, machine)
    if isinstance(timeline, Violations):
        raise Refused("; ".join(str(violation) for violation in timeline.violations))
    pushed = [segment for segment in timeline.segments if segment.kind is Kind.BELTOFF]
    if pushed and not setup.manual_use_allowed:
        raise Refused(f"{pushed[0].place}: beltoff is manual use, and this site allows none")
    if timeline.faces_backward and not setup.alarm_reaches_walker:
        raise Refused(DEAF)
    if timeline.backward_s > 0 and not sensed:
        said = NOBODY_SENSED.format(limits.presence_s)
        timeline = replace(timeline, warnings=(*timeline.warnings, said))
    return timeline, limits
