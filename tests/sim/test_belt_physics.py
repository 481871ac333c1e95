"""How the belt moves: countdown, ramps, grid, and what each quirk makes of it."""

import pytest
from tests.sim.conftest import Bench

from retrowalk.sim.model.belt import Belt, Motion
from retrowalk.sim.model.quirks import BeltQuirks, ControlQuirks, Quirks, Ranges
from retrowalk.sim.model.ramp import Ramp

SPEC = BeltQuirks()  # 0.3 km/h/s up, 0.5 down, 3 s of countdown
RANGES = Ranges()


def started(quirks: BeltQuirks = SPEC, ranges: Ranges = RANGES) -> Belt:
    """A belt that was started at 0 s."""
    belt = Belt(quirks, ranges)
    belt.start()
    return belt


@pytest.mark.parametrize(
    ("at", "speed"),
    [(0, 0), (2.99, 0), (3.0, 0), (4.0, 30), (5.0, 60), (3 + 80 / 30, 80), (60, 80)],
)
def test_after_the_countdown_it_gets_to_its_minimum_at_its_rate(at: float, speed: float) -> None:
    belt = started()
    belt.advance(at)
    assert belt.speed == pytest.approx(speed)


@pytest.mark.parametrize(
    ("target", "seconds", "speed"),
    [(200, 1, 110), (200, 4, 200), (200, 100, 200), (1400, 10, 380), (80, 5, 80)],
)
def test_it_rises_to_a_target_at_its_acceleration(target: int, seconds: float, speed: float) -> None:
    belt = started()
    belt.advance(10)
    belt.aim(target)
    belt.advance(10 + seconds)
    assert belt.speed == pytest.approx(speed)


@pytest.mark.parametrize(("seconds", "speed"), [(0, 400), (1, 350), (4, 200), (7.99, 0.5), (8, 0), (9, 0)])
def test_a_stop_from_4_kmh_takes_v_over_deceleration(seconds: float, speed: float) -> None:
    belt = started()
    belt.advance(10)
    belt.aim(400)
    belt.advance(60)
    belt.stop()
    belt.advance(60 + seconds)
    assert belt.speed == pytest.approx(speed)


def test_how_time_is_cut_into_steps_changes_nothing() -> None:
    def run(step: float) -> tuple[float, float]:
        belt = started()
        for at, act in (
            (10.0, lambda: belt.aim(300)),
            (30.0, belt.stop),
            (40.0, belt.start),
            (60.0, belt.pause),
        ):
            now = at - 10
            while now < at:
                now = min(now + step, at)
                belt.advance(now)
            act()
        belt.advance(61)
        return belt.speed, belt.distance_m

    assert run(0.01) == pytest.approx(run(10))


def test_distance_is_the_integral_of_the_real_speed() -> None:
    belt = started()
    belt.advance(3 + 80 / 30)
    assert belt.distance_m == pytest.approx(0.4 / 3.6 * 80 / 30)
    belt.advance(3 + 80 / 30 + 3600)
    assert belt.distance_m == pytest.approx(0.4 / 3.6 * 80 / 30 + 800)


def test_a_ramp_reaches_its_goal_within_a_step_and_stays() -> None:
    ramp = Ramp(rise=10, fall=20)
    ramp.goal = 5
    assert ramp.advance(2) == pytest.approx(0.5 * 5 / 2 + 5 * 1.5)
    assert ramp.value == 5
    ramp.goal = 1
    ramp.advance(0.1)
    assert ramp.value == pytest.approx(3)


def test_a_stop_in_the_countdown_ends_it() -> None:
    belt = started()
    belt.advance(2)
    belt.stop()
    belt.advance(20)
    assert (belt.speed, belt.motion) == (0, Motion.STOPPED)


def test_a_target_given_in_the_countdown_is_run_one_given_at_rest_is_not() -> None:
    belt = Belt(SPEC, RANGES)
    belt.aim(300)
    belt.start()
    belt.advance(20)
    assert belt.speed == 80
    belt.stop()
    belt.advance(40)
    belt.start()
    belt.aim(200)
    belt.advance(60)
    assert belt.speed == 200


@pytest.mark.parametrize(
    ("ranges", "target", "run"),
    [
        (Ranges(), 123, 120),
        (Ranges(minimum=100, maximum=600, increment=50), 149, 100),
        (Ranges(minimum=96, maximum=643, increment=32), 160, 160),
        (Ranges(minimum=96, maximum=643, increment=32), 200, 192),
    ],
)
def test_a_target_between_two_speeds_of_the_grid_is_run_at_the_lower_one(
    ranges: Ranges, target: int, run: int
) -> None:
    belt = started(ranges=ranges)
    belt.advance(20)
    belt.aim(target)
    belt.advance(40)
    assert belt.speed == pytest.approx(run)


def test_quirk_mph_a_target_of_1_kmh_is_run_at_1_mph_keys_are_not(bench: type[Bench]) -> None:
    machine = bench(Quirks(control=ControlQuirks(targets_are_mph=True)))
    machine.run("00", "07")
    machine.wait(10)
    assert machine.speed == 80
    machine.run("02 64 00")
    machine.wait(10)
    assert machine.speed == 161
    assert machine.records(0.25)[-1].instantaneous_speed == 161
    machine.treadmill.console.set_speed(1.0)
    machine.wait(10)
    assert machine.speed == 100


def test_quirk_needs_target_stands_after_the_countdown_until_it_has_one() -> None:
    belt = started(BeltQuirks(needs_target_to_move=True))
    belt.advance(20)
    assert (belt.speed, belt.motion) == (0, Motion.RUNNING)
    belt.aim(100)
    belt.advance(40)
    assert belt.speed == 100


def test_quirk_resumes_last_speed() -> None:
    belt = started(BeltQuirks(resumes_last_speed=True))
    belt.advance(10)
    belt.aim(250)
    belt.advance(30)
    belt.pause()
    belt.advance(60)
    belt.start()
    belt.advance(90)
    assert belt.speed == 250


def test_quirk_start_speed_above_the_minimum() -> None:
    belt = started(BeltQuirks(start_speed=200))
    belt.advance(30)
    assert belt.speed == 200


def test_quirk_runaway_speeds_up_by_itself_and_takes_no_target_but_stops() -> None:
    belt = started(BeltQuirks(runaway_after_s=45))
    belt.advance(3 + 45)
    assert belt.speed == 80
    belt.advance(3 + 45 + 2)
    assert belt.speed == pytest.approx(180), "0.5 km/h/s"
    belt.aim(80)
    belt.advance(3 + 45 + 20)
    assert belt.speed == 600
    belt.stop()
    belt.advance(3 + 45 + 20 + 12)
    assert (belt.speed, belt.running_away) == (0, False)


def test_quirk_ignores_stop_answers_success_and_runs_on_until_the_console_stops_it(
    bench: type[Bench],
) -> None:
    machine = bench(Quirks(belt=BeltQuirks(ignores_stop=True)))
    machine.run("00", "07")
    machine.wait(10)
    machine.run("08 01", "08 02")
    machine.wait(30)
    assert machine.speed == 80
    machine.run("02 c8 00")
    machine.wait(10)
    assert machine.speed == 200
    machine.treadmill.console.press("stop")
    machine.wait(10)
    assert machine.speed == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: BeltQuirks(acceleration=0), "must be above 0"),
        (lambda: BeltQuirks(start_delay_s=-1), "must not be negative"),
        (lambda: Ranges(minimum=200, maximum=100), "not below the minimum"),
        (lambda: Ranges(increment=0), "above 0"),
    ],
)
def test_a_machine_that_cannot_be_is_refused(wrong: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong()  # type: ignore[operator]  # of a table
