import json
import math
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from blefit.units import Speed
from retrowalk.core.model import Act, Emitted, Phase, Replied
from retrowalk.mqtt.discovery import discovery_payload
from retrowalk.mqtt.payloads import available, event_payload, reply_payload, rfc3339, state_payload, urgent
from retrowalk.mqtt.topics import Inbound, Topics, bridge_state, discovery

NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)

CONTRACT_KEYS = [
    *("time", "phase", "direction", "measured_speed_kmh", "commanded_speed_kmh", "cap_kmh", "cap_reason"),
    *("incline_percent", "distance_m", "distance_backward_m", "elapsed_s", "heart_rate_bpm"),
    *("energy_kcal_estimate", "step_index", "step_count", "step_remaining_s", "session_remaining_s"),
    *("next_step", "awaiting", "program", "walker", "fault", "link", "telemetry_age_s", "session_id"),
]


def test_the_topics_are_the_contracts():
    topics = Topics("retrowalk", "tm")
    assert topics.availability == "retrowalk/tm/availability"
    assert topics.state == "retrowalk/tm/state"
    assert topics.event == "retrowalk/tm/event"
    assert topics.reply == "retrowalk/tm/reply"
    assert topics.inbound(Inbound.COMMAND) == "retrowalk/tm/command"
    assert topics.inbound(Inbound.CONFIRM) == "retrowalk/tm/confirm"
    assert bridge_state("gym/hall") == "gym/hall/bridge/state"
    assert discovery("tm") == "homeassistant/device/retrowalk_tm/config"


def test_the_state_has_exactly_the_contracts_keys_in_order(walking):
    assert list(json.loads(state_payload(walking, NOON))) == CONTRACT_KEYS


def test_the_state_says_what_is_known_with_its_unit_and_null_for_the_rest(walking):
    state = json.loads(state_payload(walking, NOON))
    assert state["time"] == "2026-03-01T12:00:00.250Z"
    assert (state["phase"], state["direction"], state["link"]) == ("walking", "backward", "connected")
    assert (state["measured_speed_kmh"], state["commanded_speed_kmh"], state["cap_kmh"]) == (1.47, 1.5, 2.0)
    assert (state["incline_percent"], state["distance_m"], state["elapsed_s"]) == (0.5, 123.5, 61.2)
    assert {key for key, value in state.items() if value is None} == {
        "heart_rate_bpm", "energy_kcal_estimate", "step_index", "step_count", "step_remaining_s",
        "session_remaining_s", "next_step", "awaiting", "program", "walker", "fault", "telemetry_age_s",
        "session_id",
    }  # fmt: skip


def test_zero_is_zero_and_what_is_awaited_is_named(changed_state):
    state = json.loads(state_payload(changed_state(measured=Speed(0), awaiting=Act.FACING), NOON))
    assert state["measured_speed_kmh"] == 0
    assert state["awaiting"] == "facing"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_unknown(changed_state, number):
    assert json.loads(state_payload(changed_state(distance_m=number), NOON))["distance_m"] is None


def test_times_are_rfc_3339_in_utc():
    assert rfc3339(NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))) == "2026-03-01T12:00:00.250Z"


@pytest.mark.parametrize(
    ("changes", "at_once"),
    [
        ({"phase": Phase.TURNING}, True),
        ({"fault": "G8"}, True),
        ({"commanded": Speed(160)}, True),
        ({"measured": Speed(160)}, False),
        ({"distance_m": 200.0}, False),
    ],
)
def test_only_phase_fault_and_target_are_urgent(walking, changed_state, changes, at_once):
    assert (urgent(changed_state(**changes)) != urgent(walking)) is at_once


def test_the_treadmill_is_available_while_it_is_connected(walking, changed_state):
    assert available(walking)
    assert not available(changed_state(link="disconnected"))
    assert not available(changed_state(phase=Phase.DISCONNECTED))
    assert not available(None)


def test_an_event_starts_with_its_time_and_type():
    event = json.loads(event_payload(Emitted("turn", {"direction": "backward", "step": 2}), NOON))
    assert list(event.items()) == [
        ("time", "2026-03-01T12:00:00.250Z"),
        ("type", "turn"),
        ("direction", "backward"),
        ("step", 2),
    ]


def test_fields_of_an_event_do_not_take_the_place_of_its_time_and_type():
    event = json.loads(event_payload(Emitted("turn", {"time": "never", "type": "other"}), NOON))
    assert event == {"time": "2026-03-01T12:00:00.250Z", "type": "turn"}


@pytest.mark.parametrize(
    ("replied", "expected"),
    [
        (
            Replied("7", "mqtt", "start", "refused", "no such program"),
            {"id": "7", "command": "start", "outcome": "refused", "reason": "no such program"},
        ),
        (
            Replied("", "mqtt", "stop", "accepted"),
            {"id": None, "command": "stop", "outcome": "accepted", "reason": None},
        ),
        (
            Replied("\ud800", "mqtt", "", "refused", "what?"),
            {"id": "?", "command": None, "outcome": "refused", "reason": "what?"},
        ),
    ],
)
def test_a_reply_has_four_keys_and_null_for_what_was_not_given(replied, expected):
    assert json.loads(reply_payload(replied)) == expected


def test_discovery_makes_one_device_of_what_home_assistant_needs():
    device = json.loads(discovery_payload(Topics("retrowalk", "tm"), "Hall", "1.2"))
    assert device["device"] == {"identifiers": ["retrowalk_tm"], "name": "Hall", "manufacturer": "retrowalk"}
    assert device["origin"]["name"] == "retrowalk"
    assert device["availability"] == [
        {"topic": "retrowalk/bridge/state"},
        {"topic": "retrowalk/tm/availability"},
    ]
    components = device["components"]
    assert set(components) == {"speed", "cap", "phase", "stop"}
    assert len({component["unique_id"] for component in components.values()}) == 4
    assert {component["platform"] for component in components.values()} == {"sensor", "button"}
    assert components["phase"]["options"] == [phase.value for phase in Phase]
    assert components["stop"]["command_topic"] == "retrowalk/tm/command"
    assert components["stop"]["payload_press"] == "STOP"
    assert components["stop"]["retain"] is False


def test_discovery_reads_only_keys_that_the_state_has():
    text = discovery_payload(Topics("retrowalk", "tm"), "Hall", "1.2").decode()
    assert set(re.findall(r"value_json\.(\w+)", text)) <= set(CONTRACT_KEYS)
