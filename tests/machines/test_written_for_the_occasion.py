"""Machines that nobody makes: a session on each is completed, or ends with the reason, and the belt rests."""

from collections.abc import Mapping

import pytest
from tests.machines.fate import End, Fate, fate_of

from retrowalk.machines import MachineFile, Match

ALL_FIELDS = [
    "average_speed", "total_distance", "inclination", "elevation_gain", "pace", "energy", "heart_rate",
    "metabolic_equivalent", "elapsed_time", "remaining_time", "force_on_belt", "vendor_steps",
]  # fmt: skip
Sim = Mapping[str, Mapping[str, object]]

COMPLETED: dict[str, Sim] = {
    "flags that promise more, fields of nothing, octets behind, cut after 20": {
        "telemetry": {
            "extra_flags": 0xE000, "step_octets": 2, "trailing": "ff ff ff", "fields": ALL_FIELDS,
            "unknown": ["inclination", "total_energy", "elapsed_time"], "too_long": "cut",
        },
    },
    "the answer before the write's, the speed first, a Status for each thing and of no kind": {
        "control": {
            "answers": "indication_before_write_response", "status_to_commander": True, "status_length": 5,
            "status_at_rest": True, "speed_status_every_s": 0.2, "first_status": "ff",
        },
        "telemetry": {"too_long": "split_speed_first", "fields": ALL_FIELDS, "largest_notification": 20},
    },
    "all features claimed, each request a success": {
        "attributes": {"values": {"2ACC": "ff ff ff ff ff ff ff ff"}},
        "control": {"always_succeeds": True, "inclines_ignored": True},
    },
    "a range upside down, no Feature, no incline range": {
        "attributes": {"absent": ["2AD5", "2ACC"], "values": {"2AD4": "d0 07 50 00 00 00"}},
    },
    "values cut short": {"attributes": {"values": {"2ACC": "01", "2AD4": "50", "2AD5": "", "2AD3": ""}}},
    "answers notified, writes not acknowledged": {
        "control": {"declares_notify": True, "answers": "notification", "write_without_response": True},
    },
    "no Status, no Training Status, no range, ten records a second": {
        "attributes": {"absent": ["2ADA", "2AD3", "2AD4"]},
        "telemetry": {"notify_every_s": 0.1},
    },
    "empty and alien notifications beside the records": {
        "attributes": {"notifies": {"2ADA": "", "2AD3": "", "2AD9": "80", "2AD2": "44 00 00 00 00 00 00 00"}},
    },
    "a record each 1.9 s, 0.1 km/h wrong": {"telemetry": {"notify_every_s": 1.9, "noise_kmh": 0.1}},
    "the first record 8 s late": {"telemetry": {"first_record_after_s": 8.0}},
}  # fmt: skip

REASONED: dict[str, tuple[Sim, End, str]] = {
    "0.01 to 655.35 km/h": (
        {"attributes": {"values": {"2AD4": "01 00 ff ff 01 00"}}, "ranges": {"minimum_kmh": 1.0}},
        End.COMPLETED, "",
    ),
    "steps of 1.5 km/h": (
        {"ranges": {"minimum_kmh": 1.5, "maximum_kmh": 6.0, "increment_kmh": 1.5}},
        End.REFUSED, "in steps of 1.5 km/h, more than the 0.5 km/h that one raise may be",
    ),
    "from 3 km/h up": (
        {"ranges": {"minimum_kmh": 3.0}}, End.REFUSED, "faster than the 1.6 km/h that a belt may start at",
    ),
    "starts at 3 km/h and says 0.8": (
        {"belt": {"start_speed_kmh": 3.0, "acceleration_kmh_per_s": 10.0}},
        End.STOPPED, "the belt ran above the ceiling that nothing may pass",
    ),
    "a record each 5 s": ({"telemetry": {"notify_every_s": 5.0}}, End.STOPPED, "nobody started it in time"),
    "answers after 6 s": ({"control": {"answer_delay_s": 6.0}}, End.STOPPED, "did not grant control"),
    "silent at rest, and nobody has said so": (
        {"telemetry": {"silent_at_kmh": 0.5}}, End.STOPPED, "nobody started it in time",
    ),
    "a countdown of 12 s": (
        {"belt": {"start_delay_s": 12.0}}, End.STOPPED, "the belt did not move after Start",
    ),
}  # fmt: skip


def fate(sim: Sim) -> Fate:
    """A machine that no file is about."""
    tables = {name: dict(table) for name, table in sim.items()}
    file = MachineFile(name="x", about="x", source="x", match=Match(names=["NO MAKER"]), sim=tables)
    return fate_of(file)


@pytest.mark.parametrize("oddity", COMPLETED)
def test_whatever_is_odd_but_true_is_walked(oddity: str) -> None:
    assert fate(COMPLETED[oddity]) == Fate(End.COMPLETED, fastest_kmh=1.2)


@pytest.mark.parametrize("oddity", REASONED)
def test_what_cannot_be_walked_says_why_and_rests(oddity: str) -> None:
    sim, end, why = REASONED[oddity]
    found = fate(sim)
    assert (found.end, found.at_rest) == (end, True)
    assert why in found.why


def test_a_machine_that_waits_for_a_target_nobody_knows_of_never_moves() -> None:
    """G7: an unknown machine gets no target before motion; G10: at known rest the session ends."""
    found = fate({"belt": {"needs_target_to_move": True}})
    assert (found.end, found.fastest_kmh, found.alarmed) == (End.STOPPED, 0.0, False)
    assert found.why == "the belt did not move after Start"
