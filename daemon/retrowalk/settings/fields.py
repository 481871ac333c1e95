"""What a single value of the configuration may be, and the sentence for one that it may not."""

import re
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field


def seconds(text: str) -> float:
    """The seconds of "90s", "30min" or "2h"; ValueError for anything else."""
    found = re.fullmatch(r"(\d{1,5})\s*(s|min|h)", text.strip())
    if not found:
        raise ValueError('allowed is a number with a unit, such as "90s", "30min" or "2h"')
    return int(found[1]) * {"s": 1.0, "min": 60.0, "h": 3600.0}[found[2]]


def _id(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", text):
        raise ValueError("allowed are 1 to 32 small letters, digits, - and _: it becomes part of MQTT topics")
    if text == "bridge":
        raise ValueError("this name is taken by the topic bridge/state")
    return text


def _address(text: str) -> str:
    mac, uuid = r"([0-9A-F]{2}:){5}[0-9A-F]{2}", r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}"
    if not re.fullmatch(f"{mac}|{uuid}", text.upper()):
        raise ValueError(
            "allowed is a Bluetooth address such as A4:C1:38:00:00:01 (`retrowalk scan` lists them)"
        )
    return text.upper()


def _strap(text: str) -> str:
    return _address(text) if ":" in text else text


def _url(text: str) -> str:
    if text in {"embedded", "off"}:
        return text
    allowed = 'allowed are "mqtt://host:port", "mqtts://host:port", "embedded" and "off"'
    try:
        parts = urlsplit(text)
        fits = parts.scheme in {"mqtt", "mqtts"} and parts.hostname and parts.port != 0 and not parts.query
    except ValueError:
        fits = False
    if not fits or parts.path not in {"", "/"}:
        raise ValueError(allowed)
    if "@" in parts.netloc:
        raise ValueError(
            "a user or password does not belong in it: set username, and RETROWALK_MQTT_PASSWORD"
        )
    return text


def _prefix(text: str) -> str:
    if not re.fullmatch(r"[^+#/\0\s$][^+#\0\s]*(?<!/)", text) or len(text) > 64:
        raise ValueError('allowed are 1 to 64 characters without spaces, "+", "#", or "/" at an end')
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError("allowed is the name of a time zone, such as Europe/Berlin") from None
    return text


def _clock_time(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:00)?", text):
        raise ValueError('allowed is a time of day such as "07:00"')
    return text[:5]


def _cron(text: str) -> str:
    try:
        CronSim(text, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise ValueError(f'allowed are five cron fields such as "0 7 * * mon,wed": {error}') from None
    return text


def _window(text: str) -> str:
    if not 60 <= seconds(text) <= 4 * 3600:
        raise ValueError("allowed is 1min to 4h")
    return text


Id = Annotated[str, AfterValidator(_id)]
Address = Annotated[str, AfterValidator(_address)]
StrapName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_strap)]
"""An address, or a name or name pattern; a name with a colon is none."""
MqttUrl = Annotated[str, AfterValidator(_url)]
TopicPrefix = Annotated[str, AfterValidator(_prefix)]
Zone = Annotated[str, AfterValidator(_zone)]
ClockTime = Annotated[str, AfterValidator(_clock_time)]
Cron = Annotated[str, AfterValidator(_cron)]
Window = Annotated[str, AfterValidator(_window)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
