"""Home Assistant's device-based discovery, thin: speed, cap, phase and a stop button."""

import json

from retrowalk.core.model import Phase
from retrowalk.mqtt.topics import Inbound, Topics, bridge_state


def discovery_payload(topics: Topics, name: str, version: str) -> bytes:
    """One retained message that makes a treadmill a device in Home Assistant.

    Source: Home Assistant, MQTT discovery, "Device discovery payload".
    """
    device = f"retrowalk_{topics.treadmill}"

    def speed(key: str, label: str) -> dict[str, object]:
        return {
            "platform": "sensor",
            "unique_id": f"{device}_{key}",
            "name": label,
            "device_class": "speed",
            "unit_of_measurement": "km/h",
            "state_class": "measurement",
            "suggested_display_precision": 1,
            "value_template": f"{{{{ value_json.{key} }}}}",
        }

    document: dict[str, object] = {
        "device": {"identifiers": [device], "name": name, "manufacturer": "retrowalk"},
        "origin": {"name": "retrowalk", "sw_version": version},
        "state_topic": topics.state,
        "availability": [{"topic": bridge_state(topics.prefix)}, {"topic": topics.availability}],
        "availability_mode": "all",
        "components": {
            "speed": speed("measured_speed_kmh", "Speed"),
            "cap": speed("cap_kmh", "Speed cap") | {"entity_category": "diagnostic"},
            "phase": {
                "platform": "sensor",
                "unique_id": f"{device}_phase",
                "name": "Phase",
                "device_class": "enum",
                "options": [phase.value for phase in Phase],
                "value_template": "{{ value_json.phase }}",
            },
            "stop": {
                "platform": "button",
                "unique_id": f"{device}_stop",
                "name": "Stop",
                "command_topic": topics.inbound(Inbound.COMMAND),
                "payload_press": "STOP",
                "qos": 1,
                "retain": False,
            },
        },
    }
    return json.dumps(document, separators=(",", ":")).encode()
