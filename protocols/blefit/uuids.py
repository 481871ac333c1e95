"""The Bluetooth numbers this package speaks, and the two ways to write them.

Source: Bluetooth SIG Assigned Numbers; the base UUID is in Core 5.4, volume 3, part B, 2.5.1.
"""

import re
from typing import Final

FITNESS_MACHINE_SERVICE: Final = 0x1826
FITNESS_MACHINE_FEATURE: Final = 0x2ACC
TREADMILL_DATA: Final = 0x2ACD
TRAINING_STATUS: Final = 0x2AD3
SUPPORTED_SPEED_RANGE: Final = 0x2AD4
SUPPORTED_INCLINATION_RANGE: Final = 0x2AD5
SUPPORTED_RESISTANCE_LEVEL_RANGE: Final = 0x2AD6
SUPPORTED_HEART_RATE_RANGE: Final = 0x2AD7
SUPPORTED_POWER_RANGE: Final = 0x2AD8
FITNESS_MACHINE_CONTROL_POINT: Final = 0x2AD9
FITNESS_MACHINE_STATUS: Final = 0x2ADA

HEART_RATE_SERVICE: Final = 0x180D
HEART_RATE_MEASUREMENT: Final = 0x2A37
RSC_SERVICE: Final = 0x1814
RSC_MEASUREMENT: Final = 0x2A53

DEVICE_INFORMATION_SERVICE: Final = 0x180A
MODEL_NUMBER: Final = 0x2A24
SERIAL_NUMBER: Final = 0x2A25
FIRMWARE_REVISION: Final = 0x2A26
HARDWARE_REVISION: Final = 0x2A27
SOFTWARE_REVISION: Final = 0x2A28
MANUFACTURER_NAME: Final = 0x2A29

CCCD: Final = 0x2902

_BASE: Final = "00001000800000805f9b34fb"
_SHORT: Final = re.compile(rf"(?:0x)?(?:0000)?([0-9a-f]{{4}})(?:{_BASE})?")


def full(uuid16: int) -> str:
    """The 128-bit form, lower case: 0x2ACD is 00002acd-0000-1000-8000-00805f9b34fb.

    Raises ValueError for a number of more than 16 bits.
    """
    if not 0 <= uuid16 <= 0xFFFF:
        raise ValueError(f"a 16-bit UUID is from 0 to 0xffff, not {uuid16:#x}")
    return f"0000{uuid16:04x}-0000-1000-8000-00805f9b34fb"


def short(uuid: str) -> int | None:
    """The 16-bit number of `2acd`, `0x2ACD`, `00002acd` or the 128-bit form, in any case.

    None for everything else, a vendor's own 128-bit UUID included.
    """
    found = _SHORT.fullmatch(uuid.strip().lower().replace("-", ""))
    return int(found[1], 16) if found else None
