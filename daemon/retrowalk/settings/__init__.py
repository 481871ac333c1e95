"""The configuration: one TOML file, closed and bounded, everything wrong with it told at once."""

from retrowalk.settings.load import SettingsError, load_settings, parse_settings, salvaged
from retrowalk.settings.model import Alarm, Log, Mqtt, Paths, Safety, ScheduleEntry, Settings, Treadmill

__all__ = [
    "Alarm",
    "Log",
    "Mqtt",
    "Paths",
    "Safety",
    "ScheduleEntry",
    "Settings",
    "SettingsError",
    "Treadmill",
    "load_settings",
    "parse_settings",
    "salvaged",
]
