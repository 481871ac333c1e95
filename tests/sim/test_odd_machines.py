"""What real machines do beside the specification, each oddity on the bench, by the keys of a file."""

from itertools import pairwise
from typing import Any

import pytest
from tests.sim.conftest import Bench

from blefit import uuids
from blefit.ftms.treadmill_data import RecordJoiner, decode
from blefit.running_speed_cadence import RscMeasurement
from retrowalk.machines import MachineFile, Match
from retrowalk.sim.machines import quirks_of
from retrowalk.sim.model import attributes
from retrowalk.sim.model.emissions import Client, LinkLoss, Notification, Record
from retrowalk.sim.model.quirks import Quirks

GRANTED, DENIED = "80 00 01", "80 00 05"


def odd(**tables: dict[str, Any]) -> Quirks:
    """By the keys of a file."""
    file = MachineFile(name="odd", about="x", source="x", match=Match(names=["odd"]), sim=tables)
    return quirks_of(file)


def on_the_bench(**tables: dict[str, Any]) -> Bench:
    return Bench(odd(**tables))


def started(**tables: dict[str, Any]) -> Bench:
    """Ten seconds after Start: 0.8 km/h."""
    machine = on_the_bench(**tables)
    machine.run("00", "07")
    machine.wait(10)
    return machine


def losses(machine: Bench) -> int:
    return sum(isinstance(emission, LinkLoss) for emission in machine.log)


def octets(machine: Bench, room: int = 100) -> list[str]:
    """The notifications of the next record."""
    (record,) = [e for e in machine.wait(0.25) if isinstance(e, Record)][:1]
    return [frame.hex(" ") for frame in machine.treadmill.frames(record.data, room)]


# --- the Control Point ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quirk", "written", "answers"),
    [
        ({"control_asks": 2}, ["00", "00", "07"], [DENIED, GRANTED, "80 07 01"]),
        ({"control_per_operation": True}, ["00", "07", "08 01"], [GRANTED, "80 07 01", "80 08 05"]),
        ({"deaf": True, "needs_control": False}, ["00", "07", "08 01"], ["", "", ""]),
        ({"start_frame": "07 01"}, ["00", "07", "07 01"], [GRANTED, "80 07 03", "80 07 01"]),
        (
            {"stop_frame": "08 02"},
            ["00", "07", "08 01", "08 02"],
            [GRANTED, "80 07 01", "80 08 03", "80 08 01"],
        ),
        (
            {"start_needs_reset": True},
            ["00", "07", "08 01", "07", "01", "00", "07"],
            [GRANTED, "80 07 01", "80 08 01", "80 07 04", "80 01 01", GRANTED, "80 07 01"],
        ),
        ({"succeeds_with": 0x81}, ["00", "07"], ["80 00 81", "80 07 81"]),
        ({"unknown_refused_with": 4}, ["00", "04 0a"], [GRANTED, "80 04 04"]),
        ({"denies_share": 1.0}, ["00", "07"], [GRANTED, "80 07 05"]),
        ({"control_needs_key": True}, ["00"], [DENIED]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_answers(quirk: dict[str, Any], written: list[str], answers: list[str]) -> None:
    machine = on_the_bench(control=quirk)
    assert [machine.ask(request) for request in written] == answers


def test_a_machine_that_wants_a_stop_of_its_own_is_stopped_by_it() -> None:
    machine = started(control={"stop_frame": "08 02"})
    machine.run("08 02")
    machine.wait(10)
    assert machine.speed == 0
    assert not machine.treadmill.is_paused


def test_permission_lapses_unless_it_is_used() -> None:
    machine = on_the_bench(control={"control_lapses_after_s": 1.0})
    machine.run("00", "07")
    machine.wait(0.8)
    machine.run("02 96 00")
    assert machine.treadmill.control.holder == 1
    machine.wait(1.2)
    assert machine.treadmill.control.holder is None
    assert machine.ask("02 96 00") == "80 02 05"


def test_permission_is_granted_once_a_key_was_pressed() -> None:
    machine = on_the_bench(control={"control_needs_key": True})
    machine.treadmill.console.press("slower")
    assert machine.ask("00") == GRANTED


def test_a_denial_by_chance_is_the_same_for_the_same_seed_and_leaves_control() -> None:
    def answers() -> list[str]:
        machine = on_the_bench(control={"denies_share": 0.3})
        machine.ask("00")
        return [machine.ask("03 05 00") for _ in range(30)]

    assert answers() == answers()
    assert set(answers()) == {"80 03 01", "80 03 05"}


def test_start_on_a_running_belt_begins_again() -> None:
    machine = started(control={"start_restarts": True})
    machine.run("07")
    machine.wait(2)
    assert machine.speed == 0
    machine.wait(10)
    assert machine.speed == 80


@pytest.mark.parametrize(
    ("quirk", "speed", "incline"),
    [({}, 150, 10), ({"targets_ignored": True}, 80, 10), ({"inclines_ignored": True}, 150, 0),
     ({"inclines_are_halves": True}, 150, 50)],
)  # fmt: skip
def test_success_may_mean_nothing_or_something_else(quirk: dict, speed: int, incline: int) -> None:
    machine = started(control=quirk)
    machine.run("02 96 00", "03 0a 00")
    machine.wait(20)
    assert (machine.speed, machine.treadmill.incline.value) == (speed, incline)


@pytest.mark.parametrize(
    ("quirk", "after", "speed", "lost"),
    [
        ({}, 0.5, 150, 0),
        ({"target_too_early": "ignored"}, 0.5, 80, 0),
        ({"target_too_early": "ignored", "too_early_for_s": 2.5}, 5.0, 80, 0),
        ({"target_too_early": "ignored", "too_early_for_s": 2.5}, 6.0, 150, 0),
        ({"target_too_early": "cuts_link"}, 0.5, 80, 1),
        ({"target_too_early": "cuts_link"}, 3.5, 150, 0),
    ],
)
def test_a_target_before_the_belt_has_spun_up(quirk: dict, after: float, speed: int, lost: int) -> None:
    machine = on_the_bench(control=quirk)
    machine.run("00", "07")
    machine.wait(after)
    machine.ask("02 96 00")
    machine.wait(15)
    assert (machine.speed, losses(machine)) == (speed, lost)


# --- the belt ---------------------------------------------------------------------------------------------


def test_a_target_is_late() -> None:
    machine = started(belt={"target_delay_s": 1.4})
    machine.run("02 96 00")
    machine.wait(1.2)
    assert machine.speed == 80
    machine.wait(2)
    assert machine.speed > 100
    machine.run("02 c8 00", "08 01")
    machine.wait(15)
    assert machine.speed == 0, "a target on its way is forgotten by Stop"


def test_a_belt_that_only_speeds_up() -> None:
    machine = started(belt={"only_faster": True})
    for frame, speed in (("02 c8 00", 200), ("02 96 00", 200)):
        machine.run(frame)
        machine.wait(10)
        assert machine.speed == speed
    machine.run("08 01")
    machine.wait(10)
    assert machine.speed == 0


def test_a_fixed_incline_is_always_there_and_told_and_takes_no_target() -> None:
    machine = on_the_bench(ranges={"maximum_incline_percent": 0.0, "fixed_incline_percent": 15.0})
    assert machine.records(0.25)[-1].inclination == 150
    machine.run("00")
    assert machine.ask("03 00 00") == "80 03 02"


# --- the records ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quirk", "frame"),
    [
        ({"fields": []}, ["00 00 50 00"]),
        ({"fields": [], "extra_flags": 0x4008}, ["08 40 50 00"]),
        ({"fields": [], "trailing": "ab cd"}, ["00 00 50 00 ab cd"]),
        ({"fields": ["vendor_steps"]}, ["00 20 50 00 06 00 00"]),
        ({"fields": ["vendor_steps"], "step_octets": 2}, ["00 20 50 00 06 00"]),
        ({"fields": ["vendor_steps"], "step_octets": 0}, ["00 20 50 00"]),
        (
            {"fields": ["inclination", "energy"], "unknown": ["energy_per_hour", "energy_per_minute"]},
            ["88 00 50 00 00 00 ff 7f 00 00 ff ff ff"],
        ),
        ({"fields": ["total_distance"], "distance_step_m": 10}, ["04 00 50 00 00 00 00"]),
        ({"fields": ["total_distance"], "distance_unit_m": 0.1}, ["04 00 50 00 0a 00 00"]),
    ],
)
def test_frames_that_are_odd(quirk: dict[str, Any], frame: list[str]) -> None:
    assert octets(started(telemetry=quirk)) == frame


def test_flags_that_promise_more_are_a_cut_record_to_who_reads_it() -> None:
    (frame,) = octets(started(telemetry={"fields": [], "extra_flags": 0x0400}))
    assert decode(bytes.fromhex(frame)).missing_fields == ("elapsed_time",)


def test_a_split_record_may_come_with_its_speed_first() -> None:
    fields = ["average_speed", "total_distance", "inclination", "elevation_gain", "energy", "elapsed_time"]
    usual, other = (
        octets(started(telemetry={"fields": fields, "too_long": order}), 20)
        for order in ("split", "split_speed_first")
    )
    assert len(usual) == 2
    assert other == usual[::-1]
    joiner = RecordJoiner()
    assert [bool(joiner.feed(decode(bytes.fromhex(frame)))) for frame in other] == [True, False]


@pytest.mark.parametrize(("told", "incline"), [("real", 20), ("target", 20), ("nothing", 0), ("halves", 4)])
def test_the_inclination_that_is_told(told: str, incline: int) -> None:
    machine = started(telemetry={"reports_incline": told})
    machine.run("03 14 00")
    at_once = machine.records(0.25)[-1].inclination
    machine.wait(10)
    assert machine.records(0.25)[-1].inclination == incline
    assert (at_once == incline) == (told in {"target", "nothing"})


def test_a_single_zero_now_and_then_while_the_belt_is_driven() -> None:
    machine = started(telemetry={"zero_every_s": 5.0})
    speeds = [record.instantaneous_speed for record in machine.records(50)]
    assert speeds.count(0) == 10
    assert not any(first == second == 0 for first, second in pairwise(speeds))


def test_gaps_while_the_belt_is_driven_and_none_at_rest() -> None:
    machine = on_the_bench(telemetry={"gap_every_s": 10.0, "gap_s": 3.0})
    assert len(machine.records(60)) > 239
    machine.run("00", "07")
    machine.wait(3)
    assert len(machine.records(60)) == pytest.approx(60 * 0.7 * 4, abs=8)


def test_a_locked_machine_says_nothing() -> None:
    machine = started(telemetry={"silent": True})
    assert machine.records(60) == []
    assert machine.speed == 80


def test_a_pause_may_be_told_as_the_last_speed() -> None:
    machine = started(telemetry={"reports": "last_while_paused"})
    machine.run("08 02")
    machine.wait(10)
    assert machine.speed == 0
    assert machine.records(1)[-1].instantaneous_speed == 80
    machine.run("08 01")
    assert machine.records(1)[-1].instantaneous_speed == 0


def test_steps_and_speed_by_the_running_service() -> None:
    machine = on_the_bench(telemetry={"running_speed_service": True})
    machine.treadmill.subscribe(Client(1), uuids.RSC_MEASUREMENT, enabled=True)
    machine.run("00", "07")
    machine.wait(20)
    measurement = RscMeasurement.decode(bytes.fromhex(machine.told(1, uuids.RSC_MEASUREMENT)[-1]))
    assert (measurement.speed, measurement.cadence) == (57, 56)  # 0.8 km/h in 1/256 m/s
    assert uuids.RSC_SERVICE in machine.treadmill.services()


# --- statuses ---------------------------------------------------------------------------------------------


def test_a_stop_may_be_told_when_the_belt_stands() -> None:
    machine = started(control={"status_at_rest": True, "status_to_commander": True})
    machine.run("08 01")
    machine.wait(1.0)
    assert machine.statuses() == ["04"]
    machine.wait(2.0)
    assert machine.statuses() == ["04", "02 01"]


def test_a_ramp_may_be_told_as_targets() -> None:
    machine = started(control={"speed_status_every_s": 0.3})
    machine.run("08 01")
    machine.wait(5)
    speeds = [int.from_bytes(bytes.fromhex(told)[1:3], "little") for told in machine.statuses()]
    assert len(speeds) == 6  # 0.8 km/h at 0.5 km/h/s
    assert speeds == sorted(speeds, reverse=True)
    assert speeds[-1] == 0


def test_who_subscribes_is_told_something_first() -> None:
    machine = on_the_bench(control={"first_status": "02 01"})
    machine.wait(0)
    assert machine.statuses() == ["02 01"]


def test_a_console_may_keep_its_keys_to_itself() -> None:
    machine = on_the_bench(control={"console_unreported": True})
    machine.treadmill.console.press("start")
    machine.wait(10)
    assert (machine.speed, machine.statuses()) == (80, [])


@pytest.mark.parametrize(
    ("quirk", "told"),
    [
        ({}, ["00 0e", "00 0d", "00 00"]),
        ({"training_status_vendor": True}, ["00 0e", "00 0d", "00 10", "00 11"]),
        ({"training_status_counts": True}, ["01 0e 33", "01 0e 32", "01 0e 31", "00 0d", "00 00"]),
    ],
)
def test_training_statuses(quirk: dict[str, Any], told: list[str]) -> None:
    machine = started(telemetry=quirk)
    machine.run("08 02")
    machine.wait(5)
    assert machine.told(1, uuids.TRAINING_STATUS) == told


def test_training_status_has_no_octets_before_the_first_start() -> None:
    machine = on_the_bench(telemetry={"training_status_empty": True})
    assert machine.treadmill.training_status == b""
    machine.run("00", "07")
    assert machine.treadmill.training_status == b"\x00\x0e"
    machine.run("08 01")
    assert machine.treadmill.training_status == b"\x00\x0f"


# --- the radio and the attributes -------------------------------------------------------------------------


def test_the_first_link_is_lost_and_no_later_one() -> None:
    machine = on_the_bench(link={"first_link_lasts_s": 5.0})
    machine.wait(4.9)
    assert losses(machine) == 0
    machine.wait(0.2)
    machine.treadmill.disconnect(Client(1))
    machine.connect(2)
    machine.wait(60)
    assert losses(machine) == 1


def test_it_advertises_for_a_while_after_it_is_switched_on() -> None:
    machine = on_the_bench(link={"advertises_for_s": 90.0})
    found = []
    for seconds in (0, 89, 2):
        machine.wait(seconds)
        found.append(attributes.is_advertising(machine.treadmill))
    machine.treadmill.switch_off()
    machine.treadmill.switch_on()
    assert [*found, attributes.is_advertising(machine.treadmill)] == [True, True, False, True]


def test_service_data_may_be_anything() -> None:
    machine = on_the_bench(link={"service_data_octets": "01 00 01", "name": ""})
    assert attributes.service_data(machine.treadmill, available=False) == b"\x01\x00\x01"


def test_attributes_that_are_not_there_that_lie_and_that_speak_of_something_else() -> None:
    machine = on_the_bench(
        attributes={
            "absent": ["2AD5", "2ADA"],
            "values": {"2AD4": "ff ff ff ff ff ff", "2AD3": "", "2A29": "4d", "2AD8": "00 00 ff 00 01 00"},
            "notifies": {"2AD2": "00 00 00 00", "2ADA": "f0"},
        }
    )
    services = machine.treadmill.services()
    fitness = {one.number: one for one in services[uuids.FITNESS_MACHINE_SERVICE]}
    read = {number: one.value() for number, one in fitness.items() if one.value}
    assert fitness.keys().isdisjoint({0x2AD5, 0x2ADA})
    assert (read[0x2AD4], read[0x2AD3], read[0x2AD8]) == (b"\xff" * 6, b"", b"\x00\x00\xff\x00\x01\x00")
    (maker,) = (
        one for one in services[uuids.DEVICE_INFORMATION_SERVICE] if one.number == uuids.MANUFACTURER_NAME
    )
    assert maker.value is not None
    assert maker.value() == b"M"
    assert fitness[0x2AD2].value is None
    machine.treadmill.subscribe(Client(1), 0x2AD2, enabled=True)
    sent = [e for e in machine.wait(1) if isinstance(e, Notification) and e.characteristic == 0x2AD2]
    assert {e.payload for e in sent} == {bytes(4)}
    assert len(sent) == 5


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"attributes": {"absent": ["treadmill"]}}, "'treadmill' is no hexadecimal"),
        ({"attributes": {"values": {"2A": ""}}}, "'2A' is no number of a characteristic"),
        ({"attributes": {"notifies": {"2AD2": "x"}}}, "'x' is no hexadecimal"),
        ({"control": {"start_frame": "seven"}}, "'seven' is no hexadecimal"),
        ({"control": {"denies_share": 2.0}}, "denies_share must be from 0 to 1"),
        ({"control": {"control_asks": 0}}, "control_asks must be at least 1"),
        ({"telemetry": {"step_octets": 1}}, "step_octets must be 0, 2 or 3"),
        ({"telemetry": {"extra_flags": -1}}, "extra_flags must be from 0 to 0xFFFF"),
        ({"telemetry": {"unknown": ["instantaneous_speed"]}}, "no field 'instantaneous_speed'"),
        ({"telemetry": {"distance_step_m": 0}}, "distance_step_m and distance_unit_m must be above 0"),
        ({"telemetry": {"trailing": "x"}}, "trailing: 'x' is no hexadecimal"),
        ({"belt": {"target_delay_s": -1.0}}, "must not be negative"),
    ],
)
def test_a_mistake_is_one_sentence(tables: dict[str, dict[str, Any]], said: str) -> None:
    with pytest.raises(ValueError, match="machine odd: sim") as raised:
        odd(**tables)
    assert said in str(raised.value)
