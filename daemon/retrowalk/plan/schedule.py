"""When a session is due: cron lines in their time zones, across the days that have 23 or 25 hours."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from cronsim import CronSim

from retrowalk.core.model import Offer

GRACE = timedelta(minutes=2)
"""An instant that passed longer ago (the machine slept, the daemon was down) is not caught up with."""

_NONSENSE = timedelta(days=1)
"""An offer recorded this far in the future was made by a clock that was wrong."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What to offer on which treadmill, at the instants of `cron` in `zone`."""

    treadmill: str
    offer: Offer
    cron: str
    zone: tzinfo

    @property
    def key(self) -> str:
        """What tells this slot from others, also after a restart."""
        return f"{self.treadmill} {self.offer.program} {self.offer.walker or ''} {self.cron} {self.zone}"


def cron_for(at: str, days: Iterable[str]) -> str:
    """The cron line of a time of day ("07:00") on those days ("mon", "wed"); none: every day."""
    hour, minute = at.split(":")
    return f"{int(minute)} {int(hour)} * * {','.join(days) or '*'}"


def next_after(slot: Slot, instant: datetime) -> datetime | None:
    """The first instant (UTC) after `instant` at which the slot is due; None where there never is one.

    A local time that the clocks skip in spring is due once, when the gap ends; one that they repeat in
    autumn is due the first time only.
    """
    for local in CronSim(slot.cron, instant.astimezone(slot.zone)):
        found = local.astimezone(UTC)
        if found > instant:  # CronSim, started in a repeated hour, begins with the hour's first pass
            return found
    return None


def due(slot: Slot, now: datetime, offered: datetime | None) -> datetime | None:
    """The instant for which to offer the slot now: at most GRACE ago, and after the last one `offered`."""
    since = now - GRACE
    if offered is not None and since < offered < now + _NONSENSE:
        since = offered
    found = next_after(slot, since)
    return found if found is not None and found <= now else None
