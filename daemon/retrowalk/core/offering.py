"""From an offer to what a session may do: the setup, the program found, its limits, its timeline."""

from collections.abc import Callable
from dataclasses import dataclass

from retrowalk.core.bounds import SiteLimits
from retrowalk.core.compiler import Violations, compile_program
from retrowalk.core.limits import Limits, Refusals, limits_for
from retrowalk.core.model import Machine
from retrowalk.core.program import Program
from retrowalk.core.timeline import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the config says of one treadmill's sessions."""

    site: SiteLimits
    find_program: Callable[[str], Program]
    """By name or path; raises LookupError or ValueError with a sentence for the person."""
    new_id: Callable[[], str]
    guarded: bool = False
    presence_source: bool = False
    """The config declares a source of presence evidence (a strap, a paired OK button that is held)."""
    ok_in_reach: bool = True
    alarm_reaches_walker: bool = True
    """An output is declared that a person facing backward can notice."""
    manual_use_allowed: bool = True
    maximum_heart_rate: int | None = None
    walker_weight_kg: float | None = None


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """A request that is answered with no, and why."""


def compiled(setup: Setup, name: str, machine: Machine) -> tuple[Timeline, Limits]:
    """The program of that name as it would be walked on this machine. Raises Refused with every reason."""
    try:
        program = setup.find_program(name)
    except (LookupError, ValueError) as error:
        raise Refused(" ".join(str(error.args[0] if error.args else error).split())) from None
    if program.level > setup.site.level:
        raise Refused(f"{program.name} is level {program.level}, the session's level is {setup.site.level}")
    limits = limits_for(
        machine,
        site=setup.site,
        level=program.level,
        guarded=setup.guarded,
        knee=program.purpose == "knee",
        has_presence=machine.reports_presence or setup.presence_source,
        ok_in_reach=setup.ok_in_reach,
    )
    if isinstance(limits, Refusals):
        raise Refused("; ".join(limits.sentences))
    timeline = compile_program(program, limits, machine)
    if isinstance(timeline, Violations):
        raise Refused("; ".join(str(violation) for violation in timeline.violations))
    if timeline.backward_s > 0 and not setup.alarm_reaches_walker:
        raise Refused(
            "no alarm output reaches somebody facing backward: set terminal or voice in [alarm] outputs"
        )
    return timeline, limits
