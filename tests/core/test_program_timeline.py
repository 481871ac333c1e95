"""The compiled timeline: its ramps, its way down to every halt, its words, and the laws it cannot break."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from blefit.units import Incline, Speed
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.compiler import compile_program
from retrowalk.core.limits import Limits, limits_for
from retrowalk.core.model import Direction, Machine
from retrowalk.core.program import Program
from retrowalk.core.program_text import parse_program
from retrowalk.core.timeline import Kind, Segment, Timeline

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
COARSE = replace(SPEC, name="Half", minimum=Speed(100), increment=Speed(50))
ODD = replace(SPEC, name="Third", minimum=Speed(96), increment=Speed(32), maximum=Speed(643))
PRESETS = sorted((Path(__file__).parents[2] / "config" / "programs").glob("*.toml"))


def limits(machine: Machine, level: int, **more: Any) -> Limits:
    found = limits_for(machine, site=SiteLimits(), level=level, **more)
    assert isinstance(found, Limits), found
    return found


def timeline(*steps: str, level: int = 2, machine: Machine = SPEC) -> Timeline:
    program = parse_program(f'name = "p"\nlevel = {level}\nsteps = [{", ".join(steps)}]')
    assert isinstance(program, Program), program
    found = compile_program(program, limits(machine, level), machine)
    assert isinstance(found, Timeline), found
    return found


def walk(way: str, lasts: str, speed: float | str, more: str = "") -> str:
    return f'{{ walk = "{way}", for = "{lasts}", speed = {speed}{more} }}'


REST, TURN_BACK, TURN_FORWARD = '{ rest = "30s" }', '{ turn = "back" }', '{ turn = "fwd" }'


def knots(*steps: str, level: int = 2, machine: Machine = SPEC) -> list[Any]:
    return [segment.knots for segment in timeline(*steps, level=level, machine=machine).segments]


def test_a_start_rises_from_the_machines_minimum_by_the_ramp_of_the_level() -> None:
    steps = (walk("fwd", "60s", 1.8), walk("fwd", "60s", 1.8))
    assert knots(*steps)[0] == ((0, 80), (20, 180), (60, 180))
    assert knots(*steps, level=3)[0] == ((0, 80), (10, 180), (60, 180))
    assert knots(*steps, machine=COARSE)[0] == ((0, 100), (16, 180), (60, 180))


def test_a_halt_is_reached_at_the_machines_minimum_and_left_from_it() -> None:
    first, rest, second = knots(walk("back", "60s", 2.0), REST, walk("back", "60s", 1.1))
    assert first == ((0, 80), (24, 200), (56, 200), (60, 80))
    assert rest == ()
    assert second == ((0, 80), (6, 110), (59, 110), (60, 80))


def test_between_steps_the_speed_goes_on_from_where_it_was() -> None:
    steps = (walk("back", "60s", 2.0), walk("back", "60s", 1.1), walk("back", "60s", 1.6))
    assert knots(*steps)[1] == ((0, 200), (3, 110), (60, 110))
    assert knots(*steps)[2] == ((0, 110), (10, 160), (pytest.approx(57.333, abs=0.001), 160), (60, 80))
    assert knots(walk("back", "10s", 2.0), walk("back", "60s", 2.0))[1][0] == (0, 130), "not yet where asked"


@pytest.mark.parametrize(
    ("speed", "lasts", "expected"),
    [
        # from 0.8 to the line 1.0 .. 1.6, which it meets at 1.05; then up to the halt
        ("[1.0, 1.6]", "60s", ((0, 80), (5, 105), (60, 160))),
        # a line falling towards the one that rises
        ("[1.6, 1.0]", "60s", ((0, 80), (pytest.approx(13.333, abs=0.001), 146), (60, 100))),
        # as steep as the ramp: it is followed at a distance and reached after it
        ("[0.9, 1.9]", "20s", ((0, 80), (20, 180))),
        # begun where the belt is
        ("[0.8, 1.4]", "60s", ((0, 80), (60, 140))),
        # slower than the belt can go
        ("[0.5, 1.4]", "60s", ((0, 80), (60, 140))),
        # too short to get there
        ("2.0", "10s", ((0, 80), (10, 130))),
    ],
)
def test_a_ramp_of_the_program_is_met_no_faster_than_planned(
    speed: str, lasts: str, expected: tuple[tuple[float, int], ...]
) -> None:
    assert knots(walk("fwd", lasts, speed), walk("fwd", "60s", 1.5))[0] == expected


@pytest.mark.parametrize(
    ("before", "last", "expected"),
    [
        # no room to rise: a short step before a halt
        (0.8, walk("fwd", "7s", 2.0), ((0, 80), (6, 110), (7, 80))),
        (0.8, walk("fwd", "25s", 2.0), ((0, 80), (pytest.approx(21.43, abs=0.01), 187), (25, 80))),
        # no room to come down: as far as the ramp allows
        (2.0, walk("fwd", "2s", 2.0), ((0, 200), (2, 140))),
        (2.0, walk("fwd", "2s", "[2.0, 1.4]"), ((0, 200), (2, 140))),
        # already there
        (0.8, walk("fwd", "9s", 0.8), ((0, 80), (9, 80))),
    ],
)
def test_a_short_step_before_a_halt(
    before: float, last: str, expected: tuple[tuple[float, int], ...]
) -> None:
    found = knots(walk("fwd", "60s", before), last)[1]
    assert [found[0], *[knot for knot in found[1:] if knot[0] > 0]] == list(expected)


def test_a_distance_has_a_time_limit_and_no_planned_way_down() -> None:
    (segment,) = timeline(walk("fwd", "100m", 1.5)).segments
    assert (segment.distance_m, segment.expected_s, segment.duration_s) == (100, 240, 254)
    assert list(segment.knots) == [(0, 80), (14, 150), (240, 150), (254, 150)]
    (segment,) = timeline(walk("fwd", "100m", 1.4), machine=COARSE).segments
    assert segment.duration_s == 368, "at 1.0 km/h, the grid's value below, and 8 s of ramp"
    (segment,) = timeline(walk("fwd", "100m", 1.5, ', within = "5min"')).segments
    assert segment.duration_s == 300
    (segment,) = timeline(walk("fwd", "100m", 1.5, ', within = "240s"')).segments
    assert list(segment.knots)[-1] == (240, 150)
    before, segment = timeline(walk("fwd", "60s", 2.0), walk("fwd", "50m", "[1.1, 1.5]")).segments
    assert segment.knots[0][1] == before.speed[1]
    assert segment.duration_s == 167, "50 m at 1.1 km/h, and 3 s of the way down to it"
    assert knots(walk("fwd", "50m", 1.5), REST, walk("fwd", "60s", 1.5))[2][0] == (0, 80)


def test_planned_speed_between_and_beyond_the_knots_rounded_down() -> None:
    segment, rest = timeline(walk("fwd", "60s", 1.8), REST).segments
    assert [segment.speed_at(t) for t in (0, 1, 1.1, 19.99, 20, 30)] == [80, 85, 85, 179, 180, 180]
    assert [segment.speed_at(t) for t in (-1, 60, 99)] == [80, 80, 80]
    assert rest.speed_at(3) == 0


def test_what_a_step_asks_for_is_its_own_line_without_the_ramps_to_it() -> None:
    asked = Segment(
        step=1,
        place="here",
        kind=Kind.WALK,
        direction=Direction.BACKWARD,
        duration_s=90.0,
        expected_s=60.0,
        speed=(Speed(150), Speed(90)),
        knots=((0.0, Speed(80)), (90.0, Speed(80))),
    )
    assert [asked.asked_at(t) for t in (0, 15, 59, 60, 61, 90)] == [150, 135, 91, 90, 90, 90]


def test_a_timeline_tells_its_course() -> None:
    found = timeline(
        walk("fwd", "3min", 2.0, ', cue = "Easy"'),
        TURN_BACK,
        f"{{ repeat = 2, steps = [{walk('back', '60s', 1.5)}, {walk('back', '50m', 1.0)}] }}",
        '{ beltoff = "20s", cue = "Push" }',
        TURN_FORWARD,
        walk("fwd", "2min", "[2.0, 1.0]"),
    )
    assert (found.name, found.level, found.purpose, found.step_count) == ("p", 2, "", 9)
    assert (found.begins, found.ends) == (Direction.FORWARD, Direction.FORWARD)
    assert [segment.step for segment in found.segments] == list(range(1, 10))
    assert [segment.kind for segment in found.segments] == [
        Kind.WALK,
        Kind.TURN,
        *[Kind.WALK] * 4,
        Kind.BELTOFF,
        Kind.TURN,
        Kind.WALK,
    ]
    assert [segment.direction for segment in found.segments] == [
        Direction.FORWARD,
        *[Direction.BACKWARD] * 6,
        *[Direction.FORWARD] * 2,
    ]
    assert found.segments[3].place == "step 3 of 6, step 2 of 2"
    assert [segment.cue for segment in found.segments if segment.cue] == ["Easy", "Push"]
    assert found.highest(Direction.BACKWARD) == 150
    assert found.highest(Direction.FORWARD) == 200
    assert found.highest(Direction.STANDING) == 0
    assert found.backward_s == 2 * (60 + 180)
    assert found.work_s == 120, "without the easy parts"
    assert found.total_s == 180 + 10 + found.backward_s + 20 + 10 + 120
    assert found.moving_s == 180 + 2 * (60 + 182) + 120


@pytest.mark.parametrize(
    ("step", "label"),
    [
        (walk("back", "45s", 1.0), "45 s backward at 1 km/h"),
        (walk("fwd", "3min", "[1.5, 2.0]"), "3 min forward from 1.5 to 2 km/h"),
        (walk("back", "200m", 1.5), "200 m backward at 1.5 km/h"),
        (walk("back", "90s", 1.5, ", incline = 1"), "1 min 30 s backward at 1.5 km/h, incline 1 %"),
        (TURN_BACK, "turn to face backward"),
        ('{ rest = "45s" }', "45 s rest, belt stopped"),
        ('{ beltoff = "20s" }', "20 s push, belt off"),
    ],
)
def test_every_step_has_words(step: str, label: str) -> None:
    assert timeline(step, TURN_BACK, walk("back", "60s", 1.0), level=3).segments[0].label == label


@pytest.mark.parametrize(
    ("steps", "cooling"),
    [
        (
            (
                walk("fwd", "3min", 2.0),
                TURN_BACK,
                walk("back", "60s", 1.5),
                TURN_FORWARD,
                walk("fwd", "2min", 1.5),
            ),
            [5],
        ),
        (
            (
                walk("back", "60s", 1.5),
                TURN_FORWARD,
                walk("fwd", "1min", "[1.0, 2.0]"),
                walk("fwd", "1min", 2.0),
                walk("fwd", "1min", "[2.0, 1.0]"),
            ),
            [4, 5],
        ),
        ((walk("back", "60s", 1.5), walk("back", "60s", 1.1)), [2]),
        ((walk("back", "60s", 1.5), walk("back", "60s", 1.2)), []),
        ((walk("fwd", "60s", 2.0),), []),
        ((walk("fwd", "60s", 2.0), walk("fwd", "60s", "[2.0, 1.0]"), REST), [2]),
        ((walk("fwd", "60s", 2.0), walk("fwd", "60s", 2.1)), []),
        ((walk("fwd", "60s", "[1.0, 2.0]"),), []),
    ],
)
def test_the_cool_down_is_the_easy_end_that_never_speeds_up(
    steps: tuple[str, ...], cooling: list[int]
) -> None:
    assert [segment.step for segment in timeline(*steps).segments if segment.cooling_down] == cooling


@pytest.mark.parametrize("machine", [SPEC, COARSE, ODD], ids=lambda machine: machine.name)
@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_every_shipped_program_is_walked_at_its_level_without_a_warning(path: Path, machine: Machine) -> None:
    program = parse_program(path.read_text(encoding="utf-8"))
    assert isinstance(program, Program)
    bounds = limits(machine, program.level, knee=program.purpose == "knee")
    found = compile_program(program, bounds, machine)
    assert isinstance(found, Timeline), found
    assert found.warnings == ()
    assert found.segments[-1].cooling_down
    assert found.ends is Direction.FORWARD
    assert all(segment.cue for segment in found.segments)
    check_laws(found, bounds)


def test_the_guarded_program_is_walked_by_a_guarded_walker() -> None:
    program = parse_program((PRESETS[0].parent / "guarded.toml").read_text(encoding="utf-8"))
    assert isinstance(program, Program)
    assert isinstance(compile_program(program, limits(SPEC, 0, guarded=True), SPEC), Timeline)


WALKS = st.builds(
    walk,
    st.sampled_from(["fwd", "back"]),
    st.sampled_from(["1s", "7s", "30s", "60s", "61s", "3min", "10m", "50m"]),
    st.one_of(
        st.sampled_from([0.5, 0.8, 1.0, 1.27, 1.5, 2.0, 3.5]),
        st.tuples(st.integers(50, 400), st.integers(50, 400)).map(lambda s: f"[{s[0] / 100}, {s[1] / 100}]"),
    ),
)
HALTS = st.sampled_from([REST, TURN_BACK, TURN_FORWARD, '{ beltoff = "9s" }'])


@given(
    st.lists(st.one_of(WALKS, WALKS, HALTS), min_size=1, max_size=8),
    st.integers(0, 6),
    st.sampled_from([SPEC, COARSE, ODD, replace(SPEC, minimum=Speed(120))]),
)
def test_no_program_passes_its_cap_or_its_ramps(steps: list[str], level: int, machine: Machine) -> None:
    program = parse_program(f'name = "p"\nlevel = {level}\nsteps = [{", ".join(steps)}]')
    assume(isinstance(program, Program))
    assert isinstance(program, Program)
    bounds = limits(machine, level)
    found = compile_program(program, bounds, machine)
    if isinstance(found, Timeline):
        check_laws(found, bounds)
    else:
        assert found.violations


def check_laws(found: Timeline, bounds: Limits) -> None:
    """What holds for every compiled program, at every moment."""
    before: Segment | None = None
    for segment in found.segments:
        if segment.kind is Kind.WALK:
            cap = min(bounds.cap(segment.direction), found.highest(segment.direction))
            assert all(bounds.first_target <= speed <= cap for _, speed in segment.knots)
            assert segment.knots[0][0] == 0
            assert segment.knots[-1][0] == segment.duration_s
            moving = before is not None and before.kind is Kind.WALK
            assert segment.knots[0][1] == (before.knots[-1][1] if moving and before else bounds.first_target)
            for (t0, v0), (t1, v1) in pairwise(segment.knots):
                assert t0 <= t1
                # a knot is rounded down to 0.01 km/h: one unit is no slope
                assert v1 - v0 <= bounds.ramp_up * (t1 - t0) + 1
                assert v0 - v1 <= bounds.ramp_down * (t1 - t0) + 1
        before = segment
