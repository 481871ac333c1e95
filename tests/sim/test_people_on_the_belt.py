"""People as the literature measured them, where they are on the belt, and what the console shows them."""

import math

import pytest
from tests.sim.conftest import Bench

from blefit.units import Incline
from retrowalk.sim.model.drift import CORD_TRIPS_M, DECK_M
from retrowalk.sim.model.gait import GAITS, Facing
from retrowalk.sim.model.quirks import ControlQuirks, Quirks, Ranges
from retrowalk.sim.model.walker import Walker

FORWARD, BACKWARD = Facing.FORWARD, Facing.BACKWARD
MPH_3_5 = 563.3


@pytest.mark.parametrize(
    ("facing", "kmh", "steps", "source"),
    [
        (FORWARD, 3.72, 98, "Murakami and Otaka 2017: 62 m/min"),
        (FORWARD, 4.2, 102, "CADENCE-Adults 2019: 3 MET"),
        (BACKWARD, 5.87, 140, "Hreljac 2005: 1.63 m/s, where people run at 140 steps a minute"),
    ],
)
def test_steps_a_minute_as_measured(facing: Facing, kmh: float, steps: float, source: str) -> None:
    assert GAITS[facing].cadence(kmh * 100) == pytest.approx(steps, rel=0.02), source


@pytest.mark.parametrize("kmh", [0.8, 1.5, 2.5, 4.0, 5.0])
def test_backward_the_steps_of_a_speed_are_shorter_and_quicker(kmh: float) -> None:
    forward, backward = (GAITS[facing].cadence(kmh * 100) for facing in (FORWARD, BACKWARD))
    assert 1.1 < backward / forward < 1.2


@pytest.mark.parametrize(
    ("facing", "incline", "met", "source"),
    [
        (FORWARD, 0, 3.7, "ACSM"),
        (FORWARD, 50, 6.1, "ACSM"),
        (BACKWARD, 0, 6.0, "2011 Compendium 17320"),
        (BACKWARD, 50, 8.0, "2011 Compendium 17325"),
    ],
)
def test_oxygen_as_measured(facing: Facing, incline: int, met: float, source: str) -> None:
    assert GAITS[facing].oxygen(MPH_3_5, incline) / 3.5 == pytest.approx(met, abs=0.05), source


@pytest.mark.parametrize(("incline", "ratio"), [(75, 1.20), (100, 1.17)])
def test_uphill_backward_costs_a_sixth_more(incline: int, ratio: float) -> None:
    """Hooper 2004: 17 to 20 % more at 5 to 10 %."""
    forward, backward = (GAITS[facing].oxygen(480, incline) for facing in (FORWARD, BACKWARD))
    assert backward / forward == pytest.approx(ratio, abs=0.04)


@pytest.mark.parametrize(("oxygen", "pulse"), [(27.3, 142.6), (22.1, 118.8)])
def test_the_pulse_of_a_load_as_measured(oxygen: float, pulse: float) -> None:
    """Heath 2001: men of about 75 kg, 2.05 and 1.66 l/min."""
    walker = Walker()
    walker.face(BACKWARD)
    speed = (oxygen - 3.5) / GAITS[BACKWARD].level * 6
    for _ in range(600):
        walker.step_on()
        walker.advance(1, speed)
    assert walker.heart_rate == pytest.approx(pulse, abs=8)


def test_the_pulse_of_a_runner_has_an_end() -> None:
    walker = Walker()
    walker.advance(10_000, 1500)
    assert walker.heart_rate == 190


def test_energy_and_met_are_told_by_facing_incline_and_weight(bench: type[Bench]) -> None:
    machine = bench()
    machine.treadmill.walker.face(BACKWARD)
    machine.treadmill.walker.weight_kg = 60
    machine.run("00", "07")
    machine.wait(10)
    machine.run("02 2c 01", "03 1e 00")
    machine.wait(60)
    record = machine.records(0.25)[-1]
    met = GAITS[BACKWARD].oxygen(300, 30) / 3.5
    assert record.energy_per_hour == round(met * 3.5 * 60 / 200 * 60)
    assert record.force_on_belt == 589


def test_the_pulse_rises_uphill(bench: type[Bench]) -> None:
    machine = faced(bench, BACKWARD)
    machine.run("02 2c 01")
    pulses = []
    for octets in ("03 00 00", "03 64 00"):
        machine.run(octets)
        machine.wait(300)
        pulses.append(machine.treadmill.walker.heart_rate)
    assert pulses == [98, 120], "3 km/h at 10 %: 22 beats for 7.5 ml/kg/min more"


def faced(bench: type[Bench], facing: Facing, fastest: float = math.inf) -> Bench:
    """Ten seconds after Start."""
    machine = bench()
    machine.treadmill.walker.face(facing)
    machine.treadmill.walker.fastest = fastest
    machine.run("00", "07")
    machine.wait(10)
    return machine


@pytest.mark.parametrize("facing", list(Facing))
def test_who_can_follow_stays_near_the_console_through_every_change(
    bench: type[Bench], facing: Facing
) -> None:
    machine = faced(bench, facing)
    where = []
    for octets in ("02 f4 01", "02 50 00", "02 2c 01", "08 01"):
        machine.run(octets)
        for _ in range(100):
            machine.wait(0.2)
            where.append(machine.treadmill.walker.position_m or math.nan)
    assert 0.15 < min(where) < max(where) < 0.7
    assert where[299] == pytest.approx(0.4, abs=0.01), "before Stop"


def test_who_cannot_follow_is_carried_off_the_rear_edge_and_the_belt_runs_on(bench: type[Bench]) -> None:
    machine = faced(bench, BACKWARD, fastest=200)
    machine.run("02 90 01")
    walker = machine.treadmill.walker
    fell_after = next(second for second in range(60) if machine.wait(1) and not walker.on_belt)
    assert 6 < fell_after < 12, "8 s to 4 km/h, and what is beyond 2 km/h carries him a metre"
    machine.wait(5)
    assert (walker.position_m, walker.force_on_belt, machine.speed) == (None, 0, 400)
    walker.step_on()
    assert walker.position_m == 0.4


def test_a_clipped_cord_stops_the_belt_before_he_falls(bench: type[Bench]) -> None:
    machine = faced(bench, BACKWARD, fastest=200)
    machine.treadmill.walker.has_cord_clipped = True
    machine.run("02 2c 01")
    walker, where = machine.treadmill.walker, []
    for _ in range(150):
        machine.wait(0.2)
        where.append(walker.position_m or math.nan)
    assert (machine.treadmill.safety_key.is_pulled, machine.speed, walker.on_belt) == (True, 0, True)
    assert max(where) < DECK_M
    assert max(where) == pytest.approx(CORD_TRIPS_M, abs=0.2)
    assert machine.statuses()[-1] == "03"
    machine.treadmill.safety_key.replace()
    walker.step_on()
    machine.wait(5)
    assert not machine.treadmill.safety_key.is_pulled


def test_where_he_is_does_not_depend_on_how_time_is_cut(bench: type[Bench]) -> None:
    whole, cut = (faced(bench, BACKWARD, fastest=250) for _ in range(2))
    for machine in (whole, cut):
        machine.run("02 2c 01")
    whole.wait(4)
    for _ in range(133):
        cut.wait(0.03)
    cut.wait(whole.now - cut.now)
    assert cut.treadmill.walker.position_m == pytest.approx(whole.treadmill.walker.position_m, abs=0.002)


def test_a_walker_who_faces_nowhere_keeps_pace_with_every_belt(running: Bench) -> None:
    running.run("02 78 05")
    running.wait(600)
    walker = running.treadmill.walker
    assert (walker.on_belt, walker.position_m, walker.pulls_cord) == (True, None, False)


def test_the_incline_keys_go_by_the_machines_step_to_its_limits(running: Bench) -> None:
    console, incline = running.treadmill.console, running.treadmill.incline
    console.press("steeper")
    console.press("steeper")
    running.wait(5)
    assert incline.value == 10
    console.press("flatter")
    console.set_incline(30)
    console.set_incline(-3)
    running.wait(60)
    assert incline.value == 0
    assert running.statuses() == ["06 05 00", "06 0a 00", "06 05 00", "06 64 00", "06 00 00"]


def test_a_deck_without_a_motor_and_a_dark_console_take_no_incline_keys(bench: type[Bench]) -> None:
    flat, dark = bench(Quirks(ranges=Ranges(maximum_incline=Incline(0)))), bench()
    dark.treadmill.switch_off()
    for machine, told in ((flat, []), (dark, ["01"])):
        machine.treadmill.console.press("steeper")
        machine.wait(10)
        assert (machine.treadmill.incline.value, machine.statuses()) == (0, told)


def test_what_the_display_shows(bench: type[Bench]) -> None:
    machine = bench()
    treadmill = machine.treadmill
    shown = [treadmill.console.display]
    machine.run("00", "07")
    for seconds in (0.5, 1.0, 65.0):
        machine.wait(seconds)
        shown.append(treadmill.console.display)
    machine.run("08 02")
    machine.wait(10)
    shown.append(treadmill.console.display)
    treadmill.safety_key.pull()
    shown.append(treadmill.console.display)
    treadmill.switch_off()
    shown.append(treadmill.console.display)
    assert shown == ["READY", "3", "2", "0.8 km/h  0.0 %  1:03  0.01 km", "PAUSED 1:03", "SAFETY KEY", ""]


def test_a_console_that_takes_kilometres_for_miles_shows_miles(bench: type[Bench]) -> None:
    machine = bench(Quirks(control=ControlQuirks(targets_are_mph=True)))
    machine.run("00", "07")
    machine.wait(10)
    machine.run("02 c8 00")
    machine.wait(60)
    assert machine.speed == 322
    assert machine.treadmill.console.display.startswith("2.0 mph ")
