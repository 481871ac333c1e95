"""Words: at rest, moving, falling, and how old what is known is."""

import pytest

from blefit.units import Speed
from retrowalk.core.motion import Motion


def fed(*records: tuple[float, int]) -> Motion:
    motion = Motion()
    for at, speed in records:
        motion.record(Speed(speed), at)
    return motion


@pytest.mark.parametrize(
    ("records", "at_rest"),
    [
        ([(0.0, 0)], False),
        ([(0.0, 0), (0.49, 0)], False),
        ([(0.0, 0), (0.5, 0)], True),
        ([(0.0, 10), (0.5, 10)], True),
        ([(0.0, 10), (0.5, 11)], False),
        ([(0.0, 0), (0.3, 11), (0.6, 0)], False),
        ([(0.0, 0), (0.3, 0), (0.6, 0)], True),
        ([(0.0, 0), (0.5, 0), (0.6, 11)], False),
        ([(0.0, 80), (0.5, 0), (1.0, 0)], True),
        ([(0.0, 0), (0.5, 0), (4.25, 0)], True),
        ([(0.0, 0), (0.5, 0), (4.5, 0)], False),
        ([(0.0, 0), (4.0, 0), (4.49, 0)], False),
        ([(0.0, 0), (4.0, 0), (4.5, 0)], True),
    ],
)
def test_at_rest_is_up_to_10_in_two_records_half_a_second_apart(
    records: list[tuple[float, int]], at_rest: bool
) -> None:
    assert fed(*records).at_rest is at_rest


@pytest.mark.parametrize(
    ("records", "moving"),
    [
        ([(0.0, 31)], False),
        ([(0.0, 31), (0.2, 31)], True),
        ([(0.0, 30), (0.2, 30)], False),
        ([(0.0, 31), (0.2, 20), (0.4, 31)], True),
        ([(0.0, 31), (0.2, 31), (0.4, 20)], True),
        ([(0.0, 31), (0.2, 31), (0.4, 0), (0.6, 31)], True),
        ([(0.0, 31), (0.2, 31), (9.0, 20)], True),
        ([(0.0, 31), (0.25, 0), (0.75, 0), (1.0, 31)], False),
        ([(0.0, 80), (0.25, 80), (0.5, 0), (1.0, 0)], False),
    ],
)
def test_moving_is_above_30_in_two_records_until_rest(records: list[tuple[float, int]], moving: bool) -> None:
    assert fed(*records).moving is moving


@pytest.mark.parametrize(
    ("records", "doubtful"),
    [
        ([], False),
        ([(0.0, 80)], False),
        ([(0.0, 80), (0.25, 11)], False),
        ([(0.0, 80), (0.25, 10)], True),
        ([(0.0, 80), (0.25, 0), (0.5, 0)], True),
        ([(0.0, 80), (0.25, 0), (0.75, 0)], False),
        ([(0.0, 80), (0.25, 0), (0.5, 80)], False),
    ],
)
def test_rest_is_doubtful_until_it_is_known(records: list[tuple[float, int]], doubtful: bool) -> None:
    assert fed(*records).doubtful is doubtful


@pytest.mark.parametrize(
    ("records", "now", "falling"),
    [
        ([(0.0, 100), (1.0, 91)], 1.0, False),
        ([(0.0, 100), (1.0, 90)], 1.0, True),
        ([(0.0, 100), (2.0, 90)], 2.0, True),
        ([(0.0, 100), (2.1, 90)], 2.1, False),
        ([(0.0, 100), (1.0, 90)], 2.1, False),
        ([(0.0, 80), (1.0, 100)], 1.0, False),
        ([], 1.0, False),
    ],
)
def test_falling_is_10_below_the_highest_of_the_last_2_s(
    records: list[tuple[float, int]], now: float, falling: bool
) -> None:
    assert fed(*records).falling(now) is falling


@pytest.mark.parametrize(
    ("records", "now", "rests"),
    [
        ([(0.0, 0), (1.0, 0)], 1.0, True),
        ([(0.0, 10), (1.0, 10)], 1.0, True),
        ([(0.0, 0), (1.0, 0)], 1.99, True),
        ([(0.0, 0), (1.0, 0)], 2.0, False),
        ([(0.0, 0), (0.3, 0)], 0.3, False),
        ([(0.0, 40), (0.5, 0), (1.0, 0)], 1.5, False),
    ],
)
def test_rest_of_this_moment_needs_two_young_records_and_no_other(
    records: list[tuple[float, int]], now: float, rests: bool
) -> None:
    assert fed(*records).rests(now, 2.0) is rests


def test_what_is_not_known_is_neither_rest_nor_motion_nor_fresh() -> None:
    motion = Motion()
    assert motion.speed is None
    assert motion.age(5.0) is None
    assert not motion.fresh(5.0, 2.0)
    assert not motion.rests(5.0, 2.0)
    assert not motion.at_rest
    assert not motion.moving


def test_fresh_is_younger_than() -> None:
    motion = fed((1.0, 0))
    assert motion.fresh(2.99, 2.0)
    assert not motion.fresh(3.0, 2.0)
    assert motion.age(3.0) == 2.0


def test_a_persons_still_ends_motion_and_two_new_records_begin_it() -> None:
    motion = fed((0.0, 80), (0.2, 80))
    motion.said_still()
    assert not motion.moving
    motion.record(Speed(80), 1.0)
    assert not motion.moving
    motion.record(Speed(80), 1.2)
    assert motion.moving


def test_a_long_session_is_not_kept() -> None:
    motion = fed(*((i / 4, 80) for i in range(1000)))
    assert len(motion._recent) == 9


@pytest.mark.parametrize(
    ("records", "at_least", "at_most"),
    [
        ([], None, None),
        ([(0.0, 60)], 60, None),
        ([(0.0, 60), (1.0, 80)], 60, 80),
        ([(0.0, 80), (1.0, 60)], 60, 80),
        ([(0.0, 250), (0.5, 60), (1.0, 80)], 60, 80),
        ([(0.0, 80), (2.1, 60)], 60, None),
    ],
)
def test_the_newest_two_records_say_how_fast_it_is_at_least_and_at_most(
    records: list[tuple[float, int]], at_least: int | None, at_most: int | None
) -> None:
    motion = fed(*records)
    assert (motion.at_least, motion.at_most) == (at_least, at_most)
