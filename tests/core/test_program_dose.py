"""How much backward work a program asks for: where bouts begin and end."""

import pytest

from blefit.units import Incline, Speed
from retrowalk.core.dose import Effort, backward_parts, bouts
from retrowalk.core.model import Direction
from retrowalk.core.program import BeltOff, Leaf, Rest, Turn, Walk
from retrowalk.core.quantity import Distance, Duration


def back(seconds: int, begin: int, end: int | None = None) -> Walk:
    speed = (Speed(begin), Speed(begin if end is None else end))
    return Walk("here", Direction.BACKWARD, Duration(seconds), speed, Incline(0), "")


def lengths(*walks: Walk) -> list[float]:
    return [bout.seconds for part in backward_parts(walks) for bout in bouts(part)]


@pytest.mark.parametrize(
    ("walks", "expected"),
    [
        ((back(300, 150),), [300]),
        ((back(100, 150), back(200, 150)), [300]),
        # easy by the speed: 0.4 km/h slower and no less
        ((back(60, 150), back(45, 110), back(60, 150)), [60, 60]),
        ((back(60, 150), back(45, 111), back(60, 150)), [165]),
        # easy by its length: 30 s and no less
        ((back(60, 150), back(30, 100), back(60, 150)), [60, 60]),
        ((back(60, 150), back(29, 100), back(60, 150)), [149]),
        ((back(60, 150), back(15, 100), back(15, 110), back(60, 150)), [60, 60]),
        # against the fastest of the bout, not against the step before
        ((back(60, 150), back(60, 120), back(60, 100), back(60, 150)), [120, 60]),
        # an easy end ends the bout, a short one does not
        ((back(60, 150), back(45, 100)), [60]),
        ((back(60, 150), back(20, 100)), [80]),
        # ramps: easy begins and ends where the line crosses
        ((back(60, 200), back(80, 200, 120), back(60, 200)), [100, 60]),
        ((back(60, 200), back(60, 120), back(80, 120, 200)), [60, 40]),
        ((back(60, 200), back(40, 200, 160), back(60, 200)), [160]),
        ((back(80, 120, 200), back(60, 200)), [140]),
        ((back(60, 150), back(60, 200, 140), back(60, 140), back(60, 200)), [100, 60]),
        # and what a ramp rose to is what the next step is judged by
        ((back(60, 200), back(60, 100, 200), back(60, 150), back(60, 200)), [60, 24, 60]),
        # after an easy part its bout is judged by its own speeds
        ((back(60, 300), back(60, 200), back(60, 270), back(60, 230), back(60, 270)), [60, 60, 60]),
        ((back(60, 300), back(60, 200), back(60, 270), back(60, 240), back(60, 270)), [60, 180]),
        # too long to be a rest
        ((back(60, 200), back(300, 150), back(60, 200)), [60, 60]),
        ((back(60, 200), back(301, 150), back(60, 200)), [60, 301, 60]),
        ((back(60, 200), back(301, 150)), [60, 301]),
    ],
)
def test_bouts_end_where_an_easy_part_begins(walks: tuple[Walk, ...], expected: list[float]) -> None:
    assert lengths(*walks) == pytest.approx(expected)


@pytest.mark.parametrize(
    "halt",
    [
        Turn("t", Direction.FORWARD, ""),
        Rest("r", 9, ""),
        BeltOff("b", 9, ""),
        Walk("w", Direction.FORWARD, Duration(60), (Speed(200), Speed(200)), Incline(0), ""),
    ],
)
def test_a_halt_or_a_forward_part_ends_a_bout(halt: Leaf) -> None:
    parts = backward_parts((back(60, 150), halt, back(90, 150)))
    assert [[bout.seconds for bout in bouts(part)] for part in parts] == [[60], [90]]


def test_a_bout_knows_the_step_it_begins_in() -> None:
    walks = (back(60, 150), back(45, 100), back(60, 150), back(60, 140))
    (part,) = backward_parts((Turn("t", Direction.BACKWARD, ""), *walks))
    assert [bout.first.step for bout in bouts(part)] == [2, 4]
    (part,) = backward_parts((back(60, 200), back(60, 200, 160), back(301, 160), back(60, 200)))
    assert [bout.first.step for bout in bouts(part)] == [1, 3, 4], "the second begins easy where a ramp ended"


def test_a_distance_lasts_as_long_as_its_own_speeds_take() -> None:
    walk = Walk("d", Direction.BACKWARD, Distance(100), (Speed(100), Speed(200)), Incline(0), "")
    assert walk.expected_s == pytest.approx(100 / (1.5 / 3.6))
    assert lengths(walk) == [pytest.approx(240)]


WORK, EASY = (150.0, 150.0), (100.0, 100.0)


@pytest.mark.parametrize(
    ("walked", "ahead", "expected"),
    [
        ([], [], 0),
        ([(WORK, 100)], [], 100),
        ([(WORK, 100)], [(WORK, 50), (EASY, 30), (WORK, 80)], 150),
        # an easy part that is cut short was none
        ([(WORK, 100), (EASY, 29)], [(WORK, 50)], 179),
        ([(WORK, 100), (EASY, 30)], [(WORK, 50)], 100),
        ([(WORK, 100), (EASY, 20)], [(EASY, 10), (WORK, 50)], 100),
        ([(WORK, 100), (EASY, 10)], [(EASY, 10)], 100),
        # and of the bouts before nothing is left
        ([(WORK, 100), (EASY, 30), (WORK, 40)], [(WORK, 50)], 90),
        # moments that do not add up to the last digit
        ([(WORK, 0.1)] * 1000 + [(EASY, 0.1)] * 300, [(WORK, 50)], 100),
    ],
)
def test_a_bout_under_way_is_what_was_walked_and_what_follows(
    walked: list[tuple[tuple[float, float], float]],
    ahead: list[tuple[tuple[float, float], float]],
    expected: float,
) -> None:
    effort = Effort()
    for speeds, seconds in walked:
        effort.walk(speeds, seconds)
    assert [effort.bout_s(ahead) for _ in range(2)] == [pytest.approx(expected)] * 2
