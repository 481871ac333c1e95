"""From an offer to limits and timeline: what setup, walker, program and machine each have a word in."""

from dataclasses import replace

import pytest
from tests.core.bench import program
from tests.core.by_hand import BACKWARD, FORWARD, SENSING, TURN
from tests.core.desk import MACHINE

from blefit.units import Incline, Speed
from retrowalk.core.bounds import KNEE_BOUT_S, UNATTENDED_PART_S, OwnCaps, SiteLimits
from retrowalk.core.limits import Limits
from retrowalk.core.model import Machine
from retrowalk.core.offering import DEAF, NOBODY_SENSED, Refused, Setup, Walker, compiled
from retrowalk.core.program import Program
from retrowalk.core.timeline import Timeline

MINUTE = '{ walk = "backward", for = "60s", speed = 1.2 }'
SLOW = '{ walk = "forward", for = "60s", speed = 1.0 }'
AN_INSTANT = '{ walk = "backward", for = "1s", speed = 0.8 }'
SITE = SiteLimits(level=4)


def walk(*steps: str, level: int = 1, more: str = "") -> Program:
    return program(f'name = "Walk"\nlevel = {level}\n{more}\nsteps = [ {", ".join(steps)} ]')


def offer(
    walked: Program | Exception,
    *,
    walker: Walker | None = None,
    machine: Machine = SENSING,
    deck: int = 0,
    **facts: object,
) -> tuple[Timeline, Limits]:
    def find(name: str) -> Program:
        assert name == "p"
        if isinstance(walked, Exception):
            raise walked
        return walked

    known: dict[str, object] = {"site": SITE, "find_program": find, "new_id": lambda: "s1"}
    setup = Setup(**{**known, **facts})  # type: ignore[arg-type]  # a table of facts
    return compiled(setup, walker or setup.anybody, "p", machine, Incline(deck))


def why_not(walked: Program | Exception, **facts: object) -> str:
    """The reason of the refusal."""
    with pytest.raises(Refused) as refusal:
        offer(walked, **facts)  # type: ignore[arg-type]  # a table of facts
    return str(refusal.value)


def test_what_the_config_leaves_out() -> None:
    setup = Setup(site=SITE, find_program=lambda _: walk(FORWARD), new_id=lambda: "s1")
    assert (setup.ok_in_reach, setup.alarm_reaches_walker, setup.manual_use_allowed) == (True, True, True)
    assert (setup.presence_source, setup.heart_rate_strap, setup.walkers) == (False, False, {})
    assert setup.walker(None) is setup.anybody
    assert setup.anybody == Walker(
        level=None,
        guarded=False,
        backward_cap=None,
        forward_cap=None,
        maximum_heart_rate=None,
        weight_kg=None,
    )


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (LookupError("there is no program 'p'", 2), "there is no program 'p'"),
        (LookupError("in two\n   lines"), "in two lines"),
        (ValueError("line 3: not a speed"), "line 3: not a speed"),
        (KeyError("no such name"), "no such name"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), "utf-8"),
        (LookupError(), ""),
    ],
)
def test_a_program_that_is_not_found_says_why_in_one_line(error: Exception, reason: str) -> None:
    assert why_not(error) == reason


@pytest.mark.parametrize(
    ("site", "own", "refused"), [(4, None, False), (3, None, True), (1, 4, False), (6, 3, True)]
)
def test_a_program_above_the_level_is_refused(site: int, own: int | None, refused: bool) -> None:
    facts = {"walker": Walker(level=own), "site": SiteLimits(level=site)}
    if refused:
        reason = f"Walk is level 4, the session's level is {own or site}"
        assert why_not(walk(FORWARD, level=4), **facts) == reason
    else:
        offer(walk(FORWARD, level=4), **facts)  # type: ignore[arg-type]  # a table of facts


def test_the_limits_are_those_of_the_programs_level_and_of_the_walker() -> None:
    _, plain = offer(walk(FORWARD, level=2))
    assert (plain.level, plain.guarded) == (2, False)
    assert (plain.backward_cap_reason, plain.forward_cap_reason) == ("level 2", "forward parts")
    _, own = offer(walk(SLOW), walker=Walker(guarded=True, backward_cap=Speed(110), forward_cap=Speed(120)))
    assert (own.guarded, own.presence_s) == (True, 30)
    assert (own.backward_cap, own.backward_cap_reason) == (110, "walker")
    assert (own.forward_cap, own.forward_cap_reason) == (120, "walker")
    _, levelled = offer(walk(SLOW), walker=Walker(level=2, forward_cap=Speed(120)))
    assert levelled.forward_cap == 120
    _, here = offer(walk(FORWARD), own=OwnCaps(forward=Speed(250)))
    assert (here.forward_cap, here.forward_cap_reason) == (250, "treadmill")
    _, of_site = offer(walk(FORWARD), site=SiteLimits(level=4, forward_cap=Speed(300)))
    assert (of_site.forward_cap, of_site.forward_cap_reason) == (300, "site")


@pytest.mark.parametrize(
    ("more", "longer"), [('purpose = "knee"', True), ("", False), ('purpose = "cardio"', False)]
)
def test_only_a_program_for_the_knee_has_its_longer_bouts(more: str, longer: bool) -> None:
    _, limits = offer(walk(FORWARD, more=more))
    assert (limits.bout_s == KNEE_BOUT_S) is longer


@pytest.mark.parametrize(
    ("machine_senses", "source", "ok", "part", "warned"),
    [
        (True, False, True, None, False),
        (False, True, True, None, False),
        (True, False, False, None, False),
        (False, False, True, None, True),
        (False, False, False, UNATTENDED_PART_S, True),
    ],
)
def test_nobody_sensed_bounds_each_part_where_nobody_can_say_ok_and_is_said(
    machine_senses: bool, source: bool, ok: bool, part: int | None, warned: bool
) -> None:
    timeline, limits = offer(
        walk(FORWARD, TURN, MINUTE),
        machine=replace(MACHINE, reports_presence=machine_senses),
        presence_source=source,
        ok_in_reach=ok,
    )
    assert limits.backward_part_s == part
    assert (NOBODY_SENSED.format(60) in timeline.warnings) is warned
    assert (limits.backward_cap_reason == "no presence source") is False


@pytest.mark.parametrize(
    ("then", "refused"),
    [(MINUTE, True), ('{ beltoff = "60s" }', True), ('{ rest = "60s" }', True), ("", True), (None, False)],
)
def test_whoever_faces_backward_in_any_step_has_to_hear_the_alarm(then: str | None, refused: bool) -> None:
    turned = walk(FORWARD, *(() if then is None else (TURN, then)))
    offer(turned)
    if refused:
        assert why_not(turned, alarm_reaches_walker=False) == DEAF
    else:
        offer(turned, alarm_reaches_walker=False)


@pytest.mark.parametrize(("steps", "warned"), [((FORWARD,), False), ((FORWARD, TURN, AN_INSTANT), True)])
def test_what_concerns_backward_walking_concerns_every_second_of_it(
    steps: tuple[str, ...], warned: bool
) -> None:
    timeline, _ = offer(walk(*steps), machine=MACHINE)
    assert timeline.backward_s == warned
    assert (NOBODY_SENSED.format(60) in timeline.warnings) is warned


def test_its_own_warnings_are_kept() -> None:
    high = replace(MACHINE, minimum=Speed(110))
    timeline, _ = offer(walk(FORWARD, TURN, MINUTE), machine=high)
    assert "hold both rails" in timeline.warnings[0]
    assert timeline.warnings[-1] == NOBODY_SENSED.format(60)


def test_each_reason_is_told() -> None:
    reasons = why_not(walk(FORWARD), machine=replace(SENSING, quarantined="it ran away", increment=Speed(60)))
    assert reasons.count(";") == 1
    assert "in quarantine (it ran away)" in reasons
    assert why_not(walk('{ walk = "forward", for = "60s", speed = 5.0 }', BACKWARD)).count(";") >= 1


@pytest.mark.parametrize(("deck", "refused"), [(10, False), (11, True)])
def test_a_deck_as_steep_as_the_cap_is_walked_on(deck: int, refused: bool) -> None:
    if refused:
        assert why_not(walk(FORWARD, level=3), deck=deck) == (
            "the deck stands at 1.1 %, the incline cap is 1 % (level 3): lower it at the console first"
        )
    else:
        offer(walk(FORWARD, level=3), deck=deck)


@pytest.mark.parametrize("allowed", [True, False])
def test_who_is_told_to_push_the_belt_may_or_is_refused_the_program(allowed: bool) -> None:
    pushed = walk(FORWARD, '{ beltoff = "30s" }')
    if allowed:
        offer(pushed)
    else:
        assert why_not(pushed, manual_use_allowed=False) == (
            "step 2 of 2: beltoff is manual use, and this site allows none"
        )
    offer(walk(FORWARD), manual_use_allowed=allowed)
