"""The wall clock, asked in one place: what is shown, sent and stored carries its time, no decision does."""

from collections.abc import Callable
from datetime import UTC, datetime

Wall = Callable[[], datetime]
"""The date and time now, with its time zone. A simulation has its own."""


def utc_now() -> datetime:
    """The wall clock of this machine."""
    return datetime.now(UTC)
