"""The Control Point by the rules of FTMS 4.16, by the case names of the SIG's test suite where it has one."""

from dataclasses import replace
from typing import Any

import pytest
from tests.sim.conftest import Bench

from blefit import uuids
from retrowalk.sim.model.emissions import Answer
from retrowalk.sim.model.quirks import ControlQuirks, Quirks

CONTROL = uuids.FITNESS_MACHINE_CONTROL_POINT
OTHER = 2


@pytest.mark.parametrize(
    ("case", "written", "answer"),
    [
        ("CW/BV-01 request control", ["00"], "80 00 01"),
        ("CW/BV-02 reset", ["00", "01"], "80 01 01"),
        ("CW/BV-03 target speed", ["00", "02 c8 00"], "80 02 01"),
        ("CW/BV-04 target inclination", ["00", "03 0a 00"], "80 03 01"),
        ("CW/BV-08 start", ["00", "07"], "80 07 01"),
        ("CW/BV-09 stop", ["00", "07", "08 01"], "80 08 01"),
        ("CW/BV-10 pause", ["00", "07", "08 02"], "80 08 01"),
        ("SPE/BV-01 second start", ["00", "07", "07"], "80 07 04"),
        ("SPE/BV-02 second stop", ["00", "07", "08 01", "08 01"], "80 08 04"),
        ("SPE/BV-02 stop at rest", ["00", "08 01"], "80 08 04"),
        ("SPE/BV-03 reserved op without control", ["81"], "80 81 02"),
        ("SPE/BV-04 speed above the maximum", ["00", "02 79 05"], "80 02 03"),
        ("speed at the maximum", ["00", "02 78 05"], "80 02 01"),
        ("speed below the minimum", ["00", "02 4f 00"], "80 02 03"),
        ("SPE/BI-05 inclination below the minimum", ["00", "03 ff ff"], "80 03 03"),
        ("SPE/BI-05 inclination above the maximum", ["00", "03 65 00"], "80 03 03"),
        ("SPE/BV-09 start without control", ["07"], "80 07 05"),
        ("stop without control", ["08 01"], "80 08 05"),
        ("reset without control", ["01"], "80 01 05"),
        ("control asked for twice", ["00", "00"], "80 00 01"),
        ("reset ends the permission", ["00", "01", "07"], "80 07 05"),
        ("reserved stop parameter 0", ["00", "07", "08 00"], "80 08 03"),
        ("reserved stop parameter 3", ["00", "07", "08 03"], "80 08 03"),
        ("resistance on a treadmill", ["00", "04 0a"], "80 04 02"),
        ("stop without its parameter", ["00", "07", "08"], "80 08 03"),
        ("speed cut", ["00", "02 c8"], "80 02 03"),
        ("speed with an octet too many", ["00", "02 c8 00 00"], "80 02 03"),
        ("start with an octet too many", ["00", "07 01"], "80 07 03"),
        ("request control with an octet too many", ["00 00"], "80 00 03"),
        ("pause at rest", ["00", "08 02"], "80 08 04"),
        ("pause when paused", ["00", "07", "08 02", "08 02"], "80 08 04"),
        ("stop when paused", ["00", "07", "08 02", "08 01"], "80 08 01"),
        ("resume", ["00", "07", "08 02", "07"], "80 07 01"),
        ("start again while the belt coasts down", ["00", "07", "08 01", "07"], "80 07 01"),
        ("nothing written", [""], "att 0d"),
        ("more than an op code and 18 octets", ["00" * 20], "att 0d"),
    ],
)
def test_it_answers(spec: Bench, case: str, written: list[str], answer: str) -> None:
    assert [spec.ask(octets) for octets in written][-1] == answer, case


def test_a_write_without_indications_enabled_is_refused_by_att_fd(spec: Bench) -> None:
    spec.treadmill.subscribe(1, CONTROL, enabled=False)
    assert spec.ask("00") == "att fd"
    spec.treadmill.subscribe(1, CONTROL, enabled=True)
    assert spec.ask("00") == "80 00 01"


def test_a_write_during_a_procedure_is_refused_by_att_fe_and_does_not_disturb_it(spec: Bench) -> None:
    spec.run("00", "07")
    assert spec.treadmill.write(1, b"\x02\xc8\x00", spec.now) is None
    assert spec.ask("08 01") == "att fe"
    assert [e.payload.hex(" ") for e in spec.wait(1) if isinstance(e, Answer)] == ["80 02 01"]
    assert spec.treadmill.is_started


def test_a_procedure_ends_with_the_confirmation_not_with_the_answer(spec: Bench) -> None:
    assert spec.treadmill.write(1, b"\x00", spec.now) is None
    assert len([e for e in spec.treadmill.advance(5) if isinstance(e, Answer)]) == 1
    assert spec.treadmill.write(1, b"\x07", 5) == 0xFE
    spec.treadmill.confirmed(1)
    assert spec.treadmill.write(1, b"\x07", 5) is None


def test_a_procedure_of_one_client_does_not_keep_another_waiting(spec: Bench) -> None:
    spec.connect(OTHER)
    assert spec.treadmill.write(1, b"\x00", spec.now) is None
    assert spec.ask("00", client=OTHER) == "80 00 01"


def test_the_permission_and_the_procedure_end_with_the_connection(spec: Bench) -> None:
    spec.run("00")
    assert spec.treadmill.write(1, b"\x07", spec.now) is None
    spec.treadmill.disconnect(1)
    assert spec.wait(5) == []
    spec.connect(1)
    assert spec.ask("08 01") == "80 08 05"


def test_fmsn_bv_23_whoever_loses_control_to_another_is_told_ff(spec: Bench) -> None:
    spec.connect(OTHER)
    spec.run("00")
    assert spec.ask("00", client=OTHER) == "80 00 01"
    assert spec.statuses(1) == ["ff"]
    assert spec.statuses(OTHER) == []
    assert spec.ask("07") == "80 07 05"


def test_fmsn_bv_23_control_taken_back_at_the_console_is_told(spec: Bench) -> None:
    spec.run("00")
    spec.treadmill.take_control_away()
    spec.wait(0.1)
    assert spec.statuses() == ["ff"]
    assert spec.ask("07") == "80 07 05"


def test_fmsn_bv_24_what_a_client_does_is_told_to_the_others_only(spec: Bench) -> None:
    spec.connect(OTHER)
    spec.run("00", "07", "02 c8 00", "03 0a 00", "08 02", "07", "08 01", "01")
    assert spec.statuses(1) == []
    assert spec.statuses(OTHER) == ["04", "05 c8 00", "06 0a 00", "02 02", "04", "02 01", "01"]


def test_a_refused_request_changes_nothing_and_is_told_to_nobody(running: Bench) -> None:
    running.connect(OTHER)
    for refused in ("02 79 05", "08 03", "07", "04 0a"):
        running.ask(refused)
    running.wait(5)
    assert (running.speed, running.statuses(OTHER)) == (80, [])


def test_reset_stops_the_belt_zeroes_the_counters_and_sets_idle(running: Bench) -> None:
    running.run("02 c8 00", "01")
    running.wait(20)
    record = running.records(0.5)[-1]
    assert (record.instantaneous_speed, record.elapsed_time, record.total_distance) == (0, 0, 0)
    assert running.told(1, uuids.TRAINING_STATUS)[-1] == "00 01"


def test_training_status_follows_countdown_motion_and_stop(running: Bench) -> None:
    running.run("08 01")
    assert running.told(1, uuids.TRAINING_STATUS) == ["00 0e", "00 0d", "00 0f"]
    assert running.treadmill.training_status == b"\x00\x0f"


def test_the_answer_comes_after_its_delay(bench: type[Bench]) -> None:
    slow = bench(Quirks(control=ControlQuirks(answer_delay_s=0.2)))
    assert slow.treadmill.write(1, b"\x00", 0.0) is None
    assert not [e for e in slow.wait(0.19) if isinstance(e, Answer)]
    assert [e.payload for e in slow.wait(0.02) if isinstance(e, Answer)] == [b"\x80\x00\x01"]


@pytest.mark.parametrize(
    ("quirk", "written", "answers"),
    [
        ({"needs_control": False}, ["07"], ["80 07 01"]),
        ({"control_unanswered": True}, ["00", "07"], ["", "80 07 01"]),
        (
            {"control_lost_on_stop": True},
            ["00", "07", "08 01", "07"],
            [*["80 00 01", "80 07 01"], "80 08 01", "80 07 05"],
        ),
        ({"always_succeeds": True}, ["00", "08 01", "02 ff ff"], ["80 00 01", "80 08 01", "80 02 01"]),
        ({"pause_supported": False}, ["00", "07", "08 02"], ["80 00 01", "80 07 01", "80 08 04"]),
        ({"clamps": True}, ["00", "02 ff ff"], ["80 00 01", "80 02 01"]),
    ],
)
def test_quirk(bench: type[Bench], quirk: dict[str, Any], written: list[str], answers: list[str]) -> None:
    machine = bench(Quirks(control=replace(ControlQuirks(), **quirk)))
    assert [machine.ask(octets) for octets in written] == answers


def test_quirk_start_toggles_a_running_belt_to_stop(bench: type[Bench]) -> None:
    machine = bench(Quirks(control=ControlQuirks(start_toggles=True, always_succeeds=True)))
    machine.run("00", "07")
    machine.wait(10)
    machine.run("07")
    machine.wait(5)
    assert machine.speed == 0
    machine.run("07")
    machine.wait(10)
    assert machine.speed == 80


def test_quirk_clamped_targets_are_run_at_the_limit(bench: type[Bench]) -> None:
    machine = bench(Quirks(control=ControlQuirks(clamps=True)))
    machine.run("00", "07")
    machine.wait(5)
    machine.run("02 ff ff")
    machine.wait(60)
    assert machine.speed == 1400


def test_quirk_statuses_are_padded_and_told_to_the_commander_too(bench: type[Bench]) -> None:
    machine = bench(Quirks(control=ControlQuirks(status_to_commander=True, status_length=3)))
    machine.run("00", "07", "02 c8 00", "08 01")
    assert machine.statuses() == ["04 00 00", "05 c8 00", "02 01 00"]
