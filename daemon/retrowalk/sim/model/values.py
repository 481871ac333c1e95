"""What a client may read from the machine: the values that never change in its life."""

from blefit import device_information, uuids
from blefit.ftms.feature import Feature, MachineFeature, TargetSetting
from blefit.ftms.ranges import HeartRateRange, InclinationRange, SpeedRange
from retrowalk.sim.model.quirks import Quirks

_PULSE = HeartRateRange(60, 220, 1)


def fitness_machine(quirks: Quirks, measured: MachineFeature) -> dict[int, bytes]:
    """The readable characteristics of the Fitness Machine Service, by their 16-bit number (FTMS 4.1)."""
    ranges = quirks.ranges
    tiltable = ranges.maximum_incline > ranges.minimum_incline
    targets = TargetSetting(0)
    if quirks.control.controllable:
        targets = TargetSetting.SPEED | (TargetSetting.INCLINATION if tiltable else TargetSetting(0))
    values = {
        uuids.FITNESS_MACHINE_FEATURE: Feature(measured, targets).encode(),
        uuids.SUPPORTED_SPEED_RANGE: SpeedRange(ranges.minimum, ranges.maximum, ranges.increment).encode(),
    }
    if tiltable:
        incline = InclinationRange(ranges.minimum_incline, ranges.maximum_incline, ranges.increment_incline)
        values[uuids.SUPPORTED_INCLINATION_RANGE] = incline.encode()
    if MachineFeature.HEART_RATE in measured:
        values[uuids.SUPPORTED_HEART_RATE_RANGE] = _PULSE.encode()
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
