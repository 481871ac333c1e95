"""What real machines sent decodes to what it is known to say."""

import json
from pathlib import Path
from typing import Any

import pytest

from blefit.registry import decode_json

CAPTURES = Path(__file__).parents[1] / "captures" / "vectors.json"
VECTORS = json.loads(CAPTURES.read_text(encoding="utf-8"))

ABOUT_THE_OCTETS = {
    "contact_supported", "extended_string_flag", "feature_word", "flag_bits", "flags", "length",
    "machine_type_word", "raw_string", "rr_raw", "string_flag", "target_word", "trailing_nul", "uuid16",
    "vendor_na_fields", "vendor_step_bytes",
}  # fmt: skip
"""Stated in the captures, and no key of the contract."""


def contract(decoded: dict[str, Any]) -> dict[str, Any]:
    """The stated values under the contract's names and nulls."""
    stated = {key: value for key, value in decoded.items() if key not in ABOUT_THE_OCTETS}
    stated |= dict.fromkeys(decoded.get("vendor_na_fields", []))
    if stated.get("heart_rate_bpm") == 0:
        stated["heart_rate_bpm"] = None
    return stated


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['id']}-{vector['characteristic']}")
def test_a_captured_frame_says_what_it_is_known_to_say(vector: dict[str, Any]) -> None:
    uuid = "1826" if vector["characteristic"] == "SERVICE_DATA" else vector["characteristic"]
    (told,) = decode_json(uuid, [bytes.fromhex(vector["hex"])])
    stated = contract(vector["decoded"])
    assert stated
    assert {key: told[key] for key in stated} == stated


def test_the_captures_hold_every_characteristic_that_was_seen_on_the_air() -> None:
    seen = {vector["characteristic"] for vector in VECTORS if vector["quality"].startswith("capture")}
    assert seen >= {"2ACC", "2ACD", "2AD3", "2AD4", "2AD5", "2AD9", "2ADA", "2A37", "2A24", "SERVICE_DATA"}
