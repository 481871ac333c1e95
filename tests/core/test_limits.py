"""The numbers of the safety specification: each default, each ceiling, and which of them wins."""

from dataclasses import fields, replace
from typing import Any

import pytest

from blefit.units import Incline, Speed
from retrowalk.core import bounds
from retrowalk.core.bounds import SITE_BOUNDS, OwnCaps, SiteLimits
from retrowalk.core.limits import Limits, Refusals, limits_for
from retrowalk.core.model import Direction, Machine

SPEC = Machine(
    id="one",
    name="Spec",
    minimum=Speed(80),
    maximum=Speed(1400),
    increment=Speed(10),
    inclinable=True,
    maximum_incline=Incline(100),
    commissioned=True,
    second_stop=True,
)


SITE = SiteLimits()


def limits(machine: Machine = SPEC, level: int = 6, site: SiteLimits = SITE, **more: Any) -> Limits:
    found = limits_for(machine, site=site, level=level, **more)
    assert isinstance(found, Limits), found
    return found


def refusals(machine: Machine = SPEC, level: int = 6, site: SiteLimits = SITE, **more: Any) -> str:
    found = limits_for(machine, site=site, level=level, **more)
    assert isinstance(found, Refusals), found
    return "\n".join(found.sentences)


@pytest.mark.parametrize(
    ("level", "cap", "ceiling", "incline", "ramp", "bout", "total"),
    [
        (0, 100, 160, 0, 5, 300, 600),
        (1, 150, 250, 0, 5, 300, 600),
        (2, 200, 250, 0, 5, 300, 600),
        (3, 250, 350, 10, 10, 600, 600),
        (4, 350, 350, 30, 10, 600, 900),
        (5, 400, 500, 50, 10, 600, 900),
        (6, 400, 500, 50, 10, 600, 900),
    ],
)
def test_each_level_has_the_numbers_of_the_specification(
    *, level: int, cap: int, ceiling: int, incline: int, ramp: int, bout: int, total: int
) -> None:
    found = limits(level=level)
    assert (found.cap(Direction.BACKWARD), found.ceiling(Direction.BACKWARD)) == (cap, ceiling)
    assert found.cap_reason(Direction.BACKWARD) == f"level {level}"
    assert (found.cap(Direction.FORWARD), found.ceiling(Direction.FORWARD)) == (400, 600)
    assert found.cap_reason(Direction.FORWARD) == "forward parts"
    assert (found.incline_cap, found.ramp_up, found.bout_s, found.backward_total_s) == (
        incline,
        ramp,
        bout,
        total,
    )


def test_who_stands_has_no_speed() -> None:
    found = limits()
    assert (found.cap(Direction.STANDING), found.ceiling(Direction.STANDING)) == (0, 0)
    assert found.cap_reason(Direction.STANDING) == ""


def test_the_defaults_that_no_level_changes() -> None:
    found = limits()
    assert (found.ramp_down, found.step_up, found.step_down) == (30, 20, 50)
    assert (found.incline_step, found.incline_interval_s) == (5, 5.0)
    assert (found.session_s, found.turn_dwell_s, found.countdown_s) == (1800, 10, 10)
    assert (found.rest_wait_s, found.armed_wait_s) == (300, 45)
    assert (found.presence_s, found.presence_warning_s, found.backward_part_s) == (60, 10, None)


def test_a_guarded_walker_has_the_guarded_row_whatever_the_level() -> None:
    found = limits(level=6, guarded=True)
    assert (found.backward_cap, found.backward_ceiling, found.backward_cap_reason) == (120, 150, "guarded")
    assert (found.incline_cap, found.incline_cap_reason, found.ramp_up) == (0, "guarded", 5)
    assert (found.bout_s, found.backward_total_s, found.presence_s) == (300, 600, 30)
    assert found.guarded


def test_knee_allows_the_longer_bout_and_no_more() -> None:
    assert limits(level=1, knee=True).bout_s == 600
    assert limits(level=3, knee=True).bout_s == 600
    assert limits(level=1, knee=True).backward_total_s == 600
    assert limits(level=1, knee=True, site=SiteLimits(bout_s=120)).bout_s == 120


@pytest.mark.parametrize(
    ("level", "site_cap", "cap", "reason"),
    [
        (1, 149, 149, "site"),
        (1, 200, 200, "site"),
        (1, 250, 250, "site"),
        (1, 251, 250, "ceiling of level 1"),
        (6, 500, 500, "site"),
        (0, 161, 160, "ceiling of level 0"),
    ],
)
def test_a_site_cap_is_stricter_or_looser_up_to_the_ceiling_of_the_level(
    level: int, site_cap: int, cap: int, reason: str
) -> None:
    found = limits(level=level, site=SiteLimits(backward_cap=Speed(site_cap)))
    assert (found.backward_cap, found.backward_cap_reason) == (cap, reason)


@pytest.mark.parametrize(
    ("site_cap", "cap", "reason"), [(119, 119, "site"), (120, 120, "guarded"), (150, 120, "guarded")]
)
def test_a_site_cap_never_loosens_what_guards_a_frail_walker(site_cap: int, cap: int, reason: str) -> None:
    site = SiteLimits(backward_cap=Speed(site_cap), incline_cap=Incline(20))
    found = limits(guarded=True, site=site)
    assert (found.backward_cap, found.backward_cap_reason) == (cap, reason)
    assert (found.incline_cap, found.incline_cap_reason) == (0, "guarded")


@pytest.mark.parametrize(
    ("field", "stricter", "own", "looser"),
    [
        ("presence_s", 29, 30, 31),
        ("bout_s", 299, 300, 301),
        ("backward_total_s", 599, 600, 601),
        ("ramp_up", 4, 5, 6),
    ],
)
def test_nor_does_any_other_number_of_the_site(field: str, stricter: int, own: int, looser: int) -> None:
    for of_site, found in ((stricter, stricter), (own, own), (looser, own), (None, own)):
        site = SiteLimits(**changed(field, of_site) if of_site else {})
        assert getattr(limits(guarded=True, site=site), field) == found
    assert getattr(limits(level=0, site=SiteLimits(**changed(field, looser))), field) == looser


@pytest.mark.parametrize(
    ("level", "site", "own", "cap", "reason"),
    [
        (0, None, 200, 100, "level 0"),
        (1, None, 200, 150, "level 1"),
        (1, None, 149, 149, "treadmill"),
        (1, 200, 250, 200, "site"),
        (1, 200, 199, 199, "treadmill"),
        (3, None, 200, 200, "treadmill"),
    ],
)
def test_a_treadmills_own_cap_only_lowers(
    level: int, site: int | None, own: int, cap: int, reason: str
) -> None:
    at_site = SiteLimits(backward_cap=None if site is None else Speed(site))
    found = limits(level=level, site=at_site, own=OwnCaps(backward=Speed(own)))
    assert (found.backward_cap, found.backward_cap_reason) == (cap, reason)


@pytest.mark.parametrize(
    ("site", "own", "cap", "reason"),
    [(400, 500, 400, "forward parts"), (600, 500, 500, "treadmill"), (300, 500, 300, "site")],
)
def test_nor_does_it_raise_that_of_the_forward_parts(site: int, own: int, cap: int, reason: str) -> None:
    found = limits(site=SiteLimits(forward_cap=Speed(site)), own=OwnCaps(forward=Speed(own)))
    assert (found.forward_cap, found.forward_cap_reason) == (cap, reason)


@pytest.mark.parametrize(
    ("level", "site", "own", "cap", "reason"),
    [
        (2, None, 50, 0, "level 2"),
        (3, None, 10, 10, "level 3"),
        (3, None, 9, 9, "treadmill"),
        (0, 20, 50, 20, "site"),
        (2, 20, 50, 20, "site"),
        (2, 20, 10, 10, "treadmill"),
        (5, 0, 50, 0, "site"),
        (5, None, 0, 0, "treadmill"),
    ],
)
def test_nor_that_of_the_deck(level: int, site: int | None, own: int, cap: int, reason: str) -> None:
    at_site = SiteLimits(incline_cap=None if site is None else Incline(site))
    found = limits(level=level, site=at_site, own=OwnCaps(incline=Incline(own)))
    assert (found.incline_cap, found.incline_cap_reason) == (cap, reason)
    assert (found.deck_cap, found.deck_cap_reason) == (cap, reason)


@pytest.mark.parametrize(
    ("change", "backward", "backward_reason", "forward", "forward_reason"),
    [
        ({"maximum": Speed(300)}, 300, "machine maximum", 300, "machine maximum"),
        ({"commissioned": False}, 150, "uncommissioned machine", 250, "uncommissioned machine"),
        ({"echoes_target": True}, 150, "machine echoes its target", 250, "machine echoes its target"),
        ({"second_stop": False}, 200, "no second stop", 400, "forward parts"),
        ({"second_stop": False, "keeps_running_without_link": False}, 400, "level 6", 400, "forward parts"),
    ],
)
def test_what_the_machine_is_not_trusted_with(
    change: dict[str, Any], backward: int, backward_reason: str, forward: int, forward_reason: str
) -> None:
    found = limits(replace(SPEC, **change))
    assert (found.backward_cap, found.backward_cap_reason) == (backward, backward_reason)
    assert (found.forward_cap, found.forward_cap_reason) == (forward, forward_reason)


def test_what_nobody_has_told_of_a_machine_is_not_taken_to_be_safe() -> None:
    untold = Machine(id="one", name="New", minimum=Speed(80), maximum=Speed(1400), increment=Speed(10))
    assert untold.keeps_running_without_link
    assert not untold.second_stop
    assert not untold.reports_presence


def test_nothing_loosens_an_uncommissioned_machine() -> None:
    site = SiteLimits(backward_cap=Speed(500), forward_cap=Speed(600))
    found = limits(replace(SPEC, commissioned=False, second_stop=False), site=site)
    assert (found.backward_cap, found.backward_ceiling) == (150, 150)
    assert (found.forward_cap, found.forward_ceiling) == (250, 250)


def test_the_walkers_caps_only_lower() -> None:
    found = limits(walker_cap=Speed(180), walker_forward_cap=Speed(300))
    assert (found.backward_cap, found.backward_cap_reason) == (180, "walker")
    assert (found.forward_cap, found.forward_cap_reason) == (300, "walker")
    found = limits(guarded=True, walker_cap=Speed(100), own=OwnCaps(backward=Speed(110)))
    assert (found.backward_cap, found.backward_cap_reason) == (100, "walker")
    assert limits(guarded=True, own=OwnCaps(backward=Speed(110))).backward_cap == 110
    found = limits(level=2, walker_cap=Speed(450), walker_forward_cap=Speed(600))
    assert (found.backward_cap, found.forward_cap) == (200, 400)


def test_a_set_up_without_presence_walks_slower_and_in_shorter_bouts() -> None:
    found = limits(has_presence=False)
    assert (found.backward_cap, found.backward_cap_reason, found.bout_s) == (150, "no presence source", 60)
    assert found.backward_part_s is None
    assert limits(has_presence=False, ok_in_reach=False).backward_part_s == 60
    assert limits(has_presence=False, ok_in_reach=False, guarded=True).backward_part_s == 60
    assert limits(has_presence=True, ok_in_reach=False).backward_part_s is None
    assert limits(has_presence=False, site=SiteLimits(presence_s=120)).bout_s == 120
    assert limits(has_presence=False, guarded=True).bout_s == 30


def test_the_site_sets_every_other_bound() -> None:
    site = SiteLimits(
        forward_cap=Speed(600),
        incline_cap=Incline(100),
        ramp_up=10,
        ramp_down=50,
        step_up=Speed(30),
        step_down=Speed(40),
        bout_s=900,
        backward_total_s=1800,
        session_s=3600,
        turn_dwell_s=20,
        countdown_s=5,
        rest_wait_s=600,
        idle_wait_s=60,
        presence_s=120,
    )
    found = limits(level=1, site=site)
    assert (found.forward_cap, found.forward_cap_reason) == (600, "site")
    assert (found.incline_cap, found.incline_cap_reason) == (100, "site")
    assert (found.ramp_up, found.ramp_down, found.step_up, found.step_down) == (10, 50, 30, 40)
    assert (found.bout_s, found.backward_total_s, found.session_s) == (900, 1800, 3600)
    assert (found.turn_dwell_s, found.countdown_s) == (20, 5)
    assert (found.rest_wait_s, found.armed_wait_s, found.presence_s) == (600, 60, 120)


@pytest.mark.parametrize(
    ("change", "cap", "reason"),
    [
        ({"inclinable": False}, 0, "machine without incline"),
        ({"maximum_incline": Incline(25)}, 25, "machine maximum"),
        ({}, 50, "level 5"),
    ],
)
def test_incline_is_bounded_by_the_machine_too(change: dict[str, Any], cap: int, reason: str) -> None:
    found = limits(replace(SPEC, **change), level=5)
    assert (found.incline_cap, found.incline_cap_reason) == (cap, reason)


@pytest.mark.parametrize(("increment", "step_up"), [(0, 20), (1, 20), (20, 20), (21, 21), (32, 32), (50, 50)])
def test_a_coarse_grid_may_be_raised_by_one_of_its_values(increment: int, step_up: int) -> None:
    assert limits(replace(SPEC, increment=Speed(increment))).step_up == step_up


@pytest.mark.parametrize(
    ("speed", "found"), [(79, 0), (80, 80), (129, 80), (130, 130), (280, 280), (500, 280)]
)
def test_the_values_of_a_grid_go_from_the_minimum_up_and_none_is_above_the_maximum(
    speed: int, found: int
) -> None:
    assert replace(SPEC, increment=Speed(50), maximum=Speed(300)).on_grid(Speed(speed)) == found


@pytest.mark.parametrize(
    ("asked", "increment", "step_down"), [(10, 0, 10), (10, 10, 10), (10, 11, 11), (50, 50, 50), (49, 50, 50)]
)
def test_a_coarse_grid_may_be_lowered_by_one_of_its_values(
    asked: int, increment: int, step_down: int
) -> None:
    site = SiteLimits(step_down=Speed(asked))
    assert limits(replace(SPEC, increment=Speed(increment)), site=site).step_down == step_down


@pytest.mark.parametrize(
    ("minimum", "level", "guarded", "cap", "reason", "warned"),
    [
        (100, 0, False, 100, "level 0", False),
        (101, 0, False, 101, "machine minimum", True),
        (160, 0, False, 160, "machine minimum", True),
        (120, 0, True, 120, "guarded", True),
        (121, 0, True, 121, "machine minimum", True),
        (150, 0, True, 150, "machine minimum", True),
        (150, 1, False, 150, "level 1", True),
    ],
)
def test_a_machines_minimum_is_the_first_target_and_the_cap_of_the_most_careful(
    *, minimum: int, level: int, guarded: bool, cap: int, reason: str, warned: bool
) -> None:
    found = limits(replace(SPEC, minimum=Speed(minimum)), level=level, guarded=guarded)
    assert (found.first_target, found.backward_cap, found.backward_cap_reason) == (minimum, cap, reason)
    assert bool(found.warnings) is warned


@pytest.mark.parametrize(
    ("change", "more", "told"),
    [
        ({"controllable": False}, {}, "takes no speed commands"),
        ({"watch_only": "it is deaf", "controllable": False}, {}, "can only be watched: it is deaf"),
        ({"quarantined": "reads km/h as mph"}, {}, "in quarantine (reads km/h as mph)"),
        ({"maximum": Speed(79)}, {}, "from 0.8 down to 0.79"),
        ({"minimum": Speed(39)}, {}, "as slow as 0.39 km/h, which cannot be told from rest"),
        ({"minimum": Speed(161)}, {}, "starts at 1.61 km/h, faster than the 1.6"),
        ({"increment": Speed(51)}, {}, "in steps of 0.51 km/h, more than the 0.5"),
        ({}, {"level": 7}, "level 7 does not exist"),
        ({}, {"level": -1}, "level -1 does not exist"),
        (
            {},
            {"walker_cap": Speed(79)},
            "no slower than 0.8 km/h, but the backward cap is 0.79 km/h (walker)",
        ),
        ({}, {"walker_forward_cap": Speed(79)}, "but the forward cap is 0.79 km/h (walker)"),
        ({"minimum": Speed(151)}, {"level": 1}, "the backward cap is 1.5 km/h (level 1)"),
        ({"minimum": Speed(151)}, {"guarded": True}, "the backward cap is 1.5 km/h (ceiling of guarded)"),
        ({"minimum": Speed(90)}, {"level": 0, "site": SiteLimits(backward_cap=Speed(80))}, "0.8 km/h (site)"),
        (
            {"minimum": Speed(160), "commissioned": False},
            {"level": 0},
            "the backward cap is 1.5 km/h (uncommissioned machine)",
        ),
        ({}, {"site": SiteLimits(countdown_s=4)}, "countdown 4 s is below 5 s, the lowest allowed"),
    ],
)
def test_no_session_where_the_belt_cannot_be_kept_safe(
    change: dict[str, Any], more: dict[str, Any], told: str
) -> None:
    assert told in refusals(replace(SPEC, **change), **more)


@pytest.mark.parametrize("change", [{"minimum": Speed(40)}, {"increment": Speed(50)}, {"maximum": Speed(80)}])
def test_a_machine_just_within_the_bounds_is_taken(change: dict[str, Any]) -> None:
    assert limits(replace(SPEC, **change)).first_target == replace(SPEC, **change).minimum


def test_all_reasons_are_told_at_once() -> None:
    machine = replace(
        SPEC, controllable=False, quarantined="ran away", minimum=Speed(200), increment=Speed(60)
    )
    assert len(refusals(machine, site=SiteLimits(level=9)).splitlines()) == 5


def test_the_bounds_name_the_fields_of_a_site_and_its_defaults_lie_within_them() -> None:
    assert set(SITE_BOUNDS) == {field.name for field in fields(SiteLimits)}
    for field in fields(SiteLimits):
        bound = SITE_BOUNDS[field.name]
        assert field.default == bound.default
        assert bound.default is None or bound.lowest <= bound.default <= bound.ceiling
    assert SiteLimits().problems() == ()


def changed(name: str, value: int) -> dict[str, Any]:
    return {name: value}


@pytest.mark.parametrize("name", SITE_BOUNDS)
def test_a_site_may_go_to_its_bounds_and_not_one_unit_further(name: str) -> None:
    bound = SITE_BOUNDS[name]
    for value in (bound.lowest, bound.ceiling):
        assert replace(SITE, **changed(name, value)).problems() == ()
    (above,) = replace(SITE, **changed(name, bound.ceiling + 1)).problems()
    assert f"is above the ceiling of {bound.words(bound.ceiling)}" in above
    (below,) = replace(SITE, **changed(name, bound.lowest - 1)).problems()
    assert f"is below {bound.words(bound.lowest)}" in below


def test_ceilings_are_those_of_the_specification() -> None:
    told = {name: bound.words(bound.ceiling) for name, bound in SITE_BOUNDS.items()}
    assert told == {
        "level": "6",
        "backward_cap": "5 km/h",
        "forward_cap": "6 km/h",
        "incline_cap": "10 %",
        "ramp_up": "0.1 km/h per s",
        "ramp_down": "0.5 km/h per s",
        "step_up": "0.3 km/h",
        "step_down": "0.5 km/h",
        "bout_s": "900 s",
        "backward_total_s": "1800 s",
        "session_s": "3600 s",
        "turn_dwell_s": "60 s",
        "countdown_s": "60 s",
        "rest_wait_s": "600 s",
        "idle_wait_s": "60 s",
        "presence_s": "120 s",
    }


def test_the_strictest_that_a_site_may_set() -> None:
    told = {name: bound.words(bound.lowest) for name, bound in SITE_BOUNDS.items()}
    assert told == {
        "level": "0",
        "backward_cap": "0.5 km/h",
        "forward_cap": "0.5 km/h",
        "incline_cap": "0 %",
        "ramp_up": "0.01 km/h per s",
        "ramp_down": "0.1 km/h per s",
        "step_up": "0.05 km/h",
        "step_down": "0.1 km/h",
        "bout_s": "30 s",
        "backward_total_s": "60 s",
        "session_s": "60 s",
        "turn_dwell_s": "10 s",
        "countdown_s": "5 s",
        "rest_wait_s": "30 s",
        "idle_wait_s": "10 s",
        "presence_s": "10 s",
    }


def test_a_start_and_a_step_have_ceilings_of_their_own() -> None:
    assert (bounds.FIRST_TARGET_CEILING, bounds.STEP_CEILING) == (160, 50)


@pytest.mark.parametrize(
    ("site", "seconds"),
    [
        (SiteLimits(idle_wait_s=10, countdown_s=5), 10),
        (SiteLimits(idle_wait_s=10, countdown_s=20), 20),
        (SiteLimits(idle_wait_s=10, turn_dwell_s=60), 60),
        (SiteLimits(idle_wait_s=60), 60),
    ],
)
def test_an_armed_belt_waits_its_time_but_never_less_than_a_countdown_or_a_turn(
    site: SiteLimits, seconds: int
) -> None:
    assert limits(site=site).armed_wait_s == seconds
