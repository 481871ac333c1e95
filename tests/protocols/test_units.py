"""Speeds and inclines become integers at the edge, and never more than was asked for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blefit.units import Incline, Speed, incline_from_percent, kmh, percent, speed_from_kmh


@pytest.mark.parametrize(
    ("asked", "speed"), [(0, 0), (1.15, 115), (1.2, 120), (2.009, 200), (0.009, 0), (4.999999999, 500)]
)
def test_a_speed_is_never_rounded_up(asked: float, speed: int) -> None:
    assert speed_from_kmh(asked) == speed


@pytest.mark.parametrize(("asked", "incline"), [(0, 0), (0.5, 5), (0.59, 5), (-0.31, -4), (2.3, 23)])
def test_an_incline_is_never_rounded_up(asked: float, incline: int) -> None:
    assert incline_from_percent(asked) == incline


@given(st.integers(0, 0xFFFF))
def test_a_speed_told_and_read_again_is_the_same(speed: int) -> None:
    assert speed_from_kmh(kmh(Speed(speed))) == speed


@given(st.integers(-0x8000, 0x7FFF))
def test_an_incline_told_and_read_again_is_the_same(incline: int) -> None:
    assert incline_from_percent(percent(Incline(incline))) == incline


@pytest.mark.parametrize("asked", [-0.01, math.inf, -math.inf, math.nan])
def test_what_is_no_speed_is_refused(asked: float) -> None:
    with pytest.raises(ValueError, match="a speed must be a number of km/h from 0 up, not "):
        speed_from_kmh(asked)


@pytest.mark.parametrize("asked", [math.inf, math.nan])
def test_what_is_no_incline_is_refused(asked: float) -> None:
    with pytest.raises(ValueError, match="an incline must be a number of percent, not "):
        incline_from_percent(asked)
