"""Every rule a program must keep: just kept, just broken, and told with its limit."""

from dataclasses import replace
from typing import Any

import pytest

from blefit.units import Incline, Speed
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.compiler import Violations, compile_program
from retrowalk.core.limits import Limits, limits_for
from retrowalk.core.model import Machine
from retrowalk.core.program import Program
from retrowalk.core.program_text import parse_program
from retrowalk.core.timeline import Timeline

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


def compiled(
    *steps: str, level: int = 1, made_for: int | None = None, machine: Machine = SPEC, **more: Any
) -> Timeline | Violations:
    made_for = level if made_for is None else made_for
    program = parse_program(f'name = "p"\nlevel = {made_for}\nsteps = [{", ".join(steps)}]')
    assert isinstance(program, Program), program
    limits = limits_for(machine, level=level, **{"site": SITE, **more})
    assert isinstance(limits, Limits), limits
    return compile_program(program, limits, machine)


def told(*steps: str, **more: Any) -> list[str]:
    found = compiled(*steps, **more)
    return [str(violation) for violation in found.violations] if isinstance(found, Violations) else []


def warned(*steps: str, **more: Any) -> tuple[str, ...]:
    return compiled(*steps, **more).warnings


def walk(way: str, lasts: str, speed: float | str, more: str = "") -> str:
    return f'{{ walk = "{way}", for = "{lasts}", speed = {speed}{more} }}'


TURN_BACK, TURN_FORWARD = '{ turn = "back" }', '{ turn = "fwd" }'
WARM, COOL = walk("fwd", "3min", 2.0), walk("fwd", "2min", "[2.0, 1.0]")


BACK = walk("back", "60s", 1.5)
TWICE_BACK = (TURN_BACK, BACK, TURN_FORWARD, WARM, TURN_BACK, BACK, TURN_FORWARD)


@pytest.mark.parametrize(
    ("level", "allowed"), [(0, 1.0), (1, 1.5), (2, 2.0), (3, 2.5), (4, 3.5), (5, 4.0), (6, 4.0)]
)
def test_backward_speed_up_to_the_cap_of_the_level(level: int, allowed: float) -> None:
    assert told(walk("back", "1min", allowed), level=level) == []
    above = round(allowed + 0.01, 2)
    limit = f"{allowed:g} km/h (level {level})"
    for speed in (above, f"[1.0, {above}]"):
        assert told(walk("back", "2min", speed), level=level) == [
            f"step 1 of 1: backward speed {above:g} km/h is above the cap; the limit is {limit}"
        ]


def test_forward_speed_up_to_its_cap() -> None:
    assert told(walk("fwd", "1min", 4.0)) == []
    assert told(walk("fwd", "1min", 4.01)) == [
        "step 1 of 1: forward speed 4.01 km/h is above the cap; the limit is 4 km/h (forward parts)"
    ]


def test_a_program_above_the_sessions_level_is_refused() -> None:
    assert told(walk("back", "1min", 1.0), level=1, made_for=1) == []
    assert told(walk("back", "1min", 1.0), level=1, made_for=2) == [
        "the program: it is made for level 2; the limit is level 1, this session's"
    ]


@pytest.mark.parametrize(
    ("level", "lasts", "speed", "problem"),
    [
        (2, "20s", "[1.0, 2.0]", ""),
        (2, "19s", "[1.0, 2.0]", "rises by 1 km/h in 19 s; the limit is 0.05 km/h per s, 20 s for so much"),
        (3, "10s", "[1.0, 2.0]", ""),
        (3, "9s", "[1.0, 2.0]", "rises by 1 km/h in 9 s; the limit is 0.1 km/h per s, 10 s for so much"),
        (2, "3s", "[1.9, 1.0]", ""),
        (2, "3s", "[1.91, 1.0]", "falls by 0.91 km/h in 3 s; the limit is 0.3 km/h per s, 4 s for so much"),
    ],
)
def test_a_ramp_is_no_steeper_than_the_planned_one(level: int, lasts: str, speed: str, problem: str) -> None:
    expected = [f"step 1 of 1: the speed {problem}"] if problem else []
    assert told(walk("fwd", lasts, speed), level=level) == expected


@pytest.mark.parametrize(
    ("level", "incline", "problem"),
    [
        (2, 0, ""),
        (2, 0.5, "incline 0.5 % is above the cap; the limit is 0 % (level 2)"),
        (3, 1, ""),
        (3, 1.5, "incline 1.5 % is above the cap; the limit is 1 % (level 3)"),
        (4, 3, ""),
        (5, 5, ""),
        (6, 5.5, "incline 5.5 % is above the cap; the limit is 5 % (level 6)"),
        (6, 1.3, "incline 1.3 % is no multiple of 0.5 %; the limit is steps of 0.5 %"),
        (6, -0.5, "incline -0.5 % is downhill; the limit is 0 %, never below"),
    ],
)
def test_incline_up_to_the_cap_of_the_level_in_steps_never_downhill(
    level: int, incline: float, problem: str
) -> None:
    expected = [f"step 1 of 1: {problem}"] if problem else []
    assert told(walk("back", "2min", 1.0, f", incline = {incline}"), level=level) == expected


def test_downhill_begins_at_the_smallest_slope() -> None:
    assert told(walk("back", "2min", 1.0, ", incline = -0.1"), level=6)[0].endswith("never below")


def test_a_machine_without_incline_says_so() -> None:
    (sentence,) = told(
        walk("back", "2min", 1.0, ", incline = 1"), level=6, machine=replace(SPEC, inclinable=False)
    )
    assert sentence.endswith("the limit is 0 % (machine without incline)")


def test_a_change_of_direction_needs_a_turn() -> None:
    assert told(walk("back", "1min", 1.0), TURN_FORWARD, walk("fwd", "1min", 1.0)) == []
    assert told(walk("fwd", "1min", 1.0), walk("back", "1min", 1.0), walk("fwd", "1min", 1.0)) == [
        "step 2 of 3: goes from forward to backward without a turn; the limit is a turn between the two",
        "step 3 of 3: goes from backward to forward without a turn; the limit is a turn between the two",
    ]
    assert len(told(walk("fwd", "1min", 1.0), TURN_FORWARD, walk("back", "1min", 1.0))) == 1
    for halt in ('{ rest = "9s" }', '{ beltoff = "9s" }'):
        assert len(told(walk("fwd", "1min", 1.0), halt, walk("back", "1min", 1.0))) == 1


@pytest.mark.parametrize("kind", ["rest", "beltoff"])
def test_the_belt_stands_no_longer_than_a_person_is_waited_for(kind: str) -> None:
    steps = (walk("fwd", "1min", 1.0), "HALT", walk("fwd", "1min", 1.0))
    assert told(steps[0], f'{{ {kind} = "5min" }}', steps[2]) == []
    assert told(steps[0], f'{{ {kind} = "301s" }}', steps[2]) == [
        "step 2 of 3: the belt stands for 5 min 1 s; the limit is 5 min"
    ]


def test_a_bout_of_five_minutes_and_not_a_second_more() -> None:
    easy = walk("back", "30s", 1.1)
    assert told(walk("back", "300s", 1.5), easy, walk("back", "300s", 1.5)) == []
    assert told(walk("back", "300s", 1.5), easy, walk("back", "151s", 1.5), walk("back", "150s", 1.5)) == [
        "step 3 of 4: 5 min 1 s of backward work without a break; the limit is 5 min",
        "the program: 10 min 1 s of backward work; the limit is 10 min",
    ]


@pytest.mark.parametrize(
    ("easy", "problems"),
    [
        (walk("back", "30s", 1.1), []),
        (walk("back", "29s", 1.1), ["step 1 of 3: 8 min 20 s of backward work without a break"]),
        (walk("back", "30s", 1.11), ["step 1 of 3: 8 min 21 s of backward work without a break"]),
        (walk("back", "300s", 1.1), []),
        (
            walk("back", "301s", 1.1),
            [
                "step 2 of 3: 5 min 1 s of backward work without a break",
                "the program: 12 min 52 s of backward work",
            ],
        ),
    ],
)
def test_a_break_is_slow_enough_long_enough_and_not_too_long(easy: str, problems: list[str]) -> None:
    found = told(walk("back", "300s", 1.5), easy, walk("back", "171s", 1.5))
    assert [violation.partition(";")[0] for violation in found] == problems


@pytest.mark.parametrize(("level", "minutes"), [(3, 10), (4, 15)])
def test_the_backward_total_counts_work_and_not_its_easy_parts(level: int, minutes: int) -> None:
    wave = f"{walk('back', '60s', 2.0)}, {walk('back', '30s', 1.0)}"
    waves = f"{{ repeat = {minutes}, steps = [{wave}] }}"
    assert told(waves, level=level) == []
    for between in ((), ('{ rest = "9s" }',)):
        assert told(waves, *between, walk("back", "1s", 2.0), level=level) == [
            f"the program: {minutes} min 1 s of backward work; the limit is {minutes} min"
        ]


def test_the_belt_moves_for_half_an_hour_and_rests_do_not_count() -> None:
    rest = '{ rest = "5min" }'
    assert told(walk("fwd", "10min", 2.0), rest, walk("fwd", "20min", 2.0)) == []
    for part in (walk("fwd", "60s", 2.0), walk("back", "60s", 1.0)):
        assert told(part, TURN_FORWARD, walk("fwd", "1741s", 2.0)) == [
            "the program: the belt moves for 30 min 1 s; the limit is 30 min"
        ]
    assert told(walk("fwd", "200m", 2.0, ', within = "30min"')) == []
    assert len(told(walk("fwd", "200m", 2.0, ', within = "1801s"'))) == 1
    assert told(walk("fwd", "40min", 2.0), site=SiteLimits(session_s=2400)) == []


def test_a_distance_must_fit_its_own_limit_as_the_machine_rounds_the_speed() -> None:
    coarse = replace(SPEC, minimum=Speed(100), increment=Speed(50))
    hundred = walk("fwd", "100m", 1.4, ', within = "5min"')
    assert told(hundred) == []
    assert told(hundred, machine=coarse) == [
        "step 1 of 1: 100 m take 6 min; the limit is its own, within 5 min"
    ]
    assert told(walk("fwd", "100m", 1.0, ', within = "6min"')) == []
    assert len(told(walk("fwd", "100m", 1.0, ', within = "359s"'))) == 1
    assert told(walk("fwd", "500m", 1.0, ', within = "30min"')) == []
    assert len(told(walk("fwd", "500m", 1.0, ', within = "1799s"'))) == 1
    assert told(walk("fwd", "500m", 1.0)) == [], "as long as it takes"


def test_without_presence_bouts_are_a_minute() -> None:
    assert told(walk("back", "60s", 1.5), walk("back", "45s", 1.0), has_presence=False) == []
    assert told(walk("back", "61s", 1.5), has_presence=False) == [
        "step 1 of 1: 1 min 1 s of backward work without a break; the limit is 1 min"
    ]


def test_where_nobody_can_say_ok_a_backward_part_is_a_minute_between_halts() -> None:
    alone = {"has_presence": False, "ok_in_reach": False}
    assert told(walk("back", "60s", 1.5), '{ rest = "9s" }', walk("back", "60s", 1.5), **alone) == []
    assert told(walk("back", "30s", 1.5), walk("back", "31s", 1.0), **alone) == [
        "step 1 of 2: 1 min 1 s backward without a halt, where nobody can say OK; the limit is 1 min"
    ]
    assert told(walk("back", "25m", 1.5), **alone) == [
        "step 1 of 1: 1 min 14 s backward without a halt, where nobody can say OK; the limit is 1 min"
    ], "the ramp from 0.8 takes 14 s"
    assert told(walk("back", "25m", 1.5, ', within = "60s"'), **alone) == []


def test_all_violations_are_told_at_once_and_a_repeated_one_only_once() -> None:
    found = compiled(
        walk("fwd", "1min", 9.0),
        f"{{ repeat = 3, steps = [{walk('back', '2min', 2.0)}, {walk('back', '3min', 1.8)}] }}",
    )
    assert isinstance(found, Violations)
    assert [(v.step, v.place) for v in found.violations] == [
        (1, "step 1 of 2"),
        (2, "step 2 of 2, step 1 of 2"),
        (2, "step 2 of 2, step 1 of 2"),
        (3, "step 2 of 2, step 2 of 2"),
        (2, "step 2 of 2, step 1 of 2"),
        (None, "the program"),
    ]
    assert all(violation.limit for violation in found.violations)


def test_a_well_made_program_has_no_warnings() -> None:
    assert warned(WARM, TURN_BACK, walk("back", "60s", 1.5), TURN_FORWARD, COOL) == ()


@pytest.mark.parametrize(
    ("steps", "warning"),
    [
        (
            (walk("fwd", "179s", 2.0), TURN_BACK, walk("back", "60s", 1.5), TURN_FORWARD, COOL),
            "the program: less than 3 min of warm-up before the first backward work",
        ),
        (
            (WARM, TURN_BACK, walk("back", "60s", 1.5), TURN_FORWARD, walk("fwd", "119s", 1.5)),
            "the program: less than 2 min of cool-down after the last backward work",
        ),
        (
            (WARM, TURN_BACK, walk("back", "60s", 1.5), TURN_FORWARD, COOL, TURN_BACK),
            "step 6 of 6: nothing is walked after it",
        ),
        (
            (WARM, TURN_FORWARD, TURN_BACK, walk("back", "60s", 1.5), TURN_FORWARD, COOL),
            "step 2 of 6: a turn to the direction already faced",
        ),
        (
            (WARM, TURN_BACK, TURN_BACK, walk("back", "60s", 1.5), TURN_FORWARD, COOL),
            "step 3 of 6: a turn to the direction already faced",
        ),
        (
            (walk("fwd", "60s", 2.0), *TWICE_BACK, COOL),
            "the program: less than 3 min of warm-up before the first backward work",
        ),
        (
            (WARM, *TWICE_BACK, walk("fwd", "60s", 1.5)),
            "the program: less than 2 min of cool-down after the last backward work",
        ),
        (
            (WARM, TURN_BACK, walk("back", "60s", "[0.7, 1.5]"), TURN_FORWARD, COOL),
            "step 3 of 5: 0.7 km/h is slower than this belt: walked at 0.8 km/h",
        ),
        (
            (WARM, TURN_BACK, walk("back", "10s", 1.5), TURN_FORWARD, COOL),
            "step 3 of 5: too short to reach 1.5 km/h by the planned ramp",
        ),
        (
            (WARM, walk("fwd", "1s", 1.0), TURN_BACK, walk("back", "60s", 1.5), TURN_FORWARD, COOL),
            "step 2 of 6: too short to reach 1 km/h by the planned ramp",
        ),
    ],
)
def test_what_may_be_walked_but_should_be_known(steps: tuple[str, ...], warning: str) -> None:
    assert warned(*steps) == (warning,)


def test_easy_backward_walking_is_warm_up_and_cool_down_too() -> None:
    easy = walk("back", "3min", 1.0)
    assert warned(TURN_BACK, easy, walk("back", "60s", 1.5), easy) == ()
    assert warned(walk("fwd", "60s", 2.0)) == ()


@pytest.mark.parametrize("work", ["1.5", "[1.1, 1.5]"])
def test_what_is_easy_is_told_by_the_fastest_of_a_ramp(work: str) -> None:
    easy = walk("back", "3min", 1.1)
    assert warned(TURN_BACK, easy, walk("back", "60s", work), easy) == ()


def test_the_slowest_speed_of_the_belt_is_none_that_is_slower() -> None:
    assert warned(walk("fwd", "60s", 0.8)) == ()


def test_an_incline_needs_its_time() -> None:
    steep = ", incline = 3"
    assert warned(walk("fwd", "30s", 1.0, steep), level=6) == ()
    assert warned(walk("fwd", "29s", 1.0, steep), level=6) == (
        "step 1 of 1: too short for its incline, which takes 30 s to reach",
    )
    assert warned(walk("fwd", "30s", 1.0, steep), walk("fwd", "10s", 1.0, steep), level=6) == ()
    for last, warnings in (("29s", 1), ("30s", 0)):
        steps = (walk("fwd", "60s", 1.0, steep), walk("fwd", "60s", 1.0), walk("fwd", last, 1.0, steep))
        assert len(warned(*steps, level=6)) == warnings
        assert len(warned(*steps[:1], walk("fwd", last, 1.0), level=6)) == warnings


def test_warnings_come_with_violations_too() -> None:
    fast_start = replace(SPEC, minimum=Speed(120))
    found = compiled(walk("back", "1min", 9.0), machine=fast_start)
    assert isinstance(found, Violations)
    assert found.warnings[0] == "the belt starts at 1.2 km/h on this machine: hold both rails"
