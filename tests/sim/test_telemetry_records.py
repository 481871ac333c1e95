"""What the machine tells of itself: rate, fields and readings, and the ways real machines get them wrong."""

from dataclasses import replace
from typing import Any

import pytest
from tests.sim.conftest import Bench

from blefit import uuids
from blefit.ftms.feature import Feature, MachineFeature, TargetSetting
from blefit.ftms.ranges import InclinationRange, SpeedRange
from blefit.ftms.treadmill_data import RecordJoiner, decode
from retrowalk.sim.model import values
from retrowalk.sim.model.emissions import LinkLoss, Record
from retrowalk.sim.model.quirks import BeltQuirks, ControlQuirks, LinkQuirks, Quirks, Ranges
from retrowalk.sim.model.telemetry_quirks import Fields, Reports, TelemetryQuirks, TooLong

ALL = tuple(Fields)


def with_telemetry(**quirk: Any) -> Quirks:
    return Quirks(telemetry=replace(TelemetryQuirks(), **quirk))


def test_it_tells_four_times_a_second_also_at_rest(spec: Bench) -> None:
    assert len(spec.records(60)) == 241
    spec.run("00", "07")
    spec.wait(0.05)
    assert len(spec.records(60)) == 240


def test_nobody_is_told_what_they_did_not_subscribe(bench: type[Bench]) -> None:
    machine = bench()
    machine.connect(2, uuids.FITNESS_MACHINE_STATUS)
    assert {e.client for e in machine.wait(5) if isinstance(e, Record)} == {1}
    machine.treadmill.subscribe(1, uuids.TREADMILL_DATA, enabled=False)
    assert machine.records(5) == []


def test_time_counts_from_start_stop_freezes_it_and_a_disconnect_does_not(spec: Bench) -> None:
    spec.run("00", "07")
    spec.wait(13)
    assert spec.records(0.25)[-1].elapsed_time == 10, "the countdown does not count"
    spec.treadmill.disconnect(1)
    spec.wait(30)
    spec.connect(1)
    assert spec.records(0.25)[-1].elapsed_time == 40
    spec.run("00", "08 01")
    spec.wait(100)
    assert spec.records(0.25)[-1].elapsed_time == 40


def test_distance_average_and_energy_add_up(running: Bench) -> None:
    running.run("02 68 01")  # 3.6 km/h is a metre a second
    running.wait(20)
    before = running.records(0.25)[-1]
    running.wait(600)
    after = running.records(0.25)[-1]
    assert before.total_distance is not None
    assert after.total_distance == pytest.approx(before.total_distance + 600, abs=1)
    assert after.average_speed == pytest.approx(360, abs=15)
    assert after.total_energy == pytest.approx(36, abs=2), "10 ml/kg/min for 10 min at 75 kg"


def test_the_same_calls_give_the_same_records(bench: type[Bench]) -> None:
    def run() -> list[object]:
        machine = bench(with_telemetry(noise=5, fields=ALL))
        machine.run("00", "07", "02 c8 00")
        machine.wait(120)
        return list(machine.log)

    assert run() == run()


def test_incline_moves_half_a_percent_a_second_and_climbs(bench: type[Bench]) -> None:
    machine = bench(with_telemetry(fields=ALL))
    machine.run("00", "07", "03 1e 00")
    machine.wait(2)
    assert machine.records(0.25)[-1].inclination == pytest.approx(11, abs=1)
    machine.wait(10)
    start = machine.records(0.25)[-1]
    machine.run("02 68 01")
    machine.wait(110)
    record = machine.records(0.25)[-1]
    assert record.inclination == 30
    assert start.positive_elevation_gain is not None
    assert record.positive_elevation_gain == pytest.approx(start.positive_elevation_gain + 31, abs=3), "0.1 m"


@pytest.mark.parametrize(
    ("reports", "rising", "running", "stopping"),
    [
        (Reports.REAL, 110, 200, 150),
        (Reports.TARGET, 200, 200, 0),
        (Reports.TARGET_UNTIL_STOPPED, 200, 200, 150),
    ],
)
def test_what_it_reports_as_its_speed(
    bench: type[Bench], reports: Reports, rising: int, running: int, stopping: int
) -> None:
    machine = bench(
        Quirks(telemetry=TelemetryQuirks(reports=reports), control=ControlQuirks(answer_delay_s=0))
    )
    machine.run("00", "07")
    machine.wait(9.8)
    machine.treadmill.aim(200, None)
    assert machine.records(1)[-1].instantaneous_speed == rising
    assert machine.records(9)[-1].instantaneous_speed == running
    machine.treadmill.stop(None)
    assert machine.records(1)[-1].instantaneous_speed == stopping
    assert machine.records(9)[-1].instantaneous_speed == 0


def test_noise_is_in_the_reading_not_in_the_belt_and_never_at_rest(bench: type[Bench]) -> None:
    machine = bench(with_telemetry(noise=5))
    assert {r.instantaneous_speed for r in machine.records(10)} == {0}
    machine.run("00", "07")
    machine.wait(10)
    readings = {r.instantaneous_speed for r in machine.records(60)}
    assert len(readings) > 5
    assert all(75 <= (reading or 0) <= 85 for reading in readings)
    assert machine.speed == 80


def test_quirk_silent_says_nothing_at_rest_and_stops_without_a_zero(bench: type[Bench]) -> None:
    machine = bench(with_telemetry(silent_at=40))
    assert machine.records(30) == []
    machine.run("00", "07")
    assert machine.records(2.8) == [], "nor in the countdown"
    rising = [record.instantaneous_speed for record in machine.records(5)]
    assert (rising[0], rising[-1]) == (pytest.approx(4, abs=4), 80), "from the first motion on"
    machine.run("08 01")
    falling = [record.instantaneous_speed or 0 for record in machine.records(30)]
    assert 0 < falling[-1] <= 40
    assert all(speed > 40 for speed in falling[:-1])
    assert machine.speed == 0
    assert machine.statuses() == []
    machine.run("07")
    assert machine.records(10)[-1].instantaneous_speed == 80


def test_quirk_the_first_record_comes_late(bench: type[Bench]) -> None:
    machine = bench(with_telemetry(first_record_after_s=8.0))
    assert machine.records(7.9) == []
    assert len(machine.records(1.0)) == 4


def test_quirk_counts_only_while_somebody_walks(bench: type[Bench]) -> None:
    machine = bench(with_telemetry(counts_only_steps=True, fields=ALL))
    machine.treadmill.walker.step_off()
    machine.run("00", "07")
    machine.wait(60)
    record = machine.records(0.25)[-1]
    assert (record.instantaneous_speed, record.elapsed_time, record.total_distance) == (80, 0, 0)
    machine.treadmill.walker.step_on()
    machine.wait(10)
    record = machine.records(0.25)[-1]
    assert record.elapsed_time == 10
    assert record.vendor_step_count == pytest.approx(9, abs=1)


def test_quirk_stop_clears_the_counters(bench: type[Bench]) -> None:
    machine = bench(with_telemetry(stop_clears_counters=True))
    machine.run("00", "07")
    machine.wait(60)
    machine.run("08 01")
    assert machine.records(0.5)[-1].elapsed_time == 0


@pytest.mark.parametrize("room", [20, 23, 60, 244])
def test_a_record_split_for_a_small_link_joins_to_the_same_record(bench: type[Bench], room: int) -> None:
    machine = bench(with_telemetry(fields=ALL))
    machine.run("00", "07")
    record = machine.records(10)[-1]
    joiner = RecordJoiner()
    frames = machine.treadmill.frames(record, room)
    joined = [joiner.feed(decode(frame)) for frame in frames]
    assert max(map(len, frames)) <= room
    assert joined[:-1] == [None] * (len(frames) - 1)
    assert joined[-1] == record
    assert (len(frames) > 1) == (room < 40)


def test_quirk_a_record_cut_after_20_octets_keeps_its_promise_of_more(bench: type[Bench]) -> None:
    machine = bench(with_telemetry(fields=ALL, too_long=TooLong.CUT, largest_notification=20))
    (frame,) = machine.treadmill.frames(machine.records(0.25)[-1], 244)
    assert len(frame) == 20
    assert decode(frame).truncated


@pytest.mark.parametrize("group", ALL)
def test_every_group_of_fields_is_there_when_claimed_and_not_otherwise(
    bench: type[Bench], group: Fields
) -> None:
    machine = bench(with_telemetry(fields=(group,)))
    machine.run("00", "07")
    record = machine.records(30)[-1]
    present = {
        name for name, value in record._asdict().items()
        if value not in {None, (), b""} and name not in {"more_data", "instantaneous_speed"}
    }  # fmt: skip
    assert present
    assert decode(machine.treadmill.frames(record, 244)[0]) == record
    assert machine.treadmill.telemetry.features.value.bit_count() == 1


def test_what_the_spec_machine_says_of_itself() -> None:
    read = values.fitness_machine(Quirks(), MachineFeature.HEART_RATE)
    feature = Feature.decode(read[uuids.FITNESS_MACHINE_FEATURE])
    assert feature.target_settings == TargetSetting.SPEED | TargetSetting.INCLINATION
    assert SpeedRange.decode(read[uuids.SUPPORTED_SPEED_RANGE]) == SpeedRange(80, 1400, 10)
    assert InclinationRange.decode(read[uuids.SUPPORTED_INCLINATION_RANGE]) == InclinationRange(0, 100, 5)
    assert len(read[uuids.SUPPORTED_HEART_RATE_RANGE]) == 3
    assert values.device(Quirks())[uuids.MANUFACTURER_NAME] == b"retrowalk"


def test_a_machine_without_incline_or_control_claims_none() -> None:
    quirks = Quirks(ranges=Ranges(maximum_incline=0), control=ControlQuirks(controllable=False))
    read = values.fitness_machine(quirks, MachineFeature(0))
    assert set(read) == {uuids.FITNESS_MACHINE_FEATURE, uuids.SUPPORTED_SPEED_RANGE}
    assert read[uuids.FITNESS_MACHINE_FEATURE] == bytes(8)


def test_quirk_the_link_is_lost_once_each_time_the_belt_was_started(bench: type[Bench]) -> None:
    machine = bench(Quirks(link=LinkQuirks(drops_after_s=60), belt=BeltQuirks(start_delay_s=0)))

    def losses(seconds: float) -> int:
        return sum(isinstance(e, LinkLoss) for e in machine.wait(seconds))

    machine.run("00", "07")
    assert losses(59) == 0
    assert losses(10) == 1
    assert losses(300) == 0
    machine.run("08 01", "07")
    assert losses(59) == 0
    assert losses(10) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: TelemetryQuirks(notify_every_s=0),
        lambda: TelemetryQuirks(largest_notification=19),
        lambda: LinkQuirks(name="x" * 30),
        lambda: LinkQuirks(connections=0),
    ],
)
def test_a_machine_that_cannot_be_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="must"):
        wrong()
