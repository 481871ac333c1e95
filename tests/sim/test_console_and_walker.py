"""What a person does at the machine, and what the machine can notice of them."""

import pytest
from tests.sim.conftest import Bench

from blefit import uuids
from blefit.heart_rate import HeartRateMeasurement
from retrowalk.sim.model.quirks import LinkQuirks, Quirks
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks
from retrowalk.sim.model.walker import Walker


def test_the_start_key_counts_down_and_is_told_to_all(spec: Bench) -> None:
    spec.connect(2)
    spec.treadmill.console.press("start")
    spec.wait(10)
    assert (spec.speed, spec.statuses(1), spec.statuses(2)) == (80, ["04"], ["04"])


def test_the_keys_of_a_running_belt(running: Bench) -> None:
    console = running.treadmill.console
    for _ in range(3):
        console.press("faster")
    running.wait(5)
    assert running.speed == 110
    console.press("slower")
    running.wait(5)
    assert running.speed == 100
    console.set_speed(2.5)
    running.wait(10)
    assert running.speed == 250
    console.press("pause")
    running.wait(10)
    assert (running.speed, running.treadmill.is_paused) == (0, True)
    console.press("start")
    running.wait(10)
    assert running.speed == 80
    console.press("stop")
    running.wait(10)
    assert (running.speed, running.treadmill.is_paused) == (0, False)
    assert running.statuses() == [
        "05 5a 00", "05 64 00", "05 6e 00", "05 64 00", "05 fa 00", "02 02", "04", "02 01",
    ]  # fmt: skip


def test_the_keys_end_at_the_limits_of_the_machine(running: Bench) -> None:
    running.treadmill.console.press("slower")
    running.treadmill.console.set_speed(30)
    running.wait(60)
    assert running.statuses() == ["05 50 00", "05 78 05"]
    assert running.speed == 1400


def test_speed_keys_do_nothing_at_rest_nor_stop_a_belt_that_rests(spec: Bench) -> None:
    for key in ("faster", "slower", "stop", "pause"):
        spec.treadmill.console.press(key)
    spec.treadmill.console.set_speed(3)
    spec.wait(10)
    assert (spec.speed, spec.statuses()) == (0, [])


def test_an_unknown_key_is_an_error(spec: Bench) -> None:
    with pytest.raises(ValueError, match="turbo"):
        spec.treadmill.console.press("turbo")


def test_the_safety_key_brakes_is_told_to_all_and_keeps_the_belt_at_rest(running: Bench) -> None:
    running.run("02 c8 00")
    running.wait(10)
    running.treadmill.safety_key.pull()
    running.treadmill.safety_key.pull()
    running.wait(1)
    assert running.speed == 100, "1 km/h/s"
    running.wait(5)
    assert (running.speed, running.statuses()) == (0, ["03"])
    assert running.ask("07") == "80 07 04"
    running.treadmill.console.press("start")
    running.wait(10)
    assert running.speed == 0
    running.treadmill.safety_key.replace()
    running.wait(10)
    assert (running.speed, running.statuses()) == (0, ["03"]), (
        "it starts nothing, and FTMS has no word for it"
    )
    running.run("07")
    running.wait(10)
    running.run("08 01")
    running.wait(1)
    assert running.speed == 25, "the next stop coasts again at 0.5 km/h/s, for 1.1 s here"


def test_the_mains_switch_brakes_darkens_the_console_and_forgets_everything(running: Bench) -> None:
    running.run("02 c8 00")
    running.wait(10)
    running.treadmill.switch_off()
    running.wait(1)
    assert running.speed == 100, "1 km/h/s"
    running.wait(5)
    running.treadmill.console.press("start")
    running.wait(10)
    assert running.speed == 0, "its keys are dead"
    running.treadmill.switch_on()
    assert running.treadmill.on_since == running.now
    running.wait(10)
    assert running.speed == 0, "it starts nothing by itself"
    running.treadmill.console.press("start")
    running.wait(10)
    assert running.speed == 80, "its slowest, not its last"


def test_when_the_link_is_cut_the_belt_runs_on(running: Bench) -> None:
    running.treadmill.disconnect(1)
    running.wait(60)
    assert running.speed == 80


def test_quirk_when_the_last_link_is_cut_the_belt_stops(bench: type[Bench]) -> None:
    machine = bench(Quirks(link=LinkQuirks(keeps_running_without_link=False)))
    machine.connect(2)
    machine.run("00", "07")
    machine.wait(10)
    machine.treadmill.disconnect(1)
    machine.wait(10)
    assert machine.speed == 80
    machine.treadmill.disconnect(2)
    machine.wait(10)
    assert machine.speed == 0


@pytest.mark.parametrize(("kmh", "cadence"), [(0, 0), (1, 60), (2, 80), (4, 120)])
def test_cadence_follows_the_speed(kmh: int, cadence: float) -> None:
    walker = Walker()
    assert walker.cadence(kmh * 100) == cadence
    walker.step_off()
    assert walker.cadence(kmh * 100) == 0


def test_steps_add_up_while_somebody_is_on_a_moving_belt() -> None:
    walker = Walker()
    for _ in range(240):
        walker.advance(0.25, 200)
    assert walker.steps == pytest.approx(80, rel=0.03)
    walker.step_off()
    walker.advance(60, 200)
    walker.step_on()
    walker.advance(60, 0)
    assert walker.steps == pytest.approx(80, rel=0.03)


def test_the_heart_follows_the_speed_slowly_and_comes_back() -> None:
    walker = Walker()
    assert walker.heart_rate == 70
    walker.advance(10, 250)
    assert 75 < walker.heart_rate < 85
    walker.advance(300, 250)
    assert walker.heart_rate == 105
    walker.step_off()
    walker.advance(300, 250)
    assert walker.heart_rate == 70


def test_weight_is_felt_while_it_is_there(running: Bench) -> None:
    assert running.records(0.25)[0].force_on_belt == 736, "75 kg"
    running.treadmill.walker.step_off()
    record = running.records(0.25)[0]
    assert (record.force_on_belt, record.heart_rate, record.energy_per_hour) == (0, None, 0)


def test_quirk_heart_rate_service_beats_each_second(bench: type[Bench]) -> None:
    machine = bench(Quirks(telemetry=TelemetryQuirks(heart_rate_service=True)))
    machine.wait(9.9)
    machine.treadmill.walker.step_off()
    machine.wait(0.2)
    told = [bytes.fromhex(beat) for beat in machine.told(1, uuids.HEART_RATE_MEASUREMENT)]
    assert len(told) == 11
    assert HeartRateMeasurement.decode(told[0]) == HeartRateMeasurement(70, contact=True)
    assert HeartRateMeasurement.decode(told[-1]) == HeartRateMeasurement(None, contact=False)
