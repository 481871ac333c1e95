"""What a client may read from the machine: the values that never change in its life."""

from blefit import device_information, uuids
from blefit.ftms.feature import Feature, MachineFeature, TargetSetting
from blefit.ftms.ranges import InclinationRange, SpeedRange
from retrowalk.sim.model.goals import RANGES, Goal
from retrowalk.sim.model.quirks import Quirks


def fitness_machine(quirks: Quirks, measured: MachineFeature) -> dict[int, bytes]:
    """The readable characteristics of the Fitness Machine Service, by their 16-bit number (FTMS 4.1)."""
    ranges = quirks.ranges
    tiltable = ranges.maximum_incline > ranges.minimum_incline
    targets = TargetSetting(0)
    if quirks.control.controllable:
        targets = TargetSetting.SPEED | (TargetSetting.INCLINATION if tiltable else TargetSetting(0))
        for goal in quirks.control.goals:
            targets |= goal.setting
    values = {
        uuids.FITNESS_MACHINE_FEATURE: Feature(measured, targets).encode(),
        uuids.SUPPORTED_SPEED_RANGE: SpeedRange(ranges.minimum, ranges.maximum, ranges.increment).encode(),
    }
    if tiltable:
        incline = InclinationRange(ranges.minimum_incline, ranges.maximum_incline, ranges.increment_incline)
        values[uuids.SUPPORTED_INCLINATION_RANGE] = incline.encode()
    for goal, held in RANGES.items():
        if goal.setting in targets or (goal is Goal.HEART_RATE and MachineFeature.HEART_RATE in measured):
            values[held.characteristic] = held.encode()
    return values


def device(quirks: Quirks) -> dict[int, bytes]:
    """The strings of the Device Information Service, by their 16-bit number."""
    link = quirks.link
    strings = {
        uuids.MANUFACTURER_NAME: link.manufacturer,
        uuids.MODEL_NUMBER: link.model,
        uuids.SERIAL_NUMBER: link.serial_number,
        uuids.FIRMWARE_REVISION: link.firmware,
    }
    return {number: device_information.encode(string) for number, string in strings.items()}
