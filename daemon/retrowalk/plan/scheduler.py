"""The task that offers each session at its time. The clock moves nothing: only an act at the machine does."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from retrowalk.clock import Wall, utc_now
from retrowalk.core.model import Offer, Request
from retrowalk.plan.schedule import Slot, cron_for, due, next_after
from retrowalk.settings import ScheduleEntry, Settings
from retrowalk.settings.fields import seconds

log = structlog.get_logger()

LONGEST_SLEEP_S = 30.0
"""The wall clock is read again at least this often: it may be set, and a machine may sleep."""

Aside = Callable[..., Awaitable[Any]]
"""Runs a function that waits for the disk where the event loop need not wait with it."""


def slots_of(settings: Settings, zone: tzinfo | None = None) -> tuple[Slot, ...]:
    """The slots of `[[schedule]]`; those without a time zone are in `zone`, by default this machine's."""
    return tuple(_slot(entry, settings, zone or local_zone()) for entry in settings.schedule)


def _slot(entry: ScheduleEntry, settings: Settings, zone: tzinfo) -> Slot:
    return Slot(
        treadmill=entry.treadmill or settings.treadmills[0].id,
        offer=Offer(entry.program, entry.walker, seconds(entry.window)),
        cron=entry.cron or cron_for(entry.at or "00:00", entry.days),
        zone=ZoneInfo(entry.timezone) if entry.timezone else zone,
    )


def local_zone(localtime: Path = Path("/etc/localtime")) -> tzinfo:
    """The time zone of this machine, with its summer time: TZ, else /etc/localtime, else UTC."""
    name = os.environ.get("TZ", "").lstrip(":") or str(localtime.resolve()).partition("zoneinfo/")[2]
    try:
        if name:
            return ZoneInfo(name)
        with localtime.open("rb") as file:
            return ZoneInfo.from_file(file, key="local")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        log.warning("the time zone of this machine is not known, schedules are in UTC", timezone=name)
        return UTC


class Scheduler:
    """Offers each slot once an instant, also across restarts: what was offered is kept in `path`."""

    def __init__(
        self,
        slots: Iterable[Slot],
        submit: Callable[[str, Request], None],
        path: Path,
        wall: Wall = utc_now,
        aside: Aside = asyncio.to_thread,
    ) -> None:
        self._slots: Sequence[Slot] = tuple(slots)
        self._submit = submit
        self._path = path
        self._wall = wall
        self._aside = aside

    async def run(self) -> None:
        """Offer until cancelled."""
        offered = await self._aside(_load, self._path)
        while True:
            now = self._wall()
            for slot in self._slots:
                instant = due(slot, now, offered.get(slot.key))
                if instant is None:
                    continue
                offered[slot.key] = instant
                # Kept first: a daemon that dies between the two misses an offer rather than repeats it.
                await self._aside(_store, self._path, offered)
                log.info("session due", treadmill=slot.treadmill, program=slot.offer.program)
                request = Request(f"schedule-{instant:%Y%m%dT%H%M}", "schedule", slot.offer)
                self._submit(slot.treadmill, request)
            await asyncio.sleep(self._pause(self._wall()))

    def _pause(self, now: datetime) -> float:
        coming = (next_after(slot, now) for slot in self._slots)
        waits = [(instant - now).total_seconds() for instant in coming if instant is not None]
        return min([LONGEST_SLEEP_S, *waits])


def _load(path: Path) -> dict[str, datetime]:
    """What was offered last for each slot; empty where nothing was kept, or nothing that can be read."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {key: datetime.fromisoformat(instant).astimezone(UTC) for key, instant in kept.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        log.warning("what the schedule offered last cannot be read", file=str(path), error=str(error))
        return {}


def _store(path: Path, offered: dict[str, datetime]) -> None:
    """All or nothing; a disk that is full costs the memory across a restart, not the offer."""
    new = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with new.open("w", encoding="utf-8") as file:
            json.dump({key: instant.isoformat() for key, instant in offered.items()}, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        log.warning("what the schedule offered cannot be kept", file=str(path), error=str(error))
