"""Distance, time and energy of a session: by direction, at fresh speeds, whatever the machine counts."""

import pytest

from blefit.ftms.treadmill_data import TreadmillData
from blefit.units import Incline, Speed
from retrowalk.core.energy import STANDING_MET, Totals, met
from retrowalk.core.model import Direction
from retrowalk.core.motion import Motion


@pytest.mark.parametrize(
    ("kmh", "incline", "direction", "expected"),
    [
        (5.63, 0, Direction.BACKWARD, 6.0),
        (5.63, 50, Direction.BACKWARD, 8.0),
        (4.83, 0, Direction.FORWARD, 3.3),
        (0.0, 0, Direction.FORWARD, STANDING_MET),
    ],
)
def test_met_is_that_of_the_compendium(
    kmh: float, incline: int, direction: Direction, expected: float
) -> None:
    assert met(Speed(round(kmh * 100)), Incline(incline), direction) == pytest.approx(expected, rel=0.02)


def walked(
    totals: Totals,
    direction: Direction,
    kmh: float,
    seconds: int,
    *,
    begin: float = 0.0,
    weight_kg: float | None = None,
) -> float:
    motion = Motion()
    totals.begin(begin, weight_kg)
    for tick in range(1, seconds + 1):
        motion.record(Speed(round(kmh * 100)), begin + tick)
        totals.advance(motion, direction, begin + tick, fresh_s=4.0)
    return begin + seconds


def test_distance_is_speed_times_time_and_counted_by_direction() -> None:
    totals = Totals()
    walked(totals, Direction.BACKWARD, 3.6, 100)
    assert totals.distance_m == totals.distance_backward_m == pytest.approx(100)
    assert totals.elapsed_s == 100
    assert totals.energy_kcal is None, "no weight, no estimate"
    walked(totals, Direction.FORWARD, 3.6, 50)
    assert (round(totals.distance_m), totals.distance_backward_m) == (50, 0)


def test_a_stale_speed_and_a_standing_walker_count_nothing() -> None:
    totals = Totals()
    end = walked(totals, Direction.FORWARD, 3.6, 10, weight_kg=70.0)
    before = (totals.distance_m, totals.elapsed_s, totals.energy_kcal)
    stale = Motion()
    stale.record(Speed(360), end)
    totals.advance(stale, Direction.FORWARD, end + 4.0, fresh_s=4.0)
    totals.advance(stale, Direction.STANDING, end + 4.1, fresh_s=10.0)
    totals.advance(Motion(), Direction.FORWARD, end + 5.0, fresh_s=4.0)
    assert (totals.distance_m, totals.elapsed_s, totals.energy_kcal) == before


@pytest.mark.parametrize("facing", [Direction.FORWARD, Direction.STANDING])
def test_what_was_not_counted_is_not_made_up_for_later(facing: Direction) -> None:
    totals, motion = Totals(), Motion()
    totals.begin(0.0)
    motion.record(Speed(360), -3.0)
    for second in range(1, 21):
        totals.advance(motion, facing, float(second), fresh_s=4.0)
    assert totals.elapsed_s == 0
    motion.record(Speed(360), 20.5)
    totals.advance(motion, Direction.FORWARD, 21.0, fresh_s=4.0)
    assert (totals.elapsed_s, totals.distance_m) == (1.0, 1.0)


def test_nobody_is_taken_to_weigh_what_the_walker_before_did() -> None:
    totals = Totals()
    walked(totals, Direction.FORWARD, 3.6, 10, weight_kg=70.0)
    assert totals.energy_kcal is not None
    walked(totals, Direction.FORWARD, 3.6, 10)
    assert totals.energy_kcal is None


def test_energy_is_met_times_weight_times_hours() -> None:
    totals = Totals()
    totals.record(TreadmillData(more_data=False, inclination=Incline(50)))
    totals.record(TreadmillData(more_data=False))
    walked(totals, Direction.BACKWARD, 5.63, 3600, weight_kg=70.0)
    assert totals.incline == 50
    assert totals.energy_kcal == pytest.approx(8.0 * 70 * 1.05, rel=0.02)
